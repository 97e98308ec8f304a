"""Restate the price lists of five years, each kind with one set of columns.

Every list gets the same columns; a column that the year's list does not have, or that is not
held, stays blank. A printed zero stays zero.
"""

from __future__ import annotations

from collections.abc import Mapping

from restate.tables import Reference, RestateError, Row, Table, make_table, percent, whole_pounds

COLUMNS = (
    "hrg",
    "outpatient_procedure",
    "combined",
    "day_case",
    "ordinary_elective",
    "elective_trim",
    "non_elective",
    "non_elective_trim",
    "per_day",
    "short_stay",
    "short_stay_percent",
    "short_stay_price",
)

FINAL_2017_19 = "ntps-1719/ntps_2017_19_apc_opproc_full.csv"
CONSULTATION_2017_18 = "ntps-1719/annex-b1/apc_opproc_2017_18.csv"
CONSULTATION_2018_19 = "ntps-1719/annex-b1/apc_opproc_2018_19.csv"
FINAL_2022_23 = "ntps-2223/apc_opproc_2022_23.csv"
PRICES_2024_25 = "nhsps-2425/nhsps_2024_25_apc_prices.csv"
SUBSET_2025_26 = "nhsps-2526/nhsps_2025_26_elective_msk_subset.csv"

# The only HRGs whose per-day rate differs between the final and the consultation edition.
PER_DAY_CORRECTED = frozenset({"AA50D", "AA53E"})

# Our column -> the column of the consultation edition and of the 2022/23 list.
_SHEET = {
    "outpatient_procedure": "opproc",
    "combined": "combined_dc_el",
    "day_case": "day_case",
    "ordinary_elective": "ordinary_elective",
    "elective_trim": "elective_trim_days",
    "non_elective": "non_elective",
    "non_elective_trim": "non_elective_trim_days",
    "per_day": "per_day_long_stay",
}


def _blank(hrg: str) -> Row:
    row = dict.fromkeys(COLUMNS, "")
    row["hrg"] = hrg
    return row


def _short_stay(row: Row, sheet: Mapping[str, str], where: str) -> None:
    """Fill the three short-stay columns from a sheet that has them."""
    flag = {"YES": "yes", "NO": "no"}.get(sheet["ssem_applies"].upper())
    if flag is None:
        raise RestateError(f"{where}: short stay flag {sheet['ssem_applies']!r}")
    row["short_stay"] = flag
    row["short_stay_percent"] = percent(sheet["ssem_pct"], where)
    row["short_stay_price"] = whole_pounds(sheet["ssem_price"], where)
    if (flag == "yes") != bool(row["short_stay_percent"] and row["short_stay_price"]):
        raise RestateError(f"{where}: short stay flag without share and price, or the reverse")


def _final_columns(suffix: str) -> dict[str, str]:
    """Return our column -> column of the final list; trims and day rate serve both years."""
    return {
        "outpatient_procedure": f"opproc_{suffix}",
        "combined": f"combined_dc_el_{suffix}",
        "day_case": f"day_case_{suffix}",
        "ordinary_elective": f"ordinary_elective_{suffix}",
        "elective_trim": "elective_trim_days",
        "non_elective": f"non_elective_{suffix}",
        "non_elective_trim": "non_elective_trim_days",
        "per_day": "per_day_long_stay",
    }


def _zeros_lost(final: Mapping[str, str], consulted: Mapping[str, str], suffix: str) -> bool:
    """Tell whether an HRG is listed in the final edition without any figure at all.

    Five HRGs (same-day attendances whose cost is elsewhere, the healthy baby, invalid for
    grouping) are printed with zeros. The copy of the final list kept the rows and lost the zeros;
    the consultation edition has them.
    """
    if any(final[column] for ours, column in _final_columns(suffix).items() if "trim" not in ours):
        return False
    printed = {consulted[column] for ours, column in _SHEET.items() if "trim" not in ours}
    return printed <= {"0", ""} and "0" in printed


def _list_2017_19(data: Reference, suffix: str, consultation: str) -> list[Row]:
    final = data.keyed(FINAL_2017_19, "hrg")
    consulted = data.keyed(consultation, "hrg")
    if final.keys() != consulted.keys():
        raise RestateError(f"{consultation}: other HRGs than {FINAL_2017_19}")
    rows = []
    for hrg, source in final.items():
        where = f"{consultation}: {hrg}"
        sheet = consulted[hrg]
        row = _blank(hrg)
        zeros = _zeros_lost(source, sheet, suffix)
        for ours, theirs in _final_columns(suffix).items():
            printed = sheet[_SHEET[ours]]
            row[ours] = whole_pounds(printed if zeros else source[theirs], where)
            if row[ours] != printed and not (ours == "per_day" and hrg in PER_DAY_CORRECTED):
                raise RestateError(f"{where}: {ours} {row[ours]} but {printed} in consultation")
        _short_stay(row, sheet, where)
        rows.append(row)
    return rows


def _list_2022_23(data: Reference) -> list[Row]:
    rows = []
    for sheet in data.rows(FINAL_2022_23):
        where = f"{FINAL_2022_23}: {sheet['hrg']}"
        row = _blank(sheet["hrg"])
        for ours, theirs in _SHEET.items():
            if theirs in sheet:
                row[ours] = whole_pounds(sheet[theirs], where)
        _short_stay(row, sheet, where)
        rows.append(row)
    return rows


def _list_2024_25(data: Reference, borrowed: Mapping[str, Row]) -> list[Row]:
    rows = []
    for source in data.rows(PRICES_2024_25):
        hrg = source["hrg"]
        where = f"{PRICES_2024_25}: {hrg}"
        row = _blank(hrg)
        row["day_case"] = whole_pounds(source["day_case_elective_gbp"], where)
        row["ordinary_elective"] = whole_pounds(source["ordinary_elective_gbp"], where)
        row["non_elective"] = whole_pounds(source["non_elective_gbp"], where)
        older = borrowed.get(hrg)
        if older is not None:
            for column in ("elective_trim", "non_elective_trim", "per_day"):
                row[column] = older[column]
        rows.append(row)
    return rows


def _list_2025_26(data: Reference) -> list[Row]:
    rows = []
    for source in data.rows(SUBSET_2025_26):
        row = _blank(source["hrg"])
        price = source["combined_elective_2025_26_pay_award_gbp"]
        row["combined"] = whole_pounds(price, f"{SUBSET_2025_26}: {source['hrg']}")
        rows.append(row)
    return rows


# Care that is not admitted: year, pack, folder of the reference data, file of each kind.
NOT_ADMITTED = (
    ("2017/18", "ntps-2017-18", "ntps-1719/annex-b1"),
    ("2018/19", "ntps-2018-19", "ntps-1719/annex-b1"),
    ("2022/23", "ntps-2022-23", "ntps-2223"),
)
ATTENDANCES = {
    "first_single": "WF01B_first_single",
    "first_multi": "WF02B_first_multi",
    "follow_up_single": "WF01A_follow_up_single",
    "follow_up_multi": "WF02A_follow_up_multi",
}


def _of_year(data: Reference, name: str, year: str) -> list[Row]:
    return [row for row in data.rows(name) if row["year"] == year]


def _not_admitted(data: Reference, year: str, pack: str, folder: str) -> list[Table]:
    """Return the prices of outpatient, emergency and unbundled care of one year."""
    name = f"{folder}/outpatient_attendance_prices.csv"
    attendances = [
        {"treatment_function": row["tfc"]}
        | {ours: whole_pounds(row[theirs], name) for ours, theirs in ATTENDANCES.items()}
        for row in _of_year(data, name, year)
    ]
    name = f"{folder}/ae_prices.csv"
    emergency = [
        {"hrg": row["hrg"]}
        | {column: whole_pounds(row[column], name) for column in ("type_1_and_2", "type_3")}
        for row in _of_year(data, name, year)
    ]
    name = f"{folder}/unbundled_prices.csv"
    unbundled = [
        {
            "hrg": row["hrg"],
            "price": whole_pounds(row["price_incl_reporting"], name),
            "reporting": whole_pounds(row["of_which_reporting"], name),
        }
        for row in _of_year(data, name, year)
        if row["price_incl_reporting"]
    ]
    columns = ("treatment_function", *ATTENDANCES)
    return [
        make_table(f"tariff/{pack}/attendances.csv", columns, attendances, expect=56),
        make_table(
            f"tariff/{pack}/emergency.csv", ("hrg", "type_1_and_2", "type_3"), emergency, expect=12
        ),
        make_table(
            f"tariff/{pack}/unbundled.csv",
            ("hrg", "price", "reporting"),
            unbundled,
            expect=len(unbundled),
        ),
    ]


def price_tables(data: Reference) -> list[Table]:
    """Return the price list of every year, restated."""
    rows_2022_23 = _list_2022_23(data)
    older = {row["hrg"]: row for row in rows_2022_23}
    lists = (
        ("ntps-2017-18", _list_2017_19(data, "1718", CONSULTATION_2017_18), 2303),
        ("ntps-2018-19", _list_2017_19(data, "1819", CONSULTATION_2018_19), 2303),
        ("ntps-2022-23", rows_2022_23, 2371),
        ("nhsps-2024-25", _list_2024_25(data, older), 2405),
        ("nhsps-2025-26-msk", _list_2025_26(data), 63),
    )
    found = [
        make_table(f"tariff/{pack}/prices.csv", COLUMNS, rows, expect=count)
        for pack, rows, count in lists
    ]
    for year, pack, folder in NOT_ADMITTED:
        found += _not_admitted(data, year, pack, folder)
    return found
