"""Look at a file nobody has seen: what its columns hold, and which canonical ones they may be.

Names are compared with those of the NHS Data Dictionary, SUS and HES; the values then speak for
or against the guess. Values are shown only of columns that are not identifiers. A proposal is a
layout that `open_extract` can use, to be read by a person first.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from tariff.errors import DataError
from tariff.extract.arrays import as_dictionary, is_text
from tariff.extract.csvfile import CsvSource
from tariff.extract.fields import KEYS, FieldType, field_of, in_order
from tariff.extract.nhs_number import is_nhs_number
from tariff.extract.resolve import look, refuse_data, source_of
from tariff.extract.source import Source, shown
from tariff.extract.synonyms import guess_name
from tariff.extract.values import DEFAULT_BLANKS, Reading, read_one

MAX_ROWS = 200_000  # rows that are looked at
MAX_DISTINCT = 100_000  # values that are told apart
SAMPLE = 2_000  # values that are tried against a type
CODE_LIST = 20  # an unknown column with at most so many values is taken for a list of codes
CODE_LIST_ROWS = 200

DATE_FORMATS = ("YYYY-MM-DD", "DD/MM/YYYY", "YYYYMMDD", "DD-MMM-YYYY", "DD-MM-YYYY", "DD/MM/YY",
                "MM/DD/YYYY", "DDMMYYYY", "DD MMM YYYY", "DD.MM.YYYY",
                "YYYY-MM-DD HH:MM:SS", "DD/MM/YYYY HH:MM:SS", "DD/MM/YYYY HH:MM")  # fmt: skip
TIME_FORMATS = ("HH:MM", "HH:MM:SS", "HHMM", "HHMMSS")
MISSING_CODES = ("-", "&", "NA", "N/A", "NULL", "(null)", "None", "nan", "1800-01-01", "1801-01-01")

_SHAPES: dict[str, re.Pattern[str]] = {
    "diag": re.compile(r"[A-Z][0-9]{2}\.?[0-9X]?[0-9A-Z]?[DA+*]?", re.IGNORECASE),
    "oper": re.compile(r"[A-Z][0-9]{2}\.?[0-9]?", re.IGNORECASE),
    "billed_hrg": re.compile(r"[A-Z]{2}[0-9]{2}[A-Z]"),
    "provider": re.compile(r"[A-Z0-9]{3}(?:[A-Z0-9]{2,3})?"),
    "sex": re.compile(r"[0129XMF]"),
    "activity_month": re.compile(r"[0-9]{4}-?[01][0-9]"),
}
_BY_VALUES = {"billed_hrg": 0.6}  # shapes that tell a column without its name


@dataclass(slots=True)
class ColumnProfile:
    """One column of the file. `examples` are its most frequent values, never of identifiers."""

    position: int  # from 1
    name: str
    rows: int
    filled: int
    distinct: int
    distinct_is_lower_bound: bool = False
    canonical: str = ""
    confidence: float = 0.0
    reason: str = ""
    examples: list[str] = field(default_factory=list)
    warning: str = ""
    values: list[str] = field(default_factory=list, repr=False)  # a sample, for the guesses

    @property
    def filled_share(self) -> float:
        """Share of the rows that have a value."""
        return self.filled / self.rows if self.rows else 0.0


@dataclass(slots=True)
class Profile:
    """A file: its columns, and how its dates and times are written."""

    name: str
    kind: str
    delimiter: str
    rows: int
    whole: bool  # whether all rows were looked at
    columns: list[ColumnProfile]
    date_formats: list[str] = field(default_factory=list)
    time_formats: list[str] = field(default_factory=list)
    blank_values: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def mapped(self) -> dict[str, ColumnProfile]:
        """Canonical column to column of the file, in the order of the field dictionary."""
        found = {column.canonical: column for column in self.columns if column.canonical}
        return {name: found[name] for name in in_order(set(found))}

    @property
    def missing_keys(self) -> list[str]:
        """Mandatory columns for which no column was found."""
        return [key for key in KEYS if key not in self.mapped]


def profile(path: str | Path) -> Profile:
    """Look at the first `MAX_ROWS` rows of a file. DataError where it cannot be read."""
    name = shown(path)
    candidate = look(Path(path), name)
    refuse_data(name, candidate.header)
    source = source_of(candidate, None, has_header=True)
    columns, rows, whole = _columns(source, candidate.header)
    if not rows:
        raise DataError(f"{name}: there are no rows below the header")
    found = Profile(name, candidate.kind, candidate.delimiter, rows, whole, columns)
    _guess(found)
    _formats(found)
    for column in columns:
        _check_values(column, found)
        _check_nhs_number(column, found)
        _examples(column)
    if isinstance(source, CsvSource):
        found.warnings += source.finish()
    found.warnings += [f"no column for {key}: add it by hand" for key in found.missing_keys]
    return found


def _columns(source: Source, header: list[str]) -> tuple[list[ColumnProfile], int, bool]:
    places = list(range(len(header)))
    counts: list[Counter[str]] = [Counter() for _ in places]
    full = [False] * len(places)
    filled = [0] * len(places)
    rows = 0
    whole = True
    tasks = source.tasks(places, lambda count: None)
    for task in tasks:
        for raw in task():
            rows += len(raw.lines)
            for place in places:
                texts = _texts(raw.columns[place])
                filled[place] += len(texts) - texts.null_count
                if full[place]:
                    continue
                for entry in texts.value_counts().to_pylist():
                    if entry["values"] is not None:
                        counts[place][entry["values"]] += entry["counts"]
                full[place] = len(counts[place]) > MAX_DISTINCT
        if rows >= MAX_ROWS:
            whole = next(iter(tasks), None) is None
            break
    columns = []
    for place, name in enumerate(header):
        sample = [value for value, _ in counts[place].most_common(SAMPLE)]
        columns.append(
            ColumnProfile(
                place + 1, name, rows, filled[place], len(counts[place]), full[place], values=sample
            )
        )
    return columns, rows, whole


def _texts(array: pa.Array) -> pa.Array:
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_nested(array.type):
        return pa.nulls(len(array), pa.string())
    if is_text(array.type):
        return as_dictionary(array).cast(pa.string())
    return array.cast(pa.string())


# ---------------------------------------------------------------- guesses


def _guess(found: Profile) -> None:
    """The surest column for each canonical one."""
    rivals: dict[str, list[ColumnProfile]] = {}
    for column in found.columns:
        guess = guess_name(column.name) or _guess_values(column)
        if guess is None:
            continue
        canonical, column.confidence, column.reason = guess
        if not column.filled:
            column.confidence *= 0.5  # a column without values gives way to one with
        rivals.setdefault(canonical, []).append(column)
    for canonical, columns in rivals.items():
        best = max(columns, key=lambda column: (column.confidence, -column.position))
        best.canonical = canonical
        for column in columns:
            if column is not best:
                column.reason = f"{best.name} fits {canonical} better"


def _guess_values(column: ColumnProfile) -> tuple[str, float, str] | None:
    for canonical, confidence in _BY_VALUES.items():
        if column.values and _share(column.values, _SHAPES[canonical]) > 0.98:
            return canonical, confidence, "values have its shape"
    return None


def _share(values: list[str], shape: re.Pattern[str]) -> float:
    return sum(bool(shape.fullmatch(value.strip())) for value in values) / len(values)


def _formats(found: Profile) -> None:
    """The date and time formats that read most, and the texts that stand for missing."""
    blanks: Counter[str] = Counter()
    typed: dict[FieldType, list[str]] = {"date": [], "time": []}
    for name, column in found.mapped.items():
        known = field_of(name)
        texts = [value.strip() for value in column.values]
        blanks.update(text for text in texts if text in MISSING_CODES)
        if known is not None and known.type in typed:
            typed[known.type] += [text for text in texts if text not in MISSING_CODES and text]
    found.blank_values = sorted(set(blanks) - DEFAULT_BLANKS)
    found.date_formats = _reading_most(typed["date"], "date", DATE_FORMATS)
    found.time_formats = _reading_most(typed["time"], "time", TIME_FORMATS)


def _reading_most(texts: list[str], kind: FieldType, formats: tuple[str, ...]) -> list[str]:
    """Formats in the order in which they read what the ones before them cannot."""
    chosen: list[str] = []
    left = texts
    while left:
        best, rest = "", left
        for form in formats:
            reading = Reading(date_formats=(form,), time_formats=(form,))
            unread = [text for text in left if not _reads(text, kind, reading)]
            if len(unread) < len(rest):
                best, rest = form, unread
        if not best or len(left) - len(rest) < max(1, len(texts) // 100):
            break
        chosen.append(best)
        left = rest
    return chosen or [formats[0]]


def _reads(text: str, kind: FieldType, reading: Reading) -> bool:
    try:
        read_one(text, kind, reading)
    except ValueError:
        return False
    return True


def _check_values(column: ColumnProfile, found: Profile) -> None:
    """Whether the values of a column bear out the guess of its name."""
    known = field_of(column.canonical) if column.canonical else None
    blank = DEFAULT_BLANKS | set(found.blank_values)
    texts = [value.strip() for value in column.values if value.strip() not in {"", *blank}]
    if known is None or not texts:
        return
    family = column.canonical.rsplit("_", 1)[0] if known.repeats else column.canonical
    if known.type in {"integer", "date", "time", "money", "factor"}:
        reading = Reading(tuple(found.date_formats), tuple(found.time_formats), frozenset(blank))
        share = sum(_reads(text, known.type, reading) for text in texts) / len(texts)
        what: str = known.type
    elif family in _SHAPES:
        share = _share(texts, _SHAPES[family])
        what = "code of this kind"
    else:
        return
    if share < 0.9:
        column.confidence *= share
        column.warning = f"{1 - share:.0%} of the values are no {what}"
        if share < 0.5:
            column.reason = f"{column.reason}, but the values do not fit {column.canonical}"
            column.canonical = ""
    else:
        column.reason += "; values fit"


def _check_nhs_number(column: ColumnProfile, found: Profile) -> None:
    if not column.values:
        return
    passing = sum(is_nhs_number(value) for value in column.values)
    if passing >= 3 and passing > 0.5 * len(column.values):
        column.warning = "looks like NHS numbers"
        found.warnings.append(
            f"column {column.position} ({column.name}) looks like NHS numbers (ten digits that "
            "pass the check): pseudonymise the extract before it is shared"
        )


def _examples(column: ColumnProfile) -> None:
    """The most frequent values, where they point at nobody."""
    known = field_of(column.canonical) if column.canonical else None
    if column.warning == "looks like NHS numbers":
        return
    if known is not None:
        open_column = known.type != "identifier"
    else:
        open_column = column.distinct <= CODE_LIST and column.rows >= CODE_LIST_ROWS
    if open_column:
        column.examples = [value[:24] for value in column.values[:3]]


# ---------------------------------------------------------------- a layout


def layout_text(found: Profile, layout_id: str) -> str:
    """The proposal as YAML: a layout for files like this one."""
    lines = [
        f"# Proposed from {Path(found.name).name}: read it through before you rely on it.",
        f"id: {_quoted(layout_id)}",
        'version: "1"',
        f"title: {_quoted(f'Files like {Path(found.name).name}')}",
        "dataset: episodes",
        "status: partial",
        f"recognise: [{', '.join(_quoted(name) for name in _recognise(found))}]",
    ]
    if found.delimiter:
        lines.append(f"delimiter: {found.delimiter}")
    lines.append(f"date_formats: [{', '.join(_quoted(form) for form in found.date_formats)}]")
    lines.append(f"time_formats: [{', '.join(_quoted(form) for form in found.time_formats)}]")
    if found.blank_values:
        lines.append(f"blank_values: [{', '.join(_quoted(text) for text in found.blank_values)}]")
    lines.append("columns:")
    lines += [
        f"  # {key}: {{column: ...}}   missing: name its column" for key in found.missing_keys
    ]
    for canonical, column in found.mapped.items():
        where = f"column: {_quoted(column.name)}" if column.name else f"position: {column.position}"
        note = column.reason + (f"; {column.warning}" if column.warning else "")
        lines.append(f"  {canonical}: {{{where}}}  # {note}")
    unused = [column.name for column in found.columns if not column.canonical and column.name]
    if unused:
        lines.append("# not mapped:")
        lines += [f"#   {_quoted(name)}" for name in unused]
    return "\n".join(lines) + "\n"


def _recognise(found: Profile) -> list[str]:
    """A few columns by which the file can be known again: the surest ones."""
    names = Counter(column.name for column in found.columns)
    ranked = sorted(found.mapped.values(), key=lambda column: -column.confidence)
    return [column.name for column in ranked if names[column.name] == 1 and column.name][:6]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
