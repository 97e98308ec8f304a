"""Reads an indicative activity plan file: the 32 columns of the contract monitoring plan.

docs/importing.md has the rules of each column. The rows are added up to service lines by month.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tariff.errors import UsageError
from tariff.packs.importing_prices.cells import NotAFigureError, code, figure
from tariff.packs.importing_prices.columns import Field
from tariff.packs.importing_prices.sheets import Source
from tariff.packs.importing_tables.codes import Codes
from tariff.packs.importing_tables.sheet import Found, read_table, rows_named
from tariff.packs.lint_tables import HIGHEST_MFF, LOWEST_MFF

FIELDS = (
    Field("month", r"^financial month$", "FINANCIAL MONTH", True),
    Field("year", r"^financial year$", "FINANCIAL YEAR", True),
    Field("provider", r"code of provider|^provider( code)?$", "CODE OF PROVIDER", True),
    Field(
        "commissioner", r"code of commissioner|^commissioner( code)?$", "CODE OF COMMISSIONER", True
    ),
    Field("site", r"site identifier", "ORGANISATION SITE IDENTIFIER (OF TREATMENT)"),
    Field("gp", r"gp practice responsibility", "GP PRACTICE RESPONSIBILITY"),
    Field("residence", r"residence responsibility", "RESIDENCE RESPONSIBILITY"),
    Field("registration", r"patient registration", "PATIENT REGISTRATION"),
    Field("treatment_function", r"treatment function", "ACTIVITY TREATMENT FUNCTION CODE"),
    Field(
        "service_category",
        r"^commissioned service category code$",
        "COMMISSIONED SERVICE CATEGORY CODE",
        True,
    ),
    Field("point_of_delivery", r"^point of delivery code$", "POINT OF DELIVERY CODE", True),
    Field("tariff_code", r"^tariff code$", "TARIFF CODE"),
    Field("national", r"^national tariff indicator$", "NATIONAL TARIFF INDICATOR"),
    Field("activity", r"planned activity", "CONTRACT MONITORING PLANNED ACTIVITY", True),
    Field("price", r"planned price", "CONTRACT MONITORING PLANNED PRICE", True),
    Field("mff", r"planned market forces", "CONTRACT MONITORING PLANNED MARKET FORCES FACTOR"),
)
_YEAR = re.compile(r"20(\d\d)[/-]?(?:20)?(\d\d)")
_SITE = re.compile(r"[A-Z0-9]{5,9}")
_PRACTICE = re.compile(r"[A-Z0-9]{6}")
MONTHS = range(1, 14)
MAX_DIGITS, MAX_DECIMALS = 10, 3
LEAST = Decimal("1.02")  # a lower factor, of money that looks like a factor, is an index
ADJUSTMENT = "ADJUSTMENT"  # the one point of delivery whose money may be negative


@dataclass(frozen=True, slots=True)
class Planned:
    """What is planned for a service in a month: units, and pounds with the factor."""

    activity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)

    def __add__(self, other: Planned) -> Planned:
        return Planned(self.activity + other.activity, self.price + other.price)


Service = tuple[str, str]  # point of delivery; treatment function, where lines are by it


@dataclass(frozen=True, slots=True)
class Plan:
    """One provider's plan of one year, by service and month."""

    source: Source
    year: str
    provider: str
    commissioners: list[str]
    months: dict[Service, dict[int, Planned]]
    notes: list[str]
    rows: dict[Service, int]  # the first row of each, counted from 0
    sheet: str  # the place of problems


@dataclass(frozen=True, slots=True)
class Choice:
    """Which part of a file is read, and whether lines are by treatment function too."""

    provider: str = ""
    commissioner: str = ""
    by_function: bool = False


def read_plan(path: Path, codes: Codes, choice: Choice | None = None) -> Plan:
    """Read the plan of one provider. Raises with every problem of every row."""
    choice = choice or Choice()
    found = read_table(path, FIELDS)
    months: dict[Service, dict[int, Planned]] = defaultdict(dict)
    years, providers, commissioners = set(), set(), set()
    seen: dict[tuple[str, ...], int] = {}
    first: dict[Service, int] = {}
    unpriced: list[int] = []
    for row in found.rows():
        cells = tuple(found.reading.sheet.rows[row])
        if seen.setdefault(cells, row) != row:
            found.reading.problem(
                row, -1, "the row stands twice", f"first in row {seen[cells] + 1}"
            )
        provider, commissioner = (code(found.text(row, n)) for n in ("provider", "commissioner"))
        year, month = _year(found, row), _month(found, row)
        service = _service(found, row, codes, by_function=choice.by_function)
        planned = _planned(found, row, codes, service[0])
        _check_factor(found, row, codes.factor(provider, year))
        codes.provider(found, row, provider)
        codes.commissioner(found, row, commissioner)
        wanted = choice.provider in ("", provider) and choice.commissioner in ("", commissioner)
        if wanted and month:
            years.add(year)
            providers.add(provider)
            commissioners.add(commissioner)
            first.setdefault(service, row)
            if planned.activity and not found.text(row, "price"):
                unpriced.append(row)
            months[service][month] = months[service].get(month, Planned()) + planned
    for service, of in months.items():
        whole = sum(of.values(), Planned())
        if whole.price < 0 and whole.activity:
            message = f"{service[0]}: the plan of its line comes to {whole.price}, below 0"
            hint = "a line with activity has a price; put the adjustment under ADJUSTMENT"
            found.problem(first[service], "price", message, hint)
    found.log.check()
    if unpriced:
        codes.note(f"{rows_named(unpriced)}: activity without a planned price, read as 0")
    if not months:
        raise UsageError(
            f"{found.source.name} has no plan of that provider and commissioner",
            hint="leave --provider and --commissioner out to see which it has",
        )
    return Plan(
        found.source,
        _one("financial years", years, ""),
        _one("providers", providers, "--provider"),
        sorted(commissioners),
        {service: dict(sorted(of.items())) for service, of in sorted(months.items())},
        codes.notes,
        first,
        found.reading.sheet.name,
    )


def _one(what: str, held: set[str], option: str) -> str:
    if len(held) > 1:
        hint = f"a contract is of one: give {option}" if option else "make one file of each"
        raise UsageError(f"the file holds several {what}: {', '.join(sorted(held))}", hint=hint)
    return next(iter(held))


def _year(found: Found, row: int) -> str:
    text = found.text(row, "year").replace(" ", "")
    match = _YEAR.fullmatch(text)
    if match is None or (int(match[1]) + 1) % 100 != int(match[2]):
        found.problem(row, "year", f"'{text[:20]}' is no financial year", "write it as 202526")
        return ""
    return f"20{match[1]}/{match[2]}"


def _month(found: Found, row: int) -> int:
    text = found.text(row, "month")
    if not (text.isascii() and text.isdigit() and int(text) in MONTHS):
        found.problem(
            row,
            "month",
            f"'{text[:20]}' is no financial month",
            "1 is April, 12 March, 13 the adjustment after the year",
        )
        return 0
    return int(text)


def _service(found: Found, row: int, codes: Codes, *, by_function: bool) -> Service:
    """The service of a row, its codes checked."""
    given = code(found.text(row, "point_of_delivery"))
    point = codes.point_of_delivery(found, row, given)
    function = code(found.text(row, "treatment_function"))
    codes.category(found, row, found.text(row, "service_category"))
    codes.tariff_code(found, row, code(found.text(row, "tariff_code")), point)
    if codes.is_money_only(point):
        for name in ("site", "gp", "residence"):
            if found.text(row, name):
                found.problem(row, name, f"{point} carries money only: the cell must be blank")
    else:
        codes.function(found, row, function)
        for name, form, what in (
            ("site", _SITE, "a site has 5 to 9 characters"),
            ("registration", _PRACTICE, "a practice has 6 characters"),
        ):
            text = code(found.text(row, name))
            if text and not form.fullmatch(text):
                found.problem(row, name, f"'{text[:20]}': {what}")
    national = found.text(row, "national").upper()
    if national not in ("", "Y", "N"):
        found.problem(row, "national", f"'{national[:20]}' is neither Y nor N")
    return point, function if by_function else ""


def _planned(found: Found, row: int, codes: Codes, point: str) -> Planned:
    activity = _figure(found, row, "activity", "planned activity")
    if activity is not None and activity < 0:
        found.problem(row, "activity", f"planned activity: {activity} is negative")
    elif activity is not None and not _fits(activity):
        found.problem(row, "activity", f"planned activity: {activity} has more than 3 decimals")
    if codes.is_money_only(point) and activity != 0:
        found.problem(row, "activity", f"{point} carries money only: its activity must be 0")
    money = Decimal(0)
    for name, what in (("price", "planned price"), ("mff", "planned market forces factor")):
        amount = _figure(found, row, name, what) or Decimal(0)
        if amount < 0 and point != ADJUSTMENT:
            found.problem(row, name, f"{what}: {amount} is negative")
        money += amount
    return Planned(activity or Decimal(0), money)


def _check_factor(found: Found, row: int, held: Decimal | None) -> None:
    """The market forces column is money, so that (price + it) / price is a factor.

    One that is an index itself is refused. A factor of 1.2 beside a price of 1.20 may be either:
    that which is nearer to the factor of the provider is taken, else money.
    """
    price, mff = (_number(found, row, name) for name in ("price", "mff"))
    if not (price and mff) or price < 0 or not LOWEST_MFF <= mff <= HIGHEST_MFF:
        return
    as_money = 1 + mff / price
    is_index = as_money < LEAST if held is None else abs(mff - held) < abs(as_money - held)
    if is_index:
        found.problem(
            row,
            "mff",
            f"planned market forces factor: {mff} beside a price of {price} is an index, not money",
            f"give money, as the column holds it: {(mff - 1) * price:.2f} is what {mff} adds",
        )


def _number(found: Found, row: int, name: str) -> Decimal | None:
    """A number without a note of what is none."""
    try:
        return figure(found.text(row, name))
    except NotAFigureError:
        return None


def _fits(activity: Decimal) -> bool:
    exact = activity == round(activity, MAX_DECIMALS)
    return exact and activity < Decimal(10) ** MAX_DIGITS


def _figure(found: Found, row: int, name: str, what: str) -> Decimal | None:
    """A number; None for a blank, a column that is not there, or a problem."""
    if name not in found.columns:
        return None
    text = found.reading.sheet.cell(row, found.columns[name])
    try:
        return figure(text)
    except NotAFigureError:
        found.problem(row, name, f"{what}: '{text[:40]}' is not a number")
        return None
