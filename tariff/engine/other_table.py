"""The tables of priced records that leave a run (tariff.schemas.PRICED_...)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tariff import schemas
from tariff.engine.other_outcome import OUTCOMES, REASONS, Money, OtherPrices, Rows
from tariff.engine.price import times
from tariff.engine.records import Records, in_full_order, named
from tariff.engine.tables import factor_array, number_array
from tariff.engine.words import names_of_bits
from tariff.packs.compile import NULL64

if TYPE_CHECKING:
    from tariff.engine.other_columns import OtherColumns

BILLED = (
    "billed_hrg", "billed_point_of_delivery", "billed_price", "billed_mff", "billed_mff_amount",
    "billed_total",
)  # fmt: skip
PRICED = {
    "attendances": schemas.PRICED_ATTENDANCES,
    "emergency": schemas.PRICED_EMERGENCY,
    "lines": schemas.PRICED_LINES,
}
_MONEY = {
    "unit_price_pence": "unit_price",
    "billed_price_pence": "billed_price",
    "billed_total_pence": "billed_total",
}


def priced_table(
    records: Records, out: OtherPrices, schema: pa.Schema, keys: tuple[str, str]
) -> pa.Table:
    """Give the records with their prices, sorted by provider and identifier."""
    return in_full_order(_in_order(records, out, schema, records.order(keys[1])), keys)


def checked_table(block: OtherColumns, allowed: Money) -> pa.Table:
    """Give the records of a check as priced, critical care as grouped, with what is allowed."""
    every = np.arange(len(block))
    if block.prices is not None:
        table = _in_order(block.records, block.prices, PRICED[block.kind], every)
    else:
        table = block.grouped
        for name in ("provider", block.key):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(place), block.texts(name))
        billed = number_array(block.number("billed"), pa.int64())
        table = table.append_column("billed_pence", billed)
    return table.append_column("allowed_pence", number_array(allowed, pa.int64()))


def _in_order(records: Records, out: OtherPrices, schema: pa.Schema, order: Rows) -> pa.Table:
    columns = _decided(out, order)
    columns["billed_mff"] = factor_array(records.money("billed_mff")[order])
    columns["billed_pence"] = number_array(billed(records)[order], pa.int64())
    for field in schema:
        name = field.name
        if name in columns:
            continue
        if name in _MONEY:
            columns[name] = number_array(records.money(_MONEY[name])[order], pa.int64())
        elif pa.types.is_string(field.type):
            columns[name] = records.texts(name, order)
        else:
            columns[name] = records.whole(name, order, field.type)
    cells = [columns[name].cast(schema.field(name).type) for name in schema.names]
    return pa.table(cells, schema)


def _decided(out: OtherPrices, order: Rows) -> dict[str, pa.Array]:
    names = out.names.values
    found = {
        "outcome": named(list(OUTCOMES), out.outcome[order]),
        "tariff_year": named(out.year_names, out.year[order]),
        "mff_year": named(out.mff_years, out.mff_year[order]),
        "mff": factor_array(out.mff[order]),
        "complete": pa.array(out.complete[order]),
        "price_reasons": names_of_bits(out.reasons[order], REASONS),
    }
    for column, ids in (
        ("priced_hrg", out.hrg),
        ("point_of_delivery", out.pod),
        ("price_basis", out.basis),
        ("price_type", out.type),
        ("tariff", out.tariff),
        ("price_provenance", out.provenance),
    ):
        found[column] = named(names, ids[order])
    for column, ids in out.listed.items():
        found[column] = named(names, ids[order])
    for column in ("base", "best_practice", "unbundled", "pre_mff", "total"):
        amounts: Money = getattr(out, column)
        found[f"{column}_pence"] = number_array(amounts[order], pa.int64())
    return found


def billed(records: Records) -> Money:
    """Give what counts as billed (docs/money.md): the total, else the price with its factor."""
    total, price = records.money("billed_total"), records.money("billed_price")
    amount, factor = records.money("billed_mff_amount"), records.money("billed_mff")
    has_price = price != NULL64
    alone = np.where(factor == NULL64, price, times(price, factor))
    both = np.where(amount == NULL64, alone, np.where(has_price, price + amount, NULL64))
    return np.where(total == NULL64, np.where(has_price, both, NULL64), total)
