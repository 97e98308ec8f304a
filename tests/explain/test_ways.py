"""What the page of an HRG tells of the ways that lead to it, by tiny packs."""

from __future__ import annotations

import pytest

from tariff.explain.hrg import hrg_page, split_rows
from tariff.explain.lookup import find_hrg
from tariff.explain.page import plain
from tariff.packs.compile import Rulebook

from .conftest import section, squeezed
from .tiny import tiny_rulebook


def told(hrg: str, title: str) -> str:
    return squeezed(section(plain(hrg_page(tiny_rulebook(), hrg)), title))


def test_redirects_to_a_root_and_from_it() -> None:
    to = told("AC01", "Redirects to AC01")
    assert to == "- from AA02: with a procedure of R17, and Z94 (in doubt: revision as labelled)"
    out = told("AC01", "Redirects from AC01")
    assert "to AA03: driven by a procedure of A10; without a procedure of the list hips;" in out
    assert "with another diagnosis of I10 or I50; age 70 or more" in out


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("VA11", "multiple trauma: the primary diagnosis is an injury"),
        ("VA11", "the rows of VA10 and VA11 are tried in that order"),
        ("JB40", "a deep burn among the diagnoses"),
        ("LA97", "a day of nothing but dialysis: stay 0, patient classification 2 or 3"),
        ("AB01", "its procedures drive only where the stay is 1 or less, or not known"),
    ],
)
def test_other_conditions(root: str, words: str) -> None:
    assert words in told(root, f"Other conditions of {root}")


@pytest.mark.parametrize(
    ("hrg", "words"),
    [
        ("RD01A", "- RD01A: U05 (in doubt: contrast not stated)"),
        ("RD01B", "- RD01B: U05 (in doubt: contrast not stated); age 18 or less"),
        ("RD02", "- RD02A: U05; with Y98"),
        ("VC04Z", "- VC04Z: R17; once a rehabilitation day"),
        ("SD01A", "- SD01A: palliative care days"),
    ],
)
def test_an_unbundled_hrg_has_a_page(hrg: str, words: str) -> None:
    assert find_hrg(tiny_rulebook(), hrg.lower()) == hrg
    assert words in told(hrg, f"Unbundled: what leads to {hrg}")
    assert "illustrative (services)" in told(hrg, "Where this comes from")
    page = plain(hrg_page(tiny_rulebook(), hrg))
    assert "HRGS OF ROOT" not in page
    assert "CODES THAT LEAD" not in page


@pytest.mark.parametrize("name", ["RD09Z", "R", "RD0", ""])
def test_what_is_no_hrg_has_none(name: str) -> None:
    assert find_hrg(tiny_rulebook(), name) is None


def test_rows_that_no_price_list_has_are_rows_of_the_root(rulebook: Rulebook) -> None:
    for grouper in rulebook.groupers:
        told = sum(len(split_rows(grouper, root)) for root in grouper.root_bounds)
        assert told == len(grouper.split_hrgs)


def test_an_unbundled_hrg_of_the_shipped_packs_has_its_prices(rulebook: Rulebook) -> None:
    page = squeezed(plain(hrg_page(rulebook, "RD01A")))
    assert "2022/23: £" in page
    assert ", unbundled" in page
