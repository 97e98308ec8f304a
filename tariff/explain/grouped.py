"""The part of a spell's page that tells how its HRG came about."""

from __future__ import annotations

from tariff.explain.fewer import Outcome, one_code_fewer
from tariff.explain.page import Page
from tariff.explain.regroup import Counted, Regrouped, standing
from tariff.explain.trace import NO_DIAGNOSES, Trace
from tariff.explain.words import days, field_name
from tariff.reference.group import PROCEDURE
from tariff.report.text import DASH, ERROR_CATEGORY, counted, pounds, sentence_list

REASONS = {
    "diagnosis_not_mapped": "no row of the root table has the primary diagnosis",
    "root_not_in_design": "the year's design does not hold the root",
    "cc_list_not_held": "the root is split by CC score, and the list of its subchapter is not held",
    "no_split": "no row of the root holds",
    NO_DIAGNOSES: "the extract carries no diagnoses",
}


def tell(page: Page, trace: Trace) -> None:
    """Add validation, driver, scores, stay, splits and what one code fewer would give."""
    if trace.spell["group_reason"] == NO_DIAGNOSES:
        page.heading("Grouping")
        page.say("The extract carries no diagnoses, so nothing is grouped.")
        return
    _validation(page, trace)
    story = trace.regrouped
    if story is None:
        page.heading("Grouping")
        page.say(
            f"One episode in error makes the whole spell {trace.spell['hrg']}, flag U, with the "
            f"category of its first episode in error: {trace.spell['error_category']}."
        )
        return
    _drivers(page, trace, story)
    _root(page, trace, story)
    _scores(page, story)
    _interventions(page, story)
    _stay(page, trace, story)
    _splits(page, trace, story)
    _fewer(page, trace)


# ---------------------------------------------------------------- validation


def _validation(page: Page, trace: Trace) -> None:
    page.heading("Validation")
    lines: list[str | tuple[int, str]] = []
    for number, told in enumerate(trace.validity, 1):
        if told.category:
            words = {
                **ERROR_CATEGORY,
                "UZ03": "A perinatal diagnosis first, above the age for it",
            }.get(told.category, "")
            lines.append(f"episode {number}: in error, category {told.category}: {words.lower()}")
            lines += [(1, f"{name}: {why}") for name, why in told.fields.items()]
            lines += [(1, why) for why in told.why]
        elif told.left_out:
            lines.append(
                f"episode {number}: valid; left out, not valid codes: {', '.join(told.left_out)}"
            )
        if told.category and told.left_out:
            lines.append((1, f"not valid codes beside: {', '.join(told.left_out)}"))
    valid = sum(not told.category for told in trace.validity)
    if valid == len(trace.validity):
        page.say(f"All {valid} episodes are valid." if valid > 1 else "The episode is valid.")
    if lines:
        page.bullets(lines)
    absent = [name for name in trace.tables.fields.mandatory if name not in trace.fields]
    if absent:
        page.say(
            "Not validated, because the extract does not carry it: "
            f"{sentence_list([field_name(name) for name in absent])}."
        )


# ---------------------------------------------------------------- what drives


def _drivers(page: Page, trace: Trace, story: Regrouped) -> None:
    assert story.driver is not None
    driver = story.driver
    page.heading("What drives")
    page.grid(
        ["Episode", "Code", "As", "Row", "Root/child", ">Rank", "*What came of it"],
        [
            [
                str(c.episode),
                c.code,
                f"procedure {c.position}" if c.flag == PROCEDURE else "primary diagnosis",
                c.prefix or DASH,
                (c.row.root + (f"/{c.row.root_child}" if c.row.root_child else ""))
                if c.row
                else DASH,
                str(c.row.rank) if c.row else DASH,
                standing(c, driver),
            ]
            for c in story.candidates
        ],
        story.candidates.index(driver),
    )
    if driver.row is None:
        page.say(
            f"No procedure drives, and {driver.code} leads to no root. It stays the dominant code, "
            f"flag {driver.flag}."
        )
        return
    what = "procedure" if driver.flag == PROCEDURE else "primary diagnosis"
    page.say(
        f"The {what} {driver.code} of episode {driver.episode} drives, flag {driver.flag}; the "
        f"primary diagnosis of the spell is that of this episode, "
        f"{trace.spell['primary_diagnosis'] or DASH}."
    )
    doubt = _doubt(trace, story)
    if doubt:
        page.say(f"The row of {driver.prefix} is in doubt: {doubt}.")


def _doubt(trace: Trace, story: Regrouped) -> str:
    assert story.driver is not None
    grouper = trace.grouper
    flag = story.driver.flag
    table = grouper.procedure_table if flag == PROCEDURE else grouper.diagnosis_table
    if story.driver.prefix in table["code"]:
        row = table["code"].index(story.driver.prefix)
        if table["doubt"][row]:
            return table["note"][row].rstrip(".") or "no reason is given"
    return ""


def _root(page: Page, trace: Trace, story: Regrouped) -> None:
    driver = story.driver
    assert driver is not None
    page.heading("Root")
    if story.root is None:
        page.say(f"No HRG: {REASONS['diagnosis_not_mapped']} ({driver.code}).")
        return
    words = f"{driver.code} leads to {story.root}"
    if driver.row is not None and driver.row.root_child:
        limit = trace.tables.child_max_age
        age = "unknown" if story.age is None else f"{story.age}"
        used = "so the root of children" if story.child else "so the root of adults"
        words += f" (age {age}, children are up to {limit}: {used})"
    page.say(f"{words}, {trace.grouper.roots_manifest.id}.")
    if story.reason in ("root_not_in_design", "cc_list_not_held"):
        page.say(f"No HRG: {REASONS[story.reason]}.")


# ---------------------------------------------------------------- scores and counts


def _scores(page: Page, story: Regrouped) -> None:
    if story.root is None or story.reason in ("root_not_in_design", "cc_list_not_held"):
        return
    page.heading("Complications and comorbidities")
    if not story.scored:
        page.say(f"{story.root} is not split by CC score: nothing is scored.")
        return
    _counted(page, story.scores, "Score")
    page.say(f"CC score {story.score} in subchapter {story.root[:2]}.")


def _counted(page: Page, lines: list[Counted], title: str) -> None:
    if lines:
        page.grid(
            ["Episode", "Code", f">{title}", "*Why"],
            [[str(line.episode), line.code, str(line.count), line.why] for line in lines],
        )


def _interventions(page: Page, story: Regrouped) -> None:
    page.heading("Interventions")
    _counted(page, story.interventions, "Counts")
    total = sum(line.count for line in story.interventions)
    page.say(f"{counted(total, 'intervention')}." if total else "No intervention counts.")


def _stay(page: Page, trace: Trace, story: Regrouped) -> None:
    page.heading("Stay")
    page.grid(
        ["Episode", ">Duration", "How", ">Taken off", ">Stay"],
        [
            [
                str(number),
                DASH if duration is None else f"{duration:,}",
                how,
                f"{off:,}",
                DASH if stay is None else f"{stay:,}",
            ]
            for number, (duration, how, off, stay) in enumerate(story.durations, 1)
        ],
    )
    words = "not known" if story.stay is None else days(story.stay)
    page.say(
        f"Stay of the spell in grouping: {words} (sum of the episodes; critical care, "
        "rehabilitation and palliative care days are taken off each, not below 0)."
    )


# ---------------------------------------------------------------- the rows of the root


def _splits(page: Page, trace: Trace, story: Regrouped) -> None:
    if not story.tried:
        return
    page.heading(f"Rows of {story.root} in {trace.grouper.used[1].id}, in order")
    chosen = next((i for i, t in enumerate(story.tried) if t.reached and not t.failed), None)
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
        chosen,
    )
    if trace.spell["hrg"] is None:
        page.say(f"No HRG: {REASONS['no_split']}.")
    else:
        page.say(
            f"HRG {trace.label(trace.spell['hrg'])} ({trace.spell['hrg_provenance']} grouping, "
            f"{trace.spell['grouper']})."
        )


# ---------------------------------------------------------------- one code fewer


def _fewer(page: Page, trace: Trace) -> None:
    page.heading("One code fewer")
    as_is, *others = one_code_fewer(trace)
    if not others:
        page.say("There is no code to take away beside the primary diagnosis.")
        return
    changed = [o for o in others if (o.hrg, o.pre_mff, o.total) != _figures(as_is)]
    page.say(
        f"As it stands: {as_is.hrg or 'no HRG'}, {_price(as_is)}. Each code is taken away by "
        "itself from every episode (the primary diagnosis stays), and the rest is grouped and "
        "priced at the HRG grouped."
    )
    if changed:
        page.grid(
            ["Without", "As", "HRG", ">Before MFF", ">Total", ">Change"],
            [
                [
                    other.code,
                    other.what,
                    other.hrg or "none",
                    pounds(other.pre_mff),
                    pounds(other.total),
                    _change(as_is, other),
                ]
                for other in changed
            ],
        )
    same = len(others) - len(changed)
    if same:
        verb = "changes" if same == 1 else "change"
        rest = "other code" if changed else "code"
        page.say(f"{counted(same, rest)} {verb} neither HRG nor price when taken away.")


def _figures(outcome: Outcome) -> tuple[str | None, int | None, int | None]:
    return outcome.hrg, outcome.pre_mff, outcome.total


def _price(outcome: Outcome) -> str:
    if outcome.total is not None:
        words = pounds(outcome.total)
    elif outcome.pre_mff is not None:
        words = f"{pounds(outcome.pre_mff)} before MFF"
    else:
        return "no price"
    return words if outcome.complete else f"{words} (incomplete)"


def _change(one: Outcome, other: Outcome) -> str:
    for before, after in ((one.total, other.total), (one.pre_mff, other.pre_mff)):
        if before is not None and after is not None:
            return pounds(after - before, signed=True)
    return DASH
