"""What each remedy would allow for a finding, on the record as it was billed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import Counterfactuals, Repriced
from tariff.engine.doubts import Doubts
from tariff.engine.select import looked_at
from tariff.packs.compile import NULL64
from tariff.packs.model import Rule
from tariff.schemas import MFF_UNIT

Move = tuple[int, int, int]  # of a spell: pence that go, units of activity that go


@dataclass
class Valued:
    """One finding with its money. `allowed` and the rest are None where there is no value."""

    rule: Rule
    spells: tuple[int, ...]
    kept: int | None = None
    billed: int | None = None
    allowed: int | None = None
    settled: int | None = None
    pre_mff: int | None = None  # allowed price before MFF, where the engine priced it
    hrg: int = -1  # HRG that the allowed price is of, -1 as priced
    official: bool = False  # that HRG is an official one
    working: list[tuple[str, int | None, str]] = field(default_factory=list)
    note: str = ""
    question: bool = False  # asks, and claims nothing
    agreed: bool = False  # not claimed, because the contract says so
    moves: tuple[Move, ...] = ()  # what settling it takes off, spell by spell
    cash: int | None = None  # its part in what the contract pays

    @property
    def value(self) -> int | None:
        """Billed less allowed: negative is an under-charge."""
        if self.billed is None or self.allowed is None:
            return None
        return self.billed - self.allowed


@dataclass(frozen=True)
class Billed:
    """Each spell as it was billed: pence, factors in units of 1e-9, NULL64 where not known."""

    total: NDArray[np.int64]
    copies: NDArray[np.int64]  # billed again by exact copies of the row that carries the money
    pre_mff: NDArray[np.int64]
    mff: NDArray[np.int64]

    @staticmethod
    def of(columns: SpellColumns) -> Billed:
        """Read off what was billed; the factor is the one billed, else the table's."""
        total = columns.number("billed")
        mff = columns.number("billed_mff")
        mff = np.where(mff != NULL64, mff, columns.prices.mff)
        mff = np.where(columns.before_mff(), MFF_UNIT, mff)
        copies = np.zeros(len(columns), np.int64)
        for spell, row in columns.spell_copies():
            if row == columns.billed_row[spell] and total[spell] != NULL64:
                copies[spell] += total[spell]
        return Billed(total, copies, columns.number("billed_price"), mff)


class Remedies:
    """Values findings, each by the remedy of its rule."""

    def __init__(
        self, columns: SpellColumns, billed: Billed, counterfactuals: Counterfactuals
    ) -> None:
        self.columns = columns
        self.billed = billed
        self.counterfactuals = counterfactuals
        self.doubts = Doubts(columns, counterfactuals.pricer)

    def value(self, rule: Rule, findings: list[Valued]) -> None:
        """Fill in what was billed and what is allowed, or the note that says why not."""
        of_copies = rule.set_key is not None and rule.set_key.of == "episodes"
        for finding in findings:
            spells = list(finding.spells)
            if of_copies:
                finding.billed = int(self.billed.copies[spells].sum())
            elif (self.billed.total[spells] != NULL64).all():
                finding.billed = int(self.billed.total[spells].sum())
            elif (self.billed.total[spells] == NULL64).all():
                finding.note = "Nothing is billed on these records, so there is no value."
            else:
                finding.note = "Not every record is billed, so there is no value."
        money = [finding for finding in findings if finding.billed is not None]
        if rule.needs_official_grouping:
            money = [finding for finding in money if self._official(finding)]
        if _rests_on_price(rule):
            money = [finding for finding in money if not self._doubted(finding)]
        remedy = self._by_kind(rule, of_copies)
        if remedy is not None and money:
            remedy(money)
        for finding in money if remedy is None else ():
            finding.question, finding.note = True, "A question: no value."

    def _by_kind(self, rule: Rule, of_copies: bool) -> Callable[[list[Valued]], None] | None:
        match rule.remedy.kind:
            case "keep_one" if of_copies:
                return self._copies
            case "not_payable" | "keep_one":
                return self._not_payable
            case "merge_and_regroup":
                return self.merge
            case "edit_and_regroup":
                return lambda findings: self._edit(findings, dict(rule.remedy.set))
            case "reprice" if rule.remedy.what == "mff":
                return self._factor
            case "reprice":
                return lambda findings: self._edit(findings, {})
            case "cap_units":
                return self._cap
        return None

    def _official(self, finding: Valued) -> bool:
        if all(self.columns.provenance(spell) == "official" for spell in finding.spells):
            return True
        self._ask_for_official(finding)
        return False

    @staticmethod
    def _ask_for_official(finding: Valued) -> None:
        finding.question = True
        finding.note = "A question: a value needs official grouping, and the tables are not."

    def _doubted(self, finding: Valued) -> bool:
        finding.note = self.doubts.of_price(finding.spells)
        finding.question = bool(finding.note)
        return finding.question

    def _copies(self, findings: list[Valued]) -> None:
        for finding in findings:
            finding.allowed = 0
            if not finding.billed:
                finding.note = "The row that is there twice carries no billed money of its own."

    def _not_payable(self, findings: list[Valued]) -> None:
        for finding in findings:
            kept = [s for s in finding.spells if s == finding.kept]
            finding.allowed = int(self.billed.total[kept].sum())

    def merge(self, findings: list[Valued]) -> None:
        """Price the spells of each finding as one."""
        merged = self.counterfactuals.merged([f.spells for f in findings])
        hrgs = self.columns.hrgs
        assert merged.regrouped is not None and merged.official is not None
        for index, finding in enumerate(findings):
            finding.official = bool(merged.official[index])
            if finding.rule.needs_official_grouping and not finding.official:
                self._ask_for_official(finding)
                continue
            if not self._priced(finding, merged, index):
                continue
            finding.hrg = int(merged.hrg[index])
            if finding.official:
                finding.note = (
                    f"The merged stay is priced at {hrgs[finding.hrg]}, the HRG of the merged "
                    "record by official grouping."
                )
                continue
            again = int(merged.regrouped[index])
            finding.note = (
                f"The merged stay is priced at {hrgs[finding.hrg]}, the dearest of the HRGs of its "
                f"parts and of the merged record ({hrgs[again] if again >= 0 else 'not mapped'} by "
                "the engine's reconstructed tables)."
            )

    def _edit(self, findings: list[Valued], changes: dict[str, str]) -> None:
        spells = np.array([f.spells[0] for f in findings], np.int64)
        repriced = self.counterfactuals.edited(spells, changes)
        for index, finding in enumerate(findings):
            self._priced(finding, repriced, index)

    def _priced(self, finding: Valued, repriced: Repriced, index: int) -> bool:
        """Take over the engine's price, where there is one."""
        mff = int(self.billed.mff[finding.spells[0]])
        if repriced.pre_mff[index] == NULL64:
            finding.note = f"The allowed price cannot be worked out: {repriced.why[index]}."
        elif mff == NULL64:
            finding.note = "The market forces factor is not known, so there is no value."
        else:
            finding.pre_mff = int(repriced.pre_mff[index])
            finding.allowed = price_of(finding.pre_mff, mff)
            finding.working = working_of(repriced, index, mff)
            return True
        return False

    def _factor(self, findings: list[Valued]) -> None:
        billed = self.columns.number("billed_factor")
        for finding in findings:
            (s,) = finding.spells
            pre_mff, factor = int(self.billed.pre_mff[s]), int(self.columns.prices.mff[s])
            if pre_mff == NULL64:
                finding.note = "No price before MFF was billed, so the factor alone has no value."
                continue
            finding.allowed = price_of(pre_mff, factor)
            finding.working = [
                ("Billed price before MFF", pre_mff, ""),
                ("Factor billed", None, decimal_factor(int(billed[s]))),
                ("Factor of the provider and year", None, decimal_factor(factor)),
                ("Price with that factor", finding.allowed, "half up to the penny"),
            ]

    def _cap(self, findings: list[Valued]) -> None:
        columns = self.columns
        billed, due = columns.number("billed_excess_days"), columns.number("excess_days")
        for finding in findings:
            (s,) = finding.spells
            mff = int(self.billed.mff[s])
            over = self.excess_pence(s, int(self.billed.pre_mff[s]))
            if over is None or mff == NULL64:
                finding.note = "The per-day rate or the factor is not known, so there is no value."
                if columns.prices.short_stay[s] not in (0, NULL64):
                    finding.note = (
                        "The stay is due the reduced short stay price, which has no excess days: "
                        "what was billed for them is judged with the price."
                    )
                continue
            assert finding.billed is not None
            days = int(billed[s] - due[s])
            full = days * int(columns.prices.per_day[s])
            apart = priced_apart(int(self.billed.pre_mff[s]), over, mff)
            finding.allowed = finding.billed - apart
            if over > 0:  # never below nothing, and a credit stays what it is
                finding.allowed = max(finding.allowed, min(finding.billed, 0))
            finding.working = [
                ("Excess bed days billed", None, str(int(billed[s]))),
                ("Excess bed days worked out", None, str(int(due[s]))),
                ("Per-day rate", int(columns.prices.per_day[s]), f"x {days} days"),
                ("Market forces factor", None, decimal_factor(mff)),
                ("Difference", apart, ""),
            ]
            if over != full:
                finding.note = (
                    "The price billed does not hold all of that difference; no more is taken than "
                    "it does."
                )

    def excess_pence(self, spell: int, pre_mff: int) -> int | None:
        """Pence before MFF that excess days differ by, no more than the price billed differs.

        `pre_mff` is the price before MFF that stands, NULL64 where it is not known; None where
        there is no rate.
        """
        columns = self.columns
        rate = int(columns.prices.per_day[spell])
        billed = int(columns.number("billed_excess_days")[spell])
        due, right = (
            int(columns.number("excess_days")[spell]),
            int(columns.number("pre_mff")[spell]),
        )
        if NULL64 in (rate, due):
            return None
        over = (billed - due) * rate
        if NULL64 in (right, pre_mff):
            return over
        apart = pre_mff - right
        return min(over, max(apart, 0)) if over > 0 else max(over, min(apart, 0))


def _rests_on_price(rule: Rule) -> bool:
    """Say whether a value is worked out from the price list, or from the HRG the engine priced."""
    match rule.remedy.kind:
        case "merge_and_regroup" | "edit_and_regroup" | "cap_units":
            return True
        case "reprice":
            return rule.remedy.what != "mff"
        case "not_payable":
            return "priced_hrg" in looked_at(rule)
    return False


def price_of(pence: int, factor: int) -> int:
    """Give pence x factor (1e-9), half up to the penny."""
    return (abs(pence) * factor * 2 + MFF_UNIT) // (2 * MFF_UNIT) * (1 if pence >= 0 else -1)


def priced_apart(pre_mff: int, less: int, factor: int) -> int:
    """Give what `less` pence before MFF take off a price, each price rounded by itself."""
    if pre_mff == NULL64:
        return price_of(less, factor)
    return price_of(pre_mff, factor) - price_of(pre_mff - less, factor)


def decimal_factor(factor: int) -> str:
    """Give a factor in units of 1e-9 as a decimal without trailing zeros."""
    return f"{factor // MFF_UNIT}.{factor % MFF_UNIT:09}".rstrip("0").rstrip(".")


def working_of(repriced: Repriced, index: int, mff: int) -> list[tuple[str, int | None, str]]:
    """Give the steps of a price, as on paper."""
    prices = repriced.prices
    lines: list[tuple[str, int | None, str]] = [("Base price", int(prices.base[index]), "")]
    if prices.base[index] != prices.listed[index]:
        lines = [
            ("List price", int(prices.listed[index]), ""),
            ("Best practice price", int(prices.base[index]), "in its place"),
        ]
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
    for name, amount in (
        ("Specialised top-up", prices.top_up[index]),
        ("Best practice payments", prices.best_practice[index]),
    ):
        if amount not in (0, NULL64):
            lines.append((name, int(amount), ""))
    pre_mff = int(repriced.pre_mff[index])
    lines.append(("Price before MFF", pre_mff, ""))
    if mff != MFF_UNIT:
        lines.append(("Market forces factor", None, decimal_factor(mff)))
        lines.append(("Price", price_of(pre_mff, mff), "half up to the penny"))
    return lines
