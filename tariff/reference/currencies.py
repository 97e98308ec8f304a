"""Payments that are no HRG, and the level of a maternity pathway, docs/pricing-other-care.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from tariff.reference.tables import pence

Rows = Iterable[Mapping[str, str]]
ORDER = ["standard", "intermediate", "intensive"]


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment with a code of its own: what it rests on, its phase and level, its price."""

    basis: str
    phase: str | None  # of maternity
    level: str | None
    point_of_delivery: str | None
    price: int


def payments(codes: Rows, tables: Mapping[str, Rows]) -> dict[str, Payment]:
    """The payments by code; one that the year does not price, or by a guide price, is none."""
    out = {}
    for row in codes:
        price = None
        for held in tables[row["table"]]:
            if row["table"] == "maternity" and (held["phase"], held["level"]) == (
                row["area"],
                row["name"],
            ):
                price = pence(held["price"])
            elif row["table"] == "other_prices" and _named(held, row):
                if held["binding"] == "yes" and held["figure"] == "price":
                    price = pence(held["value"])
            elif row["table"] == "best_practice_prices" and _named(held, row):
                price = pence(held["price"])
        if price is None:
            continue
        maternity = row["table"] == "maternity"
        basis = {"maternity": "maternity", "other_prices": "other"}
        out[row["code"]] = Payment(
            basis=basis.get(row["table"], "best_practice"),
            phase=row["area"] if maternity else None,
            level=row["name"] if maternity else None,
            point_of_delivery=row["point_of_delivery"] or None,
            price=price,
        )
    return out


def _named(held: Mapping[str, str], row: Mapping[str, str]) -> bool:
    """Whether a printed row without a code has the area and the name of a payment."""
    return not held.get("code") and (held.get("area"), held.get("name")) == (
        row["area"],
        row["name"],
    )


class FactorsOfPathways:
    """The factors of a year, printed or in other words, and the measures that are one."""

    def __init__(self, factors: Rows, words: Rows, edges: Rows) -> None:
        self.printed: dict[str, dict[str, str]] = {}
        for row in factors:
            held = self.printed.setdefault(row["phase"], {})
            name = _plain(row["factor"])
            held[name] = max(row["level"], held.get(name, "standard"), key=ORDER.index)
        self.words: dict[str, dict[str, str]] = {}
        for row in words:
            self.words.setdefault(row["phase"], {})[_plain(row["word"])] = _plain(row["factor"])
        self.edges = [dict(row) for row in edges]

    def level(self, phase: str, text: str) -> str | None:
        """The level of a phase, None where a factor is in neither list nor a measure."""
        highest = "standard"
        for part in text.split(";"):
            factor = _plain(part)
            if not factor:
                continue
            level = self._one(phase, factor)
            if level is None:
                return None
            highest = max(highest, level, key=ORDER.index)
        return highest

    def _one(self, phase: str, factor: str) -> str | None:
        other = self.words.get(phase, {}).get(factor)
        if other is not None:
            return self._of_printed(phase, other)
        if factor in self.printed.get(phase, {}):
            return self._of_printed(phase, factor)
        everywhere = [*self.printed.values(), *self.words.values()]
        if any(factor in held for held in everywhere):
            return "standard"  # known, of the other phase alone
        return self._measured(phase, factor)

    def _of_printed(self, phase: str, factor: str) -> str:
        return self.printed.get(phase, {}).get(factor, "standard")

    def _measured(self, phase: str, factor: str) -> str | None:
        match = re.fullmatch(r"([a-z-]+) ?[= ] ?([0-9]{1,4}(?:\.[0-9]{1,4})?)", factor)
        if match is None or match[1] not in {edge["measure"].lower() for edge in self.edges}:
            return None
        value, highest = Fraction(match[2]), "standard"
        for edge in self.edges:
            if (edge["phase"], edge["measure"].lower()) == (phase, match[1]) and (
                (not edge["above"] or value > Fraction(edge["above"]))
                and (not edge["at_least"] or value >= Fraction(edge["at_least"]))
                and (not edge["below"] or value < Fraction(edge["below"]))
                and (not edge["at_most"] or value <= Fraction(edge["at_most"]))
            ):
                level = self._of_printed(phase, _plain(edge["factor"]))
                highest = max(highest, level, key=ORDER.index)
        return highest


def _plain(text: str) -> str:
    """As factors are compared: small letters, single blanks."""
    return re.sub(r"\s+", " ", text.casefold()).strip()
