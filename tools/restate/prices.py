"""Restate the price lists of six years, each kind with one set of columns.

The years of which a national workbook is held are read by the importer of workbooks, the same that
users have. A column that a year's list does not have, or that is not held, stays blank. A printed
zero stays zero.
"""

from __future__ import annotations

from collections.abc import Mapping

from restate.tables import Reference, RestateError, Row, Table, whole_pounds
from tariff.errors import TariffError
from tariff.packs.importing_prices.gather import SPECS, gather
from tariff.packs.importing_prices.gather import Tables as Imported
from tariff.packs.importing_prices.sheets import read_source

FINAL_2017_19 = "ntps-1719/ntps_2017_19_apc_opproc_full.csv"
FINAL_2022_23 = "ntps-2223/apc_opproc_2022_23.csv"
PRICES_2024_25 = "nhsps-2425/nhsps_2024_25_apc_prices.csv"
SUBSET_2025_26 = "nhsps-2526/nhsps_2025_26_elective_msk_subset.csv"

# The only HRGs whose per-day rate differs between the final and the consultation edition.
PER_DAY_CORRECTED = frozenset({"AA50D", "AA53E"})

# The workbooks, each a file or a folder of its sheets: year, pack, where it is.
WORKBOOKS = (
    ("2016/17", "ntps-2016-17", "ntps-1617/sheets"),
    ("2017/18", "ntps-2017-18", "ntps-1719/annex-b1/sheets"),
    ("2018/19", "ntps-2018-19", "ntps-1719/annex-b1/sheets"),
    ("2022/23", "ntps-2022-23", "ntps-2223/22-23NT_Annex-A-National-tariff-workbook_Apr22.xlsx"),
)
FINAL_SUFFIXES = {"2017/18": "1718", "2018/19": "1819"}


def imported(data: Reference, year: str, where: str) -> Imported:
    """Return the tables of one year of a workbook."""
    try:
        return gather(read_source(data.folder / where), year).tables
    except TariffError as error:
        raise RestateError(f"{where}: {error}") from None


def _blank(hrg: str) -> Row:
    row = dict.fromkeys(SPECS["prices"].header, "")
    row["hrg"] = hrg
    return row


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


def _finalise(data: Reference, year: str, rows: list[Row]) -> None:
    """Put the final figures in place of those of the consultation edition.

    They are the same but for two daily rates. Five HRGs (same-day attendances whose cost is
    elsewhere, the healthy baby, invalid for grouping) are printed with zeros: the copy of the final
    list kept the rows and lost the zeros, the consultation edition has them.
    """
    final = data.keyed(FINAL_2017_19, "hrg")
    columns = _final_columns(FINAL_SUFFIXES[year])
    if final.keys() != {row["hrg"] for row in rows}:
        raise RestateError(f"{FINAL_2017_19}: other HRGs than the workbook")
    for row in rows:
        source = final[row["hrg"]]
        figures = {ours: whole_pounds(source[theirs], year) for ours, theirs in columns.items()}
        if not any(figure for ours, figure in figures.items() if "trim" not in ours):
            continue
        for ours, figure in figures.items():
            if row[ours] == figure:
                continue
            if ours != "per_day" or row["hrg"] not in PER_DAY_CORRECTED:
                where = f"{year}: {row['hrg']}: {ours}"
                raise RestateError(f"{where} {figure} but {row[ours]} in consultation")
            row[ours] = figure


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


def _table(pack: str, name: str, rows: list[Row]) -> Table:
    columns = tuple(SPECS[name].header)
    lines = tuple(tuple(row[column] for column in columns) for row in rows)
    return Table(f"tariff/{pack}/{name}.csv", columns, lines)


def price_tables(data: Reference) -> list[Table]:
    """Return every table of every price list, restated."""
    found = []
    older: dict[str, Row] = {}
    for year, pack, where in WORKBOOKS:
        tables = imported(data, year, where)
        if year in FINAL_SUFFIXES:
            _finalise(data, year, tables["prices"])
        older = {row["hrg"]: row for row in tables["prices"]}
        found += [_table(pack, name, rows) for name, rows in tables.items()]
    found.append(_table("nhsps-2024-25", "prices", _list_2024_25(data, older)))
    found.append(_table("nhsps-2025-26-msk", "prices", _list_2025_26(data)))
    return found
