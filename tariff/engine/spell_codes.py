"""Codes that an extract lists in one cell, and the codes that a national list holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tariff.engine.frame import Vocabulary
from tariff.engine.members import Members

Bools = NDArray[np.bool_]

_PARTED = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Listed:
    """Codes of spells, each once a spell, in the order given; `code` is an index of `values`."""

    spell: NDArray[np.int64]
    code: NDArray[np.int64]
    values: list[str]

    def is_code(self, code: str) -> Bools:
        """Say which of them are one code."""
        index = self.values.index(code) if code in self.values else -1
        found: Bools = self.code == index
        return found


NOTHING = Listed(np.zeros(0, np.int64), np.zeros(0, np.int64), [])


def listed(members: Members, column: str) -> Listed | None:
    """Give what a column lists, parted by blanks, commas or semicolons; None where it is absent.

    The episodes of a spell are read together, in their order.
    """
    if column not in members.frame.fields:
        return None
    ids = members.frame.columns[column][members.perm]
    there = np.flatnonzero(ids)
    texts, of_row = np.unique(ids[there], return_inverse=True)
    values: dict[str, int] = {}
    cells = members.frame.vocabularies[column].values
    codes = [
        [values.setdefault(word, len(values)) for word in _PARTED.split(cells[t].upper()) if word]
        for t in texts
    ]
    length = np.array([len(found) for found in codes], np.int64)
    flat = np.array([code for found in codes for code in found], np.int64)
    row, place = spread(length, of_row)
    return _once(members.owner()[there[row]], flat[place], list(values))


def _once(spell: NDArray[np.int64], code: NDArray[np.int64], values: list[str]) -> Listed:
    """Keep the first of each code of a spell."""
    _, first = np.unique(spell * (len(values) + 1) + code, return_index=True)
    first.sort()
    return Listed(spell[first], code[first], values)


def last_code(members: Members, name: str) -> tuple[NDArray[np.int64], Sequence[str]]:
    """Give the last code of each spell that is not blank, as an id (0 none), and the codes."""
    column = members.frame.column(name)
    if column is None:
        return np.zeros(len(members), np.int64), [""]
    places = np.where(column[members.perm] != 0, np.arange(len(members.perm)), -1)
    last = np.maximum.reduceat(places, members.start[:-1])
    ids = np.where(last < 0, 0, column[members.perm[np.maximum(last, 0)]])
    return ids.astype(np.int64), members.frame.vocabularies[name].values


def spread(
    length: NDArray[np.int64], which: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay out groups of things, one group an item: give the item and the thing of each place.

    Group `g` holds `length[g]` things, numbered on from those before it; item `i` has the group
    `which[i]`.
    """
    begin = np.cumsum(length) - length
    count = length[which]
    item = np.repeat(np.arange(len(which)), count)
    offset = np.arange(len(item)) - np.repeat(np.cumsum(count) - count, count)
    return item, begin[which][item] + offset


_INDEXES: WeakKeyDictionary[Vocabulary, CodeIndex] = WeakKeyDictionary()


class CodeIndex:
    """Finds the codes of a vocabulary that a national list holds.

    An entry of three characters or four holds what begins with it, unless whole codes are asked
    for. A code of three characters is found with its filling X as well (I64 as I64X).
    """

    def __init__(self, values: Sequence[str]) -> None:
        self._size = len(values)
        self._ids: dict[str, list[int]] = {}
        self._whole: dict[str, list[int]] = {}
        for index, value in enumerate(values):
            filled = value + "X" if len(value) == 3 else value
            for begin in {value[:3], value[:4], value, filled} - {""}:
                self._ids.setdefault(begin, []).append(index)
            for whole in {value, filled} - {""}:
                self._whole.setdefault(whole, []).append(index)
        self._tables: dict[tuple[frozenset[str], bool], Bools] = {}

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> CodeIndex:
        """Give the index of a vocabulary that is complete; it is made once."""
        found = _INDEXES.get(vocabulary)
        if found is None or found._size != len(vocabulary.values):
            found = _INDEXES[vocabulary] = cls(vocabulary.values)
        return found

    def table(self, entries: frozenset[str], *, whole: bool = False) -> Bools:
        """Say of each code of the vocabulary whether one of the entries holds it."""
        table = self._tables.get((entries, whole))
        if table is None:
            table = self._tables[entries, whole] = np.zeros(self._size, bool)
            ids = self._whole if whole else self._ids
            for entry in entries:
                table[ids.get(entry, [])] = True
        return table


def any_of(members: Members, table: Bools, *, diagnoses: bool, primary: bool) -> Bools:
    """Say which spells have a diagnosis (or a procedure) of a table, primary or in any place."""
    frame = members.frame
    block = (frame.diag if diagnoses else frame.oper)[members.perm]
    found = table[block[:, :1] if primary else block].any(axis=1)
    out: Bools = np.logical_or.reduceat(found, members.start[:-1])
    return out
