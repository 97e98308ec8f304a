"""Writes the admitted extract in any layout: what `tariff.extract` does, the other way round.

Names or positions, formats of dates, times and money, dots in codes, and several tables where the
layout has them. What a layout has no place for is lost; what it is known by but we have not (a key
of its own, a second total) is filled in.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.errors import UsageError
from tariff.extract.fields import field_of
from tariff.extract.layout import ColumnSpec, Layout, TableSpec, find_layout, plain
from tariff.extract.values import strptime_format
from tariff.simulate.billing import last_rows
from tariff.simulate.columns import SCHEMA
from tariff.simulate.folder import made_folder
from tariff.simulate.output import Progress, Writer, as_text, renamed, write_extract, writer_of

TEXT = pa.string()
MINUTES = [time(minute // 60, minute % 60) for minute in range(24 * 60)]
# Columns that some layouts are known by, and what stands in them.
TOTALS = ("Tariff Total Payment National",)
ROW_KEYS = ("EPIKEY", "EPISODES_ID")
SPELL_KEYS = ("PRIMARYKEY_ID",)


def write_in_layout(
    target: str | os.PathLike[str],
    batches: Iterable[pa.RecordBatch],
    layout: str | os.PathLike[str] | Layout,
    *,
    progress: Progress | None = None,
) -> int:
    """Write the extract in a layout: to a file, or to a folder where it has several tables."""
    known = find_layout(layout)
    path = Path(target)
    if known.tables:
        if path.suffix:
            raise UsageError(
                f"The layout {known.id} has {len(known.tables)} tables and needs a folder.",
                hint=f"Write to {path.with_suffix('')} instead.",
            )
        return _write_tables(path, batches, known, progress)
    writing = Writing(known)
    columns = _places(known)
    schema = pa.schema([(name, TEXT) for name, _ in columns])
    counter = Counter()

    def rows() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            view = View(batch, counter)
            arrays = [writing.cell(view, name, spec) for name, spec in columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return write_extract(
        path, rows(), progress=progress, schema=schema, header=known.header != "no"
    )


@dataclass
class Counter:
    """Numbers given to rows and spells so far."""

    rows: int = 0
    spells: int = 0


@dataclass
class Place:
    """What stands in a column of the layout: a canonical column, or something of its own."""

    canonical: str = ""
    spec: ColumnSpec | None = None


@dataclass
class View:
    """A batch with the numbers of its rows and spells."""

    batch: pa.RecordBatch
    counter: Counter
    row: pa.Array = field(init=False)
    spell: pa.Array = field(init=False)
    last: pa.Array = field(init=False)

    def __post_init__(self) -> None:
        count = self.batch.num_rows
        last = last_rows(self.batch) if count else np.zeros(0, dtype=np.bool_)
        number = np.cumsum(np.r_[True, last[:-1]]) if count else np.zeros(0, dtype=np.int64)
        self.row = pa.array(np.arange(count) + self.counter.rows + 1).cast(TEXT)
        self.spell = pa.array(number + self.counter.spells).cast(TEXT)
        self.last = pa.array(last)
        self.counter.rows += count
        self.counter.spells += int(last.sum())


def _places(layout: Layout) -> list[tuple[str, Place]]:
    """Return the columns of a file in order: by position where there are positions."""
    specs = {name: spec for name, spec in layout.specs().items() if spec.constant is None}
    found = [
        (str(spec.column or f"column {spec.position}"), Place(name, spec))
        for name, spec in specs.items()
    ]
    positions = [place.spec.position for _, place in found if place.spec is not None]
    if any(position is not None for position in positions):
        last = max(position or 0 for position in positions)
        row = [(f"unused {i + 1}", Place()) for i in range(last)]
        for label, place in found:
            assert place.spec is not None
            if place.spec.position is not None:
                row[place.spec.position - 1] = (label, place)
        return row
    labels = {plain(label) for label, _ in found}
    return found + [(name, Place()) for name in layout.recognise if plain(name) not in labels]


class Writing:
    """How a layout writes its cells."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.date_format = strptime_format(layout.date_formats[0])
        form = strptime_format(layout.time_formats[0])
        self.times = pa.array([moment.strftime(form) for moment in MINUTES])

    def cell(self, view: View, label: str, place: Place) -> pa.Array:
        """Return a column of the file."""
        if place.canonical:
            return self.column(view.batch, place.canonical, place.spec)
        if label in ROW_KEYS:
            return view.row
        if label in SPELL_KEYS:
            return view.spell
        if label in TOTALS:
            return self.column(view.batch, "billed_total", None)
        return pa.nulls(view.batch.num_rows, TEXT)

    def column(self, batch: pa.RecordBatch, name: str, spec: ColumnSpec | None) -> pa.Array:
        """Return a canonical column as the layout writes it; blank where we have none."""
        if name == "billed_mff_amount":
            amount = pc.subtract(batch["billed_total"], batch["billed_price"])
            return self._money(amount)
        if name not in batch.schema.names:
            return pa.nulls(batch.num_rows, TEXT)
        known, array = field_of(name), batch[name]
        assert known is not None
        if known.type == "date":
            return pc.strftime(array, format=self.date_format)
        if known.type == "time":
            return self.times.take(pc.divide(array.cast(pa.int32()), 60))
        if known.type == "money":
            return self._money(array)
        if known.type == "factor":
            return as_text(pa.RecordBatch.from_arrays([array], names=[name]))[name]
        text = array.cast(TEXT)
        if known.type == "clinical" and spec is not None and "." in spec.strip:
            dotted = pc.binary_join_element_wise(
                pc.utf8_slice_codeunits(text, 0, 3), pc.utf8_slice_codeunits(text, 3), "."
            )
            text = pc.if_else(pc.greater(pc.utf8_length(text), 3), dotted, text)
        return text

    def _money(self, array: pa.Array) -> pa.Array:
        if self.layout.money == "pence":
            array = pc.multiply(array, pa.scalar(100)).cast(pa.int64())
        return array.cast(TEXT)


# ---------------------------------------------------------------- several tables


def _write_tables(
    folder: Path,
    batches: Iterable[pa.RecordBatch],
    layout: Layout,
    progress: Progress | None,
) -> int:
    """Write each table of the layout to a CSV file of its name."""
    made_folder(folder)
    tables = Tables(layout)
    counter, rows = Counter(), 0
    with contextlib.ExitStack() as files:
        writers: dict[str, Writer] = {}
        for name, spec in layout.tables.items():
            stream = files.enter_context(renamed(folder / f"{name}.csv"))
            schema = pa.schema([(label, TEXT) for label in tables.labels(spec)])
            writer = writer_of(f"{name}.csv", stream, schema)
            writers[name] = files.enter_context(contextlib.closing(writer))
        for batch in batches:
            view = View(batch, counter)
            for name, spec in layout.tables.items():
                writers[name].write(tables.rows(view, spec))
            rows += batch.num_rows
            if progress is not None:
                progress(batch.num_rows)
    return rows


class Tables:
    """The tables of a layout of several."""

    def __init__(self, layout: Layout) -> None:
        self.writing = Writing(layout)
        main = next(table for table in layout.tables.values() if table.role == "rows")
        # What the columns of the rows are called, to fill in what a parent repeats.
        self.meaning = {
            plain(str(spec.column)): name
            for name, spec in main.columns.items()
            if spec.column is not None
        }

    def labels(self, table: TableSpec) -> list[str]:
        """Return the columns of a table: keys, order, what is mapped, what it is known by."""
        mapped = [str(s.column) for s in (table.columns | table.lists).values() if s.column]
        order = [str(table.order)] if table.order is not None else []
        wanted = [*map(str, table.key), *order, *map(str, table.recognise), *mapped]
        return list(dict.fromkeys(wanted))

    def rows(self, view: View, table: TableSpec) -> pa.RecordBatch:
        """Return the rows of a table: one an episode, one a spell, or one a code."""
        if table.role == "list":
            return self._list(view, table)
        mapped = {plain(str(spec.column)): name for name, spec in table.columns.items()}
        arrays = []
        for label in self.labels(table):
            name = mapped.get(plain(label)) or self._repeated(label)
            place = Place(name, table.columns.get(name)) if name else Place()
            arrays.append(self.writing.cell(view, label, place))
        batch = pa.RecordBatch.from_arrays(arrays, names=self.labels(table))
        return batch.filter(view.last) if table.role == "parent" else batch

    def _repeated(self, label: str) -> str:
        """Return the canonical column that a table repeats under a name such as `spell.…`."""
        for name in (label, label.removeprefix("spell.")):
            if found := self.meaning.get(plain(name)):
                return found
        return ""

    def _list(self, view: View, table: TableSpec) -> pa.RecordBatch:
        """Return one row for each code of each episode, numbered from 1."""
        lead = next(iter(table.lists))
        families = {
            family: [name for name in SCHEMA.names if name[:-3] == family] for family in table.lists
        }
        parts: list[pa.RecordBatch] = []
        for number, column in enumerate(families[lead]):
            there = pc.is_valid(view.batch[column])
            arrays = []
            for label in self.labels(table):
                family = next(
                    (name for name, spec in table.lists.items() if str(spec.column) == label), ""
                )
                if family:
                    members = families[family]
                    array = (
                        self.writing.column(view.batch, members[number], table.lists[family])
                        if number < len(members)
                        else pa.nulls(view.batch.num_rows, TEXT)
                    )
                elif label == str(table.order):
                    array = pa.array([str(number + 1)] * view.batch.num_rows, TEXT)
                else:
                    array = self.writing.cell(view, label, Place())
                arrays.append(array)
            part = pa.RecordBatch.from_arrays(arrays, names=self.labels(table))
            parts.append(part.filter(there))
        whole = pa.Table.from_batches(parts)
        return pa.RecordBatch.from_arrays(
            [_one(column) for column in whole.columns], names=whole.column_names
        )


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
