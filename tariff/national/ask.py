"""The national grouper's input for an extract, with the records that findings need beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import Question
from tariff.errors import UsageError
from tariff.national.keys import COLUMNS
from tariff.national.records import Records
from tariff.national.text import LINE_END, chunks, line, lines

Writer = Callable[[Path], None]
# one value through a spell, or the grouper refuses it: a merged record takes that of its first
_OF_FIRST = ("PROCODET", "SEX", "CLASSPAT", "ADMISORC", "ADMIMETH")
_MADE_UP = "ASK"


def check_path(path: Path, read: Sequence[Path] = ()) -> None:
    """Raise where the input cannot be written under a name."""
    if path.suffix.lower() != ".csv":
        raise UsageError(f"{path} is not a .csv file", hint="--for-national names one to write")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is not a folder", hint="make it first")
    written = {path.with_suffix(suffix).resolve() for suffix in (".csv", ".rdf", ".keys.csv")}
    for other in read:
        if other.resolve() in written:
            raise UsageError(
                f"{other} is read, and would be overwritten", hint="--for-national names another"
            )


def input_files(
    columns: SpellColumns, name: str, asked: Iterable[Question] | None = None
) -> dict[str, Writer]:
    """Give the files by name: NAME.csv, NAME.rdf and, where records are asked, NAME.keys.csv."""
    stem = Path(name).stem
    ask = Ask(columns, asked or ())
    files: dict[str, Writer] = {
        name: lambda path: _write(path, ask.input()),
        f"{stem}.rdf": lambda path: _write(path, ask.definition()),
    }
    if asked is not None:
        files[f"{stem}.keys.csv"] = lambda path: _write(path, ask.keys())
    return files


def _write(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(parts)


class Ask:
    """Turns an extract, and records that do not exist, into lines of the grouper's input."""

    def __init__(self, columns: SpellColumns, asked: Iterable[Question]) -> None:
        self.columns = columns
        self.records = Records(columns)
        self.asked = sorted(asked, key=lambda question: (question.spells, question.without))
        self._prefix = self._free_prefix()

    def input(self) -> Iterable[bytes]:
        """Lines of the input: the extract in order, then what is asked."""
        yield line(self.records.names)
        perm = self.columns.spells.perm
        for part in chunks(len(perm)):
            yield lines(self.records.cells(perm[part]))
        for number, question in enumerate(self.asked, 1):
            yield lines(self._asked_cells(number, question))

    def definition(self) -> Iterable[bytes]:
        """Lines of the record definition file that goes with the input."""
        yield f"COMMA DELIMITED{LINE_END}".encode()
        for position, name in enumerate(self.records.names, 1):
            yield line([name, name, position, "", "", "", ""])

    def keys(self) -> Iterable[bytes]:
        """Lines of what the made-up numbers stand for, one a spell of each record."""
        yield line(COLUMNS)
        for number, question in enumerate(self.asked, 1):
            first = self.columns.spells.first[list(question.spells)]
            provider, spell = (cells.to_pylist() for cells in self.records.cells(first)[:2])
            for part in range(len(first)):
                made_up = (provider[0], self._number(number), question.without)
                yield line([*made_up, part + 1, provider[part], spell[part]])

    # -- one record

    def _number(self, number: int) -> str:
        return f"{self._prefix}{number:06}"

    def _free_prefix(self) -> str:
        """A beginning that no spell number of the extract has."""
        prefix = _MADE_UP
        values = self.columns.frame.texts["spell_id"].values.to_pylist()
        while any(value.startswith(prefix) for value in values):
            prefix += "X"
        return prefix

    def _asked_cells(self, number: int, question: Question) -> list[pa.Array]:
        rows = self._rows(question)
        cells = dict(zip(self.records.names, self.records.cells(rows), strict=True))
        if question.without:
            cells.update(_less(cells, question.without))
        for name in _OF_FIRST:
            cells[name] = pa.repeat(cells[name][0], len(rows))
        cells["PROVSPNO"] = pa.repeat(pa.scalar(self._number(number)), len(rows))
        cells["EPIORDER"] = pa.array(map(str, range(1, len(rows) + 1)), pa.string())
        return list(cells.values())

    def _rows(self, question: Question) -> NDArray[np.int64]:
        spells = self.columns.spells
        parts = [spells.perm[spells.start[s] : spells.start[s + 1]] for s in question.spells]
        return np.concatenate(parts)


def _less(cells: dict[str, pa.Array], code: str) -> dict[str, pa.Array]:
    """Leave a code, filled up or not, out of every episode. The primary diagnosis stays."""
    out: dict[str, pa.Array] = {}
    for stem, first in (("DIAG_", 2), ("OPER_", 1)):
        names = [n for n in cells if n.startswith(stem) and int(n[len(stem) :]) >= first]
        rows = zip(*(cells[name].to_pylist() for name in names), strict=True)
        kept = [[given for given in row if given not in (code, f"{code}X")] for row in rows]
        kept = [row + [""] * (len(names) - len(row)) for row in kept]
        columns = zip(*kept, strict=True)
        out.update({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})
    return out
