"""A rule that is broken in any one place is refused with a reason, and never with a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml

from tariff.packs.rules import decode_rule_text, expanded
from tests.packs.conftest import RULE

PARTS = """\
applies: {from: 2022-04-01, on: start_date}
match:
  of: [spells, attendances]
  site: {list: some, starts: true}
  any: [{any_diagnosis: [A]}, {not: {sex: {missing: true}}}]
  billed: {differs: {sum: [base, total], times: $n, plus: 1}, by: 2}
  with:
    of: [lines, spells]
    same: [patient_id, {site: provider}]
    days: {min: 0, max: $n}
    count: {at_least: 2}
    where:
      other: {start_date: {above: {field: start_date, of: this}}}
      shares: [any_treatment_function]
except: [{name: x, when: {without: {of: spells, same: [site]}}}]
tiers:
  - {name: one, class: deterministic, level: high, when: {ward: W}, remedy: {kind: query}}
remedy: {kind: reprice, what: amount, to: {field: total, of: other, times: 0.5}}
params: {n: 3}
root_cause: [site]
needs: [sex|ward]
tests:
  - {name: a, finds: 1, tier: one, spells: [{spell_id: A, episodes: [{sex: 1}]}],
     registers: {deaths: [{patient_id: P}]}}
"""
WORDS: tuple[Any, ...] = ("", "x", "$x", "-1", [], {}, [[]], {"field": "age"}, "2022-04-01")


class _Plain(yaml.Dumper):
    """Writes every value without quotes, as a person would."""


_Plain.yaml_implicit_resolvers = {}


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node)
    for key, item in inner:
        yield (*path, key)
        if not isinstance(item, str):
            yield from places(item, (*path, key))


WHOLE = {
    **yaml.load(RULE, Loader=yaml.BaseLoader),
    "scope": "record",
    **yaml.load(PARTS, Loader=yaml.BaseLoader),
}
READ = [path for path in places(WHOLE) if path[0] in yaml.load(PARTS, Loader=yaml.BaseLoader)]


def text_of(rule: Any) -> str:
    return yaml.dump(rule, Dumper=_Plain, sort_keys=False)


def test_the_rule_is_sound_to_begin_with() -> None:
    assert decode_rule_text(text_of(WHOLE)).problems == []


@pytest.mark.parametrize("first", sorted({str(path[0]) for path in READ}))
def test_a_rule_broken_in_one_place_is_read_or_told(first: str) -> None:
    for path in READ:
        for word in WORDS if path[0] == first else ():
            rule = deepcopy(WHOLE)
            node = rule
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = word
            decoded = decode_rule_text(text_of(rule))
            errors = [p for p in decoded.problems if p.severity == "error"]
            assert (decoded.value is None) == bool(errors), (path, word)
            assert all(problem.line > 1 or problem.column >= 1 for problem in errors)
            if decoded.value is not None:
                assert expanded(decoded.value)
