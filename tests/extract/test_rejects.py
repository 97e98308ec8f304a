"""A row that cannot be read is a reject; one that reads but is odd is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tariff.errors import DataError
from tariff.extract import csvfile, open_extract
from tariff.extract.fields import FieldType
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
    assert masked("4012345678", "identifier") == "4... (10 characters)"
    assert masked("943 476 5919", "integer") == "9... (12 characters)"  # passes the check
    assert masked("x" * 40, "integer") == "x... (40 characters)"
    assert masked(None, "identifier") is None


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("integer", "A000003153", "A999999999"),
        ("integer", "9434765910", "9999999999"),
        ("integer", "AB 1234", "AA 9999"),
        ("integer", "1234-56", "9999-99"),
        ("date", "A000003153", "A999999999"),
        ("date", "4012345678", "9999999999"),
        ("date", "40123456", "99999999"),
        ("date", "1 Smith 1960", "9 AAAAA 9999"),
        ("time", "S000000001", "A999999999"),
        ("time", "99123456", "99999999"),
        ("money", "A000003153", "A999999999"),
        ("factor", "4012345678", "9999999999"),
        ("month", "A000003153", "A999999999"),
        ("month", "401234", "999999"),
    ],
)
def test_of_what_may_be_an_identifier_the_shape_is_shown(
    kind: FieldType, text: str, shown: str
) -> None:
    assert masked(text, kind) == shown


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("integer", ["one", "45.123287", "1,234.5", "0x1F", "A12"]),
        ("date", ["01/04/2022", "2022-02-30", "20220431", "31042022", "1 April 2022", "01-APR-22",
                  "2022-04-01 13:00:00", "April 1, 2022", "2022-04-01T09:30:00.000Z", "44652",
                  "1st May 2022", "the 5th"]),
        ("time", ["25:00", "093059", "09:30:59.123", "2022-04-01 09:30", "noon", "9:30 pm"]),
        ("month", ["2022-13", "202213", "04/2022", "April 2022", "2022-04-01", "M01"]),
        ("money", ["GBP 1234.50", "12,50", "1234.50 CR", "ten"]),
        ("factor", ["530.12", "12345.67", "£1,234.50", "123456.78"]),
    ],
)  # fmt: skip
def test_what_is_near_the_type_of_its_column_is_shown(kind: FieldType, texts: list[str]) -> None:
    assert [masked(text, kind) for text in texts] == texts


def test_a_patient_identifier_in_a_slipped_column_is_not_in_the_rejects(tmp_path: Path) -> None:
    path = csv_file(tmp_path, *GOOD, ROW.replace(",45,", ",A000003153,"))
    extract = open_extract(path)
    rows(extract)
    assert extract.rejects["value"].to_pylist() == ["A999999999"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [("530.12", True), ("£1.20", True), ("-3.10", True), ("0", False), ("x", False),
     ("1.0000000001", False)],
)  # fmt: skip
def test_a_factor_out_of_range_says_so(tmp_path: Path, text: str, hint: bool) -> None:
    header = "provider,spell_id,billed_price,billed_mff"
    extract = open_extract(csv_file(tmp_path, f"R,S,10,{text}", header=header), max_bad_rows=1)
    rows(extract)
    (reject,) = extract.rejects.to_pylist()
    assert reject["reason"].startswith(
        "not a factor above 0 and below 9 with at most nine decimals"
    )
    assert ("billed_mff_amount" in reject["reason"]) == hint
    assert (reject["value"], reject["billed_pence"]) == (text, 1000)


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
        (2, "TWO\nLINES"), (4, "X"), (5, 'A "B"')
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
