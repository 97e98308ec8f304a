"""What holds under every form of contract, and that engine and oracle agree."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariff.engine.contract_cash import Cash
from tariff.engine.contract_forms import Done, ToDate, blended_a, blended_b, cap_and_collar, half_up
from tariff.engine.contract_ledger import payable, statement
from tariff.engine.contract_table import contract_table
from tariff.packs.contract_model import FORM_KEYS
from tariff.packs.lint_contract import national_terms
from tariff.reference import contract as oracle
from tests.contracts.contracts import (
    ledger,
    manifest_of,
    random_contract,
    random_form,
    random_line,
    random_line_like,
    random_plan,
    random_records,
    ready,
)
from tests.differential.strategies import RANDOMS, example_settings
from tests.engine.extracts import shipped

PENCE = st.integers(0, 2_000_000)


def test_engine_and_oracle_pay_the_same_for_the_same_records() -> None:
    seen = 0
    for seed in range(60):
        seen += agree(Random(seed), 40)
    assert seen > 600, "too few records of a line to tell anything"


@example_settings(40)
@given(RANDOMS)
def test_the_smallest_disagreement(rng: Random) -> None:
    agree(rng, rng.randint(0, 4))


def agree(rng: Random, count: int) -> int:
    """Compare line, month, money and cash; give how many records are of the contract."""
    manifest, plan = random_contract(rng)
    records = random_records(rng, count)
    contract, terms = ready(manifest, plan), national_terms(shipped().packs.packs)
    book = ledger(contract, records)
    rows = {(row.line, row.month): row for row in statement(contract, book, 13)}
    for month in range(1, 14):
        for line, told in oracle.year_to_date(manifest, plan, terms, records, month).items():
            units, pence, pays = told
            row = rows.get((line, month))
            if row is None:
                assert (units, pays) == (0, 0)
                continue
            done = row.year_to_date.done()
            assert (done.units, done.pence, row.payable_to_date) == (units, pence, pays)
    held = [record for record in records if oracle.line_of(manifest, record) is not None]
    outside = sum(cell.records for cell in book.outside.values())
    assert outside == len(records) - len(held)
    if held:
        gone = rng.sample(held, rng.randint(1, len(held)))
        rest = [record for record in records if record not in gone]
        cash = Cash(contract, book, _Placed(records))  # type: ignore[arg-type]
        moves = [(records.index(record), record["pence"], 1) for record in gone]
        assert cash.of(moves) == oracle.cash(manifest, plan, terms, records, rest)
    return len(held)


class _Placed:
    """Records by number, as the spells of a run are."""

    def __init__(self, records: list[dict[str, object]]) -> None:
        self._records = records

    def holds(self, spell: int) -> bool:
        return spell < len(self._records)

    def record(self, spell: int) -> object:
        from tariff.engine.contract import Record

        row = self._records[spell]
        day = row["day"]
        month = -1 if day is None else day.year * 12 + day.month - 1  # type: ignore[attr-defined]
        names = (
            *("dataset", "provider", "commissioner", "site", "point_of_delivery"),
            *("treatment_function", "code"),
        )
        return Record(*(row[name] for name in names), month)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(FORM_KEYS))
def test_months_add_up_to_the_year_to_date_under_every_form(kind: str) -> None:
    for seed in range(10):
        rng = Random(seed)
        line = random_line_like(random_line(rng, "line"), form=random_form(rng, kind))
        plan: oracle.Plan = ()
        if line.phasing == "plan":
            months, plan = random_plan(rng, line)
            line = random_line_like(line, plan=months)
        contract = ready(manifest_of([line]), plan)
        book = ledger(contract, random_records(rng, 50))
        rows = list(statement(contract, book, 13))
        for place, row in enumerate(rows, 1):
            assert sum(r.payable for r in rows[:place]) == row.payable_to_date
            assert sum(r.plan_pence for r in rows[:place]) == row.plan_to_date_pence
            assert sum(r.cell.activity for r in rows[:place]) == row.year_to_date.activity
        assert payable(contract, book, 13) == rows[-1].payable_to_date


@example_settings(60)
@given(RANDOMS, PENCE, PENCE)
def test_cap_and_collar_is_idempotent(rng: Random, low: int, done: int) -> None:
    figures = {"collar": Fraction(low), "cap": Fraction(low + rng.randint(0, 10**6))}
    to_date = ToDate(Fraction(rng.randint(1, 12), 12), Fraction(0), Fraction(0), Fraction(0))
    once = cap_and_collar(figures, to_date, Done(Fraction(1), Fraction(done)))
    assert cap_and_collar(figures, to_date, Done(Fraction(1), once)) == once
    assert figures["collar"] * to_date.share <= once <= figures["cap"] * to_date.share


@example_settings(60)
@given(PENCE, PENCE, st.fractions(0, 1), st.integers(1, 12))
def test_blended_models_are_equal(plan: int, done: int, share: Fraction, month: int) -> None:
    to_date = ToDate(Fraction(month, 12), Fraction(1), Fraction(plan * month, 12), Fraction(0))
    given_done = Done(Fraction(1), Fraction(done))
    figures = {"share": share}
    assert blended_a(figures, to_date, given_done) == blended_b(figures, to_date, given_done)


@example_settings(60)
@given(st.integers(1, 10**7), st.integers(0, 10**6), st.fractions(0, 1))
def test_marginal_rate_is_continuous_and_concave_at_the_baseline(
    baseline: int, step: int, rate: Fraction
) -> None:
    from tariff.engine.contract_forms import marginal_rate

    to_date = ToDate(Fraction(1), Fraction(0), Fraction(0), Fraction(0))
    figures = {"baseline": Fraction(baseline), "rate": rate}

    def pays(done: Fraction) -> Fraction:
        return marginal_rate(figures, to_date, Done(Fraction(0), done))

    at = Fraction(baseline)
    assert pays(at) == at
    assert pays(at + step) - pays(at) == rate * step
    assert pays(at) - pays(at - min(step, baseline)) == min(step, baseline)
    assert pays(at + step) + pays(at - step) <= 2 * pays(at)


@example_settings(120)
@given(RANDOMS, PENCE, st.integers(1, 12))
def test_a_finding_saves_no_more_than_it_is_worth(rng: Random, done: int, month: int) -> None:
    kind = rng.choice([kind for kind in FORM_KEYS if kind != "cost_and_volume"])
    line = random_line_like(
        random_line(rng, "line"), form=random_form(rng, kind), phasing="twelfths"
    )
    contract = ready(manifest_of([line]))
    worth = rng.randint(0, done)
    before, after = (
        contract.lines[0].pays(month, Done(Fraction(1), Fraction(pence)))
        for pence in (done, done - worth)
    )
    assert 0 <= before - after <= worth


def test_the_order_of_records_is_nothing() -> None:
    rng = Random(5)
    manifest, plan = random_contract(rng)
    contract, records = ready(manifest, plan), random_records(rng, 80)
    table = contract_table(contract, ledger(contract, records))
    rng.shuffle(records)
    assert contract_table(contract, ledger(contract, records)).equals(table)
    halves = ledger(contract, records[:30])
    halves.add(ledger(contract, records[30:]))
    assert contract_table(contract, halves).equals(table)


def test_one_unit_more_or_fewer_is_priced_through_the_formula() -> None:
    rng = Random(11)
    for _ in range(30):
        manifest, plan = random_contract(rng)
        contract = ready(manifest, plan)
        for row in statement(contract, ledger(contract, random_records(rng, 20)), 12):
            line, done = contract.by_id[row.line], row.year_to_date.done()
            if row.unit is None or row.one_more is None:
                continue
            more = Done(done.units + 1, done.pence + row.unit)
            assert row.payable_to_date + row.one_more == line.pays(row.month, more)
            if row.one_fewer is not None:
                fewer = Done(done.units - 1, done.pence - row.unit)
                assert row.payable_to_date + row.one_fewer == line.pays(row.month, fewer)
                assert row.one_fewer <= 0


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("1/2", 1), ("-1/2", 0), ("-3/2", -1), ("5/2", 3), ("49/100", 0), ("-51/100", -1)],
)
def test_a_half_rounds_upwards_also_below_nothing(value: str, rounded: int) -> None:
    assert half_up(Fraction(value)) == rounded
