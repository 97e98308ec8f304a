"""The page of a finding of a run: rule, records, evidence, working, what the provider may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tariff import schemas
from tariff.errors import DataError, UsageError
from tariff.explain.lookup import near
from tariff.explain.page import Page
from tariff.report import rulebook as told
from tariff.report.text import CLASS_MEANING, DASH, counted, long_date, pounds
from tariff.report.write import FINDINGS, MANIFEST, SPELLS, StoredRun, read_run

LISTED = 200


def finding_page(folder: Path, word: str) -> Page:
    """Give the page of a finding of the run in a folder."""
    run = _stored(folder)
    wanted = word.strip().lower()
    found = run.findings.filter(pc.equal(run.findings["finding_id"], wanted))
    if not found.num_rows:
        names = run.findings["finding_id"].to_pylist()
        raise UsageError(
            f"the run has no finding '{word}'",
            hint=near(
                wanted, names, f"{folder / 'findings.csv'} lists {counted(len(names), 'finding')}"
            ),
        )
    row: dict[str, Any] = found.slice(0, 1).to_pylist()[0]
    rule: dict[str, Any] = next(
        (r for r in run.manifest.get("rules", []) if r.get("id") == row["rule"]), {}
    )
    page = Page(f"Finding {row['finding_id']}: {row['rule']} {row['title']}")
    page.say(
        f"{row['class']}, level {row['level']}, step {row['step']}, remedy "
        f"{row['remedy'].replace('_', ' ')}, version {row['rule_version']}"
    )
    page.say(CLASS_MEANING.get(row["class"], ""))
    for title, key in (("What it does", "what"), ("Why", "why"), ("What is asked", "ask")):
        page.heading(title)
        page.say(str(rule.get(key) or DASH))
    _records(page, run, row)
    page.heading("Evidence")
    facts = told.evidence(row["evidence"])
    if facts:
        page.facts(facts)
    else:
        page.say("None beside the records.")
    _money(page, row)
    page.heading("Legitimate reasons")
    page.bullets([str(reason) for reason in rule.get("legitimate_reasons", [])] or [DASH])
    page.heading("Sources")
    page.bullets([str(source) for source in rule.get("sources", [])] or [DASH])
    return page


def _stored(folder: Path) -> StoredRun:
    """Read a run; one that was written with `--only findings` has no table of spells."""
    wanted = (folder / FINDINGS, folder / MANIFEST)
    if (folder / SPELLS).exists() or not all(path.exists() for path in wanted):
        return read_run(folder)
    try:
        manifest = json.loads(wanted[1].read_text(encoding="utf-8"))
        findings = pq.read_table(wanted[0]).select(schemas.FINDINGS.names).cast(schemas.FINDINGS)
    except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DataError(
            f"{folder} cannot be read as a run",
            hint="Run the check again: the files were changed, or another version wrote them.",
        ) from error
    empty = schemas.SPELLS.empty_table(), schemas.REJECTS.empty_table()
    return StoredRun(empty[0], findings, empty[1], manifest)


def _records(page: Page, run: StoredRun, row: dict[str, Any]) -> None:
    page.heading("Records")
    keys = [str(key) for key in row["records"]]
    spells = _spells(run.spells, keys)
    if not spells:
        page.bullets(keys)
        return
    spells.sort(key=lambda s: (str(s["admission_date"] or ""), s["provider"], s["spell_id"]))
    page.grid(
        ["Record", "Admitted", "Discharged", "HRG", "POD", ">Billed", ">Allowed in all"],
        [
            [
                f"spell:{s['provider']}:{s['spell_id']}",
                str(s["admission_date"] or DASH),
                str(s["discharge_date"] or DASH),
                s["priced_hrg"] or DASH,
                s["point_of_delivery"] or DASH,
                pounds(s["billed_pence"]),
                pounds(s["allowed_pence"]),
            ]
            for s in spells[:LISTED]
        ],
    )


def _spells(table: pa.Table, keys: list[str]) -> list[dict[str, Any]]:
    key = pc.binary_join_element_wise("spell", table["provider"], table["spell_id"], ":")
    rows: list[dict[str, Any]] = table.filter(pc.is_in(key, pa.array(keys))).to_pylist()
    return rows


def _money(page: Page, row: dict[str, Any]) -> None:
    page.heading("Working")
    steps = told.working(row["working"])
    if steps:
        page.grid(
            ["*Step", ">Figure", "*Note"],
            [[label, "" if pence is None else pounds(pence), note] for label, pence, note in steps],
        )
    page.facts(
        [
            ("Billed", pounds(row["billed_pence"])),
            ("Allowed", pounds(row["allowed_pence"])),
            ("Value", _value(row["value_pence"])),
            ("Settled", f"{_value(row['settled_pence'])} of it, each pound challenged once"),
            *(
                [("Cash", f"{pounds(row['cash_pence'])} under the contract")]
                if row["cash_pence"] is not None
                else []
            ),
            ("Rests on", f"{row['provenance']} figures"),
            *([("Note", row["note"])] if row["note"] else []),
            *(
                [("Month billed", long_date(row["activity_month"]))]
                if row["activity_month"]
                else []
            ),
        ]
    )


def _value(pence: int | None) -> str:
    if pence is not None and pence < 0:
        return f"{pounds(pence)} (billed too low)"
    return pounds(pence)
