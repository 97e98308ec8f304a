"""The check digit of NHS numbers: ten digits, the last by modulus 11."""

from __future__ import annotations

import re

_TEN = re.compile(r"([0-9]{3})[ -]?([0-9]{3})[ -]?([0-9]{4})")


def is_nhs_number(text: str) -> bool:
    """Whether a text has the form of an NHS number and its check digit agrees."""
    match = _TEN.fullmatch(text.strip())
    if match is None:
        return False
    digits = [int(digit) for digit in "".join(match.groups())]
    if len(set(digits)) == 1:
        return False
    check = 11 - sum(digit * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return check % 11 == digits[9]
