"""What a fault outside of admitted care is: an edit of honest rows of any dataset or register.

Admitted care has its own planters (`model`), which see whole spells. Here one honest row is given,
of an attendance, an emergency attendance, a critical care period, a line or a spell of one episode,
and rows of any dataset, register or snapshot may be changed, added or taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tariff.simulate.faults.model import FAULT, NEAR_MISS, ORIGIN, Kind, Row
from tariff.simulate.faults.model import rules as spell_rules

if TYPE_CHECKING:
    from tariff.simulate.catalogue import Bools
    from tariff.simulate.faults.desk import Desk
    from tariff.simulate.faults.sheet import Sheet

# Datasets, what a key calls a record of each, and the column that names it.
RECORDS = {
    "episodes": ("spell", "spell_id"),
    "attendances": ("attendance", "attendance_id"),
    "emergency": ("emergency", "attendance_id"),
    "critical_care": ("critical_care", "period_id"),
    "lines": ("line", "line_id"),
}


@dataclass
class Change:
    """What is done to the honest rows, and what it is worth.

    A row that has its ORIGIN stands in the place of that row; any other is new.
    """

    how: str
    put: list[tuple[str, Row]]  # dataset, register or `national/NAME`, and the row
    drop: tuple[tuple[str, int], ...] = ()  # rows taken out
    value: int | None = None  # pence; None: what is billed less what was billed honestly
    also: tuple[str, ...] = ()  # other rules that the same rows lawfully meet
    about: tuple[Row, ...] | None = None  # the rows that the key names; None: all records put
    kind_of_about: str = ""  # their dataset, where `about` is given


CareMake = Callable[["Desk", Row], "Change | None"]
CareEligible = Callable[["Sheet"], "Bools"]


@dataclass(frozen=True)
class CarePlanter:
    """One way of making a fault of a rule, or a near miss of it, in the rows of a dataset."""

    rule: str
    kind: Kind
    way: str
    says: str
    of: str  # the dataset whose rows lend themselves
    eligible: CareEligible
    make: CareMake
    needs: tuple[str, ...] = ()  # registers, and snapshots, that must be there


_PLANTERS: dict[tuple[Kind, str], list[CarePlanter]] = {}


def care_fault(
    rule: str, way: str, says: str, of: str, eligible: CareEligible, *needs: str
) -> Callable[[CareMake], CareMake]:
    """Register a way of making a fault."""
    return _register(FAULT, rule, way, says, of, eligible, needs)


def care_near_miss(
    rule: str, way: str, says: str, of: str, eligible: CareEligible, *needs: str
) -> Callable[[CareMake], CareMake]:
    """Register a way of making honest rows that look like a fault."""
    return _register(NEAR_MISS, rule, way, says, of, eligible, needs)


def care_as_it_is(rule: str, way: str, says: str, of: str, eligible: CareEligible) -> None:
    """Register honest rows that are a near miss as they stand."""
    care_near_miss(rule, way, says, of, eligible)(
        lambda desk, row: Change(says, [], about=(row,), kind_of_about=of)
    )


def _register(
    kind: Kind,
    rule: str,
    way: str,
    says: str,
    of: str,
    eligible: CareEligible,
    needs: tuple[str, ...],
) -> Callable[[CareMake], CareMake]:
    def register(make: CareMake) -> CareMake:
        ways = _PLANTERS.setdefault((kind, rule), [])
        ways.append(CarePlanter(rule, kind, way, says, of, eligible, make, needs))
        return make

    return register


def care_planters(kind: Kind, rule: str) -> list[CarePlanter]:
    """Return the ways of making a fault of a rule, or a near miss of it, in any dataset."""
    return _PLANTERS.get((kind, rule), [])


def care_rules(kind: Kind = FAULT) -> list[str]:
    """Return the ids of the rules that can be planted in any dataset, in order."""
    return sorted(rule for kind_of, rule in _PLANTERS if kind_of == kind)


def every_rule(kind: Kind = FAULT) -> list[str]:
    """Return the ids of all rules that can be planted, in order."""
    return sorted({*spell_rules(kind), *care_rules(kind)})


def changed(row: Row, **values: object) -> Row:
    """Return a row with other values, in the place of the same honest row."""
    return {**row, **values}


def added(row: Row, **values: object) -> Row:
    """Return a new row like another."""
    return {**row, ORIGIN: None, **values}
