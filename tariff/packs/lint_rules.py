"""Checks of signatures: what a provider reads is there and neutral, and both sides are tested."""

from __future__ import annotations

import re

from tariff.packs.findings import Findings
from tariff.packs.model import Rule, SignaturesPack
from tariff.packs.nodes import Decoded
from tariff.packs.rules import DecodedRule

NOT_NEUTRAL = re.compile(r"\b(fraud\w*|false\w*|gaming|gamed)\b", re.IGNORECASE)
TEXTS = ("title", "what", "why", "ask")


def check(findings: Findings) -> None:
    """The checks of a signatures pack; none of another."""
    pack = findings.pack
    manifest = pack.manifest
    if not isinstance(manifest, SignaturesPack):
        return
    lists_used: set[str] = set()
    for rule in pack.rules:
        file = pack.rule_files.get(rule.id)
        if file is None:
            continue
        _texts(findings, rule, file)
        _tests(findings, rule, file)
        _applies(findings, rule, file)
        if isinstance(file, DecodedRule):
            lists_used |= file.lists_used
            _params(findings, rule, file)
    for name in sorted(set(manifest.lists) - lists_used) if pack.intact else ():
        findings.add("PK414", pack.at("lists", name), f"no rule uses the list '{name}'", row=name)


def _texts(findings: Findings, rule: Rule, file: Decoded[Rule]) -> None:
    for name in TEXTS:
        text = getattr(rule, name)
        at = file.at(name)
        if not text.strip():
            message = f"{rule.id}: '{name}' is empty"
            findings.add("PK420", at, message, row=rule.id, path=rule.path)
        word = NOT_NEUTRAL.search(text)
        if word:
            message = f"{rule.id}: '{name}' says '{word[0]}'"
            hint = "say what appears, and ask for evidence"
            findings.add("PK422", at, message, row=rule.id, path=rule.path, hint=hint)
    for name, entries in (
        ("legitimate_reasons", rule.legitimate_reasons),
        ("sources", tuple(source.title for source in rule.sources)),
    ):
        if not entries or not all(entry.strip() for entry in entries):
            message = f"{rule.id}: '{name}' is empty"
            findings.add("PK420", file.at(name), message, row=rule.id, path=rule.path)


def _tests(findings: Findings, rule: Rule, file: Decoded[Rule]) -> None:
    finds = [test.finds for test in rule.tests]
    if not any(count > 0 for count in finds) or 0 not in finds:
        which = "that finds something" if not any(finds) else "that finds nothing"
        message = f"{rule.id}: no test {which}"
        findings.add("PK421", file.at("tests"), message, row=rule.id, path=rule.path)
    names: set[str] = set()
    for index, test in enumerate(rule.tests):
        if test.name in names:
            at = file.at("tests", index)
            message = f"{rule.id}: two tests are named '{test.name}'"
            findings.add("PK202", at, message, row=rule.id, path=rule.path)
        names.add(test.name)
        if not test.rows:
            at = file.at("tests", index)
            message = f"{rule.id}: the test '{test.name}' has no spells"
            findings.add("PK421", at, message, row=rule.id, path=rule.path)


def _applies(findings: Findings, rule: Rule, file: Decoded[Rule]) -> None:
    applies = rule.applies
    if applies.from_ and applies.to and applies.from_ > applies.to:
        message = f"{rule.id}: applies from {applies.from_} to {applies.to}"
        findings.add("PK409", file.at("applies"), message, row=rule.id, path=rule.path)


def _params(findings: Findings, rule: Rule, file: DecodedRule) -> None:
    for name in sorted(set(rule.params) - file.params_used):
        message = f"{rule.id}: no predicate uses the parameter '{name}'"
        at = file.at("params", name)
        findings.add("PK423", at, message, row=rule.id, path=rule.path)
