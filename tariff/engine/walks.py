"""Walks of rules over records that stop at joins, and go on once these are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tariff._core import match as kernel
from tariff.engine.cells import Cells
from tariff.engine.joins import Lookup, partner_join
from tariff.engine.program import FALSE, REJECT, TRUE, Lists, Program
from tariff.engine.record_index import Indexes
from tariff.engine.record_set import Ids
from tariff.packs.model import Rule

JOIN_PLACE = 7  # of an instruction: which join


@dataclass(frozen=True)
class Entry:
    """A rule that runs, the lists of its pack, and the kinds of records it runs on."""

    rule: Rule
    lists: Lists
    kinds: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Whence the records that its pairs and sets are made of."""
        rule = self.rule
        return ("extract", "history") if rule.source == "extract" else (rule.source,)


class Walks:
    """The walks of one program."""

    def __init__(self, program: Program, indexes: Indexes) -> None:
        self.program = program
        self.lookups = [Lookup(indexes, program, *found) for found in program.joins]

    def finished(
        self, sides: tuple[Cells, Cells], places: tuple[Ids, Ids], these: Ids, at: Ids
    ) -> Ids:
        """Look up what walks have stopped at and let them go on, until each has ended.

        `these` are the records that joins are about, `places` where the pairs stand in the cells.
        """
        code, tables = self.program.arrays()
        at = np.ascontiguousarray(at, np.int64)
        pending = np.flatnonzero(at >= 0)
        while len(pending):
            now = at[pending]
            for stop in np.unique(now).tolist():
                here = pending[now == stop]
                holds, crowded = self.lookups[code[stop, JOIN_PLACE]].holds(these[here])
                at[here] = np.where(holds, code[stop, TRUE], code[stop, FALSE])
                at[here[crowded]] = REJECT
            now = at[pending].copy()
            kernel.walked(
                sides[0].matrix,
                sides[0].pool,
                sides[1].matrix,
                sides[1].pool,
                code,
                tables,
                np.ascontiguousarray(places[0][pending]),
                np.ascontiguousarray(places[1][pending]),
                now,
            )
            at[pending] = now
            pending = pending[now >= 0]
        return at

    def tested(self, start: int, previous: Ids, current: Ids) -> Ids:
        """Say how the walks of pairs of records end, each record given by its number."""
        code, tables = self.program.arrays()
        sides = self.program.cells(previous, 0), self.program.cells(current, 1)
        places = np.arange(len(previous))
        at = np.full(len(previous), start, np.int64)
        kernel.walked(
            sides[0].matrix,
            sides[0].pool,
            sides[1].matrix,
            sides[1].pool,
            code,
            tables,
            places,
            places,
            at,
        )
        return self.finished(sides, (places, places), current, at)

    def partner_lookups(self, rules: Sequence[Rule]) -> list[Lookup | None]:
        """Give the join of each rule that its partner comes of."""
        wanted = [partner_join(rule.match) for rule in rules]
        found: list[Lookup | None] = []
        for rule, join in zip(rules, wanted, strict=True):
            of_rule = [
                lookup
                for (held, binding), lookup in zip(self.program.joins, self.lookups, strict=True)
                if held is join and binding.rule is rule
            ]
            found.append(of_rule[0] if of_rule else None)
        return found

    def release(self) -> None:
        """Forget what large tables of others were read for it."""
        for lookup in self.lookups:
            lookup.release()
