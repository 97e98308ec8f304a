"""What holds of every record, whatever its codes, under the packs that ship."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given

from tariff.reference.group import longest
from tariff.reference.tables import GroupTables
from tariff.reference.validate import in_code_set, may_dominate
from tariff.reference.values import Value
from tests.differential.realistic import shipped as shipped_tables
from tests.differential.strategies import RANDOMS, example_settings
from tests.engine.grouped import USUAL, columns_batch, group, record, spells_of

Row = dict[str, Value]

GROUPED = (
    "hrg", "grouping_flag", "dominant_code", "dominant_episode", "primary_diagnosis", "cc_score",
    "error_category", "group_reason",
)  # fmt: skip
ERROR = "UZ01Z"


@cache
def tables() -> GroupTables:
    """The tables of 2024/25."""
    (found,) = [each for each in shipped_tables()[2] if each.pack_id == "hrg-2024-25"]
    return found


@cache
def primaries() -> list[str]:
    """The diagnoses that may stand first at any age."""
    codes = tables().codes
    barred = (codes.never_primary, codes.vague_primary, codes.vague_burn, codes.child_primary)
    burns = tuple(tables().injuries.burn_diagnoses)
    every = sorted(code + codes.filler * (len(code) == 3) for code in codes.icd10)
    return [
        code
        for code in every
        if not code.startswith(burns) and not any(in_code_set(each, code) for each in barred)
    ]


@cache
def procedures() -> list[str]:
    """The OPCS-4 list."""
    return sorted(tables().codes.opcs4)


def rank(code: str) -> int:
    """By how much a procedure competes; 0 where it does not."""
    row = longest(tables().procedures, code)
    return row.rank if row is not None and may_dominate(tables().codes, code) else 0


def random_spell(rng: Random, episodes: int | None = None) -> list[Row]:
    """A spell in order, of up to three episodes; half of it without procedures."""
    age = rng.choice([0, 3, 12, 18, 19, 45, 80])
    listed = sorted(tables().cc_members)
    spell = []
    for order in range(1, (episodes or rng.choice([1, 1, 2, 3])) + 1):
        secondary = [rng.choice(listed if rng.random() < 0.7 else primaries()) for _ in range(6)]
        oper = rng.sample(procedures(), rng.choice([0, 0, 1, 4]))
        oper += ["A651"] if oper and not any(may_dominate(tables().codes, c) for c in oper) else []
        stay = {"age": age, "episode_duration": rng.choice([0, 1, 5]), "episode_order": order}
        first = rng.choice(primaries())
        spell.append(record(" ".join([first, *secondary]), " ".join(oper), **stay))
    return spell


def outcome(found: dict[str, Any], *, without: str = "") -> dict[str, Any]:
    return {name: found[name] for name in GROUPED if name != without}


# ---------------------------------------------------------------- secondary codes


@example_settings(60)
@given(RANDOMS)
def test_without_a_secondary_diagnosis_the_score_is_no_higher(rng: Random) -> None:
    """Where root and primary stay; it falls by what the code scores, or not at all."""
    spell = random_spell(rng)
    place = rng.randrange(len(spell))
    less = [dict(row) for row in spell]
    less[place][f"diag_{rng.randint(2, 7):02}"] = None
    before, after = group([spell, less])
    assume(before["hrg"] is not None and before["error_category"] is None)
    assume(after["hrg"] is not None and after["hrg"][:4] == before["hrg"][:4])
    assume(after["primary_diagnosis"] == before["primary_diagnosis"])
    if before["cc_score"] is None:
        assert after["cc_score"] is None
    else:
        assert before["cc_score"] - tables().cc_score <= after["cc_score"] <= before["cc_score"]


def permuted(rng: Random, row: Row, names: list[str]) -> Row:
    values = [row[name] for name in names]
    rng.shuffle(values)
    return row | dict(zip(names, values, strict=True))


@example_settings(60)
@given(RANDOMS)
def test_the_order_of_secondary_diagnoses_does_not_count(rng: Random) -> None:
    """But for the name of the dominant code of a burn: the first deep burn of its episode."""
    spell = random_spell(rng)
    names = [f"diag_{place:02}" for place in range(2, 8)]
    found = group([spell, [permuted(rng, row, names) for row in spell]])
    named = "dominant_code" if found[0]["grouping_flag"] == "B" else ""
    before, after = (outcome(each, without=named) for each in found)
    assert before == after


@example_settings(60)
@given(RANDOMS)
def test_the_order_of_procedures_does_not_count_but_in_a_tie(rng: Random) -> None:
    """Of two that share a rank the first drives; a day of one service is named after its first."""
    spell = random_spell(rng)
    used = {
        str(code)
        for row in spell
        for name, code in row.items()
        if name.startswith("oper_") and code
    }
    ranks = [rank(code) for code in used if rank(code) > 0]
    assume(len(ranks) == len(set(ranks)))
    turned = [
        permuted(rng, row, sorted(name for name in row if name.startswith("oper_")))
        for row in spell
    ]
    found = group([spell, turned])
    named = "dominant_code" if found[0]["grouping_flag"] == "G" else ""
    before, after = (outcome(each, without=named) for each in found)
    assert before == after


# ---------------------------------------------------------------- errors

# Each is enough, in whichever episode it stands: values that replace those of an episode in order.
FAULTS: dict[str, tuple[str, Row]] = {
    "an accepted value": ("field", {"main_specialty": "500"}),
    "a blank primary": ("field", {"diag_01": None}),
    "a retired primary": ("field", {"diag_01": "N180"}),
    "an external cause first": ("UZ01", {"diag_01": "W010"}),
    "an injury of unspecified region": ("UZ02", {"diag_01": "T140"}),
    "a perinatal condition of an adult": ("UZ03", {"diag_01": "P070"}),
    "knuckle pads of the foot": ("UZ04", {"diag_01": "M7217"}),
    "a burn of unspecified region": ("UZ15", {"diag_01": "T303"}),
    "a burn without its area": ("UZ15", {"diag_02": "T203"}),
    "a method alone": ("UZ05", {"oper_01": "Y841"}),
    "an unspecific operation": ("UZ06", {"oper_01": "A579"}),
}


@pytest.mark.parametrize(("category", "values"), FAULTS.values(), ids=FAULTS)
@example_settings(5)
@given(rng=RANDOMS)
def test_a_spell_in_error_never_groups(category: str, values: Row, rng: Random) -> None:
    spell = [row | {"age": 45} for row in random_spell(rng, 2)]
    place = rng.randrange(2)
    spell[place] = {n: v for n, v in spell[place].items() if not n.startswith("oper_")} | values
    (found,) = group([spell])
    assert (found["hrg"], found["grouping_flag"]) == (ERROR, "U")
    assert found["error_category"] == category
    assert found["dominant_code"] is found["dominant_episode"] is found["cc_score"] is None
    assert found["group_reason"] is None


@pytest.mark.parametrize("name", ["sex", "admission_method", "patient_classification"])
@example_settings(5)
@given(rng=RANDOMS)
def test_a_spell_whose_episodes_disagree_never_groups(name: str, rng: Random) -> None:
    other = {"sex": "1", "admission_method": "11", "patient_classification": "2"}[name]
    first, second = random_spell(rng, 2)
    (found,) = group([[first, second | {name: other}]])
    assert (found["hrg"], found["grouping_flag"]) == (ERROR, "U")
    assert found["error_category"] == "spell"


# ---------------------------------------------------------------- ages


def test_the_two_sides_of_each_age_cut_are_neighbours() -> None:
    """Every code that may drive, at the cut and a year below: each HRG holds the age."""
    splits = {split.hrg: split for rows in tables().splits.values() for split in rows}
    bounds = {hrg: split.bounds["age"] for hrg, split in splits.items()}
    cuts = sorted({low for low, _ in bounds.values() if low})
    driving = [code for code in procedures() if rank(code) > 0 and code != "A579"]
    made = [(code, "", cut) for code in primaries() for cut in cuts]
    made += [("Z488", code, cut) for code in driving for cut in cuts]
    below, at = (ages_grouped([(d, p, cut - less) for d, p, cut in made]) for less in (1, 0))
    crossed = set()
    for (_, _, cut), young, old in zip(made, below, at, strict=True):
        assert young is None or holds(bounds[young], cut - 1)
        assert old is None or holds(bounds[old], cut)
        if young is not None and old is not None and young != old and young[:4] == old[:4]:
            assert bounds[young][1] == cut - 1
            assert bounds[old][0] == cut
            crossed.add((young[:4], cut))
    assert len(crossed) >= 177


def holds(bounds: tuple[int | None, int | None], age: int) -> bool:
    low, high = bounds
    return (low is None or age >= low) and (high is None or age <= high)


def ages_grouped(made: list[tuple[str, str, int]]) -> list[str | None]:
    """The HRGs of stays of one night: diagnosis, procedure, age."""
    columns: dict[str, list[Value]] = {name: [value] * len(made) for name, value in USUAL.items()}
    columns["spell_id"] = [f"{number:07}" for number in range(len(made))]
    columns["diag_01"] = [diagnosis for diagnosis, _, _ in made]
    columns["oper_01"] = [procedure or None for _, procedure, _ in made]
    columns["age"] = [age for _, _, age in made]
    columns["episode_duration"] = [1] * len(made)
    found: list[str | None] = spells_of(columns_batch(columns))["hrg"].to_pylist()
    return found
