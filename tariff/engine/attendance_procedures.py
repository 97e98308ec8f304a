"""The HRGs of outpatient attendances that a procedure drives: root, redirects, split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariff.engine.records import Ids
from tariff.engine.words import Words
from tariff.packs.grouping import (
    ANY,
    FLAGS,
    INTERVENTION,
    NONE,
    NULL32,
    OPEN_MAX,
    OPEN_MIN,
    ROOT,
    ROOT_CHILD,
    SPLIT_BOUNDS,
    SPLIT_CONDITIONS,
    CodeTables,
    Grouper,
    sets_of,
)

NIGHTS = 0  # of an attendance: bounds on the stay are those of a patient who stays no night
COMPLICATIONS = 0  # diagnoses are ignored

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


class ProcedureHrgs:
    """What the procedures of a run lead to under one grouper."""

    def __init__(self, grouper: Grouper, tables: CodeTables, words: Words) -> None:
        self.grouper, self.table, self.words = grouper, tables.procedures, words
        sets = zip(grouper.procedure_sets, tables.procedure_sets, strict=False)
        self.members = {prefixes: members.astype(bool) for prefixes, members in sets}

    def of(self, block: Ids, dominant: Rows, age: NDArray[np.int32]) -> tuple[Rows, Rows]:
        """Give the HRGs of rows whose dominant procedure is given, and why one has none."""
        grouper, table = self.grouper, self.table
        roots_of = table[dominant, ROOT]
        child = table[dominant, ROOT_CHILD]
        young = (age != NULL32) & (age <= grouper.roots_manifest.child_max_age) & (child >= 0)
        by_root = _by_value(np.where(young, child, roots_of))
        self._redirect(by_root, block, dominant, age)

        counts = (table[:, FLAGS] & INTERVENTION) != 0
        counted = np.where(counts, np.arange(len(counts)), 0)[block]
        counted = np.sort(np.where(counted == dominant[:, None], 0, counted), axis=1)
        interventions = (counted[:, :1] != 0).sum(axis=1)
        interventions += ((counted[:, 1:] != counted[:, :-1]) & (counted[:, 1:] != 0)).sum(axis=1)
        held = np.bitwise_or.reduce(table[:, ANY][block], axis=1)
        held |= grouper.none_mask & ~np.bitwise_or.reduce(table[:, NONE][block], axis=1)
        facts = {
            "cc": np.full(len(age), COMPLICATIONS, np.int32),
            "age": age,
            "interventions": interventions,
            "stay": np.full(len(age), NIGHTS, np.int32),
            "diagnosis_score": np.full(len(age), NULL32, np.int32),
        }
        hrg = np.full(len(age), -1, np.int64)
        reason = np.full(len(age), self.words.id_of("no_split"), np.int64)
        for root, rows in by_root.items():
            name = grouper.roots[root]
            if name not in grouper.root_bounds:
                reason[rows] = self.words.id_of("root_not_in_design")
                continue
            for place in range(*grouper.root_bounds[name]):
                row = grouper.splits[place]
                needed = row[SPLIT_CONDITIONS]
                fits = (held[rows] & needed) == needed
                for index, bound in enumerate(SPLIT_BOUNDS):
                    low, high = int(row[1 + 2 * index]), int(row[2 + 2 * index])
                    fits &= _within(facts[bound][rows], low, high)
                hrg[rows[fits]] = self.words.id_of(grouper.split_hrgs[place])
                reason[rows[fits]] = -1
                rows = rows[~fits]
                if not len(rows):
                    break
        return hrg, reason

    def _redirect(
        self, by_root: dict[int, Rows], block: Ids, dominant: Rows, age: NDArray[np.int32]
    ) -> None:
        """Move rows from root to root; a redirect that asks for diagnoses moves none."""
        grouper = self.grouper
        for rule in grouper.redirects:
            if rule["primary"] or rule["diagnoses"] or rule["admission_source"]:
                continue
            start = grouper.root_ids[rule["root"]]
            rows = by_root.get(start)
            if rows is None or not len(rows):
                continue
            fits = _within(age[rows], *_bounds(rule, "age"))
            fits &= _within(np.full(len(rows), NIGHTS), *_bounds(rule, "stay"))
            for wanted in sets_of(rule["driver"], grouper.lists):
                fits &= self.members[wanted][dominant[rows]]
            for wanted in sets_of(rule["procedures"], grouper.lists):
                fits &= self.members[wanted][block[rows]].any(axis=1)
            for unwanted in sets_of(rule["no_procedures"], grouper.lists):
                fits &= ~self.members[unwanted][block[rows]].any(axis=1)
            if fits.any():
                end = grouper.root_ids[rule["to"]]
                by_root[start] = rows[~fits]
                by_root[end] = np.concatenate((by_root.get(end, rows[:0]), rows[fits]))


def _by_value(values: NDArray[np.int32]) -> dict[int, Rows]:
    if not len(values):
        return {}
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    return dict(zip(map(int, distinct), np.split(order, starts[1:]), strict=True))


def _bounds(rule: dict[str, str], name: str) -> tuple[int, int]:
    return int(rule[f"{name}_min"] or OPEN_MIN), int(rule[f"{name}_max"] or OPEN_MAX)


def _within(values: NDArray[Any], low: int, high: int) -> Mask:
    """Say whether bounds hold; a bound on an unknown value does not."""
    if (low, high) == (OPEN_MIN, OPEN_MAX):
        return np.ones(len(values), bool)
    held: Mask = (values != NULL32) & (values >= low) & (values <= high)
    return held
