"""The days of a spell, what is taken off them, and its delayed days (docs/pricing.md, step 2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tariff.reference.factors import codes_of
from tariff.reference.group import episode_duration
from tariff.reference.spells import Key, Spell
from tariff.reference.values import Value, day, number

KINDS = ("critical_care", "rehabilitation", "palliative_care")


@dataclass(frozen=True, slots=True)
class Period:
    """A dated period of a kind, first and last day included."""

    kind: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a spell."""

    spell: int | None
    by_kind: dict[str, int]
    deducted: int
    adjusted: int | None
    delayed: int
    home_leave: int = 0  # days of it that come off


def periods_by_spell(
    rows: Iterable[Mapping[str, Value]], keys: Collection[Key]
) -> dict[Key, list[Period]]:
    """Return the rows of a periods dataset by the spell they are of, among those of some keys.

    The provider may be written in full on one side: RJ800 is RJ8.
    """
    found: dict[Key, list[Period]] = {}
    for row in rows:
        start, end = day(row, "start_date"), day(row, "end_date")
        if start is None or end is None:
            raise ValueError("a period without its dates is a reject")
        provider, spell_id = str(row["provider"]), str(row["spell_id"])
        for code in (*codes_of(provider), provider + "00"):
            if (code, spell_id) in keys:
                kind = str(row["kind"]).lower().replace(" ", "_")
                found.setdefault((code, spell_id), []).append(Period(kind, start, end))
                break
    return found


def days_of(spell: Spell, periods: Sequence[Period] = (), *, home_leave: bool = False) -> Days:
    """Count the days of a spell; with `home_leave` those of home leave come off too."""
    days = spell_days(spell)
    covered = {
        kind: _covered(spell, [period for period in periods if period.kind == kind])
        for kind in KINDS
        if any(period.kind == kind for period in periods)
    }
    counted = {kind: _counted(spell, kind) for kind in KINDS if kind not in covered}
    deducted = len(set().union(*covered.values())) + sum(counted.values())
    leave = _counted(spell, "home_leave") if home_leave else 0
    deducted += leave
    return Days(
        spell=days,
        by_kind=counted | {kind: len(calendar) for kind, calendar in covered.items()},
        deducted=deducted,
        adjusted=None if days is None or days < 0 else max(0, days - deducted),
        delayed=delayed_days(spell),
        home_leave=leave,
    )


def _counted(spell: Spell, kind: str) -> int:
    """Return the days that the episodes count; fewer than none are none."""
    return sum(max(0, number(episode, f"{kind}_days") or 0) for episode in spell.episodes)


def spell_days(spell: Spell) -> int | None:
    """Return discharge less admission, else the sum of the episode durations."""
    admitted, discharged = spell.admission_date, spell.discharge_date
    if admitted is not None and discharged is not None:
        return (discharged - admitted).days
    alone = len(spell.episodes) == 1
    durations = [episode_duration(episode, alone=alone) for episode in spell.episodes]
    known = [duration for duration in durations if duration is not None]
    return sum(known) if len(known) == len(durations) else None


def _covered(spell: Spell, periods: Iterable[Period]) -> set[date]:
    """Return the calendar days of a spell that periods cover."""
    found: set[date] = set()
    for period in periods:
        first = max(period.start, spell.admission_date or period.start)
        last = min(period.end, spell.discharge_date or period.end)
        found |= {first + timedelta(days=past) for past in range((last - first).days + 1)}
    return found


def delayed_days(spell: Spell) -> int:
    """Return the days from ready for discharge to discharge, 0 where they cannot be told."""
    given = [day(episode, "ready_for_discharge_date") for episode in spell.episodes]
    ready = next((when for when in reversed(given) if when is not None), None)
    admitted, discharged = spell.admission_date, spell.discharge_date
    if ready is None or admitted is None or discharged is None:
        return 0
    return (discharged - ready).days if admitted <= ready <= discharged else 0
