"""Groups one spell again, step by step, keeping what every step looked at (docs/grouping.md).

Only for telling: `tariff.explain.agree` compares what it comes to with the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tariff.explain.counts import Counted, Days, days_of, interventions, scores, total
from tariff.explain.drivers import Candidate, candidates, choose, why_no_service
from tariff.explain.injured import Injured, injured, why_uninjured
from tariff.explain.redirects import Move, Record, moves
from tariff.explain.rows import Row
from tariff.explain.tried import OF_INJURIES, Tried, facts_of, try_rows, winner
from tariff.reference.group import (
    CC_LIST_NOT_HELD,
    DIAGNOSIS,
    DIAGNOSIS_NOT_MAPPED,
    NO_SPLIT,
    PROCEDURE,
    ROOT_NOT_IN_DESIGN,
    SERVICE,
)
from tariff.reference.tables import GroupTables
from tariff.reference.validate import valid_diagnoses, valid_procedures
from tariff.reference.values import number, primary, text


@dataclass
class Regrouped:
    """What grouping the spell again came to, and how."""

    injured: Injured | None = None
    uninjured: list[str] = field(default_factory=list)  # what was looked for first, not found
    candidates: list[Candidate] = field(default_factory=list)
    driver: Candidate | None = None
    no_service: str = ""  # why it is no day of the service that it holds
    led: str | None = None  # the root that the driver leads to
    child: bool = False
    moves: list[Move] = field(default_factory=list)
    root: str | None = None  # after the redirects
    scores: list[Counted] = field(default_factory=list)
    scored: bool = False  # the root is split by CC score
    score: int = 0
    interventions: list[Counted] = field(default_factory=list)
    days: list[Days] = field(default_factory=list)
    stay: int | None = None
    age: int | None = None
    tried: list[Tried] = field(default_factory=list)
    hrg: str | None = None
    reason: str | None = None


def regroup(tables: GroupTables, rows: Sequence[Row]) -> Regrouped:
    """Group the episodes of a valid spell together."""
    out = Regrouped(age=number(rows[0], "age"), days=days_of(rows))
    stays = [days.stay for days in out.days]
    out.stay = None if None in stays else sum(stay or 0 for stay in stays)
    out.injured = injured(tables, rows)
    if out.injured is not None:
        _of_injury(out, tables, rows, out.injured)
        return out
    out.uninjured = why_uninjured(tables, rows)
    out.candidates = candidates(tables, rows, out.stay)
    out.driver = choose(tables, rows, out.stay, out.candidates)
    if out.driver.flag == DIAGNOSIS:
        out.no_service = why_no_service(tables, rows, out.stay, out.candidates)
    dominant = out.driver.code if out.driver.flag == PROCEDURE else None
    out.interventions = interventions(tables, rows, dominant)
    if _root(out, tables, rows, out.driver):
        _split(out, tables, rows, out.driver)
    return out


def _of_injury(out: Regrouped, tables: GroupTables, rows: Sequence[Row], injury: Injured) -> None:
    """Try the rows of the roots of an injury, in their order."""
    found = injury.found
    out.driver = Candidate(found.flag, found.place + 1, 0, found.code, "", None)
    out.interventions = injury.procedures
    values: dict[str, int | None] = {
        "cc": None,  # complications do not count
        "age": out.age,
        "interventions": total(injury.procedures),
        "stay": out.stay,
        "diagnosis_score": total(injury.diagnoses),
    }
    splits = [split for root in found.roots for split in tables.splits.get(root, [])]
    roots = [root for root in found.roots for _ in tables.splits.get(root, [])]
    out.tried = try_rows(tables, splits, facts_of(tables, rows, values), OF_INJURIES)
    won = winner(out.tried)
    out.root = found.roots[0] if won is None else roots[out.tried.index(won)]
    out.hrg = won.hrg if won is not None else None
    out.reason = None if won is not None else NO_SPLIT


def _root(out: Regrouped, tables: GroupTables, rows: Sequence[Row], driver: Candidate) -> bool:
    """Find the root: the one of the driver, moved by the redirects. Say whether it can be split."""
    if driver.row is None:
        out.reason = DIAGNOSIS_NOT_MAPPED
        return False
    out.child = out.age is not None and out.age <= tables.child_max_age
    chosen = driver.row
    out.led = chosen.root_child if out.child and chosen.root_child else chosen.root
    out.root = out.led
    if driver.flag != SERVICE:
        first = primary(rows[driver.episode - 1])
        diagnoses = [code for row in rows for code in valid_diagnoses(tables.codes, row)]
        record = Record(
            driver.flag,
            driver.code,
            [code for row in rows for code in valid_procedures(tables.codes, row)],
            first,
            [code for code in diagnoses if code != first],
            out.age,
            out.stay,
            text(rows[0], "admission_source"),
        )
        out.moves = moves(tables, out.led, record)
        out.root = out.moves[-1].to if out.moves else out.led
    if out.root not in tables.splits:
        out.reason = ROOT_NOT_IN_DESIGN
    return out.reason is None


def _split(out: Regrouped, tables: GroupTables, rows: Sequence[Row], driver: Candidate) -> None:
    """Score the complications and try the rows of the root."""
    assert out.root is not None
    splits, subchapter = tables.splits[out.root], out.root[:2]
    out.scored = any(split.bounds["cc"] != (None, None) for split in splits)
    if out.scored:
        if subchapter not in tables.cc_held:
            out.reason = CC_LIST_NOT_HELD
            return
        out.scores = scores(
            tables,
            rows,
            driver.episode,
            subchapter,
            driver.code if driver.flag == DIAGNOSIS else None,
        )
        out.score = total(out.scores)
    values: dict[str, int | None] = {
        "cc": out.score if out.scored else None,
        "age": out.age,
        "interventions": total(out.interventions),
        "stay": out.stay,
        "diagnosis_score": None,  # of injuries alone
    }
    out.tried = try_rows(tables, splits, facts_of(tables, rows, values))
    won = winner(out.tried)
    out.hrg = won.hrg if won is not None else None
    out.reason = None if won is not None else NO_SPLIT
