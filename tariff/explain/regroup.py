"""Groups one spell again, step by step, keeping what every step looked at (docs/grouping.md).

Only for telling: `tariff.explain.agree` compares what it comes to with the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tariff.explain.rows import Row, family_of
from tariff.packs.model import Condition
from tariff.reference.group import DIAGNOSIS, PROCEDURE, cc_row, deducted_days, episode_duration
from tariff.reference.tables import GroupTables, RootRow, Split
from tariff.reference.validate import may_dominate, valid_diagnosis, valid_procedure
from tariff.reference.values import number, primary, text

BOUND_NAMES = {
    "cc": "CC score",
    "age": "age",
    "interventions": "interventions",
    "stay": "stay",
    "diagnosis_score": "diagnosis score",
}


@dataclass(frozen=True)
class Candidate:
    """A code that could drive: where it stands, what it leads to, and what came of it."""

    flag: str
    episode: int  # from 1
    position: int
    code: str
    prefix: str
    row: RootRow | None
    barred: str = ""  # why it cannot drive


@dataclass(frozen=True)
class Counted:
    """A code that scores or counts, or why it does not."""

    episode: int
    code: str
    count: int
    why: str


@dataclass(frozen=True)
class Tried:
    """A row of the root: its HRG, what it asks, and what failed (empty where it holds)."""

    hrg: str
    asks: str
    failed: str
    reached: bool


@dataclass
class Regrouped:
    """What grouping the spell again came to, and how."""

    candidates: list[Candidate] = field(default_factory=list)
    driver: Candidate | None = None
    root: str | None = None
    child: bool = False
    scores: list[Counted] = field(default_factory=list)
    scored: bool = False  # the root is split by CC score
    score: int = 0
    interventions: list[Counted] = field(default_factory=list)
    durations: list[tuple[int | None, str, int, int | None]] = field(default_factory=list)
    stay: int | None = None
    age: int | None = None
    tried: list[Tried] = field(default_factory=list)
    hrg: str | None = None
    reason: str | None = None


# ---------------------------------------------------------------- the spell


def regroup(tables: GroupTables, rows: Sequence[Row]) -> Regrouped:
    """Group the episodes of a valid spell together."""
    out = Regrouped()
    out.candidates = _procedures(tables, rows) + _diagnoses(tables, rows)
    out.driver = _choose(out.candidates)
    out.age = number(rows[0], "age")
    _days(out, rows)
    dominant = out.driver.code if out.driver.flag == PROCEDURE else None
    out.interventions = _interventions(tables, rows, dominant)
    if out.driver.row is None:
        out.reason = "diagnosis_not_mapped"
        return out
    out.child = out.age is not None and out.age <= tables.child_max_age
    chosen = out.driver.row
    out.root = chosen.root_child if out.child and chosen.root_child else chosen.root
    splits = tables.splits.get(out.root)
    if splits is None:
        out.reason = "root_not_in_design"
        return out
    out.scored = any(split.bounds["cc"] != (None, None) for split in splits)
    if out.scored:
        if out.root[:2] not in tables.cc_held:
            out.reason = "cc_list_not_held"
            return out
        out.scores = _scores(tables, rows, out.driver.episode, out.root[:2])
        out.score = sum(line.count for line in out.scores)
    _split(out, tables, rows, splits)
    return out


def _days(out: Regrouped, rows: Sequence[Row]) -> None:
    for row in rows:
        duration = episode_duration(row, alone=len(rows) == 1)
        off = deducted_days(row)
        stay = None if duration is None else max(0, duration - off)
        out.durations.append((duration, _how(row, duration), off, stay))
    stays = [stay for *_, stay in out.durations]
    out.stay = None if None in stays else sum(stay or 0 for stay in stays)


def _how(row: Row, duration: int | None) -> str:
    if duration is None:
        return "not known"
    if number(row, "episode_duration") is not None:
        return "as given"
    dated = "episode_start_date" in row and "episode_end_date" in row
    return "from the episode dates" if dated else "from the spell dates"


# ---------------------------------------------------------------- what drives


def _prefix(rows: dict[str, RootRow], code: str) -> str:
    """Give the longest prefix of a code that a table has, empty where it has none."""
    return next((code[:n] for n in range(len(code), 0, -1) if code[:n] in rows), "")


def _procedures(tables: GroupTables, rows: Sequence[Row]) -> list[Candidate]:
    out = []
    for episode, row in enumerate(rows, 1):
        for position, code in family_of(row, "oper_"):
            prefix = _prefix(tables.procedures, code)
            leads = tables.procedures.get(prefix)
            barred = ""
            if not valid_procedure(tables.codes, code):
                barred, leads = "not a valid code: left out", None
            elif leads is None:
                barred = "cannot drive: no row of the root table has it"
            elif leads.rank <= 0:
                barred = "cannot drive: rank 0, an intervention only"
            elif not may_dominate(tables.codes, code):
                barred = "cannot drive: such a code may not be dominant"
            out.append(Candidate(PROCEDURE, episode, position, code, prefix, leads, barred))
    return out


def _diagnoses(tables: GroupTables, rows: Sequence[Row]) -> list[Candidate]:
    out = []
    for episode, row in enumerate(rows, 1):
        code = primary(row)
        if code is not None:
            prefix = _prefix(tables.diagnoses, code)
            leads = tables.diagnoses.get(prefix)
            out.append(Candidate(DIAGNOSIS, episode, 1, code, prefix, leads))
    return out


def _choose(candidates: Sequence[Candidate]) -> Candidate:
    """Give the procedure of highest rank, else the primary diagnosis of highest; first on a tie."""
    procedures = [c for c in candidates if c.flag == PROCEDURE and not c.barred]
    if procedures:
        return max(procedures, key=_rank)
    return max((c for c in candidates if c.flag == DIAGNOSIS), key=_rank)


def _rank(candidate: Candidate) -> tuple[bool, int]:
    return candidate.row is not None, candidate.row.rank if candidate.row else 0


def standing(candidate: Candidate, driver: Candidate) -> str:
    """Say what came of a code that could drive."""
    if candidate is driver:
        return "drives" if driver.row else "no row of the root table has it: no HRG"
    if candidate.barred:
        return candidate.barred
    if candidate.flag != driver.flag:
        return "not asked: a procedure drives"
    if candidate.code == driver.code:
        return "the same code again"
    if candidate.row is None:
        return "no row of the root table has it"
    if _rank(candidate) < _rank(driver):
        return "lower rank"
    return "the same rank, but later"


# ---------------------------------------------------------------- scores and counts


def _scores(
    tables: GroupTables, rows: Sequence[Row], dominant: int, subchapter: str
) -> list[Counted]:
    """Score each diagnosis but the primary of the dominant episode."""
    first = primary(rows[dominant - 1])
    seen: set[str] = set()
    out = []
    for episode, row in enumerate(rows, 1):
        for position, code in family_of(row, "diag_"):
            if episode == dominant and position == 1:
                continue
            count, why = 0, f"not in the list of {subchapter}"
            if not valid_diagnosis(tables.codes, code):
                why = "not a valid code: left out"
            elif code == first:
                why = "equal to the primary: does not score"
            elif code in seen:
                why = "repeated: scores once"
            elif subchapter in cc_row(tables, code):
                count, why = tables.cc_score, f"in the list of {subchapter}"
            seen.add(code)
            out.append(Counted(episode, code, count, why))
    return out


def _interventions(tables: GroupTables, rows: Sequence[Row], dominant: str | None) -> list[Counted]:
    seen: set[str] = set()
    out = []
    for episode, row in enumerate(rows, 1):
        for _, code in family_of(row, "oper_"):
            count, why = 1, "counts"
            if not valid_procedure(tables.codes, code):
                count, why = 0, "not a valid code: left out"
            elif code == dominant:
                count, why = 0, "drives: does not count"
            elif code in seen:
                count, why = 0, "repeated: counts once"
            elif code.startswith(tables.excluded_chapters):
                count, why = 0, f"chapter {code[0]} does not count"
            seen.add(code)
            out.append(Counted(episode, code, count, why))
    return out


# ---------------------------------------------------------------- the split


def _split(
    out: Regrouped, tables: GroupTables, rows: Sequence[Row], splits: Sequence[Split]
) -> None:
    facts = {
        "cc": out.score if out.scored else None,
        "age": out.age,
        "interventions": sum(line.count for line in out.interventions),
        "stay": out.stay,
        "diagnosis_score": None,  # of multiple trauma: never known
    }
    procedures = {
        code
        for row in rows
        for _, code in family_of(row, "oper_")
        if valid_procedure(tables.codes, code)
    }
    source = text(rows[0], "admission_source")
    destination = text(rows[-1], "discharge_destination")
    for split in splits:
        asks, failed = [], []
        for name, (low, high) in split.bounds.items():
            if low is None and high is None:
                continue
            words = f"{BOUND_NAMES[name]} {_range(low, high)}"
            asks.append(words)
            value = facts[name]
            if value is None:
                failed.append(f"{BOUND_NAMES[name]} is not known")
            elif not (low is None or value >= low) or not (high is None or value <= high):
                failed.append(f"{BOUND_NAMES[name]} is {value:,}")
        for name in split.conditions:
            asks.append(name.replace("_", " "))
            why = _condition(tables.conditions[name], procedures, source, destination)
            if why:
                failed.append(why)
        reached = out.hrg is None
        holds = reached and not failed
        words = ", ".join(asks) or "nothing"
        out.tried.append(Tried(split.hrg, words, "; ".join(failed), reached))
        if holds:
            out.hrg = split.hrg
    if out.hrg is None:
        out.reason = "no_split"


def _range(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return str(low) if low == high else f"{low} to {high}"
    return f"{low} or more" if low is not None else f"{high} or less"


def _condition(
    condition: Condition, procedures: set[str], source: str | None, destination: str | None
) -> str:
    """Say why a condition does not hold; empty where it does."""
    if condition.unsupported:
        return "never holds here: its figures are not public"
    if condition.discharge_destination:
        held = destination in condition.discharge_destination
        return "" if held else f"discharged to {destination or 'nowhere stated'}"
    if condition.admission_source:
        held = source in condition.admission_source
        return "" if held else f"admitted from {source or 'nowhere stated'}"
    if condition.any_procedure:
        wanted = tuple(condition.any_procedure)
        held = any(code.startswith(wanted) for code in procedures)
        return "" if held else "none of its procedures is there"
    ruled_out = sorted(c for c in procedures if c.startswith(tuple(condition.no_procedure)))
    return f"{ruled_out[0]} is there" if ruled_out else ""
