"""A file opened under its layout: which one it is, and which columns it has.

`open_file` finds the layout where none is given: a header in canonical names needs none; else the
layout of which most columns are recognised. Every mistake here is a DataError that names what was
looked for and what was found, never a cell of the data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tariff.errors import DataError
from tariff.extract.columnar import ParquetSource, XlsxSource
from tariff.extract.csvfile import DELIMITERS, CsvSource, Head, read_head
from tariff.extract.fields import field_of, keys_of
from tariff.extract.layout import ColumnSpec, Layout, plain, shipped_layouts
from tariff.extract.plan import Column
from tariff.extract.source import Source, file_kind
from tariff.extract.values import Cleaning, Reading

CANONICAL = "canonical"
NAMES_SHOWN = 8
_LONG_NUMBER = re.compile(r"[0-9]{6}")
PROFILE_HINT = "`tariff data profile FILE --write-layout L.yaml` proposes a layout"


@dataclass(slots=True)
class OpenFile:
    """One file (or one set of tables), ready to be read."""

    source: Source
    layout_id: str
    columns: list[Column]
    reading: Reading
    notices: list[str] = field(default_factory=list)
    dataset: str = "episodes"


@dataclass(slots=True)
class Candidate:
    """A file whose header is known but whose layout may not be."""

    path: Path
    name: str
    kind: str
    header: list[str]  # the first record; for text by the delimiter found
    head: Head | None = None
    delimiter: str = ""


def look(path: Path, name: str, layout: Layout | None = None) -> Candidate:
    """Read as much of a file as its header takes."""
    kind = file_kind(path, name)
    if kind == "parquet":
        return Candidate(path, name, kind, ParquetSource(path, name).header)
    skip = layout.skip_lines if layout else 0
    if kind == "xlsx":
        sheet = XlsxSource(path, name, skip_lines=skip, sheet=layout.sheet if layout else "")
        return Candidate(path, name, kind, sheet.header)
    head = read_head(path, name, kind)
    delimiter = head.delimiter(skip)
    if layout is not None and layout.delimiter != "auto":
        delimiter = _checked_delimiter(head, layout, delimiter, name)
    head.check_quotes(DELIMITERS[delimiter], skip, name)
    records = head.records(DELIMITERS[delimiter], 1, skip)
    header = [cell.strip() for cell in records[0]] if records else []
    return Candidate(path, name, kind, header, head, delimiter)


def _checked_delimiter(head: Head, layout: Layout, found: str, name: str) -> str:
    wanted: str = layout.delimiter
    cells = head.records(DELIMITERS[wanted], 1, layout.skip_lines)
    if found != wanted and cells and len(cells[0]) == 1:
        raise DataError(
            f"{name}: the first line is a single column; it appears to be {found}-separated, "
            f"and layout {layout.id} says {wanted}",
            hint=f"set `delimiter: {found}` in a copy of the layout",
        )
    return wanted


def recognise(candidate: Candidate, dataset: str = "episodes") -> Layout | None:
    """The layout of a header; None for canonical names. DataError for neither."""
    header = {plain(name) for name in candidate.header}
    if header.issuperset(keys_of(dataset)):
        if candidate.delimiter == "semicolon":
            raise DataError(
                f"{candidate.name}: the columns are separated by semicolons",
                hint="save it with commas, tabs or pipes, or give a layout with "
                "`delimiter: semicolon`",
            )
        return None
    fitting = [
        (len(layout.recognise), layout.id, layout)
        for layout in shipped_layouts().values()
        if layout.dataset == dataset and layout.recognises(candidate.header)
    ]
    if fitting:
        return max(fitting)[2]
    refuse_data(candidate.name, candidate.header)
    canonical = sorted(name for name in header if field_of(name, dataset))
    if len(canonical) >= 2:
        _missing(candidate.name, candidate.header, {}, dataset)
    found = _shown(candidate.header)
    what = f"found {found}" if found else "the header is blank"
    if len(candidate.header) == 1:
        what = f"the first line is a single column; {what}"
    raise DataError(
        f"{candidate.name}: no layout is known for this header; {what}",
        hint=f"choose one with --layout ({', '.join(sorted(shipped_layouts()))}); {PROFILE_HINT}",
    )


def open_file(candidate: Candidate, layout: Layout | None, dataset: str = "episodes") -> OpenFile:
    """A file under its layout (None: canonical names)."""
    has_header = _has_header(candidate, layout)
    source = source_of(candidate, layout, has_header=has_header)
    notices = list(source.notices)
    width = len(source.header) or getattr(source, "width", 0)
    if layout is None:
        columns = _canonical(candidate.name, source.header, dataset)
        reading = Reading()
        layout_id = CANONICAL
    else:
        columns = _mapped(candidate.name, layout, source.header, width, notices)
        reading = layout.reading()
        layout_id = layout.id
        if layout.status == "partial":
            notices.append(f"{candidate.name}: layout {layout.id} is partial; see its notes")
    if candidate.kind == "xlsx":
        reading = sheet_reading(reading)
    used = {column.source for column in columns}
    unused = [name for index, name in enumerate(source.header) if index not in used and name]
    if unused:
        number = f"{len(unused)} columns are" if len(unused) > 1 else "1 column is"
        notices.append(f"{candidate.name}: {number} not used: {_shown(unused)}")
    if candidate.delimiter not in {"", "comma"} and (layout is None or layout.delimiter == "auto"):
        notices.append(f"{candidate.name}: read as {candidate.delimiter}-separated")
    return OpenFile(source, layout_id, columns, reading, notices, dataset)


def sheet_reading(reading: Reading) -> Reading:
    """Dates and times of a sheet are cells of their own type, read as ISO text."""
    return Reading(
        date_formats=tuple(dict.fromkeys((*reading.date_formats, "YYYY-MM-DD"))),
        time_formats=tuple(dict.fromkeys((*reading.time_formats, "HH:MM"))),
        blanks=reading.blanks,
        pence=reading.pence,
    )


def _has_header(candidate: Candidate, layout: Layout | None) -> bool:
    if layout is None or layout.header == "yes" or candidate.kind == "parquet":
        return True
    if layout.header == "no":
        return False
    names = {plain(spec.column) for spec in layout.specs().values() if spec.column is not None}
    return any(plain(cell) in names for cell in candidate.header)


def source_of(candidate: Candidate, layout: Layout | None, *, has_header: bool) -> Source:
    """A file, ready to give its rows."""
    skip = layout.skip_lines if layout else 0
    if candidate.kind == "parquet":
        return ParquetSource(candidate.path, candidate.name)
    if candidate.kind == "xlsx":
        return XlsxSource(
            candidate.path,
            candidate.name,
            header=has_header,
            skip_lines=skip,
            sheet=layout.sheet if layout else "",
        )
    return CsvSource(
        candidate.path,
        candidate.name,
        candidate.kind,
        delimiter=candidate.delimiter,
        header=has_header,
        skip_lines=skip,
        encoding=layout.encoding if layout else "auto",
        head=candidate.head,
    )


def canonical_columns(name: str, header: list[str], dataset: str = "episodes") -> list[Column]:
    """The canonical columns of a header that uses their names."""
    return _canonical(name, header, dataset)


def _canonical(name: str, header: list[str], dataset: str) -> list[Column]:
    found: dict[str, Column] = {}
    for index, label in enumerate(header):
        canonical = plain(label)
        known = field_of(canonical, dataset)
        if known is None:
            continue
        if canonical in found:
            raise _twice(name, label)
        found[canonical] = Column(canonical, known, index, label)
    if not found.keys() >= set(keys_of(dataset)):
        _missing(name, header, {}, dataset)
    return list(found.values())


def _mapped(
    name: str, layout: Layout, header: list[str], width: int, notices: list[str]
) -> list[Column]:
    places: dict[str, int] = {}
    twice: set[str] = set()
    for index, label in enumerate(header):
        if plain(label) in places:
            twice.add(plain(label))
        places.setdefault(plain(label), index)
    columns: list[Column] = []
    for canonical, spec in layout.specs().items():
        column = column_of(canonical, spec, places if header else None, width, layout.dataset)
        if column is None:
            continue
        if column.source is not None and plain(column.label) in twice and spec.column is not None:
            raise _twice(name, column.label)
        if spec.fallbacks and spec.column is not None and plain(column.label) != plain(spec.column):
            notices.append(
                f"{name}: {canonical} is taken from {column.label}, as there is no {spec.column}"
            )
        columns.append(column)
    keys = keys_of(layout.dataset)
    if not {column.name for column in columns} >= set(keys):
        _missing(name, header, {key: layout.specs().get(key) for key in keys}, layout.dataset)
    return columns


def column_of(
    canonical: str,
    spec: ColumnSpec,
    places: dict[str, int] | None,
    width: int,
    dataset: str = "episodes",
) -> Column | None:
    """One canonical column in a header (`places`: plain name to position), or None."""
    known = field_of(canonical, dataset)
    if known is None:
        raise KeyError(canonical)
    cleaning = Cleaning(spec.strip, {key: str(value) for key, value in spec.values.items()})
    if spec.constant is not None:
        return Column(canonical, known, None, "constant", spec.constant, cleaning)
    if places is not None and spec.column is not None:
        for label in (spec.column, *spec.fallbacks):
            if plain(label) in places:
                return Column(canonical, known, places[plain(label)], label, "", cleaning)
        return None
    if spec.position is not None and spec.position <= width:
        name = str(spec.column or f"column {spec.position}")
        return Column(canonical, known, spec.position - 1, name, "", cleaning)
    return None


def refuse_data(name: str, header: list[str]) -> None:
    """DataError where the first line is no header: its cells must not be shown as names."""
    if any(cell and not any(letter.isalpha() for letter in cell) for cell in header):
        raise DataError(
            f"{name}: the first line does not look like a header (it has numbers for names)",
            hint="a layout can read a file without header by position (`header: optional`), "
            "such as --layout national-grouper-apc",
        )


def _missing(name: str, header: list[str], specs: dict[str, Any], dataset: str) -> None:
    refuse_data(name, header)
    plain_names = {plain(label) for label in header}
    wanted = []
    for key in keys_of(dataset):
        spec: ColumnSpec | None = specs.get(key)
        if spec is None:
            if key not in plain_names:
                wanted.append(key)
            continue
        names = [label for label in (spec.column, *spec.fallbacks) if label is not None]
        if not any(plain(label) in plain_names for label in names):
            wanted.append(f"{key} ({' or '.join(names)})" if names else key)
    found = f"found {_shown(header)}" if header else "the file has no header"
    raise DataError(
        f"{name}: mandatory column missing: {', '.join(wanted)}; {found}", hint=PROFILE_HINT
    )


def _twice(name: str, label: str) -> DataError:
    return DataError(f"{name}: column '{label}' stands twice", hint="rename or remove one of them")


def _shown(names: list[str]) -> str:
    """Column names in a message.

    A file without a header has data in their place: what may be one's number is not repeated.
    """
    given = [name if len(name) <= 40 else f"{name[:37]}..." for name in names if name]
    given = ["(a number)" if _LONG_NUMBER.search(name) else name for name in given]
    more = len(given) - NAMES_SHOWN
    listed = ", ".join(given[:NAMES_SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed
