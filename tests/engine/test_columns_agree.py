"""What a rule may ask of a kind of record is what its block gives, and of the same type."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pytest

from tariff.engine.field_table import FieldTable
from tariff.engine.register_columns import register_block
from tariff.extract.fields import REGISTERS
from tariff.packs.match_fields import FIELDS
from tests.engine.columns import others, spells, values
from tests.engine.extracts import stay
from tests.engine.test_columns_other import ARRIVAL, DRUG, PERIOD, VISIT

OTHERS = {"attendances": VISIT, "emergency": ARRIVAL, "critical_care": PERIOD, "lines": DRUG}


@cache
def block(kind: str) -> FieldTable:
    if kind in REGISTERS:
        return register_block(kind, pa.table({"_line": pa.array([2])}))
    return spells(stay()) if kind == "spells" else others(kind, OTHERS[kind])


@pytest.mark.parametrize("kind", FIELDS)
def test_fields_of_a_kind(kind: str) -> None:
    records = block(kind)
    made = {*records.makes_codes, *records.makes_numbers, *records.makes_many}
    for name, field in FIELDS[kind].items():
        assert records.is_many(name) == field.many, name
        assert records.is_code(name) == (field.kind == "code" and not field.many), name
        assert name in made or not field.derived, name
        assert len(values(records, name)) == 1, name
