"""Whether what is billed is a price that rests on what the record does not tell.

Criteria of an area are mostly settled outside SUS, and so are specialised services. Where a record
does not tell them, a bill that is to the pound the price with criteria met, with payments earned or
with a top-up (tariff.engine.price_ways) is no overcharge that could be claimed: it is a question.
So is any price where a flag would give another one and the extract neither has flags nor what they
are worked out from.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.flag_rules import NO_RANK, FlagRule
from tariff.engine.marking import mark_rules
from tariff.engine.price import Pricer, Prices, times
from tariff.engine.price_ways import PriceWays, Way
from tariff.packs.best_practice import (
    DAY_CASE,
    ELECTIVE,
    STAY_0,
    STAY_OVER_0,
    STAY_UNKNOWN,
)
from tariff.packs.compile import NULL64
from tariff.packs.grouping import NULL32

_FAR = 10**15
_CRITERIA = {
    "best_practice": " with criteria met",
    "not_best_practice": " with criteria not met",
    "level_1": " with criteria of level 1 met",
    "level_2": " with criteria of level 2 met",
    "level_3": " with criteria of level 3 met",
    "price": "",
}


class BestPracticeDoubts:
    """The doubts about best practice of the spells of a run."""

    def __init__(self, columns: SpellColumns, pricer: Pricer) -> None:
        self.columns = columns
        self.pricer = pricer
        self.rules = mark_rules(columns.rulebook)
        self.ways = PriceWays(columns)
        self.fields = columns.frame.fields

    def of(self, spell: int) -> str:
        """Give the doubt about the price of a spell, empty where there is none."""
        tariff, hrg = (
            int(self.columns.prices.tariff[spell]),
            int(self.columns.price_input.hrg[spell]),
        )
        if tariff < 0 or hrg < 0 or self.columns.prices.group[spell] < 0:
            return ""
        return self._flag_untold(spell, tariff, hrg) or self._billed_is_another(spell)

    @cached_property
    def _before_mff(self) -> NDArray[np.bool_]:
        return self.columns.before_mff()

    def _cell(self, spell: int) -> int:
        groups = self.columns.rulebook.points_of_delivery.groups
        price = groups[int(self.columns.prices.group[spell])].price
        if price != "non_elective":
            return DAY_CASE if price == "day_case" else ELECTIVE
        adjusted = self.columns.prices.adjusted[spell]
        if adjusted == NULL32:
            return STAY_UNKNOWN
        return STAY_0 if adjusted == 0 else STAY_OVER_0

    # -- flags

    def _flag_untold(self, spell: int, tariff: int, hrg: int) -> str:
        """Name the price of a flag that the extract cannot tell."""
        if "best_practice_flags" in self.fields:
            return ""
        flags, cell = self.rules.flags, self._cell(spell)
        base = int(self.columns.prices.base[spell])
        for index in np.flatnonzero(flags.rank[tariff, hrg] != NO_RANK).tolist():
            mine = [r for r in flags.rules[tariff] if r.flag == index and r.hrgs[hrg]]
            if any(self._told(rule) for rule in mine):
                continue
            row = self.rules.best_practice.row(tariff, hrg, flags.flags[index], "")
            if row is not None and row.cells[cell] not in (NULL64, base):
                printed = row.printed[cell]
                area = f"{printed.area} " if printed else ""
                return (
                    f"{pounds(int(row.cells[cell]))} is the {area}price of a spell with the best "
                    f"practice flag {flags.flags[index]}, and the extract has neither flags nor "
                    "all that they are worked out from"
                )
        return ""

    def _told(self, rule: FlagRule) -> bool:
        """Say whether the extract has every column that a rule looks at."""
        asked = {
            "age": rule.ages is not None,
            "admission_method": bool(rule.methods),
            "diag_01": bool(rule.diagnoses),
            "oper_01": bool(rule.procedures or rule.secondary),
        }
        return all(name in self.fields for name, needed in asked.items() if needed)

    # -- criteria, payments and services

    def _billed_is_another(self, spell: int) -> str:
        """Name the price under what the record does not tell that a bill is to the pound."""
        if self.columns.number("billed")[spell] == NULL64:
            return ""
        limit = near(int(self.columns.number("billed")[spell]))
        if self._as_it_stands(spell) <= limit:
            return ""
        ways = self.ways.of(spell)
        if not ways:
            return ""
        tried = [self.ways.own(spell), *ways]
        prices, apart = self._priced(spell, tried)
        nearest = int(apart[1:].argmin()) + 1  # of equals the first, the plainest
        if apart[nearest] > limit:
            return ""
        return self._described(spell, tried[nearest], prices, nearest)

    def billed_reduced(self, spell: int) -> bool:
        """Say whether a bill is a reduced short stay price, whatever is said of the criteria."""
        limit = near(int(self.columns.number("billed")[spell]))
        if self._as_it_stands(spell) <= limit:
            return False
        ways = [*self.ways.criteria(spell), *self.ways.of(spell)]
        if not ways:
            return False
        prices, apart = self._priced(spell, [self.ways.own(spell), *ways])
        reduced = (prices.short_stay != 0) & (prices.short_stay != NULL64)
        return bool((reduced & (apart <= limit)).any())

    def _as_it_stands(self, spell: int) -> int:
        """Give how many pence the price is apart from what was billed: mostly nothing."""
        prices = self.columns.prices
        own = slice(spell, spell + 1)
        return int(self._apart(spell, prices.pre_mff[own], prices.total[own])[0])

    def _priced(self, spell: int, ways: list[Way]) -> tuple[Prices, NDArray[np.int64]]:
        """Price a spell in some ways; give how many pence each is apart from what was billed."""
        columns, count = self.columns, len(ways)
        given = columns.price_input.take(np.full(count, spell, np.int64))
        # only its own provider: to find the factors of all would be most of the work
        given.providers = [given.providers[int(given.provider[0])]]
        given.provider[:] = 0
        marks = given.marks
        assert marks is not None
        marks.payments = np.broadcast_to(marks.payments, (count, 2)).copy()
        marks.rows = []
        for place, way in enumerate(ways):
            marks.area_row[place] = -1 if way.row is None else len(marks.rows)
            marks.rows += [] if way.row is None else [way.row]
            if way.payments is not None:
                marks.payments[place] = sum(pence for _, pence in way.payments)
            if way.rate is not None:
                marks.top_up_rate[place] = way.rate
        prices = self.pricer.run(given)
        return prices, self._apart(spell, prices.pre_mff, prices.total)

    def _apart(
        self, spell: int, pre_mff: NDArray[np.int64], total: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Give how far prices are from what was billed, at the factor it was billed with."""
        columns, count = self.columns, len(total)
        billed, factor = columns.number("billed")[spell], columns.number("billed_factor")[spell]
        if self._before_mff[spell]:
            compared = [(pre_mff, billed)]
        elif factor != NULL64:
            compared = [(times(pre_mff, np.full(count, factor, np.int64)), billed)]
        else:
            before = columns.number("billed_price")[spell]
            compared = [(total, billed), (pre_mff, before)]
        apart = np.full(count, _FAR, np.int64)
        for amounts, known in compared:
            if known != NULL64:
                held = np.where(amounts == NULL64, known + _FAR, amounts)
                apart = np.minimum(apart, np.abs(held - known))
        return apart

    def _described(self, spell: int, way: Way, prices: Prices, place: int) -> str:
        """Say what an amount is the price of, and what of it the record does not tell."""
        cell = int(prices.paid[place])
        printed = way.row.printed[cell] if way.row is not None and cell >= 0 else None
        reduced = prices.short_stay[place] not in (0, NULL64)
        what = f"the {printed.area} " if printed else "the "
        what += "reduced short stay price" if reduced else "price"
        if printed and not self.ways.pays_beside(spell, printed.area):
            what += _CRITERIA[printed.payment]
        parts, untold = [what], ["whether criteria were met"] if way.other else []
        if prices.long_stay[place] not in (0, NULL64):
            parts.append("its long stay payment")
        if way.payments:
            codes = ", ".join(code for code, _ in way.payments)
            paid = pounds(sum(pence for _, pence in way.payments))
            parts.append(f"{paid} for best practice ({codes})")
            untold.append("which payments were earned")
        if way.rate is not None:
            parts.append(f"a specialised top-up of {float(way.percent):.2f} %")
            untold.append("whether there was such a service")
        if not untold:
            untold.append("whether any payment was earned")
        before = int(prices.pre_mff[place])
        billed = int(self.columns.number("billed")[spell])
        as_billed = abs(before - billed) <= near(billed)
        of_factor = "" if as_billed else " before the market forces factor"
        return (
            f"{pounds(before)}{of_factor} is {' plus '.join(parts)}, and the record does not tell "
            f"{' or '.join(untold)}"
        )


def near(billed: int) -> int:
    """How many pence a price may be from a bill: half a pound where that is in whole pounds."""
    return 50 if billed % 100 == 0 else 1


def pounds(pence: int) -> str:
    """Give an amount in pounds, without pence where there are none."""
    return f"£{pence // 100:,}" if pence % 100 == 0 else f"£{pence / 100:,.2f}"
