"""The rows of a root, tried in order: what each asks, and why it does not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tariff.explain.rows import Row
from tariff.explain.words import span
from tariff.packs.model import Condition
from tariff.reference.group import Facts, condition_holds, within
from tariff.reference.tables import GroupTables, Split
from tariff.reference.validate import valid_diagnoses, valid_procedures
from tariff.reference.values import text

BOUND_NAMES = {
    "cc": "CC score",
    "age": "age",
    "interventions": "interventions",
    "stay": "stay",
    "diagnosis_score": "diagnosis score",
}
OF_INJURIES = BOUND_NAMES | {"interventions": "procedure score"}


@dataclass(frozen=True)
class Tried:
    """A row of a root: its HRG, what it asks, and what failed (empty where it holds)."""

    hrg: str
    asks: str
    failed: str
    reached: bool


def facts_of(tables: GroupTables, rows: Sequence[Row], values: dict[str, int | None]) -> Facts:
    """Give what the rows of a root ask of the episodes of a spell."""
    return Facts(
        values=values,
        procedures=frozenset(code for row in rows for code in valid_procedures(tables.codes, row)),
        diagnoses=frozenset(code for row in rows for code in valid_diagnoses(tables.codes, row)),
        admission_source=text(rows[0], "admission_source"),
        discharge_destination=text(rows[-1], "discharge_destination"),
    )


def try_rows(
    tables: GroupTables,
    splits: Sequence[Split],
    facts: Facts,
    names: Mapping[str, str] = BOUND_NAMES,
) -> list[Tried]:
    """Try rows in their order; those after the first that holds are not reached."""
    out: list[Tried] = []
    reached = True
    for split in splits:
        asks, failed = _bounds(split, facts, names)
        for name in split.conditions:
            asks.append(name.replace("_", " "))
            if not condition_holds(tables.conditions[name], facts):
                failed.append(_why(tables.conditions[name], facts))
        out.append(Tried(split.hrg, ", ".join(asks) or "nothing", "; ".join(failed), reached))
        reached = reached and bool(failed)
    return out


def winner(tried: Sequence[Tried]) -> Tried | None:
    """Give the row that holds."""
    return next((row for row in tried if row.reached and not row.failed), None)


def _bounds(split: Split, facts: Facts, names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    asks, failed = [], []
    for bound, (low, high) in split.bounds.items():
        if low is None and high is None:
            continue
        name, value = names[bound], facts.values[bound]
        asks.append(f"{name} {span(low, high)}")
        if not within(value, low, high):
            failed.append(f"{name} is {'not known' if value is None else f'{value:,}'}")
    return asks, failed


def _why(condition: Condition, facts: Facts) -> str:
    """Say why a condition does not hold."""
    if condition.discharge_destination:
        return f"discharged to {facts.discharge_destination or 'nowhere stated'}"
    if condition.admission_source:
        return f"admitted from {facts.admission_source or 'nowhere stated'}"
    if condition.any_diagnosis:
        return "none of its diagnoses is there"
    if condition.any_procedure:
        return "none of its procedures is there"
    ruled_out = tuple(condition.no_procedure)
    return f"{min(code for code in facts.procedures if code.startswith(ruled_out))} is there"
