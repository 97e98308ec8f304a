"""Codes of a spell that are not valid on their day, or that are kept for other patients."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tariff.engine.field_table import Codes, Numbers, wide
from tariff.engine.frame import VALIDATED_CODES, VALIDATED_NUMBERS
from tariff.engine.price import EPOCH
from tariff.engine.spells import Spells
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.grouping import OPEN_MAX, OPEN_MIN, Classification

Mask = NDArray[np.bool_]
OLDEST = 130  # years; 999 is unknown
SEXES = ("1", "2")


def invalid_code(spells: Spells, rulebook: Rulebook, discharged: Numbers) -> Codes:
    """Give the first diagnosis, else procedure, that is not valid on the day its episode ended.

    An episode without an end counts on the day of discharge. A code counts as valid on a day of
    which the codes are not held.
    """
    days, of_row = np.unique(_ended(spells, discharged), return_inverse=True)
    on = [None if day == NULL64 else EPOCH + timedelta(days=int(day)) for day in days.tolist()]
    grouper = np.array([rulebook.grouper_of(day) for day in on], np.int64)[of_row]

    bad = _nothing(spells)
    for index in np.unique(grouper).tolist():
        for classification, found, (block, values) in zip(
            _pair(rulebook, index), bad, _blocks(spells), strict=True
        ):
            held = np.array([_holds(classification, day) for day in on], bool)
            at = np.flatnonzero((grouper == index) & held[of_row])
            wrong = np.array([bool(value) and not classification.valid(value) for value in values])
            found[at] = wrong[block[at]]
    return _first(spells, bad)


def conflicting_code(spells: Spells, rulebook: Rulebook, grouper_of: NDArray[np.int16]) -> Codes:
    """Give the first diagnosis, else procedure, that the tables keep for other patients.

    By sex and age as the `limits` of the codes packs have them, and a primary diagnosis of a child
    by `child_primary`. A sex that is not 1 or 2, and an age that is not known, conflict with none.
    """
    frame = spells.frame
    grouper = grouper_of.astype(np.int64)[spells.spell_of_rows()]
    age = wide(frame.numbers[VALIDATED_NUMBERS.index("age")])[spells.perm]
    age = np.where((age < 0) | (age > OLDEST), NULL64, age)
    sexes = frame.vocabularies["sex"].values
    of_sex = np.array([SEXES.index(sex) if sex in SEXES else -1 for sex in sexes], np.int64)
    sex = of_sex[frame.code_fields[VALIDATED_CODES.index("sex")][spells.perm]]
    bad = _nothing(spells)
    for index in np.unique(grouper).tolist():
        at = np.flatnonzero(grouper == index)
        for classification, found, (block, values) in zip(
            _pair(rulebook, index), bad, _blocks(spells), strict=True
        ):
            here, years = block[at], age[at][:, None]
            limits = [classification.limit(value) for value in values]
            low = np.array([OPEN_MIN if one.age_min is None else one.age_min for one in limits])
            high = np.array([OPEN_MAX if one.age_max is None else one.age_max for one in limits])
            wrong = (years != NULL64) & ((years < low[here]) | (years > high[here]))
            for place, code in enumerate(SEXES):
                other = np.array([one.sex not in ("", code) for one in limits])
                wrong |= (sex[at] == place)[:, None] & other[here]
            oldest = classification.manifest.child_primary.max_age
            if oldest is not None:
                child = np.array([classification.of_child(value) for value in values])
                wrong[:, 0] |= child[here[:, 0]] & (age[at] > oldest)
            found[at] = wrong
    return _first(spells, bad)


def _ended(spells: Spells, discharged: Numbers) -> Numbers:
    column = spells.frame.column("episode_end_date")
    left = discharged[spells.spell_of_rows()]
    if column is None:
        return left
    ended = wide(column)[spells.perm]
    return np.where(ended == NULL64, left, ended)


def _holds(classification: Classification, day: date | None) -> bool:
    applies = classification.manifest.applies
    if day is None:
        return applies.from_ is None and applies.to is None
    return (applies.from_ or date.min) <= day <= (applies.to or date.max)


def _pair(rulebook: Rulebook, grouper: int) -> tuple[Classification, Classification]:
    compiled = rulebook.groupers[grouper]
    return compiled.icd10, compiled.opcs4


def _blocks(spells: Spells) -> list[tuple[NDArray[np.uint16], list[str]]]:
    frame = spells.frame
    return [
        (frame.diag[spells.perm], frame.diagnoses.values),
        (frame.oper[spells.perm], frame.procedures.values),
    ]


def _nothing(spells: Spells) -> list[Mask]:
    return [np.zeros(block.shape, bool) for block, _ in _blocks(spells)]


def _first(spells: Spells, bad: list[Mask]) -> Codes:
    """Give the first code of each spell that is wrong: of the diagnoses, else the procedures."""
    owner = spells.spell_of_rows()
    out = np.full(len(spells), -1, np.int64)
    names: list[str] = []
    for (block, values), found in zip(_blocks(spells), bad, strict=True):
        row, place = np.nonzero(found)
        of, first = np.unique(owner[row], return_index=True)
        codes = block[row[first], place[first]].astype(np.int64) + len(names)
        out[of] = np.where(out[of] < 0, codes, out[of])
        names += values
    return out, names
