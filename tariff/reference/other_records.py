"""The records of care that is not admitted: attendances, emergency, critical care and lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from tariff.extract.fields import field_of, in_order
from tariff.reference.attendances import attendance_hrg, group_attendance
from tariff.reference.critical_care import group_period
from tariff.reference.emergency import group_emergency_attendance
from tariff.reference.facts import (
    KEY,
    Fields,
    billed_fields,
    common,
    day_of,
    diagnosis_fields,
    each_once,
    plain,
    procedure_fields,
    root_of,
)
from tariff.reference.other_price import NOT_KNOWN, OtherPrice
from tariff.reference.price import PriceOptions, year_of
from tariff.reference.price_other import price_attendance, price_emergency
from tariff.reference.price_other_lines import price_line
from tariff.reference.record_tables import RecordTables, day_or_year
from tariff.reference.spells import Billed, billed
from tariff.reference.tables import choose_by_date
from tariff.reference.values import Value, day, family, number, read, text
from tariff.reference.world import Record

Row = Mapping[str, Value]
# fields of several values of which a record that is no spell has one at most
ONE_OF_SEVERAL = {
    "any_administrative_category": "administrative_category",
    "any_treatment_function": "treatment_function",
}
OTHER_YEAR = {"mff_of_other_year", "mff_of_successor"}


def other_records(
    tables: RecordTables, kind: str, rows: Iterable[Row], options: PriceOptions | None = None
) -> list[Record]:
    """Return a record of each row, by provider and number; exact copies are set aside."""
    rows, options = list(rows), options or PriceOptions()
    fields = frozenset(column for row in rows for column in row)
    return [
        {**_RECORDS[kind](tables, row, fields, options), "duplicate_rows": seen - 1}
        for row, seen in in_record_order(rows, kind)
    ]


def in_record_order(rows: Iterable[Row], kind: str) -> list[tuple[dict[str, Value], int]]:
    """Return each row once, with how often it is there, in the order of the records."""
    rows = list(rows)
    columns = in_order({column for row in rows for column in row}, kind)
    counts: dict[tuple[Value, ...], int] = {}
    for row in rows:
        content = tuple(read(row, column) for column in columns)
        counts[content] = counts.get(content, 0) + 1
    kept = [(dict(zip(columns, content, strict=True)), seen) for content, seen in counts.items()]
    return sorted(kept, key=lambda found: _order(found[0], kind, columns))


def _order(row: Row, kind: str, columns: list[str]) -> tuple[object, ...]:
    """Order by provider and number; records that share theirs by their columns, missing first."""
    content = tuple(
        (0, 0) if (value := read(row, column)) is None else (1, value) for column in columns
    )
    return (str(row["provider"]), str(row[KEY[kind]]), content)


# ---------------------------------------------------------------- what all of them have


def _record(
    tables: RecordTables,
    kind: str,
    row: Row,
    options: PriceOptions,
    hrg: str | None,
    price: OtherPrice | None,
) -> Fields:
    canonical: Fields = {name: plain(value) for name, value in row.items()}
    shared = common(kind, canonical, tables.factors)
    bill: Billed = billed([row], [0])
    priced = bill.hrg or (price.priced_hrg if price is not None else None) or hrg
    return {
        **canonical,
        **shared,
        **billed_fields(bill),
        "hrg": hrg,
        "hrg_root": root_of(hrg),
        "priced_hrg": priced,
        "priced_root": root_of(priced),
        "tariff_year": _year(day_of(shared["end_date"]), options),
        **_price_fields(price),
        **{
            name: each_once([text(row, column)])
            for name, column in ONE_OF_SEVERAL.items()
            if field_of(column, kind) is not None
        },
    }


def _year(when: date | None, options: PriceOptions) -> str | None:
    return options.year if when is None else year_of(when)


def _price_fields(price: OtherPrice | None) -> Fields:
    """Return what pricing says; what rests on a price that is not complete is missing."""
    if price is None:
        return {}
    reasons = set((price.price_reasons or "").split())
    incomplete = reasons & set(NOT_KNOWN)
    return {
        "price_outcome": price.outcome,
        "base": price.base_pence,
        "pre_mff": price.pre_mff_pence if incomplete <= {"mff_unknown"} else None,
        "mff": price.mff,
        "total": None if incomplete or reasons & OTHER_YEAR else price.total_pence,
        "tariff_year": price.tariff_year,
    }


# ---------------------------------------------------------------- each kind


def _attendance(
    tables: RecordTables, row: Row, fields: frozenset[str], options: PriceOptions
) -> Fields:
    when = day_or_year(day(row, "attendance_date"), options)
    grouper = tables.grouper(when, options)
    own = choose_by_date(tables.attendances, when)
    price = None if tables.other is None else price_attendance(tables.other, row, options, fields)
    hrg = group_attendance(grouper, own, row, fields).hrg
    return {
        **_record(tables, "attendances", row, options, hrg, price),
        **diagnosis_fields([row], tables.chapters),
        **procedure_fields([row]),
        "attendance_hrg": attendance_hrg(grouper, own, row, fields),
        "any_unbundled": each_once(code.split("*")[0] for code in family(row, "unbundled")),
    }


def _emergency(
    tables: RecordTables, row: Row, fields: frozenset[str], options: PriceOptions
) -> Fields:
    when = day_or_year(day(row, "arrival_date"), options)
    own = choose_by_date(tables.emergency, when)
    price = None if tables.other is None else price_emergency(tables.other, row, options)
    hrg = group_emergency_attendance(own, row, fields).hrg
    return {
        **_record(tables, "emergency", row, options, hrg, price),
        **diagnosis_fields([row], tables.chapters),
        "any_investigation": each_once(family(row, "investigation")),
        "any_treatment": each_once(family(row, "treatment")),
    }


def _critical_care(
    tables: RecordTables, row: Row, fields: frozenset[str], options: PriceOptions
) -> Fields:
    when = day_or_year(day(row, "start_date"), options)
    period = group_period(choose_by_date(tables.critical_care, when), row, fields)
    first, last = day(row, "start_date"), day(row, "end_date")
    return {
        **_record(tables, "critical_care", row, options, period.hrg, None),
        "period_days": None if first is None or last is None else (last - first).days + 1,
    }


def _line(tables: RecordTables, row: Row, fields: frozenset[str], options: PriceOptions) -> Fields:
    price = None if tables.other is None else price_line(tables.other, row, options, fields)
    quantity, unit = number(row, "quantity"), number(row, "unit_price")
    code = text(row, "tariff_code")
    listed = {} if price is None else {
        name: getattr(price, name)
        for name in ("listed_as", "listed_group", "listed_commissioner", "fixed_element")
    }  # fmt: skip
    return {
        **_record(tables, "lines", row, options, None, price),
        "priced_hrg": code,
        "priced_root": root_of(code),
        "amount": None if quantity is None or unit is None else quantity * unit,
        **listed,
    }


_RECORDS: dict[str, Callable[[RecordTables, Row, frozenset[str], PriceOptions], Fields]] = {
    "attendances": _attendance,
    "emergency": _emergency,
    "critical_care": _critical_care,
    "lines": _line,
}
