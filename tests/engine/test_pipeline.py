"""Which pack serves a spell, and what is done with records that are not as they should be."""

from __future__ import annotations

import pytest

from tariff.engine.price import MffChoice
from tariff.errors import UsageError
from tests.engine.extracts import (
    DZ11T,
    KNEE,
    Row,
    bill,
    factor,
    found,
    reasons,
    run,
    spell,
    stay,
)

NO_DISCHARGE: Row = {"discharge_date": ""}


def left(day: str, **values: str) -> Row:
    """A stay of seven days or so that ended on a day."""
    year, month, _ = day.split("-")
    return stay(admission_date=f"{year}-{month}-01", discharge_date=day, **values)


# ---------------------------------------------------------------- grouper


@pytest.mark.parametrize(
    ("day", "grouper"),
    [
        ("2017-04-01", "hrg-2017-19"),
        ("2019-03-31", "hrg-2017-19"),
        ("2022-04-01", "hrg-2022-23"),
        ("2023-03-31", "hrg-2022-23"),
        ("2024-04-01", "hrg-2024-25"),
        # none holds these: the nearest in time
        ("2010-05-10", "hrg-2017-19"),
        ("2020-09-29", "hrg-2017-19"),  # 548 days after 31 March 2019, 549 before 1 April 2022
        ("2020-09-30", "hrg-2022-23"),
        ("2023-09-30", "hrg-2022-23"),  # 183 days after 31 March 2023, 184 before 1 April 2024
        ("2023-10-01", "hrg-2024-25"),
        ("2026-05-10", "hrg-2024-25"),
    ],
)
def test_the_grouper_holds_the_discharge_or_is_the_nearest(day: str, grouper: str) -> None:
    assert spell(run(left(day)))["grouper"] == grouper


def test_without_discharge_the_year_given_chooses_the_grouper() -> None:
    row = stay(**NO_DISCHARGE)
    assert spell(run(row))["grouper"] == "hrg-2024-25"  # the newest
    assert spell(run(row, year="2018/19"))["grouper"] == "hrg-2017-19"
    assert spell(run(row, year="2022/23"))["grouper"] == "hrg-2022-23"


def test_the_year_given_does_not_move_a_spell_that_has_a_discharge() -> None:
    done = run(stay(**DZ11T), stay(spell_id="B", **NO_DISCHARGE), year="2018/19")
    assert [s["grouper"] for s in done.spells.to_pylist()] == ["hrg-2022-23", "hrg-2017-19"]
    assert [s["tariff_year"] for s in done.spells.to_pylist()] == ["2022/23", "2018/19"]
    assert done.manifest["period"]["years"] == {"2018/19": 1, "2022/23": 1}


# ---------------------------------------------------------------- tariff year


@pytest.mark.parametrize(
    ("day", "year", "tariff"),
    [
        ("2018-03-31", "2017/18", "ntps-2017-18"),
        ("2018-04-01", "2018/19", "ntps-2018-19"),
        ("2023-03-31", "2022/23", "ntps-2022-23"),
        ("2025-04-01", "2025/26", "nhsps-2025-26-msk"),
        ("2023-04-01", "2023/24", None),
        ("2000-02-29", "1999/00", None),
    ],
)
def test_the_tariff_year_is_that_of_the_discharge(day: str, year: str, tariff: str | None) -> None:
    record = spell(run(left(day, **DZ11T)))
    assert (record["tariff_year"], record["tariff"]) == (year, tariff)
    assert ("tariff_not_held" in reasons(record)) == (tariff is None)


def test_a_stay_over_the_end_of_a_year_is_priced_in_the_year_it_ends() -> None:
    row = stay(admission_date="2018-03-28", discharge_date="2018-04-04", billed_hrg="DZ11T")
    assert (spell(run(row))["tariff_year"], spell(run(row))["base_pence"]) == ("2018/19", 281200)


def test_a_year_without_a_price_list_is_not_priced_and_said() -> None:
    done = run(left("2020-05-10", **DZ11T))
    record = spell(done)
    assert record["hrg"] is not None
    assert (record["base_pence"], record["total_pence"], record["complete"]) == (None, None, False)
    assert reasons(record) == {"tariff_not_held"}
    (notice,) = [n for n in done.manifest["notices"] if "2020/21" in n]
    assert notice == (
        "No price list of 2020/21 is held (held: 2016/17, 2017/18, 2018/19, 2022/23, 2024/25, "
        "2025/26): not priced."
    )


def test_without_a_date_and_a_year_spells_are_grouped_and_not_priced() -> None:
    done = run(stay(**DZ11T, **NO_DISCHARGE))
    record = spell(done)
    assert record["hrg"] is not None
    assert (record["tariff_year"], record["pre_mff_pence"]) == (None, None)
    assert reasons(record) == {"no_year"}
    assert done.manifest["period"] == {"first_discharge": None, "last_discharge": None, "years": {}}
    assert any("--year" in notice for notice in done.manifest["notices"])


def test_the_year_given_prices_an_extract_without_dates() -> None:
    rows = [stay(**DZ11T, episode_duration="7")]
    done = run(*rows, without=["admission_date", "discharge_date"], year="2022/23")
    assert (spell(done)["total_pence"], spell(done)["complete"]) == (363168, True)
    assert "The tariff year 2022/23 is the one given with --year." in done.manifest["notices"]
    assert any(
        "no admission date and no discharge date" in notice for notice in done.manifest["notices"]
    )


@pytest.mark.parametrize("year", ["2022", "2022-23", "2022/24", "22/23", "2022/2023", ""])
def test_a_year_is_written_as_2022_23(year: str) -> None:
    with pytest.raises(UsageError, match="is not a tariff year"):
        run(stay(), year=year)


def test_the_turn_of_the_century_is_a_year_too() -> None:
    assert spell(run(stay(**NO_DISCHARGE), year="1999/00"))["tariff_year"] == "1999/00"


# ---------------------------------------------------------------- market forces factor


@pytest.mark.parametrize(
    ("day", "mff_year"),
    [
        ("2022-05-10", "2022/23"),
        ("2019-05-10", "2018/19"),
        ("2020-05-10", "2018/19"),  # two years from 2018/19 and from 2022/23: the earlier
        ("2021-05-10", "2022/23"),
        ("2024-05-10", "2023/24"),
        ("2025-05-10", "2026/27"),
    ],
)
def test_the_factor_is_of_the_year_or_the_nearest_published(day: str, mff_year: str) -> None:
    assert spell(run(left(day, **DZ11T)))["mff_year"] == mff_year


def test_a_factor_of_another_year_is_named_and_the_price_complete() -> None:
    record = spell(run(left("2024-05-10", billed_hrg="DZ11T")))
    # 3,439 x 1.160713 = 3,991.69
    assert (record["total_pence"], str(record["mff"])) == (399169, "1.160713000")
    assert record["complete"]
    assert reasons(record) == {"mff_of_other_year", "trim_of_other_edition"}


def test_a_provider_in_no_table_has_a_price_before_mff_and_no_total() -> None:
    done = run(stay(provider="ZZZ", **DZ11T), stay(provider="ZZZ", spell_id="B", **DZ11T))
    record = spell(done)
    assert (record["mff"], record["mff_year"], record["total_pence"]) == (None, None, None)
    assert record["pre_mff_pence"] == 310100
    assert (record["complete"], reasons(record)) == (False, {"mff_unknown"})
    assert done.manifest["counts"]["spells_incomplete"] == 2
    assert done.manifest["money"]["priced_pre_mff"] == 620200
    assert done.manifest["money"]["priced_total"] == 0
    (notice,) = [n for n in done.manifest["notices"] if "market forces" in n.lower()]
    assert notice.startswith("No market forces factor is held for ZZZ: 2 spells")


def test_an_unknown_factor_is_no_reason_where_there_is_no_price() -> None:
    record = spell(run(stay(provider="ZZZ", billed_hrg="XX99Z")))
    assert reasons(record) == {"hrg_not_in_tariff"}


def test_mff_is_one_factor_for_all() -> None:
    rows = [stay(**DZ11T), stay(provider="ZZZ", **DZ11T), left("2024-05-10", spell_id="C")]
    done = run(*rows, mff=factor("1.1"), rules=False)
    for record in done.spells.to_pylist():
        assert (record["mff_year"], str(record["mff"])) == ("given", "1.100000000")
        assert record["total_pence"] == record["pre_mff_pence"] * 11 // 10
        assert not reasons(record) & {"mff_unknown", "mff_of_other_year"}
    assert done.manifest["options"]["mff"] == 1.1


def test_mff_year_is_one_years_table_for_all() -> None:
    rows = [stay(**DZ11T), stay(provider="ZZZ", **DZ11T)]
    done = run(*rows, mff=MffChoice(year="2018/19"), rules=False)
    record, unknown = done.spells.to_pylist()
    # 3,101 x 1.212802 = 3,760.90
    assert (record["mff_year"], record["total_pence"]) == ("2018/19", 376090)
    assert "mff_of_other_year" not in reasons(record)
    assert unknown["total_pence"] is None
    assert done.manifest["options"]["mff_year"] == "2018/19"


def test_mff_year_that_is_not_held_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="no market forces factors of 2024/25"):
        run(stay(**DZ11T), mff=MffChoice(year="2024/25"), rules=False)


# ---------------------------------------------------------------- which HRG is priced


def test_price_at_billed_takes_the_billed_hrg_and_else_the_grouped() -> None:
    done = run(stay(billed_hrg="DZ11T"), stay(spell_id="B"))
    billed, grouped = done.spells.to_pylist()
    assert (billed["hrg"], billed["priced_hrg"], billed["base_pence"]) == (
        "DZ11V",
        "DZ11T",
        310100,
    )
    assert (grouped["priced_hrg"], grouped["base_pence"]) == ("DZ11V", 174600)


def test_price_at_grouped_takes_the_engines() -> None:
    done = run(stay(**DZ11T), price_at="grouped")
    record = spell(done)
    assert (record["billed_hrg"], record["priced_hrg"]) == ("DZ11T", "DZ11V")
    assert record["base_pence"] == 174600
    assert done.manifest["options"]["price_at"] == "grouped"


def test_the_case_of_a_billed_hrg_does_not_matter() -> None:
    assert spell(run(stay(billed_hrg="dz11t")))["priced_hrg"] == "DZ11T"


def test_an_unknown_billed_hrg_stays_in_without_a_price() -> None:
    done = run(stay(**bill("XX99Z", "100.00")))
    record = spell(done)
    assert (record["billed_hrg"], record["priced_hrg"]) == ("XX99Z", "XX99Z")
    assert (record["base_pence"], reasons(record)) == (None, {"hrg_not_in_tariff"})
    assert record["billed_pence"] == record["allowed_pence"] == 11711
    assert done.manifest["counts"]["rows_rejected"] == 0


def test_nothing_billed_and_nothing_grouped_is_no_hrg() -> None:
    done = run(stay(), without=["diag_01"])
    assert (spell(done)["hrg"], spell(done)["group_reason"]) == (None, "no_diagnoses")
    assert reasons(spell(done)) == {"no_hrg"}
    assert "The extract carries no diagnoses, so nothing was grouped." in done.manifest["notices"]


def test_without_diagnoses_nothing_is_unbundled_either() -> None:
    row = stay(oper_01="X833")
    assert run(row, keep=True).episodes["unbundled_hrgs"].to_pylist() == [["XD07Z"]]
    assert run(row, keep=True, without=["diag_01"]).episodes["unbundled_hrgs"].to_pylist() == [[]]


def test_an_hrg_of_another_year_is_not_in_the_list() -> None:
    # CA60A is in the lists of 2017/18 and 2018/19, not in that of 2022/23
    assert reasons(spell(run(stay(billed_hrg="CA60A")))) == {"hrg_not_in_tariff"}


# ---------------------------------------------------------------- prices that are not whole


def test_a_price_of_zero_is_a_price() -> None:
    record = spell(run(stay(billed_hrg="UZ01Z", admission_date="2022-04-01")))
    # 39 days at a rate of zero
    assert (record["base_pence"], record["long_stay_pence"], record["total_pence"]) == (0, 0, 0)
    assert (record["complete"], record["price_reasons"]) == (True, None)


def test_a_bill_of_zero_is_a_bill() -> None:
    done = run(stay(**bill("DZ11T", "0.00")))
    assert spell(done)["billed_pence"] == 0
    # the list says 3,631.68, billed too low
    assert [f["value_pence"] for f in found(done)] == [-363168]


def test_reversed_dates_stay_in_and_are_named() -> None:
    done = run(stay(admission_date="2022-05-10", discharge_date="2022-05-03", **DZ11T))
    record = spell(done)
    assert done.manifest["counts"]["rows_rejected"] == 0
    assert (record["spell_days"], record["adjusted_days"]) == (-7, None)
    assert {"negative_stay", "stay_unknown"} <= reasons(record) and not record["complete"]
    assert not found(done, "EMR07") and not found(done, "PRC01")  # no firm price, no claim
    assert record["billed_pence"] == 363168
    assert done.manifest["period"]["first_discharge"] == "2022-05-03"


def test_a_negative_duration_is_an_error_of_the_field() -> None:
    record = spell(run(stay(episode_duration="-7", **DZ11T)))
    assert (record["hrg"], record["error_category"]) == ("UZ01Z", "field")
    assert record["spell_days"] == 7  # the dates decide


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"admission_method": "99"}, "no_point_of_delivery"),
        ({"admission_method": "11", "patient_classification": "3"}, "no_national_price"),
        ({"admission_date": ""}, "stay_unknown"),
    ],
)
def test_why_there_is_no_whole_price(values: Row, reason: str) -> None:
    record = spell(run(stay(billed_hrg="DZ11T", **values)))
    assert reason in reasons(record)
    assert not record["complete"]


def test_a_short_emergency_stay_of_2024_25_is_incomplete() -> None:
    row = stay(admission_date="2024-05-09", discharge_date="2024-05-10", billed_hrg="DZ11T")
    done = run(row)
    record = spell(done)
    assert (record["base_pence"], record["pre_mff_pence"]) == (343900, 343900)
    assert (record["complete"], "short_stay_not_held" in reasons(record)) == (False, True)
    assert done.manifest["counts"]["spells_priced"] == 0
    assert done.manifest["counts"]["spells_incomplete"] == 1
    assert done.manifest["money"]["priced_total"] == 0  # totals that are whole


def test_a_child_of_2024_25_has_no_short_stay_price_and_a_whole_one() -> None:
    row = stay(admission_date="2024-05-09", discharge_date="2024-05-10", age="18")
    assert spell(run({**row, "billed_hrg": "DZ11T"}))["complete"]


def test_a_long_stay_of_2024_25_has_the_trim_of_2022_23() -> None:
    # 20 days, 3 above the trim point of 17: 3,439 + 3 x 270 = 4,249
    row = stay(admission_date="2024-05-03", discharge_date="2024-05-23", billed_hrg="DZ11T")
    record = spell(run(row))
    assert (record["trim_days"], record["excess_days"]) == (17, 3)
    assert (record["pre_mff_pence"], record["complete"]) == (424900, True)
    assert "trim_of_other_edition" in reasons(record)


def test_2025_26_is_held_in_part() -> None:
    elective = stay(
        **{**KNEE, "admission_date": "2025-05-03", "discharge_date": "2025-05-13"},
        billed_hrg="HN22E",
    )
    rows = [
        elective,
        {**elective, "spell_id": "B", "patient_classification": "2"},
        {**elective, "spell_id": "C", "admission_method": "21"},
        {**elective, "spell_id": "D", "billed_hrg": "DZ11T"},
    ]
    done = run(*rows)
    ordinary, day_case, emergency, other = done.spells.to_pylist()
    assert (ordinary["pre_mff_pence"], ordinary["long_stay_pence"]) == (722200, None)
    assert (ordinary["complete"], "trim_unknown" in reasons(ordinary)) == (False, True)
    assert (day_case["pre_mff_pence"], day_case["complete"]) == (722200, True)
    assert (emergency["base_pence"], reasons(emergency)) == (None, {"no_national_price"})
    assert (other["base_pence"], reasons(other)) == (None, {"hrg_not_in_tariff"})
    (pack,) = [p for p in done.manifest["packs"] if p["id"] == "nhsps-2025-26-msk"]
    assert pack["partial"] is True


# ---------------------------------------------------------------- the manifest


def test_every_pack_of_the_run_is_named_with_its_hash() -> None:
    done = run(stay(**DZ11T), left("2018-05-10", spell_id="B"))
    packs = {pack["id"]: pack for pack in done.manifest["packs"]}
    assert {"hrg-2022-23", "hrg-2017-19", "ntps-2022-23", "ntps-2018-19"} <= set(packs)
    assert {"mff-england", "admitted", "signatures", "roots-reconstructed"} <= set(packs)
    assert "nhsps-2024-25" not in packs
    assert all(len(pack["sha256"]) == 64 for pack in packs.values())


def test_fields_that_are_not_there_are_not_validated_and_said() -> None:
    done = run(stay(**DZ11T), without=["sex", "neonatal_care"])
    assert spell(done)["error_category"] is None
    (notice,) = [n for n in done.manifest["notices"] if n.startswith("Not validated")]
    assert "sex" in notice
    assert "age" not in notice.split(": ")[1].split(", ")


def test_counts_add_up() -> None:
    done = run(
        stay(**DZ11T),
        stay(**DZ11T),  # a copy
        stay(spell_id="B", diag_01="W190"),  # may not stand first
        stay(spell_id="C", admission_method="99", patient_id="P2"),
        stay(spell_id="", patient_id="P3"),  # a reject
        *(stay(spell_id=f"X{n}", patient_id=f"Q{n}") for n in range(16)),
    )
    counts = done.manifest["counts"]
    assert (counts["rows_read"], counts["rows_rejected"], counts["duplicate_rows"]) == (21, 1, 1)
    assert counts["rows_read"] == (
        counts["rows_rejected"] + counts["duplicate_rows"] + counts["episodes"]
    )
    assert counts["spells"] == 19 == done.spells.num_rows
    assert counts["spells"] == (
        counts["spells_grouped"] + counts["spells_in_error"] + counts["spells_unmapped"]
    )
    assert done.manifest["errors_by_category"]["UZ01"] == 1


def test_times_stand_only_in_the_manifest_under_run() -> None:
    first, again = run(stay(**DZ11T)).manifest, run(stay(**DZ11T)).manifest
    assert set(first["run"]) == {"started", "finished", "seconds"}
    assert {**first, "run": None} == {**again, "run": None}
