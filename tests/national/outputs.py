"""Runs written in the national layout, read back as rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tariff.engine.run import Run
from tariff.national.write import national_files
from tests.engine.extracts import Row, run, stay

NAME = "april"


def grouped(*rows: Row, **options: object) -> Run:
    """Rows grouped and priced, no more."""
    return run(*rows, rules=False, **options)


def written(done: Run, folder: Path, name: str = NAME) -> Path:
    """The folder, with the files of the run in it."""
    folder.mkdir(parents=True, exist_ok=True)
    assert done.columns is not None
    for file, write in national_files(done.columns, done.manifest, name).items():
        write(folder / file)
    return folder


def cells(path: Path) -> list[list[str]]:
    """The lines of a file, header first; the format has no quotes."""
    text = path.read_bytes().decode("cp1252")
    assert text.endswith("\r\n")
    return [line.split(",") for line in text.removesuffix("\r\n").split("\r\n")]


def records(path: Path) -> list[dict[str, str]]:
    """The lines of a file by the header; cells beyond it are left out."""
    header, *lines = cells(path)
    return [dict(zip(header, line, strict=False)) for line in lines]


def two_episodes(**values: str) -> Sequence[Row]:
    """A spell of two episodes; the second has a procedure, so it drives."""
    first = stay(discharge_date="2022-05-10", episode_duration="3", **values)
    second = {**first, "episode_order": "2", "episode_duration": "4", "oper_01": "W401"}
    return [first, {**second, "diag_01": "M171", "diag_02": "I10", "critical_care_days": "1"}]


def edited(path: Path, *changes: tuple[str, dict[str, str]]) -> Path:
    """The file with cells changed in the rows of a spell: (PROVSPNO, {column: value})."""
    header, *rows = cells(path)
    for spell, values in changes:
        for row in rows:
            if row[header.index("PROVSPNO")] == spell:
                for name, value in values.items():
                    row[header.index(name)] = value
    text = "\r\n".join(",".join(row) for row in [header, *rows])
    path.write_bytes(f"{text}\r\n".encode("cp1252"))
    return path


def official(folder: Path, hrgs: dict[str, str], *, flag: str = "D", name: str = NAME) -> Path:
    """The files of a run as if the national grouper had given spells these HRGs."""
    for spell, hrg in hrgs.items():
        letter = "U" if hrg.startswith("UZ") else flag
        spell_fields = {"SpellHRG": hrg, "SpellGroupingMethodFlag": letter}
        edited(folder / f"{name}_spell.csv", (spell, spell_fields))
        episode = {**spell_fields, "FCE_HRG": hrg, "GroupingMethodFlag": letter}
        edited(folder / f"{name}_FCE.csv", (spell, episode))
    return folder / f"{name}_FCE.csv"
