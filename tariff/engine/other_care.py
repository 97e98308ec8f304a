"""What grouping and pricing of care that is not admitted share: records read, a result left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tariff.engine.records import Records
from tariff.engine.same_file import refuse_same_file
from tariff.extract import Extract


@dataclass
class OtherCare:
    """What a run gives: the records as grouped or priced (tariff.schemas), rejects, manifest."""

    dataset: str
    table: pa.Table
    rejects: pa.Table
    manifest: dict[str, Any]


def records_of(extract: Extract, columns: Iterable[str], families: Iterable[str]) -> Records:
    """Read the columns of an extract that a run needs.

    DataError where no row can be used, UsageError where a file is given twice.
    """
    records = Records(extract.dataset, extract.fields, columns, families)
    for batch in extract.batches():
        records.append(batch)
    refuse_same_file(extract)
    records.close()
    return records


def tally(table: pa.Table, column: str) -> dict[str, int]:
    """Count the values of a column that are there; nothing where there is no such column."""
    if column not in table.column_names:
        return {}
    found = table[column].combine_chunks().dictionary_encode()
    ids = np.asarray(found.indices.drop_null())
    numbers = np.bincount(ids, minlength=len(found.dictionary))
    return dict(sorted(zip(found.dictionary.to_pylist(), map(int, numbers), strict=True)))
