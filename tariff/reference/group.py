"""Groups episodes and spells to HRGs, as docs/grouping.md has it, one step a function.

An episode is grouped by the same steps as a spell of which it is the only episode; what differs is
what stands around it: the error category, and whether the spell dates may give its duration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tariff.packs.model import Condition
from tariff.reference.tables import GroupTables, Redirect, RootRow, Services, Split, whole
from tariff.reference.validate import (
    error_categories,
    may_dominate,
    valid_diagnoses,
    valid_diagnosis,
    valid_procedures,
)
from tariff.reference.values import Episode, day, family, number, primary, text

T = TypeVar("T")

PROCEDURE, DIAGNOSIS, UNGROUPED = "P", "D", "U"
TRAUMA, BURN, SERVICE = "M", "B", "G"
ACCOMPANYING = "ignored"  # the service of procedures that may accompany any other

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
class Driver:
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


def _procedure_driver(
    tables: GroupTables, episodes: Sequence[Episode], stay: int | None
) -> Driver | None:
    best: Driver | None = None
    long = stay is not None and stay > tables.short_stay_max
    for place, episode in enumerate(episodes):
        for code in valid_procedures(tables.codes, episode):
            row = longest_prefix(tables.procedures, code)
            if row is None or row.rank <= 0 or not may_dominate(tables.codes, code):
                continue
            if long and row.root in tables.short_stay_roots:
                continue
            if best is None or best.row is None or row.rank > best.row.rank:  # first on a tie
                best = Driver(PROCEDURE, code, place, row)
    return best


def driving_diagnosis(tables: GroupTables, episode: Episode) -> str | None:
    """Return the primary diagnosis, or the asterisk code after it where the two are a pair."""
    first = primary(episode)
    if first is None:
        return None
    second = next(iter(family(episode, "diag")[1:]), "")
    paired = any(
        first.startswith(dagger) and second.startswith(asterisk)
        for dagger, asterisk in tables.dagger_pairs
    )
    valid = all(valid_diagnosis(tables.codes, code) for code in (first, second))
    return second if paired and valid else first


def _diagnosis_driver(tables: GroupTables, episodes: Sequence[Episode]) -> Driver:
    """Return the primary diagnosis of highest rank; one without a row loses to any other."""
    best: Driver | None = None
    for place, episode in enumerate(episodes):
        code = driving_diagnosis(tables, episode)
        row = longest_prefix(tables.diagnoses, code) if code is not None else None
        candidate = Driver(DIAGNOSIS, code, place, row)
        if best is None or _strength(candidate) > _strength(best):
            best = candidate
    assert best is not None
    return best


def _service_driver(
    tables: GroupTables, episodes: Sequence[Episode], stay: int | None
) -> Driver | None:
    """Return the first procedure of a day that holds nothing but one service, with its root."""
    of = [
        (place, code, longest(tables.services.services, code))
        for place, episode in enumerate(episodes)
        for code in valid_procedures(tables.codes, episode)
    ]
    found = [(place, code, service) for place, code, service in of if service != ACCOMPANYING]
    services = {service for _, _, service in found}
    if len(services) != 1:
        return None
    place, code, service = found[0]
    if service is None or service not in tables.services.same_day:
        return None
    patient_class = text(episodes[0], "patient_classification")
    if stay != 0 or patient_class not in tables.services.classifications:
        return None
    return Driver(SERVICE, code, place, RootRow(tables.services.same_day[service], "", 0))


def find_driver(tables: GroupTables, episodes: Sequence[Episode], stay: int | None) -> Driver:
    """Return what drives where there is no injury."""
    return (
        _procedure_driver(tables, episodes, stay)
        or _service_driver(tables, episodes, stay)
        or _diagnosis_driver(tables, episodes)
    )


def longest(rows: Mapping[str, T], code: str) -> T | None:
    """Return what the longest prefix of a code stands for."""
    for length in range(len(code), 0, -1):
        if code[:length] in rows:
            return rows[code[:length]]
    return None


def _strength(driver: Driver) -> tuple[bool, int]:
    return (driver.row is not None, driver.row.rank if driver.row is not None else 0)


# ---------------------------------------------------------------- scores


def cc_code(tables: GroupTables, diagnosis: str) -> str:
    """Return the code as which a diagnosis is looked up in the CC lists."""
    if len(diagnosis) == 3:
        return diagnosis + tables.codes.filler
    if len(diagnosis) == 5 and diagnosis not in tables.cc_members:
        return diagnosis[:4]
    return diagnosis


def cc_row(tables: GroupTables, diagnosis: str) -> frozenset[str]:
    """Return the subchapters whose CC list has a diagnosis."""
    return tables.cc_members.get(cc_code(tables, diagnosis), frozenset())


def cc_score_of(tables: GroupTables, diagnosis: str, subchapter: str) -> int:
    """Return what a diagnosis scores in a subchapter, 0 where it is not in its list."""
    if subchapter not in cc_row(tables, diagnosis):
        return 0
    return tables.cc_scores.get((cc_code(tables, diagnosis), subchapter), tables.cc_score)


def _cc_score(tables: GroupTables, diagnoses: set[str], subchapter: str) -> int:
    return sum(cc_score_of(tables, code, subchapter) for code in diagnoses)


def _interventions(tables: GroupTables, procedures: Sequence[str], driver: Driver) -> int:
    dominant = driver.code if driver.flag == PROCEDURE else None
    counted = {
        code
        for code in procedures
        if code != dominant and not code.startswith(tables.excluded_chapters)
    }
    return len(counted)


# ---------------------------------------------------------------- the split


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rows of a root ask."""

    values: dict[str, int | None]
    procedures: frozenset[str]
    diagnoses: frozenset[str]
    admission_source: str | None
    discharge_destination: str | None


def within(value: int | None, low: int | None, high: int | None) -> bool:
    """Say whether bounds hold; a bound on an unknown value does not."""
    if low is None and high is None:
        return True
    if value is None:
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def condition_holds(condition: Condition, facts: Facts) -> bool:
    """Say whether a condition of a split holds."""
    if condition.discharge_destination:
        return facts.discharge_destination in condition.discharge_destination
    if condition.admission_source:
        return facts.admission_source in condition.admission_source
    if condition.any_diagnosis:
        return any(code.startswith(tuple(condition.any_diagnosis)) for code in facts.diagnoses)
    if condition.any_procedure:
        return any(code.startswith(tuple(condition.any_procedure)) for code in facts.procedures)
    return not any(code.startswith(tuple(condition.no_procedure)) for code in facts.procedures)


def _split_holds(tables: GroupTables, split: Split, facts: Facts) -> bool:
    return all(
        within(facts.values[name], low, high) for name, (low, high) in split.bounds.items()
    ) and all(condition_holds(tables.conditions[name], facts) for name in split.conditions)


# ---------------------------------------------------------------- injuries


@dataclass(frozen=True, slots=True)
class Injury:
    """What was found before anything else could drive: its flag, code, and scores."""

    flag: str
    code: str
    place: int
    roots: tuple[str, ...]
    diagnosis_score: int
    procedure_score: int


def find_injury(tables: GroupTables, episodes: Sequence[Episode]) -> Injury | None:
    """Return multiple trauma, else a burn, where the episodes hold one."""
    own = tables.injuries
    by_place = [valid_diagnoses(tables.codes, episode) for episode in episodes]
    diagnoses = {code for codes in by_place for code in codes}
    procedures = {c for e in episodes for c in valid_procedures(tables.codes, e)}

    def total(codes: set[str], *scores: Mapping[str, int]) -> int:
        return sum(
            next((found for table in scores if (found := longest(table, code)) is not None), 0)
            for code in codes
        )

    sites = {code: longest(own.sites, code) for code in diagnoses}
    injured = {site for site in sites.values() if site is not None}
    for place, episode in enumerate(episodes):
        first = primary(episode)
        site = sites.get(first) if first is not None else None
        if own.trauma_roots and first is not None and site is not None and injured - {site}:
            return Injury(
                TRAUMA, first, place, own.trauma_roots,
                total(diagnoses, own.trauma_diagnoses), total(procedures, own.trauma_procedures),
            )  # fmt: skip
    for place, codes in enumerate(by_place):
        for code in codes:
            if own.burn_roots and longest(own.deep_burns, code) is True:
                return Injury(
                    BURN, code, place, own.burn_roots,
                    total(diagnoses, own.burn_diagnoses, own.burn_areas),
                    total(procedures, own.burn_procedures),
                )  # fmt: skip
    return None


# ---------------------------------------------------------------- redirects


def _meets(codes: Iterable[str], sets: tuple[tuple[str, ...], ...]) -> bool:
    """Say whether each set has a prefix of one of the codes."""
    codes = list(codes)
    return all(any(code.startswith(prefixes) for code in codes) for prefixes in sets)


def redirect_holds(
    rule: Redirect,
    driver: tuple[str, str | None],
    procedures: Iterable[str],
    first: str | None,
    others: Iterable[str],
    age: int | None,
    stay: int | None,
    source: str | None,
) -> bool:
    """Say whether a redirect applies. `driver` is a flag and a code, `first` the primary."""
    flag, code = driver
    if rule.driver and (flag != PROCEDURE or code is None or not _meets([code], rule.driver)):
        return False
    if any(_meets(procedures, (prefixes,)) for prefixes in rule.no_procedures):
        return False
    if any(_meets(others, (prefixes,)) for prefixes in rule.no_diagnoses):
        return False
    if rule.primary and (first is None or not _meets([first], rule.primary)):
        return False
    if rule.admission_source and source not in rule.admission_source:
        return False
    return (
        _meets(procedures, rule.procedures)
        and _meets(others, rule.diagnoses)
        and within(age, *rule.age)
        and within(stay, *rule.stay)
    )


# ---------------------------------------------------------------- grouping


def _stay(episodes: Sequence[Episode], *, alone: bool) -> int | None:
    stays = [episode_stay(e, alone=alone and len(episodes) == 1) for e in episodes]
    return None if None in stays else sum(s for s in stays if s is not None)


def dominant_procedure(tables: GroupTables, episode: Episode, *, alone: bool) -> str | None:
    """Return the procedure that drives an episode; None where there is none, or an injury does."""
    if find_injury(tables, [episode]) is not None:
        return None
    driver = _procedure_driver(tables, [episode], _stay([episode], alone=alone))
    return driver.code if driver is not None else None


def _dominant(tables: GroupTables, episodes: Sequence[Episode]) -> Callable[[Episode], str | None]:
    return partial(dominant_procedure, tables, alone=len(episodes) == 1)


def _group(tables: GroupTables, episodes: Sequence[Episode], *, alone: bool) -> Grouping:
    """Group valid episodes together. `alone`: they are all the episodes of their spell."""
    first, last = episodes[0], episodes[-1]
    age = number(first, "age")
    stay = _stay(episodes, alone=alone)
    procedures = [code for e in episodes for code in valid_procedures(tables.codes, e)]
    diagnoses = {code for e in episodes for code in valid_diagnoses(tables.codes, e)}
    facts = Facts(
        values={"cc": None, "age": age, "interventions": None, "stay": stay,
                "diagnosis_score": None},
        procedures=frozenset(procedures),
        diagnoses=frozenset(diagnoses),
        admission_source=text(first, "admission_source"),
        discharge_destination=text(last, "discharge_destination"),
    )  # fmt: skip
    injury = find_injury(tables, episodes)
    if injury is not None:
        return _group_injury(tables, injury, facts, episodes)

    driver = find_driver(tables, episodes, stay)
    dominant = episodes[driver.place]
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
    others = {c for c in diagnoses if c != primary(dominant)}
    for rule in tables.redirects if driver.flag != SERVICE else ():
        if rule.root == root and redirect_holds(
            rule, (driver.flag, driver.code), procedures, primary(dominant), others,
            age, stay, facts.admission_source,
        ):  # fmt: skip
            root = rule.to
    if root not in tables.splits:
        return result(root=root, reason=ROOT_NOT_IN_DESIGN)
    splits = tables.splits[root]

    subchapter = root[:2]
    score: int | None = None
    if any(split.bounds["cc"] != (None, None) for split in splits):
        if subchapter not in tables.cc_held:
            return result(root=root, reason=CC_LIST_NOT_HELD)
        own = {driver.code} if driver.flag == DIAGNOSIS else set()
        score = _cc_score(tables, {c for c in others if c not in own}, subchapter)
    facts.values.update(cc=score, interventions=interventions)
    for split in splits:
        if _split_holds(tables, split, facts):
            return result(root=root, score=score, hrg=split.hrg, reason=None)
    return result(root=root, reason=NO_SPLIT)


def _group_injury(
    tables: GroupTables, injury: Injury, facts: Facts, episodes: Sequence[Episode]
) -> Grouping:
    """Choose among the splits of the roots of an injury, in their order."""
    facts.values.update(  # complications do not count
        interventions=injury.procedure_score, diagnosis_score=injury.diagnosis_score
    )
    root, hrg = injury.roots[0], None
    for candidate in injury.roots:
        splits = tables.splits.get(candidate, [])
        hrg = next((s.hrg for s in splits if _split_holds(tables, s, facts)), None)
        if hrg is not None:
            root = candidate
            break
    return Grouping(
        hrg=hrg,
        grouping_flag=injury.flag,
        dominant_code=injury.code,
        dominant_episode=injury.place + 1,
        primary_diagnosis=primary(episodes[injury.place]),
        group_reason=None if hrg is not None else NO_SPLIT,
        root=root,
        interventions=injury.procedure_score,
        stay=facts.values["stay"],
    )


def unbundled(tables: GroupTables, episode: Episode) -> list[str]:
    """Return the unbundled HRGs of an episode, `CODE*days` where they count days."""
    return [hrg for _, hrg in unbundled_from(tables, episode)]


def unbundled_from(tables: GroupTables, episode: Episode) -> list[tuple[str, str]]:
    """Return the unbundled HRGs of an episode, each after its procedure (blank for days alone)."""
    own, found = tables.services, []
    procedures = valid_procedures(tables.codes, episode)
    for code in procedures:
        rows = longest(own.unbundled, code) or []
        hrg = next((hrg for sets, hrg in rows if _meets(procedures, sets)), None)
        if hrg is not None:
            days = number(episode, "rehabilitation_days") or 0
            found.append((code, hrg, days if hrg in own.by_rehabilitation_day else 0))
    palliative = number(episode, "palliative_care_days") or 0
    if palliative > 0 and own.palliative_hrg is not None:
        found.append(("", own.palliative_hrg, palliative))
    age = number(episode, "age")
    return [
        (code, _lettered(own, hrg, age) + (f"*{days}" if days > 0 else ""))
        for code, hrg, days in found
    ]


def _lettered(own: Services, hrg: str, age: int | None) -> str:
    for row in own.unbundled_ages:
        if row["hrg"] == hrg and within(age, whole(row["age_min"]), whole(row["age_max"])):
            return row["to"]
    return hrg


def _in_error(tables: GroupTables, category: str) -> Grouping:
    return Grouping(hrg=tables.error_hrg, grouping_flag=UNGROUPED, error_category=category)


def group_episode(
    tables: GroupTables, episodes: Sequence[Episode], place: int, fields: frozenset[str]
) -> Grouping:
    """Group one episode of an ordered spell; its dominant episode is the first of one."""
    if "diag_01" not in fields:
        return Grouping(grouping_flag=None, group_reason=NO_DIAGNOSES)
    category = error_categories(tables, episodes, fields, _dominant(tables, episodes))[place]
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
    categories = error_categories(tables, episodes, fields, _dominant(tables, episodes))
    for category in categories:
        if category is not None:
            return _in_error(tables, category)
    return _group(tables, episodes, alone=True)
