"""All records of a run under one numbering: spells first, then other care, history, registers.

Each kind of record, from each source, is a block of columns. A record's number is its place in its
block plus where the block starts; the spells of the extract come first, so that a spell's number is
the same here and in `SpellColumns`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from threading import RLock
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.packs.compile import NULL64
from tariff.packs.model import Provenance

Ids = NDArray[np.int64]
Codes = tuple[Ids, list[str]]  # id -1 is missing
Many = tuple[Ids, Ids, list[str]]  # start of each record (n + 1), ids, what they stand for

KINDS = ("spells", "attendances", "emergency", "critical_care", "lines")  # in order of records
SOURCES = ("extract", "history", "national", "earlier")


class Block(Protocol):
    """The records of one kind from one source, by field (docs/signatures.md, Fields).

    A field that the kind does not have is missing in every record: `codes` gives -1, `number`
    NULL64, `many` nothing. Registers have their name as kind and `extract` as source.
    """

    kind: str
    source: str

    def __len__(self) -> int: ...

    def is_code(self, name: str) -> bool:
        """Say whether a field is a code of one value here."""
        ...

    def is_many(self, name: str) -> bool:
        """Say whether a field is a code of several values here."""
        ...

    def codes(self, name: str) -> Codes:
        """Give a code field as ids and values.

        An identifier may give no values, where they are many: its `texts` are then asked.
        """
        ...

    def number(self, name: str) -> Ids:
        """Give a number: days, pence, 1e-9, minutes or counts; NULL64 where missing."""
        ...

    def many(self, name: str) -> Many:
        """Give a field of several values."""
        ...

    def texts(self, name: str, which: Ids) -> pa.Array:
        """Give a code field of some records as text, null where missing."""
        ...

    def provenance(self, record: int) -> Provenance:
        """Say what the group of a record rests on."""
        ...

    def record_keys(self, which: Ids) -> list[str]:
        """Give `KIND:PROVIDER:IDENTIFIER` of some records, `NAME:LINE` of rows of a register."""
        ...

    def before_mff(self) -> NDArray[np.bool_]:
        """Whether what counts as billed is before the market forces factor."""
        ...

    @property
    def copies_billed(self) -> Ids:
        """Pence billed again by exact copies of each record that were set aside."""
        ...

    def release(self) -> None:
        """Forget fields that can be made again."""
        ...


class RecordSet:
    """Blocks under one numbering.

    Columns are asked of a block once and kept until `release`; nothing is joined over the blocks
    but by `number` and `codes`, which are for fields that every record is asked for.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = list(blocks)
        self.starts = [0, *accumulate(len(block) for block in self.blocks)]
        self._vocabularies: dict[tuple[str, ...], Vocabulary] = {}
        self._columns: dict[tuple[int, str, str], Any] = {}
        self._numbers: dict[str, Ids] = {}
        self._lock = RLock()  # columns are made by the first thread that asks

    def __len__(self) -> int:
        return self.starts[-1]

    def of(self, kinds: Sequence[str], sources: Sequence[str] = ("extract",)) -> Ids:
        """Give the numbers of the records of some kinds from some sources, in order."""
        found = [
            np.arange(start, start + len(block))
            for block, start in zip(self.blocks, self.starts, strict=False)
            if block.kind in kinds and block.source in sources
        ]
        return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)

    def place(self, record: int) -> tuple[Block, int]:
        """Give the block of a record and its place there."""
        index = bisect_right(self.starts, record) - 1
        return self.blocks[index], record - self.starts[index]

    def parts(self, which: Ids) -> Iterator[tuple[int, slice | Ids, slice | Ids]]:
        """Give records block by block: the block, their places in `which`, those in the block."""
        if not len(which):
            return
        low, high = int(which.min()), int(which.max())
        first, last = (int(np.searchsorted(self.starts, n, side="right")) - 1 for n in (low, high))
        if first == last:
            start = self.starts[first]
            straight = high - low + 1 == len(which) and bool((np.diff(which) == 1).all())
            rows = slice(low - start, high - start + 1) if straight else which - start
            yield first, slice(0, len(which)), rows
            return
        for index in range(first, last + 1):
            start, end = self.starts[index], self.starts[index + 1]
            places = np.flatnonzero((which >= start) & (which < end))
            if len(places):
                yield index, places, which[places] - start

    def is_of(self, which: Ids, source: str) -> NDArray[np.bool_]:
        """Say which records are from a source."""
        blocks = np.searchsorted(self.starts, which, side="right") - 1
        of_source = np.array([block.source == source for block in self.blocks], bool)
        found: NDArray[np.bool_] = of_source[blocks]
        return found

    # -- fields

    def is_code(self, name: str) -> bool:
        """Say whether a field is a code of one value."""
        return any(block.is_code(name) for block in self.blocks)

    def is_many(self, name: str) -> bool:
        """Say whether a field is a code of several values."""
        return any(block.is_many(name) for block in self.blocks)

    def number(self, name: str) -> Ids:
        """Give a number of every record."""
        if name not in self._numbers:
            parts = [block.number(name) for block in self.blocks]
            self._numbers[name] = np.concatenate(parts or [np.empty(0, np.int64)])
        return self._numbers[name]

    def ids(self, name: str) -> Ids:
        """Give a code of every record as an id of one vocabulary; -1 is missing."""
        vocabulary = self.vocabulary((name,))
        parts = [
            np.where((ids := vocabulary.taken(index, name, slice(None))) == NULL64, -1, ids)
            for index in range(len(self.blocks))
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def codes(self, name: str) -> Codes:
        """Give a code of every record, the values of all blocks as one list."""
        return self.ids(name), self.vocabulary((name,)).values.to_pylist()

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Say which records lack a field of one value."""
        if self.is_code(name):
            return self.ids(name) < 0
        gone: NDArray[np.bool_] = self.number(name) == NULL64
        return gone

    def vocabulary(self, names: tuple[str, ...]) -> Vocabulary:
        """Give one vocabulary of some code fields, whichever blocks have them."""
        with self._lock:
            if names not in self._vocabularies:
                self._vocabularies[names] = Vocabulary(self, names)
            return self._vocabularies[names]

    # -- columns of one block

    def block_codes(self, index: int, name: str) -> tuple[Ids, pa.Array]:
        """Give a code field of a block, its values as an array."""
        with self._lock:
            key = (index, "codes", name)
            if key not in self._columns:
                self._columns[key] = self._codes_of(self.blocks[index], name)
            found: tuple[Ids, pa.Array] = self._columns[key]
            return found

    def block_number(self, index: int, name: str) -> Ids:
        """Give a number field of a block."""
        with self._lock:
            key = (index, "number", name)
            if key not in self._columns:
                self._columns[key] = self.blocks[index].number(name)
            found: Ids = self._columns[key]
            return found

    def block_many(self, index: int, name: str) -> tuple[Ids, Ids, pa.Array]:
        """Give a field of several values of a block."""
        with self._lock:
            key = (index, "many", name)
            if key not in self._columns:
                start, ids, values = self.blocks[index].many(name)
                self._columns[key] = start, ids, as_texts(values)
            found: tuple[Ids, Ids, pa.Array] = self._columns[key]
            return found

    def release(self, index: int) -> None:
        """Forget the columns of a block; they are asked again where they are needed."""
        with self._lock:
            for key in [key for key in self._columns if key[0] == index]:
                del self._columns[key]
            self.blocks[index].release()

    @staticmethod
    def _codes_of(block: Block, name: str) -> tuple[Ids, pa.Array]:
        ids, values = block.codes(name)
        texts = as_texts(values)
        if len(texts) or not (ids >= 0).any():
            return ids, texts
        # an identifier whose values the block holds elsewhere
        found = block.texts(name, np.arange(len(block))).dictionary_encode()
        return pc.fill_null(found.indices, -1).to_numpy().astype(np.int64), found.dictionary

    # -- the order of records

    def order_keys(self, which: Ids) -> Ids:
        """Give what records are ordered by, as a number; registers in order of their rows.

        First day (missing last), later last day (missing last), kind, patient classification
        (missing first), whence. Records of one key are ordered by `text_ranks`.
        """
        out = np.zeros(len(which), np.int64)
        classes = self.vocabulary(("patient_classification",))
        for index, places, rows in self.parts(which):
            block = self.blocks[index]
            if block.kind not in KINDS:
                continue
            first = self.block_number(index, "start_date")[rows]
            last = self.block_number(index, "end_date")[rows]
            key = np.where(first == NULL64, _DAYS - 1, _day(first)) * _DAYS
            key += np.where(last == NULL64, _DAYS - 1, _DAYS - 2 - _day(last))
            key = key * len(KINDS) + KINDS.index(block.kind)
            key *= _CLASSES
            if block.is_code("patient_classification"):
                ids = classes.taken(index, "patient_classification", rows)
                key += np.minimum(classes.ranks()[np.where(ids == NULL64, -1, ids)], _CLASSES - 1)
            out[places] = key * len(SOURCES) + SOURCES.index(block.source)
        return out

    def text_ranks(self, which: Ids) -> Ids:
        """Rank records by provider and key as text, missing first, then by number."""
        columns: dict[str, list[Any]] = {"provider": [], "record_id": [], "number": []}
        places = np.empty(len(which), np.int64)
        at = 0
        for index, here, rows in self.parts(which):
            start = self.starts[index]
            local = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
            for name in ("provider", "record_id"):
                texts: pa.Array = pa.nulls(len(local), pa.string())
                if self.blocks[index].is_code(name):
                    texts = self.blocks[index].texts(name, local).cast(pa.string())
                columns[name].append(pc.fill_null(texts, ""))
            columns["number"].append(pa.array(local + start, pa.int64()))
            places[at : at + len(local)] = np.arange(len(which))[here]
            at += len(local)
        if not at:
            return np.empty(0, np.int64)
        table = pa.table({name: pa.chunked_array(parts) for name, parts in columns.items()})
        order = pc.sort_indices(table, sort_keys=[(n, "ascending") for n in columns]).to_numpy()
        ranks = np.empty(len(which), np.int64)
        ranks[places[order]] = np.arange(len(which))
        return ranks

    def in_order(self, which: Ids, groups: Ids) -> Ids:
        """Order records of groups: by group, then in the order of records."""
        keys = self.order_keys(which)
        order = np.lexsort((which, keys, groups))
        at, key = groups[order], keys[order]
        tied = (np.diff(at) == 0) & (np.diff(key) == 0) & (key[1:] != 0)  # 0: a register
        if not tied.any():
            return order
        again = np.flatnonzero(np.append(tied, False) | np.append(False, tied))
        members = order[again]
        ranks = self.text_ranks(which[members])
        order[again] = members[np.lexsort((ranks, keys[members], groups[members]))]
        return order


class Vocabulary:
    """The values of some code fields over all blocks, as ids of one list.

    Looked up by pyarrow: identifiers have millions of values.
    """

    def __init__(self, records: RecordSet, names: tuple[str, ...]) -> None:
        self._records = records
        self._maps: dict[tuple[int, str], Ids] = {}
        self._ranks: Ids | None = None
        values, places = [], []
        for index, block in enumerate(records.blocks):
            for name in names:
                if block.is_code(name):
                    values.append(records.block_codes(index, name)[1])
                elif block.is_many(name):
                    values.append(records.block_many(index, name)[2])
                else:
                    continue
                places.append((index, name))
        joined = pa.chunked_array(values, pa.string()).combine_chunks()
        if isinstance(joined, pa.ChunkedArray):
            joined = joined.chunk(0) if joined.num_chunks else pa.array([], pa.string())
        encoded = joined.dictionary_encode()
        self.values: pa.StringArray = encoded.dictionary
        ids = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
        ends = np.cumsum([len(part) for part in values])
        for place, part in zip(places, np.split(ids, ends[:-1]) if places else [], strict=True):
            self._maps[place] = np.append(np.where(part < 0, NULL64, part), NULL64)

    def __len__(self) -> int:
        return len(self.values)

    def taken(self, index: int, name: str, rows: slice | Ids) -> Ids:
        """Give the ids of some rows of a block, NULL64 where missing."""
        found = self._maps.get((index, name))
        if found is None:
            block = self._records.blocks[index]
            length = len(range(*rows.indices(len(block)))) if isinstance(rows, slice) else len(rows)
            return np.full(length, NULL64, np.int64)
        return found[self._records.block_codes(index, name)[0][rows]]

    def mapped(self, index: int, name: str, ids: Ids) -> Ids:
        """Give ids of a block as ids of this."""
        return self._maps[index, name][ids]

    def ranks(self) -> Ids:
        """Rank of each value among them as text, from 1; of a missing one, at -1, 0."""
        if self._ranks is None:
            ranks = np.zeros(len(self.values) + 1, np.int64)
            ranks[pc.sort_indices(self.values).to_numpy()] = np.arange(1, len(self.values) + 1)
            self._ranks = ranks
        return self._ranks


def as_texts(values: Any) -> pa.Array:
    """Give values, a list or an array, as an array of text."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values.cast(pa.string())
    return pa.array(values, pa.string())


_DAYS = 1 << 22  # every day of the years 1 to 9999 has a place
_FIRST_DAY = -719162  # 0001-01-01
_CLASSES = 1 << 14  # patient classifications told apart


def _day(days: Ids) -> Ids:
    return np.clip(days - _FIRST_DAY, 0, _DAYS - 2)
