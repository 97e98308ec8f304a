"""Options that several commands share, and what they become."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import click

from tariff.errors import UsageError

# tariff.packs.model.RoundingPolicy, which is not imported for `--help`
ROUNDING = ("pence_final", "pound_final", "pound_pre_mff", "pound_per_component")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def extract_options(command: Decorated) -> Decorated:
    """Add what every command that reads an extract takes."""
    for decorate in reversed(
        (
            click.argument(
                "files",
                nargs=-1,
                required=True,
                type=click.Path(path_type=Path, readable=False),  # the reader says it better
                metavar="FILE...",
            ),
            click.option(
                "--layout", metavar="ID|FILE", help="Layout of the files; else recognised."
            ),
            click.option(
                "--pack",
                "packs",
                multiple=True,
                type=click.Path(path_type=Path),
                help="A folder of packs, before those that ship.",
            ),
            click.option(
                "--year", metavar="2024/25", help="Tariff year of records without a date."
            ),
            click.option("--mff", metavar="FACTOR", help="One market forces factor for all."),
            click.option("--mff-year", metavar="2022/23", help="Take every factor from this year."),
            click.option(
                "--price-at",
                type=click.Choice(["billed", "grouped"]),
                default="billed",
                show_default=True,
                help="Which HRG is priced.",
            ),
            click.option(
                "--rounding",
                type=click.Choice(ROUNDING),
                help="How totals are rounded, in place of what the year's price list says.",
            ),
            click.option(
                "--delayed-discharge",
                is_flag=True,
                help="Take delayed discharge days off the days above the trim point.",
            ),
            click.option(
                "--periods",
                multiple=True,
                type=click.Path(path_type=Path, readable=False),
                metavar="FILE",
                help="Dated periods that come off the days of the spells; each day counts once.",
            ),
            click.option(
                "--max-bad-rows",
                type=click.FloatRange(0, 1),
                default=0.05,
                show_default=True,
                help="Share of rows that may be rejected.",
            ),
            click.option(
                "--threads",
                type=click.IntRange(1, 64),
                default=2,
                show_default=True,
                help="Threads.",
            ),
        )
    ):
        command = decorate(command)
    return command


def edition_options(command: Decorated) -> Decorated:
    """Add which prices serve a year of which several editions are held."""
    editions = click.option(
        "--edition",
        "editions",
        multiple=True,
        metavar="2025/26=pay-award",
        help="The edition of a year's prices, where several are held.",
    )
    lists = click.option(
        "--tariff",
        "tariffs",
        multiple=True,
        metavar="PACK_ID",
        help="The price list of its year, by the id of its pack.",
    )
    return editions(lists(command))


def grouped_options(command: Decorated) -> Decorated:
    """Add what takes over the national grouper's own answer."""
    spells = click.option(
        "--grouped-spells",
        type=click.Path(path_type=Path),
        metavar="NAME_spell.csv",
        help="Its spells, where they are not to be taken from the episodes' file.",
    )
    episodes = click.option(
        "--grouped",
        type=click.Path(path_type=Path),
        metavar="NAME_FCE.csv",
        help="The national grouper's output for FILE...: its HRGs stand before ours.",
    )
    keys = click.option(
        "--national-keys",
        type=click.Path(path_type=Path),
        metavar="OUT.keys.csv",
        help="What the records that --for-national made up stand for in that output.",
    )
    return episodes(spells(keys(command)))


def beside_options(command: Decorated) -> Decorated:
    """Add the files that an extract is checked against."""
    registers = click.option(
        "--register",
        "registers",
        multiple=True,
        metavar="NAME=FILE",
        help="A list kept elsewhere, such as deaths=deaths.csv: docs/registers.md.",
    )
    against = click.option(
        "--against",
        multiple=True,
        metavar="national=FILE|earlier=FILE",
        help="The national record, or an earlier snapshot, of the same activity.",
    )
    return registers(against(command))


def named_paths(texts: Iterable[str], option: str, names: Iterable[str]) -> list[tuple[str, Path]]:
    """Read the values of an option of the form NAME=FILE."""
    out = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise UsageError(
                f"'{option} {text}' does not say which it is",
                hint=f"write {option} NAME=FILE, where NAME is one of {', '.join(names)}",
            )
        if name not in names:
            raise UsageError(
                f"{option} {text}: there is no '{name}'", hint=f"one of {', '.join(names)}"
            )
        out.append((name, Path(path)))
    return out


history_option = click.option(
    "--history",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Earlier records: matched against and counted to date, never challenged.",
)


def for_national_option(command: Decorated) -> Decorated:
    """Add what writes the national grouper's input."""
    return click.option(
        "--for-national",
        type=click.Path(path_type=Path),
        metavar="OUT.csv",
        help="Write the national grouper's input for FILE..., and OUT.rdf that defines it.",
    )(command)


def factor(text: str | None) -> int | None:
    """Give a market forces factor in units of 1e-9."""
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise UsageError(f"--mff {text} is not a number", hint="for example --mff 1.0425") from None
    if not value.is_finite() or not 0 < value < 9 or value != round(value, 9):
        raise UsageError(
            f"--mff {text} is out of range", hint="a factor is above 0 and below 9, nine decimals"
        )
    return int(value * 10**9)


class Progress:
    """A bar on a terminal, nothing where standard error is not one."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description:<20}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("reading", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def read(self, done: int, total: int) -> None:
        """Say how many bytes of the extract have been read."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def stage(self, text: str) -> None:
        """Say what is being done now; how long it takes is not known."""
        if self._bar is not None:
            self._bar.update(self._task, description=text, total=None)
