"""What the cells of a price workbook say: figures, codes, yes and no."""

from __future__ import annotations

import re
from decimal import Decimal

DASHES = frozenset({"", "-", "–", "—", "‒", "―", "−", "n/a", "na", "#n/a", ".."})
HRG = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z]")
FUNCTION = re.compile(r"[0-9]{3}")
PROVIDER = re.compile(r"[A-Z0-9]{3,5}")

_FIGURE = re.compile(
    r"(?P<sign>[-−]?)£?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<part>\.\d+)?(?P<share>%?)"
)


class NotAFigureError(ValueError):
    """A cell that should hold a number holds something else."""


def is_dash(text: str) -> bool:
    """Whether a cell says that there is nothing."""
    return text.strip().lower() in DASHES


def figure(text: str) -> Decimal | None:
    """A number with pound sign, commas, percent sign or footnote mark; None for a dash.

    A percentage such as `20%` is the share 0.2.
    """
    if is_dash(text):
        return None
    found = _FIGURE.fullmatch(text.replace(" ", "").rstrip("*†‡"))
    if found is None:
        raise NotAFigureError(text)
    whole = found["whole"].replace(",", "")
    number = Decimal(format(Decimal(whole + (found["part"] or "")), ".15g"))
    if found["share"]:
        number /= 100
    return -number if found["sign"] else number


def written(number: Decimal | None) -> str:
    """A number as our tables hold it: no exponent, no zeros at the end."""
    if number is None:
        return ""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def code(text: str) -> str:
    """A code in upper case, without blanks or footnote marks."""
    return re.sub(r"[\s*†‡^]+", "", text).upper()


def yes(text: str) -> str:
    """`yes` or `no` of a flag; empty where it says neither."""
    word = text.strip().lower()
    if word in {"y", "yes", "true"}:
        return "yes"
    return "no" if word in {"n", "no", "false"} or is_dash(word) or word == "0" else ""
