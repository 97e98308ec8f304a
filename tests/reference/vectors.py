"""Worked prices of the reference data as records: the facts of a vector, never its result."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

from tariff.packs.load import load_packs
from tariff.reference.price import Price, PriceOptions, price_spell
from tariff.reference.price_tables import PriceTables, price_tables
from tariff.reference.spells import assemble
from tariff.reference.tables import PackLike
from tariff.reference.values import Value, half_up
from tariff.schemas import MFF_UNIT

Row = dict[str, Value]
Vector = Mapping[str, str]

# A vector that only names a setting. A child never has the reduced short stay price.
IMPLIED = {"EL": ("11", "1", "40"), "DC": ("11", "2", "40"), "NE": ("21", "1", "5")}

# What a vector says of the criteria of an area, as the record does: which price is used, and what
# was met of the payments beside it. The price that SUS pays to all asks for nothing.
MET = {"BPT": "Y", "non-BPT": "N", "level 3": "LEVEL_3"}
EARNED = {
    "alteplase (XD07Z)": "ALTEPLASE",
    "all three": "STROKE_UNIT IMAGING ALTEPLASE",
    "two of three": "STROKE_UNIT IMAGING",
    "all seven": "HIP_FRACTURE",
    "ISS 16+": "TRAUMA_2",
}


@cache
def shipped() -> tuple[tuple[PackLike, ...], PriceTables]:
    packs = tuple(load_packs())
    return packs, price_tables(packs)


@cache
def vectors(folder: Path, name: str) -> dict[str, dict[str, str]]:
    """The rows of a file of vectors by id."""
    path = folder / "pricing-vectors" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def factor(text: str) -> int:
    return half_up(Fraction(text) * MFF_UNIT)


def admitted(year: str, days: int = 0, **values: Value) -> Row:
    """A spell of one episode of a number of days, discharged in a year."""
    start = date(int(year[:4]), 4, 1)
    return {
        "provider": "R0X",
        "spell_id": "S1",
        "episode_order": 1,
        "age": 40,
        "admission_method": "21",
        "patient_classification": "1",
        "admission_date": start,
        "discharge_date": start + timedelta(days=days),
        **values,
    }


def price_of(row: Row, mff: int | None = None, tables: PriceTables | None = None) -> Price:
    """Price a record with the packs that ship; without a factor, by that of its provider."""
    return price_spell(tables or shipped()[1], assemble([row])[0], None, PriceOptions(mff=mff))


def flags_of(vector: Vector) -> str:
    """The flags of a spell: all those that its note says are met, else the one that decides."""
    met = re.search(r"meets ((?:BP\d\d|, | and )+)", vector["note"])
    return met[1] if met else vector["bpt_flag"]


def record_of(vector: Vector) -> Row:
    """The record of an admitted vector."""
    method, classification, age = IMPLIED[vector["setting"]]
    return admitted(
        vector["year"],
        int(vector["los"]),
        provider=vector["provider"] or "R0X",
        age=int(vector["age"] or age),
        admission_method=vector["admission_method"] or method,
        patient_classification=vector["patient_classification"] or classification,
        critical_care_days=int(vector["critical_care_days"]),
        rehabilitation_days=int(vector["rehab_days"]),
        palliative_care_days=int(vector["palliative_days"]),
        billed_hrg=vector["hrg"],
        best_practice_flags=flags_of(vector),
        best_practice_met=MET.get(vector["bpt_price_used"], ""),
        best_practice_payments=EARNED.get(vector["bpt_criteria_met"], ""),
        specialised_services=vector["topup_line"],
    )


def mff_of(vector: Vector) -> int | None:
    """The factor of a vector without a provider."""
    return None if vector["provider"] else factor(vector["mff"] or "1")
