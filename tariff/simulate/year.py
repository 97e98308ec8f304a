"""A coherent year: the admitted extract and, of the same people, everything else.

`stream_year` makes chunk after chunk and hands on a batch of each dataset asked for. The admitted
rows are those of `extract.stream`, whatever else is made; each other dataset draws from its own
child of the chunk's seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.errors import UsageError
from tariff.simulate import critical, dated
from tariff.simulate.attendances import SEEN_SHARE, Attendances, Discharges, Outpatients
from tariff.simulate.billing import Engine, engine
from tariff.simulate.catalogue import Codes, Floats, Ints
from tariff.simulate.clinics import Appointments, Clinics, day_key
from tariff.simulate.columns import spell_places
from tariff.simulate.emergency import Departments
from tariff.simulate.extract import Made, Maker, Tally, stream_chunks
from tariff.simulate.frames import NAMES, joined, numbered
from tariff.simulate.lines import LineMaker, approval_rows
from tariff.simulate.people import People, StayTable, gather, outpatients_by_age
from tariff.simulate.plan import Plan, make_plan
from tariff.simulate.rates import rates
from tariff.simulate.registers import Seen, deaths, registrations

# Reference costs 2017/18: attendances seen, and emergency attendances, for each episode.
ATTENDANCES_AN_EPISODE = 4.16 / SEEN_SHARE  # appointments, seen or not
EMERGENCY_AN_EPISODE = 1.11
REFERRALS_ADMITTED = 0.7  # series of an admitted patient in a year, beside those of the stays
CONDITIONS_OF_OTHERS = 0.5  # the share of lasting conditions is that of those who are admitted
# Appointments that come of it, as measured: of an admitted patient in a year (in a short period
# less in proportion: what goes with a stay falls outside it); of anyone else, who has at least one.
OF_ADMITTED, OF_ADMITTED_SHORT = 2.78, 0.65
OF_OTHER, OF_OTHER_A_YEAR = 0.98, 1.35

REGISTERS = ("registrations", "deaths", "approvals")
DATASETS = (*NAMES, "registers")

Batches = dict[str, pa.RecordBatch]


@dataclass
class YearTally:
    """What was made: rows of each dataset and register, and money billed in pence."""

    admitted: Tally = field(default_factory=Tally)
    rows: Counter[str] = field(default_factory=Counter)
    pence: Counter[str] = field(default_factory=Counter)

    def counted(self, batches: Batches) -> Batches:
        """Count the rows and the money of some batches, and return them."""
        for name, batch in batches.items():
            self.rows[name] += batch.num_rows
            if "billed_total" in batch.schema.names:
                self.pence[name] += int((pc.sum(batch["billed_total"]).as_py() or 0) * 100)
        return batches


def wanted_of(datasets: tuple[str, ...]) -> set[str]:
    """Return the names of the batches that some datasets need. UsageError for an unknown one."""
    if unknown := [name for name in datasets if name not in DATASETS]:
        raise UsageError(
            f"There is no dataset {', '.join(unknown)}.", hint=f"Known: {', '.join(DATASETS)}."
        )
    registers = REGISTERS if "registers" in datasets else ()
    return {name for name in datasets if name != "registers"} | set(registers)


def synthesise_year(
    episodes: int,
    seed: int,
    year: str | None = None,
    *,
    month: str | None = None,
    providers: int | None = None,
    billed: bool = True,
    datasets: tuple[str, ...] = DATASETS,
    tally: YearTally | None = None,
) -> Iterator[Batches]:
    """Stream all datasets of an artificial year, chunk by chunk, as batches by name.

    Registers come under their own names: registrations, deaths, approvals.
    """
    plan = make_plan(episodes, seed, year, month=month, providers=providers, billed=billed)
    return stream_year(plan, datasets, tally)


def stream_year(
    plan: Plan,
    datasets: tuple[str, ...] = DATASETS,
    tally: YearTally | None = None,
    group_and_price: Engine | None = None,
) -> Iterator[Batches]:
    """Stream the datasets of a checked plan."""
    wanted = wanted_of(datasets)
    tally = YearTally() if tally is None else tally
    price = (group_and_price or engine()) if plan.billed else None
    year = Year(Maker(plan), price)
    for made in stream_chunks(year.maker, tally.admitted, price):
        batches = {"episodes": made.batch}
        if wanted != {"episodes"}:
            batches |= year.rest(made)
        yield tally.counted({name: batch for name, batch in batches.items() if name in wanted})


class Year:
    """Holds the makers of all datasets, and the numbers given so far."""

    def __init__(self, maker: Maker, price: Engine | None) -> None:
        self.maker, self.plan = maker, maker.plan
        catalogue = maker.catalogue
        figures = rates(self.plan)
        self.clinics = Clinics(self.plan, catalogue, catalogue.diagnoses.codes)
        self.outpatients = Outpatients(self.plan, catalogue, self.clinics, figures, price)
        self.departments = Departments(self.plan, catalogue, figures)
        self.lines = LineMaker(self.plan, catalogue, self.outpatients, figures)
        self.given: Counter[str] = Counter()
        self.chunks = 0

    def take(self, kind: str, count: int) -> int:
        """Return the first of some new numbers of a kind."""
        first = self.given[kind] + 1
        self.given[kind] += count
        return first

    def rest(self, made: Made) -> Batches:
        """Return everything but the admitted rows of a chunk."""
        plan, chunk = self.plan, made.chunk
        children = made.seed.spawn(6)
        who, clinic, outpatient, casualty, care, other = (
            np.random.Generator(np.random.PCG64(child)) for child in children
        )
        places = spell_places(chunk.spells, chunk.stays)
        kept = _kept(made, places)
        stays = StayTable(chunk)
        episodes = made.batch.num_rows
        appointments = int(episodes * ATTENDANCES_AN_EPISODE)
        before = self.clinics.of_admissions(clinic, chunk, kept)
        people = self._people(who, made, kept, appointments)
        visits = self.departments.before_admission(casualty, chunk, kept)
        others = int(episodes * EMERGENCY_AN_EPISODE) - len(visits)
        visits = self.departments.others(casualty, people, stays, visits, max(others, 0))
        visits, emergency = self.departments.rows(
            casualty, visits, people, chunk, self.take("emergency", len(visits))
        )
        rows, child = self.departments.to_fracture_clinic(visits, people)
        parts = [*before, *self._series(clinic, people, kept, made, before, appointments)]
        parts.append(
            self.clinics.of_fractures(
                clinic, visits.person[rows], visits.provider[rows], visits.day[rows], child
            )
        )
        busy = day_key(visits.person, visits.day)
        settled = self.clinics.settle(clinic, parts, people, stays, busy)
        left = Discharges(self.clinics.functions, chunk, kept)
        done = self.outpatients.attend(outpatient, settled, people, left)
        first = self.take("attendances", len(done))
        done, attendances = self.outpatients.rows(outpatient, done, people, first)
        batches = {"attendances": attendances, "emergency": emergency}
        batches |= self._lines(care, other, made, kept, places, people, stays, done, first)
        seen = Seen(people)
        spells = chunk.spells.patient[kept]
        seen.add(spells, chunk.stays.admission[kept], chunk.stays.discharge[kept])
        seen.add(visits.person, visits.day, (visits.departure // 1440).astype(np.int32))
        seen.add(done.made.person, done.made.day)
        self._seen_in_lines(seen, batches, people)
        batches["registrations"] = registrations(other, plan, people, seen)
        batches["deaths"] = deaths(plan, people, seen)
        self.chunks += 1
        return batches

    def _people(
        self, rng: np.random.Generator, made: Made, kept: Ints, appointments: int
    ) -> People:
        """Gather as many people who are not admitted as the appointments need."""
        part = self.plan.days / 365
        patients = len(np.unique(made.chunk.spells.patient[kept]))
        short = OF_ADMITTED_SHORT + (1 - OF_ADMITTED_SHORT) * part
        admitted = patients * OF_ADMITTED * part * short
        others = int(max(appointments - admitted, 0) / (OF_OTHER + OF_OTHER_A_YEAR * part))
        return gather(
            rng,
            self.plan,
            self.maker.catalogue,
            self.maker.conditions,
            made.chunk,
            others,
            self._ages_wanted(made, kept, appointments, part * short * OF_ADMITTED),
            made.first_patient,
            self.take("others", others),
        )

    def _ages_wanted(self, made: Made, kept: Ints, appointments: int, each: float) -> Floats:
        """Return appointments by age band and sex that the admitted patients do not have."""
        patients = made.chunk.patients
        who = np.unique(made.chunk.spells.patient[kept])
        stratum = patients.band[who] * 2 + patients.sex[who]
        share = outpatients_by_age(self.maker.catalogue)
        have = np.bincount(stratum, minlength=len(share)) * each
        wanted: Floats = np.maximum(share / share.sum() * appointments - have, 0.0)
        return wanted

    def _series(
        self,
        rng: np.random.Generator,
        people: People,
        kept: Ints,
        made: Made,
        before: list[Appointments],
        wanted: int,
    ) -> list[Appointments]:
        """Return the series for lasting conditions, and for any other reason."""
        days = self.plan.days / 365
        inside = np.zeros(len(people), dtype=np.bool_)
        inside[made.chunk.spells.patient[kept]] = True
        admitted = np.flatnonzero(inside)
        others = np.arange(people.admitted, len(people))
        lasting = [
            self.clinics.of_conditions(rng, people, admitted),
            self.clinics.of_conditions(rng, people, others, CONDITIONS_OF_OTHERS),
        ]
        short = self.clinics.functions.short_of([*before, *lasting], wanted)
        number = rng.poisson(REFERRALS_ADMITTED * days, len(admitted)).astype(np.int32)
        more = (1 + rng.poisson(0.35 * days, len(others))).astype(np.int32)
        return [
            *lasting,
            self.clinics.of_referrals(rng, people, admitted, number, short),
            self.clinics.of_referrals(rng, people, others, more, short),
        ]

    def _lines(
        self,
        rng: np.random.Generator,
        other: np.random.Generator,
        made: Made,
        kept: Ints,
        places: Codes,
        people: People,
        stays: StayTable,
        done: Attendances,
        first_attendance: int,
    ) -> Batches:
        plan, chunk = self.plan, made.chunk
        spell_ids = numbered("S", made.first_spell, len(chunk.spells)).take(pa.array(places))
        periods = critical.periods(rng, chunk, kept)
        periods, batch = critical.rows(
            rng,
            plan,
            self.maker.catalogue,
            chunk,
            periods,
            people.identifiers(),
            spell_ids,
            self.take("critical_care", len(periods)),
        )
        drugs, drug_grants = self.lines.drug_lines(other, people, stays, done)
        grants = joined([drug_grants, self.lines.procedures(other, chunk, kept, done)])
        approval_ids = numbered("P", self.take("approvals", len(grants)), len(grants))
        parts = [drugs, *self.lines.of_spells(chunk, kept, periods), self.lines.scans(other, done)]
        if self.chunks == 0:
            parts.append(self.lines.adjustments())
        lines = joined(parts)
        attendance_ids = numbered("O", first_attendance, len(done))
        first = self.take("lines", len(lines))
        return {
            "critical_care": batch,
            "periods": dated.rows(plan, chunk, kept, periods, spell_ids),
            "lines": self.lines.rows(lines, people, spell_ids, attendance_ids, approval_ids, first),
            "approvals": approval_rows(grants, plan, people, self.lines.vocabulary, approval_ids),
            # Only to note who has them; not a dataset.
            "_lines": pa.RecordBatch.from_arrays(
                [pa.array(lines.person), pa.array(lines.first)], names=["person", "day"]
            ),
        }

    @staticmethod
    def _seen_in_lines(seen: Seen, batches: Batches, people: People) -> None:
        noted = batches.pop("_lines")
        person = noted["person"].to_numpy()
        day = noted["day"].to_numpy()
        somebody = person >= 0
        seen.add(person[somebody], day[somebody])


def _kept(made: Made, places: Codes) -> Ints:
    """Return which spells of the chunk are in the extract."""
    texts = made.batch["spell_id"].unique().cast(pa.string())
    numbers = pc.utf8_slice_codeunits(texts, 1).cast(pa.int64()).to_numpy()
    there = np.zeros(len(places), dtype=np.bool_)
    there[numbers - made.first_spell] = True
    kept: Ints = np.flatnonzero(there[places])
    return kept
