"""Every table that the fields of records are worked out from, and the choices of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tariff.packs.model import Chapter, PodCodesPack
from tariff.reference.attendances import AttendanceTables, attendance_tables
from tariff.reference.critical_care import CriticalCareTables, critical_care_tables
from tariff.reference.emergency import EmergencyTables, emergency_tables
from tariff.reference.factors import Factors
from tariff.reference.other_tables import OtherTables, other_tables
from tariff.reference.price import PriceOptions
from tariff.reference.price_tables import PriceTables, price_tables
from tariff.reference.tables import (
    GroupTables,
    PackLike,
    all_group_tables,
    choose_by_date,
    date_of_year,
    of_kind,
)


@dataclass(frozen=True)
class RecordTables:
    """Groupers, prices, and the same of other care."""

    groupers: Sequence[GroupTables]
    prices: PriceTables
    other: OtherTables | None
    attendances: Sequence[AttendanceTables]
    emergency: Sequence[EmergencyTables]
    critical_care: Sequence[CriticalCareTables]

    @property
    def factors(self) -> Factors:
        """Factors and successors."""
        return self.prices.factors

    @property
    def chapters(self) -> Sequence[Chapter]:
        """The chapters of ICD-10 as the newest grouper reads them."""
        return choose_by_date(self.groupers, None).codes.chapters

    def grouper(self, when: date | None, options: PriceOptions) -> GroupTables:
        """Return the grouper of a day; of the year given where there is none."""
        return choose_by_date(self.groupers, day_or_year(when, options))


def day_or_year(when: date | None, options: PriceOptions) -> date | None:
    """Return a day, else the first of the tariff year given for records without."""
    if when is None and options.year is not None:
        return date_of_year(options.year)
    return when


def record_tables(
    packs: Sequence[PackLike], editions: Mapping[str, str] | None = None
) -> RecordTables:
    """Build the tables of every pack given."""
    return RecordTables(
        groupers=all_group_tables(packs),
        prices=price_tables(packs, editions),
        other=other_tables(packs, editions) if of_kind(packs, PodCodesPack) else None,
        attendances=attendance_tables(packs),
        emergency=emergency_tables(packs),
        critical_care=critical_care_tables(packs),
    )
