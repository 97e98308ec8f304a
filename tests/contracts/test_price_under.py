"""`tariff price --contract`: what is payable of priced activity, and what is outside it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariff.cli.main import run
from tariff.engine.contract import load_contract, terms_under
from tariff.engine.contract_ledger import statement
from tariff.engine.contract_table import contract_section
from tariff.engine.contract_units import ledger_of
from tariff.engine.price import Terms
from tests.contracts.contracts import write_contract
from tests.e2e.command import read_rows, write_rows
from tests.engine import extracts
from tests.engine.extracts import KNEE, stay

# DZ11T 3,101.00 x 1.171131 = 3,631.68 (3,631.677231); HN22E 6,313.00 x 1.171131 = 7,393.35
PNEUMONIA, KNEE_PRICE = 363_168, 739_335
LINES = """\
- {id: emergency, title: Emergency,
   select: {datasets: [episodes], points_of_delivery: [NEL, NELST]},
   plan: {activity: 12, price: 36000},
   form: {kind: cost_and_volume, tolerance: 0, marginal_above: 0.5, marginal_below: 0.5}}
- {id: elective, title: Elective, select: {datasets: [episodes], points_of_delivery: [DC, EL]},
   form: {kind: cost_per_case}}
- {id: clinic, title: Clinic, select: {datasets: [attendances]}, form: {kind: cost_per_case}}
- {id: money, title: Money, select: {datasets: [lines]}, form: {kind: cost_per_case}}
"""
LOCAL = "provider,commissioner,treatment_function,point_of_delivery,tariff_code,price\n"
OUTPATIENT = {
    "provider": "R1H", "attendance_id": "O1", "attendance_date": "2022-05-04", "age": "40",
    "treatment_function": "110", "main_specialty": "110", "first_attendance": "1", "attended": "5",
    "billed_hrg": "WF01B",
}  # fmt: skip


def lung(spell: str, month: int = 5, **values: str) -> dict[str, str]:
    days = {"admission_date": f"2022-{month:02}-03", "discharge_date": f"2022-{month:02}-10"}
    return stay(**{"spell_id": spell, "patient_id": spell, "billed_hrg": "DZ11T", **days, **values})


def knee(spell: str, **values: str) -> dict[str, str]:
    return lung(spell, **{**KNEE, "billed_hrg": "HN22E", **values})


@cache
def two_spells() -> pa.Table:
    """Two stays with pneumonia, priced."""
    return extracts.run(lung("A"), lung("B"), rules=False).spells


class Under:
    """A folder that `tariff price --contract` left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = read_rows(folder / "contract.csv")
        manifest = json.loads((folder / "manifest.json").read_text())
        self.section: dict[str, Any] = manifest["contract"]

    def line(self, name: str) -> dict[str, Any]:
        (line,) = [line for line in self.section["lines"] if line["line"] == name]
        return dict(line)

    def months(self, name: str, column: str) -> list[int]:
        return [int(row[column]) for row in self.rows if row["line"] == name]


@pytest.fixture
def priced(tmp_path: Path) -> Any:
    """`priced(rows, contract, ...)`: run the command on rows, and look at what it left."""

    def price(rows: list[dict[str, str]], contract: Path, *options: str, name: str = "a") -> Under:
        names = dict.fromkeys(key for row in rows for key in row)
        file = write_rows(tmp_path / f"{name}.csv", rows, names)
        out = tmp_path / f"out-{name}"
        assert run(["price", str(file), "--contract", str(contract), "-o", str(out), *options]) == 0
        return Under(out)

    return price


def test_lines_months_and_units_of_admitted_care(
    priced: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = write_contract(tmp_path / "mine", LINES)
    rows = [lung("A", 4), lung("B"), lung("C"), lung("D"), lung("E"), knee("K")]
    under = priced([*rows, lung("X", provider="RJ1"), lung("Y", 3), lung("Z", age="")], contract)
    # April: one unit of one planned; May: six done and two planned, half of four at 3,000
    assert under.months("emergency", "activity") == [1, 5]
    assert under.months("emergency", "payable_pence") == [300_000, 900_000]
    line = under.line("emergency")
    assert (line["tariff"], line["plan"], line["payable"]) == (6 * PNEUMONIA, 600_000, 1_200_000)
    assert (line["one_more"], line["one_fewer"]) == (150_000, -150_000)
    knees = under.line("elective")
    assert (knees["tariff"], knees["payable"], knees["one_fewer"]) == (
        KNEE_PRICE,
        KNEE_PRICE,
        -KNEE_PRICE,
    )
    outside = {row["outside"]: row for row in under.rows if row["outside"]}
    assert outside["another provider"]["activity_month"] == "2022-05"
    assert outside["not in the dates of the contract"]["activity"] == "1"
    assert int(outside["another provider"]["tariff_pence"]) > 300_000
    assert under.section["payable"] == 1_200_000 + KNEE_PRICE
    said = capsys.readouterr().out
    assert "payable £19,393.35" in said
    assert "Outside the contract (another provider): 1 record, " in said


def test_earlier_months_count_and_nothing_counts_twice(priced: Any, tmp_path: Path) -> None:
    contract = write_contract(tmp_path / "mine", LINES)
    earlier = [lung("A", 4), lung("B", 4), lung("C")]
    history = write_rows(tmp_path / "april.csv", earlier)
    now = [lung("C"), lung("D")]
    under = priced(now, contract, "--history", str(history))
    together = priced([lung("A", 4), lung("B", 4), *now], contract, name="b")
    assert under.section["lines"] == together.section["lines"]
    assert under.line("emergency")["activity"] == 4
    assert (
        under.section["notices"][1]
        == "Left out of them, because they are in the files too: 1."
    )  # fmt: skip
    table = pq.read_table(under.folder / "contract.parquet")
    assert table.equals(pq.read_table(together.folder / "contract.parquet"))


def test_ledgers_of_datasets_add_and_none_twice(
    priced: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = write_contract(tmp_path / "mine", LINES)
    missed = {**OUTPATIENT, "attendance_id": "O2", "attended": "3"}
    clinic = priced([OUTPATIENT, missed], contract, name="op")
    assert clinic.section["datasets"] == ["attendances"]
    line = clinic.line("clinic")
    assert (line["activity"], line["records"], line["excluded"]) == (1, 2, 1)
    other = str(clinic.folder / "contract.parquet")
    both = priced([lung("A"), knee("K")], contract, "--ledger", other)
    assert both.section["datasets"] == ["attendances", "episodes"]
    assert both.line("clinic") == line
    assert both.section["payable"] == sum(item["payable"] for item in both.section["lines"])
    assert both.line("elective")["payable"] == KNEE_PRICE
    capsys.readouterr()
    spells = str(both.folder / "contract.parquet")
    file = tmp_path / "a.csv"
    again = ["price", str(file), "--contract", str(contract), "-o", str(tmp_path / "no")]
    assert run([*again, "--ledger", spells]) == 2
    assert "holds episodes, which would be counted twice" in capsys.readouterr().err
    elsewhere = write_contract(tmp_path / "other", LINES)
    assert run([*again[:3], str(elsewhere), *again[4:], "--ledger", other]) == 2
    assert "was made under contract 'mine', not this 'other'" in capsys.readouterr().err
    assert run([*again, "--ledger", str(tmp_path / "a.csv")]) == 4
    assert run([*again, "--ledger", str(tmp_path / "none")]) == 2
    assert not (tmp_path / "no").exists()


def test_money_only_lines_are_no_activity_and_quantities_are_units(
    priced: Any, tmp_path: Path
) -> None:
    contract = write_contract(tmp_path / "mine", LINES)
    rows = [
        {"line_id": "L1", "point_of_delivery": "DRUG", "tariff_code": "X", "quantity": "5",
         "unit_price": "100.00"},
        {"line_id": "L2", "point_of_delivery": "UNBPALL", "tariff_code": "SD01A", "quantity": "3",
         "unit_price": "10.00"},
    ]  # fmt: skip
    rows = [{"provider": "R1H", "start_date": "2022-06-01", **row} for row in rows]
    under = priced(rows, contract)
    assert under.line("money")["activity"] == 3
    assert under.months("money", "activity") == [0, 0, 3]


@pytest.mark.parametrize(
    ("rounding", "tariff"),
    [
        ("pence_final", 2 * PNEUMONIA),
        ("none", 726_335),  # 2 x 363,167.7231 pence, rounded once
        ("pound_final", 2 * 363_200),
        ("pound_pre_mff", 2 * PNEUMONIA),  # a whole pound before the factor
        ("pound_per_component", 2 * 363_200),
    ],
)
def test_rounding_is_that_of_the_contract(rounding: str, tariff: int, tmp_path: Path) -> None:
    head = {"rounding": rounding}
    lines = "- {id: all, title: All, form: {kind: cost_per_case}}\n"
    contract, _ = load_contract(str(write_contract(tmp_path / "mine", lines, head=head)))
    terms = terms_under(contract, Terms())
    spells = extracts.run(lung("A"), lung("B"), rules=False, terms=terms).spells
    *_, last = statement(contract, ledger_of(contract, spells, "episodes"), 12)
    assert last.payable_to_date == tariff


def test_the_local_price_that_says_most_stands_before_the_tariff(
    priced: Any, tmp_path: Path
) -> None:
    files = {"local.csv": LOCAL + "R1H,,,,HN22E,5000.00\nR1H,,110,EL,HN22E,4999.99\n,,,,WF01B,9\n"}
    lines = "- {id: all, title: All, form: {kind: cost_per_case}}\n"
    contract = write_contract(tmp_path / "mine", lines, "local_prices: local.csv\n", files)
    under = priced([lung("A"), knee("K"), knee("L", treatment_function="101")], contract)
    assert under.section["lines"][0]["payable"] == PNEUMONIA + 499_999 + 500_000
    assert under.section["lines"][0]["local"] == 2
    # an appointment that was not kept is not paid for, whatever was agreed
    rows = [OUTPATIENT, {**OUTPATIENT, "attendance_id": "O2", "attended": "3"}]
    clinic = priced(rows, contract, name="op")
    assert clinic.section["lines"][0]["payable"] == 900


def test_what_has_no_price_and_what_has_no_line_is_told(priced: Any, tmp_path: Path) -> None:
    lines = "- {id: knees, title: Knees, select: {hrgs: [HN2, ZZ]}, form: {kind: cost_per_case}}\n"
    contract = write_contract(tmp_path / "mine", lines)
    under = priced([knee("K"), knee("N", billed_hrg="ZZ99Z"), lung("A")], contract)
    line = under.line("knees")
    assert (line["activity"], line["tariff"], line["unpriced"]) == (2, KNEE_PRICE, 1)
    (outside,) = under.section["outside"]
    assert outside == {
        "reason": "no line selects it", "records": 1, "activity": 1, "tariff": PNEUMONIA,
        "billed": 0,
    }  # fmt: skip


def test_a_contract_without_a_record_says_so() -> None:
    contract, _ = load_contract("example-block")
    section = contract_section(contract, ledger_of(contract, two_spells(), "episodes"))
    assert section["notices"] == [
        "No record is of this contract: what is payable is that of its whole plan.",
        "Outside the contract (another provider): 2 records, £7,263.36.",
    ]
    assert (section["through"], section["payable"]) == ("2019-03", 300_000_000)


def test_deductions_come_off_before_the_formula(tmp_path: Path) -> None:
    lines = """\
    - {id: all, title: All, form: {kind: marginal_rate, baseline: 5000, rate: 0.5},
       phasing: annual}
    """
    for switch, withheld in (("true", PNEUMONIA), ("false", 0)):
        more = f"switches: {{readmissions: {switch}}}\n"
        contract, _ = load_contract(str(write_contract(tmp_path / switch, lines, more)))
        off = pa.array([None, PNEUMONIA])
        *_, last = statement(
            contract, ledger_of(contract, two_spells(), "episodes", deductions=off)
        )
        done = 2 * PNEUMONIA - withheld
        assert last.year_to_date.activity == 2
        assert last.payable_to_date == min(done, 500_000) + max(done - 500_000, 0) // 2
