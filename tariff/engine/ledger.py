"""Every record of a run as the steps of settlement so far have left it. Money in pence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tariff.engine.counterfactual import NOTHING, Ask
from tariff.engine.made import Change
from tariff.engine.record_set import Block, RecordSet
from tariff.engine.valued import Billed
from tariff.packs.compile import NULL64


@dataclass
class Standing:
    """A record, or several spells merged into one."""

    records: tuple[int, ...]  # in order of admission, those of the history too
    current: int  # what would be paid now for those that are challenged
    pre_mff: int  # price before MFF behind `current`, NULL64 unknown
    mff: int  # factor behind `current`, NULL64 unknown
    billed: int  # what was billed for those that are challenged
    paid: int = 0  # what was billed for those of the history
    change: Change = NOTHING  # how the record was edited
    as_kind: str = ""  # of a spell that is priced as another kind of record
    units: Fraction = Fraction(1)  # share of the quantity that is left
    priced: bool = False  # the engine's price stands in `current`
    fixed: bool = False  # an amount stands in `current` that no price list changes
    gone: bool = False  # no longer payable here

    def ask(self, change: Change = NOTHING) -> Ask:
        """Give what to ask the engine of the record as it stands, changed further."""
        return Ask(self.records, self.change | change, self.mff, self.as_kind)


class Ledger:
    """What was billed, block by block, and how each record stands."""

    def __init__(self, records: RecordSet) -> None:
        self.records = records
        self._billed: dict[int, Billed] = {}
        self._standing: dict[int, Standing] = {}
        self._copies: dict[int, int] = {}  # record: what is left of its exact copies

    def billed_of(self, block: Block) -> Billed:
        """Give what was billed for a block: the national record bills nothing, whatever it says."""
        if id(block) not in self._billed:
            national = block.source == "national"
            self._billed[id(block)] = Billed.nothing(block) if national else Billed.of(block)
        return self._billed[id(block)]

    def total(self, record: int) -> int:
        """Give what was billed for a record; NULL64 where nothing was."""
        block, place = self.records.place(record)
        return int(self.billed_of(block).total[place])

    def copies(self, record: int) -> int:
        """Give what was billed for exact copies of a record."""
        block, place = self.records.place(record)
        return int(self.billed_of(block).copies[place])

    def factor(self, record: int) -> int:
        """Give the factor billed, else the table's."""
        block, place = self.records.place(record)
        return int(self.billed_of(block).mff[place])

    def price(self, record: int) -> int:
        """Give the price billed before MFF; NULL64 where none was."""
        block, place = self.records.place(record)
        return int(self.billed_of(block).pre_mff[place])

    def source(self, record: int) -> str:
        """Give where a record is from."""
        return self.records.place(record)[0].source

    # -- how records stand

    def untouched(self, records: tuple[int, ...]) -> Standing:
        """Give records that stand as they were billed, as one."""
        first = records[0]
        totals = [self.total(record) for record in records]
        billed = sum(total for total in totals if total != NULL64)
        price = self.price(first) if len(records) == 1 else int(NULL64)
        return Standing(records, billed, price, self.factor(first), billed)

    def standing(self, record: int) -> Standing:
        """Give the record that a record is of now."""
        if record not in self._standing:
            self._standing[record] = self.untouched((record,))
        return self._standing[record]

    def touched(self, record: int) -> bool:
        """Say whether settlement looked at a record."""
        return record in self._standing

    def merge(self, records: Iterable[int], merged: Standing) -> None:
        """Let records be one from now on."""
        for record in records:
            self._standing[record] = merged

    def drop_copies(self, record: int) -> int:
        """Take exact copies of a record out; give what was left of them."""
        left = self._copies.get(record, self.copies(record))
        self._copies[record] = 0
        return left

    # -- what is left of a block

    def allowed(self, kind: str, source: str = "extract") -> NDArray[np.int64]:
        """Give what is left of each record; a merged one stands on its first. NULL64: no money."""
        out = []
        for block, start in self._blocks(kind, source):
            left = self.billed_of(block).total.copy()
            for record, standing in self._standing.items():
                place = record - start
                if not 0 <= place < len(block):
                    continue
                holder = next(r for r in standing.records if r >= 0 and self._holds(r, standing))
                current = standing.current if record == holder else 0
                if left[place] != NULL64 or current:
                    left[place] = current
            out.append(left)
        return np.concatenate(out) if out else np.empty(0, np.int64)

    def allowed_copies(self, kind: str, source: str = "extract") -> NDArray[np.int64]:
        """Give what is left of exact copies of each record."""
        out = []
        for block, start in self._blocks(kind, source):
            left = self.billed_of(block).copies.copy()
            for record, pence in self._copies.items():
                if 0 <= record - start < len(block):
                    left[record - start] = pence
            out.append(left)
        return np.concatenate(out) if out else np.empty(0, np.int64)

    def _holds(self, record: int, standing: Standing) -> bool:
        return self._standing.get(record) is standing

    def _blocks(self, kind: str, source: str) -> list[tuple[Block, int]]:
        return [
            (block, start)
            for block, start in zip(self.records.blocks, self.records.starts, strict=False)
            if block.kind == kind and block.source == source
        ]
