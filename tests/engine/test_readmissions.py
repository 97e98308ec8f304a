"""Emergency readmissions, as docs/policies.md says: which count, why not, and what is withheld."""

from __future__ import annotations

import pytest

from tariff.engine.policies import policy_pack
from tests.engine.extracts import Row, shipped
from tests.engine.policies import ALL, after, agreed, applied, spell, term, told

INDEX = spell("A", "2017-05-10", nights=4)
EXCLUSIONS = [item.name for item in policy_pack(shipped(), "readmissions").manifest.exclusions]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("discharged", "days", "counts"),
    [
        ("2017-05-10", 0, True), ("2017-05-10", 30, True), ("2017-05-10", 31, False),
        ("2010-12-20", 14, True), ("2010-12-20", 15, False),
        ("2010-11-20", 8, False), ("2010-11-20", 10, True),  # in force from 1 December 2010
        ("2011-03-20", 14, True), ("2011-03-20", 30, True),  # discharged in 2011/12: 30 days
        ("2019-03-02", 28, True), ("2019-03-02", 30, False),  # ended on 31 March 2019
    ],
)  # fmt: skip
def test_days_and_periods(discharged: str, days: int, counts: bool) -> None:
    index = spell("A", discharged)
    found = told([index, after(index, days)], ALL)["B"]
    assert found["of"] == ("R1H:A" if counts else None)
    assert found["days"] == (days if counts else None)


def test_only_an_emergency_admission_is_a_readmission_and_any_stay_an_index() -> None:
    for method, counts in (("21", True), ("2A", True), ("28", True), ("11", False), ("81", False)):
        assert (
            told([INDEX, after(INDEX, 5, admission_method=method)], ALL)["B"]["of"] is not None
        ) == counts
    for method, kind in (("12", "elective"), ("21", "non_elective"), ("81", "non_elective")):
        index = {**INDEX, "admission_method": method}
        assert told([index, after(index, 5)], ALL)["B"]["index"] == kind


def test_the_index_is_the_last_discharge_before_at_any_provider_which_is_charged() -> None:
    other = spell("X", "2017-05-12", provider="RXX", diag_01="S720")
    found = told([INDEX, other, after(INDEX, 8)], ALL)
    assert found["B"]["of"] == "RXX:X"
    assert found["B"]["charged_to"] == "RXX"
    assert found["X"]["of"] == "R1H:A"  # each is a readmission once, of the one before it


def test_another_patient_and_a_stay_that_is_not_over_are_no_index() -> None:
    stranger = after(INDEX, 5, patient_id="P2")
    assert told([INDEX, stranger], ALL)["B"]["of"] is None
    inside = spell("B", "2017-05-09")  # admitted and gone before the other's discharge
    assert told([INDEX, inside], ALL)["A"]["of"] is told([INDEX, inside], ALL)["B"]["of"] is None


def test_of_two_stays_of_one_day_one_is_the_readmission() -> None:
    morning = spell("Z", "2017-05-10", nights=0, admission_time="08:00", discharge_time="09:00")
    evening = spell("A", "2017-05-10", nights=0, admission_time="20:00", discharge_time="21:00")
    found = told([morning, evening], ALL)
    assert (found["A"]["of"], found["Z"]["of"]) == ("R1H:Z", None)


@pytest.mark.parametrize(
    ("year", "method", "given", "basis", "pence"),
    [
        # 2010/11: above a local threshold; 2011/12: nothing is paid after an elective stay
        ("2010/11", "11", {"threshold": 0}, "above_threshold", 100000),
        ("2010/11", "21", {}, "no_threshold", 0),
        ("2011/12", "11", {}, "not_paid", 100000),
        ("2011/12", "21", {"threshold": 0}, "above_threshold", 100000),
        ("2011/12", "21", {"threshold": 1}, "within_threshold", 0),
        ("2011/12", "21", {"avoidable_share": "0.25"}, "avoidable_share", 25000),
        # from 2012/13: what a clinical review found avoidable
        ("2012/13", "11", {}, "no_avoidable_share", 0),
        ("2013/14", "21", {"avoidable_share": "0.25"}, "avoidable_share", 25000),
        ("2018/19", "11", {"elective_share": "1", "non_elective_share": "0"},
         "avoidable_share", 100000),
        ("2018/19", "21", {"elective_share": "1", "avoidable_share": "0.000004"},
         "avoidable_share", 0),  # 0.4 pence
        ("2018/19", "21", {"avoidable_share": "0.000005"}, "avoidable_share", 1),  # half up
    ],
)  # fmt: skip
def test_what_a_year_withholds(
    year: str, method: str, given: dict[str, object], basis: str, pence: int
) -> None:
    index = spell("A", f"{int(year[:4]) + 1}-01-10", admission_method=method)
    local = agreed(term(year, **given)) if given else agreed()
    found = told([index, after(index, 9)], local)["B"]
    assert (found["basis"], found["withheld_pence"]) == (basis, pence)
    assert found["pence"] == 100000


def test_the_readmissions_after_the_first_ones_are_above_the_threshold() -> None:
    first = spell("A", "2011-05-10")
    rows = [first, after(first, 3, "B")]
    rows.append(after(rows[-1], 3, "C", provider="RXX"))  # after B of R1H: charged to it too
    rows.append(after(rows[-1], 3, "D", commissioner="02B"))  # after C: charged to RXX
    local = agreed(term("2011/12", threshold=1))
    bases = {name: row["basis"] for name, row in told(rows, local).items()}
    assert bases == {
        "A": None, "B": "within_threshold", "C": "above_threshold", "D": "no_threshold",
    }  # fmt: skip


def test_a_threshold_counts_in_the_order_of_discharge() -> None:
    long = spell("B", "2011-06-20", nights=30)  # admitted first, discharged last
    short = spell("D", "2011-06-02", nights=1, patient_id="P2")
    rows = [spell("A", "2011-05-10"), long, spell("C", "2011-05-11", patient_id="P2"), short]
    found = told(rows, agreed(term("2011/12", threshold=1)))
    assert (found["D"]["basis"], found["B"]["basis"]) == ("within_threshold", "above_threshold")


def test_an_amount_is_the_whole_price_or_what_was_billed() -> None:
    local = agreed(term("2017/18", avoidable_share="1"))
    rows = [INDEX, after(INDEX, 5)]
    assert told(rows, local)["B"]["withheld_pence"] == 100000
    as_priced = type(local)(readmissions=local.readmissions)
    # DZ11V, non-elective, flagged BP56: the same-day care price of a stay over 0
    assert told(rows, as_priced)["B"]["withheld_pence"] == 144500
    unpriced = [INDEX, after(INDEX, 5, billed_total="")]
    assert told(unpriced, local)["B"]["basis"] == "no_amount"
    credit = [INDEX, after(INDEX, 5, billed_total="-1000.00")]
    assert told(credit, local)["B"]["withheld_pence"] == 0


# ---------------------------------------------------------------- exclusions

Side = dict[str, str]
EXCLUDED: list[tuple[str, Side, Side]] = [  # name, values of the index, of the readmission
    ("index_died", {"discharge_method": "4"}, {}),
    ("no_national_tariff", {}, {"commissioning_serial_number": "=LOCAL"}),
    ("no_national_tariff", {}, {"billed_hrg": "XX99Z"}),
    ("maternity", {"billed_hrg": "NZ30C"}, {}),
    ("maternity", {}, {"billed_hrg": "NZ30C"}),
    ("cancer", {"diag_02": "C509"}, {}),
    ("cancer", {}, {"diag_01": "D480"}),
    ("cancer", {}, {"oper_01": "X723"}),
    ("under_4", {}, {"age": "3"}),
    ("self_discharge", {"discharge_method": "2"}, {}),
    ("emergency_transfer", {}, {"admission_method": "2B"}),
    ("emergency_transfer", {}, {"admission_method": "28", "admission_source": "51"}),
    ("cross_border", {"commissioner": "7A1"}, {}),
    ("cross_border", {}, {"commissioner": "S08"}),
    ("renal_dialysis", {}, {"diag_02": "Z992"}),
    ("transplant", {"oper_01": "M011"}, {}),
    ("multiple_trauma", {}, {"billed_hrg": "VA14B"}),
    ("multiple_trauma", {}, {"billed_hrg": "VA15B"}),
    ("transport_accident", {}, {"diag_02": "V031"}),
]
PAID_NO_LESS: list[tuple[str, Side, Side]] = [  # just on the other side of each
    ("index_died", {"discharge_method": "1"}, {"discharge_method": "4"}),
    ("no_national_tariff", {"billed_hrg": "XX99Z", "commissioning_serial_number": "="}, {}),
    ("maternity", {}, {"billed_hrg": "MB08A"}),
    ("cancer", {"diag_02": "D360"}, {"diag_01": "D500"}),
    ("under_4", {"age": "3"}, {"age": "4"}),
    ("self_discharge", {}, {"discharge_method": "2"}),
    ("emergency_transfer", {"admission_method": "2B"},
     {"admission_method": "28", "admission_source": "19"}),
    ("cross_border", {"commissioner": "01A"}, {"commissioner": "71A"}),
    ("renal_dialysis", {}, {"diag_02": "Z993"}),
    ("transplant", {"oper_01": "M021"}, {}),
    ("multiple_trauma", {"billed_hrg": "VA14B"}, {"billed_hrg": "VA13B"}),
    ("transport_accident", {"diag_02": "V031"}, {"diag_01": "V031", "diag_02": "W031"}),
]  # fmt: skip


def pair(index: Side, readmission: Side) -> list[Row]:
    blank = {"diag_02": "", "oper_01": "", "commissioning_serial_number": ""}
    first = {**INDEX, **blank, **index}
    return [first, after(first, 5, **{**blank, **readmission})]


@pytest.mark.parametrize(("name", "index", "readmission"), EXCLUDED)
def test_an_exclusion_withholds_nothing(name: str, index: Side, readmission: Side) -> None:
    rows = pair(index, readmission)
    found = told(rows, ALL)["B"]
    assert (found["excluded"], found["basis"], found["withheld_pence"]) == (name, "excluded", 0)
    switches = {name: False, "no_national_tariff": False}  # most of maternity has no price
    switched_off = agreed(*ALL.readmissions.terms, exclusions=switches)
    assert told(rows, switched_off)["B"]["withheld_pence"] == 100000


@pytest.mark.parametrize(("name", "index", "readmission"), PAID_NO_LESS)
def test_just_beside_an_exclusion(name: str, index: Side, readmission: Side) -> None:
    found = told(pair(index, readmission), ALL)["B"]
    assert (found["excluded"], found["withheld_pence"]) == (None, 100000)


def test_every_exclusion_has_both_sides() -> None:
    assert {name for name, *_ in EXCLUDED} == set(EXCLUSIONS) == {n for n, *_ in PAID_NO_LESS}


# ---------------------------------------------------------------- history, what is left out


def test_a_spell_of_the_history_may_be_the_index_and_counts_to_the_threshold() -> None:
    index = spell("A", "2011-05-10")
    earlier = [index, after(index, 3, "B")]
    rows = [after(earlier[-1], 3, "C")]
    local = agreed(term("2011/12", threshold=1))
    found = told(rows, local, earlier)
    assert list(found) == ["C"]  # B is not withheld again
    assert (found["C"]["of"], found["C"]["basis"]) == ("R1H:B", "above_threshold")
    # a spell of both counts once, as in the extract
    again = applied([*rows, earlier[-1]], local, earlier)
    assert again.stays.repeated == 1
    assert again.readmissions.withheld.tolist() == [0, 100000]
    assert any("history that the extract holds too" in notice for notice in again.notices)


def test_what_is_not_looked_at_is_said_and_counted() -> None:
    rows = [
        INDEX,
        after(INDEX, 5, "B", patient_id=""),
        {**after(INDEX, 5, "C"), "admission_date": "2018-01-01"},
        spell("D", "2019-05-10"),
    ]
    done = applied(rows, agreed())
    manifest = done.manifest()["readmissions"]
    assert manifest["left_out"] == {"no_patient_number": 1, "dates_missing_or_reversed": 1}
    assert manifest["outside_the_rule"] == {"2019/20": 1}
    assert manifest["found"] == 0
    text = " ".join(done.notices)
    assert "no patient number: 1" in text
    assert "No readmission rule in 2019/20: 1 emergency spells, nothing withheld" in text


def test_a_number_that_stands_for_many_people_is_left_out() -> None:
    crowd = [spell(f"S{n:04}", "2017-06-10", patient_id="UNKNOWN") for n in range(1001)]
    done = applied([*crowd, INDEX, after(INDEX, 5)], ALL).manifest()["readmissions"]
    assert done["left_out"] == {"patient_number_of_many": 1001}
    assert done["found"] == 1


def test_terms_that_were_not_used_are_reported() -> None:
    local = agreed(
        term("2017/18", avoidable_share="1"),
        term("2017/18", "RZZ", avoidable_share="1"),
        term("2022/23", avoidable_share="1"),
        term("2017/18", "RXX", threshold=3),
    )
    other = spell("X", "2017-09-12", provider="RXX", patient_id="P2")
    rows = [INDEX, after(INDEX, 5), other, after(other, 5, "Y", patient_id="P2")]
    text = "\n".join(applied(rows, local).notices)
    assert "term of RZZ in 2017/18 was not used: provider RZZ is not in the extract" in text
    assert "term of R1H in 2022/23 was not used: nothing in 2022/23 falls under it" in text
    assert "threshold of RXX in 2017/18 was not used" in text
    assert "term of R1H in 2017/18" not in text
