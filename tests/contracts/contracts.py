"""Contracts in memory and on disk, and records to put under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from textwrap import dedent, indent
from typing import Any

import pyarrow as pa

from tariff.engine.contract import Contract, contract_of
from tariff.engine.contract_ledger import Ledger
from tariff.engine.contract_units import ledger_of
from tariff.packs.contract_model import (
    FORM_KEYS,
    POUNDS,
    SHARES,
    AnnualPlan,
    ContractPack,
    Form,
    Selection,
    ServiceLine,
    Switches,
)
from tariff.packs.contract_select import narrower, overlap
from tariff.packs.load import LoadedPack
from tariff.packs.model import Code, CsvName
from tariff.packs.tables import Table
from tariff.reference.contract import Plan
from tests.engine.extracts import shipped

HEAD = """\
id: {id}
version: "1.0.0"
kind: contract
title: A contract of a test
provenance: illustrative
last_checked: 2026-01-01
engine: ">=0.1"
sources: [{{title: Made up}}]
year: "2022/23"
provider: R1H
commissioners: []
"""
PER_CASE = "- {id: all, title: All, form: {kind: cost_per_case}}\n"
PODS, FUNCTIONS, SITES = ("DC", "EL", "NEL"), ("100", "110"), ("S1", "S2")
CODES = ("AA01A", "AA02B", "BZ34C")
PARTS = (
    (None, None),
    (None, None),
    (date(2022, 7, 1), date(2022, 12, 31)),
    (None, date(2022, 9, 30)),
)
YEAR = "2022/23"
SPELL = {
    "provider": pa.string(), "spell_id": pa.string(), "commissioner": pa.string(),
    "site": pa.string(), "point_of_delivery": pa.string(), "treatment_function": pa.string(),
    "priced_hrg": pa.string(), "discharge_date": pa.date32(), "activity_month": pa.string(),
    "total_pence": pa.int64(), "billed_pence": pa.int64(), "complete": pa.bool_(),
}  # fmt: skip
RECORD = {"priced_hrg": "code", "discharge_date": "day", "total_pence": "pence"}

Record = dict[str, Any]


def write_contract(
    folder: Path,
    lines: str = PER_CASE,
    more: str = "",
    files: Mapping[str, str] | None = None,
    head: Mapping[str, str] | None = None,
) -> Path:
    """A contract pack on disk. `head` replaces keys; `CASE` in lines is short for cost per case."""
    folder.mkdir(parents=True, exist_ok=True)
    text = HEAD.format(id=folder.name)
    for key, value in (head or {}).items():
        kept = [line for line in text.splitlines() if not line.startswith(f"{key}:")]
        text = "\n".join([*kept, f"{key}: {value}", ""])
    text += dedent(more) + "lines:\n" + indent(dedent(lines), "  ")
    text = text.replace("form: CASE", "form: {kind: cost_per_case}")
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    for name, content in (files or {}).items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def manifest_of(lines: Sequence[ServiceLine], **more: Any) -> ContractPack:
    """The manifest of a contract in memory."""
    given: dict[str, Any] = {
        "provider": Code("R1H"), "commissioners": [], "year": YEAR, "lines": list(lines), **more
    }  # fmt: skip
    return ContractPack(
        id="random",
        version="1.0.0",
        kind="contract",
        title="Random",
        provenance="illustrative",
        last_checked=date(2026, 1, 1),
        engine=">=0.1",
        sources=[],
        **given,
    )


def ready(manifest: ContractPack, plan: Plan = ()) -> Contract:
    """A contract in memory, made ready with the terms that ship."""
    tables = {}
    if plan:
        rows = [(line, str(month), str(units), str(price)) for line, month, units, price in plan]
        names = ("line", "month", "activity", "price")
        columns = {n: [row[i] for row in rows] for i, n in enumerate(names)}
        tables["plan"] = Table("plan.csv", columns, range(2, len(rows) + 2))
    pack = LoadedPack(manifest, Path(), tables, (), "")
    return contract_of(pack, shipped().packs)


def table_of(records: Sequence[Record]) -> pa.Table:
    """Records as spells, as far as a contract looks at them."""
    columns = {}
    for name, kind in SPELL.items():
        if name == "complete":
            values: list[Any] = [True] * len(records)
        else:
            values = [row.get(RECORD.get(name, name)) for row in records]
        columns[name] = pa.array(values, kind)
    return pa.table(columns)


def ledger(contract: Contract, records: Sequence[Record]) -> Ledger:
    """Records put under a contract."""
    return ledger_of(contract, table_of(records), "episodes")


# ---------------------------------------------------------------- drawn at random


def random_form(rng: Random, kind: str | None = None) -> Form:
    """A form of any kind with figures that are sometimes edges."""
    kind = kind or rng.choice(sorted(FORM_KEYS))
    required, optional = FORM_KEYS[kind]
    given: dict[str, Any] = {}
    for key in (*required, *(k for k in optional if rng.random() < 0.6)):
        if key in SHARES:
            given[key] = Decimal(rng.choice(["0", "0.02", "0.3", "0.75", "1"]))
        elif key in POUNDS:
            given[key] = Decimal(rng.choice(["0", "100.01", "1000", "5555.55"]))
    if kind == "cap_and_collar":
        low, high = sorted(Decimal(rng.randint(0, 9000)) / 10 for _ in range(2))
        given = rng.choice([{"cap": high}, {"collar": low}, {"cap": high, "collar": low}])
    if kind == "blended_2019":
        given = {"model": rng.choice("AB"), "share": Decimal("0.2")}
    if kind == "marginal_rate":
        given["rate"] = Decimal("0.7")
    if kind == "aligned_payment":
        given.setdefault("variable_share", Decimal("0.75"))
    return Form(kind=kind, **given)  # type: ignore[arg-type]


def random_contract(rng: Random) -> tuple[ContractPack, Plan]:
    """A contract whose lines do not overlap but where one is carved from another; and its plan."""
    lines: list[ServiceLine] = []
    plan: list[tuple[str, int, Fraction, Fraction]] = []
    rounding = manifest_of([])
    for number in range(rng.randint(1, 5)):
        line = random_line(rng, f"line-{number}")
        others = [other for other in lines if overlap(line, other, rounding)]
        if not all(narrower(line, other) for other in others):
            continue
        line = random_line_like(line, carved_from=[other.id for other in others])
        if line.phasing == "plan":
            months, rows = random_plan(rng, line)
            line = random_line_like(line, plan=months)
            plan += rows
        lines.append(line)
    switches = Switches(marginal_rate=rng.random() < 0.8)
    commissioners = rng.choice([[], [Code("C1")]])
    csv = CsvName("plan.csv") if plan else None
    manifest = manifest_of(lines, switches=switches, commissioners=commissioners, plan=csv)
    return manifest, plan


def random_line(rng: Random, name: str) -> ServiceLine:
    """A line of some of the activity."""

    def some(values: Sequence[str], share: float) -> list[Code]:
        chosen = [Code(value) for value in values if rng.random() < 0.6]
        return chosen if rng.random() < share else []

    hrgs = some(["AA", "AA01", "B"], 0.3)
    select = Selection(
        datasets=rng.choice([[], ["episodes"], ["emergency"], ["episodes", "lines"]]),
        points_of_delivery=some(PODS, 0.6),
        treatment_functions=some(FUNCTIONS, 0.3),
        hrgs=hrgs,
        sites=some(SITES, 0.2),
    )
    begin, end = rng.choice(PARTS)
    form = random_form(rng)
    phasing = rng.choice(["twelfths", "twelfths", "plan"])
    if form.kind == "marginal_rate" and rng.random() < 0.5:
        phasing = "annual"
    plan = AnnualPlan(activity=Decimal(rng.randint(1, 60)), price=Decimal(rng.randint(0, 9999)))
    return ServiceLine(
        id=name, title=name, select=select, from_=begin, to=end, phasing=phasing,  # type: ignore[arg-type]
        plan=plan, form=form,
    )  # fmt: skip


def random_line_like(line: ServiceLine, **changes: Any) -> ServiceLine:
    """The line with changes."""
    keys = (
        *("id", "title", "select", "carved_from", "from_", "to"),
        *("phasing", "plan", "form"),
    )
    return ServiceLine(**{key: getattr(line, key) for key in keys} | changes)


def random_plan(
    rng: Random, line: ServiceLine
) -> tuple[AnnualPlan, list[tuple[str, int, Fraction, Fraction]]]:
    """A plan by month, and the annual figures that it adds up to."""
    first = 1 if line.from_ is None else 4
    last = 12 if line.to is None else {12: 9, 9: 6}[line.to.month]
    rows = [
        (line.id, month, Fraction(rng.randint(0, 9)), Fraction(rng.randint(0, 900)))
        for month in [*range(first, last + 1), *([13] if rng.random() < 0.3 else [])]
    ]
    rows[0] = (rows[0][0], rows[0][1], rows[0][2] + 1, rows[0][3])
    units, pounds = (sum(int(row[place]) for row in rows) for place in (2, 3))
    return AnnualPlan(activity=Decimal(units), price=Decimal(pounds)), rows


def random_records(rng: Random, count: int) -> list[Record]:
    """Records of the year, some of them outside the contract."""
    out = []
    for number in range(count):
        month = rng.randint(3, 15)  # a month before the year, and one after it
        day = date(2022 + (month - 1) // 12, (month - 1) % 12 + 1, rng.randint(1, 28))
        out.append(
            {
                "dataset": "episodes",
                "provider": "R1H" if rng.random() < 0.9 else "R2H",
                "spell_id": f"S{number}",
                "commissioner": rng.choice(["C1", "C1", "C2"]),
                "site": rng.choice(SITES),
                "point_of_delivery": rng.choice(PODS),
                "treatment_function": rng.choice(FUNCTIONS),
                "code": rng.choice(CODES),
                "day": day if rng.random() < 0.95 else None,
                "units": 1,
                "pence": rng.choice([0, 1, 99, rng.randint(0, 200_000)]),
            }
        )
    return out
