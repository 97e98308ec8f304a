"""The mistakes of a workbook, each with its sheet, row and column, all told at once."""

from __future__ import annotations

from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from tariff.errors import DataError

MAX_TOLD = 200  # more than these are not mended one by one


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a workbook. Row and column count from 1; 0 is all of them."""

    sheet: str
    row: int = 0
    column: int = 0
    header: str = ""

    def __str__(self) -> str:
        parts = [f"sheet '{self.sheet}'"]
        if self.row:
            parts.append(f"row {self.row}")
        if self.column:
            header = f" '{self.header}'" if self.header else ""
            parts.append(f"column {get_column_letter(self.column)}{header}")
        return ", ".join(parts)


class Mistakes:
    """What is wrong in one workbook."""

    def __init__(self) -> None:
        self._found: list[tuple[Place, str]] = []

    def add(self, place: Place, message: str, hint: str = "") -> None:
        """Note a mistake, and what to do about it."""
        self._found.append((place, f"{message}: {hint}" if hint else message))

    def __len__(self) -> int:
        return len(self._found)

    def raise_any(self, name: str) -> None:
        """Raise `DataError` with all mistakes, where there are any. `name` is the workbook's."""
        if not self._found:
            return
        count = len(self._found)
        lines = [f"  {place}: {text}" for place, text in sorted(self._found)[:MAX_TOLD]]
        if count > MAX_TOLD:
            lines.append(f"  and {count - MAX_TOLD:,} more")
        raise DataError(
            "\n".join((f"{name}: {count:,} problem{'s'[: count > 1]}, nothing imported", *lines)),
            hint="mend the workbook, or give a --mapping that names its sheets and columns "
            "(docs/importing.md)",
        )
