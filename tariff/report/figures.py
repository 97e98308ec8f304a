"""The figures of a report: totals, reconciliation and breakdowns, from the run's tables.

Deterministic and presumptive findings are never added together; under-charges stand beside them.
The one place where every finding meets is the reconciliation from billed to allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tariff.report import text

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
    spells: int
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
    per_class = queried(findings, findings.column("class"))
    per_step = queried(findings, findings.column("step"))
    classes = []
    for key in text.CLASSES:
        part = per_class.get(key, Queried())
        told = stated.get("by_class", {}).get(key, {})
        classes.append(
            ClassLine(
                key=key,
                label=text.CLASS_LABEL[key],
                meaning=text.CLASS_MEANING[key],
                findings=part.findings,
                value=int(told.get("value") or 0),
                over=part.over[key],
                under=part.under,
                settled=part.over[key] + part.under,
            )
        )
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
        under_findings=_count(pc.less(column, 0)),
        no_value=_count(pc.is_null(findings.column("value_pence"))),
        notional=_count(pc.and_(pc.equal(column, 0), pc.is_valid(findings.column("value_pence")))),
        cash=_cash(manifest, cash),
        billed_in_rejects=int(stated.get("billed_in_rejects") or 0),
        records_queried=pc.count_distinct(pc.list_flatten(findings.column("records"))).as_py(),
        classes=classes,
        steps=steps,
        controls=[
            Control("Billed less settled is allowed", billed - settled, allowed),
            Control("The steps add up to settled", billed - remains, settled),
            Control("The findings add up to settled", total(column), settled),
            Control(
                "The spells and their exact copies add up to billed",
                total(run.spells.column("billed_pence")) + int(stated.get("billed_in_copies") or 0),
                billed,
            ),
        ],
    )


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


def by_provider(run: RunTables, limit: int = 100) -> Breakdown:
    """Billed and queried money by provider, dearest first."""
    billed = _billed(run.spells, run.spells.column("provider"))
    asked = queried(run.findings, run.findings.column("provider"))
    groups = [_group(key, key, billed, asked) for key in {**billed, **asked}]
    groups.sort(key=lambda group: (-group.billed, group.key))
    return _breakdown("Provider", groups, limit)


def by_point_of_delivery(run: RunTables) -> Breakdown:
    """Billed and queried money by point of delivery, in the order of the groups."""
    billed = _billed(run.spells, run.spells.column("point_of_delivery"))
    asked = queried(run.findings, run.findings.column("point_of_delivery"))
    known = list(text.POINT_OF_DELIVERY)
    keys = sorted(
        {**billed, **asked}, key=lambda key: (known.index(key) if key in known else 99, key)
    )
    groups = []
    for key in keys:
        label = "Not stated" if key == NOT_STATED else text.point_of_delivery(key)
        groups.append(_group(key, label, billed, asked))
    return _breakdown("Point of delivery", groups, 100)


def by_month(run: RunTables) -> Breakdown | None:
    """Billed and queried money by activity month (else month of discharge); None without dates."""
    spells, findings = run.spells, run.findings
    stated = spells.column("activity_month")
    discharged = spells.column("discharge_date")
    if stated.null_count < len(stated):
        months, asked_months, name = stated, findings.column("activity_month"), "Activity month"
    elif discharged.null_count < len(discharged):
        months = _month_of(discharged)
        asked_months, name = _month_of_findings(run), "Month of discharge"
    else:
        return None
    billed = _billed(spells, months)
    asked = queried(findings, asked_months)
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


def _billed(spells: pa.Table, key: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    frame = pa.table({"key": pc.coalesce(key, NOT_STATED), "billed": spells.column("billed_pence")})
    parts = frame.group_by(["key"], use_threads=False).aggregate(
        [("billed", "sum"), ([], "count_all")]
    )
    return {row["key"]: (row["count_all"], row["billed_sum"] or 0) for row in parts.to_pylist()}


def _group(
    key: str, label: str, billed: dict[str, tuple[int, int]], asked: dict[str, Queried]
) -> Group:
    spells, pence = billed.get(key, (0, 0))
    return Group(key, label, spells, pence, asked.get(key, Queried()))


def _breakdown(name: str, groups: list[Group], limit: int) -> Breakdown:
    scale = max((group.queried.largest() for group in groups), default=0)
    return Breakdown(name, groups[:limit], len(groups), scale)


def _month_of(dates: pa.ChunkedArray) -> pa.ChunkedArray:
    """`YYYY-MM` of a date column: the number of the month first, text for few values only."""
    numbers = pc.add(pc.multiply(pc.year(dates), 12), pc.subtract(pc.month(dates), 1))
    coded = pc.dictionary_encode(numbers.combine_chunks())
    names = [f"{value // 12:04d}-{value % 12 + 1:02d}" for value in coded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(names, pa.string()).take(coded.indices)])


def _month_of_findings(run: RunTables) -> pa.ChunkedArray:
    """The month of each finding: its own, else that of the discharge of its last spell."""
    findings, spells = run.findings, run.spells
    own = findings.column("activity_month")
    if not own.null_count:
        return own
    last = [
        (provider, ids[-1]) if ids else None
        for provider, ids in zip(
            findings.column("provider").to_pylist(),
            findings.column("spell_ids").to_pylist(),
            strict=True,
        )
    ]
    wanted = pa.array([key[1] for key in last if key], pa.string())
    part = spells.select(["provider", "spell_id", "discharge_date"]).filter(
        pc.is_in(spells.column("spell_id"), value_set=wanted)
    )
    months = _month_of(part.column("discharge_date")) if part.num_rows else pa.chunked_array([[]])
    keys = zip(
        part.column("provider").to_pylist(), part.column("spell_id").to_pylist(), strict=True
    )
    found = dict(zip(keys, months.to_pylist(), strict=True))
    names = [found.get(key) if key else None for key in last]
    return pc.coalesce(own, pa.chunked_array([names], pa.string()))


def _financial_year(month: str) -> str:
    year, _, number = month.partition("-")
    if not (year.isdigit() and number.isdigit()):
        return NOT_STATED
    first = int(year) if int(number) >= 4 else int(year) - 1
    return f"{first}/{(first + 1) % 100:02d}"


def _to_years(billed: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    result: dict[str, tuple[int, int]] = {}
    for key, (spells, pence) in billed.items():
        year = _financial_year(key)
        before = result.get(year, (0, 0))
        result[year] = (before[0] + spells, before[1] + pence)
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
