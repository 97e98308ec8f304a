"""Records of care that is not admitted, as an extract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tariff.extract import Extract, from_arrow
from tariff.extract.fields import ARROW_TYPE, field_of, in_order
from tests.differential.strategies import Row

KEYS = {
    "attendances": "attendance_id",
    "emergency": "attendance_id",
    "critical_care": "period_id",
    "lines": "line_id",
}


def extract_of(dataset: str, rows: Sequence[Row]) -> Extract:
    """Rows as an extract, in the types of its columns; a row may lack some."""
    arrays = {}
    for name in in_order({name for row in rows for name in row}, dataset):
        found = field_of(name, dataset)
        assert found is not None, name
        kind = ARROW_TYPE[found.type]
        cells: list[Any] = [row.get(name) for row in rows]
        if found.type == "money":  # pence here, pounds in a file
            cells = [None if cell is None else f"{int(cell) / 100:.2f}" for cell in cells]
            kind = pa.string()
        if found.type == "factor":  # units of 1e-9 here, a decimal in a file
            cells = [None if cell is None else f"{int(cell) / 10**9:.9f}" for cell in cells]
            kind = pa.string()
        if found.type == "time":  # minutes here, HH:MM in a file
            cells = [
                None if cell is None else f"{int(cell) // 60:02}:{int(cell) % 60:02}"
                for cell in cells
            ]
            kind = pa.string()
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        arrays[name] = pa.array(cells, kind)
    return from_arrow(pa.table(arrays), dataset=dataset)
