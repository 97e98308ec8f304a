"""Edits of rows that several planters share."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tariff.simulate.clinical import DIAGNOSES, PROCEDURES
from tariff.simulate.columns import BILLED
from tariff.simulate.faults.model import ORIGIN, Row, Spell

PENNY = Decimal("0.01")
DIAGNOSIS = tuple(f"diag_{i:02d}" for i in range(1, DIAGNOSES + 1))
PROCEDURE = tuple(f"oper_{i:02d}" for i in range(1, PROCEDURES + 1))
TAKEN_OUT = ("critical_care_days", "rehabilitation_days", "palliative_care_days")
NOON = time(12, 0)
# What says who a patient is, where, and who pays: taken over by a spell invented for a patient.
IDENTITY = ("commissioner", "gp_practice", "patient_id", "age", "sex")
PLACE = ("provider", "site")


def copied(spell: Spell, **changes: Any) -> Spell:
    """Return the same rows, to be changed; they still stand for the honest ones."""
    return [{**row, **changes} for row in spell]


def invented(spell: Spell, spell_id: str, **changes: Any) -> Spell:
    """Return new rows like those of a spell, under another number."""
    return [{**row, ORIGIN: None, "spell_id": spell_id, **changes} for row in spell]


def for_patient(donor: Spell, host: Spell, spell_id: str, *, place: bool = True) -> Spell:
    """Return a spell of another patient as one of the host's, at the host's place or its own."""
    taken = {name: host[0][name] for name in (*IDENTITY, *(PLACE if place else ()))}
    return invented(donor, spell_id, **taken)


def moved(spell: Spell, days: int) -> Spell:
    """Move every date of a spell, in place."""
    for row in spell:
        for name, value in row.items():
            if isinstance(value, date):
                row[name] = value + timedelta(days=days)
    return spell


def nights(spell: Spell) -> int:
    """Return the nights of a spell."""
    return int((spell[0]["discharge_date"] - spell[0]["admission_date"]).days)


def days_counted(spell: Spell) -> int:
    """Return nights less the days that do not count towards the trim point."""
    return nights(spell) - sum(row[name] or 0 for row in spell for name in TAKEN_OUT)


def emergency(spell: Spell) -> bool:
    """Say whether a spell is an emergency admission."""
    return str(spell[0]["admission_method"]).startswith("2")


def day_case(spell: Spell) -> bool:
    """Say whether a spell is a day case."""
    return bool(spell[0]["patient_classification"] == "2")


def diagnoses(row: Row) -> list[str]:
    """Return the diagnoses of a row."""
    return [row[name] for name in DIAGNOSIS if row[name]]


def procedures(row: Row) -> list[str]:
    """Return the procedures of a row."""
    return [row[name] for name in PROCEDURE if row[name]]


def add_diagnosis(row: Row, code: str) -> bool:
    """Add a diagnosis behind the others; say whether there was room."""
    for name in DIAGNOSIS:
        if not row[name]:
            row[name] = code
            return True
    return False


def set_procedures(row: Row, codes: list[str], day: date | None) -> None:
    """Replace the procedures of a row."""
    for place, name in enumerate(PROCEDURE):
        row[name] = codes[place] if place < len(codes) else None
    row["oper_date_01"] = day if codes else None


def ends(row: Row, day: date, **changes: Any) -> None:
    """End a stay of one episode on another day."""
    ready = day if row["patient_classification"] == "1" else row["ready_for_discharge_date"]
    row.update(
        discharge_date=day,
        ready_for_discharge_date=ready,
        episode_end_date=day,
        episode_duration=(day - row["episode_start_date"]).days,
        **changes,
    )


def begins(row: Row, day: date, **changes: Any) -> None:
    """Begin a stay of one episode on another day."""
    row.update(
        admission_date=day,
        episode_start_date=day,
        episode_duration=(row["episode_end_date"] - day).days,
        **changes,
    )


def charge(spell: Spell, price: Decimal, factor: Decimal | None = None) -> None:
    """Bill another price, or at another factor, and the total that follows from it."""
    last = spell[-1]
    last["billed_price"] = price.quantize(PENNY)
    if factor is not None:
        last["billed_mff"] = factor
    total = last["billed_price"] * last["billed_mff"]
    last["billed_total"] = total.quantize(PENNY, ROUND_HALF_UP)


def unbilled(spell: Spell) -> Spell:
    """Blank the billed columns, in place."""
    for row in spell:
        row.update(dict.fromkeys(BILLED))
    return spell


def pence(*spells: Spell) -> int:
    """Return what is billed for spells, every row counted."""
    total = sum(
        (row["billed_total"] or Decimal(0) for spell in spells for row in spell), Decimal(0)
    )
    return int(total * 100)


def pounds(amount: int) -> str:
    """Show pence as pounds."""
    return f"{'-' if amount < 0 else ''}£{abs(amount) / 100:,.2f}"
