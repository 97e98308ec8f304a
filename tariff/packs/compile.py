"""Compile packs to the flat, immutable arrays that the kernel reads.

A `Rulebook` holds everything a run needs: one vocabulary of HRGs over all packs, a compiled
grouper per design, the price tables of all tariffs in one array, points of delivery and MFF.
Tables that depend on the codes an extract holds are made from it by `Grouper.code_tables`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tariff.packs.grouping import OPEN_MAX, Grouper
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import (
    GrouperPack,
    LabelsPack,
    MffPack,
    PodPack,
    TariffPack,
)
from tariff.schemas import MFF_UNIT

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
    """The price lists of all tariffs in one array, by tariff and HRG."""

    def __init__(self, packs: list[LoadedPack], hrg_ids: dict[str, int]) -> None:
        self.packs = packs
        self.manifests = [pack.manifest for pack in packs if isinstance(pack.manifest, TariffPack)]
        self.table = np.full((len(packs), len(hrg_ids), TABLE_COLUMNS), NULL64, np.int64)
        self.table[:, :, 8] = 0
        self.table[:, :, 9] = 0
        self.rounding = np.zeros(len(packs), np.uint8)
        self.short_stay_rule = np.zeros((len(packs), 3), np.int32)
        for index, (pack, manifest) in enumerate(zip(packs, self.manifests, strict=True)):
            self._fill(index, pack, manifest, hrg_ids)

    def _fill(
        self, index: int, pack: LoadedPack, manifest: TariffPack, hrg_ids: dict[str, int]
    ) -> None:
        columns = pack.tables["prices"].columns
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
        for row, hrg in enumerate(columns["hrg"]):
            out = self.table[index, hrg_ids[hrg]]
            combined = columns["combined"][row]
            out[0] = pence(columns["day_case"][row] or combined)
            out[1] = pence(columns["ordinary_elective"][row] or combined)
            out[2] = pence(columns["non_elective"][row])
            for place, name in ((3, "elective_trim"), (4, "non_elective_trim")):
                out[place] = int(columns[name][row] or NULL64)
            out[5] = pence(columns["per_day"][row])
            flag = columns["short_stay"][row]
            out[6] = {"yes": 1, "no": 0}.get(flag, int(NULL64))
            out[7] = pence(columns["short_stay_price"][row])
            share = columns["short_stay_percent"][row]
            if flag == "yes" and not columns["short_stay_price"][row] and share:
                pounds = Decimal(columns["non_elective"][row] or 0) * Decimal(share) / 100
                out[7] = half_up(pounds) * 100
            out[8] = 1
            out[9] = of_other

    def index_of_year(self, year: str) -> int:
        """Give the index of a year's price list, -2 where none is held."""
        for index, manifest in enumerate(self.manifests):
            if manifest.year == year:
                return index
        return -2

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


class MarketForces:
    """Market forces factors by provider and year, in units of 1e-9."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, MffPack)
        self.pack = pack
        columns = pack.tables["factors"].columns
        self.factors: dict[str, dict[str, int]] = {}
        for provider, year, factor in zip(
            columns["provider"], columns["year"], columns["mff"], strict=True
        ):
            self.factors.setdefault(provider, {})[year] = half_up(Decimal(factor) * MFF_UNIT)
        names = pack.tables["providers"].columns
        self.names = dict(zip(names["provider"], names["name"], strict=True))
        self.years = sorted({year for years in self.factors.values() for year in years})

    def factor(self, provider: str, year: str) -> tuple[int, str]:
        """Give the factor and the year it is of: the nearest held, the earlier on a tie.

        A provider in no table has NULL64 and an empty year.
        """
        held = self.factors.get(provider)
        if not held and len(provider) == 5 and provider.endswith("00"):
            held = self.factors.get(provider[:3])  # R1H00 is the trust R1H, written in full
        if not held:
            return int(NULL64), ""
        wanted = year_start(year)
        best = min(held, key=lambda y: (abs(year_start(y) - wanted), year_start(y)))
        return held[best], best


class PointsOfDelivery:
    """The points of delivery of admitted care, in order of test."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, PodPack)
        self.pack = pack
        self.groups = pack.manifest.groups
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


@dataclass
class Rulebook:
    """Every pack of a run, compiled."""

    packs: PackSet
    hrgs: list[str] = field(init=False)
    hrg_ids: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names: set[str] = set()
        for pack in self.packs.by_kind("splits"):
            for name in ("splits", "unpriced"):
                if name in pack.tables:
                    names.update(pack.tables[name].columns["hrg"])
        for pack in self.packs.by_kind("tariff"):
            names.update(pack.tables["prices"].columns["hrg"])
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
    def prices(self) -> Prices:
        """Compiled price lists, by year."""
        packs = sorted(
            self.packs.by_kind("tariff"),
            key=lambda pack: (getattr(pack.manifest, "year", ""), pack.level, pack.manifest.id),
        )
        return Prices(packs, self.hrg_ids)

    @cached_property
    def mff(self) -> MarketForces:
        """Market forces factors."""
        return MarketForces(self.packs.by_kind("mff")[0])

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
