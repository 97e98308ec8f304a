"""Rows of the other datasets: their columns, their schemas, and how numbers become columns.

Days count from the first day of the period, as everywhere in the generator; times are minutes
since midnight, money is pence until it is carried as pounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tariff.extract.fields import DATASETS, REGISTERS, Field
from tariff.schemas import MFF, MFF_UNIT
from tariff.simulate.billing import STATEMENT, pounds
from tariff.simulate.catalogue import Bools, Ints
from tariff.simulate.columns import CARRIED, SCHEMA

NO_DAY = -1_000_000

# How many columns of a family are written; the dictionary understands more.
FAMILIES: dict[str, dict[str, int]] = {
    "attendances": {"diag_01": 4, "oper_01": 4},
    "emergency": {"investigation_01": 6, "treatment_01": 6, "diag_01": 2},
}
# What honest data has no use for, and billing needs no column of.
NOT_WRITTEN = {
    "billed_mff_amount": tuple(DATASETS),
    "direct_access": ("attendances",),
    "multi_professional": ("attendances",),
    "best_practice_met": ("attendances",),
    "unbundled_01": ("attendances",),
    "commissioning_serial_number": ("attendances", "emergency"),
    "administrative_category": ("emergency",),
    "core_hrg": ("lines",),
    "core_point_of_delivery": ("lines",),
    # A line says which spell or attendance it belongs to, and that has them.
    "site": ("lines",),
    "treatment_function": ("lines",),
    "item_name": ("lines",),  # the tariff code is the name
    "maternity_factors": ("lines",),  # the pathway is paid outside the extract
}
BILLED_DAYS = ("episodes", "critical_care")  # datasets that can have excess days
NAMES: tuple[str, ...] = tuple(DATASETS)


def _columns(name: str, listed: tuple[Field, ...]) -> list[pa.Field]:
    found: list[pa.Field] = []
    for field in listed:
        if name in NOT_WRITTEN.get(field.name, ()):
            continue
        if field.name == "billed_excess_days" and name not in BILLED_DAYS:
            continue
        many = FAMILIES.get(name, {}).get(field.name, 0)
        names = [f"{field.name[:-2]}{i:02d}" for i in range(1, many + 1)] or [field.name]
        found += [pa.field(one, CARRIED[field.type]) for one in names]
    return found


SCHEMAS: dict[str, pa.Schema] = {
    "episodes": SCHEMA,
    **{
        name: pa.schema(_columns(name, listed))
        for name, listed in DATASETS.items()
        if name not in ("episodes", "critical_care")
    },
    # Critical care is billed as lines; the period itself carries no price.
    "critical_care": pa.schema(
        [
            field
            for field in _columns("critical_care", DATASETS["critical_care"])
            if not field.name.startswith(("billed_", "activity_month", "statement"))
        ]
    ),
    **{name: pa.schema(_columns(name, listed)) for name, listed in REGISTERS.items()},
}

Numbers = npt.NDArray[np.int32] | npt.NDArray[np.int64]
_T = TypeVar("_T")


def take(record: _T, rows: npt.NDArray[np.int64] | Bools) -> _T:
    """Return some rows of a dataclass whose fields are all arrays of one length."""
    kind = type(record)
    return kind(*(getattr(record, field.name)[rows] for field in fields(record)))  # type: ignore[arg-type]


def joined(records: Sequence[_T]) -> _T:
    """Return several dataclasses of arrays as one."""
    kind = type(records[0])
    return kind(
        *(
            np.concatenate([getattr(record, field.name) for record in records])
            for field in fields(records[0])  # type: ignore[arg-type]
        )
    )


@dataclass
class Bill:
    """What is billed of each row: prices in pence before the factor, the factor in 1e-9."""

    hrg: pa.Array
    point_of_delivery: pa.Array
    price: Ints
    mff: Ints
    billed: Bools  # rows that are billed at all

    def columns(self, days: Numbers, first_day: date) -> dict[str, pa.Array]:
        """Return the billed columns; rows that are not billed are blank."""
        off = ~self.billed
        total = rounded(self.price, self.mff)
        statement = pa.array(np.zeros(len(off), dtype=np.int32), mask=off)
        blank = pa.scalar(None, pa.string())
        return {
            "billed_hrg": text_column(pc.if_else(pa.array(self.billed), self.hrg, blank)),
            "billed_point_of_delivery": text_column(
                pc.if_else(pa.array(self.billed), self.point_of_delivery, blank)
            ),
            "billed_price": pounds(pa.array(self.price, mask=off)),
            "billed_mff": factor(self.mff, off),
            "billed_total": pounds(pa.array(total, mask=off)),
            "activity_month": text_column(
                pc.if_else(
                    pa.array(self.billed),
                    pc.strftime(dates(days, first_day), format="%Y-%m"),
                    blank,
                )
            ),
            "statement": pa.DictionaryArray.from_arrays(statement, pa.array([STATEMENT])),
        }


def rounded(pence: Ints, factors: Ints) -> Ints:
    """Return pence times a factor of 1e-9 units, half away from zero."""
    product = np.abs(pence.astype(np.int64)) * factors.astype(np.int64)
    whole = (product + MFF_UNIT // 2) // MFF_UNIT
    amount: Ints = np.sign(pence) * whole
    return amount


def factor(values: Ints, blank: Bools | None = None) -> pa.Array:
    """Return units of 1e-9 as a decimal factor: the same digits with the point moved."""
    whole = pa.array(values.astype(np.int64), mask=blank).cast(pa.decimal128(19, 0))
    moved = pa.Array.from_buffers(pa.decimal128(19, 9), len(whole), whole.buffers())
    return moved.cast(MFF)


def dates(days: Numbers, first_day: date, blank: Bools | None = None) -> pa.Array:
    """Return days of the period as dates."""
    epoch = (np.datetime64(first_day) - np.datetime64("1970-01-01")).astype(np.int64)
    return pa.array((days + epoch).astype(np.int32), mask=blank).cast(pa.date32())


def times(minutes: Numbers, blank: Bools | None = None) -> pa.Array:
    """Return minutes since midnight as times of day."""
    return pa.array((minutes * 60).astype(np.int32), mask=blank).cast(pa.time32("s"))


def whole(values: Numbers, blank: Bools | None = None) -> pa.Array:
    """Return a column of whole numbers."""
    return pa.array(np.ascontiguousarray(values, dtype=np.int32), mask=blank)


def coded(numbers: Numbers, texts: Sequence[str]) -> pa.DictionaryArray:
    """Return a dictionary column; a negative number is a blank. A text may stand there twice."""
    places: dict[str, int] = {}
    at = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int32)
    blank = numbers < 0
    indices = at[np.where(blank, 0, numbers)] if len(at) else np.zeros(len(numbers), np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(indices.astype(np.int32), mask=blank), pa.array(list(places), pa.string())
    )


def plain(numbers: Numbers, texts: Sequence[str]) -> pa.Array:
    """Return a text column; a negative number is a blank."""
    return coded(numbers, texts).cast(pa.string())


def text_column(texts: pa.Array) -> pa.DictionaryArray:
    """Return a text column as a dictionary column."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    return texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()


def numbered(letter: str, first: int, count: int) -> pa.Array:
    """Return identifiers such as O000000001."""
    numbers = pa.array(np.arange(first, first + count, dtype=np.int64)).cast(pa.string())
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(numbers, 9, "0"), "")


def batch_of(name: str, count: int, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """Return a batch of a dataset or register; columns that are not given are blank."""
    schema = SCHEMAS[name]
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
