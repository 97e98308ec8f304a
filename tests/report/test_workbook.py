"""The workbook, read back with another library."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from tariff.report.workbook import ANSWERS, WORKLIST, write_workbook
from tests.report.fake_run import HOSTILE, empty_run, fake_run

TITLES = [column.title for column in WORKLIST]


def rows(sheet: Worksheet, start: int = 3) -> list[list[object]]:
    return [list(row) for row in sheet.iter_rows(min_row=start, values_only=True)]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    path = tmp_path_factory.mktemp("book") / "workbook.xlsx"
    write_workbook(fake_run(), path)
    return openpyxl.load_workbook(path)


def test_sheets(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == ["Summary", "Root causes", "Worklist", "Rules", "Rejects"]
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_summary_has_the_manifests_figures(book: openpyxl.Workbook) -> None:
    money = fake_run().manifest["money"]
    values = {cell for row in rows(book["Summary"], 1) for cell in row}
    for figure in (money["billed"], money["allowed"], -money["settled"], money["settled_under"]):
        assert figure / 100 in values
    for step in money["by_step"]:
        assert -step["settled"] / 100 in values


def test_worklist_has_one_line_a_finding_largest_first(book: openpyxl.Workbook) -> None:
    run, sheet = fake_run(), book["Worklist"]
    assert [cell.value for cell in sheet[2]] == TITLES
    lines = [dict(zip(TITLES, row, strict=True)) for row in rows(sheet)]
    assert {line["Finding"] for line in lines} == set(run.findings["finding_id"].to_pylist())
    settled = [abs(line["Settled"] or 0) for line in lines]
    assert settled == sorted(settled, reverse=True)
    total = sum(round((line["Settled"] or 0) * 100) for line in lines)
    assert total == run.manifest["money"]["settled"]
    assert all("PSEUDO" not in str(line["Evidence"]) for line in lines)


def test_worklist_can_be_filtered_printed_and_answered(book: openpyxl.Workbook) -> None:
    sheet = book["Worklist"]
    last = sheet.max_row
    assert sheet.auto_filter.ref == f"A2:Y{last}"
    assert sheet.freeze_panes == "E3"
    assert sheet.print_title_rows == "$2:$2"
    checks = {str(check.sqref): check for check in sheet.data_validations.dataValidation}
    assert checks[f"W3:W{last}"].formula1 == '"' + ",".join(ANSWERS) + '"'
    assert checks[f"X3:X{last}"].type == "decimal"
    money = sheet.cell(3, TITLES.index("Billed") + 1)
    assert money.number_format.startswith("£#,##0.00") and isinstance(money.value, int | float)


def test_rules_say_what_did_not_run(book: openpyxl.Workbook) -> None:
    outcomes = {row[0]: (row[4], row[8]) for row in rows(book["Rules"])}
    assert outcomes["PRC05"] == ("Not run", "needs billed_mff, which the extract does not have")
    assert outcomes["DUP01"][0] == "Silent"
    assert outcomes["SPL03"][0] == "Findings"


def test_nothing_in_the_data_becomes_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "workbook.xlsx"
    write_workbook(fake_run(hostile=True), path)
    texts = set()
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" and cell.hyperlink is None
                if isinstance(cell.value, str):
                    assert cell.value[0] not in "=+-@\t\r"
                    texts.add(cell.value)
    for nasty in HOSTILE:
        assert any(nasty in value for value in texts)


def test_control_characters_do_not_break_the_file(tmp_path: Path) -> None:
    run = fake_run()
    run.manifest["notices"] = ["bell \x07 and null \x00"]
    write_workbook(run, tmp_path / "workbook.xlsx")
    values = [row[0] for row in rows(openpyxl.load_workbook(tmp_path / "workbook.xlsx")["Summary"])]
    assert "bell \ufffd and null \ufffd" in values


def test_a_long_worklist_is_cut_and_says_so(tmp_path: Path) -> None:
    run = fake_run()
    write_workbook(run, tmp_path / "workbook.xlsx", limit=5)
    book = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    words = book["Worklist"]["A1"].value
    assert words == "Showing 5 of 48 findings, largest first; all are in findings.csv."
    assert len(rows(book["Worklist"])) == 5
    assert book["Rejects"]["A1"].value.startswith("Showing 5 of 9")


def test_an_empty_run_still_opens(tmp_path: Path) -> None:
    write_workbook(empty_run(), tmp_path / "workbook.xlsx")
    book = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    assert book["Worklist"]["A1"].value == "No findings."
    assert book["Rejects"]["A1"].value == "Every row could be read."


def test_same_run_same_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(fake_run(), tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
