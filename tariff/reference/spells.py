"""Assembles spells from episode rows: exact copies set aside, episodes ordered, money found.

A spell is what one provider reports under one spell number. Its attributes at admission are those
of the first episode, those at discharge of the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tariff.reference.values import (
    Episode,
    Value,
    day,
    family,
    half_up,
    in_field_order,
    number,
    primary,
    read,
    text,
)
from tariff.schemas import MFF_UNIT

Key = tuple[str, str]  # provider, spell id


@dataclass(frozen=True, slots=True)
class Billed:
    """What the provider billed for a spell: the columns of the row that carries its money."""

    hrg: str | None
    point_of_delivery: str | None
    price: int | None
    mff: int | None
    mff_amount: int | None
    excess_days: int | None
    total: int | None
    pence: int | None  # what counts as billed, one row
    duplicate_pence: int | None  # the same money billed again by exact copies of that row
    activity_month: str | None
    statement: str | None

    @property
    def product(self) -> int | None:
        """Price billed with the factor billed."""
        return _product(self.price, self.mff, self.mff_amount)

    @property
    def factor(self) -> int | None:
        """Factor billed, else what the money implies, docs/money.md."""
        price, amount = self.price, self.mff_amount
        if self.mff is not None or price is None or amount is None:
            return self.mff
        if not 100_00 <= price <= 10_000_000_00 or abs(amount) > price:
            return None
        return half_up(Fraction((price + amount) * MFF_UNIT, price))


@dataclass(frozen=True, slots=True)
class Spell:
    """The episodes of a spell in order, each row once, and how many copies each had beside it."""

    provider: str
    spell_id: str
    episodes: tuple[Episode, ...]
    copies: tuple[int, ...]
    billed: Billed

    @property
    def key(self) -> Key:
        """Provider and spell number."""
        return (self.provider, self.spell_id)

    @property
    def first(self) -> Episode:
        """The first episode."""
        return self.episodes[0]

    @property
    def last(self) -> Episode:
        """The last episode."""
        return self.episodes[-1]

    @property
    def duplicate_rows(self) -> int:
        """How many exact copies of its rows were set aside."""
        return sum(self.copies)

    @property
    def admission_date(self) -> date | None:
        """The first admission date that is there, in the order of the episodes."""
        found = [d for d in (day(e, "admission_date") for e in self.episodes) if d is not None]
        return found[0] if found else None

    @property
    def discharge_date(self) -> date | None:
        """The last discharge date that is there, in the order of the episodes."""
        found = [d for d in (day(e, "discharge_date") for e in self.episodes) if d is not None]
        return found[-1] if found else None

    @property
    def primary_diagnosis(self) -> str | None:
        """The first diagnosis of the first episode, which signatures look at."""
        return primary(self.first)

    @property
    def primary_procedure(self) -> str | None:
        """The first procedure of the first episode, which signatures look at."""
        return next(iter(family(self.first, "oper")), None)

    def attribute(self, column: str) -> Value:
        """Return a canonical column of the spell."""
        if column == "admission_date":
            return self.admission_date
        if column == "discharge_date":
            return self.discharge_date
        if column in LAST_EPISODE:
            return read(self.last, column)
        return read(self.first, column)


LAST_EPISODE = frozenset({"discharge_time", "discharge_method", "discharge_destination"})


# ---------------------------------------------------------------- assembly


def _content(row: Episode, columns: Sequence[str]) -> tuple[Value, ...]:
    return tuple(read(row, column) for column in columns)


def _missing_first(value: Value) -> tuple[int, Value]:
    return (0, 0) if value is None else (1, value)


def _order(row: Episode, columns: Sequence[str]) -> tuple[object, ...]:
    """Episode number, then its dates, missing last; ties by every canonical column."""
    position = tuple(
        (1, 0) if (value := read(row, name)) is None else (0, value)
        for name in ("episode_order", "episode_start_date", "episode_end_date")
    )
    return (position, tuple(_missing_first(value) for value in _content(row, columns)))


def assemble(rows: Iterable[Episode]) -> list[Spell]:
    """Put rows together as spells, sorted by provider and spell number."""
    rows = list(rows)
    columns = in_field_order({column for row in rows for column in row})
    grouped: dict[Key, list[Episode]] = {}
    for row in rows:
        provider, spell_id = text(row, "provider"), text(row, "spell_id")
        if provider is None or spell_id is None:
            raise ValueError("a row without provider or spell number is a reject")
        grouped.setdefault((provider, spell_id), []).append(row)
    return [_spell(key, grouped[key], columns) for key in sorted(grouped)]


def _spell(key: Key, rows: Sequence[Episode], columns: Sequence[str]) -> Spell:
    kept: dict[tuple[Value, ...], Episode] = {}
    seen: dict[tuple[Value, ...], int] = {}
    for row in rows:
        content = _content(row, columns)
        kept.setdefault(content, row)
        seen[content] = seen.get(content, 0) + 1
    episodes = tuple(sorted(kept.values(), key=lambda row: _order(row, columns)))
    copies = tuple(seen[_content(row, columns)] - 1 for row in episodes)
    return Spell(*key, episodes, copies, billed(episodes, copies))


# ---------------------------------------------------------------- billed money


def billed_amount(row: Episode) -> int | None:
    """Return what a row bills: the first of the four forms of docs/money.md that is there."""
    total, price = number(row, "billed_total"), number(row, "billed_price")
    mff_amount, mff = number(row, "billed_mff_amount"), number(row, "billed_mff")
    if total is not None:
        return total
    if price is None:
        return None
    product = _product(price, mff, mff_amount)
    return price if product is None else product


def _product(price: int | None, mff: int | None, mff_amount: int | None) -> int | None:
    """Return the price with the factor billed, as money where it is there, else as a factor."""
    if price is None:
        return None
    if mff_amount is not None:
        return price + mff_amount
    return None if mff is None else half_up(Fraction(price * mff, MFF_UNIT))


def billed(episodes: Sequence[Episode], copies: Sequence[int]) -> Billed:
    """Find what was billed: one row's money, the last in order that carries any (else the last)."""
    carrying = [place for place, row in enumerate(episodes) if billed_amount(row) is not None]
    row = episodes[carrying[-1] if carrying else -1]
    amount = billed_amount(row)
    hrgs = [hrg for hrg in (text(e, "billed_hrg") for e in episodes) if hrg is not None]
    return Billed(
        hrg=hrgs[-1].upper() if hrgs else None,
        point_of_delivery=text(row, "billed_point_of_delivery"),
        price=number(row, "billed_price"),
        mff=number(row, "billed_mff"),
        mff_amount=number(row, "billed_mff_amount"),
        excess_days=number(row, "billed_excess_days"),
        total=number(row, "billed_total"),
        pence=amount,
        duplicate_pence=None if amount is None else amount * copies[carrying[-1]],
        activity_month=text(row, "activity_month"),
        statement=text(row, "statement"),
    )
