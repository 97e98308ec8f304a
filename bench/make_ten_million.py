"""Time and memory of `tariff data synth`: `python bench/make_ten_million.py [EPISODES]`.

Runs the command in a child process, twice: a small extract first, whose peak shows what does not
depend on size, then ten million episodes. The child's peak is `resource.getrusage`'s. A row of
each is put at the end of the table in bench/README.md. The Parquet file lies in build/bench and
is removed when it has been measured; `--keep` leaves it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow

TOP = Path(__file__).resolve().parent.parent
FOLDER = TOP / "build" / "bench"
README = TOP / "bench" / "README.md"
SMALL, LARGE = 500_000, 10_000_000
BEGIN, END = "<!-- synth: begin -->", "<!-- synth: end -->"
HEAD = (
    "| date | episodes | seconds | episodes/s | processor seconds | peak memory, MB | file, MB "
    "| machine, load when begun |",
    "|---|--:|--:|--:|--:|--:|--:|---|",
)


@dataclass
class Made:
    """What one run took."""

    episodes: int
    seconds: float
    processor: float
    peak_mb: float
    file_mb: float
    load: float

    def row(self) -> str:
        """Return the line of the table."""
        machine = (
            f"{os.cpu_count()} × {platform.machine()}, Python {platform.python_version()}, "
            f"pyarrow {pyarrow.__version__}, load {self.load:.1f}"
        )
        return (
            f"| {date.today():%Y-%m-%d} | {self.episodes:,} | {self.seconds:,.0f} "
            f"| {self.episodes / self.seconds:,.0f} | {self.processor:,.0f} | {self.peak_mb:,.0f} "
            f"| {self.file_mb:,.0f} | {machine} |"
        )


def make(episodes: int, keep: bool) -> Made:
    """Make one extract in a child process and measure it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"synth-{episodes}.parquet"
    program = Path(sys.executable).with_name("tariff")
    order = [program, "data", "synth", "-o", path, "--episodes", str(episodes), "--seed", "1"]
    load, begun = os.getloadavg()[0], time.perf_counter()
    subprocess.run(order, check=True)
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    made = Made(
        episodes=episodes,
        seconds=seconds,
        processor=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10)),
        file_mb=path.stat().st_size / 1e6,
        load=load,
    )
    if not keep:
        path.unlink()
    return made


def alone(episodes: int, keep: bool) -> Made:
    """Measure in a process of its own: the usage of children is a maximum over all of them."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(make, (episodes, keep))


def record(made: Made) -> None:
    """Add a line to the table in the README."""
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    lines = [line for line in table.strip().splitlines() if line] or list(HEAD)
    table = "\n".join([*lines, made.row()])
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


def main() -> int:
    """Measure a small extract and the large one, and write both down."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("episodes", type=int, nargs="?", default=LARGE)
    parser.add_argument("--keep", action="store_true", help="leave the large file in build/bench")
    given = parser.parse_args()
    for episodes, keep in ((SMALL, False), (given.episodes, given.keep)):
        made = alone(episodes, keep)
        print(made.row(), flush=True)
        record(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
