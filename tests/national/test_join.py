"""The national grouper's own answer stands before the engine's: `--grouped`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tariff as package
from tariff.engine.run import Run
from tariff.errors import DataError
from tests.e2e.command import ran, refused, tariff, write_rows
from tests.engine.extracts import (
    DZ11T,
    MFF,
    Row,
    as_csv,
    bill,
    one,
    run,
    spell,
    stay,
    table_of,
)
from tests.national.outputs import NAME, edited, grouped, official, two_episodes, written

# an emergency stay with pneumonia that the engine groups to DZ11V; a knee of two episodes
ROWS = [stay(spell_id=n, patient_id=f"P{n}", episode_duration="7") for n in "ABCDEFGH"]
KNEE = list(two_episodes(spell_id="K", patient_id="PK"))
UNBILLED_HRG = {"billed_price": "4000.00", "billed_mff": MFF, "billed_total": "4684.52"}


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The files that the national grouper is taken to have written, to be changed by a test."""
    return written(grouped(*ROWS, *KNEE), tmp_path / "theirs")


def with_answer(theirs: Path, *rows: Row, kind: str = "FCE", **options: object) -> Run:
    """Rows checked with the answer."""
    name = "grouped" if kind == "FCE" else "grouped_spells"
    return run(*rows, **{name: theirs / f"{NAME}_{kind}.csv"}, **options)


def test_their_hrg_stands_before_ours_and_is_official(theirs: Path) -> None:
    official(theirs, {"A": "DZ22Q", "B": "DZ11T"})
    done = with_answer(theirs, *ROWS, *KNEE, keep=True)
    record = spell(done, "A")
    assert (record["hrg"], record["hrg_provenance"]) == ("DZ22Q", "official")
    assert record["grouper"] == "national-grouper"
    assert (record["grouping_flag"], record["dominant_code"]) == ("D", "J181")
    assert record["cc_score"] is None
    assert record["priced_hrg"] == "DZ22Q"
    # 3,101 in 2022/23 x 1.171131
    assert spell(done, "B")["total_pence"] == 363168
    episodes = {row["spell_id"]: row for row in done.episodes.to_pylist()}
    assert episodes["A"]["hrg"] == "DZ22Q"
    assert done.manifest["counts"]["spells_official"] == 9
    assert "is used for 9 of 9 spells and 10 of 10 episodes" in done.manifest["notices"][0]


def test_a_dominant_procedure_and_episode_are_theirs(theirs: Path) -> None:
    changes = {"SpellReportFlag": "0", "SpellDominantProcedure": "W38.1", "SpellHRG": "HN22E"}
    edited(theirs / f"{NAME}_FCE.csv", ("K", changes))
    path = theirs / f"{NAME}_FCE.csv"
    lines = path.read_bytes().split(b"\r\n")
    at = lines[0].split(b",").index(b"SpellReportFlag")
    first = next(i for i, line in enumerate(lines) if line.startswith(b"R1H,K,1,"))
    cells = lines[first].split(b",")
    cells[at] = b"1"
    lines[first] = b",".join(cells)
    path.write_bytes(b"\r\n".join(lines))
    record = spell(with_answer(theirs, *ROWS, *KNEE), "K")
    assert (record["grouping_flag"], record["dominant_code"]) == ("P", "W381")
    assert record["dominant_episode"] == 1
    assert record["primary_diagnosis"] == "J181"


def test_the_billed_hrg_is_still_the_one_priced(theirs: Path) -> None:
    official(theirs, {"A": "DZ22Q"})
    record = spell(with_answer(theirs, stay(**DZ11T), *ROWS[1:]), "A")
    assert (record["hrg"], record["priced_hrg"]) == ("DZ22Q", "DZ11T")


def test_a_claim_on_their_hrg_is_no_longer_a_question(theirs: Path) -> None:
    rows = [stay(**UNBILLED_HRG), *ROWS[1:]]
    ours = one(run(*rows), "PRC01")
    assert (ours["remedy"], ours["value_pence"]) == ("query", None)
    assert ours["provenance"] == "reconstructed"
    official(theirs, {"A": "DZ11T"})
    done = one(with_answer(theirs, *rows), "PRC01")
    assert done["value_pence"] == 468452 - 363168
    assert done["provenance"] == "published"


def test_merged_spells_stay_reconstructed(theirs: Path) -> None:
    later = {"admission_date": "2022-05-08", "discharge_date": "2022-05-14"}
    second = stay(spell_id="B", **later, **bill("DZ11U", "2538.00"))
    rows = [stay(**DZ11T), second, *ROWS[2:]]
    done = with_answer(theirs, *rows, select=("SPL01",))
    assert "by the engine's reconstructed tables" in one(done, "SPL01")["note"]


def test_what_they_could_not_group_is_in_error(theirs: Path) -> None:
    official(theirs, {"A": "UZ01Z"})
    done = with_answer(theirs, *ROWS, *KNEE, keep=True)
    record = spell(done, "A")
    assert (record["hrg"], record["error_category"]) == ("UZ01Z", "national")
    assert record["dominant_code"] is None
    assert record["dominant_episode"] is None
    assert done.manifest["counts"]["spells_in_error"] == 1
    assert done.manifest["errors_by_category"] == {"national": 1}


def test_what_they_grouped_is_not_in_error(theirs: Path) -> None:
    rows = [stay(sex="7", spell_id="A", episode_duration="7"), *ROWS[1:]]
    assert spell(run(*rows), "A")["error_category"] == "field"
    done = with_answer(theirs, *rows, keep=True)
    assert spell(done, "A")["error_category"] is None
    assert done.manifest["counts"]["episodes_in_error"] == 0
    assert {row["errors"] for row in done.episodes.to_pylist()} == {None}


def test_an_hrg_that_no_pack_has_is_shown_and_not_priced(theirs: Path) -> None:
    official(theirs, {"A": "QQ01Z"})
    done = with_answer(theirs, *ROWS)
    record = spell(done, "A")
    assert (record["hrg"], record["priced_hrg"]) == ("QQ01Z", "QQ01Z")
    assert record["total_pence"] is None
    assert any("does not have: 1. " in notice for notice in done.manifest["notices"])


def test_spells_that_are_not_there_keep_ours_and_are_counted(theirs: Path) -> None:
    new = [stay(spell_id=f"N{n}", episode_duration="7") for n in range(3)]
    done = with_answer(theirs, *ROWS, *new)
    assert spell(done, "N0")["hrg_provenance"] == "reconstructed"
    assert spell(done, "A")["hrg_provenance"] == "official"
    assert any("not in the national grouper's answer: 3." in n for n in done.manifest["notices"])


def test_a_spell_that_has_changed_since_keeps_ours(theirs: Path) -> None:
    done = with_answer(theirs, *ROWS, KNEE[0])
    assert spell(done, "K")["hrg_provenance"] == "reconstructed"
    assert any("another number of episodes" in n for n in done.manifest["notices"])


def test_their_file_of_spells_serves_alone_or_before_the_other(theirs: Path) -> None:
    edited(theirs / f"{NAME}_spell.csv", ("A", {"SpellHRG": "DZ22Q"}))
    alone = with_answer(theirs, *ROWS, kind="spell")
    both = with_answer(theirs, *ROWS, grouped_spells=theirs / f"{NAME}_spell.csv")
    assert spell(alone)["hrg"] == spell(both)["hrg"] == "DZ22Q"
    assert alone.manifest["options"]["grouped"] == [f"{NAME}_spell.csv"]


def test_episodes_without_numbers_are_met_by_their_place(theirs: Path) -> None:
    done = with_answer(theirs, *ROWS, *KNEE, without=["episode_order"])
    assert "10 of 10 episodes" in done.manifest["notices"][0]


def test_the_files_are_inputs_of_the_run(theirs: Path) -> None:
    *_, last = with_answer(theirs, *ROWS).manifest["inputs"]
    assert (last["file"], last["layout"]) == (f"{NAME}_FCE.csv", "national-grouper-output")
    assert last["rows"] == 10
    assert len(last["sha256"]) == 64


def test_the_order_of_the_rows_and_threads_change_nothing(theirs: Path) -> None:
    official(theirs, {"A": "DZ22Q", "B": "QQ02Z", "C": "QQ01Z", "D": "UZ01Z"})
    one_way = with_answer(theirs, *ROWS, *KNEE)
    other = with_answer(theirs, *reversed([*ROWS, *KNEE]), threads=2, parts=3)
    assert as_csv(one_way.spells) == as_csv(other.spells)


# ---------------------------------------------------------------- what is refused


def test_a_file_of_another_extract_is_refused_with_the_counts(theirs: Path) -> None:
    rows = [stay(spell_id=f"X{n}") for n in range(6)]
    with pytest.raises(DataError, match=r"only 0 of the 6 spells .* \(of 6 and 9\)"):
        with_answer(theirs, *rows)


def test_spell_numbers_used_again_are_refused(theirs: Path) -> None:
    rows = [{**row, "diag_01": "S720"} for row in ROWS]
    with pytest.raises(DataError, match=r"only 0 of the 8 episodes .* same primary diagnosis"):
        with_answer(theirs, *rows)


def test_the_grouper_of_another_year_is_refused(theirs: Path) -> None:
    # LA08E is a root of 2017-19 only
    official(theirs, dict.fromkeys("ABCDEF", "LA08E"))
    with pytest.raises(DataError, match="6 of 8 HRGs are not in the design of the year"):
        with_answer(theirs, *ROWS)


# ---------------------------------------------------------------- the command


def test_the_command_takes_it(theirs: Path, tmp_path: Path) -> None:
    official(theirs, {"A": "DZ22Q"})
    source = write_rows(tmp_path / "april.csv", [*ROWS, *KNEE], dict.fromkeys([*ROWS[0], *KNEE[1]]))
    fce, spells = (theirs / f"{NAME}_{kind}.csv" for kind in ("FCE", "spell"))
    for command in ("group", "price", "check"):
        out = tmp_path / command
        told = ran(tariff(command, source, "-o", out, "--grouped", fce)).stdout
        assert "is used for 9 of 9 spells" in told
        manifest = json.loads((out / "manifest.json").read_text("utf-8"))
        assert manifest["counts"]["spells_official"] == 9
    assert "official" in (tmp_path / "check" / "report.html").read_text("utf-8")
    both = ("--grouped", fce, "--grouped-spells", spells)
    ran(tariff("group", source, "-o", tmp_path / "both", *both))


def test_the_command_refuses_with_the_right_code(theirs: Path, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "april.csv", ROWS)
    fce, out = theirs / f"{NAME}_FCE.csv", tmp_path / "out"
    refused(tariff("group", source, "-o", out, "--grouped", tmp_path / "no"), 2, "cannot be opened")
    refused(tariff("group", source, "-o", out, "--grouped", source), 4, "are missing: PROCODET")
    same = ("-o", theirs, "--grouped", fce, "--national", NAME)
    refused(tariff("group", source, *same), 2, "would be overwritten")
    assert not out.exists()


def test_it_is_there_from_python_too(theirs: Path) -> None:
    official(theirs, {"A": "DZ22Q"})
    done = package.check(table_of(ROWS), grouped=theirs / f"{NAME}_FCE.csv")
    assert spell(done)["hrg"] == "DZ22Q"
