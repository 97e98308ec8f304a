"""One spell of a run: what the engine says of it, and its rows to tell the story from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.engine.deductions import spells_of
from tariff.engine.price import EPOCH
from tariff.engine.run import Options, Run
from tariff.explain import agree
from tariff.explain.beside import Sources
from tariff.explain.lookup import find_spell
from tariff.explain.regroup import Regrouped, regroup
from tariff.explain.reprice import Repriced, Tables, reprice
from tariff.explain.rows import Row, row_of
from tariff.explain.validity import Validity, validate
from tariff.packs.compile import Rulebook
from tariff.packs.grouping import NULL32, Grouper
from tariff.packs.load import LoadedPack
from tariff.reference.group import NO_DIAGNOSES, unbundled_from
from tariff.reference.periods import KINDS, Period
from tariff.reference.price_tables import PriceList, PriceTables, price_list, price_tables
from tariff.reference.tables import GroupTables, group_tables


class Books:
    """The tables that stories are told from, each made once."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._groups: dict[str, GroupTables] = {}
        self._prices: dict[str, tuple[PriceList, Sources]] = {}

    def grouping(self, grouper: str) -> GroupTables:
        """Give the tables of a grouper pack."""
        if grouper not in self._groups:
            self._groups[grouper] = group_tables(list(self.rulebook.packs), grouper)
        return self._groups[grouper]

    def prices(self, tariff: str | None) -> Tables:
        """Give the tables of pricing with the list of a tariff pack, where one is held."""
        if tariff is not None and tariff not in self._prices:
            lists = self.rulebook.prices
            place = [pack.id for pack in lists.packs].index(tariff)
            pack = lists.packs[place]
            self._prices[tariff] = (price_list(lists.manifests[place], pack), Sources.read(pack))
        held, sources = (None, Sources()) if tariff is None else self._prices[tariff]
        return Tables(held, self._rules, self.rulebook.mff, sources, self._settings)

    @cached_property
    def _rules(self) -> PriceTables:
        """Points of delivery and exclusions."""
        return price_tables([self._settings])

    @property
    def _settings(self) -> LoadedPack:
        return self.rulebook.points_of_delivery.pack


@dataclass
class Trace:
    """A spell of a run. `spell` and `episodes` are the engine's rows (tariff.schemas)."""

    run: Run
    options: Options
    index: int
    columns: SpellColumns
    spell: dict[str, Any]
    episodes: list[dict[str, Any]]
    rows: list[Row]
    grouper: Grouper
    books: Books

    @property
    def fields(self) -> frozenset[str]:
        """The canonical columns of the extract."""
        return self.columns.frame.fields

    @property
    def key(self) -> str:
        """The key of the record."""
        return f"spell:{self.spell['provider']}:{self.spell['spell_id']}"

    @property
    def tables(self) -> GroupTables:
        """The tables of the grouper that served."""
        return self.books.grouping(self.grouper.pack.id)

    @cached_property
    def validity(self) -> list[Validity]:
        """The validation of each episode, compared with the engine's."""
        told = validate(self.tables, self.rows, self.fields)
        agree.validity(told, self.episodes)
        return told

    @cached_property
    def regrouped(self) -> Regrouped | None:
        """The grouping step by step, compared with the engine's; None where it is not grouped."""
        if self.spell["error_category"] or self.spell["group_reason"] == NO_DIAGNOSES:
            return None
        told = regroup(self.tables, self.rows)
        agree.grouping(told, self.spell, self._engine_grouping())
        return told

    def _engine_grouping(self) -> dict[str, Any]:
        groups = self.columns.groups
        root = int(groups.root[self.index])
        return {
            "root": self.grouper.roots[root] if root >= 0 else None,
            **{
                name: None if values[self.index] == NULL32 else int(values[self.index])
                for name, values in (
                    ("stay", groups.stay),
                    ("interventions", groups.interventions),
                    ("cc_score", groups.cc),
                )
            },
        }

    @cached_property
    def unbundled(self) -> list[list[tuple[str, str]]]:
        """The unbundled HRGs of each episode after their procedures, compared with the engine's."""
        told = [unbundled_from(self.tables, row) for row in self.rows]
        agree.unbundled(told, self.episodes)
        return told

    @cached_property
    def repriced(self) -> Repriced:
        """The price step by step, compared with the engine's."""
        tables = self.books.prices(self.spell["tariff"])
        hrg = self.spell["priced_hrg"]
        told = reprice(tables, self.rows, self.fields, hrg, self.options, self.periods)
        agree.price(told, self.spell)
        return told

    @cached_property
    def periods(self) -> list[Period]:
        """The dated periods of the spell."""
        held = self.run.periods
        if held is None:
            return []
        mine = spells_of(self.columns.spells, held) == self.index
        return [
            Period(
                KINDS[held.kind[i]],
                EPOCH + timedelta(days=int(held.start[i])),
                EPOCH + timedelta(days=int(held.end[i])),
            )
            for i in np.flatnonzero(mine).tolist()
        ]

    def label(self, hrg: str | None) -> str:
        """Give an HRG with its label."""
        if hrg is None:
            return "none"
        return f"{hrg} {self.title(hrg)}".rstrip()

    def title(self, hrg: str) -> str:
        """Give the label of an HRG, empty where none is held."""
        return self.columns.rulebook.labels.get(hrg, "")


def trace(run: Run, options: Options, word: str, books: Books | None = None) -> Trace:
    """Find a spell of a run, which has kept its episodes. `books` serve for several spells."""
    if run.columns is None:
        raise ValueError("the run has not kept its episodes")
    return trace_at(run, options, find_spell(run.columns, word), books)


def trace_at(run: Run, options: Options, index: int, books: Books | None = None) -> Trace:
    """Give the spell of a run that stands at an index."""
    columns = run.columns
    if columns is None or run.episodes is None:
        raise ValueError("the run has not kept its episodes")
    spells = columns.spells
    first, last = int(spells.start[index]), int(spells.start[index + 1])
    return Trace(
        run,
        options,
        index,
        columns,
        run.spells.slice(index, 1).to_pylist()[0],
        run.episodes.slice(first, last - first).to_pylist(),
        [row_of(columns.frame, int(row)) for row in spells.perm[first:last]],
        columns.rulebook.groupers[int(columns.groups.grouper[index])],
        books or Books(columns.rulebook),
    )
