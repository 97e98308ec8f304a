"""Writes an extract to CSV or Parquet, in the layout of the canonical columns.

The file is written under a temporary name beside its own and renamed when it is complete, so that
nobody finds half an extract. The same batches give the same bytes (Parquet: under one version of
pyarrow). Memory holds one batch.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tariff.errors import UsageError
from tariff.simulate.columns import COLUMNS, SCHEMA

Progress = Callable[[int], None]

ROWS_A_GROUP = 1 << 17
_TIMES = pa.array([f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(24 * 60)])


def write_extract(
    path: str | os.PathLike[str],
    batches: Iterable[pa.RecordBatch],
    *,
    progress: Progress | None = None,
) -> int:
    """Write batches to `.csv`, `.csv.gz` or `.parquet` by the name's ending; return the rows."""
    target = Path(path)
    write = _writer(target)
    if not target.parent.is_dir():
        raise UsageError(
            f"The folder {target.parent} does not exist.", hint="Make it first, or name another."
        )
    with _renamed(target) as stream:
        return write(stream, _counted(batches, progress))


def _writer(target: Path) -> Callable[[BinaryIO, Iterator[pa.RecordBatch]], int]:
    name = target.name.lower()
    if name.endswith(".csv"):
        return _csv
    if name.endswith(".csv.gz"):
        return _csv_gz
    if name.endswith(".parquet"):
        return _parquet
    raise UsageError(
        f"{target.name} does not say how to write it.",
        hint="End the name with .csv, .csv.gz or .parquet.",
    )


@contextlib.contextmanager
def _renamed(target: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside the target and rename it when all went well."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}.", hint="Choose another place."
        ) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _counted(
    batches: Iterable[pa.RecordBatch], progress: Progress | None
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
        if progress is not None:
            progress(batch.num_rows)


def _csv(stream: BinaryIO, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    stream.write((",".join(COLUMNS) + "\n").encode("ascii"))
    options = pacsv.WriteOptions(include_header=False, quoting_style="none", batch_size=1 << 16)
    for batch in batches:
        pacsv.write_csv(as_text(batch), stream, options)
        rows += batch.num_rows
    return rows


def _csv_gz(stream: BinaryIO, batches: Iterator[pa.RecordBatch]) -> int:
    # No name and no time in the header: the same rows give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed:
        return _csv(cast(BinaryIO, packed), batches)


def _parquet(stream: BinaryIO, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    with pq.ParquetWriter(stream, SCHEMA, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=ROWS_A_GROUP)
            rows += batch.num_rows
    return rows


def as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the columns as a CSV file shows them: HH:MM, pounds, factors without idle noughts."""
    arrays = [_text(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(pa.string())
    if pa.types.is_time(kind):
        minutes = pc.divide(column.cast(pa.int32()), 60)
        return _TIMES.take(minutes)
    if pa.types.is_decimal(kind) and kind.scale > 2:
        distinct = column.dictionary_encode()
        shown = [f"{value:f}".rstrip("0").rstrip(".") for value in distinct.dictionary.to_pylist()]
        return pa.array(shown, pa.string()).take(distinct.indices)
    return column
