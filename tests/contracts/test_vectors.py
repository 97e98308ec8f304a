"""The worked figures of every form, from the engine, the oracle and the packs that ship."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tariff.engine.contract import contract_of
from tariff.engine.contract_forms import Done
from tariff.engine.packtest import run_tests
from tariff.packs.lint_contract import national_terms
from tariff.reference.contract import pays
from tests.engine.extracts import shipped

# where each worked figure stands: the contract that ships, its line, what the file calls the money
# that was done, and what of the figures is fixed beside what the file gives
PLACES: dict[str, tuple[str, str, str]] = {
    "CV01": ("marginal-rate-30", "emergency", "actual"),
    "CV02": ("marginal-rate-70", "emergency", "actual"),
    "CV03": ("marginal-rate-30", "emergency", "actual"),
    "CV04": ("blended-2019", "emergency-admissions", "actual"),
    "CV05": ("blended-2019", "emergency-department", "actual"),
    "CV06": ("blended-2019", "emergency-admissions", "actual"),
    "CV07": ("aligned-2022-23", "elective", "actual"),
    "CV08": ("aligned-2022-23", "elective", "actual"),
    "CV09": ("aligned-2023-24", "elective", "actual_at_unit_price_and_mff"),
    "CV10": ("low-volume", "everything", "actual"),
    "CV11": ("cap-and-collar", "admitted", "actual"),
    "CV12": ("cost-and-volume", "elective", "actual_units"),
}
# keys of the file that the contract must say itself, in pounds or units
STATED = {
    "baseline": lambda line: line.form.baseline,
    "plan": lambda line: line.plan.price,
    "elective_in_fixed": lambda line: line.form.in_fixed,
    "lva": lambda line: line.plan.price,
    "collar": lambda line: line.form.collar,
    "cap": lambda line: line.form.cap,
    "plan_units": lambda line: line.plan.activity,
    "price": lambda line: line.plan.price / line.plan.activity,
}


def figures(value: Any) -> list[int]:
    return value if isinstance(value, list) else [value]


@pytest.mark.reference_data
def test_every_vector_to_the_penny(reference_data: Path) -> None:
    path = reference_data / "pricing-vectors" / "contract_vectors.json"
    vectors = json.loads(path.read_text(encoding="utf-8"))
    assert [vector["id"] for vector in vectors] == list(PLACES)
    terms = national_terms(shipped().packs.packs)
    for vector in vectors:
        name, line_id, done_key = PLACES[vector["id"]]
        contract = contract_of(shipped().packs.by_id(f"example-{name}"), shipped().packs)
        line = contract.by_id[line_id]
        for key, stated in STATED.items():
            if key in vector:
                assert stated(line.line) == vector[key], (vector["id"], key)
        fixed = int(line.line.form.fixed or 0)
        expected = figures(vector["paid"] if "paid" in vector else vector["adjustment"] + fixed)
        for done, paid in zip(figures(vector[done_key]), expected, strict=True):
            units, pounds = (done, done * 2000) if vector["id"] == "CV12" else (0, done)
            given = Done(Fraction(units), Fraction(pounds * 100))
            assert line.pays(12, given) == paid * 100, vector["id"]
            oracle = pays(
                line.line, contract.manifest, (), terms, 12, given.units, given.pence
            )  # fmt: skip
            assert oracle == paid * 100, vector["id"]
        if "withheld" in vector:
            assert vector[done_key] - vector["paid"] == vector["withheld"]


def test_the_same_figures_stand_as_tests_of_the_packs_that_ship() -> None:
    contracts = shipped().packs.by_kind("contract")
    outcomes = run_tests(shipped(), contracts)
    assert [outcome for outcome in outcomes if outcome.wrong] == []
    assert {outcome.of for outcome in outcomes} == {pack.id for pack in contracts}
    told = {word for outcome in outcomes for word in outcome.name.split()}
    assert set(PLACES) <= told
    kinds = {line.form.kind for pack in contracts for line in pack.manifest.lines}  # type: ignore[attr-defined]
    assert len(kinds) == 9


def test_a_wrong_expectation_of_a_contract_fails(tmp_path: Path) -> None:
    from shutil import copytree

    from tariff.packs.load import shipped_folder
    from tests.engine.extracts import rulebook_with

    copy = tmp_path / "low"
    copytree(shipped_folder() / "contracts" / "example-low-volume", copy)
    tests = (copy / "tests.csv").read_text().replace("400000,50000,0", "400000.01,50000,1")
    (copy / "tests.csv").write_text(tests)
    rulebook = rulebook_with(copy)
    (failed, passed) = run_tests(rulebook, [rulebook.packs.by_id("example-low-volume")])
    assert not passed.wrong
    assert failed.wrong == (
        "payable: expected 400000.01, found 400,000.00; cash: expected 1, found 0.00"
    )
