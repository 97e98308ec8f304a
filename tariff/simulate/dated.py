"""The dataset `periods`: when the days were that episodes count, and that come off a stay.

A day counts where it begins: the last day of an episode is not among its days, as a stay has one
day less than the calendar. Critical care is on the days of its own dataset; rehabilitation and
palliative care end an episode.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tariff.simulate.catalogue import Bools, Ints
from tariff.simulate.columns import Chunk
from tariff.simulate.critical import Periods
from tariff.simulate.frames import batch_of, coded, dates, text_column
from tariff.simulate.plan import Plan

KINDS = ("critical_care", "rehabilitation", "palliative_care")


def rows(
    plan: Plan, chunk: Chunk, kept: Ints, critical: Periods, spell_ids: pa.Array
) -> pa.RecordBatch:
    """Return the dated periods of the spells that are in the extract."""
    episodes, spells = chunk.episodes, chunk.spells
    here: Bools = np.zeros(len(spells), dtype=np.bool_)
    here[kept] = True
    spell, first, last = [critical.spell], [critical.first], [critical.last]
    for days in (episodes.rehabilitation_days, episodes.palliative_days):
        of = np.flatnonzero((days > 0) & here[episodes.spell])
        spell.append(episodes.spell[of])
        first.append(episodes.end[of] - days[of])
        last.append(episodes.end[of] - 1)
    kind = np.repeat(np.arange(len(KINDS)), [len(part) for part in spell])
    owner, start, end = np.concatenate(spell), np.concatenate(first), np.concatenate(last)
    order = np.lexsort((kind, start, owner, spells.provider[owner]))
    owner = owner[order]
    columns: dict[str, pa.Array] = {
        "provider": coded(spells.provider[owner], [one.code for one in plan.providers]),
        "spell_id": text_column(spell_ids.take(pa.array(owner))),
        "kind": coded(kind[order], KINDS),
        "start_date": dates(start[order], plan.first_day),
        "end_date": dates(end[order], plan.first_day),
    }
    return batch_of("periods", len(order), columns)
