"""What the derived fields of signatures rest on: columns of each kind of record."""

from __future__ import annotations

from collections.abc import Sequence

from tariff.packs.match_fields import FIELDS, KINDS, is_column, keys_of

_BILLED = "billed_total|billed_price"
_STAY = ("admission_date", "discharge_date")
_SETTING = ("admission_method", "patient_classification")
_ENDS: dict[str, tuple[str, ...]] = {
    "spells": ("admission_date", "discharge_date"),
    "attendances": ("attendance_date", "attendance_date"),
    "emergency": ("arrival_date", "departure_date|arrival_date"),
    "critical_care": ("start_date", "end_date|start_date"),
    "lines": ("start_date", "end_date|start_date"),
}
_MOMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "spells": (("admission_date", "admission_time"), ("discharge_date", "discharge_time")),
    "attendances": (("attendance_date", "attendance_time"),) * 2,
    "emergency": (("arrival_date", "arrival_time"), ("departure_date", "departure_time")),
    "critical_care": (("start_date", "start_time"), ("end_date", "end_time")),
    "lines": ((), ()),  # no times: always missing
}
_GROUPING: dict[str, tuple[str, ...]] = {
    "spells": ("diag_01", "oper_01", "age"),
    "attendances": ("age", "sex", "main_specialty", "treatment_function", "first_attendance"),
    "emergency": ("investigation_01|treatment_01",),
    "critical_care": ("unit_function",),
}
_TO_PRICE: dict[str, tuple[str, ...]] = {
    "attendances": ("attendance_date", "billed_hrg|first_attendance+treatment_function"),
    "emergency": ("arrival_date", "billed_hrg|investigation_01|treatment_01"),
    "critical_care": ("start_date", "billed_hrg|unit_function"),
    "lines": ("tariff_code", "quantity"),
}
_PRICED_HRG: dict[str, str] = {
    "spells": "billed_hrg|diag_01",
    "attendances": "billed_hrg|first_attendance+treatment_function",
    "emergency": "billed_hrg|investigation_01|treatment_01",
    "critical_care": "billed_hrg|unit_function",
    "lines": "tariff_code",
}
_PRICE = (*_SETTING, *_STAY, _PRICED_HRG["spells"])

_SPELLS: dict[str, tuple[str, ...]] = {
    "error_category": ("diag_01",),
    "point_of_delivery": _SETTING,
    "spell_days": _STAY,
    "adjusted_days": _STAY,
    "excess_days": _PRICE,
    "excess_days_other_trim": _PRICE,
    "trim_days": (*_SETTING, "discharge_date", _PRICED_HRG["spells"]),
    "base": _PRICE,
    "short_stay": (*_PRICE, "age"),
    "long_stay": _PRICE,
    "top_up": (*_PRICE, "age"),
    "best_practice": (*_PRICE, "age"),
    "pre_mff": (*_PRICE, "age"),
    "total": (*_PRICE, "age"),
    "list_price": _PRICE,
    "short_stay_eligible": (*_PRICE, "age"),
    "delayed_days": ("ready_for_discharge_date", "discharge_date"),
    "first_procedure_date": ("oper_date_01",),
    "last_procedure_date": ("oper_date_01",),
    "episodes": (),
    "episode_gap_days": ("episode_start_date", "episode_end_date"),
    "episode_overlap_days": ("episode_start_date", "episode_end_date"),
    "episode_outside_days": (*_STAY, "episode_start_date", "episode_end_date"),
    "invalid_code": ("diag_01", "episode_end_date|discharge_date"),
    "conflicting_code": ("diag_01", "sex|age"),
    "billed_hrg_in_year": ("billed_hrg", "discharge_date"),
    "billed_hrg_elsewhere": ("billed_hrg", "discharge_date"),
    "billed_age_conflict": ("billed_hrg", "age"),
    "billed_price_year": (*_PRICE, "billed_price"),
    "billed_in_other_order": (*_PRICE, "age", "billed_total"),
    "any_ward": ("ward",),
    "any_unbundled": ("oper_01",),  # the engine's own
}
_ANYWHERE: dict[str, tuple[str, ...]] = {
    "kind": (),
    "record_id": (),
    "trust": (),
    "duplicate_rows": (),
    "activity_month_end": ("activity_month",),
    "billed": (_BILLED,),
    "billed_price": ("billed_price",),
    "billed_product": ("billed_price", "billed_mff|billed_mff_amount"),
    "billed_factor": ("billed_mff|billed_price+billed_mff_amount",),
    "any_diagnosis": ("diag_01",),
    "secondary_diagnosis": ("diag_01",),
    "any_diagnosis_category": ("diag_01",),
    "primary_diagnosis": ("diag_01",),
    "diagnosis_chapter": ("diag_01",),
    "diagnosis_count": ("diag_01",),
    "any_procedure": ("oper_01",),
    "secondary_procedure": ("oper_01",),
    "any_procedure_category": ("oper_01",),
    "primary_procedure": ("oper_01",),
    "procedure_count": ("oper_01",),
    "laterality": ("oper_01",),
    "any_unbundled": ("unbundled_01",),
    "any_treatment_function": ("treatment_function",),
    "any_administrative_category": ("administrative_category",),
    "any_investigation": ("investigation_01",),
    "any_treatment": ("treatment_01",),
    "amount": ("quantity", "unit_price"),
    "listed_as": ("tariff_code",),
    "listed_group": ("tariff_code",),
    "listed_commissioner": ("tariff_code",),
    "fixed_element": ("tariff_code",),
    "period_days": ("start_date", "end_date"),
}


def _rests_on(kind: str) -> dict[str, tuple[str, ...]]:
    """What each derived field of a kind rests on; `a|b` is either, `a+b` both."""
    first, last = _ENDS[kind]
    begin, end = _MOMENTS[kind]
    grouped = _GROUPING.get(kind, ())
    price = _TO_PRICE.get(kind, _PRICE)
    found = {
        **_ANYWHERE,
        "start_date": (first,),
        "end_date": (last,),
        "start_at": begin,
        "end_at": end,
        "stay_minutes": tuple(dict.fromkeys((*begin, *end))),
        "tariff_year": (last,),
        "mff": (last,),
        "hrg": grouped,
        "hrg_root": grouped,
        "attendance_hrg": grouped,
        "priced_hrg": (_PRICED_HRG[kind],),
        "priced_root": (_PRICED_HRG[kind],),
        "price_outcome": price,
        "base": price,
        "pre_mff": price,
        "total": price,
        **(_SPELLS if kind == "spells" else {}),
    }
    return {name: needs for name, needs in found.items() if name in FIELDS[kind]}


# What a derived field rests on, by kind. Another field rests on itself.
DERIVED_NEEDS: dict[str, dict[str, tuple[str, ...]]] = {kind: _rests_on(kind) for kind in KINDS}


def needs_of(names: Sequence[str], kind: str = "spells") -> tuple[str, ...]:
    """The columns that fields rest on, each once, in order. Keys of every record are left out.

    A field that the kind does not have is missing in all of its records, and rests on nothing.
    """
    known = DERIVED_NEEDS.get(kind, {})
    always = {*keys_of(kind), "all_fields"}
    needs: dict[str, None] = {}
    for name in names:
        own = (name,) if name in FIELDS[kind] or is_column(name, kind) else ()
        for item in known.get(name, own):
            if not any(set(way.split("+")) <= always for way in item.split("|")):
                needs[item] = None
    return tuple(needs)
