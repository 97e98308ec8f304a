"""Group a frame: prepare the kernel's arrays, call it, and keep what it decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from tariff._core import group as kernel
from tariff.engine.frame import VALIDATED_CODES, VALIDATED_NUMBERS, Frame
from tariff.engine.parallel import run_parts, split_evenly
from tariff.engine.reasons import GROUP_REASONS
from tariff.engine.spells import Spells
from tariff.engine.unbundled import Unbundled, find_unbundled
from tariff.errors import UsageError
from tariff.packs.compile import Rulebook
from tariff.packs.grouping import (
    CODE_VALID,
    FLAGS,
    NULL32,
    OPEN_MAX,
    OPEN_MIN,
    CodeTables,
    Grouper,
)
from tariff.packs.model import FieldValuesPack

NOT_GROUPED = GROUP_REASONS.index("no_diagnoses")


@dataclass
class Groups:
    """What grouping decided. `hrg` is an index of `Rulebook.hrgs`, -1 for none."""

    rows: int
    spells: int
    row_hrg: NDArray[np.int32] = field(init=False)
    row_flag: NDArray[np.uint8] = field(init=False)
    row_code: NDArray[np.uint16] = field(init=False)
    row_cc: NDArray[np.int32] = field(init=False)
    row_category: NDArray[np.uint8] = field(init=False)
    row_errors: NDArray[np.uint32] = field(init=False)
    row_reason: NDArray[np.uint8] = field(init=False)
    hrg: NDArray[np.int32] = field(init=False)
    flag: NDArray[np.uint8] = field(init=False)
    code: NDArray[np.uint16] = field(init=False)
    cc: NDArray[np.int32] = field(init=False)
    category: NDArray[np.uint8] = field(init=False)
    reason: NDArray[np.uint8] = field(init=False)
    episode: NDArray[np.int32] = field(init=False)  # 1-based; 0 for none
    root: NDArray[np.int32] = field(init=False)  # index of the grouper's roots
    split: NDArray[np.int32] = field(init=False)  # row of the grouper's splits
    interventions: NDArray[np.int32] = field(init=False)
    stay: NDArray[np.int32] = field(init=False)
    grouper: NDArray[np.int16] = field(init=False)  # index of `Rulebook.groupers`
    find_unbundled: Callable[[], Unbundled | None] = lambda: None

    @cached_property
    def unbundled(self) -> Unbundled | None:
        """The unbundled HRGs of the rows, found when first asked for; None where none are held."""
        return self.find_unbundled()

    def __post_init__(self) -> None:
        by_row: dict[str, type] = {
            "row_hrg": np.int32,
            "row_flag": np.uint8,
            "row_code": np.uint16,
            "row_cc": np.int32,
            "row_category": np.uint8,
            "row_errors": np.uint32,
            "row_reason": np.uint8,
        }
        by_spell: dict[str, type] = {
            "hrg": np.int32,
            "flag": np.uint8,
            "code": np.uint16,
            "cc": np.int32,
            "category": np.uint8,
            "reason": np.uint8,
            "episode": np.int32,
            "root": np.int32,
            "split": np.int32,
            "interventions": np.int32,
            "stay": np.int32,
            "grouper": np.int16,
        }
        for names, count in ((by_row, self.rows), (by_spell, self.spells)):
            for name, dtype in names.items():
                setattr(self, name, np.zeros(count, dtype))
        for nothing in (self.row_hrg, self.hrg, self.root, self.split):
            nothing[:] = -1
        self.row_reason[:] = NOT_GROUPED
        self.reason[:] = NOT_GROUPED


def _refuse_what_is_not_validated(rules: FieldValuesPack) -> None:
    """Refuse a pack that asks for a test the kernel does not make."""
    codes, numbers = {*VALIDATED_CODES}, {*VALIDATED_NUMBERS}
    wrong = {
        *set(rules.same_in_spell) - codes,
        *set(rules.accepted) - codes,
        *set(rules.numeric) - numbers,
        *set(rules.mandatory) - codes - numbers - {"provider", "spell_id", "diag_01"},
    }
    if wrong:
        raise UsageError(
            f"pack '{rules.id}' asks for tests that the engine does not make of: "
            f"{', '.join(sorted(wrong))}",
            hint="codes may be accepted and the same in a spell, numbers have bounds",
        )


class Validation:
    """The field values a grouper accepts, over the values a frame holds."""

    def __init__(self, frame: Frame, grouper: Grouper) -> None:
        rules = grouper.field_values
        _refuse_what_is_not_validated(rules)
        tables, starts = [], []
        offset = 0
        for name in VALIDATED_CODES:
            values = frame.vocabularies[name].values
            accepted = {str(value) for value in rules.accepted.get(name, values) if value}
            if name not in rules.mandatory:
                accepted.add("")
            table = np.array(
                [name not in frame.fields or value in accepted for value in values], np.uint8
            )
            tables.append(table)
            starts.append(offset)
            offset += len(table)
        self.accepted = np.concatenate(tables)
        self.accepted_start = np.array(starts, np.int64)
        also = max((len(bounds.also) for bounds in rules.numeric.values()), default=0)
        self.numbers = np.full((len(VALIDATED_NUMBERS), 3 + also), NULL32, np.int32)
        for index, name in enumerate(VALIDATED_NUMBERS):
            bounds = rules.numeric.get(name)
            absent = name not in frame.fields
            optional = absent or name not in rules.mandatory
            if bounds is None or absent:
                self.numbers[index, :3] = (OPEN_MIN, OPEN_MAX, optional)
            else:
                self.numbers[index, :3] = (bounds.min, bounds.max, optional)
                self.numbers[index, 3 : 3 + len(bounds.also)] = bounds.also
        self.same = np.array(
            [
                VALIDATED_CODES.index(name)
                for name in rules.same_in_spell
                if name in VALIDATED_CODES and name in frame.fields
            ],
            np.int32,
        )
        self.not_validated = sorted(
            name
            for name in (*VALIDATED_CODES, *VALIDATED_NUMBERS)
            if name in rules.mandatory and name not in frame.fields
        )


class GroupRun:
    """Groups spells of one frame; keeps the tables of its codes for merged spells and traces."""

    def __init__(self, rulebook: Rulebook, frame: Frame, stays: NDArray[np.int32]) -> None:
        self.rulebook = rulebook
        self.frame = frame
        self.stays = np.ascontiguousarray(stays, np.int32)
        self._code_tables: dict[int, CodeTables] = {}
        self._validation: dict[int, Validation] = {}

    def code_tables(self, grouper: int) -> CodeTables:
        """Give the tables of the frame's codes under a grouper."""
        if grouper not in self._code_tables:
            self._code_tables[grouper] = self.rulebook.groupers[grouper].code_tables(
                self.frame.diagnoses.values, self.frame.procedures.values
            )
        return self._code_tables[grouper]

    def validation(self, grouper: int) -> Validation:
        """Give the accepted values of the frame's fields under a grouper."""
        if grouper not in self._validation:
            self._validation[grouper] = Validation(self.frame, self.rulebook.groupers[grouper])
        return self._validation[grouper]

    def run(
        self,
        perm: NDArray[np.int64],
        start: NDArray[np.int64],
        grouper_of: NDArray[np.int16],
        *,
        spell_checks: bool = True,
        threads: int = 1,
        parts: int = 1,
    ) -> Groups:
        """Group spells given by their rows; `grouper_of` names the grouper of each."""
        out = Groups(self.frame.rows, len(start) - 1)
        out.grouper[:] = grouper_of
        if "diag_01" not in self.frame.fields:
            return out
        pieces: list[tuple[int, NDArray[np.int64]]] = [
            (int(index), piece)
            for index in np.unique(grouper_of)
            for piece in split_evenly(np.flatnonzero(grouper_of == index), max(threads, parts))
        ]

        def work(piece: tuple[int, NDArray[np.int64]]) -> None:
            self._call(piece[0], piece[1], perm, start, spell_checks, out)

        for index, _ in pieces:
            self.code_tables(index)
            self.validation(index)
        run_parts(work, pieces, threads)
        return out

    def unbundled(self, spells: Spells, grouper_of: NDArray[np.int16]) -> Unbundled | None:
        """Find the unbundled HRGs of every row of the frame."""
        used = [int(index) for index in np.unique(grouper_of)]
        valid = {i: (self.code_tables(i).procedures[:, FLAGS] & CODE_VALID) != 0 for i in used}
        of_row = np.full(self.frame.rows, -1, np.int16)
        of_row[spells.perm] = np.repeat(grouper_of, spells.episodes)
        return find_unbundled(self.frame, self.rulebook.groupers, of_row, valid)

    def _call(
        self,
        index: int,
        which: NDArray[np.int64],
        perm: NDArray[np.int64],
        start: NDArray[np.int64],
        spell_checks: bool,
        out: Groups,
    ) -> None:
        frame, grouper = self.frame, self.rulebook.groupers[index]
        codes, checks = self.code_tables(index), self.validation(index)
        source = VALIDATED_CODES.index("admission_source")
        destination = VALIDATED_CODES.index("discharge_destination")
        classification = VALIDATED_CODES.index("patient_classification")
        classes = frame.vocabularies["patient_classification"].values
        sources = frame.vocabularies["admission_source"].values
        perinatal = grouper.icd10.manifest.child_primary.max_age
        kernel.group(
            which,
            start,
            perm,
            spell_checks,
            frame.diag,
            frame.oper,
            frame.code_fields,
            frame.numbers,
            self.stays,
            checks.accepted,
            checks.accepted_start,
            checks.numbers,
            checks.same,
            source,
            destination,
            classification,
            VALIDATED_NUMBERS.index("age"),
            VALIDATED_NUMBERS.index("episode_order"),
            "episode_order" in frame.fields,
            codes.diagnoses,
            codes.procedures,
            codes.diagnosis_sets,
            codes.procedure_sets,
            grouper.source_members(sources),
            codes.pairs,
            codes.cc,
            grouper.none_mask,
            grouper.root_table,
            grouper.splits,
            grouper.redirect_rows,
            grouper.redirect_tests,
            grouper.trauma_roots,
            grouper.burn_roots,
            grouper.same_day_roots,
            np.array([value in grouper.same_day_classifications for value in classes], np.uint8),
            grouper.roots_manifest.child_max_age,
            grouper.roots_manifest.short_stay_max,
            OPEN_MAX if perinatal is None else perinatal,
            grouper.error_hrg,
            grouper.manifest.invalid_secondary == "error",
            grouper.manifest.only_never_dominant == "error",
            grouper.condition_masks("admission_source", sources),
            grouper.condition_masks(
                "discharge_destination", frame.vocabularies["discharge_destination"].values
            ),
            np.zeros(len(frame.diagnoses.values), np.int64),
            np.zeros(len(frame.procedures.values), np.int64),
            out.row_hrg,
            out.row_flag,
            out.row_code,
            out.row_cc,
            out.row_category,
            out.row_errors,
            out.row_reason,
            out.hrg,
            out.flag,
            out.code,
            out.cc,
            out.category,
            out.reason,
            out.episode,
            out.root,
            out.split,
            out.interventions,
            out.stay,
        )


def group_spells(
    rulebook: Rulebook,
    spells: Spells,
    grouper_of: NDArray[np.int16],
    *,
    threads: int = 1,
    parts: int = 1,
) -> tuple[GroupRun, Groups]:
    """Group every spell of a frame."""
    run = GroupRun(rulebook, spells.frame, spells.stays())
    groups = run.run(spells.perm, spells.start, grouper_of, threads=threads, parts=parts)
    if "diag_01" in spells.frame.fields:  # else nothing is grouped, what is unbundled neither
        groups.find_unbundled = partial(run.unbundled, spells, grouper_of)
    return run, groups
