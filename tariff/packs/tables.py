"""The CSV side tables of packs: which columns each kind has, and how they are read.

Cells stay text; whether a number is one is checked here, once, over the distinct values of a
column, so that reading a table costs little more than splitting it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tariff.packs.columns import CELLS, Column, TableSpec, optional
from tariff.packs.contract_tables import CONTRACT_TABLES, TERMS_TABLES
from tariff.packs.price_tables import PRICE_TABLES
from tariff.packs.problems import START, Position, Problems
from tariff.packs.tree import decode_text, read_bytes

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Table:
    """A side table, by column. `lines` gives the line of each row in the file."""

    name: str
    columns: dict[str, list[str]]
    lines: Sequence[int] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, row: int, column: str = "") -> Position:
        """Where a cell stands; the start of its row without a column."""
        names = list(self.columns)
        if column not in names:
            return Position(self.lines[row], 1)
        cells = [self.columns[name][row] for name in names]
        return Position(self.lines[row], _offset(cells, names.index(column)))

    def integers(self, column: str) -> list[int | None]:
        """A column of whole numbers; None where it is blank."""
        return [int(cell) if cell else None for cell in self.columns[column]]

    def decimals(self, column: str) -> list[Decimal | None]:
        """A column of exact numbers; None where it is blank."""
        return [Decimal(cell) if cell else None for cell in self.columns[column]]


_ROOTS = TableSpec(
    (
        Column("code"),
        Column("root", blank=True),  # of a procedure that never drives
        Column("root_child", blank=True),
        Column("rank", "integer"),
        Column("doubt", "flag", blank=True),
        Column("note", "text", blank=True),
    ),
    key=("code",),
)

_SPLITS = TableSpec(
    (
        Column("hrg"),
        Column("root"),
        *optional(
            "integer",
            "cc_min cc_max age_min age_max interventions_min interventions_max "
            "stay_min stay_max diagnosis_score_min diagnosis_score_max",
        ),
        Column("condition", blank=True),
    )
)

_DOUBT = (Column("doubt", "flag", blank=True), Column("note", "text", blank=True))

_SCORES = TableSpec((Column("code"), Column("score", "integer"), *_DOUBT), key=("code",))

TABLES: dict[str, dict[str, TableSpec]] = {
    "codes": {
        "codes": TableSpec((Column("code"),), key=("code",)),
        "limits": TableSpec(
            (Column("code"), Column("sex", blank=True), *optional("integer", "age_min age_max")),
            key=("code",),
        ),
    },
    "splits": {"splits": _SPLITS, "unpriced": _SPLITS},
    "roots": {
        "diagnoses": _ROOTS,
        "procedures": _ROOTS,
        "redirects": TableSpec(
            (
                Column("root"),
                *optional("text", "driver procedures no_procedures primary diagnoses no_diagnoses"),
                *optional("integer", "age_min age_max stay_min stay_max"),
                Column("admission_source", "codes", blank=True),
                Column("to"),
                *_DOUBT,
            )
        ),
        "lists": TableSpec((Column("list"), Column("code")), key=("list", "code")),
        "dagger_pairs": TableSpec(
            (Column("dagger"), Column("asterisk")), key=("dagger", "asterisk")
        ),
        "short_stay": TableSpec(
            (Column("root"), Column("note", "text", blank=True)), key=("root",)
        ),
    },
    "injuries": {
        "trauma_diagnoses": TableSpec(
            (Column("code"), Column("site"), Column("score", "integer"), *_DOUBT), key=("code",)
        ),
        "trauma_procedures": _SCORES,
        "burn_diagnoses": TableSpec(
            (
                Column("code"),
                Column("deep", "flag", blank=True),
                Column("score", "integer"),
                *_DOUBT,
            ),
            key=("code",),
        ),
        "burn_areas": _SCORES,
        "burn_procedures": _SCORES,
    },
    "services": {
        "unbundled": TableSpec(
            (
                Column("code"),
                Column("with_codes", "text", blank=True),
                Column("hrg"),
                *_DOUBT,
            ),
            key=("code", "with_codes"),
        ),
        "unbundled_ages": TableSpec(
            (Column("hrg"), *optional("integer", "age_min age_max"), Column("to"))
        ),
        "services": TableSpec(
            (Column("service"), Column("code"), Column("note", "text", blank=True)), key=("code",)
        ),
        "same_day": TableSpec((Column("service"), Column("root")), key=("service",)),
    },
    "cc_lists": {
        "members": TableSpec((Column("code"), Column("subchapters", "codes")), key=("code",)),
        "scores": TableSpec(
            (Column("code"), Column("subchapter"), Column("score", "score")),
            key=("code", "subchapter"),
        ),
    },
    "emergency_groups": {
        "investigations": TableSpec(
            (Column("code"), Column("category", "integer"), *_DOUBT), key=("code",)
        ),
        "treatments": TableSpec(
            (
                Column("code"),
                Column("third_digits", "text", blank=True),
                Column("category", "integer"),
                *_DOUBT,
            ),
            key=("code",),
        ),
        "groups": TableSpec(
            (
                Column("investigation", "integer"),
                Column("treatment", "integer"),
                Column("hrg"),
                Column("dental", blank=True),
                *_DOUBT,
            ),
            key=("investigation", "treatment"),
        ),
    },
    "labels": {
        "labels": TableSpec((Column("hrg"), Column("label", "text")), key=("hrg",)),
        "chapters": TableSpec((Column("chapter"), Column("title", "text")), key=("chapter",)),
        "subchapters": TableSpec(
            (Column("subchapter"), Column("title", "text")), key=("subchapter",)
        ),
    },
    "tariff": {
        "prices": TableSpec(
            (
                Column("hrg"),
                *optional("decimal", "outpatient_procedure combined day_case ordinary_elective"),
                Column("elective_trim", "integer", blank=True),
                Column("non_elective", "decimal", blank=True),
                Column("non_elective_trim", "integer", blank=True),
                Column("per_day", "decimal", blank=True),
                Column("short_stay", "flag", blank=True),
                *optional("decimal", "short_stay_percent short_stay_price"),
            ),
            key=("hrg",),
        ),
        "tests": TableSpec((Column("name", "text"),), key=("name",), any_columns=True),
        # outpatient attendances by treatment function: WF01B, WF02B, WF01A, WF02A
        "attendances": TableSpec(
            (
                Column("treatment_function"),
                *optional(
                    "decimal",
                    "first_single first_multi follow_up_single follow_up_multi",
                ),
            ),
            key=("treatment_function",),
        ),
        # emergency attendances by HRG and department type
        "emergency": TableSpec(
            (Column("hrg"), Column("type_1_and_2", "decimal"), Column("type_3", "decimal")),
            key=("hrg",),
        ),
        # unbundled HRGs; the price includes reporting, given again beside it
        "unbundled": TableSpec(
            (Column("hrg"), Column("price", "decimal"), Column("reporting", "decimal", blank=True)),
            key=("hrg",),
        ),
        **PRICE_TABLES,
    },
    "other_care": {
        # payments that are no HRG, and the row of a tariff table that has their price
        "currencies": TableSpec(
            (
                Column("code"),
                Column("table"),  # maternity, other_prices, best_practice_prices
                Column("area", "text"),  # of maternity: the phase
                Column("name", "text"),  # of maternity: the level
                Column("point_of_delivery", blank=True),  # blank: as stated
            ),
            key=("code",),
        ),
        # a factor as people write it; without a printed factor it raises no level
        "maternity_words": TableSpec(
            (Column("phase"), Column("word", "text"), Column("factor", "text", blank=True)),
            key=("phase", "word"),
        ),
        "maternity_edges": TableSpec(
            (
                Column("phase"),
                Column("measure"),
                *optional("decimal", "above at_least below at_most"),
                Column("factor", "text"),
            ),
            key=("phase", "measure", "above", "at_least", "below", "at_most"),
        ),
        "tests": TableSpec((Column("name", "text"),), key=("name",), any_columns=True),
    },
    "contract": CONTRACT_TABLES,
    "contract_terms": TERMS_TABLES,
    "pod_codes": {
        "codes": TableSpec(
            (Column("code"), Column("setting"), Column("title", "text")), key=("code",)
        ),
        "aliases": TableSpec((Column("alias"), Column("code")), key=("alias",)),
        "hrgs": TableSpec((Column("prefix"), Column("code")), key=("prefix",)),
        "service_categories": TableSpec((Column("code"), Column("title", "text")), key=("code",)),
    },
    "points_of_delivery": {
        "excluded": TableSpec(
            (
                Column("of"),  # treatment_function, administrative_category
                Column("code"),
                *(Column(name, "year", blank=True) for name in ("from_year", "to_year")),
                Column("reason", "text"),
                Column("evidence"),
            ),
            key=("of", "code", "from_year"),
        ),
    },
    "mff": {
        "factors": TableSpec(
            (Column("provider"), Column("year", "year"), Column("mff", "decimal")),
            key=("provider", "year"),
        ),
        "providers": TableSpec((Column("provider"), Column("name", "text")), key=("provider",)),
        "successors": TableSpec(
            (
                *(Column(name) for name in ("old", "new")),
                Column("from", "date"),
                Column("source", "text"),
                Column("evidence"),
            ),
            key=("old",),
        ),
    },
}


def read_table(path: Path, spec: TableSpec, problems: Problems) -> Table | None:
    """A table of a pack, or None where anything in it is wrong. Problems go to `problems`."""
    data = read_bytes(path, MAX_BYTES, problems)
    text = None if data is None else decode_text(data, problems)
    if text is None:
        return None
    parsed = _rows(text, problems)
    if parsed is None:
        return None
    rows, lines = parsed
    header = rows[0]
    if not _header_fits(header, spec):
        _report_header(header, spec, problems)
        return None
    width = len(header)
    ragged = [index for index, row in enumerate(rows) if len(row) != width]
    for index in ragged:
        problems.add(
            "PK201", Position(lines[index]), f"{len(rows[index])} cells, the header has {width}"
        )
    if ragged:
        return None
    if len(rows) == 1:
        problems.add("PK205", START, "the table has no rows")
        return None
    columns = {name: cells for name, *cells in zip(*rows, strict=True)}
    table = Table(path.name, columns, lines[1:])
    _check_cells(table, spec, problems)
    _check_key(table, spec, problems)
    return None if problems.failed else table


def _rows(text: str, problems: Problems) -> tuple[list[list[str]], Sequence[int]] | None:
    """The rows that are not blank, and the line each begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        problems.add("PK204", Position(reader.line_num or 1), f"cannot be parsed: {error}")
        return None
    if reader.line_num == len(rows) and all(rows):
        return rows, range(1, len(rows) + 1)
    kept, lines, line = [], [], 0
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in reader:
        if row:
            kept.append(row)
            lines.append(line + 1)
        line = reader.line_num
    return kept, lines


def _header_fits(header: list[str], spec: TableSpec) -> bool:
    expected = spec.header
    if len(set(header)) != len(header):
        return False
    return header[: len(expected)] == expected if spec.any_columns else header == expected


def _report_header(header: list[str], spec: TableSpec, problems: Problems) -> None:
    expected = spec.header
    missing = [name for name in expected if name not in header]
    extra = [name for name in header if name not in expected and not spec.any_columns]
    twice = sorted({name for name in header if header.count(name) > 1})
    parts = [
        f"{what} {', '.join(repr(name) for name in names)}"
        for what, names in (("missing", missing), ("unknown", extra), ("twice", twice))
        if names
    ]
    what = "; ".join(parts) or "the columns are in another order"
    problems.add("PK200", START, f"header: {what}", f"expected {','.join(expected)}")


def _check_cells(table: Table, spec: TableSpec, problems: Problems) -> None:
    for column in spec.columns:
        pattern, form = CELLS[column.type]
        values = table.columns[column.name]
        bad = {
            value
            for value in set(values)
            if not (pattern.fullmatch(value) if value else column.blank)
        }
        if not bad:
            continue
        for row, value in enumerate(values):
            if value in bad:
                found = f"found '{value[:60]}'" if value else "the cell is blank"
                problems.add(
                    "PK203",
                    table.at(row, column.name),
                    f"{column.name}: expected {form}, {found}",
                )


def _check_key(table: Table, spec: TableSpec, problems: Problems) -> None:
    if not spec.key:
        return
    keys = list(zip(*(table.columns[name] for name in spec.key), strict=True))
    if len(set(keys)) == len(keys):
        return
    first: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(keys):
        before = first.setdefault(key, row)
        if before != row:
            problems.add(
                "PK202",
                table.at(row, spec.key[0]),
                f"{', '.join(spec.key)} '{' '.join(key)}' is in the table twice",
                f"first given in line {table.lines[before]}",
            )


def _offset(cells: list[str], index: int) -> int:
    """The column of a cell in its line, counted from 1, as a writer that quotes when it must."""
    return sum(map(_written_length, cells[:index])) + index + 1


def _written_length(cell: str) -> int:
    return len(cell) + (2 + cell.count('"') if any(mark in cell for mark in ',"\r\n') else 0)
