"""The page of a spell: every step from its rows to its price, as on paper."""

from __future__ import annotations

from tariff.engine.policies import Policies
from tariff.engine.run import Options, Run
from tariff.explain import grouped, priced, readmitted
from tariff.explain.driven import REASONS
from tariff.explain.page import Page
from tariff.explain.trace import Books, Trace, trace
from tariff.report.text import DASH, counted, point_of_delivery, pounds


def spell_page(
    run: Run,
    options: Options,
    word: str,
    books: Books | None = None,
    policies: Policies | None = None,
) -> Page:
    """Give the page of a spell of a run that has kept its episodes.

    `word` is `spell:PROVIDER:NUMBER`, `PROVIDER:NUMBER` or the number alone. `books` serve where
    several pages are made; `policies` tell whether the spell is a readmission.
    """
    told = trace(run, options, word, books)
    spell = told.spell
    name = told.columns.rulebook.mff.names.get(spell["provider"], "")
    page = Page(f"Spell {spell['spell_id']} at {spell['provider']} {name}".rstrip())
    page.facts(_summary(told))
    _episodes(page, told)
    grouped.tell(page, told)
    priced.tell(page, told)
    readmitted.tell(page, told, policies)
    _packs(page, told)
    return page


def _summary(told: Trace) -> list[tuple[str, str]]:
    spell = told.spell
    admitted, discharged = spell["admission_date"], spell["discharge_date"]
    error = f", error category {spell['error_category']}" if spell["error_category"] else ""
    hrg = told.label(spell["hrg"])
    if spell["hrg"] is None:
        hrg = f"none: {REASONS.get(spell['group_reason'], spell['group_reason'])}"
    total = pounds(spell["total_pence"])
    if spell["total_pence"] is None and spell["pre_mff_pence"] is not None:
        total = f"{pounds(spell['pre_mff_pence'])} before MFF, no factor"
    incomplete = "" if spell["complete"] else " (incomplete)"
    return [
        (
            "Admitted",
            f"{admitted or DASH}, method {spell['admission_method'] or DASH}, "
            f"source {spell['admission_source'] or DASH}, "
            f"classification {spell['patient_classification'] or DASH}",
        ),
        (
            "Discharged",
            f"{discharged or DASH}, method {spell['discharge_method'] or DASH}, "
            f"destination {spell['discharge_destination'] or DASH}",
        ),
        ("Age", DASH if spell["age"] is None else str(spell["age"])),
        ("HRG", f"{hrg}{error}"),
        ("Point of delivery", point_of_delivery(spell["point_of_delivery"])),
        ("Price", f"{total}{incomplete}"),
        ("Billed", pounds(spell["billed_pence"])),
    ]


def _episodes(page: Page, told: Trace) -> None:
    page.heading("Episodes")
    page.grid(
        ["Episode", "Specialty", "From", "To", "*Diagnoses", "*Procedures", "HRG by itself"],
        [
            [
                f"{number}{' *' if episode['dominant'] else ''}",
                episode["treatment_function"] or DASH,
                str(row.get("episode_start_date") or DASH),
                str(row.get("episode_end_date") or DASH),
                " ".join(episode["diagnoses"]) or DASH,
                " ".join(episode["procedures"]) or DASH,
                episode["hrg"] or DASH,
            ]
            for number, (episode, row) in enumerate(zip(told.episodes, told.rows, strict=True), 1)
        ],
    )
    if any(episode["dominant"] for episode in told.episodes) and len(told.episodes) > 1:
        page.say("* the episode that holds the code that drives")
    copies = told.spell["duplicate_rows"]
    if copies:
        page.say(
            f"{counted(copies, 'exact copy', 'exact copies')} of these rows set aside before "
            "grouping."
        )


def _packs(page: Page, told: Trace) -> None:
    spell = told.spell
    page.heading("Where this comes from")
    used = [
        pack
        for pack in told.run.manifest["packs"]
        if pack["id"] == spell["tariff"] or pack["kind"] in ("mff", "points_of_delivery")
    ]
    page.bullets(
        [
            f"grouping: {told.grouper.provenance} ({spell['grouper']})",
            *(
                f"{pack['kind'].replace('_', ' ')}: {pack['provenance']} "
                f"({pack['id']} {pack['version']})"
                for pack in used
            ),
        ]
    )
