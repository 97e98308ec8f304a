"""The small year that ships holds every dataset, in the columns of the generator."""

from __future__ import annotations

import csv
import gzip
from importlib import resources

import pytest

from tariff.extract import open_extract
from tariff.extract.fields import DATASETS
from tariff.simulate.frames import SCHEMAS
from tariff.simulate.year import REGISTERS

DEMO = resources.files("tariff.simulate").joinpath("data", "demo")
Row = dict[str, str]
MOST_BYTES = 400_000


def rows_of(name: str) -> list[Row]:
    if name in REGISTERS:
        text = DEMO.joinpath("registers", f"{name}.csv").read_text("ascii")
    else:
        packed = DEMO.joinpath(f"{name}.csv.gz").read_bytes()
        text = gzip.decompress(packed).decode("ascii")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("name", [*DATASETS, *REGISTERS])
def test_there_are_rows_of_every_kind(name: str) -> None:
    found = rows_of(name)
    assert found
    assert list(found[0]) == SCHEMAS[name].names


def test_it_is_small() -> None:
    with resources.as_file(DEMO) as folder:
        assert sum(path.stat().st_size for path in folder.rglob("*")) < MOST_BYTES


def test_patients_are_those_of_the_registers() -> None:
    registered = {row["patient_id"] for row in rows_of("registrations")}
    for name in DATASETS.keys() - {"periods"}:  # those are of spells
        assert {row["patient_id"] for row in rows_of(name)} - {""} <= registered


@pytest.mark.parametrize("name", ["episodes", "flex-2022-09", "freeze-2022-09"])
def test_admitted_care_can_be_read(name: str) -> None:
    with resources.as_file(DEMO.joinpath(f"{name}.csv.gz")) as path:
        opened = open_extract([path])
        assert sum(batch.num_rows for batch in opened.batches()) > 300
        assert opened.rejects.num_rows == 0
