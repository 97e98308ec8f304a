"""The engine prices as the oracle does under the packs that ship, with every area of them.

Random spells of HRGs that have something beside a price: areas with and without flags, deliveries,
local ones. Flags and services are given or worked out, criteria and payments said or not.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from tariff.engine.price import Terms
from tariff.packs.compile import ROUNDING, Rulebook
from tariff.packs.load import PackSet, load_packs
from tariff.reference.price_tables import PriceTables, price_tables
from tariff.reference.tables import GroupTables, all_group_tables
from tests.differential.compare import Case, Row, check_spells
from tests.differential.price_extras import random_periods
from tests.differential.strategies import SLOW

YEARS = {"2016/17": 2016, "2017/18": 2017, "2018/19": 2018, "2022/23": 2022}
FIELDS = frozenset(
    {
        "provider", "spell_id", "episode_order", "age", "sex", "patient_classification",
        "admission_source", "admission_method", "admission_date", "discharge_date",
        "discharge_destination", "discharge_method", "main_specialty", "treatment_function",
        "neonatal_care", "diag_01", "diag_02", "oper_01", "oper_02", "critical_care_days",
        "rehabilitation_days", "palliative_care_days", "ready_for_discharge_date", "billed_hrg",
        "commissioning_serial_number", "administrative_category",
    }
)  # fmt: skip
GIVEN = (
    "best_practice_flags", "best_practice_met", "best_practice_payments", "specialised_services",
)  # fmt: skip
PAYMENTS = ["STROKE_UNIT", "IMAGING", "ALTEPLASE", "HIP_FRACTURE", "TRAUMA_1", "TRAUMA_2", "OTHER"]
METHODS = ["11", "12", "21", "21", "2A", "31", "81"]


class Pools:
    """Codes of a year that its areas, flags and services look at."""

    def __init__(self, packs: PackSet, year: str) -> None:
        (pack,) = (p for p in packs.by_kind("tariff") if getattr(p.manifest, "year", "") == year)
        tables = {name: table.columns for name, table in pack.tables.items()}
        areas, codes = tables["best_practice_prices"], tables["best_practice_codes"]
        by_hrg = dict(zip(areas["code"], areas["flag"], strict=True))
        self.hrgs = sorted(filter(None, by_hrg)) + tables["deliveries"]["hrg"][:6]
        self.hrgs += tables["prices"]["hrg"][::40]
        self.flags = sorted({flag for flag in areas["flag"] if flag})
        self.flag_of = by_hrg
        self.services = tables["top_ups"]["service"]
        self.codes: dict[str, list[str]] = {"icd10": [], "opcs4": []}
        self.of_flag: dict[tuple[str, str], list[str]] = {}  # by flag and classification
        for name, kind, code in zip(
            *(codes[name] for name in ("list", "classification", "code")), strict=True
        ):
            self.codes.get(kind, []).append(code)
            self.of_flag.setdefault((name[:4], kind), []).append(code)
        if "top_up_codes" in tables:
            for kind, code in zip(
                *(tables["top_up_codes"][name][::5] for name in ("classification", "code")),
                strict=True,
            ):
                self.codes[kind].append(code)
            self.codes["opcs4"] += ["Y717"] * 50
        self.providers = (
            tables["top_up_providers"]["provider"] if "top_up_providers" in tables else []
        )


@pytest.fixture(scope="module")
def packs() -> PackSet:
    return load_packs()


@pytest.fixture(scope="module")
def tables(packs: PackSet) -> tuple[Rulebook, list[GroupTables], PriceTables]:
    return Rulebook(packs), all_group_tables(list(packs)), price_tables(list(packs))


def spell(rng: Random, number: int, pools: Pools, year: int, given: frozenset[str]) -> list[Row]:
    """A spell of one episode or two that may be in an area of its HRG."""
    admitted = date(year, 5, 1) + timedelta(days=rng.randint(0, 200))
    stay = rng.choice([0, 0, 1, 1, 2, 3, 9, 40, 90])
    hrg = rng.choice(pools.hrgs)
    common: Row = {
        "provider": rng.choice(["R1H", "RVJ", "RET", *pools.providers[:40:8]]),
        "spell_id": str(number),
        "age": rng.choice([0, 7, 18, 19, 45, 59, 60, 84, 131, 999, None]),
        "sex": "1",
        "patient_classification": rng.choice(["1", "1", "2", "5"]),
        "admission_source": "19",
        "admission_method": rng.choice(METHODS),
        "admission_date": admitted,
        "discharge_date": admitted + timedelta(days=stay),
        "discharge_destination": "19",
        "discharge_method": "1",
        "main_specialty": "300",
        "neonatal_care": "8",
        "ready_for_discharge_date": admitted + timedelta(days=rng.choice([0, 1, stay, 400])),
        "billed_hrg": hrg,
    }
    flags = rng.sample(pools.flags, rng.randint(0, 3)) + [pools.flag_of.get(hrg, "")] * 2

    def code(kind: str) -> str:
        fitting = pools.of_flag.get((pools.flag_of.get(hrg, ""), kind))
        return rng.choice(fitting if fitting and rng.random() < 0.7 else pools.codes[kind])

    rows = []
    for order in range(1, rng.choice([1, 1, 2]) + 1):
        row = common | {
            "episode_order": order,
            "treatment_function": rng.choice(["300", "300", "110", "730", "700"]),
            "diag_01": code("icd10"),
            "diag_02": code("icd10"),
            "oper_01": rng.choice([None, code("opcs4")]),
            "oper_02": code("opcs4"),
            "critical_care_days": rng.choice([0, 0, 2]),
            "rehabilitation_days": rng.choice([0, 0, 1]),
            "palliative_care_days": 0,
            "commissioning_serial_number": rng.choice([None] * 20 + ["=A1", "A1="]),
            "administrative_category": rng.choice(["01"] * 20 + ["02"]),
            "best_practice_flags": " ".join(rng.sample(flags, rng.randint(0, len(flags)))) or None,
            "best_practice_met": rng.choice(
                [None, None, "Y", "N", "LEVEL_1", "LEVEL_2", "LEVEL_3"]
            ),
            "best_practice_payments": ", ".join(rng.sample(PAYMENTS, rng.choice([0, 1, 2])))
            or None,
            "specialised_services": ";".join(
                rng.sample([*pools.services, "06", "NONE"], rng.choice([0, 1, 2]))
            )
            or None,
        }
        rows.append({name: value for name, value in row.items() if name in FIELDS | given})
    return rows


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("said", [frozenset(GIVEN), frozenset(GIVEN[1:2]), frozenset[str]()])
def test_every_area_of_a_year_is_priced_alike(
    packs: PackSet,
    tables: tuple[Rulebook, list[GroupTables], PriceTables],
    year: str,
    said: frozenset[str],
) -> None:
    rng = Random(f"{year} {sorted(said)}")
    pools = Pools(packs, year)
    count = 4000 if SLOW else 150
    rows = [row for n in range(count) for row in spell(rng, n, pools, YEARS[year], said)]
    rulebook, groupers, prices = tables
    case = Case(
        packs,
        FIELDS | said,
        rows,
        rulebook=rulebook,
        groupers=groupers,
        prices=prices,
        terms=Terms(rng.random() < 0.5, rng.choice([None, *ROUNDING])),
        periods=random_periods(rng, rows) if not said else [],
    )
    assert check_spells(case, episodes=False) == count
    found = [case.price(spell, case.grouping(spell)) for spell in case.spells]
    assert sum(price.best_practice_area is not None for price in found) > count / 10
    if "best_practice_payments" in said:
        assert any(price.best_practice_pence for price in found)
    assert any(price.top_up_pence for price in found) == (
        "specialised_services" in said or year == "2016/17"
    )
