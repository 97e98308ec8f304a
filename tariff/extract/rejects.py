"""Rows that cannot be read, as evidence without patient data.

A reject is a row without its keys, or with a typed cell that is no date, number or amount, or with
too few or too many columns. Every bad cell of a row is one line of the table; the readable billed
money of the row stands once, on the first. Identifiers are masked. Of a text that may be one, as
its columns have slipped, only the shape is shown, unless it is near what its column holds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from tariff.errors import DataError
from tariff.extract.fields import FieldType
from tariff.extract.nhs_number import is_nhs_number
from tariff.schemas import REJECTS

LONGEST_SHOWN = 24
PLACES_SHOWN = 5


@dataclass(slots=True)
class BadCells:
    """Rejected cells in the order of their lines. Columns of equal length."""

    lines: list[int] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    values: list[str | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    billed: list[int | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def add(
        self, line: int, column: str, value: str | None, reason: str, billed: int | None = None
    ) -> None:
        """One bad cell; `value` is already masked."""
        self.lines.append(line)
        self.columns.append(column)
        self.values.append(value)
        self.reasons.append(reason)
        self.billed.append(billed)

    def extend(self, other: BadCells) -> None:
        """The cells of a later batch."""
        self.lines += other.lines
        self.columns += other.columns
        self.values += other.values
        self.reasons += other.reasons
        self.billed += other.billed


_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_YEAR = r"(?:1[6-9]|2[0-2])[0-9]{2}"
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_CLOCK = (
    r"(?:[01]?[0-9]|2[0-4])(?::[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?|[0-5][0-9](?:[0-5][0-9])?)"
    r"(?: ?[ap]m)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DATE = (
    rf"(?:{_YEAR}[-/. ][0-9]{{1,2}}[-/. ][0-9]{{1,2}}|[0-9]{{1,2}}[-/. ][0-9]{{1,2}}[-/. ]{_YEAR}"
    rf"|[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.][0-9]{{2}}|{_YEAR}[01][0-9][0-3][0-9]"
    rf"|[0-3][0-9][01][0-9]{_YEAR}|{_DAY}[-/. ]?(?:{_MONTHS})[-/., ]*(?:{_YEAR}|[0-9]{{2}})"
    rf"|(?:{_MONTHS}) {_DAY},? {_YEAR})"
)
_MOMENT = rf"{_DATE}(?:[ T]{_CLOCK})?"
_MONTH = (
    rf"{_YEAR}[-/. ]?[0-9]{{1,2}}|[0-9]{{1,2}}[-/. ]?{_YEAR}"
    rf"|(?:{_MONTHS})[-/. ]?{_YEAR}|{_YEAR}[-/. ]?(?:{_MONTHS})|{_MOMENT}"
)
_NUMBER = r"[(+-]?[0-9]{1,3}(?:,?[0-9]{1,3}){0,2}[.,][0-9]{0,17}(?:e[+-]?[0-9]{1,2})?[)-]?"
_AMOUNT = rf"[(+-]?(?:[£$€]|GBP|EUR)? ?(?:{_NUMBER}|[0-9]{{1,6}}) ?(?:[£€]|GBP|EUR|CR|DR)?[)-]?"
_NEAR: dict[str, re.Pattern[str]] = {
    kind: re.compile(form, re.IGNORECASE | re.ASCII)
    for kind, form in {
        "integer": _NUMBER,
        "date": _MOMENT,
        "time": rf"{_CLOCK}|{_MOMENT}",
        "month": _MONTH,
        "money": _AMOUNT,
        "factor": _AMOUNT,
    }.items()
}


def masked(value: str | None, kind: FieldType) -> str | None:
    """A cell of a column of this type as the rejects show it.

    Of an identifier, of a long text and of an NHS number the first character and the length. Of
    what may be an identifier (four digits in a row and letters, or six digits) the shape, `A999`.
    """
    if value is None:
        return None
    if kind == "identifier" or len(value) > LONGEST_SHOWN or is_nhs_number(value):
        return f"{value[:1]}... ({len(value)} characters)"
    near = _NEAR.get(kind)
    if near is not None and _may_identify(value) and not near.fullmatch(value.strip()):
        return "".join("A" if c.isalpha() else "9" if c.isnumeric() else c for c in value)
    return value


def _may_identify(value: str) -> bool:
    if sum(c.isnumeric() for c in value) >= 6:
        return True
    return re.search(r"\d{4}", value) is not None and any(c.isalpha() for c in value)


class Rejects:
    """The rejects of an extract, file by file."""

    def __init__(self) -> None:
        self._files: list[str] = []
        self._cells: list[BadCells] = []
        self.rows = 0

    def start(self, name: str) -> None:
        """The cells added from here on are of this file."""
        self._files.append(name)
        self._cells.append(BadCells())

    def add(self, cells: BadCells, rows: int) -> None:
        """The bad cells of one batch, which are those of `rows` rows."""
        self._cells[-1].extend(cells)
        self.rows += rows

    def table(self) -> pa.Table:
        """All of them as `tariff.schemas.REJECTS`."""
        parts = [
            pa.table(
                [
                    pa.array([name] * len(cells), pa.string()),
                    pa.array(cells.lines, pa.int64()),
                    pa.array(cells.columns, pa.string()),
                    pa.array(cells.values, pa.string()),
                    pa.array(cells.reasons, pa.string()),
                    pa.array(cells.billed, pa.int64()),
                ],
                schema=REJECTS,
            )
            for name, cells in zip(self._files, self._cells, strict=True)
            if len(cells)
        ]
        return pa.concat_tables(parts) if parts else REJECTS.empty_table()

    def check(self, rows_read: int, max_bad_rows: float) -> None:
        """DataError when more than this share of the rows was rejected."""
        if self.rows <= max_bad_rows * rows_read:
            return
        counts = Counter(
            f"{column or 'the row'}: {reason}"
            for cells in self._cells
            for column, reason in zip(cells.columns, cells.reasons, strict=True)
        )
        lines = [f"    {count:,} x {what}" for what, count in counts.most_common(10)]
        if len(counts) > 10:
            lines.append(f"    and {len(counts) - 10} more kinds")
        share = self.rows / rows_read
        raise DataError(
            f"{self.rows:,} of {rows_read:,} rows ({share:.1%}) cannot be read; "
            f"at most {max_bad_rows:.1%} may be\n"
            + "\n".join(lines)
            + f"\n  first at {'; '.join(self._places())}",
            hint="mend the extract or its layout (`tariff data profile FILE` shows the columns), "
            "or raise --max-bad-rows",
        )

    def _places(self) -> Iterable[str]:
        shown = 0
        for name, cells in zip(self._files, self._cells, strict=True):
            for line, column in zip(cells.lines, cells.columns, strict=True):
                if shown == PLACES_SHOWN:
                    return
                shown += 1
                yield f"{name}:{line}" + (f" ({column})" if column else "")
