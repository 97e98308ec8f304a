"""What a planter outside of admitted care works with: the chunk, its chance, the price lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.care_model import RECORDS
from tariff.simulate.faults.lists import OtherPrices, other_prices
from tariff.simulate.faults.model import ORIGIN, Row
from tariff.simulate.faults.sheet import FIRST_DAY, Sheet
from tariff.simulate.plan import year_of

FIRST_INVENTED = 9  # second character of an invented number, counted down for each further one
WHO = ("patient_id", "age", "sex", "commissioner", "gp_practice")


class Desk:
    """A chunk of a year, and what planters may ask of it."""

    def __init__(self, batches: Mapping[str, pa.RecordBatch]) -> None:
        self.sheets = {name: Sheet(name, batch) for name, batch in batches.items()}
        self.rng = np.random.Generator(np.random.PCG64(0))  # set for each rule

    def __getitem__(self, name: str) -> Sheet:
        return self.sheets[name]

    # ------------------------------------------------------------ the year

    @cached_property
    def year(self) -> str:
        """Return the tariff year of the chunk."""
        days = self["episodes"].batch["discharge_date"].to_pylist()
        return year_of(max(day for day in days if day is not None))

    @cached_property
    def prices(self) -> OtherPrices:
        """Return the published prices of care that is not admitted."""
        return other_prices(self.year)

    @property
    def last_day(self) -> date:
        """Return the last day of the year."""
        return date(int(self.year[:4]) + 1, 3, 31)

    @property
    def first_day(self) -> date:
        """Return the first day of the year."""
        return date(int(self.year[:4]), 4, 1)

    # ------------------------------------------------------------ chance

    def choose(self, among: Bools, sheet: Sheet) -> Row | None:
        """Choose a row by chance, none where there is none."""
        found = np.flatnonzero(among)
        return sheet.row(int(self.rng.choice(found))) if len(found) else None

    def between(self, least: int, most: int) -> int:
        """Choose a number by chance, both ends included."""
        return int(self.rng.integers(least, most, endpoint=True))

    # ------------------------------------------------------------ people and records

    def record(self, dataset: str, row: Row) -> str:
        """Name a record as findings do."""
        kind, column = RECORDS[dataset]
        return f"{kind}:{row['provider']}:{row[column]}"

    def new_id(self, dataset: str, row: Row, turn: int = 0) -> str:
        """Return a number that nothing else has, made of an honest one."""
        number = str(row[RECORDS[dataset][1]])
        return f"{number[0]}{FIRST_INVENTED - turn}{number[2:]}"

    def copy(self, dataset: str, row: Row, turn: int = 0, **values: Any) -> Row:
        """Return a new row like another, under a number of its own."""
        column = RECORDS[dataset][1]
        return {**row, ORIGIN: None, column: self.new_id(dataset, row, turn), **values}

    def for_patient(self, dataset: str, template: Row, host: Row, **values: Any) -> Row:
        """Return a row of another patient as one of the host's, at the host's provider."""
        taken: dict[str, Any] = {
            name: host[name] for name in WHO if name in template and name in host
        }
        return self.copy(dataset, template, **taken, provider=host["provider"], **values)

    def template(self, dataset: str, host: Row, wanted: Bools) -> Row | None:
        """Choose a row of the host's provider that will do for the host: same sex, near age."""
        sheet = self[dataset]
        like = wanted & sheet.among("provider", host["provider"])
        like &= sheet.among("patient_id", host["patient_id"]) == 0
        if "age" in host and "age" in sheet.batch.schema.names and host["age"] is not None:
            age = sheet.number("age")
            like &= (np.abs(age - host["age"]) <= 10) & ((age >= 19) == (host["age"] >= 19))
        if "sex" in host and "sex" in sheet.batch.schema.names and host["sex"]:
            like &= sheet.among("sex", host["sex"])
        return self.choose(like, sheet)

    def busy(self, patient: str | None, day: date, *datasets: str) -> bool:
        """Say whether a patient has anything on a day, or is in hospital."""
        for name in datasets or RECORDS:
            for row in self[name].rows_of(patient):
                first = row[FIRST_DAY[name]]
                last = row.get("discharge_date") or row.get("end_date") or first
                if first is not None and first <= day <= last:
                    return True
        return False

    def free(self, patient: str | None, day: date) -> bool:
        """Say whether a patient is alive, registered and not seen anywhere on a day."""
        died = self.death(patient)
        rows = self["registrations"].rows_of(patient)
        there = any(
            row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"])
            for row in rows
        )
        return there and (died is None or day < died) and not self.busy(patient, day)

    def records_of(self, patient: str | None) -> int:
        """Count the billed records of a patient in all datasets."""
        return sum(
            sum(bool(self[name].billed[row]) for row in self[name].of_patient(patient))
            for name in ("episodes", "attendances", "emergency", "lines")
        )

    def death(self, patient: str | None) -> date | None:
        """Return the day on which a patient died, where the register has one."""
        if patient is None or "deaths" not in self.sheets:
            return None
        rows = self["deaths"].rows_of(patient)
        return rows[0]["death_date"] if rows else None

    def alone(self, row: Row, dataset: str, *names: str) -> bool:
        """Say whether no other row of a dataset has the same values."""
        return len(self[dataset].alike(row, *names)) <= 1

    # ------------------------------------------------------------ the bill

    def other_commissioner(self, row: Row) -> tuple[str, str] | None:
        """Choose another commissioner, and a practice of its."""
        sheet = self["registrations"]
        other = self.choose(~sheet.among("commissioner", row["commissioner"]), sheet)
        return None if other is None else (other["commissioner"], other["gp_practice"])


def charged(row: Row, price: Decimal, factor: Decimal | None = None) -> Row:
    """Bill another price of a row, or at another factor, and the total that follows; in place."""
    from tariff.simulate.faults.edits import charge

    charge([row], price, factor)
    return row


def later(day: date, days: int) -> date:
    """Return a day some days later."""
    return day + timedelta(days=days)


def month(day: date) -> str:
    """Return the month of a day as bills have it."""
    return f"{day:%Y-%m}"
