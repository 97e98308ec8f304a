"""Checks of signatures: what a provider reads is there and neutral, and both sides are tested."""

from __future__ import annotations

import re

from tariff.packs import lint_logic
from tariff.packs.findings import Findings
from tariff.packs.match_fields import FIELDS, columns_of, is_column
from tariff.packs.model import Rule, SignaturesPack
from tariff.packs.nodes import Decoded
from tariff.packs.problems import did_you_mean
from tariff.packs.rules import DecodedRule

NOT_NEUTRAL = re.compile(r"\b(fraud\w*|false\w*|gaming|gamed)\b", re.IGNORECASE)
PAIR = re.compile(r"[A-Z0-9]+\+[A-Z0-9]+")
TEXTS = ("title", "what", "why", "ask")


def check(findings: Findings) -> None:
    """The checks of a signatures pack; none of another."""
    pack = findings.pack
    manifest = pack.manifest
    if not isinstance(manifest, SignaturesPack):
        return
    used: set[tuple[str, str]] = set()
    for rule in pack.rules:
        file = pack.rule_files.get(rule.id)
        if file is None:
            continue
        _texts(findings, rule, file)
        _budget(findings, rule, file)
        _tests(findings, rule, file)
        _applies(findings, rule, file)
        if isinstance(file, DecodedRule):
            used |= {("lists", name) for name in file.lists_used}
            used |= {("maps", name) for name in file.maps_used}
            _params(findings, rule, file)
            _pairs(findings, rule, manifest)
            lint_logic.check(findings, rule, file, manifest.lists)
    _defaults(findings, manifest)
    for rule, other in lint_logic.same_rules(pack.rules):
        message = f"{rule.id} asks what {other.id} asks: each hit is found twice"
        at = pack.rule_files[rule.id].at("match")
        findings.add("PK450", at, message, row=rule.id, path=rule.path)
    known = {("lists", name) for name in manifest.lists}
    known |= {("maps", name) for name in manifest.maps}
    for key, name in sorted(known - used) if pack.intact else ():
        at = pack.at("list_files" if name in manifest.list_files else key, name)
        what = key.removesuffix("s")
        findings.add("PK414", at, f"no rule uses the {what} '{name}'", row=name)


def _defaults(findings: Findings, manifest: SignaturesPack) -> None:
    """What tests hold unless they say otherwise: columns of kinds that there are."""
    pack = findings.pack
    known = {"spells": manifest.test_defaults, **manifest.test_defaults_of}
    for kind, columns in known.items():
        where = ("test_defaults",) if kind == "spells" else ("test_defaults_of", kind)
        if kind not in FIELDS:
            hint = did_you_mean(kind, set(FIELDS), "kinds")
            findings.add("PK102", pack.at(*where), f"there are no records of '{kind}'", hint=hint)
            continue
        for name in columns:
            if not is_column(name, kind):
                hint = did_you_mean(name, columns_of(kind), "columns")
                at = pack.at(*where, name)
                findings.add("PK102", at, f"{kind}: unknown column '{name}'", hint=hint)


def _pairs(findings: Findings, rule: Rule, manifest: SignaturesPack) -> None:
    """A list of pairs holds pairs."""
    for remedy in (rule.remedy, *(tier.remedy for tier in rule.tiers if tier.remedy)):
        removed = remedy.remove
        if removed is None or removed.what != "pairs":
            continue
        for code in manifest.lists.get(removed.list_, ()):
            if not PAIR.fullmatch(code):
                key = "list_files" if removed.list_ in manifest.list_files else "lists"
                at = findings.pack.at(key, removed.list_)
                message = f"{rule.id} takes pairs of '{removed.list_}': '{code}' is none"
                findings.add("PK107", at, message, row=rule.id, hint="write CODE1+CODE2")
                break


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


def _budget(findings: Findings, rule: Rule, file: Decoded[Rule]) -> None:
    """A rule that is certain finds nothing in an honest year."""
    certain = all(t.class_ == "deterministic" for t in rule.tiers or (rule,))
    if rule.budget < 0 or (certain and rule.budget):
        wrong = "is below 0" if rule.budget < 0 else "is of a deterministic rule"
        message = f"{rule.id}: 'budget' {wrong}"
        hint = "a deterministic rule finds nothing in an honest year"
        findings.add("PK107", file.at("budget"), message, row=rule.id, path=rule.path, hint=hint)


def _tests(findings: Findings, rule: Rule, file: Decoded[Rule]) -> None:
    silent = sum(not test.finds for test in rule.tests)
    for count, which in ((len(rule.tests) - silent, "something"), (silent, "nothing")):
        if not count:
            message = f"{rule.id}: no test that finds {which}"
            findings.add("PK421", file.at("tests"), message, row=rule.id, path=rule.path)
    if silent and silent < len(rule.exceptions):
        message = f"{rule.id}: {len(rule.exceptions)} exceptions, and {silent} silent tests"
        findings.add("PK451", file.at("except"), message, row=rule.id, path=rule.path)
    tiers = {test.tier for test in rule.tests}
    for index, tier in enumerate(rule.tiers):
        if tier.name not in tiers:
            message = f"{rule.id}: no test of the tier '{tier.name}'"
            at = file.at("tiers", index)
            findings.add("PK451", at, message, row=rule.id, path=rule.path)
    names: set[str] = set()
    for index, test in enumerate(rule.tests):
        if test.name in names:
            at = file.at("tests", index)
            message = f"{rule.id}: two tests are named '{test.name}'"
            findings.add("PK202", at, message, row=rule.id, path=rule.path)
        names.add(test.name)
        where = "" if rule.source == "extract" else f"{rule.source}/"
        of = [f"{where}{kind}" for kind in rule.of]
        rows = {"spells": test.rows, **test.others}
        if not any(rows.get(name) for name in of):
            at = file.at("tests", index)
            message = f"{rule.id}: the test '{test.name}' has no {' or '.join(of)}"
            findings.add("PK421", at, message, row=rule.id, path=rule.path)


def _applies(findings: Findings, rule: Rule, file: Decoded[Rule]) -> None:
    applies = rule.applies
    if applies.from_ and applies.to and applies.from_ > applies.to:
        message = f"{rule.id}: applies from {applies.from_} to {applies.to}"
        findings.add("PK409", file.at("applies"), message, row=rule.id, path=rule.path)


def _params(findings: Findings, rule: Rule, file: DecodedRule) -> None:
    for name in sorted(set(rule.params) - file.params_used):
        message = f"{rule.id}: nothing uses the parameter '{name}'"
        at = file.at("params", name)
        findings.add("PK423", at, message, row=rule.id, path=rule.path)
