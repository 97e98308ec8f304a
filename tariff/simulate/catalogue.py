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

import numpy as np
import numpy.typing as npt

from tariff.simulate import raking, shipped
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
# Never first; the last five are common beside other diagnoses and rarely a reason to come in.
NEVER_PRIMARY = ("V", "W", "X", "Y", "R69", "Z509", "T14", "U", "E78", "E55", "R29", "R32", "R54")


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
    once: Bools  # not twice for one patient
    birth: Bools
    delivery: Bools
    operated: Bools  # a procedure drives the grouping
    diagnoses: Vocabulary
    procedures: Vocabulary
    # by root × 4 + child × 2 + sex
    primary: Pools
    primary_pool: Codes
    dominant: Pools
    dominant_pool: Codes
    companions: Pools  # by chapter of the dominant procedure
    companion_pool: Codes  # by procedure number; -1 for none
    companion_chance: Floats  # by procedure number
    interventions: Pools
    intervention_pool: Codes  # by root; -1 for none
    intervention_chance: Floats  # by root and setting
    specialties: list[shipped.Row]


Candidates = dict[tuple[str, bool, int], list[tuple[int, float]]]


def _diagnosis_candidates(vocabulary: Vocabulary) -> Candidates:
    """Return the primary diagnoses that lead to each root, for adults and children of each sex."""
    valid, roots = shipped.valid_codes(), shipped.RootTable("diagnoses")
    found: Candidates = defaultdict(list)
    for row in shipped.table("diagnosis_use"):
        code = row["code"]
        if code.startswith(NEVER_PRIMARY) or not valid.diagnosis(code):
            continue
        only = shipped.diagnosis_sex(code)
        for child in (False, True):
            if code.startswith("P") and not child:
                continue
            if root := roots.root(code, child):
                for sex, letter in enumerate(SEXES):
                    if only in ("", letter):
                        found[root, child, sex].append((vocabulary.number(code), float(row["use"])))
    return found


def _procedure_candidates(vocabulary: Vocabulary) -> Candidates:
    """Return the procedures that drive each root, for adults and children of each sex."""
    valid, roots = shipped.valid_codes(), shipped.RootTable("procedures")
    found: Candidates = defaultdict(list)
    for row in shipped.table("procedure_use"):
        code = row["code"]
        if code[0] in "YZ" or not valid.procedure(code) or not roots.drives(code):
            continue
        only = shipped.procedure_sex(code)
        for child in (False, True):
            if root := roots.root(code, child):
                for sex, letter in enumerate(SEXES):
                    if only in ("", letter):
                        found[root, child, sex].append((vocabulary.number(code), float(row["use"])))
    return found


def _reasons(root: str, sex: int, vocabulary: Vocabulary) -> list[tuple[int, float]]:
    """Return the diagnoses for which a root's operations are done."""
    table = {row["prefix"]: row["diagnoses"] for row in shipped.table("reasons")}
    return [
        (vocabulary.number(code), weight)
        for code, weight in shipped.weighted(shipped.by_prefix(table, root))
        if shipped.diagnosis_sex(code) in ("", SEXES[sex]) and shipped.valid_codes().diagnosis(code)
    ]


def _group(root: str) -> shipped.Row:
    groups = {row["prefix"]: row for row in shipped.table("groups")}
    for length in range(len(root), 0, -1):
        if (row := groups.get(root[:length])) is not None:
            return row
    raise KeyError(root)


class _Builder:
    """Collects the roots that can be drawn and their pools."""

    def __init__(self, plan: Plan) -> None:
        self.figures = shipped.year_figures(plan.year, plan.first_day) if plan.billed else None
        self.diagnoses, self.procedures = Vocabulary(), Vocabulary()
        self.by_diagnosis = _diagnosis_candidates(self.diagnoses)
        self.by_procedure = _procedure_candidates(self.procedures)
        self.ages = {
            row["profile"]: [float(value) for key, value in row.items() if key.isdigit()]
            for row in shipped.table("ages")
        }
        self.rows: list[shipped.Row] = []
        self.primary: list[list[tuple[int, float]]] = []
        self.dominant: list[list[tuple[int, float]]] = []
        self.primary_pool: list[int] = []
        self.dominant_pool: list[int] = []
        self.operated: list[bool] = []
        self.cells: list[tuple[int, int, int, float]] = []  # stratum, root, setting, weight

    def allowed(self, root: str, setting: int) -> bool:
        """Say whether a root can be billed in a setting."""
        if self.figures is None or (root, setting) in self.figures.priced:
            return True
        return root.startswith(PATHWAY) and setting == NON_ELECTIVE

    def add(self, row: shipped.Row) -> None:
        """Add a root where some code of some age and sex leads to it."""
        root = row["root"]
        weights = [float(row[key]) for key in ("day_case", "elective", "non_elective")]
        weights = [weight if self.allowed(root, i) else 0.0 for i, weight in enumerate(weights)]
        operated = any((root, child, sex) in self.by_procedure for child, sex in _WHO)
        open_to: set[tuple[bool, int]] = set()
        pools: list[tuple[int, int]] = []
        for child, sex in _WHO:
            dominant = self.by_procedure.get((root, child, sex), []) if operated else []
            primary = (
                _reasons(root, sex, self.diagnoses)
                if operated
                else self.by_diagnosis.get((root, child, sex), [])
            )
            good = bool(primary) and (bool(dominant) or not operated)
            pools.append(
                (
                    self._keep(self.primary, primary) if good else -1,
                    self._keep(self.dominant, dominant) if good and operated else -1,
                )
            )
            if good:
                open_to.add((child, sex))
        if not open_to or not any(weights):
            return
        number = len(self.rows)
        self.rows.append(row)
        self.operated.append(operated)
        self.primary_pool += [primary for primary, _ in pools]
        self.dominant_pool += [dominant for _, dominant in pools]
        self._share(number, weights, open_to)

    @staticmethod
    def _keep(pools: list[list[tuple[int, float]]], pool: list[tuple[int, float]]) -> int:
        pools.append(pool)
        return len(pools) - 1

    def _share(self, number: int, weights: list[float], open_to: set[tuple[bool, int]]) -> None:
        """Share the weights of a root out over age bands and sexes."""
        group = _group(self.rows[number]["root"])
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
    groups = [_group(root) for root in roots]
    specialties = list(shipped.table("specialties"))
    index = {row["treatment_function"]: i for i, row in enumerate(specialties)}
    interventions, intervention_pool, intervention_chance = _interventions(
        builder.procedures, roots, builder.operated
    )
    companions, companion_pool, companion_chance = _companions(builder.procedures)
    bands = np.array([int(key) for key in shipped.table("ages")[0] if key.isdigit()])
    stays = [
        np.array([float(row[key]) for row in builder.rows])
        for key in ("short_share", "elective_stay", "long_stay")
    ]
    birth = np.array([root in BIRTHS for root in roots])
    delivery = np.array([root.startswith("NZ") for root in roots])
    once, operated = np.array([root.startswith(ONCE) for root in roots]), np.array(builder.operated)
    cube = _cube(builder.cells)
    maternity = (birth | delivery)[cube.root]
    effect = _age_effect(cube, cube.weight, len(roots))[cube.band, cube.root]
    root_stays = (stay[cube.root] for stay in stays)
    episodes = raking.episodes_a_spell(cube.setting, maternity, effect, *root_stays)
    weight = raking.rake(cube, roots, bands, episodes, birth, delivery)
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
        once=once,
        birth=birth,
        delivery=delivery,
        operated=operated,
        diagnoses=builder.diagnoses,
        procedures=builder.procedures,
        primary=Pools(builder.primary),
        primary_pool=np.array(builder.primary_pool, dtype=np.int32),
        dominant=Pools(builder.dominant),
        dominant_pool=np.array(builder.dominant_pool, dtype=np.int32),
        companions=companions,
        companion_pool=companion_pool,
        companion_chance=companion_chance,
        interventions=interventions,
        intervention_pool=intervention_pool,
        intervention_chance=intervention_chance,
        specialties=specialties,
    )


# How the stay of an emergency depends on age, within a root: fitted so that the mean stays of the
# decades stand to each other as the published ones do (margins.csv, "stay by age").
STAY_BY_BAND = (0.4, 0.4, 0.4, 0.45, 0.45, 0.45, 0.42, 0.46, 0.85, 0.84, 1.0, 1.17, 1.43, 1.55)


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


def _silent(codes: str, vocabulary: Vocabulary) -> list[tuple[int, float]]:
    """Return codes that cannot drive a grouping; anything else is left out."""
    roots, valid = shipped.RootTable("procedures"), shipped.valid_codes()
    return [
        (vocabulary.number(code), weight)
        for code, weight in shipped.weighted(codes)
        if valid.procedure(code) and (code[0] in "YZ" or not roots.drives(code))
    ]


def _companions(vocabulary: Vocabulary) -> tuple[Pools, Codes, Floats]:
    """Return the site and approach codes that stand beside a procedure, by its chapter."""
    pools: list[list[tuple[int, float]]] = []
    numbers: dict[str, tuple[int, float]] = {}
    driving = list(vocabulary.codes)
    for row in shipped.table("companions"):
        numbers[row["chapter"]] = (len(pools), float(row["probability"]))
        pools.append(_silent(row["codes"], vocabulary))
    found = [numbers.get(code[0], (-1, 0.0)) for code in driving]
    return (
        Pools(pools),
        np.array([number for number, _ in found], dtype=np.int32),
        np.array([chance for _, chance in found]),
    )


def _interventions(
    vocabulary: Vocabulary, roots: list[str], operated: list[bool]
) -> tuple[Pools, Codes, Floats]:
    """Return the scans and small procedures of medical spells, by root."""
    pools: list[list[tuple[int, float]]] = []
    numbers: dict[str, tuple[int, list[float]]] = {}
    never = (-1, [0.0, 0.0, 0.0])
    for row in shipped.table("interventions"):
        if pool := _silent(row["codes"], vocabulary):
            chances = [float(row[key]) for key in ("day_case", "elective", "emergency")]
            numbers[row["prefix"]] = (len(pools), chances)
            pools.append(pool)
    found = [
        never if surgical else numbers.get(root[:2], numbers.get(root[0], never))
        for root, surgical in zip(roots, operated, strict=True)
    ]
    return (
        Pools(pools),
        np.array([number for number, _ in found], dtype=np.int32),
        np.array([chance for _, chance in found]),
    )
