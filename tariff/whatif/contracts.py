"""Puts the same activity under two contracts, and splits what they pay kind by kind.

A kind is what both contracts have alike: the line under A and under B, the provider, the point of
delivery and the HRG chapter. A line is paid as a whole, so what its form pays beyond or below the
value is parted among its kinds by their value (else their units, else their records).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.contract import Contract, Line, load_contract
from tariff.engine.contract_ledger import EXACT, Cell, Ledger, merged
from tariff.engine.contract_table import contract_section, pence
from tariff.engine.contract_units import (
    ledgers_of,
    lines_of,
    money_only,
    text_of,
    top_ups_also_on,
    without,
)
from tariff.errors import UsageError
from tariff.packs.load import PackSet
from tariff.whatif.levels import beginnings, subchapters_of
from tariff.whatif.payables import (
    EFFECTS,
    Key,
    Payable,
    apportioned,
    compare_payables,
    payables_table,
    rounded,
    total,
)
from tariff.whatif.sides import Side

BETWEEN = "\x1f"
SIDES = ("a", "b")
_Under = dict[Key, tuple[Cell, Line]]


@dataclass(frozen=True)
class Priced:
    """Records as one side prices them: those of now, and those of earlier months."""

    table: pa.Table
    earlier: pa.Table | None
    packs: PackSet
    year: str | None  # every record is of this year; None: of its own


@dataclass
class ContractsCompared:
    """What two contracts pay for the same activity."""

    table: pa.Table  # tariff.whatif.payables.PAYABLES
    section: dict[str, Any] = field(default_factory=dict)  # of the manifest


def open_contracts(asked: Sequence[str], packs: Sequence[Path]) -> tuple[Contract, Contract] | None:
    """Open both contracts; None where none is asked for."""
    if not asked:
        return None
    if len(asked) != len(SIDES):
        raise UsageError(
            f"--contract is given {'once' if len(asked) == 1 else f'{len(asked)} times'}",
            hint="give two: that of A and that of B",
        )
    a, b = (load_contract(name, packs)[0] for name in asked)
    return a, b


def check_years(contracts: tuple[Contract, Contract], sides: Sequence[Side]) -> None:
    """Raise where a side prices in another year than its contract's, or the two are of two."""
    for letter, contract, side in zip("AB", contracts, sides, strict=True):
        year = contract.manifest.year
        if side.year not in (None, year):
            raise UsageError(
                f"contract '{contract.pack.id}' is of {year}, and {letter} prices in {side.year}",
                hint=f"give --{letter.lower()} {year}, or a contract of {side.year}",
            )
    one, other = (contract.manifest.year for contract in contracts)
    if one != other and None in (side.year for side in sides):
        raise UsageError(
            f"the contracts are of two years, {one} and {other}: one activity is not in both",
            hint=f"give --a {one} --b {other}, and every record is of its month in either year",
        )


def under_contracts(
    contracts: tuple[Contract, Contract], priced: Sequence[Priced], dataset: str
) -> ContractsCompared:
    """Put the activity under both contracts and compare. Both sides hold the same records."""
    parts: list[tuple[pa.Table, ...]] = [tuple(side.table for side in priced)]
    told = []
    if priced[0].earlier is not None:
        kept = tuple(without(side.earlier, dataset, side.table) for side in priced)
        parts.append(kept)
        told.append(f"Records of earlier months that count: {kept[0].num_rows:,}.")
    ledgers: list[dict[str, Ledger]] = [{}, {}]
    for tables in parts:
        _count(ledgers, contracts, priced, tables, dataset)
    whole = [merged(held.values()) for held in ledgers]
    through = max(ledger.through for ledger in whole)
    months = [_close(contract, through) for contract in contracts]
    differences = compare_payables(
        *(
            _payables(contract, held, month, place, contracts)
            for place, (contract, held, month) in enumerate(
                zip(contracts, ledgers, months, strict=True)
            )
        )
    )
    sections = [
        contract_section(contract, ledger, month)
        for contract, ledger, month in zip(contracts, whole, months, strict=True)
    ]
    found = total(differences)
    money = {
        "payable_a": found.a.payable,
        "payable_b": found.b.payable,
        "difference": found.difference,
        **{name: getattr(found, name) for name in EFFECTS},
    }
    assert [found.a.payable, found.b.payable] == [section["payable"] for section in sections]
    notices = [
        *told,
        *(
            f"{letter}: {notice}"
            for letter, section in zip("AB", sections, strict=True)
            for notice in section["notices"]
        ),
    ]
    section = {**dict(zip(SIDES, sections, strict=True)), "money": money, "notices": notices}
    return ContractsCompared(payables_table(differences), section)


def _count(
    ledgers: list[dict[str, Ledger]],
    contracts: tuple[Contract, Contract],
    priced: Sequence[Priced],
    tables: Sequence[pa.Table],
    dataset: str,
) -> None:
    """Add records to the ledgers, by kind: the other side's line, point of delivery, chapter."""
    lines = [
        lines_of(contract, table, dataset, year=side.year)
        for contract, table, side in zip(contracts, tables, priced, strict=True)
    ]
    one, other = tables
    pods, chapters = _alike(one, other, dataset, subchapters_of(priced[0].packs))
    for place, (contract, side, table) in enumerate(zip(contracts, priced, tables, strict=True)):
        kinds = pc.binary_join_element_wise(pods, chapters, lines[1 - place], BETWEEN)
        found = ledgers_of(
            contract,
            table,
            dataset,
            kinds,
            no_activity=money_only(side.packs),
            also_on=top_ups_also_on(side.packs),
            year=side.year,
        )
        for kind, ledger in found.items():
            ledgers[place].setdefault(kind, Ledger()).add(ledger)


def _alike(
    one: pa.Table, other: pa.Table, dataset: str, subchapters: frozenset[str]
) -> tuple[pa.Array, pa.Array]:
    """Give point of delivery and chapter of each record: A's, else B's."""
    codes = ("tariff_code", "priced_hrg") if dataset == "lines" else ("priced_hrg",)
    pods, hrgs = (
        pc.if_else(pc.equal(first, ""), second, first)
        for first, second in (
            (text_of(one, *names), text_of(other, *names))
            for names in (("point_of_delivery", "billed_point_of_delivery"), codes)
        )
    )
    return pods, beginnings(hrgs, 1, subchapters)


def _close(contract: Contract, through: int) -> int:
    """Give the month through which both contracts are worked out."""
    if not through or through >= contract.months[1]:
        return contract.closes
    return through


def _payables(
    contract: Contract,
    ledgers: Mapping[str, Ledger],
    month: int,
    place: int,
    contracts: tuple[Contract, Contract],
) -> dict[Key, Payable]:
    """Give what each kind has come to under one contract, by the keys of `payables`."""
    out: dict[Key, Payable] = {}
    beside = contracts[1 - place]
    provider = contract.manifest.provider
    for line in contract.lines:
        if month < line.first:
            continue
        cells = {
            (pod, chapter, other): cell
            for kind, ledger in sorted(ledgers.items())
            for pod, chapter, other in [kind.split(BETWEEN)]
            if (cell := ledger.to_date(line.id, month)) != Cell()
        }
        if not cells and not line.pays(month, Cell().done()):
            continue
        if not cells:  # nothing was done: the line stands beside its namesake
            alike = line.id in beside.by_id and beside.manifest.provider == provider
            cells = {("", "", line.id if alike else ""): Cell()}
        for (pod, chapter, other), payable in zip(
            cells, _parted(line, list(cells.values()), month), strict=True
        ):
            lines = (line.id, other) if place == 0 else (other, line.id)
            out[*lines, provider, pod, chapter] = payable
    return out


def _parted(line: Line, cells: Sequence[Cell], month: int) -> list[Payable]:
    """Part the value and what the form pays beside it among the kinds of a line."""
    whole = Cell()
    for cell in cells:
        whole.add(cell)
    value = pence(whole.money)
    values = rounded([Fraction(cell.money, EXACT) for cell in cells], value)
    beyond = line.pays(month, whole.done()) - value
    weights = [Fraction(1)] * len(cells)
    for name in ("records", "activity", "money"):
        told = [Fraction(abs(getattr(cell, name))) for cell in cells]
        weights = told if any(told) else weights
    rules = apportioned(beyond, weights)
    return [
        Payable(Fraction(cell.activity), value, value + rule)
        for cell, value, rule in zip(cells, values, rules, strict=True)
    ]
