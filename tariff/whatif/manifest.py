"""What a comparison did: its manifest and its notices."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.manifest import about_run, inputs_of, pack_entry
from tariff.extract import Extract
from tariff.report.text import counted
from tariff.schemas import MFF_UNIT
from tariff.whatif.effects import EFFECTS
from tariff.whatif.levels import like_for_like
from tariff.whatif.sides import Side

if TYPE_CHECKING:
    from tariff.whatif.run import Options, Priced


def manifest_of(
    extract: Extract,
    options: Options,
    both: tuple[Side, Side],
    priced: list[Priced],
    compared: tuple[pa.Table, pa.Table],
    started: datetime,
) -> dict[str, Any]:
    """Give the manifest. `compared` are the sums by level and the records."""
    levels, records = compared
    whole = levels.slice(0, 1).to_pylist()[0]
    factor = options.mff.factor
    return {
        **about_run(started),
        "dataset": extract.dataset,
        "options": {
            "packs": [path.name for path in options.packs],
            "year": options.year,
            "mff": None if factor is None else factor / MFF_UNIT,
            "mff_year": options.mff.year,
            "editions": dict(options.editions.by_year),
            "tariffs": list(options.editions.packs),
            "price_at": options.price_at,
            "delayed_discharge": options.terms.delayed_discharge,
            "rounding": options.terms.rounding,
            "periods": [path.name for path in options.periods],
            "contracts": [Path(contract).name for contract in options.contracts],
        },
        "inputs": inputs_of(extract),
        "sides": {
            letter: {
                "asked": each.asked,
                "label": each.label,
                "year": each.year,
                "delayed_discharge": each.terms.delayed_discharge,
                "rounding": each.terms.rounding,
                "contract": each.contract,
                "partial": each.is_partial,
                "with_price": _with_price(table),
                "without_complete_price": _reasons(table),
                "packs": [pack_entry(pack) for pack in used],
            }
            for letter, each, (table, used) in zip("ab", both, priced, strict=True)
        },
        "counts": {
            "rows_read": extract.rows_read,
            "rows_rejected": extract.rows_rejected,
            **{name: whole[name] for name in ("records", "in_both", "in_a_only", "in_b_only")},
            "in_neither": whole["in_neither"],
        },
        "money": {
            name: whole[f"{name}_pence"] for name in ("total_a", "total_b", "difference", *EFFECTS)
        },
        "like_for_like": like_for_like(records),
        "notices": _notices(extract, both, priced),
    }


def _with_price(table: pa.Table) -> int:
    """How many records have money: those for which nothing is due have not."""
    return int(pc.sum(pc.not_equal(table["total_pence"], 0), min_count=0).as_py())


def _reasons(table: pa.Table) -> dict[str, int]:
    """How many of the records without a complete price have each reason, most first."""
    short = table.filter(pc.invert(table["complete"]))
    counts = Counter(
        reason for text in short["price_reasons"].to_pylist() for reason in (text or "").split()
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _notices(extract: Extract, both: tuple[Side, Side], priced: list[Priced]) -> list[str]:
    notices = list(extract.notices)
    for name, each, (table, _) in zip("AB", both, priced, strict=True):
        notices += each.rulebook.packs.notices
        if each.is_partial:
            notices.append(
                f"The list of {name} is partial: it holds some prices of {each.year} only."
            )
        short = int(pc.sum(pc.invert(table["complete"])).as_py() or 0)
        if short:
            told = ", ".join(f"{reason} {count:,}" for reason, count in _reasons(table).items())
            notices.append(
                f"{name}: {counted(short, 'record')} without a complete price "
                f"({told}); what is known of it counts where it has a total."
            )
    return list(dict.fromkeys(notices))
