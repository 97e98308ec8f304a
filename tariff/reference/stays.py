"""The reduced short stay and the long stay payment (docs/pricing.md, steps 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass

from tariff.packs.model import PodGroup, ShortStayRule
from tariff.reference.best_practice import Substitution, prints_short_stays, short_stay_row
from tariff.reference.flags import known_age
from tariff.reference.price_tables import PriceList, PriceRow
from tariff.reference.spells import Spell
from tariff.reference.values import POUND, half_up_to, text

# ---------------------------------------------------------------- short stay


def _tests_hold(rule: ShortStayRule, method: str | None, age: int | None) -> bool:
    """Say whether the tests of the record hold that do not ask for its stay."""
    return method in rule.admission_methods and age is not None and age >= rule.min_age


def reduced_price(row: PriceRow, base: int) -> int | None:
    """Return the published reduced price, else the published share of the price to the pound."""
    if row.short_stay_price is not None:
        return row.short_stay_price
    if row.short_stay_share is None:
        return None
    return half_up_to(base * row.short_stay_share, POUND)


def short_stay_of(
    held: PriceList,
    row: PriceRow,
    spell: Spell,
    listed: int,
    area: Substitution | None,
    adjusted: int | None,
    reasons: set[str],
) -> tuple[int | None, int | None]:
    """Return whether a non-elective price is reduced (None: not known), and to what."""
    rule = held.short_stay_rule
    if rule is None:
        return None, None
    age = known_age(spell)
    if not _tests_hold(rule, text(spell.first, "admission_method"), age):
        return 0, None
    short = adjusted is not None and adjusted <= rule.max_adjusted_days
    if area is not None:
        printed = short_stay_row(held.best_practice, area)
        if not area.area.short_stay:
            return 0, None
        if printed is not None:
            return (1, printed.price) if short else (0, None)
        if prints_short_stays(held.best_practice, area.row.area):
            return 0, None
    reduced = reduced_price(row, listed)
    figures_held = row.short_stay is False or (row.short_stay and reduced is not None)
    if not figures_held and (short or adjusted is None):
        reasons.add("short_stay_not_held")
        return None, None
    return (1, reduced) if short and row.short_stay else (0, None)


# ---------------------------------------------------------------- long stay


@dataclass(frozen=True, slots=True)
class LongStay:
    """The figures of the long stay payment."""

    trim: int | None = None
    rate: int | None = None
    excess: int | None = None
    payment: int | None = None


def _trim(row: PriceRow, group: PodGroup) -> int | None:
    return row.elective_trim if group.trim == "elective" else row.non_elective_trim


def long_stay_of(
    held: PriceList,
    row: PriceRow,
    group: PodGroup,
    listed: int,
    adjusted: int | None,
    delayed: int,
    reasons: set[str],
) -> LongStay:
    """Work out the days above the trim point and their payment; say why where it cannot be."""
    if group.trim == "none":
        return LongStay(excess=0, payment=0)
    trim, rate = _trim(row, group), row.per_day
    excess = None if trim is None or adjusted is None else max(0, adjusted - trim - delayed)
    if listed == 0 and rate is None:
        return LongStay(trim=trim, excess=excess, payment=0)
    if excess is None:
        reasons |= {
            reason
            for figure, reason in ((adjusted, "stay_unknown"), (trim, "trim_unknown"))
            if figure is None
        }
        return LongStay(trim=trim, rate=rate)
    if held.borrowed & {f"{group.trim}_trim", "per_day"}:
        reasons.add("trim_of_other_edition")
    if excess == 0:
        return LongStay(trim=trim, rate=rate, excess=0, payment=0)
    if rate is None:
        reasons.add("rate_unknown")
        return LongStay(trim=trim, excess=excess)
    return LongStay(trim=trim, rate=rate, excess=excess, payment=excess * rate)
