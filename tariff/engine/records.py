"""Records of care that is not admitted as compact numpy columns: attendances, periods.

Each distinct text of a column becomes a small id (0 is a blank), as in `tariff.engine.frame`. Ids
depend on the order of the rows; nothing that leaves a run does.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.frame import (
    TEXT_LIMIT,
    Texts,
    Vocabulary,
    family,
    filled_numbers,
    joined_texts,
)
from tariff.engine.price import EPOCH
from tariff.errors import DataError
from tariff.extract.fields import FieldType, field_of
from tariff.packs.compile import NULL64, year_start
from tariff.packs.grouping import NULL32

Ids = NDArray[np.uint32]


class Records:
    """The columns of a dataset that grouping needs, by row in the order read."""

    def __init__(
        self, dataset: str, fields: frozenset[str], columns: Iterable[str], families: Iterable[str]
    ) -> None:
        self.fields = fields
        self.rows = 0
        self._names = [name for name in columns if name in fields]
        self._families = {name: family(fields, f"{name}_") for name in families}
        self._types: dict[str, FieldType] = {}
        for name in (*self._names, *(n for names in self._families.values() for n in names)):
            found = field_of(name, dataset)
            assert found is not None, name
            self._types[name] = found.type
        self._words = {n: Vocabulary(TEXT_LIMIT) for n in (*self._names, *self._families)}
        self._parts: dict[str, list[Any]] = {name: [] for name in self._words}

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch of canonical columns."""
        for name in self._names:
            column, kind = batch.column(name), self._types[name]
            if kind in ("integer", "date", "time"):
                self._parts[name].append(filled_numbers(column, NULL32, np.int32))
            elif kind in ("money", "factor"):
                self._parts[name].append(filled_numbers(column, NULL64, np.int64))
            elif kind == "identifier":
                self._parts[name].append(column)
            else:
                self._parts[name].append(self._words[name].encode(column))
        for name, members in self._families.items():
            block = np.zeros((batch.num_rows, max(len(members), 1)), np.uint32)
            for place, member in enumerate(members):
                block[:, place] = self._words[name].encode(batch.column(member))
            self._parts[name].append(block)
        self.rows += batch.num_rows

    def close(self) -> None:
        """Join the batches."""
        if not self.rows:
            raise DataError(
                "no row of the extract could be used", hint="look at the reasons in the rejects"
            )
        self._columns: dict[str, Any] = {}
        for name in list(self._parts):  # one by one: the parts of a column go as it is joined
            parts = self._parts.pop(name)
            texts = self._types.get(name) == "identifier"
            self._columns[name] = joined_texts(parts) if texts else np.concatenate(parts)

    # -- columns

    def codes(self, name: str) -> tuple[Ids, list[str]]:
        """Give the ids of a code or of a family, and what they stand for; 0 is a blank."""
        if name not in self._columns:
            return np.zeros(self.rows, np.uint32), [""]
        ids: Ids = self._columns[name]
        return ids, self._words[name].values

    def members(self, family: str) -> list[str]:
        """Give the columns of a family that are held, in the order of its block."""
        return self._families.get(family, [])

    def numbers(self, name: str) -> NDArray[np.int32]:
        """Give whole numbers, or days since 1970-01-01; NULL32 where missing."""
        if name not in self._columns:
            return np.full(self.rows, NULL32, np.int32)
        found: NDArray[np.int32] = self._columns[name]
        return found

    def money(self, name: str) -> NDArray[np.int64]:
        """Give pence, or factors in units of 1e-9; NULL64 where missing."""
        if name not in self._columns:
            return np.full(self.rows, NULL64, np.int64)
        found: NDArray[np.int64] = self._columns[name]
        return found

    def present(self, name: str) -> NDArray[np.bool_]:
        """Say which rows have an identifier."""
        found = self._columns.get(name)
        if not isinstance(found, Texts):
            return np.zeros(self.rows, bool)
        there: NDArray[np.bool_] = found.ids >= 0
        return there

    def texts(self, name: str, order: NDArray[np.int64]) -> pa.Array:
        """Give a text column in an order, null where missing."""
        found = self._columns.get(name)
        if isinstance(found, Texts):
            return found.take(order)
        ids, values = self.codes(name)
        return named(values, ids.astype(np.int64)[order], blank=0)

    def take(self, rows: NDArray[np.int64]) -> Records:
        """Give some of the records, in the order asked for."""
        if len(rows) == self.rows and (rows[1:] > rows[:-1]).all():
            return self  # all of them, as they stand
        out = copy(self)
        out.rows = len(rows)
        out._columns = {
            name: Texts(found.ids[rows], found.values) if isinstance(found, Texts) else found[rows]
            for name, found in self._columns.items()
        }
        return out

    def numbered(self, key: str) -> Records:
        """Give the records as though of one provider, their identifiers the places they stand at.

        Tables made of them keep their order.
        """
        out = copy(self)
        places = pc.utf8_lpad(pa.array(np.arange(self.rows)).cast(pa.string()), 12, "0")
        one = np.ones(self.rows, np.uint32)  # whichever provider was met first
        out._columns = {
            **self._columns,
            "provider": one,
            key: Texts(np.arange(self.rows, dtype=np.int64), places),
        }
        return out

    def without(self, name: str) -> Records:
        """Give the records with one column of numbers missing throughout."""
        out = copy(self)
        out._columns = {k: v for k, v in self._columns.items() if k != name}
        return out

    def identifiers(self, name: str) -> Texts:
        """Give a column of identifiers; all blank where the records have none."""
        found = self._columns.get(name)
        if isinstance(found, Texts):
            return found
        return Texts(np.full(self.rows, -1, np.int64), pa.array([], pa.string()))

    def types(self) -> list[tuple[str, FieldType]]:
        """Give the columns, then the families, that are held, and the type of each."""
        families = [
            (name, self._types[names[0]]) for name, names in self._families.items() if names
        ]
        return [(name, self._types[name]) for name in self._names] + families

    def whole(self, name: str, order: NDArray[np.int64], kind: pa.DataType) -> pa.Array:
        """Give a column of numbers or dates in an order, null where missing."""
        values = self.numbers(name)[order]
        return pa.array(values, pa.int32(), mask=values == NULL32).cast(kind)

    def order(self, key: str) -> NDArray[np.int64]:
        """Give the rows by provider and key."""
        ids, values = self.codes("provider")
        rank = np.argsort(np.argsort(np.array(values)))
        keys: Texts = self._columns[key]
        found: NDArray[np.int64] = np.lexsort((keys.ranks(), rank[ids]))
        return found

    def by_day(self, name: str, year: str | None) -> list[tuple[date | None, NDArray[np.int64]]]:
        """Give the rows of each day; those without one are of the first day of a tariff year."""
        default = None if year is None else date(year_start(year), 4, 1)
        days, inverse = np.unique(self.numbers(name), return_inverse=True)
        rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
        return [
            (default if day == NULL32 else EPOCH + timedelta(days=int(day)), part)
            for day, part in zip(days, rows, strict=True)
        ]


def named(values: list[str], ids: NDArray[Any], *, blank: int = -1) -> pa.Array:
    """Give texts by id, null for the blank."""
    wide = ids.astype(np.int64)
    return pa.array(values, pa.string()).take(pa.array(wide, mask=wide == blank))


def in_full_order(table: pa.Table, keys: tuple[str, str]) -> pa.Table:
    """Give a table that is in order of its keys in an order that its rows alone decide.

    Records of one key stand in the order of all their columns, whatever order they came in. The
    keys are the first columns.
    """
    same = _as_before(table, keys)
    if not same.any():
        return table
    again = np.concatenate((same, [False])) | np.concatenate(([False], same))
    at = np.flatnonzero(again)
    columns = [(name, "ascending") for name in table.column_names]
    order = np.arange(table.num_rows)
    order[at] = at[pc.sort_indices(table.take(at), sort_keys=columns).to_numpy()]
    return table.take(order)


def copies_aside(table: pa.Table, keys: tuple[str, str]) -> tuple[pa.Table, int, int]:
    """Set exact copies of records aside, of a table in full order.

    Also gives how many they are, and how many of the others share the key of another.
    """
    copy = _as_before(table, table.column_names)
    kept = table if not copy.any() else table.filter(pa.array(np.append(True, ~copy)))
    return kept, int(copy.sum()), int(_as_before(kept, keys).sum())


def repeated(key: str, copies: int, sharing: int) -> list[str]:
    """Say what shares a key: a record is known by its provider and identifier."""
    notices = []
    if copies:
        notices.append(
            f"Exact copies of a record (provider, {key} and all else) that were set aside: "
            f"{copies:,}."
        )
    if sharing:
        notices.append(
            f"Records that share the provider and {key} of another, differ from it, and "
            f"are counted beside it: {sharing:,}."
        )
    return notices


def _as_before(table: pa.Table, names: Iterable[str]) -> NDArray[np.bool_]:
    """Say of each row but the first whether it is as the one before it, in some columns."""
    same = np.ones(max(table.num_rows - 1, 0), bool)
    for name in names:
        if not same.any():
            break
        column = table[name].combine_chunks()
        one, other = column[1:], column[:-1]
        neither = pc.and_(pc.is_null(one), pc.is_null(other))
        same &= np.asarray(pc.or_(pc.fill_null(pc.equal(one, other), False), neither))
    return same
