"""Best practice payments beside the price (docs/pricing.md, step 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.engine.members import Members
from tariff.engine.spell_codes import NOTHING, last_code, listed
from tariff.packs.compile import pence
from tariff.packs.load import LoadedPack
from tariff.packs.model import BestPracticePayment, BestPracticePricing, TariffPack

NO_AMOUNT, _TAKEN = -1, -2


@dataclass(frozen=True)
class Payment:
    """A payment of an area; `open` where the area has no HRGs of its own."""

    code: str
    area: str
    open: bool
    exclusive: bool  # of those of its area that are earned only the dearest counts
    amount: NDArray[np.int64]  # pence by HRG, NO_AMOUNT where it cannot be earned


class PaymentRules:
    """The payments of every tariff. `packs` are those of `Rulebook.prices.packs`, in order."""

    def __init__(self, packs: Sequence[LoadedPack], hrgs: Mapping[str, int]) -> None:
        self.payments = [list(_payments(pack, hrgs)) for pack in packs]  # by tariff


def _payments(pack: LoadedPack, hrgs: Mapping[str, int]) -> Iterator[Payment]:
    assert isinstance(pack.manifest, TariffPack)
    if "best_practice_prices" not in pack.tables:
        return
    columns = pack.tables["best_practice_prices"].columns
    names = ("area", "code_type", "code", "name", "payment", "price")
    rows = list(zip(*(columns[name] for name in names), strict=True))
    for area in pack.manifest.best_practice_areas:
        mine = [row[1:] for row in rows if row[0] == area.area]
        for payment in area.payments:
            amount = _amounts(payment, mine, hrgs)
            yield Payment(
                payment.code.upper(), area.area, _is_open(area, rows), area.exclusive, amount
            )


def _is_open(area: BestPracticePricing, rows: Sequence[tuple[str, ...]]) -> bool:
    return not any(row[0] == area.area and row[1] == "hrg" for row in rows)


def _amounts(
    payment: BestPracticePayment, rows: Sequence[tuple[str, ...]], hrgs: Mapping[str, int]
) -> NDArray[np.int64]:
    """Give what a payment comes to by HRG: the row of the HRG, else the row of its name."""
    named = [price for _, code, name, _, price in rows if not code and name == payment.row]
    out = np.full(len(hrgs), pence(named[0]) if named else NO_AMOUNT, np.int64)
    for kind, code, _, what, price in rows:
        if kind == "hrg" and what == "additional" and code in hrgs:
            out[hrgs[code]] = pence(price)
    if payment.hrgs:
        for hrg, index in hrgs.items():
            if not hrg.startswith(tuple(payment.hrgs)):
                out[index] = NO_AMOUNT
    return out


@dataclass
class Payments:
    """`pence` per spell, 0 for none; `unknown`: a payment that does not exist or does not fit.

    `codes` counts those that the year does not define, by how many spells.
    """

    pence: NDArray[np.int64]
    unknown: NDArray[np.bool_]
    codes: Counter[str]


def payments(
    rules: PaymentRules,
    members: Members,
    tariff: NDArray[np.int16],
    hrg: NDArray[np.int32],
    area: NDArray[np.int16],
    areas: Sequence[str],
    priced: NDArray[np.bool_],
) -> Payments:
    """Give what each spell earned beside its price.

    `area` is the best practice area a row of which was found, an index of `areas`, -1 for none;
    `priced`: the spell has a price.
    """
    count = len(members)
    out = Payments(np.zeros(count, np.int64), np.zeros(count, bool), Counter())
    met, said = last_code(members, "best_practice_met")
    all_met = np.array([value == "Y" for value in said], bool)[met]
    given = listed(members, "best_practice_payments") or NOTHING
    fitted, defined = np.zeros((2, len(given.spell)), bool)
    for index in np.unique(tariff[tariff >= 0]):
        mine = tariff == index
        dearest: dict[str, NDArray[np.int64]] = {}  # of an exclusive area, by spell
        found = []
        for payment in rules.payments[index]:
            in_area = area == (areas.index(payment.area) if payment.area in areas else len(areas))
            amount = np.where(hrg >= 0, payment.amount[hrg], NO_AMOUNT)
            fits = mine & priced & (amount != NO_AMOUNT) & (in_area | payment.open)
            named = given.is_code(payment.code) & mine[given.spell]
            defined |= named
            earned = all_met & in_area
            earned[given.spell[named]] = True
            earned &= fits
            found.append((payment, named, np.where(earned, amount, NO_AMOUNT)))
            if payment.exclusive:
                before = dearest.get(payment.area, np.full(count, NO_AMOUNT))
                dearest[payment.area] = np.maximum(before, found[-1][2])
        for payment, named, amount in found:
            counts = amount != NO_AMOUNT
            if payment.exclusive:
                counts &= amount == dearest[payment.area]
                dearest[payment.area][counts] = _TAKEN  # one alone, where two are as dear
            fitted |= named & counts[given.spell]
            out.pence[counts] += amount[counts]
    held = tariff[given.spell] >= 0
    out.unknown[given.spell[held & ~fitted]] = True
    out.codes.update(given.values[code] for code in given.code[held & ~defined])
    return out
