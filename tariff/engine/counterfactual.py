"""Records that do not exist, grouped and priced by the engine itself: merged and edited spells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.group import GroupRun
from tariff.engine.marking import mark, mark_rules
from tariff.engine.members import Members
from tariff.engine.price import PriceInput, Pricer, Prices
from tariff.engine.reasons import INCOMPLETE, PRICE_REASONS, price_reason_names
from tariff.errors import UsageError
from tariff.packs.compile import NULL64
from tariff.packs.grouping import NULL32

_NEEDED = INCOMPLETE & ~(1 << PRICE_REASONS.index("mff_unknown"))

# fields a remedy may edit, and where they stand in the input of pricing
EDITABLE = {
    "patient_classification": ("patient_class", "classes"),
    "admission_method": ("method", "methods"),
}


@dataclass(frozen=True)
class Question:
    """A record that does not exist: spells as one, in order of admission, or less a code."""

    spells: tuple[int, ...]
    without: str = ""

    @property
    def key(self) -> QuestionKey:
        """What makes it the same question."""
        return frozenset(self.spells), self.without


QuestionKey = tuple[frozenset[int], str]


@dataclass
class Repriced:
    """A price for each record asked for: pre-MFF pence, NULL64 where it cannot be worked out."""

    pre_mff: NDArray[np.int64]
    hrg: NDArray[np.int32]
    prices: Prices
    why: list[str]  # names of reasons where there is no price
    regrouped: NDArray[np.int32] | None = None  # HRG of the merged record
    official: NDArray[np.bool_] | None = None  # that HRG is an official one


class Counterfactuals:
    """Groups and prices edited records of a run.

    `answers` are HRGs that the national grouper gave such records; `asked` are those that were
    needed.
    """

    def __init__(
        self,
        columns: SpellColumns,
        group_run: GroupRun,
        pricer: Pricer,
        answers: Mapping[QuestionKey, int] | None = None,
    ) -> None:
        self.columns = columns
        self.group_run = group_run
        self.pricer = pricer
        self.answers = answers or {}
        self.asked: dict[QuestionKey, Question] = {}

    def _finish(self, hrg: NDArray[np.int32], prices: Prices) -> Repriced:
        bad = (prices.reasons & _NEEDED) != 0
        pre_mff = np.where(bad, NULL64, prices.pre_mff)
        why = [price_reason_names(int(bits) & _NEEDED) for bits in prices.reasons]
        return Repriced(pre_mff, hrg, prices, why)

    def edited(self, spells: NDArray[np.int64], changes: dict[str, str]) -> Repriced:
        """Price spells with some fields changed."""
        spell_input = self.columns.price_input.take(spells)
        for name, value in changes.items():
            if name not in EDITABLE:
                raise UsageError(
                    f"a remedy cannot set '{name}'",
                    hint=f"it can set {' and '.join(sorted(EDITABLE))}",
                )
            array, values_name = EDITABLE[name]
            values: list[str] = list(getattr(spell_input, values_name))
            if value not in values:
                values.append(value)
            setattr(spell_input, values_name, values)
            getattr(spell_input, array)[:] = values.index(value)
        if changes:  # what the flags of the spell are worked out from may have changed
            members = Members.of(self.columns.spells).take(spells)
            self._mark(spell_input, members, self.columns.marks.delayed[spells])
        return self._finish(spell_input.hrg, self.pricer.run(spell_input))

    def _mark(self, spells: PriceInput, members: Members, delayed: NDArray[np.int32]) -> None:
        rules = mark_rules(self.columns.rulebook)
        spells.marks = mark(rules, members, spells, self.pricer.tariffs(spells), delayed)

    def merged(self, chains: list[tuple[int, ...]]) -> Repriced:
        """Group and price each chain of spells, in order of admission, as one spell.

        Where the grouping is not official the dearest by base price of the HRGs its parts were
        priced at and the one regrouped is taken (docs/signatures.md, Remedies).
        """
        columns = self.columns
        regrouped, official = self._regroup(chains)
        owner: list[int] = []
        candidates: list[int] = []
        priced = columns.price_input.hrg
        for index, chain in enumerate(chains):
            grouper = columns.rulebook.groupers[int(columns.groups.grouper[chain[-1]])]
            options = {int(regrouped[index])} - {-1, grouper.error_hrg}
            official[index] &= bool(options)
            if not official[index]:
                options |= {int(priced[s]) for s in self._with_nights(chain)}
            for hrg in sorted(options):
                owner.append(index)
                candidates.append(hrg)
        prices = self.pricer.run(self._input(chains, np.array(owner, np.int64), candidates))
        priced_at = self._finish(np.array(candidates, np.int32), prices)
        # a candidate without a price might be the dearest: then the merged stay has none either
        best = np.full(len(chains), -1, np.int64)
        for place, index in enumerate(owner):
            current = best[index]
            if current < 0 or priced_at.pre_mff[place] == NULL64:
                best[index] = place
            elif priced_at.pre_mff[current] != NULL64:
                best[index] = max(current, place, key=lambda p: (int(prices.base[p]), -p))
        return Repriced(
            priced_at.pre_mff[best],
            priced_at.hrg[best],
            _take_prices(prices, best),
            [priced_at.why[place] for place in best],
            regrouped,
            official,
        )

    def _with_nights(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        """Leave day cases out where another part is an admission: the merged stay is one too."""
        groups = self.columns.rulebook.points_of_delivery.groups
        group = self.columns.prices.group
        kept = tuple(s for s in chain if group[s] >= 0 and groups[group[s]].trim != "none")
        return kept or chain

    def _regroup(
        self, chains: list[tuple[int, ...]]
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Give the HRG of each chain as one record, and whether it is an official one."""
        spells = self.columns.spells
        rows = [
            np.concatenate([spells.perm[spells.start[s] : spells.start[s + 1]] for s in chain])
            for chain in chains
        ]
        start = np.concatenate(([0], np.cumsum([len(r) for r in rows]))).astype(np.int64)
        perm = np.concatenate(rows).astype(np.int64)
        grouper_of = self.columns.groups.grouper[[chain[-1] for chain in chains]]
        groups = self.group_run.run(perm, start, grouper_of, spell_checks=False)
        hrg, groupers = groups.hrg, self.columns.rulebook.groupers
        official = np.array(
            [
                groupers[grouper].provenance_of(int(flag)) == "official"
                for grouper, flag in zip(grouper_of, groups.flag, strict=True)
            ],
            bool,
        )
        for index, question in enumerate(map(Question, chains)):
            self.asked.setdefault(question.key, question)
            if question.key in self.answers:
                hrg[index], official[index] = self.answers[question.key], True
        return hrg, official

    def _input(
        self, chains: list[tuple[int, ...]], owner: NDArray[np.int64], hrgs: list[int]
    ) -> PriceInput:
        columns = self.columns
        first = np.array([chain[0] for chain in chains], np.int64)
        out = columns.price_input.take(first[owner])
        out.hrg = np.array(hrgs, np.int32)
        admitted, discharged = columns.number("admission_date"), columns.number("discharge_date")
        days = np.full(len(chains), NULL32, np.int32)
        deducted = self.columns.deductions.of_chains(chains)
        delayed = np.zeros(len(chains), np.int32)
        year = np.zeros(len(chains), np.int16)
        for index, chain in enumerate(chains):
            members = list(chain)
            last = members[int(np.argmax(discharged[members]))]
            year[index] = columns.price_input.year[last]
            delayed[index] = columns.marks.delayed[last]
            if (admitted[members] != NULL64).all() and (discharged[members] != NULL64).all():
                days[index] = discharged[members].max() - admitted[members].min()
        out.spell_days, out.deducted_days, out.year = days[owner], deducted[owner], year[owner]
        merged = Members.of_chains(columns.spells, chains).take(owner)
        self._mark(out, merged, delayed[owner])
        return out


def _take_prices(prices: Prices, which: NDArray[np.int64]) -> Prices:
    out = Prices(len(which))
    for name in vars(prices):
        value = getattr(prices, name)
        setattr(out, name, value[which] if isinstance(value, np.ndarray) else value)
    out.spells = len(which)
    return out
