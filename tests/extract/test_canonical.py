"""A file that uses canonical names needs no layout, whatever kind of file it is."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariff.errors import UsageError
from tariff.extract import from_arrow, open_extract
from tariff.extract.fields import ARROW_TYPE, field_of
from tests.extract.tables import HEADER, ROW, csv_file, plain, read, rows, text_file

EXPECTED = {
    "provider": "RXX",
    "spell_id": "S1",
    "episode_order": 1,
    "age": 45,
    "admission_date": date(2022, 4, 1),
    "diag_01": "I10X",
    "diag_02": "E119",
    "billed_total": 123450,
    "_file": 0,
    "_line": 2,
}


def test_a_csv_file_is_read_in_the_units_of_the_tables(tmp_path: Path) -> None:
    extract = open_extract(csv_file(tmp_path, ROW))
    assert rows(extract) == [EXPECTED]
    assert extract.dataset == "episodes"
    assert extract.layout_id == "canonical"
    assert extract.fields == frozenset(HEADER.split(","))
    assert (extract.rows_read, extract.rows_rejected) == (1, 0)
    assert extract.notices == []


def test_the_types_are_those_of_the_field_dictionary(tmp_path: Path) -> None:
    extract = open_extract(csv_file(tmp_path, ROW))
    for name in extract.fields:
        field = field_of(name)
        assert field is not None
        assert extract.schema.field(name).type == ARROW_TYPE[field.type]
    assert [batch.schema for batch in extract.batches()] == [extract.schema]


def test_columns_come_in_the_order_of_the_dictionary_and_extra_ones_are_named(
    tmp_path: Path,
) -> None:
    path = csv_file(
        tmp_path, "x,E119,S1,I10X,RXX", header="Ward Name,DIAG_02,Spell_ID,diag_01,Provider"
    )
    extract = open_extract(path)
    assert extract.schema.names == ["provider", "spell_id", "diag_01", "diag_02", "_file", "_line"]
    assert extract.notices == [f"{path}: 1 column is not used: Ward Name"]


@pytest.mark.parametrize(("mark", "name"), [("\t", "tab"), ("|", "pipe")])
def test_tab_and_pipe_are_found_by_the_header(tmp_path: Path, mark: str, name: str) -> None:
    path = csv_file(tmp_path, ROW.replace(",", mark), header=HEADER.replace(",", mark))
    extract = open_extract(path)
    assert rows(extract) == [EXPECTED]
    assert extract.notices == [f"{path}: read as {name}-separated"]


def test_gzip_is_read_and_hashed_as_it_lies(tmp_path: Path) -> None:
    packed = gzip.compress(csv_file(tmp_path, ROW).read_bytes())
    path = text_file(tmp_path, packed, "extract.csv.gz")
    extract = open_extract(path)
    assert rows(extract) == [EXPECTED]
    (given,) = extract.inputs
    assert given.sha256 == hashlib.sha256(packed).hexdigest()
    assert (given.name, given.bytes, given.rows) == (str(path), len(packed), 1)


def test_parquet_is_read_with_its_own_types_and_hashed(tmp_path: Path) -> None:
    table = pa.table(
        {
            "provider": ["RXX", "RXX"],
            "spell_id": pa.array(["S1", "S2"], pa.large_string()),
            "age": pa.array([45.0, None]),
            "admission_date": pa.array([date(2022, 4, 1), None], pa.date32()),
            "sex": pa.array([1, 2], pa.int8()),
            "billed_price": pa.array([12, 13], pa.int16()),
            "billed_mff": pa.array([1.05, None]),
            "billed_total": pa.array([12.34, 0.1]),
            "diag_01": pa.array(["i10.x", "I10X"]).dictionary_encode(),
        }
    )
    path = tmp_path / "extract.parquet"
    pq.write_table(table, path)
    extract = open_extract(path)
    first, second = rows(extract)
    assert first["age"] == 45
    assert second["age"] is None
    assert [first["sex"], second["sex"]] == ["1", "2"]
    assert first["admission_date"] == date(2022, 4, 1)
    assert [first["billed_price"], first["billed_total"], second["billed_total"]] == [
        1200,
        1234,
        10,
    ]
    assert first["billed_mff"] == 1_050_000_000
    assert [first["diag_01"], second["diag_01"]] == ["I10X", "I10X"]
    assert [first["_line"], second["_line"]] == [1, 2]  # rows of Parquet count from 1
    assert extract.inputs[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_row_group_keeps_its_row_numbers(tmp_path: Path) -> None:
    table = pa.table({"provider": ["R"] * 10, "spell_id": [str(number) for number in range(10)]})
    path = tmp_path / "extract.parquet"
    pq.write_table(table, path, row_group_size=3)
    found = rows(open_extract(path))
    assert [(row["_line"], row["spell_id"]) for row in found] == [
        (number + 1, str(number)) for number in range(10)
    ]


def test_a_sheet_is_read_with_its_dates_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADER.split(","))
    sheet.append(["RXX", "S1", 1, 45.0, date(2022, 4, 1), "I10X", "E119", 1234.5])
    sheet.append([])
    sheet.append(["RXX", "S2", 1, 45, "2022-04-01", None, None, "1,234.50"])
    path = tmp_path / "extract.xlsx"
    book.save(path)
    extract = open_extract(path)
    first, second = rows(extract)
    assert first == EXPECTED
    assert second["_line"] == 4
    assert second["billed_total"] == 123450
    assert extract.rows_read == 2


def test_a_polars_frame_with_categories_and_views(tmp_path: Path) -> None:
    frame = pl.read_csv(csv_file(tmp_path, ROW, ROW.replace("S1", "S2"))).with_columns(
        pl.col("provider").cast(pl.Categorical), pl.col("admission_date").str.to_date()
    )
    found = rows(from_arrow(frame))
    assert found[0] == EXPECTED | {"_line": 1}
    assert found[1] == EXPECTED | {"_line": 2, "spell_id": "S2"}


def test_an_arrow_table_gives_the_same_twice_and_a_stream_once() -> None:
    table = pa.table({"provider": ["R"], "spell_id": ["S"]})
    extract = from_arrow(table)
    assert plain(read(extract)) == plain(read(extract))
    stream = from_arrow(table.to_reader())
    assert len(rows(stream)) == 1
    with pytest.raises(UsageError, match="has been read"):
        rows(stream)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(UsageError, match="is not an Arrow table"):
        from_arrow({"provider": ["R"]})


def test_files_are_read_as_given_and_columns_of_any_are_in_all(tmp_path: Path) -> None:
    april = csv_file(tmp_path, "RXX,S1,44", header="provider,spell_id,age", name="b.csv")
    may = csv_file(tmp_path, "RXX,S2,1", header="provider,spell_id,sex", name="a.csv")
    extract = open_extract([april, may])
    first, second = rows(extract)
    assert [first["spell_id"], first["age"], first["sex"], first["_file"]] == ["S1", 44, None, 0]
    assert [second["spell_id"], second["age"], second["sex"], second["_file"]] == [
        "S2",
        None,
        "1",
        1,
    ]
    assert [given.name for given in extract.inputs] == [str(april), str(may)]
    assert extract.notices == [f"{april}: has no sex", f"{may}: has no age"]


def test_progress_ends_with_all_bytes(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW)
    seen: list[tuple[int, int]] = []
    rows(open_extract(path, progress=lambda done, total: seen.append((done, total))))
    size = path.stat().st_size
    assert seen[-1] == (size, size)
