"""Specialised services: which decides, for which provider, at which rate."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tariff.engine.members import Members
from tariff.engine.pipeline import read_frame
from tariff.engine.spells import Spells
from tariff.engine.top_ups import RATE_UNIT, TopUpRules, TopUps, top_ups
from tariff.packs.compile import Rulebook
from tests.engine.extracts import Row, extract_of, rulebook_with, shipped, stay
from tests.engine.test_flags import Made, made

Answer = tuple[str, str]  # service and its rate in percent as printed
NONE = ("", "")


@cache
def rules() -> TopUpRules:
    return TopUpRules(shipped().prices.packs)


def with_providers(year: str, rows: list[Row]) -> Made:
    given = made(["EB03A"] * len(rows), rows, year)
    frame, first = given.members.frame, given.members.perm[given.members.start[:-1]]
    given.spells.provider = frame.columns["provider"][first].astype(np.int64)
    given.spells.providers = frame.vocabularies["provider"].values
    return given


def found(year: str, *rows: Row, of: TopUpRules | None = None) -> tuple[list[Answer], TopUps]:
    """The service and rate of spells of one episode: their numbers are their order."""
    named = [{**row, "spell_id": f"{number:03}"} for number, row in enumerate(rows)]
    given = with_providers(year, named)
    # spells stand in the order of their providers first
    order = np.argsort(np.argsort([row["provider"] for row in rows], kind="stable"))
    of = of or rules()
    out = top_ups(of, given.members, given.spells, given.tariff)
    answers = [(of.services[row], of.printed[row]) if row >= 0 else NONE for row in out.row]
    return [answers[place] for place in order], out


def given(services: str, provider: str = "RET", age: str = "45") -> Row:
    return stay(provider=provider, age=age, specialised_services=services)


@pytest.mark.parametrize(
    ("id_", "year", "row", "answer"),
    [
        ("PV119", "2022/23", given("NCBPS08O"), ("NCBPS08O", "7.54")),
        ("PV121", "2022/23", given("NCBPS34A", "RAN"), ("NCBPS34A", "24.44")),
        ("PV123", "2022/23", given("NCBPS06A"), ("NCBPS06A", "")),
        ("PV124", "2022/23", given("NCBPS23F", "RP4", "5"), ("NCBPS23F", "11.93")),
        ("PV128", "2016/17", given("93", "RBS", "7"), ("93", "64")),
        ("PV129", "2016/17", given("91", "RBS", "7"), ("91", "44")),
        ("PV130", "2016/17", given("93", "RA9", "7"), NONE),
        ("PV131", "2016/17", given("8", "RET", "60"), ("8", "28")),
        ("PV133", "2016/17", given("6", "RRK", "52"), ("6", "32")),
        ("PV134", "2016/17", given("34", "RA9", "70"), ("34", "24")),
        ("PV135", "2017/18", given("NCBPS08S"), ("NCBPS08S", "32.7058058949318")),
        ("PV136", "2017/18", given("NCBPS23F", "RBS", "5"), ("NCBPS23F", "13.4370574060318")),
        ("zero", "2022/23", given("NCBPS38S"), ("NCBPS38S", "0")),
        ("none", "2022/23", given(""), NONE),
    ],
)
def test_the_services_of_the_worked_prices(id_: str, year: str, row: Row, answer: Answer) -> None:
    answers, out = found(year, row)
    assert (answers, out.unknown.any()) == ([answer], False), id_


def test_rates_are_as_printed_to_fifteen_decimals() -> None:
    exact = {text: Fraction(text or 0) / 100 for text in rules().printed}
    for text, rate in zip(rules().printed, rules().rate, strict=True):
        apart = abs(Fraction(int(rate), RATE_UNIT) - exact[text])
        decimals = len(text.partition(".")[2])
        assert apart == 0 if decimals <= 13 else apart <= Fraction(1, 2 * RATE_UNIT), text
    assert {"32.7058058949318", "7.10996152270109", "0", ""} <= exact.keys()


@pytest.mark.parametrize(
    ("year", "services", "answer"),
    [
        ("2022/23", "NCBPS08O NCBPS08S", ("NCBPS08O", "7.54")),  # the first, not the dearest
        ("2022/23", "NCBPS08S,NCBPS08O", ("NCBPS08S", "38.52")),
        ("2022/23", "ncbps08s", ("NCBPS08S", "38.52")),
        ("2022/23", "NCBPS06A;NCBPS08S", ("NCBPS06A", "")),  # it decides, and has no rate
        ("2016/17", "34 8", ("8", "28")),  # the dearest
        ("2016/17", "93;8", ("8", "28")),  # 93 is dearer, and this provider is not on its list
        ("2016/17", "008 034", ("8", "28")),
    ],
)
def test_of_several_services(year: str, services: str, answer: Answer) -> None:
    assert found(year, given(services, "RET"))[0] == [answer]


def test_services_of_all_episodes_count_in_their_order() -> None:
    rows = [
        stay(spell_id="A", episode_order="2", specialised_services="NCBPS08S"),
        stay(spell_id="A", episode_order="1", specialised_services=""),
        stay(spell_id="A", episode_order="3", specialised_services="NCBPS08O"),
    ]
    one = with_providers("2022/23", rows[:1])
    extract = extract_of(rows)
    spells = Spells(read_frame(extract.batches(), extract.fields))
    out = top_ups(rules(), Members.of(spells), one.spells, one.tariff)
    assert [rules().services[row] for row in out.row] == ["NCBPS08S"]


def test_unknown_services_are_counted_and_passed_over() -> None:
    rows = [given("NCBPS99Q NCBPS08O"), given("8"), given("NCBPS08O"), given("NCBPS99Q")]
    answers, out = found("2022/23", *rows)
    assert answers == [("NCBPS08O", "7.54"), NONE, ("NCBPS08O", "7.54"), NONE]
    assert list(out.unknown) == [True, True, False, True]
    assert out.codes == {"NCBPS99Q": 2, "8": 1}


def test_in_a_year_without_services_any_is_unknown() -> None:
    answers, out = found("2024/25", given("NCBPS08O"), given(""))
    assert (answers, list(out.unknown)) == ([NONE, NONE], [True, False])


def test_a_provider_written_in_full_is_the_trust_of_the_list() -> None:
    rows = [given("93", provider, "7") for provider in ("RBS00", "RBS25", "RA900")]
    assert found("2016/17", *rows)[0] == [("93", "64"), NONE, NONE]


# ---------------------------------------------------------------- worked out, 2016/17


def codes(provider: str = "RBS", age: str = "7", **values: str) -> Row:
    return stay(provider=provider, age=age, **{"diag_01": "Z999", "oper_01": "A999", **values})


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (codes(diag_04="A046"), ("93", "64")),
        (codes(diag_02="A047"), ("91", "44")),
        (codes(diag_02="A047", diag_03="A046"), ("93", "64")),  # the dearer of the two
        (codes(diag_02="A046", age="18"), ("93", "64")),
        (codes(diag_02="A046", age="19"), NONE),
        (codes(diag_02="A046", age=""), NONE),  # a child only where the age is known
        (codes(diag_02="A046", age="999"), NONE),
        (codes(diag_02="A046", provider="RA9"), NONE),
        (codes(diag_02="A045"), NONE),  # next to one of the list
        (codes(diag_02="M0800"), ("91", "44")),  # M080 is of 93: the whole code counts
        (codes(diag_02="C20"), ("93", "64")),  # printed with its filling X
    ],
)
def test_diagnoses_give_services_of_children(row: Row, answer: Answer) -> None:
    assert found("2016/17", row)[0] == [answer]


def trigger(service: str, *, secondary: str = "") -> str:
    """A procedure that gives a service to adults and no other service."""
    table = shipped().prices.packs[shipped().prices.index_of_year("2016/17")].tables["top_up_codes"]
    columns = table.columns
    adults = [
        (code, of, second)
        for code, of, age, second in zip(
            *(columns[name] for name in ("code", "service", "age", "secondary")), strict=True
        )
        if age in ("adult", "any")
    ]
    return next(
        code
        for code, of, second in adults
        if of == service and second == secondary and sum(c == code for c, *_ in adults) == 1
    )


def test_procedures_give_services_of_adults() -> None:
    hip, spine, brain = trigger("34"), trigger("6"), trigger("8")
    rows = [
        codes("RET", "60", oper_02=hip),
        codes("RA9", "60", oper_02=hip),  # no list of providers: open to all
        codes("RRK", "60", oper_02=spine),
        codes("RET", "60", oper_02=brain),
        codes("RET", "60", oper_02=brain, oper_03=hip),
        codes("RRJ", "60", oper_02=brain, oper_03=hip),  # not on the list of neurosciences
        codes("RET", "7", oper_02=hip),
    ]
    services = [service for service, _ in found("2016/17", *rows)[0]]
    assert services[:6] == ["34", "34", "6", "8", "8", "34"]
    assert services[6] != "34"


def test_a_code_may_ask_for_another_procedure_beside_it() -> None:
    code = trigger("34", secondary="Y717")
    rows = [codes("RA9", "60", oper_01=code, oper_02=beside) for beside in ("Y717", "Y716", "")]
    assert found("2016/17", *rows)[0] == [("34", "24"), NONE, NONE]


def test_services_that_are_given_stand_for_what_could_be_worked_out() -> None:
    row = codes(diag_02="A046", specialised_services="")
    assert found("2016/17", row)[0] == [NONE]


def test_only_years_with_a_list_of_codes_work_services_out() -> None:
    assert found("2017/18", codes(diag_02="A046"))[0] == [NONE]


# ---------------------------------------------------------------- the rule is pack data


@pytest.fixture(scope="module")
def first_of_2016(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    folder = tmp_path_factory.mktemp("packs") / "ntps-2016-17"
    folder.mkdir()
    source = Path(__file__).parents[2] / "rules" / "tariff" / "ntps-2016-17"
    for file in source.iterdir():
        text = file.read_text(encoding="utf-8")
        text = text.replace("several: dearest", "several: first")
        (folder / file.name).write_text(text, encoding="utf-8")
    return rulebook_with(folder)


def test_a_pack_may_say_that_the_first_decides(first_of_2016: Rulebook) -> None:
    changed = TopUpRules(first_of_2016.prices.packs)
    rows = [given("34 8"), given("93 8"), codes("RBS", "7", diag_02="A046", diag_03="A047")]
    answers, _ = found("2016/17", *rows[:2], of=changed)
    assert answers == [("34", "24"), ("93", "")]  # 93 decides and is not paid
    # worked out: in the order of their codes
    assert found("2016/17", rows[2], of=changed)[0] == [("91", "44")]
