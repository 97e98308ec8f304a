"""A row that cannot be read is a reject; one that reads but is odd is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tariff.errors import DataError
from tariff.extract import csvfile, open_extract
from tariff.extract.rejects import masked
from tariff.schemas import REJECTS
from tests.extract.tables import HEADER, ROW, csv_file, rows

GOOD = [ROW.replace("S1", f"S{number}") for number in range(100)]


def test_the_table_has_its_schema_even_when_empty(tmp_path: Path) -> None:
    extract = open_extract(csv_file(tmp_path, ROW))
    rows(extract)
    assert extract.rejects.schema == REJECTS
    assert len(extract.rejects) == 0


def test_every_bad_cell_is_listed_and_the_money_once(tmp_path: Path) -> None:
    bad = ",S7,one,45,1 April,I10X,,99.99"
    path = csv_file(tmp_path, *GOOD, bad)
    extract = open_extract(path)
    assert len(rows(extract)) == 100
    assert (extract.rows_read, extract.rows_rejected) == (101, 1)
    assert extract.rejects.to_pylist() == [
        {"file": str(path), "line": 102, "column": "provider", "value": None,
         "reason": "missing", "billed_pence": 9999},
        {"file": str(path), "line": 102, "column": "episode_order", "value": "one",
         "reason": "not a whole number", "billed_pence": None},
        {"file": str(path), "line": 102, "column": "admission_date", "value": "1 April",
         "reason": "not a date (YYYY-MM-DD)", "billed_pence": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "cells", "billed"),
    [
        ("billed_total,billed_price", "10,5", 1000),
        ("billed_price,billed_mff_amount,billed_mff", "5,0.50,1.2", 550),
        ("billed_price,billed_mff", "5.55,1.5", 833),
        ("billed_price", "5", 500),
        ("billed_total", "ten", None),
        ("age", "3", None),
    ],
)
def test_billed_money_of_a_reject(
    tmp_path: Path, header: str, cells: str, billed: int | None
) -> None:
    path = csv_file(tmp_path, f",S1,{cells}", header=f"provider,spell_id,{header}")
    extract = open_extract(path, max_bad_rows=1)
    assert rows(extract) == []
    assert extract.rejects["billed_pence"][0].as_py() == billed


def test_identifiers_and_what_looks_like_one_are_masked() -> None:
    assert masked("4012345678", identifier=True) == "4... (10 characters)"
    assert masked("943 476 5919", identifier=False) == "9... (12 characters)"  # passes the check
    assert masked("9434765910", identifier=False) == "9434765910"
    assert masked("x" * 40, identifier=False) == "x... (40 characters)"
    assert masked(None, identifier=True) is None


def test_odd_values_stay_in(tmp_path: Path) -> None:
    header = ("provider,spell_id,age,patient_classification,admission_date,discharge_date,"
              "episode_duration,billed_hrg,billed_total,sex")  # fmt: skip
    path = csv_file(tmp_path, "R,S,400,10,2022-04-09,2022-04-01,-8,XX99Q,0,Q", header=header)
    extract = open_extract(path)
    assert len(rows(extract)) == 1
    assert extract.rows_rejected == 0


def test_rows_of_the_wrong_width_are_rejects_on_their_own_line(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW, "RXX,S2", ROW, ROW + ",more", ROW)
    extract = open_extract(path, max_bad_rows=1)
    assert [row["_line"] for row in rows(extract)] == [2, 4, 6]
    assert [
        (row["line"], row["column"], row["value"], row["reason"])
        for row in extract.rejects.to_pylist()
    ] == [
        (3, "", None, "expected 8 columns, found 2"),
        (5, "", None, "expected 8 columns, found 9"),
    ]
    assert (extract.rows_read, extract.rows_rejected) == (5, 2)


def test_blank_lines_count_as_lines_but_not_as_rows(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW, "", "  ", ",,,,,,,", ROW, "")
    extract = open_extract(path)
    assert [row["_line"] for row in rows(extract)] == [2, 6]
    assert (extract.rows_read, extract.rows_rejected) == (2, 0)


def test_a_line_break_between_quotes_does_not_shift_the_lines(tmp_path: Path) -> None:
    header = "provider,spell_id,ward,age"
    path = csv_file(
        tmp_path, 'R,1,"two\nlines",4', "R,2,x,5", 'R,3,"a ""b""\n\n",6', "R,4,x,y", header=header
    )
    extract = open_extract(path, max_bad_rows=1)
    assert [(row["_line"], row["ward"]) for row in rows(extract)] == [
        (2, "two\nlines"), (4, "x"), (5, 'a "b"')
    ]  # fmt: skip
    assert extract.rejects["line"].to_pylist() == [8]


@pytest.mark.parametrize("block", [64, 200, 1000, 1 << 20])
def test_lines_are_right_whatever_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(csvfile, "BLOCK", block)
    lines = []
    for number in range(200):
        row = ROW.replace("S1", f"S{number + 2}")  # the spell is named after its line
        if number % 7 == 3:
            row += ",more"
        elif number % 11 == 5:
            row = ""
        elif number % 13 == 6:
            row = row.replace("2022-04-01", "soon")
        lines.append(row)
    extract = open_extract(csv_file(tmp_path, *lines), max_bad_rows=1)
    found = rows(extract)
    assert all(row["spell_id"] == f"S{row['_line']}" for row in found)
    rejected = extract.rejects
    wide = [number + 2 for number in range(200) if number % 7 == 3]
    late = [n + 2 for n in range(200) if n % 7 != 3 and n % 11 != 5 and n % 13 == 6]
    assert rejected["line"].to_pylist() == sorted(wide + late)
    assert extract.rows_read == len(found) + len(wide) + len(late)


def test_too_many_rejects_are_an_error_with_counts_and_places_but_no_data(tmp_path: Path) -> None:
    bad = [f"RXX,SECRET{number},1,old,2022-04-01,I10X,,1" for number in range(6)]
    path = csv_file(tmp_path, *GOOD[:94], *bad)
    extract = open_extract(path)
    with pytest.raises(DataError) as caught:
        rows(extract)
    text = str(caught.value)
    assert caught.value.exit_code == 4
    assert "6 of 100 rows (6.0%) cannot be read; at most 5.0% may be" in text
    assert "6 x age: not a whole number" in text
    assert f"{path}:96 (age)" in text
    assert "SECRET" not in text
    assert "old" not in text
    assert len(rows(open_extract(path, max_bad_rows=0.06))) == 94


def test_a_missing_key_with_other_values_is_a_reject(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW, ROW.replace("S1", " "), header=HEADER)
    extract = open_extract(path, max_bad_rows=0.5)
    assert len(rows(extract)) == 1
    assert extract.rejects["reason"].to_pylist() == ["missing"]


def test_a_stray_quote_does_not_swallow_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [b'R,S,5" pipe', *[b"R,S,x"] * 20, b""]
    block = b"\n".join(lines)
    assert csvfile.end_of_records(block) == 0  # a record may be longer than a block
    monkeypatch.setattr(csvfile, "LONGEST_RECORD", 100)
    assert csvfile.end_of_records(block) == len(block)
