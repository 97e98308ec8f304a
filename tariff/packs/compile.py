"""Compile packs to the flat, immutable arrays that the kernel reads.

A `Rulebook` holds everything a run needs: one vocabulary of HRGs over all packs, a compiled
grouper per design, the price tables of all tariffs in one array, points of delivery and MFF.
Tables that depend on the codes an extract holds are made from it by `Grouper.code_tables`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from tariff.packs.editions import Editions, serving
from tariff.packs.grouping import OPEN_MAX, Grouper
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.market_forces import MarketForces
from tariff.packs.model import (
    GrouperPack,
    LabelsPack,
    PodPack,
    TariffPack,
)

NULL64 = np.iinfo(np.int64).min

PRICE_COLUMNS = ("day_case", "ordinary_elective", "non_elective", "none")
TRIMS = ("elective", "non_elective", "none")
ROUNDING = ("pence_final", "pound_final", "pound_pre_mff", "pound_per_component")
TABLE_COLUMNS = 10


def pence(text: str) -> int:
    """Give pounds as printed in pence, half up; NULL64 for a blank."""
    return half_up(Decimal(text) * 100) if text else int(NULL64)


def half_up(number: Decimal) -> int:
    """Round to a whole number, halves away from zero."""
    return int(number.to_integral_value(ROUND_HALF_UP))


class Prices:
    """The price lists of all tariffs in one array, by tariff and HRG.

    `packs` are in the order of `Editions.in_order`: the first of a year serves it.
    """

    def __init__(self, packs: list[LoadedPack], hrg_ids: dict[str, int]) -> None:
        self.packs = packs
        self.of_year = serving(packs)
        self.manifests = [pack.manifest for pack in packs if isinstance(pack.manifest, TariffPack)]
        self.table = np.full((len(packs), len(hrg_ids), TABLE_COLUMNS), NULL64, np.int64)
        self.table[:, :, 8] = 0
        self.table[:, :, 9] = 0
        self.rounding = np.zeros(len(packs), np.uint8)
        self.short_stay_rule = np.zeros((len(packs), 3), np.int32)
        also_on = [m.top_up_rule.also_on if m.top_up_rule else [] for m in self.manifests]
        self.top_up_also_on = np.array(
            [[part in parts for part in ("long_stay", "best_practice")] for parts in also_on],
            np.uint8,
        ).reshape(-1, 2)
        for index, (pack, manifest) in enumerate(zip(packs, self.manifests, strict=True)):
            self._fill(index, pack, manifest, hrg_ids)

    def _fill(
        self, index: int, pack: LoadedPack, manifest: TariffPack, hrg_ids: dict[str, int]
    ) -> None:
        borrowed = set(manifest.borrowed.columns) if manifest.borrowed else set()
        of_other = sum(
            bit
            for bit, trim in enumerate(TRIMS[:2], start=1)  # bit 1 elective, 2 non-elective
            if borrowed & {f"{trim}_trim", "per_day"}
        )
        self.rounding[index] = ROUNDING.index(manifest.rounding)
        if manifest.short_stay_rule is not None:
            rule = manifest.short_stay_rule
            self.short_stay_rule[index] = (1, rule.max_adjusted_days, rule.min_age)
        if "deliveries" in pack.tables:
            columns = pack.tables["deliveries"].columns
            for row, hrg in enumerate(columns["hrg"]):
                out = self.table[index, hrg_ids[hrg]]
                self._fill_row(out, columns, row, of_other)
                out[6] = 0  # a delivery is never a short stay
        columns = pack.tables["prices"].columns
        for row, hrg in enumerate(columns["hrg"]):
            out = self.table[index, hrg_ids[hrg]]
            self._fill_row(out, columns, row, of_other)
            flag = columns["short_stay"][row]
            out[6] = {"yes": 1, "no": 0}.get(flag, int(NULL64))
            out[7] = pence(columns["short_stay_price"][row])
            share = columns["short_stay_percent"][row]
            if flag == "yes" and not columns["short_stay_price"][row] and share:
                pounds = Decimal(columns["non_elective"][row] or 0) * Decimal(share) / 100
                out[7] = half_up(pounds) * 100
        for hrg in manifest.local_in_admitted_care:
            if hrg in hrg_ids:
                self.table[index, hrg_ids[hrg], :3] = NULL64

    @staticmethod
    def _fill_row(
        out: NDArray[np.int64], columns: dict[str, list[str]], row: int, of_other: int
    ) -> None:
        """Fill in prices, trim points and rate of an HRG."""
        combined = columns["combined"][row]
        out[0] = pence(columns["day_case"][row] or combined)
        out[1] = pence(columns["ordinary_elective"][row] or combined)
        out[2] = pence(columns["non_elective"][row])
        for place, name in ((3, "elective_trim"), (4, "non_elective_trim")):
            out[place] = int(columns[name][row] or NULL64)
        out[5] = pence(columns["per_day"][row])
        out[8] = 1
        out[9] = of_other

    def index_of_year(self, year: str) -> int:
        """Give the index of the price list that serves a year, -2 where none is held."""
        return self.of_year.get(year, -2)

    @property
    def serving(self) -> list[LoadedPack]:
        """The price lists that serve a year."""
        return [self.packs[index] for index in self.of_year.values()]

    def holds_short_stay(self, index: int) -> bool:
        """Say whether a price list flags the HRGs of the reduced short stay price."""
        return bool((self.table[index, :, 6] == 1).any())

    def short_stay_methods(self, methods: list[str]) -> NDArray[np.uint8]:
        """[tariff, method]: whether the method may bring the reduced short stay price."""
        out = np.zeros((len(self.manifests), len(methods)), np.uint8)
        for index, manifest in enumerate(self.manifests):
            if manifest.short_stay_rule is not None:
                out[index] = [m in manifest.short_stay_rule.admission_methods for m in methods]
        return out


def year_start(year: str) -> int:
    """Give the calendar year in which a financial year such as `2022/23` begins."""
    return int(year[:4])


def financial_year(day: date) -> str:
    """Give the financial year of a day: 1 April to 31 March."""
    start = day.year if (day.month, day.day) >= (4, 1) else day.year - 1
    return f"{start:04}/{(start + 1) % 100:02}"


class PointsOfDelivery:
    """The points of delivery of admitted care, in order of test."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, PodPack)
        self.pack = pack
        self.groups = pack.manifest.groups
        self.home_leave = pack.manifest.home_leave.days == "deducted"
        self.codes = [group.code for group in self.groups]
        self.rules = np.array(
            [
                (
                    OPEN_MAX if group.max_adjusted_days is None else group.max_adjusted_days,
                    PRICE_COLUMNS.index(group.price),
                    TRIMS.index(group.trim),
                )
                for group in self.groups
            ],
            np.int32,
        )

    def methods(self, values: list[str]) -> NDArray[np.uint8]:
        """[group, admission method]: whether the group takes it."""
        return np.array(
            [[value in group.admission_methods for value in values] for group in self.groups],
            np.uint8,
        )

    def classes(self, values: list[str]) -> NDArray[np.uint8]:
        """[group, patient classification]: whether the group takes it."""
        return np.array(
            [
                [not g.patient_classifications or v in g.patient_classifications for v in values]
                for g in self.groups
            ],
            np.uint8,
        )


@dataclass(eq=False)  # one rulebook is itself and no other: what is worked out from it is kept
class Rulebook:
    """Every pack of a run, compiled; `editions` says which price list serves a year."""

    packs: PackSet
    editions: Editions = field(default_factory=Editions)
    hrgs: list[str] = field(init=False)
    hrg_ids: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._price_lists = self.editions.in_order(self.packs)
        names: set[str] = set()
        for pack in self.packs.by_kind("splits"):
            for name in ("splits", "unpriced"):
                if name in pack.tables:
                    names.update(pack.tables[name].columns["hrg"])
        for pack in self.packs.by_kind("tariff"):
            for table in ("prices", "deliveries"):
                if table in pack.tables:
                    names.update(pack.tables[table].columns["hrg"])
        for pack in self.packs.by_kind("grouper"):
            assert isinstance(pack.manifest, GrouperPack)
            names.add(pack.manifest.error_hrg)
        self.hrgs = sorted(names)
        self.hrg_ids = {hrg: index for index, hrg in enumerate(self.hrgs)}

    @cached_property
    def groupers(self) -> list[Grouper]:
        """Compiled groupers, oldest first."""
        packs = sorted(
            self.packs.by_kind("grouper"),
            key=lambda pack: (pack.manifest.applies.from_ or date.min, pack.manifest.id),
        )
        return [Grouper(pack, self.packs, self.hrg_ids) for pack in packs]

    @cached_property
    def tariffs(self) -> list[LoadedPack]:
        """Tariff packs by year, the one that serves a year before the others of it."""
        return self._price_lists

    @cached_property
    def prices(self) -> Prices:
        """Compiled price lists of admitted care, by year."""
        return Prices([pack for pack in self.tariffs if "prices" in pack.tables], self.hrg_ids)

    @cached_property
    def mff(self) -> MarketForces:
        """Market forces factors."""
        return MarketForces(self.packs.by_kind("mff"), self.prices.serving)

    @cached_property
    def points_of_delivery(self) -> PointsOfDelivery:
        """Points of delivery of admitted care."""
        return PointsOfDelivery(self.packs.by_kind("points_of_delivery")[0])

    @cached_property
    def labels(self) -> dict[str, str]:
        """Labels of HRGs."""
        out: dict[str, str] = {}
        for pack in self.packs.by_kind("labels"):
            assert isinstance(pack.manifest, LabelsPack)
            columns = pack.tables["labels"].columns
            out.update(zip(columns["hrg"], columns["label"], strict=True))
        return out

    def grouper_of(self, day: date | None) -> int:
        """Give the index of the grouper whose dates hold the day, else the nearest.

        On a tie the earlier one serves; without a day, the newest.
        """
        if day is None:
            return len(self.groupers) - 1
        distances = []
        for index, grouper in enumerate(self.groupers):
            applies = grouper.pack.manifest.applies
            low, high = applies.from_ or date.min, applies.to or date.max
            gap = max((low - day).days, (day - high).days, 0)
            distances.append((gap, index))
        return min(distances)[1]


def rulebook_of(packs: PackSet, editions: Editions | None = None) -> Rulebook:
    """Give the rulebook of a set of packs, compiled once: neither changes."""
    return _compiled(packs, editions or Editions())


@lru_cache(maxsize=2)
def _compiled(packs: PackSet, editions: Editions) -> Rulebook:
    return Rulebook(packs, editions)
