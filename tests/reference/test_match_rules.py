"""docs/signatures.md, a sentence at a time: predicates, scopes, exceptions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tariff.packs.model import (
    Applies,
    Every,
    ExceptionRule,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Rule,
    Same,
    SetKey,
    Shares,
    Some,
)
from tariff.packs.model import Test as Compare
from tariff.reference.match import connected
from tariff.reference.predicates import Context, holds
from tests.reference.signature_rules import (
    TRUE,
    entry,
    found,
    kept,
    number,
    record,
    rule,
    spells,
)

# ---------------------------------------------------------------- predicates

ONE = entry(
    {
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
        "any_procedure": ("A101", "B202"),
        "secondary_procedure": (),
        "start_at": 100,
        "quantity": 3,
        "unit_price": 333,
        "rate": 25_000_000,
    }
)
SIDES = (ONE, ONE)
CONTEXT = Context(
    spells(),
    params={"most": Decimal("123.45"), "days": Decimal(19), "factor": Decimal("1.1")},
    lists={"stems": ("A1", "C"), "emergency": ("21", "22")},
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
        (Compare("hrg", 0, "list_starts", ("stems",)), False),
        (Compare("any_procedure", 0, "list_starts", ("stems",)), True),
        (Compare("any_procedure", 0, "in", ("B202",)), True),
        (Compare("any_procedure", 0, "starts", ("B3", "B2")), True),
        (Compare("any_procedure", 0, "missing"), False),
        (Compare("secondary_procedure", 0, "missing"), True),
        (Compare("secondary_procedure", 0, "present"), False),
        (Compare("secondary_procedure", 0, "starts", ("",)), False),
    ],
)
def test_each_test(test: Compare, expected: bool) -> None:
    assert holds(test, SIDES, CONTEXT) is expected


@pytest.mark.parametrize(
    ("field", "operand", "expected"),
    [
        ("billed", Operand("sum", ("base", "unit_price")), 10_333),
        ("billed", Operand("less", ("base", "unit_price")), 9_667),
        ("billed", Operand("least", ("base", "unit_price")), 333),
        ("billed", Operand("most", ("base", "unit_price")), 10_000),
        ("billed", Operand("sum", ("base", "spell_days")), None),
        ("billed", Operand("product", ("quantity", "unit_price")), 999),
        ("billed", Operand("product", ("unit_price", "rate")), 8),  # 8.325
        ("billed", Operand("product", ("base", "mff"), plus=-1), 10_999),
        ("billed", Operand("field", "unit_price", times=Decimal("0.5")), 167),  # 166.5, half up
        ("billed", Operand("less", ("unit_price", "base"), times=Decimal("0.5")), -4_834),  # away
        ("billed", Operand("field", "base", times="factor", plus="most"), 23_345),
        ("age", Operand("field", "quantity", times="days", plus="days"), 76),
    ],
)
def test_numbers_made_of_several(field: str, operand: Operand, expected: int | None) -> None:
    equal = Compare(field, 0, "equals", operand=operand)
    one = entry({**ONE.record, field: expected if expected is not None else 0})
    assert holds(equal, (one, one), CONTEXT) is (expected is not None)
    off = entry({**ONE.record, field: (expected or 0) + 1})
    assert not holds(equal, (off, off), CONTEXT)


def test_negation_of_a_comparison_with_a_missing_value_holds() -> None:
    unknown = Compare("spell_days", 0, "at_most", operand=number(1))
    assert holds(Negation(unknown), SIDES, CONTEXT)


def test_all_and_any() -> None:
    yes, no = Compare("hrg", 0, "present"), Compare("hrg", 0, "missing")
    assert holds(Every(()), SIDES, CONTEXT)
    assert not holds(Some(()), SIDES, CONTEXT)
    assert holds(Some((no, yes)), SIDES, CONTEXT)
    assert not holds(Every((no, yes)), SIDES, CONTEXT)


def test_sides_of_a_pair() -> None:
    sides = entry(record("A", 0, 3, hrg="X")), entry(record("B", 3, 5, hrg="Y", site=None))
    assert holds(Compare("hrg", 0, "in", ("X",)), sides, CONTEXT)
    assert holds(Compare("hrg", 1, "in", ("Y",)), sides, CONTEXT)
    begins = Compare("start_date", 1, "equals", operand=Operand("field", "end_date", 0))
    assert holds(begins, sides, CONTEXT)
    assert holds(Same("patient_id"), sides, CONTEXT)
    assert not holds(Same("hrg"), sides, CONTEXT)
    assert not holds(Same("site"), sides, CONTEXT)


@pytest.mark.parametrize(
    ("codes", "others", "shared"),
    [(("A", "B"), ("B", "C"), True), (("A",), ("B",), False), ((), (), False)],
)
def test_shares(codes: tuple[str, ...], others: tuple[str, ...], shared: bool) -> None:
    sides = entry({"any_procedure": codes}), entry({"any_procedure": others})
    assert holds(Shares("any_procedure"), sides, CONTEXT) is shared
    assert not holds(Shares("any_procedure"), (sides[0], entry({})), CONTEXT)


# ---------------------------------------------------------------- record and spell


@pytest.mark.parametrize("scope", ["record", "spell"])
def test_one_record_at_a_time(scope: str) -> None:
    one = rule(scope, Compare("age", 0, "present"))
    assert kept(one, spells(record("B", age=1), record("A"))) == [("B", None)]


def test_an_exception_drops_a_hit() -> None:
    planned = ExceptionRule("planned", Compare("admission_method", 0, "in", ("11",)))
    never = ExceptionRule("never", Compare("admission_method", 0, "in", ("99",)))
    one = rule("record", exceptions=(never, planned))
    records = [record("A", admission_method="11"), record("B", admission_method="21")]
    assert found(one, spells(*records)) == ["B"]


def test_dates_of_validity() -> None:
    day_0, day_9 = date(1970, 1, 1), date(1970, 1, 10)
    records = [record("A", -5, -1), record("B", -1, 0), record("C", 9, 9), record("D", 0, 10)]
    records.append(record("E", 20, None))
    discharged = rule("record", applies=Applies(from_=day_0, to=day_9))
    assert found(discharged, spells(*records)) == ["B", "C", "E"]
    admitted = rule("record", applies=Applies(from_=day_0, to=day_9, on="start_date"))
    assert found(admitted, spells(*records)) == ["C", "D"]


def test_dates_of_validity_of_a_pair_are_those_of_the_current() -> None:
    pair = rule(
        "sequence", pairing=Pairing(same=("patient_id",)), applies=Applies(from_=date(1970, 1, 3))
    )
    assert found(pair, spells(record("A", 0, 1), record("B", 1, 2))) == ["AB"]
    assert found(pair, spells(record("A", 0, 2), record("B", 1, 1))) == []


# ---------------------------------------------------------------- sequence


def sequence(match: Predicate = TRUE, same: tuple[str, ...] = ("patient_id",), **pair: Any) -> Rule:
    return rule("sequence", match, pairing=Pairing(same=same, **pair))


@pytest.mark.parametrize(
    ("admitted", "stands"), [(4, False), (5, True), (6, True), (7, False), (None, False)]
)
def test_gap(admitted: int | None, stands: bool) -> None:
    records = [record("A", 0, 5), record("B", admitted, 9)]
    assert bool(found(sequence(gap_min=0, gap_max=1), spells(*records))) is stands


def test_a_gap_asks_for_the_discharge_of_the_previous_only() -> None:
    one = sequence(gap_min=0, gap_max=1)
    assert found(one, spells(record("A", 0, 5), record("B", 5, None))) == ["AB"]
    assert found(one, spells(record("A", 0, None), record("B", 5, 9))) == []


@pytest.mark.parametrize(("admitted", "stands"), [(3, True), (4, True), (5, False)])
def test_overlap(admitted: int, stands: bool) -> None:
    records = [record("A", 0, 5), record("B", admitted, 9)]
    assert bool(found(sequence(overlap_min=1), spells(*records))) is stands


def test_overlap_ends_with_the_earlier_discharge() -> None:
    records = [record("A", 0, 9), record("B", 2, 3)]
    assert found(sequence(overlap_min=1), spells(*records))
    assert not found(sequence(overlap_min=2), spells(*records))


@pytest.mark.parametrize(
    ("first", "second", "chain"),
    [
        ((0, 9), (2, 5), "AB"),
        ((2, 5), (0, 9), "BA"),  # nested the other way round
        ((0, 9), (0, 9), "AB"),
        ((0, 5), (0, 9), "BA"),  # a tie: the one discharged later is previous
        ((0, 5), (2, 9), None),
        ((0, 5), (9, 3), None),  # discharged before admitted: it does not lie within
    ],
)
def test_contains(first: tuple[int, int], second: tuple[int, int], chain: str | None) -> None:
    records = [record("A", *first), record("B", *second)]
    for ordered in (records, records[::-1]):
        assert found(sequence(contains=True), spells(*ordered)) == ([chain] if chain else [])


def test_previous_is_admitted_first_then_discharged_later_then_the_lower_id() -> None:
    previous_is_a = sequence(Compare("spell_id", 0, "in", ("A",)))
    assert found(previous_is_a, spells(record("A", 1, 1), record("B", 2, 2)))
    assert not found(previous_is_a, spells(record("A", 2, 2), record("B", 1, 1)))
    assert found(previous_is_a, spells(record("A", 1, 3), record("B", 1, 2)))
    assert not found(previous_is_a, spells(record("A", 1, 2), record("B", 1, 3)))
    assert found(previous_is_a, spells(record("B", 1, 2), record("A", 1, 2)))
    ordinary, day_case = {"patient_classification": "1"}, {"patient_classification": "2"}
    assert not found(previous_is_a, spells(record("A", **day_case), record("B", **ordinary)))
    other = {"provider": "R2A"}
    assert not found(previous_is_a, spells(record("A", **other), record("B")))


def test_pairs_are_equal_in_every_field_of_same() -> None:
    one = sequence(same=("patient_id", "site"))
    assert found(one, spells(record("A", site="1"), record("B", site="1")))
    assert not found(one, spells(record("A", site="1"), record("B", site="2")))
    assert not found(one, spells(record("A"), record("B")))  # missing is not equal
    assert not found(one, spells(record("A", site="1"), record("B", site="1", patient_id="P2")))


def test_a_chain_is_one_hit() -> None:
    records = [
        record("C", 4, 6),
        record("A", 0, 2),
        record("B", 2, 4),
        record("E", 21, 22),
        record("D", 20, 21),
        record("F", 40, 41),
    ]
    asked = sequence(gap_min=0, gap_max=1)
    assert kept(asked, spells(*records)) == [("ABC", None), ("DE", None)]


def test_pairs_are_not_of_neighbours_only() -> None:
    records = [record("A", 0, 5), record("B", 1, 2), record("C", 5, 6)]
    assert found(sequence(gap_min=0, gap_max=0), spells(*records)) == ["AC"]


def test_an_exception_drops_a_pair_before_pairs_are_joined() -> None:
    records = [record("A", 0, 2), record("B", 2, 4), record("C", 4, 6, admission_method="11")]
    planned = ExceptionRule("planned", Compare("admission_method", 1, "in", ("11",)))
    one = rule(
        "sequence",
        pairing=Pairing(same=("patient_id",), gap_min=0, gap_max=1),
        exceptions=(planned,),
    )
    assert found(one, spells(*records)) == ["AB"]


def test_connected() -> None:
    one = {n: entry(record(str(n), n)) for n in (0, 1, 2, 3, 4, 5, 9)}
    pairs = [(0, 1), (4, 5), (2, 3), (1, 2), (5, 9)]
    chains = connected([(one[a], one[b]) for a, b in pairs])
    assert [[e.get("record_id") for e in chain] for chain in chains] == [
        ["0", "1", "2", "3"],
        ["4", "5", "9"],
    ]


# ---------------------------------------------------------------- set


def alike(keep: Any = "dearest", match: Predicate = TRUE, key: tuple[str, ...] = ("hrg",)) -> Rule:
    return rule("set", match, set_key=SetKey(key, keep))


def test_the_dearest_is_kept_and_each_other_is_a_hit() -> None:
    records = [
        record("A", 0, 1, hrg="X", billed=100),
        record("B", 1, 2, hrg="X", billed=300),
        record("C", 2, 3, hrg="X", billed=None),
        record("D", 3, 4, hrg="Y", billed=900),
        record("E", 3, 4, hrg=None, billed=900),
        record("F", 3, 4, hrg=None, billed=900),
    ]
    assert kept(alike(), spells(*records)) == [("AB", "B"), ("BC", "B")]


def test_ties_of_the_dearest_go_to_the_lowest_key() -> None:
    low = record("B", 9, 9, hrg="X", billed=100)
    high = record("A", 0, 0, hrg="X", billed=100, provider="R2A")
    assert kept(alike(), spells(high, low)) == [("AB", "B")]
    ten, nine = record("10", hrg="X"), record("9", hrg="X")  # as text
    assert kept(alike(), spells(nine, ten)) == [("109", "10")]


def test_a_set_is_of_several_patients_unless_its_key_says_otherwise() -> None:
    records = [record("A", hrg="X"), record("B", hrg="X", patient_id="P2")]
    assert found(alike(), spells(*records))
    assert not found(alike(key=("patient_id", "hrg")), spells(*records))


def test_keep_first() -> None:
    records = [record("A", 5, 6, hrg="X", billed=900), record("B", 0, 1, hrg="X", billed=1)]
    assert kept(alike("first"), spells(*records)) == [("BA", "B")]


def test_previous_is_the_record_kept() -> None:
    records = [record("A", 0, 1, hrg="X", billed=1), record("B", 5, 6, hrg="X", billed=9)]
    kept_is_b = Compare("spell_id", 0, "in", ("B",))
    assert found(alike(match=kept_is_b), spells(*records))
    assert not found(alike(match=Negation(kept_is_b)), spells(*records))
    assert found(alike(match=Compare("spell_id", 1, "in", ("A",))), spells(*records))


def test_exact_copies() -> None:
    one = rule("set", set_key=SetKey(("all_fields",)))
    records = [record("A", duplicate_rows=2), record("B", duplicate_rows=0)]
    assert kept(one, spells(*records)) == [("A", "A")]
    only_b = rule("set", Compare("spell_id", 1, "in", ("B",)), set_key=one.set_key)
    assert found(only_b, spells(*records)) == []
