"""Put the sheets of a workbook together as the tables of one pack."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tariff.errors import DataError, UsageError
from tariff.packs.importing_prices.blocks import titles
from tariff.packs.importing_prices.factors import short_stay_rule
from tariff.packs.importing_prices.log import Log
from tariff.packs.importing_prices.reading import Reading, Row, years_in
from tariff.packs.importing_prices.recognise import Kind, kind_of
from tariff.packs.importing_prices.sheets import Sheet, Source
from tariff.packs.tables import TABLES

SPECS = TABLES["tariff"]
BANDS = "short stay bands"
FIRST_WINS = {"names"}  # a name may be printed in many ways: the first stands

Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Workbook:
    """The tables of one year of a workbook, and what each sheet became."""

    year: str
    title: str
    tables: Tables
    short_stay_rule: dict[str, object] | None = None  # as a sheet of the workbook words it


def gather(source: Source, year: str = "") -> Workbook:
    """Read every sheet; raises with all problems of all sheets."""
    shown = [sheet for sheet in source.sheets if not sheet.hidden]
    if not shown:
        raise DataError(f"{source.name}: every sheet is hidden")
    chosen = _year(source, shown, year)
    log = Log()
    readings: list[tuple[Sheet, Kind | None, Reading | None]] = []
    for sheet in source.sheets:
        kind = None if sheet.hidden else kind_of(sheet)
        reading = None
        if kind and kind.read and _is_of(sheet, chosen):
            reading = Reading(sheet, log, chosen)
            kind.read(reading)
        readings.append((sheet, kind, reading))
    _check_found(source, readings)
    tables = _together(log, [reading for _, _, reading in readings if reading])
    log.check()
    tables["sheets"] = [_sheet_row(log, *item, chosen) for item in readings]
    rules = [short_stay_rule(sheet) for sheet, kind, _ in readings if kind and kind.what == BANDS]
    return Workbook(chosen, _title(source), tables, next(filter(None, rules), None))


# ---------------------------------------------------------------- years


def _sheet_years(sheet: Sheet) -> list[str]:
    for text in (*titles(sheet), re.sub(r"[_ ]", ".", sheet.name)):
        found = years_in(text)
        if found:
            return found
    return []


def _year(source: Source, sheets: Iterable[Sheet], given: str) -> str:
    """The year asked for, else the one year that the titles name."""
    named = Counter(year for sheet in sheets for year in _sheet_years(sheet))
    if given:
        if named and given not in named:
            years = " and ".join(sorted(named))
            raise UsageError(
                f"{source.name} names {years}, not {given}", hint="leave --year out, or mend it"
            )
        return given
    if not named:
        raise UsageError(f"no sheet of {source.name} names a year", hint="give --year 2022/23")
    (year, most), *rest = named.most_common()
    if any(count > most / 2 for _, count in rest):
        years = " and ".join(sorted(named))
        raise UsageError(f"{source.name} names {years}", hint=f"choose one, such as --year {year}")
    return year


def _is_of(sheet: Sheet, year: str) -> bool:
    """Whether a sheet is of a year; one that names none is of any."""
    years = _sheet_years(sheet)
    return not years or year in years


def _title(source: Source) -> str:
    """The title of the front page or the contents, else the name of the file."""
    for sheet in source.sheets:
        if re.match(r"front|contents", sheet.name.lower()) and titles(sheet):
            return titles(sheet)[0]
    return source.name


# ---------------------------------------------------------------- tables


def _check_found(
    source: Source, readings: Sequence[tuple[Sheet, Kind | None, Reading | None]]
) -> None:
    if not any(reading and "prices" in reading.tables for _, _, reading in readings) and not any(
        reading and reading.log.problems for _, _, reading in readings
    ):
        empty = [sheet.name for sheet, kind, found in readings if found and _is_admitted(kind)]
        if empty:
            raise DataError(
                f"{source.name}, sheet '{empty[0]}': there are no prices below its headings",
                hint="a row of it is an HRG and its prices of admitted care",
            )
        names = ", ".join(f"'{sheet.name}'" for sheet, _, _ in readings)
        raise DataError(
            f"{source.name} has no sheet of admitted prices of that year",
            hint=f"its sheets are {names}"[:600],
        )


def _is_admitted(kind: Kind | None) -> bool:
    return kind is not None and kind.what == "admitted prices"


def _together(log: Log, readings: Sequence[Reading]) -> Tables:
    """The rows of all sheets; one printed twice counts once, two that differ are a problem."""
    tables: Tables = {}
    for name, spec in SPECS.items():
        rows: list[Row] = []
        first: dict[tuple[str, ...], tuple[Row, Reading]] = {}
        for reading in readings:
            for row in reading.tables.get(name, []):
                key = tuple(row[column] for column in spec.key)
                if not spec.key:
                    rows.append(row)
                    continue
                before, other = first.setdefault(key, (row, reading))
                if before is row:
                    rows.append(row)
                elif before != row and name not in FIRST_WINS:
                    _differ(log, name, before, other, row, reading)
        if rows:
            by_code = spec.key and spec.columns[0].type == "code"
            tables[name] = sorted(rows, key=lambda row: _key(row, spec.key)) if by_code else rows
    return tables


def _key(row: Row, key: tuple[str, ...]) -> list[str]:
    return [row[column] for column in key]


def _differ(log: Log, table: str, before: Row, other: Reading, row: Row, reading: Reading) -> None:
    columns = [name for name in row if row[name] != before[name]]
    code = " ".join(filter(None, (row[name] for name in SPECS[table].key)))
    figures = "; ".join(
        f"{name} {before[name] or 'blank'} and {row[name] or 'blank'}" for name in columns
    )
    where = "" if other is reading else f" of sheet '{other.sheet.name}'"
    at = reading.places[id(row)]
    first = other.places[id(before)] + 1
    reading.problem(
        at, -1, f"{code} stands twice and differs: {figures}", f"first in row {first}{where}"
    )


def _sheet_row(
    log: Log, sheet: Sheet, kind: Kind | None, reading: Reading | None, year: str
) -> Row:
    """What a sheet became, and what is worth knowing of it."""
    tables = [name for name in reading.tables if name != "names"] if reading else []
    notes = list(log.notes.get(sheet.name, []))
    if sheet.hidden:
        notes.append("hidden: not read")
    elif kind is None:
        notes.append("not recognised: not read")
    elif kind.read is None:
        notes.append(f"explains only: {kind.what}")
    elif reading is None:
        notes.append(f"of another year than {year}")
    elif not tables:
        notes.append(f"{kind.what}: nothing found to read")
    return {
        "sheet": sheet.name,
        "title": next(iter(titles(sheet)), ""),
        "tables": " ".join(tables),
        "note": "; ".join(notes),
    }
