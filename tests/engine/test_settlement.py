"""What a finding is worth, and how one pound is challenged once (docs/money.md, signatures.md).

Longer than other files because every test is worked in pence on the same few stays.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariff.engine.run import Run
from tariff.packs.load import shipped_folder
from tariff.packs.model import STEPS, SignaturesPack
from tests.engine.extracts import (
    DZ11T,
    KNEE,
    Record,
    Row,
    as_csv,
    bill,
    evidence,
    factor,
    found,
    one,
    rule_of,
    rulebook_with,
    run,
    settled,
    shipped,
    spell,
    stay,
)

# A day case: cataract BZ34C, 808 in 2022/23; 808 x 1.171131 = 946.27.
CATARACT: Row = {
    "patient_classification": "2",
    "admission_method": "11",
    "treatment_function": "130",
    "main_specialty": "130",
    "diag_01": "H251",
    "oper_01": "C751",
    "oper_02": "C712",
    **bill("BZ34C", "808.00"),
}
# Tonsillectomy CA60A, 2018/19: day case 1,090, ordinary elective 982.
TONSILS: Row = {
    "age": "30",
    "patient_classification": "2",
    "admission_method": "11",
    "treatment_function": "120",
    "main_specialty": "120",
    "diag_01": "J350",
    "oper_01": "F341",
    "admission_date": "2018-06-05",
    "discharge_date": "2018-06-06",
}


def money(finding: Record) -> tuple[int | None, int | None, int | None, int | None]:
    """Billed, allowed, value, settled of a finding."""
    names = ("billed_pence", "allowed_pence", "value_pence", "settled_pence")
    return tuple(finding[name] for name in names)  # type: ignore[return-value]


def allowed(done: Run) -> dict[str, int | None]:
    """What is left of each spell."""
    return {s["spell_id"]: s["allowed_pence"] for s in done.spells.to_pylist()}


# ---------------------------------------------------------------- each remedy


def test_keep_one_of_exact_copies() -> None:
    done = run(stay(**DZ11T), stay(**DZ11T))
    # 3,101 x 1.171131 = 3,631.68, the copy
    assert money(one(done, "DUP01")) == (363168, 0, 363168, 363168)
    assert done.manifest["money"]["billed"] == 2 * 363168
    assert allowed(done) == {"A": 363168}


def test_keep_one_keeps_the_dearest_and_on_a_tie_the_lowest_number() -> None:
    cheap = bill("DZ11U", "2538.00")  # 2,538 x 1.171131 = 2,972.33
    done = run(stay(**cheap), stay(spell_id="B", **DZ11T), stay(spell_id="C", **DZ11T))
    findings = {tuple(f["spell_ids"]): f for f in found(done, "DUP02")}
    # B is kept: A 2,972.33 and C 3,631.68 go
    assert money(findings["A", "B"]) == (660401, 363168, 297233, 297233)
    assert money(findings["B", "C"]) == (726336, 363168, 363168, 363168)
    assert {evidence(f)["Kept"] for f in findings.values()} == {"B"}
    assert allowed(done) == {"A": 0, "B": 363168, "C": 0}


def test_not_payable_allows_nothing() -> None:
    # 500 x 1.171131 = 585.57
    done = run(stay(diag_01="W190", **bill("UZ01Z", "500.00")))
    assert money(one(done, "HRG17")) == (58557, 0, 58557, 58557)
    assert allowed(done) == {"A": 0}


def test_merge_and_regroup_prices_the_parts_as_one() -> None:
    done = run(
        stay(**DZ11T),
        stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-14", **DZ11T),
    )
    finding = one(done, "SPL01")
    # 3 to 14 May, 11 days. DZ11T, within its trim point of 17, 3,101; DZ11V, which the engine gives
    # the merged record, has a base price of 1,746. The dearest is 3,101: 3,631.68.
    assert money(finding) == (726336, 363168, 363168, 363168)
    assert finding["spell_ids"] == ["A", "B"]
    assert "DZ11T, the dearest" in finding["note"]
    # the first part carries what is left
    assert allowed(done) == {"A": 363168, "B": 0}


def test_a_merged_stay_is_grouped_and_priced_over_all_its_days() -> None:
    done = run(
        stay(discharge_date="2022-05-23", **DZ11T),
        stay(spell_id="B", admission_date="2022-05-20", discharge_date="2022-06-20", **DZ11T),
        select=("SPL01",),
    )
    # 3 May to 20 June, 48 days. DZ11T, whose base price is the dearer: 3,101 + (48 - 17) x 270 =
    # 11,471 x 1.171131 = 13,434.04. Billed 2 x 3,631.68: too low.
    assert money(one(done, "SPL01")) == (726336, 1343404, -617068, -617068)
    assert "DZ11T, the dearest" in one(done, "SPL01")["note"]


def test_three_stays_in_a_chain_are_one_finding() -> None:
    rows = [
        stay(**DZ11T),
        stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-14", **DZ11T),
        stay(spell_id="C", admission_date="2022-05-13", discharge_date="2022-05-18", **DZ11T),
    ]
    done = run(*rows)
    # 15 days: DZ11T, within its trim point of 17. 3 x 3,631.68 - 3,631.68
    assert money(one(done, "SPL01")) == (1089504, 363168, 726336, 726336)
    assert allowed(done) == {"A": 363168, "B": 0, "C": 0}


def test_edit_and_regroup_prices_the_record_as_it_should_be() -> None:
    done = run(stay(**TONSILS, **bill("CA60A", "1090.00", "1.212802")))
    # day case 1,090 x 1.212802 = 1,321.95; ordinary 982 x 1.212802 = 1,190.97
    assert money(one(done, "SPL07")) == (132195, 119097, 13098, 13098)
    assert allowed(done) == {"A": 119097}


def test_cap_units_takes_the_days_that_are_not_due() -> None:
    # 20 days, trim point 17: 3 due, 5 billed. 3,101 + 5 x 270 = 4,451 x 1.171131 = 5,212.70.
    # 2 x 270 x 1.171131 = 632.41
    bad = bill("DZ11T", "4451.00", billed_excess_days="5")
    done = run(stay(discharge_date="2022-05-23", **bad), select=("LOS01",))
    assert money(one(done, "LOS01")) == (521270, 458029, 63241, 63241)
    assert allowed(done) == {"A": 458029}


def test_cap_units_gives_the_days_that_were_not_billed() -> None:
    # 1 of 3 billed: 3,101 + 270 = 3,371 x 1.171131 = 3,947.88; -2 x 270 x 1.171131 = -632.41
    bad = bill("DZ11T", "3371.00", billed_excess_days="1")
    done = run(stay(discharge_date="2022-05-23", **bad), select=("LOS01",))
    assert money(one(done, "LOS01")) == (394788, 458029, -63241, -63241)


def test_cap_units_is_not_more_than_the_price_holds() -> None:
    # 3,911 is due with 3 days. 5 are billed, 2 x 270 more, but of that only 100 is in the price:
    # 4,011 x 1.171131 = 4,697.41, less 3,911 x 1.171131 = 4,580.29
    bad = bill("DZ11T", "4011.00", billed_excess_days="5")
    done = run(stay(discharge_date="2022-05-23", **bad), select=("LOS01",))
    assert money(one(done, "LOS01")) == (469741, 458029, 11712, 11712)
    # a price that holds nothing of it, or less than is due, gives nothing
    for price in ("3911.00", "100.00"):
        bad = bill("DZ11T", price, billed_excess_days="5")
        finding = one(run(stay(discharge_date="2022-05-23", **bad), select=("LOS01",)), "LOS01")
        assert (finding["value_pence"], finding["settled_pence"]) == (0, 0)
        assert "does not hold" in finding["note"]


def test_cap_units_is_at_the_factor_that_was_billed() -> None:
    bad = bill("DZ11T", "4451.00", "1.0", billed_excess_days="5")
    done = run(stay(discharge_date="2022-05-23", **bad), select=("LOS01",))
    assert money(one(done, "LOS01")) == (445100, 391100, 54000, 54000)  # 2 x 270


def test_reprice_at_the_short_stay_price() -> None:
    # DZ11V: 1,746 x 1.171131 = 2,044.79; reduced 786 x 1.171131 = 920.51
    done = run(stay(discharge_date="2022-05-04", **bill("DZ11V", "1746.00")))
    assert money(one(done, "EMR07")) == (204479, 92051, 112428, 112428)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("3861.00", (452174, 363168, 89006, 89006)),  # 3,861 x 1.171131 = 4,521.74
        ("2812.00", (329322, 363168, -33846, -33846)),  # 2,812 x 1.171131 = 3,293.22
    ],
)
def test_reprice_at_the_list_price(price: str, expected: tuple[int, ...]) -> None:
    assert money(one(run(stay(**bill("DZ11T", price))), "PRC01")) == expected


def test_reprice_at_the_published_factor() -> None:
    # 3,101 x 1.212802 = 3,760.90; x 1.171131 = 3,631.68
    done = run(stay(**bill("DZ11T", "3101.00", "1.212802")))
    assert money(one(done, "PRC02")) == (376090, 363168, 12922, 12922)


def test_reprice_at_the_published_factor_leaves_the_billed_price() -> None:
    # 3,102 is a pound above the list: 3,102 x 1.212802 = 3,762.11; x 1.171131 = 3,632.85
    done = run(stay(**bill("DZ11T", "3102.00", "1.212802")))
    assert money(one(done, "PRC02")) == (376211, 363285, 12926, 12926)


# ---------------------------------------------------------------- the waterfall


def test_duplicate_before_structure_before_price() -> None:
    # the same stay twice, billed at 3,861 for 3,101: 4,521.74 each
    wrong = bill("DZ11T", "3861.00")
    done = run(stay(**wrong), stay(spell_id="B", **wrong))
    duplicate, overlap = one(done, "DUP02"), one(done, "SPL01")
    # B is gone, 4,521.74
    assert money(duplicate) == (904348, 452174, 452174, 452174)
    # as billed the two would make one of 3,631.68; but one is all there is now
    assert money(overlap) == (904348, 363168, 541180, 0)
    of = {f["spell_ids"][0]: f for f in found(done, "PRC01")}
    # A: 4,521.74 - 3,631.68; B is worth nothing any more
    assert money(of["A"]) == (452174, 363168, 89006, 89006)
    assert money(of["B"]) == (452174, 363168, 89006, 0)
    assert [f["rule"] for f in found(done)] == ["DUP02", "SPL01", "PRC01", "PRC01"]
    assert allowed(done) == {"A": 363168, "B": 0}


def test_a_record_that_is_not_payable_is_worth_nothing_below() -> None:
    # discharged after the month it was billed in, with two days too many and the wrong factor
    bad = bill("DZ11T", "4451.00", "1.2", billed_excess_days="5", activity_month="2022-04")
    done = run(stay(discharge_date="2022-05-23", **bad))
    assert settled(done) == {"SPL11": 534120, "LOS01": 0, "PRC01": 0, "PRC02": 0}
    assert allowed(done) == {"A": 0}
    # each still says what it would have been worth by itself
    assert one(done, "LOS01")["value_pence"] == 64800  # 2 x 270 x 1.2


def test_a_merged_spell_is_not_priced_again() -> None:
    wrong = bill("DZ11T", "3861.00")  # 4,521.74
    done = run(
        stay(**wrong),
        stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-14", **wrong),
    )
    # merged: 2 x 4,521.74 - 3,631.68 = 5,411.80, which holds the wrong prices too
    assert money(one(done, "SPL01")) == (904348, 363168, 541180, 541180)
    assert [f["settled_pence"] for f in found(done, "PRC01")] == [0, 0]
    assert allowed(done) == {"A": 363168, "B": 0}


def test_a_merged_spell_takes_the_right_factor() -> None:
    bad = bill("DZ11T", "3101.00", "1.212802")  # 3,760.90
    done = run(
        stay(**bad),
        stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-14", **bad),
    )
    # merged at the factor billed, 3,760.90; then 3,101 x 1.171131 = 3,631.68, once
    assert money(one(done, "SPL01")) == (752180, 376090, 376090, 376090)
    assert sorted(f["settled_pence"] for f in found(done, "PRC02")) == [0, 12922]
    assert allowed(done) == {"A": 363168, "B": 0}


def test_an_edited_class_stays_edited_when_the_factor_is_put_right() -> None:
    # billed as a day case with the factor of 2022/23: 1,090 x 1.171131 = 1,276.53
    done = run(stay(**TONSILS, **bill("CA60A", "1090.00")))
    # ordinary at the factor billed: 982 x 1.171131 = 1,150.05
    assert money(one(done, "SPL07")) == (127653, 115005, 12648, 12648)
    # as billed: 1,276.53 - 1,090 x 1.212802 (1,321.95) = -45.42;
    # as it stands: 1,150.05 - 982 x 1.212802 (1,190.97) = -40.92
    assert money(one(done, "PRC02")) == (127653, 132195, -4542, -4092)
    assert allowed(done) == {"A": 119097}


def test_days_before_price_before_factor() -> None:
    # 3 days due, 5 billed, and a base of 3,861 for 3,101: 3,861 + 5 x 270 = 5,211 x 1.2 = 6,253.20
    bad = bill("DZ11T", "5211.00", "1.2", billed_excess_days="5")
    done = run(stay(discharge_date="2022-05-23", **bad))
    # 2 x 270 x 1.2 = 648.00
    assert money(one(done, "LOS01")) == (625320, 560520, 64800, 64800)
    # list 3,911 x 1.2 = 4,693.20; 5,605.20 - 4,693.20 = 912.00 is left
    assert money(one(done, "PRC01")) == (625320, 469320, 156000, 91200)
    # 3,911 x 1.171131 = 4,580.29; 4,693.20 - 4,580.29 = 112.91
    assert money(one(done, "PRC02")) == (625320, 610276, 15044, 11291)
    assert allowed(done) == {"A": 458029}


def test_the_short_stay_price_is_not_claimed_again_as_a_wrong_price() -> None:
    done = run(stay(discharge_date="2022-05-04", **bill("DZ11V", "1746.00")))
    assert settled(done) == {"EMR07": 112428, "PRC01": 0}


def test_copies_are_settled_beside_the_spell() -> None:
    wrong = bill("DZ11T", "3861.00")
    done = run(stay(**wrong), stay(**wrong))
    assert settled(done) == {"DUP01": 452174, "PRC01": 89006}
    assert done.manifest["money"]["allowed"] == 363168


def test_copies_that_no_rule_looked_at_stay_allowed() -> None:
    done = run(stay(**DZ11T), stay(**DZ11T), select=("PRC01",))
    assert done.manifest["money"]["allowed"] == done.manifest["money"]["billed"] == 2 * 363168


# A merged spell stays merged: what follows concerns the stay that was made of it.


def test_a_merged_spell_that_is_merged_again_keeps_all_its_parts() -> None:
    done = run(
        stay(discharge_date="2022-05-23", **DZ11T),
        stay(spell_id="B", admission_date="2022-05-20", discharge_date="2022-06-20", **DZ11T),
        stay(
            spell_id="C",
            **{
                **CATARACT,
                **bill("DZ11V", "691.00"),
                "diag_01": "J181",
                "oper_01": "",
                "oper_02": "",
            },
            admission_date="2022-05-10",
            discharge_date="2022-05-10",
        ),
        select=("SPL",),
    )
    # A and B make 48 days at DZ11T, 13,434.04 (see above). The day case C lies inside A: all three
    # make the same 48 days and the same price, so that C's 691 x 1.171131 = 809.25 goes.
    assert one(done, "SPL01")["settled_pence"] == -617068
    assert one(done, "SPL05")["settled_pence"] == 80925
    assert allowed(done) == {"A": 1343404, "B": 0, "C": 0}


def test_what_follows_on_a_merged_spell_is_merged_with_it() -> None:
    done = run(
        stay(**DZ11T),
        stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-12", **DZ11T),
        stay(spell_id="C", admission_date="2022-05-13", discharge_date="2022-05-14", **DZ11T),
        select=("SPL",),
    )
    # A overlaps B: 9 days, 3,631.68. C follows on B by a day: 11 days, still 3,101 and 3,631.68,
    # and so C's 3,631.68 goes although B by itself is worth nothing any more.
    assert one(done, "SPL01")["settled_pence"] == 363168
    assert one(done, "SPL03")["settled_pence"] == 363168
    assert allowed(done) == {"A": 363168, "B": 0, "C": 0}


def test_a_spell_billed_at_nothing_is_not_one_that_is_gone() -> None:
    # A is billed at 5,000 x 1.171131 = 5,855.66, B at nothing; together one stay of 11 days
    done = run(
        stay(**bill("DZ11T", "5000.00")),
        stay(
            spell_id="B",
            admission_date="2022-05-08",
            discharge_date="2022-05-14",
            **bill("DZ11T", "0.00"),
        ),
    )
    # 5,855.66 - 3,631.68; the one stay is priced, and B is not owed a price of its own
    assert money(one(done, "SPL01")) == (585566, 363168, 222398, 222398)
    assert [f["settled_pence"] for f in found(done, "PRC01")] == [0, 0]
    assert allowed(done) == {"A": 363168, "B": 0}


def test_a_merged_spell_that_groups_is_payable() -> None:
    # A cannot be grouped (585.57) and goes on as B (3,631.68): one stay at DZ11T, 17 days, 3,631.68
    done = run(
        stay(diag_01="W190", discharge_destination="51", **bill("UZ01Z", "500.00")),
        stay(spell_id="B", admission_date="2022-05-11", discharge_date="2022-05-20", **DZ11T),
        select=("SPL03", "HRG17"),
    )
    assert money(one(done, "SPL03")) == (421725, 363168, 58557, 58557)
    # the merged record has an HRG: there is nothing left that was charged without one
    assert money(one(done, "HRG17")) == (58557, 0, 58557, 0)
    assert done.manifest["money"]["allowed"] == 363168


@pytest.mark.parametrize(("price", "days"), [("100.00", "5"), ("3911.00", "40"), ("9999.00", "40")])
def test_a_capped_record_never_owes_money(price: str, days: str) -> None:
    bad = bill("DZ11T", price, "1.2", billed_excess_days=days)
    done = run(stay(discharge_date="2022-05-23", **bad), select=("LOS01", "PRC02"))
    assert sum(settled(done).values()) == spell(done)["billed_pence"] - allowed(done)["A"]
    assert allowed(done)["A"] > 0


# ---------------------------------------------------------------- no value


def without_value(finding: Record) -> str:
    """The note of a finding that has no value."""
    assert finding["value_pence"] is None
    assert finding["settled_pence"] is None
    assert finding["note"]
    return str(finding["note"])


def test_nothing_billed_has_no_value() -> None:
    done = run(stay(), stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-14"))
    assert "Nothing is billed" in without_value(one(done, "SPL01"))
    assert allowed(done) == {"A": None, "B": None}


def test_a_price_that_cannot_be_worked_out_has_no_value() -> None:
    # no price list of 2020/21
    row = {**TONSILS, "admission_date": "2020-06-05", "discharge_date": "2020-06-06"}
    done = run(stay(**row, **bill("CA60A", "1090.00")), select=("SPL07",))
    assert "tariff_not_held" in without_value(one(done, "SPL07"))
    assert allowed(done) == {"A": 127653}


def test_an_unknown_factor_has_no_value() -> None:
    # only a total, and a provider in no table
    done = run(stay(provider="ZZZ", **TONSILS, billed_hrg="CA60A", billed_total="1321.95"))
    assert "factor is not known" in without_value(one(done, "SPL07"))


def test_a_factor_that_was_billed_serves_where_none_is_published() -> None:
    done = run(stay(provider="ZZZ", **TONSILS, **bill("CA60A", "1090.00", "1.212802")))
    assert one(done, "SPL07")["settled_pence"] == 13098


def test_excess_days_without_a_factor_have_no_value() -> None:
    row = stay(provider="ZZZ", discharge_date="2022-05-23", billed_hrg="DZ11T")
    done = run({**row, "billed_excess_days": "5", "billed_total": "5212.70"})
    assert "not known" in without_value(one(done, "LOS01"))


def test_a_wrong_factor_on_a_total_alone_has_no_value() -> None:
    done = run(stay(billed_hrg="DZ11T", billed_mff="1.3", billed_total="3631.68"))
    assert "No price before MFF" in without_value(one(done, "PRC02"))


def test_a_factor_of_another_year_is_one_question_a_provider_and_year() -> None:
    def row(number: int, provider: str, day: str, mff: str) -> Row:
        month = day[:8] + "01"
        return stay(
            spell_id=f"S{number}",
            patient_id=f"P{number}",
            provider=provider,
            admission_date=month,
            discharge_date=day,
            **bill("DZ11T", "3439.00", mff),
        )

    done = run(
        row(1, "R1H", "2024-05-10", "1.2"),
        row(2, "R1H", "2024-06-10", "1.2"),
        row(3, "R1H", "2024-06-11", "1.3"),
        row(4, "R1H", "2024-06-12", "1.160713"),  # that of 2023/24, the nearest
        row(5, "R1H", "2025-06-10", "1.2") | KNEE | {"billed_hrg": "HN22E"},
        row(6, "RRV", "2024-05-10", "1.2"),
        row(7, "R1H", "2022-05-10", "1.2"),  # of its own year: a finding with a value
        select=("PRC02",),
    )
    questions = [f for f in found(done, "PRC02") if f["remedy"] == "query"]
    assert sorted(f["records"] for f in questions) == [
        ["provider:R1H:2024/25"],
        ["provider:R1H:2025/26"],
        ["provider:RRV:2024/25"],
    ]
    for question in questions:
        assert "A question" in without_value(question)
        assert question["spell_ids"] == []
    (first,) = [f for f in questions if f["records"] == ["provider:R1H:2024/25"]]
    assert evidence(first) == {
        "Spells": "3",
        "Factor billed": "1.2, 1.3",
        "Factor of 2023/24": "1.160713",
    }
    (valued,) = [f for f in found(done) if f["remedy"] == "reprice"]
    assert valued["records"] == ["spell:R1H:S7"]


@pytest.mark.parametrize(
    ("day", "hrg"),
    [
        ("2020-05-10", "DZ11T"),  # no price list of 2020/21
        ("2025-05-10", "DZ11T"),  # not in that of 2025/26
        ("2024-05-10", "XX99Z"),
    ],
)
def test_it_is_a_question_where_there_is_no_price_too(day: str, hrg: str) -> None:
    row = stay(admission_date=day[:8] + "01", discharge_date=day, **bill(hrg, "3101.00", "1.3"))
    done = run(row, select=("PRC02",))
    assert "A question" in without_value(one(done, "PRC02"))
    assert done.manifest["money"]["settled"] == 0


def test_a_factor_given_for_all_is_no_ground_for_a_claim() -> None:
    row = stay(
        admission_date="2024-05-03", discharge_date="2024-05-10", **bill("DZ11T", "3439.00", "1.2")
    )
    done = run(row, mff=factor("1.1"))
    (rule,) = (r for r in done.manifest["rules"] if r["id"] == "PRC02")
    assert rule["not_run"].startswith("needs the factor of each provider")


# ---------------------------------------------------------------- least value


def changed_rule(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of the shipped signatures with a text of one rule changed."""
    copy = folder / "signatures"
    shutil.copytree(shipped_folder() / "signatures", copy)
    (path,) = copy.rglob(f"{name}-*.yaml")
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    return copy


def test_a_finding_below_the_least_value_of_its_rule_is_none(tmp_path: Path) -> None:
    folder = changed_rule(
        tmp_path, "PRC01", "\nstep: arithmetic\n", "\nstep: arithmetic\nmin_value: 5.00\n"
    )
    rulebook = rulebook_with(folder)
    # 3,102.01 x 1.171131 = 3,632.86: 1.18 too much
    done = run(stay(**bill("DZ11T", "3102.01")), rulebook=rulebook)
    assert found(done) == []
    assert allowed(done) == {"A": 363286}
    assert done.manifest["money"]["settled"] == 0
    # 3,106 x 1.171131 = 3,637.53: 5.85; and too low as well
    for price, value in (("3106.00", 585), ("3096.00", -586)):
        done = run(stay(**bill("DZ11T", price)), rulebook=rulebook)
        assert [f["value_pence"] for f in found(done)] == [value]


def test_a_copy_below_the_least_value_is_none(tmp_path: Path) -> None:
    folder = changed_rule(
        tmp_path, "DUP01", "\nstep: duplicate\n", "\nstep: duplicate\nmin_value: 5.00\n"
    )
    rulebook = rulebook_with(folder)
    small = stay(billed_total="4.99")
    done = run(small, small, rulebook=rulebook, select=("DUP01",))
    assert found(done) == []
    assert done.manifest["money"]["allowed"] == done.manifest["money"]["billed"] == 998


def test_a_rule_that_needs_official_grouping_asks_without_it(tmp_path: Path) -> None:
    folder = changed_rule(
        tmp_path,
        "PRC01",
        "\nstep: arithmetic\n",
        "\nstep: arithmetic\nneeds_official_grouping: true\n",
    )
    done = run(stay(**bill("DZ11T", "3861.00")), rulebook=rulebook_with(folder))
    finding = one(done, "PRC01")
    assert without_value(finding)
    assert finding["remedy"] == "query"
    assert allowed(done) == {"A": 452174}


# ---------------------------------------------------------------- what a finding says


def everything() -> Run:
    """One run of the finding tests of every shipped rule."""
    rows = []
    for pack in shipped().packs:
        if isinstance(pack.manifest, SignaturesPack):
            defaults = {k: str(v) for k, v in pack.manifest.test_defaults.items()}
            tests = [test for rule in pack.rules for test in rule.tests if test.finds]
            rows += [
                {**defaults, **row, "patient_id": f"PATIENT-{n}", "spell_id": f"{n}/{i}"}
                for n, test in enumerate(tests)
                for i, row in enumerate(test.rows)
            ]
    return run(*rows)


@pytest.fixture(scope="module")
def many() -> Run:
    return everything()


def test_evidence_holds_no_patient_id(many: Run) -> None:
    assert many.findings.num_rows > 50
    for name in many.findings.schema.names:
        assert "PATIENT" not in json.dumps(many.findings[name].to_pylist()), name


def test_evidence_is_pairs_of_texts(many: Run) -> None:
    for finding in found(many):
        lines = json.loads(finding["evidence"])
        assert lines
        assert all(len(line) == 2 and all(isinstance(x, str) and x for x in line) for line in lines)


def test_evidence_shows_what_the_rule_looked_at() -> None:
    finding = one(run(stay(discharge_date="2022-05-23", **bill("DZ11T", "3911.00"))
                      | {"billed_excess_days": "5"}), "LOS01")  # fmt: skip
    assert evidence(finding) == {
        "Start date of the hospital provider spell": "2022-05-03",
        "Discharge date of the hospital provider spell": "2022-05-23",
        "HRG that is priced": "DZ11T",
        "Excess bed days billed": "5",
        "Adjusted days above the trim point": "3",
        "Base price": "3,101.00",
        "What counts as billed for the record": "4,580.29",
    }


def test_working_adds_up_to_what_is_allowed(many: Run) -> None:
    for finding in found(many):
        for line in json.loads(finding["working"]):
            name, pence, note = line
            assert name and isinstance(note, str)
            assert pence is None or isinstance(pence, int)


def test_the_working_of_a_long_stay() -> None:
    done = run(stay(discharge_date="2022-05-23", **bill("DZ11T", "3101.00")))
    assert json.loads(one(done, "PRC01")["working"]) == [
        ["Base price", 310100, ""],
        ["Long stay payment", 81000, "3 days above 17 x 270.00"],
        ["Price before MFF", 391100, ""],
        ["Market forces factor", None, "1.171131"],
        ["Price", 458029, "half up to the penny"],
        ["Parameter tolerance", None, "1.00"],
    ]


def test_records_are_kind_provider_id(many: Run) -> None:
    spells = {(s["provider"], s["spell_id"]) for s in many.spells.to_pylist()}
    for finding in found(many):
        assert finding["records"] == sorted(finding["records"])
        for record in finding["records"]:
            kind, provider, name = record.split(":", 2)
            assert kind in ("spell", "provider")
            if kind == "spell":
                assert (provider, name) in spells
                assert name in finding["spell_ids"]


def test_the_id_hashes_the_rule_and_the_records_alone(many: Run) -> None:
    for finding in found(many):
        text = "\n".join([finding["rule"], *finding["records"]])
        assert finding["finding_id"] == hashlib.sha256(text.encode()).hexdigest()[:16]
    ids = many.findings["finding_id"].to_pylist()
    assert len(set(ids)) == len(ids)


def test_the_id_outlives_dates_money_and_the_order_of_rows() -> None:
    def overlap(number: str = "B", **values: str) -> str:
        rows = [
            stay(**{**DZ11T, **values}),
            stay(spell_id=number, admission_date="2022-05-08", discharge_date="2022-05-14"),
            stay(spell_id="Z", patient_id="P9"),
        ]
        identifiers = {one(run(*order), "SPL01")["finding_id"] for order in (rows, rows[::-1])}
        (identifier,) = identifiers
        return str(identifier)

    flex = overlap()
    assert overlap(billed_price="1.00", billed_total="1.00", activity_month="2022-05") == flex
    assert overlap(discharge_date="2022-05-12") == flex
    assert overlap(admission_date="2022-05-09") == flex  # even where the first is now the second
    assert overlap(number="C") != flex
    assert overlap(number="B ") == flex  # a blank around a spell number is no part of it


def test_attributes_of_a_finding_of_two() -> None:
    done = run(
        stay(commissioner="Q1", activity_month="2022-05", **DZ11T),
        stay(
            spell_id="B",
            admission_date="2022-05-08",
            discharge_date="2022-06-02",
            commissioner="Q2",
            activity_month="2022-06",
            **bill("DZ11U", "2538.00"),
        ),
    )
    finding = one(done, "SPL01")
    assert (finding["commissioner"], finding["hrg"]) == ("Q1", "DZ11T")  # of the first
    assert finding["activity_month"] == "2022-06"  # of the last
    assert finding["point_of_delivery"] == "NEL"
    assert finding["cash_pence"] is None


# ---------------------------------------------------------------- provenance


def test_a_price_at_the_billed_hrg_rests_on_published_tables() -> None:
    assert one(run(stay(**bill("DZ11T", "3861.00"))), "PRC01")["provenance"] == "published"


def test_a_price_at_the_grouped_hrg_rests_on_the_reconstruction() -> None:
    done = run(stay(billed_price="3861.00", billed_mff="1.171131"))
    assert one(done, "PRC01")["provenance"] == "reconstructed"


def test_asked_to_price_at_the_grouped_hrg_it_rests_on_the_reconstruction() -> None:
    done = run(stay(**bill("DZ11T", "3861.00")), price_at="grouped")
    finding = one(done, "PRC01")
    assert finding["provenance"] == "reconstructed"
    assert finding["remedy"] == "query"  # so it claims nothing
    assert "the engine's own" in without_value(finding)


def test_a_merged_stay_rests_on_what_decided_its_price() -> None:
    first, second = stay(**DZ11T), stay(spell_id="B", admission_date="2022-05-08", **DZ11T)
    # DZ11T, billed on both, is the dearest
    done = run(first, {**second, "discharge_date": "2022-05-14"})
    assert one(done, "SPL01")["provenance"] == "published"
    # DZ11V of the merged record is dearer than what is billed on both
    cheap = bill("DZ22Q", "738.00")
    done = run({**first, **cheap}, {**second, **cheap, "discharge_date": "2022-05-14"})
    assert one(done, "SPL01")["provenance"] == "reconstructed"


def test_a_finding_rests_on_the_price_list_of_its_own_year(tmp_path: Path) -> None:
    copy = tmp_path / "old"
    shutil.copytree(shipped_folder() / "tariff" / "ntps-2018-19", copy)
    manifest = copy / "pack.yaml"
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace("provenance: published", "provenance: illustrative"), "utf-8")
    now = stay(**bill("DZ11T", "3861.00"))
    then = stay(
        spell_id="B",
        patient_id="P2",
        admission_date="2018-05-03",
        discharge_date="2018-05-10",
        **bill("DZ11T", "3861.00", "1.212802"),
    )
    done = run(now, then, rulebook=rulebook_with(copy))
    assert {f["spell_ids"][0]: f["provenance"] for f in found(done)} == {
        "A": "published",
        "B": "illustrative",
    }


# ---------------------------------------------------------------- whatever the extract


DAYS = st.integers(0, 60)
HRGS = ["DZ11T", "DZ11T", "DZ11U", "DZ11V", "HN22E", "BZ34C", "UZ01Z", "XX99Z", ""]
PRICES = ["3101.00", "3102.01", "2538.00", "1746.00", "786.00", "808.00", "6313.00", "0.00", "0.01"]
FACTORS = ["1.171131", "1.214699", "1.212802", "1"]


@st.composite
def spells_of(draw: Any, spell_id: str) -> list[Row]:
    """The rows of one spell with whatever faults come."""
    year = draw(st.sampled_from([2022, 2022, 2022, 2018, 2024, 2020]))
    admitted = date(year, 5, 1) + timedelta(days=draw(st.integers(0, 12)))
    left = admitted + timedelta(days=draw(st.sampled_from([0, 0, 1, 1, 2, 4, 7, 20, 40, -1])))
    row = stay(
        spell_id=spell_id,
        provider=draw(st.sampled_from(["R1H", "R1H", "R1H", "RRV", "ZZZ"])),
        patient_id=draw(st.sampled_from(["P1", "P1", "P2", ""])),
        admission_date=admitted.isoformat(),
        discharge_date=draw(st.sampled_from([left.isoformat()] * 5 + [""])),
        patient_classification=draw(st.sampled_from(["1", "1", "1", "2", "3"])),
        admission_method=draw(st.sampled_from(["21", "21", "11", "81"])),
        discharge_destination=draw(st.sampled_from(["19", "51"])),
        diag_01=draw(st.sampled_from(["J181", "J181", "N390", "W190", ""])),
        critical_care_days=draw(st.sampled_from(["", "", "1", "9"])),
        activity_month=draw(st.sampled_from(["", f"{year}-05", f"{year}-06"])),
    )
    if draw(st.integers(0, 3)) == 0:
        row |= KNEE
    price, mff = draw(st.sampled_from(PRICES)), draw(st.sampled_from(FACTORS))
    whole = bill(draw(st.sampled_from(HRGS)), price, mff)
    wanted = draw(
        st.sampled_from(
            [
                ("billed_price", "billed_mff", "billed_total"),
                ("billed_price", "billed_mff", "billed_total"),
                ("billed_price", "billed_mff"),
                ("billed_price",),
                ("billed_total",),
                (),
            ]
        )
    )
    row |= {name: whole[name] for name in ("billed_hrg", *wanted)}
    row["billed_excess_days"] = draw(st.sampled_from(["", "", "0", "3", "25"]))
    rows = [row]
    if draw(st.integers(0, 4)) == 0:
        rows.append({**row, "episode_order": "2", "diag_01": "E119"})
    if draw(st.integers(0, 4)) == 0:
        rows.append(rows[-1])
    return rows


@st.composite
def extracts(draw: Any) -> list[Row]:
    """One to six spells of a few patients."""
    count = draw(st.integers(1, 6))
    return [row for n in range(count) for row in draw(spells_of(f"S{n}"))]


def components(done: Run) -> list[tuple[list[Record], list[Record]]]:
    """Spells that findings join, each with the findings; those without a finding are left out."""
    parent: dict[str, str] = {}

    def top(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    findings = [f for f in found(done) if f["spell_ids"]]
    for finding in findings:
        for record in finding["records"]:
            parent[top(record)] = top(finding["records"][0])
    spells, of = defaultdict(list), defaultdict(list)
    for record in done.spells.to_pylist():
        key = f"spell:{record['provider']}:{record['spell_id']}"
        if key in parent:
            spells[top(key)].append(record)
    for finding in findings:
        of[top(finding["records"][0])].append(finding)
    return [(spells[key], of[key]) for key in spells]


@settings(max_examples=30, deadline=None)
@given(rows=extracts())
def test_settled_is_billed_less_allowed(rows: list[Row]) -> None:
    done = run(*rows)
    total = done.manifest["money"]
    values = [f["settled_pence"] or 0 for f in found(done)]
    assert total["billed"] - sum(values) == total["allowed"]
    assert total["settled"] == sum(values)
    assert total["settled_over"] == sum(v for v in values if v > 0)
    assert total["settled_under"] == sum(v for v in values if v < 0)
    once = sum(s["billed_pence"] or 0 for s in done.spells.to_pylist())
    assert total["billed"] == once + total["billed_in_copies"]


@settings(max_examples=30, deadline=None)
@given(rows=extracts())
def test_nobody_is_allowed_less_than_nothing(rows: list[Row]) -> None:
    for record in run(*rows).spells.to_pylist():
        assert record["allowed_pence"] is None or record["allowed_pence"] >= 0
        assert (record["allowed_pence"] is None) == (record["billed_pence"] is None)


@settings(max_examples=30, deadline=None)
@given(rows=extracts())
def test_records_that_findings_join_are_settled_to_the_penny(rows: list[Row]) -> None:
    """So that over-charges, less what was billed too low, never pass what was billed."""
    done = run(*rows)
    for spells, findings in components(done):
        # copies are billed beside their spell
        own = [f for f in findings if f["rule"] != "DUP01"]
        net = sum(f["settled_pence"] or 0 for f in own)
        billed = sum(s["billed_pence"] or 0 for s in spells)
        assert net == billed - sum(s["allowed_pence"] or 0 for s in spells)
        if all((f["settled_pence"] or 0) >= 0 for f in own):
            assert net <= billed


@settings(max_examples=30, deadline=None)
@given(rows=extracts())
def test_settled_and_value_go_together(rows: list[Row]) -> None:
    for finding in found(run(*rows)):
        billed, allowance, value, part = money(finding)
        assert (value is None) == (part is None)
        if value is None:
            assert finding["note"]
        else:
            assert billed is not None
            assert allowance is not None
            assert value == billed - allowance
            assert allowance >= 0


@settings(max_examples=30, deadline=None)
@given(rows=extracts())
def test_findings_are_sorted_and_money_reconciles_by_step_and_class(rows: list[Row]) -> None:
    done = run(*rows)
    findings = found(done)
    keys = [(STEPS.index(f["step"]), f["rule"], f["finding_id"]) for f in findings]
    assert keys == sorted(keys)
    total = done.manifest["money"]
    by_step = {item["step"]: item for item in total["by_step"]}
    assert list(by_step) == [step for step in STEPS if step in by_step]
    for step, item in by_step.items():
        here = [f for f in findings if f["step"] == step]
        assert item["findings"] == len(here) > 0
        assert item["settled"] == sum(f["settled_pence"] or 0 for f in here)
    assert sum(item["settled"] for item in by_step.values()) == total["settled"]
    for name, item in total["by_class"].items():
        for effects in (("cash", "question"), ("suspended",), ("system_neutral",)):
            here = [f for f in findings if f["class"] == name and f["effect"] in effects]
            part = item if "cash" in effects else item.get(effects[0], {"findings": 0})
            assert part["findings"] == len(here)
            if here:
                assert part["value"] == sum(f["value_pence"] or 0 for f in here)
                assert part["settled"] == sum(f["settled_pence"] or 0 for f in here)
                under = [f["settled_pence"] for f in here if (f["settled_pence"] or 0) < 0]
                assert part["settled_under"] == sum(under)
    for rule in {f["rule"] for f in findings}:
        here = [f for f in findings if f["rule"] == rule]
        assert rule_of(done, rule)["findings"] == len(here)
        assert rule_of(done, rule)["settled"] == sum(f["settled_pence"] or 0 for f in here)


@settings(max_examples=30, deadline=None)
@given(rows=extracts(), data=st.data())
def test_any_order_and_any_parts_give_the_same_bytes(rows: list[Row], data: Any) -> None:
    done = run(*rows)
    again = run(
        *data.draw(st.permutations(rows)),
        threads=data.draw(st.integers(1, 2)),
        parts=data.draw(st.integers(1, 3)),
    )
    assert as_csv(done.findings) == as_csv(again.findings)
    assert as_csv(done.spells) == as_csv(again.spells)
    assert done.findings.equals(again.findings)
