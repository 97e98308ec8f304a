"""Splits the difference of two prices of one record into effects that add up to the penny.

Half of each difference is weighed at A's figures and half at B's, so that swapping A and B
negates every effect and no order of the effects has to be chosen:

    a component's effect   (B - A) x (factor of A + factor of B) / 2
    of the factor          (factor of B - factor of A) x (pre-MFF of A + pre-MFF of B) / 2

Without rounding these come to the whole difference. Each is rounded half up to the penny; what
that and the roundings of the two prices leave over is the effect `rounding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tariff.packs.compile import NULL64
from tariff.schemas import MFF_UNIT

Money = NDArray[np.int64]
Mask = NDArray[np.bool_]

# effect: what it is of (a figure of the price list, a rule, a record that only one side prices, or
# what rounding leaves), and its title
EFFECTS: dict[str, tuple[str, str]] = {
    "base_price": ("price", "List price"),
    "long_stay_rate": ("price", "Long stay, daily rate"),
    "unbundled": ("price", "Unbundled prices"),
    "hrg": ("rule", "Another HRG"),
    "short_stay": ("rule", "Reduced short stay"),
    "long_stay_days": ("rule", "Long stay, days beyond the trim point"),
    "best_practice_price": ("rule", "Best practice price beside the list price"),
    "best_practice": ("rule", "Best practice payments"),
    "top_up": ("rule", "Specialised top-up"),
    "other": ("rule", "Other parts of the price"),
    "mff": ("rule", "Market forces factor"),
    "only_a": ("only", "Priced in A only"),
    "only_b": ("only", "Priced in B only"),
    "rounding": ("rounding", "Rounding"),
}
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Side:
    """The prices of the records under A or under B; NULL64 is missing.

    `parts` are components of the price before MFF, by the name of their effect, `hrg` ids that
    are of one vocabulary on both sides. `excess` and `per_day` split the long stay payment.
    """

    parts: Mapping[str, Money]
    pre_mff: Money
    mff: Money
    total: Money
    hrg: Money
    long_stay: Money = field(default_factory=lambda: _NONE)
    excess: Money = field(default_factory=lambda: _NONE)
    per_day: Money = field(default_factory=lambda: _NONE)


def split(a: Side, b: Side) -> dict[str, Money]:
    """Give every effect of each record, in pence; they add up to total of B - total of A."""
    in_a, in_b = a.total != NULL64, b.total != NULL64
    both = in_a & in_b
    weight = np.where(both, a.mff + b.mff, 0)  # twice the factor between the two
    out = dict.fromkeys(EFFECTS, np.zeros(len(both), np.int64))
    for name in a.parts:
        twice = np.where(both, 2 * (_known(b.parts[name]) - _known(a.parts[name])), 0)
        out[name] = halved(twice, weight)
    if len(a.long_stay):
        out["long_stay_days"], out["long_stay_rate"] = (
            halved(np.where(both, twice, 0), weight) for twice in _long_stay(a, b)
        )
    apart = 2 * (_of_no_effect(b) - _of_no_effect(a))
    out["other"] = halved(np.where(both, apart, 0), weight)
    another = both & (a.hrg != b.hrg)
    out["hrg"] = np.where(another, out["base_price"], 0)
    out["base_price"] = np.where(another, 0, out["base_price"])
    factor = np.where(both, b.mff - a.mff, 0)
    out["mff"] = halved(np.where(both, a.pre_mff + b.pre_mff, 0), 2 * factor)
    out["only_a"] = np.where(in_a & ~in_b, -a.total, 0)
    out["only_b"] = np.where(in_b & ~in_a, b.total, 0)
    told = sum((out[name] for name in EFFECTS if name != "rounding"), np.zeros_like(weight))
    out["rounding"] = difference(a, b) - told
    return out


def difference(a: Side, b: Side) -> Money:
    """Give the total of B less the total of A, one that is missing as nothing."""
    return _known(b.total) - _known(a.total)


def _known(money: Money) -> Money:
    known: Money = np.where(money == NULL64, 0, money)
    return known


def _of_no_effect(side: Side) -> Money:
    """Give what the price before MFF holds beside the parts that have an effect of their own."""
    left = _known(side.pre_mff)
    for part in (*side.parts.values(), side.long_stay):
        left = left - _known(part) if len(part) else left
    return left


def _long_stay(a: Side, b: Side) -> tuple[Money, Money]:
    """Give twice the difference that days and that the rate make of the long stay payment."""
    days_a, days_b = _known(a.excess), _known(b.excess)
    rate_a = np.where(a.per_day == NULL64, _known(b.per_day), a.per_day)
    rate_b = np.where(b.per_day == NULL64, _known(a.per_day), b.per_day)
    twice_rate = (rate_b - rate_a) * (days_a + days_b)
    twice = 2 * (_known(b.long_stay) - _known(a.long_stay))
    return twice - twice_rate, twice_rate


def halved(twice: Money, weight: Money) -> Money:
    """Give twice / 2 x weight / 2 factors (1e-9), half away from zero to the penny; exact."""
    size, times = np.abs(twice), np.abs(weight)
    unit = 4 * MFF_UNIT
    product_of, share_of = size.max(initial=0), times.max(initial=0)
    if int(product_of) * int(share_of) > np.iinfo(np.int64).max // 4:
        size, times = size.astype(object), times.astype(object)  # exact, whatever the size
    rounded = ((2 * size * times + unit) // (2 * unit)).astype(np.int64)
    found: Money = np.sign(twice) * np.sign(weight) * rounded
    return found
