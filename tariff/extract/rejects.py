"""Rows that cannot be read, as evidence without patient data.

A reject is a row without its keys, or with a typed cell that is no date, number or amount, or with
too few or too many columns. Every bad cell of a row is one line of the table; the readable billed
money of the row stands once, on the first. Identifiers are masked; so is any text that looks like
one because its columns have slipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from tariff.errors import DataError
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


def masked(value: str | None, identifier: bool) -> str | None:
    """A cell as the rejects show it: of an identifier the first character and the length."""
    if value is None:
        return None
    if identifier or len(value) > LONGEST_SHOWN or is_nhs_number(value):
        return f"{value[:1]}... ({len(value)} characters)"
    return value


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
