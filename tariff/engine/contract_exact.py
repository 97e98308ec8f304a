"""What a top-up comes to beyond its whole pence, for contracts that do not round."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.contract_forms import half_up
from tariff.schemas import MFF_UNIT

PERCENT = 100
_ALWAYS = ("base", "short_stay")
_READ = ("base", "short_stay", "long_stay", "best_practice", "top_up")


def beside_pence(table: pa.Table, also_on: Mapping[str, Collection[str]]) -> pa.Array:
    """Give what each spell's exact top-up adds to that in whole pence, with its factor.

    In parts of a penny (1e-9), half up. `also_on` says what the rate is taken on beside base and
    short stay, by price list.
    """
    out = np.zeros(table.num_rows, np.int64)
    if "top_up_rate" not in table.column_names:
        return pa.array(out)
    there = pc.and_(pc.is_valid(table["top_up_rate"]), pc.is_valid(table["mff"]))
    rows = np.flatnonzero(np.asarray(pc.and_(there, pc.is_valid(table["tariff"]))))
    found = table.take(pa.array(rows))
    parts = {name: pc.fill_null(found[f"{name}_pence"], 0).to_pylist() for name in _READ}
    texts = (found[name].to_pylist() for name in ("top_up_rate", "mff", "tariff"))
    for place, (rate, factor, tariff) in enumerate(zip(*texts, strict=True)):
        on = sum(parts[name][place] for name in (*_ALWAYS, *also_on.get(tariff, ())))
        exact = Fraction(rate) / PERCENT * on - parts["top_up"][place]
        out[rows[place]] = half_up(exact * int(factor * MFF_UNIT))
    return pa.array(out)
