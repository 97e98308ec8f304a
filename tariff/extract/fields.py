"""The field dictionary: every canonical column, its type, and what it holds.

Names follow the NHS Data Dictionary in snake case. `docs/fields.md` is generated from this table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

import pyarrow as pa

from tariff.schemas import CODE

FieldType = Literal[
    "identifier",  # text that may point at a person or a record: masked in messages
    "code",  # a code, kept as text; spaces around it are dropped, upper case
    "clinical",  # an ICD-10 or OPCS-4 code: dots and blanks dropped, upper case
    "text",
    "integer",
    "date",  # YYYY-MM-DD in a canonical file
    "time",  # HH:MM
    "month",  # YYYY-MM
    "money",  # pounds in the file, pence in the tables
    "factor",  # an MFF, above 0 and below 9, in units of 1e-9 in the tables
]

ARROW_TYPE: dict[str, pa.DataType] = {
    "identifier": CODE,
    "code": CODE,
    "clinical": CODE,
    "text": CODE,
    "month": CODE,
    "integer": pa.int32(),
    "date": pa.date32(),
    "time": pa.int32(),  # minutes since midnight
    "money": pa.int64(),  # pence
    "factor": pa.int64(),  # 1e-9
}


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical column. `repeats` marks families such as `diag_01`, `diag_02`."""

    name: str
    type: FieldType
    title: str
    key: bool = False  # a row without it is a reject
    repeats: int = 0  # how many columns of the family are understood
    lower: bool = False  # a code that is a word, in lower case


EPISODES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("spell_id", "identifier", "Hospital provider spell number", key=True),
    Field("episode_order", "integer", "Episode number within the spell, from 1"),
    Field("site", "code", "Site code of treatment"),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("gp_practice", "code", "General medical practice of registration"),
    Field("patient_id", "identifier", "Pseudonymised patient identifier"),
    Field("age", "integer", "Age in whole years at the start of the episode; 999 unknown"),
    Field("sex", "code", "Person stated gender code"),
    Field(
        "patient_classification",
        "code",
        "Patient classification: 1 ordinary, 2 day case, 3/4 regular, 5 mother and baby",
    ),
    Field("intended_management", "code", "Intended management code"),
    Field(
        "administrative_category",
        "code",
        "Administrative category: 01 NHS patient, 02 private, ...",
    ),
    Field("admission_source", "code", "Admission source"),
    Field("admission_method", "code", "Admission method: 11-13 elective, 2x emergency, ..."),
    Field("admission_date", "date", "Start date of the hospital provider spell"),
    Field("admission_time", "time", "Start time of the hospital provider spell"),
    Field("discharge_date", "date", "Discharge date of the hospital provider spell"),
    Field("discharge_time", "time", "Discharge time of the hospital provider spell"),
    Field("ready_for_discharge_date", "date", "Date the patient was ready for discharge"),
    Field("discharge_destination", "code", "Discharge destination"),
    Field("discharge_method", "code", "Discharge method: 4 died, 5 stillbirth"),
    Field("episode_start_date", "date", "Start date of the consultant episode"),
    Field("episode_end_date", "date", "End date of the consultant episode"),
    Field("episode_duration", "integer", "Episode end minus episode start, in days"),
    Field("main_specialty", "code", "Main specialty of the care professional"),
    Field("treatment_function", "code", "Activity treatment function"),
    Field("consultant", "code", "Pseudonymised consultant code"),
    Field("ward", "code", "Ward code"),
    Field("neonatal_care", "code", "Neonatal level of care"),
    Field("diag_01", "clinical", "Diagnoses, ICD-10; the first is the primary", repeats=99),
    Field("oper_01", "clinical", "Procedures, OPCS-4; the first is the primary", repeats=99),
    Field("oper_date_01", "date", "Procedure dates", repeats=99),
    Field("critical_care_days", "integer", "Days in critical care inside the episode"),
    Field("rehabilitation_days", "integer", "Days of discrete rehabilitation in the episode"),
    Field("palliative_care_days", "integer", "Days of specialist palliative care in the episode"),
    Field("birth_weight", "integer", "Birth weight in grams"),
    Field("commissioning_serial_number", "text", "Commissioning serial number; = marks local"),
    Field("home_leave_days", "integer", "Days of home leave inside the spell"),
    Field("billed_hrg", "code", "HRG the provider billed"),
    Field("billed_point_of_delivery", "code", "Point of delivery the provider billed"),
    Field("billed_price", "money", "Price billed before the market forces factor"),
    Field("billed_mff", "factor", "Market forces factor billed: a factor"),
    Field("billed_mff_amount", "money", "Market forces factor billed: as money"),
    Field("billed_excess_days", "integer", "Excess bed days billed"),
    Field("billed_total", "money", "Total billed"),
    Field("activity_month", "month", "Month the activity was billed in"),
    Field("statement", "code", "flex or freeze", lower=True),
)

KEYS: tuple[str, ...] = tuple(field.name for field in EPISODES if field.key)

_FAMILY_MEMBER = re.compile(r"([a-z_]+)_([0-9]{2})")


@cache
def _positions() -> dict[str, int]:
    return {field.name: index for index, field in enumerate(EPISODES)}


def members(family: str) -> list[str]:
    """Every column of a family: `diag` gives diag_01 to diag_99. KeyError when there is none."""
    field = EPISODES[_positions()[f"{family}_01"]]
    return [f"{family}_{number:02}" for number in range(1, field.repeats + 1)]


@cache
def field_of(name: str) -> Field | None:
    """The field a canonical column belongs to (`diag_07` to `diag_01`), or None."""
    position = _positions().get(name)
    if position is not None:
        return EPISODES[position]
    match = _FAMILY_MEMBER.fullmatch(name)
    if match is None:
        return None
    position = _positions().get(f"{match[1]}_01")
    if position is None or not 1 <= int(match[2]) <= EPISODES[position].repeats:
        return None
    return EPISODES[position]


def in_order(names: set[str] | frozenset[str]) -> list[str]:
    """Canonical columns in the order of the dictionary, families by number."""

    def place(name: str) -> tuple[int, str]:
        field = field_of(name)
        if field is None:
            raise KeyError(name)
        return _positions()[field.name], name

    return sorted(names, key=place)
