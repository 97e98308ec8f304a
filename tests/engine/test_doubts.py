"""What a record does not tell is no ground for a claim: docs/money.md, Questions.

Prices before the factor, which is 1. EB03A 2017/18: list and not met 5,556, met 6,144 (heart
failure), reduced 1,667 and 1,843. AA35A 2017/18: 11,417, and 840 for alteplase. Major trauma,
level 1: 1,465. HRGs without an area: AA22G 2022/23 2,499.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tariff.engine.run import Options, check
from tariff.extract import open_extract
from tests.engine.extracts import (
    Row,
    Run,
    as_csv,
    bill,
    evidence,
    factor,
    found,
    one,
    run,
    shipped,
    spell,
    stay,
    table_of,
)

SHORT: Row = {"discharge_date": "2017-06-02"}


def billed(hrg: str, price: str, year: str = "2017", **values: str) -> Row:
    """Five days with pneumonia at 70, in June of a year."""
    row = {
        "age": "70",
        "diag_01": "J189",
        "admission_date": f"{year}-06-01",
        "discharge_date": f"{year}-06-06",
        **values,
    }
    return stay(**row, **bill(hrg, price, "1"))


def checked(*rows: Row, **options: str) -> Run:
    """A run at a factor of 1."""
    return run(*rows, mff=factor("1"), **options)


def asked(done: Run, rule: str = "PRC01") -> str:
    """The question of a finding, which has no value."""
    finding = one(done, rule)
    assert (finding["remedy"], finding["value_pence"]) == ("query", None), finding["value_pence"]
    note: str = finding["note"]
    assert note.startswith("A question: ")
    return note.removeprefix("A question: ")


def claimed(done: Run, rule: str = "PRC01") -> int:
    """The value of a finding."""
    finding = one(done, rule)
    assert finding["remedy"] == "reprice"
    value: int = finding["value_pence"]
    return value


# ---------------------------------------------------------------- specialised services


@pytest.mark.parametrize(
    ("row", "rate"),
    [
        # 2,499 x 1.0754 and, of 2016/17, 3,270 x 1.24, where there are no procedures to look at
        (billed("AA22G", "2687.42", "2022"), "7.54 %"),
        (billed("EB03H", "4054.80", "2016"), "24.00 %"),
        (billed("EB03H", "4055.00", "2016"), "24.00 %"),  # rounded to the pound
    ],
)
def test_a_top_up_that_the_extract_does_not_tell_is_a_question(row: Row, rate: str) -> None:
    note = asked(checked(row))
    assert f"plus a specialised top-up of {rate}" in note
    assert "does not tell whether there was such a service" in note


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (billed("AA22G", "2687.42", "2022", specialised_services=""), 188_42),
        (billed("AA22G", "2689.42", "2022"), 190_42),  # two pounds above
        (billed("EB03H", "4054.80", "2016", oper_01="X999"), 784_80),
        # 44 %, of children only, and 28 % for providers on a list
        (billed("EB03H", "4708.80", "2016"), 1438_80),
        (billed("EB03H", "4185.60", "2016", provider="RJ8"), 915_60),
    ],
    ids=["told", "other amount", "worked out", "another age", "provider not on the list"],
)
def test_a_top_up_that_cannot_be_is_claimed(row: Row, value: int) -> None:
    assert claimed(checked(row)) == value


# ---------------------------------------------------------------- criteria


@pytest.mark.parametrize("met", [None, "", "TRUE", "1", "LEVEL 2", "LEVEL_1"])
def test_criteria_that_the_record_does_not_tell_are_a_question(met: str | None) -> None:
    """What is blank, not known, or of another kind of area tells nothing."""
    done = checked(billed("EB03A", "6144", **({} if met is None else {"best_practice_met": met})))
    assert asked(done) == (
        "£6,144 is the Heart Failure price with criteria met, and the record does not tell whether "
        "criteria were met."
    )


@pytest.mark.parametrize(("met", "value"), [("N", 588_00), ("no", 588_00), ("Yes", None)])
def test_criteria_that_the_record_tells_price_it(met: str, value: int | None) -> None:
    done = checked(billed("EB03A", "6144", best_practice_met=met))
    assert (claimed(done) if found(done) else None) == value


def test_spellings_of_criteria_are_read_from_files_too(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(as_csv(table_of([billed("EB03A", "6144", best_practice_met="Yes")])))
    options = Options(threads=1, mff=factor("1"))
    done = check(open_extract([file]), options, rulebook=shipped())
    assert spell(done)["pre_mff_pence"] == 6144_00
    assert found(done) == []


def test_criteria_that_are_not_known_are_named_by_count() -> None:
    said = ("TRUE", "TRUE", "1", "Y", "Level 3", "")
    rows = [
        billed("EB03A", "5556", spell_id=str(n), patient_id=str(n), best_practice_met=met)
        for n, met in enumerate(said)
    ]
    (notice,) = [n for n in checked(*rows).manifest["notices"] if "best_practice_met" in n]
    assert notice.endswith("that are not known, as if nothing were said: TRUE (2), 1 (1).")


# ---------------------------------------------------------------- payments


@pytest.mark.parametrize("met", ["", "N", "Y"])
def test_of_several_payments_met_does_not_tell_which(met: str) -> None:
    note = asked(checked(billed("AA35A", "12257", best_practice_met=met)))
    assert note == (
        "£12,257 is the Acute stroke care price plus £840 for best practice (ALTEPLASE), and the "
        "record does not tell which payments were earned."
    )


def test_payments_that_are_told_are_not_asked_for() -> None:
    assert claimed(checked(billed("AA35A", "12257", best_practice_payments=""))) == 840_00


@pytest.mark.parametrize(
    ("price", "says"),
    [
        ("7609", "price with criteria met plus £1,465 for best practice (TRAUMA_1)"),
        ("7021", "price with criteria not met plus £1,465 for best practice (TRAUMA_1)"),
    ],
)
def test_a_payment_goes_with_every_price_of_the_area(price: str, says: str) -> None:
    assert says in asked(checked(billed("EB03A", price)))


def test_with_the_criteria_told_only_the_payment_is_asked_for() -> None:
    assert claimed(checked(billed("EB03A", "7609", best_practice_met="N"))) == 2053_00
    assert "TRAUMA_1" in asked(checked(billed("EB03A", "7609", best_practice_met="Y")))


# ---------------------------------------------------------------- the reduced short stay


@pytest.mark.parametrize("met", ["", "N"])
def test_a_reduced_price_that_was_billed_was_not_missed(met: str) -> None:
    """Met or not, it is the reduced price; whether it is the right one is asked of the price."""
    done = checked(billed("EB03A", "1843", best_practice_met=met, **SHORT))
    assert found(done, "EMR07") == []
    if met:
        assert claimed(done) == 176_00
    else:
        assert "reduced short stay price with criteria met" in asked(done)


def test_a_full_price_for_a_short_stay_is_claimed_and_says_yes() -> None:
    done = checked(billed("EB03A", "5556", **SHORT))
    assert claimed(done, "EMR07") == 3889_00
    assert evidence(one(done, "EMR07"))["Whether the reduced short stay price is due"] == "yes"


# ---------------------------------------------------------------- outside the national tariff


def test_money_billed_outside_the_national_tariff_is_told() -> None:
    rows = [
        billed("EB03A", "5556", spell_id=s, patient_id=s, commissioning_serial_number="=A")
        for s in "AB"
    ]
    done = checked(*rows, billed("EB03A", "5556", spell_id="C", patient_id="C"))
    assert found(done) == []
    (notice,) = [n for n in done.manifest["notices"] if "outside the national tariff" in n]
    assert notice == (
        "Spells outside the national tariff (local price path): 2, billed £11,112.00. Their price "
        "is not checked."
    )


def test_a_part_of_a_record_outside_the_national_tariff_is_a_question_that_says_so() -> None:
    first = billed("EB03A", "6144", commissioning_serial_number="=A", discharge_date="2017-06-03")
    second = billed("EB03A", "6144", episode_order="2", admission_date="2017-06-01")
    assert "some episodes of the record, not all, are marked" in asked(checked(first, second))
