"""Match rules against the records of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tariff._core import match as kernel
from tariff.engine.cells import Reader
from tariff.engine.parallel import run_parts, split_evenly
from tariff.engine.program import ACCEPT, REJECT, Lists, Program, alike
from tariff.engine.record_index import MOST_SPELLS as MOST_SPELLS
from tariff.engine.record_index import Indexes
from tariff.engine.record_set import Ids, RecordSet
from tariff.engine.sequences import find_sequences
from tariff.engine.sets import find_copies, find_sets
from tariff.engine.walks import Entry, Walks
from tariff.packs.model import Rule

CHUNK = 1 << 16  # records at a time
MOST_CELLS = 1 << 22  # cells at a time


@dataclass(frozen=True)
class Hit:
    """One match: records in their order; of a set, the one that is kept."""

    records: tuple[int, ...]
    kept: int | None = None
    partner: int = -1


@dataclass(frozen=True)
class Singles:
    """Matches of a rule of one record at a time, in order, and the partner of each (-1: none)."""

    records: Ids
    partners: Ids


@dataclass
class Hits:
    """Matches of the rules that ran, by their keys."""

    single: dict[str, Singles] = field(default_factory=dict)
    groups: dict[str, list[Hit]] = field(default_factory=dict)


Given = tuple[Rule, Lists] | tuple[Rule, Lists, Sequence[str]]


class Matcher:
    """Matches rules over the records of a run."""

    def __init__(self, records: RecordSet, *, threads: int = 1, parts: int = 1) -> None:
        self.records = records
        self.threads = threads
        self.parts = parts

    def run(self, rules: Sequence[Given]) -> Hits:
        """Match rules, each with the lists of its pack and, where not all of them, its kinds."""
        entries = [
            Entry(given[0], given[1], tuple(given[2]) if len(given) > 2 else given[0].of)
            for given in rules
        ]
        pairs = {pair for e in entries for pair in _alike(e.rule)}
        reader = Reader(self.records, sorted(pairs))
        indexes = Indexes(reader)
        hits = Hits(self._singles(_shaped(entries, "single"), reader, indexes))
        found = find_sequences(_shaped(entries, "sequence"), reader, indexes, self.threads)
        for key, chains in found.items():
            hits.groups[key] = [Hit(chain) for chain in chains]
        for entry in _shaped(entries, "set"):
            sets = find_sets(entry, reader, indexes)
            hits.groups[entry.rule.key] = [Hit(records, kept) for records, kept in sets]
        for entry in _shaped(entries, "copies"):
            copies = find_copies(entry, reader, indexes).tolist()
            hits.groups[entry.rule.key] = [Hit((record,), record) for record in copies]
        return hits

    # -- one record at a time

    def _singles(
        self, entries: list[Entry], reader: Reader, indexes: Indexes
    ) -> dict[str, Singles]:
        found: dict[str, list[tuple[Ids, Ids]]] = {entry.rule.key: [] for entry in entries}
        for index, block in enumerate(self.records.blocks):
            here = [e for e in entries if block.kind in e.kinds and block.source == e.rule.source]
            if here and len(block):
                of_block = self._of_block(index, here, reader, indexes)
                for entry, part in zip(here, of_block, strict=True):
                    found[entry.rule.key].append(part)
                self.records.release(index)
        none = np.empty(0, np.int64)
        return {
            key: Singles(
                np.concatenate([none, *(records for records, _ in parts)]),
                np.concatenate([none, *(partners for _, partners in parts)]),
            )
            for key, parts in found.items()
        }

    def _of_block(
        self, index: int, entries: list[Entry], reader: Reader, indexes: Indexes
    ) -> list[tuple[Ids, Ids]]:
        program = Program(reader)
        starts = np.array([program.add_rule(e.rule, e.lists) for e in entries], np.int64)
        walks = Walks(program, indexes)
        partners = walks.partner_lookups([entry.rule for entry in entries])
        code, tables = program.arrays()
        block = np.arange(self.records.starts[index], self.records.starts[index + 1])
        room = max(1, min(CHUNK, MOST_CELLS // max(program.width, 1)))
        pieces = [
            piece
            for part in split_evenly(block, max(self.parts, 1))
            for piece in split_evenly(part, -(-len(part) // room))
        ]
        found: list[list[tuple[Ids, Ids]]] = [[] for _ in pieces]

        def work(place: int) -> None:
            which = pieces[place]
            cells = program.cells(which)
            at = np.empty((len(entries), len(which)), np.int32)
            kernel.records(cells.matrix, cells.pool, code, tables, starts, at)
            for rule, partner in enumerate(partners):
                left = np.flatnonzero(at[rule] != REJECT)
                ends = at[rule][left].astype(np.int64)
                if (ends >= 0).any():
                    ends = walks.finished((cells, cells), (left, left), which[left], ends)
                hits = which[left[ends == ACCEPT]]
                none = np.full(len(hits), -1, np.int64)
                found[place].append((hits, partner.partners(hits) if partner else none))

        program.cells(block[:0])  # make the columns before the threads start
        run_parts(work, range(len(pieces)), self.threads)
        walks.release()
        return [
            (
                np.concatenate([parts[rule][0] for parts in found]),
                np.concatenate([parts[rule][1] for parts in found]),
            )
            for rule in range(len(entries))
        ]


def _shaped(entries: list[Entry], shape: str) -> list[Entry]:
    return [entry for entry in entries if _shape(entry.rule) == shape]


def _shape(rule: Rule) -> str:
    if rule.set_key is not None:
        return "copies" if rule.set_key.copies else "set"
    return "sequence" if rule.pairing is not None else "single"


def _alike(rule: Rule) -> list[tuple[str, str]]:
    predicates = (rule.match, *(exception.when for exception in rule.exceptions))
    return [pair for predicate in predicates for pair in alike(predicate)]
