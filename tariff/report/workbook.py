"""The report as a workbook: a summary, a worklist to answer line by line, rules and rejects.

Text never becomes a formula or a link, the created date is fixed so that the same tables give the
same bytes, and a worklist is cut at a number of rows that says so: `findings.csv` holds them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from tariff.engine import triage
from tariff.engine.triage import Limits
from tariff.report import care, comparisons, figures, rulebook, safe, text

ROWS_SHOWN = 100_000
BATCH = 10_000
CREATED = datetime(2000, 1, 1)
ANSWERS = ["Accept", "Reject", "Part accept", "Query"]
LINE_HEIGHT = 12.75
LONGEST_CELL = 32_000  # Excel takes 32,767

MONEY = "£#,##0.00;-£#,##0.00"
NAVY, BLUE, PALE, ANSWER, LINE = "#003087", "#005EB8", "#F3F6F8", "#FFF8E1", "#D8DDE0"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the worklist: heading, width, format."""

    title: str
    width: float
    style: str = "text"


WORKLIST = (
    Column("Finding", 18),
    Column("Rule", 8),
    Column("Provider", 10),
    Column("Records", 22, "wrap"),
    Column("Title", 34, "wrap"),
    Column("Root cause", 18),
    Column("Class", 13),
    Column("Level", 8),
    Column("Step", 15),
    Column("Month", 9),
    Column("Point of delivery", 10),
    Column("HRG", 8),
    Column("Effect", 16, "wrap"),
    Column("Billed", 13, "money"),
    Column("Allowed", 13, "money"),
    Column("Value", 13, "money"),
    Column("Settled", 13, "money"),
    Column("Cash", 13, "money"),
    Column("What is asked", 40, "wrap"),
    Column("Compared with", 24, "wrap"),
    Column("Evidence", 54, "wrap"),
    Column("Note", 28, "wrap"),
    Column("Response", 13, "answer"),
    Column("Provider value", 14, "answer_money"),
    Column("Comment", 36, "answer"),
)
WRAPPED = [index for index, column in enumerate(WORKLIST) if column.style == "wrap"]
ANSWERED = sum(column.style.startswith("answer") for column in WORKLIST)
NUMBERS = {
    "Findings",
    "Questions",
    "Spells",
    "Records",
    "In the extract",
    "Matched",
    "Only here",
    "Only there",
    "Change",
    "Remains",
    "Line",
    "Rows",
}
NUMBERS |= {"Billed", "Value", "Settled", "Deterministic", "Presumptive", "Under-charged"}
RESPONSE = next(index for index, column in enumerate(WORKLIST) if column.title == "Response")


def write_workbook(
    run: figures.RunTables, path: Path, *, limit: int = ROWS_SHOWN, limits: Limits | None = None
) -> None:
    """Write the workbook. At most `limit` findings and rejects are listed, largest first.

    `limits` says which root causes are shown.
    """
    book = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": "Tariff check", "created": CREATED, "comments": ""})
    sheets = Sheets(book)
    money = figures.money(run)
    rules = rulebook.rulebook(run, 0)
    _summary(sheets, run, money, rules)
    _causes(sheets, run, limits or Limits())
    _worklist(sheets, run, limit)
    _rules(sheets, run, rules)
    _rejects(sheets, run, limit)
    book.close()


class Sheets:
    """The workbook with its formats and the ways a cell is written."""

    def __init__(self, book: Any) -> None:
        self.book = book
        base = {"font_name": "Arial", "font_size": 10, "valign": "top"}
        head = {"bold": True, "bg_color": BLUE, "font_color": "#FFFFFF", "valign": "vcenter"}
        looks: dict[str, dict[str, Any]] = {
            "text": {},
            "wrap": {"text_wrap": True},
            "bold": {"bold": True},
            "quiet": {"font_color": "#4C6272"},
            "title": {"bold": True, "font_size": 18, "font_color": NAVY},
            "lead": {"font_size": 12, "text_wrap": True},
            "section": {"bold": True, "font_size": 13, "font_color": NAVY, "bottom": 2},
            "head": {**head, "text_wrap": True},
            "head_money": {**head, "text_wrap": True, "align": "right"},
            "head_answer": {**head, "text_wrap": True, "bg_color": "#8A5A00"},
            "indent": {"indent": 1},
            "money": {"num_format": MONEY},
            "money_bold": {"num_format": MONEY, "bold": True, "top": 1},
            "bold_line": {"bold": True, "top": 1},
            "count": {"num_format": "#,##0"},
            "answer": {"text_wrap": True},
            "answer_money": {"num_format": MONEY},
            "answer_fill": {"bg_color": ANSWER, "border": 1, "border_color": LINE},
        }
        self.looks = {key: book.add_format({**base, **look}) for key, look in looks.items()}

    def add(self, name: str) -> Any:
        """A sheet that prints on A4, landscape, one page wide."""
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_footer("&L&8Holds record-level data&C&8&A&R&8Page &P of &N")
        sheet.hide_gridlines(2 if name == "Summary" else 1)
        return sheet

    def put(self, sheet: Any, row: int, column: int, value: object, look: str = "text") -> None:
        """One cell: text neutralised, pence as pounds under a money format."""
        style = self.looks[look]
        if value is None or value == "":
            if look.startswith(("head", "section", "bold")):
                sheet.write_blank(row, column, None, style)
        elif isinstance(value, int):
            sheet.write_number(row, column, value / 100 if "money" in look else value, style)
        else:
            words = safe.cell(safe.printable(str(value)))
            sheet.write_string(row, column, words[:LONGEST_CELL], style)

    def line(self, sheet: Any, row: int, values: list[tuple[object, str]]) -> None:
        """A row of cells with their looks."""
        for column, (value, look) in enumerate(values):
            self.put(sheet, row, column, value, look)

    def tall(self, sheet: Any, row: int, cells: list[tuple[object, float]]) -> None:
        """Set the height that wrapped text needs: not every program works it out on opening."""
        lines = max(
            (-(-len(str(words)) // int(width)) for words, width in cells if words), default=1
        )
        if lines > 1:
            sheet.set_row(row, 1 + LINE_HEIGHT * min(lines, 12))

    def head(self, sheet: Any, row: int, titles: list[str]) -> None:
        """A row of headings."""
        look = {True: "head_money", False: "head"}
        self.line(sheet, row, [(title, look[title in NUMBERS]) for title in titles])


def _summary(
    sheets: Sheets, run: figures.RunTables, money: figures.Money, rules: rulebook.Rulebook
) -> None:
    sheet = sheets.add("Summary")
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 6, 17)
    told = run.manifest.get("period", {})
    counts = care.counted(run)
    covered = text.period(told.get("first_discharge"), told.get("last_discharge"))
    if set(counts) - {"spells"}:
        covered = text.period(*care.days(run))
    noun = "Records" if set(counts) - {"spells"} else "Spells"
    row = 0

    def add(*values: tuple[object, str]) -> None:
        nonlocal row
        sheets.line(sheet, row, list(values))
        row += 1

    def part(title: str, heads: list[str]) -> None:
        nonlocal row
        row += 1
        add((title, "section"), *[("", "section")] * (len(heads) - 1))
        if heads:
            sheets.head(sheet, row, heads)
            row += 1

    sheet.set_row(0, 27)
    add(("Tariff check", "title"))
    add((f"{covered[:1].upper()}{covered[1:]}; {care.words(counts)}", "quiet"))
    add(("Holds record-level data: for the commissioner and the owner of the records.", "quiet"))
    row += 1
    add(("Billed", "bold"), (money.billed, "money"))
    for key, words in (
        ("deterministic", "Appears over-charged (deterministic)"),
        ("presumptive", "Please evidence (presumptive)"),
        ("statistical", "Suggested for audit (statistical)"),
    ):
        line = money.line(key)
        if line.findings or key != "statistical":
            add((words, "text"), (line.over, "money"), (line.findings, "count"))
    add(("Appears under-charged", "text"), (money.under, "money"), (money.under_findings, "count"))
    for line in money.apart:
        words = f"{line.label}, {text.EFFECTS[line.effect]}"
        add((words, "text"), (line.settled, "money"), (line.findings, "count"))
    add(("Remains, if every finding stands", "bold"), (money.allowed, "money"))
    add(("The classes differ in certainty and are not added together.", "quiet"))

    part("From billed to allowed", ["Step", "Findings", "Change", "Remains"])
    add(("Billed", "bold"), ("", "text"), ("", "text"), (money.billed, "money"))
    for step in money.steps:
        label = step.step[:1].upper() + step.step[1:]
        add(
            (label, "text"),
            (step.findings, "count"),
            (-step.settled, "money"),
            (step.remains, "money"),
        )
    add(
        ("Allowed", "bold_line"),
        ("", "bold_line"),
        (-money.settled, "money_bold"),
        (money.allowed, "money_bold"),
    )

    part("By rule", ["Rule", "Class", "Findings", "Value", "Settled"])
    for rule in rules.sections:
        add(
            (f"{rule.id}  {rule.title}", "text"),
            (text.CLASS_LABEL.get(rule.klass, rule.klass), "text"),
            (rule.findings, "count"),
            (rule.value, "money"),
            (rule.settled, "money"),
        )
    if not rules.sections:
        add(("No findings.", "quiet"))
    heads = ["Billed", "Deterministic", "Presumptive", "Under-charged"]
    for table in (
        figures.by_provider(run),
        figures.by_point_of_delivery(run),
        figures.by_month(run),
    ):
        if table is None or not table.groups:
            continue
        part(f"By {table.name.lower()}", [table.name, noun, *heads])
        for group in table.groups:
            add(
                (group.label, "text"),
                (group.records, "count"),
                (group.billed, "money"),
                (group.queried.over["deterministic"], "money"),
                (group.queried.over["presumptive"], "money"),
                (group.queried.under, "money"),
            )
    compared = comparisons.comparisons(run.manifest)
    if compared:
        names = ["In the extract", "Matched", "Rate", "Only here", "Only there"]
        part("Compared with other files", ["Care, and the other file", *names])
    for found in compared:
        add(
            (f"{found.kind}, {found.against}", "text"),
            (found.here, "count"),
            (found.matched, "count"),
            (found.percent, "text"),
            (found.only_here, "count"),
            (found.only_there, "count"),
        )
    notices = [str(notice) for notice in run.manifest.get("notices", [])]
    if notices:
        part("Please note", [])
        for notice in notices:
            add((notice, "text"))
    sheet.set_first_sheet()
    sheet.activate()


def _causes(sheets: Sheets, run: figures.RunTables, limits: Limits) -> None:
    """One line for each root cause; the worklist is the annex, by the number of the cause."""
    sheet = sheets.add("Root causes")
    widths = [18, 8, 34, 14, 13, 10, 28, 9, 9, 9, 9, 13, 13, 26]
    for index, width in enumerate(widths):
        sheet.set_column(index, index, width)
    parts = triage.shown(triage.causes(run.findings), limits)
    hidden = sum(part.hidden for part in parts)
    words = "One line for what one answer would settle; its findings are in the worklist, by cause."
    words += f" Not shown: {hidden:,} lines; all are in causes.csv." if hidden else ""
    sheets.put(sheet, 0, 0, words, "bold")
    titles = ["Root cause", "Rule", "Title", "Tier", "Class", "Provider", "Cause", "Findings"]
    titles += ["Questions", "Oldest", "Latest", "Value", "Settled", "Effect"]
    sheets.head(sheet, 1, titles)
    names = ["cause_id", "rule", "title", "tier", "class", "provider", "cause", "findings"]
    names += ["questions", "oldest_month", "latest_month", "value_pence", "settled_pence", "effect"]
    looks = {"findings": "count", "questions": "count", "title": "wrap", "cause": "wrap"}
    looks |= {"value_pence": "money", "settled_pence": "money"}
    lines = [line for part in parts for line in part.lines]
    for row, line in enumerate(lines, start=2):
        shown = {
            **line,
            "class": text.CLASS_LABEL.get(line["class"], line["class"]),
            "effect": text.EFFECTS.get(line["effect"], ""),
        }
        sheets.tall(sheet, row, [(line["title"], 34), (line["cause"], 28)])
        sheets.line(sheet, row, [(shown[name], looks.get(name, "text")) for name in names])
    sheet.autofilter(1, 0, max(len(lines) + 1, 2), len(widths) - 1)
    sheet.freeze_panes(2, 2)
    sheet.repeat_rows(1)


def _worklist(sheets: Sheets, run: figures.RunTables, limit: int) -> None:
    sheet = sheets.add("Worklist")
    total = run.findings.num_rows
    count = min(total, limit)
    if total > count:
        words = f"Showing {count:,} of {total:,} findings, largest first; all are in findings.csv."
    elif total:
        words = (
            f"{text.counted(total, 'finding')}, largest first. Answer in the last three columns."
        )
    else:
        words = "No findings."
    for index, column in enumerate(WORKLIST):
        # The answer columns carry their format, so that an empty cell needs no entry.
        style = sheets.looks[column.style] if index >= RESPONSE else None
        sheet.set_column(index, index, column.width, style)
    sheets.put(sheet, 0, 0, words, "bold")
    sheet.set_row(1, 30)
    for index, column in enumerate(WORKLIST):
        look = "head_answer" if index >= RESPONSE else "head"
        look = "head_money" if column.style == "money" else look
        sheets.put(sheet, 1, index, column.title, look)
    asks = {str(rule.get("id")): str(rule.get("ask", "")) for rule in run.manifest.get("rules", [])}
    for row, values in enumerate(_lines(run, count, asks), start=2):
        sheets.tall(sheet, row, [(values[index], WORKLIST[index].width) for index in WRAPPED])
        for index, value in enumerate(values):
            sheets.put(sheet, row, index, value, WORKLIST[index].style)
    last = max(count + 1, 2)
    if count:
        fill = {"type": "formula", "criteria": "=TRUE", "format": sheets.looks["answer_fill"]}
        sheet.conditional_format(2, RESPONSE, last, RESPONSE + ANSWERED - 1, fill)
    sheet.autofilter(1, 0, last, len(WORKLIST) - 1)
    sheet.freeze_panes(2, 4)
    sheet.repeat_rows(1)
    sheet.repeat_columns(0, 3)
    sheet.fit_to_pages(2, 0)
    sheet.data_validation(
        2,
        RESPONSE,
        last,
        RESPONSE,
        {
            "validate": "list",
            "source": ANSWERS,
            "error_title": "Response",
            "error_message": "Choose " + ", ".join(ANSWERS) + ".",
        },
    )
    sheet.data_validation(
        2,
        RESPONSE + 1,
        last,
        RESPONSE + 1,
        {
            "validate": "decimal",
            "criteria": "between",
            "minimum": -1e9,
            "maximum": 1e9,
            "error_title": "Provider value",
            "error_message": "An amount in pounds.",
        },
    )


def _lines(run: figures.RunTables, count: int, asks: dict[str, str]) -> Iterator[list[object]]:
    ordered = rulebook.largest_first(run.findings)
    for start in range(0, count, BATCH):
        rows = ordered.slice(start, min(BATCH, count - start)).to_pylist()
        for row in rows:
            facts = [
                f"{label}: {value}" if label else value
                for label, value in rulebook.evidence(row["evidence"])
            ]
            yield [
                row["finding_id"],
                row["rule"],
                row["provider"],
                ", ".join(_number(key) for key in row["records"]),
                row["title"],
                triage.cause_id(row["rule"], row["tier"], row["provider"], row["cause"]),
                text.CLASS_LABEL.get(row["class"], row["class"]),
                row["level"],
                row["step"],
                row["activity_month"],
                row["point_of_delivery"],
                row["hrg"],
                text.EFFECTS.get(row["effect"], ""),
                row["billed_pence"],
                row["allowed_pence"],
                row["value_pence"],
                row["settled_pence"],
                row["cash_pence"],
                asks.get(row["rule"], ""),
                text.record(row["partner"], provider=True) if row["partner"] else "",
                "; ".join(facts),
                row["note"],
            ]


def _number(key: str) -> str:
    """A spell by its number, other records with what they are."""
    return text.record(key, noun=not key.startswith("spell:"))


def _rules(sheets: Sheets, run: figures.RunTables, rules: rulebook.Rulebook) -> None:
    sheet = sheets.add("Rules")
    widths = [9, 34, 13, 8, 10, 9, 13, 13, 34, 34, 34]
    for index, width in enumerate(widths):
        sheet.set_column(index, index, width)
    sheets.put(sheet, 0, 0, "Rules of this run: those with findings, silent, and not run.", "bold")
    titles = ["Rule", "Title", "Class", "Level", "Outcome", "Findings", "Value", "Settled"]
    sheets.head(sheet, 1, [*titles, "What is asked, or why not run", "Why", "Legitimate reasons"])
    row = 2
    for rule in rules.sections:
        words = [rule.id, rule.title, text.CLASS_LABEL.get(rule.klass, rule.klass), rule.level]
        reasons = " ".join(rule.legitimate_reasons)
        sheets.tall(sheet, row, [(it, 34) for it in (rule.title, rule.ask, rule.why, reasons)])
        sheets.line(
            sheet,
            row,
            [
                *[(word, "wrap") for word in words],
                ("Findings", "text"),
                (rule.findings, "count"),
                (rule.value, "money"),
                (rule.settled, "money"),
                (rule.ask, "wrap"),
                (rule.why, "wrap"),
                (reasons, "wrap"),
            ],
        )
        row += 1
    for outcome, lines in (("Silent", rules.silent), ("Not run", rules.not_run)):
        for line in lines:
            words = [line.id, line.title, text.CLASS_LABEL.get(line.klass, line.klass), line.level]
            sheets.tall(sheet, row, [(line.title, 34), (line.reason, 34)])
            sheets.line(
                sheet,
                row,
                [
                    *[(word, "wrap") for word in words],
                    (outcome, "text"),
                    (0 if outcome == "Silent" else None, "count"),
                    (None, "money"),
                    (None, "money"),
                    (line.reason, "wrap"),
                ],
            )
            row += 1
    sheet.autofilter(1, 0, max(row - 1, 2), len(widths) - 1)
    sheet.freeze_panes(2, 1)
    sheet.repeat_rows(1)


def _rejects(sheets: Sheets, run: figures.RunTables, limit: int) -> None:
    sheet = sheets.add("Rejects")
    for index, width in enumerate([32, 10, 24, 32, 52, 14]):
        sheet.set_column(index, index, width)
    total = run.rejects.num_rows
    count = min(total, limit)
    words = text.counted(total, "rejected row") + "." if total else "Every row could be read."
    if total > count:
        words = f"Showing {count:,} of {total:,} rejected rows; all are in rejects.csv."
    sheets.put(sheet, 0, 0, words, "bold")
    sheets.head(sheet, 1, ["File", "Line", "Column", "Value read", "Reason", "Billed"])
    looks = ["wrap", "count", "indent", "text", "wrap", "money"]
    names = ["file", "line", "column", "value", "reason", "billed_pence"]
    for row, values in enumerate(run.rejects.slice(0, count).to_pylist(), start=2):
        cells = [(values[name], look) for name, look in zip(names, looks, strict=True)]
        sheets.line(sheet, row, cells)
    sheet.autofilter(1, 0, max(count + 1, 2), 5)
    sheet.freeze_panes(2, 0)
    sheet.repeat_rows(1)
