"""The numbers that a remedy speaks of: constants, parameters and fields of a record and partner."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tariff.engine.amounts import rounded
from tariff.engine.record_set import RecordSet
from tariff.packs.compile import NULL64
from tariff.packs.match_fields import MATCH_FIELDS
from tariff.packs.model import Operand, Rule
from tariff.schemas import MFF_UNIT


class Numbers:
    """Works out operands, in whole units of what they are compared with."""

    def __init__(self, records: RecordSet) -> None:
        self.records = records

    def of_field(self, name: str, record: int) -> int:
        """Give a number of a record; NULL64 where it is missing, or there is no record."""
        if record < 0:
            return int(NULL64)
        block, place = self.records.place(record)
        return int(block.number(name)[place])

    def value(
        self, rule: Rule, operand: Operand, record: int, partner: int, scale: int = 1
    ) -> int | None:
        """Give an operand of a remedy; None where a field is missing.

        `scale`: how many units one of what a rule writes is, 100 of money.
        """
        if operand.kind == "constant":
            return int(operand.value)
        if operand.kind == "param":
            return _scaled(rule.params[operand.value], scale)
        number = self._fields(operand, record if operand.side else partner)
        if number is None:
            return None
        if operand.times is not None:
            times = operand.times
            number *= Fraction(rule.params[times] if isinstance(times, str) else times)
        plus = operand.plus
        more = _scaled(rule.params[plus], scale) if isinstance(plus, str) else plus
        return rounded(number) + more

    def _fields(self, operand: Operand, record: int) -> Fraction | None:
        names = (operand.value,) if operand.kind == "field" else tuple(operand.value)
        numbers = [self.of_field(name, record) for name in names]
        if int(NULL64) in numbers:
            return None
        match operand.kind:
            case "sum":
                return Fraction(sum(numbers))
            case "less":
                return Fraction(numbers[0] - sum(numbers[1:]))
            case "least":
                return Fraction(min(numbers))
            case "most":
                return Fraction(max(numbers))
            case "product":
                return _product(names, numbers)
        return Fraction(numbers[0])


def _scaled(number: Decimal, scale: int) -> int:
    return rounded(Fraction(number) * scale)


def _product(names: tuple[str, ...], numbers: list[int]) -> Fraction:
    """Multiply: the unit is that of the money, else of a factor, where there is one."""
    out = Fraction(1)
    for number in numbers:
        out *= number
    factors = sum(MATCH_FIELDS[name].scale == MFF_UNIT for name in names)
    money = any(MATCH_FIELDS[name].kind == "money" for name in names)
    over = factors if money else max(factors - 1, 0)
    return out / Fraction(MFF_UNIT) ** over
