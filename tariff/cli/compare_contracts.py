"""What two contracts pay for the same activity, on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from rich.console import Console
    from rich.table import Table

    from tariff.whatif.contracts import ContractsCompared

WIDEST = 38  # characters of a key
WIDEST_TABLE = 160  # characters of a line with the largest sums
SHOWN = {"line": "Line", "point_of_delivery": "Point of delivery", "chapter": "Chapter"}
MONEY = ("payable_a", "payable_b", "difference", "volume", "price", "rule")
TITLES = ("Payable A", "Payable B", "B less A", "Volume", "Price", "Rule")


def table(first: str, *numbers: str) -> Table:
    """Give an empty table of a name and numbers."""
    from rich.table import Table

    out = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    out.add_column(first, header_style="bold", no_wrap=True, overflow="ellipsis")
    for title in numbers:
        out.add_column(title, header_style="bold", justify="right", no_wrap=True)
    return out


def wide_console() -> Console:
    """Give a console that cuts no figure: a table wider than the screen is left to wrap there."""
    from rich.console import Console

    console = Console(highlight=False)
    console.width = max(console.width, WIDEST_TABLE)
    return console


def tell_contracts(found: ContractsCompared, top: int, console: Console) -> None:
    """Print what each contract pays, and what moves by line, point of delivery and chapter."""
    from tariff.report import safe
    from tariff.report.text import MINUS, number, pounds, short_pounds
    from tariff.whatif.levels import NOT_AN_HRG

    section, money = found.section, found.section["money"]
    whole = table("", "Activity", "At tariff", "Payable")
    for letter in "ab":
        side = section[letter]
        label = f"{letter.upper()}  contract {side['id']}, {side['year']} to {side['through']}"
        whole.add_row(
            safe.printable(label),
            number(side["activity"]).replace("-", MINUS),
            pounds(side["tariff"]),
            pounds(side["payable"]),
        )
    whole.add_row("B less A", "", "", pounds(money["difference"], signed=True))
    console.print()
    console.print(whole)
    why = table("Effect", "B less A")
    for name in ("volume", "price", "rule"):
        why.add_row(name.title(), pounds(money[name], signed=True))
    console.print()
    console.print(why)
    rows = found.table.to_pylist()
    for level, title in SHOWN.items() if top else ():
        mine = [row for row in rows if row["level"] == level]
        mine.sort(key=lambda row: -abs(row["difference_pence"]))
        told = table(title, *TITLES)
        unnamed = NOT_AN_HRG if level == "chapter" else "not stated"
        for row in mine[:top]:
            words = between(row["line_a"], row["line_b"]) if level == "line" else row[level]
            amounts = [short_pounds(row[f"{name}_pence"]) for name in MONEY]
            told.add_row(safe.printable(words or unnamed)[:WIDEST], *amounts)
        console.print()
        console.print(told)
        if len(mine) > top:
            console.print(f"and {len(mine) - top:,} others")


def between(line_a: str, line_b: str) -> str:
    """Name the line of both contracts, or the two where they differ."""
    if line_a == line_b:
        return line_a
    return f"{line_a or 'none'} / {line_b or 'none'}"
