"""Every rule that ships finds the same in the kernel, all in one call, as in the oracle.

The findings are worth the same too, each on the records as they were billed.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random

from tariff.engine.counterfactual import Counterfactuals
from tariff.engine.match import Matcher
from tariff.engine.settle import Settlement
from tariff.packs.load import PackSet
from tariff.packs.model import Rule, SignaturesPack
from tariff.packs.tiers import expanded
from tariff.reference.findings import findings_of
from tariff.reference.match import match_rule
from tariff.reference.record_tables import RecordTables, record_tables
from tariff.reference.remedies import Lists
from tariff.reference.world import Ref
from tests.differential.compare import fail_with
from tests.differential.realistic import shipped
from tests.differential.rule_worlds import Both, Case, both_sides, cases_of
from tests.differential.test_match import by_key, engine_hits, readable


@cache
def tables() -> RecordTables:
    return record_tables(list(shipped()[0]))


def signatures(packs: PackSet) -> tuple[SignaturesPack, list[Rule]]:
    """The pack of rules that ships, and its rules."""
    held = [(pack.manifest, rule) for pack, rule in packs.rules()]
    (pack,) = {id(m): m for m, _ in held if isinstance(m, SignaturesPack)}.values()
    return pack, [rule for manifest, rule in held if manifest is pack]


def test_shipped_rules_find_the_same() -> None:
    pack, rules = signatures(shipped()[0])
    lists = {name: [str(code) for code in held] for name, held in pack.lists.items()}
    rng = Random(6)
    problems: list[tuple[int, str]] = []
    valued = 0
    found_in: Counter[str] = Counter()  # cases of a rule in which it finds something
    missed_in: Counter[str] = Counter()  # and those that are all but a finding
    for cases in cases_of(pack, rules, rng):
        both = both_sides(shipped()[1], tables(), cases, rng)
        world = both.world
        found = engine_hits(both.records, rules, lists)
        values = engine_values(both, pack, rules, lists)
        names = {entry.ref: str(entry.get("record_id")) for entry in world.entries}
        for rule in rules:
            hit: set[str] = set()
            hits = match_rule(rule, world, lists)
            for key, expected in by_key(rule, hits).items():
                hit |= {
                    names[ref].partition("/")[0] for records_, _, _ in expected for ref in records_
                }
                only = [("engine", h) for h in found[key] if h not in expected]
                only += [("oracle", h) for h in expected if h not in found[key]]
                problems += [(len(h[0]), readable(world, rule, side, h)) for side, h in only]
            worth = findings_of(both.care, world, rule, hits, Lists(lists, pack.maps))
            for one in worth:
                which = one.rule.key, tuple(entry.ref for entry in one.records)
                if one.rule.remedy.what != "mff" or which in values:
                    told = values.get(which, "no finding")
                    assert told == one.value, (which, told, one.value, one.why)
                valued += one.value is not None
            for case in cases:
                if case.rule is rule:
                    found_in[rule.id] += case.name in hit
                    missed_in[rule.id] += near_miss(case) and case.name not in hit
    assert valued > 10_000
    fail_with(problems, lambda: f"{len(problems)} hits differ")
    assert [rule.id for rule in rules if not found_in[rule.id]] == []
    assert [rule.id for rule in rules if not missed_in[rule.id]] == []


def engine_values(
    both: Both, pack: SignaturesPack, rules: list[Rule], lists: dict[str, list[str]]
) -> dict[tuple[str, tuple[Ref, ...]], int | None]:
    """What each finding is worth on the records as they were billed; None is a question."""
    plain = [each for rule in rules for each in expanded(rule)]
    hits = Matcher(both.records).run([(rule, lists) for rule in plain])
    priced = both.priced
    asked = Counterfactuals(
        priced.columns, priced.group_run, priced.pricer, priced.joined.answers, both.records
    )
    settlement = Settlement(both.records, priced.columns, asked)
    of_rules = {rule.key: lists for rule in plain}, {rule.key: pack.maps for rule in plain}
    found: dict[tuple[str, tuple[Ref, ...]], int | None] = {}
    for finding in settlement.run(plain, hits, *of_rules):
        places = [both.records.place(record) for record in finding.records]
        refs = tuple((block.source, block.kind, int(place)) for block, place in places)
        found[finding.rule.key, refs] = None if finding.question else finding.value
    return found


def near_miss(case: Case) -> bool:
    """Say whether a case is all but a finding: a silent test, or one of a finding changed."""
    return case.changed == (case.test.finds > 0)
