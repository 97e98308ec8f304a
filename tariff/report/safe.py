"""Text that a spreadsheet may not mistake for a formula.

A cell that begins with one of `= + - @`, a tab, a carriage return or a line feed (or with the
full-width forms of the first four, which some programs fold) gets a leading apostrophe. Text that
already begins with apostrophes before such a character gets one more, so that `restore` gives
back exactly what was there.
"""

from __future__ import annotations

import re
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

_STARTS = "=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20"
_DANGER = re.compile(f"^'*[{_STARTS}]")
_NEUTRALISED = re.compile(f"^'+[{_STARTS}]")
# Neither XML 1.0 nor a terminal takes these.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def cell(value: str) -> str:
    """One cell of text, neutralised."""
    return f"'{value}" if _DANGER.match(value) else value


def restore(value: str) -> str:
    """The text that `cell` was given."""
    return value[1:] if _NEUTRALISED.match(value) else value


def printable(value: str) -> str:
    """Control characters shown as a replacement mark: for a workbook or a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)


def columns(table: pa.Table) -> pa.Table:
    """A table fit for CSV: lists joined by a space, text neutralised, numbers left alone."""
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_list(field.type):
            column = pc.binary_join(column, " ")
        elif not pa.types.is_string(field.type):
            continue
        table = table.set_column(index, pa.field(field.name, pa.string()), _neutral(column))
    return table


def restored_columns(table: pa.Table) -> pa.Table:
    """A table read back from CSV, each text as it was before `columns`."""
    for index, field in enumerate(table.schema):
        if not pa.types.is_string(field.type):
            continue
        column = table.column(index)
        marked = pc.match_substring_regex(column, _NEUTRALISED.pattern)
        if pc.any(marked).as_py():
            plain = pc.if_else(marked, pc.utf8_slice_codeunits(column, 1), column)
            table = table.set_column(index, field, plain)
    return table


def _neutral(column: pa.ChunkedArray) -> pa.ChunkedArray:
    marked = pc.match_substring_regex(column, _DANGER.pattern)
    if not pc.any(marked).as_py():
        return cast("pa.ChunkedArray", column)
    quoted = pc.binary_join_element_wise("'", column, "")
    return cast("pa.ChunkedArray", pc.if_else(marked, quoted, column))
