"""Many realistic spells under the packs that ship: the kernel says what the oracle says."""

from __future__ import annotations

from collections import Counter

import pytest

from tariff.engine.record_set import RecordSet
from tariff.packs.model import SignaturesPack
from tariff.reference.world import World
from tests.differential.compare import check_spells
from tests.differential.realistic import noisy_rows, shipped, shipped_case, synthetic_rows
from tests.differential.strategies import SLOW
from tests.differential.test_match import engine_hits, oracle_hits

SPELLS = 200_000 if SLOW else 10_000
PIECE = 5_000


@pytest.mark.parametrize("piece", range(SPELLS // PIECE))
def test_noisy_spells(piece: int) -> None:
    """Noise in three rows of four: other codes, blanks, other years, copies."""
    rows = noisy_rows(6_150, 100 + piece)
    compared = check_spells(shipped_case(rows, year="2018/19" if piece % 2 else None))
    assert compared >= PIECE


def test_honest_spells() -> None:
    compared = check_spells(shipped_case(synthetic_rows(2_000, 5, "2017/18")))
    assert compared > 1_500


def test_the_signatures_that_ship() -> None:
    case = shipped_case(noisy_rows(900, 77))
    world = World({("extract", "spells"): case.records()})
    records = RecordSet([case.run().columns])
    rules = [
        (rule, {name: [str(c) for c in codes] for name, codes in pack.manifest.lists.items()})
        for pack, rule in shipped()[0].rules()
        if isinstance(pack.manifest, SignaturesPack)
    ]
    assert rules
    totals: Counter[str] = Counter()
    for rule, lists in rules:
        expected = oracle_hits(world, rule, lists)
        assert engine_hits(records, [rule], lists) == expected, rule.id
        totals[rule.id] = sum(map(len, expected.values()))
    assert totals.total() > 50
