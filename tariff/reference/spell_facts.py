"""What the episodes of a spell tell: their dates, procedures dated, codes not valid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from tariff.reference.facts import Fields, each_once
from tariff.reference.spells import Spell
from tariff.reference.values import Episode, day, days_since_epoch, text

OF_EPISODES = {
    "any_administrative_category": "administrative_category",
    "any_treatment_function": "treatment_function",
    "any_ward": "ward",
}


def episode_fields(spell: Spell) -> Fields:
    """Return what the episodes tell beside their codes."""
    dated = [when for episode in spell.episodes for when in _procedure_dates(episode)]
    gaps, overlaps = [0], [0]
    for before, after in pairwise(spell.episodes):
        starts, ends = zip(_span(before), _span(after), strict=True)
        if starts[1] is not None and ends[0] is not None:
            gaps.append((starts[1] - ends[0]).days)
            if starts[0] is not None and ends[1] is not None:
                overlaps.append((min(ends[0], ends[1]) - max(starts[0], starts[1])).days)
    return {
        "episodes": len(spell.episodes),
        "first_procedure_date": days_since_epoch(min(dated, default=None)),
        "last_procedure_date": days_since_epoch(max(dated, default=None)),
        "episode_gap_days": max(gaps),
        "episode_overlap_days": max(overlaps),
        "episode_outside_days": max(_outside(spell)),
        **{
            name: each_once(text(episode, column) for episode in spell.episodes)
            for name, column in OF_EPISODES.items()
        },
    }


def _procedure_dates(episode: Episode) -> Iterator[date]:
    for column in episode:
        if column.startswith("oper_date_"):
            when = day(episode, column)
            if when is not None:
                yield when


def _span(episode: Episode) -> tuple[date | None, date | None]:
    return day(episode, "episode_start_date"), day(episode, "episode_end_date")


def _outside(spell: Spell) -> Iterator[int]:
    """Give how many days each episode lies before admission, and after discharge."""
    yield 0
    for episode in spell.episodes:
        for when in (day(episode, "episode_start_date"), day(episode, "episode_end_date")):
            if when is None:
                continue
            if spell.admission_date is not None:
                yield (spell.admission_date - when).days
            if spell.discharge_date is not None:
                yield (when - spell.discharge_date).days
