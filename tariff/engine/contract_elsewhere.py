"""Readmissions at other providers, deducted from the contract of the index provider."""

from __future__ import annotations

import pyarrow as pa

from tariff.engine.contract import Contract
from tariff.engine.contract_ledger import ELSEWHERE, EXACT, Cell, Ledger
from tariff.packs.contract_select import contract_dates, month_number
from tariff.report import text


def add_elsewhere(contract: Contract, ledger: Ledger, charged: pa.Table) -> list[str]:
    """Deduct what the contract's provider is charged for readmissions that others treated.

    `charged` is `Policies.charged_elsewhere`. The sum stands by itself, whatever the form of a
    line: it lowers what is payable by exactly that. Gives what there is to tell.
    """
    manifest = contract.manifest
    begin, end = (month_number(day, manifest.year) for day in contract_dates(manifest))
    deducted, kept = Cell(), Cell()
    for row in charged.to_pylist():
        month = contract.month_of(row["month"])
        agreed = manifest.commissioners
        if not begin <= month <= end or (agreed and row["commissioner"] not in agreed):
            continue
        cell = Cell(withheld=row["pence"] * EXACT, records=1)
        if row["provider"] == manifest.provider:
            kept.add(cell)
        elif row["charged_to"] == manifest.provider:
            deducted.add(cell)
            if manifest.switches.readmissions:
                ledger.at(ELSEWHERE, month).add(cell)
    told = []
    if deducted.records and manifest.switches.readmissions:
        told.append(
            "Readmissions at other providers that are deducted here, in the month of each: "
            f"{deducted.records:,}, {text.pounds(deducted.withheld // EXACT)}."
        )
    if kept.records:
        told.append(
            "Readmissions here that another provider is charged for, which are paid in full: "
            f"{kept.records:,}, {text.pounds(kept.withheld // EXACT)}."
        )
    return told
