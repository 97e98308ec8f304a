"""`tariff pack test`: the inline tests of packs."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def test(paths: tuple[Path, ...], form: str) -> None:
    """Run the inline tests of packs: of rules in one run, of price lists in one call, of contracts.

    PATHS are folders of packs; without any, the tests of all packs in force are run. Exits 3 when
    a test fails.
    """
    from tariff.engine.packtest import as_json, run_tests
    from tariff.packs.compile import rulebook_of
    from tariff.packs.load import load_packs

    packs = load_packs(paths)
    roots = [path.resolve() for path in paths]
    wanted = [
        pack
        for pack in packs
        if not roots or any(pack.root.resolve().is_relative_to(root) for root in roots)
    ]
    outcomes = run_tests(rulebook_of(packs), wanted)
    failed = [outcome for outcome in outcomes if outcome.wrong]
    if form == "json":
        click.echo(as_json(outcomes))
    else:
        for outcome in failed:
            click.echo(f"FAILED {outcome.of}: {outcome.name}\n  {outcome.wrong}")
    tested = len({outcome.of for outcome in outcomes})
    click.echo(
        f"{len(outcomes)} tests of {tested} rules, price lists and contracts: "
        f"{len(outcomes) - len(failed)} passed, {len(failed)} failed",
        err=form == "json",
    )
    if failed:
        sys.exit(3)
