"""The fields of attendances, emergency care, critical care and lines, each worked by hand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from tariff.engine.other_columns import OtherColumns, other_block
from tariff.errors import UsageError
from tariff.extract import open_extract
from tariff.packs.compile import NULL64
from tests.engine.columns import others, state, value, values
from tests.engine.extracts import Row, factor, shipped

VISIT: Row = {
    "provider": "R1H00",
    "attendance_id": "1",
    "patient_id": "P1",
    "attendance_date": "2022-05-03",
    "attendance_time": "10:30",
    "age": "50",
    "sex": "1",
    "first_attendance": "1",
    "attended": "5",
    "main_specialty": "110",
    "treatment_function": "110",
    "administrative_category": "01",
}
ARRIVAL: Row = {
    "provider": "RA4",
    "attendance_id": "1",
    "patient_id": "P1",
    "arrival_date": "2023-04-01",
    "arrival_time": "23:50",
    "departure_date": "2023-04-02",
    "departure_time": "03:50",
    "department_type": "01",
    "age": "50",
    "billed_hrg": "VB09Z",
}
PERIOD: Row = {
    "provider": "R1H",
    "period_id": "C1",
    "spell_id": "A",
    "start_date": "2022-05-03",
    "start_time": "12:00",
    "end_date": "2022-05-05",
    "end_time": "11:00",
    "unit_function": "01",
    "level_2_days": "3",
    "advanced_respiratory_days": "2",
    "basic_cardiovascular_days": "3",
}
DRUG: Row = {
    "provider": "R1H",
    "line_id": "L1",
    "patient_id": "P1",
    "point_of_delivery": "DRUG",
    "tariff_code": "ADALIMUMAB",
    "start_date": "2022-05-03",
    "end_date": "",
    "quantity": "3",
    "unit_price": "10.05",
    "billed_total": "40.00",
}
DAY = {"2022-05-03": 19115, "2022-05-05": 19117, "2023-04-01": 19448, "2023-04-02": 19449}


def visit(**changed: str) -> Row:
    return {**VISIT, **changed}


def line(**changed: str) -> Row:
    return {**DRUG, **changed}


def expect(block: OtherColumns, **expected: Any) -> None:
    assert {name: value(block, name) for name in expected} == expected


# ---------------------------------------------------------------- each kind


def test_a_position_is_found_by_name_where_the_extract_leaves_others_out() -> None:
    block = others("attendances", visit(diag_03="E119", diag_10="I10X"))
    expect(
        block,
        primary_diagnosis=None,
        diag_02=None,
        diag_03="E119",
        diag_10="I10X",
        secondary_diagnosis=("E119", "I10X"),
    )


def test_an_attendance() -> None:
    block = others(
        "attendances",
        visit(
            diag_01="M171",
            diag_02="E119",
            oper_01="",
            oper_02="W903",
            oper_03="Z943",
            unbundled_01="RD40Z*2",
            unbundled_02="RD40Z",
            billed_hrg="WF01B",
            billed_price="169.00",
            billed_mff="1.171131",
            activity_month="2022-05",
            outcome="1",
        ),
    )
    expect(
        block,
        kind="attendances",
        record_id="1",
        trust="R1H",
        tariff_year="2022/23",
        start_date=DAY["2022-05-03"],
        end_date=DAY["2022-05-03"],
        start_at=DAY["2022-05-03"] * 1440 + 630,
        end_at=DAY["2022-05-03"] * 1440 + 630,
        stay_minutes=0,
        primary_diagnosis="M171",
        primary_procedure="W903",
        diagnosis_chapter="XIII",
        laterality="Z943",
        diagnosis_count=2,
        procedure_count=2,
        any_diagnosis=("M171", "E119"),
        secondary_diagnosis=("E119",),
        any_diagnosis_category=("M17", "E11"),
        any_procedure=("W903", "Z943"),
        secondary_procedure=("W903", "Z943"),
        any_unbundled=("RD40Z", "RD40Z"),
        any_treatment_function=("110",),
        any_administrative_category=("01",),
        attendance_hrg="WF01B",
        priced_hrg="WF01B",
        priced_root="WF01",
        price_outcome="priced",
        outcome="1",  # the file's own
        base=169_00,
        pre_mff=169_00 + 3 * 43_00,  # and three scans
        mff=1_171_131_000,
        billed=197_92,  # 169.00 x 1.171131 = 197.921
        billed_product=197_92,
        billed_factor=1_171_131_000,
        activity_month_end=19143,  # 31 May 2022
        duplicate_rows=0,
        spell_days=None,
        any_ward=None,
    )
    assert value(block, "total") == 349_00  # 298.00 x 1.171131 = 348.997
    assert not block.before_mff().any()


def test_what_was_billed_of_an_attendance_without_an_hrg_is_the_one_it_leads_to() -> None:
    block = others("attendances", visit(), visit(attendance_id="2", billed_hrg="WF01A"))
    assert values(block, "priced_hrg") == ["WF01B", "WF01A"]
    assert values(block, "billed_hrg") == [None, "WF01A"]


def test_an_emergency_attendance() -> None:
    block = others(
        "emergency",
        {**ARRIVAL, "investigation_01": "24", "treatment_02": "01", "diag_01": "S500"},
        as_year="2022/23",
    )
    expect(
        block,
        kind="emergency",
        record_id="1",
        trust="RH5",  # which took RA4 over on the day before
        start_date=DAY["2023-04-01"],
        end_date=DAY["2023-04-02"],
        stay_minutes=240,
        tariff_year="2022/23",
        any_investigation=("24",),
        any_treatment=("01",),
        any_diagnosis=("S500",),
        primary_diagnosis="S500",
        diagnosis_chapter="XIX",
        diagnosis_count=1,
        procedure_count=None,
        priced_hrg="VB09Z",
        price_outcome="priced",
        outcome=None,
    )
    assert value(block, "hrg") is not None


def test_an_emergency_attendance_without_departure_ends_on_its_day() -> None:
    block = others("emergency", {**ARRIVAL, "departure_date": "", "departure_time": ""})
    expect(block, end_date=DAY["2023-04-01"], end_at=None, stay_minutes=None, trust="RH5")


def test_a_period_of_critical_care_has_no_price() -> None:
    expect(
        others("critical_care", PERIOD),
        record_id="C1",
        spell_id="A",
        start_date=DAY["2022-05-03"],
        end_date=DAY["2022-05-05"],
        stay_minutes=2 * 1440 - 60,
        period_days=3,
        level_2_days=3,
        tariff_year="2022/23",
        hrg="XC05Z",  # two organs
        hrg_root="XC05",
        priced_hrg="XC05Z",
        price_outcome=None,
        base=None,
        pre_mff=None,
        total=None,
        mff=None,
    )


def test_a_line() -> None:
    expect(
        others("lines", DRUG),
        kind="lines",
        record_id="L1",
        start_date=DAY["2022-05-03"],
        end_date=DAY["2022-05-03"],  # the last day, else the first
        start_at=None,
        amount=30_15,
        price_outcome="passed_through",
        pre_mff=30_15,
        total=30_15,
        priced_hrg="ADALIMUMAB",
        listed_as="group",
        fixed_element="no",
        hrg=None,
        billed=40_00,
        any_treatment_function=(),
        any_procedure=None,
    )


@pytest.mark.parametrize(
    ("quantity", "unit", "amount"),
    [("", "1.00", None), ("2", "", None), ("0", "1.00", 0), ("-2", "1.50", -3_00)],
)
def test_the_amount_of_a_line(quantity: str, unit: str, amount: int | None) -> None:
    assert value(others("lines", line(quantity=quantity, unit_price=unit)), "amount") == amount


# ---------------------------------------------------------------- prices that are not known


def test_a_price_that_is_not_complete_is_missing() -> None:
    block = others(
        "attendances",
        visit(provider="XXX", attendance_id="1"),  # no factor of it is known
        visit(attendance_id="2", attended="3"),
        visit(attendance_id="3", attendance_date="2020-05-03"),  # no prices of the year are held
    )
    assert state(block, ["record_id", "price_outcome", "pre_mff", "total"]) == {
        "record_id": ["2", "3", "1"],
        "price_outcome": ["excluded", None, "priced"],
        "pre_mff": [0, None, 169_00],
        "total": [0, None, None],
    }


def test_a_factor_of_another_year_gives_no_total() -> None:
    block = others("attendances", visit(provider="RA4", attendance_date="2022-05-03"))
    given = others("attendances", visit(provider="RA4"), mff=factor("1.1"))
    assert value(given, "total") == 185_90
    other = block.mff_of_other_year(np.array([0]))
    assert (value(block, "total") is None) == bool(other[0])
    assert value(block, "pre_mff") == 169_00


# ---------------------------------------------------------------- order and copies


def test_copies_are_set_aside_and_counted() -> None:
    row = visit(billed_total="10.00")
    block = others("attendances", row, visit(attendance_id="0"), row, row, visit(sex="2"))
    assert state(block, ["record_id", "sex", "duplicate_rows"]) == {
        "record_id": ["0", "1", "1"],
        "sex": ["1", "1", "2"],
        "duplicate_rows": [0, 2, 0],
    }
    assert block.copies_billed.tolist() == [0, 20_00, 0]
    assert [notice.rsplit(": ", 1)[1] for notice in block.notices[-2:]] == ["2.", "1."]


def test_every_field_is_the_same_whatever_the_order_of_the_rows() -> None:
    rows = [
        visit(provider="RRV", oper_01="W903", billed_hrg="HN22E"),
        visit(attendance_id="10", diag_01="M171"),
        visit(attendance_id="2", diag_01="E119", patient_id=""),
        visit(attendance_id="2", diag_01="E119", patient_id="P7", unbundled_01="RD40Z"),
        visit(attendance_id="2", diag_01="E119", patient_id="P7", unbundled_01="RD40Z"),
    ]
    first = others("attendances", *rows)
    names = [*first.makes_codes, *first.makes_numbers, *first.makes_many, "patient_id", "sex"]
    expected = state(first, names)
    assert expected["record_id"] == ["10", "2", "2", "1"]
    assert expected["patient_id"] == ["P1", None, "P7", "P1"]  # a blank stands first
    keys = first.record_keys(np.arange(4))
    for order in permutations(rows):
        block = others("attendances", *order)
        assert state(block, names) == expected
        assert block.record_keys(np.arange(4)) == keys
        assert [block.provenance(i) for i in range(4)] == [first.provenance(i) for i in range(4)]


# ---------------------------------------------------------------- the way back


@pytest.mark.parametrize(
    ("dataset", "row", "key"),
    [
        ("attendances", visit(billed_mff="1.171131", billed_price="169.00"), "attendance:R1H00:1"),
        ("emergency", {**ARRIVAL, "investigation_01": "24"}, "emergency:RA4:1"),
        ("critical_care", PERIOD, "critical_care:R1H:C1"),
        ("lines", line(billed_total="-0.05", activity_month="2022-05"), "line:R1H:L1"),
    ],
)
def test_records_come_back_as_they_went_in(dataset: str, row: Row, key: str) -> None:
    block = others(dataset, row)
    assert block.rows(np.array([0])) == [row]
    assert block.record_keys(np.array([0])) == [key]


def test_what_was_read_is_kept() -> None:
    block = others("attendances", visit(), visit(attendance_id="", sex="2"), *[visit()] * 38)
    assert block.rejects is not None and block.rejects.num_rows == 1
    assert [item.rows for item in block.inputs] == [40]
    assert values(block, "duplicate_rows") == [38]


def test_a_file_given_twice_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(",".join(VISIT) + "\n" + ",".join(VISIT.values()) + "\n")
    with pytest.raises(UsageError, match="given twice"):
        other_block(open_extract([path, path], dataset="attendances"), shipped())


def test_a_field_that_the_kind_does_not_have_is_missing() -> None:
    block = others("lines", DRUG)
    assert not block.is_code("attended") and not block.is_many("any_procedure")
    assert block.codes("attended")[0].tolist() == [-1]
    assert block.number("period_days").tolist() == [NULL64]
    assert block.many("any_procedure")[0].tolist() == [0, 0]
