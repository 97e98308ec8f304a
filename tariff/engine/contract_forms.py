"""What each form of contract pays on totals of the year to date: exact fractions of a penny.

Every formula sees annual figures brought to the year to date (`ToDate`), and what was done in it.
The only rounding is `half_up`, once, on the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class ToDate:
    """Planned for the year to date. `share` is the part of the annual figures that has accrued."""

    share: Fraction
    plan_units: Fraction
    plan_pence: Fraction
    unit_pence: Fraction  # planned price of a unit


@dataclass(frozen=True, slots=True)
class Done:
    """Done in the year to date: units of activity, pence at tariff, and what of it has no units."""

    units: Fraction
    pence: Fraction
    alone: Fraction = Fraction(0)


Figures = Mapping[str, Fraction]  # of the form: pence a year, and shares of one
Formula = Callable[[Figures, ToDate, Done], Fraction]


def half_up(value: Fraction) -> int:
    """Round to a whole number, a half upwards, also below nothing."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def planned(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """Block, low volume: the plan, whatever was done."""
    return to_date.plan_pence


def cost_per_case(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """What was done, at its price."""
    return done.pence


def cost_and_volume(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """The plan; units past the tolerance at the marginal rate of the planned unit price.

    Money without units, such as drugs or an adjustment, is paid on top.
    """
    slack = figures["tolerance"] * to_date.plan_units
    over = max(done.units - to_date.plan_units - slack, Fraction(0))
    under = max(to_date.plan_units - slack - done.units, Fraction(0))
    marginal = figures["marginal_above"] * over - figures["marginal_below"] * under
    return to_date.plan_pence + marginal * to_date.unit_pence + done.alone


def cap_and_collar(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """What was done, no less than the collar and no more than the cap."""
    pays = done.pence
    if "collar" in figures:
        pays = max(pays, figures["collar"] * to_date.share)
    if "cap" in figures:
        pays = min(pays, figures["cap"] * to_date.share)
    return pays


def risk_share(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """The plan, and a share of what lies past the dead band, within limits."""
    band = figures.get("dead_band", Fraction(0)) * to_date.plan_pence
    over = max(done.pence - to_date.plan_pence - band, Fraction(0)) * figures["share_above"]
    under = max(to_date.plan_pence - band - done.pence, Fraction(0)) * figures["share_below"]
    if "limit_above" in figures:
        over = min(over, figures["limit_above"] * to_date.share)
    if "limit_below" in figures:
        under = min(under, figures["limit_below"] * to_date.share)
    return to_date.plan_pence + over - under


def marginal_rate(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """What was done up to the baseline, and a part of what lies above it."""
    baseline = figures["baseline"] * to_date.share
    return min(done.pence, baseline) + figures["rate"] * max(done.pence - baseline, Fraction(0))


def blended_a(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """The whole plan, and a share of the variance from it."""
    return to_date.plan_pence + figures["share"] * (done.pence - to_date.plan_pence)


def blended_b(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """A part of the plan, and the rest of what was done."""
    return (1 - figures["share"]) * to_date.plan_pence + figures["share"] * done.pence


def aligned_payment(figures: Figures, to_date: ToDate, done: Done) -> Fraction:
    """The fixed element, and a share of what differs from the activity that is in it."""
    variance = done.pence - figures["in_fixed"] * to_date.share
    return figures["fixed"] * to_date.share + figures["variable_share"] * variance


FORMULAS: dict[tuple[str, str], Formula] = {
    ("block", ""): planned,
    ("low_volume", ""): planned,
    ("cost_per_case", ""): cost_per_case,
    ("cost_and_volume", ""): cost_and_volume,
    ("cap_and_collar", ""): cap_and_collar,
    ("risk_share", ""): risk_share,
    ("marginal_rate", ""): marginal_rate,
    ("blended_2019", "A"): blended_a,
    ("blended_2019", "B"): blended_b,
    ("aligned_payment", ""): aligned_payment,
}  # by the kind of a form and its model
