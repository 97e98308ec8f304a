"""What a contract pays, in plain Python, from docs/contracts.md: everything is counted anew.

A record is a mapping with `dataset, provider, commissioner, site, point_of_delivery,
treatment_function, code` (text), `day` (a date or None), `units` and `pence` (numbers); `alone`
says that it is money without units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

Record = Mapping[str, Any]
Plan = Sequence[tuple[str, int, Fraction, Fraction]]  # line, month, units, pounds


def month_of(day: date, year: str) -> int:
    """Return the month of the financial year: April is 1; below 1 or above 12 outside it."""
    months = (day.year - int(year[0:4])) * 12 + (day.month - 4)
    return months + 1


def months_of(line: Any, contract: Any) -> list[int]:
    """Return the months in which a line holds."""
    first_year = int(contract.year[0:4])
    first = line.from_ or contract.applies.from_ or date(first_year, 4, 1)
    last = line.to or contract.applies.to or date(first_year + 1, 3, 31)
    return list(range(month_of(first, contract.year), month_of(last, contract.year) + 1))


def selects(line: Any, record: Record) -> bool:
    """Return whether a line selects a record, other lines left aside."""
    chosen = line.select
    if chosen.datasets and record["dataset"] not in chosen.datasets:
        return False
    if chosen.points_of_delivery and record["point_of_delivery"] not in chosen.points_of_delivery:
        return False
    if (
        chosen.treatment_functions
        and record["treatment_function"] not in chosen.treatment_functions
    ):
        return False
    if chosen.sites and record["site"] not in chosen.sites:
        return False
    return not chosen.hrgs or record["code"].startswith(tuple(chosen.hrgs))


def line_of(contract: Any, record: Record) -> str | None:
    """Return the line that a record is of, None where it is outside the contract."""
    if record["provider"] != contract.provider or record["day"] is None:
        return None
    if contract.commissioners and record["commissioner"] not in contract.commissioners:
        return None
    month = month_of(record["day"], contract.year)
    fitting = [
        line
        for line in contract.lines
        if selects(line, record) and month in months_of(line, contract)
    ]
    # the one that is carved from every other
    for line in fitting:
        if all(other is line or other.id in line.carved_from for other in fitting):
            return str(line.id)
    return None


def accrued_share(line: Any, contract: Any, plan: Plan, month: int) -> Fraction:
    """Return the part of the annual figures that has accrued by the end of a month."""
    months = months_of(line, contract)
    if line.phasing == "annual":
        return Fraction(1) if month >= months[0] else Fraction(0)
    even = Fraction(sum(1 for one in months if one <= month), len(months))
    if line.phasing == "plan" and line.plan.price:
        return planned(line, contract, plan, month)[1] / (Fraction(line.plan.price) * 100)
    return even


def planned(line: Any, contract: Any, plan: Plan, month: int) -> tuple[Fraction, Fraction]:
    """Return the units and the pence planned for the year to date."""
    if line.plan is None:
        return Fraction(0), Fraction(0)
    if line.phasing == "plan":
        rows = [row for row in plan if row[0] == line.id and row[1] <= month]
        return sum((row[2] for row in rows), Fraction(0)), 100 * sum(
            (row[3] for row in rows), Fraction(0)
        )
    share = accrued_share(line, contract, plan, month)
    return Fraction(line.plan.activity) * share, Fraction(line.plan.price) * 100 * share


def pays(
    line: Any,
    contract: Any,
    plan: Plan,
    national: Mapping[tuple[str, str], Any],
    month: int,
    units: Fraction,
    pence: Fraction,
    alone: Fraction = Fraction(0),
) -> int:
    """Return what is payable of a line for the year to date, in whole pence, a half upwards.

    `alone` is what of the pence is of records without units: no formula of units sees it.
    """
    if month < months_of(line, contract)[0]:
        return 0
    exact = _formula(line, contract, plan, national, month, units, pence)
    if line.form.kind == "cost_and_volume":
        exact += alone
    return math.floor(exact + Fraction(1, 2))


def _formula(
    line: Any,
    contract: Any,
    plan: Plan,
    national: Mapping[tuple[str, str], Any],
    month: int,
    units: Fraction,
    pence: Fraction,
) -> Fraction:
    form = line.form
    share = accrued_share(line, contract, plan, month)
    plan_units, plan_pence = planned(line, contract, plan, month)

    def year_figure(pounds: Any) -> Fraction:
        return Fraction(pounds) * 100 * share

    def rate_of(given: Any, term: str) -> Fraction:
        return Fraction(national[contract.year, term] if given is None else given)

    if form.kind in ("block", "low_volume"):
        return plan_pence
    if form.kind == "cost_per_case":
        return pence
    if form.kind == "cost_and_volume":
        unit = Fraction(line.plan.price) * 100 / Fraction(line.plan.activity)
        most = plan_units * (1 + Fraction(form.tolerance))
        least = plan_units * (1 - Fraction(form.tolerance))
        if units > most:
            return plan_pence + Fraction(form.marginal_above) * (units - most) * unit
        if units < least:
            return plan_pence - Fraction(form.marginal_below) * (least - units) * unit
        return plan_pence
    if form.kind == "cap_and_collar":
        if form.cap is not None and pence > year_figure(form.cap):
            return year_figure(form.cap)
        if form.collar is not None and pence < year_figure(form.collar):
            return year_figure(form.collar)
        return pence
    if form.kind == "risk_share":
        band = Fraction(form.dead_band or 0)
        if pence > plan_pence * (1 + band):
            more = Fraction(form.share_above) * (pence - plan_pence * (1 + band))
            if form.limit_above is not None and more > year_figure(form.limit_above):
                more = year_figure(form.limit_above)
            return plan_pence + more
        if pence < plan_pence * (1 - band):
            less = Fraction(form.share_below) * (plan_pence * (1 - band) - pence)
            if form.limit_below is not None and less > year_figure(form.limit_below):
                less = year_figure(form.limit_below)
            return plan_pence - less
        return plan_pence
    if form.kind == "marginal_rate":
        baseline = year_figure(form.baseline)
        if pence <= baseline or not contract.switches.marginal_rate:
            return pence
        return baseline + rate_of(form.rate, "marginal_rate") * (pence - baseline)
    if form.kind == "blended_2019":
        part = rate_of(form.share, "blended_share")
        if form.model == "A":
            return plan_pence + part * (pence - plan_pence)
        return (1 - part) * plan_pence + part * pence
    assert form.kind == "aligned_payment"
    variable = rate_of(form.variable_share, "variable_share")
    return year_figure(form.fixed) + variable * (pence - year_figure(form.in_fixed))


def year_to_date(
    contract: Any,
    plan: Plan,
    national: Mapping[tuple[str, str], Any],
    records: Sequence[Record],
    month: int,
) -> dict[str, tuple[Fraction, Fraction, int]]:
    """Return the units, the pence and the payable pence of each line through a month."""
    out = {}
    for line in contract.lines:
        mine = [
            record
            for record in records
            if line_of(contract, record) == line.id
            and month_of(record["day"], contract.year) <= month
        ]
        units = sum((Fraction(record["units"]) for record in mine), Fraction(0))
        pence = sum((Fraction(record["pence"]) for record in mine), Fraction(0))
        alone = sum((Fraction(one["pence"]) for one in mine if one.get("alone")), Fraction(0))
        out[line.id] = (
            units,
            pence,
            pays(line, contract, plan, national, month, units, pence, alone),
        )
    return out


def cash(
    contract: Any,
    plan: Plan,
    national: Mapping[tuple[str, str], Any],
    records: Sequence[Record],
    without: Sequence[Record],
) -> int:
    """Return pay(records) - pay(without) for the year to date of the last month of `records`."""
    held = [record for record in records if line_of(contract, record) is not None]
    closes = max(months_of(line, contract)[-1] for line in contract.lines)
    month = max((month_of(record["day"], contract.year) for record in held), default=closes)
    if month == closes and any(row[1] == 13 for row in plan):
        month = 13  # the adjustment after the year comes with its last month
    before = year_to_date(contract, plan, national, records, month)
    after = year_to_date(contract, plan, national, without, month)
    return sum(line[2] for line in before.values()) - sum(line[2] for line in after.values())


def charged_elsewhere(contract: Any, readmissions: Sequence[Record], month: int) -> int:
    """Return the pence that readmissions at other providers take off through a month.

    Each has `provider`, `charged_to`, `commissioner`, `day` and `pence`.
    """
    if not contract.switches.readmissions:
        return 0
    year = int(contract.year[0:4])
    first = contract.applies.from_ or date(year, 4, 1)
    last = contract.applies.to or date(year + 1, 3, 31)
    return sum(
        one["pence"]
        for one in readmissions
        if one["charged_to"] == contract.provider != one["provider"]
        and (not contract.commissioners or one["commissioner"] in contract.commissioners)
        and first <= one["day"] <= last
        and month_of(one["day"], contract.year) <= month
    )
