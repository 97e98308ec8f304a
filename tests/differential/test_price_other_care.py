"""Pricing of other care: the engine says what the oracle says, in any order of the rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tariff.packs.compile import Rulebook
from tariff.packs.load import PackSet
from tariff.packs.model import OtherCarePack, TariffPack
from tariff.reference.other_price import NOT_KNOWN, REASONS
from tariff.reference.other_tables import other_tables
from tariff.reference.price import PriceOptions
from tests.differential.other_care import KEYS
from tests.differential.price_other_care import Maker, compare, run, shipped
from tests.differential.strategies import SLOW, Row
from tests.simulate import years

DATASETS = ("attendances", "emergency", "lines")
ROWS = 40_000 if SLOW else 4_000
OPTIONS = (
    PriceOptions(),
    PriceOptions(year="2022/23", mff=1_050_000_000),
    PriceOptions(year="2017/18", mff_year="2022/23"),
)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("seed", range(3))
def test_random_records(dataset: str, seed: int) -> None:
    prices = compare(dataset, Maker(seed).rows(dataset, ROWS), OPTIONS[seed])
    counts = Counter(price.outcome for price in prices)
    assert counts["priced"] > ROWS / 40, counts


def test_every_reason_is_met() -> None:
    """The random records reach every branch there is."""
    met: set[str] = set()
    for dataset in DATASETS:
        rows = Maker(11).rows(dataset, ROWS)
        without = [{k: v for k, v in row.items() if k != "maternity_factors"} for row in rows]
        for price in [*compare(dataset, rows), *compare(dataset, without[: ROWS // 8])]:
            met.update((price.price_reasons or "").split())
    assert met == set(REASONS)
    assert set(NOT_KNOWN) < met


@pytest.mark.parametrize("policy", ["pound_final", "pound_pre_mff", "pound_per_component"])
def test_other_rounding(policy: str) -> None:
    packs = changed(rounding=policy)
    for dataset in DATASETS:
        rows = Maker(21).rows(dataset, ROWS // 4)
        compare(dataset, rows, None, other_tables(tuple(packs)), Rulebook(packs))


def test_rules_that_are_not_confirmed_can_be_turned_off() -> None:
    off = {
        "staff_exclusion_after_fallback": False,
        "imaging_beside_empty_core": False,
        "serial_mark_places": ["last"],
    }
    packs = changed(rules=off)
    for dataset in DATASETS:
        rows = Maker(22).rows(dataset, ROWS // 4)
        compare(dataset, rows, None, other_tables(tuple(packs)), Rulebook(packs))


def changed(rounding: str = "", rules: dict[str, Any] | None = None) -> PackSet:
    """The packs that ship, with other rules."""
    found = []
    for pack in shipped()[0]:
        if isinstance(pack.manifest, TariffPack) and rounding:
            pack = replace(pack, manifest=replace(pack.manifest, rounding=rounding))
        if isinstance(pack.manifest, OtherCarePack) and rules:
            pack = replace(pack, manifest=replace(pack.manifest, **rules))
        found.append(pack)
    return PackSet(tuple(found))


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_order_of_the_rows_leaves_no_trace(dataset: str) -> None:
    """Records that share their key stand in one order too."""
    maker = Maker(31)
    rows = maker.rows(dataset, 600)
    rows += [{**row, "billed_total": 100} for row in rows[:50]] + rows[:20]
    first = run(dataset, rows).table
    maker.random.shuffle(rows)
    assert run(dataset, rows).table.equals(first)


# ---------------------------------------------------------------- the artificial year


def read(dataset: str) -> list[Row]:
    """The rows of the artificial year as the oracle reads them: money in pence."""

    def cell(name: str, value: object) -> object:
        if isinstance(value, Decimal):
            return int(value * (10**9 if name == "billed_mff" else 100))
        return value

    kept = {"billed_mff", "billed_price", "billed_total"}
    return [
        {
            name: cell(name, value)  # type: ignore[misc]
            for name, value in row.items()
            if name not in kept and not name.endswith("_time") and not isinstance(value, datetime)
        }
        for row in years.rows(dataset)
    ]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_artificial_year(dataset: str) -> None:
    rows = read(dataset)
    prices = compare(dataset, rows)
    billed = {(row["provider"], row[KEYS[dataset]]): row for row in years.rows(dataset)}
    same = other = 0
    for row, price in zip(rows, prices, strict=True):
        assert isinstance(row.get("attendance_date", date.min), date)
        record = billed[row["provider"], row[KEYS[dataset]]]
        if price.outcome not in ("priced", "zero_price", "passed_through"):
            continue
        if record["billed_point_of_delivery"] == "OPFUPPREOP":
            continue  # billed at nothing: nothing in the record but this tells it
        total = int(record["billed_total"] * 100)
        same += total == price.total_pence
        other += total != price.total_pence
        if dataset != "lines":
            assert record["billed_point_of_delivery"] == price.point_of_delivery, row
    assert same > 1_000
    assert not other, f"{other} of {same + other} are billed at another price"
