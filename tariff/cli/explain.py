"""`tariff explain`: the page of a signature, an HRG, a flag, a service, a spell or a finding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariff.cli.check import LEVELS, opened, run_options
from tariff.cli.options import Progress, edition_options, extract_options, history_option
from tariff.cli.policies import check_policies, policies_for_page, policies_option
from tariff.errors import UsageError

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.explain.page import Page


@click.command(context_settings={"show_default": True})
@click.argument("what", metavar="RULE|HRG|FLAG|SERVICE|SPELL|FINDING")
@extract_options
@edition_options
@policies_option
@history_option
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
    """Explain a signature, an HRG, a best practice flag, a service, a spell or a finding.

    \b
    tariff explain SPL03                     the page of a signature
    tariff explain EB03A                     an HRG, or a root such as EB03
    tariff explain BP01                      a best practice flag
    tariff explain NCBPS08O                  a specialised service, with its top-up
    tariff explain R1H:1234567 april.csv     every step of a spell, with its price
    tariff explain 0f3a51c2d4e5b697 --run R  a finding of the run in folder R

    A spell is named as spell:PROVIDER:NUMBER, PROVIDER:NUMBER, or by its number alone where only
    one provider has it.
    """
    from tariff.explain.lookup import refuse_other_care
    from tariff.explain.page import show

    if folder is None:
        refuse_other_care(what)
    if folder is not None and given["files"]:
        raise UsageError(
            "--run and FILE... do not go together",
            hint="a finding is explained from a run, a spell from its extract",
        )
    show(_page(what, folder, given))


def _page(what: str, folder: Path | None, given: dict[str, Any]) -> Page:
    if folder is not None:
        _of_spells_alone(given)
        from tariff.explain.finding import finding_page

        return finding_page(folder, what)
    if given["files"]:
        return _spell(what, given)
    _of_spells_alone(given)
    from tariff.explain.flag import named_page
    from tariff.explain.hrg import hrg_page
    from tariff.explain.lookup import find_hrg, find_rule, unknown
    from tariff.explain.rule import rule_page
    from tariff.packs.compile import rulebook_of
    from tariff.packs.editions import parsed
    from tariff.packs.load import load_packs

    packs = load_packs(given["packs"])
    rule = find_rule(packs, what)
    if rule is not None:
        return rule_page(rule)
    rulebook = rulebook_of(packs, parsed(given["editions"], given["tariffs"]))
    hrg = find_hrg(rulebook, what)
    page = hrg_page(rulebook, hrg) if hrg is not None else named_page(rulebook, what)
    if page is None:
        raise unknown(rulebook, what)
    return page


def _of_spells_alone(given: dict[str, Any]) -> None:
    """Refuse options that only the page of a spell goes by."""
    for name in ("policies", "history", "periods", "select"):
        if given[name]:
            raise UsageError(
                f"--{name} is only for the page of a spell",
                hint=f"tariff explain SPELL FILE... --{name} ..., or leave it out",
            )


def _spell(what: str, given: dict[str, Any]) -> Page:
    from tariff.engine.run import check
    from tariff.explain.spell import spell_page

    _episodes_alone(given)
    options = run_options(given)
    check_policies(given)
    with Progress() as progress:
        run = check(opened(given, progress), options, stage=progress.stage, keep=True)
        progress.stage("explaining")
        policies = policies_for_page(run, options, given)
        return spell_page(run, options, what, policies=policies)


def _episodes_alone(given: dict[str, Any]) -> None:
    """Refuse care that is not admitted, whose records have no page of steps."""
    from tariff.explain.lookup import HOW_OTHER_CARE
    from tariff.extract.several import by_dataset
    from tariff.report.text import KIND

    for name, files in by_dataset(given["files"], given["layout"]).items():
        if name in KIND:
            raise UsageError(
                f"{files[0]} holds {KIND[name][1]}; only a spell is explained from its extract",
                hint=HOW_OTHER_CARE,
            )


def _files_are_optional() -> None:
    """Only the page of a spell needs an extract."""
    for parameter in explain.params:
        if parameter.name == "files":
            parameter.required = False
            parameter.metavar = "[FILE...]"


_files_are_optional()
