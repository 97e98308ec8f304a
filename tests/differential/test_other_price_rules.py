"""docs/pricing-other-care.md sentence by sentence: engine and oracle, on a few records each.

Vectors are named where a rule is theirs; all of them are priced in tests/reference and tests/e2e.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tariff.reference.other_price import OtherPrice
from tariff.reference.price import PriceOptions
from tests.differential.other_care import KEYS
from tests.differential.price_other_care import compare, run
from tests.differential.strategies import Row

ONE = PriceOptions(mff=10**9)
YEARS = ("2016/17", "2017/18", "2018/19", "2022/23")
DAYS = {"attendances": "attendance_date", "emergency": "arrival_date", "lines": "end_date"}
ATTENDANCE: Row = {
    "billed_hrg": "WF01B", "treatment_function": "100", "main_specialty": "100",
    "first_attendance": "1", "attended": "5", "administrative_category": "01",
}  # fmt: skip


def priced(dataset: str, *records: Row, options: PriceOptions = ONE) -> list[OtherPrice]:
    """What engine and oracle say, of records that state their year."""
    rows = [
        {
            "provider": "R1H",
            KEYS[dataset]: f"R{number:03}",
            DAYS[dataset]: date(int(record["year"][:4]), 6, 1),
            **{name: value for name, value in record.items() if name != "year"},
        }
        for number, record in enumerate(records)
    ]
    return compare(dataset, rows, options)


def attendance(year: str = "2022/23", **fields: Any) -> Row:
    return {**ATTENDANCE, "year": year, **fields}


def line(year: str = "2022/23", **fields: Any) -> Row:
    return {"year": year, "quantity": 1, **fields}


# ---------------------------------------------------------------- what is excluded


@pytest.mark.parametrize("year", YEARS)
def test_functions_excluded_before_grouping_by_year(year: str) -> None:
    """EX01 to EX16: a list and not a range. 714 is in none; 730 (EX10, EX11) from 2022/23."""
    always = ["318", "319", "199", "499", "700", "424", "343", "264", "715"]
    always += [str(code) for code in (*range(710, 714), *range(720, 728))]
    never = ["714", "716", "100", "130"] + ([] if year == "2022/23" else ["730"])
    later = ["730"] if year == "2022/23" else []
    found = priced(
        "attendances",
        *(attendance(year, treatment_function=code) for code in (*always, *later, *never)),
    )
    shut = [price.price_reasons == "function_excluded" for price in found]
    assert shut == [True] * len(always + later) + [False] * len(never)
    assert {price.outcome for price in found[: len(always)]} == {"excluded"}


@pytest.mark.parametrize(
    ("serial", "reasons"),
    [
        ("=12", "marked_local marked_first"),
        ("12=", "marked_local marked_last"),
        ("=", "marked_local marked_first marked_last"),
        ("1=2", None),
        (None, None),
    ],
)
def test_the_marker_counts_first_or_last_and_which_is_kept(
    serial: str | None, reasons: str | None
) -> None:
    """EX19, EX35: sources differ on its place."""
    visit = {"year": "2022/23", "billed_hrg": "VB08Z", "department_type": "01"}
    found = [
        *priced("attendances", attendance(commissioning_serial_number=serial)),
        *priced("emergency", {**visit, "commissioning_serial_number": serial}),
    ]
    assert [price.price_reasons for price in found] == [reasons] * 2
    assert [price.outcome for price in found] == ["excluded" if reasons else "priced"] * 2


def test_an_excluded_record_and_one_priced_at_zero_are_counted_apart() -> None:
    """EX28, EX36 and the zero prices: both pay nothing."""
    rows = [
        attendance(attended="3"),
        attendance(billed_hrg="RD97Z"),
        attendance(treatment_function="812"),
    ]
    found = priced("attendances", *rows)
    assert [price.total_pence for price in found] == [0, 0, 0]
    assert [price.outcome for price in found] == ["excluded", "zero_price", "zero_price"]
    keys = {"provider": "R1H", "attendance_date": date(2022, 6, 1)}
    given = [{**keys, **row, "attendance_id": f"A{n}"} for n, row in enumerate(rows)]
    manifest = run("attendances", [{k: v for k, v in r.items() if k != "year"} for r in given], ONE)
    assert manifest.manifest["outcomes"] == {"excluded": 1, "zero_price": 2}


def test_direct_access_without_a_price_is_not_tried_as_an_attendance() -> None:
    (price,) = priced("attendances", attendance(direct_access="Y"))
    assert (price.outcome, price.total_pence) == ("no_tariff", 0)


def test_a_partial_list_leaves_open_what_it_does_not_hold() -> None:
    """2013/14 holds four prices of ophthalmology: nothing else is local, it is not known."""
    rows = [
        attendance("2013/14", treatment_function="130"),
        attendance("2013/14"),
        attendance("2013/14", billed_hrg="BZ02Z", treatment_function="130"),
        attendance("2013/14", direct_access="Y"),
        attendance("2013/14", treatment_function="710"),
    ]
    found = priced("attendances", *rows)
    assert [price.total_pence for price in found] == [10600, None, None, None, 0]
    partial = (False, "list_is_partial")
    assert [(price.complete, price.price_reasons) for price in found[1:4]] == [partial] * 3


@pytest.mark.parametrize("year", YEARS)
def test_rebundled_imaging_changes_neither_a_procedure_nor_a_spell(year: str) -> None:
    """Beside an attendance alone it is paid. RA01A and RD01A: a scan by magnetic resonance."""
    scan = "RA01A" if year == "2016/17" else "RD01A"
    procedure = "BZ22Z" if year == "2016/17" else "BZ33Z"
    rows = [
        attendance(year, **record)
        for core in (procedure, "WF01B")
        for record in ({"billed_hrg": core}, {"billed_hrg": core, "unbundled_01": scan})
    ]
    plain, scanned, seen, seen_and_scanned = priced("attendances", *rows)
    assert plain.total_pence == scanned.total_pence
    assert plain.total_pence and seen.total_pence and seen_and_scanned.total_pence
    assert seen_and_scanned.total_pence > seen.total_pence
    for pod in ("DC", "EL", "NEL"):
        (price,) = priced("lines", line(year, tariff_code=scan, core_point_of_delivery=pod))
        assert (price.outcome, price.total_pence) == ("rebundled", 0)


# ---------------------------------------------------------------- maternity


def payment(phase: str, factors: str | None, year: str = "2022/23", **fields: Any) -> Row:
    pod = {"antenatal": "MATPATHAN", "postnatal": "MATPATHPN"}[phase]
    return line(year, point_of_delivery=pod, maternity_factors=factors, **fields)


@pytest.mark.parametrize(
    ("year", "phase", "factors", "level"),
    [
        ("2022/23", "antenatal", None, 1),
        ("2022/23", "antenatal", "none", 1),
        ("2022/23", "antenatal", "HIV; age under 20", 3),
        ("2022/23", "antenatal", "No  English", 2),  # one of the seven social factors
        ("2022/23", "antenatal", "BMI=35", 1),
        ("2022/23", "antenatal", "BMI 35.1", 2),
        ("2022/23", "antenatal", "BMI=49", 2),
        ("2022/23", "antenatal", "BMI=49.1", 3),
        ("2022/23", "antenatal", "BMI=17.9", 2),
        ("2022/23", "antenatal", "BMI=18", 1),
        ("2022/23", "postnatal", "BMI=17.9", 1),  # not a factor after birth
        ("2022/23", "postnatal", "BMI=49.5", 2),
        ("2022/23", "postnatal", "BMI=50", 3),
        ("2018/19", "postnatal", "BMI=52", 2),
        ("2022/23", "antenatal", "AGE=19", 2),
        ("2022/23", "antenatal", "AGE=20", 1),
        ("2016/17", "antenatal", "age under 20", 2),  # through the composite
        ("2022/23", "postnatal", "organ transplant", 3),
        ("2018/19", "postnatal", "organ transplant", 1),  # a factor before birth only
        ("2022/23", "postnatal", "twins", 2),
        ("2022/23", "antenatal", "FETUSES=2", 3),
        ("2022/23", "antenatal", "PAPP-A=0.414; ALCOHOL=13", 2),
    ],
)
def test_the_level_is_that_of_the_highest_factor(
    year: str, phase: str, factors: str | None, level: int
) -> None:
    (price,) = priced("lines", payment(phase, factors, year))
    prefix = "NZAN" if phase == "antenatal" else "NZPO"
    assert (price.priced_hrg, price.outcome) == (f"{prefix}{level}", "priced")
    assert price.point_of_delivery == f"MATPATH{prefix[2:].replace('PO', 'PN')}"


def test_an_intermediate_factor_never_changes_an_intensive_level() -> None:
    words = ["age under 20", "alcohol", "hypertension", "BMI=40", "stillbirth", "homeless"]
    rows = [payment("antenatal", f"HIV; {word}") for word in words]
    assert {price.total_pence for price in priced("lines", *rows)} == {276700}


def test_an_unknown_factor_is_said_and_never_standard() -> None:
    found = priced(
        "lines", payment("antenatal", "left-handed"), payment("antenatal", "HIV; HEIGHT=150")
    )
    for price in found:
        assert (price.complete, price.total_pence) == (False, None)
        assert price.price_reasons == "factor_unknown"


def test_a_code_names_the_level_where_no_factor_is_given() -> None:
    rows = [
        payment("antenatal", None, tariff_code="NZAN3"),
        payment("antenatal", "none", tariff_code="NZAN3"),
        line(tariff_code="NZPO2"),
        payment("antenatal", None, tariff_code="NZ16Z"),
    ]
    found = priced("lines", *rows)
    assert [price.priced_hrg for price in found] == ["NZAN3", "NZAN1", "NZPO2", "NZ16Z"]
    assert [price.price_reasons for price in found] == [
        "level_as_billed", "level_differs", "level_as_billed", "hrg_not_in_tariff",
    ]  # fmt: skip
    assert found[2].point_of_delivery == "MATPATHPN"
    (price,) = priced("lines", line(point_of_delivery="MATPATHAN"))  # a file without factors
    assert (price.complete, price.price_reasons) == (False, "level_unknown")


# ---------------------------------------------------------------- as billed


def test_drugs_and_devices_keep_their_cost_without_a_factor() -> None:
    row = {"point_of_delivery": "DRUG", "unit_price": 1_050, "tariff_code": "ADALIMUMAB"}
    found = priced(
        "lines",
        line(**row | {"quantity": 3}),
        line(**row | {"quantity": 0, "billed_price": 7_700}),  # monitoring: no units of a drug
        line(point_of_delivery="DEVICE", quantity=None, billed_price=900),
        line(point_of_delivery="DEVICE"),
        options=PriceOptions(),
    )
    assert [price.total_pence for price in found] == [3_150, 7_700, 900, None]
    outcomes = ["passed_through"] * 3 + [None]  # without an amount nothing was passed through
    assert [(price.outcome, price.mff) for price in found] == [(said, None) for said in outcomes]
    assert [price.complete for price in found] == [True, True, True, False]


@pytest.mark.parametrize(
    ("year", "pod", "name", "said"),
    [
        ("2022/23", "DRUG", "adalimumab", ("group", "Cytokine modulators", None, None, "no")),
        ("2017/18", "DRUG", "ADALIMUMAB", ("group", "Cytokine modulators", None, None, None)),
        ("2022/23", "DRUG", "Libmeldy", ("advanced_therapy", None, None, None, None)),
        ("2022/23", "DEVICE", "Aneurysm  coils", ("device", None, "NHS England", "Yes", None)),
        ("2017/18", "DEVICE", "Cochlear Prosthesis", ("removed", None, None, None, None)),
        ("2022/23", "DEVICE", "UroLift", ("innovative_product", None, None, None, None)),
        ("2022/23", "DEVICE", "adalimumab", ("not_matched", None, None, None, None)),
        ("2022/23", "DRUG", "adalimumabb", ("not_matched", None, None, None, None)),
        ("2013/14", "DRUG", "adalimumab", (None, None, None, None, None)),  # no list is held
    ],
)
def test_what_the_lists_of_the_year_say(
    year: str, pod: str, name: str, said: tuple[str | None, ...]
) -> None:
    by_code = line(year, point_of_delivery=pod, tariff_code=name, unit_price=1)
    by_name = line(year, point_of_delivery=pod, tariff_code="X1", item_name=name, unit_price=1)
    for price in priced("lines", by_code, by_name):
        found = (
            price.listed_as, price.listed_group, price.listed_commissioner,
            price.national_programme, price.fixed_element,
        )  # fmt: skip
        assert found == said
        assert price.complete


@pytest.mark.parametrize("pod", ["ADJUSTMENT", "BLOCK", "CQUIN", "NAOTHER"])
def test_money_with_no_activity_is_kept(pod: str) -> None:
    """A quantity of 0 is not a price of nothing."""
    row = line(point_of_delivery=pod, quantity=0)
    found = priced(
        "lines",
        {**row, "billed_price": -1_250_000},
        {**row, "billed_price": 100, "billed_mff_amount": 17},
        {**row, "billed_price": 100, "billed_total": 120},
        {**row, "unit_price": 4_312},
        row,
    )
    assert [price.total_pence for price in found] == [-1_250_000, 117, 120, 4_312, None]
    assert {(price.outcome, price.mff) for price in found} == {("money_only", None)}
    assert [price.complete for price in found] == [True] * 4 + [False]


# ---------------------------------------------------------------- kinds of price


@pytest.mark.parametrize(
    ("dataset", "record", "kind"),
    [
        ("attendances", attendance(), "unit"),
        ("attendances", attendance("2016/17"), "national"),
        ("attendances", attendance(treatment_function="347"), "guide"),  # outside the list
        ("attendances", attendance(treatment_function="400"), "local"),
        ("attendances", attendance(billed_hrg="FE35Z"), "unit"),
        ("lines", line(tariff_code="RD20A", core_point_of_delivery="OPFASPCL"), "national"),
        ("lines", line(tariff_code="RN16A", core_point_of_delivery="OPFASPCL"), "unit"),
        ("lines", line(tariff_code="LD02A"), "guide"),
        ("lines", line("2017/18", tariff_code="LD02A"), "national"),
        ("lines", line(tariff_code="LE01A"), "guide"),  # EX24: no figure is held
        ("lines", line(tariff_code="XC05Z"), "local"),  # EX21
        ("lines", line(tariff_code="XA01Z"), "benchmark"),
        ("lines", line(tariff_code="CYF2A"), "unit"),
        ("lines", line("2016/17", tariff_code="CYF2A"), "national"),
        ("lines", line(tariff_code="PARKINSONS"), "unit"),
        ("lines", payment("antenatal", "HIV"), "unit"),
        ("lines", line(point_of_delivery="DRUG", unit_price=1), None),
    ],
)
def test_the_kind_of_a_price(dataset: str, record: Row, kind: str | None) -> None:
    (price,) = priced(dataset, record)
    assert price.price_type == kind


@pytest.mark.parametrize(("stated", "national"), [("AANDE", "AE"), ("UNBREHA", "UNBREHAB")])
def test_other_spellings_of_a_point_of_delivery(stated: str, national: str) -> None:
    (price,) = priced("lines", line(tariff_code="ZZ99Z", point_of_delivery=stated))
    assert price.point_of_delivery == national
