"""Prices a spell, as docs/pricing.md has it, one step a function.

Money is worked in exact fractions of a penny and leaves as whole pence. What is not known stays
None; the total is then the sum of the parts that are known, and is marked incomplete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tariff.packs.model import PodGroup, ShortStayRule
from tariff.reference.group import episode_duration
from tariff.reference.spells import Spell
from tariff.reference.tables import PriceList, PriceRow, PriceTables
from tariff.reference.values import half_up, half_up_to, number, text
from tariff.schemas import MFF_UNIT

POUND = 100
GIVEN: str | None = "given"  # the year of a factor from the command line

# In the order of the table in docs/pricing.md; all down to mff_unknown make a price incomplete.
REASONS = (
    "no_year",
    "tariff_not_held",
    "no_hrg",
    "hrg_not_in_tariff",
    "no_point_of_delivery",
    "no_national_price",
    "stay_unknown",
    "trim_unknown",
    "rate_unknown",
    "short_stay_not_held",
    "mff_unknown",
    "trim_of_other_edition",
    "mff_of_other_year",
    "negative_stay",
)
SECOND_HAND = frozenset({"trim_of_other_edition", "mff_of_other_year", "negative_stay"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOptions:
    """What the command line overrides."""

    year: str | None = None  # for spells without a discharge date
    price_at: str = "billed"  # or "grouped"
    mff: int | None = None  # a factor for every spell, units of 1e-9
    mff_year: str | None = None  # the year whose factors are used


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a spell and how it came about; the names are those of the spells table."""

    priced_hrg: str | None
    point_of_delivery: str | None
    tariff_year: str | None
    tariff: str | None
    spell_days: int | None
    critical_care_days: int
    rehabilitation_days: int
    palliative_care_days: int
    adjusted_days: int | None
    trim_days: int | None
    excess_days: int | None
    per_day_pence: int | None
    base_pence: int | None
    short_stay_pence: int | None
    long_stay_pence: int | None
    top_up_pence: int | None
    best_practice_pence: int | None
    pre_mff_pence: int | None
    mff: int | None
    mff_year: str | None
    total_pence: int | None
    complete: bool
    price_reasons: str | None
    short_stay_eligible: int | None


# ---------------------------------------------------------------- days and year


def year_of(when: date) -> str:
    """Return the tariff year of a date, from 1 April to 31 March: 2022/23."""
    start = when.year if when.month >= 4 else when.year - 1
    return f"{start:04}/{(start + 1) % 100:02d}"


def spell_days(spell: Spell) -> int | None:
    """Return discharge less admission, else the sum of the episode durations."""
    admitted, discharged = spell.admission_date, spell.discharge_date
    if admitted is not None and discharged is not None:
        return (discharged - admitted).days
    alone = len(spell.episodes) == 1
    durations = [episode_duration(episode, alone=alone) for episode in spell.episodes]
    known = [duration for duration in durations if duration is not None]
    return sum(known) if len(known) == len(durations) else None


def _summed(spell: Spell, column: str) -> int:
    return sum(number(episode, column) or 0 for episode in spell.episodes)


# ---------------------------------------------------------------- setting and base


def point_of_delivery(
    groups: Sequence[PodGroup], method: str | None, classification: str | None, days: int | None
) -> PodGroup | None:
    """Return the first group that fits. A limit of days does not fit an unknown stay."""
    for group in groups:
        if method not in group.admission_methods:
            continue
        if group.patient_classifications and classification not in group.patient_classifications:
            continue
        limit = group.max_adjusted_days
        if limit is not None and (days is None or days > limit):
            continue
        return group
    return None


def base_price(row: PriceRow, group: PodGroup) -> int | None:
    """Return the price of the HRG in the setting; None where it has none."""
    if group.price == "day_case":
        return row.day_case if row.day_case is not None else row.combined
    if group.price == "ordinary_elective":
        return row.ordinary_elective if row.ordinary_elective is not None else row.combined
    return row.non_elective if group.price == "non_elective" else None


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


# ---------------------------------------------------------------- market forces factor


def factor_of(
    tables: PriceTables, provider: str, year: str | None
) -> tuple[int | None, str | None]:
    """Return the factor of a provider in a year, else of the nearest year, and that year."""
    published = tables.factors.get(provider)
    if year is None or not published:
        return None, None
    start = int(year[:4])
    nearest = min(published, key=lambda held: (abs(int(held[:4]) - start), held))
    return published[nearest], nearest


# ---------------------------------------------------------------- rounding


def rounded_total(policy: str, parts: Sequence[int], mff: int) -> int:
    """Return the total in pence of components in pence, under a rounding policy."""
    factor = Fraction(mff, MFF_UNIT)
    exact = sum(parts) * factor
    if policy == "pence_final":
        return half_up(exact)
    if policy == "pound_final":
        return half_up_to(exact, POUND)
    if policy == "pound_pre_mff":
        return half_up(half_up_to(Fraction(sum(parts)), POUND) * factor)
    if policy == "pound_per_component":
        return sum(half_up_to(part * factor, POUND) for part in parts)
    raise ValueError(f"rounding policy {policy}")


# ---------------------------------------------------------------- the spell


def price_spell(
    tables: PriceTables, spell: Spell, hrg: str | None, options: PriceOptions | None = None
) -> Price:
    """Price a spell at the billed HRG, or at the one the engine grouped (`hrg`)."""
    options = options or PriceOptions()
    reasons: set[str] = set()

    # the record
    days = spell_days(spell)
    if days is not None and days < 0:
        reasons.add("negative_stay")
    critical = _summed(spell, "critical_care_days")
    rehabilitation = _summed(spell, "rehabilitation_days")
    palliative = _summed(spell, "palliative_care_days")
    adjusted = None if days is None else max(0, days - critical - rehabilitation - palliative)
    method = text(spell.first, "admission_method")
    classification = text(spell.first, "patient_classification")
    age = number(spell.first, "age")

    # the price list and the HRG
    discharged = spell.discharge_date
    year = options.year if discharged is None else year_of(discharged)
    held = tables.lists.get(year) if year is not None else None
    if year is None:
        reasons.add("no_year")
    elif held is None:
        reasons.add("tariff_not_held")
    priced_hrg = spell.billed.hrg if options.price_at == "billed" else None
    priced_hrg = priced_hrg if priced_hrg is not None else hrg
    if priced_hrg is None:
        reasons.add("no_hrg")
    row = held.rows.get(priced_hrg) if held is not None and priced_hrg is not None else None
    if held is not None and priced_hrg is not None and row is None:
        reasons.add("hrg_not_in_tariff")

    # setting and base
    group = point_of_delivery(tables.groups, method, classification, adjusted)
    base: int | None = None
    if group is None:
        reasons.add("no_point_of_delivery")
    elif group.price == "none":
        reasons.add("no_national_price")
    elif row is not None:
        base = base_price(row, group)
        if base is None:
            reasons.add("no_national_price")

    # the parts
    eligible: int | None = None
    short_stay: int | None = None
    stay = _LongStay()
    if held is not None and row is not None and group is not None and base is not None:
        short_stay = 0
        eligible = None if held.short_stay_rule is None else 0
        rule = held.short_stay_rule if group.price == "non_elective" else None
        if rule is not None and _tests_hold(rule, method, age):
            reduced = reduced_price(row, base)
            figures_held = row.short_stay is False or (row.short_stay and reduced is not None)
            if not figures_held and (adjusted is None or adjusted <= rule.max_adjusted_days):
                eligible = None
                reasons.add("short_stay_not_held")
            elif adjusted is not None and adjusted <= rule.max_adjusted_days and row.short_stay:
                assert reduced is not None
                eligible = 1
                short_stay = reduced - base
        if eligible == 1:
            stay = _LongStay(excess=0, payment=0)
        else:
            stay = _long_stay(held, row, group, base, adjusted, reasons)

    # market forces factor
    mff, mff_year = options.mff, GIVEN
    if mff is None:
        wanted = None if year is None else options.mff_year or year
        mff, mff_year = factor_of(tables, spell.provider, wanted)
        if base is not None and mff is None:
            reasons.add("mff_unknown")
        elif base is not None and mff_year != wanted:
            reasons.add("mff_of_other_year")

    # sums
    pre_mff: int | None = None
    total: int | None = None
    if base is not None and short_stay is not None and held is not None:
        parts = [base, short_stay, stay.payment or 0]
        pre_mff = sum(parts)
        total = rounded_total(held.rounding, parts, mff) if mff is not None else None
    return Price(
        priced_hrg=priced_hrg,
        point_of_delivery=group.code if group is not None else None,
        tariff_year=year,
        tariff=held.pack_id if held is not None else None,
        spell_days=days,
        critical_care_days=critical,
        rehabilitation_days=rehabilitation,
        palliative_care_days=palliative,
        adjusted_days=adjusted,
        trim_days=stay.trim,
        excess_days=stay.excess,
        per_day_pence=stay.rate,
        base_pence=base,
        short_stay_pence=short_stay,
        long_stay_pence=stay.payment,
        top_up_pence=None if base is None else 0,
        best_practice_pence=None if base is None else 0,
        pre_mff_pence=pre_mff,
        mff=mff,
        mff_year=mff_year,
        total_pence=total,
        complete=reasons <= SECOND_HAND,
        price_reasons=" ".join(name for name in REASONS if name in reasons) or None,
        short_stay_eligible=eligible,
    )


@dataclass(frozen=True, slots=True)
class _LongStay:
    """The figures of the long stay payment."""

    trim: int | None = None
    rate: int | None = None
    excess: int | None = None
    payment: int | None = None


def _trim(row: PriceRow, group: PodGroup) -> int | None:
    return row.elective_trim if group.trim == "elective" else row.non_elective_trim


def _long_stay(
    held: PriceList,
    row: PriceRow,
    group: PodGroup,
    base: int,
    adjusted: int | None,
    reasons: set[str],
) -> _LongStay:
    """Work out the days above the trim point and their payment; say why where it cannot be."""
    if group.trim == "none":
        return _LongStay(excess=0, payment=0)
    trim, rate = _trim(row, group), row.per_day
    excess = None if trim is None or adjusted is None else max(0, adjusted - trim)
    if base == 0 and rate is None:
        return _LongStay(trim=trim, excess=excess, payment=0)
    if excess is None:
        reasons |= {
            reason
            for figure, reason in ((adjusted, "stay_unknown"), (trim, "trim_unknown"))
            if figure is None
        }
        return _LongStay(trim=trim, rate=rate)
    if held.borrowed & {f"{group.trim}_trim", "per_day"}:
        reasons.add("trim_of_other_edition")
    if excess == 0:
        return _LongStay(trim=trim, rate=rate, excess=0, payment=0)
    if rate is None:
        reasons.add("rate_unknown")
        return _LongStay(trim=trim, excess=excess)
    return _LongStay(trim=trim, rate=rate, excess=excess, payment=excess * rate)
