"""`tariff explain`: the page of a signature, an HRG, a spell or a finding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariff.cli.check import LEVELS, opened, run_options
from tariff.cli.options import Progress, extract_options
from tariff.errors import UsageError

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.explain.page import Page


@click.command(context_settings={"show_default": True})
@click.argument("what", metavar="RULE|HRG|SPELL|FINDING")
@extract_options
@click.option(
    "--select",
    multiple=True,
    metavar="ID",
    help="Of a spell: run these signatures (ids or prefixes) instead of the default.",
)
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="high",
    help="Of a spell: run stable signatures of this level and above.",
)
@click.option(
    "--run",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that `tariff check` wrote, for a FINDING.",
)
def explain(what: str, folder: Path | None, **given: Any) -> None:
    """Explain a signature, an HRG, a spell or a finding.

    \b
    tariff explain SPL03                     the page of a signature
    tariff explain EB03A                     an HRG, or a root such as EB03
    tariff explain R1H:1234567 april.csv     every step of a spell, with its price
    tariff explain 0f3a51c2d4e5b697 --run R  a finding of the run in folder R

    A spell is named as spell:PROVIDER:NUMBER, PROVIDER:NUMBER, or by its number alone where only
    one provider has it.
    """
    from tariff.explain.page import show

    if folder is not None and given["files"]:
        raise UsageError(
            "--run and FILE... do not go together",
            hint="a finding is explained from a run, a spell from its extract",
        )
    show(_page(what, folder, given))


def _page(what: str, folder: Path | None, given: dict[str, Any]) -> Page:
    if folder is not None:
        from tariff.explain.finding import finding_page

        return finding_page(folder, what)
    if given["files"]:
        return _spell(what, given)
    from tariff.explain.hrg import hrg_page
    from tariff.explain.lookup import find_hrg, find_rule, unknown
    from tariff.explain.rule import rule_page
    from tariff.packs.compile import Rulebook
    from tariff.packs.load import load_packs

    packs = load_packs(given["packs"])
    rule = find_rule(packs, what)
    if rule is not None:
        return rule_page(rule)
    rulebook = Rulebook(packs)
    hrg = find_hrg(rulebook, what)
    if hrg is None:
        raise unknown(rulebook, what)
    return hrg_page(rulebook, hrg)


def _spell(what: str, given: dict[str, Any]) -> Page:
    from tariff.engine.run import check
    from tariff.explain.spell import spell_page

    options = run_options(given)
    with Progress() as progress:
        run = check(opened(given, progress), options, stage=progress.stage, keep=True)
        progress.stage("explaining")
        return spell_page(run, options, what)


def _files_are_optional() -> None:
    """A signature, an HRG and a finding have no extract."""
    for parameter in explain.params:
        if parameter.name == "files":
            parameter.required = False
            parameter.metavar = "[FILE...]"


_files_are_optional()
