"""Rank, order and measure the reconstructed code-to-root tables.

The readings (code, root, root_child, doubt, note) are edited by hand in the two CSV files of
``rules/hrg/roots-reconstructed``. This script sorts the rows, fills the ``rank`` column from the
2024/25 price of each root and prints how far the tables reach. Ranks 0 and 1 of a procedure are
set by hand and kept: 0 never drives, 1 drives only when nothing else does. So are the ranks of rows
whose root has no 2024/25 price.

Reference data are read from ``TARIFF_REFERENCE_DATA``, else from ``../shared/data``.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
TABLES = REPO / "rules" / "hrg" / "roots-reconstructed"
FIELDS = ["code", "root", "root_child", "rank", "doubt", "note"]

LOW_PRICE = 100.0
HIGH_PRICE = 60_000.0
TOP_RANK = 99
COMPANION_RANK = 1
USAGE_YEAR = "2022/23"
ACTIVITY_YEAR = "2017-18"
ACTIVITY_COLUMNS = {"emergency": ("nel_fce", "nes_fce"), "elective": ("el_fce", "dc_fce")}

Row = dict[str, str]


@dataclass
class Root:
    """Prices of every split of one HRG root, 2024/25."""

    name: str
    elective: list[float] = field(default_factory=list)
    nonelective: list[float] = field(default_factory=list)


def reference_folder() -> Path:
    """Return the folder of the reference data."""
    named = os.environ.get("TARIFF_REFERENCE_DATA")
    return Path(named) if named else REPO.parent / "shared" / "data"


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file with a header into a list of dictionaries."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows in the fixed column order with plain line ends."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def number(text: str | None) -> float:
    """Return a number, or zero for a blank."""
    return float(text) if text else 0.0


def read_roots(folder: Path) -> dict[str, Root]:
    """Collect the positive 2024/25 prices of every root, in published order."""
    roots: dict[str, Root] = {}
    for row in read_rows(folder / "derived_hrg_2425_splits.csv"):
        root = roots.setdefault(row["root"], Root(row["root"]))
        elective = number(row["elective_price_2425"])
        nonelective = number(row["nonelective_price_2425"])
        if elective > 0:
            root.elective.append(elective)
        if nonelective > 0:
            root.nonelective.append(nonelective)
    return roots


def price_rank(price: float, lowest: int) -> int:
    """Place a price on a logarithmic scale from ``lowest`` to 99."""
    if price <= 0:
        return lowest
    share = math.log(price / LOW_PRICE) / math.log(HIGH_PRICE / LOW_PRICE)
    return max(lowest, min(TOP_RANK, round(lowest + (TOP_RANK - lowest) * share)))


def diagnosis_rank(root: Root) -> int:
    """Rank a diagnosis by the mean non-elective price of its root."""
    prices = root.nonelective
    return price_rank(sum(prices) / len(prices) if prices else 0.0, 1)


def procedure_rank(root: Root) -> int:
    """Rank a procedure by the lowest elective price of its root."""
    return price_rank(min(root.elective, default=0.0), COMPANION_RANK + 1)


def ranked_diagnoses(rows: list[Row], roots: dict[str, Root]) -> list[Row]:
    """Return the diagnosis rows sorted, each with its rank."""
    return [
        row | {"rank": str(diagnosis_rank(roots[row["root"]]))} if row["root"] in roots else row
        for row in sorted(rows, key=lambda row: row["code"])
    ]


def ranked_procedures(rows: list[Row], roots: dict[str, Root]) -> list[Row]:
    """Return the procedure rows sorted; hand-set ranks 0 and 1 are kept."""
    return [
        row
        if row["rank"] in {"0", "1"} or row["root"] not in roots
        else row | {"rank": str(procedure_rank(roots[row["root"]]))}
        for row in sorted(rows, key=lambda row: row["code"])
    ]


def longest_prefix(table: dict[str, Row], code: str) -> Row | None:
    """Find the row whose code is the longest prefix of ``code``."""
    for size in range(len(code), 2, -1):
        if code[:size] in table:
            return table[code[:size]]
    return None


def by_code(rows: list[Row]) -> dict[str, Row]:
    """Index rows by code."""
    return {row["code"]: row for row in rows}


def usage_shares(rows: list[Row], usage: list[Row], column: str, skip: str) -> tuple[float, float]:
    """Return the shares of national use that meet a row, and that reach a root."""
    table = by_code(rows)
    total = met = reached = 0.0
    for entry in usage:
        code = entry[column].rstrip("X")
        if code[0] in skip:
            continue
        count = number(entry[USAGE_YEAR])
        row = longest_prefix(table, code)
        total += count
        met += count if row else 0.0
        reached += count if row and row["root"] else 0.0
    return met / total, reached / total


def roots_named(*tables: list[Row]) -> set[str]:
    """Return every root that at least one row names."""
    keys = ("root", "root_child")
    names = {row[key] for rows in tables for row in rows if row["rank"] != "0" for key in keys}
    return names - {""}


def activity(folder: Path) -> dict[str, dict[str, float]]:
    """Sum the activity of each root by emergency and elective admission."""
    totals: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(ACTIVITY_COLUMNS, 0.0))
    for row in read_rows(folder / "calibration" / "hrg_activity_mix_and_los_2014_2018.csv"):
        if row["year"] != ACTIVITY_YEAR:
            continue
        for kind, columns in ACTIVITY_COLUMNS.items():
            totals[row["hrg"][:4]][kind] += sum(number(row[column]) for column in columns)
    return totals


def top_ten_lines(folder: Path, roots: dict[str, Root], reached: set[str]) -> Iterable[str]:
    """Describe per chapter the ten commonest roots; those not reached stand in brackets."""
    totals = activity(folder)
    for chapter in sorted({name[0] for name in roots}):
        for kind in ACTIVITY_COLUMNS:
            active = [n for n in roots if n[0] == chapter and n in totals and totals[n][kind] > 0]
            ten = sorted(active, key=lambda name: -totals[name][kind])[:10]
            shown = " ".join(name if name in reached else f"({name})" for name in ten)
            count = sum(name in reached for name in active)
            yield f"| {chapter} | {kind} | {count} of {len(active)} | {shown} |"


def report(folder: Path, diagnoses: list[Row], procedures: list[Row]) -> None:
    """Print the measured reach of the two tables."""
    roots = read_roots(folder)
    redirects = read_rows(TABLES / "redirects.csv")
    by_rows = roots_named(diagnoses, procedures)
    reached = by_rows | {row["to"] for row in redirects}
    usage = folder / "code-usage"
    icd = read_rows(usage / "icd10_usage_2012_2023.csv")
    opcs = read_rows(usage / "opcs4_usage_2012_2023.csv")
    print(f"rows: {len(diagnoses)} diagnoses, {len(procedures)} procedures")
    doubts = [sum(row["doubt"] == "yes" for row in rows) for rows in (diagnoses, procedures)]
    print(f"doubtful rows: {doubts[0]} diagnoses, {doubts[1]} procedures")
    print(
        f"redirects: {len(redirects)}, doubtful {sum(row['doubt'] == 'yes' for row in redirects)}"
    )
    print(f"roots of short stays: {len(read_rows(TABLES / 'short_stay.csv'))}")
    counts = [len(names & roots.keys()) for names in (by_rows, reached)]
    print(f"roots named: {counts[0]} of {len(roots)} by rows, {counts[1]} with redirects")
    for label, rows, use, column, skip in (
        ("ICD-10, all positions, all chapters", diagnoses, icd, "icd10_code", ""),
        ("ICD-10, all positions, A-T only", diagnoses, icd, "icd10_code", "UVWXYZ"),
        ("ICD-10, all positions, A-T without F and O", diagnoses, icd, "icd10_code", "FOUVWXYZ"),
        ("OPCS-4 without Y and Z", procedures, opcs, "opcs4_code", "YZ"),
    ):
        met, led = usage_shares(rows, use, column, skip)
        print(f"{label}: row {met:.1%}, root {led:.1%}")
    print("\n".join(top_ten_lines(folder, roots, reached)))


def main(arguments: list[str] | None = None) -> int:
    """Rank both tables; with ``--check`` only say whether they are current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    parser.add_argument("--report", action="store_true", help="print the measured coverage")
    options = parser.parse_args(arguments)
    folder = reference_folder()
    roots = read_roots(folder)
    stale = False
    results = []
    for name, ranker in (("diagnoses", ranked_diagnoses), ("procedures", ranked_procedures)):
        path = TABLES / f"{name}.csv"
        before = read_rows(path)
        after = ranker(before, roots)
        stale = stale or before != after
        if not options.check:
            write_rows(path, after)
        results.append(after)
    if options.report:
        report(folder, *results)
    return int(options.check and stale)


if __name__ == "__main__":
    sys.exit(main())
