"""Find what a name stands for; an unknown name gets suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from tariff.engine.select import LEVELS, Selected, select_rules
from tariff.errors import UsageError
from tariff.extract.nhs_number import is_nhs_number
from tariff.packs.compile import Rulebook

MOST = 20_000  # names that are compared with a misspelt one
SHOWN = 4
