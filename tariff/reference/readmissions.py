"""Emergency readmissions in plain Python: one stay after another, as docs/policies.md says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tariff.packs.local_policies import LocalReadmissions, ReadmissionTerm
from tariff.packs.policy_model import (
    ReadmissionExclusion,
    ReadmissionPeriod,
    ReadmissionsPack,
    SpellTest,
)
from tariff.reference.price import year_of
from tariff.reference.values import half_up

MOST_STAYS = 1000  # of one patient number; more stand for many people


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A spell as the policies see it. Codes are text, empty where missing; money is pence."""

    provider: str
    spell_id: str
    patient: str
    commissioner: str = ""
    admitted: date | None = None
    discharged: date | None = None
    admission_time: int | None = None
    discharge_time: int | None = None
    admission_method: str = ""
    admission_source: str = ""
    discharge_method: str = ""
    age: int | None = None
    hrg: str = ""  # the one priced
    unbundled: tuple[str, ...] = ()
    diagnoses: tuple[tuple[str, ...], ...] = ()  # of each episode, blanks included
    procedures: tuple[tuple[str, ...], ...] = ()
    price_reasons: tuple[str, ...] = ()
    amount: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Provider and spell number."""
        return self.provider, self.spell_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Readmission:
    """A readmission, the stay it follows, and what is withheld for it."""

    stay: Stay
    index: Stay
    days: int
    elective: bool
    excluded: str | None
    basis: str
    withheld: int


def meets(test: SpellTest, stay: Stay) -> bool:
    """Say whether a stay meets everything that a test names."""

    def begins(code: str, prefixes: Iterable[str]) -> bool:
        return any(code.startswith(prefix) for prefix in prefixes)

    def one(codes: Iterable[str], prefixes: Iterable[str]) -> bool:
        return any(begins(code, prefixes) for code in codes if code)

    first = [codes[0] for codes in stay.diagnoses if codes]
    later = [code for codes in stay.diagnoses for code in codes[1:]]
    answers: list[bool] = []
    if test.admission_methods:
        answers.append(stay.admission_method in test.admission_methods)
    if test.admission_sources:
        answers.append(stay.admission_source in test.admission_sources)
    if test.discharge_methods:
        answers.append(stay.discharge_method in test.discharge_methods)
    if test.hrgs:
        answers.append(one([stay.hrg], test.hrgs))
    if test.unbundled_hrgs:
        answers.append(one(stay.unbundled, test.unbundled_hrgs))
    if test.primary_diagnoses:
        answers.append(one(first, test.primary_diagnoses))
    if test.secondary_diagnoses:
        answers.append(one(later, test.secondary_diagnoses))
    if test.diagnoses:
        answers.append(one([*first, *later], test.diagnoses))
    if test.procedures:
        codes = [code for episode in stay.procedures for code in episode]
        answers.append(one(codes, test.procedures))
    if test.age_below is not None:
        known = stay.age is not None and stay.age != 999
        answers.append(known and stay.age is not None and stay.age < test.age_below)
    if test.providers:
        answers.append(one([stay.provider], test.providers))
    if test.commissioners:
        answers.append(one([stay.commissioner], test.commissioners))
    if test.price_reasons:
        answers.append(any(reason in stay.price_reasons for reason in test.price_reasons))
    return all(answers)


def find_index(stays: Sequence[Stay], readmission: Stay) -> Stay | None:
    """Return the last discharge of a patient before a stay of theirs; `stays` are all of them."""
    in_order = sorted(stays, key=_order)
    place = in_order.index(readmission)
    found: Stay | None = None
    for other_place, other in enumerate(in_order):
        assert other.discharged is not None
        assert readmission.admitted is not None
        before = other.discharged < readmission.admitted or (
            other.discharged == readmission.admitted and other_place < place
        )
        if before and (found is None or _discharged(found) <= other.discharged):
            found = other  # of one day, the last in the order
    return found


def _discharged(stay: Stay) -> date:
    assert stay.discharged is not None
    return stay.discharged


def _order(stay: Stay) -> tuple[object, ...]:
    assert stay.admitted is not None
    assert stay.discharged is not None
    return (
        stay.admitted,
        -1 if stay.admission_time is None else stay.admission_time,
        stay.discharged,
        -1 if stay.discharge_time is None else stay.discharge_time,
        stay.provider,
        stay.spell_id,
    )


def find_readmissions(
    pack: ReadmissionsPack, local: LocalReadmissions, stays: Sequence[Stay]
) -> dict[tuple[str, str], Readmission]:
    """Return the readmissions among some stays, by provider and spell number."""
    people: dict[str, list[Stay]] = {}
    for stay in stays:
        if stay.patient:
            people.setdefault(stay.patient, []).append(stay)
    found: list[Readmission] = []
    for own in people.values():
        if len(own) > MOST_STAYS:
            continue
        usable = [s for s in own if s.admitted and s.discharged and s.discharged >= s.admitted]
        for stay in usable:
            readmission = _readmission(pack, local, usable, stay)
            if readmission is not None:
                found.append(readmission)
    return _value(pack, local, found)


def _readmission(
    pack: ReadmissionsPack, local: LocalReadmissions, own: Sequence[Stay], stay: Stay
) -> Readmission | None:
    period = _period(pack, stay)
    if period is None or stay.admission_method not in pack.emergency_methods:
        return None
    index = find_index(own, stay)
    if index is None:
        return None
    assert stay.admitted is not None
    days = (stay.admitted - _discharged(index)).days
    if days > period.days:
        return None
    excluded = None
    for exclusion in pack.exclusions:
        applied = local.exclusions.get(exclusion.name, exclusion.applied)
        if applied and excluded is None and _holds(exclusion, stay, index):
            excluded = exclusion.name
    return Readmission(
        stay=stay,
        index=index,
        days=days,
        elective=index.admission_method in pack.elective_methods,
        excluded=excluded,
        basis="excluded",
        withheld=0,
    )


def _period(pack: ReadmissionsPack, stay: Stay) -> ReadmissionPeriod | None:
    for period in pack.periods:
        if stay.discharged is not None and period.from_ <= stay.discharged <= period.to:
            return period
    return None


def _holds(exclusion: ReadmissionExclusion, stay: Stay, index: Stay) -> bool:
    asked = {"readmission": [stay], "index": [index], "either": [stay, index]}[exclusion.of]
    return any(meets(test, one) for one in asked for test in exclusion.tests)


# ---------------------------------------------------------------- what is withheld


def _value(
    pack: ReadmissionsPack, local: LocalReadmissions, found: Sequence[Readmission]
) -> dict[tuple[str, str], Readmission]:
    out: dict[tuple[str, str], Readmission] = {}
    counted: dict[ReadmissionTerm, int] = {}
    for item in sorted(found, key=_by_discharge):
        if item.excluded is not None:
            out[item.stay.key] = item
            continue
        basis, withheld = _basis(pack, local, item, counted)
        if item.stay.amount is None or item.stay.amount <= 0:
            basis, withheld = "no_amount", 0
        out[item.stay.key] = Readmission(
            stay=item.stay,
            index=item.index,
            days=item.days,
            elective=item.elective,
            excluded=None,
            basis=basis,
            withheld=withheld,
        )
    return out


def _by_discharge(item: Readmission) -> tuple[object, ...]:
    stay = item.stay
    assert stay.admitted is not None
    return _discharged(stay), stay.admitted, stay.provider, stay.spell_id


def _basis(
    pack: ReadmissionsPack,
    local: LocalReadmissions,
    item: Readmission,
    counted: dict[ReadmissionTerm, int],
) -> tuple[str, int]:
    amount = item.stay.amount or 0
    term = _term(local, item)
    share = None
    if term is not None:
        share = term.elective_share if item.elective else term.non_elective_share
        share = term.avoidable_share if share is None else share
    if share is not None:
        return "avoidable_share", half_up(Fraction(share) * amount)
    period = _period(pack, item.stay)
    assert period is not None
    rule = period.elective if item.elective else period.non_elective
    if rule == "not_paid":
        return "not_paid", amount
    if rule == "avoidable_share":
        return "no_avoidable_share", 0
    if term is None or term.threshold is None:
        return "no_threshold", 0
    counted[term] = counted.get(term, 0) + 1
    above = counted[term] > term.threshold
    return ("above_threshold", amount) if above else ("within_threshold", 0)


def _term(local: LocalReadmissions, item: Readmission) -> ReadmissionTerm | None:
    year = year_of(_discharged(item.stay))
    for term in local.terms:
        of_all = term.commissioner in ("", item.stay.commissioner)
        if term.provider == item.index.provider and term.year == year and of_all:
            return term
    return None


def withheld_of_own(found: Mapping[tuple[str, str], Readmission]) -> dict[tuple[str, str], int]:
    """Return what is withheld for stays of which the provider itself is charged."""
    return {key: item.withheld for key, item in found.items() if item.index.provider == key[0]}
