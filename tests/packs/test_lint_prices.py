"""The checks of the other tables of a price list."""

from __future__ import annotations

from datetime import date

import pytest

from tariff.packs.lint import lint
from tariff.packs.price_tables import PRICE_TABLES
from tariff.packs.read import read_pack
from tests.packs.conftest import WritePack

PRICES = (
    "hrg,outpatient_procedure,combined,day_case,ordinary_elective,elective_trim,non_elective,"
    "non_elective_trim,per_day,short_stay,short_stay_percent,short_stay_price\n"
    "EB03A,,4000,,,20,5000,57,229,no,,\n"
)
FLAG = "BP01,1,Hip,sub-HRG,APC,BP01_HRG,,,,,60,130,no,21,BP01_ICD,Any,"


def row(table: str, **cells: str) -> str:
    """A row of a table, blank where nothing is given."""
    return ",".join(cells.get(column, "") for column in PRICE_TABLES[table].header)


def found(write_pack: WritePack, table: str, *lines: str, **more: str) -> list[tuple[str, str]]:
    """The problems of a price list with one table, and perhaps others."""
    texts = {table: "\n".join(lines), **more}
    files = {
        f"{name}.csv": ",".join(PRICE_TABLES[name].header) + f"\n{text}\n"
        for name, text in texts.items()
    }
    keys = "".join(f"{name}: {name}.csv\n" for name in texts)
    root = write_pack(
        "mine",
        "tariff",
        f"year: 2030/31\nedition: final\nprices: prices.csv\n{keys}",
        {"prices.csv": PRICES, **files},
    )
    pack, problems = read_pack(root)
    assert pack is not None
    return [(p.code, p.message) for p in [*problems, *lint([pack], date(2026, 6, 1))]]


def test_a_word_must_be_one_of_those_that_are_known(write_pack: WritePack) -> None:
    price = {"area": "Stroke", "short_stay": "no", "price": "1", "code": "AA35A"}
    line = row("best_practice_prices", code_type="hrg", payment="perhaps", **price)
    assert found(write_pack, "best_practice_prices", line) == [
        (
            "PK417",
            "payment: 'perhaps' is none of additional, best_practice, level_1, level_2, level_3, "
            "level_4, level_5, level_6, level_7, level_8, level_9, not_best_practice, price",
        )
    ]


@pytest.mark.parametrize(
    ("table", "cells", "code"),
    [
        ("deliveries", {"hrg": "NZ30A", "combined": "-5"}, "PK405"),
        ("deliveries", {"hrg": "NZ30A", "elective_trim": "0"}, "PK408"),
        ("top_ups", {"service": "93", "name": "Children", "rate": "-1"}, "PK405"),
        ("maternity", {"phase": "postnatal", "level": "x", "price": "1", "trim": "0"}, "PK408"),
    ],
)
def test_figures_out_of_range(
    write_pack: WritePack, table: str, cells: dict[str, str], code: str
) -> None:
    assert [problem[0] for problem in found(write_pack, table, row(table, **cells))] == [code]


def test_a_list_that_a_flag_names_must_be_given(write_pack: WritePack) -> None:
    codes = row("best_practice_codes", list="BP01_HRG", classification="hrg", code="HT12A")
    assert found(write_pack, "best_practice_flags", FLAG, best_practice_codes=codes) == [
        ("PK418", "BP01: the list BP01_ICD is not in best_practice_codes")
    ]


def test_what_has_no_price_in_any_setting_has_none(write_pack: WritePack) -> None:
    cells = {"part": "core", "mandated_currency": "no", "any_setting": "yes"}
    lines = [row("no_price_hrgs", hrg=hrg, **cells) for hrg in ("EB03A", "EB04A")]
    assert found(write_pack, "no_price_hrgs", *lines) == [
        ("PK419", "EB03A is listed as without a price in any setting, and has one")
    ]


def test_two_rows_of_one_key_are_a_problem(write_pack: WritePack) -> None:
    line = row("no_price_functions", treatment_function="102")
    ((code, _),) = found(write_pack, "no_price_functions", line, line)
    assert code == "PK202"
