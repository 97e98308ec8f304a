"""Who is seen: the patients of the admitted extract, and people who are never admitted.

Everyone has a period of life: from birth, for those born in the extract, to death. Deaths in
hospital are those of the spells; about as many happen elsewhere, after everything else that
happens to the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tariff.simulate import shipped
from tariff.simulate.admission import DISCHARGES
from tariff.simulate.catalogue import Bools, Catalogue, Codes, Floats
from tariff.simulate.columns import Chunk
from tariff.simulate.frames import Numbers, joined, numbered, take
from tariff.simulate.plan import Plan
from tariff.simulate.population import OLDEST, Conditions, Patients, draw_patients

NEVER = 1_000_000
LONG_AGO = -1_000_000
CANDIDATES = 2.0  # drawn for each person wanted, so that ages and sexes can be chosen
PIECE = 25_000  # drawn at a time, so that the candidates take little memory
# Chance of dying elsewhere in a year, from some ages on: judgement.
DEATH_AGES = (0, 1, 19, 35, 45, 55, 65, 75, 85, 95)
DEATHS = (0.001, 0.0001, 0.0004, 0.001, 0.002, 0.005, 0.011, 0.03, 0.09, 0.2)
SPAN = 4096  # more days than any period with its margins
MARGIN = 1024


@dataclass
class People:
    """Admitted patients first, then the others. One array entry a person."""

    patients: Patients
    born: Codes  # first day of life, LONG_AGO for most
    died: Codes  # day of death, NEVER for most
    admitted: int  # how many of them are of the admitted extract
    first_admitted: int  # number in the identifier of the first of each kind
    first_other: int

    def __len__(self) -> int:
        return len(self.born)

    def age(self, who: Numbers, days: Numbers) -> Codes:
        """Return ages on some days."""
        patients = self.patients
        age = patients.age[who] + (days >= patients.birthday[who])
        found: Codes = np.where(self.born[who] > LONG_AGO, 0, age).astype(np.int32)
        return found

    def alive(self, who: Numbers, days: Numbers) -> Bools:
        """Say who is alive on some days. The day of death is the last one."""
        found: Bools = (days >= self.born[who]) & (days <= self.died[who])
        return found

    def identifiers(self) -> pa.Array:
        """Return `A…` for admitted patients and `B…` for the others."""
        return pa.concat_arrays(
            [
                numbered("A", self.first_admitted, self.admitted),
                numbered("B", self.first_other, len(self) - self.admitted),
            ]
        )


class StayTable:
    """When each patient is in hospital, for looking days up."""

    def __init__(self, chunk: Chunk) -> None:
        spells, stays = chunk.spells, chunk.stays
        order = np.lexsort((stays.admission, spells.patient))
        self.patient = spells.patient[order].astype(np.int64)
        self.first = stays.admission[order].astype(np.int64)
        self.last = stays.discharge[order].astype(np.int64)
        self.key = self.patient * SPAN + self.first + MARGIN

    def inside(self, who: Numbers, days: Numbers, margin: int = 0) -> Bools:
        """Say which days lie in a stay, first and last day included, or within a margin of it."""
        if len(self.key) == 0:
            return np.zeros(len(who), dtype=np.bool_)
        key = who.astype(np.int64) * SPAN + days + margin + MARGIN
        at = np.searchsorted(self.key, key, side="right") - 1
        before = np.maximum(at, 0)
        found: Bools = (at >= 0) & (self.patient[before] == who)
        found &= days <= self.last[before] + margin
        return found


def gather(
    rng: np.random.Generator,
    plan: Plan,
    catalogue: Catalogue,
    conditions: Conditions,
    chunk: Chunk,
    others: int,
    wanted: Floats,
    first_admitted: int,
    first_other: int,
) -> People:
    """Return the patients of a chunk and some others, with the days they live.

    `wanted` says by age band and sex (band × 2 + sex) who the others should be.
    """
    patients, spells, stays = chunk.patients, chunk.spells, chunk.stays
    count = len(patients.age)
    born = np.full(count, LONG_AGO, dtype=np.int32)
    births = np.flatnonzero(catalogue.birth[spells.root])
    born[spells.patient[births]] = stays.admission[births]
    died = np.full(count, NEVER, dtype=np.int32)
    dead = np.flatnonzero(chunk.admissions.discharge == DISCHARGES.index("4"))
    died[spells.patient[dead]] = stays.discharge[dead]
    last_day = np.full(count, -1, dtype=np.int32)
    np.maximum.at(last_day, spells.patient, stays.discharge)
    if others:
        patients = joined([patients, _others(rng, plan, catalogue, conditions, others, wanted)])
        born = np.r_[born, np.full(others, LONG_AGO, dtype=np.int32)]
        died = np.r_[died, np.full(others, NEVER, dtype=np.int32)]
        last_day = np.r_[last_day, np.full(others, -1, dtype=np.int32)]
    _die_elsewhere(rng, plan, patients, born, died, last_day)
    return People(patients, born, died, count, first_admitted, first_other)


def _die_elsewhere(
    rng: np.random.Generator,
    plan: Plan,
    patients: Patients,
    born: Codes,
    died: Codes,
    last_day: Codes,
) -> None:
    """Let some people die after everything that happens to them in hospital."""
    count = len(born)
    ill = np.clip(0.4 + patients.conditions.sum(axis=1) / 6, 0.4, 2.0)
    old = np.searchsorted(DEATH_AGES, patients.age, side="right") - 1
    chance = np.array(DEATHS)[old] * ill * plan.days / 365
    day = rng.integers(0, plan.days, count)
    chosen = (rng.random(count) < chance) & (died == NEVER) & (born == LONG_AGO) & (day > last_day)
    died[chosen] = day[chosen]


def _others(
    rng: np.random.Generator,
    plan: Plan,
    catalogue: Catalogue,
    conditions: Conditions,
    count: int,
    wanted: Floats,
) -> Patients:
    """Draw people who are not admitted, of the ages and sexes that are wanted."""
    pieces = [PIECE] * (count // PIECE) + [count % PIECE] * (count % PIECE > 0)
    return joined([_piece(rng, plan, catalogue, conditions, size, wanted) for size in pieces])


def _piece(
    rng: np.random.Generator,
    plan: Plan,
    catalogue: Catalogue,
    conditions: Conditions,
    count: int,
    wanted: Floats,
) -> Patients:
    """Draw more than are needed, and choose."""
    drawn, _ = draw_patients(rng, plan, catalogue, conditions, int(count * CANDIDATES) + 50)
    stratum = drawn.band * 2 + drawn.sex
    wanted = np.maximum(wanted, 1e-6 * max(float(wanted.sum()), 1.0))
    there = np.bincount(stratum, minlength=len(wanted)).astype(np.float64)
    weight = (wanted / np.maximum(there, 1.0))[stratum]
    # By weight without replacement: the largest keys of u^(1/w) are such a sample.
    keys = np.log(rng.random(len(weight))) / weight
    chosen = np.sort(np.argpartition(-keys, count - 1)[:count])
    return take(drawn, chosen)


def outpatients_by_age(catalogue: Catalogue) -> Floats:
    """Return the share of outpatients by age band and sex: band × 2 + sex."""
    table = shipped.table("outpatient_ages")
    lowest = [int(row["age"]) for row in table]
    width = np.diff([*lowest, OLDEST + 1])
    by_year = np.array([[float(row[sex]) for sex in ("male", "female")] for row in table])
    by_year = np.repeat(by_year / width[:, None], width, axis=0)
    shares: Floats = np.add.reduceat(by_year, catalogue.bands, axis=0).ravel()
    return shares
