"""The marginal rate for emergency admissions, on year-to-date money (docs/policies.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.engine.spell_tests import Mask, SpellTests
from tariff.engine.stays import MONTHS, Numbers, Stays, groups_of, tariff_year
from tariff.errors import UsageError
from tariff.packs.compile import NULL64, half_up
from tariff.packs.local_policies import LocalMarginalRate, find_term
from tariff.packs.policy_model import MarginalRate, MarginalRatePack


@dataclass(frozen=True)
class Line:
    """A month of a provider (with a commissioner, or all of them). Money is pence."""

    provider: str
    commissioner: str
    month: int  # of tariff.engine.stays
    spells: int
    actual: int
    payable: int
    actual_to_date: int
    payable_to_date: int
    baseline: int | None = None
    rate: Decimal | None = None
    note: str = ""


@dataclass
class Marginal:
    """What the marginal rate comes to."""

    lines: list[Line] = field(default_factory=list)
    without_amount: int = 0  # spells in scope that are not in the actual
    used_terms: set[int] = field(default_factory=set)


def payable(actual: int, baseline: int, rate: Decimal) -> int:
    """Give what is paid for an actual, in pence: above the baseline the rate, half up."""
    above = max(0, actual - baseline)
    return min(actual, baseline) + half_up(rate * above)


def marginal_rate(
    pack: MarginalRatePack,
    local: LocalMarginalRate,
    runs: Sequence[SpellColumns],
    stays: Stays,
    withheld: Numbers,
) -> Marginal:
    """Give the months of every provider. `withheld` is what of each stay is withheld already."""
    scope = _in_scope(pack, local, runs) & (stays.month != NULL64)
    years = {
        year: rates
        for year in np.unique(stays.month[scope] // MONTHS).tolist()
        if (rates := _rates_of(pack.rates, tariff_year(year * MONTHS)))
    }
    scope &= np.isin(stays.month // MONTHS, list(years))
    known = scope & (stays.amount != NULL64)
    out = Marginal(without_amount=int((scope & ~known).sum()))
    places = np.flatnonzero(known)
    money = stays.amount[places] - withheld[places]
    keys, inverse = groups_of(
        stays.provider.ids[places], stays.commissioner.ids[places], stays.month[places]
    )
    sums = np.zeros(len(keys), np.int64)
    np.add.at(sums, inverse, money)
    counts = np.bincount(inverse, minlength=len(keys))
    # whose commissioners are told apart, as the terms do
    apart = {(term.provider, term.year) for term in local.terms if term.commissioner}
    groups: dict[tuple[str, str, int], dict[int, tuple[int, int]]] = {}
    for (provider, commissioner, month), total, count in zip(
        keys, sums.tolist(), counts.tolist(), strict=True
    ):
        name = stays.provider.values[provider]
        with_ = "" if commissioner < 0 else stays.commissioner.values[commissioner]
        year = month // MONTHS
        if (name, tariff_year(month)) not in apart:
            with_ = ""
        months = groups.setdefault((name, with_, year), {})
        before = months.get(month, (0, 0))
        months[month] = (before[0] + count, before[1] + total)
    for (provider_name, with_, year), months in sorted(groups.items()):
        out.lines += _year(out, local, years[year], (provider_name, with_, year), months)
    return out


def check_offers(local: LocalMarginalRate, pack: MarginalRatePack) -> None:
    """Raise where a term names an offer that its year did not have."""
    for term in local.terms:
        offers = [rate.offer for rate in _rates_of(pack.rates, term.year) if rate.offer]
        if not term.offer or term.offer in offers:
            continue
        if offers:
            hint = f"offers of {term.year}: {', '.join(offers)}"
        else:
            others = {
                tariff_year_of(rate.from_): [r.offer for r in pack.rates if r.from_ == rate.from_]
                for rate in pack.rates
                if rate.offer
            }
            told = "; ".join(f"{year}: {', '.join(names)}" for year, names in others.items())
            hint = f"leave it out: the year had none. Years with offers are {told or 'none'}"
        raise UsageError(
            f"marginal rate, term of {term.words}: there is no offer '{term.offer}' in {term.year}",
            hint=hint,
        )


def tariff_year_of(day: date) -> str:
    """Give the tariff year of a day."""
    start = day.year - (day.month < 4)
    return f"{start:04}/{(start + 1) % 100:02}"


def _in_scope(
    pack: MarginalRatePack, local: LocalMarginalRate, runs: Sequence[SpellColumns]
) -> Mask:
    parts = []
    for run in runs:
        tests = SpellTests(run)
        mask = tests.any_of(pack.scope)
        for item in pack.out_of_scope:
            if local.out_of_scope.get(item.name, item.applied):
                mask &= ~tests.any_of(item.tests)
        parts.append(mask)
    return np.concatenate(parts)


def _rates_of(rates: Sequence[MarginalRate], year: str) -> list[MarginalRate]:
    """Give the rates of a tariff year: one, or one for each offer."""
    start = date(int(year[:4]), 4, 1)
    return [rate for rate in rates if rate.from_ <= start <= rate.to]


def _year(
    out: Marginal,
    local: LocalMarginalRate,
    rates: list[MarginalRate],
    key: tuple[str, str, int],
    months: dict[int, tuple[int, int]],
) -> list[Line]:
    """Give the months of a year: what is paid to date, less that of the month before."""
    provider, commissioner, year = key
    number = find_term(local.terms, provider, commissioner, tariff_year(year * MONTHS))
    baseline: int | None = None
    rate: Decimal | None = None
    note = "no baseline given"
    if number >= 0:
        out.used_terms.add(number)
        baseline = local.terms[number].baseline_pence
        rate, note = _chosen(rates, local.terms[number].offer)
    lines = []
    actual = paid = 0
    for month in sorted(months):
        spells, money = months[month]
        actual_before, paid_before = actual, paid
        actual += money
        paid = actual
        if baseline is not None and rate is not None:
            paid = payable(actual, baseline, rate)
        lines.append(
            Line(
                provider, commissioner, month, spells, actual - actual_before,
                paid - paid_before, actual, paid, baseline, rate, note,
            )
        )  # fmt: skip
    return lines


def _chosen(rates: list[MarginalRate], offer: str) -> tuple[Decimal | None, str]:
    """Give the rate of an offer, or why there is none."""
    for rate in rates:
        if rate.offer == offer:
            return rate.rate, ""
    return None, f"the offer is not given: one of {', '.join(rate.offer for rate in rates)}"
