"""Emergency readmissions: which spell follows which, and what is withheld (docs/policies.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.match import MOST_SPELLS
from tariff.engine.price import EPOCH
from tariff.engine.spell_tests import Mask, SpellTests
from tariff.engine.stays import MONTHS, Numbers, Stays, groups_of, tariff_year
from tariff.packs.compile import NULL64
from tariff.packs.local_policies import SHARE_UNIT, LocalReadmissions, find_term
from tariff.packs.policy_model import ReadmissionExclusion, ReadmissionPeriod, ReadmissionsPack

BASES = (
    "excluded",
    "no_amount",
    "avoidable_share",
    "not_paid",
    "within_threshold",
    "above_threshold",
    "no_threshold",
    "no_avoidable_share",
)
_BASIS = {name: place for place, name in enumerate(BASES)}


@dataclass
class Readmissions:
    """The readmissions of an extract and its history, one line each, by the place of the spell."""

    stays: Stays
    exclusions: list[ReadmissionExclusion]  # those that apply
    spell: Numbers  # place of the readmission among the stays
    index: Numbers  # place of the spell it follows
    period: Numbers  # of the pack
    days: Numbers
    elective: Mask  # the index
    excluded: Numbers  # of `exclusions`, -1 none
    amount: Numbers  # pence, NULL64 where not known
    basis: NDArray[np.int8]  # of BASES
    withheld: Numbers  # pence
    emergencies: int = 0  # of the extract, discharged while the rule was in force
    left_out: dict[str, int] = field(default_factory=dict)  # those of them not looked at, by reason
    outside: dict[str, int] = field(default_factory=dict)  # emergencies of years without the rule
    used_terms: set[int] = field(default_factory=set)
    unused_thresholds: set[int] = field(default_factory=set)

    @property
    def charged_to(self) -> Numbers:
        """Ids of the providers of the indices."""
        return self.stays.provider.ids[self.index]

    def deductions(self, *, own: bool = False) -> Numbers:
        """Pence withheld by stay; with `own` where the provider of the stay itself is charged."""
        out = np.zeros(len(self.stays), np.int64)
        out[self.spell] = self.withheld
        if own:
            elsewhere = self.charged_to != self.stays.provider.ids[self.spell]
            out[self.spell[elsewhere]] = 0
        return out


def readmissions(
    pack: ReadmissionsPack,
    local: LocalReadmissions,
    runs: Sequence[SpellColumns],
    stays: Stays,
) -> Readmissions:
    """Find the readmissions of an extract (the first of `runs`) and its history, and value them."""
    tests = [SpellTests(run) for run in runs]

    def over(mask_of: list[Mask]) -> Mask:
        return np.concatenate(mask_of)

    emergency = over([t.code_is("admission_method", pack.emergency_methods) for t in tests])
    elective = over([t.code_is("admission_method", pack.elective_methods) for t in tests])
    period = period_of(pack.periods, stays.discharged)
    usable, left_out = _usable(stays, emergency & (period >= 0))
    place, index = last_discharges(stays, usable, emergency & (period >= 0))
    days = stays.admitted[place] - stays.discharged[index]
    within = days <= np.array([p.days for p in pack.periods] or [0], np.int64)[period[place]]
    place, index, days = place[within], index[within], days[within]

    exclusions = [item for item in pack.exclusions if local.exclusions.get(item.name, item.applied)]
    excluded = np.full(len(place), -1, np.int64)
    for number, item in enumerate(exclusions):
        met = over([t.any_of(item.tests) for t in tests])
        asked = np.zeros(len(place), bool)
        if item.of in ("readmission", "either"):
            asked |= met[place]
        if item.of in ("index", "either"):
            asked |= met[index]
        excluded[asked & (excluded < 0)] = number
    found = Readmissions(
        stays,
        exclusions,
        place,
        index,
        period[place],
        days,
        elective[index],
        excluded,
        stays.amount[place],
        np.zeros(len(place), np.int8),
        np.zeros(len(place), np.int64),
        emergencies=int((emergency & (period >= 0))[: stays.here].sum()),
        left_out=left_out,
        outside=_outside(stays, emergency & (period < 0)),
    )
    _withhold(found, pack, local)
    return found


def period_of(periods: Sequence[ReadmissionPeriod], days: Numbers) -> Numbers:
    """Give the period that holds each day (since 1970-01-01), -1 for none."""
    out = np.full(len(days), -1, np.int64)
    for number, period in enumerate(periods):
        out[(days >= _days(period.from_)) & (days <= _days(period.to))] = number
    return out


def last_discharges(stays: Stays, usable: Mask, asked: Mask) -> tuple[Numbers, Numbers]:
    """Give the stays asked for that follow a discharge of the same patient, and the last of those.

    A stay is before another where its discharge date is earlier than the other's admission date,
    or the same and it stands earlier in the order of the patient's stays.
    """
    patient = np.where(usable, stays.patient, -1)
    counts = np.bincount(patient[patient >= 0], minlength=1)
    several = np.flatnonzero(usable & (counts[patient] > 1))
    order = several[
        np.lexsort(
            [
                column[several]
                for column in (
                    stays.rank,
                    stays.discharge_time,
                    stays.discharged,
                    stays.admission_time,
                    stays.admitted,
                    patient,
                )
            ]
        )
    ]
    count = len(order)
    if not count:
        nothing: Numbers = np.zeros(0, np.int64)
        return nothing, nothing
    # `order` gives each stay its place; by discharge, those of one day stay in that order
    by_discharge = np.lexsort((stays.discharged[order], patient[order]))
    first = int(stays.discharged[order].min())
    first = min(first, int(stays.admitted[order].min()))
    span = int(stays.discharged[order].max()) - first + 1
    days = patient[order] * span + stays.discharged[order] - first
    days = days[by_discharge]
    alike = np.searchsorted(days, days, "left") * count + by_discharge

    later = np.flatnonzero(asked[order])
    wanted = patient[order[later]] * span + stays.admitted[order[later]] - first
    start, end = np.searchsorted(days, wanted, "left"), np.searchsorted(days, wanted, "right")
    same_day = np.searchsorted(alike, start * count + later, "left")
    last = np.where(end > start, same_day, start) - 1
    index = order[by_discharge[np.maximum(last, 0)]]
    follows = (last >= 0) & (patient[index] == patient[order[later]])
    spell, index = order[later[follows]], index[follows]
    by_spell = np.argsort(spell)
    return spell[by_spell], index[by_spell]


def _days(day: date) -> int:
    return (day - EPOCH).days


def _usable(stays: Stays, emergency: Mask) -> tuple[Mask, dict[str, int]]:
    """Say which stays can be followed from one to the next; count emergencies of the extract."""
    named = stays.patient >= 0
    dated = (stays.admitted != NULL64) & (stays.discharged != NULL64)
    forward = ~dated | (stays.discharged >= stays.admitted)
    counts = np.bincount(stays.patient[named], minlength=1)
    crowd = named & (counts[stays.patient] > MOST_SPELLS)
    here = emergency & (np.arange(len(stays)) < stays.here)
    left_out = {
        "no_patient_number": int((here & ~named).sum()),
        "dates_missing_or_reversed": int((here & named & ~(dated & forward)).sum()),
        "patient_number_of_many": int((here & crowd & dated & forward).sum()),
    }
    return named & dated & forward & ~crowd, {k: n for k, n in left_out.items() if n}


def _outside(stays: Stays, emergency: Mask) -> dict[str, int]:
    """Count the emergencies of the extract in months without the rule, by tariff year."""
    here = emergency[: stays.here] & (stays.discharged[: stays.here] != NULL64)
    months, counts = np.unique(stays.month[: stays.here][here], return_counts=True)
    out: dict[str, int] = {}
    for month, number in zip(months.tolist(), counts.tolist(), strict=True):
        year = tariff_year(month)
        out[year] = out.get(year, 0) + number
    return out


# ---------------------------------------------------------------- what is withheld


def _withhold(found: Readmissions, pack: ReadmissionsPack, local: LocalReadmissions) -> None:
    """Fill in the basis of each readmission and what is withheld."""
    open_ = found.excluded < 0
    names = [(str(p.non_elective), str(p.elective)) for p in pack.periods]
    rules = np.array(names or [("", "")])
    for rows, term_number in _by_term(found, np.flatnonzero(open_), local):
        term = local.terms[term_number] if term_number >= 0 else None
        of_period = rules[found.period[rows], found.elective[rows].astype(np.int64)]
        counted = np.zeros(len(rows), bool)  # against the threshold
        for elective in (True, False):
            kind = found.elective[rows] == elective
            share = term.share(elective=elective) if term else None
            if share is not None:
                _share(found, rows[kind], share)
                continue
            _set(found, rows[kind & (of_period == "not_paid")], "not_paid", whole=True)
            none_agreed = rows[kind & (of_period == "avoidable_share")]
            _set(found, none_agreed, "no_avoidable_share", whole=False)
            counted |= kind & (of_period == "threshold")
        if term is None or term.threshold is None:
            _set(found, rows[counted], "no_threshold", whole=False)
            continue
        if not counted.any():
            found.unused_thresholds.add(term_number)
        in_order = _in_order(found, rows[counted])
        _set(found, in_order[: term.threshold], "within_threshold", whole=False)
        _set(found, in_order[term.threshold :], "above_threshold", whole=True)
    empty = open_ & (found.amount <= 0)  # NULL64 among them
    found.basis[empty] = _BASIS["no_amount"]
    found.withheld[empty] = 0


def _by_term(
    found: Readmissions, rows: Numbers, local: LocalReadmissions
) -> list[tuple[Numbers, int]]:
    """Give the readmissions of each term and year; of none, -1."""
    stays = found.stays
    spells = found.spell[rows]
    lines, inverse = groups_of(
        found.charged_to[rows], stays.commissioner.ids[spells], stays.month[spells] // MONTHS
    )
    terms = []
    for provider, commissioner, year in lines:
        name = "" if commissioner < 0 else stays.commissioner.values[commissioner]
        of = find_term(
            local.terms, stays.provider.values[provider], name, tariff_year(year * MONTHS)
        )
        terms.append(of)
        if of >= 0:
            found.used_terms.add(of)
    term_of = np.array(terms or [-1], np.int64)[inverse]
    return [(rows[term_of == term], int(term)) for term in np.unique(term_of)]


def _in_order(found: Readmissions, rows: Numbers) -> Numbers:
    stays, spells = found.stays, found.spell[rows]
    order = np.lexsort((stays.rank[spells], stays.admitted[spells], stays.discharged[spells]))
    return rows[order]


def _set(found: Readmissions, rows: Numbers, basis: str, *, whole: bool) -> None:
    found.basis[rows] = _BASIS[basis]
    found.withheld[rows] = found.amount[rows] if whole else 0


def _share(found: Readmissions, rows: Numbers, share: Decimal) -> None:
    """Withhold a share of the amount, half up to the penny."""
    amount = np.maximum(found.amount[rows], 0)
    units = int(share * SHARE_UNIT)
    found.basis[rows] = _BASIS["avoidable_share"]
    found.withheld[rows] = (2 * amount * units + SHARE_UNIT) // (2 * SHARE_UNIT)
