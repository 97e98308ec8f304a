"""Joins of records to other records: how many there are, and which is the partner.

A join is looked up for the records that everything else in the rule lets through, some thousand at
a time: the others that share its key are found in an index, and the kernel walks what the join says
of each pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tariff._core import match as kernel
from tariff.engine.cells import Cells
from tariff.engine.program import Binding, Program
from tariff.engine.record_index import MOST_SPELLS, PATIENT, Index, Indexes, Packing
from tariff.engine.record_set import KINDS, Ids
from tariff.packs.compile import NULL64
from tariff.packs.model import Every, Join, Operand, Predicate, Some, Test

MOST_PAIRS = 1 << 20  # looked at in one go
SMALL = 1 << 17  # records whose cells are read once
MANY = 64  # a group above this is narrowed, or looked up once for records that are alike
NO_BOUND = -1


@dataclass(frozen=True)
class Batch:
    """Some records, and the others that each of them may be joined with."""

    which: Ids  # places of the records among those asked for
    others: Cells
    numbers: Ids  # of the others
    low: Ids
    high: Ids


class Lookup:
    """One join of one rule."""

    def __init__(self, indexes: Indexes, program: Program, join: Join, binding: Binding) -> None:
        self._indexes = indexes
        self._join = join
        self._reader = program.reader
        same = [(item.field, item.other or item.field) for item in join.same]
        keyed = (PATIENT, PATIENT) in same
        self._these = (PATIENT,) if keyed else tuple(mine for mine, _ in same)
        self._key = (PATIENT,) if keyed else tuple(theirs for _, theirs in same)
        self._bounds = tuple(None if b is None else binding.whole(b) for b in join.days)
        rest = tuple(
            item
            for item, pair in zip(join.same, same, strict=True)
            if keyed and pair != (PATIENT, PATIENT)
        )
        self._program = Program(self._reader, two_lists=True)
        parts = (*rest, *_bounds_of(join, binding), join.where)
        self._begin = self._program.add(Every(parts), binding)
        assert not self._program.joins, f"{binding.rule.id}: a join within a join"
        self._at_least = binding.whole(join.at_least)
        self._at_most = NO_BOUND if join.at_most is None else binding.whole(join.at_most)
        self._register = join.of[0] not in KINDS
        self._index: Index | None = None
        self._whole: Cells | None = None
        self._lock = Lock()

    # -- how many there are

    def holds(self, which: Ids) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Say for which records the join holds, and which carry a patient that is many people."""
        if not self._given():
            return np.zeros(len(which), bool), np.zeros(len(which), bool)
        index = self._get_index()
        groups = index.groups(which, self._these)
        low, high = index.bounds(groups)
        crowded = (high - low > MOST_SPELLS) & index.by_patient
        high = np.where(crowded, low, high)
        out = np.zeros(len(which), bool)
        if self._register and int((high - low).sum()) > MANY * len(which):
            first, inverse = self._distinct(which, groups)
            low, high = low[first], high[first]
            out = self._counted(which[first], low, high)[inverse]
        else:
            out = self._counted(which, low, high)
        return out & ~crowded, crowded

    def _distinct(self, which: Ids, groups: Ids) -> tuple[Ids, Ids]:
        """Give one of each kind of record that is alike in all that the join looks at."""
        cells = self._program.cells(which, 1)
        columns = np.vstack((cells.matrix, groups[None, :]))
        if len(cells.pool) > 1:  # several values are alike only where they are the same ones
            return np.arange(len(which)), np.arange(len(which))
        missing = columns == NULL64
        ranks = [np.where(gone, -1, row) for row, gone in zip(columns, missing, strict=True)]
        packed = Packing().learn(ranks)
        _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
        return first, inverse.reshape(-1)

    def _counted(self, which: Ids, low: Ids, high: Ids) -> NDArray[np.bool_]:
        if self._join.before:
            return self._counted_before(which, low, high)
        out = np.zeros(len(which), np.uint8)
        code, tables = self._program.arrays()
        for batch in self._batches(which, low, high):
            these = self._program.cells(which[batch.which], 1)
            holds = np.zeros(len(batch.which), np.uint8)
            kernel.counted(
                batch.others.matrix,
                batch.others.pool,
                batch.numbers,
                these.matrix,
                these.pool,
                which[batch.which],
                code,
                tables,
                self._begin,
                batch.low,
                batch.high,
                self._at_least,
                self._at_most,
                holds,
            )
            out[batch.which] = holds
        return out.astype(bool)

    def _counted_before(self, which: Ids, low: Ids, high: Ids) -> NDArray[np.bool_]:
        """Count only the others that stand before the record in the order of records."""
        counts = np.zeros(len(which), np.int64)
        for batch in self._batches(which, low, high):
            record, other = self._found(which[batch.which], batch)
            before = self._stand_before(which[batch.which][record], batch.numbers[other])
            counts[batch.which] = np.bincount(record[before], minlength=len(batch.which))
        holds: NDArray[np.bool_] = counts >= self._at_least
        return holds if self._at_most == NO_BOUND else holds & (counts <= self._at_most)

    # -- which is the partner

    def partners(self, which: Ids) -> Ids:
        """Give the partner of each record, -1 where there is none.

        The last before it in the order of records, else the first after it; of a register the
        first row.
        """
        index = self._get_index()
        low, high = index.bounds(index.groups(which, self._these))
        high = np.where((high - low > MOST_SPELLS) & index.by_patient, low, high)
        out = np.full(len(which), -1, np.int64)
        for batch in self._batches(which, low, high):
            record, other = self._found(which[batch.which], batch)
            if self._join.before:
                before = self._stand_before(which[batch.which][record], batch.numbers[other])
                record, other = record[before], other[before]
            if not len(record):
                continue
            chosen = self._chosen(which[batch.which], record, batch.numbers[other])
            out[batch.which[record[chosen]]] = batch.numbers[other[chosen]]
        return out

    def _found(self, which: Ids, batch: Batch) -> tuple[Ids, Ids]:
        code, tables = self._program.arrays()
        these = self._program.cells(which, 1)
        room = 2 * len(which) + 64
        while True:
            out = np.empty((room, 2), np.int64)
            count = kernel.found(
                batch.others.matrix,
                batch.others.pool,
                batch.numbers,
                these.matrix,
                these.pool,
                which,
                code,
                tables,
                self._begin,
                batch.low,
                batch.high,
                out,
            )
            if count <= room:
                return out[:count, 0].copy(), out[:count, 1].copy()
            room = count

    def _chosen(self, which: Ids, record: Ids, others: Ids) -> Ids:
        """Give the pair of each record that is its partner, as places among the pairs.

        Pairs stand by record, the others of each in the order of records.
        """
        place = np.arange(len(record))
        first = np.flatnonzero(np.diff(record, prepend=-1))
        if self._register:
            return first
        before = self._stand_before(which[record], others)
        last = np.maximum.reduceat(np.where(before, place, -1), first)
        return np.where(last >= 0, last, first)

    def _stand_before(self, these: Ids, others: Ids) -> NDArray[np.bool_]:
        """Say of pairs of records whether the other stands before this one in their order."""
        records = self._reader.records
        mine, theirs = records.order_keys(these), records.order_keys(others)
        before: NDArray[np.bool_] = theirs < mine
        tied = np.flatnonzero(theirs == mine)
        if len(tied):
            ranks = records.text_ranks(np.concatenate((these[tied], others[tied])))
            before[tied] = ranks[len(tied) :] < ranks[: len(tied)]
        return before

    # -- the others of each record

    @cached_property
    def _sources(self) -> tuple[str, ...]:
        return (self._join.source,) if self._join.source else ("extract", "history")

    def _given(self) -> bool:
        """Say whether there is any such record: nothing can be said of a file that is not there."""
        blocks = self._reader.records.blocks
        return any(len(b) and b.kind in self._join.of and b.source in self._sources for b in blocks)

    def _get_index(self) -> Index:
        if self._index is None:
            self._index = self._indexes.get(self._join.of, self._sources, self._key)
        return self._index

    def _batches(self, which: Ids, low: Ids, high: Ids) -> Iterator[Batch]:
        """Give records with the cells of their others, so many that the cells stay few."""
        index = self._get_index()
        low, high = self._narrowed(which, low, high)
        sizes = high - low
        total = int(sizes.sum())
        if len(index.rows) <= SMALL or total > 4 * len(index.rows):
            everyone = np.arange(len(which))
            yield Batch(everyone, self._whole_cells(), index.rows, low, high)
            return
        ends = np.cumsum(sizes)
        cuts = np.searchsorted(ends, np.arange(MOST_PAIRS, total + MOST_PAIRS, MOST_PAIRS), "right")
        begin = 0
        for cut in [*np.unique(cuts).tolist(), len(which)]:
            if cut <= begin:
                continue
            part, begin = np.arange(begin, cut), cut
            counts = sizes[part]
            upto = np.cumsum(counts)
            at = np.arange(int(upto[-1])) + np.repeat(low[part] - (upto - counts), counts)
            numbers = index.rows[at]
            yield Batch(part, self._program.cells(numbers), numbers, upto - counts, upto)

    def _narrowed(self, which: Ids, low: Ids, high: Ids) -> tuple[Ids, Ids]:
        """Leave out of large groups what ends too early or too late for the days asked."""
        least, most = self._bounds
        large = np.flatnonzero(high - low > MANY)
        if (least is None and most is None) or not len(large):
            return low, high
        first = self._reader.column("start_date", which[large])
        known = first != NULL64
        large, first = large[known], first[known]
        far = 1 << 40
        ends = (first - (far if most is None else most), first - (-far if least is None else least))
        narrow = self._get_index().within(low[large], high[large], ends)
        low, high = low.copy(), high.copy()
        low[large], high[large] = narrow
        return low, high

    def _whole_cells(self) -> Cells:
        with self._lock:
            if self._whole is None:
                self._whole = self._program.cells(self._get_index().rows)
            return self._whole

    def release(self) -> None:
        """Forget the cells of a large table of others."""
        if self._whole is not None and self._whole.rows > SMALL:
            self._whole = None


def _bounds_of(join: Join, binding: Binding) -> Iterator[Predicate]:
    """Give what `days`, `minutes` and `on` ask of a pair."""
    for (least, most), of_this, of_other in (
        (join.days, "start_date", "end_date"),
        (join.minutes, "start_at", "end_at"),
    ):
        for bound, operation in ((least, "at_least"), (most, "at_most")):
            if bound is not None:
                operand = Operand("field", of_other, 0, binding.whole(bound))
                yield Test(of_this, 1, operation, operand=operand)  # type: ignore[arg-type]
    if join.on:
        yield Test(join.on, 1, "present")
        for edge, operation in (("valid_from", "at_least"), ("valid_to", "at_most")):
            within = Test(join.on, 1, operation, operand=Operand("field", edge, 0))  # type: ignore[arg-type]
            yield Some((Test(edge, 0, "missing"), within))


def partner_join(predicate: Predicate) -> Join | None:
    """Give the first `with` of a predicate that is not within `any` or `not`."""
    if isinstance(predicate, Join):
        return None if predicate.at_most == 0 else predicate
    if isinstance(predicate, Every):
        for part in predicate.parts:
            found = partner_join(part)
            if found is not None:
                return found
    return None
