"""Market forces factors by provider and year, with the succession of merged providers.

Factors come from every pack of kind `mff` and from the `factors` of the price lists that serve a
year; the first source that prints a provider and year counts: a user's own packs before those that
ship, packs of factors before price lists, the list of the year before one that announces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import numpy as np

from tariff.packs.load import LoadedPack
from tariff.packs.model import MffPack
from tariff.schemas import MFF_UNIT

NULL64 = np.iinfo(np.int64).min


class Factor(NamedTuple):
    """A factor in units of 1e-9 (NULL64 unknown), of which year and provider, and from where."""

    value: int
    year: str
    provider: str
    pack: LoadedPack | None


@dataclass(frozen=True, slots=True)
class Succession:
    """A provider that was merged into another one, on a day."""

    new: str
    day: str  # ISO 8601
    source: str
    evidence: str


UNKNOWN = Factor(int(NULL64), "", "", None)


class MarketForces:
    """The factors of all packs. `pack` is the first pack of factors."""

    def __init__(self, packs: Sequence[LoadedPack], price_lists: Sequence[LoadedPack] = ()) -> None:
        self.pack = packs[0]
        self.factors: dict[str, dict[str, int]] = {}
        self._from: dict[tuple[str, str], LoadedPack] = {}
        self.names: dict[str, str] = {}
        self.successors: dict[str, Succession] = {}
        lists = [pack for pack in price_lists if "factors" in pack.tables]
        for level in sorted({pack.level for pack in (*packs, *lists)}):
            here = [pack for pack in lists if pack.level == level]
            for pack in (pack for pack in packs if pack.level == level):
                self._take(pack)
            for pack in here:
                self._take(pack, of_own_year=True)
            for pack in here:
                self._take(pack)
        self.years = sorted({year for years in self.factors.values() for year in years})

    def _take(self, pack: LoadedPack, *, of_own_year: bool = False) -> None:
        columns = pack.tables["factors"].columns
        own = getattr(pack.manifest, "year", "")
        for provider, year, factor in zip(
            columns["provider"], columns["year"], columns["mff"], strict=True
        ):
            held = self.factors.setdefault(provider, {})
            if year not in held and (year == own or not of_own_year):
                units = (Decimal(factor) * MFF_UNIT).to_integral_value(ROUND_HALF_UP)
                held[year] = int(units)
                self._from[provider, year] = pack
        named = pack.tables["providers"].columns if isinstance(pack.manifest, MffPack) else columns
        for provider, name in zip(named["provider"], named["name"], strict=True):
            self.names.setdefault(provider, name)
        if "successors" in pack.tables:
            rows = pack.tables["successors"].columns
            for old, new, day, source, evidence in zip(
                *(rows[name] for name in ("old", "new", "from", "source", "evidence")), strict=True
            ):
                self.successors.setdefault(old, Succession(new, day, source, evidence))

    def find(self, provider: str, year: str) -> Factor:
        """Give the factor of a provider in a year.

        What is printed for it counts. Else, in a year that begins after it was merged away, its
        successor's; else that of the nearest year held, the earlier on a tie: the succession
        first, then the year.
        """
        code = self._code(provider)
        if year in self.factors.get(code, {}):
            return self._held(code, year)
        held = self._heir(code, year)
        years = self.factors.get(held)
        if not years:
            return UNKNOWN
        wanted = int(year[:4])
        return self._held(held, min(years, key=lambda y: (abs(int(y[:4]) - wanted), y)))

    def factor(self, provider: str, year: str) -> tuple[int, str]:
        """Give the factor and the year it is of; NULL64 and no year for an unknown provider."""
        return self.find(provider, year)[:2]

    def is_of_successor(self, provider: str, year: str) -> bool:
        """Say whether the factor of a provider in a year is that of a successor."""
        found = self.find(provider, year)
        return found.value != NULL64 and found.provider != self._code(provider)

    def successions(self, provider: str, year: str) -> list[Succession]:
        """The mergers that lead from a provider to the one whose factor serves a year."""
        path, code, end = [], self._code(provider), self.find(provider, year).provider
        while end and code != end:
            path.append(self.successors[code])
            code = path[-1].new
        return path

    def packs_of(self, pairs: Iterable[tuple[str, str]]) -> list[LoadedPack]:
        """The packs that the factors of some providers and years are from."""
        found = {p.id: p for p in (self.find(*pair).pack for pair in pairs) if p is not None}
        return [found[name] for name in sorted(found)]

    def _code(self, provider: str) -> str:
        """The code as tables print it: R1H00 is the trust R1H, written in full."""
        known = provider in self.factors or provider in self.successors
        if not known and len(provider) == 5 and provider.endswith("00"):
            return provider[:3]
        return provider

    def _heir(self, provider: str, year: str) -> str:
        """Who a provider had become when a year began: the last of whom a factor is held."""
        start, held, seen = f"{year[:4]}-04-01", provider, {provider}
        while (to := self.successors.get(provider)) is not None and to.day <= start:
            provider = to.new
            if provider in seen:  # a circle, which the lint refuses
                break
            seen.add(provider)
            held = provider if provider in self.factors else held
        return held

    def _held(self, provider: str, year: str) -> Factor:
        return Factor(self.factors[provider][year], year, provider, self._from[provider, year])
