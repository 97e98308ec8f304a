"""docs/pricing.md: exclusions, days and periods, deliveries, delayed discharge, top-ups. Figures
are pence; AA01A costs 2,000 non-elective, its trim is 10 days and a day above costs 100."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest

from tariff.packs.model import Code, TopUpRule
from tariff.reference.periods import Period, periods_by_spell
from tariff.reference.price import Price, PriceOptions, price_spell, rounded_total
from tariff.reference.price_tables import PriceTables
from tariff.reference.spells import assemble
from tariff.reference.values import Value
from tests.reference.tiny_packs import (
    ADMITTED,
    PRICING,
    TinyTable,
    episode,
    priced,
    pricing,
    stay,
    table,
    tariff,
)

ONE = PriceOptions(mff=10**9)

# ---------------------------------------------------------------- exclusion


@pytest.mark.parametrize(
    ("values", "excluded"),
    [
        ({"treatment_function": "710"}, True),
        ({"treatment_function": "71"}, False),
        ({"treatment_function": "730"}, True),  # from this year on
        ({"treatment_function": "800"}, False),  # to the year before
        ({"administrative_category": "02"}, True),
        ({"administrative_category": "01"}, False),
        ({"commissioning_serial_number": "=A1"}, True),
        ({"commissioning_serial_number": "A1="}, True),
        ({"commissioning_serial_number": "A=1"}, False),
    ],
)
def test_what_excludes_an_episode(values: dict[str, Value], excluded: bool) -> None:
    price = priced(5, **values)
    assert price.exclusion == (2 if excluded else 0)
    assert price.price_reasons == ("excluded" if excluded else None)
    assert (price.list_pence, price.total_pence) == (
        (None, None) if excluded else (200_000, 220_000)
    )


def test_exclusion_is_by_the_year_of_the_spell() -> None:
    row = {"treatment_function": "730", "billed_hrg": "AA01A"}
    undated = assemble([episode(**row)])[0]
    found = {
        year: price_spell(PRICING, undated, None, PriceOptions(year=year)).exclusion
        for year in ("2021/22", "2022/23", "2024/25", None)
    }
    assert found == {"2021/22": 0, "2022/23": 2, "2024/25": 2, None: 0}
    every_year = assemble([episode(**row | {"treatment_function": "710"})])[0]
    assert price_spell(PRICING, every_year, None).price_reasons == "no_year excluded"


def test_a_spell_of_which_some_episodes_are_excluded_is_priced() -> None:
    rows = [
        episode(episode_order=1, admission_date=ADMITTED, treatment_function="710"),
        episode(episode_order=2, discharge_date=ADMITTED + timedelta(days=3)),
    ]
    price = price_spell(PRICING, assemble(rows)[0], "AA01A", ONE)
    assert (price.exclusion, price.price_reasons, price.complete) == (1, "part_excluded", True)
    assert price.total_pence == 200_000


def test_other_reasons_are_told_beside_an_exclusion() -> None:
    price = priced(5, "ZZ99Z", treatment_function="710", admission_method="99", provider="R9Z")
    assert price.price_reasons == "hrg_not_in_tariff no_point_of_delivery excluded"


# ---------------------------------------------------------------- days and periods


def period(kind: str, first: int, last: int) -> Period:
    """A period between days counted from the admission."""
    return Period(kind, ADMITTED + timedelta(days=first), ADMITTED + timedelta(days=last))


CC, REHAB = "critical_care", "rehabilitation"


@pytest.mark.parametrize(
    ("periods", "counts", "kinds", "deducted"),
    [
        ([], {"critical_care_days": 4}, (4, 0), 4),
        ([(CC, 2, 4)], {}, (3, 0), 3),  # first and last day included
        ([(CC, 2, 4)], {"critical_care_days": 9}, (3, 0), 3),  # in place of the count
        ([(CC, 2, 4)], {"rehabilitation_days": 2}, (3, 2), 5),  # a kind without: its count
        ([(CC, 2, 4), (CC, 4, 6)], {}, (5, 0), 5),  # a day counts once
        ([(CC, 2, 4), (REHAB, 3, 8)], {}, (3, 6), 7),  # in the union of kinds too
        ([(CC, -5, 1), (CC, 19, 30)], {}, (4, 0), 4),  # cut to the stay
        ([(CC, 30, 40)], {"critical_care_days": 9}, (0, 0), 0),  # outside of it
        ([(CC, 0, 20)], {}, (21, 0), 21),  # longer than the stay
    ],
)
def test_dated_periods(
    periods: list[tuple[str, int, int]],
    counts: dict[str, Value],
    kinds: tuple[int, int],
    deducted: int,
) -> None:
    given = [period(*each) for each in periods]
    price = price_spell(PRICING, stay(20, **counts), None, ONE, given)
    assert (price.critical_care_days, price.rehabilitation_days) == kinds
    assert (price.spell_days, price.deducted_days) == (20, deducted)
    assert price.adjusted_days == max(0, 20 - deducted)
    assert price.excess_days == max(0, 20 - deducted - 10) or price.short_stay_eligible


def test_periods_without_dates_of_the_spell_are_not_cut() -> None:
    spell = assemble([episode(episode_duration=30, discharge_date=ADMITTED)])[0]
    found = price_spell(PRICING, spell, "AA01A", ONE, [period(CC, -9, 3)])
    assert (found.spell_days, found.critical_care_days, found.adjusted_days) == (30, 10, 20)


def test_rows_of_periods_by_spell() -> None:
    row: dict[str, Value] = {"provider": "R1A", "spell_id": "S1", "kind": CC}
    dates = {"start_date": date(2022, 5, 2), "end_date": date(2022, 5, 3)}
    expected = [Period(CC, date(2022, 5, 2), date(2022, 5, 3))]
    for here, there in (("R1A", "R1A"), ("R1A00", "R1A"), ("R1A", "R1A00")):
        found = periods_by_spell([row | dates | {"provider": here}], {(there, "S1")})
        assert found == {(there, "S1"): expected}
    assert not periods_by_spell([row | dates], {("R1B", "S1")})


@pytest.mark.parametrize(
    ("ready", "delayed"),
    [(None, 0), (0, 20), (17, 3), (20, 0), (-1, 0), (21, 0)],
)
def test_delayed_days_come_off_the_excess_days_by_a_switch(ready: int | None, delayed: int) -> None:
    when = None if ready is None else ADMITTED + timedelta(days=ready)
    spell = stay(20, ready_for_discharge_date=when)
    off = price_spell(PRICING, spell, None, ONE)
    on = price_spell(PRICING, spell, None, PriceOptions(mff=10**9, delayed_discharge=True))
    assert (off.delayed_days, off.excess_days) == (delayed, 10)
    assert (on.delayed_days, on.excess_days) == (delayed, max(0, 10 - delayed))
    assert on.long_stay_pence == on.excess_days * 10_000


def test_the_last_day_of_readiness_counts() -> None:
    ready = [ADMITTED + timedelta(days=days) for days in (2, 8)]
    rows = [
        episode(episode_order=1, admission_date=ADMITTED, ready_for_discharge_date=ready[0]),
        episode(episode_order=2, ready_for_discharge_date=ready[1]),
        episode(episode_order=3, discharge_date=ADMITTED + timedelta(days=9)),
    ]
    assert price_spell(PRICING, assemble(rows)[0], "AA01A").delayed_days == 1


# ---------------------------------------------------------------- the list

DELIVERIES = table(
    "hrg level combined day_case ordinary_elective elective_trim non_elective non_elective_trim "
    "per_day",
    "NZ30C,1,2014,,,5,2014,6,464",
)


def test_deliveries_are_never_reduced() -> None:
    tables = pricing(tariff(tables={"deliveries": DELIVERIES}))
    price = priced(0, "NZ30C", tables=tables)
    assert (price.list_pence, price.short_stay_pence) == (201_400, 0)
    assert (price.price_reasons, price.short_stay_eligible) == (None, 0)
    assert priced(8, "NZ30C", tables=tables).long_stay_pence == 2 * 46_400
    assert priced(8, "NZ30C", setting="EL", tables=tables).long_stay_pence == 3 * 46_400


def test_an_hrg_that_is_local_in_admitted_care() -> None:
    price = priced(5, "AA02A", tables=pricing(tariff(local_in_admitted_care=["AA02A"])))
    assert (price.list_pence, price.price_reasons) == (None, "no_national_price")


# ---------------------------------------------------------------- top-ups

RATES = table("service name rate note", "6,Spinal,32", "34,Orthopaedic,24", "91,Low,44", "95,No,")
NCBPS = table("service name rate", "N1,A,10", "N2,B,20", "N3,C,", "N4,D,0", "N5,E,20")
PROVIDERS = table("services provider name", "6 91,R1A,A", "34,R1B,B")


def topped(
    services: str | None,
    rule: TopUpRule | None = None,
    tables: dict[str, TinyTable] | None = None,
    days: int = 5,
    **values: Value,
) -> Price:
    held = pricing(tariff(tables=tables or {"top_ups": NCBPS}, top_up_rule=rule))
    given: dict[str, Value] = {} if services is None else {"specialised_services": services}
    return priced(days, tables=held, options=ONE, **given | values)


FIRST, DEAREST = TopUpRule(several="first"), TopUpRule(several="dearest")


@pytest.mark.parametrize(
    ("services", "rule", "service", "rate", "amount"),
    [
        ("", FIRST, None, None, 0),
        ("N1", FIRST, "N1", "10", 20_000),
        ("n2,N1", FIRST, "N2", "20", 40_000),
        ("N1 N2", FIRST, "N1", "10", 20_000),
        ("N1 N2", None, "N1", "10", 20_000),
        ("N1;N2", DEAREST, "N2", "20", 40_000),
        ("N5 N2", DEAREST, "N2", "20", 40_000),  # a tie: the lower code
        ("N3 N1", FIRST, "N3", None, 0),  # the first, even without a rate
        ("N3 N1", DEAREST, "N1", "10", 20_000),
        ("N4", FIRST, "N4", "0", 0),
    ],
)
def test_which_service_decides(
    services: str, rule: TopUpRule | None, service: str | None, rate: str | None, amount: int
) -> None:
    price = topped(services, rule)
    assert (price.top_up_service, price.top_up_rate, price.top_up_pence) == (service, rate, amount)
    assert price.pre_mff_pence == price.total_pence == 200_000 + amount
    assert price.price_reasons is None


def test_a_code_that_the_year_does_not_know() -> None:
    price = topped("N9 N1", FIRST)
    assert (price.top_up_service, price.price_reasons) == ("N1", "top_up_unknown")
    assert not price.complete
    assert topped("N9", hrg="AA01C").price_reasons == "no_national_price"
    assert priced(5, specialised_services="N1").price_reasons == "top_up_unknown"  # none held


def test_what_the_rate_is_taken_on() -> None:
    assert topped("N1", days=1).top_up_pence == 8_990  # the reduced price of 899
    assert topped("N1", days=15).top_up_pence == 20_000  # not the long stay of 500
    also = TopUpRule(several="first", also_on=["long_stay"])
    assert topped("N1", also, days=15).top_up_pence == 25_000


@pytest.mark.parametrize(
    ("services", "provider", "amount"),
    [
        ("06", "R1A", 64_000),  # leading zeros do not matter
        ("6", "R1B", 0),
        ("34", "R1A", 0),
        ("34", "R1B", 48_000),
        ("6 91", "R1A", 88_000),
        ("6 91 34", "R1B", 48_000),
        ("6", "R1A00", 64_000),  # R1A written in full
        ("95", "R1A", 0),
    ],
)
def test_providers_of_a_service(services: str, provider: str, amount: int) -> None:
    tables = {"top_ups": RATES, "top_up_providers": PROVIDERS}
    price = topped(services, DEAREST, tables, provider=provider)
    assert price.top_up_pence == amount
    assert (price.top_up_service is None) == (amount == 0)


def test_a_service_that_is_open_to_all() -> None:
    rule = TopUpRule(several="dearest", open_services=[Code("34")])
    tables = {"top_ups": RATES, "top_up_providers": PROVIDERS}
    assert topped("34", rule, tables, provider="R1A").top_up_service == "34"


CODES = table(
    "classification code service age secondary note",
    "icd10,G08X,6,adult",
    "icd10,G08X,91,child",
    "opcs4,V491,6,any",
    "opcs4,W371,34,any,Y71",
    "icd10,W371,91,any",
)


@pytest.mark.parametrize(
    ("record", "service"),
    [
        ({}, None),
        ({"diag_02": "G08"}, "6"),  # with its filler
        ({"diag_02": "G08X", "age": 18}, "91"),
        ({"diag_02": "G08X", "age": 19}, "6"),
        ({"diag_02": "G08X", "age": 999}, None),  # an unknown age is neither
        ({"oper_03": "V491", "age": None}, "6"),
        ({"oper_03": "V4911"}, None),  # the whole code
        ({"oper_01": "W371"}, None),
        ({"oper_01": "W371", "oper_02": "Y717"}, "34"),
        ({"diag_02": "W371"}, "91"),  # by its classification
        ({"oper_01": "V491", "diag_02": "W371"}, "91"),  # the dearest
    ],
)
def test_services_that_are_worked_out(record: dict[str, Value], service: str | None) -> None:
    tables = {"top_ups": RATES, "top_up_codes": CODES}
    assert topped(None, DEAREST, tables, **record).top_up_service == service
    assert topped("", DEAREST, tables, **record).top_up_service is None


def test_services_on_any_episode() -> None:
    held: PriceTables = pricing(tariff(tables={"top_ups": NCBPS}))
    rows = [
        episode(episode_order=1, admission_date=ADMITTED, specialised_services=""),
        episode(
            episode_order=2,
            discharge_date=ADMITTED + timedelta(days=3),
            specialised_services="N2 N1",
        ),
    ]
    assert price_spell(held, assemble(rows)[0], "AA01A", ONE).top_up_service == "N2"


# ---------------------------------------------------------------- the sum


def test_the_total_is_of_the_exact_top_up() -> None:
    """7.54 % of 10.05 is 0.75777, shown as 0.76; ten times 10.80777 is not ten times 10.81."""
    rates = table("service name rate", "N1,A,7.54")
    held = pricing(tariff("AA01A,,,,,10.05,10,100,no", tables={"top_ups": rates}))
    tenfold = PriceOptions(mff=10 * 10**9)
    price = priced(5, tables=held, options=tenfold, specialised_services="N1")
    assert (price.top_up_pence, price.pre_mff_pence, price.total_pence) == (76, 1_081, 10_808)


@pytest.mark.parametrize(
    ("policy", "total"),
    [
        # 100.50 and 0.40 of a top-up, x 1.1: 110.99
        ("pence_final", 11_099),
        ("pound_final", 11_100),
        ("pound_pre_mff", 11_110),
        ("pound_per_component", 11_100),
    ],
)
def test_rounding_given_for_every_year(policy: str, total: int) -> None:
    held = pricing(tariff("AA01A,,,,,100.50,10,100,no"))
    options = PriceOptions(mff=1_100_000_000, rounding=policy)
    top_up = Fraction(40)
    assert rounded_total(policy, [10_050, top_up], 1_100_000_000) == total
    alone = rounded_total(policy, [10_050], 1_100_000_000)
    assert priced(5, tables=held, options=options).total_pence == alone


def test_a_provider_written_in_full() -> None:
    assert priced(5, provider="R1A00").total_pence == 220_000
    assert priced(5, provider="R1AXX").price_reasons == "mff_unknown"
