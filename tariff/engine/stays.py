"""The spells that a policy looks at, those of the extract and of its history, as plain columns.

Each run has ids of its own for codes; here patients, providers and commissioners share one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.reasons import INCOMPLETE
from tariff.packs.compile import NULL64

Amount = Literal["priced", "billed"]
Numbers = NDArray[np.int64]

MONTHS = 12  # of a year
FISCAL = 3  # months of the calendar year before April


@dataclass(frozen=True)
class Names:
    """A column of text as ids; -1 is a blank."""

    ids: Numbers
    values: list[str]

    def text(self, index: int) -> str:
        """The text of one spell, empty where it is blank."""
        place = int(self.ids[index])
        return "" if place < 0 else self.values[place]


@dataclass(frozen=True)
class Stays:
    """Spells by number: those of the extract stand first, in the order of its spells table.

    Numbers are NULL64 where missing; `patient` and the names -1. `rank` is the place of a spell by
    provider and spell number. `month` counts months since April of year 0.
    """

    here: int  # how many are of the extract itself
    repeated: int  # spells of the history that the extract holds too: they stand for nothing here
    patient: Numbers
    provider: Names
    commissioner: Names
    number: pa.Array
    rank: Numbers
    admitted: Numbers
    discharged: Numbers
    admission_time: Numbers
    discharge_time: Numbers
    amount: Numbers  # pence
    month: Numbers

    def __len__(self) -> int:
        return len(self.patient)

    def keys(self, which: Numbers) -> pa.Array:
        """`PROVIDER:NUMBER` of some spells; null for -1."""
        names = pa.array(self.provider.values, pa.string())
        rows = pa.array(which, mask=which < 0)
        providers = names.take(pa.array(self.provider.ids).take(rows))
        return pc.binary_join_element_wise(providers, self.number.take(rows), ":")


def stays_of(runs: Sequence[SpellColumns], amount: Amount) -> Stays:
    """Give the spells of an extract and, after it, of its history."""
    numbers = pa.chunked_array([run.texts("spell_id") for run in runs]).combine_chunks()
    if isinstance(numbers, pa.ChunkedArray):
        numbers = numbers.chunk(0)
    provider = _names(runs, "provider")
    discharged = _joined(runs, "discharge_date")
    here = len(runs[0])
    patient = _patients(runs)
    repeated = _repeated(provider, numbers, here)
    patient[repeated], discharged[repeated] = -1, NULL64
    return Stays(
        here=here,
        repeated=len(repeated),
        patient=patient,
        provider=provider,
        commissioner=_names(runs, "commissioner"),
        number=numbers,
        rank=_ranks(provider, numbers, one=len(runs) == 1),
        admitted=_joined(runs, "admission_date"),
        discharged=discharged,
        admission_time=_joined(runs, "admission_time"),
        discharge_time=_joined(runs, "discharge_time"),
        amount=np.concatenate([_amounts(run, amount) for run in runs]),
        month=fiscal_months(discharged),
    )


def fiscal_months(days: Numbers) -> Numbers:
    """Give the months of days (since 1970-01-01), counted from April of year 0; NULL64 unknown."""
    known = days != NULL64
    dates = np.where(known, days, 0).astype("datetime64[D]").astype("datetime64[M]")
    months = dates.astype(np.int64) + 1970 * MONTHS - FISCAL
    return np.where(known, months, NULL64)


def tariff_year(month: int) -> str:
    """Give the tariff year of a month of `fiscal_months`."""
    start = month // MONTHS
    return f"{start:04}/{(start + 1) % 100:02}"


def calendar_month(month: int) -> str:
    """Give a month of `fiscal_months` as `YYYY-MM`."""
    year, place = divmod(month + FISCAL, MONTHS)
    return f"{year:04}-{place + 1:02}"


def groups_of(*columns: Numbers) -> tuple[list[tuple[int, ...]], Numbers]:
    """Give the distinct lines of some columns, in order, and which of them each place has.

    The columns are small numbers (ids, months): one key is made of them, which is sorted fast.
    """
    bounds = [(int(c.min(initial=0)), int(c.max(initial=0))) for c in columns]
    widths = [high - low + 1 for low, high in bounds]
    key = np.zeros(len(columns[0]), np.int64)
    for column, (low, _), width in zip(columns, bounds, widths, strict=True):
        key = key * width + (column - low)
    distinct, inverse = np.unique(key, return_inverse=True)
    parts = np.unravel_index(distinct, widths)
    values = [(part + low).tolist() for part, (low, _) in zip(parts, bounds, strict=True)]
    return list(zip(*values, strict=True)), inverse


def _amounts(run: SpellColumns, amount: Amount) -> Numbers:
    if amount == "billed":
        return run.number("billed")
    prices = run.prices
    return np.where(prices.reasons & INCOMPLETE, NULL64, prices.total)


def _joined(runs: Sequence[SpellColumns], name: str) -> Numbers:
    return np.concatenate([run.number(name) for run in runs])


def _names(runs: Sequence[SpellColumns], field: str) -> Names:
    places: dict[str, int] = {}
    parts = []
    for run in runs:
        ids, values = run.codes(field)
        mapped = [places.setdefault(value, len(places)) for value in values]
        parts.append(np.array([*mapped, -1], np.int64)[ids])
    return Names(np.concatenate(parts), list(places))


def _patients(runs: Sequence[SpellColumns]) -> Numbers:
    """Give the patients as numbers; the same person has the same in every run."""
    parts: list[Numbers] = []
    known: pa.Array | None = None
    for run in runs:
        texts = run.frame.texts.get("patient_id")
        if texts is None:
            parts.append(np.full(len(run), -1, np.int64))
            continue
        ids = texts.ids[run.spells.first]
        if known is None:
            known, mapped = texts.values, np.arange(len(texts.values))
        else:
            found = pc.index_in(texts.values, value_set=known)
            mapped = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
            new = np.flatnonzero(mapped < 0)
            mapped[new] = len(known) + np.arange(len(new))
            known = pa.concat_arrays([known, texts.values.take(pa.array(new))])
        parts.append(np.append(mapped, -1)[ids])
    return np.concatenate(parts)


def _keys(provider: Names, numbers: pa.Array, which: slice = slice(None)) -> pa.Array:
    names = pa.array(provider.values, pa.string()).take(pa.array(provider.ids[which]))
    return pc.binary_join_element_wise(names, numbers[which], ":")


def _repeated(provider: Names, numbers: pa.Array, here: int) -> Numbers:
    """Places of the spells of the history that the extract holds too."""
    if len(numbers) == here:
        return np.zeros(0, np.int64)
    own = _keys(provider, numbers, slice(0, here))
    earlier = _keys(provider, numbers, slice(here, None))
    held = pc.is_in(earlier, value_set=own).to_numpy(zero_copy_only=False)
    return here + np.flatnonzero(held)


def _ranks(provider: Names, numbers: pa.Array, *, one: bool) -> Numbers:
    """Rank spells by provider and number; the spells of one run stand in that order already."""
    if one:
        return np.arange(len(numbers))
    names = pa.array(provider.values, pa.string()).take(pa.array(provider.ids))
    table = pa.table({"provider": names, "number": numbers})
    order = pc.sort_indices(
        table, sort_keys=[("provider", "ascending"), ("number", "ascending")]
    ).to_numpy()
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks
