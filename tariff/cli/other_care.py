"""`tariff group` and `tariff price` of care that is not admitted: attendances, periods, lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariff.cli.contract import TEXT
from tariff.cli.options import Progress, factor
from tariff.errors import UsageError

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.cli.contract import PricedUnder
    from tariff.engine.other_care import OtherCare
    from tariff.extract import Extract

DATASETS = ("episodes", "attendances", "emergency", "critical_care", "lines")
OF_EPISODES = (
    *("national", "for_national", "grouped", "grouped_spells", "national_keys"),
    *("rounding", "delayed_discharge", "periods"),
    "policies",
)

dataset_option = click.option(
    "--dataset",
    type=click.Choice(DATASETS),
    help="What FILE... hold; else recognised by their columns.",
)


def recognised(given: dict[str, Any]) -> str:
    """Say of which dataset the files are, by the first of them."""
    from tariff.extract.read import dataset_of

    return dataset_of(given["files"][0], given["layout"])


def group_other_care(dataset: str, output: Path | None, given: dict[str, Any]) -> None:
    """Group the records, write them, and say what came of it."""
    from tariff.engine.group_other_care import group_records
    from tariff.report.write import write_other_care

    folder = _checked(dataset, output, given)
    with Progress() as progress:
        extract = opened_as(dataset, given, progress)
        run = group_records(extract, packs=tuple(given["packs"]), year=given["year"])
        write_other_care(folder, run)
    counts = run.manifest["counts"]
    came = (
        f"{counts['grouped']:,} grouped, {counts['in_error']:,} in error, "
        f"{counts['not_grouped']:,} not grouped"
    )
    _tell(run, folder, came)


def price_other_care(
    dataset: str, output: Path, given: dict[str, Any], under: PricedUnder | None = None
) -> None:
    """Price the records, write them, and say what came of it."""
    from tariff.engine.other_outcome import PriceOptions
    from tariff.engine.price import MffChoice
    from tariff.engine.price_other_care import price_records
    from tariff.packs.editions import parsed
    from tariff.report.text import pounds
    from tariff.report.write import write_other_care

    folder = _checked(dataset, output, given)
    if given["price_at"] == "grouped":
        raise UsageError(
            f"--price-at grouped is for admitted care, and the files hold {dataset}",
            hint="leave it out: the HRG that was billed is priced",
        )
    options = PriceOptions(
        given["year"],
        MffChoice(factor(given["mff"]), given["mff_year"]),
        parsed(given["editions"], given["tariffs"]),
    )
    with Progress() as progress:
        extract = opened_as(dataset, given, progress)
        packs = tuple(given["packs"])
        rulebook = under.rulebook if under else None
        run = price_records(extract, options, packs=packs, rulebook=rulebook)
        also = {}
        if under is not None:
            earlier = None
            if under.history:
                history = opened_as(dataset, {**given, "files": under.history}, progress)
                earlier = price_records(history, options, rulebook=rulebook).table
            also = under.put(run, dataset, run.table, earlier)
        write_other_care(folder, run, also)
    money = run.manifest["money"]
    came = ", ".join(
        f"{number:,} {name.replace('_', ' ')}" for name, number in run.manifest["outcomes"].items()
    )
    billed = f"Billed {pounds(money['billed'])}; priced {pounds(money['total'])}"
    _tell(run, folder, came or "none priced", billed)
    if under is not None:
        under.tell()
        click.echo(f"Contract: {folder / TEXT}")


def _checked(dataset: str, output: Path | None, given: dict[str, Any]) -> Path:
    """Give the folder for the results; raise where an option is for admitted care alone."""
    from tariff.cli.check import refuse_file

    wrong = [f"--{name.replace('_', '-')}" for name in OF_EPISODES if given.get(name)]
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)} is for admitted care, and the files hold {dataset}",
            hint="leave it out",
        )
    if output is None:
        raise UsageError("there is no -o DIR for the results", hint="name a folder with -o")
    refuse_file(output, given["files"])
    return output


def opened_as(dataset: str, given: dict[str, Any], progress: Progress) -> Extract:
    """Open the files of the command line as records of a dataset."""
    from tariff.extract.read import open_extract

    return open_extract(
        given["files"],
        layout=given["layout"],
        max_bad_rows=given["max_bad_rows"],
        progress=progress.read,
        dataset=dataset,
    )


def _tell(run: OtherCare, folder: Path, came: str, *more: str) -> None:
    click.echo(f"{run.manifest['counts']['records']:,} records of {run.dataset}: {came}")
    for line in more:
        click.echo(line)
    for notice in run.manifest["notices"]:
        click.echo(f"note: {notice}")
    click.echo(f"Records: {folder / f'{run.dataset}.parquet'}")
