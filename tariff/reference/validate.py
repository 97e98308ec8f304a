"""Validation of episodes, as docs/grouping.md has it: which codes are valid, which category.

Every function here answers one sentence of the section on codes or on validation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tariff.packs.model import CodeSet
from tariff.reference.tables import CodeTables, GroupTables
from tariff.reference.values import Episode, family, number, primary, read

FIELD, SPELL = "field", "spell"
UZ01, UZ02, UZ03, UZ04 = "UZ01", "UZ02", "UZ03", "UZ04"
UZ05, UZ06, UZ15 = "UZ05", "UZ06", "UZ15"

DIGITS = "0123456789"


# ---------------------------------------------------------------- codes


def valid_diagnosis(codes: CodeTables, code: str) -> bool:
    """Say whether an ICD-10 code is valid."""
    if code in codes.icd10:
        return True
    if len(code) > 5:
        return False
    code = code[:4]  # a fifth character is ignored for this test
    if code in codes.icd10:
        return True
    category, fourth = code[:3], code[3:]
    if category not in codes.icd10 or not fourth:
        return False
    if fourth == codes.filler:
        return True
    first, last = codes.place_digit_first, codes.place_digit_last
    external_cause = first is not None and last is not None and first <= category <= last
    return external_cause and fourth in DIGITS


def valid_procedure(codes: CodeTables, code: str) -> bool:
    """Say whether an OPCS-4 code is valid."""
    return code in codes.opcs4


def in_code_set(codes: CodeSet, code: str) -> bool:
    """Say whether a rule of the grouper names a code, whole or by a prefix."""
    return code in codes.codes or any(code.startswith(prefix) for prefix in codes.prefixes)


def may_dominate(codes: CodeTables, procedure: str) -> bool:
    """Say whether a procedure may be the dominant one."""
    return not in_code_set(codes.never_dominant, procedure)


def valid_diagnoses(codes: CodeTables, episode: Episode) -> list[str]:
    """Return the valid diagnoses of an episode in order, the primary among them."""
    return [code for code in family(episode, "diag") if valid_diagnosis(codes, code)]


def valid_procedures(codes: CodeTables, episode: Episode) -> list[str]:
    """Return the valid procedures of an episode in order."""
    return [code for code in family(episode, "oper") if valid_procedure(codes, code)]


# ---------------------------------------------------------------- categories


def field_error(tables: GroupTables, episode: Episode, column: str) -> bool:
    """Say whether a field that the extract has is blank where it may not be, or not accepted."""
    value = read(episode, column)
    if value is None:
        return column in tables.fields.mandatory
    accepted = tables.fields.accepted.get(column)
    if accepted is not None and str(value) not in accepted:
        return True
    bounds = tables.fields.numeric.get(column)
    if bounds is None:
        return False
    amount = number(episode, column)
    assert amount is not None
    return not bounds.min <= amount <= bounds.max and amount not in bounds.also


def _has_field_error(tables: GroupTables, episode: Episode, fields: frozenset[str]) -> bool:
    ruled = {*tables.fields.mandatory, *tables.fields.accepted, *tables.fields.numeric}
    if any(field_error(tables, episode, column) for column in ruled & fields):
        return True
    first = primary(episode)
    if "diag_01" in fields and (first is None or not valid_diagnosis(tables.codes, first)):
        return True
    return tables.invalid_secondary_is_error and _has_invalid_secondary(tables, episode)


def _has_invalid_secondary(tables: GroupTables, episode: Episode) -> bool:
    diagnoses = family({c: v for c, v in episode.items() if c != "diag_01"}, "diag")
    procedures = family(episode, "oper")
    return not (
        all(valid_diagnosis(tables.codes, code) for code in diagnoses)
        and all(valid_procedure(tables.codes, code) for code in procedures)
    )


def _has_spell_error(
    tables: GroupTables, episodes: Sequence[Episode], fields: frozenset[str]
) -> bool:
    same = [column for column in tables.fields.same_in_spell if column in fields]
    if any(len({read(e, column) for e in episodes}) > 1 for column in same):
        return True
    used = Counter(number(e, "episode_order") for e in episodes)
    return any(times > 1 for order, times in used.items() if order is not None)


def _may_not_stand_first(tables: GroupTables, code: str) -> bool:
    return valid_diagnosis(tables.codes, code) and in_code_set(tables.codes.never_primary, code)


def _too_old(tables: GroupTables, code: str, age: int | None) -> bool:
    limit = tables.codes.child_primary.max_age
    if limit is None or not in_code_set(tables.codes.child_primary, code):
        return False
    return age is not None and age > limit  # 999, unknown, counts as adult


def _impossible_site(tables: GroupTables, code: str) -> bool:
    """Say whether a diagnosis has a fifth character that its category may not carry."""
    for rule in tables.codes.fifth_characters:
        if len(code) == 5 and code.startswith(tuple(rule.categories)):
            return code[4] not in rule.allowed
    return False


def _burn_without_area(tables: GroupTables, episode: Episode) -> bool:
    diagnoses = valid_diagnoses(tables.codes, episode)
    burns, areas = tables.injuries.burn_diagnoses, tables.injuries.burn_areas
    return any(starts(code, burns) for code in diagnoses) and not any(
        starts(code, areas) for code in diagnoses
    )


def starts(code: str, prefixes: Iterable[str]) -> bool:
    """Say whether a code starts with one of some prefixes."""
    return code.startswith(tuple(prefixes))


def _nothing_may_dominate(tables: GroupTables, episode: Episode) -> bool:
    procedures = valid_procedures(tables.codes, episode)
    return bool(procedures) and not any(may_dominate(tables.codes, code) for code in procedures)


def error_categories(
    tables: GroupTables,
    episodes: Sequence[Episode],
    fields: frozenset[str],
    dominant: Callable[[Episode], str | None],
) -> list[str | None]:
    """Return the error category of each episode of a spell, None for a valid one.

    `fields` are the canonical columns that the extract has; another one is not validated.
    `dominant` gives the procedure that drives an episode, if one does.
    """
    spell_error = _has_spell_error(tables, episodes, fields)
    return [
        _category(tables, episode, fields, spell_error, dominant(episode)) for episode in episodes
    ]


def _category(
    tables: GroupTables,
    episode: Episode,
    fields: frozenset[str],
    spell_error: bool,
    dominant: str | None,
) -> str | None:
    if _has_field_error(tables, episode, fields):
        return FIELD
    if spell_error:
        return SPELL
    codes, first = tables.codes, primary(episode)
    assert first is not None
    tests = {
        UZ01: _may_not_stand_first(tables, first),
        UZ02: in_code_set(codes.vague_primary, first),
        UZ03: _too_old(tables, first, number(episode, "age")),
        UZ04: _impossible_site(tables, first),
        UZ15: in_code_set(codes.vague_burn, first) or _burn_without_area(tables, episode),
        UZ05: tables.only_never_dominant_is_error and _nothing_may_dominate(tables, episode),
        UZ06: dominant is not None and in_code_set(codes.vague_dominant, dominant),
    }
    return next((category for category, failed in tests.items() if failed), None)
