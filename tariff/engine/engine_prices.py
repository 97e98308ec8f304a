"""What the engine would pay for a record, real or made, of whatever kind."""

from __future__ import annotations

from collections.abc import Iterable

from tariff.engine.counterfactual import Answer, Ask, Counterfactuals
from tariff.engine.other_outcome import PriceOptions
from tariff.engine.record_set import RecordSet
from tariff.engine.reprice_other import OtherPricer


class EnginePrices:
    """Asks spells of the counterfactuals, and other records of the pricing of their kind."""

    def __init__(self, records: RecordSet, counterfactuals: Counterfactuals) -> None:
        self.records = records
        self.spells = counterfactuals
        self.spells.records = records
        options = PriceOptions(mff=counterfactuals.pricer.choice)
        self.others = OtherPricer(records, counterfactuals.rulebook, options)

    def fetch(self, asks: Iterable[Ask]) -> None:
        """Work out what is asked, many at once."""
        sides: tuple[list[Ask], list[Ask]] = ([], [])
        for ask in asks:
            sides[self._of_spells(ask)].append(ask)
        self.others.fetch(sides[0])
        self.spells.fetch(sides[1])

    def answer(self, ask: Ask) -> Answer:
        """Give the answer."""
        return self.spells.answer(ask) if self._of_spells(ask) else self.others.answer(ask)

    def _of_spells(self, ask: Ask) -> bool:
        return not ask.as_kind and self.is_spell(ask.records[0])

    def is_spell(self, record: int) -> bool:
        """Say whether a record is a spell."""
        return record < len(self.spells.columns) or self.records.place(record)[0].kind == "spells"
