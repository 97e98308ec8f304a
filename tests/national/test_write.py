"""A run in the national grouper's output layout (docs/national-grouper.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tariff.errors import DataError, UsageError
from tariff.national.layouts import FCE, SPELL, input_names
from tests.e2e.command import ran, refused, tariff
from tests.engine.extracts import Row, run, stay
from tests.national.outputs import NAME, cells, grouped, records, two_episodes, written

DATED: Row = {"episode_duration": "7"}


def test_the_input_has_43_columns_and_the_output_follows_it(tmp_path: Path) -> None:
    out = written(grouped(stay(**DATED)), tmp_path)
    header, row = cells(out / f"{NAME}_FCE.csv")
    assert len(input_names()) == 43
    assert header == [*input_names(), *FCE]
    assert len(row) == len(header)
    header, row = cells(out / f"{NAME}_spell.csv")
    assert header == list(SPELL)
    assert len(row) == len(header)


def test_the_files_are_those_of_the_grouper(tmp_path: Path) -> None:
    out = written(grouped(stay(**DATED)), tmp_path)
    assert {path.name for path in out.iterdir()} == {
        f"{NAME}_{kind}.csv"
        for kind in ("FCE", "spell", "quality", "quality_rel", "ub_rel", "summary")
    }


def test_rows_are_sorted_and_numbered_after_sorting(tmp_path: Path) -> None:
    rows = [
        stay(provider="R1H", spell_id="B"),
        *reversed(two_episodes(provider="R1H", spell_id="A")),
        stay(provider="RJZ", spell_id="0"),
    ]
    out = written(grouped(*rows), tmp_path)
    told = records(out / f"{NAME}_FCE.csv")
    keys = [(r["PROCODET"], r["PROVSPNO"], r["EPIORDER"], r["RowNo"]) for r in told]
    assert keys == [
        ("R1H", "A", "1", "1"),
        ("R1H", "A", "2", "2"),
        ("R1H", "B", "1", "3"),
        ("RJZ", "0", "1", "4"),
    ]
    # a spell has the number of its first episode
    assert [r["RowNo"] for r in records(out / f"{NAME}_spell.csv")] == ["1", "3", "4"]


def test_an_episode_and_its_spell_stand_side_by_side(tmp_path: Path) -> None:
    out = written(grouped(*two_episodes()), tmp_path)
    first, second = records(out / f"{NAME}_FCE.csv")
    assert (first["GroupingMethodFlag"], first["DominantProcedure"]) == ("D", "")
    assert (second["GroupingMethodFlag"], second["DominantProcedure"]) == ("P", "W401")
    assert (first["CalcEpidur"], second["CalcEpidur"]) == ("3", "3")  # 4 less one in critical care
    assert (first["SpellReportFlag"], second["SpellReportFlag"]) == ("0", "1")
    (spell,) = records(out / f"{NAME}_spell.csv")
    assert {name: spell[name] for name in SPELL[4:15]} == {
        "SpellGroupingMethodFlag": "P",
        "SpellDominantProcedure": "W401",
        "SpellPDiag": "M171",
        "SpellSDiag": "I10X",
        "SpellEpisodeCount": "2",
        "SpellLOS": "6",
        "ReportingSpellLOS": "",
        "SpellTrimpoint": "",
        "SpellExcessBeddays": "",
        "SpellCCDays": "1",
        "SpellPBC": "",
    }
    for name in SPELL[3:15]:
        assert first[name] == second[name] == spell[name]
    assert [spell[n] for n in ("SpellSSC_Ct", "SpellBP_Ct", "SpellFlag_Ct")] == ["0"] * 3
    assert first["FCESSC_Ct"] == "0"


def test_what_the_extract_leaves_out_is_made_good(tmp_path: Path) -> None:
    done = run(stay(diag_02="I10"), stay(spell_id="B"), rules=False, without=["episode_order"])
    first, _ = records(written(done, tmp_path) / f"{NAME}_FCE.csv")
    assert first["EPIORDER"] == "1"  # its place
    assert first["EPIDUR"] == "7"  # from the dates
    assert first["DIAG_02"] == "I10X"  # with the filler
    assert [first[n] for n in ("CRITICALCAREDAYS", "REHABILITATIONDAYS", "SPCDAYS")] == ["0"] * 3


def test_more_codes_than_the_default_make_more_columns(tmp_path: Path) -> None:
    codes = {f"diag_{n:02}": "I10X" for n in range(2, 17)}
    out = written(grouped(stay(**codes)), tmp_path)
    header, _ = cells(out / f"{NAME}_FCE.csv")
    assert header[: len(input_names(16))] == input_names(16)


def test_a_spell_in_error_is_ungrouped_and_told(tmp_path: Path) -> None:
    first, second = two_episodes(sex="1")
    out = written(grouped(first, {**second, "sex": "2"}), tmp_path)
    (spell,) = records(out / f"{NAME}_spell.csv")
    assert (spell["SpellHRG"], spell["SpellGroupingMethodFlag"]) == ("UZ01Z", "U")
    assert spell["SpellDominantProcedure"] == ""
    assert [r["SpellReportFlag"] for r in records(out / f"{NAME}_FCE.csv")] == ["1", "0"]
    assert cells(out / f"{NAME}_quality_rel.csv")[1:] == [
        ["1", "1", "SEX", "", "Sex is inconsistent in spell"],
        ["2", "1", "SEX", "", "Sex is inconsistent in spell"],
    ]
    (summary,) = records(out / f"{NAME}_summary.csv")
    assert [summary[n] for n in ("FCE Count", "Spell Count")] == ["2", "1"]
    assert [summary[n] for n in ("FCE Error Count", "Spell Error Count")] == ["2", "1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"diag_01": ""}, "DIAG_01||Primary Diagnosis is blank"),
        ({"diag_01": "N180"}, "DIAG_01|N180|Diagnosis is invalid"),
        ({"diag_03": "ZZZZ"}, "DIAG_03|ZZZZ|Diagnosis is invalid"),
        ({"oper_02": "A99"}, "OPER_02|A99|Procedure is invalid"),
        ({"diag_01": "P102"}, "DIAG_01|P102|UZ03 - Diagnosis Conflicts with Age"),
        ({"diag_01": "R69X6"}, "DIAG_01|R69X6|UZ01 - Invalid Primary Diagnosis"),
        ({"oper_01": "Z941", "oper_02": "A579"}, "OPER_02|A579|UZ06 - Poorly coded procedure"),
        ({"diag_01": "T140"}, "DIAG_01|T140|UZ02 - Poorly Coded Primary Diagnosis"),
        ({"sex": "7"}, "SEX|7|Sex is invalid"),
        ({"main_specialty": ""}, "MAINSPEF||Main Specialty is blank"),
        ({"age": "131"}, "STARTAGE|131|Start Age is invalid"),
        ({"episode_order": "98"}, "EPIORDER|98|Episode Order is invalid"),
        ({"episode_duration": ""}, "EPIDUR||Episode Duration is blank"),
        ({"neonatal_care": "5"}, "NEOCARE|5|Neonatal Level of Care is invalid"),
    ],
)
def test_an_error_in_the_words_of_the_grouper(change: Row, message: str, tmp_path: Path) -> None:
    row = stay(**{**DATED, "diag_02": "", "diag_03": "", "oper_02": "", **change})
    out = written(grouped(row), tmp_path)
    (quality,) = records(out / f"{NAME}_quality.csv")
    assert quality["Error Message1"] == message
    assert cells(out / f"{NAME}_quality_rel.csv")[1:] == [["1", "1", *message.split("|")]]


def test_an_episode_number_twice_is_told(tmp_path: Path) -> None:
    first, second = two_episodes()
    out = written(grouped(first, {**second, "episode_order": "1"}), tmp_path)
    told = cells(out / f"{NAME}_quality_rel.csv")[1:]
    assert [line[2:] for line in told] == [
        ["EPIORDER", "", "Episode Order is duplicated in spell"]
    ] * 2


def test_several_errors_are_all_told(tmp_path: Path) -> None:
    row = stay(**DATED, sex="7", main_specialty="", diag_02="Q")
    out = written(grouped(row), tmp_path)
    told = cells(out / f"{NAME}_quality_rel.csv")[1:]
    assert [line[1:3] for line in told] == [["1", "SEX"], ["2", "MAINSPEF"], ["3", "DIAG_02"]]
    *_, last = cells(out / f"{NAME}_quality.csv")
    assert last[-3:] == ["|".join(line[2:]) for line in told]


@dataclass
class Held:
    """Unbundled HRGs as a grouping run gives them."""

    row: NDArray[np.int64] = field(default_factory=lambda: np.array([1, 1, 0], np.int64))
    hrg: tuple[str, ...] = ("VC14Z", "RD26Z", "SD01A")
    days: NDArray[np.int32] = field(default_factory=lambda: np.array([5, 0, 2], np.int32))


def test_unbundled_hrgs_are_written_with_their_days(tmp_path: Path) -> None:
    done = grouped(*two_episodes(), stay(spell_id="B", **DATED))
    assert done.columns is not None
    done.columns.groups.unbundled = Held()  # type: ignore[attr-defined, assignment, unused-ignore]
    out = written(done, tmp_path)
    first, second, other = cells(out / f"{NAME}_FCE.csv")[1:]
    width = len(input_names()) + len(FCE)
    assert first[width - 1 :] == ["SD01A*2"]
    assert second[width - 1 :] == ["VC14Z*5", "RD26Z"]
    assert other[width - 1 :] == [""]
    spell, alone = cells(out / f"{NAME}_spell.csv")[1:]
    assert spell[len(SPELL) - 1 :] == ["SD01A*2", "VC14Z*5", "RD26Z"]
    assert alone[len(SPELL) - 1 :] == [""]
    assert cells(out / f"{NAME}_ub_rel.csv") == [
        ["RowNo", "Iteration", "UnbundledHRGs"],
        ["1", "1", "SD01A*2"],
        ["2", "1", "VC14Z*5"],
        ["2", "2", "RD26Z"],
    ]


def test_the_bytes_do_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = [*two_episodes(), stay(spell_id="B", sex="7"), stay(spell_id="C", diag_01="N180")]
    one = written(grouped(*rows, threads=1), tmp_path / "one")
    other = written(grouped(*reversed(rows), threads=2, parts=3), tmp_path / "other")
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


def test_what_a_cell_cannot_hold_is_marked_and_a_key_refused(tmp_path: Path) -> None:
    out = written(grouped(stay(**DATED, sex='1,"', main_specialty="€Ω")), tmp_path)
    (row,) = records(out / f"{NAME}_FCE.csv")
    assert (row["SEX"], row["MAINSPEF"]) == ("1??", "€?")
    with pytest.raises(DataError, match="1 values of PROVSPNO hold a comma"):
        written(grouped(stay(spell_id="A,1")), tmp_path)


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a\\b", "a,b"])
def test_a_name_is_a_plain_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot begin the names of files"):
        written(grouped(stay()), tmp_path, name)


def test_the_command_writes_them_beside_the_spells(extract: Path, out: Path) -> None:
    told = ran(tariff("group", extract, "-o", out, "--national", NAME)).stdout
    assert f"{NAME}_FCE.csv" in told
    assert len(records(out / f"{NAME}_FCE.csv")) == len(extract.read_text().splitlines()) - 1
    assert (out / "spells.parquet").is_file()
    refused(tariff("group", extract, "-o", out, "--national", "a/b"), 2, "plain name")


@pytest.mark.reference_data
def test_the_grouper_s_own_sample_comes_back_as_it_was(
    reference_data: Path, tmp_path: Path
) -> None:
    sample = reference_data / "APC_Sample_Test_Data.csv"
    ran(tariff("group", sample, "-o", tmp_path / "out", "--national", "sample"))
    given = [line.split(",")[:43] for line in sample.read_text("cp1252").splitlines()]
    header, *rows = cells(tmp_path / "out" / "sample_FCE.csv")
    assert header[:43] == given[0]
    by_key = sorted(given[1:], key=lambda row: (row[0], row[1], int(row[2])))
    assert [row[:43] for row in rows] == by_key
