"""The tables of the shipped price lists beside each other, and figures known by heart."""

from __future__ import annotations

import csv

import pytest

from tariff.packs.load import shipped_folder

RULES = shipped_folder()
PACKS = ("ntps-2016-17", "ntps-2017-18", "ntps-2018-19", "ntps-2022-23")

PRICES = "best_practice_prices"

Row = dict[str, str]


def rows(pack: str, name: str) -> list[Row]:
    with (RULES / "tariff" / pack / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def found(pack: str, name: str, wanted: Row) -> list[Row]:
    return [row for row in rows(pack, name) if wanted.items() <= row.items()]


@pytest.mark.parametrize(
    ("pack", "name", "wanted", "column", "figures"),
    [
        ("ntps-2016-17", "prices", {"hrg": "DZ19C"}, "non_elective", ["452"]),
        ("ntps-2016-17", "top_ups", {"service": "93"}, "rate", ["64"]),
        ("ntps-2016-17", "top_up_codes", {"code": "O329"}, "secondary", ["Y717"]),
        ("ntps-2016-17", "emergency", {"hrg": "VB99Z"}, "type_1_and_2", ["83"]),
        ("ntps-2016-17", PRICES, {"code": "QZ20Z", "setting": "stay_0"}, "price", ["788"]),
        ("ntps-2016-17", PRICES, {"code": "QZ15C", "flag": "BP25"}, "price", ["1595"]),
        ("ntps-2016-17", "other_prices", {"code": "BZ02Z", "figure": "both_eyes"},
         "value", ["1705"]),
        ("ntps-2016-17", "deliveries", {"hrg": "NZ11A"}, "per_day", ["363"]),
        ("ntps-2017-18", "top_ups", {"service": "NCBPS01L"}, "rate", ["41.2383296166133"]),
        ("ntps-2017-18", PRICES, {"code": "AA31E"}, "price", ["684", "444"]),
        ("ntps-2017-18", "best_practice_codes", {"list": "BP28_HRG", "code": "JA20F"},
         "hierarchy", ["1"]),
        ("ntps-2018-19", "maternity", {"phase": "antenatal", "level": "intensive"},
         "price", ["2713"]),
        ("ntps-2022-23", PRICES, {"name": "Alteplase"}, "price", ["921"]),
        ("ntps-2022-23", "best_practice_flags", {"flag": "BP01"}, "admission_methods",
         ["21 22 23 24 25 2A 2B 2C 2D 28 81"]),
        ("ntps-2022-23", "deliveries", {"hrg": "NZ51A"}, "combined", ["5977"]),
        ("ntps-2022-23", "top_ups", {"service": "NCBPS38S"}, "rate", ["0"]),
        ("ntps-2022-23", "top_ups", {"service": "NCBPS06A"}, "rate", [""]),
        ("ntps-2022-23", "unbundled_list", {"hrg": "SB11Z"}, "rebundled", ["no"]),
        ("ntps-2022-23", "price_types", {"code": "RD01A"}, "national", ["unbundled reporting"]),
        ("ntps-2022-23", "short_stay_bands", {"days_min": "3"}, "percent", ["45"]),
        ("ntps-2022-23", "service_rules", {"service": "Walk in Centres"}, "marker", ["no"]),
    ],
)  # fmt: skip
def test_figures_known_by_heart(
    pack: str, name: str, wanted: Row, column: str, figures: list[str]
) -> None:
    assert [row[column] for row in found(pack, name, wanted)] == figures


@pytest.mark.parametrize("pack", PACKS)
def test_market_forces_factors_are_those_of_the_pack_of_all_years(pack: str) -> None:
    with (RULES / "mff" / "mff-england" / "factors.csv").open(encoding="utf-8") as handle:
        of_all = {(row["provider"], row["year"]): row["mff"] for row in csv.DictReader(handle)}
    for row in rows(pack, "factors"):
        assert float(of_all[row["provider"], row["year"]]) == float(row["mff"]), row


@pytest.mark.parametrize("pack", PACKS)
def test_a_delivery_is_priced_in_one_table_only(pack: str) -> None:
    listed = {row["hrg"] for row in rows(pack, "prices")}
    assert not listed & {row["hrg"] for row in rows(pack, "deliveries")}


@pytest.mark.parametrize("pack", PACKS)
def test_every_best_practice_flag_of_a_price_has_its_rule(pack: str) -> None:
    known = {row["flag"] for row in rows(pack, "best_practice_flags")}
    assert {row["flag"] for row in rows(pack, PRICES)} - {""} <= known


@pytest.mark.parametrize("pack", PACKS)
def test_every_sheet_became_something_or_says_why_not(pack: str) -> None:
    tables = set()
    for row in rows(pack, "sheets"):
        assert row["tables"] or row["note"].startswith(("explains only", "of another year")), row
        tables |= set(row["tables"].split())
    made = {path.stem for path in (RULES / "tariff" / pack).glob("*.csv")}
    assert made - {"tests", "names", "sheets"} == tables


@pytest.mark.parametrize("pack", PACKS)
def test_every_code_has_a_name(pack: str) -> None:
    named = {(row["code_type"], row["code"]) for row in rows(pack, "names")}
    for name in ("prices", "emergency", "unbundled", "deliveries"):
        unnamed = {row["hrg"] for row in rows(pack, name) if ("hrg", row["hrg"]) not in named}
        assert unnamed <= {"VB99Z"}, name
    functions = {row["treatment_function"] for row in rows(pack, "attendances")}
    assert {("treatment_function", code) for code in functions} <= named
