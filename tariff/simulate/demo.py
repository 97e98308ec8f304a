"""The demo: a month of honest care with a handful of planted faults and their answer sheet.

A demo without findings is dull. The faults are those of `tariff.simulate.faults`; here is only
which, how many, and of what.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from tariff.simulate.billing import Engine
from tariff.simulate.faults import Planted, parse_order
from tariff.simulate.faults import plant as plant_faults
from tariff.simulate.faults.key import COLUMNS, line_of

EPISODES = 3000
MONTH = "2022-09"
SEED = 20220901

FAULTS = (
    "DUP01=2,DUP02=2,SPL01=2,SPL03=2,SPL05=2,SPL07=2,SPL11=2,"
    "EMR07=3,HRG17=2,LOS01=2,PRC01=3,PRC02=2"
)


def plant(table: pa.Table, engine: Engine, *, seed: int = SEED) -> tuple[pa.Table, list[Planted]]:
    """Return the extract with faults in it, and the answer sheet in the order of the file."""
    order = parse_order([FAULTS], seed=seed)
    key: list[Planted] = []
    whole = table.unify_dictionaries().combine_chunks().to_batches()
    batches = list(
        plant_faults(whole, order, write=key.append, total=table.num_rows, engine=engine)
    )
    return pa.Table.from_batches(batches), key


def key_table(planted: list[Planted]) -> list[tuple[str, ...]]:
    """Return the answer sheet as rows, header first, by rule."""
    return [COLUMNS, *sorted(map(line_of, planted), key=lambda line: (line[1], line[4]))]


def total_billed(table: pa.Table) -> Decimal:
    """Return the sum of everything billed."""
    return Decimal(pc.sum(table["billed_total"]).as_py() or 0)
