"""Mark spells with what decides their price beside HRG, setting and days.

docs/pricing.md, steps 1, 5, 8 and 9: exclusion, best practice, top-up and payments, each worked out
from all episodes of the spell, so that a record that does not exist is marked as one that does.
"""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tariff.engine.exclusions import ExclusionRules, exclusions
from tariff.engine.flags import FlagRules, flags
from tariff.engine.marks import (
    PAYMENT_UNKNOWN,
    PAYMENT_UNKNOWN_OUTSIDE,
    TOP_UP_UNKNOWN,
    Marks,
)
from tariff.engine.members import Members
from tariff.engine.payments import PaymentRules, payments
from tariff.engine.price import PriceInput
from tariff.engine.spell_codes import last_code
from tariff.engine.top_ups import TopUpRules, top_ups
from tariff.packs.best_practice import AreaRow, BestPractice
from tariff.packs.compile import Rulebook
from tariff.packs.grouping import NULL32


class MarkRules:
    """Everything of a rulebook that marks spells, compiled."""

    def __init__(self, rulebook: Rulebook) -> None:
        packs = rulebook.prices.packs
        self.best_practice = BestPractice(packs, rulebook.hrgs)
        self.flags = FlagRules(packs, rulebook.hrg_ids)
        self.top_ups = TopUpRules(packs)
        self.payments = PaymentRules(packs, rulebook.hrg_ids)
        self.exclusions = ExclusionRules(rulebook.points_of_delivery.pack)


_RULES: WeakKeyDictionary[Rulebook, MarkRules] = WeakKeyDictionary()


def mark_rules(rulebook: Rulebook) -> MarkRules:
    """Give the rules of a rulebook, compiled when they are first asked for."""
    if rulebook not in _RULES:
        _RULES[rulebook] = MarkRules(rulebook)
    return _RULES[rulebook]


def mark(
    rules: MarkRules,
    members: Members,
    spells: PriceInput,
    tariff: NDArray[np.int16],
    delayed: NDArray[np.int32],
) -> Marks:
    """Mark spells whose episodes are `members`, under an index of the price lists each."""
    out = Marks.none(len(members))
    out.delayed = delayed
    found = exclusions(rules.exclusions, members, spells.year, spells.years)
    out.exclusion = found.state
    services = top_ups(rules.top_ups, members, spells, tariff)
    out.top_up_row = services.row
    rates = np.append(rules.top_ups.rate, 0).astype(np.int64)  # the last one is of none
    out.top_up_rate = rates[services.row]
    out.bits |= np.where(services.unknown, TOP_UP_UNKNOWN, 0).astype(np.uint8)
    _areas(out, rules, members, spells, tariff)
    if {"best_practice_met", "best_practice_payments"} & members.frame.fields:
        _payments(out, rules, members, spells, tariff)
    return out


def _areas(
    out: Marks,
    rules: MarkRules,
    members: Members,
    spells: PriceInput,
    tariff: NDArray[np.int16],
) -> None:
    """Give each spell the row of its HRG, deciding flag and what is said of the criteria."""
    prices = rules.best_practice
    known = (tariff >= 0) & (spells.hrg >= 0)
    where = np.flatnonzero(known)
    where = where[prices.priced[tariff[where], spells.hrg[where]]]
    if not len(where):
        return
    decides = flags(rules.flags, members, spells, tariff).decides
    met, said = last_code(members, "best_practice_met")
    keys = np.stack(
        [tariff[where], spells.hrg[where], decides[where], met[where]], axis=1, dtype=np.int64
    )
    kinds, inverse = distinct(keys)
    numbers = np.full(len(kinds), -1, np.int32)
    for place, (of, hrg, flag, criteria) in enumerate(kinds.tolist()):
        name = rules.flags.flags[flag] if flag >= 0 else ""
        row = prices.row(of, hrg, name, said[criteria])
        if row is not None:
            numbers[place] = len(out.rows)
            out.rows.append(row)
    out.area_row[where] = numbers[inverse]


def _payments(
    out: Marks,
    rules: MarkRules,
    members: Members,
    spells: PriceInput,
    tariff: NDArray[np.int16],
) -> None:
    """Give what was earned beside the price, should a row of the area be found and should none."""
    areas = rules.best_practice.areas
    of_row = [
        next((areas.index(price.area) for price in row.printed if price is not None), -1)
        for row in out.rows
    ]
    area = np.array([*of_row, -1], np.int16)[out.area_row]
    priced = np.ones(len(members), bool)
    both = []
    for of, bit in ((area, PAYMENT_UNKNOWN), (np.full_like(area, -1), PAYMENT_UNKNOWN_OUTSIDE)):
        earned = payments(rules.payments, members, tariff, spells.hrg, of, areas, priced)
        both.append(earned.pence)
        out.bits |= np.where(earned.unknown, bit, 0).astype(np.uint8)
    out.payments = np.ascontiguousarray(np.stack(both, axis=1), np.int64)


def with_area_rows(
    rules: MarkRules,
    members: Members,
    spells: PriceInput,
    tariff: NDArray[np.int16],
    area_row: NDArray[np.int32],
    rows: list[AreaRow],
) -> Marks:
    """Give marked spells other best practice prices, and what is paid beside those."""
    assert spells.marks is not None
    told = np.uint8(PAYMENT_UNKNOWN | PAYMENT_UNKNOWN_OUTSIDE)
    out = replace(spells.marks, area_row=area_row, rows=rows, bits=spells.marks.bits & ~told)
    if {"best_practice_met", "best_practice_payments"} & members.frame.fields:
        _payments(out, rules, members, spells, tariff)
    return out


def delayed_days(
    members: Members, admitted: NDArray[np.int32], discharged: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Give the days from ready for discharge to discharge; 0 where that cannot be said."""
    column = members.frame.column("ready_for_discharge_date")
    out = np.zeros(len(members), np.int32)
    if column is None:
        return out
    places = np.where(column[members.perm] != NULL32, np.arange(len(members.perm)), -1)
    last = np.maximum.reduceat(places, members.start[:-1])
    ready = np.where(last < 0, NULL32, column[members.perm[np.maximum(last, 0)]])
    known = (ready != NULL32) & (admitted != NULL32) & (discharged != NULL32)
    known &= (ready >= admitted) & (ready <= discharged)
    out[known] = discharged[known] - ready[known]
    return out


def distinct(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the distinct lines of a small-valued table, and which of them each line is."""
    low = keys.min(axis=0)
    span = keys.max(axis=0) - low + 1
    code = np.zeros(len(keys), np.int64)
    for column in range(keys.shape[1]):
        code = code * span[column] + keys[:, column] - low[column]
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    return keys[first], inverse
