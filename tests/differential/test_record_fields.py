"""Every field of every kind of record: the engine's blocks say what the oracle says."""

from __future__ import annotations

from datetime import date
from functools import cache
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given

from tariff.engine.other_columns import other_block
from tariff.engine.other_outcome import PriceOptions as EngineOptions
from tariff.engine.price import MffChoice
from tariff.engine.register_columns import register_block
from tariff.extract import Extract, from_arrow
from tariff.extract.fields import ARROW_TYPE, REGISTERS
from tariff.packs.load import load_packs
from tariff.reference.other_records import other_records
from tariff.reference.price import PriceOptions
from tariff.reference.record_tables import RecordTables, record_tables
from tariff.reference.register_records import register_records
from tests.differential.compare import Case
from tests.differential.group_other_care import random_records
from tests.differential.other_care import KEYS, extract_of
from tests.differential.price_other_care import Maker
from tests.differential.realistic import noisy_rows, shipped, shipped_case
from tests.differential.record_fields import compare
from tests.differential.strategies import (
    RANDOMS,
    SLOW,
    Row,
    all_hrgs,
    example_settings,
    random_fields,
    random_packs,
    random_rows,
)
from tests.simulate import years

DATASETS = tuple(KEYS)
OPTIONS = (
    PriceOptions(),
    PriceOptions(year="2022/23", mff=1_050_000_000),
    PriceOptions(year="2017/18", mff_year="2022/23"),
)


@cache
def tables() -> RecordTables:
    return record_tables(list(load_packs()))


# ---------------------------------------------------------------- spells


def spells_of(case: Case) -> dict[str, int]:
    return compare(case.run().columns, case.records())


@example_settings(40)
@given(RANDOMS)
def test_the_smallest_disagreement_of_spells(rng: Random) -> None:
    packs = random_packs(rng)
    fields = random_fields(rng) | {"patient_id"}
    rows = random_rows(rng, fields, all_hrgs(packs), rng.randint(1, 4))
    spells_of(Case(packs, fields, rows, year=rng.choice([None, "2017/18"])))


@pytest.mark.parametrize("year", [None, "2018/19"])
def test_noisy_spells(year: str | None) -> None:
    """Other codes, blanks, other years and copies under the packs that ship."""
    known = spells_of(shipped_case(noisy_rows(12_000 if SLOW else 2_000, 901), year=year))
    empty = {name for name, count in known.items() if not count}
    assert len(empty) < 40, empty


# ---------------------------------------------------------------- other care


def compare_others(
    dataset: str, rows: list[Row], options: PriceOptions | None = None
) -> dict[str, int]:
    options = options or PriceOptions()
    engine = EngineOptions(options.year, MffChoice(options.mff, options.mff_year))
    return compare_extract(dataset, extract_of(dataset, rows), engine, options)


def compare_extract(
    dataset: str, extract: Extract, engine: EngineOptions, options: PriceOptions
) -> dict[str, int]:
    """Both sides take what the reader gives: in capitals, dates as dates, money as pence."""
    rows: list[Row] = []
    for batch in extract.batches():
        rows += batch.drop_columns(["_file", "_line"]).to_pylist()
    block = other_block(extract, shipped()[1], engine)
    return compare(block, other_records(tables(), dataset, rows, options))


def seen_at(rng: Random, dataset: str, row: Row) -> Row:
    """A row with people, times and the money of a bill."""
    billed = {
        "billed_price": rng.choice([None, 0, 4_321, 123_456, -99]),
        "billed_mff": rng.choice([None, 1_071_234_567]),
        "billed_mff_amount": rng.choice([None, 77, -5]),
        "billed_total": rng.choice([None, None, 5_000, -5_000]),
        "activity_month": rng.choice([None, "2022-05", "2020-02", "2017-12"]),
    }
    times: dict[str, Any] = {
        "attendances": {"attendance_time": rng.choice([None, 0, 601, 1_439])},
        "emergency": {
            "arrival_time": rng.choice([None, 601]),
            "departure_date": rng.choice([None, row.get("arrival_date")]),
            "departure_time": rng.choice([None, 700]),
        },
        "critical_care": {"start_time": rng.choice([None, 30]), "end_time": rng.choice([None, 9])},
        "lines": {},
    }[dataset]
    return {**row, **times, **billed, "patient_id": rng.choice(["P1", "P2", None])}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dataset", DATASETS)
def test_random_records(dataset: str, seed: int) -> None:
    rng = Random(seed)
    count = 3_000 if SLOW else 500
    rows = random_records(rng, dataset, count) if dataset != "lines" else []
    if dataset != "critical_care":
        columns = {name for row in rows for name in row}
        rows = rows + Maker(seed).rows(dataset, count) if seed else Maker(seed).rows(dataset, count)
        assert columns or rows
    rows = [seen_at(rng, dataset, row) for row in rows]
    rows += [dict(row) for row in rng.sample(rows, 40)]
    rng.shuffle(rows)
    known = compare_others(dataset, rows, OPTIONS[seed])
    assert known["billed"] and known["trust"] and known["duplicate_rows"]


def test_an_emergency_attendance_over_the_end_of_a_year_is_of_the_year_of_its_price() -> None:
    row: Row = {
        "provider": "R1H",
        "attendance_id": "E1",
        "arrival_date": date(2022, 3, 31),
        "departure_date": date(2022, 4, 1),
        "billed_hrg": "VB03Z",
    }
    assert compare_others("emergency", [row])["tariff_year"] == 1


# ---------------------------------------------------------------- registers


def random_cell(rng: Random, name: str, kind: str) -> Any:
    if rng.random() < 0.2:
        return None
    if kind == "date":
        return rng.choice([None, *(row for row in DATES)])
    if kind in ("money", "factor", "integer"):
        return rng.choice([0, 1, 250_000])
    return rng.choice(["", "R1H", "a b", f"{name}1"])


DATES = tuple(pa.scalar(day, pa.date32()).as_py() for day in (0, 18_000, 19_083))


@pytest.mark.parametrize("name", sorted(REGISTERS))
def test_registers(name: str) -> None:
    rng = Random(name)
    held = [field for field in REGISTERS[name] if field.key or rng.random() < 0.7]
    rows = [{f.name: random_cell(rng, f.name, f.type) for f in held} for _ in range(30)]
    arrays = {f.name: [row[f.name] for row in rows] for f in held}
    table = {}
    for field in held:
        kind = ARROW_TYPE[field.type]
        plain = pa.string() if pa.types.is_dictionary(kind) else kind
        table[field.name] = pa.array(arrays[field.name], plain)
    assert compare(register_block(name, pa.table(table)), register_records(name, rows))


# ---------------------------------------------------------------- the artificial year


def test_spells_of_the_artificial_year() -> None:
    table = years.tables()["episodes"]
    rows: list[Row] = []
    for batch in from_arrow(table if SLOW else table.slice(0, 2_000), dataset="episodes").batches():
        rows += batch.drop_columns(["_file", "_line"]).to_pylist()
    known = spells_of(shipped_case(rows))
    assert min(known[n] for n in ("total", "top_up", "first_procedure_date", "stay_minutes")) > 100


@pytest.mark.parametrize("dataset", DATASETS)
def test_other_care_of_the_artificial_year(dataset: str) -> None:
    table = years.tables()[dataset]
    extract = from_arrow(table if SLOW else table.slice(0, 4_000), dataset=dataset)
    known = compare_extract(
        dataset, extract, EngineOptions(None, MffChoice(None, None)), OPTIONS[0]
    )
    assert known["record_id"] > 30
