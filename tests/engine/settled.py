"""Small worlds of records of every kind, and findings on them settled, without files or rules.

Records are numbered in the order they are given: spells, attendances, emergency attendances, lines,
then what is beside them. Prices of spells are those of `extracts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from tariff.engine.counterfactual import Counterfactuals
from tariff.engine.findings import FindingsTable
from tariff.engine.match import Hit, Hits, Singles
from tariff.engine.pipeline import Stages
from tariff.engine.run_inputs import Given
from tariff.engine.run_read import Read, Reader
from tariff.engine.settle import Settlement
from tariff.engine.valued import Valued
from tariff.extract import Extract, from_arrow
from tariff.packs.model import Applies, Every, Remedy, Rule
from tests.engine.extracts import Row, shipped, table_of

# A follow-up of general surgery, R1H 2022/23: figures are in each test.
ATTENDANCE: Row = {
    "provider": "R1H",
    "attendance_id": "O1",
    "patient_id": "P1",
    "attendance_date": "2022-05-03",
    "age": "60",
    "sex": "1",
    "first_attendance": "2",
    "attended": "5",
    "main_specialty": "100",
    "treatment_function": "100",
}
EMERGENCY: Row = {
    "provider": "R1H",
    "attendance_id": "E1",
    "patient_id": "P1",
    "arrival_date": "2022-05-03",
    "department_type": "01",
    "billed_hrg": "VB11Z",
}
LINE: Row = {
    "provider": "R1H",
    "line_id": "L1",
    "patient_id": "P1",
    "point_of_delivery": "DRUG",
    "tariff_code": "ADALIMUMAB",
    "start_date": "2022-05-03",
    "quantity": "10",
    "unit_price": "12.50",
    "billed_total": "125.00",
}


def rule(kind: str, what: str = "", *, of: Mapping[str, Any] | None = None, **remedy: Any) -> Rule:
    """A rule of nothing but a remedy; `of` says what else it says."""
    given: dict[str, Any] = {
        "id": f"{kind[:3].upper()}{what[:3].upper()}01",
        "version": "1.0.0",
        "name": "test",
        "title": "A test",
        "class_": "deterministic",
        "status": "stable",
        "level": "high",
        "scope": "record",
        "applies": Applies(),
        "match": Every(()),
        "exceptions": (),
        "pairing": None,
        "set_key": None,
        "step": "setting",
        "remedy": Remedy(kind, what, **remedy),  # type: ignore[arg-type]
        "params": {},
        "needs": {},
        "needs_official_grouping": False,
        "min_value": Decimal(0),
        "what": "",
        "why": "",
        "ask": "",
        "legitimate_reasons": (),
        "sources": (),
        "tests": (),
        **(of or {}),
    }
    return Rule(**given)


@dataclass
class World:
    """Records read, grouped and priced."""

    read: Read
    counterfactuals: Counterfactuals

    def settle(
        self,
        hits: Sequence[tuple[Rule, Sequence[Hit | int | tuple[int, int]]]],
        lists: Mapping[str, list[str]] | None = None,
        maps: Mapping[str, Mapping[str, str]] | None = None,
    ) -> tuple[list[Valued], Settlement]:
        """Settle hits: a record, a record and its partner, or a `Hit` of several."""
        settlement = Settlement(self.read.records, self.read.columns, self.counterfactuals)
        found = Hits()
        for of, some in hits:
            if any(isinstance(hit, Hit) for hit in some):
                found.groups[of.key] = [hit for hit in some if isinstance(hit, Hit)]
                continue
            pairs = [(hit, -1) if isinstance(hit, int) else hit for hit in some]
            records, partners = zip(*pairs, strict=True) if pairs else ((), ())
            found.single[of.key] = Singles(
                np.array(records, np.int64), np.array(partners, np.int64)
            )
        rules = [of for of, _ in hits]
        valued = settlement.run(
            rules,
            found,
            lists={of.key: lists or {} for of in rules},
            maps={of.key: maps or {} for of in rules},
        )
        return valued, settlement

    def table(self, valued: list[Valued], settlement: Settlement) -> list[dict[str, Any]]:
        """Give the findings as they leave a run."""
        table = FindingsTable(self.read.records, self.read.columns)
        rows: list[dict[str, Any]] = table.build(valued, settlement.factor_questions).to_pylist()
        return rows


def _extracts(given: Mapping[str, Sequence[Row]]) -> dict[str, Extract]:
    return {
        dataset: from_arrow(table_of(rows), dataset=dataset)
        for dataset, rows in given.items()
        if rows
    }


def world(
    spells: Sequence[Row] = (),
    *,
    history: Mapping[str, Sequence[Row]] | None = None,
    national: Mapping[str, Sequence[Row]] | None = None,
    **others: Sequence[Row],
) -> World:
    """Read spells (as episodes), other care by dataset, a history of both and a national record."""
    given = Given(
        _extracts({"episodes": spells, **others}),
        history=_extracts(history or {}),
        national=_extracts(national or {}),
    )
    read = Reader(shipped(), Stages()).read(given)
    priced = read.priced
    return World(
        read,
        Counterfactuals(
            read.columns, priced.group_run, priced.pricer, priced.joined.answers, read.records
        ),
    )


def money(finding: Valued) -> tuple[int | None, int | None, int | None]:
    """Billed, allowed and settled of a finding."""
    return finding.billed, finding.allowed, finding.settled
