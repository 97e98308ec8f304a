"""Price care that is not admitted: read, price, say what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tariff import schemas
from tariff.engine import price_attendances, price_emergency, price_lines
from tariff.engine.manifest import about_run, edition_entries, inputs_of, pack_entry
from tariff.engine.other_care import OtherCare, records_of, tally
from tariff.engine.other_outcome import OtherPrices, PriceOptions
from tariff.engine.other_table import BILLED, priced_table
from tariff.engine.pass_through import pods_unknown
from tariff.engine.pipeline import check_year
from tariff.engine.price import MffChoice
from tariff.engine.records import Records, copies_aside, repeated
from tariff.errors import UsageError
from tariff.extract import Extract
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.load import load_packs

Price = Callable[[Records, Rulebook, PriceOptions | None], OtherPrices]


@dataclass(frozen=True)
class Dataset:
    """What pricing of a dataset reads, how it prices, and the table it leaves."""

    columns: tuple[str, ...]
    families: tuple[str, ...]
    price: Price
    day: str
    schema: pa.Schema
    key: str


DATASETS = {
    "attendances": Dataset(
        price_attendances.COLUMNS,
        price_attendances.FAMILIES,
        price_attendances.price_attendances,
        price_attendances.DAY,
        schemas.PRICED_ATTENDANCES,
        "attendance_id",
    ),
    "emergency": Dataset(
        price_emergency.COLUMNS,
        price_emergency.FAMILIES,
        price_emergency.price_emergency,
        price_emergency.DAY,
        schemas.PRICED_EMERGENCY,
        "attendance_id",
    ),
    "lines": Dataset(
        price_lines.COLUMNS,
        price_lines.FAMILIES,
        price_lines.price_lines,
        price_lines.DAY,
        schemas.PRICED_LINES,
        "line_id",
    ),
}


def price_records(
    extract: Extract,
    options: PriceOptions | None = None,
    *,
    packs: tuple[Path, ...] = (),
    rulebook: Rulebook | None = None,
) -> OtherCare:
    """Price the records of an extract. Raises `TariffError` for what a user can mend."""
    started = datetime.now(UTC)
    options = options or PriceOptions()
    check_year(options.year)
    check_year(options.mff.year)
    dataset = dataset_of(extract)
    rulebook = rulebook or rulebook_of(load_packs(packs), options.editions)
    check_factor_year(options.mff, rulebook)
    records = records_of(extract, (*dataset.columns, *BILLED), dataset.families)
    out = dataset.price(records, rulebook, options)
    keys = ("provider", dataset.key)
    table, copies, sharing = copies_aside(priced_table(records, out, dataset.schema, keys), keys)
    manifest = {
        **about_run(started),
        "dataset": extract.dataset,
        "options": {
            "packs": [path.name for path in packs],
            "year": options.year,
            "mff": None if options.mff.factor is None else options.mff.factor / schemas.MFF_UNIT,
            "mff_year": options.mff.year,
            **edition_entries(options.editions),
        },
        "inputs": inputs_of(extract),
        "packs": [pack_entry(pack) for _, pack in sorted(out.used.items())],
        "counts": {
            "rows_read": extract.rows_read,
            "rows_rejected": extract.rows_rejected,
            "records": table.num_rows,
            "copies_set_aside": copies,
            "sharing_a_key": sharing,
            "complete": int(out.complete.sum()),
        },
        "outcomes": tally(table, "outcome"),
        "points_of_delivery": tally(table, "point_of_delivery"),
        "years": tally(table, "tariff_year"),
        "money": {
            name: int(pc.sum(table[f"{name}_pence"]).as_py() or 0)
            for name in ("billed", "pre_mff", "total")
        },
        "notices": [
            *rulebook.packs.notices,
            *extract.notices,
            *repeated(dataset.key, copies, sharing),
            *pods_unknown(records, out),
            *_notices(extract, dataset, table),
        ],
    }
    return OtherCare(extract.dataset, table, extract.rejects, manifest)


def dataset_of(extract: Extract) -> Dataset:
    """Give how the records of an extract are priced; UsageError where they have no price."""
    if extract.dataset not in DATASETS:
        hint = f"those of {', '.join(DATASETS)} and episodes are priced"
        if extract.dataset == "critical_care":
            hint = "critical care is priced locally and billed as lines; price the lines"
        raise UsageError(f"records of {extract.dataset} have no price of their own", hint=hint)
    return DATASETS[extract.dataset]


def check_factor_year(choice: MffChoice, rulebook: Rulebook) -> None:
    """Raise where --mff-year names a year of which no factors are held."""
    if choice.year is not None and choice.year not in rulebook.mff.years:
        raise UsageError(
            f"no market forces factors of {choice.year} are held",
            hint=f"held: {', '.join(rulebook.mff.years)}",
        )


def _notices(extract: Extract, dataset: Dataset, table: pa.Table) -> list[str]:
    """What a reader should know."""
    notices = []
    if "attended" not in extract.fields and extract.dataset == "attendances":
        notices.append(
            "The extract carries no attended: every appointment was taken to have been kept."
        )
    if "billed_hrg" not in extract.fields and extract.dataset == "emergency":
        notices.append("The extract carries no billed_hrg, which is the HRG that is priced.")
    counts = _reason_counts(table)
    held = ("no_year", "tariff_not_held")
    if counts.get("no_year"):
        notices.append(
            f"Without {dataset.day} the tariff year is not known: {counts['no_year']:,} records. "
            "Give it with --year, for example --year 2022/23."
        )
    if counts.get("tariff_not_held"):
        notices.append(
            f"No prices of their year are held for {counts['tariff_not_held']:,} records."
        )
    told = [f"{name} {n:,}" for name, n in counts.items() if name not in held]
    if told:
        notices.append(f"Records by what was said of their price: {', '.join(told)}.")
    return notices


def _reason_counts(table: pa.Table) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reasons, number in tally(table, "price_reasons").items():
        for name in reasons.split():
            counts[name] = counts.get(name, 0) + number
    return dict(sorted(counts.items()))
