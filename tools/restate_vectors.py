"""Restate worked examples of admitted prices as the `tests.csv` of each tariff pack.

Reads `pricing-vectors/apc_vectors.csv` and, for deliveries, `maternity_vectors.csv` of the
reference data (see `restate_packs.py` for where it is) and writes one table for each year that
ships: every vector of admitted care.

`list` is the price of the list, blank where the vector does not tell it from the best practice
price. `best_practice_flags` are those the vector says are met, of which one decides.
`best_practice_met` is told by the price used: that of the criteria met (Y), not met (N), or of a
level; blank where it is the one SUS pays. `best_practice_payments` names what was added.
`base` is the price after best practice and before the reduced short stay, `short_stay` the
(negative) reduction. `mff` is the factor to apply, blank for 1; with a provider it is that of the
provider and year, without one it is of a later year than the price, for the arithmetic only.
`long_stay` is blank where the list has no trim points: the payment is unknown and the total leaves
it out. A top-up is shown in whole pence, in `pre_mff` too; the total is exact. `reasons` says why
there is no price.

A vector of the early set gives a setting, but no method, classification or age. They are filled so
that the printed price follows:

- EL: method 11, classification 1, age 40; DC: method 11, classification 2, age 40;
- NE: method 21, classification 1, age 5. The reduced short stay price is for adults, so that a
  child pays the full price at any stay. PV09 says so in words; PV06 and PV07 hold for a patient
  below 60 and below 19; the others stay two days or more, where age plays no part.

    python tools/restate_vectors.py            write the tables
    python tools/restate_vectors.py --check    write nothing, exit 1 if a table would change
"""

from __future__ import annotations

import re
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from restate.command import run
from restate.tables import Reference, RestateError, Row, Table, make_table

PACKS = {  # year: pack folder, and how many vectors it takes
    "2016/17": ("tariff/ntps-2016-17", 24),
    "2017/18": ("tariff/ntps-2017-18", 34),
    "2018/19": ("tariff/ntps-2018-19", 4),
    "2022/23": ("tariff/ntps-2022-23", 77),
    "2024/25": ("tariff/nhsps-2024-25", 3),
    "2025/26": ("tariff/nhsps-2025-26-msk", 5),
}
WITHOUT_TRIMS = {"2025/26"}
LISTED = {"", "base (SUS)", "BPT (SUS)", "BPT level 1 (SUS)"}  # best practice prices in the list
MET = {"BPT": "Y", "non-BPT": "N", "level 3": "LEVEL_3"}  # what is not what SUS pays
PAYMENTS = {  # by what the vector says was met: the payments that were added
    "alteplase (XD07Z)": "ALTEPLASE",
    "all three": "STROKE_UNIT IMAGING ALTEPLASE",
    "two of three": "STROKE_UNIT IMAGING",
    "all seven": "HIP_FRACTURE",
    "ISS 16+": "TRAUMA_2",
}
DELIVERIES = {f"MV{number}" for number in (11, 12, 13, 14, 15, 16, 17, 19)}  # the admitted ones
IMPLIED = {  # setting: admission method, classification, age
    "EL": ("11", "1", "40"),
    "DC": ("11", "2", "40"),
    "NE": ("21", "1", "5"),
}
COLUMNS = (
    "name",
    "hrg",
    "age",
    "admission_method",
    "patient_classification",
    "spell_days",
    "critical_care_days",
    "rehabilitation_days",
    "palliative_care_days",
    "provider",
    "best_practice_flags",
    "best_practice_met",
    "best_practice_payments",
    "specialised_services",
    "mff",
    "list",
    "base",
    "short_stay",
    "long_stay",
    "top_up",
    "best_practice",
    "pre_mff",
    "total",
    "reasons",
)
MEETS = re.compile(r"meets ((?:BP\d\d(?:, | and )?)+)")


def penny(amount: Decimal) -> Decimal:
    """Round an amount half up to the penny."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def pounds(amount: Decimal) -> str:
    """Write an amount to the penny, without decimals where it is whole pounds."""
    amount = penny(amount)
    return str(int(amount)) if amount == int(amount) else str(amount)


def flags(vector: Row) -> str:
    """Give the flags that a vector meets: those its note counts up, else the one it is paid by."""
    found = MEETS.search(vector["note"])
    if found is None:
        return vector["bpt_flag"]
    met = sorted(re.findall(r"BP\d\d", found[1]))
    if vector["bpt_flag"] not in met:
        raise RestateError(f"{vector['id']}: {vector['bpt_flag']} is not among {met}")
    return " ".join(met)


def restated(vector: Row) -> Row:
    """Restate one vector in the columns of `tests.csv`."""
    implied = IMPLIED[vector["setting"]]
    paid = Decimal(vector["base"])
    listed = Decimal(vector["list_price"] or vector["base"])
    factor = Decimal(vector["mff"])
    total = Decimal(vector["total_unrounded"])
    pre_mff = Decimal(vector["pre_mff"])
    top_up = Decimal(vector["topup"] or 0)
    payment = Decimal(vector["additional_payment"] or 0)
    parts = paid + Decimal(vector["long_stay"]) + top_up + payment
    if parts != pre_mff or pre_mff * factor != total:
        raise RestateError(f"{vector['id']}: the parts do not add up to {total}")
    if pounds(total) != pounds(Decimal(vector["total_2dp"])):
        raise RestateError(f"{vector['id']}: {total} is not {vector['total_2dp']}")
    note = vector["note"]
    used = vector["bpt_price_used"]
    return {
        "name": f"{vector['id']} {note}" if note else vector["id"],
        "hrg": vector["hrg"],
        "age": vector["age"] or implied[2],
        "admission_method": vector["admission_method"] or implied[0],
        "patient_classification": vector["patient_classification"] or implied[1],
        "spell_days": vector["los"],
        "critical_care_days": vector["critical_care_days"],
        "rehabilitation_days": vector["rehab_days"],
        "palliative_care_days": vector["palliative_days"],
        "provider": vector["provider"],
        "best_practice_flags": flags(vector),
        "best_practice_met": MET.get(used, ""),
        "best_practice_payments": PAYMENTS[vector["bpt_criteria_met"]] if payment else "",
        "specialised_services": vector["topup_line"],
        "mff": "" if factor == 1 else str(factor.normalize()),
        "list": pounds(listed) if used in LISTED and not vector["bpt_flag"] else "",
        "base": pounds(listed),
        "short_stay": pounds(paid - listed),
        "long_stay": ""
        if vector["year"] in WITHOUT_TRIMS
        else pounds(Decimal(vector["long_stay"])),
        "top_up": pounds(top_up),
        "best_practice": pounds(payment),
        "pre_mff": pounds(pre_mff - top_up + penny(top_up)),
        "total": pounds(total),
        "reasons": "",
    }


def delivery(vector: Row) -> Row:
    """Restate a vector of a delivery, or of another admission of the maternity chapter."""
    method, classification, age = IMPLIED[vector["setting"] or "NE"]
    factor = Decimal(vector["mff"])
    pre_mff = Decimal(vector["pre_mff"])
    long_stay = Decimal(vector["excess_days"] or 0) * Decimal(vector["per_day"] or 0)
    priced = vector["outcome"] == "priced"
    if pre_mff * factor != Decimal(vector["total_unrounded"]):
        raise RestateError(f"{vector['id']}: the parts do not add up")
    base = pounds(pre_mff - long_stay) if priced else ""
    return {
        **dict.fromkeys(COLUMNS, ""),
        "name": " ".join(filter(None, (vector["id"], vector["input"], vector["note"]))),
        "hrg": vector["hrg"],
        "age": "30" if method == "21" else age,
        "admission_method": vector["admission_method"] or method,
        "patient_classification": classification,
        "spell_days": vector["los"] or "0",
        **dict.fromkeys(("critical_care_days", "rehabilitation_days", "palliative_care_days"), "0"),
        "provider": vector["provider"],
        "mff": "" if factor == 1 else str(factor.normalize()),
        "list": base,
        "base": base,
        "short_stay": "0" if priced else "",
        "long_stay": pounds(long_stay) if priced else "",
        "top_up": "0" if priced else "",
        "best_practice": "0" if priced else "",
        "pre_mff": pounds(pre_mff) if priced else "",
        "total": pounds(pre_mff * factor) if priced else "",
        "reasons": "" if priced else "hrg_not_in_tariff",
    }


def all_tables(folder: Path) -> list[Table]:
    """Return the tests of every tariff pack, built from the reference data in a folder."""
    reference = Reference(folder)
    rows = [
        (v["year"], restated(v))
        for v in reference.rows("pricing-vectors/apc_vectors.csv")
        if v["year"] in PACKS
    ] + [
        (v["year"], delivery(v))
        for v in reference.rows("pricing-vectors/maternity_vectors.csv")
        if v["id"] in DELIVERIES
    ]
    return [
        make_table(
            f"{place}/tests.csv",
            COLUMNS,
            [row for of, row in rows if of == year],
            expect=count,
            ordered=True,
        )
        for year, (place, count) in PACKS.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    return run("Restate worked prices as tests of the packs.", all_tables, arguments)


if __name__ == "__main__":
    sys.exit(main())
