"""Delimited text: comma, tab, pipe or semicolon, plain or gzip, UTF-8 or Windows-1252.

The file is cut into blocks of some megabytes at the ends of records; each block is parsed by
pyarrow in one thread, several blocks at a time. That is faster than pyarrow's own streaming, which
parses in one thread, and it knows the line of every row: parsed in one thread, a block tells which
of its rows have too few or too many columns.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from tariff.errors import DataError
from tariff.extract.plan import Lines, RawBatch
from tariff.extract.rejects import BadCells
from tariff.extract.source import Advance, Digest, HashedFile, InputFile, Task, input_file
from tariff.schemas import CODE

BLOCK = 4 << 20  # bytes of text parsed at a time: fits the caches, see bench
LONGEST_RECORD = 1 << 20  # bytes after which an open quote is taken for a stray one
HEAD = 1 << 18  # bytes looked at to find the delimiter and the header

DELIMITERS = {"comma": ",", "tab": "\t", "pipe": "|", "semicolon": ";"}
Encoding = Literal["auto", "utf-8", "cp1252"]
_BOM = codecs.BOM_UTF8


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("tariff-cp1252", _as_cp1252)


@dataclass(slots=True)
class Head:
    """The first records of a file, as far as `HEAD` bytes reach."""

    text: str
    old_mac: bool = False  # lines end in a carriage return alone

    def records(self, delimiter: str, count: int, skip: int = 0) -> list[list[str]]:
        """The first records after `skip` lines, without blank ones."""
        text = self.text
        for _ in range(skip):
            text = text.partition("\n")[2]
        found: list[list[str]] = []
        try:
            for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                if any(cell.strip() for cell in record):
                    found.append(record)
                if len(found) == count:
                    break
        except csv.Error:
            pass
        return found

    def delimiter(self, skip: int = 0) -> str:
        """The delimiter that cuts the first record into most cells; a comma where none does."""
        sizes = {
            name: len((self.records(mark, 1, skip) or [[]])[0]) for name, mark in DELIMITERS.items()
        }
        return max(sizes, key=lambda name: sizes[name])


def read_head(path: Path, name: str, kind: str) -> Head:
    """The start of a file as text. DataError where it is empty, binary or broken."""
    with _opened(path, kind) as stream:
        data = _read(stream, HEAD, name)
    data = data.removeprefix(_BOM)
    if not data.strip():
        raise DataError(f"{name}: the file is empty", hint="export it again")
    if b"\0" in data:
        raise DataError(f"{name}: this is not a text file", hint="give CSV, Parquet or XLSX")
    text = data.decode("utf-8", "tariff-cp1252")
    if "\r" in text and "\n" not in text:
        return Head(text.replace("\r", "\n"), old_mac=True)
    return Head(text)


def _opened(path: Path, kind: str) -> Any:
    return gzip.open(path) if kind == "gzip" else path.open("rb")


def _read(stream: Any, size: int, name: str) -> bytes:
    """Up to `size` bytes; fewer only at the end."""
    parts: list[bytes] = []
    while size > 0:
        try:
            part: bytes | None = stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise DataError(
                f"{name}: the gzip file is cut short or damaged", hint="copy or export it again"
            ) from None
        except OSError as error:
            raise DataError(f"{name}: cannot be read ({error.strerror or error})") from None
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class CsvSource:
    """A delimited text file. `header` is empty for a file without one; then see `width`."""

    def __init__(
        self,
        path: Path,
        name: str,
        kind: str,
        *,
        delimiter: str,
        header: bool,
        skip_lines: int = 0,
        encoding: Encoding = "auto",
        head: Head | None = None,
        block: int = 0,
    ) -> None:
        self.name = name
        self.notices: list[str] = []
        self._path = path
        self._kind = kind
        self._delimiter = DELIMITERS[delimiter]
        self._skip = skip_lines
        self._encoding = encoding
        self._block = block or BLOCK
        self._digest: Digest | None = None
        self._replaced: list[int] = []  # appended to by several threads
        head = head or read_head(path, name, kind)
        self._old_mac = head.old_mac
        records = head.records(self._delimiter, 2, skip_lines)
        if not records:
            raise DataError(f"{name}: there is no header", hint="check `skip_lines` of the layout")
        self.has_header = header
        self.header = [cell.strip() for cell in records[0]] if header else []
        self.width = len(records[0])
        if header and len(records) == 2:
            self._fit_width(records[1])

    def _fit_width(self, first: list[str]) -> None:
        """Blank columns at the end, in the rows but not the header or the other way."""
        more, fewer = first[self.width :], self.header[len(first) :]
        if (more and not any(cell.strip() for cell in more)) or (fewer and not any(fewer)):
            self.notices.append(
                f"{self.name}: rows have {len(first)} columns, the header {self.width}; "
                "the blank ones at the end are ignored"
            )
            self.width = len(first)

    def inputs(self, rows: int) -> list[InputFile]:
        """See Source."""
        return [input_file(self.name, self._digest, rows)]

    def tasks(self, columns: list[int], advance: Advance) -> Iterator[Task]:
        """See Source."""
        self._replaced.clear()
        line = 1
        with HashedFile(self._path, advance) as hashed:
            stream: Any = gzip.GzipFile(fileobj=hashed) if self._kind == "gzip" else hashed
            for block, first in self._blocks(stream):
                if first:
                    start = self._start_of_rows(block)
                    line += block.count(b"\n", 0, start)
                    block = block[start:]
                if block:
                    yield partial(self._parse, block, line, columns)
                    line += block.count(b"\n")
            self._digest = hashed.digest()

    def finish(self) -> list[str]:
        """See Source."""
        if not self._replaced:
            return []
        return [
            f"{self.name}: {sum(self._replaced):,} characters are not UTF-8 and were read as "
            "Windows-1252"
        ]

    def _blocks(self, stream: Any) -> Iterator[tuple[bytes, bool]]:
        """Blocks that end where a record ends, and whether it is the first."""
        rest = b""
        first = True
        while True:
            block = _read(stream, self._block, self.name)
            if first:
                block = block.removeprefix(_BOM)
            if self._old_mac:
                block = block.replace(b"\r", b"\n")
            if not block:
                break
            block = rest + block if rest else block
            end = end_of_records(block)
            rest = block[end:]
            if end:
                yield block[:end], first
                first = False
        rest = rest.rstrip(b"\x1a")
        if rest:
            yield rest if rest.endswith(b"\n") else rest + b"\n", first

    def _start_of_rows(self, block: bytes) -> int:
        """Where the first row starts, after the skipped lines and the header."""
        start = 0
        for _ in range(self._skip):
            start = block.find(b"\n", start) + 1
        if not self.has_header:
            return start
        while True:
            ends = record_ends(block[start:])
            if len(ends) == 0:
                return len(block)
            end = start + int(ends[0])
            if block[start:end].strip():
                return end
            start = end

    def _parse(self, block: bytes, line: int, columns: list[int]) -> list[RawBatch]:
        data = self._as_utf8(block)
        wrong: list[tuple[int, int, str]] = []

        def refuse(row: Any) -> str:
            wrong.append((row.number - 1, row.actual_columns, row.text))
            return "skip"

        names = [f"c{index}" for index in range(self.width)]
        wanted = [names[index] for index in columns if index < self.width]
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(data),
                read_options=pa_csv.ReadOptions(
                    use_threads=False, block_size=len(data) + 1, column_names=names
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self._delimiter,
                    ignore_empty_lines=False,
                    invalid_row_handler=refuse,
                ),
                convert_options=pa_csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(wanted, CODE),
                    include_columns=wanted,
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
        except pa.ArrowInvalid:
            raise DataError(
                f"{self.name}: cannot be parsed after line {line}",
                hint="check the quotes of the rows that follow",
            ) from None
        lines = line_numbers(block, line, table.num_rows + len(wrong))
        shape = BadCells()
        if wrong:
            for place, found, text in wrong:
                if text.strip():
                    reason = f"expected {self.width} columns, found {found}"
                    shape.add(int(lines[place]), "", None, reason)
            lines = np.delete(lines, [place for place, _, _ in wrong])
        arrays = {
            index: _one_chunk(table.column(f"c{index}")) for index in columns if index < self.width
        }
        for index in columns:
            if index >= self.width:
                arrays[index] = pa.nulls(table.num_rows)
        return [RawBatch(arrays, lines, shape)]

    def _as_utf8(self, block: bytes) -> bytes:
        if block.isascii():
            return block
        if self._encoding == "cp1252":
            return block.decode("cp1252", "replace").encode()
        try:
            block.decode("utf-8")
        except UnicodeDecodeError:
            text = block.decode("utf-8", "tariff-cp1252")
            self._replaced.append(len(text) - len(block.decode("utf-8", "ignore")))
            return text.encode()
        return block


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    if column.num_chunks == 0:
        return pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))
    return column.combine_chunks()


# ---------------------------------------------------------------- where records end


def end_of_records(block: bytes) -> int:
    """Where the last whole record of a block ends (0: nowhere).

    A newline between quotes does not end a record: the quotes before it must be even. Where no
    newline of a long block has even quotes before it, one stray quote stands in an open cell,
    and the last newline is taken.
    """
    end = block.rfind(b"\n") + 1
    if end == 0 or block.count(b'"', 0, end) % 2 == 0:
        return end
    ends = record_ends(block)
    if len(ends):
        return int(ends[-1])
    return end if len(block) >= LONGEST_RECORD else 0


def record_ends(block: bytes) -> Lines:
    """Offsets just after each newline that ends a record (quotes before it are even)."""
    cells = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(cells == 10)
    if b'"' in block:
        quotes = np.flatnonzero(cells == 34)
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return (ends + 1).astype(np.int64)


def line_numbers(block: bytes, line: int, records: int) -> Lines:
    """The line on which each record of a block starts; `line` is that of the first."""
    newlines = block.count(b"\n")
    if newlines == records:
        return np.arange(line, line + records, dtype=np.int64)
    ends = record_ends(block)
    if len(ends) != records:  # a lone carriage return ends a record as well
        cells = np.frombuffer(block, np.uint8)
        lone = (cells[:-1] == 13) & (cells[1:] != 10)
        ends = np.sort(np.concatenate([ends, np.flatnonzero(lone) + 1]))
    starts = np.concatenate([[0], ends])[:records]
    newline_at = np.flatnonzero(np.frombuffer(block, np.uint8) == 10)
    lines = line + np.searchsorted(newline_at, starts)
    if len(lines) < records:
        lines = np.concatenate([lines, np.full(records - len(lines), line + newlines)])
    return lines.astype(np.int64)
