"""Inline tests over records of every kind: each has its own, and sees no other's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tariff.engine.packtest import run_tests
from tariff.engine.packtest_rules import SHARED, Case, joins_of, turns
from tests.engine.extracts import rulebook_with

PACK = """\
id: mine
version: "1.0.0"
kind: signatures
title: A pack of a test
provenance: illustrative
last_checked: 2026-01-01
engine: ">=0.1"
sources: [{title: Made up}]
test_defaults: {admission_date: 2022-05-03, discharge_date: 2022-05-04, billed_total: 100.00}
test_defaults_of: {attendances: {attendance_date: 2022-05-03, billed_total: 40.00}}
"""
HEAD = """\
id: {id}
version: 1.0.0
name: {name}
title: A rule of a test
class: presumptive
status: stable
level: low
scope: {scope}
match:
{match}
step: not payable
remedy: {{kind: not_payable}}
what: There appears to be one.
why: It is looked at.
ask: Please evidence it.
legitimate_reasons: [It was one.]
sources: [{{title: Made up}}]
tests:
{tests}
"""
DEATHS = ("TST01", "after-death", "reference", """\
  of: attendances
  billed: {above: 0}
  with:
    of: deaths
    same: [patient_id]
    where: {this: {attendance_date: {above: {field: death_date, of: other}}}}
""", """\
  - {name: after, finds: 1, value: 40.00, settled: 40.00, attendances: [{attendance_id: A}],
     registers: {deaths: [{patient_id: P1, death_date: 2022-05-02}]}}
  - {name: on the day, finds: 0, attendances: [{attendance_id: A}],
     registers: {deaths: [{patient_id: P1, death_date: 2022-05-03}]}}
  - {name: alive, finds: 0, attendances: [{attendance_id: A}]}
""")  # fmt: skip
NEVER = ("TST02", "never-paid", "reference", """\
  billed: {above: 0}
  with: {of: restricted, same: [{primary_procedure: code}], on: admission_date}
""", """\
  - {name: listed, finds: 1, value: 100.00, spells: [{spell_id: A, oper_01: W371}],
     registers: {restricted: [{code: W371, category: never}]}}
  - {name: listed later, finds: 0, spells: [{spell_id: A, oper_01: W371}],
     registers: {restricted: [{code: W371, category: never, valid_from: 2022-05-04}]}}
  - {name: another is listed, finds: 0, spells: [{spell_id: A, oper_01: W371}],
     registers: {restricted: [{code: W381, category: never}]}}
  - {name: none is listed, finds: 0, spells: [{spell_id: A, oper_01: W371}]}
""")  # fmt: skip
LATE = ("TST03", "not-in-national", "reconcile", """\
  billed: {above: 0}
  without: {of: spells, from: national, same: [provider, spell_id]}
""", """\
  - {name: there, finds: 0, spells: [{spell_id: A}], national: {spells: [{spell_id: A}]}}
  - {name: another is there, finds: 1, spells: [{spell_id: A}],
     national: {spells: [{spell_id: B}]}}
""")  # fmt: skip


def pack_of(folder: Path, *rules: tuple[str, str, str, str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pack.yaml").write_text(PACK, "utf-8")
    for name, slug, scope, match, tests in rules:
        text = HEAD.format(
            id=name, name=slug, scope=scope, match=match.rstrip(), tests=tests.rstrip()
        )
        (folder / f"{name}-{slug}.yaml").write_text(text, "utf-8")
    return folder


def wrong(folder: Path) -> dict[tuple[str, str], str]:
    """What was wrong with each test of the pack."""
    rulebook = rulebook_with(folder)
    outcomes = run_tests(rulebook, [rulebook.packs.by_id("mine")])
    return {(outcome.of, outcome.name): outcome.wrong for outcome in outcomes}


def test_every_test_sees_its_own_records_registers_and_files(tmp_path: Path) -> None:
    found = wrong(pack_of(tmp_path / "mine", DEATHS, NEVER, LATE))
    assert len(found) == 9
    assert {name: why for name, why in found.items() if why} == {}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("finds: 1, value: 40.00", "finds: 2, value: 40.00", "expected 2 findings, found 1"),
        ("value: 40.00", "value: 41.00", "expected a value of 41.00, found 40.00"),
        ("settled: 40.00", "settled: 0.00", "expected 0.00 settled, found 40.00"),
        ("2022-05-02}", "soon}", "column 'death_date': not a date"),
        ("attendance_id: A}]", "attendance_id: A, age: old}]", "age of attendances: not a whole"),
    ],
)
def test_what_is_not_as_expected_is_said_of_that_test_alone(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    changed = (*DEATHS[:4], DEATHS[4].replace(old, new, 1))
    found = wrong(pack_of(tmp_path / "mine", changed, NEVER))
    bad = {name: why for name, why in found.items() if why}
    assert list(bad) == [("TST01", "after")]
    assert says in bad["TST01", "after"]


def test_registers_without_a_patient_are_matched_in_turns(tmp_path: Path) -> None:
    rulebook = rulebook_with(pack_of(tmp_path / "mine", DEATHS, NEVER))
    (pack,) = (p for p in rulebook.packs if p.id == "mine")
    pairs = [(rule, test) for rule in pack.rules for test in rule.tests]
    cases = [Case(number, rule, test) for number, (rule, test) in enumerate(pairs)]
    parts = turns(cases)
    assert sum(len(part) for part in parts) == len(cases)
    assert len(parts) == 4  # the four tests of the list of procedures, with all others in the first
    for part in parts:
        looked_at = [
            name for case in part for join in joins_of(case.rule) for name in join.of
            if name in SHARED
        ]  # fmt: skip
        assert len(looked_at) == len(set(looked_at))
    assert "restricted" in SHARED and "deaths" not in SHARED
