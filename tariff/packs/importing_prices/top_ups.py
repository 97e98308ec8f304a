"""Read the sheets of specialised top-ups: rates, eligible providers, and trigger codes."""

from __future__ import annotations

import re
from decimal import Decimal

from tariff.packs.importing_prices import cells
from tariff.packs.importing_prices.blocks import Block
from tariff.packs.importing_prices.columns import Columns, Field, find, require
from tariff.packs.importing_prices.flags import CLASSIFICATIONS, FORMS
from tariff.packs.importing_prices.reading import Reading, Row

RATES = (
    Field("expectation", r"expectation"),
    Field("service", r"flags?$|^service id$", "PSS Flag", True),
    Field("name", r"service area|^description$|^specialised services", "Service Area", True),
    Field("rate", r"\brates?$|top-?up", "Top-up rate", True),
)
PROVIDERS = (
    Field("provider", r"^provider code$", "Provider code", True),
    Field("name", r"^provider name$", "Provider name", True),
)
CODES = (
    Field("classification", r"^code type$", "Code type", True),
    Field("code", r"^code$", "Code", True),
    Field("service", r"service id", "Specialised service ID", True),
    Field("age", r"^age", "Age criteria", True),
    Field("note", r"^notes?|other criteria"),
)
_AGES = {"child": "child", "adult": "adult", "any": "any", "all": "any"}


def read_rates(reading: Reading) -> None:
    """The tables `top_ups` and `top_up_providers`."""
    footnotes = {
        cells_of[0]: cells_of[1]
        for cells_of in ([text for text in row if text] for row in reading.sheet.rows)
        if len(cells_of) == 2 and set(cells_of[0]) == {"*"}
    }
    names: dict[str, str] = {}
    for block in reading.blocks:
        providers = find(block, PROVIDERS)
        if "provider" in providers:
            _providers(reading, block, providers, names)
            continue
        columns = find(block, RATES)
        if require(reading.log, block, RATES, columns):
            names |= _rates(reading, block, columns, footnotes)


def _rates(
    reading: Reading, block: Block, columns: Columns, footnotes: dict[str, str]
) -> dict[str, str]:
    rows: list[tuple[int, Row]] = []
    for row in block.rows:
        service = cells.code(reading.sheet.cell(row, columns["service"]))
        printed = reading.sheet.cell(row, columns["rate"])
        if not service or not re.fullmatch(r"[A-Z0-9]{1,10}", service) or not printed:
            continue
        rate, note = "", ""
        if printed in footnotes:
            note = footnotes[printed]
            rate = "0" if "zero" in note else ""
        elif "eligible" in printed.lower():
            note = printed
        else:
            rate = reading.number(row, columns["rate"], f"{service}: rate")
        name = reading.text(row, columns, "name")
        rows.append((row, {"service": service, "name": name, "rate": rate, "note": note}))
    as_shares = all(Decimal(out["rate"]) <= 1 for _, out in rows if out["rate"])
    for row, out in rows:
        if as_shares and out["rate"]:
            out["rate"] = cells.written(Decimal(out["rate"]) * 100)
        reading.add("top_ups", out, row)
    return {out["service"]: out["name"] for _, out in rows}


def _providers(reading: Reading, block: Block, columns: Columns, names: dict[str, str]) -> None:
    """A list of providers is of the services whose first word its title has."""
    title = f"{block.title} {block.area}".lower()
    services = [code for code, name in names.items() if name.lower().split()[0][:6] in title]
    if not services:
        message = f"'{block.title}': of which top-up are these providers?"
        reading.problem(block.row, min(block.headings), message)
        return
    for row, provider in reading.coded(block, columns["provider"], "provider"):
        out = {
            "services": " ".join(services),
            "provider": provider,
            "name": reading.text(row, columns, "name"),
        }
        reading.add("top_up_providers", out, row)


def read_codes(reading: Reading) -> None:
    """The table `top_up_codes`: the diagnoses and procedures that bring a top-up."""
    for block in reading.blocks:
        columns = find(block, CODES)
        if not require(reading.log, block, CODES, columns):
            continue
        for row in block.rows:
            printed = reading.sheet.cell(row, columns["classification"])
            if not printed or len(block.cells(row)) < 3:
                continue
            classification = CLASSIFICATIONS.get(printed.lower().rstrip("-0123456789"), "")
            code = cells.code(reading.sheet.cell(row, columns["code"])).replace(".", "")
            if not classification or not FORMS[classification].fullmatch(code):
                message = f"'{code[:20]}' is no code of '{printed[:20]}'"
                reading.problem(row, columns["code"], message)
                continue
            age = _AGES.get(reading.sheet.cell(row, columns["age"]).lower(), "")
            if not age:
                reading.problem(row, columns["age"], f"{code}: the age is child, adult or any")
            note = reading.text(row, columns, "note")
            secondary = re.search(r"\b[A-Z]\d{2,3}\b", note)
            out = {
                "classification": classification,
                "code": code,
                "service": reading.text(row, columns, "service"),
                "age": age,
                "secondary": secondary[0] if secondary else "",
                "note": "" if secondary else note,
            }
            reading.add("top_up_codes", out, row)
