"""An extract written in a layout that ships reads back to the same canonical rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from tariff.cli.synth import synth
from tariff.errors import UsageError
from tariff.extract import open_extract
from tariff.extract.layout import Layout, find_layout, shipped_layouts
from tariff.extract.read import Extract
from tariff.simulate import synthesise, write_extract, write_in_layout
from tariff.simulate.columns import BILLED

Row = dict[str, Any]
SINGLE = sorted(name for name, layout in shipped_layouts().items() if not layout.tables)
SEVERAL = sorted(name for name, layout in shipped_layouts().items() if layout.tables)


@cache
def honest() -> tuple[pa.RecordBatch, ...]:
    return tuple(synthesise(700, 5, month="2022-11"))


def batches() -> Iterator[pa.RecordBatch]:
    return iter(honest())


def rows_of(extract: Extract) -> list[Row]:
    table = pa.Table.from_batches(list(extract.batches()))
    assert extract.rejects.num_rows == 0
    names = [name for name in table.column_names if not name.startswith("_")]
    return list(table.select(names).to_pylist())


def filled(row: Row, names: set[str]) -> Row:
    return {name: value for name, value in row.items() if name in names and value is not None}


def same(written: list[Row], canonical: list[Row], mapped: set[str], last_only: bool) -> None:
    """Compare what the layout has a place for; spell money may stand on every episode."""
    mapped -= {"billed_mff_amount"}
    assert len(written) == len(canonical)
    for one, other in zip(written, canonical, strict=True):
        names = mapped
        if last_only and other["billed_hrg"] is None:
            names = mapped - set(BILLED)
        assert filled(one, names) == filled(other, names)


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    path = tmp_path_factory.mktemp("canonical") / "x.csv"
    write_extract(path, batches())
    return rows_of(open_extract([path]))


def mapped(layout: Layout) -> set[str]:
    found = set(layout.specs())
    for table in layout.tables.values():
        found |= set(table.columns)
        for family in table.lists:
            found |= {f"{family}_{i:02d}" for i in range(1, 100)}
    return found


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("name", SINGLE)
def test_a_file_reads_back(tmp_path: Path, canonical: list[Row], name: str, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    assert write_in_layout(path, batches(), name) == 700
    opened = open_extract([path])
    assert opened.layout_id == name, "it is known by its header"
    same(rows_of(opened), canonical, mapped(find_layout(name)), last_only=False)


@pytest.mark.parametrize("name", SEVERAL)
def test_tables_read_back(tmp_path: Path, canonical: list[Row], name: str) -> None:
    folder = tmp_path / "tables"
    assert write_in_layout(folder, batches(), name) == 700
    layout = find_layout(name)
    assert {path.name for path in folder.iterdir()} == {f"{table}.csv" for table in layout.tables}
    opened = open_extract([folder], layout=name)
    same(rows_of(opened), canonical, mapped(layout), last_only=True)


def test_dots_and_positions(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write_in_layout(path, batches(), "national-grouper-apc-max")
    header, first = path.read_text("ascii").splitlines()[:2]
    assert len(header.split(",")) == len(first.split(",")) == 215
    assert first.split(",")[14][3] == "."


def test_a_layout_of_ones_own(tmp_path: Path, canonical: list[Row]) -> None:
    layout = tmp_path / "local.yaml"
    layout.write_text(
        "id: local\nversion: '1'\ntitle: Ours\nstatus: complete\nrecognise: [Spell No]\n"
        "date_formats: [DD/MM/YYYY]\ntime_formats: [HHMM]\nmoney: pence\ncolumns:\n"
        "  provider: {column: Trust}\n  spell_id: {column: Spell No}\n"
        "  admission_date: {column: In}\n  admission_time: {column: At}\n"
        "  billed_total: {column: Cost}\nfamilies:\n  diag: {column: 'Dx {n}', count: 14}\n"
    )
    path = tmp_path / "x.csv"
    write_in_layout(path, batches(), layout)
    lines = path.read_text("ascii").splitlines()
    assert lines[0].startswith("Trust,Spell No,In,At,Cost,Dx 1,Dx 2")
    assert lines[1].split(",")[2][2] == "/"
    names = {"provider", "spell_id", "admission_date", "admission_time", "billed_total"}
    names |= {f"diag_{i:02d}" for i in range(1, 15)}
    same(rows_of(open_extract([path], layout=layout)), canonical, names, last_only=False)


def test_tables_need_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a folder"):
        write_in_layout(tmp_path / "x.csv", batches(), "sus-plus-apc")


def test_the_command_writes_any_layout(tmp_path: Path) -> None:
    order = ["--episodes", "200", "--month", "2022-11", "--layout"]
    for name in SINGLE + SEVERAL:
        target = tmp_path / (name if name in SEVERAL else f"{name}.csv")
        result = CliRunner().invoke(synth, ["-o", str(target), *order, name])
        assert result.exit_code == 0, result.output
        assert len(rows_of(open_extract([target], layout=name))) == 200
