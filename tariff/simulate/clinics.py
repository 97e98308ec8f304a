"""Outpatient appointments: who is seen where, for what reason, and on which days.

Appointments come from four reasons: a planned admission (seen before, asked in for an assessment,
seen after), an emergency admission (seen after), a lasting condition (seen now and then), and a
referral like any other. All appointments of a patient with one provider and treatment function
are one series: it begins with a first attendance, or began before the period and has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tariff.simulate import shipped
from tariff.simulate.catalogue import (
    CHILD_BANDS,
    DAY_CASE,
    ELECTIVE,
    NON_ELECTIVE,
    Bools,
    Catalogue,
    Codes,
    Floats,
    Ints,
)
from tariff.simulate.columns import Chunk
from tariff.simulate.frames import Numbers, joined, take
from tariff.simulate.people import NEVER, People, StayTable
from tariff.simulate.plan import Plan

# Reasons
BEFORE, ASSESSMENT, AFTER_PLANNED, AFTER_EMERGENCY, CONDITION, REFERRAL, FRACTURE = range(7)
NO_CONDITION = -1

SEEN_BEFORE = 0.85  # of planned admissions: an appointment in the months before
ASSESSED = 0.5  # of planned admissions: a pre-operative assessment
AFTER = {DAY_CASE: 0.40, ELECTIVE: 0.75, NON_ELECTIVE: 0.35}
AGAIN = 0.35  # a second appointment after a stay
INTERVAL = 75.0  # mean days between appointments of a series
SATURDAY = 0.02
REFERRALS = 0.9  # other series of an admitted patient in a year
FOLLOWED = 0.75  # mean further appointments of such a series within a year

LEAST_SHORT = 0.02  # any function may have a referral
CHILD_FUNCTIONS = ("2", "171", "321", "420", "421", "422")
ANY_AGE = (
    *("140", "141", "142", "143", "144", "310", "311", "317"),
    *("650", "651", "652", "653", "654", "655", "656", "662"),
)
WOMEN = ("501", "502", "503", "560")
PREGNANCY = ("501", "560")  # 17 to 44
OLD = ("430", "328")  # 65 and over
FRACTURE_CLINIC = ("110", "214")


@dataclass
class Appointments:
    """One array entry an appointment."""

    person: Ints
    provider: Codes
    function: Codes  # row of the functions table
    day: Codes
    reason: Codes
    begins: Bools  # of a series that may begin in the period
    condition: Codes  # which lasting condition, NO_CONDITION for none
    spell: Codes  # which spell of the chunk it goes with, -1 for none

    def __len__(self) -> int:
        return len(self.person)


class Functions:
    """The treatment functions of outpatients, and who is seen in each."""

    def __init__(self, plan: Plan, catalogue: Catalogue) -> None:
        rows = shipped.table("outpatient_functions")
        self.codes = [row["treatment_function"] for row in rows]
        self.number = {code: i for i, code in enumerate(self.codes)}
        self.follow_ups = np.array([float(row["follow_ups"]) for row in rows])
        self.multi = np.array([float(row["multi"]) for row in rows])
        self.remote = np.array([float(row["remote"]) for row in rows])
        self.other_led = np.array([float(row["other_led"]) for row in rows])
        self.weight = np.array([float(row["weight"]) for row in rows])
        # Functions that see patients often nationally see them often here.
        self.often = np.clip(self.follow_ups / 2.0, 0.4, 3.0)
        self.by_stratum = self._by_stratum(self.weight, catalogue.bands)
        self.of_specialty = self._of_specialties(catalogue)

    def _by_stratum(self, weight: Floats, bands: Ints) -> Floats:
        table = np.zeros((len(bands) * 2, len(weight)))
        for band, age in enumerate(bands.tolist()):
            child = band < CHILD_BANDS
            for sex in (0, 1):
                for i, code in enumerate(self.codes):
                    of_child = code.startswith(CHILD_FUNCTIONS)
                    good = code in ANY_AGE or child == of_child
                    good &= sex == 1 or code not in WOMEN
                    good &= 17 <= age < 45 or code not in PREGNANCY
                    good &= age >= 65 or code not in OLD
                    good &= age < 5 or code != "422"
                    if good:
                        table[band * 2 + sex, i] = weight[i]
        return table

    def _of_specialties(self, catalogue: Catalogue) -> Codes:
        """Return the function of each admitted specialty, adult and child by turns."""
        found = []
        for row in catalogue.specialties:
            for key in ("treatment_function", "child_treatment_function"):
                code = row[key]
                found.append(self.number.get(code, self.number["300" if key[0] == "t" else "420"]))
        return np.array(found, dtype=np.int32)

    def short_of(self, made: list[Appointments], wanted: int) -> Floats:
        """Return by function what share of its appointments is still wanting, of `wanted` in all.

        Some functions look after more lasting conditions, and more of those who are admitted.
        """
        have = np.zeros(len(self.codes))
        for part in made:
            have += np.bincount(part.function, minlength=len(self.codes))
        target = self.weight / self.weight.sum() * max(wanted, 1)
        short: Floats = np.clip(1 - have / target, 0.0, 1.0)
        return short

    def draw(self, rng: np.random.Generator, stratum: Codes, short: Floats) -> Codes:
        """Draw the function of a series for patients of some age bands and sexes."""
        drawn = np.zeros(len(stratum), dtype=np.int32)
        part = rng.random(len(stratum))
        table = self.by_stratum * np.maximum(short, LEAST_SHORT) / (1 + FOLLOWED * self.often)
        for one in np.unique(stratum):
            rows = np.flatnonzero(stratum == one)
            running = np.cumsum(table[one])
            drawn[rows] = np.searchsorted(running, part[rows] * running[-1], side="right")
        return np.minimum(drawn, len(self.codes) - 1)


class Clinics:
    """Holds the tables and makes the appointments of one chunk after another."""

    def __init__(self, plan: Plan, catalogue: Catalogue, condition_codes: list[str]) -> None:
        self.plan = plan
        self.functions = Functions(plan, catalogue)
        rows = {row["prefix"]: row for row in shipped.table("condition_functions")}
        # By number of the diagnosis: which function follows it up, how surely, how often.
        found = [self._row(rows, code) for code in condition_codes]
        self.of_code = np.array(
            [self.functions.number[row["treatment_function"]] if row else -1 for row in found],
            dtype=np.int32,
        )
        self.chance = np.array([float(row["chance"]) if row else 0.0 for row in found])
        self.visits = np.array([float(row["visits"]) if row else 0.0 for row in found])

    @staticmethod
    def _row(rows: dict[str, shipped.Row], code: str) -> shipped.Row | None:
        for length in range(len(code), 0, -1):
            if (row := rows.get(code[:length])) is not None:
                return row
        return None

    def of_admissions(
        self, rng: np.random.Generator, chunk: Chunk, kept: Ints
    ) -> list[Appointments]:
        """Return the appointments before and after the stays that are in the extract."""
        spells, stays, admissions = chunk.spells, chunk.stays, chunk.admissions
        setting = spells.setting[kept]
        child = admissions.child[kept].astype(np.int32)
        function = self.functions.of_specialty[admissions.specialty[kept] * 2 + child]
        planned = setting != NON_ELECTIVE
        draw = rng.random((5, len(kept)))
        seen = planned & (draw[0] < SEEN_BEFORE)
        wait = rng.integers(21, 120, len(kept))
        assessed = planned & (setting == ELECTIVE) & (draw[1] < ASSESSED)
        ahead = rng.integers(3, 20, len(kept))
        share = np.array([AFTER[DAY_CASE], AFTER[ELECTIVE], AFTER[NON_ELECTIVE]])[setting]
        after = (draw[2] < share) & (admissions.discharge[kept] != _DIED)
        later = rng.integers(14, 70, len(kept))
        again = after & (draw[3] < AGAIN)
        second = later + rng.integers(28, 120, len(kept))
        admission, discharge = stays.admission[kept], stays.discharge[kept]
        leaving = np.where(planned, AFTER_PLANNED, AFTER_EMERGENCY).astype(np.int32)
        reason = np.full(len(kept), BEFORE, dtype=np.int32)
        return [
            _of_spells(spells.patient, spells.provider, kept[rows], function[rows], day, why, first)
            for rows, day, why, first in (
                (seen, (admission - wait)[seen], reason[seen], True),
                (assessed, (admission - ahead)[assessed], reason[assessed] + 1, False),
                (after, (discharge + later)[after], leaving[after], False),
                (again, (discharge + second)[again], leaving[again], False),
            )
        ]

    def of_conditions(
        self, rng: np.random.Generator, people: People, ids: Ints, share: float = 1.0
    ) -> Appointments:
        """Return the appointments for the lasting conditions of some people, or of a share."""
        has = people.patients.conditions[ids]
        rows, condition = np.nonzero(has)
        codes = people.patients.condition_codes[ids[rows], condition]
        followed = rng.random(len(rows)) < self.chance[codes] * share
        rows, condition, codes = rows[followed], condition[followed], codes[followed]
        visits = self.visits[codes] * self.plan.days / 365
        number = rng.poisson(visits)
        of = np.repeat(np.arange(len(rows)), number)
        person = ids[rows[of]]
        return self._series(
            rng,
            person,
            people.patients.provider[person],
            self.of_code[codes[of]],
            rng.integers(0, self.plan.days, len(of)).astype(np.int32),
            CONDITION,
            condition[of],
        )

    def of_referrals(
        self, rng: np.random.Generator, people: People, ids: Ints, number: Codes, short: Floats
    ) -> Appointments:
        """Return some series of appointments for each of some people."""
        person = np.repeat(ids, number)
        patients = people.patients
        stratum = (patients.band[person] * 2 + patients.sex[person]).astype(np.int32)
        function = self.functions.draw(rng, stratum, short)
        start = rng.integers(0, self.plan.days, len(person))
        often = self.functions.often[function]
        further = rng.poisson(FOLLOWED * often)
        of = np.repeat(np.arange(len(person)), further + 1)
        begin = np.cumsum(further + 1) - (further + 1)
        place = np.arange(len(of)) - begin[of]
        gap = 10 + rng.exponential(INTERVAL, len(of)) / np.sqrt(often[of])
        gap = np.where(place == 0, 0, gap)
        along = np.cumsum(gap)
        along -= along[begin[of]]
        return self._series(
            rng,
            person[of],
            patients.provider[person[of]],
            function[of],
            (start[of] + along).astype(np.int32),
            REFERRAL,
            np.full(len(of), NO_CONDITION),
        )

    def of_fractures(
        self, rng: np.random.Generator, person: Ints, provider: Codes, day: Codes, child: Bools
    ) -> Appointments:
        """Return the fracture clinic appointments of people sent there by an A&E department."""
        adult, young = (self.functions.number[code] for code in FRACTURE_CLINIC)
        function = np.where(child, young, adult).astype(np.int32)
        later = (day + rng.integers(3, 14, len(day))).astype(np.int32)
        return self._series(
            rng, person, provider, function, later, FRACTURE, np.full(len(day), NO_CONDITION)
        )

    @staticmethod
    def _series(
        rng: np.random.Generator,
        person: Ints,
        provider: Codes,
        function: Codes,
        day: Codes,
        reason: int,
        condition: Ints,
    ) -> Appointments:
        count = len(person)
        return Appointments(
            person=person.astype(np.int64),
            provider=provider.astype(np.int32),
            function=function.astype(np.int32),
            day=day.astype(np.int32),
            reason=np.full(count, reason, dtype=np.int32),
            begins=np.full(count, reason in (REFERRAL, FRACTURE, CONDITION)),
            condition=condition.astype(np.int32),
            spell=np.full(count, -1, dtype=np.int32),
        )

    def settle(
        self,
        rng: np.random.Generator,
        parts: list[Appointments],
        people: People,
        stays: StayTable,
        busy: Ints,
    ) -> Appointments:
        """Put all appointments of a chunk in order, on days on which they can be.

        Left out are days outside the period and of life, days in hospital, days of an emergency
        attendance (`busy`, person × SPAN + day), and a second appointment of one day.
        """
        made = joined(parts)
        weekday = (self.plan.first_day.weekday() + made.day) % 7
        saturday = rng.random(len(made)) < SATURDAY
        move = np.where(weekday == 6, 1, np.where((weekday == 5) & ~saturday, 2, 0))
        made.day = (made.day + move).astype(np.int32)
        keep = (made.day >= 0) & (made.day < self.plan.days)
        keep &= people.alive(made.person, made.day) & ~stays.inside(made.person, made.day)
        keep &= ~np.isin(day_key(made.person, made.day), busy)
        made = take(made, keep)
        order = np.lexsort((made.reason, made.day, made.person))
        made = take(made, order)
        again = (made.person[1:] == made.person[:-1]) & (made.day[1:] == made.day[:-1])
        made = take(made, np.r_[True, ~again] if len(made) else np.zeros(0, dtype=np.bool_))
        order = np.lexsort((made.day, made.function, made.provider, made.person))
        return take(made, order)


def day_key(person: Numbers, day: Numbers) -> Ints:
    """Return one number for a person and a day."""
    key: Ints = person.astype(np.int64) * NEVER + day
    return key


def series_start(made: Appointments) -> Bools:
    """Say which appointments are the earliest of a person, provider and function, in order."""
    if not len(made):
        return np.zeros(0, dtype=np.bool_)
    same = (
        (made.person[1:] == made.person[:-1])
        & (made.provider[1:] == made.provider[:-1])
        & (made.function[1:] == made.function[:-1])
    )
    start: Bools = np.r_[True, ~same]
    return start


def _of_spells(
    patient: Codes,
    provider: Codes,
    kept: Ints,
    function: Codes,
    day: Codes,
    reason: Codes,
    begins: bool,
) -> Appointments:
    return Appointments(
        person=patient[kept].astype(np.int64),
        provider=provider[kept].astype(np.int32),
        function=function.astype(np.int32),
        day=day.astype(np.int32),
        reason=reason.astype(np.int32),
        begins=np.full(len(kept), begins),
        condition=np.full(len(kept), NO_CONDITION, dtype=np.int32),
        spell=kept.astype(np.int32),
    )


def _died() -> int:
    from tariff.simulate.admission import DISCHARGES

    return DISCHARGES.index("4")


_DIED = _died()
