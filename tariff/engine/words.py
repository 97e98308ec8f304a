"""Texts of output columns as small numbers, in whatever order they are met: it leaves no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Words:
    """Texts by id; -1 is a blank."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._ids: dict[str, int] = {}

    def id_of(self, text: str | None) -> int:
        """Give the id of a text, adding it where it is new."""
        if not text:
            return -1
        found = self._ids.setdefault(text, len(self.values))
        if found == len(self.values):
            self.values.append(text)
        return found

    def ids_of(self, texts: Iterable[str | None]) -> NDArray[np.int64]:
        """Give the ids of texts."""
        return np.array([self.id_of(text) for text in texts], np.int64)

    def array(self, ids: NDArray[np.int64]) -> pa.Array:
        """Give the texts of ids, null for a blank."""
        return pa.array(self.values, pa.string()).take(pa.array(ids, mask=ids < 0))


def per_value(
    values: Sequence[str], say: Callable[[str], Any], dtype: Any = np.bool_
) -> NDArray[Any]:
    """Give what is said of each distinct text, asked once each, to look up by id."""
    return np.array([say(value) for value in values], dtype)


def names_of_bits(bits: NDArray[Any], names: Iterable[str]) -> pa.Array:
    """Give the names whose bits are set, in order and space separated; null where none is."""
    names = list(names)
    distinct, inverse = np.unique(bits, return_inverse=True)
    texts = [
        " ".join(name for place, name in enumerate(names) if int(set_) >> place & 1) or None
        for set_ in distinct
    ]
    return pa.array(texts, pa.string()).take(pa.array(inverse))
