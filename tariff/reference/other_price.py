"""The price of a record that is not admitted care, and what every dataset does to make one.

Money is worked in exact fractions of a penny and leaves as whole pence. A record that the national
rules pay nothing for has a price of nothing and says why; what is not known stays None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from tariff.packs.model import OtherCarePack
from tariff.reference.factors import factor_of
from tariff.reference.other_tables import OtherTables, YearOfPrices
from tariff.reference.price import PriceOptions, rounded_total, year_of
from tariff.reference.values import Value, text
from tariff.reference.values import day as day_of

Row = Mapping[str, Value]

# In the order of the tables in docs/pricing-other-care.md.
NOT_KNOWN = (
    "no_year", "tariff_not_held", "no_hrg", "hrg_not_in_tariff", "function_unknown",
    "attendance_unknown", "department_unknown", "setting_unknown", "no_quantity", "no_unit_price",
    "unbundled_unknown", "mff_unknown", "list_is_partial", "factor_unknown", "level_unknown",
)  # fmt: skip
SETTLED = (
    "not_attended", "administrative_event", "function_excluded", "private_patient", "marked_local",
    "walk_in_centre", "no_direct_access_price", "maternity_pathway", "not_consultant_led",
    "specialty_excluded", "remote", "function_without_price", "local_currency", "rebundled",
    "not_paid_in_setting", "money_only", "unbundled_local", "marked_first", "marked_last",
)  # fmt: skip
SECOND_HAND = (
    "setting_assumed", "mff_of_other_year", "level_as_billed", "level_differs", "not_listed",
    "mff_of_successor", "pod_unknown",
)  # fmt: skip
REASONS = (*NOT_KNOWN, *SETTLED, *SECOND_HAND)


@dataclass
class OtherPrice:
    """The price of a record and how it came about; the names are those of the tables."""

    outcome: str | None = None
    priced_hrg: str | None = None
    point_of_delivery: str | None = None
    price_basis: str | None = None
    price_type: str | None = None
    tariff_year: str | None = None
    tariff: str | None = None
    base_pence: int | None = None
    best_practice_pence: int | None = None
    unbundled_pence: int | None = None
    pre_mff_pence: int | None = None
    mff: int | None = None
    mff_year: str | None = None
    total_pence: int | None = None
    complete: bool = True
    price_reasons: str | None = None
    listed_as: str | None = None  # of drugs and devices, as the lists of the year have them
    listed_group: str | None = None
    listed_commissioner: str | None = None
    national_programme: str | None = None
    fixed_element: str | None = None
    reasons: set[str] = field(default_factory=set)

    def nothing(self, outcome: str, *reasons: str) -> None:
        """The national rules pay nothing, for these reasons."""
        self.outcome = outcome
        self.base_pence = self.best_practice_pence = 0
        self.reasons.update(reasons)

    def paid(self, outcome: str, base: int, best_practice: int = 0) -> None:
        """A published price, or one of nothing."""
        self.outcome = outcome if base + best_practice else "zero_price"
        self.base_pence, self.best_practice_pence = base, best_practice


def hrg_of(row: Row, column: str) -> str | None:
    """An HRG or another code, in capitals."""
    found = text(row, column)
    return None if found is None else found.upper()


def direct_price(held: YearOfPrices, hrg: str) -> int | None:
    """The price of a service that a GP may ask for directly: listed as such, or imaging."""
    if hrg in held.direct_access:
        return held.direct_access[hrg]
    return held.unbundled.get(hrg) if held.treatment.get(hrg) == "rebundled" else None


def scan_is_paid(rules: OtherCarePack, setting: str, core: str | None) -> bool:
    """Imaging has a price beside an attendance, not inside what includes it."""
    if setting == "procedure":
        return rules.imaging_beside_empty_core and core in rules.imaging_cores
    return setting in ("attendance", "direct_access")


# ---------------------------------------------------------------- year, factor, sums


def year_given(row: Row, options: PriceOptions | None, column: str) -> str | None:
    """The tariff year of a record's day, else the one given for records without."""
    when: date | None = day_of(row, column)
    if when is not None:
        return year_of(when)
    return None if options is None else options.year


def begin(
    tables: OtherTables, row: Row, options: PriceOptions | None, column: str
) -> tuple[OtherPrice, YearOfPrices | None]:
    """A price to be made, and what its year pays; why not, where that is not held."""
    price = OtherPrice(tariff_year=year_given(row, options, column))
    if price.tariff_year is None:
        price.reasons.add("no_year")
        return price, None
    held = tables.years.get(price.tariff_year)
    if held is None:
        price.reasons.add("tariff_not_held")
    else:
        price.tariff = held.pack_id
    return price, held


def end(
    tables: OtherTables,
    held: YearOfPrices | None,
    row: Row,
    price: OtherPrice,
    options: PriceOptions | None,
) -> OtherPrice:
    """The price with its kind, sum, factor and total."""
    options = options or PriceOptions()
    if held is not None and price.outcome is not None:
        if price.outcome in ("priced", "zero_price", "local_price"):
            price.price_type = _price_type(held, row, price)
        price.unbundled_pence = price.unbundled_pence or 0
        assert price.base_pence is not None and price.best_practice_pence is not None
        parts = [price.base_pence, price.best_practice_pence, price.unbundled_pence]
        price.pre_mff_pence = sum(parts)
        price.mff, price.mff_year = options.mff, "given"
        if price.mff is None:
            assert price.tariff_year is not None
            wanted = options.mff_year or price.tariff_year
            provider = text(row, "provider") or ""
            found = factor_of(tables.factors, provider, wanted)
            price.mff, price.mff_year = found.mff, found.year
            due = any(parts)
            if due and price.mff is None:
                price.reasons.add("mff_unknown")
            elif due and price.mff_year != wanted:
                price.reasons.add("mff_of_other_year")
            if due and found.of_successor:
                price.reasons.add("mff_of_successor")
        if not any(parts):
            price.total_pence = 0
        elif price.mff is not None:
            price.total_pence = rounded_total(held.rounding, parts, price.mff)
    return told_in_words(price)


def _price_type(held: YearOfPrices, row: Row, price: OtherPrice) -> str | None:
    """The kind of a price: as the year's table tells, else as the rules have it for its basis."""
    if price.price_basis is None:
        return None
    hrg, of = price.priced_hrg or "", "hrg"
    figures = {
        "procedure": ["outpatient_procedure"],
        "emergency": ["type_1_and_2"],
        "direct_access": ["other", "unbundled"],
        "dialysis": ["unbundled"],
        "unbundled": ["unbundled"],
    }.get(price.price_basis, [""])
    if price.price_basis == "attendance":
        figures = [name for name, known in held.rules.attendance_hrgs.items() if known == hrg]
        of, hrg = "treatment_function", text(row, "treatment_function") or ""
    elif price.price_basis in ("maternity", "other", "best_practice"):
        of = "other"
    known = held.kinds.get((of, hrg), {})
    if price.price_basis != "attendance":
        figures = [*figures, ""]
    told = [known[figure] for figure in figures if figure in known]
    if price.outcome == "local_price":
        return told[0] if told and told[0] in ("guide", "benchmark") else "local"
    return told[0] if told else str(held.rules.price_types[price.price_basis])


def told_in_words(price: OtherPrice) -> OtherPrice:
    """The price with its reasons in words."""
    named = " ".join(name for name in REASONS if name in price.reasons) or None
    complete = not price.reasons & set(NOT_KNOWN)
    return replace(price, price_reasons=named, complete=complete)
