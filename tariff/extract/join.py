"""A layout of several tables, joined to one row an episode.

The table of rows keeps its order and its lines. A parent (one row for many episodes) is looked up
by its key; a list (many rows for one episode) is numbered within its episode by the order column
and becomes a family: the first code `diag_01`, the second `diag_02`. The tables are held in
memory, dictionary encoded; only mapped columns are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tariff.errors import DataError
from tariff.extract.arrays import as_dictionary, is_text
from tariff.extract.fields import KEYS, field_of, members
from tariff.extract.layout import ColumnSpec, Layout, TableSpec, plain
from tariff.extract.plan import Column, Lines, RawBatch
from tariff.extract.rejects import BadCells
from tariff.extract.resolve import Candidate, OpenFile, column_of, sheet_reading, source_of
from tariff.extract.source import Advance, InputFile, Source, Task
from tariff.extract.values import Cleaning

PIECE = 1 << 17  # episodes of a batch
Places = npt.NDArray[np.int64]


@dataclass(slots=True)
class Table:
    """One table of the layout: its file, and where its columns stand."""

    name: str
    spec: TableSpec
    source: Source
    places: dict[str, int]  # plain column name to position

    def place(self, label: str) -> int:
        """Position of a column that must be there."""
        found = self.places.get(plain(label))
        if found is None:
            raise DataError(
                f"{self.source.name}: table {self.name} has no column {label}",
                hint="it is needed to join the tables; export it as well",
            )
        return found


@dataclass(slots=True)
class Whole:
    """A table in memory."""

    columns: dict[int, pa.Array]
    lines: Lines
    shape: BadCells


def open_tables(layout: Layout, candidates: list[Candidate]) -> OpenFile:
    """The files of a layout of several tables as one. DataError where one is missing or twice."""
    found: dict[str, Table] = {}
    notices: list[str] = []
    for candidate in candidates:
        name = layout.table_of(candidate.header)
        if name is None:
            notices.append(f"{candidate.name}: not a table of layout {layout.id}; passed over")
            continue
        if name in found:
            raise DataError(
                f"{found[name].source.name} and {candidate.name} are both table {name}",
                hint="read one set of tables at a time, or put the files of a table together",
            )
        source = source_of(candidate, layout, has_header=True)
        places = {plain(label): index for index, label in enumerate(candidate.header)}
        found[name] = Table(name, layout.tables[name], source, places)
    missing = [name for name in layout.tables if name not in found]
    if missing:
        raise DataError(
            f"layout {layout.id}: no file for table {', '.join(missing)}; "
            f"found {', '.join(sorted(found)) or 'none'}",
            hint=f"give one file for each of {', '.join(layout.tables)}, or their folder",
        )
    joined = JoinedSource(list(found.values()), notices)
    columns = joined.columns()
    absent = [key for key in KEYS if key not in {column.name for column in columns}]
    if absent:
        raise DataError(f"{joined.name}: mandatory column missing: {', '.join(absent)}")
    reading = layout.reading()
    if any(candidate.kind == "xlsx" for candidate in candidates):
        reading = sheet_reading(reading)
    if layout.status == "partial":
        notices.append(f"layout {layout.id} is partial; see its notes")
    return OpenFile(joined, layout.id, columns, reading, notices)


class JoinedSource:
    """The tables of one extract as one source. Its columns are counted over all tables."""

    def __init__(self, tables: list[Table], notices: list[str]) -> None:
        self._rows = next(table for table in tables if table.spec.role == "rows")
        self._others = [table for table in tables if table is not self._rows]
        self.name = self._rows.source.name
        self.notices = notices
        self.header: list[str] = []
        self._seen: list[str] = []
        self._counts: dict[str, int] = {}
        # where each column of the joined rows comes from: table, position in it, number in a list
        self._origins: list[tuple[Table, int, int]] = []

    def columns(self) -> list[Column]:
        """The canonical columns of all tables; positions are those in `header`."""
        found: dict[str, Column] = {}
        for table in [self._rows, *self._others]:
            for name, spec in table.spec.columns.items():
                column = column_of(name, spec, table.places, 0)
                if column is None or name in found:
                    continue
                if column.source is not None:
                    column.source = self._add(table, column.source, 0, column.label)
                found[name] = column
            for family, spec in table.spec.lists.items():
                self._family(table, family, spec, found)
        return list(found.values())

    def _family(
        self, table: Table, family: str, spec: ColumnSpec, found: dict[str, Column]
    ) -> None:
        if spec.column is None or plain(spec.column) not in table.places:
            return
        place = table.place(spec.column)
        for number, name in enumerate(members(family)):
            known = field_of(name)
            if known is not None:
                label = f"{table.name}.{spec.column}"
                source = self._add(table, place, number, label)
                found[name] = Column(name, known, source, label, "", Cleaning(spec.strip))

    def _add(self, table: Table, place: int, number: int, label: str) -> int:
        self.header.append(label)
        self._origins.append((table, place, number))
        return len(self.header) - 1

    def inputs(self, rows: int) -> list[InputFile]:
        """See Source. Every table is an input; the rows come first."""
        found = self._rows.source.inputs(rows)
        for table in self._others:
            found += table.source.inputs(self._counts[table.name])
        return found

    def finish(self) -> list[str]:
        """See Source."""
        finished = [
            notice for table in [self._rows, *self._others] for notice in table.source.finish()
        ]
        return self._seen + finished

    def tasks(self, columns: list[int], advance: Advance) -> Iterator[Task]:
        """See Source."""
        self._seen = []
        rows = self._load(self._rows, columns, advance)
        count = len(rows.lines)
        joined: dict[int, pa.Array] = {}
        for index in columns:
            table, place, _ = self._origins[index]
            if table is self._rows:
                joined[index] = rows.columns[place]
        for table in self._others:
            whole = self._load(table, columns, advance)
            mine = [index for index in columns if self._origins[index][0] is table]
            if table.spec.role == "parent":
                at = self._parents(table, rows, whole)
                for index in mine:
                    joined[index] = _taken(whole.columns[self._origins[index][1]], at)
            else:
                ranked = self._ranked(table, rows, whole)
                for index in mine:
                    _, place, number = self._origins[index]
                    joined[index] = (
                        _taken(whole.columns[place], ranked[number])
                        if number < len(ranked)
                        else pa.nulls(count)
                    )
            self._counts[table.name] = len(whole.lines)
        for start in range(0, max(count, 1), PIECE):
            stop = min(start + PIECE, count)
            shape = rows.shape if start == 0 else BadCells()
            raw = RawBatch(
                {index: array.slice(start, stop - start) for index, array in joined.items()},
                rows.lines[start:stop],
                shape,
            )
            yield partial(_alone, raw)

    def _load(self, table: Table, columns: list[int], advance: Advance) -> Whole:
        wanted = {self._origins[index][1] for index in columns if self._origins[index][0] is table}
        others = self._others if table is self._rows else [table]
        keys = {table.place(label) for other in others for label in other.spec.key}
        if table.spec.order is not None:
            keys.add(table.place(table.spec.order))
        places = sorted(wanted | keys)
        pieces: list[RawBatch] = []
        for task in table.source.tasks(places, advance):
            pieces += task()
        lines = [piece.lines for piece in pieces]
        shape = BadCells()
        for piece in pieces:
            shape.extend(piece.shape)
        whole = {place: _together([piece.columns[place] for piece in pieces]) for place in places}
        loaded = Whole(whole, np.concatenate(lines) if lines else np.zeros(0, np.int64), shape)
        if len(shape) and table is not self._rows:
            self._seen.append(
                f"{table.source.name}: {len(shape):,} rows have too few or too many columns and "
                "were left out"
            )
        return loaded

    def _keys(self, table: Table, rows: Whole, other: Whole) -> tuple[Places, Places]:
        """The keys of both tables as numbers: equal where all columns are equal."""
        left = np.zeros(len(rows.lines), np.int64)
        right = np.zeros(len(other.lines), np.int64)
        for label in table.spec.key:
            ours = _key_texts(rows.columns[self._rows.place(label)])
            theirs = _key_texts(other.columns[table.place(label)])
            codes = pa.concat_arrays([ours, theirs]).dictionary_encode().indices.fill_null(-1)
            numbers = codes.to_numpy(zero_copy_only=False).astype(np.int64) + 1
            size = int(numbers.max(initial=0)) + 1
            # factorised again after each column, so the product stays small
            both = np.concatenate([left, right]) * size + numbers
            both = np.unique(both, return_inverse=True)[1].astype(np.int64)
            left, right = both[: len(left)], both[len(left) :]
        return left, right

    def _parents(self, table: Table, rows: Whole, other: Whole) -> Places:
        """For each row the place of its parent, -1 where it has none."""
        left, right = self._keys(table, rows, other)
        order = np.argsort(right, kind="stable")
        twice = len(right) - len(np.unique(right))
        if twice:
            self._seen.append(
                f"{table.source.name}: {twice:,} rows repeat the key of an earlier one; "
                "the first counts"
            )
        at = _found(left, right, order)
        orphans = int((at < 0).sum())
        if orphans:
            self._seen.append(
                f"{self.name}: {orphans:,} rows have no {table.name} in {table.source.name}"
            )
        return at

    def _ranked(self, table: Table, rows: Whole, other: Whole) -> list[Places]:
        """For each number in the list, where in the table that item of each row stands."""
        left, right = self._keys(table, rows, other)
        at = _found(right, left, np.argsort(left, kind="stable"))
        orphans = int((at < 0).sum())
        if orphans:
            self._seen.append(
                f"{table.source.name}: {orphans:,} rows belong to no row of {self.name}"
            )
        assert table.spec.order is not None
        sequence = _sequence(other.columns[table.place(table.spec.order)])
        order = np.lexsort((np.arange(len(at)), sequence, at))
        order = order[at[order] >= 0]
        owners = at[order]
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]]) if len(owners) else owners
        sizes = np.diff(np.r_[starts, len(owners)])
        ranks = np.arange(len(owners)) - np.repeat(starts, sizes)
        most = int(ranks.max(initial=-1)) + 1
        limit = max(len(members(family)) for family in table.spec.lists)
        if most > limit:
            beyond = int((ranks >= limit).sum())
            self._seen.append(
                f"{table.source.name}: {beyond:,} rows beyond number {limit} left out"
            )
        ranked = []
        for number in range(min(most, limit)):
            mine = ranks == number
            places = np.full(len(left), -1, np.int64)
            places[owners[mine]] = order[mine]
            ranked.append(places)
        return ranked


def _found(wanted: Places, keys: Places, order: Places) -> Places:
    """For each wanted key the place of its first occurrence in `keys`, -1 for none."""
    if len(keys) == 0:
        return np.full(len(wanted), -1, np.int64)
    inorder = keys[order]
    at = np.searchsorted(inorder, wanted)
    inside = np.minimum(at, len(keys) - 1)
    return np.where(inorder[inside] == wanted, order[inside], -1)


def _alone(raw: RawBatch) -> list[RawBatch]:
    return [raw]


def _taken(array: pa.Array, at: Places) -> pa.Array:
    return array.take(pa.array(at, mask=at < 0))


def _together(arrays: list[pa.Array]) -> pa.Array:
    """Pieces of a column as one array; texts as dictionary."""
    if not arrays:
        return pa.nulls(0)
    if is_text(arrays[0].type):
        arrays = [as_dictionary(array) for array in arrays]
        whole = pa.chunked_array(arrays).unify_dictionaries()
        return pa.concat_arrays(whole.chunks) if whole.num_chunks else arrays[0]
    return pa.concat_arrays(arrays)


def _key_texts(array: pa.Array) -> pa.Array:
    """Ids as text: 7 and 7.0 and ' 7 ' are one."""
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_floating(array.type):
        array = array.cast(pa.int64(), safe=False)
    texts = array.cast(pa.string())
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"\.0*$", "")


def _sequence(array: pa.Array) -> Places:
    """The order column as numbers; what is no number comes last, in the order of the file."""
    texts: list[Any] = _key_texts(array).to_pylist()
    last = np.iinfo(np.int64).max
    return np.array(
        [int(text) if text is not None and text.isdecimal() else last for text in texts], np.int64
    )
