"""Parameters of rules: where a rule uses them, and the same rule with other values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from tariff.packs.match_fields import MATCH_FIELDS, MatchField, scaled
from tariff.packs.model import (
    Every,
    Join,
    Named,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Remedy,
    Rule,
    Some,
    Test,
)

Check = Callable[[Decimal], str]  # what is wrong with a value; empty: nothing
Span = tuple[int | None, int | None]


def with_params(rule: Rule, params: Mapping[str, Decimal]) -> Rule:
    """Give a rule with other values of its parameters."""
    made = {**rule.params, **params}

    def number(value: int | None) -> int | None:
        return Named(int(made[value.name]), value.name) if isinstance(value, Named) else value

    def span(ends: Span) -> Span:
        return number(ends[0]), number(ends[1])

    def predicate(part: Predicate) -> Predicate:
        match part:
            case Every(parts):
                return Every(tuple(map(predicate, parts)))
            case Some(parts):
                return Some(tuple(map(predicate, parts)))
            case Negation(inner):
                return Negation(predicate(inner))
            case Join():
                return replace(part, days=span(part.days), minutes=span(part.minutes))
        return part

    return replace(
        rule,
        params=made,
        match=predicate(rule.match),
        pairing=_pairing(rule.pairing, number),
        exceptions=tuple(replace(e, when=predicate(e.when)) for e in rule.exceptions),
        tiers=tuple(
            tier if tier.when is None else replace(tier, when=predicate(tier.when))
            for tier in rule.tiers
        ),
    )


def _pairing(pairing: Pairing | None, number: Callable[[int | None], int | None]) -> Pairing | None:
    if pairing is None:
        return None
    return Pairing(
        pairing.same,
        number(pairing.gap_min),
        number(pairing.gap_max),
        number(pairing.overlap_min),
        pairing.contains,
        number(pairing.minutes_min),
        number(pairing.minutes_max),
        number(pairing.starts_min),
        number(pairing.starts_max),
    )


def wrong_value(rule: Rule, name: str, value: Decimal) -> str:
    """Say why a parameter of a rule cannot have a value; empty where it can."""
    said = (check(value) for used, check in _uses(rule) if used == name)
    return next((words for words in said if words), "")


def _uses(rule: Rule) -> Iterator[tuple[str, Check]]:
    """Give each place where a rule uses a parameter, with what a value has to be there."""
    predicates = [rule.match, *(e.when for e in rule.exceptions)]
    predicates += [tier.when for tier in rule.tiers if tier.when is not None]
    for predicate in predicates:
        yield from _of_predicate(predicate)
    if rule.pairing is not None:
        yield from _whole(
            rule.pairing.gap_min, rule.pairing.gap_max, rule.pairing.overlap_min,
            rule.pairing.minutes_min, rule.pairing.minutes_max, rule.pairing.starts_min,
            rule.pairing.starts_max,
        )  # fmt: skip
    if rule.set_key is not None and rule.set_key.near is not None:
        name, near = rule.set_key.near
        yield from _of_operand(near, MATCH_FIELDS[name])
    for remedy in (rule.remedy, *(tier.remedy for tier in rule.tiers if tier.remedy)):
        yield from _of_remedy(remedy)


def _of_predicate(predicate: Predicate) -> Iterator[tuple[str, Check]]:
    match predicate:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from _of_predicate(part)
        case Negation(part):
            yield from _of_predicate(part)
        case Test():
            for operand in (predicate.operand, predicate.by):
                if operand is not None:
                    yield from _of_operand(operand, MATCH_FIELDS[predicate.field])
        case Join():
            yield from _whole(*predicate.days, *predicate.minutes)
            for count in (predicate.at_least, predicate.at_most):
                if isinstance(count, str):
                    yield count, _not_whole
            yield from _of_predicate(predicate.where)


def _of_operand(operand: Operand, of: MatchField) -> Iterator[tuple[str, Check]]:
    def units(value: Decimal) -> str:
        fits = scaled(of, value) is not None
        return "" if fits else f"no whole number of units of '{of.name}'"

    if operand.kind == "param":
        yield operand.value, units
    if isinstance(operand.plus, str):
        yield operand.plus, units


def _of_remedy(remedy: Remedy) -> Iterator[tuple[str, Check]]:
    if remedy.share:
        yield remedy.share, lambda value: "" if 0 <= value <= 1 else "a share is from 0 to 1"
    if remedy.price:
        yield remedy.price, lambda value: "" if value > 0 else "a price is above 0"
        yield from _of_operand(Operand("param", remedy.price), MATCH_FIELDS["billed"])
    if remedy.to is not None:
        name = "quantity" if remedy.what == "quantity" else "billed"
        yield from _of_operand(remedy.to, MATCH_FIELDS[name])


def _whole(*numbers: int | None) -> Iterator[tuple[str, Check]]:
    for number in numbers:
        if isinstance(number, Named):
            yield number.name, _not_whole


def _not_whole(value: Decimal) -> str:
    return "" if value == value.to_integral_value() else "no whole number"
