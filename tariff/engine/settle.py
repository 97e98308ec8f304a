"""Settle findings so that one pound is challenged once (docs/money.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tariff.engine.amounts import price_of, priced_apart, rounded
from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import NOTHING, Ask, Counterfactuals
from tariff.engine.ledger import Ledger, Standing
from tariff.engine.made import Change
from tariff.engine.other_columns import OtherColumns
from tariff.engine.record_set import RecordSet
from tariff.engine.remedies import Lists, Maps, Remedies
from tariff.engine.valued import Billed, Move, Valued
from tariff.packs.compile import NULL64
from tariff.packs.model import STEPS, Rule

if TYPE_CHECKING:
    from tariff.engine.match import Hits

_ENGINE = ("edit_and_regroup", "reprice")  # of these the engine's price is what is allowed
_OF_ONE = ("edit_and_regroup", "reclassify", "cap_units", "reprice", "contract")
# what grows with the units of a line: an amount worked out from them shrinks with the units
_BY_UNITS = frozenset({"quantity", "amount", "billed", "billed_price", "billed_total", "total"})


def order_of(rule: Rule) -> tuple[int, str]:
    """Where a rule stands in the settlement order; its tiers stand in the order they are given."""
    return STEPS.index(rule.step), rule.id


class Settlement:
    """Values and settles the hits of a run.

    `agree` marks what the parties agreed not to claim: it settles to nothing.
    """

    def __init__(
        self,
        records: RecordSet,
        columns: SpellColumns,
        counterfactuals: Counterfactuals,
        agree: Callable[[list[Valued]], None] | None = None,
    ) -> None:
        self.records = records
        self.columns = columns
        self.counterfactuals = counterfactuals
        self.ledger = Ledger(records)
        self.remedies = Remedies(columns, self.ledger, counterfactuals)
        self.prices = self.remedies.prices
        # rule and spells where only another year's factor is held: a question, not a value
        self.factor_questions: list[tuple[Rule, NDArray[np.int64]]] = []
        self._agree = agree
        self._moves: list[Move] = []  # of the finding that is being settled
        self._stand_ins: dict[int, int] = {}  # of a record kept that is gone: what stands for it
        self.settled: dict[tuple[str, str], int] = {}  # by kind and source of the record

    @property
    def billed(self) -> Billed:
        """What was billed for the spells of the extract."""
        return self.ledger.billed_of(self.columns)

    def run(
        self,
        rules: Sequence[Rule],
        hits: Hits,
        lists: Mapping[str, Lists] | None = None,
        maps: Mapping[str, Maps] | None = None,
    ) -> list[Valued]:
        """Settle rule by rule in the order of the steps; lists and maps are by the rule's key."""
        out: list[Valued] = []
        for rule in sorted(rules, key=order_of):
            findings = sorted(self._findings(rule, hits), key=lambda f: (f.records, f.partner))
            of_rule = (lists or {}).get(rule.key, {}), (maps or {}).get(rule.key, {})
            out += self._rule(rule, findings, *of_rule)
        return out

    def allowed(self, kind: str = "spells", source: str = "extract") -> NDArray[np.int64]:
        """What is allowed for each record after settlement; a merged one stands on its first."""
        return self.ledger.allowed(kind, source)

    def allowed_copies(self, kind: str = "spells", source: str = "extract") -> NDArray[np.int64]:
        """What is allowed for exact copies of rows."""
        return self.ledger.allowed_copies(kind, source)

    def _findings(self, rule: Rule, hits: Hits) -> list[Valued]:
        if rule.key not in hits.single:
            return [
                self._valued(rule, hit.records, hit.kept, hit.partner)
                for hit in hits.groups.get(rule.key, [])
            ]
        found = hits.single[rule.key]
        records, partners = found.records, found.partners
        if rule.remedy.what == "mff":
            other = self._of_other_year(records)
            self.factor_questions.append((rule, records[other]))
            records, partners = records[~other], partners[~other]
        told = self.remedies.doubts.best_practice
        reduced = rule.remedy.what == "short_stay"  # one that was billed is not missed
        return [
            self._valued(rule, (record,), None, partner)
            for record, partner in zip(records.tolist(), partners.tolist(), strict=True)
            if not (reduced and record < len(self.columns) and told.billed_reduced(record))
        ]

    def _of_other_year(self, records: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of which records the factor is another year's or a successor's."""
        out = np.zeros(len(records), bool)
        starts = self.records.starts
        for block, start, end in zip(self.records.blocks, starts, starts[1:], strict=False):
            mine = (records >= start) & (records < end)
            if mine.any() and isinstance(block, SpellColumns | OtherColumns):
                out[mine] = block.mff_of_other_year(records[mine] - start)
        return out

    def _valued(
        self, rule: Rule, records: tuple[int, ...], kept: int | None, partner: int
    ) -> Valued:
        """Records of the extract are challenged, and those a reconciling rule is about.

        A remedy that changes or prices one record is about the last of several, or the one of a set
        that is not kept.
        """
        here = {"extract", rule.source}
        mine = records
        if rule.remedy.kind in _OF_ONE and len(records) > 1:
            mine = tuple(r for r in records if r != kept)[-1:]
        challenged = tuple(r for r in mine if self.ledger.source(r) in here)
        spells = tuple(r for r in challenged if r < len(self.columns))
        return Valued(rule, records, kept, partner, challenged, spells)

    def _rule(self, rule: Rule, findings: list[Valued], lists: Lists, maps: Maps) -> list[Valued]:
        self.remedies.value(rule, findings, lists, maps)
        findings = [f for f in findings if f.stands and _of_interest(rule, f)]
        if self._agree is not None:
            self._agree(findings)
        live = [f for f in findings if f.allowed is not None and not f.question]
        self.prices.fetch(ask for finding in live for ask in self._asks(finding))
        for finding in findings:
            if finding.agreed:
                finding.settled = 0
            elif finding.allowed is not None and not finding.question:
                self._moves = []
                finding.settled = self._settle(finding)
                finding.moves = tuple(self._moves)
                assert finding.settled == sum(pence for _, pence, _ in self._moves)
                for record, pence, _ in self._moves:
                    block, _ = self.records.place(record)
                    key = block.kind, block.source
                    self.settled[key] = self.settled.get(key, 0) + pence
        return findings

    def _asks(self, finding: Valued) -> Iterable[Ask]:
        """Give what the engine will be asked of a record that an earlier step changed."""
        if finding.rule.remedy.kind not in _ENGINE or finding.change is None:
            return
        standing = self.ledger.standing(finding.challenged[0])
        if not (standing.gone or standing.fixed or standing.as_kind or _judged(standing, finding)):
            yield standing.ask(finding.change)

    # -- each remedy on the record as it stands

    def _settle(self, finding: Valued) -> int:
        rule = finding.rule
        remedy = rule.remedy
        match remedy.kind:
            case "keep_one" if rule.set_key is not None and rule.set_key.copies:
                return sum(map(self._drop_copies, finding.challenged))
            case "keep_one":
                return self._keep(finding)
            case "not_payable" | "redirect":
                gone = [r for r in finding.challenged if r != finding.kept]
                return sum(self._drop(self.ledger.standing(record)) for record in gone)
            case "merge_and_regroup":
                return self._merge(finding)
        (record,) = finding.challenged
        standing = self.ledger.standing(record)
        if standing.gone:
            return 0
        match remedy.kind:
            case "reclassify":
                return self._reclassify(finding, standing)
            case "cap_units" if remedy.what == "quantity":
                return self._quantity(finding, standing)
            case "cap_units":
                return self._cap(finding, standing)
            case "contract":
                share = Fraction(rule.params[remedy.share])
                return self._fix(
                    finding, standing, standing.current - rounded(standing.current * share)
                )
            case "reprice" if remedy.what in ("amount", "unit_price"):
                assert finding.amount is not None
                share = standing.units if _by_units(rule) else Fraction(1)
                return self._fix(finding, standing, rounded(finding.amount * share))
            case "reprice" if remedy.what == "mff":
                return self._factor(finding, standing)
        return self._engine_price(finding, standing)

    def _change(self, standing: Standing, current: int, pre_mff: int, units: int = 0) -> int:
        settled = standing.current - current
        self._moves.append((self._holder(standing), settled, units))
        standing.current, standing.pre_mff = current, pre_mff
        return settled

    def _holder(self, standing: Standing) -> int:
        """Give the record that the money of a merged one stands on: its first of this run."""
        return next(r for r in standing.records if self.ledger.touched(r))

    def _drop_copies(self, record: int) -> int:
        settled = self.ledger.drop_copies(record)
        self._moves.append((record, settled, int(settled != 0)))
        return settled

    def _drop(self, standing: Standing) -> int:
        """A part of a merged record is judged with it: it brings no money of its own any more."""
        if standing.gone or len(standing.records) > 1:
            return 0
        standing.gone = standing.priced = True
        return self._change(standing, 0, 0, units=1)

    def _keep(self, finding: Valued) -> int:
        """Drop what is there beside the record kept; one that is gone keeps nothing."""
        kept = finding.partner if finding.kept is None else finding.kept
        kept = self._stand_ins.get(kept, kept)
        others = [r for r in finding.challenged if r not in (kept, finding.kept)]
        if kept >= 0 and self.ledger.touched(kept) and self.ledger.standing(kept).gone:
            left = [r for r in others if not self.ledger.standing(r).gone]
            if not left:
                return 0
            original = finding.partner if finding.kept is None else finding.kept
            self._stand_ins[original] = left[0]  # the next record of the set has this one beside it
            others = left[1:]
        return sum(self._drop(self.ledger.standing(record)) for record in others)

    def _within(self, finding: Valued, before: int, after: int, billed: int) -> int:
        """Bound what is left: never below nothing, and above what was billed by under-charges."""
        after = max(after, min(before, 0))
        value = finding.value
        return after if value is not None and value < 0 else min(after, max(before, billed))

    def _merge(self, finding: Valued) -> int:
        """Merge the records that the spells are of now; one that is gone stays out."""
        mine = list(
            {
                id(s): s
                for s in map(self.ledger.standing, finding.challenged)
                if not s.gone and not s.fixed and not s.as_kind
            }.values()
        )
        known = {record for standing in mine for record in standing.records}
        past = [r for r in finding.records if r not in finding.challenged and r not in known]
        if len(mine) + len(past) < 2 or not mine:
            return 0
        spells = self._in_order([*known, *past])
        change = NOTHING
        for standing in mine:
            change |= standing.change
        first = finding.records[0]
        mff = self.ledger.factor(first)
        if first in finding.challenged:
            start = self.ledger.standing(first)
            mff = start.mff if not start.gone else mine[0].mff
        answer = self.prices.answer(Ask(spells, change, mff))
        if answer.total is None or answer.pre_mff is None:
            return 0
        paid = sum(s.paid for s in mine) + sum(self.ledger.total(record) for record in past)
        before, billed = sum(s.current for s in mine), sum(s.billed for s in mine)
        after = self._within(finding, before, max(answer.total - paid, 0), billed)
        merged = Standing(spells, after, answer.pre_mff, mff, billed, paid, change, priced=True)
        # the merged stay is activity of its first spell
        self._moves += [(self._holder(s), s.current, 1) for s in mine]
        self.ledger.merge(filter(self.ledger.touched, known), merged)  # the history stays paid
        self._moves.append((self._holder(merged), -after, -1))
        return before - after

    def _in_order(self, spells: Iterable[int]) -> tuple[int, ...]:
        def place(spell: int) -> tuple[int, int, int]:
            columns, index = self.counterfactuals.home(spell)
            admitted = int(columns.number("admission_date")[index])
            return admitted, -int(columns.number("discharge_date")[index]), spell

        return tuple(sorted(spells, key=place))

    def _engine_price(self, finding: Valued, standing: Standing) -> int:
        """Put the engine's price of the record as it is edited by now."""
        change = finding.change or NOTHING
        whole = standing.change | change
        if standing.fixed or standing.as_kind or _judged(standing, finding):
            return 0
        if standing.priced and whole == standing.change:
            return 0
        answer = self.prices.answer(standing.ask(change))
        if answer.total is None or answer.pre_mff is None:
            return 0
        standing.priced, standing.change = True, whole
        left = max(answer.total - standing.paid, 0)
        left = self._within(finding, standing.current, left, standing.billed)
        return self._change(standing, left, answer.pre_mff)

    def _reclassify(self, finding: Valued, standing: Standing) -> int:
        """Let a spell be a record of another kind from now on."""
        if standing.as_kind or standing.fixed or len(standing.records) > 1:
            return 0
        assert finding.allowed is not None
        if finding.change is None:  # a local price
            return self._fix(finding, standing, finding.allowed)
        standing.as_kind, standing.change = finding.rule.remedy.as_, finding.change
        answer = self.prices.answer(standing.ask())
        assert answer.total is not None and answer.pre_mff is not None
        left = self._within(finding, standing.current, answer.total, standing.billed)
        standing.priced = True
        return self._change(standing, left, answer.pre_mff)

    def _factor(self, finding: Valued, standing: Standing) -> int:
        factor = self.remedies.numbers.of_field("mff", finding.challenged[0])
        if standing.fixed or standing.pre_mff == NULL64:
            return 0
        standing.mff = factor
        left = price_of(standing.pre_mff, factor)
        if standing.priced:
            answer = self.prices.answer(standing.ask())
            left = left if answer.total is None else answer.total
        left = max(left - standing.paid, 0)
        left = self._within(finding, standing.current, left, standing.billed)
        return self._change(standing, left, standing.pre_mff)

    def _cap(self, finding: Valued, standing: Standing) -> int:
        (spell,) = finding.spells
        over = self.remedies.excess_pence(spell, standing.pre_mff)
        if standing.priced or standing.fixed or over is None or standing.mff == NULL64:
            return 0
        current = standing.current - priced_apart(standing.pre_mff, over, standing.mff)
        if over > 0:
            current = max(current, min(standing.current, 0))
        pre_mff = standing.pre_mff
        if pre_mff != NULL64:
            pre_mff = max(pre_mff - over, 0)
        return self._change(standing, current, pre_mff)

    def _quantity(self, finding: Valued, standing: Standing) -> int:
        """Take units off that are still there."""
        assert finding.amount is not None
        units = self.remedies.numbers.of_field("quantity", finding.challenged[0])
        share = Fraction(finding.amount, units)
        if share >= standing.units:
            return 0
        left = rounded(standing.current * share / standing.units)
        standing.units = share
        standing.change |= Change((("quantity", str(finding.amount)),))
        left = self._within(finding, standing.current, left, standing.billed)
        return self._change(standing, left, int(NULL64))

    def _fix(self, finding: Valued, standing: Standing, left: int) -> int:
        """Put an amount that no price list changes any more.

        An over-charge never gives back what an earlier step took.
        """
        if finding.value is not None and finding.value >= 0:
            left = min(left, standing.current)
        left = self._within(finding, standing.current, left, standing.billed)
        standing.fixed = True
        return self._change(standing, left, int(NULL64))


def _judged(standing: Standing, finding: Valued) -> bool:
    """Say whether a change is of one part of a merged record, which is judged as a whole."""
    change = finding.change
    return len(standing.records) > 1 and change is not None and change.of_rows


def _by_units(rule: Rule) -> bool:
    operand = rule.remedy.to
    if rule.remedy.what == "unit_price":
        return True
    if operand is None or operand.kind in ("constant", "param"):
        return False
    names = (operand.value,) if operand.kind == "field" else tuple(operand.value)
    return not _BY_UNITS.isdisjoint(names)


def _of_interest(rule: Rule, finding: Valued) -> bool:
    """Say whether a value is worth a line, and of the sign the rule is about."""
    value = finding.value
    if value is None:
        return True
    if abs(value) < int(rule.min_value * 100):
        return False
    return {"over": value > 0, "under": value < 0}.get(rule.direction, True)
