"""What an artificial year bills is what the engine prices now, dataset by dataset."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tariff.engine.price_other_care import price_records
from tariff.engine.run import Options, check
from tariff.extract import from_arrow
from tests.simulate.years import tables

# What the tariff says a record is worth. What is priced locally, or paid outside the tariff, is
# billed at local prices that the engine cannot know.
NATIONAL = ("priced", "zero_price", "passed_through", "money_only")
LOCAL = {
    "attendances": {"not_consultant_led", "remote", "function_without_price"},
    "emergency": {"walk_in_centre"},
    "lines": {"local_currency"},
}
KINDS = ("critical_care", "rehabilitation", "palliative_care")
ASSESSMENT = "OPFUPPREOP"  # before an operation: billed at nothing under its own local code


@pytest.mark.parametrize("name", list(LOCAL))
def test_care_that_is_not_admitted_is_billed_as_it_is_priced(name: str) -> None:
    seen: Counter[str] = Counter()
    for row in price_records(from_arrow(tables()[name], dataset=name)).table.to_pylist():
        if row["billed_total_pence"] is None:  # not attended
            assert row["total_pence"] == 0
            continue
        assert row["complete"]
        if row["billed_point_of_delivery"] != ASSESSMENT:
            assert row["billed_point_of_delivery"] == row["point_of_delivery"], row
        if row["outcome"] in NATIONAL:
            assert row["billed_total_pence"] == row["total_pence"], row
            seen["national"] += 1
        elif row["billed_total_pence"]:
            assert set(row["price_reasons"].split()) & LOCAL[name], row
            seen["local"] += 1
    assert seen["national"] > 1000 and seen["local"] > 20


def test_days_that_are_dated_come_off_as_those_that_are_counted(tmp_path: Path) -> None:
    made = tables()
    pq.write_table(made["periods"], tmp_path / "periods.parquet")
    counted = check(from_arrow(made["episodes"]), Options())
    dated = check(from_arrow(made["episodes"]), Options(periods=(tmp_path / "periods.parquet",)))
    assert dated.spells.equals(counted.spells)
    days = [counted.spells[f"{kind}_days"].to_pylist() for kind in KINDS]
    assert all(map(sum, days)), "days of every kind"
    assert dated.manifest["inputs"] != counted.manifest["inputs"]
