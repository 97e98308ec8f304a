"""Exact sums of money: integer pence, half up (away from 0) to the penny."""

from __future__ import annotations

from fractions import Fraction

from tariff.packs.compile import NULL64
from tariff.schemas import MFF_UNIT

Step = tuple[str, int | None, str]  # of a working: what, pence where it is money, a remark


def rounded(amount: Fraction | int) -> int:
    """Give the whole number next to an amount, a half away from 0."""
    size = abs(Fraction(amount))
    whole = (2 * size.numerator + size.denominator) // (2 * size.denominator)
    return whole if amount >= 0 else -whole


def price_of(pence: int, factor: int) -> int:
    """Give pence x factor (1e-9), half up to the penny."""
    return (abs(pence) * factor * 2 + MFF_UNIT) // (2 * MFF_UNIT) * (1 if pence >= 0 else -1)


def priced_apart(pre_mff: int, less: int, factor: int) -> int:
    """Give what `less` pence before MFF take off a price, each price rounded by itself."""
    if pre_mff == NULL64:
        return price_of(less, factor)
    return price_of(pre_mff, factor) - price_of(pre_mff - less, factor)


def decimal_factor(factor: int) -> str:
    """Give a factor in units of 1e-9 as a decimal without trailing zeros."""
    return f"{factor // MFF_UNIT}.{factor % MFF_UNIT:09}".rstrip("0").rstrip(".")
