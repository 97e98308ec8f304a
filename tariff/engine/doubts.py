"""Why a price of the national list may not be the one due: a claim is then only a question.

Fair to the hospital: what the engine cannot know it does not claim. Each doubt is a sentence; a
finding whose value rests on a price and that meets one is shown without a value.
"""

from __future__ import annotations

from tariff.engine.best_practice_doubts import BestPracticeDoubts
from tariff.engine.columns import SpellColumns
from tariff.engine.price import Pricer
from tariff.engine.reasons import PRICE_REASONS
from tariff.packs.compile import NULL64

SOME = 1  # of `Marks.exclusion`
_OTHER_EDITION = 1 << PRICE_REASONS.index("trim_of_other_edition")


class Doubts:
    """The doubts about the prices of a run."""

    def __init__(self, columns: SpellColumns, pricer: Pricer) -> None:
        self.columns = columns
        self.best_practice = BestPracticeDoubts(columns, pricer)
        self._told: dict[int, str] = {}  # several rules ask about one spell

    def of_price(self, spells: tuple[int, ...]) -> str:
        """Give the first doubt about the price of some spells, empty where there is none."""
        for spell in spells:
            doubt = self._of_one(spell)
            if doubt:
                return f"A question: {doubt}."
        return ""

    def of_record(self, spells: tuple[int, ...]) -> str:
        """Give the first doubt that any other price of some spells meets too."""
        for spell in spells:
            doubt = self._of_record(spell)
            if doubt:
                return f"A question: {doubt}."
        return ""

    def of_hrg(self, spells: tuple[int, ...]) -> str:
        """Give the doubt about the HRG that some spells are priced at."""
        for spell in spells:
            doubt = self._of_hrg(spell)
            if doubt:
                return f"A question: {doubt}."
        return ""

    def _of_one(self, spell: int) -> str:
        if spell not in self._told:
            self._told[spell] = self._of_record(spell) or self._of_list(spell)
        return self._told[spell]

    def _of_hrg(self, spell: int) -> str:
        columns = self.columns
        official = columns.provenance(spell) == "official"
        if columns.priced_hrg[spell] != columns.billed_hrg[spell] and not official:
            return "the HRG that is priced is the engine's own, from reconstructed tables"
        return ""

    def _of_record(self, spell: int) -> str:
        columns = self.columns
        doubt = self._of_hrg(spell)
        if doubt:
            return doubt
        if columns.marks.exclusion[spell]:
            some = columns.marks.exclusion[spell] == SOME
            which = "some episodes of the record, not all, are" if some else "the record is"
            return f"{which} marked as paid at a local price or outside the national tariff"
        if columns.number("billed")[spell] < 0 and columns.number("billed")[spell] != NULL64:
            return "what was billed is a credit"
        return ""

    def _of_list(self, spell: int) -> str:
        columns, prices = self.columns, self.columns.prices
        excess = max(int(prices.excess[spell]), int(columns.number("billed_excess_days")[spell]))
        if prices.reasons[spell] & _OTHER_EDITION and excess > 0:
            return "the trim point and the per-day rate are those of another year"
        return self.best_practice.of(spell)
