"""Signatures under a contract: parameters that the parties agreed, and rules switched off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from tariff.errors import PackError
from tariff.packs.contract_model import ContractPack
from tariff.packs.model import Rule
from tariff.packs.nodes import Where
from tariff.packs.params import with_params, wrong_value
from tariff.packs.problems import Problems, did_you_mean
from tariff.packs.read import MANIFEST, LoadedPack
from tariff.packs.rules import split_params

Wrong = tuple[Where, str, str]  # where in the manifest, what, what to do


def under_contract(
    rules: Sequence[Rule], contract: LoadedPack, known: Iterable[str] = ()
) -> list[Rule]:
    """Give the rules as a contract has them, in the same order.

    `known`: ids of rules that there are beside those given, such as those not selected.
    Raises PackError where the contract names a rule or a parameter that is not there.
    """
    manifest = contract.manifest
    if not isinstance(manifest, ContractPack):
        raise TypeError(manifest.kind)
    problems = Problems(contract.root / MANIFEST)
    by_id = {rule.id: rule for rule in rules}
    for where, message, hint in wrong_terms(manifest, by_id, known):
        problems.add("PK442", contract.at(*where), message, hint)
    if problems.found:
        raise PackError(problems.sorted())
    return [_agreed(rule, manifest) for rule in rules]


def switched_off(contract: ContractPack) -> dict[str, str]:
    """Give the rules that a contract switches off, each with its reason."""
    return {rule: terms.off for rule, terms in contract.signatures.items() if terms.off.strip()}


def wrong_terms(
    contract: ContractPack, rules: Mapping[str, Rule], known: Iterable[str] = ()
) -> Iterator[Wrong]:
    """Give what is wrong with the terms of a contract on rules."""
    ids = {*rules, *known}
    for rule_id, terms in contract.signatures.items():
        rule = rules.get(rule_id)
        if rule is None:
            if rule_id not in ids:
                hint = did_you_mean(rule_id, ids, "signatures")
                yield ("signatures", rule_id), f"there is no signature '{rule_id}'", hint
            continue
        for name, value in terms.params.items():
            where = ("signatures", rule_id, "params", name)
            if name not in rule.params:
                hint = did_you_mean(name, set(rule.params), "parameters")
                yield where, f"{rule_id} has no parameter '{name}'", hint
            elif isinstance(value, date) != (name in rule.date_params):
                what = "a date" if name in rule.date_params else "a number"
                yield where, f"{name} of {rule_id} is {what}; found {value}", ""
            elif not isinstance(value, date) and (wrong := wrong_value(rule, name, value)):
                yield where, f"{name} of {rule_id} cannot be {value}: {wrong}", ""


def _agreed(rule: Rule, contract: ContractPack) -> Rule:
    terms = contract.signatures.get(rule.id)
    if terms is None:
        return rule
    params, _ = split_params(terms.params)
    made = with_params(rule, params)
    least = rule.min_value if terms.min_value is None else terms.min_value
    changed = {**rule.changed_params, **dict.fromkeys(params, contract.id)}
    return replace(made, min_value=least, changed_params=changed)
