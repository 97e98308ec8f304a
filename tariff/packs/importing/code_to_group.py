"""Reads the tables of a code to group workbook, or says all that is wrong with them.

Nothing is guessed: a row that cannot be taken as it stands is a mistake, and with one mistake
nothing is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tariff.packs.importing.cells import Cells
from tariff.packs.importing.design import CodeList, Design
from tariff.packs.importing.mapping import (
    CcSheet,
    CodeSheet,
    CodeToGroupMapping,
    ProcedureSheet,
    RootSheet,
)
from tariff.packs.importing.mistakes import Place
from tariff.packs.importing.workbook import Cell, SheetTable, Workbook

SUBCHAPTER = re.compile("[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class RootRow:
    """A row of a table of roots. A procedure of rank 0 does not drive."""

    root: str = ""
    root_child: str = ""
    rank: int = 0
    note: str = ""

    def __str__(self) -> str:
        return f"root {self.root or 'none'}, rank {self.rank}"


@dataclass(frozen=True, slots=True)
class CodeToGroup:
    """The tables of a workbook, by code."""

    procedures: dict[str, RootRow]
    diagnoses: dict[str, RootRow]
    scores: dict[str, dict[str, int]]  # by code and subchapter


def read_code_to_group(book: Workbook, mapping: CodeToGroupMapping, design: Design) -> CodeToGroup:
    """Read the tables that a mapping names. `DataError` with every mistake of the workbook."""
    reader = _Reader(book, Cells(design, list(mapping.left_out), book.mistakes), design)
    procedures = reader.roots(mapping.procedures, design.opcs4)
    if mapping.non_driving is not None:
        procedures = reader.with_non_driving(procedures, mapping.non_driving)
    diagnoses = reader.roots(mapping.diagnoses, design.icd10)
    scores = reader.scores(mapping.cc_lists)
    book.mistakes.raise_any(book.name)
    return CodeToGroup(procedures, diagnoses, scores)


class _Reader:
    """Reads the tables of one workbook."""

    def __init__(self, book: Workbook, cells: Cells, design: Design) -> None:
        self._book = book
        self._cells = cells
        self._design = design
        self._mistakes = book.mistakes

    # ------------------------------------------------------------ roots

    def roots(self, sheet: RootSheet, codes: CodeList) -> dict[str, RootRow]:
        """The rows of a table of roots, by code."""
        named = {"code": sheet.columns.code, "root": sheet.columns.root, "rank": sheet.columns.rank}
        if sheet.columns.root_child:
            named["root_child"] = sheet.columns.root_child
        rows: dict[str, RootRow] = {}
        first: dict[str, int] = {}
        table = self._book.table(sheet.sheet, sheet.header_row, named)
        for number, cells in table.rows if table else ():
            assert table is not None
            where = table.at(number, "code")
            code = self._cells.code(where, cells["code"], codes)
            row = self._root_row(table, number, cells, sheet)
            if code is None or row is None:
                continue
            known = rows.setdefault(codes.prefix(code), row)
            if known != row:
                before = f"row {first[codes.prefix(code)]} gives it {known}"
                self._mistakes.add(where, f"{code} is there twice", f"{before}, and this one {row}")
            first.setdefault(codes.prefix(code), number)
            if row.rank and isinstance(sheet, ProcedureSheet) and codes.never_dominant(code):
                self._mistakes.add(
                    table.at(number, "rank"),
                    f"{code} has rank {row.rank}, and is among the codes that may never be "
                    f"dominant ({codes.manifest.id})",
                    "give it rank 0",
                )
        return rows if sheet.best_rank == "highest" else _turned(rows)

    def _root_row(
        self, table: SheetTable, number: int, cells: dict[str, Cell], sheet: RootSheet
    ) -> RootRow | None:
        """A row, or None where something in it is wrong."""
        rank = self._cells.rank(table.at(number, "rank"), cells["rank"])
        roots: list[str | None] = []
        for name in ("root", "root_child"):
            cell = cells.get(name, "")
            if self._cells.leaves_out(cell):
                return None if rank is None else RootRow(note=f"left out by the mapping: {cell}")
            roots.append(self._cells.root(table.at(number, name), cell) if cell else cell)
        root, child = roots
        if rank is None or root is None or child is None:
            return None
        if isinstance(sheet, ProcedureSheet) and rank in sheet.never_drives:
            rank = 0
        if rank and not root:
            where = table.at(number, "root")
            self._mistakes.add(where, f"the cell is blank, and the rank is {rank}")
            return None
        return RootRow(root, child, rank)

    def with_non_driving(
        self, procedures: dict[str, RootRow], sheet: CodeSheet
    ) -> dict[str, RootRow]:
        """The procedures and those of a list that never drive; none of these may have a rank."""
        rows = dict(procedures)
        table = self._book.table(sheet.sheet, sheet.header_row, {"code": sheet.columns.code})
        for number, cells in table.rows if table else ():
            assert table is not None
            where = table.at(number, "code")
            code = self._cells.code(where, cells["code"], self._design.opcs4)
            if code and rows.setdefault(code, RootRow()).rank:
                told = f"{code} never drives by this list, and drives by the other ({rows[code]})"
                self._mistakes.add(where, told, "take it out of one")
        return rows

    # ------------------------------------------------------------ scores

    def scores(self, sheet: CcSheet) -> dict[str, dict[str, int]]:
        """Scores by code and subchapter."""
        named = {"code": sheet.columns.code}
        if not sheet.subchapter_columns:
            named |= {"subchapters": sheet.columns.subchapters, "score": sheet.columns.score}
        table = self._book.table(
            sheet.sheet,
            sheet.header_row,
            named,
            others=_subchapter_of if sheet.subchapter_columns else None,
        )
        scores: dict[str, dict[str, int]] = {}
        first: dict[tuple[str, str], int] = {}
        if table is None:
            return scores
        wide = self._subchapter_columns(table, sheet.header_row) if sheet.subchapter_columns else []
        for number, cells in table.rows:
            code = self._cells.listed_diagnosis(table.at(number, "code"), cells["code"])
            if sheet.subchapter_columns:
                read = self._wide(table, number, cells, wide)
            else:
                read = self._long(table, number, cells)
            for subchapter, where, score in read:
                if code is None:
                    continue
                known = scores.setdefault(code, {}).setdefault(subchapter, score)
                before = first.setdefault((code, subchapter), number)
                if known != score:
                    told = f"row {before} gives it {known}, and this one {score}"
                    self._mistakes.add(where, f"{code} has two scores in {subchapter}", told)
        if not scores and not self._mistakes:
            self._mistakes.add(Place(table.sheet), "no code scores in any subchapter")
        return scores

    def _subchapter_columns(self, table: SheetTable, header_row: int) -> list[str]:
        """The columns of subchapters of the design."""
        names = [name for name in table.columns if SUBCHAPTER.fullmatch(name)]
        if not names:
            where = Place(table.sheet, header_row)
            self._mistakes.add(where, "no header is the two letters of a subchapter")
        return [name for name in names if self._cells.subchapter(table.at(header_row, name), name)]

    def _wide(
        self, table: SheetTable, number: int, cells: dict[str, Cell], names: list[str]
    ) -> Iterator[tuple[str, Place, int]]:
        """Subchapter, place and score of each column that is filled."""
        for name in names:
            if cells[name]:
                where = table.at(number, name)
                score = self._cells.score(where, cells[name])
                if score is not None:
                    yield name, where, score

    def _long(
        self, table: SheetTable, number: int, cells: dict[str, Cell]
    ) -> Iterator[tuple[str, Place, int]]:
        """Subchapter, place and score of each subchapter that the row names."""
        where = table.at(number, "score")
        score = self._cells.score(where, cells["score"])
        names = self._cells.subchapters(table.at(number, "subchapters"), cells["subchapters"])
        if score is not None:
            for name in names:
                yield name, where, score


def _subchapter_of(header: str) -> str:
    """The name of a column by its header: a subchapter, or none."""
    name = header.upper()
    return name if SUBCHAPTER.fullmatch(name) else ""


def _turned(rows: dict[str, RootRow]) -> dict[str, RootRow]:
    """The rows with ranks turned round, so that the highest wins; 0 stays below all."""
    top = max((row.rank for row in rows.values()), default=0) + 1
    return {
        code: replace(row, rank=top - row.rank) if row.rank else row for code, row in rows.items()
    }
