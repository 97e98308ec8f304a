"""Checks of what a price list says of best practice and top-ups: that each name stands somewhere.

Prices are found by these names. One that no table has would pay nothing, and nobody would see it.
"""

from __future__ import annotations

from tariff.packs.findings import Findings
from tariff.packs.lint_prices import PAYMENTS
from tariff.packs.model import BestPracticePricing, TariffPack

PAYS = PAYMENTS - {"additional"} | {"setting", "nothing"}


def check(findings: Findings) -> None:
    """All checks of these settings, those that the pack has."""
    assert isinstance(findings.pack.manifest, TariffPack)
    _areas(findings, findings.pack.manifest)
    _readings(findings, findings.pack.manifest)
    _services(findings, findings.pack.manifest)


def _column(findings: Findings, table: str, name: str) -> list[str]:
    held = findings.pack.tables.get(table)
    return held.columns[name] if held else []


def _areas(findings: Findings, manifest: TariffPack) -> None:
    """Each area has rows, pays what there is a word for, and its payments have theirs."""
    names = ("area", "code", "name", "payment")
    columns = (_column(findings, "best_practice_prices", name) for name in names)
    rows: dict[str, list[tuple[str, ...]]] = {}
    for area, *row in zip(*columns, strict=True):
        rows.setdefault(area, []).append(tuple(row))
    seen: set[str] = set()
    for index, area in enumerate(manifest.best_practice_areas):
        at = findings.pack.at("best_practice_areas", index, "area")
        if area.area in seen:
            findings.add("PK202", at, f"area '{area.area}' is given twice", row=area.area)
        seen.add(area.area)
        if area.pays not in PAYS:
            at_pays = findings.pack.at("best_practice_areas", index, "pays")
            message = f"pays: '{area.pays}' is none of {', '.join(sorted(PAYS))}"
            findings.add("PK417", at_pays, message, row=area.area)
        if area.area not in rows:
            message = f"no row of best_practice_prices is of the area '{area.area}'"
            findings.add("PK424", at, message, row=area.area)
            continue
        _payments(findings, index, area, rows[area.area])


def _payments(
    findings: Findings, index: int, area: BestPracticePricing, rows: list[tuple[str, ...]]
) -> None:
    of_hrgs = any(code and payment == "additional" for code, _, payment in rows)
    named = {name for code, name, _ in rows if not code}
    for place, payment in enumerate(area.payments):
        if not of_hrgs and payment.row not in named:
            at = findings.pack.at("best_practice_areas", index, "payments", place)
            what = f"named '{payment.row}'" if payment.row else "additional of any HRG"
            message = f"{payment.code}: no row {what} in the area '{area.area}'"
            findings.add("PK424", at, message, row=payment.code)


def _readings(findings: Findings, manifest: TariffPack) -> None:
    """A list is read as one that is held."""
    held = set(_column(findings, "best_practice_codes", "list"))
    for name, read_as in manifest.best_practice_list_readings.items():
        if read_as not in held:
            at = findings.pack.at("best_practice_list_readings", name)
            message = f"the list {read_as} is not in best_practice_codes"
            findings.add("PK418", at, message, row=read_as)


def _services(findings: Findings, manifest: TariffPack) -> None:
    """Codes, providers and the rule name services that have a row."""
    held = set(_column(findings, "top_ups", "service"))
    for table, column in (("top_up_codes", "service"), ("top_up_providers", "services")):
        for index, cell in enumerate(_column(findings, table, column)):
            for service in cell.split():
                if service not in held:
                    message = f"the service {service} is not in top_ups"
                    findings.of_cell("PK424", table, index, column, message, row=service)
    rule = manifest.top_up_rule
    for index, service in enumerate(rule.open_services if rule else ()):
        if service not in held:
            at = findings.pack.at("top_up_rule", "open_services", index)
            message = f"the service {service} is not in top_ups"
            findings.add("PK424", at, message, row=service)
