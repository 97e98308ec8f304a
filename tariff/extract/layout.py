"""Layouts: how the columns of a foreign file become canonical ones.

A layout is a YAML file (`rules/layouts/*.yaml`, or one of your own); docs/layouts.md says how to
write one. The classes here are its schema: field names are YAML keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from tariff.errors import PackError, UsageError
from tariff.extract.fields import DATASETS, field_of, keys_of
from tariff.extract.values import DEFAULT_BLANKS, Reading
from tariff.packs.load import shipped_folder
from tariff.packs.model import Code, Source
from tariff.packs.nodes import decode_file
from tariff.packs.problems import did_you_mean

Delimiter = Literal["auto", "comma", "tab", "pipe", "semicolon"]
MAX_TABLE_LIST = 99
NOTHING = Code("")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """Where one canonical column comes from: a column, a position (from 1), or a constant."""

    column: Code | None = None
    fallbacks: list[Code] = field(default_factory=list)  # columns to use where it is not there
    position: int | None = None
    constant: Code | None = None
    strip: Code = NOTHING  # characters to delete
    values: dict[str, Code] = field(default_factory=dict)  # texts that stand for others

    def check(self) -> Iterator[tuple[str, str]]:
        """One place, and a position from 1."""
        if self.constant is not None and (self.column is not None or self.position is not None):
            yield "constant", "a column is a constant or comes from the file, not both"
        if self.constant is None and self.column is None and self.position is None:
            yield "column", "give column, position or constant"
        if self.position is not None and self.position < 1:
            yield "position", "positions count from 1"
        if self.fallbacks and self.column is None:
            yield "fallbacks", "fallbacks stand beside a column"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySpec:
    """A family of columns: `{nn}` in the name is 01, 02 ...; `{n}` is 1, 2 ..."""

    column: Code | None = None
    position: int | None = None  # of the first; the others follow it
    count: int
    strip: Code = NOTHING

    def check(self) -> Iterator[tuple[str, str]]:
        """A name with a number in it, or a position."""
        if self.column is None and self.position is None:
            yield "column", "give column or position"
        if self.column is not None and not ("{nn}" in self.column or "{n}" in self.column):
            yield "column", "the name of a family has {nn} or {n} where its number stands"
        if not 1 <= self.count <= MAX_TABLE_LIST:
            yield "count", f"a family has 1 to {MAX_TABLE_LIST} columns"

    def member(self, number: int) -> ColumnSpec:
        """The column of the member with this number (from 1)."""
        name = None
        if self.column is not None:
            name = Code(self.column.replace("{nn}", f"{number:02}").replace("{n}", str(number)))
        position = None if self.position is None else self.position + number - 1
        return ColumnSpec(column=name, position=position, strip=self.strip)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One table of a layout of several.

    `rows` has the episodes, one a row. A `parent` has one row for many of them; a `list` has many
    rows for one, in the order of `order`. `key` names the columns by which a table is joined to
    the rows; they are called the same there.
    """

    role: Literal["rows", "parent", "list"]
    recognise: list[Code]
    key: list[Code] = field(default_factory=list)
    order: Code | None = None
    columns: dict[str, ColumnSpec] = field(default_factory=dict)
    lists: dict[str, ColumnSpec] = field(default_factory=dict)  # family: column

    def check(self) -> Iterator[tuple[str, str]]:
        """Keys, order and columns that fit the role."""
        if self.role != "rows" and not self.key:
            yield "key", f"a {self.role} needs the columns it is joined by"
        if self.role == "list" and self.order is None:
            yield "order", "a list needs the column it is ordered by"
        if (self.role == "list") != bool(self.lists):
            yield "lists", "a list has lists, and nothing else does"
        if self.role == "list" and self.columns:
            yield "columns", "a list has lists instead of columns"
        for name, spec in (self.columns | self.lists).items():
            if spec.column is None and spec.constant is None:
                yield "columns", f"{name}: columns of several tables are named, not counted"
        yield from _unknown(self.columns, self.lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file, or a set of tables, is written."""

    id: str
    version: str
    title: str
    dataset: Literal["episodes", "attendances", "emergency", "critical_care", "lines"] = "episodes"
    status: Literal["complete", "partial"]
    recognise: list[Code] = field(default_factory=list)
    delimiter: Delimiter = "auto"
    encoding: Literal["auto", "utf-8", "cp1252"] = "auto"
    header: Literal["yes", "no", "optional"] = "yes"
    skip_lines: int = 0
    sheet: str = ""
    date_formats: list[Code] = field(default_factory=lambda: [Code("YYYY-MM-DD")])
    time_formats: list[Code] = field(default_factory=lambda: [Code("HH:MM"), Code("HH:MM:SS")])
    blank_values: list[Code] = field(default_factory=list)
    money: Literal["pounds", "pence"] = "pounds"
    columns: dict[str, ColumnSpec] = field(default_factory=dict)
    families: dict[str, FamilySpec] = field(default_factory=dict)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    last_checked: date | None = None
    notes: list[str] = field(default_factory=list)

    def check(self) -> Iterator[tuple[str, str]]:
        """Known canonical names, the keys among them, one table of rows."""
        yield from _unknown(self.columns, self.families, self.dataset)
        if self.tables:
            if self.dataset != "episodes":
                yield "tables", "several tables are read as episodes only"
            if self.columns or self.families:
                yield "tables", "columns stand in the tables of a layout of several"
            if [table.role for table in self.tables.values()].count("rows") != 1:
                yield "tables", "exactly one table has the role rows"
        for name, family in self.families.items():
            first = field_of(f"{name}_01", self.dataset)
            if first and family.count > first.repeats:
                yield "families", f"{name} has at most {first.repeats} columns"
        mapped = set(self.columns).union(*(table.columns for table in self.tables.values()))
        for key in keys_of(self.dataset):
            if key not in mapped:
                yield "tables" if self.tables else "columns", f"{key} is not mapped"
        if self.header == "no" and any(
            spec.position is None and spec.constant is None for spec in self.specs().values()
        ):
            yield "header", "columns of a file without header need a position"
        if self.skip_lines < 0:
            yield "skip_lines", "a number of lines"
        for form in [*self.date_formats, *self.time_formats]:
            if not any(token in form for token in ("YY", "HH")):
                yield "date_formats", f"{form}: write it with YYYY, MM, MMM, DD, HH, SS"

    def specs(self) -> dict[str, ColumnSpec]:
        """Canonical column to its place in the file, families written out."""
        found = dict(self.columns)
        for name, family in self.families.items():
            for number in range(1, family.count + 1):
                found[f"{name}_{number:02}"] = family.member(number)
        return found

    def reading(self) -> Reading:
        """How the cells are written."""
        return Reading(
            date_formats=tuple(self.date_formats),
            time_formats=tuple(self.time_formats),
            blanks=DEFAULT_BLANKS | frozenset(self.blank_values),
            pence=self.money == "pence",
        )

    def recognises(self, header: list[str]) -> bool:
        """Whether a header has every column by which the layout is known."""
        return bool(self.recognise) and has_all(header, self.recognise)

    def table_of(self, header: list[str]) -> str | None:
        """Which of the layout's tables a header is of."""
        fitting = [
            (len(table.recognise), name)
            for name, table in self.tables.items()
            if has_all(header, table.recognise)
        ]
        return max(fitting)[1] if fitting else None


def _unknown(
    columns: dict[str, ColumnSpec],
    families: dict[str, FamilySpec] | dict[str, ColumnSpec],
    dataset: str = "episodes",
) -> Iterator[tuple[str, str]]:
    known = {name for name in columns if field_of(name, dataset)}
    for name in columns:
        if name not in known:
            yield "columns", f"unknown canonical column '{name}' (see docs/fields.md)"
    for name in families:
        first = field_of(f"{name}_01", dataset)
        if first is None or not first.repeats:
            named = ", ".join(item.name[:-3] for item in DATASETS[dataset] if item.repeats)
            yield "families", f"unknown family '{name}': {named}"


def plain(name: str) -> str:
    """A column name as it is compared: case and outer spaces do not matter."""
    return name.strip().casefold()


def has_all(header: list[str], names: list[Code]) -> bool:
    """Whether all names stand in a header."""
    return {plain(name) for name in names} <= {plain(name) for name in header}


# ---------------------------------------------------------------- finding layouts


@cache
def shipped_layouts() -> dict[str, Layout]:
    """The layouts that ship, by id. PackError when one is invalid."""
    folder = shipped_folder() / "layouts"
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        layout = read_layout(path)
        found[layout.id] = layout
    return found


def read_layout(path: Path) -> Layout:
    """A layout file. PackError with every problem in it."""
    layout, problems = decode_file(path, Layout)
    if layout is None:
        raise PackError(
            [problem for problem in problems if problem.severity == "error"],
            hint="docs/layouts.md says how a layout is written",
        )
    return layout


def find_layout(name: str | os.PathLike[str] | Layout) -> Layout:
    """A layout by id, by path of a YAML file, or by path of the national grouper's RDF."""
    if isinstance(name, Layout):
        return name
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix == ".rdf":
        from tariff.extract.rdf import read_rdf

        return read_rdf(path)
    if suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise UsageError(f"{name}: there is no such layout file", hint="check the path")
        return read_layout(path)
    layouts = shipped_layouts()
    if str(name) not in layouts:
        near = did_you_mean(str(name), set(layouts), "layouts")
        listed = f"known: {', '.join(sorted(layouts))}"
        raise UsageError(
            f"there is no layout '{name}'",
            hint=listed if near.startswith("layouts") else f"{near} {listed}",
        )
    return layouts[str(name)]
