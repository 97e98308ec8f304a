"""The artificial extract, chunk by chunk: `synthesise` streams it, whatever its size.

Each chunk of patients has its own child of the seed, is drawn, coded, dated, cut into episodes,
billed, and handed on before the next one begins, so memory does not grow with the extract. One
module per concern: `population`, `clinical`, `stay`, `admission`, `episodes`, `columns`, `billing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.errors import UsageError
from tariff.simulate import catalogue as tables
from tariff.simulate.admission import admit
from tariff.simulate.billing import BillingTally, Engine, bill, engine
from tariff.simulate.catalogue import Bools, Catalogue
from tariff.simulate.clinical import Causes, code_spells
from tariff.simulate.columns import Chunk, Words, rows, words
from tariff.simulate.episodes import split_spells
from tariff.simulate.plan import CHUNK_PATIENTS, Plan, make_plan
from tariff.simulate.population import Conditions, draw_patients
from tariff.simulate.raking import EXTRA_SPELLS_A_YEAR
from tariff.simulate.stay import date_spells

EPISODES_A_SPELL = 1.18  # an under-estimate only makes the last chunk larger
MARGIN = 1.08
LOW_BIRTH_WEIGHT = ("P070", "P071")
SPARE_PATIENTS = 60


@dataclass
class Tally:
    """What was made."""

    patients: int = 0
    spells: int = 0
    episodes: int = 0
    pence: int = 0  # billed
    billing: BillingTally = field(default_factory=BillingTally)


def synthesise(
    episodes: int,
    seed: int,
    year: str | None = None,
    *,
    month: str | None = None,
    providers: int | None = None,
    billed: bool = True,
    tally: Tally | None = None,
) -> Iterator[pa.RecordBatch]:
    """Stream an artificial extract of admitted care in canonical columns.

    The same arguments give the same rows. Without a year it is 2022/23; with a month, that month.
    """
    plan = make_plan(episodes, seed, year, month=month, providers=providers, billed=billed)
    return stream(plan, tally)


def stream(
    plan: Plan, tally: Tally | None = None, group_and_price: Engine | None = None
) -> Iterator[pa.RecordBatch]:
    """Stream the extract of a checked plan, exactly as many episodes as it orders."""
    price = (group_and_price or engine()) if plan.billed else None
    for made in stream_chunks(Maker(plan), tally, price):
        yield made.batch


@dataclass(frozen=True)
class Made:
    """A chunk of the extract, and what it was made of: other datasets are made of that too."""

    batch: pa.RecordBatch  # the rows, billed; spells that were left out are not among them
    chunk: Chunk
    first_patient: int  # the number in the identifier of the chunk's first patient
    first_spell: int
    seed: np.random.SeedSequence  # children of it are free


def stream_chunks(
    maker: Maker, tally: Tally | None = None, price: Engine | None = None
) -> Iterator[Made]:
    """Stream the extract of a maker's plan with what each chunk was made of."""
    plan = maker.plan
    tally = Tally() if tally is None else tally
    seeds = np.random.SeedSequence(plan.seed)
    while tally.episodes < plan.episodes:
        wanted = plan.episodes - tally.episodes
        seed = seeds.spawn(1)[0]
        rng = np.random.Generator(np.random.PCG64(seed))
        first_patient, first_spell = maker.patients + 1, maker.spells + 1
        batch = maker.chunk(rng, maker.patients_for(wanted))
        if price is not None:
            batch = bill(batch, plan.year, tally.billing, price)
            if batch.num_rows == 0:
                raise UsageError(
                    f"None of {tally.billing.spells:,} spells of {plan.year} could be billed.",
                    hint="Choose another year, or leave the billing out with --unbilled.",
                )
        if batch.num_rows > wanted:
            batch = batch.filter(pa.array(fitting(rng, batch, wanted)))
        tally.episodes += batch.num_rows
        tally.spells += len(batch["spell_id"].unique())
        tally.patients += len(batch["patient_id"].unique())
        tally.pence += int((pc.sum(batch["billed_total"]).as_py() or 0) * 100)
        assert maker.made is not None
        yield Made(batch, maker.made, first_patient, first_spell, seed)


def fitting(rng: np.random.Generator, batch: pa.RecordBatch, wanted: int) -> Bools:
    """Choose whole spells by chance that together have the number of rows wanted."""
    numbers = batch["spell_id"].indices.to_numpy(zero_copy_only=False)
    begin = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    size = np.diff(np.r_[begin, len(numbers)])
    order = rng.permutation(len(size))
    taken = order[np.cumsum(size[order]) <= wanted]
    keep = np.zeros(len(size), dtype=np.bool_)
    keep[taken] = True
    missing = wanted - int(size[keep].sum())  # less than one spell has: single episodes fill it
    keep[np.flatnonzero(~keep & (size == 1))[:missing]] = True
    chosen: Bools = np.repeat(keep, size)
    return chosen


@lru_cache(maxsize=4)
def _tables_of(period: Plan) -> tuple[Catalogue, Conditions, Causes]:
    """Read the tables once for all extracts of a period: the rest of a plan is not in them."""
    catalogue = tables.build(period)
    return catalogue, Conditions(catalogue.diagnoses), Causes(catalogue)


class Maker:
    """Holds the tables of a plan and makes one chunk after another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        period = replace(plan, episodes=1, seed=0, providers=())
        self.catalogue, self.conditions, self.causes = _tables_of(period)
        self.texts: Words = words(plan, self.catalogue)
        self.patients = 0
        self.spells = 0
        self.made: Chunk | None = None  # the last chunk

    def patients_for(self, episodes: int) -> int:
        """Return how many patients to draw for some episodes, a chunk at most."""
        spells = 1 + EXTRA_SPELLS_A_YEAR * self.plan.days / 365
        estimate = episodes / EPISODES_A_SPELL / spells * MARGIN
        return min(CHUNK_PATIENTS, int(estimate) + SPARE_PATIENTS)

    def chunk(self, rng: np.random.Generator, count: int) -> pa.RecordBatch:
        """Make one chunk of patients and everything that happens to them."""
        plan, catalogue = self.plan, self.catalogue
        patients, spells = draw_patients(rng, plan, catalogue, self.conditions, count)
        spells, stays = date_spells(rng, plan, catalogue, patients, spells)
        codings = code_spells(
            rng, catalogue, self.conditions, self.causes, patients, spells, stays.length
        )
        low_weight = self.low_weight[codings.diagnoses[:, 0]]
        admissions = admit(rng, catalogue, patients, spells, stays, low_weight)
        episodes = split_spells(rng, catalogue, spells, stays, admissions, codings)
        self.made = chunk = Chunk(patients, spells, stays, admissions, episodes)
        batch = rows(rng, plan, catalogue, self.texts, chunk, self.patients + 1, self.spells + 1)
        self.patients += count
        self.spells += len(spells)
        return batch

    @cached_property
    def low_weight(self) -> Bools:
        """Say which diagnoses are of a low birth weight."""
        return np.isin(self.catalogue.diagnoses.codes, LOW_BIRTH_WEIGHT)
