"""`tariff data synth`: write an artificial extract, or a whole year of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariff.cli.plant_options import Planting, plant_options
from tariff.errors import UsageError

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from tariff.cli.plant_options import Plant
    from tariff.simulate.plan import Plan
    from tariff.simulate.year import Batches, YearTally

FILES = (".csv", ".csv.gz", ".parquet")


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The file to write (.csv, .csv.gz or .parquet), or with --datasets the folder.",
)
@click.option("--episodes", default=10_000, show_default=True, help="How many episodes (rows).")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same file.")
@click.option("--year", help="The tariff year of discharge.  [default: 2022/23]")
@click.option("--month", help="One month of discharge, such as 2022-09, instead of a year.")
@click.option("--providers", type=int, help="How many providers.  [default: all there are]")
@click.option(
    "--billed/--unbilled",
    default=True,
    show_default=True,
    help="Group and price the spells and fill the billed columns.",
)
@click.option(
    "--datasets",
    metavar="all|NAME,…",
    help="Write these into the folder: episodes, attendances, emergency, critical_care, lines, "
    "registers.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "csv.gz"]),
    default="parquet",
    show_default=True,
    help="How the files of the folder are written; registers are always CSV.",
)
@click.option("--layout", help="Write admitted care in this layout, such as hes-artificial-apc.")
@click.option(
    "--statement",
    type=click.Choice(["flex", "freeze"]),
    default="freeze",
    show_default=True,
    help="The month as it is first sent, or as it stands in the end.",
)
@plant_options
def synth(
    output: Path,
    episodes: int,
    seed: int,
    year: str | None,
    month: str | None,
    providers: int | None,
    billed: bool,
    datasets: str | None,
    form: str,
    layout: str | None,
    statement: str,
    planting: Planting,
) -> None:
    """Write an artificial extract: invented patients, honest billing; faults when asked for.

    Patients, practices, consultants and wards are invented; the codes of providers and
    commissioners are real, because market forces factors need them, and what the file says of
    them is not. docs/artificial-data.md says what it can and cannot be used for.
    """
    from tariff.simulate.plan import make_plan
    from tariff.simulate.year import DATASETS, YearTally, wanted_of

    names = _names(datasets, output, layout)
    plan = make_plan(episodes, seed, year, month=month, providers=providers, billed=billed)
    tally = YearTally()
    if planting and "episodes" not in names:
        raise UsageError("Faults are planted in admitted care.", hint="Add episodes to --datasets.")
    every = set(wanted_of(names)) == set(wanted_of(DATASETS))
    with (
        planting.beside(output, episodes, billed=billed, others=every) as plant,
        _Bar(episodes) as advance,
    ):
        chunks = _stream(plan, statement, names, tally)
        if "episodes" in names:
            chunks = _planted(chunks, plant, planting)
        if datasets is not None:
            from tariff.simulate.folder import write_year

            write_year(output, chunks, form=form, progress=advance)  # type: ignore[arg-type]
        else:
            rows: Iterator[pa.RecordBatch] = (chunk["episodes"] for chunk in chunks)
            if layout is not None:
                from tariff.simulate.layouts import write_in_layout

                write_in_layout(output, rows, layout, progress=advance)
            else:
                from tariff.simulate.output import write_extract

                write_extract(output, rows, progress=advance)
    click.echo(_summary(output, tally, billed, statement))
    if planted := planting.summary():
        click.echo(planted)


def _names(datasets: str | None, output: Path, layout: str | None) -> tuple[str, ...]:
    """Return the datasets that are asked for."""
    from tariff.simulate.year import DATASETS, wanted_of

    if datasets is None:
        return ("episodes",)
    if layout is not None:
        raise UsageError(
            "--layout writes admitted care alone.", hint="Leave --datasets out, or --layout."
        )
    if output.name.lower().endswith(FILES):
        raise UsageError(
            f"{output} is a file; --datasets writes several.", hint="Name a folder after -o."
        )
    names = tuple(name.strip() for name in datasets.split(",") if name.strip())
    if names == ("all",):
        return DATASETS
    wanted_of(names)
    return names


def _stream(
    plan: Plan, statement: str, names: tuple[str, ...], tally: YearTally
) -> Iterator[Batches]:
    from tariff.simulate.snapshots import stream_statement

    return stream_statement(plan, "flex" if statement == "flex" else "freeze", names, tally)


def _planted(chunks: Iterator[Batches], plant: Plant, planting: Planting) -> Iterator[Batches]:
    """Plant faults in the admitted rows of each chunk, then in its other datasets."""
    waiting: list[Batches] = []

    def episodes() -> Iterator[pa.RecordBatch]:
        for chunk in chunks:
            waiting.append(chunk)
            if "deaths" in chunk:
                planting.note_deaths(chunk["deaths"])
            yield chunk["episodes"]

    for batch in plant(episodes()):
        chunk = waiting.pop(0)
        yield planting.in_care({**chunk, "episodes": batch}, chunk["episodes"].num_rows)


def _summary(output: Path, tally: YearTally, billed: bool, statement: str) -> str:
    made = tally.admitted
    text = (
        f"{output}: {made.episodes:,} episodes of {made.spells:,} spells "
        f"and {made.patients:,} patients"
    )
    if statement == "flex":
        text = f"{output}: the flex of {made.episodes:,} episodes of {made.spells:,} spells"
    pence = sum(tally.pence.values())
    lines = [f"{text}, billed £{pence / 100:,.2f}" if billed else f"{text}, not billed"]
    if billed:
        money = made.billing
        left_out = money.not_grouped + money.not_priced
        lines.append(
            f"left out as not billable: {left_out:,} of {money.spells:,} spells "
            f"({money.not_grouped:,} without an HRG, {money.not_priced:,} without a price)"
        )
    if set(tally.rows) != {"episodes"}:
        lines += [f"  {name}: {rows:,} rows" for name, rows in sorted(tally.rows.items())]
    return "\n".join(lines)


class _Bar:
    """A progress bar on standard error, on a terminal only."""

    def __init__(self, episodes: int) -> None:
        self._episodes = episodes
        self._progress: object = None

    def __enter__(self) -> Callable[[int], None]:
        if not sys.stderr.isatty():
            return lambda rows: None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        progress = Progress(
            "episodes",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        progress.start()
        task = progress.add_task("episodes", total=self._episodes)
        self._progress = progress
        return lambda rows: progress.advance(task, rows)

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()  # type: ignore[attr-defined]
