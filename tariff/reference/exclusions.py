"""Episodes to which no national price applies (docs/pricing.md, step 1)."""

from __future__ import annotations

from tariff.reference.price_tables import Exclusion, PriceTables
from tariff.reference.spells import Spell
from tariff.reference.values import Episode, category, text, two_digits

NONE, SOME, ALL = 0, 1, 2


def exclusion_of(tables: PriceTables, spell: Spell, year: str | None) -> int:
    """Say whether none, some or all episodes of a spell are excluded in its tariff year."""
    excluded = [_excluded(tables, episode, year) for episode in spell.episodes]
    if all(excluded):
        return ALL
    return SOME if any(excluded) else NONE


def _excluded(tables: PriceTables, episode: Episode, year: str | None) -> bool:
    serial = text(episode, "commissioning_serial_number") or ""
    if any(serial.startswith(mark) or serial.endswith(mark) for mark in tables.serial_marks):
        return True
    return any(_is(episode, row) and _holds(row, year) for row in tables.exclusions)


def _is(episode: Episode, row: Exclusion) -> bool:
    """Say whether an episode has the code that a row excludes."""
    if row.of == "administrative_category":
        return category(episode) == two_digits(row.code)
    return text(episode, row.of) == row.code


def _holds(row: Exclusion, year: str | None) -> bool:
    """Say whether a row holds in a year; in an unknown one where it holds in every year."""
    if year is None:
        return row.from_year is None and row.to_year is None
    after = row.from_year is None or year >= row.from_year
    return after and (row.to_year is None or year <= row.to_year)
