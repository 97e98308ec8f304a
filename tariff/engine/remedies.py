"""What each remedy would allow for a finding, on the record as it was billed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tariff.engine.amounts import decimal_factor, price_of, priced_apart
from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import NOTHING, Answer, Ask, Counterfactuals
from tariff.engine.doubts import Doubts
from tariff.engine.engine_prices import EnginePrices
from tariff.engine.ledger import Ledger
from tariff.engine.made import Change
from tariff.engine.numbers import Numbers
from tariff.engine.remedy_edits import Edits
from tariff.engine.remedy_lines import LineRemedies
from tariff.engine.select import looked_at
from tariff.engine.valued import Valued
from tariff.packs.compile import NULL64
from tariff.packs.model import Rule

# lists and maps of the pack of a rule
Lists = Mapping[str, Sequence[str]]
Maps = Mapping[str, Mapping[str, str]]


class Remedies:
    """Values findings, each by the remedy of its rule."""

    def __init__(
        self, columns: SpellColumns, ledger: Ledger, counterfactuals: Counterfactuals
    ) -> None:
        self.columns = columns
        self.ledger = ledger
        self.records = ledger.records
        self.prices = EnginePrices(ledger.records, counterfactuals)
        self.doubts = Doubts(columns, counterfactuals.pricer)
        self.numbers = Numbers(ledger.records)
        self.lines = LineRemedies(ledger, self.numbers)
        self.edits = Edits(ledger, self.prices)
        self._doubts: dict[int, Doubts] = {id(columns): self.doubts}

    def value(
        self,
        rule: Rule,
        findings: list[Valued],
        lists: Lists | None = None,
        maps: Maps | None = None,
    ) -> None:
        """Fill in what was billed and what is allowed, or the note that says why not."""
        for finding in findings:
            self._bill(finding)
        money = [finding for finding in findings if finding.billed is not None]
        if rule.needs_official_grouping:
            money = [finding for finding in money if self._official(finding)]
        money = [finding for finding in money if not self._doubted(finding)]
        remedy = self._by_kind(rule, lists or {}, maps or {})
        if remedy is not None and money:
            remedy(money)
        for finding in money if remedy is None else ():
            finding.question, finding.note = True, "A question: no value."
        for finding in findings:
            self._show(finding)

    def _bill(self, finding: Valued) -> None:
        """Add up what was billed for the records that are challenged."""
        rule, mine = finding.rule, finding.challenged
        if rule.set_key is not None and rule.set_key.copies:
            finding.billed = sum(self.ledger.copies(record) for record in mine)
            return
        totals = [self.ledger.total(record) for record in mine]
        there = [total for total in totals if total != NULL64]
        if rule.remedy.what == "unbilled" and not any(there):
            finding.billed = 0
        elif len(there) == len(totals) and totals:
            finding.billed = sum(totals)
        elif not there:
            finding.note = "Nothing is billed on these records, so there is no value."
        else:
            finding.note = "Not every record is billed, so there is no value."

    def _by_kind(
        self, rule: Rule, lists: Lists, maps: Maps
    ) -> Callable[[list[Valued]], None] | None:
        remedy = rule.remedy
        match remedy.kind:
            case "keep_one" if rule.set_key is not None and rule.set_key.copies:
                return self._copies
            case "not_payable" | "keep_one" | "redirect":
                return self._not_payable
            case "merge_and_regroup":
                return self.merge
            case "edit_and_regroup":
                return lambda findings: self._edit(rule, findings, lists, maps)
            case "reclassify":
                return lambda findings: self._reclassify(rule, findings, lists, maps)
            case "cap_units" if remedy.what == "quantity":
                return self.lines.quantity
            case "cap_units":
                return self._cap
            case "reprice" if remedy.what == "mff":
                return self._factor
            case "reprice" if remedy.what == "amount":
                return self.lines.amount
            case "reprice" if remedy.what == "unit_price":
                return self.lines.unit_price
            case "reprice":
                without = {remedy.what} & {"best_practice", "top_up"}
                change = Change(without=frozenset(without))
                return lambda findings: self._at(findings, [change] * len(findings))
            case "contract":
                return self.lines.share
        return None

    # -- what keeps a value back

    def _official(self, finding: Valued) -> bool:
        for record in finding.records:
            block, place = self.records.place(record)
            if self.prices.is_spell(record) and block.provenance(place) != "official":
                _ask_for_official(finding)
                return False
        return True

    def _doubted(self, finding: Valued) -> bool:
        told = _doubt_of(finding.rule)
        if told is None:
            return False
        for record in finding.records:
            if not self.prices.is_spell(record):
                continue
            columns, place = self.prices.spells.home(record)
            doubts = self._doubts.get(id(columns))
            if doubts is None:
                doubts = Doubts(columns, self.prices.spells.pricer)
                self._doubts[id(columns)] = doubts
            finding.note = told(doubts, (place,))
            if finding.note:
                finding.question = True
                return True
        return False

    # -- each remedy

    def _copies(self, findings: list[Valued]) -> None:
        for finding in findings:
            finding.allowed = 0
            if not finding.billed:
                finding.note = "The row that is there twice carries no billed money of its own."

    def _not_payable(self, findings: list[Valued]) -> None:
        for finding in findings:
            rule = finding.rule
            kept = [r for r in finding.challenged if r == finding.kept]
            finding.allowed = sum(self.ledger.total(record) for record in kept)
            if rule.remedy.until:
                finding.note = f"Suspended: payable once it is shown: {rule.remedy.until}."
            elif rule.remedy.kind == "redirect":
                finding.note = (
                    "System-neutral: it appears to be owed by another payer, and not saved."
                )

    def merge(self, findings: list[Valued]) -> None:
        """Price the spells of each finding as one."""
        asks = [Ask(f.records, NOTHING, self.ledger.factor(f.records[0])) for f in findings]
        self.prices.fetch(asks)
        hrgs = self.columns.hrgs
        for finding, ask in zip(findings, asks, strict=True):
            answer = self.prices.answer(ask)
            finding.official = answer.official
            if finding.rule.needs_official_grouping and not answer.official:
                _ask_for_official(finding)
                continue
            finding.change = NOTHING
            past = [r for r in finding.records if r not in finding.challenged]
            totals = [self.ledger.total(record) for record in past]
            if NULL64 in totals:
                finding.note = "What was paid for the earlier part is not known."
                continue
            finding.paid = sum(totals)
            if not self._priced(finding, ask, answer):
                continue
            finding.hrg = answer.hrg
            if answer.official:
                finding.note = (
                    f"The merged stay is priced at {hrgs[answer.hrg]}, the HRG of the merged "
                    "record by official grouping."
                )
                continue
            again = answer.regrouped
            finding.note = (
                f"The merged stay is priced at {hrgs[answer.hrg]}, the dearest of the HRGs of its "
                f"parts and of the merged record ({hrgs[again] if again >= 0 else 'not mapped'} by "
                "the engine's reconstructed tables)."
            )

    def _at(self, findings: Sequence[Valued], changes: Iterable[Change]) -> None:
        """Price the record of each finding with a change."""
        asks = []
        for finding, change in zip(findings, changes, strict=True):
            (record,) = finding.challenged
            finding.change = change
            asks.append(Ask((record,), change, self.ledger.factor(record)))
        self.prices.fetch(asks)
        for finding, ask in zip(findings, asks, strict=True):
            self._priced(finding, ask, self.prices.answer(ask))

    def _edit(self, rule: Rule, findings: list[Valued], lists: Lists, maps: Maps) -> None:
        chosen = self.edits.choose(rule, findings, lists, maps)
        changed = [f for f, change in zip(findings, chosen, strict=True) if change is not None]
        self._at(changed, [change for change in chosen if change is not None])
        for finding in changed:
            if finding.allowed is None or finding.change is None:
                continue
            ask = Ask(finding.challenged, finding.change, self.ledger.factor(finding.challenged[0]))
            answer = self.prices.answer(ask)
            finding.official = answer.official
            regrouped = finding.change.of_rows and self.prices.is_spell(finding.challenged[0])
            if rule.needs_official_grouping and regrouped and not answer.official:
                finding.allowed, finding.working = None, []
                _ask_for_official(finding)
            elif answer.hrg != self._priced_hrg(finding.challenged[0]):
                finding.hrg = answer.hrg
                if not finding.note:
                    finding.note = (
                        f"The changed record is priced at {self.columns.hrgs[answer.hrg]}."
                    )

    def _priced_hrg(self, record: int) -> int:
        if not self.prices.is_spell(record):
            return -1
        columns, place = self.prices.spells.home(record)
        return int(columns.price_input.hrg[place])

    def _reclassify(self, rule: Rule, findings: list[Valued], lists: Lists, maps: Maps) -> None:
        if rule.remedy.price:
            self.lines.local_price(rule, findings)
            return
        asks = []
        for finding, change in self.edits.sets(rule, findings, maps):
            if not rule.remedy.hrg:
                change = Change((("billed_hrg", ""),)) | change
            (record,) = finding.challenged
            finding.change = change
            asks.append(
                (finding, Ask((record,), change, self.ledger.factor(record), rule.remedy.as_))
            )
        self.prices.fetch(ask for _, ask in asks)
        for finding, ask in asks:
            answer = self.prices.answer(ask)
            if answer.total is None:
                finding.ask(f"the price of the same care is not known: {answer.why}")
                continue
            self._priced(finding, ask, answer)

    def _priced(self, finding: Valued, ask: Ask, answer: Answer) -> bool:
        """Take over the engine's price, where there is one."""
        if answer.pre_mff is None:
            finding.note = f"The allowed price cannot be worked out: {answer.why}."
        elif answer.total is None:
            finding.note = "The market forces factor is not known, so there is no value."
        else:
            finding.allowed = max(answer.total - finding.paid, 0)
            finding.working = list(answer.working)
            if finding.paid:
                finding.working += [
                    ("Paid for the earlier part", -finding.paid, ""),
                    ("Left for these records", finding.allowed, "not below nothing"),
                ]
            return True
        return False

    def _factor(self, findings: list[Valued]) -> None:
        for finding in findings:
            (record,) = finding.challenged
            pre_mff = self.ledger.price(record)
            factor = self.numbers.of_field("mff", record)
            if pre_mff == NULL64 or factor == NULL64:
                what = "price before MFF was billed" if pre_mff == NULL64 else "factor is held"
                finding.note = f"No {what}, so the factor alone has no value."
                continue
            billed = self.numbers.of_field("billed_factor", record)
            finding.allowed = price_of(pre_mff, factor)
            finding.working = [
                ("Billed price before MFF", pre_mff, ""),
                ("Factor billed", None, decimal_factor(billed) if billed != NULL64 else ""),
                ("Factor of the provider and year", None, decimal_factor(factor)),
                ("Price with that factor", finding.allowed, "half up to the penny"),
            ]

    def _cap(self, findings: list[Valued]) -> None:
        columns = self.columns
        billed, due = columns.number("billed_excess_days"), columns.number("excess_days")
        for finding in findings:
            (s,) = finding.spells
            mff, price = self.ledger.factor(s), self.ledger.price(s)
            over = self.excess_pence(s, price)
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
            apart = priced_apart(price, over, mff)
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
        if NULL64 in (rate, due, billed):
            return None
        over = (billed - due) * rate
        if NULL64 in (right, pre_mff):
            return over
        apart = pre_mff - right
        return min(over, max(apart, 0)) if over > 0 else max(over, min(apart, 0))

    # -- on paper

    def _show(self, finding: Valued) -> None:
        """Put what every working has: the sum of a value without steps, and the parameters."""
        rule = finding.rule
        if finding.value is not None and not finding.working:
            finding.working = [("Billed", finding.billed, ""), ("Allowed", finding.allowed, "")]
        finding.working += [
            (
                f"Parameter {name}",
                None,
                f"{number}, set by {rule.changed_params[name]}"
                if name in rule.changed_params
                else f"{number}",
            )
            for name, number in sorted(rule.params.items())
        ]


def _doubt_of(rule: Rule) -> Callable[[Doubts, tuple[int, ...]], str] | None:
    """Give the doubts that a value may meet: those of what it rests on, None where of nothing."""
    match rule.remedy.kind:
        case "reclassify":
            return Doubts.of_record
        case "merge_and_regroup" | "edit_and_regroup":
            return Doubts.of_price
        case "cap_units" if rule.remedy.what != "quantity":
            return Doubts.of_price
        case "reprice" if rule.remedy.what not in ("mff", "amount", "unit_price"):
            return Doubts.of_price
        case "not_payable" if "priced_hrg" in looked_at(rule):
            return Doubts.of_hrg  # all that was billed is at stake, whatever the price should be
    return None


def _ask_for_official(finding: Valued) -> None:
    finding.question = True
    finding.note = "A question: a value needs official grouping, and the tables are not."
