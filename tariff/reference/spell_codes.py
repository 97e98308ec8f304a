"""Codes of a spell that are not valid on their day, or that are kept for other patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from tariff.packs.model import Applies
from tariff.reference.facts import Fields, each_once
from tariff.reference.flags import OLDEST
from tariff.reference.group import unbundled
from tariff.reference.price import PriceOptions
from tariff.reference.record_tables import RecordTables
from tariff.reference.spells import Spell
from tariff.reference.tables import CodeTables, GroupTables
from tariff.reference.validate import in_code_set, valid_diagnosis, valid_procedure
from tariff.reference.values import Episode, day, family, number, text

SEXES = ("1", "2")  # any other conflicts with no code


def code_fields(tables: RecordTables, spell: Spell, options: PriceOptions) -> Fields:
    """Return the first code that is wrong, of the diagnoses before the procedures; what is beside.

    Unbundled HRGs are named without the days that some of them count.
    """
    grouper = tables.grouper(spell.discharge_date, options)
    grouped = [episode for episode in spell.episodes if "diag_01" in episode]  # else nothing is
    beside = [hrg for episode in grouped for hrg in unbundled(grouper, episode)]
    return {
        "invalid_code": next(_invalid(tables, spell), None),
        "conflicting_code": next(_conflicting(grouper, spell), None),
        "any_unbundled": each_once(hrg.split("*")[0] for hrg in beside),
    }


# ---------------------------------------------------------------- not valid


def _invalid(tables: RecordTables, spell: Spell) -> Iterator[str]:
    """Give the codes that are not valid on the day their episode ended, or the spell did.

    On a day of which the codes are not held any code may be valid.
    """
    for classification, name in (("icd10", "diag"), ("opcs4", "oper")):
        valid = valid_diagnosis if classification == "icd10" else valid_procedure
        for episode in spell.episodes:
            when = day(episode, "episode_end_date") or spell.discharge_date
            codes = tables.grouper(when, PriceOptions()).codes
            if _is_held(codes.held[classification], when):
                yield from (code for code in family(episode, name) if not valid(codes, code))


def _is_held(applies: Applies, when: date | None) -> bool:
    if when is None:
        return applies.from_ is None and applies.to is None
    return (applies.from_ is None or applies.from_ <= when) and (
        applies.to is None or when <= applies.to
    )


# ---------------------------------------------------------------- kept for other patients


def _conflicting(grouper: GroupTables, spell: Spell) -> Iterator[str]:
    """Give the codes that the tables keep for the other sex, or for another age."""
    codes = grouper.codes
    for episode in spell.episodes:
        for column, code in _placed(episode, "diag"):
            if _other_patient(codes.limits["icd10"], code, episode) or (
                column == "diag_01" and _of_a_child(codes, code, episode)
            ):
                yield code
    for episode in spell.episodes:
        for _, code in _placed(episode, "oper"):
            if _other_patient(codes.limits["opcs4"], code, episode):
                yield code


def _placed(episode: Episode, name: str) -> Iterator[tuple[str, str]]:
    """Give the codes of a family with their columns, in the order of position."""
    for place in range(1, 100):
        code = text(episode, f"{name}_{place:02}")
        if code is not None:
            yield f"{name}_{place:02}", code


def _known_age(episode: Episode) -> int | None:
    age = number(episode, "age")
    return age if age is not None and 0 <= age <= OLDEST else None


def _of_a_child(codes: CodeTables, code: str, episode: Episode) -> bool:
    age, most = _known_age(episode), codes.child_primary.max_age
    if age is None or most is None:
        return False
    return age > most and in_code_set(codes.child_primary, code)


def _other_patient(limits: Mapping[str, Mapping[str, str]], code: str, episode: Episode) -> bool:
    """Say whether the longest entry that a code begins with is of another sex or age."""
    prefixes = (code[:length] for length in range(len(code), 0, -1))
    row = next((limits[prefix] for prefix in prefixes if prefix in limits), None)
    if row is None:
        return False
    sex, age = text(episode, "sex"), _known_age(episode)
    if row["sex"] and sex in SEXES and sex != row["sex"]:
        return True
    if age is None:
        return False
    least, most = row["age_min"], row["age_max"]
    return bool((least and age < int(least)) or (most and age > int(most)))
