"""Small canonical files for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from tariff.extract import Extract

HEADER = "provider,spell_id,episode_order,age,admission_date,diag_01,diag_02,billed_total"
ROW = "RXX,S1,1,45,2022-04-01,I10X,E119,1234.50"


def csv_file(folder: Path, *rows: str, header: str = HEADER, name: str = "extract.csv") -> Path:
    """A file of these lines."""
    return text_file(folder, "\n".join([header, *rows]) + "\n", name)


def text_file(folder: Path, text: str | bytes, name: str = "extract.csv") -> Path:
    """A file of this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(extract: Extract) -> pa.Table:
    """All batches as one table."""
    return pa.Table.from_batches(list(extract.batches()), extract.schema)


def rows(extract: Extract) -> list[dict[str, Any]]:
    """All batches as dictionaries."""
    found: list[dict[str, Any]] = read(extract).to_pylist()
    return found


def plain(table: pa.Table) -> pa.Table:
    """A table without `_file` and `_line` and without dictionaries, to be compared."""
    table = table.drop_columns(["_file", "_line"])
    columns = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names).combine_chunks()
