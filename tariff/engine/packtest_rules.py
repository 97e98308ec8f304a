"""The inline tests of rules: all of a pack over one numbering of records.

Each test has patients and records of its own: identifiers are prefixed with its number. What other
registers are keyed by (practices, wards, codes) has no owner, so tests whose rules look at such a
register are matched in turns, each with its own rows alone; and a rule that puts records together
by no identifier is tested by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.pipeline import Stages
from tariff.engine.record_set import KINDS, SOURCES, RecordSet
from tariff.engine.register_columns import RegisterColumns
from tariff.engine.run import Options, match_rules, settle_hits
from tariff.engine.run_inputs import Given
from tariff.engine.run_read import Read, Reader
from tariff.engine.select import Selected
from tariff.errors import DataError
from tariff.extract import Extract, from_arrow
from tariff.extract.fields import REGISTERS
from tariff.extract.registers import read_register
from tariff.packs.compile import Rulebook
from tariff.packs.match_fields import DATASET_OF
from tariff.packs.model import (
    Every,
    Join,
    Negation,
    Predicate,
    Rule,
    RuleTest,
    Same,
    SignaturesPack,
    Some,
)

IDENTIFIERS = frozenset(
    {
        "patient_id",
        "spell_id",
        "attendance_id",
        "line_id",
        "period_id",
        "approval_id",
        "record_id",
        "challenge_id",
    }
)
# registers without such a column: their rows are of no one test
SHARED = frozenset(
    name
    for name, fields in REGISTERS.items()
    if not any(item.key and item.name in IDENTIFIERS for item in fields)
)
BASE = {"provider": "X00", "patient_id": "P1"}
Row = dict[str, str]


@dataclass
class Found:
    """What was found of a test: the value of each finding, what is settled of all, the tiers."""

    values: list[int | None] = field(default_factory=list)
    settled: int = 0
    tiers: set[str] = field(default_factory=set)

    def add(self, row: dict[str, Any]) -> None:
        """Add a row of the findings."""
        self.values.append(row["value_pence"])
        self.settled += row["settled_pence"] or 0
        self.tiers.add(row["tier"] or "")

    def compared(self, test: RuleTest) -> str:
        """Say what is not as the test expects it; empty where all is."""
        if len(self.values) != test.finds:
            return f"expected {test.finds} findings, found {len(self.values)}"
        value = sum(pence for pence in self.values if pence is not None)
        if test.value is not None and value != int(test.value * 100):
            return f"expected a value of {test.value:,.2f}, found {_pounds(value)}"
        if test.settled is not None and self.settled != int(test.settled * 100):
            return f"expected {test.settled:,.2f} settled, found {_pounds(self.settled)}"
        if test.tier and self.tiers != {test.tier}:
            return f"expected tier {test.tier}, found {', '.join(sorted(self.tiers))}"
        return ""


@dataclass(frozen=True)
class Case:
    """A test, its rule, and its number, which its identifiers begin with."""

    number: int
    rule: Rule
    test: RuleTest


class RuleTests:
    """Runs the tests of a pack. `run` gives what was wrong with each, empty where it passed."""

    def __init__(self, rulebook: Rulebook, pack: SignaturesPack, rules: Sequence[Rule]) -> None:
        self._rulebook = rulebook
        self._pack = pack
        self._lists = {name: [str(c) for c in codes] for name, codes in pack.lists.items()}
        pairs = [(rule, test) for rule in rules for test in rule.tests]
        self.cases = [Case(number, rule, test) for number, (rule, test) in enumerate(pairs)]
        self._found = {case.number: Found() for case in self.cases}
        self._unread: dict[int, str] = {}

    def run(self) -> list[tuple[Case, str]]:
        """Run every test."""
        together = [case for case in self.cases if not _alone(case.rule)]
        for batch in (together, *([case] for case in self.cases if _alone(case.rule))):
            if batch:
                self._batch(batch)
        return [(case, self._wrong(case)) for case in self.cases]

    # -- one numbering of records

    def _batch(self, cases: Sequence[Case]) -> None:
        by_source = {source: dict(self._extracts(cases, source)) for source in SOURCES}
        given = Given(
            by_source["extract"],
            by_source["history"],
            by_source["national"],
            by_source["earlier"],
        )
        try:
            read = Reader(self._rulebook, Stages()).read(given)
        except DataError as error:  # no row of a kind can be read, which the rejects say better
            for case in cases:
                self._unread[case.number] = error.message
        else:
            for turn in turns(cases):
                self._turn(read, turn)
        for source, kind, extract in given.extracts():
            numbers = [number for number, _ in self._rows(cases, source, kind)]
            for row in extract.rejects.to_pylist():
                told = f"{row['column']} of {kind}: {row['reason']}"
                if (source, kind) == ("extract", "spells"):
                    told = f"{row['column']}: {row['reason']}"
                self._unread[numbers[row["line"] - 1]] = told

    def _extracts(self, cases: Sequence[Case], source: str) -> Iterator[tuple[str, Extract]]:
        for kind in KINDS:
            rows = [row for _, row in self._rows(cases, source, kind)]
            if rows:
                dataset = DATASET_OF[kind]
                yield dataset, from_arrow(_table(rows), max_bad_rows=1.0, dataset=dataset)

    def _rows(self, cases: Iterable[Case], source: str, kind: str) -> Iterator[tuple[int, Row]]:
        """Give the rows of one kind with the number of their test."""
        name = kind if source == "extract" else f"{source}/{kind}"
        pack = self._pack
        given = pack.test_defaults if kind == "spells" else pack.test_defaults_of.get(kind, {})
        base = {} if source == "registers" else BASE
        base = base | ({"episode_order": "1"} if kind == "spells" else {})
        defaults = {**base, **{key: str(value) for key, value in given.items()}}
        for case in cases:
            rows = case.test.rows if name == "spells" else case.test.others.get(name, ())
            for row in rows:
                yield case.number, _own(case.number, {**defaults, **row})

    # -- one call of the matcher

    def _turn(self, read: Read, cases: Sequence[Case]) -> None:
        """Match the tests of a turn at once; each rule is settled by itself."""
        records = RecordSet([*read.records.blocks, *self._registers(cases)])
        rules = {case.rule.key: case.rule for case in cases}
        selected = [
            Selected(rule, self._pack.id, self._lists, kinds=rule.of, maps=self._pack.maps)
            for rule in rules.values()
        ]
        hits = match_rules(records, selected, Options())
        for item in selected:
            mine = {case.number for case in cases if case.rule is item.rule}
            findings, settlement = settle_hits(read.priced, records, [item], hits)
            for row in findings.to_pylist():
                for number in _numbers(row["records"]) & mine:
                    self._found[number].add(row)
            for _, spells in settlement.factor_questions:
                for number in _asking(read.columns, spells):
                    if number in mine:
                        self._found[number].values.append(None)

    def _registers(self, cases: Sequence[Case]) -> Iterator[RegisterColumns]:
        for name in REGISTERS:
            rows = [row for _, row in self._rows(cases, "registers", name)]
            if not rows:
                continue
            try:
                yield RegisterColumns(name, read_register(name, _table(rows)).table)
            except DataError:
                if rows := self._readable(name, cases):
                    yield RegisterColumns(name, read_register(name, _table(rows)).table)

    def _readable(self, name: str, cases: Sequence[Case]) -> list[Row]:
        """Give the rows of the tests whose own register can be read; note the others."""
        rows: list[Row] = []
        for case in cases:
            mine = [row for _, row in self._rows([case], "registers", name)]
            if not mine:
                continue
            try:
                read_register(name, _table(mine))
            except DataError as error:
                self._unread[case.number] = error.message
            else:
                rows += mine
        return rows

    def _wrong(self, case: Case) -> str:
        if case.number in self._unread:
            return f"a row cannot be read: {self._unread[case.number]}"
        return self._found[case.number].compared(case.test)


def turns(cases: Iterable[Case]) -> list[list[Case]]:
    """Part tests into calls in which no two look at the same shared register."""
    out: list[tuple[set[str], list[Case]]] = [(set(), [])]
    for case in cases:
        looked_at = {name for join in joins_of(case.rule) for name in join.of} & SHARED
        turn = next((turn for turn in out if not looked_at & turn[0]), None)
        if turn is None:
            turn = (set(), [])
            out.append(turn)
        turn[0].update(looked_at)
        turn[1].append(case)
    return [members for _, members in out]


def joins_of(rule: Rule) -> list[Join]:
    """Give every join of a rule."""
    parts = [rule.match, *(exception.when for exception in rule.exceptions)]
    parts += [tier.when for tier in rule.tiers if tier.when is not None]
    return [join for part in parts for join in _joins(part)]


def _joins(predicate: Predicate) -> Iterator[Join]:
    match predicate:
        case Join():
            yield predicate
        case Every(parts) | Some(parts):
            for part in parts:
                yield from _joins(part)
        case Negation(part):
            yield from _joins(part)


def _alone(rule: Rule) -> bool:
    """Say whether a rule puts records together by no identifier: any test's would do."""
    key = rule.set_key
    if key is not None and not key.copies and IDENTIFIERS.isdisjoint(key.key):
        return True
    return any(
        SHARED.isdisjoint(join.of) and not any(_identifies(same) for same in join.same)
        for join in joins_of(rule)
    )


def _identifies(same: Same) -> bool:
    return same.field in IDENTIFIERS or same.other in IDENTIFIERS


def _own(number: int, row: Row) -> Row:
    return {
        name: f"{number}/{value}" if name in IDENTIFIERS and value else value
        for name, value in row.items()
    }


def _table(rows: Sequence[Row]) -> pa.Table:
    names = sorted({name for row in rows for name in row})
    return pa.table({n: pa.array([row.get(n) for row in rows], pa.string()) for n in names})


def _numbers(records: Sequence[str]) -> set[int]:
    """Give the tests whose records a finding names; none for one about a provider."""
    ids = [record.split(":", 2)[2].partition("/") for record in records]
    return {int(number) for number, slash, _ in ids if slash and number.isdigit()}


def _asking(columns: SpellColumns, spells: NDArray[np.int64]) -> list[int]:
    """Give the test of each question: one a provider and year, in the test its spells are of."""
    given = columns.price_input
    names = columns.texts("spell_id", spells).to_pylist()
    asked = {
        (int(name.partition("/")[0]), int(given.provider[s]), int(given.year[s]))
        for name, s in zip(names, spells.tolist(), strict=True)
    }
    return [index for index, _, _ in sorted(asked)]


def _pounds(pence: int) -> str:
    return f"{pence / 100:,.2f}"
