"""Says whether a predicate of a signature holds, as docs/signatures.md has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tariff.extract.fields import DATASETS, REGISTERS
from tariff.packs.model import (
    Every,
    Join,
    Negation,
    Operand,
    Predicate,
    Same,
    Shares,
    Some,
    Test,
)
from tariff.reference.values import days_since_epoch, half_up
from tariff.reference.world import Entry, RecordValue, World
from tariff.schemas import MFF_UNIT

_COLUMNS = [f for fields in (*DATASETS.values(), *REGISTERS.values()) for f in fields]
MONEY = frozenset(f.name for f in _COLUMNS if f.type == "money") | {
    "amount", "base", "best_practice", "billed", "billed_product", "list_price", "long_stay",
    "pre_mff", "short_stay", "top_up", "total",
}  # fmt: skip
FACTORS = frozenset(f.name for f in _COLUMNS if f.type == "factor") | {"mff", "billed_factor"}

PATIENT = "patient_id"
MOST_SPELLS = 1000  # records of one patient; of more the number stands for many people

Sides = tuple[Entry, Entry]  # previous and current, other and this; one record is both


@dataclass(frozen=True, slots=True)
class Context:
    """What predicates refer to beside their records."""

    world: World
    params: Mapping[str, object] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)


class ManyPeopleError(Exception):
    """A join was asked of a patient number that stands for many people."""


def scale_of(name: str) -> int:
    """Return how many units of a field one pound, or a factor of one, or one day is."""
    if name in MONEY:
        return 100
    return MFF_UNIT if name in FACTORS else 1


def holds(predicate: Predicate, sides: Sides, context: Context) -> bool:
    """Say whether a predicate holds of a pair; one record alone stands on both sides."""
    match predicate:
        case Test():
            return _test(predicate, sides, context)
        case Same():
            return same(predicate, *sides)
        case Shares():
            return bool(
                set(_values(sides[0].get(predicate.field)))
                & set(_values(sides[1].get(predicate.field)))
            )
        case Every():
            return all(holds(part, sides, context) for part in _in_turn(predicate))
        case Some():
            return any(holds(part, sides, context) for part in _in_turn(predicate))
        case Negation():
            return not holds(predicate.part, sides, context)
        case Join():
            return joined(predicate, sides[1], context)


def _in_turn(predicate: Every | Some) -> list[Predicate]:
    """Return what is asked one by one: joins are looked up last, and only where they decide."""
    kind = type(predicate)
    parts: list[Predicate] = []
    for part in predicate.parts:
        parts += _in_turn(part) if isinstance(part, kind) else [part]
    return sorted(parts, key=_looks_up)


def _looks_up(predicate: Predicate) -> bool:
    match predicate:
        case Every() | Some():
            return any(_looks_up(part) for part in predicate.parts)
        case Negation():
            return _looks_up(predicate.part)
    return isinstance(predicate, Join)


def same(asked: Same, other: Entry, this: Entry) -> bool:
    """Say whether two records have the same value, neither missing."""
    value = this.get(asked.field)
    return value is not None and value == other.get(asked.other or asked.field)


# ---------------------------------------------------------------- one comparison


def _values(value: RecordValue) -> tuple[str | int, ...]:
    """Return the values of a field, of one value or of several."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _test(test: Test, sides: Sides, context: Context) -> bool:
    values = _values(sides[test.side].get(test.field))
    if test.operation == "missing":
        return not values
    if test.operation == "present":
        return bool(values)
    return any(_of_one(test, value, sides, context) for value in values)


def _of_one(test: Test, value: str | int, sides: Sides, context: Context) -> bool:
    if test.operation == "in":
        return str(value) in test.codes
    if test.operation == "starts":
        return str(value).startswith(test.codes)
    if test.operation == "list":
        return str(value) in context.lists[test.codes[0]]
    if test.operation == "list_starts":
        return str(value).startswith(tuple(context.lists[test.codes[0]]))
    if isinstance(value, str):
        return _code_comparison(test, value, sides)
    return _comparison(test, value, sides, context)


def _code_comparison(test: Test, value: str, sides: Sides) -> bool:
    """Compare a code with that of another field: they are equal, or they differ."""
    assert test.operand is not None
    assert test.operand.kind == "field"
    other = sides[test.operand.side].get(test.operand.value)
    return isinstance(other, str) and (value == other) == (test.operation == "equals")


def _comparison(test: Test, left: int, sides: Sides, context: Context) -> bool:
    assert test.operand is not None
    right = operand(test.operand, test.field, sides, context)
    if right is None:
        return False  # a comparison with a missing value is false
    match test.operation:
        case "at_least":
            return left >= right
        case "at_most":
            return left <= right
        case "above":
            return left > right
        case "below":
            return left < right
        case "equals":
            return left == right
    by = None if test.by is None else operand(test.by, test.field, sides, context)
    if test.by is not None and by is None:
        return False
    return abs(left - right) > (by or 0)


# ---------------------------------------------------------------- numbers


def number_named(name: object, context: Context) -> Fraction:
    """Return a number as a rule writes it: itself, or the parameter of that name."""
    value = context.params[name] if isinstance(name, str) else name
    if isinstance(value, date):
        return Fraction(days_since_epoch(value) or 0)
    return Fraction(str(value))


Bounds = tuple[int | str | None, int | str | None]


def lies_within(value: int | None, bounds: Bounds, context: Context) -> bool:
    """Say whether a value lies within bounds, which may be parameters."""
    low, high = (None if bound is None else number_named(bound, context) for bound in bounds)
    return within(value, low, high)


def operand(asked: Operand, compared: str, sides: Sides, context: Context) -> Fraction | None:
    """Return the right side of a comparison in the units of the field compared.

    Fields are reckoned in pounds, factors and days, so that what is multiplied has its own unit.
    """
    unit = scale_of(compared)
    if asked.kind == "constant":
        return Fraction(asked.value)
    if asked.kind == "param":
        return number_named(asked.value, context) * unit
    names = (asked.value,) if asked.kind == "field" else tuple(asked.value)
    numbers: list[Fraction] = []
    for name in names:
        value = sides[asked.side].number(name)
        if value is None:
            return None
        numbers.append(Fraction(value, scale_of(name)))
    found = _taken_together(asked.kind, numbers)
    if asked.times is not None:
        found *= number_named(asked.times, context)
    plus = asked.plus
    added = number_named(plus, context) * unit if isinstance(plus, str) else Fraction(plus)
    return half_up(found * unit) + added


def _taken_together(kind: str, numbers: list[Fraction]) -> Fraction:
    match kind:
        case "sum":
            return sum(numbers, Fraction(0))
        case "less":
            return numbers[0] - numbers[1]
        case "product":
            return numbers[0] * numbers[1]
        case "least":
            return min(numbers)
        case "most":
            return max(numbers)
    return numbers[0]


# ---------------------------------------------------------------- joins


def others_of(join: Join, this: Entry, context: Context) -> list[Entry]:
    """Return every record that a join finds for one, in the order of records."""
    sources = (join.source,) if join.source else ("extract", "history")
    of_patient = any({asked.field, asked.other or PATIENT} == {PATIENT} for asked in join.same)
    if of_patient and of_many(this, join.of, sources, context):
        raise ManyPeopleError
    values = tuple(this.get(asked.field) for asked in join.same)
    if None in values:
        return []
    found = context.world.equal_in(
        join.of,
        sources,
        [asked.other or asked.field for asked in join.same],
        values,
    )
    return [
        other
        for other in found
        if other is not this
        and (not join.before or other.order < this.order)
        and _stands(join, other, this, context)
        and holds(join.where, (other, this), context)
    ]


def of_many(entry: Entry, kinds: Sequence[str], sources: Sequence[str], context: Context) -> bool:
    """Say whether more records of the kinds asked carry a patient number than a person has."""
    patient = entry.get(PATIENT)
    if patient is None:
        return False
    return len(context.world.equal_in(kinds, sources, [PATIENT], (patient,))) > MOST_SPELLS


def _stands(join: Join, other: Entry, this: Entry, context: Context) -> bool:
    """Say whether days, minutes and validity are as asked."""
    days = difference(this.number("start_date"), other.number("end_date"))
    minutes = difference(this.number("start_at"), other.number("end_at"))
    return (
        lies_within(days, join.days, context)
        and lies_within(minutes, join.minutes, context)
        and (not join.on or valid_on(other, this.number(join.on)))
    )


def difference(later: int | None, earlier: int | None) -> int | None:
    """Return the one less the other, None where one is missing."""
    return None if later is None or earlier is None else later - earlier


def within(value: int | None, low: int | Fraction | None, high: int | Fraction | None) -> bool:
    """Say whether a value lies within bounds; a missing one only where none is set."""
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def valid_on(row: Entry, when: int | None) -> bool:
    """Say whether a row of a register holds on a day."""
    if when is None:
        return False
    first, last = row.number("valid_from"), row.number("valid_to")
    return (first is None or when >= first) and (last is None or when <= last)


def joined(join: Join, this: Entry, context: Context) -> bool:
    """Say whether there are as many other records as asked."""
    sources = (join.source,) if join.source else ("extract", "history")
    if not context.world.holds_any(join.of, sources):
        return False
    count = len(others_of(join, this, context))
    if count < number_named(join.at_least, context):
        return False
    return join.at_most is None or count <= number_named(join.at_most, context)


def first_with(predicate: Predicate) -> Join | None:
    """Return the first `with` that is not within `any` or `not`."""
    if isinstance(predicate, Join):
        return None if predicate.at_most == 0 else predicate
    if isinstance(predicate, Every):
        for part in predicate.parts:
            found = first_with(part)
            if found is not None:
                return found
    return None


def partner_of(predicate: Predicate, this: Entry, context: Context) -> Entry | None:
    """Return the record that the first `with` of a match finds.

    The last before this record in the order of records, else the first after it; of a register the
    first row.
    """
    join = first_with(predicate)
    found = [] if join is None else others_of(join, this, context)
    if not found:
        return None
    if found[0].kind in REGISTERS:
        return min(found, key=lambda row: row.place)
    before = [other for other in found if other.order < this.order]
    return before[-1] if before else found[0]
