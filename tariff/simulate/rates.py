"""Prices of care that is not admitted, and market forces factors: what an honest bill needs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tariff.schemas import MFF_UNIT
from tariff.simulate import shipped
from tariff.simulate.billing import Engine
from tariff.simulate.catalogue import Ints
from tariff.simulate.plan import Plan

OLDEST = 110
DUMMY = "Z099"  # what the dummy record behind an outpatient procedure is coded with
COLUMNS = ("first_single", "first_multi", "follow_up_single", "follow_up_multi")


def pence(text: str) -> int:
    """Return pounds as pence."""
    return int((Decimal(text) * 100).to_integral_value())


@dataclass(frozen=True)
class Rates:
    """The prices of a year, in pence before the market forces factor."""

    attendances: dict[str, tuple[int, ...]]  # by treatment function, in the order of COLUMNS
    emergency: dict[tuple[str, str], int]  # by HRG and department type
    unbundled: dict[str, int]
    local: dict[str, int]
    mff: Ints  # by provider of the plan, in units of 1e-9


def rates(plan: Plan) -> Rates:
    """Read the prices of the plan's year. Without billing there are none, and all factors are 1."""
    local = {row["code"]: pence(row["price"]) for row in shipped.table("local_prices")}
    if not plan.billed:
        return Rates({}, {}, {}, local, np.full(len(plan.providers), MFF_UNIT, dtype=np.int64))
    folder = shipped.year_figures(plan.year, plan.first_day).tariff

    def rows(name: str) -> list[shipped.Row]:
        return shipped.read_csv(shipped.pack_file("tariff", folder, f"{name}.csv"))

    emergency = {}
    for row in rows("emergency"):
        for department in ("01", "02"):
            emergency[row["hrg"], department] = pence(row["type_1_and_2"])
        emergency[row["hrg"], "03"] = pence(row["type_3"])
    factors = {
        row["provider"]: int(Decimal(row["mff"]) * MFF_UNIT)
        for row in shipped.read_csv(shipped.pack_file("mff/mff-england/factors.csv"))
        if row["year"] == plan.year
    }
    return Rates(
        attendances={
            row["treatment_function"]: tuple(
                pence(row[name]) if row[name] else -1 for name in COLUMNS
            )
            for row in rows("attendances")
        },
        emergency=emergency,
        unbundled={row["hrg"]: pence(row["price"]) for row in rows("unbundled")},
        local=local,
        mff=np.array([factors[provider.code] for provider in plan.providers], dtype=np.int64),
    )


@dataclass(frozen=True)
class ProcedurePrices:
    """HRG and outpatient price of each procedure by age, as the engine groups them."""

    hrgs: list[str]
    hrg: npt.NDArray[np.int32]  # procedure × age; -1 where there is no outpatient price
    price: Ints  # by HRG


def procedure_prices(plan: Plan, codes: list[str], engine: Engine | None) -> ProcedurePrices:
    """Group each procedure at each age as a single same-day record, and look its price up."""
    table = np.full((len(codes), OLDEST + 1), -1, dtype=np.int32)
    if engine is None or not codes:
        return ProcedurePrices([], table, np.zeros(0, dtype=np.int64))
    folder = shipped.year_figures(plan.year, plan.first_day).tariff
    listed = {
        row["hrg"]: row["outpatient_procedure"]
        for row in shipped.read_csv(shipped.pack_file("tariff", folder, "prices.csv"))
    }
    result = engine(_records(plan, codes), year=plan.year).select(["spell_id", "hrg"]).to_pylist()
    hrgs: dict[str, int] = {}
    for row in result:
        price = listed.get(row["hrg"] or "", "")
        if price and float(price) > 0:
            procedure, _, age = row["spell_id"].partition("-")
            table[int(procedure), int(age)] = hrgs.setdefault(row["hrg"], len(hrgs))
    return ProcedurePrices(
        list(hrgs), table, np.array([pence(listed[hrg]) for hrg in hrgs], dtype=np.int64)
    )


def _records(plan: Plan, codes: list[str]) -> pa.Table:
    """Return a same-day record of each procedure at each age."""
    always = {
        "provider": plan.providers[0].code,
        "episode_order": 1,
        "patient_classification": "2",
        "admission_method": "11",
        "admission_source": "19",
        "discharge_method": "1",
        "discharge_destination": "19",
        "admission_date": plan.first_day,
        "discharge_date": plan.first_day,
        "episode_start_date": plan.first_day,
        "episode_end_date": plan.first_day,
        "episode_duration": 0,
        "main_specialty": "100",
        "treatment_function": "100",
        "neonatal_care": "8",
        "diag_01": DUMMY,
    }
    rows = [
        {
            **always,
            "spell_id": f"{number}-{age}",
            "age": age,
            "sex": shipped.procedure_sex(code) or "2",
            "oper_01": code,
        }
        for number, code in enumerate(codes)
        for age in range(OLDEST + 1)
    ]
    return pa.Table.from_pylist(rows)
