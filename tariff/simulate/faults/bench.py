"""What a planter works with: the chunk, its own chance, other people's spells, and the engine.

A record that has been changed must be billed, so the engine that bills the honest extract bills it
too. That is all it is asked; what it charges for an error is what a provider making that error
would be paid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from tariff.simulate.billing import STATEMENT, Engine
from tariff.simulate.catalogue import Bools
from tariff.simulate.columns import BILLED, SCHEMA
from tariff.simulate.faults.lists import PriceList
from tariff.simulate.faults.model import ORIGIN, Row, Spell
from tariff.simulate.faults.view import View

_NUMBERED = re.compile(r"S(\d)(\d{8})")
INVENTED = "S9"


class Bench:
    """A chunk, and what planters may ask of it."""

    def __init__(self, view: View, engine: Engine, deaths: Mapping[str, date] | None) -> None:
        self.view = view
        self.deaths = deaths or {}
        self.rng = np.random.Generator(np.random.PCG64(0))  # set for each rule
        self._engine = engine

    @property
    def prices(self) -> PriceList:
        """Return the price list of the year."""
        return self.view.prices

    # ------------------------------------------------------------ spells

    def spell(self, number: int) -> Spell:
        """Return the rows of a spell of the chunk."""
        start, size = int(self.view.start[number]), int(self.view.size[number])
        rows: list[Row] = self.view.batch.slice(start, size).to_pylist()
        for place, row in enumerate(rows):
            row[ORIGIN] = start + place
        return rows

    def others(self, spell: Spell) -> list[Spell]:
        """Return the other spells of the patient in this chunk, in the order of the file."""
        here = self._number(spell)
        same = np.flatnonzero(self.view.patient == self.view.patient[here])
        return [self.spell(int(number)) for number in same if number != here]

    def _number(self, spell: Spell) -> int:
        return int(np.searchsorted(self.view.start, spell[0][ORIGIN], side="right")) - 1

    def _patient(self, spell: Spell) -> int:
        return int(self.view.patient[self._number(spell)])

    def donor(self, host: Spell, wanted: Bools, *, elsewhere: bool = False) -> Spell | None:
        """Choose a spell of another patient of the same sex and about the same age.

        It is one of the host's hospital, or, asked for, of another.
        """
        view, first = self.view, host[0]
        here = view.among("provider", first["provider"])
        like = wanted & view.billed & (~here if elsewhere else here)
        like &= view.among("sex", first["sex"])
        like &= (np.abs(view.age - first["age"]) <= 10) & (view.adult == (first["age"] >= 19))
        found = np.flatnonzero(like & (view.patient != self._patient(host)))
        return self.spell(int(self.rng.choice(found))) if len(found) else None

    def new_id(self, spell: Spell) -> str:
        """Return a spell number that nothing else has: one for each honest spell."""
        number = str(spell[0]["spell_id"])
        match = _NUMBERED.fullmatch(number)
        return f"{INVENTED}{match[2]}" if match and match[1] == "0" else f"{number}-2"

    def choose(self, texts: Sequence[str]) -> str:
        """Choose one by chance."""
        return texts[int(self.rng.integers(0, len(texts)))]

    def days(self, least: int, most: int) -> int:
        """Choose a number of days by chance, both ends included."""
        return int(self.rng.integers(least, most, endpoint=True))

    # ------------------------------------------------------------ the bill

    def bill(self, spells: Sequence[Spell]) -> list[bool]:
        """Bill spells as they stand, in place; say which could be billed.

        The HRG is the one that stands billed in the last row, or the engine's where none does.
        """
        if not spells:
            return []
        rows = []
        for spell in spells:
            hrg = spell[-1]["billed_hrg"]
            for row in spell:
                row.update(dict.fromkeys(BILLED))
                rows.append({**row, "billed_hrg": hrg})
        result = self._engine(pa.Table.from_pylist(rows, schema=SCHEMA))
        found = {(one["provider"], one["spell_id"]): one for one in result.to_pylist()}
        return [
            _fill(spell[-1], found.get((spell[0]["provider"], spell[0]["spell_id"])))
            for spell in spells
        ]


def _fill(last: Row, bill: dict[str, Any] | None) -> bool:
    if bill is None or not bill["complete"] or bill["total_pence"] is None:
        return False
    if last["discharge_date"] is None or bill["priced_hrg"] is None:
        return False
    last.update(
        billed_hrg=bill["priced_hrg"],
        billed_point_of_delivery=bill["point_of_delivery"],
        billed_price=Decimal(bill["pre_mff_pence"]).scaleb(-2),
        billed_mff=bill["mff"],
        billed_excess_days=bill["excess_days"],
        billed_total=Decimal(bill["total_pence"]).scaleb(-2),
        activity_month=f"{last['discharge_date']:%Y-%m}",
        statement=STATEMENT,
    )
    return True
