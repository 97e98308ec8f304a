"""What a best practice area pays for a spell (docs/pricing.md, steps 5, 6 and 9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tariff.packs.model import BestPracticePayment, BestPracticePricing, PodGroup
from tariff.reference.flags import flags_of
from tariff.reference.price_tables import AreaPrice, BestPractice
from tariff.reference.spells import Spell
from tariff.reference.values import codes_given, last_given

PAYMENT_MET = {"Y": "best_practice", "N": "not_best_practice"} | {
    f"LEVEL_{level}": f"level_{level}" for level in (1, 2, 3)
}
BY_STAY = ("stay_0", "stay_over_0")
ELECTIVE = ("day_case", "ordinary_elective")
LAST = 1 << 30  # the place of a flag that the hierarchy does not name


@dataclass(frozen=True, slots=True)
class Substitution:
    """The price of an area that a spell is paid."""

    area: BestPracticePricing
    row: AreaPrice


@dataclass(frozen=True, slots=True)
class Printed:
    """A price to put in place of the one worked out: a flag, None the list's own, and criteria."""

    flag: str | None
    met: str


# ---------------------------------------------------------------- the price


def every_price(held: BestPractice, hrg: str) -> Iterator[Printed]:
    """Give every price that a list may print of an HRG, its own and those of best practice."""
    yield Printed(None, "")
    for flag in sorted({row.flag for row in _of_hrg(held, hrg)}):
        for met in ("", *PAYMENT_MET):
            yield Printed(flag, met)


def printed_rows(held: BestPractice, hrg: str, flag: str | None) -> list[AreaPrice]:
    """Return the prices of an HRG under a flag."""
    return [row for row in _of_hrg(held, hrg) if row.flag == flag]


def _of_hrg(held: BestPractice, hrg: str) -> list[AreaPrice]:
    return [
        row
        for row in held.prices
        if row.hrg == hrg and not row.short_stay and row.payment != "additional"
    ]


def rows_of(held: BestPractice, spell: Spell, hrg: str) -> list[AreaPrice]:
    """Return the prices of the areas of a spell: of the flag that decides, else those without."""
    rows = _of_hrg(held, hrg)
    flags = {row.flag for row in rows} & set(flags_of(held, spell, hrg))
    deciding = min(
        flags, key=lambda flag: (held.hierarchy.get((f"{flag}_HRG", hrg), LAST), flag), default=""
    )
    return [row for row in rows if row.flag == deciding]


def asks_for_stay(rows: Iterable[AreaPrice], group: PodGroup, adjusted: int | None) -> bool:
    """Say whether the stay would choose among prices, and is not known."""
    by_stay = any(row.setting in BY_STAY for row in rows)
    return by_stay and adjusted is None and group.price == "non_elective"


def substitution(
    held: BestPractice,
    rows: Sequence[AreaPrice],
    spell: Spell,
    group: PodGroup,
    adjusted: int | None,
    said: str | None = None,
) -> Substitution | None:
    """Return the price that stands in for that of the list, None where that one holds.

    `said`: of the criteria, in place of what the record says.
    """
    fitting = [row for row in rows if _fits(held, row, group, adjusted)]
    fitting.sort(key=lambda row: row.setting == "")  # one of the setting itself goes first
    if said is None:
        said = last_given(spell.episodes, "best_practice_met") or ""
    met = PAYMENT_MET.get(said)
    for name in dict.fromkeys(row.area for row in rows):
        area = held.areas[name]
        row = _chosen(area, [row for row in fitting if row.area == name], met)
        if row is not None:
            return Substitution(area, row)
    return None


def _fits(held: BestPractice, row: AreaPrice, group: PodGroup, adjusted: int | None) -> bool:
    """Say whether a price is one of the setting of a spell."""
    if row.setting == "":
        named = held.settings.get(row.hrg) or tuple(held.areas[row.area].settings)
        return not named or group.price in named
    if row.setting == "elective":
        return group.price in ELECTIVE
    if row.setting in BY_STAY:
        if group.price != "non_elective" or adjusted is None:
            return False
        return (adjusted == 0) == (row.setting == "stay_0")
    return row.setting == group.price


def _chosen(
    area: BestPracticePricing, fitting: Sequence[AreaPrice], met: str | None
) -> AreaPrice | None:
    if area.payments:
        wanted = ["not_best_practice"]
    elif area.pays == "setting":
        return next(iter(fitting), None)
    else:
        wanted = [payment for payment in (met, area.pays) if payment is not None]
    for payment in wanted:
        for asked in (payment, "price"):
            for row in fitting:
                if row.payment == asked:
                    return row
    return None


# ---------------------------------------------------------------- the reduced short stay


def short_stay_row(held: BestPractice, found: Substitution) -> AreaPrice | None:
    """Return the reduced price printed beside a price of an area."""
    row = found.row
    same = (row.area, row.hrg, row.flag, row.payment, row.setting)
    for other in held.prices:
        key = (other.area, other.hrg, other.flag, other.payment, other.setting)
        if other.short_stay and key == same:
            return other
    return None


def prints_short_stays(held: BestPractice, area: str) -> bool:
    """Say whether an area prints a reduced price for any HRG."""
    return any(row.short_stay and row.area == area for row in held.prices)


# ---------------------------------------------------------------- payments beside the price


def payments_of(
    held: BestPractice, spell: Spell, hrg: str, found: Substitution | None, reasons: set[str]
) -> int:
    """Return the payments that a spell with a price earned, and say which of those named cannot."""
    given = codes_given(spell.episodes, "best_practice_payments") or []
    fitting = dict(_fitting(held, hrg, found))
    earned = {code for code in given if code in fitting}
    if found is not None and last_given(spell.episodes, "best_practice_met") == "Y":
        earned |= {payment.code for payment in found.area.payments if payment.code in fitting}
    for area in held.areas.values():
        if area.exclusive:
            rivals = sorted(
                earned & {payment.code for payment in area.payments}, key=fitting.__getitem__
            )
            earned -= set(rivals[:-1])  # the dearest counts alone
    if not earned >= set(given):
        reasons.add("payment_unknown")
    return sum(fitting[code] for code in earned)


def _fitting(held: BestPractice, hrg: str, found: Substitution | None) -> Iterator[tuple[str, int]]:
    """Give the payments that a spell could earn, by code, and their amounts."""
    with_hrgs = {row.area for row in held.prices if row.hrg}
    for area in held.areas.values():
        if area.area in with_hrgs and (found is None or found.area.area != area.area):
            continue
        for payment in area.payments:
            if payment.hrgs and not hrg.startswith(tuple(payment.hrgs)):
                continue
            amount = _amount(held, area, payment, hrg)
            if amount is not None:
                yield payment.code, amount


def _amount(
    held: BestPractice, area: BestPracticePricing, payment: BestPracticePayment, hrg: str
) -> int | None:
    rows = [row for row in held.prices if row.area == area.area]
    for row in rows:
        if row.hrg == hrg and row.payment == "additional":
            return row.price
    for row in rows:
        if not row.hrg and row.name == payment.row:
            return row.price
    return None
