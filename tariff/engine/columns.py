"""Every field of a spell that a rule, a report or a reader may ask for, by name.

Codes are ids with the list of their values; numbers are int64 with NULL64 where missing. Columns
are made when they are first asked for.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.deductions import Deductions
from tariff.engine.group import Groups
from tariff.engine.marks import Marks
from tariff.engine.price import EPOCH, PriceInput, Prices, times
from tariff.engine.reasons import CATEGORIES, INCOMPLETE, PRICE_REASONS
from tariff.engine.spells import Spells
from tariff.packs.best_practice import REDUCED, Printed
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.grouping import NULL32
from tariff.packs.model import Provenance
from tariff.schemas import MFF_UNIT

Codes = tuple[NDArray[np.int64], list[str]]  # id -1 is missing

_MFF_UNKNOWN = 1 << PRICE_REASONS.index("mff_unknown")
_MFF_OTHER = 1 << PRICE_REASONS.index("mff_of_other_year") | 1 << PRICE_REASONS.index(
    "mff_of_successor"
)
_PRE_MFF_INCOMPLETE = INCOMPLETE & ~_MFF_UNKNOWN
# prices, in pence, that say what factor an amount beside them implies: of less, a penny is too much
LEAST_IMPLYING, MOST_IMPLYING = 100_00, 10_000_000_00
_FROM_LAST = ("discharge_time", "discharge_method", "discharge_destination")


def wide(values: NDArray[Any]) -> NDArray[np.int64]:
    """Give a column as int64, NULL32 as NULL64."""
    out = values.astype(np.int64)
    if values.dtype == np.int32:
        out[values == NULL32] = NULL64
    return out


def month_end(month: str) -> int:
    """Last day of a month `YYYY-MM` in days since 1970-01-01; NULL64 where it is none."""
    try:
        year, number = int(month[:4]), int(month[5:7])
        return (date(year, number, calendar.monthrange(year, number)[1]) - EPOCH).days
    except ValueError:
        return int(NULL64)


class SpellColumns:
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
    ) -> None:
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
        self.billed_row = spells.billed_rows()
        self._codes: dict[str, Codes] = {}
        self._numbers: dict[str, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self.spells)

    def provenance(self, spell: int) -> Provenance:
        """Say what the group of a spell rests on."""
        if self.official[spell]:
            return "official"
        grouper = self.rulebook.groupers[int(self.groups.grouper[spell])]
        return grouper.provenance_of(int(self.groups.flag[spell]))

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

    # -- codes

    def is_code(self, name: str) -> bool:
        """Say whether a field is a code rather than a number."""
        return name in _CODE_FIELDS or name in self.frame.texts or name in self.frame.vocabularies

    def codes(self, name: str) -> Codes:
        """Give a code field as ids and values."""
        if name not in self._codes:
            make = _CODE_FIELDS.get(name)
            self._codes[name] = make(self) if make else self._plain_codes(name)
        return self._codes[name]

    def texts(self, name: str, which: NDArray[np.int64] | None = None) -> pa.Array:
        """Give a code field as text, null where missing; of some spells where asked."""
        if name in self.frame.texts:
            rows = self.spells.first
            return self.frame.texts[name].take(rows if which is None else rows[which])
        ids, values = self.codes(name)
        if which is not None:
            ids = ids[which]
        return pa.array(values, pa.string()).take(pa.array(ids, mask=ids < 0))

    def _plain_codes(self, name: str) -> Codes:
        if name in self.frame.texts:
            texts = self.frame.texts[name]
            return texts.ids[self.spells.first], []
        column = self.frame.column(name)
        if column is None:
            return np.full(len(self), -1, np.int64), []
        rows = self.spells.first
        if name in _FROM_LAST:
            rows = self.spells.last
        elif name in ("activity_month", "statement", "billed_point_of_delivery"):
            rows = self.billed_row
        return _minus_blank(column[rows]), self.frame.vocabularies[name].values

    def _first_diagnosis(self) -> Codes:
        return _minus_blank(self.frame.diag[self.spells.first, 0]), self.frame.diagnoses.values

    def _first_procedure(self, *, there: bool) -> Codes:
        """The procedure in the first position, or the first that is there."""
        block = self.frame.oper[self.spells.first]
        position = (block != 0).argmax(axis=1) if there else 0
        return _minus_blank(block[np.arange(len(block)), position]), self.frame.procedures.values

    def _chapters(self) -> Codes:
        ids, values = self.codes("primary_diagnosis")
        icd10 = self.rulebook.groupers[-1].icd10
        names = sorted({icd10.chapter(value) for value in values} - {""})
        chapter = np.array(
            [names.index(c) if (c := icd10.chapter(v)) else -1 for v in values], np.int64
        )
        return np.where(ids < 0, -1, chapter[ids]), names

    def _roots(self, field: str) -> Codes:
        ids, values = self.codes(field)
        names = sorted({value[:4] for value in values})
        places = {name: index for index, name in enumerate(names)}
        root = np.array([places[value[:4]] for value in values] or [-1], np.int64)
        return np.where(ids < 0, -1, root[ids]), names

    # -- numbers

    def number(self, name: str) -> NDArray[np.int64]:
        """Give a number field: days, pence, 1e-9, minutes or counts; NULL64 where missing."""
        if name not in self._numbers:
            make = _NUMBER_FIELDS.get(name)
            self._numbers[name] = make(self) if make else self._plain_number(name)
        return self._numbers[name]

    def _plain_number(self, name: str) -> NDArray[np.int64]:
        column = self.frame.column(name)
        if column is None:
            return np.full(len(self), NULL64, np.int64)
        if name.startswith("billed_"):
            return wide(column[self.billed_row])
        return wide(column[self.spells.last if name in _FROM_LAST else self.spells.first])

    def _priced(self, name: str, unless: int) -> NDArray[np.int64]:
        values: NDArray[Any] = getattr(self.prices, name)
        return np.where(self.prices.reasons & unless, NULL64, wide(values))

    def _billed(self) -> NDArray[np.int64]:
        """What counts as billed, docs/money.md."""
        out = self.number("billed_total")
        for other in (self.number("billed_product"), self.number("billed_price")):
            out = np.where(out == NULL64, other, out)
        return out

    def _billed_product(self) -> NDArray[np.int64]:
        """Price billed with the factor billed, as money or as a factor."""
        price = self.number("billed_price")
        amount, factor = self.number("billed_mff_amount"), self.number("billed_mff")
        with_amount = (price != NULL64) & (amount != NULL64)
        return np.where(with_amount, price + np.where(with_amount, amount, 0), times(price, factor))

    def _billed_factor(self) -> NDArray[np.int64]:
        """Factor billed, else what the money billed for it implies: docs/money.md."""
        factor, price = self.number("billed_mff"), self.number("billed_price")
        amount = self.number("billed_mff_amount")
        known = (price >= LEAST_IMPLYING) & (price <= MOST_IMPLYING) & (np.abs(amount) <= price)
        known &= (factor == NULL64) & (amount != NULL64)
        price, amount = np.where(known, price, 1), np.where(known, amount, 0)
        implied = MFF_UNIT + (2 * amount * MFF_UNIT + price) // (2 * price)  # half up
        return np.where(known, implied, factor)

    def before_mff(self) -> NDArray[np.bool_]:
        """Whether what counts as billed is before the market forces factor."""
        given = np.zeros(len(self), bool)
        for name in ("billed_total", "billed_mff_amount", "billed_mff"):
            given |= self.number(name) != NULL64
        before: NDArray[np.bool_] = ~given & (self.number("billed_price") != NULL64)
        return before

    def _month_ends(self) -> NDArray[np.int64]:
        ids, values = self.codes("activity_month")
        ends = np.array([month_end(value) for value in values] or [NULL64], np.int64)
        return np.where(ids < 0, NULL64, ends[ids])

    def mff_of_other_year(self, spells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say for which spells the factor is the nearest year's or a successor's."""
        prices = self.prices
        other: NDArray[np.bool_] = prices.mff_other_year[spells] != 0
        return other | prices.mff_successor[spells]

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


def _minus_blank(ids: NDArray[Any]) -> NDArray[np.int64]:
    out = ids.astype(np.int64)
    out[out == 0] = -1
    return out


_CODE_FIELDS: dict[str, Callable[[SpellColumns], Codes]] = {
    "diag_01": lambda c: c._first_diagnosis(),
    "oper_01": lambda c: c._first_procedure(there=False),
    "primary_diagnosis": lambda c: c._first_diagnosis(),
    "primary_procedure": lambda c: c._first_procedure(there=True),
    "diagnosis_chapter": lambda c: c._chapters(),
    "hrg": lambda c: (c.groups.hrg.astype(np.int64), c.hrgs),
    "hrg_root": lambda c: c._roots("hrg"),
    "billed_hrg": lambda c: (c.billed_hrg.astype(np.int64), c.hrgs),
    "priced_hrg": lambda c: (c.priced_hrg.astype(np.int64), c.hrgs),
    "priced_root": lambda c: c._roots("priced_hrg"),
    "point_of_delivery": lambda c: (
        c.prices.group.astype(np.int64),
        c.rulebook.points_of_delivery.codes,
    ),
    "error_category": lambda c: (_minus_blank(c.groups.category), list(CATEGORIES)),
}

_NUMBER_FIELDS: dict[str, Callable[[SpellColumns], NDArray[np.int64]]] = {
    "admission_date": lambda c: wide(c.spells.date("admission_date")),
    "discharge_date": lambda c: wide(c.spells.date("discharge_date", from_end=True)),
    "critical_care_days": lambda c: c.deductions.by_kind[0],
    "rehabilitation_days": lambda c: c.deductions.by_kind[1],
    "palliative_care_days": lambda c: c.deductions.by_kind[2],
    "deducted_days": lambda c: wide(c.price_input.deducted_days),
    "delayed_days": lambda c: wide(c.marks.delayed),
    "exclusion": lambda c: wide(c.marks.exclusion),
    "spell_days": lambda c: wide(c.price_input.spell_days),
    "adjusted_days": lambda c: wide(c.prices.adjusted),
    "excess_days": lambda c: wide(c.prices.excess),
    "trim_days": lambda c: wide(c.prices.trim),
    "base": lambda c: wide(c.prices.base),
    "list_price": lambda c: wide(c.prices.listed),
    "short_stay": lambda c: wide(c.prices.short_stay),
    "long_stay": lambda c: wide(c.prices.long_stay),
    "top_up": lambda c: wide(c.prices.top_up),
    "best_practice": lambda c: wide(c.prices.best_practice),
    "pre_mff": lambda c: c._priced("pre_mff", _PRE_MFF_INCOMPLETE),
    "total": lambda c: c._priced("total", INCOMPLETE | _MFF_OTHER),
    "short_stay_eligible": lambda c: np.where(
        c.prices.eligible < 0, NULL64, c.prices.eligible.astype(np.int64)
    ),
    "mff": lambda c: c.prices.mff,
    "billed": lambda c: c._billed(),
    "billed_product": lambda c: c._billed_product(),
    "billed_factor": lambda c: c._billed_factor(),
    "activity_month_end": lambda c: c._month_ends(),
    "duplicate_rows": lambda c: c._duplicates(),
}
