"""The kernel prices as the oracle does, under every option, to the penny."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tariff._core import price as kernel

from tariff.engine.price import Terms, times
from tariff.packs.compile import ROUNDING
from tariff.reference.price import rounded_total
from tariff.schemas import MFF_UNIT
from tests.differential.compare import Case, check_spells
from tests.differential.price_extras import extra_fields, mark_rows, random_periods
from tests.differential.strategies import (
    RANDOMS,
    SLOW,
    YEARS,
    all_hrgs,
    example_settings,
    random_fields,
    random_packs,
    random_rows,
)

BULK = 600 if SLOW else 40


def random_case(rng: Random, spells: int) -> Case:
    """Spells that mostly have a price: billed at an HRG, of a known year and setting."""
    packs = random_packs(rng)
    fields = random_fields(rng) | extra_fields(rng)
    hrgs = all_hrgs(packs)
    rows = random_rows(rng, fields, hrgs, spells)
    mark_rows(Random(rng.randrange(1 << 32)), rows, fields)
    for row in rows:
        if "billed_hrg" in fields and rng.random() < 0.6:
            row["billed_hrg"] = rng.choice(hrgs)
        if "provider" in fields and rng.random() < 0.5:
            row["provider"] = "R1A"
    return Case(
        packs,
        fields,
        rows,
        year=rng.choice([None, *YEARS, "2020/21"]),
        mff=rng.choice([None, None, None, MFF_UNIT, 1_005_000_001]),
        mff_year=rng.choice([None, None, None, "2022/23", "2019/20"]),
        price_at=rng.choice(["billed", "billed", "grouped"]),
        parts=rng.choice([1, 3]),
        terms=Terms(rng.random() < 0.4, rng.choice([None, None, *ROUNDING])),
        periods=random_periods(rng, rows) if rng.random() < 0.4 else [],
    )


@example_settings(25)
@given(RANDOMS)
def test_the_smallest_disagreement(rng: Random) -> None:
    check_spells(random_case(rng, rng.randint(1, 3)), episodes=False)


def test_many_spells_under_many_packs() -> None:
    cases = (random_case(Random(seed), 150) for seed in range(1000, 1000 + BULK))
    assert sum(check_spells(case, episodes=False) for case in cases) > BULK * 60


@example_settings(200)
@given(
    pence=st.integers(-(10**15), 10**15),
    factor=st.one_of(st.integers(0, 2 * MFF_UNIT), st.sampled_from([MFF_UNIT, 1_100_000_000])),
)
def test_products_are_exact_and_half_up(pence: int, factor: int) -> None:
    found = times(np.array([pence], np.int64), np.array([factor], np.int64))
    assert int(found[0]) == rounded_total("pence_final", [pence], factor)


@example_settings(200)
@given(
    pence=st.integers(0, 10**12),
    rate=st.one_of(st.integers(0, 9 * 10**15 - 1), st.sampled_from([5 * 10**14, 10**15])),
    factor=st.one_of(st.integers(1, 2 * MFF_UNIT), st.sampled_from([MFF_UNIT, 1_100_000_000])),
    policy=st.sampled_from(["pence_final", "pound_final"]),
)
def test_a_share_of_a_price_counts_to_the_last_digit(
    pence: int, rate: int, factor: int, policy: str
) -> None:
    found = np.empty(1, np.int64)
    unit = 1 if policy == "pence_final" else 100
    arrays = (np.array([value], np.int64) for value in (pence, rate, factor))
    kernel.with_share(*arrays, unit, found)
    assert int(found[0]) == rounded_total(policy, [Fraction(pence * rate, 10**15)], factor)
