"""The national grouper's input, the records that findings need, and its answers to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tariff.engine.counterfactual import Question
from tariff.engine.run import Run
from tariff.errors import DataError, UsageError
from tariff.national.ask import input_files
from tariff.national.keys import COLUMNS, read_keys
from tariff.national.layouts import input_names
from tests.e2e.command import ran, refused, tariff, write_rows
from tests.engine.extracts import DZ11T, KNEE, Row, bill, one, run, stay
from tests.national.outputs import NAME, cells, edited, grouped, official, records, written

LATER = {"admission_date": "2022-05-08", "discharge_date": "2022-05-14"}
# two overlapping stays, which SPL01 merges, and six others; a number each, so that they are found
PAIR = [
    stay(spell_id="A", episode_duration="7", diag_02="I10", **DZ11T),
    stay(spell_id="B", episode_duration="6", sex="1", admission_method="22", **LATER, **DZ11T),
]
OTHERS = [stay(spell_id=n, patient_id=f"P{n}", episode_duration="7") for n in "CDEFGH"]
ROWS = [*PAIR, *OTHERS]


def put(done: Run, folder: Path, asked: list[Question] | None = None) -> Path:
    """The input of a run, in a folder."""
    folder.mkdir(exist_ok=True)
    assert done.columns is not None
    for file, write in input_files(done.columns, "in.csv", asked).items():
        write(folder / file)
    return folder / "in.csv"


def checked(*rows: Row, **options: object) -> Run:
    return run(*rows, select=("SPL01",), **options)


def answered(asked: Path, folder: Path, hrgs: dict[str, str]) -> Path:
    """The FCE file of a grouper for an input; it is ours, but for these HRGs."""
    ran(tariff("group", asked, "-o", folder, "--national", NAME, "--year", "2022/23"))
    official(folder, hrgs)
    return folder / f"{NAME}_FCE.csv"


# ---------------------------------------------------------------- the input


def test_the_input_has_43_columns_without_dots_or_quotes(tmp_path: Path) -> None:
    path = put(grouped(stay(diag_01="J18.1", diag_02="I10", oper_01="W40.1")), tmp_path)
    header, row = cells(path)
    assert header == input_names()
    assert len(row) == 43
    assert row[14:16] == ["J181", "I10X"]
    assert row[28] == "W401"
    assert row[40:] == ["0", "0", "0"]  # no blank at the end


def test_a_definition_goes_with_it(tmp_path: Path) -> None:
    path = put(grouped(stay(**{f"diag_{n:02}": "I10X" for n in range(2, 17)})), tmp_path)
    first, *lines = cells(path.with_suffix(".rdf"))
    assert first == ["COMMA DELIMITED"]
    assert [line[0] for line in lines] == cells(path)[0]
    assert lines[44] == ["SPCDAYS", "SPCDAYS", "45", "", "", "", ""]
    assert not (tmp_path / "in.keys.csv").exists()


def test_it_is_an_extract_that_groups_as_before(tmp_path: Path) -> None:
    days = {"episode_duration": "7"}
    rows = [*ROWS, stay(spell_id="Z", diag_01="N180", **days), stay(spell_id="Y", **KNEE, **days)]
    done = grouped(*rows)
    path = put(done, tmp_path)
    ran(tariff("group", path, "-o", tmp_path / "out", "--national", NAME, "--year", "2022/23"))
    ours = written(done, tmp_path / "ours")
    for kind in ("FCE", "spell", "quality_rel"):
        name = f"{NAME}_{kind}.csv"
        assert (ours / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


# ---------------------------------------------------------------- records that do not exist


def test_merged_spells_are_asked_under_made_up_numbers(tmp_path: Path) -> None:
    done = checked(*ROWS)
    path = put(done, tmp_path, done.asked)
    made_up = [row for row in records(path) if row["PROVSPNO"].startswith("ASK")]
    assert [(row["PROVSPNO"], row["EPIORDER"]) for row in made_up] == [
        ("ASK000001", "1"),
        ("ASK000001", "2"),
    ]
    # what must be the same through a spell is the first one's
    assert {row["ADMIMETH"] for row in made_up} == {"21"}
    assert [row["EPIDUR"] for row in made_up] == ["7", "6"]
    assert cells(path.with_suffix(".keys.csv")) == [
        list(COLUMNS),
        ["R1H", "ASK000001", "", "1", "R1H", "A"],
        ["R1H", "ASK000001", "", "2", "R1H", "B"],
    ]
    assert len(records(path)) == len(ROWS) + 2


def test_a_code_is_left_out_of_every_episode(tmp_path: Path) -> None:
    first = stay(spell_id="A", diag_02="I10", diag_03="E119", oper_01="W401", oper_02="Z941")
    second = {**first, "episode_order": "2", "diag_02": "E119", "diag_03": "I10"}
    done = grouped(first, second)
    path = put(done, tmp_path, [Question((0,), "I10"), Question((0,), "W401")])
    less = [row for row in records(path) if row["PROVSPNO"] == "ASK000001"]
    assert [(row["DIAG_01"], row["DIAG_02"], row["DIAG_03"]) for row in less] == [
        ("J181", "E119", ""),
        ("J181", "E119", ""),
    ]
    other = [row for row in records(path) if row["PROVSPNO"] == "ASK000002"]
    assert {(row["OPER_01"], row["OPER_02"], row["DIAG_02"]) for row in other} == {
        ("Z941", "", "I10X"),
        ("Z941", "", "E119"),
    }
    assert [key.without for key in read_keys(path.with_suffix(".keys.csv")).keys] == ["I10", "W401"]


def test_made_up_numbers_are_no_one_s(tmp_path: Path) -> None:
    done = checked(*ROWS, stay(spell_id="ASK000001", patient_id="PZ"))
    path = put(done, tmp_path, done.asked)
    assert {row["PROVSPNO"] for row in records(path)} >= {"ASK000001", "ASKX000001"}


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    done, other = checked(*ROWS), checked(*reversed(ROWS), threads=2, parts=3)
    path = put(done, tmp_path / "a", done.asked)
    again = put(other, tmp_path / "b", other.asked)
    for suffix in (".csv", ".rdf", ".keys.csv"):
        assert path.with_suffix(suffix).read_bytes() == again.with_suffix(suffix).read_bytes()


# ---------------------------------------------------------------- the answers


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """The input of the extract with its merged stay."""
    done = checked(*ROWS)
    return put(done, tmp_path / "asked", done.asked)


def read_back(fce: Path, asked: Path, *rows: Row) -> Run:
    return checked(*(rows or ROWS), grouped=fce, national_keys=asked.with_suffix(".keys.csv"))


def test_a_merged_stay_is_priced_at_their_hrg(asked: Path, tmp_path: Path) -> None:
    before = one(checked(*ROWS), "SPL01")
    assert "by the engine's reconstructed tables" in before["note"]
    fce = answered(asked, tmp_path / "theirs", {"ASK000001": "DZ11U"})
    done = read_back(fce, asked)
    finding = one(done, "SPL01")
    assert "DZ11U, the HRG of the merged record by official grouping" in finding["note"]
    # DZ11U 2,538 and eleven days, within its trim point: 2,538 x 1.171131 = 2,972.33
    assert finding["allowed_pence"] == 297233
    assert finding["settled_pence"] == 2 * 363168 - 297233
    assert finding["provenance"] == "published"
    assert any("grouped 1 of the 1 merged" in notice for notice in done.manifest["notices"])


@pytest.mark.parametrize("hrg", ["UZ01Z", "", "QQ01Z"])
def test_what_they_did_not_group_stays_ours(hrg: str, asked: Path, tmp_path: Path) -> None:
    fce = answered(asked, tmp_path / "theirs", {"ASK000001": hrg})
    done = read_back(fce, asked)
    assert one(done, "SPL01")["note"] == one(checked(*ROWS), "SPL01")["note"]
    assert any("0 of the 1 merged" in notice for notice in done.manifest["notices"])
    assert any("does not have: 1. They keep" in notice for notice in done.manifest["notices"])


def test_an_answer_to_other_episodes_is_not_used(asked: Path, tmp_path: Path) -> None:
    fce = answered(asked, tmp_path / "theirs", {"ASK000001": "DZ11U"})
    edited(fce, ("ASK000001", {"SpellEpisodeCount": "3"}))
    assert "reconstructed" in one(read_back(fce, asked), "SPL01")["note"]


def test_what_was_not_asked_is_counted(asked: Path, tmp_path: Path) -> None:
    third = stay(spell_id="C", admission_date="2022-05-13", discharge_date="2022-05-20", **DZ11T)
    fce = answered(asked, tmp_path / "theirs", {"ASK000001": "DZ11U"})
    done = read_back(fce, asked, *PAIR, third, *OTHERS[1:])
    assert one(done, "SPL01")["spell_ids"] == ["A", "B", "C"]
    assert "reconstructed" in one(done, "SPL01")["note"]
    assert any("does not have: 1. They keep" in notice for notice in done.manifest["notices"])


def test_a_dearer_part_no_longer_decides(tmp_path: Path) -> None:
    dear = stay(spell_id="B", episode_duration="6", **LATER, **bill("DZ11N", "5000.00"))
    rows = [PAIR[0], dear, *OTHERS]
    done = checked(*rows)
    asked = put(done, tmp_path / "asked", done.asked)
    fce = answered(asked, tmp_path / "theirs", {"ASK000001": "DZ11U"})
    assert one(read_back(fce, asked, *rows), "SPL01")["allowed_pence"] == 297233


def test_keys_need_the_answer_and_are_of_this_extract(asked: Path, tmp_path: Path) -> None:
    keys = asked.with_suffix(".keys.csv")
    with pytest.raises(UsageError, match="what stands in the national grouper's output"):
        checked(*ROWS, national_keys=keys)
    fce = answered(asked, tmp_path / "theirs", {})
    keys.write_bytes(
        keys.read_bytes().replace(b"R1H,A\r\n", b"R1H,X\r\n").replace(b",B\r", b",Y\r")
    )
    with pytest.raises(DataError, match="only 0 of the 2 spells that it names"):
        read_back(fce, asked)
    keys.write_bytes(b"a,b\r\n")
    with pytest.raises(DataError, match="the columns are not PROCODET"):
        read_back(fce, asked)


# ---------------------------------------------------------------- the command


def test_the_way_there_and_back_by_the_command(tmp_path: Path) -> None:
    columns = dict.fromkeys(name for row in ROWS for name in row)
    source = write_rows(tmp_path / "april.csv", ROWS, columns)
    asked, out = tmp_path / "asked.csv", tmp_path / "out"
    told = ran(tariff("check", source, "-o", out, "--select", "SPL01", "--for-national", asked))
    assert "1 of its spells are made up" in told.stdout
    fce = answered(asked, tmp_path / "theirs", {"ASK000001": "DZ11U"})
    back = ("--grouped", fce, "--national-keys", tmp_path / "asked.keys.csv")
    told = ran(tariff("check", source, "-o", out, "--select", "SPL01", *back))
    assert "grouped 1 of the 1 merged" in told.stdout
    assert "by official grouping" in (out / "findings.csv").read_text("utf-8")


def test_the_input_alone_needs_no_folder(extract: Path, tmp_path: Path) -> None:
    ran(tariff("group", extract, "--for-national", tmp_path / "in.csv"))
    assert {path.name for path in tmp_path.iterdir()} == {"april.csv", "in.csv", "in.rdf"}
    refused(tariff("group", extract), 2, "no -o DIR")


def test_the_command_refuses_what_it_cannot_write(extract: Path, tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "in.txt", "is not a .csv file"),
        (tmp_path / "no" / "in.csv", "is not a folder"),
        (extract, "would be overwritten"),
    ):
        refused(tariff("group", extract, "--for-national", path), 2, words)
