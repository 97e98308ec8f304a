"""Reads tables from the sheets of a workbook as text, with the place of every cell.

Formulas count by the value that was saved with them. What cannot be read as one plain table
(merged cells, formulas never calculated, error values, dates) is a mistake, never a guess.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from openpyxl.utils import get_column_letter

from tariff.errors import DataError, UsageError
from tariff.packs.importing.mistakes import Mistakes, Place
from tariff.packs.problems import did_you_mean

MAX_BYTES = 64 * 1024 * 1024
MAX_UNPACKED = 1024**3
MAX_ROWS = 400_000
HEADER_ROWS = 30  # how far down a header is looked for, to say where it is

Cell = str | None  # "" is blank; None was wrong and has been told


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet, counted from 1, with its header as it stands there."""

    index: int
    header: str


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A table of a sheet: its columns by what the mapping calls them, its rows by number."""

    sheet: str
    columns: dict[str, Column]
    rows: list[tuple[int, dict[str, Cell]]]

    def at(self, row: int, column: str) -> Place:
        """The place of a cell."""
        found = self.columns[column]
        return Place(self.sheet, row, found.index, found.header)


class Workbook:
    """An open workbook. Mistakes go to `mistakes`."""

    def __init__(self, path: Path, mistakes: Mistakes) -> None:
        self.name = path.name
        self.mistakes = mistakes
        self._data = _read(path)
        self.sha256 = hashlib.sha256(self._data).hexdigest()
        self._book = self._opened(values=False)
        self._values: Any = None  # the same with the values of formulas, where there are any

    def table(
        self,
        sheet: str,
        header_row: int,
        columns: Mapping[str, str],
        *,
        others: Callable[[str], str] | None = None,
    ) -> SheetTable | None:
        """Read the columns with these headers; None where the sheet or a column is not there.

        `others` gives a name to a further column by its header, blank where it is not wanted.
        """
        found = self._sheet(sheet)
        if found is None:
            return None
        headers = self._headers(found, header_row)
        named = self._columns(found, header_row, headers, columns)
        if named is None:
            return None
        if others is not None:
            taken = {column.index for column in named.values()}
            for column in headers:
                name = "" if column.index in taken else others(column.header)
                if name in named:
                    where = Place(found.title, header_row, column.index, column.header)
                    self.mistakes.add(where, "this column is there twice", "keep one")
                elif name:
                    named[name] = column
        if found.max_row > MAX_ROWS:
            self.mistakes.add(
                Place(found.title),
                f"the sheet reaches down to row {found.max_row:,}; at most {MAX_ROWS:,} are read",
                "delete the rows below the table",
            )
            return None
        merged = self._merged(found, header_row, named)
        rows = list(self._rows(found, header_row, named, merged))
        if not rows:
            self.mistakes.add(Place(found.title, header_row), "there is no row below the header")
        return SheetTable(found.title, named, rows)

    # ------------------------------------------------------------ finding

    def _opened(self, *, values: bool) -> Any:
        import openpyxl

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return openpyxl.load_workbook(io.BytesIO(self._data), data_only=values)
            except Exception:  # whatever openpyxl trips over is the file's fault
                raise _not_a_workbook(self.name) from None

    def _sheet(self, wanted: str) -> Any:
        names = {sheet.title: sheet for sheet in self._book.worksheets}
        for name, sheet in names.items():
            if _folded(name) == _folded(wanted):
                return sheet
        hint = did_you_mean(wanted, set(names), "sheets") or "name it in the mapping"
        self.mistakes.add(Place(wanted), "there is no such sheet", hint)
        return None

    def _headers(self, sheet: Any, row: int) -> list[Column]:
        """The headers that are given in a row."""
        cells = [] if row > sheet.max_row else sheet[row]
        texts = ((cell.column, self._text(sheet, cell, "")) for cell in cells)
        return [Column(index, text) for index, text in texts if text]

    def _columns(
        self, sheet: Any, row: int, headers: list[Column], wanted: Mapping[str, str]
    ) -> dict[str, Column] | None:
        if not headers:
            empty = sheet.max_row == sheet.max_column == 1
            message = "the sheet is empty" if empty else "no header stands in this row"
            self.mistakes.add(Place(sheet.title, 0 if empty else row), message)
            return None
        named: dict[str, Column] = {}
        taken = {_folded(header) for header in wanted.values()}
        free = {column.header for column in headers if _folded(column.header) not in taken}
        for name, header in wanted.items():
            fitting = [column for column in headers if _folded(column.header) == _folded(header)]
            if len(fitting) == 1:
                named[name] = fitting[0]
            elif fitting:
                letters = " and ".join(get_column_letter(column.index) for column in fitting)
                message = f"column '{header}' is there twice, in {letters}"
                self.mistakes.add(Place(sheet.title, row), message, "rename one")
            else:
                hint = self._elsewhere(sheet, row, header) or did_you_mean(header, free, "columns")
                self.mistakes.add(Place(sheet.title, row), f"there is no column '{header}'", hint)
        return named if len(named) == len(wanted) else None

    def _elsewhere(self, sheet: Any, not_here: int, header: str) -> str:
        """Where a header stands, should it be in another row."""
        for row in range(1, min(sheet.max_row, HEADER_ROWS) + 1):
            texts = {_folded(str(cell.value)) for cell in sheet[row] if cell.value is not None}
            if row != not_here and _folded(header) in texts:
                return f"it stands in row {row}; write header_row: {row} in the mapping"
        return ""

    # ------------------------------------------------------------ cells

    def _merged(
        self, sheet: Any, header_row: int, columns: Mapping[str, Column]
    ) -> set[tuple[int, int]]:
        """The cells of the table that are merged with others; each range is told."""
        wanted = {column.index: column.header for column in columns.values()}
        cells: set[tuple[int, int]] = set()
        for area in sheet.merged_cells.ranges:
            inside = [index for index in range(area.min_col, area.max_col + 1) if index in wanted]
            if not inside or area.max_row < header_row:
                continue
            place = Place(sheet.title, area.min_row, inside[0], wanted[inside[0]])
            self.mistakes.add(place, f"{area.coord} is merged", "unmerge it and fill each cell")
            cells |= {(row, index) for row in range(area.min_row, area.max_row + 1)
                      for index in inside}  # fmt: skip
        return cells

    def _rows(
        self,
        sheet: Any,
        header_row: int,
        columns: Mapping[str, Column],
        merged: set[tuple[int, int]],
    ) -> Iterator[tuple[int, dict[str, Cell]]]:
        """The rows below the header in which a column is filled."""
        for row in range(header_row + 1, sheet.max_row + 1):
            cells = {
                name: None
                if (row, column.index) in merged
                else self._text(sheet, sheet.cell(row, column.index), column.header)
                for name, column in columns.items()
            }
            if any(cell != "" for cell in cells.values()):
                yield row, cells

    def _text(self, sheet: Any, cell: Any, header: str) -> Cell:
        """A cell as text: outer blanks dropped, inner ones single."""
        value = cell.value
        if value is None:
            return ""
        place = Place(sheet.title, cell.row, cell.column, header)
        if cell.data_type == "f":
            value = self._value_of(sheet.title, cell)
            if value is None:
                self.mistakes.add(
                    place, "a formula without a value", "open the workbook in Excel and save it"
                )
                return None
        if cell.data_type == "e" or (isinstance(value, str) and value in _ERRORS):
            self.mistakes.add(place, f"the cell holds the error {value}", "mend the formula")
            return None
        if isinstance(value, date | time | timedelta):
            self.mistakes.add(place, "the cell holds a date or a time", "format it as text")
            return None
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
        return " ".join(str(value).split())

    def _value_of(self, sheet: str, cell: Any) -> Any:
        if self._values is None:
            self._values = self._opened(values=True)
        return self._values[sheet].cell(cell.row, cell.column).value


_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _read(path: Path) -> bytes:
    """The bytes of a workbook, of a size that may be unpacked."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"{path.name}: the file has {path.stat().st_size:,} bytes; "
                f"at most {MAX_BYTES:,} are read",
                hint="keep only the sheets that the mapping names",
            )
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}", hint="check the name of the file"
        ) from None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, ValueError, OSError):
        raise _not_a_workbook(path.name) from None
    if unpacked > MAX_UNPACKED:
        raise DataError(
            f"{path.name}: unpacked it has {unpacked:,} bytes; at most {MAX_UNPACKED:,} are read",
            hint="keep only the sheets that the mapping names",
        )
    return data


def _not_a_workbook(name: str) -> DataError:
    return DataError(
        f"{name}: this is not an Excel workbook (.xlsx), or it is damaged or locked",
        hint="open it in Excel, and save it as .xlsx without a password",
    )
