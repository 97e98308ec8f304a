"""The inline tests of packs: those of all rules in one run, those of a price list in one call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tariff.engine.packtest_prices import price_tests
from tariff.packs.compile import Rulebook
from tariff.packs.contract_model import ContractPack
from tariff.packs.load import LoadedPack
from tariff.packs.model import OtherCarePack, SignaturesPack, TariffPack


@dataclass(frozen=True)
class Outcome:
    """One inline test: what it is of, and what was wrong (empty where it passed)."""

    of: str
    name: str
    wrong: str = ""


def run_tests(rulebook: Rulebook, packs: Sequence[LoadedPack]) -> list[Outcome]:
    """Run the tests of some packs against a rulebook that holds them."""
    out: list[Outcome] = []
    for pack in packs:
        if isinstance(pack.manifest, SignaturesPack):
            out += _signatures(rulebook, pack)
        elif isinstance(pack.manifest, TariffPack) and "tests" in pack.tables:
            out += [Outcome(pack.id, name, wrong) for name, wrong in price_tests(rulebook, pack)]
        elif isinstance(pack.manifest, OtherCarePack) and "tests" in pack.tables:
            from tariff.engine.packtest_other import other_care_tests

            out += other_care_tests(rulebook, pack)
        elif isinstance(pack.manifest, ContractPack) and "tests" in pack.tables:
            from tariff.engine.packtest_contract import contract_tests

            out += contract_tests(rulebook.packs, pack)
    return out


def _signatures(rulebook: Rulebook, pack: LoadedPack) -> list[Outcome]:
    """Every test of every rule, each with patients and records of its own."""
    assert isinstance(pack.manifest, SignaturesPack)
    if not any(rule.tests for rule in pack.rules):
        return []
    from tariff.engine.packtest_rules import RuleTests

    found = RuleTests(rulebook, pack.manifest, pack.rules).run()
    return [Outcome(case.rule.id, case.test.name, wrong) for case, wrong in found]


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Give outcomes as JSON for a CI pipeline."""
    return json.dumps(
        [{"of": o.of, "name": o.name, "passed": not o.wrong, "wrong": o.wrong} for o in outcomes],
        indent=2,
        ensure_ascii=False,
    )
