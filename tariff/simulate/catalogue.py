"""The sampling tables: which root, in which setting, for whom, and by which codes.

Everything is read once and laid out as flat arrays, so that drawing for a whole chunk is one
`searchsorted`. A *cell* is a root, a setting, an age band and a sex; its weight is the national
activity of the root and setting, shared out by the age profile and the sex ratio of its group, and
nil where no valid code of that age and sex leads to the root; `raking` then holds all the cells
together to published margins.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from tariff.simulate import raking, shipped, ways
from tariff.simulate.plan import Plan

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DAY_CASE, ELECTIVE, NON_ELECTIVE = 0, 1, 2
SEXES = ("1", "2")
CHILD_BANDS = 5  # the bands up to 18 years
# Paid by the maternity pathway, not by spell: in a billed extract they stand without a bill.
PATHWAY = ("NZ", "PB03")
BIRTHS = ("PB03", "PB04")
ONCE = ("NZ", "PB", "FF37", "GA10", "LB25", "LB69", "LB21", "MA03", "MA04", "JA2", "ED")
DELIVERIES = ("NZ3", "NZ4", "NZ5")  # the others of NZ are before and after
CHAPTERS_OF_SITES = "YZ"


class Pools:
    """Lists of values with weights; a draw takes one value from each list asked for."""

    def __init__(self, pools: list[list[tuple[int, float]]]) -> None:
        values: list[int] = []
        heights: list[float] = []
        for number, pool in enumerate(pools):
            total = sum(weight for _, weight in pool)
            sofar = 0.0
            for value, weight in pool:
                sofar += weight
                values.append(value)
                heights.append(number + min(1.0, sofar / total))
        self.values = np.array(values, dtype=np.int32)
        self.heights = np.array(heights, dtype=np.float64)
        self.last = np.cumsum([len(pool) for pool in pools]) - 1

    def draw(self, rng: np.random.Generator, numbers: Codes) -> Codes:
        """Draw one value from each numbered list."""
        at = np.searchsorted(self.heights, numbers + rng.random(len(numbers)), side="right")
        drawn: Codes = self.values[np.minimum(at, self.last[numbers])]
        return drawn


class Vocabulary:
    """Codes and their small numbers."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, code: str) -> int:
        """Return the number of a code, a new one when it is new."""
        number = self._numbers.setdefault(code, len(self.codes))
        if number == len(self.codes):
            self.codes.append(code)
        return number


@dataclass(frozen=True)
class Cells:
    """The cells in order of age band and sex, with running weights."""

    root: Codes
    setting: Codes
    stratum: Codes  # band × 2 + sex
    running: Floats
    start: Floats  # running weight before each stratum
    size: Floats  # weight of each stratum

    def draw(self, rng: np.random.Generator, count: int) -> Codes:
        """Draw cells from all of them."""
        at = np.searchsorted(self.running, rng.random(count) * self.running[-1], side="right")
        drawn: Codes = np.minimum(at, len(self.root) - 1).astype(np.int32)
        return drawn

    def draw_in(self, rng: np.random.Generator, stratum: Codes) -> Codes:
        """Draw one cell from each stratum given."""
        height = self.start[stratum] + rng.random(len(stratum)) * self.size[stratum]
        at = np.searchsorted(self.running, height, side="right")
        drawn: Codes = np.minimum(at, len(self.root) - 1).astype(np.int32)
        return drawn


@dataclass(frozen=True)
class Catalogue:
    """All the tables a chunk is drawn from."""

    bands: Ints  # lowest age of each band
    roots: list[str]
    cells: Cells  # of first spells
    later: Cells  # of the others
    short_share: Floats  # by root
    elective_stay: Floats
    long_stay: Floats
    age_effect: Floats  # age band × root: of an emergency's stay, about 1 over each root
    critical: Floats
    specialty: npt.NDArray[np.int32]  # by root and elective (0) or emergency (1)
    winter: Bools  # respiratory: more in winter
    brief: Bools  # reached in a stay of one night at most, by procedures that else do not drive
    once: Bools  # not twice for one patient
    birth: Bools
    delivery: Bools
    maternity: Bools  # of women before, at and after birth
    trauma: Bools  # injuries of several sites
    moved_in: Bools  # from another hospital
    operated: Bools  # a procedure drives the grouping
    diagnoses: Vocabulary
    procedures: Vocabulary
    site: Codes  # of injuries, by diagnosis number; -1 for what is none
    # by root × 4 + child × 2 + sex
    primary: Pools
    primary_pool: Codes
    ways: Pools  # numbers into `operations`
    way_pool: Codes
    operations: Operations
    companions: Pools
    companion_pool: Codes  # beside a small procedure, by its number; -1 for none
    companion_chance: Floats
    interventions: Pools
    intervention_pool: npt.NDArray[np.int32]  # by root and setting; -1 for none
    intervention_chance: Floats  # by root and setting
    specialties: list[shipped.Row]


Candidates = dict[tuple[str, bool, int], list[tuple[int, float]]]


def _diagnosis_candidates(vocabulary: Vocabulary) -> Candidates:
    """Return the primary diagnoses that lead to each root, for adults and children of each sex."""
    valid, roots = shipped.valid_codes(), shipped.root_table("diagnoses")
    found: Candidates = defaultdict(list)
    for row in shipped.table("diagnosis_use"):
        code = row["code"]
        if shipped.never_primary(code) or not valid.diagnosis(code):
            continue
        only = shipped.diagnosis_sex(code)
        for child in (False, True):
            if code.startswith("P") and not child:
                continue
            if root := roots.root(code, child):
                for end in ways.diagnosis_ends(root, code, child=child):
                    for sex, letter in enumerate(SEXES):
                        if only in ("", letter):
                            one = (vocabulary.number(code), float(row["use"]))
                            found[end, child, sex].append(one)
    for code, use in ways.injuries():
        for child, sex in _WHO:
            found[ways.UNOPERATED_TRAUMA, child, sex].append((vocabulary.number(code), use))
    return found


def _way_candidates(found: tuple[ways.Way, ...]) -> Candidates:
    """Return the ways, by number, that lead to each root for adults and children of each sex."""
    by_root: Candidates = defaultdict(list)
    for number, way in enumerate(found):
        sexes = {shipped.procedure_sex(code) for code in (way.code, *way.beside)}
        for sex, letter in enumerate(SEXES):
            if sexes <= {"", letter} and _fitting(way.primaries, sex):
                by_root[way.root, way.child, sex].append((number, way.use))
    return by_root


@cache
def _fitting(primaries: ways.Weighted, sex: int) -> ways.Weighted:
    """Return the diagnoses that a sex can have."""
    return tuple(one for one in primaries if shipped.diagnosis_sex(one[0]) in ("", SEXES[sex]))


def _group(root: str) -> shipped.Row | None:
    """Return the group of a root; those without one are not made."""
    groups = {row["prefix"]: row for row in shipped.table("groups")}
    for length in range(len(root), 0, -1):
        if (row := groups.get(root[:length])) is not None:
            return row
    return None


class _Kept:
    """Pools, each kept once."""

    def __init__(self) -> None:
        self.pools: list[list[tuple[int, float]]] = []
        self._numbers: dict[tuple[tuple[int, float], ...], int] = {}

    def keep(self, pool: tuple[tuple[int, float], ...]) -> int:
        """Return the number of a pool, -1 for an empty one."""
        if not pool:
            return -1
        number = self._numbers.setdefault(pool, len(self.pools))
        if number == len(self.pools):
            self.pools.append(list(pool))
        return number


class _Builder:
    """Collects the roots that can be drawn and their pools."""

    def __init__(self, plan: Plan) -> None:
        self.figures = shipped.year_figures(plan.year, plan.first_day) if plan.billed else None
        self.diagnoses, self.procedures = Vocabulary(), Vocabulary()
        self.by_diagnosis = _diagnosis_candidates(self.diagnoses)
        self.ways = (*ways.operations(), *ways.trauma_operations())
        self.by_way = _way_candidates(self.ways)
        self.ages = {
            row["profile"]: [float(value) for key, value in row.items() if key.isdigit()]
            for row in shipped.table("ages")
        }
        self.rows: list[shipped.Row] = []
        self.groups: list[shipped.Row] = []
        self.primary = _Kept()
        self.way = _Kept()
        self.primary_pool: list[int] = []
        self.way_pool: list[int] = []
        self.operated: list[bool] = []
        self.cells: list[tuple[int, int, int, float]] = []  # stratum, root, setting, weight

    def allowed(self, root: str, setting: int) -> bool:
        """Say whether a root can be billed in a setting."""
        if root.startswith(PATHWAY):
            return setting == NON_ELECTIVE
        return self.figures is None or (root, setting) in self.figures.priced

    def add(self, row: shipped.Row) -> None:
        """Add a root where some code of some age and sex leads to it."""
        root, group = row["root"], _group(row["root"])
        weights = [float(row[key]) for key in ("day_case", "elective", "non_elective")]
        weights = [weight if self.allowed(root, i) else 0.0 for i, weight in enumerate(weights)]
        operated = self._use(self.by_way, root) > self._use(self.by_diagnosis, root)
        candidates = self.by_way if operated else self.by_diagnosis
        found = [candidates.get((root, child, sex), []) for child, sex in _WHO]
        if group is None or not any(found) or not any(weights):
            return
        number = len(self.rows)
        self.rows.append(row)
        self.groups.append(group)
        self.operated.append(operated)
        pools = [(self.way if operated else self.primary).keep(tuple(pool)) for pool in found]
        self.way_pool += pools if operated else [-1] * len(pools)
        self.primary_pool += [-1] * len(pools) if operated else pools
        self._share(number, weights, {who for who, pool in zip(_WHO, found, strict=True) if pool})

    @staticmethod
    def _use(candidates: Candidates, root: str) -> float:
        return sum(use for child, sex in _WHO for _, use in candidates.get((root, child, sex), ()))

    def _share(self, number: int, weights: list[float], open_to: set[tuple[bool, int]]) -> None:
        """Share the weights of a root out over age bands and sexes."""
        group = self.groups[number]
        ages, female = self.ages[group["ages"]], float(group["female"])
        shares = {
            band * 2 + sex: age * (female if sex else 1.0 - female)
            for band, age in enumerate(ages)
            for sex in (0, 1)
            if (band < CHILD_BANDS, sex) in open_to
        }
        total = sum(shares.values())
        for stratum, share in shares.items():
            for setting, weight in enumerate(weights):
                if share * weight > 0:
                    self.cells.append((stratum, number, setting, weight * share / total))


_WHO = ((False, 0), (False, 1), (True, 0), (True, 1))  # child, sex: pool root × 4 + child × 2 + sex


def build(plan: Plan) -> Catalogue:
    """Read every table and lay it out for drawing."""
    builder = _Builder(plan)
    for row in shipped.table("roots"):
        builder.add(row)
    roots = [row["root"] for row in builder.rows]
    groups = builder.groups
    specialties = list(shipped.table("specialties"))
    index = {row["treatment_function"]: i for i, row in enumerate(specialties)}
    operations, companions = _operations(builder)
    interventions, intervention_pool, intervention_chance = _interventions(
        builder.procedures, roots, builder.operated
    )
    companion_pool, companion_chance = _companions(builder.procedures, companions)
    bands = np.array([int(key) for key in shipped.table("ages")[0] if key.isdigit()])
    stays = [
        np.array([float(row[key]) for row in builder.rows])
        for key in ("short_share", "elective_stay", "long_stay")
    ]
    birth = np.array([root in BIRTHS for root in roots])
    delivery = np.array([root.startswith(DELIVERIES) for root in roots])
    maternity = np.array([root.startswith("NZ") for root in roots])
    once, operated = np.array([root.startswith(ONCE) for root in roots]), np.array(builder.operated)
    cube = _cube(builder.cells)
    kind = raking.Kinds(birth, delivery, maternity & ~delivery)
    effect = _age_effect(cube, cube.weight, len(roots))[cube.band, cube.root]
    root_stays = (stay[cube.root] for stay in stays)
    episodes = raking.episodes_a_spell(
        cube.setting, (birth | maternity)[cube.root], effect, *root_stays
    )
    weight = raking.rake(cube, roots, bands, episodes, kind)
    further = raking.further_spells(bands, plan.days)
    first = raking.first_spells(cube, weight, bands, further, plan.days, birth, ~operated & ~once)
    cells = _cells(cube, first, len(bands) * 2)
    later = _cells(cube, np.where(birth[cube.root], 0.0, first), len(bands) * 2)
    return Catalogue(
        bands=bands,
        roots=roots,
        cells=cells,
        later=later,
        short_share=stays[0],
        elective_stay=stays[1],
        long_stay=stays[2],
        age_effect=_age_effect(cube, weight, len(roots)),
        critical=np.array([float(group["critical"]) for group in groups]),
        specialty=np.array(
            [
                (index[group["elective_specialty"]], index[group["emergency_specialty"]])
                for group in groups
            ],
            dtype=np.int32,
        ),
        winter=np.array([root.startswith(("DZ1", "DZ2", "DZ65", "PD")) for root in roots]),
        brief=np.array([root in ways.brief_roots() for root in roots]),
        once=once,
        birth=birth,
        delivery=delivery,
        maternity=maternity,
        trauma=np.array([root.startswith("VA") for root in roots]),
        moved_in=np.array([ways.SOURCES.get(root) == "51" for root in roots]),
        operated=operated,
        diagnoses=builder.diagnoses,
        procedures=builder.procedures,
        site=_sites(builder.diagnoses),
        primary=Pools(builder.primary.pools),
        primary_pool=np.array(builder.primary_pool, dtype=np.int32),
        ways=Pools(builder.way.pools),
        way_pool=np.array(builder.way_pool, dtype=np.int32),
        operations=operations,
        companions=Pools(companions.pools),
        companion_pool=companion_pool,
        companion_chance=companion_chance,
        interventions=interventions,
        intervention_pool=intervention_pool,
        intervention_chance=intervention_chance,
        specialties=specialties,
    )


# How the stay of an emergency depends on age, within a root: fitted so that the mean stays of the
# decades stand to each other as the published ones do (margins.csv, "stay by age").
STAY_BY_BAND = (0.4, 0.4, 0.4, 0.45, 0.45, 0.45, 0.5, 0.56, 0.87, 0.84, 1.0, 1.17, 1.43, 1.55)


def _cube(cells: list[tuple[int, int, int, float]]) -> raking.Cube:
    """Lay the cells out in order of stratum."""
    ordered = sorted(cells)
    stratum = np.array([cell[0] for cell in ordered], dtype=np.int32)
    return raking.Cube(
        band=stratum // 2,
        sex=stratum % 2,
        root=np.array([cell[1] for cell in ordered], dtype=np.int32),
        setting=np.array([cell[2] for cell in ordered], dtype=np.int32),
        weight=np.array([cell[3] for cell in ordered], dtype=np.float64),
    )


def _cells(cube: raking.Cube, weight: Floats, strata: int) -> Cells:
    """Lay the cells out for drawing."""
    stratum = cube.band * 2 + cube.sex
    size = np.bincount(stratum, weights=weight, minlength=strata).astype(np.float64)
    return Cells(
        root=cube.root,
        setting=cube.setting,
        stratum=stratum,
        running=np.cumsum(weight),
        start=np.cumsum(size) - size,
        size=size,
    )


def _age_effect(cube: raking.Cube, weight: Floats, roots: int) -> Floats:
    """Return the age bands' part in the stays of each root, whose mean they do not change."""
    effect = np.array(STAY_BY_BAND)
    here = weight * (cube.setting == NON_ELECTIVE)
    size = np.bincount(cube.root, weights=here, minlength=roots)
    mean = np.bincount(cube.root, weights=here * effect[cube.band], minlength=roots)
    level = np.divide(mean, size, out=np.ones(roots), where=size > 0)
    by_root: Floats = effect[:, None] / level[None, :]
    return by_root


@dataclass(frozen=True)
class Operations:
    """The ways to be drawn, one array entry a way."""

    code: Codes  # procedure number
    beside: npt.NDArray[np.int32]  # way × MOST_BESIDE: what must stand with it; -1 for nothing
    companion_pool: Codes  # -1 for none
    companion_chance: Floats
    primary_pool: npt.NDArray[np.int32]  # way × sex


def _operations(builder: _Builder) -> tuple[Operations, _Kept]:
    """Lay out the ways that are drawn, and their companions: codes of site and approach."""
    numbers, companions, may_stand = builder.procedures, _Kept(), ways.may_stand_beside()
    reasons: dict[tuple[ways.Weighted, int], int] = {}
    chapters = {row["chapter"]: row for row in shipped.table("companions")}
    known = {chapter: _silent(row["codes"]) for chapter, row in chapters.items()}
    count = len(builder.ways)
    drawn = {number for pool in builder.way.pools for number, _ in pool}
    code, pool = (np.full(count, -1, dtype=np.int32) for _ in range(2))
    beside, chance = np.full((count, ways.MOST_BESIDE), -1, dtype=np.int32), np.zeros(count)
    primary = np.full((count, len(SEXES)), -1, dtype=np.int32)
    for at in sorted(drawn):
        way = builder.ways[at]
        code[at] = numbers.number(way.code)
        beside[at, : len(way.beside)] = [numbers.number(other) for other in way.beside]
        for sex in range(len(SEXES)):
            if (way.primaries, sex) not in reasons:
                reasons[way.primaries, sex] = builder.primary.keep(
                    tuple((builder.diagnoses.number(c), w) for c, w in _fitting(way.primaries, sex))
                )
            primary[at, sex] = reasons[way.primaries, sex]
        if way.code[0] in known:
            codes = may_stand(way, known[way.code[0]])
            pool[at] = companions.keep(tuple((numbers.number(c), w) for c, w in codes))
            chance[at] = float(chapters[way.code[0]]["probability"]) if codes else 0.0
    return Operations(code, beside, pool, chance, primary), companions


@cache
def _silent(codes: str) -> ways.Weighted:
    """Return codes that cannot drive a grouping; anything else is left out."""
    roots, valid = shipped.root_table("procedures"), shipped.valid_codes()
    return tuple(
        (code, weight)
        for code, weight in shipped.weighted(codes)
        if valid.procedure(code) and (code[0] in CHAPTERS_OF_SITES or not roots.drives(code))
    )


def _companions(vocabulary: Vocabulary, companions: _Kept) -> tuple[Codes, Floats]:
    """Return what stands beside a small procedure, by its number."""
    rows = {row["chapter"]: row for row in shipped.table("companions")}
    pools: list[int] = []
    chances: list[float] = []
    for code in list(vocabulary.codes):
        row = rows.get(code[0])
        known = _silent(row["codes"]) if row is not None else ()
        pools.append(companions.keep(tuple((vocabulary.number(c), w) for c, w in known)))
        chances.append(float(row["probability"]) if row is not None and known else 0.0)
    return np.array(pools, dtype=np.int32), np.array(chances)


def _interventions(
    vocabulary: Vocabulary, roots: list[str], operated: list[bool]
) -> tuple[Pools, npt.NDArray[np.int32], Floats]:
    """Return the scans and small procedures of medical spells, by root and setting.

    A day case of nothing but scans would have a root of its own.
    """
    kept = _Kept()
    rows = {row["prefix"]: row for row in shipped.table("interventions")}
    pools: list[list[int]] = []
    chances: list[list[float]] = []
    for root, surgical in zip(roots, operated, strict=True):
        row = rows.get(root[:2], rows.get(root[0]))
        if surgical or row is None:
            pools.append([-1] * 3)
            chances.append([0.0] * 3)
            continue
        overnight = [one for one in _silent(row["codes"]) if ways.harmless(root, one[0])]
        day = [one for one in _silent(row["day_codes"]) if ways.harmless(root, one[0])]
        day = [one for one in day if not shipped.service(one[0])]
        chosen = [day, overnight, overnight]
        pools.append([kept.keep(tuple((vocabulary.number(c), w) for c, w in x)) for x in chosen])
        keys = ("day_case", "elective", "emergency")
        chances.append([float(row[k]) if x else 0.0 for k, x in zip(keys, chosen, strict=True)])
    return Pools(kept.pools), np.array(pools, dtype=np.int32), np.array(chances)


def _sites(vocabulary: Vocabulary) -> Codes:
    """Return the number of the site of each injury, -1 for what is none."""
    names = sorted(set(ways.injury_sites().values()))
    found = [ways.injury_site(code) for code in vocabulary.codes]
    return np.array([names.index(name) if name else -1 for name in found], dtype=np.int32)
