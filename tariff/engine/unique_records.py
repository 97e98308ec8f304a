"""The order of records that their own columns decide, with exact copies set aside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.records import Records

Numbers = NDArray[np.int64]


def in_order_once(records: Records, key: str) -> tuple[Numbers, Numbers, int]:
    """Give the rows by provider, identifier and all else; how many copies of each were left out.

    Also gives how many records share provider and identifier with the one before them.
    """
    place = _places(records, key)
    order = np.arange(records.rows)
    if (np.diff(place) < 0).any():
        order = np.argsort(place, kind="stable")
    same = np.diff(place[order]) == 0  # as the one before it, of each but the first
    if not same.any():
        return order, np.zeros(len(order), np.int64), 0
    at = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[at]
    columns = [place[rows], *_columns(records, rows)]
    by = np.lexsort(columns[::-1])
    order[at] = rows[by]
    equal = np.ones(len(at) - 1, bool)
    for column in columns:
        equal &= np.diff(column[by]) == 0
    copy = np.zeros(len(order), bool)
    copy[at[1:]] = equal
    kept = np.flatnonzero(~copy)
    copies = np.diff(np.append(kept, len(order))) - 1
    sharing = int((np.diff(place[order[kept]]) == 0).sum())
    return order[kept], copies, sharing


def _places(records: Records, key: str) -> Numbers:
    """Give a number to each provider and identifier, in their order as text."""
    ids, values = records.codes("provider")
    ranks = records.identifiers(key).ranks()
    width = int(ranks.max(initial=0)) + 2
    return _ranks(values)[ids] * width + ranks + 1


def _ranks(values: list[str]) -> Numbers:
    order = sorted(range(len(values)), key=values.__getitem__)
    out = np.empty(len(values), np.int64)
    out[order] = np.arange(len(values))
    return out


def _columns(records: Records, rows: Numbers) -> list[NDArray[Any]]:
    """Give every column of some rows as numbers in the order of what they stand for."""
    out: list[NDArray[Any]] = []
    for name, type_ in records.types():
        if type_ == "identifier":
            texts = records.identifiers(name)
            out.append(texts.ranks()[rows])
        elif type_ in ("integer", "date", "time"):
            out.append(records.numbers(name)[rows])
        elif type_ in ("money", "factor"):
            out.append(records.money(name)[rows])
        else:
            ids, values = records.codes(name)
            ranks = _ranks(values)[ids[rows]]
            out += [ranks] if ranks.ndim == 1 else list(ranks.T)
    return out
