"""How the weight tables in `data/` were made: `python -m tariff.simulate.restate REFERENCE_DIR`.

Reads published national figures from a folder of reference data and writes three small tables:
activity by HRG root and setting with mean stays, and how often each diagnosis and procedure code
was recorded. Figures are added up and rounded here; the files they come from are not shipped.
The other tables in `data/` are judgement, written by hand, and say so in their `source` column.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

ACTIVITY = "calibration/hrg_activity_mix_and_los_2014_2018.csv"
DIAGNOSES = "code-usage/icd10_usage_2012_2023.csv"
PROCEDURES = "code-usage/opcs4_usage_2012_2023.csv"

ACTIVITY_YEAR = "2017-18"  # the last year whose mean stays are published
ACTIVITY_SOURCE = "reference-costs-2017-18"
USE_YEAR = "2022/23"
USE_SOURCE = "hes-2022-23"
LEAST_EPISODES = 50
LEAST_DIAGNOSES = 300
LEAST_PROCEDURES = 100

Row = tuple[str, ...]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _rounded(value: float, digits: int = 3) -> int:
    """Round to some significant digits: a weight needs no more."""
    whole = int(value)
    if whole <= 0:
        return 0
    unit = 10 ** max(0, len(str(whole)) - digits)
    return int(round(whole / unit) * unit)


def roots(folder: Path) -> list[Row]:
    """Return episodes by root and setting, the share of short stays and the mean stays."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in _rows(folder / ACTIVITY):
        if row["year"] != ACTIVITY_YEAR:
            continue
        total = sums[row["hrg"][:4]]
        for column in ("dc_fce", "el_fce", "nel_fce", "nes_fce"):
            total[column] += float(row[column] or 0)
        for count, mean in (("el_fce", "el_mean_los"), ("nel_fce", "ne_long_mean_los")):
            if row[mean]:
                total[f"{mean} days"] += float(row[count] or 0) * float(row[mean])
                total[f"{mean} count"] += float(row[count] or 0)
    table: list[Row] = []
    for root, total in sorted(sums.items()):
        emergency = total["nel_fce"] + total["nes_fce"]
        if total["dc_fce"] + total["el_fce"] + emergency < LEAST_EPISODES:
            continue
        short = total["nes_fce"] / emergency if emergency else 0.0
        table.append(
            (
                root,
                str(_rounded(total["dc_fce"])),
                str(_rounded(total["el_fce"])),
                str(_rounded(emergency)),
                f"{short:.3f}",
                _mean(total, "el_mean_los", 1.0),
                _mean(total, "ne_long_mean_los", 4.0),
                ACTIVITY_SOURCE,
            )
        )
    return table


def _mean(total: dict[str, float], name: str, default: float) -> str:
    count = total[f"{name} count"]
    return f"{total[f'{name} days'] / count if count else default:.2f}"


def use(path: Path, column: str, least: int) -> list[Row]:
    """Return how often each code was recorded in any position, rarely used codes left out."""
    return [
        (row[column], str(_rounded(float(row[USE_YEAR]), 2)), USE_SOURCE)
        for row in _rows(path)
        if row[USE_YEAR] and float(row[USE_YEAR]) >= least
    ]


def write(path: Path, header: Row, rows: list[Row]) -> None:
    """Write one table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(argv: list[str]) -> int:
    """Write the three tables beside this module."""
    if len(argv) != 1:
        sys.stderr.write("usage: python -m tariff.simulate.restate REFERENCE_DIR\n")
        return 2
    folder = Path(argv[0])
    data = Path(__file__).parent / "data"
    write(
        data / "roots.csv",
        (
            "root",
            "day_case",
            "elective",
            "non_elective",
            "short_share",
            "elective_stay",
            "long_stay",
            "source",
        ),
        roots(folder),
    )
    write(
        data / "diagnosis_use.csv",
        ("code", "use", "source"),
        use(folder / DIAGNOSES, "icd10_code", LEAST_DIAGNOSES),
    )
    write(
        data / "procedure_use.csv",
        ("code", "use", "source"),
        use(folder / PROCEDURES, "opcs4_code", LEAST_PROCEDURES),
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
