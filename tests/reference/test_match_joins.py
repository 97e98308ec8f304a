"""docs/signatures.md, a sentence at a time: joins, partners, sources, tiers, parted sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

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
    Some,
    Tier,
)
from tariff.packs.model import Test as Compare
from tariff.reference.match import match_rule
from tests.reference.signature_rules import (
    TRUE,
    found,
    kept,
    named,
    number,
    partners,
    record,
    rule,
    spells,
)

BY_PATIENT = (Same("patient_id"),)
NONE = {"at_least": 0, "at_most": 0}


def join(*of: str, **values: Any) -> Join:
    return Join(of or ("spells",), **{"same": BY_PATIENT, **values})


# ---------------------------------------------------------------- which other record


def test_with_and_without() -> None:
    world = spells(record("A"), record("B", patient_id="P2"), lines=[record("L")])
    assert found(rule("record", join("lines")), world) == ["A"]
    assert found(rule("record", join("lines", **NONE)), world) == ["B"]
    assert found(rule("record", join("lines", "spells")), world) == ["A"]


def test_a_record_is_never_joined_with_itself() -> None:
    assert found(rule("record", join()), spells(record("A"))) == []
    assert found(rule("record", join()), spells(record("A"), record("B"))) == ["A", "B"]


def test_before_finds_the_records_that_stand_earlier() -> None:
    asked = rule("record", join(before=True))
    world = spells(record("B"), record("A"), record("C", 1), record("D", patient_id="P2"))
    assert found(asked, world) == ["B", "C"]
    assert partners(asked, world) == {"B": "A", "C": "B"}


def test_same_asks_for_values_of_either_name_neither_missing() -> None:
    by_spell = join("lines", same=(Same("spell_id", "core"),))
    world = spells(
        record("A"),
        record("B", spell_id=None),
        record("C"),
        lines=[record("L", core="A"), record("M", core=None)],
    )
    assert found(rule("record", by_spell), world) == ["A"]
    assert found(rule("record", replace(by_spell, **NONE)), world) == ["B", "C"]


@pytest.mark.parametrize(
    ("days", "ends"), [((0, 2), [5, 4, 3]), ((0, None), [5, 4, 3, 2]), ((None, -1), [6])]
)
def test_days_are_first_day_less_last_day_of_the_other(
    days: tuple[int | None, int | None], ends: list[int]
) -> None:
    for end in (None, 2, 3, 4, 5, 6):
        world = spells(record("A", 5, 9), lines=[record("L", 0, end)])
        assert bool(found(rule("record", join("lines", days=days)), world)) is (end in ends)
    world = spells(record("A", None, 9), lines=[record("L", 0, 5)])
    assert found(rule("record", join("lines", days=days)), world) == []


def test_bounds_may_be_parameters() -> None:
    asked = rule("record", join("lines", days=(0, "most")), params={"most": Decimal(3)})
    world = spells(record("A", 5), record("B", 6), lines=[record("L", 2, 2)])
    assert found(asked, world) == ["A"]


def test_minutes() -> None:
    asked = rule("record", join("lines", minutes=(0, 90)))
    line = record("L", end_at=1_000)
    world = spells(
        record("A", start_at=1_090), record("B", start_at=1_091), record("C"), lines=[line]
    )
    assert found(asked, world) == ["A"]


def test_validity_of_a_register_row() -> None:
    asked = rule("reference", join("approvals", on="end_date"))
    for row, expected in (
        ({"valid_from": 3, "valid_to": 5}, ["C", "D", "E"]),
        ({"valid_from": 4, "valid_to": None}, ["D", "E", "F"]),
        ({"valid_from": None, "valid_to": 3}, ["B", "C"]),
        ({}, ["B", "C", "D", "E", "F"]),
    ):
        ends = dict(zip("ABCDEF", (None, 2, 3, 4, 5, 6), strict=True))
        world = spells(
            *(record(name, 0, end) for name, end in ends.items()),
            approvals=[{"patient_id": "P1", **row}],
        )
        assert found(asked, world) == expected


def test_where_sees_the_other_and_this() -> None:
    where = Compare("billed", 1, "above", operand=Operand("field", "billed", 0))
    asked = rule("record", join(where=where))
    assert found(asked, spells(record("A", billed=1), record("B", billed=2))) == ["B"]


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
        ({"at_most": 1}, False),
        ({"at_least": "two", "at_most": "two"}, True),
    ],
)
def test_count(bounds: dict[str, Any], holds: bool) -> None:
    asked = rule("record", join("lines", **bounds), params={"two": Decimal(2)})
    world = spells(record("A"), lines=[record("L"), record("M")])
    assert bool(found(asked, world)) is holds


def test_a_join_in_a_pair_is_about_current() -> None:
    pairing = Pairing(same=("patient_id",), gap_min=0)
    asked = rule("sequence", join("lines", same=(Same("record_id", "spell_id"),)), pairing=pairing)
    for line, expected in (("B", ["AB"]), ("A", [])):
        world = spells(record("A", 0, 1), record("B", 2, 3), lines=[record(line)])
        assert found(asked, world) == expected


# ---------------------------------------------------------------- the partner


def test_the_partner_is_the_last_before_else_the_first_after() -> None:
    asked = rule("record", join())
    world = spells(*(record(name, day, day) for day, name in enumerate("ABC")))
    assert partners(asked, world) == {"A": "B", "B": "A", "C": "B"}


def test_the_partner_is_of_the_first_with_that_is_not_in_any_or_not() -> None:
    others = [record("L")], [record("M")]
    lines, attendances = join("lines"), join("attendances")
    emergency = [record("E", patient_id="another")]  # a file that was not given says nothing
    world = spells(record("A"), lines=others[0], attendances=others[1], emergency=emergency)
    for match, partner in (
        (Every((join("emergency", **NONE), Every((lines, attendances)))), "L"),
        (Every((Some((lines,)), attendances)), "M"),
        (Negation(join("lines", **NONE)), None),
        (TRUE, None),
    ):
        assert partners(rule("record", match), world) == {"A": partner}


def test_the_partner_of_a_register_is_its_first_row() -> None:
    rows = [record("2", 9, 9), record("1", 0, 0)]
    world = spells(record("A", 5, 5), approvals=rows)
    assert partners(rule("reference", join("approvals")), world) == {"A": "2"}


def test_order_of_records() -> None:
    """First day, later last day, kind, classification, source, provider, id; missing last."""
    ordered: list[tuple[str, dict[str, Any]]] = [
        ("spells", record("A", 1, 9)),
        ("spells", record("B", 1, 5)),
        ("spells", record("C", 1, 5, patient_classification="1", provider="R0A")),
        ("spells", record("D", 1, 5, patient_classification="1")),
        ("spells", record("E", 1, 5, patient_classification="2")),
        ("history_spells", record("F", 1, 5, patient_classification="2", provider="R0A")),
        ("attendances", record("G", 1, 5)),
        ("lines", record("H", 1, 5)),
        ("lines", record("I", 1, None)),
        ("lines", record("J", 2, 9)),
        ("spells", record("K", None, 1)),
    ]
    held: dict[str, list[Any]] = {}
    for kind, one in reversed(ordered):
        held.setdefault(kind, []).append(one)
    world = spells(*held.pop("spells"), **held)
    every = world.of(("spells", "attendances", "lines"), ("extract", "history"))
    assert "".join(str(one.get("record_id")) for one in every) == "ABCDEFGHIJK"


# ---------------------------------------------------------------- whence


def test_what_a_rule_is_about_and_what_it_is_joined_with() -> None:
    world = spells(
        record("A"),
        history_spells=[record("H")],
        national_spells=[record("N", patient_id="P2")],
        earlier_spells=[record("E")],
    )
    assert found(rule("record"), world) == ["A"]
    assert found(rule("reconcile", source="national"), world) == ["N"]
    assert partners(rule("record", join()), world) == {"A": "H"}
    assert partners(rule("reconcile", join(source="earlier")), world) == {"A": "E"}
    assert found(rule("reconcile", join(source="national")), world) == []
    assert found(rule("record", join(source="extract")), world) == []
    unbilled = rule("reconcile", join(source="extract", **NONE), source="national")
    assert found(unbilled, world) == ["N"]


def test_a_chain_has_one_record_of_the_extract_at_least() -> None:
    asked = rule("sequence", pairing=Pairing(("patient_id",), gap_min=0, gap_max=0))
    history = [record("H", 0, 1), record("I", 1, 2)]
    assert found(asked, spells(record("A", 2, 3), history_spells=history)) == ["HIA"]
    assert found(asked, spells(record("A", 7, 8), history_spells=history)) == []


@pytest.mark.parametrize("keep", ["first", "dearest"])
def test_the_history_is_kept_before_the_extract(keep: Any) -> None:
    asked = rule("set", set_key=SetKey(("patient_id",), keep))
    history = [record("H", 7, 7, billed=3), record("I", 8, 8, billed=2)]
    world = spells(record("A", billed=9), record("B", 8, 9, billed=1), history_spells=history)
    assert kept(asked, world) == [("AH", "H"), ("HB", "H")]


# ---------------------------------------------------------------- several kinds


def test_pairs_of_several_kinds() -> None:
    pairing = Pairing(("patient_id",), minutes_min=0, minutes_max=60)
    asked = rule("sequence", pairing=pairing, of=("spells", "emergency"))
    visit = record("V", 0, 0, start_at=100, end_at=200)
    for start, expected in ((200, ["VA"]), (260, ["VA"]), (261, []), (199, []), (None, [])):
        world = spells(record("A", 0, 3, start_at=start), emergency=[visit])
        if start is not None:  # the visit must be the first of the two
            world = spells(record("A", 1, 3, start_at=start), emergency=[visit])
        assert found(asked, world) == expected


@pytest.mark.parametrize(("day", "stands"), [(0, True), (3, True), (4, False)])
def test_first_day_less_first_day(day: int, stands: bool) -> None:
    asked = rule("sequence", pairing=Pairing(("patient_id",), starts_min=0, starts_max="most"),
                 params={"most": Decimal(3)})  # fmt: skip
    assert bool(found(asked, spells(record("A", 0, 9), record("B", day, 5)))) is stands


# ---------------------------------------------------------------- sets, parted


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 2, 4), ["AB", "AC"]),  # each is near the one before it
        ((0, 3, 5), ["BC"]),
        ((0, None, 2), ["AC"]),
        ((None, None, None), []),
        ((5, 0, 3), ["AC"]),  # in the order of the field, kept in that of the records
    ],
)
def test_near(values: tuple[int | None, ...], expected: list[str]) -> None:
    near = ("billed", number(2))
    asked = rule("set", set_key=SetKey(("patient_id",), near=near))
    records = [
        record(name, day, day, billed=value)
        for (day, name), value in zip(enumerate("ABC"), values, strict=True)
    ]
    assert found(asked, spells(*records)) == expected
    param = rule("set", set_key=SetKey(("patient_id",), near=("billed", Operand("param", "n"))),
                 params={"n": Decimal("0.02")})  # fmt: skip
    assert found(param, spells(*records)) == expected


# ---------------------------------------------------------------- tiers


def tiers(*whens: Predicate | None) -> tuple[Tier, ...]:
    return tuple(
        Tier(f"t{place}", "presumptive", "low", when) for place, when in enumerate(whens, 1)
    )


def test_a_hit_is_of_the_first_tier_that_holds() -> None:
    cheap = Compare("billed", 0, "at_most", operand=number(5))
    usual = Compare("billed", 0, "at_most", operand=number(9))
    world = spells(*(record(n, billed=b) for n, b in (("A", 5), ("B", 9), ("C", 10), ("D", None))))
    for last, rest in ((None, [("C", None), ("D", None)]), (usual, [])):
        asked = rule("record", tiers=tiers(cheap, usual, last))
        by_tier = {"TST01.t1": [("A", None)], "TST01.t2": [("B", None)], "TST01.t3": rest}
        hits = named(world, match_rule(asked, world))
        for key, expected in by_tier.items():
            assert [("".join(r), k) for name, r, k in hits if name == key] == expected


def test_a_chain_is_made_within_a_tier() -> None:
    same_site = Same("site")
    asked = rule(
        "sequence",
        pairing=Pairing(("patient_id",), gap_min=0, gap_max=0),
        tiers=tiers(same_site, None),
    )
    world = spells(
        record("A", 0, 1, site="X"), record("B", 1, 2, site="X"), record("C", 2, 3, site="Y")
    )
    assert sorted(found(asked, world)) == ["AB", "BC"]


def test_dates_of_validity_of_other_fields() -> None:
    asked = rule("record", applies=Applies(from_=date(1970, 1, 3), on="start_date"))
    assert found(asked, spells(record("A", 1, 9), record("B", 2, 2), record("C", None))) == [
        "B",
        "C",
    ]
