"""A day of one service, and unbundled HRGs, a sentence of docs/grouping.md at a time."""

from __future__ import annotations

import pytest

from tariff.reference.group import unbundled
from tests.reference.tiny_packs import Row, episode, grouped, serviced

TABLES = serviced()
DAY: Row = {"episode_duration": 0, "patient_classification": "2"}


def test_a_day_that_holds_nothing_but_one_service_has_a_root_of_its_own() -> None:
    found = grouped(episode("A010", "U101", **DAY), tables=TABLES)
    assert (found.hrg, found.grouping_flag, found.dominant_code) == ("RD97Z", "G", "U101")


@pytest.mark.parametrize("procedures", ["U101 U101", "Z941 U101", "U101 Z941"])
def test_procedures_of_the_service_and_those_that_may_accompany_any(procedures: str) -> None:
    found = grouped(episode("A010", procedures, **DAY), tables=TABLES)
    assert (found.grouping_flag, found.dominant_code) == ("G", "U101")


@pytest.mark.parametrize(
    ("procedures", "values", "flag"),
    [
        ("U101 X101", {}, "D"),  # two services
        ("U101 E101", {}, "D"),  # a procedure of no service
        ("U101 A101", {}, "P"),  # another one drives
        ("X101", {}, "D"),  # a service whose day has no root
        ("Z941", {}, "D"),  # nothing but what accompanies
        ("U101", {"episode_duration": 1}, "D"),
        ("U101", {"episode_duration": None}, "D"),
        ("U101", {"patient_classification": "1"}, "D"),
        ("U101", {"patient_classification": None}, "D"),
    ],
)
def test_what_is_no_such_day(procedures: str, values: Row, flag: str) -> None:
    found = grouped(episode("A010", procedures, **DAY | values), tables=TABLES)
    assert found.grouping_flag == flag


# ---------------------------------------------------------------- unbundled HRGs


@pytest.mark.parametrize(
    ("procedures", "expected"),
    [
        ("U101", ["RD01Z"]),
        ("U101 Z941", ["RD03Z"]),
        ("Y751 U101 Z941", ["RD02A"]),  # the first row whose sets are all met
        ("U101 U101", ["RD01Z", "RD01Z"]),  # one for each that stands in the record
        ("A101 X101 U101", ["VC04Z", "RD01Z"]),  # in the order of the procedures
        ("A101", []),
    ],
)
def test_each_procedure_brings_its_own(procedures: str, expected: list[str]) -> None:
    assert unbundled(TABLES, episode("A010", procedures)) == expected


def test_the_letter_is_that_of_the_age() -> None:
    scan = "U101 Y751 Z941"
    assert unbundled(TABLES, episode("A010", scan, age=18)) == ["RD02B"]
    assert unbundled(TABLES, episode("A010", scan, age=19)) == ["RD02A"]
    assert unbundled(TABLES, episode("A010", scan, age=None)) == ["RD02A"]


def test_days_of_rehabilitation_are_counted() -> None:
    row = episode("A010", "X101 U101", rehabilitation_days=4)
    assert unbundled(TABLES, row) == ["VC04Z*4", "RD01Z"]
    assert unbundled(TABLES, row | {"rehabilitation_days": 0}) == ["VC04Z", "RD01Z"]


def test_palliative_days_need_no_procedure() -> None:
    assert unbundled(TABLES, episode(palliative_care_days=3)) == ["SD01A*3"]
    assert unbundled(TABLES, episode(palliative_care_days=0)) == []
