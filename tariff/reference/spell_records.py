"""The records of spells: canonical columns, group, price and everything worked out from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tariff.reference.bill_facts import before_mff, bill_fields, total
from tariff.reference.facts import (
    Fields,
    billed_fields,
    common,
    diagnosis_fields,
    plain,
    procedure_fields,
    root_of,
)
from tariff.reference.group import Grouping, group_spell
from tariff.reference.periods import Period
from tariff.reference.price import (
    Price,
    PriceOptions,
    point_of_delivery,
    price_spell,
)
from tariff.reference.record_tables import RecordTables
from tariff.reference.spell_codes import code_fields
from tariff.reference.spell_facts import episode_fields
from tariff.reference.spells import Key, Spell, assemble
from tariff.reference.values import Episode, in_field_order, text
from tariff.reference.world import Record


def spell_records(
    tables: RecordTables,
    rows: Iterable[Episode],
    options: PriceOptions | None = None,
    periods: Mapping[Key, Sequence[Period]] | None = None,
) -> list[Record]:
    """Group and price spells, and return a record of each, by provider and spell number."""
    rows, options = list(rows), options or PriceOptions()
    fields = frozenset(column for row in rows for column in row)
    found: list[Record] = []
    for spell in assemble(rows):
        own = tuple((periods or {}).get(spell.key, ()))
        grouper = tables.grouper(spell.discharge_date, options)
        grouping = group_spell(grouper, spell.episodes, fields)
        price = price_spell(tables.prices, spell, grouping.hrg, options, own)
        found.append(spell_record(tables, spell, grouping, price, options, own))
    return found


def spell_record(
    tables: RecordTables,
    spell: Spell,
    grouping: Grouping,
    price: Price,
    options: PriceOptions,
    periods: tuple[Period, ...] = (),
) -> Record:
    """Return the record of a grouped and priced spell."""
    canonical = canonical_columns(spell)
    return {
        **canonical,
        **common("spells", canonical, tables.factors),
        **billed_fields(spell.billed),
        **diagnosis_fields(spell.episodes, tables.chapters),
        **procedure_fields(spell.episodes),
        **episode_fields(spell),
        **code_fields(tables, spell, options),
        **price_fields(tables, spell, price, options),
        **bill_fields(tables, spell, price, options, periods),
        "hrg": grouping.hrg,
        "hrg_root": root_of(grouping.hrg),
        "error_category": grouping.error_category,
        "duplicate_rows": spell.duplicate_rows,
    }


def canonical_columns(spell: Spell) -> Fields:
    """Return the canonical columns of a spell."""
    columns: Collection[str] = {column for episode in spell.episodes for column in episode}
    return {name: plain(spell.attribute(name)) for name in in_field_order(columns)}


def price_fields(tables: RecordTables, spell: Spell, price: Price, options: PriceOptions) -> Fields:
    """Return what pricing says; what rests on a price that is not complete is missing."""
    return {
        "priced_hrg": price.priced_hrg,
        "priced_root": root_of(price.priced_hrg),
        "point_of_delivery": price.point_of_delivery,
        "tariff_year": price.tariff_year,
        "spell_days": price.spell_days,
        "adjusted_days": price.adjusted_days,
        "excess_days": price.excess_days,
        "trim_days": price.trim_days,
        "excess_days_other_trim": _excess_at_other_trim(tables, spell, price, options),
        "critical_care_days": price.critical_care_days,
        "rehabilitation_days": price.rehabilitation_days,
        "palliative_care_days": price.palliative_care_days,
        "delayed_days": price.delayed_days,
        "list_price": price.list_pence,
        "base": price.base_pence,
        "short_stay": price.short_stay_pence,
        "long_stay": price.long_stay_pence,
        "top_up": price.top_up_pence,
        "best_practice": price.best_practice_pence,
        "short_stay_eligible": price.short_stay_eligible,
        "pre_mff": before_mff(price),
        "mff": price.mff,
        "total": total(price),
    }


def _excess_at_other_trim(
    tables: RecordTables, spell: Spell, price: Price, options: PriceOptions
) -> int | None:
    """Return the excess days at the trim point of the other of elective and emergency.

    None where the two are equal or one is not held.
    """
    held = tables.prices.lists.get(price.tariff_year or "")
    row = held.rows.get(price.priced_hrg or "") if held is not None else None
    group = point_of_delivery(
        tables.prices.groups,
        text(spell.first, "admission_method"),
        text(spell.first, "patient_classification"),
        price.adjusted_days,
    )
    if row is None or group is None or group.trim == "none" or price.adjusted_days is None:
        return None
    elective, emergency = row.elective_trim, row.non_elective_trim
    if elective is None or emergency is None or elective == emergency:
        return None
    other = emergency if group.trim == "elective" else elective
    delayed = price.delayed_days if options.delayed_discharge else 0
    return max(0, price.adjusted_days - other - delayed)
