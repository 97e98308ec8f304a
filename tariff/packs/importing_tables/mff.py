"""Reads a table of market forces factors: provider, and a value for each of one or more years."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tariff.errors import UsageError
from tariff.packs.importing_prices.blocks import normal
from tariff.packs.importing_prices.cells import NotAFigureError, figure, is_dash, written
from tariff.packs.importing_prices.columns import Field
from tariff.packs.importing_prices.reading import Row, years_in
from tariff.packs.importing_prices.sheets import Source
from tariff.packs.importing_tables.sheet import Found, read_table, rows_named
from tariff.packs.lint_tables import HIGHEST_MFF, LOWEST_MFF

FIELDS = (
    Field(
        "provider",
        r"^(nhs )?(provider|org\w*|trust|ods)( \w+)? (code|id|identifier)\b"
        r"|^(provider|org|ods)$|code of provider",
        "Provider code",
        True,
    ),
    Field("name", r"\bname\b", "Provider name"),
    Field("note", r"^notes?$", "Notes"),
)
_VALUE = re.compile(
    r"mff|market forces|\bindex\b|\bvalue\b|\bfactor\b|\byear \d\b|20\d\d ?[/-] ?\d\d"
)
_NTH_YEAR = re.compile(r"year (\d)\b")
MAX_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Factors:
    """The rows of our two tables, and what a reader should know of them."""

    source: Source
    factors: list[Row]
    providers: list[Row]
    notes: list[str]


def read_factors(path: Path, years: Sequence[str] = ()) -> Factors:
    """Read the factors of a file.

    `years`: of a column that names none, or of a single column whatever its heading names; `Year 2`
    to `Year 5` count from the first of them.
    """
    found = read_table(path, FIELDS, least=1)
    columns, notes = _years_of(found, list(years))
    found.log.check()
    rows: dict[tuple[str, str], tuple[str, int]] = {}
    blank: dict[int, list[int]] = {at: [] for at in columns}
    names: dict[str, str] = {}
    for row, provider in found.reading.coded(found.block, found.columns["provider"], "provider"):
        names.setdefault(provider, found.text(row, "name") or provider)
        for at, of in columns.items():
            factor = _factor(found, row, at, provider)
            if is_dash(found.reading.sheet.cell(row, at)):
                blank[at].append(row)
            for year in of if factor else ():
                before, line = rows.setdefault((provider, year), (factor, row))
                if before != factor:
                    message = f"{provider} {year} stands twice and differs: {before} and {factor}"
                    found.reading.problem(row, at, message, f"first in row {line + 1}")
    if not rows:
        found.reading.problem(found.block.row, -1, "no provider with a factor stands below")
    found.log.check()
    out = [
        {"provider": provider, "year": year, "mff": factor}
        for (provider, year), (factor, _) in sorted(rows.items())
    ]
    for at, without in blank.items():
        if without:
            heading = found.block.headings[at]
            notes.append(f"'{heading}' is blank or a dash in {rows_named(without)}: no factor")
    held = sorted({row["provider"] for row in out})
    providers = [{"provider": provider, "name": names[provider]} for provider in held]
    return Factors(found.source, out, providers, notes)


def _years_of(found: Found, given: list[str]) -> tuple[dict[int, list[str]], list[str]]:
    """The years that each column of values is of."""
    others = found.columns.others
    values = {at: text for at, text in others.items() if _VALUE.search(normal(text))}
    payment = {at: text for at, text in values.items() if "underlying" not in normal(text)}
    values = payment or values
    if not values:
        told = ", ".join(f"'{text}'" for text in found.block.headings.values())
        found.reading.problem(
            found.block.row,
            -1,
            "no column of market forces factors",
            f"the headings are {told}; one such as 'MFF 2025/26' is wanted",
        )
        return {}, []
    if len(values) == 1 and given:
        ((at, text),) = values.items()
        other = years_in(text) not in ([], given) or _NTH_YEAR.search(normal(text))
        return {at: given}, [f"'{text}' was read as {' and '.join(given)}"] if other else []
    notes = []
    out: dict[int, list[str]] = {}
    for at, text in values.items():
        named = years_in(text)
        nth = _NTH_YEAR.search(normal(text))
        if not named and given:
            named = [_later(given[0], int(nth[1]) - 1 if nth else 0)]
            if nth:
                notes.append(f"'{text}' was read as {named[0]}")
        if not named:
            raise UsageError(
                f"the column '{text}' names no year", hint="give its year: --year 2025/26"
            )
        twice = [other for other, years in out.items() if set(years) & set(named)]
        if twice:
            message = f"'{text}' and '{values[twice[0]]}' are both of {named[0]}"
            found.reading.problem(found.block.row, at, message, "leave one of the columns out")
        out[at] = named[:1]
    return out, notes


def _later(year: str, by: int) -> str:
    start = int(year[:4]) + by
    return f"{start:04}/{(start + 1) % 100:02}"


def _factor(found: Found, row: int, at: int, provider: str) -> str:
    text = found.reading.sheet.cell(row, at)
    try:
        number = figure(text)
    except NotAFigureError:
        found.reading.problem(row, at, f"{provider}: '{text[:40]}' is not a number")
        return ""
    if number is None:
        return ""
    wrong = ""
    if not LOWEST_MFF <= number <= HIGHEST_MFF:
        wrong = f"is outside {LOWEST_MFF} to {HIGHEST_MFF}"
    elif "%" in text or "£" in text:
        wrong = f"is {'a percentage' if '%' in text else 'money'}"
    if wrong:
        found.reading.problem(
            row,
            at,
            f"{provider}: {text} {wrong}",
            "a factor is wanted, such as 1.046225: not money, not a percentage",
        )
        return ""
    return written(number.quantize(Decimal(1).scaleb(-MAX_DECIMALS)))
