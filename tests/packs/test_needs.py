"""What a rule needs: columns of its own records, of joined ones, registers and other files."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariff.engine.select import Selected, check_fields
from tariff.extract.fields import REGISTERS
from tariff.packs.field_needs import DERIVED_NEEDS, needs_of
from tariff.packs.match_fields import (
    FIELDS,
    KINDS,
    MATCH_FIELDS,
    field,
    is_column,
)
from tariff.packs.needs import in_words
from tests.packs.test_rules_decode import rule_of

# ---------------------------------------------------------------- fields


@pytest.mark.parametrize("name", sorted(MATCH_FIELDS))
def test_a_name_means_the_same_on_every_kind(name: str) -> None:
    """So that a rule about several kinds, and a match over all of them, can ask for it."""
    found = field(name, FIELDS)
    assert found is not None
    assert {known[name].unit for known in FIELDS.values() if name in known} == {found.unit}


def test_a_name_of_two_types_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIELDS["lines"], "age", MATCH_FIELDS["any_ward"])
    with pytest.raises(ValueError, match="'age' is in years of spells, and several codes of lines"):
        field("age", ("spells", "lines"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_derived_field_says_what_it_rests_on(kind: str) -> None:
    derived = {name for name, item in FIELDS[kind].items() if item.derived}
    assert derived <= set(DERIVED_NEEDS[kind])


@given(st.sampled_from([*KINDS, *REGISTERS]), st.lists(st.sampled_from(sorted(MATCH_FIELDS))))
def test_needs_are_columns_of_the_records(kind: str, names: list[str]) -> None:
    for need in needs_of(names, kind):
        for column in re.split(r"[|+]", need):
            assert is_column(column, kind)


# ---------------------------------------------------------------- of one record


@pytest.mark.parametrize(
    ("match", "needs"),
    [
        ("diagnosis_chapter: X", ("diag_01",)),
        ("billed: {above: 0}", ("billed_total|billed_price",)),
        ("spell_days: {above: 0}", ("admission_date", "discharge_date")),
        ("not: {any: [{sex: 1}, {ward: A}]}", ("sex", "ward")),
        ("any: [{sex: 1}, {ward: A}]", ("sex|ward",)),
        ("discharge_date: {above: {field: ready_for_discharge_date}}",
         ("discharge_date", "ready_for_discharge_date")),
        ("billed_total: {above: {sum: [billed_price, billed_mff_amount]}}",
         ("billed_total", "billed_price", "billed_mff_amount")),
        ("duplicate_rows: {above: 0}", ()),
        ("of: attendances\nattended: 3", ("attendances:attended",)),
        ("of: attendances\nstay_minutes: {above: 0}",
         ("attendances:attendance_date", "attendances:attendance_time")),
        ("of: emergency\nany: [{disposal: 1}, {end_date: {missing: true}}]",
         ("emergency:disposal|emergency:departure_date|emergency:arrival_date",)),
    ],
)  # fmt: skip
def test_needs_follow_from_the_predicates(match: str, needs: tuple[str, ...]) -> None:
    rule = rule_of(match, "record")
    assert rule.needs == {rule.of[0]: needs}


def test_declared_needs_come_first_and_exceptions_count() -> None:
    rule = rule_of("sex: 1", more="needs: [ward]\nexcept: [{name: x, when: {consultant: C1}}]\n")
    assert rule.needs["spells"] == ("ward", "sex", "consultant")
    optional = "except: [{name: x, optional: true, when: {consultant: C1}}]\n"
    assert rule_of("sex: 1", more=optional).needs["spells"] == ("sex",)


def test_pairs_and_sets_need_what_puts_them_together() -> None:
    rule = rule_of("same: [patient_id, site]\ngap_days: {min: 0}\n", "sequence")
    assert rule.needs["spells"] == ("patient_id", "admission_date", "discharge_date", "site")
    rule = rule_of("of: emergency\nsame: [patient_id]\ngap_minutes: {max: 60}\n", "sequence")
    assert rule.needs["emergency"][-1] == "emergency:departure_time"
    rule = rule_of("of: emergency\nkey: [patient_id]\nnear: {start_at: 60}\n", "set")
    assert rule.needs["emergency"] == (
        "emergency:patient_id", "emergency:arrival_date", "emergency:arrival_time",
    )  # fmt: skip


def test_each_kind_of_a_rule_needs_its_own_columns() -> None:
    rule = rule_of("of: [attendances, lines]\ntariff_code: {present: true}\nsite: S\n", "record")
    assert rule.needs == {
        "attendances": ("attendances:site",),  # it has no tariff code: never a match
        "lines": ("lines:tariff_code", "lines:site"),
    }


def test_what_a_tier_only_compares_is_not_needed() -> None:
    tiers = (
        "tiers:\n"
        "  - {name: one, class: deterministic, level: high, when: {site: S}}\n"
        "  - {name: two, class: presumptive, level: low, when: {not: {ward: W}}}\n"
    )
    assert rule_of("sex: 1", more=tiers).needs["spells"] == ("sex", "ward")


# ---------------------------------------------------------------- of joins


@pytest.mark.parametrize(
    ("scope", "match", "expected"),
    [
        ("record", "with: {of: attendances, same: [patient_id]}",
         ("attendances:attendance_id", "patient_id", "attendances:patient_id")),
        ("record", "with: {of: spells, same: [patient_id], days: {min: 0}}",
         ("patient_id", "admission_date", "discharge_date")),
        # one of the kinds will do for one that there is, not to say that there is none
        ("record", "with: {of: [spells, lines], same: [patient_id]}", ("patient_id",)),
        ("record", "with: {of: [attendances, lines], same: [{consultant: provider}]}",
         ("consultant", "attendances:attendance_id|lines:line_id")),
        ("record", "without: {of: [spells, lines], same: [patient_id]}",
         ("patient_id", "lines:line_id", "lines:patient_id")),
        ("reference", "with: {of: deaths, same: [patient_id]}",
         ("deaths:patient_id", "patient_id")),
        ("reference",
         "with: {of: practices, same: [gp_practice], on: end_date, where: {other: {country: W}}}",
         ("practices:gp_practice", "gp_practice", "discharge_date", "practices:country")),
        ("reconcile",
         "with: {of: spells, from: national, same: [sex], where: {other: {age: {above: 0}}}}",
         ("national/spells:spell_id", "sex", "national/spells:sex", "national/spells:age")),
        ("reconcile",
         "from: earlier\nsex: 1\nwithout: {of: spells, from: extract, same: [spell_id]}",
         ("earlier/spells:sex", "spell_id")),
    ],
)  # fmt: skip
def test_a_join_needs_its_records_and_the_columns_of_both_sides(
    scope: str, match: str, expected: tuple[str, ...]
) -> None:
    assert rule_of(match, scope).needs["spells"] == expected


def test_an_exception_needs_every_kind_that_it_is_joined_with() -> None:
    """One kind that is not there would leave matches that it saves."""
    more = "except: [{name: x, when: {with: {of: [spells, lines], same: [patient_id]}}}]\n"
    assert "lines:line_id" in rule_of("sex: 1", "record", more=more).needs["spells"]


# ---------------------------------------------------------------- which rules run


def ran(match: str, scope: str, *items: str, blank: tuple[str, ...] = ()) -> Selected:
    selected = Selected(rule_of(match, scope), "pack", {})
    check_fields([selected], frozenset(items), frozenset(blank))
    return selected


def test_a_rule_runs_where_its_columns_are() -> None:
    found = ran("sex: 1", "record", "spell_id", "sex")
    assert (found.kinds, found.not_run, found.kinds_note) == (("spells",), "", "")


@pytest.mark.parametrize(
    ("scope", "match", "items", "words"),
    [
        ("record", "sex: 1", "spell_id", "needs sex"),
        ("record", "sex: 1", "attendances:attendance_id", "needs spells"),
        ("record", "of: attendances\nattended: 3", "spell_id sex", "needs attendances"),
        ("record", "any: [{sex: 1}, {ward: A}]", "spell_id", "needs sex or ward"),
        ("reference", "with: {of: deaths, same: [patient_id]}", "spell_id patient_id",
         "needs the register deaths (--register deaths=FILE)"),
        ("reference", "with: {of: practices, same: [gp_practice], where: {other: {country: W}}}",
         "spell_id gp_practice practices:gp_practice", "needs country of the register practices"),
        ("reconcile", "without: {of: spells, from: national, same: [patient_id]}",
         "spell_id patient_id",
         "needs spells of the national record (--against national=FILE)"),
        ("record", "with: {of: spells, from: history, same: [patient_id]}", "spell_id patient_id",
         "needs spells of the history (--history FILE)"),
        ("record", "of: [attendances, lines]\nsite: S", "spell_id lines:line_id",
         "attendances: needs attendances; lines: needs site of lines"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_run_says_what_it_needs(
    scope: str, match: str, items: str, words: str
) -> None:
    found = ran(match, scope, *items.split())
    assert (found.kinds, found.not_run) == ((), words)


def test_kinds_that_lack_the_same_are_told_together() -> None:
    match = "of: [attendances, lines]\nwith: {of: deaths, same: [patient_id]}"
    items = "attendances:attendance_id attendances:patient_id lines:line_id lines:patient_id"
    found = ran(match, "reference", *items.split())
    assert found.not_run == "needs the register deaths (--register deaths=FILE)"


def test_a_join_by_kind_needs_records_of_that_kind_alone() -> None:
    match = "of: [spells, lines]\nwith: {of: [spells, lines], same: [kind, patient_id]}"
    rule = rule_of(match, "record")
    assert rule.needs == {"spells": ("patient_id",), "lines": ("lines:patient_id",)}


def test_a_branch_about_another_kind_is_no_alternative() -> None:
    match = (
        "of: [spells, lines]\nany:\n"
        "  - {kind: spells, with: {of: spells, from: national, same: [patient_id]}}\n"
        "  - {kind: lines, with: {of: lines, from: national, same: [patient_id]}}"
    )
    rule = rule_of(match, "reconcile")
    assert not [item for item in rule.needs["spells"] if "lines" in item]
    assert "national/lines:line_id" in rule.needs["lines"]


def test_a_column_without_a_value_is_as_good_as_none() -> None:
    found = ran("sex: 1", "record", "spell_id", "sex", blank=("sex",))
    assert found.not_run == "needs sex, blank in every row"


def test_a_rule_about_several_kinds_runs_on_those_that_are_there() -> None:
    found = ran("of: [attendances, lines]\nsite: S", "record", "lines:line_id", "lines:site")
    assert (found.kinds, found.not_run) == (("lines",), "")
    assert found.kinds_note == "not run on attendances: needs attendances"


def test_an_item_reads_as_a_reader_would_say_it() -> None:
    item = "billed_mff|lines:billed_price+lines:quantity"
    assert in_words(item) == "billed_mff or billed_price of lines with quantity of lines"
