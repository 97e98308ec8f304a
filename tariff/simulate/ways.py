"""The ways to a root: a code that leads there, and what must or may not stand beside it.

A code has its root in the tables that ship; `redirects.csv` then moves a record on by what else it
holds. A *way* is a procedure, the procedures that must stand beside it so that the root is reached,
and the diagnoses for which it is then done. What a redirect asks of further diagnoses is left to
chance: those are drawn later, whatever the root.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product

from tariff.reference.group import DIAGNOSIS, PROCEDURE, redirect_holds
from tariff.reference.tables import Redirect
from tariff.simulate import shipped

ROOTS = "hrg/roots-reconstructed"
CHILD, ADULT = 8, 50  # ages at which redirects are tried
NIGHTS = 3  # and a stay of neither the short nor the long ones
FEW, FEWER = 3, 2  # how many codes are tried of one set, of each of several
# The source of admission that some roots go with; any other is from home.
SOURCES = {"PB03": "79", "PB04": "79", "PB05": "51"}
HOME = "19"
# Deliveries with an epidural, induction or repair: their activity is counted with the others'.
FOLDED = {f"NZ{tens}{unit}": f"NZ{tens}0" for tens in "34" for unit in "1234"}
MOST_BESIDE = 3
INJURIES = "hrg/injuries-reconstructed"
# Operations on the injured: the roots of fractures, brain, spine, chest and skin.
TRAUMA_OPERATIONS = ("HT", "AA5", "HC6", "DZ0", "JC4")

Weighted = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Way:
    """A way to a root, for children or for adults."""

    root: str
    child: bool
    code: str
    use: float
    primaries: Weighted
    base: str  # the root of the code alone
    beside: tuple[str, ...] = field(default=())


class Redirects:
    """The redirects of the pack, without those that ask for another diagnosis."""

    def __init__(self) -> None:
        self.of: dict[str, list[tuple[int, Redirect]]] = {}
        self._live: dict[tuple[str, str], Redirects] = {}

    def final(
        self,
        root: str,
        code: str | None,
        beside: Sequence[str],
        primary: str | None,
        *,
        child: bool,
        nights: int = NIGHTS,
        source: str = HOME,
    ) -> str:
        """Return the root in the end; `code` is the procedure that drives, if one does."""
        driver = (DIAGNOSIS, primary) if code is None else (PROCEDURE, code)
        procedures = (*beside,) if code is None else (code, *beside)
        at, age = -1, CHILD if child else ADULT
        while True:
            for place, rule in self.of.get(root, ()):
                if place > at and redirect_holds(
                    rule, driver, procedures, primary, (), age, nights, source
                ):
                    root, at = rule.to, place
                    break
            else:
                return FOLDED.get(root, root)

    def live(self, root: str, code: str) -> Redirects:
        """Return the redirects that a procedure might meet, those of roots it is moved to too."""
        if (root, code) not in self._live:
            self._live[root, code] = self._followed(root, code)
        return self._live[root, code]

    def _followed(self, root: str, code: str) -> Redirects:
        found, ahead = Redirects(), [root]
        while ahead:
            here = ahead.pop()
            met = [
                (place, rule)
                for place, rule in self.of.get(here, ())
                if all(code.startswith(prefixes) for prefixes in rule.driver)
                and _may_last(rule.stay)
            ]
            if met:
                found.of[here] = met
                ahead += [rule.to for _, rule in met if rule.to not in found.of]
        return found

    def rules(self) -> list[Redirect]:
        """Return all of them."""
        return [rule for rules in self.of.values() for _, rule in rules]


def _may_last(bounds: tuple[int | None, int | None]) -> bool:
    """Say whether a stay of a few nights lies within bounds."""
    low, high = bounds
    return (low is None or low <= NIGHTS) and (high is None or high >= NIGHTS)


@cache
def redirects() -> Redirects:
    """Return the redirects, read once."""
    lists: dict[str, list[str]] = defaultdict(list)
    for row in shipped.read_csv(shipped.pack_file(ROOTS, "lists.csv")):
        lists[row["list"]].append(row["code"])

    def sets(cell: str) -> tuple[tuple[str, ...], ...]:
        parts = (part.split() for part in cell.split("+")) if cell else ()
        return tuple(
            tuple(
                prefix
                for word in part
                for prefix in (lists[word[1:]] if word[0] == "@" else [word])
            )
            for part in parts
        )

    def bounds(row: shipped.Row, name: str) -> tuple[int | None, int | None]:
        low, high = row[f"{name}_min"], row[f"{name}_max"]
        return (int(low) if low else None, int(high) if high else None)

    found = Redirects()
    rows = shipped.read_csv(shipped.pack_file(ROOTS, "redirects.csv"))
    for place, row in enumerate(rows):
        if row["diagnoses"]:
            continue
        rule = Redirect(
            root=row["root"],
            to=row["to"],
            driver=sets(row["driver"]),
            procedures=sets(row["procedures"]),
            no_procedures=sets(row["no_procedures"]),
            primary=sets(row["primary"]),
            diagnoses=(),
            no_diagnoses=(),
            admission_source=tuple(row["admission_source"].split()),
            age=bounds(row, "age"),
            stay=bounds(row, "stay"),
        )
        found.of.setdefault(rule.root, []).append((place, rule))
    return found


@cache
def short_roots() -> frozenset[str]:
    """Return the roots whose procedures drive only a stay of one night at most."""
    rows = shipped.read_csv(shipped.pack_file(ROOTS, "short_stay.csv"))
    return frozenset(row["root"] for row in rows)


@cache
def reasons(root: str) -> Weighted:
    """Return the diagnoses for which a root's operations are done."""
    table = {row["prefix"]: row["diagnoses"] for row in shipped.table("reasons")}
    return tuple(
        (code, weight)
        for code, weight in shipped.weighted(shipped.by_prefix(table, root))
        if shipped.valid_codes().diagnosis(code) and not shipped.never_primary(code)
    )


@cache
def _most_used(table: str, prefixes: tuple[str, ...], count: int) -> Weighted:
    """Return the most used valid codes of some prefixes."""
    rows = (row for row in shipped.table(table) if row["code"].startswith(prefixes))
    valid = shipped.valid_codes()
    good = (
        (row["code"], float(row["use"]))
        for row in rows
        if (
            valid.procedure(row["code"])
            if table == "procedure_use"
            else valid.diagnosis(row["code"]) and not shipped.never_primary(row["code"])
        )
    )
    return tuple(sorted(good, key=lambda one: (-one[1], one[0]))[:count])


@cache
def _rank(code: str) -> int:
    """Return the rank of a procedure, 0 where it does not drive."""
    return 0 if shipped.never_dominant(code) else shipped.root_table("procedures").rank(code)


@cache
def operations() -> tuple[Way, ...]:
    """Return the ways of procedures that drive, in the order of the table of their use."""
    valid, roots = shipped.valid_codes(), shipped.root_table("procedures")
    found: list[Way] = []
    known: dict[Alike, list[tuple[str, tuple[str, ...], int, Weighted]]] = {}
    for row in shipped.table("procedure_use"):
        code, use = row["code"], float(row["use"])
        if not valid.procedure(code) or not roots.drives(code) or shipped.never_dominant(code):
            continue
        for child in (False, True):
            root = roots.root(code, child)
            live, rank = redirects().live(root, code), roots.rank(code)
            aged = child and any(rule.age != (None, None) for rule in live.rules())
            same = (root, rank, aged, _alike(live, code))
            if same not in known:
                known[same] = list(_reached(root, rank, live, code, child))
            found += [
                Way(target, child, code, use / among, primaries, root, beside)
                for target, beside, among, primaries in known[same]
                if code not in beside
            ]
    return tuple(_of_one_length(_shared(found)))


def _shared(found: list[Way]) -> list[Way]:
    """Share the use of each procedure out over the roots it reaches, as their activity is."""
    columns = ("day_case", "elective", "non_elective")
    activity = {
        row["root"]: sum(float(row[column]) for column in columns) for row in shipped.table("roots")
    }
    whole: dict[tuple[str, bool], float] = defaultdict(float)
    for root, code, child in dict.fromkeys((way.root, way.code, way.child) for way in found):
        whole[code, child] += activity.get(root, 1.0)
    return [
        replace(way, use=way.use * activity.get(way.root, 1.0) / whole[way.code, way.child])
        for way in found
    ]


Alike = tuple[object, ...]


def _alike(live: Redirects, code: str) -> Alike:
    """Return what is the same of two procedures that redirects treat in the same way."""
    met = tuple(
        code.startswith(prefixes)
        for rule in live.rules()
        for prefixes in (*rule.procedures, *rule.no_procedures)
    )
    return (tuple(id(rule) for rule in live.rules()), met)


def _reached(
    root: str, rank: int, live: Redirects, code: str, child: bool
) -> Iterator[tuple[str, tuple[str, ...], int, Weighted]]:
    """Yield the roots that a procedure reaches: with what beside it, and for which diagnoses."""
    rules = live.rules()
    targets = dict.fromkeys(FOLDED.get(one, one) for one in (root, *(rule.to for rule in rules)))
    for target in targets:
        found: list[tuple[tuple[str, ...], Weighted]] = []
        options = _beside(rank, target, rules) if rules else ()
        for beside in dict.fromkeys(((), *options)):
            if primaries := _primaries(target, code, root, beside, live, child=child):
                found.append((beside, primaries))
                if not beside or len(found) == FEW:
                    break
        for beside, primaries in found:
            yield target, beside, len(found), primaries


def _beside(rank: int, target: str, rules: Iterable[Redirect]) -> Iterator[tuple[str, ...]]:
    """Yield procedures that meet a redirect to a root, or keep off one that leads elsewhere."""

    def fitting(prefixes: tuple[str, ...], count: int) -> list[str]:
        drawn = _most_used("procedure_use", prefixes, 4 * count)
        return [other for other, _ in drawn if _rank(other) <= rank][:count]

    for rule in rules:
        if FOLDED.get(rule.to, rule.to) == target:
            count = FEW if len(rule.procedures) == 1 else FEWER
            if 0 < len(rule.procedures) <= MOST_BESIDE:
                for codes in product(*(fitting(prefixes, count) for prefixes in rule.procedures)):
                    yield tuple(dict.fromkeys(codes))
        else:
            for prefixes in rule.no_procedures:
                for other in fitting(prefixes, FEWER):
                    yield (other,)


def _primaries(
    target: str, code: str, root: str, beside: tuple[str, ...], live: Redirects, *, child: bool
) -> Weighted:
    """Return the diagnoses with which some procedures lead to a root."""

    def leads(primary: str) -> bool:
        return live.final(root, code, beside, primary, child=child) == target

    named = [rule for rule in live.rules() if rule.primary]
    if not named:
        return reasons(target) if leads("") else ()
    if good := tuple(one for one in reasons(target) if leads(one[0])):
        return good
    for rule in named:
        if FOLDED.get(rule.to, rule.to) == target:
            known = _most_used("diagnosis_use", rule.primary[0], FEW)
            if good := tuple(one for one in known if leads(one[0])):
                return good
    return ()


def _of_one_length(found: list[Way]) -> Iterator[Way]:
    """Leave out, of each root, the ways for short stays or those for any, whichever is less."""
    use: dict[tuple[str, bool], float] = defaultdict(float)
    for way in found:
        use[way.root, way.base in short_roots()] += way.use
    for way in found:
        short = way.base in short_roots()
        if short == (use[way.root, True] > use[way.root, False]):
            yield way


@cache
def brief_roots() -> frozenset[str]:
    """Return the roots reached only in a stay of one night at most."""
    return frozenset(way.root for way in operations() if way.base in short_roots())


class Beside:
    """Says which codes may stand beside a way without moving it elsewhere."""

    def __init__(self) -> None:
        self._known: dict[Alike, Weighted] = {}

    def __call__(self, way: Way, codes: Weighted) -> Weighted:
        """Return those of some codes that may."""
        live = redirects().live(way.base, way.code)
        if not live.of:
            return codes
        primaries = way.primaries if any(rule.primary for rule in live.rules()) else (("", 1.0),)
        own = (way.base, way.root, way.child, way.beside, primaries)
        same = (codes, *own, _alike(live, way.code))
        if same not in self._known:
            self._known[same] = tuple(
                (code, weight)
                for code, weight in codes
                if code not in way.beside
                and all(
                    live.final(way.base, way.code, (*way.beside, code), primary, child=way.child)
                    == way.root
                    for primary, _ in primaries
                )
            )
        return self._known[same]


@cache
def may_stand_beside() -> Beside:
    """Return the judge of companions, who remembers."""
    return Beside()


def diagnosis_ends(root: str, code: str, *, child: bool) -> list[str]:
    """Return the roots that a primary diagnosis alone leads to, by where patients come from."""
    if root not in redirects().of:
        return [root]
    ends = []
    for source in (HOME, *dict.fromkeys(SOURCES.values())):
        end = redirects().final(root, None, (), code, child=child, source=source)
        if SOURCES.get(end, HOME) == source:
            ends.append(end)
    return ends


def harmless(root: str, code: str) -> bool:
    """Say whether a small procedure moves no medical stay of a root elsewhere, however long."""
    return not any(
        rule.procedures and any(code.startswith(prefixes) for prefixes in rule.procedures)
        for _, rule in redirects().of.get(root, ())
    )


# ---------------------------------------------------------------- multiple trauma


@cache
def injury_sites() -> dict[str, str]:
    """Return the site of each prefix of injuries."""
    rows = shipped.read_csv(shipped.pack_file(INJURIES, "trauma_diagnoses.csv"))
    return {row["code"]: row["site"] for row in rows}


def injury_site(code: str) -> str:
    """Return the site of an injury, blank for what is none."""
    return shipped.by_prefix(injury_sites(), code)


@cache
def injuries() -> Weighted:
    """Return the injuries of one site, by use."""
    valid, uncounted = shipped.valid_codes(), ("", "multiple")
    return tuple(
        (row["code"], float(row["use"]))
        for row in shipped.table("diagnosis_use")
        if injury_site(row["code"]) not in uncounted and valid.diagnosis(row["code"])
    )


@cache
def trauma_operations() -> tuple[Way, ...]:
    """Return the ways of operations on people with injuries of several sites, by their score."""
    rows = shipped.read_csv(shipped.pack_file(INJURIES, "trauma_procedures.csv"))
    scores = {row["code"]: row["score"] for row in rows}
    return tuple(
        Way(root, way.child, way.code, way.use, injuries(), root)
        for way in operations()
        if way.root == way.base and way.root.startswith(TRAUMA_OPERATIONS) and not way.beside
        for root, least, most in TRAUMA_SCORES
        if least <= int(shipped.by_prefix(scores, way.code) or 0) <= most
    )


UNOPERATED_TRAUMA = "VA10"
# The roots of the operated by the score of their procedures: labels of the HRGs.
TRAUMA_SCORES = (
    *(("VA11", 1, 8), ("VA12", 9, 18), ("VA13", 19, 29), ("VA14", 30, 44), ("VA15", 45, 99)),
)
