"""The options that say which root causes a report shows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tariff.errors import UsageError

if TYPE_CHECKING:
    from tariff.engine.triage import Limits

Command = TypeVar("Command", bound=Callable[..., Any])
MOST = Decimal(10) ** 12


def limit_options(command: Command) -> Command:
    """Add --min-value and --rows."""
    for option in (
        click.option(
            "--rows",
            type=click.IntRange(min=0),
            metavar="N",
            help="Root causes shown of each class.  [default: 50 on the page, all in the workbook]",
        ),
        click.option(
            "--min-value",
            default="0",
            metavar="POUNDS",
            help="Show root causes of which this much or more is settled. None is left out of the "
            "files.",
        ),
    ):
        command = option(command)
    return command


def limits_of(min_value: str, rows: int | None) -> Limits | None:
    """Give the limits, None where nothing was asked for. UsageError for what is no amount."""
    from tariff.engine.triage import Limits

    try:
        pounds = Decimal(min_value)
    except InvalidOperation:
        pounds = Decimal(-1)
    if not pounds.is_finite() or not 0 <= pounds <= MOST:
        raise UsageError(
            f"--min-value {min_value} is no amount", hint="in pounds, such as 250 or 99.50"
        )
    if rows is None and not pounds:
        return None
    return Limits(int(pounds * 100), rows)
