"""Blocks of records made of a few rows of text, and their fields as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.engine.field_table import FieldTable
from tariff.engine.other_columns import OtherColumns, other_block
from tariff.engine.other_outcome import PriceOptions
from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.extract import from_arrow
from tariff.packs.compile import NULL64, Rulebook
from tests.engine.extracts import Row, shipped, table_of


def spells(*rows: Row, rulebook: Rulebook | None = None, **stages: Any) -> SpellColumns:
    """The spells that some episodes make."""
    extract = from_arrow(table_of(rows))
    frame = read_frame(extract.batches(), extract.fields)
    return run_stages(rulebook or shipped(), frame, Stages(**stages)).columns


def others(dataset: str, *rows: Row, **options: Any) -> OtherColumns:
    """Records of another dataset."""
    extract = from_arrow(table_of(rows), dataset=dataset)
    return other_block(extract, shipped(), PriceOptions(**options))


def values(block: FieldTable, name: str) -> list[Any]:
    """A field of every record: text, numbers, or a tuple of texts; None where missing."""
    if block.is_many(name):
        start, ids, words = block.many(name)
        return [tuple(words[i] for i in ids[low:high]) for low, high in pairwise(start.tolist())]
    if block.is_code(name):
        ids, words = block.codes(name)
        found = [words[i] if i >= 0 else None for i in ids]
        assert found == block.texts(name, np.arange(len(block))).to_pylist()
        return found
    return [None if number == NULL64 else int(number) for number in block.number(name)]


def value(block: FieldTable, name: str) -> Any:
    """A field of the only record."""
    (found,) = values(block, name)
    return found


def state(block: FieldTable, names: Sequence[str]) -> dict[str, list[Any]]:
    """Some fields of every record."""
    return {name: values(block, name) for name in names}
