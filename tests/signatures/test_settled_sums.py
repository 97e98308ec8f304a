"""What all findings settle over a record never exceeds what was billed for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tariff.engine.run import Run
from tests.engine.extracts import shipped
from tests.signatures.worlds import cases, checked, every_name, world_of

PREFIX = {
    "spells": "spell",
    "attendances": "attendance",
    "emergency": "emergency",
    "critical_care": "critical_care",
    "lines": "line",
}
KEYS = {
    "spells": "spell_id",
    "attendances": "attendance_id",
    "emergency": "attendance_id",
    "critical_care": "period_id",
    "lines": "line_id",
}
Money = dict[str, tuple[int, int]]  # billed and allowed by record


def later_names() -> tuple[str, ...]:
    """Rules of all steps but those by which whole records go."""
    rules = [rule for _, rule in shipped().packs.rules()]
    return tuple(rule.id for rule in rules if rule.step not in ("identity", "not payable"))


def money_of(run: Run) -> Money:
    """What was billed for each record, and what is allowed."""
    tables = {"spells": run.spells, **run.others}
    return {
        f"{PREFIX[kind]}:{row['provider']}:{row[KEYS[kind]]}": (
            row["billed_pence"] or 0,
            row["allowed_pence"] or 0,
        )
        for kind, table in tables.items()
        for row in table.to_pylist()
    }


def joined(findings: list[dict[str, Any]], money: Money) -> list[tuple[set[str], int]]:
    """Records that findings join, directly or not, with what is settled over them."""
    parent = {name: name for name in money}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for row in findings:
        here = [name for name in row["records"] if name in money]
        for name in here[1:]:
            parent[root(name)] = root(here[0])
    settled: Counter[str] = Counter()
    for row in findings:
        here = [name for name in row["records"] if name in money]
        if here:
            settled[root(here[0])] += row["settled_pence"] or 0
    members: dict[str, set[str]] = defaultdict(set)
    for name in money:
        members[root(name)].add(name)
    return [(names, settled[of]) for of, names in members.items()]


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(20, 150),
    rules=st.sampled_from([0.15, 0.4, 1.0]),
    lower=st.booleans(),
)
def test_what_is_settled_over_a_record_never_exceeds_what_was_billed(
    seed: int, size: int, rules: float, lower: bool
) -> None:
    """Random tests of random rules, whose patients are a few: hits of every remedy overlap.

    With every rule most records are gone early, so some runs have a part of the rules, or only
    those of later steps.
    """
    random = Random(seed)
    names = later_names() if lower else every_name()
    chosen = random.sample(names, int(len(names) * rules))
    world = world_of(random.sample(range(len(cases())), size), random)
    run = checked(world.given(), select=tuple(chosen))
    money = money_of(run)
    findings = run.findings.to_pylist()
    for name, (billed, allowed) in money.items():
        assert allowed >= min(billed, 0), name
    copies = {"DUP01"}  # billed beside their record
    own = [row for row in findings if row["rule"] not in copies]
    for names, settled in joined(own, money):
        billed = sum(money[name][0] for name in names)
        assert settled == billed - sum(money[name][1] for name in names), names
        assert settled <= sum(max(money[name][0], 0) for name in names), names
    total = run.manifest["money"]
    assert total["settled"] + total["settled_beside"] == sum(
        row["settled_pence"] or 0 for row in findings
    )
    assert total["billed"] - total["settled"] == total["allowed"]
    assert (
        total["billed"] == sum(billed for billed, _ in money.values()) + total["billed_in_copies"]
    )


def test_hits_of_every_remedy_overlap() -> None:
    """The worlds above are about something."""
    random = Random(1)
    world = world_of(random.sample(range(len(cases())), 400), random)
    run = checked(world.given(), select=later_names())
    findings = run.findings.to_pylist()
    assert {row["remedy"] for row in findings if row["settled_pence"]} > {
        "keep_one", "merge_and_regroup", "edit_and_regroup", "reclassify", "cap_units", "reprice",
    }  # fmt: skip
    over = Counter(name for row in findings for name in row["records"] if row["value_pence"])
    assert sum(count > 1 for count in over.values()) > 100
