"""The keys by which records of two files are known to be one: provider, identifier, and month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.columns import SpellColumns
from tariff.engine.record_set import Block
from tariff.engine.records import named
from tariff.packs.match_fields import ID_OF

MONTH = "activity_month"


def keys_of(block: Block) -> pa.Array:
    """Give the distinct keys of records, provider and identifier."""
    every = np.arange(len(block))
    return pc.unique(
        _joined([block.texts(name, every) for name in ("provider", ID_OF[block.kind])])
    )


def _rows_of(block: Block, name: str) -> pa.Array:
    """Give a column as text, of every row that was read; the rows of a spell may differ."""
    if not isinstance(block, SpellColumns):
        return block.texts(name, np.arange(len(block)))
    frame = block.frame
    if name in frame.texts:
        return frame.texts[name].take(np.arange(frame.rows))
    column = frame.column(name)
    if column is None:
        return pa.nulls(frame.rows, pa.string())
    return named(frame.vocabularies[name].values, column, blank=0)


class Newer:
    """Leaves out of earlier records what the extract holds too: the same record and month."""

    def __init__(self, block: Block) -> None:
        self._names = ("provider", ID_OF[block.kind], MONTH)
        self._keys = pc.unique(_joined([_rows_of(block, name) for name in self._names]))
        self.left_out = self.kept = 0

    def keep(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Give a batch without those records."""
        columns = [
            batch.column(name)
            if name in batch.schema.names
            else pa.nulls(batch.num_rows, pa.string())
            for name in self._names
        ]
        fresh = batch.filter(pc.invert(pc.is_in(_joined(columns), self._keys)))
        self.kept += fresh.num_rows
        self.left_out += batch.num_rows - fresh.num_rows
        return fresh


def _joined(columns: Sequence[pa.Array]) -> pa.Array:
    filled = [pc.fill_null(column.cast(pa.string()), "") for column in columns]
    return pc.binary_join_element_wise(*filled, "\x1f")
