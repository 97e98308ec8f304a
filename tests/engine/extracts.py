"""Tiny extracts in canonical columns, as text, checked with the packs that ship."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from tariff.engine.price import MffChoice
from tariff.engine.run import Options, Run, check
from tariff.extract import Extract, from_arrow
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.load import load_packs
from tariff.schemas import MFF_UNIT

Row = dict[str, str]
Record = dict[str, Any]

MFF = "1.171131"  # R1H, 2022/23

# An emergency stay of seven days with pneumonia, DZ11T: 3,101 in 2022/23, trim point 17, 270 a day.
STAY: Row = {
    "provider": "R1H",
    "patient_id": "P1",
    "spell_id": "A",
    "episode_order": "1",
    "sex": "1",
    "age": "60",
    "patient_classification": "1",
    "admission_source": "19",
    "admission_method": "21",
    "discharge_destination": "19",
    "discharge_method": "1",
    "main_specialty": "300",
    "treatment_function": "300",
    "neonatal_care": "8",
    "diag_01": "J181",
    "admission_date": "2022-05-03",
    "discharge_date": "2022-05-10",
}
# A knee replacement, HN22E: 6,313 elective in 2022/23, trim point 7, 299 a day.
KNEE: Row = {
    "admission_method": "11",
    "treatment_function": "110",
    "main_specialty": "110",
    "diag_01": "M171",
    "oper_01": "W401",
}


def stay(**values: str) -> Row:
    """An episode: `STAY` and what is said otherwise. A value of "" is a blank."""
    return {**STAY, **values}


def bill(hrg: str, price: str, mff: str = MFF, **values: str) -> Row:
    """What is billed: an HRG, its price, the factor, and the total of both."""
    total = (Decimal(price) * Decimal(mff)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    row = {"billed_hrg": hrg, "billed_price": price, "billed_mff": mff, "billed_total": str(total)}
    return {**row, **values}


DZ11T = bill("DZ11T", "3101.00")  # 363168 pence


@cache
def shipped() -> Rulebook:
    """The packs that ship, compiled once for all tests."""
    return rulebook_of(load_packs())


def rulebook_with(*folders: Path) -> Rulebook:
    """The packs that ship, some of them replaced."""
    return Rulebook(load_packs(folders))


def table_of(rows: Sequence[Row], without: Iterable[str] = ()) -> pa.Table:
    """Rows as a table of text; a column that a row does not have is null in it."""
    names = dict.fromkeys(name for row in rows for name in row)
    left = [name for name in names if name not in set(without)]
    return pa.table({n: pa.array([row.get(n) for row in rows], pa.string()) for n in left})


def extract_of(rows: Sequence[Row], without: Iterable[str] = ()) -> Extract:
    """Rows as an extract."""
    return from_arrow(table_of(rows, without))


def run(
    *rows: Row,
    without: Iterable[str] = (),
    rulebook: Rulebook | None = None,
    keep: bool = False,
    **options: Any,
) -> Run:
    """Check rows on one thread unless the options say otherwise."""
    given = Options(**{"threads": 1, **options})
    return check(extract_of(rows, without), given, rulebook=rulebook or shipped(), keep=keep)


def factor(text: str) -> MffChoice:
    """The option --mff."""
    return MffChoice(factor=int(Decimal(text) * MFF_UNIT))


# ---------------------------------------------------------------- what comes out


def spell(done: Run, spell_id: str = "A") -> Record:
    """One spell of a run."""
    (record,) = [row for row in done.spells.to_pylist() if row["spell_id"] == spell_id]
    return record


def found(done: Run, rule: str | None = None) -> list[Record]:
    """The findings of a run, of one rule where asked."""
    rows = done.findings.to_pylist()
    return [row for row in rows if rule is None or row["rule"] == rule]


def one(done: Run, rule: str) -> Record:
    """The one finding of a rule."""
    (record,) = found(done, rule)
    return record


def settled(done: Run) -> dict[str, int | None]:
    """Settled pence by rule, for runs where each rule finds one thing."""
    rows = found(done)
    assert len({row["rule"] for row in rows}) == len(rows)
    return {row["rule"]: row["settled_pence"] for row in rows}


def reasons(record: Record) -> set[str]:
    """The reasons of a price."""
    return set((record["price_reasons"] or "").split())


def evidence(finding: Record) -> dict[str, str]:
    """The evidence of a finding by label."""
    return dict(json.loads(finding["evidence"]))


def rule_of(done: Run, rule: str) -> Record:
    """What the manifest says of a rule."""
    (record,) = [row for row in done.manifest["rules"] if row["id"] == rule]
    return record


def as_csv(table: pa.Table) -> bytes:
    """A table as the bytes of a CSV file, lists as JSON."""
    columns = {}
    for name in table.schema.names:
        values = table[name].to_pylist()
        if pa.types.is_list(table.schema.field(name).type):
            values = [json.dumps(value) for value in values]
        columns[name] = pa.array([None if v is None else str(v) for v in values], pa.string())
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()
