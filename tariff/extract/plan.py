"""Which column of a file becomes which canonical column, and the conversion of a batch.

A `Plan` is a layout resolved against the header of one file. `convert` takes the raw columns of a
batch (n rows) and gives the canonical batch of the rows that can be read, and the bad cells of the
rest. It holds no state but the memory of dictionaries, so batches may be converted in threads.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tariff.errors import DataError
from tariff.extract.arrays import Memory, UnfitTypeError, convert
from tariff.extract.fields import ARROW_TYPE, Field, field_of
from tariff.extract.rejects import BadCells, masked
from tariff.extract.values import EXPECTED, Cleaning, Mask, Reading, looks_like_money
from tariff.schemas import MFF_UNIT, ROW_COLUMNS

Lines = npt.NDArray[np.int64]


@dataclass(slots=True)
class Column:
    """One canonical column of a file: where its cells come from and how they are read.

    `source` is the position in the file's header (from 0); None for a constant. `label` is what
    the column is called in the file.
    """

    name: str
    field: Field
    source: int | None
    label: str
    constant: str = ""
    cleaning: Cleaning = dataclasses.field(default_factory=Cleaning)
    memory: Memory = dataclasses.field(default_factory=Memory)

    def __post_init__(self) -> None:
        if self.field.lower:
            self.cleaning = dataclasses.replace(self.cleaning, lower=True)
        if self.field.spellings:
            values = {**dict(self.field.spellings), **self.cleaning.values}  # a layout goes first
            self.cleaning = dataclasses.replace(self.cleaning, values=values)


@dataclass(slots=True)
class RawBatch:
    """Rows as they stand in a file: its columns by position, and the line of each row.

    `shape` has the bad cells of rows with too few or too many columns, which are not in `columns`.
    """

    columns: dict[int, pa.Array]
    lines: Lines
    shape: BadCells = dataclasses.field(default_factory=BadCells)


@dataclass(slots=True)
class Converted:
    """A canonical batch without the rejected rows, and what was left out."""

    batch: pa.RecordBatch
    bad: BadCells
    rows_bad: int
    rows_blank: int  # rows without any value: no records, neither read nor rejected


@dataclass(slots=True)
class Plan:
    """The canonical columns of one file. `names` are those of the whole extract, in order."""

    columns: list[Column]
    reading: Reading
    names: list[str]
    file: str  # as messages show it
    index: int  # its place among the files
    dataset: str = "episodes"

    @property
    def sources(self) -> list[int]:
        """Positions of the columns that are read, ascending."""
        return sorted({column.source for column in self.columns if column.source is not None})

    def convert(self, raw: RawBatch) -> Converted:
        """The rows of a batch that can be read, and the bad cells of the others."""
        rows = len(raw.lines)
        arrays: dict[str, pa.Array] = {}
        bad: dict[str, Mask] = {}
        missing: dict[str, Mask] = {}  # keys without a text; one that cannot be read is bad alone
        for column in self.columns:
            array, mask = self._column(column, raw, rows)
            arrays[column.name] = array
            if column.field.key and array.null_count:
                null = np.asarray(array.is_null())
                missing[column.name] = null if mask is None else null & ~mask
                mask = null if mask is None else mask | null
            if mask is not None and mask.any():
                bad[column.name] = mask
        lines = raw.lines
        found = BadCells()
        rows_bad = rows_blank = 0
        if bad:
            refused = np.logical_or.reduce(list(bad.values()))
            blank = self._blank(refused, arrays, bad)
            rows_blank = int(blank.sum())
            rows_bad = int(refused.sum()) - rows_blank
            found = self._bad_cells(raw, arrays, bad, missing, blank)
            keep = pa.array(~refused)
            arrays = {name: array.filter(keep) for name, array in arrays.items()}
            lines = lines[~refused]
        if len(raw.shape):
            rows_bad += len(raw.shape)
            found = _merged(found, raw.shape)
        return Converted(self._batch(arrays, lines), found, rows_bad, rows_blank)

    def _column(self, column: Column, raw: RawBatch, rows: int) -> tuple[pa.Array, Mask | None]:
        if column.source is None:
            array: pa.Array = pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(rows, np.int32)), pa.array([column.constant], pa.string())
            )
        else:
            array = raw.columns[column.source]
        try:
            return convert(array, column.field.type, column.cleaning, self.reading, column.memory)
        except UnfitTypeError as error:
            raise DataError(
                f"{self.file}: column '{column.label}' is of type {error}, "
                f"which cannot be read as {column.field.type} ({column.name})",
                hint="write it as text, or map another column in a layout",
            ) from None

    def _blank(self, refused: Mask, arrays: dict[str, pa.Array], bad: dict[str, Mask]) -> Mask:
        """Of the refused rows those without any value."""
        blank = refused.copy()
        constants = {column.name for column in self.columns if column.source is None}
        for name, array in arrays.items():
            if not blank.any():
                break
            if name not in constants:
                blank &= np.asarray(array.is_null())
        for column in self.columns:
            if column.name in bad and not column.field.key:
                blank &= ~bad[column.name]
        return blank

    def _bad_cells(
        self,
        raw: RawBatch,
        arrays: dict[str, pa.Array],
        bad: dict[str, Mask],
        missing: dict[str, Mask],
        blank: Mask,
    ) -> BadCells:
        cells: list[tuple[int, int, str, str | None, str]] = []
        for place, column in enumerate(self.columns):
            mask = bad.get(column.name)
            if mask is None:
                continue
            rows = np.flatnonzero(mask & ~blank)
            gone_of = missing.get(column.name, np.zeros(len(mask), bool))[rows]
            texts = _texts(raw, column, rows)
            reason = self._reason(column)
            for row, gone, text in zip(rows.tolist(), gone_of.tolist(), texts, strict=True):
                if gone:
                    cells.append((row, place, column.label, None, "missing"))
                else:
                    value = masked(text, column.field.type)
                    why = reason
                    if column.field.type == "factor" and text and looks_like_money(text):
                        why += "; map money to billed_mff_amount"
                    cells.append((row, place, column.label, value, why))
        cells.sort(key=lambda cell: cell[:2])
        found = BadCells()
        billed = _billed(arrays, sorted({cell[0] for cell in cells}))
        for row, _, label, value, reason in cells:
            found.add(int(raw.lines[row]), label, value, reason, billed.pop(row, None))
        return found

    def _reason(self, column: Column) -> str:
        expected = EXPECTED.get(column.field.type, "cannot be read")
        if column.field.type == "date":
            return f"{expected} ({' or '.join(self.reading.date_formats)})"
        if column.field.type == "time":
            return f"{expected} ({' or '.join(self.reading.time_formats)})"
        return expected

    def _batch(self, arrays: dict[str, pa.Array], lines: Lines) -> pa.RecordBatch:
        rows = len(lines)
        columns = [
            arrays[name] if name in arrays else _nulls(name, rows, self.dataset)
            for name in self.names
        ]
        columns += [pa.array(np.full(rows, self.index, np.int32)), pa.array(lines)]
        return pa.RecordBatch.from_arrays(columns, schema=batch_schema(self.names, self.dataset))


def batch_schema(names: list[str], dataset: str = "episodes") -> pa.Schema:
    """The schema of the batches of an extract with these canonical columns."""
    fields = [pa.field(name, ARROW_TYPE[_field(name, dataset).type]) for name in names]
    return pa.schema([*fields, *ROW_COLUMNS])


def _field(name: str, dataset: str) -> Field:
    found = field_of(name, dataset)
    if found is None:
        raise KeyError(name)
    return found


def _nulls(name: str, rows: int, dataset: str) -> pa.Array:
    form = ARROW_TYPE[_field(name, dataset).type]
    if pa.types.is_dictionary(form):
        return pa.DictionaryArray.from_arrays(
            pa.nulls(rows, pa.int32()), pa.array([], form.value_type)
        )
    return pa.nulls(rows, form)


def _texts(raw: RawBatch, column: Column, rows: npt.NDArray[np.intp]) -> list[str | None]:
    """The cells of some rows as they stand in the file."""
    if column.source is None:
        return [column.constant] * len(rows)
    taken: list[Any] = raw.columns[column.source].take(pa.array(rows)).to_pylist()
    return [None if value is None else str(value) for value in taken]


def _billed(arrays: dict[str, pa.Array], rows: list[int]) -> dict[int, int]:
    """What counts as billed on rejected rows, in pence, where it can be read (docs/money.md)."""

    def cells(name: str) -> list[int | None]:
        if name not in arrays:
            return [None] * len(rows)
        taken: list[int | None] = arrays[name].take(pa.array(rows, pa.int64())).to_pylist()
        return taken

    found: dict[int, int] = {}
    for row, total, price, amount, factor in zip(
        rows,
        cells("billed_total"),
        cells("billed_price"),
        cells("billed_mff_amount"),
        cells("billed_mff"),
        strict=True,
    ):
        if total is not None:
            found[row] = total
        elif price is not None and amount is not None:
            found[row] = price + amount
        elif price is not None and factor is not None:
            product = abs(price * factor)
            rounded = (2 * product + MFF_UNIT) // (2 * MFF_UNIT)
            found[row] = rounded if (price < 0) == (factor < 0) else -rounded
        elif price is not None:
            found[row] = price
    return found


def _merged(cells: BadCells, shape: BadCells) -> BadCells:
    """Bad cells and misshapen rows of one batch, by line."""
    both = BadCells()
    both.extend(cells)
    both.extend(shape)
    order = sorted(range(len(both)), key=both.lines.__getitem__)
    merged = BadCells()
    for place in order:
        merged.add(
            both.lines[place],
            both.columns[place],
            both.values[place],
            both.reasons[place],
            both.billed[place],
        )
    return merged
