"""What was billed for a record, whatever its kind: docs/money.md."""

from __future__ import annotations

import calendar
from abc import abstractmethod
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tariff.engine.price import EPOCH, times
from tariff.packs.compile import NULL64
from tariff.schemas import MFF_UNIT

Numbers = NDArray[np.int64]

# prices, in pence, that say what factor an amount beside them implies: of less, a penny is too much
LEAST_IMPLYING, MOST_IMPLYING = 100_00, 10_000_000_00


def month_end(month: str) -> int:
    """Last day of a month `YYYY-MM` in days since 1970-01-01; NULL64 where it is none."""
    try:
        year, number = int(month[:4]), int(month[5:7])
        return (date(year, number, calendar.monthrange(year, number)[1]) - EPOCH).days
    except ValueError:
        return int(NULL64)


class BilledMoney:
    """The money of records whose billed columns `number` gives."""

    @abstractmethod
    def number(self, name: str) -> Numbers:
        """Give a number of every record."""

    @abstractmethod
    def codes(self, name: str) -> tuple[Numbers, list[str]]:
        """Give a code of every record."""

    def before_mff(self) -> NDArray[np.bool_]:
        """Whether what counts as billed is before the market forces factor."""
        price = self.number("billed_price")
        given = np.zeros(len(price), bool)
        for name in ("billed_total", "billed_mff_amount", "billed_mff"):
            given |= self.number(name) != NULL64
        before: NDArray[np.bool_] = ~given & (price != NULL64)
        return before

    def _billed(self) -> Numbers:
        """What counts as billed."""
        out = self.number("billed_total")
        for other in (self.number("billed_product"), self.number("billed_price")):
            out = np.where(out == NULL64, other, out)
        return out

    def _billed_product(self) -> Numbers:
        """Price billed with the factor billed, as money or as a factor."""
        price = self.number("billed_price")
        amount, factor = self.number("billed_mff_amount"), self.number("billed_mff")
        with_amount = (price != NULL64) & (amount != NULL64)
        return np.where(with_amount, price + np.where(with_amount, amount, 0), times(price, factor))

    def _billed_factor(self) -> Numbers:
        """Factor billed, else what the money billed for it implies."""
        factor, price = self.number("billed_mff"), self.number("billed_price")
        amount = self.number("billed_mff_amount")
        known = (price >= LEAST_IMPLYING) & (price <= MOST_IMPLYING) & (np.abs(amount) <= price)
        known &= (factor == NULL64) & (amount != NULL64)
        price, amount = np.where(known, price, 1), np.where(known, amount, 0)
        implied = MFF_UNIT + (2 * amount * MFF_UNIT + price) // (2 * price)  # half up
        return np.where(known, implied, factor)

    def _month_ends(self) -> Numbers:
        ids, values = self.codes("activity_month")
        ends = np.array([*map(month_end, values), NULL64], np.int64)
        return ends[ids]
