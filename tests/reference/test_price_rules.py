"""docs/pricing.md, a sentence at a time. Figures are pence; the factor of R1A is 1.1."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from tariff.packs.model import Borrowed
from tariff.reference.factors import factor_of
from tariff.reference.price import PriceOptions, price_spell, year_of
from tariff.reference.spells import assemble
from tariff.reference.tables import pence
from tariff.reference.values import half_up, half_up_to
from tests.reference.tiny_packs import PRICING, episode, priced, pricing, stay, tariff

# ---------------------------------------------------------------- days and year


@pytest.mark.parametrize(
    ("when", "year"),
    [
        (date(2022, 3, 31), "2021/22"),
        (date(2022, 4, 1), "2022/23"),
        (date(2023, 3, 31), "2022/23"),
        (date(1999, 12, 31), "1999/00"),
    ],
)
def test_tariff_year(when: date, year: str) -> None:
    assert year_of(when) == year


def test_the_year_is_that_of_the_discharge() -> None:
    price = priced(0, admission_date=date(2022, 3, 30), discharge_date=date(2022, 4, 2))
    assert (price.tariff_year, price.spell_days) == ("2022/23", 3)


def test_adjusted_days_are_taken_once_on_the_spell() -> None:
    rows = [
        episode(
            episode_order=1,
            admission_date=date(2022, 5, 1),
            critical_care_days=4,
            rehabilitation_days=1,
        ),
        episode(episode_order=2, discharge_date=date(2022, 5, 9), palliative_care_days=2),
    ]
    price = price_spell(PRICING, assemble(rows)[0], "AA01A")
    assert (price.spell_days, price.adjusted_days) == (8, 1)
    assert price.critical_care_days == 4
    assert price.rehabilitation_days == 1
    assert price.palliative_care_days == 2


def test_adjusted_days_are_not_below_0() -> None:
    assert priced(2, critical_care_days=5).adjusted_days == 0


def test_durations_where_dates_are_missing() -> None:
    rows = [episode(episode_order=1), episode(episode_order=2, discharge_date=date(2022, 5, 9))]
    assert price_spell(PRICING, assemble(rows)[0], "AA01A").spell_days == 6
    rows[0]["episode_duration"] = None
    assert price_spell(PRICING, assemble(rows)[0], "AA01A").spell_days is None


def test_negative_stay() -> None:
    price = priced(-3)
    assert (price.spell_days, price.adjusted_days) == (-3, None)
    assert (price.price_reasons, price.complete) == ("stay_unknown negative_stay", False)
    assert (price.short_stay_pence, price.long_stay_pence) == (0, None)
    day_case = priced(-3, admission_method="11", patient_classification="2")
    assert (day_case.price_reasons, day_case.complete) == ("negative_stay", True)


def test_a_count_of_days_below_0_counts_as_0() -> None:
    assert priced(9, critical_care_days=-3, rehabilitation_days=2).adjusted_days == 7


def test_days_of_home_leave_come_off_where_the_pack_says_so() -> None:
    away = {"home_leave_days": 2, "rehabilitation_days": 1}
    assert priced(9, **away).adjusted_days == 8
    price = priced(9, tables=replace(PRICING, home_leave=True), **away)
    assert (price.deducted_days, price.adjusted_days) == (3, 6)


@pytest.mark.parametrize(("age", "eligible"), [(18, 0), (19, 1), (130, 1), (131, 0), (999, 0)])
def test_an_age_that_is_not_known_is_not_reduced(age: int, eligible: int) -> None:
    price = priced(1, "AA01A", age=age)
    assert (price.short_stay_eligible, price.short_stay_pence < 0) == (eligible, bool(eligible))


# ---------------------------------------------------------------- what is priced


def test_the_billed_hrg_is_priced() -> None:
    spell = stay(5, "AA01A")
    assert price_spell(PRICING, spell, "AA01B").priced_hrg == "AA01A"
    grouped = PriceOptions(price_at="grouped")
    assert price_spell(PRICING, spell, "AA01B", grouped).priced_hrg == "AA01B"
    assert price_spell(PRICING, stay(5, None), "AA01B").priced_hrg == "AA01B"


@pytest.mark.parametrize(
    ("method", "classification", "days", "expected"),
    [
        ("11", "2", 0, "DC"),
        ("11", "1", 0, "EL"),
        ("11", "3", 0, "RADAY"),
        ("21", "2", 0, "NELST"),
        ("21", "1", 1, "NELST"),
        ("21", None, 2, "NEL"),
        ("31", "1", 0, "NEL"),
        ("11", "8", 0, None),
        ("99", "1", 0, None),
        (None, "1", 0, None),
        ("21", "1", None, "NEL"),
    ],
)
def test_point_of_delivery(
    method: str | None, classification: str, days: int | None, expected: str | None
) -> None:
    price = priced(days, admission_method=method, patient_classification=classification)
    assert price.point_of_delivery == expected


@pytest.mark.parametrize(
    ("hrg", "setting", "base"),
    [
        ("AA01A", "DC", 100_000),
        ("AA01B", "DC", 110_000),
        ("AA01A", "EL", 100_000),
        ("AA01B", "EL", 90_000),
        ("AA01A", "NE", 200_000),
        ("AA01C", "DC", 110_000),
        ("AA01C", "EL", None),
        ("AA01C", "NE", None),
        ("AA02A", "EL", 0),
    ],
)
def test_base(hrg: str, setting: str, base: int | None) -> None:
    price = priced(3, hrg, setting=setting)
    assert price.base_pence == base
    assert (price.price_reasons == "no_national_price") == (base is None)
    assert (price.total_pence is None) == (base is None)
    assert price.complete == (base is not None)


def test_a_zero_is_a_price() -> None:
    price = priced(40, "AA02A")
    assert (price.base_pence, price.long_stay_pence, price.total_pence) == (0, 0, 0)
    assert price.complete


# ---------------------------------------------------------------- short stay


@pytest.mark.parametrize(
    ("days", "age", "method", "eligible"),
    [
        (0, 40, "21", 1),
        (1, 19, "2A", 1),
        (2, 40, "21", 0),
        (1, 18, "21", 0),
        (1, 999, "21", 0),  # an unknown age
        (1, None, "21", 0),
        (1, 40, "31", 0),
        (None, 40, "21", 0),
    ],
)
def test_reduced_short_stay(days: int | None, age: int | None, method: str, eligible: int) -> None:
    price = priced(days, age=age, admission_method=method)
    assert price.short_stay_eligible == eligible
    assert price.short_stay_pence == (89_900 - 200_000 if eligible else 0)
    assert price.base_pence == 200_000


def test_the_adjusted_stay_decides() -> None:
    assert priced(4, critical_care_days=3).short_stay_eligible == 1
    assert priced(4, critical_care_days=2).short_stay_eligible == 0


def test_a_share_is_rounded_half_up_to_the_pound() -> None:
    price = priced(1, "AA01B")  # 45 % of 2,501 is 1,125.45
    assert price.short_stay_pence == 112_500 - 250_100
    half = pricing(tariff("AA01B,,,,,1001,10,100,yes,50"))
    assert priced(1, "AA01B", tables=half).short_stay_pence == 50_100 - 100_100


def test_only_a_non_elective_price_is_reduced() -> None:
    assert priced(0, setting="EL").short_stay_pence == 0
    assert priced(0, setting="EL").short_stay_eligible == 0


def test_an_hrg_that_is_not_flagged() -> None:
    price = priced(0, "AB02A")
    assert (price.short_stay_pence, price.short_stay_eligible) == (0, 0)
    assert price.price_reasons is None


@pytest.mark.parametrize("hrg", ["AB01A", "AB01B"])
def test_short_stay_figures_that_are_not_held(hrg: str) -> None:
    price = priced(1, hrg)
    assert price.price_reasons == "short_stay_not_held"
    assert (price.short_stay_eligible, price.complete) == (None, False)
    assert price.total_pence == 220_000  # of the parts that are known
    assert priced(2, hrg).complete
    assert priced(1, hrg, age=18).complete
    unknown = priced(None, hrg).price_reasons
    assert unknown == "stay_unknown short_stay_not_held"


def test_without_a_price_nothing_is_eligible() -> None:
    assert priced(1, "AA01C").short_stay_eligible is None


def test_a_year_without_a_rule_has_no_short_stay_price() -> None:
    price = priced(1, tables=pricing(tariff(rule=None)))
    assert (price.short_stay_pence, price.short_stay_eligible) == (0, None)
    assert price.complete


# ---------------------------------------------------------------- long stay


@pytest.mark.parametrize(("days", "excess"), [(9, 0), (10, 0), (11, 1), (30, 20)])
def test_days_above_the_trim_point(days: int, excess: int) -> None:
    price = priced(days)
    assert (price.trim_days, price.excess_days) == (10, excess)
    assert price.long_stay_pence == excess * 10_000
    assert price.pre_mff_pence == 200_000 + excess * 10_000
    assert price.total_pence == 220_000 + excess * 11_000


def test_elective_and_non_elective_trims() -> None:
    assert priced(9, "AA01B", setting="EL").long_stay_pence == 10_000
    assert priced(9, "AA01B").long_stay_pence == 0


def test_no_long_stay_for_day_cases_and_short_stays() -> None:
    day_case = priced(40, setting="DC")
    assert (day_case.long_stay_pence, day_case.excess_days, day_case.trim_days) == (0, 0, None)
    trim_0 = pricing(tariff("AA01A,,,,,2000,0,100,yes,,899"))
    assert priced(1, tables=trim_0).long_stay_pence == 0
    assert priced(1, tables=trim_0, age=18).long_stay_pence == 10_000


@pytest.mark.parametrize(
    ("days", "hrg", "reason"),
    [
        (20, "AA02B", "trim_unknown"),
        (20, "AA02C", "rate_unknown"),
        (None, "AA01A", "stay_unknown"),
    ],
)
def test_an_unknown_figure_leaves_the_payment_empty(
    days: int | None, hrg: str, reason: str
) -> None:
    price = priced(days, hrg)
    assert price.price_reasons == reason
    assert (price.long_stay_pence, price.complete) == (None, False)
    assert (price.pre_mff_pence, price.total_pence) == (200_000, 220_000)


def test_a_rate_is_asked_for_excess_days_only() -> None:
    price = priced(2, "AA02C")
    assert (price.long_stay_pence, price.price_reasons, price.complete) == (0, None, True)


def test_a_zero_price_without_a_rate_asks_for_nothing() -> None:
    price = priced(None, "AA02A")
    assert (price.long_stay_pence, price.price_reasons, price.complete) == (0, None, True)


def test_an_unknown_stay_does_not_matter_to_a_day_case() -> None:
    assert priced(None, setting="DC").complete


def test_a_zero_price_with_a_rate_has_a_long_stay_payment() -> None:
    assert priced(12, "AB02A").long_stay_pence == 20_000


def test_figures_of_another_edition() -> None:
    borrowed = Borrowed(from_="other", columns=["elective_trim", "non_elective_trim", "per_day"])
    tables = pricing(tariff(borrowed=borrowed))
    price = priced(12, tables=tables)
    assert (price.price_reasons, price.complete) == ("trim_of_other_edition", True)
    assert priced(1, tables=tables).price_reasons is None  # a short stay asks for neither
    assert priced(1, tables=tables, setting="DC").price_reasons is None
    elective = Borrowed(from_="other", columns=["elective_trim"])
    tables = pricing(tariff(borrowed=elective))
    assert priced(12, tables=tables).price_reasons is None
    assert priced(12, tables=tables, setting="EL").price_reasons == "trim_of_other_edition"


# ---------------------------------------------------------------- market forces factor


@pytest.mark.parametrize(
    ("provider", "year", "expected"),
    [
        ("R1A", "2022/23", (1_100_000_000, "2022/23")),
        ("R1A", "2017/18", (1_100_000_000, "2022/23")),
        ("R1B", "2022/23", (1_200_000_000, "2020/21")),  # a tie: the earlier
        ("R1B", "2023/24", (1_300_000_000, "2024/25")),
        ("R1C", "2022/23", (1_000_000_001, "2021/22")),
        ("R9Z", "2022/23", (None, None)),
    ],
)
def test_nearest_year(provider: str, year: str, expected: tuple[int | None, str | None]) -> None:
    found = factor_of(PRICING.factors, provider, year)
    assert (found.mff, found.year) == expected


def test_a_factor_of_another_year() -> None:
    price = priced(5, provider="R1B")
    assert (price.mff_year, price.price_reasons) == ("2020/21", "mff_of_other_year")
    assert (price.total_pence, price.complete) == (240_000, True)


def test_a_provider_in_no_table() -> None:
    price = priced(5, provider="R9Z")
    assert (price.mff, price.pre_mff_pence, price.total_pence) == (None, 200_000, None)
    assert (price.price_reasons, price.complete) == ("mff_unknown", False)


def test_overrides_of_the_factor() -> None:
    price = priced(5, provider="R9Z", options=PriceOptions(mff=10**9))
    assert (price.total_pence, price.mff_year, price.complete) == (200_000, "given", True)
    price = priced(5, provider="R1B", options=PriceOptions(mff_year="2024/25"))
    assert (price.total_pence, price.mff_year, price.price_reasons) == (260_000, "2024/25", None)


# ---------------------------------------------------------------- rounding


def test_half_up() -> None:
    found = [half_up(Fraction(n, 10)) for n in (4, 5, 14, 15, 25, -4, -5, -15)]
    assert found == [0, 1, 1, 2, 3, 0, -1, -2]
    assert half_up_to(Fraction(1150), 100) == 1200
    assert pence("10.005") == 1001


@pytest.mark.parametrize(
    ("rounding", "total"),
    [
        # (101 + 2 x 33) x 1.005 = 167.835; per component 101.505 and 66.33
        ("pence_final", 16_784),
        ("pound_final", 16_800),
        ("pound_pre_mff", 16_784),
        ("pound_per_component", 10_200 + 6_600),
    ],
)
def test_rounding_policies(rounding: str, total: int) -> None:
    tables = pricing(tariff("AA01A,,,,,101,5,33,no", rounding=rounding))
    options = PriceOptions(mff=1_005_000_000)
    assert priced(7, tables=tables, options=options).total_pence == total


@pytest.mark.parametrize(
    ("rounding", "total"),
    [
        # 100.50 less 50.25 short stay, x 1.1: 55.275; 110.55 - 55.275 by component
        ("pence_final", 5_528),
        ("pound_final", 5_500),
        ("pound_pre_mff", 5_500),  # 50.25 is 50 pounds
        ("pound_per_component", 5_500),  # a reduced price is one part: 55.275
    ],
)
def test_rounding_policies_with_a_reduction(rounding: str, total: int) -> None:
    tables = pricing(tariff("AA01A,,,,,100.50,5,33,yes,,50.25", rounding=rounding))
    price = priced(1, tables=tables)
    assert price.total_pence == total
    assert price.pre_mff_pence == 5_025


def test_half_a_penny_goes_up() -> None:
    tables = pricing(tariff("AA01A,,,,,0.05,5,33,no"))
    assert priced(3, tables=tables).total_pence == 6  # 5.5
    assert priced(3, tables=tables, options=PriceOptions(mff=1_099_999_999)).total_pence == 5


def test_numbers_beyond_64_bits_on_the_way() -> None:
    tables = pricing(tariff("AA01A,,,,,99999999.99,5,999999.99,no"))
    spell = assemble(
        [
            episode(
                episode_duration=99_999,
                billed_hrg="AA01A",
                discharge_date=date(2022, 5, 1),
            )
        ]
    )[0]
    price = price_spell(tables, spell, None, PriceOptions(mff=1_999_999_999))
    pre_mff = 9_999_999_999 + 99_994 * 99_999_999
    assert price.pre_mff_pence == pre_mff
    assert pre_mff * 1_999_999_999 > 2**63
    assert price.total_pence == (pre_mff * 1_999_999_999 + 5 * 10**8) // 10**9


# ---------------------------------------------------------------- reasons


def test_reasons_that_leave_no_price() -> None:
    undated = assemble([episode(billed_hrg="AA01A")])[0]
    price = price_spell(PRICING, undated, None)
    assert (price.price_reasons, price.tariff_year, price.total_pence) == ("no_year", None, None)
    assert price_spell(PRICING, undated, None, PriceOptions(year="2022/23")).complete

    assert priced(5, None).price_reasons == "no_hrg"
    assert priced(5, "ZZ99Z").price_reasons == "hrg_not_in_tariff"
    assert priced(5, admission_method="99").price_reasons == "no_point_of_delivery"
    regular = priced(5, admission_method="11", patient_classification="3")
    assert (regular.price_reasons, regular.point_of_delivery) == ("no_national_price", "RADAY")
    old = priced(5, admission_date=date(2016, 5, 1), discharge_date=date(2016, 5, 2))
    assert old.price_reasons == "tariff_not_held"
    assert (old.tariff, old.complete) == (None, False)


def test_reasons_stand_in_order() -> None:
    price = priced(-1, None, provider="R9Z", admission_method="99")
    assert price.price_reasons == "no_hrg no_point_of_delivery negative_stay"
    price = priced(12, "AA02C", provider="R9Z")
    assert price.price_reasons == "rate_unknown mff_unknown"


def test_the_parts_add_up() -> None:
    for days in (0, 1, 2, 10, 11, 300):
        price = priced(days)
        parts = (
            price.base_pence,
            price.short_stay_pence,
            price.long_stay_pence,
            price.top_up_pence,
            price.best_practice_pence,
        )
        assert price.pre_mff_pence == sum(part or 0 for part in parts)
