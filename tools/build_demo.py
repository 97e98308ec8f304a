"""Regenerate the demo extract and its answer sheet: `python tools/build_demo.py [FOLDER]`.

The same packs give the same bytes. Run it after a change of the generator or of the packs, and
look at what moved before the files are committed.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pyarrow as pa

from tariff.simulate import synthesise, write_extract
from tariff.simulate.billing import engine
from tariff.simulate.demo import EPISODES, MONTH, SEED, key_table, plant, total_billed

DATA = Path(__file__).resolve().parent.parent / "tariff" / "simulate" / "data"


def main(argv: list[str]) -> int:
    """Write demo-apc-2022-09.csv and demo-key.csv."""
    folder = Path(argv[0]) if argv else DATA
    honest = pa.Table.from_batches(list(synthesise(EPISODES, SEED, month=MONTH)))
    table, planted = plant(honest, engine())
    write_extract(folder / f"demo-apc-{MONTH}.csv", table.to_batches())
    with (folder / "demo-key.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(key_table(planted))
    sys.stdout.write(
        f"{table.num_rows:,} rows, {len(planted)} errors planted, billed £{total_billed(table):,}\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
