"""Lines: drugs, devices, critical care, scans beside attendances, and adjustments.

High cost drugs and devices are passed through at cost, without a market forces factor; each drug
rests on a prior approval that covers every supply. Scans are billed beside attendances only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tariff.schemas import MFF_UNIT
from tariff.simulate import clinics, shipped
from tariff.simulate.attendances import Attendances, Outpatients, payers
from tariff.simulate.billing import pounds
from tariff.simulate.catalogue import Bools, Catalogue, Codes, Ints
from tariff.simulate.columns import Chunk
from tariff.simulate.critical import Periods
from tariff.simulate.frames import (
    Bill,
    Numbers,
    batch_of,
    coded,
    dates,
    joined,
    numbered,
    plain,
    take,
    text_column,
    whole,
)
from tariff.simulate.people import People, StayTable
from tariff.simulate.plan import Plan
from tariff.simulate.population import PRACTICES
from tariff.simulate.rates import Rates, pence

PODS = ("DRUG", "DEVICE", "UNBACC", "UNBPCC", "UNBRAD", "ADJUSTMENT")
DRUG, DEVICE, ADULT_CARE, CHILD_CARE, SCAN, ADJUSTMENT = range(6)
NATIONAL = (SCAN,)  # priced nationally, so with the market forces factor
VALID = 395  # days for which a drug is approved
ONGOING = 0.6  # of drugs: begun before the period
# Share of attendances with a scan, by treatment function: judgement.
SCANNED = {"110": 0.10, "400": 0.16, "340": 0.10, "301": 0.08, "812": 0.75, "101": 0.08, "150": 0.2}
SCANNED_OTHERWISE = 0.03
NOT_SCANNED = ("501", "560")
SCANS = ("RD40Z", "RD20A", "RD01A")  # ultrasound for anyone; adults also CT and MRI
ADULT_SCANS = (0.45, 0.25, 0.30)
ADULT = 19
ADJUSTMENTS = (("ADJ-CREDIT", -1250000), ("ADJ-ROUNDING", 4312))  # pence, in the first chunk


@dataclass
class Lines:
    """One array entry a line. `person` is -1 for money that is nobody's."""

    person: Ints
    provider: Codes
    spell: Codes  # of the chunk, -1 for none
    attendance: Ints  # row of the attendances, -1 for none
    pod: Codes
    code: Codes  # number in the vocabulary of codes
    first: Codes
    last: Codes
    month: Codes  # a day in the month in which it is billed
    quantity: Codes
    unit: Ints  # pence, -1 where no price is known
    price: Ints
    approval: Ints  # number of the approval, -1 for none

    def __len__(self) -> int:
        return len(self.person)


@dataclass
class Grants:
    """One array entry an approval."""

    person: Ints
    provider: Codes
    drug: Bools  # else a procedure
    code: Codes  # number in the vocabulary of codes
    side: Codes  # 0 both, 1 right, 2 left, -1 not stated
    first: Codes
    last: Codes

    def __len__(self) -> int:
        return len(self.person)


SIDES = ("Z941", "Z942", "Z943")


class LineMaker:
    """Holds the tables and makes the lines and approvals of one chunk after another."""

    def __init__(self, plan: Plan, catalogue: Catalogue, out: Outpatients, rates: Rates) -> None:
        self.plan, self.catalogue, self.out, self.rates = plan, catalogue, out, rates
        self.vocabulary: list[str] = []
        self._numbers: dict[str, int] = {}
        self.drugs = shipped.table("drugs")
        self.devices = shipped.table("devices")
        prefixes = [row["prefix"] for row in shipped.table("restricted_procedures")]
        self.restricted = self._matching(catalogue.procedures.codes, prefixes) >= 0
        self.restricted_here = self._matching(out.codes, prefixes) >= 0
        self.device = self._matching(
            catalogue.procedures.codes, [row["prefix"] for row in self.devices]
        )
        self.procedure = np.array([self.number(code) for code in catalogue.procedures.codes])
        self.procedure_here = np.array([self.number(code) for code in out.codes], dtype=np.int64)
        places = {code: i for i, code in enumerate(catalogue.procedures.codes)}
        self.side = np.full(len(catalogue.procedures.codes), -1, dtype=np.int32)
        for i, code in enumerate(SIDES):
            if code in places:
                self.side[places[code]] = i

    def number(self, code: str) -> int:
        """Return the number of a code of lines and approvals."""
        number = self._numbers.setdefault(code, len(self.vocabulary))
        if number == len(self.vocabulary):
            self.vocabulary.append(code)
        return number

    @staticmethod
    def _matching(codes: list[str], prefixes: list[str]) -> Codes:
        """Return which prefix each code begins with, -1 for none."""
        return np.array(
            [next((i for i, p in enumerate(prefixes) if code.startswith(p)), -1) for code in codes],
            dtype=np.int32,
        )

    # ------------------------------------------------------------ approvals of procedures

    def procedures(
        self, rng: np.random.Generator, chunk: Chunk, kept: Ints, done: Attendances
    ) -> Grants:
        """Return the approvals of restricted procedures: every one of them has one."""
        episodes, spells = chunk.episodes, chunk.spells
        here = np.zeros(len(spells), dtype=np.bool_)
        here[kept] = True
        operated = np.flatnonzero(here[episodes.spell] & (episodes.procedures[:, 0] >= 0))
        cells = episodes.procedures[operated]
        match = (cells >= 0) & self.restricted[np.maximum(cells, 0)]
        rows = np.flatnonzero(match.any(axis=1))
        which = match[rows].argmax(axis=1)
        code = cells[rows, which]
        sides = self._sides(cells[rows])
        spell = episodes.spell[operated[rows]]
        clinic = np.flatnonzero(done.seen & (done.procedure >= 0))
        procedure = done.procedure[clinic]
        clinic = clinic[self.restricted_here[procedure]] if len(clinic) else clinic
        person = np.r_[spells.patient[spell].astype(np.int64), done.made.person[clinic]]
        day = np.r_[chunk.stays.admission[spell], done.made.day[clinic]]
        first = day - rng.integers(14, 110, len(day))
        coding = [self.procedure[code], self.procedure_here[done.procedure[clinic]]]
        return Grants(
            person=person,
            provider=np.r_[spells.provider[spell], done.made.provider[clinic]].astype(np.int32),
            drug=np.zeros(len(person), dtype=np.bool_),
            code=np.concatenate(coding).astype(np.int32),
            side=np.r_[sides, np.full(len(clinic), -1)].astype(np.int32),
            first=first.astype(np.int32),
            last=(first + 183).astype(np.int32),
        )

    def _sides(self, cells: npt.NDArray[np.int32]) -> Codes:
        """Return the side of each operation, -1 where none is coded, or several are."""
        sides = np.where(cells >= 0, self.side[np.maximum(cells, 0)], -1)
        coded_ = np.stack([(sides == side).any(axis=1) for side in range(len(SIDES))])
        one = coded_.sum(axis=0) == 1
        return np.where(one, coded_.argmax(axis=0), -1).astype(np.int32)

    # ------------------------------------------------------------ drugs

    def drug_lines(
        self, rng: np.random.Generator, people: People, stays: StayTable, done: Attendances
    ) -> tuple[Lines, Grants]:
        """Return the supplies of high cost drugs, and the approvals they rest on."""
        made = done.made
        parts: list[tuple[Ints, Codes, Numbers, Ints, shipped.Row]] = []
        taken = np.zeros(0, dtype=np.int64)  # who has a drug already: one is enough
        for row in self.drugs:
            function = self.out.functions.number[row["treatment_function"]]
            here = done.seen & (made.function == function) & (done.age >= int(row["age_from"]))
            if row["procedure"]:
                number = self.out.codes.index(row["procedure"])
                rows = np.flatnonzero(here & (done.procedure == number))
                parts.append((made.person[rows], made.provider[rows], made.day[rows], rows, row))
                continue
            rows = np.flatnonzero(here)
            rows = rows[np.lexsort((made.day[rows], made.person[rows]))]
            first = np.r_[True, made.person[rows][1:] != made.person[rows][:-1]]
            rows = rows[first[: len(rows)]]
            rows = rows[rng.random(len(rows)) < float(row["share"])]
            rows = rows[~np.isin(made.person[rows], taken)]
            taken = np.r_[taken, made.person[rows]]
            interval = int(row["interval"])
            start = made.day[rows] + rng.integers(2, 15, len(rows))
            begun = rng.random(len(rows)) < ONGOING
            start = np.where(begun, rng.integers(0, interval, len(rows)), start)
            times_ = self.plan.days // interval + 1
            of = np.repeat(np.arange(len(rows)), times_)
            day = start[of] + interval * np.tile(np.arange(times_), len(rows))
            person = made.person[rows[of]]
            no = np.full(len(of), -1, dtype=np.int64)
            parts.append((person, made.provider[rows[of]], day, no, row))
        return self._supplies(rng, people, stays, parts)

    def _supplies(
        self,
        rng: np.random.Generator,
        people: People,
        stays: StayTable,
        parts: list[tuple[Ints, Codes, Numbers, Ints, shipped.Row]],
    ) -> tuple[Lines, Grants]:
        lines: list[Lines] = []
        grants: list[Grants] = []
        granted = 0
        for person, provider, day, attendance, row in parts:
            keep = (day < self.plan.days) & people.alive(person, day) & ~stays.inside(person, day)
            person, provider, day = person[keep], provider[keep], day[keep]
            order = np.lexsort((day, provider, person))
            person, provider, day = person[order], provider[order], day[order]
            attendance = attendance[keep][order]
            new = np.r_[True, (person[1:] != person[:-1]) | (provider[1:] != provider[:-1])]
            new = new[: len(person)]
            begin = np.flatnonzero(new)
            of = np.cumsum(new) - 1
            first = day[begin] - rng.integers(3, 22, len(begin))
            count, code = len(person), self.number(row["drug"])
            grants.append(
                Grants(
                    person=person[begin],
                    provider=provider[begin].astype(np.int32),
                    drug=np.ones(len(begin), dtype=np.bool_),
                    code=np.full(len(begin), code, dtype=np.int32),
                    side=np.full(len(begin), -1, dtype=np.int32),
                    first=first.astype(np.int32),
                    last=(first + VALID).astype(np.int32),
                )
            )
            quantity = np.full(count, int(row["quantity"]), dtype=np.int32)
            unit = np.full(count, pence(row["unit_price"]), dtype=np.int64)
            line = _lines(person, provider, DRUG, np.full(count, code), day, quantity, unit)
            line.attendance = attendance
            line.approval = (of + granted).astype(np.int64)
            lines.append(line)
            granted += len(begin)
        return joined(lines), joined(grants)

    # ------------------------------------------------------------ everything else

    def of_spells(self, chunk: Chunk, kept: Ints, made: Periods) -> list[Lines]:
        """Return the lines of critical care periods and of devices put in."""
        spells, stays, episodes = chunk.spells, chunk.stays, chunk.episodes
        hrgs = made.hrgs()
        unit = np.array([self.rates.local[hrg] for hrg in hrgs], dtype=np.int64)
        code = np.array([self.number(hrg) for hrg in hrgs], dtype=np.int64)
        care = _lines(
            spells.patient[made.spell].astype(np.int64),
            spells.provider[made.spell],
            ADULT_CARE,
            code,
            made.first,
            made.days,
            unit,
        )
        care.pod = np.where(made.child, CHILD_CARE, ADULT_CARE).astype(np.int32)
        care.last, care.spell = made.last, made.spell
        care.month = stays.discharge[made.spell]
        here = np.zeros(len(spells), dtype=np.bool_)
        here[kept] = True
        cells = np.where(
            episodes.procedures >= 0, self.device[np.maximum(episodes.procedures, 0)], -1
        )
        rows = np.flatnonzero(here[episodes.spell] & (cells >= 0).any(axis=1))
        which = cells[rows].max(axis=1)
        spell = episodes.spell[rows]
        price = np.array([pence(row["unit_price"]) for row in self.devices], dtype=np.int64)
        name = np.array([self.number(row["device"]) for row in self.devices], dtype=np.int64)
        device = _lines(
            spells.patient[spell].astype(np.int64),
            spells.provider[spell],
            DEVICE,
            name[which],
            episodes.procedure_day[rows],
            np.ones(len(rows), dtype=np.int32),
            price[which],
        )
        device.spell, device.month = spell, stays.discharge[spell]
        return [care, device]

    def scans(self, rng: np.random.Generator, done: Attendances) -> Lines:
        """Return scans beside attendances; a procedure's price includes its own."""
        made, functions = done.made, self.out.functions
        share = np.array(
            [
                0.0 if code in NOT_SCANNED else SCANNED.get(code, SCANNED_OTHERWISE)
                for code in functions.codes
            ]
        )
        open_to = done.seen & ~done.remote & (done.procedure < 0)
        open_to &= made.reason != clinics.ASSESSMENT
        rows = np.flatnonzero(open_to & (rng.random(len(made)) < share[made.function]))
        drawn = np.searchsorted(np.cumsum(ADULT_SCANS), rng.random(len(rows)), side="right")
        kind = np.where(done.age[rows] >= ADULT, np.minimum(drawn, len(SCANS) - 1), 0)
        unit = np.array([self.rates.unbundled.get(code, -1) for code in SCANS], dtype=np.int64)
        code = np.array([self.number(code) for code in SCANS], dtype=np.int64)
        line = _lines(
            made.person[rows],
            made.provider[rows],
            SCAN,
            code[kind],
            made.day[rows],
            np.ones(len(rows), dtype=np.int32),
            unit[kind],
        )
        line.attendance = rows
        return line

    def adjustments(self) -> Lines:
        """Return money that is nobody's: a credit of each kind, to the first providers."""
        count = min(len(ADJUSTMENTS), len(self.plan.providers))
        amount = np.array([amount for _, amount in ADJUSTMENTS[:count]], dtype=np.int64)
        code = np.array([self.number(code) for code, _ in ADJUSTMENTS[:count]], dtype=np.int64)
        line = _lines(
            np.full(count, -1, dtype=np.int64),
            np.arange(count, dtype=np.int32),
            ADJUSTMENT,
            code,
            np.full(count, self.plan.days - 1, dtype=np.int32),
            np.zeros(count, dtype=np.int32),
            np.full(count, -1, dtype=np.int64),
        )
        line.price = amount
        return line

    def rows(
        self,
        made: Lines,
        people: People,
        spell_ids: pa.Array,
        attendance_ids: pa.Array,
        approval_ids: pa.Array,
        first_id: int,
    ) -> pa.RecordBatch:
        """Return the rows, in order of provider, point of delivery and day."""
        made = take(made, np.lexsort((made.person, made.first, made.pod, made.provider)))
        plan, patients, count = self.plan, people.patients, len(made)
        nobody = made.person < 0
        who = np.where(nobody, 0, made.person)
        paid_by, practices = payers(plan)
        payer = patients.provider[who] * 2 + patients.neighbour[who]
        payer = np.where(nobody, made.provider * 2, payer)
        practice = np.where(nobody, -1, payer * PRACTICES + patients.practice[who])
        columns: dict[str, pa.Array] = {
            "provider": coded(made.provider, [one.code for one in plan.providers]),
            "line_id": text_column(numbered("L", first_id, count)),
            "commissioner": coded(payer, paid_by),
            "gp_practice": coded(practice, practices),
            "patient_id": _named(made.person, people.identifiers()),
            "spell_id": _named(made.spell, spell_ids),
            "attendance_id": _named(made.attendance, attendance_ids),
            "point_of_delivery": coded(made.pod, PODS),
            "tariff_code": coded(made.code, self.vocabulary),
            "start_date": dates(made.first, plan.first_day),
            "end_date": dates(made.last, plan.first_day),
            "quantity": whole(made.quantity),
            "unit_price": pounds(pa.array(made.unit, mask=made.unit < 0)),
            "approval_id": _named(made.approval, approval_ids),
        }
        if plan.billed:
            national = np.isin(made.pod, NATIONAL)
            mff = np.where(national, self.rates.mff[made.provider], MFF_UNIT)
            is_hrg = np.isin(made.pod, (ADULT_CARE, CHILD_CARE, SCAN))
            bill = Bill(
                plain(np.where(is_hrg, made.code, -1), self.vocabulary),
                plain(made.pod, PODS),
                made.price,
                mff.astype(np.int64),
                np.ones(count, dtype=np.bool_),
            )
            columns |= bill.columns(made.month, plan.first_day)
        return batch_of("lines", count, columns)


def approval_rows(
    made: Grants, plan: Plan, people: People, vocabulary: list[str], ids: pa.Array
) -> pa.RecordBatch:
    """Return the rows of the approvals register."""
    paid_by, _ = payers(plan)
    payer = people.patients.provider[made.person] * 2 + people.patients.neighbour[made.person]
    columns: dict[str, pa.Array] = {
        "approval_id": text_column(ids),
        "patient_id": _named(made.person, people.identifiers()),
        "provider": coded(made.provider, [one.code for one in plan.providers]),
        "commissioner": coded(payer, paid_by),
        "kind": coded(made.drug.astype(np.int32), ("procedure", "drug")),
        "code": coded(made.code, vocabulary),
        "laterality": coded(made.side, SIDES),
        "valid_from": dates(made.first, plan.first_day),
        "valid_to": dates(made.last, plan.first_day),
    }
    return batch_of("approvals", len(made), columns)


def _lines(
    person: Ints, provider: Codes, pod: int, code: Ints, day: Numbers, quantity: Codes, unit: Ints
) -> Lines:
    count = len(person)
    price: Ints = (np.maximum(unit, 0) * quantity).astype(np.int64)
    return Lines(
        person=person,
        provider=provider.astype(np.int32),
        spell=np.full(count, -1, dtype=np.int32),
        attendance=np.full(count, -1, dtype=np.int64),
        pod=np.full(count, pod, dtype=np.int32),
        code=code.astype(np.int32),
        first=day.astype(np.int32),
        last=day.astype(np.int32),
        month=day.astype(np.int32),
        quantity=quantity.astype(np.int32),
        unit=unit,
        price=price,
        approval=np.full(count, -1, dtype=np.int64),
    )


def _named(numbers: Codes | Ints, identifiers: pa.Array) -> pa.DictionaryArray:
    """Return identifiers by number; a negative number is a blank."""
    taken = identifiers.take(pa.array(np.where(numbers < 0, 0, numbers), mask=numbers < 0))
    return text_column(taken)
