"""What the records of care that is not admitted share: their columns, groups and prices by field.

Records stand in the order of provider, identifier and then all columns, exact copies set aside, so
that a number stands for the same record whatever the order of the rows. Grouping and pricing are
done when a field that rests on them is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.field_table import (
    COMMON_CODES,
    COMMON_NUMBERS,
    TEXT_TYPES,
    Codes,
    FieldTable,
    MakeCodes,
    MakeNumbers,
    Many,
    Numbers,
    flattened,
    less,
    minus_blank,
    moments,
    named_texts,
    renamed,
    wide,
    written,
)
from tariff.engine.group_attendances import group_attendances
from tariff.engine.group_critical_care import group_critical_care
from tariff.engine.group_emergency import group_emergency
from tariff.engine.group_outcome import Outcome
from tariff.engine.other_outcome import (
    BIT,
    INCOMPLETE,
    OUTCOMES,
    OtherPrices,
    PriceOptions,
)
from tariff.engine.price import years_of
from tariff.engine.price_attendances import price_attendances
from tariff.engine.price_emergency import price_emergency
from tariff.engine.price_lines import price_lines
from tariff.engine.records import Records, repeated
from tariff.engine.unique_records import in_order_once
from tariff.extract.fields import in_order
from tariff.extract.source import InputFile
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.grouping import NULL32
from tariff.packs.load import LoadedPack
from tariff.packs.model import Provenance

_OF_GROUPING = frozenset({"hrg", "attendance_hrg", "hrg_provenance"})
FAMILIES = {  # of several values: the family of columns it is of
    "diagnosis": "diag",
    "procedure": "oper",
    "unbundled": "unbundled",
    "investigation": "investigation",
    "treatment": "treatment",
}
KEYS = {"attendances": "attendance_id", "emergency": "attendance_id", "critical_care": "period_id",
        "lines": "line_id"}  # fmt: skip
SINGULAR = {"attendances": "attendance", "emergency": "emergency", "critical_care": "critical_care",
            "lines": "line"}  # fmt: skip
# day and time at which a record begins, and at which it ends
ENDS = {
    "attendances": (("attendance_date", "attendance_time"), ("attendance_date", "attendance_time")),
    "emergency": (("arrival_date", "arrival_time"), ("departure_date", "departure_time")),
    "critical_care": (("start_date", "start_time"), ("end_date", "end_time")),
    "lines": (("start_date", "start_time"), ("end_date", "end_time")),
}
GROUP: dict[str, Callable[[Records, Rulebook, str | None], Outcome]] = {
    "attendances": group_attendances,
    "emergency": group_emergency,
    "critical_care": group_critical_care,
}
PRICE: dict[str, Callable[[Records, Rulebook, PriceOptions | None], OtherPrices]] = {
    "attendances": price_attendances,
    "emergency": price_emergency,
    "lines": price_lines,
}
NOTHING = np.uint64(0)
_MFF_UNKNOWN = BIT["mff_unknown"]
_MFF_OTHER = BIT["mff_of_other_year"] | BIT["mff_of_successor"]


def family_of(column: str) -> str:
    """Give the family of a column (`oper` of `oper_03`), empty where it is of none."""
    stem, _, number = column.rpartition("_")
    return stem if number.isdigit() else ""


class OtherColumns(FieldTable):
    """The records of one dataset. `records` holds them in their order."""

    rejects: pa.Table | None = None  # as the extract has them
    inputs: list[InputFile] = []  # noqa: RUF012 -- replaced, never changed

    def __init__(
        self,
        dataset: str,
        records: Records,
        rulebook: Rulebook,
        options: PriceOptions,
        source: str = "extract",
    ) -> None:
        super().__init__(dataset, source, dataset)
        self.rulebook = rulebook
        self.options = options
        self.key = KEYS[dataset]
        order, self._copies, sharing = in_order_once(records, self.key)
        self.records = records.take(order)
        self.notices = repeated(self.key, int(self._copies.sum()), sharing)

    def __len__(self) -> int:
        return self.records.rows

    def provenance(self, record: int) -> Provenance:
        """Say what the group of a record rests on; of one without, its price."""
        found = None
        if self.kind in GROUP and self.grouped["hrg"][record].is_valid:
            found = self.grouped["hrg_provenance"][record].as_py()
        if found is None and self.prices is not None and self.prices.provenance[record] >= 0:
            found = self.prices.names.values[int(self.prices.provenance[record])]
        given: Provenance = found or "published"
        return given

    # -- what is worked out

    @cached_property
    def prices(self) -> OtherPrices | None:
        """What pricing decides; None of critical care, which has no price of its own."""
        price = PRICE.get(self.kind)
        return None if price is None else price(self.records, self.rulebook, self.options)

    @property
    def grouped(self) -> pa.Table:
        """The records as grouped, in their order; where they are priced, only their groups."""
        return self._outcome.table

    @property
    def packs(self) -> list[LoadedPack]:
        """The packs that the records were grouped and priced with, as far as they were."""
        used = [] if self.prices is None else [p for _, p in sorted(self.prices.used.items())]
        return used + (list(self._outcome.packs) if "_outcome" in self.__dict__ else [])

    def blank_fields(self) -> frozenset[str]:
        """Give the columns that hold no value in any record."""
        return frozenset(name for name in self.records.fields if self._is_blank(name))

    def _is_blank(self, name: str) -> bool:
        if self.type_of(name) == "identifier":
            return not (self.records.identifiers(name).ids >= 0).any()
        if self.type_of(name) in TEXT_TYPES:
            codes = self._own_codes(name)
            return codes is None or not (codes[0] >= 0).any()
        numbers = self._own_number(name)
        return numbers is None or not (numbers != NULL64).any()

    @cached_property
    def _outcome(self) -> Outcome:
        """The records grouped, once."""
        day = ENDS[self.kind][0][0]
        records = self.records.numbered(self.key)
        if self.options.as_year is not None:
            records = records.without(day)
        year = self.options.as_year or self.options.year
        found = GROUP[self.kind](records, self.rulebook, year)
        if self.kind in PRICE:  # the rest stands in the records themselves, and is much
            kept = [name for name in found.table.column_names if name in _OF_GROUPING]
            found = replace(found, table=found.table.select(kept))
        return found

    @property
    def copies_billed(self) -> Numbers:
        """Pence billed again by the exact copies of each record that were set aside."""
        billed = self.number("billed")
        return np.where(billed == NULL64, 0, billed) * self._copies

    def mff_of_other_year(self, which: Numbers) -> NDArray[np.bool_]:
        """Say for which records the factor is another year's or a successor's."""
        if self.prices is None:
            return np.zeros(len(which), bool)
        other: NDArray[np.bool_] = (self.prices.reasons[which] & _MFF_OTHER) != 0
        return other

    # -- columns

    def texts(self, name: str, which: Numbers | None = None) -> pa.Array:
        """Give a code field as text, null where missing; of some records where asked."""
        name = self.key if name == "record_id" else name
        if self.type_of(name) == "identifier":
            rows = np.arange(len(self)) if which is None else which
            return self.records.identifiers(name).take(rows)
        return super().texts(name, which)

    def _own_codes(self, name: str) -> Codes | None:
        if self.type_of(name) == "identifier":
            found = self.records.identifiers(name)
            return found.ids, found.values.to_pylist()
        family = family_of(name)
        if not family:
            ids, values = self.records.codes(name)
            return minus_blank(ids), values
        members = self.records.members(family)
        if name not in members:  # the extract may leave positions out
            return None
        block, values = self._block(family)
        return minus_blank(block[:, members.index(name)]), values

    def _own_number(self, name: str) -> Numbers | None:
        type_ = self.type_of(name)
        if type_ is None:
            return None
        if type_ in ("money", "factor"):
            return self.records.money(name)
        return wide(self.records.numbers(name))

    def _block(self, family: str) -> tuple[NDArray[Any], list[str]]:
        ids, values = self.records.codes(family)
        return (ids if ids.ndim == 2 else ids[:, None]), values

    def _every(self, what: str, *, secondary: bool = False) -> Many:
        block, values = self._block(FAMILIES[what])
        first = f"{FAMILIES[what]}_01" in self.records.members(FAMILIES[what])
        found = flattened(block[:, int(secondary and first) :], np.arange(len(self) + 1), values)
        if what == "unbundled":  # RD40Z*2 is two of them
            return renamed(found, lambda value: value.partition("*")[0])
        return found

    def _one(self, name: str) -> Many:
        ids, values = self.records.codes(name)
        return flattened(ids[:, None], np.arange(len(self) + 1), values)

    def _primary_procedure(self) -> Codes:
        block, values = self._block("oper")
        there = (block != 0).argmax(axis=1)
        return minus_blank(block[np.arange(len(block)), there]), values

    # -- days

    def _first_day(self) -> Numbers:
        found = self._own_number(ENDS[self.kind][0][0])
        assert found is not None
        return found

    def _last_day(self) -> Numbers:
        last = self._own_number(ENDS[self.kind][1][0])
        assert last is not None
        return np.where(last == NULL64, self.number("start_date"), last)

    def _moment(self, end: int) -> Numbers:
        day, time = (self._own_number(name) for name in ENDS[self.kind][end])
        if day is None or time is None:
            return np.full(len(self), NULL64, np.int64)
        return moments(day, time)

    # -- groups and prices

    def _group(self, name: str) -> Codes | None:
        if self.kind not in GROUP or name not in self.grouped.column_names:
            return None
        found = self.grouped[name].combine_chunks().dictionary_encode()
        ids = found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return ids, found.dictionary.to_pylist()

    def _priced_hrgs(self) -> Codes:
        """The billed HRG, else the one that pricing took, else the one grouped."""
        if self.kind == "lines":
            return self.codes("tariff_code")
        choices = [self.codes("billed_hrg")]
        if self.prices is not None:
            choices.append((self.prices.hrg, self.prices.names.values))
        if any((choices[0][0] < 0) & (choices[-1][0] < 0)):
            choices.append(self.codes("hrg"))
        places: dict[str, int] = {}
        out = np.full(len(self), -1, np.int64)
        for ids, values in choices:
            mapped = [places.setdefault(value, len(places)) for value in values]
            out = np.where(out < 0, np.array([*mapped, -1], np.int64)[ids], out)
        return out, list(places)

    def _decided(self, name: str) -> Codes | None:
        """A name that pricing gives."""
        if self.prices is None:
            return None
        if name == "price_outcome":
            return self.prices.outcome, list(OUTCOMES)
        ids = self.prices.listed.get(name)
        return None if ids is None else (ids, self.prices.names.values)

    def _priced(self, name: str, unless: np.uint64) -> Numbers | None:
        """Money or the factor of the price; missing for some of the reasons."""
        if self.prices is None:
            return None
        values: Numbers = getattr(self.prices, name)
        return np.where((self.prices.reasons & unless) != 0, NULL64, values)

    def _tariff_years(self) -> Codes:
        if self.options.as_year is not None:
            days = np.full(len(self), NULL32, np.int32)
        else:
            # an emergency attendance is priced by the day of arrival
            day = self.number("start_date" if self.kind == "emergency" else "end_date")
            days = np.where(day == NULL64, NULL32, day).astype(np.int32)
        year, names = years_of(days, self.options.as_year or self.options.year)
        return year.astype(np.int64), names

    def _amounts(self) -> Numbers:
        quantity, unit = self.number("quantity"), self.number("unit_price")
        known = (quantity != NULL64) & (unit != NULL64)
        quantity, unit = np.where(known, quantity, 0), np.where(known, unit, 0)
        known &= np.abs(quantity.astype(float) * unit) < np.iinfo(np.int64).max  # else no money
        return np.where(known, quantity * unit, NULL64)

    def _period_days(self) -> Numbers:
        days = less(self._own_number("end_date"), self._own_number("start_date"))  # type: ignore[arg-type]
        return np.where(days == NULL64, NULL64, days + 1)

    # -- as they came in

    def record_keys(self, which: Numbers) -> list[str]:
        """Give `KIND:PROVIDER:IDENTIFIER` of some records."""
        provider, number = (self.texts(n, which).to_pylist() for n in ("provider", self.key))
        word = SINGULAR[self.kind]
        return [f"{word}:{one}:{other}" for one, other in zip(provider, number, strict=True)]

    def rows(self, which: Numbers) -> list[dict[str, str]]:
        """Give some records as an extract writes them, in its columns."""
        columns: dict[str, list[str]] = {}
        for name in in_order(self.records.fields, self.kind):
            type_ = self.type_of(name)
            assert type_ is not None
            if type_ in TEXT_TYPES:
                columns[name] = [text or "" for text in self._own_texts(name, which).to_pylist()]
            else:
                values = self._own_number(name)
                assert values is not None
                columns[name] = written(values[which], type_)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _own_texts(self, name: str, which: Numbers) -> pa.Array:
        """Give a column as it is held, whatever is worked out under its name."""
        if self.type_of(name) == "identifier":
            return self.records.identifiers(name).take(which)
        found = self._own_codes(name)
        assert found is not None
        return named_texts(found[0][which], found[1])

    # -- how fields are made

    makes_codes: ClassVar[MakeCodes] = {
        **COMMON_CODES,
        "record_id": lambda c: c.codes(c.key),
        "tariff_year": lambda c: c._tariff_years(),
        "priced_hrg": lambda c: c._priced_hrgs(),
        "hrg": lambda c: c._group("hrg"),
        "price_outcome": lambda c: c._decided("price_outcome"),
    }
    makes_numbers: ClassVar[MakeNumbers] = {
        **COMMON_NUMBERS,
        "start_date": lambda c: c._first_day(),
        "end_date": lambda c: c._last_day(),
        "start_at": lambda c: c._moment(0),
        "end_at": lambda c: c._moment(1),
        "duplicate_rows": lambda c: c._copies,
        "base": lambda c: c._priced("base", NOTHING),
        "mff": lambda c: c._priced("mff", NOTHING),
        "pre_mff": lambda c: c._priced("pre_mff", INCOMPLETE & ~_MFF_UNKNOWN),
        "total": lambda c: c._priced("total", INCOMPLETE | _MFF_OTHER),
    }
