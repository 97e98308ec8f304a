"""What one code fewer would have given: the spell without each code, put through the engine."""

from __future__ import annotations

from dataclasses import dataclass

from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.engine.tables import spells_table
from tariff.explain import agree
from tariff.explain.page import Page
from tariff.explain.rows import Row, batch_of, family_of, without
from tariff.explain.trace import Trace
from tariff.report.text import DASH, counted, pounds

FAMILIES = (("diagnosis", "diag_", True), ("procedure", "oper_", False))


@dataclass(frozen=True)
class Outcome:
    """A grouping and a price at it. `code` is the one taken away, empty for the spell as it is."""

    what: str
    code: str
    hrg: str | None
    how: str  # grouping flag, error category, or reason
    pre_mff: int | None
    total: int | None
    complete: bool


def one_code_fewer(trace: Trace) -> list[Outcome]:
    """Give the spell as it is, then without each of its codes, priced at the HRG grouped."""
    variants: list[tuple[str, str, list[Row]]] = [("", "", trace.rows)]
    for what, prefix, keep_first in FAMILIES:
        seen: dict[str, None] = {}
        for row in trace.rows:
            for position, code in family_of(row, prefix):
                if not (keep_first and position == 1):
                    seen[code] = None
        for code in seen:
            rows = [without(row, prefix, code, keep_first=keep_first) for row in trace.rows]
            variants.append((what, code, rows))
    numbered = [
        row | {"spell_id": f"{number:06}"}
        for number, (_, _, rows) in enumerate(variants)
        for row in rows
    ]
    frame = read_frame([batch_of(numbered, trace.fields)], trace.fields)
    stages = Stages(trace.options.year, trace.options.mff, "grouped")
    spells = spells_table(run_stages(trace.columns.rulebook, frame, stages).columns).to_pylist()
    outcomes = [
        Outcome(
            what,
            code,
            spell["hrg"],
            spell["error_category"] or spell["group_reason"] or f"flag {spell['grouping_flag']}",
            spell["pre_mff_pence"],
            spell["total_pence"],
            spell["complete"],
        )
        for (what, code, _), spell in zip(variants, spells, strict=True)
    ]
    agree.same("the spell grouped by itself", outcomes[0].hrg, trace.spell["hrg"])
    return outcomes


# ---------------------------------------------------------------- one code fewer


def tell(page: Page, trace: Trace) -> None:
    """Add what each code, taken away by itself, would change."""
    page.heading("One code fewer")
    as_is, *others = one_code_fewer(trace)
    if not others:
        page.say("There is no code to take away beside the primary diagnosis.")
        return
    changed = [o for o in others if (o.hrg, o.pre_mff, o.total) != _figures(as_is)]
    page.say(
        f"As it stands: {as_is.hrg or 'no HRG'} ({_how(as_is)}), {_price(as_is)}. Each code is "
        "taken away by itself from every episode (the primary diagnosis stays), and the rest is "
        "grouped and priced at the HRG grouped."
    )
    if changed:
        page.grid(
            ["Without", "As", "HRG", "How", ">Before MFF", ">Total", ">Change"],
            [
                [
                    other.code,
                    other.what,
                    other.hrg or "none",
                    _how(other),
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


def _how(outcome: Outcome) -> str:
    return outcome.how.replace("_", " ")


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
