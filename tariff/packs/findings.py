"""What the checks of a pack say, each with the row by which it may be waived."""

from __future__ import annotations

from tariff.errors import Problem
from tariff.packs.problems import KINDS, HasPosition, shown
from tariff.packs.read import MANIFEST, LoadedPack


class Findings:
    """The findings of one pack. `row` is what a waiver names: an HRG, a root, a code, a rule id."""

    def __init__(self, pack: LoadedPack) -> None:
        self.pack = pack
        self.found: list[tuple[Problem, str]] = []

    def add(
        self,
        code: str,
        at: HasPosition,
        message: str,
        *,
        row: str = "",
        hint: str = "",
        path: str = "",
    ) -> None:
        """Note a finding, of the manifest unless a path is given."""
        path = path or shown(self.pack.root / MANIFEST)
        severity = KINDS[code].severity
        self.found.append((Problem(path, at.line, at.column, code, message, hint, severity), row))

    def of_cell(
        self, code: str, table: str, index: int, column: str, message: str, *, row: str = ""
    ) -> None:
        """Note a finding of a cell of a table."""
        side = self.pack.tables[table]
        path = shown(self.pack.root / side.name)
        self.add(code, side.at(index, column), message, row=row, path=path)
