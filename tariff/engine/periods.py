"""Dated periods of critical care, rehabilitation and palliative care, as files hold them.

They come from files of the dataset `periods`, or of `critical_care`, whose periods are all of that
kind. What cannot be used is counted and said, and left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.deductions import KINDS
from tariff.engine.frame import filled_numbers
from tariff.errors import DataError
from tariff.extract.fields import DATASETS
from tariff.extract.read import Extract, dataset_of, open_extract
from tariff.extract.rejects import masked
from tariff.extract.source import InputFile, shown
from tariff.packs.grouping import NULL32

OF = ("periods", "critical_care")  # datasets
NEEDED = ("provider", "spell_id", "start_date", "end_date")
SHOWN = 3

Bools = NDArray[np.bool_]


@dataclass
class Periods:
    """Periods as read: `kind` an index of `KINDS`, days since 1970-01-01, first and last in.

    `notices` says what was left out.
    """

    provider: pa.StringArray
    spell_id: pa.StringArray
    kind: NDArray[np.int8]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    inputs: list[InputFile] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.kind)


def read_periods(files: Sequence[Path]) -> Periods:
    """Read files of the datasets `periods` and `critical_care`; DataError where one is neither."""
    return periods_of([(shown(path), _opened(path)) for path in files])


def _opened(path: Path) -> Extract:
    dataset = dataset_of(path)
    if dataset not in OF:
        keys = ", ".join(key.name for key in DATASETS["periods"] if key.key)
        raise DataError(
            f"{shown(path)}: its columns are not those of dated periods",
            hint=f"they are {keys}; or those of critical care with {' and '.join(NEEDED[1:3])}",
        )
    return open_extract(path, dataset=dataset)


def periods_of(extracts: Sequence[tuple[str, Extract]]) -> Periods:
    """Read dated periods of extracts and their names.

    DataError where a column is missing that says whose periods they are, or when they were.
    """
    parts: list[Periods] = []
    for name, extract in extracts:
        missing = [column for column in NEEDED if column not in extract.fields]
        if missing:
            raise DataError(
                f"{name}: has no {' and no '.join(missing)}, "
                "without which its periods come off no spell",
                hint="add it to the file, or leave the file out",
            )
        parts += _parts(name, extract)
    return Periods(
        provider=pa.concat_arrays([part.provider for part in parts]),
        spell_id=pa.concat_arrays([part.spell_id for part in parts]),
        kind=np.concatenate([part.kind for part in parts]),
        start=np.concatenate([part.start for part in parts]),
        end=np.concatenate([part.end for part in parts]),
        inputs=[item for _, extract in extracts for item in extract.inputs],
        notices=[notice for part in parts for notice in part.notices],
    )


def _parts(name: str, extract: Extract) -> Iterator[Periods]:
    """Give the periods of a file batch by batch, and in the last, empty one what was left out."""
    left_out = _LeftOut(name)
    for batch in extract.batches():
        provider, spell_id = (_texts(batch, column) for column in NEEDED[:2])
        start, end = (filled_numbers(batch[c], NULL32, np.int32) for c in NEEDED[2:])
        kind = _kinds(batch, extract.dataset, left_out)
        named = np.asarray(pc.and_(pc.is_valid(provider), pc.is_valid(spell_id)))
        dated = (start != NULL32) & (end != NULL32)
        reversed_ = dated & (start > end)
        left_out.add(batch, ~named, "without a provider or a spell number")
        left_out.add(batch, ~dated, "without a first or a last day")
        left_out.add(batch, reversed_, "that end before they begin")
        keep = named & dated & ~reversed_ & (kind >= 0)
        which = pa.array(keep)
        yield Periods(
            provider.filter(which), spell_id.filter(which), kind[keep], start[keep], end[keep]
        )
    none = pa.array([], pa.string())
    notices = [*extract.notices, *left_out.notices(extract.rows_rejected)]
    yield Periods(
        *(none, none, np.zeros(0, np.int8), np.zeros(0, np.int32), np.zeros(0, np.int32)),
        notices=notices,
    )


class _LeftOut:
    """Rows of a file that are left out: how many, why, and the first of each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds: dict[str, None] = {}
        self._found: dict[str, tuple[int, int]] = {}  # count and first line, by why

    def add(self, batch: pa.RecordBatch, rows: Bools, why: str) -> None:
        """Note rows of a batch."""
        if rows.any():
            count, line = self._found.get(why, (0, int(batch["_line"][int(rows.argmax())].as_py())))
            self._found[why] = count + int(rows.sum()), line

    def notices(self, rejected: int) -> list[str]:
        """Say what was left out."""
        out = [
            f"{self.name}: dated periods {why} are left out: {count:,} (first in line {line:,})"
            for why, (count, line) in self._found.items()
        ]
        if self.kinds:
            kinds = ", ".join(f"'{masked(kind, 'code')}'" for kind in list(self.kinds)[:SHOWN])
            out.append(f"{self.name}: kinds of periods that are none: {kinds}")
        if rejected:
            out.append(f"{self.name}: dated periods that cannot be read are left out: {rejected:,}")
        return out


def _texts(batch: pa.RecordBatch, column: str) -> pa.StringArray:
    return batch[column].cast(pa.string())


def _kinds(batch: pa.RecordBatch, dataset: str, left_out: _LeftOut) -> NDArray[np.int8]:
    """Give the kind of each row, -1 for one that is none; that is noted."""
    if dataset == "critical_care":
        return np.zeros(batch.num_rows, np.int8)
    texts = pc.replace_substring(_texts(batch, "kind"), " ", "_")
    kind = pc.fill_null(pc.index_in(texts, pa.array(KINDS)), -1).to_numpy(zero_copy_only=False)
    left_out.add(batch, kind < 0, f"of a kind that is none of {', '.join(KINDS)}")
    left_out.kinds.update(dict.fromkeys(texts.filter(pa.array(kind < 0)).unique().to_pylist()))
    found: NDArray[np.int8] = kind.astype(np.int8)
    return found
