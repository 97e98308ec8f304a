"""Prices a spell, as docs/pricing.md has it, one step a function.

Money is worked in exact fractions of a penny and leaves as whole pence. What is not known stays
None; the total is then the sum of the parts that are known, and is marked incomplete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tariff.packs.model import PodGroup
from tariff.reference.best_practice import (
    Printed,
    Substitution,
    asks_for_stay,
    payments_of,
    printed_rows,
    rows_of,
    substitution,
)
from tariff.reference.exclusions import ALL, SOME, exclusion_of
from tariff.reference.factors import factor_of
from tariff.reference.periods import Period, days_of
from tariff.reference.price_tables import PriceList, PriceRow, PriceTables
from tariff.reference.spells import Spell
from tariff.reference.stays import LongStay, long_stay_of, short_stay_of
from tariff.reference.top_ups import TopUp, top_up
from tariff.reference.values import POUND, half_up, half_up_to, text
from tariff.schemas import MFF_UNIT

GIVEN: str | None = "given"  # the year of a factor from the command line

# In the order of the table in docs/pricing.md.
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
    "excluded",
    "part_excluded",
    "top_up_unknown",
    "payment_unknown",
    "mff_of_successor",
)
SECOND_HAND = frozenset(
    {
        "trim_of_other_edition",
        "mff_of_other_year",
        "negative_stay",
        "part_excluded",
        "payment_unknown",
        "mff_of_successor",
    }
)  # those that leave a price complete


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOptions:
    """What the command line overrides."""

    year: str | None = None  # for spells without a discharge date
    price_at: str = "billed"  # or "grouped"
    mff: int | None = None  # a factor for every spell, units of 1e-9
    mff_year: str | None = None  # the year whose factors are used
    rounding: str | None = None  # a policy for every year
    delayed_discharge: bool = False  # whether delayed days come off the excess days


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a spell and how it came about; the names are those of the spells table."""

    priced_hrg: str | None
    point_of_delivery: str | None
    tariff_year: str | None
    tariff: str | None
    exclusion: int
    spell_days: int | None
    critical_care_days: int
    rehabilitation_days: int
    palliative_care_days: int
    deducted_days: int
    adjusted_days: int | None
    delayed_days: int
    trim_days: int | None
    excess_days: int | None
    per_day_pence: int | None
    list_pence: int | None
    best_practice_area: str | None
    best_practice_flag: str | None
    best_practice_paid: str | None
    base_pence: int | None
    short_stay_pence: int | None
    long_stay_pence: int | None
    top_up_service: str | None
    top_up_rate: str | None
    top_up_pence: int | None
    best_practice_pence: int | None
    pre_mff_pence: int | None
    mff: int | None
    mff_year: str | None
    total_pence: int | None
    complete: bool
    price_reasons: str | None
    short_stay_eligible: int | None


# ---------------------------------------------------------------- the year


def year_of(when: date) -> str:
    """Return the tariff year of a date, from 1 April to 31 March: 2022/23."""
    start = when.year if when.month >= 4 else when.year - 1
    return f"{start:04}/{(start + 1) % 100:02d}"


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


# ---------------------------------------------------------------- rounding


def rounded_total(policy: str, parts: Sequence[int | Fraction], mff: int) -> int:
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


# ---------------------------------------------------------------- the parts of a price


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a spell with a price in the list is paid for."""

    base: int
    area: Substitution | None
    short_stay: int
    eligible: int | None
    stay: LongStay
    top_up: TopUp
    payments: int

    @property
    def exact(self) -> list[int | Fraction]:
        """The four parts that are rounded, in pence; one that is not known counts as nothing."""
        whole = [self.base + self.short_stay, self.stay.payment or 0, self.payments]
        return [*whole, self.top_up.amount]

    @property
    def shown(self) -> list[int]:
        """The parts in whole pence."""
        return [half_up(Fraction(part)) for part in self.exact]


def _parts(
    held: PriceList,
    row: PriceRow,
    hrg: str,
    group: PodGroup,
    spell: Spell,
    listed: int,
    adjusted: int | None,
    delayed: int,
    reasons: set[str],
    printed: Printed | None,
) -> _Parts:
    """Work out steps 5 to 9 of a spell that has a price in the list."""
    best = held.best_practice
    rows = rows_of(best, spell, hrg) if printed is None else printed_rows(best, hrg, printed.flag)
    if asks_for_stay(rows, group, adjusted):
        reasons.add("stay_unknown")
    met = None if printed is None else printed.met
    area = substitution(best, rows, spell, group, adjusted, met)
    base = listed if area is None else area.row.price

    eligible, reduced = None if held.short_stay_rule is None else 0, None
    if group.price == "non_elective":
        eligible, reduced = short_stay_of(held, row, spell, listed, area, adjusted, reasons)
    if reduced is not None:
        stay = LongStay(excess=0, payment=0)
    else:
        stay = long_stay_of(held, row, group, listed, adjusted, delayed, reasons)
    short_stay = 0 if reduced is None else reduced - base
    payments = payments_of(best, spell, hrg, area, reasons)
    taken_on = {
        "core": base + short_stay,
        "long_stay": stay.payment or 0,
        "best_practice": payments,
    }
    return _Parts(
        base=base,
        area=area,
        short_stay=short_stay,
        eligible=eligible,
        stay=stay,
        top_up=top_up(held.top_ups, spell, taken_on, reasons),
        payments=payments,
    )


# ---------------------------------------------------------------- the spell


def price_spell(
    tables: PriceTables,
    spell: Spell,
    hrg: str | None,
    options: PriceOptions | None = None,
    periods: Sequence[Period] = (),
    as_of: str | None = None,
    printed: Printed | None = None,
) -> Price:
    """Price a spell at the billed HRG, or at the one the engine grouped (`hrg`).

    `as_of`: as though it were of another tariff year; `printed`: at another price of the list.
    """
    options = options or PriceOptions()
    reasons: set[str] = set()
    days = days_of(spell, periods, home_leave=tables.home_leave)
    if days.spell is not None and days.spell < 0:
        reasons.add("negative_stay")

    # the price list and the HRG
    discharged = spell.discharge_date
    year = options.year if discharged is None else year_of(discharged)
    year = as_of or year
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

    # exclusion, setting and list price
    exclusion = exclusion_of(tables, spell, year)
    reasons |= {ALL: {"excluded"}, SOME: {"part_excluded"}}.get(exclusion, set())
    method = text(spell.first, "admission_method")
    classification = text(spell.first, "patient_classification")
    group = point_of_delivery(tables.groups, method, classification, days.adjusted)
    listed: int | None = None
    if group is None:
        reasons.add("no_point_of_delivery")
    elif group.price == "none":
        reasons.add("no_national_price")
    elif held is not None and row is not None:
        listed = None if priced_hrg in held.local else base_price(row, group)
        if listed is None:
            reasons.add("no_national_price")

    # the parts
    parts: _Parts | None = None
    if exclusion == ALL:
        listed = None
    if listed is not None:
        assert held is not None and row is not None and group is not None
        assert priced_hrg is not None
        delayed = days.delayed if options.delayed_discharge else 0
        parts = _parts(
            held, row, priced_hrg, group, spell, listed, days.adjusted, delayed, reasons, printed
        )

    # market forces factor
    mff, mff_year = options.mff, GIVEN
    if mff is None:
        wanted = None if year is None else options.mff_year or year
        found = factor_of(tables.factors, spell.provider, wanted)
        mff, mff_year = found.mff, found.year
        if parts is not None and mff is None:
            reasons.add("mff_unknown")
        elif parts is not None and mff_year != wanted:
            reasons.add("mff_of_other_year")
        if parts is not None and found.of_successor:
            reasons.add("mff_of_successor")

    # sums
    total: int | None = None
    if parts is not None and mff is not None:
        assert held is not None
        total = rounded_total(options.rounding or held.rounding, parts.exact, mff)
    area = parts.area if parts else None
    return Price(
        priced_hrg=priced_hrg,
        point_of_delivery=group.code if group is not None else None,
        tariff_year=year,
        tariff=held.pack_id if held is not None else None,
        exclusion=exclusion,
        spell_days=days.spell,
        critical_care_days=days.by_kind["critical_care"],
        rehabilitation_days=days.by_kind["rehabilitation"],
        palliative_care_days=days.by_kind["palliative_care"],
        deducted_days=days.deducted,
        adjusted_days=days.adjusted,
        delayed_days=days.delayed,
        trim_days=parts.stay.trim if parts else None,
        excess_days=parts.stay.excess if parts else None,
        per_day_pence=parts.stay.rate if parts else None,
        list_pence=listed,
        best_practice_area=area.row.area if area else None,
        best_practice_flag=(area.row.flag or None) if area else None,
        best_practice_paid=area.row.payment if area else None,
        base_pence=parts.base if parts else None,
        short_stay_pence=parts.short_stay if parts else None,
        long_stay_pence=parts.stay.payment if parts else None,
        top_up_service=parts.top_up.service if parts else None,
        top_up_rate=parts.top_up.rate if parts else None,
        top_up_pence=half_up(parts.top_up.amount) if parts else None,
        best_practice_pence=parts.payments if parts else None,
        pre_mff_pence=sum(parts.shown) if parts else None,
        mff=mff,
        mff_year=mff_year,
        total_pence=total,
        complete=reasons <= SECOND_HAND,
        price_reasons=" ".join(name for name in REASONS if name in reasons) or None,
        short_stay_eligible=parts.eligible if parts else None,
    )
