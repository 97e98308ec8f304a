"""Every form of docs/signatures.md beyond a field and its codes, and what is refused of it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from decimal import Decimal
from textwrap import indent
from typing import Any

import pytest

from tariff.packs.model import (
    Edit,
    Every,
    Join,
    Named,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Removal,
    Rule,
    Same,
    SetKey,
    Shares,
)
from tariff.packs.model import Test as FieldTest
from tariff.packs.rules import DecodedRule, decode_rule_text, expanded, first_with
from tests.packs.conftest import RULE
from tests.packs.test_rules_decode import MATCH, QUERY, rule_text

LISTS = {"minor": ["X01"], "pairs": ["A01+B02"]}
MAPS = {"ages": {"EB01A": "EB01B"}}
PARAMS = "params: {n: 30, share: 0.3, price: 120.00, half: 0.5, day: 2022-04-01, none: 0}\n"


def decoded(match: str, scope: str = "record", remedy: str = QUERY, more: str = "") -> DecodedRule:
    if not remedy.startswith("remedy"):
        remedy = f"remedy: {remedy}\n"
    text = rule_text(match, scope, remedy, PARAMS + more)
    return decode_rule_text(text, LISTS, None, MAPS)


def rule_of(match: str, scope: str = "record", remedy: str = QUERY, more: str = "") -> Rule:
    found = decoded(match, scope, remedy, more)
    assert found.problems == []
    assert found.value is not None
    return found.value


def told(match: str, scope: str = "record", remedy: str = QUERY, more: str = "") -> list[str]:
    found = decoded(match, scope, remedy, more)
    return [f"{p.code} {p.message}" for p in found.problems]


# ---------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("site: {list: minor, starts: true}",
         FieldTest("site", 0, "list_starts", codes=("minor",))),
        ("any_diagnosis: [E10, E11]", FieldTest("any_diagnosis", 0, "in", codes=("E10", "E11"))),
        ("any_procedure: {starts: [X]}", FieldTest("any_procedure", 0, "starts", codes=("X",))),
        ("secondary_diagnosis: {list: minor, starts: true}",
         FieldTest("secondary_diagnosis", 0, "list_starts", codes=("minor",))),
        ("any_ward: {missing: true}", FieldTest("any_ward", 0, "missing")),
        ("billed_hrg: {differs: {field: hrg}}",
         FieldTest("billed_hrg", 0, "differs", operand=Operand("field", "hrg"))),
        ("site: {equals: {field: provider}}",
         FieldTest("site", 0, "equals", operand=Operand("field", "provider"))),
    ],
)  # fmt: skip
def test_codes_may_be_asked_for_by_prefix_of_a_list_and_compared(
    match: str, expected: Predicate
) -> None:
    assert rule_of(match).match == expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("any_ward: {equals: {field: ward}}",
         "PK105 'any_ward' holds several codes: 'equals' compares numbers"),
        ("site: {equals: R1H01}", "PK105 'site' holds codes: 'equals' compares numbers"),
        ("site: {differs: {field: age}}", "PK105 'site' is a code, 'age' is in years"),
        ("site: {differs: {field: any_ward}}",
         "PK105 'site' is a code, 'any_ward' is several codes"),
        ("site: {differs: {field: provider}, by: 1}",
         "PK105 'site' holds codes: they differ or do not"),
        ("site: {equals: {sum: [site, ward]}}",
         "PK105 no sum of these: 'site' is a code, 'ward' is a code"),
        ("site: {equals: {field: ward, plus: 1}}", "PK105 'site' holds codes"),
        ("site: {list: minor, starts: X}", "PK101 beside 'list' stands 'starts: true'"),
        ("attended: 3", "PK102 spells: no field 'attended'"),
        ("of: [spells, deaths]\nsex: 1",
         "PK106 'deaths' is a register: a rule is about records of care"),
        ("of: episodes\nsex: 1", "PK112 there are no records of kind 'episodes'"),
        ("of: [lines, lines]\nsite: S", "PK101 'lines' is named twice"),
        ("of: []\nsex: 1", "PK101 'of' is empty"),
        ("from: history\nsex: 1", "PK106 a rule of scope record is about records of the extract"),
        ("from: tomorrow\nsex: 1",
         "PK023 expected one of extract, history, national, earlier; found 'tomorrow'"),
    ],
)  # fmt: skip
def test_what_codes_and_kinds_cannot_be_asked_is_told(match: str, expected: str) -> None:
    assert told(match) == [expected]


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("comparison", "operand"),
    [
        ("billed: {above: {sum: [base, long_stay], plus: 1}}",
         Operand("sum", ("base", "long_stay"), plus=100)),
        ("spell_days: {above: {less: [discharge_date, admission_date]}}",
         Operand("less", ("discharge_date", "admission_date"))),
        ("discharge_date: {above: {sum: [admission_date, trim_days]}}",
         Operand("sum", ("admission_date", "trim_days"))),
        ("billed: {above: {product: [billed_price, mff]}}",
         Operand("product", ("billed_price", "mff"))),
        ("billed: {above: {most: [base, pre_mff, total]}}",
         Operand("most", ("base", "pre_mff", "total"))),
        ("billed: {above: {field: total, times: 1.5}}",
         Operand("field", "total", times=Decimal("1.5"))),
        ("billed: {above: {field: total, times: $half, plus: $n}}",
         Operand("field", "total", times="half", plus="n")),
        ("admission_date: {above: $day}", Operand("param", "day")),
        ("admission_time: {above: '22:30'}", Operand("constant", 1350)),
    ],
)  # fmt: skip
def test_a_number_may_be_worked_out(comparison: str, operand: Operand) -> None:
    test = rule_of(comparison).match
    assert isinstance(test, FieldTest)
    assert test.operand == operand


def test_a_date_among_the_parameters_is_a_day_number() -> None:
    rule = rule_of("admission_date: {above: $day}")
    assert rule.params["day"] == 19083
    assert rule.date_params == ("day",)


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("billed: {above: {product: [base, total]}}",
         "PK105 no product of these: 'base' is money, 'total' is money"),
        ("billed: {above: {sum: [base, trim_days]}}",
         "PK105 no sum of these: 'base' is money, 'trim_days' is in days"),
        ("billed: {above: {sum: [base]}}", "PK101 'sum' takes a list of two or more fields"),
        ("billed: {above: {less: [base, total, billed]}}",
         "PK101 'less' takes a list of two fields"),
        ("billed: {above: {less: base}}", "PK101 'less' takes a list of fields"),
        ("billed: {above: {field: base, sum: [base, total]}}",
         "PK101 'field' and 'sum' exclude each other"),
        ("billed: {above: {least: [admission_date, discharge_date]}}",
         "PK105 'billed' is money, the least is a date"),
        ("discharge_date: {above: {sum: [admission_date, discharge_date]}}",
         "PK105 no sum of these: 'admission_date' is a date, 'discharge_date' is a date"),
        ("discharge_date: {above: {field: admission_date, times: 2}}",
         "PK105 a date cannot be multiplied"),
        ("age: {above: {field: age, times: $day}}", "PK105 $day is a date, not a number"),
        ("admission_date: {above: $n}", "PK105 'admission_date' is a date, and $n a number"),
        ("age: {above: $day}", "PK105 'age' is in years, and $day a date"),
        ("age: {above: {field: age, plus: $share}}",
         "PK105 $share is 0.3: no whole number of units of 'age'"),
        ("age: {above: {field: age, minus: 1}}", "PK020 unknown key 'minus'"),
        ("admission_time: {above: '25:00'}", "PK105 expected minutes, found '25:00'"),
        ("age: {above: [1]}", "PK101 expected a number, $name or {field: name}"),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_told(comparison: str, expected: str) -> None:
    assert told(comparison) == [expected]


# ---------------------------------------------------------------- joins


def test_a_join_says_which_other_record_there_is() -> None:
    rule = rule_of(
        """\
        of: attendances
        attended: {list: minor}
        with:
          of: [spells, emergency]
          from: extract
          same: [patient_id, {provider: site}]
          days: {min: -1, max: $n}
          minutes: {max: 60}
          count: {at_least: 2, at_most: $n}
          where:
            other: {patient_classification: "1"}
            this: {attendance_date: {above: {field: start_date, of: other, plus: 1}}}
            shares: [any_diagnosis]
        """
    )
    assert rule.of == ("attendances",)
    assert isinstance(rule.match, Every)
    assert rule.match.parts[1] == Join(
        ("spells", "emergency"),
        (Same("patient_id"), Same("provider", "site")),
        Every(
            (
                FieldTest("patient_classification", 0, "in", ("1",)),
                FieldTest(
                    "attendance_date", 1, "above", operand=Operand("field", "start_date", 0, 1)
                ),
                Shares("any_diagnosis"),
            )
        ),
        "extract",
        (-1, 30),
        (None, 60),
        "",
        2,
        "n",
    )


def test_without_asks_that_there_is_none_and_lists_ask_for_each() -> None:
    match = (
        "without:\n  - {of: registrations, same: [patient_id], on: admission_date}\n"
        "  - {of: lines, same: [spell_id]}\n"
    )
    assert rule_of(match, "reference").match == Every(
        (
            Join(
                ("registrations",),
                (Same("patient_id"),),
                on="admission_date",
                at_least=0,
                at_most=0,
            ),
            Join(("lines",), (Same("spell_id"),), at_least=0, at_most=0),
        )
    )


def test_in_a_pair_a_join_is_about_the_current_record() -> None:
    join = "with: {of: lines, same: [spell_id]}"
    pair = "same: [patient_id]\ngap_days: {max: 1}\n"
    expected = Join(("lines",), (Same("spell_id"),))
    assert rule_of(pair + join, "sequence").match == expected
    assert rule_of(f"{pair}current: {{{join}}}", "sequence").match == expected
    assert told(f"{pair}previous: {{{join}}}", "sequence") == [
        "PK112 in a pair a join is about the current record"
    ]


def test_the_partner_is_of_the_first_join_that_is_certain() -> None:
    match = rule_of(
        "any: [{with: {of: lines, same: [spell_id]}}]\n"
        "not: {with: {of: lines, same: [spell_id]}}\n"
        "without: {of: emergency, same: [patient_id]}\n"
        "with: [{of: attendances, same: [patient_id]}, {of: spells, same: [patient_id]}]\n"
    ).match
    found = first_with(match)
    assert found is not None and found.of == ("attendances",)


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("{same: [patient_id]}", "PK021 missing key 'of'"),
        ("{of: lines}", "PK021 missing key 'same'"),
        ("{of: lines, same: []}", "PK101 the list of fields is empty"),
        ("{of: lines, same: patient_id}", "PK101 'same' takes a list of fields"),
        ("{of: lines, same: [[a]]}", "PK101 expected a field, or {this_field: other_field}"),
        ("{of: lines, same: [{a: b, c: d}]}", "PK101 write {this_field: other_field}, one a pair"),
        ("{of: lines, same: [sex]}", "PK102 lines: no field 'sex'"),
        ("{of: lines, same: [quantity]}", "PK102 spells: no field 'quantity'"),
        ("{of: lines, same: [{age: quantity}]}", None),
        ("{of: lines, same: [{age: site}]}", "PK105 'age' is in years, 'site' is a code"),
        ("{of: attendances, same: [any_diagnosis]}", "PK105 'any_diagnosis' holds several codes"),
        ("{of: nothing, same: [sex]}", "PK112 there are no records of kind 'nothing'"),
        ("{of: [lines, deaths], same: [patient_id]}",
         "PK112 the register 'deaths' stands alone in 'of'"),
        ("{of: lines, same: [site], on: end_date}", "PK112 lines: no dates of validity for 'on'"),
        ("{of: deaths, same: [patient_id], on: end_date}",
         "PK112 deaths: no dates of validity for 'on'"),
        ("{of: sites, same: [site], on: sex}", "PK105 'sex' is a code, not a date"),
        ("{of: sites, same: [site], days: {min: 0}}",
         "PK112 'days' counts between records of care"),
        ("{of: sites, same: [site], from: national}",
         "PK112 'sites' is a register: it takes no 'from'"),
        ("{of: lines, same: [site], days: {min: 2, max: 1}}",
         "PK110 min 2 is above max 1: it never holds"),
        ("{of: lines, same: [site], days: {}}", "PK021 missing key 'min'"),
        ("{of: lines, same: [site], days: {min: $share}}", "PK105 $share is 0.3: no whole number"),
        ("{of: lines, same: [site], days: {min: soon}}",
         "PK022 expected a whole number or $name, found 'soon'"),
        ("{of: lines, same: [site], days: 3}", "PK022 expected {min: n, max: n}"),
        ("{of: lines, same: [site], count: {at_least: 3, at_most: 2}}",
         "PK110 at_least 3 is above at_most 2: never holds"),
        ("{of: lines, same: [site], count: 3}", "PK101 'count' takes {at_least: n, at_most: n}"),
        ("{of: lines, same: [site], count: {}}", "PK021 missing key 'at_least'"),
        ("{of: lines, same: [site], where: {site: S}}",
         "PK106 field 'site' stands without its record"),
        ("{of: lines, same: [site], where: {other: {with: {of: lines, same: [site]}}}}",
         "PK112 a join does not stand within a join"),
        ("{of: lines, same: [site], where: {all: [{not: {without: {of: lines, same: [site]}}}]}}",
         "PK112 a join does not stand within a join"),
        ("{of: lines, same: [site], where: {same: [sex]}}", "PK102 lines: no field 'sex'"),
        ("{of: lines, same: [site], where: {same: [quantity]}}",
         "PK102 spells: no field 'quantity'"),
        ("{of: lines, same: [site], where: {shares: [site]}}", "PK105 'site' holds one value"),
        ("{of: lines, same: [site], when: {}}", "PK020 unknown key 'when'"),
        ("lines", "PK101 a join is a mapping: {of: kind, same: [...]}"),
        ("[]", "PK101 'with' is empty"),
    ],
)  # fmt: skip
def test_a_join_that_cannot_be_made_is_told(join: str, expected: str | None) -> None:
    scope = "reference" if "sites" in join or "deaths" in join else "record"
    assert told(f"sex: 1\nwith: {join}", scope)[:1] == ([expected] if expected else [])


def test_without_counts_nothing() -> None:
    assert told("without: {of: lines, same: [site], count: {at_least: 1}}") == [
        "PK112 'without' asks that there is none: it takes no 'count'"
    ]


# ---------------------------------------------------------------- scopes


@pytest.mark.parametrize(
    ("scope", "match", "expected"),
    [
        ("reference", "sex: 1", "PK106 a rule of scope reference is joined with a register"),
        ("reconcile", "sex: 1",
         "PK106 a rule of scope reconcile looks at 'from: national' or 'from: earlier'"),
        ("record", "with: {of: deaths, same: [patient_id]}",
         "PK106 a rule joined with a register is of scope reference"),
        ("record", "with: {of: spells, from: national, same: [sex]}",
         "PK106 a rule joined with other files is of scope reconcile"),
        ("spell", "of: lines\nsite: S", "PK106 a rule of scope spell is about spells"),
        ("rate", "sex: 1", "PK106 scope rate is kept for statistical rules, to come later"),
    ],
)  # fmt: skip
def test_a_rule_is_of_the_scope_of_what_it_looks_at(scope: str, match: str, expected: str) -> None:
    assert told(match, scope) == [expected]


def test_a_sequence_may_stand_in_many_ways_and_take_parameters() -> None:
    rule = rule_of(
        "of: emergency\nsame: [patient_id]\ngap_days: {max: $n}\ngap_minutes: {min: 0, max: 60}\n"
        "starts_days: {min: 0}\noverlap_days: {min: $n}\nshares: [any_treatment]\n",
        "sequence",
    )
    assert rule.pairing == Pairing(("patient_id",), None, 30, 30, False, 0, 60, 0, None)
    assert isinstance(rule.pairing.gap_max, Named)
    assert rule.pairing.gap_max.name == "n"
    assert rule.match == Shares("any_treatment")


def test_a_named_number_survives_a_copy() -> None:
    """Rules go to the processes that test packs."""
    one = Named(30, "n")
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert (other, other.name) == (30, "n")


def test_a_set_may_be_of_records_that_are_near() -> None:
    rule = rule_of("of: emergency\nkey: [patient_id]\nnear: {start_at: $n}\nkeep: dearest\n", "set")
    assert rule.set_key == SetKey(("patient_id",), "dearest", ("start_at", Operand("param", "n")))
    rule = rule_of("key: [patient_id]\nnear: {admission_date: 2}\n", "set")
    assert rule.set_key is not None
    assert rule.set_key.near == ("admission_date", Operand("constant", 2))


@pytest.mark.parametrize(
    ("scope", "match", "expected"),
    [
        ("set", "key: [sex]\nnear: {site: 1}",
         "PK105 'site' is a code: codes are not near each other"),
        ("set", "key: [sex]\nnear: 5", "PK101 'near' takes one field: {field: n}"),
        ("set", "key: [all_fields]\nnear: {age: 1}", "PK106 exact copies take no 'near'"),
        ("set", "key: [any_ward]", "PK105 'any_ward' holds several codes"),
        ("set", "key: [sex]\nshares: [site]", "PK105 'site' holds one value"),
        ("record", "near: {age: 1}\nsex: 1", "PK106 'near' belongs to rules of scope set"),
        ("sequence", "same: [patient_id]\nstarts_days: {min: 3, max: 1}",
         "PK110 min 3 is above max 1: it never holds"),
        ("sequence", "same: [patient_id]\noverlap_days: {max: 1}", "PK020 unknown key 'max'"),
    ],
)  # fmt: skip
def test_a_set_or_a_sequence_that_is_none_is_told(scope: str, match: str, expected: str) -> None:
    assert told(match, scope) == [expected]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("applies: {on: sex}\n", "PK105 'sex' is a code, not a date"),
        ("applies: {on: attendance_date}\n", "PK102 spells: no field 'attendance_date'"),
        ("root_cause: [hgr]\n", "PK102 unknown field 'hgr'"),
        ("root_cause: [attended]\n", "PK102 spells: no field 'attended'"),
        ("direction: up\n", "PK023 expected one of over, under, both; found 'up'"),
        ("needs: [attended]\n", "PK102 unknown column 'attended'"),
    ],
)
def test_what_a_rule_says_of_itself_fits_its_records(more: str, expected: str) -> None:
    assert told("sex: 1", more=more) == [expected]


def test_direction_and_root_cause_are_kept() -> None:
    rule = rule_of("sex: 1", more="direction: over\nroot_cause: [priced_hrg, site]\n")
    assert (rule.direction, rule.root_cause) == ("over", ("priced_hrg", "site"))


# ---------------------------------------------------------------- tiers


TIERS = """\
tiers:
  - {name: one, class: deterministic, level: high, when: {site: S}}
  - {name: two, class: presumptive, level: medium, when: {ward: W}, remedy: {kind: not_payable}}
  - {name: three, class: presumptive, level: low}
"""


def test_a_rule_of_tiers_becomes_one_plain_rule_of_each() -> None:
    rule = rule_of("sex: 1", more=TIERS)
    one, two, three = expanded(rule)
    sex = FieldTest("sex", 0, "in", ("1",))
    site, ward = FieldTest("site", 0, "in", ("S",)), FieldTest("ward", 0, "in", ("W",))
    assert one.match == Every((sex, site))
    assert two.match == Every((sex, Negation(site), ward))
    assert three.match == Every((sex, Negation(site), Negation(ward)))
    assert [r.key for r in (one, two, three)] == ["TST01.one", "TST01.two", "TST01.three"]
    assert [(r.class_, r.level, r.remedy.kind) for r in (one, two, three)] == [
        ("deterministic", "high", "query"),
        ("presumptive", "medium", "not_payable"),
        ("presumptive", "low", "query"),
    ]
    assert [r.tiers for r in (one, two, three)] == [(), (), ()]
    plain = rule_of("sex: 1")
    assert expanded(plain) == (plain,)
    assert plain.key == "TST01"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("when: {site: S}", "when: {site: [S]}", []),
        (", when: {site: S}", "",
         ["PK111 the tier 'one' takes all that is left for those after it"]),
        ("name: two", "name: one", ["PK111 two tiers are named 'one'"]),
        ("deterministic, level: high", "presumptive, level: high",
         ["PK111 the rule is deterministic, high; its first tier is not"]),
        ("ward: W", "wrd: W", ["PK102 unknown field 'wrd'"]),
        ("{kind: not_payable}", "{kind: rate}",
         ["PK107 remedy rate is kept for statistical rules, which come later"]),
        ("name: three", "name: Three", ["PK024 expected a name in snake case, found 'Three'"]),
    ],
)  # fmt: skip
def test_tiers_are_in_order(old: str, new: str, expected: list[str]) -> None:
    assert told("sex: 1", more=TIERS.replace(old, new)) == expected


# ---------------------------------------------------------------- remedies

WITH = "sex: 1\nwith: {of: emergency, same: [patient_id]}\n"
LINES = "of: lines\nwith: {of: doses, same: [{tariff_code: item}]}\n"


@pytest.mark.parametrize(
    ("match", "scope", "remedy", "parts"),
    [
        ("sex: 1", "record", "{kind: not_payable, until: it is coded}", {"until": "it is coded"}),
        (WITH, "record", "{kind: keep_one}", {}),
        ("sex: 1", "record",
         "{kind: edit_and_regroup, set: {patient_classification: 1, "
         "diag_01: {field: diag_02}, billed_hrg: {map: ages}}}",
         {"set": (Edit("patient_classification", "code", "1"), Edit("diag_01", "field", "diag_02"),
                  Edit("billed_hrg", "map", "ages"))}),
        ("sex: 1", "record",
         "{kind: edit_and_regroup, remove: {diagnoses: {list: minor}, one: true}}",
         {"remove": Removal("diagnoses", "minor", True)}),
        ("sex: 1", "record", "{kind: edit_and_regroup, remove: {procedures: outside_stay}}",
         {"remove": Removal("procedures")}),
        ("sex: 1", "record", "{kind: edit_and_regroup, remove: {procedures: {list: minor}}}",
         {"remove": Removal("procedures", "minor")}),
        ("sex: 1", "record", "{kind: edit_and_regroup, remove: {pairs: pairs}}",
         {"remove": Removal("pairs", "pairs")}),
        ("sex: 1", "record", "{kind: edit_and_regroup, swap_primary: {list: minor}}",
         {"swap": "minor"}),
        ("sex: 1", "record",
         "{kind: reclassify, as: attendances, hrg: none, price: $price, "
         "set: {first_attendance: 2}}",
         {"as_": "attendances", "hrg": False, "price": "price",
          "set": (Edit("first_attendance", "code", "2"),)}),
        (LINES, "reference",
         "{kind: cap_units, what: quantity, to: {field: maximum_quantity, of: other}}",
         {"what": "quantity", "to": Operand("field", "maximum_quantity", 0)}),
        (LINES, "reference",
         "{kind: reprice, what: amount, to: {product: [quantity, unit_price], times: $half}}",
         {"what": "amount", "to": Operand("product", ("quantity", "unit_price"), 1, times="half")}),
        ("sex: 1", "record", "{kind: reprice, what: amount, to: $price}",
         {"to": Operand("param", "price")}),
        ("sex: 1", "record", "{kind: reprice, what: unbilled}", {"what": "unbilled"}),
        ("sex: 1", "record", "{kind: contract, share: $share}", {"share": "share"}),
        ("sex: 1", "record", "{kind: redirect}", {}),
    ],
)  # fmt: skip
def test_a_remedy_is_read_with_its_keys(
    match: str, scope: str, remedy: str, parts: dict[str, Any]
) -> None:
    made = rule_of(match, scope, remedy).remedy
    plain = replace(rule_of("sex: 1").remedy, kind=made.kind, what=made.what)
    assert made == replace(plain, **parts)


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("{kind: redirect, until: then}", "PK107 remedy redirect takes no 'until'"),
        ("{kind: reprice, what: amount}", "PK107 'what: amount' asks for 'to': a number"),
        ("{kind: reprice, what: price, to: 3}", "PK107 'what: price' takes no 'to'"),
        ("{kind: reprice, what: amount, to: {field: age}}",
         "PK105 'billed' is money, 'age' is in years"),
        ("{kind: reprice, what: amount, to: {field: billed, of: other}}",
         "PK107 there is no other record: no first 'with' of match"),
        ("{kind: reclassify}", "PK107 remedy reclassify asks for 'as': attendances or emergency"),
        ("{kind: reclassify, as: attendances, set: {disposal: 1}}",
         "PK102 unknown column 'disposal'"),
        ("{kind: reclassify, as: emergency, price: $none}", "PK107 'price' is above 0; $none is 0"),
        ("{kind: reclassify, as: emergency, price: 120}", "PK101 expected a parameter: $name"),
        ("{kind: contract}", "PK107 remedy contract asks for 'share': $name"),
        ("{kind: contract, share: $n}", "PK107 a share lies between 0 and 1; $n is 30"),
        ("{kind: contract, share: $day}", "PK105 $day is a date, not a number"),
        ("{kind: cap_units, what: quantity, to: 3}",
         "PK107 'what: quantity' is of lines, the rule of spells"),
        ("{kind: rate}", "PK107 remedy rate is kept for statistical rules, which come later"),
        ("{kind: edit_and_regroup, set: {}}", "PK107 'set' is empty"),
        ("{kind: edit_and_regroup, set: {sex: {map: none}}}", "PK103 unknown map 'none'"),
        ("{kind: edit_and_regroup, set: {sex: {field: sx}}}", "PK102 unknown column 'sx'"),
        ("{kind: edit_and_regroup, set: {sex: {field: any_ward}}}",
         "PK107 'any_ward' holds several codes"),
        ("{kind: edit_and_regroup, set: {sex: {}}}",
         "PK107 write a code, {field: name} or {map: name}"),
        ("{kind: edit_and_regroup, remove: {one: true}}",
         "PK107 'remove' takes one of 'diagnoses', 'procedures', 'pairs'"),
        ("{kind: edit_and_regroup, remove: {diagnoses: minor}}",
         "PK107 'diagnoses' takes {list: name}"),
        ("{kind: edit_and_regroup, remove: {procedures: minor}}",
         "PK107 'procedures' takes {list: name}, or outside_stay"),
        ("{kind: edit_and_regroup, remove: {diagnoses: {list: mini}}}",
         "PK103 unknown list 'mini'"),
        ("{kind: edit_and_regroup, swap_primary: {list: mini}}", "PK103 unknown list 'mini'"),
        ("{kind: query, direction: over}", "PK020 unknown key 'direction'"),
    ],
)  # fmt: skip
def test_a_remedy_that_does_not_fit_is_told(remedy: str, expected: str) -> None:
    assert told("sex: 1", remedy=remedy) == [expected]


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("{kind: reclassify, as: emergency}",
         "PK107 remedy reclassify is of spells, the rule of lines"),
        ("{kind: cap_units, what: excess_days}",
         "PK107 'what: excess_days' is of spells, the rule of lines"),
        ("{kind: edit_and_regroup, remove: {procedures: outside_stay}}",
         "PK107 outside_stay is of spells, the rule of lines"),
    ],
)  # fmt: skip
def test_a_remedy_of_spells_is_none_of_lines(remedy: str, expected: str) -> None:
    assert told("of: lines\nsite: S", remedy=remedy) == [expected]


def test_a_remedy_of_a_tier_may_speak_of_the_partner_that_its_condition_finds() -> None:
    tiers = (
        "tiers:\n  - {name: one, class: deterministic, level: high, remedy: {kind: keep_one},\n"
        "     when: {with: {of: lines, same: [spell_id]}}}\n"
    )
    assert expanded(rule_of("sex: 1", more=tiers))[0].remedy.kind == "keep_one"


# ---------------------------------------------------------------- inline tests


def test_of(fields: str) -> DecodedRule:
    text = RULE.replace(MATCH, "match:\n  spell_days: {at_least: 10}\n" + indent(TIERS, ""))
    return decode_rule_text(text.replace("finds: 1, spells: [{spell_id: A}]", fields))


test_of.__test__ = False  # type: ignore[attr-defined]


def test_a_test_may_hold_records_of_every_kind_and_other_files() -> None:
    rule = test_of(
        "finds: 2, value: 10.00, settled: 5.00, tier: one, spells: [{spell_id: A}],\n"
        "     attendances: [{attendance_id: B, unbundled_02: RD40Z}], lines: [{line_id: C}],\n"
        "     history: {spells: [{spell_id: D, episodes: [{diag_01: X}, {diag_12: Y}]}]},\n"
        "     national: {emergency: [{attendance_id: E}]}, earlier: {lines: []},\n"
        "     registers: {deaths: [{patient_id: P, death_date: 2022-04-01}]}"
    ).value
    assert rule is not None
    test = rule.tests[0]
    assert (test.value, test.settled, test.tier) == (Decimal("10.00"), Decimal("5.00"), "one")
    assert test.rows == ({"spell_id": "A"},)
    assert test.others == {
        "attendances": ({"attendance_id": "B", "unbundled_02": "RD40Z"},),
        "lines": ({"line_id": "C"},),
        "history/spells": (
            {"spell_id": "D", "episode_order": "1", "diag_01": "X"},
            {"spell_id": "D", "episode_order": "2", "diag_12": "Y"},
        ),
        "national/emergency": ({"attendance_id": "E"},),
        "earlier/lines": (),
        "registers/deaths": ({"patient_id": "P", "death_date": "2022-04-01"},),
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("finds: 1, lines: [{line: C}]", "PK102 unknown column 'line'"),
        ("finds: 1, attendances: [{disposal: 1}]", "PK102 unknown column 'disposal'"),
        ("finds: 1, registers: {death: []}", "PK109 'registers' has no 'death'"),
        ("finds: 1, registers: {deaths: [{died: 1}]}", "PK102 unknown column 'died'"),
        ("finds: 1, history: {deaths: []}", "PK109 'history' has no 'deaths'"),
        ("finds: 1, tier: four", "PK109 no tier 'four'"),
        ("finds: 0, settled: 1.00", "PK109 a test that finds nothing has no settled"),
        ("finds: 1, spells: [{spell_id: A, episodes: {}}]",
         "PK109 'episodes' is a list of columns"),
    ],
)  # fmt: skip
def test_rows_of_a_test_are_columns_of_their_kind(fields: str, expected: str) -> None:
    assert [f"{p.code} {p.message}" for p in test_of(fields).problems] == [expected]
