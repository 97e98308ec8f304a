"""What the other care packs name stands in the price lists of their years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from tariff.engine.other_prices import YearPrices, year_prices
from tariff.engine.year_tables import folded, rows_of
from tariff.packs.compile import Rulebook
from tariff.packs.load import load_packs

YEARS = ("2013/14", "2016/17", "2017/18", "2018/19", "2022/23")


@pytest.fixture(scope="module")
def held() -> Iterator[dict[str, YearPrices]]:
    rulebook = Rulebook(load_packs())
    found = {year: year_prices(rulebook, year) for year in YEARS}
    yield {year: prices for year, prices in found.items() if prices is not None}


def test_the_years_are_held(held: dict[str, YearPrices]) -> None:
    assert set(held) == set(YEARS)
    assert {year for year, prices in held.items() if prices.partial} == {"2013/14"}


@pytest.mark.parametrize("year", YEARS)
def test_each_currency_has_a_price(held: dict[str, YearPrices], year: str) -> None:
    named = {row["code"] for row in rows_of(held[year].care, "currencies")}
    assert set(held[year].currencies) == named
    assert all(currency.price > 0 for currency in held[year].currencies.values())


@pytest.mark.parametrize("year", YEARS)
def test_words_and_edges_name_factors_that_are_printed(
    held: dict[str, YearPrices], year: str
) -> None:
    prices = held[year]
    printed = {
        (row["phase"], folded(row["factor"])) for row in rows_of(prices.tariff, "maternity_factors")
    }
    for table in ("maternity_words", "maternity_edges"):
        for row in rows_of(prices.care, table):
            assert not row["factor"] or (row["phase"], folded(row["factor"])) in printed, row


@pytest.mark.parametrize(
    ("year", "counts"),
    [
        # unbundled HRGs, direct access, dialysis, criteria of attendances, currencies
        ("2013/14", (0, 0, 0, 0, 0)),
        ("2016/17", (211, 4, 13, 4, 24)),
        ("2017/18", (277, 4, 13, 4, 24)),
        ("2018/19", (277, 4, 13, 4, 24)),
        ("2022/23", (279, 4, 13, 4, 23)),
    ],
)
def test_what_the_rules_read_from_the_price_list(
    held: dict[str, YearPrices], year: str, counts: tuple[int, ...]
) -> None:
    prices = held[year]
    tables = (
        prices.treatment, prices.direct_access, prices.dialysis, prices.best_practice,
        prices.currencies,
    )  # fmt: skip
    assert tuple(map(len, tables)) == counts
    assert prices.care.manifest.applies.from_ is not None
    assert prices.care.manifest.applies.from_ <= date(int(year[:4]), 4, 1)


def test_figures_known_by_heart(held: dict[str, YearPrices]) -> None:
    year = held["2022/23"]
    assert year.direct_price("FE35Z") == 34100
    assert year.procedures["FE35Z"] == 34000
    assert year.dialysis["LD10A"] == 49200
    assert year.best_practice["329", "WF01B", "met"][1] == 11400
    assert year.best_practice["223", "WF02A", "not_met"][0] == 16200
    assert {code: year.treatment[code] for code in ("RD60Z", "RD44Z", "SB13Z", "SB03Z")} == {
        "RD60Z": "rebundled", "RD44Z": "local", "SB13Z": "priced", "SB03Z": "local",
    }  # fmt: skip
