"""Runs the engine and the oracle on the same records that are not admitted care."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

from tariff.engine.other_care import OtherCare
from tariff.engine.other_outcome import PriceOptions as EngineOptions
from tariff.engine.price import MffChoice
from tariff.engine.price_other_care import price_records
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.load import PackSet, load_packs
from tariff.reference.other_price import OtherPrice
from tariff.reference.other_tables import OtherTables, other_tables
from tariff.reference.price import PriceOptions
from tariff.reference.price_other import price_attendance, price_emergency
from tariff.reference.price_other_lines import price_line
from tariff.schemas import MFF_UNIT
from tests.differential.other_care import KEYS, extract_of
from tests.differential.strategies import Row

COMPARED = (
    "outcome",
    "priced_hrg",
    "point_of_delivery",
    "price_basis",
    "price_type",
    "tariff_year",
    "tariff",
    "base_pence",
    "best_practice_pence",
    "unbundled_pence",
    "pre_mff_pence",
    "mff_year",
    "total_pence",
    "complete",
    "price_reasons",
)
OF_LINES = (
    "listed_as", "listed_group", "listed_commissioner", "national_programme", "fixed_element",
)  # fmt: skip


@cache
def shipped() -> tuple[PackSet, Rulebook, OtherTables]:
    packs = load_packs()
    return packs, rulebook_of(packs), other_tables(tuple(packs))


def price_of(dataset: str) -> Callable[..., OtherPrice]:
    """The oracle of a dataset."""
    return {"attendances": price_attendance, "emergency": price_emergency, "lines": price_line}[
        dataset
    ]


def run(
    dataset: str,
    rows: Sequence[Row],
    options: PriceOptions | None = None,
    rulebook: Rulebook | None = None,
) -> OtherCare:
    """The engine on rows."""
    options = options or PriceOptions()
    return price_records(
        extract_of(dataset, rows),
        EngineOptions(options.year, MffChoice(options.mff, options.mff_year)),
        rulebook=rulebook or shipped()[1],
    )


def compare(
    dataset: str,
    rows: Sequence[Row],
    options: PriceOptions | None = None,
    tables: OtherTables | None = None,
    rulebook: Rulebook | None = None,
) -> list[OtherPrice]:
    """Assert that both say the same of every row; give what they say."""
    found = run(dataset, rows, options, rulebook).table.to_pylist()
    key, oracle = KEYS[dataset], price_of(dataset)
    by_id = {(row["provider"], row[key]): row for row in found}
    assert len(by_id) == len(rows)
    more = {"fields": {name for row in rows for name in row}} if dataset != "emergency" else {}
    compared = (*COMPARED, *OF_LINES) if dataset == "lines" else COMPARED
    prices = []
    for row in rows:
        price = oracle(tables or shipped()[2], row, options, **more)
        engine = by_id[row["provider"], row[key]]
        expected = {name: getattr(price, name) for name in compared}
        assert {name: engine[name] for name in compared} == expected, row
        mff = None if engine["mff"] is None else int(engine["mff"] * MFF_UNIT)
        assert mff == price.mff, row
        prices.append(price)
    return prices


# ---------------------------------------------------------------- random records


class Maker:
    """Random records of the codes that the packs know, blanks and nonsense among them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        tables = shipped()[2]
        held = list(tables.years.values())
        self.procedures = sorted({h for year in held for h in year.procedures})
        self.unbundled = sorted({h for year in held for h in year.treatment})
        self.direct = sorted({h for year in held for h in year.direct_access})
        self.dialysis = sorted({h for year in held for h in year.dialysis})
        self.functions = sorted({f for year in held for f in year.attendances})
        self.emergency = sorted({h for year in held for h in year.emergency})
        self.providers = sorted(tables.factors.printed)
        self.pods = sorted(tables.settings) + sorted(tables.aliases)
        self.attendance_hrgs = list(held[0].rules.attendance_hrgs.values())
        self.empty = ["SB97Z", "SC97Z", "RD97Z", "RN97Z", "LA97A", "UZ01Z"]
        self.payments = sorted({code for year in held for code in year.payments})
        self.names = sorted(
            {
                row.get("drug") or row.get("device") or row.get("brand") or row.get("product") or ""
                for year in held
                for rows in year.listed.values()
                for row in rows
            }
        )
        pathways = [year.factors for year in held]
        phases = [p for of in pathways for p in (*of.printed.values(), *of.words.values())]
        self.factors = sorted({name for names in phases for name in names})

    def one(self, *choices: Iterable[Any]) -> Any:
        """One of one of the lists."""
        return self.random.choice(list(self.random.choice(choices)))

    def day(self) -> date | None:
        if self.random.random() < 0.02:
            return None
        if self.random.random() < 0.1:
            return date(2013, 4, 1) + timedelta(days=self.random.randrange(365))
        return date(2016, 4, 1) + timedelta(days=self.random.randrange(7 * 365))

    def present(self) -> str | None:
        """Factors of a maternity pathway: printed, in other words, measured, or nonsense."""
        measures = [f"BMI={self.random.randrange(150, 600) / 10}", f"age {self.one([19, 20, 21])}"]
        usual = (self.factors, self.factors, self.factors, [*measures, "PAPP-A = 0.4"])
        some = [self.one(*usual) for _ in range(self.random.randrange(4))]
        if self.random.random() < 0.1:
            some.append(self.one(["left-handed", "BMI=", "HEIGHT=170", "  HIV ", ""]))
        return "; ".join(some) or None

    def base(self, dataset: str, number: int) -> Row:
        provider = self.one(self.providers, self.providers, ["X99", "R1H00", "RRV00"])
        return {"provider": provider, KEYS[dataset]: f"I{number:06}"}

    def likely(self, usual: Any, *others: Any) -> Any:
        """Mostly the usual value; else another, or a blank."""
        return usual if self.random.random() < 0.85 else self.random.choice([None, *others])

    def item(self) -> str | None:
        if self.random.random() < 0.6:
            return None
        code = self.one(self.unbundled, self.unbundled, self.empty, ["ZZ99Z", "R-1", *self.direct])
        return f"{code}{self.random.choice(['', '', '*2', '*13', '*'])}"

    def attendance(self, number: int) -> Row:
        hrgs = (self.attendance_hrgs, self.procedures, self.empty, self.direct)
        return {
            **self.base("attendances", number),
            "attendance_date": self.day(),
            "billed_hrg": self.one(*hrgs, self.unbundled, ["JD07K", "NZ17B", "ZZ01Z", None, None]),
            "treatment_function": self.one(
                self.functions,
                self.functions,
                ["329", "223", "812", "501", "560", "710", "730", "400", "130", None],
            ),
            "main_specialty": self.likely("300", "950", "960", "560", "199", "900", "501"),
            "first_attendance": self.likely(self.one(["1", "2"]), "3", "4", "5", "9"),
            "attended": self.likely("5", "6", "2", "3", "7", "0"),
            "consultation_medium": self.likely("01", "02", "03"),
            "administrative_category": self.likely("01", "02", "2"),
            "direct_access": self.likely(None, "Y", "N"),
            "multi_professional": self.likely(None, "Y", "N"),
            "best_practice_met": self.likely(self.one(["Y", "N"])),
            "commissioning_serial_number": self.likely(None, "=A1", "A1=", "A=1", "="),
            "oper_01": self.likely(None, "X622", "X623", "X621", "A521"),
            "oper_02": self.likely(None, "X622", "Y767"),
            "unbundled_01": self.item(),
            "unbundled_02": self.item(),
            "unbundled_03": self.item(),
        }

    def emergency_(self, number: int) -> Row:
        return {
            **self.base("emergency", number),
            "arrival_date": self.day(),
            "billed_hrg": self.one(self.emergency, self.emergency, ["UZ01Z", "VB99Z", "ZZ1", None]),
            "department_type": self.one(["01", "02", "03", "04", "05", None]),
            "administrative_category": self.likely("01", "02", "2"),
            "commissioning_serial_number": self.likely(None, "=", "X"),
        }

    def line(self, number: int) -> Row:
        pods = ["UNBRAD", "UNBCHEMO", "DRUG", "DEVICE", "ADJUSTMENT", "DAIMG", "UNBREHA", "NONE"]
        pods += ["MATPATHAN", "MATPATHPN", "DRUG", "DEVICE"]
        codes = (self.unbundled, self.unbundled, self.direct, self.dialysis, self.empty)
        more = (self.payments, self.payments, self.names)
        return {
            **self.base("lines", number),
            "start_date": self.day(),
            "end_date": self.likely(None, self.day()),
            "point_of_delivery": self.one(pods, pods, self.pods, [None]),
            "tariff_code": self.one(*codes, *more, ["DRUG-A", "drug  b", None, None]),
            "item_name": self.likely(None, self.one(self.names).upper(), "A thing"),
            "maternity_factors": self.present(),
            "billed_price": self.likely(None, 4_321, -99),
            "billed_mff": self.likely(None, 1_071_234_567),
            "billed_mff_amount": self.likely(None, 77),
            "billed_total": self.likely(None, 5_000),
            "quantity": self.likely(self.random.randrange(1, 40), 0, -2),
            "unit_price": self.likely(self.random.randrange(1, 10**6), 0, -500),
            "spell_id": self.likely(None, "S1"),
            "attendance_id": self.likely("A1"),
            "core_hrg": self.likely("WF01B", "RN97Z", "RD97Z", "SB97Z", "FE32Z"),
            "core_point_of_delivery": self.one(self.pods, ["OPPROC", "DC", "EL", None, None, "X"]),
        }

    def rows(self, dataset: str, count: int) -> list[Row]:
        make = {"attendances": self.attendance, "emergency": self.emergency_, "lines": self.line}
        return [make[dataset](number) for number in range(count)]
