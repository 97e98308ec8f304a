"""Price lines that are no HRG: maternity pathways by phase and level, years of care and the like.

docs/pricing-other-care.md. A pathway is one payment: its level is that of the highest factor that
the line names; without factors it is the level of its code.
"""

from __future__ import annotations

import numpy as np

from tariff.engine.other_outcome import NONE, OUTCOMES, Mask, Money, OtherPrices, Rows
from tariff.engine.other_prices import PodCodes, YearPrices
from tariff.engine.pathways import LEVELS
from tariff.engine.records import Records
from tariff.packs.compile import NULL64
from tariff.packs.grouping import NULL32

STANDARD = LEVELS.index("standard")


def paid_each(records: Records, out: OtherPrices, rows: Rows, basis: str, each: Money) -> None:
    """Pay a price for each of a number of things; none of a thing is no price of nothing."""
    out.basis[rows] = out.names.id_of(basis)
    quantity = records.numbers("quantity")[rows]
    known = quantity != NULL32
    out.say(rows[~known], "no_quantity")
    rows, each, quantity = rows[known], each[known], quantity[known]
    out.paid(rows, each * quantity)
    out.outcome[rows[each != 0]] = OUTCOMES.index("priced")


class Currencies:
    """The currencies of one tariff year, and the lines that name one."""

    def __init__(
        self, records: Records, prices: YearPrices, pods: PodCodes, out: OtherPrices, codes: Rows
    ) -> None:
        self.records, self.prices, self.out, self.codes = records, prices, out, codes
        self.phases = list(pods.manifest.pathways)
        self.of_phase = out.names.ids_of(pods.manifest.pathways.values())
        held = list(prices.currencies.values())
        self.pathways = {
            (c.area, c.name): c for c in held if c.basis == "maternity" and c.area in self.phases
        }

    def price(self, rows: Rows) -> Rows:
        """Price the lines that are currencies; give the others."""
        phase = self._phases(rows)
        on_pathway = phase != NONE
        self._pathways(rows[on_pathway], phase[on_pathway])
        rows = rows[~on_pathway]
        held = self.prices.currencies
        found: Mask = self.out.per_name(held.__contains__)[self.codes[rows]]
        for code in np.unique(self.codes[rows[found]]).tolist():
            currency = held[self.out.names.values[code]]
            at = rows[self.codes[rows] == code]
            self._pay(at, currency.code, currency.pod, currency.basis, currency.price)
        return rows[~found]

    def _phases(self, rows: Rows) -> Rows:
        """Give the phase of each pathway line: by its code, else by its point of delivery."""
        phases = {c.code: self.phases.index(phase) for (phase, _), c in self.pathways.items()}
        by_code = self.out.per_name(lambda code: phases.get(code, NONE), np.int64, NONE)
        stated = self.out.pod[rows, None] == self.of_phase
        by_pod = np.where(stated.any(axis=1), stated.argmax(axis=1), NONE)
        found: Rows = np.where(self.codes[rows] == NONE, by_pod, by_code[self.codes[rows]])
        return found

    def _pathways(self, rows: Rows, phase: Rows) -> None:
        ids, texts = self.records.codes("maternity_factors")
        table = np.array(
            [[self.prices.pathways.level(name, text) for text in texts] for name in self.phases],
            np.int64,
        ).reshape(len(self.phases), -1)
        level_of = {c.code: LEVELS.index(level) for (_, level), c in self.pathways.items()}
        coded = self.out.per_name(lambda code: level_of.get(code, NONE), np.int64, NONE)
        billed = coded[self.codes[rows]]
        by_factors = table[phase, ids[rows]]
        given = ids[rows] != 0
        if "maternity_factors" in self.records.fields:
            given |= billed == NONE  # no factor is named: none is present
        known = self._say(rows, given, by_factors, billed)
        rows, phase = rows[known], phase[known]
        level = np.where(given, by_factors, billed)[known]
        for place, name in enumerate(self.phases):
            for number, word in enumerate(LEVELS):
                at = rows[(phase == place) & (level == number)]
                currency = self.pathways.get((name, word))
                if currency is None:
                    self.out.say(at, "hrg_not_in_tariff")
                elif len(at):
                    self._pay(at, currency.code, currency.pod, currency.basis, currency.price)

    def _say(self, rows: Rows, given: Mask, by_factors: Rows, billed: Rows) -> Mask:
        """Say what is not known of a level, and where it is not the one billed."""
        unknown = given & (by_factors == NONE)
        unclear = ~given & (billed == NONE)
        out = self.out
        out.say(rows[unknown], "factor_unknown")
        out.say(rows[unclear], "level_unknown")
        out.say(rows[~given & ~unclear], "level_as_billed")
        differs = given & ~unknown & (billed != NONE) & (billed != by_factors)
        out.say(rows[differs], "level_differs")
        known: Mask = ~(unknown | unclear)
        return known

    def _pay(self, rows: Rows, code: str, pod: str, basis: str, price: int) -> None:
        out = self.out
        out.hrg[rows] = out.names.id_of(code)
        if pod:
            out.pod[rows] = out.names.id_of(pod)
        assert price != NULL64
        paid_each(self.records, out, rows, basis, np.full(len(rows), price, np.int64))
