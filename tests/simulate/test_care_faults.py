"""Faults in every dataset of a year: what is planted, what the key says, what stays honest."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariff.cli.main import run
from tariff.extract.registers import read_registers
from tariff.simulate.faults import FAULT, NEAR_MISS, Planted, care_planters, care_rules, planters
from tariff.simulate.faults.care_model import RECORDS
from tariff.simulate.faults.key import read_key

SEED, EPISODES, EACH = "5", "4000", 3
RARE = {"UNB17", "COM03"}  # few people die in so small a year


@dataclass
class Folder:
    """A planted year, the honest one, and the key."""

    planted: Path
    honest: Path
    key: list[Planted]

    def table(self, name: str) -> pa.Table:
        return pq.read_table(self.planted / f"{name}.parquet")

    def honest_table(self, name: str) -> pa.Table:
        return pq.read_table(self.honest / f"{name}.parquet")


def synth(folder: Path, *more: str) -> Path:
    words = ["data", "synth", "-o", str(folder), "--episodes", EPISODES, "--seed", SEED]
    with contextlib.redirect_stdout(io.StringIO()):
        assert run([*words, "--datasets", "all", *more]) == 0
    return folder


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tmp_path_factory.mktemp("year")
    order = ",".join(f"{rule}={EACH * _share(rule)}" for rule in care_rules())
    planted = synth(folder / "planted", "--plant", order, "--near-misses")
    return Folder(planted, synth(folder / "honest"), read_key(folder / "planted.key.csv"))


def _share(rule: str) -> int:
    """Rules of admitted care too share a number out."""
    return 3 if planters(FAULT, rule) else 1


def records(table: pa.Table, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    kind, column = RECORDS[name]
    for row in table.to_pylist():
        yield f"{kind}:{row['provider']}:{row[column]}", row


def billed(folder: Path) -> Decimal:
    total = Decimal(0)
    for name in RECORDS:
        table = pq.read_table(folder / f"{name}.parquet")
        if "billed_total" in table.column_names:
            total += sum((one for one in table["billed_total"].to_pylist() if one), Decimal(0))
    return total


@pytest.mark.parametrize("rule", care_rules())
def test_every_rule_is_planted(year: Folder, rule: str) -> None:
    faults = [line for line in year.key if line.rule == rule and line.kind == FAULT]
    assert faults or rule in RARE
    assert all(line.records and line.how for line in faults)


def test_the_key_adds_up_to_what_is_billed_otherwise(year: Folder) -> None:
    change = sum(line.change_pence for line in year.key)
    assert (billed(year.planted) - billed(year.honest)) * 100 == change


def test_near_misses_are_worth_nothing(year: Folder) -> None:
    assert all(line.value_pence == 0 for line in year.key if line.kind == NEAR_MISS)


def test_every_record_of_the_key_is_there_and_numbers_are_single(year: Folder) -> None:
    named = {record for line in year.key for record in line.records}
    for name in RECORDS:
        found = [key for key, _ in records(year.table(name), name)]
        wanted = {key for key in named if key.startswith(f"{RECORDS[name][0]}:")}
        for snapshot in ("national", "earlier"):
            path = year.planted / snapshot / f"{name}.parquet"
            if path.exists():  # what is not billed stands there alone
                found += [key for key, _ in records(pq.read_table(path), name)]
        assert wanted <= set(found), name
        if name != "episodes":
            own = Counter(key for key, _ in records(year.table(name), name))
            assert max(own.values()) == 1, name


def test_what_the_key_does_not_name_is_as_it_was(year: Folder) -> None:
    named = {record for line in year.key for record in line.records}
    for name in RECORDS:
        honest = dict(records(year.honest_table(name), name))
        planted = dict(records(year.table(name), name))
        for key in honest.keys() - named:
            assert planted.get(key) == honest[key], key
        assert planted.keys() - honest.keys() <= named


def test_a_patient_has_one_fault(year: Folder) -> None:
    patients: Counter[str] = Counter()
    of = {
        key: row["patient_id"]
        for name in RECORDS
        for key, row in records(year.honest_table(name), name)
    }
    for line in year.key:
        patients.update({of[record] for record in line.records if of.get(record)})
    assert set(patients.values()) == {1}


def test_registers_can_be_read_and_hold_the_honest_year(year: Folder) -> None:
    folder = year.planted / "registers"
    paths = [(path.stem, path) for path in sorted(folder.glob("*.csv"))]
    assert {"practices", "services", "specialised", "challenges"} <= {name for name, _ in paths}
    read_registers(paths)  # refuses what overlaps, or has another form
    text = (folder / "practices.csv").read_text("utf-8")
    practices = {tuple(line.split(",")[:2]) for line in text.splitlines()[1:]}
    honest = year.honest_table("attendances")
    pairs = zip(honest["gp_practice"].to_pylist(), honest["commissioner"].to_pylist(), strict=True)
    assert {pair for pair in pairs if None not in pair} <= practices


def test_the_national_record_is_the_bill_but_for_its_faults(year: Folder) -> None:
    bill = dict(records(year.table("attendances"), "attendances"))
    path = year.planted / "national" / "attendances.parquet"
    national = dict(records(pq.read_table(path), "attendances"))
    named = {
        rule: {r for line in year.key if line.rule == rule and line.kind == FAULT
               for r in line.records if r.startswith("attendance:")}
        for rule in ("REC01", "REC02")
    }  # fmt: skip
    assert bill.keys() - national.keys() == named["REC01"]
    assert national.keys() - bill.keys() == named["REC02"]
    assert all(bill[key] == national[key] for key in bill.keys() & national.keys())


def test_the_same_order_gives_the_same_files(year: Folder, tmp_path: Path) -> None:
    order = ["--plant", "OPA09=4,COM01=4,REC01=4", "--near-misses"]
    first, second = synth(tmp_path / "a", *order), synth(tmp_path / "b", *order)
    for path in sorted(first.rglob("*.*")):
        if path.is_file():
            assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()
    assert (tmp_path / "a.key.csv").read_bytes() == (tmp_path / "b.key.csv").read_bytes()


def test_what_needs_other_datasets_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "data",
        "synth",
        "-o",
        str(tmp_path / "x.csv"),
        "--episodes",
        "300",
        "--plant",
        "OPA09=4",
    ]
    assert run(words) == 0
    assert "OPA09 was not planted: it is planted in other datasets" in capsys.readouterr().out


def test_planters_are_named_once() -> None:
    for kind in (FAULT, NEAR_MISS):
        for rule in care_rules(kind):
            ways = [way.way for way in care_planters(kind, rule)]
            assert len(set(ways)) == len(ways)


def test_the_page_lists_every_fault() -> None:
    page = Path(__file__).parents[2].joinpath("docs/planted-faults.md").read_text("utf-8")
    for rule in care_rules():
        cells = [
            "; ".join(dict.fromkeys(way.says for way in care_planters(kind, rule)))
            for kind in (FAULT, NEAR_MISS)
        ]
        assert f"| {rule} | {cells[0]} | {cells[1]} |" in page


def test_days_of_the_schedule_are_single(year: Folder) -> None:
    text = (year.planted / "registers" / "services.csv").read_text("utf-8").splitlines()
    names = text[0].split(",")
    for line in text[1:]:
        row = dict(zip(names, line.split(","), strict=True))
        if row["basis"] not in ("tariff", "local"):
            assert date.fromisoformat(row["valid_from"]) == date.fromisoformat(row["valid_to"])
