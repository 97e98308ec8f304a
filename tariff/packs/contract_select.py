"""Which activity the lines of a contract select, where two select the same, and in which months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from tariff.packs.contract_model import ContractPack, Selection, ServiceLine

YEAR_MONTHS = 12
PLANNED_MONTHS = 13  # the last is the adjustment after the year
_CODES = ("datasets", "points_of_delivery", "treatment_functions", "sites")


def overlap(one: ServiceLine, other: ServiceLine, contract: ContractPack) -> bool:
    """Say whether any activity could be of both lines."""
    first, second = one.select, other.select
    for key in _CODES:
        mine, theirs = getattr(first, key), getattr(second, key)
        if mine and theirs and not set(mine) & set(theirs):
            return False
    if first.hrgs and second.hrgs and not any(_prefixed(first.hrgs, second.hrgs)):
        return False
    begin, end = dates_of(one, contract)
    other_begin, other_end = dates_of(other, contract)
    return max(begin, other_begin) <= min(end, other_end)


def narrower(one: ServiceLine, other: ServiceLine) -> bool:
    """Say whether all that one line selects is of the other too, and the other selects more."""
    return _within(one.select, other.select) and not _within(other.select, one.select)


def in_order(lines: Sequence[ServiceLine]) -> list[ServiceLine]:
    """Give the lines so that the first that fits is the one: the narrowest come first."""
    return sorted(lines, key=lambda line: -len(line.carved_from))


def same_selection(line: ServiceLine) -> tuple[object, ...]:
    """Give what lines that follow each other in time have in common."""
    select = line.select
    return (*(frozenset(getattr(select, key)) for key in _CODES), frozenset(select.hrgs))


def _within(one: Selection, other: Selection) -> bool:
    for key in _CODES:
        mine, theirs = set(getattr(one, key)), set(getattr(other, key))
        if theirs and (not mine or not mine <= theirs):
            return False
    if not other.hrgs:
        return True
    return bool(one.hrgs) and all(
        any(prefix.startswith(outer) for outer in other.hrgs) for prefix in one.hrgs
    )


def _prefixed(one: Sequence[str], other: Sequence[str]) -> Iterator[bool]:
    for a in one:
        for b in other:
            yield a.startswith(b) or b.startswith(a)


# ---------------------------------------------------------------- dates


def first_day(year: str) -> date:
    """Give the first day of a financial year."""
    return date(int(year[:4]), 4, 1)


def last_day(year: str) -> date:
    """Give the last day of a financial year."""
    return date(int(year[:4]) + 1, 3, 31)


def contract_dates(contract: ContractPack) -> tuple[date, date]:
    """Give the dates of a contract: those it applies to, else its whole year."""
    applies = contract.applies
    return applies.from_ or first_day(contract.year), applies.to or last_day(contract.year)


def dates_of(line: ServiceLine, contract: ContractPack) -> tuple[date, date]:
    """Give the dates of a line: its own, else those of the contract."""
    begin, end = contract_dates(contract)
    return line.from_ or begin, line.to or end


def whole_months(begin: date, end: date) -> bool:
    """Say whether a period begins and ends with a month."""
    return begin.day == 1 and (end + timedelta(days=1)).day == 1


def month_number(day: date, year: str) -> int:
    """Give the month of a day in a financial year, 1 for April."""
    return (day.year - int(year[:4])) * YEAR_MONTHS + day.month - 3


def months_of(line: ServiceLine, contract: ContractPack) -> tuple[int, int]:
    """Give the first and the last month of a line."""
    begin, end = dates_of(line, contract)
    return month_number(begin, contract.year), month_number(end, contract.year)
