"""Restate worked examples of admitted prices as the `tests.csv` of each tariff pack.

Reads `pricing-vectors/apc_vectors.csv` of the reference data (see `restate_packs.py` for where it
is) and writes one table for each year that ships. Taken is every vector that the price list alone
decides:

- no best practice flag, and where the vector names the best practice price used, it is one that
  the price list carries itself (what SUS pays everyone in an area that is defined by its HRG);
- no specialised top-up and no additional payment.

`base` is the price before the reduced short stay, `short_stay` the (negative) reduction. `mff` is
the factor to apply, blank for 1; with a provider it is that of the provider and year, without one
it is of a later year than the price, for the arithmetic only. `long_stay` is blank where the list
has no trim points: the payment is unknown and the total leaves it out.

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

import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from restate.command import run
from restate.tables import Reference, RestateError, Row, Table, make_table

PACKS = {  # year: pack folder, and how many vectors it takes
    "2016/17": ("tariff/ntps-2016-17", 11),
    "2017/18": ("tariff/ntps-2017-18", 24),
    "2018/19": ("tariff/ntps-2018-19", 3),
    "2022/23": ("tariff/ntps-2022-23", 43),
    "2024/25": ("tariff/nhsps-2024-25", 3),
    "2025/26": ("tariff/nhsps-2025-26-msk", 5),
}
WITHOUT_TRIMS = {"2025/26"}
LISTED = {"", "base (SUS)", "BPT (SUS)", "BPT level 1 (SUS)"}  # best practice prices in the list
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
    "mff",
    "base",
    "short_stay",
    "long_stay",
    "pre_mff",
    "total",
)


def is_zero(cell: str) -> bool:
    """Say whether an amount is blank or nothing."""
    return not cell or Decimal(cell) == 0


def is_usable(vector: Row) -> bool:
    """Say whether the price list of a pack that ships is all that a vector needs."""
    return (
        vector["year"] in PACKS
        and not vector["bpt_flag"]
        and vector["bpt_price_used"] in LISTED
        and is_zero(vector["topup"])
        and is_zero(vector["additional_payment"])
    )


def pounds(amount: Decimal) -> str:
    """Write an amount to the penny, without decimals where it is whole pounds."""
    amount = amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    return str(int(amount)) if amount == int(amount) else str(amount)


def restated(vector: Row) -> Row:
    """Restate one vector in the columns of `tests.csv`."""
    implied = IMPLIED[vector["setting"]]
    paid = Decimal(vector["base"])
    listed = Decimal(vector["list_price"] or vector["base"])
    factor = Decimal(vector["mff"])
    total = Decimal(vector["total_unrounded"])
    pre_mff = Decimal(vector["pre_mff"])
    if paid + Decimal(vector["long_stay"]) != pre_mff or pre_mff * factor != total:
        raise RestateError(f"{vector['id']}: the parts do not add up to {total}")
    if pounds(total) != pounds(Decimal(vector["total_2dp"])):
        raise RestateError(f"{vector['id']}: {total} is not {vector['total_2dp']}")
    note = vector["note"]
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
        "mff": "" if factor == 1 else str(factor.normalize()),
        "base": pounds(listed),
        "short_stay": pounds(paid - listed),
        "long_stay": ""
        if vector["year"] in WITHOUT_TRIMS
        else pounds(Decimal(vector["long_stay"])),
        "pre_mff": pounds(pre_mff),
        "total": pounds(total),
    }


def all_tables(folder: Path) -> list[Table]:
    """Return the tests of every tariff pack, built from the reference data in a folder."""
    vectors = Reference(folder).rows("pricing-vectors/apc_vectors.csv")
    return [
        make_table(
            f"{place}/tests.csv",
            COLUMNS,
            [restated(v) for v in vectors if v["year"] == year and is_usable(v)],
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
