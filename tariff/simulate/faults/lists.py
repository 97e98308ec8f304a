"""Published figures that faults are made with: price lists, HRG designs, CC lists, factors.

These are read from the tables as they are published and ship; how the engine prices and groups is
not used. `PriceList.bill` restates the arithmetic of an ordinary bill in a few lines of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import yaml

from tariff.simulate.shipped import Row, pack_file, read_csv, table

SHORT_STAY_AGE = 19


def _amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _days(text: str) -> int | None:
    return int(text) if text else None


@dataclass(frozen=True)
class Price:
    """A line of a price list, pounds and days."""

    hrg: str
    combined: Decimal | None
    day_case: Decimal | None
    ordinary: Decimal | None
    non_elective: Decimal | None
    elective_trim: int | None
    non_elective_trim: int | None
    per_day: Decimal
    short_stay: bool
    reduced: Decimal | None

    def base(self, emergency: bool, day_case: bool) -> Decimal | None:
        """Return the price of a setting."""
        if emergency:
            return self.non_elective
        found = self.day_case if day_case else self.ordinary
        return self.combined if found is None else found

    def trim(self, emergency: bool) -> int | None:
        """Return the trim point of a setting."""
        return self.non_elective_trim if emergency else self.elective_trim


class PriceList:
    """The prices of admitted care of one year."""

    def __init__(self, year: str, rows: list[Row]) -> None:
        self.year = year
        self.prices = {row["hrg"]: _price(row) for row in rows}
        self.by_root: dict[str, list[Price]] = {}
        for price in self.prices.values():
            self.by_root.setdefault(price.hrg[:4], []).append(price)

    def full_pence(self, hrg: str) -> int:
        """Return the full price of an emergency admission, -1 for none."""
        price = self.prices.get(hrg)
        return -1 if price is None or price.non_elective is None else int(price.non_elective * 100)

    def reduced_pence(self, hrg: str) -> int:
        """Return the reduced price of a short emergency stay, -1 for none."""
        price = self.prices.get(hrg)
        if price is None or not price.short_stay or price.reduced is None:
            return -1
        return int(price.reduced * 100)

    def trims(self, hrg: str) -> tuple[int, int]:
        """Return both trim points, elective first, -1 for none."""
        price = self.prices.get(hrg)
        if price is None or price.elective_trim is None or price.non_elective_trim is None:
            return -1, -1
        return price.elective_trim, price.non_elective_trim

    def bill(
        self, hrg: str, *, emergency: bool, day_case: bool, age: int, days: int
    ) -> tuple[Decimal, int] | None:
        """Return the price before the market forces factor and the excess days of a stay.

        `days` are nights less days in critical care, rehabilitation and palliative care.
        """
        price = self.prices.get(hrg)
        base = None if price is None else price.base(emergency, day_case)
        if price is None or base is None:
            return None
        if emergency and price.short_stay and age >= SHORT_STAY_AGE and days < 2:
            return None if price.reduced is None else (min(base, price.reduced), 0)
        trim = price.trim(emergency)
        excess = 0 if day_case or trim is None else max(0, days - trim)
        return base + excess * price.per_day, excess


def _price(row: Row) -> Price:
    return Price(
        hrg=row["hrg"],
        combined=_amount(row["combined"]),
        day_case=_amount(row["day_case"]),
        ordinary=_amount(row["ordinary_elective"]),
        non_elective=_amount(row["non_elective"]),
        elective_trim=_days(row["elective_trim"]),
        non_elective_trim=_days(row["non_elective_trim"]),
        per_day=_amount(row["per_day"]) or Decimal(0),
        short_stay=row["short_stay"] == "yes",
        reduced=_amount(row["short_stay_price"]),
    )


@cache
def _tariffs() -> dict[str, str]:
    """Return the folder of the complete price list of each year."""
    found: dict[str, str] = {}
    for folder in sorted(pack_file("tariff").iterdir(), key=lambda entry: entry.name):
        file = folder.joinpath("pack.yaml")
        if file.is_file():
            manifest = yaml.safe_load(file.read_text("utf-8"))
            if not manifest.get("partial"):
                found[str(manifest["year"])] = folder.name
    return found


@cache
def price_list(year: str) -> PriceList:
    """Return the price list of a year; empty where none ships."""
    folder = _tariffs().get(year)
    return PriceList(year, read_csv(pack_file("tariff", folder, "prices.csv")) if folder else [])


def other_price_lists(year: str) -> list[PriceList]:
    """Return the price lists of other years that ship, the latest before it first."""
    years = sorted((other for other in _tariffs() if other < year), reverse=True)
    later = sorted(other for other in _tariffs() if other > year)
    return [price_list(other) for other in (*years, *later)]


@dataclass(frozen=True)
class Split:
    """The bounds of one HRG within its root."""

    hrg: str
    by_score: bool
    open_above: bool  # no upper bound of the CC score: no complication lifts it further
    age_min: int | None
    age_max: int | None

    def holds(self, age: int) -> bool:
        """Say whether an age is within the bounds."""
        return (self.age_min is None or age >= self.age_min) and (
            self.age_max is None or age <= self.age_max
        )

    @property
    def by_age(self) -> bool:
        """Say whether there are bounds of age."""
        return self.age_min is not None or self.age_max is not None


@cache
def splits(year: str) -> dict[str, Split]:
    """Return the HRG design of a year, by HRG; empty where none ships."""
    first = f"{year[:4]}-04-01"
    for folder in sorted(pack_file("hrg").iterdir(), key=lambda entry: entry.name):
        file = folder.joinpath("splits.csv")
        if not file.is_file():
            continue
        applies = yaml.safe_load(folder.joinpath("pack.yaml").read_text("utf-8"))["applies"]
        if str(applies["from"]) <= first <= str(applies["to"]):
            return {row["hrg"]: _split(row) for row in read_csv(file)}
    return {}


def _split(row: Row) -> Split:
    return Split(
        hrg=row["hrg"],
        by_score=bool(row["cc_min"] or row["cc_max"]),
        open_above=not row["cc_max"],
        age_min=_days(row["age_min"]),
        age_max=_days(row["age_max"]),
    )


@cache
def complications() -> dict[str, frozenset[str]]:
    """Return the subchapters in which each diagnosis counts as a complication."""
    rows = read_csv(pack_file("hrg/cc-2024-25/members.csv"))
    return {row["code"]: frozenset(row["subchapters"].split()) for row in rows}


@cache
def factors(year: str) -> dict[str, Decimal]:
    """Return the published market forces factors of a year."""
    rows = read_csv(pack_file("mff/mff-england/factors.csv"))
    return {row["provider"]: Decimal(row["mff"]) for row in rows if row["year"] == year}


# ---------------------------------------------------------------- care that is not admitted


@dataclass(frozen=True)
class OtherPrices:
    """Published and agreed prices of care that is not admitted, in pounds, before the factor."""

    attendances: dict[str, dict[str, Decimal | None]]  # by treatment function and HRG
    emergency: dict[tuple[str, str], Decimal]  # by HRG and department type
    unbundled: dict[str, Decimal]
    local: dict[str, Decimal]  # by what is agreed: `shipped` says which


# Columns of the published list, by the HRG of the attendance.
ATTENDANCE_HRGS = {
    "WF01B": "first_single",
    "WF02B": "first_multi",
    "WF01A": "follow_up_single",
    "WF02A": "follow_up_multi",
}


@cache
def other_prices(year: str) -> OtherPrices:
    """Return the price lists of care that is not admitted of a year."""
    folder = _tariffs()[year]
    emergency: dict[tuple[str, str], Decimal] = {}
    for row in read_csv(pack_file("tariff", folder, "emergency.csv")):
        for department in ("01", "02"):
            emergency[row["hrg"], department] = Decimal(row["type_1_and_2"])
        emergency[row["hrg"], "03"] = Decimal(row["type_3"])
    return OtherPrices(
        attendances={
            row["treatment_function"]: {
                hrg: _amount(row[column]) for hrg, column in ATTENDANCE_HRGS.items()
            }
            for row in read_csv(pack_file("tariff", folder, "attendances.csv"))
        },
        emergency=emergency,
        unbundled={
            row["hrg"]: Decimal(row["price"])
            for row in read_csv(pack_file("tariff", folder, "unbundled.csv"))
        },
        local={row["code"]: Decimal(row["price"]) for row in table("local_prices")},
    )
