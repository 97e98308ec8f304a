"""Read a workbook as sheets of text: XLSX, one CSV file, or a folder with one CSV file a sheet."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import warnings
import zipfile
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from tariff.errors import DataError, UsageError

MAX_UNPACKED = 1024 * 1024 * 1024  # bytes of an XLSX once unpacked
MAX_CELLS = 20_000_000  # a sheet that claims more has been formatted to its last row
WORKBOOKS = "an XLSX file, or a folder with one CSV file a sheet"
OLE = b"\xd0\xcf\x11\xe0"  # an old .xls, or an XLSX under a password

_WHOLE = re.compile(r"[\"£$,#0 ]*0[\"_\-) ]*(;.*)?")  # a number format that shows no decimals


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its rows of text, as shown, without blanks around a value."""

    file: str
    name: str
    rows: list[list[str]]
    hidden: bool = False
    merged: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict, repr=False)

    def cell(self, row: int, column: int) -> str:
        """The text of a cell, counted from 0; empty outside the sheet."""
        if not 0 <= row < len(self.rows):
            return ""
        cells = self.rows[row]
        return cells[column] if 0 <= column < len(cells) else ""


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: its file name, its hash, and its sheets in order."""

    name: str
    sha256: str
    sheets: list[Sheet]


def read_source(path: Path, accepted: str = WORKBOOKS) -> Source:
    """Read an XLSX file, a CSV file or a folder of CSV files. `accepted` is what messages name."""
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise UsageError(f"{path} is not there", hint=f"name {accepted}")
    data = path.read_bytes()
    if path.suffix.lower() == ".csv":
        return Source(path.name, hashlib.sha256(data).hexdigest(), [_csv_sheet(path, data)])
    _check_xlsx(path, data, accepted)
    return Source(path.name, hashlib.sha256(data).hexdigest(), _workbook(path))


def column_letter(column: int) -> str:
    """The letters of a column counted from 0, as a spreadsheet shows them."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


# ---------------------------------------------------------------- XLSX


def _check_xlsx(path: Path, data: bytes, accepted: str) -> None:
    if data.startswith(OLE):
        raise DataError(
            f"{path.name} is not an XLSX workbook: it is an old .xls, or has a password",
            hint="open it and save it as .xlsx, without a password",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        names, size = [], 0
    if "xl/workbook.xml" not in names:
        raise DataError(
            f"{path.name} is not an XLSX workbook",
            hint=f"save it as one, or give {accepted}",
        )
    if size > MAX_UNPACKED:
        raise DataError(f"{path.name} unpacks to {size:,} bytes: it is no price workbook")


def _workbook(path: Path) -> list[Sheet]:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that are not read
            book = openpyxl.load_workbook(path, data_only=True)
    except Exception as error:  # openpyxl raises whatever its parsers do
        raise DataError(
            f"{path.name} cannot be read as an XLSX workbook: {type(error).__name__}",
            hint="open it in a spreadsheet program and save it again",
        ) from None
    _check_calculated(path, book)
    sheets = []
    for page in book.worksheets:
        if (page.max_row or 0) * (page.max_column or 0) > MAX_CELLS:
            raise DataError(f"{path.name}, sheet '{page.title}': too many cells to be read")
        rows = [[_shown(cell) for cell in row] for row in page.iter_rows()]
        merged = {
            (area.min_row - 1, area.min_col - 1): (area.max_row - 1, area.max_col - 1)
            for area in page.merged_cells.ranges
        }
        name = str(page.title).strip()
        sheets.append(Sheet(path.name, name, rows, page.sheet_state != "visible", merged))
    book.close()
    return sheets


def _check_calculated(path: Path, book: Any) -> None:
    """A formula whose result was not saved would be read as a blank: refuse the workbook."""
    import openpyxl

    with zipfile.ZipFile(path) as archive:
        pages = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        if not any(b"<f" in archive.read(name) for name in pages):
            return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formulas = openpyxl.load_workbook(path)
    places = [
        f"{path.name}, sheet '{page.title}', row {cell.row}, column {cell.column_letter}: "
        "a formula without a result"
        for page in formulas.worksheets
        for row in page.iter_rows()
        for cell in row
        if cell.data_type == "f" and book[page.title][cell.coordinate].value is None
    ]
    if places:
        more = [f"and {len(places) - 20} more"] if len(places) > 20 else []
        raise DataError(
            "\n".join([*places[:20], *more]),
            hint="open the workbook in a spreadsheet program and save it: results are saved too",
        )


def _shown(cell: Any) -> str:
    """The text of a cell; a number without the noise of binary fractions."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        number = Decimal(format(value, ".15g"))
        if number != number.to_integral_value() and _WHOLE.fullmatch(cell.number_format or ""):
            number = number.quantize(Decimal(1), ROUND_HALF_UP)  # what the sheet shows
        return format(number, "f")
    return plain(str(value))


def plain(text: str) -> str:
    """A text on one line, without blanks around it or twice within it."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())


# ---------------------------------------------------------------- CSV


def _folder(path: Path) -> Source:
    files = sorted(path.glob("*.csv"), key=_natural)
    if not files:
        raise DataError(f"{path} has no CSV file in it", hint="one CSV file a sheet is expected")
    digest = hashlib.sha256()
    sheets = []
    for file in files:
        data = file.read_bytes()
        digest.update(f"{file.name}:{len(data)}:".encode())
        digest.update(data)
        sheets.append(_csv_sheet(file, data))
    return Source(path.resolve().name, digest.hexdigest(), sheets)


def _csv_sheet(file: Path, data: bytes) -> Sheet:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{file.name} is not UTF-8", hint="save it as CSV UTF-8") from None
    try:
        rows = [[plain(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error as error:
        raise DataError(f"{file.name} cannot be parsed as CSV: {error}") from None
    return Sheet(file.name, file.stem, rows)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.stem)
    ]
