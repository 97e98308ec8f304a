"""Batches of one size with tidy dictionaries, so that a Parquet file depends on its rows alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROWS = 1 << 17


def settled(batches: Iterable[pa.RecordBatch], rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Stream the same rows in batches of one size, whatever the batches they come in.

    Each text stands once in the dictionary of its column, in the order of first appearance.
    """
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += batch.num_rows
        while held >= rows:
            table = _joined(waiting)
            yield _tidy(table.slice(0, rows))
            rest = table.slice(rows)
            # Tidied too: else the dictionaries of all that went before are carried along.
            waiting, held = ([_tidy(rest)] if rest.num_rows else []), rest.num_rows
    if held:
        yield _tidy(_joined(waiting))


def _joined(batches: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(batches).unify_dictionaries()


def _tidy(table: pa.Table) -> pa.RecordBatch:
    batch = table.combine_chunks().to_batches()[0]
    arrays = [
        _dictionary(column) if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _dictionary(column: pa.DictionaryArray) -> pa.DictionaryArray:
    used = pc.unique(column.indices.drop_null())
    place = np.zeros(len(column.dictionary), dtype=np.int32)
    place[used.to_numpy()] = np.arange(len(used), dtype=np.int32)
    codes = column.indices.fill_null(0).to_numpy()
    blank = column.indices.is_null().to_numpy(zero_copy_only=False)
    indices = pa.array(place[codes] if len(place) else codes, pa.int32(), mask=blank)
    return pa.DictionaryArray.from_arrays(indices, column.dictionary.take(used))
