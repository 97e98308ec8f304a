"""What a run leaves in its folder: written beside, then renamed, all or nothing.

`findings.csv` and `spells.parquet` have the same bytes for the same tables, whatever their
chunks: rows are written in the order they come (the engine sorts them), and no time stands in
any file but `manifest.json` and the page made from it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from tariff import schemas
from tariff.engine.triage import Limits, causes
from tariff.errors import DataError, UsageError
from tariff.report import care, safe
from tariff.report.figures import RunTables

if TYPE_CHECKING:
    from tariff.engine.other_care import OtherCare

HTML = "report.html"
WORKBOOK = "workbook.xlsx"
FINDINGS = "findings.parquet"
FINDINGS_CSV = "findings.csv"
CAUSES_CSV = "causes.csv"
SPELLS = "spells.parquet"
EPISODES = "episodes.parquet"
POLICIES = "policies.csv"
REJECTS = "rejects.csv"
MANIFEST = "manifest.json"
OTHER_CARE = ("attendances", "emergency", "critical_care", "lines")  # a table of each, NAME.parquet

ROW_GROUP = 1 << 17

CONTRACT = ("contract.parquet", "contract.csv")
OPTIONAL = (
    HTML,
    WORKBOOK,
    SPELLS,
    EPISODES,
    *CONTRACT,
    POLICIES,
)  # an earlier one is removed where it is not written again

Writer = Callable[[Path], None]


@dataclass(slots=True)
class StoredRun:
    """A run read back from its folder."""

    spells: pa.Table
    findings: pa.Table
    rejects: pa.Table
    manifest: dict[str, Any]
    others: dict[str, pa.Table] = field(default_factory=dict)  # other care, what a report reads


def write_run(
    folder: Path | str,
    run: RunTables,
    *,
    spells: bool = True,
    html: bool = True,
    workbook: bool = True,
    limits: Limits | None = None,
) -> list[Path]:
    """Write everything a run leaves, and return the paths.

    If one file fails, none of the new ones appears and the old ones stay. A page or workbook of
    an earlier run that is not written again is taken away: it would describe other findings.
    """
    writers: dict[str, Writer] = {
        FINDINGS: lambda path: _parquet(run.findings, schemas.FINDINGS, path),
        FINDINGS_CSV: lambda path: write_findings_csv(run.findings, path),
        CAUSES_CSV: lambda path: _csv(causes(run.findings), schemas.CAUSES, path),
        REJECTS: lambda path: _csv(run.rejects, schemas.REJECTS, path),
        MANIFEST: lambda path: _manifest(run.manifest, path),
    }
    if spells:
        writers[SPELLS] = lambda path: _parquet(run.spells, schemas.SPELLS, path)
    writers.update(_episodes(run))
    writers.update(_other_care(run))
    writers.update(_renderers(run, html, workbook, limits))
    stale = [*OPTIONAL, *_left_by(Path(folder))]
    return replace_all(Path(folder), writers, [name for name in stale if name not in writers])


def write_stages(
    folder: Path | str, run: RunTables, also: Mapping[str, Writer] | None = None
) -> list[Path]:
    """Write what a run that stops after the price leaves: spells, episodes, rejects, manifest.

    What an earlier, whole run left is taken away: it would not describe these spells. `also` are
    more files by name.
    """
    with_policies = schemas.READMISSION_COLUMNS[0].name in run.spells.schema.names
    spells = schemas.SPELLS_WITH_POLICIES if with_policies else schemas.SPELLS
    writers: dict[str, Writer] = {
        SPELLS: lambda path: _parquet(run.spells, spells, path),
        REJECTS: lambda path: _csv(run.rejects, schemas.REJECTS, path),
        MANIFEST: lambda path: _manifest(run.manifest, path),
    }
    writers.update(_episodes(run))
    writers.update(also or {})
    stale = [
        name for name in (*OPTIONAL, FINDINGS, FINDINGS_CSV, CAUSES_CSV) if name not in writers
    ]
    return replace_all(Path(folder), writers, stale)


def write_other_care(
    folder: Path | str, run: OtherCare, also: Mapping[str, Writer] | None = None
) -> list[Path]:
    """Write what a run on care that is not admitted leaves: the records, rejects, manifest.

    What a run of admitted care left is taken away but for its episodes, which may be an input.
    `also` are more files by name.
    """
    writers: dict[str, Writer] = {
        f"{run.dataset}.parquet": lambda path: _parquet(run.table, run.table.schema, path),
        REJECTS: lambda path: _csv(run.rejects, schemas.REJECTS, path),
        MANIFEST: lambda path: _manifest(run.manifest, path),
        **(also or {}),
    }
    stale = [HTML, WORKBOOK, SPELLS, POLICIES, FINDINGS, FINDINGS_CSV, CAUSES_CSV]
    stale += [name for name in CONTRACT if name not in writers]
    return replace_all(Path(folder), writers, stale)


def contract_files(table: pa.Table) -> dict[str, Writer]:
    """What a run under a contract leaves beside the rest: the table, twice."""
    parquet, text = CONTRACT
    exact = [name for name in table.column_names if name.startswith("exact_")]
    whole = table.drop_columns([*exact, "unit_activity"])
    return {
        parquet: lambda path: _parquet(table, table.schema, path),
        text: lambda path: _csv(whole, whole.schema, path),
    }


def write_tables(
    folder: Path | str,
    tables: Mapping[str, tuple[pa.Table, pa.Schema]],
    manifest: dict[str, Any],
    also: Mapping[str, Writer] | None = None,
) -> list[Path]:
    """Write tables by the name of their file (`.csv` or `.parquet`), the manifest, and more."""

    def writer(name: str, table: pa.Table, schema: pa.Schema) -> Writer:
        write = _csv if name.endswith(".csv") else _parquet
        return lambda path: write(table, schema, path)

    writers = {name: writer(name, *held) for name, held in tables.items()}
    writers[MANIFEST] = lambda path: _manifest(manifest, path)
    return replace_all(Path(folder), {**writers, **(also or {})}, [])


def render_run(
    folder: Path | str,
    run: RunTables,
    *,
    html: bool = True,
    workbook: bool = True,
    limits: Limits | None = None,
) -> list[Path]:
    """Write the page and the workbook again, and nothing else."""
    return replace_all(Path(folder), _renderers(run, html, workbook, limits), [])


def read_run(folder: Path | str) -> StoredRun:
    """Read a run back from its folder."""
    place = Path(folder)
    if not place.is_dir():
        raise UsageError(f"{place} is not a folder", hint="Give the folder that a check wrote.")
    missing = [
        name for name in (MANIFEST, FINDINGS, SPELLS, REJECTS) if not (place / name).exists()
    ]
    if missing:
        raise UsageError(
            f"{place} is not the folder of a run: {', '.join(missing)} missing",
            hint="Give the folder that `tariff check ... -o DIR` wrote; with --only findings there "
            "are no spells to report on.",
        )
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError("manifest.json is not a JSON object")
        return StoredRun(
            spells=_typed(pq.read_table(place / SPELLS), schemas.SPELLS),
            findings=_typed(pq.read_table(place / FINDINGS), schemas.FINDINGS),
            rejects=_read_rejects(place / REJECTS),
            manifest=manifest,
            others=_read_other_care(place, manifest),
        )
    except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DataError(
            f"{place} cannot be read as a run: {error}",
            hint="Run the check again: the files were changed, or another version wrote them.",
        ) from error
    except OSError as error:
        raise UsageError(
            f"{place} cannot be read: {error.strerror or error}",
            hint="Check that you may read the folder and its files.",
        ) from error


def write_findings_csv(findings: pa.Table, path: Path) -> None:
    """The findings as CSV: money in pence, lists joined by a space, formulas neutralised."""
    _csv(findings, schemas.FINDINGS, path)


def write_policies_csv(table: pa.Table, path: Path) -> None:
    """The months of the policies between spells as CSV: money in pence."""
    _csv(table, schemas.POLICIES, path)


def _episodes(run: RunTables) -> dict[str, Writer]:
    episodes = getattr(run, "episodes", None)
    if episodes is None:
        return {}
    return {EPISODES: lambda path: _parquet(episodes, schemas.EPISODES, path)}


def _other_care(run: RunTables) -> dict[str, Writer]:
    others: Mapping[str, pa.Table] = getattr(run, "others", {})

    def writer(table: pa.Table) -> Writer:
        return lambda path: _parquet(table, table.schema, path)

    return {f"{kind}.parquet": writer(table) for kind, table in others.items()}


def _read_other_care(folder: Path, manifest: dict[str, Any]) -> dict[str, pa.Table]:
    """What a report reads of the care that is not admitted."""
    held = {}
    for kind in OTHER_CARE:
        path = folder / f"{kind}.parquet"
        if kind in manifest.get("kinds", {}) and path.exists():
            names = pq.read_schema(path).names
            wanted = [name for name in care.columns_of(kind) if name in names]
            held[kind] = pq.read_table(path, columns=wanted)
    return held


def _left_by(folder: Path) -> list[str]:
    """Tables of other care that an earlier check left; others of these names may be an input."""
    try:
        kinds = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["kinds"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [f"{kind}.parquet" for kind in OTHER_CARE if kind in kinds]


def _renderers(
    run: RunTables, html: bool, workbook: bool, limits: Limits | None
) -> dict[str, Writer]:
    writers: dict[str, Writer] = {}
    if html:
        from tariff.report.html import render

        writers[HTML] = lambda path: _text(render(run, limits=limits), path)
    if workbook:
        from tariff.report.workbook import write_workbook

        writers[WORKBOOK] = lambda path: write_workbook(run, path, limits=limits)
    return writers


def _text(content: str, path: Path) -> None:
    path.write_text(content, encoding="utf-8", newline="\n")


def _manifest(manifest: dict[str, Any], path: Path) -> None:
    _text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", path)


def _typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of the schema, in its order and types; others are left out."""
    return table.select(schema.names).cast(schema)


def _parquet(table: pa.Table, schema: pa.Schema, path: Path) -> None:
    # A row group at a time, each made one chunk: the bytes must not depend on the batches.
    typed = _typed(table, schema)
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for start in range(0, max(typed.num_rows, 1), ROW_GROUP):
            writer.write_table(typed.slice(start, ROW_GROUP).combine_chunks(), ROW_GROUP)


def _csv(table: pa.Table, schema: pa.Schema, path: Path) -> None:
    typed = _typed(table, schema)
    header = safe.columns(schema.empty_table()).schema
    with csv.CSVWriter(path, header) as writer:
        for start in range(0, typed.num_rows, ROW_GROUP):
            part = safe.columns(typed.slice(start, ROW_GROUP)).combine_chunks()
            writer.write_table(part, ROW_GROUP)


def _read_rejects(path: Path) -> pa.Table:
    table = csv.read_csv(
        path,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict(zip(schemas.REJECTS.names, schemas.REJECTS.types, strict=True)),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    table = safe.restored_columns(table)
    for name in ("file", "column", "reason"):
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, pc.fill_null(table.column(name), ""))
    return _typed(table, schemas.REJECTS)


def replace_all(folder: Path, writers: dict[str, Writer], stale: list[str]) -> list[Path]:
    """Write each file under a temporary name, then put all in place, or none."""
    for name in [*writers, *stale]:
        if (folder / name).is_dir():
            raise UsageError(
                f"{folder / name} cannot be written: it is a folder",
                hint="Nothing was changed. Move it away, or name another folder for the results.",
            )
    mark = secrets.token_hex(4)
    new = {name: folder / f".{name}.{mark}.new" for name in writers}
    old = {name: folder / f".{name}.{mark}.old" for name in [*writers, *stale]}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in writers.items():
            write(new[name])
        _swap(folder, new, old)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        for path in [*new.values(), *old.values()]:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return [folder / name for name in writers]


def _swap(folder: Path, new: dict[str, Path], old: dict[str, Path]) -> None:
    moved: list[str] = []
    placed: list[str] = []
    try:
        for name, aside in old.items():
            if (folder / name).exists():
                moved.append(name)  # before it is moved: an interrupt may come between the two
                os.replace(folder / name, aside)  # noqa: PTH105 - pathlib has no such promise
        for name, fresh in new.items():
            placed.append(name)
            os.replace(fresh, folder / name)  # noqa: PTH105
    except BaseException:
        for name in placed:
            if not new[name].exists():
                with suppress(OSError):
                    (folder / name).unlink()
        for name in moved:
            if old[name].exists():
                os.replace(old[name], folder / name)  # noqa: PTH105
        raise


def _unwritable(folder: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    where = Path(str(error.filename)).name if error.filename else ""
    detail = f" ({where})" if where and not where.endswith((".new", ".old")) else ""
    return UsageError(
        f"the results cannot be written to {folder}: {reason}{detail}",
        hint="Nothing there was changed. Name a folder you may write to and with space left, "
        "and close any of its files that is open in another program.",
    )
