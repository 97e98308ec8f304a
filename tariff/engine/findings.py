"""Findings as a table: ids, evidence, working, in a fixed order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.evidence import Texts, evidence
from tariff.engine.other_columns import OtherColumns
from tariff.engine.record_set import RecordSet
from tariff.engine.select import looked_at
from tariff.engine.settle import order_of
from tariff.engine.valued import Valued
from tariff.packs.grouping import weakest
from tariff.packs.model import Provenance, Rule
from tariff.schemas import FINDINGS

# what the engine's grouping says: a rule that looks at it rests on the tables it comes from
_GROUPED = frozenset({"hrg", "hrg_root", "error_category"})


def finding_id(rule: str, records: Sequence[str]) -> str:
    """Hash of the rule and the sorted record keys, nothing else, so that flex and freeze match."""
    text = "\n".join([rule, *sorted(records)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class FindingsTable:
    """Builds the findings table of a run."""

    def __init__(self, records: RecordSet, columns: SpellColumns) -> None:
        self.records = records
        self.columns = columns

    def build(
        self, findings: list[Valued], questions: Sequence[tuple[Rule, NDArray[np.int64]]] = ()
    ) -> pa.Table:
        """Give the table, sorted by step, rule and id.

        `questions` are records whose factor cannot be judged: one line a provider and year.
        """
        named = {r for f in findings for r in (*f.records, f.partner) if r >= 0}
        texts = Texts(self.records, named)
        rows = [self._row(finding, texts) for finding in findings]
        for rule, records in questions:
            rows += self._factor_questions(rule, records)
        rows.sort(key=lambda row: (row["_order"], row["finding_id"], row["tier"]))
        columns = {
            field.name: pa.array([row[field.name] for row in rows], field.type)
            for field in FINDINGS
        }
        return pa.table(columns, schema=FINDINGS)

    def _row(self, finding: Valued, texts: Texts) -> dict[str, Any]:
        records = sorted(map(texts.key, finding.records))
        first, last = finding.records[0], finding.records[-1]
        rule = finding.rule
        cause = [texts.shown(name, first) or "" for name in rule.root_cause]
        spells = [r for r in finding.records if texts.kind(r) == "spells"]
        return {
            **self._head(rule, records),
            "effect": finding.effect,
            "cause": " | ".join(cause) if any(cause) else "",
            "partner": texts.key(finding.partner) if finding.partner >= 0 else None,
            "remedy": "query" if finding.question else rule.remedy.kind,
            "provider": texts.text("provider", first) or "",
            "commissioner": texts.text("commissioner", first),
            "activity_month": texts.text("activity_month", last),
            "point_of_delivery": texts.text("point_of_delivery", first),
            "hrg": texts.text("priced_hrg", first),
            "records": records,
            "spell_ids": [texts.text("spell_id", spell) for spell in spells],
            "billed_pence": finding.billed,
            "allowed_pence": finding.allowed,
            "value_pence": finding.value,
            "settled_pence": finding.settled,
            "cash_pence": finding.cash,
            "provenance": self._finding_provenance(finding),
            "evidence": json.dumps(evidence(texts, finding), ensure_ascii=False),
            "working": json.dumps(finding.working, ensure_ascii=False),
            "note": finding.note,
        }

    def _head(self, rule: Rule, records: list[str]) -> dict[str, Any]:
        return {
            "_order": order_of(rule),
            "finding_id": finding_id(rule.id, records),
            "rule": rule.id,
            "rule_version": rule.version,
            "title": rule.title,
            "class": rule.class_,
            "level": rule.level,
            "tier": rule.tier,
            "step": rule.step,
            "remedy": rule.remedy.kind,
            "effect": "question",
            "cause": "",
        }

    def _provenance(
        self, spells: Sequence[int], hrg: int = -1, official: bool = False
    ) -> Provenance:
        """Weakest of what a value rests on: price lists, factors, and grouping where it decided."""
        columns, rulebook = self.columns, self.columns.rulebook
        packs = [rulebook.points_of_delivery.pack]
        used = [columns.prices.mff_pack[s] for s in spells]
        packs += [columns.prices.mff_packs[index] for index in used if index >= 0]
        packs += [rulebook.prices.packs[t] for s in spells if (t := columns.prices.tariff[s]) >= 0]
        rests_on = [pack.manifest.provenance for pack in packs]
        priced = {int(columns.price_input.hrg[s]) for s in spells}
        grouped = [s for s in spells if columns.price_input.hrg[s] != columns.billed_hrg[s]]
        rests_on += [columns.provenance(s) for s in grouped]
        if hrg >= 0 and hrg not in priced and not official:  # a merged record at its own HRG
            groupers = {int(columns.groups.grouper[s]) for s in spells}
            rests_on += [
                pack.manifest.provenance for g in groupers for pack in rulebook.groupers[g].used
            ]
        return weakest(rests_on)

    def _finding_provenance(self, finding: Valued) -> Provenance:
        """Weakest of what the value of each record rests on."""
        rests_on: list[Provenance] = []
        if finding.spells:
            rests_on.append(self._provenance(finding.spells, finding.hrg, finding.official))
        grouped = not _GROUPED.isdisjoint(looked_at(finding.rule))
        for record in finding.records:
            block, place = self.records.place(record)
            if grouped or block.kind != "spells":
                rests_on.append(block.provenance(place))
        return weakest(rests_on or ["published"])

    def _factor_questions(self, rule: Rule, records: NDArray[np.int64]) -> list[dict[str, Any]]:
        """One question per provider and year where only another year's factor is held."""
        groups: dict[tuple[str, str], list[int]] = {}
        texts = Texts(self.records, records.tolist())
        for record in records.tolist():
            key = texts.text("provider", record) or "", texts.text("tariff_year", record) or ""
            groups.setdefault(key, []).append(record)
        rows = []
        for (name, of), mine in sorted(groups.items()):
            billed = {texts.shown("billed_factor", record) for record in mine} - {None}
            keys = [f"provider:{name}:{of}"]
            first = mine[0]
            block, place = self.records.place(first)
            held = self._year_held(first)
            spells = first < len(self.columns)
            rows.append(
                {
                    **{field.name: None for field in FINDINGS},
                    **self._head(rule, keys),
                    "provider": name,
                    "records": keys,
                    "spell_ids": [],
                    "remedy": "query",
                    "provenance": self._provenance([first]) if spells else block.provenance(place),
                    "evidence": json.dumps(
                        [
                            ["Spells" if spells else "Records", f"{len(mine):,}"],
                            ["Factor billed", ", ".join(sorted(map(str, billed))[:5])],
                            [f"Factor of {held}", texts.shown("mff", first) or ""],
                        ]
                    ),
                    "working": "[]",
                    "note": f"A question: the factor of {of} is not held, that of {held} is the "
                    "nearest.",
                }
            )
        return rows

    def _year_held(self, record: int) -> str:
        """Give the year whose factor stands in for that of a record."""
        block, place = self.records.place(record)
        if isinstance(block, SpellColumns):
            return block.prices.mff_years[int(block.prices.mff_year[place])]
        assert isinstance(block, OtherColumns) and block.prices is not None
        return block.prices.mff_years[int(block.prices.mff_year[place])]
