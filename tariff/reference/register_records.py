"""The rows of a register as records: the columns of docs/registers.md and little else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tariff.extract.fields import REGISTERS
from tariff.reference.facts import Fields, plain
from tariff.reference.values import Value
from tariff.reference.world import Record

FIRST_LINE = 2  # of the rows of a file, below its header
ONE_DAY = ("death_date", "referral_date", "letter_date", "outcome_date")


def register_records(name: str, rows: Iterable[Mapping[str, Value]]) -> list[Record]:
    """Return the rows of a register in the order of its file.

    A column of the register stands before a field of the same name that records have (`kind`,
    `record_id`). The days are those of its validity, else the one day that a row is of.
    """
    columns = [field.name for field in REGISTERS[name]]
    days = next(((day, day) for day in ONE_DAY if day in columns), ("valid_from", "valid_to"))
    found: list[Record] = []
    for line, row in enumerate(rows, FIRST_LINE):
        own: Fields = {column: plain(row.get(column)) for column in columns}
        fields: Fields = {
            "kind": name,
            "record_id": str(line),
            "start_date": own.get(days[0]),
            "end_date": own.get(days[1]),
        }
        found.append({**fields, **own})
    return found
