"""The episodes of a run as compact numpy columns, and the spells they make.

A `Frame` is filled batch by batch: every distinct text of a column is looked up once per batch and
becomes a small integer id of the run (0 is a blank), so that an episode costs about 130 bytes.
Ids depend on the order of the rows; nothing that leaves a run does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.extract.fields import EPISODES, Field
from tariff.packs.compile import NULL64
from tariff.packs.grouping import NULL32

CODE_LIMIT = np.iinfo(np.uint16).max
TEXT_LIMIT = np.iinfo(np.uint32).max
OVERFLOW = "(other)"  # id of distinct texts beyond the limit: never a valid code

# Order of the rows of `Frame.code_fields` and `Frame.numbers`, which the kernel validates.
VALIDATED_CODES = (
    "sex",
    "patient_classification",
    "admission_source",
    "admission_method",
    "discharge_destination",
    "discharge_method",
    "main_specialty",
    "treatment_function",
    "neonatal_care",
)
VALIDATED_NUMBERS = (
    "age",
    "episode_order",
    "episode_duration",
    "critical_care_days",
    "rehabilitation_days",
    "palliative_care_days",
)
_FIELDS = {field.name: field for field in EPISODES}
_FAMILIES = {field.name[:-2]: field for field in EPISODES if field.repeats}


def field_of(column: str) -> Field:
    """Give the field dictionary entry of a canonical column, also of `diag_07`."""
    return _FIELDS.get(column) or _FAMILIES[column[:-2]]


def family(columns: Iterable[str], prefix: str) -> list[str]:
    """Give the columns of a family in order of their number."""
    return sorted(
        (name for name in columns if name.startswith(prefix) and name[len(prefix) :].isdigit()),
        key=lambda name: int(name[len(prefix) :]),
    )


class Vocabulary:
    """Texts of a column and their ids; id 0 is the blank."""

    def __init__(self, limit: int = CODE_LIMIT) -> None:
        self._dtype = np.uint16 if limit <= CODE_LIMIT else np.uint32
        self.values: list[str] = [""]
        self._ids: dict[str, int] = {"": 0}
        self._limit = limit
        self._last: tuple[pa.Array, NDArray[Any]] | None = None

    def id_of(self, text: str) -> int:
        """Give the id of a text, adding it where it is new."""
        found = self._ids.get(text)
        if found is None:
            if len(self.values) >= self._limit:
                found = self._ids.setdefault(OVERFLOW, self._limit)
                if len(self.values) == self._limit:
                    self.values.append(OVERFLOW)
                return found
            found = self._ids[text] = len(self.values)
            self.values.append(text)
        return found

    def encode(self, column: pa.DictionaryArray) -> NDArray[Any]:
        """Give the ids of a dictionary column; a null is the blank."""
        if self._last is None or not self._last[0].equals(column.dictionary):
            known, id_of = self._ids.get, self.id_of
            mapping = np.array(
                [known(text) or id_of(text or "") for text in column.dictionary.to_pylist()] + [0],
                self._dtype,
            )
            self._last = (column.dictionary, mapping)
        indices = column.indices
        if indices.null_count:
            indices = pc.fill_null(indices, -1)
        ids: NDArray[Any] = self._last[1].take(indices.to_numpy(zero_copy_only=False))
        return ids


@dataclass
class Texts:
    """A column of identifiers: ids by row, and the texts. Id -1 is a blank."""

    ids: NDArray[np.int64]
    values: pa.StringArray

    def ranks(self) -> NDArray[np.int64]:
        """Rank of each row's text among the texts, bytewise; -1 for a blank."""
        order = pc.sort_indices(self.values).to_numpy()
        rank = np.empty(len(order) + 1, np.int64)
        rank[order] = np.arange(len(order))
        rank[-1] = -1
        return rank[self.ids]

    def take(self, rows: NDArray[np.int64]) -> pa.Array:
        """Texts of some rows, null for a blank."""
        ids = self.ids[rows]
        return self.values.take(pa.array(ids, mask=ids < 0))


def joined_texts(chunks: list[pa.DictionaryArray]) -> Texts:
    """Give the batches of a column of identifiers as one."""
    merged = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
    if isinstance(merged, pa.ChunkedArray):
        merged = merged.chunk(0)
    ids = pc.fill_null(merged.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    values = merged.dictionary.cast(pa.string())
    blank = pc.equal(values, "").to_numpy(zero_copy_only=False)
    if blank.any():
        ids[np.append(blank, False)[ids]] = -1
    return Texts(ids, values)


def filled_numbers(column: pa.Array, null: int, dtype: Any) -> NDArray[Any]:
    """Give numbers, or dates as days, with a number in the place of nulls."""
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(null, column.type))
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
    return values


class Frame:
    """Episodes as columns. Shapes: `diag` [row, position], `code_fields` [field, row]."""

    def __init__(self, fields: frozenset[str]) -> None:
        self.fields = fields
        # the first of each stands first, whether it is there or not
        self.diag_columns = family(fields | {"diag_01"}, "diag_")
        self.oper_columns = family(fields | {"oper_01"}, "oper_")
        self.diagnoses = Vocabulary()
        self.procedures = Vocabulary()
        self.vocabularies = {
            # the kernel takes 16 bits; a serial number may have any number of values
            name: Vocabulary(CODE_LIMIT if name in VALIDATED_CODES else TEXT_LIMIT)
            for name in sorted(fields | set(VALIDATED_CODES) | {"provider"})
            if field_of(name).type in ("code", "text", "month")
        }
        self._chunks: dict[str, list[Any]] = {}
        self._blocks: dict[str, list[NDArray[Any]]] = {}
        self.rows = 0

    # -- filling

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch of canonical columns (docs/architecture.md, Extract)."""
        names = set(batch.schema.names)
        rows = batch.num_rows
        for key, columns, vocabulary in (
            ("diag", self.diag_columns, self.diagnoses),
            ("oper", self.oper_columns, self.procedures),
        ):
            block = np.zeros((rows, len(columns)), np.uint16)
            for position, name in enumerate(columns):
                if name in names:
                    block[:, position] = vocabulary.encode(batch.column(name))
            self._blocks.setdefault(key, []).append(block)
        codes = np.zeros((len(VALIDATED_CODES), rows), np.uint16)
        numbers = np.full((len(VALIDATED_NUMBERS), rows), NULL32, np.int32)
        for name in self.fields:
            kind = field_of(name).type
            if kind == "clinical":
                continue
            column = batch.column(name)
            if name in VALIDATED_CODES:
                codes[VALIDATED_CODES.index(name)] = self.vocabularies[name].encode(column)
            elif name in VALIDATED_NUMBERS:
                numbers[VALIDATED_NUMBERS.index(name)] = filled_numbers(column, NULL32, np.int32)
            elif kind in ("code", "text", "month"):
                self._blocks.setdefault(name, []).append(self.vocabularies[name].encode(column))
            elif kind == "identifier":
                self._chunks.setdefault(name, []).append(column)
            elif kind in ("money", "factor"):
                self._blocks.setdefault(name, []).append(filled_numbers(column, NULL64, np.int64))
            else:
                self._blocks.setdefault(name, []).append(filled_numbers(column, NULL32, np.int32))
        self._blocks.setdefault("code_fields", []).append(codes)
        self._blocks.setdefault("numbers", []).append(numbers)
        self.rows += rows

    def close(self) -> None:
        """Join the batches."""
        self.diag: NDArray[np.uint16] = self._join("diag", 0)
        self.oper: NDArray[np.uint16] = self._join("oper", 0)
        self.code_fields: NDArray[np.uint16] = self._join("code_fields", 1)
        self.numbers: NDArray[np.int32] = self._join("numbers", 1)
        self.columns: dict[str, NDArray[Any]] = {
            name: self._join(name, 0) for name in list(self._blocks)
        }
        self.texts = {name: joined_texts(chunks) for name, chunks in self._chunks.items()}
        self._chunks.clear()

    def _join(self, name: str, axis: int) -> NDArray[Any]:
        blocks = self._blocks.pop(name)
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=axis)

    def blank_fields(self) -> frozenset[str]:
        """Give the columns of the extract that hold no value in any row."""
        out = set()
        for name in self.fields:
            kind = field_of(name).type
            if kind == "clinical":
                block, columns = (
                    (self.diag, self.diag_columns)
                    if name.startswith("diag_")
                    else (self.oper, self.oper_columns)
                )
                empty = not block[:, columns.index(name)].any()
            elif name in self.texts:
                empty = not (self.texts[name].ids >= 0).any()
            else:
                column = self.column(name)
                assert column is not None
                null = 0 if name in self.vocabularies else NULL64
                if column.dtype == np.int32 and name not in self.vocabularies:
                    null = NULL32
                empty = not (column != null).any()
            if empty:
                out.add(name)
        return frozenset(out)

    # -- reading

    def column(self, name: str) -> NDArray[Any] | None:
        """Give a column by its canonical name: ids of codes, numbers, days, pence; or None."""
        found: NDArray[Any] | None = self.columns.get(name)
        if name in VALIDATED_CODES:
            found = self.code_fields[VALIDATED_CODES.index(name)]
        elif name in VALIDATED_NUMBERS:
            found = self.numbers[VALIDATED_NUMBERS.index(name)]
        return found

    def content(self, row: int) -> tuple[tuple[int, int | str], ...]:
        """Give the values of a row in the order of the field dictionary, missing ones first."""
        out: list[tuple[int, int | str]] = []
        for field in EPISODES:
            stem = field.name[:-2]
            if field.name in ("diag_01", "oper_01"):
                block, vocabulary = (
                    (self.diag, self.diagnoses) if stem == "diag_" else (self.oper, self.procedures)
                )
                for code in block[row]:
                    text = vocabulary.values[code]
                    out.append((1, text) if text else (0, 0))
                continue
            names = family(self.fields, stem) if field.repeats else [field.name]
            out.extend(self._cell(name, row) for name in names if name in self.fields)
        return tuple(out)

    def _cell(self, name: str, row: int) -> tuple[int, int | str]:
        if name in self.texts:
            texts = self.texts[name]
            code = int(texts.ids[row])
            return (0, 0) if code < 0 else (1, str(texts.values[code]))
        column = self.column(name)
        assert column is not None
        value = int(column[row])
        if name in self.vocabularies:
            return (1, self.vocabularies[name].values[value]) if value else (0, 0)
        null = NULL64 if column.dtype == np.int64 else NULL32
        return (0, 0) if value == null else (1, value)
