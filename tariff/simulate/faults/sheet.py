"""A dataset of a chunk seen row by row: arrays over which rows are chosen, and rows on demand."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tariff.simulate.catalogue import Bools, Ints
from tariff.simulate.faults.model import ORIGIN, Row

NO_NUMBER = -(10**6)
# The day a row is dated by, and its last day.
FIRST_DAY = {
    "episodes": "admission_date",
    "attendances": "attendance_date",
    "emergency": "arrival_date",
    "critical_care": "start_date",
    "lines": "start_date",
}


class Sheet:
    """One dataset or register of a chunk."""

    def __init__(self, name: str, batch: pa.RecordBatch) -> None:
        self.name, self.batch = name, batch
        self._texts: dict[str, tuple[npt.NDArray[np.int32], dict[str, int]]] = {}

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def row(self, number: int) -> Row:
        """Return a row; ORIGIN says which."""
        row: Row = self.batch.slice(number, 1).to_pylist()[0]
        row[ORIGIN] = number
        return row

    def codes(self, name: str) -> tuple[npt.NDArray[np.int32], dict[str, int]]:
        """Return the number of each text of a column, -1 for none, and the number of each text."""
        if name not in self._texts:
            column = self.batch[name]
            if not pa.types.is_dictionary(column.type):
                column = column.cast(pa.string()).dictionary_encode()
            numbers = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            places = {text: place for place, text in enumerate(column.dictionary.to_pylist())}
            self._texts[name] = numbers, places
        return self._texts[name]

    def among(self, name: str, *texts: str) -> Bools:
        """Say which rows have one of some texts."""
        numbers, places = self.codes(name)
        found: Bools = np.isin(numbers, [places[text] for text in texts if text in places])
        return found

    def starting(self, name: str, *prefixes: str) -> Bools:
        """Say which rows have a text that begins with one of some prefixes."""
        numbers, places = self.codes(name)
        wanted = [place for text, place in places.items() if text.startswith(prefixes)]
        found: Bools = np.isin(numbers, wanted)
        return found

    def filled(self, name: str) -> Bools:
        """Say which rows have something in a column."""
        found: Bools = pc.is_valid(self.batch[name]).to_numpy(zero_copy_only=False)
        return found

    def number(self, name: str) -> Ints:
        """Return a column of numbers or days; a missing one is far below all others."""
        column: pa.Array = self.batch[name]
        if pa.types.is_date(column.type):
            column = column.cast(pa.int32())
        if pa.types.is_time(column.type):
            column = column.cast(pa.int32())
        if pa.types.is_decimal(column.type):
            column = pc.cast(pc.multiply(column, 100), pa.int64(), safe=False)
        numbers: Ints = pc.fill_null(column, NO_NUMBER).to_numpy(zero_copy_only=False)
        return numbers.astype(np.int64)

    @cached_property
    def billed(self) -> Bools:
        """Say which rows are billed above nothing."""
        found: Bools = self.number("billed_total") > 0
        return found

    @cached_property
    def every(self) -> Bools:
        """Say that every row will do."""
        return np.ones(len(self), dtype=np.bool_)

    @cached_property
    def single(self) -> Bools:
        """Say which rows are the only one of their spell."""
        numbers, _ = self.codes("spell_id")
        found: Bools = np.bincount(numbers + 1)[numbers + 1] == 1
        return found

    @cached_property
    def day(self) -> Ints:
        """Return the first day of each row, counted from 1970."""
        return self.number(FIRST_DAY[self.name])

    @cached_property
    def _by_patient(self) -> tuple[Ints, npt.NDArray[np.int32]]:
        numbers, _ = self.codes("patient_id")
        order = np.argsort(numbers, kind="stable")
        return order, numbers[order]

    def of_patient(self, patient: str | None) -> list[int]:
        """Return the numbers of the rows of a patient."""
        _, places = self.codes("patient_id")
        if patient is None or patient not in places:
            return []
        order, numbers = self._by_patient
        first, last = np.searchsorted(numbers, [places[patient], places[patient] + 1])
        found: list[int] = order[first:last].tolist()
        return found

    def rows_of(self, patient: str | None) -> list[Row]:
        """Return the rows of a patient."""
        return [self.row(number) for number in self.of_patient(patient)]

    def alike(self, row: Row, *names: str) -> Ints:
        """Return the numbers of the rows that have the same values as a row, itself among them."""
        same = self.every
        for name in names:
            value: Any = row[name]
            if value is None:
                same = same & ~self.filled(name)
            elif isinstance(value, str):
                same = same & self.among(name, value)
            else:
                kind = self.batch.schema.field(name).type
                equal = pc.equal(self.batch[name], pa.scalar(value, kind))
                same = same & pc.fill_null(equal, False).to_numpy(zero_copy_only=False)
        return np.flatnonzero(same)
