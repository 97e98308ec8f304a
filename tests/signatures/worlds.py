"""Worlds of every kind of record, rich in findings: inline tests of the shipped rules at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import pyarrow as pa

from tariff.engine.packtest_rules import BASE, IDENTIFIERS
from tariff.engine.run import Options, Run, check
from tariff.engine.run_inputs import Given
from tariff.extract import from_arrow
from tariff.extract.registers import key_of, read_registers
from tariff.packs.match_fields import DATASET_OF
from tariff.packs.model import Rule, RuleTest, SignaturesPack
from tests.engine.extracts import as_csv, shipped

Row = dict[str, str]
Files = dict[tuple[str, str], list[Row]]  # by source (`registers` too) and dataset or register


@dataclass
class World:
    """Rows of every file of a run."""

    files: Files = field(default_factory=dict)

    def add(self, number: int, test: RuleTest, patient: str = "") -> None:
        """Add the rows of a test; identifiers begin with its number, the patient may be given."""
        for name, rows in {"spells": test.rows, **test.others}.items():
            source, _, kind = f"extract/{name}".rpartition("/")
            source = source.rpartition("/")[2]
            dataset = DATASET_OF.get(kind, kind)
            for row in rows:
                whole = row if source == "registers" else {**defaults(kind), **row}
                self._put(source, dataset, _own(number, whole, patient))

    def _put(self, source: str, name: str, row: Row) -> None:
        there = self.files.setdefault((source, name), [])
        if source == "registers":  # two rows of one key are refused; a blank stands for any
            key = key_of(name)
            if any(all(_alike(row.get(k), other.get(k)) for k in key) for other in there):
                return
        there.append(row)

    def changed(self, change: Callable[[str, list[Row]], list[Row]]) -> World:
        """Give the world with its files changed, each by itself."""
        files = {key: change(key[0], list(rows)) for key, rows in self.files.items()}
        return World({key: rows for key, rows in files.items() if rows})

    def plus(self, other: World) -> World:
        """Give both worlds together."""
        keys = dict.fromkeys([*self.files, *other.files])
        return World({k: [*self.files.get(k, []), *other.files.get(k, [])] for k in keys})

    def of(self, source: str) -> dict[str, list[Row]]:
        """Give the files of a source by name."""
        return {name: rows for (of, name), rows in self.files.items() if of == source}

    def given(self) -> Given:
        """Open the files."""
        care: dict[str, Any] = {
            source: {
                name: from_arrow(table_of(rows), max_bad_rows=1.0, dataset=name)
                for name, rows in self.of(source).items()
            }
            for source in ("extract", "history", "national", "earlier")
        }
        registers = {name: table_of(rows) for name, rows in self.of("registers").items()}
        return Given(**care, registers=read_registers(registers.items()))


def _alike(one: str | None, other: str | None) -> bool:
    return not one or not other or one == other


def _own(number: int, row: Mapping[str, str], patient: str) -> Row:
    return {
        name: patient
        if patient and value and name == "patient_id"
        else f"{number}/{value}"
        if name in IDENTIFIERS and value
        else value
        for name, value in row.items()
    }


def table_of(rows: list[Row]) -> pa.Table:
    """Rows as a table of text."""
    names = sorted({name for row in rows for name in row})
    return pa.table({n: pa.array([row.get(n) for row in rows], pa.string()) for n in names})


@cache
def defaults(kind: str) -> Row:
    """What a row of a kind holds unless a test says otherwise."""
    (pack,) = [p for p in shipped().packs if isinstance(p.manifest, SignaturesPack)]
    assert isinstance(pack.manifest, SignaturesPack)
    given = pack.manifest.test_defaults
    if kind != "spells":
        given = pack.manifest.test_defaults_of.get(kind, {})
    order = {"episode_order": "1"} if kind == "spells" else {}
    return {**BASE, **order, **{name: str(value) for name, value in given.items()}}


@cache
def cases() -> tuple[tuple[Rule, RuleTest], ...]:
    """Every inline test of the shipped rules."""
    return tuple((rule, test) for _, rule in shipped().packs.rules() for test in rule.tests)


def world_of(numbers: Sequence[int], patients: Random | None = None) -> World:
    """Make a world of some tests; `patients` draws few, who are of several tests at once."""
    world = World()
    for number in numbers:
        patient = "" if patients is None else f"P{patients.randrange(len(numbers) // 4 + 1)}"
        world.add(number, cases()[number][1], patient)
    return world


@cache
def every_name() -> tuple[str, ...]:
    """The ids of all shipped rules."""
    return tuple(rule.id for _, rule in shipped().packs.rules())


def checked(given: Given, **options: Any) -> Run:
    """Check with every rule, of any level and status."""
    chosen = {"select": every_name(), "level": "low", "threads": 1, **options}
    return check(given, Options(**chosen), rulebook=shipped())


def findings_file(run: Run) -> bytes:
    """The findings as the bytes of a CSV file."""
    return as_csv(run.findings)
