"""What was done under a contract, by line and month; whole numbers that add in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction

from tariff.engine.contract import Contract
from tariff.engine.contract_forms import Done, half_up

EXACT = 10**9  # parts of a penny: a factor has nine decimals
UNKNOWN_MONTH = 0
ELSEWHERE = "readmissions elsewhere"  # a row of its own; no line can have a blank in its name


@dataclass(slots=True)
class Cell:
    """Activity of one line and month. Money in parts of a penny (`EXACT`)."""

    activity: int = 0
    money: int = 0  # at tariff
    withheld: int = 0  # before the formula, such as for readmissions
    records: int = 0
    incomplete: int = 0  # records whose price is not known in full
    unpriced: int = 0  # records without a price
    local: int = 0  # records at a local price
    excluded: int = 0  # records that are not paid for and are no activity
    alone: int = 0  # of the money at tariff, that of records that have no units
    priced_units: int = 0  # of the activity, that of records with a price
    priced_money: int = 0  # of the money at tariff, that of those
    billed: int = 0  # whole pence

    def add(self, other: Cell, sign: int = 1) -> None:
        """Add, or with `sign` -1 take off."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + sign * getattr(other, item.name))

    def done(self) -> Done:
        """Give what the formula of the line sees."""
        pence = Fraction(self.money - self.withheld, EXACT)
        return Done(Fraction(self.activity), pence, Fraction(self.alone, EXACT))

    def unit(self) -> Fraction | None:
        """Give the average price of a unit in pence: of records with units and with a price."""
        if self.priced_units <= 0:
            return None
        return Fraction(self.priced_money, EXACT * self.priced_units)


@dataclass
class Ledger:
    """Cells by line and month (1 to 12), and beside them what is outside the contract."""

    lines: dict[tuple[str, int], Cell] = field(default_factory=dict)
    outside: dict[tuple[str, int], Cell] = field(default_factory=dict)  # by reason and month
    datasets: set[str] = field(default_factory=set)

    def at(self, line: str, month: int, reason: str = "") -> Cell:
        """Give the cell of a line and month, or of a reason to be outside."""
        if reason:
            return self.outside.setdefault((reason, month), Cell())
        return self.lines.setdefault((line, month), Cell())

    def add(self, other: Ledger) -> None:
        """Add another ledger of the same contract."""
        for (line, month), cell in other.lines.items():
            self.at(line, month).add(cell)
        for (reason, month), cell in other.outside.items():
            self.at("", month, reason).add(cell)
        self.datasets |= other.datasets

    @property
    def through(self) -> int:
        """The last month with activity of the contract; 0 where there is none."""
        return max((month for _, month in self.lines), default=0)

    def to_date(self, line: str, month: int) -> Cell:
        """Give the sum of a line from its beginning through a month."""
        total = Cell()
        for (of, when), cell in self.lines.items():
            if of == line and when <= month:
                total.add(cell)
        return total


@dataclass(frozen=True)
class Row:
    """One line and month of a statement. Money is whole pence."""

    line: str
    month: int
    cell: Cell
    year_to_date: Cell
    plan_activity: Fraction
    plan_pence: int
    plan_to_date_activity: Fraction
    plan_to_date_pence: int
    payable: int
    payable_to_date: int
    unit: Fraction | None  # pence of one unit
    one_more: int | None  # what one unit more in the year to date adds to it
    one_fewer: int | None  # what one unit fewer takes off it


def statement(contract: Contract, ledger: Ledger, closes: int | None = None) -> Iterator[Row]:
    """Give every line and month through a month: the last with activity, else the last planned.

    A month is the year to date less that of the month before, so months always add up.
    """
    last = contract.closes if closes is None else closes
    for line in contract.lines:
        before, planned = 0, (Fraction(0), 0)
        for month in range(line.first, last + 1):
            total = ledger.to_date(line.id, month)
            done = total.done()
            pays = line.pays(month, done)
            accrued = line.accrued[month]
            plan = (accrued.plan_units, half_up(accrued.plan_pence))
            unit = total.unit()
            if unit is None:
                unit = line.planned_unit(month)
            yield Row(
                line.id,
                month,
                ledger.lines.get((line.id, month), Cell()),
                total,
                plan[0] - planned[0],
                plan[1] - planned[1],
                *plan,
                pays - before,
                pays,
                unit,
                None if unit is None else line.pays(month, _moved(done, unit, 1)) - pays,
                None
                if unit is None or done.units < 1
                else line.pays(month, _moved(done, unit, -1)) - pays,
            )
            before, planned = pays, plan
    if any(line == ELSEWHERE for line, _ in ledger.lines):
        yield from _elsewhere(contract, ledger, last)


def _elsewhere(contract: Contract, ledger: Ledger, last: int) -> Iterator[Row]:
    """Readmissions at other providers: what is withheld is taken off by itself."""
    nothing = (Fraction(0), 0)
    charged = (month for line, month in ledger.lines if line == ELSEWHERE)
    first = min([contract.months[0], *charged])
    for month in range(first, last + 1):
        cell = ledger.lines.get((ELSEWHERE, month), Cell())
        total = ledger.to_date(ELSEWHERE, month)
        pays = (-cell.withheld // EXACT, -total.withheld // EXACT)
        yield Row(ELSEWHERE, month, cell, total, *nothing, *nothing, *pays, None, None, None)


def last_month(contract: Contract, ledger: Ledger) -> int:
    """Give the month through which the year to date goes: the last with activity.

    Where that is the last of the contract, or there is none, it goes to the close of the plan.
    """
    through = ledger.through or contract.months[1]
    return contract.closes if through == contract.months[1] else through


def payable(contract: Contract, ledger: Ledger, month: int) -> int:
    """Give what is payable for all lines for the year to date, in pence."""
    lines = sum(line.pays(month, ledger.to_date(line.id, month).done()) for line in contract.lines)
    return lines - ledger.to_date(ELSEWHERE, month).withheld // EXACT


def merged(ledgers: Iterable[Ledger]) -> Ledger:
    """Give the sum of ledgers."""
    out = Ledger()
    for ledger in ledgers:
        out.add(ledger)
    return out


def _moved(done: Done, unit: Fraction, units: int) -> Done:
    return replace(done, units=done.units + units, pence=done.pence + units * unit)
