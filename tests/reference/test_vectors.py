"""Worked prices of admitted care: the oracle reproduces them to the penny with the packs that ship.

The vectors come from the reference data; the same figures, restated by `tools/restate_vectors.py`,
stand as `tests.csv` in each tariff pack and need no reference data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tariff.extract.fields import EPISODES
from tariff.packs.model import Code, TariffPack, TopUpRule
from tariff.reference.price import Price
from tariff.reference.price_tables import PriceList, PriceTables
from tariff.reference.tables import of_kind, pence, side_table
from tariff.reference.values import code_of_service, half_up
from tests.reference.vectors import (
    MET,
    Row,
    Vector,
    admitted,
    factor,
    mff_of,
    price_of,
    record_of,
    shipped,
    vectors,
)

ADMITTED = [f"PV{number:02}" for number in range(1, 140)]
DELIVERIES = [f"MV{number}" for number in (*range(11, 18), 19)]
WITHOUT_TRIMS = {"2025/26"}  # a long stay payment is unknown, and left out of the total


def pence_of(amount: str) -> int:
    return half_up(Fraction(amount or 0) * 100)


# ---------------------------------------------------------------- admitted care


@pytest.mark.reference_data
def test_there_are_139_vectors(reference_data: Path) -> None:
    assert list(vectors(reference_data, "apc_vectors")) == ADMITTED


@pytest.mark.reference_data
@pytest.mark.parametrize("name", ADMITTED)
def test_vector(name: str, reference_data: Path) -> None:
    vector = vectors(reference_data, "apc_vectors")[name]
    price = price_of(record_of(vector), mff_of(vector))
    assert price.base_pence is not None and price.short_stay_pence is not None
    found = {
        "base": price.base_pence,
        "base less short stay": price.base_pence + price.short_stay_pence,
        "short stay": price.short_stay_eligible or 0,
        "adjusted days": price.adjusted_days,
        "top-up": price.top_up_pence,
        "additional": price.best_practice_pence,
        "pre-MFF": price.pre_mff_pence,
        "MFF": price.mff,
        "total": price.total_pence,
        "exact total": price.total_pence,
        "flag": price.best_practice_flag or "",
        "service": price.top_up_service or "",
    }
    pays = vector["topup_rate"] not in ("", "0")
    eligible = pays or vector["topup_line"].startswith("NCBPS")  # else the provider is not
    expected = {
        "base": pence_of(vector["list_price"] or vector["base"]),
        "base less short stay": pence_of(vector["base"]),
        "short stay": int(vector["ssem_applied"] == "yes"),
        "adjusted days": int(vector["adjusted_los"]),
        "top-up": pence_of(vector["topup"]),
        "additional": pence_of(vector["additional_payment"]),
        "pre-MFF": pence_of(vector["pre_mff"]),
        "MFF": factor(vector["mff"]),
        "total": pence_of(vector["total_2dp"]),
        "exact total": pence_of(vector["total_unrounded"]),
        "flag": vector["bpt_flag"],
        "service": code_of_service(vector["topup_line"]) if eligible else "",
    }
    assert found == expected
    if pays:
        assert Fraction(price.top_up_rate or "0") / 100 == Fraction(vector["topup_rate"])
    check_the_list(vector, price)
    check_the_area(vector, price)
    check_the_long_stay(vector, price)


def check_the_list(vector: Vector, price: Price) -> None:
    """Outside the areas the price before the reduced short stay is that of the list."""
    if not vector["bpt_flag"] and vector["bpt_price_used"] not in MET:
        assert price.list_pence == pence_of(vector["list_price"] or vector["base"])
    else:
        assert price.list_pence is not None


def check_the_area(vector: Vector, price: Price) -> None:
    """A price of an area is told as such, and which of its prices it is."""
    if vector["bpt_price_used"]:
        assert price.best_practice_area == vector["bpt_area"]
    if vector["bpt_price_used"] in MET:
        told = {"Y": "best_practice", "N": "not_best_practice", "LEVEL_3": "level_3"}
        assert price.best_practice_paid == told[MET[vector["bpt_price_used"]]]


def check_the_long_stay(vector: Vector, price: Price) -> None:
    """Trim, rate and days, where they were looked up; a year without trims is incomplete."""
    if vector["year"] in WITHOUT_TRIMS:
        assert (price.long_stay_pence, price.price_reasons) == (None, "trim_unknown")
        return
    assert (price.long_stay_pence, price.complete) == (pence_of(vector["long_stay"]), True)
    assert price.excess_days == int(vector["excess_days"])
    if price.trim_days is not None and vector["trim"]:
        assert price.trim_days == int(vector["trim"])
        assert price.per_day_pence == pence(vector["per_day"]) or vector["per_day"] == "0"
    else:
        assert price.excess_days == 0


# ---------------------------------------------------------------- rules that are not confirmed

Change = Callable[[PriceList], PriceList]


def with_rule(rule: TopUpRule) -> Change:
    return lambda held: replace(held, top_ups=replace(held.top_ups, rule=rule))


def without_short_stays(held: PriceList) -> PriceList:
    return replace(held, short_stay_rule=None)


def changed(year: str, change: Change) -> PriceTables:
    tables = shipped()[1]
    return replace(tables, lists={**tables.lists, year: change(tables.lists[year])})


# What each comes to with its switch the other way: component and pence.
SWITCHED: dict[str, tuple[Change, dict[str, int | None]]] = {
    # 38.52 % of 10,012 and of the long stay of 5,054
    "PV126": (
        with_rule(TopUpRule(several="first", also_on=["long_stay"])),
        {"top_up_pence": 580_342, "long_stay_pence": 505_400},
    ),
    # 24.44 % of 8,606 and of the payment of 1,335
    "PV127": (
        with_rule(TopUpRule(several="first", also_on=["best_practice"])),
        {"top_up_pence": 242_958, "best_practice_pence": 133_500},
    ),
    # orthopaedics closed to all, as no list of its providers is published
    "PV134": (
        with_rule(TopUpRule(several="dearest")),
        {"top_up_pence": 0, "pre_mff_pence": 715_000},
    ),
    # 2016/17 without criteria of a reduced short stay: the full price
    **{
        name: (
            without_short_stays,
            {"short_stay_pence": 0, "short_stay_eligible": None, "base_pence": full * 100},
        )
        for name, full in (
            ("PV49", 345),
            ("PV50", 452),
            ("PV52", 3270),
            ("PV53", 694),
            ("PV54", 998),
            ("PV110", 2220),
            ("PV118", 620),
            ("PV131", 3781),
        )
    },
}
AS_SHIPPED = {  # what the same vectors rest on: {} is a reduced short stay
    "PV126": {"top_up_pence": 385_662},
    "PV127": {"top_up_pence": 210_331},
    "PV134": {"top_up_pence": 171_600},
}


@pytest.mark.reference_data
def test_every_unconfirmed_rule_has_a_switch(reference_data: Path) -> None:
    rows = vectors(reference_data, "apc_vectors")
    assert {n for n, row in rows.items() if "rule unconfirmed" in row["status"]} == set(SWITCHED)


@pytest.mark.reference_data
@pytest.mark.parametrize("name", SWITCHED)
def test_a_rule_that_is_not_confirmed_is_a_switch(name: str, reference_data: Path) -> None:
    vector = vectors(reference_data, "apc_vectors")[name]
    change, expected = SWITCHED[name]
    row, mff = record_of(vector), mff_of(vector)
    price = price_of(row, mff, changed(vector["year"], change))
    assert {column: getattr(price, column) for column in expected} == expected
    assert price.complete
    shipping = price_of(row, mff)
    for column, amount in AS_SHIPPED.get(name, {"short_stay_eligible": 1}).items():
        assert getattr(shipping, column) == amount


def test_shipped_packs_say_that_their_top_up_rules_are_not_confirmed() -> None:
    rules = {m.year: m.top_up_rule for m, _ in of_kind(shipped()[0], TariffPack) if m.top_ups}
    assert {year: rule and rule.evidence for year, rule in rules.items()} == dict.fromkeys(
        ("2016/17", "2017/18", "2018/19", "2022/23"), "K"
    )
    assert rules["2016/17"] is not None
    assert rules["2016/17"].open_services == [Code("34")]


# ---------------------------------------------------------------- deliveries


@pytest.mark.reference_data
@pytest.mark.parametrize("name", DELIVERIES)
def test_delivery(name: str, reference_data: Path) -> None:
    vector = vectors(reference_data, "maternity_vectors")[name]
    row = admitted(
        vector["year"],
        int(vector["los"] or 0),
        provider=vector["provider"] or "R0X",
        age=30,
        admission_method=vector["admission_method"],
        billed_hrg=vector["hrg"],
        best_practice_flags="",
        specialised_services="",
    )
    price = price_of(row, None if vector["provider"] else factor("1"))
    if vector["outcome"] != "priced":
        assert (price.total_pence, price.complete) == (None, False)
        assert price.price_reasons == "hrg_not_in_tariff"
        assert pence_of(vector["total_2dp"]) == 0
        return
    assert (price.trim_days, price.per_day_pence, price.excess_days) == (
        int(vector["trim"]),
        pence(vector["per_day"]),
        int(vector["excess_days"]),
    )
    assert price.short_stay_pence == 0
    assert price.pre_mff_pence == pence(vector["pre_mff"])
    assert price.mff == factor(vector["mff"])
    assert price.total_pence == pence_of(vector["total_2dp"]) == pence_of(vector["expected_gbp"])
    assert price.complete


# ---------------------------------------------------------------- the tests of the packs

TESTS = {"2016/17": 24, "2017/18": 34, "2018/19": 4, "2022/23": 77, "2024/25": 3, "2025/26": 5}
AMOUNTS = {
    "list": "list_pence",
    "base": "base_pence",
    "short_stay": "short_stay_pence",
    "long_stay": "long_stay_pence",
    "top_up": "top_up_pence",
    "best_practice": "best_practice_pence",
    "pre_mff": "pre_mff_pence",
    "total": "total_pence",
}


def test_the_tests_of_the_tariff_packs() -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for manifest, pack in of_kind(shipped()[0], TariffPack):
        for example in side_table(pack, "tests") if manifest.tests else ():
            counts[manifest.year] += 1
            wrong += differences(manifest.year, example)
    assert not wrong, "\n".join(wrong)
    assert counts == TESTS


def differences(year: str, example: Vector) -> list[str]:
    """Return what the oracle gives otherwise than an example of a pack says."""
    whole = {field.name for field in EPISODES if field.type == "integer"}
    texts = {field.name for field in EPISODES} - whole
    values: Row = {name: cell for name, cell in example.items() if name in texts}
    values |= {name: int(cell) for name, cell in example.items() if name in whole and cell}
    if not values["provider"]:
        values["provider"] = "R0X"
    row = admitted(year, int(example["spell_days"]), **values, billed_hrg=example["hrg"])
    price = price_of(row, None if example["provider"] else factor(example["mff"] or "1"))
    expected: dict[str, object] = {AMOUNTS[name]: pence(example[name]) for name in AMOUNTS}
    if not example["list"] and not example["reasons"]:
        del expected["list_pence"]  # not told
    expected["mff"] = factor(example["mff"] or "1")
    if example["reasons"]:  # why there is no price
        expected["price_reasons"] = example["reasons"]
    return [
        f"{year} {example['name']}: {name} {getattr(price, name)} for {amount}"
        for name, amount in expected.items()
        if getattr(price, name) != amount
    ]
