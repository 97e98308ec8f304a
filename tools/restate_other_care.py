"""Restate the tables of the other care packs: unbundled HRGs, direct access, dialysis, tests.

Reads the reference data (see `restate_packs.py` for where it is). `tests.csv` restates the worked
prices of `pricing-vectors/` as records: an outpatient or emergency attendance, or one line of an
unbundled HRG with the record it belongs to. Two lines of one attendance stand on the attendance,
since the sum is rounded once. Vectors of years whose prices are not shipped are left out.

    python tools/restate_other_care.py            write the tables
    python tools/restate_other_care.py --check    write nothing, exit 1 if a table would change
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from restate.command import run
from restate.tables import Reference, Row, Table, make_table

PACKS = {  # pack: its years
    "2016-17": ("2016/17",),
    "2017-19": ("2017/18", "2018/19"),
    "2022-23": ("2022/23",),
}
FOLDERS = {"2016-17": "ntps-1617", "2017-19": "ntps-1719/annex-b1", "2022-23": "ntps-2223"}
OTHER_PRICES = {
    "2016-17": "other_national_prices",
    "2017-19": "other_national_prices",
    "2022-23": "other_unit_prices",
}
BEST_PRACTICE = {
    "2016/17": "ntps-1617/bpt_prices.csv",
    "2017/18": "ntps-1719/annex-b1/bpt_prices_2017_18.csv",
    "2018/19": "ntps-1719/annex-b1/bpt_prices_2018_19.csv",
    "2022/23": "ntps-2223/bpt_prices.csv",
}
COUNTS = {  # unbundled HRGs, direct access prices, dialysis prices, best practice prices, tests
    "2016-17": (211, 4, 13, 4, 7),
    "2017-19": (554, 8, 26, 8, 15),
    "2022-23": (279, 4, 13, 4, 49),
}
# Imaging that is priced (tab 0) and not in the full list, which still has RD28Z in their place.
NOT_LISTED = {"2022/23": ("RD60Z", "RD61Z")}
EMPTY_CORE = "97Z"  # ends the HRG of a day without anything else: a core, not an unbundled HRG

# ---------------------------------------------------------------- prices


def treatment(row: Row) -> str:
    """Say how an unbundled HRG is paid beside what it belongs to."""
    if row["costs_rebundled"] in ("Y", "Yes"):
        return "rebundled"
    return (
        "priced" if row.get("price_kind", row.get("national_price")) not in ("", "No") else "local"
    )


def unbundled(data: Reference, pack: str) -> Iterator[Row]:
    """Restate the full list of unbundled HRGs for each year of a pack."""
    listed = data.rows(f"{FOLDERS[pack]}/unbundled_hrg_list.csv")
    for year in PACKS[pack]:
        for row in listed:
            if not row["hrg"].endswith(EMPTY_CORE):
                yield {"year": year, "hrg": row["hrg"], "treatment": treatment(row)}
        for hrg in NOT_LISTED.get(year, ()):
            yield {"year": year, "hrg": hrg, "treatment": "rebundled"}


def direct_access(data: Reference, pack: str) -> Iterator[Row]:
    """Restate direct access prices that are not those of imaging."""
    for row in data.rows(f"{FOLDERS[pack]}/{OTHER_PRICES[pack]}.csv"):
        if row["section"] == "Direct access services":
            yield {"year": row["year"], "hrg": row["hrg"], "price": row["price"]}


def dialysis(data: Reference, pack: str) -> Iterator[Row]:
    """Restate dialysis: a session in a unit, a week of haemodialysis at home, a day of another."""
    for year in PACKS[pack]:
        for row in data.rows(BEST_PRACTICE[year]):
            if row["area"] != "Adult renal dialysis":
                continue
            number = int(row["code"][2:4])
            unit = "session" if number <= 8 else "week" if number <= 10 else "day"
            yield {"year": year, "hrg": row["code"], "unit": unit, "price": row["value"]}


def best_practice(data: Reference, pack: str) -> Iterator[Row]:
    """Restate what an attendance is paid once its criteria are known to be met, or not met."""
    for year in PACKS[pack]:
        for row in data.rows(BEST_PRACTICE[year]):
            kind = row["price_kind"].lower()
            if row["area"] == "Paediatric epilepsy" and kind.startswith("non-best"):
                hrg = "WF01A" if "wf01a" in kind else "WF02A"
                yield paid(year, row, "223", hrg, "not_met", price=row["value"])
            if row["area"] == "Transient ischaemic attack" and kind.startswith("tariff adj"):
                for hrg in ("WF01B", "WF02B"):
                    yield paid(year, row, "329", hrg, "met", addition=row["value"])


def paid(
    year: str, row: Row, function: str, hrg: str, criteria: str, price: str = "", addition: str = ""
) -> Row:
    """Restate one row of best practice."""
    return {
        "year": year,
        "area": row["area"].lower(),
        "treatment_function": function,
        "hrg": hrg,
        "criteria": criteria,
        "price": price,
        "addition": addition,
    }


# ---------------------------------------------------------------- tests

TEST_COLUMNS = (
    "name", "dataset", "year", "provider", "mff", "billed_hrg", "treatment_function",
    "main_specialty", "first_attendance", "attended", "direct_access", "best_practice_met",
    "oper_01", "oper_02", "unbundled_01", "unbundled_02", "department_type", "tariff_code",
    "quantity", "core_hrg", "core_point_of_delivery", "outcome", "pre_mff", "total",
)  # fmt: skip
OUTCOMES = {
    "excluded": "excluded",
    "excluded, local price": "excluded",
    "excluded core, imaging priced": "excluded",
    "not priced": "not_priced",
    "local price": "local_price",
    "NO_TARIFF": "no_tariff",
    "rebundled": "rebundled",
    "not paid": "not_paid",
}
NOTHING = dict.fromkeys(TEST_COLUMNS, "")
# Best practice that is settled outside SUS: the criteria are known to be met, or not to be.
CRITERIA = {"OV27": "Y", "OV30": "N"}
OUTSIDE_SUS = "treated within 24 hours (outside SUS)"
# The early vectors name an HRG and a price only: a first attendance of general surgery.
EARLY = {
    "OV06": {"billed_hrg": "AA33C"},
    "OV07": {"billed_hrg": "BZ33Z"},
    "OV08": {"billed_hrg": "EY51Z"},
    "OV09": {"billed_hrg": "LB72A"},
    "OV10": {"billed_hrg": "MA36Z"},
    "OV11": {"billed_hrg": "WJ03G", "total": "163"},  # WF01B of the function
    "OV12": {"billed_hrg": "AA33C", "oper_01": "A571", "oper_02": "A573", "total": "198"},
    "OV13": {"billed_hrg": "WF01B", "attended": "2", "outcome": "excluded"},
}
SETTINGS = {"DC": "DC", "EL": "EL", "NE": "NEL", "NRD": "ARD"}


def tests(data: Reference, pack: str) -> Iterator[Row]:
    """Restate the vectors of a pack's years."""
    for kind, read in (
        ("outpatient", attendance),
        ("emergency", emergency),
        ("unbundled", of_line),
    ):
        for vector in data.rows(f"pricing-vectors/{kind}_vectors.csv"):
            if (vector["year"] if vector["year"] != "any" else "2017/18") in PACKS[pack]:
                yield read(vector)


def common(vector: Row, dataset: str) -> Row:
    """Restate what every vector says. A vector without provider takes a factor of 1."""
    core_at_zero = vector["lines"].split(";")[0].endswith("x 0 = 0") and dataset == "attendances"
    priced = "zero_price" if core_at_zero else "priced"
    return {
        **NOTHING,
        "name": f"{vector['id']} {vector['note'] or vector['input']}".replace('"', "'"),
        "dataset": dataset,
        "year": vector["year"],
        "provider": vector["provider"],
        "mff": "" if vector["provider"] else "1",
        "outcome": OUTCOMES.get(vector["outcome"], priced),
        "pre_mff": vector["pre_mff"],
        "total": vector["total_2dp"],
    }


def attendance(vector: Row) -> Row:
    """Restate an outpatient vector."""
    out = common(vector, "attendances")
    if vector["id"] in EARLY:
        given = EARLY[vector["id"]]
        total = given.get("total", vector["expected_gbp"])
        seen = {"treatment_function": "100", "main_specialty": "100", "first_attendance": "1"}
        out |= {**seen, "attended": "5", "year": "2017/18", "outcome": "priced"}
        return out | given | {"total": total, "pre_mff": total}
    items = [item for item in vector["unbundled"].replace(OUTSIDE_SUS, "").split() if item]
    return out | {
        "billed_hrg": vector["core_hrg"],
        "treatment_function": vector["tfc"],
        "main_specialty": vector["main_specialty"],
        "first_attendance": vector["first_attendance"],
        "attended": vector["attended"],
        "direct_access": vector["direct_access"],
        "best_practice_met": CRITERIA.get(vector["id"], ""),
        **{f"unbundled_{place:02}": item for place, item in enumerate(items, 1)},
    }


def emergency(vector: Row) -> Row:
    """Restate an emergency vector."""
    return common(vector, "emergency") | {
        "billed_hrg": vector["hrg"],
        "department_type": vector["department_type"],
    }


def of_line(vector: Row) -> Row:
    """Restate an unbundled vector: a line, or an attendance with several."""
    items = vector["unbundled"].split()
    if len(items) > 1:
        return common(vector, "attendances") | {
            "billed_hrg": vector["core_hrg"],
            "treatment_function": "800",
            "main_specialty": "800",
            "first_attendance": "2",
            "attended": "5",
            "outcome": "zero_price",
            **{f"unbundled_{place:02}": item for place, item in enumerate(items, 1)},
        }
    code, _, quantity = items[0].partition("*")
    outpatient = "OPFUPSPCL" if vector["core_hrg"].startswith("WF") else "OPPROC"
    return common(vector, "lines") | {
        "tariff_code": code,
        "quantity": quantity,
        "core_hrg": "" if vector["setting"] == "NRD" else vector["core_hrg"],
        "core_point_of_delivery": SETTINGS.get(vector["setting"], outpatient),
    }


# ---------------------------------------------------------------- the tables


def all_tables(folder: Path) -> list[Table]:
    """Return every table of the packs, built from the reference data in a folder."""
    data = Reference(folder)
    out = []
    for pack in PACKS:
        counts = COUNTS[pack]
        area = ("year", "treatment_function", "hrg", "criteria", "area", "price", "addition")
        for (name, columns, rows), count in zip(
            (
                ("unbundled", ("year", "hrg", "treatment"), unbundled(data, pack)),
                ("direct_access", ("year", "hrg", "price"), direct_access(data, pack)),
                ("dialysis", ("year", "hrg", "unit", "price"), dialysis(data, pack)),
                ("best_practice", area, best_practice(data, pack)),
                ("tests", TEST_COLUMNS, tests(data, pack)),
            ),
            counts,
            strict=True,
        ):
            key = {"tests": 1, "best_practice": 4}.get(name, 2)
            path = f"other-care/{pack}/{name}.csv"
            ordered = name == "tests"
            out.append(make_table(path, columns, rows, expect=count, key=key, ordered=ordered))
    return out


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    return run("Restate the tables of the other care packs.", all_tables, arguments)


if __name__ == "__main__":
    sys.exit(main())
