"""The fields that a signature may ask for, by kind of record, and their unit.

Every number of a rule is an integer in the unit of its field: money in pence, factors in units of
1e-9, dates in days since 1970-01-01, times in minutes since midnight, moments in minutes since
1970-01-01. A field that several kinds have is of one type in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Literal

from tariff.extract.fields import DATASETS, REGISTERS, Field, FieldType, field_of
from tariff.schemas import MFF_UNIT

FieldKind = Literal["code", "number", "money", "date", "flag"]
Unit = Literal["", "days", "pence", "1e-9", "years", "minutes", "grams"]

EPOCH = date(1970, 1, 1).toordinal()
DATASET_OF = {
    "spells": "episodes",
    "attendances": "attendances",
    "emergency": "emergency",
    "critical_care": "critical_care",
    "lines": "lines",
}  # of a kind of record
KINDS = tuple(DATASET_OF)
ID_OF = {
    "spells": "spell_id",
    "attendances": "attendance_id",
    "emergency": "attendance_id",
    "critical_care": "period_id",
    "lines": "line_id",
}


@dataclass(frozen=True, slots=True)
class MatchField:
    """A field of a predicate. `scale`: how many units one of what a rule writes is."""

    name: str
    kind: FieldKind
    unit: Unit
    title: str
    derived: bool = False
    scale: int = 1
    many: bool = False  # several values

    @property
    def type(self) -> tuple[FieldKind, int, bool]:
        """What has to be alike wherever the name stands."""
        return self.kind, self.scale, self.many


_TYPES: dict[FieldType, tuple[FieldKind, Unit, int]] = {
    "identifier": ("code", "", 1),
    "code": ("code", "", 1),
    "clinical": ("code", "", 1),
    "text": ("code", "", 1),
    "month": ("code", "", 1),
    "integer": ("number", "", 1),
    "date": ("date", "days", 1),
    "time": ("number", "minutes", 1),
    "money": ("money", "pence", 100),
    "factor": ("number", "1e-9", MFF_UNIT),
}


def _canonical(item: Field) -> MatchField:
    kind, unit, scale = _TYPES[item.type]
    if item.name == "age":
        unit = "years"
    elif item.name == "birth_weight":
        unit = "grams"
    elif item.name.endswith("_minutes"):
        unit = "minutes"
    elif item.name.endswith(("_days", "_duration")):
        unit = "days"
    return MatchField(item.name, kind, unit, item.title, scale=scale)


# ---------------------------------------------------------------- derived fields

_ALL = KINDS
_GROUPED = ("spells", "attendances", "emergency", "critical_care")
_OTHER = ("attendances", "emergency", "critical_care", "lines")
_CODED = ("spells", "attendances", "emergency")
_OPERATED = ("spells", "attendances")

_Group = tuple[tuple[str, ...], FieldKind, Unit, int, bool, dict[str, str]]
_CODE: tuple[FieldKind, Unit, int, bool] = ("code", "", 1, False)
_CODES: tuple[FieldKind, Unit, int, bool] = ("code", "", 1, True)
_COUNT: tuple[FieldKind, Unit, int, bool] = ("number", "", 1, False)
_DAYS: tuple[FieldKind, Unit, int, bool] = ("number", "days", 1, False)
_MINUTES: tuple[FieldKind, Unit, int, bool] = ("number", "minutes", 1, False)
_FACTOR: tuple[FieldKind, Unit, int, bool] = ("number", "1e-9", MFF_UNIT, False)
_MONEY: tuple[FieldKind, Unit, int, bool] = ("money", "pence", 100, False)
_DATE: tuple[FieldKind, Unit, int, bool] = ("date", "days", 1, False)
_FLAG: tuple[FieldKind, Unit, int, bool] = ("flag", "", 1, False)

DERIVED: tuple[_Group, ...] = (
    (_ALL, *_CODE, {
        "kind": "Kind of record",
        "record_id": "Key of the record",
        "trust": "First three characters of the provider, or of the body that took it over",
        "priced_hrg": "HRG that is priced: the billed one where there is one",
        "priced_root": "Root of the HRG that is priced",
        "tariff_year": "Tariff year",
    }),
    (_GROUPED, *_CODE, {
        "hrg": "HRG the engine grouped",
        "hrg_root": "Root of the HRG the engine grouped",
    }),
    (_OTHER, *_CODE, {"price_outcome": "What pricing decided: priced, excluded, not_paid"}),
    (_ALL, *_DATE, {
        "start_date": "First day of the record",
        "end_date": "Last day of the record",
        "activity_month_end": "Last day of the month it was billed in",
    }),
    (_ALL, *_MINUTES, {
        "start_at": "Day and time at which the record begins",
        "end_at": "Day and time at which the record ends",
        "stay_minutes": "Minutes from the beginning to the end",
    }),
    (_ALL, *_MONEY, {
        "base": "Base price",
        "pre_mff": "Price before the market forces factor",
        "total": "Price",
        "billed": "What counts as billed for the record",
        "billed_product": "Price billed with the factor billed",
    }),
    (_ALL, *_FACTOR, {
        "mff": "Factor of the provider and year",
        "billed_factor": "Factor billed: as one, or as the money implies",
    }),
    (_ALL, *_COUNT, {"duplicate_rows": "Exact copies of the record or of its rows"}),
    # of several values
    (_CODED, *_CODES, {
        "any_diagnosis": "Every diagnosis",
        "secondary_diagnosis": "Diagnoses but the first of each episode",
        "any_diagnosis_category": "First three characters of every diagnosis",
        "any_administrative_category": "Administrative categories of the episodes",
    }),
    (_OPERATED, *_CODES, {
        "any_procedure": "Every procedure",
        "secondary_procedure": "Procedures but the first of each episode",
        "any_procedure_category": "First three characters of every procedure",
        "any_unbundled": "Unbundled HRGs",
    }),
    (("spells", "attendances", "lines"), *_CODES, {
        "any_treatment_function": "Treatment functions of the episodes",
    }),
    (("spells",), *_CODES, {"any_ward": "Wards of the episodes"}),
    (("emergency",), *_CODES, {
        "any_investigation": "Every investigation",
        "any_treatment": "Every treatment",
    }),
    # of the codes
    (_CODED, *_CODE, {
        "primary_diagnosis": "First diagnosis of the first episode",
        "diagnosis_chapter": "ICD-10 chapter of the primary diagnosis",
    }),
    (_CODED, *_COUNT, {"diagnosis_count": "How many diagnoses there are"}),
    (_OPERATED, *_CODE, {
        "primary_procedure": "First procedure of the first episode",
        "laterality": "First of Z941, Z942, Z943 among the procedures",
    }),
    (_OPERATED, *_COUNT, {"procedure_count": "How many procedures there are"}),
    # of spells
    (("spells",), *_CODE, {
        "error_category": "Why the spell is invalid for grouping",
        "point_of_delivery": "Point of delivery the engine gives",
        "invalid_code": "First code that is not valid on the day the episode ended",
        "conflicting_code": "First code kept for the other sex or another age",
        "billed_price_year": "Another tariff year whose price is the one billed",
    }),
    (("spells",), *_DAYS, {
        "spell_days": "Discharge less admission",
        "adjusted_days": "Spell days less critical care, rehabilitation and palliative care",
        "excess_days": "Adjusted days above the trim point",
        "excess_days_other_trim": "Excess days at the trim point of the other kind of admission",
        "trim_days": "Trim point",
        "critical_care_days": "Days in critical care, of all episodes",
        "rehabilitation_days": "Days of discrete rehabilitation, of all episodes",
        "palliative_care_days": "Days of specialist palliative care, of all episodes",
        "delayed_days": "Days from ready for discharge to discharge",
        "episode_gap_days": "Largest gap between two episodes",
        "episode_overlap_days": "Largest overlap of two episodes",
        "episode_outside_days": "Most days that an episode lies outside its spell",
    }),
    (("spells",), *_COUNT, {"episodes": "How many episodes there are"}),
    (("spells",), *_MONEY, {
        "short_stay": "Reduction for a short stay, 0 or negative",
        "long_stay": "Long stay payment",
        "top_up": "Specialised top-up",
        "best_practice": "Best practice payment",
        "list_price": "Price before the short stay cut",
    }),
    (("spells",), *_DATE, {
        "first_procedure_date": "First date of a procedure",
        "last_procedure_date": "Last date of a procedure",
    }),
    (("spells",), *_FLAG, {
        "short_stay_eligible": "Whether the reduced short stay price is due",
        "billed_hrg_in_year": "Whether the billed HRG is in the design of the year",
        "billed_hrg_elsewhere": "Whether another year's design has the billed HRG",
        "billed_age_conflict": "Whether the age is outside the split that was billed",
        "billed_in_other_order": "Whether the billed total comes of another order of components",
    }),
    # of other care
    (("lines",), *_MONEY, {"amount": "Quantity times unit price"}),
    (("lines",), *_CODE, {
        "listed_as": "What the year's lists of drugs and devices say of it",
        "listed_group": "Group of drugs or devices in the year's lists",
        "listed_commissioner": "Who pays, by the year's lists",
        "fixed_element": "Whether the year's lists put it within the fixed element",
    }),
    (("critical_care",), *_DAYS, {"period_days": "Last day less first, plus 1"}),
    (("attendances",), *_CODE, {"attendance_hrg": "HRG of the attendance without procedures"}),
)  # fmt: skip


def _fields(kind: str) -> dict[str, MatchField]:
    columns = DATASETS[DATASET_OF[kind]] if kind in DATASET_OF else REGISTERS[kind]
    found = {item.name: _canonical(item) for item in columns}
    for kinds, of, unit, scale, many, titles in DERIVED:
        for name, title in titles.items() if kind in kinds else ():
            # what a file holds wins over what is worked out, but sums over episodes
            if name not in found or kind == "spells":
                derived = name not in found
                found[name] = MatchField(name, of, unit, title, derived, scale, many)
    return found


FIELDS: dict[str, dict[str, MatchField]] = {kind: _fields(kind) for kind in (*KINDS, *REGISTERS)}

# by name alone, whatever the kind: names mean the same everywhere
MATCH_FIELDS: dict[str, MatchField] = {}
for _known in FIELDS.values():
    for _name, _item in _known.items():
        MATCH_FIELDS.setdefault(_name, _item)


def field(name: str, kinds: Iterable[str]) -> MatchField | None:
    """Give the field of a name on some kinds of records, None where none of them has it.

    ValueError where two of them have fields of two types under the name.
    """
    found = [(kind, FIELDS[kind][name]) for kind in kinds if name in FIELDS[kind]]
    for kind, item in found[1:]:
        if item.type != found[0][1].type:
            first = found[0][0]
            raise ValueError(
                f"'{name}' is {said(found[0][1])} of {first}, and {said(item)} of {kind}"
            )
    return found[0][1] if found else None


def names_of(kinds: Iterable[str]) -> set[str]:
    """Give the names of the fields that any of some kinds has."""
    return {name for kind in kinds for name in FIELDS[kind]}


def kinds_with(name: str) -> tuple[str, ...]:
    """Give the kinds of records, then registers, that have a field."""
    return tuple(kind for kind, known in FIELDS.items() if name in known)


def is_column(name: str, kind: str = "spells") -> bool:
    """Whether a name is a canonical column of a kind or register (`diag_14` is one of spells)."""
    if kind in REGISTERS:
        return name in FIELDS[kind]
    return field_of(name, DATASET_OF[kind]) is not None


@cache
def columns_of(kind: str) -> frozenset[str]:
    """The canonical columns of a kind or register, each family by its first."""
    items = DATASETS[DATASET_OF[kind]] if kind in DATASET_OF else REGISTERS[kind]
    return frozenset(item.name for item in items)


def keys_of(kind: str) -> tuple[str, ...]:
    """The columns that every record of a kind or row of a register has."""
    if kind in REGISTERS:
        return tuple(item.name for item in REGISTERS[kind] if item.key)
    return "provider", ID_OF[kind]


# ---------------------------------------------------------------- units


def scaled(field: MatchField, number: Decimal) -> int | None:
    """A number of a rule in the unit of the field; None where it is no whole number of units."""
    units = number * field.scale
    return int(units) if units == units.to_integral_value() else None


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH


def written_unit(field: MatchField) -> str:
    """The unit as a rule writes it, in words."""
    if field.kind == "money":
        return "pounds"
    if field.kind == "date":
        return "a date (YYYY-MM-DD)"
    return {"1e-9": "a factor", "": "a number"}.get(field.unit, field.unit)


def said(field: MatchField) -> str:
    """What a field holds, in words: it is ..."""
    if field.many:
        return "several codes"
    if field.kind in ("code", "money", "date"):
        return {"code": "a code", "money": "money", "date": "a date"}[field.kind]
    return {"1e-9": "a factor", "": "a number"}.get(field.unit, f"in {field.unit}")
