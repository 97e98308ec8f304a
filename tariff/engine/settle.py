"""Settle findings so that one pound is challenged once (docs/money.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import Counterfactuals
from tariff.engine.match import Hit, Hits
from tariff.engine.remedies import Billed, Move, Remedies, Valued, price_of, priced_apart
from tariff.packs.compile import NULL64
from tariff.packs.model import STEPS, Rule


def order_of(rule: Rule) -> tuple[int, str]:
    """Where a rule stands in the settlement order."""
    return STEPS.index(rule.step), rule.id


@dataclass
class Record:
    """A spell, or several merged into one, as the steps so far have left it. Money in pence."""

    spells: tuple[int, ...]  # in order of admission
    current: int  # what would be paid now
    pre_mff: int  # price before MFF behind `current`, NULL64 unknown
    mff: int  # factor behind `current`, NULL64 unknown
    priced: bool = False  # the engine's price stands in `current`
    gone: bool = False  # no longer payable


class Settlement:
    """Values and settles the hits of a run.

    `agree` marks what the parties agreed not to claim: it settles to nothing.
    """

    def __init__(
        self,
        columns: SpellColumns,
        counterfactuals: Counterfactuals,
        agree: Callable[[list[Valued]], None] | None = None,
    ) -> None:
        self.columns = columns
        self.counterfactuals = counterfactuals
        self.billed = Billed.of(columns)
        self.remedies = Remedies(columns, self.billed, counterfactuals)
        # rule and spells where only another year's factor is held: a question, not a value
        self.factor_questions: list[tuple[Rule, NDArray[np.int64]]] = []
        self._records: dict[int, Record] = {}
        self._copies = self.billed.copies.copy()
        self._agree = agree
        self._moves: list[Move] = []  # of the finding that is being settled

    def run(self, rules: Sequence[Rule], hits: Hits) -> list[Valued]:
        """Settle rule by rule in the order of the steps."""
        out: list[Valued] = []
        for rule in sorted(rules, key=order_of):
            out += self._rule(rule, sorted(self._hits(rule, hits), key=lambda hit: hit.spells))
        return out

    def allowed(self) -> NDArray[np.int64]:
        """What is allowed for each spell after settlement; a merged one stands on its first."""
        out = self.billed.total.copy()
        for spell, record in self._records.items():
            if out[spell] != NULL64:
                out[spell] = record.current if spell == record.spells[0] else 0
        return out

    def allowed_copies(self) -> NDArray[np.int64]:
        """What is allowed for exact copies of rows."""
        return self._copies

    def _hits(self, rule: Rule, hits: Hits) -> list[Hit]:
        if rule.id not in hits.records:
            return hits.groups.get(rule.id, [])
        spells = hits.records[rule.id]
        if rule.remedy.what == "mff":
            other = self.columns.mff_of_other_year(spells)
            self.factor_questions.append((rule, spells[other]))
            spells = spells[~other]
        told = self.remedies.doubts.best_practice
        reduced = rule.remedy.what == "short_stay"  # one that was billed is not missed
        return [
            Hit((spell,))
            for spell in spells.tolist()
            if not (reduced and told.billed_reduced(spell))
        ]

    def _rule(self, rule: Rule, hits: list[Hit]) -> list[Valued]:
        findings = [Valued(rule, hit.spells, hit.kept) for hit in hits]
        self.remedies.value(rule, findings)
        least = int(rule.min_value * 100)
        findings = [f for f in findings if f.value is None or abs(f.value) >= least]
        if self._agree is not None:
            self._agree(findings)
        for finding in findings:
            if finding.agreed:
                finding.settled = 0
            elif finding.allowed is not None:
                self._moves = []
                finding.settled = self._settle(finding)
                finding.moves = tuple(self._moves)
                assert finding.settled == sum(pence for _, pence, _ in self._moves)
        return findings

    # -- each remedy on the record as it stands

    def record(self, spell: int) -> Record:
        """Give the record that a spell is of now."""
        found = self._records.get(spell)
        if found is None:
            found = self._records[spell] = Record(
                (spell,),
                int(self.billed.total[spell]),
                int(self.billed.pre_mff[spell]),
                int(self.billed.mff[spell]),
            )
        return found

    def _settle(self, finding: Valued) -> int:
        rule = finding.rule
        match rule.remedy.kind:
            case "keep_one" if rule.set_key is not None and rule.set_key.of == "episodes":
                (spell,) = finding.spells
                settled, self._copies[spell] = int(self._copies[spell]), 0
                self._moves.append((spell, settled, int(settled != 0)))
                return settled
            case "not_payable" | "keep_one":
                gone = [s for s in finding.spells if s != finding.kept]
                return sum(self._drop(self.record(s)) for s in gone)
            case "merge_and_regroup":
                return self._merge(finding)
            case "reprice" if rule.remedy.what == "mff":
                return self._factor(finding)
            case "cap_units":
                return self._cap(finding)
        return self._engine_price(finding)

    def _drop(self, record: Record) -> int:
        """A part of a merged record is judged with it: it brings no money of its own any more."""
        if record.gone or len(record.spells) > 1:
            return 0
        record.gone = record.priced = True
        return self._change(record, 0, 0, units=1)

    def _change(self, record: Record, current: int, pre_mff: int, units: int = 0) -> int:
        settled = record.current - current
        self._moves.append((record.spells[0], settled, units))
        record.current, record.pre_mff = current, pre_mff
        return settled

    def _merge(self, finding: Valued) -> int:
        """Merge the records that the spells are of now; one that is gone stays out."""
        records = list({id(r): r for r in map(self.record, finding.spells) if not r.gone}.values())
        if len(records) < 2:
            return 0
        spells = self._in_order([s for record in records for s in record.spells])
        priced = finding
        if set(spells) != set(finding.spells):
            priced = Valued(finding.rule, spells, billed=0)
            self.remedies.merge([priced])
        if priced.pre_mff is None:
            return 0
        first = self.record(finding.spells[0])
        mff = first.mff if not first.gone else records[0].mff
        standing = sum(record.current for record in records)
        merged = Record(spells, price_of(priced.pre_mff, mff), priced.pre_mff, mff, priced=True)
        # the merged stay is activity of its first spell
        self._moves += [(r.spells[0], r.current, 1) for r in records]
        self._moves.append((spells[0], -merged.current, -1))
        for spell in spells:
            self._records[spell] = merged
        return standing - merged.current

    def _in_order(self, spells: list[int]) -> tuple[int, ...]:
        admitted = self.columns.number("admission_date")
        discharged = self.columns.number("discharge_date")
        return tuple(sorted(spells, key=lambda s: (int(admitted[s]), -int(discharged[s]), s)))

    def _engine_price(self, finding: Valued) -> int:
        record = self.record(finding.spells[0])
        if record.priced or finding.pre_mff is None:
            return 0
        record.priced = True
        return self._change(record, price_of(finding.pre_mff, record.mff), finding.pre_mff)

    def _factor(self, finding: Valued) -> int:
        record = self.record(finding.spells[0])
        if record.gone or record.pre_mff == NULL64:
            return 0
        record.mff = int(self.columns.prices.mff[finding.spells[0]])
        return self._change(record, price_of(record.pre_mff, record.mff), record.pre_mff)

    def _cap(self, finding: Valued) -> int:
        (spell,) = finding.spells
        record = self.record(spell)
        over = self.remedies.excess_pence(spell, record.pre_mff)
        if record.priced or over is None or record.mff == NULL64:
            return 0
        current = record.current - priced_apart(record.pre_mff, over, record.mff)
        if over > 0:
            current = max(current, min(record.current, 0))
        pre_mff = record.pre_mff
        if pre_mff != NULL64:
            pre_mff = max(pre_mff - over, 0)
        return self._change(record, current, pre_mff)
