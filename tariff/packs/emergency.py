"""What the tables of an emergency pack mean: ranges of third digits, and categories of nothing."""

from __future__ import annotations

import re

from tariff.packs.model import EmergencyGroupsPack

CONCEPT = re.compile(r"[0-9]{6,18}")  # a SNOMED CT identifier, as the Emergency Care Data Set has
THIRD_DIGITS = re.compile(r"([1-9])(?:-([1-9]))?")


def counted(manifest: EmergencyGroupsPack, investigation: int, treatment: int) -> tuple[int, int]:
    """Give the pair of categories that counts: nothing beside something has a stand-in."""
    if investigation == 0 and treatment > 0:
        return manifest.no_investigation_as, treatment
    if treatment == 0 and investigation > 0:
        return investigation, manifest.no_treatment_as
    return investigation, treatment


def third_digits(cell: str) -> str:
    """Give the digits that a range such as `1-3` stands for; none where it is not one."""
    match = THIRD_DIGITS.fullmatch(cell)
    if match is None:
        return ""
    return "".join(map(str, range(int(match[1]), int(match[2] or match[1]) + 1)))
