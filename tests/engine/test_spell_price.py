"""The spell price: the settings that no source confirms, and the switches of a contract."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import tariff.api as api
from tariff.engine.packtest_prices import price_tests
from tariff.engine.price import Terms
from tariff.engine.run import Options, check
from tariff.errors import UsageError
from tariff.extract import from_arrow
from tariff.packs.compile import Rulebook
from tariff.packs.load import PackSet
from tariff.packs.model import HomeLeave, PodPack, TopUpRule
from tests.engine.extracts import factor, shipped

# ---------------------------------------------------------------- settings of the packs


def failing(pack_id: str, **settings: Any) -> set[str]:
    """The worked prices that a pack no longer gives where settings of it are changed."""
    packs = [
        replace(pack, manifest=replace(pack.manifest, **settings)) if pack.id == pack_id else pack
        for pack in shipped().packs
    ]
    rulebook = Rulebook(PackSet(tuple(packs)))
    outcomes = price_tests(rulebook, rulebook.packs.by_id(pack_id))
    return {name.split()[0] for name, wrong in outcomes if wrong}


LATER = TopUpRule(several="first")
OPEN = TopUpRule(several="dearest")


@pytest.mark.parametrize(
    ("pack", "settings", "vectors"),
    [
        ("ntps-2022-23", {"top_up_rule": LATER}, set()),
        ("ntps-2022-23", {"top_up_rule": replace(LATER, also_on=["long_stay"])}, {"PV126"}),
        ("ntps-2022-23", {"top_up_rule": replace(LATER, also_on=["best_practice"])}, {"PV127"}),
        ("ntps-2016-17", {"top_up_rule": replace(OPEN, open_services=["34"])}, set()),
        ("ntps-2016-17", {"top_up_rule": OPEN}, {"PV134"}),
        (
            "ntps-2016-17",
            {"short_stay_rule": None},
            {"PV52", "PV53", "PV54", "PV110", "PV118", "PV131"},  # of the others the share is 1
        ),
        ("ntps-2022-23", {"rounding": "pound_final", "top_up_rule": LATER}, None),
    ],
)
def test_a_rule_that_no_source_confirms_is_a_setting_of_its_pack(
    pack: str, settings: dict[str, Any], vectors: set[str] | None
) -> None:
    found = failing(pack, **settings)
    assert found == vectors if vectors is not None else len(found) > 10


# ---------------------------------------------------------------- the contract's switches

SPELL = {
    "provider": "RJ7",
    "spell_id": "A",
    "episode_order": "1",
    "age": "66",
    "patient_classification": "1",
    "admission_method": "21",
    "admission_date": "2022-05-01",
    "discharge_date": "2022-08-09",  # 100 days; AA23C: trim 81, 266 a day
    "billed_hrg": "AA23C",
    "specialised_services": "NCBPS08S",
}


def table_of(given: dict[str, str]) -> pa.Table:
    """One row of one episode."""
    row = {**SPELL, **given}
    return pa.table({name: pa.array([value], pa.string()) for name, value in row.items()})


def priced(
    periods: tuple[Path, ...] = (),
    delayed_discharge: bool = False,
    rounding: str | None = None,
    **given: str,
) -> dict[str, Any]:
    """One spell, priced by the main job."""
    options = Options(terms=Terms(delayed_discharge, rounding), periods=periods, rules=False)
    run = check(from_arrow(table_of(given)), options, rulebook=shipped())
    (spell,) = run.spells.to_pylist()
    said = run.manifest["options"]
    assert (said["rounding"], said["delayed_discharge"]) == (rounding, delayed_discharge)
    assert said["periods"] == [path.name for path in periods]
    return dict(spell)


def test_the_same_from_python(tmp_path: Path) -> None:
    path = tmp_path / "periods.csv"
    path.write_text(PERIODS, "utf-8")
    run = api.check(
        table_of({"ready_for_discharge_date": "2022-08-08"}),
        rounding="pound_final",
        delayed_discharge=True,
        periods=path,
    )
    (spell,) = run.spells.to_pylist()
    assert (spell["deducted_days"], spell["excess_days"]) == (15, 100 - 15 - 81 - 1)
    assert spell["total_pence"] % 100 == 0
    assert [item["layout"] for item in run.manifest["inputs"]] == ["canonical", "periods"]


PERIODS = (
    "provider,spell_id,kind,start_date,end_date\n"
    "RJ7,A,critical_care,2022-05-01,2022-05-10\n"
    "RJ7,A,rehabilitation,2022-05-06,2022-05-15\n"
)


def test_the_components_add_up_and_the_total_counts_to_the_last_digit() -> None:
    spell = priced()
    assert spell["long_stay_pence"] == 19 * 26600
    # 38.52 % of 10,012 is 3,856.6224; (10,012 + 5,054 + 3,856.6224) x 1.169414 = 22,128.3795..
    assert (spell["top_up_pence"], spell["pre_mff_pence"]) == (385662, 1892262)
    assert (spell["top_up_service"], spell["top_up_rate"]) == ("NCBPS08S", "38.52")
    assert spell["total_pence"] == 2212838


@pytest.mark.parametrize(
    ("policy", "total"),
    [
        ("pence_final", 2212838),
        ("pound_final", 2212800),
        # 18,923 x 1.169414 = 22,128.82..
        ("pound_pre_mff", 2212882),
        # 11,708.17 + 5,910.22 + 4,509.99
        ("pound_per_component", (11708 + 5910 + 4510) * 100),
    ],
)
def test_rounding_is_a_switch(policy: str, total: int) -> None:
    assert priced(rounding=policy)["total_pence"] == total


def test_a_reduced_price_and_a_top_up_are_rounded_as_two_components() -> None:
    """1,124 in place of 2,499 is one part: 1,163.79; 7.54% of 1,124 is 84.7496, so 87.75."""
    options = Options(
        terms=Terms(False, "pound_per_component"), mff=factor("1.035397"), rules=False
    )
    reduced = {"billed_hrg": "AA22G", "discharge_date": "2022-05-02"}
    table = table_of({**reduced, "specialised_services": "NCBPS08O"})
    (spell,) = check(from_arrow(table), options, rulebook=shipped()).spells.to_pylist()
    assert (spell["base_pence"], spell["short_stay_pence"]) == (249900, -137500)
    assert spell["total_pence"] == (1164 + 88) * 100


@pytest.mark.parametrize(("setting", "adjusted"), [("counted", 100), ("deducted", 97)])
def test_days_of_home_leave_come_off_where_the_pack_says_so(setting: Any, adjusted: int) -> None:
    packs = [
        replace(pack, manifest=replace(pack.manifest, home_leave=HomeLeave(days=setting)))
        if isinstance(pack.manifest, PodPack)
        else pack
        for pack in shipped().packs
    ]
    table = table_of({"home_leave_days": "3"})
    run = check(from_arrow(table), Options(rules=False), rulebook=Rulebook(PackSet(tuple(packs))))
    (spell,) = run.spells.to_pylist()
    assert (spell["adjusted_days"], spell["excess_days"]) == (adjusted, adjusted - 81)
    assert spell["deducted_days"] == 100 - adjusted


def test_a_policy_that_there_is_not() -> None:
    with pytest.raises(UsageError, match="pound_final"):
        priced(rounding="guinea_final")


@pytest.mark.parametrize(
    ("ready", "delayed", "excess"),
    [
        ("2022-08-02", 7, 12),
        ("2022-05-02", 99, 0),  # never below the trim point
        ("2022-08-10", 0, 19),  # after discharge
        ("2022-04-30", 0, 19),  # before admission
        ("", 0, 19),
    ],
)
def test_delayed_days_come_off_the_excess_days_where_the_contract_says_so(
    ready: str, delayed: int, excess: int
) -> None:
    spell = priced(ready_for_discharge_date=ready, delayed_discharge=True)
    assert (spell["delayed_days"], spell["excess_days"]) == (delayed, excess)
    assert spell["long_stay_pence"] == excess * 26600
    without = priced(ready_for_discharge_date=ready)
    assert (without["delayed_days"], without["excess_days"]) == (delayed, 19)


def test_dated_periods_count_each_day_once(tmp_path: Path) -> None:
    path = tmp_path / "periods.csv"
    path.write_text(PERIODS, "utf-8")
    spell = priced((path,), critical_care_days="30", palliative_care_days="2")
    # 15 calendar days in the place of the counts of their kinds, and the 2 of another
    assert (spell["deducted_days"], spell["adjusted_days"], spell["excess_days"]) == (17, 83, 2)


# ---------------------------------------------------------------- best practice


@pytest.mark.parametrize(
    ("given", "area", "paid", "base", "payments", "reasons"),
    [
        # unflagged, flagged, flagged with the criteria met: 9,246, 8,606, 8,606 + 1,335
        ({"best_practice_flags": ""}, None, None, 924600, 0, None),
        ({"best_practice_flags": "bp01"}, "hip", "not_best_practice", 860600, 0, None),
        (
            {"best_practice_flags": "BP01", "best_practice_met": "Y"},
            *("hip", "not_best_practice", 860600, 133500, None),
        ),
        # a payment of another area, and one that there is not
        (
            {"best_practice_flags": "BP01", "best_practice_payments": "ALTEPLASE"},
            *("hip", "not_best_practice", 860600, 0, "payment_unknown"),
        ),
        (
            {"best_practice_flags": "", "best_practice_payments": "HIP_FRACTURE TRAUMA_1"},
            *(None, None, 924600, 162400, "payment_unknown"),
        ),
        # the flag is for those of 60 and over with a fracture of the hip
        ({"diag_01": "S720", "oper_01": "W461"}, "hip", "not_best_practice", 860600, 0, None),
        ({"diag_01": "S720", "oper_01": "W461", "age": "59"}, None, None, 924600, 0, None),
    ],
)
def test_a_flag_is_given_or_worked_out_and_payments_stand_beside_the_price(
    given: dict[str, str],
    area: str | None,
    paid: str | None,
    base: int,
    payments: int,
    reasons: str | None,
) -> None:
    common = {"billed_hrg": "HT12C", "discharge_date": "2022-05-15", "specialised_services": ""}
    spell = priced(**(common | given))
    assert spell["list_pence"] == 924600
    assert ("hip" in (spell["best_practice_area"] or "").lower()) == (area is not None)
    assert spell["best_practice_flag"] == (None if area is None else "BP01")
    assert (spell["best_practice_paid"], spell["base_pence"]) == (paid, base)
    assert (spell["best_practice_pence"], spell["price_reasons"]) == (payments, reasons)
    assert spell["pre_mff_pence"] == base + payments


def test_a_spell_of_which_every_episode_is_excluded_has_no_price() -> None:
    spell = priced(commissioning_serial_number="=0001")
    assert (spell["exclusion"], spell["price_reasons"], spell["complete"]) == (2, "excluded", False)
    assert spell["list_pence"] is spell["total_pence"] is None
    assert spell["adjusted_days"] == 100
