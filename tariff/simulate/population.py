"""Patients: age, sex, practice, provider, chronic conditions, and the spells they have.

A patient is drawn with the first spell and may have more; later spells are drawn from what patients
of that age and sex have, or repeat the first one's root, as chronic illness does. `raking` sees to
it that first and later spells together come out as activity does nationally. When they happen is
decided in `stay`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from tariff.simulate import shipped
from tariff.simulate.catalogue import (
    NON_ELECTIVE,
    Bools,
    Catalogue,
    Codes,
    Floats,
    Ints,
    Pools,
    Vocabulary,
)
from tariff.simulate.plan import Plan
from tariff.simulate.raking import (
    CONDITION_BANDS,
    CONDITIONS_A_SPELL,
    EXTRA_SPELLS_A_YEAR,
    RECORDING,
    SAME_AGAIN,
    STEADY,
    condition_group,
)

OLDEST = 104
EXTRA_SHAPE = 0.55  # the smaller, the more a few patients have most of them
MOST_SPELLS = 12
AWAY = 0.06  # share of later spells at another provider than the usual one
NEIGHBOUR = 0.12  # share of patients of the second commissioner
PRACTICES = 60  # practices of each commissioner


@dataclass
class Patients:
    """One array entry a patient. `age` is that on the first day of the period."""

    band: Codes
    sex: Codes
    age: Codes
    birthday: Codes  # day of the period on which the age rises; beyond it when never
    provider: Codes
    neighbour: Codes  # 1 when the second commissioner pays
    practice: Codes
    conditions: Bools  # patient × condition
    condition_codes: Codes  # patient × condition


@dataclass
class Spells:
    """One array entry a spell, in order of patient; `rank` counts a patient's spells from 0."""

    patient: Codes
    rank: Codes
    root: Codes
    setting: Codes
    provider: Codes
    again: Bools  # a readmission soon after the spell before

    def take(self, rows: Ints | Bools) -> Spells:
        """Return some of the spells."""
        return Spells(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.patient)


class Conditions:
    """The table of secondary diagnoses: who has them, and when they are recorded."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        rows = shipped.table("comorbidities")
        self.names = [row["condition"] for row in rows]
        self.chance = np.array(
            [[float(row[key]) for key in CONDITION_BANDS] for row in rows], dtype=np.float64
        ).T  # band group × condition
        female = np.array([float(row["female"]) for row in rows])
        # Relative chance of women, halved on both sides so that the table's figure is the mean.
        self.by_sex = np.stack([2 / (1 + female), 2 * female / (1 + female)])
        self.elective = np.array([float(row["elective"]) for row in rows])
        self.emergency = np.array([float(row["emergency"]) for row in rows])
        self.acute = np.array([row["kind"] == "acute" for row in rows])
        pools = [shipped.weighted(row["codes"]) for row in rows]
        self.codes = Pools(
            [[(vocabulary.number(code), weight) for code, weight in pool] for pool in pools]
        )
        self._excludes = [tuple(row["excludes"].split()) for row in rows]
        self._own = [{code[:3] for code, _ in pool} for pool in pools]
        self._vocabulary = vocabulary

    @cached_property
    def excluded(self) -> Bools:
        """Primary diagnosis × condition: not recorded beside that primary diagnosis."""
        return np.array(
            [
                [
                    code.startswith(prefixes) or code[:3] in own
                    for prefixes, own in zip(self._excludes, self._own, strict=True)
                ]
                for code in self._vocabulary.codes
            ],
            dtype=np.bool_,
        )


def draw_patients(
    rng: np.random.Generator, plan: Plan, catalogue: Catalogue, conditions: Conditions, count: int
) -> tuple[Patients, Spells]:
    """Draw patients and the spells they have, not yet dated."""
    first = catalogue.cells.draw(rng, count)
    stratum = catalogue.cells.stratum[first]
    band, sex = (stratum // 2).astype(np.int32), (stratum % 2).astype(np.int32)
    delivered = catalogue.delivery[catalogue.cells.root[first]]
    age, birthday = _ages(rng, catalogue, band, delivered, plan.days)
    weights = np.array([provider.weight for provider in plan.providers])
    provider = rng.choice(len(weights), count, p=weights / weights.sum()).astype(np.int32)
    has, codes = _conditions(rng, conditions, age, sex)
    patients = Patients(
        band=band,
        sex=sex,
        age=age,
        birthday=birthday,
        provider=provider,
        neighbour=(rng.random(count) < NEIGHBOUR).astype(np.int32),
        practice=rng.integers(0, PRACTICES, count, dtype=np.int32),
        conditions=has,
        condition_codes=codes,
    )
    return patients, _spells(rng, plan, catalogue, patients, first)


def _ages(
    rng: np.random.Generator, catalogue: Catalogue, band: Codes, delivered: Bools, days: int
) -> tuple[Codes, Codes]:
    """Draw ages in their bands, and the birthdays that do not leave the band."""
    lowest = catalogue.bands
    highest = np.append(lowest[1:] - 1, OLDEST)
    width = (highest - lowest + 1)[band]
    part = rng.random(len(band))
    part = np.where(lowest[band] >= 85, part**1.8, part)
    part = np.where(delivered & (lowest[band] >= 40), part**4, part)
    age = lowest[band] + np.minimum((part * width).astype(np.int64), width - 1)
    birthday = rng.integers(0, 365, len(band))
    birthday = np.where(age == highest[band], days + 1, birthday)
    return age.astype(np.int32), birthday.astype(np.int32)


def _conditions(
    rng: np.random.Generator, table: Conditions, age: Codes, sex: Codes
) -> tuple[Bools, Codes]:
    """Draw lasting conditions; the acute ones are drawn with each spell."""
    shape = (len(age), len(table.names))
    # Ill health gathers: one person's chances all rise or fall together.
    burden = rng.gamma(2.0, 0.5, len(age))[:, None]
    chance = RECORDING * table.chance[condition_group(age)] * table.by_sex[sex]
    has: Bools = (rng.random(shape) < np.minimum(chance * burden, 0.95)) & ~table.acute
    _only_one(has, table.names, ("type 1 diabetes", "type 2 diabetes"))
    _only_one(has, table.names, ("iron deficiency anaemia", "anaemia"))
    _only_one(has, table.names, ("chronic obstructive pulmonary disease", "asthma"))
    _only_one(has, table.names, ("alcohol dependence", "alcohol misuse"))
    _only_one(has, table.names, ("smoker", "former smoker"))
    _only_one(has, table.names, ("long term anticoagulants", "aspirin user"))
    numbers = np.tile(np.arange(shape[1], dtype=np.int32), shape[0])
    return has, table.codes.draw(rng, numbers).reshape(shape)


def _only_one(has: Bools, names: list[str], pair: tuple[str, str]) -> None:
    """Take the second condition away from patients who have the first."""
    first, second = names.index(pair[0]), names.index(pair[1])
    has[:, second] &= ~has[:, first]


def _spells(
    rng: np.random.Generator, plan: Plan, catalogue: Catalogue, patients: Patients, first: Codes
) -> Spells:
    """Draw how many spells each patient has, and of what."""
    count = len(first)
    mean = EXTRA_SPELLS_A_YEAR * plan.days / 365
    burden = STEADY + patients.conditions.sum(axis=1) / CONDITIONS_A_SPELL
    rate: Floats = rng.gamma(EXTRA_SHAPE, mean / EXTRA_SHAPE, count) * burden
    extra = np.minimum(rng.poisson(rate), MOST_SPELLS - 1)
    extra[catalogue.birth[catalogue.cells.root[first]]] = 0
    of = np.repeat(np.arange(count, dtype=np.int32), 1 + extra)
    begin = np.cumsum(1 + extra) - (1 + extra)
    rank = (np.arange(len(of)) - begin[of]).astype(np.int32)
    later = rank > 0
    stratum = (patients.band * 2 + patients.sex).astype(np.int32)
    cell = first[of]
    cell[later] = catalogue.later.draw_in(rng, stratum[of[later]])
    root, setting = catalogue.cells.root[cell], catalogue.cells.setting[cell]
    first_root, first_setting = catalogue.cells.root[first][of], catalogue.cells.setting[first][of]
    repeat = later & ~catalogue.operated[first_root] & ~catalogue.once[first_root]
    repeat &= rng.random(len(of)) < SAME_AGAIN
    root = np.where(repeat, first_root, root)
    setting = np.where(repeat, first_setting, setting)
    away = later & (rng.random(len(of)) < AWAY) & (len(plan.providers) > 1)
    elsewhere = rng.integers(0, len(plan.providers), len(of), dtype=np.int32)
    provider = np.where(away, elsewhere, patients.provider[of])
    again = later & (setting == NON_ELECTIVE) & (rng.random(len(of)) < 0.3)
    spells = Spells(of, rank, root, setting, provider.astype(np.int32), again)
    return spells.take(_possible(catalogue, spells))


def _possible(catalogue: Catalogue, spells: Spells) -> Bools:
    """Leave out births of people who have another spell first, and second once-only events."""
    keep = ~(catalogue.birth[spells.root] & (spells.rank > 0))
    once = np.flatnonzero(catalogue.once[spells.root] & keep)
    key = spells.patient[once].astype(np.int64) * len(catalogue.roots) + spells.root[once]
    _, kept = np.unique(key, return_index=True)
    second = np.ones(len(once), dtype=np.bool_)
    second[kept] = False
    keep[once[second]] = False
    delivered = np.flatnonzero(catalogue.delivery[spells.root] & keep)
    _, kept = np.unique(spells.patient[delivered], return_index=True)
    second = np.ones(len(delivered), dtype=np.bool_)
    second[kept] = False
    keep[delivered[second]] = False
    return keep
