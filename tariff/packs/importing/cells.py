"""Reads single cells: a code, a whole number, a root or a subchapter of the design."""

from __future__ import annotations

import re

from tariff.packs.importing.design import CodeList, Design
from tariff.packs.importing.mistakes import Mistakes, Place
from tariff.packs.importing.workbook import Cell
from tariff.packs.model import SCORE

RANK = re.compile("0|[1-9][0-9]{0,8}"), "a whole number from 0"
POINTS = re.compile(SCORE), "a whole number from 0 to 255"


class Cells:
    """Reads the cells of one workbook. What is wrong is told, and read as None."""

    def __init__(self, design: Design, left_out: list[str], mistakes: Mistakes) -> None:
        self._design = design
        self._beginnings = tuple(left_out)
        self._mistakes = mistakes

    def code(self, where: Place, cell: Cell, codes: CodeList) -> str | None:
        """A code without dots and blanks; it, or what it begins, is in the classification."""
        code = _tidy(cell)
        if code == "":
            self._mistakes.add(where, "the cell is blank; a code is expected")
        elif code is not None and not codes.holds(code):
            pack = codes.manifest.id
            self._mistakes.add(where, f"'{_short(cell)}' is not in the classification ({pack})")
        else:
            return code
        return None

    def listed_diagnosis(self, where: Place, cell: Cell) -> str | None:
        """A diagnosis of a CC list, which is itself a code and does not only begin one."""
        code = self.code(where, cell, self._design.icd10)
        exact = code and self._design.icd10.exact(code)
        if exact == "":
            self._mistakes.add(where, f"{code} is a category", "list each of its codes")
        return exact or None

    def rank(self, where: Place, cell: Cell) -> int | None:
        """A rank, from 0."""
        return self._whole(where, cell, *RANK)

    def score(self, where: Place, cell: Cell) -> int | None:
        """A score, 0 to 255."""
        return self._whole(where, cell, *POINTS)

    def leaves_out(self, cell: Cell) -> bool:
        """Whether a root or subchapter is one that the mapping leaves out."""
        return bool(cell) and str(_tidy(cell)).startswith(self._beginnings)

    def root(self, where: Place, cell: Cell) -> str | None:
        """A root of the design that has a price; blank where none is given."""
        text = _tidy(cell)
        if not text:
            return text
        design = self._design
        root = design.root_of.get(text)
        if root is None and text[:-1] in design.roots:
            self._mistakes.add(where, f"'{text}' is not a root", f"write {text[:-1]}")
        elif root is None:
            self._unknown(where, text, "root")
        elif root in design.without_price:
            lists = ", ".join(design.price_lists)
            self._mistakes.add(where, f"no HRG of root {root} has a price in {lists}")
        else:
            return root
        return None

    def subchapters(self, where: Place, cell: Cell) -> list[str]:
        """The subchapters that a cell names, those left out aside."""
        if cell == "":
            self._mistakes.add(where, "the cell is blank; a subchapter is expected")
        found = [name for name in re.split(r"[\s,;]+", (cell or "").upper()) if name]
        return [name for name in found if self.subchapter(where, name)]

    def subchapter(self, where: Place, name: str) -> bool:
        """Whether this is a subchapter of the design that is not left out."""
        if self.leaves_out(name):
            return False
        if name not in self._design.subchapters:
            self._unknown(where, name, "subchapter")
        return name in self._design.subchapters

    def _whole(self, where: Place, cell: Cell, form: re.Pattern[str], words: str) -> int | None:
        if cell is None:
            return None
        if form.fullmatch(cell):
            return int(cell)
        found = f"found '{_short(cell)}'" if cell else "the cell is blank"
        self._mistakes.add(where, f"{found}; {words} is expected")
        return None

    def _unknown(self, where: Place, text: str, what: str) -> None:
        splits = self._design.manifest.splits
        self._mistakes.add(
            where,
            f"the design ({splits}) has no {what} '{_short(text)}'",
            "if no record groups to it, name it under left_out of the mapping",
        )


def _tidy(cell: Cell) -> Cell:
    """Upper case without dots and blanks."""
    return cell if cell is None else cell.upper().replace(".", "").replace(" ", "")


def _short(cell: Cell) -> str:
    text = cell or ""
    return text if len(text) <= 20 else f"{text[:17]}..."
