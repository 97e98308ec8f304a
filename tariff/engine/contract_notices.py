"""What a reader of a statement under a contract should know beside its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tariff.engine.contract import Contract
from tariff.engine.contract_forms import half_up
from tariff.engine.contract_ledger import ELSEWHERE, EXACT, Cell, Ledger
from tariff.packs.contract_select import YEAR_MONTHS
from tariff.report import text

FAR = 3  # months from one with records to the last one that are worth a word
COUNTED = (
    ("incomplete", "have a price that is not known in full, and count as far as it is"),
    ("unpriced", "have no price: they count as activity without money"),
    (
        "excluded",
        "are excluded without a local price, or not due: nothing is paid for them, and they are no "
        "activity",
    ),
    ("local", "are at a local price of the contract"),
)


def notices_of(
    contract: Contract,
    ledger: Ledger,
    lines: Sequence[dict[str, Any]],
    outside: Mapping[str, Cell],
) -> list[str]:
    """Give all notices, the weightiest first. `lines` are those of the manifest."""
    notices = [*_empty(contract, ledger), *_months(contract, ledger)]
    notices += [f"The contract pack: {warning}" for warning in contract.warnings]
    notices += _alone(contract, ledger)
    for name, told in COUNTED:
        count = sum(line[name] for line in lines)
        if count:
            notices.append(f"Records of the contract that {told}: {count:,}.")
    for reason, cell in outside.items():
        priced, billed = half_up(Fraction(cell.money, EXACT)), cell.billed
        beside = f"; billed {text.pounds(billed)}" if billed not in (0, priced) else ""
        notices.append(
            f"Outside the contract ({reason}): {text.counted(cell.records, 'record')}, "
            f"{text.pounds(priced)}{beside}."
        )
    return notices


def _empty(contract: Contract, ledger: Ledger) -> list[str]:
    if any(line != ELSEWHERE for line, _ in ledger.lines):
        return []
    planned = any(line.line.plan is not None for line in contract.lines)
    why = "that of its whole plan" if planned else "what its lines pay without activity"
    return [f"No record is of this contract: what is payable is {why}."]


def _months(contract: Contract, ledger: Ledger) -> list[str]:
    """Months without any record before the last one, and a last one far beyond the others."""
    records: dict[int, int] = {}
    for (line, month), cell in ledger.lines.items():
        if line != ELSEWHERE and cell.records:
            records[month] = records.get(month, 0) + cell.records
    held = sorted(records)
    if not held:
        return []
    first, last = contract.months[0], held[-1]
    notices = []
    spans: list[list[int]] = []
    for month in range(first, last):
        if month in records:
            continue
        if spans and spans[-1][1] == month - 1:
            spans[-1][1] = month
        else:
            spans.append([month, month])
    if spans:
        told = ", ".join(_span(contract, *span) for span in spans)
        notices.append(
            f"No record of {told}, which count as months without activity: is --history missing?"
        )
    if len(held) > 1 and last - held[-2] >= FAR:
        many = records[last]
        notices.append(
            f"{text.counted(many, 'record')} of {_name(contract, last)} "
            f"make{'s' if many == 1 else ''} the year to date that of {last - first + 1} months."
        )
    return notices


def _span(contract: Contract, first: int, last: int) -> str:
    if first == last:
        return _name(contract, first)
    one, other = _name(contract, first), _name(contract, last)
    if one[-4:] == other[-4:]:
        one = one[:-5]
    return f"{one} to {other}"


def _name(contract: Contract, month: int) -> str:
    place = month + 2
    year = int(contract.manifest.year[:4]) + place // YEAR_MONTHS
    return f"{text.MONTH_NAMES[place % YEAR_MONTHS]} {year}"


def _alone(contract: Contract, ledger: Ledger) -> list[str]:
    """Money without units in lines whose form sees units."""
    names = {line.id for line in contract.lines if line.line.form.kind == "cost_and_volume"}
    money = sum(cell.alone for (line, _), cell in ledger.lines.items() if line in names)
    if not money:
        return []
    pounds = text.pounds(half_up(Fraction(money, EXACT)))
    return [f"Money without units in lines of cost and volume, paid beside the formula: {pounds}."]
