"""Which price list serves a tariff year where several are held.

The order, first one first: what the run asks for; an earlier level of the search order (a user's
own packs before those that ship); a whole list before a partial one; the edition called `final`
before any other, one called `consultation` or `draft` last; then by id. docs/pricing.md has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tariff.errors import UsageError
from tariff.packs.columns import CELLS
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import TariffPack

FIRST, LAST = "final", ("consultation", "draft")


@dataclass(frozen=True, slots=True)
class Editions:
    """What a run asks for: editions (or pack ids) by year, and price lists by their pack id."""

    by_year: tuple[tuple[str, str], ...] = ()
    packs: tuple[str, ...] = ()

    def in_order(self, packs: PackSet) -> list[LoadedPack]:
        """Every price list, by year, the one that serves a year before the others of it.

        Raises `UsageError` where what is asked for is not held.
        """
        held = packs.by_kind("tariff")
        asked = {year: self._edition(held, year, name) for year, name in self.by_year}
        for pack_id in self.packs:
            pack = packs.by_id(pack_id)
            if pack not in held:
                raise UsageError(
                    f"pack '{pack_id}' is of kind {pack.manifest.kind}, not a price list",
                    hint=f"held: {', '.join(item.id for item in held)}",
                )
            other = asked.setdefault(_of(pack).year, pack)
            if other is not pack:
                raise UsageError(
                    f"both '{other.id}' and '{pack_id}' are asked for as the prices of "
                    f"{_of(pack).year}",
                    hint="one price list serves a year: leave one out",
                )
        return sorted(
            held, key=lambda p: (_of(p).year, asked.get(_of(p).year) is not p, _preference(p))
        )

    def _edition(self, held: Sequence[LoadedPack], year: str, name: str) -> LoadedPack:
        of_year = sorted((p for p in held if _of(p).year == year), key=_preference)
        fitting = [p for p in of_year if _plain(_of(p).edition) == _plain(name) or p.id == name]
        if fitting:
            return fitting[0]
        if not of_year:
            years = sorted({_of(pack).year for pack in held if _of(pack).prices})
            raise UsageError(
                f"no prices of {year} are held",
                hint=f"admitted prices are held of {', '.join(years)}",
            )
        told = ", ".join(f"'{_of(pack).edition}' (pack {pack.id})" for pack in of_year)
        raise UsageError(
            f"no edition '{name}' of the prices of {year} is held", hint=f"held: {told}"
        )


def serving(packs: Iterable[LoadedPack]) -> dict[str, int]:
    """The place of the price list of each year, in packs as `in_order` gives them."""
    found: dict[str, int] = {}
    for place, pack in enumerate(packs):
        found.setdefault(_of(pack).year, place)
    return found


def parsed(given: Iterable[str], packs: Iterable[str] = ()) -> Editions:
    """What the command line says: `2025/26=pay-award`, and ids of packs."""
    by_year: dict[str, str] = {}
    for text in given:
        year, equals, name = (part.strip() for part in text.partition("="))
        if not (equals and name and CELLS["year"][0].fullmatch(year)):
            raise UsageError(
                f"--edition {text} is not YEAR=EDITION",
                hint="for example --edition 2025/26=pay-award",
            )
        if by_year.setdefault(year, name) != name:
            raise UsageError(
                f"two editions of {year} are asked for: '{by_year[year]}' and '{name}'",
                hint="one edition serves a year; tariff compare prices under two",
            )
    return Editions(tuple(by_year.items()), tuple(packs))


def _of(pack: LoadedPack) -> TariffPack:
    assert isinstance(pack.manifest, TariffPack)
    return pack.manifest


def _plain(edition: str) -> str:
    """An edition without the differences of spelling: `Pay award`, `pay-award`."""
    return re.sub(r"[\s_-]+", " ", edition).strip().casefold()


def _preference(pack: LoadedPack) -> tuple[int, bool, int, str]:
    edition = _plain(_of(pack).edition)
    rank = 0 if edition == FIRST else 2 if edition.startswith(LAST) else 1
    return pack.level, _of(pack).partial, rank, pack.id
