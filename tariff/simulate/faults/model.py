"""What a planted fault is: an edit of honest rows, what it is worth, and how it is undone.

Nothing here, nor in any module of this folder, knows how a fault is found: no module of detection
is imported (`tests/simulate/test_faults.py` holds the folder to that). The engine is asked for one
thing only, the bill of a record that has been changed (`bench`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tariff.simulate.catalogue import Bools
    from tariff.simulate.faults.bench import Bench
    from tariff.simulate.faults.view import View

Row = dict[str, Any]  # a row of the extract; ORIGIN says which honest row it is, None a new one
Spell = list[Row]
Kind = Literal["fault", "near_miss"]

FAULT: Kind = "fault"
NEAR_MISS: Kind = "near_miss"
ORIGIN = "_row"


@dataclass
class Made:
    """What stands in the file instead of one honest spell, in the order of the file.

    Every honest row is there once, in its old order; new rows stand anywhere between.
    """

    spells: Sequence[Spell]
    how: str
    value: int | None = None  # pence; None: what is billed less what was billed honestly
    also: tuple[str, ...] = ()  # other rules that the same rows lawfully meet
    about: tuple[int, ...] | None = None  # which spells the key names; None: all of them


# A planter gives what it made, or nothing where the spell does not lend itself. It may first yield
# spells that it has changed: they come back billed as they now stand, or the planter is given up.
Making = Generator[Sequence[Spell], None, Made | None]
Make = Callable[["Bench", Spell], "Made | Making | None"]
Eligible = Callable[["View"], "Bools"]


@dataclass(frozen=True)
class Planter:
    """One way of making a fault of one rule, or a near miss of it."""

    rule: str
    kind: Kind
    way: str
    says: str  # one line for people
    eligible: Eligible
    make: Make
    needs: str = ""  # a register


@dataclass(frozen=True)
class Undo:
    """Rows to take out, and cells to put back: (row, column, honest value as text or None)."""

    remove: tuple[str, ...] = ()
    put: tuple[tuple[str, str, str | None], ...] = ()


@dataclass(frozen=True)
class Planted:
    """One line of the key."""

    kind: Kind
    rule: str
    way: str
    provider: str
    records: tuple[str, ...]  # kind:provider:id, sorted
    value_pence: int  # billed less what an honest bill of these records would have been
    change_pence: int  # billed less what stands billed in the honest extract
    also: tuple[str, ...]
    how: str
    undo: Undo = field(default_factory=Undo, compare=False)


_PLANTERS: dict[tuple[Kind, str], list[Planter]] = {}


def fault(
    rule: str, way: str, says: str, eligible: Eligible, *, needs: str = ""
) -> Callable[[Make], Make]:
    """Register a way of making a fault."""
    return _register(FAULT, rule, way, says, eligible, needs)


def near_miss(rule: str, way: str, says: str, eligible: Eligible) -> Callable[[Make], Make]:
    """Register a way of making honest rows that look like a fault."""
    return _register(NEAR_MISS, rule, way, says, eligible, "")


def as_it_is(rule: str, way: str, says: str, eligible: Eligible) -> None:
    """Register honest rows that are a near miss as they stand: nothing is changed."""
    near_miss(rule, way, says, eligible)(lambda bench, spell: Made([spell], says))


def _register(
    kind: Kind, rule: str, way: str, says: str, eligible: Eligible, needs: str
) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        ways = _PLANTERS.setdefault((kind, rule), [])
        ways.append(Planter(rule, kind, way, says, eligible, make, needs))
        return make

    return register


def planters(kind: Kind, rule: str) -> list[Planter]:
    """Return the ways of making a fault of a rule, or a near miss of it."""
    return _PLANTERS.get((kind, rule), [])


def rules(kind: Kind = FAULT) -> list[str]:
    """Return the ids of the rules that can be planted, in order."""
    return sorted(rule for kind_of, rule in _PLANTERS if kind_of == kind)
