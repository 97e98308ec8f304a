"""Fit the levels of the secondary diagnoses: `python tools/fit_conditions.py [--rounds 3]`.

Makes an unbilled year, counts how many episodes each condition of
`tariff/simulate/data/comorbidities.csv` is coded on, and scales the condition's row to its
published rate (margins.csv, "condition"). How a condition depends on age, sex and setting stays
judgement. Run it after a change that moves ages or stays, and after `tariff.simulate.restate`.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

import pyarrow as pa

from tariff.simulate import shipped, synthesise
from tariff.simulate.raking import CONDITION_BANDS, margin

TABLE = Path(shipped.__file__).parent / "data" / "comorbidities.csv"
SOURCE = "level hes-2023-24; shape judgement"
MOST = 0.63  # of a band have a condition; the generator raises it by half


def rates(episodes: int, seed: int) -> dict[str, float]:
    """Return the share of episodes that each condition is coded on."""
    counts: Counter[str] = Counter()
    for batch in synthesise(episodes, seed, billed=False):
        for name in batch.schema.names:
            if name.startswith("diag_"):
                for pair in batch[name].cast(pa.string()).value_counts().to_pylist():
                    counts[pair["values"]] += pair["counts"]
    return {
        row["condition"]: sum(counts[code] for code, _ in shipped.weighted(row["codes"])) / episodes
        for row in shipped.table("comorbidities")
    }


def main() -> int:
    """Scale the rows, a few times over."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=300_000)
    given = parser.parse_args()
    published = margin("condition")
    for seed in range(given.rounds):
        shipped.table.cache_clear()
        here = rates(given.episodes, seed + 1)
        rows = [dict(row) for row in shipped.table("comorbidities")]
        for row in rows:
            name = row["condition"]
            factor = min(max(published[name] / max(here[name], 1e-6), 0.25), 4.0)
            for band in CONDITION_BANDS:
                row[band] = f"{min(float(row[band]) * factor, MOST):.3g}"
            row["source"] = SOURCE
            print(f"{seed} {name}: {here[name]:.4f}, published {published[name]:.4f}")
        with TABLE.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
