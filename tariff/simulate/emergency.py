"""Emergency attendances: those that end in an admission, and all the others.

A spell whose admission method says that it began in an A&E department has its attendance just
before it, in the department of the same provider (`21`) or of another (`2A`). The others are of
anybody alive and not in hospital, and a week apart at least for one person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tariff.schemas import MFF_UNIT
from tariff.simulate import shipped
from tariff.simulate.admission import METHODS
from tariff.simulate.attendances import payers
from tariff.simulate.catalogue import CHILD_BANDS, SEXES, Bools, Catalogue, Codes, Floats, Ints
from tariff.simulate.columns import Chunk
from tariff.simulate.frames import (
    Bill,
    batch_of,
    coded,
    dates,
    joined,
    numbered,
    plain,
    take,
    text_column,
    times,
    whole,
)
from tariff.simulate.people import NEVER, People, StayTable
from tariff.simulate.plan import Plan
from tariff.simulate.population import PRACTICES
from tariff.simulate.rates import Rates

DAY = 24 * 60
DEPARTMENTS = ("01", "02", "03", "04")
DISPOSALS = ("01", "02", "03", "05", "06", "07", "10", "12", "11")
ADMITTED, HOME, FRACTURE, MOVED, DEAD, LEFT = 0, 2, 3, 5, 6, 7
# Of those not admitted, in the order of DISPOSALS: judgement.
DISPOSAL_SHARES = (0, 0.24, 0.55, 0.06, 0.04, 0.012, 0.0006, 0.03, 0.0674)
CATEGORIES = ("1", "2", "3")
GROUPS = ("10", "20", "30", "40", "60", "70", "80")
GROUP_SHARES = (0.02, 0.012, 0.01, 0.015, 0.25, 0, 0.693)
BROUGHT_IN_DEAD = 5
SOURCES = ("00", "01", "03", "08")
SOURCE_SHARES = (0.06, 0.64, 0.24, 0.06)
APART = 7  # days between two attendances of one person
HOUR_LIMIT = 240

# Categories of investigations and treatments by HRG: the highest of each that leads there.
LEADS_TO = {
    "VB01Z": (2, 5),
    "VB02Z": (3, 4),
    "VB03Z": (3, 2),
    "VB04Z": (2, 4),
    "VB05Z": (2, 3),
    "VB06Z": (1, 3),
    "VB07Z": (2, 2),
    "VB08Z": (2, 1),
    "VB09Z": (1, 1),
    "VB10Z": (1, 1),
    "VB11Z": (0, 0),
    "VB99Z": (0, 0),
}
# Codes by category; which code is of which category is a reconstruction.
INVESTIGATIONS = (("24",), ("02", "06", "21"), ("01", "03", "05", "14", "16", "17"), ("12", "11"))
TREATMENTS = (
    ("22",),
    ("01", "22", "30", "53"),
    ("03", "04", "06", "12", "25"),
    ("05", "10", "29", "43"),
    ("13", "15", "16", "44"),
    ("19", "28"),
)
DENTAL = "22"
GUIDANCE = "22"
# What is found in people who go home: judgement.
FOUND = (
    "S099:5 S018:5 S610:3 S934:6 S626:3 S525:4 S832:2 S801:3 T149:3 R074:9 R104:8 R51X:3 R55X:4 "
    "J069:4 J459:2 L038:3 N390:4 K529:3 M545:4 H109:1 F100:1 J039:2 B349:4 R060:3"
)


@dataclass
class Visits:
    """One array entry an attendance. Minutes count from midnight of the first day."""

    person: Ints
    provider: Codes
    department: Codes
    hrg: Codes
    arrival: Ints
    departure: Ints
    disposal: Codes
    category: Codes
    group: Codes
    spell: Codes  # the spell it ends in, -1 for none

    def __len__(self) -> int:
        return len(self.person)

    @property
    def day(self) -> Codes:
        """Return the day of arrival."""
        return (self.arrival // DAY).astype(np.int32)


class Departments:
    """Holds the tables and makes the attendances of one chunk after another."""

    def __init__(self, plan: Plan, catalogue: Catalogue, rates: Rates) -> None:
        self.plan, self.catalogue = plan, catalogue
        rows = shipped.table("emergency_mix")
        self.hrgs = list(dict.fromkeys(row["hrg"] for row in rows))
        self.department = np.array([DEPARTMENTS.index(row["department"]) for row in rows])
        self.hrg = np.array([self.hrgs.index(row["hrg"]) for row in rows])
        self.admitted = self._running(rows, "admitted")
        self.home = self._running(rows, "not_admitted")
        share: Floats = np.array([float(row["share"]) for row in shipped.table("arrival_hours")])
        self.hours = np.cumsum(share) / share.sum()
        self.price = np.array(
            [
                [
                    rates.emergency.get((hrg, kind), rates.local["walk_in_centre"])
                    for kind in DEPARTMENTS
                ]
                for hrg in self.hrgs
            ],
            dtype=np.int64,
        )
        self.mff = rates.mff
        numbers = {code: i for i, code in enumerate(catalogue.diagnoses.codes)}
        found = [pair for pair in shipped.weighted(FOUND) if pair[0] in numbers]
        self.found = np.array([numbers[code] for code, _ in found], dtype=np.int32)
        weight = np.array([weight for _, weight in found])
        self.found_running = np.cumsum(weight) / weight.sum()

    @staticmethod
    def _running(rows: tuple[shipped.Row, ...], column: str) -> Floats:
        weight = np.array([float(row[column]) for row in rows])
        # An admission follows a visit to a major department; others are moved there first.
        if column == "admitted":
            weight *= [row["department"] == "01" for row in rows]
            weight *= [row["hrg"] not in ("VB99Z", "VB10Z") for row in rows]
        running: Floats = np.cumsum(weight) / weight.sum()
        return running

    def before_admission(self, rng: np.random.Generator, chunk: Chunk, kept: Ints) -> Visits:
        """Return the attendance that each emergency admission of the extract began with."""
        method, providers = chunk.admissions.method[kept], len(self.plan.providers)
        own, other = METHODS.index("21"), METHODS.index("2A")
        rows = kept[(method == own) | ((method == other) & (providers > 1))]
        moved = chunk.admissions.method[rows] == other
        admission = chunk.stays.admission[rows].astype(np.int64) * DAY
        admission += chunk.stays.admission_time[rows]
        stayed = self._stayed(rng, len(rows), later=True)
        departure = admission - np.where(moved, rng.integers(20, 75, len(rows)), 0)
        at = np.searchsorted(self.admitted, rng.random(len(rows)), side="right")
        at = np.minimum(at, len(self.hrg) - 1)
        step = 1 + rng.integers(0, max(1, providers - 1), len(rows))
        provider = chunk.spells.provider[rows]
        visits = Visits(
            person=chunk.spells.patient[rows].astype(np.int64),
            provider=np.where(moved, (provider + step) % providers, provider).astype(np.int32),
            department=np.zeros(len(rows), dtype=np.int32),
            hrg=self.hrg[at].astype(np.int32),
            arrival=departure - stayed,
            departure=departure,
            disposal=np.where(moved, MOVED, ADMITTED).astype(np.int32),
            category=np.zeros(len(rows), dtype=np.int32),
            group=self._groups(rng, len(rows)),
            spell=rows.astype(np.int32),
        )
        return take(visits, visits.arrival >= 0)

    def others(
        self,
        rng: np.random.Generator,
        people: People,
        stays: StayTable,
        taken: Visits,
        wanted: int,
    ) -> Visits:
        """Return about as many other attendances as wanted."""
        # Some people come often.
        rate = rng.gamma(0.8, 1.0, len(people))
        rate *= np.where(np.arange(len(people)) < people.admitted, 1.3, 1.0)
        # Some cannot be, more of them in a short period in which they are close together.
        more = 1.08 + 0.22 * max(0.0, 1 - self.plan.days / 365)
        number = rng.poisson(rate * wanted * more / max(rate.sum(), 1e-9))
        person = np.repeat(np.arange(len(people)), number)
        count = len(person)
        day = rng.integers(0, self.plan.days, count)
        hour = np.minimum(np.searchsorted(self.hours, rng.random(count), side="right"), 23)
        arrival = day * DAY + hour * 60 + rng.integers(0, 60, count)
        at = np.searchsorted(self.home, rng.random(count), side="right")
        at = np.minimum(at, len(self.hrg) - 1)
        hrg = self.hrg[at]
        draw = rng.random(count)
        disposal = np.searchsorted(np.cumsum(DISPOSAL_SHARES), draw, side="right")
        disposal = np.minimum(disposal, len(DISPOSALS) - 1)
        group = self._groups(rng, count)
        dead = hrg == self.hrgs.index("VB99Z")
        nothing = hrg == self.hrgs.index("VB11Z")
        home = np.full(count, HOME)
        disposal = np.where(dead, DEAD, np.where((disposal == DEAD) & nothing, home, disposal))
        # Who leaves before being seen has had nothing done.
        disposal = np.where((disposal == LEFT) & ~nothing, home, disposal)
        more = nothing & (rng.random(count) < 0.12) & (disposal != DEAD)
        disposal = np.where(more, LEFT, disposal)
        injury = (group != GROUPS.index("80")) & (disposal != DEAD)
        disposal = np.where((disposal == FRACTURE) & ~injury, home, disposal)
        provider = people.patients.provider[person]
        away = (rng.random(count) < 0.08) & (len(self.plan.providers) > 1)
        elsewhere = rng.integers(0, len(self.plan.providers), count)
        visits = Visits(
            person=person,
            provider=np.where(away, elsewhere, provider).astype(np.int32),
            department=self.department[at].astype(np.int32),
            hrg=hrg.astype(np.int32),
            arrival=arrival,
            departure=arrival + self._stayed(rng, count, later=False),
            disposal=disposal.astype(np.int32),
            category=np.where(rng.random(count) < 0.02, 2, 0).astype(np.int32),
            group=np.where(dead, BROUGHT_IN_DEAD, group).astype(np.int32),
            spell=np.full(count, -1, dtype=np.int32),
        )
        return self._possible(people, stays, taken, visits)

    def _possible(self, people: People, stays: StayTable, taken: Visits, visits: Visits) -> Visits:
        """Leave out visits in or beside a stay, after death, and too near to another one.

        A visit that ends in death is the person's last: only those to whom nothing else happens
        in the period can have one.
        """
        visits = take(visits, ~stays.inside(visits.person, visits.day, margin=2))
        fatal = visits.disposal == DEAD
        busy = np.isin(visits.person, stays.patient) | (people.died[visits.person] != NEVER)
        visits = take(visits, ~(fatal & busy))
        fatal = np.flatnonzero(visits.disposal == DEAD)
        once = np.ones(len(visits), dtype=np.bool_)
        once[fatal] = False
        once[fatal[np.unique(visits.person[fatal], return_index=True)[1]]] = True
        visits = take(visits, once)
        fatal = np.flatnonzero(visits.disposal == DEAD)
        np.minimum.at(people.died, visits.person[fatal], visits.departure[fatal] // DAY)
        keep = people.alive(visits.person, (visits.departure // DAY).astype(np.int32))
        fatal_now = visits.disposal == DEAD
        keep &= ~fatal_now | (visits.departure // DAY == people.died[visits.person])
        visits = take(visits, keep)
        both = joined([taken, visits])
        order = np.lexsort((both.disposal != DEAD, -both.spell, both.arrival, both.person))
        both = take(both, order)
        near = np.zeros(len(both), dtype=np.bool_)
        same = both.person[1:] == both.person[:-1]
        near[1:] = same & (both.arrival[1:] - both.arrival[:-1] < APART * DAY)
        following = np.r_[near[1:], False]
        # Of two that are near, one that ends in an admission or in death stays.
        fixed = (both.spell >= 0) | (both.disposal == DEAD)
        return take(both, fixed | ~(near | following))

    def _stayed(self, rng: np.random.Generator, count: int, *, later: bool) -> Ints:
        """Draw minutes in the department: most leave within four hours, many just before."""
        usual = 40 + rng.gamma(2.2, 55.0, count)
        edge = 225 + rng.integers(0, 15, count)
        beyond = HOUR_LIMIT + rng.gamma(1.2, 120.0, count)
        part = rng.random(count)
        low, high = (0.45, 0.70) if later else (0.78, 0.88)
        stayed = np.where(part < low, np.minimum(usual, 238), np.where(part < high, edge, beyond))
        return np.minimum(stayed, 20 * 60).astype(np.int64)

    @staticmethod
    def _groups(rng: np.random.Generator, count: int) -> Codes:
        drawn = np.searchsorted(np.cumsum(GROUP_SHARES), rng.random(count), side="right")
        found: Codes = np.minimum(drawn, len(GROUPS) - 1).astype(np.int32)
        return found

    def rows(
        self, rng: np.random.Generator, visits: Visits, people: People, chunk: Chunk, first_id: int
    ) -> tuple[Visits, pa.RecordBatch]:
        """Return the visits in the order of the rows, and the rows."""
        visits = take(visits, np.lexsort((visits.person, visits.arrival, visits.provider)))
        plan, patients, who = self.plan, people.patients, visits.person
        count = len(visits)
        codes = [one.code for one in plan.providers]
        payer = patients.provider[who] * 2 + patients.neighbour[who]
        paid_by, practices = payers(plan)
        source = np.searchsorted(np.cumsum(SOURCE_SHARES), rng.random(count), side="right")
        columns: dict[str, pa.Array] = {
            "provider": coded(visits.provider, codes),
            "attendance_id": text_column(numbered("E", first_id, count)),
            "site": coded(
                visits.provider * 4 + visits.department,
                [f"{code}{kind}" for code in codes for kind in ("01", "02", "03", "04")],
            ),
            "commissioner": coded(payer, paid_by),
            "gp_practice": coded(payer * PRACTICES + patients.practice[who], practices),
            "patient_id": text_column(people.identifiers().take(pa.array(who))),
            "arrival_date": dates(visits.day, plan.first_day),
            "arrival_time": times((visits.arrival % DAY).astype(np.int32)),
            "departure_date": dates((visits.departure // DAY).astype(np.int32), plan.first_day),
            "departure_time": times((visits.departure % DAY).astype(np.int32)),
            "age": whole(people.age(who, visits.day)),
            "sex": coded(patients.sex[who], SEXES),
            "department_type": coded(visits.department, DEPARTMENTS),
            "attendance_category": coded(visits.category, CATEGORIES),
            "patient_group": coded(visits.group, GROUPS),
            "disposal": coded(visits.disposal, DISPOSALS),
            "referral_source": coded(np.minimum(source, len(SOURCES) - 1), SOURCES),
            "diag_01": coded(self._found(rng, visits, chunk), self.catalogue.diagnoses.codes),
        }
        columns |= self._done(rng, visits)
        if plan.billed:
            columns |= self._bill(visits).columns(visits.day, plan.first_day)
        return visits, batch_of("emergency", count, columns)

    def _found(self, rng: np.random.Generator, visits: Visits, chunk: Chunk) -> Codes:
        """Return the diagnosis: of the first episode for those admitted, blank for one in ten."""
        count = len(visits)
        drawn = np.searchsorted(self.found_running, rng.random(count), side="right")
        code = self.found[np.minimum(drawn, len(self.found) - 1)]
        episodes = chunk.episodes
        first = np.flatnonzero(episodes.order == 1)
        primary = np.full(len(chunk.spells), -1, dtype=np.int32)
        primary[episodes.spell[first]] = episodes.diagnoses[first, 0]
        code = np.where(visits.spell >= 0, primary[np.maximum(visits.spell, 0)], code)
        blank = (rng.random(count) < 0.1) | (visits.disposal == LEFT)
        return np.where(blank, -1, code).astype(np.int32)

    def _done(self, rng: np.random.Generator, visits: Visits) -> dict[str, pa.Array]:
        """Write investigations and treatments that lead to the HRG, and some lesser ones."""
        levels = np.array([LEADS_TO[hrg] for hrg in self.hrgs])[visits.hrg]
        columns: dict[str, pa.Array] = {}
        for family, table, level in (
            ("investigation", INVESTIGATIONS, levels[:, 0]),
            ("treatment", TREATMENTS, levels[:, 1]),
        ):
            level = level.copy()
            if family == "treatment":  # categories 1 to 3 and 3 to 4 lead to one HRG
                hrg = visits.hrg
                any_of = hrg == self.hrgs.index("VB03Z")
                level = np.where(any_of, rng.integers(1, 4, len(hrg)), level)
                both = hrg == self.hrgs.index("VB06Z")
                level = np.where(both, rng.integers(3, 5, len(hrg)), level)
                few = hrg == self.hrgs.index("VB09Z")
                level = np.where(few, rng.integers(1, 3, len(hrg)), level)
            listed = [code for codes in table for code in codes]
            cells = self._codes(rng, table, level)
            if family == "investigation":
                dental = visits.hrg == self.hrgs.index("VB10Z")
                listed.append(DENTAL)
                cells[dental, 0] = len(listed) - 1
            left = (visits.disposal == LEFT) | (visits.disposal == DEAD)
            left &= levels.max(axis=1) == 0
            cells[left] = -1
            for i in range(cells.shape[1]):
                columns[f"{family}_{i + 1:02d}"] = coded(cells[:, i], listed)
        return columns

    @staticmethod
    def _codes(
        rng: np.random.Generator, table: tuple[tuple[str, ...], ...], level: Ints
    ) -> npt.NDArray[np.int32]:
        """Return a code of the level, and up to three others of it or of lower ones."""
        size = np.array([len(codes) for codes in table])
        begin = np.cumsum(size) - size
        cells = np.full((len(level), 4), -1, dtype=np.int32)
        cells[:, 0] = begin[level] + (rng.random(len(level)) * size[level]).astype(np.int64)
        for place in range(1, 4):
            lower = 1 + (rng.random(len(level)) * np.maximum(level, 1)).astype(np.int64)
            lower = np.minimum(lower, np.maximum(level, 1))
            code = begin[lower] + (rng.random(len(level)) * size[lower]).astype(np.int64)
            more = (level >= 2) & (rng.random(len(level)) < 0.55) & (cells[:, place - 1] >= 0)
            more &= (cells[:, :place] != code[:, None]).all(axis=1)
            cells[:, place] = np.where(more, code, -1)
        return cells

    def _bill(self, visits: Visits) -> Bill:
        """Bill the HRG by department type; a walk-in centre has a local price."""
        price = self.price[visits.hrg, visits.department]
        local = visits.department == DEPARTMENTS.index("04")
        return Bill(
            plain(visits.hrg, self.hrgs),
            plain(np.zeros(len(visits), dtype=np.int32), ("AE",)),
            price,
            np.where(local, MFF_UNIT, self.mff[visits.provider]).astype(np.int64),
            np.ones(len(visits), dtype=np.bool_),
        )

    def to_fracture_clinic(self, visits: Visits, people: People) -> tuple[Ints, Bools]:
        """Return the visits that are sent to a fracture clinic, and which are of children."""
        rows = np.flatnonzero(visits.disposal == FRACTURE)
        return rows, people.patients.band[visits.person[rows]] < CHILD_BANDS
