"""`tariff pack`: check rule packs, list those in force, write their JSON Schemas."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariff.cli.pack_import import import_packs
from tariff.cli.pack_test import test

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.errors import Problem
    from tariff.packs.load import Loading

INVALID = 3


@click.group()
def pack() -> None:
    """Check, test, list, describe and import rule packs."""


pack.add_command(test)
pack.add_command(import_packs)


@pack.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="How problems are printed; github marks them in a pull request.",
)
@click.option("--warnings-as-errors", is_flag=True, help="Exit 3 on warnings too.")
def check(paths: tuple[Path, ...], form: str, warnings_as_errors: bool) -> None:
    """Check packs: every problem of every file at once.

    PATHS are folders of one pack or many, or files in them; without any, all packs in force are
    checked. Exits 3 when a pack is invalid. docs/pack-problems.md explains each code.
    """
    from tariff.packs.lint import lint

    layouts = _layouts(paths)
    loading, checked = _loaded([path for path in paths if not _holds_layouts(path, layouts)])
    problems = [*loading.problems, *lint(loading.packs, date.today())]
    if paths:
        problems = [problem for problem in problems if _inside(Path(problem.path), checked)]
    problems += _layout_problems(layouts)
    problems = sorted(dict.fromkeys(problems))
    _print(problems, form)
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    for notice in loading.notices:
        click.echo(f"note: {notice}", err=True)
    count = sum(not paths or _inside(item.root, checked) for item in loading.packs)
    click.echo(
        f"{_count(count, 'pack')} and {_count(len(layouts), 'layout')} read, "
        f"{_count(errors, 'error')}, {_count(warnings, 'warning')}",
        err=True,
    )
    if errors or (warnings and warnings_as_errors):
        sys.exit(INVALID)


@pack.command("list")
@click.option(
    "--pack", "extra", multiple=True, type=click.Path(path_type=Path), help="More packs, first."
)
def list_packs(extra: tuple[Path, ...]) -> None:
    """List the packs in force: kind, id, version, dates, provenance, hash."""
    from tariff.packs.load import load_packs

    packs = load_packs(extra)
    rows = [("kind", "id", "version", "from", "to", "provenance", "sha256")]
    for item in packs:
        applies = item.manifest.applies
        rows.append(
            (
                item.manifest.kind,
                item.id,
                item.manifest.version,
                str(applies.from_ or ""),
                str(applies.to or ""),
                item.manifest.provenance,
                item.sha256[:12],
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    for notice in packs.notices:
        click.echo(f"note: {notice}", err=True)


@pack.command()
@click.argument("kind", required=False)
@click.option(
    "--write",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every schema into a folder.",
)
def schema(kind: str | None, folder: Path | None) -> None:
    """Print the JSON Schema of a KIND of pack (or `rule`), or write them all."""
    from tariff.errors import UsageError
    from tariff.packs.problems import did_you_mean
    from tariff.packs.schema import dumped, schemas, write_schemas

    if folder is not None:
        for path in write_schemas(folder):
            click.echo(f"wrote {path}", err=True)
        return
    found = {name.removesuffix(".json"): text for name, text in schemas().items()}
    if kind is None:
        click.echo("\n".join(sorted(found)))
    elif kind in found:
        click.echo(dumped(found[kind]), nl=False)
    else:
        raise UsageError(
            f"there is no schema '{kind}'", hint=did_you_mean(kind, set(found), "schemas")
        )


# ---------------------------------------------------------------- helpers


def _loaded(paths: Sequence[Path]) -> tuple[Loading, list[Path]]:
    """The packs given before those in force, so that references are found; and what to report."""
    from tariff.packs.load import read_levels, search_order

    folders = [_pack_of(path) for path in paths]
    return read_levels(search_order(folders)), [folder.resolve() for folder in folders]


def _pack_of(path: Path) -> Path:
    """The pack that a file is of; a folder as it is."""
    if not path.is_file():
        return path
    for folder in path.resolve().parents:
        if (folder / "pack.yaml").is_file():
            return folder
    return path.parent


def _layouts(paths: Sequence[Path]) -> list[Path]:
    """The layout files among what is to be checked: single YAML files that are of no pack."""
    from tariff.packs.load import shipped_folder

    found = []
    for path in paths or [shipped_folder()]:
        if path.is_dir():
            found += sorted(path.glob("layouts/*.yaml" if path.name != "layouts" else "*.yaml"))
        elif path.is_file() and not (_pack_of(path) / "pack.yaml").is_file():
            found.append(path)
    return found


def _holds_layouts(path: Path, layouts: Sequence[Path]) -> bool:
    """Whether a path is a layout, or a folder of nothing but layouts."""
    return path in layouts or (path.name == "layouts" and path.is_dir())


def _layout_problems(paths: Sequence[Path]) -> list[Problem]:
    from tariff.extract.layout import Layout
    from tariff.packs.nodes import decode_file

    return [problem for path in paths for problem in decode_file(path, Layout)[1]]


def _inside(path: Path, folders: Sequence[Path]) -> bool:
    real = path.resolve()
    return any(real.is_relative_to(folder) for folder in folders)


def _print(problems: Sequence[Problem], form: str) -> None:
    if form == "json":
        click.echo(json.dumps([asdict(problem) for problem in problems], indent=2))
        return
    for problem in problems:
        click.echo(_github(problem) if form == "github" else str(problem))


def _github(problem: Problem) -> str:
    """A workflow command, its values escaped as the runner asks."""
    message = problem.message + (f" ({problem.hint})" if problem.hint else "")
    place = f"file={_escaped(problem.path)},line={problem.line},col={problem.column}"
    return f"::{problem.severity} {place},title={problem.code}::{_escaped(message, False)}"


def _escaped(text: str, is_property: bool = True) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
