"""Critical care: one period for each episode with days in critical care, inside that episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tariff.simulate.catalogue import CHILD_BANDS, Catalogue, Codes, Ints
from tariff.simulate.columns import Chunk
from tariff.simulate.frames import batch_of, coded, dates, numbered, take, text_column, times, whole
from tariff.simulate.plan import Plan

ORGANS = (
    "basic_respiratory_days",
    "advanced_respiratory_days",
    "basic_cardiovascular_days",
    "advanced_cardiovascular_days",
    "renal_days",
    "neurological_days",
    "gastrointestinal_days",
    "dermatological_days",
    "liver_days",
)
BASIC_RESPIRATORY, ADVANCED_RESPIRATORY, BASIC_CARDIOVASCULAR, ADVANCED_CARDIOVASCULAR = range(4)
RENAL, NEUROLOGICAL, GASTROINTESTINAL = 4, 5, 6
# Of periods at level 2 and at level 3, organ by organ: judgement.
SUPPORTED = np.array(
    [
        (0.62, 0, 0.72, 0, 0.04, 0.03, 0.10, 0.01, 0.005),
        (0.30, 0.88, 0.90, 0.35, 0.22, 0.10, 0.30, 0.01, 0.02),
    ]
)
INTENSIVE = 0.42  # of periods: some days at level 3
UNITS = ("01", "04")  # general adult, paediatric
ADULT_HRGS = ("XC07Z", "XC06Z", "XC05Z", "XC04Z", "XC03Z", "XC02Z", "XC01Z")  # by organs
CHILD_HRGS = ("XB07Z", "XB06Z", "XB05Z")
NOON = 12 * 60


@dataclass
class Periods:
    """One array entry a period. First and last day are both days of it."""

    spell: Codes
    first: Codes
    last: Codes
    level_2: Codes
    level_3: Codes
    organs: npt.NDArray[np.int32]  # period × ORGANS
    most: Codes  # most organs on one day
    child: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.spell)

    @property
    def days(self) -> Codes:
        """Return how many days each period has."""
        return self.level_2 + self.level_3

    def hrgs(self) -> list[str]:
        """Return the critical care HRG of each period."""
        adult, young = len(ADULT_HRGS) - 1, len(CHILD_HRGS) - 1
        return [
            CHILD_HRGS[min(most, young)] if child else ADULT_HRGS[min(most, adult)]
            for most, child in zip(self.most.tolist(), self.child.tolist(), strict=True)
        ]


def periods(rng: np.random.Generator, chunk: Chunk, kept: Ints) -> Periods:
    """Draw the periods of the spells that are in the extract."""
    episodes, spells = chunk.episodes, chunk.spells
    here = np.zeros(len(spells), dtype=np.bool_)
    here[kept] = True
    rows = np.flatnonzero((episodes.critical_days > 0) & here[episodes.spell])
    days = episodes.critical_days[rows]
    free = episodes.end[rows] - episodes.start[rows] - days  # at least 0: days fit the episode
    early = (rng.random(len(rows)) ** 3 * (free + 1)).astype(np.int32)
    first = episodes.start[rows] + np.minimum(early, free)
    intensive = rng.random(len(rows)) < INTENSIVE
    level_3 = np.where(intensive, np.ceil(days * rng.uniform(0.3, 1.0, len(rows))), 0)
    level_3 = np.minimum(level_3, days).astype(np.int32)
    level_2 = (days - level_3).astype(np.int32)
    organs, most = _organs(rng, days, level_3)
    return Periods(
        spell=episodes.spell[rows],
        first=first.astype(np.int32),
        last=(first + days - 1).astype(np.int32),
        level_2=level_2,
        level_3=level_3,
        organs=organs,
        most=most,
        child=chunk.patients.band[spells.patient[episodes.spell[rows]]] < CHILD_BANDS,
    )


def _organs(
    rng: np.random.Generator, days: Codes, level_3: Codes
) -> tuple[npt.NDArray[np.int32], Codes]:
    """Draw days of support by organ, and the most organs supported on one day.

    Basic and advanced support of one organ are never given on the same day, and count once.
    """
    count = len(days)
    intensive = level_3 > 0
    has = rng.random((count, len(ORGANS))) < SUPPORTED[intensive.astype(np.int64)]
    none = ~has.any(axis=1)
    has[none & (rng.random(count) < 0.7), BASIC_CARDIOVASCULAR] = True
    part = rng.uniform(0.4, 1.0, (count, len(ORGANS)))
    organs = np.where(has, np.ceil(days[:, None] * part), 0).astype(np.int32)
    organs = np.minimum(organs, days[:, None])
    organs[:, ADVANCED_RESPIRATORY] = np.minimum(organs[:, ADVANCED_RESPIRATORY], level_3)
    for basic, advanced in (
        (BASIC_RESPIRATORY, ADVANCED_RESPIRATORY),
        (BASIC_CARDIOVASCULAR, ADVANCED_CARDIOVASCULAR),
    ):
        organs[:, basic] = np.minimum(organs[:, basic], days - organs[:, advanced])
    some = organs > 0
    most = some[:, 4:].sum(axis=1) + some[:, :2].any(axis=1) + some[:, 2:4].any(axis=1)
    return organs, most.astype(np.int32)


def rows(
    rng: np.random.Generator,
    plan: Plan,
    catalogue: Catalogue,
    chunk: Chunk,
    made: Periods,
    patients: pa.Array,
    spell_ids: pa.Array,
    first_id: int,
) -> tuple[Periods, pa.RecordBatch]:
    """Return the periods in the order of the rows, and the rows."""
    provider = chunk.spells.provider[made.spell]
    made = take(made, np.lexsort((made.spell, made.first, provider)))
    count, spell = len(made), made.spell
    codes = [one.code for one in plan.providers]
    # Inside the spell on the days on which it begins and ends.
    starts = chunk.stays.admission_time[spell] + 60
    begun = made.first == chunk.stays.admission[spell]
    starts = np.where(begun, starts, rng.integers(0, 1440, count))
    single = made.first == made.last
    starts = np.minimum(starts, np.where(single, np.where(begun, 1438, 20 * 60), 1439))
    ends = np.where(single, np.minimum(starts + 200, 1439), rng.integers(NOON, 20 * 60, count))
    columns: dict[str, pa.Array] = {
        "provider": coded(chunk.spells.provider[spell], codes),
        "period_id": text_column(numbered("C", first_id, count)),
        "patient_id": text_column(patients.take(pa.array(chunk.spells.patient[spell]))),
        "spell_id": text_column(spell_ids.take(pa.array(spell))),
        "start_date": dates(made.first, plan.first_day),
        "start_time": times(starts.astype(np.int32)),
        "end_date": dates(made.last, plan.first_day),
        "end_time": times(ends.astype(np.int32)),
        "unit_function": coded(made.child.astype(np.int32), UNITS),
        "level_2_days": whole(made.level_2),
        "level_3_days": whole(made.level_3),
        "organ_support_maximum": whole(made.most),
    }
    for i, name in enumerate(ORGANS):
        columns[name] = whole(made.organs[:, i])
    return made, batch_of("critical_care", count, columns)
