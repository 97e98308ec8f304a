"""The whole of `check` against pyarrow's bare read of the same columns of the same file.

The file is warm: every measurement has a round that does not count. Two threads, as by default.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.conftest import EPISODES, Record, bare_csv, bare_parquet, columns
from tariff.engine.run import Options, Run, check
from tariff.extract import open_extract
from tariff.report.write import write_run


def findings_only(path: Path, output: Path) -> Run:
    """What `tariff check --only findings` does, without the start of Python."""
    run = check(open_extract([path]), Options(), spells=False)
    write_run(output, run, spells=False, html=False, workbook=False)
    return run


def every_file(path: Path, output: Path) -> Run:
    """What `tariff check` does, without the start of Python."""
    run = check(open_extract([path]), Options())
    write_run(output, run)
    return run


@pytest.mark.benchmark(group="Parquet")
class TestParquet:
    def test_bare_read(self, benchmark: Any, record: Record, parquet: Path) -> None:
        assert bare_parquet(parquet).num_rows == EPISODES
        record.measure(benchmark, "Parquet: bare read", lambda: bare_parquet(parquet))

    def test_findings_only(
        self, benchmark: Any, record: Record, parquet: Path, tmp_path: Path
    ) -> None:
        assert findings_only(parquet, tmp_path).manifest["counts"]["episodes"] == EPISODES
        name = "Parquet: check, findings only"
        record.measure(benchmark, name, lambda: findings_only(parquet, tmp_path))

    def test_every_file(
        self, benchmark: Any, record: Record, parquet: Path, tmp_path: Path
    ) -> None:
        name = "Parquet: check, every file"
        record.measure(benchmark, name, lambda: every_file(parquet, tmp_path))

    def test_command(self, benchmark: Any, record: Record, parquet: Path, tmp_path: Path) -> None:
        program = Path(sys.executable).with_name("tariff")
        order = [program, "check", parquet, "-o", tmp_path]

        def command() -> None:
            subprocess.run(order, check=True, stdout=subprocess.DEVNULL)

        name = "Parquet: the command, every file"
        record.measure(benchmark, name, command, rounds=1, warm=0)


@pytest.mark.benchmark(group="CSV")
class TestCsv:
    def test_bare_read(self, benchmark: Any, record: Record, parquet: Path, csv: Path) -> None:
        names = columns(parquet)
        assert bare_csv(csv, names) == EPISODES
        record.measure(benchmark, "CSV: bare read", lambda: bare_csv(csv, names), warm=0)

    def test_findings_only(self, benchmark: Any, record: Record, csv: Path, tmp_path: Path) -> None:
        assert findings_only(csv, tmp_path).manifest["counts"]["episodes"] == EPISODES
        name = "CSV: check, findings only"
        record.measure(benchmark, name, lambda: findings_only(csv, tmp_path), warm=0)

    def test_every_file(self, benchmark: Any, record: Record, csv: Path, tmp_path: Path) -> None:
        record.measure(
            benchmark, "CSV: check, every file", lambda: every_file(csv, tmp_path), rounds=3
        )
