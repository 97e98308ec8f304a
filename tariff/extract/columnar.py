"""Parquet files, Arrow streams and Excel sheets as raw batches.

Rows of a Parquet file or a dataframe are counted from 1; those of a sheet as Excel shows them.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tariff.errors import DataError, UsageError
from tariff.extract.arrays import is_text
from tariff.extract.plan import RawBatch
from tariff.extract.source import Advance, Digest, HashThread, InputFile, Task, input_file

LARGEST_GROUP = 1 << 20  # rows of a row group that is read in one piece
PIECE = 1 << 18  # rows of a piece of anything larger
SHEET_PIECE = 1 << 14


def _lines(first: int, rows: int) -> Any:
    return np.arange(first, first + rows, dtype=np.int64)


class ParquetSource:
    """A Parquet file, read by row group; text columns come as dictionaries."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.notices: list[str] = []
        self._path = path
        self._digest: Digest | None = None
        try:
            metadata = pq.read_metadata(path)
            schema = metadata.schema.to_arrow_schema()
        except (pa.ArrowException, OSError):
            raise DataError(
                f"{name}: the Parquet file is cut short or damaged", hint="copy or export it again"
            ) from None
        self.header: list[str] = schema.names
        self.rows: int = metadata.num_rows
        self._metadata = metadata
        self._texts = [field.name for field in schema if is_text(field.type)]
        self._handles = threading.local()

    def inputs(self, rows: int) -> list[InputFile]:
        """See Source."""
        return [input_file(self.name, self._digest, rows)]

    def finish(self) -> list[str]:
        """See Source."""
        return []

    def tasks(self, columns: list[int], advance: Advance) -> Iterator[Task]:
        """See Source."""
        hashing = HashThread(self._path, advance)
        try:
            names = [self.header[index] for index in columns]
            first = 1
            groups = self._metadata.num_row_groups
            for group in range(groups):
                rows = self._metadata.row_group(group).num_rows
                if rows > LARGEST_GROUP:
                    yield from self._pieces(group, names, columns, first)
                elif rows:
                    yield partial(self._group, group, names, columns, first, groups == 1)
                first += rows
            self._digest = hashing.result(self.name)
        finally:
            hashing.stop()

    def _file(self, names: list[str]) -> Any:
        file = getattr(self._handles, "file", None)
        if file is None:
            wanted = set(names)
            file = pq.ParquetFile(
                self._path,
                metadata=self._metadata,
                read_dictionary=[text for text in self._texts if text in wanted],
            )
            self._handles.file = file
        return file

    def _group(
        self, group: int, names: list[str], columns: list[int], first: int, threads: bool
    ) -> list[RawBatch]:
        try:
            table = self._file(names).read_row_group(group, columns=names, use_threads=threads)
        except (pa.ArrowException, OSError):
            raise self._damaged() from None
        found: list[RawBatch] = []
        for batch in table.to_batches():
            found.append(_raw(batch, names, columns, first))
            first += batch.num_rows
        return found

    def _pieces(
        self, group: int, names: list[str], columns: list[int], first: int
    ) -> Iterator[Task]:
        try:
            for batch in self._file(names).iter_batches(PIECE, [group], columns=names):
                yield partial(_one, batch, names, columns, first)
                first += batch.num_rows
        except (pa.ArrowException, OSError):
            raise self._damaged() from None

    def _damaged(self) -> DataError:
        return DataError(
            f"{self.name}: the Parquet file is damaged", hint="copy or export it again"
        )


def _raw(batch: pa.RecordBatch, names: list[str], columns: list[int], first: int) -> RawBatch:
    arrays = {
        index: batch.column(batch.schema.get_field_index(name))
        for index, name in zip(columns, names, strict=True)
    }
    return RawBatch(arrays, _lines(first, batch.num_rows))


def _one(batch: pa.RecordBatch, names: list[str], columns: list[int], first: int) -> list[RawBatch]:
    return [_raw(batch, names, columns, first)]


def _numbered(batch: pa.RecordBatch, columns: list[int], first: int) -> list[RawBatch]:
    arrays = {index: batch.column(index) for index in columns}
    return [RawBatch(arrays, _lines(first, batch.num_rows))]


class ArrowSource:
    """Anything with `__arrow_c_stream__`: a pyarrow table, a polars or pandas dataframe."""

    def __init__(self, data: Any, name: str = "dataframe") -> None:
        self.name = name
        self.notices: list[str] = []
        self._table: pa.Table | None = None
        self._stream: Any = None
        if isinstance(data, pa.RecordBatch):
            data = pa.Table.from_batches([data])
        if isinstance(data, pa.Table):
            self._table = data
            self.header: list[str] = data.schema.names
        elif hasattr(data, "__arrow_c_stream__"):
            self._stream = pa.RecordBatchReader.from_stream(data)
            self.header = self._stream.schema.names
        else:
            raise UsageError(
                f"a {type(data).__name__} is not an Arrow table",
                hint="give a pyarrow.Table, or a dataframe of polars, pandas (2.2 or later) "
                "or DuckDB",
            )
        self._bytes = 0

    def inputs(self, rows: int) -> list[InputFile]:
        """See Source. The size is that in memory; there is no file to hash."""
        return [InputFile(self.name, self._bytes, "", rows)]

    def finish(self) -> list[str]:
        """See Source."""
        return []

    def tasks(self, columns: list[int], advance: Advance) -> Iterator[Task]:
        """See Source. A stream can be read once."""
        if self._table is not None:
            batches: Any = self._table.to_batches(max_chunksize=PIECE)
        elif self._stream is not None:
            batches, self._stream = self._stream, None
        else:
            raise UsageError(
                "the stream has been read", hint="open the extract again for a second pass"
            )
        first = 1
        self._bytes = 0
        for whole in batches:
            for start in range(0, whole.num_rows, PIECE):
                batch = whole.slice(start, PIECE)
                self._bytes += batch.nbytes
                yield partial(_numbered, batch, columns, first)
                first += batch.num_rows


class XlsxSource:
    """One sheet of an Excel workbook (the first, or the one the layout names)."""

    def __init__(
        self, path: Path, name: str, *, header: bool = True, skip_lines: int = 0, sheet: str = ""
    ) -> None:
        self.name = name
        self.notices: list[str] = []
        self._path = path
        self._sheet = sheet
        self._digest: Digest | None = None
        self.header: list[str] = []
        self._first = 0  # rows before the first row of data
        self.width = 0
        for number, row in self._rows():
            if number <= skip_lines or not any(row):
                continue
            self.width = len(row)
            if header:
                self.header = [(cell or "").strip() for cell in row]
            self._first = number if header else number - 1
            break
        else:
            raise DataError(f"{name}: the sheet is empty", hint="check `sheet` of the layout")

    def inputs(self, rows: int) -> list[InputFile]:
        """See Source."""
        return [input_file(self.name, self._digest, rows)]

    def finish(self) -> list[str]:
        """See Source."""
        return []

    def tasks(self, columns: list[int], advance: Advance) -> Iterator[Task]:
        """See Source."""
        hashing = HashThread(self._path, advance)
        try:
            rows: list[tuple[int, list[str | None]]] = []
            for number, row in self._rows():
                if number > self._first and any(row):
                    rows.append((number, row))
                if len(rows) == SHEET_PIECE:
                    yield partial(_sheet_batch, rows, columns)
                    rows = []
            if rows:
                yield partial(_sheet_batch, rows, columns)
            self._digest = hashing.result(self.name)
        finally:
            hashing.stop()

    def _rows(self) -> Iterator[tuple[int, list[str | None]]]:
        """Rows of the sheet as text, with their numbers."""
        import openpyxl

        with self._path.open("rb") as file:  # not by its name: what it holds counts
            book = self._guarded(openpyxl.load_workbook, file, read_only=True, data_only=True)
            if self._sheet and self._sheet not in book.sheetnames:
                raise DataError(
                    f"{self.name}: there is no sheet '{self._sheet}'",
                    hint=f"sheets: {', '.join(book.sheetnames)}",
                )
            if not book.worksheets:
                raise DataError(f"{self.name}: the workbook has no sheet of cells")
            sheet = book[self._sheet] if self._sheet else book.worksheets[0]
            sheet.reset_dimensions()
            rows = enumerate(sheet.iter_rows(values_only=True), 1)
            while (found := self._guarded(next, rows, None)) is not None:
                number, row = found
                yield number, [_cell(cell) for cell in row]

    def _guarded(self, call: Callable[..., Any], *given: Any, **options: Any) -> Any:
        """A call of openpyxl, without its warnings; whatever it trips over is the file's fault."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return call(*given, **options)
            except Exception:
                raise DataError(
                    f"{self.name}: this is not an Excel workbook, or it is damaged",
                    hint="unpack a zip first; save a workbook again as .xlsx",
                ) from None


def _cell(cell: Any) -> str | None:
    """A cell of a sheet as a file would write it."""
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d" if cell.time() == time() else "%Y-%m-%d %H:%M:%S")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.strftime("%H:%M")
    return str(cell)


def _sheet_batch(rows: list[tuple[int, list[str | None]]], columns: list[int]) -> list[RawBatch]:
    arrays = {
        index: pa.array(
            [row[index] if index < len(row) else None for _, row in rows], pa.string()
        ).dictionary_encode()
        for index in columns
    }
    return [RawBatch(arrays, np.array([number for number, _ in rows], np.int64))]
