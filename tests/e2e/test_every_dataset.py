"""One check of every dataset, with registers, history and files of the same activity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import tariff as library
from tests.e2e.command import QUICK, left, ran, refused, tariff, text_file

CARE = ("episodes", "attendances", "emergency", "critical_care", "lines")
KINDS = ("spells", *CARE[1:])
REGISTERS = ("deaths", "registrations", "approvals")


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artificial year of a few hundred episodes."""
    folder = tmp_path_factory.mktemp("year")
    ran(tariff("data", "synth", "-o", folder, "--datasets", "all", "--episodes", "400"))
    return folder


def beside(year: Path) -> list[object]:
    return [
        part
        for name in REGISTERS
        for part in ("--register", f"{name}={year / 'registers' / f'{name}.csv'}")
    ]


@pytest.fixture(scope="module")
def done(year: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a check of all of it against itself with one record less of each kind."""
    out = tmp_path_factory.mktemp("out") / "run"
    fewer = out.parent
    given: list[object] = []
    for name in CARE:
        table = pq.read_table(year / f"{name}.parquet")
        pq.write_table(table.slice(1), fewer / f"{name}.parquet")
        given += ["--against", f"national={fewer / f'{name}.parquet'}"]
    result = tariff("check", *sorted(year.glob("*.parquet")), "-o", out, *beside(year), *given)
    assert "Critical care" in ran(result).stdout
    assert "with the national record" in result.stdout
    return out


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return found


def test_counts_and_money_of_each_kind_reconcile(year: Path, done: Path) -> None:
    told = manifest(done)
    assert tuple(told["kinds"]) == KINDS
    for kind, line in told["kinds"].items():
        name = "episodes" if kind == "spells" else kind
        rows = pq.read_table(year / f"{name}.parquet")
        assert line["rows_read"] == rows.num_rows
        if kind != "spells":
            assert line["rows_read"] - line["rows_rejected"] == line["records"] + line["copies"]
        table = pq.read_table(done / f"{kind}.parquet")
        assert table.num_rows == line["records"]
        billed = pc.sum(table["billed_pence"]).as_py() or 0
        assert line["billed"] == billed + line["billed_in_copies"]
        assert line["billed"] - line["settled"] == line["allowed"]
    for name in ("billed", "settled", "allowed", "billed_in_copies", "billed_in_rejects"):
        assert told["money"][name] == sum(line[name] for line in told["kinds"].values())
    findings = pq.read_table(done / "findings.parquet")
    settled = pc.sum(findings["settled_pence"]).as_py() or 0
    assert settled == told["money"]["settled"] + told["money"]["settled_beside"]


def test_what_was_matched_against_is_told_with_its_hash_and_its_rate(done: Path) -> None:
    told = manifest(done)
    assert [line["register"] for line in told["registers"]] == sorted(
        REGISTERS, key=["registrations", "deaths", "approvals"].index
    )
    assert {line["dataset"] for line in told["against"]["national"]} == set(CARE)
    assert all(line["sha256"] for line in [*told["inputs"], *told["registers"]])
    for line in told["reconcile"]:
        assert line["here"] == line["matched"] + line["only_here"]
        assert line["there"] == line["matched"] + line["only_there"]
        assert line["only_there"] == 0 and line["only_here"] <= 1
        assert line["rate"] == round(line["matched"] / line["here"], 4)


def test_other_care_is_checked_without_admitted_care(year: Path, tmp_path: Path) -> None:
    files = [year / "attendances.parquet", year / "lines.parquet"]
    result = ran(tariff("check", *files, "-o", tmp_path / "out"))
    assert "Covers" not in result.stdout
    told = manifest(tmp_path / "out")
    assert list(told["kinds"]) == ["attendances", "lines"]
    assert {"attendances.parquet", "lines.parquet"} <= left(tmp_path / "out")
    assert "emergency.parquet" not in left(tmp_path / "out")
    spells = [rule for rule in told["rules"] if list(rule["needs"]) == ["spells"]]
    assert spells and not any(rule["ran"] for rule in spells)


def test_history_without_a_contract_is_matched_and_never_challenged(
    year: Path, tmp_path: Path
) -> None:
    """A stay billed again a month later, under another number: the earlier one was paid."""
    episodes = pq.read_table(year / "episodes.parquet")
    again = episodes.to_pylist()
    for row in again:
        row["spell_id"] = f"H{row['spell_id']}"
    before = pa.Table.from_pylist(again, episodes.schema)
    run = library.check(episodes, history=before, select=("DUP02",))
    assert run.manifest["history"][0]["dataset"] == "episodes"
    assert run.findings.num_rows > 0
    rows = run.findings.to_pylist()
    billed = {
        f"spell:{row['provider']}:{row['spell_id']}": row["billed_pence"] or 0
        for row in run.spells.to_pylist()
    }
    for row in rows:
        ours = [record for record in row["records"] if record in billed]
        assert ours
        assert (row["billed_pence"] or 0) <= sum(billed[record] for record in ours)
    assert run.manifest["money"]["settled_beside"] == 0
    alone = library.check(episodes, select=("DUP02",))
    assert alone.findings.num_rows == 0
    same = library.check(episodes, history=episodes.slice(0), select=("DUP02",))
    assert same.findings.num_rows == 0  # the same records of the same month are not earlier ones
    assert any("left out" in notice for notice in same.manifest["notices"])


def test_python_takes_the_same(year: Path, done: Path) -> None:
    """Mappings of files and of tables find what the command finds."""
    run = library.check(
        {
            name: year / f"{name}.parquet"
            if name == "lines"
            else pq.read_table(year / f"{name}.parquet")
            for name in CARE
        },
        registers={name: year / "registers" / f"{name}.csv" for name in REGISTERS},
        periods=year / "periods.parquet",
        against={"national": [done.parent / f"{name}.parquet" for name in CARE]},
    )
    assert run.manifest["kinds"] == manifest(done)["kinds"]
    assert run.others["attendances"].equals(pq.read_table(done / "attendances.parquet"))


DEATHS = "patient_id,death_date\n"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--register", "deaths"], 2, ["NAME=FILE", "registrations"]),
        (["--register", "death={deaths}"], 2, ["there is no 'death'"]),
        (["--register", "deaths={bad}"], 4, ["bad.csv:3: column 'death_date'"]),
        (["--against", "later={year}/lines.parquet"], 2, ["there is no 'later'", "national"]),
        (["--against", "earlier={year}/lines.parquet"], 2, ["is given as the extract and as the"]),
        (["--against", "earlier={other}"], 4, ["other.csv:1: column 'activity_month'", "1999-04"]),
        (["--history", "{deaths}"], 2, ["--register deaths="]),
        (["{year}/lines.parquet"], 2, ["given twice"]),
        (["--register", "deaths={deaths}", "--register", "deaths={deaths}"], 2, ["given twice"]),
    ],
)
def test_what_is_wrong_with_the_files_beside_is_told(
    year: Path, tmp_path: Path, options: list[str], code: int, words: list[str]
) -> None:
    places = {
        "year": year,
        "deaths": text_file(tmp_path / "deaths.csv", f"{DEATHS}A1,2022-05-01\n"),
        "bad": text_file(tmp_path / "bad.csv", f"{DEATHS}A1,2022-05-01\nA2,yesterday\n"),
        "other": text_file(
            tmp_path / "other.csv",
            "provider,line_id,start_date,activity_month\nRXX,1,1999-04-01,1999-04\n",
        ),
    }
    given = [option.format(**places) for option in options]
    result = tariff("check", year / "lines.parquet", "-o", tmp_path / "out", *QUICK, *given)
    refused(result, code, *words)
    assert not (tmp_path / "out").exists()
