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
from tariff.engine.program import Program
from tariff.packs.compile import NULL64
from tariff.packs.model import Rule

CHUNK = 1 << 16


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
        runs = self._runs() if of["pair"] or of["set"] else None
        if runs is not None:
            hits.groups.update(self._pairs(of["pair"], *runs))
            for rule, lists in of["set"]:
                hits.groups[rule.id] = self._set(rule, lists, *runs)
        for rule, _ in of["copies"]:
            spells = sorted({spell for spell, _ in self.columns.spell_copies()})
            hits.groups[rule.id] = [Hit((spell,), spell) for spell in spells]
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

    # -- records of one patient

    def _runs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Spells of patients with more than one, patient by patient; starts of the runs.

        Inside a run: by admission, then later discharge first, then by number of the spell.
        """
        columns = self.columns
        patient = columns.codes("patient_id")[0]
        count = np.bincount(patient[patient >= 0], minlength=1)
        which = np.flatnonzero((patient >= 0) & (count[patient] > 1))
        admitted = columns.number("admission_date")[which]
        discharged = columns.number("discharge_date")[which]
        # a missing discharge stands last
        latest = np.where(discharged == NULL64, -(1 << 40), discharged)
        order = np.lexsort((which, -latest, admitted, patient[which]))
        which = which[order]
        ids = patient[which]
        starts = np.flatnonzero(np.diff(ids)) + 1
        return which, np.concatenate(([0], starts, [len(which)])).astype(np.int64)

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

    def _set(
        self,
        rule: Rule,
        lists: Lists,
        which: NDArray[np.int64],
        starts: NDArray[np.int64],
    ) -> list[Hit]:
        assert rule.set_key is not None
        program = Program(self.columns)
        begin = program.add_rule(rule, lists)
        key = np.array([program.row(name) for name in rule.set_key.key], np.int64)
        admission = (
            program.fields.index("admission_date") if "admission_date" in rule.set_key.key else -1
        )
        code, tables = program.arrays()
        billed = self.columns.number("billed")
        out: list[Hit] = []
        for spells, runs in self._run_parts(which, starts):
            cells = program.cells(spells)
            equal = np.empty((len(spells), 2), np.int64)
            count = kernel.equals(
                cells, key, admission, runs, np.zeros(len(spells), np.uint8), equal
            )
            groups: dict[int, list[int]] = {}
            for first, other in equal[:count].tolist():
                groups.setdefault(first, [first]).append(other)
            kept_of, others = [], []
            for members in groups.values():
                members.sort(key=lambda m: int(spells[m]))
                kept = members[0]
                if rule.set_key.keep == "dearest":
                    kept = max(members, key=lambda m: (int(billed[spells[m]]), -int(spells[m])))
                for member in members:
                    if member != kept:
                        kept_of.append(kept)
                        others.append(member)
            kept_array, other_array = np.array(kept_of, np.int64), np.array(others, np.int64)
            holds = np.zeros(len(kept_array), np.uint8)
            kernel.tested(cells, code, tables, begin, kept_array, other_array, holds)
            for kept, other in zip(
                spells[kept_array[holds == 1]].tolist(),
                spells[other_array[holds == 1]].tolist(),
                strict=True,
            ):
                out.append(Hit((kept, other), kept))
        return out


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
