"""The artificial extracts that the benchmarks read, and the table of ratios at the end."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from tariff.extract.fields import field_of
from tariff.simulate import synthesise, write_extract

EPISODES = int(os.environ.get("TARIFF_BENCH_EPISODES", "1000000"))
FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"
BLOCK = 16 << 20
CODES = ("code", "clinical", "text", "month")


@dataclass
class Record:
    """Best times in seconds, by name, and lines for the end of the run."""

    seconds: dict[str, float] = field(default_factory=dict)

    def measure(
        self,
        benchmark: Any,
        name: str,
        work: Callable[[], object],
        *,
        rounds: int = 5,
        warm: int = 1,
    ) -> float:
        """Run `work` under pytest-benchmark and keep its best time."""
        benchmark.pedantic(work, rounds=rounds, iterations=1, warmup_rounds=warm)
        if benchmark.stats is not None:  # None with --benchmark-disable
            self.seconds[name] = benchmark.stats.stats.min
        return self.seconds.get(name, 0.0)


RECORD = Record()


@pytest.fixture(scope="session")
def record() -> Record:
    return RECORD


@pytest.fixture(scope="session")
def parquet() -> Path:
    """The extract as Parquet, made once and kept in build/bench."""
    path = FOLDER / f"episodes-{EPISODES}.parquet"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        write_extract(path, honest())
    return path


@pytest.fixture(scope="session")
def csv(parquet: Path) -> Path:
    """The same extract as CSV."""
    path = parquet.with_suffix(".csv")
    if not path.exists():
        write_extract(path, honest())
    return path


def honest() -> Iterator[pa.RecordBatch]:
    """The episodes: the same every time."""
    return synthesise(EPISODES, 1, year="2022/23")


def columns(path: Path) -> list[str]:
    """The columns that `check` reads: of an extract with canonical names, all."""
    return list(pq.read_schema(path).names)


def codes(names: list[str]) -> list[str]:
    """Those of them that hold codes."""
    return [name for name in names if (known := field_of(name)) is not None and known.type in CODES]


def bare_parquet(path: Path) -> pa.Table:
    """What pyarrow needs to read the columns, codes as dictionaries, with its threads."""
    names = columns(path)
    return pq.read_table(path, columns=names, read_dictionary=codes(names))


def bare_csv(path: Path, names: list[str]) -> int:
    """What pyarrow needs to stream the columns in blocks, codes and identifiers as dictionaries."""
    text = pa.dictionary(pa.int32(), pa.string())
    types: dict[str, pa.DataType] = {}
    for name in names:
        known = field_of(name)
        assert known is not None
        types[name] = {
            "integer": pa.int32(),
            "date": pa.date32(),
            "time": pa.string(),
            "money": pa.decimal128(12, 2),
            "factor": pa.decimal128(12, 9),
        }.get(known.type, text)
    reader = pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(block_size=BLOCK),
        convert_options=pacsv.ConvertOptions(
            column_types=types, include_columns=names, strings_can_be_null=True
        ),
    )
    return sum(batch.num_rows for batch in reader)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the ratios: the figures that can be compared between machines."""
    best = RECORD.seconds
    if not best:
        return
    say = terminalreporter.write_line
    terminalreporter.section(f"{EPISODES:,} artificial episodes, best times", sep="=")
    say(
        f"Python {platform.python_version()}, pyarrow {pa.__version__}, numpy {numpy.__version__}, "
        f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    )
    kernel = [name for name in best if name.startswith("kernel")]
    if kernel:
        say("")
        say(
            f"{'one thread, arrays in memory':<44} {'seconds':>8} {'episodes/s':>12} {'ns each':>8}"
        )
        for name in kernel:
            took = best[name]
            say(f"{name:<44} {took:8.3f} {EPISODES / took:12,.0f} {took / EPISODES * 1e9:8.0f}")
    for form in ("Parquet", "CSV"):
        bare = best.get(f"{form}: bare read")
        if bare is None:
            continue
        say("")
        say(f"{form:<44} {'seconds':>8} {'episodes/s':>12} {'ratio':>8}")
        for name, took in best.items():
            if name.startswith(f"{form}:"):
                say(f"{name:<44} {took:8.3f} {EPISODES / took:12,.0f} {took / bare:7.2f}x")
