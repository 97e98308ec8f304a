"""Plants faults in all datasets of a year, chunk by chunk, after those of admitted care.

Each rule draws in each chunk from a seed of its own, as in admitted care. Patients who have a fault
there already are left alone, and so is everybody who has one here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from tariff.extract.fields import REGISTERS
from tariff.simulate.catalogue import Bools, Ints
from tariff.simulate.faults.beside import Beside
from tariff.simulate.faults.care_model import RECORDS, CarePlanter, Change, care_planters
from tariff.simulate.faults.chunk import PlantTally
from tariff.simulate.faults.desk import Desk
from tariff.simulate.faults.key import row_id, text_of
from tariff.simulate.faults.model import (
    FAULT,
    NEAR_MISS,
    ORIGIN,
    Kind,
    Planted,
    Row,
    Undo,
    planters,
)
from tariff.simulate.faults.order import Amount, Order
from tariff.simulate.frames import SCHEMAS

Batches = dict[str, pa.RecordBatch]
SNAPSHOTS = ("national", "earlier")
REFUSALS = 600  # of a rule in a chunk, of rows that do not lend themselves
NOT_AT_HAND = "it is planted in other datasets: --datasets all"


def part_of_spells(order: Order, *, others: bool) -> Order:
    """Return what of an order is planted in admitted care; `others`: all datasets are at hand."""
    parts: dict[str, Any] = {}
    for name, kind in (("faults", FAULT), ("near_misses", NEAR_MISS)):
        wanted: Mapping[str, Amount] = getattr(order, name)
        parts[name] = {
            rule: _share(amount, kind, rule, spells=True) if others else amount
            for rule, amount in wanted.items()
            if planters(kind, rule)
        }
    return replace(order, faults=parts["faults"], near_misses=parts["near_misses"])


def care_only(order: Order) -> list[str]:
    """Return the rules of an order that are not planted in admitted care."""
    return sorted(rule for rule in order.faults if not planters(FAULT, rule))


def part_of_care(order: Order) -> Order:
    """Return what of an order is planted in all datasets."""
    parts: dict[str, Any] = {}
    for name, kind in (("faults", FAULT), ("near_misses", NEAR_MISS)):
        wanted: Mapping[str, Amount] = getattr(order, name)
        parts[name] = {
            rule: _share(amount, kind, rule, spells=False)
            for rule, amount in wanted.items()
            if care_planters(kind, rule)
        }
    return replace(order, faults=parts["faults"], near_misses=parts["near_misses"])


def _share(amount: Amount, kind: Kind, rule: str, *, spells: bool) -> Amount:
    """A number is shared out by the ways there are of making the fault."""
    here, there = len(planters(kind, rule)), len(care_planters(kind, rule))
    if amount.share is not None or amount.as_faults:
        return amount
    own = amount.count * here // (here + there)
    return replace(amount, count=own if spells else amount.count - own)


@dataclass
class _Job:
    kind: Kind
    rule: str
    wanted: int
    rng: np.random.Generator
    ways: list[CarePlanter]
    queues: list[Ints]
    done: list[tuple[CarePlanter, Row, Change]] = field(default_factory=list)


class CarePlanting:
    """The planting of one chunk after another."""

    def __init__(self, order: Order, tally: PlantTally, total: int) -> None:
        self.order, self.tally, self.total = part_of_care(order), tally, total
        needs = {
            (name, way.of)
            for kind, wanted in ((FAULT, self.order.faults), (NEAR_MISS, self.order.near_misses))
            for rule in wanted
            for way in care_planters(kind, rule)
            for name in way.needs
        }
        self.beside = Beside({name for name, _ in needs} - set(SNAPSHOTS))
        # A snapshot has the datasets in which it differs: the same file twice is refused.
        self.snapshots = sorted(one for one in needs if one[0] in SNAPSHOTS)
        self.begin = 0

    def __bool__(self) -> bool:
        return bool(self.order.faults or self.order.near_misses)

    def chunk(
        self, batches: Batches, there: Iterable[Planted], episodes: int
    ) -> tuple[Batches, list[Planted]]:
        """Plant in a chunk of so many honest episodes, in which some faults are there already."""
        rows = self.begin, self.begin + episodes, self.total
        self.begin += episodes
        work = _Chunk(self, batches, there, rows)
        lines = work.plant()
        return work.assembled(), lines


class _Chunk:
    def __init__(
        self,
        planting: CarePlanting,
        batches: Batches,
        there: Iterable[Planted],
        rows: tuple[int, int, int],
    ) -> None:
        self.planting, self.order, self.tally = planting, planting.order, planting.tally
        self.batches, self.rows = batches, rows
        self.desk = Desk(batches)
        self.taken: set[str] = self._patients(there)
        self.put: dict[str, dict[int, Row]] = defaultdict(dict)
        self.drop: dict[str, set[int]] = defaultdict(set)
        self.new: dict[str, list[tuple[int, Row]]] = defaultdict(list)  # after which row

    def _patients(self, there: Iterable[Planted]) -> set[str]:
        """Return the patients of records in which something is planted."""
        wanted = {record for line in there for record in line.records}
        batch = self.batches["episodes"]
        columns = (batch[name].to_pylist() for name in ("provider", "spell_id", "patient_id"))
        taken: set[str] = set()
        for provider, spell, patient in zip(*columns, strict=True):
            if patient is not None and f"spell:{provider}:{spell}" in wanted:
                taken.add(patient)
        return taken

    # ------------------------------------------------------------ whose turn it is

    def plant(self) -> list[Planted]:
        jobs: list[_Job] = []
        faults: dict[str, int] = {}
        for kind, wanted in ((FAULT, self.order.faults), (NEAR_MISS, self.order.near_misses)):
            for rule, amount in sorted(wanted.items()):
                job = self._job(kind, rule, amount, faults.get(rule, 0))
                if kind == FAULT:
                    faults[rule] = job.wanted
                jobs.append(job)
        jobs.sort(key=lambda job: (sum(map(len, job.queues)), job.kind, job.rule))
        lines = [line for job in jobs for line in self._made(job)]
        for job in jobs:
            self.tally.asked[job.kind, job.rule] += job.wanted
            self.tally.planted[job.kind, job.rule] += len(job.done)
        return lines

    def _job(self, kind: Kind, rule: str, amount: Amount, faults: int) -> _Job:
        ways = care_planters(kind, rule)
        rng = self._chance(f"{kind} {rule}")
        masks: list[Bools] = [way.eligible(self.desk[way.of]) for way in ways]
        begin, end, total = self.rows
        if amount.as_faults:
            wanted = faults
        elif amount.share is not None:
            eligible = sum(int(mask.sum()) for mask in masks) // len(masks)
            wanted = int(float(amount.share) * eligible + rng.random())
        else:
            wanted = amount.count * end // total - amount.count * begin // total
        queues = [rng.permutation(np.flatnonzero(mask)) for mask in masks]
        return _Job(kind, rule, wanted, rng, ways, queues)

    def _chance(self, name: str) -> np.random.Generator:
        first = self.batches["attendances"]["attendance_id"][0].as_py()
        text = f"{self.order.seed}\n{first}\n{name}"
        words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint32)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words.tolist())))

    def _made(self, job: _Job) -> Iterable[Planted]:
        """Try one row after another until there are as many as are wanted; each way in turn."""
        places = [0] * len(job.ways)
        refusals, way, idle = 0, 0, 0
        self.desk.rng = job.rng
        while len(job.done) < job.wanted and refusals < REFUSALS and idle < len(job.ways):
            now = way % len(job.ways)
            way += 1
            if places[now] >= len(job.queues[now]):
                idle += 1
                continue
            idle = 0
            planter = job.ways[now]
            # A way keeps its turn until it has made one, or has been refused long enough.
            for _ in range(40):
                if places[now] >= len(job.queues[now]):
                    break
                row = self.desk[planter.of].row(int(job.queues[now][places[now]]))
                places[now] += 1
                if self._is_taken(row, planter.of):
                    continue
                change = planter.make(self.desk, row)
                if change is None or not self._fits(change):
                    refusals += 1
                    continue
                yield self._take(job, planter, row, change)
                break

    def _is_taken(self, row: Row, dataset: str) -> bool:
        if row[ORIGIN] in self.put[dataset] or row[ORIGIN] in self.drop[dataset]:
            return True
        return row.get("patient_id") in self.taken and not self.order.several

    def _fits(self, change: Change) -> bool:
        """Say whether no row of a change has been changed already, or belongs to another fault."""
        for name, row in change.put:
            at = row.get(ORIGIN)
            if at is not None and (at in self.put[name] or at in self.drop[name]):
                return False
            if name in self.batches and row.get("patient_id") in self.taken:
                return False
        return all(
            at not in self.put[name] and at not in self.drop[name] for name, at in change.drop
        ) and self.planting.beside.has_room([one for one in change.put if one[0] in REGISTERS])

    # ------------------------------------------------------------ what is made

    def _take(self, job: _Job, planter: CarePlanter, honest: Row, change: Change) -> Planted:
        job.done.append((planter, honest, change))
        money = 0
        undo: tuple[list[str], list[tuple[str, str, str | None]]] = ([], [])
        for name, row in change.put:
            at = row.get(ORIGIN)
            if name in RECORDS:
                money += _pence(row)
                if at is not None:
                    money -= _pence(self.desk[name].row(at))
            if at is not None:
                self.put[name][at] = row
            elif name in self.planting.beside.names:
                self.planting.beside.add(name, row)
            else:
                after = honest[ORIGIN] if name == planter.of else self._end(name)
                self.new[name].append((after, row))
            if name == "episodes":
                self._note(row, undo)
        for name, at in change.drop:
            self.drop[name].add(at)
            if name in RECORDS:
                money -= _pence(self.desk[name].row(at))
        about = change.about
        records = {
            self.desk.record(change.kind_of_about, row) for row in about or ()
        } if about is not None else {
            self.desk.record(name, row) for name, row in change.put if name in RECORDS
        }  # fmt: skip
        people = {honest.get("patient_id")}
        people |= {row.get("patient_id") for name, row in change.put if name in RECORDS}
        self.taken |= {patient for patient in people if patient is not None}
        value = 0 if job.kind == NEAR_MISS else money if change.value is None else change.value
        self.tally.value_pence += value
        self.tally.change_pence += money
        return Planted(
            kind=job.kind,
            rule=job.rule,
            way=planter.way,
            provider=honest["provider"],
            records=tuple(sorted(records)),
            value_pence=value,
            change_pence=money,
            also=change.also,
            how=change.how,
            undo=Undo(tuple(undo[0]), tuple(undo[1])),
        )

    def _note(self, row: Row, undo: tuple[list[str], list[tuple[str, str, str | None]]]) -> None:
        """Write down how an edit of the admitted rows is undone."""
        name = row_id(row["provider"], row["spell_id"], 1)
        if row[ORIGIN] is None:
            undo[0].append(name)
            return
        original = self.desk["episodes"].row(row[ORIGIN])
        undo[1].extend(
            (name, column, text_of(value))
            for column, value in original.items()
            if column != ORIGIN and row[column] != value
        )

    def _end(self, name: str) -> int:
        return self.batches[name].num_rows - 1 if name in self.batches else -1

    def assembled(self) -> Batches:
        """Return the batches with everything in them, and the registers and snapshots beside."""
        found = {name: self._with(name, batch) for name, batch in self.batches.items()}
        beside = self.planting.beside.batches(self.batches, found)
        for snapshot, name in self.planting.snapshots:
            found[f"{snapshot}/{name}"] = self._with(name, self.batches[name], snapshot)
        return {**found, **beside}

    def _with(self, name: str, batch: pa.RecordBatch, snapshot: str = "") -> pa.RecordBatch:
        """Return a batch with its edits, and those of a snapshot on top of them."""
        put = dict(self.put[name])
        drop = set(self.drop[name])
        new = list(self.new[name])
        if snapshot:
            own = f"{snapshot}/{name}"
            put |= self.put[own]
            drop = (drop | self.drop[own]) - set(self.put[own])
            new += self.new[own]
        if not put and not drop and not new:
            return batch
        new.sort(key=lambda one: one[0])
        count = batch.num_rows
        rows = [*(put[at] for at in sorted(put)), *(row for _, row in new)]
        place = {at: count + number for number, at in enumerate(sorted(put))}
        order: list[int] = []
        waiting = iter(enumerate(new))
        coming = next(waiting, None)
        touched = sorted({*put, *drop, *(at for at, _ in new)})
        done = 0
        for at in touched:
            order.extend(range(done, max(at, 0)))
            if at >= 0 and at not in drop:
                order.append(place.get(at, at))
            done = at + 1
            while coming is not None and coming[1][0] == at:
                order.append(count + len(put) + coming[0])
                coming = next(waiting, None)
        order.extend(range(done, count))
        schema = SCHEMAS[name]
        extra = pa.RecordBatch.from_pylist([_cells(row, schema) for row in rows], schema=schema)
        table = pa.Table.from_batches([batch, extra]).unify_dictionaries()
        taken = table.combine_chunks().take(pa.array(order, pa.int64()))
        return taken.combine_chunks().to_batches()[0]


def _cells(row: Row, schema: pa.Schema) -> dict[str, Any]:
    return {name: row.get(name) for name in schema.names}


def _pence(row: Row) -> int:
    return int((row.get("billed_total") or Decimal(0)) * 100)
