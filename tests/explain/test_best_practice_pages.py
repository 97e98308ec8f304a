"""The pages of HRGs with best practice or delivery prices, of flags and of services."""

from __future__ import annotations

import pytest

from tariff.explain.flag import named_page
from tariff.explain.page import plain
from tariff.packs.compile import Rulebook

from .conftest import Explain, Fails, section, squeezed

AREAS = "Best practice prices"


def test_an_hrg_priced_in_the_list_of_deliveries(explain: Explain) -> None:
    prices = squeezed(section(explain("NZ30C"), "Prices before"))
    assert "2017/18 £1,819 £1,819 £1,819 6 6 £347 no" in prices
    assert "2018/19 £1,957 £1,957 £1,957 6 6 £347 no" in prices
    assert "2022/23 £2,014 £2,014 £2,014 5 5 £464 no" in prices
    assert "2022/23: the list of deliveries, level 1 of delivery" in prices
    assert "not in the list of 2016/17, 2025/26" in prices
    assert "NZ30A 2022/23 £2,455" in squeezed(section(explain("NZ30"), "Prices before"))


def test_an_hrg_with_a_flag_tells_its_prices_and_payments_by_year(explain: Explain) -> None:
    told = squeezed(section(explain("HT12C"), AREAS))
    for line in (
        "2017/18, Fragility hip fracture, flag BP01:",
        "2022/23, Fragility Fracture of Hip and Femur, flag BP01:",
        "non elective not best practice £8,606 by SUS non",
        "non elective best practice £9,941 by SUS, with the payment beside it",
        "non elective additional £1,335 beside the price: HIP_FRACTURE",
    ):
        assert line in told


def test_an_area_without_a_flag_has_payments_that_are_printed_of_no_hrg(explain: Explain) -> None:
    told = squeezed(section(explain("AA35A"), AREAS))
    assert "2022/23, Acute stroke care, every spell of the HRG:" in told
    assert "any Alteplase £921 beside the price: ALTEPLASE" in told


def test_reduced_prices_and_criteria_are_told(explain: Explain) -> None:
    told = squeezed(section(explain("KB01C"), AREAS))
    assert "best practice reduced £732 where best_practice_met says so" in told
    assert "not best practice reduced £622 by SUS" in told


def test_a_root_names_its_hrgs_with_best_practice(explain: Explain) -> None:
    assert "HT12A, HT12B, HT12C, HT12D, HT12E" in section(explain("HT12"), AREAS)
    assert AREAS.upper() not in explain("KA09")


def test_a_flag_tells_its_criteria_hrgs_and_prices(explain: Explain) -> None:
    page = explain("bp01")
    assert page.startswith("BP01: Fragility hip fracture, a best practice flag\n")
    criteria = squeezed(section(page, "Who has it"))
    assert "2017/18, 2018/19:" in criteria
    assert "age 60–130; admission methods 21 22" in criteria
    assert "HRG lists BP01_HRG (28 codes)" in criteria
    assert "BP01A_ICD (not printed)" in criteria
    assert "additional 28 £1,335 £1,335" in squeezed(section(page, "Prices before"))
    assert "ntps-2022-23, sheet 6b BPT flags" in section(page, "Where this comes from")


def test_a_service_tells_its_rates_by_year(explain: Explain) -> None:
    page = explain("NCBPS08O")
    assert page.startswith("NCBPS08O: Neurosciences, a specialised service\n")
    rates = squeezed(section(page, "Top-up"))
    assert "2018/19 Neurosciences - Neurology 6.39907% base, short stay – –" in rates
    assert "2022/23 Neurosciences 7.54% base, short stay – –" in rates
    assert "2016/17 Orthopaedic 24%" in squeezed(section(explain("34"), "Top-up"))


def test_every_flag_and_service_has_a_page_that_fits(rulebook: Rulebook) -> None:
    names = {
        name
        for pack in rulebook.prices.packs
        for table, column in (("best_practice_flags", "flag"), ("top_ups", "service"))
        if table in pack.tables
        for name in pack.tables[table].columns[column]
    }
    assert len(names) > 40
    for name in sorted(names)[::3]:
        page = named_page(rulebook, name)
        assert page is not None
        assert max(map(len, plain(page).splitlines())) <= 100, name


@pytest.mark.parametrize("option", ["--policies", "--history", "--periods", "--select"])
def test_an_option_of_spells_is_refused_beside_another_name(refused: Fails, option: str) -> None:
    assert f"{option} is only for the page of a spell" in refused("SPL03", option, "mine.yaml")
