"""Checks of the packs that group and price care other than admitted."""

from __future__ import annotations

import re

from tariff.extract.fields import field_of
from tariff.packs.emergency import CONCEPT, counted, third_digits
from tariff.packs.findings import Findings
from tariff.packs.model import (
    AttendanceGroupsPack,
    CriticalCareGroupsPack,
    EmergencyGroupsPack,
)

CODE = re.compile(rf"[0-9]{{2}}|{CONCEPT.pattern}")
WORDS = {  # of the tables of an other care pack
    ("currencies", "table"): ("maternity", "other_prices", "best_practice_prices"),
    ("maternity_words", "phase"): ("antenatal", "postnatal"),
    ("maternity_edges", "phase"): ("antenatal", "postnatal"),
}
LOWER, UPPER = ("above", "at_least"), ("below", "at_most")


def attendances(findings: Findings) -> None:
    """Each first attendance code leads to one pair of HRGs."""
    manifest = findings.pack.manifest
    assert isinstance(manifest, AttendanceGroupsPack)
    seen: set[str] = set()
    for index, row in enumerate(manifest.attendances):
        if row.first_attendance in seen:
            at = findings.pack.at("attendances", index, "first_attendance")
            message = f"first attendance {row.first_attendance} is given twice"
            findings.add("PK202", at, message, row=row.first_attendance)
        seen.add(row.first_attendance)


def emergency(findings: Findings) -> None:
    """Codes have two digits, and every pair of categories that can be met has an HRG."""
    pack = findings.pack
    manifest = pack.manifest
    assert isinstance(manifest, EmergencyGroupsPack)
    for table in ("investigations", "treatments"):
        for index, code in enumerate(pack.tables[table].columns["code"]):
            if not CODE.fullmatch(code):
                message = f"'{code}' is no A&E code, of two digits, and no SNOMED CT identifier"
                findings.of_cell("PK412", table, index, "code", message, row=code)
    for index, cell in enumerate(pack.tables["treatments"].columns["third_digits"]):
        if cell and not third_digits(cell):
            message = f"third digits '{cell}': one digit, or two with a dash, the lower first"
            findings.of_cell("PK400", "treatments", index, "third_digits", message, row=cell)
    groups = pack.tables["groups"].columns
    held = set(zip(map(int, groups["investigation"]), map(int, groups["treatment"]), strict=True))
    categories = {
        name: {0, *map(int, pack.tables[name].columns["category"])}
        for name in ("investigations", "treatments")
    }
    for found in sorted(categories["investigations"]):
        for done in sorted(categories["treatments"]):
            pair = counted(manifest, found, done)
            if pair not in held:
                message = f"investigation category {pair[0]} with treatment {pair[1]} has no HRG"
                findings.add("PK416", pack.at("groups"), message, row=f"{pair[0]} {pair[1]}")


def pricing(findings: Findings) -> None:
    """Words are known, and each edge of a factor has bounds that some value can meet."""
    tables = findings.pack.tables
    for (name, column), known in WORDS.items():
        for index, word in enumerate(tables[name].columns[column] if name in tables else ()):
            if word not in known:
                message = f"{column}: '{word}' is none of {', '.join(known)}"
                findings.of_cell("PK417", name, index, column, message)
    edges = tables.get("maternity_edges")
    if edges is None:
        return
    bounds = {name: edges.decimals(name) for name in (*LOWER, *UPPER)}
    for index, factor in enumerate(edges.columns["factor"]):
        low = [b for name in LOWER if (b := bounds[name][index]) is not None]
        high = [b for name in UPPER if (b := bounds[name][index]) is not None]
        if len(low) > 1 or len(high) > 1 or not low + high:
            message = f"{factor}: one bound below, one above, or one alone"
            findings.of_cell("PK400", "maternity_edges", index, "factor", message)
        elif low and high and low[0] > high[0]:
            message = f"{factor}: from {low[0]} to {high[0]}, which no value meets"
            findings.of_cell("PK400", "maternity_edges", index, "factor", message)


def critical_care(findings: Findings) -> None:
    """Organ systems name counts of days, every unit is of one kind, and there are HRGs."""
    pack = findings.pack
    manifest = pack.manifest
    assert isinstance(manifest, CriticalCareGroupsPack)
    if not manifest.hrgs:
        findings.add("PK416", pack.at("hrgs"), "no HRG is named")
    for index, organ in enumerate(manifest.organs):
        for name in organ.days:
            field = field_of(name, "critical_care")
            if field is None or field.type != "integer":
                message = f"{organ.name}: '{name}' is no count of days of a critical care period"
                findings.add("PK416", pack.at("organs", index, "days"), message, row=organ.name)
    seen: set[str] = set()
    for kind in ("adult_units", "paediatric_units", "neonatal_units"):
        for index, code in enumerate(getattr(manifest, kind)):
            if code in seen:
                at = pack.at(kind, index)
                findings.add("PK202", at, f"unit function {code} is given twice", row=code)
            seen.add(code)
