"""What the tests of planted faults share: one honest extract, and faults of every kind in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

import pyarrow as pa

from tariff.simulate import synthesise
from tariff.simulate.billing import Engine, engine
from tariff.simulate.faults import Order, Planted, PlantTally, parse_order, plant, rules

Row = dict[str, Any]
SpellKey = tuple[str, str]

EPISODES = 20_000
SEED = 11
SHIPPED = (
    *("DUP01", "DUP02", "SPL01", "SPL03", "SPL05", "SPL07"),
    *("SPL11", "EMR07", "HRG17", "LOS01", "PRC01", "PRC02"),
)


@cache
def the_engine() -> Engine:
    """The engine that bills, compiled once."""
    return engine()


@cache
def honest_batches(episodes: int = EPISODES, seed: int = SEED, year: str = "2022/23") -> tuple[
    pa.RecordBatch, ...
]:  # fmt: skip
    """An honest extract."""
    return tuple(synthesise(episodes, seed, year))


@cache
def deaths() -> dict[str, date]:
    """A register: everybody of age 80 and over in every fiftieth spell died a week later."""
    register: dict[str, date] = {}
    for batch in honest_batches():
        rows = batch.select(["patient_id", "age", "discharge_date"]).to_pylist()
        for row in rows[::50]:
            if row["age"] >= 80:
                register[row["patient_id"]] = row["discharge_date"] + timedelta(days=7)
    return register


@dataclass
class Plantation:
    """A planted extract and its key."""

    batches: list[pa.RecordBatch]
    key: list[Planted]
    tally: PlantTally
    honest: Sequence[pa.RecordBatch]
    _spells: dict[SpellKey, list[Row]] = field(default_factory=dict)
    _before: dict[SpellKey, list[Row]] = field(default_factory=dict)

    @property
    def spells(self) -> dict[SpellKey, list[Row]]:
        """The planted rows by spell."""
        if not self._spells:
            self._spells = by_spell(self.batches)
        return self._spells

    @property
    def before(self) -> dict[SpellKey, list[Row]]:
        """The honest rows by spell."""
        if not self._before:
            self._before = by_spell(self.honest)
        return self._before

    def of(self, rule: str, kind: str = "fault") -> list[Planted]:
        """The lines of the key of one rule."""
        return [line for line in self.key if line.rule == rule and line.kind == kind]

    def rows(self, line: Planted) -> list[list[Row]]:
        """The planted spells that a line names, in order of their number in the file."""
        names = [tuple(record.split(":")[1:]) for record in line.records]
        return [self.spells[provider, spell] for provider, spell in names]

    def whole(self, line: Planted) -> list[Row]:
        """The honest spell in which a line was planted."""
        number = line.records[0].rsplit(":", 1)[1]
        return self.before[line.provider, number.replace("S9", "S0")]


def by_spell(batches: Sequence[pa.RecordBatch]) -> dict[SpellKey, list[Row]]:
    """Rows by provider and spell."""
    found: dict[SpellKey, list[Row]] = defaultdict(list)
    for batch in batches:
        for row in batch.to_pylist():
            found[row["provider"], row["spell_id"]].append(row)
    return dict(found)


def planted(
    order: Order, honest: Sequence[pa.RecordBatch] | None = None, total: int = EPISODES
) -> Plantation:
    """Plant an order."""
    batches = honest_batches() if honest is None else honest
    key: list[Planted] = []
    tally = PlantTally()
    made = list(
        plant(batches, order, write=key.append, total=total, engine=the_engine(), tally=tally)
    )
    return Plantation(made, key, tally, batches)


@cache
def everything() -> Plantation:
    """Eight faults of every kind that can be planted, and as many near misses."""
    texts = [f"{rule}=8" for rule in rules()]
    return planted(parse_order(texts, seed=5, deaths=deaths()).with_near_misses())
