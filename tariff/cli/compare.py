"""`tariff compare`: the same activity under two years, packs, editions or contracts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariff.cli.check import refuse_file
from tariff.cli.compare_contracts import table, tell_contracts, wide_console
from tariff.cli.options import (
    Progress,
    edition_options,
    extract_options,
    factor,
    history_option,
)
from tariff.cli.other_care import dataset_option, opened_as, recognised
from tariff.errors import UsageError

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from rich.console import Console

    from tariff.whatif.run import Comparison

WIDEST = 38  # characters of a key and its name
SHOWN = ("provider", "point_of_delivery", "chapter", "hrg")


@click.command(context_settings={"show_default": True})
@extract_options
@edition_options
@dataset_option
@click.option(
    "--a",
    "a",
    metavar="YEAR|PACK",
    help="What the activity is priced under: 2022/23, 2025/26=pay-award, the id of a price list, a "
    "folder of packs, or own for each record's own year.",
)
@click.option("--b", "b", metavar="YEAR|PACK", help="What it is compared with.")
@click.option(
    "--contract",
    "contracts",
    multiple=True,
    metavar="ID|DIR",
    help="Given twice: a contract for A and one for B; --a and --b may be left out then.",
)
@history_option
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the comparison; made where it is not there.",
)
@click.option("--top", type=click.IntRange(0), default=10, help="How many keys a level to show.")
def compare(
    output: Path,
    a: str | None,
    b: str | None,
    contracts: tuple[str, ...],
    history: tuple[Path, ...],
    top: int,
    dataset: str | None,
    **given: Any,
) -> None:
    """Price the same activity twice and say what moved, and why.

    Differences are B less A, by provider, point of delivery, chapter and HRG, split into effects
    that add up to the penny: prices, short stay, long stay, best practice, top-up, market forces
    factor, another HRG, priced under one of the two only. Leaves compare.csv, compare.parquet,
    compared.parquet (a row a record), compare.xlsx, rejects.csv and manifest.json in the folder.
    With --contract twice also what each contract pays for the activity, by line, point of delivery
    and chapter, split into volume, price and rule: payables.csv and payables.parquet.
    """
    from tariff.engine.price import MffChoice, Terms
    from tariff.packs.editions import parsed
    from tariff.whatif.run import Options
    from tariff.whatif.run import compare as run_compare
    from tariff.whatif.sides import OWN
    from tariff.whatif.write import WRITTEN, write_comparison

    if (a is None) != (b is None) or (a is None and not contracts):
        raise UsageError(
            f"what to compare is not said: {_missing(a, b)}",
            hint="give --a and --b, or --contract twice, or all four",
        )
    refuse_file(output, [*given["files"], *history])
    for path in (*given["files"], *history):
        if path.name in WRITTEN and path.resolve().parent == output.resolve():
            raise UsageError(
                f"{path} would be overwritten by the results", hint="name another folder with -o"
            )
    options = Options(
        packs=tuple(given["packs"]),
        editions=parsed(given["editions"], given["tariffs"]),
        year=given["year"],
        mff=MffChoice(factor(given["mff"]), given["mff_year"]),
        price_at=given["price_at"],
        threads=given["threads"],
        terms=Terms(given["delayed_discharge"], given["rounding"]),
        periods=tuple(given["periods"]),
        contracts=contracts,
    )
    with Progress() as progress:
        of = dataset or recognised(given)
        extract = opened_as(of, given, progress)
        earlier = opened_as(of, {**given, "files": history}, progress) if history else None
        found = run_compare(
            extract, a or OWN, b or OWN, options, history=earlier, stage=progress.stage
        )
        progress.stage("writing the comparison")
        write_comparison(output, found)
    console = wide_console()
    if a is not None or found.manifest["money"]["difference"]:
        _tell(found, top, console)
    if found.contracts is not None:
        tell_contracts(found.contracts, top, console)
    for notice in found.manifest["notices"]:
        console.print(f"note: {notice}", markup=False, soft_wrap=True)
    click.echo(f"\nComparison: {output / ('compare.csv' if a else 'payables.csv')}")


def _missing(a: str | None, b: str | None) -> str:
    if a is None and b is None:
        return "neither --a and --b nor a contract"
    return f"--{'a' if a is None else 'b'} is missing"


def _tell(found: Comparison, top: int, console: Console) -> None:
    from tariff.report import safe
    from tariff.report.text import counted, number, pounds, short_pounds
    from tariff.whatif.effects import EFFECTS
    from tariff.whatif.write import TITLES

    sides, money = (found.manifest[name] for name in ("sides", "money"))
    alike = found.manifest["like_for_like"]
    whole = table("", "With a price", "Total", f"Of {counted(alike['records'], 'record')} on both")
    for letter in ("a", "b"):
        label = safe.printable(f"{letter.upper()}  {sides[letter]['label']}")
        name = f"total_{letter}"
        held = number(sides[letter]["with_price"])
        whole.add_row(label, held, pounds(money[name]), pounds(alike[name]))
    both = (pounds(of["difference"], signed=True) for of in (money, alike))
    whole.add_row("B less A", "", *both)
    console.print(whole)
    why = table("Effect", "B less A")
    for name, (_, title) in EFFECTS.items():
        if money[name]:
            why.add_row(title, pounds(money[name], signed=True))
    console.print()
    console.print(why)
    rows = found.levels.to_pylist()
    for level in SHOWN if top else ():
        moved = [row for row in rows if row["level"] == level and row["difference_pence"]]
        moved.sort(key=lambda row: (-abs(row["difference_pence"]), row["key"]))
        if not moved:
            continue
        told = table(TITLES[level], "Records", "B less A", "Prices", "Rules", "One side")
        for row in moved[:top]:
            words = " ".join(filter(None, (row["key"], row["name"]))) or "not stated"
            amounts = [
                short_pounds(row[f"{name}_pence"])
                for name in ("difference", "price_effects", "rule_effects", "only_effects")
            ]
            told.add_row(safe.printable(words)[:WIDEST], number(row["records"]), *amounts)
        console.print()
        console.print(told)
        if len(moved) > top:
            console.print(f"and {len(moved) - top:,} others")
