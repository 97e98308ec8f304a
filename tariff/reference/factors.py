"""Market forces factors of providers, as docs/pricing.md has them: printed figures and mergers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tariff.packs.model import MffPack, TariffPack
from tariff.reference.loaded import PackLike, of_kind, side_table
from tariff.reference.values import half_up
from tariff.schemas import MFF_UNIT

Years = dict[str, int]  # factors in units of 1e-9


@dataclass(frozen=True, slots=True)
class Factors:
    """What is printed, by provider and year; and who was merged into whom, from which day."""

    printed: Mapping[str, Years] = field(default_factory=dict)
    mergers: Mapping[str, tuple[str, date]] = field(default_factory=dict)


def factors_of(packs: Sequence[PackLike], serving: Sequence[PackLike] = ()) -> Factors:
    """Gather them. The first of these to print a provider and year counts.

    Packs of factors of the first level of the search order, then the price lists of that level that
    serve their year: what they print of that year, then of others; then the next level.
    """
    rows: list[tuple[tuple[int, int], dict[str, str]]] = []
    mergers: dict[str, tuple[str, date]] = {}
    for manifest, pack in sorted(of_kind(packs, MffPack), key=lambda held: level_of(held[1])):
        rows += [((level_of(pack), 0), row) for row in side_table(pack, "factors")]
        for row in side_table(pack, "successors") if manifest.successors else ():
            mergers.setdefault(row["old"], (row["new"], date.fromisoformat(row["from"])))
    for prices, pack in of_kind(serving, TariffPack):
        for row in side_table(pack, "factors") if prices.factors else ():
            rows.append(((level_of(pack), 1 if row["year"] == prices.year else 2), row))
    printed: dict[str, Years] = {}
    for _, row in sorted(rows, key=lambda ranked: ranked[0]):  # stable: the order of the packs
        factor = half_up(Fraction(row["mff"]) * MFF_UNIT)
        printed.setdefault(row["provider"], {}).setdefault(row["year"], factor)
    return Factors(printed, mergers)


def level_of(pack: PackLike) -> int:
    """The level of the search order that a pack is of; the last where it does not say."""
    return int(getattr(pack, "level", 9))


@dataclass(frozen=True, slots=True)
class Found:
    """A factor, the year it is of, and whether it is that of a successor."""

    mff: int | None = None
    year: str | None = None
    of_successor: bool = False


def codes_of(provider: str) -> list[str]:
    """Return the codes under which a provider is looked up: R1H00 is R1H written in full."""
    in_full = len(provider) == 5 and provider[3:] == "00"
    return [provider, provider[:3]] if in_full else [provider]


def factor_of(factors: Factors, provider: str, year: str | None) -> Found:
    """Return the factor of a provider in a year.

    The printed one; else, where the provider had been merged into another before the year began,
    that one's; else that of the nearest year. R1H00 is R1H written in full.
    """
    if year is None:
        return Found()
    codes = codes_of(provider)
    provider = next((c for c in codes if c in factors.printed or c in factors.mergers), codes[-1])
    own = factors.printed.get(provider, {})
    if year in own:
        return Found(own[year], year)
    chain = [provider]
    while chain[-1] in factors.mergers:
        successor, day = factors.mergers[chain[-1]]
        began_before = (int(year[:4]), 4, 1) < (day.year, day.month, day.day)
        if began_before or successor in chain:
            break
        chain.append(successor)
    for holder in reversed(chain):
        years = factors.printed.get(holder)
        if years:
            nearest = min(years, key=lambda y: (abs(int(y[:4]) - int(year[:4])), y))
            return Found(years[nearest], nearest, holder != provider)
    return Found()
