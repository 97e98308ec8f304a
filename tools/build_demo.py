"""Regenerate what ships to try the tool on: `python tools/build_demo.py [FOLDER]`.

The demo extract with its answer sheet, and in `demo/` a small honest year of every dataset and a
month as flex and as freeze.

The same packs give the same bytes. Run it after a change of the generator or of the packs, and
look at what moved before the files are committed.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pyarrow as pa

from tariff.simulate import stream_statement, synthesise, synthesise_year, write_extract, write_year
from tariff.simulate.billing import engine
from tariff.simulate.demo import EPISODES, MONTH, SEED, key_table, plant, total_billed
from tariff.simulate.plan import make_plan

DATA = Path(__file__).resolve().parent.parent / "tariff" / "simulate" / "data"

SMALL = 450  # episodes of the small year, and of the month
SMALL_YEAR = "2022/23"
SMALL_PROVIDERS = 2


def small_year(folder: Path) -> dict[str, int]:
    """Write a small year of every dataset, and one month as flex and as freeze."""
    rows = write_year(
        folder / "demo",
        synthesise_year(SMALL, SEED, SMALL_YEAR, providers=SMALL_PROVIDERS),
        form="csv.gz",
    )
    plan = make_plan(SMALL, SEED, month=MONTH, providers=SMALL_PROVIDERS)
    for statement in ("flex", "freeze"):
        batches = (chunk["episodes"] for chunk in stream_statement(plan, statement))
        name = f"{statement}-{MONTH}"
        rows[name] = write_extract(folder / "demo" / f"{name}.csv.gz", batches)
    return rows


def main(argv: list[str]) -> int:
    """Write demo-apc-2022-09.csv, demo-key.csv and the folder demo."""
    folder = Path(argv[0]) if argv else DATA
    honest = pa.Table.from_batches(list(synthesise(EPISODES, SEED, month=MONTH)))
    table, planted = plant(honest, engine())
    write_extract(folder / f"demo-apc-{MONTH}.csv", table.to_batches())
    with (folder / "demo-key.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(key_table(planted))
    sys.stdout.write(
        f"{table.num_rows:,} rows, {len(planted)} errors planted, billed £{total_billed(table):,}\n"
    )
    for name, rows in small_year(folder).items():
        sys.stdout.write(f"demo/{name}: {rows:,} rows\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
