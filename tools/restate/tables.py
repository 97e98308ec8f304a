"""Find and read the reference data; hold and write a restated table.

A restated table is a CSV file with our own columns. It is a pure function of the reference data:
rows sorted by their key, LF line ends, UTF-8, no blanks around a value, so that a second run
writes the same bytes.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

Row = dict[str, str]

REPOSITORY = Path(__file__).resolve().parents[2]
DATA_VARIABLE = "TARIFF_REFERENCE_DATA"


class RestateError(Exception):
    """The reference data is not what a pack says it is: counts or figures do not fit."""


def reference_folder() -> Path:
    """Return the reference data folder: the environment variable, else beside the repository."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference data folder, read by name."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return the path of a file of the reference data, which must exist."""
        path = self.folder / name
        if not path.is_file():
            raise RestateError(f"reference data: {name} is not in {self.folder}")
        return path

    def rows(self, name: str) -> list[Row]:
        """Read a CSV file with a header; values without blanks around them."""
        with self.path(name).open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            return [{key: (value or "").strip() for key, value in row.items()} for row in reader]

    def keyed(self, name: str, key: str) -> dict[str, Row]:
        """Read a CSV file as a mapping by one of its columns, which must be unique."""
        keyed: dict[str, Row] = {}
        for row in self.rows(name):
            if row[key] in keyed:
                raise RestateError(f"{name}: {row[key]} stands twice")
            keyed[row[key]] = row
        return keyed

    def lines(self, name: str) -> list[str]:
        """Read a plain list, one value a line."""
        text = self.path(name).read_text(encoding="utf-8")
        return [line.strip() for line in text.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Table:
    """One side table of a pack: where it goes, its columns, its rows in order."""

    path: str  # below the rules folder
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The table as CSV text."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return buffer.getvalue()

    def write(self, rules: Path) -> Path:
        """Write the table below the rules folder and return its path."""
        target = rules / self.path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(target.name + ".new")
        temporary.write_bytes(self.text.encode("utf-8"))
        temporary.replace(target)
        return target


def make_table(
    path: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, str] | Sequence[str]],
    *,
    expect: int,
    key: int = 1,
    ordered: bool = False,
) -> Table:
    """Build a table, check its row count and key, and sort it by key unless it is `ordered`.

    `key` is the number of leading columns that must be unique together.
    """
    built: list[tuple[str, ...]] = []
    for row in rows:
        values = tuple(row[c] for c in columns) if isinstance(row, Mapping) else tuple(row)
        for value in values:
            if value != value.strip() or "\n" in value:
                raise RestateError(f"{path}: a value with blanks or a line end: {value!r}")
        built.append(values)
    if len(built) != expect:
        raise RestateError(f"{path}: {len(built)} rows where {expect} were expected")
    if len({values[:key] for values in built}) != len(built):
        raise RestateError(f"{path}: the first {key} column(s) are not unique")
    if not ordered:
        built.sort(key=lambda values: values[:key])
    return Table(path, tuple(columns), tuple(built))


def whole_pounds(text: str, where: str) -> str:
    """Return a price, trim point or day rate as printed: whole pounds or days, or blank."""
    if text and not text.isdecimal():
        raise RestateError(f"{where}: {text!r} is not a whole number")
    return text


def percent(share: str, where: str) -> str:
    """Return a share such as 0.45 as the number of percent, 45; blank stays blank."""
    if not share:
        return ""
    try:
        value = Decimal(share) * 100
    except InvalidOperation:
        raise RestateError(f"{where}: {share!r} is not a number") from None
    if value != value.to_integral_value():
        raise RestateError(f"{where}: {share!r} is not a whole number of percent")
    return str(int(value))
