import numpy as np
from numpy.typing import NDArray

def records(
    cells: NDArray[np.int64],
    program: NDArray[np.int64],
    tables: NDArray[np.uint8],
    rule_start: NDArray[np.int64],
    hits: NDArray[np.uint8],
) -> None: ...
def pairs(
    cells: NDArray[np.int64],
    program: NDArray[np.int64],
    tables: NDArray[np.uint8],
    rule_start: NDArray[np.int64],
    rule_relation: NDArray[np.int64],
    admission: int,
    discharge: int,
    run_start: NDArray[np.int64],
    out: NDArray[np.int64],
) -> int: ...
def tested(
    cells: NDArray[np.int64],
    program: NDArray[np.int64],
    tables: NDArray[np.uint8],
    rule_start: int,
    previous: NDArray[np.int64],
    current: NDArray[np.int64],
    hits: NDArray[np.uint8],
) -> None: ...
