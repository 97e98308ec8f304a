"""Best practice flags: each national rule has spells that meet it and near misses that do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from tariff.engine.flags import FlagRules, Flags, derived_flags, flags
from tariff.engine.members import Members
from tariff.engine.pipeline import read_frame
from tariff.engine.price import PriceInput
from tariff.engine.spells import Spells
from tariff.packs.model import TariffPack
from tests.engine.extracts import Row, extract_of, shipped, stay

YEARS = ("2016/17", "2017/18", "2018/19", "2022/23")
OFF = {"diag_01": "Z999", "diag_02": "Z998", "oper_01": "A999", "oper_02": "A998"}


@cache
def rules() -> FlagRules:
    return FlagRules(shipped().prices.packs, shipped().hrg_ids)


@dataclass
class Made:
    """Rows as the flags take them."""

    members: Members
    spells: PriceInput
    tariff: np.ndarray  # type: ignore[type-arg]


def made(hrgs: Iterable[str], rows: list[Row], year: str) -> Made:
    """Rows, each of which has the HRG of its spell; spells stand in order of their numbers."""
    extract = extract_of(rows)
    spells = Spells(read_frame(extract.batches(), extract.fields))
    ids = [shipped().hrg_ids[hrg] for hrg in hrgs]
    frame, count = spells.frame, len(spells)
    given = PriceInput(
        *(np.zeros(count, np.int16), np.array(ids, np.int32)),
        *(spells.of_first("admission_method"), spells.of_first("patient_classification")),
        *(spells.of_first("age"), np.zeros(count, np.int32), np.zeros(count, np.int32)),
        np.zeros(count, np.int64),
        *([year], frame.vocabularies["admission_method"].values, [""], [""]),
    )
    index = shipped().prices.index_of_year(year)
    return Made(Members.of(spells), given, np.full(count, index, np.int16))


def worked_out(hrg: str, year: str, *rows: Row) -> list[set[str]]:
    """The flags of spells of one HRG: their numbers are their order."""
    named = [{**row, "spell_id": f"{number:03}"} for number, row in enumerate(rows)]
    return all_flags(made([hrg] * len(rows), named, year))


def all_flags(given: Made) -> list[set[str]]:
    out: list[set[str]] = [set() for _ in range(len(given.members))]
    pairs = derived_flags(rules(), given.members, given.spells, given.tariff)
    for spell, flag in zip(*pairs, strict=True):
        out[spell].add(rules().flags[flag])
    return out


def deciding(given: Made) -> tuple[list[str], Flags]:
    found = flags(rules(), given.members, given.spells, given.tariff)
    return [rules().flags[flag] if flag >= 0 else "" for flag in found.decides], found


# ---------------------------------------------------------------- every rule of every year


@dataclass(frozen=True)
class Printed:
    """One rule as the pack's tables print it."""

    year: str
    cells: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return dict(self.cells)[name]

    @property
    def id(self) -> str:
        return f"{self.year[2:]} {self['flag']} {self['rule']}"

    def lists(self, name: str) -> list[list[str]]:
        """The codes of each list that the rule names in a column."""
        manifest = shipped().prices.manifests[index_of(self.year)]
        assert isinstance(manifest, TariffPack)
        read = manifest.best_practice_list_readings
        return [codes_of(self.year, read.get(word, word)) for word in self[name].split()]


def index_of(year: str) -> int:
    return shipped().prices.index_of_year(year)


@cache
def codes_of(year: str, name: str) -> list[str]:
    columns = shipped().prices.packs[index_of(year)].tables["best_practice_codes"].columns
    pairs = zip(columns["list"], columns["code"], strict=True)
    return [code for held, code in pairs if held == name]


def printed_rules() -> Iterator[Printed]:
    for year in YEARS:
        table = shipped().prices.packs[index_of(year)].tables["best_practice_flags"]
        for cells in zip(*table.columns.values(), strict=True):
            yield Printed(year, tuple(zip(table.columns, cells, strict=True)))


def witness(rule: Printed) -> Row:
    """A spell that meets a rule: the first code of each of its lists."""
    age = rule["age_min"] or "4"
    row = stay(**OFF, admission_method=rule["admission_methods"].split()[0], age=age)
    place = 2
    for name in rule["secondary_procedures"].split():
        row[f"oper_{(place := place + 1):02}"] = (codes_of(rule.year, name) or [name])[0]
    for codes in rule.lists("procedure_lists")[:1]:
        row["oper_02"] = codes[0]
    for place, codes in enumerate(rule.lists("diagnosis_lists")):
        words = rule["diagnosis_position"].split()
        row["diag_01" if words[place] == "Primary" else f"diag_{place + 2:02}"] = codes[0]
    return row


def near_misses(rule: Printed) -> Iterator[tuple[str, Row]]:
    """Spells that miss one thing."""
    row = witness(rule)
    if rule["age_min"]:
        yield "a year too young", {**row, "age": str(int(rule["age_min"]) - 1)}
        if rule["age_unknown"] != "yes":  # else an age above 130 is the unknown one that fits
            yield "above the last age", {**row, "age": str(int(rule["age_max"]) + 1)}
    off = "21" if "11" in rule["admission_methods"].split() else "11"
    yield "another admission method", {**row, "admission_method": off}
    if "81" not in rule["admission_methods"].split():
        yield "a transfer", {**row, "admission_method": "81"}
    for name in ("oper_02", "oper_03", "oper_04"):
        if row.get(name, "A998") != "A998":
            yield f"no {name}", {**row, name: "A997"}
    asked = rule.lists("diagnosis_lists")
    for name in ("diag_01", "diag_02", "diag_03"):
        code = row.get(name, "Z99")
        # a list that the primary diagnosis is in as well does not miss another diagnosis
        covered = name != "diag_01" and any({code, row["diag_01"]} <= set(held) for held in asked)
        if code[:3] != "Z99" and not covered:
            yield f"no {name}", {**row, name: "Z997"}
            if name == "diag_01":
                yield "not primary", {**row, name: "Z997", "diag_09": code}


@pytest.mark.parametrize("rule", list(printed_rules()), ids=lambda rule: rule.id)
def test_a_rule_holds_for_what_it_prints_and_for_nothing_near_it(rule: Printed) -> None:
    (hrgs,) = rule.lists("hrg_lists")
    hrg = next(hrg for hrg in hrgs if hrg in shipped().hrg_ids)
    flag, misses = rule["flag"], dict(near_misses(rule))
    others = [other for other in printed_rules() if other.year == rule.year]
    alone = sum(other["flag"] == flag for other in others) == 1
    unknown = {**witness(rule), "age": "999"}
    found = worked_out(hrg, rule.year, witness(rule), unknown, *misses.values())
    assert flag in found[0]
    assert (flag in found[1]) == (not rule["age_min"] or rule["age_unknown"] == "yes")
    if alone:
        held = [name for name, have in zip(misses, found[2:], strict=True) if flag in have]
        assert held == []
    off = next(h for h in sorted(shipped().hrg_ids) if h not in hrgs and h[:2] != hrg[:2])
    assert flag not in worked_out(off, rule.year, witness(rule))[0]


def test_the_rules_of_each_year_are_all_there() -> None:
    assert [len(held) for held in rules().rules if held] == [43, 51, 51, 3]


# ---------------------------------------------------------------- several flags


def with_codes(year: str, *wanted: str) -> Row:
    """A planned admission with a procedure of each of some rules, and what they ask beside it."""
    row = stay(**OFF, admission_method="11", age="60")
    codes = [
        code
        for rule in printed_rules()
        if rule.year == year and f"{rule['flag']} {rule['rule']}" in wanted
        for code in (
            *(held[0] for held in rule.lists("procedure_lists")),
            *((codes_of(year, w) or [w])[0] for w in rule["secondary_procedures"].split()),
        )
    ]
    row |= {f"oper_{place:02}": code for place, code in enumerate(codes, start=3)}
    for rule in printed_rules():
        if rule.year == year and f"{rule['flag']} {rule['rule']}" in wanted:
            row |= {f"diag_{n:02}": c[0] for n, c in enumerate(rule.lists("diagnosis_lists"), 3)}
    return row


@pytest.mark.parametrize(
    ("year", "hrg", "held", "decides"),
    [
        ("2017/18", "JA20F", "BP28 BP29 BP32", "BP28"),
        ("2017/18", "JA20F", "BP29 BP32", "BP29"),  # the dearer BP32 stands below it
        ("2018/19", "JA20F", "BP28 BP32", "BP28"),
        ("2016/17", "QZ15B", "BP24 BP25", "BP25"),
        ("2016/17", "QZ15C", "BP24 BP25", "BP25"),
        ("2016/17", "JA24B", "BP27 BP31", "BP31"),
        ("2016/17", "JA24C", "BP27 BP29 BP31", "BP29"),
        ("2016/17", "JA20B", "BP28 BP29 BP32", "BP28"),
        ("2016/17", "JA20C", "BP29 BP32", "BP29"),
    ],
)
def test_of_several_flags_the_printed_hierarchy_decides(
    year: str, hrg: str, held: str, decides: str
) -> None:
    row = with_codes(year, *(f"{flag} 1" for flag in held.split()))
    given = made([hrg], [row], year)
    assert all_flags(given) == [set(held.split())]
    assert deciding(given)[0] == [decides]


def test_a_flag_without_a_price_decides_nothing() -> None:
    (rule,) = [rule for rule in printed_rules() if rule.id == "17/18 BP02 1"]
    given = made(["EB10A"], [witness(rule)], "2017/18")
    assert all_flags(given) == [{"BP02"}]
    assert deciding(given)[0] == [""]


# ---------------------------------------------------------------- what counts


def test_rules_of_one_flag_are_alternatives() -> None:
    """BP52 of 2016/17: a complication first, or diabetes first with a complication anywhere."""
    (_, first), (_, second) = [
        (rule.id, witness(rule)) for rule in printed_rules() if rule.id[:10] == "16/17 BP52"
    ]
    neither = {**second, "diag_03": "Z997"}
    assert worked_out("KB01A", "2016/17", first, second, neither) == [{"BP52"}, {"BP52"}, set()]


def test_lists_hold_what_begins_with_an_entry_and_a_filling_x_may_be_left_out() -> None:
    stroke = stay(**OFF, age="70")
    rows = [{**stroke, "diag_01": code} for code in ("I64X", "I64", "I630", "I63.01", "I62", "I6")]
    expected = [{"BP05"}, {"BP05"}, {"BP05"}, {"BP05"}, set(), set()]
    assert worked_out("AA22A", "2016/17", *rows) == expected


def test_codes_of_any_episode_count_and_the_first_of_each_is_primary() -> None:
    bone = {"admission_method": "21", "age": "84", **OFF}
    rows = [
        stay(spell_id="A", episode_order="1", **bone),
        stay(spell_id="A", episode_order="2", **{**bone, "diag_01": "S7200", "oper_01": "W191"}),
    ]
    assert all_flags(made(["HT12C"], rows, "2022/23")) == [{"BP01"}]
    rows[1] |= {"diag_01": "Z997", "diag_04": "S7200"}
    assert all_flags(made(["HT12C"], rows, "2022/23")) == [set()]
    assert all_flags(made(["HT12C"], rows, "2017/18")) == [{"BP01"}]  # any place, in that year


# ---------------------------------------------------------------- given by the extract


@pytest.mark.parametrize(
    ("cell", "decides"),
    [
        ("BP01", "BP01"),
        ("bp01", "BP01"),
        ("BP50;BP01", "BP01"),
        ("BP50 , BP01", "BP01"),
        ("", ""),
        ("BP50", ""),  # a flag of the year that has no price for the HRG
    ],
)
def test_flags_that_are_given_stand_for_what_could_be_worked_out(cell: str, decides: str) -> None:
    hip = stay(**OFF, age="84", best_practice_flags=cell) | {"diag_01": "S720", "oper_01": "W191"}
    given = made(["HT12C"], [hip], "2022/23")
    assert all_flags(given) == [{"BP01"}]
    names, found = deciding(given)
    assert (names, dict(found.unknown)) == ([decides], {})


def test_flags_of_all_episodes_count_and_unknown_ones_are_counted() -> None:
    cells = [("A", "BP99 BP99"), ("A", "BP01"), ("B", "BP99;BP28"), ("C", "")]
    rows = [
        stay(spell_id=spell, episode_order=str(order), best_practice_flags=cell)
        for order, (spell, cell) in enumerate(cells, start=1)
    ]
    names, found = deciding(made(["HT12C"] * 3, rows, "2022/23"))
    assert names == ["BP01", "", ""]
    assert found.unknown == {"BP99": 2, "BP28": 1}  # BP28 was a flag of earlier years


def test_without_a_price_list_or_an_hrg_nothing_is_flagged() -> None:
    given = made(["HT12C"], [stay(best_practice_flags="BP01 BP98")], "2022/23")
    given.tariff[:] = -2
    assert deciding(given)[0] == [""] and not deciding(given)[1].unknown
    given.tariff[:], given.spells.hrg[:] = index_of("2022/23"), -2
    assert deciding(given)[0] == [""]


def test_merged_spells_have_the_codes_of_all_their_parts() -> None:
    rows = [
        stay(spell_id="A", **OFF, age="84") | {"diag_01": "S7200"},
        stay(spell_id="B", **OFF, age="84") | {"oper_01": "W191"},
    ]
    given = made(["HT12C"] * 2, rows, "2022/23")
    assert deciding(given)[0] == ["", ""]
    extract = extract_of(rows)
    spells = Spells(read_frame(extract.batches(), extract.fields))
    one = np.array([0])
    merged = Made(Members.of_chains(spells, [(0, 1)]), given.spells.take(one), given.tariff[one])
    assert deciding(merged)[0] == ["BP01"]
