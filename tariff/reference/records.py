"""The record that signatures look at: one flat dict a spell, as docs/signatures.md lists it.

Dates are days since 1970-01-01, money is pence, factors are in units of 1e-9, missing is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from tariff.packs.model import Chapter
from tariff.reference.group import Grouping
from tariff.reference.price import SECOND_HAND, Price
from tariff.reference.spells import Spell
from tariff.reference.values import days_since_epoch, in_field_order

RecordValue = str | int | None
Record = dict[str, RecordValue]


def chapter_of(chapters: Iterable[Chapter], diagnosis: str | None) -> str | None:
    """Return the ICD-10 chapter of a code, by its first three characters."""
    if diagnosis is None:
        return None
    category = diagnosis[:3]
    for chapter in chapters:
        if chapter.from_ <= category <= chapter.to:
            return chapter.chapter
    return None


def root_of(hrg: str | None) -> str | None:
    """Return the root of an HRG: its first four characters."""
    return None if hrg is None else hrg[:4]


def month_end(month: str | None) -> int | None:
    """Return the last day of a month YYYY-MM."""
    if month is None:
        return None
    year, number = int(month[:4]), int(month[5:7])
    following = date(year + number // 12, number % 12 + 1, 1)
    return days_since_epoch(following - timedelta(days=1))


def canonical_columns(spell: Spell) -> Record:
    """Return the canonical columns of a spell: its attributes, and what was billed."""
    columns = in_field_order({column for episode in spell.episodes for column in episode})
    record: Record = {}
    for column in columns:
        value = spell.attribute(column)
        record[column] = days_since_epoch(value) if isinstance(value, date) else value
    billed = spell.billed
    record |= {
        "billed_hrg": billed.hrg,
        "billed_point_of_delivery": billed.point_of_delivery,
        "billed_price": billed.price,
        "billed_mff": billed.mff,
        "billed_mff_amount": billed.mff_amount,
        "billed_excess_days": billed.excess_days,
        "billed_total": billed.total,
        "activity_month": billed.activity_month,
        "statement": billed.statement,
    }
    return record


def record_of(
    spell: Spell, grouping: Grouping, price: Price, chapters: Iterable[Chapter] = ()
) -> Record:
    """Return the record of a grouped and priced spell."""
    incomplete = set((price.price_reasons or "").split()) - SECOND_HAND
    before_mff_known = incomplete <= {"mff_unknown"}
    not_its_own = {"mff_of_other_year", "mff_of_successor"}
    total_known = price.complete and not_its_own.isdisjoint((price.price_reasons or "").split())
    return canonical_columns(spell) | {
        "critical_care_days": price.critical_care_days,
        "rehabilitation_days": price.rehabilitation_days,
        "palliative_care_days": price.palliative_care_days,
        "provider": spell.provider,
        "spell_id": spell.spell_id,
        "primary_diagnosis": spell.primary_diagnosis,
        "primary_procedure": spell.primary_procedure,
        "diagnosis_chapter": chapter_of(chapters, spell.primary_diagnosis),
        "hrg": grouping.hrg,
        "hrg_root": root_of(grouping.hrg),
        "priced_hrg": price.priced_hrg,
        "priced_root": root_of(price.priced_hrg),
        "point_of_delivery": price.point_of_delivery,
        "error_category": grouping.error_category,
        "spell_days": price.spell_days,
        "adjusted_days": price.adjusted_days,
        "excess_days": price.excess_days,
        "trim_days": price.trim_days,
        "base": price.base_pence,
        "short_stay": price.short_stay_pence,
        "long_stay": price.long_stay_pence,
        "pre_mff": price.pre_mff_pence if before_mff_known else None,
        "total": price.total_pence if total_known else None,
        "short_stay_eligible": price.short_stay_eligible,
        "list_price": price.list_pence,
        "mff": price.mff,
        "billed": spell.billed.pence,
        "billed_product": spell.billed.product,
        "billed_factor": spell.billed.factor,
        "activity_month_end": month_end(spell.billed.activity_month),
        "duplicate_rows": spell.duplicate_rows,
    }
