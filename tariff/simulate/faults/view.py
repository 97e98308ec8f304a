"""A chunk of the extract seen by spell: numpy arrays over which eligible spells are chosen."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tariff.simulate.catalogue import Bools, Ints
from tariff.simulate.faults.lists import PriceList, price_list
from tariff.simulate.plan import year_of

EPOCH = date(1970, 1, 1)
NO_DATE = -(10**6)
TAKEN_OUT = ("critical_care_days", "rehabilitation_days", "palliative_care_days")


class View:
    """One entry a spell, in the order of the file; the rows of a spell stand together."""

    def __init__(self, batch: pa.RecordBatch, deaths: Container[str] = ()) -> None:
        self.batch = batch
        self.deaths = deaths
        # of a text column: the code of each spell's first row, and the code of each text
        self._known: dict[str, tuple[npt.NDArray[np.int32], dict[str, int]]] = {}
        spells = self._codes("spell_id")
        providers = self._codes("provider")
        begins = (np.diff(spells, prepend=-2) != 0) | (np.diff(providers, prepend=-2) != 0)
        self.start = np.flatnonzero(begins)
        self.size = np.diff(np.append(self.start, batch.num_rows))
        self.last = self.start + self.size - 1

    def __len__(self) -> int:
        return len(self.start)

    # ------------------------------------------------------------ columns

    def _codes(self, name: str) -> npt.NDArray[np.int32]:
        codes: npt.NDArray[np.int32] = (
            self.batch[name].indices.fill_null(-1).to_numpy(zero_copy_only=False)
        )
        return codes

    def _numbers(self, name: str, missing: int = 0) -> Ints:
        column: pa.Array = self.batch[name]
        if pa.types.is_date(column.type):
            column = column.cast(pa.int32())
        numbers: Ints = pc.fill_null(column, missing).to_numpy(zero_copy_only=False)
        return numbers.astype(np.int64)

    def looked_up(
        self, name: str, of: Callable[[str], int], missing: int, *, last: bool = False
    ) -> npt.NDArray[Any]:
        """Return a function of a text column, of the first row of each spell or the last."""
        column = self.batch[name]
        table = np.array([*(of(text) for text in column.dictionary.to_pylist()), missing])
        found: npt.NDArray[Any] = table[self._codes(name)[self.last if last else self.start]]
        return found

    def among(self, name: str, *texts: str) -> Bools:
        """Say where the first row of a spell has one of some texts."""
        if name not in self._known:
            dictionary = self.batch[name].dictionary.to_pylist()
            places = {text: place for place, text in enumerate(dictionary)}
            self._known[name] = self._codes(name)[self.start], places
        codes, places = self._known[name]
        among: Bools = np.isin(codes, [places[text] for text in texts if text in places])
        return among

    def some_row(self, name: str) -> Bools:
        """Say which spells have a row with something in a column."""
        filled = pc.is_valid(self.batch[name]).to_numpy(zero_copy_only=False)
        found: Bools = np.logical_or.reduceat(filled, self.start)
        return found

    def number(self, name: str, missing: int = 0) -> Ints:
        """Return a number of the first row."""
        return self._numbers(name, missing)[self.start]

    # ------------------------------------------------------------ people

    @cached_property
    def patient(self) -> npt.NDArray[np.int32]:
        """Return a number for each patient."""
        return self._codes("patient_id")[self.start]

    @cached_property
    def provider(self) -> npt.NDArray[np.int32]:
        """Return a number for each provider."""
        return self._codes("provider")[self.start]

    @cached_property
    def spells_of_patient(self) -> Ints:
        """Return how many spells the patient of each spell has in this chunk."""
        return np.bincount(self.patient)[self.patient].astype(np.int64)

    @property
    def only(self) -> Bools:
        """Say which are the only spell of their patient."""
        only: Bools = self.spells_of_patient == 1
        return only

    @cached_property
    def place(self) -> Ints:
        """Return the number of each spell among those of its patient, by admission, from 0."""
        order = np.lexsort((self.admitted, self.patient))
        begins = np.diff(self.patient[order], prepend=-2) != 0
        at = np.arange(len(order))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = at - np.maximum.accumulate(np.where(begins, at, 0))
        return place

    @cached_property
    def before(self) -> Ints:
        """Return the patient's spell before each, -1 for none."""
        order = np.lexsort((self.admitted, self.patient))
        previous = np.append(-1, order[:-1])
        first = np.diff(self.patient[order], prepend=-2) != 0
        before = np.empty(len(order), dtype=np.int64)
        before[order] = np.where(first, -1, previous)
        return before

    @cached_property
    def dead(self) -> Bools:
        """Say whose death stands in the register."""
        dead: Bools = self.looked_up("patient_id", lambda patient: patient in self.deaths, False)
        return dead

    @cached_property
    def age(self) -> Ints:
        """Return ages."""
        return self.number("age", -1)

    @property
    def adult(self) -> Bools:
        """Say who is 19 or older."""
        return self.age >= 19

    # ------------------------------------------------------------ stays

    @cached_property
    def admitted(self) -> Ints:
        """Return days of admission, counted from 1970."""
        return self.number("admission_date", NO_DATE)

    @cached_property
    def discharged(self) -> Ints:
        """Return days of discharge, counted from 1970."""
        return self.number("discharge_date", NO_DATE)

    @property
    def nights(self) -> Ints:
        """Return nights."""
        return self.discharged - self.admitted

    @cached_property
    def taken_out(self) -> Ints:
        """Return days in critical care, rehabilitation and palliative care."""
        every = np.sum([self._numbers(name) for name in TAKEN_OUT], axis=0)
        taken: Ints = np.add.reduceat(every, self.start)
        return taken

    @cached_property
    def emergency(self) -> Bools:
        """Say which are emergency admissions."""
        emergency: Bools = self.looked_up("admission_method", lambda code: code[0] == "2", False)
        return emergency

    @cached_property
    def elective(self) -> Bools:
        """Say which are elective admissions."""
        elective: Bools = self.looked_up("admission_method", lambda code: code[0] == "1", False)
        return elective

    @cached_property
    def day_case(self) -> Bools:
        """Say which are day cases."""
        return self.among("patient_classification", "2")

    @cached_property
    def ordinary(self) -> Bools:
        """Say which are ordinary stays, other than births and deliveries."""
        return self.among("patient_classification", "1") & (self.emergency | self.elective)

    @cached_property
    def home(self) -> Bools:
        """Say who was discharged home alive, on advice."""
        return self.among("discharge_method", "1") & self.among("discharge_destination", "19")

    @property
    def single(self) -> Bools:
        """Say which have one episode."""
        single: Bools = self.size == 1
        return single

    @cached_property
    def operated(self) -> Bools:
        """Say in which something was done."""
        return self.some_row("oper_01")

    @cached_property
    def last_day(self) -> date:
        """Return the last day of discharge."""
        return EPOCH + timedelta(days=int(self.discharged.max()))

    # ------------------------------------------------------------ the bill

    @cached_property
    def prices(self) -> PriceList:
        """Return the published price list of the year."""
        return price_list(year_of(self.last_day))

    @cached_property
    def billed(self) -> Bools:
        """Say which are billed; deliveries and well babies are paid otherwise."""
        column = self.batch["billed_total"].take(pa.array(self.last))
        return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False))

    @cached_property
    def pence(self) -> Ints:
        """Return the price billed before the market forces factor."""
        column = self.batch["billed_price"].take(pa.array(self.last))
        pence: Ints = pc.cast(pc.multiply(pc.fill_null(column, 0), 100), pa.int64()).to_numpy(
            zero_copy_only=False
        )
        return pence

    @cached_property
    def excess(self) -> Ints:
        """Return the excess bed days billed."""
        return self._numbers("billed_excess_days")[self.last]

    def by_hrg(self, of: Callable[[str], int], missing: int) -> npt.NDArray[Any]:
        """Return a function of the billed HRG."""
        return self.looked_up("billed_hrg", of, missing, last=True)

    @cached_property
    def reduced(self) -> Bools:
        """Say which are billed the reduced price of a short emergency stay, below the full one."""
        due = self.by_hrg(self.prices.reduced_pence, -1)
        full = self.by_hrg(self.prices.full_pence, -1)
        short = self.emergency & (self.nights - self.taken_out <= 1)
        reduced: Bools = short & (self.pence == due) & (due < full)
        return reduced

    @property
    def full_price(self) -> Bools:
        """Say which are billed above nothing and have no reduced price."""
        return ~self.reduced & (self.pence > 0)
