"""`tariff check`: the main job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tariff.cli.contract import contract_option
from tariff.cli.options import (
    Progress,
    beside_options,
    edition_options,
    extract_options,
    factor,
    for_national_option,
    grouped_options,
    history_option,
    named_paths,
)
from tariff.cli.triage import limit_options, limits_of
from tariff.errors import UsageError

LEVELS = ("low", "medium", "high")
# what a run leaves: tariff.report.write, which is not imported for `--help`
WRITTEN = (
    "report.html",
    "workbook.xlsx",
    "findings.csv",
    "findings.parquet",
    "causes.csv",
    "spells.parquet",
    "episodes.parquet",
    "attendances.parquet",
    "emergency.parquet",
    "critical_care.parquet",
    "lines.parquet",
    "contract.parquet",
    "contract.csv",
    "policies.csv",
    "rejects.csv",
    "manifest.json",
)


@click.command(context_settings={"show_default": True})
@extract_options
@edition_options
@grouped_options
@for_national_option
@contract_option
@history_option
@beside_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the report; made where it is not there.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="ID",
    help="Run these signatures (ids or prefixes) instead of the default.",
)
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="high",
    help="Run stable signatures of this level and above.",
)
@click.option(
    "--only",
    type=click.Choice(["findings"]),
    help="Leave the report and the spells out.",
)
@click.option(
    "--fail-on", type=click.Choice(LEVELS), help="Exit 1 where a finding is of this level or above."
)
@limit_options
@click.option("--keep", is_flag=True, help="Write episodes.parquet too.")
def check(
    output: Path,
    only: str | None,
    fail_on: str | None,
    keep: bool,
    min_value: str,
    rows: int | None,
    for_national: Path | None,
    history: tuple[Path, ...],
    against: tuple[str, ...],
    registers: tuple[str, ...],
    **given: Any,
) -> int:
    """Group, price, match, settle and report the care in FILE...

    FILE... are episodes, outpatient attendances, emergency attendances, periods of critical care
    and billed lines, in any order: each is recognised by its columns. Leaves report.html,
    workbook.xlsx, findings.csv, findings.parquet, a table of the records of each kind, rejects.csv
    and manifest.json in the folder. With --for-national the records that findings need (spells
    merged into one) are put to the national grouper too; OUT.keys.csv says which they are. With
    --contract every finding is valued through the contract too, and its agreed waivers hold.
    """
    from rich.console import Console

    from tariff.engine.run import check as run_check
    from tariff.engine.run_inputs import Given
    from tariff.extract.fields import REGISTERS
    from tariff.extract.registers import read_registers
    from tariff.extract.several import by_dataset, open_several
    from tariff.report.terminal import summary
    from tariff.report.write import write_run

    limits = limits_of(min_value, rows)
    snapshots = named_paths(against, "--against", ("national", "earlier"))
    lists = named_paths(registers, "--register", REGISTERS)
    beside = [path for _, path in (*snapshots, *lists)]
    refuse_file(output, [*given["files"], *history, *beside])
    check_for_national(for_national, given)
    care = by_dataset(given["files"], given["layout"])
    given["periods"] = (*given["periods"], *care.pop("periods", ()))
    options = run_options(given)
    with Progress() as progress:
        report = only is None

        def opened_all(files: Any) -> Any:
            return open_several(files, given["layout"], given["max_bad_rows"], progress.read)

        inputs = Given(
            opened_all(care),
            history=opened_all(history) if history else {},
            registers=read_registers(lists),
            **{
                name: opened_all([path for other, path in snapshots if other == name])
                for name in dict(snapshots)
            },
        )
        run = run_check(inputs, options, stage=progress.stage, spells=report, keep=keep)
        progress.stage("writing the report")
        write_run(output, run, spells=report, html=report, workbook=report, limits=limits)
        told = write_for_national(for_national, run, run.asked)
    console = Console(highlight=False)
    summary(run.manifest, console)
    name = "report.html" if report else "findings.csv"
    click.echo(f"\n{'Report' if report else 'Findings'}: {output / name}")
    for line in told:
        click.echo(line)
    if fail_on is not None and _worst(run.findings) >= LEVELS.index(fail_on):
        return 1
    return 0


def opened(given: dict[str, Any], progress: Progress) -> Any:
    """Open the files of the command line."""
    from tariff.extract import open_extract

    return open_extract(
        given["files"],
        layout=given["layout"],
        max_bad_rows=given["max_bad_rows"],
        progress=progress.read,
    )


def check_for_national(path: Path | None, given: dict[str, Any]) -> None:
    """Raise early where --for-national cannot be written."""
    if path is not None:
        from tariff.national.ask import check_path

        names = ("grouped", "grouped_spells", "national_keys")
        check_path(path, [*given["files"], *filter(None, (given[name] for name in names))])


def write_for_national(
    path: Path | None, run: Any, asked: Sequence[Any] | None = None
) -> list[str]:
    """Write the national grouper's input, where it is asked for; say where it is."""
    if path is None:
        return []
    from tariff.national.ask import input_files
    from tariff.report.write import replace_all

    replace_all(path.parent, input_files(run.columns, path.name, asked), [])
    beside = "" if asked is None else f"; {len(asked):,} of its spells are made up, see .keys.csv"
    return [f"For the national grouper: {path}{beside}"]


def run_options(given: dict[str, Any]) -> Any:
    """Give the options of a run from those of the command line."""
    from tariff.engine.price import MffChoice, Terms
    from tariff.engine.run import Options
    from tariff.packs.editions import parsed

    return Options(
        packs=tuple(given["packs"]),
        editions=parsed(given.get("editions", ()), given.get("tariffs", ())),
        year=given["year"],
        mff=MffChoice(factor(given["mff"]), given["mff_year"]),
        price_at=given["price_at"],
        select=tuple(part for text in given.get("select", ()) for part in text.split(",")),
        level=given.get("level", "high"),
        contract=given.get("contract"),
        threads=given["threads"],
        grouped=given.get("grouped"),
        grouped_spells=given.get("grouped_spells"),
        national_keys=given.get("national_keys"),
        terms=Terms(given["delayed_discharge"], given["rounding"]),
        periods=tuple(given["periods"]),
    )


def refuse_file(output: Path, files: Sequence[Path] = ()) -> None:
    """Raise early where the output folder cannot be one, or would take an input's place."""
    for path in files:
        if path.name in WRITTEN and path.resolve().parent == output.resolve():
            raise UsageError(
                f"{path} would be overwritten by the results",
                hint="name another folder with -o",
            )
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file", hint="-o names a folder for the results")


def _worst(findings: Any) -> int:
    return max(
        (LEVELS.index(level) for level in findings["level"].unique().to_pylist()), default=-1
    )
