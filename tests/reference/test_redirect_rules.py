"""Redirects and roots of short stays, a sentence of docs/grouping.md at a time."""

from __future__ import annotations

import pytest

from tariff.reference.group import ROOT_NOT_IN_DESIGN
from tests.reference.tiny_packs import Row, episode, grouped, redirected

RULE = {"root": "AA01", "to": "AB01"}


def root(row: Row, *rules: dict[str, str], **more: list[str]) -> str | None:
    return grouped(row, tables=redirected(*rules, **more)).root


def test_a_rule_moves_the_root_that_the_driver_led_to_and_no_other() -> None:
    assert root(episode("A010"), RULE) == "AB01"
    assert root(episode("C500"), RULE) == "AC01"


@pytest.mark.parametrize(
    ("condition", "met", "not_met"),
    [
        ({"procedures": "Y75 C1"}, episode("A010", "Y751"), episode("A010", "X101")),
        ({"procedures": "Y75 + C1"}, episode("A010", "C101 Y751"), episode("A010", "Y751")),
        ({"no_procedures": "Y75"}, episode("A010", "C101"), episode("A010", "C101 Y751")),
        ({"no_procedures": "Y75 + C1"}, episode("A010"), episode("A010", "C101")),
        ({"primary": "A010"}, episode("A010"), episode("E100 A010")),
        ({"diagnoses": "E10 C5"}, episode("A010 E101"), episode("A010 B200")),
        ({"diagnoses": "E10 + C5"}, episode("A010 C500 E101"), episode("A010 E101")),
        ({"no_diagnoses": "E10"}, episode("A010 B200"), episode("A010 E100")),
        ({"age_min": "19", "age_max": "64"}, episode(age=19), episode(age=65)),
        ({"age_min": "19"}, episode(age=999), episode(age=18)),
        ({"stay_max": "1"}, episode(episode_duration=1), episode(episode_duration=2)),
        (
            {"admission_source": "51 52"},
            episode(admission_source="52"),
            episode(admission_source="19"),
        ),
    ],
)
def test_each_condition(condition: dict[str, str], met: Row, not_met: Row) -> None:
    assert root(met, RULE | condition) == "AB01"
    assert root(not_met, RULE | condition) == "AA01"


def test_every_condition_must_hold() -> None:
    rule = RULE | {"diagnoses": "E10", "age_min": "19"}
    assert root(episode("A010 E100"), rule) == "AB01"
    assert root(episode("A010 E100", age=18), rule) == "AA01"
    assert root(episode("A010"), rule) == "AA01"


def test_a_bound_on_an_unknown_stay_does_not_hold() -> None:
    assert root(episode(episode_duration=None), RULE | {"stay_max": "1"}) == "AA01"


def test_the_driver_is_a_procedure() -> None:
    rule = {"root": "AA02", "driver": "A10", "to": "AB01"}
    assert root(episode("A010", "A101"), rule) == "AB01"
    assert root(episode("A010", "A111 A101"), rule) == "AA02"  # A111 drives
    assert root(episode("A010"), RULE | {"driver": "A01"}) == "AA01"


def test_the_primary_is_not_among_the_other_diagnoses() -> None:
    assert root(episode("E100 E100"), RULE | {"diagnoses": "E10"}) == "AA01"
    assert root(episode("E100 E101"), RULE | {"diagnoses": "E10"}) == "AB01"


def test_a_list_stands_for_its_prefixes() -> None:
    rule = RULE | {"diagnoses": "@many"}
    assert root(episode("A010 C500"), rule, lists=["many,C5", "many,E10"]) == "AB01"


def test_the_rules_are_read_once_from_top_to_bottom() -> None:
    first, second = {"root": "AA01", "to": "AC01"}, {"root": "AC01", "to": "AB01"}
    assert root(episode("A010"), first, second) == "AB01"  # each sees what those above it left
    assert root(episode("A010"), second, first) == "AC01"  # and is not read again
    assert root(episode("A010"), first, {"root": "AA01", "to": "AB02"}) == "AC01"


def test_a_rule_starts_from_the_root_of_a_child() -> None:
    rule = {"root": "PA01", "to": "AB01"}
    assert root(episode("E100", age=5), rule) == "AB01"
    assert root(episode("E100", age=40), rule) == "AA01"


def test_a_rule_may_lead_out_of_the_design() -> None:
    tables = redirected(RULE | {"to": "ZZ99"})
    assert grouped(episode("A010"), tables=tables).group_reason == ROOT_NOT_IN_DESIGN


def test_the_score_is_that_of_the_root_it_leads_to() -> None:
    rule = {"root": "AB02", "to": "AA01"}
    assert grouped(episode("B200 I10"), tables=redirected(rule)).cc_score == 1
    assert grouped(episode("B200 I10"), tables=redirected()).cc_score is None


# ---------------------------------------------------------------- roots of short stays


@pytest.mark.parametrize(
    ("nights", "driver"), [(0, "A101"), (1, "A101"), (2, "A010"), (None, "A101")]
)
def test_a_minor_procedure_drives_a_stay_of_one_night_at_most(
    nights: int | None, driver: str
) -> None:
    """Or one whose length is not known; a longer one was for its diagnosis."""
    tables = redirected(short_stay=["AA02"])
    row = episode("A010", "A101", episode_duration=nights)
    assert grouped(row, tables=tables).dominant_code == driver


def test_another_procedure_drives_a_longer_stay_in_its_place() -> None:
    tables = redirected(short_stay=["AB02"])
    assert grouped(episode("A010", "B101 A101"), tables=tables).dominant_code == "A101"
    brief = episode("A010", "B101 A101", episode_duration=1)
    assert grouped(brief, tables=tables).dominant_code == "B101"


def test_what_does_not_drive_is_an_intervention() -> None:
    found = grouped(episode("A010", "A101"), tables=redirected(short_stay=["AA02"]))
    assert (found.grouping_flag, found.interventions) == ("D", 1)


def test_the_stay_of_a_spell_is_that_of_all_its_episodes() -> None:
    night = episode("A010", "A101", episode_duration=1)
    assert grouped(night, night, tables=redirected(short_stay=["AA02"])).grouping_flag == "D"


@pytest.mark.parametrize(
    ("diagnoses", "code"),
    [
        ("A010 E100", "E100"),
        ("A011 E101 C500", "E101"),
        ("E100 A010", "E100"),  # not in this order
        ("A010 C500 E100", "A010"),  # not beside each other
        ("A010", "A010"),
        ("A010 E109", "A010"),  # not a valid code
    ],
)
def test_the_asterisk_code_after_its_dagger_drives_in_its_place(diagnoses: str, code: str) -> None:
    got = grouped(episode(diagnoses), tables=redirected(pairs=["A01,E10"]))
    assert (got.dominant_code, got.primary_diagnosis) == (code, diagnoses.split()[0])


def test_an_asterisk_code_that_drives_does_not_score() -> None:
    paired = grouped(episode("A010 E100 C500"), tables=redirected(pairs=["A01,E10"]))
    assert (paired.root, paired.cc_score) == ("AA01", 1)
    assert grouped(episode("A010 E100 C500")).cc_score == 2
