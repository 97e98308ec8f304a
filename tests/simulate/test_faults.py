"""Every planter plants what it says; looked at row by row, without asking what would find it.

One file, a test or two a planter: they share one planted extract, which takes seconds to make.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import tariff.simulate.faults as package
from tariff.errors import UsageError
from tariff.simulate import shipped
from tariff.simulate.faults import (
    FAULT,
    NEAR_MISS,
    Planted,
    parse_order,
    planters,
    read_plan,
    rules,
)
from tariff.simulate.faults.lists import complications, price_list, splits
from tariff.simulate.faults.view import View
from tests.simulate.planting import (
    EPISODES,
    SHIPPED,
    Plantation,
    Row,
    deaths,
    everything,
    honest_batches,
    planted,
)

DAY = timedelta(days=1)
Spell = list[Row]


@pytest.fixture(scope="module")
def every() -> Plantation:
    return everything()


def pence(*spells: Spell) -> int:
    return int(
        100 * sum((row["billed_total"] or Decimal(0) for s in spells for row in s), Decimal(0))
    )


def changed(before: Row, after: Row) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def dates(spell: Spell) -> tuple[Any, Any]:
    return spell[0]["admission_date"], spell[0]["discharge_date"]


BILL = {"billed_price", "billed_total"}


# ---------------------------------------------------------------- what each fault is


def _dup01(was: Spell, spell: Spell) -> None:
    assert spell == [*was, was[-1]]


def _same_stay(was: Spell, spell: Spell, again: Spell) -> None:
    assert spell == was
    assert [{**row, "spell_id": ""} for row in again] == [{**row, "spell_id": ""} for row in was]


def _dup05(was: Spell, spell: Spell, again: Spell) -> None:
    assert again[-1]["activity_month"] > was[-1]["activity_month"]
    again = [{**row, "activity_month": was[i]["activity_month"]} for i, row in enumerate(again)]
    _same_stay(was, spell, again)


def _one_stay(was: Spell, first: Spell, second: Spell) -> None:
    assert dates(first)[0] == dates(was)[0]
    assert dates(second)[1] == dates(was)[1]
    for part in (first, second):
        assert part[0]["episode_start_date"] == part[0]["admission_date"]
        assert part[-1]["episode_end_date"] == part[0]["discharge_date"]
        assert [row["episode_order"] for row in part] == list(range(1, len(part) + 1))


def _spl01(was: Spell, first: Spell, second: Spell) -> None:
    _one_stay(was, first, second)
    assert dates(first)[1] - dates(second)[0] >= DAY
    assert {first[0]["patient_classification"], second[0]["patient_classification"]} == {"1"}


def _spl03(was: Spell, first: Spell, second: Spell) -> None:
    _one_stay(was, first, second)
    assert timedelta(0) <= dates(second)[0] - dates(first)[1] <= DAY
    assert second[0]["admission_method"] == "21"
    assert first[0]["diag_01"] == second[0]["diag_01"]


def _spl04(was: Spell, first: Spell, second: Spell) -> None:
    _one_stay(was, first, second)
    assert dates(first)[1] == dates(second)[0]
    assert (second[0]["admission_method"], second[0]["admission_source"]) == ("2B", "51")
    assert first[0]["site"] != second[0]["site"]
    assert len(first) + len(second) == len(was)


def _spl05(was: Spell, outer: Spell, inner: Spell) -> None:
    assert outer == was
    assert dates(was)[0] < dates(inner)[0] == dates(inner)[1] < dates(was)[1]
    assert inner[0]["patient_classification"] == "2"
    assert inner[0]["oper_01"] in {row["oper_01"] for row in was}


def _spl07(was: Spell, spell: Spell) -> None:
    assert spell[0]["patient_classification"] == "2"
    assert dates(spell)[1] - dates(spell)[0] == DAY
    assert was[0]["patient_classification"] == "1"


def _spl08(was: Spell, first: Spell, second: Spell) -> None:
    codes = [[row[f"oper_{i:02d}"] for i in range(1, 13) if row[f"oper_{i:02d}"]]
             for row in (first[0], second[0], was[0])]  # fmt: skip
    assert codes[0] + codes[1] == codes[2] and codes[0] and codes[1]
    assert dates(first) == dates(second) == dates(was)


def _spl11(was: Spell, spell: Spell) -> None:
    assert pence(spell) == pence(was) > 0
    end = spell[0]["discharge_date"]
    assert end is None or f"{end:%Y-%m}" > spell[-1]["activity_month"]


def _spl13(was: Spell, spell: Spell) -> None:
    apart = [b["episode_start_date"] - a["episode_end_date"] for a, b in pairwise(spell)]
    assert sorted(map(abs, apart))[-1] == DAY
    assert pence(spell) == pence(was)


def _emr07(was: Spell, spell: Spell) -> None:
    listed = price_list("2022/23").prices[was[-1]["billed_hrg"]]
    assert changed(was[-1], spell[-1]) == BILL
    assert spell[-1]["billed_price"] == listed.non_elective
    assert was[-1]["billed_price"] == listed.reduced < listed.non_elective


def _dearer_hrg(was: Spell, spell: Spell) -> None:
    assert spell[-1]["billed_hrg"] != was[-1]["billed_hrg"]
    assert pence(spell) > pence(was)
    assert [row["diag_01"] for row in spell] == [row["diag_01"] for row in was]


def _hrg01(was: Spell, spell: Spell) -> None:
    _dearer_hrg(was, spell)
    assert spell[-1]["billed_hrg"][:4] == was[-1]["billed_hrg"][:4]


def _hrg02(was: Spell, spell: Spell) -> None:
    _dearer_hrg(was, spell)
    assert spell[-1]["billed_hrg"] not in splits("2022/23")
    assert spell[-1]["billed_hrg"] not in price_list("2022/23").prices


def _added(was: Spell, spell: Spell) -> str:
    """The one diagnosis that was added; it lifts the bill."""
    names = changed(was[0], spell[0]) - BILL
    added = [name for name in names if name.startswith("diag_")]
    assert len(added) == 1 and was[0][added[0]] is None
    code = spell[0][added[0]]
    assert shipped.valid_codes().diagnosis(code)
    return str(code)


def _complication(was: Spell, spell: Spell) -> str:
    code = _added(was, spell)
    assert pence(spell) > pence(was)
    assert was[-1]["billed_hrg"][:2] in complications()[code]
    return code


def _hrg03(was: Spell, spell: Spell) -> None:
    _complication(was, spell)


def _hrg05(was: Spell, spell: Spell) -> None:
    _complication(was, spell)
    assert dates(spell)[0] == dates(spell)[1]
    assert spell[0]["discharge_destination"] == "19"


def _hrg11(was: Spell, spell: Spell) -> None:
    day = spell[0]["oper_date_01"]
    assert was[0]["oper_01"] is None and spell[0]["oper_01"]
    assert not dates(spell)[0] <= day <= dates(spell)[1]
    assert pence(spell) > pence(was)


def _hrg15(was: Spell, spell: Spell) -> None:
    code = _added(was, spell)
    wrong_sex = shipped.diagnosis_sex(code) not in ("", spell[0]["sex"])
    assert wrong_sex or (code.startswith("P") and spell[0]["age"] >= 19)
    assert pence(spell) == pence(was)


def _hrg16(was: Spell, spell: Spell) -> None:
    cells = [(a[name], b[name]) for a, b in zip(was, spell, strict=True) for name in changed(a, b)]
    ((old, new),) = cells
    assert shipped.valid_codes().diagnosis(old) and not shipped.valid_codes().diagnosis(new)
    assert pence(spell) == pence(was)


def _hrg17(was: Spell, spell: Spell) -> None:
    assert spell[-1]["billed_hrg"] == "UZ01Z"
    assert spell[0]["diag_01"] in (None, "R69X")
    assert pence(spell) == pence(was) > 0


def _hrg19(was: Spell, spell: Spell) -> None:
    _hrg01(was, spell)
    assert not splits("2022/23")[spell[-1]["billed_hrg"]].holds(spell[0]["age"])


def _days(was: Spell, spell: Spell) -> int:
    assert changed(was[-1], spell[-1]) == {*BILL, "billed_excess_days"}
    rate = price_list("2022/23").prices[was[-1]["billed_hrg"]].per_day
    more = spell[-1]["billed_excess_days"] - was[-1]["billed_excess_days"]
    assert spell[-1]["billed_price"] - was[-1]["billed_price"] == more * rate
    return int(more)


def _los01(was: Spell, spell: Spell) -> None:
    assert _days(was, spell) in (-1, 1, 2, 3)


def _los02(was: Spell, spell: Spell) -> None:
    assert _days(was, spell) > 0
    elective, other = price_list("2022/23").trims(was[-1]["billed_hrg"])
    stay = (dates(was)[1] - dates(was)[0]).days - sum(
        row[name] for row in was for name in
        ("critical_care_days", "rehabilitation_days", "palliative_care_days")
    )  # fmt: skip
    assert elective < other and spell[-1]["billed_excess_days"] == stay - elective


def _los07(was: Spell, spell: Spell) -> None:
    assert dates(was)[0] - dates(spell)[0] >= 2 * DAY and dates(was)[1] == dates(spell)[1]
    assert spell[-1]["billed_excess_days"] > was[-1]["billed_excess_days"]


def _los09(was: Spell, spell: Spell) -> None:
    assert _days(was, spell) > 0
    assert spell[0]["patient_classification"] == "2"


def _set06(was: Spell, spell: Spell) -> None:
    assert spell[0]["patient_classification"] == "1" and was[0]["patient_classification"] == "2"
    assert spell[0]["intended_management"] == "2" and dates(spell)[0] == dates(spell)[1]


def _com10(was: Spell, spell: Spell) -> None:
    assert spell == [{**row, "patient_id": None} for row in was]


def _com03(was: Spell, phantom: Spell) -> None:
    assert phantom[0]["patient_id"] == was[0]["patient_id"]
    assert phantom[0]["sex"] == was[0]["sex"]
    assert phantom[0]["admission_date"] > deaths()[phantom[0]["patient_id"]]


def _prc01(was: Spell, spell: Spell) -> None:
    assert changed(was[-1], spell[-1]) == BILL
    assert abs(spell[-1]["billed_price"] - was[-1]["billed_price"]) >= 100


def _prc02(was: Spell, spell: Spell) -> None:
    assert changed(was[-1], spell[-1]) == {"billed_mff", "billed_total"}
    assert abs(spell[-1]["billed_mff"] - was[-1]["billed_mff"]) > Decimal("0.001")


def _prc03(was: Spell, spell: Spell) -> None:
    assert changed(was[-1], spell[-1]) == BILL
    hrg, days = was[-1]["billed_hrg"], was[-1]["billed_excess_days"]
    prices = [price_list(year).prices.get(hrg) for year in ("2018/19", "2017/18", "2024/25")]
    listed = {
        base + days * price.per_day
        for price in prices if price
        for base in (price.combined, price.day_case, price.ordinary, price.non_elective) if base
    }  # fmt: skip
    assert spell[-1]["billed_price"] in listed


def _prc09(was: Spell, spell: Spell) -> None:
    assert "billed_total" in changed(was[-1], spell[-1]) <= BILL
    assert abs(spell[-1]["billed_total"] - 10 * was[-1]["billed_total"]) < Decimal("0.10")


LOOKS: dict[str, Callable[..., None]] = {
    "DUP01": _dup01, "DUP02": _same_stay, "DUP05": _dup05,
    "SPL01": _spl01, "SPL03": _spl03, "SPL04": _spl04, "SPL05": _spl05, "SPL07": _spl07,
    "SPL08": _spl08, "SPL11": _spl11, "SPL13": _spl13, "EMR07": _emr07,
    "HRG01": _hrg01, "HRG02": _hrg02, "HRG03": _hrg03, "HRG04": _hrg03, "HRG05": _hrg05,
    "HRG11": _hrg11, "HRG15": _hrg15, "HRG16": _hrg16, "HRG17": _hrg17, "HRG19": _hrg19,
    "LOS01": _los01, "LOS02": _los02, "LOS07": _los07, "LOS09": _los09,
    "SET06": _set06, "COM03": _com03, "COM10": _com10,
    "PRC01": _prc01, "PRC02": _prc02, "PRC03": _prc03, "PRC09": _prc09,
}  # fmt: skip

# What is not payable as it stands, though the honest extract bills the same money.
WHOLE_BILL = {"SPL11", "HRG17", "COM10"}


class TestEachFault:
    @pytest.mark.parametrize("rule", rules())
    def test_it_is_what_it_says(self, every: Plantation, rule: str) -> None:
        lines = every.of(rule)
        assert lines, f"no {rule} was planted"
        for line in lines:
            LOOKS[rule](every.whole(line), *every.rows(line))

    @pytest.mark.parametrize("rule", rules())
    def test_every_way_is_used(self, every: Plantation, rule: str) -> None:
        assert {line.way for line in every.of(rule)} == {way.way for way in planters(FAULT, rule)}

    def test_the_value_is_billed_less_an_honest_bill(self, every: Plantation) -> None:
        for line in every.key:
            planted_now = pence(*every.rows(line))
            honest = pence(every.whole(line)) if line.rule != "COM03" else 0
            if line.kind == NEAR_MISS:
                assert line.value_pence == 0
                continue
            assert line.change_pence == planted_now - honest, line
            expected = planted_now if line.rule in WHOLE_BILL else line.change_pence
            assert line.value_pence == expected, line

    def test_under_charges_are_negative(self, every: Plantation) -> None:
        for rule, way in (("PRC01", "below"), ("LOS01", "too few")):
            assert all(line.value_pence < 0 for line in every.of(rule) if line.way == way)

    def test_every_rule_that_ships_can_be_planted(self) -> None:
        assert set(SHIPPED) <= set(rules()) & set(rules(NEAR_MISS))

    def test_every_fault_has_a_near_miss(self) -> None:
        assert rules() == rules(NEAR_MISS)


class TestNearMisses:
    def test_those_named_as_they_are_were_not_touched(self, every: Plantation) -> None:
        untouched = [line for line in every.key if line.kind == NEAR_MISS and not line.undo.put
                     and not line.undo.remove]  # fmt: skip
        assert len(untouched) > 50
        for line in untouched:
            (spell,) = every.rows(line)
            assert spell == every.whole(line)

    def test_what_is_added_is_billed_as_the_engine_bills_it(self, every: Plantation) -> None:
        """Price, factor and total of rows that were made; only roundings may be off, and UZ01Z."""
        from tests.simulate.planting import the_engine

        made = [line for line in every.key if line.kind == NEAR_MISS
                and (line.undo.put or line.undo.remove)
                and line.rule not in ("PRC01", "PRC02", "HRG17")]  # fmt: skip
        rows = [row for line in made for spell in every.rows(line) for row in spell]
        assert len(rows) > 50
        result = the_engine()(pa.Table.from_pylist(rows, schema=every.batches[0].schema))
        for one in result.to_pylist():
            last = every.spells[one["provider"], one["spell_id"]][-1]
            assert one["hrg"] == last["billed_hrg"]
            assert one["total_pence"] == last["billed_total"] * 100

    def test_a_readmission_is_two_days_later(self, every: Plantation) -> None:
        lines = [line for line in every.of("SPL03", NEAR_MISS) if line.way == "two days later"]
        assert lines
        for line in lines:
            first, second = every.rows(line)
            assert dates(second)[0] - dates(first)[1] == 2 * DAY
            assert first[0]["discharge_destination"] == "19"

    def test_two_day_cases_are_of_two_specialties(self, every: Plantation) -> None:
        for line in every.of("DUP02", NEAR_MISS):
            first, second = every.rows(line)
            assert dates(first) == dates(second)
            assert first[0]["treatment_function"] != second[0]["treatment_function"]

    def test_a_price_within_a_pound(self, every: Plantation) -> None:
        for line in every.of("PRC01", NEAR_MISS):
            (spell,) = every.rows(line)
            more = abs(spell[-1]["billed_price"] - every.whole(line)[-1]["billed_price"])
            assert 0 < more < 1

    def test_an_eighteen_year_old(self, every: Plantation) -> None:
        lines = [line for line in every.of("EMR07", NEAR_MISS) if line.way == "age 18"]
        assert lines
        assert {row["age"] for line in lines for spell in every.rows(line) for row in spell} == {18}

    def test_a_stay_at_the_trim_point(self, every: Plantation) -> None:
        for line in every.of("LOS01", NEAR_MISS):
            (spell,) = every.rows(line)
            assert spell[-1]["billed_excess_days"] == 0


# ---------------------------------------------------------------- how many, of whom, which seed


def test_no_patient_has_two(every: Plantation) -> None:
    people = Counter(every.whole(line)[0]["patient_id"] for line in every.key)
    assert set(people.values()) == {1}


def test_a_patient_may_have_two_if_asked() -> None:
    few = [honest_batches()[0].slice(0, 400)]
    order = parse_order(["PRC01=50%,PRC02=50%"], seed=1)
    alone = planted(order, few, 400)
    both = planted(replace(order, several=True), few, 400)
    assert len(both.key) > len(alone.key)
    people = Counter(both.whole(line)[0]["patient_id"] for line in both.key)
    assert max(people.values()) > 1
    assert max(Counter(record for line in both.key for record in line.records).values()) == 1


def test_everything_else_stays_as_it_was(every: Plantation) -> None:
    named = {tuple(record.split(":")[1:]) for line in every.key for record in line.records}
    for at, spell in every.spells.items():
        if at not in named:
            assert spell == every.before[at]


def test_new_spell_numbers_are_new(every: Plantation) -> None:
    new = set(every.spells) - set(every.before)
    assert len(new) > 20
    assert not {number for _, number in new} & {number for _, number in every.before}


def test_a_share_is_of_the_spells_that_can_have_it() -> None:
    made = planted(parse_order(["SPL07=50%,PRC02=2%"], seed=1))
    view = View(honest_batches()[0])
    for rule, share in (("SPL07", 0.5), ("PRC02", 0.02)):
        eligible = sum(planters(FAULT, rule)[0].eligible(view) & view.billed)
        assert abs(len(made.of(rule)) - share * eligible) <= 1


def test_a_number_is_that_number() -> None:
    made = planted(parse_order(["DUP01=7", "LOS01=3"], seed=2))
    assert (len(made.of("DUP01")), len(made.of("LOS01"))) == (7, 3)


def test_what_cannot_be_planted_is_counted() -> None:
    few = [honest_batches()[0].slice(0, 60)]
    made = planted(parse_order(["SPL04=30", "COM03=2"]), few, 60)
    assert made.tally.asked[FAULT, "SPL04"] == 30 > made.tally.planted[FAULT, "SPL04"]
    assert (FAULT, "SPL04") in made.tally.short()
    assert "register" in made.tally.skipped["COM03"]


class TestSeeds:
    ORDER = "DUP02=6,SPL03=6,HRG03=6,PRC01=6"

    def test_the_same_seed_plants_the_same(self) -> None:
        one, two = (planted(parse_order([self.ORDER], seed=4)) for _ in range(2))
        assert one.key == two.key
        assert one.batches == two.batches

    def test_another_seed_plants_elsewhere(self) -> None:
        one, two = (planted(parse_order([self.ORDER], seed=seed)) for seed in (4, 5))
        assert one.key != two.key
        assert Counter(line.rule for line in one.key) == Counter(line.rule for line in two.key)

    def test_the_order_of_chunks_changes_nothing(self) -> None:
        batch = honest_batches()[0]
        cuts = [0, 6_000, 13_000, batch.num_rows]
        spells = batch["spell_id"].to_pylist()
        edges = [0, *(i for i in range(1, EPISODES) if spells[i] != spells[i - 1]), EPISODES]
        cuts = [next(edge for edge in edges if edge >= cut) for cut in cuts]
        chunks = [batch.slice(a, b - a) for a, b in pairwise(cuts)]
        order = parse_order(["PRC01=1%,SPL07=20%,DUP01=0.5%"], seed=4)
        straight, turned = planted(order, chunks), planted(order, chunks[::-1])
        assert sorted(straight.key, key=str) == sorted(turned.key, key=str)
        assert straight.batches == turned.batches[::-1]

    def test_a_number_is_spread_over_the_chunks(self) -> None:
        batch = honest_batches()[0]
        chunks = [batch.slice(at, 5_000) for at in range(0, EPISODES, 5_000)]
        made = planted(parse_order(["PRC02=10"], seed=4), chunks)
        at = [made.batches[i].num_rows for i in range(4)]
        assert len(made.key) == 10 and len(at) == 4

    def test_another_rule_changes_nothing(self) -> None:
        one = planted(parse_order(["PRC01=5"], seed=4))
        two = planted(parse_order(["PRC01=5,DUP01=1"], seed=4))
        assert {line.records for line in one.key} <= {line.records for line in two.key}


# ---------------------------------------------------------------- orders and plans


class TestOrders:
    def test_a_plan_file_says_the_same(self, tmp_path: Path) -> None:
        plan = tmp_path / "plan.yaml"
        plan.write_text("faults: {SPL03: 0.5%, hrg03: 25}\nseed: 7\nnear_misses: {DUP02: 3}\n")
        order = read_plan(plan)
        assert order.faults == parse_order(["SPL03=0.5%", "HRG03=25"]).faults
        assert order.seed == 7
        assert order.near_misses["DUP02"].count == 3

    def test_near_misses_can_be_asked_for_at_once(self, tmp_path: Path) -> None:
        plan = tmp_path / "plan.yaml"
        plan.write_text("faults: {PRC01: 4}\nnear_misses: yes\n")
        made = planted(read_plan(plan))
        assert len(made.of("PRC01", NEAR_MISS)) == 4

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("SPL03", "how many"),
            ("SPL99=1%", "SPL99"),
            ("SPL03=0.5", "not an amount"),
            ("SPL03=200%", "not an amount"),
            ("SPL03=-1", "not an amount"),
            ("SPL03=1%,SPL03=2", "twice"),
        ],
    )
    def test_a_wrong_order_says_what_to_do(self, text: str, says: str) -> None:
        with pytest.raises(UsageError, match=says) as caught:
            parse_order([text])
        assert caught.value.hint

    @pytest.mark.parametrize(
        "text",
        [
            "faults: [SPL03]", "SPL03: 1%", "{", "faults: {SPL03: 1%}\nseeds: 1",
            "faults: {SPL03: much}", "faults: {SPL03: 1%}\nseed: -1",
            "faults: {SPL03: 1%}\nnear_misses: some",
        ],
    )  # fmt: skip
    def test_a_wrong_plan_names_the_file(self, tmp_path: Path, text: str) -> None:
        plan = tmp_path / "plan.yaml"
        plan.write_text(text)
        with pytest.raises(UsageError, match=r"plan\.yaml"):
            read_plan(plan)

    def test_a_number_needs_the_size(self) -> None:
        from tariff.simulate.faults import plant

        with pytest.raises(UsageError, match="size"):
            list(plant([], parse_order(["SPL03=2"]), write=lambda line: None))


# ---------------------------------------------------------------- independence


DETECTION = (
    "tariff.engine.match", "tariff.engine.select", "tariff.engine.settle", "tariff.engine.findings",
    "tariff.packs.rules", "tariff.packs.predicates", "tariff.reference", "tariff.engine.program",
)  # fmt: skip


def test_planting_shares_nothing_with_detection() -> None:
    folder = Path(package.__file__).parent
    files = [*folder.glob("*.py"), folder.parent / "demo.py", folder.parent / "shipped.py"]
    assert len(files) > 8
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [str(node.module)]
            for name in names:
                assert not name.startswith(("tariff.engine", *DETECTION)), (file.name, name)
                assert "signatures" not in name
        assert "signatures" not in file.read_text("utf-8")


def test_the_arithmetic_of_planted_prices_is_that_of_honest_bills() -> None:
    """The price list, restated in a few lines, gives nearly every honest bill."""
    from tariff.simulate.faults.edits import day_case, days_counted, emergency
    from tests.simulate.planting import by_spell

    prices, right, seen = price_list("2022/23"), 0, 0
    for spell in list(by_spell(honest_batches()).values())[:6000]:
        last = spell[-1]
        if last["billed_total"] is None:
            continue
        bill = prices.bill(
            last["billed_hrg"],
            emergency=not spell[0]["admission_method"].startswith("1"),
            day_case=day_case(spell),
            age=spell[0]["age"],
            days=days_counted(spell),
        )
        assert emergency(spell) == spell[0]["admission_method"].startswith("2")
        seen += 1
        right += bill == (last["billed_price"], last["billed_excess_days"])
    assert right > 0.98 * seen


def test_planters_are_named_once() -> None:
    for kind in (FAULT, NEAR_MISS):
        for rule in rules(kind):
            ways = [way.way for way in planters(kind, rule)]
            assert len(set(ways)) == len(ways)
            assert all(way.says for way in planters(kind, rule))


def test_a_line_of_the_key_knows_its_records(every: Plantation) -> None:
    for line in every.key:
        assert isinstance(line, Planted)
        assert line.records == tuple(sorted(line.records))
        assert all(record.startswith("spell:") for record in line.records)


def test_the_page_lists_every_fault_and_near_miss() -> None:
    page = Path(__file__).parents[2].joinpath("docs/planted-faults.md").read_text("utf-8")
    for rule in rules():
        cells = ["; ".join(way.says for way in planters(kind, rule)) for kind in (FAULT, NEAR_MISS)]
        assert f"| {rule} | {cells[0]} | {cells[1]} |" in page
