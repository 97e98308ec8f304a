"""`tariff doctor`: versions, the compiled core, the packs and their hashes."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import click

import tariff

LIBRARIES = ("numpy", "pyarrow", "pyyaml", "click", "jinja2", "xlsxwriter", "rich")


@click.command()
@click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of packs, before those that ship.",
)
def doctor(packs: tuple[Path, ...]) -> None:
    """Show versions, the compiled core, and the packs in force with their hashes."""
    from tariff._core import group
    from tariff.packs.load import load_packs

    click.echo(f"tariff {tariff.__version__}, Python {platform.python_version()}, {sys.platform}")
    click.echo(f"core   {Path(group.__file__ or '').name} (compiled)")
    for name in LIBRARIES:
        click.echo(f"       {name} {version(name)}")
    held = load_packs(packs)
    for notice in held.notices:
        click.echo(f"note: {notice}")
    click.echo(f"packs  {len(held)}")
    for pack in held:
        manifest = pack.manifest
        click.echo(
            f"       {manifest.kind:<20} {manifest.id:<24} {manifest.version:<8} "
            f"{manifest.provenance:<14} {pack.sha256[:12]}"
        )
