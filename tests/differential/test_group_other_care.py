"""Grouping of other care: the engine says what the oracle says, in any order of the rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given

from tariff.extract.fields import field_of
from tariff.extract.read import open_extract
from tariff.packs.load import load_packs
from tariff.report.write import write_other_care
from tariff.simulate import synthesise_year, write_year
from tests.differential.group_other_care import PACKS, compare, random_records, run_engine
from tests.differential.strategies import RANDOMS, SLOW, Row, example_settings

DATASETS = sorted(PACKS)
BULK = 300 if SLOW else 30
UNITS = ("time", "money", "factor")  # read in other units than they are held in
YEARS = [None, "2018/19", "2024/25"]


@pytest.mark.parametrize("dataset", DATASETS)
@example_settings(20)
@given(RANDOMS)
def test_the_smallest_disagreement(dataset: str, rng: Random) -> None:
    packs = PACKS[dataset](rng)
    compare(dataset, random_records(rng, dataset, rng.randint(1, 4)), packs, rng.choice(YEARS))


@pytest.mark.parametrize("dataset", DATASETS)
def test_many_records_under_many_packs(dataset: str) -> None:
    hrgs: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for seed in range(BULK):
        rng = Random(seed)
        packs = PACKS[dataset](rng)
        run = compare(dataset, random_records(rng, dataset, 200), packs, rng.choice(YEARS))
        hrgs.update(run.manifest["hrgs"])
        reasons.update(run.manifest["unmapped"])
    assert len(hrgs) >= 6
    assert reasons


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_bytes_do_not_depend_on_the_order_of_the_rows(dataset: str, tmp_path: Path) -> None:
    rng = Random(5)
    packs = PACKS[dataset](rng)
    rows = random_records(rng, dataset, 300)
    written = []
    for name in ("one", "other"):
        write_other_care(tmp_path / name, run_engine(dataset, rows, packs))
        written.append((tmp_path / name / f"{dataset}.parquet").read_bytes())
        rng.shuffle(rows)
    assert written[0] == written[1]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The artificial year, as the reader gives it, but for what the table of rows cannot hold."""
    folder = tmp_path_factory.mktemp("data") / "year"
    write_year(folder, synthesise_year(1_500, seed=3, year="2022/23"))
    found: dict[str, list[Row]] = {}
    for name in DATASETS:
        extract = open_extract(folder / f"{name}.parquet", dataset=name)
        left_out = ("_file", "_line", *(f for f in extract.fields if field_type(f, name) in UNITS))
        found[name] = [r for b in extract.batches() for r in b.drop_columns(left_out).to_pylist()]
    return found


def field_type(column: str, dataset: str) -> str:
    """The type of a canonical column."""
    field = field_of(column, dataset)
    assert field is not None
    return field.type


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_artificial_year_under_the_packs_that_ship(
    dataset: str, year: dict[str, list[Row]]
) -> None:
    run = compare(dataset, year[dataset], load_packs())
    assert run.manifest["counts"]["in_error"] == 0


@pytest.mark.parametrize("dataset", ["attendances", "emergency"])
def test_the_artificial_year_is_billed_as_it_groups(
    dataset: str, year: dict[str, list[Row]]
) -> None:
    """No evidence of the national grouping: the year is made with the same reading."""
    table = run_engine(dataset, year[dataset], load_packs()).table
    for row in table.filter(table["billed_hrg"].is_valid()).to_pylist():
        # an HRG of a procedure that has no price is billed as the attendance it is besides
        assert row["billed_hrg"] in (row["hrg"], row.get("attendance_hrg")), row
