"""The marginal rate for emergency admissions, as docs/policies.md says, on year-to-date money."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariff.engine.marginal_rate import Line, payable
from tariff.engine.stays import calendar_month
from tariff.errors import UsageError
from tariff.packs.local_policies import LocalMarginalRate, LocalPolicies
from tariff.reference.marginal_rate import paid
from tests.differential.strategies import example_settings
from tests.engine.extracts import Row
from tests.engine.policies import after, agreed, applied, baseline, baselines, spell, term

PENCE = st.integers(0, 10**12)
RATES = st.sampled_from([Decimal(0), Decimal("0.3"), Decimal("0.5"), Decimal("0.7"), Decimal(1)])


def lines(rows: list[Row], *terms: object, **switches: bool) -> list[Line]:
    return applied(rows, baselines(*terms, **switches)).marginal.lines  # type: ignore[arg-type]


@pytest.mark.reference_data
@pytest.mark.parametrize("name", ["CV01", "CV02", "CV03"])
def test_worked_examples(reference_data: Path, name: str) -> None:
    text = (reference_data / "pricing-vectors" / "contract_vectors.json").read_text("utf-8")
    vector = next(item for item in json.loads(text) if item["id"] == name)
    rate = Decimal("0.7") if "70%" in vector["rule"] else Decimal("0.3")
    pounds = [vector[key] * 100 for key in ("actual", "baseline")]
    assert payable(*pounds, rate) == paid(*pounds, rate) == vector["paid"] * 100
    # and by spells of a whole year, in the year of the rule
    year = 2016 if rate == Decimal("0.7") else 2012
    half = f"{vector['actual'] / 2:.2f}"
    rows = [
        spell("A", f"{year}-06-10", billed_total=half),
        spell("B", f"{year}-11-10", billed_total=half, patient_id="P2"),
    ]
    months = lines(rows, baseline(f"{year}/{year % 100 + 1}", str(vector["baseline"])))
    assert sum(line.payable for line in months) == vector["paid"] * 100
    withheld = sum(line.actual - line.payable for line in months)
    assert withheld == vector.get("withheld", vector["actual"] - vector["paid"]) * 100


@example_settings(200)
@given(PENCE, PENCE, st.integers(0, 10**7), RATES)
def test_the_payment_is_continuous_rising_and_concave(
    base: int, actual: int, step: int, rate: Decimal
) -> None:
    assert payable(base, base, rate) == base  # whichever side it is reached from
    assert 0 <= payable(base + 1, base, rate) - base <= 1
    assert payable(actual, base, rate) == paid(actual, base, rate)
    one, two, three = (payable(actual + k * step, base, rate) for k in range(3))
    assert one <= two <= three
    assert two - one >= three - two - 1  # the next pound pays no more, but for the rounded penny
    assert payable(actual, base, rate) <= actual


def test_months_are_the_year_to_date_less_that_of_the_month_before() -> None:
    rows = [
        spell(f"{month:02}{n}", f"2017-{month:02}-10", patient_id=f"P{month}{n}",
              billed_total=f"{100 * month + n}.37")
        for month in range(4, 13) for n in range(2)
    ]  # fmt: skip
    months = lines(rows, baseline("2017/18", "5000"))
    assert [calendar_month(line.month) for line in months] == [f"2017-{m:02}" for m in range(4, 13)]
    for before, line in zip([None, *months], months, strict=False):
        earlier = (before.actual_to_date, before.payable_to_date) if before else (0, 0)
        assert line.actual == line.actual_to_date - earlier[0]
        assert line.payable == line.payable_to_date - earlier[1]
    assert months[0].payable == months[0].actual  # below the baseline all is paid
    assert sum(line.payable for line in months) == payable(
        months[-1].actual_to_date, 500000, Decimal("0.7")
    )


def test_a_year_begins_at_nothing_and_the_history_counts_to_date() -> None:
    rows = [spell("A", "2017-03-10"), spell("B", "2017-04-10", patient_id="P2")]
    terms = [baseline(year, "500") for year in ("2016/17", "2017/18")]
    assert [line.payable for line in lines(rows, *terms)] == [50000 + 35000] * 2
    earlier = [spell("C", "2017-04-02", patient_id="P3")]
    done = applied(rows[1:], baselines(*terms), earlier)
    (month,) = done.marginal.lines
    assert (month.actual, month.payable) == (200000, 50000 + 105000)


@pytest.mark.parametrize(
    ("year", "offer", "rate"),
    [
        ("2009/10", "", None), ("2010/11", "", "0.3"), ("2014/15", "", "0.3"),
        ("2015/16", "", ""), ("2015/16", "enhanced", "0.7"), ("2015/16", "default", "0.3"),
        ("2015/16", "proposed", "0.5"), ("2016/17", "", "0.7"),
        ("2018/19", "", "0.7"), ("2019/20", "", None),
    ],
)  # fmt: skip
def test_the_rate_of_a_year(year: str, offer: str, rate: str | None) -> None:
    rows = [spell("A", f"{year[:4]}-06-10")]
    local = baselines(baseline(year, "0", offer=offer))
    done = applied(rows, local)
    if rate is None:  # a year without the rule: nothing withheld, and said
        assert done.marginal.lines == []
        assert f"term of R1H in {year} was not used" in " ".join(done.notices)
        return
    (line,) = done.marginal.lines
    assert line.payable == (100000 if not rate else int(100000 * Decimal(rate)))
    if not rate:
        assert line.note == "the offer is not given: one of enhanced, default, proposed"


@pytest.mark.parametrize(
    ("year", "offer", "hint"),
    [
        ("2015/16", "enhnaced", "offers of 2015/16: enhanced, default, proposed"),
        ("2017/18", "enhanced", "the year had none. Years with offers are 2015/16: enhanced, def"),
        ("2019/20", "default", "leave it out: the year had none"),
    ],
)
def test_an_offer_that_the_year_did_not_have_is_refused(year: str, offer: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        lines([spell("A", "2017-06-10")], baseline(year, "0", offer=offer))
    assert f"term of R1H in {year}: there is no offer '{offer}'" in caught.value.message
    assert hint in caught.value.hint


def test_a_price_that_is_not_complete_is_not_in_the_actual() -> None:
    """At the prices, a spell that ends before it begins has none that is known."""
    early = {"admission_date": "2017-06-12"}
    rows = [
        spell("A", "2017-06-10"),
        {**spell("C", "2017-06-10", patient_id="P3"), **early},
    ]
    local = LocalPolicies(
        amount="priced", marginal_rate=LocalMarginalRate(terms=[baseline("2017/18", "0")])
    )
    done = applied(rows, local)
    (line,) = done.marginal.lines
    (alone,) = applied(rows[:1], local).marginal.lines
    assert (line.spells, line.actual) == (1, alone.actual)
    assert done.marginal.without_amount == 1
    assert "without an amount, not in the actual: 1." in " ".join(done.notices)


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ({}, True),
        ({"admission_method": "2A"}, True),
        ({"admission_method": "2B"}, False),  # transfer
        ({"admission_method": "28", "admission_source": "51"}, False),
        ({"admission_method": "28"}, True),
        ({"admission_method": "11"}, False),
        ({"admission_method": "31"}, False),
        ({"admission_method": "2C"}, False),
        ({"billed_hrg": "NZ30C"}, False),
        ({"billed_hrg": "XX99Z"}, False),  # no national price
        ({"commissioning_serial_number": "="}, False),
        ({"billed_hrg": "EB07E"}, True),
    ],
)  # fmt: skip
def test_what_is_in_scope(values: dict[str, str], counts: bool) -> None:
    rows = [{**spell("A", "2017-06-10"), "commissioning_serial_number": "", **values}]
    assert bool(lines(rows, baseline("2017/18", "0"))) == counts


def test_a_switch_of_the_local_file_widens_the_scope() -> None:
    rows = [spell("A", "2017-06-10", admission_method="2B")]
    assert lines(rows) == []
    assert len(lines(rows, transfer=False)) == 1


def test_readmissions_come_off_first_where_the_provider_itself_is_charged() -> None:
    index = spell("A", "2017-05-10")
    own = [index, after(index, 5)]
    other = [spell("A", "2017-05-10", provider="RXX"), after(index, 5)]
    local = agreed(
        *(term("2017/18", provider, avoidable_share="0.4") for provider in ("R1H", "RXX"))
    )
    local = type(local)(
        amount="billed",
        readmissions=local.readmissions,
        marginal_rate=baselines(baseline("2017/18", "500")).marginal_rate,
    )
    (line,) = applied(own, local).marginal.lines
    assert (line.actual, line.payable) == (160000, 50000 + 77000)
    by_provider = {line.provider: line for line in applied(other, local).marginal.lines}
    assert by_provider["R1H"].actual == 100000  # paid there
    assert by_provider["RXX"].actual == 100000  # deducted in full beside it


def test_terms_by_commissioner_keep_their_money_apart() -> None:
    rows = [
        spell("A", "2017-06-10"),
        spell("B", "2017-06-11", patient_id="P2", commissioner="02B"),
        spell("C", "2017-06-12", patient_id="P3", commissioner=""),
    ]
    together = lines(rows, baseline("2017/18", "1500"))
    assert [(line.commissioner, line.payable) for line in together] == [("", 150000 + 105000)]
    apart = lines(rows, baseline("2017/18", "0", commissioner="01A"))
    assert {line.commissioner: (line.payable, line.note) for line in apart} == {
        "01A": (70000, ""),
        "02B": (100000, "no baseline given"),
        "": (100000, "no baseline given"),
    }
