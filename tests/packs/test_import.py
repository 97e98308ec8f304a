"""Importing a code to group workbook: what is written, and that grouping uses it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xlsxwriter

from tariff.packs.importing.mapping import default_mapping, read_mapping
from tariff.packs.load import load_packs
from tariff.packs.nodes import decode_text
from tariff.reference.group import cc_score_of
from tariff.reference.tables import group_tables
from tests.packs.workbooks import Cells, Command, Sheets, extract, sheets, written

MAPPING = """\
id: mine
procedures:
  sheet: opcs
  header_row: 3
  columns: {code: code, root: ROOT, rank: Hierarchy}
  best_rank: lowest
  never_drives: [0, 9]
diagnoses: {sheet: ICD, columns: {code: Code, root: Root, rank: Hierarchy}, best_rank: lowest}
cc_lists: {sheet: CC, columns: {code: Code}, subchapter_columns: true}
non_driving: {sheet: Ignored, columns: {code: Code}}
left_out: [UZ, SB]
"""


@pytest.fixture(autouse=True)
def no_packs_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARIFF_PACKS", raising=False)


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path, capsys)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return written(tmp_path / "book.xlsx", sheets())


def grouped(command: Command, source: Path, *options: object) -> list[dict[str, Any]]:
    """The spells of an extract, in its order."""
    out = command.folder / "out"
    assert command("group", source, "-o", out, *options).code == 0
    spells: list[dict[str, Any]] = pq.read_table(out / "spells.parquet").to_pylist()
    return sorted(spells, key=lambda spell: int(spell["spell_id"]))


# ---------------------------------------------------------------- what is written


def test_three_packs_are_written_that_pass_the_check(command: Command, book: Path) -> None:
    done = command.import_(book, "--title", "Code to Group 2024/25")
    assert (done.code, done.error) == (0, "")
    assert "3 rows (9,878 of 9,881 valid codes are in none), 2 of them can drive" in done.out
    assert "3, of 2 codes in 2 subchapters" in done.out
    assert "note: no CC list of BZ " in done.out
    assert {path.name for path in command.official.iterdir()} == {"cc-lists", "grouper", "roots"}
    assert command.table("roots/procedures.csv") == ["A011,AA50,,72,,", "A021,AA51,,69,,",
                                                     "Y751,,,0,,"]  # fmt: skip
    assert command.table("roots/diagnoses.csv") == ["A000,FD01,PF21,60,,", "I10,EB04,,30,,"]
    assert command.table("cc-lists/members.csv") == ["E109,FD", "I10X,AA FD"]
    assert command.table("cc-lists/scores.csv") == ["E109,FD,3", "I10X,AA,2", "I10X,FD,2"]
    checked = command("pack", "check", command.official, "--warnings-as-errors")
    assert (checked.code, checked.out) == (0, "")
    packs = load_packs([command.official])
    assert packs.notices[0].startswith("pack 'hrg-2024-25' 1.0.0 in ")
    for name in ("hrg-2024-25", "hrg-2024-25-roots", "hrg-2024-25-cc"):
        manifest = packs.by_id(name).manifest
        assert manifest.provenance == "official"
        assert manifest.sources[0].title == "Code to Group 2024/25"
        assert len(manifest.sources[0].note.split()[1].rstrip(";")) == 64


def test_the_packs_may_be_set_for_good(
    command: Command, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = command("pack", "check")
    command.import_(book)
    monkeypatch.setenv("TARIFF_PACKS", str(command.official))
    after = command("pack", "check")
    # no pack that ships becomes wrong because a grouper took the place of another
    assert (after.code, after.out) == (before.code, before.out)


def test_the_year_chooses_the_design_that_is_replaced(command: Command, tmp_path: Path) -> None:
    content = sheets()
    content["Diagnoses"][1] = ("A00.0", "FZ36", None, 60)
    content["CC lists"][1:] = [("E10.9", "FZ", 3)]
    book = written(tmp_path / "book.xlsx", content)
    assert command.import_(book, "--year", "2018/19").code == 0
    assert "id: hrg-2017-19\n" in (command.official / "grouper/pack.yaml").read_text("utf-8")
    done = command.import_(book, "--year", "2023/24", "--force")
    assert done.code == 2
    assert "no design of 2023/24 is held" in done.error
    assert "2017/18 to 2018/19, 2022/23, 2024/25" in done.error
    for year in ("2024", "2024/26", "0000/01", "next"):
        done = command.import_(book, "--year", year, "--force")
        assert (done.code, "is not a financial year" in done.error) == (2, True)


def test_a_formula_counts_by_its_saved_value(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets().items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
        book.get_worksheet_by_name("Procedures").write_formula("D2", "=70+2", None, 72)
    assert command.import_(path).code == 0
    assert command.table("roots/procedures.csv")[0] == "A011,AA50,,72,,"


# ---------------------------------------------------------------- the mapping


def other_layout() -> Sheets:
    return {
        "OPCS": [
            ("Code to Group",), (),
            ("Code", "Text", "Root", " hierarchy "),
            ("A011", "", "AA50", 1), ("A021", "", "AA51", 3), ("A031", "", "AA52", 9),
            ("X701", "", "SB97", 2), ("Y751", "", None, 0), (), ("A01.1", "", "aa50", "1"),
        ],
        "ICD": [("Code", "Root", "Hierarchy"), ("A000", "FD01", 4), ("R69X6", "UZ01", 9),
                ("C800", "SA36", 1)],
        "CC": [("Code", "Text", "FD", "AA", "SB", "Note"), ("E109", "", 3, None, 7, "x"),
               ("I10X", "", None, 0, None, "")],
        "Ignored": [("Code",), ("Z941",), ("A031",)],
    }  # fmt: skip


def test_a_mapping_names_sheets_columns_and_the_sense_of_ranks(
    command: Command, tmp_path: Path
) -> None:
    mapping = tmp_path / "mine.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    content = other_layout()
    done = command.import_(written(tmp_path / "book.xlsx", content), "--mapping", mapping)
    assert done.code == 0, done.error
    assert command.table("roots/procedures.csv") == [
        "A011,AA50,,3,,",  # the best rank is the lowest: turned round
        "A021,AA51,,1,,",
        "A031,AA52,,0,,",  # rank 9 never drives
        "X701,,,0,,left out by the mapping: SB97",
        "Y751,,,0,,",
        "Z941,,,0,,",
    ]
    assert command.table("roots/diagnoses.csv") == [
        "A000,FD01,,1,,", "C800,SA36,,4,,", "R69X6,,,0,,left out by the mapping: UZ01"
    ]  # fmt: skip
    assert command.table("cc-lists/scores.csv") == ["E109,FD,3", "I10X,AA,0"]
    assert command("pack", "check", command.official).code == 0


def test_the_mapping_that_ships_is_printed_and_can_be_used(command: Command, book: Path) -> None:
    done = command("pack", "import", "code-to-group", "--print-mapping")
    assert done.code == 0
    assert done.out == default_mapping().read_text(encoding="utf-8")
    assert decode_text(done.out, type(read_mapping())).value == read_mapping()
    mine = command.folder / "mine.yaml"
    mine.write_text(done.out, encoding="utf-8")
    assert command.import_(book, "--mapping", mine).code == 0


def test_a_mapping_that_cannot_be_used(command: Command, book: Path) -> None:
    mine = command.folder / "mine.yaml"
    text = default_mapping().read_text(encoding="utf-8")
    for old, new, told in (
        ("header_row: 1", "header_row: 0", "expected the number of a row, from 1"),
        ("sheet: CC lists", "shet: CC lists", "unknown key 'shet'"),
        (", score: CC score", "", "subchapters and score are needed"),
        ("best_rank: highest", "best_rank: best", "expected one of highest, lowest"),
    ):
        mine.write_text(text.replace(old, new, 1), encoding="utf-8")
        done = command.import_(book, "--mapping", mine)
        assert done.code == 3
        assert told in done.error
    assert command.import_(book, "--mapping", command.folder / "none.yaml").code == 3
    assert not command.official.exists()


# ---------------------------------------------------------------- grouping with it

PROCEDURES = ("H20", "W37", "J18")
DIAGNOSES = ("A00", "I21", "J18", "N39")
SECOND = ("E109", "I10X", "J960")


def reconstructed_rows() -> Sheets:
    """A handful of the reconstructed rows, as a workbook."""
    packs = load_packs()
    tables = packs.by_id("roots-reconstructed").tables
    content = {name: rows[:1] for name, rows in sheets().items()}
    for name, wanted in (("procedures", PROCEDURES), ("diagnoses", DIAGNOSES)):
        columns = tables[name].columns
        for code, root, child, rank in zip(
            *(columns[key] for key in ("code", "root", "root_child", "rank")), strict=True
        ):
            if code.startswith(wanted):
                row = (code, "", root, rank) if name == "procedures" else (code, root, child, rank)
                content[name.capitalize()].append(row)
    members = packs.by_id("cc-2024-25").tables["members"].columns
    for code, subchapters in zip(members["code"], members["subchapters"], strict=True):
        if code in SECOND:
            content["CC lists"].append((code, subchapters, 1))
    return content


def root_of(rows: list[Cells], code: str) -> str:
    """The root in the row of the longest prefix of a code."""
    place = rows[0].index("HRG root")
    return str(max((row for row in rows[1:] if code.startswith(row[0])), key=lambda r: r[0])[place])


def test_reconstructed_rows_go_there_and_back_and_are_official(
    command: Command, tmp_path: Path
) -> None:
    content = reconstructed_rows()
    assert command.import_(written(tmp_path / "book.xlsx", content)).code == 0
    records = [
        {"diag_01": first, "diag_02": second}
        for first in ("A000", "I210", "J180", "N390")
        for second in ("", *SECOND)
    ]
    records += [
        {"diag_01": "K801", "diag_02": "E109", "oper_01": "J183"},
        {"diag_01": "K573", "oper_01": "H201"},
    ]
    roots = [
        root_of(content["Procedures"], record["oper_01"])
        if "oper_01" in record
        else root_of(content["Diagnoses"], record["diag_01"])
        for record in records
    ]
    scores = [
        sum(row[0] == record.get("diag_02") and root[:2] in row[1] for row in content["CC lists"])
        for record, root in zip(records, roots, strict=True)
    ]
    source = extract(tmp_path / "extract.csv", records)
    spells = grouped(command, source, "--pack", command.official)
    assert [str(spell["hrg"])[:-1] for spell in spells] == roots
    assert [spell["cc_score"] or 0 for spell in spells] == scores
    assert sum(scores) > 5
    assert {spell["hrg_provenance"] for spell in spells} == {"official"}
    manifest = (command.folder / "out/manifest.json").read_text(encoding="utf-8")
    assert "hrg-2024-25-roots" in manifest
    assert {spell["hrg_provenance"] for spell in grouped(command, source)} == {"reconstructed"}


def test_scores_choose_the_hrg_and_the_oracle_agrees(command: Command, tmp_path: Path) -> None:
    content = sheets()
    content["CC lists"][1:] = [("E109", "FD", 9), ("I10X", "FD", 2), ("I10X", "AA", 1)]
    assert command.import_(written(tmp_path / "book.xlsx", content)).code == 0
    source = extract(
        tmp_path / "extract.csv",
        [{"diag_01": "A000", "diag_02": code} for code in ("", "I10", "E109")]
        + [{"diag_01": "A000", "diag_02": "E109", "oper_01": "A011"}],
    )
    spells = grouped(command, source, "--pack", command.official)
    assert [spell["cc_score"] for spell in spells] == [0, 2, 9, 0]
    hrgs = [spell["hrg"] for spell in spells]
    assert hrgs[0] > hrgs[1] > hrgs[2] > "FD01"  # letters run from most to least severe
    assert hrgs[3].startswith("AA50")
    tables = group_tables(list(load_packs([command.official])), "hrg-2024-25")
    scores = [cc_score_of(tables, code, "FD") for code in ("E109", "I10", "I10X", "A000")]
    assert scores == [9, 2, 2, 0]


def test_an_hrg_claims_no_more_than_the_tables_that_decide_it(command: Command, book: Path) -> None:
    command.import_(book)
    manifest = command.official / "cc-lists/pack.yaml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("official", "illustrative"), encoding="utf-8")
    source = extract(command.folder / "extract.csv", [{"diag_01": "A000"}])
    (spell,) = grouped(command, source, "--pack", command.official)
    assert spell["hrg_provenance"] == "illustrative"


def test_scores_are_held_to_what_the_core_can_keep(command: Command, book: Path) -> None:
    command.import_(book)
    table = command.official / "cc-lists/scores.csv"
    table.write_text("code,subchapter,score\nE109,FD,256\nE109,FD,-1\n", encoding="utf-8")
    manifest = command.official / "cc-lists/pack.yaml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text + "default_score: 300\n", encoding="utf-8")
    done = command("pack", "check", command.official)
    assert done.code == 3
    assert "scores.csv:2:9: PK203 score: expected a whole number from 0 to 255" in done.out
    assert "scores.csv:3:1: PK202" in done.out
    assert "PK024 expected a whole number from 0 to 255, found '300'" in done.out


def test_a_shipped_pack_cannot_be_changed_by_an_import(command: Command, book: Path) -> None:
    """The grouper of another year and its tables stay as they are."""
    command.import_(book)
    with_it, without = load_packs([command.official]), load_packs()
    for name in ("hrg-2022-23", "roots-reconstructed", "cc-2024-25", "splits-2024-25"):
        assert with_it.by_id(name).sha256 == without.by_id(name).sha256


# ---------------------------------------------------------------- the folder


def test_a_folder_in_use_is_refused(command: Command, book: Path) -> None:
    command.official.mkdir()
    done = command.import_(book)
    assert done.code == 2
    assert "is already there" in done.error
    assert "--force" in done.error
    assert command.import_(book, "--force").code == 0
    (command.official / "notes.txt").write_text("mine", encoding="utf-8")
    done = command.import_(book, "--force")
    assert done.code == 2
    assert "holds notes.txt" in done.error
    shutil.rmtree(command.official)
    command.official.write_text("a file", encoding="utf-8")
    assert "is not a folder" in command.import_(book, "--force").error
    assert command.official.read_text(encoding="utf-8") == "a file"
    done = command("pack", "import", "code-to-group", book, "-o", ".", "--force")
    assert done.code == 2


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_written_by_halves(
    command: Command, book: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    command.import_(book)
    before = {path: path.read_bytes() for path in command.official.rglob("*") if path.is_file()}

    def fails(*_: object) -> None:
        raise stop

    for name in ("_write_csv", "_swap"):
        with monkeypatch.context() as patched:
            patched.setattr(f"tariff.packs.importing.write.{name}", fails)
            done = command.import_(book, "--force")
        assert done.code == (2 if isinstance(stop, OSError) else 130)
        assert {p: p.read_bytes() for p in command.official.rglob("*") if p.is_file()} == before
        assert {path.name for path in command.folder.iterdir()} == {"book.xlsx", "official"}
