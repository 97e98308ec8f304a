"""Which rows of a frame make each of some spells: those of a run, some of them, or merged ones.

What a spell is marked with (exclusions, flags, top-ups, payments) is worked out from all its
episodes. It takes them from here, so that it holds for a record that does not exist as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.engine.frame import Frame
from tariff.engine.spells import Spells


@dataclass(frozen=True)
class Members:
    """`perm[start[s]:start[s + 1]]` are the rows of spell `s` in order, as in `Spells`."""

    frame: Frame
    perm: NDArray[np.int64]
    start: NDArray[np.int64]

    @staticmethod
    def of(spells: Spells) -> Members:
        """Give the episodes of the spells of a run."""
        return Members(spells.frame, spells.perm, spells.start)

    @staticmethod
    def of_chains(spells: Spells, chains: Sequence[tuple[int, ...]]) -> Members:
        """Give the episodes of spells merged, each chain in the order given."""
        parts = Members.of(spells).take(np.array([s for c in chains for s in c], np.int64))
        ends = np.cumsum([0, *(len(chain) for chain in chains)])
        return Members(spells.frame, parts.perm, parts.start[ends])

    def take(self, which: NDArray[np.int64]) -> Members:
        """Give the episodes of some of the spells, in the order asked for."""
        length = np.diff(self.start)[which]
        start = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
        place = np.repeat(self.start[which] - start[:-1], length) + np.arange(start[-1])
        return Members(self.frame, self.perm[place], start)

    def __len__(self) -> int:
        return len(self.start) - 1

    def owner(self) -> NDArray[np.int64]:
        """Give the spell of each place in `perm`."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))
