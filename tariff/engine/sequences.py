"""Sequence rules: ordered pairs of records of one patient, joined where they touch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tariff._core import match as kernel
from tariff.engine.cells import Reader
from tariff.engine.parallel import run_parts
from tariff.engine.program import REJECT, Binding, Program
from tariff.engine.record_index import MOST_SPELLS, PATIENT, Index, Indexes
from tariff.engine.record_set import Ids
from tariff.engine.walks import Entry, Walks
from tariff.packs.compile import NULL64
from tariff.packs.model import Pairing, Same

CHUNK = 1 << 16
MINUTES = 1440
Chain = tuple[int, ...]


def find_sequences(
    entries: Sequence[Entry], reader: Reader, indexes: Indexes, threads: int
) -> dict[str, list[Chain]]:
    """Give the chains that each rule finds; rules about the same records are walked together."""
    together: dict[tuple[tuple[str, ...], ...], list[Entry]] = {}
    for entry in entries:
        assert entry.rule.pairing is not None
        same = entry.rule.pairing.same
        key = (PATIENT,) if PATIENT in same else same
        together.setdefault((tuple(sorted(entry.kinds)), entry.sources, key), []).append(entry)
    found: dict[str, list[Chain]] = {}
    for (kinds, sources, key), group in together.items():
        index = indexes.get(kinds, sources, key)
        found.update(_Sequences(group, index, reader, indexes, threads).chains())
    return found


class _Sequences:
    """Sequence rules over the records of one index."""

    def __init__(
        self, entries: list[Entry], index: Index, reader: Reader, indexes: Indexes, threads: int
    ) -> None:
        self.entries = entries
        self.index = index
        self.reader = reader
        self.threads = threads
        self.program = Program(reader)
        begins, relations, reaches = [], [], []
        for entry in entries:
            pairing = entry.rule.pairing
            assert pairing is not None
            rest = tuple(Same(name) for name in pairing.same if name != PATIENT)
            also = rest if index.by_patient else ()
            begins.append(self.program.add_rule(entry.rule, entry.lists, also))
            relation, reach = _relation(pairing, Binding(entry.rule, entry.lists))
            relations.append(relation)
            reaches.append(reach)
        self.begins = np.array(begins, np.int64)
        self.relations = np.array(relations, np.int64)
        self.reaches = np.array(reaches, np.int64)
        self.days = [self.program.row(n) for n in ("start_date", "end_date", "start_at", "end_at")]
        self.walks = Walks(self.program, indexes)

    def chains(self) -> dict[str, list[Chain]]:
        """Give the chains of each rule, in order of their records."""
        pieces = self._pieces()
        found: list[NDArray[np.int64]] = [np.empty((0, 3), np.int64)] * len(pieces)

        def work(place: int) -> None:
            found[place] = self._pairs(*pieces[place])

        self.program.cells(np.empty(0, np.int64))
        run_parts(work, range(len(pieces)), self.threads)
        pairs = np.concatenate([np.empty((0, 3), np.int64), *found])
        records = self.reader.records
        out = {}
        for place, entry in enumerate(self.entries):
            chains = joined(pairs[pairs[:, 0] == place][:, 1:])
            numbers = [tuple(self.index.rows[list(chain)].tolist()) for chain in chains]
            source = entry.rule.source
            if not records.is_of(self.index.rows, source).all():
                numbers = [c for c in numbers if records.is_of(np.array(c), source).any()]
            out[entry.rule.key] = sorted(numbers)
        self.walks.release()
        return out

    def _pieces(self) -> list[tuple[Ids, Ids]]:
        """Cut the runs of two records and more into pieces of whole runs: places, starts."""
        start = self.index.start
        sizes = np.diff(start)
        runs = np.flatnonzero((sizes > 1) & ~((sizes > MOST_SPELLS) & self.index.by_patient))
        if not len(runs):
            return []
        counts = sizes[runs]
        ends = np.cumsum(counts)
        total = int(ends[-1])
        wanted = max(self.threads, -(-total // CHUNK))
        cuts = np.unique(np.searchsorted(ends, np.linspace(0, total, wanted + 1)[1:-1]))
        pieces = []
        for a, b in pairwise([0, *cuts.tolist(), len(runs)]):
            if b > a:
                part = counts[a:b]
                upto = np.cumsum(part)
                shift = start[runs[a:b]] - (upto - part)
                places = np.arange(int(upto[-1])) + np.repeat(shift, part)
                pieces.append((places, np.concatenate(([0], upto)).astype(np.int64)))
        return pieces

    def _pairs(self, places: Ids, runs: Ids) -> NDArray[np.int64]:
        """Give (rule, previous, current) of a piece, records as places in the index."""
        numbers = self.index.rows[places]
        cells = self.program.cells(numbers)
        code, tables = self.program.arrays()
        room = max(1024, len(numbers) // 2)
        first, last, start_at, end_at = self.days
        while True:
            out = np.empty((room, 4), np.int64)
            count = kernel.pairs(
                cells.matrix,
                cells.pool,
                code,
                tables,
                self.begins,
                self.relations,
                self.reaches,
                first,
                last,
                start_at,
                end_at,
                runs,
                out,
            )
            if count <= room:
                break
            room = count
        out = out[:count]
        stopped = np.flatnonzero(out[:, 3] >= 0)
        if len(stopped):
            previous, current = out[stopped, 1].copy(), out[stopped, 2].copy()
            out[stopped, 3] = self.walks.finished(
                (cells, cells), (previous, current), numbers[current], out[stopped, 3]
            )
        found: NDArray[np.int64] = out[out[:, 3] != REJECT][:, :3]
        found[:, 1:] = places[found[:, 1:]]
        return found


def _relation(pairing: Pairing, binding: Binding) -> tuple[list[int], list[int]]:
    """Give how a pair is to stand, as numbers, and how far apart its records may be in days."""

    def bound(value: int | str | None) -> int:
        return NULL64 if value is None else binding.whole(value)

    p = pairing
    relation = [
        bound(p.gap_min),
        bound(p.gap_max),
        bound(p.overlap_min),
        int(p.contains),
        bound(p.minutes_min),
        bound(p.minutes_max),
        bound(p.starts_min),
        bound(p.starts_max),
    ]
    _, gap, overlap, contains, _, minutes, _, starts = relation
    gaps = [gap] if gap != NULL64 else []
    if contains:
        gaps.append(0)
    if overlap != NULL64:
        gaps.append(-overlap)
    if minutes != NULL64:
        gaps.append((minutes + MINUTES - 1) // MINUTES)
    return relation, [min(gaps, default=NULL64), starts]


def joined(pairs: NDArray[np.int64]) -> list[list[int]]:
    """Join pairs that touch; the members of each chain in order."""
    parent: dict[int, int] = {}

    def find(x: int) -> int:
        while parent.setdefault(x, x) != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for a, b in pairs.tolist():
        parent[find(b)] = find(a)
    chains: dict[int, list[int]] = {}
    for member in parent:
        chains.setdefault(find(member), []).append(member)
    return [sorted(members) for members in chains.values()]
