"""What a random price list has beside its prices: best practice, deliveries, services, exclusions.

Few areas, flags, services and codes, so that they collide; cells that do not fit one another are
as likely as those that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from tariff.packs.model import (
    BestPracticePayment,
    BestPracticePricing,
    Code,
    LocalPrice,
    TopUpRule,
)
from tariff.reference.values import Value
from tests.reference.tiny_packs import CSV, codes

Row = dict[str, Value]
Rows = list[dict[str, str]]

AREAS = ["Alpha", "Beta", "Gamma", "Delta"]
UNNAMED = "Omega"  # an area that the pack does not name
FLAGS = ["BP01", "BP02", "BP03"]
PAID = ["best_practice", "not_best_practice", "level_1", "level_2"]
SETTINGS = [
    "", "", "day_case", "ordinary_elective", "non_elective", "elective", "stay_0", "stay_over_0",
    "outpatient_procedure",
]  # fmt: skip
PLAIN_SETTINGS = ["day_case", "ordinary_elective", "non_elective"]
PAYMENTS = [f"{area[0]}{number}" for area in AREAS for number in (1, 2)]  # each of one area
SERVICES = ["1", "6", "S1", "S2"]
PRICES = ["0", "120", "333.33", "999.99", "2500"]
RATES = ["", "0", "7.54", "32.7058058949318", "89.0123456789012", "100"]
DIAGNOSES = ["A010", "A011", "B20", "C500", "I10X", "D50", "E100"]
PROCEDURES = ["A011", "B011", "C011", "Y751", "Z94"]
PROVIDERS = ["R1A", "R1B"]
EXTRA_FIELDS = [
    "best_practice_flags", "best_practice_met", "best_practice_payments", "specialised_services",
    "commissioning_serial_number", "administrative_category", "ready_for_discharge_date",
    "home_leave_days",
]  # fmt: skip
KINDS = ["critical_care", "rehabilitation", "palliative_care"]


def some(rng: Random, values: Sequence[str], most: int | None = None) -> list[str]:
    """A random part of some values, in their order."""
    count = rng.randint(0, min(len(values), most or len(values)))
    return [values[i] for i in sorted(rng.sample(range(len(values)), count))]


# ---------------------------------------------------------------- packs


def extras(rng: Random, hrgs: Sequence[str]) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Settings of a tariff pack, and its tables, for some HRGs."""
    settings: dict[str, Any] = {}
    tables: dict[str, Rows] = {}
    if rng.random() < 0.8:
        areas = [_area(rng, name) for name in AREAS if rng.random() < 0.9]
        settings["best_practice_areas"] = areas
        tables["best_practice_prices"] = _prices(rng, hrgs)
        if rng.random() < 0.8:
            tables["best_practice_hrgs"] = [
                {"hrg": hrg, "level": "HRG", "settings": " ".join(some(rng, PLAIN_SETTINGS))}
                for hrg in hrgs
                if rng.random() < 0.5
            ]
        if rng.random() < 0.8:
            tables["best_practice_flags"] = [_flag(rng, n) for n in range(rng.randint(1, 6))]
            tables["best_practice_codes"] = _lists(rng, hrgs)
            settings["best_practice_list_readings"] = rng.choice([{}, {"L9_ICD": Code("L1_ICD")}])
    if rng.random() < 0.8:
        settings["top_up_rule"] = rng.choice([None, _top_up_rule(rng)])
        tables["top_ups"] = [
            {"service": s, "name": s, "rate": rng.choice(RATES)} for s in SERVICES[:3]
        ]
        if rng.random() < 0.5:
            tables["top_up_codes"] = [_trigger(rng) for _ in range(8)]
        if rng.random() < 0.4:
            tables["top_up_providers"] = [
                {"services": " ".join(some(rng, SERVICES) or ["1"]), "provider": p, "name": p}
                for p in PROVIDERS
                if rng.random() < 0.7
            ]
    settings["local_in_admitted_care"] = codes(*some(rng, hrgs, 2)) if rng.random() < 0.2 else []
    return settings | dict.fromkeys(tables, CSV), tables


def delivery(rng: Random, hrg: str) -> dict[str, str]:
    """An HRG that is priced in the table of deliveries."""
    return {
        "hrg": hrg,
        "combined": rng.choice(["", *PRICES]),
        "non_elective": rng.choice(PRICES),
        "elective_trim": rng.choice(["", "5"]),
        "non_elective_trim": rng.choice(["", "1", "7"]),
        "per_day": rng.choice(["", "347"]),
    }


def _area(rng: Random, name: str) -> BestPracticePricing:
    payments = []
    if rng.random() < 0.4:
        payments = [
            BestPracticePayment(
                code=Code(code),
                row=rng.choice(["", f"{name} extra", "Other extra"]),
                hrgs=codes(*some(rng, ["AA", "AB01"], 1)),
            )
            for code in some(rng, PAYMENTS)
            if code[0] == name[0]
        ]
    return BestPracticePricing(
        area=name,
        pays=rng.choice([*PAID, "setting", "nothing"]),
        settings=some(rng, PLAIN_SETTINGS),  # type: ignore[arg-type]
        short_stay=rng.random() < 0.7,
        payments=payments,
        exclusive=rng.random() < 0.3,
    )


def _prices(rng: Random, hrgs: Sequence[str]) -> Rows:
    rows = []
    area_of: dict[tuple[str, str], str] = {}  # the rows of an HRG and flag are of one area
    for _ in range(3 * len(hrgs)):
        hrg, flag = rng.choice(hrgs), rng.choice(["", "", *FLAGS])
        payment = rng.choice([*PAID, *PAID, "price", "additional"])
        rows.append(
            {
                "area": area_of.setdefault((hrg, flag), rng.choice([*AREAS, *AREAS, UNNAMED])),
                "code_type": "hrg",
                "code": hrg,
                "flag": flag,
                "payment": payment,
                "setting": rng.choice(SETTINGS),
                "per": "day" if rng.random() < 0.05 else "",
                "short_stay": "yes" if rng.random() < 0.3 and payment != "additional" else "no",
                "price": rng.choice(PRICES),
            }
        )
    for name in some(rng, [*(f"{area} extra" for area in AREAS), "Other extra"]):
        for area in AREAS[:2]:
            row = {"area": area, "name": name, "payment": "additional", "short_stay": "no"}
            rows.append(row | {"price": rng.choice(PRICES)})
    return rows


def _flag(rng: Random, number: int) -> dict[str, str]:
    diagnoses = some(rng, ["L1_ICD", "L2_ICD", "L9_ICD"], 2)
    return {
        "flag": rng.choice(FLAGS),
        "rule": str(number + 1),
        "name": "",
        "level": "HRG",
        "setting": rng.choice(["APC", "APC", "APC", "OP"]),
        "hrg_lists": " ".join(some(rng, [f"{flag}_HRG" for flag in FLAGS]) or ["BP01_HRG"]),
        "procedure_lists": " ".join(some(rng, ["L1_OPCS", "L2_OPCS"], 1)),
        "procedure_position": rng.choice(["", "Any", "Primary"]),
        "secondary_procedures": " ".join(some(rng, ["Y75", "L2_OPCS"], 1)),
        "age_min": rng.choice(["", "", "19"]),
        "age_max": rng.choice(["", "", "130"]),
        "age_unknown": rng.choice(["yes", "no", ""]),
        "admission_methods": " ".join(some(rng, ["21", "2A", "11", "12"])),
        "diagnosis_lists": " ".join(diagnoses),
        "diagnosis_position": " ".join(rng.choice(["Any", "Primary"]) for _ in diagnoses),
    }


def _lists(rng: Random, hrgs: Sequence[str]) -> Rows:
    rows = [
        {"list": f"{flag}_HRG", "classification": "hrg", "code": hrg, "hierarchy": place}
        for flag in FLAGS
        for hrg in hrgs
        if rng.random() < 0.7
        for place in [rng.choice(["", "1", "2", "3"])]
    ]
    for name, kind, pool in (
        ("L1_ICD", "icd10", DIAGNOSES),
        ("L2_ICD", "icd10", DIAGNOSES),
        ("L1_OPCS", "opcs4", PROCEDURES),
        ("L2_OPCS", "opcs4", PROCEDURES),
    ):
        rows += [
            {"list": name, "classification": kind, "code": code}
            for code in some(rng, pool) or pool[:1]
        ]
    return rows


def _top_up_rule(rng: Random) -> TopUpRule:
    return TopUpRule(
        several=rng.choice(["first", "dearest"]),  # type: ignore[arg-type]
        also_on=some(rng, ["long_stay", "best_practice"]),  # type: ignore[arg-type]
        open_services=codes(*some(rng, SERVICES, 1)),
    )


def _trigger(rng: Random) -> dict[str, str]:
    whole = [code for code in DIAGNOSES if len(code) > 3]  # compared with their filler
    kind, pool = rng.choice([("icd10", whole), ("opcs4", PROCEDURES)])
    return {
        "classification": kind,
        "code": rng.choice(pool),
        "service": rng.choice(SERVICES),
        "age": rng.choice(["child", "adult", "any"]),
        "secondary": rng.choice(["", "", "Y75"]),
    }


def exclusions(rng: Random) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Settings of a points-of-delivery pack, and its table of what is excluded."""
    rows = [
        {"of": of, "code": code, "from_year": first, "to_year": last, "evidence": "S"}
        for of, code in (
            ("treatment_function", "560"),
            ("treatment_function", "300"),
            ("administrative_category", "02"),
        )
        if rng.random() < 0.5
        for first in [rng.choice(["", "", "2018/19", "2022/23"])]
        for last in [rng.choice(["", "", "2018/19", "2024/25"])]
    ]
    settings: dict[str, Any] = {"excluded": CSV}
    if rng.random() < 0.7:
        settings["local_price"] = LocalPrice(serial_mark="=")
    return settings, {"excluded": rows}


# ---------------------------------------------------------------- episodes


def extra_fields(rng: Random) -> frozenset[str]:
    """The new columns that an extract has."""
    return frozenset(name for name in EXTRA_FIELDS if rng.random() < 0.6)


def mark_rows(rng: Random, rows: list[Row], fields: frozenset[str]) -> None:
    """Fill in the new columns: mostly what fits, now and then what does not exist."""

    def several(values: Sequence[str]) -> str | None:
        parted = rng.choice([" ", ", ", ";"]).join(some(rng, values, 3))
        return rng.choice([parted.lower(), parted, parted]) or None

    for row in rows:
        discharged = row.get("discharge_date")
        ready = None
        if isinstance(discharged, date) and 1900 < discharged.year < 9000 and rng.random() < 0.5:
            ready = discharged - timedelta(days=rng.choice([-1, 0, 1, 2, 40]))
        values: Row = {
            "best_practice_flags": several([*FLAGS, FLAGS[1], "BP77"]),
            "best_practice_met": rng.choice([None, None, "Y", "N", "LEVEL_1", "LEVEL_2", "X"]),
            "best_practice_payments": several([*PAYMENTS, "NONE"]) if rng.random() < 0.5 else None,
            "specialised_services": several(["01", *SERVICES, "XX"])
            if rng.random() < 0.5
            else None,
            "commissioning_serial_number": rng.choice([None, None, "=A1", "A1=", "A1"]),
            "administrative_category": rng.choice(["01", "01", "02", "2", None]),
            "ready_for_discharge_date": ready,
            "home_leave_days": rng.choice([None, 0, 1, 2, -1]),
        }
        row |= {name: value for name, value in values.items() if name in fields}


def random_periods(rng: Random, rows: Sequence[Row]) -> list[Row]:
    """Dated periods of some spells, overlapping and beyond their dates; and of none."""
    out: list[Row] = []
    for row in rows:
        admitted = row.get("admission_date")
        if not isinstance(admitted, date) or not 1990 < admitted.year < 2100:
            continue
        own = row["provider"]
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
            start = admitted + timedelta(days=rng.randint(-2, 6))
            out.append(
                {
                    "provider": rng.choice([own, own, f"{own}00", "ZZZ"]),
                    "spell_id": row["spell_id"],
                    "kind": rng.choice(KINDS),
                    "start_date": start,
                    "end_date": start + timedelta(days=rng.choice([0, 0, 1, 2, 9])),
                }
            )
    return out
