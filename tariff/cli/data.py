"""`tariff data`: look at extracts, make artificial ones, score findings against their key."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.extract.profile import ColumnProfile

LATER = {  # imported when they are called
    "synth": "tariff.cli.synth:synth",
    "score": "tariff.cli.score:score",
    "unplant": "tariff.cli.score:unplant",
}


class DataGroup(click.Group):
    """The commands of this file, and those of others by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them."""
        return [*super().list_commands(ctx), *LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command of another file."""
        if cmd_name not in LATER:
            return super().get_command(ctx, cmd_name)
        module, _, name = LATER[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=DataGroup)
def data() -> None:
    """Field coverage of an extract, artificial extracts, findings against their key."""


@data.command("profile")
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--write-layout",
    "layout_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the proposed layout to this YAML file.",
)
def profile_command(file: Path, layout_path: Path | None) -> None:
    """What the columns of FILE hold, and which canonical columns they may be.

    Values are shown only of columns that are not identifiers. The proposed layout is meant to be
    read through by a person; then `tariff check FILE --layout L.yaml` uses it.
    """
    from tariff.errors import UsageError
    from tariff.extract.profile import layout_text, profile

    if layout_path is not None:
        if layout_path.suffix.lower() not in {".yaml", ".yml"}:
            raise UsageError(f"{layout_path}: a layout is a .yaml file", hint="give it that suffix")
        if layout_path.exists():
            raise UsageError(
                f"{layout_path} is already there", hint="choose another name, or remove it"
            )
        if not layout_path.parent.is_dir():
            raise UsageError(f"{layout_path.parent} is not a folder", hint="make it first")
    found = profile(file)
    looked = f"{found.rows:,} rows" if found.whole else f"the first {found.rows:,} rows"
    written = f", {found.delimiter}-separated" if found.delimiter else ""
    click.echo(f"{found.name}: {looked}, {len(found.columns)} columns{written}")
    click.echo("")
    click.echo(_table(found.columns))
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    if layout_path is not None:
        name = re.sub(r"[^a-z0-9]+", "-", layout_path.stem.lower()).strip("-") or "proposed"
        temporary = layout_path.with_name(f".{layout_path.name}.{os.getpid()}")
        temporary.write_text(layout_text(found, name), encoding="utf-8")
        temporary.replace(layout_path)
        click.echo(f"\nproposed layout: {layout_path} ({len(found.mapped)} columns mapped)")


def _table(columns: Sequence[ColumnProfile]) -> str:
    """The columns as aligned text."""
    rows = [("", "column", "filled", "distinct", "canonical", "why", "examples")]
    for column in columns:
        distinct = f"{column.distinct:,}" + ("+" if column.distinct_is_lower_bound else "")
        why = "; ".join(part for part in (column.reason, column.warning) if part)
        rows.append(
            (
                str(column.position),
                column.name,
                f"{column.filled_share:.1%}",
                distinct,
                column.canonical,
                why,
                ", ".join(column.examples),
            )
        )
    widths = [min(max(len(row[place]) for row in rows), 44) for place in range(7)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in {0, 2, 3} else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
