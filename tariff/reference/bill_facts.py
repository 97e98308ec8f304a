"""What the bill of a spell tells against the tables: its HRG, another year's price, another sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from tariff.reference.best_practice import every_price
from tariff.reference.facts import Fields
from tariff.reference.flags import OLDEST
from tariff.reference.periods import Period
from tariff.reference.price import (
    SECOND_HAND,
    Price,
    PriceOptions,
    price_spell,
    rounded_total,
)
from tariff.reference.record_tables import RecordTables
from tariff.reference.spells import Spell
from tariff.reference.tables import GroupTables, date_of_year
from tariff.reference.values import number

OTHER_FACTOR = {"mff_of_other_year", "mff_of_successor"}


def before_mff(price: Price) -> int | None:
    """Return the price before the factor; None where it is not complete."""
    lacking = set((price.price_reasons or "").split()) - SECOND_HAND
    return price.pre_mff_pence if lacking <= {"mff_unknown"} else None


def total(price: Price) -> int | None:
    """Return the price; None where it is not complete, or its factor is another year's."""
    reasons = set((price.price_reasons or "").split())
    return price.total_pence if price.complete and not reasons & OTHER_FACTOR else None


def bill_fields(
    tables: RecordTables,
    spell: Spell,
    price: Price,
    options: PriceOptions,
    periods: tuple[Period, ...] = (),
) -> Fields:
    """Return the fields that compare what was billed with the tables."""
    return {
        **hrg_fields(tables, spell, price.tariff_year),
        "billed_price_year": price_year(tables, spell, price, options, periods),
        "billed_in_other_order": int(in_other_order(tables, spell, price, options)),
    }


# ---------------------------------------------------------------- the HRG billed


def design_of(tables: RecordTables, year: str) -> GroupTables | None:
    """Return the grouper of a tariff year, by its first day."""
    if year.startswith("0000"):
        return None  # that day is before the calendar begins
    when = date_of_year(year)
    for grouper in tables.groupers:
        first, last = grouper.applies.from_, grouper.applies.to
        if (first is None or first <= when) and (last is None or when <= last):
            return grouper
    return None


def hrgs_of(grouper: GroupTables) -> set[str]:
    """Return the HRGs of a grouper."""
    named = {split.hrg for splits in grouper.splits.values() for split in splits}
    return named | {grouper.error_hrg}


def printed_in(tables: RecordTables, year: str) -> set[str]:
    """Return the HRGs of the price list of a year."""
    held = tables.prices.lists.get(year)
    return set() if held is None else set(held.rows)


def hrg_fields(tables: RecordTables, spell: Spell, year: str | None) -> Fields:
    """Say whether the billed HRG is one of the year, of another year, and of the age."""
    billed = spell.billed.hrg
    own = None if year is None else design_of(tables, year)
    if billed is None or year is None:
        return {
            "billed_hrg_in_year": None,
            "billed_hrg_elsewhere": None,
            "billed_age_conflict": 0,
        }
    others = [hrgs_of(grouper) for grouper in tables.groupers if grouper is not own]
    others += [printed_in(tables, other) for other in tables.prices.lists if other != year]
    in_year = None if own is None else billed in hrgs_of(own) | printed_in(tables, year)
    return {
        "billed_hrg_in_year": None if in_year is None else int(in_year),
        "billed_hrg_elsewhere": int(any(billed in hrgs for hrgs in others)),
        "billed_age_conflict": int(own is not None and _age_outside(own, billed, spell)),
    }


def _age_outside(design: GroupTables, hrg: str, spell: Spell) -> bool:
    """Say whether the ages of all episodes are known and outside the split by age of an HRG."""
    rows = [split for splits in design.splits.values() for split in splits if split.hrg == hrg]
    bounds = [split.bounds["age"] for split in rows]
    ages = [number(episode, "age") for episode in spell.episodes]
    if not bounds:
        return False
    return all(age is not None and 0 <= age <= OLDEST and not _between(age, bounds) for age in ages)


def _between(age: int, bounds: Sequence[tuple[int | None, int | None]]) -> bool:
    """Say whether an age lies between the least and the greatest of the rows of an HRG."""
    lows, highs = zip(*bounds, strict=True)
    return (None in lows or age >= min(low for low in lows if low is not None)) and (
        None in highs or age <= max(high for high in highs if high is not None)
    )


# ---------------------------------------------------------------- another year's price


def price_year(
    tables: RecordTables,
    spell: Spell,
    price: Price,
    options: PriceOptions,
    periods: tuple[Period, ...],
) -> str | None:
    """Return the nearest other year that has the billed price, where the year's own has not."""
    billed, own, year = spell.billed.price, before_mff(price), price.tariff_year
    if billed is None or billed <= 0 or year is None or own is None or own == billed:
        return None
    start = int(year[:4])

    def prints(of: str) -> bool:
        """Say whether a price of a year, worked out or otherwise printed, is the billed one."""
        held, hrg = tables.prices.lists.get(of), price.priced_hrg
        others = () if held is None or hrg is None else every_price(held.best_practice, hrg)
        return any(
            before_mff(price_spell(tables.prices, spell, hrg, options, periods, of, way)) == billed
            for way in (None, *others)
        )

    if prints(year):
        return None
    others = sorted(
        (other for other in tables.prices.lists if other != year),
        key=lambda other: (abs(int(other[:4]) - start), other),
    )
    return next((other for other in others if prints(other)), None)


# ---------------------------------------------------------------- another order of the sum


def in_other_order(tables: RecordTables, spell: Spell, price: Price, options: PriceOptions) -> bool:
    """Say whether the billed total is the engine's with a component taken in another order.

    To the penny or, where the year rounds to pounds, to the pound.
    """
    billed, own = spell.billed.total, total(price)
    if billed is None or own is None or billed == own:
        return False
    assert price.mff is not None
    held = tables.prices.lists[price.tariff_year or ""]
    policies = ["pence_final"]
    if (options.rounding or held.rounding) != "pence_final":
        policies.append("pound_final")
    return any(
        rounded_total(policy, inside, price.mff) + sum(outside) == billed
        for policy in policies
        for inside, outside in _orders(tables, price)
    )


def _orders(tables: RecordTables, price: Price) -> Iterator[tuple[list[int | Fraction], list[int]]]:
    """Give what the factor is taken on, and what stands outside it, in each other order."""
    base, short = price.base_pence or 0, price.short_stay_pence or 0
    long, extra = price.long_stay_pence or 0, price.best_practice_pence or 0
    rule = tables.prices.lists[price.tariff_year or ""].top_ups.rule
    rate = Fraction(price.top_up_rate or 0) / 100
    parts = {"long_stay": long, "best_practice": extra}
    on = base + short + sum(parts[name] for name in rule.also_on)
    on_long_too = on if "long_stay" in rule.also_on else on + long
    yield [base + short], [long, price.top_up_pence or 0, extra]
    yield [base + short, long, extra, rate * on_long_too], []
    yield [base, long, extra, rate * on], [short]
