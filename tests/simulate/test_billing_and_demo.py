"""Billing is the engine's own price; the demo has the errors its answer sheet lists, no others."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tariff.engine.run import Options, check
from tariff.extract import from_arrow, open_extract
from tariff.simulate import Tally, synthesise
from tariff.simulate.billing import engine
from tariff.simulate.columns import BILLED, SCHEMA
from tariff.simulate.demo import EPISODES, MONTH, SEED, plant
from tariff.simulate.faults import Planted, read_key, unplant
from tariff.simulate.score import Finding, score

Row = dict[str, Any]
PENNY = Decimal("0.01")
# Primary diagnoses of well babies, and of women before and after birth.
PATHWAY = (
    *("Z32", "Z33", "Z34", "Z35", "Z36", "Z38", "Z39", "O1", "O21", "O22", "O23", "O24", "O25"),
    *("O26", "O28", "O29", "O3", "O4", "O6", "O7", "O8", "O9"),
)
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
        unbilled = set()
        for spell in spells.values():
            for row in spell[:-1]:
                assert all(row[name] is None for name in BILLED)
            if spell[-1]["diag_01"].startswith(PATHWAY) or (spell[-1]["diag_02"] or "").startswith(
                "Z37"
            ):
                unbilled.add(spell[0]["admission_method"])
                assert {name for name in BILLED if spell[-1][name]} == {
                    "activity_month",
                    "statement",
                }
            else:
                assert all(spell[-1][name] is not None for name in BILLED)
        assert {"31", "32", "82"} <= unbilled, "mothers and well babies are paid by the pathway"

    def test_the_bill_adds_up(self, spells: dict[str, list[Row]]) -> None:
        billed = [spell for spell in spells.values() if spell[-1]["billed_total"] is not None]
        assert len(billed) > 0.9 * len(spells)
        for spell in billed:
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
            if row["billed_total"] is None:
                assert not one["complete"] or one["total_pence"] == 0
                continue
            assert one["complete"]
            assert one["hrg"] == row["billed_hrg"]
            assert one["point_of_delivery"] == row["billed_point_of_delivery"]
            assert one["total_pence"] == row["billed_total"] * 100
            assert one["excess_days"] == row["billed_excess_days"]
        for part in ("short_stay_pence", "long_stay_pence"):
            assert any(one[part] for one in result), part
        best = [one for one in result if one["best_practice_area"]]
        assert {"BP01", "BP50"} <= {one["best_practice_flag"] for one in best}
        assert {"best_practice", "not_best_practice", "level_1"} <= {
            one["best_practice_paid"] for one in best
        }
        assert any(one["base_pence"] < one["list_pence"] for one in best)

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
        excess = sum((spell[-1]["billed_excess_days"] or 0) > 0 for spell in spells.values())
        assert 0.01 < excess / len(spells) < 0.08

    def test_no_deterministic_rule_finds_anything(self, honest: pa.Table) -> None:
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


class TestDemo:
    """What each fault is, is told in test_faults; here, that the demo has those it should."""

    def test_planting_is_repeatable(
        self, honest: pa.Table, planted: tuple[pa.Table, list[Planted]]
    ) -> None:
        again = plant(honest, engine())
        assert again[0].equals(planted[0])
        assert again[1] == planted[1]

    def test_it_has_two_or_three_of_a_kind(self, planted: tuple[pa.Table, list[Planted]]) -> None:
        kinds = Counter(line.rule for line in planted[1])
        assert len(planted[1]) == 26 and len(kinds) == 12
        assert set(kinds.values()) == {2, 3}
        assert any(line.value_pence < 0 for line in planted[1]), "an under-charge"

    def test_undoing_it_gives_the_honest_month(
        self, honest: pa.Table, planted: tuple[pa.Table, list[Planted]]
    ) -> None:
        table, key = planted
        back = pa.Table.from_batches(unplant(table.to_batches(), [line.undo for line in key]))
        assert back.to_pylist() == honest.to_pylist()

    def test_the_findings_hold_every_error_and_nothing_else(
        self, planted: tuple[pa.Table, list[Planted]]
    ) -> None:
        _agree(from_arrow(planted[0]), planted[1])

    def test_the_shipped_demo_agrees_with_its_answer_sheet(self) -> None:
        data = resources.files("tariff.simulate").joinpath("data")
        extract, sheet = data.joinpath(f"demo-apc-{MONTH}.csv"), data.joinpath("demo-key.csv")
        with resources.as_file(extract) as path, resources.as_file(sheet) as key_path:
            assert path.read_text("utf-8").partition("\n")[0] == ",".join(SCHEMA.names)
            _agree(open_extract([path]), read_key(key_path))


def _agree(extract: Any, key: list[Planted]) -> None:
    """Every planted error is found, and every error its rule finds was planted.

    Rules of which no error is planted find in an honest month what they find in any; those that
    are deterministic find nothing beside what is planted.
    """
    done = check(extract, Options(level="low")).findings
    planted = {line.rule for line in key}
    touched = {record for line in key for record in line.records}
    for one in done.to_pylist():
        if one["class"] == "deterministic" and one["rule"] not in planted:
            assert touched & set(one["records"]), one
    found = done.filter(pc.is_in(done["rule"], pa.array(sorted(planted))))
    found = found.select(["rule", "records", "value_pence"])
    scores = score([Finding(**row) for row in found.to_pylist()], key)
    assert {one.rule for one in scores} == {line.rule for line in key}
    for one in scores:
        assert (one.recall, one.false) == (1.0, 0), one
