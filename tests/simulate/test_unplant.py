"""The key reconciles: undoing every fault gives the honest extract back, byte for byte."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from tariff.cli.score import unplant as unplant_command
from tariff.cli.synth import synth
from tariff.errors import DataError, TariffError, UsageError
from tariff.simulate import write_extract
from tariff.simulate.faults import KeyFiles, Undo, read_key, rules, unplant
from tariff.simulate.faults.key import COLUMNS, read_undo, stem, undo_path
from tariff.simulate.rowgroups import settled
from tests.simulate.planting import everything, honest_batches, the_engine

SUFFIXES = (".csv", ".csv.gz", ".parquet")
ORDER = ["--episodes", "3000", "--seed", "6", "--month", "2022-11"]
FAULTS = "DUP01=3,DUP02=3,SPL01=2,SPL03=2,SPL11=4,HRG03=2,PRC01=3,LOS01=2,COM10=2"


@pytest.fixture(autouse=True)
def one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is compiled once for all the commands."""
    monkeypatch.setattr("tariff.simulate.extract.engine", the_engine)
    monkeypatch.setattr("tariff.simulate.faults.chunk.the_engine", the_engine)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def made(path: Path, *options: str) -> Result:
    result = CliRunner().invoke(synth, ["-o", str(path), *ORDER, *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def undone(planted: Path, key: Path, honest: Path) -> Result:
    return CliRunner().invoke(unplant_command, [str(planted), str(key), "-o", str(honest)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_undoing_gives_the_honest_bytes(tmp_path: Path, suffix: str) -> None:
    honest, planted, back = (tmp_path / f"{name}{suffix}" for name in ("honest", "planted", "back"))
    made(honest)
    made(planted, "--plant", FAULTS, "--near-misses")
    assert digest(planted) != digest(honest)
    result = undone(planted, tmp_path / "planted.key.csv", back)
    assert result.exit_code == 0, result.output
    assert "3,000 honest rows" in result.output
    assert digest(back) == digest(honest)


def test_the_form_may_change_on_the_way(tmp_path: Path) -> None:
    made(tmp_path / "honest.csv")
    made(tmp_path / "planted.parquet", "--plant", FAULTS)
    undone(tmp_path / "planted.parquet", tmp_path / "planted.key.csv", tmp_path / "back.csv")
    assert digest(tmp_path / "back.csv") == digest(tmp_path / "honest.csv")


def test_every_kind_of_fault_and_near_miss_can_be_undone(tmp_path: Path) -> None:
    every = everything()
    assert {line.rule for line in every.key} == set(rules())
    write_extract(tmp_path / "honest.csv", every.honest)
    write_extract(tmp_path / "back.csv", unplant(every.batches, [one.undo for one in every.key]))
    assert digest(tmp_path / "back.csv") == digest(tmp_path / "honest.csv")


def test_batches_may_cut_a_spell(tmp_path: Path) -> None:
    every = everything()
    table = pa.Table.from_batches(every.batches).unify_dictionaries()
    cut = list(table.to_batches(max_chunksize=31))
    write_extract(tmp_path / "honest.csv", every.honest)
    write_extract(tmp_path / "back.csv", unplant(cut, [one.undo for one in every.key]))
    assert digest(tmp_path / "back.csv") == digest(tmp_path / "honest.csv")


def test_the_money_reconciles(tmp_path: Path) -> None:
    """Billed in the planted file less billed in the honest one is the sum of the changes."""
    made(tmp_path / "honest.csv")
    made(tmp_path / "planted.csv", "--plant", FAULTS, "--near-misses")

    def billed(name: str) -> int:
        with (tmp_path / name).open() as stream:
            cells = (row["billed_total"] for row in csv.DictReader(stream))
            return sum(int(cell.replace(".", "")) for cell in cells if cell)

    key = read_key(tmp_path / "planted.key.csv")
    assert billed("planted.csv") - billed("honest.csv") == sum(line.change_pence for line in key)
    assert all(line.value_pence == 0 for line in key if line.kind == "near_miss")


class TestTheFiles:
    def test_key_and_journal_have_a_line_for_each(self, tmp_path: Path) -> None:
        result = made(tmp_path / "x.csv", "--plant", FAULTS)
        key = (tmp_path / "x.key.csv").read_text("utf-8").splitlines()
        journal = (tmp_path / "x.undo.jsonl").read_text("utf-8").splitlines()
        assert tuple(key[0].split(",")) == COLUMNS
        assert len(key) - 1 == len(journal) == 23
        assert "planted 23 faults worth £" in result.stdout
        assert json.loads(journal[0]).keys() == {"remove", "put"}

    def test_the_key_reads_back(self, tmp_path: Path) -> None:
        every = everything()
        with KeyFiles(tmp_path / "x.key.csv") as files:
            for line in every.key:
                files.write(line)
        assert read_key(tmp_path / "x.key.csv") == every.key
        assert list(read_undo(tmp_path / "x.undo.jsonl")) == [line.undo for line in every.key]

    def test_the_same_seed_gives_the_same_files(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            made(tmp_path / f"{name}.csv", "--plant", FAULTS, "--near-misses")
        for ending in (".csv", ".key.csv", ".undo.jsonl"):
            assert digest(tmp_path / f"a{ending}") == digest(tmp_path / f"b{ending}")

    def test_another_seed_of_planting_leaves_the_people_as_they_were(self, tmp_path: Path) -> None:
        made(tmp_path / "honest.csv")
        made(tmp_path / "x.csv", "--plant", FAULTS, "--plant-seed", "99")
        made(tmp_path / "y.csv", "--plant", FAULTS)
        assert digest(tmp_path / "x.key.csv") != digest(tmp_path / "y.key.csv")
        undone(tmp_path / "x.csv", tmp_path / "x.key.csv", tmp_path / "back.csv")
        assert digest(tmp_path / "back.csv") == digest(tmp_path / "honest.csv")

    def test_the_key_can_lie_elsewhere(self, tmp_path: Path) -> None:
        (tmp_path / "keys").mkdir()
        key = tmp_path / "keys" / "mine.key.csv"
        made(tmp_path / "x.csv", "--plant", "DUP01=1", "--key", str(key))
        assert key.is_file() and undo_path(key).is_file()
        assert not (tmp_path / "x.key.csv").exists()

    def test_a_plan_file(self, tmp_path: Path) -> None:
        plan = tmp_path / "plan.yaml"
        plan.write_text("faults:\n  DUP01: 2\n  PRC01: 1%\nnear_misses: true\n")
        made(tmp_path / "x.csv", "--plan", str(plan))
        assert {line.rule for line in read_key(tmp_path / "x.key.csv")} == {"DUP01", "PRC01"}

    def test_deaths_come_from_the_register(self, tmp_path: Path) -> None:
        text = "--plant=COM03=2"
        assert "COM03 was not planted" in made(tmp_path / "x.csv", text).stdout
        with (tmp_path / "x.csv").open() as stream:
            people = [row["patient_id"] for row in csv.DictReader(stream)]
        deaths = tmp_path / "deaths.csv"
        deaths.write_text(
            "patient_id,death_date\n" + "".join(f"{one},2022-11-02\n" for one in set(people))
        )
        made(tmp_path / "y.csv", text, "--plant-deaths", str(deaths))
        assert len(read_key(tmp_path / "y.key.csv")) == 2

    def test_nothing_is_left_where_it_fails(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError), KeyFiles(tmp_path / "x.key.csv"):
            raise RuntimeError("interrupted")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a"])
    def test_the_name_of_the_key(self, name: str) -> None:
        assert stem(Path(name)) == Path("a")


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--plant", "SPL99=1"], "SPL99"),
            (["--near-misses"], "Nothing is planted"),
            (["--key", "k.csv"], "Nothing is planted"),
            (["--plant", "DUP01=1", "--unbilled"], "billed extract"),
            (["--plant", "DUP01=1", "--plan", "p.yaml"], "both"),
            (["--plan", "p.yaml"], "cannot be read"),
            (["--plant", "DUP01=1", "--key", "no/k.csv"], "does not exist"),
            (["--plant", "COM03=1", "--plant-deaths", "no.csv"], "register"),
        ],
    )
    def test_a_wrong_order_leaves_nothing(
        self, tmp_path: Path, options: list[str], says: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(synth, ["-o", "x.csv", *ORDER, *options])
        assert isinstance(result.exception, TariffError)
        assert says in str(result.exception)
        assert list(tmp_path.iterdir()) == []

    def test_the_key_of_another_extract(self) -> None:
        with pytest.raises(DataError, match="not in the extract"):
            list(unplant(honest_batches(), [Undo(remove=("RXX:S1:1",))]))

    def test_a_cell_that_cannot_be(self) -> None:
        row = honest_batches()[0].slice(0, 1).to_pylist()[0]
        name = f"{row['provider']}:{row['spell_id']}:1"
        with pytest.raises(UsageError, match="admission_date"):
            list(unplant(honest_batches(), [Undo(put=((name, "admission_date", "soon"),))]))

    @pytest.mark.parametrize("text", ["{}", "[1]", "not json", '{"remove":[],"put":[1]}'])
    def test_a_spoilt_journal_names_the_line(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "x.undo.jsonl"
        path.write_text('{"remove":[],"put":[]}\n' + text + "\n")
        with pytest.raises(UsageError, match=r"undo\.jsonl:2"):
            list(read_undo(path))

    @pytest.mark.parametrize(
        "line",
        ["fault,DUP01,copy,R1H,spell:R1H:S1,x,0,,how", "fautl,DUP01,copy,R1H,a,1,0,,how", "a"],
    )
    def test_a_spoilt_key_names_the_line(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "x.key.csv"
        path.write_text(",".join(COLUMNS) + "\n" + line + "\n")
        with pytest.raises(UsageError, match=r"key\.csv:2"):
            read_key(path)

    def test_files_that_are_no_keys(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b\n1,2\n")
        with pytest.raises(UsageError, match="not a key"):
            read_key(tmp_path / "x.csv")
        with pytest.raises(UsageError, match="cannot be read"):
            read_key(tmp_path / "none.csv")

    def test_an_extract_of_another_kind(self, tmp_path: Path) -> None:
        made(tmp_path / "x.csv", "--plant", "DUP01=1")
        (tmp_path / "other.csv").write_text("a,b\n1,2\n")
        result = undone(tmp_path / "other.csv", tmp_path / "x.key.csv", tmp_path / "back.csv")
        assert isinstance(result.exception, DataError)
        assert not (tmp_path / "back.csv").exists()

    def test_the_planted_extract_is_not_overwritten(self, tmp_path: Path) -> None:
        made(tmp_path / "x.csv", "--plant", "DUP01=1")
        result = undone(tmp_path / "x.csv", tmp_path / "x.key.csv", tmp_path / "x.csv")
        assert isinstance(result.exception, UsageError)


class TestRowGroups:
    def test_the_batches_do_not_show(self) -> None:
        table = pa.Table.from_batches(honest_batches()).slice(0, 5_000)
        small = list(table.to_batches(max_chunksize=321))
        first = list(settled(table.to_batches(), rows=1_000))
        second = list(settled(small, rows=1_000))
        assert [batch.num_rows for batch in first] == [1_000] * 5
        for one, two in zip(first, second, strict=True):
            assert one.equals(two)
            for name in ("spell_id", "diag_05", "consultant"):
                assert one[name].dictionary.equals(two[name].dictionary)
        assert pa.Table.from_batches(first).to_pylist() == table.to_pylist()

    def test_nothing_gives_nothing(self) -> None:
        assert list(settled([])) == []

    def test_a_column_of_blanks(self) -> None:
        empty = pa.array([None, None], pa.dictionary(pa.int32(), pa.string()))
        batch = pa.RecordBatch.from_arrays([empty], names=["a"])
        assert next(iter(settled([batch]))).to_pylist() == [{"a": None}, {"a": None}]
