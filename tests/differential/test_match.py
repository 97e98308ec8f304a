"""Random rules find the same records in the kernel and in the oracle."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given

from tariff.engine.columns import SpellColumns
from tariff.engine.match import Matcher
from tariff.packs.model import Rule
from tariff.reference.match import Hit, match_rule
from tariff.reference.spells import Key
from tests.differential.compare import Case, fail_with, readable
from tests.differential.rules import LISTS, RuleMaker
from tests.differential.strategies import (
    RANDOMS,
    SLOW,
    all_hrgs,
    example_settings,
    random_fields,
    random_packs,
    random_rows,
)

BULK = 400 if SLOW else 40


def random_case(rng: Random, spells: int) -> Case:
    """Spells of few patients, mostly in one year."""
    packs = random_packs(rng)
    fields = random_fields(rng) | {"patient_id", "admission_date", "discharge_date"}
    rows = random_rows(rng, fields, all_hrgs(packs), spells)
    return Case(packs, fields, rows, parts=rng.choice([1, 2]))


def engine_hits(
    columns: SpellColumns, rules: list[Rule], parts: int, lists: dict[str, list[str]] | None = None
) -> dict[str, list[Hit]]:
    """The hits of each rule by the engine, in the form of the oracle's."""
    names = (columns.texts(name).to_pylist() for name in ("provider", "spell_id"))
    keys: list[Key] = list(zip(*names, strict=True))
    hits = Matcher(columns, parts=parts).run([(rule, lists or LISTS) for rule in rules])
    found: dict[str, list[Hit]] = {
        rule: [(rule, (keys[s],), None) for s in spells.tolist()]
        for rule, spells in hits.records.items()
    }
    for rule, groups in hits.groups.items():
        found[rule] = [
            (rule, tuple(keys[s] for s in hit.spells), None if hit.kept is None else keys[hit.kept])
            for hit in groups
        ]
    return {rule: sorted(of_rule, key=lambda hit: hit[1]) for rule, of_rule in found.items()}


def check_rules(case: Case, rng: Random, count: int) -> Counter[str]:
    """Compare the hits of random rules; give how many hits there were by scope."""
    records = case.records()
    columns = case.run().columns
    maker = RuleMaker(rng, records)
    rules = [maker.rule(f"TST{n:02}") for n in range(count)]
    found = engine_hits(columns, rules, case.parts)
    spell_of = {spell.key: spell for spell in case.spells}
    problems: list[tuple[int, str]] = []
    totals: Counter[str] = Counter()
    for rule in rules:
        expected = match_rule(rule, records, LISTS)
        totals[rule.scope] += len(expected)
        if found[rule.id] == expected:
            continue
        only = [("engine", h) for h in found[rule.id] if h not in expected]
        only += [("oracle", h) for h in expected if h not in found[rule.id]]
        side, hit = min(only, key=lambda item: len(item[1][1]))
        asked = {
            "match": rule.match, "except": rule.exceptions, "pairing": rule.pairing,
            "set": rule.set_key, "applies": rule.applies, "params": rule.params,
        }  # fmt: skip
        lines = [f"{rule.scope} {name}: {value}" for name, value in asked.items() if value]
        lines += [f"{side} alone finds {hit[1]}, kept {hit[2]}"]
        lines += [readable(case, spell_of[key]) for key in hit[1]]
        problems.append((len(hit[1]), "\n".join(lines)))
    fail_with(problems, lambda: f"{len(problems)} of {count} rules differ")
    alone = rules[0]  # what other rules ask for does not matter
    assert engine_hits(columns, [alone], 1)[alone.id] == found[alone.id]
    return totals


@example_settings(25)
@given(RANDOMS)
def test_the_smallest_disagreement(rng: Random) -> None:
    case = random_case(rng, rng.randint(1, 6))
    check_rules(case, rng, 4)


def test_many_rules_over_many_spells() -> None:
    totals: Counter[str] = Counter()
    for seed in range(BULK):
        rng = Random(seed)
        totals += check_rules(random_case(rng, 60), rng, 40)
    assert min(totals[scope] for scope in ("record", "spell", "sequence", "set")) > BULK * 10
