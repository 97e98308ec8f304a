"""Random rules find the same records in the kernel and in the oracle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given

from tariff.engine import joins, sequences, sets
from tariff.engine.match import Matcher
from tariff.engine.record_set import RecordSet
from tariff.packs.model import Rule
from tariff.packs.tiers import expanded
from tariff.reference import predicates
from tariff.reference.match import Hit, match_rule
from tariff.reference.world import Ref, World
from tests.differential.compare import fail_with
from tests.differential.record_blocks import Held, both, random_held
from tests.differential.rules import LISTS, RuleMaker
from tests.differential.strategies import RANDOMS, SLOW, example_settings

BULK = 400 if SLOW else 40
Found = tuple[tuple[Ref, ...], Ref | None, Ref | None]


def engine_hits(
    records: RecordSet,
    rules: Sequence[Rule],
    lists: Mapping[str, list[str]] = LISTS,
    parts: int = 1,
    threads: int = 1,
) -> dict[str, list[Found]]:
    """The hits of each rule, by its key, in the engine."""
    plain = [each for rule in rules for each in expanded(rule)]
    hits = Matcher(records, parts=parts, threads=threads).run([(r, dict(lists)) for r in plain])

    def ref(number: int) -> Ref | None:
        if number < 0:
            return None
        block, place = records.place(number)
        return block.source, block.kind, int(place)

    def refs(numbers: Sequence[int]) -> tuple[Ref, ...]:
        return tuple(found for number in numbers if (found := ref(number)) is not None)

    found: dict[str, list[Found]] = {}
    for key, singles in hits.single.items():
        pairs = zip(singles.records.tolist(), singles.partners.tolist(), strict=True)
        found[key] = [(refs([record]), None, ref(partner)) for record, partner in pairs]
    for key, groups in hits.groups.items():
        found[key] = [
            (refs(hit.records), None if hit.kept is None else ref(hit.kept), None) for hit in groups
        ]
    return {key: sorted(of_rule, key=str) for key, of_rule in found.items()}


def oracle_hits(
    world: World, rule: Rule, lists: Mapping[str, Sequence[str]] = LISTS
) -> dict[str, list[Found]]:
    """The hits of a rule by the oracle, by key."""
    return by_key(rule, match_rule(rule, world, lists))


def by_key(rule: Rule, hits: Sequence[Hit]) -> dict[str, list[Found]]:
    """The hits of a rule by the key of each tier."""
    found: dict[str, list[Found]] = {each.key: [] for each in expanded(rule)}
    for hit in hits:
        found[hit.rule].append(_plain(hit))
    return {key: sorted(of_rule, key=str) for key, of_rule in found.items()}


def _plain(hit: Hit) -> Found:
    return hit.records, hit.kept, hit.partner


def readable(world: World, rule: Rule, side: str, hit: Found) -> str:
    """A rule and what one side alone finds, as one reads them."""
    asked = {
        "of": rule.of, "from": rule.source, "match": rule.match, "except": rule.exceptions,
        "pairing": rule.pairing, "set": rule.set_key, "applies": rule.applies,
        "tiers": rule.tiers, "params": rule.params,
    }  # fmt: skip
    lines = [f"{rule.scope} {name}: {value}" for name, value in asked.items() if value]
    lines += [f"{side} alone finds {hit[0]}, kept {hit[1]}, partner {hit[2]}"]
    held = {entry.ref: entry.record for entry in world.entries}
    for ref in (*hit[0], *(r for r in hit[2:] if r is not None)):
        values = {name: value for name, value in held[ref].items() if value not in (None, ())}
        lines.append(f"  {ref}: {values}")
    return "\n".join(lines)


def check_rules(
    world: World, records: RecordSet, rules: Sequence[Rule], parts: int = 1
) -> Counter[str]:
    """Compare the hits of rules; give how many hits there were by scope."""
    found = engine_hits(records, rules, parts=parts, threads=parts)
    problems: list[tuple[int, str]] = []
    totals: Counter[str] = Counter()
    for rule in rules:
        for key, expected in oracle_hits(world, rule).items():
            totals[rule.scope] += len(expected)
            totals["partners"] += sum(partner is not None for _, _, partner in expected)
            if found[key] == expected:
                continue
            only = [("engine", h) for h in found[key] if h not in expected]
            only += [("oracle", h) for h in expected if h not in found[key]]
            side, hit = min(only, key=lambda item: len(item[1][0]))
            problems.append((len(hit[0]), readable(world, rule, side, hit)))
    fail_with(problems, lambda: f"{len(problems)} of {len(rules)} rules differ")
    return totals


def some_rules(rng: Random, held: Held, count: int) -> list[Rule]:
    maker = RuleMaker(rng, held)
    return [maker.rule(f"TST{number:02}") for number in range(count)]


@example_settings(60)
@given(RANDOMS)
def test_the_smallest_disagreement(rng: Random) -> None:
    held = random_held(rng, rng.randint(1, 4))
    check_rules(*both(held), some_rules(rng, held, 4))


def test_many_rules_over_many_records() -> None:
    totals: Counter[str] = Counter()
    for seed in range(BULK):
        rng = Random(seed)
        held = random_held(rng, 16)
        world, records = both(held)
        rules = some_rules(rng, held, 30)
        totals += check_rules(world, records, rules, parts=rng.choice([1, 2]))
        alone = engine_hits(records, rules[:1])  # what other rules ask for does not matter
        assert alone.items() <= engine_hits(records, rules).items()
    scopes = ("record", "spell", "reference", "reconcile", "sequence", "set", "partners")
    assert min(totals[scope] for scope in scopes) > BULK * 4, totals


def test_a_patient_of_more_records_than_the_limit_stands_for_many_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = Random(1000)
    held = random_held(rng, 24)
    world, records = both(held)
    rules = some_rules(rng, held, 150)
    before = check_rules(world, records, rules)
    for module in (joins, sequences, sets, predicates):
        monkeypatch.setattr(module, "MOST_SPELLS", 2)
    after = check_rules(world, records, rules)
    fewer = {scope for scope in before if after[scope] < before[scope]}
    assert fewer >= {"sequence", "set", "partners"}
