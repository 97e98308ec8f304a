"""Our groups beside the national grouper's: `tariff compare-grouping`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tariff.errors import DataError, UsageError
from tariff.national.compare import Level, compare
from tariff.national.read import read_answer, read_files
from tests.e2e.command import ran, read_rows, refused, tariff
from tests.engine.extracts import stay
from tests.national.outputs import NAME, cells, edited, grouped, official, two_episodes, written

SPELLS = "ABCDEFGH"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Eight pneumonias and a knee; the files are in `ours`."""
    rows = [stay(spell_id=name, episode_duration="7") for name in SPELLS]
    return written(grouped(*rows, *two_episodes(spell_id="K")), tmp_path / "ours")


@pytest.fixture
def theirs(ours: Path, tmp_path: Path) -> Path:
    """Those files again, to be changed."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for path in ours.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def levels(ours: Path, theirs: Path) -> dict[str, Level]:
    return {level.what: level for level in compare(read_answer(ours), read_answer(theirs))}


def test_the_same_files_agree(ours: Path, theirs: Path) -> None:
    found = levels(ours, theirs)
    assert (found["spells"].compared, found["episodes"].compared) == (9, 10)
    assert set(found["spells"].agree.values()) == {9}
    assert found["spells"].differ == []


def test_each_measure_is_counted_by_itself(ours: Path, theirs: Path) -> None:
    official(theirs, {"A": "DZ11U", "B": "DZ11U", "C": "DZ22Q", "D": "WH07G"})
    official(theirs, {"E": "UZ01Z"})
    edited(theirs / f"{NAME}_FCE.csv", ("F", {"FCE_HRG": "DZ11A"}))
    spells, episodes = levels(ours, theirs).values()
    assert spells.agree == {"hrg": 4, "root": 6, "chapter": 7, "flag": 8}
    assert episodes.agree == {"hrg": 4, "root": 7, "chapter": 8, "flag": 9}
    mine = spells.differ[0][0]
    assert spells.differ == [
        (mine, "DZ11U", 2),
        (mine, "DZ22Q", 1),
        (mine, "UZ01Z", 1),
        (mine, "WH07G", 1),
    ]


def test_a_spell_without_an_hrg_disagrees(tmp_path: Path) -> None:
    rows = [stay(spell_id=name) for name in "AB"]
    mine = written(grouped(*rows), tmp_path / "a")
    other = written(grouped(*rows), tmp_path / "b")
    edited(mine / f"{NAME}_spell.csv", ("A", {"SpellHRG": ""}))
    spells = levels(mine, other)["spells"]
    assert spells.agree["root"] == 1
    assert [line[0] for line in spells.differ] == [""]


def test_rows_of_one_side_only_are_counted(ours: Path, theirs: Path) -> None:
    edited(theirs / f"{NAME}_spell.csv", ("A", {"PROVSPNO": "Z"}), ("B", {"PROVSPNO": "Y"}))
    spells = levels(ours, theirs)["spells"]
    assert (spells.compared, spells.only_ours, spells.only_theirs) == (7, 2, 2)


def test_keys_are_met_however_they_are_written(ours: Path, theirs: Path) -> None:
    path = theirs / f"{NAME}_FCE.csv"
    edited(path, *((name, {"PROCODET": " r1h", "EPIORDER": "01"}) for name in SPELLS))
    assert levels(ours, theirs)["episodes"].compared == 10


def test_the_folder_of_a_run_stands_for_its_files(extract: Path, tmp_path: Path) -> None:
    ran(tariff("group", extract, "-o", tmp_path / "run", "--national", NAME))
    found = levels(tmp_path / "run", tmp_path / "run" / f"{NAME}_spell.csv")
    for level in found.values():
        assert level.compared == len(extract.read_text().splitlines()) - 1
        assert set(level.agree.values()) == {level.compared}


def test_a_path_may_be_any_of_the_files_or_their_name(ours: Path) -> None:
    for name in (f"{NAME}_FCE.csv", f"{NAME}_spell.csv", NAME, ""):
        answer = read_answer(ours / name)
        assert answer.spells is not None and answer.episodes is not None


def test_one_file_alone_is_compared_as_far_as_it_goes(ours: Path, theirs: Path) -> None:
    (theirs / f"{NAME}_FCE.csv").unlink()
    assert list(levels(ours, theirs)) == ["spells"]
    # the spells of the episodes' file serve where there is no other
    (ours / f"{NAME}_spell.csv").unlink()
    assert list(levels(ours, theirs)) == ["spells"]


# ---------------------------------------------------------------- what is refused


def test_another_extract_is_refused_with_the_count(ours: Path, theirs: Path) -> None:
    other = {name: {"PROVSPNO": f"X{name}"} for name in SPELLS}
    edited(theirs / f"{NAME}_spell.csv", *other.items())
    with pytest.raises(DataError, match=r"only 1 of the 9 spells .* have the same provider"):
        levels(ours, theirs)


def test_numbers_used_again_in_another_year_are_refused(ours: Path, theirs: Path) -> None:
    edited(theirs / f"{NAME}_FCE.csv", *((name, {"DIAG_01": "S720"}) for name in SPELLS))
    with pytest.raises(DataError, match=r"only 2 of the 10 episodes .* same primary diagnosis"):
        levels(ours, theirs)


def test_missing_columns_are_named(ours: Path) -> None:
    path = ours / f"{NAME}_spell.csv"
    path.write_bytes(path.read_bytes().replace(b"SpellHRG", b"HRG").replace(b"SpellPDiag", b"D"))
    with pytest.raises(DataError, match="are missing: SpellHRG, SpellPDiag"):
        read_files(None, path)


def test_a_file_without_header_says_so(ours: Path) -> None:
    path = ours / f"{NAME}_FCE.csv"
    path.write_bytes(path.read_bytes().split(b"\r\n", 1)[1])
    with pytest.raises(DataError) as caught:
        read_files(path, None)
    assert "without -t" in caught.value.hint


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_another_encoding_is_refused(encoding: str, ours: Path) -> None:
    path = ours / f"{NAME}_FCE.csv"
    path.write_bytes(path.read_bytes().decode().encode(encoding))
    with pytest.raises(DataError, match="not cp1252"):
        read_files(path, None)


def test_a_character_that_cp1252_lacks_is_refused(ours: Path) -> None:
    path = ours / f"{NAME}_spell.csv"
    path.write_bytes(path.read_bytes().replace(b"DZ11", b"D\x8111", 1))
    with pytest.raises(DataError, match="not cp1252"):
        read_files(None, path)


def test_a_row_cut_short_is_refused_with_its_line(ours: Path) -> None:
    path = ours / f"{NAME}_FCE.csv"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"_FCE.csv:11: the row has \d+ columns"):
        read_files(path, None)


def test_a_file_saved_again_with_quotes_or_a_mark_is_read(ours: Path) -> None:
    path = ours / f"{NAME}_spell.csv"
    lines = cells(path)
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    answer = read_files(None, path)
    assert answer.spells is not None
    assert answer.spells.num_rows == 9


def test_a_path_that_leads_nowhere(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UsageError):
            read_answer(path)


# ---------------------------------------------------------------- the command


def test_the_command_shows_counts_and_shares(ours: Path, theirs: Path, tmp_path: Path) -> None:
    official(theirs, {"A": "DZ11U", "B": "DZ11U", "C": "DZ22Q"})
    told = ran(tariff("compare-grouping", ours, theirs, "-o", tmp_path / "all.csv")).stdout
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "Same HRG, with its split 6 66.7% 7 70.0%" in lines
    assert any(line.endswith("DZ11U 2 66.7%") for line in lines)
    rows = read_rows(tmp_path / "all.csv")
    assert {"level": "spells", "measure": "same_root", "ours": "", "theirs": "", "count": "8",
            "of": "9"} in rows  # fmt: skip
    assert [r["count"] for r in rows if r["measure"] == "differ"] == ["2", "1"] * 2


def test_the_command_prints_json(ours: Path, theirs: Path) -> None:
    told = json.loads(ran(tariff("compare-grouping", ours, theirs, "--json")).stdout)
    assert told["spells"]["compared"] == 9
    assert told["episodes"]["differ"] == []


def test_the_command_refuses_with_the_right_code(ours: Path, theirs: Path, tmp_path: Path) -> None:
    refused(tariff("compare-grouping", ours, tmp_path / "none"), 2, "there is neither")
    edited(theirs / f"{NAME}_spell.csv", *((n, {"PROVSPNO": f"X{n}"}) for n in SPELLS))
    refused(tariff("compare-grouping", ours, theirs), 4, "only 1 of the 9 spells")
