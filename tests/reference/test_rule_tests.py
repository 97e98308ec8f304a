"""The inline tests of every rule that ships, by the oracle: findings, tier and value."""

from __future__ import annotations

from functools import cache

import pytest

from tariff.packs.load import PackSet, load_packs
from tariff.packs.model import Rule, RuleTest, SignaturesPack
from tariff.reference.record_tables import RecordTables, record_tables
from tests.reference.rule_tests import findings_of_test


@cache
def packs() -> PackSet:
    return load_packs()


@cache
def tables() -> RecordTables:
    return record_tables(list(packs()))


RULES = sorted(
    (
        (rule, pack.manifest)
        for pack, rule in packs().rules()
        if isinstance(pack.manifest, SignaturesPack)
    ),
    key=lambda found: found[0].id,
)


def wrong(pack: SignaturesPack, rule: Rule, test: RuleTest) -> str:
    """What is not as a test has it; empty where all is."""
    found = findings_of_test(tables(), pack, rule, test)
    told = [([entry.ref for entry in one.records], one.value, one.why) for one in found]
    if len(found) != test.finds:
        return f"{test.name}: {test.finds} expected, found {told}"
    value = sum(one.value or 0 for one in found)
    if test.value is not None and value != test.value * 100:
        return f"{test.name}: a value of {test.value} expected, found {told}"
    tiers = {one.rule.tier for one in found}
    if test.tier and tiers != {test.tier}:
        return f"{test.name}: tier {test.tier} expected, found {tiers}"
    return ""


@pytest.mark.parametrize(("rule", "pack"), RULES, ids=[rule.id for rule, _ in RULES])
def test_inline_tests(rule: Rule, pack: SignaturesPack) -> None:
    assert rule.tests
    assert [told for test in rule.tests if (told := wrong(pack, rule, test))] == []
