"""The rows of a spell as plain values, and back as a batch that the engine reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa

from tariff.engine.frame import Frame
from tariff.engine.price import EPOCH
from tariff.extract.fields import ARROW_TYPE, field_of, in_order
from tariff.packs.compile import NULL64
from tariff.packs.grouping import NULL32
from tariff.reference.values import Value

Row = dict[str, Value]  # canonical column to its value; blanks are left out


def row_of(frame: Frame, row: int) -> Row:
    """Give a row of a frame: codes as text, dates as dates, money as pence."""
    out: Row = {}
    for columns, block, vocabulary in (
        (frame.diag_columns, frame.diag, frame.diagnoses),
        (frame.oper_columns, frame.oper, frame.procedures),
    ):
        for position, name in enumerate(columns):
            code = vocabulary.values[int(block[row, position])]
            if code:
                out[name] = code
    for name in in_order(frame.fields):
        if name in frame.texts:
            text = frame.texts[name]
            if text.ids[row] >= 0:
                out[name] = str(text.values[int(text.ids[row])])
        elif name not in out:
            value = _value(frame, name, row)
            if value is not None:
                out[name] = value
    return out


def _value(frame: Frame, name: str, row: int) -> Value:
    column = frame.column(name)
    if column is None:
        return None
    number = int(column[row])
    if name in frame.vocabularies:
        return frame.vocabularies[name].values[number] or None
    if number in (int(NULL32), int(NULL64)):
        return None
    field = field_of(name)
    if field is not None and field.type == "date":
        return EPOCH + timedelta(days=number)
    return number


def batch_of(rows: Sequence[Row], fields: Iterable[str]) -> pa.RecordBatch:
    """Give rows as a batch of canonical columns, as the reader makes them."""
    names = in_order(frozenset(fields))
    arrays = []
    for name in names:
        field = field_of(name)
        assert field is not None
        values: list[Any] = [row.get(name) for row in rows]
        type_ = ARROW_TYPE[field.type]
        if pa.types.is_dictionary(type_):
            arrays.append(pa.array(values, pa.string()).dictionary_encode().cast(type_))
        else:
            arrays.append(pa.array(values, type_))
    return pa.RecordBatch.from_arrays(arrays, names)


def family_of(row: Row, prefix: str) -> list[tuple[int, str]]:
    """Give the codes of a family with their positions, blanks left out."""
    return sorted(
        (int(name[-2:]), str(value))
        for name, value in row.items()
        if name.startswith(prefix) and name[len(prefix) :].isdigit()
    )


def without(row: Row, prefix: str, code: str, *, keep_first: bool) -> Row:
    """Give a row without a code of a family; those after it move up. The primary may stay."""
    codes = family_of(row, prefix)
    kept = [held for position, held in codes if held != code or (keep_first and position == 1)]
    out = {name: value for name, value in row.items() if not _is_of(name, prefix)}
    first = 1 if not keep_first or (codes and codes[0][0] == 1) else 2
    return out | {f"{prefix}{place:02}": held for place, held in enumerate(kept, first)}


def _is_of(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name[len(prefix) :].isdigit()
