"""The part of a spell's page that tells how its HRG came about."""

from __future__ import annotations

from tariff.explain import driven, fewer, validated
from tariff.explain.counts import total
from tariff.explain.driven import REASONS, tell_counted
from tariff.explain.page import Page
from tariff.explain.regroup import Regrouped
from tariff.explain.trace import Trace
from tariff.explain.tried import winner
from tariff.explain.words import days
from tariff.reference.group import CC_LIST_NOT_HELD, NO_DIAGNOSES, NO_SPLIT, ROOT_NOT_IN_DESIGN
from tariff.report.text import DASH, counted, sentence_list


def tell(page: Page, trace: Trace) -> None:
    """Add validation, driver, scores, stay, splits and what one code fewer would give."""
    if trace.spell["group_reason"] == NO_DIAGNOSES:
        page.heading("Grouping")
        page.say("The extract carries no diagnoses, so nothing is grouped.")
        return
    validated.tell(page, trace)
    story = trace.regrouped
    if story is None:
        page.heading("Grouping")
        page.say(
            f"One episode in error makes the whole spell {trace.spell['hrg']}, flag U, with the "
            f"category of its first episode in error: {trace.spell['error_category']}."
        )
        _unbundled(page, trace)
        fewer.tell(page, trace)
        return
    if story.injured is not None:
        driven.tell_injury(page, trace, story.injured)
    else:
        driven.tell_driver(page, trace, story)
        driven.tell_root(page, trace, story)
        _scores(page, story)
        _interventions(page, story)
    _stay(page, trace, story)
    _splits(page, trace, story)
    _unbundled(page, trace)
    fewer.tell(page, trace)


# ---------------------------------------------------------------- scores and counts


def _scores(page: Page, story: Regrouped) -> None:
    if story.root is None or story.reason in (ROOT_NOT_IN_DESIGN, CC_LIST_NOT_HELD):
        return
    page.heading("Complications and comorbidities")
    if not story.scored:
        page.say(f"{story.root} is not split by CC score: nothing is scored.")
        return
    tell_counted(page, story.scores, "Score")
    page.say(f"CC score {story.score} in subchapter {story.root[:2]}.")


def _interventions(page: Page, story: Regrouped) -> None:
    page.heading("Interventions")
    tell_counted(page, story.interventions, "Counts")
    count = total(story.interventions)
    page.say(f"{counted(count, 'intervention')}." if count else "No intervention counts.")


def _stay(page: Page, trace: Trace, story: Regrouped) -> None:
    page.heading("Stay")
    page.grid(
        ["Episode", ">Duration", "How", ">Taken off", ">Stay"],
        [
            [
                str(number),
                DASH if row.duration is None else f"{row.duration:,}",
                row.how,
                f"{row.off:,}",
                DASH if row.stay is None else f"{row.stay:,}",
            ]
            for number, row in enumerate(story.days, 1)
        ],
    )
    words = "not known" if story.stay is None else days(story.stay)
    page.say(
        f"Stay of the spell in grouping: {words} (sum of the episodes; critical care, "
        "rehabilitation and palliative care days are taken off each, not below 0)."
    )
    if trace.periods:
        page.say(
            "The grouping goes by the counts of the episodes; the price goes by the dated periods "
            "(below, price: days)."
        )


# ---------------------------------------------------------------- the rows of the root


def _splits(page: Page, trace: Trace, story: Regrouped) -> None:
    if not story.tried:
        return
    won = winner(story.tried)
    roots = sentence_list(list(story.injured.found.roots if story.injured else [story.root or ""]))
    page.heading(f"Rows of {roots} in {trace.grouper.used[1].id}, in order")
    page.grid(
        ["HRG", "*Asks for", "*Outcome"],
        [
            [
                tried.hrg,
                tried.asks,
                ("no: " + tried.failed if tried.failed else "holds: this is the HRG")
                if tried.reached
                else "not reached",
            ]
            for tried in story.tried
        ],
        None if won is None else story.tried.index(won),
    )
    if won is None:
        page.say(f"No HRG: {REASONS[NO_SPLIT]}.")
    else:
        page.say(
            f"HRG {trace.label(trace.spell['hrg'])} ({trace.spell['hrg_provenance']} grouping, "
            f"{trace.spell['grouper']})."
        )


# ---------------------------------------------------------------- unbundled HRGs


def _unbundled(page: Page, trace: Trace) -> None:
    if not trace.grouper.manifest.services:
        return
    page.heading("Unbundled HRGs")
    found = [
        [str(episode), code or "palliative care days", hrg, trace.title(hrg.split("*")[0])]
        for episode, pairs in enumerate(trace.unbundled, 1)
        for code, hrg in pairs
    ]
    if not found:
        page.say("No code leads to an unbundled HRG.")
        return
    page.grid(["Episode", "From", "HRG", "*Label"], found)
    page.say("They stand beside the HRG of the spell and do not change it; *n is a number of days.")
