"""Exclusion by episode: what the national lists and the mark of the provider say, by year."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from tariff.engine.exclusions import ExclusionRules, Exclusions, exclusions
from tariff.engine.members import Members
from tariff.engine.pipeline import read_frame
from tariff.engine.price import years_of
from tariff.engine.price_other_care import price_records
from tariff.engine.spells import Spells
from tariff.extract import from_arrow
from tests.engine.extracts import (
    Row,
    extract_of,
    reasons,
    run,
    shipped,
    spell,
    stay,
    table_of,
)

RULES = Path(__file__).parents[2] / "rules"
DISCHARGED = {"2016/17": "2016-05-10", "2017/18": "2017-05-10", "2018/19": "2018-05-10"}
BETWEEN = {"2019/20": "2019-05-10", "2021/22": "2021-05-10", "2022/23": "2022-05-10"}

# id, year, treatment function, administrative category, serial number, excluded
VECTORS = """
EX01 2022/23 318 01 - yes
EX02 2022/23 319 01 - yes
EX03 2022/23 199 01 - yes
EX04 2022/23 499 01 - yes
EX05 2022/23 700 01 - yes
EX06 2022/23 710 01 - yes
EX07 2022/23 713 01 - yes
EX08 2022/23 715 01 - yes
EX09 2022/23 727 01 - yes
EX10 2022/23 730 01 - yes
EX11 2017/18 730 01 - no
EX12 2016/17 726 01 - yes
EX13 2022/23 714 01 - no
EX14 2022/23 424 01 - yes
EX15 2022/23 343 01 - yes
EX16 2022/23 264 01 - yes
EX17 2022/23 300 02 - yes
EX18 2022/23 300 01 - no
ONE-DIGIT 2022/23 300 2 - yes
ONE-NHS 2022/23 300 1 - no
EX19 2022/23 300 01 AB12= yes
""".strip().splitlines()


@cache
def rules() -> ExclusionRules:
    return ExclusionRules(shipped().points_of_delivery.pack)


def excluded(*rows: Row) -> Exclusions:
    spells = Spells(read_frame(extract_of(rows).batches(), extract_of(rows).fields))
    year, years = years_of(spells.date("discharge_date", from_end=True), None)
    return exclusions(rules(), Members.of(spells), year, years)


def episode(year: str = "2022/23", **values: str) -> Row:
    day = {**DISCHARGED, **BETWEEN}[year]
    return stay(**{"admission_date": day, "discharge_date": day, **values})


@pytest.mark.parametrize("line", VECTORS, ids=[line.split()[0] for line in VECTORS])
def test_the_vectors_of_exclusion_before_grouping(line: str) -> None:
    _, year, function, category, serial, answer = line.split()
    row = episode(
        year,
        treatment_function=function,
        administrative_category=category,
        commissioning_serial_number="" if serial == "-" else serial,
    )
    assert list(excluded(row).state) == [2 if answer == "yes" else 0]


@pytest.mark.parametrize(
    ("id_", "year", "codes"),
    [
        ("EX43", "2022/23", {"oper_01": "A111", "oper_02": "A112"}),
        ("EX45", "2017/18", {"diag_02": "C490", "oper_01": "T961"}),
    ],
)
def test_a_listed_procedure_is_excluded_where_it_is_marked(
    id_: str, year: str, codes: dict[str, str]
) -> None:
    unmarked = episode(year, **codes, commissioning_serial_number="1234")
    marked = episode(year, **codes, commissioning_serial_number="=1234")
    assert (list(excluded(unmarked).state), list(excluded(marked).state)) == ([0], [2]), id_


@pytest.mark.parametrize(("id_", "patient_class"), [("EX41", "8"), ("EX42", "3")])
def test_no_patient_classification_excludes(id_: str, patient_class: str) -> None:
    assert list(excluded(episode(patient_classification=patient_class)).state) == [0], id_


@pytest.mark.parametrize("year", ["2016-17", "2017-18", "2018-19", "2022-23"])
def test_the_treatment_functions_are_those_of_the_service_rules_of_the_year(year: str) -> None:
    with (RULES / "tariff" / f"ntps-{year}" / "service_rules.csv").open() as file:
        printed = {
            code
            for row in csv.DictReader(file)
            if "Episodes with the TFC" in row["sus"]
            for code in row["treatment_functions"].split()
        }
    assert len(printed) == (22 if year == "2022-23" else 21)
    assert rules().codes("treatment_function", year.replace("-", "/")) == printed


@pytest.mark.parametrize("year", ["2019/20", "2021/22"])
def test_730_does_not_count_in_years_of_which_no_list_is_known(year: str) -> None:
    assert list(excluded(episode(year, treatment_function="730")).state) == [0]
    assert list(excluded(episode(year, treatment_function="727")).state) == [2]


def test_without_a_year_what_holds_in_every_year_excludes() -> None:
    undated = {"discharge_date": "", "admission_date": ""}
    spells = [stay(spell_id=code, treatment_function=code, **undated) for code in ("727", "730")]
    assert list(excluded(*spells).state) == [2, 0]


def test_a_spell_is_excluded_in_part_or_whole() -> None:
    rows = [
        episode(spell_id=spell, episode_order=str(order), treatment_function=function)
        for spell, functions in (("A", "300 300"), ("B", "300 710"), ("C", "710 424"))
        for order, function in enumerate(functions.split(), start=1)
    ]
    assert list(excluded(*rows).state) == [0, 1, 2]


def test_either_place_of_the_mark_counts_and_is_kept() -> None:
    numbers = ["=A1", "A1=", "=", "A=1", "", "A1"]
    rows = [
        episode(spell_id=str(index), commissioning_serial_number=number)
        for index, number in enumerate(numbers)
    ]
    found = excluded(*rows)
    assert list(found.state) == [2, 2, 2, 0, 0, 0]
    assert found.marks == {"first": 2, "last": 2, "both": 1}


def test_merged_spells_are_judged_by_all_their_episodes() -> None:
    rows = [
        episode(spell_id=spell, treatment_function=function)
        for spell, function in (("A", "300"), ("B", "710"), ("C", "711"))
    ]
    spells = Spells(read_frame(extract_of(rows).batches(), extract_of(rows).fields))
    chains = Members.of_chains(spells, [(0, 1), (1, 2), (2,)])
    year, years = years_of(spells.date("discharge_date"), None)
    assert list(exclusions(rules(), chains, year, years).state) == [1, 2, 2]


# ---------------------------------------------------------------- after grouping


@pytest.mark.parametrize(
    ("id_", "year", "hrg", "pounds", "why"),
    [
        ("EX20", "2022/23", "WD01Z", None, {"hrg_not_in_tariff"}),
        ("EX20", "2022/23", "WD09Z", None, {"hrg_not_in_tariff"}),
        ("EX25", "2022/23", "LA97A", 0, set()),
        ("EX26", "2016/17", "LA08E", 0, set()),
        ("EX27", "2022/23", "LA97B", None, {"no_national_price"}),
        ("EX29", "2022/23", "RD97Z", None, {"no_national_price"}),
        ("EX29", "2022/23", "RN97Z", None, {"no_national_price"}),
        ("EX39", "2022/23", "NZ16Z", None, {"hrg_not_in_tariff"}),
    ],
)
def test_the_vectors_of_spells_without_a_price_after_grouping(
    id_: str, year: str, hrg: str, pounds: int | None, why: set[str]
) -> None:
    record = spell(run(episode(year, billed_hrg=hrg), rules=False))
    assert record["exclusion"] == 0, id_
    assert (record["total_pence"], reasons(record)) == (pounds, why)


@pytest.mark.parametrize(
    ("id_", "line", "column"),
    [
        ("EX21", "XC05Z", "critical_care_days"),
        ("EX22", "VC04Z", "rehabilitation_days"),
        ("EX23", "SD01A", "palliative_care_days"),
        ("EX24", "LE01A", ""),
    ],
)
def test_a_line_is_local_and_its_spell_stays_priced(id_: str, line: str, column: str) -> None:
    """The days of the line come off the stay: 19 days above the trim point of AA22F, 3,872."""
    dates = {"admission_date": "2022-05-01", "discharge_date": "2022-06-01"}
    days = {column: "12"} if column else {}
    record = spell(run(stay(**dates, **days, billed_hrg="AA22F"), rules=False))
    excess = 31 - (12 if column else 0) - 19
    assert record["pre_mff_pence"] == (3872 + 266 * excess) * 100, id_
    assert record["complete"]
    lines = {"provider": "R1H", "line_id": "1", "quantity": "12", "end_date": "2022-06-01"}
    core = {"tariff_code": line, "core_hrg": "AA22F", "core_point_of_delivery": "NEL"}
    extract = from_arrow(table_of([{**lines, **core}]), dataset="lines")
    (priced,) = price_records(extract, rulebook=shipped()).table.to_pylist()
    assert (priced["outcome"], priced["total_pence"]) == ("local_price", 0)


# ---------------------------------------------------------------- what a run says


def test_an_excluded_spell_is_counted_apart_from_one_priced_at_zero() -> None:
    rows = [
        episode(spell_id="A", billed_hrg="EB03A", treatment_function="710"),
        episode(spell_id="B", billed_hrg="LA97A"),
        episode(spell_id="C", billed_hrg="EB03A", commissioning_serial_number="12="),
        *(
            episode(spell_id="D", episode_order=order, billed_hrg="EB03A", treatment_function=code)
            for order, code in (("1", "300"), ("2", "424"))
        ),
    ]
    done = run(*rows, rules=False)
    told = {name: (spell(done, name)["total_pence"], reasons(spell(done, name))) for name in "ABCD"}
    assert told["A"] == told["C"] == (None, {"excluded"})
    assert told["B"] == (0, set())
    assert told["D"][0] is not None and told["D"][1] == {"part_excluded"}
    assert done.manifest["excluded"] == {
        "spells": 2,
        "spells_in_part": 1,
        "episodes_marked_first": 0,
        "episodes_marked_last": 1,
    }


def test_codes_that_the_year_does_not_have_are_counted_and_named() -> None:
    unknown = {
        "best_practice_flags": "BP01;BP98",
        "specialised_services": "NCBPS99Q",
        "best_practice_payments": "BONUS",
    }
    rows = [episode(spell_id=name, billed_hrg="EB03A", **unknown) for name in "AB"]
    notices = run(*rows, rules=False).manifest["notices"]
    assert [notice for notice in notices if "does not have" in notice] == [
        "Best practice flags that the year of the spell does not have: BP98 (2).",
        "Specialised services that the year of the spell does not have: NCBPS99Q (2).",
        "Best practice payments that the year of the spell does not have: BONUS (2).",
    ]
