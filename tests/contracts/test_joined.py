"""A contract and what else decides a price: its switches, rounding, readmissions, exclusions."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from tariff.engine.contract import load_contract, terms_under
from tariff.engine.contract_forms import half_up
from tariff.engine.contract_units import ledger_of, top_ups_also_on
from tariff.engine.price import Terms
from tests.contracts.contracts import PER_CASE, write_contract
from tests.contracts.test_price_under import LOCAL, OUTPATIENT, Under, knee, lung
from tests.e2e.command import Result, tariff, write_rows
from tests.engine import extracts
from tests.engine.policies import after, spell
from tests.packs.test_import_tables import plan, planned

Rows = list[dict[str, str]]


def price(folder: Path, rows: Rows, contract: Path, *options: object, out: str = "out") -> Result:
    """Run the command on rows."""
    file = write_rows(
        folder / f"{out}.csv", rows, dict.fromkeys(key for row in rows for key in row)
    )
    return tariff("price", file, "--contract", contract, "-o", folder / out, *options)


def under(folder: Path, rows: Rows, contract: Path, *options: object, out: str = "out") -> Under:
    """What the command left, where it was happy."""
    said = price(folder, rows, contract, *options, out=out)
    assert said.code == 0, said.stderr
    return Under(folder / out)


# ---------------------------------------------------------------- terms of the price

# 27 days, ready for discharge after 22: the trim point is 17, a day is 270.00
LATE = {"discharge_date": "2022-05-30", "ready_for_discharge_date": "2022-05-25"}


@pytest.mark.parametrize(("switch", "pounds"), [("true", 3101 + 5 * 270), ("false", 3101 + 2700)])
def test_delayed_discharge_of_a_contract_reaches_every_price(
    tmp_path: Path, switch: str, pounds: int
) -> None:
    more = f"switches: {{delayed_discharge: {switch}}}\n"
    contract = write_contract(tmp_path / "mine", PER_CASE, more)
    early = {"admission_date": "2022-04-03", "discharge_date": "2022-04-30",
             "ready_for_discharge_date": "2022-04-25"}  # fmt: skip
    history = write_rows(tmp_path / "april.csv", [{**lung("H"), **early}], {**lung("H"), **LATE})
    found = under(tmp_path, [{**lung("A"), **LATE}], contract, "--history", history)
    each = half_up(Fraction(pounds * 100) * Fraction("1.171131"))
    assert found.months("all", "tariff_pence") == [each, each]
    (row,) = pq.read_table(found.folder / "spells.parquet").to_pylist()
    assert row["total_pence"] == each
    # a check under the contract prices on the same terms
    done = extracts.run(
        {**lung("A"), **LATE}, contract=str(contract), rulebook=extracts.rulebook_with(contract)
    )
    assert done.spells["total_pence"].to_pylist() == [each]
    assert done.manifest["options"]["delayed_discharge"] == (switch == "true")


@pytest.mark.parametrize("policy", ["pound_final", "pound_pre_mff", "pound_per_component"])
def test_the_ledger_holds_what_the_spells_show(tmp_path: Path, policy: str) -> None:
    contract = write_contract(tmp_path / "mine", PER_CASE, head={"rounding": policy})
    found = under(tmp_path, [lung("A"), knee("K"), {**lung("B"), **LATE}], contract)
    spells = pq.read_table(found.folder / "spells.parquet")
    assert sum(spells["total_pence"].to_pylist()) == found.line("all")["tariff"]
    asked = extracts.run(lung("A"), knee("K"), {**lung("B"), **LATE}, rules=False,
                         terms=Terms(rounding=policy)).spells  # fmt: skip
    assert spells["total_pence"].to_pylist() == asked["total_pence"].to_pylist()
    assert price(tmp_path, [lung("A")], contract, "--rounding", policy, out="same").code == 0


def test_what_is_asked_for_must_be_what_the_contract_says(tmp_path: Path) -> None:
    contract = write_contract(tmp_path / "mine", PER_CASE)
    for option, says in (
        (["--rounding", "pound_final"], "--rounding pound_final is not that of contract 'mine'"),
        (["--delayed-discharge"], "contract 'mine' does not take delayed days off"),
    ):
        for command in ("price", "check"):
            file = write_rows(tmp_path / "x.csv", [lung("A")], lung("A"))
            words = (command, file, "--contract", contract, "-o", tmp_path / "no", *option)
            said = tariff(*words)
            assert (said.code, says in said.error) == (2, True), said.stderr
    assert not (tmp_path / "no").exists()


def test_a_top_up_counts_to_the_last_digit(tmp_path: Path) -> None:
    """3,101.00 x 7.54% = 233.8154, which the column shows as 233.82 and the total does not."""
    head = {"provider": "RET", "rounding": "none"}
    contract, packs = load_contract(str(write_contract(tmp_path / "mine", PER_CASE, head=head)))
    row = lung("A", provider="RET", specialised_services="NCBPS08O")
    spells = extracts.run(row, rules=False, terms=terms_under(contract, Terms())).spells
    (one,) = spells.to_pylist()
    assert (one["top_up_pence"], one["top_up_rate"]) == (23382, "7.54")
    exact = (310100 + Fraction("23381.54")) * Fraction(one["mff"])
    assert one["total_pence"] == half_up(exact)
    also_on = top_ups_also_on(packs)
    assert set(also_on) >= {"ntps-2022-23"}
    (cell,) = ledger_of(contract, spells, "episodes", also_on=also_on).lines.values()
    assert Fraction(cell.money, 10**9) == Fraction(half_up(exact * 10**9), 10**9)
    # where a list takes it on the long stay too, that counts
    late = extracts.run({**row, **LATE}, rules=False).spells
    (cell,) = ledger_of(
        contract, late, "episodes", also_on={"ntps-2022-23": ("long_stay",)}
    ).lines.values()
    wider = (580100 + Fraction(580100) * Fraction("0.0754")) * Fraction(one["mff"])
    assert cell.money == half_up(wider * 10**9)


# ---------------------------------------------------------------- readmissions

INDEX = spell("A", "2017-04-10", nights=4)
AGAIN = after(INDEX, 5, "B")  # discharged on 16 April
FIRST = spell("C", "2017-05-02", nights=4, patient_id="P2")
BACK = after(FIRST, 5, "D", patient_id="P2")  # in May
AGREED = """amount: billed
readmissions:
  terms:
    - {provider: R1H, year: 2017/18, avoidable_share: 0.25}
    - {provider: RXX, year: 2017/18, avoidable_share: 0.25}
"""
OVER = """\
- {id: all, title: All, form: {kind: marginal_rate, baseline: 1000, rate: 0.5}, phasing: annual}
"""


@pytest.fixture
def agreed(tmp_path: Path) -> Path:
    (tmp_path / "local.yaml").write_text(AGREED, encoding="utf-8")
    return tmp_path / "local.yaml"


@pytest.mark.parametrize(("switch", "each"), [("true", 25_000), ("false", 0)])
def test_what_is_withheld_comes_off_before_the_formula_in_earlier_months_too(
    tmp_path: Path, agreed: Path, switch: str, each: int
) -> None:
    more = f"switches: {{readmissions: {switch}}}\n"
    contract = write_contract(tmp_path / "mine", OVER, more, head={"year": '"2017/18"'})
    history = write_rows(tmp_path / "april.csv", [INDEX, AGAIN, FIRST], INDEX)
    options = ("--policies", agreed, "--history", history, "--mff", "1")
    found = under(tmp_path, [FIRST, BACK], contract, *options)
    assert found.months("all", "withheld_pence") == [each, each]
    tariffs = found.months("all", "tariff_pence")
    done = [sum(tariffs[: n + 1]) - each * (n + 1) for n in range(2)]
    to_date = [money - max(money - 100_000, 0) // 2 for money in done]
    paid = found.months("all", "payable_pence")
    assert [paid[0], sum(paid)] == found.months("all", "ytd_payable_pence")
    assert abs(paid[0] - to_date[0]) <= 1 and abs(sum(paid) - to_date[1]) <= 1
    assert found.line("all")["withheld"] == 2 * each
    # all in one file comes to the same
    together = under(tmp_path, [INDEX, AGAIN, FIRST, BACK], contract, "--policies", agreed,
                     "--mff", "1", out="whole")  # fmt: skip
    assert together.rows == found.rows


def test_what_another_provider_is_charged_is_told_and_not_taken_off(
    tmp_path: Path, agreed: Path
) -> None:
    contract = write_contract(tmp_path / "mine", PER_CASE, head={"year": '"2017/18"'})
    elsewhere = {**INDEX, "provider": "RXX"}
    rows = [elsewhere, {**AGAIN, "provider": "R1H"}]
    said = price(tmp_path, rows, contract, "--policies", agreed, "--mff", "1")
    assert said.code == 0, said.stderr
    assert (
        "Readmissions charged to another provider than the one that treated, and not taken off its "
        "spells: 1, £250.00." in said.stdout
    )
    found = Under(tmp_path / "out")
    assert (found.line("all")["withheld"], found.line("all")["activity"]) == (0, 1)
    policies = json.loads((tmp_path / "out" / "manifest.json").read_text())["policies"]
    assert policies["readmissions"]["withheld"] == 25_000


# ---------------------------------------------------------------- exclusions and what selects


def test_an_excluded_spell_is_at_its_local_price_or_told(tmp_path: Path) -> None:
    rows = [lung("A"), lung("B", treatment_function="710"), lung("C", treatment_function="711")]
    rows.append(lung("D", provider="RJ1", treatment_function="710"))
    files = {"local.csv": LOCAL + "R1H,,710,,,1234.56\n"}
    contract = write_contract(tmp_path / "mine", PER_CASE, "local_prices: local.csv\n", files)
    found = under(tmp_path, rows, contract)
    line = found.line("all")
    assert (line["activity"], line["records"], line["local"]) == (2, 3, 1)
    assert (line["excluded"], line["unpriced"]) == (1, 0)
    assert line["tariff"] == 363_168 + 123_456
    assert (
        "Records of the contract that are excluded without a local price, or not due: nothing is "
        "paid for them, and they are no activity: 1." in found.section["notices"]
    )
    (outside,) = found.section["outside"]
    assert (outside["records"], outside["activity"], outside["tariff"]) == (1, 0, 0)


EMERGENCY = {
    "provider": "R1H", "attendance_id": "E1", "arrival_date": "2022-05-04",
    "department_type": "01", "billed_hrg": "VB09Z", "site": "R1H02",
}  # fmt: skip
LINE = {
    "provider": "R1H", "line_id": "L1", "point_of_delivery": "UNBPALL", "tariff_code": "SD01A",
    "quantity": "3", "unit_price": "10.00", "start_date": "", "end_date": "2022-05-04",
    "site": "R1H02", "treatment_function": "315",
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "select"),
    [
        (OUTPATIENT | {"site": "R1H02"}, "{sites: [R1H02], treatment_functions: ['110']}"),
        (EMERGENCY, "{sites: [R1H02]}"),
        (LINE, "{sites: [R1H02], treatment_functions: ['315']}"),
    ],
)
def test_lines_select_other_care_by_site_treatment_function_and_commissioner(
    tmp_path: Path, row: dict[str, str], select: str
) -> None:
    lines = f"- {{id: here, title: Here, select: {select}, form: CASE}}\n"
    head = {"commissioners": '["01A"]'}
    contract = write_contract(tmp_path / "mine", lines, head=head)
    key = next(name for name in row if name.endswith("_id"))
    rows = [
        {**row, "commissioner": "01A"},
        {**row, key: "2", "commissioner": "01A", "site": "R1H03"},
        {**row, key: "3", "commissioner": "02B"},
    ]
    found = under(tmp_path, rows, contract)
    assert found.line("here")["records"] == 1
    assert found.months("here", "records") == [0, 1]
    told = {item["reason"]: item["records"] for item in found.section["outside"]}
    assert told == {"no line selects it": 1, "another commissioner": 1}


def test_a_record_without_a_day_is_of_its_activity_month(tmp_path: Path) -> None:
    contract = write_contract(tmp_path / "mine", PER_CASE)
    row = {**OUTPATIENT, "attendance_date": "", "activity_month": "2022-06"}
    found = under(tmp_path, [row], contract, "--year", "2022/23")
    assert found.months("all", "records") == [0, 0, 1]


# ---------------------------------------------------------------- a plan that was imported


def test_prices_against_a_plan_that_was_imported(tmp_path: Path) -> None:
    given: dict[str, Any] = {"year": 202223, "mff": 0, "commissioner": "93C"}
    rows = [planned(month=month, activity=2, price="6,000", **given) for month in (1, 2)]
    code, _, err = plan(tmp_path, rows)
    assert code == 0, err
    made = tmp_path / "made" / "pack.yaml"
    draft = yaml.safe_load(made.read_text(encoding="utf-8"))
    (line,) = draft["lines"]
    assert line["form"] == {"kind": "cost_per_case"} and line["phasing"] == "plan"
    line["form"] = {"kind": "cost_and_volume", "tolerance": 0, "marginal_above": 0.5,
                    "marginal_below": 0.5}  # fmt: skip
    made.write_text(yaml.safe_dump(draft), encoding="utf-8")
    spells = [lung(n, month, commissioner="93C") for n, month in (("A", 4), ("B", 5), ("C", 5))]
    found = under(tmp_path, [*spells, lung("D", commissioner="93C")], tmp_path / "made")
    assert found.months("nel", "plan_pence") == [600_000, 600_000]
    # a unit is planned at 3,000: one under in April, one over in May; half of it counts
    assert found.months("nel", "payable_pence") == [450_000, 750_000]
    assert Decimal(found.rows[1]["ytd_plan_activity"]) == 4
