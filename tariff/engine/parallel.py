"""Threads over partitions: the kernel releases the GIL, results are written in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Part = TypeVar("Part")


def run_parts(work: Callable[[Part], None], parts: Sequence[Part], threads: int) -> None:
    """Call `work` on every part, on up to `threads` threads; the first error is raised."""
    if threads <= 1 or len(parts) <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for future in [pool.submit(work, part) for part in parts]:
            future.result()


def split_evenly(indices: NDArray[np.int64], parts: int) -> list[NDArray[np.int64]]:
    """Cut indices into at most `parts` runs of about the same length, none of them empty."""
    return [piece for piece in np.array_split(indices, max(parts, 1)) if len(piece)]
