"""Findings by root cause: one line each, dearest then oldest first, classes never added."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from click.testing import CliRunner

from tariff.cli.report import report
from tariff.cli.triage import limits_of
from tariff.engine.triage import Limits, causes, shown
from tariff.errors import UsageError
from tariff.report.html import render
from tariff.report.write import write_run
from tests.report.fake_run import fake_run

NAMES = (
    "finding_id", "rule", "tier", "class", "provider", "cause", "activity_month", "value_pence",
    "settled_pence", "effect",
)  # fmt: skip


def findings(*rows: tuple[Any, ...]) -> pa.Table:
    """Findings with what triage looks at, in the order of `NAMES`."""
    columns = {name: [row[place] for row in rows] for place, name in enumerate(NAMES)}
    return pa.table({**columns, "title": ["A title"] * len(rows)})


SAME = ("OPX01", "", "deterministic", "R1H", "100")
TABLE = findings(
    ("f1", *SAME, "2022-06", 300, 100, "cash"),
    ("f2", *SAME, "2022-04", 500, 500, "cash"),
    ("f3", *SAME, "2022-05", None, None, "question"),
    ("f4", "OPX01", "", "deterministic", "R1H", "101", "2022-03", 600, 600, "cash"),
    ("f5", "OPX01", "", "deterministic", "R1J", "100", None, 20, 20, "suspended"),
    ("f6", "SPL03", "same_day", "presumptive", "R1H", "", "2022-04", 9000, 9000, "cash"),
    ("f7", "SPL03", "next_day", "presumptive", "R1H", "", "2022-04", None, None, "question"),
)


def test_a_line_holds_the_findings_of_one_rule_tier_provider_and_cause() -> None:
    first, second, third, fourth, fifth = causes(TABLE).to_pylist()
    # equal settled value, 600: by value 800 before 600
    assert first | {"cause_id": ""} == {
        "cause_id": "", "rule": "OPX01", "title": "A title", "tier": "", "class": "deterministic",
        "effect": "cash", "provider": "R1H", "cause": "100", "findings": 3, "questions": 1,
        "value_pence": 800, "settled_pence": 600, "oldest_month": "2022-04",
        "latest_month": "2022-06", "first_findings": ["f2", "f1", "f3"],
    }  # fmt: skip
    assert (second["cause"], second["settled_pence"]) == ("101", 600)
    assert (third["provider"], third["effect"], third["oldest_month"]) == ("R1J", "suspended", None)
    # presumptive ones come after, whatever they are worth
    assert (fourth["tier"], fourth["settled_pence"]) == ("same_day", 9000)
    assert (fifth["tier"], fifth["value_pence"], fifth["effect"]) == ("next_day", None, "question")
    assert len({row["cause_id"] for row in causes(TABLE).to_pylist()}) == 5


def test_the_order_of_the_findings_leaves_no_trace() -> None:
    assert causes(TABLE.take([6, 3, 1, 0, 5, 4, 2])).equals(causes(TABLE))


def test_age_decides_between_lines_of_one_value() -> None:
    rows = [("f", "A", "", "presumptive", "R1H", c, m, 5, 5, "cash") for c, m in
            (("x", "2022-06"), ("y", "2022-04"), ("z", None))]  # fmt: skip
    assert causes(findings(*rows))["cause"].to_pylist() == ["y", "x", "z"]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), [(3, 0, 0), (2, 0, 0)]),
        (Limits(min_value=600), [(2, 1, 20), (1, 1, 0)]),
        (Limits(min_value=601), [(0, 3, 1220), (1, 1, 0)]),
        (Limits(rows=1), [(1, 2, 620), (1, 1, 0)]),
    ],
)
def test_limits_say_what_is_shown_and_what_is_not(limits: Limits, expected: Any) -> None:
    parts = shown(causes(TABLE), limits)
    assert [part.name for part in parts] == ["deterministic", "presumptive"]
    assert [(len(p.lines), p.hidden, p.hidden_settled) for p in parts] == expected


@pytest.mark.parametrize("text", ["-1", "much", "NaN", "1e99"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no amount"):
        limits_of(text, None)
    assert limits_of("99.50", 3) == Limits(9950, 3)


def test_the_page_the_workbook_and_the_file_agree(tmp_path: Path) -> None:
    run = fake_run()
    table = causes(run.findings)
    write_run(tmp_path, run)
    with (tmp_path / "causes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["cause_id"] for row in rows] == table["cause_id"].to_pylist()
    book = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    lines = list(book["Root causes"].iter_rows(min_row=3, values_only=True))
    assert [line[0] for line in lines] == table["cause_id"].to_pylist()
    # the worklist is the annex
    annex = [row[5] for row in book["Worklist"].iter_rows(min_row=3, values_only=True)]
    assert {line[0]: line[7] for line in lines} == {c: annex.count(c) for c in set(annex)}
    page = render(run, limits=Limits(rows=1))
    hidden = [part for part in shown(table, Limits(rows=1)) if part.hidden]
    assert page.count("in causes.csv.") == len(hidden) > 0


def test_a_report_is_rendered_again_with_other_limits(tmp_path: Path) -> None:
    run = fake_run()
    write_run(tmp_path, run)
    before = (tmp_path / "causes.csv").read_bytes()
    result = CliRunner().invoke(report, [str(tmp_path), "--rows", "1", "--min-value", "0.01"])
    assert result.exit_code == 0, result.output
    lines = openpyxl.load_workbook(tmp_path / "workbook.xlsx")["Root causes"].max_row - 2
    assert lines == len({*run.findings["class"].to_pylist()})
    assert (tmp_path / "causes.csv").read_bytes() == before
