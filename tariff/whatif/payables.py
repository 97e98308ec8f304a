"""Splits the difference between two contracts over the same or other activity, kind by kind.

What a line pays is its activity at price, and what the form of the contract adds to that or takes
off it: a block, a cap, a marginal rate. So, for each kind of activity,

    volume   (units of B - units of A) x (unit price of A + unit price of B) / 2
    price    (unit price of B - unit price of A) x (units of A + units of B) / 2
    rule     (payable of B - value of B) - (payable of A - value of A)

where value is activity at price and unit price is value over units. Volume and price come to the
difference of the values, so all three come to the difference of the payables. Volume is rounded
half up to the penny and price takes what is left. Money without units is all price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pyarrow as pa

Key = tuple[str, ...]

KEYS = ("line_a", "line_b", "provider", "point_of_delivery", "chapter")
# what each level adds up by; the last is what is compared: nothing below it is told apart
LEVELS: dict[str, tuple[str, ...]] = {
    "all": (),
    "provider": ("provider",),
    "line": ("line_a", "line_b"),
    "point_of_delivery": ("point_of_delivery",),
    "chapter": ("chapter",),
    "activity": KEYS,
}
EFFECTS = ("volume", "price", "rule")
PLACES = Decimal("0.001")
_UNITS = pa.decimal128(18, 3)
PAYABLES = pa.schema(
    [
        pa.field("level", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in KEYS),  # empty where not of the level
        *(pa.field(f"units_{side}", _UNITS, nullable=False) for side in "ab"),
        *(pa.field(f"value_{side}_pence", pa.int64(), nullable=False) for side in "ab"),
        *(pa.field(f"payable_{side}_pence", pa.int64(), nullable=False) for side in "ab"),
        pa.field("difference_pence", pa.int64(), nullable=False),
        *(pa.field(f"{name}_pence", pa.int64(), nullable=False) for name in EFFECTS),
    ]
)


@dataclass(frozen=True, slots=True)
class Payable:
    """What activity has come to: its units, pence at price, pence payable."""

    units: Fraction
    value: int
    payable: int

    def __add__(self, other: Payable) -> Payable:
        return Payable(
            self.units + other.units, self.value + other.value, self.payable + other.payable
        )


NOTHING = Payable(Fraction(0), 0, 0)


@dataclass(frozen=True, slots=True)
class Difference:
    """B less A of one kind of activity, in pence; `volume + price + rule` is `difference`."""

    key: Key
    a: Payable
    b: Payable
    volume: int
    price: int
    rule: int

    @property
    def difference(self) -> int:
        """What B pays less what A pays."""
        return self.b.payable - self.a.payable


def compare_payables(a: Mapping[Key, Payable], b: Mapping[Key, Payable]) -> list[Difference]:
    """Compare two contracts kind by kind, in order of the keys; what one side alone has too."""
    return [_split(key, a.get(key, NOTHING), b.get(key, NOTHING)) for key in sorted({*a, *b})]


def total(differences: Iterable[Difference], key: Key = ()) -> Difference:
    """Give the sum."""
    held = list(differences)
    return Difference(
        key,
        sum((one.a for one in held), NOTHING),
        sum((one.b for one in held), NOTHING),
        sum(one.volume for one in held),
        sum(one.price for one in held),
        sum(one.rule for one in held),
    )


def payables_table(differences: Sequence[Difference]) -> pa.Table:
    """Give the sums at each level (PAYABLES). Keys are `KEYS`."""
    rows = []
    for level, names in LEVELS.items():
        places = [KEYS.index(name) for name in names]
        groups: dict[Key, list[Difference]] = {(): []} if level == "all" else {}
        for one in differences:
            groups.setdefault(tuple(one.key[place] for place in places), []).append(one)
        for key in sorted(groups):
            named = dict(zip(names, key, strict=True))
            rows.append({"level": level, **named, **_figures(total(groups[key]))})
    return pa.Table.from_pylist(rows, PAYABLES)


def apportioned(whole: int, weights: Sequence[Fraction]) -> list[int]:
    """Part a whole number by weights that are not negative, and not all nothing; it adds up.

    The parts that lose most by rounding down get what is left over, the first of equals.
    """
    every = sum(weights, Fraction(0))
    return rounded([whole * weight / every for weight in weights], whole)


def rounded(exact: Sequence[Fraction], whole: int) -> list[int]:
    """Round parts that come to about a whole number so that they come to it."""
    parts = [floor(part) for part in exact]
    lost = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in lost[: whole - sum(parts)]:
        parts[place] += 1
    return parts


def _figures(of: Difference) -> dict[str, Any]:
    sides = (("a", of.a), ("b", of.b))
    return {
        **{f"units_{side}": _decimal(held.units) for side, held in sides},
        **{f"value_{side}_pence": held.value for side, held in sides},
        **{f"payable_{side}_pence": held.payable for side, held in sides},
        "difference_pence": of.difference,
        **{f"{name}_pence": getattr(of, name) for name in EFFECTS},
    }


def _decimal(units: Fraction) -> Decimal:
    exact = Decimal(units.numerator) / Decimal(units.denominator)
    return exact.quantize(PLACES, ROUND_HALF_UP)


def _split(key: Key, a: Payable, b: Payable) -> Difference:
    volume = _half_away((b.units - a.units) * (_unit_price(a, b) + _unit_price(b, a)) / 2)
    price = b.value - a.value - volume
    rule = (b.payable - b.value) - (a.payable - a.value)
    return Difference(key, a, b, volume, price, rule)


def _unit_price(of: Payable, beside: Payable) -> Fraction:
    """The price of a unit; that of the other side where this one has no activity."""
    if of.units:
        return Fraction(of.value) / of.units
    if beside.units and not of.value:
        return Fraction(beside.value) / beside.units
    return Fraction(0)


def _half_away(exact: Fraction) -> int:
    """Round, a half away from nothing, so that the other way round is the negative."""
    whole = int((2 * abs(exact) + 1) // 2)
    return -whole if exact < 0 else whole
