"""Registers by field: docs/registers.md."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from tariff.engine.record_set import Block, RecordSet
from tariff.engine.register_columns import RegisterColumns, register_block
from tariff.extract.fields import ARROW_TYPE, REGISTERS
from tests.engine.columns import others, spells, value, values
from tests.engine.extracts import stay

FIRST, LAST = date(2022, 4, 1), date(2023, 3, 31)
DAYS = 19083, 19447


def register(name: str, *rows: dict[str, object], first_line: int = 2) -> RegisterColumns:
    """A register in canonical types, as it is read."""
    types = {field.name: ARROW_TYPE[field.type] for field in REGISTERS[name]}
    columns = {
        column: pa.array([row.get(column) for row in rows], types[column])
        if not pa.types.is_dictionary(types[column])
        else pa.array([row.get(column) for row in rows], pa.string()).dictionary_encode()
        for column in dict.fromkeys(column for row in rows for column in row)
    }
    lines = pa.array(range(first_line, first_line + len(rows)), pa.int64())
    return register_block(name, pa.table({**columns, "_line": lines}))


def test_a_register_by_field() -> None:
    block = register(
        "local_prices",
        {"provider": "R1H", "code": "DZ11T", "price": 12345, "valid_from": FIRST, "valid_to": LAST},
        {"provider": "R1H", "code": "", "price": 1, "valid_from": None, "valid_to": None},
    )
    assert (block.kind, block.source, len(block)) == ("local_prices", "extract", 2)
    assert values(block, "kind") == ["local_prices"] * 2
    assert values(block, "record_id") == ["2", "3"]
    assert values(block, "code") == ["DZ11T", None]
    assert values(block, "price") == [12345, 1]
    assert values(block, "start_date") == values(block, "valid_from") == [DAYS[0], None]
    assert values(block, "end_date") == values(block, "valid_to") == [DAYS[1], None]
    assert block.record_keys(np.array([1, 0])) == ["local_prices:3", "local_prices:2"]
    assert [value for name in ("billed", "hrg", "trust") for value in values(block, name)] == [
        None
    ] * 6
    assert not block.is_code("price") and not block.is_many("code")
    assert block.provenance(0) == "published"


@pytest.mark.parametrize(
    ("name", "row", "first", "last"),
    [
        ("deaths", {"patient_id": "P1", "death_date": FIRST}, DAYS[0], DAYS[0]),
        ("referrals", {"patient_id": "P1", "referral_date": FIRST}, DAYS[0], DAYS[0]),
        ("letters", {"patient_id": "P1", "letter_date": FIRST}, DAYS[0], DAYS[0]),
        ("switches", {"item": "X", "unit_price": 1, "valid_from": FIRST}, DAYS[0], None),
        ("sites", {"provider": "R1H", "site": "R1H01", "department_type": "01"}, None, None),
        ("doses", {"item": "X", "maximum_quantity": 4}, None, None),
    ],
)  # fmt: skip
def test_the_days_of_a_row(
    name: str, row: dict[str, object], first: int | None, last: int | None
) -> None:
    block = register(name, row)
    assert (value(block, "start_date"), value(block, "end_date")) == (first, last)


def test_a_column_of_the_register_stands_before_what_all_records_have() -> None:
    assert value(register("approvals", {"approval_id": "A", "kind": "drug"}), "kind") == "drug"
    assert value(register("approvals", {"approval_id": "A"}), "kind") is None
    evidence = register("evidence", {"provider": "R1H", "record_id": "S1", "met": "Y"})
    assert value(evidence, "record_id") == "S1"
    assert evidence.record_keys(np.array([0])) == ["evidence:2"]


def test_a_register_without_rows() -> None:
    block = register_block("deaths", pa.table({"patient_id": pa.array([], pa.string())}))
    assert len(block) == 0
    assert values(block, "patient_id") == values(block, "death_date") == []


def test_blocks_of_every_kind_under_one_numbering() -> None:
    visit = {"provider": "R1H", "attendance_id": "V1", "patient_id": "P1"}
    blocks: list[Block] = [
        spells(stay(), stay(spell_id="B", patient_id="P2")),
        others("attendances", {**visit, "attendance_date": "2022-05-03"}),
        register("deaths", {"patient_id": "P2", "death_date": FIRST}),
    ]
    records = RecordSet(blocks)
    ids, texts = records.codes("patient_id")
    assert [texts[i] for i in ids] == ["P1", "P2", "P1", "P2"]
    assert records.number("start_date").tolist() == [19115, 19115, 19115, DAYS[0]]
    assert records.missing("attended").tolist() == [True] * 4
    assert records.is_many("any_diagnosis") and not records.is_many("patient_id")
    assert records.place(3)[0].texts("patient_id", np.array([0])).to_pylist() == ["P2"]
