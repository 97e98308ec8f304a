"""`tariff check --contract`: what findings are worth in cash, and what was agreed to be left."""

from __future__ import annotations

import json
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from tariff.api import check as api_check
from tariff.cli.main import run as command
from tariff.engine.run import Options, Run, check
from tariff.packs.compile import Rulebook
from tariff.packs.load import PackSet
from tariff.packs.read import read_pack
from tests.contracts.contracts import write_contract
from tests.e2e.command import read_rows, write_rows
from tests.engine.extracts import (
    DZ11T,
    KNEE,
    as_csv,
    bill,
    extract_of,
    found,
    one,
    shipped,
    stay,
    table_of,
)

PNEUMONIA, KNEE_PRICE = 363_168, 739_335  # DZ11T and HN22E with the factor of R1H, 2022/23
RULES = ("DUP02", "PRC01")
PER_CASE = "- {id: all, title: All, form: {kind: cost_per_case}}\n"
# two records billed for one stay (DUP02), a price 100.00 too high (PRC01), an honest knee
ROWS = (
    stay(**DZ11T),
    stay(**DZ11T, spell_id="B"),
    stay(**bill("DZ11T", "3201.00"), spell_id="C", patient_id="P2"),
    stay(
        **bill("HN22E", "6313.00"), **KNEE, spell_id="K", patient_id="P3"
    ),
)  # fmt: skip


def rulebook(folder: Path) -> Rulebook:
    """The packs that ship, with a contract beside them that none of them looks at."""
    pack, problems = read_pack(folder)
    assert pack is not None and not problems
    out = copy(shipped())
    out.packs = PackSet((pack, *shipped().packs))
    return out


def under(folder: Path, *rows: dict[str, str], history: Any = None, **options: Any) -> Run:
    """Check rows under a contract."""
    given = Options(**{"threads": 1, "select": RULES, "contract": folder.name, **options})
    return check(
        extract_of(rows or ROWS), given, rulebook=rulebook(folder), history=history
    )  # fmt: skip


def cash(done: Run) -> dict[str, int | None]:
    return {row["rule"]: row["cash_pence"] for row in found(done)}


@pytest.fixture(scope="module")
def plain() -> Run:
    return check(extract_of(ROWS), Options(threads=1, select=RULES), rulebook=shipped())


def test_without_a_contract_there_is_no_cash(plain: Run) -> None:
    assert cash(plain) == {"DUP02": None, "PRC01": None}
    assert "contract" not in plain.manifest


def test_cost_per_case_is_cash_pound_for_pound(plain: Run, tmp_path: Path) -> None:
    done = under(write_contract(tmp_path / "percase"))
    assert [row["cash_pence"] for row in found(done)] == [
        row["settled_pence"] for row in found(plain)
    ]
    assert cash(done) == {"DUP02": PNEUMONIA, "PRC01": 11_711}
    section = done.manifest["contract"]
    assert section["cash"] == {
        "settled": PNEUMONIA + 11_711,
        "settled_outside": 0,
        "sum": PNEUMONIA + 11_711,
        "together": PNEUMONIA + 11_711,
    }
    assert section["tariff"] == section["payable"] == done.manifest["money"]["billed"]
    # nothing else of the run is changed by a contract
    assert as_csv(done.spells) == as_csv(plain.spells)
    for name in ("finding_id", "value_pence", "settled_pence", "note"):
        assert done.findings[name].equals(plain.findings[name])


def test_each_form_makes_its_own_cash_of_a_finding(tmp_path: Path) -> None:
    billed = 2 * PNEUMONIA + 374_879 + KNEE_PRICE  # 18,405.50 in May, the second month
    forms = {
        "block": ("{kind: block}, plan: {activity: 12, price: 99}", {"DUP02": 0, "PRC01": 0}),
        # a cap 4,000.00 below what was billed: less the duplicate it is still passed
        "cap": (
            f"{{kind: cap_and_collar, cap: {(billed - 400_000) * 6 / 100:.2f}}}",
            {"DUP02": 0, "PRC01": 0},
        ),
        "cap-nearer": (
            f"{{kind: cap_and_collar, cap: {(billed - 363_000) * 6 / 100:.2f}}}",
            {"DUP02": 168, "PRC01": 0},
        ),
        "marginal": (
            "{kind: marginal_rate, baseline: 0, rate: 0.3}",
            {"DUP02": 108_950, "PRC01": 3_513},
        ),
        "blended": (
            "{kind: blended_2019, model: B, share: 0.2}, plan: {activity: 1, price: 1}",
            {"DUP02": 72_634, "PRC01": 2_342},
        ),
        # a unit, of which each planned costs 1,000.00, at half; a price alone moves nothing
        "volume": (
            "{kind: cost_and_volume, tolerance: 0, marginal_above: 0.5, marginal_below: 0.5}, "
            "plan: {activity: 12, price: 12000}",
            {"DUP02": 50_000, "PRC01": 0},
        ),
    }  # fmt: skip
    for name, (form, expected) in forms.items():
        done = under(write_contract(tmp_path / name, f"- {{id: all, title: All, form: {form}}}\n"))
        told = cash(done)
        assert told.keys() == expected.keys()
        for rule, pence in expected.items():
            assert abs((told[rule] or 0) - pence) <= 1, (name, rule, told)


def test_what_all_findings_change_together_is_not_their_sum(tmp_path: Path) -> None:
    billed = 2 * PNEUMONIA + 374_879 + KNEE_PRICE
    form = f"{{kind: cap_and_collar, cap: {(billed - 363_000) * 6 / 100:.2f}}}"
    done = under(write_contract(tmp_path / "joint", f"- {{id: all, title: All, form: {form}}}\n"))
    told = done.manifest["contract"]["cash"]
    assert told["sum"] == 168
    assert told["together"] == 168 + 11_711
    from tariff.report.figures import money

    assert money(done).cash == told["together"]


def test_a_merged_stay_leaves_one_unit_on_the_line_of_the_first(tmp_path: Path) -> None:
    """Two stays a day apart: one unit and the money between them and the merged one go."""
    again = {"admission_date": "2022-05-10", "discharge_date": "2022-05-20", "spell_id": "B"}
    rows = (stay(**DZ11T), stay(**DZ11T, **again))
    lines = (
        "- {id: emergency, title: E, select: {points_of_delivery: [NEL, NELST]}, "
        "plan: {activity: 12, price: 120000}, form: {kind: cost_and_volume, tolerance: 0, "
        "marginal_above: 0.5, marginal_below: 0.5}}\n"
    )
    done = under(write_contract(tmp_path / "merged", lines), *rows, select=("SPL03",))
    finding = one(done, "SPL03")
    assert finding["settled_pence"] == PNEUMONIA  # one stay of 17 days, within the trim point
    assert finding["cash_pence"] == 500_000  # half the planned price of one unit


def test_a_finding_outside_the_contract_has_no_cash(tmp_path: Path) -> None:
    lines = "- {id: knees, title: K, select: {hrgs: [HN]}, form: {kind: cost_per_case}}\n"
    done = under(write_contract(tmp_path / "knees", lines))
    assert cash(done) == {"DUP02": None, "PRC01": None}
    told = done.manifest["contract"]["cash"]
    assert (told["together"], told["settled_outside"]) == (0, told["settled"])
    assert (
        "Outside the contract (no line selects it): 3 records, £11,012.15."
        in (done.manifest["notices"])
    )


def test_earlier_months_count_and_are_not_challenged(tmp_path: Path) -> None:
    """Above the baseline because of April: the finding of May is worth the marginal rate."""
    lines = (
        "- {id: all, title: All, phasing: annual, "
        "form: {kind: marginal_rate, baseline: 18000, rate: 0.3}}\n"
    )
    folder = write_contract(tmp_path / "history", lines)
    april = {"admission_date": "2022-04-03", "discharge_date": "2022-04-10"}
    earlier = [stay(**DZ11T, **april, spell_id=f"H{i}", patient_id=f"H{i // 2}") for i in range(4)]
    alone = under(folder, ROWS[0], ROWS[1])
    assert cash(alone) == {"DUP02": PNEUMONIA}
    done = under(folder, ROWS[0], ROWS[1], history=extract_of([*earlier, ROWS[0]]))
    assert cash(done) == {"DUP02": 108_950}
    section = done.manifest["contract"]
    assert section["activity"] == 6
    assert section["notices"][0] == "Spells of earlier months that count in the year to date: 4."
    left_out = (
        "Rows of the history that the spells hold too, of the same month, and that were left "
    )
    assert f"{left_out}out: 1." in done.manifest["notices"]
    assert done.manifest["counts"]["spells"] == 2


WAIVERS = """\
agreed_waivers:
  - {rule: PRC01, points_of_delivery: [NEL], hrgs: [DZ], reason: A local variation.,
     agreed_by: The finance leads, expires: "%s"}
  - {rule: DUP02, hrgs: [HN], reason: Two knees., agreed_by: The clinical leads,
     expires: 2023-03-31}
"""


def test_an_agreed_waiver_keeps_the_finding_and_takes_its_value(tmp_path: Path) -> None:
    more = (WAIVERS % "2022-05-10").replace('"', "")
    done = under(write_contract(tmp_path / "waived", PER_CASE, more))
    finding = one(done, "PRC01")
    assert [finding[f"{what}_pence"] for what in ("value", "settled", "cash")] == [0, 0, 0]
    assert finding["note"] == (
        "Agreed in contract waived until 2022-05-10 by The finance leads: A local variation."
    )
    assert cash(done) == {"DUP02": PNEUMONIA, "PRC01": 0}
    first, second = done.manifest["contract"]["waivers"]
    assert (first["findings"], first["value"], second["findings"]) == (1, 11_711, 0)
    assert (
        "The agreed waiver of DUP02 (The clinical leads) was not used."
        in (done.manifest["notices"])
    )
    money = done.manifest["money"]
    assert money["billed"] - money["settled"] == money["allowed"]


def test_a_waiver_that_has_ended_takes_nothing_and_is_told(tmp_path: Path) -> None:
    more = (WAIVERS % "2022-05-09").replace('"', "")
    done = under(write_contract(tmp_path / "ended", PER_CASE, more))
    assert one(done, "PRC01")["cash_pence"] == 11_711
    assert (
        "The agreed waiver of PRC01 (The finance leads) ended on 2022-05-09; findings after it, "
        "which stand: 1." in done.manifest["notices"]
    )


@pytest.mark.parametrize(
    ("more", "files", "note"),
    [
        ("tolerance: 117.11\n", {}, "Within the tolerance of contract mine."),
        (
            "local_prices: local.csv\n",
            {
                "local.csv": "provider,commissioner,treatment_function,point_of_delivery,"
                "tariff_code,price\n,,300,,DZ11T,3748.00\n"
            },
            "Billed at the local price of contract mine.",
        ),
    ],
)
def test_what_is_as_agreed_is_not_claimed(
    more: str, files: dict[str, str], note: str, tmp_path: Path
) -> None:
    done = under(write_contract(tmp_path / "mine", PER_CASE, more, files))
    finding = one(done, "PRC01")
    assert (finding["settled_pence"], finding["cash_pence"], finding["note"]) == (0, 0, note)


def test_the_command_and_python_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        "agreed_waivers: [{rule: SPL07, reason: As it is., agreed_by: Both, expires: 2023-03-31}]"
    )
    folder = write_contract(tmp_path / "mine", PER_CASE, f"{more}\n")
    names = dict.fromkeys(key for row in ROWS for key in row)
    extract = write_rows(tmp_path / "may.csv", ROWS, names)
    out, select = tmp_path / "out", ("--select", ",".join(RULES))
    assert command(["check", str(extract), "--contract", str(folder), "-o", str(out), *select]) == 0
    assert "payable to date" in capsys.readouterr().out
    rows = {row["rule"]: row["cash_pence"] for row in read_rows(out / "findings.csv")}
    assert rows == {"DUP02": str(PNEUMONIA), "PRC01": "11711"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["options"]["contract"] == "mine"
    assert "mine" in {pack["id"] for pack in manifest["packs"]}
    page = " ".join((out / "report.html").read_text().split())
    assert "Under the contract that was given, £3,748.79 of it is cash." in page
    assert "<strong>£18,405.50</strong> is payable for £18,405.50 at the price billed" in page
    assert "SPL07, until 31 March 2023, by Both: As it is. 0 findings, £0.00." in page
    same = api_check(table_of(ROWS), contract=folder, select=RULES)
    assert {row["rule"]: str(row["cash_pence"]) for row in found(same)} == rows
