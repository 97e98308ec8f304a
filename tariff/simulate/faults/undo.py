"""Undoes a planted extract: rows taken out, cells put back, in one pass and in bounded memory.

Memory holds one batch and the journal. Rows are found by their spell and their number in it, so
that the file may have been written again in another form; the rows of a spell keep their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tariff.errors import DataError, UsageError
from tariff.simulate.columns import SCHEMA
from tariff.simulate.faults.key import row_id
from tariff.simulate.faults.model import Undo

ROWS = 1 << 16


def read_extract(path: Path) -> Iterator[pa.RecordBatch]:
    """Read an extract in canonical columns, as `tariff data synth` writes it."""
    try:
        if path.name.lower().endswith(".parquet"):
            file = pq.ParquetFile(path)
            _same_columns(path, file.schema_arrow.names)
            for batch in file.iter_batches(ROWS):
                yield _cast(batch)
            return
        convert = pacsv.ConvertOptions(
            column_types=SCHEMA, strings_can_be_null=True, null_values=[""]
        )
        parse = pacsv.ParseOptions(quote_char=False)
        read = pacsv.ReadOptions(block_size=1 << 24)
        with pacsv.open_csv(path, read, parse, convert) as stream:
            _same_columns(path, stream.schema.names)
            for batch in stream:
                yield _cast(batch)
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read: {error}",
            hint="Give the planted extract, in canonical columns.",
        ) from error


def _same_columns(path: Path, names: list[str]) -> None:
    if names != SCHEMA.names:
        missing = [name for name in SCHEMA.names if name not in names]
        raise DataError(
            f"{path} does not have the columns of an artificial extract"
            + (f": {', '.join(missing[:3])} missing" if missing else ""),
            hint="Only an extract that `tariff data synth` wrote can be undone.",
        )


def _cast(batch: pa.RecordBatch) -> pa.RecordBatch:
    arrays = [batch[field.name].cast(field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def unplant(batches: Iterable[pa.RecordBatch], journal: Iterable[Undo]) -> Iterator[pa.RecordBatch]:
    """Stream the honest rows."""
    remove: set[str] = set()
    put: dict[str, dict[str, str | None]] = {}
    for undo in journal:
        remove.update(undo.remove)
        for row, column, value in undo.put:
            put.setdefault(row, {})[column] = value
    touched = {name.rsplit(":", 1)[0] for name in (*remove, *put)}
    spells = pa.array(sorted({name.split(":", 1)[1] for name in touched}), pa.string())
    seen: Counter[str] = Counter()
    undone = 0
    for batch in batches:
        candidates = pc.is_in(batch["spell_id"].cast(pa.string()), value_set=spells)
        places = np.flatnonzero(candidates.to_numpy(zero_copy_only=False))
        keep = np.ones(batch.num_rows, dtype=np.bool_)
        edits: dict[int, dict[str, str | None]] = {}
        providers, numbers = batch["provider"].take(places), batch["spell_id"].take(places)
        pairs = zip(providers.to_pylist(), numbers.to_pylist(), strict=True)
        for place, (provider, number) in zip(places.tolist(), pairs, strict=True):
            spell = f"{provider}:{number}"
            if spell not in touched:
                continue
            seen[spell] += 1
            name = row_id(provider, number, seen[spell])
            if name in remove:
                keep[place] = False
                undone += 1
            elif name in put:
                edits[place] = put[name]
                undone += 1
        yield _undone(batch, keep, edits)
    if undone != len(remove) + len(put):
        raise DataError(
            f"{len(remove) + len(put) - undone} rows of the key are not in the extract.",
            hint="The key belongs to another extract, or rows of this one have been taken out.",
        )


def _undone(
    batch: pa.RecordBatch, keep: Any, edits: dict[int, dict[str, str | None]]
) -> pa.RecordBatch:
    if not edits and keep.all():
        return batch
    places = sorted(edits)
    rows = batch.take(pa.array(places, pa.int64())).to_pylist()
    for place, row in zip(places, rows, strict=True):
        for column, value in edits[place].items():
            row[column] = value_of(column, value)
    order = np.arange(batch.num_rows)
    order[places] = batch.num_rows + np.arange(len(places))
    table = pa.Table.from_batches([batch, pa.RecordBatch.from_pylist(rows, schema=SCHEMA)])
    taken = table.unify_dictionaries().combine_chunks().take(pa.array(order[keep]))
    honest = taken.combine_chunks().to_batches()
    return honest[0] if honest else batch.slice(0, 0)


def value_of(column: str, text: str | None) -> Any:
    """Return the value that a cell of the journal stands for."""
    if text is None:
        return None
    try:
        kind = SCHEMA.field(column).type
        if pa.types.is_dictionary(kind):
            return text
        if pa.types.is_date(kind):
            return date.fromisoformat(text)
        if pa.types.is_time(kind):
            return time.fromisoformat(text)
        return Decimal(text) if pa.types.is_decimal(kind) else int(text)
    except (KeyError, ValueError, ArithmeticError) as error:
        raise UsageError(
            f"The journal puts {text!r} into {column}: {error}", hint="Write the key again."
        ) from error
