"""Findings by root cause: one line for what one answer would settle, dearest and oldest first."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tariff.schemas import CAUSES

CLASSES = ("deterministic", "presumptive", "statistical")
FIRST_FINDINGS = 5  # ids in a line; the annex holds all
_KEY = ("rule", "tier", "class", "provider", "cause")


@dataclass(frozen=True)
class Limits:
    """What is shown of the causes; all of them are kept."""

    min_value: int = 0  # pence: lines whose findings are worth less are not shown
    rows: int | None = None  # most lines of a class


@dataclass(frozen=True)
class Shown:
    """The causes of one class that are shown, and what of it is not."""

    name: str
    lines: list[dict[str, Any]]
    hidden: int
    hidden_settled: int  # pence


def cause_id(rule: str, tier: str, provider: str, cause: str) -> str:
    """Hash of what makes it the same cause, so that months match."""
    text = "\n".join([rule, tier, provider, cause])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def causes(findings: pa.Table) -> pa.Table:
    """Give a row for each rule, tier, provider and cause.

    Classes follow one another and are never added: within one by settled value, then value, then
    the oldest month, then names.
    """
    columns = [*_KEY, "title", "effect", "finding_id", "value_pence", "settled_pence"]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in findings.select([*columns, "activity_month"]).to_pylist():
        groups[tuple(row[name] for name in _KEY)].append(row)
    rows = sorted((_line(key, found) for key, found in groups.items()), key=_order)
    return pa.table(
        {field.name: pa.array([row[field.name] for row in rows], field.type) for field in CAUSES},
        schema=CAUSES,
    )


def _line(key: tuple[str, ...], found: list[dict[str, Any]]) -> dict[str, Any]:
    named = dict(zip(_KEY, key, strict=True))
    worth = [row for row in found if row["value_pence"] is not None]
    months = sorted(row["activity_month"] for row in found if row["activity_month"])
    first = sorted(found, key=lambda row: (-abs(row["settled_pence"] or 0), row["finding_id"]))
    return {
        **named,
        "cause_id": cause_id(named["rule"], named["tier"], named["provider"], named["cause"]),
        "title": found[0]["title"],
        "effect": next((r["effect"] for r in found if r["effect"] != "question"), "question"),
        "findings": len(found),
        "questions": len(found) - len(worth),
        "value_pence": sum(row["value_pence"] for row in worth) if worth else None,
        "settled_pence": sum(row["settled_pence"] or 0 for row in worth) if worth else None,
        "oldest_month": months[0] if months else None,
        "latest_month": months[-1] if months else None,
        "first_findings": [row["finding_id"] for row in first[:FIRST_FINDINGS]],
    }


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        CLASSES.index(row["class"]),
        -abs(row["settled_pence"] or 0),
        -abs(row["value_pence"] or 0),
        row["oldest_month"] or "9999",
        *(row[name] for name in _KEY),
    )


def shown(table: pa.Table, limits: Limits) -> list[Shown]:
    """Give what is shown of each class that has causes."""
    rows = table.to_pylist()
    out = []
    for name in CLASSES:
        mine = [row for row in rows if row["class"] == name]
        lines = [row for row in mine if abs(row["settled_pence"] or 0) >= limits.min_value]
        lines = lines if limits.rows is None else lines[: limits.rows]
        kept = {id(row) for row in lines}
        left = [row for row in mine if id(row) not in kept]
        if mine:
            settled = sum(row["settled_pence"] or 0 for row in left)
            out.append(Shown(name, lines, len(left), settled))
    return out
