"""Text as the national grouper takes and gives it: commas, no quotes, cp1252, Windows line ends.

A file without quotes cannot hold a comma in a cell. In a key that is refused; in any other cell
the character becomes `?`, which no field accepts either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.errors import DataError

ENCODING = "cp1252"
LINE_END = "\r\n"
CHUNK = 1 << 17  # rows turned to text at a time
_BARRED = str.maketrans(dict.fromkeys(',"\r\n\0', "?"))


def fit(values: Iterable[str]) -> list[str]:
    """Give texts as a cell can hold them."""
    return [v.translate(_BARRED).encode(ENCODING, "replace").decode(ENCODING) for v in values]


def refuse_unfit(values: Sequence[str], column: str) -> None:
    """Raise where a key cannot stand in a file without quotes."""
    unfit = sum(kept != value for kept, value in zip(fit(values), values, strict=True))
    if unfit:
        raise DataError(
            f"{unfit:,} values of {column} hold a comma, a quote, a line end or a character that "
            "cp1252 does not have: the national layout has no way to write them",
            hint=f"give the records a plain {column} in the extract",
        )


def named(values: Sequence[str], ids: NDArray[Any]) -> pa.Array:
    """Give texts by id; -1 is a blank."""
    wide = ids.astype(np.int64)
    return pa.array(values, pa.string()).take(pa.array(wide, mask=wide < 0))


def whole(values: NDArray[Any], missing: int) -> pa.Array:
    """Give whole numbers as text, a blank where one is missing."""
    return pa.array(values, mask=values == missing).cast(pa.string())


def repeated(value: str, count: int) -> pa.Array:
    """Give a column of one text."""
    return pa.repeat(pa.scalar(value), count)


def line(cells: Iterable[object]) -> bytes:
    """Give one line of text."""
    return (",".join(map(str, cells)) + LINE_END).encode(ENCODING, "replace")


def lines(columns: Sequence[pa.Array]) -> bytes:
    """Give columns of text, of one chunk, as lines; a null is a blank."""
    if not columns or not len(columns[0]):
        return b""
    joined = pc.binary_join_element_wise(
        *columns, ",", null_handling="replace", null_replacement=""
    )
    ended = pc.binary_join_element_wise(joined, repeated(LINE_END, len(joined)), "")
    # the texts of an array lie end to end in its buffer
    offsets = np.frombuffer(ended.buffers()[1], np.int32)[ended.offset :]
    data: bytes = ended.buffers()[2][int(offsets[0]) : int(offsets[len(ended)])].to_pybytes()
    return data if data.isascii() else data.decode("utf-8").encode(ENCODING, "replace")


def chunks(count: int) -> Iterator[slice]:
    """Give the parts in which so many rows are turned to text."""
    for start in range(0, count, CHUNK):
        yield slice(start, min(start + CHUNK, count))
