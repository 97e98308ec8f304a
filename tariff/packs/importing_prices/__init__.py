"""Import a national price workbook (Annex A, Annex B1) as a pack of kind `tariff`.

`sheets` reads the file as text, `recognise` says which sheet is which, `blocks` and `columns` find
tables and columns by their names, one module reads each kind of sheet, `gather` puts the rows
together and `write` makes the pack. Every problem is noted in `log` with its place; with one
problem nothing is written.
"""

from __future__ import annotations

from pathlib import Path

from tariff.errors import Problem, UsageError
from tariff.packs.importing_prices.gather import Workbook, gather
from tariff.packs.importing_prices.sheets import WORKBOOKS, read_source
from tariff.packs.importing_prices.write import Options, write_pack

__all__ = ["Options", "Workbook", "import_prices"]


def import_prices(
    path: Path, folder: Path, *, year: str = "", options: Options | None = None
) -> tuple[Workbook, list[Problem]]:
    """Import a workbook into a folder; gives its tables and the warnings of the pack's lint."""
    if path.is_file() and path.suffix.lower() == ".csv":
        raise UsageError(
            f"{path.name} is one CSV file, and a price workbook has a sheet for each table",
            hint=f"give {WORKBOOKS}; `tariff pack import mff`, `plan` and `local-prices` read one "
            "CSV file",
        )
    source = read_source(path)
    book = gather(source, year)
    return book, write_pack(book, source, folder, options or Options())
