"""Predicates of rules as instructions for `tariff._core.match`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.cells import Cells, Column, Reader, Virtual
from tariff.engine.price import EPOCH
from tariff.engine.record_set import Ids
from tariff.packs.compile import NULL64
from tariff.packs.match_fields import MATCH_FIELDS
from tariff.packs.model import (
    Every,
    Join,
    Negation,
    Operand,
    Predicate,
    Rule,
    Same,
    Shares,
    Some,
    Test,
)

ACCEPT, REJECT = -1, -2
TABLE, MISSING, PRESENT, SAME, RANGE, DIFFERENCE, APART, APART_FROM, ANY, SHARES, JOIN = range(11)
WIDTH, TRUE, FALSE = 10, 8, 9
LOWEST, HIGHEST = NULL64 + 1, np.iinfo(np.int64).max

Lists = dict[str, list[str]]


@dataclass(frozen=True)
class Binding:
    """What the names in a rule stand for."""

    rule: Rule
    lists: Lists

    def number(self, operand: Operand, of: str) -> int:
        """Give an operand in the unit of the field it is compared with.

        For other fields this is what is added to them.
        """
        plus = self.units(operand.plus, of)
        if operand.kind == "constant":
            return int(operand.value) + plus
        if operand.kind == "param":
            return self.units(operand.value, of) + plus
        return plus

    def units(self, number: int | str, of: str) -> int:
        """Give units, or the parameter of a name in the unit of a field."""
        if isinstance(number, int):
            return number
        units = self.rule.params[number] * _scale(of)
        assert units == int(units), f"{self.rule.id}: ${number} is no whole number of units"
        return int(units)

    def whole(self, number: int | str) -> int:
        """Give a whole number, or the parameter of a name: days, minutes or a count."""
        return number if isinstance(number, int) else int(self.rule.params[number])

    def column(self, operand: Operand, of: str) -> Column:
        """Give the column that an operand of fields stands for, without what is added."""
        single = operand.kind == "field"
        names = (operand.value,) if single else tuple(operand.value)
        times = operand.times
        if isinstance(times, str):
            times = Decimal(self.rule.params[times])
        factor = Fraction(1) if times is None else Fraction(times)
        scales = [_scale(name) for name in names]
        held = scales[0] * scales[1] if operand.kind == "product" else scales[0]
        factor *= Fraction(_scale(of), held)
        if single and factor == 1:
            return str(operand.value)
        return Virtual(operand.kind if not single else "sum", names, factor)


def _scale(name: str) -> int:
    """Say how many units one of what a rule writes of a field is: 100 of money."""
    known = MATCH_FIELDS.get(name)
    return known.scale if known else 1


class Program:
    """Instructions of several predicates over one list of fields, or one for each side."""

    def __init__(self, reader: Reader, *, two_lists: bool = False) -> None:
        self.reader = reader
        first: dict[Column, int] = {}
        self._rows = (first, {} if two_lists else first)
        self.code: list[list[int]] = []
        self.joins: list[tuple[Join, Binding]] = []
        self._ordered: set[str] = set()
        self._tables: dict[tuple[str, str, tuple[str, ...]], int] = {}
        self._table_parts: list[NDArray[np.uint8]] = []
        self._table_size = 0
        self._arrays: tuple[Ids, NDArray[np.uint8]] | None = None

    @property
    def width(self) -> int:
        """How many columns the cells of the first side have."""
        return len(self._rows[0])

    def row(self, column: Column, side: int = 0) -> int:
        """Row of a column in the matrix of cells of a side."""
        return self._rows[side].setdefault(column, len(self._rows[side]))

    def arrays(self) -> tuple[Ids, NDArray[np.uint8]]:
        """Give the instructions and the tables of codes."""
        if self._arrays is None:  # a rule may ask for nothing at all
            code = np.array([*self.code, [0] * WIDTH], np.int64)
            self._arrays = code, np.concatenate([*self._table_parts, np.zeros(1, np.uint8)])
        return self._arrays

    def cells(self, which: Ids, side: int = 0) -> Cells:
        """Give the cells of some records."""
        return self.reader.cells(list(self._rows[side]), which, self._ordered)

    def add_rule(self, rule: Rule, lists: Lists, also: tuple[Predicate, ...] = ()) -> int:
        """Add what a rule asks for; give the instruction it starts at."""
        parts = (
            *also,
            rule.match,
            *_dates(rule),
            *(Negation(exception.when) for exception in rule.exceptions),
        )
        return self.add(Every(parts), Binding(rule, lists))

    def add(self, predicate: Predicate, binding: Binding) -> int:
        """Add a predicate; give the instruction it starts at."""
        self._arrays = None
        return self._emit(joins_last(predicate), ACCEPT, REJECT, binding)

    def _emit(self, predicate: Predicate, true: int, false: int, binding: Binding) -> int:
        """Emit a predicate backwards: what follows it is already placed. Give where it starts."""
        match predicate:
            case Negation(part):
                return self._emit(part, false, true, binding)
            case Every(parts):
                start = true
                for part in reversed(parts):
                    start = self._emit(part, start, false, binding)
                return start
            case Some(parts):
                start = false
                for part in reversed(parts):
                    start = self._emit(part, true, start, binding)
                return start
            case Same(name, other):
                one, two = self.row(other or name, 0), self.row(name, 1)
                return self._place([SAME, one, 0, two, 1, 0, 0, 0], true, false)
            case Shares(name):
                self._ordered.add(name)
                one, two = self.row(name, 0), self.row(name, 1)
                return self._place([SHARES, one, 0, two, 1, 0, 0, 0], true, false)
            case Join():
                self.joins.append((predicate, binding))
                place = len(self.joins) - 1
                return self._place([JOIN, 0, 0, 0, 0, 0, 0, place], true, false)
            case Test():
                return self._test(predicate, true, false, binding)
        raise TypeError(predicate)

    def _place(self, instruction: list[int], true: int, false: int) -> int:
        self.code.append([*instruction, true, false])
        return len(self.code) - 1

    def _test(self, test: Test, true: int, false: int, binding: Binding) -> int:
        row, side = self.row(test.field, test.side), test.side
        if test.operation in ("missing", "present"):
            op = MISSING if test.operation == "missing" else PRESENT
            return self._place([op, row, side, 0, 0, 0, 0, 0], true, false)
        if test.operation in ("in", "starts", "list", "list_starts"):
            op = ANY if self.reader.records.is_many(test.field) else TABLE
            table = self._table(test, binding)
            return self._place([op, row, side, 0, 0, 0, 0, table], true, false)
        assert test.operand is not None
        other = binding.number(test.operand, test.field)
        constant = test.operand.kind in ("constant", "param")
        if test.operation == "differs":
            by = binding.number(test.by, test.field) if test.by else 0
            instruction = [APART_FROM, row, side, 0, 0, other, by, 0]
            if not constant:
                b = self.row(binding.column(test.operand, test.field), test.operand.side)
                instruction = [APART, row, side, b, test.operand.side, by, other, 0]
            return self._place(instruction, true, false)
        low, high = _bounds(test.operation, other)
        instruction = [RANGE, row, side, 0, 0, low, high, 0]
        if not constant:
            b = self.row(binding.column(test.operand, test.field), test.operand.side)
            instruction = [DIFFERENCE, row, side, b, test.operand.side, low, high, 0]
        return self._place(instruction, true, false)

    def _table(self, test: Test, binding: Binding) -> int:
        """Give where the table of the codes that a test takes begins."""
        wanted = tuple(test.codes)
        if test.operation in ("list", "list_starts"):
            wanted = tuple(binding.lists[test.codes[0]])
        form = "starts" if test.operation in ("starts", "list_starts") else "in"
        key = (test.field, form, wanted)
        if key not in self._tables:
            values = self.reader.vocabulary(test.field).values
            self._tables[key] = self._table_size
            self._table_parts.append(taken_codes(values, wanted, starts=form == "starts"))
            self._table_size += len(values)
        return self._tables[key]


def taken_codes(
    values: pa.StringArray, wanted: tuple[str, ...], *, starts: bool
) -> NDArray[np.uint8]:
    """Say which values are one of some codes, or start with one."""
    taken = np.zeros(len(values), bool)
    if not starts:
        taken |= np.asarray(pc.is_in(values, pa.array(wanted, pa.string())))
        return taken.astype(np.uint8)
    for length in {len(prefix) for prefix in wanted}:
        of_length = pa.array([p for p in wanted if len(p) == length], pa.string())
        taken |= np.asarray(pc.is_in(pc.utf8_slice_codeunits(values, 0, length), of_length))
    return taken.astype(np.uint8)


def joins_last(predicate: Predicate) -> Predicate:
    """Put what is looked up in other records behind what the record itself says."""
    match predicate:
        case Every(parts) | Some(parts):
            kind = type(predicate)
            found = [joins_last(part) for part in parts]
            flat = [p for f in found for p in (f.parts if isinstance(f, kind) else (f,))]
            return kind(tuple(sorted(flat, key=has_join)))
        case Negation(part):
            return Negation(joins_last(part))
    return predicate


def has_join(predicate: Predicate) -> bool:
    """Say whether a predicate looks at other records."""
    return any(isinstance(part, Join) for part in leaves(predicate))


def leaves(predicate: Predicate) -> Iterator[Predicate]:
    """Give the tests and joins of a predicate."""
    match predicate:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from leaves(part)
        case Negation(part):
            yield from leaves(part)
        case _:
            yield predicate


def alike(predicate: Predicate) -> Iterator[tuple[str, str]]:
    """Give pairs of fields that are compared as they stand, those within joins too."""
    for leaf in leaves(predicate):
        match leaf:
            case Same(name, other) if other:
                yield name, other
            case Test(name, _, _, _, Operand("field", other)):
                yield name, other
            case Join():
                for same in leaf.same:
                    yield from alike(same)
                yield from alike(leaf.where)


def _dates(rule: Rule) -> Iterator[Predicate]:
    """Ask for the dates of validity: a record without the date is within."""
    applies = rule.applies
    side = int(rule.scope in ("sequence", "set"))
    for bound, operation in ((applies.from_, "at_least"), (applies.to, "at_most")):
        if bound is not None:
            day = Operand("constant", (bound - EPOCH).days)
            yield Some(
                (
                    Test(applies.on, side, "missing"),
                    Test(applies.on, side, operation, operand=day),  # type: ignore[arg-type]
                )
            )


def _bounds(operation: str, value: int) -> tuple[int, int]:
    match operation:
        case "at_least":
            return value, HIGHEST
        case "at_most":
            return LOWEST, value
        case "above":
            return value + 1, HIGHEST
        case "below":
            return LOWEST, value - 1
        case "equals":
            return value, value
    raise ValueError(operation)
