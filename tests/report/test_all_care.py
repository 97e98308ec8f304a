"""The report of a run of every kind of care: nothing is left out, and each record is named."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import openpyxl
import pytest

from tariff.report import care, figures, text
from tariff.report.html import render
from tariff.report.workbook import write_workbook
from tariff.report.write import read_run, write_run
from tests.report.fake_run import FakeRun, care_run, fake_run
from tests.report.test_html import Page, words

RUN = care_run()
PAGE = Page(render(RUN))


def test_every_kind_of_care_is_in_every_breakdown() -> None:
    money, records = figures.money(RUN), sum(care.counted(RUN).values())
    assert records == RUN.spells.num_rows + 8
    month = figures.by_month(RUN)
    assert month is not None
    for table in (figures.by_provider(RUN), figures.by_point_of_delivery(RUN), month):
        assert sum(group.billed for group in table.groups) == money.billed
        assert sum(group.records for group in table.groups) == records
        for key in text.CLASSES:
            assert sum(group.queried.over[key] for group in table.groups) == money.line(key).over
    assert all(control.agrees for control in money.controls)


def test_care_that_has_no_point_of_delivery_stands_by_its_kind() -> None:
    groups = {group.key: group for group in figures.by_point_of_delivery(RUN).groups}
    assert (groups["attendances"].records, groups["attendances"].billed) == (3, 22_500)
    assert groups["attendances"].label == "Outpatient attendances"
    # what is suspended, or owed by another payer, stands apart from what is claimed
    assert groups["emergency"].queried.over["deterministic"] == 0
    assert groups["DRUG"].queried.over["deterministic"] == 0


def test_points_of_delivery_of_lines_are_titled_as_in_their_table() -> None:
    path = Path(str(files("rules"))) / "pod" / "codes" / "codes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        titles = {row["code"]: row["title"] for row in csv.DictReader(file)}
    assert {code: titles[code] for code in text.LINES} == text.LINES
    assert text.point_of_delivery("UNBRAD") == titles["UNBRAD"]


def test_a_record_without_an_activity_month_is_of_the_month_it_ended_in() -> None:
    plain, month = figures.by_month(fake_run()), figures.by_month(RUN)
    assert plain is not None and month is not None
    before = {group.key: group.records for group in plain.groups}
    after = {group.key: group for group in month.groups}
    assert after["2022-06"].records == before["2022-06"] + 8
    assert figures.NOT_STATED not in after


def test_the_page_counts_and_names_every_kind() -> None:
    headline = words(PAGE.id("headline"))
    assert "3 outpatient attendances, 2 emergency attendances, 1 critical care period" in headline
    shown = words(PAGE.id("findings"))
    assert "outpatient attendance attendance_date1" in shown
    assert "emergency attendance arrival_date1" in shown and "billed line end_date1" in shown
    assert "row 26 of the register registrations" in shown and "left the list" in shown


def test_money_that_is_not_saved_for_good_is_marked_where_it_is_claimed() -> None:
    headline = words(PAGE.id("headline"))
    assert "Beside that, £260.00 (deterministic) is suspended until it is shown." in headline
    assert (
        "Beside that, £137.00 (deterministic) is owed by another payer, system-neutral." in headline
    )
    for section in ("by-cause", "findings"):
        assert "system-neutral" in words(PAGE.id(section))


def test_comparisons_show_what_was_matched() -> None:
    section = PAGE.id("compared")
    cells = [words(e) for e in PAGE.all("th", "td") if section in e["within"]][8:]
    assert cells == [
        *("Spells", "national record", "4,171", "4,140", "4,131", "99.0%", "40", "9"),
        *("Billed lines", "earlier snapshot", "9,001", "9,000", "9,000", ">99.9%", "1", "0"),
    ]


def test_root_causes_come_before_the_findings() -> None:
    ids = [element["attrs"].get("id") for element in PAGE.all("section")]
    assert ids.index("by-cause") < ids.index("findings")
    links = [element["attrs"].get("href") for element in PAGE.all("a")]
    assert links.index("#by-cause") < links.index("#findings")


def test_causes_left_out_are_counted_with_where_they_are() -> None:
    from tariff.engine.triage import Limits

    shown = words(Page(render(RUN, limits=Limits(0, 1))).id("by-cause"))
    assert "showing 1 of" in shown and "lines are in causes.csv." in shown


def test_a_rule_that_ran_on_a_part_says_where_not() -> None:
    assert "not run on lines: needs treatment_function of lines" in words(PAGE.id("not-run"))


def test_the_workbook_says_the_same(tmp_path: Path) -> None:
    write_workbook(RUN, tmp_path / "w.xlsx")
    book = openpyxl.load_workbook(tmp_path / "w.xlsx")
    rows = [[value for value in row if value is not None] for row in book["Summary"].values]
    assert ["Outpatient attendances", 3, 225, 75, 0, 0] in rows
    assert ["Spells, national record", 4171, 4131, "99.0%", 40, 9] in rows
    assert ["Deterministic, suspended until it is shown", 260, 1] in rows
    head, *lines = list(book["Worklist"].values)[1:]
    (line,) = [dict(zip(head, row, strict=True)) for row in lines if row[1] == "COM02"]
    assert line["Records"] == "emergency attendance arrival_date1"
    assert line["Compared with"] == "row 26 of the register registrations"
    assert line["Effect"] == "owed by another payer, system-neutral"


def test_a_run_read_back_makes_the_same_page(tmp_path: Path) -> None:
    write_run(tmp_path, RUN, workbook=False)
    assert render(read_run(tmp_path)) == (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("spell:R1H:12", "spell 12 of R1H"),
        ("critical_care:R1H:C:1", "critical care period C:1 of R1H"),
        ("deaths:26", "row 26 of the register deaths"),
        ("provider:R1H:2024/25", "provider R1H in 2024/25"),
        ("something else", "something else"),
    ],
)
def test_a_record_is_named_in_words(key: str, said: str) -> None:
    assert text.record(key, provider=True) == said


def test_care_without_spells_is_a_report_too() -> None:
    run: FakeRun = care_run()
    run.spells = run.spells.slice(0, 0)
    del run.manifest["kinds"]["spells"]
    run.manifest["period"] = {}
    page = Page(render(run))
    assert "Nothing was read" not in words(page.id("headline"))
    assert "14 June 2022" in words(page.all("header")[0])
    assert "Outpatient attendances" in words(page.id("where"))
