"""Why a price of the national list may not be the one due: a claim is then only a question.

Fair to the hospital: what the engine cannot know it does not claim. Each doubt is a sentence; a
finding whose value rests on a price and that meets one is shown without a value.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.reasons import PRICE_REASONS
from tariff.packs.compile import NULL64
from tariff.packs.model import PodPack

_OTHER_EDITION = 1 << PRICE_REASONS.index("trim_of_other_edition")


class Doubts:
    """The doubts about the prices of a run."""

    def __init__(self, columns: SpellColumns) -> None:
        self.columns = columns
        self._best_practice = [
            {
                (area.setting == "elective", columns.rulebook.hrg_ids.get(hrg, -1)): area.area
                for area in manifest.best_practice
                for hrg in area.hrgs
            }
            for manifest in columns.rulebook.prices.manifests
        ]
        self._local = self._marked_local()

    def _marked_local(self) -> NDArray[np.bool_]:
        """Spells that say that no national price applies to them."""
        columns = self.columns
        manifest = columns.rulebook.points_of_delivery.pack.manifest
        assert isinstance(manifest, PodPack)
        rule = manifest.local_price
        out = np.zeros(len(columns), bool)
        if rule is None:
            return out
        tests: dict[str, Callable[[str], bool]] = {
            "commissioning_serial_number": lambda text: (
                text.startswith(rule.serial_mark) or text.endswith(rule.serial_mark)
            ),
            "administrative_category": lambda text: text in rule.administrative_categories,
            "treatment_function": lambda text: text in rule.treatment_functions,
        }
        for name, test in tests.items():
            if name in columns.frame.fields:
                ids, values = columns.codes(name)
                table = np.array([*(bool(value) and test(value) for value in values), False], bool)
                out |= table[ids]
        return out

    def of_price(self, spells: tuple[int, ...]) -> str:
        """Give the first doubt about the price of some spells, empty where there is none."""
        for spell in spells:
            doubt = self._of_one(spell)
            if doubt:
                return f"A question: {doubt}."
        return ""

    def _of_one(self, spell: int) -> str:
        columns = self.columns
        given, prices = columns.price_input, columns.prices
        official = columns.provenance(spell) == "official"
        if given.hrg[spell] != columns.billed_hrg[spell] and not official:
            return "the HRG that is priced is the engine's own, from reconstructed tables"
        if self._local[spell]:
            return "the record is marked as paid at a local price or outside the national tariff"
        if columns.number("billed")[spell] < 0 and columns.number("billed")[spell] != NULL64:
            return "what was billed is a credit"
        excess = max(int(prices.excess[spell]), int(columns.number("billed_excess_days")[spell]))
        if prices.reasons[spell] & _OTHER_EDITION and excess > 0:
            return "the trim point and the per-day rate are those of another year"
        group, tariff = int(prices.group[spell]), int(prices.tariff[spell])
        if group >= 0 and tariff >= 0:
            elective = columns.rulebook.points_of_delivery.groups[group].price != "non_elective"
            area = self._best_practice[tariff].get((elective, int(given.hrg[spell])))
            if area:
                return f"in the best practice area {area} a flagged spell is paid another price"
        return ""
