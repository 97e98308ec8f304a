"""The rows behind records, so that a record can be changed, put together with others, and priced.

Written from docs/signatures.md (Remedies) and docs/money.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tariff.extract.fields import field_of
from tariff.reference.group import group_spell
from tariff.reference.other_price import NOT_KNOWN, OtherPrice
from tariff.reference.other_records import in_record_order
from tariff.reference.price import SECOND_HAND, Price, PriceOptions, price_spell
from tariff.reference.price_other import price_attendance, price_emergency
from tariff.reference.price_other_lines import price_line
from tariff.reference.price_tables import PriceTables
from tariff.reference.record_tables import RecordTables
from tariff.reference.spells import Spell, assemble
from tariff.reference.values import Episode, Value
from tariff.reference.world import Ref

Row = Mapping[str, Value]
Held = Mapping[tuple[str, str], Sequence[Row]]
Total = int | None

# what the price of other care says it is paid; for the rest another agreement does
TOLD = ("priced", "zero_price", "rebundled", "not_paid", "passed_through", "money_only")
# what a spell brings with it when it is priced as another kind of record
OF_SPELLS = (
    "provider", "patient_id", "site", "age", "sex", "treatment_function", "main_specialty",
)  # fmt: skip
DAY_OF = {"attendances": "attendance_date", "emergency": "arrival_date"}


@dataclass(frozen=True)
class Care:
    """Rows by source and kind, in the order of their records."""

    tables: RecordTables
    spells: Mapping[str, Sequence[Spell]]  # by source
    others: Mapping[tuple[str, str], Sequence[Row]]
    fields: Mapping[tuple[str, str], frozenset[str]]

    @staticmethod
    def of(tables: RecordTables, held: Held) -> Care:
        """Keep the rows of every kind of care."""
        return Care(
            tables,
            {source: assemble(rows) for (source, kind), rows in held.items() if kind == "spells"},
            {
                (source, kind): [row for row, _ in in_record_order(rows, kind)]
                for (source, kind), rows in held.items()
                if kind != "spells"
            },
            {key: frozenset(name for row in rows for name in row) for key, rows in held.items()},
        )

    def spell(self, ref: Ref) -> Spell:
        """Return the spell of a record."""
        return self.spells[ref[0]][ref[2]]

    # -- grouping and pricing

    def hrg_of(self, ref: Ref, spell: Spell, *, of_parts: bool = False) -> str | None:
        """Return the HRG that the engine groups a spell to, that of a record or one made of it.

        `of_parts`: what the episodes of one spell must agree in is not asked of several.
        """
        grouper = self.tables.grouper(spell.discharge_date, PriceOptions())
        fields = self.fields[ref[0], ref[1]]
        if of_parts:
            grouper = replace(grouper, fields=replace(grouper.fields, same_in_spell=[]))
        return group_spell(grouper, spell.episodes, fields).hrg

    def error_hrg(self, spell: Spell) -> str:
        """Return the HRG of records in error on the day a spell ended."""
        return self.tables.grouper(spell.discharge_date, PriceOptions()).error_hrg

    def price(self, spell: Spell, hrg: str | None, factor: int | None, without: str = "") -> Price:
        """Price a spell at an HRG and a factor; `without`: as though it had no such component."""
        at = replace(spell, billed=replace(spell.billed, hrg=hrg))
        prices = _without(self.tables.prices, without)
        return price_spell(prices, at, hrg, PriceOptions(mff=factor))

    def price_row(
        self, kind: str, row: Row, fields: frozenset[str], factor: int | None
    ) -> OtherPrice | None:
        """Price a row of other care; None of a kind that has no price of its own."""
        assert self.tables.other is not None
        options = PriceOptions(mff=factor)
        if kind == "attendances":
            return price_attendance(self.tables.other, row, options, fields)
        if kind == "emergency":
            return price_emergency(self.tables.other, row, options)
        return price_line(self.tables.other, row, options, fields) if kind == "lines" else None


def _without(tables: PriceTables, component: str) -> PriceTables:
    """Return price lists of which no best practice price, or no top-up, is paid."""
    if component not in ("best_practice", "top_up"):
        return tables
    lists = {}
    for year, held in tables.lists.items():
        if component == "best_practice":
            held = replace(held, best_practice=replace(held.best_practice, areas={}, prices=()))
        else:
            held = replace(
                held, top_ups=replace(held.top_ups, rates=dict.fromkeys(held.top_ups.rates, ""))
            )
        lists[year] = held
    return replace(tables, lists=lists)


def total_of(price: Price) -> Total:
    """Return the total of a price; None where it is not complete."""
    lacking = set((price.price_reasons or "").split()) - SECOND_HAND
    return None if lacking else price.total_pence


def total_of_other(price: OtherPrice | None) -> Total:
    """Return the total of other care; None where the tariff does not say what is paid."""
    if price is None or price.outcome not in TOLD:
        return None
    reasons = set((price.price_reasons or "").split())
    return None if reasons & set(NOT_KNOWN) else price.total_pence


# ---------------------------------------------------------------- changed rows


def value_of(column: str, kind: str, text: str) -> Value:
    """Return what a row holds in a column for a text; "" is a blank."""
    if text == "":
        return None
    found = field_of(column, "episodes" if kind == "spells" else kind)
    assert found is not None, f"{column} is no column of {kind}"
    if found.type == "date":
        return date.fromisoformat(text)
    return int(text) if found.type == "integer" else text


def with_values(spell: Spell, values: Mapping[str, Value]) -> Spell:
    """Return a spell of which every episode has other values."""
    return replace(spell, episodes=tuple({**row, **values} for row in spell.episodes))


def codes_of(row: Episode, name: str) -> list[tuple[str, str]]:
    """Return the columns of a family that hold a code, in order, with it."""
    members = sorted(
        column for column in row if column[: len(name) + 1] == f"{name}_" and column[-2:].isdigit()
        and len(column) == len(name) + 3
    )  # fmt: skip
    return [(column, str(row[column])) for column in members if row[column] not in (None, "")]


def less(row: Episode, name: str, gone: Iterable[str]) -> Episode:
    """Return an episode less the codes in some columns of a family; what follows moves up."""
    out = set(gone)
    members = sorted(c for c in row if c.startswith(f"{name}_") and c[len(name) + 1 :].isdigit())
    kept = [row[column] for column in members if column not in out]
    moved: list[Value] = [*kept, *[None] * (len(members) - len(kept))]
    return {**row, **dict(zip(members, moved, strict=True))}


def merged(spells: Sequence[Spell]) -> Spell:
    """Return spells as one: the episodes of all, in the order given, as the first was billed."""
    rows = (row for spell in spells for row in spell.episodes)
    episodes = tuple({**row, "episode_order": place} for place, row in enumerate(rows, 1))
    return replace(spells[0], episodes=episodes, copies=(0,) * len(episodes))


def ending_last(spell: Spell, spells: Sequence[Spell]) -> Spell:
    """Return a merged spell that ends when the last of its parts does, whichever that is."""
    ends = [each.discharge_date for each in spells if each.discharge_date is not None]
    last = {**spell.last, "discharge_date": max(ends, default=None)}
    return replace(spell, episodes=(*spell.episodes[:-1], last))


def as_other_care(spell: Spell, kind: str, hrg: str | None) -> dict[str, Value]:
    """Return a spell as a row of another kind of care."""
    first = spell.first
    row: dict[str, Value] = {
        name: value
        for name, value in first.items()
        if (name in OF_SPELLS or name[:-2] in ("diag_", "oper_"))
        and field_of(name, kind) is not None
    }
    row[DAY_OF[kind]] = spell.admission_date
    row["attendance_id"] = spell.spell_id
    if kind == "attendances" and hrg is not None:
        row["billed_hrg"] = hrg
    return row
