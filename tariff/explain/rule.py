"""The page of a signature: always the same sections."""

from __future__ import annotations

from datetime import date

from tariff.engine.select import Selected
from tariff.explain.needs_words import needs_lines
from tariff.explain.page import Page
from tariff.explain.rule_words import dates_of, reader_of, remedy, remedy_of, scope_lines
from tariff.explain.words import Line, field_name
from tariff.packs.match_fields import EPOCH
from tariff.packs.model import Rule, Source
from tariff.packs.rules import expanded
from tariff.report.text import CLASS_MEANING, pounds

SECTIONS = (
    "What it does",
    "Why",
    "What is asked",
    "Legitimate reasons",
    "When it matches",
    "What would be allowed",
    "Needs",
    "Tests",
    "Sources",
)


def rule_page(item: Selected) -> Page:
    """Give the page of a rule."""
    rule = item.rule
    page = Page(f"{rule.id}: {rule.title}")
    page.say(
        f"{rule.class_}, level {rule.level}, status {rule.status}, step {rule.step}, "
        f"version {rule.version}, pack {item.pack}"
    )
    page.say(CLASS_MEANING[rule.class_])
    page.heading("What it does")
    page.say(rule.what)
    page.heading("Why")
    page.say(rule.why)
    page.heading("What is asked")
    page.say(rule.ask)
    page.heading("Legitimate reasons")
    page.bullets(rule.legitimate_reasons)
    _matches(page, rule, item.lists)
    page.heading("What would be allowed")
    page.say(remedy(rule, item.lists))
    page.bullets(
        [
            f"of the tier {_spaced(plain.tier)}: {remedy_of(plain, plain.remedy, item.lists)}"
            for plain in expanded(rule)
            if plain.remedy is not rule.remedy
        ]
    )
    if rule.min_value:
        page.say(f"Findings of less than {pounds(int(rule.min_value * 100))} are left out.")
    page.heading("Needs")
    page.bullets(needs_lines(rule))
    if rule.needs_official_grouping:
        page.bullets(["official grouping; without it a finding is a question and has no value"])
    page.heading("Tests")
    page.bullets([_test(rule, index) for index in range(len(rule.tests))])
    page.heading("Sources")
    page.bullets([_source(source) for source in rule.sources])
    return page


def _matches(page: Page, rule: Rule, lists: dict[str, list[str]]) -> None:
    reader = reader_of(rule, lists)
    page.heading("When it matches")
    page.say("It looks at")
    page.bullets(scope_lines(rule))
    if dates := dates_of(rule.applies, rule.of):
        page.bullets([f"in force for a record {dates}"])
    conditions: list[Line] = [] if _copies(rule) else reader.top(rule.match)
    if conditions:
        page.say("and finds where")
        page.bullets(conditions)
    if rule.pairing is not None:
        records = "spells" if rule.of == ("spells",) else "records"
        page.say(f"Pairs that touch are one finding, so that a chain of {records} counts once.")
    for index, exception in enumerate(rule.exceptions):
        if not index:
            page.say("but not where (exceptions)")
        page.bullets([f"{_spaced(exception.name)}:"])
        page.bullets([(depth + 1, words) for depth, words in reader.top(exception.when)])
    for index, tier in enumerate(rule.tiers):
        if not index:
            page.say("A hit is of the first of these tiers that fits")
        rest = "the rest" if tier.when is None else "where"
        page.bullets([f"{_spaced(tier.name)} ({tier.class_}, level {tier.level}): {rest}"])
        lines = reader.top(tier.when) if tier.when is not None else []
        page.bullets([(depth + 1, words) for depth, words in lines])
    if rule.params:
        page.say("Parameters")
        page.bullets([f"{name} = {_param(rule, name)}" for name in rule.params])
    if rule.root_cause:
        shared = ", ".join(field_name(name) for name in rule.root_cause)
        page.say(f"Findings of one provider are put together by: {shared}.")


def _param(rule: Rule, name: str) -> str:
    value = rule.params[name]
    shown = str(value)
    if name in rule.date_params:
        shown = date.fromordinal(int(value) + EPOCH).isoformat()
    contract = rule.changed_params.get(name)
    return f"{shown} (contract {contract})" if contract else shown


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _copies(rule: Rule) -> bool:
    return rule.set_key is not None and rule.set_key.copies


def _test(rule: Rule, index: int) -> str:
    test = rule.tests[index]
    found = "silent" if not test.finds else f"finds {test.finds}"
    if test.value == 0:
        found += ", nothing claimed"
    elif test.value is not None:
        found += f", worth {pounds(int(test.value * 100))}"
    return f"{test.name} ({found})"


def _source(source: Source) -> str:
    parts = [source.title, source.edition, source.publisher, source.licence, source.note]
    return ". ".join(part.rstrip(".") for part in parts if part)
