"""What a spell is for: its primary diagnosis, its operations and the other diagnoses.

A root is chosen before its codes: the primary diagnosis, or the procedure that drives, is then
drawn from the codes that lead to it for a patient of that age and sex. Secondary diagnoses are the
patient's lasting conditions, what the acute illness brings with it, and for injuries their cause.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tariff.simulate import shipped
from tariff.simulate.catalogue import (
    CHILD_BANDS,
    NON_ELECTIVE,
    Bools,
    Catalogue,
    Codes,
    Pools,
)
from tariff.simulate.population import Conditions, Patients, Spells
from tariff.simulate.raking import condition_group

DIAGNOSES = 14  # columns
PROCEDURES = 12
RECORDED = 0.98  # a lasting condition is recorded in nearly every spell
OTHER_PRIMARY = 0.3  # of further episodes have another diagnosis of the same root
SECOND_DIAGNOSIS = 0.6  # of medical emergencies have a second diagnosis of the same root: judgement
# Of operations with one companion code, how many have a second, of these a third, and a fourth:
# towards the number of procedure codes an episode, HES 2023/24.
SECOND_COMPANION = 0.95
THIRD_COMPANION = 0.9
FOURTH_COMPANION = 0.8
SECOND_INTERVENTION = 0.45
FILLED = 9  # columns that operations and their companions may fill
TRIES = 6  # at an injury of another site

# What caused an injury and where (place of occurrence in the fourth place), for the old and others.
FALLS = "W190:30 W199:20 W191:8 W010:18 W180:6 W060:5 W100:5"
OTHER_CAUSES = "W010:10 W199:15 W190:8 W014:6 W228:4 V892:4 Y049:4 W540:2 W260:4 X590:4 W100:6"
POISONINGS = "X610:6 X640:4 X600:5 X620:2 X410:1"
COMPLICATIONS = "Y831:6 Y838:4 Y839:3 Y848:3"
DELIVERY_OUTCOMES = "Z370:98 Z372:2"
DELIVERED, BORN = 4, 5  # the numbers of those lists
NEWBORN = "Z380:1"


@dataclass
class Codings:
    """Codes of each spell, by number in the catalogue's vocabularies; -1 is blank."""

    diagnoses: npt.NDArray[np.int32]  # spell × DIAGNOSES
    procedures: npt.NDArray[np.int32]  # spell × PROCEDURES
    other_primary: Codes  # another diagnosis of the same root, for a second episode


class Causes:
    """Codes that must stand beside some primary diagnoses."""

    def __init__(self, catalogue: Catalogue) -> None:
        vocabulary, valid = catalogue.diagnoses, shipped.valid_codes()
        texts = (FALLS, OTHER_CAUSES, POISONINGS, COMPLICATIONS, DELIVERY_OUTCOMES, NEWBORN)
        primaries = list(vocabulary.codes)
        self.pools = Pools(
            [
                [
                    (vocabulary.number(code), weight)
                    for code, weight in shipped.weighted(text)
                    if valid.diagnosis(code)
                ]
                for text in texts
            ]
        )
        self.kind = np.array([self._kind(code) for code in primaries], dtype=np.int32)
        found = [_type_of_diabetes(code) for code in vocabulary.codes]
        self._diabetes = np.array(found, dtype=np.int32)

    def two_types(self, one: Codes, other: Codes) -> Bools:
        """Say where two diagnoses are diabetes of two types: nobody has both. -1 is no code."""
        types = [np.where(code >= 0, self._diabetes[code], 0) for code in (one, other)]
        found: Bools = (types[0] > 0) & (types[1] > 0) & (types[0] != types[1])
        return found

    @staticmethod
    def _kind(code: str) -> int:
        """Return the number of the list that goes with a primary diagnosis, -1 for none."""
        if code[0] == "S" or "T00" <= code[:3] <= "T35":
            return 1
        if "T36" <= code[:3] <= "T65":
            return 2
        if "T80" <= code[:3] <= "T88":
            return 3
        if "O80" <= code[:3] <= "O84":
            return DELIVERED
        return BORN if code[0] == "P" else -1


def _type_of_diabetes(code: str) -> int:
    """Return the number of the category of a diabetes, 0 for what is none."""
    return int(code[1:3]) if "E10" <= code[:3] <= "E14" else 0


def code_spells(
    rng: np.random.Generator,
    catalogue: Catalogue,
    conditions: Conditions,
    causes: Causes,
    patients: Patients,
    spells: Spells,
    length: Codes,
) -> Codings:
    """Draw every code of every spell."""
    of = spells.patient
    child = patients.band[of] < CHILD_BANDS
    sex = patients.sex[of]
    pool = (spells.root * 4 + child * 2 + sex).astype(np.int32)
    way = np.full(len(spells), -1, dtype=np.int32)
    rows = np.flatnonzero(catalogue.operated[spells.root])
    way[rows] = catalogue.ways.draw(rng, catalogue.way_pool[pool[rows]])
    pools = catalogue.primary_pool[pool]
    pools[rows] = catalogue.operations.primary_pool[way[rows], sex[rows]]
    primary = catalogue.primary.draw(rng, pools)
    other = catalogue.primary.draw(rng, pools)
    site = catalogue.site
    injured = catalogue.trauma[spells.root]
    for _ in range(TRIES):
        rows = np.flatnonzero(injured & (site[other] == site[primary]))
        other[rows] = catalogue.primary.draw(rng, pools[rows])
    diagnoses = np.full((len(spells), DIAGNOSES), -1, dtype=np.int32)
    diagnoses[:, 0] = primary
    delivered = catalogue.delivery[spells.root]
    born = catalogue.birth[spells.root]
    filled = _add_causes(rng, causes, patients, spells, primary, delivered, born, diagnoses)
    second = np.where(_seconds(rng, catalogue, causes, spells, primary, other), other, -1)
    rows = np.flatnonzero(second >= 0)
    diagnoses[rows, filled[rows]] = second[rows]
    filled += second >= 0
    _add_conditions(rng, conditions, patients, spells, length, diagnoses, second, filled)
    procedures = np.full((len(spells), PROCEDURES), -1, dtype=np.int32)
    _add_procedures(rng, catalogue, spells, way, length, procedures)
    keep = (rng.random(len(spells)) >= OTHER_PRIMARY) | (causes.kind[other] != causes.kind[primary])
    keep |= site[other] != site[primary]  # an injury elsewhere would make it multiple trauma
    keep |= causes.two_types(diagnoses, other[:, None]).any(axis=1)
    keep |= catalogue.birth[spells.root] | (diagnoses[:, 1:] == other[:, None]).any(axis=1)
    return Codings(diagnoses, procedures, np.where(keep, primary, other).astype(np.int32))


def _seconds(
    rng: np.random.Generator,
    catalogue: Catalogue,
    causes: Causes,
    spells: Spells,
    primary: Codes,
    other: Codes,
) -> Bools:
    """Choose the spells that have a second diagnosis of the root beside the first.

    Those are many medical emergencies, and all with injuries of several sites.
    """
    medical = (spells.setting == NON_ELECTIVE) & ~catalogue.operated[spells.root]
    medical &= (causes.kind[primary] < 0) & (causes.kind[other] < 0) & (other != primary)
    medical &= ~(catalogue.birth | catalogue.maternity)[spells.root]
    medical &= ~causes.two_types(primary, other)
    several = catalogue.trauma[spells.root] & (other != primary)
    chosen: Bools = several | (medical & (rng.random(len(spells)) < SECOND_DIAGNOSIS))
    return chosen


def _add_causes(
    rng: np.random.Generator,
    causes: Causes,
    patients: Patients,
    spells: Spells,
    primary: Codes,
    delivered: Bools,
    born: Bools,
    diagnoses: npt.NDArray[np.int32],
) -> Codes:
    """Write external causes and outcomes of delivery second; return how many columns are filled."""
    kind = np.where(delivered, DELIVERED, causes.kind[primary])
    kind = np.where((kind == BORN) & ~born, -1, kind)  # ill after going home, or moved
    old = patients.age[spells.patient] >= 65
    kind = np.where((kind == 1) & old, 0, kind)
    rows = np.flatnonzero(kind >= 0)
    diagnoses[rows, 1] = causes.pools.draw(rng, kind[rows])
    return np.where(kind >= 0, 2, 1).astype(np.int32)


def _add_conditions(
    rng: np.random.Generator,
    conditions: Conditions,
    patients: Patients,
    spells: Spells,
    length: Codes,
    diagnoses: npt.NDArray[np.int32],
    second: Codes,
    filled: Codes,
) -> None:
    """Write acute conditions, then lasting ones, into the free columns."""
    of = spells.patient
    shape = (len(spells), len(conditions.names))
    emergency = spells.setting == NON_ELECTIVE
    group = condition_group(patients.age[of])
    acute = conditions.acute
    factor = np.where(emergency[:, None], conditions.emergency, conditions.elective)
    # The longer the stay, the more happens in it.
    longer = np.where(emergency, np.clip(0.4 + length / 6, 0.4, 2.2), 1.0)[:, None]
    chance = np.where(
        acute,
        conditions.chance[group] * conditions.by_sex[patients.sex[of]] * factor * longer,
        patients.conditions[of] * np.minimum(factor, RECORDED),
    )
    has: Bools = rng.random(shape, dtype=np.float32) < chance
    has &= ~conditions.excluded[diagnoses[:, 0]]
    beside = np.flatnonzero(second >= 0)
    has[beside] &= ~conditions.excluded[second[beside]]
    codes = patients.condition_codes[of]
    rows, columns = np.nonzero(has[:, acute])
    which = np.flatnonzero(acute)[columns]
    codes[rows, which] = conditions.codes.draw(rng, which.astype(np.int32))
    place = np.cumsum(has, axis=1, dtype=np.int32) - 1 + filled[:, None]
    rows, columns = np.nonzero(has & (place < DIAGNOSES))
    diagnoses[rows, place[rows, columns]] = codes[rows, columns]


def _add_procedures(
    rng: np.random.Generator,
    catalogue: Catalogue,
    spells: Spells,
    way: Codes,
    length: Codes,
    procedures: npt.NDArray[np.int32],
) -> None:
    """Write the operation that drives and its site, or the scans of a medical spell."""
    operations = catalogue.operations
    rows = np.flatnonzero(way >= 0)
    here = way[rows]
    procedures[rows, 0] = operations.code[here]
    procedures[rows, 1 : 1 + operations.beside.shape[1]] = operations.beside[here]
    pool = operations.companion_pool[here]
    beside = rng.random(len(rows)) < operations.companion_chance[here]
    for share in (1.0, SECOND_COMPANION, THIRD_COMPANION, FOURTH_COMPANION):
        beside &= rng.random(len(rows)) < share
        _beside(rng, catalogue, procedures, rows[beside], pool[beside])
    emergency = spells.setting == NON_ELECTIVE
    stayed = np.where(emergency, np.clip(0.5 + length / 5, 0.5, 1.5), 1.0)
    chance = catalogue.intervention_chance[spells.root, spells.setting] * stayed
    rows = np.flatnonzero(rng.random(len(spells)) < chance)
    numbers = catalogue.intervention_pool[spells.root, spells.setting]
    small = catalogue.interventions.draw(rng, numbers[rows])
    procedures[rows, 0] = small
    beside = rng.random(len(rows)) < catalogue.companion_chance[small]
    _beside(rng, catalogue, procedures, rows[beside], catalogue.companion_pool[small[beside]])
    rows = rows[rng.random(len(rows)) < SECOND_INTERVENTION]
    second = catalogue.interventions.draw(rng, numbers[rows])
    fresh = second != procedures[rows, 0]
    rows, second = rows[fresh], second[fresh]
    procedures[rows, 1 + (procedures[rows, 1:4] >= 0).sum(axis=1)] = second


def _beside(
    rng: np.random.Generator,
    catalogue: Catalogue,
    procedures: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int64],
    pool: Codes,
) -> None:
    """Write a companion code into the first free column; one that stands there is not repeated."""
    drawn = catalogue.companions.draw(rng, pool)
    before = procedures[rows, 1:FILLED]
    fresh = ~(before == drawn[:, None]).any(axis=1)
    place = 1 + (before >= 0).sum(axis=1)
    procedures[rows[fresh], place[fresh]] = drawn[fresh]
