"""`tariff group` and `tariff price`: the main job, stopped early."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tariff.cli.check import (
    check_for_national,
    opened,
    refuse_file,
    run_options,
    write_for_national,
)
from tariff.cli.options import (
    Decorated,
    Progress,
    extract_options,
    for_national_option,
    grouped_options,
)
from tariff.cli.other_care import dataset_option, group_other_care, price_other_care, recognised
from tariff.errors import UsageError


def _output(*, required: bool) -> Callable[[Decorated], Decorated]:
    return click.option(
        "-o",
        "--output",
        required=required,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Folder for the spells and episodes, or the records, and the manifest.",
    )


@click.command()
@extract_options
@grouped_options
@_output(required=True)
@dataset_option
def price(output: Path, dataset: str | None, **given: Any) -> None:
    """Price the care in FILE..., and stop there.

    FILE... are episodes of admitted care, which are grouped first; or outpatient attendances,
    emergency attendances or lines, which are priced at the HRG that was billed.
    """
    if (of := dataset or recognised(given)) != "episodes":
        price_other_care(of, output, given)
        return
    from tariff.report.write import write_stages

    refuse_file(output, given["files"])

    def write(run: Any) -> list[str]:
        write_stages(output, run)
        return [f"Spells: {output / 'spells.parquet'}"]

    _stages(given, write, prices=True)


@click.command()
@extract_options
@grouped_options
@for_national_option
@_output(required=False)
@dataset_option
@click.option(
    "--national",
    metavar="NAME",
    help="Write NAME_FCE.csv, NAME_spell.csv, ... in the national grouper's layout too.",
)
def group(
    output: Path | None,
    national: str | None,
    for_national: Path | None,
    dataset: str | None,
    **given: Any,
) -> None:
    """Group the care in FILE... to HRGs, and stop there.

    FILE... are episodes, outpatient attendances, emergency attendances or periods of critical care.
    The folder may be left out where only the national grouper's input is wanted.
    """
    if (of := dataset or recognised(given)) != "episodes":
        group_other_care(of, output, {"national": national, "for_national": for_national, **given})
        return
    from tariff.engine.tables import without_prices
    from tariff.national.write import check_name, national_files
    from tariff.report.write import write_stages

    if output is None and (for_national is None or national is not None):
        raise UsageError(
            "there is no -o DIR for the results", hint="only --for-national does without one"
        )
    check_for_national(for_national, given)
    if output is not None:
        refuse_file(output, given["files"])
        if national is not None:
            check_name(national)
            _refuse_to_overwrite(output, national, [*given["files"], given["grouped"]])

    def write(run: Any) -> list[str]:
        told = write_for_national(for_national, run)
        if output is None:
            return told
        run.spells = without_prices(run.spells)
        also = {} if national is None else national_files(run.columns, run.manifest, national)
        write_stages(output, run, also)
        return [
            f"Spells: {output / 'spells.parquet'}",
            *map(str, map(output.joinpath, also)),
            *told,
        ]

    _stages(given, write, prices=False)


def _refuse_to_overwrite(output: Path, name: str, read: Sequence[Path | None]) -> None:
    """Raise where a file that is read, such as the national grouper's own, would be replaced."""
    for path in filter(None, read):
        if path.resolve().parent == output.resolve() and path.name.startswith(f"{name}_"):
            raise UsageError(
                f"{path} would be overwritten by our own in the same layout",
                hint="give --national another name, or -o another folder",
            )


def _stages(given: dict[str, Any], write: Callable[[Any], list[str]], *, prices: bool) -> None:
    """Run, write, and say what came of it; `write` gives the lines that end it."""
    from dataclasses import replace

    from tariff.engine.run import check

    with Progress() as progress:
        extract = opened(given, progress)
        options = replace(run_options(given), rules=False)
        run = check(extract, options, stage=progress.stage, keep=True)
        written = write(run)
    counts = run.manifest["counts"]
    priced = f", {counts['spells_priced']:,} priced in full" if prices else ""
    click.echo(
        f"{counts['episodes']:,} episodes, {counts['spells']:,} spells: "
        f"{counts['spells_grouped']:,} grouped, {counts['spells_in_error']:,} in error, "
        f"{counts['spells_unmapped']:,} not mapped{priced}"
    )
    for notice in run.manifest["notices"]:
        click.echo(f"note: {notice}")
    for line in written:
        click.echo(line)
