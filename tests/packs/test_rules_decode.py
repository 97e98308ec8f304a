"""How a signature file becomes a rule: docs/signatures.md, line by line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariff.packs.match_fields import MATCH_FIELDS, scaled
from tariff.packs.model import (
    Edit,
    Every,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Rule,
    RuleTest,
    Same,
    SetKey,
    Some,
)
from tariff.packs.model import Test as FieldTest
from tariff.packs.rules import decode_rule, decode_rule_text
from tests.packs.conftest import RULE

LISTS = {"hospital_destinations": ["51"]}
MATCH = "match:\n  spell_days: {at_least: 10}\n"
QUERY = "remedy: {kind: query}\n"


def rule_text(match: str, scope: str = "spell", remedy: str = QUERY, more: str = "") -> str:
    text = RULE.replace("scope: spell", f"scope: {scope}").replace(QUERY, remedy + dedent(more))
    return text.replace(MATCH, "match:\n" + indent(dedent(match).strip("\n"), "  ") + "\n")


def rule_of(match: str, scope: str = "spell", remedy: str = QUERY, more: str = "") -> Rule:
    decoded = decode_rule_text(rule_text(match, scope, remedy, more), LISTS)
    assert decoded.problems == []
    assert decoded.value is not None
    return decoded.value


def predicate(match: str, scope: str = "spell", more: str = "") -> Predicate:
    return rule_of(match, scope, more=more).match


def told(text: str) -> list[tuple[str, str]]:
    return [(p.code, p.message) for p in decode_rule_text(text, LISTS).problems]


def told_of(match: str, scope: str = "spell", more: str = "") -> list[str]:
    return [f"{code} {said}" for code, said in told(rule_text(match, scope, more=more))]


def number(name: str, operation: str, value: int) -> FieldTest:
    return FieldTest(name, 0, operation, operand=Operand("constant", value))  # type: ignore[arg-type]


# ---------------------------------------------------------------- predicates


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("sex: 1", FieldTest("sex", 0, "in", codes=("1",))),
        (
            "admission_method: [2A, 07, NO]",
            FieldTest("admission_method", 0, "in", ("2A", "07", "NO")),
        ),
        ("billed_hrg: {starts: [U]}", FieldTest("billed_hrg", 0, "starts", codes=("U",))),
        ("billed_hrg: {starts: U}", FieldTest("billed_hrg", 0, "starts", codes=("U",))),
        (
            "discharge_destination: {list: hospital_destinations}",
            FieldTest("discharge_destination", 0, "list", codes=("hospital_destinations",)),
        ),
        ("billed_hrg: {missing: true}", FieldTest("billed_hrg", 0, "missing")),
        ("spell_days: {present: true}", FieldTest("spell_days", 0, "present")),
        ("spell_days: {above: 3}", number("spell_days", "above", 3)),
        (
            "spell_days: {at_least: 1, at_most: 2}",
            Every((number("spell_days", "at_least", 1), number("spell_days", "at_most", 2))),
        ),
        ("short_stay_eligible: {equals: 1}", number("short_stay_eligible", "equals", 1)),
        ("short_stay_eligible: {equals: true}", number("short_stay_eligible", "equals", 1)),
        ("not: {sex: 1}", Negation(FieldTest("sex", 0, "in", codes=("1",)))),
        (
            "any: [{sex: 1}, {sex: 2}]",
            Some(
                (FieldTest("sex", 0, "in", codes=("1",)), FieldTest("sex", 0, "in", codes=("2",)))
            ),
        ),
        (
            "all: [{sex: 1}]\nage: {below: 19}",
            Every((Every((FieldTest("sex", 0, "in", codes=("1",)),)), number("age", "below", 19))),
        ),
    ],
)
def test_a_predicate_is_read_as_it_is_written(match: str, expected: Predicate) -> None:
    assert predicate(match) == expected


@pytest.mark.parametrize(
    ("match", "value"),
    [
        ("billed_total: {above: 12.34}", 1234),
        ("billed_mff: {above: 1.171131}", 1_171_131_000),
        ("mff: {above: 1}", 1_000_000_000),
        ("discharge_date: {at_least: 1970-01-31}", 30),
        ("discharge_date: {below: 1969-12-31}", -1),
        ("age: {at_least: 19}", 19),
    ],
)
def test_constants_become_whole_units_of_their_field(match: str, value: int) -> None:
    test = predicate(match)
    assert isinstance(test, FieldTest)
    assert test.operand == Operand("constant", value)


def test_a_number_may_be_a_parameter_or_another_field() -> None:
    more = "params: {tolerance: 0.50}\n"
    assert predicate("billed: {differs: {field: total, plus: 1}, by: $tolerance}", more=more) == (
        FieldTest(
            "billed",
            0,
            "differs",
            operand=Operand("field", "total", plus=100),
            by=Operand("param", "tolerance"),
        )
    )
    match = "oper_date_01: {above: {field: discharge_date, plus: 2}}"
    assert predicate(match) == FieldTest(
        "oper_date_01", 0, "above", operand=Operand("field", "discharge_date", plus=2)
    )


def test_in_a_pair_fields_stand_under_their_record() -> None:
    found = predicate(
        """\
        same: [patient_id, provider]
        gap_days: {min: 0, max: 1}
        current: {billed_total: {below: {field: billed_total, of: previous}}}
        any:
          - previous: {discharge_destination: {list: hospital_destinations}}
          - current: {admission_source: ["51"], any: [{age: {at_most: 1}}]}
          - same: [hrg_root, diagnosis_chapter]
        """,
        "sequence",
    )
    assert found == Every(
        (
            FieldTest("billed_total", 1, "below", operand=Operand("field", "billed_total", side=0)),
            Some(
                (
                    FieldTest("discharge_destination", 0, "list", codes=("hospital_destinations",)),
                    Every(
                        (
                            FieldTest("admission_source", 1, "in", codes=("51",)),
                            Some(
                                (FieldTest("age", 1, "at_most", operand=Operand("constant", 1)),),
                            ),
                        )
                    ),
                    Every((Same("hrg_root"), Same("diagnosis_chapter"))),
                )
            ),
        )
    )


# ---------------------------------------------------------------- scopes


def test_a_sequence_says_how_two_records_stand_to_each_other() -> None:
    match = "same: [patient_id]\ngap_days: {min: 0, max: 30}\n"
    assert rule_of(match, "sequence").pairing == Pairing(("patient_id",), 0, 30)
    match = "same: [patient_id, provider]\noverlap_days: {min: 1}\ncontains: true\n"
    assert rule_of(match, "sequence").pairing == Pairing(
        ("patient_id", "provider"), overlap_min=1, contains=True
    )


def test_a_set_says_what_puts_records_together() -> None:
    rule = rule_of("key: [patient_id, admission_date]\nkeep: dearest\nsame: [hrg]\n", "set")
    assert rule.set_key == SetKey(("patient_id", "admission_date"), "dearest")
    assert rule.match == Same("hrg")
    copies = rule_of("key: [all_fields]\n", "set").set_key
    assert copies == SetKey(("all_fields",), "first") and copies.copies


@pytest.mark.parametrize(
    ("match", "scope", "expected"),
    [
        ("same: [patient_id]", "sequence",
         "PK021 missing key: one of 'gap_days', 'gap_minutes', 'starts_days', "
         "'overlap_days', 'contains'"),
        ("gap_days: {min: 0}", "sequence", "PK021 missing key 'same'"),
        ("same: [provider]\ngap_days: {min: 0}", "sequence",
         "PK106 'same' of a sequence begins with patient_id"),
        ("same: [patient_id]\ngap_days: {mim: 0}", "sequence", "PK020 unknown key 'mim'"),
        ("same: [patient_id]\ngap_days: {min: 0}\nage: {above: 1}", "sequence",
         "PK106 field 'age' stands without its record"),
        ("same: [patient_id]\ngap_days: {min: 0}\nkey: [sex]", "sequence",
         "PK106 'key' belongs to rules of scope set"),
        ("previous: {sex: 1}", "spell", "PK106 'previous' has no meaning here"),
        ("gap_days: {min: 0}", "spell", "PK106 'gap_days' belongs to rules of scope sequence"),
        ("keep: first", "set", "PK021 missing key 'key'"),
        ("key: [all_fields, sex]", "set", "PK106 'all_fields' stands alone in 'key'"),
        ("age: {above: {field: age, of: previous}}", "spell",
         "PK106 'of' has a meaning where there are two records only"),
    ],
)  # fmt: skip
def test_a_key_of_another_scope_is_told(match: str, scope: str, expected: str) -> None:
    assert told_of(match, scope) == [expected]


# ---------------------------------------------------------------- what cannot be asked


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("spell_dys: {above: 1}", "PK102 unknown field 'spell_dys'"),
        ("age: {over: 1}", "PK101 unknown condition 'over'"),
        ("age: 5", "PK105 'age' holds years, not codes"),
        ("age: {starts: [5]}", "PK105 'age' holds years, not codes"),
        ("age: {above: old}", "PK105 expected years, found 'old'"),
        ("sex: {above: 1}", "PK105 'sex' holds codes: 'above' compares numbers"),
        ("sex: []", "PK101 the list of codes is empty: it never holds"),
        ("sex: {list: sexes}", "PK103 unknown list 'sexes'"),
        ("sex: {missing: false}", "PK101 write {present: true}"),
        ("age: {above: $n}", "PK104 unknown parameter '$n'"),
        ("age: {by: 1}", "PK101 'by' says by how much a field differs"),
        ("age: {}", "PK101 no condition on 'age'"),
        ("any: []", "PK101 'any' is empty"),
        ("any: {sex: 1}", "PK101 'any' takes a list of predicates"),
        ("not: [sex]", "PK101 a predicate is a mapping: field: condition"),
        ("billed: {above: 0.005}", "PK105 '0.005' is no whole number of pence"),
        ("age: {above: 1.5}", "PK105 '1.5' is no whole number of units of the field"),
        ("discharge_date: {above: 5}", "PK105 expected a date (YYYY-MM-DD), found '5'"),
        (
            "billed: {above: {field: spell_days}}",
            "PK105 'billed' is money, 'spell_days' is in days",
        ),
        (
            "age: {above: {field: birth_weight}}",
            "PK105 'age' is in years, 'birth_weight' is in grams",
        ),
        ("age: {above: {field: agee}}", "PK102 unknown field 'agee'"),
        ("age: {above: {plus: 1}}", "PK021 missing key 'field'"),
    ],
)
def test_what_cannot_be_asked_is_told(match: str, expected: str) -> None:
    assert told_of(match) == [expected]


def test_a_misspelt_field_is_told_with_the_nearest_one() -> None:
    problem = decode_rule_text(rule_text("spell_dys: {above: 1}")).problems[0]
    assert (problem.line, problem.column, problem.hint) == (10, 3, "did you mean 'spell_days'?")


def test_all_problems_of_a_rule_are_told_at_once() -> None:
    text = rule_text(
        "age: {over: 1}\nsex: {list: none}\n",
        remedy="remedy: {kind: reprice, what: excess_days}\n",
        more="params: {a: x}\nneeds: [agee]\nexcept: [{name: n, when: {hgr: A}}]\n",
    ).replace("spell_id: A", "spel_id: A")
    codes = [code for code, _ in told(text)]
    assert codes == ["PK101", "PK103", "PK022", "PK102", "PK102", "PK102"]


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        (
            "{kind: reprice}",
            "remedy reprice asks for 'what': one of price, short_stay, mff, best_practice, top_up, "
            "amount, unit_price, unbilled",
        ),
        (
            "{kind: cap_units, what: mff}",
            "remedy cap_units asks for 'what': one of excess_days, quantity",
        ),
        ("{kind: query, what: mff}", "remedy query takes no 'what'"),
        (
            "{kind: edit_and_regroup}",
            "remedy edit_and_regroup asks for 'set', 'remove' or 'swap_primary'",
        ),
        ("{kind: query, set: {sex: 1}}", "remedy query takes no 'set'"),
        ("{kind: merge_and_regroup}", "merge_and_regroup needs a rule of scope sequence"),
        ("{kind: keep_one}", "keep_one needs a rule of scope set, or a partner"),
    ],
)
def test_a_remedy_must_fit(remedy: str, expected: str) -> None:
    text = rule_text("sex: 1", remedy=f"remedy: {remedy}\n")
    assert told(text) == [("PK107", expected)]


def test_an_edit_sets_columns_of_an_episode() -> None:
    rule = rule_of("sex: 1", remedy='remedy: {kind: edit_and_regroup, set: {diag_02: ""}}\n')
    assert rule.remedy.set == (Edit("diag_02", "code", ""),)
    text = rule_text("sex: 1", remedy="remedy: {kind: edit_and_regroup, set: {hrg: A}}\n")
    assert told(text) == [("PK102", "unknown column 'hrg'")]


# ---------------------------------------------------------------- units


@given(st.decimals(-(10**9), 10**9, places=2))
def test_pounds_become_pence_exactly(pounds: Decimal) -> None:
    assert scaled(MATCH_FIELDS["billed"], pounds) == pounds * 100


# ---------------------------------------------------------------- tests of a rule


def test_the_rows_of_a_test_are_flat_and_episodes_override_their_spell() -> None:
    text = RULE.replace(
        "spells: [{spell_id: A}]}\n  - {name: nine",
        """value: 12.50, spells: [
      {spell_id: A, admission_date: 2022-05-01, sex: 07, episodes: [
        {diag_01: J181}, {diag_01: I10X, sex: NO}]},
      {spell_id: B, episodes: [{ward: W1}]},
      {spell_id: C, sex: ~}]}
  - {name: nine""",
    )
    rule = decode_rule_text(text).value
    assert rule is not None
    shared = {"spell_id": "A", "admission_date": "2022-05-01"}
    assert rule.tests[0] == RuleTest(
        "ten days",
        1,
        (
            {**shared, "sex": "07", "episode_order": "1", "diag_01": "J181"},
            {**shared, "sex": "NO", "episode_order": "2", "diag_01": "I10X"},
            {"spell_id": "B", "ward": "W1"},
            {"spell_id": "C", "sex": ""},
        ),
        Decimal("12.50"),
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("finds: 0", "finds: -1", ("PK109", "'finds' is not below 0")),
        ("finds: 0", "finds: 0, value: 5", ("PK109", "a test that finds nothing has no value")),
        ("finds: 0, spells: [{spell_id: A}]", "finds: 0, spells: [{spell: A}]",
         ("PK102", "unknown column 'spell'")),
        ("finds: 0, spells: [{spell_id: A}]", "finds: 0, spells: [{spell_id: [A]}]",
         ("PK109", "column 'spell_id' takes one value")),
        ("finds: 0, spells: [{spell_id: A}]", "finds: 0, spells: [{hrg: A}]",
         ("PK102", "unknown column 'hrg'")),
    ],
)  # fmt: skip
def test_a_malformed_test_is_told(old: str, new: str, expected: tuple[str, str]) -> None:
    assert told(RULE.replace(old, new)) == [expected]


# ---------------------------------------------------------------- files


def test_a_rule_knows_its_file_and_the_file_is_named_after_it(tmp_path: Path) -> None:
    path = tmp_path / "TST01-long-stay.yaml"
    path.write_text(RULE, encoding="utf-8")
    rule, problems = decode_rule(path)
    assert problems == []
    assert rule is not None and rule.path.endswith("TST01-long-stay.yaml")
    other = path.rename(tmp_path / "TST01.yaml")
    assert [p.code for p in decode_rule(other)[1]] == ["PK100"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("TST01", "tst1"), ("version: 1.0.0", "version: 1"), ("long-stay", "Long Stay")],
)
def test_ids_versions_and_names_have_a_form(old: str, new: str) -> None:
    assert [code for code, _ in told(RULE.replace(old, new))] == ["PK024"]
