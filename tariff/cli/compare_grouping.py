"""`tariff compare-grouping`: our groups beside those of the national grouper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from rich.console import Console

    from tariff.national.compare import Level


@click.command("compare-grouping")
@click.argument("ours", type=click.Path(path_type=Path), metavar="OURS")
@click.argument("theirs", type=click.Path(path_type=Path), metavar="THEIRS")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.csv",
    help="Write everything as CSV, every pair of HRGs that differ.",
)
@click.option(
    "--top",
    type=click.IntRange(0),
    default=15,
    show_default=True,
    help="How many of the commonest disagreements to show.",
)
def compare_grouping(
    ours: Path, theirs: Path, as_json: bool, output: Path | None, top: int
) -> None:
    """Compare groups on the same records: how far they agree, and where they part.

    OURS is the folder of `tariff group`, or a file of it in the national layout (--national).
    THEIRS is NAME_FCE.csv or NAME_spell.csv of the national grouper; the other of the two is read
    where it stands beside it. Only counts are shown, no record.
    """
    import json

    from rich.console import Console

    from tariff.national import compare
    from tariff.national.read import read_answer

    answers = read_answer(ours), read_answer(theirs)
    levels = compare.compare(*answers)
    if output is not None:
        _write(output, levels)
    if as_json:
        names = answers[0].name, answers[1].name
        click.echo(json.dumps(compare.as_json(levels, names), indent=2))
        return
    _tables(levels, top, Console(highlight=False))
    if output is not None:
        click.echo(f"\nEvery disagreement: {output}")


def _write(path: Path, levels: Sequence[Level]) -> None:
    import csv
    import os

    from tariff.errors import UsageError
    from tariff.national.compare import CSV_COLUMNS, as_rows
    from tariff.report import safe

    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(CSV_COLUMNS)
            for row in as_rows(list(levels)):
                writer.writerow([safe.cell(c) if isinstance(c, str) else c for c in row])
        new.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="-o names a file in a folder that is there",
        ) from None
    finally:
        new.unlink(missing_ok=True)


def _tables(levels: Sequence[Level], top: int, console: Console) -> None:
    from rich.table import Table

    from tariff.national.compare import MEASURES
    from tariff.report import safe

    def table(*titles: str) -> Table:
        out = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
        for title in titles:
            right = title not in ("", "Ours", "Theirs")
            out.add_column(title, header_style="bold", justify="right" if right else "left")
        return out

    agreement = table("", *(title for level in levels for title in (level.what.title(), "Share")))
    lines = [("Compared", "compared"), *((f"Same {t}", n) for n, t in MEASURES.items())]
    for title, name in lines:
        cells = []
        for level in levels:
            count = level.agree.get(name, level.compared)
            share = count / level.compared if level.compared and name in level.agree else None
            cells += [f"{count:,}", "" if share is None else f"{share:.1%}"]
        agreement.add_row(title, *cells)
    for title, name in (("Only in ours", "only_ours"), ("Only in theirs", "only_theirs")):
        agreement.add_row(title, *(c for lv in levels for c in (f"{getattr(lv, name):,}", "")))
    console.print(agreement)
    for level in levels:
        apart = sum(count for *_, count in level.differ)
        if not apart or not top:
            continue
        told = table("Ours", "Theirs", level.what.title(), "Of those that differ")
        for mine, other, count in level.differ[:top]:
            hrgs = [safe.printable(hrg) or "none" for hrg in (mine, other)]
            told.add_row(*hrgs, f"{count:,}", f"{count / apart:.1%}")
        console.print()
        console.print(told)
        more = len(level.differ) - top
        if more > 0:
            console.print(f"and {more:,} other pairs of HRGs")
