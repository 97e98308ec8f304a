"""How spells are assembled, and docs/money.md on what counts as billed, a sentence at a time."""

from __future__ import annotations

from datetime import date

import pytest

from tariff.reference.spells import assemble
from tests.reference.tiny_packs import Row, episode


def test_exact_copies_are_set_aside_and_counted() -> None:
    row = episode(spell_id="S1")
    spells = assemble([row, dict(row), episode(spell_id="S1", episode_order=2), dict(row)])
    assert [len(spell.episodes) for spell in spells] == [2]
    assert spells[0].copies == (2, 0)
    assert spells[0].duplicate_rows == 2


def test_order_of_episodes() -> None:
    rows = [
        episode(episode_order=None, ward="A"),
        episode(episode_order=10),
        episode(episode_order=2, ward="B"),
        episode(episode_order=2, ward="A"),
        episode(episode_order=2),
    ]
    spell = assemble(rows)[0]
    found = [(e["episode_order"], e.get("ward")) for e in spell.episodes]
    assert found == [(2, None), (2, "A"), (2, "B"), (10, None), (None, "A")]


def test_ties_go_by_the_field_dictionary() -> None:
    """Site stands before ward there, whatever the order in the row."""
    rows = [episode(ward="A", site="2"), episode(ward="B", site="1")]
    assert [e["site"] for e in assemble(rows)[0].episodes] == ["1", "2"]


def test_attributes_of_a_spell() -> None:
    first = episode(
        episode_order=1,
        discharge_date=date(2022, 5, 9),
        discharge_destination="51",
        treatment_function="100",
    )
    last = episode(
        episode_order=2,
        admission_date=date(2022, 5, 1),
        discharge_destination=None,
        treatment_function="300",
        oper_01="A101",
    )
    spell = assemble([last, first])[0]
    assert (spell.admission_date, spell.discharge_date) == (date(2022, 5, 1), date(2022, 5, 9))
    assert spell.attribute("treatment_function") == "100"
    assert spell.attribute("discharge_destination") is None
    assert (spell.primary_diagnosis, spell.primary_procedure) == ("A010", None)


@pytest.mark.parametrize(
    ("values", "pence"),
    [
        ({"billed_total": 500, "billed_price": 100}, 500),
        ({"billed_price": 100, "billed_mff_amount": 7, "billed_mff": 2 * 10**9}, 107),
        ({"billed_price": 105, "billed_mff": 1_100_000_000}, 116),  # 115.5
        ({"billed_price": 104, "billed_mff": 1_100_000_000}, 114),  # 114.4
        ({"billed_price": 100}, 100),
        ({"billed_mff_amount": 7}, None),
        ({"billed_total": 0}, 0),
    ],
)
def test_what_counts_as_billed(values: Row, pence: int | None) -> None:
    assert assemble([episode(**values)])[0].billed.pence == pence


def test_the_last_row_that_carries_money() -> None:
    paid = episode(episode_order=2, billed_total=700, billed_hrg="AA01A")
    rows = [
        episode(episode_order=1, billed_total=300, billed_hrg="AA01B", billed_excess_days=9),
        paid,
        dict(paid),
        dict(paid),
        episode(episode_order=3, billed_hrg="AA01C", billed_excess_days=4),
        episode(episode_order=4),
    ]
    billed = assemble(rows)[0].billed
    assert (billed.pence, billed.duplicate_pence) == (700, 1400)
    assert (billed.hrg, billed.excess_days) == ("AA01C", None)
