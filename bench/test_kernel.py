"""The compiled core alone: grouping and pricing over arrays in memory, on one thread.

Reading, spell assembly and the tables of the packs are ready before the clock starts. What is
measured is one call of each kernel with the allocation of its results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.conftest import EPISODES, Record
from tariff.engine.group import GroupRun
from tariff.engine.marking import mark, mark_rules
from tariff.engine.members import Members
from tariff.engine.pipeline import Priced, Stages, read_frame, run_stages
from tariff.extract import open_extract
from tariff.packs.compile import Rulebook
from tariff.packs.load import load_packs


@pytest.fixture(scope="module")
def ready(parquet: Path) -> Priced:
    """Everything up to the price, once, so that every table is made."""
    extract = open_extract([parquet])
    frame = read_frame(extract.batches(), extract.fields)
    return run_stages(Rulebook(load_packs()), frame, Stages())


@pytest.mark.benchmark(group="kernel")
def test_group(benchmark: Any, record: Record, ready: Priced) -> None:
    spells, groups = ready.columns.spells, ready.columns.groups
    run: GroupRun = ready.group_run

    def work() -> Any:
        return run.run(spells.perm, spells.start, groups.grouper)

    assert (work().hrg == groups.hrg).all()
    assert len(spells.perm) == EPISODES
    record.measure(benchmark, "kernel: group", work)


@pytest.mark.benchmark(group="kernel")
def test_mark(benchmark: Any, record: Record, ready: Priced) -> None:
    """Exclusions, flags, services and payments: numpy, not the compiled core."""
    given, rules = ready.columns.price_input, mark_rules(ready.columns.rulebook)
    marks = given.marks
    assert marks is not None
    tariff, members = ready.pricer.tariffs(given), Members.of(ready.columns.spells)

    def work() -> Any:
        return mark(rules, members, given, tariff, marks.delayed)

    assert (work().area_row == marks.area_row).all()
    record.measure(benchmark, "kernel: mark (a spell each)", work)


@pytest.mark.benchmark(group="kernel")
def test_price(benchmark: Any, record: Record, ready: Priced) -> None:
    def work() -> Any:
        return ready.pricer.run(ready.columns.price_input)

    assert (work().total == ready.columns.prices.total).all()
    record.measure(benchmark, "kernel: price (a spell each)", work)


@pytest.mark.benchmark(group="kernel")
def test_group_and_price(benchmark: Any, record: Record, ready: Priced) -> None:
    spells, groups = ready.columns.spells, ready.columns.groups

    def work() -> Any:
        ready.group_run.run(spells.perm, spells.start, groups.grouper)
        return ready.pricer.run(ready.columns.price_input)

    took = record.measure(benchmark, "kernel: group and price", work)
    benchmark.extra_info["episodes_a_second"] = EPISODES / took if took else 0
