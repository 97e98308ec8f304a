"""The same order gives the same bytes, streamed chunk by chunk, whole or not at all."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tariff.cli.synth import synth
from tariff.errors import TariffError, UsageError
from tariff.simulate import extract, synthesise, write_extract
from tariff.simulate.columns import COLUMNS, SCHEMA
from tariff.simulate.plan import make_plan

SUFFIXES = (".csv", ".csv.gz", ".parquet")


def small(seed: int = 4, **order: Any) -> Iterator[pa.RecordBatch]:
    return synthesise(**{"episodes": 600, "seed": seed, "billed": False, **order})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    assert write_extract(first, small()) == write_extract(second, small()) == 600
    assert first.read_bytes() == second.read_bytes()


def test_another_seed_gives_another_extract(tmp_path: Path) -> None:
    write_extract(tmp_path / "a.csv", small(1))
    write_extract(tmp_path / "b.csv", small(2))
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "b.csv").read_bytes()


def test_every_way_of_writing_says_the_same(tmp_path: Path) -> None:
    from tariff.extract import open_extract

    found = []
    for suffix in SUFFIXES:
        path = tmp_path / f"x{suffix}"
        write_extract(path, small(billed=True))
        opened = open_extract([path])
        table = pa.Table.from_batches(list(opened.batches()))
        assert opened.rejects.num_rows == 0
        assert opened.layout_id == "canonical"
        columns = [name for name in table.column_names if not name.startswith("_")]
        found.append(table.select(columns).to_pylist())
    assert found[0] == found[1] == found[2]


def test_a_csv_file_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write_extract(path, small(billed=True))
    text = path.read_bytes().decode("ascii")
    assert '"' not in text and "\r" not in text
    rows = list(csv.DictReader(text.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    billed = next(row for row in rows if row["billed_total"])
    assert billed["admission_time"].count(":") == 1
    assert billed["billed_total"].partition(".")[2].isdigit()
    assert not billed["billed_mff"].endswith("0")


def test_parquet_carries_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_extract(path, small())
    assert pq.read_schema(path).names == SCHEMA.names


def test_the_packed_file_has_no_time_in_it(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    write_extract(path, small())
    assert path.read_bytes()[4:8] == b"\0\0\0\0"
    assert gzip.decompress(path.read_bytes()).startswith(b"provider,")


class TestStreaming:
    def test_a_chunk_is_made_only_when_it_is_asked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[int] = []
        chunk = extract.Maker.chunk

        def counted(self: extract.Maker, rng: Any, count: int) -> pa.RecordBatch:
            made.append(count)
            return chunk(self, rng, count)

        monkeypatch.setattr(extract.Maker, "chunk", counted)
        monkeypatch.setattr(extract, "CHUNK_PATIENTS", 300)
        batches = small(episodes=5000)
        next(batches)
        assert made == [300]
        next(batches)
        assert made == [300, 300]
        rows = sum(batch.num_rows for batch in batches)
        assert max(made) <= 300 and len(made) > 5 and rows > 3000

    def test_chunks_do_not_share_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extract, "CHUNK_PATIENTS", 300)
        patients: set[str] = set()
        spells: set[str] = set()
        rows = 0
        for batch in small(episodes=4000):
            people = set(batch["patient_id"].to_pylist())
            numbers = set(batch["spell_id"].to_pylist())
            assert not patients & people
            assert not spells & numbers
            patients |= people
            spells |= numbers
            rows += batch.num_rows
        assert rows == 4000


class TestMistakes:
    @pytest.mark.parametrize(
        ("order", "says"),
        [
            ({"episodes": 0}, "0 episodes"),
            ({"seed": -1}, "seed"),
            ({"year": "2022"}, "not a tariff year"),
            ({"year": "2022/24"}, "not a tariff year"),
            ({"month": "2022-13"}, "not a month"),
            ({"year": "2018/19", "month": "2022-09"}, "belongs to 2022/23"),
            ({"providers": 0}, "0 providers"),
            ({"providers": 99}, "99 providers"),
            ({"year": "2009/10", "billed": True}, "2009/10"),
            ({"year": "2024/25", "billed": True}, "2024/25"),
        ],
    )
    def test_a_wrong_order_says_what_to_do(self, order: dict[str, Any], says: str) -> None:
        given = {"episodes": 10, "seed": 1, "billed": False, **order}
        with pytest.raises(UsageError, match=says) as caught:
            make_plan(**given)
        assert caught.value.hint

    def test_a_name_must_say_how_to_write(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"x\.xls"):
            write_extract(tmp_path / "x.xls", small())

    def test_the_folder_must_exist(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="does not exist"):
            write_extract(tmp_path / "no" / "x.csv", small())

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_nothing_is_left_of_an_extract_that_fails(self, tmp_path: Path, suffix: str) -> None:
        def failing() -> Iterator[pa.RecordBatch]:
            yield from small()
            raise RuntimeError("interrupted")

        target = tmp_path / f"x{suffix}"
        target.write_bytes(b"the file before")
        with pytest.raises(RuntimeError):
            write_extract(target, failing())
        assert [path.name for path in tmp_path.iterdir()] == [target.name]
        assert target.read_bytes() == b"the file before"


class TestCommand:
    def test_it_writes_and_says_what(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        order = ["-o", str(path), "--episodes", "300", "--month", "2022-09", "--providers", "3"]
        result = CliRunner().invoke(synth, order)
        assert result.exit_code == 0, result.output
        assert "300 episodes" in result.stdout and "billed £" in result.stdout
        assert "left out as not billable" in result.stdout
        assert result.stderr == ""
        assert len(path.read_text("ascii").splitlines()) == 301

    def test_it_can_leave_the_billing_out(self, tmp_path: Path) -> None:
        order = ["-o", str(tmp_path / "x.parquet"), "--episodes", "300", "--unbilled"]
        result = CliRunner().invoke(synth, order)
        assert result.exit_code == 0, result.output
        assert "not billed" in result.stdout

    def test_a_mistake_is_an_error_of_ours_to_print(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(synth, ["-o", str(tmp_path / "x.csv"), "--year", "2099"])
        assert isinstance(result.exception, TariffError)
        assert not list(tmp_path.iterdir())
