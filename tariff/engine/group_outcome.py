"""What grouping of care that is not admitted gives, whichever the dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.records import Records
from tariff.engine.words import names_of_bits
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


def pack_of(packs: PackSet, kind: str, day: date | None) -> LoadedPack:
    """Give the pack of a kind whose dates hold a day, else the nearest."""
    found = packs.nearest(kind, day)
    if found is None:
        raise UsageError(
            f"no pack of kind {kind} is held", hint="name its folder with --pack, or install again"
        )
    return found


def joined_names(masks: dict[str, NDArray[np.bool_]], rows: int) -> pa.Array:
    """Give the names whose masks hold by row, space separated; null where none does."""
    bits = np.zeros(rows, np.int64)
    for place, mask in enumerate(masks.values()):
        bits |= mask.astype(np.int64) << place
    return names_of_bits(bits, masks)


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
