import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

def records(
    cells: Ints,
    pool: Ints,
    program: Ints,
    tables: Bytes,
    rule_start: Ints,
    at: NDArray[np.int32],
) -> None: ...
def walked(
    cells0: Ints,
    pool0: Ints,
    cells1: Ints,
    pool1: Ints,
    program: Ints,
    tables: Bytes,
    places0: Ints,
    places1: Ints,
    at: Ints,
) -> None: ...
def counted(
    others: Ints,
    other_pool: Ints,
    other_number: Ints,
    these: Ints,
    this_pool: Ints,
    this_number: Ints,
    program: Ints,
    tables: Bytes,
    start: int,
    low: Ints,
    high: Ints,
    at_least: int,
    at_most: int,
    holds: Bytes,
) -> None: ...
def found(
    others: Ints,
    other_pool: Ints,
    other_number: Ints,
    these: Ints,
    this_pool: Ints,
    this_number: Ints,
    program: Ints,
    tables: Bytes,
    start: int,
    low: Ints,
    high: Ints,
    out: Ints,
) -> int: ...
def pairs(
    cells: Ints,
    pool: Ints,
    program: Ints,
    tables: Bytes,
    rule_start: Ints,
    relation: Ints,
    reach: Ints,
    first: int,
    last: int,
    start_at: int,
    end_at: int,
    run_start: Ints,
    out: Ints,
) -> int: ...
