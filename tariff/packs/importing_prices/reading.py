"""What every reader of a sheet shares: the sheet, the log, and cells read with their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tariff.packs.importing_prices import cells
from tariff.packs.importing_prices.blocks import Block, blocks, normal
from tariff.packs.importing_prices.columns import Columns
from tariff.packs.importing_prices.log import Log
from tariff.packs.importing_prices.sheets import Sheet

Row = dict[str, str]
_YEAR = re.compile(r"(?<!\d)(?:20)?(\d\d)\s*[/\-.–_]\s*(?:20)?(\d\d)(?!\d)")


@dataclass
class Reading:
    """A sheet being read, and the rows of our tables that come of it."""

    sheet: Sheet
    log: Log
    year: str
    tables: dict[str, list[Row]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)  # id of a row of ours: row of the sheet

    @cached_property
    def blocks(self) -> list[Block]:
        """The tables of the sheet."""
        return blocks(self.sheet)

    def add(self, table: str, row: Row, at: int) -> None:
        """A row of one of our tables, with the row of the sheet it comes from."""
        self.tables.setdefault(table, []).append(row)
        self.places[id(row)] = at

    def name(self, code_type: str, code: str, name: str, at: int) -> None:
        """The name of an HRG or treatment function."""
        if name and not cells.is_dash(name):
            self.add("names", {"code_type": code_type, "code": code, "name": name}, at)

    def problem(self, row: int, column: int, message: str, hint: str = "") -> None:
        """Note a problem of a cell."""
        self.log.problem(self.sheet, row, column, message, hint)

    def text(self, row: int, columns: Columns, name: str) -> str:
        """The text of a column, a dash as empty."""
        if name not in columns:
            return ""
        found = self.sheet.cell(row, columns[name])
        return "" if found.lower() in cells.DASHES else found

    def number(
        self,
        row: int,
        column: int,
        what: str,
        *,
        least: int = 0,
        whole: bool = False,
        percent: bool = False,
    ) -> str:
        """A number, empty for a dash. What is none, or too low, is a problem."""
        found = self.sheet.cell(row, column)
        try:
            number = cells.figure(found)
        except cells.NotAFigureError:
            self.problem(row, column, f"{what}: '{found[:40]}' is not a number")
            return ""
        if number is None:
            return ""
        if percent and number <= 1:
            number *= 100
        if whole and number != number.to_integral_value():
            self.problem(row, column, f"{what}: {found} is not a whole number")
        elif number < least:
            low = "is negative" if number < 0 else f"is below {least}"
            self.problem(row, column, f"{what}: {found} {low}")
        else:
            return cells.written(number)
        return ""

    def coded(self, block: Block, column: int, kind: str = "hrg") -> Iterator[tuple[int, str]]:
        """The rows of a table with a code, and the code.

        A row of figures without a code is a problem; any other row without one is a note.
        """
        form = {"hrg": cells.HRG, "treatment_function": cells.FUNCTION}.get(kind, cells.PROVIDER)
        for row in block.rows:
            found = self.sheet.cell(row, column)
            code = cells.code(found)
            if form.fullmatch(code):
                yield row, code
            elif self._looks_priced(block, row, column):
                what = f"'{found}' is no" if found else "there is no"
                self.problem(row, column, f"{what} {kind.replace('_', ' ')} code beside figures")

    def _looks_priced(self, block: Block, row: int, column: int) -> bool:
        """Whether a row without a code holds a table's figures: two cells or more, one a number."""
        held = block.cells(row)
        return len(held) > 1 and any(at > column for at, _ in block.figures(row))


def years_in(text: str) -> list[str]:
    """The financial years that a title names, such as `2017/18`."""
    found = []
    for first, second in _YEAR.findall(text):
        if (int(first) + 1) % 100 == int(second):
            found.append(f"20{first}/{second}")
    return list(dict.fromkeys(found))


def slug(text: str) -> str:
    """A heading as one word of ours: lower case, underscores, what stands in brackets left out."""
    words = re.sub(r"\([^)]*\)", " ", normal(text)).replace("&", " and ")
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")
