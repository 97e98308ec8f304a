"""How the weight tables in `data/` were made: `python -m tariff.simulate.restate REFERENCE_DIR`.

Reads published national figures from a folder of reference data and writes four small tables:
activity by HRG root and setting with mean stays, how often each diagnosis and procedure code was
recorded, and the margins that an artificial year is held to. Figures are added up and rounded here;
the files they come from are not shipped.
The other tables in `data/` are judgement, written by hand, and say so in their `source` column.
"""

from __future__ import annotations

import calendar
import csv
import sys
from collections import defaultdict
from pathlib import Path

ACTIVITY = "calibration/hrg_activity_mix_and_los_2014_2018.csv"
DIAGNOSES = "code-usage/icd10_usage_2012_2023.csv"
PROCEDURES = "code-usage/opcs4_usage_2012_2023.csv"
SUBCHAPTERS = "calibration/apc_fce_by_hrg_subchapter_2021_22.csv"
HEADLINES = "calibration/hes_apc_headlines_2024_25.csv"
STAY_BY_AGE = "calibration/los_by_age_2017_18_summed.csv"
EMERGENCIES = "calibration/ae_monthly_by_provider_2016_2019.csv"

ACTIVITY_YEAR = "2017-18"  # the last year whose mean stays are published
ACTIVITY_SOURCE = "reference-costs-2017-18"
USE_YEAR = "2022/23"
USE_SOURCE = "hes-2022-23"
MARGIN_YEAR = "2023/24"  # of codes counted for a margin: the newest
# Roots that the code-to-root tables cannot tell apart: deliveries with an epidural or a repair.
FOLDED = {**dict.fromkeys(("NZ31", "NZ32", "NZ33", "NZ34"), "NZ30")}
FOLDED |= dict.fromkeys(("NZ41", "NZ42", "NZ43", "NZ44"), "NZ40")
# Well babies are in no table of costs: they are counted by their outcome code.
BORN = ("PB03", "Z38", "0.850", "1.00", "3.00")
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
        root = row["hrg"][:4]
        total = sums[FOLDED.get(root, root)]
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
    born_root, prefix, share, elective, long = BORN
    born = sum(
        float(row[USE_YEAR] or 0)
        for row in _rows(folder / DIAGNOSES)
        if row["icd10_code"].startswith(prefix)
    )
    table.append((born_root, "0", "0", str(_rounded(born)), share, elective, long, USE_SOURCE))
    return sorted(table)


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


def margins(folder: Path) -> list[Row]:
    """Return the national figures that the whole of an artificial year is compared with."""
    table: list[Row] = []

    def add(margin: str, key: str, value: float, source: str, digits: int = 4) -> None:
        table.append((margin, key, f"{value:.{digits}g}", source))

    head = {row["measure"]: float(row["value"]) for row in _rows(folder / HEADLINES)}
    spells, episodes = head["FAE (admission episodes)"], head["FCE"]
    ordinary = spells - head["day case FCE"]
    source = "hes-2024-25"
    planned = head["FAE waiting list (11)"] + head["FAE planned (13)"]
    add("spells", "day case", head["day case FCE"] / spells, source)
    add("spells", "elective", (planned - head["day case FCE"]) / spells, source)
    add("spells", "emergency", head["FAE emergency"] / spells, source)
    add("spells", "other", head["FAE other (maternity, births, transfers)"] / spells, source)
    table.append(("count", "episodes", str(_rounded(episodes, 4)), source))
    add("rate", "episodes a spell", episodes / spells, source)
    add("rate", "episodes an ordinary spell", head["ordinary FCE"] / ordinary, source)
    sexed = head["female FCE"] + head["male FCE"]
    add("rate", "women", head["female FCE"] / sexed, source)
    add("rate", "75 and over", head["share of FCE aged 75 and over %"] / 100, source)
    add("rate", "75 to 79", head["FCE age 75-79 (largest band)"] / episodes, source)
    add("rate", "without a procedure", head["FCE without procedure"] / episodes, source)
    add("rate", "mean stay", head["mean spell length of stay, days"], source)
    add("rate", "median stay", head["median spell length of stay, days"], source)
    same_day = head["emergency short spells, no day case, zero-day (SES count)"]
    add("rate", "emergencies home the same day", same_day / head["FAE emergency"], source)
    millions = 1e6 / spells
    add("rate", "neoplasms", head["FAE neoplasms C00-D48 (millions)"] * millions, source, 3)
    add("rate", "digestive", head["FAE digestive K00-K93 (millions)"] * millions, source, 3)
    add("rate", "pregnancy", head["FAE pregnancy chapter O00-O99"] / spells, source)
    mixed = "hes-2023-24 over hes-2024-25"
    for path, name in ((DIAGNOSES, "icd10"), (PROCEDURES, "opcs4")):
        total = sum(float(row[MARGIN_YEAR] or 0) for row in _rows(folder / path))
        add("rate", f"{name} codes an episode", total / episodes, mixed)
    use = {row["icd10_code"]: float(row[MARGIN_YEAR] or 0) for row in _rows(folder / DIAGNOSES)}
    for key, prefix in (("deliveries", "Z37"), ("births", "Z38")):
        count = sum(uses for code, uses in use.items() if code.startswith(prefix))
        add("spells", key, count / spells, mixed)
    for row in _rows(Path(__file__).parent / "data" / "comorbidities.csv"):
        codes = [part.partition(":")[0] for part in row["codes"].split()]
        rate = sum(use.get(code, 0.0) for code in codes) / episodes
        add("condition", row["condition"], rate, mixed, 3)
    rows = _rows(folder / SUBCHAPTERS)
    whole = sum(float(row["fce"]) for row in rows)
    for row in rows:
        if float(row["fce"]) / whole >= 5e-5:
            add("subchapter", row["hrg_subchapter"], float(row["fce"]) / whole, "hes-2021-22", 3)
    rows = _rows(folder / STAY_BY_AGE)
    whole = sum(float(row["ordinary_episodes_rounded"]) for row in rows)
    for row in rows:
        share = float(row["ordinary_episodes_rounded"]) / whole
        add("ordinary age", row["age_band"], share, "hes-2017-18")
        add("stay by age", row["age_band"], float(row["mean_los_days"]), "hes-2017-18", 3)
    for month, relative in enumerate(_season(folder), 1):
        add("emergencies by month", str(month), relative, "ae-monthly-2016-19")
    return table


def _season(folder: Path) -> list[float]:
    """Return emergency admissions a day of each month over the twelve months around it."""
    sums: dict[tuple[int, int], float] = defaultdict(float)
    for row in _rows(folder / EMERGENCIES):
        year, month = int(row["period"][:4]), int(row["period"][5:7])
        sums[year, month] += float(row["admissions"] or 0)
    months = sorted(sums)
    daily = [sums[at] / calendar.monthrange(*at)[1] for at in months]
    found: dict[int, list[float]] = defaultdict(list)
    for i in range(6, len(months) - 6):
        # Thirteen months with the ends at half weight: the trend goes, the season stays.
        around = (sum(daily[i - 5 : i + 6]) + (daily[i - 6] + daily[i + 6]) / 2) / 12
        found[months[i][1]].append(daily[i] / around)
    season = [sum(found[month]) / len(found[month]) for month in range(1, 13)]
    return [value / (sum(season) / 12) for value in season]


def write(path: Path, header: Row, rows: list[Row]) -> None:
    """Write one table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(argv: list[str]) -> int:
    """Write the four tables beside this module."""
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
    write(data / "margins.csv", ("margin", "key", "value", "source"), margins(folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
