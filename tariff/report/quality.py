"""How far the figures can be leaned on: grouping, prices, rejects, packs, inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tariff.report import text
from tariff.report.figures import RunTables, tally


@dataclass(slots=True)
class Line:
    """A counted line: what, in words, how many, and of what whole."""

    key: str
    label: str
    count: int
    whole: int
    second: int | None = None  # a second count, e.g. spells beside episodes


@dataclass(slots=True)
class RejectLine:
    """Rejected rows of one column and reason."""

    column: str
    reason: str
    rows: int
    billed: int


@dataclass(slots=True)
class Quality:
    """Everything the quality sections show."""

    counts: dict[str, int]
    errors: list[Line]
    unmapped: list[Line]
    provenance: list[Line]
    priced: int
    incomplete: int
    price_reasons: list[Line]
    rejects: list[RejectLine]
    reject_rows: int
    years: list[tuple[str, int]]


def quality(run: RunTables) -> Quality:
    """Read the quality figures from the manifest, and from the spells where it has none."""
    manifest, spells = run.manifest, run.spells
    counts = {key: int(value or 0) for key, value in manifest.get("counts", {}).items()}
    number_of_spells = counts.get("spells", spells.num_rows)
    priced = spells.filter(pc.is_valid(spells.column("priced_hrg")))
    complete = int(pc.sum(spells.column("complete")).as_py() or 0)
    return Quality(
        counts=counts,
        errors=_errors(run, counts.get("episodes", 0)),
        unmapped=[
            Line(str(key), str(key).replace("_", " "), int(count), number_of_spells)
            for key, count in sorted(
                manifest.get("unmapped", {}).items(), key=lambda item: (-item[1], item[0])
            )
        ],
        provenance=[
            Line(key, key, count, spells.num_rows)
            for key, count in tally(spells.column("hrg_provenance"), "none").items()
        ],
        priced=counts.get("spells_priced", priced.num_rows),
        incomplete=counts.get("spells_incomplete", spells.num_rows - complete),
        price_reasons=_price_reasons(spells),
        rejects=_rejects(run.rejects),
        reject_rows=counts.get("rows_rejected", run.rejects.num_rows),
        years=[
            (str(key), int(value))
            for key, value in manifest.get("period", {}).get("years", {}).items()
        ],
    )


def _errors(run: RunTables, episodes: int) -> list[Line]:
    in_spells = tally(run.spells.column("error_category"), "")
    in_episodes = {
        str(key): int(count) for key, count in run.manifest.get("errors_by_category", {}).items()
    }
    keys = {key for key in {**in_episodes, **in_spells} if key}
    lines = [
        Line(
            key,
            text.ERROR_CATEGORY.get(key, ""),
            in_episodes.get(key, 0),
            episodes,
            in_spells.get(key, 0),
        )
        for key in keys
    ]
    lines.sort(key=lambda line: (-line.count, line.key))
    return lines


def _price_reasons(spells: pa.Table) -> list[Line]:
    """Reasons by how many spells bear them: a spell may bear several."""
    totals: dict[str, int] = {}
    for reasons, count in tally(spells.column("price_reasons"), "").items():
        for reason in reasons.split():
            totals[reason] = totals.get(reason, 0) + count
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return [
        Line(key, text.PRICE_REASON.get(key, key.replace("_", " ")), count, spells.num_rows)
        for key, count in ordered
    ]


def _rejects(rejects: pa.Table) -> list[RejectLine]:
    parts = rejects.group_by(["column", "reason"], use_threads=False).aggregate(
        [("billed_pence", "sum"), ([], "count_all")]
    )
    lines = [
        RejectLine(row["column"], row["reason"], row["count_all"], row["billed_pence_sum"] or 0)
        for row in parts.to_pylist()
    ]
    lines.sort(key=lambda line: (-line.rows, line.column, line.reason))
    return lines


def inputs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The files that were read, with every key the page asks for."""
    keys = ("file", "bytes", "sha256", "layout", "rows")
    return [{key: item.get(key) for key in keys} for item in manifest.get("inputs", [])]


def packs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The packs that were used, with every key the page asks for."""
    keys = ("id", "version", "kind", "title", "provenance", "partial", "sha256", "last_checked")
    return [{key: item.get(key) for key in keys} for item in manifest.get("packs", [])]
