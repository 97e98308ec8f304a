"""One table, written in any way and cut in any way, gives the same episodes."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tariff.extract import csvfile, from_arrow, open_extract
from tests.extract.tables import plain, read

CODES = st.sampled_from(["A01", "I10X", "e11.9", " S72.0 ", "Z", "", None])
WORDS = st.one_of(
    st.none(), st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=6),
    st.sampled_from(['a "b"', "x, y", "line\nbreak", "NULL", "'"]),
)  # fmt: skip
POUNDS = st.one_of(st.none(), st.decimals(-(10**7), 10**7, places=2))
KEYS = st.text("ABC019", min_size=1, max_size=3)

ROWS = st.lists(
    st.tuples(KEYS, KEYS, CODES, CODES, WORDS, POUNDS, st.none() | st.integers(-9, 999),
              st.none() | st.dates(), st.none() | st.integers(0, 1439)),
    min_size=1, max_size=30,
)  # fmt: skip
NAMES = ["provider", "spell_id", "diag_01", "oper_01", "ward", "billed_total", "age",
         "admission_date", "admission_time"]  # fmt: skip


def typed(rows: list[tuple[Any, ...]]) -> pa.Table:
    """The rows with the types of a database."""
    columns = list(zip(*rows, strict=True))
    texts = [pa.array(column, pa.string()) for column in columns[:5]]
    return pa.table(
        [
            *texts,
            pa.array(columns[5], pa.decimal128(12, 2)),
            pa.array(columns[6], pa.int64()),
            pa.array(columns[7], pa.date32()),
            pa.array([None if m is None else m * 60 for m in columns[8]], pa.time32("s")),
        ],
        names=NAMES,
    )


def written(rows: list[tuple[Any, ...]]) -> pa.Table:
    """The rows as a text file has them."""

    def text(value: Any) -> str | None:
        return (
            None if value is None else f"{value:.2f}" if isinstance(value, Decimal) else str(value)
        )

    columns = [[text(cell) for cell in column] for column in zip(*rows, strict=True)]
    columns[8] = [
        None if cell is None else f"{int(cell) // 60:02}:{int(cell) % 60:02}" for cell in columns[8]
    ]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=NAMES)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, block=st.integers(16, 400), group=st.integers(1, 12))
def test_csv_parquet_and_arrow_agree(rows: list[tuple[Any, ...]], block: int, group: int) -> None:
    expected = plain(read(from_arrow(typed(rows))))
    assert expected.num_rows == len(rows)
    with tempfile.TemporaryDirectory() as name, mock.patch.object(csvfile, "BLOCK", block):
        csv, parquet = Path(name, "a.csv"), Path(name, "a.parquet")
        pa_csv.write_csv(written(rows), csv)
        assert plain(read(open_extract(csv))) == expected
        pq.write_table(typed(rows), parquet, row_group_size=group)
        assert plain(read(open_extract(parquet))) == expected
        pq.write_table(written(rows), parquet, row_group_size=group)
        assert plain(read(open_extract(parquet))) == expected
    assert plain(read(from_arrow(written(rows)))) == expected


@settings(max_examples=80, deadline=None)
@given(rows=ROWS, block=st.integers(16, 400))
def test_the_block_does_not_show(rows: list[tuple[Any, ...]], block: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        csv = Path(name, "a.csv")
        pa_csv.write_csv(written(rows), csv)
        whole = read(open_extract(csv))
        with mock.patch.object(csvfile, "BLOCK", block):
            pieces = read(open_extract(csv))
    assert plain(whole) == plain(pieces)
    assert whole["_line"].to_pylist() == pieces["_line"].to_pylist()
