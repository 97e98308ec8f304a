"""The fields that records of every kind have, as docs/signatures.md lists them.

Dates are days since 1970-01-01, money is pence, factors are in units of 1e-9, missing is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from tariff.packs.model import Chapter
from tariff.reference.factors import Factors
from tariff.reference.spells import Billed
from tariff.reference.values import EPOCH, Episode, Value, days_since_epoch, family
from tariff.reference.world import RecordValue

Fields = dict[str, RecordValue]

MINUTES = 24 * 60
KEY = {
    "spells": "spell_id",
    "attendances": "attendance_id",
    "emergency": "attendance_id",
    "critical_care": "period_id",
    "lines": "line_id",
}
FIRST_DAY = {
    "spells": "admission_date",
    "attendances": "attendance_date",
    "emergency": "arrival_date",
    "critical_care": "start_date",
    "lines": "start_date",
}
LAST_DAY = {
    "spells": "discharge_date",
    "attendances": "attendance_date",
    "emergency": "departure_date",
    "critical_care": "end_date",
    "lines": "end_date",
}
NO_LAST_DAY_IS_THE_FIRST = ("emergency", "critical_care", "lines")
TIMES = {
    "spells": ("admission_time", "discharge_time"),
    "attendances": ("attendance_time", "attendance_time"),
    "emergency": ("arrival_time", "departure_time"),
    "critical_care": ("start_time", "end_time"),
}
MONTH = re.compile(r"(?!0000)\d{4}-(0[1-9]|1[0-2])")
SIDES = ("Z941", "Z942", "Z943")
BODIES = 3  # characters of a provider's code that name the trust


# ---------------------------------------------------------------- plain values


def plain(value: Value) -> RecordValue:
    """Return a value as records hold it: a date as its number, a blank as missing."""
    if isinstance(value, date):
        return days_since_epoch(value)
    return None if value == "" else value


def chapter_of(chapters: Iterable[Chapter], diagnosis: RecordValue) -> str | None:
    """Return the ICD-10 chapter of a code, by its first three characters."""
    if not isinstance(diagnosis, str):
        return None
    category = diagnosis[:3]
    for chapter in chapters:
        if chapter.from_ <= category <= chapter.to:
            return chapter.chapter
    return None


def root_of(hrg: str | None) -> str | None:
    """Return the root of an HRG: its first four characters."""
    return None if hrg is None else hrg[:4]


def month_end(month: str | None) -> int | None:
    """Return the last day of a month YYYY-MM; None of what is none."""
    if month is None or not MONTH.fullmatch(month):
        return None
    year, number = int(month[:4]), int(month[5:7])
    following = date(year + number // 12, number % 12 + 1, 1)
    return days_since_epoch(following - timedelta(days=1))


def day_of(number: RecordValue) -> date | None:
    """Return a day from its number."""
    return EPOCH + timedelta(days=number) if isinstance(number, int) else None


# ---------------------------------------------------------------- on every kind


def common(kind: str, record: Mapping[str, RecordValue], factors: Factors) -> Fields:
    """Return what every kind has beside its canonical columns, but for prices."""
    first, own_last = record.get(FIRST_DAY[kind]), record.get(LAST_DAY[kind])
    times = [record.get(name) for name in TIMES[kind]] if kind in TIMES else [None, None]
    start_at, end_at = minutes(first, times[0]), minutes(own_last, times[1])
    last = first if own_last is None and kind in NO_LAST_DAY_IS_THE_FIRST else own_last
    return {
        "kind": kind,
        "record_id": record.get(KEY[kind]),
        "start_date": first,
        "end_date": last,
        "start_at": start_at,
        "end_at": end_at,
        "stay_minutes": None if start_at is None or end_at is None else end_at - start_at,
        "trust": trust_of(factors, record.get("provider"), day_of(last)),
    }


def minutes(day: RecordValue, time: RecordValue) -> int | None:
    """Return a day with its time, in minutes."""
    if not isinstance(day, int) or not isinstance(time, int):
        return None
    return day * MINUTES + time


def trust_of(factors: Factors, provider: RecordValue, when: date | None) -> str | None:
    """Return the body that a provider was a part of on a day, by its first three characters."""
    if not isinstance(provider, str):
        return None
    chain = [provider[:BODIES]]
    while when is not None and chain[-1] in factors.mergers:
        successor, since = factors.mergers[chain[-1]]
        if when < since or successor[:BODIES] in chain:
            break
        chain.append(successor[:BODIES])
    return chain[-1]


def billed_fields(billed: Billed) -> Fields:
    """Return what was billed."""
    return {
        "billed_hrg": billed.hrg,
        "billed_point_of_delivery": billed.point_of_delivery,
        "billed_price": billed.price,
        "billed_mff": billed.mff,
        "billed_mff_amount": billed.mff_amount,
        "billed_excess_days": billed.excess_days,
        "billed_total": billed.total,
        "billed": billed.pence,
        "billed_product": billed.product,
        "billed_factor": billed.factor,
        "activity_month": billed.activity_month,
        "activity_month_end": month_end(billed.activity_month),
        "statement": billed.statement,
    }


# ---------------------------------------------------------------- codes


def each_once(codes: Iterable[str | None]) -> tuple[str, ...]:
    """Return the codes that are there, each once, in their order."""
    return tuple(dict.fromkeys(code for code in codes if code is not None))


def diagnosis_fields(parts: Iterable[Episode], chapters: Iterable[Chapter]) -> Fields:
    """Return what the diagnoses of the episodes, or of the one attendance, tell."""
    parts = list(parts)
    every = [code for part in parts for code in family(part, "diag")]
    secondary = [code for part in parts for code in family(_but_first(part, "diag_01"), "diag")]
    primary = plain(parts[0].get("diag_01"))
    return {
        "primary_diagnosis": primary,
        "diagnosis_chapter": chapter_of(chapters, primary),
        "diagnosis_count": len(every),
        "any_diagnosis": each_once(every),
        "secondary_diagnosis": each_once(secondary),
        "any_diagnosis_category": each_once(code[:3] for code in every),
    }


def procedure_fields(parts: Iterable[Episode]) -> Fields:
    """Return what the procedures tell."""
    parts = list(parts)
    every = [code for part in parts for code in family(part, "oper")]
    secondary = [code for part in parts for code in family(_but_first(part, "oper_01"), "oper")]
    return {
        "primary_procedure": next(iter(family(parts[0], "oper")), None),
        "procedure_count": len(every),
        "laterality": next((code for code in every if code in SIDES), None),
        "any_procedure": each_once(every),
        "secondary_procedure": each_once(secondary),
        "any_procedure_category": each_once(code[:3] for code in every if code[0] not in "YZ"),
    }


def _but_first(part: Episode, column: str) -> Episode:
    return {name: value for name, value in part.items() if name != column}
