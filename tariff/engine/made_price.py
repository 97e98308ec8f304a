"""What pricing is given of made spells: days, year, setting and marks of what they became."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.deductions import Deductions
from tariff.engine.made import Change, Made
from tariff.engine.marking import delayed_days, mark, mark_rules
from tariff.engine.marks import PAYMENT_UNKNOWN, PAYMENT_UNKNOWN_OUTSIDE, TOP_UP_UNKNOWN, Marks
from tariff.engine.members import Members
from tariff.engine.price import EPOCH, NO_YEAR, PriceInput, Pricer
from tariff.packs.compile import Rulebook, financial_year
from tariff.packs.grouping import NULL32

if TYPE_CHECKING:
    from tariff.engine.counterfactual import Ask, Counterfactuals

_DAYS = ("critical_care_days", "rehabilitation_days", "palliative_care_days", "home_leave_days")
_ENDS = ("admission_date", "discharge_date")


@dataclass
class MadeInput:
    """Made spells for pricing; the HRG is still open."""

    spells: PriceInput
    made: Made
    delayed: NDArray[np.int32]
    changes: Sequence[Change]
    rulebook: Rulebook
    pricer: Pricer

    def take(self, owner: NDArray[np.int64], hrg: NDArray[np.int32]) -> MadeInput:
        """Give some of them at an HRG each, marked."""
        spells = self.spells.take(owner)
        spells.hrg = hrg
        members = Members(self.made.frame, self.made.parts.perm, self.made.start).take(owner)
        tariffs = self.pricer.tariffs(spells)
        delayed = self.delayed[owner]
        spells.marks = mark(mark_rules(self.rulebook), members, spells, tariffs, delayed)
        without_components(spells.marks, [self.changes[index] for index in owner])
        return MadeInput(spells, self.made, delayed, self.changes, self.rulebook, self.pricer)


def without_components(marks: Marks, changes: Sequence[Change]) -> None:
    """Take components of the price away."""
    for name in ("best_practice", "top_up"):
        gone = np.array([name in change.without for change in changes], bool)
        if not gone.any():
            continue
        if name == "top_up":
            marks.top_up_rate[gone] = 0
            marks.top_up_row[gone] = -1
            marks.bits[gone] &= np.uint8(~TOP_UP_UNKNOWN & 0xFF)
        else:
            marks.area_row[gone] = -1
            if len(marks.payments) == len(gone):  # else one line of zeros stands for all
                marks.payments = marks.payments.copy()
                marks.payments[gone] = 0
            marks.bits[gone] &= np.uint8(~(PAYMENT_UNKNOWN | PAYMENT_UNKNOWN_OUTSIDE) & 0xFF)


def price_input_of(source: Counterfactuals, asks: Sequence[Ask], made: Made) -> MadeInput:
    """Read off made spells what their price depends on."""
    frame, parts = made.frame, made.parts
    first = made.start[:-1]
    admitted = parts.date("admission_date")
    discharged = parts.date("discharge_date", from_end=True)
    of_parts = parts.spell_days()
    late = delayed_days(Members.of(parts), admitted, discharged)
    count = len(asks)
    days = np.full(count, NULL32, np.int32)
    delayed = np.zeros(count, np.int32)
    year = np.full(count, NO_YEAR, np.int16)
    years = list(source.columns.price_input.years)
    for index, ask in enumerate(asks):
        mine = range(int(made.parts_of[index]), int(made.parts_of[index + 1]))
        last = max(mine, key=lambda part: (int(discharged[part]), -part))
        delayed[index] = late[last]
        if len(mine) == 1:
            days[index] = of_parts[mine[0]]
        elif all(admitted[p] != NULL32 and discharged[p] != NULL32 for p in mine):
            days[index] = discharged[last] - min(int(admitted[p]) for p in mine)
        columns, place = source.home(ask.records[last - mine[0]])
        year[index] = _year(columns, place, ask.change, int(discharged[last]), years)
    methods, classes = frame.column("admission_method"), frame.column("patient_classification")
    ages = frame.column("age")
    assert methods is not None and classes is not None and ages is not None
    spells = PriceInput(
        year,
        np.full(count, -1, np.int32),
        methods[first],
        classes[first],
        ages[first],
        days,
        _deducted(source, asks, made),
        frame.columns["provider"][first].astype(np.int64),
        years,
        frame.vocabularies["admission_method"].values,
        frame.vocabularies["patient_classification"].values,
        frame.vocabularies["provider"].values,
    )
    changes = [ask.change for ask in asks]
    return MadeInput(spells, made, delayed, changes, source.rulebook, source.pricer)


def _year(
    columns: SpellColumns, place: int, change: Change, discharged: int, years: list[str]
) -> int:
    """Give the tariff year: that of the real spell, unless the day was changed."""
    if "discharge_date" in change.names and discharged != NULL32:
        name = financial_year(EPOCH + timedelta(days=discharged))
    else:
        index = int(columns.price_input.year[place])
        if index == NO_YEAR:
            return NO_YEAR
        name = columns.price_input.years[index]
    if name not in years:
        years.append(name)
    return years.index(name)


def _deducted(source: Counterfactuals, asks: Sequence[Ask], made: Made) -> NDArray[np.int32]:
    """Give the days that come off: of merged spells a day that two share counts once."""
    recount = [
        any(spell >= len(source.columns) for spell in ask.records)
        or bool(set(ask.change.names) & {*_DAYS, *_ENDS})
        for ask in asks
    ]
    out = np.zeros(len(asks), np.int32)
    if not all(recount):
        kept = [index for index, again in enumerate(recount) if not again]
        out[kept] = source.columns.deductions.of_chains([asks[index].records for index in kept])
    if any(recount):
        leave = source.rulebook.points_of_delivery.home_leave
        counted = np.add.reduceat(
            Deductions(made.parts, home_leave=leave).days.astype(np.int64), made.parts_of[:-1]
        )
        which = np.array(recount, bool)
        out[which] = counted[which].astype(np.int32)
    return out
