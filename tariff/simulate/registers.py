"""Registers that agree with the activity: who is registered where, and who has died."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tariff.simulate.attendances import payers
from tariff.simulate.catalogue import Codes, Ints
from tariff.simulate.frames import batch_of, coded, dates, text_column
from tariff.simulate.people import LONG_AGO, NEVER, People
from tariff.simulate.plan import Plan
from tariff.simulate.population import PRACTICES

MOVED = 0.05  # of people: another practice before or after all that happens to them
LONGEST = 25 * 365  # days since registration


class Seen:
    """The first and last day on which something happens to each person of a chunk."""

    def __init__(self, people: People) -> None:
        self.first = np.full(len(people), NEVER, dtype=np.int64)
        self.last = np.full(len(people), LONG_AGO, dtype=np.int64)

    def add(self, person: Ints | Codes, first: Codes, last: Codes | None = None) -> None:
        """Take note of what happens to some people."""
        np.minimum.at(self.first, person, first)
        np.maximum.at(self.last, person, first if last is None else last)

    @property
    def who(self) -> Ints:
        """Return the people to whom something happens."""
        return np.flatnonzero(self.first < NEVER)


def registrations(
    rng: np.random.Generator, plan: Plan, people: People, seen: Seen
) -> pa.RecordBatch:
    """Return the practices of everyone seen.

    Whatever happens to a person happens while registered with the practice on the record. Some
    had another practice before, some have another since.
    """
    who, patients = seen.who, people.patients
    first, last = seen.first[who], seen.last[who]
    born, died = people.born[who].astype(np.int64), people.died[who].astype(np.int64)
    lived = np.where(born > LONG_AGO, 0, patients.age[who] * 365)
    start = first - 1 - (rng.random(len(who)) * np.minimum(lived, LONGEST)).astype(np.int64)
    start = np.where(born > LONG_AGO, born, start)
    end = np.where(died == NEVER, NEVER, died)
    moved = rng.random(len(who)) < MOVED
    before = moved & (first - start > 60)
    room = np.minimum(end, plan.days + 200) - last
    after = moved & ~before & (room > 40)
    back = 20 + (rng.random(len(who)) * (first - start - 40)).astype(np.int64)
    on = 10 + (rng.random(len(who)) * (room - 20)).astype(np.int64)
    practice = patients.practice[who].astype(np.int64)
    other = (practice + rng.integers(1, PRACTICES, len(who))) % PRACTICES
    # One row each, and a second one for those who moved.
    change = np.where(before, first - back, last + on)
    own = (np.where(before, change, start), np.where(after, change - 1, end))
    second = before | after
    former = (np.where(before, start, change)[second], np.where(before, change - 1, end)[second])
    row = np.r_[np.arange(len(who)), np.flatnonzero(second)]
    begin, finish = np.r_[own[0], former[0]], np.r_[own[1], former[1]]
    place = np.r_[practice, other[second]]
    order = np.lexsort((begin, row))
    row, begin, finish, place = row[order], begin[order], finish[order], place[order]
    payer = (patients.provider[who] * 2 + patients.neighbour[who])[row]
    paid_by, practices = payers(plan)
    open_end = finish >= NEVER
    return batch_of(
        "registrations",
        len(row),
        {
            "patient_id": text_column(people.identifiers().take(pa.array(who[row]))),
            "gp_practice": coded(payer * PRACTICES + place, practices),
            "commissioner": coded(payer, paid_by),
            "valid_from": dates(begin.astype(np.int32), plan.first_day),
            "valid_to": dates(
                np.where(open_end, 0, finish).astype(np.int32), plan.first_day, open_end
            ),
        },
    )


def deaths(plan: Plan, people: People, seen: Seen) -> pa.RecordBatch:
    """Return the deaths of people who are in the data."""
    who = seen.who
    who = who[people.died[who] != NEVER]
    return batch_of(
        "deaths",
        len(who),
        {
            "patient_id": text_column(people.identifiers().take(pa.array(who))),
            "death_date": dates(people.died[who], plan.first_day),
        },
    )
