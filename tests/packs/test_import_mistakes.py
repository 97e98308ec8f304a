"""What is wrong with a workbook is told all at once, with sheet, row and column."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tariff.packs.importing import mistakes, workbook
from tariff.packs.load import shipped_folder
from tests.packs.workbooks import Command, changed, sheets, written

PROCEDURES, DIAGNOSES, CC = "Procedures", "Diagnoses", "CC lists"
CODE, ROOT, RANK = "column A 'OPCS code'", "column C 'HRG root'", "column D 'Procedure hierarchy'"
DESIGN = "the design (splits-2024-25)"
LEFT_OUT = "if no record groups to it, name it under left_out of the mapping"


@pytest.fixture(autouse=True)
def no_packs_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARIFF_PACKS", raising=False)


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path, capsys)


def told(command: Command, change: Callable[[Any], None], *options: object) -> list[str]:
    """The problems of a changed workbook, of which nothing is imported."""
    done = command.import_(changed(command.folder / "book.xlsx", change), *options)
    assert done.code == 4
    assert done.out == ""
    assert ", nothing imported" in done.error
    assert "hint: mend the workbook" in done.error
    assert not command.official.exists()
    return done.told


def put(sheet: str, **cells: object) -> Callable[[Any], None]:
    """A change that puts values into cells."""

    def change(book: Any) -> None:
        for name, value in cells.items():
            book[sheet][name] = value

    return change


def rename(old: str, new: str) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[old].title = new

    return change


def row(sheet: str, *cells: object) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet].append(list(cells))

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            rename(CC, "CC list"),
            "sheet 'CC lists': there is no such sheet: did you mean 'CC list'?",
        ),
        (
            put(DIAGNOSES, C1="HRG child root"),
            "sheet 'Diagnoses', row 1: there is no column 'HRG root (child)': "
            "did you mean 'HRG child root'?",
        ),
        (
            put(PROCEDURES, E1="OPCS CODE"),
            "sheet 'Procedures', row 1: column 'OPCS code' is there twice, in A and E: rename one",
        ),
        (
            lambda book: book[DIAGNOSES].insert_rows(1, 2),
            "sheet 'Diagnoses', row 1: no header stands in this row",
        ),
        (
            lambda book: (book[DIAGNOSES].insert_rows(1), put(DIAGNOSES, A1="Diagnoses")(book)),
            "sheet 'Diagnoses', row 1: there is no column 'Diagnosis hierarchy': it stands in row "
            "2; write header_row: 2 in the mapping",
        ),
        (
            lambda book: book[CC].delete_rows(1, 9),
            "sheet 'CC lists': the sheet is empty",
        ),
        (
            lambda book: book[CC].delete_rows(2, 9),
            "sheet 'CC lists', row 1: there is no row below the header",
        ),
        (
            lambda book: book[PROCEDURES].merge_cells("C2:C3"),
            f"sheet 'Procedures', row 2, {ROOT}: C2:C3 is merged: unmerge it and fill each cell",
        ),
        (
            row(PROCEDURES, "A011", "", "AA51", 72),
            f"sheet 'Procedures', row 5, {CODE}: A011 is there twice: row 2 gives it root AA50, "
            "rank 72, and this one root AA51, rank 72",
        ),
        (
            row(DIAGNOSES, "I10", "EB04", None, 31),
            "sheet 'Diagnoses', row 4, column A 'ICD-10 code': I10 is there twice: row 3 gives it "
            "root EB04, rank 30, and this one root EB04, rank 31",
        ),
        (
            row(CC, "I10X", "FD CB", 4),
            "sheet 'CC lists', row 4, column C 'CC score': I10X has two scores in FD: row 3 gives "
            "it 2, and this one 4",
        ),
        (
            put(PROCEDURES, C2="AA59"),
            f"sheet 'Procedures', row 2, {ROOT}: {DESIGN} has no root 'AA59': {LEFT_OUT}",
        ),
        (
            put(PROCEDURES, C2="AA50A"),
            f"sheet 'Procedures', row 2, {ROOT}: 'AA50A' is not a root: write AA50",
        ),
        (
            put(DIAGNOSES, C2="--"),
            f"sheet 'Diagnoses', row 2, column C 'HRG root (child)': {DESIGN} has no root '--': "
            f"{LEFT_OUT}",
        ),
        (
            put(PROCEDURES, C2=" "),
            f"sheet 'Procedures', row 2, {ROOT}: the cell is blank, and the rank is 72",
        ),
        (
            put(PROCEDURES, D2=None),
            f"sheet 'Procedures', row 2, {RANK}: the cell is blank; a whole number from 0 is "
            "expected",
        ),
        (
            put(PROCEDURES, D2=7.5),
            f"sheet 'Procedures', row 2, {RANK}: found '7.5'; a whole number from 0 is expected",
        ),
        (
            put(PROCEDURES, D2="high"),
            f"sheet 'Procedures', row 2, {RANK}: found 'high'; a whole number from 0 is expected",
        ),
        (
            put(PROCEDURES, D2="=70+2"),
            f"sheet 'Procedures', row 2, {RANK}: a formula without a value: open the workbook in "
            "Excel and save it",
        ),
        (
            put(PROCEDURES, D2="#REF!"),
            f"sheet 'Procedures', row 2, {RANK}: the cell holds the error #REF!: mend the formula",
        ),
        (
            put(PROCEDURES, D2=date(2024, 4, 1)),
            f"sheet 'Procedures', row 2, {RANK}: the cell holds a date or a time: format it as "
            "text",
        ),
        (
            put(PROCEDURES, A2="A01.1+"),
            f"sheet 'Procedures', row 2, {CODE}: 'A01.1+' is not in the classification (opcs4)",
        ),
        (
            put(DIAGNOSES, A2="A99.9"),
            "sheet 'Diagnoses', row 2, column A 'ICD-10 code': 'A99.9' is not in the "
            "classification (icd10-5)",
        ),
        (
            put(DIAGNOSES, A2=None),
            "sheet 'Diagnoses', row 2, column A 'ICD-10 code': the cell is blank; a code is "
            "expected",
        ),
        (
            put(PROCEDURES, C4="AA50", D4=5),
            f"sheet 'Procedures', row 4, {RANK}: Y751 has rank 5, and is among the codes that may "
            "never be dominant (opcs4): give it rank 0",
        ),
        (
            put(CC, A2="E10"),
            "sheet 'CC lists', row 2, column A 'ICD-10 code': E10 is a category: list each of its "
            "codes",
        ),
        (
            put(CC, B3="AA, F"),
            f"sheet 'CC lists', row 3, column B 'HRG subchapter': {DESIGN} has no subchapter 'F': "
            f"{LEFT_OUT}",
        ),
        (
            put(CC, B3=None),
            "sheet 'CC lists', row 3, column B 'HRG subchapter': the cell is blank; a subchapter "
            "is expected",
        ),
        (
            put(CC, C3=256),
            "sheet 'CC lists', row 3, column C 'CC score': found '256'; a whole number from 0 to "
            "255 is expected",
        ),
    ],
)
def test_a_mistake_has_its_place(
    command: Command, change: Callable[[Any], None], expected: str
) -> None:
    assert expected in told(command, change)


def test_all_mistakes_are_told_at_once_in_order(command: Command) -> None:
    def change(book: Any) -> None:
        put(PROCEDURES, D3="x", A2="Q99.9", C2="AA98")(book)
        rename(DIAGNOSES, "Diagnosis")(book)
        put(CC, A2="E10", C3=-1)(book)

    lines = told(command, change)
    assert [line.split(":")[0] for line in lines] == [
        "sheet 'CC lists', row 2, column A 'ICD-10 code'",
        "sheet 'CC lists', row 3, column C 'CC score'",
        "sheet 'Diagnoses'",
        f"sheet 'Procedures', row 2, {CODE}",
        f"sheet 'Procedures', row 2, {ROOT}",
        f"sheet 'Procedures', row 3, {RANK}",
    ]


def test_more_mistakes_than_anyone_reads_are_counted(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mistakes, "MAX_TOLD", 2)
    content = sheets()
    content[PROCEDURES] += [(f"Q99{digit}", "", "AA50", 5) for digit in range(9)]
    done = command.import_(written(command.folder / "book.xlsx", content))
    assert len(done.told) == 2
    assert "9 problems" in done.error
    assert "\n  and 7 more\n" in done.error


def test_a_row_that_repeats_another_is_no_mistake(command: Command) -> None:
    content = sheets()
    content[PROCEDURES].append(("A011", "again", "aa50", "72"))
    content[CC].append(("I10.X", "FD", 2.0))
    assert command.import_(written(command.folder / "book.xlsx", content)).code == 0


def test_a_code_may_not_stand_in_a_list_of_those_that_never_drive_and_drive(
    command: Command,
) -> None:
    mapping = command.folder / "mine.yaml"
    text = (shipped_folder() / "mappings/code-to-group.yaml").read_text(encoding="utf-8")
    mapping.write_text(text + "non_driving: {sheet: Ignored, columns: {code: Code}}\n", "utf-8")
    content = sheets() | {"Ignored": [("Code",), ("Z941",), ("A02.1",)]}
    book = written(command.folder / "book.xlsx", content)
    done = command.import_(book, "--mapping", mapping)
    assert done.told == [
        "sheet 'Ignored', row 3, column A 'Code': A021 never drives by this list, and drives by "
        "the other (root AA51, rank 69): take it out of one"
    ]


def test_a_root_of_which_no_hrg_has_a_price(command: Command) -> None:
    prices = command.folder / "prices"
    shutil.copytree(shipped_folder() / "tariff/nhsps-2024-25", prices)
    table = prices / "prices.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(x for x in lines if not x.startswith("AA50")) + "\n", "utf-8")
    book = written(command.folder / "book.xlsx", sheets())
    done = command.import_(book, "--pack", prices)
    assert (done.code, done.told) == (
        4,
        [f"sheet 'Procedures', row 2, {ROOT}: no HRG of root AA50 has a price in nhsps-2024-25"],
    )


@pytest.mark.parametrize(
    ("header", "score", "expected"),
    [
        ("Score", 3, ", row 1: no header is the two letters of a subchapter"),
        ("FQ", 3, f", row 1, column B 'FQ': {DESIGN} has no subchapter 'FQ': {LEFT_OUT}"),
        ("FD", None, ": no code scores in any subchapter"),
        ("FD", "x", ", row 2, column B 'FD': found 'x'; a whole number from 0 to 255 is expected"),
    ],
)
def test_columns_of_subchapters(
    command: Command, header: str, score: object, expected: str
) -> None:
    mapping = command.folder / "mine.yaml"
    text = (shipped_folder() / "mappings/code-to-group.yaml").read_text(encoding="utf-8")
    old = "columns: {code: ICD-10 code, subchapters: HRG subchapter, score: CC score}"
    new = "columns: {code: ICD-10 code}\n  subchapter_columns: true"
    mapping.write_text(text.replace(old, new), encoding="utf-8")
    content = sheets() | {CC: [("ICD-10 code", header), ("E109", score)]}
    done = command.import_(written(command.folder / "book.xlsx", content), "--mapping", mapping)
    assert f"sheet 'CC lists'{expected}" in done.told


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    "content",
    [b"", b"code,root\nA011,AA50\n", b"PK\x03\x04 no more", b"\xd0\xcf\x11\xe0" + bytes(508)],
    ids=["empty", "text", "cut off", "of the old kind"],
)
def test_a_file_that_is_no_workbook(command: Command, content: bytes) -> None:
    book = command.folder / "book.xlsx"
    book.write_bytes(content)
    done = command.import_(book)
    assert done.code == 4
    assert "book.xlsx: this is not an Excel workbook (.xlsx), or it is damaged" in done.error


def test_a_zip_that_is_no_workbook(command: Command) -> None:
    shutil.make_archive(str(command.folder / "a"), "zip", shipped_folder() / "mappings")
    assert command.import_(command.folder / "a.zip").code == 4


def test_a_file_that_is_not_there(command: Command) -> None:
    for name in ("none.xlsx", "."):
        done = command.import_(command.folder / name)
        assert done.code == 2
        assert "cannot be read" in done.error


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_BYTES", "at most 99 are read"),
        ("MAX_UNPACKED", "unpacked it has"),
    ],
)
def test_a_workbook_that_is_too_large(
    command: Command, monkeypatch: pytest.MonkeyPatch, limit: str, message: str
) -> None:
    monkeypatch.setattr(workbook, limit, 99)
    done = command.import_(written(command.folder / "book.xlsx", sheets()))
    assert done.code == 4
    assert message in done.error


def test_a_sheet_that_reaches_too_far_down(command: Command) -> None:
    lines = told(command, put(CC, A450000="x"))
    assert lines == [
        "sheet 'CC lists': the sheet reaches down to row 450,000; at most 400,000 are read: "
        "delete the rows below the table"
    ]
