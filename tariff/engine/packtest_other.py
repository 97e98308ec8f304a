"""The worked examples of an other care pack: records, and what they are paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pyarrow as pa

from tariff.engine.other_outcome import PriceOptions
from tariff.engine.other_prices import year_prices
from tariff.engine.packtest import Outcome
from tariff.engine.price import MffChoice
from tariff.engine.price_other_care import DATASETS, price_records
from tariff.extract import from_arrow
from tariff.extract.fields import field_of
from tariff.packs.compile import Rulebook, year_start
from tariff.packs.load import LoadedPack
from tariff.schemas import MFF_UNIT

EXPECTED = ("outcome", "price_reasons", "pre_mff", "total")  # a blank is not looked at
MONEY = ("pre_mff", "total")
NO_PROVIDER = "X00"

Test = dict[str, str]


def other_care_tests(rulebook: Rulebook, pack: LoadedPack) -> list[Outcome]:
    """Price the examples of the years that are held, those of one dataset and factor together."""
    columns = pack.tables["tests"].columns
    tests = [
        dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
    ]
    held = {test["year"] for test in tests if year_prices(rulebook, test["year"]) is not None}
    tests = [test for test in tests if test["year"] in held]
    wrong: dict[str, str] = {}
    for dataset, factor in sorted({(test["dataset"], test["mff"]) for test in tests}):
        wrong |= _run(
            rulebook,
            dataset,
            MffChoice(int(Decimal(factor) * MFF_UNIT)) if factor else MffChoice(),
            [test for test in tests if (test["dataset"], test["mff"]) == (dataset, factor)],
        )
    return [Outcome(pack.manifest.id, test["name"], wrong[test["name"]]) for test in tests]


def record_of(test: Test, number: int) -> Test:
    """Give the record of an example: its canonical columns, an identifier, a date of its year."""
    dataset = DATASETS[test["dataset"]]
    day = date(year_start(test["year"]), 4, 1).isoformat()
    given = {name: cell for name, cell in test.items() if field_of(name, test["dataset"])}
    keys = {dataset.key: f"T{number:05}", dataset.day: day}
    return given | keys | {"provider": test["provider"] or NO_PROVIDER}


def _run(
    rulebook: Rulebook, dataset: str, choice: MffChoice, tests: Sequence[Test]
) -> dict[str, str]:
    records = [record_of(test, number) for number, test in enumerate(tests)]
    table = pa.table({name: [record[name] for record in records] for name in records[0]})
    extract = from_arrow(table, max_bad_rows=1.0, dataset=dataset)
    run = price_records(extract, PriceOptions(mff=choice), rulebook=rulebook)
    key = DATASETS[dataset].key
    found = {row[key]: row for row in run.table.to_pylist()}
    return {
        test["name"]: _compare(test, found.get(record[key]))
        for test, record in zip(tests, records, strict=True)
    }


def _compare(test: Test, row: dict[str, object] | None) -> str:
    if row is None:
        return "the record cannot be read"
    wrong = []
    for name in EXPECTED:
        if not test.get(name):
            continue
        expected: object = int(Decimal(test[name]) * 100) if name in MONEY else test[name]
        found = row[f"{name}_pence" if name in MONEY else name]
        if found != expected:
            wrong.append(f"{name}: expected {expected}, found {found}")
    return "; ".join(wrong)
