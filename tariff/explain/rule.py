"""The page of a signature: always the same sections."""

from __future__ import annotations

from tariff.engine.select import Selected
from tariff.explain.page import Page
from tariff.explain.words import Line, Reader, dates_of, names_of_sides, remedy, scope_lines
from tariff.packs.match_fields import MATCH_FIELDS
from tariff.packs.model import Rule, Source
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
    page.say(remedy(rule))
    if rule.min_value:
        page.say(f"Findings of less than {pounds(int(rule.min_value * 100))} are left out.")
    page.heading("Needs")
    page.bullets([_need(need) for need in rule.needs] or ["nothing beside provider and spell"])
    if rule.needs_official_grouping:
        page.bullets(["official grouping; without it a finding is a question and has no value"])
    page.heading("Tests")
    page.bullets([_test(rule, index) for index in range(len(rule.tests))])
    page.heading("Sources")
    page.bullets([_source(source) for source in rule.sources])
    return page


def _matches(page: Page, rule: Rule, lists: dict[str, list[str]]) -> None:
    reader = Reader(rule.params, lists, names_of_sides(rule))
    page.heading("When it matches")
    page.say("It looks at")
    page.bullets(scope_lines(rule))
    if dates := dates_of(rule.applies):
        page.bullets([f"in force for a record {dates}"])
    conditions: list[Line] = [] if _copies(rule) else reader.top(rule.match)
    if conditions:
        page.say("and finds where")
        page.bullets(conditions)
    if rule.pairing is not None:
        page.say("Pairs that touch are one finding, so that a chain of spells counts once.")
    for index, exception in enumerate(rule.exceptions):
        if not index:
            page.say("but not where (exceptions)")
        page.bullets([f"{exception.name.replace('_', ' ')}:"])
        page.bullets([(depth + 1, words) for depth, words in reader.top(exception.when)])
    if rule.params:
        page.say("Parameters")
        page.bullets([f"{name} = {value}" for name, value in rule.params.items()])


def _copies(rule: Rule) -> bool:
    return rule.set_key is not None and rule.set_key.of == "episodes"


def _need(need: str) -> str:
    names = need.split("|")
    titles = [MATCH_FIELDS[name].title for name in names if name in MATCH_FIELDS]
    return f"{' or '.join(names)}: {' / '.join(titles)}" if titles else " or ".join(names)


def _test(rule: Rule, index: int) -> str:
    test = rule.tests[index]
    found = "silent" if not test.finds else f"finds {test.finds}"
    if test.value is not None:
        found += f", worth {pounds(int(test.value * 100))}"
    return f"{test.name} ({found})"


def _source(source: Source) -> str:
    parts = [source.title, source.edition, source.publisher, source.licence, source.note]
    return ". ".join(part.rstrip(".") for part in parts if part)
