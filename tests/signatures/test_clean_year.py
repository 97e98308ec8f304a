"""What the shipped rules find in honest activity: nothing certain, and little else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tariff.engine.run_inputs import Given
from tariff.packs.model import Rule
from tests.engine.extracts import shipped
from tools.measure_budgets import Found, every_rule, given_of, halves, honest

EPISODES, SEED = 5000, 23
MONTH = "2022-09"
RULES = {rule.id: rule for _, rule in shipped().packs.rules()}


def given(name: str) -> Given:
    """A year against itself, its second half after the first, a month at freeze after flex."""
    if name == "month":
        freeze = honest(EPISODES // 5, SEED, month=MONTH)
        flex = honest(EPISODES // 5, SEED, month=MONTH, statement="flex")
        return given_of(freeze, earlier=flex, national=freeze)
    tables = honest(EPISODES, SEED, name.removesuffix(" history"))
    if name.endswith("history"):
        first, second = halves(tables)
        return given_of(second, history=first)
    return given_of(tables, national=tables)


@pytest.fixture(scope="module", params=["2022/23", "2018/19 history", "month"])
def found(request: pytest.FixtureRequest) -> Iterator[Found]:
    """What every rule of any level and status finds in honest activity."""
    yield Found.of(every_rule(shipped(), given(request.param)))


def test_nothing_is_certain_in_an_honest_year(found: Found) -> None:
    assert found.certain == {}


def test_every_rule_stays_within_its_budget(found: Found) -> None:
    over = {
        name: (count, found.most(RULES[name]))
        for name, count in found.hits.items()
        if count > found.most(RULES[name])
    }
    assert over == {}


def test_the_year_is_one_to_find_things_in(found: Found) -> None:
    """Most rules run, and those that have a budget do find something."""
    assert len(found.ran) > 0.7 * len(RULES)
    assert sum(found.hits.values()) > 100


def test_certain_rules_have_no_budget() -> None:
    def certain(rule: Rule) -> bool:
        return {tier.class_ for tier in rule.tiers} <= {"deterministic"} and (
            rule.class_ == "deterministic"
        )

    assert [name for name, rule in RULES.items() if certain(rule) and rule.budget] == []
