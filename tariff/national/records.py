"""The records of a run in the columns of the national grouper's input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.frame import VALIDATED_CODES, VALIDATED_NUMBERS
from tariff.national.layouts import DAYS, DIAGNOSES, LEADING, PROCEDURES, input_names
from tariff.national.text import fit, named, refuse_unfit, whole
from tariff.packs.grouping import NULL32


class Records:
    """Episodes as the national grouper takes them, by row of the frame.

    Codes are without dots, valid diagnoses of three characters have the filler X. Where the extract
    has no durations they are taken from the dates, and where it has no episode numbers from the
    place in the spell; day counts that are not given are 0.
    """

    def __init__(self, columns: SpellColumns) -> None:
        self.columns = columns
        frame, spells = columns.frame, columns.spells
        self.frame = frame
        self.order = _episode_numbers(columns)
        self._durations = spells.durations()
        if "episode_duration" in frame.fields:  # a blank stays one: it is an error
            self._durations = frame.numbers[VALIDATED_NUMBERS.index("episode_duration")]
        self._diagnoses = diagnosis_texts(columns)
        self._procedures = fit(frame.procedures.values)
        self._texts = {name: fit(frame.vocabularies[name].values) for name in VALIDATED_CODES}
        providers = frame.vocabularies["provider"].values
        refuse_unfit(providers, "PROCODET")
        self._providers = providers
        refuse_unfit(frame.texts["spell_id"].values.to_pylist(), "PROVSPNO")
        self.diagnoses = max(DIAGNOSES, _used(frame.diag))
        self.procedures = max(PROCEDURES, _used(frame.oper))

    @property
    def names(self) -> list[str]:
        """The columns, 43 unless a record has more codes than the default definition file."""
        return input_names(self.diagnoses, self.procedures)

    def cells(self, rows: NDArray[np.int64]) -> list[pa.Array]:
        """Give the columns of some rows."""
        return [
            *(self._leading(name, rows) for name in LEADING.values()),
            *_codes(self.frame.diag, rows, self._diagnoses, self.diagnoses),
            *_codes(self.frame.oper, rows, self._procedures, self.procedures),
            *(self._days(name, rows) for name in DAYS.values()),
        ]

    def _leading(self, name: str, rows: NDArray[np.int64]) -> pa.Array:
        frame = self.frame
        if name == "provider":
            return named(self._providers, frame.columns["provider"][rows])
        if name == "spell_id":
            return frame.texts["spell_id"].take(rows)
        if name == "episode_order":
            return whole(self.order[rows], NULL32)
        if name == "episode_duration":
            return whole(self._durations[rows], NULL32)
        if name in VALIDATED_NUMBERS:
            return whole(frame.numbers[VALIDATED_NUMBERS.index(name), rows], NULL32)
        ids = frame.code_fields[VALIDATED_CODES.index(name), rows]
        return named(self._texts[name], ids)

    def _days(self, name: str, rows: NDArray[np.int64]) -> pa.Array:
        days = self.frame.numbers[VALIDATED_NUMBERS.index(name), rows]
        return whole(np.where(days == NULL32, 0, days), NULL32)


def _episode_numbers(columns: SpellColumns) -> NDArray[np.int32]:
    """Episode number of each row: as given, or its place in the spell where there is no column."""
    frame, spells = columns.frame, columns.spells
    if "episode_order" in frame.fields:
        given: NDArray[np.int32] = frame.numbers[VALIDATED_NUMBERS.index("episode_order")]
        return given
    out = np.full(frame.rows, NULL32, np.int32)
    out[spells.perm] = (
        np.arange(len(spells.perm)) + 1 - np.repeat(spells.start[:-1], spells.episodes)
    )
    return out


def diagnosis_texts(columns: SpellColumns) -> list[str]:
    """Give the diagnoses of a run by id; valid ones of three characters with the filler."""
    icd10 = columns.rulebook.groupers[-1].icd10
    filler = icd10.manifest.filler
    return fit(
        code + filler if len(code) == 3 and icd10.valid(code) else code
        for code in columns.frame.diagnoses.values
    )


def _used(block: NDArray[Any]) -> int:
    """How many columns of a family are needed: the last that holds a code."""
    there = np.flatnonzero(block.any(axis=0))
    return int(there[-1]) + 1 if len(there) else 0


def _codes(
    block: NDArray[Any], rows: NDArray[np.int64], values: list[str], width: int
) -> list[pa.Array]:
    blank = np.zeros(len(rows), np.int64)
    return [
        named(values, block[rows, place] if place < block.shape[1] else blank)
        for place in range(width)
    ]
