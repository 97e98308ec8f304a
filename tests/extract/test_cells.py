"""What a cell may look like, and what it becomes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariff.extract import from_arrow, open_extract
from tariff.extract.fields import FieldType
from tariff.extract.values import Cleaning, Reading, read_one, typed_values
from tests.extract.tables import csv_file, read, rows, text_file


def cell(folder: Path, column: str, text: str) -> Any:
    """A cell of one column, read; the text 'reject' when the row is one."""
    quoted = '"' + text.replace('"', '""') + '"'
    path = csv_file(folder, f"R,S,{quoted}", header=f"provider,spell_id,{column}")
    found = rows(open_extract(path, max_bad_rows=1))
    return found[0][column] if found else "reject"


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("diag_01", "i10.x", "I10X"),
        ("diag_01", " I 10X ", "I10X"),
        ("diag_01", ".", None),
        ("diag_01", ". I10X", "I10X"),
        ("diag_01", "\u00a0I10X", "I10X"),
        ("oper_01", "W37.1", "W371"),
        ("sex", " 1 ", "1"),
        ("sex", "  ", None),
        ("sex", "NULL", None),
        ("admission_method", "2A", "2A"),
        ("admission_method", "2a", "2A"),
        ("billed_hrg", " dz11t ", "DZ11T"),
        ("ward", "été", "ÉTÉ"),
        ("statement", "Freeze", "freeze"),
        ("statement", " FLEX ", "flex"),
        ("statement", "flex", "flex"),
        ("commissioning_serial_number", "=a 12", "=a 12"),
        ("patient_id", "a1B", "a1B"),
        ("administrative_category", "01", "01"),
        ("commissioning_serial_number", "=A 12 ", "=A 12"),
        ("age", "45", 45),
        ("age", " 45", 45),
        ("age", "007", 7),
        ("age", "45.0", 45),
        ("age", "-3", -3),
        ("age", "400", 400),
        ("age", "45.5", "reject"),
        ("age", "0x1F", "reject"),
        ("age", "4 5", "reject"),
        ("age", "99999999999", "reject"),
        ("age", "forty", "reject"),
        ("admission_date", "2022-04-01", date(2022, 4, 1)),
        ("admission_date", "2022-04-01 00:00:00", date(2022, 4, 1)),
        ("admission_date", "2022-04-01T00:00:00.000", date(2022, 4, 1)),
        ("admission_date", "2022-04-01 13:00:00", "reject"),
        ("admission_date", "2022-02-30", "reject"),
        ("admission_date", "01/04/2022", "reject"),
        ("admission_time", "09:30", 570),
        ("admission_time", "09:30:59", 570),
        ("admission_time", "24:00", "reject"),
        ("billed_total", "1234.5", 123450),
        ("billed_total", "£1,234.50", 123450),
        ("billed_total", "-12.30", -1230),
        ("billed_total", "(12.30)", -1230),
        ("billed_total", "12.30-", -1230),
        ("billed_total", "0", 0),
        ("billed_total", "1.005", 101),
        ("billed_total", "-1.005", -101),
        ("billed_total", "1234.500000000000000000", 123450),
        ("billed_total", "1.2E+3", 120000),
        ("billed_total", "12,5", "reject"),
        ("billed_total", "nan", "reject"),
        ("billed_total", "1_000", "reject"),
        ("billed_mff", "1.0565", 1_056_500_000),
        ("billed_mff", "1.0565000", 1_056_500_000),
        ("billed_mff", "one", "reject"),
        ("billed_mff", "530.12", "reject"),
        ("billed_mff", "0", "reject"),
        ("billed_mff", "-1.05", "reject"),
        ("billed_mff", "9", "reject"),
        ("billed_mff", "8.999999999", 8_999_999_999),
        ("billed_mff", "0.000000001", 1),
        ("billed_mff", "1.0565000001", "reject"),
        ("billed_mff", "1.05650000000000", 1_056_500_000),
        ("billed_mff", "1.0565000000000002", 1_056_500_000),  # a float written out
        ("billed_mff", "8.9999999999999999", "reject"),
        ("activity_month", "2022-04", "2022-04"),
        ("activity_month", "202204", "2022-04"),
        ("activity_month", "2022-13", "reject"),
    ],
)
def test_cells(tmp_path: Path, column: str, text: str, value: Any) -> None:
    assert cell(tmp_path, column, text) == value


def test_one_odd_cell_does_not_change_the_others(tmp_path: Path) -> None:
    amounts = ["1.00", "2.5", "£3", "4.005", "5.00"]
    path = csv_file(tmp_path, *(f"R,{n},{a}" for n, a in enumerate(amounts)),
                    header="provider,spell_id,billed_total")  # fmt: skip
    assert [row["billed_total"] for row in rows(open_extract(path))] == [100, 250, 300, 401, 500]


def test_two_spellings_of_one_code_share_one_place_in_the_dictionary(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path, "R,1,I10.X", "R,2,i10x", "R,3,I10X", header="provider,spell_id,diag_01"
    )
    column = read(open_extract(path)).column("diag_01").chunk(0)
    assert column.dictionary.to_pylist() == ["I10X"]


def test_utf8_with_and_without_mark_and_windows_1252(tmp_path: Path) -> None:
    text = "provider,spell_id,ward\nR,1,Été\n"
    for data in (text.encode(), text.encode("utf-8-sig")):
        extract = open_extract(text_file(tmp_path, data))
        assert rows(extract)[0]["ward"] == "ÉTÉ"
        assert extract.notices == []
    path = text_file(tmp_path, text.encode("cp1252"))
    extract = open_extract(path)
    assert rows(extract)[0]["ward"] == "ÉTÉ"
    assert extract.notices == [f"{path}: 2 characters are not UTF-8 and were read as Windows-1252"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, end: str) -> None:
    path = text_file(tmp_path, end.join(["provider,spell_id,age", "R,1,4", "R,2,5", ""]))
    assert [(row["_line"], row["age"]) for row in rows(open_extract(path))] == [(2, 4), (3, 5)]


def test_blank_columns_at_the_end_are_passed_over(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "R,1,,", "R,2,,", header="provider,spell_id")
    extract = open_extract(path)
    assert [row["spell_id"] for row in rows(extract)] == ["1", "2"]
    assert "the blank ones at the end are ignored" in extract.notices[0]


# ---------------------------------------------------------------- the quick way agrees

NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.integers().map(str),
    st.text("0123456789.-+eExX£, ()", max_size=12),
)
KINDS: list[FieldType] = ["integer", "date", "time", "money", "factor"]


@given(
    st.sampled_from(KINDS),
    st.lists(st.one_of(NUMBERS, st.dates().map(str), st.times().map(str)), min_size=1, max_size=6),
)
def test_a_dictionary_read_at_once_is_the_same_as_one_by_one(
    kind: FieldType, texts: list[str]
) -> None:
    reading = Reading()
    found, bad = typed_values(pa.array(texts, pa.string()), kind, Cleaning(), reading)
    values = found.cast(pa.int32()).to_pylist() if kind == "date" else found.to_pylist()
    for place, text in enumerate(texts):
        try:
            expected = read_one(text.strip(), kind, reading) if text.strip() else None
        except ValueError:
            assert bad is not None
            assert bad[place]
            expected = None
        assert values[place] == expected


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_pounds_become_pence_exactly(amount: Decimal) -> None:
    assert read_one(str(amount), "money", Reading()) == int(amount * 100)


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        ([1.0565, 1.0565000000000002, None, float("nan")], [1_056_500_000] * 2 + [None] * 2),
        ([1.0000000005, 1.0000000004, 1.23456789012], [1_000_000_001, 10**9, 1_234_567_890]),
        ([530.12, 0.0, -1.0, 9.0, float("inf"), 1e300, 8.9999999999, 1.5], [1_500_000_000]),
        ([1, 0, 9, 530], [10**9]),
        ([Decimal("1.0565"), Decimal("0"), Decimal("530.12")], [1_056_500_000]),
    ],
)
def test_factors_of_a_dataframe(cells: list[Any], kept: list[int | None]) -> None:
    names = [str(place) for place in range(len(cells))]
    table = pa.table({"provider": ["R"] * len(cells), "spell_id": names, "billed_mff": cells})
    found = rows(from_arrow(table, max_bad_rows=1))
    assert [row["billed_mff"] for row in found] == kept
