"""Fields of some records as the matrix of cells that the kernel walks over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.record_set import Ids, RecordSet, Vocabulary
from tariff.packs.compile import NULL64

SAFE = 1 << 62


@dataclass(frozen=True, slots=True)
class Virtual:
    """A column worked out of others: what an operand of a comparison amounts to.

    The fields are taken together as `kind` says, multiplied by `times`, and rounded half up.
    """

    kind: str
    names: tuple[str, ...]
    times: Fraction


Column = str | Virtual


@dataclass(frozen=True)
class Cells:
    """[field, record], and the pool that cells of several values point into."""

    matrix: Ids
    pool: Ids

    @property
    def rows(self) -> int:
        """How many records."""
        return int(self.matrix.shape[1])


class Reader:
    """Reads fields of records, codes that are compared with one another as ids of one list."""

    def __init__(self, records: RecordSet, alike: Iterable[tuple[str, str]] = ()) -> None:
        self.records = records
        self._root: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        for one, other in alike:
            self._unite(one, other)

    def _unite(self, one: str, other: str) -> None:
        a, b = self._root.get(one, one), self._root.get(other, other)
        if a == b:
            return
        members = sorted({*self._members.pop(a, [a]), *self._members.pop(b, [b])})
        self._members[a] = members
        self._root.update(dict.fromkeys(members, a))

    def vocabulary(self, name: str) -> Vocabulary:
        """Give the values of a code field and of those it is compared with."""
        root = self._root.get(name, name)
        return self.records.vocabulary(tuple(self._members.get(root, [name])))

    def cells(self, columns: Sequence[Column], which: Ids, ordered: Iterable[str] = ()) -> Cells:
        """Give [column, record] of some records; several values in order where asked."""
        matrix = np.empty((max(len(columns), 1), len(which)), np.int64)
        pools: list[Ids] = []
        size = 0
        for row, column in enumerate(columns):
            if isinstance(column, Virtual):
                matrix[row] = worked_out(column, [self.column(n, which) for n in column.names])
            elif self.records.is_many(column):
                matrix[row], pool = self._several(column, which, size, column in set(ordered))
                pools.append(pool)
                size += len(pool)
            else:
                self._fill(column, which, matrix[row])
        return Cells(matrix, np.concatenate(pools) if pools else np.zeros(1, np.int64))

    def column(self, name: str, which: Ids) -> Ids:
        """Give a field of one value: ids or numbers, NULL64 where missing."""
        out = np.empty(len(which), np.int64)
        self._fill(name, which, out)
        return out

    def _fill(self, name: str, which: Ids, out: Ids) -> None:
        records = self.records
        vocabulary = self.vocabulary(name) if records.is_code(name) else None
        for index, places, rows in records.parts(which):
            if vocabulary is not None:
                out[places] = vocabulary.taken(index, name, rows)
            else:
                out[places] = records.block_number(index, name)[rows]

    def _several(self, name: str, which: Ids, base: int, ordered: bool) -> tuple[Ids, Ids]:
        """Give the places in the pool, and the part of the pool that is theirs."""
        vocabulary = self.vocabulary(name)
        cells = np.full(len(which), NULL64, np.int64)
        pools: list[Ids] = []
        for index, places, rows in self.records.parts(which):
            if not self.records.blocks[index].is_many(name):
                continue
            start, ids, _ = self.records.block_many(index, name)
            local = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
            begin = start[local].astype(np.int64)
            counts = start[local + 1].astype(np.int64) - begin
            total = int(counts.sum())
            row = np.repeat(np.arange(len(local)), counts)
            before = np.cumsum(counts) - counts
            at = np.arange(total)
            values = vocabulary.mapped(index, name, ids[at - before[row] + begin[row]])
            if ordered:
                values = values[np.lexsort((values, row))]
            pool = np.empty(total + len(local), np.int64)
            head = before + np.arange(len(local))
            pool[head] = counts
            pool[at + row + 1] = values
            cells[places] = np.where(counts > 0, head + base, NULL64)
            pools.append(pool)
            base += len(pool)
        return cells, np.concatenate(pools) if pools else np.zeros(0, np.int64)


def worked_out(column: Virtual, values: Sequence[Ids]) -> Ids:
    """Take numbers together; missing where one of them is."""
    missing = np.zeros(len(values[0]), bool)
    for part in values:
        missing |= part == NULL64
    parts = [np.where(missing, 0, part) for part in values]
    top, bottom = column.times.numerator, column.times.denominator
    reach = [int(np.abs(part).max(initial=0)) for part in parts]
    most = reach[0] * reach[1] if column.kind == "product" else sum(reach)
    wide: list[NDArray[Any]] = list(parts)
    if most * abs(top) * 2 + bottom >= SAFE:  # whole numbers without bound
        wide = [part.astype(object) for part in parts]
    found = _together(column.kind, wide)
    if top != bottom:
        # half up, away from 0
        size = (np.abs(found) * abs(top) * 2 + bottom) // (2 * bottom)
        found = np.where((found < 0) != (top < 0), -size, size)
    out: Ids = np.where(missing, NULL64, found.astype(np.int64))
    return out


def _together(kind: str, parts: list[NDArray[Any]]) -> NDArray[Any]:
    out = parts[0]
    for part in parts[1:]:
        match kind:
            case "sum":
                out = out + part
            case "less":
                out = out - part
            case "product":
                out = out * part
            case "least":
                out = np.minimum(out, part)
            case "most":
                out = np.maximum(out, part)
            case _:
                raise ValueError(kind)
    return out
