"""Which spells meet a test of a policy pack (`SpellTest`, docs/policies.md), for a whole run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.reasons import PRICE_REASONS
from tariff.packs.compile import NULL64
from tariff.packs.policy_model import SpellTest

Mask = NDArray[np.bool_]

AGE_UNKNOWN = 999
_PREFIXES = {  # key of a test: the code field that begins with one of its prefixes
    "hrgs": "priced_hrg",
    "providers": "provider",
    "commissioners": "commissioner",
}
_WHOLE = {
    "admission_methods": "admission_method",
    "admission_sources": "admission_source",
    "discharge_methods": "discharge_method",
}


class SpellTests:
    """Evaluates tests over the spells of a run."""

    def __init__(self, columns: SpellColumns) -> None:
        self.columns = columns
        self._clinical: dict[str, Callable[[tuple[str, ...]], Mask]] = {
            "primary_diagnoses": lambda codes: self._diagnoses(codes, slice(0, 1)),
            "secondary_diagnoses": lambda codes: self._diagnoses(codes, slice(1, None)),
            "diagnoses": lambda codes: self._diagnoses(codes, slice(0, None)),
            "procedures": self._procedures,
            "unbundled_hrgs": self._unbundled,
        }

    def any_of(self, tests: Iterable[SpellTest]) -> Mask:
        """Say which spells meet one of the tests."""
        out = np.zeros(len(self.columns), bool)
        for test in tests:
            out |= self.holds(test)
        return out

    def holds(self, test: SpellTest) -> Mask:
        """Say which spells meet everything that a test asks."""
        out = np.ones(len(self.columns), bool)
        for key in test.asks:
            out &= self._one(key, getattr(test, key))
        return out

    def code_is(self, field: str, codes: Sequence[str]) -> Mask:
        """Say of which spells a code is one of these."""
        wanted = set(codes)
        return self._where(field, lambda value: value in wanted)

    def _one(self, key: str, asked: Any) -> Mask:
        if key in _WHOLE:
            return self.code_is(_WHOLE[key], asked)
        if key in _PREFIXES:
            prefixes = tuple(asked)
            return self._where(_PREFIXES[key], lambda value: value.startswith(prefixes))
        if key == "age_below":
            age = self.columns.number("age")
            young: Mask = (age != NULL64) & (age != AGE_UNKNOWN) & (age < asked)
            return young
        if key == "price_reasons":
            bits = sum(1 << PRICE_REASONS.index(name) for name in asked)
            found: Mask = (self.columns.prices.reasons & bits) != 0
            return found
        return self._clinical[key](tuple(asked))

    def _where(self, field: str, test: Callable[[str], bool]) -> Mask:
        ids, values = self.columns.codes(field)
        table = np.array([*(test(value) for value in values), False], bool)  # -1 is missing
        found: Mask = table[ids]
        return found

    # -- codes of the episodes

    def _diagnoses(self, prefixes: tuple[str, ...], positions: slice) -> Mask:
        frame = self.columns.frame
        return self._in_episodes(frame.diag[:, positions], frame.diagnoses.values, prefixes)

    def _procedures(self, prefixes: tuple[str, ...]) -> Mask:
        frame = self.columns.frame
        return self._in_episodes(frame.oper, frame.procedures.values, prefixes)

    def _in_episodes(
        self, block: NDArray[np.uint16], values: Sequence[str], prefixes: tuple[str, ...]
    ) -> Mask:
        table = np.array([bool(value) and value.startswith(prefixes) for value in values], bool)
        rows = np.zeros(len(block), bool)
        for position in range(block.shape[1]):  # a column at a time: the block may be wide
            rows |= table[block[:, position]]
        return self._of_rows(rows)

    def _unbundled(self, prefixes: tuple[str, ...]) -> Mask:
        rows = np.zeros(self.columns.frame.rows, bool)
        found = self.columns.groups.unbundled
        if found is not None:
            table = np.array([name.startswith(prefixes) for name in found.names], bool)
            if len(table):
                rows[found.row[table[found.name]]] = True
        return self._of_rows(rows)

    def _of_rows(self, rows: Mask) -> Mask:
        """Say which spells have one of the rows."""
        spells = self.columns.spells
        found: Mask = np.logical_or.reduceat(rows[spells.perm], spells.start[:-1])
        return found
