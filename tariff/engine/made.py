"""Spells that do not exist: rows of real ones, copied, changed, and put together otherwise.

A made spell has parts, each of them the rows of one real spell. Its rows become a frame of their
own, so that what groups, marks and prices real spells does the same for it, whatever field was
changed and whatever file the parts are from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.frame import VALIDATED_CODES, Frame, Vocabulary, field_of
from tariff.engine.price import EPOCH
from tariff.engine.spells import Spells
from tariff.errors import UsageError
from tariff.extract.fields import ARROW_TYPE
from tariff.packs.grouping import NULL32

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """What is changed of a record. Later changes add to earlier ones."""

    set: tuple[tuple[str, str], ...] = ()  # fields and what they become, "" for a blank
    diagnoses: frozenset[str] = frozenset()  # secondary ones taken out
    procedures: frozenset[str] = frozenset()  # taken out
    outside: bool = False  # procedures dated outside the stay are taken out
    primary: str = ""  # a secondary diagnosis that changes place with the primary one
    without: frozenset[str] = frozenset()  # components of the price: best_practice, top_up

    def __or__(self, later: Change) -> Change:
        return Change(
            tuple(sorted({**dict(self.set), **dict(later.set)}.items())),
            self.diagnoses | later.diagnoses,
            self.procedures | later.procedures,
            self.outside or later.outside,
            later.primary or self.primary,
            self.without | later.without,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Fields that are set on the rows; the billed HRG is not looked at when grouping."""
        return tuple(name for name, _ in self.set)

    @property
    def of_rows(self) -> bool:
        """Whether rows change, and not only which price is looked for."""
        codes = self.diagnoses or self.procedures or self.outside or self.primary
        return bool(codes) or any(name != "billed_hrg" for name in self.names)

    @property
    def only_codes(self) -> bool:
        """Whether codes are all that changes."""
        return not self.set and not self.outside and not self.primary and not self.without


@dataclass
class Part:
    """The rows of a real spell within a made one."""

    frame: Frame
    rows: Ids


@dataclass
class Made:
    """Made spells as a frame: spell `i` has the parts `parts_of[i]:parts_of[i + 1]`."""

    frame: Frame
    parts: Spells
    parts_of: Ids
    start: Ids = field(init=False)  # first row of each made spell, and the end

    def __post_init__(self) -> None:
        self.start = self.parts.start[self.parts_of]

    def __len__(self) -> int:
        return len(self.parts_of) - 1


class _GivenSpells(Spells):
    """Spells whose rows stand in the order they are given in."""

    def __init__(self, frame: Frame, start: Ids) -> None:
        self.start = start
        super().__init__(frame)

    def _assemble(self) -> None:
        self.perm = np.arange(self.frame.rows, dtype=np.int64)
        self.copies: list[tuple[int, int]] = []


def make(spells: Sequence[Sequence[Part]], changes: Sequence[Change]) -> Made:
    """Make spells of parts, each with its change."""
    parts = [part for of_spell in spells for part in of_spell]
    wanted = {name for change in changes for name in change.names}
    frame = _frame_of(parts, wanted)
    for name in wanted & frame.columns.keys():  # numbers as they were read cannot be written to
        frame.columns[name] = frame.columns[name].copy()
    length = np.array([len(part.rows) for part in parts], np.int64)
    start = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    parts_of = np.concatenate(([0], np.cumsum([len(s) for s in spells]))).astype(np.int64)
    edges = start[parts_of]
    for index, change in enumerate(changes):
        rows = slice(int(edges[index]), int(edges[index + 1]))
        for name, value in change.set:
            set_field(frame, name, rows, value)
        _change_codes(frame, range(rows.start, rows.stop), change)
    return Made(frame, _GivenSpells(frame, start), parts_of)


def _frame_of(parts: Sequence[Part], wanted: Iterable[str]) -> Frame:
    """Copy rows of one or several frames into a new one, in order."""
    frames = list({id(part.frame): part.frame for part in parts}.values())
    tables, places, before = [], np.empty(sum(len(p.rows) for p in parts), np.int64), 0
    start = np.concatenate(([0], np.cumsum([len(p.rows) for p in parts]))).astype(np.int64)
    for frame in frames:
        mine = [index for index, part in enumerate(parts) if part.frame is frame]
        rows = np.concatenate([parts[index].rows for index in mine])
        tables.append(rows_of(frame, rows))
        for index in mine:
            count = len(parts[index].rows)
            places[start[index] : start[index] + count] = np.arange(before, before + count)
            before += count
    table = pa.concat_tables(tables, promote_options="default")
    if len(frames) > 1:
        table = table.unify_dictionaries().take(pa.array(places))
    for name in sorted(set(wanted) - set(table.column_names)):
        table = table.append_column(name, pa.nulls(table.num_rows, _type_of(name)))
    out = Frame(frozenset(table.column_names))
    (batch,) = table.combine_chunks().to_batches() or [None]
    out.append(batch)
    out.close()
    return out


def _type_of(name: str) -> pa.DataType:
    return ARROW_TYPE[field_of(name).type]


def rows_of(frame: Frame, rows: Ids) -> pa.Table:
    """Give some rows of a frame in canonical columns."""
    out: dict[str, pa.Array] = {}
    for columns, block, words in (
        (frame.diag_columns, frame.diag, frame.diagnoses),
        (frame.oper_columns, frame.oper, frame.procedures),
    ):
        taken = block[rows]
        named = [name for name in columns if name in frame.fields]
        cells = _words(taken.ravel(order="F"), words)
        for name in named:
            place = columns.index(name)
            out[name] = cells.slice(place * len(rows), len(rows))
    for name in sorted(frame.fields - out.keys()):
        if name in frame.texts:
            out[name] = frame.texts[name].take(rows).dictionary_encode()
            continue
        column = frame.column(name)
        assert column is not None, name
        if name in frame.vocabularies:
            out[name] = _words(column[rows], frame.vocabularies[name])
            continue
        values = column[rows]
        null = np.iinfo(values.dtype).min
        out[name] = pa.array(values, mask=values == null)
    return pa.table(out)


def _words(ids: NDArray[Any], words: Vocabulary) -> pa.DictionaryArray:
    """Give ids as texts, with a dictionary of those that are there alone."""
    used, places = np.unique(ids, return_inverse=True)
    texts = [words.values[index] for index in used.tolist()]
    return pa.DictionaryArray.from_arrays(
        pa.array(places.reshape(-1), pa.int32()), pa.array(texts, pa.string())
    )


# ---------------------------------------------------------------- changes


def set_field(frame: Frame, name: str, rows: slice, value: str) -> None:
    """Give a canonical field of some rows a value as it would be written; "" is a blank."""
    kind = field_of(name).type
    if kind == "clinical":
        diagnoses = name.startswith("diag_")
        block, words = (
            (frame.diag, frame.diagnoses) if diagnoses else (frame.oper, frame.procedures)
        )
        columns = frame.diag_columns if diagnoses else frame.oper_columns
        block[rows, columns.index(name)] = words.id_of(value)
    elif name in VALIDATED_CODES or kind in ("code", "text", "month"):
        column = frame.column(name)
        assert column is not None
        column[rows] = frame.vocabularies[name].id_of(value)
    elif kind in ("integer", "date"):
        column = frame.column(name)
        assert column is not None
        column[rows] = number_of(name, value)
    else:
        raise UsageError(
            f"a remedy cannot set '{name}'", hint="it can set codes, whole numbers and dates"
        )


def number_of(name: str, value: str) -> int:
    """Give a whole number, or a date in days; NULL32 for a blank."""
    if not value:
        return int(NULL32)
    try:
        if field_of(name).type == "date":
            return (date.fromisoformat(value) - EPOCH).days
        return int(value)
    except ValueError as error:
        raise UsageError(
            f"a remedy sets '{name}' to '{value}'", hint="a whole number, or a date YYYY-MM-DD"
        ) from error


def _change_codes(frame: Frame, rows: Iterable[int], change: Change) -> None:
    if change.primary:
        for row in rows:
            if _swap(frame, row, change.primary):
                break
    for row in rows:
        if change.diagnoses:
            _take_out(frame.diag[row], frame.diagnoses, change.diagnoses, first=1)
        if change.procedures or change.outside:
            gone = change.procedures
            dated = outside_stay(frame, row) if change.outside else frozenset()
            _take_out(frame.oper[row], frame.procedures, gone, first=0, places=dated)


def _take_out(
    codes: NDArray[Any],
    words: Vocabulary,
    gone: frozenset[str],
    *,
    first: int,
    places: frozenset[int] = frozenset(),
) -> None:
    """Take codes out of a row from a position on; what follows moves up."""
    kept = [
        code
        for place, code in enumerate(codes.tolist())
        if place < first or (words.values[code] not in gone and place not in places)
    ]
    codes[:] = kept + [0] * (len(codes) - len(kept))


def _swap(frame: Frame, row: int, code: str) -> bool:
    """Let a secondary diagnosis of a row change place with the first."""
    texts = [frame.diagnoses.values[index] for index in frame.diag[row].tolist()]
    if code not in texts[1:]:
        return False
    place = texts.index(code, 1)
    first = int(frame.diag[row, 0])
    frame.diag[row, 0] = frame.diag[row, place]
    frame.diag[row, place] = first
    return True


def outside_stay(frame: Frame, row: int) -> frozenset[int]:
    """Give the positions of procedures dated before admission or after discharge."""
    out = set()
    bounds = []
    for name in ("admission_date", "discharge_date"):
        column = frame.column(name)
        bounds.append(NULL32 if column is None else column[row])
    for place, name in enumerate(frame.oper_columns):
        dates = frame.column(name.replace("oper_", "oper_date_"))
        if dates is None or dates[row] == NULL32 or not frame.oper[row, place]:
            continue
        before = bounds[0] != NULL32 and dates[row] < bounds[0]
        after = bounds[1] != NULL32 and dates[row] > bounds[1]
        if before or after:
            out.add(place)
    return frozenset(out)
