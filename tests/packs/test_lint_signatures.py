"""What `tariff pack check` says of signatures that load: logic, tests, lists, contracts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tariff.errors import PackError
from tariff.packs.contract_rules import switched_off, under_contract
from tariff.packs.lint import lint
from tariff.packs.load import read_levels, search_order
from tariff.packs.model import Named, Rule
from tariff.packs.params import with_params
from tariff.packs.read import LoadedPack, read_pack
from tests.packs.conftest import RULE, WritePack
from tests.packs.test_lint import no_packs_of_the_machine, told  # noqa: F401
from tests.packs.test_rule_forms import rule_of
from tests.packs.test_rules_decode import rule_text

LISTS = "lists: {some: [A1, B2]}\n"
USES = "any: [{site: {list: some}}, {sex: 1}]\n"  # so that the list is used


def lint_of(write_pack: WritePack, text: str, manifest: str = "") -> list[str]:
    """What lint says of a pack of one rule, without the name of its file."""
    folder = write_pack("sigs", "signatures", manifest, {"tst/TST01-long-stay.yaml": text})
    return [said.replace("TST01-long-stay.yaml:", "") for said in told(folder)]


# ---------------------------------------------------------------- logic


@pytest.mark.parametrize(
    ("match", "scope", "expected"),
    [
        ("sex: 1\nall: [{sex: 2}]", "record", "11 it can never match: the conditions on 'sex'"),
        ("sex: 1\nnot: {sex: [1, 2]}", "record", "11 it can never match: the conditions on 'sex'"),
        ("sex: {starts: [A]}\nall: [{sex: B1}]", "record",
         "11 it can never match: the conditions on 'sex'"),
        ("site: {list: some}\nall: [{site: C3}]", "record",
         "11 it can never match: the conditions on 'site'"),
        ("site: {list: some}\nnot: {site: {starts: [A, B]}}", "record",
         "11 it can never match: the conditions on 'site'"),
        ("age: {at_least: 19, below: 19}", "record",
         "10 it can never match: the conditions on 'age'"),
        ("age: {above: 18, below: 19}", "record", "10 it can never match: the conditions on 'age'"),
        ("age: {equals: 5, at_least: $n}", "record",
         "10 it can never match: the conditions on 'age'"),
        ("age: {missing: true}\nany: [{sex: 1}, {age: {above: 3}}]", "record",
         "11 it can never match: the conditions on 'age'"),
        ("any_ward: {missing: true}\nall: [{any_ward: W}]", "record",
         "11 it can never match: the conditions on 'any_ward'"),
        ("with: {of: lines, same: [site], where: {other: {quantity: {above: 2, below: 2}}}}",
         "record", "10 it can never match: the conditions on 'quantity'"),
        ("same: [patient_id]\ngap_days: {min: 0}\noverlap_days: {min: 1}", "sequence",
         "11 it can never match: a gap of 0 days and an overlap"),
        ("same: [patient_id]\ngap_days: {min: 1}\ncontains: true", "sequence",
         "11 it can never match: a gap of 1 days and an overlap"),
    ],
)  # fmt: skip
def test_a_rule_that_can_never_match_is_told(
    write_pack: WritePack, match: str, scope: str, expected: str
) -> None:
    line, words = expected.split(" ", 1)
    text = rule_text(match, scope, more="params: {n: 30}\n")
    found = [said for said in lint_of(write_pack, text, LISTS) if " PK110 " in said]
    assert len(found) == 1
    assert found[0].startswith(f"{line} PK110 TST01: {words}")


@pytest.mark.parametrize(
    ("match", "scope"),
    [
        ("age: {at_least: 19, below: 20}", "record"),
        ("any_ward: A\nall: [{any_ward: B}]", "record"),  # two wards of one spell
        ("any: [{sex: 1}, {sex: 2}]", "record"),
        ("sex: [1, 2]\nnot: {sex: 1}", "record"),
        ("not: {all: [{sex: 1}, {sex: 2}]}", "record"),
        ("same: [patient_id]\ngap_days: {max: 1}\nprevious: {sex: 1}\ncurrent: {sex: 2}",
         "sequence"),
        ("same: [patient_id]\ngap_days: {min: -5}\noverlap_days: {min: 1}", "sequence"),
        ("age: {below: 9}\nwith: {of: spells, same: [site], where: {other: {age: {above: 9}}}}",
         "record"),
    ],
)  # fmt: skip
def test_a_rule_that_can_match_is_not(write_pack: WritePack, match: str, scope: str) -> None:
    assert lint_of(write_pack, rule_text(match, scope)) == []


def test_an_exception_or_a_tier_that_the_match_rules_out_is_told(write_pack: WritePack) -> None:
    text = rule_text(
        "sex: 1",
        more="except:\n  - {name: women, when: {sex: 2}}\n"
        "tiers:\n"
        "  - {name: one, class: deterministic, level: high, when: {site: S}}\n"
        "  - {name: two, class: presumptive, level: low, when: {site: S}}\n"
        "  - {name: three, class: presumptive, level: low, when: {sex: {missing: true}}}\n",
    )
    found = [said for said in lint_of(write_pack, text) if " PK11" in said]
    assert found == [
        "14 PK110 TST01: the exception 'women' can never hold: the conditions on 'sex' exclude "
        "each other",
        "17 PK111 TST01: no hit is of the tier 'two': an earlier one asks it",
        "18 PK110 TST01: no hit is of the tier 'three': the conditions on 'sex' exclude each other",
    ]


def test_two_rules_that_ask_the_same_are_told(write_pack: WritePack) -> None:
    other = RULE.replace("TST01", "TST02").replace("{kind: query}", "{kind: not_payable}")
    files = {"TST01-long-stay.yaml": RULE, "TST02-long-stay.yaml": other}
    assert told(write_pack("sigs", "signatures", "", files)) == [
        "TST02-long-stay.yaml:10 PK450 TST02 asks what TST01 asks: each hit is found twice"
    ]
    files["TST02-long-stay.yaml"] = other.replace("at_least: 10", "at_least: 11")
    assert told(write_pack("sigs", "signatures", "", files)) == []


# ---------------------------------------------------------------- tests, lists, maps


def test_exceptions_and_tiers_ask_for_tests(write_pack: WritePack) -> None:
    text = rule_text(
        "sex: 1",
        more="except: [{name: a, when: {site: A}}, {name: b, when: {site: B}}]\n"
        "tiers: [{name: one, class: deterministic, level: high}]\n",
    )
    assert lint_of(write_pack, text) == [
        "13 PK451 TST01: 2 exceptions, and 1 silent tests",
        "14 PK451 TST01: no test of the tier 'one'",
    ]


def test_a_test_has_records_that_the_rule_is_about(write_pack: WritePack) -> None:
    text = rule_text("of: [lines, emergency]\nsite: S", "record")
    said = "PK421 TST01: the test '{}' has no lines or emergency"
    assert [line.split(" ", 1)[1] for line in lint_of(write_pack, text)] == [
        said.format("ten days"), said.format("nine days"),
    ]  # fmt: skip
    mended = text.replace("spells: [{spell_id: A}]", "lines: [{line_id: A}]")
    assert lint_of(write_pack, mended) == []


def test_what_tests_hold_by_default_are_columns(write_pack: WritePack) -> None:
    manifest = (
        "test_defaults: {sex: '1', sx: '1'}\n"
        "test_defaults_of: {lines: {quantity: '1', amount: '1'}, deaths: {}, line: {}}\n"
    )
    assert [said.split(" PK102 ")[1] for said in lint_of(write_pack, RULE, manifest)] == [
        "spells: unknown column 'sx'",
        "lines: unknown column 'amount'",
        "there are no records of 'line'",
    ]


def test_lists_may_stand_in_files(write_pack: WritePack) -> None:
    rule = rule_text("site: {list: long}").replace("spell_id: A", "spell_id: A, site: S1")
    files = {"TST01-long-stay.yaml": rule, "long.csv": "code,note\nS1,one\nS2,\n"}
    manifest = "list_files: {long: long.csv}\n"
    folder = write_pack("sigs", "signatures", manifest, files)
    assert told(folder) == []
    pack, _ = read_pack(folder)
    assert pack is not None
    assert pack.manifest.lists == {"long": ["S1", "S2"]}  # type: ignore[attr-defined]
    files["TST01-long-stay.yaml"] = RULE
    assert told(write_pack("sigs", "signatures", manifest, files)) == [
        "pack.yaml:9 PK414 no rule uses the list 'long'"
    ]


@pytest.mark.parametrize(
    ("manifest", "table", "expected"),
    [
        ("lists: {long: [A]}\nlist_files: {long: long.csv}\n", "code\nA\n",
         "pack.yaml:10:20: PK202 the list 'long' stands in 'lists' and in 'list_files'"),
        ("list_files: {long: long.csv}\n", "codes\nA\n", "long.csv:1:1: PK200"),
        ("list_files: {long: long.csv}\n", "code\nA\nA\n", "long.csv:3:1: PK202"),
        ("list_files: {long: gone.csv}\n", "code\nA\n",
         "pack.yaml:9:20: PK001 table 'gone.csv' is not in the pack's folder"),
        ("list_files: {long: ../long.csv}\n", "code\nA\n", "pack.yaml:9:20: PK026"),
    ],
)  # fmt: skip
def test_a_list_file_that_cannot_be_used_is_told(
    write_pack: WritePack, manifest: str, table: str, expected: str
) -> None:
    folder = write_pack("sigs", "signatures", manifest, {"long.csv": table})
    _, problems = read_pack(folder)
    assert any(expected in str(problem) for problem in problems), [str(p) for p in problems]


def test_a_list_of_pairs_holds_pairs(write_pack: WritePack) -> None:
    text = RULE.replace("{kind: query}", "{kind: edit_and_regroup, remove: {pairs: some}}")
    assert lint_of(write_pack, text, "lists: {some: [A01+B02, C03]}\n") == [
        "pack.yaml:9 PK107 TST01 takes pairs of 'some': 'C03' is none"
    ]
    assert lint_of(write_pack, text, "lists: {some: [A01+B02]}\n") == []


def test_a_map_that_no_rule_uses_warns(write_pack: WritePack) -> None:
    manifest = "maps: {ages: {EB01A: EB01B}}\n"
    assert lint_of(write_pack, RULE, manifest) == ["pack.yaml:9 PK414 no rule uses the map 'ages'"]
    remedy = "{kind: edit_and_regroup, set: {billed_hrg: {map: ages}}}"
    assert lint_of(write_pack, RULE.replace("{kind: query}", remedy), manifest) == []


# ---------------------------------------------------------------- contracts

CONTRACT = """\
year: 2022/23
provider: R1H
commissioners: []
lines: [{id: all, title: All, form: {kind: cost_per_case}}]
signatures:
"""


def contract(write_pack: WritePack, terms: str) -> LoadedPack:
    folder = write_pack("agreed", "contract", CONTRACT + terms, {})
    pack, problems = read_pack(folder)
    assert [str(p) for p in problems] == []
    assert pack is not None
    return pack


def gap_rule() -> Rule:
    return rule_of(
        "same: [patient_id]\ngap_days: {max: $n}\ncurrent: {admission_date: {above: $day}}\n"
        "with: {of: lines, same: [spell_id], days: {min: $n}, count: {at_least: $n}}\n",
        "sequence",
        "{kind: contract, share: $share}",
        "except: [{name: small, when: {current: {billed: {below: $price}}}}]\n",
    )


def test_a_contract_gives_parameters_of_its_own(write_pack: WritePack) -> None:
    terms = "  TST01: {params: {n: 14, day: 2022-05-01, share: 0.25}, min_value: 100}\n"
    rule = gap_rule()
    (made,) = under_contract([rule], contract(write_pack, terms))
    assert (made.params["n"], made.params["share"]) == (Decimal(14), Decimal("0.25"))
    assert made.min_value == 100
    assert made.params["day"] == rule.params["day"] + 30
    assert made.pairing is not None and made.pairing.gap_max == 14
    assert isinstance(made.pairing.gap_max, Named)
    assert "days=(14, None)" in str(made.match)
    assert made.changed_params == dict.fromkeys(("n", "day", "share"), "agreed")
    assert with_params(made, rule.params).match == rule.match  # and back
    assert rule.params["n"] == 30
    assert not rule.changed_params


def test_a_contract_switches_rules_off_with_a_reason(write_pack: WritePack) -> None:
    pack = contract(write_pack, "  TST01: {off: Under review.}\n  TST02: {min_value: 5}\n")
    assert switched_off(pack.manifest) == {"TST01": "Under review."}  # type: ignore[arg-type]
    assert under_contract([gap_rule()], pack, known=["TST02"])[0].params == gap_rule().params


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("{off: No.}", []),
        ("{params: {m: 1}}", ["TST01 has no parameter 'm'"]),
        ("{params: {n: 1.5}}", ["n of TST01 cannot be 1.5: no whole number"]),
        ("{params: {share: 1.5}}", ["share of TST01 cannot be 1.5: a share is from 0 to 1"]),
        ("{params: {price: 0.001}}",
         ["price of TST01 cannot be 0.001: no whole number of units of 'billed'"]),
        ("{params: {n: 2022-05-01}}", ["n of TST01 is a number; found 2022-05-01"]),
        ("{params: {day: 5, m: 1}}",
         ["TST01 has no parameter 'm'", "day of TST01 is a date; found 5"]),
    ],
)  # fmt: skip
def test_terms_that_do_not_fit_the_rule_are_told(
    write_pack: WritePack, terms: str, expected: list[str]
) -> None:
    pack = contract(write_pack, f"  TST01: {terms}\n")
    if not expected:
        assert len(under_contract([gap_rule()], pack)) == 1
        return
    with pytest.raises(PackError) as caught:
        under_contract([gap_rule()], pack)
    assert sorted(p.message for p in caught.value.problems) == sorted(expected)
    assert {(p.code, p.line) for p in caught.value.problems} == {("PK442", 14)}


def test_a_rule_that_there_is_not_is_told_where_packs_are_checked(write_pack: WritePack) -> None:
    rules = write_pack("sigs", "signatures", "", {"TST01-long-stay.yaml": RULE})
    pack = contract(write_pack, "  TST10: {off: No.}\n")
    loading = read_levels(search_order([rules, pack.root], shipped=False))
    found = [p for p in lint(loading.packs, date(2026, 6, 1)) if p.code == "PK442"]
    assert [(Path(p.path).name, p.line, p.message) for p in found] == [
        ("pack.yaml", 14, "there is no signature 'TST10'")
    ]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("{}", "nothing is agreed: give 'params', 'off' or 'min_value'"),
        ("{min_value: -1}", "min_value is not below 0; found -1"),
        ("{parms: {n: 1}}", "unknown key 'parms'"),
    ],
)
def test_terms_that_say_nothing_are_refused(
    write_pack: WritePack, terms: str, expected: str
) -> None:
    _, problems = read_pack(write_pack("agreed", "contract", f"{CONTRACT}  TST01: {terms}\n", {}))
    assert expected in [problem.message for problem in problems]
