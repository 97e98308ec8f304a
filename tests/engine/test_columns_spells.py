"""The fields of a spell (docs/signatures.md), each worked by hand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from tariff.engine.price import PriceInput, Prices
from tariff.packs.compile import NULL64
from tests.engine.columns import spells, state, value, values
from tests.engine.extracts import KNEE, Row, bill, stay

DAY = {"2022-05-03": 19115, "2022-05-10": 19122}


def knee(days: str, **changed: str) -> Row:
    return stay(**{**KNEE, "discharge_date": days, **changed})


def two(first: Row | None = None, second: Row | None = None) -> list[Row]:
    return [stay(episode_order="1", **(first or {})), stay(episode_order="2", **(second or {}))]


# ---------------------------------------------------------------- days, times, names


def test_days_times_and_names_of_a_stay() -> None:
    columns = spells(
        *two(
            {"admission_time": "10:00", "discharge_time": "", "provider": "R1H00"},
            {"admission_time": "11:00", "discharge_time": "09:30", "provider": "R1H00"},
        )
    )
    assert (columns.kind, columns.source, len(columns)) == ("spells", "extract", 1)
    expected = {
        "kind": "spells",
        "record_id": "A",
        "trust": "R1H",
        "tariff_year": "2022/23",
        "start_date": DAY["2022-05-03"],
        "end_date": DAY["2022-05-10"],
        "start_at": DAY["2022-05-03"] * 1440 + 600,
        "end_at": DAY["2022-05-10"] * 1440 + 570,
        "stay_minutes": 7 * 1440 - 30,
        "episodes": 2,
        "priced_root": "DZ11",
        "attended": None,  # a field of another kind
    }
    assert {name: value(columns, name) for name in expected} == expected


def test_a_position_is_found_by_name_where_the_extract_leaves_others_out() -> None:
    columns = spells(stay(diag_03="E119", diag_10="I10X", oper_02="W401"))
    names = ("diag_02", "diag_03", "diag_10", "oper_01", "oper_02", "oper_03")
    assert [value(columns, name) for name in names] == [None, "E119", "I10X", None, "W401", None]


def test_a_moment_needs_day_and_time() -> None:
    columns = spells(stay(admission_time="10:00"))
    assert value(columns, "start_at") is not None
    assert (value(columns, "end_at"), value(columns, "stay_minutes")) == (None, None)


@pytest.mark.parametrize(
    ("provider", "left", "trust"),
    [
        ("R1H", "2022-05-10", "R1H"),
        ("RA400", "2023-03-31", "RA4"),  # taken over by RH5 on 1 April 2023
        ("RA400", "2023-04-01", "RH5"),
        ("RA4", "2023-04-01", "RH5"),
        ("RD3", "2020-09-30", "RD3"),
        ("RD3", "2020-10-01", "R0D"),
        ("RA4", "", "RA4"),  # not known when
    ],
)
def test_a_trust_is_the_body_that_had_taken_it_over(provider: str, left: str, trust: str) -> None:
    row = stay(provider=provider, admission_date="", discharge_date=left)
    assert value(spells(row, year="2022/23"), "trust") == trust


# ---------------------------------------------------------------- codes


def test_codes_of_all_episodes() -> None:
    columns = spells(
        *two(
            {
                "diag_01": "J181",
                "diag_02": "E119",
                "oper_01": "",
                "oper_02": "W401",
                "oper_03": "Z943",
                "oper_date_02": "2022-05-05",
                "ward": "",
                "treatment_function": "300",
            },
            {
                "diag_01": "E110",
                "oper_01": "Z942",
                "oper_02": "W401",
                "oper_date_01": "2022-05-04",
                "ward": "W1",
                "treatment_function": "110",
            },
        ),
        stay(spell_id="B", diag_01=""),
    )
    assert state(
        columns,
        [
            "any_diagnosis", "secondary_diagnosis", "any_diagnosis_category",
            "any_procedure", "secondary_procedure", "any_procedure_category",
            "any_ward", "any_treatment_function", "any_administrative_category",
            "primary_diagnosis", "primary_procedure", "diag_02", "oper_01", "oper_03",
            "diagnosis_chapter", "laterality", "diagnosis_count", "procedure_count",
            "first_procedure_date", "last_procedure_date",
        ],
    ) == {
        "any_diagnosis": [("J181", "E119", "E110"), ()],
        "secondary_diagnosis": [("E119",), ()],
        "any_diagnosis_category": [("J18", "E11", "E11"), ()],
        "any_procedure": [("W401", "Z943", "Z942", "W401"), ()],
        "secondary_procedure": [("W401", "Z943", "W401"), ()],
        # chapters Y and Z say how and where, not what
        "any_procedure_category": [("W40", "W40"), ()],
        "any_ward": [("W1",), ()],
        "any_treatment_function": [("300", "110"), ("300",)],
        "any_administrative_category": [(), ()],
        "primary_diagnosis": ["J181", None],
        "primary_procedure": ["W401", None],
        "diag_02": ["E119", None],
        "oper_01": [None, None],
        "oper_03": ["Z943", None],
        "diagnosis_chapter": ["X", None],
        "laterality": ["Z943", None],
        "diagnosis_count": [3, 0],
        "procedure_count": [4, 0],
        "first_procedure_date": [19116, None],
        "last_procedure_date": [19117, None],
    }  # fmt: skip


def test_two_codes_of_one_category_have_one_id() -> None:
    start, ids, words = spells(stay(diag_02="E110", diag_03="E119")).many("any_diagnosis_category")
    assert [words[i] for i in ids] == ["J18", "E11", "E11"]
    assert ids[1] == ids[2]
    assert start.tolist() == [0, 3]


def test_unbundled_hrgs_of_the_engine_without_their_days() -> None:
    columns = spells(stay(oper_01="U212", oper_02="Y981"), stay(spell_id="B"))
    assert values(columns, "any_unbundled") == [("RD20A",), ()]


# ---------------------------------------------------------------- episodes


@pytest.mark.parametrize(
    ("first", "second", "gap", "overlap", "outside"),
    [
        (("2022-05-03", "2022-05-06"), ("2022-05-06", "2022-05-10"), 0, 0, 0),
        (("2022-05-03", "2022-05-05"), ("2022-05-07", "2022-05-10"), 2, 0, 0),
        (("2022-05-03", "2022-05-08"), ("2022-05-05", "2022-05-10"), 0, 3, 0),
        (("2022-05-03", "2022-05-10"), ("2022-05-05", "2022-05-06"), 0, 1, 0),  # inside the first
        (("2022-05-01", "2022-05-06"), ("2022-05-06", "2022-05-11"), 0, 0, 2),
        (("2022-05-03", "2022-05-06"), ("2022-05-06", "2022-05-13"), 0, 0, 3),
        (("2022-05-03", ""), ("2022-05-06", "2022-05-10"), 0, 0, 0),
    ],
)
def test_gaps_overlaps_and_days_outside(
    first: tuple[str, str], second: tuple[str, str], gap: int, overlap: int, outside: int
) -> None:
    rows = two(
        {"episode_start_date": first[0], "episode_end_date": first[1]},
        {"episode_start_date": second[0], "episode_end_date": second[1]},
    )
    # another spell beside it: its episodes are not those before or after
    other = stay(spell_id="B", episode_start_date="2022-05-03", episode_end_date="2022-05-10")
    columns = spells(*rows, other)
    names = ("episode_gap_days", "episode_overlap_days", "episode_outside_days")
    assert [values(columns, name) for name in names] == [[gap, 0], [overlap, 0], [outside, 0]]


# ---------------------------------------------------------------- codes that cannot be


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        (
            {"diag_02": "I10", "diag_03": "I10X", "diag_04": "E1190"},
            None,
        ),  # fillers, 5th characters
        ({"diag_02": "E999"}, "E999"),
        ({"oper_01": "A999"}, "A999"),
        ({"diag_02": "E999", "oper_01": "A999"}, "E999"),
        ({"diag_02": "E999", "episode_end_date": "2016-03-31"}, None),  # of no edition held
        ({"diag_02": "E999", "episode_end_date": "2016-04-01"}, "E999"),
        ({"oper_01": "A999", "episode_end_date": "2016-03-31"}, "A999"),  # procedures have no dates
    ],
)
def test_the_first_code_that_is_not_valid_on_its_day(changed: Row, code: str | None) -> None:
    assert value(spells(stay(**changed)), "invalid_code") == code


def test_diagnoses_of_all_episodes_stand_before_procedures() -> None:
    assert value(spells(*two({"oper_01": "A999"}, {"diag_02": "E999"})), "invalid_code") == "E999"


@pytest.mark.parametrize(
    ("sex", "age", "codes", "code"),
    [
        ("1", "60", {"diag_02": "O800"}, "O800"),
        ("2", "60", {"diag_02": "O800"}, None),
        ("2", "60", {"diag_02": "N40"}, "N40"),
        ("1", "60", {"diag_02": "N40"}, None),
        ("9", "60", {"diag_02": "N40", "diag_03": "O800"}, None),  # not known
        ("1", "60", {"oper_01": "Q074"}, "Q074"),
        ("2", "60", {"oper_01": "M651"}, "M651"),
        ("1", "18", {"diag_01": "P220"}, None),  # a primary diagnosis of children
        ("1", "19", {"diag_01": "P220"}, "P220"),
        ("1", "19", {"diag_02": "P220"}, None),
        ("1", "999", {"diag_01": "P220"}, None),
        ("1", "0", {"diag_02": "Z380"}, None),
        ("1", "1", {"diag_02": "Z380"}, "Z380"),
    ],
)
def test_codes_kept_for_the_other_sex_or_another_age(
    sex: str, age: str, codes: Row, code: str | None
) -> None:
    assert value(spells(stay(sex=sex, age=age, **codes)), "conflicting_code") == code


# ---------------------------------------------------------------- designs, splits and years


@pytest.mark.parametrize(
    ("hrg", "left", "in_year", "elsewhere"),
    [
        ("DZ11T", "2022-05-10", 1, 1),
        ("CA01Z", "2022-05-10", 0, 1),  # of the design of 2017 to 2019
        ("CA01Z", "2018-05-10", 1, 1),  # of both years of its design
        ("NZ30A", "2017-05-10", 1, 1),  # a delivery stands in the price list
        ("AA02A", "2018-05-10", 0, 1),  # 2016/17 alone
        ("CA01Z", "2016-05-10", None, 1),  # the design of 2016/17 is not held
        ("XX99Z", "2022-05-10", 0, 0),
        ("", "2022-05-10", None, None),
    ],
)
def test_the_design_that_has_the_billed_hrg(
    hrg: str, left: str, in_year: int | None, elsewhere: int | None
) -> None:
    columns = spells(stay(admission_date="", discharge_date=left, billed_hrg=hrg))
    assert value(columns, "billed_hrg_in_year") == in_year
    assert value(columns, "billed_hrg_elsewhere") == elsewhere


@pytest.mark.parametrize(
    ("hrg", "ages", "conflict"),
    [
        ("AA33C", ("19",), 0),  # 19 and over
        ("AA33C", ("18",), 1),
        ("AA33D", ("18",), 0),  # 18 and under
        ("AA33D", ("19",), 1),
        ("AA33D", ("999",), 0),
        ("AA33D", ("",), 0),
        ("AA33D", ("18", "19"), 0),  # a birthday in the stay
        ("DZ11T", ("1",), 0),  # not split by age
        ("", ("1",), 0),
    ],
)
def test_an_age_outside_the_split_that_was_billed(
    hrg: str, ages: tuple[str, ...], conflict: int
) -> None:
    rows = [
        stay(episode_order=str(place), age=age, billed_hrg=hrg) for place, age in enumerate(ages, 1)
    ]
    assert value(spells(*rows), "billed_age_conflict") == conflict


@pytest.mark.parametrize(
    ("price", "year"),
    [
        ("3101.00", None),  # the price of 2022/23
        ("2812.00", "2018/19"),
        ("2812.01", None),
        ("2805.00", "2017/18"),
        ("3439.00", "2024/25"),
        ("", None),
        ("0.00", None),
    ],
)
def test_the_year_whose_price_was_billed(price: str, year: str | None) -> None:
    row = stay(billed_hrg="DZ11T", billed_price=price)
    assert value(spells(row), "billed_price_year") == year


@pytest.mark.parametrize(
    ("hrg", "left", "price", "year"),
    [
        ("DZ32Z", "2022-05-03", "143.00", "2018/19"),  # of 2017/18 and 2018/19: the nearer
        ("LB72A", "2017-05-03", "221.00", "2016/17"),  # of 2016/17 and 2018/19: the earlier
    ],
)
def test_of_two_years_with_one_price(hrg: str, left: str, price: str, year: str) -> None:
    row = knee(left, admission_date=left, billed_hrg=hrg, billed_price=price)
    columns = spells(row)
    assert value(columns, "pre_mff") not in (None, value(columns, "billed_price"))
    assert value(columns, "billed_price_year") == year


@pytest.mark.parametrize(
    ("price", "year"),
    [  # chest pain: 2017/18 346, as BP40 420 or 191; 2018/19 347, as BP40 422 or 192
        ("420.00", "2017/18"),
        ("346.00", "2017/18"),
        ("192.00", None),  # the year prints it
        ("421.00", None),
    ],
)
def test_the_prices_of_a_year_are_those_of_best_practice_too(price: str, year: str | None) -> None:
    row = stay(
        admission_date="2018-06-01",
        discharge_date="2018-06-01",
        billed_hrg="EB12C",
        billed_price=price,
    )
    assert value(spells(row), "billed_price_year") == year


def test_only_spells_with_another_price_are_priced_again(monkeypatch: Any) -> None:
    columns = spells(
        stay(billed_hrg="DZ11T", billed_price="3101.00"),
        stay(spell_id="B", billed_hrg="DZ11T", billed_price="2812.00"),
    )
    asked = []
    price = columns.pricer.run

    def counted(spells: PriceInput) -> Prices:
        asked.append(len(spells.year))
        return price(spells)

    monkeypatch.setattr(columns.pricer, "run", counted)
    assert values(columns, "billed_price_year") == [None, "2018/19"]
    assert set(asked) == {1}


# ---------------------------------------------------------------- the order of components

LONG = {"discharge_date": "2022-05-23"}  # 20 days, 3 above the trim point: 810.00 of 3911.00
SHORT = {"discharge_date": "2022-05-04"}  # 620.00 in place of 3101.00
TOPPED = {**LONG, "specialised_services": "NCBPS23B"}  # 79.27% of 3101.00


@pytest.mark.parametrize(
    ("how", "total", "other"),
    [
        (LONG, "4580.29", 0),  # 3911.00 x 1.171131, as it should be
        (LONG, "4441.68", 1),  # 3101.00 x 1.171131 and 810.00
        (LONG, "4441.69", 0),
        (SHORT, "726.10", 0),  # 620.00 x 1.171131
        (SHORT, "1150.68", 1),  # 3101.00 x 1.171131 less 2481.00
        (TOPPED, "7459.12", 0),
        (TOPPED, "8211.09", 1),  # (3911.00 + 79.27% of it) x 1.171131
        (TOPPED, "6899.84", 1),  # 3101.00 x 1.171131, 810.00 and 2458.16
        (TOPPED, "", 0),
    ],
)
def test_components_taken_in_another_order(how: Row, total: str, other: int) -> None:
    row = stay(**how, billed_hrg="DZ11T", billed_total=total)
    assert value(spells(row), "billed_in_other_order") == other


@pytest.mark.parametrize(
    ("row", "own", "other"),
    [
        (knee("2022-06-12"), 33, 4),  # 40 days; trim points 7 and 36
        (knee("2022-06-12", admission_method="21"), 4, 33),
        (knee("2022-05-10"), 0, 0),
        (knee("2022-05-03", patient_classification="2"), 0, None),  # a day case has none
        (knee("2022-06-12", discharge_date=""), None, None),
    ],
)
def test_excess_days_at_the_other_trim_point(row: Row, own: int | None, other: int | None) -> None:
    columns = spells(row | {"billed_hrg": "HN22E"}, year="2022/23")
    assert value(columns, "excess_days") == own
    assert value(columns, "excess_days_other_trim") == other


# ---------------------------------------------------------------- copies, and the way back


def test_copies_are_billed_again() -> None:
    row = stay(**bill("DZ11T", "3101.00"))
    columns = spells(row, row, row, stay(spell_id="B"))
    assert values(columns, "duplicate_rows") == [2, 0]
    assert columns.copies_billed.tolist() == [2 * 363168, 0]


def test_rows_come_back_as_they_went_in() -> None:
    rows = [
        stay(
            episode_order=str(place),
            admission_time="08:05",
            diag_02="E119",
            oper_01="W401",
            oper_date_01="2022-05-04",
            **bill("DZ11T", "-0.05"),
        )
        for place in (1, 2)
    ]
    columns = spells(*rows, stay(spell_id="B", provider="RRV"))
    back = columns.rows(np.array([1, 0]))
    given = dict.fromkeys(rows[0], "")
    assert back == [given | stay(spell_id="B", provider="RRV"), *rows]
    assert columns.record_keys(np.array([1, 0])) == ["spell:RRV:B", "spell:R1H:A"]
    again = spells(*back)
    assert values(again, "total") == values(columns, "total")


def test_every_field_is_the_same_whatever_the_order_of_the_rows() -> None:
    rows = [
        *two({"diag_02": "E119", "oper_01": "W401"}, {"diag_01": "N390", "ward": "W2"}),
        stay(spell_id="B", patient_id="P2", provider="RA4", oper_01="Z942", billed_hrg="AA33D"),
        stay(spell_id="C", patient_id="P3", **bill("DZ11T", "2812.00")),
    ]
    first = spells(*rows)
    names = [*first.makes_codes, *first.makes_numbers, *first.makes_many, "patient_id", "ward"]
    expected = state(first, names)
    for order in permutations(rows):
        assert state(spells(*order), names) == expected


def test_a_field_that_spells_do_not_have_is_missing() -> None:
    columns = spells(stay())
    assert not columns.is_code("attended") and not columns.is_many("any_investigation")
    assert columns.codes("attended")[0].tolist() == [-1]
    assert columns.number("quantity").tolist() == [NULL64]
    assert columns.many("any_investigation")[0].tolist() == [0, 0]
