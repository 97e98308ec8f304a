"""What holds of every spell price, whatever the spell: the oracle over the packs that ship.

The numbers are those of the reference page of pricing rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tariff.reference.price import Price
from tariff.reference.price_tables import PriceList, PriceRow
from tariff.reference.values import Value, day, half_up_to, text
from tariff.schemas import MFF_UNIT
from tests.reference.vectors import Row, admitted, price_of, shipped

EXAMPLES = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
YEARS = ("2016/17", "2017/18", "2018/19", "2022/23")
SAME_DAY = "Same day emergency care"
NEVER_REDUCED = {
    "Acute stroke care",
    "Fragility hip fracture",
    "Fragility Fracture of Hip and Femur",
    SAME_DAY,
}
EMERGENCY = ("21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D")
NOT_EMERGENCY = ("31", "32", "81", "82", "83")
OF_THE_FLAG = {  # what a flag may change: base, reduction, top-up, payments, and what says so
    "base_pence", "short_stay_pence", "short_stay_eligible", "trim_days", "per_day_pence",
    "best_practice_area", "best_practice_flag", "best_practice_paid", "top_up_pence",
    "best_practice_pence", "pre_mff_pence", "total_pence", "price_reasons",
}  # fmt: skip


def held(year: str) -> PriceList:
    return shipped()[1].lists[year]


@cache
def hrgs(year: str, kind: str) -> list[str]:
    """HRGs of a year: all, flagged for the reduced short stay, or of areas never reduced."""
    found = held(year)
    if kind == "flagged":
        return [hrg for hrg, row in found.rows.items() if row.short_stay]
    if kind == "all":
        return list(found.rows)
    prices = [row for row in found.best_practice.prices if row.hrg in found.rows]
    if kind == "area":
        return sorted({row.hrg for row in prices})
    return sorted({row.hrg for row in prices if row.area in NEVER_REDUCED})


def flags_with_prices(year: str, hrg: str) -> list[str]:
    rows = held(year).best_practice.prices
    return sorted({row.flag for row in rows if row.hrg == hrg and row.flag})


@dataclass(frozen=True)
class Case:
    """A spell of a year, and the figures of its HRG."""

    year: str
    row: Row

    @property
    def hrg(self) -> str:
        return str(self.row["billed_hrg"])

    @property
    def listed(self) -> PriceRow:
        return held(self.year).rows[self.hrg]

    def price(self, days: int | None = None, **values: Value) -> Price:
        """Price the spell at a factor of 1, with another stay or other values."""
        row = self.row | values
        if days is not None:
            discharged = day(row, "discharge_date")
            assert discharged is not None  # the discharge stays, and with it the year
            row["admission_date"] = discharged - timedelta(days=days)
        return price_of(row, MFF_UNIT)


def met() -> st.SearchStrategy[str]:
    return st.sampled_from(["", "Y", "N", "LEVEL_1", "LEVEL_3"])


@st.composite
def cases(
    draw: st.DrawFn,
    kinds: tuple[str, ...] = ("all", "flagged", "area"),
    methods: tuple[str, ...] = ("11", "12", *EMERGENCY, *NOT_EMERGENCY),
) -> Case:
    """Spells: HRGs of every kind, any setting, with flags, services and payments or without."""
    year = draw(st.sampled_from(YEARS))
    hrg = draw(st.sampled_from(hrgs(year, draw(st.sampled_from(kinds)))))
    services = sorted(held(year).top_ups.rates)
    payments = sorted(
        payment.code
        for area in held(year).best_practice.areas.values()
        for payment in area.payments
    )
    row = admitted(
        year,
        draw(st.integers(0, 140)),
        provider=draw(st.sampled_from(["R1H", "RBS", "RJ7", "RRV"])),
        billed_hrg=hrg,
        age=draw(st.sampled_from([0, 5, 18, 19, 45, 60, 84])),
        admission_method=draw(st.sampled_from(methods)),
        patient_classification=draw(st.sampled_from(["1", "1", "1", "2"])),
        critical_care_days=draw(st.sampled_from([0, 0, 1, 7])),
        rehabilitation_days=draw(st.sampled_from([0, 0, 2])),
        best_practice_flags=" ".join(
            draw(st.lists(st.sampled_from(flags_with_prices(year, hrg) or ["BP02"]), max_size=2))
        ),
        best_practice_met=draw(met()),
        best_practice_payments=draw(st.sampled_from(["", *payments])),
        specialised_services=draw(st.sampled_from(["", *services])),
    )
    return Case(year, row)


def trim_of(case: Case) -> int | None:
    elective = text(case.row, "admission_method") in ("11", "12")
    return case.listed.elective_trim if elective else case.listed.non_elective_trim


NO_DEDUCTIONS: dict[str, Value] = {"critical_care_days": 0, "rehabilitation_days": 0}


@EXAMPLES
@given(cases())
def test_1_a_stay_of_the_trim_pays_no_long_stay(case: Case) -> None:
    trim = trim_of(case)
    assume(trim is not None)
    assert trim is not None
    bed = NO_DEDUCTIONS | {"patient_classification": "1"}
    at, above = case.price(trim, **bed), case.price(trim + 1, **bed)
    assume(at.base_pence is not None and case.listed.per_day is not None)
    assert (at.excess_days, at.long_stay_pence) == (0, 0)
    assert (above.excess_days, above.long_stay_pence) == (1, case.listed.per_day)


@EXAMPLES
@given(cases(), st.integers(2, 300))
def test_2_flat_from_2_days_then_linear(case: Case, days: int) -> None:
    """Where the top-up is left out, which is not taken on the long stay."""
    plain = NO_DEDUCTIONS | {"specialised_services": ""}
    shorter, longer = case.price(days, **plain), case.price(days + 1, **plain)
    assume(shorter.pre_mff_pence is not None and shorter.complete)
    assert shorter.pre_mff_pence is not None and longer.pre_mff_pence is not None
    trim = trim_of(case)
    day_case = shorter.point_of_delivery == "DC"
    excess = not day_case and trim is not None and days + 1 > trim
    slope = (case.listed.per_day or 0) if excess else 0
    assert longer.pre_mff_pence - shorter.pre_mff_pence == slope


@EXAMPLES
@given(cases(), st.integers(0, 30), st.integers(1, 30), st.sampled_from(["critical", "rehab"]))
def test_3_days_of_critical_care_never_raise_the_price(
    case: Case, days: int, more: int, kind: str
) -> None:
    """Same-day care is dearer at a stay of 0."""
    column = {"critical": "critical_care_days", "rehab": "rehabilitation_days"}[kind]
    with_days = {column: days}
    fewer, greater = case.price(**with_days), case.price(**{column: days + more})
    assume(fewer.pre_mff_pence is not None and fewer.best_practice_area != SAME_DAY)
    assert fewer.pre_mff_pence is not None and greater.pre_mff_pence is not None
    assert greater.pre_mff_pence <= fewer.pre_mff_pence


@EXAMPLES
@given(cases())
def test_4_the_total_at_a_factor_of_1_is_the_price_before_it(case: Case) -> None:
    price = case.price()
    assume(price.base_pence is not None)
    assert price.total_pence == price.pre_mff_pence
    parts = (
        price.base_pence,
        price.short_stay_pence,
        price.long_stay_pence,
        price.top_up_pence,
        price.best_practice_pence,
    )
    assert price.pre_mff_pence == sum(part or 0 for part in parts)


@EXAMPLES
@given(cases(("flagged", "flagged", "all", "area"), EMERGENCY), st.integers(0, 1), st.data())
def test_5_who_never_has_the_reduced_short_stay(case: Case, days: int, data: st.DataObject) -> None:
    adult = NO_DEDUCTIONS | {"age": 45}
    without: list[dict[str, Value]] = [
        {"age": data.draw(st.integers(0, 18))},
        {"admission_method": data.draw(st.sampled_from(NOT_EMERGENCY))},
        {"admission_method": "11"},
    ]
    for values in without:
        price = case.price(days, **(adult | values))
        assert price.short_stay_pence in (0, None)
        assert not price.short_stay_eligible
    price = case.price(days, **adult)
    if not case.listed.short_stay:
        assert price.short_stay_pence in (0, None)
    elif price.best_practice_area is None:
        assert price.short_stay_eligible == 1  # so that the tests above say something


@EXAMPLES
@given(cases(("flagged", "area"), EMERGENCY), st.integers(2, 5))
def test_6_two_days_are_no_short_stay(case: Case, days: int) -> None:
    price = case.price(days, **NO_DEDUCTIONS, age=45)
    assert (price.short_stay_pence, price.short_stay_eligible) == (0, 0)


@EXAMPLES
@given(cases(), st.sampled_from([("treatment_function", "710"), ("administrative_category", "02")]))
def test_11_a_spell_that_is_excluded_has_no_price(case: Case, by: tuple[str, str]) -> None:
    column, code = by
    price = case.price(**{column: code})
    assert (price.exclusion, price.complete) == (2, False)
    assert "excluded" in (price.price_reasons or "").split()
    amounts = (
        price.list_pence,
        price.base_pence,
        price.short_stay_pence,
        price.long_stay_pence,
        price.top_up_pence,
        price.best_practice_pence,
        price.pre_mff_pence,
        price.total_pence,
    )
    assert amounts == (None,) * 8


@EXAMPLES
@given(cases(("flagged",), EMERGENCY), st.integers(0, 1))
def test_13_the_published_reduced_price_wins(case: Case, days: int) -> None:
    """Of a spell in no area, even where the published share of the price comes to another."""
    price = case.price(days, **NO_DEDUCTIONS, age=45, best_practice_flags="")
    assume(price.best_practice_area is None)
    assert price.base_pence is not None and price.short_stay_pence is not None
    assert price.base_pence + price.short_stay_pence == case.listed.short_stay_price


def test_13_shares_of_the_price_do_come_to_another() -> None:
    """What the published price is held against: shares miss it in some HRGs of every year."""
    missed = {
        year: sum(
            row.short_stay_price != half_up_to(row.non_elective * row.short_stay_share, 100)
            for row in held(year).rows.values()
            if row.short_stay_price and row.non_elective and row.short_stay_share
        )
        for year in YEARS
    }
    assert missed == {"2016/17": 76, "2017/18": 73, "2018/19": 85, "2022/23": 26}


@EXAMPLES
@given(cases(("never reduced",), EMERGENCY), st.integers(0, 1), met())
def test_14_stroke_hip_fracture_and_same_day_care_are_never_reduced(
    case: Case, days: int, criteria: str
) -> None:
    flags = " ".join(flags_with_prices(case.year, case.hrg))
    price = case.price(
        days, **NO_DEDUCTIONS, age=84, best_practice_flags=flags, best_practice_met=criteria
    )
    if case.hrg != "FZ47B":  # of stays of 2 days or more: no same-day price is printed
        assert price.best_practice_area in NEVER_REDUCED
    assert (price.short_stay_pence, price.short_stay_eligible) == (0, 0)


@EXAMPLES
@given(cases(("area",)))
def test_15_a_flag_changes_base_top_up_and_payments_alone(case: Case) -> None:
    flags = flags_with_prices(case.year, case.hrg)
    assume(flags)
    with_flag, without = (case.price(best_practice_flags=given) for given in (" ".join(flags), ""))
    assert without.best_practice_flag is None
    differing = {
        name for name in Price.__slots__ if getattr(with_flag, name) != getattr(without, name)
    }
    assert differing <= OF_THE_FLAG
    reasons = {*(with_flag.price_reasons or "").split()} ^ {*(without.price_reasons or "").split()}
    assert reasons <= {"payment_unknown"}


@EXAMPLES
@given(cases(methods=EMERGENCY), st.sampled_from(["SB97Z", "UZ01Z", "PB03Z"]))
def test_17_what_is_excluded_and_what_costs_nothing_are_told_apart(case: Case, hrg: str) -> None:
    """Neither is paid: the one has no price and no total, the other a price of nothing."""
    case = replace(case, row=case.row | {"billed_hrg": hrg, "best_practice_payments": ""})
    assume(hrg in held(case.year).rows)
    zero, excluded = case.price(), case.price(treatment_function="710")

    def told(price: Price) -> Any:
        return (price.exclusion, price.list_pence, price.total_pence, price.complete)

    assert told(zero) == (0, 0, 0, True)
    assert told(excluded) == (2, None, None, False)
