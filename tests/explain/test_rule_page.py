"""The page of a signature: always the same sections, the predicate in plain English."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tariff.engine.select import Selected
from tariff.explain.lookup import find_rule
from tariff.explain.page import plain
from tariff.explain.rule import SECTIONS, rule_page
from tariff.explain.rule_words import dates_of, remedy
from tariff.explain.words import Reader
from tariff.packs.compile import Rulebook
from tariff.packs.load import load_packs, shipped_folder
from tariff.packs.match_fields import EPOCH
from tariff.packs.model import Applies, Every, Negation, Operand, Predicate, Same, Some
from tariff.packs.model import Test as Comparison
from tariff.packs.rules import decode_rule_text

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
        shown = date.fromordinal(EPOCH + int(value)) if name in rule.date_params else value
        assert f"{name} = {shown}" in section(page, "When it matches")
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
    assert "did you mean SPL03" in refused("SP03")
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


# ---------------------------------------------------------------- joins, tiers, registers


RULE = """\
id: TST09
version: 1.0.0
name: seen-while-in-bed
title: Seen while in bed
class: deterministic
status: stable
level: high
scope: reference
applies: {from: 2022-04-01, on: attendance_date}
match:
  of: [attendances, emergency]
  billed: {above: {sum: [base, pre_mff], times: 1.5, plus: $limit}}
  any_diagnosis: {list: long, starts: true}
  with:
    of: spells
    same: [patient_id, {site: provider}]
    days: {max: $days}
    before: true
    where:
      this: {start_date: {above: {field: admission_date, of: other, plus: 1}}}
      shares: [any_diagnosis]
  without: {of: deaths, same: [patient_id]}
tiers:
  - {name: same_time, class: deterministic, level: high, when: {site: S}, remedy: {kind: query}}
  - {name: other_time, class: presumptive, level: low}
step: not payable
remedy: {kind: reprice, what: amount, to: {field: total, of: other, times: $share}}
direction: over
root_cause: [priced_hrg]
params: {limit: 5.00, days: 30, share: 0.25, since: 2022-04-01}
what: Seen.
why: Paid.
ask: Show it.
legitimate_reasons: [None.]
sources: [{title: Made up}]
tests:
  - {name: one, finds: 1, tier: same_time, attendances: [{attendance_id: A}]}
"""


def page_of(text: str, contract: str = "") -> str:
    rule = decode_rule_text(text, {"long": ["E10", "E11"]}).value
    assert rule is not None
    if contract:
        rule = replace(rule, changed_params={"days": contract})
    return plain(rule_page(Selected(rule, "mine", {"long": ["E10", "E11"]})))


def test_the_page_of_a_rule_with_joins_tiers_and_registers() -> None:
    page = page_of(RULE, "agreed-2022")
    matches = squeezed(section(page, "When it matches"))
    for words in (
        "each outpatient attendance or emergency attendance by itself",
        "with the attendance date on or after 1 April 2022",
        "the billed amount is above the base price and the price before MFF times 1.5 plus "
        "£5.00 (parameter limit)",
        "any diagnosis begins with an entry of the list long (E10 or E11)",
        "there is a spell with the same patient and site (there provider), before this one, where",
        "at most 30 days (parameter days) from the last day of the other spell to the first day",
        "the start date of the record is after the admission date of the other spell plus 1 day",
        "both share a diagnosis",
        "there is no row of the register deaths with the same patient",
        "same time (deterministic, level high): where",
        "the site is S",
        "other time (presumptive, level low): the rest",
        "days = 30 (contract agreed-2022)",
        "since = 2022-04-01",
        "Findings of one provider are put together by: HRG that is priced.",
    ):
        assert words in matches
    allowed = squeezed(section(page, "What would be allowed"))
    assert "the price of the other spell times 0.25 (parameter share)" in allowed
    assert "Only what is billed above that is a finding." in allowed
    assert "of the tier same time: It is a question: nothing is claimed." in allowed
    needs = squeezed(section(page, "Needs"))
    assert "outpatient attendance: - " in needs
    assert "the register deaths (--register deaths=FILE)" in needs


@pytest.mark.parametrize(
    ("remedy", "words"),
    [
        ("{kind: not_payable, until: it is coded.}", "payment is suspended until it is coded."),
        ("{kind: keep_one}", "The other spell alone"),
        ("{kind: redirect}", "Nothing here: another payer owes it."),
        ("{kind: contract, share: $share}", "What was billed less 25.00% of it (parameter share)."),
        ("{kind: reprice, what: top_up}", "The engine's price without the top up."),
        ("{kind: reprice, what: unbilled}", "an under-charge"),
        ("{kind: reprice, what: amount, to: $limit}",
         "An amount of money: £5.00 (parameter limit)."),
        ("{kind: cap_units, what: quantity, to: 3}", "The line at 3"),
        ("{kind: reclassify, as: emergency, hrg: none, price: $limit, set: {disposal: 1}}",
         "an emergency attendance with disposal 1, grouped anew: the local price of £5.00"),
        ("{kind: reclassify, as: attendances}", "Where that price is not known it is a question."),
        ("{kind: edit_and_regroup, set: {sex: {field: site}, age: {map: ages}}}",
         "the same record with sex that of site and age as the map ages has it."),
        ("{kind: edit_and_regroup, remove: {diagnoses: {list: long}, one: true}}",
         "the secondary diagnoses of the list long left out, each by itself"),
        ("{kind: edit_and_regroup, remove: {procedures: outside_stay}}",
         "the procedures dated outside the stay left out"),
        ("{kind: edit_and_regroup, remove: {pairs: long}}",
         "the second code of each pair of the list long left out"),
        ("{kind: edit_and_regroup, swap_primary: {list: long}}",
         "its primary diagnosis in place of a secondary one of the list long"),
    ],
)  # fmt: skip
def test_every_kind_of_remedy_has_words(remedy: str, words: str) -> None:
    of = "lines" if "quantity" in remedy else "spells"
    text = (
        RULE.replace("[attendances, emergency]", of)
        .replace("attendance_date", "start_date")
        .replace("  any_diagnosis: {list: long, starts: true}\n", "")
        .replace("\n      shares: [any_diagnosis]", "")
        .replace("attendances: [{attendance_id: A}]", "")
    )
    start = text.index("remedy: {kind: reprice")
    text = f"{text[:start]}remedy: {remedy}\n{text[text.index('direction') :]}"
    assert words in squeezed(section(page_of(text), "What would be allowed"))


def test_pairs_and_sets_of_other_records_are_told() -> None:
    pair = RULE.replace("scope: reference", "scope: sequence")
    start = pair.index("match:")
    tail = pair[pair.index("step:") :].replace(", of: other", "").replace("tier: same_time, ", "")
    match = (
        "match:\n  of: emergency\n  same: [patient_id]\n  gap_minutes: {min: 0, max: $days}\n"
        "  starts_days: {max: 1}\n  current: {disposal: 1}\n"
    )
    head = pair[:start].replace("attendance_date", "arrival_date")
    said = squeezed(section(page_of(head + match + tail), "When it matches"))
    assert "two records, each an emergency attendance, with the same patient" in said
    assert "0 to 30 minutes (parameter days) from the end of the previous" in said
    assert "at most 1 day from the first day of the previous to the first day" in said
    assert "the disposal of the current emergency attendance is 1" in said
    match = "match:\n  of: lines\n  key: [patient_id]\n  near: {start_date: 2}\n"
    head = head.replace("sequence", "set").replace("arrival_date", "start_date")
    said = squeezed(section(page_of(head + match + tail), "When it matches"))
    assert "records, each a line, with the same patient; the first one is kept" in said
    assert "of those that follow each other by start date, within 2 days" in said


def test_every_remedy_of_a_shipped_rule_has_words() -> None:
    for _, rule in load_packs().rules():
        assert len(remedy(rule)) > 20
        words = re.sub(r"\(parameter \w+\)", "", remedy(rule))
        assert "_" not in words
