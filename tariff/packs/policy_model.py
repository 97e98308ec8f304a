"""The typed model of policies between spells (docs/policies.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Literal

from tariff.engine.reasons import PRICE_REASONS
from tariff.packs.model import Code, Evidence, Pack

IndexRule = Literal["not_paid", "threshold", "avoidable_share"]
Asked = Literal["readmission", "index", "either"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellTest:
    """What is asked of a spell: everything that is named holds.

    Methods and sources are whole codes; HRGs, diagnoses, procedures and organisations are prefixes.
    """

    admission_methods: list[Code] = field(default_factory=list)
    admission_sources: list[Code] = field(default_factory=list)
    discharge_methods: list[Code] = field(default_factory=list)
    hrgs: list[Code] = field(default_factory=list)
    unbundled_hrgs: list[Code] = field(default_factory=list)
    primary_diagnoses: list[Code] = field(default_factory=list)
    secondary_diagnoses: list[Code] = field(default_factory=list)
    diagnoses: list[Code] = field(default_factory=list)
    procedures: list[Code] = field(default_factory=list)
    age_below: int | None = None
    providers: list[Code] = field(default_factory=list)
    commissioners: list[Code] = field(default_factory=list)
    price_reasons: list[Code] = field(default_factory=list)

    @property
    def asks(self) -> list[str]:
        """The keys that are named."""
        named = (item.name for item in fields(self))
        return [name for name in named if getattr(self, name) not in ([], None, False)]

    def check(self) -> Iterator[tuple[str, str]]:
        """A test that asks nothing would hold for every spell, an unknown reason for none."""
        if not self.asks:
            yield "", "a test names at least one thing that it asks"
        for reason in self.price_reasons:
            if reason not in PRICE_REASONS:
                yield "price_reasons", f"'{reason}' is not among {', '.join(PRICE_REASONS)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Spells that a policy leaves alone: any of the tests holds.

    `evidence` is of the exclusion, `reading` of the codes by which it is told.
    """

    name: str
    title: str
    tests: list[SpellTest]
    evidence: Evidence
    reading: Evidence
    applied: bool = True  # a switch: the local file may turn it


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadmissionExclusion(Exclusion):
    """Readmissions that are paid all the same; `of` says which spell is asked."""

    of: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadmissionPeriod:
    """How many days count, and what is paid after which index, by the date of the readmission."""

    from_: date
    to: date
    days: int
    elective: IndexRule
    non_elective: IndexRule
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadmissionsPack(Pack):
    """Emergency readmissions: which count, from which index, and when they are paid all the same.

    The dates of a period hold the discharge of the readmission.
    """

    emergency_methods: list[Code]
    elective_methods: list[Code]  # of the index
    periods: list[ReadmissionPeriod]
    exclusions: list[ReadmissionExclusion]

    def check(self) -> Iterator[tuple[str, str]]:
        """Names are told apart and periods do not overlap."""
        yield from _twice("exclusions", [item.name for item in self.exclusions])
        yield from _overlaps("periods", [(item.from_, item.to) for item in self.periods])
        for period in self.periods:
            if period.days < 0:
                yield "periods", f"{period.days} days: a number that is not below 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginalRate:
    """The share paid above the baseline. `offer` names one of several that a year had."""

    from_: date
    to: date
    rate: Decimal
    offer: str = ""
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginalRatePack(Pack):
    """The marginal rate for emergency admissions: its rates, and which spells it is of.

    The dates of a rate hold whole tariff years, by the discharge of the spell.
    """

    rates: list[MarginalRate]
    scope: list[SpellTest]
    scope_evidence: Evidence
    out_of_scope: list[Exclusion]

    def check(self) -> Iterator[tuple[str, str]]:
        """Rates are shares, and only offers with names of their own share a time."""
        yield from _twice("out_of_scope", [item.name for item in self.out_of_scope])
        if not self.scope:
            yield "scope", "no test: no spell would be in scope"
        for rate in self.rates:
            if not 0 <= rate.rate <= 1:
                yield "rates", f"rate {rate.rate} is out of range: a share of 0 to 1"
            if (rate.from_.month, rate.from_.day) != (4, 1) or (rate.to.month, rate.to.day) != (
                3,
                31,
            ):
                yield "rates", f"{rate.from_} to {rate.to} are no whole tariff years"
        for offer in sorted({item.offer for item in self.rates}):
            alike = [item for item in self.rates if item.offer in ("", offer)]
            yield from _overlaps("rates", [(item.from_, item.to) for item in alike])


def _twice(key: str, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield key, f"'{name}' is given twice"


def _overlaps(key: str, spans: list[tuple[date, date]]) -> Iterator[tuple[str, str]]:
    last: date | None = None
    for start, end in sorted(spans):
        if start > end:
            yield key, f"{start} to {end}: the end is before the beginning"
        elif last is not None and start <= last:
            yield key, f"{start} to {end} overlaps what goes before"
        last = end if last is None else max(last, end)
