"""What is wrong with an episode, in the words of the national grouper's quality files.

A message is code type, code, text; the code is empty where a value is missing or where episodes
disagree. Texts that are not known from the grouper's manual are written in its manner.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.frame import VALIDATED_CODES, VALIDATED_NUMBERS
from tariff.engine.reasons import CATEGORIES
from tariff.engine.tables import error_names
from tariff.national.layouts import NATIONAL
from tariff.national.records import diagnosis_texts
from tariff.national.text import fit
from tariff.packs.grouping import NULL32

TITLES = {
    "sex": "Sex",
    "patient_classification": "Patient Classification",
    "admission_source": "Admission Source",
    "admission_method": "Admission Method",
    "discharge_destination": "Discharge Destination",
    "discharge_method": "Discharge Method",
    "main_specialty": "Main Specialty",
    "treatment_function": "Treatment Function",
    "neonatal_care": "Neonatal Level of Care",
    "age": "Start Age",
    "episode_order": "Episode Order",
    "episode_duration": "Episode Duration",
    "critical_care_days": "Critical Care Days",
    "rehabilitation_days": "Rehabilitation Days",
    "palliative_care_days": "Specialist Palliative Care Days",
}
CATEGORY_TEXTS = {
    "UZ01": "Invalid Primary Diagnosis",
    "UZ02": "Poorly Coded Primary Diagnosis",
    "UZ03": "Diagnosis Conflicts with Age",
    "UZ04": "Diagnosis Conflicts with Anatomical Site",
    "UZ05": "Invalid procedure for Casemix grouping",
    "UZ06": "Poorly coded procedure",
    "UZ15": "Burns error",
}
OF_PROCEDURES = ("UZ05", "UZ06")
DISAGREE = "PROVSPNO", "", "Episodes of the spell are inconsistent"


class Message(NamedTuple):
    """One error of an episode."""

    code_type: str
    code: str
    text: str

    def __str__(self) -> str:
        return "|".join(self)


def messages(columns: SpellColumns) -> dict[int, list[Message]]:
    """Give the errors of each row that has any, by row of the frame, in a fixed order."""
    return _Collector(columns).collect()


class _Collector:
    def __init__(self, columns: SpellColumns) -> None:
        self.columns = columns
        self.frame = columns.frame
        self.found: dict[int, list[Message]] = {}
        self._diagnoses = diagnosis_texts(columns)
        self._procedures = fit(self.frame.procedures.values)
        rules = columns.rulebook.groupers[-1].opcs4.manifest.vague_dominant
        prefixes = tuple(rules.prefixes)
        self._vague = [
            code in rules.codes or code.startswith(prefixes)
            for code in self.frame.procedures.values
        ]

    def collect(self) -> dict[int, list[Message]]:
        if "diag_01" not in self.frame.fields:
            return {}
        self._fields()
        self._between_episodes()
        self._codes()
        self._categories()
        return dict(sorted(self.found.items()))

    def _add(self, row: int, code_type: str, code: str, text: str) -> None:
        self.found.setdefault(int(row), []).append(Message(code_type, code, text))

    def _fields(self) -> None:
        perm, errors = self.columns.spells.perm, self.columns.groups.row_errors
        for row in perm[errors[perm] != 0]:
            for name in error_names(int(errors[row])).split():
                if name == "diag_01":
                    code = self._diagnoses[self.frame.diag[row, 0]]
                    blank = "Primary Diagnosis is blank"
                    self._add(row, "DIAG_01", code, "Diagnosis is invalid" if code else blank)
                elif name in NATIONAL:
                    value = self._value(name, row)
                    state = "invalid" if value else "blank"
                    self._add(row, NATIONAL[name], value, f"{TITLES[name]} is {state}")

    def _value(self, name: str, row: int) -> str:
        if name in VALIDATED_NUMBERS:
            number = int(self.frame.numbers[VALIDATED_NUMBERS.index(name), row])
            return "" if number == NULL32 else str(number)
        ids = self.frame.code_fields[VALIDATED_CODES.index(name)]
        return fit([self.frame.vocabularies[name].values[ids[row]]])[0]

    def _between_episodes(self) -> None:
        """Fields that must be the same through a spell, and numbers that must not."""
        spells, frame = self.columns.spells, self.frame
        if (spells.episodes == 1).all():
            return
        first = np.repeat(spells.first, spells.episodes)
        rules = self.columns.rulebook.groupers[int(self.columns.groups.grouper[0])].field_values
        for name in rules.same_in_spell:
            column = frame.column(name)
            if name in frame.fields and column is not None:
                differs = column[spells.perm] != column[first]
                self._mark_spells(
                    differs, NATIONAL[name], f"{TITLES[name]} is inconsistent in spell"
                )
        order = frame.column("episode_order")
        if order is not None and "episode_order" in frame.fields:
            numbers = order[spells.perm]
            twice = np.zeros(len(numbers), bool)
            twice[1:] = (numbers[1:] == numbers[:-1]) & (numbers[1:] != NULL32)
            twice[spells.start[:-1]] = False
            self._mark_spells(twice, "EPIORDER", "Episode Order is duplicated in spell")

    def _mark_spells(self, places: NDArray[np.bool_], code_type: str, text: str) -> None:
        spells = self.columns.spells
        for s in np.flatnonzero(np.logical_or.reduceat(places, spells.start[:-1])):
            for row in spells.perm[spells.start[s] : spells.start[s + 1]]:
                self._add(row, code_type, "", text)

    def _codes(self) -> None:
        """Secondary diagnoses and procedures that are not valid: reported, and left out."""
        frame = self.frame
        self._invalid(frame.diag, self._diagnoses, "icd10", "DIAG", "Diagnosis is invalid", 1)
        self._invalid(frame.oper, self._procedures, "opcs4", "OPER", "Procedure is invalid", 0)

    def _invalid(
        self, block: NDArray[Any], values: list[str], kind: str, stem: str, text: str, first: int
    ) -> None:
        columns = self.columns
        vocabulary = self.frame.diagnoses if kind == "icd10" else self.frame.procedures
        valid = np.array(
            [
                [not code or getattr(grouper, kind).valid(code) for code in vocabulary.values]
                for grouper in columns.rulebook.groupers
            ]
        )
        perm = columns.spells.perm
        grouper = np.repeat(columns.groups.grouper, columns.spells.episodes)
        for place in range(first, block.shape[1]):
            codes = block[perm, place]
            for at in np.flatnonzero(~valid[grouper, codes]):
                self._add(perm[at], f"{stem}_{place + 1:02}", values[codes[at]], text)

    def _categories(self) -> None:
        """The UZ categories; and a word where an episode in error has none so far."""
        perm, category = self.columns.spells.perm, self.columns.groups.row_category
        for row in perm[category[perm] != 0]:
            name = CATEGORIES[category[row]]
            if name in CATEGORY_TEXTS:
                self._add(row, *self._driver(row, name), f"{name} - {CATEGORY_TEXTS[name]}")
            elif int(row) not in self.found:
                self._add(row, *DISAGREE)

    def _driver(self, row: int, category: str) -> tuple[str, str]:
        """The code that a category is about: a procedure, or the primary diagnosis."""
        codes = self.frame.oper[row]
        if category in OF_PROCEDURES and codes.any():
            vague = [category == "UZ06" and self._vague[code] for code in codes]
            place = int(np.argmax(vague if any(vague) else codes != 0))
            return f"OPER_{place + 1:02}", self._procedures[codes[place]]
        return "DIAG_01", self._diagnoses[self.frame.diag[row, 0]]
