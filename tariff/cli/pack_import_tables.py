"""`tariff pack import mff`, `plan` and `local-prices`: the small tables of a contract year."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariff.cli.options import Decorated

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.errors import Problem
    from tariff.packs.importing_tables.write import About


def _common(command: Decorated) -> Decorated:
    """The file, the folder, and what the file does not say of itself."""
    for decorate in reversed(
        (
            click.argument(
                "file",
                type=click.Path(path_type=Path, readable=False),
                metavar="FILE.xlsx|FILE.csv",
            ),
            click.option(
                "-o",
                "--output",
                "folder",
                required=True,
                type=click.Path(path_type=Path),
                help="The pack folder to write; its name becomes the id.",
            ),
            click.option(
                "--edition", default="imported", show_default=True, help="Which edition this is."
            ),
            click.option("--publisher", default="", help="Named as the publisher of the source."),
            click.option("--licence", default="", help="Named as the licence of the source."),
        )
    ):
        command = decorate(command)
    return command


@click.command("mff")
@_common
@click.option(
    "--year",
    "years",
    multiple=True,
    metavar="2025/26",
    help="The year of a column that names none, or of the only column; may be repeated.",
)
def mff(file: Path, folder: Path, years: tuple[str, ...], **about: str) -> None:
    """Import market forces factors: a column of providers, and one of values for each year.

    Columns are found by name; `Year 2` to `Year 5` are counted from --year. Every problem is named
    with file, sheet, row and column; with one, nothing is written (exit 4).
    """
    from tariff.packs.importing_tables.mff import read_factors
    from tariff.packs.importing_tables.write import write_factors
    from tariff.report.text import counted

    _check_years(years)
    found = read_factors(file, years)
    warnings = write_factors(found, folder, _about(about))
    factors, providers = len(found.factors), len(found.providers)
    click.echo(f"{counted(factors, 'factor')} of {counted(providers, 'provider')}")
    _tell(folder, found.notes, warnings)


@click.command("plan")
@_common
@click.option("--provider", default="", help="Take the rows of this provider.")
@click.option("--commissioner", default="", help="Take the rows of this commissioner.")
@click.option(
    "--by",
    type=click.Choice(["point-of-delivery", "treatment-function"]),
    default="point-of-delivery",
    show_default=True,
    help="How fine the lines are.",
)
@click.option(
    "--form",
    type=click.Choice(["cost_per_case", "block", "low_volume"]),
    default="cost_per_case",
    show_default=True,
    help="How the lines are paid, until the contract is edited.",
)
@click.option(
    "--local-prices",
    "prices",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="A file of local prices for the same contract.",
)
def plan(
    file: Path,
    folder: Path,
    provider: str,
    commissioner: str,
    by: str,
    form: str,
    prices: Path | None,
    **about: str,
) -> None:
    """Import an indicative activity plan as the draft of a contract.

    FILE has the columns of the contract monitoring plan. The rows are added up to lines by month:
    plan.csv holds activity and price with the market forces factor. Every problem is named with
    file, sheet, row and column; with one, nothing is written (exit 4).
    """
    from decimal import Decimal

    from tariff.packs.compile import half_up
    from tariff.packs.importing_tables.codes import Codes
    from tariff.packs.importing_tables.local_prices import read_local_prices
    from tariff.packs.importing_tables.plan import Choice, read_plan
    from tariff.packs.importing_tables.write import write_contract
    from tariff.packs.load import load_packs
    from tariff.report.text import counted, pounds

    codes = Codes(load_packs())
    found = read_plan(file, codes, Choice(provider, commissioner, by == "treatment-function"))
    local = None if prices is None else read_local_prices(prices, codes)
    if local is not None:
        local = local.of(found.provider)
    warnings = write_contract(
        folder, codes, _about(about), plan=found, prices=local, year=found.year, form=form
    )
    activity = sum(p.activity for of in found.months.values() for p in of.values())
    money = sum((p.price for of in found.months.values() for p in of.values()), Decimal(0))
    units = f"{activity:,} unit{'' if activity == 1 else 's'}"
    click.echo(f"{found.provider} {found.year}: {counted(len(found.months), 'line')}")
    click.echo(f"{units}, {pounds(half_up(money * 100))}, in {_months(found)}")
    _tell(folder, codes.notes, warnings)


@click.command("local-prices")
@_common
@click.option("--year", required=True, metavar="2025/26", help="The year of the prices.")
@click.option("--provider", default="", help="Take the rows of this provider.")
def local_prices(file: Path, folder: Path, year: str, provider: str, **about: str) -> None:
    """Import local prices as the draft of a contract that pays them.

    FILE has provider, commissioner, treatment function, point of delivery, tariff code and price;
    a blank service or code means any. `tariff pack import plan --local-prices` makes one contract
    of both. Every problem is named with file, sheet, row and column (exit 4).
    """
    from tariff.packs.importing_tables.codes import Codes
    from tariff.packs.importing_tables.local_prices import read_local_prices
    from tariff.packs.importing_tables.write import write_contract
    from tariff.packs.load import load_packs
    from tariff.report.text import counted

    _check_years([year])
    codes = Codes(load_packs())
    found = read_local_prices(file, codes)
    if provider:
        found = found.of(provider)
    warnings = write_contract(folder, codes, _about(about), prices=found, year=year)
    click.echo(counted(len(found.rows), "price"))
    _tell(folder, codes.notes, warnings)


def _about(given: dict[str, str]) -> About:
    from tariff.packs.importing_tables.write import About

    return About(**given)


def _check_years(years: Sequence[str]) -> None:
    from tariff.engine.pipeline import check_year

    for year in years:
        check_year(year)


def _months(found: Any) -> str:
    held = sorted({month for of in found.months.values() for month in of})
    return f"month{'s' if len(held) > 1 else ''} {', '.join(map(str, held))}"


def _tell(folder: Path, notes: Sequence[str], warnings: Sequence[Problem]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)
    for problem in warnings:
        click.echo(str(problem), err=True)
    click.echo(f"wrote {folder}", err=True)
