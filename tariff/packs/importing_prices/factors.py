"""Read the market forces factors, and the bands of the short stay adjustment."""

from __future__ import annotations

import re
from decimal import Decimal

from tariff.packs.importing_prices.columns import Field, find, require
from tariff.packs.importing_prices.flags import methods
from tariff.packs.importing_prices.reading import Reading, years_in
from tariff.packs.importing_prices.sheets import Sheet

PROVIDERS = (
    Field("provider", r"^(provider|org\w*) code$", "Provider Code", True),
    Field("name", r"^(provider|org\w*) name$", "Provider Name", True),
    Field("note", r"^notes?$"),
)
BANDS = (
    Field("days", r"average length of stay", "HRG average length of stay", True),
    Field("percent", r"percentages?", "Short stay percentages", True),
)
SHORT_STAY_RULE: dict[str, object] = {  # as Annex A 2022/23 prints it
    "max_adjusted_days": 1,
    "min_age": 19,
    "admission_methods": ["21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D"],
}
_RANGE = re.compile(r"(\d+)\s*(?:or|to|-)\s*(\d+)")


def read_factors(reading: Reading) -> None:
    """The table `factors`: a column is of the year its heading names, a single one of this year."""
    for block in reading.blocks:
        columns = find(block, PROVIDERS)
        if not require(reading.log, block, PROVIDERS, columns):
            continue
        values = {at: years_in(block.headings[at]) for at in columns.others}
        if len(values) == 1:
            values = {at: [reading.year] for at in values}
        values = {at: years for at, years in values.items() if years}
        if not values:
            reading.problem(block.row, -1, "no column of market forces factors was found")
        for row, provider in reading.coded(block, columns["provider"], "provider"):
            for at, years in values.items():
                factor = reading.number(row, at, f"{provider}: market forces factor")
                if factor:
                    out = {
                        "provider": provider,
                        "year": years[0],
                        "mff": factor,
                        "name": reading.text(row, columns, "name"),
                    }
                    reading.add("factors", out, row)


def read_bands(reading: Reading) -> None:
    """The table `short_stay_bands`: the share by the average stay of an HRG."""
    for block in reading.blocks:
        columns = find(block, BANDS)
        if not require(reading.log, block, BANDS, columns):
            continue
        for row in block.rows:
            text = reading.sheet.cell(row, columns["days"])
            days = _days(text)
            if days is None:
                continue
            percent = reading.number(row, columns["percent"], f"{text}: share")
            if percent:
                shown = percent if Decimal(percent) > 1 else str(int(Decimal(percent) * 100))
                out = {"days_min": days[0], "days_max": days[1], "percent": shown}
                reading.add("short_stay_bands", out, row)


def _days(text: str) -> tuple[str, str] | None:
    """The bounds of a band such as `< 2 days`, `3 or 4 days`, `≥5 days`."""
    if "day" not in text or len(text) > 30:
        return None
    numbers = re.findall(r"\d+", text)
    between = _RANGE.search(text)
    if between:
        return between[1], between[2]
    if len(numbers) != 1:
        return None
    number = int(numbers[0])
    if "<" in text or "under" in text or "less" in text:
        return "0", str(number - ("<" in text or "under" in text))
    if "≥" in text or ">=" in text or "more" in text or "+" in text:
        return str(number), ""
    return (str(number + 1), "") if ">" in text else (str(number), str(number))


def short_stay_rule(sheet: Sheet) -> dict[str, object] | None:
    """The tests of the short stay price that the sheet of its bands words; None where one lacks."""
    text = " ".join(cell for row in sheet.rows for cell in row if cell).lower()
    days = re.search(
        r"los is either zero or (one|two) days?|stay of (?:0|zero) or (1|one) day", text
    )
    age = re.search(r"aged under (\d+)", text)
    codes = re.search(r"admission method codes? (?:is|are) ([^.]*?)(?: if| where|\. )", text)
    found = methods(codes[1].upper()) if codes else []
    if not (days and age and found):
        return None
    most = 2 if days[1] == "two" else 1
    return {"max_adjusted_days": most, "min_age": int(age[1]), "admission_methods": sorted(found)}
