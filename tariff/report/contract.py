"""What a contract pays, on standard output."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tariff.report import safe, text

TITLES = (
    "Line", "Activity", "Plan", "At tariff", "Payable", "This month", "One fewer",
)  # fmt: skip


def contract_summary(section: dict[str, Any], console: Console) -> None:
    """Print the lines of a contract for the year to date, and what is outside it."""
    none = "" if section["records"] else "no record is of it; "
    console.print(
        _plain(
            f"Contract {section['id']}, {section['year']} to {section['through']}: {none}payable "
        )
        + Text(text.pounds(section["payable"]), "bold")
        + _plain(f" for {text.pounds(section['tariff'])} at tariff"),
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for index, title in enumerate(TITLES):
        table.add_column(
            title,
            header_style="bold",
            justify="right" if index else "left",
            no_wrap=bool(index),
            overflow="fold",
        )
    for line in section["lines"]:
        fewer = line["one_fewer"]
        table.add_row(
            _plain(line["line"]),
            text.number(line["activity"]),
            f"{line['plan_activity']:,.0f}" if line["plan_activity"] else text.DASH,
            text.short_pounds(line["tariff"]),
            text.short_pounds(line["payable"]),
            text.short_pounds(line["payable_month"]),
            text.DASH if fewer is None else text.short_pounds(fewer),
        )
    console.print(table)
    for notice in section["notices"]:
        console.print(_plain(notice), soft_wrap=True)


def _plain(words: str) -> Text:
    return Text(safe.printable(words))
