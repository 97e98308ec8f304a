"""The part of a spell's page that tells its price, what was billed, and what was found."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tariff.explain.page import Page
from tariff.explain.trace import Trace
from tariff.explain.words import decimal
from tariff.report.text import DASH, PRICE_REASON, counted, pounds


def tell(page: Page, trace: Trace) -> None:
    """Add the price step by step, the billed figures beside it, and the findings."""
    _price(page, trace)
    _billed(page, trace)
    _findings(page, trace)


def _price(page: Page, trace: Trace) -> None:
    story, spell = trace.repriced, trace.spell
    page.heading("Price: days and point of delivery")
    page.grid(["Days", ">Figure", "*How"], story.days)
    page.grid(
        ["Group", "Title", "*Outcome"],
        story.groups,
        next((i for i, group in enumerate(story.groups) if group[2] == "yes"), None),
    )
    if story.short_stay_tests and story.group and story.group.price == "non_elective":
        page.heading("Price: reduced short stay, test by test")
        page.grid(["Test", "Value", "*Outcome"], story.short_stay_tests)
    page.heading("Price: step by step")
    page.facts(
        [
            ("Tariff year", _year(trace)),
            ("HRG priced", f"{trace.label(spell['priced_hrg'])} ({_which(trace)})"),
        ]
    )
    if story.steps:
        page.grid(["Step", ">Figure", "*Source"], story.steps)
    else:
        page.say("No price.")
    reasons = (spell["price_reasons"] or "").split()
    page.bullets([f"{name}: {PRICE_REASON.get(name, '')}" for name in reasons])
    if story.pre_mff is not None:
        page.say(
            f"The price is {'complete' if spell['complete'] else 'not complete'}: "
            f"{pounds(spell['total_pence'])}"
            + (f", {pounds(spell['pre_mff_pence'])} before MFF." if spell["total_pence"] else ".")
        )


def _year(trace: Trace) -> str:
    year = trace.spell["tariff_year"]
    if year is None:
        return "not known"
    if trace.spell["discharge_date"] is None:
        return f"{year}, given with --year"
    return f"{year}, of the discharge on {trace.spell['discharge_date'].isoformat()}"


def _which(trace: Trace) -> str:
    spell = trace.spell
    if spell["priced_hrg"] is None:
        return "nothing billed and nothing grouped"
    if trace.options.price_at == "billed" and spell["billed_hrg"] is not None:
        return "as billed"
    return "as grouped"


# ---------------------------------------------------------------- billed beside priced


def _billed(page: Page, trace: Trace) -> None:
    spell = trace.spell
    page.heading("Billed beside priced")
    if all(spell[name] is None for name in ("billed_hrg", "billed_pence", "billed_price_pence")):
        page.say("Nothing was billed in this extract.")
        return
    rows = [
        ("HRG", spell["billed_hrg"] or DASH, spell["hrg"] or DASH, _same(spell)),
        (
            "Point of delivery",
            spell["billed_point_of_delivery"] or DASH,
            spell["point_of_delivery"] or DASH,
            "",
        ),
        _money("Price before MFF", spell["billed_price_pence"], spell["pre_mff_pence"]),
        (
            "Market forces factor",
            DASH if spell["billed_mff"] is None else decimal(spell["billed_mff"]),
            DASH if spell["mff"] is None else decimal(spell["mff"]),
            "",
        ),
        (
            "Excess days",
            _count(spell["billed_excess_days"]),
            _count(spell["excess_days"]),
            "",
        ),
        _money("Total", spell["billed_total_pence"], spell["total_pence"]),
    ]
    page.grid(["", ">Billed", ">Engine", ">Billed less engine"], rows)
    counts = spell["billed_pence"]
    page.say(
        f"What counts as billed: {pounds(counts)}. Allowed after the findings: "
        f"{pounds(spell['allowed_pence'])}."
    )
    if spell["duplicate_rows"]:
        page.say(
            f"Beside it {counted(spell['duplicate_rows'], 'exact copy', 'exact copies')} of its "
            "rows, set aside; what is billed again there is not in these figures."
        )


def _money(label: str, billed: int | None, engine: int | None) -> tuple[str, str, str, str]:
    difference = "" if billed is None or engine is None else pounds(billed - engine, signed=True)
    return label, pounds(billed), pounds(engine), difference


def _count(value: int | None) -> str:
    return DASH if value is None else f"{value:,}"


def _same(spell: dict[str, Any]) -> str:
    if spell["billed_hrg"] is None or spell["hrg"] is None:
        return ""
    return "the same" if spell["billed_hrg"] == spell["hrg"] else "another HRG"


# ---------------------------------------------------------------- findings


def findings_of(findings: pa.Table, key: str) -> list[dict[str, Any]]:
    """Give the findings that name a record."""
    flat = pc.list_flatten(findings["records"])
    parents = pc.list_parent_indices(findings["records"])
    named = pc.unique(parents.filter(pc.equal(flat, key)))
    rows: list[dict[str, Any]] = findings.take(named).to_pylist()
    return rows


def _findings(page: Page, trace: Trace) -> None:
    page.heading("Findings")
    found = findings_of(trace.run.findings, trace.key)
    if found:
        page.grid(
            ["Finding", "Rule", "*Title", "With", ">Value", ">Settled"],
            [
                [
                    row["finding_id"],
                    row["rule"],
                    row["title"],
                    counted(len(row["records"]) - 1, "other") if len(row["records"]) > 1 else "",
                    pounds(row["value_pence"]),
                    pounds(row["settled_pence"]),
                ]
                for row in found
            ],
        )
    else:
        page.say("None on this spell.")
    rules = trace.run.manifest.get("rules", [])
    ran = sum(bool(rule["ran"]) for rule in rules)
    page.say(f"{ran:,} of {counted(len(rules), 'signature')} ran.")
    page.bullets(
        [f"{rule['id']} did not run: {rule['not_run']}" for rule in rules if not rule["ran"]]
    )
