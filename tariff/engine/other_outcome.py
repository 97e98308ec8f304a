"""What pricing decides of records that are not admitted care, and how the sums come about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.exclusions import CATEGORY, as_coded
from tariff.engine.other_prices import LOCAL, YearPrices, year_prices
from tariff.engine.price import MffChoice, years_of
from tariff.engine.records import Ids, Records
from tariff.engine.words import Words, per_value
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.editions import Editions
from tariff.packs.grouping import NULL32
from tariff.packs.load import LoadedPack
from tariff.schemas import MFF_UNIT

Rows = NDArray[np.int64]
Money = NDArray[np.int64]
Mask = NDArray[np.bool_]

# order of bits, and of the tables in docs/pricing-other-care.md
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
BIT = {name: np.uint64(1 << place) for place, name in enumerate(REASONS)}
INCOMPLETE = np.uint64((1 << len(NOT_KNOWN)) - 1)

OUTCOMES = (
    "priced", "zero_price", "excluded", "local_price", "not_priced", "no_tariff", "rebundled",
    "not_paid", "passed_through", "money_only",
)  # fmt: skip
OUTSIDE_LIST = ("guide", "benchmark")  # kinds of price that a price list names and does not hold
NONE = -1
POUND = 100


@dataclass(frozen=True)
class PriceOptions:
    """What the command line says of prices."""

    year: str | None = None  # of records without a date
    mff: MffChoice = field(default_factory=MffChoice)
    editions: Editions = field(default_factory=Editions)
    as_year: str | None = None  # price every record as though it were of this year


class OtherPrices:
    """What pricing decided, one entry a record. Missing money is NULL64, a missing name below 0."""

    def __init__(self, count: int) -> None:
        self.names = Words()
        self.year_names: list[str] = []
        self.mff_years: list[str] = []
        self.used: dict[str, LoadedPack] = {}
        self.year: NDArray[np.int16] = np.full(count, NONE, np.int16)
        for name in ("outcome", "hrg", "pod", "basis", "type", "tariff", "provenance", "mff_year"):
            setattr(self, name, np.full(count, NONE, np.int64))
        self.listed: dict[str, Rows] = {}  # of lines: what the year's lists say, ids of `names`
        for name in ("base", "best_practice", "unbundled", "pre_mff", "total", "mff"):
            setattr(self, name, np.full(count, NULL64, np.int64))
        self.reasons: NDArray[np.uint64] = np.zeros(count, np.uint64)

    outcome: Rows  # index of OUTCOMES
    hrg: Rows  # these are ids of `names`
    pod: Rows
    basis: Rows
    type: Rows
    tariff: Rows
    provenance: Rows
    mff_year: Rows  # index of `mff_years`
    base: Money
    best_practice: Money
    unbundled: Money
    pre_mff: Money
    total: Money
    mff: Money

    def __len__(self) -> int:
        return len(self.year)

    def per_name(
        self, say: Callable[[str], Any], dtype: Any = np.bool_, blank: Any = 0
    ) -> NDArray[Any]:
        """Give what is said of each name, as an array to look up by id; a blank is the last."""
        return np.array([*map(say, self.names.values), blank], dtype)

    def say(self, rows: Rows, reason: str) -> None:
        """Give some records a reason."""
        self.reasons[rows] |= BIT[reason]

    def nothing(self, rows: Rows, outcome: str, reason: str = "") -> None:
        """The national rules pay nothing for these."""
        self.outcome[rows] = OUTCOMES.index(outcome)
        self.base[rows] = self.best_practice[rows] = 0
        if reason:
            self.say(rows, reason)

    def paid(self, rows: Rows, base: Money, best_practice: Money | int = 0) -> None:
        """Give some records their price; one of nothing is told apart."""
        self.base[rows], self.best_practice[rows] = base, best_practice
        nothing = base + best_practice == 0
        self.outcome[rows] = np.where(
            nothing, OUTCOMES.index("zero_price"), OUTCOMES.index("priced")
        )

    @property
    def complete(self) -> Mask:
        """Say of which records everything is known."""
        known: Mask = (self.reasons & INCOMPLETE) == 0
        return known


def by_year(
    out: OtherPrices,
    days: NDArray[np.int32],
    options: PriceOptions,
    rulebook: Rulebook,
    which: Mask | None = None,
) -> list[tuple[YearPrices, Rows]]:
    """Give the records of each tariff year that is held; the others get their reason."""
    if options.as_year is not None:
        days = np.full_like(days, NULL32)
    out.year, out.year_names = years_of(days, options.as_year or options.year)
    wanted = np.ones(len(out), bool) if which is None else which
    out.say(np.flatnonzero(wanted & (out.year == NONE)), "no_year")
    found = []
    for index, year in enumerate(out.year_names):
        rows = np.flatnonzero(wanted & (out.year == index))
        if not len(rows):
            continue
        prices = year_prices(rulebook, year)
        if prices is None:
            out.say(rows, "tariff_not_held")
            continue
        out.tariff[rows] = out.names.id_of(prices.tariff.manifest.id)
        out.provenance[rows] = out.names.id_of(prices.provenance)
        for pack in (prices.tariff, prices.care):
            out.used[pack.manifest.id] = pack
        found.append((prices, rows))
    return found


def excluded(records: Records, rows: Rows, prices: YearPrices, out: OtherPrices) -> None:
    """Say which records speak of a private patient or of a local price."""
    rules = prices.rules
    ids, values = records.codes(CATEGORY)
    categories = {as_coded(CATEGORY, code) for code in rules.excluded_categories}
    private = per_value(values, lambda text: as_coded(CATEGORY, text) in categories)
    out.say(rows[private[ids[rows]]], "private_patient")
    ids, values = records.codes("commissioning_serial_number")
    mark = rules.serial_mark
    for place, marked in (
        ("first", per_value(values, lambda text: text.startswith(mark))),
        ("last", per_value(values, lambda text: text.endswith(mark))),
    ):
        if place in rules.serial_mark_places:
            out.say(rows[marked[ids[rows]]], "marked_local")
            out.say(rows[marked[ids[rows]]], f"marked_{place}")


def hrgs(records: Records, column: str, out: OtherPrices) -> Rows:
    """Give the HRG of each record as a name, below 0 where there is none."""
    ids, values = records.codes(column)
    return out.names.ids_of(value.upper() for value in values)[ids]


# ---------------------------------------------------------------- factor and sums


def finish(
    out: OtherPrices,
    parts: list[tuple[YearPrices, Rows]],
    records: Records,
    rulebook: Rulebook,
    choice: MffChoice,
) -> None:
    """Give the sum before the market forces factor, the factor, and the total of each record."""
    provider, providers = records.codes("provider")
    for prices, rows in parts:
        rows = rows[out.outcome[rows] != NONE]
        if not len(rows):
            continue
        out.unbundled[rows] = np.where(out.unbundled[rows] == NULL64, 0, out.unbundled[rows])
        sums = [out.base[rows], out.best_practice[rows], out.unbundled[rows]]
        out.pre_mff[rows] = sums[0] + sums[1] + sums[2]
        due = (sums[0] != 0) | (sums[1] != 0) | (sums[2] != 0)
        year = out.year_names[int(out.year[rows[0]])]
        _factors(out, rows, due, provider[rows], providers, rulebook, choice, year)
        known = out.mff[rows] != NULL64
        factor = np.where(known, out.mff[rows], 0)
        total = rounded_total(prices.rounding, sums, factor)
        out.total[rows] = np.where(due & ~known, NULL64, total)
        _price_types(out, rows, records, prices)


def _factors(
    out: OtherPrices,
    rows: Rows,
    due: Mask,
    provider: Ids,
    providers: list[str],
    rulebook: Rulebook,
    choice: MffChoice,
    year: str,
) -> None:
    def place(held: str) -> int:
        if held not in out.mff_years:
            out.mff_years.append(held)
        return out.mff_years.index(held)

    if choice.factor is not None:
        out.mff[rows], out.mff_year[rows] = choice.factor, place("given")
        return
    wanted = choice.year or year
    present = np.unique(provider)
    factor = np.full(len(providers), NULL64, np.int64)
    of_year = np.full(len(providers), NONE, np.int64)
    successor = np.zeros(len(providers), bool)
    for index in present.tolist():
        factor[index], held = rulebook.mff.factor(providers[index], wanted)
        of_year[index] = place(held) if held else NONE
        successor[index] = rulebook.mff.is_of_successor(providers[index], wanted)
    out.mff[rows], out.mff_year[rows] = factor[provider], of_year[provider]
    for pack in rulebook.mff.packs_of((providers[index], wanted) for index in present.tolist()):
        out.used[pack.id] = pack
    out.say(rows[due & (out.mff[rows] == NULL64)], "mff_unknown")
    other = (out.mff_year[rows] != NONE) & (out.mff_year[rows] != place(wanted))
    out.say(rows[due & other], "mff_of_other_year")
    out.say(rows[due & successor[provider]], "mff_of_successor")


def _price_types(out: OtherPrices, rows: Rows, records: Records, prices: YearPrices) -> None:
    """Say of each price whether it is a national, unit, guide or local price.

    What is priced locally may have a guide or a benchmark price outside the list.
    """
    local = out.outcome[rows] == OUTCOMES.index("local_price")
    published = np.isin(out.outcome[rows], [OUTCOMES.index(n) for n in ("priced", "zero_price")])
    kept = (local | published) & (out.basis[rows] != NONE)
    rows, local = rows[kept], local[kept]
    if not len(rows):
        return
    ids, values = records.codes("treatment_function")
    function = out.names.ids_of(values)[ids[rows]]
    keys = np.stack((local.astype(np.int64), out.basis[rows], out.hrg[rows], function))
    distinct, inverse = np.unique(keys, axis=1, return_inverse=True)
    names = [*out.names.values, ""]  # the blank is the last
    found = []
    for is_local, basis, hrg, of in distinct.T.tolist():
        told = prices.kind(names[basis], names[hrg], names[of])
        if is_local:
            told = told if told in OUTSIDE_LIST else LOCAL
        found.append(out.names.id_of(told or str(prices.rules.price_types[names[basis]])))
    out.type[rows] = np.array(found, np.int64)[inverse.reshape(-1)]


def rounded_total(policy: str, parts: list[Money], factor: Money) -> Money:
    """Give the total in pence of components in pence, under a rounding policy."""
    whole = parts[0] + parts[1] + parts[2]
    if policy == "pence_final":
        return scaled(whole, factor, 1)
    if policy == "pound_final":
        return scaled(whole, factor, POUND)
    if policy == "pound_pre_mff":
        one = np.full(len(whole), MFF_UNIT, np.int64)
        return scaled(scaled(whole, one, POUND), factor, 1)
    if policy == "pound_per_component":
        each = [scaled(part, factor, POUND) for part in parts]
        return each[0] + each[1] + each[2]
    raise ValueError(f"rounding policy {policy}")


def scaled(pence: Money, factor: Money, step: int) -> Money:
    """Give pence x factor (1e-9) to a multiple of `step` pence, half away from zero."""
    size: Any = np.abs(pence)
    unit = MFF_UNIT * step
    if len(size) and int(size.max()) * int(factor.max()) * 2 + unit > np.iinfo(np.int64).max:
        size, factor = size.astype(object), factor.astype(object)  # exact, whatever the size
    found: Money = np.sign(pence) * (((2 * size * factor + unit) // (2 * unit)).astype(np.int64))
    return found * step
