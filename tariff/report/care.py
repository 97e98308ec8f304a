"""Care of every kind in a run, by what a report breaks it down by: provider, kind, month, money.

Spells are one table of a run and other care is one of each kind; a page counts them together.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tariff.report import text

# kind: its number, its last day where it is known and else its first
KINDS = {
    "spells": ("spell_id", "discharge_date", "discharge_date"),
    "attendances": ("attendance_id", "attendance_date", "attendance_date"),
    "emergency": ("attendance_id", "arrival_date", "arrival_date"),
    "critical_care": ("period_id", "end_date", "start_date"),
    "lines": ("line_id", "end_date", "start_date"),
}
SHOWN = ("start_date", "priced_hrg", "hrg", "tariff_code", "allowed_pence")  # of one record
OWN_GROUPS = ("spells", "lines")  # these carry points of delivery; the others stand as one each
COLUMNS = ("provider", "activity_month", "point_of_delivery", "billed_pence")


def tables(run: Any) -> dict[str, pa.Table]:
    """The tables of a run by kind, those with records."""
    held = {"spells": run.spells, **getattr(run, "others", {})}
    return {kind: held[kind] for kind in KINDS if kind in held and held[kind].num_rows}


def columns_of(kind: str) -> list[str]:
    """The columns that a report reads of a kind of care."""
    return list(dict.fromkeys([*COLUMNS, *KINDS[kind], *SHOWN]))


def counted(run: Any) -> dict[str, int]:
    """How many records of each kind were read: by the manifest, else by the tables."""
    told = run.manifest.get("kinds", {})
    found = {kind: int(told[kind]["records"]) for kind in KINDS if kind in told}
    if found:
        return {kind: count for kind, count in found.items() if count}
    spells = int(run.manifest.get("counts", {}).get("spells") or run.spells.num_rows)
    return {"spells": spells} if spells else {}


def words(counts: dict[str, int]) -> str:
    """`4,171 spells, 26,992 outpatient attendances and 30 billed lines`."""
    parts = [text.counted(count, *text.KIND[kind]) for kind, count in counts.items()]
    return text.sentence_list(parts) or text.counted(0, "spell")


def providers(run: Any) -> pa.ChunkedArray:
    """The provider of every record."""
    return _together([table.column("provider") for table in tables(run).values()])


def billed(run: Any) -> pa.ChunkedArray:
    """What every record was billed, in pence."""
    return _together([table.column("billed_pence") for table in tables(run).values()], pa.int64())


def groups(run: Any) -> pa.ChunkedArray:
    """The point of delivery of every spell and line; of other care its kind."""
    return _together([_group(kind, table) for kind, table in tables(run).items()])


def groups_of_findings(findings: pa.Table) -> pa.ChunkedArray:
    """The same of findings, by their first record."""
    stated = findings.column("point_of_delivery")
    first = pc.list_element(_padded(findings.column("records")), 0)
    for kind in KINDS:
        if kind not in OWN_GROUPS:
            mine = pc.starts_with(first, f"{text.RECORD[kind]}:")
            stated = pc.if_else(mine, pa.scalar(kind, pa.string()), stated)
    return stated


def months(run: Any) -> tuple[pa.ChunkedArray, bool]:
    """The month of every record, and whether any was stated: else the month care ended in."""
    held = tables(run)
    stated = any(
        _column(table, "activity_month", pa.string()).null_count < table.num_rows
        for table in held.values()
    )
    return _together([_month(kind, table) for kind, table in held.items()]), stated


def months_of_findings(run: Any, findings: pa.Table) -> pa.ChunkedArray:
    """The month of each finding: its own, else that of its last record."""
    own = findings.column("activity_month")
    if not own.null_count:
        return own
    last = [keys[-1] if keys else "" for keys in findings.column("records").to_pylist()]
    found: dict[str, str | None] = {}
    for kind, table in tables(run).items():
        wanted = [key for key in last if key.startswith(f"{text.RECORD[kind]}:")]
        if wanted:
            keys = keys_of(kind, table)
            part = pc.is_in(keys, value_set=pa.array(wanted, pa.string()))
            months_of = _month(kind, table).filter(part).to_pylist()
            found.update(zip(keys.filter(part).to_pylist(), months_of, strict=True))
    return pc.coalesce(own, pa.chunked_array([[found.get(key) for key in last]], pa.string()))


def keys_of(kind: str, table: pa.Table) -> pa.ChunkedArray:
    """The keys of records as findings name them: kind, provider and number."""
    number = table.column(KINDS[kind][0])
    return pc.binary_join_element_wise(text.RECORD[kind], table.column("provider"), number, ":")


def days(run: Any) -> tuple[str, str]:
    """The first and the last day on which care ended, of every kind; empty where none is known."""
    first, last = [], []
    for kind, table in tables(run).items():
        found = pc.min_max(_last_day(kind, table)).as_py()
        if found["min"] is not None:
            first.append(found["min"])
            last.append(found["max"])
    return (min(first).isoformat(), max(last).isoformat()) if first else ("", "")


def month_of(dates: pa.ChunkedArray) -> pa.ChunkedArray:
    """`YYYY-MM` of a date column: the number of the month first, text for few values only."""
    numbers = pc.add(pc.multiply(pc.year(dates), 12), pc.subtract(pc.month(dates), 1))
    coded = pc.dictionary_encode(numbers.combine_chunks())
    names = [f"{value // 12:04d}-{value % 12 + 1:02d}" for value in coded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(names, pa.string()).take(coded.indices)])


def _group(kind: str, table: pa.Table) -> pa.ChunkedArray:
    if kind in OWN_GROUPS:
        return _column(table, "point_of_delivery", pa.string())
    return pa.chunked_array([pa.repeat(pa.scalar(kind, pa.string()), table.num_rows)])


def _month(kind: str, table: pa.Table) -> pa.ChunkedArray:
    ended = _last_day(kind, table)
    stated = _column(table, "activity_month", pa.string())
    return stated if ended.null_count == len(ended) else pc.coalesce(stated, month_of(ended))


def _last_day(kind: str, table: pa.Table) -> pa.ChunkedArray:
    _, last, first = KINDS[kind]
    return pc.coalesce(_column(table, last, pa.date32()), _column(table, first, pa.date32()))


def _column(table: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    if name in table.column_names:
        return table.column(name)
    return pa.chunked_array([pa.nulls(table.num_rows, kind)])


def _together(parts: list[pa.ChunkedArray], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    chunks = [chunk for part in parts for chunk in part.cast(kind or pa.string()).chunks]
    return pa.chunked_array(chunks, kind or pa.string())


def _padded(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists that have a first element: an empty one gets a missing."""
    return pa.chunked_array([[keys or [None] for keys in lists.to_pylist()]], pa.list_(pa.string()))
