"""Each form of docs/signatures.md on a handful of records."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from tariff.engine.match import MOST_SPELLS, Matcher
from tariff.packs.model import (
    Applies,
    Every,
    Join,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Same,
    SetKey,
    Shares,
    Some,
)
from tariff.packs.model import Test as Asked
from tests.engine.matching import Row, found_by, record_set, rule

Found = list[tuple[Any, ...]]


def spell(name: str, first: int | None = 10, last: int | None = 12, **fields: Any) -> Row:
    row = {"kind": "spells", "source": "extract", "record_id": name, "patient_id": "p"}
    row |= {"provider": "R0A", "start_date": first, "end_date": last, **fields}
    return {key: value for key, value in row.items() if value is not None}


def seen(name: str, day: int, **fields: Any) -> Row:
    return spell(name, day, day, **{"kind": "attendances", **fields})


def names(rows: list[Row], match: Predicate, lists: Any = None, **changes: Any) -> list[str]:
    """Give the first record of each hit."""
    found = found_by([rule(match, **changes)], rows, lists)["TST01"]
    return [hit[0][0] for hit in found]


# ---------------------------------------------------------------- one field

LISTS = {"roots": ["LA97", "S"], "sources": ["51"]}
OF_CODES = [
    (Asked("hrg", 0, "in", codes=("LA97A",)), ["a"]),
    (Asked("hrg", 0, "starts", codes=("LA97", "X")), ["a", "b"]),
    (Asked("hrg", 0, "list", codes=("roots",)), ["c"]),
    (Asked("hrg", 0, "list_starts", codes=("roots",)), ["a", "b", "c"]),
    (Asked("hrg", 0, "missing"), ["d"]),
    (Negation(Asked("hrg", 0, "starts", codes=("L",))), ["c", "d"]),
    (Asked("hrg", 0, "equals", operand=Operand("field", "billed_hrg")), ["a"]),
    (Asked("hrg", 0, "differs", operand=Operand("field", "billed_hrg")), ["b"]),
    (Asked("any_diagnosis", 0, "in", codes=("Z941",)), ["a", "b"]),
    (Asked("any_diagnosis", 0, "list_starts", codes=("roots",)), ["b"]),
    (Negation(Asked("any_diagnosis", 0, "starts", codes=("Z94",))), ["c", "d"]),
    (Asked("any_diagnosis", 0, "missing"), ["d"]),
    (Asked("any_diagnosis", 0, "present"), ["a", "b", "c"]),
]


@pytest.mark.parametrize(("match", "wanted"), OF_CODES)
def test_codes(match: Predicate, wanted: list[str]) -> None:
    rows = [
        spell("a", hrg="LA97A", billed_hrg="LA97A", any_diagnosis=("I10", "Z941")),
        spell("b", hrg="LA97B", billed_hrg="S", any_diagnosis=("Z941", "S720")),
        spell("c", hrg="S", any_diagnosis=("I10",)),
        spell("d", billed_hrg="LA97A"),
    ]
    assert names(rows, match, LISTS) == wanted


def above(field: str, operand: Operand) -> Asked:
    return Asked(field, 0, "equals", operand=operand)


OPERANDS = [
    (Operand("sum", ("base", "long_stay")), 1250),
    (Operand("less", ("base", "long_stay")), 750),
    (Operand("less", ("long_stay", "base"), times=Decimal("0.01")), -8),  # -7.5, away from 0
    (Operand("least", ("base", "long_stay")), 250),
    (Operand("most", ("base", "long_stay"), plus=5), 1005),
    (Operand("field", "base", times=Decimal("0.0505")), 51),  # 50.5
    (Operand("field", "base", times="share", plus="more"), 825),  # 0.7, and 1.25 pounds
    (Operand("product", ("base", "mff")), 1100),  # pence times a factor of 1e-9
    (Operand("product", ("base", "mff"), times=Decimal("0.5")), 550),
    (Operand("product", ("quantity", "base")), 3000),
    (Operand("param", "more"), 125),
    (Operand("product", ("huge", "mff")), 10**11),  # does not fit 64 bits on the way
]


@pytest.mark.parametrize(("operand", "pence"), OPERANDS)
def test_operands(operand: Operand, pence: int) -> None:
    common = {"base": 1000, "long_stay": 250, "mff": 1_100_000_000, "quantity": 3}
    if operand.value == ("huge", "mff"):
        operand = Operand("product", ("total", "mff"))
        common |= {"total": 10**11, "mff": 10**9}
    rows = [
        spell("at", billed=pence, **common),
        spell("above", billed=pence + 1, **common),
        spell("below", billed=pence - 1, **common),
        spell("missing", **common),
    ]
    params = {"share": Decimal("0.7"), "more": Decimal("1.25")}
    assert names(rows, above("billed", operand), params=params) == ["at"]
    without = [{k: v for k, v in rows[0].items() if k not in common}]
    wanted = ["at"] if operand.kind == "param" else []
    assert names(without, above("billed", operand), params=params) == wanted


@pytest.mark.parametrize(
    ("on", "wanted"), [("end_date", ["in", "no_day"]), ("start_date", ["early", "in", "no_day"])]
)
def test_dates_of_validity(on: str, wanted: list[str]) -> None:
    day = (date(2022, 4, 1) - date(1970, 1, 1)).days
    rows = [
        spell("early", day, day - 1),
        spell("in", day, day),
        spell("no_day", None, None),
        spell("late", day + 9, day + 9),
    ]
    applies = Applies(from_=date(2022, 4, 1), to=date(2022, 4, 5), on=on)
    assert names(rows, Every(()), applies=applies) == wanted


def test_only_on_the_kinds_that_are_asked_and_of_the_source() -> None:
    rows = [spell("a"), seen("b", 10), spell("c", source="national")]
    records, placed = record_set(rows)
    both = rule(Every(()), of=("spells", "attendances"))

    def found(*given: Any) -> list[str]:
        hits = Matcher(records).run([given]).single["TST01"].records
        return [placed[number]["record_id"] for number in hits]

    assert found(both, {}) == ["a", "b"]
    assert found(both, {}, ("attendances",)) == ["b"]
    assert found(rule(Every(()), source="national"), {}) == ["c"]


# ---------------------------------------------------------------- joins

PATIENT = (Same("patient_id"),)


@pytest.mark.parametrize(
    ("join", "wanted"),
    [
        (Join(("spells",), PATIENT, days=(0, 0)), ["day_0"]),
        (Join(("spells",), PATIENT, days=(1, 3)), ["day_3"]),
        (Join(("spells",), PATIENT, days=(None, -1)), ["inside"]),
        (Join(("spells",), PATIENT, minutes=(1, 60)), ["day_0"]),
        (Join(("spells",), PATIENT, at_least=0, at_most=0), ["other"]),
        (Join(("attendances",), PATIENT, at_least="most"), ["day_0", "day_3", "inside"]),
        (Join(("attendances",), PATIENT, at_least="most", at_most=1), []),
        (Join(("attendances",), (*PATIENT, Same("start_date", "end_date"))), []),
        (Join(("spells",), (Same("site", "provider"),)), ["other"]),
        (Join(("spells",), PATIENT, source="history"), []),
        (
            Join(
                ("spells",),
                PATIENT,
                Every(
                    (
                        Asked("start_date", 1, "above", operand=Operand("field", "start_date", 0)),
                        Asked("start_date", 1, "below", operand=Operand("field", "end_date", 0)),
                    )
                ),
            ),
            ["inside"],
        ),
        (Join(("spells",), PATIENT, Shares("any_diagnosis")), ["day_3"]),
    ],
)
def test_joins(join: Join, wanted: list[str]) -> None:
    rows = [
        spell("s", 10, 12, end_at=12 * 1440 + 600, any_diagnosis=("I10", "Z1")),
        seen("inside", 11),
        seen("day_0", 12, start_at=12 * 1440 + 660, any_diagnosis=("A1",)),
        seen("day_3", 15, any_diagnosis=("B1", "Z1")),
        seen("other", 12, patient_id="q", site="R0A"),
    ]
    params = {"most": Decimal(2)}
    assert names(rows, join, of=("attendances",), params=params) == wanted


def test_of_two_alike_one_finds_the_other() -> None:
    rows = [spell("c", 10, 12), spell("b", 10, 12), spell("a", 9, 10), spell("d", 10, 11)]
    before = Join(("spells",), PATIENT, before=True)
    assert names(rows, before) == ["b", "c", "d"]  # by first day, later last day, id
    assert partner(rows, before) == ["a", "b", "c"]
    assert names(rows, Join(("spells",), PATIENT, at_least=2, before=True)) == ["c", "d"]
    assert names(rows, Join(("spells",), PATIENT, at_least=1, at_most=1, before=True)) == ["b"]
    assert names(rows, Join(("spells",), PATIENT, at_least=0, at_most=0, before=True)) == ["a"]


def test_a_join_within_any_not_and_an_exception() -> None:
    rows = [spell("s"), seen("a", 11), seen("b", 11, patient_id="q"), seen("c", 30, hrg="X")]
    stay = Join(("spells",), PATIENT, days=(-5, 0))
    of = {"of": ("attendances",)}
    assert names(rows, Some((stay, Asked("hrg", 0, "present"))), **of) == ["a", "c"]
    assert names(rows, Negation(stay), **of) == ["b", "c"]
    assert names(rows, Every(()), exceptions=[stay], **of) == ["b", "c"]


def test_a_register_row_is_valid_on_the_days_it_says() -> None:
    listed = {"kind": "registrations", "source": "extract", "record_id": "r", "patient_id": "p"}
    rows = [listed | {"valid_from": 10, "valid_to": 12}, *(seen(f"d{n}", n) for n in range(9, 14))]
    join = Join(("registrations",), PATIENT, on="start_date")
    assert names(rows, join, of=("attendances",)) == ["d10", "d11", "d12"]
    del rows[0]["valid_to"]
    assert names(rows, join, of=("attendances",)) == ["d10", "d11", "d12", "d13"]


def partner(rows: list[Row], join: Predicate, **changes: Any) -> list[str | None]:
    return [hit[2] for hit in found_by([rule(join, **changes)], rows)["TST01"]]


def test_the_partner_is_the_last_before_else_the_first_after() -> None:
    before = [spell("s1", 5, 6), spell("s2", 8, 9)]
    after = [spell("s3", 20, 21), spell("s4", 30, 31)]
    this = seen("a", 10)
    join, of = Join(("spells",), PATIENT), {"of": ("attendances",)}
    assert partner([*after, this, *before], join, **of) == ["s2"]
    assert partner([*after[::-1], this], join, **of) == ["s3"]
    assert partner([this, *before], Some((join,)), **of) == [None]
    other = spell("s9", patient_id="P9")
    without = Join(("spells",), PATIENT, at_least=0, at_most=0)
    assert partner([this, other], without, **of) == [None]
    assert partner([this], without, **of) == []  # no spells were given: nothing can be said
    # alike in days and kind: provider and id tell
    twins = [spell("b"), spell("a"), spell("c", provider="R0B")]
    assert partner(twins, Join(("spells",), PATIENT)) == ["b", "a", "b"]


def test_the_partner_of_a_register_is_its_first_row() -> None:
    listed = {"kind": "services", "source": "extract", "provider": "R0A"}
    rows = [listed | {"record_id": name, "valid_from": n} for n, name in ((9, "z"), (1, "b"))]
    assert partner([spell("s"), *rows], Join(("services",), (Same("provider"),))) == ["z"]


def test_a_patient_that_stands_for_many_people_is_joined_to_nothing() -> None:
    crowd = [spell(f"s{n:04}", n, n) for n in range(MOST_SPELLS + 1)]
    join = Join(("spells",), PATIENT)
    none = Join(("spells",), PATIENT, at_least=0, at_most=0)
    pairing = {"pairing": Pairing(("patient_id",), gap_max=1)}
    for count, found in ((MOST_SPELLS, 1), (MOST_SPELLS + 1, 0)):
        rows = [seen("a", 5), *crowd[:count]]
        assert len(names(rows, join, of=("attendances",))) == found
        assert names(rows, none, of=("attendances",)) == []
        assert len(names(rows, Every(()), **pairing)) == found
        assert bool(names(rows, Every(()), set_key=SetKey(PATIENT_KEY))) == bool(found)


PATIENT_KEY = ("patient_id",)


# ---------------------------------------------------------------- pairs and sets


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ({"gap_min": 0, "gap_max": 1}, [("a", "c"), ("a", "e"), ("c", "e")]),
        ({"overlap_min": 1}, [("a", "b")]),
        ({"contains": True}, [("a", "b"), ("a", "c")]),
        ({"minutes_min": 0, "minutes_max": 120}, [("a", "c")]),
        ({"starts_min": 4, "starts_max": 5}, [("a", "c"), ("b", "c"), ("b", "e"), ("c", "d")]),
        ({"starts_min": "few", "starts_max": "few"}, [("b", "c"), ("c", "d")]),
    ],
)
def test_how_a_pair_stands(how: Any, wanted: Found) -> None:
    rows = [
        spell("a", 10, 15, end_at=15 * 1440 + 600),
        spell("b", 11, 13),
        seen("c", 15, start_at=15 * 1440 + 700),
        spell("d", 19, None),
        spell("e", 16, 17, patient_classification="2"),
    ]
    pairing = Pairing(("patient_id", "provider"), **how)
    given = rule(Every(()), of=("spells", "attendances"), pairing=pairing,
                 params={"few": Decimal(4)})  # fmt: skip
    for pair in combinations(rows, 2):  # two records alone: a chain would join them
        names = {row["record_id"] for row in pair}
        found = [hit[0] for hit in found_by([given], pair)["TST01"]]
        assert found == [pair for pair in wanted if set(pair) == names]


def test_a_chain_is_one_finding_and_has_a_record_of_the_extract() -> None:
    past = [spell(n, d, d + 1, source="history") for n, d in (("h1", 1), ("h2", 2), ("h3", 3))]
    gap = rule(Every(()), pairing=Pairing(PATIENT_KEY, gap_min=0, gap_max=0))
    assert found_by([gap], past)["TST01"] == []
    rows = [*past, spell("s", 4, 5), spell("t", 9, 9), spell("u", 9, 9, patient_classification="1")]
    assert found_by([gap], rows)["TST01"] == [
        (("h1", "h2", "h3", "s"), None, None),
        (("t", "u"), None, None),
    ]


def test_a_join_in_a_pair_is_about_the_current_record() -> None:
    rows = [spell("a", 1, 2), spell("b", 2, 3), seen("x", 3, provider="R0B")]
    pairing = Pairing(PATIENT_KEY, gap_min=0, gap_max=0)
    join = Join(("attendances",), PATIENT, days=(-1, -1))  # the day after it began
    assert found_by([rule(join, pairing=pairing)], rows)["TST01"] == [(("a", "b"), None, None)]
    join = Join(("attendances",), PATIENT, days=(-2, -2))
    assert found_by([rule(join, pairing=pairing)], rows)["TST01"] == []


@pytest.mark.parametrize(
    ("key", "changes", "wanted"),
    [
        (SetKey(("patient_id", "hrg")), {}, [(("a", "b"), "a", None)]),
        (SetKey(("patient_id", "hrg"), "dearest"), {}, [(("a", "b"), "b", None)]),
        (SetKey(("patient_id", "hrg"), "dearest"), {"b": {"billed": 5}}, [(("a", "b"), "a", None)]),
        (SetKey(("hrg", "provider")), {"c": {"source": "history"}},
         [(("a", "c"), "c", None), (("b", "c"), "c", None)]),
        (SetKey(("provider",), near=("start_date", Operand("constant", 1))), {},
         [(("a", "b"), "a", None)]),
        (SetKey(("provider",), near=("start_date", Operand("param", "near"))), {},
         [(("a", "b"), "a", None), (("a", "c"), "a", None)]),
    ],
)  # fmt: skip
def test_sets(key: SetKey, changes: Any, wanted: Found) -> None:
    rows = [
        spell("a", 10, hrg="X", billed=5),
        spell("b", 11, hrg="X", billed=9),
        spell("c", 13, hrg="X", patient_id="q"),
        spell("d", 10, provider="R0B"),
    ]
    rows = [row | changes.get(row["record_id"], {}) for row in rows]
    given = rule(Every(()), set_key=key, params={"near": Decimal(2)})
    assert found_by([given], rows)["TST01"] == wanted


def test_exact_copies_are_records_of_which_some_were_set_aside() -> None:
    rows = [spell("a", duplicate_rows=2, hrg="X"), spell("b", duplicate_rows=1),
            spell("c", duplicate_rows=0, hrg="X"),
            spell("d", source="history", duplicate_rows=1, hrg="X")]  # fmt: skip
    given = rule(Asked("hrg", 0, "present"), set_key=SetKey(("all_fields",)))
    assert found_by([given], rows)["TST01"] == [(("a",), "a", None)]
