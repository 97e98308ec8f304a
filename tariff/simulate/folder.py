"""Writes all datasets of a year into one folder, side by side as they are made.

`DIR/episodes.parquet`, `attendances.parquet`, … and `DIR/registers/*.csv`. Every file is written
under a temporary name and renamed when all of them are complete. Memory holds one chunk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa

from tariff.errors import UsageError
from tariff.extract.fields import REGISTERS
from tariff.simulate.frames import SCHEMAS
from tariff.simulate.output import Progress, Writer, renamed, writer_of

Format = Literal["parquet", "csv", "csv.gz"]


def place_of(folder: Path, name: str, form: Format) -> Path:
    """Return where a dataset or register goes. Registers are CSV: people read them."""
    if name in REGISTERS:
        return folder / "registers" / f"{name}.csv"
    return folder / f"{name}.{form}"  # a snapshot has a folder of its own: `national/lines`


def write_year(
    folder: str | os.PathLike[str],
    chunks: Iterable[Mapping[str, pa.RecordBatch]],
    *,
    form: Format = "parquet",
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write the datasets of a year; return the rows of each. `progress` counts episodes."""
    target = made_folder(folder)
    rows: dict[str, int] = {}
    with contextlib.ExitStack() as files:
        writers: dict[str, Writer] = {}
        for chunk in chunks:
            for name, batch in chunk.items():
                if name not in writers:
                    path = place_of(target, name, form)
                    made_folder(path.parent)
                    stream = files.enter_context(renamed(path))
                    writer = writer_of(path.name, stream, SCHEMAS[name.rpartition("/")[2]])
                    writers[name] = files.enter_context(contextlib.closing(writer))
                    rows[name] = 0
                writers[name].write(batch)
                rows[name] += batch.num_rows
                if name == "episodes" and progress is not None:
                    progress(batch.num_rows)
    return rows


def made_folder(folder: str | os.PathLike[str]) -> Path:
    """Return a folder, made where it is not there yet."""
    path = Path(folder)
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The folder {path} cannot be made: {error.strerror}.",
            hint="Make the folder above it first, or name another.",
        ) from error
    return path
