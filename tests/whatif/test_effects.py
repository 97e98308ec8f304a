"""Effects of a difference: they add up to the penny, negate, and are those worked on paper."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariff.packs.compile import NULL64
from tariff.whatif.effects import EFFECTS, Side, halved, split
from tariff.whatif.payables import (
    Payable,
    apportioned,
    compare_payables,
    payables_table,
    rounded,
    total,
)

UNIT = 10**9
PARTS = ("base_price", "best_practice_price", "short_stay", "best_practice", "top_up")


def half_up(exact: Fraction) -> int:
    """To a whole number, halves away from zero, by another road than the program's."""
    number = Decimal(exact.numerator) / Decimal(exact.denominator)
    return int(number.to_integral_value(ROUND_HALF_UP))


@st.composite
def prices(draw: st.DrawFn) -> dict[str, Any]:
    """One record on one side: parts in pence, a long stay, a factor; or no price at all."""
    parts = {name: draw(st.integers(-5_000_000, 5_000_000)) for name in PARTS}
    rate = draw(st.none() | st.integers(0, 50_000))
    days = draw(st.integers(0, 400)) if rate is not None else 0
    return {
        "parts": parts,
        "days": days,
        "rate": rate,
        "other": draw(st.sampled_from([0, 0, 12_345])),
        "mff": draw(st.integers(900_000_000, 1_500_000_000)),
        "hrg": draw(st.integers(0, 1)),
        "priced": draw(st.sampled_from([True, True, True, False])),
    }


def side(records: list[dict[str, Any]]) -> Side:
    long_stay = [r["days"] * (r["rate"] or 0) for r in records]
    pre = [
        sum(r["parts"].values()) + stay + r["other"]
        for r, stay in zip(records, long_stay, strict=True)
    ]
    total = [
        half_up(Fraction(p) * r["mff"] / UNIT) if r["priced"] else NULL64
        for p, r in zip(pre, records, strict=True)
    ]

    def column(values: list[Any]) -> np.ndarray[Any, Any]:
        return np.array([NULL64 if v is None else v for v in values], np.int64)

    return Side(
        parts={name: column([r["parts"][name] for r in records]) for name in PARTS},
        pre_mff=column(pre),
        mff=column([r["mff"] for r in records]),
        total=column(total),
        hrg=column([r["hrg"] for r in records]),
        long_stay=column(long_stay),
        excess=column([r["days"] for r in records]),
        per_day=column([r["rate"] for r in records]),
    )


def by_hand(a: dict[str, Any], b: dict[str, Any]) -> dict[str, int]:
    """The effects of one record in fractions, from docs/compare.md."""
    out = dict.fromkeys(EFFECTS, 0)
    stay = {id(r): r["days"] * (r["rate"] or 0) for r in (a, b)}
    pre = {id(r): sum(r["parts"].values()) + stay[id(r)] + r["other"] for r in (a, b)}
    paid = {id(r): half_up(Fraction(pre[id(r)]) * r["mff"] / UNIT) for r in (a, b)}
    if a["priced"] and b["priced"]:
        middle = Fraction(a["mff"] + b["mff"], 2 * UNIT)
        for name in PARTS:
            out[name] = half_up((b["parts"][name] - a["parts"][name]) * middle)
        out["other"] = half_up((b["other"] - a["other"]) * middle)
        if a["hrg"] != b["hrg"]:
            out["hrg"], out["base_price"] = out["base_price"], 0
        rates = [r["rate"] for r in (a, b)]
        if rates[0] is None or rates[1] is None:
            rates = [rates[0] or rates[1] or 0] * 2
        rate = Fraction((rates[1] - rates[0]) * (a["days"] + b["days"]), 2)
        out["long_stay_rate"] = half_up(rate * middle)
        out["long_stay_days"] = half_up((stay[id(b)] - stay[id(a)] - rate) * middle)
        of_factor = Fraction(b["mff"] - a["mff"], UNIT) * (pre[id(a)] + pre[id(b)]) / 2
        out["mff"] = half_up(of_factor)
    elif a["priced"]:
        out["only_a"] = -paid[id(a)]
    elif b["priced"]:
        out["only_b"] = paid[id(b)]
    whole = paid[id(b)] * b["priced"] - paid[id(a)] * a["priced"]
    out["rounding"] = whole - sum(out.values())
    return out


@given(st.lists(st.tuples(prices(), prices()), min_size=1, max_size=20))
def test_effects_add_up_negate_and_are_those_of_paper(
    pairs: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    a, b = side([one for one, _ in pairs]), side([other for _, other in pairs])
    there, back = split(a, b), split(b, a)
    paid_a, paid_b = (np.where(of.total == NULL64, 0, of.total) for of in (a, b))
    assert (sum(there.values()) == paid_b - paid_a).all()
    assert np.abs(there["rounding"]).max() <= 5, "half a penny an effect, and the two totals"
    turned = {"only_a": "only_b", "only_b": "only_a"}
    for name in EFFECTS:
        assert (there[name] == -back[turned.get(name, name)]).all(), name
    assert not any(amounts.any() for amounts in split(a, a).values())
    for place, (one, other) in enumerate(pairs):
        assert {name: int(there[name][place]) for name in EFFECTS} == by_hand(one, other)


@given(st.integers(-(10**14), 10**14), st.integers(-18 * UNIT, 18 * UNIT))
def test_halving_is_exact_whatever_the_size(twice: int, weight: int) -> None:
    found = halved(np.array([twice]), np.array([weight]))
    assert int(found[0]) == half_up(Fraction(twice * weight, 4 * UNIT))


# ---------------------------------------------------------------- two contracts


lines = st.dictionaries(
    st.tuples(
        *(st.sampled_from(names) for names in (["x", ""], ["x", "y"], ["R1H"], ["NEL"], "AB"))
    ),
    st.builds(
        Payable,
        units=st.fractions(0, 500, max_denominator=4),
        value=st.integers(0, 10**9),
        payable=st.integers(0, 10**9),
    ),
)


@given(lines, lines)
def test_volume_price_and_rule_add_up(a: dict[str, Payable], b: dict[str, Payable]) -> None:
    there, back = compare_payables(a, b), compare_payables(b, a)
    for line in there:
        assert line.volume + line.price + line.rule == line.difference
    paid = [sum(line.payable for line in of.values()) for of in (a, b)]
    whole = total(there)
    assert whole.difference == paid[1] - paid[0] == whole.volume + whole.price + whole.rule
    sums: dict[str, list[int]] = {}
    for row in payables_table(there).to_pylist():
        held = sums.setdefault(row["level"], [0, 0, 0])
        for place, name in enumerate(("volume", "price", "rule")):
            held[place] += row[f"{name}_pence"]
        assert row["difference_pence"] == sum(
            row[f"{name}_pence"] for name in ("volume", "price", "rule")
        )
    assert {tuple(held) for held in sums.values()} == {(whole.volume, whole.price, whole.rule)}
    assert [(x.volume, x.price, x.rule) for x in there] == [
        (-x.volume, -x.price, -x.rule) for x in back
    ]
    same = compare_payables(a, a)
    assert not any((x.volume, x.price, x.rule) != (0, 0, 0) for x in same)


@given(st.integers(-(10**6), 10**6), st.lists(st.fractions(0, 9), min_size=1, max_size=6))
def test_what_is_parted_adds_up(whole: int, weights: list[Fraction]) -> None:
    weights[0] += 1
    parts = apportioned(whole, weights)
    assert sum(parts) == whole
    exact = [whole * weight / sum(weights) for weight in weights]
    assert all(abs(part - part_of) < 1 for part, part_of in zip(parts, exact, strict=True))
    assert rounded([Fraction(whole), Fraction(1, 2), Fraction(1, 2)], whole + 1) == [whole, 1, 0]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # the same activity, a block beside cost per case: all of it is the rule
        (Payable(Fraction(10), 1000, 1000), Payable(Fraction(10), 1000, 900), (0, 0, -100)),
        # a fifth more activity at the same price
        (Payable(Fraction(10), 1000, 1000), Payable(Fraction(12), 1200, 1200), (200, 0, 0)),
        # the same activity a tenth dearer
        (Payable(Fraction(10), 1000, 1000), Payable(Fraction(10), 1100, 1100), (0, 100, 0)),
        # both: half the price change is weighed at either volume
        (Payable(Fraction(10), 1000, 1000), Payable(Fraction(12), 1320, 1320), (210, 110, 0)),
        # a line that only one has
        (Payable(Fraction(0), 0, 0), Payable(Fraction(4), 400, 100), (400, 0, -300)),
    ],
)
def test_a_line_of_two_contracts(a: Payable, b: Payable, expected: tuple[int, int, int]) -> None:
    key = ("nel", "nel", "R1H", "NEL", "D")
    (line,) = compare_payables({key: a}, {key: b})
    assert (line.volume, line.price, line.rule) == expected
    *_, row = payables_table([line]).to_pylist()
    assert (row["level"], row["line_a"], row["chapter"]) == ("activity", "nel", "D")
    assert row["difference_pence"] == sum(expected) == b.payable - a.payable
    assert (row["units_a"], row["payable_b_pence"]) == (a.units, b.payable)
