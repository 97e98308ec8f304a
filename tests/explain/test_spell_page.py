"""The page of a spell: tiny extracts, each with one thing to tell."""

from __future__ import annotations

import pytest

from tariff.engine.run import Options, Run
from tariff.explain.page import plain
from tariff.explain.spell import spell_page
from tariff.explain.trace import Books

from .conftest import UNDATED, Explain, Fails, section, squeezed

BILLED = {"billed_hrg": "DZ11T", "billed_price": "3101.00", "billed_mff": "1.171131",
          "billed_total": "3631.68"}  # fmt: skip


def test_a_valid_spell_from_rows_to_price(explain: Explain) -> None:
    page = explain("S1", rows=[{**BILLED, "diag_02": "I500", "diag_03": "I500", "diag_04": "J181",
                                "diag_05": "QQQ"}])  # fmt: skip
    assert page.startswith("Spell S1 at R1H Barts Health NHS Trust\n")
    assert "left out, not valid codes: QQQ" in section(page, "Validation")
    scores = squeezed(section(page, "Complications"))
    assert "1 I500 1 in the list of DZ" in scores
    assert "1 I500 0 repeated: counts once" in scores
    assert "1 J181 0 equal to the primary: does not score" in scores
    assert "1 QQQ 0 not a valid code: left out" in scores
    assert "CC score 1 in subchapter DZ." in scores
    rows = squeezed(section(page, "Rows of DZ11"))
    assert "no: CC score is 1; interventions is 0" in rows
    assert "holds: this is the HRG" in rows
    steps = squeezed(section(page, "Price: step by step"))
    assert "Tariff year 2022/23, of the discharge on 2022-05-06" in steps
    assert "Base price £3,101.00 non-elective price of DZ11T, ntps-2022-23" in steps
    assert "Market forces factor 1.171131 of 2022/23, mff-england" in steps
    assert "Total £3,631.68 half up to the penny" in steps
    billed = squeezed(section(page, "Billed beside priced"))
    assert "Total £3,631.68 £3,631.68 £0.00" in billed
    assert "SECRET77" not in page


def test_a_spell_of_three_episodes(explain: Explain) -> None:
    page = explain(
        "spell:R1H:S1",
        rows=[
            {"episode_order": 1, "episode_duration": 1, "diag_02": "E871"},
            {"episode_order": 2, "episode_duration": 3, "diag_01": "S720", "oper_01": "W461",
             "oper_02": "Y752", "oper_03": "U212", "critical_care_days": 2},
            {"episode_order": 3, "episode_duration": 1, "diag_01": "S720", "diag_02": "E871"},
        ],
    )  # fmt: skip
    assert "2 *" in section(page, "Episodes")
    assert "All 3 episodes are valid." in section(page, "Validation")
    drives = squeezed(section(page, "What drives"))
    assert "2 W461 procedure 1 W46 HT12 67 drives" in drives
    assert "2 Y752 procedure 2" in drives
    assert "cannot drive" in drives
    assert "3 S720 primary diagnosis S72" in drives
    assert "not asked: a procedure drives" in drives
    scores = squeezed(section(page, "Complications"))
    assert "1 E871 1 in the list of HT" in scores
    assert "3 E871 0 repeated: counts once" in scores
    assert "3 S720 0 equal to the primary: does not score" in scores
    counts = squeezed(section(page, "Interventions"))
    assert "2 W461 0 drives: does not count" in counts
    assert "2 U212 0 chapter U does not count" in counts
    stays = squeezed(section(page, "Stay"))
    assert "2 3 as given 2 1" in stays
    assert "Stay of the spell in grouping: 3 days" in stays
    fewer = squeezed(section(page, "One code fewer"))
    assert "W461 procedure" in fewer
    assert "Spell days 5" in squeezed(section(page, "Price: days"))
    assert "less critical care 2 counts of the episodes" in squeezed(section(page, "Price: days"))


def test_taking_a_code_away_gives_another_hrg_and_price(explain: Explain) -> None:
    page = explain("S1", rows=[{"diag_02": "I500", "diag_03": "E871", "diag_04": "Z888"}])
    score = section(page, "Complications")
    fewer = squeezed(section(page, "One code fewer"))
    assert "CC score" in score
    assert "neither HRG nor price" in fewer


def test_fields_in_error_are_named_with_why(explain: Explain) -> None:
    page = explain("S1", rows=[{"sex": "7", "age": 140, "treatment_function": "", "diag_01": ""}])
    told = squeezed(section(page, "Validation"))
    assert "episode 1: in error, category field" in told
    assert "sex: the sex 7 is not an accepted value" in told
    assert "age: the age 140 is not from 0 to 130" in told
    assert "treatment_function: the treatment function is blank" in told
    assert "diag_01: the primary diagnosis is blank" in told
    assert "UZ01Z" in section(page, "Grouping")
    assert "What drives".upper() not in page


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{}, {"episode_order": 2, "sex": "2"}], "category spell: a field that must be the same"),
        ([{}, {"episode_order": 2, "sex": "2"}], "the sex differs: 1, 2"),
        ([{}, {"episode_duration": 2}], "episode number 1 is used twice"),
        ([{"diag_01": "W191"}], "the diagnosis W191 may not stand first"),
        ([{"diag_01": "P070"}], "the perinatal diagnosis P070 stands first at the age of 60"),
    ],
)
def test_categories_of_error(explain: Explain, rows: list[dict[str, object]], words: str) -> None:
    assert words in squeezed(section(explain("S1", rows=rows), "Validation"))


def test_a_child_takes_the_root_of_children(explain: Explain) -> None:
    root = section(explain("S1", rows=[{"age": 5}]), "Root")
    assert "children are up to 18: so the root of children" in squeezed(root)


def test_a_long_stay(explain: Explain) -> None:
    page = explain("S1", rows=[{**BILLED, "discharge_date": "2022-05-28", "episode_duration": 27}])
    steps = squeezed(section(page, "Price: step by step"))
    assert "Trim point 17 non-elective trim point, ntps-2022-23" in steps
    assert "Excess days 10 adjusted days 27" in steps
    assert "Long stay payment £2,700.00 10 days x £270.00" in steps
    assert "Price before MFF £5,801.00 sum of the parts" in steps


def test_a_short_stay_test_by_test(explain: Explain) -> None:
    page = explain("S1", rows=[{**BILLED, "discharge_date": "2022-05-02", "episode_duration": 1}])
    tests = squeezed(section(page, "Price: reduced short stay"))
    for line in (
        "priced as non-elective NELST holds",
        "emergency admission method 21 holds",
        "age 19 or over 60 holds",
        "adjusted days at most 1 1 holds",
        "HRG flagged in ntps-2022-23 yes holds",
        "the reduced price £620.00 as published",
    ):
        assert line in tests
    steps = squeezed(section(page, "Price: step by step"))
    assert "Reduced short stay −£2,481.00 £620.00 in place of £3,101.00" in steps
    assert "Long stay payment £0.00 a short stay" in steps
    found = squeezed(section(page, "Findings"))
    assert "EMR07" in found


def test_a_child_fails_one_test_of_the_short_stay(explain: Explain) -> None:
    page = explain("S1", rows=[{**BILLED, "age": 18, "discharge_date": "2022-05-02"}])
    assert "age 19 or over 18 fails" in squeezed(section(page, "Price: reduced short stay"))


def test_a_price_of_2024_that_cannot_be_complete(explain: Explain) -> None:
    row = {**UNDATED, "episode_duration": 1, "provider": "ZZZ"}
    page = explain("S1", "--year", "2024/25", "--mff", "1", rows=[row])
    assert "(incomplete)" in page
    steps = squeezed(section(page, "Price: step by step"))
    assert "Tariff year 2024/25, given with --year" in steps
    assert "short_stay_not_held" in steps
    assert "The price is not complete" in steps
    tests = squeezed(section(page, "Price: reduced short stay"))
    assert "HRG flagged in nhsps-2024-25 – not known" in tests
    assert "the reduced price – not held: price incomplete" in tests


def test_without_a_year_nothing_is_priced(explain: Explain) -> None:
    page = explain("S1", rows=[UNDATED])
    steps = section(page, "Price: step by step")
    assert "No price." in steps
    assert "no_year" in steps


def test_a_provider_without_a_factor(explain: Explain) -> None:
    page = explain("S1", rows=[{"provider": "ZZZ"}])
    assert "before MFF, no factor (incomplete)" in page
    assert "the provider is in no table" in page


def test_priced_at_the_hrg_grouped(explain: Explain) -> None:
    rows = [{**BILLED, "billed_hrg": "FD10A"}]
    assert "(as billed)" in explain("S1", rows=rows)
    page = explain("S1", "--price-at", "grouped", rows=rows)
    assert "(as grouped)" in page
    assert "another HRG" in page


def test_signatures_that_did_not_run_are_named(explain: Explain) -> None:
    found = squeezed(section(explain("S1", rows=[{}]), "Findings"))
    assert "did not run: needs" in found


def test_copies_are_told(explain: Explain) -> None:
    page = explain("S1", rows=[BILLED, BILLED])
    assert "1 exact copy of these rows set aside" in page
    assert "DUP01" in section(page, "Findings")


# ---------------------------------------------------------------- which spell


def test_a_number_in_several_providers_is_listed(refused: Fails) -> None:
    message = refused("S1", rows=[{}, {"provider": "RYJ"}])
    assert "spell 'S1' is in 2 providers: R1H, RYJ" in message
    assert "R1H:S1" in message


@pytest.mark.parametrize("word", ["spell:RYJ:S1", "RYJ:S1", "ryj:s1"])
def test_a_provider_may_stand_before_the_number(explain: Explain, word: str) -> None:
    assert explain(word, rows=[{}, {"provider": "RYJ"}]).startswith("Spell S1 at RYJ")


def test_a_number_with_a_colon_in_it(explain: Explain) -> None:
    assert explain("A:1", rows=[{"spell_id": "A:1"}]).startswith("Spell A:1 at R1H")
    assert explain("R1H:A:1", rows=[{"spell_id": "A:1"}]).startswith("Spell A:1 at R1H")


def test_an_unknown_spell_gets_suggestions(refused: Fails) -> None:
    assert "did you mean S100200" in refused("S100201", rows=[{"spell_id": "S100200"}])
    assert "did you mean R1H:S1" in refused("RXX:S1", rows=[{}])


# ---------------------------------------------------------------- the demo


def test_a_spell_of_the_demo_in_full(demo: Run) -> None:
    page = plain(spell_page(demo, Options(), "S000000169"))
    told = [line for line in page.splitlines() if line and line[0] != " "]
    assert told == [
        "Spell S000000169 at R1H Barts Health NHS Trust",
        "EPISODES",
        "VALIDATION",
        "WHAT DRIVES",
        "ROOT",
        "COMPLICATIONS AND COMORBIDITIES",
        "INTERVENTIONS",
        "STAY",
        "ROWS OF KA09 IN SPLITS-2022-23, IN ORDER",
        "UNBUNDLED HRGS",
        "ONE CODE FEWER",
        "PRICE: DAYS AND POINT OF DELIVERY",
        "PRICE: STEP BY STEP",
        "BILLED BESIDE PRICED",
        "FINDINGS",
        "WHERE THIS COMES FROM",
    ]
    fewer = squeezed(section(page, "One code fewer"))
    assert "Without As HRG How Before MFF Total Change B084 procedure" in fewer


def test_no_patient_is_named_on_any_page(demo: Run, books: Books) -> None:
    rows = demo.spells.to_pylist()
    for row in rows[:: len(rows) // 12]:
        word = f"{row['provider']}:{row['spell_id']}"
        page = plain(spell_page(demo, Options(), word, books))
        assert row["patient_id"] not in page
