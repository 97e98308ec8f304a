"""How the tables of care that is not admitted were made, from published national figures.

`python -m tariff.simulate.restate_other REFERENCE_DIR` writes four small tables into `data/`:
outpatient attendances by treatment function, outpatients by age and sex, emergency attendances by
department and HRG, and arrivals by hour. Figures are added up and rounded here; the files they
come from are not shipped.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from tariff.simulate.restate import Row, _rounded, _rows, write

FUNCTIONS = "calibration/tfc_first_follow_up_and_costs_2014_2018.csv"
OUTPATIENTS = "calibration/outpatient_age_sex_2023_24.csv"
EMERGENCY = "calibration/ae_casemix_2014_2018.csv"
HOURS = "calibration/ed_arrival_hour_of_patients_later_admitted_synthetic.csv"

YEAR = "2017-18"
COSTS = "reference-costs-2017-18"
LEAST_ATTENDANCES = 20_000
# Open access, mental health, screening and codes of no one specialty: not made.
LEFT_OUT = ("360", "FPC", "HIV", "7", "9", "324", "290", "291", "657", "658", "840")
BANDS = (0, 1, 5, 10, 15, 19, 25, 35, 45, 55, 65, 75, 85, 95)
OLDEST = 104
DEPARTMENTS = {"T01": "01", "T02": "02", "T03": "03", "T04": "04"}


def functions(folder: Path) -> list[Row]:
    """Return attendances by treatment function, with the ratios that shape them."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in _rows(folder / FUNCTIONS):
        code = row["tfc"]
        if row["year"] != YEAR or code.startswith(LEFT_OUT) or not code.isdigit():
            continue
        first, follow_up = float(row["first"] or 0), float(row["follow_up"] or 0)
        seen, total = first + follow_up, sums[code]
        total["first"] += first
        total["follow_up"] += follow_up
        total["multi"] += seen * float(row["share_multi_professional"] or 0)
        total["remote"] += seen * float(row["share_remote"] or 0)
        if row["led_by"] != "consultant":
            total["other"] += seen
    table: list[Row] = []
    for code, total in sorted(sums.items()):
        seen = total["first"] + total["follow_up"]
        if seen < LEAST_ATTENDANCES or not total["first"]:
            continue
        table.append(
            (
                code,
                str(_rounded(seen)),
                f"{total['follow_up'] / total['first']:.2f}",
                f"{total['multi'] / seen:.3f}",
                f"{total['remote'] / seen:.3f}",
                f"{total['other'] / seen:.2f}",
                COSTS,
            )
        )
    return table


def ages(folder: Path) -> list[Row]:
    """Return the share of attendances by age band and sex: five-year bands cut into ours."""
    years = {sex: [0.0] * (OLDEST + 1) for sex in ("share_male", "share_female")}
    for row in _rows(folder / OUTPATIENTS):
        low, _, high = row["age_band"].replace("+", "-99").partition("-")
        width = int(high) - int(low) + 1
        for sex, shares in years.items():
            for age in range(int(low), int(high) + 1):
                shares[age] += float(row[sex]) / width
    table: list[Row] = []
    for first, after in zip(BANDS, (*BANDS[1:], OLDEST + 1), strict=True):
        male, female = (sum(years[sex][first:after]) for sex in ("share_male", "share_female"))
        table.append((str(first), f"{male:.4f}", f"{female:.4f}", "hes-outpatients-2023-24"))
    return table


def emergency(folder: Path) -> list[Row]:
    """Return attendances by department type and HRG, admitted afterwards or not."""
    sums: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in _rows(folder / EMERGENCY):
        if row["year"] == YEAR and row["dept"] in DEPARTMENTS:
            key = DEPARTMENTS[row["dept"]], row["currency_code"]
            sums[key][row["adm"]] += float(row["activity"])
    return [
        (
            department,
            hrg,
            str(_rounded(total["admitted"])),
            str(_rounded(total["not admitted"])),
            COSTS,
        )
        for (department, hrg), total in sorted(sums.items())
    ]


def hours(folder: Path) -> list[Row]:
    """Return arrivals by hour of the day."""
    return [
        (row["hour"], f"{float(row['share']):.4f}", "synthetic-ed-arrivals")
        for row in _rows(folder / HOURS)
    ]


def main(argv: list[str]) -> int:
    """Write the four tables beside this module."""
    if len(argv) != 1:
        sys.stderr.write("usage: python -m tariff.simulate.restate_other REFERENCE_DIR\n")
        return 2
    folder, data = Path(argv[0]), Path(__file__).parent / "data"
    header: Row = ("treatment_function", "weight", "follow_ups", "multi", "remote", "other_led")
    write(data / "outpatient_functions.csv", (*header, "source"), functions(folder))
    write(data / "outpatient_ages.csv", ("age", "male", "female", "source"), ages(folder))
    header = ("department", "hrg", "admitted", "not_admitted", "source")
    write(data / "emergency_mix.csv", header, emergency(folder))
    write(data / "arrival_hours.csv", ("hour", "share", "source"), hours(folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
