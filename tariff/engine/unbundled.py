"""Unbundled HRGs: what is paid beside the HRG of an episode (docs/grouping.md).

They follow from procedures, whatever drove, and from palliative care days. An HRG that counts days
is written `CODE*days`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.engine.frame import VALIDATED_NUMBERS, Frame
from tariff.packs.grouping import NULL32, Grouper, longest_value


@dataclass(frozen=True)
class Unbundled:
    """One line an unbundled HRG, by row and in the order of the procedures."""

    row: NDArray[np.int64]  # of the frame, ascending
    name: NDArray[np.int32]  # index of `names`
    days: NDArray[np.int32]  # 0: not counted by days
    names: list[str]

    @property
    def hrg(self) -> list[str]:
        """The HRGs by name."""
        return [self.names[name] for name in self.name]

    def texts(self) -> list[str]:
        """Give each as it is written."""
        pairs = zip(self.hrg, self.days, strict=True)
        return [hrg + (f"*{days}" if days > 0 else "") for hrg, days in pairs]


class _Finder:
    """Finds the unbundled HRGs of the rows that one grouper serves."""

    def __init__(self, frame: Frame, grouper: Grouper, valid: NDArray[np.bool_]) -> None:
        self.frame = frame
        self.grouper = grouper
        self.valid = valid  # by id: whether a procedure is a valid code
        self.ages = frame.numbers[VALIDATED_NUMBERS.index("age")]
        self._met: dict[tuple[str, ...], NDArray[np.bool_]] = {}

    def of_procedures(self, rows: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], str]]:
        """Give rows (with their position, as row * width + position) and the HRG of each."""
        values = self.frame.procedures.values
        rules = [
            longest_value(code, self.grouper.unbundled) if valid else None
            for code, valid in zip(values, self.valid, strict=True)
        ]
        led = np.array([rule is not None for rule in rules])
        block = self.frame.oper[rows]
        at, position = np.nonzero(led[block])
        codes = block[at, position]
        places = rows[at] * self.frame.oper.shape[1] + position
        order = np.argsort(codes, kind="stable")
        found = []
        bounds = np.flatnonzero(np.diff(codes[order])) + 1
        for piece in np.split(order, bounds):
            if len(piece):
                found += self._of_code(rules[codes[piece[0]]] or [], rows, at[piece], places[piece])
        return found

    def _of_code(
        self,
        rules: list[tuple[list[tuple[str, ...]], str]],
        rows: NDArray[np.int64],
        at: NDArray[np.int64],
        places: NDArray[np.int64],
    ) -> list[tuple[NDArray[np.int64], str]]:
        """Give the first rule of a code whose sets are met, for each row that has the code."""
        found = []
        left: NDArray[np.bool_] = np.ones(len(at), bool)
        for sets, hrg in rules:
            met = left.copy()
            for wanted in sets:
                met &= self._any(rows, wanted)[at]
            found.append((places[met], hrg))
            left &= ~met
        return found

    def _any(self, rows: NDArray[np.int64], wanted: tuple[str, ...]) -> NDArray[np.bool_]:
        """Say of each row whether a valid procedure starts with one of some prefixes."""
        if wanted not in self._met:
            values = self.frame.procedures.values
            table = np.array([code.startswith(wanted) for code in values], bool) & self.valid
            self._met[wanted] = np.any(table[self.frame.oper[rows]], axis=1)
        return self._met[wanted]

    def lettered(self, hrg: str, rows: NDArray[np.int64]) -> list[tuple[NDArray[np.bool_], str]]:
        """Give which rows have another letter by age; the rest keep the HRG."""
        out, left = [], np.ones(len(rows), bool)
        age = self.ages[rows]
        for rule in self.grouper.unbundled_ages:
            if rule["hrg"] == hrg:
                low, high = rule["age_min"], rule["age_max"]
                within = left & (age != NULL32)
                if low:
                    within &= age >= int(low)
                if high:
                    within &= age <= int(high)
                out.append((within, rule["to"]))
                left &= ~within
        return [*out, (left, hrg)]


def find_unbundled(
    frame: Frame,
    groupers: list[Grouper],
    grouper_of_row: NDArray[np.int16],
    valid: dict[int, NDArray[np.bool_]],
) -> Unbundled | None:
    """Find the unbundled HRGs of all rows; None where no grouper has tables of them."""
    if all(grouper.service_pack is None for grouper in groupers):
        return None
    width = frame.oper.shape[1] + 1  # the last place of a row is that of palliative care
    rehabilitation = _days(frame, "rehabilitation_days")
    palliative = _days(frame, "palliative_care_days")
    places: list[NDArray[np.int64]] = []
    hrgs: list[NDArray[np.int32]] = []
    days: list[NDArray[np.int32]] = []
    names: list[str] = []

    def add(where: NDArray[np.int64], hrg: str, count: NDArray[np.int32]) -> None:
        if hrg not in names:
            names.append(hrg)
        places.append(where)
        hrgs.append(np.full(len(where), names.index(hrg), np.int32))
        days.append(count)

    for index, grouper in enumerate(groupers):
        rows = np.flatnonzero(grouper_of_row == index)
        if grouper.service_pack is None or not len(rows):
            continue
        finder = _Finder(frame, grouper, valid[index])
        by_day = set(grouper.service_pack.by_rehabilitation_day)
        for at, hrg in finder.of_procedures(rows):
            row, position = np.divmod(at, frame.oper.shape[1])
            count = rehabilitation[row] if hrg in by_day else np.zeros(len(row), np.int32)
            for which, lettered in finder.lettered(hrg, row):
                add(row[which] * width + position[which], lettered, count[which])
        if grouper.service_pack.palliative_hrg is not None:
            row = rows[palliative[rows] > 0]
            for which, lettered in finder.lettered(grouper.service_pack.palliative_hrg, row):
                add(row[which] * width + width - 1, lettered, palliative[row[which]])
    where = np.concatenate([np.zeros(0, np.int64), *places])
    order = np.argsort(where, kind="stable")
    return Unbundled(
        where[order] // width,
        np.concatenate([np.zeros(0, np.int32), *hrgs])[order],
        np.concatenate([np.zeros(0, np.int32), *days])[order],
        names,
    )


def _days(frame: Frame, name: str) -> NDArray[np.int32]:
    days: NDArray[np.int32] = np.maximum(frame.numbers[VALIDATED_NUMBERS.index(name)], 0)
    return days
