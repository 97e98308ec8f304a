"""Worlds in which the rules that ship find something: their own tests, shaken, within a year.

Every record of an inline test stands in one world with those of other rules and with an artificial
year of all datasets, registers and a history, so that rules look at records that were not made for
them. What a test's records are changed to are values of other tests, blanks, and near ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from random import Random

import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.other_columns import other_block
from tariff.engine.other_outcome import PriceOptions
from tariff.engine.pipeline import Priced, Stages, read_frame, run_stages
from tariff.engine.price import MffChoice
from tariff.engine.record_set import Block, RecordSet
from tariff.engine.register_columns import register_block
from tariff.engine.select import looked_at
from tariff.extract import Extract, from_arrow
from tariff.extract.fields import ARROW_TYPE, REGISTERS
from tariff.packs.compile import Rulebook
from tariff.packs.model import Rule, RuleTest, SignaturesPack
from tariff.reference.care import Care
from tariff.reference.record_tables import RecordTables
from tariff.reference.records import records_of
from tariff.reference.values import Value
from tariff.reference.world import Record, World
from tests.reference.rule_tests import register_rows
from tests.simulate.years import tables_of

Texts = dict[str, str]
Key = tuple[str, str]  # source and kind
SOURCES = ("extract", "history", "national", "earlier")
KINDS = ("spells", "attendances", "emergency", "critical_care", "lines")
OWNED = ("patient_id", "spell_id", "attendance_id", "line_id", "period_id", "approval_id",
         "record_id", "challenge_id")  # fmt: skip
EPISODES = 120
OPTIONS = PriceOptions(None, MffChoice(None, None))
WORLDS = 6


@dataclass(frozen=True)
class Case:
    """A test of a rule, changed or as it stands; its identifiers begin with its name."""

    name: str
    rule: Rule
    test: RuleTest
    changed: bool
    rows: Mapping[Key, Sequence[Texts]] = field(repr=False)


# ---------------------------------------------------------------- rows


def rows_of(pack: SignaturesPack, test: RuleTest) -> dict[Key, list[Texts]]:
    """The rows of a test by source and kind, with what defaults fill in."""
    found: dict[Key, list[Texts]] = {}
    for name, rows in {"spells": test.rows, **test.others}.items():
        source, _, kind = name.rpartition("/")
        defaults = pack.test_defaults if kind == "spells" else pack.test_defaults_of.get(kind, {})
        base = {column: str(value) for column, value in defaults.items()}
        key = "extract" if source.startswith("register") else source or "extract", kind
        found[key] = [{**base, **row} for row in rows]
    return found


class Shaker:
    """Changes fields of the rows of a test."""

    def __init__(self, rng: Random, everything: Iterable[Mapping[Key, Sequence[Texts]]]) -> None:
        self.rng = rng
        self.pool: dict[tuple[str, str], list[str]] = {}  # by kind and column
        for rows in everything:
            for (_, kind), held in rows.items():
                for row in held:
                    for column, value in row.items():
                        self.pool.setdefault((kind, column), []).append(value)

    def shaken(
        self, rows: Mapping[Key, Sequence[Texts]], asked: frozenset[str], edits: int
    ) -> dict[Key, list[Texts]]:
        """The rows of a test with as many cells changed, most of them that the rule looks at."""
        out = {key: [dict(row) for row in held] for key, held in rows.items()}
        cells = [
            (key, place, column)
            for key, held in out.items()
            for place, row in enumerate(held)
            for column in sorted(row)
        ]
        looked = [cell for cell in cells if cell[2] in asked]
        for _ in range(edits):
            among = looked if looked and self.rng.random() < 0.8 else cells
            (source, kind), place, column = self.rng.choice(among)
            row = out[source, kind][place]
            row[column] = self.value(kind, column, row[column])
        return out

    def value(self, kind: str, column: str, before: str) -> str:
        """Another value: a near one, none at all, or one that another row has."""
        rng = self.rng
        if before.count("-") == 2 and before[:4].isdigit() and rng.random() < 0.7:
            day = date.fromisoformat(before) + timedelta(days=rng.choice([-30, -2, -1, 1, 2, 30]))
            return day.isoformat()
        if before.isdigit() and not before.startswith("0") and rng.random() < 0.4:
            return str(max(0, int(before) + rng.choice([-1, 1])))
        if rng.random() < 0.15 and column not in ("provider", *OWNED):
            return ""
        return rng.choice(self.pool[kind, column])


def cases_of(pack: SignaturesPack, rules: Sequence[Rule], rng: Random) -> Iterator[list[Case]]:
    """Worlds of cases: each test as it stands in one, and changed in the next.

    Tests of one rule are spread: what registers of no one person say to one, another would hear.
    """
    given = {
        (rule.id, place): rows_of(pack, test)
        for rule in rules
        for place, test in enumerate(rule.tests)
    }
    shaker = Shaker(rng, given.values())
    for world in range(WORLDS):
        cases: list[Case] = []
        for rule in rules:
            for place, test in enumerate(rule.tests):
                turn = (world - place) % WORLDS
                if turn > 1:
                    continue
                edits = rng.choice([1, 2]) if turn else 0
                name = f"{rule.id}.{place}.{edits}"
                rows = shaker.shaken(given[rule.id, place], frozenset(looked_at(rule)), edits)
                cases.append(Case(name, rule, test, edits > 0, rows))
        yield cases


@cache
def a_year() -> dict[str, list[Texts]]:
    """A small artificial year, as text."""
    found: dict[str, list[Texts]] = {}
    for name, table in tables_of(episodes=EPISODES, seed=3, providers=3).items():
        cells = {
            column: pc.cast(table.column(column), pa.string()).to_pylist()
            for column in table.column_names
        }
        rows = [
            {column: values[place] for column, values in cells.items() if values[place]}
            for place in range(table.num_rows)
        ]
        found["spells" if name == "episodes" else name] = rows
    return found


def beside(rng: Random, rows: dict[Key, list[Texts]]) -> None:
    """Put a year beside the rows: the extract, and parts of it as other files have them."""
    for name, held in a_year().items():
        rows.setdefault(("extract", name), []).extend(held)
        if name in REGISTERS:
            continue
        for source in SOURCES[1:]:
            for row in held:
                if rng.random() < 0.3:
                    again = dict(row)
                    if rng.random() < 0.5:
                        column = rng.choice(sorted(again))
                        again[column] = rng.choice(held).get(column, again[column])
                    rows.setdefault((source, name), []).append(again)


# ---------------------------------------------------------------- both sides


@dataclass(frozen=True)
class Both:
    """One world: for the oracle with the rows behind it, for the engine with what it priced."""

    world: World
    care: Care
    records: RecordSet
    priced: Priced


def both_sides(
    rulebook: Rulebook, tables: RecordTables, cases: Sequence[Case], rng: Random
) -> Both:
    """The world of some cases within a year, for the oracle and for the engine."""
    rows: dict[Key, list[Texts]] = {}
    for case in cases:
        for key, held in case.rows.items():
            rows.setdefault(key, []).extend(_own(case.name, row) for row in held)
    beside(rng, rows)
    records: dict[Key, Sequence[Record]] = {}
    read: dict[Key, list[dict[str, Value]]] = {}
    blocks: list[Block] = []
    priced: dict[str, Priced] = {}
    for source in SOURCES:
        for kind in KINDS:
            if rows.get((source, kind)):
                extract = _extract(kind, rows[source, kind])
                if kind == "spells":
                    frame = read_frame(extract.batches(), extract.fields)
                    priced[source] = run_stages(rulebook, frame, Stages(), source)
                    blocks.append(priced[source].columns)
                else:
                    blocks.append(other_block(extract, rulebook, OPTIONS, source))
                read[source, kind] = canonical = _canonical(kind, rows[source, kind])
                records[source, kind] = records_of(tables, kind, canonical)
    for name in REGISTERS:
        if of_register := rows.get(("extract", name)):
            values = register_rows(name, of_register)
            blocks.append(register_block(name, _register(name, values)))
            records["extract", name] = records_of(tables, name, values)
    care = Care.of(tables, read)
    return Both(World(records), care, RecordSet(blocks), priced["extract"])


def _own(case: str, row: Texts) -> Texts:
    """A row with identifiers of its own."""
    return {
        name: f"{case}/{value}" if name in OWNED and value else value for name, value in row.items()
    }


def _extract(kind: str, rows: Sequence[Texts]) -> Extract:
    dataset = "episodes" if kind == "spells" else kind
    names = sorted({name for row in rows for name in row})
    table = pa.table({n: pa.array([row.get(n) for row in rows], pa.string()) for n in names})
    return from_arrow(table, max_bad_rows=1.0, dataset=dataset)


def _canonical(kind: str, rows: Sequence[Texts]) -> list[dict[str, Value]]:
    """The rows that can be read, as the reader gives them."""
    found: list[dict[str, Value]] = []
    for batch in _extract(kind, rows).batches():
        found += batch.drop_columns(["_file", "_line"]).to_pylist()
    return found


def _register(name: str, rows: Sequence[Mapping[str, Value]]) -> pa.Table:
    columns = {}
    for column in REGISTERS[name]:
        kind = ARROW_TYPE[column.type]
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        columns[column.name] = pa.array([row.get(column.name) for row in rows], plain)
    return pa.table(columns)
