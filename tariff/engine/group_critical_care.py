"""Group periods of critical care, docs/grouping-other-care.md: each row by itself."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.group_outcome import Outcome, joined_names, pack_of
from tariff.engine.records import Records, in_full_order
from tariff.engine.words import Words, per_value
from tariff.extract.fields import DATASETS
from tariff.packs.compile import Rulebook
from tariff.packs.grouping import NULL32
from tariff.packs.model import CriticalCareGroupsPack
from tariff.schemas import CRITICAL_CARE

COUNTS = tuple(field.name for field in DATASETS["critical_care"] if field.type == "integer")
COLUMNS = (
    "provider", "period_id", "spell_id", "start_date", "end_date", "unit_function", "billed_hrg",
    *COUNTS,
)  # fmt: skip
LEVELS = ("level_2_days", "level_3_days")
RESPIRATORY = ("basic_respiratory_days", "advanced_respiratory_days")
UNUSABLE = -1  # critical care days of a period whose dates cannot be used
WARNED = "F"

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]


def group_critical_care(records: Records, rulebook: Rulebook, year: str | None) -> Outcome:
    """Group every period. `year` serves those without a date."""
    parts: dict[str, list[Numbers]] = {}
    for day, rows in records.by_day("start_date", year):
        parts.setdefault(pack_of(rulebook.packs, "critical_care_groups", day).id, []).append(rows)
    words = Words()
    text = {
        name: np.full(records.rows, -1, np.int64)
        for name in ("hrg", "hrg_provenance", "groups", "group_reason")
    }
    organs = np.zeros(records.rows, np.int64)
    used, absent = [], set()
    for pack_id, pieces in parts.items():
        rows, pack = np.concatenate(pieces), rulebook.packs.by_id(pack_id)
        manifest = pack.manifest
        assert isinstance(manifest, CriticalCareGroupsPack)
        used.append(pack)
        counted = [name for organ in manifest.organs for name in organ.days]
        absent |= {name for name in counted if name not in records.fields}
        for organ in manifest.organs:
            days = np.zeros(len(rows), bool)
            for name in organ.days:
                days |= records.numbers(name)[rows] > 0
            organs[rows] += days
        top = len(manifest.hrgs) - 1
        hrg = words.ids_of([str(code) for code in manifest.hrgs])[np.minimum(organs[rows], top)]
        reason = _reasons(records, manifest, words)[rows]
        if not any(name in records.fields for name in counted):
            reason = np.where(reason < 0, words.id_of("no_organ_days"), reason)
        hrg[reason >= 0] = -1
        text["hrg"][rows], text["group_reason"][rows] = hrg, reason
        text["hrg_provenance"][rows] = np.where(hrg < 0, -1, words.id_of(manifest.provenance))
        text["groups"][rows] = words.id_of(pack_id)
    days = _days(records)
    warnings = _warnings(records, days)
    order = records.order("period_id")
    columns = {name: words.array(ids[order]) for name, ids in text.items()}
    columns["organs"] = pa.array(organs[order].astype(np.int32), mask=text["hrg"][order] < 0)
    columns["critical_care_days"] = pa.array(days[order].astype(np.int32))
    warned = np.logical_or.reduce(list(warnings.values()))
    columns["warning_flag"] = words.array(np.where(warned, words.id_of(WARNED), -1)[order])
    columns["warnings"] = joined_names(warnings, records.rows).take(pa.array(order))
    for name in ("start_date", "end_date"):
        columns[name] = records.whole(name, order, pa.date32())
    for field in CRITICAL_CARE:
        if field.name not in columns:
            columns[field.name] = records.texts(field.name, order)
    table = pa.table([columns[name] for name in CRITICAL_CARE.names], schema=CRITICAL_CARE)
    outcome = Outcome(in_full_order(table, ("provider", "period_id")), used)
    outcome.notices = _notices(records, outcome.table, organs, text["hrg"] >= 0, absent)
    return outcome


def _reasons(records: Records, manifest: CriticalCareGroupsPack, words: Words) -> Numbers:
    """Say why a period is not grouped as one of adults: by its unit function; -1 where it is."""
    if "unit_function" not in records.fields:
        return np.full(records.rows, -1, np.int64)
    ids, values = records.codes("unit_function")
    reason = np.full(len(values), words.id_of("unit_function_unknown"), np.int64)
    for codes, why in (
        (manifest.adult_units, None),
        (manifest.paediatric_units, "paediatric_needs_days"),
        (manifest.neonatal_units, "neonatal_needs_days"),
    ):
        reason[per_value(values, codes.__contains__)] = words.id_of(why)
    return reason[ids]


def _days(records: Records) -> Numbers:
    """Days of the period, the first and the last included; -1 where the dates are unusable."""
    start, end = (records.numbers(n).astype(np.int64) for n in ("start_date", "end_date"))
    usable = (start != NULL32) & (end != NULL32) & (end >= start)
    return np.where(usable, end - start + 1, UNUSABLE)


def _total(records: Records, names: tuple[str, ...]) -> Numbers | None:
    """Days of some counts together, a missing or negative one as none; None: no such column."""
    held = [records.numbers(name) for name in names if name in records.fields]
    if not held:
        return None
    return sum((np.maximum(days, 0).astype(np.int64) for days in held), np.zeros(1, np.int64))


def _warnings(records: Records, days: Numbers) -> dict[str, Mask]:
    """The four warnings of the national grouper; one whose columns are absent is not given."""
    levels, breathing = _total(records, LEVELS), _total(records, RESPIRATORY)
    usable = days != UNUSABLE
    found: dict[str, Mask] = {"dates_unusable": ~usable}
    if levels is not None:
        found["level_days_above_stay"] = usable & (levels > days)
    if breathing is not None:
        found["respiratory_days_above_stay"] = usable & (breathing > days)
    if levels is not None and breathing is not None:
        found["respiratory_days_above_level_days"] = breathing > levels
    return found


def _notices(
    records: Records, table: pa.Table, organs: Numbers, grouped: Mask, absent: set[str]
) -> list[str]:
    """What a reader should know."""
    notices = []
    if absent:
        listed = ", ".join(name for name in COUNTS if name in absent)
        notices.append(f"Taken as not supported, as the extract does not carry them: {listed}.")
    if "unit_function" not in records.fields:
        notices.append(
            "The extract carries no unit function: every period is taken to be of an adult unit."
        )
    reasons = table["group_reason"].to_numpy(zero_copy_only=False)
    for name, why in (
        ("paediatric_needs_days", "in units of children"),
        ("neonatal_needs_days", "in units of newborn babies"),
        ("unit_function_unknown", "whose unit function is blank or in no list of the pack"),
    ):
        count = int((reasons == name).sum())
        if count:
            why += ", which group by the day" if name.endswith("days") else ""
            notices.append(f"Periods {why}: {count:,}. They are not grouped.")
    most = records.numbers("organ_support_maximum")
    differs = int((grouped & (most != NULL32) & (most != organs)).sum())
    if differs:
        notices.append(
            "Periods whose number of organ systems, counted from days of support, is not the "
            f"maximum that they state: {differs:,}. The HRG is that of the count."
        )
    warned = table.num_rows - table["warning_flag"].null_count
    if warned:
        notices.append(
            f"Periods with a warning (flag F): {warned:,}. Their HRG is given all the same."
        )
    return notices
