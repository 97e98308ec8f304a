"""The rows of a register, by field: docs/registers.md. They stand in the order of the file."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.field_table import Codes, FieldTable, MakeCodes, MakeNumbers, Numbers
from tariff.engine.frame import filled_numbers
from tariff.extract.fields import REGISTERS
from tariff.packs.compile import NULL64
from tariff.packs.model import Provenance

LINE = "_line"
# the one day of a register whose rows are of a day
DAYS = {
    "deaths": "death_date",
    "referrals": "referral_date",
    "letters": "letter_date",
    "challenges": "outcome_date",
}


class RegisterColumns(FieldTable):
    """A register by field; its name is its kind. Of other fields it has `record_id` and days."""

    def __init__(self, name: str, table: pa.Table) -> None:
        super().__init__(name, "extract", name)
        self.table = table
        known = {field.name for field in REGISTERS[name]}
        self._held = known & set(table.column_names)
        day = DAYS.get(name, "")
        self._first, self._last = day or "valid_from", day or "valid_to"

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def provenance(self, record: int) -> Provenance:
        """Say what a row rests on: it is taken as it was given, and nothing of it is grouped."""
        return "published"

    def lines(self) -> Numbers:
        """Give the line of each row in the file, the header being the first."""
        if LINE not in self.table.column_names:
            return np.arange(2, len(self) + 2)
        found: Numbers = self.table[LINE].to_numpy().astype(np.int64)
        return found

    def record_keys(self, which: Numbers) -> list[str]:
        """Give `NAME:LINE` of some rows."""
        return [f"{self.kind}:{line}" for line in self.lines()[which].tolist()]

    def _own_codes(self, name: str) -> Codes | None:
        if name not in self._held:
            return None
        column = _one(pc.cast(self.table[name], pa.string())).dictionary_encode()
        values = column.dictionary.to_pylist()
        ids = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        blank = np.array([*(value == "" for value in values), False])
        ids[blank[ids]] = -1
        return ids, values

    def _own_number(self, name: str) -> Numbers | None:
        if name not in self._held:
            return None
        column = _one(self.table[name])
        if pa.types.is_date32(column.type):
            column = column.cast(pa.int32())
        found: Numbers = filled_numbers(column.cast(pa.int64()), int(NULL64), np.int64)
        return found

    def _column_or(self, name: str, other: Codes) -> Codes:
        """Give a column that the register has, else what stands under its name elsewhere."""
        if self.type_of(name) is None:
            return other
        return self._own_codes(name) or (np.full(len(self), -1, np.int64), [])

    def _places(self) -> Codes:
        return np.arange(len(self)), [str(line) for line in self.lines().tolist()]

    makes_codes: ClassVar[MakeCodes] = {
        "kind": lambda r: r._column_or("kind", r._kinds()),
        "record_id": lambda r: r._column_or("record_id", r._places()),
    }
    makes_numbers: ClassVar[MakeNumbers] = {
        "start_date": lambda r: r._own_number(r._first),
        "end_date": lambda r: r._own_number(r._last),
    }


def register_block(name: str, table: pa.Table) -> RegisterColumns:
    """Give a register, read with canonical types, as a block of records."""
    return RegisterColumns(name, table)


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
