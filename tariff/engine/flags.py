"""The best practice flag that decides the price of each spell (docs/pricing.md, step 5)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tariff.engine.flag_rules import NO_RANK, FlagRule, FlagRules
from tariff.engine.members import Members
from tariff.engine.spell_codes import Bools, CodeIndex, any_of, listed
from tariff.packs.grouping import NULL32

if TYPE_CHECKING:
    from tariff.engine.price import PriceInput

__all__ = ["FlagRules", "Flags", "derived_flags", "flags"]

OLDEST = 130  # an age above is unknown: 999 in the national data sets
Ids = NDArray[np.int64]


@dataclass
class Flags:
    """`decides`, per spell: the id of the flag by which it is priced, -1 none.

    `unknown`: flags given that the year does not have, by how many spells.
    """

    decides: NDArray[np.int16]
    unknown: Counter[str]


def flags(
    rules: FlagRules, members: Members, spells: PriceInput, tariff: NDArray[np.int16]
) -> Flags:
    """Give the flag of each spell, as given by the extract, else worked out.

    Of `spells` the HRG, admission method and age are read; `tariff` is an index of the packs,
    below 0 for none.
    """
    out = Flags(np.full(len(members), -1, np.int16), Counter())
    given = _given(rules, members, tariff, out.unknown)
    spell, flag = given if given is not None else derived_flags(rules, members, spells, tariff)
    keep = (tariff[spell] >= 0) & (spells.hrg[spell] >= 0)
    spell, flag = spell[keep], flag[keep]
    rank = rules.rank[tariff[spell], spells.hrg[spell], flag]
    best = np.full(len(members), NO_RANK, np.int32)
    np.minimum.at(best, spell, rank)
    decided = best != NO_RANK
    # the rank ends in the flag: the hierarchy times the number of flags, and the flag
    out.decides[decided] = best[decided] % len(rules.flags)
    return out


def _given(
    rules: FlagRules, members: Members, tariff: NDArray[np.int16], unknown: Counter[str]
) -> tuple[Ids, Ids] | None:
    """Give the flags of the extract as pairs of spell and flag; None where it has no column."""
    found = listed(members, "best_practice_flags")
    if found is None:
        return None
    ids = np.array([rules.ids.get(value, -1) for value in found.values], np.int64)[found.code]
    of = tariff[found.spell]
    # [tariff, value]: whether the year has the flag
    has = np.array([[v in known for v in found.values] for known in rules.known], bool)
    known = np.zeros(len(ids), bool)
    held = of >= 0
    known[held] = has[of[held], found.code[held]]
    unknown.update(found.values[code] for code in found.code[held & ~known])
    return found.spell[known], ids[known]


def derived_flags(
    rules: FlagRules, members: Members, spells: PriceInput, tariff: NDArray[np.int16]
) -> tuple[Ids, Ids]:
    """Work out the flags of spells: pairs of spell and flag.

    Only spells with an HRG that a rule names are looked at.
    """
    asked = (tariff >= 0) & (spells.hrg >= 0)
    asked[asked] = rules.flagged[tariff[asked], spells.hrg[asked]]
    pairs: list[tuple[Ids, Ids]] = []
    for index in np.unique(tariff[asked]):
        which = np.flatnonzero(asked & (tariff == index))
        hrg, age, method = spells.hrg[which], spells.age[which], spells.method[which]
        for rule in rules.rules[index]:
            fits = rule.hrgs[hrg] & _age_fits(rule, age)
            if rule.methods:
                fits &= np.array([m in rule.methods for m in spells.methods], bool)[method]
            found = which[fits]
            if len(found):
                found = found[_codes_fit(rule, members.take(found))]
                pairs.append((found, np.full(len(found), rule.flag, np.int64)))
    if not pairs:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    spell, flag = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return spell, flag


def _age_fits(rule: FlagRule, age: NDArray[np.int32]) -> Bools:
    if rule.ages is None:
        return np.ones(len(age), bool)
    unknown = (age == NULL32) | (age > OLDEST)
    within: Bools = (age >= rule.ages[0]) & (age <= rule.ages[1])
    return np.where(unknown, rule.age_unknown, within)


def _codes_fit(rule: FlagRule, members: Members) -> Bools:
    """Say which spells have the procedures and diagnoses that a rule asks for."""
    fits = np.ones(len(members), bool)
    procedures = CodeIndex.of(members.frame.procedures)
    asked = [(rule.procedures, rule.procedure_primary)] if rule.procedures else []
    for codes, primary in (*asked, *((codes, False) for codes in rule.secondary)):
        fits &= any_of(members, procedures.table(codes), diagnoses=False, primary=primary)
    diagnoses = CodeIndex.of(members.frame.diagnoses)
    for codes, primary in rule.diagnoses:
        fits &= any_of(members, diagnoses.table(codes), diagnoses=True, primary=primary)
    return fits
