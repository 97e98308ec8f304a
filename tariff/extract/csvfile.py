"""Delimited text: comma, tab, pipe or semicolon, plain or gzip, UTF-8 or Windows-1252.

The file is cut into blocks of some megabytes at the ends of records; each block is parsed by
pyarrow in one thread, several blocks at a time. That is faster than pyarrow's own streaming, which
parses in one thread, and it knows the line of every row: parsed in one thread, a block tells which
of its rows have too few or too many columns.

A quote at the start of a cell takes in everything up to the next one, rows as well. So that none
is lost by a quote too many, a quoted cell of several lines must look like one (see `Quotes`).
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from bisect import bisect_left
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
from tariff.extract.source import Advance, Digest, HashedFile, InputFile, Task, input_file, utf16
from tariff.extract.values import Mask
from tariff.schemas import CODE

BLOCK = 4 << 20  # bytes of text parsed at a time: fits the caches, see bench
LONGEST_CELL = 20  # lines; a quoted cell of more is taken for rows behind a stray quote
LEAST_WIDTH = 4  # columns from which a cell with as many delimiters as rows have is taken for rows
HEAD = 1 << 18  # bytes looked at to find the delimiter and the header

DELIMITERS = {"comma": ",", "tab": "\t", "pipe": "|", "semicolon": ";"}
Encoding = Literal["auto", "utf-8", "cp1252"]
_BOM = codecs.BOM_UTF8
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_QUOTE_HINT = (
    'remove the quote, or export again with every quote inside a quoted cell written twice ("")'
)


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
    whole: bool = False  # the file has no more

    def records(self, delimiter: str, count: int, skip: int = 0) -> list[list[str]]:
        """The first records after `skip` lines, without blank ones."""
        text = self._after(skip)
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

    def _after(self, skip: int) -> str:
        text = self.text
        for _ in range(skip):
            text = text.partition("\n")[2]
        return text

    def check_quotes(self, delimiter: str, skip: int, name: str) -> None:
        """DataError where a stray quote makes the header, or rows near it, one cell."""
        text = self._after(skip)
        if '"' in text:
            quotes = Quotes(text.encode(), delimiter)
            quotes.check(name, 1 + skip, width=0, last=self.whole)

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
    whole = len(data) < HEAD
    data = data.removeprefix(_BOM)
    if not data.strip():
        raise DataError(f"{name}: the file is empty", hint="export it again")
    if data.startswith(_UTF16):
        raise utf16(name)
    if b"\0" in data:
        raise DataError(f"{name}: this is not a text file", hint="give CSV, Parquet or XLSX")
    text = data.decode("utf-8", "tariff-cp1252")
    if "\r" in text and "\n" not in text:
        return Head(text.replace("\r", "\n"), True, whole)
    return Head(text, False, whole)


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
        with HashedFile(self._path, advance) as hashed:
            stream: Any = gzip.GzipFile(fileobj=hashed) if self._kind == "gzip" else hashed
            for block, line, first in self._blocks(stream):
                start = self._start_of_rows(block) if first else 0
                if start < len(block):
                    line += block.count(b"\n", 0, start)
                    yield partial(self._parse, block[start:], line, columns)
            self._digest = hashed.digest()

    def finish(self) -> list[str]:
        """See Source."""
        if not self._replaced:
            return []
        return [
            f"{self.name}: {sum(self._replaced):,} characters are not UTF-8 and were read as "
            "Windows-1252"
        ]

    def _blocks(self, stream: Any) -> Iterator[tuple[bytes, int, bool]]:
        """Blocks that end where a record ends, the line of each, and whether it is the first."""
        rest = b""
        line = 1
        first = True
        while True:
            block = _read(stream, self._block, self.name)
            if first and not rest:
                block = block.removeprefix(_BOM)
            if self._old_mac:
                block = block.replace(b"\r", b"\n")
            if not block:
                break
            block = rest + block if rest else block
            end = self._end_of_records(block, line, first)
            rest = block[end:]
            if end:
                yield block[:end], line, first
                line += block.count(b"\n", 0, end)
                first = False
        rest = rest.rstrip(b"\x1a")
        if rest:
            block = rest if rest.endswith(b"\n") else rest + b"\n"
            self._end_of_records(block, line, first, last=True)
            yield block, line, first

    def _end_of_records(self, block: bytes, line: int, first: bool, last: bool = False) -> int:
        """Where the last whole record of a block ends (0: nowhere). DataError for a stray quote."""
        start = self._after_skipped(block) if first else 0
        end = block.rfind(b"\n") + 1
        if start is None or b'"' not in block:
            return 0 if start is None else end
        quotes = Quotes(block[start:] if start else block, self._delimiter)
        quotes.check(self.name, line + (self._skip if start else 0), width=self.width, last=last)
        ends = quotes.record_ends()
        return start + int(ends[-1]) if len(ends) else 0

    def _after_skipped(self, block: bytes) -> int | None:
        """Where the lines before the header end; None where there are not so many."""
        start = 0
        for _ in range(self._skip):
            start = block.find(b"\n", start) + 1
            if not start:
                return None
        return start

    def _start_of_rows(self, block: bytes) -> int:
        """Where the first row starts, after the skipped lines and the header."""
        start = self._after_skipped(block)
        if start is None:
            return len(block)
        if not self.has_header:
            return start
        for end in record_ends(block[start:], self._delimiter).tolist():
            if block[start : start + end].strip():
                return start + int(end)
        return len(block)

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
        lines = line_numbers(block, line, table.num_rows + len(wrong), self._delimiter)
        shape = BadCells()
        if wrong:
            for place, found, text in wrong:
                if text.strip():
                    if "\n" in text.strip():
                        raise self._rows_in_a_cell(int(lines[place]), found)
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

    def _rows_in_a_cell(self, line: int, found: int) -> DataError:
        return DataError(
            f"{self.name}: the row that begins on line {line} has {found} columns, not "
            f"{self.width}, and a quote in it takes in a part of the rows that follow",
            hint=_QUOTE_HINT,
        )

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


# ---------------------------------------------------------------- quotes, and where records end

_CLOSING = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')


class Quotes:
    """The quoted cells of a text that starts where a record starts.

    A quote opens a cell only where the cell starts; within it, two stand for one. `opens` and
    `closes` are where the cells' quotes stand; a cell that is still open closes at the end.
    """

    def __init__(self, block: bytes, delimiter: str) -> None:
        self._block = block
        self._mark = ord(delimiter)
        self._cells = np.frombuffer(block, np.uint8)
        self._newlines = np.flatnonzero(self._cells == 10)
        self.opens, self.closes = self._quoted()

    def _quoted(self) -> tuple[Lines, Lines]:
        quotes = np.flatnonzero(self._cells == 34)
        starts = self._start_cells(quotes)
        opens, closes = quotes[::2], quotes[1::2]
        doubled = np.zeros(len(opens), np.bool_)
        doubled[1:] = opens[1:] == closes[: max(len(opens) - 1, 0)] + 1
        if not (starts[::2] | doubled).all():  # some quotes stand inside open cells, and mean none
            return self._walked(quotes[starts])
        if len(closes) < len(opens):
            closes = np.append(closes, len(self._block))
        return opens[~doubled], closes[np.append(~doubled[1:], True)[: len(closes)]]

    def _start_cells(self, quotes: Lines) -> Mask:
        """Which quotes stand where a cell may start."""
        before = self._cells[quotes - 1]
        starts: Mask = (before == self._mark) | (before == 10) | (before == 13) | (quotes == 0)
        return starts

    def _walked(self, starts: Lines) -> tuple[Lines, Lines]:
        """The quoted cells one by one."""
        candidates: list[int] = starts.tolist()
        opens: list[int] = []
        closes: list[int] = []
        at = 0
        while at < len(candidates):
            opens.append(candidates[at])
            match = _CLOSING.match(self._block, candidates[at] + 1)
            closes.append(match.end() - 1 if match else len(self._block))
            at = bisect_left(candidates, closes[-1] + 1, at)
        return np.array(opens, np.int64), np.array(closes, np.int64)

    def outside(self, places: Lines) -> Lines:
        """Those of the places that are in no quoted cell."""
        if len(self.opens) == 0:
            return places
        cell = np.searchsorted(self.opens, places) - 1
        return places[(cell < 0) | (self.closes[cell] < places)]

    def record_ends(self) -> Lines:
        """Offsets just after each newline that ends a record."""
        return (self.outside(self._newlines) + 1).astype(np.int64)

    def check(self, name: str, line: int, *, width: int, last: bool) -> None:
        """DataError for a cell of several lines that is rather rows behind a stray quote.

        It has too many lines; or it is never closed (`last`: the text has no more); or the quote
        that closes it does not end a cell; or it has just the delimiters of so many rows of
        `width` columns, or on its first line those of a row. `line` is that of the first record.
        """
        first = np.searchsorted(self._newlines, self.opens)
        beyond = np.searchsorted(self._newlines, self.closes)
        several = beyond > first
        still_open = self.closes == len(self._block)
        for cell in np.flatnonzero(several | (still_open & last)).tolist():
            begin, end = int(self.opens[cell]), int(self.closes[cell])
            breaks = int(beyond[cell] - first[cell])
            until = line + int(beyond[cell])
            after = self._block[end + 1 : end + 2]
            if breaks >= LONGEST_CELL:
                what = f"is not closed within {LONGEST_CELL} lines"
            elif still_open[cell]:
                if not last:
                    continue
                what = "is never closed"
            elif after and after[0] not in {self._mark, 10, 13}:
                what = f"meets one on line {until} that does not end a cell"
            elif width >= LEAST_WIDTH and self._block.count(
                bytes([self._mark]), begin, end
            ) == breaks * (width - 1):
                what = f"is closed on line {until}, with as many delimiters between as rows have"
            elif width >= LEAST_WIDTH and self._whole_row(begin, int(first[cell]), width):
                what = f"is closed on line {until}, behind the end of a whole row"
            else:
                continue
            raise DataError(
                f"{name}: the quote that opens a cell on line {line + int(first[cell])} {what}; "
                "the rows behind it would be lost",
                hint=_QUOTE_HINT,
            )

    def _whole_row(self, begin: int, newline: int, width: int) -> bool:
        """Whether a cell at the beginning of a line has a row's delimiters on that line."""
        if begin and self._block[begin - 1] != 10:
            return False
        end = int(self._newlines[newline])
        return self._block.count(bytes([self._mark]), begin, end) >= width - 1


def record_ends(block: bytes, delimiter: str) -> Lines:
    """Offsets just after each newline that ends a record (it is in no quoted cell)."""
    if b'"' in block:
        return Quotes(block, delimiter).record_ends()
    return (np.flatnonzero(np.frombuffer(block, np.uint8) == 10) + 1).astype(np.int64)


def line_numbers(block: bytes, line: int, records: int, delimiter: str) -> Lines:
    """The line on which each record of a block starts; `line` is that of the first."""
    newlines = block.count(b"\n")
    if newlines == records:
        return np.arange(line, line + records, dtype=np.int64)
    ends = record_ends(block, delimiter)
    if len(ends) != records:  # a lone carriage return ends a record as well
        cells = np.frombuffer(block, np.uint8)
        lone = np.flatnonzero((cells[:-1] == 13) & (cells[1:] != 10))
        ends = np.sort(np.concatenate([ends, Quotes(block, delimiter).outside(lone) + 1]))
    starts = np.concatenate([[0], ends])[:records]
    newline_at = np.flatnonzero(np.frombuffer(block, np.uint8) == 10)
    lines = line + np.searchsorted(newline_at, starts)
    if len(lines) < records:
        lines = np.concatenate([lines, np.full(records - len(lines), line + newlines)])
    return lines.astype(np.int64)
