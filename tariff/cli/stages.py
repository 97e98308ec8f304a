"""`tariff group` and `tariff price`: the main job, stopped early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tariff.cli.check import opened, refuse_file, run_options
from tariff.cli.options import Progress, extract_options

_OUTPUT = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for spells.parquet, episodes.parquet and the manifest.",
)


@click.command()
@extract_options
@_OUTPUT
def price(output: Path, **given: Any) -> None:
    """Group and price the admitted care in FILE..., and stop there."""
    _stages(output, given, prices=True)


@click.command()
@extract_options
@_OUTPUT
def group(output: Path, **given: Any) -> None:
    """Group the admitted care in FILE... to HRGs, and stop there."""
    _stages(output, given, prices=False)


def _stages(output: Path, given: dict[str, Any], *, prices: bool) -> None:
    from dataclasses import replace

    from tariff.engine.run import check
    from tariff.engine.tables import without_prices
    from tariff.report.write import write_stages

    refuse_file(output, given["files"])
    with Progress() as progress:
        extract = opened(given, progress)
        options = replace(run_options(given), rules=False)
        run = check(extract, options, stage=progress.stage, keep=True)
        if not prices:
            run.spells = without_prices(run.spells)
        write_stages(output, run)
    counts = run.manifest["counts"]
    priced = f", {counts['spells_priced']:,} priced in full" if prices else ""
    click.echo(
        f"{counts['episodes']:,} episodes, {counts['spells']:,} spells: "
        f"{counts['spells_grouped']:,} grouped, {counts['spells_in_error']:,} in error, "
        f"{counts['spells_unmapped']:,} not mapped{priced}"
    )
    for notice in run.manifest["notices"]:
        click.echo(f"note: {notice}")
    click.echo(f"Spells: {output / 'spells.parquet'}")
