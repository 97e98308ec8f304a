"""What a column of a side table is: its name, what its cells are, whether they may be blank."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tariff.packs.model import SCORE

_CODE = r"[^\s,;\x00-\x1f]+"
_DATE = (  # a day there is
    r"[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))|[0-9]{2}(0[48]|[2468][048]|[13579][26])-02-29"
)

CellType = Literal["code", "codes", "text", "integer", "score", "decimal", "flag", "year", "date"]
CELLS: dict[CellType, tuple[re.Pattern[str], str]] = {
    "code": (re.compile(_CODE), "a code without blanks"),
    "codes": (
        re.compile(f"{_CODE}( {_CODE})*"),
        "codes separated by one space",
    ),
    "text": (re.compile(r"[^\x00-\x1f]*"), "text on one line"),
    "integer": (re.compile(r"-?(0|[1-9][0-9]{0,8})"), "a whole number"),
    "score": (re.compile(SCORE), "a whole number from 0 to 255"),
    "decimal": (re.compile(r"-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,15})?"), "a number"),
    "flag": (re.compile(r"yes|no"), "yes or no"),
    "year": (re.compile(r"[0-9]{4}/[0-9]{2}"), "a year such as 2022/23"),
    "date": (re.compile(_DATE), "a day such as 2022-04-01"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what its cells are, and whether they may be blank."""

    name: str
    type: CellType = "code"
    blank: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """The columns of a table in order, and those that no two rows may share."""

    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    any_columns: bool = False  # others may follow; their cells are text

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]


def optional(kind: CellType, names: str) -> tuple[Column, ...]:
    """Columns of one type that may be blank, their names separated by blanks."""
    return tuple(Column(name, kind, blank=True) for name in names.split())
