"""Price spells: prepare the kernel's arrays, call it, and keep every component."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tariff._core import price as kernel
from tariff.engine.marks import Marks
from tariff.engine.parallel import run_parts
from tariff.engine.reasons import PRICE_REASONS
from tariff.errors import UsageError
from tariff.packs.compile import NULL64, ROUNDING, Rulebook, financial_year
from tariff.packs.grouping import NULL32
from tariff.packs.load import LoadedPack

EPOCH = date(1970, 1, 1)
NO_YEAR = -1
_OF_SUCCESSOR = np.uint32(1 << PRICE_REASONS.index("mff_of_successor"))


@dataclass
class PriceInput:
    """Spells to price, one value each. Codes are ids of `methods` and `classes`."""

    year: NDArray[np.int16]  # index of `years`, -1 for none
    hrg: NDArray[np.int32]  # index of `Rulebook.hrgs`; -1 none, -2 unknown
    method: NDArray[np.uint16]
    patient_class: NDArray[np.uint16]
    age: NDArray[np.int32]
    spell_days: NDArray[np.int32]
    deducted_days: NDArray[np.int32]
    provider: NDArray[np.int64]  # ids of `providers`
    years: list[str]
    methods: list[str]
    classes: list[str]
    providers: list[str]
    marks: Marks | None = None  # without them no best practice, top-up, payment or exclusion

    def take(self, which: NDArray[np.int64]) -> PriceInput:
        """Some of the spells, in the order asked for; the arrays are copies."""
        return replace(
            self,
            year=self.year[which],
            hrg=self.hrg[which],
            method=self.method[which],
            patient_class=self.patient_class[which],
            age=self.age[which],
            spell_days=self.spell_days[which],
            deducted_days=self.deducted_days[which],
            provider=self.provider[which],
            marks=None if self.marks is None else self.marks.take(which),
        )


@dataclass
class Prices:
    """What pricing decided. Missing numbers are NULL32 and NULL64."""

    spells: int
    tariff: NDArray[np.int16] = field(init=False)  # index of `Rulebook.prices`; below 0 none
    group: NDArray[np.int16] = field(init=False)  # index of the points of delivery; -1 none
    adjusted: NDArray[np.int32] = field(init=False)
    trim: NDArray[np.int32] = field(init=False)
    excess: NDArray[np.int32] = field(init=False)
    per_day: NDArray[np.int64] = field(init=False)
    listed: NDArray[np.int64] = field(init=False)  # before best practice
    paid: NDArray[np.int8] = field(init=False)  # cell of the best practice row; -1 none
    base: NDArray[np.int64] = field(init=False)
    short_stay: NDArray[np.int64] = field(init=False)
    long_stay: NDArray[np.int64] = field(init=False)
    top_up: NDArray[np.int64] = field(init=False)
    best_practice: NDArray[np.int64] = field(init=False)  # payments beside the price
    pre_mff: NDArray[np.int64] = field(init=False)
    total: NDArray[np.int64] = field(init=False)
    eligible: NDArray[np.int8] = field(init=False)
    reasons: NDArray[np.uint32] = field(init=False)
    mff: NDArray[np.int64] = field(init=False)
    mff_year: NDArray[np.int16] = field(init=False)  # index of `mff_years`, -1 none
    mff_other_year: NDArray[np.uint8] = field(init=False)  # 1: the nearest year's
    mff_pack: NDArray[np.int16] = field(init=False)  # index of `mff_packs`, -1 none
    mff_successor: NDArray[np.bool_] = field(init=False)  # that of the provider it was merged into

    def __post_init__(self) -> None:
        for name, dtype in (
            ("group", np.int16),
            ("adjusted", np.int32),
            ("trim", np.int32),
            ("excess", np.int32),
            ("per_day", np.int64),
            ("listed", np.int64),
            ("paid", np.int8),
            ("base", np.int64),
            ("short_stay", np.int64),
            ("long_stay", np.int64),
            ("top_up", np.int64),
            ("best_practice", np.int64),
            ("pre_mff", np.int64),
            ("total", np.int64),
            ("eligible", np.int8),
            ("reasons", np.uint32),
        ):
            setattr(self, name, np.zeros(self.spells, dtype))
        self.mff_years: list[str] = []
        self.mff_packs: list[LoadedPack] = []


@dataclass(frozen=True)
class MffChoice:
    """Overrides of the factor: one for all, or one year's table for all."""

    factor: int | None = None  # in units of 1e-9
    year: str | None = None


@dataclass(frozen=True)
class Terms:
    """What a contract says otherwise than the rules of the year."""

    delayed_discharge: bool = False  # delayed days come off the excess days
    rounding: str | None = None  # a policy in place of the price list's

    def __post_init__(self) -> None:
        if self.rounding is not None and self.rounding not in ROUNDING:
            raise UsageError(
                f"'{self.rounding}' is not a rounding policy", hint=f"one of {', '.join(ROUNDING)}"
            )


class Pricer:
    """Prices spells under a rulebook."""

    def __init__(
        self, rulebook: Rulebook, mff: MffChoice | None = None, terms: Terms | None = None
    ) -> None:
        self.rulebook = rulebook
        self.choice = mff or MffChoice()
        self.terms = terms or Terms()

    def tariffs(self, spells: PriceInput) -> NDArray[np.int16]:
        """Give the price list of each spell: an index of `Rulebook.prices`, below 0 none."""
        prices = self.rulebook.prices
        tariffs = np.array([prices.index_of_year(year) for year in spells.years] + [-1], np.int16)
        return tariffs[spells.year]

    def factors(self, spells: PriceInput, out: Prices) -> NDArray[np.uint8]:
        """Fill in the factor of each spell; give where it is another year's."""
        count = len(spells.year)
        out.mff_successor = np.zeros(count, bool)
        if self.choice.factor is not None:
            out.mff_years = ["given"]
            out.mff = np.full(count, self.choice.factor, np.int64)
            out.mff_year = np.zeros(count, np.int16)
            out.mff_pack = np.full(count, -1, np.int16)
            return np.zeros(count, np.uint8)
        table = np.full((len(spells.providers), len(spells.years) + 1), NULL64, np.int64)
        year_of = np.full(table.shape, -1, np.int16)
        other = np.zeros(table.shape, np.uint8)
        successor = np.zeros(table.shape, bool)
        pack_of = np.full(table.shape, -1, np.int16)
        years: dict[str, int] = {}
        packs: dict[LoadedPack, int] = {}
        for p, provider in enumerate(spells.providers):
            for y, year in enumerate(spells.years):
                wanted = self.choice.year or year
                found = self.rulebook.mff.find(provider, wanted)
                table[p, y] = found.value
                if found.pack is not None:
                    year_of[p, y] = years.setdefault(found.year, len(years))
                    pack_of[p, y] = packs.setdefault(found.pack, len(packs))
                    other[p, y] = found.year != wanted
                    successor[p, y] = self.rulebook.mff.is_of_successor(provider, wanted)
        out.mff_years, out.mff_packs = list(years), list(packs)
        # one place for all five tables: to find it again for each was a third of pricing
        place = spells.provider * table.shape[1] + spells.year % table.shape[1]  # no year: the last
        out.mff_pack = pack_of.take(place)
        out.mff = table.take(place)
        out.mff_year = year_of.take(place)
        out.mff_successor = successor.take(place)
        return other.take(place)

    def run(
        self,
        spells: PriceInput,
        *,
        threads: int = 1,
        parts: int = 1,
        factors: NDArray[np.int64] | None = None,
    ) -> Prices:
        """Price every spell, at a factor of its own where `factors` are given."""
        rulebook, prices = self.rulebook, self.rulebook.prices
        out = Prices(len(spells.year))
        out.tariff = self.tariffs(spells)
        marks = spells.marks or Marks.none(out.spells)
        delayed = marks.delayed
        if not self.terms.delayed_discharge:
            delayed = np.zeros(out.spells, np.int32)
        rounding = prices.rounding
        if self.terms.rounding is not None:
            rounding = np.full_like(rounding, ROUNDING.index(self.terms.rounding))
        if factors is None:
            other = self.factors(spells, out)
        else:
            other, out.mff = np.zeros(out.spells, np.uint8), factors
            out.mff_successor = np.zeros(out.spells, bool)
        out.mff_other_year = other
        pods = rulebook.points_of_delivery
        short_stay_method = prices.short_stay_methods(spells.methods)
        group_method, group_class = pods.methods(spells.methods), pods.classes(spells.classes)
        cuts = np.linspace(0, out.spells, max(threads, parts) + 1).astype(np.int64)
        arrays = [
            np.ascontiguousarray(array)
            for array in (
                out.tariff,
                spells.hrg,
                spells.method,
                spells.patient_class,
                spells.age,
                spells.spell_days,
                spells.deducted_days,
                out.mff,
                other,
                marks.exclusion,
                delayed,
                marks.area_row,
                marks.top_up_rate,
                marks.payments,
                marks.bits,
                marks.table(),
            )
        ]

        def work(part: tuple[int, int]) -> None:
            kernel.price(
                *arrays,
                prices.table,
                prices.short_stay_rule,
                short_stay_method,
                rounding,
                prices.top_up_also_on,
                group_method,
                group_class,
                pods.rules,
                out.group,
                out.adjusted,
                out.trim,
                out.excess,
                out.per_day,
                out.listed,
                out.paid,
                out.base,
                out.short_stay,
                out.long_stay,
                out.top_up,
                out.best_practice,
                out.pre_mff,
                out.total,
                out.eligible,
                out.reasons,
                *part,
            )

        run_parts(work, list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)), threads)
        out.reasons[out.mff_successor & (out.base != NULL64)] |= _OF_SUCCESSOR
        return out


def years_of(days: NDArray[np.int32], default: str | None) -> tuple[NDArray[np.int16], list[str]]:
    """Give the tariff year of each discharge as an index of a list of years; -1 for none.

    `days` are days since 1970-01-01, NULL32 where there is no discharge date; `default` is the
    year of those.
    """
    out = np.full(len(days), NO_YEAR, np.int16)
    years: list[str] = []
    known = days != NULL32
    if known.any():
        distinct, place = np.unique(days[known], return_inverse=True)
        names = [financial_year(EPOCH + timedelta(days=int(day))) for day in distinct]
        years = list(dict.fromkeys(names))
        index = {name: number for number, name in enumerate(years)}
        out[known] = np.array([index[name] for name in names], np.int16)[place]
    if default is not None and not known.all():
        if default not in years:
            years.append(default)
        out[~known] = years.index(default)
    return out, years


def times(pence: NDArray[np.int64], factor: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give pence x factor (1e-9), half up to the penny; NULL64 where either is missing."""
    out = np.empty(len(pence), np.int64)
    kernel.times(np.ascontiguousarray(pence), np.ascontiguousarray(factor), out)
    return out
