"""Best practice payments beside the price: who earns which, and what it comes to."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tariff.engine.payments import PaymentRules, Payments, payments
from tests.engine.extracts import Row, shipped, stay
from tests.engine.test_flags import made

STROKE, HIP, SPINE = "Acute stroke care", "Fragility hip fracture", "Spinal Surgery"
HIP_2022 = "Fragility Fracture of Hip and Femur"
AREAS = ["", STROKE, HIP, HIP_2022, SPINE, "Heart Failure"]


@cache
def rules() -> PaymentRules:
    return PaymentRules(shipped().prices.packs, shipped().hrg_ids)


def earned(
    year: str, hrg: str, area: str, *rows: Row, priced: bool = True
) -> tuple[list[int], Payments]:
    """Pounds of spells of one HRG, each of one episode, in an area (empty: in none)."""
    named = [{**row, "spell_id": f"{number:03}"} for number, row in enumerate(rows)]
    given = made([hrg] * len(rows), named, year)
    count = len(rows)
    out = payments(
        rules(),
        given.members,
        given.tariff,
        given.spells.hrg,
        np.full(count, AREAS.index(area) if area else -1, np.int16),
        AREAS,
        np.full(count, priced),
    )
    return [int(pence) // 100 for pence in out.pence], out


def paid(*codes: str, met: str = "") -> Row:
    return stay(best_practice_payments=" ".join(codes), best_practice_met=met)


@pytest.mark.parametrize(
    ("year", "hrg", "area", "codes", "pounds"),
    [
        ("2016/17", "AA22B", STROKE, "STROKE_UNIT IMAGING", 1040 + 404),  # PV111
        ("2016/17", "AA22A", STROKE, "ALTEPLASE", 840),
        ("2017/18", "AA35A", STROKE, "STROKE_UNIT IMAGING ALTEPLASE", 1026 + 399 + 840),
        ("2018/19", "AA35A", STROKE, "STROKE_UNIT", 1027),
        ("2022/23", "AA35A", STROKE, "STROKE_UNIT IMAGING ALTEPLASE", 1281 + 438 + 921),
        ("2016/17", "HA12C", HIP, "HIP_FRACTURE", 1353),  # PV114
        ("2017/18", "HT12C", HIP, "HIP_FRACTURE", 1335),
        ("2022/23", "HT24C", HIP_2022, "HIP_FRACTURE", 1335),
        ("2016/17", "HA12C", "", "TRAUMA_1", 1464),
        ("2018/19", "HT12C", "", "TRAUMA_2", 2819),
        ("2022/23", "HT12C", HIP_2022, "TRAUMA_2 HIP_FRACTURE", 3120 + 1335),
        ("2022/23", "EB03A", "", "", 0),
    ],
)
def test_payments_come_to_what_the_year_prints(
    year: str, hrg: str, area: str, codes: str, pounds: int
) -> None:
    pence, out = earned(year, hrg, area, paid(*codes.split()))
    assert (pence, out.unknown.any(), dict(out.codes)) == ([pounds], False, {})


@pytest.mark.parametrize(
    ("year", "hrg", "area", "code"),
    [
        ("2016/17", "AA23A", STROKE, "ALTEPLASE"),  # only AA22, in that year
        ("2022/23", "AA35A", "", "STROKE_UNIT"),  # no row of the area was found
        ("2022/23", "HT12C", HIP_2022, "IMAGING"),  # of another area
        ("2022/23", "HC63A", SPINE, "HIP_FRACTURE"),
    ],
)
def test_a_payment_that_does_not_fit_pays_nothing_and_says_so(
    year: str, hrg: str, area: str, code: str
) -> None:
    pence, out = earned(year, hrg, area, paid(code))
    assert (pence, list(out.unknown), dict(out.codes)) == ([0], [True], {})


def test_a_payment_that_does_not_exist_is_counted_beside_those_that_do() -> None:
    rows = [paid("IMAGING", "BONUS"), paid("BONUS", "BONUS"), paid("imaging"), paid()]
    pence, out = earned("2022/23", "AA35A", STROKE, *rows)
    assert pence == [438, 0, 438, 0]
    assert list(out.unknown) == [True, True, False, False]
    assert out.codes == {"BONUS": 2}


@pytest.mark.parametrize(
    ("year", "dearer"), [("2016/17", 2815), ("2017/18", 2817), ("2018/19", 2819), ("2022/23", 3120)]
)
def test_of_two_levels_of_trauma_the_dearer_counts(year: str, dearer: int) -> None:
    hrg = "HA12C" if year == "2016/17" else "HT12C"
    rows = [paid("TRAUMA_1", "TRAUMA_2"), paid("TRAUMA_2", "TRAUMA_1"), paid("TRAUMA_2")]
    pence, out = earned(year, hrg, "", *rows)
    assert (pence, list(out.unknown)) == ([dearer] * 3, [True, True, False])
    assert out.codes == {}  # the year has both


def test_a_payment_counts_once() -> None:
    assert earned("2022/23", "AA35A", STROKE, paid("IMAGING", "IMAGING"))[0] == [438]
    assert earned("2022/23", "HT12C", HIP_2022, paid("HIP_FRACTURE", met="Y"))[0] == [1335]


@pytest.mark.parametrize(
    ("year", "hrg", "area", "met", "pounds"),
    [
        ("2022/23", "HT12C", HIP_2022, "Y", 1335),
        ("2022/23", "HT12C", HIP_2022, "N", 0),
        ("2022/23", "HT12C", "", "Y", 0),
        ("2022/23", "AA35A", STROKE, "Y", 1281 + 438 + 921),
        ("2016/17", "AA23A", STROKE, "Y", 1040 + 404),  # alteplase is of AA22 alone
        ("2022/23", "EB03A", "Heart Failure", "Y", 0),  # its price is another, nothing is beside it
    ],
)
def test_criteria_that_are_met_are_the_payments_of_the_area(
    year: str, hrg: str, area: str, met: str, pounds: int
) -> None:
    pence, out = earned(year, hrg, area, paid(met=met))
    assert (pence, list(out.unknown)) == ([pounds], [False])


def test_a_spell_without_a_price_earns_nothing() -> None:
    assert earned("2022/23", "EB03A", "", paid("TRAUMA_1"), priced=False)[0] == [0]


def test_without_the_columns_or_a_price_list_there_is_nothing() -> None:
    pence, out = earned("2022/23", "AA35A", STROKE, stay(), stay())
    assert (pence, out.unknown.any()) == ([0, 0], False)
    given = made(["AA35A"], [paid("BONUS")], "2022/23")
    none = np.full(1, -2, np.int16)
    area, priced = np.full(1, -1, np.int16), np.ones(1, bool)
    out = payments(rules(), given.members, none, given.spells.hrg, area, AREAS, priced)
    assert (list(out.pence), list(out.unknown), dict(out.codes)) == ([0], [False], {})
