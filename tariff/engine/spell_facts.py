"""Facts of a spell that are read off all its episodes: their codes, dates and procedures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.field_table import Codes, Many, Numbers, flattened, minus_blank, wide
from tariff.engine.spells import Spells
from tariff.engine.unbundled import Unbundled
from tariff.packs.compile import NULL64


def every_code(spells: Spells, *, diagnoses: bool, secondary: bool) -> Many:
    """Give the diagnoses (or procedures) of all episodes; without the first of each if asked."""
    frame = spells.frame
    block, words = (frame.diag, frame.diagnoses) if diagnoses else (frame.oper, frame.procedures)
    return flattened(block[spells.perm, int(secondary) :], spells.start, words.values)


def every_value(spells: Spells, name: str) -> Many:
    """Give what the episodes have of a code that an episode has once."""
    frame = spells.frame
    column = frame.column(name)
    if column is None:
        return np.zeros(len(spells) + 1, np.int64), np.zeros(0, np.int64), []
    return flattened(column[spells.perm][:, None], spells.start, frame.vocabularies[name].values)


def every_unbundled(spells: Spells, found: Unbundled | None) -> Many:
    """Give the unbundled HRGs of all episodes, without the days that some of them count."""
    if found is None or not len(found.row):
        return np.zeros(len(spells) + 1, np.int64), np.zeros(0, np.int64), []
    place = np.full(spells.frame.rows, -1, np.int64)
    place[spells.perm] = np.arange(len(spells.perm))
    at = place[found.row]
    order = np.argsort(at, kind="stable")
    order = order[at[order] >= 0]  # a copy that was set aside has no place
    start = np.searchsorted(at[order], spells.start)
    return start.astype(np.int64), found.name[order].astype(np.int64), list(found.names)


def primary(spells: Spells, *, diagnosis: bool, position: int | None = 0) -> Codes:
    """Give a code of the first episode: of a column held, or (None) the first that is there."""
    frame = spells.frame
    block, words = (frame.diag, frame.diagnoses) if diagnosis else (frame.oper, frame.procedures)
    block = block[spells.first]
    place: Any = (block != 0).argmax(axis=1) if position is None else position
    return minus_blank(block[np.arange(len(block)), place]), words.values


def procedure_date(spells: Spells, *, last: bool) -> Numbers:
    """Give the earliest (or the latest) date of a procedure of any episode."""
    out = np.full(len(spells), NULL64, np.int64)
    none = NULL64 if last else np.iinfo(np.int64).max
    choose = np.maximum if last else np.minimum
    found = np.full(len(spells), none, np.int64)
    for name, column in spells.frame.columns.items():
        if name.startswith("oper_date_"):
            days = wide(column)[spells.perm]
            days = np.where(days == NULL64, none, days)
            found = choose(found, choose.reduceat(days, spells.start[:-1]))
    return np.where(found == none, out, found)


def _apart(spells: Spells) -> tuple[Numbers, NDArray[np.bool_]]:
    """Days from the end of the episode before to the start of each, and where they are known."""
    start, end = (_days(spells, name) for name in ("episode_start_date", "episode_end_date"))
    known = np.zeros(len(spells.perm), bool)
    known[1:] = (start[1:] != NULL64) & (end[:-1] != NULL64)
    known[spells.start[:-1]] = False
    apart = np.zeros(len(spells.perm), np.int64)
    at = np.flatnonzero(known)
    apart[at] = start[at] - end[at - 1]
    return apart, known


def _days(spells: Spells, name: str) -> Numbers:
    column = spells.frame.column(name)
    if column is None:
        return np.full(len(spells.perm), NULL64, np.int64)
    return wide(column)[spells.perm]


def _largest(spells: Spells, days: Numbers) -> Numbers:
    return np.maximum(np.maximum.reduceat(days, spells.start[:-1]), 0)


def gap_days(spells: Spells) -> Numbers:
    """Give the largest gap between an episode and the one before it; 0 where there is none."""
    return _largest(spells, _apart(spells)[0])


def overlap_days(spells: Spells) -> Numbers:
    """Give the largest overlap of an episode with the one before it; 0 where there is none.

    The earlier of the two last days less the later of the two first days.
    """
    start, end = (_days(spells, name) for name in ("episode_start_date", "episode_end_date"))
    at = np.flatnonzero(_apart(spells)[1])
    at = at[(end[at] != NULL64) & (start[at - 1] != NULL64)]
    last, first = np.minimum(end[at], end[at - 1]), np.maximum(start[at], start[at - 1])
    days = np.zeros(len(spells.perm), np.int64)
    days[at] = last - first
    return _largest(spells, days)


def outside_days(spells: Spells, admitted: Numbers, discharged: Numbers) -> Numbers:
    """Give the most days that an episode lies before admission or after discharge; 0 none."""
    owner = spells.spell_of_rows()
    out = np.zeros(len(spells), np.int64)
    for name in ("episode_start_date", "episode_end_date"):
        day = _days(spells, name)
        for sign, bound in ((-1, admitted[owner]), (1, discharged[owner])):
            known = (day != NULL64) & (bound != NULL64)
            beyond = np.where(known, sign * np.where(known, day - np.where(known, bound, 0), 0), 0)
            out = np.maximum(out, _largest(spells, beyond))
    return out
