"""Group care that is not admitted: read, group, say what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from tariff.engine import group_attendances, group_critical_care, group_emergency
from tariff.engine.group_outcome import Outcome
from tariff.engine.manifest import about_run, inputs_of, pack_entry
from tariff.engine.other_care import OtherCare, records_of, tally
from tariff.engine.pipeline import check_year
from tariff.engine.records import Records
from tariff.errors import UsageError
from tariff.extract import Extract
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.load import load_packs


@dataclass(frozen=True)
class Dataset:
    """What grouping of a dataset reads, and how it groups."""

    columns: tuple[str, ...]
    families: tuple[str, ...]
    group: Callable[[Records, Rulebook, str | None], Outcome]
    day: str  # the date that chooses packs


DATASETS = {
    "attendances": Dataset(
        group_attendances.COLUMNS, ("oper",), group_attendances.group_attendances, "attendance_date"
    ),
    "emergency": Dataset(
        group_emergency.COLUMNS,
        group_emergency.FAMILIES,
        group_emergency.group_emergency,
        "arrival_date",
    ),
    "critical_care": Dataset(
        group_critical_care.COLUMNS, (), group_critical_care.group_critical_care, "start_date"
    ),
}


def group_records(
    extract: Extract,
    *,
    packs: tuple[Path, ...] = (),
    year: str | None = None,
    rulebook: Rulebook | None = None,
) -> OtherCare:
    """Group the records of an extract. Raises `TariffError` for what a user can mend."""
    started = datetime.now(UTC)
    check_year(year)
    if extract.dataset not in DATASETS:
        raise UsageError(
            f"records of {extract.dataset} cannot be grouped by themselves",
            hint=f"those of {', '.join(DATASETS)} can",
        )
    rulebook = rulebook or rulebook_of(load_packs(packs))
    dataset = DATASETS[extract.dataset]
    records = records_of(extract, dataset.columns, dataset.families)
    outcome = dataset.group(records, rulebook, year)
    notices = [*rulebook.packs.notices, *extract.notices]
    if dataset.day not in extract.fields and year is None:
        notices.append(f"The extract carries no {dataset.day}: the newest packs were used.")
    manifest = {
        **about_run(started),
        "dataset": extract.dataset,
        "options": {"packs": [path.name for path in packs], "year": year},
        "inputs": inputs_of(extract),
        "packs": [pack_entry(pack) for pack in outcome.packs],
        "counts": {
            "rows_read": extract.rows_read,
            "rows_rejected": extract.rows_rejected,
            **counts(outcome.table),
        },
        "errors_by_category": tally(outcome.table, "error_category"),
        "unmapped": tally(outcome.table, "group_reason"),
        "hrgs": tally(outcome.table, "hrg"),
        "notices": [*notices, *outcome.notices],
    }
    return OtherCare(extract.dataset, outcome.table, extract.rejects, manifest)


def counts(table: pa.Table) -> dict[str, int]:
    """Count the records: grouped, in error, without an HRG."""
    with_hrg = table.num_rows - table["hrg"].null_count
    in_error = sum(tally(table, "error_category").values())
    return {
        "records": table.num_rows,
        "grouped": with_hrg - in_error,
        "in_error": in_error,
        "not_grouped": table.num_rows - with_hrg,
    }
