"""Worked exclusions of admitted care: which records have no national price, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tariff.reference.other_tables import other_tables
from tariff.reference.price import Price
from tariff.reference.price_other_lines import price_line
from tariff.reference.values import Value
from tests.reference.vectors import admitted, factor, price_of, shipped, vectors

OF_EPISODES = [f"EX{number:02}" for number in range(1, 20)]
OF_SPELLS = ["EX20", "EX25", "EX26", "EX27", "EX29", "EX39"]
OF_UNBUNDLED = ["EX21", "EX22", "EX23", "EX24"]
MARKED = ["EX43", "EX45"]
CLASSES = ["EX41", "EX42"]
COLUMNS = {
    "treatment function": "treatment_function",
    "administrative category": "administrative_category",
    "commissioning serial number": "commissioning_serial_number",
}
HRG = {"2016/17": "AA02A", "2017/18": "EB03A", "2022/23": "AA22F"}
FULL_PRICE = {"2016/17": 651_700, "2017/18": 555_600, "2022/23": 387_200}
NO_PRICE = (None, None, None, None)


def spell(year: str, hrg: str | None = None, days: int = 5, **values: Value) -> Price:
    """A spell of a priced HRG whose flags and services are known to be none."""
    none = {"best_practice_flags": "", "specialised_services": ""}
    row = admitted(year, days, billed_hrg=hrg or HRG[year], **none, **values)
    return price_of(row, factor("1"))


def amounts(price: Price) -> tuple[int | None, ...]:
    return (price.list_pence, price.base_pence, price.pre_mff_pence, price.total_pence)


@pytest.mark.reference_data
def test_every_vector_of_admitted_care_is_here(reference_data: Path) -> None:
    rows = vectors(reference_data, "exclusion_vectors")
    admitted_ones = {name for name, row in rows.items() if row["dataset"].startswith("APC")}
    assert admitted_ones == {*OF_EPISODES, *OF_SPELLS, *OF_UNBUNDLED, *MARKED, *CLASSES}


@pytest.mark.reference_data
@pytest.mark.parametrize("name", OF_EPISODES)
def test_episode(name: str, reference_data: Path) -> None:
    vector = vectors(reference_data, "exclusion_vectors")[name]
    year = vector["year"]
    values = ["=ABC", "ABC="] if vector["value"] == "marked =" else [vector["value"]]
    for value in values:
        price = spell(year, **{COLUMNS[vector["field"]]: value})
        if vector["expected"] == "excluded":
            assert (price.exclusion, price.price_reasons) == (2, "excluded")
            assert (price.complete, *amounts(price)) == (False, *NO_PRICE)
        else:
            assert vector["expected"] in ("included", "not excluded by this list")
            assert (price.exclusion, price.price_reasons, price.complete) == (0, None, True)
            assert price.total_pence == FULL_PRICE[year]


@pytest.mark.reference_data
@pytest.mark.parametrize("name", OF_SPELLS)
def test_spell_hrg(name: str, reference_data: Path) -> None:
    vector = vectors(reference_data, "exclusion_vectors")[name]
    hrg = "WD01Z" if vector["value"] == "WD sub-chapter" else vector["value"]
    reasons = {
        "no price set": "hrg_not_in_tariff",
        "not priced": "hrg_not_in_tariff",
        "no price (local)": "no_national_price",
        "local price": "no_national_price",
    }
    for setting in ({}, {"admission_method": "11"}):
        price = spell(vector["year"], hrg, **setting)
        assert price.exclusion == 0
        if vector["expected"] == "price 0":
            assert (*amounts(price), price.price_reasons) == (0, 0, 0, 0, None)
        else:
            assert price.price_reasons == reasons[vector["expected"]]
            assert amounts(price) == NO_PRICE


@pytest.mark.reference_data
@pytest.mark.parametrize("name", OF_UNBUNDLED)
def test_unbundled_care_leaves_the_spell_its_price(name: str, reference_data: Path) -> None:
    """The line has no price; its days come off the stay of the spell, which keeps its own."""
    vector = vectors(reference_data, "exclusion_vectors")[name]
    line = price_line(
        other_tables(shipped()[0]),
        {
            "provider": "R1H",
            "tariff_code": vector["value"],
            "end_date": admitted(vector["year"])["discharge_date"],
            "core_point_of_delivery": "NEL",
            "quantity": 3,
        },
    )
    assert (line.outcome, line.total_pence) == ("local_price", 0)
    kinds = {"EX21": "critical_care_days", "EX22": "rehabilitation_days"}
    kinds["EX23"] = "palliative_care_days"
    days = {kinds[name]: 3} if name in kinds else {}
    price = spell(vector["year"], days=22, **days)  # the trim point is 19
    assert price.base_pence == FULL_PRICE[vector["year"]]
    assert (price.excess_days, price.complete) == (0 if days else 3, True)


@pytest.mark.reference_data
@pytest.mark.parametrize("name", MARKED)
def test_a_listed_procedure_is_excluded_by_its_mark(name: str, reference_data: Path) -> None:
    vector = vectors(reference_data, "exclusion_vectors")[name]
    codes: dict[str, Value] = {"oper_01": vector["value"]}
    if name == "EX45":  # soft tissue sarcoma, and a primary procedure outside chapter X
        codes = {"diag_01": "I10X", "diag_02": "C490", "oper_01": "T963"}
    assert vector["expected"] == "excluded when marked ="
    unmarked = spell(vector["year"], **codes)
    assert (unmarked.exclusion, unmarked.total_pence) == (0, FULL_PRICE[vector["year"]])
    marked = spell(vector["year"], **codes, commissioning_serial_number="X1=")
    assert (marked.price_reasons, amounts(marked)) == ("excluded", NO_PRICE)


@pytest.mark.reference_data
@pytest.mark.parametrize("name", CLASSES)
def test_patient_classification(name: str, reference_data: Path) -> None:
    """8 is no patient type; 3 has no national price, which no source confirms: a setting."""
    vector = vectors(reference_data, "exclusion_vectors")[name]
    year = vector["year"]
    values: dict[str, Value] = {
        "admission_method": "11",
        "patient_classification": vector["value"],
        "provider": "R1H",
    }
    price = spell(year, **values)
    assert (price.exclusion, amounts(price)) == (0, NO_PRICE)
    if name == "EX41":
        assert price.price_reasons == "no_point_of_delivery"
        return
    assert (price.point_of_delivery, price.price_reasons) == ("RADAY", "no_national_price")
    tables = shipped()[1]
    groups = tuple(
        replace(group, price="ordinary_elective") if group.code == "RADAY" else group
        for group in tables.groups
    )
    assert {group.evidence for group in tables.groups if group.code == "RADAY"} == {"K"}
    row = admitted(year, billed_hrg=HRG[year], best_practice_flags="", **values)
    switched = price_of(row, factor("1"), replace(tables, groups=groups))
    assert switched.list_pence == spell(year, admission_method="11").list_pence is not None
