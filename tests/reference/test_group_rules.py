"""docs/grouping.md, a sentence at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from tariff.packs.model import Applies
from tariff.reference.group import (
    CC_LIST_NOT_HELD,
    DIAGNOSIS_NOT_MAPPED,
    NO_DIAGNOSES,
    NO_SPLIT,
    ROOT_NOT_IN_DESIGN,
    cc_row,
)
from tariff.reference.tables import choose_by_date, group_tables
from tariff.reference.validate import valid_diagnosis, valid_procedure
from tests.reference.tiny_packs import (
    DIAGNOSES,
    FIELDS,
    SPLITS,
    TABLES,
    Row,
    episode,
    grouped,
    grouped_episode,
    grouping_packs,
)

CODES = TABLES.codes


# ---------------------------------------------------------------- which grouper


@dataclass(frozen=True)
class Dated:
    applies: Applies


OLD = Dated(Applies(from_=date(2017, 4, 1), to=date(2019, 3, 31)))
NEW = Dated(Applies(from_=date(2022, 4, 1), to=date(2023, 3, 31)))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (date(2019, 3, 31), OLD),
        (date(2022, 4, 1), NEW),
        (date(2010, 1, 1), OLD),
        (date(2022, 3, 31), NEW),
        (date(2020, 9, 29), OLD),  # 548 days after one, 549 before the other
        (date(2020, 9, 30), NEW),  # 549 and 548
        (date(2030, 1, 1), NEW),
        (None, NEW),
    ],
)
def test_grouper_of_a_date(when: date | None, expected: Dated) -> None:
    assert choose_by_date([NEW, OLD], when) is expected


def test_grouper_of_a_tie_is_the_earlier() -> None:
    first = Dated(Applies(from_=date(2020, 1, 1), to=date(2020, 1, 10)))
    second = Dated(Applies(from_=date(2020, 1, 20), to=date(2020, 1, 30)))
    assert choose_by_date([second, first], date(2020, 1, 15)) is first


# ---------------------------------------------------------------- codes


@pytest.mark.parametrize("code", ["A010", "I10", "I10X", "W001", "A0109", "I10X9", "R69X6"])
def test_valid_diagnoses(code: str) -> None:
    assert valid_diagnosis(CODES, code)


@pytest.mark.parametrize(
    "code", ["A019", "A01", "A01X", "I101", "W00A", "V011", "U071XX", "I1", "Q00"]
)
def test_invalid_diagnoses(code: str) -> None:
    assert not valid_diagnosis(CODES, code)


def test_a_procedure_is_valid_when_it_is_in_the_list() -> None:
    assert valid_procedure(CODES, "A101")
    assert not valid_procedure(CODES, "A10")
    assert not valid_procedure(CODES, "A1011")


def test_the_longest_prefix_counts() -> None:
    assert grouped(episode("A010")).root == "AA01"
    assert grouped(episode("A011")).root == "AB01"


def test_cc_lists_take_the_filler_and_four_characters() -> None:
    assert cc_row(TABLES, "I10") == {"AA"}
    assert cc_row(TABLES, "E1001") == {"AA"}
    assert cc_row(TABLES, "M0501") == {"AB"}  # five characters that are listed themselves
    assert cc_row(TABLES, "M0502") == {"AA"}
    assert cc_row(TABLES, "A010") == frozenset()


# ---------------------------------------------------------------- validation


def category(row: Row, fields: frozenset[str] = FIELDS) -> str | None:
    return grouped_episode(1, row, fields=fields).error_category


def test_an_episode_in_error_groups_to_uz01z() -> None:
    found = grouped(episode(age=None))
    assert (found.hrg, found.grouping_flag) == ("UZ01Z", "U")
    assert (found.dominant_code, found.dominant_episode, found.cc_score) == (None, None, None)


@pytest.mark.parametrize(
    "values",
    [
        {"sex": None},
        {"sex": "9"},
        {"age": None},
        {"age": -1},
        {"age": 131},
        {"episode_order": None},
        {"neonatal_care": "7"},
        {"diag_01": None},
        {"diag_01": "A019"},
    ],
)
def test_field_errors(values: Row) -> None:
    assert category(episode(**values)) == "field"


@pytest.mark.parametrize("values", [{"age": 999}, {"age": 130}, {"neonatal_care": None}])
def test_accepted_values(values: Row) -> None:
    assert category(episode(**values)) is None


def test_a_field_that_the_extract_does_not_have_is_not_validated() -> None:
    assert category(episode(sex=None), FIELDS - {"sex"}) is None
    assert grouped(episode(""), fields=FIELDS - {"diag_01"}).group_reason == NO_DIAGNOSES
    differ = [episode(sex="1"), episode(sex="2")]
    assert grouped(*differ, fields=FIELDS - {"sex"}).error_category is None


def test_uz01_and_uz03() -> None:
    assert category(episode("W001")) == "UZ01"
    assert category(episode("R69X6")) == "UZ01"
    assert category(episode("R69X")) is None
    assert category(episode("P070", age=18)) is None
    assert category(episode("P070", age=19)) == "UZ03"
    assert category(episode("P070", age=999)) == "UZ03"
    assert category(episode("P070", age=None), FIELDS - {"age"}) is None


def test_the_first_category_that_applies() -> None:
    assert category(episode("W001", sex=None)) == "field"
    pair = [episode("W001", sex="1"), episode("A010", sex="2")]
    assert grouped_episode(1, *pair).error_category == "spell"
    assert grouped_episode(2, *pair).error_category == "spell"


def test_spell_errors() -> None:
    again = [episode(episode_order=2), episode(episode_order=2)]
    assert grouped(*again).error_category == "spell"
    method = [episode(admission_method="21"), episode(admission_method=None)]
    assert grouped(*method).error_category == "spell"
    assert grouped(episode(), episode()).error_category is None


def test_missing_episode_numbers_are_not_used_twice() -> None:
    rows = [episode(episode_order=None), episode(episode_order=None)]
    fields = FIELDS - {"episode_order"}
    assert grouped(*rows, fields=fields).error_category is None


def test_one_episode_in_error_makes_the_spell_but_not_the_other_way() -> None:
    rows = [episode("A010"), episode("W001"), episode("P070")]
    assert grouped(*rows).error_category == "UZ01"
    assert grouped(*rows).hrg == "UZ01Z"
    assert grouped_episode(1, *rows).error_category is None
    assert grouped_episode(1, *rows).hrg == "AA01C"


def test_invalid_secondary_codes_are_left_out_or_an_error() -> None:
    rows = [episode("A010 E109"), episode("A010", "A999")]
    assert [grouped(row).hrg for row in rows] == ["AA01C", "AA01C"]
    strict = group_tables(grouping_packs(invalid_secondary="error"), "grouper")
    assert [grouped(row, tables=strict).error_category for row in rows] == ["field", "field"]
    assert grouped(episode("A010 E100", "A101"), tables=strict).error_category is None


# ---------------------------------------------------------------- an episode


def test_the_highest_rank_wins_and_the_first_on_a_tie() -> None:
    found = grouped_episode(1, episode("A010", "A101 A111 B101"))
    assert (found.dominant_code, found.root, found.grouping_flag) == ("B101", "AB02", "P")
    assert grouped_episode(1, episode("A010", "A111 A101")).dominant_code == "A111"


@pytest.mark.parametrize("procedure", ["C101", "Y751", "E101", "A999"])
def test_what_does_not_drive(procedure: str) -> None:
    """Rank 0, never dominant, no row, not valid."""
    found = grouped_episode(1, episode("A010", procedure))
    assert (found.dominant_code, found.root, found.grouping_flag) == ("A010", "AA01", "D")


def test_a_diagnosis_without_a_row() -> None:
    found = grouped(episode("G100"))
    assert (found.hrg, found.group_reason, found.root) == (None, DIAGNOSIS_NOT_MAPPED, None)


@pytest.mark.parametrize(
    ("age", "root"), [(0, "PA01"), (18, "PA01"), (19, "AA01"), (999, "AA01"), (None, "AA01")]
)
def test_child_roots_of_a_diagnosis(age: int | None, root: str) -> None:
    assert grouped(episode("E100", age=age), fields=FIELDS - {"age"}).root == root


def test_child_roots_of_a_procedure_and_rows_without_one() -> None:
    assert grouped(episode("A010", "B101", age=5)).root == "PA01"
    assert grouped(episode("A010", age=5)).root == "AA01"


def test_a_root_that_the_design_does_not_hold() -> None:
    found = grouped(episode("F100"))
    assert (found.hrg, found.group_reason, found.root) == (None, ROOT_NOT_IN_DESIGN, "ZZ99")


@pytest.mark.parametrize(
    ("diagnoses", "score", "hrg"),
    [
        ("A010", 0, "AA01C"),
        ("A010 B200", 1, "AA01B"),
        ("A010 B200 C500", 2, "AA01A"),
        ("A010 B200 B200", 1, "AA01B"),  # distinct
        ("A010 A010 I10", 1, "AA01B"),  # not the primary itself; filler added
        ("A010 G100 B209", 0, "AA01C"),  # not in a list; not valid
        ("E100 E100 E101", 1, "AA01B"),  # the primary is in the list and does not count
    ],
)
def test_cc_score(diagnoses: str, score: int, hrg: str) -> None:
    found = grouped(episode(diagnoses))
    assert (found.cc_score, found.hrg) == (score, hrg)


def test_the_list_is_that_of_the_subchapter_of_the_root() -> None:
    rows = tuple(row.replace("AB02A,AB02,", "AB02A,AB02,0") for row in SPLITS)
    tables = group_tables(grouping_packs(splits=rows), "grouper")
    assert grouped(episode("B200 C500 E100"), tables=tables).cc_score == 1  # only C500 is in AB


def test_a_root_that_is_not_split_by_cc_has_no_score() -> None:
    assert grouped(episode("B200 C500")).cc_score is None


def test_a_cc_split_without_a_list() -> None:
    found = grouped(episode("D500 B200"))
    assert (found.hrg, found.group_reason, found.cc_score) == (None, CC_LIST_NOT_HELD, None)


@pytest.mark.parametrize(
    ("procedures", "hrg"),
    [
        ("A101", "AA02C"),
        ("A101 A101", "AA02C"),  # the dominant one again
        ("A101 A111", "AA02B"),
        ("A101 C101 C101", "AA02B"),  # rank 0 is an intervention; distinct
        ("A101 X101 U101 Y751 Z941", "AA02C"),  # excluded chapters
        ("A101 A999 A111 C101", "AA02A"),  # an invalid one is left out
    ],
)
def test_interventions(procedures: str, hrg: str) -> None:
    assert grouped(episode("A010", procedures)).hrg == hrg


def test_interventions_beside_a_diagnosis() -> None:
    assert grouped(episode("A010", "C101 E101")).interventions == 2


@pytest.mark.parametrize(
    ("values", "stay"),
    [
        ({"episode_duration": 5}, 5),
        ({"episode_duration": 5, "critical_care_days": 2}, 3),
        ({"episode_duration": 9, "rehabilitation_days": 2, "palliative_care_days": 3}, 4),
        ({"episode_duration": 2, "critical_care_days": 3}, 0),
        (
            {
                "episode_duration": None,
                "episode_start_date": date(2022, 5, 1),
                "episode_end_date": date(2022, 5, 4),
                "admission_date": date(2022, 5, 1),
                "discharge_date": date(2022, 5, 9),
            },
            3,
        ),
        (
            {
                "episode_duration": None,
                "admission_date": date(2022, 5, 1),
                "discharge_date": date(2022, 5, 9),
            },
            8,
        ),
        ({"episode_duration": None, "admission_date": date(2022, 5, 1)}, None),
    ],
)
def test_stay(values: Row, stay: int | None) -> None:
    assert grouped(episode(**values)).stay == stay
    assert grouped_episode(1, episode(**values)).stay == stay


def test_spell_dates_do_not_serve_two_episodes() -> None:
    row = episode(
        episode_duration=None, admission_date=date(2022, 5, 1), discharge_date=date(2022, 5, 9)
    )
    assert grouped(row, episode(episode_duration=1)).stay is None
    assert grouped_episode(1, row, episode(episode_duration=1)).stay is None


def test_splits_by_stay_and_age() -> None:
    assert grouped(episode("B200", episode_duration=1)).hrg == "AB02B"
    assert grouped(episode("B200", episode_duration=2)).hrg == "AB02A"
    assert grouped(episode("A011", age=18)).hrg == "AB01B"
    assert grouped(episode("A011", age=19)).hrg == "AB01A"
    assert grouped(episode("A011", age=999)).hrg == "AB01A"


def test_a_bound_on_an_unknown_value_does_not_hold() -> None:
    assert grouped(episode("B200", episode_duration=None)).group_reason == NO_SPLIT
    assert grouped(episode("M050")).group_reason == NO_SPLIT  # diagnosis score
    unknown = grouped(episode("A011", age=None), fields=FIELDS - {"age"})
    assert (unknown.hrg, unknown.group_reason) == (None, NO_SPLIT)


def test_conditions_in_order() -> None:
    assert grouped(episode("C500", "Y751", admission_source="19")).hrg == "AC01B"
    assert grouped(episode("C500", admission_source="19", discharge_destination="19")).hrg == (
        "AC01C"
    )
    assert grouped(episode("C500", discharge_destination="19")).hrg == "AC01D"
    assert grouped(episode("C500", discharge_destination="29")).hrg == "AC01E"
    assert grouped(episode("C500", "E101")).group_reason == NO_SPLIT


# ---------------------------------------------------------------- a spell


def test_procedures_of_all_episodes_compete() -> None:
    found = grouped(episode("A010", "A101"), episode("C500", "B101"))
    assert (found.dominant_code, found.dominant_episode) == ("B101", 2)
    assert found.primary_diagnosis == "C500"


def test_a_tie_goes_to_the_first_episode_then_the_first_position() -> None:
    found = grouped(episode("A010", "E101 A111"), episode("C500", "A101"))
    assert (found.dominant_code, found.dominant_episode) == ("A111", 1)


def test_primary_diagnoses_compete_by_rank() -> None:
    found = grouped(episode("A010"), episode("B200"), episode("A011 C500"))
    assert (found.dominant_code, found.dominant_episode, found.root) == ("A011", 3, "AB01")
    tie = grouped(episode("A010"), episode("D500"))
    assert (tie.dominant_code, tie.dominant_episode) == ("A010", 1)


def test_a_primary_without_a_row_loses_to_any_other() -> None:
    assert grouped(episode("G100"), episode("M050")).dominant_episode == 2  # even to rank 0
    assert grouped(episode("G100"), episode("G100")).group_reason == DIAGNOSIS_NOT_MAPPED
    assert grouped(episode("G100"), episode("F100")).group_reason == ROOT_NOT_IN_DESIGN


def test_the_score_of_a_spell() -> None:
    """All diagnoses of all episodes count, the other primaries among them, each once."""
    rows = [episode("E100 B200"), episode("C500 B200 E100")]
    found = grouped(*rows)
    assert found.dominant_episode == 1
    assert found.cc_score == 2  # B200 and C500; E100 is the primary


def test_interventions_of_a_spell() -> None:
    found = grouped(episode("A010", "A101 C101"), episode("A010", "A101 C101 E101"))
    assert found.interventions == 2


def test_stay_age_source_and_destination_of_a_spell() -> None:
    first = episode("A011", age=18, admission_source="29", discharge_destination="19")
    last = episode("A011", age=19, admission_source="19", discharge_destination="51")
    found = grouped(first, last)
    assert (found.stay, found.hrg) == (6, "AB01B")
    assert grouped(first | {"diag_01": "C500"}, last | {"diag_01": "C500"}).hrg == "AC01E"
    assert grouped(last | {"diag_01": "C500"}, first | {"diag_01": "C500"}).hrg == "AC01C"


def test_clamping_is_by_episode() -> None:
    found = grouped(episode(episode_duration=1, critical_care_days=3), episode(episode_duration=4))
    assert found.stay == 4


def test_an_episode_is_grouped_for_itself() -> None:
    rows = [episode("A010", "A101"), episode("C500", "B101", admission_source="19")]
    assert grouped_episode(1, *rows).root == "AA02"
    assert grouped_episode(2, *rows).root == "AB02"


def test_a_rank_of_zero_still_maps_an_episode() -> None:
    rows = tuple(row.replace("A01,AA01,,3", "A01,AA01,,0") for row in DIAGNOSES)
    tables = group_tables(grouping_packs(diagnoses=rows), "grouper")
    assert grouped(episode("A010"), tables=tables).hrg == "AA01C"
