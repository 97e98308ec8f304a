"""Worked prices of care that is not admitted: the oracle reproduces them to the penny.

The examples stand as `tests.csv` in the other care packs, restated from the reference data by
`tools/restate_other_care.py`; those of a year whose price list does not ship are not run.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from tariff.packs.model import OtherCarePack
from tariff.reference.other_price import OtherPrice
from tariff.reference.other_tables import OtherTables, other_tables
from tariff.reference.price import PriceOptions
from tariff.reference.price_other import price_attendance, price_emergency
from tariff.reference.price_other_lines import price_line
from tariff.reference.tables import of_kind, pence, side_table
from tariff.reference.values import Value, half_up
from tariff.schemas import MFF_UNIT
from tests.reference.vectors import shipped

TOOLS = Path(__file__).resolve().parents[2] / "tools"
# By year: outpatient, emergency, unbundled, maternity, other and exclusion vectors. OV05 is two
# attendances; MV11 to MV17 and MV19 and the other exclusions are spells and episodes.
VECTORS = {
    "2013/14": {"OV": 6},
    "2016/17": {"OV": 2, "EV": 3, "UV": 2, "MV": 1, "XV": 1},
    "2017/18": {"OV": 11, "EV": 2, "UV": 1, "MV": 1},
    "2018/19": {"EV": 1},
    "2022/23": {"OV": 27, "EV": 7, "UV": 15, "MV": 9, "XV": 6, "EX": 20},
}
DAYS = {"attendances": "attendance_date", "emergency": "arrival_date", "lines": "end_date"}


def tables() -> OtherTables:
    return other_tables(shipped()[0])


def all_examples() -> list[dict[str, str]]:
    return [
        row
        for manifest, pack in of_kind(shipped()[0], OtherCarePack)
        for row in side_table(pack, "tests")
    ]


def priced(example: dict[str, str], held: OtherTables | None = None) -> OtherPrice:
    """Price an example; a factor counts where no provider is named."""
    row: dict[str, Value] = {name: cell for name, cell in example.items() if cell}
    row[DAYS[example["dataset"]]] = date(int(example["year"][:4]), 4, 1)
    if example["quantity"]:
        row["quantity"] = int(example["quantity"])
    mff = half_up(Fraction(example["mff"]) * MFF_UNIT) if example["mff"] else None
    oracles = {
        "attendances": price_attendance,
        "emergency": price_emergency,
        "lines": price_line,
    }
    return oracles[example["dataset"]](held or tables(), row, PriceOptions(mff=mff))


def test_every_example() -> None:
    held = tables()
    counts: dict[str, Counter[str]] = {}
    wrong = []
    for example in all_examples():
        if example["year"] not in held.years:
            continue
        counts.setdefault(example["year"], Counter())[example["name"][:2]] += 1
        price = priced(example, held)
        found = {
            "outcome": price.outcome,
            "price_reasons": price.price_reasons,
            "pre_mff": price.pre_mff_pence,
            "total": price.total_pence,
        }
        expected: dict[str, object] = {
            name: pence(cell) if name in ("pre_mff", "total") else cell
            for name in found
            if (cell := example[name])  # a blank is not looked at
        }
        if {name: found[name] for name in expected} != expected or not price.complete:
            wrong.append(f"{example['name']}: {found} for {expected}")
    assert not wrong, "\n".join(wrong)
    assert counts == {year: Counter(c) for year, c in VECTORS.items() if year in held.years}


def test_every_code_of_not_attended() -> None:
    """OV13 names three codes; a null, 0 and 7 are the same."""
    (example,) = [row for row in all_examples() if row["name"].startswith("OV13 ")]
    for code in ("", "0", "2", "3", "4", "7"):
        price = priced({**example, "attended": code})
        assert (price.outcome, price.total_pence) == ("excluded", 0), code
    assert priced({**example, "attended": "6"}).total_pence == 16300


@pytest.mark.parametrize(
    ("example", "switch", "outcome", "total"),
    [
        ("OV45", "staff_exclusion_after_fallback", "priced", 13400),
        ("UV13", "imaging_beside_empty_core", "rebundled", 0),
    ],
)
def test_a_rule_that_is_not_confirmed_is_a_switch(
    example: str, switch: str, outcome: str, total: int
) -> None:
    (row,) = [row for row in all_examples() if row["name"].startswith(f"{example} ")]
    held = tables()
    year = held.years[row["year"]]
    off = replace(year, rules=replace(year.rules, **{switch: False}))
    price = priced(row, replace(held, years={**held.years, row["year"]: off}))
    assert (price.outcome, price.total_pence) == (outcome, total)


@pytest.mark.reference_data
def test_the_examples_are_those_of_the_reference_data(reference_data: Path) -> None:
    sys.path.insert(0, str(TOOLS))
    try:
        tool = importlib.import_module("restate_other_care")
    finally:
        sys.path.remove(str(TOOLS))
    assert tool.main(["--check", "--data", str(reference_data)]) == 0
