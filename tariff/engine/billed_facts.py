"""What a bill says of itself: a design, a split, a year or an order of components it rests on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.field_table import Codes, Numbers, wide
from tariff.engine.frame import VALIDATED_NUMBERS
from tariff.engine.marking import mark, mark_rules, with_area_rows
from tariff.engine.members import Members
from tariff.engine.price import PriceInput, Prices
from tariff.engine.reasons import PRE_MFF_INCOMPLETE
from tariff.packs.best_practice import AreaRow
from tariff.packs.compile import NULL64, ROUNDING, TRIMS, Rulebook, year_start
from tariff.packs.grouping import NULL32, OPEN_MAX, OPEN_MIN, SPLIT_BOUNDS, Grouper
from tariff.schemas import MFF_UNIT

if TYPE_CHECKING:
    from tariff.engine.columns import SpellColumns

Exact = NDArray[Any]  # of whole numbers of any size
POUND = 100
OLDEST = 130  # years; 999 is unknown
TRIM_OF = 3  # column of the first trim point in the table of prices
ELECTIVE, NON_ELECTIVE = TRIMS.index("elective"), TRIMS.index("non_elective")
SHARE = 10**15  # unit of the rate of a top-up


# ---------------------------------------------------------------- designs and splits


def design_of(rulebook: Rulebook, year: str) -> Grouper | None:
    """Give the grouper whose dates hold a tariff year; None where none does."""
    if year_start(year) < date.min.year:
        return None
    start = date(year_start(year), 4, 1)
    for grouper in rulebook.groupers:
        applies = grouper.pack.manifest.applies
        if (applies.from_ or date.min) <= start <= (applies.to or date.max):
            return grouper
    return None


def _listed(rulebook: Rulebook, grouper: Grouper | None, years: set[str]) -> set[str]:
    """HRGs of a design and of the price lists of some years: deliveries stand in the latter."""
    found: set[str] = set()
    if grouper is not None:
        found |= {*grouper.split_hrgs, grouper.manifest.error_hrg}
    for pack in rulebook.prices.packs:
        if getattr(pack.manifest, "year", "") in years:
            for name in {"prices", "deliveries"} & set(pack.tables):
                found.update(pack.tables[name].columns["hrg"])
    return found


def _years_listed(rulebook: Rulebook) -> set[str]:
    return {getattr(pack.manifest, "year", "") for pack in rulebook.prices.packs}


def hrg_in_year(columns: SpellColumns) -> Numbers:
    """1 where the billed HRG is in the year's design, 0 where not; missing where none is held."""
    return _by_year(columns, _own_design)


def hrg_elsewhere(columns: SpellColumns) -> Numbers:
    """1 where another year's design has the billed HRG, else 0; missing without one."""
    return _by_year(columns, _other_designs)


def _own_design(rulebook: Rulebook, year: str) -> set[str] | None:
    grouper = design_of(rulebook, year)
    return None if grouper is None else _listed(rulebook, grouper, {year})


def _other_designs(rulebook: Rulebook, year: str) -> set[str] | None:
    own = design_of(rulebook, year)
    found = _listed(rulebook, None, _years_listed(rulebook) - {year})
    for grouper in rulebook.groupers:
        if grouper is not own:
            found |= _listed(rulebook, grouper, set())
    return found


def _by_year(columns: SpellColumns, held: Callable[[Rulebook, str], set[str] | None]) -> Numbers:
    ids, values = columns.codes("billed_hrg")
    year = columns.price_input.year
    out = np.full(len(columns), NULL64, np.int64)
    for index, name in enumerate(columns.price_input.years):
        hrgs = held(columns.rulebook, name)
        if hrgs is not None:
            known = np.array([*(value in hrgs for value in values), False], np.int64)
            at = np.flatnonzero((year == index) & (ids >= 0))
            out[at] = known[ids[at]]
    return out


def age_conflict(columns: SpellColumns) -> Numbers:
    """1 where the billed HRG is a split by age and the age is outside it, else 0.

    The ages of all episodes count: one that is inside, or is not known, is no conflict.
    """
    spells = columns.spells
    ids, values = columns.codes("billed_hrg")
    age = wide(spells.frame.numbers[VALIDATED_NUMBERS.index("age")])[spells.perm]
    out = np.zeros(len(columns), np.int64)
    owner = spells.spell_of_rows()
    for index, name in enumerate(columns.price_input.years):
        grouper = design_of(columns.rulebook, name)
        if grouper is None:
            continue
        low, high = _age_bounds(grouper, values)
        split = (low > OPEN_MIN) | (high < OPEN_MAX)
        of_year = (columns.price_input.year == index) & (ids >= 0)
        hrg = np.where(of_year, ids, 0)[owner]
        outside = of_year[owner] & split[hrg] & (age >= 0) & (age <= OLDEST)
        outside &= (age < low[hrg]) | (age > high[hrg])
        out |= np.logical_and.reduceat(outside, spells.start[:-1])
    return out


def _age_bounds(grouper: Grouper, hrgs: list[str]) -> tuple[Numbers, Numbers]:
    """Give the least and the greatest age of each HRG over its rows of the table of splits."""
    place = 1 + 2 * SPLIT_BOUNDS.index("age")
    low: dict[str, int] = {}
    high: dict[str, int] = {}
    for name, (least, most) in zip(
        grouper.split_hrgs, grouper.splits[:, place : place + 2].tolist(), strict=True
    ):
        low[name] = min(low.get(name, OPEN_MAX), least)
        high[name] = max(high.get(name, OPEN_MIN), most)
    return (
        np.array([*(low.get(hrg, OPEN_MIN) for hrg in hrgs), OPEN_MIN], np.int64),
        np.array([*(high.get(hrg, OPEN_MAX) for hrg in hrgs), OPEN_MAX], np.int64),
    )


# ---------------------------------------------------------------- the price of another year


def price_year(columns: SpellColumns) -> Codes:
    """Give another tariff year whose price is the billed one to the penny: the nearest.

    Only spells are priced again whose year's own price is known and is another one.
    """
    billed, own = columns.number("billed_price"), columns.number("pre_mff")
    which = np.flatnonzero((billed > 0) & (own != NULL64) & (billed != own))
    years = sorted(columns.rulebook.prices.of_year)
    out = np.full(len(columns), -1, np.int64)
    own_years = columns.price_input.years
    starts = np.array([*map(year_start, own_years), 0], np.int64)
    for index, year in enumerate(own_years):  # a price that its own year prints is of no other
        mine = columns.price_input.year[which] == index
        if mine.any():
            mine[mine] = _prints(columns, which[mine], year, billed[which[mine]])
            which = which[~mine]
    wanted = starts[columns.price_input.year[which]]
    nearest = np.full(len(which), np.iinfo(np.int64).max)
    for index, year in enumerate(years):  # the earlier first: it stands on a tie
        distance = np.abs(year_start(year) - wanted)
        at = np.flatnonzero((distance > 0) & (distance < nearest))
        same = at[_prints(columns, which[at], year, billed[which[at]])]
        nearest[same] = distance[same]
        out[which[same]] = index
    return out, years


def _prints(columns: SpellColumns, which: Numbers, year: str, billed: Numbers) -> NDArray[np.bool_]:
    """Say whether the price of some spells in a year is the billed one, or another it prints.

    Those are the list's own price, and each best practice price of the HRG, setting and days.
    """
    found = np.zeros(len(which), bool)
    if not len(which):
        return found
    spells, members, tariffs = marked_in(columns, which, year)
    prices = columns.pricer.run(spells)
    found |= _complete(prices) & (prices.pre_mff == billed)
    best = mark_rules(columns.rulebook).best_practice
    left = np.flatnonzero(~found & (tariffs >= 0) & (spells.hrg >= 0))
    left = left[best.priced[tariffs[left], spells.hrg[left]]]
    if not len(left):
        return found
    rows: list[AreaRow] = []
    places: dict[tuple[int, int], range] = {}  # of `rows`, by tariff and HRG
    pairs: list[tuple[int, int]] = []
    for spell in left.tolist():
        key = int(tariffs[spell]), int(spells.hrg[spell])
        if key not in places:
            some = best.every_row(*key)
            places[key] = range(len(rows), len(rows) + len(some))
            rows += some
        pairs += [(spell, row) for row in (-1, *places[key])]
    of, row = np.array(pairs, np.int64).T
    again = spells.take(of)
    again.marks = with_area_rows(
        mark_rules(columns.rulebook),
        members.take(of),
        again,
        tariffs[of],
        row.astype(np.int32),
        rows,
    )
    prices = columns.pricer.run(again)
    found[of[_complete(prices) & (prices.pre_mff == billed[of])]] = True
    return found


def _complete(prices: Prices) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = (prices.reasons & PRE_MFF_INCOMPLETE) == 0
    return known


def marked_in(
    columns: SpellColumns, which: Numbers, year: str
) -> tuple[PriceInput, Members, NDArray[np.int16]]:
    """Mark some spells as though they were of another tariff year."""
    spells = columns.price_input.take(which)
    spells.year, spells.years = np.zeros(len(which), np.int16), [year]
    members = Members.of(columns.spells).take(which)
    tariffs = columns.pricer.tariffs(spells)
    delayed = columns.marks.delayed[which]
    spells.marks = mark(mark_rules(columns.rulebook), members, spells, tariffs, delayed)
    return spells, members, tariffs


# ---------------------------------------------------------------- the order of components


def in_other_order(columns: SpellColumns) -> Numbers:
    """1 where what was billed comes out with a component taken in another order, else 0.

    The factor on the price alone; the top-up on the excess days too; the reduction of a short stay
    after the factor. To the penny, or the pound where the price list rounds to pounds.
    """
    billed, own = columns.number("billed_total"), columns.number("total")
    prices, rulebook = columns.prices, columns.rulebook
    parts = prices.short_stay | prices.long_stay | prices.top_up | prices.best_practice
    asked = (billed != NULL64) & (own != NULL64) & (billed != own)
    which = np.flatnonzero(asked & (parts != 0))  # of one component there is one order
    tariff = prices.tariff[which].astype(np.int64)
    base, short, long, extra, top, mff, rate = (
        values[which].astype(object)  # exact, whatever the size
        for values in (
            prices.base,
            prices.short_stay,
            prices.long_stay,
            prices.best_practice,
            prices.top_up,
            prices.mff,
            columns.marks.top_up_rate,
        )
    )
    on_long, on_extra = rulebook.prices.top_up_also_on[tariff].astype(np.int64).T.astype(object)
    topped = base + short + on_long * long + on_extra * extra
    rest = long + top + extra
    pounds = rulebook.prices.rounding[tariff] != ROUNDING.index("pence_final")
    given = billed[which]
    found = np.zeros(len(which), bool)
    for step in (1, POUND):
        for total in (
            _at_factor((base + short) * SHARE, mff, step) + rest,
            _at_factor(
                (base + short + long + extra) * SHARE + (topped + (1 - on_long) * long) * rate,
                mff,
                step,
            ),
            _at_factor((base + long + extra) * SHARE + topped * rate, mff, step) + short,
        ):
            found |= (given == total.astype(np.int64)) & (pounds | (step == 1))
    out = np.zeros(len(columns), np.int64)
    out[which] = found
    return out


def _at_factor(shares: Exact, factor: Exact, step: int) -> Exact:
    """Give an amount in units of 1e-15 pence at a factor, half up to `step` pence."""
    unit = SHARE * MFF_UNIT * step
    value = shares * factor
    size = (2 * np.abs(value) + unit) // (2 * unit) * step
    out: Exact = np.where(value < 0, -size, size)
    return out


# ---------------------------------------------------------------- days


def excess_days_other_trim(columns: SpellColumns) -> Numbers:
    """Give the excess days at the trim point of the other of elective and emergency.

    Missing where the two trim points are equal or one is not held.
    """
    prices, rulebook = columns.prices, columns.rulebook
    kinds = np.append(rulebook.points_of_delivery.rules[:, 2], TRIMS.index("none"))
    kind = kinds[prices.group]
    hrg, tariff = columns.price_input.hrg, prices.tariff
    known = (tariff >= 0) & (hrg >= 0) & np.isin(kind, (ELECTIVE, NON_ELECTIVE))
    known &= prices.adjusted != NULL32
    which = np.flatnonzero(known)
    cells = rulebook.prices.table[tariff[which], hrg[which], TRIM_OF : TRIM_OF + 2]
    own = cells[np.arange(len(which)), kind[which]]
    other = cells[np.arange(len(which)), 1 - kind[which]]
    apart = (own != NULL64) & (other != NULL64) & (own != other)
    which, other = which[apart], other[apart]
    days = np.maximum(prices.adjusted[which].astype(np.int64) - other, 0)
    if columns.pricer.terms.delayed_discharge:
        days = np.maximum(days - columns.marks.delayed[which], 0)
    out = np.full(len(columns), NULL64, np.int64)
    out[which] = days
    return out
