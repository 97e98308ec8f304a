"""Groups episodes and spells to HRGs, as docs/grouping.md has it, one step a function.

An episode is grouped by the same steps as a spell of which it is the only episode; what differs is
what stands around it: the error category, and whether the spell dates may give its duration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tariff.packs.model import Condition
from tariff.reference.tables import GroupTables, RootRow, Split
from tariff.reference.validate import (
    error_categories,
    may_dominate,
    valid_diagnoses,
    valid_procedures,
)
from tariff.reference.values import Episode, day, number, primary, text

PROCEDURE, DIAGNOSIS, UNGROUPED = "P", "D", "U"

DIAGNOSIS_NOT_MAPPED = "diagnosis_not_mapped"
ROOT_NOT_IN_DESIGN = "root_not_in_design"
CC_LIST_NOT_HELD = "cc_list_not_held"
NO_SPLIT = "no_split"
NO_DIAGNOSES = "no_diagnoses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What grouping says of an episode or a spell."""

    hrg: str | None = None
    grouping_flag: str | None
    dominant_code: str | None = None
    dominant_episode: int | None = None  # 1 is the first in the ordered spell
    primary_diagnosis: str | None = None  # of the dominant episode
    cc_score: int | None = None
    error_category: str | None = None
    group_reason: str | None = None
    root: str | None = None
    interventions: int | None = None
    stay: int | None = None


@dataclass(frozen=True, slots=True)
class _Driver:
    """What decides the root: a code, where it stands, and its row in the root table."""

    flag: str
    code: str | None
    place: int  # of its episode
    row: RootRow | None


# ---------------------------------------------------------------- days


def episode_duration(episode: Episode, *, alone: bool) -> int | None:
    """Return the duration of an episode, from its dates where the duration is missing.

    The dates of the spell serve where the spell has one episode (`alone`).
    """
    given = number(episode, "episode_duration")
    if given is not None:
        return given
    pairs = [("episode_start_date", "episode_end_date")]
    if alone:
        pairs.append(("admission_date", "discharge_date"))
    for start, end in pairs:
        first, last = day(episode, start), day(episode, end)
        if first is not None and last is not None:
            return (last - first).days
    return None


def deducted_days(episode: Episode) -> int:
    """Return critical care, rehabilitation and palliative care days together."""
    columns = ("critical_care_days", "rehabilitation_days", "palliative_care_days")
    return sum(number(episode, column) or 0 for column in columns)


def episode_stay(episode: Episode, *, alone: bool) -> int | None:
    """Return the stay that counts in grouping: duration less deducted days, not below 0."""
    duration = episode_duration(episode, alone=alone)
    return None if duration is None else max(0, duration - deducted_days(episode))


# ---------------------------------------------------------------- the driver


def longest_prefix(rows: dict[str, RootRow], code: str) -> RootRow | None:
    """Return the row of the longest prefix that a table has of a code; one without root is none."""
    for length in range(len(code), 0, -1):
        if code[:length] in rows:
            row = rows[code[:length]]
            return row if row.root else None
    return None


def _procedure_driver(tables: GroupTables, episodes: Sequence[Episode]) -> _Driver | None:
    best: _Driver | None = None
    for place, episode in enumerate(episodes):
        for code in valid_procedures(tables.codes, episode):
            row = longest_prefix(tables.procedures, code)
            if row is None or row.rank <= 0 or not may_dominate(tables.codes, code):
                continue
            if best is None or best.row is None or row.rank > best.row.rank:  # first on a tie
                best = _Driver(PROCEDURE, code, place, row)
    return best


def _diagnosis_driver(tables: GroupTables, episodes: Sequence[Episode]) -> _Driver:
    """Return the primary diagnosis of highest rank; one without a row loses to any other."""
    best: _Driver | None = None
    for place, episode in enumerate(episodes):
        code = primary(episode)
        row = longest_prefix(tables.diagnoses, code) if code is not None else None
        candidate = _Driver(DIAGNOSIS, code, place, row)
        if best is None or _strength(candidate) > _strength(best):
            best = candidate
    assert best is not None
    return best


def _strength(driver: _Driver) -> tuple[bool, int]:
    return (driver.row is not None, driver.row.rank if driver.row is not None else 0)


# ---------------------------------------------------------------- scores


def cc_row(tables: GroupTables, diagnosis: str) -> frozenset[str]:
    """Return the subchapters whose CC list has a diagnosis."""
    code = diagnosis
    if len(code) == 3:
        code += tables.codes.filler
    elif len(code) == 5 and code not in tables.cc_members:
        code = code[:4]
    return tables.cc_members.get(code, frozenset())


def _cc_score(tables: GroupTables, diagnoses: set[str], subchapter: str) -> int:
    return sum(tables.cc_score for code in diagnoses if subchapter in cc_row(tables, code))


def _interventions(tables: GroupTables, procedures: Sequence[str], driver: _Driver) -> int:
    dominant = driver.code if driver.flag == PROCEDURE else None
    counted = {
        code
        for code in procedures
        if code != dominant and not code.startswith(tables.excluded_chapters)
    }
    return len(counted)


# ---------------------------------------------------------------- the split


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the rows of a root ask."""

    values: dict[str, int | None]
    procedures: frozenset[str]
    admission_source: str | None
    discharge_destination: str | None


def _within(value: int | None, low: int | None, high: int | None) -> bool:
    """Say whether bounds hold; a bound on an unknown value does not."""
    if low is None and high is None:
        return True
    if value is None:
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _condition_holds(condition: Condition, facts: _Facts) -> bool:
    if condition.unsupported:
        return False
    if condition.discharge_destination:
        return facts.discharge_destination in condition.discharge_destination
    if condition.admission_source:
        return facts.admission_source in condition.admission_source
    if condition.any_procedure:
        return any(code.startswith(tuple(condition.any_procedure)) for code in facts.procedures)
    return not any(code.startswith(tuple(condition.no_procedure)) for code in facts.procedures)


def _split_holds(tables: GroupTables, split: Split, facts: _Facts) -> bool:
    return all(
        _within(facts.values[name], low, high) for name, (low, high) in split.bounds.items()
    ) and all(_condition_holds(tables.conditions[name], facts) for name in split.conditions)


# ---------------------------------------------------------------- grouping


def _group(tables: GroupTables, episodes: Sequence[Episode], *, alone: bool) -> Grouping:
    """Group valid episodes together. `alone`: they are all the episodes of their spell."""
    driver = _procedure_driver(tables, episodes) or _diagnosis_driver(tables, episodes)
    first, last = episodes[0], episodes[-1]
    dominant = episodes[driver.place]
    age = number(first, "age")
    stays = [episode_stay(e, alone=alone and len(episodes) == 1) for e in episodes]
    stay = None if None in stays else sum(s for s in stays if s is not None)
    procedures = [code for e in episodes for code in valid_procedures(tables.codes, e)]
    diagnoses = {code for e in episodes for code in valid_diagnoses(tables.codes, e)}
    interventions = _interventions(tables, procedures, driver)

    def result(
        *, root: str | None, score: int | None = None, hrg: str | None = None, reason: str | None
    ) -> Grouping:
        return Grouping(
            hrg=hrg,
            grouping_flag=driver.flag,
            dominant_code=driver.code,
            dominant_episode=driver.place + 1,
            primary_diagnosis=primary(dominant),
            cc_score=score,
            group_reason=reason,
            root=root,
            interventions=interventions,
            stay=stay,
        )

    if driver.row is None:
        return result(root=None, reason=DIAGNOSIS_NOT_MAPPED)
    child = age is not None and age <= tables.child_max_age
    root = driver.row.root_child if child and driver.row.root_child else driver.row.root
    if root not in tables.splits:
        return result(root=root, reason=ROOT_NOT_IN_DESIGN)
    splits = tables.splits[root]

    subchapter = root[:2]
    score: int | None = None
    if any(split.bounds["cc"] != (None, None) for split in splits):
        if subchapter not in tables.cc_held:
            return result(root=root, reason=CC_LIST_NOT_HELD)
        secondary = diagnoses - {primary(dominant)}
        score = _cc_score(tables, {c for c in secondary if c is not None}, subchapter)

    facts = _Facts(
        values={
            "cc": score,
            "age": age,
            "interventions": interventions,
            "stay": stay,
            "diagnosis_score": None,  # of multiple trauma: never known
        },
        procedures=frozenset(procedures),
        admission_source=text(first, "admission_source"),
        discharge_destination=text(last, "discharge_destination"),
    )
    for split in splits:
        if _split_holds(tables, split, facts):
            return result(root=root, score=score, hrg=split.hrg, reason=None)
    return result(root=root, reason=NO_SPLIT)


def _in_error(tables: GroupTables, category: str) -> Grouping:
    return Grouping(hrg=tables.error_hrg, grouping_flag=UNGROUPED, error_category=category)


def group_episode(
    tables: GroupTables, episodes: Sequence[Episode], place: int, fields: frozenset[str]
) -> Grouping:
    """Group one episode of an ordered spell; its dominant episode is the first of one."""
    if "diag_01" not in fields:
        return Grouping(grouping_flag=None, group_reason=NO_DIAGNOSES)
    category = error_categories(tables, episodes, fields)[place]
    if category is not None:
        return _in_error(tables, category)
    return _group(tables, [episodes[place]], alone=len(episodes) == 1)


def group_spell(
    tables: GroupTables, episodes: Sequence[Episode], fields: frozenset[str]
) -> Grouping:
    """Group an ordered spell without exact copies of rows.

    `fields` are the canonical columns that the extract has.
    """
    if "diag_01" not in fields:
        return Grouping(grouping_flag=None, group_reason=NO_DIAGNOSES)
    categories = error_categories(tables, episodes, fields)
    for category in categories:
        if category is not None:
            return _in_error(tables, category)
    return _group(tables, episodes, alone=True)
