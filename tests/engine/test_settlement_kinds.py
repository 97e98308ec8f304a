"""The waterfall over records of every kind: one pound is challenged once (docs/money.md)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tariff.engine.counterfactual import NOTHING, Ask
from tariff.engine.made import Change
from tariff.engine.match import Hit
from tariff.engine.record_set import Block
from tariff.engine.settle import Settlement
from tariff.engine.valued import Valued
from tariff.packs.compile import NULL64
from tariff.packs.model import STEPS, Edit, Operand, Removal, Rule, SetKey
from tests.engine.extracts import DZ11T, KNEE, bill, stay
from tests.engine.settled import ATTENDANCE, EMERGENCY, LINE, World, money, rule, world

QUANTITY = Operand("constant", 4)
FOLLOW_UP = {**ATTENDANCE, **bill("WF01A", "78.00")}


def at(step: str, **more: Any) -> dict[str, Any]:
    """A rule of a step."""
    return {"step": step, **more}


def test_units_then_an_amount_then_a_share_then_another_payer() -> None:
    of = world(lines=[{**LINE, "billed_total": "200.00"}])
    list_price = Operand("product", ("quantity", "unit_price"), 1)
    rules = [
        rule("cap_units", "quantity", to=QUANTITY, of=at("days and units")),
        rule("reprice", "amount", to=list_price, of=at("arithmetic")),
        rule("contract", share="n", of=at("contract", params={"n": Decimal("0.1")})),
        rule("redirect", of=at("statistical")),
    ]
    valued, settlement = of.settle([(r, [0]) for r in rules])
    # 200 x 4 / 10 = 80; 125 is what 10 units cost, 50 what the 4 that are left do; a tenth of the
    # 50; the rest
    assert [money(f) for f in valued] == [
        (20000, 8000, 12000), (20000, 12500, 3000), (20000, 18000, 500), (20000, 0, 4500),
    ]  # fmt: skip
    assert settlement.allowed("lines").tolist() == [0]


def test_an_over_charge_gives_nothing_back_that_an_earlier_step_took() -> None:
    of = world(lines=[{**LINE, "billed_total": "200.00"}])
    low, high = (rule("reprice", "amount", to=Operand("constant", n)) for n in (6000, 9000))
    low, high = (
        Rule(**{**vars_of(r), "id": name, "step": step})
        for r, name, step in ((low, "A01", "HRG"), (high, "A02", "arithmetic"))
    )
    valued, _ = of.settle([(low, [0]), (high, [0])])
    assert [money(f) for f in valued] == [(20000, 6000, 14000), (20000, 9000, 0)]


def vars_of(of: Rule) -> dict[str, Any]:
    """The fields of a rule, which has slots."""
    return {name: getattr(of, name) for name in of.__dataclass_fields__}


def test_two_edits_add_up_and_a_price_after_them_finds_nothing_left() -> None:
    # a knee replacement billed with a wrong price too: 7,000 for 6,313
    of = world([stay(**KNEE, diag_02="E119", **bill("HN22E", "7000.00"))])
    rules = [
        rule("edit_and_regroup", set=(Edit("age", "code", "59"),), of=at("setting")),
        rule("edit_and_regroup", remove=Removal("procedures", "codes"), of=at("HRG")),
        rule("reprice", "price", of=at("arithmetic")),
        rule("reprice", "mff", of=at("arithmetic")),
    ]
    rules[1] = Rule(**{**vars_of(rules[1]), "id": "EDI02"})
    valued, settlement = of.settle([(r, [0]) for r in rules], lists={"codes": ["W40"]})
    # 7,000 is 8,197.92; 6,313 is 7,393.35; without the procedure 990 is 1,159.42
    assert [(f.rule.id, *money(f)) for f in valued] == [
        ("EDI01", 819792, 739335, 80457),
        ("EDI02", 819792, 115942, 623393),
        ("REPMFF01", 819792, 819792, 0),
        ("REPPRI01", 819792, 739335, 0),
    ]
    assert settlement.allowed().tolist() == [115942]


def test_a_spell_that_became_an_attendance_stands() -> None:
    of = world([stay(discharge_date="2022-05-03", **bill("DZ11V", "691.00", "1.2"))])
    first = (Edit("first_attendance", "code", "1"),)
    rules = [
        rule("reclassify", as_="attendances", hrg=False, set=first, of=at("setting")),
        rule("reprice", "price", of=at("arithmetic")),
        rule("reprice", "mff", of=at("arithmetic")),
    ]
    valued, settlement = of.settle([(r, [0]) for r in rules])
    # 691 x 1.2 = 829.20; a first attendance 197 x 1.2 = 236.40, at the right factor 230.71
    assert {f.rule.remedy.what or "as": (f.allowed, f.settled) for f in valued} == {
        "as": (23640, 59280),
        "mff": (80925, 569),
        "price": (94320, 0),  # reduced short stay 786 x 1.2
    }
    assert settlement.allowed().tolist() == [23071]


def test_a_stay_merged_over_two_files_is_priced_as_one_of_a_single_file() -> None:
    a = stay(**DZ11T)
    b = stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-24", **DZ11T)
    together, apart = world([a, b]), world([b], history={"episodes": [a]})
    factor = int(together.read.columns.number("mff")[0])
    one = together.counterfactuals.answer(Ask((0, 1), NOTHING, factor))
    other = apart.counterfactuals.answer(Ask((1, 0), NOTHING, factor))
    # 21 days: 3,101 + 4 x 270 = 4,181 x 1.171131
    assert one.total == other.total == 489650
    assert one.working == other.working


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_made_record_that_is_not_changed_is_priced_as_the_real_one(data: st.DataObject) -> None:
    of = everything()
    columns = of.read.columns
    spell = data.draw(st.integers(0, len(columns) - 1))
    name = data.draw(st.sampled_from(["age", "admission_method", "discharge_date", "diag_01"]))
    (row, *_) = columns.rows(np.array([spell]))
    factor = data.draw(st.sampled_from([10**9, 1_171_131_000]))
    same = Ask((spell,), Change(((name, row[name]),)), factor)
    made, real = (of.counterfactuals.answer(ask) for ask in (same, Ask((spell,), NOTHING, factor)))
    assert (made.pre_mff, made.total, made.working) == (real.pre_mff, real.total, real.working)


# ---------------------------------------------------------------- over any hits


@cache
def everything() -> World:
    """Records of each kind, billed too much, too little, not at all, twice, and in the past."""
    spells = [
        stay(**DZ11T),
        stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-24",
             **bill("DZ11T", "4451.00", "1.2", billed_excess_days="5")),
        stay(spell_id="C", **KNEE, diag_02="E119", **bill("HN22E", "7000.00")),
        stay(spell_id="D", patient_id="P2", **bill("DZ11V", "400.00")),
        stay(spell_id="D", patient_id="P2", **bill("DZ11V", "400.00")),
        stay(spell_id="E", patient_id="P3"),
    ]  # fmt: skip
    attendances = [
        FOLLOW_UP,
        {**FOLLOW_UP, "attendance_id": "O2", **bill("WF01A", "4.00", "1.3")},
        {**ATTENDANCE, "attendance_id": "O3"},
        {**FOLLOW_UP, "attendance_id": "O4"},
        {**FOLLOW_UP, "attendance_id": "O4"},
    ]
    emergency = [{**EMERGENCY, "billed_total": "150.00"}]
    lines = [LINE, {**LINE, "line_id": "L2", "quantity": "7", "billed_total": "99.99"}]
    past = stay(
        spell_id="Z",
        admission_date="2022-04-28",
        discharge_date="2022-05-03",
        **bill("DZ11T", "3000.00"),
    )
    return world(
        spells,
        attendances=attendances,
        emergency=emergency,
        lines=lines,
        history={"episodes": [past]},
    )


SPELLS, ATTENDANCES, EMERGENCIES, LINES, HISTORY = (0, 1, 2, 3, 4), (5, 6, 7, 8), (9,), (10, 11), 12
OURS = (*SPELLS, *ATTENDANCES, *EMERGENCIES, *LINES)
ANY = st.sampled_from(OURS)
HALF = {"params": {"n": Decimal("0.37")}}
AS_SEEN = (Edit("first_attendance", "code", "1"),)
FORMS: list[tuple[dict[str, Any], Any]] = [
    ({"kind": "not_payable"}, ANY),
    ({"kind": "not_payable", "until": "shown"}, ANY),
    ({"kind": "redirect"}, ANY),
    ({"kind": "keep_one"}, st.tuples(ANY, ANY).filter(lambda pair: pair[0] != pair[1])),
    ({"kind": "reprice", "what": "price"}, st.sampled_from((*SPELLS, *ATTENDANCES, *EMERGENCIES))),
    ({"kind": "reprice", "what": "mff"}, st.sampled_from((*SPELLS, *ATTENDANCES))),
    ({"kind": "reprice", "what": "unbilled"}, st.sampled_from((4, 7))),
    ({"kind": "reprice", "what": "best_practice"}, st.sampled_from((*SPELLS, *ATTENDANCES))),
    ({"kind": "reprice", "what": "top_up"}, st.sampled_from(SPELLS)),
    ({"kind": "reprice", "what": "amount", "to": Operand("constant", 5000)}, ANY),
    ({"kind": "contract", "share": "n", "of": HALF}, ANY),
    ({"kind": "cap_units", "what": "quantity", "to": QUANTITY}, st.sampled_from(LINES)),
    ({"kind": "cap_units", "what": "excess_days"}, st.just(1)),
    ({"kind": "edit_and_regroup", "remove": Removal("procedures", "codes")}, st.just(2)),
    (
        {"kind": "edit_and_regroup", "set": (Edit("admission_method", "code", "11"),)},
        st.sampled_from(SPELLS),
    ),
    ({"kind": "reclassify", "as_": "attendances", "hrg": False, "set": AS_SEEN},
     st.sampled_from(SPELLS)),
]  # fmt: skip
CHAINS = st.lists(st.sampled_from((0, 1, 3, HISTORY)), min_size=2, max_size=4, unique=True)


@st.composite
def hits(draw: st.DrawFn) -> list[tuple[Rule, list[Any]]]:
    """Rules of any remedy, in any step, each with hits on any records."""
    out: list[tuple[Rule, list[Any]]] = []
    for number in range(draw(st.integers(1, 7))):
        more = {"id": f"R{number:02}", "step": draw(st.sampled_from(STEPS))}
        if draw(st.integers(0, 3)) == 0:
            chains = [draw(CHAINS) for _ in range(draw(st.integers(1, 2)))]
            kept = draw(st.booleans())
            chosen = rule(
                "keep_one" if kept else "merge_and_regroup",
                of={**more, "set_key": SetKey(("patient_id",)) if kept else None},
            )
            found: list[Any] = [
                Hit(tuple(c), c[0] if kept else None) for c in chains if set(c) != {HISTORY}
            ]
        else:
            form, on = draw(st.sampled_from(FORMS))
            given_ = {**form.get("of", {}), **more}
            chosen = rule(**{**form, "of": given_})
            found = sorted(draw(st.lists(on, min_size=1, max_size=5, unique=True)))
        out.append((chosen, found))
    return out


@given(hits=hits())
@settings(max_examples=100, deadline=None)
def test_the_sum_over_a_record_never_passes_what_was_billed(
    hits: list[tuple[Rule, list[Any]]],
) -> None:
    valued, settlement = everything().settle(hits, lists={"codes": ["W40"]})
    _adds_up(settlement, valued)
    under = _under_charged(settlement, valued)
    for kind in ("spells", "attendances", "emergency", "lines"):
        block = _block(settlement, kind)
        start = settlement.records.starts[settlement.records.blocks.index(block)]
        billed = settlement.ledger.billed_of(block).total
        for place, left in enumerate(settlement.allowed(kind).tolist()):
            if left == NULL64:
                continue
            standing = settlement.ledger.standing(start + place)
            together = standing.billed if len(standing.records) > 1 else int(billed[place])
            together = 0 if together == NULL64 else together
            assert left >= 0
            assert left <= together or start + place in under, (kind, place, left, together)
    # what the history was billed stands as it was paid
    assert settlement.allowed("spells", "history").tolist() == [351339]


def _adds_up(settlement: Settlement, valued: list[Valued]) -> None:
    """Billed less settled is allowed, for each kind of record."""
    settled: dict[str, int] = defaultdict(int)
    for finding in valued:
        assert (finding.settled is None) == (finding.allowed is None or finding.question)
        for record, pence, _ in finding.moves:
            settled[settlement.records.place(record)[0].kind] += pence
    for kind in ("spells", "attendances", "emergency", "lines"):
        block = _block(settlement, kind)
        billed = settlement.ledger.billed_of(block)
        before = _sum(billed.total) + _sum(billed.copies)
        after = _sum(settlement.allowed(kind)) + _sum(settlement.allowed_copies(kind))
        assert before - settled[kind] == after, kind
        assert settlement.settled.get((kind, "extract"), 0) == settled[kind]


def _under_charged(settlement: Settlement, valued: list[Valued]) -> set[int]:
    """Records, and those merged with them, of which a finding says that too little was billed."""
    found = {r for f in valued if f.value is not None and f.value < 0 for r in f.challenged}
    return found | {r for record in found for r in settlement.ledger.standing(record).records}


def _block(settlement: Settlement, kind: str) -> Block:
    blocks = settlement.records.blocks
    return next(b for b in blocks if (b.kind, b.source) == (kind, "extract"))


def _sum(values: Any) -> int:
    return int(values[values != NULL64].sum())
