"""Flex and freeze: one month as it is first sent, and as it stands a few weeks later.

Freeze is the honest month. Flex is made from it by undoing what coders and clerks do in between:
some stays are not coded yet (R69X, grouped to UZ01Z, billed at nothing), some lack a diagnosis or
have another day of discharge, some are not entered yet; and a few stand there that will be deleted.
What flex says is billed honestly as it stands.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.errors import UsageError
from tariff.simulate.billing import BillingTally, Engine, bill, engine
from tariff.simulate.catalogue import Bools, Ints
from tariff.simulate.clinical import DIAGNOSES, PROCEDURES
from tariff.simulate.columns import BILLED, SCHEMA
from tariff.simulate.extract import Made, Maker, stream_chunks
from tariff.simulate.plan import Plan
from tariff.simulate.year import Batches, Year, YearTally, stream_year, wanted_of

Statement = Literal["flex", "freeze"]

UNCODED, UNCODED_AT_THE_END = 0.06, 0.28  # of stays: and of those that end in the last days
LAST_DAYS = 6
ANOTHER_CODE = 0.03
ANOTHER_DAY = 0.008
NOT_YET_ENTERED = 0.015
NOT_YET_ENTERED_AT_THE_END = 0.05
DELETED_LATER = 0.006
ENTERED_APART = ("attendances", "emergency", "lines")
OTHERS_NOT_YET = 0.02  # of those
OF_STAYS = ("critical_care", "periods")  # entered with the stay
FIRST_NUMBER = 900_000_000  # of patients and stays that will be deleted
UNCODED_DIAGNOSIS, UNCODED_HRG = "R69X", "UZ01Z"
SEED_OF_FLEX = 1_000  # which child of a chunk's seed


@dataclass
class Changes:
    """What flex says otherwise, counted in stays."""

    uncoded: int = 0
    other_codes: int = 0
    other_days: int = 0
    not_yet: int = 0
    deleted_later: int = 0


def stream_statement(
    plan: Plan,
    statement: Statement,
    datasets: tuple[str, ...] = ("episodes",),
    tally: YearTally | None = None,
    group_and_price: Engine | None = None,
    changes: Changes | None = None,
) -> Iterator[Batches]:
    """Stream the datasets of a month as one statement has them."""
    if statement == "freeze":
        yield from stream_year(plan, datasets, tally, group_and_price)
        return
    if not plan.month or not plan.billed:
        raise UsageError(
            "A flex statement is of one month, and billed.",
            hint="Give the month, such as --month 2022-09.",
        )
    tally = YearTally() if tally is None else tally
    price = group_and_price or engine()
    maker = Maker(plan)
    flex = Flex(maker, price, Changes() if changes is None else changes)
    wanted = wanted_of(datasets)
    year = Year(maker, price) if wanted != {"episodes"} else None
    for made in stream_chunks(maker, tally.admitted, price):
        rest = year.rest(made) if year is not None else {}
        episodes, missing = flex.episodes(made)
        batches = flex.others({"episodes": episodes, **rest}, missing)
        yield tally.counted({name: batch for name, batch in batches.items() if name in wanted})


class Flex:
    """Makes the flex of one chunk after another."""

    def __init__(self, maker: Maker, price: Engine, changes: Changes) -> None:
        self.maker, self.price, self.changes = maker, price, changes
        self.plan = maker.plan
        # Those that will be deleted have numbers of their own.
        self.extra = copy.copy(maker)
        self.extra.patients = self.extra.spells = FIRST_NUMBER
        self.rng = np.random.default_rng(0)

    def episodes(self, made: Made) -> tuple[pa.RecordBatch, pa.Array]:
        """Return the flex of the admitted rows, and the stays that are not in it yet."""
        entropy = made.seed.entropy
        key = (*made.seed.spawn_key, SEED_OF_FLEX)
        child = np.random.SeedSequence(entropy, spawn_key=key)
        self.rng = rng = np.random.Generator(np.random.PCG64(child))
        batch = made.batch
        numbers = batch["spell_id"].indices.to_numpy(zero_copy_only=False)
        begin = np.r_[True, numbers[1:] != numbers[:-1]]
        of: Ints = np.cumsum(begin) - 1
        last = np.r_[begin[1:], True]
        days = self._days(batch)[last]
        end = days >= self.plan.days - LAST_DAYS
        draw = rng.random((4, len(days)))
        billed = pc.is_valid(batch["billed_total"]).to_numpy(zero_copy_only=False)[last]
        missing = draw[0] < np.where(end, NOT_YET_ENTERED_AT_THE_END, NOT_YET_ENTERED)
        uncoded = ~missing & billed & (draw[1] < np.where(end, UNCODED_AT_THE_END, UNCODED))
        open_to = ~missing & ~uncoded & billed
        code = open_to & (draw[2] < ANOTHER_CODE)
        day = open_to & ~code & (draw[3] < ANOTHER_DAY)
        gone = batch["spell_id"].cast(pa.string()).filter(pa.array(missing[of])).unique()
        rows = list(batch.columns)
        self._uncode(rows, uncoded[of], last)
        changed = self._other_codes(rows, code[of], of)
        moved = self._other_days(rows, batch, day[of], last)
        flexed = pa.RecordBatch.from_arrays(rows, schema=SCHEMA)
        again = _every(changed | moved, of)
        new = self._billed_again(flexed, again)
        kept = flexed.filter(pa.array(~missing[of] & ~again))
        extra = self._deleted_later(len(days))
        table = pa.Table.from_batches([kept, new, extra]).unify_dictionaries()
        order = pc.sort_indices(
            pa.table(
                {
                    "provider": table["provider"].cast(pa.string()),
                    "day": table["discharge_date"],
                    "spell": table["spell_id"].cast(pa.string()),
                    "order": table["episode_order"],
                }
            ),
            sort_keys=[(name, "ascending") for name in ("provider", "day", "spell", "order")],
        )
        whole = _one_batch(table.take(order))
        self.changes.uncoded += int(uncoded.sum())
        self.changes.other_codes += len(np.unique(of[changed]))
        self.changes.other_days += len(np.unique(of[moved]))
        self.changes.not_yet += int(missing.sum())
        return whole, gone

    def others(self, batches: Batches, missing: pa.Array) -> Batches:
        """Return all datasets marked as flex; some rows of each are not entered yet."""
        gone: dict[str, pa.Array] = {"spell_id": missing}
        found: Batches = {}
        for name, batch in batches.items():
            if name in (*ENTERED_APART, *OF_STAYS):
                keep = np.ones(batch.num_rows, dtype=np.bool_)
                if name in ENTERED_APART:
                    keep = self.rng.random(batch.num_rows) >= OTHERS_NOT_YET
                for column, values in gone.items():
                    if column in batch.schema.names and name in ("lines", *OF_STAYS):
                        texts = batch[column].cast(pa.string())
                        there = pc.is_in(texts, value_set=values)
                        keep &= ~there.to_numpy(zero_copy_only=False)
                if name == "attendances":
                    texts = batch["attendance_id"].cast(pa.string())
                    gone["attendance_id"] = texts.filter(pa.array(~keep))
                batch = batch.filter(pa.array(keep))
            found[name] = _marked(batch)
        return found

    # ------------------------------------------------------------ one kind of change each

    def _days(self, batch: pa.RecordBatch) -> Ints:
        first = (np.datetime64(self.plan.first_day) - np.datetime64("1970-01-01")).astype(np.int64)
        days = batch["discharge_date"].cast(pa.int32()).to_numpy(zero_copy_only=False)
        found: Ints = days.astype(np.int64) - first
        return found

    def _uncode(self, rows: list[pa.Array], which: Bools, last: Bools) -> None:
        """Take the codes away; the stay is grouped to UZ01Z and billed at nothing."""
        mask = pa.array(which)
        _put(rows, "diag_01", mask, UNCODED_DIAGNOSIS)
        for i in range(2, DIAGNOSES + 1):
            _put(rows, f"diag_{i:02d}", mask, None)
        for i in range(1, PROCEDURES + 1):
            _put(rows, f"oper_{i:02d}", mask, None)
        _put(rows, "oper_date_01", mask, None)
        bill_row = pa.array(which & last)
        _put(rows, "billed_hrg", bill_row, UNCODED_HRG)
        for name in ("billed_price", "billed_total", "billed_excess_days"):
            _put(rows, name, bill_row, 0)

    def _other_codes(self, rows: list[pa.Array], which: Bools, of: Ints) -> Bools:
        """Take the last secondary diagnosis of each episode away: it is found later."""
        changed = np.zeros(len(which), dtype=np.bool_)
        left = which.copy()
        for i in range(DIAGNOSES, 1, -1):
            at = SCHEMA.get_field_index(f"diag_{i:02d}")
            filled = pc.is_valid(rows[at]).to_numpy(zero_copy_only=False)
            # External causes and outcomes of delivery stay: they belong to the first.
            first = pc.utf8_slice_codeunits(rows[at].cast(pa.string()), 0, 1)
            fixed = pc.is_in(first, value_set=pa.array(["V", "W", "X", "Y"]))
            fixed = fixed.to_numpy(zero_copy_only=False)
            here = left & filled
            left &= ~filled
            if i == 2:
                here &= ~fixed
            _put(rows, f"diag_{i:02d}", pa.array(here), None)
            changed |= here
        return changed

    def _other_days(
        self, rows: list[pa.Array], batch: pa.RecordBatch, which: Bools, last: Bools
    ) -> Bools:
        """Enter a discharge a day early, where the last episode and its operation allow it."""

        def number(name: str) -> Ints:
            array = batch[name]
            if pa.types.is_date32(array.type):
                array = array.cast(pa.int32())
            found: Ints = pc.fill_null(array, -1).to_numpy(zero_copy_only=False).astype(np.int64)
            return found

        good = last & which & (number("episode_duration") >= 2)
        for name in ("critical_care_days", "rehabilitation_days", "palliative_care_days"):
            good &= number(name) == 0
        good &= number("oper_date_01") < number("episode_end_date")
        good &= self._days(batch) >= 1
        numbers = batch["spell_id"].indices.to_numpy(zero_copy_only=False)
        stays = np.unique(numbers[good])
        of_stay = np.isin(numbers, stays)
        for name in ("discharge_date", "ready_for_discharge_date"):
            _earlier(rows, name, of_stay)
        _earlier(rows, "episode_end_date", good)
        at = SCHEMA.get_field_index("episode_duration")
        shorter = pa.array((number("episode_duration") - good).astype(np.int32))
        rows[at] = shorter
        return good

    def _billed_again(self, batch: pa.RecordBatch, which: Bools) -> pa.RecordBatch:
        """Bill stays honestly as flex has them."""
        part = batch.filter(pa.array(which))
        blank = [
            pa.nulls(part.num_rows, field.type) if field.name in BILLED else part.column(i)
            for i, field in enumerate(SCHEMA)
        ]
        part = pa.RecordBatch.from_arrays(blank, schema=SCHEMA)
        if part.num_rows == 0:
            return part
        return bill(part, self.plan.year, BillingTally(), self.price)

    def _deleted_later(self, stays: int) -> pa.RecordBatch:
        """Return stays that are in flex only: of the wrong commissioner, or never were."""
        wanted = int(self.rng.binomial(stays, DELETED_LATER))
        count = max(wanted, 1)
        batch = self.extra.chunk(self.rng, count)
        batch = bill(batch, self.plan.year, BillingTally(), self.price)
        texts = batch["spell_id"].cast(pa.string())
        chosen = texts.unique().slice(0, wanted)
        found = batch.filter(pc.is_in(texts, value_set=chosen))
        self.changes.deleted_later += len(chosen)
        return found


def _every(which: Bools, of: Ints) -> Bools:
    """Say which rows are of a stay in which some row is changed."""
    count = int(of.max(initial=-1)) + 1
    touched = np.zeros(count, dtype=np.bool_)
    touched[of[which]] = True
    found: Bools = touched[of]
    return found


def _put(rows: list[pa.Array], name: str, where: pa.Array, value: object) -> None:
    """Write one value into some rows of a column."""
    at = SCHEMA.get_field_index(name)
    column, kind = rows[at], SCHEMA.field(name).type
    if pa.types.is_dictionary(kind):
        text = pc.if_else(where, pa.scalar(value, pa.string()), column.cast(pa.string()))
        rows[at] = text.dictionary_encode().cast(kind)
    else:
        rows[at] = pc.if_else(where, pa.scalar(value, kind), column)


def _earlier(rows: list[pa.Array], name: str, where: Bools) -> None:
    at = SCHEMA.get_field_index(name)
    days = rows[at].cast(pa.int32())
    less = pa.array(where.astype(np.int32))
    rows[at] = pc.subtract(days, less).cast(pa.date32())


def _marked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose statement is flex."""
    at = batch.schema.get_field_index("statement")
    if at < 0:
        return batch
    there = pc.is_valid(batch.column(at))
    text = pc.if_else(there, pa.scalar("flex"), pa.scalar(None, pa.string()))
    return batch.set_column(at, batch.schema.field(at), text.dictionary_encode())


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    arrays = []
    for column in table.columns:
        whole = column.combine_chunks()
        arrays.append(whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks))
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
