"""Plants faults chunk by chunk: whose turn it is, what is made, and what must be undone.

A chunk is drawn from its own seed, made of the seed of the order and the first spell number of the
chunk, and each rule from its own child of it: the order in which chunks come changes nothing, nor
does another rule. Patients lie within one chunk. Memory holds one chunk.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tariff.errors import UsageError
from tariff.simulate.billing import Engine
from tariff.simulate.billing import engine as the_engine
from tariff.simulate.catalogue import Bools, Ints
from tariff.simulate.columns import SCHEMA
from tariff.simulate.faults.bench import Bench
from tariff.simulate.faults.edits import pence
from tariff.simulate.faults.key import row_id, text_of
from tariff.simulate.faults.model import (
    FAULT,
    NEAR_MISS,
    ORIGIN,
    Kind,
    Made,
    Making,
    Planted,
    Planter,
    Spell,
    Undo,
    planters,
)
from tariff.simulate.faults.order import Amount, Order
from tariff.simulate.faults.view import View

ROUNDS = 8
MOST_REFUSALS = 400  # in a round, of spells that do not lend themselves
MORE = 4  # how many more candidates than wanted are tried from the second round on


@dataclass
class PlantTally:
    """What was asked for and what was planted."""

    asked: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    planted: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    value_pence: int = 0
    change_pence: int = 0
    skipped: dict[str, str] = field(default_factory=dict)  # rule -> why it was not planted

    def short(self) -> list[tuple[Kind, str]]:
        """Return what was asked for and could not be planted in full."""
        return sorted(key for key, asked in self.asked.items() if self.planted[key] < asked)


def plant(
    batches: Iterable[pa.RecordBatch],
    order: Order,
    *,
    write: Callable[[Planted], None],
    total: int | None = None,
    engine: Engine | None = None,
    tally: PlantTally | None = None,
) -> Iterator[pa.RecordBatch]:
    """Stream the batches with faults in them; `write` is given each line of the key in turn.

    `total` is the number of rows that the batches have together; amounts that are numbers need it.
    """
    if order.counts and total is None:
        raise UsageError(
            "A number of faults needs the size of the extract.", hint="Give a share instead."
        )
    tally = PlantTally() if tally is None else tally
    price = engine or the_engine()
    begin = 0
    for batch in batches:
        end = begin + batch.num_rows
        if batch.num_rows:
            planting = ChunkPlanting(batch, order, price, (begin, end, total or end), tally)
            batch, lines = planting.run()
            for line in lines:
                write(line)
        begin = end
        yield batch


@dataclass
class _Job:
    """One rule's faults, or near misses, of a chunk."""

    kind: Kind
    rule: str
    wanted: int
    rng: np.random.Generator
    ways: list[Planter]
    queues: list[Ints]  # candidates of each way, in the order in which they are tried
    done: list[tuple[Planter, int, Made]] = field(default_factory=list)

    @property
    def missing(self) -> int:
        return self.wanted - len(self.done)


_Attempt = tuple[_Job, Planter, int, Spell, "Made | Making"]


class ChunkPlanting:
    """The planting of one chunk."""

    def __init__(
        self,
        batch: pa.RecordBatch,
        order: Order,
        engine: Engine,
        rows: tuple[int, int, int],
        tally: PlantTally,
    ) -> None:
        self.order, self.rows, self.tally = order, rows, tally
        self.view = View(batch, order.deaths or {})
        self.bench = Bench(self.view, engine, order.deaths)
        self.taken = np.zeros(len(self.view), dtype=np.bool_)  # spells
        self.people = np.zeros(int(self.view.patient.max()) + 2, dtype=np.bool_)
        self.wanted: dict[str, int] = {}  # faults of each rule

    def run(self) -> tuple[pa.RecordBatch, list[Planted]]:
        """Plant, and return the chunk and its lines of the key, in the order of the file."""
        jobs = [
            job
            for kind, wanted in ((FAULT, self.order.faults), (NEAR_MISS, self.order.near_misses))
            for rule, amount in sorted(wanted.items())
            if (job := self._job(kind, rule, amount)) is not None
        ]
        # Those with the least choice first.
        jobs.sort(key=lambda job: (sum(map(len, job.queues)), job.kind, job.rule))
        for turn in range(ROUNDS):
            attempts = [one for job in jobs for one in self._attempts(job, turn)]
            if not attempts:
                break
            self._finish(attempts)
        made = sorted(
            ((number, job, way, made) for job in jobs for way, number, made in job.done),
            key=lambda one: one[0],
        )
        for job in jobs:
            self.tally.planted[job.kind, job.rule] += len(job.done)
        return self._assembled([(number, one) for number, _, _, one in made]), [
            self._line(job, way, number, one) for number, job, way, one in made
        ]

    # ------------------------------------------------------------ whose turn it is

    def _job(self, kind: Kind, rule: str, amount: Amount) -> _Job | None:
        ways = [way for way in planters(kind, rule) if not way.needs or self.order.deaths]
        if not ways:
            self.tally.skipped[rule] = "the register of deaths was not given"
            return None
        rng = self._chance(f"{kind} {rule}")
        masks: list[Bools] = [way.eligible(self.view) & self.view.billed for way in ways]
        eligible = int(np.logical_or.reduce(masks).sum())
        begin, end, total = self.rows
        if amount.as_faults:
            wanted = self.wanted.get(rule, 0)
        elif amount.share is not None:
            wanted = int(float(amount.share) * eligible + rng.random())
        else:
            wanted = amount.count * end // total - amount.count * begin // total
        if kind == FAULT:
            self.wanted[rule] = wanted
        self.tally.asked[kind, rule] += wanted
        queues = [rng.permutation(np.flatnonzero(mask)) for mask in masks]
        return _Job(kind, rule, wanted, rng, ways, queues)

    def _chance(self, name: str) -> np.random.Generator:
        """Return the chance of one rule in this chunk."""
        first = self.view.batch["spell_id"][0].as_py()
        text = f"{self.order.seed}\n{first}\n{name}"
        words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint32)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words.tolist())))

    def _attempts(self, job: _Job, turn: int) -> Iterator[_Attempt]:
        """Start planters on the next candidates; each way has its turn."""
        tries = 0 if job.missing <= 0 else job.missing if turn == 0 else job.missing * MORE + 8
        place = len(job.done)
        idle, refusals = 0, 0
        while tries > 0 and idle < len(job.ways) and refusals < MOST_REFUSALS:
            way = place % len(job.ways)
            place += 1
            number = self._next(job, way)
            if number < 0:
                idle += 1
                continue
            idle = 0
            self._hold(number, True)
            self.bench.rng = job.rng
            spell = self.bench.spell(number)
            result = job.ways[way].make(self.bench, spell)
            if result is None:
                refusals += 1
                self._hold(number, False)
            else:
                tries -= 1
                yield job, job.ways[way], number, spell, result

    def _next(self, job: _Job, way: int) -> int:
        """Take the next candidate of a way that is free; -1 for none."""
        queue = job.queues[way]
        for place, number in enumerate(queue):
            if not self.taken[number] and (
                self.order.several or not self.people[self.view.patient[number]]
            ):
                job.queues[way] = queue[place + 1 :]
                return int(number)
        job.queues[way] = queue[:0]
        return -1

    def _hold(self, number: int, taken: bool) -> None:
        self.taken[number] = taken
        self.people[self.view.patient[number]] = taken

    # ------------------------------------------------------------ what is made

    def _finish(self, attempts: Sequence[_Attempt]) -> None:
        """Bill what the planters have changed, all at once, and let them go on."""
        results: list[Made | None] = [
            one[4] if isinstance(one[4], Made) else None for one in attempts
        ]
        waiting = [
            (place, one[4], next(one[4]))
            for place, one in enumerate(attempts)
            if isinstance(one[4], Generator)
        ]
        billed = iter(self.bench.bill([spell for _, _, spells in waiting for spell in spells]))
        for place, making, spells in waiting:
            outcomes = [next(billed) for _ in spells]
            if all(outcomes):
                try:
                    making.send(None)
                except StopIteration as stop:
                    results[place] = stop.value
            making.close()
        for (job, way, number, _, _), made in zip(attempts, results, strict=True):
            if made is not None and job.missing > 0:
                job.done.append((way, number, made))
            else:
                self._hold(number, False)

    def _line(self, job: _Job, way: Planter, number: int, made: Made) -> Planted:
        """Return the line of the key, with what must be undone."""
        honest = self.bench.spell(number)
        originals = {row[ORIGIN]: row for row in honest}
        remove: list[str] = []
        put: list[tuple[str, str, str | None]] = []
        seen: Counter[tuple[str, str]] = Counter()
        for row in (row for spell in made.spells for row in spell):
            at = row["provider"], row["spell_id"]
            seen[at] += 1
            name = row_id(*at, seen[at])
            if row[ORIGIN] is None:
                remove.append(name)
                continue
            original = originals.pop(row[ORIGIN])
            put.extend(
                (name, column, text_of(original[column]))
                for column in SCHEMA.names
                if row[column] != original[column]
            )
        if originals:
            raise AssertionError(f"{job.rule} {way.way} lost a row of {honest[0]['spell_id']}")
        change = pence(*made.spells) - pence(honest)
        value = change if made.value is None else made.value
        if job.kind == NEAR_MISS:
            value = 0
        about = made.spells if made.about is None else [made.spells[i] for i in made.about]
        records = {f"spell:{spell[0]['provider']}:{spell[0]['spell_id']}" for spell in about}
        self.tally.value_pence += value
        self.tally.change_pence += change
        return Planted(
            kind=job.kind,
            rule=job.rule,
            way=way.way,
            provider=honest[0]["provider"],
            records=tuple(sorted(records)),
            value_pence=value,
            change_pence=change,
            also=made.also,
            how=made.how,
            undo=Undo(tuple(remove), tuple(put)),
        )

    def _assembled(self, made: list[tuple[int, Made]]) -> pa.RecordBatch:
        """Return the chunk with the new rows in the place of the honest ones."""
        batch = self.view.batch
        rows = [row for _, one in made for spell in one.spells for row in spell]
        if not rows:
            return batch
        table = pa.Table.from_batches(
            [batch, pa.RecordBatch.from_pylist(rows, schema=SCHEMA)]
        ).unify_dictionaries()
        places: list[Ints] = []
        at, done = batch.num_rows, 0
        for number, one in made:
            start, size = int(self.view.start[number]), int(self.view.size[number])
            count = sum(len(spell) for spell in one.spells)
            places += [np.arange(done, start), np.arange(at, at + count)]
            at, done = at + count, start + size
        places.append(np.arange(done, batch.num_rows))
        taken = table.combine_chunks().take(pa.array(np.concatenate(places)))
        return taken.combine_chunks().to_batches()[0]
