"""What must hold between two runs of every rule over files that differ in one thing."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv

from tariff.api import open_several
from tariff.engine.packtest_rules import IDENTIFIERS, _alone
from tariff.engine.run_inputs import Given
from tariff.extract.fields import REGISTERS
from tariff.extract.registers import read_registers
from tests.engine.extracts import shipped
from tests.signatures.worlds import (
    Row,
    World,
    cases,
    checked,
    every_name,
    findings_file,
    table_of,
    world_of,
)

SEED = 5
SIZE = 260


def drawn(seed: int, size: int) -> list[int]:
    return sorted(Random(seed).sample(range(len(cases())), size))


@cache
def world() -> World:
    """Tests of every family at once: thousands of records of every kind, with every register."""
    return world_of(drawn(SEED, SIZE))


@cache
def expected() -> bytes:
    """What is found in it."""
    return findings_file(checked(world().given()))


def test_there_is_much_to_find() -> None:
    found = csv.read_csv(pa.BufferReader(expected()))
    assert len(set(found["rule"].to_pylist())) > 70
    kinds = {record.partition(":")[0] for text in found["records"].to_pylist()
             for record in text.strip('[]"').split('", "')}  # fmt: skip
    assert {"spell", "attendance", "line", "emergency"} <= kinds, kinds


# ---------------------------------------------------------------- the same files in other words


def shuffled(source: str, rows: list[Row]) -> list[Row]:
    return rows if source == "registers" else Random(len(rows)).sample(rows, len(rows))


def shuffled_registers(source: str, rows: list[Row]) -> list[Row]:
    return Random(len(rows)).sample(rows, len(rows)) if source == "registers" else rows


def with_strange_column(source: str, rows: list[Row]) -> list[Row]:
    if source == "registers":  # they have no columns but their own
        return rows
    return [{**row, "colour_of_the_door": f"C{n % 3}"} for n, row in enumerate(rows)]


@pytest.mark.parametrize("change", [shuffled, with_strange_column])
def test_rows_in_another_order_and_unknown_columns_change_no_byte(change: Any) -> None:
    assert findings_file(checked(world().changed(change).given())) == expected()


def test_registers_in_another_order_change_nothing_but_the_lines_that_are_named() -> None:
    """A row of a register has no name but its line."""

    def without_lines(text: bytes) -> bytes:
        return re.sub(rb'(?<=")(%s):\d+(?=")' % b"|".join(map(str.encode, REGISTERS)), rb"\1", text)

    done = findings_file(checked(world().changed(shuffled_registers).given()))
    assert without_lines(done) == without_lines(expected())


@pytest.mark.parametrize(("threads", "parts"), [(2, 3)])
def test_threads_and_parts_change_no_byte(threads: int, parts: int) -> None:
    done = checked(world().given(), threads=threads, parts=parts)
    assert findings_file(done) == expected()


def test_files_in_pieces_change_no_byte(tmp_path: Path) -> None:
    def pieces(source: str) -> dict[str, Any]:
        found: list[Path] = []
        for name, rows in world().of(source).items():
            middle = len(rows) // 3 + 1
            for number, part in enumerate((rows[:middle], rows[middle:])):
                if part:
                    found.append(tmp_path / f"{source}-{name}-{number}.csv")
                    # both have all columns: a file without one says nothing of it
                    csv.write_csv(table_of(rows).slice(number * middle, len(part)), found[-1])
        return open_several(found, None, 1.0) if found else {}

    registers = {name: table_of(rows) for name, rows in world().of("registers").items()}
    care = {source: pieces(source) for source in ("extract", "history", "national", "earlier")}
    given = Given(**care, registers=read_registers(registers.items()))
    assert findings_file(checked(given)) == expected()


# ---------------------------------------------------------------- other patients


def test_unrelated_patients_change_no_other_finding() -> None:
    """Those of another provider, with rows in the registers that are about them."""
    more = world_of(drawn(SEED + 1, 60))
    numbers = {str(number) for number in drawn(SEED + 1, 60)}

    def elsewhere(source: str, rows: list[Row]) -> list[Row]:
        return [
            {name: _apart(name, value) for name, value in row.items()}
            for row in rows
            if source != "registers" or not IDENTIFIERS.isdisjoint(row)
        ]

    both = checked(world().plus(more.changed(elsewhere)).given())
    rows = [row for row in both.findings.to_pylist() if not _tests_of(row) & numbers]
    alone = checked(world().given()).findings.to_pylist()
    assert _keyed(rows) == _keyed(alone)
    assert len(rows) < both.findings.num_rows


def _apart(name: str, value: str) -> str:
    if name == "provider" and value:
        return "RRV"
    return f"Z{value}" if name in IDENTIFIERS and value else value


def _tests_of(row: dict[str, Any]) -> set[str]:
    """The numbers of the tests whose records a finding names; Z before those of other patients."""
    ids = [record.split(":", 2)[2] for record in row["records"]]
    return {name.partition("/")[0].removeprefix("Z") for name in ids if name.startswith("Z")}


def _keyed(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(
        (row["rule"], row["tier"], *row["records"], row["value_pence"] or 0, row["evidence"])
        for row in rows
    )


# ---------------------------------------------------------------- one field of a record


def test_a_field_of_a_record_moves_findings_of_its_patient_and_what_is_joined_to_it_only() -> None:
    """One field of one record changes in every third test: no finding of another test moves.

    Left out are rules that put records of several patients together.
    """
    random = Random(SEED)
    rules = {rule.id: rule for _, rule in shipped().packs.rules()}
    names = tuple(name for name in every_name() if not _alone(rules[name]))
    numbers = drawn(SEED, SIZE)
    touched = set(map(str, numbers[::3]))
    moved: set[str] = set()
    before = _by_test(checked(world().given(), select=names).findings.to_pylist())
    for _ in range(2):
        done = checked(_perturbed(world(), touched, random).given(), select=names)
        after = _by_test(done.findings.to_pylist())
        moved |= {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    assert moved <= touched
    assert len(moved) > len(touched) // 4  # and there findings do move


def _perturbed(whole: World, touched: set[str], random: Random) -> World:
    """Change one field of one record of each test: to a blank, or to what another record has."""
    places: dict[str, list[tuple[tuple[str, str], int]]] = {}
    for key, rows in whole.files.items():
        if key[0] == "registers":
            continue
        for index, row in enumerate(rows):
            ids = {value.partition("/")[0] for name, value in row.items() if name in IDENTIFIERS}
            for number in ids & touched:
                places.setdefault(number, []).append((key, index))
    changed = World({key: list(rows) for key, rows in whole.files.items()})
    for number in sorted(places):
        key, index = random.choice(places[number])
        rows = changed.files[key]
        row = rows[index]
        name = random.choice(sorted(name for name in row if name not in IDENTIFIERS))
        others = sorted({other[name] for other in rows if other.get(name)} - {row[name]})
        rows[index] = {**row, name: random.choice(["", *others[:6]])}
    return changed


def _by_test(rows: list[dict[str, Any]]) -> dict[str, list[tuple[Any, ...]]]:
    """Findings by the number of the test that they are of."""
    out: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        for number in {record.split(":", 2)[2].partition("/")[0] for record in row["records"]}:
            told = row["rule"], row["tier"], *row["records"], row["settled_pence"] or 0
            out.setdefault(number, []).append((*told, row["evidence"]))
    return {number: sorted(told) for number, told in out.items()}
