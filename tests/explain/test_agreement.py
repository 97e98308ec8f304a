"""What is told always comes to what the engine says; where it does not, nothing is told."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from tariff.engine.pipeline import read_frame, run_stages
from tariff.engine.price import MffChoice
from tariff.engine.run import Options, Run, check
from tariff.engine.tables import episodes_table, spells_table
from tariff.explain import grouped
from tariff.explain import regroup as regroup_module
from tariff.explain import reprice as reprice_module
from tariff.explain import trace as trace_module
from tariff.explain.counts import Counted
from tariff.explain.drivers import Candidate
from tariff.explain.fewer import one_code_fewer
from tariff.explain.injured import Injured
from tariff.explain.page import Page, plain
from tariff.explain.redirects import Move
from tariff.explain.rows import batch_of, row_of
from tariff.explain.spell import spell_page
from tariff.explain.trace import Books, trace, trace_at
from tariff.extract import from_arrow
from tariff.packs.compile import Rulebook
from tariff.reference.group import Injury
from tariff.reference.tables import RootRow
from tariff.simulate import synthesise
from tests.differential.compare import batch_of as from_rows
from tests.differential.strategies import SLOW, all_hrgs, random_fields, random_packs, random_rows

from .conftest import run as run_command
from .conftest import write

FIELDS_SPOILT = ("sex", "admission_method", "patient_classification", "discharge_destination",
                 "admission_source", "treatment_function")  # fmt: skip


def spoilt(rows: list[dict[str, Any]], rulebook: Rulebook, seed: int) -> list[dict[str, Any]]:
    """Artificial episodes with anything at all in the fields that matter, often nothing amiss."""
    chance = random.Random(seed)
    grouper = rulebook.groupers[-1]
    diagnoses = sorted(grouper.icd10.codes)
    procedures = sorted(grouper.opcs4.codes)
    providers = ["R1H", "RYJ", "ZZZ", "RHQ"]
    shift = {}
    for row in rows:
        key = row["spell_id"]
        if key not in shift:
            years = chance.choice([-5, -4, 0, 0, 2, 3])
            shift[key] = (
                timedelta(days=365 * years),
                chance.choice([0, 0, 0, 1, 40]),
                chance.choice(providers),
            )
        back, longer, provider = shift[key]
        row["provider"] = provider
        for name in ("admission_date", "discharge_date", "episode_start_date", "episode_end_date"):
            if row[name] is not None:
                row[name] += back
        if row["discharge_date"] is not None:
            row["discharge_date"] += timedelta(days=longer)
        for position in range(1, 6):
            if chance.random() < 0.25:
                row[f"diag_{position:02}"] = chance.choice(diagnoses)
            if chance.random() < 0.12:
                row[f"oper_{position:02}"] = chance.choice(procedures)
        if chance.random() < 0.06:
            row[f"diag_{chance.randint(1, 4):02}"] = chance.choice(["QQQ", "W191", "P073", None])
        if chance.random() < 0.06:
            row[chance.choice(FIELDS_SPOILT)] = chance.choice([None, "99", "7", "2", "81"])
        if chance.random() < 0.15:
            row["age"] = chance.choice([0, 3, 18, 19, 45, 101, 140, 999, None])
        if chance.random() < 0.1:
            row["episode_duration"] = chance.choice([None, 0, 1, 90])
        if chance.random() < 0.15:
            row[chance.choice(["critical_care_days", "rehabilitation_days"])] = chance.choice(
                [1, 4]
            )
        if chance.random() < 0.1:
            row["discharge_date"] = None
        if chance.random() < 0.2:
            row["billed_hrg"] = chance.choice([*rulebook.hrgs[::50], "XX99Z", None])
    return rows


def artificial(rulebook: Rulebook, seed: int, episodes: int) -> pa.RecordBatch:
    """A batch of artificial episodes as the reader makes them, spoilt."""
    table = pa.Table.from_batches(list(synthesise(episodes, seed)))
    frame_rows = table.to_pylist()
    for row in frame_rows:
        for name, value in row.items():
            if name in ("billed_price", "billed_total"):
                row[name] = None if value is None else str(value)
    return spoilt(frame_rows, rulebook, seed)


@pytest.mark.parametrize(
    ("seed", "options"),
    [
        (11, Options()),
        (12, Options(year="2022/23", price_at="grouped")),
        (13, Options(year="2018/19", mff=MffChoice(1_050_000_000))),
        (14, Options(year="2024/25", mff=MffChoice(None, "2022/23"))),
    ],
)
def test_narrative_and_engine_agree_on_artificial_spells(
    rulebook: Rulebook, books: Books, seed: int, options: Options
) -> None:
    rows = artificial(rulebook, seed, 100)
    extract = from_arrow(pa.Table.from_pylist(rows))
    run = check(extract, options, rulebook=rulebook, keep=True)
    told = {"grouped": 0, "error": 0, "unmapped": 0, "priced": 0}
    for spell in run.spells.to_pylist():
        one = trace(run, options, f"spell:{spell['provider']}:{spell['spell_id']}", books)
        assert len(one.validity) == spell["episodes"]  # compared with the engine as it is made
        story = one.regrouped
        told["priced"] += one.repriced.total is not None
        if story is None:
            assert spell["error_category"]
            told["error"] += 1
        else:
            told["grouped" if story.hrg else "unmapped"] += 1
    assert run.spells.num_rows >= 75
    assert all(count > 0 for count in told.values()), told


@pytest.mark.parametrize("seed", range(400 if SLOW else 12))
def test_narrative_and_engine_agree_under_random_packs(seed: int) -> None:
    """Every rule of grouping collides with every other: what is told is what the engine says."""
    rng = random.Random(seed)
    packs = random_packs(rng)
    fields = random_fields(rng) | {"diag_01"}
    rulebook = Rulebook(packs)
    options = Options(year=rng.choice([None, "2018/19", "2022/23"]), rules=False)
    rows = random_rows(rng, fields, all_hrgs(packs), 60)
    frame = read_frame([from_rows(rows, fields)], fields)
    columns = run_stages(rulebook, frame, options.stages()).columns
    nothing = pa.table({})
    run = Run(
        spells_table(columns), nothing, nothing, {}, episodes_table(columns), columns
    )  # without findings
    books = Books(rulebook)
    for number, spell in enumerate(run.spells.to_pylist()):
        one = trace_at(run, options, number, books)
        assert len(one.validity) == len(one.unbundled) == spell["episodes"]
        assert (one.regrouped is None) == bool(spell["error_category"])
        assert one.repriced.total == spell["total_pence"]
        if number % 10 == 0:
            page = Page("spell")
            grouped.tell(page, one)
            assert max(map(len, plain(page).splitlines())) <= 100


def test_pages_of_artificial_spells_fit(rulebook: Rulebook, books: Books) -> None:
    options = Options()
    extract = from_arrow(pa.Table.from_pylist(artificial(rulebook, 15, 40)))
    run = check(extract, options, rulebook=rulebook, keep=True)
    for spell in run.spells.to_pylist()[:20]:
        word = f"spell:{spell['provider']}:{spell['spell_id']}"
        page = plain(spell_page(run, options, word, books))
        assert max(map(len, page.splitlines())) <= 100


def test_rows_go_back_to_the_engine_unchanged(rulebook: Rulebook) -> None:
    extract = from_arrow(pa.Table.from_pylist(artificial(rulebook, 16, 40)))
    run = check(extract, Options(), rulebook=rulebook, keep=True)
    assert run.columns is not None
    frame = run.columns.frame
    rows = [row_of(frame, row) for row in range(frame.rows)]
    again = read_frame([batch_of(rows, frame.fields)], frame.fields)
    assert [row_of(again, row) for row in range(again.rows)] == rows


def test_one_code_fewer_is_what_the_engine_says_of_the_record_without_it(
    rulebook: Rulebook, tmp_path: Any
) -> None:
    from tariff.extract import open_extract

    def engine(**codes: str) -> dict[str, Any]:
        path = write(tmp_path / "one.csv", [codes])
        run = check(open_extract([path]), Options(), rulebook=rulebook, keep=True)
        found: dict[str, Any] = run.spells.to_pylist()[0]
        return found

    path = write(tmp_path / "all.csv", [{"diag_02": "I500", "diag_03": "E871", "oper_01": "U212"}])
    run = check(open_extract([path]), Options(), rulebook=rulebook, keep=True)
    as_is, *fewer = one_code_fewer(trace(run, Options(), "S1"))
    assert as_is.hrg == run.spells["hrg"][0].as_py()
    found = {outcome.code: (outcome.hrg, outcome.total) for outcome in fewer}
    for code, codes in {
        "I500": {"diag_02": "E871", "oper_01": "U212"},
        "E871": {"diag_02": "I500", "oper_01": "U212"},
        "U212": {"diag_02": "I500", "diag_03": "E871"},
    }.items():
        spell = engine(**codes)
        assert found[code] == (spell["hrg"], spell["total_pence"])


# ---------------------------------------------------------------- a story that differs


def _explain(tmp_path: Any) -> int:
    return run_command(["explain", "S1", str(write(tmp_path / "extract.csv", [{}]))])


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (regroup_module, "scores"),
        (regroup_module, "choose"),
        (regroup_module, "moves"),
        (regroup_module, "injured"),
        (trace_module, "unbundled_from"),
        (reprice_module, "base_price"),
        (reprice_module, "rounded_total"),
    ],
)
def test_a_story_that_differs_is_our_mistake(
    module: Any,
    name: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _explain(tmp_path) == 0
    capsys.readouterr()
    right = getattr(module, name)
    another = {
        "scores": [Counted(1, "I500", 3, "")],
        "choose": Candidate("D", 9, 1, "J181", "J18", RootRow("DZ11", "", 1)),
        "moves": [Move(0, "DZ11", "EB03")],
        "injured": Injured(Injury("M", "J181", 0, ("VA10",), 0, 0), [], []),
        "unbundled_from": [("", "SD01A")],
    }

    def wrong(*arguments: Any, **named: Any) -> Any:
        result = right(*arguments, **named)
        if isinstance(result, int):
            return result + 1
        return another[name]

    monkeypatch.setattr(module, name, wrong)
    assert _explain(tmp_path) == 5
    printed = capsys.readouterr()
    assert not printed.out
    assert "mistake in tariff" in printed.err
    assert "SECRET77" not in printed.err


def test_validation_that_differs_is_our_mistake(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tariff.explain.validity import Validity

    monkeypatch.setattr(trace_module, "validate", lambda *_: [Validity(category="field")])
    assert _explain(tmp_path) == 5
    assert "AssertionError" in capsys.readouterr().err
