"""Days that come off a stay: the union of dated periods, else counts (docs/pricing.md, step 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.frame import VALIDATED_NUMBERS
from tariff.engine.spell_codes import spread
from tariff.engine.spells import Spells
from tariff.packs.grouping import NULL32, OPEN_MAX, OPEN_MIN

if TYPE_CHECKING:
    from tariff.engine.periods import Periods

KINDS = ("critical_care", "rehabilitation", "palliative_care")  # of periods, in this order
Ids = NDArray[np.int64]


class Deductions:
    """Days taken off the stay of each spell: the union of dated periods, else the counts.

    With `home_leave` days of home leave come off too.

    `days` is per spell, `by_kind` per kind and spell. `notices` says what was left out: periods of
    no spell of the run, counts below 0.
    """

    def __init__(
        self, spells: Spells, periods: Periods | None = None, *, home_leave: bool = False
    ) -> None:
        self.notices: list[str] = []
        given = [spells.frame.numbers[VALIDATED_NUMBERS.index(f"{kind}_days")] for kind in KINDS]
        leave = spells.frame.column("home_leave_days") if home_leave else None
        self._note_negative(given if leave is None else [*given, leave])
        # a count below 0 would lengthen the stay
        counts = np.stack([spells.total(np.maximum(of_kind, 0)) for of_kind in given]).astype(
            np.int64
        )
        self._spell = self._kind = self._start = self._end = np.zeros(0, np.int64)
        if periods is not None:
            self._read(spells, periods, counts)
        self._counted = counts.sum(axis=0)
        if leave is not None:
            self._counted += spells.total(np.maximum(leave, 0))
        self.by_kind = counts
        if len(self._spell):
            owner = self._spell * len(KINDS) + self._kind
            covered = covered_days(owner, self._start, self._end, len(spells) * len(KINDS))
            self.by_kind = counts + covered.reshape(-1, len(KINDS)).T
        union = covered_days(self._spell, self._start, self._end, len(spells))
        self.days = _narrow(self._counted + union)

    def _note_negative(self, given: Sequence[NDArray[np.int32]]) -> None:
        below = np.logical_or.reduce([(days < 0) & (days != NULL32) for days in given])
        if below.any():
            self.notices.append(
                "Episodes with a count of critical care, rehabilitation or palliative care days "
                f"below 0, which counts as 0: {int(below.sum()):,}."
            )

    def note_longer(self, spell_days: NDArray[np.int32]) -> None:
        """Say how many spells have more days taken off than their stay has."""
        longer = int(((spell_days >= 0) & (self.days > spell_days)).sum())
        if longer:
            self.notices.append(
                "Spells with more days of critical care, rehabilitation and palliative care than "
                f"their stay has, priced as a stay of 0 days: {longer:,}."
            )

    def _read(self, spells: Spells, periods: Periods, counts: NDArray[np.int64]) -> None:
        """Keep the periods of these spells, cut to their dates; blank the counts they replace."""
        spell = spells_of(spells, periods)
        unknown = int((spell < 0).sum())
        if unknown:
            self.notices.append(
                f"dated periods of no spell of the extract are left out: {unknown:,}"
            )
        held = spell >= 0
        spell, kind = spell[held], periods.kind[held].astype(np.int64)
        counts[kind, spell] = 0
        start, end = periods.start[held].astype(np.int64), periods.end[held].astype(np.int64)
        admitted = spells.date("admission_date")[spell].astype(np.int64)
        discharged = spells.date("discharge_date", from_end=True)[spell].astype(np.int64)
        start = np.where(admitted == NULL32, start, np.maximum(start, admitted))
        end = np.where(discharged == NULL32, end, np.minimum(end, discharged))
        inside = np.flatnonzero(start <= end)
        order = inside[np.argsort(spell[inside], kind="stable")]
        self._spell, self._kind = spell[order], kind[order]
        self._start, self._end = start[order], end[order]

    def of_chains(self, chains: Sequence[tuple[int, ...]]) -> NDArray[np.int32]:
        """Give the days of merged spells: a day that two of them share counts once."""
        members = np.array([spell for chain in chains for spell in chain], np.int64)
        chain = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
        out = np.zeros(len(chains), np.int64)
        np.add.at(out, chain, self._counted[members])
        if len(self._spell):
            length = np.bincount(self._spell, minlength=len(self._counted))
            item, place = spread(length, members)
            out += covered_days(chain[item], self._start[place], self._end[place], len(chains))
        return _narrow(out)


def covered_days(owner: Ids, start: Ids, end: Ids, owners: int) -> Ids:
    """Count the calendar days that periods of each owner cover, first and last day included."""
    out = np.zeros(owners, np.int64)
    if not len(owner):
        return out
    order = np.lexsort((start, owner))
    owner, low = owner[order], int(start.min())
    first, last = start[order] - low, end[order] - low
    # the last day so far of each owner: those of a later owner are above all of an earlier one
    width = int(last.max()) + 2
    reached = np.maximum.accumulate(owner * width + last + 1)
    before = np.where(np.diff(owner, prepend=-1) == 0, np.roll(reached, 1) - owner * width, 0)
    np.add.at(out, owner, np.maximum(last + 1 - np.maximum(first, before), 0))
    return out


def spells_of(spells: Spells, periods: Periods) -> Ids:
    """Give the spell of each period by provider and spell number, -1 where there is none.

    A provider may be written in full on one side: what is not found is looked up as the other.
    """
    frame = spells.frame
    texts = frame.texts["spell_id"]
    number = _place(periods.spell_id, texts.values)
    width = len(texts.values) + 1
    keys = frame.columns["provider"][spells.first].astype(np.int64) * width
    keys += texts.ids[spells.first]
    order = np.argsort(keys)
    providers = pa.array(frame.vocabularies["provider"].values)
    out = np.full(len(periods), -1, np.int64)
    for written in (periods.provider, *_otherwise_written(periods.provider)):
        provider = _place(written, providers)
        wanted = np.where((number < 0) | (provider < 0), -1, provider * width + number)
        place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
        found: Ids = order[place]
        out = np.where((out < 0) & (keys[found] == wanted), found, out)
    return out


def _otherwise_written(providers: pa.StringArray) -> tuple[pa.Array, pa.Array]:
    """Give providers without the 00 that ends a code written in full, and with it."""
    short = pc.replace_substring_regex(providers, "^(.{3})00$", "\\1")
    return short, pc.binary_join_element_wise(providers, "00", "")


def _place(texts: pa.StringArray, values: pa.StringArray) -> Ids:
    found: Ids = pc.fill_null(pc.index_in(texts, values), -1).to_numpy(zero_copy_only=False)
    return found.astype(np.int64)


def _narrow(days: Ids) -> NDArray[np.int32]:
    return np.clip(days, OPEN_MIN, OPEN_MAX).astype(np.int32)
