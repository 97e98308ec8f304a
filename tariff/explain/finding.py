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
from tariff.report import care
from tariff.report import rulebook as told
from tariff.report.text import (
    CLASS_MEANING,
    DASH,
    EFFECTS,
    RECORD,
    counted,
    month_name,
    pounds,
    record,
)
from tariff.report.write import FINDINGS, MANIFEST, SPELLS, StoredRun, read_run

LISTED = 200
FINDINGS_TOLD = 10


def finding_page(folder: Path, word: str) -> Page:
    """Give the page of a finding of the run in a folder."""
    run = _stored(folder)
    wanted = word.strip().lower()
    found = run.findings.filter(pc.equal(run.findings["finding_id"], wanted))
    if not found.num_rows:
        _tell_of_record(run, word.strip())
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
    page.facts(_standing(row))
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


def _tell_of_record(run: StoredRun, key: str) -> None:
    """Raise where a word names a record of the run instead: with the findings about it."""
    if ":" not in key:
        return
    rows = run.findings.select(["finding_id", "rule", "records", "partner"]).to_pylist()
    about = [row for row in rows if key in row["records"]]
    beside = [row for row in rows if key == row["partner"]]
    if about or beside:
        told = [f"{row['finding_id']} ({row['rule']})" for row in [*about, *beside][:FINDINGS_TOLD]]
        what = "asked about" if about else "compared with others"
        raise UsageError(
            f"'{key}' is a record that is {what}, and --run explains a finding",
            hint=f"its findings: {', '.join(told)}",
        )


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


def _standing(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Say which tier a finding is of, what becomes of its money, and what it shares with others."""
    facts = [
        ("Tier", row["tier"].replace("_", " ")),
        ("Money", EFFECTS.get(row["effect"], "")),
        ("Root cause", row["cause"]),
    ]
    return [(label, words) for label, words in facts if words]


def _records(page: Page, run: StoredRun, row: dict[str, Any]) -> None:
    page.heading("Records")
    keys = [str(key) for key in row["records"]]
    _grid(page, keys, _found(run, keys))
    if row["partner"]:
        there = _found(run, [row["partner"]])
        page.say(f"Compared with {_elsewhere(row['partner'])}{':' if there else '.'}")
        _grid(page, [], there)


def _grid(page: Page, keys: list[str], rows: list[dict[str, Any]]) -> None:
    """Show records in a table, those that are in no table of the run by their keys."""
    if rows:
        page.grid(
            ["Record", "From", "To", "HRG", "POD", ">Billed", ">Allowed in all"],
            [
                [
                    row["key"],
                    str(row["first"] or DASH),
                    str(row["last"] or DASH),
                    row.get("priced_hrg") or row.get("tariff_code") or row.get("hrg") or DASH,
                    row.get("point_of_delivery") or DASH,
                    pounds(row["billed_pence"]),
                    pounds(row["allowed_pence"]),
                ]
                for row in rows[:LISTED]
            ],
        )
    there = {row["key"] for row in rows}
    page.bullets([_elsewhere(key) for key in keys if key not in there])


def _elsewhere(key: str) -> str:
    """Name a record that no table of the run holds: of a register, of another file."""
    words = record(key, provider=True)
    return words if words == key else f"{words} ({key})"


def _found(run: StoredRun, keys: list[str]) -> list[dict[str, Any]]:
    """The records of some keys, by their first day."""
    rows: list[dict[str, Any]] = []
    for kind, table in care.tables(run).items():
        wanted = [key for key in keys if key.startswith(f"{RECORD[kind]}:")]
        if not wanted:
            continue
        held = care.keys_of(kind, table)
        there = pc.is_in(held, pa.array(wanted))
        for key, row in zip(
            held.filter(there).to_pylist(), table.filter(there).to_pylist(), strict=True
        ):
            first = row.get("admission_date") or row.get("start_date")
            last = row.get(care.KINDS[kind][1]) or row.get(care.KINDS[kind][2])
            rows.append({**row, "key": key, "first": first or last, "last": last})
    return sorted(rows, key=lambda row: (str(row["first"] or ""), row["key"]))


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
                [("Month billed", month_name(row["activity_month"]))]
                if row["activity_month"]
                else []
            ),
        ]
    )


def _value(pence: int | None) -> str:
    if pence is not None and pence < 0:
        return f"{pounds(pence)} (billed too low)"
    return pounds(pence)
