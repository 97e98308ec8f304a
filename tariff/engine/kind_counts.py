"""What came of the records of each kind, and how two files of the same activity compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.other_table import checked_table
from tariff.engine.record_keys import keys_of
from tariff.engine.record_set import Block, RecordSet
from tariff.packs.compile import NULL64

if TYPE_CHECKING:
    from tariff.engine.run_inputs import Given
    from tariff.engine.run_read import Read
    from tariff.engine.settle import Settlement


def total(values: NDArray[np.int64]) -> int:
    """Add up money, a missing one as nothing."""
    return int(values[values != NULL64].sum())


def pence(array: pa.ChunkedArray) -> int:
    """Add up a column of money."""
    return int(pc.sum(array).as_py() or 0)


class Counted:
    """Money and counts of the extract by kind of record."""

    def __init__(self, read: Read, settlement: Settlement) -> None:
        self._read = read
        self._settlement = settlement

    def _blocks(self) -> Iterator[Block]:
        yield self._read.columns
        yield from self._read.others().values()

    def allowed(self, block: Block) -> NDArray[np.int64]:
        """Give what is allowed for the records of a block."""
        return self._settlement.allowed(block.kind)

    @property
    def beside(self) -> int:
        """What is settled on records that are not of the extract: of the national file, say."""
        settled = self._settlement.settled
        return sum(pence for (_, source), pence in settled.items() if source != "extract")

    def tables(self) -> dict[str, pa.Table]:
        """Give the priced records of other care, with what is allowed for them."""
        return {
            block.kind: checked_table(block, self.allowed(block))
            for block in self._read.others().values()
        }

    def by_kind(self, given: Given) -> dict[str, dict[str, int]]:
        """Give counts and money of each kind; `billed` is with copies."""
        out = {}
        extracts = given.of("extract")
        for block in self._blocks():
            extract = extracts.get(block.kind)
            if extract is None:
                continue  # no admitted care was given
            money = self._settlement.ledger.billed_of(block)
            copies = total(money.copies)
            billed = total(money.total) + copies
            left = total(self._settlement.allowed_copies(block.kind))
            allowed = total(self.allowed(block)) + left
            out[block.kind] = {
                "rows_read": extract.rows_read,
                "rows_rejected": extract.rows_rejected,
                "records": len(block),
                "copies": _copies(block),
                "billed": billed,
                "billed_in_copies": copies,
                "billed_in_rejects": pence(extract.rejects["billed_pence"]),
                "settled": billed - allowed,
                "allowed": allowed,
            }
        return out


def _copies(block: Block) -> int:
    return total(block.number("duplicate_rows"))


def compared(records: RecordSet) -> list[dict[str, Any]]:
    """Say how the extract and each file it is compared with match, by provider and identifier."""
    ours = {block.kind: block for block in records.blocks if block.source == "extract"}
    out = []
    for block in records.blocks:
        if block.source not in ("national", "earlier"):
            continue
        there = keys_of(block)
        here = keys_of(ours[block.kind]) if block.kind in ours else there.slice(0, 0)
        matched = int(pc.sum(pc.is_in(here, there)).as_py() or 0)
        out.append(
            {
                "against": block.source,
                "kind": block.kind,
                "here": len(here),
                "there": len(there),
                "matched": matched,
                "rate": round(matched / len(here), 4) if len(here) else None,
                "only_here": len(here) - matched,
                "only_there": len(there) - matched,
            }
        )
    return out
