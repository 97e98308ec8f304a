"""Remedies that are sums of money alone: units, amounts, shares and local prices."""

from __future__ import annotations

from fractions import Fraction

from tariff.engine.amounts import rounded
from tariff.engine.ledger import Ledger
from tariff.engine.numbers import Numbers
from tariff.engine.valued import Valued
from tariff.packs.compile import NULL64
from tariff.packs.model import Rule

POUND = 100


class LineRemedies:
    """Values findings by arithmetic on what was billed."""

    def __init__(self, ledger: Ledger, numbers: Numbers) -> None:
        self.ledger = ledger
        self.numbers = numbers

    def _number(self, finding: Valued, scale: int) -> int | None:
        """Give what the remedy goes down to; None, with a note, where it is not known."""
        to = finding.rule.remedy.to
        assert to is not None
        (record,) = finding.challenged
        before = [other for other in finding.records if other != record]
        partner = finding.partner if finding.partner >= 0 or not before else before[-1]
        found = self.numbers.value(finding.rule, to, record, partner, scale)
        if found is None:
            finding.note = "What is allowed rests on a figure that is missing: no value."
        return found

    def quantity(self, findings: list[Valued]) -> None:
        """Allow a line at fewer units: billed x to / quantity."""
        for finding in findings:
            (record,) = finding.challenged
            units = self.numbers.of_field("quantity", record)
            to = self._number(finding, 1)
            if to is None:
                continue
            if units == NULL64 or units <= 0:
                finding.note = "No units are billed that could be capped, so there is no value."
                continue
            assert finding.billed is not None
            finding.amount = to = min(max(to, 0), units)
            finding.allowed = rounded(Fraction(finding.billed * to, units))
            finding.working = [
                ("Billed", finding.billed, f"{units} units"),
                ("Units allowed", None, str(to)),
                ("Allowed", finding.allowed, f"x {to} / {units}, half up to the penny"),
            ]

    def amount(self, findings: list[Valued]) -> None:
        """Allow an amount of money."""
        for finding in findings:
            to = self._number(finding, POUND)
            if to is None:
                continue
            finding.amount = finding.allowed = to
            finding.working = [("Billed", finding.billed, ""), ("Amount allowed", to, "")]

    def unit_price(self, findings: list[Valued]) -> None:
        """Allow a line at a price of a unit: quantity x to."""
        for finding in findings:
            (record,) = finding.challenged
            units = self.numbers.of_field("quantity", record)
            to = self._number(finding, POUND)
            if to is None:
                continue
            if units == NULL64:
                finding.note = "The units billed are not known, so there is no value."
                continue
            finding.amount = finding.allowed = units * to
            finding.working = [
                ("Billed", finding.billed, f"{units} units"),
                ("Price of a unit", to, ""),
                ("Allowed", finding.allowed, f"x {units}"),
            ]

    def local_price(self, rule: Rule, findings: list[Valued]) -> None:
        """Allow the local price of the same care, which is a parameter."""
        price = rounded(Fraction(rule.params[rule.remedy.price]) * POUND)
        for finding in findings:
            if price <= 0:
                finding.ask(f"no local price is agreed ({rule.remedy.price})")
                continue
            finding.amount = finding.allowed = price
            finding.working = [("Billed", finding.billed, ""), ("Local price", price, "")]

    def share(self, findings: list[Valued]) -> None:
        """Take a share of what was billed off."""
        for finding in findings:
            share = finding.rule.params[finding.rule.remedy.share]
            assert finding.billed is not None
            off = rounded(finding.billed * Fraction(share))
            finding.allowed = finding.billed - off
            finding.working = [
                ("Billed", finding.billed, ""),
                ("Share that is taken off", off, f"x {share}, half up to the penny"),
                ("Allowed", finding.allowed, ""),
            ]
