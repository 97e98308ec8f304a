"""Set rules: records that are alike, of which one is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tariff.engine.cells import Reader
from tariff.engine.program import ACCEPT, HIGHEST, Binding, Program
from tariff.engine.record_index import MOST_SPELLS, PATIENT, Indexes, Packing
from tariff.engine.record_set import Ids
from tariff.engine.walks import Entry, Walks
from tariff.packs.compile import NULL64

CHUNK = 1 << 16


def find_sets(entry: Entry, reader: Reader, indexes: Indexes) -> list[tuple[tuple[int, int], int]]:
    """Give each record that meets the rule against the one kept: both in order, and the kept."""
    which, groups = _alike(entry, reader, indexes)
    if not len(which):
        return []
    kept = _kept(entry, reader, which, groups)
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    size = np.diff(np.append(first, len(groups)))
    kept_of = np.repeat(kept, size)
    others = np.flatnonzero(np.arange(len(which)) != kept_of)
    records = reader.records
    others = others[records.is_of(which[others], entry.rule.source)]
    kept_of = kept_of[others]
    holds = _tested(entry, reader, indexes, which[kept_of], which[others])
    found = [
        ((int(which[min(k, o)]), int(which[max(k, o)])), int(which[k]))
        for k, o in zip(kept_of[holds].tolist(), others[holds].tolist(), strict=True)
    ]
    return sorted(found)


def find_copies(entry: Entry, reader: Reader, indexes: Indexes) -> Ids:
    """Give the records of which exact copies were set aside."""
    records = reader.records
    found = [np.empty(0, np.int64)]
    for index, block in enumerate(records.blocks):
        if block.kind in entry.kinds and block.source == entry.rule.source:
            copies = records.block_number(index, "duplicate_rows")
            found.append(np.flatnonzero(copies > 0) + records.starts[index])
    which = np.concatenate(found)
    return which[_tested(entry, reader, indexes, which, which)]


def _tested(
    entry: Entry, reader: Reader, indexes: Indexes, previous: Ids, current: Ids
) -> NDArray[np.bool_]:
    """Say which pairs of records meet the rule."""
    program = Program(reader, two_lists=True)
    start = program.add_rule(entry.rule, entry.lists)
    walks = Walks(program, indexes)
    out = np.zeros(len(previous), bool)
    for begin in range(0, len(previous), CHUNK):
        part = slice(begin, begin + CHUNK)
        out[part] = walks.tested(start, previous[part], current[part]) == ACCEPT
    return out


def _alike(entry: Entry, reader: Reader, indexes: Indexes) -> tuple[Ids, Ids]:
    """Give records alike in every field of the key, two at least; in order, and their groups."""
    asked = entry.rule.set_key
    assert asked is not None
    if PATIENT in asked.key:  # most patients have one record: leave them out first
        index = indexes.get(entry.kinds, entry.sources, (PATIENT,))
        sizes = np.diff(index.start)
        several = (sizes > 1) & (sizes <= MOST_SPELLS)
        which = index.rows[np.repeat(several, sizes)]
    else:
        which = reader.records.of(entry.kinds, entry.sources)
    if not len(which):
        return which, which
    groups = Packing().learn([reader.column(name, which) for name in asked.key])
    which, groups = _several(which, groups, groups >= 0)
    if asked.near is not None:
        name, apart = asked.near
        most = Binding(entry.rule, entry.lists).number(apart, name)
        values = reader.column(name, which)
        which, groups = _near(which, groups, values, most)
    order = reader.records.in_order(which, groups)
    return which[order], groups[order]


def _near(which: Ids, groups: Ids, values: Ids, most: int) -> tuple[Ids, Ids]:
    """Part groups where a value is more than so much above the one before it."""
    there = values != NULL64
    which, groups, values = which[there], groups[there], values[there]
    order = np.lexsort((values, groups))
    which, groups, values = which[order], groups[order], values[order]
    apart = (np.diff(groups) != 0) | (np.diff(values) > most)
    parts = np.cumsum(np.concatenate(([0], apart)))[: len(which)]
    return _several(which, parts.astype(np.int64), np.ones(len(which), bool))


def _several(which: Ids, groups: Ids, there: NDArray[np.bool_]) -> tuple[Ids, Ids]:
    """Leave out records that stand alone; number the groups that are left."""
    which, groups = which[there], groups[there]
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1).astype(np.int64)
    kept = counts[inverse] > 1
    return which[kept], inverse[kept]


def _kept(entry: Entry, reader: Reader, which: Ids, groups: Ids) -> Ids:
    """Give the place of the record that is kept of each group.

    Those of the history come first: they are paid.
    """
    assert entry.rule.set_key is not None
    records = reader.records
    later = ~records.is_of(which, "history")
    place = np.arange(len(which))
    dearness = np.zeros(len(which), np.int64)
    if entry.rule.set_key.keep == "dearest":
        billed = reader.column("billed", which)
        dearness = np.where(billed == NULL64, HIGHEST, -billed)
        order = np.lexsort((dearness, later, groups))
        tied = np.flatnonzero(
            (np.diff(groups[order]) == 0)
            & (np.diff(later[order].astype(int)) == 0)
            & (dearness[order][1:] == dearness[order][:-1])
        )
        again = order[np.unique(np.concatenate((tied, tied + 1)))]
        place = np.zeros(len(which), np.int64)
        place[again] = records.text_ranks(which[again])
    order = np.lexsort((place, dearness, later, groups))
    return order[np.flatnonzero(np.diff(groups[order], prepend=-1))]
