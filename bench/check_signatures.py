"""Time and memory of every rule at once: `python -m bench.check_signatures [EPISODES] [--rules]`.

On a year of so many episodes (a million by default; made once, kept in build/bench) with the
outpatients, emergency care, critical care and lines of the same people, and three registers. Every
rule of any level and status runs, on two threads. Prints the stages, the largest resident memory
after each, and with `--rules` the time of each rule alone once the columns are there. Then the
command, `tariff check` with every file it leaves, in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tariff.api import open_several
from tariff.engine.match import Matcher
from tariff.engine.run import Options, match_rules, running_rules, settle_hits
from tariff.engine.run_inputs import Given
from tariff.engine.run_read import Reader
from tariff.engine.select import check_fields, check_figures, select_rules
from tariff.extract.registers import read_registers
from tariff.packs.compile import rulebook_of
from tariff.packs.load import load_packs
from tariff.packs.match_fields import DATASET_OF
from tariff.simulate.folder import write_year
from tariff.simulate.year import synthesise_year

FOLDER = Path("build/bench")
EPISODES, SEED = 1_000_000, 7
SHOWN = 12  # slowest rules


def peak_mb(who: int = resource.RUSAGE_SELF) -> float:
    """Largest resident memory so far."""
    return resource.getrusage(who).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Print how long something took: by the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    yield
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"| {name} | {clock:.1f} | {processor:.1f} | {peak_mb():,.0f} |", flush=True)


def made(episodes: int) -> Path:
    """Give the folder of the year, made where it is not there."""
    folder = FOLDER / f"year-{episodes}"
    if not (folder / "registers" / "deaths.csv").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        write_year(folder, synthesise_year(episodes, SEED))
    return folder


def files_of(folder: Path) -> tuple[list[Path], list[tuple[str, Path]]]:
    """Give the files of care, and the registers by name."""
    care = [folder / f"{name}.parquet" for name in DATASET_OF.values()]
    return care, [(path.stem, path) for path in sorted((folder / "registers").glob("*.csv"))]


def stages(folder: Path, each: bool) -> tuple[str, ...]:
    """Run stage after stage, and each rule alone where asked; give the names of the rules."""
    care, registers = files_of(folder)
    rulebook = rulebook_of(load_packs())
    names = tuple(rule.id for _, rule in rulebook.packs.rules())
    options = Options(select=names, level="low")
    print(f"load {os.getloadavg()[0]:.1f}, {len(names)} rules")
    print("| stage | seconds | of the processor | peak, MB |\n|---|--:|--:|--:|")
    with timed("files read, grouped and priced"):
        given = Given(open_several(care, None, 0.05), registers=read_registers(registers))
        read = Reader(rulebook, options.stages()).read(given)
    selected = select_rules(rulebook.packs, only=names)
    check_fields(selected, *given.items(read.blank))
    check_figures(selected, read.columns, given_factor=False)
    with timed("matched"):
        hits = match_rules(read.records, selected, options)
    with timed("settled, and findings written down"):
        findings, _ = settle_hits(read.priced, read.records, selected, hits)
    print(f"{sum(map(len, read.records.blocks)):,} records, {findings.num_rows:,} findings")
    if each:
        alone = []
        for item in selected:
            rules = [(rule, item.lists) for rule in running_rules(item)]
            if rules:
                clock = time.perf_counter()
                Matcher(read.records, threads=options.threads).run(rules)
                alone.append((time.perf_counter() - clock, item.rule.id))
        alone.sort(reverse=True)
        middle = alone[len(alone) // 2][0]
        print(f"each of {len(alone)} alone: {sum(s for s, _ in alone):.1f} s together, "
              f"median {middle:.2f} s; the slowest:")  # fmt: skip
        print(", ".join(f"{name} {seconds:.2f} s" for seconds, name in alone[:SHOWN]))
    return names


def command(folder: Path, names: tuple[str, ...]) -> None:
    """Run the command with every rule."""
    care, registers = files_of(folder)
    given = [part for name, path in registers for part in ("--register", f"{name}={path}")]
    told = ["--select", ",".join(names), "-o", str(FOLDER / "out")]
    clock = time.perf_counter()
    subprocess.run(
        [str(Path(sys.executable).parent / "tariff"), "check", *map(str, care), *given, *told],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds, peak = time.perf_counter() - clock, peak_mb(resource.RUSAGE_CHILDREN)
    print(f"the command, every file it leaves: {seconds:.1f} s, peak {peak:,.0f} MB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("episodes", nargs="?", type=int, default=EPISODES)
    parser.add_argument("--rules", action="store_true", help="each rule alone too")
    parser.add_argument("--no-command", action="store_true", help="the stages only")
    asked = parser.parse_args()
    folder = made(asked.episodes)
    names = stages(folder, asked.rules)
    if not asked.no_command:
        command(folder, names)


if __name__ == "__main__":
    main()
