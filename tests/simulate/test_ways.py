"""What is drawn leads to the root that was meant, and to no root of its own by accident."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from tariff.simulate import shipped, ways
from tariff.simulate.billing import engine
from tariff.simulate.catalogue import BIRTHS
from tariff.simulate.columns import spell_places
from tariff.simulate.extract import Made, Maker, stream_chunks
from tariff.simulate.plan import make_plan

EPISODES = 20_000


@pytest.fixture(scope="module")
def drawn() -> tuple[Maker, Made, list[dict[str, object]]]:
    """An extract before billing, and the engine's reading of it."""
    maker = Maker(make_plan(EPISODES, 6, billed=False))
    (made,) = stream_chunks(maker)
    return maker, made, engine()(pa.Table.from_batches([made.batch])).to_pylist()


@pytest.fixture(scope="module")
def meant(
    drawn: tuple[Maker, Made, list[dict[str, object]]],
) -> list[tuple[str, dict[str, object]]]:
    """The root meant for each spell beside what the engine says of it."""
    maker, made, results = drawn
    spells = np.argsort(spell_places(made.chunk.spells, made.chunk.stays))
    roots = [maker.catalogue.roots[i] for i in made.chunk.spells.root[spells]]
    return [(roots[int(str(one["spell_id"])[1:]) - made.first_spell], one) for one in results]


def test_nearly_every_spell_has_the_root_that_was_meant(
    meant: list[tuple[str, dict[str, object]]],
) -> None:
    """1 in 300 at most is moved by what is drawn later."""
    moved = Counter(
        (root, one["hrg"])
        for root, one in meant
        if not str(one["hrg"] or "").startswith(root) and one["hrg"] is not None
    )
    assert sum(moved.values()) < len(meant) / 300, moved.most_common(5)


def test_no_spell_is_in_error_and_only_lists_not_held_leave_one_without_an_hrg(
    meant: list[tuple[str, dict[str, object]]],
) -> None:
    assert not [one for _, one in meant if one["error_category"] is not None]
    without = Counter((root[:2], one["group_reason"]) for root, one in meant if one["hrg"] is None)
    assert {reason for _, reason in without} == {"cc_list_not_held", "root_not_in_design"}
    others = sum(count for (chapter, _), count in without.items() if chapter != "NZ")
    assert others < len(meant) / 300, "lists of heart surgery, which billed extracts do without"


def test_no_day_is_one_of_scans_alone(meant: list[tuple[str, dict[str, object]]]) -> None:
    alone = [one["hrg"] for _, one in meant if str(one["hrg"]).startswith(("RD97", "RN97"))]
    assert not alone


def test_stays_for_minor_procedures_are_short(
    drawn: tuple[Maker, Made, list[dict[str, object]]],
) -> None:
    maker, made, _ = drawn
    brief = maker.catalogue.brief[made.chunk.spells.root]
    assert brief.sum() > 1000
    assert made.chunk.stays.length[brief].max() == 1


def test_injuries_of_several_sites_are_of_several_sites(
    meant: list[tuple[str, dict[str, object]]],
) -> None:
    trauma = [one for root, one in meant if root.startswith("VA")]
    assert len(trauma) > 30
    assert all(one["grouping_flag"] == "M" for one in trauma)


def test_sites_reach_roots_that_no_code_names_alone() -> None:
    named = {row["root"] for row in shipped.root_table("procedures").rows.values()}
    reached = {way.root for way in ways.operations()} - named
    assert {"FE41", "CA61", "MA26", "HT53"} <= reached
    assert len(reached) > 80


def test_ways_are_of_valid_codes_that_drive() -> None:
    roots, valid = shipped.root_table("procedures"), shipped.valid_codes()
    for way in ways.operations():
        assert roots.drives(way.code) and way.use > 0 and way.primaries
        assert way.code not in way.beside
        for other in way.beside:
            assert valid.procedure(other)
            assert shipped.never_dominant(other) or roots.rank(other) <= roots.rank(way.code)


def test_newborns_are_told_by_where_they_come_from() -> None:
    assert ways.diagnosis_ends("PB04", "P599", child=True) == ["PB06", "PB04", "PB05"]
    assert ways.diagnosis_ends("FD01", "A099", child=False) == ["FD01"]
    assert {ways.SOURCES[root] for root in BIRTHS} == {"79"}
