"""The page of a signature: always the same sections, the predicate in plain English."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tariff.explain.lookup import find_rule
from tariff.explain.page import plain
from tariff.explain.rule import SECTIONS, rule_page
from tariff.explain.words import Reader, dates_of, remedy
from tariff.packs.compile import Rulebook
from tariff.packs.load import load_packs, shipped_folder
from tariff.packs.model import Applies, Every, Negation, Operand, Predicate, Same, Some
from tariff.packs.model import Test as Comparison

from .conftest import Explain, Fails, run, section, squeezed

SHIPPED = sorted(
    path.name.split("-")[0]
    for path in (shipped_folder() / "signatures").rglob("*.yaml")
    if path.name != "pack.yaml"
)


@pytest.mark.parametrize("rule_id", SHIPPED)
def test_every_shipped_rule_has_every_section_filled(rulebook: Rulebook, rule_id: str) -> None:
    item = find_rule(rulebook.packs, rule_id)
    assert item is not None
    page = plain(rule_page(item))
    places = [page.index(f"\n{title.upper()}\n") for title in SECTIONS]
    assert places == sorted(places)
    for title in SECTIONS:
        assert section(page, title).strip()
    rule = item.rule
    head = squeezed(page[: places[0]])
    for word in (rule.id, rule.title, rule.class_, rule.level, rule.status, rule.step):
        assert word in head
    for exception in rule.exceptions:
        assert exception.name.replace("_", " ") in section(page, "When it matches")
    for name, value in rule.params.items():
        assert f"{name} = {value}" in section(page, "When it matches")
    for test in rule.tests:
        assert test.name in squeezed(section(page, "Tests"))
    assert max(map(len, page.splitlines())) <= 100
    assert "$" not in section(page, "When it matches")


def test_a_rule_is_found_in_any_case_and_by_its_name(explain: Explain) -> None:
    assert explain("spl03") == explain("SPL03") == explain("split-spell-contiguous")


def test_the_page_of_a_split_spell(explain: Explain) -> None:
    page = explain("SPL03")
    assert page.startswith("SPL03: One stay billed as two spells\n")
    matches = section(page, "When it matches")
    for line in (
        "- two spells with the same patient and provider; the previous one is the one admitted",
        "- 0 to 1 day from the discharge of the previous to the admission of the current",
        "- any of these holds:",
        "    - the admission source of the current spell is one of 51, 52 or 53",
        "    - both have the same diagnosis chapter",
        "  but not where (exceptions)",
        "  - planned return:",
    ):
        assert line in matches
    assert "list hospital destinations (49, 50," in matches
    assert "priced as one stay" in section(page, "What would be allowed")


def test_an_unknown_name_gets_suggestions(refused: Fails) -> None:
    assert "did you mean SPL03" in refused("SPL3")
    assert "EB03A" in refused("EB03AA")
    assert "no signature, HRG, flag or service called 'nothing'" in refused("nothing")
    assert "--run DIR" in refused("0f3a51c2d4e5b697")
    assert "FILE..." in refused("R1H:12")


def test_what_looks_like_an_nhs_number_is_not_repeated(refused: Fails) -> None:
    message = refused("9434765919")
    assert "9434765919" not in message
    assert "that number" in message


def test_a_run_and_an_extract_do_not_go_together(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["explain", "S1", "file.csv", "--run", str(tmp_path)]) == 2
    assert "do not go together" in capsys.readouterr().err


def test_packs_given_are_explained_too(tmp_path: Path, explain: Explain) -> None:
    folder = tmp_path / "mine"
    (folder / "stay").mkdir(parents=True)
    (folder / "pack.yaml").write_text(
        "id: mine\nversion: '1.0.0'\nkind: signatures\ntitle: Mine\nprovenance: illustrative\n"
        "last_checked: 2026-01-01\nengine: '>=0.1'\nsources: [{title: Made up}]\n"
    )
    (folder / "stay" / "TST01-long-stay.yaml").write_text(
        "id: TST01\nversion: 1.0.0\nname: long-stay\ntitle: A long [bold]stay\n"
        "class: statistical\nstatus: experimental\nlevel: low\nscope: spell\n"
        "match: {spell_days: {at_least: $least}}\nparams: {least: 10}\nstep: days and units\n"
        "remedy: {kind: query}\nwhat: Long.\nwhy: Rare.\nask: Show it.\n"
        "legitimate_reasons: [Not fit to leave.]\nsources: [{title: Made up}]\ntests:\n"
        "  - {name: ten days, finds: 1, spells: [{spell_id: A}]}\n"
        "  - {name: nine days, finds: 0, spells: [{spell_id: A}]}\n"
    )
    page = explain("TST01", "--pack", str(folder))
    assert page.startswith("TST01: A long [bold]stay\n")  # text of a pack is never markup
    assert "- the spell days are at least 10 days (parameter least)" in page
    assert "nothing is claimed" in page


# ---------------------------------------------------------------- predicates in English

ALONE = Reader({"limit": Decimal("5.00")}, {"homes": ["19", "29"]})
PAIR = Reader({}, {}, ("the previous spell", "the current spell"))


def constant(value: int) -> Operand:
    return Operand("constant", value)


@pytest.mark.parametrize(
    ("predicate", "words"),
    [
        (Comparison("sex", 0, "in", ("1",)), "the sex is 1"),
        (Comparison("sex", 0, "in", ("1", "2", "9")), "the sex is one of 1, 2 or 9"),
        (Comparison("diag_01", 0, "starts", ("U", "R69")), "the diag 01 begins with U or R69"),
        (
            Comparison("discharge_destination", 0, "list", ("homes",)),
            "the discharge destination is in the list homes (19 or 29)",
        ),
        (Comparison("discharge_date", 0, "missing"), "the discharge date is empty"),
        (Comparison("discharge_date", 0, "present"), "the discharge date is filled in"),
        (
            Comparison("billed", 0, "above", operand=Operand("param", "limit")),
            "the billed amount is above £5.00 (parameter limit)",
        ),
        (
            Comparison("spell_days", 0, "at_most", operand=constant(1)),
            "the spell days are at most 1 day",
        ),
        (Comparison("age", 0, "below", operand=constant(19)), "the age is below 19 years"),
        (
            Comparison("discharge_date", 0, "at_least", operand=constant(19083)),
            "the discharge date is on or after 1 April 2022",
        ),
        (
            Comparison("short_stay_eligible", 0, "equals", operand=constant(1)),
            "the reduced short stay price is due",
        ),
        (
            Comparison(
                "billed_mff", 0, "differs", operand=Operand("field", "mff"), by=constant(10**6)
            ),
            "the billed market forces factor differs from the market forces factor by more than "
            "0.001",
        ),
        (
            Comparison(
                "discharge_date", 0, "above", operand=Operand("field", "admission_date", plus=2)
            ),
            "the discharge date is after the admission date plus 2 days",
        ),
    ],
)
def test_a_comparison_in_english(predicate: Predicate, words: str) -> None:
    assert ALONE.lines(predicate) == [(0, words)]


def test_parts_of_a_predicate_are_set_below_it() -> None:
    one, two = Comparison("sex", 1, "missing"), Same("hrg_root")
    assert PAIR.top(Every((one, Some((one, two)), Negation(two), Negation(Every((one, two)))))) == [
        (0, "the sex of the current spell is empty"),
        (0, "any of these holds:"),
        (1, "the sex of the current spell is empty"),
        (1, "both have the same root of the HRG that the engine grouped"),
        (0, "it is not so that both have the same root of the HRG that the engine grouped"),
        (0, "it is not so that"),
        (1, "all of these hold:"),
        (2, "the sex of the current spell is empty"),
        (2, "both have the same root of the HRG that the engine grouped"),
    ]


def test_a_field_of_the_other_record_is_named_so() -> None:
    test = Comparison(
        "admission_date", 1, "below", operand=Operand("field", "discharge_date", side=0)
    )
    assert PAIR.sentence(test) == (
        "the admission date of the current spell is before the discharge date of the previous spell"
    )


def test_a_long_list_is_cut_short() -> None:
    reader = Reader({}, {"many": [f"{n:02}" for n in range(20)]})
    assert "10, 11 and 8 more" in reader.sentence(Comparison("sex", 0, "list", ("many",)))


def test_dates_of_validity() -> None:
    from datetime import date

    first, last = date(2022, 4, 1), date(2023, 3, 31)
    assert dates_of(Applies()) == ""
    assert "on or after 1 April 2022" in dates_of(Applies(from_=first))
    assert "admitted on or before 31 March 2023" in dates_of(Applies(to=last, on="admission_date"))
    assert "from 1 April 2022 to 31 March 2023" in dates_of(Applies(from_=first, to=last))


def test_every_remedy_of_a_shipped_rule_has_words() -> None:
    for _, rule in load_packs().rules():
        assert len(remedy(rule)) > 20
        assert "_" not in remedy(rule)
