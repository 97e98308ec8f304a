"""Measure how far the shipped tables of 2024/25 reach: codes, HRG roots, HRGs.

A root counts as reached where the reference implementation led a made record to it, an HRG where
made facts choose it. `tools/build_docs.py` writes the figures into docs/grouping-status.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from tariff.packs.load import PackSet, load_packs
from tariff.reference.group import (
    Facts,
    Grouping,
    _split_holds,
    group_spell,
    longest,
)
from tariff.reference.tables import GroupTables, Redirect, RootRow, Split, group_tables, side_table
from tariff.reference.validate import in_code_set, may_dominate
from tariff.reference.values import Value

GROUPER = "hrg-2024-25"
NEUTRAL = "Z488"  # surgical follow-up care: a primary diagnosis that asks for nothing
AGES, STAYS = (40, 10, 0, 70), (0, 2, 10)
SOURCE, OTHER_SOURCE = "19", "79"  # the usual place of residence; born in hospital
DIED = "79"
FIELDS = frozenset({"diag_01", "age"})

NOWHERE = RootRow("", "", 0)

Record = dict[str, Value]


@cache
def packs() -> PackSet:
    """The packs that ship."""
    return load_packs()


@cache
def tables() -> GroupTables:
    """The tables of the newest grouper."""
    return group_tables(list(packs()), GROUPER)


@cache
def priced_roots() -> frozenset[str]:
    """The roots of the price list of 2024/25."""
    return frozenset(row["root"] for row in side_table(packs().by_id("splits-2024-25"), "splits"))


# ---------------------------------------------------------------- codes


@dataclass(frozen=True)
class Share:
    """How many codes lead to a root of the price list, and to any published root."""

    codes: int
    priced: int
    published: int


def share(codes: Iterable[str], rows: dict[str, RootRow]) -> Share:
    """Count the roots to which the rows of some codes lead."""
    found = [longest(rows, code) for code in codes]
    roots = [row.root if row is not None else "" for row in found]
    priced = sum(root in priced_roots() or root.startswith("JB") for root in roots)
    return Share(len(roots), priced, sum(root in tables().splits for root in roots))


@cache
def diagnoses() -> tuple[str, ...]:
    """The ICD-10 list; a category without subdivision stands in records with the filler."""
    codes = tables().codes
    return tuple(sorted(code + codes.filler * (len(code) == 3) for code in codes.icd10))


@cache
def primaries() -> tuple[str, ...]:
    """The diagnoses that may stand first."""
    codes = tables().codes
    barred = (codes.never_primary, codes.vague_primary, codes.vague_burn)
    return tuple(c for c in diagnoses() if not any(in_code_set(each, c) for each in barred))


@cache
def procedures() -> tuple[str, ...]:
    """The OPCS-4 list."""
    return tuple(sorted(tables().codes.opcs4))


def dominants() -> list[str]:
    """The procedures that may be the dominant one: neither sites nor methods."""
    return [code for code in procedures() if may_dominate(tables().codes, code)]


@cache
def rank(code: str) -> int:
    """By how much a procedure competes, 0 where it never drives."""
    row = longest(tables().procedures, code)
    return row.rank if row is not None and may_dominate(tables().codes, code) else 0


def drivers() -> list[str]:
    """The procedures that drive: those of a rank above 0."""
    return [code for code in dominants() if rank(code) > 0]


def shares() -> dict[str, Share]:
    """The shares of the codes that lead to a root, by what is counted."""
    d, p = tables().diagnoses, tables().procedures
    return {
        "ICD-10, all codes": share(diagnoses(), d),
        "ICD-10 that may stand first": share(primaries(), d),
        "OPCS-4, all codes": share(procedures(), p),
        "OPCS-4 that may be dominant (not Y, not Z)": share(dominants(), p),
        "OPCS-4 that drive (rank above 0)": share(drivers(), p),
    }


def by_design() -> Iterator[tuple[str, int, int]]:
    """Of each grouper the codes that may drive whose row leads to a root that its design holds."""
    for pack in packs().by_kind("grouper"):
        own = group_tables(list(packs()), pack.manifest.id)
        first, driving = (
            sum((longest(rows, code) or NOWHERE).root in own.splits for code in codes)
            for codes, rows in ((primaries(), own.diagnoses), (drivers(), own.procedures))
        )
        yield pack.manifest.id, first, driving


def never_driving() -> Counter[str]:
    """The reasons of the procedures that may be dominant but never drive, by number of codes."""
    rows = side_table(packs().by_id("roots-reconstructed"), "procedures")
    notes = {row["code"]: row["note"] for row in rows}
    return Counter(longest(notes, code) or "no row" for code in dominants() if rank(code) <= 0)


# ---------------------------------------------------------------- roots


def record(first: str, oper: Sequence[str], age: int, stay: int, **values: Value) -> Record:
    """A record of one episode."""
    return {
        "diag_01": first,
        "age": age,
        "episode_duration": stay,
        "admission_source": SOURCE,
        "patient_classification": "1",
        **{f"oper_{place:02}": code for place, code in enumerate(oper, 1)},
        **values,
    }


def by_rows() -> Iterator[Record]:
    """A record of an adult and one of a child for each code that may drive."""
    for code in primaries():
        yield from (record(code, (), age, 2) for age in AGES[:2])
    for code in drivers():
        yield from (record(NEUTRAL, (code,), age, 1) for age in AGES[:2])


def by_services() -> Iterator[Record]:
    """A day that holds one procedure of a service."""
    for code in procedures():
        if longest(tables().services.services, code) in tables().services.same_day:
            yield record(NEUTRAL, (code,), 40, 0, patient_classification="2")


def by_injuries() -> Iterator[Record]:
    """Pairs of injuries with more and more work; burns of every depth, area and work."""
    own, codes = tables().injuries, diagnoses()
    injuries: dict[str, str] = {}
    for code in codes:
        site = longest(own.sites, code)
        if site is not None:
            injuries.setdefault(site, code)
    first, second = list(injuries.values())[:2]
    work = sorted((c for c in procedures() if longest(own.trauma_procedures, c)),
                  key=lambda c: longest(own.trauma_procedures, c) or 0)  # fmt: skip
    for oper in [(), *((code,) for code in work), *(work[-n:] for n in range(2, 9))]:
        yield record(first, oper, 40, 2, diag_02=second)
    grafts = [code for code in procedures() if longest(own.burn_procedures, code)]
    burns = [code for code in codes if longest(own.burn_diagnoses, code) is not None]
    deep = [code for code in burns if longest(own.deep_burns, code)]
    deep.sort(key=lambda code: longest(own.burn_diagnoses, code) or 0)
    areas = [code for code in codes if longest(own.burn_areas, code) is not None]
    for count, area, grafted, age in product(range(1, 8), areas, (0, 1, 3), (40, 5)):
        others = {f"diag_{n:02}": code for n, code in enumerate([area, *deep[1:count]], 2)}
        yield record(deep[0], grafts[:grafted], age, 5, **others)
    yield record(deep[0], (), 40, 0, diag_02=areas[0], discharge_destination=DIED)
    yield from (record(code, (), 40, 5, diag_02=areas[0]) for code in burns if code not in deep)


def meeting(rule: Redirect, start: Record) -> Iterator[Record]:
    """Records that a redirect asks for, made from one that leads to the root it starts from."""
    oper = [str(code) for name, code in start.items() if name.startswith("oper_")]
    driver = oper[0] if oper else ""
    if not all(driver.startswith(wanted) for wanted in rule.driver):
        return
    ages = _inside(rule.age, AGES)
    age = start["age"] if start["age"] in ages else ages[0]
    missing = [wanted for wanted in rule.procedures if not any(c.startswith(wanted) for c in oper)]
    for choice in range(3 if missing or rule.primary else 1):
        first = str(start["diag_01"])
        for wanted in rule.primary:
            fits = [code for code in primaries() if code.startswith(wanted)]
            if driver and fits and not first.startswith(wanted):
                first = fits[min(choice, len(fits) - 1)]
        others = [_other(wanted, first) for wanted in rule.diagnoses]
        more = [_beside(wanted, driver, choice) for wanted in missing]
        yield start | {
            "diag_01": first,
            "age": age,
            "episode_duration": _inside(rule.stay, STAYS)[0],
            "admission_source": (*rule.admission_source, start["admission_source"])[0],
            **{f"diag_{place:02}": code for place, code in enumerate(others, 2)},
            **{f"oper_{place:02}": code for place, code in enumerate([*oper, *more], 1)},
        }


def staying(root: str, start: Record) -> Iterator[Record]:
    """Records that keep what a redirect would take away, made from one that it takes."""
    count = sum(name.startswith("oper_") for name in start)
    for rule in tables().redirects:
        if rule.root == root:
            for wanted in rule.no_procedures:
                code = _beside(wanted, str(start.get("oper_01") or ""), 0)
                yield start | {f"oper_{count + 1:02}": code}
            if rule.admission_source:
                yield start | {"admission_source": OTHER_SOURCE}


def _inside(bounds: tuple[int | None, int | None], values: Sequence[int]) -> list[int]:
    low, high = bounds
    fits = [v for v in values if (low is None or v >= low) and (high is None or v <= high)]
    return fits or [low if low is not None else high or 0]


@cache
def _diagnoses_of(wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in diagnoses() if code.startswith(wanted))


@cache
def _procedures_of(wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted((code for code in procedures() if code.startswith(wanted)), key=rank))


def _other(wanted: tuple[str, ...], first: str) -> str:
    """A diagnosis of a set that is not the primary."""
    return next((code for code in _diagnoses_of(wanted) if code != first), "")


def _beside(wanted: tuple[str, ...], driver: str, choice: int) -> str:
    """A procedure of a set that does not drive in the place of the driver."""
    every = _procedures_of(wanted)
    fits = [code for code in every if rank(code) <= rank(driver)] or every
    return fits[min(choice * max(1, len(fits) // 3), len(fits) - 1)]


def grouped(made: Record) -> Grouping:
    """Group a record by the reference implementation."""
    return group_spell(tables(), [made], FIELDS)


@dataclass(frozen=True)
class Witness:
    """A record that leads to a root, and the way that it took."""

    record: Record
    way: str


@cache
def witnesses() -> dict[str, Witness]:
    """A record for each root that one was found for."""
    found: dict[str, Witness] = {}
    starts: dict[str, dict[str, Record]] = {}  # by root, then by driver and age

    def keep(made: Record, way: str) -> None:
        grouping = grouped(made)
        if grouping.error_category is not None or grouping.root not in tables().splits:
            return
        driver = made.get("oper_01") or made["diag_01"]
        rows = tables().procedures if made.get("oper_01") else tables().diagnoses
        row = longest(rows, str(driver))
        for root in {grouping.root, row.root if row is not None else grouping.root}:
            starts.setdefault(root, {}).setdefault(f"{driver} {made['age']}", made)
        found.setdefault(grouping.root, Witness(made, way))

    for way, records in WAYS.items():
        for made in records():
            keep(made, way)
    while True:  # redirects build on each other
        before = len(found)
        for root in sorted(tables().splits.keys() - found.keys()):
            for start in list(starts.get(root, {}).values())[:20]:
                for made in staying(root, start):
                    keep(made, "redirect")
            for rule in tables().redirects:
                if rule.to == root and root not in found:
                    for start in list(starts.get(rule.root, {}).values())[:200]:
                        for made in meeting(rule, start):
                            keep(made, "redirect")
                        if root in found:
                            break
                        for kept in staying(rule.root, start):
                            for made in meeting(rule, kept):
                                keep(made, "redirect")
        if len(found) == before:
            return found


WAYS = {"row": by_rows, "service": by_services, "injury": by_injuries}


# ---------------------------------------------------------------- HRGs of a root


def facts_for(split: Split) -> Facts:
    """Facts that a row of a root asks for: its lowest bounds, and what its conditions want."""
    values: dict[str, int | None] = {
        name: low if low is not None else high if high is not None else 40
        for name, (low, high) in split.bounds.items()
    }
    wanted = [tables().conditions[name] for name in split.conditions]
    return Facts(
        values=values,
        procedures=frozenset(c.any_procedure[0] for c in wanted if c.any_procedure),
        diagnoses=frozenset(c.any_diagnosis[0] for c in wanted if c.any_diagnosis),
        admission_source=next((c.admission_source[0] for c in wanted if c.admission_source), None),
        discharge_destination=next(
            (c.discharge_destination[0] for c in wanted if c.discharge_destination), None
        ),
    )


def chosen(root: str, facts: Facts) -> str | None:
    """The HRG of a root that facts choose: the first row that holds."""
    return next((s.hrg for s in tables().splits[root] if _split_holds(tables(), s, facts)), None)


def without_list(root: str) -> bool:
    """Say whether a root is split by a CC score whose list is not held."""
    scored = any(split.bounds["cc"] != (None, None) for split in tables().splits[root])
    return scored and root[:2] not in tables().cc_held


# ---------------------------------------------------------------- the page


def _line(label: str, cells: Iterable[object]) -> str:
    return f"| {' | '.join([label, *map(str, cells)])} |"


def _part(count: int, of: int) -> str:
    return f"{count:,} ({count / of:.1%})"


def page() -> list[str]:
    """The measures as lines of Markdown."""
    lines = ["| codes | number | to a root of the price list or JB | to any published root |",
             "|---|---|---|---|"]  # fmt: skip
    for label, each in shares().items():
        cells = (
            f"{each.codes:,}",
            _part(each.priced, each.codes),
            _part(each.published, each.codes),
        )
        lines.append(_line(label, cells))
    lines += [
        "",
        "| grouper | ICD-10 that may stand first, to a root of its design | OPCS-4 that drive |",
        "|---|---|---|",
        *(
            _line(f"`{name}`", (_part(first, len(primaries())), _part(driving, len(drivers()))))
            for name, first, driving in by_design()
        ),
    ]
    reasons = sorted(never_driving().items(), key=lambda each: (-each[1], each[0]))
    lines += [
        "",
        f"{sum(count for _, count in reasons):,} procedures that may be dominant never drive:",
        "their rank is 0. By reason, as the rows have it:",
        "",
        "| reason | codes |",
        "|---|---|",
        *(_line(reason, [count]) for reason, count in reasons),
    ]
    found, priced = witnesses(), priced_roots()
    ways = Counter(each.way for root, each in found.items() if root in priced)
    without = sorted(priced - found.keys())
    lines += [
        "",
        "| roots of the price list reached by | roots |",
        "|---|---|",
        *(_line(WAY_NAMES[way], [ways[way]]) for way in WAY_NAMES),
        _line(f"not reached: {', '.join(without)}", [len(without)]),
        _line("all", [len(priced)]),
    ]
    hrgs = [split.hrg for root in sorted(priced) for split in tables().splits[root]]
    missing = Counter(hrg[:2] for hrg in hrgs if without_list(hrg[:4]))
    parts = ", ".join(f"{name} {count}" for name, count in sorted(missing.items()))
    lines += [
        "",
        f"Each of the {len(hrgs):,} HRGs of the list is chosen by some facts once its root is",
        f"reached. Of these {missing.total()} belong to roots split by a CC score whose list is",
        f"not held ({parts}): they are reached only with such a list.",
    ]
    return lines


WAY_NAMES = {
    "row": "the row of a code",
    "redirect": "a redirect",
    "injury": "multiple trauma",
    "service": "a day of one service",
}
