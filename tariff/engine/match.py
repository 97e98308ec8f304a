"""Match rules against the spells of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tariff._core import match as kernel
from tariff.engine.columns import SpellColumns
from tariff.engine.parallel import run_parts, split_evenly
from tariff.engine.program import HIGHEST, Program
from tariff.packs.compile import NULL64
from tariff.packs.model import Rule

CHUNK = 1 << 16
# More spells than a person has (a session of dialysis every other day for five years): a value
# that stands for many people, such as "unknown". Its pairs would mean nothing, and be many.
MOST_SPELLS = 1000


@dataclass(frozen=True)
class Hit:
    """One match: spells in order of admission; of a set, the one that is kept."""

    spells: tuple[int, ...]
    kept: int | None = None


@dataclass
class Hits:
    """Matches of the rules that ran. Record rules give an array of spells, others `Hit`s."""

    records: dict[str, NDArray[np.int64]]
    groups: dict[str, list[Hit]]


Lists = dict[str, list[str]]


class Matcher:
    """Matches rules over the columns of a run."""

    def __init__(self, columns: SpellColumns, *, threads: int = 1, parts: int = 1) -> None:
        self.columns = columns
        self.threads = threads
        self.parts = parts

    def run(self, rules: Sequence[tuple[Rule, Lists]]) -> Hits:
        """Match rules; each comes with the lists of its pack."""
        of = {
            scope: [pair for pair in rules if _shape(pair[0]) == scope]
            for scope in ("record", "pair", "set", "copies")
        }
        hits = Hits(self._records(of["record"]), {})
        if of["pair"]:
            hits.groups.update(self._pairs(of["pair"], *self._runs(("patient_id",))))
        for rule, lists in of["set"]:
            hits.groups[rule.id] = self._set(rule, lists)
        for rule, lists in of["copies"]:
            hits.groups[rule.id] = self._copies(rule, lists)
        return hits

    # -- one record at a time

    def _records(self, rules: Sequence[tuple[Rule, Lists]]) -> dict[str, NDArray[np.int64]]:
        if not rules:
            return {}
        program = Program(self.columns)
        starts = np.array([program.add_rule(rule, lists) for rule, lists in rules], np.int64)
        code, tables = program.arrays()
        count = len(self.columns)
        pieces = [
            piece
            for part in split_evenly(np.arange(count), self.parts)
            for piece in split_evenly(part, -(-len(part) // CHUNK))
        ]
        found: dict[int, NDArray[np.uint8]] = {}

        def work(piece: NDArray[np.int64]) -> None:
            hits = np.zeros((len(rules), len(piece)), np.uint8)
            kernel.records(program.cells(piece), code, tables, starts, hits)
            found[int(piece[0])] = hits

        program.cells(np.arange(0))  # make the columns before the threads start
        run_parts(work, pieces, self.threads)
        out = {}
        for index, (rule, _) in enumerate(rules):
            parts = [p[found[int(p[0])][index].astype(bool)] for p in pieces]
            out[rule.id] = np.concatenate(parts) if parts else np.empty(0, np.int64)
        return out

    # -- records that are alike

    def _runs(self, key: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Spells alike in every field of a key, none missing, as runs; starts of the runs.

        A run has two spells at least. They stand by admission, then later discharge first (a
        missing date last), then by patient classification, then by number of the spell.
        """
        columns = self.columns
        which = np.arange(len(columns))
        if "patient_id" in key:  # most patients have one spell: leave them out first
            patient = columns.codes("patient_id")[0]
            count = np.bincount(patient[patient >= 0], minlength=1)
            which = np.flatnonzero(
                (patient >= 0) & (count[patient] > 1) & (count[patient] <= MOST_SPELLS)
            )
        cells = Program(columns, list(key)).cells(which)
        there = (cells != NULL64).all(axis=0)
        which, cells = which[there], cells[:, there]
        admitted = columns.number("admission_date")[which]
        discharged = columns.number("discharge_date")[which]
        order = np.lexsort(
            (
                which,
                self._ranks("patient_classification")[which],
                np.where(discharged == NULL64, HIGHEST, -discharged),
                np.where(admitted == NULL64, HIGHEST, admitted),
                *cells,
            )
        )
        which, cells = which[order], cells[:, order]
        differs = (np.diff(cells, axis=1) != 0).any(axis=0)
        sizes = np.diff(np.concatenate(([0], np.flatnonzero(differs) + 1, [len(which)])))
        alike = sizes > 1
        return (
            which[np.repeat(alike, sizes)],
            np.concatenate(([0], np.cumsum(sizes[alike]))).astype(np.int64),
        )

    def _ranks(self, name: str) -> NDArray[np.int64]:
        """Rank of a code of each spell among its values as text; a missing one is the lowest."""
        ids, values = self.columns.codes(name)
        places = {value: place for place, value in enumerate(sorted(values))}
        ranks = np.array([*(places[value] for value in values), -1], np.int64)
        return ranks[ids]

    def _run_parts(
        self, which: NDArray[np.int64], starts: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Cut the runs into pieces of whole patients."""
        runs = len(starts) - 1
        if runs == 0 or not len(which):
            return []
        pieces = max(self.threads, self.parts, -(-len(which) // CHUNK))
        cuts = np.unique(np.linspace(0, runs, min(pieces, runs) + 1).astype(np.int64))
        return [
            (which[starts[a] : starts[b]], starts[a : b + 1] - starts[a])
            for a, b in pairwise(cuts.tolist())
        ]

    def _pairs(
        self,
        rules: Sequence[tuple[Rule, Lists]],
        which: NDArray[np.int64],
        starts: NDArray[np.int64],
    ) -> dict[str, list[Hit]]:
        if not rules:
            return {}
        program = Program(self.columns)
        begins, relations = [], []
        for rule, lists in rules:
            assert rule.pairing is not None
            begins.append(program.add_rule(rule, lists))
            program.row("admission_date")
            p = rule.pairing
            bounds = (p.gap_min, p.gap_max, p.overlap_min)
            relations.append([NULL64 if b is None else b for b in bounds] + [int(p.contains)])
        rule_start = np.array(begins, np.int64)
        relation = np.array(relations, np.int64)
        admission, discharge = program.row("admission_date"), program.row("discharge_date")
        code, tables = program.arrays()
        pieces = self._run_parts(which, starts)
        found: list[NDArray[np.int64] | None] = [None] * len(pieces)

        def work(index: int) -> None:
            spells, runs = pieces[index]
            cells = program.cells(spells)
            room = max(1024, len(spells) // 4)
            while True:
                out = np.empty((room, 3), np.int64)
                count = kernel.pairs(
                    cells, code, tables, rule_start, relation, admission, discharge, runs, out
                )
                if count <= room:
                    break
                room = count
            out = out[:count]
            out[:, 1:] = spells[out[:, 1:]]
            found[index] = out

        program.cells(np.arange(0))
        run_parts(work, range(len(pieces)), self.threads)
        hits = np.concatenate([f for f in found if f is not None] or [np.empty((0, 3), np.int64)])
        place = np.zeros(len(self.columns), np.int64)
        place[which] = np.arange(len(which))
        return {
            rule.id: _chains(hits[hits[:, 0] == index][:, 1:], place)
            for index, (rule, _) in enumerate(rules)
        }

    def _set(self, rule: Rule, lists: Lists) -> list[Hit]:
        assert rule.set_key is not None
        which, starts = self._runs(rule.set_key.key)
        sizes = np.diff(starts)
        run = np.repeat(np.arange(len(sizes)), sizes)
        kept = starts[:-1]  # the one admitted first
        if rule.set_key.keep == "dearest":
            billed = self.columns.number("billed")[which]
            dearness = np.where(billed == NULL64, HIGHEST, -billed)
            kept = np.lexsort((which, dearness, run))[kept]
        others = np.flatnonzero(np.arange(len(which)) != kept[run])
        kept = kept[run[others]]
        holds = self._tested(rule, lists, which, kept, others)
        return [
            Hit((int(which[min(k, o)]), int(which[max(k, o)])), int(which[k]))
            for k, o in zip(kept[holds].tolist(), others[holds].tolist(), strict=True)
        ]

    def _copies(self, rule: Rule, lists: Lists) -> list[Hit]:
        """Spells of which a row is there more than once: one row of each is kept."""
        spells = np.array(sorted({s for s, _ in self.columns.spell_copies()}), np.int64)
        places = np.arange(len(spells))
        holds = self._tested(rule, lists, spells, places, places)
        return [Hit((spell,), spell) for spell in spells[holds].tolist()]

    def _tested(
        self,
        rule: Rule,
        lists: Lists,
        which: NDArray[np.int64],
        previous: NDArray[np.int64],
        current: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Say which pairs, given by their places in `which`, meet a rule."""
        program = Program(self.columns)
        begin = program.add_rule(rule, lists)
        code, tables = program.arrays()
        holds = np.zeros(len(previous), np.uint8)
        kernel.tested(program.cells(which), code, tables, begin, previous, current, holds)
        return holds.astype(bool)


def _shape(rule: Rule) -> str:
    if rule.set_key is not None:
        return "copies" if rule.set_key.of == "episodes" else "set"
    return "pair" if rule.pairing is not None else "record"


def _chains(pairs: NDArray[np.int64], place: NDArray[np.int64]) -> list[Hit]:
    """Join pairs that touch; members stand in order of admission."""
    parent: dict[int, int] = {}

    def find(x: int) -> int:
        while parent.setdefault(x, x) != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for a, b in pairs.tolist():
        parent[find(b)] = find(a)
    chains: dict[int, list[int]] = {}
    for member in parent:
        chains.setdefault(find(member), []).append(member)
    return [Hit(tuple(sorted(members, key=lambda m: int(place[m])))) for members in chains.values()]
