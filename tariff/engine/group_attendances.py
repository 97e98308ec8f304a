"""Group outpatient attendances, docs/grouping-other-care.md.

Rows are grouped together that share a grouper and a pack of default attendances. What drives is
looked up once a distinct code; the rest is arithmetic over columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.attendance_procedures import ProcedureHrgs
from tariff.engine.group_outcome import (
    FIELD,
    UNGROUPED,
    UZ05,
    UZ06,
    Outcome,
    joined_names,
    not_validated,
    out_of_bounds,
    pack_of,
)
from tariff.engine.records import Ids, Records, in_full_order
from tariff.engine.words import Words, per_value
from tariff.packs.compile import Rulebook
from tariff.packs.grouping import (
    CODE_VALID,
    FLAGS,
    MAY_DRIVE,
    NEVER_DOMINANT,
    RANK,
    VAGUE_DOMINANT,
    Grouper,
    weakest,
)
from tariff.packs.load import LoadedPack
from tariff.packs.model import AttendanceGroupsPack, Code
from tariff.schemas import ATTENDANCES

PROCEDURE, DEFAULT = "P", "O"
VALIDATED = ("age", "sex", "main_specialty", "treatment_function", "first_attendance")
COLUMNS = (
    "provider", "attendance_id", "attendance_date", "attended", "billed_hrg", *VALIDATED,
)  # fmt: skip
NOT_SEEN = ("2", "3", "4", "7")

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass
class _Result:
    """What was decided of some rows; ids of `Words`."""

    hrg: Rows
    flag: Rows
    dominant: Rows  # ids of the run's procedures, 0 for none
    category: Rows
    reason: Rows


class _Attendances:
    """The rows of one grouper and one pack of default attendances."""

    def __init__(
        self, records: Records, rows: Rows, grouper: Grouper, pack: LoadedPack, words: Words
    ) -> None:
        assert isinstance(pack.manifest, AttendanceGroupsPack)
        self.records, self.rows, self.words = records, rows, words
        self.grouper, self.manifest = grouper, pack.manifest
        ids, self.codes = records.codes("oper")
        self.block: Ids = ids[rows] if ids.ndim == 2 else ids[rows, None]
        tables = grouper.code_tables([""], self.codes)
        self.table = tables.procedures
        self.flags = self.table[:, FLAGS]
        self.valid = (self.flags & CODE_VALID) != 0
        self.driven = ProcedureHrgs(grouper, tables, words)
        self.age = records.numbers("age")[rows]
        self.errors = self._field_errors()

    def _field_errors(self) -> dict[str, Mask]:
        """Fields of the extract that are blank where they may not be, or not accepted."""
        rules, needed = self.grouper.field_values, self.manifest.mandatory
        accepted = {name: set(codes) for name, codes in rules.accepted.items()}
        accepted["first_attendance"] = {row.first_attendance for row in self.manifest.attendances}
        out = {}
        for name in VALIDATED:
            if name not in self.records.fields:
                continue
            if name == "age":
                out[name] = out_of_bounds(self.age, rules.numeric.get(name), name in needed)
                continue
            ids, values = self.records.codes(name)
            wrong = np.zeros(len(values), bool)
            if name in accepted:
                wrong = ~per_value(values, accepted[name].__contains__)
            wrong[0] = name in needed
            out[name] = wrong[ids[self.rows]]
        return out

    def group(self, kept: Mask | None = None) -> _Result:
        """Group the rows; with `kept`, with those procedures alone that it says of by id."""
        kept = np.ones(len(self.codes), bool) if kept is None else kept
        grouper, count = self.grouper, len(self.rows)
        block = np.where((kept & self.valid)[self.block], self.block, 0)
        rank = np.where(self.flags & MAY_DRIVE, self.table[:, RANK].astype(np.int64), -1)
        ranks = rank[block]
        place = ranks.argmax(axis=1)  # the first on a tie
        driven = ranks[np.arange(count), place] > 0
        dominant = np.where(driven, block[np.arange(count), place], 0).astype(np.int64)

        hrg, reason = self._default(block)
        which = np.flatnonzero(driven)
        hrg[which], reason[which] = self.driven.of(block[which], dominant[which], self.age[which])
        flag = np.where(driven, self.words.id_of(PROCEDURE), self.words.id_of(DEFAULT))
        flag = np.where((hrg < 0) & ~driven, -1, flag)

        category = np.full(count, -1, np.int64)
        vague = driven & ((self.flags[dominant] & VAGUE_DOMINANT) != 0)
        category[vague] = self.words.id_of(UZ06)
        if grouper.manifest.only_never_dominant == "error":
            never = (self.flags & NEVER_DOMINANT) != 0
            only = (block != 0).any(axis=1) & (never[block] | (block == 0)).all(axis=1)
            category[only] = self.words.id_of(UZ05)
        wrong = np.logical_or.reduce([*self.errors.values(), self.invalid(kept)])
        category[wrong] = self.words.id_of(FIELD)
        wrong = category >= 0
        hrg[wrong] = self.words.id_of(grouper.manifest.error_hrg)
        flag[wrong] = self.words.id_of(UNGROUPED)
        reason[wrong], dominant[wrong] = -1, 0
        return _Result(hrg, flag, dominant, category, reason)

    def invalid(self, kept: Mask) -> Mask:
        """Say which rows a procedure that is no code puts in error, where the grouper does so."""
        invalid = kept & ~self.valid
        invalid[0] = self.grouper.manifest.invalid_secondary != "error"
        wrong: Mask = invalid[self.block].any(axis=1) & ~invalid[0]
        return wrong

    def _default(self, block: Ids) -> tuple[Rows, Rows]:
        """The HRG of an attendance that no procedure drives."""
        rule = self.manifest.multiprofessional
        multi = per_value(
            self.codes, lambda code: code in rule.codes or code.startswith(tuple(rule.prefixes))
        )
        multi[0] = False
        ids, values = self.records.codes("first_attendance")
        single = {row.first_attendance: str(row.single) for row in self.manifest.attendances}
        several = {r.first_attendance: str(r.multiprofessional) for r in self.manifest.attendances}
        of_one, of_several = (
            self.words.ids_of([by_code.get(Code(value)) for value in values])[ids[self.rows]]
            for by_code in (single, several)
        )
        hrg = np.where(multi[block].any(axis=1), of_several, of_one)
        reason = np.where(hrg < 0, self.words.id_of("no_first_attendance"), -1)
        return hrg, reason

    def with_unknown_codes(self) -> int:
        """Count the rows with a procedure that is no code."""
        unknown = ~self.valid
        unknown[0] = False
        return int(unknown[self.block].any(axis=1).sum())

    def assessments(self) -> Mask:
        """Say which codes stay when the attendance HRG is worked out."""
        prefixes = tuple(self.manifest.assessments)
        return per_value(self.codes, lambda code: not code or code.startswith(prefixes))


def group_attendances(records: Records, rulebook: Rulebook, year: str | None) -> Outcome:
    """Group every attendance. `year` serves those without a date."""
    groupers = rulebook.groupers
    parts: dict[tuple[int, str], list[Rows]] = {}
    for day, rows in records.by_day("attendance_date", year):
        pack = pack_of(rulebook.packs, "attendance_groups", day)
        parts.setdefault((rulebook.grouper_of(day), pack.id), []).append(rows)

    words = Words()
    text = {
        name: np.full(records.rows, -1, np.int64)
        for name in (
            "hrg", "hrg_provenance", "grouper", "groups", "grouping_flag", "dominant_procedure",
            "attendance_hrg", "error_category", "group_reason",
        )
    }  # fmt: skip
    errors = {name: np.zeros(records.rows, bool) for name in (*VALIDATED, "procedures")}
    used: dict[str, LoadedPack] = {}
    unknown = 0
    for (index, pack_id), pieces in parts.items():
        rows = np.concatenate(pieces)
        grouper, pack = groupers[index], rulebook.packs.by_id(pack_id)
        part = _Attendances(records, rows, grouper, pack, words)
        found, alone = part.group(), part.group(part.assessments())
        dominant = words.ids_of([code or None for code in part.codes])[found.dominant]
        driven = found.flag == words.id_of(PROCEDURE)
        own = pack.manifest.provenance
        rests_on = weakest([own, grouper.provenance_of(ord(PROCEDURE))])
        provenance = np.where(driven, words.id_of(rests_on), words.id_of(own))
        for name, ids in (
            ("hrg", found.hrg),
            ("hrg_provenance", np.where(found.hrg < 0, -1, provenance)),
            ("grouper", np.full(len(rows), words.id_of(grouper.pack.id))),
            ("groups", np.full(len(rows), words.id_of(pack_id))),
            ("grouping_flag", found.flag),
            ("dominant_procedure", dominant),
            ("attendance_hrg", alone.hrg),
            ("error_category", found.category),
            ("group_reason", found.reason),
        ):
            text[name][rows] = ids
        for name, mask in part.errors.items():
            errors[name][rows] = mask
        errors["procedures"][rows] = part.invalid(np.ones(len(part.codes), bool))
        unknown += part.with_unknown_codes()
        used.update({p.id: p for p in (*grouper.used, pack)})
    order = records.order("attendance_id")
    columns = {name: words.array(ids[order]) for name, ids in text.items()}
    columns["errors"] = joined_names(errors, records.rows).take(pa.array(order))
    columns["attendance_date"] = records.whole("attendance_date", order, pa.date32())
    for field in ATTENDANCES:
        if field.name not in columns:
            columns[field.name] = records.texts(field.name, order)
    table = pa.table([columns[name] for name in ATTENDANCES.names], schema=ATTENDANCES)
    return Outcome(
        in_full_order(table, ("provider", "attendance_id")),
        list(used.values()),
        _notices(records, unknown, pack),
    )


def _notices(records: Records, unknown: int, pack: LoadedPack) -> list[str]:
    """What a reader should know."""
    assert isinstance(pack.manifest, AttendanceGroupsPack)
    notices = not_validated(records, pack.manifest.mandatory)
    if unknown:
        notices.append(
            f"Attendances with a procedure that is no valid code: {unknown:,}. It was left out of "
            "grouping, unless the grouper makes it an error."
        )
    ids, values = records.codes("attended")
    not_seen = int(per_value(values, NOT_SEEN.__contains__)[ids].sum())
    if not_seen:
        notices.append(
            f"Appointments that were cancelled or missed (attended 2, 3, 4 or 7): {not_seen:,}. "
            "They are grouped all the same; nothing is payable for them at these HRGs."
        )
    return notices
