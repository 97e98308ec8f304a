"""What decides the price of spells beside HRG, setting and days, as the kernel reads it.

`tariff.engine.marking` works it out from their episodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tariff.packs.best_practice import AreaRow, Printed, table_of

# bits of `Marks.bits`; the payment is unknown where a best practice row is found, or where none is
TOP_UP_UNKNOWN, PAYMENT_UNKNOWN, PAYMENT_UNKNOWN_OUTSIDE = 1, 2, 4


@dataclass
class Marks:
    """The marks of some spells, one value each."""

    exclusion: NDArray[np.int8]  # episodes excluded: 0 none, 1 some, 2 all
    area_row: NDArray[np.int32]  # index of `rows`; -1 none
    top_up_row: NDArray[np.int32]  # of the service that decides, a row of the rules; -1 none
    top_up_rate: NDArray[np.int64]  # in units of 1e-15 of the price
    delayed: NDArray[np.int32]  # days from ready for discharge to discharge
    bits: NDArray[np.uint8]
    # pence beside the price, where a best practice row is found and where none is; one line of
    # zeros stands for all where nothing says that any was earned
    payments: NDArray[np.int64]
    rows: list[AreaRow] = field(default_factory=list)

    @staticmethod
    def none(count: int) -> Marks:
        """Give spells without any mark."""
        return Marks(
            np.zeros(count, np.int8),
            np.full(count, -1, np.int32),
            np.full(count, -1, np.int32),
            np.zeros(count, np.int64),
            np.zeros(count, np.int32),
            np.zeros(count, np.uint8),
            np.zeros((1, 2), np.int64),
        )

    def take(self, which: NDArray[np.int64]) -> Marks:
        """Give those of some of the spells, in the order asked for."""
        paid = len(self.payments) == len(self.exclusion)
        return Marks(
            self.exclusion[which],
            self.area_row[which],
            self.top_up_row[which],
            self.top_up_rate[which],
            self.delayed[which],
            self.bits[which],
            self.payments[which] if paid else self.payments,
            self.rows,
        )

    def table(self) -> NDArray[np.int64]:
        """Give the best practice rows as the kernel reads them."""
        return table_of(self.rows)

    def printed(self, spell: int, cell: int) -> Printed | None:
        """Give the printed price of a cell of the row of a spell, where there is one."""
        row = int(self.area_row[spell])
        return self.rows[row].printed[cell] if row >= 0 and cell >= 0 else None
