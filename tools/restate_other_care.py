"""Restate the worked prices of care that is not admitted as the tests of the other care packs.

Reads the reference data (see `restate_packs.py` for where it is). `tests.csv` restates vectors of
`pricing-vectors/` as records: an outpatient or emergency attendance, or one line with the record it
belongs to. Two lines of one attendance stand on the attendance, since the sum is rounded once;
two attendances of one vector are two tests.

    python tools/restate_other_care.py            write the tables
    python tools/restate_other_care.py --check    write nothing, exit 1 if a table would change
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from restate.command import run
from restate.exclusions import exclusion, is_ours
from restate.tables import Reference, RestateError, Row, Table, make_table

COUNTS = {"2013-14": 6, "2016-17": 9, "2017-19": 16, "2022-23": 84}  # tests by pack
YEARS = {
    "2013-14": ("2013/14",),
    "2016-17": ("2016/17",),
    "2017-19": ("2017/18", "2018/19"),
    "2022-23": ("2022/23",),
}
ANY_YEAR = "2017/18"  # of a vector that holds in any
TEST_COLUMNS = (
    "name", "dataset", "year", "provider", "mff", "billed_hrg", "treatment_function",
    "main_specialty", "first_attendance", "attended", "administrative_category",
    "commissioning_serial_number", "direct_access", "best_practice_met", "oper_01", "oper_02",
    "unbundled_01", "unbundled_02", "department_type", "point_of_delivery", "tariff_code",
    "quantity", "core_hrg", "core_point_of_delivery", "maternity_factors", "outcome",
    "price_reasons", "pre_mff", "total",
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
# Ophthalmology in 2013/14: each attendance and its price. OV05 is two of one day.
OPHTHALMOLOGY = {
    "OV01": [("WF01B", "1", "106")],
    "OV02": [("WF02B", "1", "108")],
    "OV03": [("WF01A", "2", "60")],
    "OV04": [("WF02A", "2", "87")],
    "OV05": [("WF01B", "1", "106"), ("WF01A", "2", "60")],
}
SETTINGS = {"DC": "DC", "EL": "EL", "NE": "NEL", "NRD": "ARD"}
PATHWAYS = {"antenatal": "MATPATHAN", "postnatal": "MATPATHPN"}
HOME_BIRTH = "NZ1HB"
CURRENCIES = {
    "XV01": "CYF2A",
    "XV02": "RPDHR",
    "XV03": "LOOK1",
    "XV04": "EIA-STANDARDS",
    "XV05": "EIA-DMARD",
    "XV06": "PARKINSONS",
    "XV07": "PAEDIATRIC-DIABETES",
}

# ---------------------------------------------------------------- one vector


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


def attendance(vector: Row) -> Iterator[Row]:
    """Restate an outpatient vector."""
    out = common(vector, "attendances")
    if vector["id"] in OPHTHALMOLOGY:
        yield from ophthalmology(vector, out)
        return
    if vector["id"] in EARLY:
        given = EARLY[vector["id"]]
        total = given.get("total", vector["expected_gbp"])
        seen = {"treatment_function": "100", "main_specialty": "100", "first_attendance": "1"}
        out |= {**seen, "attended": "5", "year": ANY_YEAR, "outcome": "priced"}
        yield out | given | {"total": total, "pre_mff": total}
        return
    items = [item for item in vector["unbundled"].replace(OUTSIDE_SUS, "").split() if item]
    yield out | {
        "billed_hrg": vector["core_hrg"],
        "treatment_function": vector["tfc"],
        "main_specialty": vector["main_specialty"],
        "first_attendance": vector["first_attendance"],
        "attended": vector["attended"],
        "direct_access": vector["direct_access"],
        "best_practice_met": CRITERIA.get(vector["id"], ""),
        **{f"unbundled_{place:02}": item for place, item in enumerate(items, 1)},
    }


def ophthalmology(vector: Row, out: Row) -> Iterator[Row]:
    """Restate a vector of ophthalmology, each attendance of it by itself."""
    seen = OPHTHALMOLOGY[vector["id"]]
    if sum(int(price) for *_, price in seen) != int(vector["expected_gbp"]):
        raise RestateError(f"{vector['id']}: its attendances do not add up to its price")
    for number, (hrg, first, price) in enumerate(seen, 1):
        of = f" ({number} of {len(seen)})" if len(seen) > 1 else ""
        yield out | {
            "name": out["name"] + of,
            "billed_hrg": hrg,
            "treatment_function": "130",
            "main_specialty": "130",
            "first_attendance": first,
            "attended": "5",
            "outcome": "priced",
            "pre_mff": price,
            "total": price,
        }


def emergency(vector: Row) -> Iterator[Row]:
    """Restate an emergency vector."""
    yield common(vector, "emergency") | {
        "billed_hrg": vector["hrg"],
        "department_type": vector["department_type"],
    }


def unbundled(vector: Row) -> Iterator[Row]:
    """Restate an unbundled vector: a line, or an attendance with several."""
    items = vector["unbundled"].split()
    if len(items) > 1:
        yield common(vector, "attendances") | {
            "billed_hrg": vector["core_hrg"],
            "treatment_function": "800",
            "main_specialty": "800",
            "first_attendance": "2",
            "attended": "5",
            "outcome": "zero_price",
            **{f"unbundled_{place:02}": item for place, item in enumerate(items, 1)},
        }
        return
    code, _, quantity = items[0].partition("*")
    outpatient = "OPFUPSPCL" if vector["core_hrg"].startswith("WF") else "OPPROC"
    yield common(vector, "lines") | {
        "tariff_code": code,
        "quantity": quantity,
        "core_hrg": "" if vector["setting"] == "NRD" else vector["core_hrg"],
        "core_point_of_delivery": SETTINGS.get(vector["setting"], outpatient),
    }


def maternity(vector: Row) -> Iterator[Row]:
    """Restate a payment of a pathway, or a home birth; deliveries in hospital are spells."""
    if vector["hrg"]:
        return
    out = common(vector, "lines") | {"quantity": "1"}
    if vector["phase"] in PATHWAYS:
        pod, factors = PATHWAYS[vector["phase"]], vector["factors"] or "none"
        yield out | {"point_of_delivery": pod, "maternity_factors": factors}
    else:
        yield out | {"tariff_code": HOME_BIRTH}


def currency(vector: Row) -> Iterator[Row]:
    """Restate a payment that is no HRG."""
    yield common(vector, "lines") | {"tariff_code": CURRENCIES[vector["id"]], "quantity": "1"}


def excluded(vector: Row) -> Iterator[Row]:
    """Restate an exclusion of a record that is not a spell or an episode."""
    if is_ours(vector):
        yield NOTHING | exclusion(vector)


# ---------------------------------------------------------------- the tables

KINDS: tuple[tuple[str, Callable[[Row], Iterator[Row]]], ...] = (
    ("outpatient", attendance),
    ("emergency", emergency),
    ("unbundled", unbundled),
    ("maternity", maternity),
    ("other_currency", currency),
    ("exclusion", excluded),
)


def tests(data: Reference, pack: str) -> Iterator[Row]:
    """Restate the vectors of a pack's years."""
    for kind, read in KINDS:
        for vector in data.rows(f"pricing-vectors/{kind}_vectors.csv"):
            if (vector["year"] if vector["year"] != "any" else ANY_YEAR) in YEARS[pack]:
                yield from read(vector)


def all_tables(folder: Path) -> list[Table]:
    """Return every table of the packs, built from the reference data in a folder."""
    data = Reference(folder)
    return [
        make_table(
            f"other-care/{pack}/tests.csv",
            TEST_COLUMNS,
            tests(data, pack),
            expect=count,
            ordered=True,
        )
        for pack, count in COUNTS.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    return run("Restate the tests of the other care packs.", all_tables, arguments)


if __name__ == "__main__":
    sys.exit(main())
