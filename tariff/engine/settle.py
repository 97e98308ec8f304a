"""Value findings and settle them so that one pound is challenged once (docs/money.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import Counterfactuals, Repriced
from tariff.engine.match import Hit, Hits
from tariff.engine.price import times
from tariff.packs.compile import NULL64
from tariff.packs.model import STEPS, Rule
from tariff.schemas import MFF_UNIT


@dataclass
class State:
    """Each record as the steps so far have left it. Money in pence, NULL64 where not billed."""

    current: NDArray[np.int64]  # what would be paid now
    copies: NDArray[np.int64]  # billed again by exact copies of the row that carries the money
    pre_mff: NDArray[np.int64]  # price before MFF behind `current`, NULL64 unknown
    mff: NDArray[np.int64]  # factor behind `current`
    priced: NDArray[np.bool_]  # the engine's price stands in `current`

    def copy(self) -> State:
        """Give a state that can be changed apart."""
        return State(*(getattr(self, name).copy() for name in self.__dataclass_fields__))


@dataclass
class Valued:
    """One finding with its money. `allowed` and the rest are None where there is no value."""

    rule: Rule
    spells: tuple[int, ...]
    kept: int | None = None
    billed: int | None = None
    allowed: int | None = None
    settled: int | None = None
    hrg: int = -1  # HRG that the allowed price is of, -1 as priced
    working: list[tuple[str, int | None, str]] = field(default_factory=list)
    note: str = ""

    @property
    def value(self) -> int | None:
        """Billed less allowed: negative is an under-charge."""
        if self.billed is None or self.allowed is None:
            return None
        return self.billed - self.allowed


def order_of(rule: Rule) -> tuple[int, str]:
    """Where a rule stands in the settlement order."""
    return STEPS.index(rule.step), rule.id


class Settlement:
    """Values and settles the hits of a run."""

    def __init__(self, columns: SpellColumns, counterfactuals: Counterfactuals) -> None:
        self.columns = columns
        self.counterfactuals = counterfactuals
        # rule and spells where only another year's factor is held: a question, not a value
        self.factor_questions: list[tuple[Rule, NDArray[np.int64]]] = []
        self.initial = self._initial()
        self.state = self.initial.copy()

    def _initial(self) -> State:
        columns = self.columns
        billed = columns.number("billed")
        mff = columns.number("billed_mff").copy()
        given = mff != NULL64
        mff = np.where(given, mff, columns.prices.mff)
        mff = np.where(columns.before_mff(), MFF_UNIT, mff)
        copies = np.zeros(len(columns), np.int64)
        for spell, row in columns.spell_copies():
            if row == columns.billed_row[spell] and billed[spell] != NULL64:
                copies[spell] += billed[spell]
        return State(
            billed.copy(),
            copies,
            columns.number("billed_price").copy(),
            mff,
            np.zeros(len(columns), bool),
        )

    def run(self, rules: Sequence[Rule], hits: Hits) -> list[Valued]:
        """Settle rule by rule in the order of the steps."""
        out: list[Valued] = []
        for rule in sorted(rules, key=order_of):
            if rule.id in hits.records:
                spells = hits.records[rule.id]
                if rule.remedy.what == "mff":
                    other = self.columns.mff_of_other_year(spells)
                    self.factor_questions.append((rule, spells[other]))
                    spells = spells[~other]
                found = [Hit((spell,)) for spell in spells.tolist()]
            else:
                found = hits.groups.get(rule.id, [])
            out += self._rule(rule, found)
        return out

    def _rule(self, rule: Rule, hits: list[Hit]) -> list[Valued]:
        valued = [Valued(rule, hit.spells, hit.kept) for hit in hits]
        if not valued:
            return []
        for finding in valued:
            billed = [int(self.initial.current[s]) for s in finding.spells]
            if all(pence != NULL64 for pence in billed):
                finding.billed = sum(billed)
            else:
                finding.note = "Nothing is billed on these records, so there is no value."
        if rule.remedy.kind == "keep_one" and rule.set_key and rule.set_key.of == "episodes":
            return self._copies(valued)
        money = [finding for finding in valued if finding.billed is not None]
        match rule.remedy.kind:
            case "not_payable" | "keep_one":
                self._not_payable(money)
            case "merge_and_regroup":
                self._merge(money)
            case "edit_and_regroup":
                self._edit(money, dict(rule.remedy.set))
            case "reprice":
                self._reprice(money, rule.remedy.what)
            case "cap_units":
                self._cap(money)
            case _:
                for finding in money:
                    finding.note = "A question: no value."
        least = int(rule.min_value * 100)
        return [f for f in valued if f.value is None or abs(f.value) >= least]

    # -- remedies: each values a finding on the record as billed, then on the record as it stands

    def _copies(self, findings: list[Valued]) -> list[Valued]:
        for finding in findings:
            (spell,) = finding.spells
            finding.billed = int(self.initial.copies[spell])
            finding.allowed = 0
            finding.settled = int(self.state.copies[spell])
            self.state.copies[spell] = 0
            finding.note = (
                ""
                if finding.billed
                else "The row that is there twice carries no billed money of its own."
            )
        return findings

    def _not_payable(self, findings: list[Valued]) -> None:
        for finding in findings:
            gone = [s for s in finding.spells if s != finding.kept]
            kept = [s for s in finding.spells if s == finding.kept]
            finding.allowed = sum(int(self.initial.current[s]) for s in kept)
            finding.settled = 0
            for s in gone:
                finding.settled += int(self.state.current[s])
                self.state.current[s] = 0
                self.state.priced[s] = True
                self.state.pre_mff[s] = 0

    def _merge(self, findings: list[Valued]) -> None:
        if not findings:
            return
        merged = self.counterfactuals.merged([f.spells for f in findings])
        hrgs = self.columns.hrgs
        for index, finding in enumerate(findings):
            if not self._priceable(finding, merged, index):
                continue
            pre_mff = int(merged.pre_mff[index])
            first, *rest = finding.spells
            finding.hrg = int(merged.hrg[index])
            finding.allowed = _one(pre_mff, int(self.initial.mff[first]))
            assert merged.regrouped is not None
            again = int(merged.regrouped[index])
            finding.note = (
                f"The merged stay is priced at {hrgs[finding.hrg]}, the dearest of the HRGs of its "
                f"parts and of the merged record ({hrgs[again] if again >= 0 else 'not mapped'} by "
                "the engine's reconstructed tables)."
            )
            finding.working = _working(merged, index, int(self.initial.mff[first]))
            # as it stands: a part that is no longer payable leaves nothing to merge with
            standing = [int(self.state.current[s]) for s in finding.spells]
            if sum(pence != 0 for pence in standing) < 2:
                finding.settled = 0
                continue
            allowed = _one(pre_mff, int(self.state.mff[first]))
            finding.settled = sum(standing) - allowed
            self.state.current[first] = allowed
            self.state.pre_mff[first] = pre_mff
            for s in rest:
                self.state.current[s] = 0
                self.state.pre_mff[s] = 0
            self.state.priced[list(finding.spells)] = True

    def _edit(self, findings: list[Valued], changes: dict[str, str]) -> None:
        if not findings:
            return
        spells = np.array([f.spells[0] for f in findings], np.int64)
        self._engine_price(findings, self.counterfactuals.edited(spells, changes))

    def _reprice(self, findings: list[Valued], what: str) -> None:
        if not findings:
            return
        if what == "mff":
            self._factor(findings)
            return
        spells = np.array([f.spells[0] for f in findings], np.int64)
        self._engine_price(findings, self.counterfactuals.edited(spells, {}))

    def _engine_price(self, findings: list[Valued], repriced: Repriced) -> None:
        for index, finding in enumerate(findings):
            if not self._priceable(finding, repriced, index):
                continue
            (s,) = finding.spells
            pre_mff = int(repriced.pre_mff[index])
            finding.allowed = _one(pre_mff, int(self.initial.mff[s]))
            finding.working = _working(repriced, index, int(self.initial.mff[s]))
            if self.state.priced[s]:
                finding.settled = 0
                continue
            allowed = _one(pre_mff, int(self.state.mff[s]))
            finding.settled = int(self.state.current[s]) - allowed
            self.state.current[s] = allowed
            self.state.pre_mff[s] = pre_mff
            self.state.priced[s] = True

    def _factor(self, findings: list[Valued]) -> None:
        factor = self.columns.prices.mff
        for finding in findings:
            (s,) = finding.spells
            pre_mff = int(self.initial.pre_mff[s])
            if pre_mff == NULL64:
                finding.note = "No price before MFF was billed, so the factor alone has no value."
                continue
            finding.allowed = _one(pre_mff, int(factor[s]))
            finding.working = [
                ("Billed price before MFF", pre_mff, ""),
                ("Factor billed", None, decimal_factor(int(self.initial.mff[s]))),
                ("Factor of the provider and year", None, decimal_factor(int(factor[s]))),
                ("Price with that factor", finding.allowed, "half up to the penny"),
            ]
            allowed = _one(int(self.state.pre_mff[s]), int(factor[s]))
            finding.settled = int(self.state.current[s]) - allowed
            self.state.current[s] = allowed
            self.state.mff[s] = factor[s]

    def _cap(self, findings: list[Valued]) -> None:
        columns = self.columns
        billed, due = columns.number("billed_excess_days"), columns.number("excess_days")
        rate = columns.prices.per_day
        for finding in findings:
            (s,) = finding.spells
            if rate[s] == NULL64 or self.initial.mff[s] == NULL64 or due[s] == NULL64:
                finding.note = "The per-day rate or the factor is not known, so there is no value."
                continue
            days = int(billed[s] - due[s])
            over = _one(days * int(rate[s]), int(self.initial.mff[s]))
            finding.allowed = max(int(self.initial.current[s]) - over, 0)
            finding.working = [
                ("Excess bed days billed", None, str(int(billed[s]))),
                ("Excess bed days worked out", None, str(int(due[s]))),
                ("Per-day rate", int(rate[s]), f"x {days} days"),
                ("Market forces factor", None, decimal_factor(int(self.initial.mff[s]))),
                ("Difference", over, ""),
            ]
            finding.settled = 0
            if not self.state.priced[s]:
                over = _one(days * int(rate[s]), int(self.state.mff[s]))
                finding.settled = min(over, int(self.state.current[s]))
                self.state.current[s] -= finding.settled
                if self.state.pre_mff[s] != NULL64:
                    self.state.pre_mff[s] -= days * int(rate[s])

    def _priceable(self, finding: Valued, repriced: Repriced, index: int) -> bool:
        if repriced.pre_mff[index] == NULL64:
            finding.note = f"The allowed price cannot be worked out: {repriced.why[index]}."
            return False
        if self.initial.mff[finding.spells[0]] == NULL64:
            finding.note = "The market forces factor is not known, so there is no value."
            return False
        return True


def _one(pence: int, factor: int) -> int:
    return int(times(np.array([pence], np.int64), np.array([factor], np.int64))[0])


def decimal_factor(factor: int) -> str:
    """Give a factor in units of 1e-9 as a decimal without trailing zeros."""
    text = f"{factor // MFF_UNIT}.{factor % MFF_UNIT:09}".rstrip("0")
    return text.rstrip(".") if text.endswith(".") else text


def _working(repriced: Repriced, index: int, mff: int) -> list[tuple[str, int | None, str]]:
    """The steps of a price, as on paper."""
    prices = repriced.prices
    lines: list[tuple[str, int | None, str]] = [("Base price", int(prices.base[index]), "")]
    if prices.short_stay[index] not in (0, NULL64):
        lines.append(("Reduced short stay", int(prices.short_stay[index]), ""))
    if prices.long_stay[index] not in (0, NULL64):
        lines.append(
            (
                "Long stay payment",
                int(prices.long_stay[index]),
                f"{int(prices.excess[index])} days above {int(prices.trim[index])} x "
                f"{int(prices.per_day[index]) / 100:.2f}",
            )
        )
    pre_mff = int(repriced.pre_mff[index])
    lines.append(("Price before MFF", pre_mff, ""))
    if mff != MFF_UNIT:
        lines.append(("Market forces factor", None, decimal_factor(mff)))
        lines.append(("Price", _one(pre_mff, mff), "half up to the penny"))
    return lines
