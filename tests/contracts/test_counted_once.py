"""Under a contract nothing counts twice or in silence: copies, money without units, months."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariff.engine.contract_elsewhere import add_elsewhere
from tariff.engine.contract_ledger import ELSEWHERE, Ledger, payable
from tariff.packs.contract_model import Switches
from tariff.packs.lint_contract import national_terms
from tariff.reference import contract as oracle
from tariff.reference.other_price import OtherPrice
from tests.contracts.contracts import PER_CASE, manifest_of, random_contract, ready, write_contract
from tests.contracts.test_joined import (
    AGAIN,
    AGREED,
    EMERGENCY,
    INDEX,
    LINE,
    Rows,
    price,
    under,
)
from tests.contracts.test_price_under import LOCAL, OUTPATIENT, Under, knee, lung
from tests.differential.price_other_care import price_of
from tests.differential.price_other_care import shipped as of_oracle
from tests.e2e.command import tariff, write_rows
from tests.engine.extracts import shipped

UNITS = {**LINE, "point_of_delivery": "OTHER", "tariff_code": "AAA", "unit_price": ""}
HUNDRED = {"local.csv": LOCAL + "R1H,,,,AAA,100\n"}
PRICED = "local_prices: local.csv\n"


@pytest.mark.parametrize("row", [OUTPATIENT, EMERGENCY, LINE])
def test_a_file_is_given_once_and_a_record_counts_once(
    tmp_path: Path, row: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = write_contract(tmp_path / "mine", PER_CASE)
    key = "line_id" if "line_id" in row else "attendance_id"
    # two exact copies, a third that differs under the same key, another provider's own record
    rows = [row, row, {**row, "treatment_function": "300", "site": "R1H03"}, {**row, key: "N"}]
    rows.append({**row, "provider": "RJ1"})
    found = under(tmp_path, rows, contract)
    assert (found.line("all")["records"], found.section["outside"][0]["records"]) == (3, 1)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    counts = manifest["counts"]
    assert (counts["copies_set_aside"], counts["sharing_a_key"], counts["records"]) == (1, 1, 4)
    told = " ".join(manifest["notices"])
    assert (
        f"Exact copies of a record (provider, {key} and all else) that were set aside: 1." in told
    )
    assert f"share the provider and {key} of another, differ from it" in told
    monkeypatch.chdir(tmp_path)
    Path("copy.csv").write_bytes(Path("out.csv").read_bytes())
    for other, says in (("out.csv", "is given twice"), ("copy.csv", "are the same file")):
        said = tariff("price", "out.csv", other, "--contract", contract, "-o", tmp_path / "no")
        assert (said.code, says in said.error) == (2, True), said.stderr
        assert not (tmp_path / "no").exists()


# ---------------------------------------------------------------- readmissions elsewhere

BLOCK = "- {id: all, title: All, form: {kind: block}, plan: {activity: 12, price: 1200}}\n"


@pytest.mark.parametrize(
    ("lines", "switch", "deducted"),
    [(PER_CASE, "true", 25_000), (BLOCK, "true", 25_000), (PER_CASE, "false", 0)],
)
def test_a_readmission_elsewhere_comes_off_the_index_provider_and_is_paid_where_it_was(
    tmp_path: Path, lines: str, switch: str, deducted: int
) -> None:
    local = tmp_path / "local.yaml"
    local.write_text(AGREED, encoding="utf-8")
    more = f"switches: {{readmissions: {switch}}}\n"
    head = {"year": '"2017/18"'}
    index = write_contract(tmp_path / "index", lines, more, head={**head, "provider": "RXX"})
    treating = write_contract(tmp_path / "treating", PER_CASE, more, head=head)
    first = {**INDEX, "provider": "RXX"}
    back = {**AGAIN, "provider": "R1H", "discharge_date": "2017-05-03"}
    history = write_rows(tmp_path / "april.csv", [first], first)
    options = ("--policies", local, "--history", history, "--mff", "1")
    said = price(tmp_path, [back], index, *options)
    assert said.code == 0, said.stderr
    found = Under(tmp_path / "out")
    plain = under(tmp_path, [back], index, "--history", history, "--mff", "1", out="plain")
    through = found.section["through_month"]
    paid = sum(plain.months("all", "payable_pence")[:through])
    if lines == BLOCK:  # the readmission brings the year to date to its month
        paid = 10_000 * through
    assert found.section["payable"] == paid - deducted
    told = (
        "Readmissions at other providers that are deducted here, in the month of each: 1, £250.00"
    )
    assert (told in said.stdout) == bool(deducted)
    if deducted:
        assert found.months(ELSEWHERE, "payable_pence") == [0, -deducted]
        assert found.months(ELSEWHERE, "withheld_pence") == [0, deducted]
        # another run goes on from it, to the penny
        ledger = tmp_path / "out" / "contract.parquet"
        both = under(tmp_path, [{**LINE, "provider": "RXX"}], index, "--ledger", ledger, out="more")
        assert both.line(ELSEWHERE)["payable"] == -deducted
    said = price(tmp_path, [back], treating, *options, out="treating-out")
    assert Under(tmp_path / "treating-out").line("all")["withheld"] == 0
    assert "which are paid in full: 1, £250.00." in said.stdout


def test_what_is_deducted_is_what_the_oracle_deducts() -> None:
    seen = 0
    for seed in range(40):
        rng = Random(seed)
        manifest, plan = random_contract(rng)
        manifest = manifest_of(
            manifest.lines,
            switches=Switches(readmissions=rng.random() < 0.8),
            commissioners=manifest.commissioners,
            plan=manifest.plan,
        )
        rows: list[dict[str, Any]] = [
            {
                "provider": rng.choice(["R1H", "R2H", "R3H"]),
                "charged_to": rng.choice(["R1H", "R2H"]),
                "commissioner": rng.choice(["C1", "C2", None]),
                "day": date(2022 + (month - 1) // 12, (month - 1) % 12 + 1, 5),
                "pence": rng.randint(1, 99_999),
            }
            for month in rng.choices(range(3, 17), k=12)
        ]
        rows = [row for row in rows if row["provider"] != row["charged_to"]]
        contract, ledger = ready(manifest, plan), Ledger()
        months = [row["day"].year * 12 + row["day"].month - 1 for row in rows]
        columns = [{**row, "month": month} for row, month in zip(rows, months, strict=True)]
        add_elsewhere(contract, ledger, pa.Table.from_pylist(columns))
        for month in range(1, 14):
            without = payable(contract, Ledger(), month)
            expected = oracle.charged_elsewhere(manifest, rows, month)
            assert without - payable(contract, ledger, month) == expected
            seen += expected
    assert seen > 0


# ---------------------------------------------------------------- money, units, points of delivery


def test_money_without_units_is_in_no_unit_price_and_on_top_of_cost_and_volume(
    tmp_path: Path,
) -> None:
    form = "{kind: cost_and_volume, tolerance: 0, marginal_above: 0.5, marginal_below: 0.5}"
    lines = f"- {{id: all, title: All, plan: {{activity: 120, price: 6000}}, form: {form}}}\n"
    rows: Rows = [
        {**UNITS, "line_id": "A", "quantity": "12"},
        {**UNITS, "line_id": "B", "tariff_code": "ZZZ", "quantity": "2"},  # has no price
        {**UNITS, "line_id": "C", "point_of_delivery": "DRUG", "quantity": "0",
         "billed_total": "500.10"},
        {**UNITS, "line_id": "D", "point_of_delivery": "ADJUSTMENT", "tariff_code": "AAA",
         "quantity": "0", "billed_total": "-20.00"},
    ]  # fmt: skip
    rows = [{"billed_total": "", **row, "end_date": "2022-04-04"} for row in rows]
    files: dict[str, Any] = {"more": PRICED, "files": HUNDRED}
    volume = write_contract(tmp_path / "volume", lines, **files)
    manifest = manifest_of(ready_lines := [_line(volume)])
    found = under(tmp_path, rows, volume)
    (line,) = found.section["lines"]
    assert (line["activity"], line["tariff"], line["unit"]) == (14, 120_000 + 48_010, 10_000)
    expected = oracle.pays(
        ready_lines[0], manifest, (), national_terms(shipped().packs.packs), 1,
        Fraction(14), Fraction(line["tariff"]), Fraction(48_010),
    )  # fmt: skip
    assert line["payable"] == expected == 50_000 + 4 * 2_500 + 48_010
    assert (line["one_more"], line["one_fewer"]) == (2_500, -2_500)
    told = "Money without units in lines of cost and volume, paid beside the formula: £480.10."
    assert told in found.section["notices"]
    # what another run needs of it is in its ledger
    clinic = [{**OUTPATIENT, "attendance_date": "2022-04-05", "attended": "3"}]
    ledger = found.folder / "contract.parquet"
    more = under(tmp_path, clinic, volume, "--ledger", ledger, out="more")
    same = ("activity", "tariff", "payable", "unit", "one_more", "one_fewer")
    assert [more.line("all")[key] for key in same] == [line[key] for key in same]
    # where all is paid at its price, one fewer is one unit fewer
    case = write_contract(tmp_path / "case", PER_CASE, **files)
    (line,) = under(tmp_path, rows, case, out="case-out").section["lines"]
    assert (line["payable"], line["one_fewer"]) == (168_010, -10_000)


def _line(folder: Path) -> Any:
    from tariff.engine.contract import load_contract

    return load_contract(str(folder))[0].lines[0].line


@pytest.mark.parametrize(
    ("row", "pence", "outcome"),
    [
        ({"billed_total": "500.00"}, 50_000, "passed_through"),
        ({"billed_total": "500.00", "quantity": "0"}, 50_000, "passed_through"),
        ({"billed_price": "500.00", "billed_mff_amount": "1.00"}, 50_100, "passed_through"),
        ({"billed_total": "9.00", "quantity": "2", "unit_price": "3.50"}, 700, "passed_through"),
        ({"quantity": "2"}, None, None),
        ({"billed_total": "5.00", "point_of_delivery": "DRUGS"}, None, None),
    ],
)
def test_what_was_billed_for_a_drug_is_kept_and_a_point_of_delivery_that_is_none_is_told(
    tmp_path: Path, row: dict[str, str], pence: int | None, outcome: str | None
) -> None:
    rows = [{**UNITS, "quantity": "", "point_of_delivery": "DRUG", "tariff_code": "X", **row}]
    lines = "- {id: drugs, title: D, select: {points_of_delivery: [DRUG]}, form: CASE}\n"
    found = under(tmp_path, rows, write_contract(tmp_path / "mine", lines))
    (priced,) = pq.read_table(tmp_path / "out" / "lines.parquet").to_pylist()
    ours = {key: value or None for key, value in rows[0].items()}
    for name in ("billed_total", "billed_price", "billed_mff_amount", "unit_price"):
        ours[name] = int(Fraction(ours[name]) * 100) if ours.get(name) else None  # type: ignore[assignment]
    ours |= {"quantity": int(ours["quantity"]) if ours["quantity"] else None}  # type: ignore[dict-item]
    ours |= {"end_date": date(2022, 5, 4), "start_date": None}  # type: ignore[dict-item]
    told: OtherPrice = price_of("lines")(of_oracle()[2], ours)
    assert (priced["total_pence"], priced["outcome"]) == (pence, outcome)
    assert (told.total_pence, told.outcome) == (pence, outcome)
    assert set((priced["price_reasons"] or "").split()) == told.reasons
    unknown = row.get("point_of_delivery") == "DRUGS"
    assert ("pod_unknown" in told.reasons) == unknown
    if unknown:
        (outside,) = found.section["outside"]
        assert (outside["tariff"], outside["billed"]) == (0, 500)
        assert "DRUGS (1, £5.00 billed)" in (tmp_path / "out" / "manifest.json").read_text()
        assert (
            "Outside the contract (no line selects it): 1 record, £0.00; billed £5.00."
            in found.section["notices"]
        )
        assert found.section["records"] == 0


# ---------------------------------------------------------------- what is told


def test_missing_months_blank_commissioners_and_contracts_without_a_record(
    tmp_path: Path,
) -> None:
    contract = write_contract(tmp_path / "mine", PER_CASE, head={"commissioners": '["01A"]'})
    known = {"commissioner": "01A"}
    far = {"admission_date": "2023-03-02", "discharge_date": "2023-03-09"}
    rows = [
        lung("A", 6, **known),
        knee("B", **known, **far),
        lung("C"),
        lung("D", commissioner="X"),
    ]
    found = under(tmp_path, rows, contract)
    notices = found.section["notices"]
    assert notices[:2] == [
        "No record of April to May 2022, July 2022 to February 2023, which count as months "
        "without activity: is --history missing?",
        "1 record of March 2023 makes the year to date that of 12 months.",
    ]
    assert [item["reason"] for item in found.section["outside"]] == [
        "another commissioner",
        "no commissioner",
    ]
    said = price(tmp_path, [lung("C")], contract, out="none")
    assert "Contract mine, 2022/23 to 2023-03: no record is of it; payable £0.00" in said.stdout
    assert "what is payable is what its lines pay without activity." in said.stdout
    # a CSV is no ledger; the screen tells what the checks of the pack warn of
    bad = price(tmp_path, [lung("C")], contract, "--ledger", tmp_path / "none.csv", out="no")
    assert bad.code == 4 and "takes the contract.parquet of another run" in bad.error
    lines = "- {id: all, title: All, form: {kind: aligned_payment, fixed: 5, in_fixed: 50}}\n"
    wrong = write_contract(tmp_path / "wrong", lines)
    said = price(tmp_path, [lung("C")], wrong, out="warned")
    assert "is below the activity that is in it, 50 (PK440)" in said.stdout
