"""Checks of packs beyond their types: first each pack by itself, then the packs beside each other.

A pack may waive a check by code, row and reason. A waiver of what no check says warns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from tariff.errors import Problem
from tariff.packs import lint_contract, lint_cross, lint_rules, lint_tables
from tariff.packs.findings import Findings
from tariff.packs.load import LoadedPack
from tariff.packs.model import Applies
from tariff.packs.problems import KINDS

STALE_YEARS = 2


def lint(packs: Iterable[LoadedPack], today: date) -> list[Problem]:
    """Every problem of the packs, those that are waived left out, in order of file and place."""
    sets = {pack.root: Findings(pack) for pack in packs}
    loaded = [findings.pack for findings in sets.values()]
    for findings in sets.values():
        lint_pack(findings, today)
    whole = [pack for pack in loaded if pack.has_tables]
    lint_cross.check(whole, sets)
    lint_contract.across(whole, sets)
    return sorted(problem for findings in sets.values() for problem in _without_waived(findings))


def lint_contract_pack(pack: LoadedPack, packs: Iterable[LoadedPack], today: date) -> list[Problem]:
    """Every problem of one contract, beside the packs in force; those of the others are not told.

    A contract moves money, so a run that is given one looks at it first.
    """
    findings = Findings(pack)
    lint_pack(findings, today)
    lint_contract.across([one for one in packs if one.has_tables], {pack.root: findings})
    return sorted(_without_waived(findings))


def lint_pack(findings: Findings, today: date) -> None:
    """The checks of one pack by itself."""
    pack = findings.pack
    manifest = pack.manifest
    if not manifest.title.strip():
        findings.add("PK420", pack.at("title"), "the title is empty")
    if not manifest.sources:
        findings.add("PK420", pack.at("sources"), "no source is named")
    for index, source in enumerate(manifest.sources):
        if not source.title.strip():
            findings.add("PK420", pack.at("sources", index), "the title of a source is empty")
    check_dates(findings, manifest.applies)
    if _years_before(today, STALE_YEARS) > manifest.last_checked:
        findings.add(
            "PK410",
            pack.at("last_checked"),
            f"last checked on {manifest.last_checked}, more than {STALE_YEARS} years ago",
            hint="check the pack against its sources, and write the day",
        )
    if pack.has_tables:
        lint_tables.check(findings)
    lint_rules.check(findings)


def check_dates(findings: Findings, applies: Applies) -> None:
    """`from` is not after `to`."""
    if applies.from_ and applies.to and applies.from_ > applies.to:
        findings.add(
            "PK409",
            findings.pack.at("applies"),
            f"applies from {applies.from_} to {applies.to}: the end is before the beginning",
        )


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _without_waived(findings: Findings) -> Sequence[Problem]:
    pack = findings.pack
    waivers = pack.manifest.waivers
    used: set[int] = set()
    kept: list[Problem] = []
    for problem, row in findings.found:
        fitting = [
            index
            for index, waiver in enumerate(waivers)
            if waiver.code == problem.code and waiver.row in ("", row)
        ]
        if KINDS[problem.code].waivable and fitting:
            used.update(fitting)
        else:
            kept.append(problem)
    notes = Findings(pack)
    for index, waiver in enumerate(waivers):
        at = pack.at("waivers", index)
        kind = KINDS.get(waiver.code)
        if kind is None or not kind.waivable:
            notes.add("PK491", at, f"{waiver.code} cannot be waived")
        elif index not in used and pack.intact:
            row = f" of row '{waiver.row}'" if waiver.row else ""
            notes.add("PK490", at, f"no check says {waiver.code}{row}", hint="remove the waiver")
        if not waiver.reason.strip():
            notes.add("PK420", at, "a waiver gives its reason")
    return [*kept, *(problem for problem, _ in notes.found)]
