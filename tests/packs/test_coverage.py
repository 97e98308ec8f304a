"""How far the shipped tables of 2024/25 reach: every code, every root, every HRG."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

from tests.conftest import ROOT
from tests.engine.grouped import USUAL, group

sys.path.insert(0, str(ROOT / "tools"))
measure: Any = importlib.import_module("measure_reach")

NEVER_REACHED = {"UZ01": "the root of records in error: no code leads to it"}
CC_LISTS_NOT_HELD = {"ED", "NZ", "YA"}


@cache
def shares() -> dict[str, Any]:
    found: dict[str, Any] = measure.shares()
    return found


# ---------------------------------------------------------------- codes


def test_every_diagnosis_that_may_stand_first_leads_to_a_published_root() -> None:
    every, first = shares()["ICD-10, all codes"], shares()["ICD-10 that may stand first"]
    assert (every.codes, first.codes) == (10_607, 9_138)
    assert first.published == first.codes
    assert first.priced / first.codes > 0.91  # mental health and antenatal care have no price


def test_the_procedures_that_may_be_dominant_lead_to_a_root_or_never_drive_for_a_reason() -> None:
    dominant = shares()["OPCS-4 that may be dominant (not Y, not Z)"]
    driving = shares()["OPCS-4 that drive (rank above 0)"]
    assert shares()["OPCS-4, all codes"].codes == 9_881
    assert dominant.codes == 8_554
    assert driving.published == driving.codes == dominant.published
    assert driving.published / dominant.codes > 0.92
    assert driving.priced / driving.codes > 0.97
    reasons = measure.never_driving()
    assert reasons.total() == dominant.codes - driving.codes
    assert not {"", "no row"} & reasons.keys()


# ---------------------------------------------------------------- roots


def test_every_root_of_the_price_list_is_reached() -> None:
    priced = measure.priced_roots()
    assert len(priced) == 922
    assert priced - measure.witnesses().keys() == NEVER_REACHED.keys()


def test_every_root_that_has_no_price_is_reached_too() -> None:
    others = measure.tables().splits.keys() - measure.priced_roots()
    assert others - measure.witnesses().keys() == set()


def test_the_engine_takes_the_witnesses_where_the_oracle_takes_them() -> None:
    made = [each.record for each in measure.witnesses().values()]
    expected = [measure.grouped(USUAL | record) for record in made]
    found = group([[USUAL | record] for record in made])
    assert [row["hrg"] for row in found] == [each.hrg for each in expected]
    assert [row["group_reason"] for row in found] == [each.group_reason for each in expected]


# ---------------------------------------------------------------- HRGs


def test_every_hrg_is_chosen_by_some_facts() -> None:
    splits = [split for root in measure.priced_roots() for split in measure.tables().splits[root]]
    assert len(splits) == 2_405
    for split in splits:
        assert measure.chosen(split.hrg[:4], measure.facts_for(split)) == split.hrg


def test_only_roots_whose_complication_list_is_not_held_keep_their_hrgs_back() -> None:
    kept = [root for root in measure.priced_roots() if measure.without_list(root)]
    assert {root[:2] for root in kept} == CC_LISTS_NOT_HELD
    assert sum(len(measure.tables().splits[root]) for root in kept) == 80


# ---------------------------------------------------------------- the page


def test_the_page_prints_what_is_measured() -> None:
    page = (ROOT / "docs" / "grouping-status.md").read_text(encoding="utf-8")
    assert "\n".join(measure.page()) in page, "run python tools/build_docs.py"
