"""Price spells: prepare the kernel's arrays, call it, and keep every component."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tariff._core import price as kernel
from tariff.engine.parallel import run_parts
from tariff.packs.compile import NULL64, Rulebook, financial_year
from tariff.packs.grouping import NULL32

EPOCH = date(1970, 1, 1)
NO_YEAR = -1


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

    def take(self, which: NDArray[np.int64]) -> PriceInput:
        """Some of the spells, in the order asked for; the arrays are copies."""
        return PriceInput(
            self.year[which],
            self.hrg[which],
            self.method[which],
            self.patient_class[which],
            self.age[which],
            self.spell_days[which],
            self.deducted_days[which],
            self.provider[which],
            self.years,
            self.methods,
            self.classes,
            self.providers,
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
    base: NDArray[np.int64] = field(init=False)
    short_stay: NDArray[np.int64] = field(init=False)
    long_stay: NDArray[np.int64] = field(init=False)
    pre_mff: NDArray[np.int64] = field(init=False)
    total: NDArray[np.int64] = field(init=False)
    eligible: NDArray[np.int8] = field(init=False)
    reasons: NDArray[np.uint32] = field(init=False)
    mff: NDArray[np.int64] = field(init=False)
    mff_year: NDArray[np.int16] = field(init=False)  # index of `mff_years`, -1 none
    mff_other_year: NDArray[np.uint8] = field(init=False)  # 1: the nearest year's

    def __post_init__(self) -> None:
        for name, dtype in (
            ("group", np.int16),
            ("adjusted", np.int32),
            ("trim", np.int32),
            ("excess", np.int32),
            ("per_day", np.int64),
            ("base", np.int64),
            ("short_stay", np.int64),
            ("long_stay", np.int64),
            ("pre_mff", np.int64),
            ("total", np.int64),
            ("eligible", np.int8),
            ("reasons", np.uint32),
        ):
            setattr(self, name, np.zeros(self.spells, dtype))
        self.mff_years: list[str] = []


@dataclass(frozen=True)
class MffChoice:
    """Overrides of the factor: one for all, or one year's table for all."""

    factor: int | None = None  # in units of 1e-9
    year: str | None = None


class Pricer:
    """Prices spells under a rulebook."""

    def __init__(self, rulebook: Rulebook, mff: MffChoice | None = None) -> None:
        self.rulebook = rulebook
        self.choice = mff or MffChoice()

    def factors(self, spells: PriceInput, out: Prices) -> NDArray[np.uint8]:
        """Fill in the factor of each spell; give where it is another year's."""
        count = len(spells.year)
        if self.choice.factor is not None:
            out.mff_years = ["given"]
            out.mff = np.full(count, self.choice.factor, np.int64)
            out.mff_year = np.zeros(count, np.int16)
            return np.zeros(count, np.uint8)
        table = np.full((len(spells.providers), len(spells.years) + 1), NULL64, np.int64)
        year_of = np.full(table.shape, -1, np.int16)
        other = np.zeros(table.shape, np.uint8)
        years: dict[str, int] = {}
        for p, provider in enumerate(spells.providers):
            for y, year in enumerate(spells.years):
                wanted = self.choice.year or year
                factor, held = self.rulebook.mff.factor(provider, wanted)
                table[p, y] = factor
                if held:
                    year_of[p, y] = years.setdefault(held, len(years))
                    other[p, y] = held != wanted
        out.mff_years = list(years)
        out.mff = table[spells.provider, spells.year]
        out.mff_year = year_of[spells.provider, spells.year]
        return other[spells.provider, spells.year]

    def run(self, spells: PriceInput, *, threads: int = 1, parts: int = 1) -> Prices:
        """Price every spell."""
        rulebook, prices = self.rulebook, self.rulebook.prices
        out = Prices(len(spells.year))
        tariffs = np.array([prices.index_of_year(year) for year in spells.years] + [-1], np.int16)
        out.tariff = tariffs[spells.year]
        out.mff_other_year = other = self.factors(spells, out)
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
            )
        ]

        def work(part: tuple[int, int]) -> None:
            kernel.price(
                *arrays,
                prices.table,
                prices.short_stay_rule,
                short_stay_method,
                prices.rounding,
                group_method,
                group_class,
                pods.rules,
                out.group,
                out.adjusted,
                out.trim,
                out.excess,
                out.per_day,
                out.base,
                out.short_stay,
                out.long_stay,
                out.pre_mff,
                out.total,
                out.eligible,
                out.reasons,
                *part,
            )

        run_parts(work, list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)), threads)
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
