"""Worked prices: the oracle reproduces them to the penny with the packs that ship.

The vectors come from the reference data; the same figures, restated by `tools/restate_vectors.py`,
stand as `tests.csv` in each tariff pack and need no reference data.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from tariff.packs.load import load_packs
from tariff.packs.model import TariffPack
from tariff.reference.price import Price, PriceOptions, price_spell
from tariff.reference.spells import assemble
from tariff.reference.tables import (
    PackLike,
    PriceTables,
    of_kind,
    pence,
    price_tables,
    side_table,
)
from tariff.reference.values import Value, half_up
from tariff.schemas import MFF_UNIT

VECTORS = {"2016/17": 11, "2017/18": 24, "2018/19": 3, "2022/23": 43, "2024/25": 3, "2025/26": 5}
WITHOUT_TRIMS = {"2025/26"}  # a long stay payment is unknown, and left out of the total

# Best practice prices that the price list carries itself: what SUS pays without a flag.
LISTED = {"", "base (SUS)", "BPT (SUS)", "BPT level 1 (SUS)"}

# A vector that only names a setting. A child never has the reduced short stay price.
IMPLIED = {"EL": ("11", "1", "40"), "DC": ("11", "2", "40"), "NE": ("21", "1", "5")}


@cache
def shipped() -> tuple[tuple[PackLike, ...], PriceTables]:
    packs = tuple(load_packs())
    return packs, price_tables(packs)


def factor(text: str) -> int:
    return half_up(Fraction(text) * MFF_UNIT)


def priced(
    year: str,
    hrg: str,
    *,
    days: str,
    deducted: tuple[str, str, str],
    age: str,
    method: str,
    classification: str,
    provider: str,
    mff: str,
) -> Price:
    """Price a spell discharged in a year; a factor counts where no provider is named."""
    admitted = date(int(year[:4]), 4, 1)
    row: dict[str, Value] = {
        "provider": provider or "R0X",
        "spell_id": "S1",
        "episode_order": 1,
        "age": int(age),
        "admission_method": method,
        "patient_classification": classification,
        "admission_date": admitted,
        "discharge_date": admitted + timedelta(days=int(days)),
        "critical_care_days": int(deducted[0]),
        "rehabilitation_days": int(deducted[1]),
        "palliative_care_days": int(deducted[2]),
        "billed_hrg": hrg,
    }
    options = PriceOptions() if provider else PriceOptions(mff=factor(mff or "1"))
    return price_spell(shipped()[1], assemble([row])[0], None, options)


# ---------------------------------------------------------------- the reference data


def is_nothing(cell: str) -> bool:
    return not cell or Fraction(cell) == 0


def needs_the_list_alone(vector: dict[str, str]) -> bool:
    """Say whether a vector has no best practice price, top-up or additional payment."""
    return (
        not vector["bpt_flag"]
        and vector["bpt_price_used"] in LISTED
        and is_nothing(vector["topup"])
        and is_nothing(vector["additional_payment"])
    )


@pytest.mark.reference_data
def test_every_vector_that_the_price_list_decides(reference_data: Path) -> None:
    path = reference_data / "pricing-vectors" / "apc_vectors.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        vectors = [v for v in csv.DictReader(handle) if v["year"] in VECTORS]
    used = [vector for vector in vectors if needs_the_list_alone(vector)]
    counts = Counter(vector["year"] for vector in used)
    print(f"{len(used)} of {len(vectors)} vectors used: {dict(sorted(counts.items()))}")
    assert counts == VECTORS
    wrong = [problem for vector in used for problem in differences(vector)]
    assert not wrong, "\n".join(wrong)


def differences(vector: dict[str, str]) -> list[str]:
    """Return what the oracle gives otherwise than the vector says."""
    implied = IMPLIED[vector["setting"]]
    price = priced(
        vector["year"],
        vector["hrg"],
        days=vector["los"],
        deducted=(
            vector["critical_care_days"],
            vector["rehab_days"],
            vector["palliative_days"],
        ),
        age=vector["age"] or implied[2],
        method=vector["admission_method"] or implied[0],
        classification=vector["patient_classification"] or implied[1],
        provider=vector["provider"],
        mff=vector["mff"],
    )
    paid = pence(vector["base"])
    expected = {
        "base": pence(vector["list_price"]) or paid,
        "base less short stay": paid,
        "pre-MFF": pence(vector["pre_mff"]),
        "MFF": factor(vector["mff"]),
        "total": half_up(Fraction(vector["total_unrounded"]) * 100),
        "total in the file": pence(vector["total_2dp"]),
        "adjusted days": int(vector["adjusted_los"] or 0),
    }
    assert price.base_pence is not None and price.short_stay_pence is not None
    found = {
        "base": price.base_pence,
        "base less short stay": price.base_pence + price.short_stay_pence,
        "pre-MFF": price.pre_mff_pence,
        "MFF": price.mff,
        "total": price.total_pence,
        "total in the file": price.total_pence,
        "adjusted days": price.adjusted_days,
    }
    if vector["year"] not in WITHOUT_TRIMS:
        expected |= {"long stay": pence(vector["long_stay"]), "complete": True}
        found |= {"long stay": price.long_stay_pence, "complete": price.complete}
    return [
        f"{vector['id']} {name}: {found[name]} for {value}"
        for name, value in expected.items()
        if found[name] != value
    ]


# ---------------------------------------------------------------- the tests of the packs


def test_the_tests_of_the_tariff_packs() -> None:
    packs, _ = shipped()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for manifest, pack in of_kind(packs, TariffPack):
        for row in side_table(pack, "tests") if manifest.tests else ():
            counts[manifest.year] += 1
            price = priced(
                manifest.year,
                row["hrg"],
                days=row["spell_days"],
                deducted=(
                    row["critical_care_days"],
                    row["rehabilitation_days"],
                    row["palliative_care_days"],
                ),
                age=row["age"],
                method=row["admission_method"],
                classification=row["patient_classification"],
                provider=row["provider"],
                mff=row["mff"],
            )
            found = (
                price.base_pence,
                price.short_stay_pence,
                price.long_stay_pence,
                price.pre_mff_pence,
                price.total_pence,
                price.mff,
            )
            amounts = ("base", "short_stay", "long_stay", "pre_mff", "total")
            expected = (*(pence(row[name]) for name in amounts), factor(row["mff"] or "1"))
            if found != expected:
                wrong.append(f"{manifest.id} {row['name']}: {found} for {expected}")
    assert not wrong, "\n".join(wrong)
    assert counts == VECTORS
