"""Small price workbooks, made for a test: what a national one may look like, and may have wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

Rows = Sequence[Sequence[Any]]

HEADINGS = (
    "HRG code",
    "HRG name",
    "Outpatient procedure (£)",
    "Combined day case / ordinary elective spell (£)",
    "Ordinary elective long stay trim point (days)",
    "Non-elective spell (£)",
    "Non-elective long stay trim point (days)",
    "Per day long stay payment (for days exceeding trim point) (£)",
    "Reduced short stay emergency adjustment applicable?",
    "% applied in calculation of reduced short stay emergency adjustment",
    "Reduced short stay emergency adjustment (£)",
)
EB03A = ("EB03A", "Heart Failure, CC 14+", "-", 4000, 20, 5000, 57, 229, "YES", 0.2, 1000)
EB03B = ("EB03B", "Heart Failure, CC 0-13", "-", 3000, 10, 3500, 30, 229, "NO", "-", "-")
TITLE = "Admitted patient care prices 2030/31"


def admitted(*rows: Sequence[Any], headings: Sequence[str] = HEADINGS) -> list[list[Any]]:
    """A sheet of admitted prices, its headings in row 3."""
    return [[TITLE], [], [*headings], *[list(row) for row in rows or (EB03A, EB03B)]]


def with_cell(row: Sequence[Any], heading: str, value: Any) -> list[Any]:
    """A row with another value below a heading."""
    return [value if name == heading else cell for name, cell in zip(HEADINGS, row, strict=True)]


def book(
    path: Path,
    sheets: Mapping[str, Rows],
    *,
    merged: Mapping[str, Sequence[str]] | None = None,
    hidden: Sequence[str] = (),
) -> Path:
    """Write a workbook."""
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(list(row))
        for cells in (merged or {}).get(name, ()):
            page.merge_cells(cells)
        if name in hidden:
            page.sheet_state = "hidden"
    made.save(path)
    return path
