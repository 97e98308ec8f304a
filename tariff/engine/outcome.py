"""What grouping of care that is not admitted gives, whichever the dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.records import Records
from tariff.errors import UsageError
from tariff.packs.grouping import NULL32
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import NumericRange

FIELD, UZ05, UZ06 = "field", "UZ05", "UZ06"
UNGROUPED = "U"


@dataclass
class Outcome:
    """Grouped records, sorted by provider and key; the packs used; what the reader should know."""

    table: pa.Table
    packs: list[LoadedPack]
    notices: list[str] = field(default_factory=list)


class Words:
    """Texts of an output column as ids; -1 is none."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._ids: dict[str, int] = {}

    def id_of(self, text: str | None) -> int:
        """Give the id of a text, adding it where it is new."""
        if text is None:
            return -1
        found = self._ids.setdefault(text, len(self.values))
        if found == len(self.values):
            self.values.append(text)
        return found

    def ids_of(self, texts: Sequence[str | None]) -> NDArray[np.int64]:
        """Give the ids of texts."""
        return np.array([self.id_of(text) for text in texts], np.int64)

    def array(self, ids: NDArray[np.int64]) -> pa.Array:
        """Give the texts of ids, null for -1."""
        return pa.array(self.values, pa.string()).take(pa.array(ids, mask=ids < 0))


def pack_of(packs: PackSet, kind: str, day: date | None) -> LoadedPack:
    """Give the pack of a kind whose dates hold a day, else the nearest."""
    found = packs.nearest(kind, day)
    if found is None:
        raise UsageError(
            f"no pack of kind {kind} is held", hint="name its folder with --pack, or install again"
        )
    return found


def per_value(values: list[str], test: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Say of each distinct text whether a test holds, asked once each."""
    return np.array([test(value) for value in values], bool)


def joined_names(masks: dict[str, NDArray[np.bool_]], rows: int) -> pa.Array:
    """Give the names whose masks hold by row, space separated; null where none does."""
    bits = np.zeros(rows, np.int64)
    for place, mask in enumerate(masks.values()):
        bits |= mask.astype(np.int64) << place
    distinct, inverse = np.unique(bits, return_inverse=True)
    texts = [
        " ".join(name for place, name in enumerate(masks) if int(b) >> place & 1) or None
        for b in distinct
    ]
    return pa.array(texts, pa.string()).take(pa.array(inverse))


def out_of_bounds(
    values: NDArray[np.int32], bounds: NumericRange | None, mandatory: bool
) -> NDArray[np.bool_]:
    """Say which numbers are not accepted; one that is missing is where it is mandatory."""
    wrong = np.zeros(len(values), bool)
    if bounds is not None:
        wrong = (values < bounds.min) | (values > bounds.max)
        wrong &= ~np.isin(values, bounds.also)
    return np.where(values == NULL32, mandatory, wrong)


def not_validated(records: Records, mandatory: Sequence[str]) -> list[str]:
    """Say which mandatory fields the extract does not have."""
    absent = [name for name in mandatory if name not in records.fields]
    if not absent:
        return []
    return [f"Not validated, because the extract does not carry them: {', '.join(absent)}."]
