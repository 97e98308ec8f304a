"""Each category of error, and their order, as docs/grouping.md has it."""

from __future__ import annotations

import pytest

from tests.reference.tiny_packs import FIELDS, Row, episode, grouped, grouped_episode, strict

TABLES = strict()


@pytest.mark.parametrize(
    ("category", "row", "sound"),
    [
        ("field", episode("A019"), episode("A010")),
        ("UZ01", episode("W001"), episode("A010 W001")),  # an external cause may stand second
        ("UZ02", episode("F100"), episode("A010 F100")),  # too vague to stand first
        ("UZ03", episode("P070", age=19), episode("P070", age=18)),
        ("UZ04", episode("M0502"), episode("M0501")),  # a fifth character that cannot be
        ("UZ15", episode("G100"), episode("A010 G100")),  # a burn of unspecified region
        ("UZ15", episode("A010 D500"), episode("A010 D500 E100")),  # a burn without its area
        ("UZ05", episode("A010", "Y751 Z941"), episode("A010", "Y751 C101")),
        ("UZ06", episode("A010", "B101"), episode("A010", "A101")),  # too vague to drive
    ],
)
def test_each_category(category: str, row: Row, sound: Row) -> None:
    found = grouped(row, tables=TABLES)
    assert (found.error_category, found.hrg, found.grouping_flag) == (category, "UZ01Z", "U")
    assert grouped(sound, tables=TABLES).error_category is None


def test_only_the_dominant_procedure_may_be_too_vague() -> None:
    rows = [episode("A010", "B101"), episode("A010", "A101")]
    assert grouped_episode(2, *rows, tables=TABLES).error_category is None
    assert grouped(*rows, tables=TABLES).error_category == "UZ06"


def test_the_first_category_that_applies() -> None:
    order = ["field", "UZ02", "UZ15", "UZ05"]
    row = episode("F100 D500", "Y751", sex=None)
    mended: list[Row] = [
        {"sex": "1"},
        {"diag_01": "A010"},
        {"diag_02": "E100"},
        {"oper_01": "A101"},
    ]
    for category, values in zip(order, mended, strict=True):
        assert grouped(row, tables=TABLES).error_category == category
        row |= values
    assert grouped(row, tables=TABLES).error_category is None


def test_a_spell_takes_the_category_of_its_first_episode_in_error() -> None:
    rows = [episode("A010"), episode("M0502"), episode("W001")]
    assert grouped(*rows, tables=TABLES).error_category == "UZ04"
    assert [grouped_episode(n, *rows, tables=TABLES).error_category for n in (1, 2, 3)] == [
        None, "UZ04", "UZ01",
    ]  # fmt: skip


def test_methods_alone_are_an_error_only_where_the_grouper_says_so() -> None:
    assert grouped(episode("A010", "Y751")).error_category is None


def test_a_field_that_is_not_there_is_not_judged() -> None:
    row = episode("P070", age=None)
    assert grouped(row, tables=TABLES, fields=FIELDS - {"age"}).error_category is None
