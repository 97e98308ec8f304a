"""The rules of docs/grouping-other-care.md, sentence by sentence, under the packs that ship."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pytest

from tariff.extract.fields import DATASETS
from tariff.packs.load import PackSet, load_packs
from tariff.reference.attendances import attendance_hrg, attendance_tables, group_attendance
from tariff.reference.critical_care import Period, critical_care_tables, group_period
from tariff.reference.emergency import (
    EmergencyAttendance,
    emergency_tables,
    group_emergency_attendance,
)
from tariff.reference.tables import group_tables

FIELDS = {name: frozenset(field.name for field in own) for name, own in DATASETS.items()}


@cache
def packs() -> PackSet:
    return load_packs()


@cache
def tables(kind: str) -> Any:
    if kind == "grouper":
        return group_tables(list(packs()), "hrg-2022-23")
    make: Any = {
        "attendances": attendance_tables,
        "emergency": emergency_tables,
        "critical_care": critical_care_tables,
    }[kind]
    return make(packs())[0]


# ---------------------------------------------------------------- outpatients


def attended(*procedures: str, **values: Any) -> dict[str, Any]:
    row = {
        "age": 40, "sex": "1", "main_specialty": "100", "treatment_function": "100",
        "first_attendance": "1",
    }  # fmt: skip
    return row | {f"oper_{i:02}": code for i, code in enumerate(procedures, 1)} | values


def outpatient(*procedures: str, fields: frozenset[str] | None = None, **values: Any) -> Any:
    own = tables("attendances")
    row = attended(*procedures, **values)
    return group_attendance(tables("grouper"), own, row, fields or FIELDS["attendances"])


@pytest.mark.parametrize(
    ("first", "single", "several"),
    [("1", "WF01B", "WF02B"), ("2", "WF01A", "WF02A"), ("3", "WF01D", "WF02D"),
     ("4", "WF01C", "WF02C")],
)  # fmt: skip
def test_a_default_attendance_by_first_attendance(first: str, single: str, several: str) -> None:
    found = outpatient(first_attendance=first)
    assert (found.hrg, found.grouping_flag) == (single, "O")
    assert outpatient("X621", first_attendance=first).hrg == single
    assert outpatient("X622", first_attendance=first).hrg == several
    assert outpatient("X623", first_attendance=first).hrg == several


def test_a_significant_procedure_drives_whatever_the_diagnosis() -> None:
    found = outpatient("M459", diag_01="C61X")
    assert (found.grouping_flag, found.dominant_procedure) == ("P", "M459")
    assert found.hrg is not None
    assert found.hrg[:2] == "LB"
    assert outpatient("M459").hrg == found.hrg


def test_the_attendance_hrg_drops_every_procedure_but_assessments() -> None:
    own, grouper, fields = tables("attendances"), tables("grouper"), FIELDS["attendances"]
    assert attendance_hrg(grouper, own, attended("M459"), fields) == "WF01B"
    assert attendance_hrg(grouper, own, attended("M459", "X622"), fields) == "WF02B"
    assert attendance_hrg(grouper, own, attended(sex="7"), fields) == "UZ01Z"


def test_a_procedure_that_does_not_drive_leaves_the_default() -> None:
    assert outpatient("X611").hrg == "WF01B"
    assert outpatient("X611", "Z941").hrg == "WF01B"


def test_procedures_none_of_which_may_dominate_are_uz05_where_the_grouper_says_so() -> None:
    codes = ("Y981", "Z941")
    own, row, fields = tables("attendances"), attended(*codes), FIELDS["attendances"]
    for error, hrg, category in ((True, "UZ01Z", "UZ05"), (False, "WF01B", None)):
        grouper = replace(tables("grouper"), only_never_dominant_is_error=error)
        found = group_attendance(grouper, own, row, fields)
        assert (found.hrg, found.error_category) == (hrg, category)


@pytest.mark.parametrize(
    "values",
    [{"age": None}, {"age": 131}, {"sex": "7"}, {"main_specialty": "500"},
     {"treatment_function": "&"}, {"first_attendance": "5"}, {"first_attendance": None}],
)  # fmt: skip
def test_a_mandatory_field_in_error_is_uz01z(values: dict[str, Any]) -> None:
    found = outpatient("M459", **values)
    assert (found.hrg, found.grouping_flag, found.error_category) == ("UZ01Z", "U", "field")
    assert found.errors == tuple(values)


def test_an_unknown_age_is_accepted() -> None:
    assert outpatient(age=999).hrg == "WF01B"


def test_a_field_that_the_extract_does_not_have_is_not_validated() -> None:
    fields = FIELDS["attendances"] - {"sex"}
    assert outpatient(sex=None, fields=fields).hrg == "WF01B"
    fields = FIELDS["attendances"] - {"first_attendance"}
    found = outpatient(first_attendance=None, fields=fields)
    assert (found.hrg, found.group_reason) == (None, "no_first_attendance")


# ---------------------------------------------------------------- emergency


def visit(found: str = "", done: str = "", **values: Any) -> EmergencyAttendance:
    row: dict[str, Any] = {"age": 40, "patient_group": "80"}
    row |= {f"investigation_{i:02}": code for i, code in enumerate(found.split(), 1)}
    row |= {f"treatment_{i:02}": code for i, code in enumerate(done.split(), 1)}
    return group_emergency_attendance(tables("emergency"), row | values, FIELDS["emergency"])


INVESTIGATIONS = {0: "24", 1: "02", 2: "16", 3: "12"}
TREATMENTS = {0: "99", 1: "01", 2: "12", 3: "11", 4: "13", 5: "19"}
GRID = {
    3: "VB03Z VB03Z VB03Z VB02Z VB01Z",
    2: "VB08Z VB07Z VB05Z VB04Z VB01Z",
    1: "VB09Z VB09Z VB06Z VB06Z VB01Z",
}


@pytest.mark.parametrize("found", GRID)
def test_the_table_of_categories(found: int) -> None:
    for done, hrg in enumerate(GRID[found].split(), 1):
        assert visit(INVESTIGATIONS[found], TREATMENTS[done]).hrg == hrg


def test_a_snomed_concept_groups_only_where_the_pack_maps_it() -> None:
    """Emergency Care Data Set: nothing is guessed, and none is not taken for no investigation."""
    found = visit("16310003", "01")
    assert (found.hrg, found.group_reason) == (None, "no_category_map")
    assert visit("16310003", "01", patient_group="70").hrg == "VB99Z"
    own = tables("emergency")
    mapped = replace(own, investigations={**own.investigations, "16310003": (3, "")})
    row: dict[str, Any] = {"age": 40, "investigation_01": "16310003", "treatment_01": "11"}
    assert group_emergency_attendance(mapped, row, FIELDS["emergency"]).hrg == "VB03Z"


def test_the_highest_of_each_counts_and_the_first_of_it_is_named() -> None:
    one = visit("02 16 03 24", "01 13 15")
    assert (one.hrg, one.investigation_category, one.treatment_category) == ("VB04Z", 2, 4)
    assert (one.dominant_investigation, one.dominant_treatment) == ("16", "13")


def test_nothing_found_and_nothing_significant_done() -> None:
    assert visit().hrg == visit("24", "99").hrg == visit("", "22").hrg == "VB11Z"


def test_one_of_them_alone_counts_as_category_1_in_the_other() -> None:
    assert visit("", "12").hrg == "VB09Z"
    assert visit("24", "19").hrg == "VB01Z"
    assert visit("16", "").hrg == "VB08Z"
    assert visit("12", "99").hrg == "VB03Z"


def test_dental_care() -> None:
    assert visit("22", "01").hrg == visit("", "56").hrg == "VB10Z"
    assert visit("22 16", "01").hrg == "VB08Z"


def test_dead_on_arrival_whatever_was_done() -> None:
    assert visit("12", "19", patient_group="70").hrg == "VB99Z"
    assert visit("12", "19", patient_group="").hrg == "VB01Z"


def test_age_is_validated_and_decides_nothing() -> None:
    assert visit(age=0).hrg == visit(age=130).hrg == visit(age=999).hrg
    for age in (None, 131, -1):
        one = visit("12", "19", age=age, patient_group="70")
        assert (one.hrg, one.grouping_flag, one.errors) == ("UZ01Z", "U", ("age",))


def test_third_digits_and_leading_zeros() -> None:
    assert visit("02", "011").treatment_category == 1  # a dressing
    assert visit("02", "11").treatment_category == 3  # incision and drainage
    assert visit("02", "013").treatment_category == 0  # a dressing has no third digit 3
    assert visit("02", "1").treatment_category == 0
    assert visit("09", "07").hrg == "VB11Z"  # both retired


# ---------------------------------------------------------------- critical care


def period(**values: Any) -> Period:
    row = {"unit_function": "01", "start_date": date(2022, 5, 1), "end_date": date(2022, 5, 10)}
    return group_period(tables("critical_care"), row | values, FIELDS["critical_care"])


ORGANS = ("renal_days", "neurological_days", "dermatological_days", "liver_days",
          "basic_respiratory_days", "advanced_cardiovascular_days")  # fmt: skip


def test_one_hrg_for_each_number_of_organ_systems() -> None:
    for count in range(7):
        levels = {"level_3_days": 5}
        found = period(**dict.fromkeys(ORGANS[:count], 1), **levels)
        assert (found.hrg, found.organs) == (f"XC0{7 - count}Z", count)
        assert found.warning_flag is None


def test_basic_and_advanced_support_are_one_system() -> None:
    both = {"basic_respiratory_days": 1, "advanced_respiratory_days": 2}
    assert period(**both).organs == 1
    assert period(basic_cardiovascular_days=1, advanced_cardiovascular_days=1).hrg == "XC06Z"


def test_gastrointestinal_support_and_odd_counts_do_not_count() -> None:
    found = period(gastrointestinal_days=4, renal_days=-1, liver_days=None)
    assert (found.hrg, found.organs) == ("XC07Z", 0)


def test_the_days_hold_the_first_and_the_last() -> None:
    assert period().critical_care_days == 10
    assert period(end_date=date(2022, 5, 1)).critical_care_days == 1


@pytest.mark.parametrize("end", [None, date(2022, 4, 30)])
def test_unusable_dates_warn_and_the_hrg_is_given(end: date | None) -> None:
    found = period(end_date=end, renal_days=1)
    assert (found.critical_care_days, found.hrg) == (-1, "XC06Z")
    assert (found.warning_flag, found.warnings) == ("F", ("dates_unusable",))


@pytest.mark.parametrize(
    ("values", "warnings"),
    [
        ({"level_2_days": 6, "level_3_days": 4}, ()),
        ({"level_2_days": 6, "level_3_days": 5}, ("level_days_above_stay",)),
        ({"level_3_days": 10, "basic_respiratory_days": 5, "advanced_respiratory_days": 5}, ()),
        ({"level_3_days": 4, "basic_respiratory_days": 5}, ("respiratory_days_above_level_days",)),
        (
            {"level_3_days": 10, "basic_respiratory_days": 11},
            ("respiratory_days_above_stay", "respiratory_days_above_level_days"),
        ),
    ],
)
def test_the_other_warnings(values: dict[str, int], warnings: tuple[str, ...]) -> None:
    found = period(**values)
    assert found.warnings == warnings
    assert found.hrg is not None


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        ("04", "paediatric_needs_days"),
        ("13", "neonatal_needs_days"),
        ("77", "unit_function_unknown"),
        (None, "unit_function_unknown"),
    ],
)
def test_periods_that_are_not_of_adults_are_not_grouped(unit: str | None, reason: str) -> None:
    found = period(unit_function=unit, renal_days=1)
    assert (found.hrg, found.organs, found.group_reason) == (None, None, reason)
