"""Findings as a table: ids, evidence, working, in a fixed order."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.price import EPOCH
from tariff.engine.remedies import Valued, decimal_factor
from tariff.engine.select import looked_at
from tariff.engine.settle import order_of
from tariff.packs.compile import NULL64
from tariff.packs.grouping import weakest
from tariff.packs.match_fields import MATCH_FIELDS
from tariff.packs.model import Provenance, Rule
from tariff.schemas import FINDINGS, MFF_UNIT

# identifiers of people never leave in evidence; the records are named by their spell numbers
_PRIVATE = frozenset({"patient_id", "spell_id"})
# what the engine's grouping says: a rule that looks at it rests on the tables it comes from
_GROUPED = frozenset({"hrg", "hrg_root", "error_category"})


_LABELS = {name: re.split("[:;]", field.title)[0] for name, field in MATCH_FIELDS.items()}


def finding_id(rule: str, records: Sequence[str]) -> str:
    """Hash of the rule and the sorted record keys, nothing else, so that flex and freeze match."""
    text = "\n".join([rule, *sorted(records)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class FindingsTable:
    """Builds the findings table of a run."""

    def __init__(self, columns: SpellColumns) -> None:
        self.columns = columns
        self._texts: dict[str, list[str | None]] = {}

    def build(
        self, findings: list[Valued], questions: Sequence[tuple[Rule, NDArray[np.int64]]] = ()
    ) -> pa.Table:
        """Give the table, sorted by step, rule and id.

        `questions` are spells whose factor cannot be judged: one line a provider and year.
        """
        self._fetch(findings)
        rows = [self._row(finding) for finding in findings]
        for rule, spells in questions:
            rows += self._factor_questions(rule, spells)
        rows.sort(key=lambda row: (row["_order"], row["finding_id"]))
        columns = {
            field.name: pa.array([row[field.name] for row in rows], field.type)
            for field in FINDINGS
        }
        return pa.table(columns, schema=FINDINGS)

    def _fetch(self, findings: list[Valued]) -> None:
        """Text of the spells that are named, once."""
        named = sorted({s for finding in findings for s in finding.spells})
        self._place = {spell: index for index, spell in enumerate(named)}
        self._which = np.array(named, np.int64)

    def _text(self, name: str, spell: int) -> str | None:
        if name not in self._texts:
            self._texts[name] = self.columns.texts(name, self._which).to_pylist()
        return self._texts[name][self._place[spell]]

    def _shown(self, name: str, spell: int) -> str | None:
        """Give the value of a field as a reader writes it."""
        if self.columns.is_code(name):
            return self._text(name, spell)
        value = int(self.columns.number(name)[spell])
        if value == NULL64:
            return None
        field = MATCH_FIELDS[name]
        if field.kind == "date":
            return (EPOCH + timedelta(days=value)).isoformat()
        if field.kind == "money":
            return f"{value / 100:,.2f}"
        if field.kind == "flag":
            return "yes" if value else "no"
        if field.scale == MFF_UNIT:
            return decimal_factor(value)
        return str(value)

    def _key(self, spell: int) -> str:
        return f"spell:{self._text('provider', spell)}:{self._text('spell_id', spell)}"

    def _row(self, finding: Valued) -> dict[str, Any]:
        records = sorted(self._key(spell) for spell in finding.spells)
        first, last = finding.spells[0], finding.spells[-1]
        rule = finding.rule
        return {
            **self._head(rule, records),
            "remedy": "query" if finding.question else rule.remedy.kind,
            "provider": self._text("provider", first),
            "commissioner": self._text("commissioner", first),
            "activity_month": self._text("activity_month", last),
            "point_of_delivery": self._text("point_of_delivery", first),
            "hrg": self._text("priced_hrg", first),
            "records": records,
            "spell_ids": [self._text("spell_id", spell) for spell in finding.spells],
            "billed_pence": finding.billed,
            "allowed_pence": finding.allowed,
            "value_pence": finding.value,
            "settled_pence": finding.settled,
            "cash_pence": finding.cash,
            "provenance": self._finding_provenance(finding),
            "evidence": json.dumps(self._evidence(finding), ensure_ascii=False),
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
            "step": rule.step,
            "remedy": rule.remedy.kind,
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
        provenance = self._provenance(finding.spells, finding.hrg, finding.official)
        if _GROUPED.isdisjoint(looked_at(finding.rule)):
            return provenance
        used = [self.columns.provenance(s) for s in finding.spells]
        return weakest([provenance, *used])

    def _evidence(self, finding: Valued) -> list[list[str]]:
        lines: list[list[str]] = []
        shown = [name for name in looked_at(finding.rule) if name not in _PRIVATE]
        for name in dict.fromkeys(
            ["admission_date", "discharge_date", "priced_hrg", *shown, "billed"]
        ):
            if name == "provider":
                continue
            values = [self._shown(name, spell) for spell in finding.spells]
            if any(value is not None for value in values):
                lines.append([_LABELS[name], " | ".join(value or "–" for value in values)])
        if finding.kept is not None and len(finding.spells) > 1:
            lines.append(["Kept", self._text("spell_id", finding.kept) or ""])
        return lines

    def _factor_questions(self, rule: Rule, spells: NDArray[np.int64]) -> list[dict[str, Any]]:
        """One question per provider and year where only another year's factor is held."""
        columns = self.columns
        given = columns.price_input
        provider, year = given.provider[spells], given.year[spells]
        billed = columns.number("billed_factor")[spells]
        rows = []
        for p, y in sorted(set(zip(provider.tolist(), year.tolist(), strict=True))):
            mine = (provider == p) & (year == y)
            spell = int(spells[mine][0])
            name, of = given.providers[p], given.years[y]
            held = columns.prices.mff_years[int(columns.prices.mff_year[spell])]
            factors = [decimal_factor(int(f)) for f in np.unique(billed[mine])[:5]]
            records = [f"provider:{name}:{of}"]
            rows.append(
                {
                    **{field.name: None for field in FINDINGS},
                    **self._head(rule, records),
                    "provider": name,
                    "records": records,
                    "spell_ids": [],
                    "remedy": "query",
                    "provenance": self._provenance([spell]),
                    "evidence": json.dumps(
                        [
                            ["Spells", f"{int(mine.sum()):,}"],
                            ["Factor billed", ", ".join(factors)],
                            [f"Factor of {held}", decimal_factor(int(columns.prices.mff[spell]))],
                        ]
                    ),
                    "working": "[]",
                    "note": f"A question: the factor of {of} is not held, that of {held} is the "
                    "nearest.",
                }
            )
        return rows
