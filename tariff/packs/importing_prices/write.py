"""Write an imported price list as a pack folder: whole and linted, or not at all."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tariff.errors import PackError, Problem, UsageError
from tariff.packs.importing_prices.areas import areas
from tariff.packs.importing_prices.factors import SHORT_STAY_RULE
from tariff.packs.importing_prices.gather import SPECS, Workbook
from tariff.packs.importing_prices.reading import Row
from tariff.packs.importing_prices.sheets import Source
from tariff.packs.problems import shown


@dataclass(frozen=True, slots=True)
class Options:
    """What the workbook does not say of itself."""

    edition: str = "imported"
    publisher: str = ""
    licence: str = "Open Government Licence v3.0"


def table_text(name: str, rows: Sequence[Row]) -> str:
    """A table as CSV text, its columns in the order of its kind."""
    columns = SPECS[name].header
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    return buffer.getvalue()


def write_pack(book: Workbook, source: Source, folder: Path, options: Options) -> list[Problem]:
    """Write the pack; gives the warnings of its lint. What is invalid leaves nothing behind."""
    files = {f"{name}.csv": table_text(name, rows) for name, rows in book.tables.items()}
    files["pack.yaml"] = _manifest(book, source, folder.resolve().name, options)
    return put_in_place(folder, files)


def put_in_place(folder: Path, files: Mapping[str, str], *, lint: bool = True) -> list[Problem]:
    """Write the files of a pack into a new folder, whole, linted and valid, or not at all."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is already there", hint="choose another name, or remove it")
    if not folder.resolve().parent.is_dir():
        raise UsageError(f"{folder.resolve().parent} is not a folder", hint="make it first")
    made = folder.resolve().with_name(f".{folder.resolve().name}.new")
    shutil.rmtree(made, ignore_errors=True)
    try:
        made.mkdir()
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8", newline="\n")
        warnings = _lint(made, folder) if lint else []
        if folder.exists():
            folder.rmdir()
        made.rename(folder.resolve())
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return warnings


def pack_id(name: str) -> str:
    """The id of a pack from the name of its folder."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _lint(made: Path, folder: Path) -> list[Problem]:
    """The warnings of the pack by itself, placed where it will be; raises where it is invalid."""
    from tariff.packs.lint import lint
    from tariff.packs.read import read_pack

    pack, problems = read_pack(made)
    if pack is not None:
        problems = [*problems, *lint([pack], date.today())]
    problems = [replace(p, path=shown(folder / Path(p.path).name)) for p in problems]
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise PackError(errors, hint="nothing was imported: the workbook contradicts itself there")
    return problems


# ---------------------------------------------------------------- the manifest


def _manifest(book: Workbook, source: Source, name: str, options: Options) -> str:
    import yaml

    start = int(book.year[:4])
    printed = {
        "title": book.title,
        "edition": options.edition,
        "publisher": options.publisher,
        "licence": options.licence,
        "file": source.name,
        "sha256": source.sha256,
    }
    manifest: dict[str, object] = {
        "id": pack_id(name) or "prices",
        "version": "1.0.0",
        "kind": "tariff",
        "title": f"National prices {book.year}, {options.edition}",
        "applies": {
            "from": date(start, 4, 1),
            "to": date(start + 1, 3, 31),
            "on": "discharge_date",
        },
        "provenance": "published",
        "last_checked": date.today(),
        "engine": ">=0.1",
        "sources": [{key: text for key, text in printed.items() if text}],
        "notes": _notes(book),
        "year": book.year,
        "edition": options.edition,
        "rounding": "pence_final",
    }
    manifest |= {table: f"{table}.csv" for table in book.tables}
    if any(row["short_stay"] == "yes" for row in book.tables["prices"]):
        manifest["short_stay_rule"] = book.short_stay_rule or SHORT_STAY_RULE
    found = areas(book.tables)
    if found:
        manifest["best_practice_areas"] = found
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
    return text


def _notes(book: Workbook) -> list[str]:
    """What a reader should know: sheets that are in no table, and what was taken over."""
    notes = ["The table `sheets` says what each sheet became."]
    unread = [
        f"'{row['sheet']}' ({row['note']})" for row in book.tables["sheets"] if not row["tables"]
    ]
    if unread:
        notes.append(f"In no table: {', '.join(unread)}.")
    if "best_practice_prices" in book.tables:
        notes.append(
            "What SUS pays in each best practice area is told by the figures, not by the words "
            "beside them: check `best_practice_areas`, and say in `top_up_rule` which service wins."
        )
    flagged = any(row["short_stay"] == "yes" for row in book.tables["prices"])
    if flagged and book.short_stay_rule is None:
        notes.append(
            "The workbook does not word the tests of the short stay price: those of 2022/23 serve."
        )
    return notes
