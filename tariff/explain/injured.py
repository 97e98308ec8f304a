"""Multiple trauma and burns of a spell: each injury, its site and score, and the work it asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tariff.explain.counts import Counted, counted_once
from tariff.explain.rows import Row
from tariff.reference.group import TRAUMA, Injury, find_injury, longest
from tariff.reference.tables import GroupTables
from tariff.reference.validate import valid_diagnosis, valid_procedure
from tariff.reference.values import primary


@dataclass(frozen=True)
class Injured:
    """What was found before anything else could drive, with the score of each code."""

    found: Injury
    diagnoses: list[Counted]
    procedures: list[Counted]


def injured(tables: GroupTables, rows: Sequence[Row]) -> Injured | None:
    """Give multiple trauma or a burn, None where the spell holds neither."""
    found = find_injury(tables, rows)
    if found is None:
        return None
    own = tables.injuries
    trauma = found.flag == TRAUMA
    work = own.trauma_procedures if trauma else own.burn_procedures

    def procedure(code: str) -> tuple[int, str]:
        if not valid_procedure(tables.codes, code):
            return 0, "not a valid code: left out"
        score = longest(work, code)
        return (0, "not scored") if score is None else (score, "scored")

    return Injured(
        found,
        counted_once(rows, "diag_", _wound(tables) if trauma else _burn(tables)),
        counted_once(rows, "oper_", procedure),
    )


def _wound(tables: GroupTables) -> Callable[[str], tuple[int, str]]:
    """Score an injury of multiple trauma."""
    own = tables.injuries

    def score(code: str) -> tuple[int, str]:
        if not valid_diagnosis(tables.codes, code):
            return 0, "not a valid code: left out"
        site = longest(own.sites, code)
        if site is None:
            return 0, "not an injury"
        return longest(own.trauma_diagnoses, code) or 0, f"injury, site {site_name(site)}"

    return score


def _burn(tables: GroupTables) -> Callable[[str], tuple[int, str]]:
    """Score a burn or the area of one."""
    own = tables.injuries

    def score(code: str) -> tuple[int, str]:
        if not valid_diagnosis(tables.codes, code):
            return 0, "not a valid code: left out"
        burn = longest(own.burn_diagnoses, code)
        if burn is not None:
            deep = longest(own.deep_burns, code)
            return burn, "a deep burn" if deep else "a burn, not a deep one"
        area = longest(own.burn_areas, code)
        return (0, "not a burn") if area is None else (area, "the area burnt")

    return score


def site_name(site: str) -> str:
    """Give the site of an injury in words."""
    return site.replace("_", " ")


def why_uninjured(tables: GroupTables, rows: Sequence[Row]) -> list[str]:
    """Say what was looked for first, and why it was not found."""
    own, out = tables.injuries, []
    if own.trauma_roots:
        firsts = [code for row in rows if (code := primary(row)) is not None]
        sites = {site for code in firsts if (site := longest(own.sites, code)) is not None}
        why = "no primary diagnosis is an injury"
        if sites:
            why = f"no site is injured beside {', '.join(sorted(map(site_name, sites)))}"
        out.append(f"multiple trauma ({why})")
    if own.burn_roots:
        out.append("a deep burn")
    return out
