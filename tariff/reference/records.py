"""Everything a run holds as one world of records, from canonical rows by source and dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tariff.extract.fields import REGISTERS
from tariff.reference.other_records import other_records
from tariff.reference.price import PriceOptions
from tariff.reference.record_tables import RecordTables
from tariff.reference.register_records import register_records
from tariff.reference.spell_records import spell_records
from tariff.reference.values import Value
from tariff.reference.world import Record, World

Rows = Iterable[Mapping[str, Value]]


def records_of(
    tables: RecordTables, kind: str, rows: Rows, options: PriceOptions | None = None
) -> Sequence[Record]:
    """Return the records of one kind. Rows of spells are episodes."""
    if kind in REGISTERS:
        return register_records(kind, rows)
    if kind == "spells":
        return spell_records(tables, rows, options)
    return other_records(tables, kind, rows, options)


def world_of(
    tables: RecordTables,
    held: Mapping[tuple[str, str], Rows],
    options: PriceOptions | None = None,
) -> World:
    """Return the world of rows by source and kind."""
    return World(
        {
            (source, kind): records_of(tables, kind, rows, options)
            for (source, kind), rows in held.items()
        }
    )
