"""A realistic run without an engine: spells, findings over six rules, rejects and a manifest.

Everything adds up as in a real run: billed less settled is allowed, spell by spell and in total.
`hostile=True` puts formulas, markup and quotes wherever an extract or a pack could.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tariff import schemas

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "@SUM(A1:A9)",
    "+44 'quoted'",
    "-1+1",
    "\t=1+1",
    "{{ 7*7 }}",
]

PRICES = {  # HRG: (label for evidence, combined elective, non-elective, per day)
    "DZ11N": (0, 152_300, 25_900),
    "DZ65H": (0, 189_100, 24_700),
    "EB10D": (0, 120_400, 22_600),
    "FF05Z": (181_200, 402_500, 29_300),
    "HN22E": (612_400, 688_000, 31_200),
    "LA04Q": (0, 201_700, 23_800),
    "PD14F": (0, 98_300, 27_500),
    "WH07G": (74_100, 131_800, 22_100),
}
STEPS = [
    "identity",
    "duplicate",
    "spell structure",
    "not payable",
    "setting",
    "HRG",
    "days and units",
    "arithmetic",
    "contract",
    "statistical",
]
RULES: list[dict[str, Any]] = [
    {
        "id": "DUP02",
        "name": "duplicate-spell-new-id",
        "title": "The same stay billed under two spell numbers",
        "class": "deterministic",
        "level": "high",
        "step": "duplicate",
        "remedy": "keep_one",
        "what": "Two spells of one patient at one provider carry the same admission date, "
        "discharge date and primary diagnosis.",
        "why": "A stay is one spell and is paid once.",
        "ask": "Please evidence that the patient was admitted twice, or withdraw one spell.",
        "legitimate_reasons": [
            "A day case in the morning and an unrelated admission that evening."
        ],
        "sources": ["NHS Data Model and Dictionary: hospital provider spell"],
    },
    {
        "id": "SPL03",
        "name": "split-spell-contiguous",
        "title": "One stay billed as two spells",
        "class": "presumptive",
        "level": "high",
        "step": "spell structure",
        "remedy": "merge_and_regroup",
        "what": "The patient was discharged and admitted again to the same hospital within a day.",
        "why": "One continuous stay is one spell and one price.",
        "ask": "Show that the two admissions were separate, or bill them as one spell.",
        "legitimate_reasons": [
            "Discharged home and readmitted for an unrelated reason.",
            "A planned return for a procedure that was booked before the discharge.",
        ],
        "sources": [
            "Payment by Results guidance 2013-14, section on spells",
            "NHS Data Model and Dictionary: hospital provider spell",
        ],
        "params": {"max_gap_days": 1},
    },
    {
        "id": "HRG17",
        "name": "ungrouped-charged",
        "title": "A charge for activity that could not be grouped",
        "class": "deterministic",
        "level": "high",
        "step": "not payable",
        "remedy": "not_payable",
        "what": "The record groups to UZ01Z and carries a charge.",
        "why": "UZ01Z has no national price until the record is coded.",
        "ask": "Please complete the coding and bill the HRG that results.",
        "legitimate_reasons": ["The record was coded after the date of this extract."],
        "sources": ["2022/23 National Tariff Payment System, annex A"],
    },
    {
        "id": "LOS01",
        "name": "excess-days-recalc",
        "title": "Excess bed days differ from stay less trim point",
        "class": "deterministic",
        "level": "high",
        "step": "days and units",
        "remedy": "cap_units",
        "what": "The excess bed days billed are not those that the dates and the trim point give.",
        "why": "Days above the trim point are paid once each, after critical care and "
        "rehabilitation days are taken off.",
        "ask": "Please evidence the days billed, or correct them.",
        "legitimate_reasons": ["Days taken off by agreement that the extract does not show."],
        "sources": ["2022/23 National Tariff Payment System, section 4.1"],
    },
    {
        "id": "EMR07",
        "name": "short-stay-adjustment-missed",
        "title": "Reduced short stay price not applied",
        "class": "deterministic",
        "level": "high",
        "step": "arithmetic",
        "remedy": "reprice",
        "what": "An eligible emergency stay of less than two days is charged at the full price.",
        "why": "The HRG is flagged for the reduced short stay emergency price.",
        "ask": "Please show why the reduced price does not apply, or credit the difference.",
        "legitimate_reasons": ["The patient was under 19.", "The days were recorded wrongly."],
        "sources": ["2022/23 National Tariff Payment System, section 4.2"],
    },
    {
        "id": "HRG01",
        "name": "regroup-mismatch",
        "title": "Billed HRG differs from the one the codes give",
        "class": "presumptive",
        "level": "medium",
        "step": "HRG",
        "remedy": "query",
        "what": "Grouping the submitted codes again gives another HRG than the one billed.",
        "why": "The HRG follows from the codes submitted.",
        "ask": "Please confirm the codes from which the billed HRG was derived.",
        "legitimate_reasons": ["The grouping here is reconstructed, not the national grouper's."],
        "sources": ["HRG4+ 2022/23 Local Payment Grouper code to group"],
    },
]
OTHER_RULES: list[dict[str, Any]] = [
    {"id": "DUP01", "title": "The same record twice", "class": "deterministic", "ran": True},
    {"id": "LOS09", "title": "Excess days on a day case", "class": "deterministic", "ran": True},
    {
        "id": "PRC05",
        "title": "Market forces factor of another year",
        "class": "deterministic",
        "ran": False,
        "not_run": "needs billed_mff, which the extract does not have",
    },
    {
        "id": "EMR02",
        "title": "Very short emergency admission",
        "class": "presumptive",
        "ran": False,
        "not_run": "needs admission_time and discharge_time",
    },
]


@dataclass
class FakeRun:
    """What `tariff.engine.run.Run` has, as far as a report asks."""

    spells: pa.Table
    findings: pa.Table
    rejects: pa.Table
    manifest: dict[str, Any]
    episodes: pa.Table | None = field(default=None)
    others: dict[str, pa.Table] = field(default_factory=dict)


def fake_run(
    spells: int = 200,
    findings: int = 48,
    *,
    seed: int = 7,
    hostile: bool = False,
    dates: bool = True,
    prices: bool = True,
    rejects: int = 9,
) -> FakeRun:
    """A run of so many spells and findings."""
    rng = random.Random(seed)
    rows = [_spell(rng, index, dates, prices) for index in range(spells)]
    rows.sort(key=lambda row: (row["provider"], row["spell_id"]))
    if hostile:
        for row, nasty in zip(rows[::3], HOSTILE * 3, strict=False):
            row["site"] = nasty
            row["spell_id"] += nasty
            row["billed_hrg"] = nasty
            row["hrg_provenance"] = nasty
            row["point_of_delivery"] = nasty
            row["error_category"] = nasty
            row["price_reasons"] = nasty
    asked = _findings(rng, rows, findings if prices else 0, hostile)
    for row in rows:
        row["allowed_pence"] = row["billed_pence"] - row.pop("_settled")
    bad = [_reject(rng, index, hostile) for index in range(rejects)]
    spell_table = pa.Table.from_pylist(rows, schemas.SPELLS)
    finding_table = pa.Table.from_pylist(asked, schemas.FINDINGS)
    reject_table = pa.Table.from_pylist(bad, schemas.REJECTS)
    manifest = _manifest(rows, asked, bad, hostile, dates=dates, prices=prices)
    return FakeRun(spell_table, finding_table, reject_table, manifest)


CARE_DAY = date(2022, 6, 14)


def care_run() -> FakeRun:
    """`fake_run` with other care beside the spells: a finding on each kind, two comparisons."""
    run = fake_run()
    others = {
        "attendances": _others("attendance_id", "attendance_date", 3, 7_500),
        "emergency": _others("attendance_id", "arrival_date", 2, 13_700),
        "critical_care": _others("period_id", "end_date", 1, 0),
        "lines": _others("line_id", "end_date", 2, 26_000, "DRUG"),
    }
    template = run.findings.slice(0, 1).to_pylist()[0]
    found = [
        _on_care(template, "COM02", "emergency:RXQ:arrival_date1", "system_neutral", 13_700),
        _on_care(template, "OPA01", "attendance:RXQ:attendance_date1", "cash", 7_500),
        _on_care(template, "REC01", "line:RXQ:end_date1", "suspended", 26_000),
    ]
    found[0]["partner"] = "registrations:26"
    found[0]["evidence"] = json.dumps([["Compared with", "registrations:26"]])
    run.findings = pa.concat_tables(
        [run.findings, pa.Table.from_pylist(found, schema=schemas.FINDINGS)]
    )
    run.others = others
    settled = sum(row["settled_pence"] for row in found)
    billed = {kind: sum(table["billed_pence"].to_pylist()) for kind, table in others.items()}
    money = run.manifest["money"]
    run.manifest["kinds"] = {
        kind: {"records": count, "billed": pence, "billed_in_copies": 0}
        for kind, count, pence in [
            ("spells", run.spells.num_rows, money["billed"]),
            *((kind, table.num_rows, billed[kind]) for kind, table in others.items()),
        ]
    }
    money["billed"] += sum(billed.values())
    money["allowed"] = money["billed"] - money["settled"] - settled
    for key in ("settled", "settled_over"):
        money[key] += settled
    sure = money["by_class"]["deterministic"]
    sure["findings"] += len(found)
    for key in ("value", "settled"):
        sure[key] += settled
    step = next(step for step in money["by_step"] if step["step"] == "identity")
    step["findings"] += len(found)
    step["settled"] += settled
    run.manifest["reconcile"] = [
        {"against": "national", "kind": "spells", "here": 4_171, "there": 4_140, "matched": 4_131,
         "rate": 0.9904, "only_here": 40, "only_there": 9},
        {"against": "earlier", "kind": "lines", "here": 9_001, "there": 9_000, "matched": 9_000,
         "rate": 0.9999, "only_here": 1, "only_there": 0},
    ]  # fmt: skip
    run.manifest["rules"][0]["note"] = "not run on lines: needs treatment_function of lines"
    return run


def _others(key: str, day: str, count: int, pence: int, group: str | None = None) -> pa.Table:
    return pa.table(
        {
            "provider": pa.array(["RXQ"] * count),
            key: pa.array([f"{day}{number}" for number in range(count)]),
            day: pa.array([CARE_DAY] * count, pa.date32()),
            "point_of_delivery": pa.array([group] * count, pa.string()),
            "activity_month": pa.array([None] * count, pa.string()),
            "billed_pence": pa.array([pence] * count, pa.int64()),
            "allowed_pence": pa.array([pence] * count, pa.int64()),
        }
    )


def _on_care(
    template: dict[str, Any], rule: str, key: str, effect: str, pence: int
) -> dict[str, Any]:
    return {
        **template,
        "finding_id": hashlib.sha256(key.encode()).hexdigest()[:16],
        "rule": rule,
        "title": f"Title of {rule}",
        "class": "deterministic",
        "step": "identity",
        "tier": "left_the_list" if rule == "COM02" else "",
        "provider": "RXQ",
        "activity_month": None,
        "point_of_delivery": "DRUG" if key.startswith("line") else None,
        "records": [key],
        "spell_ids": [],
        "effect": effect,
        "billed_pence": pence,
        "allowed_pence": 0,
        "value_pence": pence,
        "settled_pence": pence,
        "note": "",
    }


def empty_run() -> FakeRun:
    """A run that read nothing at all."""
    run = fake_run(0, 0, rejects=0, dates=False, prices=False)
    run.manifest["packs"] = []
    run.manifest["rules"] = []
    run.manifest["inputs"] = []
    return run


def _spell(rng: random.Random, index: int, dates: bool, prices: bool) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(schemas.SPELLS.names)
    hrg = rng.choice(sorted(PRICES))
    elective, emergency, per_day = PRICES[hrg]
    pod = rng.choice(["DC", "EL"]) if elective and rng.random() < 0.5 else ""
    stay = 0 if pod == "DC" else min(60, int(rng.expovariate(0.16)))
    pod = pod or ("NELST" if stay < 2 else "NEL")
    provider, mff = rng.choice([("RXQ", "1.041200000")] * 3 + [("RY4", "1.098700000")])
    discharged = date(2022, 4, 1) + timedelta(days=rng.randrange(365))
    excess = max(0, stay - 21)
    in_error = rng.random() < 0.03
    base = elective if pod in ("DC", "EL") else emergency
    short = -(base * 30 // 100) if pod == "NELST" and hrg in ("EB10D", "PD14F") else 0
    pre_mff = base + short + excess * per_day
    total = int((Decimal(pre_mff) * Decimal(mff)).quantize(Decimal(1)))
    complete = prices and not in_error and rng.random() > 0.04
    row.update(
        provider=provider,
        spell_id=f"{rng.randrange(10**6, 10**7)}{index:06d}",
        patient_id=f"PSEUDO{rng.randrange(10**9):09d}",
        site=f"{provider}{rng.randrange(1, 4):02d}",
        commissioner="15N",
        episodes=1 + int(rng.random() < 0.2),
        duplicate_rows=0,
        age=rng.randrange(1, 96),
        sex=rng.choice("12"),
        admission_date=discharged - timedelta(days=stay) if dates else None,
        discharge_date=discharged if dates else None,
        admission_method="11" if pod in ("DC", "EL") else "21",
        patient_classification="2" if pod == "DC" else "1",
        treatment_function=rng.choice(["300", "100", "420", "180"]),
        activity_month=discharged.strftime("%Y-%m") if dates else None,
        statement="freeze",
        hrg="UZ01Z" if in_error else hrg,
        hrg_provenance="reconstructed",
        grouper="grouper-2022-23",
        grouping_flag="U" if in_error else rng.choice("PD"),
        error_category=rng.choice(["field", "spell", "UZ01"]) if in_error else None,
        billed_hrg=hrg,
        priced_hrg=hrg if prices else None,
        point_of_delivery=pod,
        tariff_year="2022/23" if dates else None,
        tariff="ntps-2022-23" if prices else None,
        spell_days=stay,
        adjusted_days=stay,
        trim_days=21,
        excess_days=excess,
        per_day_pence=per_day,
        complete=complete,
        price_reasons=None if complete else "no_year" if not prices else "short_stay_not_held",
        billed_point_of_delivery=pod,
        billed_excess_days=excess,
        billed_total_pence=total,
        billed_pence=total,
        _settled=0,
    )
    if prices:
        row.update(
            base_pence=base,
            short_stay_pence=short,
            long_stay_pence=excess * per_day,
            top_up_pence=0,
            best_practice_pence=0,
            pre_mff_pence=pre_mff,
            mff=Decimal(mff),
            mff_year="2022/23",
            total_pence=total,
        )
    return row


def _findings(
    rng: random.Random, rows: list[dict[str, Any]], count: int, hostile: bool
) -> list[dict[str, Any]]:
    found = []
    chosen = rng.sample(range(len(rows) - 1), min(count, len(rows) - 1)) if rows and count else []
    for number, index in enumerate(chosen):
        rule = RULES[number % len(RULES)]
        spell = rows[index]
        billed = spell["billed_pence"]
        query = rule["remedy"] == "query"
        sign = -1 if rule["id"] in ("LOS01", "EMR07") and number % 4 == 3 else 1
        part = {"DUP02": 1.0, "HRG17": 1.0, "SPL03": 0.6, "EMR07": 0.3}.get(rule["id"], 0.17)
        value = None if query else sign * int(billed * part)
        settled = None if query else 0 if number % 13 == 12 else value
        if settled and abs(settled) > billed - spell["_settled"] and settled > 0:
            settled = billed - spell["_settled"]
        spell["_settled"] += settled or 0
        key = f"spell:{spell['provider']}:{spell['spell_id']}"
        digest = hashlib.sha256(f"{rule['id']}|{key}".encode()).hexdigest()[:16]
        nasty = HOSTILE[number % len(HOSTILE)] if hostile else ""
        found.append(
            {
                "finding_id": digest + nasty,
                "rule": rule["id"],
                "rule_version": "1.0.0",
                "title": rule["title"] + nasty,
                "class": rule["class"],
                "level": rule["level"],
                "tier": "",
                "step": rule["step"],
                "provider": spell["provider"],
                "commissioner": "15N",
                "activity_month": spell["activity_month"],
                "point_of_delivery": spell["point_of_delivery"],
                "hrg": spell["priced_hrg"],
                "records": [key],
                "spell_ids": [spell["spell_id"]],
                "partner": None,
                "cause": spell["priced_hrg"] + nasty,
                "remedy": rule["remedy"],
                "effect": "question" if value is None else "cash",
                "billed_pence": billed,
                "allowed_pence": None if value is None else billed - value,
                "value_pence": value,
                "settled_pence": settled,
                "cash_pence": None,
                "provenance": "reconstructed" if query else "published",
                "evidence": json.dumps(
                    [
                        ["Admitted", str(spell["admission_date"])],
                        ["Discharged", str(spell["discharge_date"])],
                        ["Adjusted days", spell["adjusted_days"]],
                        ["Billed HRG", spell["billed_hrg"]],
                        ["Note" + nasty, nasty or "as submitted"],
                        ["patient_id", spell["patient_id"]],
                    ]
                ),
                "working": json.dumps(
                    []
                    if value is None
                    else [
                        ["Billed", billed, ""],
                        ["Price list 2022/23, " + str(spell["billed_hrg"]), None, nasty],
                        ["Allowed", billed - value, "before rounding to the penny"],
                    ]
                ),
                "note": "The grouping is reconstructed: a question, without a value."
                if query
                else nasty,
            }
        )
    order = {step: index for index, step in enumerate(STEPS)}
    found.sort(key=lambda row: (order[row["step"]], row["rule"], row["finding_id"]))
    return found


def _reject(rng: random.Random, index: int, hostile: bool) -> dict[str, Any]:
    column, value, reason = rng.choice(
        [
            ("dischdate", "31/02/2022", "not a date of the form YYYY-MM-DD"),
            ("epiorder", "one", "not a whole number"),
            ("provspnops", "•••• (0 characters)", "the key is blank"),
        ]
    )
    return {
        "file": "apc-2022-23.csv",
        "line": 120 + 37 * index,
        "column": column,
        "value": HOSTILE[index % len(HOSTILE)] if hostile else value,
        "reason": reason + (HOSTILE[index % len(HOSTILE)] if hostile else ""),
        "billed_pence": rng.randrange(50_000, 300_000) if index % 3 else None,
    }


def _manifest(
    rows: list[dict[str, Any]],
    found: list[dict[str, Any]],
    bad: list[dict[str, Any]],
    hostile: bool,
    *,
    dates: bool,
    prices: bool,
) -> dict[str, Any]:
    nasty = HOSTILE[2] if hostile else ""
    settled = [row["settled_pence"] or 0 for row in found]
    billed = sum(row["billed_pence"] for row in rows)
    errors: dict[str, int] = {}
    for row in rows:
        if row["error_category"]:
            errors[row["error_category"]] = errors.get(row["error_category"], 0) + 1
    discharges = sorted(row["discharge_date"] for row in rows if row["discharge_date"])
    notices = ["Codes to HRG roots are reconstructed: each HRG from them carries that mark."]
    if not dates:
        notices.append("The extract has no dates and no --year was given: grouped, not priced.")
    if rows and not prices:
        notices.append("Nothing was priced, so no rule that compares prices could run.")

    def part(**wanted: str) -> dict[str, int]:
        some = [row for row in found if all(row[key] == value for key, value in wanted.items())]
        return {
            "findings": len(some),
            "questions": sum(row["value_pence"] is None for row in some),
            "value": sum(row["value_pence"] or 0 for row in some),
            "settled": sum(row["settled_pence"] or 0 for row in some),
        }

    rules = [
        {
            "version": "1.0.0",
            "status": "stable",
            "params": {},
            "needs": [],
            **rule,
            "what": rule["what"] + nasty,
            "ran": prices,
            "not_run": "" if prices else "needs a price: nothing was priced",
            **part(rule=rule["id"]),
        }
        for rule in RULES
    ]
    blank = {"what": "", "why": "", "ask": "", "legitimate_reasons": [], "sources": []}
    rules += [
        {
            "version": "1.0.0",
            "name": rule["id"].lower(),
            "status": "stable",
            "level": "high",
            "step": "arithmetic",
            "remedy": "reprice",
            "not_run": "",
            "params": {},
            "needs": [],
            **blank,
            **rule,
            "findings": 0,
            "value": 0,
            "settled": 0,
        }
        for rule in OTHER_RULES
    ]
    return {
        "tariff": {"version": "0.1.0", "core": "0.1.0"},
        "run": {
            "started": "2026-11-21T09:30:00+00:00",
            "finished": "2026-11-21T09:30:02+00:00",
            "seconds": 2.13,
        },
        "options": {"level": "high"},
        "inputs": [
            {
                "file": "apc-2022-23.csv" + nasty,
                "bytes": 1_482_113,
                "sha256": hashlib.sha256(b"extract").hexdigest(),
                "layout": "canonical",
                "rows": sum(row["episodes"] for row in rows) + len(bad),
            }
        ],
        "packs": [
            {
                "id": name,
                "version": "1.0.0",
                "kind": kind,
                "title": title + nasty,
                "provenance": provenance,
                "partial": name == "ntps-2022-23",
                "sha256": hashlib.sha256(name.encode()).hexdigest(),
                "last_checked": "2026-11-21",
            }
            for name, kind, title, provenance in [
                ("grouper-2022-23", "grouper", "HRG4+ 2022/23 design", "reconstructed"),
                ("ntps-2022-23", "tariff", "National tariff 2022/23, admitted care", "published"),
                ("mff-england", "mff", "Market forces factors", "published"),
                ("admitted", "points_of_delivery", "Points of delivery", "published"),
                ("signatures", "signatures", "Signatures that ship", "published"),
            ]
        ],
        "counts": {
            "rows_read": sum(row["episodes"] for row in rows) + len(bad),
            "rows_rejected": len(bad),
            "episodes": sum(row["episodes"] for row in rows),
            "duplicate_rows": 0,
            "spells": len(rows),
            "episodes_in_error": sum(errors.values()),
            "spells_in_error": sum(errors.values()),
            "spells_grouped": len(rows) - sum(errors.values()),
            "spells_unmapped": 4 if rows else 0,
            "spells_priced": sum(row["complete"] for row in rows),
            "spells_incomplete": sum(not row["complete"] for row in rows),
            "findings": len(found),
        },
        "errors_by_category": errors,
        "unmapped": {"no root for the primary diagnosis" + nasty: 4} if rows else {},
        "period": {
            "first_discharge": str(discharges[0]) if discharges else None,
            "last_discharge": str(discharges[-1]) if discharges else None,
            "years": {"2022/23": len(rows)} if discharges else {},
        },
        "money": {
            "billed": billed,
            "billed_in_rejects": sum(row["billed_pence"] or 0 for row in bad),
            "allowed": billed - sum(settled),
            "settled": sum(settled),
            "settled_over": sum(value for value in settled if value > 0),
            "settled_under": sum(value for value in settled if value < 0),
            "priced_total": sum(row["total_pence"] or 0 for row in rows),
            "priced_pre_mff": sum(row["pre_mff_pence"] or 0 for row in rows),
            "by_class": {
                name: part(**{"class": name})
                for name in ("deterministic", "presumptive", "statistical")
            },
            "by_step": [{"step": step, **part(step=step)} for step in STEPS],
        },
        "rules": rules,
        "notices": [notice + nasty for notice in notices],
    }
