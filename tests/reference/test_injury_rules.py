"""Multiple trauma and burns, a sentence of docs/grouping.md at a time."""

from __future__ import annotations

import pytest

from tariff.reference.group import NO_SPLIT
from tests.reference.tiny_packs import SPLITS, Row, episode, grouped, grouped_episode, injured

SCORED = (
    *SPLITS,
    # hrg, root, cc, age, interventions, stay, diagnosis score, condition
    "VA10A,VA10,,,,,,0,,,15",
    "VA10B,VA10,,,,,,0,,,,14",
    "VA11Z,VA11,,,,,1",
    "JB61A,JB61,,,,,,,,2,,,to_home",
    "JB40A,JB40,,,16,,,,,,5",
    "JB40B,JB40,,,16,,,,,,,4",
)
TABLES = injured(*SCORED)


def hrg(*rows: Row) -> str | None:
    return grouped(*rows, tables=TABLES).hrg


# ---------------------------------------------------------------- multiple trauma


def test_injuries_of_two_sites_are_multiple_trauma() -> None:
    found = grouped(episode("A010 B200"), tables=TABLES)
    assert (found.grouping_flag, found.dominant_code, found.root) == ("M", "A010", "VA10")


@pytest.mark.parametrize(
    "diagnoses",
    [
        "A010",  # one injury
        "A010 A011",  # two of one site
        "C500 A010 B200 E100",  # the primary is none
        "A010 G100",  # the other is none
    ],
)
def test_what_is_no_multiple_trauma(diagnoses: str) -> None:
    assert grouped(episode(diagnoses), tables=TABLES).grouping_flag != "M"


def test_the_diagnosis_score_is_the_sum_of_distinct_injuries_in_any_place() -> None:
    assert hrg(episode("A010 B200")) == "VA10B"  # 5 and 9
    assert hrg(episode("A010 B200 B200 A010")) == "VA10B"
    assert hrg(episode("A011 B200")) == "VA10A"  # 7, the longer prefix, and 9


def test_the_procedure_score_chooses_among_the_roots_in_their_order() -> None:
    assert hrg(episode("A010 B200", "E101")) == "VA10B"  # scores nothing
    assert hrg(episode("A010 B200", "A101")) == "VA11Z"
    found = grouped(episode("A010 B200", "A101 A101 C101"), tables=TABLES)
    assert found.interventions == 5  # distinct procedures, those that never drive among them


def test_complications_do_not_count() -> None:
    assert grouped(episode("A010 B200 E101"), tables=TABLES).cc_score is None


def test_it_comes_before_any_procedure_and_any_burn() -> None:
    assert grouped(episode("A010 B200 C500 E100", "B101"), tables=TABLES).grouping_flag == "M"


def test_in_a_spell_the_sites_of_all_episodes_count() -> None:
    rows = [episode("G100"), episode("A010"), episode("D500 B200 E100")]
    found = grouped(*rows, tables=TABLES)
    assert (found.grouping_flag, found.dominant_episode, found.primary_diagnosis) == (
        "M",
        2,
        "A010",
    )
    assert grouped_episode(2, *rows, tables=TABLES).grouping_flag == "D"


# ---------------------------------------------------------------- burns


def test_a_deep_burn_in_any_place_makes_a_burn() -> None:
    found = grouped(episode("A010 E100 C500"), tables=TABLES)
    assert (found.grouping_flag, found.dominant_code, found.primary_diagnosis) == (
        "B",
        "C500",
        "A010",
    )


def test_a_burn_of_the_skin_alone_does_not() -> None:
    assert grouped(episode("A010 D500 E100"), tables=TABLES).grouping_flag == "D"


def test_severity_is_the_sum_of_burns_and_areas() -> None:
    assert hrg(episode("C500 E100")) == "JB40A"  # 2 and 3
    assert hrg(episode("C500 D500 E101")) == "JB40A"  # 2, 1 and 6
    assert hrg(episode("A010 M050 E100", age=15)) is None  # no root serves the age


def test_the_first_root_that_holds_is_taken() -> None:
    home = {"discharge_destination": "19"}
    assert hrg(episode("C500 E100", episode_duration=2, **home)) == "JB61A"
    assert hrg(episode("C500 E100", episode_duration=3, **home)) == "JB40A"


def test_where_none_holds_the_first_root_stands_without_an_hrg() -> None:
    found = grouped(episode("C500 E100", age=5), tables=TABLES)
    assert (found.hrg, found.root, found.group_reason) == (None, "JB61", NO_SPLIT)


def test_a_burn_comes_before_any_procedure() -> None:
    assert grouped(episode("A010 C500 E100", "B101"), tables=TABLES).interventions == 1
    assert grouped(episode("A010 C500 E100", "A101"), tables=TABLES).grouping_flag == "B"


def test_a_burn_of_a_spell_is_that_of_the_first_episode_that_has_one() -> None:
    found = grouped(episode("A010"), episode("G100 M050 E100"), tables=TABLES)
    assert (found.dominant_episode, found.dominant_code, found.primary_diagnosis) == (
        2,
        "M050",
        "G100",
    )
