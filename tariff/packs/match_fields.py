"""The fields that a signature may ask for: their kind, their unit, and what they rest on.

Every number of a rule is an integer in the unit of its field: money in pence, factors in units of
1e-9, dates in days since 1970-01-01, times in minutes since midnight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from tariff.extract.fields import EPISODES, FieldType
from tariff.schemas import MFF_UNIT

FieldKind = Literal["code", "number", "money", "date", "flag"]
Unit = Literal["", "days", "pence", "1e-9", "years", "minutes", "grams"]

EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class MatchField:
    """A field of a predicate. `scale`: how many units one of what a rule writes is."""

    name: str
    kind: FieldKind
    unit: Unit
    title: str
    derived: bool = False
    scale: int = 1


_KINDS: dict[FieldType, tuple[FieldKind, Unit, int]] = {
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


def _canonical() -> list[MatchField]:
    fields = []
    for item in EPISODES:
        kind, unit, scale = _KINDS[item.type]
        if item.name == "age":
            unit = "years"
        elif item.name == "birth_weight":
            unit = "grams"
        elif item.name.endswith(("_days", "_duration")):
            unit = "days"
        fields.append(MatchField(item.name, kind, unit, item.title, scale=scale))
    return fields


def _derived(kind: FieldKind, unit: Unit, scale: int, **titles: str) -> list[MatchField]:
    return [MatchField(name, kind, unit, title, True, scale) for name, title in titles.items()]


DERIVED: list[MatchField] = [
    *_derived(
        "code",
        "",
        1,
        primary_diagnosis="First diagnosis of the first episode",
        primary_procedure="First procedure of the first episode",
        diagnosis_chapter="ICD-10 chapter of the primary diagnosis",
        hrg="HRG the engine grouped",
        hrg_root="Root of the HRG the engine grouped",
        priced_hrg="HRG that is priced: the billed one where there is one",
        priced_root="Root of the HRG that is priced",
        point_of_delivery="Point of delivery the engine gives",
        error_category="Why the spell is invalid for grouping",
    ),
    *_derived(
        "number",
        "days",
        1,
        spell_days="Discharge less admission",
        adjusted_days="Spell days less critical care, rehabilitation and palliative care",
        excess_days="Adjusted days above the trim point",
        trim_days="Trim point",
    ),
    *_derived("number", "", 1, duplicate_rows="Exact copies of rows of the spell"),
    *_derived(
        "number",
        "1e-9",
        MFF_UNIT,
        mff="Factor of the provider and year",
        billed_factor="Factor billed: as one, or as the money implies",
    ),
    *_derived(
        "money",
        "pence",
        100,
        base="Base price",
        short_stay="Reduction for a short stay, 0 or negative",
        long_stay="Long stay payment",
        pre_mff="Price before the market forces factor",
        total="Price",
        list_price="Price before the short stay cut",
        billed="What counts as billed for the spell",
        billed_product="Price billed with the factor billed",
    ),
    *_derived("date", "days", 1, activity_month_end="Last day of the month it was billed in"),
    *_derived("flag", "", 1, short_stay_eligible="Whether the reduced short stay price is due"),
]

MATCH_FIELDS: dict[str, MatchField] = {item.name: item for item in (*_canonical(), *DERIVED)}

_BILLED = "billed_total|billed_price"
_PRICED_HRG = "billed_hrg|diag_01"
_STAY = ("admission_date", "discharge_date")
_SETTING = ("admission_method", "patient_classification")
_PRICE = (*_SETTING, *_STAY, _PRICED_HRG)

# What a derived field rests on; `a|b` is either. Another field rests on itself.
DERIVED_NEEDS: dict[str, tuple[str, ...]] = {
    "primary_diagnosis": ("diag_01",),
    "primary_procedure": ("oper_01",),
    "diagnosis_chapter": ("diag_01",),
    "hrg": ("diag_01", "oper_01", "age"),
    "hrg_root": ("diag_01", "oper_01", "age"),
    "priced_hrg": (_PRICED_HRG,),
    "priced_root": (_PRICED_HRG,),
    "point_of_delivery": _SETTING,
    "error_category": ("diag_01",),
    "spell_days": _STAY,
    "adjusted_days": _STAY,
    "excess_days": _PRICE,
    "trim_days": (*_SETTING, "discharge_date", _PRICED_HRG),
    "duplicate_rows": (),
    "mff": ("discharge_date",),
    "base": _PRICE,
    "short_stay": (*_PRICE, "age"),
    "long_stay": _PRICE,
    "pre_mff": (*_PRICE, "age"),
    "total": (*_PRICE, "age"),
    "list_price": _PRICE,
    "billed": (_BILLED,),
    "billed_price": ("billed_price",),
    "billed_product": ("billed_price", "billed_mff|billed_mff_amount"),
    "billed_factor": ("billed_mff|billed_price+billed_mff_amount",),
    "activity_month_end": ("activity_month",),
    "short_stay_eligible": (*_PRICE, "age"),
}

_FAMILY = re.compile(r"(diag|oper|oper_date)_(0[1-9]|[1-9][0-9])")


def is_column(name: str) -> bool:
    """Whether a name is a canonical column of an episode (`diag_14` is one)."""
    known = MATCH_FIELDS.get(name)
    return (known is not None and not known.derived) or _FAMILY.fullmatch(name) is not None


def needs_of(fields: list[str]) -> tuple[str, ...]:
    """The columns that fields rest on, each once, in order. Keys of every record are left out."""
    needs: dict[str, None] = {}
    for name in fields:
        for column in DERIVED_NEEDS.get(name, (name,)):
            needs[column] = None
    return tuple(name for name in needs if name not in {"provider", "spell_id", "all_fields"})


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
