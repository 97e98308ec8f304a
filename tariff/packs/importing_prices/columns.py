"""Which column of a table is which: fields with the words of their headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from tariff.packs.importing_prices.blocks import Block, normal
from tariff.packs.importing_prices.log import Log


class Field(NamedTuple):
    """A column: our name, the words of its heading, how it is usually printed."""

    name: str
    words: str  # a regular expression over the heading in lower case
    printed: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one table that were found, by our names."""

    at: dict[str, int]
    others: dict[int, str]  # headings that are of no field

    def __contains__(self, name: object) -> bool:
        return name in self.at

    def __getitem__(self, name: str) -> int:
        return self.at[name]


def find(block: Block, fields: Sequence[Field]) -> Columns:
    """The columns of a table. A heading counts with its group only where alone it says nothing."""
    at: dict[str, int] = {}
    taken: set[int] = set()
    for with_group in (False, True):
        for column in sorted(block.headings):
            if column in taken:
                continue
            text = normal(block.heading(column) if with_group else block.headings[column])
            for item in fields:
                if item.name not in at and re.search(item.words, text):
                    at[item.name] = column
                    taken.add(column)
                    break
    others = {c: block.heading(c) for c in block.headings if c not in taken}
    return Columns(at, others)


def one_of_each(log: Log, block: Block, fields: Sequence[Field], columns: Columns) -> bool:
    """Note each column that could be one that was found already; whether there is none."""
    clear = True
    for at in columns.others:
        text = normal(block.headings[at])
        item = next((item for item in fields if re.search(item.words, text)), None)
        if item is not None and item.name in columns:
            clear = False
            other = block.heading(columns[item.name])
            message = (
                f"'{block.heading(at)}' and '{other}' may both be '{item.printed or item.name}'"
            )
            log.problem(block.sheet, block.row, at, message, "leave one of the columns out")
    return clear


def require(
    log: Log, block: Block, fields: Iterable[Field], columns: Columns, only: Iterable[str] = ()
) -> bool:
    """Note every required column that is missing; whether all are there."""
    wanted = set(only)
    missing = [
        item
        for item in fields
        if (item.required or item.name in wanted) and item.name not in columns
    ]
    spare = {normal(text): (at, text) for at, text in columns.others.items()}
    for item in missing:
        near = get_close_matches(normal(item.printed), list(spare), 1, 0.5)
        at, hint = -1, ""
        if near:
            at, printed = spare[near[0]]
            hint = f"the nearest is '{printed}'"
        log.problem(block.sheet, block.row, at, f"no column '{item.printed}'", hint)
    return not missing
