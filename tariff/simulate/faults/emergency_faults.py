"""Faults of emergency attendances."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.care_model import (
    Change,
    care_as_it_is,
    care_fault,
    care_near_miss,
    changed,
)
from tariff.simulate.faults.desk import Desk, charged, later, month
from tariff.simulate.faults.model import Row
from tariff.simulate.faults.sheet import Sheet

AE = "emergency"
LEFT = ("12", "13")
UNTREATED, MINOR_UNIT = "VB11Z", "03"


def stayed(sheet: Sheet) -> Bools:
    """Say who was seen, and went home in the end."""
    return sheet.billed & ~sheet.among("disposal", "01", "07", "10", *LEFT)


def major(sheet: Sheet) -> Bools:
    """Say who was seen in a major department."""
    return stayed(sheet) & sheet.among("department_type", "01")


def _later(desk: Desk, row: Row, minutes: int, **values: object) -> Row | None:
    """Return the attendance again, some minutes later on its day."""
    times: dict[str, Any] = {}
    for name in ("arrival", "departure"):
        day, clock = row[f"{name}_date"], row[f"{name}_time"]
        if day is None or clock is None:
            return None
        at = datetime.combine(day, clock) + timedelta(minutes=minutes)
        times[f"{name}_date"], times[f"{name}_time"] = at.date(), at.time()
    if times["arrival_date"] != row["arrival_date"]:
        return None
    return desk.copy(AE, row, **{**times, **values})


@care_fault("DUP04", "again", "an emergency attendance billed again, minutes later", AE, stayed)
def again(desk: Desk, row: Row) -> Change | None:
    """Book a patient twice."""
    new = _later(desk, row, desk.between(0, 40))
    if new is None:
        return None
    how = "the attendance billed again under a new number, minutes later"
    return Change(how, [(AE, new)], about=(row, new), kind_of_about=AE, also=("OPA20",))


@care_near_miss("DUP04", "back in the evening", "a patient who came back after hours", AE, stayed)
def back(desk: Desk, row: Row) -> Change | None:
    """Let a patient come back six hours later."""
    new = _later(desk, row, 6 * 60)
    if new is None:
        return None
    return Change(
        "a patient who came back six hours later", [(AE, new)], about=(row, new), kind_of_about=AE
    )


@care_fault("DUP06", "emergency", "an emergency attendance billed to two commissioners", AE, stayed)
def two_payers(desk: Desk, row: Row) -> Change | None:
    """Bill an emergency attendance to another commissioner as well."""
    other = desk.other_commissioner(row)
    if other is None:
        return None
    new = desk.copy(AE, row, commissioner=other[0])
    also = ("DUP04", "COM01", "COM02", "OPA20")
    return Change(
        f"the attendance billed to {other[0]} as well",
        [(AE, new)],
        about=(row, new),
        kind_of_about=AE,
        also=also,
    )


@care_fault(
    "EMR08", "streamed", "a patient streamed to another department, billed in both", AE, major
)
def streamed(desk: Desk, row: Row) -> Change | None:
    """Bill the department that sends a patient on, and the one that treats."""
    price = desk.prices.emergency.get((row["billed_hrg"], MINOR_UNIT))
    new = _later(desk, row, desk.between(20, 90), department_type=MINOR_UNIT)
    if price is None or new is None:
        return None
    charged(new, price)
    return Change(
        "a patient streamed to another department, billed in both",
        [(AE, new)],
        about=(row, new),
        kind_of_about=AE,
        also=("OPA20",),
    )


@care_near_miss("EMR08", "another day", "another department on the next day", AE, major)
def another_day(desk: Desk, row: Row) -> Change | None:
    """Let a patient go to another department on the next day."""
    price = desk.prices.emergency.get((row["billed_hrg"], MINOR_UNIT))
    day = later(row["arrival_date"], 1)
    if price is None or day > desk.last_day or not desk.free(row["patient_id"], day):
        return None
    new = desk.copy(
        AE,
        row,
        department_type=MINOR_UNIT,
        arrival_date=day,
        activity_month=month(day),
        departure_date=later(row["departure_date"], 1),
        site=None,
    )
    return Change(
        "another department on the next day",
        [(AE, charged(new, price))],
        about=(row, new),
        kind_of_about=AE,
    )


@care_fault("EMR09", "planned", "a planned follow-up in the department, billed", AE, major)
def planned(desk: Desk, row: Row) -> Change:
    """Bill a planned follow-up as an attendance."""
    how = "a planned follow-up in the department, billed"
    return Change(
        how, [(AE, changed(row, attendance_category="2"))], value=int(row["billed_total"] * 100)
    )


care_as_it_is(
    "EMR09",
    "unplanned",
    "an unplanned follow-up within seven days",
    AE,
    lambda sheet: sheet.billed & sheet.among("attendance_category", "3"),
)


@care_fault(
    "EMR10",
    "minor unit",
    "a minor injury unit billed as a major department",
    AE,
    lambda sheet: stayed(sheet) & sheet.among("department_type", MINOR_UNIT),
    "sites",
)
def minor_unit(desk: Desk, row: Row) -> Change | None:
    """Bill a minor injury unit at the price of a major department."""
    price = desk.prices.emergency.get((row["billed_hrg"], "01"))
    due = desk.prices.emergency.get((row["billed_hrg"], MINOR_UNIT))
    if price is None or price == due:
        return None
    site = f"{row['provider'][:3]}9{MINOR_UNIT[-1]}"
    new = charged(changed(row, department_type="01", site=site), price)
    listed = {"provider": row["provider"], "site": site, "department_type": MINOR_UNIT}
    return Change(
        "a minor injury unit billed as a major department", [(AE, new), ("sites", listed)]
    )


care_as_it_is(
    "EMR10",
    "as it is",
    "a minor injury unit billed as one",
    AE,
    lambda sheet: stayed(sheet) & sheet.among("department_type", MINOR_UNIT),
)


@care_fault(
    "EMR12",
    "left",
    "a patient who left before treatment, billed dear",
    AE,
    lambda sheet: (
        sheet.billed & sheet.among("disposal", *LEFT) & sheet.among("department_type", "01", "02")
    ),
)
def left(desk: Desk, row: Row) -> Change | None:
    """Bill a patient who left before treatment as one who was treated."""
    price = desk.prices.emergency.get(("VB08Z", row["department_type"]))
    due = desk.prices.emergency.get((UNTREATED, row["department_type"]))
    if price is None or due is None:
        return None
    blank = {name: None for name in row if name.startswith(("investigation_", "treatment_"))}
    honest = charged(changed(row, **blank, billed_hrg=UNTREATED), due)
    new = charged(changed(row, **blank, billed_hrg="VB08Z"), price)
    value = int((new["billed_total"] - honest["billed_total"]) * 100)
    return Change(
        "a patient who left before treatment, billed as treated",
        [(AE, new)],
        value=value,
        also=("PRC01", "HRG01"),
    )


care_as_it_is(
    "EMR12",
    "left, billed so",
    "a patient who left before treatment, billed so",
    AE,
    lambda sheet: (
        sheet.billed & sheet.among("disposal", *LEFT) & sheet.among("billed_hrg", UNTREATED)
    ),
)
