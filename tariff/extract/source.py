"""What every kind of file gives to the reader: a header, and tasks that make raw batches.

A task is a call that parses one piece of the file; tasks are made in the order of the file by one
thread and run in several. `inputs`, with the hashes, are known once all tasks were made.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tariff.errors import DataError
from tariff.extract.plan import RawBatch

Task = Callable[[], list[RawBatch]]
Advance = Callable[[int], None]  # told how many bytes were read


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input of a run: its name as given, size in bytes, hash, and rows (rejects included)."""

    name: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Digest:
    """Size in bytes and hash of a file."""

    bytes: int
    sha256: str


def input_file(name: str, digest: Digest | None, rows: int) -> InputFile:
    """The input that a file was. RuntimeError while it has not been read."""
    if digest is None:
        raise RuntimeError("the file has not been read")
    return InputFile(name, digest.bytes, digest.sha256, rows)


class Source(Protocol):
    """One file, opened."""

    name: str
    header: list[str]
    notices: list[str]

    def tasks(self, columns: list[int], advance: Advance) -> Iterator[Task]:
        """The pieces of the file, in order; only these columns (positions in the header)."""

    def inputs(self, rows: int) -> list[InputFile]:
        """What was read, once the tasks are all made; `rows` were found."""

    def finish(self) -> list[str]:
        """What was seen only while reading, as sentences."""


class HashedFile(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, path: Path, advance: Advance | None = None) -> None:
        self._file = path.open("rb", buffering=0)
        self._hash = hashlib.sha256()
        self._advance = advance
        self.count = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: object) -> int:
        """Bytes read into the buffer; 0 at the end."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = self._file.readinto(view) or 0
        self._hash.update(view[:count])
        self.count += count
        if self._advance is not None:
            self._advance(count)
        return count

    def digest(self) -> Digest:
        """Of the whole file: what was not asked for is read now."""
        while self.read(1 << 20):
            pass
        return Digest(self.count, self._hash.hexdigest())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class HashThread:
    """The hash of a file that is read by other means, worked out beside it."""

    def __init__(self, path: Path, advance: Advance | None = None) -> None:
        self._path = path
        self._advance = advance
        self._result: Digest | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="tariff-sha256")
        self._thread.start()

    def _run(self) -> None:
        digest = hashlib.sha256()
        count = 0
        try:
            with self._path.open("rb", buffering=0) as file:
                while not self._stop.is_set() and (block := file.read(4 << 20)):
                    digest.update(block)
                    count += len(block)
                    if self._advance is not None:
                        self._advance(len(block))
        except OSError:
            return
        self._result = Digest(count, digest.hexdigest())

    def stop(self) -> None:
        """Give up."""
        self._stop.set()

    def result(self, name: str) -> Digest:
        """Wait for it."""
        self._thread.join()
        if self._result is None:
            raise DataError(f"{name}: cannot be read to its end", hint="is it still being written?")
        return self._result


def file_kind(path: Path, name: str) -> str:
    """`csv`, `gzip`, `parquet` or `xlsx`, by the first bytes. DataError for anything else."""
    try:
        if path.is_dir():
            raise DataError(
                f"{name} is a folder",
                hint="name the files in it; a folder is only read for a layout of several tables",
            )
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file", hint="check the path") from None
    except OSError as error:
        raise DataError(
            f"{name}: cannot be opened ({error.strerror or 'unreadable'})",
            hint="check the path and its permissions",
        ) from None
    if not start:
        raise DataError(f"{name}: the file is empty", hint="export it again")
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK\x03\x04"):
        return "xlsx"
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(
            f"{name}: an old Excel workbook (.xls) is not read", hint="save it as .xlsx or .csv"
        )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise utf16(name)
    suffix = path.suffix.lower()
    if suffix in {".parquet", ".pq"}:
        raise DataError(f"{name}: this is not a Parquet file", hint="export it again")
    if suffix in {".xlsx", ".xlsm"}:
        raise DataError(f"{name}: this is not an Excel workbook", hint="save it again as .xlsx")
    if suffix == ".gz":
        raise DataError(f"{name}: this is not a gzip file", hint="compress it again")
    return "csv"


def shown(path: str | os.PathLike[str]) -> str:
    """The name of a file as given."""
    return os.fspath(path)


def utf16(name: str) -> DataError:
    """The file is text in an encoding that is not read."""
    return DataError(
        f"{name}: the text is UTF-16, which is not read",
        hint="save it as UTF-8 (in Excel: CSV UTF-8)",
    )
