"""Rules and their findings, in the order and number a reader meets them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tariff.report import text
from tariff.report.figures import RunTables, by_effect, total

# A finding's evidence goes to the provider, who looks a record up by its own number.
_PATIENT_LABELS = {"patientid", "patientidentifier", "nhsnumber", "localpatientid"}


_RECORD_LABELS = {"Compared with"}  # their value is the key of a record


@dataclass(slots=True)
class Finding:
    """One finding as it is shown."""

    finding_id: str
    provider: str
    level: str
    tier: str
    effect: str
    partner: str
    month: str
    point_of_delivery: str
    hrg: str
    records: list[str]
    billed: int | None
    allowed: int | None
    value: int | None
    settled: int | None
    cash: int | None
    provenance: str
    note: str
    evidence: list[tuple[str, str]]
    working: list[tuple[str, int | None, str]]


@dataclass(slots=True)
class RuleSection:
    """A rule with findings: its words from the manifest, and the findings shown."""

    id: str
    anchor: str
    version: str
    title: str
    klass: str
    level: str
    status: str
    step: str
    remedy: str
    what: str
    why: str
    ask: str
    legitimate_reasons: list[str]
    sources: list[str]
    params: list[tuple[str, str]]
    findings: int
    value: int | None  # None when no finding of it carries a value
    settled: int | None
    over: int
    under: int
    kept_back: dict[str, int]  # settled over-charges that are not saved for good, by effect
    shown: list[Finding]


@dataclass(slots=True)
class RuleLine:
    """A rule of the run that has no section of its own: silent, or not run."""

    id: str
    version: str
    title: str
    klass: str
    level: str
    reason: str


@dataclass(slots=True)
class Rulebook:
    """All rules of a run, by what became of them."""

    sections: list[RuleSection]
    silent: list[RuleLine]
    not_run: list[RuleLine]
    partly: list[RuleLine]  # of those that ran: on some care only

    @property
    def ran(self) -> int:
        """How many rules ran."""
        return len(self.sections) + len(self.silent)

    @property
    def scale(self) -> int:
        """The longest bar of the table by rule."""
        return max((max(rule.over, -rule.under) for rule in self.sections), default=0)


def largest_first(findings: pa.Table) -> pa.Table:
    """Findings by absolute settled value, then absolute value, then provider and id."""
    keys = pa.table(
        {
            "settled": pc.abs(pc.coalesce(findings.column("settled_pence"), 0)),
            "value": pc.abs(pc.coalesce(findings.column("value_pence"), 0)),
            "provider": findings.column("provider"),
            "id": findings.column("finding_id"),
        }
    )
    order = pc.sort_indices(
        keys,
        sort_keys=[
            ("settled", "descending"),
            ("value", "descending"),
            ("provider", "ascending"),
            ("id", "ascending"),
        ],
    )
    return findings.take(order)


def rulebook(run: RunTables, limit: int) -> Rulebook:
    """The rules of a run, each with at most `limit` findings."""
    ordered = largest_first(run.findings)
    names = ordered.column("rule")
    told = {str(rule.get("id")): rule for rule in run.manifest.get("rules", [])}
    present = set(pc.unique(names).to_pylist())
    sections = [
        _section(told.get(name, {}), ordered.filter(pc.equal(names, name)), name, limit)
        for name in present
    ]
    order = {key: index for index, key in enumerate(text.CLASSES)}
    sections.sort(key=lambda rule: (order.get(rule.klass, 9), -abs(rule.settled or 0), rule.id))
    silent, not_run, partly = [], [], []
    for name in sorted(told):
        rule = told[name]
        if rule.get("ran"):
            if rule.get("note"):
                partly.append(_line(rule, str(rule["note"])))
            if name not in present:
                silent.append(_line(rule, ""))
        else:
            not_run.append(_line(rule, str(rule.get("not_run") or "no reason recorded")))
    return Rulebook(sections, silent, not_run, partly)


def shown(table: pa.Table) -> list[Finding]:
    """Findings of a table, decoded."""
    return [_finding(row) for row in table.to_pylist()]


def evidence(cell: str) -> list[tuple[str, str]]:
    """The labelled facts of a finding; never a patient's identifier."""
    facts = []
    for part in _json_rows(cell):
        label = _word(part[0]) if part else ""
        if _squashed(label) not in _PATIENT_LABELS:
            named = text.record if label in _RECORD_LABELS else str
            facts.append((label, ", ".join(named(_word(item)) for item in part[1:])))
    return facts


def working(cell: str) -> list[tuple[str, int | None, str]]:
    """The steps by which the allowed price was worked out."""
    steps = []
    for part in _json_rows(cell):
        row = [*part, None, None, None]
        pence = row[1] if isinstance(row[1], int) and not isinstance(row[1], bool) else None
        steps.append((_word(row[0]), pence, _word(row[2])))
    return steps


def _section(told: dict[str, Any], part: pa.Table, name: str, limit: int) -> RuleSection:
    first = part.slice(0, 1).to_pylist()[0]
    settled = pc.coalesce(part.column("settled_pence"), 0)
    over = total(pc.if_else(pc.greater(settled, 0), settled, 0))
    return RuleSection(
        id=name,
        anchor="rule-" + re.sub(r"[^A-Za-z0-9_-]+", "-", name),
        version=first["rule_version"],
        title=str(told.get("title") or first["title"]),
        klass=first["class"],
        level=first["level"],
        status=str(told.get("status", "")),
        step=first["step"],
        remedy=first["remedy"],
        what=str(told.get("what", "")),
        why=str(told.get("why", "")),
        ask=str(told.get("ask", "")),
        legitimate_reasons=[str(item) for item in told.get("legitimate_reasons", [])],
        sources=[str(item) for item in told.get("sources", [])],
        params=[(str(key), str(value)) for key, value in (told.get("params") or {}).items()],
        findings=part.num_rows,
        value=pc.sum(part.column("value_pence")).as_py(),
        settled=pc.sum(part.column("settled_pence")).as_py(),
        over=over,
        under=total(settled) - over,
        kept_back=by_effect(part),
        shown=shown(part.slice(0, limit)),
    )


def _line(rule: dict[str, Any], reason: str) -> RuleLine:
    return RuleLine(
        id=str(rule.get("id", "")),
        version=str(rule.get("version", "")),
        title=str(rule.get("title", "")),
        klass=str(rule.get("class", "")),
        level=str(rule.get("level", "")),
        reason=reason,
    )


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(
        finding_id=row["finding_id"],
        provider=row["provider"],
        level=row["level"],
        tier=row["tier"],
        effect=row["effect"],
        partner=row["partner"] or "",
        month=row["activity_month"] or "",
        point_of_delivery=row["point_of_delivery"] or "",
        hrg=row["hrg"] or "",
        records=row["records"] or [],
        billed=row["billed_pence"],
        allowed=row["allowed_pence"],
        value=row["value_pence"],
        settled=row["settled_pence"],
        cash=row["cash_pence"],
        provenance=row["provenance"],
        note=row["note"],
        evidence=evidence(row["evidence"]),
        working=working(row["working"]),
    )


def _json_rows(cell: str) -> list[list[Any]]:
    """The rows of a JSON cell; text that is not of that shape stands as one row of its own."""
    if not cell:
        return []
    try:
        rows = json.loads(cell)
    except ValueError:
        return [["", cell]]
    if not isinstance(rows, list):
        return [["", rows]]
    return [row if isinstance(row, list) else ["", row] for row in rows]


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _squashed(label: str) -> str:
    return re.sub(r"[^a-z]", "", label.lower())
