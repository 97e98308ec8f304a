"""Runs the engine and the oracle on the same rows and packs, and says where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from tariff.engine.periods import Periods
from tariff.engine.pipeline import Priced, Stages, read_frame, run_stages
from tariff.engine.price import EPOCH, MffChoice, Terms
from tariff.engine.tables import episodes_table, spells_table
from tariff.extract.fields import ARROW_TYPE, field_of, in_order
from tariff.packs.compile import Rulebook
from tariff.packs.load import PackSet
from tariff.packs.model import PROVENANCE_ORDER
from tariff.reference.group import Grouping, episode_stay, group_episode, group_spell, unbundled
from tariff.reference.periods import KINDS, periods_by_spell
from tariff.reference.price import Price, PriceOptions, price_spell
from tariff.reference.price_tables import PriceTables, price_tables
from tariff.reference.record_tables import RecordTables
from tariff.reference.spell_records import spell_record
from tariff.reference.spells import Key, Spell, assemble
from tariff.reference.tables import (
    GroupTables,
    all_group_tables,
    choose_by_date,
    date_of_year,
)
from tariff.reference.values import Value, day, family, text
from tariff.reference.world import Record
from tariff.schemas import MFF_UNIT

Row = dict[str, Value]

FROM_RECORD = (
    "patient_id", "site", "commissioner", "gp_practice", "age", "sex", "admission_date",
    "discharge_date", "admission_method", "admission_source", "discharge_method",
    "discharge_destination", "patient_classification", "treatment_function",
)  # fmt: skip
FROM_PRICE = (
    "priced_hrg", "point_of_delivery", "tariff_year", "tariff", "exclusion", "spell_days",
    "critical_care_days", "rehabilitation_days", "palliative_care_days", "deducted_days",
    "adjusted_days", "delayed_days", "trim_days", "excess_days", "per_day_pence", "list_pence",
    "best_practice_area", "best_practice_flag", "best_practice_paid", "base_pence",
    "short_stay_pence", "long_stay_pence", "top_up_service", "top_up_rate", "top_up_pence",
    "best_practice_pence", "pre_mff_pence", "mff_year", "total_pence", "complete", "price_reasons",
)  # fmt: skip
FROM_GROUPING = (
    "hrg", "grouping_flag", "dominant_code", "dominant_episode", "cc_score", "error_category",
    "group_reason",
)  # fmt: skip


# ---------------------------------------------------------------- the engine


def batch_of(rows: Sequence[Row], fields: frozenset[str]) -> pa.RecordBatch:
    """Rows as a batch of an extract."""
    arrays, names = [], in_order(fields)
    for name in names:
        known = field_of(name)
        assert known is not None
        target = ARROW_TYPE[known.type]
        values = [row.get(name) for row in rows]
        if pa.types.is_dictionary(target):
            arrays.append(pa.array(values, pa.string()).dictionary_encode().cast(target))
        else:
            arrays.append(pa.array(values, target))
    return pa.RecordBatch.from_arrays(arrays, names=names)


def periods_read(rows: Sequence[Row]) -> Periods:
    """Dated periods as a file of them gives them."""
    start, end = (
        np.array([(day(row, name) - EPOCH).days for row in rows], np.int32)  # type: ignore[operator]
        for name in ("start_date", "end_date")
    )
    kind = np.array([KINDS.index(str(row["kind"])) for row in rows], np.int8)
    texts = (
        pa.array([row[name] for row in rows], pa.string()) for name in ("provider", "spell_id")
    )
    return Periods(*texts, kind, start, end)


@dataclass
class Case:
    """Rows under packs and options, run once by each side."""

    packs: PackSet
    fields: frozenset[str]
    rows: list[Row]
    year: str | None = None
    mff: int | None = None
    mff_year: str | None = None
    price_at: Any = "billed"
    parts: int = 1
    terms: Terms = field(default_factory=Terms)
    periods: list[Row] = field(default_factory=list)
    rulebook: Rulebook = field(default=None, repr=False)  # type: ignore[assignment]
    groupers: list[GroupTables] = field(default_factory=list, repr=False)
    prices: PriceTables = field(default=None, repr=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.rulebook = self.rulebook or Rulebook(self.packs)
        self.groupers = self.groupers or all_group_tables(list(self.packs))
        self.prices = self.prices or price_tables(list(self.packs))
        self.spells = assemble(self.rows)
        self._periods = periods_by_spell(self.periods, {spell.key for spell in self.spells})
        self._groupings: dict[Key, Grouping] = {}

    def run(self) -> Priced:
        """Group and price by the engine."""
        frame = read_frame([batch_of(self.rows, self.fields)], self.fields)
        mff = MffChoice(self.mff, self.mff_year)
        stages = Stages(
            self.year, mff, self.price_at, parts=self.parts, terms=self.terms,
            periods=periods_read(self.periods) if self.periods else None,
        )  # fmt: skip
        return run_stages(self.rulebook, frame, stages)

    # -- the oracle

    def grouper(self, spell: Spell) -> GroupTables:
        """The grouper of a spell."""
        when = spell.discharge_date
        if when is None and self.year is not None:
            when = date_of_year(self.year)
        return choose_by_date(self.groupers, when)

    def grouping(self, spell: Spell) -> Grouping:
        """Group a spell by the oracle, once."""
        if spell.key not in self._groupings:
            grouping = group_spell(self.grouper(spell), spell.episodes, self.fields)
            self._groupings[spell.key] = grouping
        return self._groupings[spell.key]

    @property
    def options(self) -> PriceOptions:
        """What the command line overrides, for the oracle."""
        return PriceOptions(
            year=self.year, price_at=self.price_at, mff=self.mff, mff_year=self.mff_year,
            rounding=self.terms.rounding, delayed_discharge=self.terms.delayed_discharge,
        )  # fmt: skip

    def price(self, spell: Spell, grouping: Grouping) -> Price:
        """Price a spell by the oracle."""
        dated = self._periods.get(spell.key, ())
        return price_spell(self.prices, spell, grouping.hrg, self.options, dated)

    def records(self) -> list[Record]:
        """What signatures look at, by the oracle."""
        tables = RecordTables(self.groupers, self.prices, None, (), (), ())
        found = []
        for spell in self.spells:
            grouping = self.grouping(spell)
            price, dated = self.price(spell, grouping), tuple(self._periods.get(spell.key, ()))
            found.append(spell_record(tables, spell, grouping, price, self.options, dated))
        return found


# ---------------------------------------------------------------- comparing


def weakest_of(packs: PackSet, grouper: str, flag: str | None) -> str:
    """The weakest provenance that an HRG of a grouper rests on, given what drove it."""
    pack = packs.by_id(grouper)
    manifest: Any = pack.manifest
    names = [manifest.splits, manifest.roots, manifest.cc_lists, manifest.field_values]
    names += [manifest.injuries] if flag in ("M", "B") else []
    names += [manifest.services] if flag == "G" else []
    used = [pack, *(packs.by_id(name) for name in (*names, *manifest.codes))]
    return max((p.manifest.provenance for p in used), key=PROVENANCE_ORDER.index)


def expected_spell(case: Case, spell: Spell) -> dict[str, Any]:
    """A row of the spells table, by the oracle."""
    grouper = case.grouper(spell)
    grouping = case.grouping(spell)
    price = case.price(spell, grouping)
    billed = spell.billed
    in_error = grouping.error_category is not None
    primary = {} if in_error else {"primary_diagnosis": grouping.primary_diagnosis}
    return {
        "provider": spell.provider,
        "spell_id": spell.spell_id,
        **{name: spell.attribute(name) for name in FROM_RECORD},
        "episodes": len(spell.episodes),
        "duplicate_rows": spell.duplicate_rows,
        **{name: getattr(grouping, name) for name in FROM_GROUPING},
        **primary,
        "grouper": grouper.pack_id,
        "hrg_provenance": (
            weakest_of(case.packs, grouper.pack_id, grouping.grouping_flag)
            if grouping.hrg
            else None
        ),
        **{name: getattr(price, name) for name in FROM_PRICE},
        "mff": decimal(price.mff),
        "billed_hrg": billed.hrg,
        "billed_point_of_delivery": billed.point_of_delivery,
        "billed_price_pence": billed.price,
        "billed_mff": decimal(billed.mff),
        "billed_excess_days": billed.excess_days,
        "billed_total_pence": billed.total,
        "billed_pence": billed.pence,
        "allowed_pence": billed.pence,
        "activity_month": billed.activity_month,
        "statement": billed.statement,
    }


def expected_episodes(case: Case, spell: Spell) -> Iterator[dict[str, Any]]:
    """The rows of the episodes table, by the oracle."""
    grouper, whole = case.grouper(spell), case.grouping(spell)
    for place, episode in enumerate(spell.episodes):
        grouping = group_episode(grouper, spell.episodes, place, case.fields)
        yield {
            "provider": spell.provider,
            "spell_id": spell.spell_id,
            "episode_order": episode.get("episode_order"),
            "treatment_function": text(episode, "treatment_function"),
            "stay": episode_stay(episode, alone=len(spell.episodes) == 1),
            "diagnoses": family(episode, "diag"),
            "procedures": family(episode, "oper"),
            "hrg": grouping.hrg,
            "grouping_flag": grouping.grouping_flag,
            "dominant_code": grouping.dominant_code,
            "cc_score": grouping.cc_score,
            "error_category": grouping.error_category,
            "group_reason": grouping.group_reason,
            "dominant": place + 1 == whole.dominant_episode,
            "unbundled_hrgs": [] if "diag_01" not in case.fields else unbundled(grouper, episode),
        }


def decimal(factor: int | None) -> Decimal | None:
    """A factor in units of 1e-9 as the tables that leave a run write it."""
    return None if factor is None else (Decimal(factor) / MFF_UNIT).quantize(Decimal("1e-9"))


def different(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """One line for each column that differs."""

    def plain(value: Any) -> Any:
        return None if value == "" else value

    return [
        f"    {name}: engine {found[name]!r}, oracle {value!r}"
        for name, value in expected.items()
        if plain(found[name]) != plain(value)
    ]


def readable(case: Case, spell: Spell) -> str:
    """A spell as one reads it: each episode with the values that are there."""
    lines = [f"spell {spell.provider} {spell.spell_id}, grouper {case.grouper(spell).pack_id}"]
    for episode in spell.episodes:
        values = {n: v for n, v in episode.items() if v not in (None, "")}
        shown = ", ".join(
            f"{n}={v.isoformat() if isinstance(v, date) else v}"
            for n, v in sorted(values.items())
            if n not in ("provider", "spell_id")
        )
        lines.append(f"  episode: {shown}")
    return "\n".join(lines)


def check_spells(case: Case, *, episodes: bool = True) -> int:
    """Compare every column of spells and episodes; fail with the smallest spell that differs."""
    columns = case.run().columns
    found = spells_table(columns).to_pylist()
    assert [(s["provider"], s["spell_id"]) for s in found] == [s.key for s in case.spells]
    problems: list[tuple[int, str]] = []
    rows = iter(episodes_table(columns).to_pylist() if episodes else ())
    for spell, have in zip(case.spells, found, strict=True):
        lines = different(expected_spell(case, spell), have)
        for want in expected_episodes(case, spell) if episodes else ():
            row = next(rows)
            lines += different(want, row)
            if (row["errors"] is not None) != (want["error_category"] == "field"):
                lines.append(f"    errors: engine {row['errors']!r} of {row['error_category']}")
        if lines:
            problems.append((len(spell.episodes), "\n".join([readable(case, spell), *lines])))
    fail_with(problems, lambda: f"{len(problems)} of {len(found)} spells differ")
    assert next(rows, None) is None
    return len(found)


def fail_with(problems: Sequence[tuple[int, str]], summary: Callable[[], str]) -> None:
    """Fail with the smallest of some problems, if there are any."""
    if problems:
        _, shortest = min(problems, key=lambda problem: (problem[0], len(problem[1])))
        raise AssertionError(f"{summary()}; the smallest:\n{shortest}")
