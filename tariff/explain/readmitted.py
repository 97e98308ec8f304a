"""The part of a spell's page that tells of a readmission: its index, what was asked, its amount."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from tariff.engine.policies import READMISSIONS, Policies, policy_pack
from tariff.engine.price import EPOCH
from tariff.engine.readmissions import BASES
from tariff.explain.page import Page
from tariff.explain.trace import Trace
from tariff.packs.compile import NULL64
from tariff.packs.policy_model import ReadmissionsPack
from tariff.report.text import counted, pounds

WHY = {
    "excluded": "paid all the same: an exclusion holds",
    "no_amount": "nothing: the readmission has no amount",
    "avoidable_share": "the avoidable share agreed locally",
    "not_paid": "all of it: after such an index nothing is paid",
    "within_threshold": "nothing: it is within the threshold agreed locally",
    "above_threshold": "all of it: it is above the threshold agreed locally",
    "no_threshold": "nothing: no threshold is given, see --policies",
    "no_avoidable_share": "nothing: no avoidable share is given, see --policies",
}


def tell(page: Page, trace: Trace, policies: Policies | None) -> None:
    """Add the section where the spell is a readmission under the rule of its year."""
    if policies is None:
        return
    found, stays = policies.readmissions, policies.stays
    places = np.flatnonzero(found.spell == trace.index)
    if not len(places):
        return
    place = int(places[0])
    index = int(found.index[place])
    key = stays.keys(found.index[place : place + 1])[0].as_py()
    kind = "an elective" if found.elective[place] else "a non-elective"
    source = "" if index < stays.here else ", of the history"
    left = EPOCH + timedelta(days=int(stays.discharged[index]))
    rules = policy_pack(trace.columns.rulebook, READMISSIONS).manifest
    assert isinstance(rules, ReadmissionsPack)
    period = rules.periods[int(found.period[place])]
    rule = period.elective if found.elective[place] else period.non_elective
    page.heading("Readmission")
    page.say(
        f"An emergency admission {counted(int(found.days[place]), 'day')} after the discharge of "
        f"{key}{source} on {left.isoformat()}, the last before it; up to {period.days} count "
        f"({period.from_} to {period.to}, evidence {period.evidence}). It follows {kind} spell."
    )
    _exclusions(page, policies, place)
    amount = int(found.amount[place])
    basis = BASES[int(found.basis[place])]
    page.facts(
        [
            ("Amount", pounds(None if amount == NULL64 else amount)),
            ("Rule of the period", rule.replace("_", " ")),
            ("Basis", f"{basis}: {WHY[basis]}"),
            ("Withheld", pounds(int(found.withheld[place]))),
            ("Charged to", stays.provider.text(index)),
        ]
    )


def _exclusions(page: Page, policies: Policies, place: int) -> None:
    """Add what was asked, in order: what stands after the reason is asked no more."""
    found = policies.readmissions
    chosen = int(found.excluded[place])
    rows = []
    for number, item in enumerate(found.exclusions):
        outcome = "no" if chosen < 0 or number < chosen else "not asked"
        outcome = "yes: the reason" if number == chosen else outcome
        rows.append([item.name, item.title, item.of, f"{item.evidence}, {item.reading}", outcome])
    page.grid(
        ["Exclusion", "*Title", "Asked of", "Evidence, reading", "Outcome"],
        rows,
        chosen if chosen >= 0 else None,
    )
