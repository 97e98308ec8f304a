"""Writes imported tables as a folder of three packs: all of it, or nothing.

FOLDER/grouper     takes the place of the shipped grouper of its id
FOLDER/roots       procedures.csv, diagnoses.csv
FOLDER/cc-lists    members.csv, scores.csv
"""

from __future__ import annotations

import csv
import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from tariff.errors import UsageError
from tariff.packs.importing.code_to_group import CodeToGroup, RootRow
from tariff.packs.importing.design import Design, years_of
from tariff.packs.model import CcListsPack, Code, CsvName, Pack, RootsPack, Source
from tariff.packs.read import MANIFEST
from tariff.packs.tables import TABLES

FOLDERS = ("cc-lists", "grouper", "roots")
NOTES = [
    "Imported by `tariff pack import code-to-group`: roots, ranks and complication scores are from "
    "the workbook named under sources. Splits, valid codes, validation and which chapters are "
    "no interventions are as in the pack of this id that ships, which this one replaces.",
    "Rules that combine codes are not in the workbook as it is read: none is applied under this "
    "grouper. Multiple trauma, burns and days of one service are, from the packs that ship: an HRG "
    "that rests on them says so (flags M, B and G are reconstructed).",
]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the tables come from: the title of the workbook, its hash, and the mapping used."""

    title: str
    sha256: str
    mapping: str

    def source(self) -> Source:
        """The workbook as a pack names it."""
        return Source(title=self.title, note=f"sha256 {self.sha256}; read by {self.mapping}")


def write_packs(
    folder: Path, tables: CodeToGroup, design: Design, origin: Origin, *, force: bool
) -> None:
    """Write the packs. An earlier import is replaced with `force`; anything else never is."""
    check_folder(folder, force=force)
    mark = secrets.token_hex(4)
    fresh, aside = (folder.with_name(f".{folder.name}.{mark}.{end}") for end in ("new", "old"))
    try:
        fresh.mkdir(parents=True)
        _write(fresh, tables, design, origin)
        _swap(folder, fresh, aside)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written: {error.strerror or error}",
            hint="nothing there was changed; name a folder you may write to, with space left",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if folder.exists():  # else what was moved aside could not be put back: leave it
            shutil.rmtree(aside, ignore_errors=True)


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that is in use, as early as that can be known."""
    if folder.name in ("", ".."):
        raise UsageError(f"{folder} is not a name for a folder", hint="name one that is not there")
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="name another")
    if not force:
        raise UsageError(f"{folder} is already there", hint="name another, or use --force")
    others = sorted({path.name for path in folder.iterdir()} - set(FOLDERS))
    if others:
        raise UsageError(
            f"{folder} holds {', '.join(others[:3])}: --force replaces an earlier import, "
            "nothing else",
            hint="name another folder",
        )


def _swap(folder: Path, fresh: Path, aside: Path) -> None:
    try:
        if folder.exists():
            folder.rename(aside)
        fresh.rename(folder)
    except BaseException:
        if aside.exists() and not folder.exists():
            with suppress(OSError):
                aside.rename(folder)
        raise


# ---------------------------------------------------------------- packs


def _write(folder: Path, tables: CodeToGroup, design: Design, origin: Origin) -> None:
    shipped = design.manifest
    years = years_of(design.grouper)
    held = {name for scores in tables.scores.values() for name in scores}
    about: dict[str, Any] = {
        "version": "1.0.0",
        "provenance": "official",
        "last_checked": date.today(),
        "engine": ">=0.1",
        "sources": [origin.source()],
        "applies": shipped.applies,
    }
    roots = RootsPack(
        id=f"{shipped.id}-roots",
        kind="roots",
        title=f"Which HRG root a diagnosis or procedure leads to, {years}, imported",
        diagnoses=CsvName("diagnoses.csv"),
        procedures=CsvName("procedures.csv"),
        **about,
    )
    lists = CcListsPack(
        id=f"{shipped.id}-cc",
        kind="cc_lists",
        title=f"Complication scores by diagnosis and HRG subchapter, {years}, imported",
        members=CsvName("members.csv"),
        scores=CsvName("scores.csv"),
        missing=[Code(name) for name in sorted(design.cc_subchapters - held)],
        **about,
    )
    grouper = replace(
        shipped,
        title=f"HRG grouping of {years}, tables imported",
        roots=roots.id,
        cc_lists=lists.id,
        notes=NOTES,
        waivers=[],
        **about,
    )
    _write_pack(folder / "grouper", grouper)
    _write_pack(folder / "roots", roots)
    for name, rows in (("diagnoses", tables.diagnoses), ("procedures", tables.procedures)):
        _write_csv(folder / "roots", roots.kind, name, _root_cells(rows))
    _write_pack(folder / "cc-lists", lists)
    scores = sorted(tables.scores.items())
    _write_csv(
        folder / "cc-lists", lists.kind, "members",
        ((code, " ".join(sorted(row))) for code, row in scores),
    )  # fmt: skip
    _write_csv(
        folder / "cc-lists", lists.kind, "scores",
        ((code, name, row[name]) for code, row in scores for name in sorted(row)),
    )  # fmt: skip


def _root_cells(rows: dict[str, RootRow]) -> Iterable[Sequence[object]]:
    for code, row in sorted(rows.items()):
        yield code, row.root, row.root_child, row.rank, "", row.note


def _write_pack(folder: Path, manifest: Pack) -> None:
    folder.mkdir()
    text = yaml.safe_dump(
        plain(manifest), sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def _write_csv(folder: Path, kind: str, name: str, rows: Iterable[Sequence[object]]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TABLES[kind][name].header)
        writer.writerows(rows)


def plain(value: Any) -> Any:
    """A manifest, or a part of one, as YAML writes it; what is as by default is left out."""
    if is_dataclass(value):
        return {
            item.name.removesuffix("_"): plain(getattr(value, item.name))
            for item in fields(value)
            if getattr(value, item.name) != _default(item)
        }
    return [plain(item) for item in value] if isinstance(value, list) else value


def _default(item: Field[Any]) -> Any:
    return item.default_factory() if item.default_factory is not MISSING else item.default
