"""One column of any Arrow type as the type of its field.

`convert(array, kind, cleaning, reading, memory)` takes an array of n cells and gives an array of n
cells of `ARROW_TYPE[kind]` and the mask of the cells that could not be read, or None. Dictionaries
are converted once per value; columns that already have a fitting type are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.extract.fields import ARROW_TYPE, FieldType
from tariff.extract.values import (
    FACTOR_LIMIT,
    TEXT_TYPES,
    Cleaning,
    Mask,
    Reading,
    text_values,
    typed_values,
    unscaled,
)


class UnfitTypeError(Exception):
    """An Arrow type that cannot hold the field at all, e.g. a list where a date is wanted."""


@dataclass(slots=True)
class Memory:
    """The last dictionary of a column and what it became: row groups and chunks share theirs."""

    last: tuple[Any, Any] | None = None


def convert(
    array: pa.Array, kind: FieldType, cleaning: Cleaning, reading: Reading, memory: Memory
) -> tuple[pa.Array, Mask | None]:
    """See the module. UnfitTypeError when the type cannot hold the field."""
    form = array.type
    if pa.types.is_null(form):
        return pa.nulls(len(array), ARROW_TYPE[kind]), None
    if is_text(form):
        encoded = as_dictionary(array)
        if kind in TEXT_TYPES:
            return _text(encoded, kind, cleaning, reading, memory)
        return _typed(encoded, kind, cleaning, reading, memory)
    if pa.types.is_dictionary(form):  # of something else than text
        return convert(array.dictionary_decode(), kind, cleaning, reading, memory)
    if kind in TEXT_TYPES:
        return _text(as_dictionary(_as_text(array)), kind, cleaning, reading, memory)
    if cleaning:
        return _typed(as_dictionary(_as_text(array)), kind, cleaning, reading, memory)
    return _native(array, kind, reading)


def is_text(form: pa.DataType) -> bool:
    """Whether an Arrow type is text, dictionary encoded or not."""
    if pa.types.is_dictionary(form):
        return is_text(form.value_type)
    return bool(
        pa.types.is_string(form) or pa.types.is_large_string(form) or pa.types.is_string_view(form)
    )


def as_dictionary(array: pa.Array) -> pa.DictionaryArray:
    """Any text array as dictionary<int32, string>."""
    if not pa.types.is_dictionary(array.type):
        if not pa.types.is_string(array.type):
            array = array.cast(pa.string())
        return array.dictionary_encode()
    if array.type.index_type == pa.int32() and array.type.value_type == pa.string():
        return array
    return pa.DictionaryArray.from_arrays(
        array.indices.cast(pa.int32()), array.dictionary.cast(pa.string())
    )


def _recalled(memory: Memory, values: pa.StringArray) -> Any:
    """What these very values became last time, or None."""
    last = memory.last
    if last is None:
        return None
    seen, result = last
    if len(seen) != len(values) or seen.offset != values.offset:
        return None
    same = all(
        (a is None and b is None) or (a is not None and b is not None and a.address == b.address)
        for a, b in zip(seen.buffers(), values.buffers(), strict=True)
    )
    return result if same else None


def _text(
    array: pa.DictionaryArray,
    kind: FieldType,
    cleaning: Cleaning,
    reading: Reading,
    memory: Memory,
) -> tuple[pa.Array, Mask | None]:
    values = array.dictionary
    result = _recalled(memory, values)
    if result is None:
        result = text_values(values, kind, cleaning, reading.blanks)
        memory.last = (values, result)
    cleaned, places, bad = result
    if places is None:
        return array, None
    indices = places.take(array.indices)
    return pa.DictionaryArray.from_arrays(indices, cleaned), _spread(bad, array)


def _typed(
    array: pa.DictionaryArray,
    kind: FieldType,
    cleaning: Cleaning,
    reading: Reading,
    memory: Memory,
) -> tuple[pa.Array, Mask | None]:
    values = array.dictionary
    result = _recalled(memory, values)
    if result is None:
        result = typed_values(values, kind, cleaning, reading)
        memory.last = (values, result)
    typed, bad = result
    return typed.take(array.indices), _spread(bad, array)


def _spread(bad: Mask | None, array: pa.DictionaryArray) -> Mask | None:
    """The mask of the cells, from the mask of the dictionary."""
    if bad is None:
        return None
    indices = array.indices
    cells = pa.array(bad).take(indices).fill_null(False).to_numpy(zero_copy_only=False)
    return cells if cells.any() else None


def _as_text(array: pa.Array) -> pa.Array:
    """Numbers and dates where a code is wanted: 7.0 becomes 7."""
    form = array.type
    if pa.types.is_floating(form):
        whole = pc.equal(pc.floor(array), array)
        if pc.all(whole).as_py() is not False:
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, form), array)
            return array.cast(pa.int64(), safe=False).cast(pa.string())
    if pa.types.is_nested(form):
        raise UnfitTypeError(str(form))
    try:
        return array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UnfitTypeError(str(form)) from error


def _native(array: pa.Array, kind: FieldType, reading: Reading) -> tuple[pa.Array, Mask | None]:
    form = array.type
    if kind == "date" and pa.types.is_temporal(form) and not pa.types.is_time(form):
        return array.cast(pa.date32(), safe=False), None
    if kind == "time" and pa.types.is_time(form):
        seconds = array.cast(pa.time32("s"), safe=False).cast(pa.int32())
        return pc.divide(seconds, 60), None
    if kind in {"integer", "money", "factor"}:
        places = {"integer": 0, "money": 0 if reading.pence else 2, "factor": 9}[kind]
        if pa.types.is_decimal(form):
            return _from_decimal(array, kind, places)
        if pa.types.is_integer(form):
            return _from_integer(array, kind, places)
        if pa.types.is_floating(form):
            return _from_float(array, kind, places)
    raise UnfitTypeError(str(form))


def _limits(kind: FieldType) -> tuple[int, int]:
    """The least and the most that a field may hold."""
    if kind == "factor":
        return 1, FACTOR_LIMIT - 1
    most = 2**31 - 1 if kind == "integer" else 10**18 - 1
    return -most, most


def _bounded(array: pa.Array, kind: FieldType) -> tuple[pa.Array, Mask | None]:
    """Integers in the type of the field; those out of its range are bad."""
    least, most = _limits(kind)
    outside = pc.or_(pc.greater(array, most), pc.less(array, least)).fill_null(False)
    bad = outside.to_numpy(zero_copy_only=False)
    if bad.any():
        array = pc.if_else(outside, pa.scalar(None, array.type), array)
        return array.cast(ARROW_TYPE[kind]), bad
    return array.cast(ARROW_TYPE[kind]), None


def _from_integer(array: pa.Array, kind: FieldType, places: int) -> tuple[pa.Array, Mask | None]:
    if array.type == ARROW_TYPE[kind] and places == 0:
        return array, None
    try:
        whole = array.cast(pa.int64())
        return _bounded(pc.multiply_checked(whole, 10**places) if places else whole, kind)
    except pa.ArrowInvalid:  # beyond 64 bits: read as text, one by one
        return typed_values(array.cast(pa.string()), kind, Cleaning(), Reading(pence=not places))


def _from_decimal(array: pa.Array, kind: FieldType, places: int) -> tuple[pa.Array, Mask | None]:
    try:
        return _bounded(unscaled(array.cast(pa.decimal128(18, places))), kind)
    except pa.ArrowInvalid:
        texts = as_dictionary(array.cast(pa.string()))
        reading = Reading(pence=kind == "money" and not places)
        return _typed(texts, kind, Cleaning(), reading, Memory())


def _from_float(array: pa.Array, kind: FieldType, places: int) -> tuple[pa.Array, Mask | None]:
    """Not a number is blank. A whole number must be whole; money is rounded to the penny, a
    factor to nine decimals.
    """
    doubles = array.cast(pa.float64())
    cells = doubles.fill_null(float("nan")).to_numpy(zero_copy_only=False)
    missing = np.isnan(cells)
    with np.errstate(over="ignore", invalid="ignore"):  # the infinite are not within
        scaled = np.where(missing, 0.0, cells) * 10.0**places
        nearest = np.rint(scaled)
        off = np.abs(scaled - nearest) > (0 if kind == "integer" else 1e-6)
    least, most = _limits(kind)
    within = (nearest >= max(least, -(2**53))) & (nearest <= min(most, 2**53))
    if kind != "integer" and bool((off & within).any()):  # halves of a penny: by the text
        texts = ["" if cell != cell else _written(cell, places) for cell in cells.tolist()]
        reading = Reading(pence=kind == "money" and not places)
        return typed_values(pa.array(texts, pa.string()), kind, Cleaning(), reading)
    bad = ~missing & (~within | off)
    whole = np.where(bad, 0.0, nearest).astype(np.int64)
    result = pa.array(whole, pa.int64(), mask=missing | bad).cast(ARROW_TYPE[kind])
    return result, bad if bad.any() else None


def _written(cell: float, places: int) -> str:
    """A float in so many decimals, half up; what is no number as it is."""
    if not np.isfinite(cell) or abs(cell) >= 1e18:
        return repr(cell)
    exact = Decimal(repr(cell))
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
