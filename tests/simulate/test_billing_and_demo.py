"""Billing is the engine's own price; the demo has the errors its answer sheet lists, no others."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from typing import Any

import pyarrow as pa
import pytest

from tariff.simulate import Tally, synthesise
from tariff.simulate.billing import engine
from tariff.simulate.columns import BILLED, SCHEMA
from tariff.simulate.demo import EPISODES, MONTH, SEED, Planted, plant

Row = dict[str, Any]
PENNY = Decimal("0.01")
MONEY = ("billed_price", "billed_mff", "billed_total")


@pytest.fixture(scope="module")
def honest() -> pa.Table:
    return pa.Table.from_batches(list(synthesise(EPISODES, SEED, month=MONTH)))


@pytest.fixture(scope="module")
def spells(honest: pa.Table) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in honest.to_pylist():
        found.setdefault(row["spell_id"], []).append(row)
    return found


class TestHonestBilling:
    def test_the_last_row_of_a_spell_carries_the_bill(self, spells: dict[str, list[Row]]) -> None:
        for spell in spells.values():
            for row in spell[:-1]:
                assert all(row[name] is None for name in BILLED)
            assert all(spell[-1][name] is not None for name in BILLED)

    def test_the_bill_adds_up(self, spells: dict[str, list[Row]]) -> None:
        for spell in spells.values():
            price, mff, total = (spell[-1][name] for name in MONEY)
            assert total == (price * mff).quantize(PENNY, ROUND_HALF_UP)
            assert price > 0

    def test_it_is_what_the_engine_says(
        self, honest: pa.Table, spells: dict[str, list[Row]]
    ) -> None:
        result = engine()(honest, year="2022/23").to_pylist()
        assert len(result) == len(spells)
        for one in result:
            row = spells[one["spell_id"]][-1]
            assert one["complete"]
            assert one["hrg"] == row["billed_hrg"]
            assert one["point_of_delivery"] == row["billed_point_of_delivery"]
            assert one["total_pence"] == row["billed_total"] * 100
            assert one["excess_days"] == row["billed_excess_days"]

    def test_it_is_billed_in_the_month_of_discharge(self, spells: dict[str, list[Row]]) -> None:
        assert {spell[-1]["activity_month"] for spell in spells.values()} == {MONTH}
        assert {spell[-1]["statement"] for spell in spells.values()} == {"freeze"}

    def test_nearly_everything_can_be_billed(self) -> None:
        tally = Tally()
        for _ in synthesise(3000, 8, tally=tally):
            pass
        left_out = tally.billing.not_grouped + tally.billing.not_priced
        assert left_out < 0.01 * tally.billing.spells
        assert tally.pence > 0

    def test_some_stays_are_beyond_the_trim_point(self, spells: dict[str, list[Row]]) -> None:
        excess = sum(spell[-1]["billed_excess_days"] > 0 for spell in spells.values())
        assert 0.01 < excess / len(spells) < 0.08

    def test_no_deterministic_rule_finds_anything(self, honest: pa.Table) -> None:
        from tariff.engine.run import Options, check
        from tariff.extract import from_arrow

        findings = check(from_arrow(honest), Options(level="low")).findings.to_pylist()
        found = Counter(one["rule"] for one in findings if one["class"] == "deterministic")
        assert found == {}

    @pytest.mark.parametrize("year", ["2017/18", "2018/19"])
    def test_other_years_with_a_complete_price_list_can_be_billed(self, year: str) -> None:
        made = pa.Table.from_batches(list(synthesise(400, 8, year)))
        assert made.num_rows == 400


@pytest.fixture(scope="module")
def planted(honest: pa.Table) -> tuple[pa.Table, list[Planted]]:
    return plant(honest, engine())


@pytest.fixture(scope="module")
def key(planted: tuple[pa.Table, list[Planted]]) -> list[Planted]:
    return planted[1]


@pytest.fixture(scope="module")
def rows(planted: tuple[pa.Table, list[Planted]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in planted[0].to_pylist():
        found.setdefault(row["spell_id"], []).append(row)
    return found


class TestDemo:
    def test_planting_is_repeatable(
        self, honest: pa.Table, planted: tuple[pa.Table, list[Planted]]
    ) -> None:
        again = plant(honest, engine())
        assert again[0].equals(planted[0])
        assert again[1] == planted[1]

    def test_everything_else_stays_honest(
        self, key: list[Planted], rows: dict[str, list[Row]], spells: dict[str, list[Row]]
    ) -> None:
        named = {number for one in key for number in one.spell_ids}
        for number, spell in rows.items():
            if number not in named:
                assert spell == spells[number]
        assert len(named & set(spells)) == len(key), "every error is of another stay"

    def test_each_error_is_what_it_says(
        self, key: list[Planted], rows: dict[str, list[Row]], spells: dict[str, list[Row]]
    ) -> None:
        assert len(key) >= 24
        for one in key:
            parts = [rows[number] for number in one.spell_ids]
            assert {part[0]["provider"] for part in parts} == {one.provider}
            assert len({part[0]["patient_id"] for part in parts}) == 1
            _LOOKS[one.rule](spells[one.spell_ids[0]], *parts)

    def test_the_findings_hold_every_error_and_nothing_else(
        self, planted: tuple[pa.Table, list[Planted]]
    ) -> None:
        _agree(planted[0], [(one.rule, one.spell_ids) for one in planted[1]])

    def test_the_shipped_demo_agrees_with_its_answer_sheet(self) -> None:
        data = resources.files("tariff.simulate").joinpath("data")
        extract, key = data.joinpath(f"demo-apc-{MONTH}.csv"), data.joinpath("demo-key.csv")
        if not extract.is_file():
            pytest.skip("the demo has not been generated yet: python tools/build_demo.py")
        from tariff.extract import open_extract

        lines = list(csv.DictReader(key.read_text("utf-8").splitlines()))
        with resources.as_file(extract) as path:
            assert path.read_text("utf-8").partition("\n")[0] == ",".join(SCHEMA.names)
            opened = open_extract([path])
            _agree(opened, [(line["rule"], tuple(line["spell_ids"].split())) for line in lines])


def _agree(extract: Any, key: list[tuple[str, tuple[str, ...]]]) -> None:
    """Every planted error is found, and every error found was planted."""
    from tariff.engine.run import Options, check
    from tariff.extract import from_arrow

    opened = from_arrow(extract) if isinstance(extract, pa.Table) else extract
    findings = check(opened, Options(level="low")).findings.to_pylist()
    found = {(one["rule"], number) for one in findings for number in one["spell_ids"]}
    for rule, numbers in key:
        assert any((rule, number) in found for number in numbers), (rule, numbers)
    named = {number for _, numbers in key for number in numbers}
    certain = [one for one in findings if one["class"] == "deterministic"]
    for one in certain:
        assert named & set(one["spell_ids"]), one["finding_id"]


def _again(honest: list[Row], spell: list[Row], other: list[Row]) -> None:
    assert [{**row, "spell_id": ""} for row in spell] == [{**row, "spell_id": ""} for row in other]


def _overlap(honest: list[Row], spell: list[Row], other: list[Row]) -> None:
    assert spell == honest
    assert other[0]["admission_date"] < spell[0]["discharge_date"] < other[0]["discharge_date"]


def _split(honest: list[Row], spell: list[Row], other: list[Row]) -> None:
    assert other[0]["admission_date"] - spell[0]["discharge_date"] == timedelta(days=1)
    assert spell[0]["admission_date"] == honest[0]["admission_date"]
    assert other[0]["discharge_date"] == honest[0]["discharge_date"]


def _nested(honest: list[Row], spell: list[Row], other: list[Row]) -> None:
    assert spell[0]["admission_date"] < other[0]["admission_date"] < spell[0]["discharge_date"]
    assert other[0]["patient_classification"] == "2"


def _overnight(honest: list[Row], spell: list[Row]) -> None:
    assert spell[0]["patient_classification"] == "2"
    assert spell[0]["discharge_date"] - spell[0]["admission_date"] == timedelta(days=1)


def _twice(honest: list[Row], spell: list[Row]) -> None:
    assert spell == honest * 2


def _open(honest: list[Row], spell: list[Row]) -> None:
    assert spell[0]["discharge_date"] is None
    assert spell[0]["billed_total"] > 0


def _dearer(honest: list[Row], spell: list[Row]) -> None:
    assert spell[-1]["billed_total"] > honest[-1]["billed_total"]


def _day(honest: list[Row], spell: list[Row]) -> None:
    _dearer(honest, spell)
    assert spell[-1]["billed_excess_days"] == honest[-1]["billed_excess_days"] + 1


def _price(honest: list[Row], spell: list[Row]) -> None:
    assert spell[-1]["billed_price"] != honest[-1]["billed_price"]
    assert spell[-1]["billed_mff"] == honest[-1]["billed_mff"]


def _factor(honest: list[Row], spell: list[Row]) -> None:
    assert spell[-1]["billed_price"] == honest[-1]["billed_price"]
    assert spell[-1]["billed_mff"] != honest[-1]["billed_mff"]


def _ungrouped(honest: list[Row], spell: list[Row]) -> None:
    assert spell[-1]["billed_hrg"] == "UZ01Z"
    assert spell[-1]["billed_total"] > 0


_LOOKS = {
    "DUP01": _twice,
    "DUP02": _again,
    "SPL01": _overlap,
    "SPL03": _split,
    "SPL05": _nested,
    "SPL07": _overnight,
    "SPL11": _open,
    "EMR07": _dearer,
    "HRG17": _ungrouped,
    "LOS01": _day,
    "PRC01": _price,
    "PRC02": _factor,
}
