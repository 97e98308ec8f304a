"""Every field of records, by the engine's blocks and by the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tariff.engine.field_table import FieldTable
from tariff.packs.compile import NULL64
from tariff.reference.world import Record


def values(block: FieldTable, name: str) -> list[Any]:
    """A field of every record: text, a number, or the texts of one of several; None is missing."""
    if block.is_many(name):
        start, ids, words = block.many(name)
        return [
            frozenset(words[i] for i in ids[low:high]) for low, high in pairwise(start.tolist())
        ]
    if block.is_code(name):
        ids, words = block.codes(name)
        if len(words) == 0 and (ids >= 0).any():  # identifiers too many to be listed
            return list(block.texts(name, np.arange(len(block))).to_pylist())
        return [words[i] if i >= 0 else None for i in ids.tolist()]
    return [None if number == NULL64 else number for number in block.number(name).tolist()]


def fields_of(block: FieldTable, records: Sequence[Record]) -> list[str]:
    """The names of all fields that either side knows."""
    made = {*block.makes_codes, *block.makes_numbers, *block.makes_many}
    return sorted(made.union(*(record.keys() for record in records)))


INTERNAL = {"deducted_days", "exclusion"}  # of the engine's own tables: no field of signatures


def compare(block: FieldTable, records: Sequence[Record]) -> dict[str, int]:
    """Fail with every field that differs, and a record; give how many values each field has."""
    assert len(block) == len(records)
    problems: list[str] = []
    known: dict[str, int] = {}
    for name in fields_of(block, records):
        if name in INTERNAL:
            continue
        expected: list[Any] = [record.get(name) for record in records]
        if block.is_many(name):
            expected = [frozenset(value or ()) for value in expected]
        known[name] = sum(value not in (None, frozenset()) for value in expected)
        found = values(block, name)
        if found == expected:
            continue
        places = [i for i in range(len(expected)) if found[i] != expected[i]]
        least = min(places, key=lambda i: len(str(records[i])))
        shown = {k: v for k, v in records[least].items() if v not in (None, ())}
        problems.append(
            f"{block.kind} {name}: {len(places)} of {len(records)} differ; engine "
            f"{found[least]!r}, oracle {expected[least]!r} of\n    {shown}"
        )
    if problems:
        raise AssertionError("\n".join(problems))
    return known
