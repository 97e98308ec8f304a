"""Spells: which rows make one, in which order, and what they say of it together.

A spell is provider and spell number. Spells are numbered in the order of their keys as text, so
that an index stands for the same spell whatever the order of the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.frame import Frame
from tariff.packs.compile import NULL64
from tariff.packs.grouping import NULL32, OPEN_MAX, OPEN_MIN

_LAST = np.iinfo(np.int32).max


class Spells:
    """The spells of a frame. `perm[start[s]:start[s + 1]]` are the rows of spell `s` in order."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._assemble()
        self.first = self.perm[self.start[:-1]]
        self.last = self.perm[self.start[1:] - 1]
        self.episodes = np.diff(self.start).astype(np.int32)

    def __len__(self) -> int:
        return len(self.start) - 1

    # -- assembly

    def _assemble(self) -> None:
        frame = self.frame
        providers = pa.array(frame.vocabularies["provider"].values)
        order = np.argsort(np.array(providers.to_pylist(), dtype=object), kind="stable")
        provider_rank = np.empty(len(order), np.int64)
        provider_rank[order] = np.arange(len(order))
        spell_rank = frame.texts["spell_id"].ranks()
        width = int(spell_rank.max(initial=0)) + 1
        key = provider_rank[frame.columns["provider"]] * width + spell_rank
        # by number, then by the dates of the episode; a missing one stands last
        order_by = [
            np.where(column == NULL32, _LAST, column)
            for name in ("episode_order", "episode_start_date", "episode_end_date")
            if (column := frame.column(name)) is not None
        ]
        step, number = np.diff(key), np.diff(order_by[0])
        if (step < 0).any() or ((step == 0) & (number <= 0)).any():
            perm = np.lexsort((*reversed(order_by), key))
        else:
            perm = np.arange(frame.rows)
        key = key[perm]
        same_spell = np.diff(key) == 0
        tied = same_spell.copy()
        for column in order_by:
            tied &= np.diff(column[perm]) == 0
        self.copies: list[tuple[int, int]] = []  # (copy, row that is kept)
        if tied.any():
            perm, keep = self._settle_ties(perm, tied)
            key, perm = key[keep], perm[keep]
            same_spell = np.diff(key) == 0
        self.perm = np.ascontiguousarray(perm, np.int64)
        starts = np.flatnonzero(~same_spell) + 1
        ends = [*starts.tolist(), len(perm)] if len(perm) else []  # there may be no rows at all
        self.start = np.array([0, *ends], np.int64)

    def _settle_ties(
        self, perm: NDArray[np.int64], tied: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Order rows of one spell, number and dates by content; set exact copies aside."""
        perm = perm.copy()
        keep = np.ones(len(perm), bool)
        places = np.flatnonzero(tied)
        position = 0
        while position < len(places):
            first = last = int(places[position])
            while position < len(places) and places[position] == last:
                last += 1
                position += 1
            rows = sorted(
                ((self.frame.content(int(row)), int(row)) for row in perm[first : last + 1]),
                key=lambda pair: pair[0],
            )
            perm[first : last + 1] = [row for _, row in rows]
            kept = rows[0]
            for offset, pair in enumerate(rows[1:], start=1):
                if pair[0] == kept[0]:
                    keep[first + offset] = False
                    self.copies.append((pair[1], kept[1]))
                else:
                    kept = pair
        return perm, keep

    def spell_of_rows(self) -> NDArray[np.int64]:
        """Spell index of each place in `perm`."""
        return np.repeat(np.arange(len(self)), self.episodes)

    # -- columns of spells

    def of_first(self, name: str) -> NDArray[Any] | None:
        """Give the value of the first episode."""
        column = self.frame.column(name)
        return None if column is None else column[self.first]

    def of_last(self, name: str) -> NDArray[Any] | None:
        """Give the value of the last episode."""
        column = self.frame.column(name)
        return None if column is None else column[self.last]

    def date(self, name: str, *, from_end: bool = False) -> NDArray[np.int32]:
        """Give the first date that is there in order of the episodes (or from the end), in days."""
        column = self.frame.column(name)
        if column is None:
            return np.full(len(self), NULL32, np.int32)
        value: NDArray[np.int32] = column[self.last if from_end else self.first].copy()
        for s in np.flatnonzero((value == NULL32) & (self.episodes > 1)):
            rows = self.perm[self.start[s] : self.start[s + 1]]
            there = [v for v in column[rows] if v != NULL32]
            if there:
                value[s] = there[-1 if from_end else 0]
        return value

    def total(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Sum a number over the episodes; a missing number counts nothing. Sums stay in 32 bits."""
        ordered = np.where(values == NULL32, 0, values)[self.perm].astype(np.int64)
        summed = np.add.reduceat(ordered, self.start[:-1])
        return np.clip(summed, OPEN_MIN, OPEN_MAX).astype(np.int32)

    def durations(self) -> NDArray[np.int32]:
        """Duration of each row in days: as given, else from its dates; NULL32 unknown."""
        frame = self.frame
        out: NDArray[np.int32] = frame.numbers[2].copy()
        start, end = frame.column("episode_start_date"), frame.column("episode_end_date")
        if start is not None and end is not None:
            known = (out == NULL32) & (start != NULL32) & (end != NULL32)
            out[known] = end[known] - start[known]
        admitted, discharged = (
            self.date("admission_date"),
            self.date("discharge_date", from_end=True),
        )
        alone = (self.episodes == 1) & (admitted != NULL32) & (discharged != NULL32)
        rows = self.first[alone]
        missing = out[rows] == NULL32
        out[rows[missing]] = (discharged - admitted)[alone][missing]
        return out

    def stays(self) -> NDArray[np.int32]:
        """Stay of each row: duration less the days taken off it, not below 0; NULL32 unknown."""
        duration = self.durations()
        off = np.zeros(len(duration), np.int64)
        for index in (3, 4, 5):
            number = self.frame.numbers[index]
            off += np.where(number == NULL32, 0, number)
        stay = np.maximum(duration.astype(np.int64) - off, 0).astype(np.int32)
        return np.where(duration == NULL32, NULL32, stay).astype(np.int32)

    def spell_days(self) -> NDArray[np.int32]:
        """Discharge less admission, else the sum of the episodes' durations; NULL32 unknown."""
        admitted, discharged = (
            self.date("admission_date"),
            self.date("discharge_date", from_end=True),
        )
        dated = (admitted != NULL32) & (discharged != NULL32)
        durations = self.durations()
        unknown = np.add.reduceat(
            (durations == NULL32)[self.perm].astype(np.int64), self.start[:-1]
        )
        summed = np.where(unknown > 0, NULL32, self.total(durations))
        days = np.where(dated, discharged.astype(np.int64) - admitted, summed)
        return days.astype(np.int32)

    def billed_rows(self) -> NDArray[np.int64]:
        """Row of each spell that carries its billed money: the last with any, else the last."""
        carries = np.zeros(self.frame.rows, bool)
        for name in ("billed_total", "billed_price"):
            column = self.frame.column(name)
            if column is not None:
                carries |= column != NULL64
        places = np.where(carries[self.perm], np.arange(len(self.perm)), -1)
        last = np.maximum.reduceat(places, self.start[:-1])
        return self.perm[np.where(last < 0, self.start[1:] - 1, last)]

    def rows_disagree(self) -> int:
        """How many spells have rows that carry different billed money."""
        differ = np.zeros(len(self), bool)
        chosen = np.repeat(self.billed_rows(), self.episodes)
        for name in ("billed_total", "billed_price"):
            column = self.frame.column(name)
            if column is not None:
                here = column[self.perm]
                apart = (here != NULL64) & (here != column[chosen])
                differ |= np.logical_or.reduceat(apart, self.start[:-1])
        return int(differ.sum())

    def last_code(self, name: str) -> NDArray[Any]:
        """Give the last code that is not blank over the episodes, as an id (0 where none is)."""
        column = self.frame.column(name)
        if column is None:
            return np.zeros(len(self), np.uint16)
        places = np.where(column[self.perm] != 0, np.arange(len(self.perm)), -1)
        last = np.maximum.reduceat(places, self.start[:-1])
        return np.where(last < 0, 0, column[self.perm[np.maximum(last, 0)]])
