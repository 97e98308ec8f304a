"""What a comparison leaves in its folder: written beside, then renamed, all or nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from tariff.report import write as files
from tariff.report.workbook import CREATED, Sheets
from tariff.schemas import REJECTS
from tariff.whatif.contracts import ContractsCompared
from tariff.whatif.effects import EFFECTS
from tariff.whatif.levels import COMPARE, COMPARED, COUNTS, KINDS, LEVELS
from tariff.whatif.payables import KEYS, PAYABLES
from tariff.whatif.run import Comparison

CSV, PARQUET, RECORDS, WORKBOOK = (
    "compare.csv",
    "compare.parquet",
    "compared.parquet",
    "compare.xlsx",
)
PAYABLE = ("payables.csv", "payables.parquet")  # of two contracts
WRITTEN = (CSV, PARQUET, RECORDS, WORKBOOK, *PAYABLE, files.REJECTS, files.MANIFEST)
TOLD = ("level", *KEYS)  # text of the payables
KIND_TITLES = {"price": "Price effects", "rule": "Rule effects", "only": "On one side only"}
TITLES = {
    "all": "All",
    "provider": "Provider",
    "point_of_delivery": "Point of delivery",
    "chapter": "Chapter",
    "subchapter": "Subchapter",
    "hrg": "HRG",
}
COUNT_TITLES = dict(
    zip(COUNTS, ("Records", "In both", "In A only", "In B only", "In neither"), strict=True)
)


def write_comparison(folder: Path, found: Comparison) -> list[Path]:
    """Write everything a comparison leaves; return the paths."""
    tables = {
        CSV: (found.levels, COMPARE),
        PARQUET: (found.levels, COMPARE),
        RECORDS: (found.records, COMPARED),
        files.REJECTS: (found.rejects, REJECTS),
    }
    if found.contracts is not None:
        tables |= dict.fromkeys(PAYABLE, (found.contracts.table, PAYABLES))
    also = {WORKBOOK: lambda path: _workbook(found, path)}
    return files.write_tables(folder, tables, found.manifest, also)


def _workbook(found: Comparison, path: Path) -> None:
    """A sheet a level: what moved, largest first, and its effects."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    created: datetime = CREATED
    book.set_properties({"title": "Tariff comparison", "created": created, "comments": ""})
    sheets = Sheets(book)
    rows: list[dict[str, Any]] = found.levels.to_pylist()
    for level in LEVELS:
        chosen = [row for row in rows if row["level"] == level]
        chosen.sort(key=lambda row: (-abs(row["difference_pence"]), row["key"]))
        sheet = sheets.add(TITLES[level])
        line = _about(sheets, sheet, found.manifest) if level == "all" else 0
        _level(sheets, sheet, line, level, chosen)
    if found.contracts is not None:
        _contracts(sheets, found.contracts)
    book.close()


def _contracts(sheets: Sheets, found: ContractsCompared) -> None:
    """A sheet of what two contracts pay, every level under the other."""
    sheet = sheets.add("Contracts")
    for line, letter in enumerate("ab"):
        sheets.put(sheet, line, 0, letter.upper(), "bold")
        sheets.put(sheet, line, 1, found.section[letter]["id"])
    names = PAYABLES.names
    titles = [name.removesuffix("_pence").replace("_", " ").capitalize() for name in names]
    looks = ["head" if name in TOLD else "head_money" for name in names]
    sheets.line(sheet, 3, list(zip(titles, looks, strict=True)))
    sheet.set_column(0, len(names) - 1, 16)
    for number, row in enumerate(found.table.to_pylist(), start=4):
        cells = []
        for name in names:
            look = "money" if name.endswith("_pence") else "text" if name in TOLD else "count"
            cells.append((float(row[name]) if look == "count" else row[name], look))
        sheets.line(sheet, number, cells)


def _about(sheets: Sheets, sheet: Any, manifest: dict[str, Any]) -> int:
    sheets.put(sheet, 0, 0, "The same activity under two tariffs", "title")
    for line, letter in enumerate("ab", start=1):
        sheets.put(sheet, line, 0, letter.upper(), "bold")
        sheets.put(sheet, line, 1, manifest["sides"][letter]["label"])
    return 4


def _level(sheets: Sheets, sheet: Any, line: int, level: str, rows: list[dict[str, Any]]) -> None:
    money = {"total_a": "Total A", "total_b": "Total B", "difference": "B less A"}
    money |= {f"{kind}_effects": KIND_TITLES[kind] for kind in KINDS}
    money |= {name: title for name, (_, title) in EFFECTS.items()}
    titles = [TITLES[level], "Name", *COUNT_TITLES.values(), *money.values()]
    looks = ["head", "head", *["head_money"] * (len(titles) - 2)]
    sheets.line(sheet, line, list(zip(titles, looks, strict=True)))
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 42)
    sheet.set_column(2, len(titles) - 1, 14)
    for number, row in enumerate(rows, start=line + 1):
        cells: list[tuple[object, str]] = [(row["key"], "text"), (row["name"], "text")]
        cells += [(row[name], "count") for name in COUNTS]
        cells += [(row[f"{name}_pence"], "money") for name in money]
        sheets.line(sheet, number, cells)
