"""Tiers of a rule: one plain rule for each degree of certainty."""

from __future__ import annotations

from dataclasses import replace

from tariff.packs.model import Every, Negation, Predicate, Rule


def expanded(rule: Rule) -> tuple[Rule, ...]:
    """Give the plain rules of a rule's tiers, or the rule itself where it has none.

    A hit is of the first tier whose `when` holds: that of a tier asks that no earlier one does.
    """
    if not rule.tiers:
        return (rule,)
    rules = []
    passed: tuple[Predicate, ...] = ()
    for tier in rule.tiers:
        mine = () if tier.when is None else (tier.when,)
        rules.append(
            replace(
                rule,
                match=Every((*_parts(rule.match), *passed, *mine)),
                class_=tier.class_,
                level=tier.level,
                remedy=tier.remedy or rule.remedy,
                tier=tier.name,
                tiers=(),
            )
        )
        passed = (*passed, *(Negation(when) for when in mine))
    return tuple(rules)


def _parts(predicate: Predicate) -> tuple[Predicate, ...]:
    return predicate.parts if isinstance(predicate, Every) else (predicate,)
