"""The inline tests of packs: they pass as shipped, and fail where the expectation is wrong."""

from __future__ import annotations

import csv
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from tariff.engine.packtest import Outcome, as_json, run_tests
from tariff.packs.contract_model import ContractPack
from tariff.packs.load import shipped_folder
from tariff.packs.model import OtherCarePack, TariffPack
from tests.engine.extracts import rulebook_with, shipped


def failing(folder: Path, pack_id: str) -> list[Outcome]:
    """The tests of one pack that fail."""
    rulebook = rulebook_with(folder)
    outcomes = run_tests(rulebook, [rulebook.packs.by_id(pack_id)])
    assert outcomes
    return [outcome for outcome in outcomes if outcome.wrong]


def changed(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of the shipped signatures with one rule alone, a text of it changed where first."""
    copy = folder / "signatures"
    others = [
        path.name
        for path in (shipped_folder() / "signatures").rglob("[A-Z]*-*.yaml")
        if not path.name.startswith(f"{name}-")
    ]
    shutil.copytree(shipped_folder() / "signatures", copy, ignore=lambda *_: others)
    (path,) = copy.rglob(f"{name}-*.yaml")
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return copy


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return run_tests(shipped(), list(shipped().packs))


def test_every_shipped_test_passes(outcomes: list[Outcome]) -> None:
    assert [outcome for outcome in outcomes if outcome.wrong] == []


def test_every_rule_and_every_price_list_has_tests(outcomes: list[Outcome]) -> None:
    of = {outcome.of for outcome in outcomes}
    rules = {rule.id for _, rule in shipped().packs.rules()}
    # a list without admitted care is tested by the other care pack of its year
    lists = {
        p.id for p in shipped().packs if isinstance(p.manifest, TariffPack) and p.manifest.prices
    }
    other = {p.id for p in shipped().packs if isinstance(p.manifest, OtherCarePack)}
    contracts = {p.id for p in shipped().packs if isinstance(p.manifest, ContractPack)}
    assert of == rules | lists | other | contracts
    counted = sum(len(rule.tests) for _, rule in shipped().packs.rules())
    assert len([o for o in outcomes if o.of in rules]) == counted


def test_each_test_is_named_once(outcomes: list[Outcome]) -> None:
    names = [(outcome.of, outcome.name) for outcome in outcomes]
    assert len(set(names)) == len(names)


def test_packs_without_tests_have_none() -> None:
    packs = shipped().packs
    assert run_tests(shipped(), [packs.by_id("mff-england"), packs.by_id("icd10-5")]) == []


def test_a_wrong_value_fails_and_nothing_else(tmp_path: Path) -> None:
    folder = changed(tmp_path, "PRC01", "    value: 890.06\n", "    value: 890.07\n")
    assert failing(folder, "signatures") == [
        Outcome(
            "PRC01",
            "the price of another HRG of the same root",
            "expected a value of 890.07, found 890.06",
        )
    ]


def test_a_wrong_number_of_findings_fails(tmp_path: Path) -> None:
    folder = changed(tmp_path, "DUP02", "    finds: 2\n", "    finds: 3\n")
    assert failing(folder, "signatures") == [
        Outcome("DUP02", "three numbers for one stay", "expected 3 findings, found 2")
    ]


def test_a_rule_that_finds_too_much_fails_its_silent_tests(tmp_path: Path) -> None:
    # a tolerance of a penny: the tests of "a pound above" and "a pound below" are silent no more
    folder = changed(tmp_path, "PRC01", "params: {tolerance: 1.00}", "params: {tolerance: 0.01}")
    wrong = failing(folder, "signatures")
    assert {outcome.of for outcome in wrong} == {"PRC01"}
    assert {"a pound above", "a pound below"} <= {outcome.name for outcome in wrong}
    assert {outcome.wrong for outcome in wrong} == {"expected 0 findings, found 1"}


def test_a_rule_that_finds_too_little_fails_its_finding_tests(tmp_path: Path) -> None:
    folder = changed(tmp_path, "SPL03", "gap_days: {min: 0, max: 1}", "gap_days: {min: 1, max: 1}")
    wrong = failing(folder, "signatures")
    assert ("SPL03", "back on the day of discharge", "expected 1 findings, found 0") in [
        (o.of, o.name, o.wrong) for o in wrong
    ]
    assert {outcome.of for outcome in wrong} == {"SPL03"}


def test_a_question_where_none_is_expected_fails(tmp_path: Path) -> None:
    """The factor of another year: one question, and a test that expects none has to say so."""
    name = "a year whose factors are not held is one question"
    folder = changed(
        tmp_path, "PRC02", f"  - name: {name}\n    finds: 1\n", f"  - name: {name}\n    finds: 0\n"
    )
    assert failing(folder, "signatures") == [Outcome("PRC02", name, "expected 0 findings, found 1")]


def test_a_question_belongs_to_the_test_it_comes_from(tmp_path: Path) -> None:
    """A second test of the same provider and year, with the right factor, asks nothing."""
    silent = """
  - name: a year whose factors are not held, billed at the nearest
    finds: 0
    spells:
      - {spell_id: A, admission_date: 2024-05-07, discharge_date: 2024-05-14, billed_hrg: DZ11T,
         billed_price: 3439.00, billed_mff: 1.160713, billed_total: 3991.69}
"""
    copy = changed(tmp_path, "PRC02", "\ntests:\n", f"\ntests:{silent}")
    assert failing(copy, "signatures") == []


def test_two_questions_of_one_provider_and_year_in_two_tests(tmp_path: Path) -> None:
    other = """
  - name: a year whose factors are not held, another one
    finds: 1
    spells:
      - {spell_id: A, admission_date: 2024-07-07, discharge_date: 2024-07-14, billed_hrg: DZ11T,
         billed_price: 3439.00, billed_mff: 1.3, billed_total: 4470.70}
"""
    copy = changed(tmp_path, "PRC02", "\ntests:\n", f"\ntests:{other}")
    assert failing(copy, "signatures") == []


def price_list(folder: Path) -> Path:
    """A copy of the price list of 2022/23."""
    copy = folder / "prices"
    shutil.copytree(shipped_folder() / "tariff" / "ntps-2022-23", copy)
    return copy


def test_a_wrong_worked_price_fails(tmp_path: Path) -> None:
    copy = price_list(tmp_path)
    header, first, *rest = read_csv(copy / "tests.csv")
    cells = dict(zip(header, first, strict=True))
    wrong_total = f"{Decimal(cells['total']) + 1:.2f}"
    changed_row = list({**cells, "total": wrong_total}.values())
    write_csv(copy / "tests.csv", [header, changed_row, *rest])
    (outcome,) = failing(copy, "ntps-2022-23")
    assert (outcome.of, outcome.name) == ("ntps-2022-23", cells["name"])
    found = f"{Decimal(cells['total']):,.2f}"
    assert outcome.wrong == f"total: expected {wrong_total}, found {found}"


def test_a_price_that_is_gone_fails_its_worked_examples(tmp_path: Path) -> None:
    copy = price_list(tmp_path)
    header, first, *_ = read_csv(copy / "tests.csv")
    hrg = dict(zip(header, first, strict=True))["hrg"]
    prices = read_csv(copy / "prices.csv")
    write_csv(copy / "prices.csv", [row for row in prices if row[0] != hrg])
    wrong = failing(copy, "ntps-2022-23")
    assert wrong
    assert all("found nothing" in outcome.wrong for outcome in wrong)


def read_csv(path: Path) -> list[list[str]]:
    """The rows of a table, its header first."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def write_csv(path: Path, rows: list[list[str]]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)


def test_outcomes_as_json_for_a_pipeline() -> None:
    text = as_json([Outcome("PRC01", "one"), Outcome("PRC01", "two", "expected 1")])
    assert json.loads(text) == [
        {"of": "PRC01", "name": "one", "passed": True, "wrong": ""},
        {"of": "PRC01", "name": "two", "passed": False, "wrong": "expected 1"},
    ]
