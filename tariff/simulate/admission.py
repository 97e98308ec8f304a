"""The administrative codes of a spell: how it began, how it ended, and who looked after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tariff.simulate.catalogue import (
    CHILD_BANDS,
    DAY_CASE,
    ELECTIVE,
    NON_ELECTIVE,
    Bools,
    Catalogue,
    Codes,
    Floats,
)
from tariff.simulate.population import Patients, Spells
from tariff.simulate.stay import Stays

METHODS = ("11", "12", "13", "21", "22", "23", "24", "2A", "2B", "2D", "31", "32", "81", "82")
SOURCES = ("19", "29", "51", "79", "85")
DESTINATIONS = ("19", "29", "51", "79", "85", "88")
DISCHARGES = ("1", "2", "4")
CLASSES = ("1", "2")
INTENDED = ("1", "2", "8")
NEONATAL = ("0", "1", "8")

# Shares by setting, in the order of METHODS: judgement.
METHOD_SHARES = (
    (0.48, 0.17, 0.35, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (0.70, 0.18, 0.12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (0, 0, 0, 0.70, 0.09, 0.02, 0.07, 0.06, 0.01, 0.025, 0, 0, 0.025, 0),
)
CONVERTED = 0.02  # planned as a day case, kept overnight: an ordinary admission
# Share of non-elective spells that end in death, by age band: judgement.
DEATHS = (0.002, 0.001, 0.001, 0.001, 0.001, 0.002, 0.002, 0.003)
DEATHS_OLDER = (0.006, 0.012, 0.024, 0.042, 0.072, 0.095)
POSTNATAL = ("NZ26", "NZ27")
CARE_HOME_AGE = 75
CARE_HOME = 0.09  # of non-elective spells at 75 and over
CRITICAL_STAY = 3  # nights before critical care is drawn
OLDER_SPECIALTY = 0.5  # of general medical spells at 75 and over: geriatric medicine


@dataclass
class Admissions:
    """One array entry a spell: numbers into the tuples above."""

    method: Codes
    source: Codes
    destination: Codes
    discharge: Codes
    classification: Codes
    intended: Codes
    neonatal: Codes
    specialty: Codes  # row of the specialties table
    child: Bools
    critical_days: Codes
    birth_weight: Codes  # grams, 0 for none


def admit(
    rng: np.random.Generator,
    catalogue: Catalogue,
    patients: Patients,
    spells: Spells,
    stays: Stays,
    low_weight: Bools,
) -> Admissions:
    """Draw the administrative codes of every spell."""
    count = len(spells)
    band = patients.band[spells.patient]
    elderly = patients.age[spells.patient] >= CARE_HOME_AGE
    emergency = spells.setting == NON_ELECTIVE
    birth = catalogue.birth[spells.root]
    method = _by_setting(rng, spells.setting)
    method = np.where(birth, METHODS.index("82"), method)
    maternity = catalogue.maternity[spells.root]
    method = np.where(maternity & emergency, METHODS.index("31"), method)
    postnatal = np.array([root.startswith(POSTNATAL) for root in catalogue.roots])[spells.root]
    method = np.where(postnatal, METHODS.index("32"), method)
    method = np.where(catalogue.moved_in[spells.root], METHODS.index("81"), method)
    home = np.where(
        emergency & elderly & (rng.random(count) < CARE_HOME),
        SOURCES.index("85"),
        (rng.random(count) < 0.006).astype(np.int64),
    )
    moved = (method == METHODS.index("2B")) | (method == METHODS.index("81"))
    source = np.where(moved, SOURCES.index("51"), home)
    source = np.where(birth, SOURCES.index("79"), source)
    destination, discharge = _ends(rng, band, elderly, emergency & ~birth & ~maternity, home, stays)
    day_case = spells.setting == DAY_CASE
    converted = (spells.setting == ELECTIVE) & (stays.length == 1)
    converted &= rng.random(count) < CONVERTED * 5
    intended = np.where(day_case | converted, 1, np.where(emergency, 2, 0))
    neonatal = np.where(birth, (rng.random(count) < 0.15).astype(np.int64), 2)
    older = elderly & emergency & (rng.random(count) < OLDER_SPECIALTY)
    weight = rng.normal(3350, 480, count)
    weight = np.where(low_weight, rng.integers(1000, 2490, count), np.clip(weight, 2500, 5200))
    return Admissions(
        method=method.astype(np.int32),
        source=source.astype(np.int32),
        destination=destination,
        discharge=discharge,
        classification=day_case.astype(np.int32),
        intended=intended.astype(np.int32),
        neonatal=neonatal.astype(np.int32),
        specialty=_specialty(catalogue, spells, older),
        child=band < CHILD_BANDS,
        critical_days=_critical(rng, catalogue, spells, stays),
        birth_weight=np.where(birth, weight.astype(np.int64) // 10 * 10, 0).astype(np.int32),
    )


def _by_setting(rng: np.random.Generator, setting: Codes) -> Codes:
    """Draw admission methods."""
    running: Floats = np.cumsum(np.array(METHOD_SHARES), axis=1)
    running /= running[:, -1:]
    drawn = (rng.random(len(setting))[:, None] >= running[setting]).sum(axis=1)
    method: Codes = np.minimum(drawn, len(METHODS) - 1).astype(np.int32)
    return method


def _ends(
    rng: np.random.Generator,
    band: Codes,
    elderly: Bools,
    emergency: Bools,
    home: Codes,
    stays: Stays,
) -> tuple[Codes, Codes]:
    """Draw how and where to patients leave. Nobody comes back after dying."""
    count = len(band)
    chance = np.array(DEATHS + DEATHS_OLDER)[band] * np.clip(0.6 + stays.length / 12, 0.6, 2.5)
    died = emergency & stays.last & (rng.random(count) < chance)
    left = emergency & (band >= CHILD_BANDS) & (rng.random(count) < 0.012)
    # Source numbers of home, temporary home and care home, as destinations.
    destination = np.where(home == SOURCES.index("85"), DESTINATIONS.index("85"), home)
    other = rng.random(count)
    long = emergency & (stays.length >= 3)
    destination = np.where(long & (other < 0.03), DESTINATIONS.index("51"), destination)
    old = long & elderly & (stays.length >= 10)
    destination = np.where(old & (other > 0.92), DESTINATIONS.index("85"), destination)
    destination = np.where(old & (other > 0.99), DESTINATIONS.index("88"), destination)
    destination = np.where(died, DESTINATIONS.index("79"), destination)
    discharge = np.where(died, 2, left.astype(np.int64))
    return destination.astype(np.int32), discharge.astype(np.int32)


def _critical(
    rng: np.random.Generator, catalogue: Catalogue, spells: Spells, stays: Stays
) -> Codes:
    """Draw days in critical care, always fewer than the nights of the stay."""
    some = rng.random(len(spells)) < 2 * catalogue.critical[spells.root]
    some &= stays.length >= CRITICAL_STAY
    days = np.minimum(rng.geometric(0.3, len(spells)), stays.length - 1)
    return np.where(some, days, 0).astype(np.int32)


def _specialty(catalogue: Catalogue, spells: Spells, older: Bools) -> Codes:
    """Return the specialty of each spell; half of the oldest in general medicine have their own."""
    emergency = (spells.setting == NON_ELECTIVE).astype(np.int64)
    specialty = catalogue.specialty[spells.root, emergency]
    functions = [row["treatment_function"] for row in catalogue.specialties]
    general, geriatric = functions.index("300"), functions.index("430")
    return np.where(older & (specialty == general), geriatric, specialty).astype(np.int32)
