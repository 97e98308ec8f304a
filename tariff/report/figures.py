"""The figures of a report: totals, reconciliation and breakdowns, from the run's tables.

Deterministic and presumptive findings are never added together; under-charges stand beside them,
and so does what is suspended or owed by another payer, which is no cash.
The one place where every finding meets is the reconciliation from billed to allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tariff.report import care, text

NOT_STATED = "not stated"
MANY_MONTHS = 36  # above, the breakdown is by financial year


class RunTables(Protocol):
    """What a report is made from, and nothing else. `tariff.engine.run.Run` is one."""

    spells: pa.Table
    findings: pa.Table
    rejects: pa.Table
    manifest: dict[str, Any]


@dataclass(slots=True)
class Queried:
    """What is queried in one group of findings: settled pence, over-charges by class."""

    findings: int = 0
    over: dict[str, int] = field(default_factory=lambda: dict.fromkeys(text.CLASSES, 0))
    under: int = 0  # negative
    by_class: dict[str, int] = field(default_factory=lambda: dict.fromkeys(text.CLASSES, 0))

    def largest(self) -> int:
        """The longest bar that this group needs."""
        return max(*self.over.values(), -self.under)


@dataclass(slots=True)
class Group:
    """One line of a breakdown."""

    key: str
    label: str
    records: int
    billed: int
    queried: Queried


@dataclass(slots=True)
class Breakdown:
    """A breakdown of billed and queried money by one thing. `kept` counts all its lines."""

    name: str
    groups: list[Group]
    kept: int
    scale: int  # the longest bar


@dataclass(slots=True)
class ClassLine:
    """One class of certainty: over-charges and under-charges, settled."""

    key: str
    label: str
    meaning: str
    findings: int
    value: int
    over: int
    under: int
    settled: int
    effect: str = ""  # of money that is not saved for good, which stands in a line of its own


@dataclass(slots=True)
class StepLine:
    """One step of the settlement, with what remains after it."""

    step: str
    findings: int
    queried: Queried
    settled: int
    remains: int


@dataclass(slots=True)
class Control:
    """A control total: two figures that must agree."""

    statement: str
    left: int
    right: int

    @property
    def agrees(self) -> bool:
        """Whether they do."""
        return self.left == self.right


@dataclass(slots=True)
class Money:
    """The headline figures, in pence."""

    billed: int
    allowed: int
    settled: int
    under: int
    under_findings: int
    no_value: int  # findings that ask a question and carry no value
    notional: int  # findings that settle to nothing: supporting evidence
    cash: int | None  # None without a contract
    billed_in_rejects: int
    records_queried: int
    classes: list[ClassLine]
    apart: list[ClassLine]  # suspended and system-neutral money, by class
    steps: list[StepLine]
    controls: list[Control]

    def line(self, key: str) -> ClassLine:
        """The line of one class."""
        return next(line for line in self.classes if line.key == key)


def money(run: RunTables) -> Money:
    """The headline figures and the reconciliation."""
    findings, manifest = run.findings, run.manifest
    stated = manifest.get("money", {})
    billed = int(stated.get("billed") or 0)
    allowed = int(stated.get("allowed") or 0)
    settled = int(stated.get("settled") or 0)
    per_step = queried(findings, findings.column("step"))
    classes = _class_lines(cash_alone(findings), stated)
    apart = [
        line
        for effect in text.EFFECTS
        for line in _class_lines(_of_effect(findings, effect), stated, effect)
        if line.findings
    ]
    steps, remains = [], billed
    for told in stated.get("by_step", []):
        change = int(told.get("settled") or 0)
        count = int(told.get("findings") or 0)
        if not count and not change:
            continue
        remains -= change
        name = str(told.get("step", ""))
        steps.append(StepLine(name, count, per_step.get(name, Queried()), change, remains))
    column = findings.column("settled_pence")
    cash = findings.column("cash_pence")
    return Money(
        billed=billed,
        allowed=allowed,
        settled=settled,
        under=sum(line.under for line in classes),
        under_findings=_count(pc.less(cash_alone(findings).column("settled_pence"), 0)),
        no_value=_count(pc.is_null(findings.column("value_pence"))),
        notional=_count(pc.and_(pc.equal(column, 0), pc.is_valid(findings.column("value_pence")))),
        cash=_cash(manifest, cash),
        billed_in_rejects=int(stated.get("billed_in_rejects") or 0),
        records_queried=pc.count_distinct(pc.list_flatten(findings.column("records"))).as_py(),
        classes=classes,
        apart=apart,
        steps=steps,
        controls=[
            Control("Billed less settled is allowed", billed - settled, allowed),
            Control("The steps add up to settled", billed - remains, settled),
            Control("The findings add up to settled", total(column), settled),
            _records_control(run, billed),
        ],
    )


def cash_alone(findings: pa.Table) -> pa.Table:
    """The findings whose money is cash, and those that only ask."""
    apart = pc.is_in(findings.column("effect"), value_set=pa.array(list(text.EFFECTS)))
    return findings.filter(pc.invert(apart))


def _of_effect(findings: pa.Table, effect: str) -> pa.Table:
    return findings.filter(pc.equal(findings.column("effect"), effect))


def _class_lines(findings: pa.Table, stated: dict[str, Any], effect: str = "") -> list[ClassLine]:
    """A line for each class; of findings of one effect where it is named."""
    per_class = queried(findings, findings.column("class"))
    lines = []
    for key in text.CLASSES:
        part = per_class.get(key, Queried())
        told = stated.get("by_class", {}).get(key, {})
        if effect:
            told = told.get(effect, {})
        lines.append(
            ClassLine(
                key=key,
                label=text.CLASS_LABEL[key],
                meaning=text.CLASS_MEANING[key],
                findings=part.findings,
                value=int(told.get("value") or 0),
                over=part.over[key],
                under=part.under,
                settled=part.over[key] + part.under,
                effect=effect,
            )
        )
    return lines


def _records_control(run: RunTables, billed: int) -> Control:
    """The spells by their table; other care, which a page does not read, by its own sums."""
    stated, kinds = run.manifest.get("money", {}), run.manifest.get("kinds", {})
    copies = int(stated.get("billed_in_copies") or 0)
    records = total(run.spells.column("billed_pence")) + copies
    others = [kind for kind in kinds if kind != "spells"]
    for kind in others:
        records += int(kinds[kind]["billed"]) - int(kinds[kind]["billed_in_copies"])
    whose = "The records of each kind" if others else "The spells"
    return Control(f"{whose} and their exact copies add up to billed", records, billed)


def _cash(manifest: dict[str, Any], column: pa.ChunkedArray) -> int | None:
    """What all findings change together under the contract; None without one."""
    told = manifest.get("contract", {}).get("cash", {}).get("together")
    if told is not None:
        return int(told)
    return total(column) if column.null_count < len(column) else None


def queried(findings: pa.Table, key: pa.ChunkedArray) -> dict[str, Queried]:
    """Settled money by a key of the findings and by class; a missing key is `not stated`."""
    settled = pc.coalesce(findings.column("settled_pence"), 0)
    frame = pa.table(
        {
            "key": pc.coalesce(key, NOT_STATED),
            "class": findings.column("class"),
            "over": pc.if_else(pc.greater(settled, 0), settled, 0),
            "under": pc.if_else(pc.less(settled, 0), settled, 0),
        }
    )
    parts = frame.group_by(["key", "class"], use_threads=False).aggregate(
        [("over", "sum"), ("under", "sum"), ("over", "count")]
    )
    result: dict[str, Queried] = {}
    for row in parts.to_pylist():
        group = result.setdefault(row["key"], Queried())
        name = row["class"]
        group.findings += row["over_count"]
        group.over[name] = group.over.get(name, 0) + row["over_sum"]
        group.by_class[name] = group.by_class.get(name, 0) + row["over_count"]
        group.under += row["under_sum"]
    return result


def by_effect(findings: pa.Table) -> dict[str, int]:
    """Settled over-charges that are suspended, or that another payer owes, by effect."""
    settled = pc.coalesce(findings.column("settled_pence"), 0)
    over = pc.if_else(pc.greater(settled, 0), settled, 0)
    sums = {
        name: total(pc.if_else(pc.equal(findings.column("effect"), name), over, 0))
        for name in text.EFFECTS
    }
    return {name: pence for name, pence in sums.items() if pence}


def by_provider(run: RunTables, limit: int = 100) -> Breakdown:
    """Billed and queried money by provider, dearest first."""
    billed = _billed(run, care.providers(run))
    findings = cash_alone(run.findings)
    asked = queried(findings, findings.column("provider"))
    groups = [_group(key, key, billed, asked) for key in {**billed, **asked}]
    groups.sort(key=lambda group: (-group.billed, group.key))
    return _breakdown("Provider", groups, limit)


def by_point_of_delivery(run: RunTables) -> Breakdown:
    """Billed and queried money by point of delivery, in the order of the groups.

    Attendances, emergency attendances and periods of critical care stand as one group each.
    """
    billed = _billed(run, care.groups(run))
    findings = cash_alone(run.findings)
    asked = queried(findings, care.groups_of_findings(findings))
    known = [*text.POINT_OF_DELIVERY, *text.KIND, *text.LINES]
    keys = sorted(
        {**billed, **asked}, key=lambda key: (known.index(key) if key in known else 99, key)
    )
    groups = []
    for key in keys:
        label = "Not stated" if key == NOT_STATED else text.point_of_delivery(key)
        groups.append(_group(key, label, billed, asked))
    return _breakdown("Point of delivery", groups, 100)


def by_month(run: RunTables) -> Breakdown | None:
    """Billed and queried money by activity month, else the month care ended; None without dates."""
    months, stated = care.months(run)
    if months.null_count == len(months):
        return None
    name = "Activity month" if stated else _month_care_ended(run)
    billed = _billed(run, months)
    findings = cash_alone(run.findings)
    asked = queried(findings, care.months_of_findings(run, findings))
    keys = sorted({**billed, **asked}, key=lambda key: (key == NOT_STATED, key))
    if len(keys) > MANY_MONTHS:
        billed, asked = _to_years(billed), _years_queried(asked)
        keys = sorted({**billed, **asked}, key=lambda key: (key == NOT_STATED, key))
        name = "Financial year"
    groups = []
    for key in keys:
        label = "Not stated" if key == NOT_STATED else text.month_name(key)
        groups.append(_group(key, label, billed, asked))
    return _breakdown(name, groups, 200)


def _month_care_ended(run: RunTables) -> str:
    return "Month of discharge" if list(care.tables(run)) == ["spells"] else "Month care ended"


def total(column: pa.ChunkedArray) -> int:
    """The sum of a column, missing as nothing."""
    return int(pc.sum(column).as_py() or 0)


def tally(column: pa.ChunkedArray, missing: str = NOT_STATED) -> dict[str, int]:
    """How often each value of a text column occurs, most frequent first."""
    counts = pc.value_counts(pc.coalesce(column, missing)).to_pylist()
    counts.sort(key=lambda row: (-row["counts"], row["values"]))
    return {row["values"]: row["counts"] for row in counts}


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _billed(run: RunTables, key: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    """How many records and what they were billed, by a key of all records."""
    frame = pa.table({"key": pc.coalesce(key, NOT_STATED), "billed": care.billed(run)})
    parts = frame.group_by(["key"], use_threads=False).aggregate(
        [("billed", "sum"), ([], "count_all")]
    )
    return {row["key"]: (row["count_all"], row["billed_sum"] or 0) for row in parts.to_pylist()}


def _group(
    key: str, label: str, billed: dict[str, tuple[int, int]], asked: dict[str, Queried]
) -> Group:
    records, pence = billed.get(key, (0, 0))
    return Group(key, label, records, pence, asked.get(key, Queried()))


def _breakdown(name: str, groups: list[Group], limit: int) -> Breakdown:
    scale = max((group.queried.largest() for group in groups), default=0)
    return Breakdown(name, groups[:limit], len(groups), scale)


def _financial_year(month: str) -> str:
    year, _, number = month.partition("-")
    if not (year.isdigit() and number.isdigit()):
        return NOT_STATED
    first = int(year) if int(number) >= 4 else int(year) - 1
    return f"{first}/{(first + 1) % 100:02d}"


def _to_years(billed: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    result: dict[str, tuple[int, int]] = {}
    for key, (records, pence) in billed.items():
        year = _financial_year(key)
        before = result.get(year, (0, 0))
        result[year] = (before[0] + records, before[1] + pence)
    return result


def _years_queried(asked: dict[str, Queried]) -> dict[str, Queried]:
    result: dict[str, Queried] = {}
    for key, part in asked.items():
        year = result.setdefault(_financial_year(key), Queried())
        year.findings += part.findings
        year.under += part.under
        for name, pence in part.over.items():
            year.over[name] = year.over.get(name, 0) + pence
        for name, count in part.by_class.items():
            year.by_class[name] = year.by_class.get(name, 0) + count
    return result
