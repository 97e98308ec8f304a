"""`tariff compare --contract A --contract B`: what each pays for the same activity, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from tariff import api
from tariff.whatif.contracts import Priced, under_contracts
from tariff.whatif.payables import EFFECTS, LEVELS
from tests.contracts.contracts import (
    PER_CASE,
    random_contract,
    random_records,
    ready,
    table_of,
    write_contract,
)
from tests.contracts.test_price_under import KNEE_PRICE, LOCAL, OUTPATIENT, PNEUMONIA, knee, lung
from tests.e2e.command import Result, Row, read_rows, tariff, write_rows
from tests.engine.extracts import shipped

FORMS = """\
- {id: emergency, title: Emergency,
   select: {datasets: [episodes], points_of_delivery: [NEL, NELST]},
   plan: {activity: 12, price: 36000},
   form: {kind: cost_and_volume, tolerance: 0, marginal_above: 0.5, marginal_below: 0.5}}
- {id: elective, title: Elective, select: {datasets: [episodes], points_of_delivery: [DC, EL]},
   form: CASE}
- {id: ambulances, title: Block, select: {datasets: [lines]},
   plan: {activity: 0, price: 120}, form: {kind: block}}
"""
ROWS = [lung("A", 4), lung("B"), lung("C", commissioner="02B"), knee("K"), lung("X", 3)]


def names_of(rows: Iterable[Row]) -> dict[str, None]:
    """The columns of rows, in their order."""
    return dict.fromkeys(name for row in rows for name in row)


class Compared:
    """A folder that a comparison of two contracts left."""

    def __init__(self, folder: Path, said: Result) -> None:
        self.folder, self.said = folder, said
        self.rows = read_rows(folder / "payables.csv")
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        self.section = self.manifest["contracts"]

    def level(self, name: str, *keys: str) -> dict[tuple[str, ...], dict[str, int]]:
        """The money of a level by its keys, in pence."""
        return {
            tuple(row[key] for key in keys): {
                column.removesuffix("_pence"): int(row[column])
                for column in row
                if column.endswith("_pence")
            }
            for row in self.rows
            if row["level"] == name
        }

    @property
    def lines(self) -> dict[tuple[str, ...], dict[str, int]]:
        return self.level("line", "line_a", "line_b")


@pytest.fixture
def compared(tmp_path: Path) -> Any:
    """`compared(A, B, *options)`: run the command on the rows."""

    def compare(
        a: Path | str, b: Path | str, *options: object, rows: Any = ROWS, name: str = "out"
    ) -> Compared:
        file = write_rows(tmp_path / f"{name}.csv", rows, names_of(rows))
        out = tmp_path / name
        said = tariff("compare", file, "--contract", a, "--contract", b, "-o", out, *options)
        assert said.code == 0, said.stderr
        found = Compared(out, said)
        adds_up(found)
        return found

    return compare


def adds_up(found: Compared) -> None:
    """Every row adds up, every level comes to the whole, and that to what the contracts pay."""
    sums: dict[str, list[int]] = {level: [0] * 6 for level in LEVELS}
    for row in found.rows:
        assert int(row["difference_pence"]) == sum(int(row[f"{name}_pence"]) for name in EFFECTS)
        names = (*EFFECTS, "difference", "payable_a", "payable_b")
        for place, name in enumerate(names):
            sums[row["level"]][place] += int(row[f"{name}_pence"])
    (whole,) = {tuple(held) for held in sums.values()}
    money = found.section["money"]
    assert list(whole[:4]) == [money[name] for name in (*EFFECTS, "difference")]
    assert list(whole[4:]) == [found.section[side]["payable"] for side in "ab"]


def test_a_contract_beside_itself_moves_nothing_and_swapped_all_is_negative(
    compared: Any, tmp_path: Path
) -> None:
    a = write_contract(tmp_path / "a", FORMS)
    b = write_contract(tmp_path / "b", PER_CASE)
    same = compared(a, a, name="same")
    assert not any(same.section["money"][name] for name in (*EFFECTS, "difference"))
    assert set(same.lines) == {("emergency",) * 2, ("elective",) * 2, ("ambulances",) * 2}
    there, back = compared(a, b, name="there"), compared(b, a, name="back")
    assert there.section["money"]["rule"] != 0
    for keys, money in there.level("activity", *LEVELS["activity"]).items():
        one, other, *rest = keys
        turned = back.level("activity", *LEVELS["activity"])[other, one, *rest]
        for name in (*EFFECTS, "difference"):
            assert money[name] == -turned[name], (keys, name)


@pytest.mark.parametrize("seed", range(40))
def test_contracts_of_any_form_add_up_and_negate(seed: int) -> None:
    rng = Random(seed)
    contracts = tuple(ready(*random_contract(rng)) for _ in "ab")
    table = table_of(random_records(rng, 60))
    sides = [Priced(table, None, shipped().packs, None)] * 2
    there = under_contracts(contracts, sides, "episodes")  # type: ignore[arg-type]
    back = under_contracts(contracts[::-1], sides, "episodes")  # type: ignore[arg-type]
    sums: dict[str, list[int]] = {level: [0, 0, 0, 0] for level in LEVELS}
    for row in there.table.to_pylist():
        effects = [row[f"{name}_pence"] for name in (*EFFECTS, "difference")]
        assert sum(effects[:3]) == effects[3]
        for place, amount in enumerate(effects):
            sums[row["level"]][place] += amount
    money = there.section["money"]
    assert set(map(tuple, sums.values())) == {
        tuple(money[name] for name in (*EFFECTS, "difference"))
    }
    assert money["payable_b"] == there.section["b"]["payable"] == back.section["a"]["payable"]
    turned = {name: -amount for name, amount in back.section["money"].items()}
    assert [turned[name] for name in EFFECTS] == [money[name] for name in EFFECTS]
    same = under_contracts((contracts[0],) * 2, sides, "episodes").section["money"]
    assert not any(same[name] for name in (*EFFECTS, "difference"))


def test_forms_prices_and_what_is_selected_have_effects_of_their_own(
    compared: Any, tmp_path: Path
) -> None:
    a = write_contract(tmp_path / "a", FORMS)
    files = {"local.csv": LOCAL + "R1H,,,,HN22E,5000.00\n"}
    b = write_contract(
        tmp_path / "b",
        PER_CASE,
        "local_prices: local.csv\n",
        files,
        {"commissioners": '["01A"]'},
    )
    rows = [{"commissioner": "01A", **row} for row in ROWS]
    found = compared(a, b, rows=rows)
    # April and May planned 2 of 12 at 3,000; 3 done: half of the one above; A pays 7,500
    lines = found.lines
    emergency = lines["emergency", "all"]
    assert emergency["value_a"] == emergency["value_b"] == 2 * PNEUMONIA
    gone = lines["emergency", ""]  # the other commissioner's
    assert emergency["payable_a"] + gone["payable_a"] == 750_000
    assert (gone["volume"], gone["price"], gone["payable_b"]) == (-PNEUMONIA, 0, 0)
    assert emergency["volume"] == emergency["price"] == 0
    elective = lines["elective", "all"]
    assert (elective["volume"], elective["price"], elective["rule"]) == (
        0, 500_000 - KNEE_PRICE, 0,
    )  # fmt: skip
    # a block without activity: two of twelve months, and nothing in B
    assert lines["ambulances", ""] == {
        "value_a": 0, "value_b": 0, "payable_a": 2_000, "payable_b": 0, "difference": -2_000,
        "volume": 0, "price": 0, "rule": -2_000,
    }  # fmt: skip
    chapters = found.level("chapter", "chapter")
    assert chapters["H",]["difference"] == elective["difference"]
    assert chapters["D",]["payable_a"] == 750_000
    assert "A: Outside the contract (not in the dates of the contract): 1 record, £" in (
        " ".join(found.manifest["notices"])
    )
    assert "B: Outside the contract (another commissioner): 1 record, " in found.said.stdout
    assert "emergency / all" in found.said.stdout and "ambulances / none" in found.said.stdout
    assert pq.read_table(found.folder / "payables.parquet").num_rows == len(found.rows)
    book = openpyxl.load_workbook(found.folder / "compare.xlsx")
    assert book.sheetnames[-1] == "Contracts"


def test_what_a_form_pays_beside_the_value_is_parted_by_value(
    compared: Any, tmp_path: Path
) -> None:
    a = write_contract(tmp_path / "a", PER_CASE)
    cap = "- {id: all, title: All, form: {kind: cap_and_collar, cap: 60000}}\n"
    b = write_contract(tmp_path / "b", cap)
    found = compared(a, b)
    # two months of twelve: 10,000 for 3 x 3,631.68 and 7,393.35
    pods = found.level("point_of_delivery", "point_of_delivery")
    value = 3 * PNEUMONIA + KNEE_PRICE
    assert found.section["money"]["rule"] == 1_000_000 - value
    share = pods["NEL",]["rule"]
    assert abs(share - (1_000_000 - value) * 3 * PNEUMONIA / value) <= 1
    assert share + pods["EL",]["rule"] == 1_000_000 - value


def test_earlier_months_count_in_both(compared: Any, tmp_path: Path) -> None:
    a, b = write_contract(tmp_path / "a", FORMS), write_contract(tmp_path / "b", PER_CASE)
    history = write_rows(tmp_path / "april.csv", ROWS[:2], ROWS[0])
    found = compared(a, b, "--history", history, rows=ROWS[1:4])
    whole = compared(a, b, rows=ROWS[:4], name="whole")
    assert found.rows == whole.rows
    assert found.manifest["notices"][0] == "Records of earlier months that count: 1."
    assert [item["file"] for item in found.manifest["history"]] == ["april.csv"]


def test_two_years_with_their_contracts(compared: Any, tmp_path: Path) -> None:
    a = write_contract(tmp_path / "a", PER_CASE)
    cap = "- {id: all, title: All, form: {kind: cap_and_collar, cap: 30000}}\n"
    b = write_contract(tmp_path / "b", cap, head={"year": '"2018/19"'})
    found = compared(a, b, "--a", "2022/23", "--b", "2018/19", rows=ROWS[:4])
    money = found.manifest["money"]
    assert money["total_a"] == found.section["a"]["tariff"] == 3 * PNEUMONIA + KNEE_PRICE
    assert money["total_b"] == found.section["b"]["tariff"] != money["total_a"]
    # the same units: what the prices move is all price, what the cap takes off is the rule
    split = found.section["money"]
    assert (split["volume"], split["price"]) == (0, money["difference"])
    assert split["payable_b"] == 3_000_000 * 2 // 12
    assert found.section["b"]["through"] == "2018-05"
    assert "List price" in found.said.stdout and "Contract" not in found.said.stderr


def test_terms_of_a_contract_reach_its_side_alone(compared: Any, tmp_path: Path) -> None:
    a = write_contract(tmp_path / "a", PER_CASE)
    more = "switches: {delayed_discharge: true}\n"
    b = write_contract(tmp_path / "b", PER_CASE, more, head={"rounding": "pound_final"})
    late = {"discharge_date": "2022-05-30", "ready_for_discharge_date": "2022-05-25"}
    found = compared(a, b, rows=[{**lung("A"), **late}])
    # 27 days, trim 17: ten days at 270 in A, five in B; x 1.171131
    assert found.section["a"]["tariff"] == round((3101 + 2700) * 117.1131)
    assert found.section["b"]["tariff"] == 521_300  # 4,451 x 1.171131 = 5,212.70
    assert found.manifest["sides"]["b"]["rounding"] == "pound_final"


def test_the_same_from_python(compared: Any, tmp_path: Path) -> None:
    a, b = write_contract(tmp_path / "a", FORMS), write_contract(tmp_path / "b", PER_CASE)
    found = compared(a, b)
    again = api.compare(tmp_path / "out.csv", contracts=(a, b))
    assert again.contracts is not None
    assert again.contracts.table.equals(pq.read_table(found.folder / "payables.parquet"))
    assert again.manifest["contracts"] == found.section


def test_attendances_under_two_contracts(compared: Any, tmp_path: Path) -> None:
    a = write_contract(tmp_path / "a", PER_CASE)
    files = {"local.csv": LOCAL + ",,,,WF01B,9\n"}
    b = write_contract(tmp_path / "b", PER_CASE, "local_prices: local.csv\n", files)
    found = compared(a, b, rows=[OUTPATIENT])
    (money,) = found.lines.values()
    assert (money["payable_b"], money["price"]) == (900, 900 - money["value_a"])


def test_two_contracts_that_ship(compared: Any) -> None:
    rows = [
        {**lung(f"L{n}"), "provider": "X00", "commissioner": "00X",
         "admission_date": f"2018-0{n}-03", "discharge_date": f"2018-0{n}-10"}
        for n in (5, 6)
    ]  # fmt: skip
    found = compared("example-cap-and-collar", "example-cost-per-case", "--mff", "1", rows=rows)
    assert set(found.lines) == {("admitted", "everything")}
    assert found.section["a"]["payable"] == 970_000_000 * 3 // 12  # April to June of the collar
    assert found.section["b"]["payable"] == found.section["b"]["tariff"]
    assert (found.section["money"]["volume"], found.section["money"]["price"]) == (0, 0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "what to compare is not said: neither --a and --b nor a contract"),
        (["--a", "2022/23"], "--b is missing"),
        (["--contract", "example-block"], "--contract is given once"),
        (["--contract", "example-block", "--contract", "exampel-block"], "did you mean 'example-"),
        (["--contract", "example-block", "--contract", "example-blended-2019"],
         "of two years, 2018/19 and 2019/20"),
        (["--contract", "example-block", "--contract", "example-cap-and-collar", "--a", "2022/23",
          "--b", "own"], "contract 'example-block' is of 2018/19, and A prices in 2022/23"),
        (["--contract", "example-block", "--contract", "example-cap-and-collar", "--a", "own"],
         "--b is missing"),
        (["--contract", "example-block", "--contract", "example-block", "--rounding",
          "pound_final"], "--rounding pound_final is not that of contract 'example-block'"),
        (["--contract", "example-block", "--contract", "example-block", "--delayed-discharge"],
         "contract 'example-block' does not take delayed days off"),
        (["--a", "own", "--b", "own", "--history", "x.csv"], "earlier months count in the year"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(tmp_path: Path, options: list[str], says: str) -> None:
    write_rows(tmp_path / "x.csv", ROWS, names_of(ROWS))
    done = tariff("compare", "x.csv", "-o", "out", *options, cwd=tmp_path)
    assert done.code == 2 and says in done.error, done.stderr
    assert not (tmp_path / "out").exists()


def test_terms_of_compare_itself(tmp_path: Path) -> None:
    """Rounding and delayed discharge hold on both sides, and not for care that is not admitted."""
    late = {"discharge_date": "2022-05-30", "ready_for_discharge_date": "2022-05-25"}
    file = write_rows(tmp_path / "x.csv", [{**lung("A"), **late}], {**lung("A"), **late})
    words = ["compare", file, "--a", "own", "--b", "2018/19", "-o", tmp_path / "out"]
    assert tariff(*words, "--delayed-discharge", "--rounding", "pound_final").code == 0
    (row,) = pq.read_table(tmp_path / "out" / "compared.parquet").to_pylist()
    assert row["total_pence_a"] == 521_300 and row["total_pence_b"] % 100 == 0
    other = write_rows(tmp_path / "op.csv", [OUTPATIENT], OUTPATIENT)
    words[1] = other
    done = tariff(*words, "--delayed-discharge")
    assert done.code == 2 and "are for admitted care" in done.error
