"""The part of a spell's page that tells what drives, and the root that it leads to."""

from __future__ import annotations

from tariff.explain.counts import Counted, total
from tariff.explain.drivers import Candidate, is_driver, service_name, standing
from tariff.explain.injured import Injured
from tariff.explain.page import Page
from tariff.explain.redirects import asks
from tariff.explain.regroup import Regrouped
from tariff.explain.trace import Trace
from tariff.reference.group import (
    CC_LIST_NOT_HELD,
    DIAGNOSIS,
    DIAGNOSIS_NOT_MAPPED,
    NO_DIAGNOSES,
    NO_SPLIT,
    PROCEDURE,
    ROOT_NOT_IN_DESIGN,
    SERVICE,
    TRAUMA,
)
from tariff.report.text import DASH, counted, sentence_list

REASONS = {
    DIAGNOSIS_NOT_MAPPED: "no row of the root table has the primary diagnosis",
    ROOT_NOT_IN_DESIGN: "the year's design does not hold the root",
    CC_LIST_NOT_HELD: "the root is split by CC score, and the list of its subchapter is not held",
    NO_SPLIT: "no row of the root holds",
    NO_DIAGNOSES: "the extract carries no diagnoses",
}


# ---------------------------------------------------------------- multiple trauma and burns


def tell_injury(page: Page, trace: Trace, injured: Injured) -> None:
    """Add an injury that was found before anything else could drive."""
    found = injured.found
    trauma = found.flag == TRAUMA
    page.heading("Multiple trauma" if trauma else "Burn")
    first = trace.rows[found.place].get("diag_01")
    where = f"{found.code} of episode {found.place + 1}"
    if trauma:
        page.say(
            f"The primary diagnosis {where} is an injury, and another site is injured beside it: "
            f"multiple trauma, flag {found.flag}. It is looked for before anything else drives."
        )
    else:
        page.say(
            f"{where} is a deep burn, flag {found.flag} (primary diagnosis {first}). Burns are "
            "looked for before anything else drives, multiple trauma aside."
        )
    tell_counted(page, injured.diagnoses, "Score")
    page.say(f"Diagnosis score {total(injured.diagnoses)}, each code once.")
    tell_counted(page, injured.procedures, "Score")
    page.say(f"Procedure score {total(injured.procedures)}, each code once.")
    roots = sentence_list(list(found.roots))
    page.say(
        f"The scores are those of {trace.grouper.manifest.injuries}; the rows of {roots} are tried "
        "in that order by them. Complications do not count."
    )


def tell_counted(page: Page, lines: list[Counted], title: str) -> None:
    """Add what each code scores or counts."""
    if lines:
        page.grid(
            ["Episode", "Code", f">{title}", "*Why"],
            [[str(line.episode), line.code, str(line.count), line.why] for line in lines],
        )


# ---------------------------------------------------------------- what drives


def tell_driver(page: Page, trace: Trace, story: Regrouped) -> None:
    """Add every code that could drive and what came of it."""
    driver = story.driver
    assert driver is not None
    page.heading("What drives")
    if story.uninjured:
        page.say(f"Looked for first, not found: {'; '.join(story.uninjured)}.")
    page.grid(
        ["Episode", "Code", "As", "Row", "Root/child", ">Rank", "*What came of it"],
        [
            [
                str(c.episode),
                c.code,
                _stands_as(c),
                c.prefix or DASH,
                "/".join(filter(None, (c.row.root, c.row.root_child))) or DASH if c.row else DASH,
                str(c.row.rank) if c.row else DASH,
                standing(c, driver),
            ]
            for c in story.candidates
        ],
        next(i for i, c in enumerate(story.candidates) if is_driver(c, driver)),
    )
    if story.no_service:
        page.say(f"It is no day of one service: {story.no_service}.")
    if driver.row is None:
        page.say(
            f"No procedure drives, and {driver.code} leads to no root. It stays the dominant code, "
            f"flag {driver.flag}."
        )
        return
    what = _stands_as(driver) if driver.flag == DIAGNOSIS else "procedure"
    page.say(
        f"The {what} {driver.code} of episode {driver.episode} drives, flag {driver.flag}; the "
        f"primary diagnosis of the spell is that of this episode, "
        f"{trace.spell['primary_diagnosis'] or DASH}."
    )
    doubt = _doubt(trace, story) if driver.flag != SERVICE else ""
    if doubt:
        page.say(f"The row of {driver.prefix} is in doubt: {doubt}.")


def _stands_as(one: Candidate) -> str:
    if one.flag == PROCEDURE:
        return f"procedure {one.position}"
    return "primary diagnosis" if one.position == 1 else "asterisk code of the primary"


def _doubt(trace: Trace, story: Regrouped) -> str:
    assert story.driver is not None
    grouper = trace.grouper
    of_procedure = story.driver.flag == PROCEDURE
    table = grouper.procedure_table if of_procedure else grouper.diagnosis_table
    row = table["code"].index(story.driver.prefix)
    return noted(table["note"][row]) if table["doubt"][row] else ""


def noted(note: str) -> str:
    """Give the note of a row in doubt."""
    return note.rstrip(".") or "no reason is given"


# ---------------------------------------------------------------- the root


def tell_root(page: Page, trace: Trace, story: Regrouped) -> None:
    """Add the root that the driver leads to, and each redirect that moved it."""
    driver = story.driver
    assert driver is not None
    page.heading("Root")
    if driver.row is None:
        page.say(f"No HRG: {REASONS[DIAGNOSIS_NOT_MAPPED]} ({driver.code}).")
        return
    words = f"{driver.code} leads to {story.led}"
    if driver.flag == SERVICE:
        words = f"A day of nothing but {service_name(driver.service)} leads to {story.led}"
    if driver.row.root_child:
        limit = trace.tables.child_max_age
        age = "unknown" if story.age is None else f"{story.age}"
        used = "so the root of children" if story.child else "so the root of adults"
        words += f" (age {age}, children are up to {limit}: {used})"
    names = trace.grouper.manifest
    page.say(f"{words}, {names.services if driver.flag == SERVICE else names.roots}.")
    _moves(page, trace, story)
    if story.reason in (ROOT_NOT_IN_DESIGN, CC_LIST_NOT_HELD):
        page.say(f"No HRG: {REASONS[story.reason]}.")


def _moves(page: Page, trace: Trace, story: Regrouped) -> None:
    rows = trace.grouper.redirects
    lines: list[str | tuple[int, str]] = []
    for move in story.moves:
        row = rows[move.place]
        lines.append(f"redirect {move.place + 1:,} moves {move.start} to {move.to}:")
        lines += [(1, condition) for condition in asks(row, move.met) or ["always"]]
        if row["doubt"]:
            lines.append((1, f"in doubt: {noted(row['note'])}"))
        elif row["note"]:
            lines.append((1, f"note: {row['note'].rstrip('.')}"))
    if lines:
        page.bullets(lines)
    last = max((move.place for move in story.moves), default=-1)
    left = [row for row in rows[last + 1 :] if row["root"] == story.root]
    if left and story.driver is not None and story.driver.flag != SERVICE:
        verb = "holds" if len(left) == 1 else "hold"
        other = "other redirect" if story.moves else "redirect"
        page.say(f"{counted(len(left), other)} from {story.root}: not one of them {verb}.")
