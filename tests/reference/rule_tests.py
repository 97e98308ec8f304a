"""Inline tests of rules, matched by the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import pyarrow as pa

from tariff.extract import from_arrow
from tariff.extract.fields import REGISTERS, Field
from tariff.packs.model import Rule, RuleTest, SignaturesPack
from tariff.reference.care import Care
from tariff.reference.finding import Finding
from tariff.reference.findings import findings_of
from tariff.reference.match import match_rule
from tariff.reference.record_tables import RecordTables
from tariff.reference.records import records_of
from tariff.reference.remedies import Lists
from tariff.reference.values import Value, half_up
from tariff.reference.world import Record, World

Texts = Mapping[str, str]
Row = dict[str, Value]


def canonical(dataset: str, rows: Sequence[Texts]) -> list[Row]:
    """Rows of text as the reader gives them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table(
        {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    )
    found: list[Row] = []
    for batch in from_arrow(table, dataset=dataset).batches():
        found += batch.drop_columns(["_file", "_line"]).to_pylist()
    assert len(found) == len(rows), f"{dataset}: a row of the test is a reject"
    return found


def register_rows(name: str, rows: Sequence[Texts]) -> list[Row]:
    """Rows of a register by the types of its columns."""
    types = {field.name: field for field in REGISTERS[name]}
    return [{column: _cell(types[column], text) for column, text in row.items()} for row in rows]


def _cell(field: Field, text: str) -> Value:
    if text == "":
        return None
    if field.type == "date":
        return pa.scalar(text).cast(pa.date32()).as_py()  # type: ignore[no-any-return]
    if field.type in ("money", "factor"):
        units = 100 if field.type == "money" else 10**9
        return half_up(Fraction(text) * units)
    if field.type == "integer":
        return int(text)
    if field.type == "identifier":
        return text
    return text.lower() if field.lower else text.upper()


def world_of_test(tables: RecordTables, pack: SignaturesPack, test: RuleTest) -> tuple[World, Care]:
    """The records of a test, and the rows they are of: what it lists by source and kind."""
    held: dict[tuple[str, str], Sequence[Record]] = {}
    care: dict[tuple[str, str], Sequence[Row]] = {}
    for name, rows in {"spells": test.rows, **test.others}.items():
        source, _, kind = name.rpartition("/")
        if not rows:
            continue
        defaults = pack.test_defaults if kind == "spells" else pack.test_defaults_of.get(kind, {})
        filled = [{**{n: str(v) for n, v in defaults.items()}, **row} for row in rows]
        if source.startswith("register"):
            held["extract", kind] = records_of(tables, kind, register_rows(kind, filled))
            continue
        key = source or "extract", kind
        care[key] = canonical("episodes" if kind == "spells" else kind, filled)
        held[key] = records_of(tables, kind, care[key])
    return World(held), Care.of(tables, care)


def findings_of_test(
    tables: RecordTables, pack: SignaturesPack, rule: Rule, test: RuleTest
) -> list[Finding]:
    """What the rule finds in a test, and what it is worth."""
    lists = {name: [str(code) for code in held] for name, held in pack.lists.items()}
    world, care = world_of_test(tables, pack, test)
    hits = match_rule(rule, world, lists)
    return findings_of(care, world, rule, hits, Lists(lists, pack.maps))
