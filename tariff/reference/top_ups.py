"""Specialised services and their top-up (docs/pricing.md, step 8)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tariff.reference.factors import codes_of
from tariff.reference.flags import filled, known_age
from tariff.reference.price_tables import TopUps
from tariff.reference.spells import Spell
from tariff.reference.values import code_of_service, codes_given, family

ADULT_AGE = 19


@dataclass(frozen=True, slots=True)
class TopUp:
    """The service that decides, its rate as printed, and what it comes to, in exact pence."""

    service: str | None = None
    rate: str | None = None
    amount: Fraction = Fraction(0)


def top_up(held: TopUps, spell: Spell, parts: dict[str, int], reasons: set[str]) -> TopUp:
    """Return the top-up on the parts of a price: `core`, `long_stay` and `best_practice`."""
    services = _services(held, spell, reasons)
    rule = held.rule
    if rule.several == "first":
        deciding = services[:1]
    else:
        counting = [service for service in services if _counts(held, service, spell.provider)]
        counting.sort(key=lambda service: (-Fraction(held.rates[service]), service))
        deciding = counting[:1]
    if not deciding:
        return TopUp()
    (service,) = deciding
    if not _counts(held, service, spell.provider):
        return TopUp(service=service)
    taken_on = parts["core"] + sum(parts[name] for name in rule.also_on)
    rate = Fraction(held.rates[service]) / 100
    return TopUp(service, held.rates[service], taken_on * rate)


def _counts(held: TopUps, service: str, provider: str) -> bool:
    """Say whether a service of a provider has a rate that is paid."""
    if not held.rates[service]:
        return False
    if held.providers is None or service in map(code_of_service, held.rule.open_services):
        return True
    listed = {code for _, code in held.providers}
    found = next((code for code in codes_of(provider) if code in listed), provider)
    return (service, found) in held.providers


def _services(held: TopUps, spell: Spell, reasons: set[str]) -> list[str]:
    """Return the services of a spell that the year knows, in their order."""
    given = codes_given(spell.episodes, "specialised_services")
    if given is None:
        return _worked_out(held, spell)
    services = list(dict.fromkeys(map(code_of_service, given)))
    if not held.rates.keys() >= set(services):
        reasons.add("top_up_unknown")
    return [service for service in services if service in held.rates]


def _worked_out(held: TopUps, spell: Spell) -> list[str]:
    diagnoses = {filled(code) for e in spell.episodes for code in family(e, "diag")}
    procedures = {code for e in spell.episodes for code in family(e, "oper")}
    carried = {"icd10": diagnoses, "opcs4": procedures}
    age = known_age(spell)
    fitting = {
        "child": age is not None and age < ADULT_AGE,
        "adult": age is not None and age >= ADULT_AGE,
        "any": True,
    }
    found = {
        code_of_service(row["service"])
        for row in held.codes or ()
        if row["code"] in carried[row["classification"]]
        and fitting[row["age"]]
        and (not row["secondary"] or any(c.startswith(row["secondary"]) for c in procedures))
    }
    return sorted(service for service in found if service in held.rates)
