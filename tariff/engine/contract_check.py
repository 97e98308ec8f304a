"""A check under a contract: what was agreed, what is payable, what findings are worth in cash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.contract import Contract
from tariff.engine.contract_cash import Agreements, Cash, Spells, value_findings
from tariff.engine.contract_ledger import Ledger
from tariff.engine.contract_table import contract_section
from tariff.engine.contract_units import ledger_of, money_only, without
from tariff.engine.valued import Valued
from tariff.packs.load import PackSet


class UnderContract:
    """What a contract makes of a check of admitted care.

    `history` are spells of earlier months: they count in the year to date and are never challenged.
    `deductions` are pence per spell that are withheld before the contract's formula.
    """

    def __init__(
        self,
        contract: Contract,
        packs: PackSet,
        columns: SpellColumns,
        spells: pa.Table,
        *,
        history: pa.Table | None = None,
        deductions: pa.Array | None = None,
    ) -> None:
        self.contract = contract
        self._columns = columns
        self._spells = spells
        self._of = Spells(columns)
        self._no_activity = money_only(packs)
        self._deductions = deductions
        self.agreements = Agreements(contract, self._of)
        self.ledger = Ledger()
        self._cash: dict[str, int] = {}
        self._told: list[str] = []
        if history is not None:
            self._count(history)

    def value(self, findings: Sequence[Valued], copies: NDArray[np.int64]) -> None:
        """Put what was billed under the contract, and give each finding its cash value."""
        table = self._spells.append_column("duplicate_billed", pa.array(copies, pa.int64()))
        self.ledger.add(self._ledger(table, self._deductions))
        cash = Cash(self.contract, self.ledger, self._of)
        self._cash = value_findings(cash, findings)

    def section(self) -> dict[str, Any]:
        """Give the part of the manifest."""
        last_day = pc.max(self._spells["discharge_date"]).as_py()
        section = contract_section(self.contract, self.ledger)
        section["cash"] = self._cash
        section["waivers"] = self.agreements.entries()
        section["notices"] = [
            *self._told,
            *section["notices"],
            *self.agreements.notices(last_day),
        ]
        return section

    def _count(self, history: pa.Table) -> None:
        earlier = without(history, "episodes", self._spells)
        self.ledger.add(self._ledger(earlier, None))
        told = f"Spells of earlier months that count in the year to date: {earlier.num_rows:,}."
        if left_out := history.num_rows - earlier.num_rows:
            told += f" Left out, because they are in the files too: {left_out:,}."
        self._told.append(told)

    def _ledger(self, table: pa.Table, deductions: pa.Array | None) -> Ledger:
        return ledger_of(
            self.contract,
            table,
            "episodes",
            no_activity=self._no_activity,
            basis="billed",
            deductions=deductions,
        )
