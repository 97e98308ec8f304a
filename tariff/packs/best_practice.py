"""The best practice prices of admitted care, compiled: docs/pricing.md, steps 5 and 6.

For a tariff, an HRG, the flag that decides and what is said of the criteria there is one `AreaRow`:
a price for each setting a spell may have, and the reduced price beside it. The kernel takes the
cell of the spell's setting and knows nothing of areas, flags or payments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.packs.compile import NULL64, pence
from tariff.packs.load import LoadedPack
from tariff.packs.model import BestPracticePricing, TariffPack

# cells of a row: prices by setting, then the reduced short stay prices of the last three
DAY_CASE, ELECTIVE, STAY_0, STAY_OVER_0, STAY_UNKNOWN = range(5)
REDUCED = 5  # of STAY_0; those of the other two follow
BY_STAY = 8  # 1: the price depends on the stay, so that an unknown one leaves it unknown
CELLS = 9
NEVER, AS_LISTED = -1, -2  # in place of a reduced price

_SETTING = ("day_case", "ordinary_elective", "non_elective", "non_elective", "non_elective")
_FITTING = (
    ("day_case", "elective"),
    ("ordinary_elective", "elective"),
    ("non_elective", "stay_0"),
    ("non_elective", "stay_over_0"),
    ("non_elective",),
)
_SETTINGS = frozenset({"", *(name for names in _FITTING for name in names)})
CRITERIA = {  # what an extract may say of the criteria, and the payment it asks for
    "Y": "best_practice",
    "N": "not_best_practice",
    **{f"LEVEL_{level}": f"level_{level}" for level in (1, 2, 3)},
}


@dataclass(frozen=True, slots=True)
class Printed:
    """One price of an HRG as printed."""

    area: str
    flag: str
    payment: str
    setting: str
    pence: int


@dataclass(frozen=True, slots=True)
class AreaRow:
    """What the kernel reads, and which printed price stands in each cell of a price."""

    cells: tuple[int, ...]
    printed: tuple[Printed | None, ...]


@dataclass
class _OfTariff:
    """The tables of one tariff."""

    areas: dict[str, BestPracticePricing]
    prices: dict[str, list[Printed]]  # by HRG, in the order printed
    reduced: dict[tuple[str, Printed], int]  # by HRG and the price it goes with
    reducing: frozenset[str]  # areas that print any reduced price
    settings: dict[str, tuple[str, ...]]  # of rows without one, by HRG


class BestPractice:
    """The best practice prices of all tariffs; indexes as in `Rulebook.prices` and `hrgs`."""

    def __init__(self, packs: Sequence[LoadedPack], hrgs: Sequence[str]) -> None:
        self.hrgs = hrgs
        self._tariffs = [_of_tariff(pack) for pack in packs]
        ids = {hrg: index for index, hrg in enumerate(hrgs)}
        self.priced = np.zeros((len(packs), len(hrgs)), bool)  # HRGs with any row
        for index, held in enumerate(self._tariffs):
            self.priced[index, [ids[hrg] for hrg in held.prices if hrg in ids]] = True
        self.areas = sorted({area for held in self._tariffs for area in held.areas})
        self._rows: dict[tuple[int, int, str, str], AreaRow | None] = {}

    def row(self, tariff: int, hrg: int, flag: str, met: str) -> AreaRow | None:
        """Give the row of an HRG under a flag (empty: none); None where nothing is printed."""
        key = (tariff, hrg, flag, met)
        if key not in self._rows:
            self._rows[key] = self._make(self._tariffs[tariff], self.hrgs[hrg], flag, met)
        return self._rows[key]

    def every_row(self, tariff: int, hrg: int) -> list[AreaRow]:
        """Give the rows of an HRG under each flag it has prices for and whatever is said."""
        printed = self._tariffs[tariff].prices.get(self.hrgs[hrg], [])
        found = (
            self.row(tariff, hrg, flag, met)
            for flag in dict.fromkeys(price.flag for price in printed)
            for met in ("", *CRITERIA)
        )
        return list({row.cells: row for row in found if row is not None}.values())

    def payments_beside(self, tariff: int, area: str) -> bool:
        """Say whether an area pays beside its price rather than by another price."""
        return bool(self._tariffs[tariff].areas[area].payments)

    def _make(self, held: _OfTariff, hrg: str, flag: str, met: str) -> AreaRow | None:
        printed = held.prices.get(hrg, [])
        flagged = {price.flag for price in printed}
        rows = [price for price in printed if price.flag == (flag if flag in flagged else "")]
        chosen = [self._chosen(held, hrg, rows, cell, met) for cell in range(REDUCED)]
        by_stay = any(price.setting in ("stay_0", "stay_over_0") for price in rows)
        if not any(chosen) and not by_stay:
            return None
        reduced = [self._reduced(held, hrg, price) for price in chosen[STAY_0:]]
        prices = [NULL64 if price is None else price.pence for price in chosen]
        return AreaRow((*map(int, prices), *reduced, int(by_stay)), tuple(chosen))

    def _chosen(
        self, held: _OfTariff, hrg: str, rows: list[Printed], cell: int, met: str
    ) -> Printed | None:
        """Give the row that is paid in a setting."""
        fitting = [row for row in rows if row.setting in _FITTING[cell]]
        fitting += [
            row
            for row in rows
            if not row.setting
            and _SETTING[cell]
            in (held.settings.get(hrg) or held.areas[row.area].settings or _SETTING)
        ]
        for area in dict.fromkeys(row.area for row in rows):
            rule = held.areas[area]
            mine = [row for row in fitting if row.area == area]
            asked = [CRITERIA.get(met, rule.pays), rule.pays]
            if rule.payments:
                asked = ["not_best_practice"]
            elif rule.pays == "setting" and mine:
                return mine[0]
            for payment in asked:
                for wanted in (payment, "price"):
                    for row in mine:
                        if row.payment == wanted:
                            return row
        return None

    @staticmethod
    def _reduced(held: _OfTariff, hrg: str, price: Printed | None) -> int:
        if price is None:
            return AS_LISTED
        if not held.areas[price.area].short_stay:
            return NEVER
        # the price itself is no part of what must match
        found = held.reduced.get((hrg, _without_price(price)))
        if found is not None:
            return found
        return NEVER if price.area in held.reducing else AS_LISTED


def _without_price(price: Printed) -> Printed:
    return Printed(price.area, price.flag, price.payment, price.setting, 0)


def _of_tariff(pack: LoadedPack) -> _OfTariff:
    manifest = pack.manifest
    assert isinstance(manifest, TariffPack)
    held = _OfTariff({a.area: a for a in manifest.best_practice_areas}, {}, {}, frozenset(), {})
    if "best_practice_prices" not in pack.tables or not held.areas:
        return held
    reducing = set()
    for row in priced_rows(pack):
        price = Printed(
            row["area"], row["flag"], row["payment"], row["setting"], pence(row["price"])
        )
        if row["short_stay"] == "yes":
            reducing.add(row["area"])
            held.reduced.setdefault((row["code"], _without_price(price)), price.pence)
        else:
            held.prices.setdefault(row["code"], []).append(price)
    held.reducing = frozenset(reducing)
    if "best_practice_hrgs" in pack.tables:
        for row in _rows(pack, "best_practice_hrgs"):
            held.settings[row["hrg"]] = tuple(row["settings"].split())
    return held


def priced_rows(pack: LoadedPack) -> Iterator[Mapping[str, str]]:
    """Give the rows of best practice prices that price spells: docs/pricing.md, step 5."""
    assert isinstance(pack.manifest, TariffPack)
    areas = {area.area for area in pack.manifest.best_practice_areas}
    for row in _rows(pack, "best_practice_prices"):
        if (
            row["code_type"] == "hrg"
            and row["area"] in areas
            and not row["per"]
            and row["setting"] in _SETTINGS
            and row["payment"] != "additional"
        ):
            yield row


def _rows(pack: LoadedPack, table: str) -> list[Mapping[str, str]]:
    columns = pack.tables[table].columns
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def table_of(rows: Sequence[AreaRow]) -> NDArray[np.int64]:
    """Give rows as the kernel reads them."""
    return np.array([row.cells for row in rows], np.int64).reshape(-1, CELLS)
