"""docs/signatures.md, a sentence at a time: predicates, scopes, exceptions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tariff.packs.model import (
    Applies,
    Chapter,
    Code,
    Every,
    ExceptionRule,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Remedy,
    Rule,
    Same,
    SetKey,
    Some,
)
from tariff.packs.model import Test as Compare
from tariff.reference.group import Grouping
from tariff.reference.match import Context, Hit, connected, holds, match_rule
from tariff.reference.price import price_spell
from tariff.reference.records import Record, chapter_of, month_end, record_of
from tariff.reference.spells import assemble
from tests.reference.tiny_packs import PRICING, TABLES, episode

TRUE = Every(())


def rule(scope: Any, match: Predicate = TRUE, **values: Any) -> Rule:
    defaults: dict[str, Any] = {
        "id": "TST01",
        "version": "1.0.0",
        "name": "test",
        "title": "Test",
        "class_": "deterministic",
        "status": "stable",
        "level": "high",
        "scope": scope,
        "applies": Applies(),
        "match": match,
        "exceptions": (),
        "pairing": None,
        "set_key": None,
        "step": "duplicate",
        "remedy": Remedy(kind="query"),
        "params": {},
        "needs": (),
        "needs_official_grouping": False,
        "min_value": Decimal(0),
        "what": "",
        "why": "",
        "ask": "",
        "legitimate_reasons": (),
        "sources": (),
        "tests": (),
    }
    return Rule(**defaults | values)


def record(spell_id: str, first: int | None = 0, last: int | None = 0, **values: Any) -> Record:
    """Make a record admitted and discharged on numbered days."""
    return {
        "provider": "R1A",
        "spell_id": spell_id,
        "patient_id": "P1",
        "admission_date": first,
        "discharge_date": last,
        **values,
    }


def spells(hits: list[Hit]) -> list[str]:
    """Write each hit as its spell numbers in order."""
    return ["".join(spell_id for _, spell_id in keys) for _, keys, _ in hits]


def number(value: int) -> Operand:
    return Operand("constant", value)


# ---------------------------------------------------------------- predicates

ONE: Record = {
    "provider": "R1A",
    "spell_id": "A",
    "admission_method": "21",
    "hrg": "UZ01Z",
    "age": 19,
    "billed": 12_345,
    "base": 10_000,
    "mff": 1_100_000_000,
    "spell_days": None,
    "site": None,
}
CONTEXT = Context(
    params={"most": Decimal("123.45"), "days": Decimal(19), "factor": Decimal("1.1")},
    lists={"emergency": ("21", "22")},
)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (Compare("admission_method", 0, "in", ("21", "2A")), True),
        (Compare("admission_method", 0, "in", ("2", "2A")), False),
        (Compare("site", 0, "in", ("",)), False),
        (Compare("hrg", 0, "starts", ("AA", "U")), True),
        (Compare("hrg", 0, "starts", ("Z",)), False),
        (Compare("admission_method", 0, "list", ("emergency",)), True),
        (Compare("hrg", 0, "list", ("emergency",)), False),
        (Compare("site", 0, "missing"), True),
        (Compare("unheard_of", 0, "missing"), True),
        (Compare("hrg", 0, "missing"), False),
        (Compare("hrg", 0, "present"), True),
        (Compare("site", 0, "present"), False),
        (Compare("age", 0, "at_least", operand=number(19)), True),
        (Compare("age", 0, "at_least", operand=number(20)), False),
        (Compare("age", 0, "at_most", operand=number(19)), True),
        (Compare("age", 0, "at_most", operand=number(18)), False),
        (Compare("age", 0, "above", operand=number(19)), False),
        (Compare("age", 0, "above", operand=number(18)), True),
        (Compare("age", 0, "below", operand=number(19)), False),
        (Compare("age", 0, "below", operand=number(20)), True),
        (Compare("age", 0, "equals", operand=number(19)), True),
        (Compare("age", 0, "differs", operand=number(19)), False),
        (Compare("age", 0, "differs", operand=number(18)), True),
        (Compare("age", 0, "differs", operand=number(16), by=number(3)), False),
        (Compare("age", 0, "differs", operand=number(23), by=number(3)), True),
        (Compare("spell_days", 0, "at_most", operand=number(1)), False),
        (Compare("spell_days", 0, "differs", operand=number(1)), False),
        (Compare("age", 0, "differs", operand=Operand("field", "spell_days")), False),
        (Compare("billed", 0, "equals", operand=Operand("param", "most")), True),
        (Compare("age", 0, "equals", operand=Operand("param", "days")), True),
        (Compare("mff", 0, "equals", operand=Operand("param", "factor")), True),
        (Compare("billed", 0, "above", operand=Operand("field", "base", plus=2_344)), True),
        (Compare("billed", 0, "above", operand=Operand("field", "base", plus=2_345)), False),
        (Compare("hrg", 0, "equals", operand=Operand("field", "hrg")), True),
        (Compare("hrg", 0, "differs", operand=Operand("field", "admission_method")), True),
        (Compare("hrg", 0, "differs", operand=Operand("field", "site")), False),
    ],
)
def test_each_test(test: Compare, expected: bool) -> None:
    assert holds(test, ONE, ONE, CONTEXT) is expected


def test_negation_of_a_comparison_with_a_missing_value_holds() -> None:
    unknown = Compare("spell_days", 0, "at_most", operand=number(1))
    assert holds(Negation(unknown), ONE, ONE, CONTEXT)


def test_all_and_any() -> None:
    yes, no = Compare("hrg", 0, "present"), Compare("hrg", 0, "missing")
    assert holds(Every(()), ONE, ONE, CONTEXT)
    assert not holds(Some(()), ONE, ONE, CONTEXT)
    assert holds(Some((no, yes)), ONE, ONE, CONTEXT)
    assert not holds(Every((no, yes)), ONE, ONE, CONTEXT)


def test_sides_of_a_pair() -> None:
    older, newer = record("A", 0, 3, hrg="X"), record("B", 3, 5, hrg="Y", site=None)
    assert holds(Compare("hrg", 0, "in", ("X",)), older, newer, CONTEXT)
    assert holds(Compare("hrg", 1, "in", ("Y",)), older, newer, CONTEXT)
    admitted = Compare("admission_date", 1, "equals", operand=Operand("field", "discharge_date", 0))
    assert holds(admitted, older, newer, CONTEXT)
    assert holds(Same("patient_id"), older, newer, CONTEXT)
    assert not holds(Same("hrg"), older, newer, CONTEXT)
    assert not holds(Same("site"), older, newer, CONTEXT)


# ---------------------------------------------------------------- record and spell


@pytest.mark.parametrize("scope", ["record", "spell"])
def test_one_record_at_a_time(scope: str) -> None:
    found = match_rule(rule(scope, Compare("age", 0, "present")), [record("B", age=1), record("A")])
    assert found == [("TST01", (("R1A", "B"),), None)]


def test_an_exception_drops_a_hit() -> None:
    planned = ExceptionRule("planned", Compare("admission_method", 0, "in", ("11",)))
    never = ExceptionRule("never", Compare("admission_method", 0, "in", ("99",)))
    one = rule("record", exceptions=(never, planned))
    records = [record("A", admission_method="11"), record("B", admission_method="21")]
    assert spells(match_rule(one, records)) == ["B"]


def test_dates_of_validity() -> None:
    day_0, day_9 = date(1970, 1, 1), date(1970, 1, 10)
    records = [record("A", -5, -1), record("B", -1, 0), record("C", 9, 9), record("D", 0, 10)]
    records.append(record("E", 20, None))
    discharged = rule("record", applies=Applies(from_=day_0, to=day_9))
    assert spells(match_rule(discharged, records)) == ["B", "C", "E"]
    admitted = rule("record", applies=Applies(from_=day_0, to=day_9, on="admission_date"))
    assert spells(match_rule(admitted, records)) == ["C", "D"]


def test_dates_of_validity_of_a_pair_are_those_of_the_current() -> None:
    pair = rule(
        "sequence", pairing=Pairing(same=("patient_id",)), applies=Applies(from_=date(1970, 1, 3))
    )
    assert spells(match_rule(pair, [record("A", 0, 1), record("B", 1, 2)])) == ["AB"]
    assert spells(match_rule(pair, [record("A", 0, 2), record("B", 1, 1)])) == []


# ---------------------------------------------------------------- sequence


def sequence(match: Predicate = TRUE, same: tuple[str, ...] = ("patient_id",), **pair: Any) -> Rule:
    return rule("sequence", match, pairing=Pairing(same=same, **pair))


@pytest.mark.parametrize(
    ("admitted", "found"), [(4, False), (5, True), (6, True), (7, False), (None, False)]
)
def test_gap(admitted: int | None, found: bool) -> None:
    records = [record("A", 0, 5), record("B", admitted, 9)]
    assert bool(match_rule(sequence(gap_min=0, gap_max=1), records)) is found


def test_a_gap_asks_for_the_discharge_of_the_previous_only() -> None:
    one = sequence(gap_min=0, gap_max=1)
    assert spells(match_rule(one, [record("A", 0, 5), record("B", 5, None)])) == ["AB"]
    assert match_rule(one, [record("A", 0, None), record("B", 5, 9)]) == []


@pytest.mark.parametrize(("admitted", "found"), [(3, True), (4, True), (5, False)])
def test_overlap(admitted: int, found: bool) -> None:
    records = [record("A", 0, 5), record("B", admitted, 9)]
    assert bool(match_rule(sequence(overlap_min=1), records)) is found


def test_overlap_ends_with_the_earlier_discharge() -> None:
    records = [record("A", 0, 9), record("B", 2, 3)]
    assert match_rule(sequence(overlap_min=1), records)
    assert not match_rule(sequence(overlap_min=2), records)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ((0, 9), (2, 5), "AB"),
        ((2, 5), (0, 9), "BA"),  # nested the other way round
        ((0, 9), (0, 9), "AB"),
        ((0, 5), (0, 9), "BA"),  # a tie: the one discharged later is previous
        ((0, 5), (2, 9), None),
        ((0, 5), (9, 3), None),  # discharged before admitted: it does not lie within
    ],
)
def test_contains(first: tuple[int, int], second: tuple[int, int], found: str | None) -> None:
    records = [record("A", *first), record("B", *second)]
    assert spells(match_rule(sequence(contains=True), records)) == ([found] if found else [])
    assert spells(match_rule(sequence(contains=True), records[::-1])) == ([found] if found else [])


def test_previous_is_admitted_first_then_discharged_later_then_the_lower_id() -> None:
    previous_is_a = sequence(Compare("spell_id", 0, "in", ("A",)))
    assert match_rule(previous_is_a, [record("A", 1, 1), record("B", 2, 2)])
    assert not match_rule(previous_is_a, [record("A", 2, 2), record("B", 1, 1)])
    assert match_rule(previous_is_a, [record("A", 1, 3), record("B", 1, 2)])
    assert not match_rule(previous_is_a, [record("A", 1, 2), record("B", 1, 3)])
    assert match_rule(previous_is_a, [record("B", 1, 2), record("A", 1, 2)])
    ordinary, day_case = {"patient_classification": "1"}, {"patient_classification": "2"}
    assert not match_rule(previous_is_a, [record("A", **day_case), record("B", **ordinary)])
    other = {"provider": "R2A"}
    assert not match_rule(previous_is_a, [record("A", **other), record("B")])


def test_pairs_are_equal_in_every_field_of_same() -> None:
    one = sequence(same=("patient_id", "site"))
    assert match_rule(one, [record("A", site="1"), record("B", site="1")])
    assert not match_rule(one, [record("A", site="1"), record("B", site="2")])
    assert not match_rule(one, [record("A"), record("B")])  # missing is not equal
    assert not match_rule(one, [record("A", site="1"), record("B", site="1", patient_id="P2")])


def test_a_chain_is_one_hit() -> None:
    records = [
        record("C", 4, 6),
        record("A", 0, 2),
        record("B", 2, 4),
        record("E", 21, 22),
        record("D", 20, 21),
        record("F", 40, 41),
    ]
    found = match_rule(sequence(gap_min=0, gap_max=1), records)
    assert spells(found) == ["ABC", "DE"]
    assert found[0] == ("TST01", (("R1A", "A"), ("R1A", "B"), ("R1A", "C")), None)


def test_pairs_are_not_of_neighbours_only() -> None:
    records = [record("A", 0, 5), record("B", 1, 2), record("C", 5, 6)]
    assert spells(match_rule(sequence(gap_min=0, gap_max=0), records)) == ["AC"]


def test_an_exception_drops_a_pair_before_pairs_are_joined() -> None:
    records = [record("A", 0, 2), record("B", 2, 4), record("C", 4, 6, admission_method="11")]
    planned = ExceptionRule("planned", Compare("admission_method", 1, "in", ("11",)))
    one = rule(
        "sequence",
        pairing=Pairing(same=("patient_id",), gap_min=0, gap_max=1),
        exceptions=(planned,),
    )
    assert spells(match_rule(one, records)) == ["AB"]


def test_connected() -> None:
    assert connected([(0, 1), (4, 5), (2, 3), (1, 2), (5, 9)]) == [[0, 1, 2, 3], [4, 5, 9]]


# ---------------------------------------------------------------- set


def alike(keep: Any = "dearest", match: Predicate = TRUE, key: tuple[str, ...] = ("hrg",)) -> Rule:
    return rule("set", match, set_key=SetKey(of="spells", key=key, keep=keep))


def test_the_dearest_is_kept_and_each_other_is_a_hit() -> None:
    records = [
        record("A", 0, 1, hrg="X", billed=100),
        record("B", 1, 2, hrg="X", billed=300),
        record("C", 2, 3, hrg="X", billed=None),
        record("D", 3, 4, hrg="Y", billed=900),
        record("E", 3, 4, hrg=None, billed=900),
        record("F", 3, 4, hrg=None, billed=900),
    ]
    kept = ("R1A", "B")
    assert match_rule(alike(), records) == [
        ("TST01", (("R1A", "A"), kept), kept),
        ("TST01", (kept, ("R1A", "C")), kept),
    ]


def test_ties_of_the_dearest_go_to_the_lowest_key() -> None:
    low = record("B", 9, 9, hrg="X", billed=100)
    high = record("A", 0, 0, hrg="X", billed=100, provider="R2A")
    assert match_rule(alike(), [high, low])[0][2] == ("R1A", "B")
    ten, nine = record("10", hrg="X"), record("9", hrg="X")  # as text
    assert match_rule(alike(), [nine, ten])[0][2] == ("R1A", "10")


def test_a_set_is_of_several_patients_unless_its_key_says_otherwise() -> None:
    records = [record("A", hrg="X"), record("B", hrg="X", patient_id="P2")]
    assert match_rule(alike(), records)
    assert not match_rule(alike(key=("patient_id", "hrg")), records)


def test_keep_first() -> None:
    records = [record("A", 5, 6, hrg="X", billed=900), record("B", 0, 1, hrg="X", billed=1)]
    assert match_rule(alike("first"), records) == [
        ("TST01", (("R1A", "B"), ("R1A", "A")), ("R1A", "B"))
    ]


def test_previous_is_the_record_kept() -> None:
    records = [record("A", 0, 1, hrg="X", billed=1), record("B", 5, 6, hrg="X", billed=9)]
    kept_is_b = Compare("spell_id", 0, "in", ("B",))
    assert match_rule(alike(match=kept_is_b), records)
    assert not match_rule(alike(match=Negation(kept_is_b)), records)
    assert match_rule(alike(match=Compare("spell_id", 1, "in", ("A",))), records)


def test_exact_copies() -> None:
    one = rule("set", set_key=SetKey(of="episodes", key=("all_fields",)))
    records = [record("A", duplicate_rows=2), record("B", duplicate_rows=0)]
    assert match_rule(one, records) == [("TST01", (("R1A", "A"),), ("R1A", "A"))]
    only_b = rule("set", Compare("spell_id", 1, "in", ("B",)), set_key=one.set_key)
    assert match_rule(only_b, records) == []


# ---------------------------------------------------------------- the record


def test_chapter_by_the_first_three_characters() -> None:
    chapters = TABLES.codes.chapters
    assert chapter_of(chapters, "C500") == "II"
    assert chapter_of(chapters, "D489") == "II"
    assert chapter_of(chapters, "D500") is None
    assert chapter_of(chapters, None) is None
    assert chapter_of([Chapter(chapter="X", from_=Code("J00"), to=Code("J99"))], "J991") == "X"


def test_month_end() -> None:
    assert month_end("1970-01") == 30
    assert month_end("1970-12") == 364
    assert month_end("1972-02") == 365 + 365 + 31 + 28
    assert month_end(None) is None


def test_the_record_of_a_spell() -> None:
    row = episode(
        "C500 A010",
        "A101",
        admission_date=date(1970, 1, 2),
        discharge_date=date(1970, 1, 5),
        billed_hrg="AA01A",
        billed_total=500,
        activity_month="1970-01",
    )
    spell = assemble([row, dict(row)])[0]
    price = price_spell(PRICING, spell, None)
    found = record_of(spell, Grouping(grouping_flag="D", hrg="AA01B"), price, TABLES.codes.chapters)
    expected: Record = {
        "admission_date": 1,
        "discharge_date": 4,
        "diag_02": "A010",
        "primary_diagnosis": "C500",
        "primary_procedure": "A101",
        "diagnosis_chapter": "II",
        "hrg": "AA01B",
        "hrg_root": "AA01",
        "priced_hrg": "AA01A",
        "priced_root": "AA01",
        "spell_days": 3,
        "billed": 500,
        "billed_total": 500,
        "activity_month_end": 30,
        "duplicate_rows": 1,
        "base": None,
        "error_category": None,
    }
    assert {name: found[name] for name in expected} == expected
