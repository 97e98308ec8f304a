from typing import Any

import numpy as np
from numpy.typing import NDArray

def price(*args: Any) -> None: ...
def times(pence: NDArray[np.int64], factor: NDArray[np.int64], out: NDArray[np.int64]) -> None: ...
def with_share(
    pence: NDArray[np.int64],
    rate: NDArray[np.int64],
    factor: NDArray[np.int64],
    unit: int,
    out: NDArray[np.int64],
) -> None: ...
