"""Values of an extract row as plain Python, and the few ways in which the oracle reads them.

An episode is a mapping from canonical column to text, whole number, date or None. Money is whole
pence and a factor is in units of 1e-9, as everywhere between modules. A blank text is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from functools import cache

from tariff.extract.fields import EPISODES

Value = str | int | date | None
Episode = Mapping[str, Value]

EPOCH = date(1970, 1, 1)
POUND = 100
_FAMILY = re.compile(r"(.+)_(\d\d)")
_POSITION = {field.name: place for place, field in enumerate(EPISODES)}


def read(episode: Episode, column: str) -> Value:
    """Return the value of a column, None where it is blank or not there."""
    value = episode.get(column)
    return None if value == "" else value


def text(episode: Episode, column: str) -> str | None:
    """Return a text value; a number is read as its text."""
    value = read(episode, column)
    return None if value is None else str(value)


def number(episode: Episode, column: str) -> int | None:
    """Return a whole number."""
    value = read(episode, column)
    if value is None or isinstance(value, int):
        return value
    raise TypeError(f"{column}: {value!r} is not a whole number")


def day(episode: Episode, column: str) -> date | None:
    """Return a date."""
    value = read(episode, column)
    if value is None or isinstance(value, date):
        return value
    raise TypeError(f"{column}: {value!r} is not a date")


def days_since_epoch(when: date | None) -> int | None:
    """Return a date as the number of days since 1 January 1970."""
    return None if when is None else (when - EPOCH).days


def family(episode: Episode, name: str) -> list[str]:
    """Return the codes of a family such as `diag` in the order of position, blanks left out."""
    columns = _members(name, tuple(episode))
    return [code for code in (text(episode, column) for column in columns) if code is not None]


@cache
def _members(name: str, columns: tuple[str, ...]) -> list[str]:
    return sorted(column for column in columns if re.fullmatch(rf"{name}_\d\d", column))


def primary(episode: Episode) -> str | None:
    """Return the primary diagnosis, None where it is blank."""
    return text(episode, "diag_01")


def field_order(column: str) -> tuple[int, int]:
    """Return where a canonical column stands in the field dictionary, families by position."""
    if column in _POSITION and not _FAMILY.fullmatch(column):
        return (_POSITION[column], 0)
    member = _FAMILY.fullmatch(column)
    if member is None or f"{member[1]}_01" not in _POSITION:
        raise KeyError(f"{column} is not a canonical column")
    return (_POSITION[f"{member[1]}_01"], int(member[2]))


def in_field_order(columns: Iterable[str]) -> list[str]:
    """Return canonical columns in the order of the field dictionary."""
    return sorted(columns, key=field_order)


def half_up(amount: Fraction) -> int:
    """Round to a whole number, a half away from zero."""
    size = abs(amount)
    whole = size.numerator // size.denominator
    if size - whole >= Fraction(1, 2):
        whole += 1
    return whole if amount >= 0 else -whole


def half_up_to(amount: Fraction, step: int) -> int:
    """Round to a multiple of `step`, a half away from zero."""
    return half_up(amount / step) * step


def codes_given(episodes: Iterable[Episode], column: str) -> list[str] | None:
    """Return the codes of a text column on any episode, each once in the order given.

    They are parted by blanks, commas or semicolons, and read in upper case. None where the extract
    does not have the column.
    """
    found: dict[str, None] = {}
    has_column = False
    for episode in episodes:
        has_column = has_column or column in episode
        for code in re.split(r"[\s,;]+", text(episode, column) or ""):
            if code:
                found.setdefault(code.upper())
    return list(found) if has_column else None


def last_given(episodes: Iterable[Episode], column: str) -> str | None:
    """Return the last text of a column that an episode has."""
    found = [value for value in (text(e, column) for e in episodes) if value is not None]
    return found[-1] if found else None


def category(episode: Episode) -> str | None:
    """Return the administrative category, one of a single digit with its leading zero."""
    code = text(episode, "administrative_category")
    return two_digits(code) if code else None


def two_digits(code: str) -> str:
    """Return a code of one digit with a leading zero, any other as it is."""
    return f"0{code}" if len(code) == 1 and code.isdigit() else code


def code_of_service(code: str) -> str:
    """Return the code of a specialised service: leading zeros of a number do not matter."""
    return (code.lstrip("0") or "0") if code.isdigit() else code
