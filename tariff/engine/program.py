"""Predicates of rules as instructions for `tariff._core.match`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.price import EPOCH
from tariff.packs.compile import NULL64
from tariff.packs.match_fields import MATCH_FIELDS, scaled
from tariff.packs.model import (
    Every,
    Negation,
    Operand,
    Predicate,
    Rule,
    Same,
    Some,
    Test,
)

ACCEPT, REJECT = -1, -2
TABLE, MISSING, PRESENT, SAME, RANGE, DIFFERENCE, APART, APART_FROM = range(8)
LOWEST, HIGHEST = NULL64 + 1, np.iinfo(np.int64).max


@dataclass
class Program:
    """Instructions of several predicates over one list of fields."""

    columns: SpellColumns
    fields: list[str] = field(default_factory=list)
    code: list[list[int]] = field(default_factory=list)
    tables: list[NDArray[np.uint8]] = field(default_factory=list)
    _table_size: int = 0

    def row(self, name: str) -> int:
        """Row of a field in the matrix of cells."""
        if name not in self.fields:
            self.fields.append(name)
        return self.fields.index(name)

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Give the instructions and the tables of codes."""
        code = np.array([*self.code, [0] * 10], np.int64)  # a rule may ask for nothing at all
        return code, np.concatenate([*self.tables, np.zeros(1, np.uint8)])

    def cells(self, which: NDArray[np.int64]) -> NDArray[np.int64]:
        """[field, record] of some spells."""
        out = np.empty((max(len(self.fields), 1), len(which)), np.int64)
        for index, name in enumerate(self.fields):
            if self.columns.is_code(name):
                ids = self.columns.codes(name)[0][which]
                out[index] = np.where(ids < 0, NULL64, ids)
            else:
                out[index] = self.columns.number(name)[which]
        return out

    def add_rule(self, rule: Rule, lists: dict[str, list[str]]) -> int:
        """Add what a rule asks for; give the instruction it starts at."""
        parts: list[Predicate] = [rule.match, *self._dates(rule)]
        if rule.pairing is not None:  # records stand patient by patient already
            parts[:0] = [Same(name) for name in rule.pairing.same if name != "patient_id"]
        parts += [Negation(exception.when) for exception in rule.exceptions]
        return self._emit(Every(tuple(parts)), ACCEPT, REJECT, Binding(rule, lists))

    def _dates(self, rule: Rule) -> Iterator[Predicate]:
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
            case Same(name):
                row = self.row(name)
                return self._place([SAME, row, 0, row, 1, 0, 0, 0], true, false)
            case Test():
                return self._test(predicate, true, false, binding)
        raise TypeError(predicate)

    def _place(self, instruction: list[int], true: int, false: int) -> int:
        self.code.append([*instruction, true, false])
        return len(self.code) - 1

    def _test(self, test: Test, true: int, false: int, binding: Binding) -> int:
        row, side = self.row(test.field), test.side
        if test.operation in ("missing", "present"):
            op = MISSING if test.operation == "missing" else PRESENT
            return self._place([op, row, side, 0, 0, 0, 0, 0], true, false)
        if test.operation in ("in", "starts", "list"):
            table = self._code_table(test, binding)
            return self._place([TABLE, row, side, 0, 0, 0, 0, table], true, false)
        assert test.operand is not None
        other = binding.number(test.operand, test.field)
        if test.operation == "differs":
            by = binding.number(test.by, test.field) if test.by else 0
            if test.operand.kind == "field":
                b = self.row(test.operand.value)
                instruction = [APART, row, side, b, test.operand.side, by, other, 0]
            else:
                instruction = [APART_FROM, row, side, 0, 0, other, by, 0]
            return self._place(instruction, true, false)
        low, high = _bounds(test.operation, other)
        if test.operand.kind == "field":
            b = self.row(test.operand.value)
            instruction = [DIFFERENCE, row, side, b, test.operand.side, low, high, 0]
        else:
            instruction = [RANGE, row, side, 0, 0, low, high, 0]
        return self._place(instruction, true, false)

    def _code_table(self, test: Test, binding: Binding) -> int:
        wanted = tuple(test.codes)
        if test.operation == "list":
            wanted = tuple(binding.lists[test.codes[0]])
        if test.field in self.columns.frame.texts:
            values: list[str] = self.columns.frame.texts[test.field].values.to_pylist()
        else:
            values = self.columns.codes(test.field)[1]
        if test.operation == "starts":
            table = np.array([value.startswith(wanted) for value in values], np.uint8)
        else:
            table = np.array([value in wanted for value in values], np.uint8)
        start = self._table_size
        self.tables.append(table)
        self._table_size += len(table)
        return start


@dataclass(frozen=True)
class Binding:
    """What the names in a rule stand for."""

    rule: Rule
    lists: dict[str, list[str]]

    def number(self, operand: Operand, of: str) -> int:
        """Give an operand in the unit of the field it is compared with.

        For another field this is what is added to it.
        """
        if operand.kind == "field":
            return operand.plus
        if operand.kind == "param":
            units = scaled(MATCH_FIELDS[of], self.rule.params[operand.value])
            assert units is not None, (
                f"{self.rule.id}: ${operand.value} is no whole number of units"
            )
            return units + operand.plus
        return int(operand.value) + operand.plus


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
