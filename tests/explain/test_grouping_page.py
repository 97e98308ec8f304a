"""What the page of a spell tells of each rule of grouping, by tiny packs."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import section, squeezed
from .tiny import tell, tell_one


def told(page: str, title: str) -> str:
    return squeezed(section(page, title))


# ---------------------------------------------------------------- validation


@pytest.mark.parametrize(
    ("diagnoses", "procedures", "values", "category", "why", "mends"),
    [
        ("A010", "", {"sex": "7"}, "field", "the sex 7 is not an accepted value; accepted are 1 or",
         "an accepted value in each field"),
        ("A010", "", {"age": 140}, "field", "the age 140 is not from 0 to 130, or 999", "an acc"),
        ("W19", "", {}, "UZ01", "W19 may not stand first", "the condition that was"),
        ("T140", "", {}, "UZ02", "T140 is too vague to stand first", "a more specific code"),
        ("P070", "", {}, "UZ03", "P070 stands first at the age of 40", "the right age"),
        ("M1907", "", {}, "UZ04", "takes a fifth character 0 or 1", "a fifth character"),
        ("T300 T310", "", {}, "UZ15", "T300 stands first without its place", "a primary"),
        ("A010 T201", "", {}, "UZ15", "a burn without a code of the area burnt (T31)", "a prim"),
        ("A010", "Y981 Z941", {}, "UZ05", "none of its procedures may be", "the procedure"),
        ("A010", "A579", {}, "UZ06", "A579 would drive and is too vague to", "a more spec"),
    ],
)  # fmt: skip
def test_what_does_not_validate_and_what_would_mend_it(
    diagnoses: str, procedures: str, values: dict[str, Any], category: str, why: str, mends: str
) -> None:
    page = tell_one(diagnoses, procedures, **values)
    validation = told(page, "Validation")
    assert f"episode 1: in error, category {category}:" in validation
    assert why in validation
    assert f"what would mend it: {mends}" in validation
    assert "Tests in order: field, spell, UZ01, UZ02, UZ03, UZ04, UZ15, UZ05, UZ06." in validation
    assert f"its first episode in error: {category}." in told(page, "Grouping")
    assert "WHAT DRIVES" not in page


def test_the_first_test_that_fails_is_the_category() -> None:
    assert "category UZ02" in tell_one("T140 T201", "A579")
    assert "category UZ15" in tell_one("A010 T201", "A579")


def test_an_episode_in_error_brings_the_spell_down() -> None:
    validation = told(tell(("A010", "", {}), ("W19", "", {})), "Validation")
    assert "episode 2: in error, category UZ01" in validation
    assert "episode 1" not in validation


def test_a_vague_procedure_that_does_not_drive_is_no_error() -> None:
    page = tell_one("A010", "A579 A101")
    assert "The episode is valid." in page
    assert "1 A579 procedure 1 A57 AA02 4 lower rank than A101" in told(page, "What drives")


def test_one_code_fewer_may_be_an_error() -> None:
    assert "T310 diagnosis UZ01Z UZ15" in told(tell_one("T203 T310"), "One code fewer")
    assert "A101 procedure UZ01Z UZ05" in told(tell_one("A010", "A101 Y981"), "One code fewer")


# ---------------------------------------------------------------- what drives


def test_why_each_procedure_does_not_drive() -> None:
    drives = told(tell_one("A010", "A101 C101 K451 Y981 E101"), "What drives")
    assert "1 A101 procedure 1 A10 AA02 5 drives" in drives
    assert "1 C101 procedure 2 C10 AA02 0 cannot drive: rank 0, an intervention only" in drives
    assert "1 K451 procedure 3 – – – cannot drive: no row of the root table has it" in drives
    assert "1 Y981 procedure 4 Y98 AA03 8 cannot drive: such a code may not be dominant" in drives
    assert "1 E101 procedure 5 E10 AA03 5 the same rank as A101, but later" in drives
    assert "1 A010 primary diagnosis A AA01 3 not asked: a procedure drives" in drives


def test_a_root_of_short_stays_drives_only_a_short_one() -> None:
    long = told(tell_one("A010", "B101 A101"), "What drives")
    assert "AB01 is of stays up to 1 night, this one is 3 nights" in long
    assert "The procedure A101 of episode 1 drives, flag P" in long
    short = told(tell_one("A010", "B101 A101", episode_duration=1), "What drives")
    assert "1 B101 procedure 1 B10 AB01 9 drives" in short
    assert "1 A101 procedure 2 A10 AA02 5 lower rank than B101" in short


def test_diagnoses_of_several_episodes_compete() -> None:
    drives = told(tell(("I10", "", {}), ("A010", "", {}), ("B200", "", {})), "What drives")
    assert "1 I10 primary diagnosis I AA01 1 lower rank than A010" in drives
    assert "2 A010 primary diagnosis A AA01 3 drives" in drives
    assert "3 B200 primary diagnosis – – – no row of the root table has it" in drives


def test_no_injury_is_told_with_why() -> None:
    none = told(tell_one("A010 S020"), "What drives")
    assert "multiple trauma (no primary diagnosis is an injury); a deep burn." in none
    one = told(tell_one("S020 S022 A010"), "What drives")
    assert "multiple trauma (no site is injured beside head); a deep burn." in one


# ---------------------------------------------------------------- a day of one service

DAY = {"patient_classification": "2", "episode_duration": 0, "admission_method": "11"}


def test_a_day_of_one_service() -> None:
    page = tell_one("A010", "X403 Z941", **DAY)
    drives = told(page, "What drives")
    assert "drives: a day of nothing but dialysis" in drives
    assert "Z941 procedure 2 – – – accompanies any service" in drives
    assert "not asked: a day of one service" in drives
    assert "The procedure X403 of episode 1 drives, flag G" in drives
    assert "A day of nothing but dialysis leads to LA97, services." in told(page, "Root")
    assert "holds: this is the HRG" in told(page, "Rows of LA97")


@pytest.mark.parametrize(
    ("procedures", "values", "why"),
    [
        ("X403 X701", {}, "it holds dialysis and chemotherapy"),
        ("X403 K451", {}, "K451 is of no service"),
        ("X701", {}, "chemotherapy has no root of its own"),
        ("X403", {"episode_duration": 2}, "the stay is 2 nights"),
        ("X403", {"episode_duration": None}, "the stay is not known"),
        ("X403", {"patient_classification": "1"}, "the patient classification is 1"),
    ],
)
def test_why_it_is_no_day_of_one_service(procedures: str, values: dict[str, Any], why: str) -> None:
    drives = told(tell_one("A010", procedures, **(DAY | values)), "What drives")
    assert f"It is no day of one service: {why}." in drives
    assert "flag D" in drives


# ---------------------------------------------------------------- multiple trauma and burns


def test_multiple_trauma_code_by_code() -> None:
    page = tell(("A010 S022", "A101", {}), ("S020 S410 I10 S020", "W191 W191", {}))
    trauma = told(page, "Multiple trauma")
    assert "The primary diagnosis S020 of episode 2 is an injury" in trauma
    assert "multiple trauma, flag M" in trauma
    assert "1 A010 0 not an injury" in trauma
    assert "1 S022 5 injury, site head" in trauma
    assert "2 S410 9 injury, site upper limb" in trauma
    assert "2 S020 0 repeated: counts once" in trauma
    assert "Diagnosis score 31, each code once." in trauma
    assert "1 A101 0 not scored 2 W191 6 scored 2 W191 0 repeated: counts once" in trauma
    assert "the rows of VA10 and VA11 are tried in that order" in trauma
    rows = told(page, "Rows of VA10 and VA11")
    assert "VA10A procedure score 0 or less, diagnosis score no: procedure score is 6" in rows
    assert "no: procedure score is 6; diagnosis score is" in rows
    assert "VA11A procedure score 1 or more, diagnosis score holds: this is the HRG" in rows
    assert "WHAT DRIVES" not in page
    assert "COMPLICATIONS" not in page


def test_multiple_trauma_that_no_row_takes() -> None:
    rows = section(tell_one("S022 S410", "W191"), "Rows of VA10")
    assert "No HRG: no row of the root holds." in rows


def test_a_deep_burn() -> None:
    page = tell_one("A010 T203 T201 T310", "C101")
    burn = told(page, "Burn")
    assert "T203 of episode 1 is a deep burn, flag B (primary diagnosis A010)." in burn
    assert "1 T203 4 a deep burn" in burn
    assert "1 T201 0 a burn, not a deep one" in burn
    assert "1 T310 2 the area burnt" in burn
    assert "1 A010 0 not a burn" in burn
    assert "Diagnosis score 6" in burn
    assert "1 C101 2 scored" in burn
    assert "JB40A" in told(page, "Rows of JB40 and JB41")
    assert "HRG JB40A" in page


def test_a_burn_that_is_not_deep_does_not_come_first() -> None:
    page = tell_one("A010 T201 T310")
    assert "Looked for first, not found: multiple trauma" in squeezed(page)
    assert "flag D" in page


# ---------------------------------------------------------------- the root


def test_redirects_one_after_the_other() -> None:
    page = tell_one("A010 I10", "A101 R171 Z941", age=75)
    root = told(page, "Root")
    assert "A101 leads to AA02, roots." in root
    assert "redirect 1 moves AA02 to AC01:" in root
    assert "with a procedure of R17, and Z94 (R171, Z941)" in root
    assert "in doubt: revision as labelled" in root
    assert "redirect 2 moves AC01 to AA03:" in root
    assert "driven by a procedure of A10 (A101)" in root
    assert "without a procedure of the list hips" in root
    assert "with another diagnosis of I10 or I50 (I10)" in root
    assert "age 70 or more" in root
    assert "1 other redirect from AA03: not one of them holds." in root


def test_a_redirect_that_does_not_hold() -> None:
    root = told(tell_one("A010 I10", "A101 R171 Z941"), "Root")
    assert "redirect 1 moves AA02 to AC01:" in root
    assert "redirect 2" not in root
    assert "1 other redirect from AC01: not one of them holds." in root
    assert "1 redirect from AA02: not one of them holds." in told(tell_one("A010", "A101"), "Root")


def test_a_redirect_by_the_primary_diagnosis() -> None:
    root = told(tell_one("T310", "E101"), "Root")
    assert "redirect 3 moves AA03 to AB01: - with a primary diagnosis of T (T310)" in root


def test_an_unmapped_spell_says_where_it_stopped() -> None:
    page = tell_one("B200")
    assert "none: no row of the root table has the primary diagnosis" in squeezed(page)
    assert "B200 leads to no root" in section(page, "What drives")
    assert "No HRG: no row of the root table has the primary diagnosis (B200)." in page
    assert "ROWS OF" not in page


# ---------------------------------------------------------------- scores and splits


def test_each_code_is_scored_with_the_reason() -> None:
    page = tell_one("A010 I500 I10 A0110 K999 A010")
    scores = told(page, "Complications")
    assert "1 I500 3 in the list of AA" in scores
    assert "1 I10 1 in the list of AA as I10X" in scores
    assert "1 A0110 1 in the list of AA as A011" in scores
    assert "1 K999 0 not a valid code: left out" in scores
    assert "1 A010 0 equal to the primary: does not score" in scores
    assert "CC score 5 in subchapter AA." in scores
    assert "AA01A CC score 2 or more holds: this is the HRG" in told(page, "Rows of AA01")


def test_why_the_rows_before_the_winner_did_not_win() -> None:
    rows = told(tell_one("A010"), "Rows of AA01")
    assert "AA01A CC score 2 or more no: CC score is 0" in rows
    assert "AA01B CC score 1 or less holds: this is the HRG" in rows


# ---------------------------------------------------------------- unbundled HRGs


def test_unbundled_hrgs_with_what_leads_to_them() -> None:
    page = tell_one("A010", "U051 R171", rehabilitation_days=2, palliative_care_days=1)
    unbundled = told(page, "Unbundled HRGs")
    assert "1 U051 RD01A A scan" in unbundled
    assert "1 R171 VC04Z*2" in unbundled
    assert "1 palliative care days SD01A*1" in unbundled
    child = tell(("A010", "U051", {"age": 5}), ("A010", "U051 Y981", {"age": 5}))
    assert "1 U051 RD01B 2 U051 RD02A" in told(child, "Unbundled HRGs")
    assert "No code leads" in told(tell_one("A010", "A101"), "Unbundled HRGs")


def test_unbundled_hrgs_of_a_spell_in_error() -> None:
    assert "1 U051 RD01A" in told(tell_one("W19", "U051"), "Unbundled HRGs")


# ---------------------------------------------------------------- one code fewer


def test_one_code_fewer_tells_how_the_rest_groups() -> None:
    fewer = told(tell_one("S020 S410", "A101"), "One code fewer")
    assert "As it stands: VA10A (flag M), no price." in fewer
    assert "S410 diagnosis AA02Z flag P" in fewer
    assert "1 other code changes neither HRG nor price when taken away." in fewer
