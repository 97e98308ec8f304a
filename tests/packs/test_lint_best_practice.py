"""Best practice, top-ups and exclusions: each name in a manifest stands in a table."""

from __future__ import annotations

from datetime import date

from tariff.packs.lint import lint
from tariff.packs.price_tables import PRICE_TABLES
from tariff.packs.read import read_pack
from tests.packs.conftest import WritePack
from tests.packs.test_lint_prices import PRICES, row

AREAS = """
best_practice_areas:
  - {area: Stroke, pays: not_best_practice, payments: [{code: ALTEPLASE, row: Alteplase}]}
  - {area: Hip, pays: perhaps, payments: [{code: HIP_FRACTURE}]}
  - {area: Stroke, pays: setting}
  - {area: Strokes, pays: setting}
"""
STROKE = {"area": "Stroke", "short_stay": "no", "price": "1"}
HIP = {"area": "Hip", "short_stay": "no", "price": "1", "code": "HT12A", "code_type": "hrg"}


def found(write_pack: WritePack, more: str, **tables: list[str]) -> list[str]:
    """The problems of a price list with some settings and tables."""
    files = {
        f"{name}.csv": "\n".join([",".join(PRICE_TABLES[name].header), *lines, ""])
        for name, lines in tables.items()
    }
    keys = "".join(f"{name}: {name}.csv\n" for name in tables)
    head = "year: 2030/31\nedition: final\nprices: prices.csv\n"
    root = write_pack("mine", "tariff", head + keys + more, {"prices.csv": PRICES, **files})
    return problems(root)


def problems(root: object) -> list[str]:
    pack, read = read_pack(root)  # type: ignore[arg-type]
    assert pack is not None, [str(problem) for problem in read]
    return [f"{p.code} {p.message}" for p in [*read, *lint([pack], date(2026, 6, 1))]]


def test_an_area_and_its_payments_stand_in_the_table_of_prices(write_pack: WritePack) -> None:
    lines = [
        row("best_practice_prices", **STROKE, payment="additional", name="Imaging"),
        row("best_practice_prices", **HIP, payment="not_best_practice"),
    ]
    assert found(write_pack, AREAS, best_practice_prices=lines) == [
        "PK424 ALTEPLASE: no row named 'Alteplase' in the area 'Stroke'",
        "PK417 pays: 'perhaps' is none of best_practice, level_1, level_2, level_3, level_4, "
        "level_5, level_6, level_7, level_8, level_9, not_best_practice, nothing, price, setting",
        "PK424 HIP_FRACTURE: no row additional of any HRG in the area 'Hip'",
        "PK202 area 'Stroke' is given twice",
        "PK424 no row of best_practice_prices is of the area 'Strokes'",
    ]


def test_a_payment_is_a_row_of_its_name_or_of_its_hrgs(write_pack: WritePack) -> None:
    lines = [
        row("best_practice_prices", **STROKE, payment="additional", name="Alteplase"),
        row("best_practice_prices", **HIP, payment="additional"),
    ]
    areas = AREAS.replace("perhaps", "setting").split("  - {area: Stroke, pays: setting}")[0]
    assert found(write_pack, areas, best_practice_prices=lines) == []


def test_a_list_is_read_as_one_that_is_held(write_pack: WritePack) -> None:
    codes = [row("best_practice_codes", list="BP01_ICD", classification="icd10", code="S720")]
    readings = "best_practice_list_readings: {BP01A_ICD: BP01_ICD, BP01B_ICD: BP02_ICD}\n"
    assert found(write_pack, readings, best_practice_codes=codes) == [
        "PK418 the list BP02_ICD is not in best_practice_codes"
    ]


def test_services_that_are_named_have_a_row(write_pack: WritePack) -> None:
    code = {"classification": "icd10", "code": "A046", "age": "child"}
    assert found(
        write_pack,
        "top_up_rule: {several: first, open_services: [34, 8]}\n",
        top_ups=[row("top_ups", service="34", name="Orthopaedics", rate="24")],
        top_up_codes=[row("top_up_codes", service=service, **code) for service in ("34", "93")],
        top_up_providers=[row("top_up_providers", services="34 91", provider="RBS", name="Trust")],
    ) == [
        "PK424 the service 8 is not in top_ups",
        "PK424 the service 93 is not in top_ups",
        "PK424 the service 91 is not in top_ups",
    ]


def test_what_is_excluded_is_a_code_of_a_known_field_in_years_in_order(
    write_pack: WritePack,
) -> None:
    groups = "groups: [{code: A, title: a, admission_methods: [11], price: none, trim: none}]\n"
    table = (
        "of,code,from_year,to_year,reason,evidence\n"
        "treatment_function,710,2022/23,2016/17,mental illness,S\n"
        "speciality,710,,,mental illness,S\n"
        "administrative_category,02,,,private patient,X\n"
    )
    more = groups + "excluded: excluded.csv\n"
    root = write_pack("pods", "points_of_delivery", more, {"excluded.csv": table})
    assert problems(root) == [
        "PK400 710: from 2022/23 is after to 2016/17",
        "PK417 of: 'speciality' is none of treatment_function, administrative_category",
        "PK417 evidence: 'X' is none of S, D, K",
    ]
