"""The tables of prices of the oracle: price lists by year, points of delivery, factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariff.packs.model import (
    BestPracticePricing,
    PodGroup,
    PodPack,
    ShortStayRule,
    TariffPack,
    TopUpRule,
)
from tariff.reference.editions import in_order
from tariff.reference.factors import Factors, factors_of
from tariff.reference.tables import PackLike, of_kind, pence, side_table, whole
from tariff.reference.values import code_of_service, half_up

Rows = list[dict[str, str]]

# settings of rows that price admitted spells
ADMITTED = frozenset(
    {"", "day_case", "ordinary_elective", "elective", "non_elective", "stay_0", "stay_over_0"}
)
# a year whose pack has no `top_up_rule`
DEFAULT_TOP_UP_RULE = TopUpRule(several="first")


@dataclass(frozen=True, slots=True)
class PriceRow:
    """The figures of an HRG, money in pence; None is not published."""

    combined: int | None
    day_case: int | None
    ordinary_elective: int | None
    non_elective: int | None
    elective_trim: int | None
    non_elective_trim: int | None
    per_day: int | None
    short_stay: bool | None
    short_stay_share: Fraction | None
    short_stay_price: int | None


# ---------------------------------------------------------------- best practice


@dataclass(frozen=True, slots=True)
class AreaPrice:
    """A printed price of a best practice area: of an HRG, or (of none) a payment with its name."""

    area: str
    hrg: str
    name: str
    flag: str
    payment: str
    setting: str
    short_stay: bool
    price: int


@dataclass(frozen=True, slots=True)
class FlagRule:
    """One of the alternatives under which a spell has a flag."""

    flag: str
    hrg_lists: tuple[str, ...]
    age: tuple[int | None, int | None]
    age_unknown: bool
    admission_methods: tuple[str, ...]
    procedure_lists: tuple[str, ...]
    procedure_first: bool
    secondary_procedures: tuple[str, ...]
    diagnosis_lists: tuple[tuple[str, bool], ...]  # and whether the primary one is meant


@dataclass(frozen=True, slots=True)
class BestPractice:
    """Areas, their prices and flags. Lists of codes are by name, as the year reads them."""

    areas: dict[str, BestPracticePricing]  # in the order of the pack
    prices: tuple[AreaPrice, ...]
    settings: dict[str, tuple[str, ...]]  # by HRG
    rules: tuple[FlagRule, ...]
    lists: dict[str, frozenset[str]]
    hierarchy: dict[tuple[str, str], int]  # by list and HRG


# ---------------------------------------------------------------- top-ups


@dataclass(frozen=True, slots=True)
class TopUps:
    """Specialised services of a year: their rates as printed, what leads to them, who has them."""

    rule: TopUpRule
    rates: dict[str, str]  # percent, blank for none
    codes: tuple[dict[str, str], ...] | None  # None: a year without
    providers: frozenset[tuple[str, str]] | None  # service and provider; None: a year without


# ---------------------------------------------------------------- the whole


@dataclass(frozen=True, slots=True)
class PriceList:
    """The price list of one year."""

    pack_id: str
    year: str
    rounding: str
    short_stay_rule: ShortStayRule | None
    borrowed: frozenset[str]  # columns whose figures are another year's
    rows: dict[str, PriceRow]
    local: frozenset[str]  # HRGs without a price in admitted care, whatever is printed
    best_practice: BestPractice
    top_ups: TopUps


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A code that leaves an episode out, from one year to another (None is open)."""

    of: str
    code: str
    from_year: str | None
    to_year: str | None


@dataclass(frozen=True, slots=True)
class PriceTables:
    """Price lists by year, points of delivery in order, exclusions, factors by provider, year."""

    lists: dict[str, PriceList]
    groups: tuple[PodGroup, ...]
    exclusions: tuple[Exclusion, ...]
    serial_marks: tuple[str, ...]
    factors: Factors
    home_leave: bool = False  # whether its days come off a stay


_FLAG = {"yes": True, "no": False, "": None}


def _price_row(row: Mapping[str, str]) -> PriceRow:
    percent = row["short_stay_percent"]
    return PriceRow(
        combined=pence(row["combined"]),
        day_case=pence(row["day_case"]),
        ordinary_elective=pence(row["ordinary_elective"]),
        non_elective=pence(row["non_elective"]),
        elective_trim=whole(row["elective_trim"]),
        non_elective_trim=whole(row["non_elective_trim"]),
        per_day=pence(row["per_day"]),
        short_stay=_FLAG[row["short_stay"].lower()],
        short_stay_share=Fraction(percent) / 100 if percent else None,
        short_stay_price=pence(row["short_stay_price"]),
    )


# a delivery is never a reduced short stay, and nothing of that is left unknown
_DELIVERY = {"short_stay": "no", "short_stay_percent": "", "short_stay_price": ""}


def _optional(manifest: TariffPack, pack: PackLike, name: str) -> Rows:
    """Return a side table that a pack may leave out."""
    return side_table(pack, name) if getattr(manifest, name) else []


def price_list(manifest: TariffPack, pack: PackLike) -> PriceList:
    """Build the price list of a tariff pack."""
    rows = {
        row["hrg"]: _price_row({**row, **_DELIVERY})
        for row in _optional(manifest, pack, "deliveries")
    }
    rows |= {row["hrg"]: _price_row(row) for row in side_table(pack, "prices")}
    return PriceList(
        pack_id=manifest.id,
        year=manifest.year,
        rounding=manifest.rounding,
        short_stay_rule=manifest.short_stay_rule,
        borrowed=frozenset(manifest.borrowed.columns if manifest.borrowed else ()),
        rows=rows,
        local=frozenset(manifest.local_in_admitted_care),
        best_practice=_best_practice(manifest, pack),
        top_ups=_top_ups(manifest, pack),
    )


def _best_practice(manifest: TariffPack, pack: PackLike) -> BestPractice:
    areas = {area.area: area for area in manifest.best_practice_areas}
    lists: dict[str, set[str]] = {}
    hierarchy: dict[tuple[str, str], int] = {}
    for row in _optional(manifest, pack, "best_practice_codes"):
        lists.setdefault(row["list"], set()).add(row["code"])
        if row["hierarchy"]:
            hierarchy[row["list"], row["code"]] = int(row["hierarchy"])
    for printed, held in manifest.best_practice_list_readings.items():
        if printed not in lists and held in lists:
            lists[printed] = lists[held]
    return BestPractice(
        areas=areas,
        prices=tuple(
            AreaPrice(
                area=row["area"],
                hrg=row["code"],
                name=row["name"],
                flag=row["flag"],
                payment=row["payment"],
                setting=row["setting"],
                short_stay=row["short_stay"] == "yes",
                price=half_up(Fraction(row["price"]) * 100),
            )
            for row in _optional(manifest, pack, "best_practice_prices")
            if row["area"] in areas
            and row["code_type"] in ("hrg", "")
            and row["setting"] in ADMITTED
            and not row["per"]
        ),
        settings={
            row["hrg"]: tuple(row["settings"].split())
            for row in _optional(manifest, pack, "best_practice_hrgs")
        },
        rules=tuple(
            _flag_rule(row)
            for row in _optional(manifest, pack, "best_practice_flags")
            if row["setting"] == "APC"
        ),
        lists={name: frozenset(codes) for name, codes in lists.items()},
        hierarchy=hierarchy,
    )


def _flag_rule(row: Mapping[str, str]) -> FlagRule:
    diagnosis_lists = row["diagnosis_lists"].split()
    positions = row["diagnosis_position"].split()
    positions += ["Any"] * (len(diagnosis_lists) - len(positions))
    return FlagRule(
        flag=row["flag"],
        hrg_lists=tuple(row["hrg_lists"].split()),
        age=(whole(row["age_min"]), whole(row["age_max"])),
        age_unknown=row["age_unknown"] == "yes",
        admission_methods=tuple(row["admission_methods"].split()),
        procedure_lists=tuple(row["procedure_lists"].split()),
        procedure_first=row["procedure_position"] == "Primary",
        secondary_procedures=tuple(row["secondary_procedures"].split()),
        diagnosis_lists=tuple(
            (name, position == "Primary")
            for name, position in zip(diagnosis_lists, positions, strict=False)
        ),
    )


def _top_ups(manifest: TariffPack, pack: PackLike) -> TopUps:
    return TopUps(
        rule=manifest.top_up_rule or DEFAULT_TOP_UP_RULE,
        rates={
            code_of_service(row["service"]): row["rate"]
            for row in _optional(manifest, pack, "top_ups")
        },
        codes=tuple(side_table(pack, "top_up_codes")) if manifest.top_up_codes else None,
        providers=frozenset(
            (code_of_service(service), row["provider"])
            for row in side_table(pack, "top_up_providers")
            for service in row["services"].split()
        )
        if manifest.top_up_providers
        else None,
    )


def _exclusions(pack: PackLike) -> list[Exclusion]:
    return [
        Exclusion(row["of"], row["code"], row["from_year"] or None, row["to_year"] or None)
        for row in side_table(pack, "excluded")
    ]


def price_tables(
    packs: Sequence[PackLike], editions: Mapping[str, str] | None = None
) -> PriceTables:
    """Build the tables of pricing from every tariff, points of delivery and factor pack given.

    `editions` says by year which edition, or which pack, is asked for.
    """
    serving: dict[str, tuple[TariffPack, PackLike]] = {}
    for manifest, pack in in_order(packs, editions or {}):
        if manifest.prices:
            serving.setdefault(manifest.year, (manifest, pack))
    pods = of_kind(packs, PodPack)
    return PriceTables(
        lists={year: price_list(*held) for year, held in serving.items()},
        groups=tuple(g for manifest, _ in pods for g in manifest.groups),
        exclusions=tuple(
            exclusion
            for manifest, pack in pods
            if manifest.excluded
            for exclusion in _exclusions(pack)
        ),
        serial_marks=tuple(m.local_price.serial_mark for m, _ in pods if m.local_price),
        factors=factors_of(packs, [pack for _, pack in serving.values()]),
        home_leave=any(manifest.home_leave.days == "deducted" for manifest, _ in pods),
    )
