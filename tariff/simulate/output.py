"""Writes an extract to CSV or Parquet.

The file is written under a temporary name beside its own and renamed when it is complete, so that
nobody finds half an extract. The same batches give the same bytes (Parquet: under one version of
pyarrow). Memory holds one batch.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tariff.errors import UsageError
from tariff.simulate.columns import SCHEMA
from tariff.simulate.rowgroups import settled

Progress = Callable[[int], None]

ROWS_A_GROUP = 1 << 17
_TIMES = pa.array([f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(24 * 60)])


class Writer(Protocol):
    """Writes batches to an open stream."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write one batch."""

    def close(self) -> None:
        """Write what is left; the stream stays open."""


class CsvWriter:
    """Plain CSV: no quotes, LF line ends, a header where one is wanted."""

    def __init__(self, stream: BinaryIO, names: Sequence[str], *, header: bool = True) -> None:
        self.stream = stream
        self.options = pacsv.WriteOptions(
            include_header=False, quoting_style="none", batch_size=1 << 16
        )
        if header:
            stream.write((",".join(names) + "\n").encode("ascii"))

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch."""
        pacsv.write_csv(as_text(batch), self.stream, self.options)

    def close(self) -> None:
        """Nothing is left to write."""


class PackedWriter(CsvWriter):
    """The same, packed. No name and no time in the file: the same rows give the same bytes."""

    def __init__(self, stream: BinaryIO, names: Sequence[str], *, header: bool = True) -> None:
        self.packed = gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)
        super().__init__(cast(BinaryIO, self.packed), names, header=header)

    def close(self) -> None:
        """Write the end of the packed file."""
        self.packed.close()


class ParquetWriter:
    """Parquet, packed with zstd; row groups of one size, whatever the batches they come in."""

    def __init__(self, stream: BinaryIO, schema: pa.Schema) -> None:
        self.writer = pq.ParquetWriter(stream, schema, compression="zstd")
        self.waiting: list[pa.RecordBatch] = []
        self.held = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the row groups that are full."""
        self.waiting.append(batch)
        self.held += batch.num_rows
        if self.held >= ROWS_A_GROUP:
            groups = list(settled(self.waiting, ROWS_A_GROUP))
            self.waiting = [groups.pop()] if groups[-1].num_rows < ROWS_A_GROUP else []
            self.held = sum(batch.num_rows for batch in self.waiting)
            self._write(groups)

    def _write(self, groups: Iterable[pa.RecordBatch]) -> None:
        for group in groups:
            self.writer.write_batch(group, row_group_size=ROWS_A_GROUP)

    def close(self) -> None:
        """Write what is left and the footer."""
        self._write(settled(self.waiting, ROWS_A_GROUP))
        self.writer.close()


def writer_of(name: str, stream: BinaryIO, schema: pa.Schema, *, header: bool = True) -> Writer:
    """Return the writer that a file name's ending asks for."""
    lower = name.lower()
    if lower.endswith(".csv"):
        return CsvWriter(stream, schema.names, header=header)
    if lower.endswith(".csv.gz"):
        return PackedWriter(stream, schema.names, header=header)
    if lower.endswith(".parquet"):
        return ParquetWriter(stream, schema)
    raise UsageError(
        f"{name} does not say how to write it.",
        hint="End the name with .csv, .csv.gz or .parquet.",
    )


def write_extract(
    path: str | os.PathLike[str],
    batches: Iterable[pa.RecordBatch],
    *,
    progress: Progress | None = None,
    schema: pa.Schema = SCHEMA,
    header: bool = True,
) -> int:
    """Write batches to `.csv`, `.csv.gz` or `.parquet` by the name's ending; return the rows."""
    target = Path(path)
    if not target.name.lower().endswith((".csv", ".csv.gz", ".parquet")):
        writer_of(target.name, io.BytesIO(), schema)  # says why not
    if not target.parent.is_dir():
        raise UsageError(
            f"The folder {target.parent} does not exist.", hint="Make it first, or name another."
        )
    rows = 0
    with renamed(target) as stream:
        writer = writer_of(target.name, stream, schema, header=header)
        with contextlib.closing(writer):
            for batch in batches:
                writer.write(batch)
                rows += batch.num_rows
                if progress is not None:
                    progress(batch.num_rows)
    return rows


@contextlib.contextmanager
def renamed(target: Path) -> Iterator[BinaryIO]:
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
