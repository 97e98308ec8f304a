"""Honest billing: what the engine groups and prices is what the provider bills.

Billed columns stand on the last episode row of a spell and are blank on the others. Mothers and
well babies stand without a bill: the maternity pathway pays for women before and after birth, well
babies are excluded, and of deliveries, which have prices, the design that is held has no HRG. Any
other spell that the engine cannot group, or cannot price in full, or prices at nothing, is left out
of the extract rather than billed something else; `BillingTally` says how many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.schemas import CODE, MFF
from tariff.simulate.catalogue import PATHWAY, Bools
from tariff.simulate.columns import BILLED, MONEY, SCHEMA
from tariff.simulate.shipped import root_table

Engine = Callable[..., pa.Table]

STATEMENT = "freeze"


@dataclass
class BillingTally:
    """What came of billing: spells seen and spells left out."""

    spells: int = 0
    pathway: int = 0
    not_grouped: int = 0
    not_priced: int = 0


def engine() -> Engine:
    """Return the engine's `group_and_price` with the packs that ship, compiled once."""
    from tariff.engine.run import group_and_price
    from tariff.packs.compile import rulebook_of
    from tariff.packs.load import load_packs

    rulebook = rulebook_of(load_packs())

    def price(table: pa.Table, *, year: str | None = None) -> pa.Table:
        return group_and_price(table, year=year, rulebook=rulebook)

    return price


def bill(
    batch: pa.RecordBatch, year: str, tally: BillingTally, group_and_price: Engine
) -> pa.RecordBatch:
    """Return the batch with its billed columns filled, without the spells that cannot be billed."""
    result = group_and_price(pa.Table.from_batches([batch]), year=year)
    spell_ids = batch["spell_id"].cast(pa.string())
    pathway = on_pathway(batch)
    unbilled = pc.unique(spell_ids.filter(pathway))
    result = result.filter(pc.invert(pc.is_in(_text(result["spell_id"]), value_set=unbilled)))
    paid = pc.fill_null(pc.greater(result["total_pence"], 0), False)
    complete = pc.and_(
        pc.is_valid(result["hrg"]), pc.and_(pc.fill_null(result["complete"], False), paid)
    )
    tally.pathway += len(unbilled)
    tally.spells += result.num_rows + len(unbilled)
    grouped = pc.sum(pc.is_valid(result["hrg"])).as_py() or 0
    billed = result.filter(complete)
    tally.not_grouped += result.num_rows - grouped
    tally.not_priced += grouped - billed.num_rows
    at = pc.index_in(spell_ids, value_set=_text(billed["spell_id"]))
    keep = pc.or_(pc.is_valid(at), pathway)
    batch, at = batch.filter(keep), at.filter(keep)
    if batch.num_rows == 0:
        return batch
    last: Bools = last_rows(batch)
    at = pc.if_else(pa.array(last), at, pa.scalar(None, at.type))
    return _with_columns(batch, _columns(billed, at, batch, last))


@cache
def _pathway_diagnoses() -> tuple[str, ...]:
    """Return prefixes of the primary diagnoses of mothers and well babies."""
    roots = root_table("diagnoses").rows.items()
    return tuple(code for code, row in roots if row["root"].startswith(PATHWAY))


def on_pathway(batch: pa.RecordBatch) -> pa.Array:
    """Say which rows are of a mother or a well baby, by the primary diagnosis or the outcome."""

    def begins(column: str, prefixes: tuple[str, ...]) -> pa.Array:
        codes = batch[column]
        texts = codes.dictionary.cast(pa.string()).to_pylist()
        found = pa.array([text is not None and text.startswith(prefixes) for text in texts])
        return pc.fill_null(found.take(codes.indices), False)

    return pc.or_(begins("diag_01", _pathway_diagnoses()), begins("diag_02", ("Z37",)))


def last_rows(batch: pa.RecordBatch) -> Bools:
    """Say which rows are the last of their spell; the rows of a spell stand together."""
    numbers = batch["spell_id"].indices.to_numpy(zero_copy_only=False)
    last: Bools = np.r_[numbers[1:] != numbers[:-1], True]
    return last


def month_of(batch: pa.RecordBatch, last: Bools) -> pa.Array:
    """Return the month of discharge, on last rows only."""
    month = pc.strftime(batch["discharge_date"], format="%Y-%m")
    return pc.if_else(pa.array(last), month, pa.scalar(None, pa.string())).cast(CODE)


def _columns(
    billed: pa.Table, at: pa.Array, batch: pa.RecordBatch, last: Bools
) -> dict[str, pa.Array]:
    def taken(column: str) -> pa.Array:
        return pc.take(_one(billed[column]), at)

    def encoded(column: str) -> pa.Array:
        return taken(column).cast(pa.string()).dictionary_encode()

    statement = pa.array(np.zeros(len(last), dtype=np.int32), mask=~last)
    return {
        "billed_hrg": encoded("hrg"),
        "billed_point_of_delivery": encoded("point_of_delivery"),
        "billed_price": pounds(taken("pre_mff_pence")),
        "billed_mff": taken("mff").cast(MFF),
        "billed_excess_days": taken("excess_days").cast(pa.int32()),
        "billed_total": pounds(taken("total_pence")),
        "activity_month": month_of(batch, last),
        "statement": pa.DictionaryArray.from_arrays(statement, pa.array([STATEMENT])),
    }


def pounds(pence: pa.Array) -> pa.Array:
    """Return pence as decimal pounds: the same digits with the point two places to the left."""
    whole = pence.cast(pa.int64()).cast(pa.decimal128(19, 0))
    moved = pa.Array.from_buffers(pa.decimal128(19, 2), len(whole), whole.buffers())
    return moved.cast(MONEY)


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks) if combined.num_chunks else pa.array([])
    return combined


def _text(column: pa.ChunkedArray) -> pa.Array:
    return _one(column).cast(pa.string())


def _with_columns(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    arrays = [
        columns[field.name] if field.name in BILLED else batch.column(i)
        for i, field in enumerate(SCHEMA)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
