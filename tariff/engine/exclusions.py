"""Exclusion by episode: no episode of a spell, some, or all (docs/pricing.md, step 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.members import Members
from tariff.packs.compile import year_start
from tariff.packs.load import LoadedPack
from tariff.packs.model import PodPack

Bools = NDArray[np.bool_]

CATEGORY = "administrative_category"
SERIAL_NUMBER = "commissioning_serial_number"


def as_coded(name: str, value: str) -> str:
    """Give a value as the lists write it: a category of one digit with its leading zero."""
    return value.zfill(2) if name == CATEGORY and value.isdigit() else value


class ExclusionRules:
    """What the points-of-delivery pack excludes, by year: its table `excluded` and the mark."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, PodPack)
        local = pack.manifest.local_price
        self.mark = local.serial_mark if local else ""
        self._codes: dict[str, list[tuple[str, str, str]]] = {}  # of: code, from year, to year
        if "excluded" in pack.tables:
            columns = pack.tables["excluded"].columns
            names = ("of", "code", "from_year", "to_year")
            for of, *row in zip(*(columns[name] for name in names), strict=True):
                self._codes.setdefault(of, []).append((as_coded(of, row[0]), row[1], row[2]))

    @property
    def fields(self) -> list[str]:
        """Columns of which a code may exclude."""
        return list(self._codes)

    def codes(self, of: str, year: str) -> frozenset[str]:
        """Give the codes of a field that exclude in a year; without one, those of every year."""
        return frozenset(
            code
            for code, first, last in self._codes.get(of, ())
            if (not first or (year and year_start(first) <= year_start(year)))
            and (not last or (year and year_start(year) <= year_start(last)))
        )


@dataclass
class Exclusions:
    """`state`, per spell: 0 no episode, 1 some, 2 all. `marks`: episodes by place of the mark."""

    state: NDArray[np.int8]
    marks: dict[str, int]  # first, last: how many episodes; both, of those that are in both


def exclusions(
    rules: ExclusionRules, members: Members, year: NDArray[np.int16], years: Sequence[str]
) -> Exclusions:
    """Say which spells are excluded. `year` is an index of `years`, -1 for none."""
    rows = members.perm
    of_row = year[members.owner()].astype(np.int64)
    out = np.zeros(len(rows), bool)
    for name in rules.fields:
        column = members.frame.column(name)
        if column is None:
            continue
        values = members.frame.vocabularies[name].values
        table = np.array(
            [
                [as_coded(name, value) in codes for value in values]
                for codes in (rules.codes(name, year) for year in [*years, ""])
            ],
            bool,
        )
        out |= table[of_row, column[rows]]  # -1, no year, is the last row
    marks = {}
    if rules.mark:
        first, last = _marked(members, str.startswith, rules), _marked(members, str.endswith, rules)
        out |= first | last
        marks = {
            name: int(found.sum())
            for name, found in (("first", first), ("last", last), ("both", first & last))
            if found.any()
        }
    any_of, all_of = (how.reduceat(out, members.start[:-1]) for how in _ANY_AND_ALL)
    return Exclusions(any_of.astype(np.int8) + all_of.astype(np.int8), marks)


_ANY_AND_ALL: tuple[Any, Any] = (np.logical_or, np.logical_and)


def _marked(members: Members, stands: Callable[[str, str], bool], rules: ExclusionRules) -> Bools:
    """Say which episodes have the mark where the test finds it."""
    column = members.frame.column(SERIAL_NUMBER)
    if column is None:
        return np.zeros(len(members.perm), bool)
    values = members.frame.vocabularies[SERIAL_NUMBER].values
    found: Bools = np.array([stands(value, rules.mark) for value in values], bool)[
        column[members.perm]
    ]
    return found
