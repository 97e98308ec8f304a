"""Small code to group workbooks, and the command that imports them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tariff.cli.main import run

Cells = Sequence[Any]
Sheets = dict[str, list[Cells]]


def sheets() -> Sheets:
    """The sheets of a workbook in which all is well, as the mapping that ships names them."""
    return {
        "Procedures": [
            ("OPCS code", "Description", "HRG root", "Procedure hierarchy"),
            ("A01.1", "one that drives", "AA50", 72),
            ("A02.1", "another", "AA51", "69"),
            ("Y75.1", "a method", None, 0),
        ],
        "Diagnoses": [
            ("ICD-10 code", "HRG root", "HRG root (child)", "Diagnosis hierarchy"),
            ("A00.0", "FD01", "PF21", 60),
            ("I10X", "EB04", None, 30),
        ],
        "CC lists": [
            ("ICD-10 code", "HRG subchapter", "CC score"),
            ("E10.9", "FD", 3),
            ("I10", "AA, FD", 2),
        ],
    }


def written(path: Path, content: Sheets) -> Path:
    """A workbook of these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in content.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def changed(path: Path, change: Callable[[Any], None]) -> Path:
    """A workbook in which all was well, changed."""
    book = openpyxl.load_workbook(written(path, sheets()))
    change(book)
    book.save(path)
    return path


@dataclass
class Done:
    """What a command gave."""

    code: int
    out: str
    error: str

    @property
    def told(self) -> list[str]:
        """The problems of the workbook, one a line."""
        return [line.strip() for line in self.error.splitlines() if line.startswith("  sheet ")]


class Command:
    """Runs `tariff` in a folder of the test."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Done:
        self._capsys.readouterr()
        try:
            code = run([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, error = self._capsys.readouterr()
        assert code != 5, error
        return Done(code, out, error)

    def import_(self, book: Path, *options: object) -> Done:
        """Import into the folder `official`."""
        return self("pack", "import", "code-to-group", book, "-o", self.folder / "official",
                    *options)  # fmt: skip

    @property
    def official(self) -> Path:
        return self.folder / "official"

    def table(self, name: str) -> list[str]:
        """The lines of a table that was written, its header aside."""
        return (self.official / name).read_text(encoding="utf-8").splitlines()[1:]


EPISODE = {
    "provider": "RXX", "spell_id": "1", "episode_order": "1", "age": "50", "sex": "1",
    "patient_classification": "1", "admission_source": "19", "admission_method": "21",
    "discharge_destination": "19", "discharge_method": "1", "episode_duration": "3",
    "main_specialty": "300", "treatment_function": "300", "diag_01": "", "diag_02": "",
    "oper_01": "", "admission_date": "2024-05-01", "discharge_date": "2024-05-04",
}  # fmt: skip


def extract(path: Path, records: Iterable[dict[str, str]]) -> Path:
    """An extract of spells of one episode each, numbered from 1."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(EPISODE))
        writer.writeheader()
        for number, record in enumerate(records, 1):
            writer.writerow(EPISODE | {"spell_id": str(number)} | record)
    return path
