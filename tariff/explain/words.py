"""Predicates of rules in plain English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tariff.extract.fields import REGISTERS
from tariff.packs.match_fields import MATCH_FIELDS, MatchField, scaled
from tariff.packs.model import (
    Every,
    Join,
    Named,
    Negation,
    Operand,
    Predicate,
    Same,
    Shares,
    Some,
    Test,
)
from tariff.report.text import long_date, pounds, sentence_list
from tariff.schemas import MFF_UNIT

NOUNS = {
    "spells": "spell",
    "attendances": "outpatient attendance",
    "emergency": "emergency attendance",
    "critical_care": "critical care period",
    "lines": "line",
}
_SEVERAL = {"least": "the least of", "most": "the most of"}
LISTED = 12  # codes of a list that are written out

_NAMES = {
    "hrg": "HRG that the engine grouped",
    "hrg_root": "root of the HRG that the engine grouped",
    "priced_hrg": "HRG that is priced",
    "priced_root": "root of the HRG that is priced",
    "billed_hrg": "billed HRG",
    "mff": "market forces factor",
    "billed_mff": "billed market forces factor",
    "billed_mff_amount": "billed market forces amount",
    "pre_mff": "price before MFF",
    "base": "base price",
    "total": "price",
    "short_stay": "short stay reduction",
    "short_stay_eligible": "reduced short stay price",
    "long_stay": "long stay payment",
    "billed": "billed amount",
    "gp_practice": "GP practice",
    "attended": "attended code",
    "activity_month_end": "end of the month it was billed in",
    "patient_id": "patient",
    "start_at": "time of the beginning",
    "end_at": "time of the end",
    "valid_from": "first day",
    "valid_to": "last day",
    "record_id": "number",
}
_COMPARED = {"at_least": "at least", "at_most": "at most", "above": "above", "below": "below"}
_DATED = {
    "at_least": "on or after",
    "at_most": "on or before",
    "above": "after",
    "below": "before",
    "equals": "on",
}

Line = tuple[int, str]  # depth and words


def noun(kinds: Sequence[str]) -> str:
    """Give what one record of some kinds is called."""
    if all(kind in NOUNS for kind in kinds):
        nouns = [NOUNS[kind] for kind in kinds]
        return " or ".join(part for part in (", ".join(nouns[:-1]), nouns[-1]) if part)
    return f"row of the register {kinds[0].replace('_', ' ')}"


def article(name: str) -> str:
    """Give a noun with its article."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def field_name(name: str) -> str:
    """Give a field in words."""
    return _NAMES.get(name, name.replace("_", " "))


def decimal(factor: int | Decimal) -> str:
    """Give a factor, in units of 1e-9 where it is an integer, without trailing zeros."""
    value = Decimal(factor) / MFF_UNIT if isinstance(factor, int) else factor
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def days(count: int) -> str:
    """Give a number of days."""
    return f"{count:,} day{'' if abs(count) == 1 else 's'}"


def _shown(field: MatchField, value: int) -> str:
    """Give a number in the unit of a field."""
    if field.kind == "money":
        return pounds(value)
    if field.kind == "date":
        return long_date((date(1970, 1, 1) + timedelta(days=value)).isoformat())
    if field.kind == "flag":
        words = ("due", "not due") if field.name == "short_stay_eligible" else ("yes", "no")
        return words[0] if value else words[1]
    if field.unit == "1e-9":
        return decimal(value)
    if field.unit == "days":
        return days(value)
    unit = field.unit.removesuffix("s") if abs(value) == 1 else field.unit
    return f"{value:,} {unit}".rstrip()


def _difference(field: MatchField, value: int) -> str:
    return days(value) if field.kind == "date" else _shown(field, value)


def minutes(count: int) -> str:
    """Give a number of minutes."""
    return f"{count:,} minute{'' if abs(count) == 1 else 's'}"


def codes(values: Sequence[str]) -> str:
    """Give codes, the first of them where they are many."""
    if len(values) > LISTED:
        return f"{', '.join(values[:LISTED])} and {len(values) - LISTED:,} more"
    return " or ".join(part for part in (", ".join(values[:-1]), *values[-1:]) if part)


def span(low: int | None, high: int | None) -> str:
    """Give a range of which at most one end is open."""
    if low is not None and high is not None:
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{low:,} or more" if low is not None else f"{high:,} or less"


@dataclass(frozen=True)
class Reader:
    """Reads the predicates of one rule. `sides` name the two records of a pair.

    `own` is what the record that joins are about is called, `kinds` of which kinds it may be.
    """

    params: Mapping[str, Decimal]
    lists: Mapping[str, Sequence[str]]
    sides: tuple[str, str] | None = None
    own: str = "the record"
    kinds: tuple[str, ...] = ()

    def lines(self, predicate: Predicate, depth: int = 0) -> list[Line]:
        """Give a predicate as lines, its parts below it."""
        match predicate:
            case Every(parts):
                return self._parts("all of these hold", parts, depth)
            case Some(parts):
                return self._parts("any of these holds", parts, depth)
            case Negation(part):
                if isinstance(part, Test | Same | Shares):
                    return [(depth, f"it is not so that {self.sentence(part)}")]
                return [(depth, "it is not so that"), *self.lines(part, depth + 1)]
            case Join():
                return self._join(predicate, depth)
            case Test() | Same() | Shares():
                return [(depth, self.sentence(predicate))]
        raise TypeError(predicate)

    def _join(self, join: Join, depth: int) -> list[Line]:
        """Give a join: which record there is or is not, and below it what is asked of it."""
        name = noun(join.of)
        own_kind = not set(join.of).isdisjoint(self.kinds)
        other = f"another {name}" if own_kind else article(name)
        source = f" of the {join.source} record" if join.source in ("national", "earlier") else ""
        source = " of the history" if join.source == "history" else source
        same = [
            field_name(one.field) + (f" (there {field_name(one.other)})" if one.other else "")
            for one in join.same
        ]
        words = f"{self._counted(join, other, name)}{source} with the same {sentence_list(same)}"
        if join.before:
            words += ", before this one"
        if join.on:
            words += f", in force on the {field_name(join.on)}"
        one = name if len(join.of) == 1 else "record"
        called = "that row" if join.of[0] in REGISTERS else f"the other {one}"
        inner = Reader(self.params, self.lists, (called, self.own), self.own)
        asked = [*_apart(join, one), *([] if join.where == Every(()) else inner.top(join.where))]
        if not asked:
            return [(depth, words)]
        return [(depth, f"{words}, where"), *((depth + 1 + below, line) for below, line in asked)]

    def _counted(self, join: Join, other: str, name: str) -> str:
        if join.at_most == 0:
            return f"there is no {'other ' if other.startswith('another') else ''}{name}"
        if join.at_least == 1 and join.at_most is None:
            return f"there is {other}"
        least, most = (self._count(join.at_least), self._count(join.at_most))
        if join.at_most is None:
            return f"there are at least {least}, each {article(name)},"
        if join.at_least == 0:
            return f"there are at most {most}, each {article(name)},"
        return f"there are {least} to {most}, each {article(name)},"

    def _count(self, count: int | str | None) -> str:
        return f"{self.params[count]} (parameter {count})" if isinstance(count, str) else str(count)

    def _parts(self, words: str, parts: Sequence[Predicate], depth: int) -> list[Line]:
        if not parts:
            return [(depth, "always")]
        if len(parts) == 1:
            return self.lines(parts[0], depth)
        below = [line for part in parts for line in self.lines(part, depth + 1)]
        return [(depth, f"{words}:"), *below]

    def top(self, predicate: Predicate) -> list[Line]:
        """Give the outermost predicate; that all of its parts must hold goes without saying."""
        if isinstance(predicate, Every):
            return [line for part in predicate.parts for line in self.top(part)]
        return self.lines(predicate)

    def sentence(self, predicate: Test | Same | Shares) -> str:
        """Give one comparison as a sentence."""
        if isinstance(predicate, Same):
            return f"both have the same {field_name(predicate.field)}"
        if isinstance(predicate, Shares):
            return f"both share {field_name(predicate.field).replace('any ', 'a ', 1)}"
        field = MATCH_FIELDS[predicate.field]
        words = self._says(predicate, field)
        if words.startswith("is ") and predicate.field.endswith(("_days", "_rows")):
            words = f"are {words.removeprefix('is ')}"
        return f"{self._subject(predicate.field, predicate.side)} {words}"

    def _subject(self, name: str, side: int) -> str:
        words = field_name(name)
        if not words.startswith("any "):
            words = f"{'a' if MATCH_FIELDS[name].many else 'the'} {words}"
        return words if self.sides is None else f"{words} of {self.sides[side]}"

    def _says(self, test: Test, field: MatchField) -> str:
        match test.operation:
            case "in":
                one = len(test.codes) == 1
                return f"is {test.codes[0]}" if one else f"is one of {codes(test.codes)}"
            case "starts":
                return f"begins with {codes(test.codes)}"
            case "list":
                return f"is in {self._list(test)}"
            case "list_starts":
                return f"begins with an entry of {self._list(test)}"
            case "missing":
                return "is empty"
            case "present":
                return "is filled in"
            case "equals":
                if field.kind == "date":
                    return f"is on {self._operand(test.operand, field)}"
                return f"is {self._operand(test.operand, field)}"
            case "differs":
                words = f"differs from {self._operand(test.operand, field)}"
                return words + (f" by more than {self._by(test.by, field)}" if test.by else "")
        compared = _DATED if field.kind == "date" else _COMPARED
        return f"is {compared[test.operation]} {self._operand(test.operand, field)}"

    def _list(self, test: Test) -> str:
        values = [str(code) for code in self.lists.get(test.codes[0], ())]
        return f"the list {test.codes[0].replace('_', ' ')} ({codes(values)})"

    def difference(self, operand: Operand, field: MatchField) -> str:
        """Give by how much two values may differ."""
        return self._by(operand, field)

    def number(self, operand: Operand, field: MatchField) -> str:
        """Give a number that a remedy takes."""
        return self._operand(operand, field)

    def _by(self, operand: Operand, field: MatchField) -> str:
        if operand.kind == "param":
            return self._param(operand, field, difference=True)
        return _difference(field, int(operand.value))

    def _operand(self, operand: Operand | None, field: MatchField) -> str:
        assert operand is not None
        if operand.kind == "constant":
            return _shown(field, int(operand.value))
        if operand.kind == "param":
            return self._param(operand, field)
        words = self._fields(operand)
        if operand.times is not None:
            words += f" times {self._times(operand.times)}"
        if isinstance(operand.plus, str):
            return f"{words} plus {self._named(operand.plus, field, difference=True)}"
        if operand.plus:
            sign = "plus" if operand.plus > 0 else "less"
            words += f" {sign} {_difference(field, abs(operand.plus))}"
        return words

    def _fields(self, operand: Operand) -> str:
        if operand.kind == "field":
            return self._subject(operand.value, operand.side)
        names = [self._subject(name, operand.side) for name in operand.value]
        if operand.kind in ("less", "product"):
            return f" {'less' if operand.kind == 'less' else 'times'} ".join(names)
        words = sentence_list(names)
        return f"{_SEVERAL[operand.kind]} {words}" if operand.kind in _SEVERAL else words

    def _times(self, times: Decimal | str) -> str:
        if isinstance(times, str):
            return f"{decimal(self.params[times])} (parameter {times})"
        return decimal(times)

    def _param(self, operand: Operand, field: MatchField, *, difference: bool = False) -> str:
        return self._named(operand.value, field, difference=difference)

    def _named(self, name: str, field: MatchField, *, difference: bool = False) -> str:
        units = scaled(field, self.params[name])
        assert units is not None
        shown = (_difference if difference else _shown)(field, units)
        return f"{shown} (parameter {name})"


def _apart(join: Join, name: str) -> list[Line]:
    """Say how far apart in time two joined records are."""
    lines = []
    for (low, high), unit, first, last in (
        (join.days, days, "first day", "last day"),
        (join.minutes, minutes, "beginning", "end"),
    ):
        if (low, high) != (None, None):
            what = f"from the {last} of the other {name} to the {first} of this one"
            lines.append((0, f"{between(low, high, unit)} {what}"))
    if join.before:
        lines.append((0, f"the other {name} stands before this one in the order of records"))
    return lines


def between(low: int | None, high: int | None, unit: Callable[[int], str]) -> str:
    """Give a range in a unit, with the parameters that give its ends."""
    names = [end.name for end in (low, high) if isinstance(end, Named)]
    given = f" (parameter {sentence_list(names)})" if names else ""
    if low is not None and high is not None:
        words = unit(low) if low == high else f"{low:,} to {unit(high)}"
        return words + given
    if low is not None:
        return f"at least {unit(low)}{given}"
    return f"at most {unit(high or 0)}{given}"
