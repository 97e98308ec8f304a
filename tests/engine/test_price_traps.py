"""The fifteen traps of the national tariff, one test each, through the engine.

Figures are counted from the packs that ship; the counts are those of the pricing reference.
"""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

from tariff.engine.contract import load_contract
from tariff.engine.contract_ledger import statement
from tariff.engine.contract_units import ledger_of, money_only
from tariff.engine.price_other_care import price_records
from tariff.extract import from_arrow, open_extract
from tariff.packs.editions import parsed
from tariff.packs.load import PackSet, load_packs
from tests.contracts.contracts import write_contract
from tests.engine.extracts import Row, bill, found, reasons, run, shipped, spell, stay, table_of
from tests.engine.priced import NULL, SETTINGS, YEARS, figures, listed, number, spells
from tests.engine.test_editions import edition_with, rulebook_of

EMERGENCY = ("21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D")
NEVER_REDUCED = ("31", "32", "81", "82", "83")


def every(year: str, setting: str, **more: Any) -> tuple[list[str], Any]:
    """Every HRG of a year, priced in a setting."""
    hrgs = list(listed(year))
    return hrgs, spells(year, {"billed_hrg": hrgs, **SETTINGS[setting], **more})


def attendances(*rows: Row) -> list[dict[str, Any]]:
    """Attendances of general surgery in 2022/23 at a factor of Barts, as the engine prices them."""
    usual = {
        "provider": "R1H", "attendance_date": "2022-06-01", "age": "40", "attended": "5",
        "first_attendance": "1", "treatment_function": "100", "main_specialty": "100",
        "billed_hrg": "WF01B",
    }  # fmt: skip
    numbered = [{**usual, "attendance_id": f"{n:03}", **row} for n, row in enumerate(rows)]
    extract = from_arrow(table_of(numbered), dataset="attendances")
    result: list[dict[str, Any]] = price_records(extract, rulebook=shipped()).table.to_pylist()
    return result


def test_trap_01_the_trim_day_itself_is_not_paid() -> None:
    """EB03A in 2017/18: trim point 57, 229 a day, so 57 days cost what one does (PV01 to PV03)."""
    stays = [20, 57, 58, 59]
    table = spells("2017/18", {"billed_hrg": ["EB03A"] * 4, "days": stays, "age": 5})
    assert number(table, "excess_days").tolist() == [0, 0, 1, 2]
    assert number(table, "total_pence").tolist() == [555600, 555600, 578500, 601400]


UNPRICED = 2  # of 715 in 2022/23: RD97Z and RN97Z print trim points and are local in a bed


@pytest.mark.parametrize(
    ("year", "longer", "equal"),
    [("2016/17", 81, 565), ("2017/18", 138, 905), ("2022/23", 196, 715 - UNPRICED)],
)
def test_trap_02_the_elective_trim_point_may_be_the_longer(
    year: str, longer: int, equal: int
) -> None:
    (hrgs, elective), (_, non_elective) = (every(year, s, days=2) for s in ("EL", "NE"))
    trims = [number(table, "trim_days") for table in (elective, non_elective)]
    priced = (trims[0] != NULL) & (trims[1] != NULL)
    assert int(((trims[0] > trims[1]) & priced).sum()) == longer
    assert int(((trims[0] == trims[1]) & priced).sum()) == equal
    if year == "2022/23":  # 216 against 81 days, 266 a day
        assert (trims[0][hrgs.index("AA23C")], trims[1][hrgs.index("AA23C")]) == (216, 81)
        stays = {"billed_hrg": ["AA23C"] * 2, "days": 100, "admission_method": ["11", "21"]}
        paid = number(spells(year, stays), "long_stay_pence").tolist()
        assert paid == [0, 19 * 26600]


@pytest.mark.parametrize("year", YEARS)
def test_trap_03_elective_and_non_elective_days_have_one_rate(year: str) -> None:
    (hrgs, elective), (_, non_elective) = (every(year, s, days=400) for s in ("EL", "NE"))
    rate = figures(year, "per_day", hrgs)
    both = np.ones(len(hrgs), bool)
    for table, trim in ((elective, "elective_trim"), (non_elective, "non_elective_trim")):
        paid, excess = number(table, "long_stay_pence"), number(table, "excess_days")
        fits = (excess > 0) & (rate != NULL)
        assert (excess[fits] == 400 - figures(year, trim, hrgs)[fits]).all()
        assert (paid[fits] == excess[fits] * rate[fits] * 100).all()
        both &= fits
    assert both.sum() > 1000
    assert (
        number(elective, "excess_days")[both] != number(non_elective, "excess_days")[both]
    ).any()


@pytest.mark.parametrize(
    ("year", "dearer", "cheaper"),
    [("2017/18", 21, 0), ("2018/19", 21, 0), ("2022/23", 0, 0), ("2024/25", 0, 2)],
)
def test_trap_04_a_day_case_may_be_dearer_or_cheaper_than_a_night(
    year: str, dearer: int, cheaper: int
) -> None:
    """GA10K in 2017/18: 1,909 and 1,726; cataracts in 2024/25: 927 and 1,063."""
    (hrgs, day_case), (_, elective) = (every(year, setting) for setting in ("DC", "EL"))
    day, night = (number(table, "list_pence") for table in (day_case, elective))
    priced = (day != NULL) & (night != NULL)
    assert (int((day > night)[priced].sum()), int((day < night)[priced].sum())) == (dearer, cheaper)
    of = {hrg: (day[place] // 100, night[place] // 100) for place, hrg in enumerate(hrgs)}
    if year == "2017/18":
        assert of["GA10K"] == (1909, 1726)
    if year == "2024/25":
        assert of["BZ34A"] == of["BZ34B"] == (927, 1063)


@pytest.mark.parametrize("year", YEARS)
def test_trap_05_nobody_under_19_has_the_reduced_short_stay(year: str) -> None:
    hrgs = [hrg for hrg, row in listed(year).items() if row["short_stay"] == "yes"]
    ages = [0, 1, 17, 18, 19, 84]
    given = {"billed_hrg": hrgs * len(ages), "age": np.repeat(ages, len(hrgs)), "days": 1}
    table = spells(year, given)
    reduced = number(table, "short_stay_eligible").reshape(len(ages), -1) == 1
    assert not reduced[:4].any()
    assert reduced[4:].all()
    price = (number(table, "base_pence") + number(table, "short_stay_pence"))[-len(hrgs) :]
    assert (price == figures(year, "short_stay_price", hrgs) * 100).sum() > 300


@pytest.mark.parametrize("year", YEARS)
def test_trap_06_maternity_births_and_transfers_are_never_reduced(year: str) -> None:
    hrgs = [hrg for hrg, row in listed(year).items() if row["short_stay"] == "yes"]
    methods = [*NEVER_REDUCED, *EMERGENCY]
    given = {"billed_hrg": hrgs * len(methods), "admission_method": np.repeat(methods, len(hrgs))}
    table = spells(year, given)
    reduced = (number(table, "short_stay_eligible") == 1).reshape(len(methods), -1)
    assert not reduced[: len(NEVER_REDUCED)].any()
    assert reduced[len(NEVER_REDUCED) :].all()
    pods = np.array(table["point_of_delivery"].to_pylist()).reshape(len(methods), -1)
    assert set(pods[: len(NEVER_REDUCED)].flat) == {"NELNE"}


@pytest.mark.parametrize(
    ("classification", "pod"), [("1", "EL"), ("2", "DC"), ("3", "RADAY"), ("4", "RANIGHT")]
)
def test_trap_07_a_regular_attender_is_no_ordinary_elective(classification: str, pod: str) -> None:
    hrgs = list(listed("2022/23"))
    given = {"admission_method": "11", "patient_classification": classification}
    table = spells("2022/23", {"billed_hrg": hrgs, **given})
    assert set(table["point_of_delivery"].to_pylist()) == {pod}
    priced = number(table, "total_pence") != NULL
    assert priced.any() == (classification in "12")
    if classification in "34":
        assert set(table["price_reasons"].to_pylist()) == {"no_national_price"}


def test_trap_08_classification_and_not_intended_management_sets_the_price() -> None:
    """CA60A in 2018/19: a day case costs 1,090, a night 982, whatever was meant."""
    meant = ["1", "2", "3", "4", "5", "8", "9", None] * 2
    given = {
        "billed_hrg": ["CA60A"] * 16,
        "admission_method": "11",
        "patient_classification": ["2"] * 8 + ["1"] * 8,
        "days": [0] * 8 + [1] * 8,
        "intended_management": meant,
    }
    assert number(spells("2018/19", given), "total_pence").tolist() == [109000] * 8 + [98200] * 8


def test_trap_09_the_factor_multiplies_the_long_stay_too() -> None:
    """PV58: AA23C, 200 days at Cambridge, (10,012 + 119 x 266) x 1.088152."""
    given = {"billed_hrg": ["AA23C"], "days": 200, "provider": "RGT"}
    (record,) = spells("2022/23", given, mff=None).to_pylist()
    assert (record["base_pence"], record["long_stay_pence"]) == (1001200, 119 * 26600)
    assert str(record["mff"]) == "1.088152000"
    assert record["total_pence"] == 4533894
    assert record["total_pence"] > 1001200 * 1.088152 + 119 * 26600 + 200000


def test_trap_10_monitoring_files_carry_the_factor_as_money(tmp_path: Path) -> None:
    """Price and money add up to what is billed, and imply the factor; money is never a factor."""
    billed = bill("DZ11T", "3101.00")
    money = {"billed_hrg": "DZ11T", "billed_price": "3101.00", "billed_mff_amount": "530.68"}
    wrong = {**money, "billed_mff_amount": "600.00"}
    for values, total in ((billed, 363168), (money, 363168), (wrong, 370100)):
        done = run(stay(**values))
        record = spell(done)
        assert (record["billed_pence"], record["total_pence"]) == (total, 363168)
        assert len(found(done, "PRC02")) == (values is wrong)
    path = tmp_path / "plcm.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [stay(**{**money, "billed_mff": "530.68"}), stay(spell_id="B", **billed)]
        writer = csv.DictWriter(file, ["provider", "spell_id", "billed_price", "billed_mff"])
        writer.writeheader()
        writer.writerows([{name: row[name] for name in writer.fieldnames} for row in rows])
    extract = open_extract([path], max_bad_rows=1)
    assert sum(batch.num_rows for batch in extract.batches()) == 1
    (reject,) = extract.rejects.to_pylist()
    assert "map money to billed_mff_amount" in reject["reason"]


UPLIFTS = {
    "DZ": 0.25, "LA": 0.26, "EB": 0.36, "FZ": 0.76, "AA": 0.95, "HN": 1.14, "HT": 1.26,
    "HE": 1.92, "YA": 3.6,
}  # fmt: skip


def test_trap_11_prices_rise_by_subchapter_and_never_by_one_factor() -> None:
    """Medians of 2017/18 to 2018/19: negligence costs are spread by subchapter."""
    of_year = []
    for year in ("2017/18", "2018/19"):
        hrgs, table = every(year, "NE", days=2)
        of_year.append(dict(zip(hrgs, number(table, "list_pence").tolist(), strict=True)))
    old, new = of_year
    rises: dict[str, list[float]] = {}
    for hrg in old.keys() & new.keys():
        if old[hrg] > 0 and new[hrg] > 0:
            rises.setdefault(hrg[:2], []).append(new[hrg] / old[hrg] * 100 - 100)
    for subchapter, percent in UPLIFTS.items():
        assert median(rises[subchapter]) == pytest.approx(percent, abs=0.05), subchapter
    medians = [median(found) for found in rises.values() if len(found) >= 5]
    assert max(medians) - min(medians) > 3


def test_trap_12_one_year_has_two_editions() -> None:
    """2025/26: 7,222 after the pay award, another figure in the list of April."""
    held = load_packs()
    april = edition_with(held, "nhsps-2025-26-msk", "april", "april", {"HN22E": "7175"})
    packs = PackSet((april, *held))
    totals: dict[str, Any] = {}
    for asked in ("april", "pay award", "april"):
        rulebook = rulebook_of(packs, parsed([f"2025/26={asked}"]))
        given = {"billed_hrg": ["HN22E"], **SETTINGS["EL"], "days": 3}
        (record,) = spells("2025/26", given, rulebook=rulebook).to_pylist()
        told = (record["tariff"], record["total_pence"])
        assert totals.setdefault(asked, told) == told
    assert totals == {
        "april": ("april", 717500), "pay award": ("nhsps-2025-26-msk", 722200),
    }  # fmt: skip


ABOVE = {"LB14Z", "LB72A", "MA10Z", "MA31Z", "MA32Z"}


@pytest.mark.parametrize(("year", "above"), [("2017/18", ABOVE), ("2022/23", set())])
def test_trap_13_an_outpatient_procedure_may_cost_more_than_the_day_case(
    year: str, above: set[str]
) -> None:
    """Best practice: 2017/18 pays five procedures more in clinic than in a bed, 2022/23 none."""
    hrgs, table = every(year, "DC")
    day_case = dict(zip(hrgs, number(table, "list_pence").tolist(), strict=True))
    with_price = [hrg for hrg in hrgs if listed(year)[hrg]["outpatient_procedure"]]
    rows = [{"billed_hrg": hrg, "attendance_date": f"{year[:4]}-06-01"} for hrg in with_price]
    clinic = {row["priced_hrg"]: row for row in attendances(*rows)}
    assert len(clinic) == len(with_price) > 230
    dearer = {hrg for hrg in with_price if clinic[hrg]["base_pence"] > day_case[hrg] != NULL}
    assert dearer == above


def test_trap_14_the_mark_of_local_activity_may_be_first_or_last() -> None:
    """Sources differ; either counts, and which it was is kept. In the middle it is no mark."""
    serials = ["=AB12", "AB12=", "A=12", "AB12", "="]
    rows = [
        stay(spell_id=f"S{n}", billed_hrg="DZ11T", commissioning_serial_number=serial)
        for n, serial in enumerate(serials)
    ]
    done = run(*rows, rules=False)
    records = [spell(done, f"S{n}") for n in range(5)]
    assert [record["exclusion"] for record in records] == [2, 2, 0, 0, 2]
    assert [record["total_pence"] for record in records] == [None, None, 363168, 363168, None]
    assert "excluded" in reasons(records[0])
    excluded = done.manifest["excluded"]
    assert (excluded["episodes_marked_first"], excluded["episodes_marked_last"]) == (2, 2)
    clinic = attendances(*({"commissioning_serial_number": serial} for serial in serials))
    assert [row["price_reasons"] for row in clinic] == [
        "marked_local marked_first", "marked_local marked_last", None, None,
        "marked_local marked_first marked_last",
    ]  # fmt: skip


def test_trap_15_lines_of_money_alone_are_no_activity(tmp_path: Path) -> None:
    """ADJUSTMENT, BLOCK, CQUIN, DRUG, DEVICE and NAOTHER: money counts, units do not."""
    pods = ["ADJUSTMENT", "BLOCK", "CQUIN", "DRUG", "DEVICE", "NAOTHER", "UNBCHEMO"]
    core = {"core_hrg": "SB97Z", "core_point_of_delivery": "DC"}  # of the chemotherapy
    rows = [
        {**core, "provider": "R1H", "line_id": pod, "start_date": "2022-06-01",
         "point_of_delivery": pod, "tariff_code": "SB13Z" if pod == "UNBCHEMO" else "X",
         "quantity": quantity, "unit_price": "100.00"}
        for pod, quantity in zip(pods, ["0", "", "1", "5", "2", "0", "3"], strict=True)
    ]  # fmt: skip
    packs = shipped().packs
    assert money_only(packs) == set(pods) - {"UNBCHEMO"}
    priced = price_records(from_arrow(table_of(rows), dataset="lines"), rulebook=shipped()).table
    lines = "".join(
        f"- {{id: {pod.lower()}, title: {pod}, form: CASE,\n"
        f"   select: {{datasets: [lines], points_of_delivery: [{pod}]}}}}\n"
        for pod in pods
    )
    contract, _ = load_contract(str(write_contract(tmp_path / "mine", lines)))
    ledger = ledger_of(contract, priced, "lines", no_activity=money_only(packs))
    last = {row.line: row for row in statement(contract, ledger, 13)}
    done = {
        pod: (last[pod.lower()].year_to_date.activity, last[pod.lower()].payable_to_date)
        for pod in pods
    }
    assert done["UNBCHEMO"] == (3, 113_131)  # 3 x 322 x 1.171131
    money = dict(zip(pods, [10_000, 10_000, 10_000, 50_000, 20_000, 10_000], strict=False))
    assert {pod: done[pod] for pod in money} == {pod: (0, pence) for pod, pence in money.items()}
