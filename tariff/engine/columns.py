"""Every field of a spell that a rule, a report or a reader may ask for, by name.

Codes are ids with the list of their values; numbers are int64 with NULL64 where missing. Columns
are made when they are first asked for.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine import billed_facts, spell_code_tests, spell_facts
from tariff.engine.deductions import Deductions
from tariff.engine.field_table import (
    CODED,
    CODED_MANY,
    CODED_NUMBERS,
    COMMON_CODES,
    COMMON_NUMBERS,
    Codes,
    FieldTable,
    MakeCodes,
    MakeMany,
    MakeNumbers,
    Many,
    minus_blank,
    moments,
    wide,
    written,
)
from tariff.engine.group import Groups
from tariff.engine.marks import Marks
from tariff.engine.members import Members
from tariff.engine.price import PriceInput, Pricer, Prices
from tariff.engine.reasons import CATEGORIES, INCOMPLETE, PRE_MFF_INCOMPLETE, PRICE_REASONS
from tariff.engine.spells import Spells
from tariff.extract.fields import in_order
from tariff.packs.best_practice import REDUCED, Printed
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.model import Provenance

_MFF_OTHER = 1 << PRICE_REASONS.index("mff_of_other_year") | 1 << PRICE_REASONS.index(
    "mff_of_successor"
)
_FROM_LAST = ("discharge_time", "discharge_method", "discharge_destination")
_FROM_BILLED = ("activity_month", "statement")  # and what begins with billed_
_KEY = ("provider", "spell_id")


class SpellColumns(FieldTable):
    """The spells of a run, by field. `hrgs` holds the HRGs of the packs, then others billed."""

    def __init__(
        self,
        rulebook: Rulebook,
        spells: Spells,
        groups: Groups,
        price_input: PriceInput,
        prices: Prices,
        hrgs: list[str],
        billed_hrg: NDArray[np.int32],
        priced_hrg: NDArray[np.int32],
        official: NDArray[np.bool_],
        deductions: Deductions,
        pricer: Pricer | None = None,
        source: str = "extract",
    ) -> None:
        super().__init__("spells", source, "episodes")
        self.rulebook = rulebook
        self.spells = spells
        self.frame = spells.frame
        self.groups = groups
        self.price_input = price_input
        self.prices = prices
        self.hrgs = hrgs
        self.billed_hrg = billed_hrg
        self.priced_hrg = priced_hrg  # of `hrgs`, where `price_input` has -2 for an unknown one
        self.official = official  # spells whose group is the national grouper's own
        self.deductions = deductions
        self.pricer = pricer or Pricer(rulebook)  # that made the prices
        self.billed_row = spells.billed_rows()

    def __len__(self) -> int:
        return len(self.spells)

    def provenance(self, record: int) -> Provenance:
        """Say what the group of a spell rests on."""
        if self.official[record]:
            return "official"
        grouper = self.rulebook.groupers[int(self.groups.grouper[record])]
        return grouper.provenance_of(int(self.groups.flag[record]))

    @property
    def marks(self) -> Marks:
        """What the spells were marked with."""
        assert self.price_input.marks is not None
        return self.price_input.marks

    def printed(self) -> tuple[NDArray[np.int64], list[Printed]]:
        """Give the best practice price of each spell, as an index (-1 none), and the prices."""
        cells = self.prices.paid.astype(np.int64)
        where = np.flatnonzero(cells >= 0)
        out = np.full(len(self), -1, np.int64)
        kinds, inverse = np.unique(
            self.marks.area_row[where] * np.int64(REDUCED) + cells[where], return_inverse=True
        )
        out[where] = inverse
        rows = self.marks.rows
        found = [rows[kind // REDUCED].printed[kind % REDUCED] for kind in kinds.tolist()]
        return out, [price for price in found if price is not None]

    def release(self) -> None:
        """Keep every field: findings look at spells again, and some fields take long to make."""

    # -- columns

    def _rows_of(self, name: str) -> NDArray[np.int64]:
        """Give the row of each spell that a column is read from."""
        if name in _FROM_LAST:
            return self.spells.last
        if name in _FROM_BILLED or name.startswith("billed_"):
            return self.billed_row
        return self.spells.first

    def texts(self, name: str, which: NDArray[np.int64] | None = None) -> pa.Array:
        """Give a code field as text, null where missing; of some spells where asked."""
        if name == "record_id":
            name = "spell_id"
        if name in self.frame.texts:
            rows = self.spells.first
            return self.frame.texts[name].take(rows if which is None else rows[which])
        return super().texts(name, which)

    def _own_codes(self, name: str) -> Codes | None:
        if name in self.frame.texts:
            texts = self.frame.texts[name]
            return texts.ids[self.spells.first], texts.values.to_pylist()
        if self.type_of(name) == "clinical":
            diagnosis = name.startswith("diag")
            names = self.frame.diag_columns if diagnosis else self.frame.oper_columns
            if name not in names:  # the extract may leave positions out
                return None
            position = names.index(name)
            return spell_facts.primary(self.spells, diagnosis=diagnosis, position=position)
        column = self.frame.column(name)
        if column is None:
            return None
        return minus_blank(column[self._rows_of(name)]), self.frame.vocabularies[name].values

    def _own_number(self, name: str) -> NDArray[np.int64] | None:
        column = self.frame.column(name)
        return None if column is None else wide(column[self._rows_of(name)])

    # -- prices

    def _priced(self, name: str, unless: int) -> NDArray[np.int64]:
        values: NDArray[Any] = getattr(self.prices, name)
        return np.where(self.prices.reasons & unless, NULL64, wide(values))

    def mff_of_other_year(self, spells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say for which spells the factor is the nearest year's or a successor's."""
        prices = self.prices
        other: NDArray[np.bool_] = prices.mff_other_year[spells] != 0
        return other | prices.mff_successor[spells]

    # -- copies

    def _duplicates(self) -> NDArray[np.int64]:
        out = np.zeros(len(self), np.int64)
        for copy, _ in self.spell_copies():
            out[copy] += 1
        return out

    def spell_copies(self) -> list[tuple[int, int]]:
        """(spell, row kept) of every exact copy of a row that was set aside."""
        if not self.spells.copies:
            return []
        spell_of: NDArray[np.int64] = np.zeros(self.frame.rows, np.int64)
        spell_of[self.spells.perm] = self.spells.spell_of_rows()
        return [(int(spell_of[kept]), kept) for _, kept in self.spells.copies]

    @property
    def copies_billed(self) -> NDArray[np.int64]:
        """Pence billed again by exact copies of the row that carries the money of a spell."""
        total, out = self.number("billed"), np.zeros(len(self), np.int64)
        for spell, row in self.spell_copies():
            if row == self.billed_row[spell] and total[spell] != NULL64:
                out[spell] += total[spell]
        return out

    # -- as they came in

    def record_keys(self, which: NDArray[np.int64]) -> list[str]:
        """Give `spell:PROVIDER:NUMBER` of some spells."""
        provider, number = (self.texts(name, which).to_pylist() for name in _KEY)
        return [f"spell:{one}:{other}" for one, other in zip(provider, number, strict=True)]

    def rows(self, which: NDArray[np.int64]) -> list[dict[str, str]]:
        """Give the episodes of some spells, spell by spell, as an extract writes them."""
        return self._written(Members.of(self.spells).take(np.asarray(which, np.int64)).perm)

    def first_rows(self, which: NDArray[np.int64]) -> list[dict[str, str]]:
        """Give the first episode of each of some spells, as an extract writes it."""
        members = Members.of(self.spells).take(np.asarray(which, np.int64))
        return self._written(members.perm[members.start[:-1]])

    def _written(self, at: NDArray[np.int64]) -> list[dict[str, str]]:
        """Give some rows of the extract as it writes them."""
        frame = self.frame
        columns: dict[str, list[str]] = {}
        for name in in_order(frame.fields):
            type_ = self.type_of(name)
            assert type_ is not None
            if name in frame.texts:
                columns[name] = [text or "" for text in frame.texts[name].take(at).to_pylist()]
            elif type_ == "clinical":
                names, block, words = (
                    (frame.diag_columns, frame.diag, frame.diagnoses)
                    if name.startswith("diag")
                    else (frame.oper_columns, frame.oper, frame.procedures)
                )
                columns[name] = [words.values[code] for code in block[at, names.index(name)]]
            else:
                column = frame.column(name)
                assert column is not None
                if name in frame.vocabularies:
                    columns[name] = [frame.vocabularies[name].values[code] for code in column[at]]
                else:
                    columns[name] = written(wide(column[at]), type_)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    # -- how fields are made

    makes_codes: ClassVar[MakeCodes] = {
        **COMMON_CODES,
        **CODED,
        "record_id": lambda c: c.codes("spell_id"),
        "primary_diagnosis": lambda c: spell_facts.primary(c.spells, diagnosis=True),
        "primary_procedure": lambda c: spell_facts.primary(
            c.spells, diagnosis=False, position=None
        ),
        "hrg": lambda c: (c.groups.hrg.astype(np.int64), c.hrgs),
        "billed_hrg": lambda c: (c.billed_hrg.astype(np.int64), c.hrgs),
        "priced_hrg": lambda c: (c.priced_hrg.astype(np.int64), c.hrgs),
        "point_of_delivery": lambda c: (
            c.prices.group.astype(np.int64),
            c.rulebook.points_of_delivery.codes,
        ),
        "error_category": lambda c: (minus_blank(c.groups.category), list(CATEGORIES)),
        "tariff_year": lambda c: (c.price_input.year.astype(np.int64), c.price_input.years),
        "invalid_code": lambda c: spell_code_tests.invalid_code(
            c.spells, c.rulebook, c.number("discharge_date")
        ),
        "conflicting_code": lambda c: spell_code_tests.conflicting_code(
            c.spells, c.rulebook, c.groups.grouper
        ),
        "billed_price_year": billed_facts.price_year,
    }
    makes_numbers: ClassVar[MakeNumbers] = {
        **COMMON_NUMBERS,
        **CODED_NUMBERS,
        "admission_date": lambda c: wide(c.spells.date("admission_date")),
        "discharge_date": lambda c: wide(c.spells.date("discharge_date", from_end=True)),
        "start_date": lambda c: c.number("admission_date"),
        "end_date": lambda c: c.number("discharge_date"),
        "start_at": lambda c: moments(c.number("admission_date"), c.number("admission_time")),
        "end_at": lambda c: moments(c.number("discharge_date"), c.number("discharge_time")),
        "critical_care_days": lambda c: c.deductions.by_kind[0],
        "rehabilitation_days": lambda c: c.deductions.by_kind[1],
        "palliative_care_days": lambda c: c.deductions.by_kind[2],
        "deducted_days": lambda c: wide(c.price_input.deducted_days),
        "delayed_days": lambda c: wide(c.marks.delayed),
        "exclusion": lambda c: wide(c.marks.exclusion),
        "spell_days": lambda c: wide(c.price_input.spell_days),
        "adjusted_days": lambda c: wide(c.prices.adjusted),
        "excess_days": lambda c: wide(c.prices.excess),
        "excess_days_other_trim": billed_facts.excess_days_other_trim,
        "trim_days": lambda c: wide(c.prices.trim),
        "base": lambda c: wide(c.prices.base),
        "list_price": lambda c: wide(c.prices.listed),
        "short_stay": lambda c: wide(c.prices.short_stay),
        "long_stay": lambda c: wide(c.prices.long_stay),
        "top_up": lambda c: wide(c.prices.top_up),
        "best_practice": lambda c: wide(c.prices.best_practice),
        "pre_mff": lambda c: c._priced("pre_mff", PRE_MFF_INCOMPLETE),
        "total": lambda c: c._priced("total", INCOMPLETE | _MFF_OTHER),
        "short_stay_eligible": lambda c: np.where(
            c.prices.eligible < 0, NULL64, c.prices.eligible.astype(np.int64)
        ),
        "mff": lambda c: c.prices.mff,
        "duplicate_rows": lambda c: c._duplicates(),
        "episodes": lambda c: c.spells.episodes.astype(np.int64),
        "first_procedure_date": lambda c: spell_facts.procedure_date(c.spells, last=False),
        "last_procedure_date": lambda c: spell_facts.procedure_date(c.spells, last=True),
        "episode_gap_days": lambda c: spell_facts.gap_days(c.spells),
        "episode_overlap_days": lambda c: spell_facts.overlap_days(c.spells),
        "episode_outside_days": lambda c: spell_facts.outside_days(
            c.spells, c.number("admission_date"), c.number("discharge_date")
        ),
        "billed_hrg_in_year": billed_facts.hrg_in_year,
        "billed_hrg_elsewhere": billed_facts.hrg_elsewhere,
        "billed_age_conflict": billed_facts.age_conflict,
        "billed_in_other_order": billed_facts.in_other_order,
    }
    makes_many: ClassVar[MakeMany] = {
        **CODED_MANY,
        "any_diagnosis": lambda c: _codes_of(c, diagnoses=True),
        "secondary_diagnosis": lambda c: _codes_of(c, diagnoses=True, secondary=True),
        "any_procedure": lambda c: _codes_of(c, diagnoses=False),
        "secondary_procedure": lambda c: _codes_of(c, diagnoses=False, secondary=True),
        "any_unbundled": lambda c: spell_facts.every_unbundled(c.spells, c.groups.unbundled),
        "any_administrative_category": lambda c: _values_of(c, "administrative_category"),
        "any_treatment_function": lambda c: _values_of(c, "treatment_function"),
        "any_ward": lambda c: _values_of(c, "ward"),
    }


def _codes_of(columns: SpellColumns, *, diagnoses: bool, secondary: bool = False) -> Many:
    return spell_facts.every_code(columns.spells, diagnoses=diagnoses, secondary=secondary)


def _values_of(columns: SpellColumns, name: str) -> Many:
    return spell_facts.every_value(columns.spells, name)
