"""Checks of what a rule asks: conditions that exclude each other, and rules that ask the same.

Only what is certain is told: tests of one field of one record that must all hold and cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tariff.packs.findings import Findings
from tariff.packs.match_fields import MATCH_FIELDS, scaled
from tariff.packs.model import Every, Join, Negation, Predicate, Rule, Some, Test
from tariff.packs.nodes import Decoded
from tariff.packs.problems import HasPosition
from tariff.packs.tree import Mapping as MappingNode
from tariff.packs.tree import Node, Scalar
from tariff.packs.tree import Sequence as SequenceNode

Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Held:
    """A test that must hold, or must not."""

    test: Test
    holds: bool = True


def check(findings: Findings, rule: Rule, file: Decoded[Rule], lists: Lists) -> None:
    """Report the conditions of a rule that can never hold."""
    reader = _Reader(rule, lists)

    def told(field: str, what: str, tree: Node | None, at: HasPosition) -> None:
        place = _last_key(tree, field) or at
        message = f"{rule.id}: {what}: the conditions on '{field}' exclude each other"
        findings.add("PK110", place, message, row=rule.id, path=rule.path)

    tree = _below(file.tree, "match")
    for field in reader.clashes(rule.match, ()):
        told(field, "it can never match", tree, file.at("match"))
    matched = reader.certain(rule.match)
    for index, exception in enumerate(rule.exceptions):
        where = ("except", index)
        for field in reader.clashes(exception.when, matched):
            what = f"the exception '{exception.name}' can never hold"
            told(field, what, _below(file.tree, *where), file.at(*where))
    for index, tier in enumerate(rule.tiers):
        where = ("tiers", index)
        for field in reader.clashes(tier.when, matched) if tier.when is not None else ():
            what = f"no hit is of the tier '{tier.name}'"
            told(field, what, _below(file.tree, *where), file.at(*where))
        if any(tier.when == other.when for other in rule.tiers[:index]):
            message = f"{rule.id}: no hit is of the tier '{tier.name}': an earlier one asks it"
            findings.add("PK111", file.at(*where), message, row=rule.id, path=rule.path)
    _pairing(findings, rule, file)


def _pairing(findings: Findings, rule: Rule, file: Decoded[Rule]) -> None:
    """Two records that overlap have no gap between them."""
    pairing = rule.pairing
    if pairing is None or pairing.gap_min is None:
        return
    most = None
    if pairing.overlap_min is not None:
        most = -pairing.overlap_min
    elif pairing.contains:
        most = 0
    if most is not None and pairing.gap_min > most:
        message = f"{rule.id}: it can never match: a gap of {pairing.gap_min} days and an overlap"
        at = _last_key(_below(file.tree, "match"), "gap_days") or file.at("match")
        findings.add("PK110", at, message, row=rule.id, path=rule.path)


def same_rules(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Give each rule that asks what an earlier one asks, with that one."""
    seen: list[tuple[tuple[Any, ...], Rule]] = []
    for rule in rules:
        asked = _asked(rule)
        other = next((one for what, one in seen if what == asked), None)
        if other is not None:
            yield rule, other
        seen.append((asked, rule))


def _asked(rule: Rule) -> tuple[Any, ...]:
    excepted = tuple(exception.when for exception in rule.exceptions)
    tiers = tuple(tier.when for tier in rule.tiers)
    dates = (rule.applies.from_, rule.applies.to, rule.applies.on)
    about = (rule.scope, rule.of, rule.source, rule.pairing, rule.set_key, rule.direction)
    return (*about, rule.match, excepted, tiers, dates, rule.params)


class _Reader:
    """Looks for tests of one rule that exclude each other."""

    def __init__(self, rule: Rule, lists: Lists) -> None:
        self._rule = rule
        self._lists = lists

    def certain(self, predicate: Predicate) -> tuple[Held, ...]:
        """Give the tests that hold wherever a predicate does."""
        match predicate:
            case Test():
                return (Held(predicate),)
            case Negation(Test() as test):
                return (Held(test, holds=False),)
            case Every(parts):
                return tuple(held for part in parts for held in self.certain(part))
        return ()

    def clashes(self, predicate: Predicate, held: tuple[Held, ...]) -> Iterator[str]:
        """Give the fields whose tests exclude each other, of a predicate or of a part of it."""
        known = (*held, *self.certain(predicate))
        field = self._clash(known)
        if field:
            yield field
            return
        for part in _parts(predicate):
            match part:
                case Some(branches):
                    for branch in branches:
                        yield from self.clashes(branch, known)
                case Join():
                    yield from self.clashes(part.where, ())

    def _clash(self, held: Sequence[Held]) -> str:
        """Give the first field whose tests cannot all hold."""
        by_field: dict[tuple[str, int], list[Held]] = {}
        for one in held:
            by_field.setdefault((one.test.field, one.test.side), []).append(one)
        for (name, _), tests in by_field.items():
            asked = [one.test for one in tests if one.holds]
            operations = {test.operation for test in asked}
            if "missing" in operations and operations != {"missing"}:
                return name
            if not MATCH_FIELDS[name].many and (self._codes(tests) or self._bounds(asked)):
                return name
        return ""

    def _codes(self, held: Sequence[Held]) -> bool:
        """Whether no code passes every test."""
        exact = [one for one in held if one.holds and one.test.operation in ("in", "list")]
        if not exact:
            return False
        left = set(self._values(exact[0].test))
        for one in held:
            if one.test.operation in ("in", "list", "starts", "list_starts"):
                left = {code for code in left if self._passes(code, one.test) == one.holds}
        return not left

    def _values(self, test: Test) -> Sequence[str]:
        if test.operation in ("list", "list_starts"):
            return self._lists.get(test.codes[0], ())
        return test.codes

    def _passes(self, code: str, test: Test) -> bool:
        values = self._values(test)
        if test.operation in ("in", "list"):
            return code in values
        return code.startswith(tuple(values))

    def _bounds(self, tests: Sequence[Test]) -> bool:
        """Whether no number lies within every bound."""
        low: list[int] = []
        high: list[int] = []
        for test in tests:
            number = self._number(test)
            if number is None:
                continue
            if test.operation in ("at_least", "equals"):
                low.append(number)
            if test.operation in ("at_most", "equals"):
                high.append(number)
            if test.operation == "above":
                low.append(number + 1)
            elif test.operation == "below":
                high.append(number - 1)
        return bool(low and high) and max(low) > min(high)

    def _number(self, test: Test) -> int | None:
        operand = test.operand
        if operand is None or operand.kind not in ("constant", "param"):
            return None
        if operand.kind == "constant":
            return int(operand.value)
        return scaled(MATCH_FIELDS[test.field], self._rule.params[operand.value])


def _parts(predicate: Predicate) -> tuple[Predicate, ...]:
    """Give the parts that must hold, those within an `all` too."""
    if isinstance(predicate, Every):
        return tuple(inner for part in predicate.parts for inner in _parts(part))
    return (predicate,)


def _below(node: Node | None, *where: str | int) -> Node | None:
    for key in where:
        if isinstance(key, str) and isinstance(node, MappingNode) and key in node.entries:
            node = node.entries[key][1]
        elif isinstance(key, int) and isinstance(node, SequenceNode) and key < len(node.items):
            node = node.items[key]
        else:
            return None
    return node


def _last_key(node: Node | None, name: str) -> Scalar | None:
    """Give the last key of a name in a part of a file."""
    found = None
    if isinstance(node, MappingNode):
        for text, (key, item) in node.entries.items():
            found = _last_key(item, name) or (key if text == name else None) or found
    elif isinstance(node, SequenceNode):
        for item in node.items:
            found = _last_key(item, name) or found
    return found
