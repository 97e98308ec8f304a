"""What to make: how many episodes, of which period, by how many providers, from which seed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from tariff.errors import UsageError
from tariff.simulate import shipped

CHUNK_PATIENTS = 50_000
MOST_EPISODES = 1_000_000_000

_YEAR = re.compile(r"(20\d\d)/(\d\d)")
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Provider:
    """A provider, the commissioner that buys most of its work, and one that buys the rest."""

    code: str
    commissioner: str
    neighbour: str
    weight: float


@dataclass(frozen=True)
class Plan:
    """A checked order for an artificial extract. Every spell is discharged in the period."""

    episodes: int
    seed: int
    year: str
    first_day: date
    last_day: date
    providers: tuple[Provider, ...]
    billed: bool

    @property
    def days(self) -> int:
        """Return the number of days in the period."""
        return (self.last_day - self.first_day).days + 1

    @property
    def month(self) -> str:
        """Return the month as `YYYY-MM`, blank for a whole year."""
        return f"{self.first_day:%Y-%m}" if self.days <= 31 else ""


def year_of(day: date) -> str:
    """Return the tariff year of a day: `2022/23` begins on 1 April 2022."""
    start = day.year if day.month >= 4 else day.year - 1
    return f"{start}/{(start + 1) % 100:02d}"


def _first_day_of_year(year: str) -> date:
    match = _YEAR.fullmatch(year)
    if match is None or int(match[2]) != (int(match[1]) + 1) % 100:
        raise UsageError(f"{year!r} is not a tariff year.", hint="Write it as 2022/23.")
    return date(int(match[1]), 4, 1)


def _month(month: str) -> tuple[date, date]:
    match = _MONTH.fullmatch(month)
    if match is None:
        raise UsageError(f"{month!r} is not a month.", hint="Write it as 2022-09.")
    first = date(int(match[1]), int(match[2]), 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, following - timedelta(days=1)


def make_plan(
    episodes: int,
    seed: int,
    year: str | None = None,
    *,
    month: str | None = None,
    providers: int | None = None,
    billed: bool = True,
) -> Plan:
    """Check an order. Without a month the period is the whole year; a month gives its year."""
    if not 1 <= episodes <= MOST_EPISODES:
        raise UsageError(
            f"{episodes} episodes cannot be made.", hint=f"Ask for 1 to {MOST_EPISODES}."
        )
    if seed < 0:
        raise UsageError(f"The seed {seed} is negative.", hint="Give a whole number from 0.")
    if month is not None:
        first, last = _month(month)
        if year is not None and year_of(first) != year:
            raise UsageError(
                f"{month} is not in {year}; it belongs to {year_of(first)}.",
                hint="Give the month alone.",
            )
        year = year_of(first)
    else:
        year = year or "2022/23"
        first = _first_day_of_year(year)
        last = date(first.year + 1, 3, 31)
    known = [
        Provider(row["provider"], row["commissioner"], row["neighbour"], float(row["weight"]))
        for row in shipped.table("providers")
    ]
    if billed:
        figures = shipped.year_figures(year, first)
        known = [provider for provider in known if provider.code in figures.mff]
    if providers is not None and not 1 <= providers <= len(known):
        raise UsageError(
            f"{providers} providers cannot be made for {year}.",
            hint=f"Ask for 1 to {len(known)}.",
        )
    chosen = tuple(known[: providers or len(known)])
    if not chosen:
        raise UsageError(
            f"No market forces factors of {year} ship with this version.",
            hint="Choose 2017/18, 2018/19 or 2022/23, or leave the billing out with --unbilled.",
        )
    return Plan(episodes, seed, year, first, last, chosen, billed)
