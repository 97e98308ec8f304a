"""Whole price lists at once: the engine prices every HRG of a year in many settings in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.engine.price import MffChoice
from tariff.engine.tables import spells_table
from tariff.packs.compile import Rulebook
from tariff.reference.values import Value
from tariff.schemas import MFF_UNIT
from tests.engine.extracts import shipped
from tests.engine.grouped import columns_batch

YEARS = ("2016/17", "2017/18", "2018/19", "2022/23")  # of which whole workbooks are held
NULL = -(10**15)  # in numbers, where a result is blank

# A stay with pneumonia, whose HRG is billed: nothing of it excludes, flags or adds to the price.
PLAIN: dict[str, Value] = {
    "provider": "R1H",
    "episode_order": 1,
    "age": 45,
    "sex": "1",
    "admission_method": "21",
    "patient_classification": "1",
    "treatment_function": "300",
    "main_specialty": "300",
    "diag_01": "J181",
    "days": 0,
}
SETTINGS: dict[str, dict[str, Value]] = {
    "DC": {"admission_method": "11", "patient_classification": "2"},
    "EL": {"admission_method": "11", "patient_classification": "1"},
    "NE": {"admission_method": "21", "patient_classification": "1"},
}
Columns = Mapping[str, Any]  # values, one or one for each spell


@cache
def listed(year: str) -> dict[str, dict[str, str]]:
    """The rows of the shipped price list of a year by HRG, as printed."""
    (pack,) = [pack for pack in shipped().prices.serving if pack.manifest.year == year]  # type: ignore[union-attr]
    columns = pack.tables["prices"].columns
    names = list(columns)
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return {row["hrg"]: row for row in rows}


def figures(year: str, column: str, hrgs: Sequence[str]) -> NDArray[np.int64]:
    """Whole figures of a column for some HRGs; NULL where none is printed."""
    rows = listed(year)
    return np.array([int(rows[hrg][column] or NULL) for hrg in hrgs], np.int64)


def spells(
    year: str,
    columns: Columns,
    *,
    mff: int | None = MFF_UNIT,
    rulebook: Rulebook | None = None,
    price_at: Any = "billed",
) -> pa.Table:
    """Price a spell for each place of the columns; a single value stands for all of them.

    `days` is the stay. Spells come back in their order, at a factor of 1 unless another is asked
    for; None takes that of the provider.
    """
    given = {**PLAIN, **columns}
    (count,) = {len(values) for values in given.values() if not isinstance(values, str | int)}
    full: dict[str, Any] = {
        name: [values] * count if isinstance(values, str | int | None) else list(values)
        for name, values in given.items()
    }
    end = date(int(year[:4]), 9, 1)  # every spell ends in the year
    full["discharge_date"] = [end] * count
    full["admission_date"] = [end - timedelta(days=int(n)) for n in full.pop("days")]
    full["spell_id"] = [f"{number:07}" for number in range(count)]
    batch = columns_batch(full)
    stages = Stages(year, MffChoice(factor=mff), price_at=price_at)
    frame = read_frame([batch], frozenset(batch.schema.names))
    columns_of = run_stages(rulebook or shipped(), frame, stages).columns
    table = spells_table(columns_of)
    assert set(table["tariff_year"].to_pylist()) == {year}
    return table.append_column("short_stay_eligible", pa.array(columns_of.prices.eligible))


def number(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column of numbers; NULL where it is blank."""
    return np.asarray(pc.fill_null(table[name].cast(pa.int64()), NULL))


def repeated(values: Sequence[Any], times: int) -> list[Any]:
    """Each value so many times, one after the other."""
    return [value for value in values for _ in range(times)]
