"""A year in a folder: which files there are, the same bytes again, and what goes wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tariff.cli.synth import synth
from tariff.errors import TariffError, UsageError
from tariff.extract.fields import DATASETS
from tariff.simulate import synthesise_year, write_year
from tariff.simulate.frames import SCHEMAS
from tariff.simulate.year import REGISTERS, Batches

REGISTER_FILES = {f"registers/{name}.csv" for name in REGISTERS}


def small(seed: int = 3) -> Iterator[Batches]:
    return synthesise_year(400, seed, month="2022-09")


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("form", ["parquet", "csv", "csv.gz"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, form: str) -> None:
    for name in ("one", "two"):
        write_year(tmp_path / name, small(), form=form)  # type: ignore[arg-type]
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert set(one) == {f"{name}.{form}" for name in DATASETS} | REGISTER_FILES
    assert one == two


def test_the_files_hold_every_row(tmp_path: Path) -> None:
    counts = write_year(tmp_path / "x", small())
    for name in DATASETS:
        table = pq.read_table(tmp_path / "x" / f"{name}.parquet")
        assert table.num_rows == counts[name] > 0
        assert table.schema.names == SCHEMAS[name].names
    for name in REGISTERS:
        text = (tmp_path / "x" / "registers" / f"{name}.csv").read_text("ascii")
        found = list(csv.DictReader(text.splitlines()))
        assert len(found) == counts[name]
        assert list(found[0]) == SCHEMAS[name].names


def test_nothing_is_left_of_a_year_that_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[Batches]:
        yield from small()
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        write_year(tmp_path / "x", failing())
    assert files(tmp_path / "x") == {}


def test_the_folder_above_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be made"):
        write_year(tmp_path / "no" / "x", small())


class TestCommand:
    ORDER = ("--episodes", "300", "--month", "2022-09", "--providers", "3")

    def run(self, folder: Path, *options: str) -> str:
        result = CliRunner().invoke(synth, ["-o", str(folder), *self.ORDER, *options])
        if result.exception is not None:
            raise result.exception
        return result.output

    def test_all(self, tmp_path: Path) -> None:
        output = self.run(tmp_path / "x", "--datasets", "all", "--format", "csv")
        assert set(files(tmp_path / "x")) == {f"{name}.csv" for name in DATASETS} | REGISTER_FILES
        assert "emergency: " in output and "registrations: " in output

    def test_some(self, tmp_path: Path) -> None:
        self.run(tmp_path / "x", "--datasets", "emergency,registers")
        assert set(files(tmp_path / "x")) == {"emergency.parquet"} | REGISTER_FILES

    def test_admitted_care_is_the_same_alone(self, tmp_path: Path) -> None:
        self.run(tmp_path / "x", "--datasets", "all", "--format", "csv")
        self.run(tmp_path / "y.csv")
        assert (tmp_path / "x" / "episodes.csv").read_bytes() == (tmp_path / "y.csv").read_bytes()

    def test_faults_are_planted_in_admitted_care(self, tmp_path: Path) -> None:
        self.run(tmp_path / "x", "--datasets", "all", "--format", "csv")
        self.run(
            *(tmp_path / "y", "--datasets", "all", "--format", "csv", "--plant", "DUP01=2"),
            *("--key", str(tmp_path / "key.csv")),
        )
        honest, planted = files(tmp_path / "x"), files(tmp_path / "y")
        assert {name for name in honest if honest[name] != planted[name]} == {"episodes.csv"}
        assert (tmp_path / "key.csv").is_file()

    @pytest.mark.parametrize(
        ("name", "options", "says"),
        [
            ("x.csv", ("--datasets", "all"), "is a file"),
            ("x", ("--datasets", "letters"), "letters"),
            ("x", ("--datasets", "all", "--layout", "sus-plus-apc"), "alone"),
            ("x", ("--datasets", "emergency", "--plant", "DUP01=1"), "admitted care"),
            ("x", (), "does not say how"),
        ],
    )
    def test_mistakes(self, tmp_path: Path, name: str, options: tuple[str, ...], says: str) -> None:
        with pytest.raises(TariffError, match=says):
            self.run(tmp_path / name, *options)
