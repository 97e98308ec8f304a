"""Spells that do not exist, grouped and priced by the engine itself: merged, edited, or both.

What is asked is answered in batches and kept, so that each record is grouped and priced once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.engine.amounts import Step, decimal_factor
from tariff.engine.columns import SpellColumns
from tariff.engine.group import GroupRun
from tariff.engine.made import Change, Made, Part, make
from tariff.engine.made_price import price_input_of, without_components
from tariff.engine.price import EPOCH, Pricer, Prices
from tariff.engine.reasons import INCOMPLETE, PRICE_REASONS, price_reason_names
from tariff.engine.record_set import RecordSet
from tariff.packs.compile import NULL64
from tariff.schemas import MFF_UNIT

_NEEDED = INCOMPLETE & ~(1 << PRICE_REASONS.index("mff_unknown"))
NOTHING = Change()


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


@dataclass(frozen=True)
class Ask:
    """What would this be paid, changed so, at this factor?

    Several records are spells as one, in order of admission. `as_kind`: a spell as another kind.
    """

    records: tuple[int, ...]  # numbers of the RecordSet
    change: Change = NOTHING
    factor: int = int(NULL64)  # in units of 1e-9
    as_kind: str = ""


@dataclass(frozen=True)
class Answer:
    """The price of what was asked, None where it cannot be worked out, and how it comes about."""

    pre_mff: int | None
    total: int | None  # at the factor asked
    hrg: int  # index of `SpellColumns.hrgs`
    regrouped: int  # that of the made record itself, -1 none
    official: bool  # that one is an official one
    why: str
    base: int
    working: tuple[Step, ...] = ()


class Counterfactuals:
    """Groups and prices made records of a run.

    `answers` are HRGs that the national grouper gave such records; `asked` are those that were
    needed. `records` numbers the spells of other sources beside those of the extract.
    """

    def __init__(
        self,
        columns: SpellColumns,
        group_run: GroupRun,
        pricer: Pricer,
        answers: Mapping[QuestionKey, int] | None = None,
        records: RecordSet | None = None,
    ) -> None:
        self.columns = columns
        self.rulebook = group_run.rulebook
        self.pricer = pricer
        self.answers = answers or {}
        self.records = records
        self.asked: dict[QuestionKey, Question] = {}
        self._answers: dict[Ask, Answer] = {}
        self._own: dict[int, int] = {}  # the engine's own HRG of a spell grouped officially

    def fetch(self, asks: Iterable[Ask]) -> None:
        """Work out what is asked and not yet known, many at once."""
        plain: list[Ask] = []
        made: dict[tuple[bool, tuple[str, ...]], list[Ask]] = defaultdict(list)
        for ask in dict.fromkeys(asks):
            if ask in self._answers:
                continue
            several = len(ask.records) > 1
            here = ask.records[0] < len(self.columns)
            if several or not here or ask.change.of_rows or ask.change.set:
                made[several, ask.change.names].append(ask)
            else:
                plain.append(ask)
        if plain:
            self._plain(plain)
        for (several, _), batch in sorted(made.items(), key=lambda item: item[0]):
            self._made(batch, several=several)

    def answer(self, ask: Ask) -> Answer:
        """Give the answer; what was not fetched is worked out by itself."""
        if ask not in self._answers:
            self.fetch([ask])
        return self._answers[ask]

    def home(self, spell: int) -> tuple[SpellColumns, int]:
        """Give the columns that a spell is of, and its place there."""
        if spell < len(self.columns):
            return self.columns, spell
        assert self.records is not None
        block, place = self.records.place(spell)
        assert isinstance(block, SpellColumns)
        return block, place

    # -- a real spell at its own HRG

    def _plain(self, asks: list[Ask]) -> None:
        spells = np.array([ask.records[0] for ask in asks], np.int64)
        given = self.columns.price_input.take(spells)
        if given.marks is not None:
            without_components(given.marks, [ask.change for ask in asks])
        factors = np.array([ask.factor for ask in asks], np.int64)
        prices = self.pricer.run(given, factors=factors)
        grouped = self.columns.groups.hrg[spells]
        for place, ask in enumerate(asks):
            self._answers[ask] = _answer(
                prices, place, ask, int(given.hrg[place]), int(grouped[place]), official=False
            )

    # -- a made one

    def _made(self, asks: list[Ask], *, several: bool) -> None:
        if several:  # what the merged record is before it is changed
            self.fetch(
                Ask(ask.records, NOTHING, ask.factor) for ask in asks if ask.change != NOTHING
            )
        else:
            self._group_officials(asks)
        made = make([self._parts(ask) for ask in asks], [ask.change for ask in asks])
        hrg, official = self._regroup(asks, made, spell_checks=not several)
        owner: list[int] = []
        candidates: list[int] = []
        why = [""] * len(asks)
        for index, ask in enumerate(asks):
            found, why[index] = self._candidates(ask, int(hrg[index]), bool(official[index]))
            owner += [index] * len(found)
            candidates += sorted(found)
        given = price_input_of(self, asks, made)
        owners = np.array(owner, np.int64)
        given = given.take(owners, np.array(candidates, np.int32))
        factors = np.array([asks[index].factor for index in owner], np.int64)
        prices = self.pricer.run(given.spells, factors=factors)
        best = _dearest(prices, owner, len(asks))
        for index, ask in enumerate(asks):
            place = best[index]
            if place < 0:
                self._answers[ask] = Answer(
                    None, None, -1, int(hrg[index]), bool(official[index]), why[index], 0
                )
                continue
            self._answers[ask] = _answer(
                prices, place, ask, candidates[place], int(hrg[index]), bool(official[index])
            )

    def _parts(self, ask: Ask) -> list[Part]:
        parts = []
        for spell in ask.records:
            columns, place = self.home(spell)
            spells = columns.spells
            parts.append(
                Part(spells.frame, spells.perm[spells.start[place] : spells.start[place + 1]])
            )
        return parts

    def _regroup(
        self, asks: Sequence[Ask], made: Made, *, spell_checks: bool
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Give the HRG of each made record, and whether it is an official one."""
        groupers = self.rulebook.groupers
        grouper_of = np.array([self._grouper(ask) for ask in asks], np.int16)
        run = GroupRun(self.rulebook, made.frame, made.parts.stays())
        groups = run.run(made.parts.perm, made.start, grouper_of, spell_checks=spell_checks)
        hrg = groups.hrg
        official = np.array(
            [
                groupers[grouper].provenance_of(int(flag)) == "official"
                for grouper, flag in zip(grouper_of, groups.flag, strict=True)
            ],
            bool,
        )
        for index, ask in enumerate(asks):
            question = self._question(ask)
            if question is None:
                continue
            self.asked.setdefault(question.key, question)
            if question.key in self.answers:
                hrg[index], official[index] = self.answers[question.key], True
        return hrg, official

    def _grouper(self, ask: Ask) -> int:
        """Give the grouper of the day the record ends, a changed day too."""
        day = dict(ask.change.set).get("discharge_date", "")
        if day:
            return int(self.rulebook.grouper_of(EPOCH.fromisoformat(day)))
        columns, place = self.home(ask.records[-1])
        return int(columns.groups.grouper[place])

    def _question(self, ask: Ask) -> Question | None:
        """Give what the national grouper may be asked: a merger, or a record less one code."""
        if any(spell >= len(self.columns) for spell in ask.records):
            return None
        if ask.change == NOTHING:
            return Question(ask.records) if len(ask.records) > 1 else None
        codes = sorted(ask.change.diagnoses | ask.change.procedures)
        if len(ask.records) == 1 and len(codes) == 1 and ask.change.only_codes:
            return Question(ask.records, codes[0])
        return None

    # -- the HRG of a made record

    def _candidates(self, ask: Ask, after: int, official: bool) -> tuple[set[int], str]:
        """Give the HRGs of which the dearest counts, or why there is none."""
        stated = dict(ask.change.set).get("billed_hrg", "")
        if stated:
            return {self.rulebook.hrg_ids.get(stated, -2)}, ""
        if len(ask.records) > 1:
            return self._of_chain(ask, after, official)
        columns, place = self.home(ask.records[0])
        priced = int(columns.price_input.hrg[place])
        before = self._own.get(ask.records[0], int(columns.groups.hrg[place]))
        return self._changed(before, after, priced, official)

    def _changed(
        self, before: int, after: int, priced: int, official: bool
    ) -> tuple[set[int], str]:
        """What a change makes of the HRG is known where the engine gives the one that is priced."""
        if after == before:
            return {priced}, ""
        if before == priced or official:
            return {after}, ""
        names = self.columns.hrgs
        return set(), (
            f"the engine groups the record as it is to {_name(names, before)} and as it would be "
            f"to {_name(names, after)}, and {_name(names, priced)} is what is priced"
        )

    def _of_chain(self, ask: Ask, after: int, official: bool) -> tuple[set[int], str]:
        """Where grouping is not official: the HRGs of the parts, and the one regrouped."""
        if ask.change != NOTHING:
            whole = self._answers[Ask(ask.records, NOTHING, ask.factor)]
            return self._changed(whole.regrouped, after, whole.hrg, official)
        error = self.rulebook.groupers[self._grouper(ask)].error_hrg
        options = {after} - {-1, error}
        if official and options:
            return options, ""
        parts = [self.home(spell) for spell in self._with_nights(ask.records)]
        return options | {int(columns.price_input.hrg[place]) for columns, place in parts}, ""

    def _with_nights(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        """Leave day cases out where another part is an admission: the merged stay is one too."""
        groups = self.rulebook.points_of_delivery.groups
        kept = []
        for spell in chain:
            columns, place = self.home(spell)
            group = int(columns.prices.group[place])
            if group >= 0 and groups[group].trim != "none":
                kept.append(spell)
        return tuple(kept) or chain

    def _group_officials(self, asks: Sequence[Ask]) -> None:
        """Group by the engine's tables what was grouped officially, to compare like with like."""
        spells = {ask.records[0] for ask in asks} - self._own.keys()
        officials = [
            Ask((spell,))
            for spell in sorted(spells)
            for columns, place in [self.home(spell)]
            if columns.official[place]
        ]
        if officials:
            made = make([self._parts(ask) for ask in officials], [NOTHING] * len(officials))
            hrg, _ = self._regroup(officials, made, spell_checks=True)
            self._own |= {ask.records[0]: int(h) for ask, h in zip(officials, hrg, strict=True)}


def _name(names: Sequence[str], hrg: int) -> str:
    return names[hrg] if hrg >= 0 else "no HRG that is known"


def _dearest(prices: Prices, owner: Sequence[int], count: int) -> list[int]:
    """Give the dearest by base price of the candidates of each record, -1 where there is none.

    A candidate without a price might be the dearest: then the record has none either.
    """
    best = [-1] * count
    bad = (prices.reasons & _NEEDED) != 0
    for place, index in enumerate(owner):
        current = best[index]
        if current < 0 or bad[place]:
            best[index] = place
        elif not bad[current]:
            best[index] = max(current, place, key=lambda p: (int(prices.base[p]), -p))
    return best


def _answer(
    prices: Prices, place: int, ask: Ask, hrg: int, regrouped: int, official: bool
) -> Answer:
    bits = int(prices.reasons[place]) & _NEEDED
    if bits:
        return Answer(None, None, hrg, regrouped, official, price_reason_names(bits), 0)
    pre_mff = int(prices.pre_mff[place])
    total = None if ask.factor == NULL64 else int(prices.total[place])
    working = _working(prices, place, pre_mff, total, ask.factor)
    base = int(prices.base[place])
    return Answer(pre_mff, total, hrg, regrouped, official, "", base, tuple(working))


def _working(
    prices: Prices, place: int, pre_mff: int, total: int | None, factor: int
) -> list[Step]:
    """Give the steps of a price, as on paper."""
    lines: list[Step] = [("Base price", int(prices.base[place]), "")]
    if prices.base[place] != prices.listed[place]:
        lines = [
            ("List price", int(prices.listed[place]), ""),
            ("Best practice price", int(prices.base[place]), "in its place"),
        ]
    if prices.short_stay[place] not in (0, NULL64):
        lines.append(("Reduced short stay", int(prices.short_stay[place]), ""))
    if prices.long_stay[place] not in (0, NULL64):
        lines.append(
            (
                "Long stay payment",
                int(prices.long_stay[place]),
                f"{int(prices.excess[place])} days above {int(prices.trim[place])} x "
                f"{int(prices.per_day[place]) / 100:.2f}",
            )
        )
    for name, amount in (
        ("Specialised top-up", prices.top_up[place]),
        ("Best practice payments", prices.best_practice[place]),
    ):
        if amount not in (0, NULL64):
            lines.append((name, int(amount), ""))
    lines.append(("Price before MFF", pre_mff, ""))
    if total is not None and factor != MFF_UNIT:
        lines.append(("Market forces factor", None, decimal_factor(factor)))
        lines.append(("Price", total, "half up to the penny"))
    return lines
