"""What leaves a run does not depend on how its rows came or how the work was cut up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from tariff.engine.run import Options, check
from tariff.extract import Extract, from_arrow
from tariff.report.write import FINDINGS_CSV, SPELLS, write_run
from tests.differential.compare import batch_of
from tests.differential.realistic import noisy_rows, shipped
from tests.differential.strategies import SLOW

EPISODES = 40_000 if SLOW else 2_500
FEW = 400  # for batches of a single row
Bytes = tuple[bytes, bytes]


class Rebatched:
    """An extract whose batches have a given number of rows, each with dictionaries of its own."""

    def __init__(self, extract: Extract, rows: int | None) -> None:
        self._extract = extract
        self._rows = rows

    def __getattr__(self, name: str) -> object:
        return getattr(self._extract, name)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self._extract.batches():
            for start in range(0, batch.num_rows, self._rows or batch.num_rows):
                piece = batch.slice(start, self._rows)
                columns = [
                    c.cast(pa.string()).dictionary_encode() if pa.types.is_dictionary(c.type) else c
                    for c in piece.columns
                ]
                yield pa.RecordBatch.from_arrays(columns, names=piece.schema.names)


@cache
def table(episodes: int) -> pa.Table:
    """An artificial extract with noise, money and factors as a dataframe carries them."""
    rows = noisy_rows(episodes, 9)
    batch = batch_of(rows, frozenset(rows[0]))
    columns = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        places = 9 if name == "billed_mff" else 2
        if pa.types.is_int64(column.type):  # pence, or 1e-9
            column = pa.array(
                [None if v is None else Decimal(v).scaleb(-places) for v in column.to_pylist()],
                pa.decimal128(18, places),
            )
        elif name in ("admission_time", "discharge_time"):
            column = pa.array([None if v is None else v * 60 for v in column.to_pylist()],
                              pa.time32("s"))  # fmt: skip
        columns[name] = column
    return pa.table(columns)


def written(
    folder: Path, data: pa.Table, *, rows: int | None = None, threads: int = 1, parts: int = 1
) -> Bytes:
    """The findings and spells of a run, as bytes."""
    extract: object = Rebatched(from_arrow(data, max_bad_rows=1), rows)
    options = Options(threads=threads, parts=parts, level="low")
    run = check(extract, options, rulebook=shipped()[1])  # type: ignore[arg-type]
    assert run.findings.num_rows > 0 and not run.rejects.num_rows
    write_run(folder, run, html=False, workbook=False)
    return (folder / FINDINGS_CSV).read_bytes(), (folder / SPELLS).read_bytes()


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Bytes]:
    """The bytes of a plain run, by the number of episodes."""
    return {
        count: written(tmp_path_factory.mktemp("usual"), table(count)) for count in (EPISODES, FEW)
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_the_rows(tmp_path: Path, usual: dict[int, Bytes], seed: int) -> None:
    order = list(range(table(EPISODES).num_rows))
    Random(seed).shuffle(order)
    assert written(tmp_path, table(EPISODES).take(pa.array(order))) == usual[EPISODES]


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize("threads", [1, 2])
def test_partitions_and_threads(
    tmp_path: Path, usual: dict[int, Bytes], parts: int, threads: int
) -> None:
    assert written(tmp_path, table(EPISODES), parts=parts, threads=threads) == usual[EPISODES]


@pytest.mark.parametrize(
    ("rows", "episodes"), [(1, FEW), (7, FEW), (7, EPISODES), (1000, EPISODES)]
)
def test_size_of_batches(tmp_path: Path, usual: dict[int, Bytes], rows: int, episodes: int) -> None:
    assert written(tmp_path, table(episodes), rows=rows) == usual[episodes]


def test_everything_at_once(tmp_path: Path, usual: dict[int, Bytes]) -> None:
    order = list(range(table(EPISODES).num_rows))
    Random(3).shuffle(order)
    shuffled = table(EPISODES).take(pa.array(order))
    assert written(tmp_path, shuffled, rows=333, threads=2, parts=5) == usual[EPISODES]


def test_an_unrelated_column(tmp_path: Path, usual: dict[int, Bytes]) -> None:
    data = table(EPISODES)
    shoe_size = pa.array([n % 13 for n in range(data.num_rows)])
    assert written(tmp_path, data.append_column("shoe_size", shoe_size)) == usual[EPISODES]
    assert written(tmp_path, data.add_column(0, "shoe_size", shoe_size)) == usual[EPISODES]


def test_order_of_the_columns(tmp_path: Path, usual: dict[int, Bytes]) -> None:
    data = table(EPISODES)
    assert written(tmp_path, data.select(data.column_names[::-1])) == usual[EPISODES]
