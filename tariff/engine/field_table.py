"""What all blocks of records share: fields by name, made when they are first asked for.

Codes are ids with the list of their values, -1 missing; numbers are int64 with NULL64 where
missing; a field of several values has the ids of all records end to end and where each begins.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns_money import BilledMoney
from tariff.engine.price import EPOCH
from tariff.extract.fields import DATASETS, REGISTERS, Field, FieldType
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.grouping import NULL32
from tariff.packs.market_forces import MarketForces
from tariff.schemas import MFF_UNIT

Numbers = NDArray[np.int64]
Codes = tuple[Numbers, list[str]]
Many = tuple[Numbers, Numbers, list[str]]
MakeCodes = Mapping[str, Callable[[Any], Codes]]
MakeNumbers = Mapping[str, Callable[[Any], Numbers]]
MakeMany = Mapping[str, Callable[[Any], Many]]

TEXT_TYPES = frozenset({"identifier", "code", "clinical", "text", "month"})
MINUTES = 1440  # of a day
ROOT, CATEGORY, TRUST = 4, 3, 3  # characters
HOW_AND_WHERE = ("Y", "Z")  # chapters of OPCS-4 that say how and where, not what
SIDES = ("Z941", "Z942", "Z943")  # OPCS-4: bilateral, right, left


def wide(values: NDArray[Any]) -> Numbers:
    """Give a column as int64, NULL32 as NULL64."""
    out = values.astype(np.int64)
    if values.dtype == np.int32:
        out[values == NULL32] = NULL64
    return out


def minus_blank(ids: NDArray[Any]) -> Numbers:
    """Give ids whose blank is 0 as ids whose blank is -1."""
    out = ids.astype(np.int64)
    out[out == 0] = -1
    return out


def named_texts(ids: Numbers, values: Sequence[str]) -> pa.Array:
    """Give the texts of ids, null where missing."""
    return pa.array(values, pa.string()).take(pa.array(ids, mask=ids < 0))


def flattened(block: NDArray[Any], start: Numbers, values: list[str]) -> Many:
    """Give the codes of rows as a field of several values; 0 is a blank.

    Rows `start[r]` to `start[r + 1]` are of record `r`.
    """
    there = block != 0
    ends = np.concatenate(([0], np.cumsum(there.sum(axis=1))))
    return ends[start].astype(np.int64), block[there].astype(np.int64), values


def renamed(many: Many, name: Callable[[str], str]) -> Many:
    """Give a field of several values under other names; two may have one."""
    start, ids, values = many
    places: dict[str, int] = {}
    found = [places.setdefault(name(value), len(places)) for value in values]
    return start, np.array(found, np.int64)[ids], list(places)


def shortened(many: Many, length: int, without: tuple[str, ...] = ()) -> Many:
    """Give the first characters of a field of several values; some chapters are left out."""
    start, ids, values = many
    kept = np.array([not value.startswith(without) for value in values] or [True])[ids]
    if not kept.all():
        start = np.concatenate(([0], np.cumsum(kept)))[start]
        ids = ids[kept]
    return renamed((start, ids, values), lambda value: value[:length])


def first_of(many: Many, wanted: Sequence[str]) -> Codes:
    """Give the first value of each record that is one of some."""
    start, ids, values = many
    place = np.array([wanted.index(v) if v in wanted else -1 for v in values] or [-1], np.int64)
    at = np.flatnonzero(place[ids] >= 0)
    of = np.searchsorted(start, at, side="right") - 1
    out = np.full(len(start) - 1, -1, np.int64)
    out[of[::-1]] = place[ids[at[::-1]]]  # the first is written last
    return out, list(wanted)


def moments(day: Numbers, minute: Numbers) -> Numbers:
    """Give day and time in minutes since 1970; missing where either is."""
    known = (day != NULL64) & (minute != NULL64)
    return np.where(known, np.where(known, day, 0) * MINUTES + np.where(known, minute, 0), NULL64)


def less(one: Numbers, other: Numbers) -> Numbers:
    """Give one less the other; missing where either is."""
    known = (one != NULL64) & (other != NULL64)
    return np.where(known, np.where(known, one, 0) - np.where(known, other, 0), NULL64)


def trusts(provider: Codes, on: Numbers, mff: MarketForces) -> Codes:
    """Give the trust of each provider, or the body that had taken it over by a day.

    A trust is three characters. Without a day nothing has been taken over.
    """
    ids, values = provider
    places: dict[str, int] = {}
    plain = [places.setdefault(value[:TRUST], len(places)) for value in values]
    out = np.array([*plain, -1], np.int64)[ids]
    for index, value in enumerate(values):
        code, seen = value[:TRUST], {value[:TRUST]}
        if code not in mff.successors:
            continue
        rows = np.flatnonzero((ids == index) & (on != NULL64))
        while len(rows) and (to := mff.successors.get(code)) is not None:
            code = to.new[:TRUST]
            if code in seen:  # a circle, which the lint refuses
                break
            seen.add(code)
            rows = rows[on[rows] >= (date.fromisoformat(to.day) - EPOCH).days]
            out[rows] = places.setdefault(code, len(places))
    return out, list(places)


def written(values: Numbers, type_: FieldType) -> list[str]:
    """Give numbers in the form in which an extract writes them; a missing one is empty."""
    write: Callable[[int], str] = str
    if type_ == "date":
        write = _written_day
    elif type_ == "time":
        write = _written_time
    elif type_ == "money":
        write = _written_money
    elif type_ == "factor":
        write = _written_factor
    return ["" if value == NULL64 else write(value) for value in values.tolist()]


def _written_day(days: int) -> str:
    return (EPOCH + timedelta(days=days)).isoformat()


def _written_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _written_money(pence: int) -> str:
    pounds, rest = divmod(abs(pence), 100)
    return f"{'-' if pence < 0 else ''}{pounds}.{rest:02}"


def _written_factor(units: int) -> str:
    return f"{(Decimal(units) / MFF_UNIT).normalize():f}"


class FieldTable(BilledMoney):
    """Records of one kind from one source, by field: docs/signatures.md, Fields.

    A subclass gives the columns that it holds with `_own_codes` and `_own_number`, and says how the
    other fields are made; those stand before the columns.
    """

    makes_codes: ClassVar[MakeCodes] = {}
    makes_numbers: ClassVar[MakeNumbers] = {}
    makes_many: ClassVar[MakeMany] = {}

    def __init__(self, kind: str, source: str, dataset: str) -> None:
        self.kind = kind
        self.source = source
        self._dictionary = _columns(dataset)
        self._code_fields: dict[str, Codes] = {}
        self._number_fields: dict[str, Numbers] = {}
        self._many_fields: dict[str, Many] = {}

    @abstractmethod
    def __len__(self) -> int:
        """Count the records."""

    @abstractmethod
    def _own_codes(self, name: str) -> Codes | None:
        """Give a code column that is held; None for one that is not."""

    @abstractmethod
    def _own_number(self, name: str) -> Numbers | None:
        """Give a column of numbers that is held; None for one that is not."""

    @property
    def copies_billed(self) -> Numbers:
        """Pence billed again by exact copies of each record that were set aside: here none."""
        return np.zeros(len(self), np.int64)

    @abstractmethod
    def record_keys(self, which: Numbers) -> list[str]:
        """Give the keys of some records, as findings name them."""

    # -- what a name is

    def is_code(self, name: str) -> bool:
        """Say whether a field is a code of one value."""
        if name in self.makes_codes or name in self.makes_numbers:
            return name in self.makes_codes
        return self.type_of(name) in TEXT_TYPES

    def is_many(self, name: str) -> bool:
        """Say whether a field is a code of several values."""
        return name in self.makes_many

    def type_of(self, name: str) -> FieldType | None:
        """Give the type of a canonical column (`diag_07` is one), None of another name."""
        found = self._dictionary.get(name)
        if found is None and name[-2:].isdigit() and name[-2:] != "00":
            found = self._dictionary.get(f"{name[:-2]}01")
            found = found if found is not None and int(name[-2:]) <= found.repeats else None
        return None if found is None else found.type

    # -- values

    def codes(self, name: str) -> Codes:
        """Give a code field as ids and values."""
        if name not in self._code_fields:
            make = self.makes_codes.get(name)
            found = make(self) if make else None
            if make is None and self.is_code(name):
                found = self._own_codes(name)
            missing = np.full(len(self), -1, np.int64) if found is None else None
            self._code_fields[name] = found or (missing, [])  # type: ignore[assignment]
        return self._code_fields[name]

    def number(self, name: str) -> Numbers:
        """Give a number field: days, pence, 1e-9, minutes or counts; NULL64 where missing."""
        if name not in self._number_fields:
            make = self.makes_numbers.get(name)
            found = make(self) if make else None
            if make is None and not self.is_code(name):
                found = self._own_number(name)
            missing = np.full(len(self), NULL64, np.int64) if found is None else found
            self._number_fields[name] = missing
        return self._number_fields[name]

    def many(self, name: str) -> Many:
        """Give a field of several values."""
        if name not in self._many_fields:
            make = self.makes_many.get(name)
            nothing = np.zeros(0, np.int64)
            self._many_fields[name] = (
                make(self) if make else (np.zeros(len(self) + 1, np.int64), nothing, [])
            )
        return self._many_fields[name]

    def release(self) -> None:
        """Forget the fields that were asked for; they are made again where they are needed."""
        self._code_fields.clear()
        self._number_fields.clear()
        self._many_fields.clear()

    def texts(self, name: str, which: Numbers | None = None) -> pa.Array:
        """Give a code field as text, null where missing; of some records where asked."""
        ids, values = self.codes(name)
        return named_texts(ids if which is None else ids[which], values)

    def _kinds(self) -> Codes:
        return np.zeros(len(self), np.int64), [self.kind]

    def _roots(self, field: str) -> Codes:
        ids, values = self.codes(field)
        places: dict[str, int] = {}
        root = [places.setdefault(value[:ROOT], len(places)) for value in values]
        return np.array([*root, -1], np.int64)[ids], list(places)

    def _counts(self, name: str) -> Numbers:
        return np.diff(self.many(name)[0])


def chapters(diagnosis: Codes, rulebook: Rulebook) -> Codes:
    """Give the ICD-10 chapter of each diagnosis."""
    ids, values = diagnosis
    icd10 = rulebook.groupers[-1].icd10
    places: dict[str, int] = {}
    chapter = [
        places.setdefault(found, len(places)) if (found := icd10.chapter(value)) else -1
        for value in values
    ]
    return np.array([*chapter, -1], np.int64)[ids], list(places)


def _columns(dataset: str) -> dict[str, Field]:
    fields = DATASETS[dataset] if dataset in DATASETS else REGISTERS[dataset]
    return {field.name: field for field in fields}


COMMON_CODES: MakeCodes = {
    "kind": lambda b: b._kinds(),
    "trust": lambda b: trusts(b.codes("provider"), b.number("end_date"), b.rulebook.mff),
    "hrg_root": lambda b: b._roots("hrg"),
    "priced_root": lambda b: b._roots("priced_hrg"),
}
COMMON_NUMBERS: MakeNumbers = {
    "stay_minutes": lambda b: less(b.number("end_at"), b.number("start_at")),
    "billed": lambda b: b._billed(),
    "billed_product": lambda b: b._billed_product(),
    "billed_factor": lambda b: b._billed_factor(),
    "activity_month_end": lambda b: b._month_ends(),
}
CODED: MakeCodes = {
    "diagnosis_chapter": lambda b: chapters(b.codes("primary_diagnosis"), b.rulebook),
    "laterality": lambda b: first_of(b.many("any_procedure"), SIDES),
}
CODED_NUMBERS: MakeNumbers = {
    "diagnosis_count": lambda b: b._counts("any_diagnosis"),
    "procedure_count": lambda b: b._counts("any_procedure"),
}
CODED_MANY: MakeMany = {
    "any_diagnosis_category": lambda b: shortened(b.many("any_diagnosis"), CATEGORY),
    "any_procedure_category": lambda b: shortened(b.many("any_procedure"), CATEGORY, HOW_AND_WHERE),
}
