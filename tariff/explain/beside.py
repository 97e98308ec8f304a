"""What a price rests on beside list, setting and days: exclusion, best practice, top-up, payments.

docs/pricing.md, steps 1, 5, 8 and 9, told line by line with the table and the sheet of each figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tariff.explain.rows import Row
from tariff.packs.load import LoadedPack
from tariff.packs.model import PodGroup
from tariff.reference.best_practice import (
    PAYMENT_MET,
    Substitution,
    asks_for_stay,
    payments_of,
    rows_of,
    substitution,
)
from tariff.reference.flags import flags_of
from tariff.reference.price_tables import BestPractice as Areas
from tariff.reference.price_tables import PriceList
from tariff.reference.spells import Spell, billed
from tariff.reference.top_ups import TopUp, top_up
from tariff.reference.values import codes_given, half_up, last_given
from tariff.report.text import pounds

# columns of which it matters whether the extract has them, blank or not
ASKED = ("best_practice_flags", "best_practice_payments", "specialised_services")

Step = tuple[str, str, str]  # what, figure, note


@dataclass(frozen=True)
class Sources:
    """Where the figures of a price list stand: its pack, and the sheets of its tables."""

    pack: str = ""
    sheets: Mapping[str, str] = field(default_factory=dict)
    deliveries: frozenset[str] = frozenset()  # HRGs priced in their own table

    @staticmethod
    def read(pack: LoadedPack) -> Sources:
        """Read where the figures of a price list stand."""
        tables = pack.tables
        sheets = sheets_of(tables["sheets"].columns) if "sheets" in tables else {}
        deliveries = tables["deliveries"].columns["hrg"] if "deliveries" in tables else []
        listed = set(tables["prices"].columns["hrg"])
        return Sources(pack.id, sheets, frozenset(deliveries) - listed)

    def table_of(self, hrg: str) -> str:
        """Name the table that has the list price of an HRG."""
        return "deliveries" if hrg in self.deliveries else "prices"

    def of(self, table: str) -> str:
        """Name the pack, the table and the sheet of a figure."""
        sheet = self.sheets.get(table)
        return f"{self.pack} {table}" + (f" (sheet {sheet})" if sheet else "")


def sheets_of(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give the sheets of each table of a pack, from its table `sheets`."""
    out: dict[str, list[str]] = {}
    for sheet, tables in zip(columns["sheet"], columns["tables"], strict=True):
        for table in tables.split():
            out.setdefault(table, []).append(sheet)
    return {table: ", ".join(sheets) for table, sheets in out.items()}


def spell_of(rows: Sequence[Row], fields: frozenset[str]) -> Spell:
    """Give rows as the spell that the tables are asked about."""
    there = dict.fromkeys(name for name in ASKED if name in fields)
    episodes = tuple({**there, **row} for row in rows)
    copies = (0,) * len(episodes)
    first = rows[0]
    return Spell(
        str(first["provider"]), str(first["spell_id"]), episodes, copies, billed(episodes, copies)
    )


# ---------------------------------------------------------------- best practice


@dataclass(frozen=True)
class BestPractice:
    """The price of an area, or None, and what is told of it."""

    found: Substitution | None
    by_stay: bool  # the stay would choose, and is not known
    steps: list[Step]


def best_practice(
    held: PriceList,
    spell: Spell,
    hrg: str,
    group: PodGroup,
    adjusted: int | None,
    listed: int,
    sources: Sources,
) -> BestPractice:
    """Give the price that stands in for that of the list."""
    best = held.best_practice
    rows = rows_of(best, spell, hrg)
    found = substitution(best, rows, spell, group, adjusted)
    steps: list[Step] = []
    if rows:
        steps.append(("Best practice flags", _flags(held, spell, hrg), _how_flagged(spell)))
    if found is not None:
        price = found.row.price
        instead = f"in place of {pounds(listed)}" if price != listed else "as the list price"
        steps.append(
            (
                "Best practice price",
                pounds(price),
                f"{found.area.area}: {_which(found, spell)}, {instead}; "
                f"{sources.of('best_practice_prices')}",
            )
        )
    return BestPractice(found, asks_for_stay(rows, group, adjusted), steps)


def _flags(held: PriceList, spell: Spell, hrg: str) -> str:
    return " ".join(flags_of(held.best_practice, spell, hrg)) or "none"


def _how_flagged(spell: Spell) -> str:
    if codes_given(spell.episodes, "best_practice_flags") is None:
        return "worked out from age, method, procedures and diagnoses"
    return "as the extract gives them"


def _which(found: Substitution, spell: Spell) -> str:
    row, area = found.row, found.area
    parts = [f"flag {row.flag}"] if row.flag else []
    parts.append(row.payment.replace("_", " "))
    if row.setting:
        parts.append(row.setting.replace("_", " "))
    met = last_given(spell.episodes, "best_practice_met")
    if area.payments or area.pays == "setting" or row.payment == area.pays:
        parts.append("what SUS pays")
    elif PAYMENT_MET.get(met or "") == row.payment:
        parts.append(f"the extract says {met}")
    return ", ".join(parts)


def payments(
    held: PriceList,
    spell: Spell,
    hrg: str,
    found: Substitution | None,
    reasons: set[str],
    sources: Sources,
) -> tuple[int, list[Step]]:
    """Give the payments beside the price, in pence."""
    best = held.best_practice
    pence = payments_of(best, spell, hrg, found, reasons)
    source = sources.of("best_practice_prices")
    steps = [
        (f"Payment {code}", pounds(amount), f"{what}, beside the price; {source}")
        for code, what, amount in _each(best, spell, hrg, found)
    ]
    if len(steps) > 1:
        steps.append(("Best practice payments", pounds(pence), "sum of the payments"))
    return pence, steps


def _each(
    best: Areas, spell: Spell, hrg: str, found: Substitution | None
) -> Iterator[tuple[str, str, int]]:
    """Give each payment earned, with its name and amount: what the spell earns were it alone."""
    met = last_given(spell.episodes, "best_practice_met") == "Y"
    named = codes_given(spell.episodes, "best_practice_payments") or []
    without = {name: replace(area, payments=[]) for name, area in best.areas.items()}
    for name, area in best.areas.items():
        earned = []
        for payment in area.payments:
            alone = replace(best, areas=without | {name: replace(area, payments=[payment])})
            amount = payments_of(alone, spell, hrg, found, set())
            if amount:
                why = "" if payment.code in named or not met else ", criteria met"
                what = f"{name}: {payment.row}" if payment.row else name
                earned.append((payment.code, what + why, amount))
        if area.exclusive and earned:  # the dearest counts alone
            earned = [max(earned, key=lambda item: item[2])]
        yield from earned


# ---------------------------------------------------------------- top-up


def specialised(
    held: PriceList, spell: Spell, parts: dict[str, int], reasons: set[str], sources: Sources
) -> tuple[TopUp, list[Step]]:
    """Give the specialised top-up, exact."""
    found = top_up(held.top_ups, spell, parts, reasons)
    if found.service is None:
        return found, []
    return found, [
        ("Specialised top-up", pounds(half_up(found.amount)), _told(held, found, parts, sources))
    ]


def _told(held: PriceList, found: TopUp, parts: dict[str, int], sources: Sources) -> str:
    if found.rate is None:
        return (
            f"service {found.service}: no rate, or not for this provider; {sources.of('top_ups')}"
        )
    taken_on = sum(_parts(held, parts))
    exact = "" if found.amount.denominator == 1 else ", counted to the last digit"
    return (
        f"service {found.service}: {found.rate}% of {pounds(taken_on)}{exact}; "
        f"{sources.of('top_ups')}"
    )


def _parts(held: PriceList, parts: dict[str, int]) -> Iterator[int]:
    yield parts["core"]
    for name in held.top_ups.rule.also_on:
        yield parts[name]


def shown(amount: Fraction | int) -> int:
    """Give an amount in whole pence."""
    return half_up(Fraction(amount))
