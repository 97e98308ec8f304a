"""The kernel prices as the oracle does, under every option, to the penny."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tariff.engine.price import times
from tariff.reference.price import rounded_total
from tariff.schemas import MFF_UNIT
from tests.differential.compare import Case, check_spells
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
    fields = random_fields(rng)
    hrgs = all_hrgs(packs)
    rows = random_rows(rng, fields, hrgs, spells)
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
    )


@example_settings(50)
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
