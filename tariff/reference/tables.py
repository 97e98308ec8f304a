"""The tables of the oracle: plain dicts built from loaded packs.

A loaded pack is anything with a `manifest` (a dataclass of `tariff.packs.model`) and `tables`,
where `tables[name].columns` maps a column to its texts. `name` is the key of the manifest that
names the file (`prices`), or the file name itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Protocol, TypeVar

from tariff.packs.model import (
    Applies,
    CcListsPack,
    Chapter,
    CodeSet,
    CodesPack,
    Condition,
    FieldValuesPack,
    FifthCharacters,
    GrouperPack,
    InjuriesPack,
    RootsPack,
    ServicesPack,
    SplitsPack,
)
from tariff.reference.loaded import P
from tariff.reference.loaded import PackLike as PackLike
from tariff.reference.loaded import of_kind as of_kind
from tariff.reference.loaded import side_table as side_table
from tariff.reference.values import half_up


class _Dated(Protocol):
    @property
    def applies(self) -> Applies: ...


D = TypeVar("D", bound=_Dated)


# ---------------------------------------------------------------- reading packs


def by_id(packs: Iterable[PackLike], kind: type[P], identifier: str) -> tuple[P, PackLike]:
    """Return the pack of a class with an id."""
    for manifest, pack in of_kind(packs, kind):
        if manifest.id == identifier:
            return manifest, pack
    raise KeyError(f"no {kind.__name__} with id {identifier}")


def choose_by_date(candidates: Sequence[D], when: date | None) -> D:
    """Return what applies on a date, else the nearest (earlier on a tie), else the newest."""

    def start(candidate: D) -> date:
        return candidate.applies.from_ or date.min

    def distance(candidate: D) -> int:
        assert when is not None
        first, last = candidate.applies.from_ or date.min, candidate.applies.to or date.max
        if when < first:
            return (first - when).days
        return (when - last).days if when > last else 0

    if when is None:
        return max(candidates, key=start)
    return min(candidates, key=lambda candidate: (distance(candidate), start(candidate)))


def date_of_year(year: str) -> date:
    """Return the first day of a tariff year such as 2022/23."""
    return date(int(year[:4]), 4, 1)


def whole(cell: str) -> int | None:
    """Return a whole number, None for a blank."""
    return int(cell) if cell else None


def pence(cell: str) -> int | None:
    """Return pounds as whole pence, None for a blank."""
    return half_up(Fraction(cell) * 100) if cell else None


# ---------------------------------------------------------------- grouping


@dataclass(frozen=True, slots=True)
class CodeTables:
    """The valid codes, and the codes to which a rule of the grouper applies."""

    icd10: frozenset[str]
    filler: str
    chapters: tuple[Chapter, ...]
    place_digit_first: str | None
    place_digit_last: str | None
    never_primary: CodeSet
    child_primary: CodeSet
    opcs4: frozenset[str]
    never_dominant: CodeSet
    vague_primary: CodeSet
    vague_burn: CodeSet
    vague_dominant: CodeSet
    fifth_characters: tuple[FifthCharacters, ...]
    held: dict[str, Applies]  # by classification: the days of which the codes are held
    limits: dict[str, dict[str, dict[str, str]]]  # and by prefix the patients a code is kept for


@dataclass(frozen=True, slots=True)
class RootRow:
    """What a code leads to."""

    root: str
    root_child: str
    rank: int


BOUNDED = ("cc", "age", "interventions", "stay", "diagnosis_score")


@dataclass(frozen=True, slots=True)
class Split:
    """One HRG of a root: inclusive bounds (None is open) and the names of its conditions."""

    hrg: str
    bounds: dict[str, tuple[int | None, int | None]]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """A rule that moves a record from one root to another; every condition given must hold.

    A tuple of sets asks for one code of each; a set is a tuple of prefixes.
    """

    root: str
    to: str
    driver: tuple[tuple[str, ...], ...]
    procedures: tuple[tuple[str, ...], ...]
    no_procedures: tuple[tuple[str, ...], ...]
    primary: tuple[tuple[str, ...], ...]
    diagnoses: tuple[tuple[str, ...], ...]
    no_diagnoses: tuple[tuple[str, ...], ...]
    admission_source: tuple[str, ...]
    age: tuple[int | None, int | None]
    stay: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Injuries:
    """Scores of injuries and of the work they ask for, by prefix, and the roots in order."""

    sites: dict[str, str]
    trauma_diagnoses: dict[str, int]
    trauma_procedures: dict[str, int]
    burn_diagnoses: dict[str, int]
    deep_burns: dict[str, bool]
    burn_areas: dict[str, int]
    burn_procedures: dict[str, int]
    trauma_roots: tuple[str, ...]
    burn_roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Services:
    """Unbundled HRGs, and services whose lone day has a root of its own."""

    unbundled: dict[str, list[tuple[tuple[tuple[str, ...], ...], str]]]  # by prefix: sets, HRG
    unbundled_ages: tuple[dict[str, str], ...]
    by_rehabilitation_day: tuple[str, ...]
    palliative_hrg: str | None
    services: dict[str, str]  # by prefix
    same_day: dict[str, str]  # service to root
    classifications: tuple[str, ...]


NO_INJURIES = Injuries({}, {}, {}, {}, {}, {}, {}, (), ())
NO_SERVICES = Services({}, (), (), None, {}, {}, ())


@dataclass(frozen=True, slots=True)
class GroupTables:
    """Everything that one grouper pack needs."""

    pack_id: str
    applies: Applies
    codes: CodeTables
    fields: FieldValuesPack
    diagnoses: dict[str, RootRow]  # by prefix
    procedures: dict[str, RootRow]  # by prefix
    redirects: tuple[Redirect, ...]
    short_stay_roots: frozenset[str]
    short_stay_max: int
    dagger_pairs: tuple[tuple[str, str], ...]
    injuries: Injuries
    services: Services
    child_max_age: int
    splits: dict[str, list[Split]]  # by root, in the order of the table
    conditions: dict[str, Condition]
    cc_members: dict[str, frozenset[str]]  # code to subchapters
    cc_held: frozenset[str]  # subchapters whose list is held
    cc_score: int
    cc_scores: dict[tuple[str, str], int]  # code and subchapter, where it is not `cc_score`
    excluded_chapters: tuple[str, ...]
    invalid_secondary_is_error: bool
    only_never_dominant_is_error: bool
    error_hrg: str


def code_tables(packs: Iterable[PackLike]) -> CodeTables:
    """Build the code lists from the codes packs of both classifications."""
    valid: dict[str, set[str]] = {"icd10": set(), "opcs4": set()}
    manifests: dict[str, CodesPack] = {}
    limits: dict[str, dict[str, dict[str, str]]] = {"icd10": {}, "opcs4": {}}
    for manifest, pack in of_kind(packs, CodesPack):
        if "limits" in pack.tables:
            rows = {row["code"]: row for row in side_table(pack, "limits")}
            limits[manifest.classification] |= rows
        valid[manifest.classification] |= {row["code"] for row in side_table(pack, "codes")}
        manifests[manifest.classification] = manifest
    icd10, opcs4 = manifests["icd10"], manifests["opcs4"]
    place = icd10.place_digit_categories
    return CodeTables(
        icd10=frozenset(valid["icd10"]),
        filler=icd10.filler,
        chapters=tuple(icd10.chapters),
        place_digit_first=place.from_ if place else None,
        place_digit_last=place.to if place else None,
        never_primary=icd10.never_primary,
        child_primary=icd10.child_primary,
        opcs4=frozenset(valid["opcs4"]),
        never_dominant=opcs4.never_dominant,
        vague_primary=icd10.vague_primary,
        vague_burn=icd10.vague_burn,
        vague_dominant=opcs4.vague_dominant,
        fifth_characters=tuple(icd10.fifth_characters),
        held={name: manifest.applies for name, manifest in manifests.items()},
        limits=limits,
    )


def _root_rows(rows: Iterable[Mapping[str, str]]) -> dict[str, RootRow]:
    return {
        row["code"]: RootRow(row["root"], row.get("root_child", ""), whole(row["rank"]) or 0)
        for row in rows
    }


def _splits(rows: Iterable[Mapping[str, str]]) -> dict[str, list[Split]]:
    by_root: dict[str, list[Split]] = {}
    for row in rows:
        bounds = {b: (whole(row[f"{b}_min"]), whole(row[f"{b}_max"])) for b in BOUNDED}
        split = Split(row["hrg"], bounds, tuple(row["condition"].split()))
        by_root.setdefault(row["root"], []).append(split)
    return by_root


def _sets(cell: str, lists: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    found = []
    for part in cell.split("+") if cell else []:
        prefixes: list[str] = []
        for word in part.split():
            prefixes += lists[word[1:]] if word.startswith("@") else [word]
        found.append(tuple(prefixes))
    return tuple(found)


def _redirects(pack: PackLike, manifest: RootsPack) -> tuple[Redirect, ...]:
    if manifest.redirects is None:
        return ()
    lists: dict[str, list[str]] = {}
    for row in side_table(pack, "lists") if manifest.lists else []:
        lists.setdefault(row["list"], []).append(row["code"])

    def sets(cell: str) -> tuple[tuple[str, ...], ...]:
        return _sets(cell, lists)

    return tuple(
        Redirect(
            root=row["root"],
            to=row["to"],
            driver=sets(row["driver"]),
            procedures=sets(row["procedures"]),
            no_procedures=sets(row["no_procedures"]),
            primary=sets(row["primary"]),
            diagnoses=sets(row["diagnoses"]),
            no_diagnoses=sets(row["no_diagnoses"]),
            admission_source=tuple(row["admission_source"].split()),
            age=(whole(row["age_min"]), whole(row["age_max"])),
            stay=(whole(row["stay_min"]), whole(row["stay_max"])),
        )
        for row in side_table(pack, "redirects")
    )


def _injuries(packs: Sequence[PackLike], name: str) -> Injuries:
    if not name:
        return NO_INJURIES
    manifest, pack = by_id(packs, InjuriesPack, name)

    def scores(table: str) -> dict[str, int]:
        return {row["code"]: int(row["score"]) for row in side_table(pack, table)}

    return Injuries(
        sites={row["code"]: row["site"] for row in side_table(pack, "trauma_diagnoses")},
        trauma_diagnoses=scores("trauma_diagnoses"),
        trauma_procedures=scores("trauma_procedures"),
        burn_diagnoses=scores("burn_diagnoses"),
        deep_burns={
            row["code"]: row["deep"] == "yes" for row in side_table(pack, "burn_diagnoses")
        },
        burn_areas=scores("burn_areas"),
        burn_procedures=scores("burn_procedures"),
        trauma_roots=tuple(manifest.trauma_roots),
        burn_roots=tuple(manifest.burn_roots),
    )


def _services(packs: Sequence[PackLike], name: str) -> Services:
    if not name:
        return NO_SERVICES
    manifest, pack = by_id(packs, ServicesPack, name)
    unbundled: dict[str, list[tuple[tuple[tuple[str, ...], ...], str]]] = {}
    for row in side_table(pack, "unbundled"):
        unbundled.setdefault(row["code"], []).append((_sets(row["with_codes"], {}), row["hrg"]))
    return Services(
        unbundled=unbundled,
        unbundled_ages=tuple(side_table(pack, "unbundled_ages")),
        by_rehabilitation_day=tuple(manifest.by_rehabilitation_day),
        palliative_hrg=manifest.palliative_hrg,
        services={row["code"]: row["service"] for row in side_table(pack, "services")},
        same_day={row["service"]: row["root"] for row in side_table(pack, "same_day")},
        classifications=tuple(manifest.same_day_classifications),
    )


def group_tables(packs: Sequence[PackLike], grouper: str) -> GroupTables:
    """Build the tables of the grouper pack with an id."""
    manifest, _ = by_id(packs, GrouperPack, grouper)
    splits, splits_pack = by_id(packs, SplitsPack, manifest.splits)
    roots, roots_pack = by_id(packs, RootsPack, manifest.roots)
    lists, lists_pack = by_id(packs, CcListsPack, manifest.cc_lists)
    fields, _ = by_id(packs, FieldValuesPack, manifest.field_values)
    members = {
        row["code"]: frozenset(row["subchapters"].split())
        for row in side_table(lists_pack, "members")
    }
    scores = {
        (row["code"], row["subchapter"]): int(row["score"])
        for row in (side_table(lists_pack, "scores") if lists.scores else [])
    }
    for code, subchapter in scores:
        members[code] = members.get(code, frozenset()) | {subchapter}
    listed = frozenset(subchapter for found in members.values() for subchapter in found)
    return GroupTables(
        pack_id=manifest.id,
        applies=manifest.applies,
        codes=code_tables([by_id(packs, CodesPack, code)[1] for code in manifest.codes]),
        fields=fields,
        diagnoses=_root_rows(side_table(roots_pack, "diagnoses")),
        procedures=_root_rows(side_table(roots_pack, "procedures")),
        redirects=_redirects(roots_pack, roots),
        short_stay_roots=frozenset(
            row["root"]
            for row in (side_table(roots_pack, "short_stay") if roots.short_stay else [])
        ),
        short_stay_max=roots.short_stay_max,
        dagger_pairs=tuple(
            (row["dagger"], row["asterisk"])
            for row in (side_table(roots_pack, "dagger_pairs") if roots.dagger_pairs else [])
        ),
        injuries=_injuries(packs, manifest.injuries),
        services=_services(packs, manifest.services),
        child_max_age=roots.child_max_age,
        splits=_splits(
            side_table(splits_pack, "splits")
            + (side_table(splits_pack, "unpriced") if splits.unpriced else [])
        ),
        conditions=dict(splits.conditions),
        cc_members=members,
        cc_held=listed - frozenset(lists.missing),
        cc_score=lists.default_score,
        cc_scores=scores,
        excluded_chapters=tuple(manifest.intervention_chapters_excluded),
        invalid_secondary_is_error=manifest.invalid_secondary == "error",
        only_never_dominant_is_error=manifest.only_never_dominant == "error",
        error_hrg=manifest.error_hrg,
    )


def all_group_tables(packs: Sequence[PackLike]) -> list[GroupTables]:
    """Build the tables of every grouper pack; `choose_by_date` picks the one of a spell."""
    return [group_tables(packs, manifest.id) for manifest, _ in of_kind(packs, GrouperPack)]
