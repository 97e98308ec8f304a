"""The kernel groups as the oracle does: random packs, random episodes, every column."""

from __future__ import annotations

from random import Random

from hypothesis import given

from tests.differential.compare import Case, check_spells
from tests.differential.strategies import (
    RANDOMS,
    SLOW,
    all_hrgs,
    example_settings,
    random_fields,
    random_packs,
    random_rows,
)

BULK = 600 if SLOW else 40


def random_case(rng: Random, spells: int) -> Case:
    """A pack set and some spells."""
    packs = random_packs(rng)
    fields = random_fields(rng)
    rows = random_rows(rng, fields, all_hrgs(packs), spells)
    return Case(packs, fields, rows, year=rng.choice([None, "2018/19", "2022/23"]))


@example_settings(25)
@given(RANDOMS)
def test_the_smallest_disagreement(rng: Random) -> None:
    check_spells(random_case(rng, rng.randint(1, 4)))


def test_many_spells_under_many_packs() -> None:
    compared = sum(check_spells(random_case(Random(seed), 150)) for seed in range(BULK))
    assert compared > BULK * 80
