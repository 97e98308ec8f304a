"""The page of an HRG or a root."""

from __future__ import annotations

import pytest

from tariff.explain.hrg import bound, hrg_page
from tariff.explain.page import plain
from tariff.packs.compile import Rulebook

from .conftest import Explain, section, squeezed


def test_an_hrg_with_its_siblings_prices_codes_and_provenance(explain: Explain) -> None:
    page = explain("eb03a")
    assert page.startswith("EB03A: Heart Failure or Shock, with CC Score 14+\n")
    assert "Subchapter  EB Cardiac Disorders" in page
    assert "Chapter     E Cardiac Surgery and Primary Cardiac Conditions" in page
    siblings = section(page, "HRGs of root EB03")
    assert "2017/18 to 2018/19, 2022/23, 2024/25:" in siblings
    assert "EB03B  11–13     Heart Failure" in siblings
    prices = squeezed(section(page, "Prices before"))
    assert "2017/18 £5,879 £5,879 £5,556 57 57 £229 £1,667 30%" in prices
    assert "2022/23 £5,854 £5,854 £5,848 44 44 £285 £1,170 20%" in prices
    assert "2024/25 £6,504 £6,504 £6,496 44 44 £285 –" in prices
    assert "those of ntps-2022-23" in prices
    codes = section(page, "Codes that lead")
    assert "diagnoses above 18 years: 5 prefixes" in codes
    assert "I50" in codes
    assert "procedures: none" in codes
    assert "reconstructed (hrg-2017-19, hrg-2022-23, hrg-2024-25)" in page


def test_a_root_shows_the_prices_of_all_its_hrgs(explain: Explain) -> None:
    page = explain("EB03")
    prices = squeezed(section(page, "Prices before"))
    for hrg in ("EB03A", "EB03B", "EB03C", "EB03D", "EB03E"):
        assert f"{hrg} 2022/23" in prices


def test_a_design_that_differs_stands_by_itself(rulebook: Rulebook) -> None:
    from tariff.explain.hrg import split_rows

    oldest, newest = rulebook.groupers[0], rulebook.groupers[-1]
    roots = sorted(set(oldest.root_bounds) & set(newest.root_bounds))
    root = next(r for r in roots if split_rows(oldest, r) != split_rows(newest, r))
    siblings = section(plain(hrg_page(rulebook, root)), f"HRGs of root {root}")
    assert siblings.count(":\n") >= 2


def test_an_hrg_of_one_design_only_says_where_it_is_not(rulebook: Rulebook) -> None:
    oldest, newest = rulebook.groupers[0], rulebook.groupers[-1]
    gone = sorted(set(oldest.root_bounds) - set(newest.root_bounds))[0]
    page = plain(hrg_page(rulebook, gone))
    assert "the design does not have it" in page
    assert "not in the list of" in page


def test_every_root_has_a_page_that_fits(rulebook: Rulebook) -> None:
    roots = sorted({hrg[:4] for hrg in rulebook.hrgs})
    for root in roots[::40]:
        page = plain(hrg_page(rulebook, root))
        assert max(map(len, page.splitlines())) <= 100, root


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [("5", "8", "5–8"), ("1", "1", "1"), ("19", "", "19+"), ("", "4", "up to 4"), ("", "", "")],
)
def test_a_bound_as_on_paper(low: str, high: str, words: str) -> None:
    assert bound(low, high) == words
