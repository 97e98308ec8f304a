"""What an import found: every problem with its place, and what each sheet became."""

from __future__ import annotations

from dataclasses import dataclass, field

from tariff.errors import DataError
from tariff.packs.importing_prices.sheets import Sheet, column_letter

MAX_SHOWN = 200


@dataclass
class Log:
    """The problems, and the notes on each sheet, in the order found."""

    problems: list[str] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def problem(self, sheet: Sheet, row: int, column: int, message: str, hint: str = "") -> None:
        """Note a problem of a cell; row and column are counted from 0, -1 where there is none."""
        place = [sheet.file]
        if sheet.name and not sheet.file.startswith(f"{sheet.name}."):
            place.append(f"sheet '{sheet.name}'")
        if row >= 0:
            place.append(f"row {row + 1}")
        if column >= 0:
            place.append(f"column {column_letter(column)}")
        text = f"{', '.join(place)}: {message}"
        self.problems.append(f"{text}\n  hint: {hint}" if hint else text)

    def note(self, sheet: Sheet, text: str) -> None:
        """Note what is worth knowing of a sheet, each thing once."""
        notes = self.notes.setdefault(sheet.name, [])
        if text not in notes:
            notes.append(text)

    def check(self) -> None:
        """Raise with every problem where there is one."""
        if not self.problems:
            return
        shown = self.problems[:MAX_SHOWN]
        if len(self.problems) > MAX_SHOWN:
            shown.append(f"and {len(self.problems) - MAX_SHOWN} more problems")
        count = len(self.problems)
        what = "1 problem" if count == 1 else f"{count} problems"
        raise DataError("\n".join([f"nothing imported, {what}:", *shown]))
