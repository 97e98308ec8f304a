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
from tariff.cli.contract import TEXT, PricedUnder, contract_option, ledger_option, priced_under
from tariff.cli.options import (
    Decorated,
    Progress,
    edition_options,
    extract_options,
    for_national_option,
    grouped_options,
    history_option,
)
from tariff.cli.other_care import dataset_option, group_other_care, price_other_care, recognised
from tariff.cli.policies import check_policies, policies_of, policies_option
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
@edition_options
@grouped_options
@policies_option
@_output(required=True)
@dataset_option
@contract_option
@history_option
@ledger_option
def price(output: Path, dataset: str | None, **given: Any) -> None:
    """Price the care in FILE..., and stop there.

    FILE... are episodes of admitted care, which are grouped first; or outpatient attendances,
    emergency attendances or lines, which are priced at the HRG that was billed. With --contract,
    contract.csv and contract.parquet say what is payable, by line and month and year to date, and
    what one unit more or fewer of each line changes. With --policies what emergency readmissions
    and the marginal rate take off is worked out too.
    """
    under = priced_under(given)
    if (of := dataset or recognised(given)) != "episodes":
        price_other_care(of, output, given, under)
        return
    from tariff.report.write import POLICIES, write_policies_csv, write_stages

    refuse_file(output, [*given["files"], *given["history"]])
    check_policies(given)

    options = _options(given, under)

    def write(run: Any) -> list[str]:
        found = policies_of(run, options, given)
        also: dict[str, Any] = {}
        told = [f"Spells: {output / 'spells.parquet'}"]
        if found is not None:
            table = found.table()
            also[POLICIES] = lambda path: write_policies_csv(table, path)
            told = [*found.summary(), f"Policies: {output / POLICIES}", *told]
        if under is not None:
            earlier = _earlier(given, options, under)
            also |= under.put(run, "episodes", run.spells, earlier, found)
            told.append(f"Contract: {output / TEXT}")
        write_stages(output, run, also)
        return told

    _stages(given, options, write, prices=True, under=under)


def _options(given: dict[str, Any], under: PricedUnder | None = None) -> Any:
    """Give the options of a run that stops at the price, on the terms of a contract."""
    from dataclasses import replace

    options = replace(run_options(given), rules=False)
    return replace(options, terms=under.terms(options.terms)) if under else options


def _earlier(given: dict[str, Any], options: Any, under: PricedUnder) -> Any:
    """Group and price the spells of earlier months, as those of now; None where none are given."""
    from tariff.engine.run import check

    if not under.history:
        return None
    with Progress() as progress:
        extract = opened({**given, "files": under.history}, progress)
        return check(extract, options, rulebook=under.rulebook, stage=progress.stage).spells


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

    _stages(given, _options(given), write, prices=False)


def _refuse_to_overwrite(output: Path, name: str, read: Sequence[Path | None]) -> None:
    """Raise where a file that is read, such as the national grouper's own, would be replaced."""
    for path in filter(None, read):
        if path.resolve().parent == output.resolve() and path.name.startswith(f"{name}_"):
            raise UsageError(
                f"{path} would be overwritten by our own in the same layout",
                hint="give --national another name, or -o another folder",
            )


def _stages(
    given: dict[str, Any],
    options: Any,
    write: Callable[[Any], list[str]],
    *,
    prices: bool,
    under: PricedUnder | None = None,
) -> None:
    """Run, write, and say what came of it; `write` gives the lines that end it."""
    from tariff.engine.run import check

    with Progress() as progress:
        extract = opened(given, progress)
        rulebook = under.rulebook if under else None
        run = check(extract, options, rulebook=rulebook, stage=progress.stage, keep=True)
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
    if under is not None:
        under.tell()
    for line in written:
        click.echo(line)
