"""A small artificial year, made once, as rows by dataset."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa

from tariff.simulate import YearTally, synthesise_year

Row = dict[str, Any]
EPISODES = 5000
SEED = 11


def tables_of(**order: Any) -> dict[str, pa.Table]:
    """Make a year and return its tables by name."""
    found: dict[str, list[pa.RecordBatch]] = {}
    for chunk in synthesise_year(**{"episodes": 600, "seed": SEED, **order}):
        for name, batch in chunk.items():
            found.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches) for name, batches in found.items()}


@cache
def tables() -> dict[str, pa.Table]:
    """Return the tables of the year that the tests share."""
    return tables_of(episodes=EPISODES)


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Return the rows of a dataset or register of that year."""
    return tuple(tables()[name].to_pylist())


@cache
def spells() -> dict[str, list[Row]]:
    """Return the episode rows of that year by spell."""
    found: dict[str, list[Row]] = {}
    for row in rows("episodes"):
        found.setdefault(row["spell_id"], []).append(row)
    return found


@cache
def tally() -> YearTally:
    """Return what a small year says it has made."""
    counted = YearTally()
    for _ in synthesise_year(600, SEED, tally=counted):
        pass
    return counted
