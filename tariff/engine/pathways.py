"""The level of a maternity pathway: that of the highest factor present, by phase and year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from tariff.engine.year_tables import folded, rows_of
from tariff.packs.load import LoadedPack

LEVELS = ("standard", "intermediate", "intensive")  # as numbers, low to high
UNKNOWN = -1
_MEASURED = re.compile(r"([a-z-]+)\s*[= ]\s*([0-9]{1,4}(?:\.[0-9]{1,4})?)")


@dataclass(frozen=True)
class _Edge:
    """A measure within bounds is a factor of a level."""

    phase: str
    measure: str
    above: Decimal | None
    at_least: Decimal | None
    below: Decimal | None
    at_most: Decimal | None
    level: int

    def holds(self, value: Decimal) -> bool:
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )


def _bound(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None


class Pathways:
    """Factors of a year: as printed, in other words, and as measures."""

    def __init__(self, tariff: LoadedPack, care: LoadedPack) -> None:
        self._levels: dict[tuple[str, str], int] = {}  # by phase and factor
        for row in rows_of(tariff, "maternity_factors"):
            key = (row["phase"], folded(row["factor"]))
            self._levels[key] = max(LEVELS.index(row["level"]), self._levels.get(key, 0))
        printed = dict(self._levels)
        for row in rows_of(care, "maternity_words"):
            level = printed.get((row["phase"], folded(row["factor"])), 0)
            self._levels[row["phase"], folded(row["word"])] = level
        self._edges = [
            _Edge(
                phase=row["phase"],
                measure=row["measure"].casefold(),
                above=_bound(row["above"]),
                at_least=_bound(row["at_least"]),
                below=_bound(row["below"]),
                at_most=_bound(row["at_most"]),
                level=printed.get((row["phase"], folded(row["factor"])), 0),
            )
            for row in rows_of(care, "maternity_edges")
        ]
        self._words = {word for _, word in self._levels}
        self._measures = {edge.measure for edge in self._edges}

    def level(self, phase: str, factors: str) -> int:
        """Give the level that factors separated by semicolons lead to; UNKNOWN where one is not.

        A factor of the other phase alone is known, and raises nothing.
        """
        found = [self._level(phase, folded(one)) for one in factors.split(";") if one.strip()]
        return UNKNOWN if UNKNOWN in found else max(found, default=0)

    def _level(self, phase: str, factor: str) -> int:
        if factor in self._words:
            return self._levels.get((phase, factor), 0)
        match = _MEASURED.fullmatch(factor)
        if match is None or match[1] not in self._measures:
            return UNKNOWN
        value = Decimal(match[2])
        return max(
            (
                edge.level
                for edge in self._edges
                if (edge.phase, edge.measure) == (phase, match[1]) and edge.holds(value)
            ),
            default=0,
        )
