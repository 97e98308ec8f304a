"""Groups records by the engine under the packs that ship, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.engine.tables import episodes_table, spells_table
from tariff.extract.fields import ARROW_TYPE, field_of, in_order
from tariff.reference.values import Value
from tests.differential.compare import batch_of
from tests.engine.extracts import shipped

YEAR = "2024/25"

# A record that is in order: an emergency stay of two nights from home and back.
USUAL: dict[str, Value] = {
    "provider": "R1A",
    "episode_order": 1,
    "sex": "2",
    "age": 40,
    "patient_classification": "1",
    "admission_source": "19",
    "admission_method": "21",
    "discharge_destination": "19",
    "discharge_method": "1",
    "main_specialty": "300",
    "treatment_function": "300",
    "neonatal_care": "8",
    "episode_duration": 2,
}


def record(diagnoses: str, procedures: str = "", /, **values: Value) -> dict[str, Value]:
    """An episode that is in order; codes are space separated, in order of position."""
    row = dict(USUAL)
    row |= {f"diag_{place:02}": code for place, code in enumerate(diagnoses.split(), 1)}
    row |= {f"oper_{place:02}": code for place, code in enumerate(procedures.split(), 1)}
    return row | values


def spells_of(batch: pa.RecordBatch, *, year: str = YEAR) -> pa.Table:
    """The spells of a batch, as the engine groups them."""
    frame = read_frame([batch], frozenset(batch.schema.names))
    return spells_table(run_stages(shipped(), frame, Stages(year)).columns)


def episodes_of(batch: pa.RecordBatch, *, year: str = YEAR) -> pa.Table:
    """The episodes of a batch, as the engine groups them."""
    frame = read_frame([batch], frozenset(batch.schema.names))
    return episodes_table(run_stages(shipped(), frame, Stages(year)).columns)


def group(spells: Sequence[Sequence[Mapping[str, Value]]]) -> list[dict[str, Any]]:
    """Group spells, each the rows of its episodes, in their order."""
    rows = [
        {**row, "spell_id": f"{number:07}", "episode_order": row.get("episode_order", 1)}
        for number, spell in enumerate(spells)
        for row in spell
    ]
    fields = frozenset(name for row in rows for name in row) | {"diag_01"}
    found: list[dict[str, Any]] = spells_of(batch_of(rows, fields)).to_pylist()
    return found


def columns_batch(columns: Mapping[str, Sequence[Value]]) -> pa.RecordBatch:
    """A batch of columns in full: quicker than rows where there are many."""
    arrays, names = [], in_order(frozenset(columns))
    for name in names:
        known = field_of(name)
        assert known is not None
        target = ARROW_TYPE[known.type]
        if pa.types.is_dictionary(target):
            arrays.append(pa.array(columns[name], pa.string()).dictionary_encode().cast(target))
        else:
            arrays.append(pa.array(columns[name], target))
    return pa.RecordBatch.from_arrays(arrays, names=names)
