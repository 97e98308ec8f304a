"""Whatever the records and the rule: the engine finds what looking at every pair finds.

In any order of rows, on any number of threads, in any number of parts.
"""

from __future__ import annotations

import random
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tariff.engine.joins as joins
import tariff.engine.match as match
from tariff.packs.model import (
    Every,
    Join,
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
from tariff.packs.model import Test as Asked
from tests.engine.matching import Naive, Row, found_by, rule

CODES = ("provider", "hrg", "billed_hrg", "treatment_function")
NUMBERS = ("start_date", "end_date", "age")
KINDS_ASKED = ("spells", "attendances", "lines")
KIND = st.sampled_from(KINDS_ASKED)


@cache
def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy, strategy, strategy)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """So many records at random: few patients, few days, a field in eight missing."""
    count, listed = draw(st.integers(0, 16)), draw(st.integers(0, 4))
    pick = random.Random(draw(st.integers(0, 10**6)))

    def one(*values: Any) -> Any:
        return pick.choice(values) if pick.random() < 0.875 else None

    out: list[Row] = []
    for number in range(count):
        kind, day, stay = pick.choice(KINDS_ASKED), one(*range(7)), one(-1, 0, 0, 1, 2, 4)
        end = None if day is None or stay is None else day + stay
        out.append(
            {
                "kind": kind,
                "source": pick.choice(["extract", "extract", "history"]),
                "record_id": f"r{number:02}",
                "patient_id": one("p", "p", "p", "q"),
                "start_date": day,
                "end_date": end,
                "start_at": None if day is None else day * 1440 + pick.randrange(1440),
                "end_at": None if end is None else end * 1440 + pick.randrange(1440),
                "age": one(*range(-3, 9)),
                "billed": one(*range(4)),
                "any_diagnosis": tuple(pick.sample("ABC", pick.randrange(3))) or None,
                "patient_classification": one("1", "2") if kind == "spells" else None,
                **{name: one("A1", "A1", "A2", "B1") for name in CODES},
            }
        )
    out += [
        {
            "kind": "registrations",
            "source": "extract",
            "record_id": f"s{number}",
            "patient_id": pick.choice("pq"),
            "gp_practice": pick.choice(["A1", "B1"]),
            "valid_from": one(*range(4)),
            "valid_to": one(*range(2, 7)),
        }
        for number in range(listed)
    ]
    return [{name: value for name, value in row.items() if value is not None} for row in out]


@cache
def comparisons(sides: tuple[int, ...]) -> st.SearchStrategy[Predicate]:
    side = st.sampled_from(sides)
    number = st.sampled_from(NUMBERS)
    operands = st.one_of(
        st.builds(Operand, st.just("constant"), st.integers(-2, 6)),
        st.builds(Operand, st.just("field"), number, side, st.integers(-2, 2)),
        st.builds(
            Operand,
            st.sampled_from(["sum", "less", "least", "most"]),
            st.tuples(number, number),
            side,
            st.integers(-1, 1),
            st.sampled_from([None, Decimal("0.5"), Decimal("1.5")]),
        ),
    )
    comparison = st.sampled_from(["at_least", "at_most", "above", "below", "equals", "differs"])
    code = st.sampled_from(CODES)
    return st.one_of(
        st.builds(Asked, code, side, st.just("in"), st.just(("A1", "B1"))),
        st.builds(Asked, code, side, st.just("starts"), st.just(("A", "C1"))),
        st.builds(Asked, st.just("any_diagnosis"), side, st.just("in"), st.just(("A", "C"))),
        st.builds(
            Asked,
            st.sampled_from([*CODES, *NUMBERS, "any_diagnosis"]),
            side,
            st.sampled_from(["missing", "present"]),
        ),
        st.builds(Asked, number, side, comparison, st.just(()), operands),
        st.builds(
            Asked,
            code,
            side,
            st.sampled_from(["equals", "differs"]),
            st.just(()),
            st.builds(Operand, st.just("field"), code, side),
        ),
    )


@cache
def predicates(sides: tuple[int, ...], *, joined: bool = True) -> st.SearchStrategy[Predicate]:
    leaf = comparisons(sides)
    if len(sides) > 1:
        same = st.builds(Same, st.sampled_from([*CODES, "age"]))
        leaf = st.one_of(leaf, leaf, same, st.just(Shares("any_diagnosis")))
    if joined:
        leaf = st.one_of(leaf, leaf, join_predicates())
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(Negation, inner),
            st.builds(lambda p: Every(tuple(p)), st.lists(inner, max_size=3)),
            st.builds(lambda p: Some(tuple(p)), st.lists(inner, min_size=1, max_size=3)),
        ),
        max_leaves=5,
    )


@st.composite
def join_predicates(draw: st.DrawFn) -> Join:
    window = st.tuples(maybe(st.integers(-6, -1)), maybe(st.integers(0, 4)))
    counts = draw(st.sampled_from([(1, None), (0, 0), (2, None), (0, 1), (1, 2)]))
    if draw(st.integers(0, 3)) == 0:
        where = draw(st.sampled_from([Every(()), Asked("gp_practice", 0, "in", ("A1",))]))
        same = draw(st.sampled_from([(Same("patient_id"),), (Same("provider", "gp_practice"),)]))
        on = draw(st.sampled_from(["", "start_date"]))
        return Join(("registrations",), same, where, on=on, at_least=counts[0], at_most=counts[1])
    keys = [
        (Same("patient_id"),),
        (Same("patient_id"), Same("provider")),
        (Same("provider"), Same("hrg", "billed_hrg")),
        (Same("provider"), Same("start_date")),
        (Same("treatment_function"),),
    ]
    return Join(
        tuple(draw(st.lists(KIND, min_size=1, max_size=2, unique=True))),
        draw(st.sampled_from(keys)),
        draw(st.one_of(st.just(Every(())), predicates((0, 1), joined=False))),
        source=draw(st.sampled_from(["", "extract", "history"])),
        days=draw(st.one_of(st.just((None, None)), window)),
        minutes=draw(st.sampled_from([(None, None), (None, None), (-2000, 3000)])),
        at_least=counts[0],
        at_most=counts[1],
    )


@cache
def matches() -> st.SearchStrategy[Predicate]:
    """What often holds, so that most rules find something."""
    either = st.builds(lambda p: Some((p, Asked("age", 1, "present"))), predicates((0, 1)))
    return st.one_of(st.just(Every(())), either, predicates((0, 1)))


OF = st.sampled_from([("spells",), ("spells", "attendances"), ("attendances", "lines", "spells")])


@st.composite
def singles(draw: st.DrawFn) -> Rule:
    plain = st.just(Join(("attendances", "spells"), (Same("patient_id"),)))
    found = draw(st.lists(st.one_of(plain, matches(), join_predicates()), min_size=1, max_size=2))
    excepted = draw(st.lists(predicates((0,)), max_size=1))
    return rule(Every(tuple(found)), of=draw(OF), exceptions=excepted)


@st.composite
def sequences(draw: st.DrawFn) -> Rule:
    how = draw(
        st.sampled_from(
            [
                {"gap_min": -1, "gap_max": 1},
                {"gap_max": 2},
                {"gap_min": 1},
                {"overlap_min": 1},
                {"overlap_min": -1},
                {"contains": True},
                {"contains": True, "overlap_min": 0, "starts_min": 1},
                {"minutes_min": -3000, "minutes_max": 4000},
                {"minutes_max": -500},
                {"starts_min": 1, "starts_max": 2},
                {"starts_max": 0, "gap_max": 0},
                {"starts_min": 2},
            ]
        )
    )
    same = draw(st.sampled_from([("patient_id",), ("patient_id", "provider"), ("provider", "hrg")]))
    return rule(draw(matches()), of=draw(OF), pairing=Pairing(same, **how))


@st.composite
def sets(draw: st.DrawFn) -> Rule:
    key = draw(st.sampled_from([("patient_id",), ("patient_id", "hrg"), ("provider", "age")]))
    near = draw(maybe(st.just(("start_date", Operand("constant", 1)))))
    asked = SetKey(key, draw(st.sampled_from(["first", "dearest"])), near)
    return rule(draw(matches()), of=draw(OF), set_key=asked)


@pytest.mark.parametrize("form", [singles(), sequences(), sets()], ids=["one", "pairs", "sets"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_what_every_pair_in_turn_finds(form: st.SearchStrategy[Rule], data: st.DataObject) -> None:
    records, asked = data.draw(rows()), data.draw(form)
    wanted = Naive(records).found(asked)
    assert found_by([asked], records)[asked.key] == wanted
    shuffled = random.Random(len(records)).sample(
        [r for r in records if r["kind"] != "registrations"],
        sum(r["kind"] != "registrations" for r in records),
    )
    shuffled += [r for r in records if r["kind"] == "registrations"]  # a file has an order
    assert found_by([asked], shuffled, threads=2, parts=3)[asked.key] == wanted


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_however_little_is_looked_at_in_one_go(data: st.DataObject) -> None:
    records, asked = data.draw(rows()), data.draw(singles())
    kept = joins.SMALL, joins.MOST_PAIRS, joins.MANY, match.CHUNK
    joins.SMALL, joins.MOST_PAIRS, joins.MANY, match.CHUNK = 0, 3, 0, 2
    try:
        assert found_by([asked], records)[asked.key] == Naive(records).found(asked)
    finally:
        joins.SMALL, joins.MOST_PAIRS, joins.MANY, match.CHUNK = kept
