"""`tariff group` of care that is not admitted: attendances and periods of critical care."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tariff.cli.options import Progress
from tariff.errors import UsageError

OF_EPISODES = ("national", "for_national", "grouped", "grouped_spells", "national_keys")

dataset_option = click.option(
    "--dataset",
    type=click.Choice(["episodes", "attendances", "emergency", "critical_care"]),
    help="What FILE... hold; else recognised by their columns.",
)


def recognised(given: dict[str, Any]) -> str:
    """Say of which dataset the files are, by the first of them."""
    from tariff.extract.read import dataset_of

    return dataset_of(given["files"][0], given["layout"])


def group_other_care(dataset: str, output: Path | None, given: dict[str, Any]) -> None:
    """Group the records, write them, and say what came of it."""
    from tariff.cli.check import refuse_file
    from tariff.engine.other_care import group_records
    from tariff.extract.read import open_extract
    from tariff.report.write import write_other_care

    wrong = [f"--{name.replace('_', '-')}" for name in OF_EPISODES if given.get(name) is not None]
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)} is for admitted care, and the files hold {dataset}",
            hint="leave it out",
        )
    if output is None:
        raise UsageError("there is no -o DIR for the results", hint="name a folder with -o")
    refuse_file(output, given["files"])
    with Progress() as progress:
        extract = open_extract(
            given["files"],
            layout=given["layout"],
            max_bad_rows=given["max_bad_rows"],
            progress=progress.read,
            dataset=dataset,
        )
        run = group_records(extract, packs=tuple(given["packs"]), year=given["year"])
        write_other_care(output, run)
    counts = run.manifest["counts"]
    click.echo(
        f"{counts['records']:,} records of {dataset}: {counts['grouped']:,} grouped, "
        f"{counts['in_error']:,} in error, {counts['not_grouped']:,} not grouped"
    )
    for notice in run.manifest["notices"]:
        click.echo(f"note: {notice}")
    click.echo(f"Records: {output / f'{dataset}.parquet'}")
