"""When spells happen and how long they last.

Every spell is discharged inside the period. Two spells of one patient are at least two whole days
apart, whichever the provider, so that nothing in an honest extract overlaps, touches or repeats.
Bank holidays are not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from tariff.simulate.catalogue import (
    DAY_CASE,
    ELECTIVE,
    NON_ELECTIVE,
    Bools,
    Catalogue,
    Codes,
    Floats,
    Ints,
)
from tariff.simulate.plan import Plan
from tariff.simulate.population import Patients, Spells
from tariff.simulate.raking import APART, lasting_conditions, margin

LEAST_GAP = APART  # days between discharge and the next admission of a patient
LONGEST_GAP = 28  # about a readmission
LONGEST_STAY = 240
BRIEF = 1  # nights at most, where a longer stay would be for something else
# A spell's stay over an episode's, the published means being of episodes: fitted to the mean stay
# of a spell, HES 2024/25.
SPELL_OVER_EPISODE = 2.16
STAY_SHAPE = 1.25  # gamma shape of long stays: 1 is as scattered as waiting times are
SAME_DAY_SHARE = 0.58  # of short non-elective stays: fitted to HES 2024/25
MIDNIGHT = 24 * 60

# Discharges by day of the week, Monday first, relative to the mean: judgement.
WEEK = {
    "day case": (1.30, 1.40, 1.42, 1.40, 1.22, 0.22, 0.04),
    "elective": (0.85, 1.00, 1.10, 1.20, 1.35, 0.95, 0.55),
    "non-elective": (1.05, 1.06, 1.05, 1.06, 1.20, 0.84, 0.74),
}
# By month, January first: judgement. Emergencies have the published season: what is not respiratory
# makes up for the winter of what is.
SEASON = {
    "day case": (0.98, 1.00, 1.03, 0.97, 1.01, 1.01, 1.02, 0.97, 1.02, 1.04, 1.05, 0.90),
    "elective": (0.90, 0.98, 1.03, 0.97, 1.02, 1.03, 1.03, 0.98, 1.04, 1.05, 1.06, 0.91),
    "winter": (1.35, 1.20, 1.10, 0.95, 0.88, 0.82, 0.80, 0.75, 0.85, 0.98, 1.12, 1.40),
}
RESPIRATORY = 0.12  # of non-elective spells: of the roots in `Catalogue.winter`, as drawn
# Admissions by hour of the day, relative: judgement.
EMERGENCY_HOURS = (
    *(30, 26, 23, 20, 17, 16, 15, 16, 20, 30, 42, 52),
    *(60, 64, 66, 66, 65, 64, 62, 58, 54, 48, 42, 36),
)


@dataclass
class Stays:
    """One array entry a spell. Days count from the first day of the period."""

    admission: Codes
    discharge: Codes
    admission_time: Codes  # minutes since midnight
    discharge_time: Codes
    last: Bools  # the patient's last spell

    @property
    def length(self) -> Codes:
        """Return days from admission to discharge."""
        return self.discharge - self.admission


def date_spells(
    rng: np.random.Generator, plan: Plan, catalogue: Catalogue, patients: Patients, spells: Spells
) -> tuple[Spells, Stays]:
    """Date the spells, and leave out those for which a patient has no room."""
    burden = patients.conditions.sum(axis=1)
    usual = lasting_conditions(catalogue.bands)[patients.band, patients.sex]
    severity = np.clip(np.exp(0.07 * (burden - usual)), 0.7, 1.6)
    length = _lengths(rng, catalogue, patients, spells, severity[spells.patient])
    calendar = Calendar(plan)
    discharge = calendar.draw(rng, catalogue, spells)
    length = calendar.weekday_admission(rng, catalogue, spells, discharge, length)
    discharge = _readmitted(rng, plan, spells, discharge, length)
    order = np.lexsort((length, discharge, spells.patient))
    spells, discharge, length = spells.take(order), discharge[order], length[order]
    begin = np.r_[True, spells.patient[1:] != spells.patient[:-1]]
    position = np.arange(len(spells), dtype=np.int32)
    spells.rank = position - np.maximum.accumulate(np.where(begin, position, 0)).astype(np.int32)
    keep = _with_room(spells, discharge - length, discharge)
    spells, discharge, length = spells.take(keep), discharge[keep], length[keep]
    last = np.r_[spells.patient[1:] != spells.patient[:-1], True]
    arrival, leaving = _times(rng, spells.setting, length)
    admission = (discharge - length).astype(np.int32)
    return spells, Stays(admission, discharge.astype(np.int32), arrival, leaving, last)


def _lengths(
    rng: np.random.Generator,
    catalogue: Catalogue,
    patients: Patients,
    spells: Spells,
    severity: Floats,
) -> Codes:
    """Draw the nights of each stay: the older and the sicker the patient, the longer."""
    root, setting = spells.root, spells.setting
    severity = np.where(
        setting == NON_ELECTIVE,
        severity * catalogue.age_effect[patients.band[spells.patient], root],
        severity,
    )
    length = np.zeros(len(root), dtype=np.int64)
    rows = np.flatnonzero(setting == ELECTIVE)
    mean = np.maximum(catalogue.elective_stay[root[rows]], 1.0)
    nights = 1 + _whole(rng, rng.gamma(1.3, 1.0, len(rows)) / 1.3 * (mean - 1) * severity[rows])
    length[rows] = np.where(rng.random(len(rows)) < np.where(mean < 2, 0.12, 0.02), 0, nights)
    rows = np.flatnonzero(setting == NON_ELECTIVE)
    mean = np.maximum(catalogue.long_stay[root[rows]] * SPELL_OVER_EPISODE, 2.2)
    beyond = rng.gamma(STAY_SHAPE, 1.0, len(rows)) / STAY_SHAPE * (mean - 2) * severity[rows]
    nights = 2 + _whole(rng, beyond)
    short = rng.random(len(rows)) < catalogue.short_share[root[rows]] ** np.sqrt(severity[rows])
    brief = (rng.random(len(rows)) >= SAME_DAY_SHARE).astype(np.int64)
    length[rows] = np.where(short, brief, nights)
    longest = np.where(catalogue.brief[root], BRIEF, LONGEST_STAY)
    return np.minimum(length, longest).astype(np.int32)


def _whole(rng: np.random.Generator, days: Floats) -> Ints:
    """Round up or down by chance, so that the mean stays."""
    whole: Ints = np.floor(days + rng.random(len(days))).astype(np.int64)
    return whole


class Calendar:
    """The days of the period, and how likely each kind of spell ends on each."""

    KINDS = ("day case", "elective", "non-elective", "winter")

    def __init__(self, plan: Plan) -> None:
        days = [plan.first_day + timedelta(days=i) for i in range(plan.days)]
        self.first_weekday = plan.first_day.weekday()
        week = {**WEEK, "winter": WEEK["non-elective"]}
        emergencies = margin("emergencies by month").values()
        season: dict[str, tuple[float, ...]] = dict(SEASON)
        season["non-elective"] = tuple(
            (all_ - RESPIRATORY * winter) / (1 - RESPIRATORY)
            for all_, winter in zip(emergencies, SEASON["winter"], strict=True)
        )
        self.running = [
            np.cumsum([week[kind][day.weekday()] * season[kind][day.month - 1] for day in days])
            for kind in self.KINDS
        ]

    def draw(self, rng: np.random.Generator, catalogue: Catalogue, spells: Spells) -> Codes:
        """Draw the day of discharge."""
        winter = (spells.setting == NON_ELECTIVE) & catalogue.winter[spells.root]
        kind = np.where(winter, 3, spells.setting)
        day = np.zeros(len(spells), dtype=np.int32)
        for number, running in enumerate(self.running):
            rows = np.flatnonzero(kind == number)
            at = np.searchsorted(running, rng.random(len(rows)) * running[-1], side="right")
            day[rows] = np.minimum(at, len(running) - 1)
        return day

    def weekday_admission(
        self,
        rng: np.random.Generator,
        catalogue: Catalogue,
        spells: Spells,
        discharge: Codes,
        length: Codes,
    ) -> Codes:
        """Move most elective admissions from the weekend to the Friday or the Monday."""
        weekday = (self.first_weekday + discharge - length) % 7
        mostly = (rng.random(len(spells)) < 0.8) & (spells.setting == ELECTIVE) & (length > 0)
        mostly &= ~catalogue.brief[spells.root]
        length = np.where(mostly & (weekday == 5), length + 1, length)
        sunday = mostly & (weekday == 6)
        return np.where(sunday, np.where(length > 1, length - 1, length + 2), length)


def _readmitted(
    rng: np.random.Generator, plan: Plan, spells: Spells, discharge: Codes, length: Codes
) -> Codes:
    """Put some later emergencies within weeks of the spell before, where the period allows.

    Half of them go before that spell, which then is the second of the two: so the first weeks of
    the period are as busy as the last.
    """
    discharge = discharge.copy()
    gap = rng.integers(LEAST_GAP, LONGEST_GAP, len(spells), endpoint=True)
    before = rng.random(len(spells)) < 0.5
    for rank in range(1, int(spells.rank.max(initial=0)) + 1):
        rows = np.flatnonzero(spells.again & (spells.rank == rank))
        rows = rows[spells.patient[rows - 1] == spells.patient[rows]]
        after = discharge[rows - 1] + gap[rows] + length[rows]
        ahead = discharge[rows - 1] - length[rows - 1] - gap[rows]
        early, late = ahead >= 0, after < plan.days
        moved = np.where(early & (before[rows] | ~late), ahead, after)
        discharge[rows] = np.where(early | late, moved, discharge[rows])
    return discharge


def _with_room(spells: Spells, admission: Codes, discharge: Codes) -> Bools:
    """Keep the spells, in order of discharge, that begin well after the one kept before."""
    keep = np.zeros(len(spells), dtype=np.bool_)
    before = np.full(int(spells.patient.max(initial=0)) + 1, -(10**6), dtype=np.int64)
    for rank in range(int(spells.rank.max(initial=0)) + 1):
        rows = np.flatnonzero(spells.rank == rank)
        room = admission[rows] >= before[spells.patient[rows]] + LEAST_GAP
        keep[rows] = room
        before[spells.patient[rows[room]]] = discharge[rows[room]]
    return keep


def _times(rng: np.random.Generator, setting: Codes, length: Codes) -> tuple[Codes, Codes]:
    """Draw the times of admission and discharge; on one day they are hours apart."""
    count = len(setting)
    hours = np.array(EMERGENCY_HOURS, dtype=np.float64)
    hour = np.searchsorted(np.cumsum(hours) / hours.sum(), rng.random(count), side="right")
    emergency = np.minimum(hour, 23) * 60 + rng.integers(0, 60, count)
    # Someone who goes home the same day came in by the afternoon.
    sameday = (length == 0) & (setting == NON_ELECTIVE)
    emergency = np.where(sameday, np.minimum(emergency * 3 // 4, 17 * 60), emergency)
    morning = 7 * 60 + rng.integers(0, 4 * 60, count) + rng.integers(0, 2 * 60, count)
    arrival = np.where(setting == NON_ELECTIVE, emergency, morning)
    afternoon = 10 * 60 + (rng.beta(2.5, 2.5, count) * 11 * 60).astype(np.int64)
    least, more = np.where(setting == DAY_CASE, 2.5, 4.5), np.where(setting == DAY_CASE, 6, 5)
    hours_in = least + more * rng.random(count)
    sameday_end = np.minimum(arrival + (hours_in * 60).astype(np.int64), MIDNIGHT - 1)
    leaving = np.where(length == 0, sameday_end, afternoon)
    return arrival.astype(np.int32), leaving.astype(np.int32)
