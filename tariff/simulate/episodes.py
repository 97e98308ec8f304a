"""From spells to consultant episodes: the rows of the extract."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tariff.simulate.admission import Admissions
from tariff.simulate.catalogue import DAY_CASE, NON_ELECTIVE, Bools, Catalogue, Codes
from tariff.simulate.clinical import Codings
from tariff.simulate.population import Spells
from tariff.simulate.raking import (
    ELECTIVE_BASE,
    ELECTIVE_NIGHT,
    EMERGENCY_BASE,
    EMERGENCY_NIGHT,
    MATERNITY,
    MOST_NIGHTS,
)
from tariff.simulate.stay import Stays

MOST_EPISODES = 6
REHABILITATION = 0.012  # of stays over a fortnight
PALLIATIVE = 0.012


@dataclass
class Episodes:
    """One array entry an episode."""

    spell: Codes
    order: Codes  # from 1
    last: Bools
    start: Codes  # days from the first day of the period
    end: Codes
    diagnoses: npt.NDArray[np.int32]
    procedures: npt.NDArray[np.int32]
    procedure_day: Codes  # -1_000_000 for none
    critical_days: Codes
    rehabilitation_days: Codes
    palliative_days: Codes

    def __len__(self) -> int:
        return len(self.spell)


NO_DAY = -1_000_000


def split_spells(
    rng: np.random.Generator,
    catalogue: Catalogue,
    spells: Spells,
    stays: Stays,
    admissions: Admissions,
    codings: Codings,
) -> Episodes:
    """Cut spells into episodes that follow each other without gap or overlap."""
    number = _counts(rng, catalogue, spells, stays)
    spell = np.repeat(np.arange(len(spells), dtype=np.int32), number)
    begin = np.cumsum(number) - number
    order = (np.arange(len(spell)) - begin[spell]).astype(np.int32)
    length = stays.length[spell]
    # The first handover is mostly on the first day or two: from the take to the ward.
    offset = (rng.random(len(spell)) ** 1.7 * (length + 1)).astype(np.int64)
    offset = np.where(order == 0, 0, np.minimum(offset, length))
    offset = offset[np.lexsort((offset, spell))]
    last = np.r_[spell[1:] != spell[:-1], True]
    end_offset = np.where(last, length, np.r_[offset[1:], 0])
    start = (stays.admission[spell] + offset).astype(np.int32)
    end = (stays.admission[spell] + end_offset).astype(np.int32)
    duration = end - start
    diagnoses = codings.diagnoses[spell]
    diagnoses[:, 0] = np.where(order > 0, codings.other_primary[spell], diagnoses[:, 0])
    procedures, day = _operations(rng, catalogue, spells, stays, codings, spell, start, end, last)
    critical = _into_longest(admissions.critical_days, spell, duration)
    old = (duration > 14) & last & (critical == 0) & (spells.setting[spell] == NON_ELECTIVE)
    chance = rng.random(len(spell))
    rehabilitation = np.where(old & (chance < REHABILITATION), duration // 2, 0)
    palliative = np.where(old & (chance > 1 - PALLIATIVE), duration // 3, 0)
    return Episodes(
        spell=spell,
        order=(order + 1).astype(np.int32),
        last=last,
        start=start,
        end=end,
        diagnoses=diagnoses,
        procedures=procedures,
        procedure_day=day,
        critical_days=critical,
        rehabilitation_days=rehabilitation.astype(np.int32),
        palliative_days=palliative.astype(np.int32),
    )


def _counts(rng: np.random.Generator, catalogue: Catalogue, spells: Spells, stays: Stays) -> Codes:
    """Draw how many episodes each spell has; a day case has one."""
    nights = np.minimum(stays.length, MOST_NIGHTS)
    emergency = spells.setting == NON_ELECTIVE
    mean = np.where(
        emergency,
        EMERGENCY_BASE + EMERGENCY_NIGHT * nights,
        ELECTIVE_BASE + ELECTIVE_NIGHT * nights,
    )
    maternity = (catalogue.birth | catalogue.maternity)[spells.root]
    mean = np.where(maternity, MATERNITY * mean, mean)
    further = rng.poisson(np.where(spells.setting == DAY_CASE, 0.0, mean))
    return np.minimum(1 + further, np.minimum(MOST_EPISODES, 1 + stays.length)).astype(np.int32)


def _operations(
    rng: np.random.Generator,
    catalogue: Catalogue,
    spells: Spells,
    stays: Stays,
    codings: Codings,
    spell: Codes,
    start: Codes,
    end: Codes,
    last: Bools,
) -> tuple[npt.NDArray[np.int32], Codes]:
    """Put the operations of a spell into the episode in which they were done."""
    length = stays.length
    waited = np.minimum(rng.geometric(0.45, len(spells)) - 1, length)
    planned = np.minimum((rng.random(len(spells)) < 0.06).astype(np.int64), length)
    emergency = (spells.setting == NON_ELECTIVE) & catalogue.operated[spells.root]
    day = (stays.admission + np.where(emergency, waited, planned))[spell]
    here = (day >= start) & ((day < end) | (last & (day <= end)))
    here &= codings.procedures[spell, 0] >= 0
    procedures = np.where(here[:, None], codings.procedures[spell], -1).astype(np.int32)
    return procedures, np.where(here, day, NO_DAY).astype(np.int32)


def _into_longest(days: Codes, spell: Codes, duration: Codes) -> Codes:
    """Give a spell's days to its longest episode, and no more than it has."""
    order = np.lexsort((-duration, spell))
    first = np.r_[True, spell[order][1:] != spell[order][:-1]]
    longest = order[first]
    given = np.zeros(len(spell), dtype=np.int32)
    given[longest] = np.minimum(days[spell[longest]], duration[longest])
    return given
