"""Which best practice flags a spell has (docs/pricing.md, "Which flags a spell has")."""

from __future__ import annotations

from collections.abc import Iterable

from tariff.reference.price_tables import BestPractice, FlagRule
from tariff.reference.spells import Spell
from tariff.reference.values import codes_given, family, number, primary, text

OLDEST = 130  # an age above is not known; the national data sets write 999
SHORT_CODE = 4  # a list entry of so many characters matches what begins with it


def flags_of(held: BestPractice, spell: Spell, hrg: str) -> list[str]:
    """Return the flags given, or where the extract has no such column those of the year's rules."""
    given = codes_given(spell.episodes, "best_practice_flags")
    if given is not None:
        return given
    return sorted({rule.flag for rule in held.rules if _holds(held, rule, spell, hrg)})


def filled(code: str) -> str:
    """Return a diagnosis as lists have it: one of three characters with its filler."""
    return code + "X" if len(code) == 3 else code


def known_age(spell: Spell) -> int | None:
    """Return the age at admission, None where it is not known."""
    age = number(spell.first, "age")
    return None if age is not None and age > OLDEST else age


def _holds(held: BestPractice, rule: FlagRule, spell: Spell, hrg: str) -> bool:
    named = (*rule.hrg_lists, *rule.procedure_lists, *(name for name, _ in rule.diagnosis_lists))
    if any(name not in held.lists for name in named):
        return False
    if not any(hrg in held.lists[name] for name in rule.hrg_lists):
        return False
    if not _age_fits(rule, known_age(spell)):
        return False
    method = text(spell.first, "admission_method")
    if rule.admission_methods and method not in rule.admission_methods:
        return False
    return _procedures_fit(held, rule, spell) and _diagnoses_fit(held, rule, spell)


def _age_fits(rule: FlagRule, age: int | None) -> bool:
    least, most = rule.age
    if least is None and most is None:
        return True
    if age is None:
        return rule.age_unknown
    return (least is None or age >= least) and (most is None or age <= most)


def _procedures_fit(held: BestPractice, rule: FlagRule, spell: Spell) -> bool:
    by_episode = [family(episode, "oper") for episode in spell.episodes]
    procedures = [code for codes in by_episode for code in codes]
    if rule.procedure_lists:
        first = [text(episode, "oper_01") for episode in spell.episodes]
        asked = [code for code in first if code is not None] if rule.procedure_first else procedures
        if not any(_listed(held, name, asked) for name in rule.procedure_lists):
            return False
    return all(
        _listed(held, wanted, procedures)
        if wanted in held.lists
        else any(code.startswith(wanted) for code in procedures)
        for wanted in rule.secondary_procedures
    )


def _diagnoses_fit(held: BestPractice, rule: FlagRule, spell: Spell) -> bool:
    first = [code for code in map(primary, spell.episodes) if code is not None]
    every = [code for episode in spell.episodes for code in family(episode, "diag")]
    return all(
        _listed(held, name, [filled(code) for code in (first if primary_one else every)])
        for name, primary_one in rule.diagnosis_lists
    )


def _listed(held: BestPractice, name: str, codes: Iterable[str]) -> bool:
    """Say whether a code is in a list."""
    entries = held.lists[name]
    short = tuple(entry for entry in entries if len(entry) <= SHORT_CODE)
    return any(code in entries or code.startswith(short) for code in codes)
