"""Groups one period of critical care, as docs/grouping-other-care.md has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tariff.packs.model import Applies, CriticalCareGroupsPack
from tariff.reference.tables import PackLike, of_kind
from tariff.reference.values import Value, day, number, text


@dataclass(frozen=True, slots=True)
class CriticalCareTables:
    """A pack of critical care groups."""

    manifest: CriticalCareGroupsPack

    @property
    def applies(self) -> Applies:
        """The dates of the pack."""
        return self.manifest.applies


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What grouping says of a period."""

    hrg: str | None
    organs: int | None
    critical_care_days: int
    warnings: tuple[str, ...]
    group_reason: str | None

    @property
    def warning_flag(self) -> str | None:
        """F where there is a warning."""
        return "F" if self.warnings else None


def critical_care_tables(packs: Iterable[PackLike]) -> list[CriticalCareTables]:
    """Return every pack of critical care groups."""
    return [CriticalCareTables(manifest) for manifest, _ in of_kind(packs, CriticalCareGroupsPack)]


def group_period(
    tables: CriticalCareTables, row: Mapping[str, Value], fields: frozenset[str]
) -> Period:
    """Group a period. `fields` are the canonical columns that the extract has."""
    rules = tables.manifest
    organs = sum(any(_days(row, name) > 0 for name in organ.days) for organ in rules.organs)
    reason = _not_of_adults(tables, row, fields)
    counted = {name for organ in rules.organs for name in organ.days}
    if reason is None and not counted & fields:
        reason = "no_organ_days"
    length = critical_care_days(row)
    return Period(
        hrg=str(rules.hrgs[min(organs, len(rules.hrgs) - 1)]) if reason is None else None,
        organs=organs if reason is None else None,
        critical_care_days=length,
        warnings=_warnings(row, fields, length),
        group_reason=reason,
    )


def _days(row: Mapping[str, Value], name: str) -> int:
    """Return a count of days; one that is missing or negative is none."""
    return max(0, number(row, name) or 0)


def _not_of_adults(
    tables: CriticalCareTables, row: Mapping[str, Value], fields: frozenset[str]
) -> str | None:
    if "unit_function" not in fields:
        return None
    unit = text(row, "unit_function")
    if unit in tables.manifest.adult_units:
        return None
    if unit in tables.manifest.paediatric_units:
        return "paediatric_needs_days"
    if unit in tables.manifest.neonatal_units:
        return "neonatal_needs_days"
    return "unit_function_unknown"


def critical_care_days(row: Mapping[str, Value]) -> int:
    """Return discharge minus start plus one, -1 where the dates are unusable."""
    first, last = day(row, "start_date"), day(row, "end_date")
    if first is None or last is None or last < first:
        return -1
    return (last - first).days + 1


def _warnings(row: Mapping[str, Value], fields: frozenset[str], length: int) -> tuple[str, ...]:
    """Return the warnings; one whose columns the extract does not have is not given."""
    levels, breathing = (
        {"level_2_days", "level_3_days"},
        {"basic_respiratory_days", "advanced_respiratory_days"},
    )
    at_level = sum(_days(row, name) for name in levels)
    supported = sum(_days(row, name) for name in breathing)
    found = {
        "dates_unusable": length == -1,
        "level_days_above_stay": length != -1 and at_level > length,
        "respiratory_days_above_stay": length != -1 and supported > length,
        "respiratory_days_above_level_days": bool(levels & fields) and supported > at_level,
    }
    return tuple(name for name, holds in found.items() if holds)
