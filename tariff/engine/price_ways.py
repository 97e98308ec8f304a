"""Other ways a spell may rightly have been paid, that its record does not rule out.

Criteria of an area, payments beside its price and specialised services are settled outside SUS: a
record that does not tell of them may have been billed with any that the year has. Payments and
top-ups are each put on every price of the area, not on one another: with all of both nearly any
amount would be some price.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.engine.flags import OLDEST
from tariff.engine.marking import mark_rules
from tariff.engine.members import Members
from tariff.engine.payments import NO_AMOUNT
from tariff.engine.spell_codes import last_code
from tariff.engine.top_ups import ADULT
from tariff.packs.best_practice import CRITERIA, AreaRow, Printed
from tariff.packs.grouping import NULL32


@dataclass(frozen=True)
class Way:
    """What the price of a spell may rest on; None: what it was worked out with."""

    row: AreaRow | None
    other: bool = False  # of criteria otherwise met than the price was worked out with
    payments: tuple[tuple[str, int], ...] | None = None  # code and pence
    rate: int | None = None  # of a top-up, in units of 1e-15
    percent: str = ""  # that rate as printed


class PriceWays:
    """The other ways of the spells of a run."""

    def __init__(self, columns: SpellColumns) -> None:
        self.columns = columns
        self.rules = mark_rules(columns.rulebook)
        self.fields = columns.frame.fields

    def of(self, spell: int) -> list[Way]:
        """Give each way that the record leaves open, the plainest first."""
        own = self.own(spell)
        prices = [own, *([] if self._tells_criteria(spell) else self.criteria(spell))]
        payments = [
            Way(way.row, way.other, some) for way in prices for some in self._payments(spell)
        ]
        rates = [
            Way(way.row, way.other, None, rate, percent)
            for way in prices
            for rate, percent in self._rates(spell)
        ]
        return [*prices[1:], *payments, *rates]

    def own(self, spell: int) -> Way:
        """Give the way the spell is priced."""
        marks = self.columns.marks
        here = int(marks.area_row[spell])
        return Way(marks.rows[here] if here >= 0 else None)

    def criteria(self, spell: int) -> list[Way]:
        """Give the prices of the area of a spell under other criteria than it is priced with."""
        printed, row = self._printed(spell), self.own(spell).row
        if printed is None or row is None:
            return []
        if self.pays_beside(spell, printed.area):
            return []
        tariff, hrg = self._place(spell)
        found = (self.rules.best_practice.row(tariff, hrg, printed.flag, met) for met in CRITERIA)
        cells = {row.cells}
        out = []
        for other in found:
            if other is not None and other.cells not in cells:
                cells.add(other.cells)
                out.append(Way(other, other=True))
        return out

    def pays_beside(self, spell: int, area: str) -> bool:
        """Say whether an area pays beside its price, whatever the criteria."""
        return self.rules.best_practice.payments_beside(self._place(spell)[0], area)

    def _place(self, spell: int) -> tuple[int, int]:
        columns = self.columns
        return int(columns.prices.tariff[spell]), int(columns.price_input.hrg[spell])

    def _printed(self, spell: int) -> Printed | None:
        return self.columns.marks.printed(spell, int(self.columns.prices.paid[spell]))

    def _met(self, spell: int) -> str:
        """Give what the record says of the criteria, where that is anything known."""
        members = Members.of(self.columns.spells).take(np.array([spell], np.int64))
        met, said = last_code(members, "best_practice_met")
        return said[int(met[0])] if said[int(met[0])] in CRITERIA else ""

    def _tells_criteria(self, spell: int) -> bool:
        """Say whether the price is that of what the record says: a level of another area is not."""
        met, printed = self._met(spell), self._printed(spell)
        return bool(met) and (printed is None or printed.payment in (CRITERIA[met], "price"))

    def _payments(self, spell: int) -> list[tuple[tuple[str, int], ...]]:
        """Give each set of payments that may have been earned, fewest first."""
        if "best_practice_payments" in self.fields:
            return []
        (tariff, hrg), printed = self._place(spell), self._printed(spell)
        area = printed.area if printed else ""
        held = [
            payment
            for payment in self.rules.payments.payments[tariff]
            if payment.amount[hrg] != NO_AMOUNT and (payment.open or payment.area == area)
        ]
        of_area = [payment for payment in held if payment.area == area]
        said = self._met(spell)
        met = said if len(of_area) == 1 and said in ("Y", "N") else ""
        # one payment: met tells it; of several it does not tell which
        earned = of_area if met == "Y" else []
        may = [payment for payment in held if not met or payment.area != area]
        sets = chain.from_iterable(combinations(may, count) for count in range(len(may) + 1))
        return [
            tuple((payment.code, int(payment.amount[hrg])) for payment in (*earned, *some))
            for some in sets
            if not _rivals([payment.area for payment in some if payment.exclusive])
        ]

    def _rates(self, spell: int) -> list[tuple[int, str]]:
        """Give the rates of the services that the spell may have had, each once."""
        if "specialised_services" in self.fields:
            return []
        columns, services = self.columns, self.rules.top_ups
        tariff, _ = self._place(spell)
        given = columns.price_input
        provider = given.providers[int(given.provider[spell])]
        rows = set(services.rows[tariff].values())
        if services.triggers[tariff]:
            rows = self._untold(tariff, int(given.age[spell]))
        found = {
            int(services.rate[row]): services.printed[row]
            for row in sorted(rows)
            if services.rate[row] and services.paid(row, provider)
        }
        return sorted(found.items())

    def _untold(self, tariff: int, age: int) -> set[int]:
        """Give the services worked out from what the extract does not have."""
        known = "age" in self.fields and age != NULL32 and age <= OLDEST
        return {
            trigger.row
            for trigger in self.rules.top_ups.triggers[tariff]
            if (trigger.age == "any" or not known or (trigger.age == "adult") == (age >= ADULT))
            and not (
                (known or trigger.age == "any")
                and ("diag_01" if trigger.diagnoses else "oper_01") in self.fields
                and ("oper_01" in self.fields or not trigger.secondary)
            )
        }


def _rivals(areas: list[str]) -> bool:
    """Say whether two payments are of one area, of which only one counts."""
    return len(set(areas)) < len(areas)
