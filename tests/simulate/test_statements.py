"""Flex and freeze of one month: what is not coded, not right or not entered yet."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from tariff.cli.synth import synth
from tariff.errors import UsageError
from tariff.simulate import stream_statement, synthesise
from tariff.simulate.billing import engine
from tariff.simulate.plan import make_plan
from tariff.simulate.snapshots import Changes, Statement
from tariff.simulate.year import DATASETS

Row = dict[str, Any]
Spells = dict[str, list[Row]]
MONTH = "2022-11"
EPISODES = 3000


def table_of(statement: Statement, episodes: int = EPISODES, seed: int = 4) -> pa.Table:
    plan = make_plan(episodes, seed, month=MONTH)
    return pa.Table.from_batches([chunk["episodes"] for chunk in stream_statement(plan, statement)])


@cache
def spells(statement: Statement) -> Spells:
    found: Spells = {}
    for row in table_of(statement).to_pylist():
        found.setdefault(row["spell_id"], []).append(row)
    return found


def without_statement(spell: list[Row]) -> list[Row]:
    return [{name: cell for name, cell in row.items() if name != "statement"} for row in spell]


def test_freeze_is_the_honest_month() -> None:
    honest = pa.Table.from_batches(list(synthesise(EPISODES, 4, month=MONTH)))
    assert table_of("freeze").to_pylist() == honest.to_pylist()


def test_the_same_seed_gives_the_same_flex() -> None:
    assert table_of("flex", 900).equals(table_of("flex", 900))
    assert not table_of("flex", 900).equals(table_of("flex", 900, seed=5))


def test_flex_says_so() -> None:
    found = Counter(spell[-1]["statement"] for spell in spells("flex").values())
    assert set(found) <= {"flex", None}
    assert found["flex"] > 0.9 * len(spells("flex"))


def test_some_stays_are_not_coded_yet() -> None:
    flex, freeze = spells("flex"), spells("freeze")
    uncoded = [number for number, spell in flex.items() if spell[-1]["billed_hrg"] == "UZ01Z"]
    assert 0.05 < len(uncoded) / len(flex) < 0.2
    late = 0
    for number in uncoded:
        for row in flex[number]:
            assert row["diag_01"] == "R69X"
            assert all(
                row[name] is None
                for name in row
                if name.startswith(("diag_", "oper_")) and name != "diag_01"
            )
        assert flex[number][-1]["billed_total"] == 0
        coded = freeze[number][-1]
        assert coded["billed_hrg"] != "UZ01Z" and coded["billed_total"] > 0
        assert coded["billed_point_of_delivery"] == flex[number][-1]["billed_point_of_delivery"]
        late += coded["discharge_date"].day > 24
    assert late > 0.3 * len(uncoded), "mostly the last days of the month"


def test_some_are_corrected_and_most_are_not() -> None:
    flex, freeze = spells("flex"), spells("freeze")
    kinds: Counter[str] = Counter()
    for number in flex.keys() & freeze.keys():
        if flex[number][-1]["billed_hrg"] == "UZ01Z":
            continue
        before, after = without_statement(flex[number]), without_statement(freeze[number])
        if before == after:
            kinds["same"] += 1
            continue
        names = {n for a, b in zip(before, after, strict=True) for n in a if a[n] != b[n]}
        if "discharge_date" in names:
            kinds["day"] += 1
            assert after[0]["discharge_date"] - before[0]["discharge_date"] == timedelta(days=1)
            last = before[-1]
            assert last["episode_end_date"] == last["discharge_date"]
            length = (last["episode_end_date"] - last["episode_start_date"]).days
            assert length == last["episode_duration"] >= 1
        else:
            kinds["code"] += 1
            assert any(name.startswith("diag_") for name in names)
    assert kinds["same"] > 0.9 * sum(kinds.values())
    assert kinds["code"] > 10 and kinds["day"] >= 1


def test_some_are_deleted_and_some_come_late() -> None:
    flex, freeze = spells("flex"), spells("freeze")
    deleted, late = flex.keys() - freeze.keys(), freeze.keys() - flex.keys()
    assert 0.001 < len(deleted) / len(flex) < 0.02
    assert 0.005 < len(late) / len(freeze) < 0.05
    honest = {row["patient_id"] for spell in freeze.values() for row in spell}
    assert not honest & {flex[number][0]["patient_id"] for number in deleted}


def test_what_flex_says_is_billed_as_it_stands() -> None:
    table = table_of("flex", 900)
    result = {row["spell_id"]: row for row in engine()(table, year="2022/23").to_pylist()}
    billed = 0
    for row in table.to_pylist():
        if row["billed_total"]:
            one = result[row["spell_id"]]
            assert one["hrg"] == row["billed_hrg"]
            assert one["total_pence"] == row["billed_total"] * 100
            billed += 1
    assert billed > 500


def test_other_datasets_have_a_flex_too() -> None:
    plan = make_plan(900, 4, month=MONTH)
    changes = Changes()
    flex = list(stream_statement(plan, "flex", DATASETS, changes=changes))
    freeze = list(stream_statement(plan, "freeze", DATASETS))
    assert changes.uncoded and changes.not_yet
    for name in ("attendances", "emergency", "lines"):
        before = pa.Table.from_batches([chunk[name] for chunk in flex])
        after = pa.Table.from_batches([chunk[name] for chunk in freeze])
        assert 0.9 * after.num_rows < before.num_rows < after.num_rows
        assert "freeze" not in before["statement"].to_pylist()
    stays = {row for chunk in flex for row in chunk["episodes"]["spell_id"].to_pylist()}
    seen = {row for chunk in flex for row in chunk["attendances"]["attendance_id"].to_pylist()}
    for chunk in flex:
        for row in chunk["lines"].to_pylist():
            assert row["spell_id"] is None or row["spell_id"] in stays
            assert row["attendance_id"] is None or row["attendance_id"] in seen
        for name in ("critical_care", "periods"):
            assert set(chunk[name]["spell_id"].to_pylist()) <= stays


def test_flex_is_of_a_month() -> None:
    with pytest.raises(UsageError, match="one month"):
        list(stream_statement(make_plan(100, 1), "flex"))


def test_the_command(tmp_path: Path) -> None:
    order = ["--episodes", "300", "--month", MONTH, "--statement"]
    for statement in ("flex", "freeze"):
        path = tmp_path / f"{statement}.csv"
        result = CliRunner().invoke(synth, ["-o", str(path), *order, statement])
        assert result.exit_code == 0, result.output
        assert f",{statement}\n" in path.read_text("ascii")
