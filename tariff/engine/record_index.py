"""Records by key: what joins, pairs and sets look up.

Records are put together by their patient alone where a key has the patient, so that every rule
about patients shares one index; the other fields of the key are then tests of each pair. By other
keys they are put together by the whole key.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tariff.engine.cells import Reader
from tariff.engine.record_set import Ids
from tariff.packs.compile import NULL64

PATIENT = "patient_id"
# More records of a kind than a person has (a session of dialysis every other day for five years):
# a value that stands for many people, such as "unknown". Its pairs would mean nothing, and be many.
MOST_SPELLS = 1000
LARGEST = 1 << 62
WIDE = 1 << 31


class Index:
    """Records of some kinds and sources in groups: `rows[start[g]:start[g + 1]]`, in order."""

    def __init__(
        self, reader: Reader, kinds: Sequence[str], sources: Sequence[str], key: tuple[str, ...]
    ) -> None:
        self._reader = reader
        self.by_patient = key == (PATIENT,)
        which = reader.records.of(kinds, sources)
        self._packing = None if self.by_patient else Packing()
        if self._packing is None:
            packed = reader.column(PATIENT, which)
            there = packed != NULL64
            which, groups = which[there], packed[there]
            self._known = np.empty(0, np.int64)
            size = len(reader.vocabulary(PATIENT))
        else:
            packed = self._packing.learn([reader.column(name, which) for name in key])
            which, packed = which[packed >= 0], packed[packed >= 0]
            self._known, inverse = np.unique(packed, return_inverse=True)
            groups = inverse.reshape(-1).astype(np.int64)
            size = len(self._known)
        self.rows = which[reader.records.in_order(which, groups)]
        sizes = np.bincount(groups, minlength=size)
        self.start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        self._span: tuple[Ids, Ids] | None = None

    def groups(self, which: Ids, names: Sequence[str]) -> Ids:
        """Give the group that each record belongs to by its own fields; -1 for none."""
        if self._packing is None:
            found = self._reader.column(names[0], which)
            return np.where(found == NULL64, -1, found)
        packed = self._packing.packed([self._reader.column(name, which) for name in names])
        place, known = _placed(self._known, packed)
        return np.where(known & (packed >= 0), place, -1)

    def bounds(self, groups: Ids) -> tuple[Ids, Ids]:
        """Give where the members of groups stand in `rows`: from, and up to."""
        at = np.maximum(groups, 0)
        none = groups < 0
        if len(self.start) < 2:
            return np.zeros(len(groups), np.int64), np.zeros(len(groups), np.int64)
        return np.where(none, 0, self.start[at]), np.where(none, 0, self.start[at + 1])

    def within(self, low: Ids, high: Ids, ends: tuple[Ids, Ids]) -> tuple[Ids, Ids]:
        """Narrow bounds to the members whose last day can lie between two days.

        Members stand by first day, and none ends before it begins: those that begin after the
        latest day are passed over, and so are those of whom none has ended on the earliest day yet.
        Members that do end before they begin, or have no first day, make a group be walked whole.
        """
        first, latest = self._spans()
        odd = self._odd
        whole = odd[high] > odd[low]
        from_ = _after(latest, low, high, ends[0], left=True)
        up_to = _after(first, low, high, ends[1], left=False)
        return np.where(whole, low, from_), np.where(whole, high, np.maximum(up_to, from_))

    def _spans(self) -> tuple[Ids, Ids]:
        """Give the first day, and the latest last day so far, of each member of its group."""
        if self._span is None:
            first = self._reader.column("start_date", self.rows)
            last = self._reader.column("end_date", self.rows)
            odd = (first == NULL64) | ((last != NULL64) & (last < first))
            self._odd = np.concatenate(([0], np.cumsum(odd))).astype(np.int64)
            group = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
            floor = int(last[last != NULL64].min(initial=0)) - 1
            days = np.where(last == NULL64, floor, last) - floor
            lift = int(days.max(initial=0)) + 1
            latest = np.maximum.accumulate(days + group * lift) - group * lift + floor
            self._span = first, latest
        return self._span


class Packing:
    """Several numbers as one: fields of a key, with what each may hold learnt from the others."""

    def __init__(self) -> None:
        self._fields: list[_Digit] = []

    def learn(self, columns: Sequence[Ids]) -> Ids:
        """Pack columns; -1 where one of them is missing."""
        there = np.ones(len(columns[0]), bool)
        for values in columns:
            there &= values != NULL64
        size = 1
        packed = np.zeros(len(there), np.int64)
        for values in columns:
            digit = _Digit(values[there])
            if size * digit.size >= LARGEST:
                digit.before = np.unique(packed[there])
                packed = _placed(digit.before, packed)[0]
                size = len(digit.before)
            self._fields.append(digit)
            packed = packed * digit.size + digit.of(np.where(there, values, digit.low))[0]
            size *= digit.size
        return np.where(there, packed, -1)

    def packed(self, columns: Sequence[Ids]) -> Ids:
        """Pack columns as those that were learnt; -1 for what was not among them."""
        there = np.ones(len(columns[0]), bool)
        packed = np.zeros(len(there), np.int64)
        for values, digit in zip(columns, self._fields, strict=True):
            if digit.before is not None:
                packed, known = _placed(digit.before, packed)
                there &= known
            place, known = digit.of(values)
            there &= known & (values != NULL64)
            packed = packed * digit.size + np.where(there, place, 0)
        return np.where(there, packed, -1)


class _Digit:
    """One field of a packed key: a place for each value, by range or, where it is wide, by list."""

    def __init__(self, held: Ids) -> None:
        self.before: Ids | None = None  # what is packed before it, where that is too wide
        self.low = int(held.min()) if len(held) else 0
        self.size = (int(held.max()) - self.low + 1) if len(held) else 1
        self._list: Ids | None = None
        if self.size >= WIDE:
            self._list = np.unique(held)
            self.size = len(self._list)

    def of(self, values: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """Give the place of each value, and whether it has one."""
        if self._list is not None:
            return _placed(self._list, values)
        known = (values >= self.low) & (values < self.low + self.size)
        return np.where(known, values, self.low) - self.low, known


def _placed(held: Ids, values: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    """Give where values stand in a list in order, and whether they are in it."""
    if not len(held):
        return np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(held, values), len(held) - 1).astype(np.int64)
    return place, held[place] == values


def _after(values: Ids, low: Ids, high: Ids, day: Ids, *, left: bool) -> Ids:
    """Give the first place in [low, high), where values rise, that is not below (above) a day."""
    low, high = low.copy(), high.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        value = values[np.where(open_, middle, 0)]
        before = (value < day) if left else (value <= day)
        low = np.where(open_ & before, middle + 1, low)
        high = np.where(open_ & ~before, middle, high)
    return low


class Indexes:
    """The indexes of a run, each made once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held: dict[tuple[tuple[str, ...], ...], Index] = {}
        self._lock = Lock()

    def get(self, kinds: Sequence[str], sources: Sequence[str], key: Sequence[str]) -> Index:
        """Give records of some kinds and sources by a key."""
        name = (tuple(sorted(kinds)), tuple(sorted(sources)), tuple(key))
        with self._lock:
            if name not in self._held:
                self._held[name] = Index(self._reader, kinds, sources, tuple(key))
            return self._held[name]
