"""The marginal rate in plain Python: one stay, then one month after another (docs/policies.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from tariff.packs.local_policies import LocalMarginalRate, MarginalTerm
from tariff.packs.policy_model import MarginalRatePack
from tariff.reference.price import year_of
from tariff.reference.readmissions import Stay, meets
from tariff.reference.values import half_up

Key = tuple[str, str, str]  # provider, commissioner (empty: all), month YYYY-MM


@dataclass(frozen=True, slots=True)
class Month:
    """What a month comes to, in pence."""

    actual: int
    payable: int


def paid(actual: int, baseline: int, rate: Decimal) -> int:
    """Return what is paid for an actual."""
    exact = min(actual, baseline) + Fraction(rate) * max(0, actual - baseline)
    return half_up(exact)


def in_scope(pack: MarginalRatePack, local: LocalMarginalRate, stay: Stay) -> bool:
    """Say whether a stay counts."""
    if not any(meets(test, stay) for test in pack.scope):
        return False
    for rule in pack.out_of_scope:
        applied = local.out_of_scope.get(rule.name, rule.applied)
        if applied and any(meets(test, stay) for test in rule.tests):
            return False
    return True


def months(
    pack: MarginalRatePack,
    local: LocalMarginalRate,
    stays: Sequence[Stay],
    withheld: Mapping[tuple[str, str], int],
) -> dict[Key, Month]:
    """Return every month with a stay that counts, of the years that had a rate."""
    money: dict[Key, int] = {}
    for stay in stays:
        if stay.discharged is None or stay.amount is None or not in_scope(pack, local, stay):
            continue
        year = year_of(stay.discharged)
        if not _rates(pack, year):
            continue
        apart = any(
            t.provider == stay.provider and t.year == year and t.commissioner for t in local.terms
        )
        key = (
            stay.provider,
            stay.commissioner if apart else "",
            stay.discharged.isoformat()[:7],
        )
        money[key] = money.get(key, 0) + stay.amount - withheld.get(stay.key, 0)
    return {key: _month(pack, local, money, key) for key in money}


def _month(
    pack: MarginalRatePack, local: LocalMarginalRate, money: Mapping[Key, int], key: Key
) -> Month:
    provider, commissioner, month = key
    year = year_of(date.fromisoformat(f"{month}-01"))
    before = sum(
        pence
        for (other, of, when), pence in money.items()
        if (other, of) == (provider, commissioner)
        and when < month
        and year_of(date.fromisoformat(f"{when}-01")) == year
    )
    term = next(
        (
            t
            for t in local.terms
            if t.provider == provider and t.year == year and t.commissioner == commissioner
        ),
        None,
    )
    rate = None if term is None else _rate(pack, year, term)
    actual = money[key]
    if term is None or rate is None:
        return Month(actual, actual)
    baseline = int(term.baseline * 100)
    return Month(actual, paid(before + actual, baseline, rate) - paid(before, baseline, rate))


def _rates(pack: MarginalRatePack, year: str) -> dict[str, Decimal]:
    """Return the rates of a year by offer."""
    first = date(int(year[:4]), 4, 1)
    return {r.offer: r.rate for r in pack.rates if r.from_ <= first <= r.to}


def _rate(pack: MarginalRatePack, year: str, term: MarginalTerm) -> Decimal | None:
    rates = _rates(pack, year)
    return rates[""] if "" in rates else rates.get(term.offer)
