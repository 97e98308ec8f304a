"""Outpatient attendances: what became of each appointment, how it is coded, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tariff.schemas import MFF_UNIT
from tariff.simulate import clinics, shipped
from tariff.simulate.billing import Engine
from tariff.simulate.catalogue import SEXES, Bools, Catalogue, Codes, Ints, Pools
from tariff.simulate.clinics import Appointments, Clinics, Functions, series_start
from tariff.simulate.columns import CONSULTANTS, Chunk
from tariff.simulate.frames import (
    Bill,
    Numbers,
    batch_of,
    coded,
    dates,
    numbered,
    plain,
    take,
    text_column,
    times,
    whole,
)
from tariff.simulate.people import SPAN, People
from tariff.simulate.plan import Plan
from tariff.simulate.population import PRACTICES
from tariff.simulate.rates import ProcedurePrices, Rates, procedure_prices

# NHS England, outpatients 2023/24: attended 77.3 %, cancelled 16.4 %, did not attend 5.9 %.
ATTENDED = ("5", "6", "2", "4", "3", "7")
ATTENDED_SHARES = (0.755, 0.022, 0.073, 0.091, 0.058, 0.001)
SEEN = 2  # the first so many of ATTENDED
SEEN_SHARE = sum(ATTENDED_SHARES[:SEEN])
REMOTE_LATER = 5.0  # from 2020 times the share of 2017/18, at most: judgement
MOST_REMOTE = 0.45
CODED = 0.06  # of attendances with a reason known: a diagnosis is coded
MEDIUM = ("01", "02", "03")
OUTCOMES = ("1", "2", "3")
REFERRED = ("03", "05", "01", "10", "04", "15", "92", "14")
# Shares of REFERRED for a referral like any other; by reason below.
REFERRED_SHARES = (0.64, 0.20, 0.0, 0.0, 0.03, 0.04, 0.03, 0.06)
HRGS = ("WF01A", "WF01B", "WF01C", "WF01D", "WF02A", "WF02B", "WF02C", "WF02D")
PODS = (
    *("OPFASPCL", "OPFUPSPCL", "OPFASPNCL", "OPFUPSPNCL", "OPFAMPCL", "OPFUPMPCL", "OPFAMPNCL"),
    *("OPFUPMPNCL", "NF2FFA", "NF2FFUP", "OPPROCFA", "OPPROCFUP", "OPFUPPREOP"),
)
NURSE, THERAPIST = "950", "960"
NOT_A_DOCTOR = ("N9999998", "H9999998")
THERAPY = "65"
PATHWAY = ("501", "560")  # paid as a maternity pathway: nothing for the attendance
MULTI_CODE = "X622"
ASSESSMENT_CLINIC = "PREOP"
SOON = 120  # days after a stay in which a new series goes on from it
MOST_PROVIDERS = 1000
OPENING, SLOT, SLOTS = 9 * 60, 10, 48
# Main specialty of functions that are not in the specialties table.
MAIN = {"2": "420", "65": "960", "17": "170", "14": "140", "5": "502", "8": "800", "16": "160"}


@dataclass
class Attendances:
    """Appointments with what became of them, in the order of the rows."""

    made: Appointments
    first: Bools
    attended: Codes
    remote: Bools
    multi: Bools
    other_led: Bools
    procedure: Codes  # number in the procedures table, -1 for none
    age: Codes

    @property
    def seen(self) -> Bools:
        """Say which were seen."""
        found: Bools = self.attended < SEEN
        return found

    def __len__(self) -> int:
        return len(self.first)


class Discharges:
    """When each patient left which provider and treatment function."""

    def __init__(self, functions: Functions, chunk: Chunk, kept: Ints) -> None:
        spells, admissions = chunk.spells, chunk.admissions
        child = admissions.child[kept].astype(np.int32)
        function = functions.of_specialty[admissions.specialty[kept] * 2 + child]
        self.kinds = len(functions.codes)
        key = self._key(spells.patient[kept], spells.provider[kept], function)
        self.at = np.sort(key + chunk.stays.discharge[kept] + SOON)

    def _key(self, person: Numbers, provider: Numbers, function: Numbers) -> Ints:
        key: Ints = (person.astype(np.int64) * MOST_PROVIDERS + provider) * self.kinds + function
        return key * SPAN

    def before(self, made: Appointments) -> Bools:
        """Say which appointments are soon after a stay with the same provider and function."""
        key = self._key(made.person, made.provider, made.function) + made.day + SOON
        first = np.searchsorted(self.at, key - SOON, side="left")
        found: Bools = np.searchsorted(self.at, key, side="right") > first
        return found


class Outpatients:
    """Holds the tables and turns appointments into rows."""

    def __init__(
        self, plan: Plan, catalogue: Catalogue, booked: Clinics, rates: Rates, engine: Engine | None
    ) -> None:
        self.plan, self.catalogue, self.rates = plan, catalogue, rates
        self.functions = booked.functions
        self.codes: list[str] = []
        numbers: dict[str, int] = {}
        pools: list[list[tuple[int, float]]] = []
        count = len(self.functions.codes)
        self.pool = np.full(count, -1, dtype=np.int32)
        self.chance = np.zeros(count)
        for row in shipped.table("outpatient_procedures"):
            at = self.functions.number[row["treatment_function"]]
            self.pool[at], self.chance[at] = len(pools), float(row["chance"])
            pools.append(
                [
                    (numbers.setdefault(code, len(numbers)), weight)
                    for code, weight in shipped.weighted(row["codes"])
                ]
            )
        self.codes = list(numbers)
        self.pools = Pools(pools)
        self.prices: ProcedurePrices = procedure_prices(plan, self.codes, engine)
        only = [shipped.procedure_sex(code) for code in self.codes]
        self.for_sex = np.array([[sex in ("", letter) for letter in SEXES] for sex in only])
        self.mains = self._mains()
        self.national = np.array(
            [rates.attendances.get(code, (-1,) * 4) for code in self.functions.codes],
            dtype=np.int64,
        )
        self.pathway = np.isin(self.functions.codes, PATHWAY)
        self.therapy = np.array([code.startswith(THERAPY) for code in self.functions.codes])
        self.never_led = np.isin(self.mains, (NURSE, THERAPIST))  # by a consultant

    def _mains(self) -> list[str]:
        known = {}
        for row in self.catalogue.specialties:
            known[row["child_treatment_function"]] = row["child_main_specialty"]
            known[row["treatment_function"]] = row["main_specialty"]
        valid = {row["main_specialty"] for row in self.catalogue.specialties}
        mains = []
        for code in self.functions.codes:
            near = next((main for prefix, main in MAIN.items() if code.startswith(prefix)), "300")
            mains.append(known.get(code) or (code if code in valid else near))
        return mains

    def attend(
        self, rng: np.random.Generator, made: Appointments, people: People, left: Discharges
    ) -> Attendances:
        """Draw what becomes of the appointments."""
        count = len(made)
        attended = np.searchsorted(
            np.cumsum(ATTENDED_SHARES), rng.random(count), side="right"
        ).astype(np.int32)
        attended = np.minimum(attended, len(ATTENDED) - 1)
        sure = (made.reason == clinics.BEFORE) | (made.reason == clinics.ASSESSMENT)
        attended = np.where(sure & (attended >= SEEN), 0, attended).astype(np.int32)
        first = self._firsts(rng, made, attended, left)
        share = self.functions.remote[made.function]
        if self.plan.first_day.year >= 2020:
            share = np.minimum(share * REMOTE_LATER, MOST_REMOTE)
        share = np.where(first, share * 0.5, share * 1.2)
        remote = (rng.random(count) < share) & ~sure & (made.reason != clinics.FRACTURE)
        multi = rng.random(count) < self.functions.multi[made.function]
        other = rng.random(count) < self.functions.other_led[made.function]
        other |= made.reason == clinics.ASSESSMENT
        multi &= ~remote & (made.reason != clinics.ASSESSMENT)
        age = people.age(made.person, made.day)
        seen = attended < SEEN
        done = seen & ~remote & (self.pool[made.function] >= 0)
        done &= (made.reason != clinics.ASSESSMENT) & (made.reason != clinics.FRACTURE)
        done &= rng.random(count) < self.chance[made.function]
        procedure = np.full(count, -1, dtype=np.int32)
        rows = np.flatnonzero(done)
        drawn = self.pools.draw(rng, self.pool[made.function[rows]])
        good = self.for_sex[drawn, people.patients.sex[made.person[rows]]]
        procedure[rows[good]] = drawn[good]
        return Attendances(
            made, first, attended, remote, multi & (procedure < 0), other, procedure, age
        )

    def _firsts(
        self, rng: np.random.Generator, made: Appointments, attended: Codes, left: Discharges
    ) -> Bools:
        """Say which are first attendances: the appointments of a new series until one is kept.

        A series goes on from a stay with the same function that ended not long before.

        How many series are new is chosen by function, so that follow-ups for each first
        attendance come out as they are nationally.
        """
        start = series_start(made)
        series = np.cumsum(start) - 1
        opens = np.flatnonzero(start)
        free = np.isin(made.reason[opens], (clinics.REFERRAL, clinics.CONDITION))
        new = made.begins[opens] & ~free
        kinds = len(self.functions.codes)
        function = made.function[opens]
        after: Ints = np.cumsum(left.before(made))
        begun = after - left.before(made)
        goes_on = after > begun[opens][series]  # from the first such appointment of the series on
        free &= ~goes_on[opens]
        seen = attended < SEEN
        total = np.bincount(made.function, weights=seen, minlength=kinds)
        keeps = np.bincount(series, weights=seen, minlength=len(opens)) > 0
        have = np.bincount(function, weights=new & keeps, minlength=kinds)
        open_to = np.bincount(function, weights=free & keeps, minlength=kinds)
        wanted = total / (1 + self.functions.follow_ups) - have
        chance = np.clip(wanted / np.maximum(open_to, 1), 0, 1)
        new |= free & (rng.random(len(opens)) < chance[function])
        kept: Ints = np.cumsum(seen) - seen
        before: Ints = kept - kept[opens][series]  # kept appointments of the series so far
        first: Bools = new[series] & (before == 0) & ~goes_on
        return first

    def rows(
        self, rng: np.random.Generator, done: Attendances, people: People, first_id: int
    ) -> tuple[Attendances, pa.RecordBatch]:
        """Return the attendances in the order of the rows, and the rows."""
        made = done.made
        start = series_start(made)
        opening = np.maximum.accumulate(np.where(start, np.arange(len(made)), 0))
        last = np.r_[start[1:], True] if len(made) else start
        source = self._sources(rng, made)[opening] if len(made) else np.zeros(0, np.int32)
        wait = (14 + rng.exponential(45, len(made))).astype(np.int64)
        earlier = (
            np.where(done.first[opening], wait, wait * 3 + 150)[opening] if len(made) else wait
        )
        referred = (made.day[opening] - earlier).astype(np.int32) if len(made) else made.day
        order = np.lexsort((made.person, made.day, made.provider))
        minute = OPENING + SLOT * rng.integers(0, SLOTS, len(made))
        ends = last & (rng.random(len(made)) < 0.6)
        outcome = np.where(ends, 0, np.where(rng.random(len(made)) < 0.7, 1, 2))
        done = Attendances(
            take(made, order),
            done.first[order],
            done.attended[order],
            done.remote[order],
            done.multi[order],
            done.other_led[order],
            done.procedure[order],
            done.age[order],
        )
        batch = self._batch(
            rng,
            done,
            people,
            first_id,
            source[order],
            referred[order],
            minute[order].astype(np.int32),
            outcome[order].astype(np.int32),
        )
        return done, batch

    def _sources(self, rng: np.random.Generator, made: Appointments) -> Codes:
        drawn = np.searchsorted(np.cumsum(REFERRED_SHARES), rng.random(len(made)), side="right")
        drawn = np.minimum(drawn, len(REFERRED) - 1)
        drawn = np.where(made.reason == clinics.AFTER_EMERGENCY, REFERRED.index("01"), drawn)
        drawn = np.where(made.reason == clinics.FRACTURE, REFERRED.index("10"), drawn)
        return drawn.astype(np.int32)

    def _batch(
        self,
        rng: np.random.Generator,
        done: Attendances,
        people: People,
        first_id: int,
        source: Codes,
        referred: Codes,
        minute: Codes,
        outcome: Codes,
    ) -> pa.RecordBatch:
        made, plan, patients = done.made, self.plan, people.patients
        count, who, provider = len(made), made.person, made.provider
        codes = [one.code for one in plan.providers]
        payer = patients.provider[who] * 2 + patients.neighbour[who]
        paid_by, practices = payers(plan)
        kinds = len(self.functions.codes)
        therapist = self.therapy[made.function]
        main = np.where(done.other_led, kinds + therapist, made.function)
        staff = (made.person * 7919 + made.function) % CONSULTANTS
        consultant = (provider * kinds + made.function) * CONSULTANTS + staff
        doctors = self._doctors()
        consultant = np.where(done.other_led, len(doctors) + therapist, consultant)
        assessed = made.reason == clinics.ASSESSMENT
        clinic = np.where(assessed, kinds * 4, made.function * 4 + staff % 4)
        video = done.remote & (rng.random(count) < 0.15)
        columns: dict[str, pa.Array] = {
            "provider": coded(provider, codes),
            "attendance_id": text_column(numbered("O", first_id, count)),
            "site": coded(
                provider * 2 + (staff >= 9), [f"{c}{i:02d}" for c in codes for i in (1, 2)]
            ),
            "commissioner": coded(payer, paid_by),
            "gp_practice": coded(payer * PRACTICES + patients.practice[who], practices),
            "patient_id": text_column(people.identifiers().take(pa.array(who))),
            "attendance_date": dates(made.day, plan.first_day),
            "attendance_time": times(minute),
            "age": whole(done.age),
            "sex": coded(patients.sex[who], SEXES),
            "first_attendance": coded(
                np.where(done.first, 0, 1) + 2 * done.remote, ("1", "2", "3", "4")
            ),
            "attended": coded(done.attended, ATTENDED),
            "consultation_medium": coded(np.where(done.remote, 1 + video, 0), MEDIUM),
            "referral_source": coded(source, REFERRED),
            "referral_date": dates(referred, plan.first_day),
            "outcome": coded(np.where(done.seen, outcome, -1), OUTCOMES),
            "administrative_category": coded(np.zeros(count, dtype=np.int32), ("01",)),
            "main_specialty": coded(main, [*self.mains, NURSE, THERAPIST]),
            "treatment_function": coded(made.function, self.functions.codes),
            "consultant": coded(consultant, [*doctors, *NOT_A_DOCTOR]),
            "clinic": coded(
                clinic,
                [*(f"{c}{i}" for c in self.functions.codes for i in "ABCD"), ASSESSMENT_CLINIC],
            ),
        }
        reason = patients.condition_codes[who, np.maximum(made.condition, 0)]
        coding = (made.condition >= 0) & done.seen & (rng.random(count) < CODED)
        columns["diag_01"] = coded(np.where(coding, reason, -1), self.catalogue.diagnoses.codes)
        operation = np.where(done.multi & done.seen, len(self.codes), done.procedure)
        columns["oper_01"] = coded(operation, [*self.codes, MULTI_CODE])
        if plan.billed:
            columns |= self._bill(done).columns(made.day, plan.first_day)
        return batch_of("attendances", count, columns)

    def _doctors(self) -> list[str]:
        return [
            f"K{number:02d}{function}{i:02d}"
            for number in range(1, len(self.plan.providers) + 1)
            for function in self.functions.codes
            for i in range(1, CONSULTANTS + 1)
        ]

    def priced_as_procedure(self, done: Attendances) -> Codes:
        """Return the number of the outpatient procedure HRG of each attendance, -1 for none."""
        if not self.prices.hrgs:
            return np.full(len(done), -1, dtype=np.int32)
        hrg = self.prices.hrg[np.maximum(done.procedure, 0), np.minimum(done.age, 110)]
        found: Codes = np.where(done.procedure >= 0, hrg, -1).astype(np.int32)
        return found

    def _bill(self, done: Attendances) -> Bill:
        """Bill what was seen: a procedure, else the national price, else a local one."""
        made, local = done.made, self.rates.local
        first, remote = done.first, done.remote
        other = done.other_led | self.never_led[made.function]
        assessed = made.reason == clinics.ASSESSMENT
        hrg = np.where(done.multi, 4, 0) + np.where(first, 1, 0) + np.where(remote, 2, 0)
        pod = np.where(done.multi, 4, 0) + np.where(other, 2, 0) + np.where(first, 0, 1)
        pod = np.where(remote, np.where(first, 8, 9), pod)
        column = np.where(first, 0, 2) + done.multi
        price = self.national[made.function, column]
        by_led = np.where(
            other,
            np.where(first, local["first_other_led"], local["follow_up_other_led"]),
            np.where(first, local["first"], local["follow_up"]),
        )
        by_led = np.where(
            remote, np.where(first, local["first_remote"], local["follow_up_remote"]), by_led
        )
        agreed = other | remote | (price < 0)
        price = np.where(agreed, by_led, price)
        free = (self.pathway[made.function] | assessed) & (done.procedure < 0)
        price = np.where(free, 0, price)
        pod = np.where(assessed, PODS.index("OPFUPPREOP"), pod)
        procedure = self.priced_as_procedure(done)
        if self.prices.hrgs:
            is_procedure = procedure >= 0
            price = np.where(is_procedure, self.prices.price[np.maximum(procedure, 0)], price)
            pod = np.where(is_procedure, np.where(first, 10, 11), pod)
            hrg = np.where(is_procedure, len(HRGS) + procedure, hrg)
            agreed &= ~is_procedure
        mff = np.where(agreed | free, MFF_UNIT, self.rates.mff[made.provider])
        return Bill(
            plain(hrg, [*HRGS, *self.prices.hrgs]),
            plain(pod, PODS),
            price.astype(np.int64),
            mff.astype(np.int64),
            done.seen,
        )


def payers(plan: Plan) -> tuple[list[str], list[str]]:
    """Return commissioners and practices in the order in which patients are numbered."""
    paid_by = [c for one in plan.providers for c in (one.commissioner, one.neighbour)]
    place = {code: i for i, code in enumerate(sorted(set(paid_by)))}
    practices = [
        f"X{place[code]:02d}{practice:03d}"
        for code in paid_by
        for practice in range(1, PRACTICES + 1)
    ]
    return paid_by, practices
