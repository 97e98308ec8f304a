"""Spells of up to 30 episodes, 99 diagnoses and 99 procedures: kernel and oracle agree.

The oracle groups an episode with all of its spell in view: fewer spells are compared by episode.
"""

from __future__ import annotations

from random import Random

import pytest

from tariff.reference.validate import may_dominate
from tests.differential.compare import Case, check_spells
from tests.differential.realistic import shipped, shipped_case
from tests.differential.strategies import (
    DIAGNOSES,
    MOST_CODES,
    MOST_EPISODES,
    PROCEDURES,
    SLOW,
    Row,
    random_packs,
    wide_rows,
)

TIMES = 10 if SLOW else 1


def widest(rows: list[Row]) -> tuple[int, int, int]:
    """The most episodes of a spell, and the most diagnoses and procedures of an episode."""

    def most(family: str) -> int:
        return max(sum(bool(v) for n, v in row.items() if n.startswith(family)) for row in rows)

    orders = [row["episode_order"] for row in rows]
    assert all(isinstance(order, int) for order in orders)
    return max(orders), most("diag_"), most("oper_")  # type: ignore[type-var, return-value]


@pytest.mark.parametrize("seed", range(6 * TIMES))
def test_wide_spells_under_random_packs(seed: int) -> None:
    rng = Random(seed)
    packs = random_packs(rng)
    rows = wide_rows(rng, DIAGNOSES[:8], DIAGNOSES, PROCEDURES, 40)
    assert widest(rows)[0] == MOST_EPISODES
    assert check_spells(Case(packs, frozenset(rows[0]), rows), episodes=seed == 0) == 40


def shipped_rows(rng: Random, spells: int) -> list[Row]:
    """Wide spells of the codes that ship; half of them hold nothing that drives."""
    tables = shipped()[2][-1]
    diagnoses, procedures = sorted(tables.codes.icd10), sorted(tables.codes.opcs4)
    burns = [code for code in diagnoses if code.startswith(("T2", "T3"))]
    usual = [code for code in diagnoses if code not in burns and code[0] not in "SVWXYP"]
    idle = [code for code in procedures if code[0] in "UX" or not may_dominate(tables.codes, code)]
    rows = []
    for piece, (own, work) in enumerate(
        [(usual, procedures), (usual, idle), ([*usual, "T310"], procedures), (diagnoses, idle)]
    ):
        primaries = [code for code in usual if code[0] in "ABCDEGHIJKLMN"]
        made = wide_rows(rng, primaries, own, work, spells // 4)
        rows += [row | {"spell_id": f"{row['spell_id']}-{piece}"} for row in made]
    fields = {name for row in rows for name in row}
    return [{name: row.get(name) for name in fields} for row in rows]


def test_wide_spells_under_the_packs_that_ship() -> None:
    rows = shipped_rows(Random(1), 120 * TIMES)
    episodes, diagnoses, procedures = widest(rows)
    assert (episodes, diagnoses >= MOST_CODES - 6, procedures >= MOST_CODES - 6) == (
        MOST_EPISODES, True, True,
    )  # fmt: skip
    case = shipped_case(rows)
    assert check_spells(case, episodes=False) == 120 * TIMES
    flags = {case.grouping(spell).grouping_flag for spell in case.spells}
    assert {"P", "D"} <= flags


def test_each_episode_of_wide_spells_under_the_packs_that_ship() -> None:
    rows = shipped_rows(Random(2), 12 * TIMES)
    assert check_spells(shipped_case(rows)) == 12 * TIMES
