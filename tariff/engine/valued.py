"""A finding with its money, and what each record was billed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tariff.engine.amounts import Step
from tariff.engine.made import Change
from tariff.engine.record_set import Block
from tariff.packs.compile import NULL64
from tariff.packs.model import Rule
from tariff.schemas import MFF_UNIT

Move = tuple[int, int, int]  # of a record: pence that go, units of activity that go
Effect = Literal["cash", "suspended", "system_neutral", "question"]
EFFECTS: tuple[Effect, ...] = ("cash", "suspended", "system_neutral", "question")


@dataclass
class Valued:
    """One finding with its money. `allowed` and the rest are None where there is no value.

    Records are numbers of the RecordSet; `challenged` are those of them whose money is asked about,
    the others (of the history) were paid.
    """

    rule: Rule
    records: tuple[int, ...]
    kept: int | None = None
    partner: int = -1
    challenged: tuple[int, ...] = ()
    spells: tuple[int, ...] = ()  # those challenged that are spells of the extract
    billed: int | None = None
    allowed: int | None = None
    settled: int | None = None
    change: Change | None = None  # what the engine is asked to price instead, where it is
    reclassified: int | None = None  # pence that the same care costs as another kind of record
    amount: int | None = None  # units or pence that are allowed at most
    paid: int = 0  # by the history, of what is allowed
    hrg: int = -1  # HRG that the allowed price is of, -1 as priced
    official: bool = False  # that HRG is an official one
    working: list[Step] = field(default_factory=list)
    note: str = ""
    question: bool = False  # asks, and claims nothing
    stands: bool = True  # else it is no finding after all
    agreed: bool = False  # not claimed, because the contract says so
    moves: tuple[Move, ...] = ()  # what settling it takes off, record by record
    cash: int | None = None  # its part in what the contract pays

    @property
    def value(self) -> int | None:
        """Billed less allowed: negative is an under-charge."""
        if self.billed is None or self.allowed is None:
            return None
        return self.billed - self.allowed

    @property
    def effect(self) -> Effect:
        """What becomes of the money."""
        if self.question or self.value is None:
            return "question"
        if self.rule.remedy.until:
            return "suspended"
        return "system_neutral" if self.rule.remedy.kind == "redirect" else "cash"

    def ask(self, note: str) -> None:
        """Make it a question: it claims nothing."""
        self.question, self.note = True, f"A question: {note}."


@dataclass(frozen=True)
class Billed:
    """Each record of a block as it was billed: pence, factors of 1e-9, NULL64 where not known."""

    total: NDArray[np.int64]
    copies: NDArray[np.int64]  # billed again by exact copies of the row that carries the money
    pre_mff: NDArray[np.int64]
    mff: NDArray[np.int64]

    @staticmethod
    def of(block: Block) -> Billed:
        """Read off what was billed; the factor is the one billed, else the table's.

        What another record says was billed, the national one or an earlier one, is no bill.
        """
        total = block.number("billed")
        if block.source in ("national", "earlier"):
            total = np.full(len(total), NULL64)
        mff = block.number("billed_mff")
        mff = np.where(mff != NULL64, mff, block.number("mff"))
        mff = np.where(block.before_mff(), MFF_UNIT, mff)
        return Billed(total, block.copies_billed, block.number("billed_price"), mff)

    @staticmethod
    def nothing(block: Block) -> Billed:
        """Let nothing be billed: a price is at the table's factor."""
        none = np.full(len(block), NULL64, np.int64)
        return Billed(none, np.zeros(len(block), np.int64), none, block.number("mff"))
