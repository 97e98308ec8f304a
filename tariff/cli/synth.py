"""`tariff data synth`: write an artificial extract of admitted care."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from collections.abc import Callable

    from tariff.simulate import Tally


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write: .csv, .csv.gz or .parquet.",
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
def synth(
    output: Path,
    episodes: int,
    seed: int,
    year: str | None,
    month: str | None,
    providers: int | None,
    billed: bool,
) -> None:
    """Write an artificial extract: invented patients, honest billing, no planted faults.

    Patients, practices, consultants and wards are invented; the codes of providers and
    commissioners are real, because market forces factors need them, and what the file says of
    them is not. docs/artificial-data.md says what it can and cannot be used for.
    """
    from tariff.simulate import Tally, synthesise, write_extract

    tally = Tally()
    batches = synthesise(
        episodes, seed, year, month=month, providers=providers, billed=billed, tally=tally
    )
    with _Bar(episodes) as advance:
        write_extract(output, batches, progress=advance)
    click.echo(_summary(output, tally, billed))


def _summary(output: Path, tally: Tally, billed: bool) -> str:
    text = (
        f"{output}: {tally.episodes:,} episodes of {tally.spells:,} spells "
        f"and {tally.patients:,} patients"
    )
    if not billed:
        return f"{text}, not billed"
    money = tally.billing
    left_out = money.not_grouped + money.not_priced
    return (
        f"{text}, billed £{tally.pence / 100:,.2f}\n"
        f"left out as not billable: {left_out:,} of {money.spells:,} spells "
        f"({money.not_grouped:,} without an HRG, {money.not_priced:,} without a price)"
    )


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
