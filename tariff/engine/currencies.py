"""Payments that are no HRG: years of care, maternity pathway, rehabilitation, assessments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tariff.engine.year_tables import rows_of
from tariff.packs.compile import pence
from tariff.packs.load import LoadedPack

# the basis of a price, by the table of a price list that has it
BASIS = {"maternity": "maternity", "other_prices": "other", "best_practice_prices": "best_practice"}


@dataclass(frozen=True)
class Currency:
    """One payment: its code, what it rests on, its price; of maternity also phase and level."""

    code: str
    basis: str
    area: str  # of maternity: the phase
    name: str  # of maternity: the level
    pod: str  # empty: as stated
    price: int


def currencies_of(tariff: LoadedPack, care: LoadedPack) -> dict[str, Currency]:
    """Give the payments that a price list has a price of, by code."""
    held = dict(_priced(tariff))
    found = {}
    for row in rows_of(care, "currencies"):
        price = held.get((row["table"], row["area"], row["name"]))
        if price is not None:
            found[row["code"]] = Currency(
                code=row["code"],
                basis=BASIS[row["table"]],
                area=row["area"],
                name=row["name"],
                pod=row["point_of_delivery"],
                price=price,
            )
    return found


def _priced(tariff: LoadedPack) -> Iterator[tuple[tuple[str, str, str], int]]:
    """Give the prices that bind, by table, area and name."""
    for row in rows_of(tariff, "maternity"):
        yield ("maternity", row["phase"], row["level"]), pence(row["price"])
    for row in rows_of(tariff, "other_prices"):
        if row["binding"] == "yes" and row["figure"] == "price" and not row["code"]:
            yield ("other_prices", row["area"], row["name"]), pence(row["value"])
    for row in rows_of(tariff, "best_practice_prices"):
        if not row["code"]:
            yield ("best_practice_prices", row["area"], row["name"]), pence(row["price"])
