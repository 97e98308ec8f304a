"""Finds the one table of a file: a heading row by the names it has, and its cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tariff.errors import DataError, UsageError
from tariff.packs.importing_prices.blocks import Block, normal
from tariff.packs.importing_prices.cells import is_dash
from tariff.packs.importing_prices.columns import Columns, Field, find, one_of_each, require
from tariff.packs.importing_prices.log import Log
from tariff.packs.importing_prices.reading import Reading
from tariff.packs.importing_prices.sheets import Sheet, Source, read_source

ACCEPTED = "one XLSX file, or one CSV file (.csv, separated by commas)"
MAX_ROWS = 10  # that a note names
HEADING_ROWS = 60  # a heading row that stands below is not looked for


@dataclass(frozen=True, slots=True)
class Found:
    """The table: its reading, its block and which column is which."""

    source: Source
    reading: Reading
    block: Block
    columns: Columns

    @property
    def log(self) -> Log:
        """Where problems are noted."""
        return self.reading.log

    def rows(self) -> Iterator[int]:
        """The rows below the headings that hold something."""
        for row in self.block.rows:
            if any(not is_dash(cell) for cell in self.reading.sheet.rows[row]):
                yield row

    def text(self, row: int, name: str) -> str:
        """The text of a column, a dash as empty; empty where the file has no such column."""
        return self.reading.text(row, self.columns, name)

    def problem(self, row: int, name: str, message: str, hint: str = "") -> None:
        """Note a problem of a cell, or of its row where the file has no such column."""
        self.reading.problem(row, self.columns.at.get(name, -1), message, hint)

    def number(self, row: int, name: str, what: str) -> str:
        """A number that is not below 0, as our tables write it; empty for a dash or a problem."""
        return self.reading.number(row, self.columns[name], what) if name in self.columns else ""


def read_table(path: Path, fields: Sequence[Field], least: int = 2) -> Found:
    """Read the table of a file. Raises where no sheet has a heading row, or a column lacks.

    The row of headings is the first that names the most of our columns, `least` of them at least.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint=f"name {ACCEPTED}")
    source = read_source(path, ACCEPTED)
    best: tuple[int, Sheet, int] | None = None
    for sheet in (sheet for sheet in source.sheets if not sheet.hidden):
        for row in range(min(len(sheet.rows), HEADING_ROWS)):
            fitting = _fitting(sheet, row, fields)
            if fitting >= least and (best is None or fitting > best[0]):
                best = fitting, sheet, row
    if best is None:
        _refuse_separator(path, source)
        wanted = ", ".join(f"'{field.printed}'" for field in fields if field.required)
        raise DataError(
            f"{source.name} has no row of headings", hint=f"columns are found by name: {wanted}"
        )
    _, sheet, row = best
    reading = Reading(sheet, Log(), "")
    headings = _headings(sheet, row)
    block = Block(sheet, headings, {}, row, range(row + 1, len(sheet.rows)), "", "")
    columns = find(block, fields)
    require(reading.log, block, fields, columns)
    one_of_each(reading.log, block, fields, columns)
    reading.log.check()
    return Found(source, reading, block, columns)


def _refuse_separator(path: Path, source: Source) -> None:
    """Raise where the first row of a CSV file is one cell with other separators."""
    if path.suffix.lower() != ".csv":
        return
    rows = (row for sheet in source.sheets for row in sheet.rows)
    first = next((held for row in rows if (held := [cell for cell in row if cell])), [])
    separators = {";": "semicolons", "\t": "tabs", "|": "bars"}
    for separator, name in separators.items():
        if len(first) == 1 and separator in first[0]:
            raise DataError(
                f"{source.name} is separated by {name}",
                hint=f"save it again as CSV UTF-8 with commas: {ACCEPTED} is read",
            )


def _headings(sheet: Sheet, row: int) -> dict[int, str]:
    """The headings of a row; an underscore is a blank."""
    cells = enumerate(sheet.rows[row])
    return {at: re.sub(r"_+", " ", text).strip() for at, text in cells if not is_dash(text)}


def _fitting(sheet: Sheet, row: int, fields: Sequence[Field]) -> int:
    names = [normal(text) for text in _headings(sheet, row).values()]
    if len(names) < 2:  # a title
        return 0
    return sum(any(re.search(field.words, name) for name in names) for field in fields)


def rows_named(rows: Sequence[int]) -> str:
    """Name rows as a reader of the file counts them: `row 3`, `rows 3, 4 and 9 others`."""
    shown = ", ".join(str(row + 1) for row in rows[:MAX_ROWS])
    more = f" and {len(rows) - MAX_ROWS:,} others" if len(rows) > MAX_ROWS else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"
