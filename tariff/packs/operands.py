"""The numbers of predicates: constants, parameters, fields, and sums and products of fields."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tariff.packs.match_fields import (
    MatchField,
    day_number,
    field,
    kinds_with,
    names_of,
    said,
    scaled,
    written_unit,
)
from tariff.packs.model import Operand
from tariff.packs.nodes import DAY, DECIMAL
from tariff.packs.problems import HasPosition, did_you_mean
from tariff.packs.tree import Broken, Mapping, Node, Scalar, Sequence
from tariff.packs.vocabulary import Vocabulary
from tariff.schemas import MFF_UNIT

Form = Literal["record", "pair", "join"]
SIDES: dict[Form, dict[str, int]] = {
    "record": {},
    "pair": {"previous": 0, "current": 1},
    "join": {"other": 0, "this": 1},
}
SEVERAL = ("sum", "less", "product", "least", "most")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Sides:
    """The records that a predicate is about: what each is called, and of which kinds it may be."""

    form: Form
    kinds: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def names(self) -> dict[str, int]:
        """What the records are called in the rule."""
        return SIDES[self.form]


class Numbers:
    """Reads operands of one rule, and looks fields up."""

    def __init__(self, words: Vocabulary, sides: Sides) -> None:
        self.words = words
        self.sides = sides

    # ------------------------------------------------------------ fields

    def field(self, node: HasPosition, name: str, side: int) -> MatchField | None:
        """Give a field of one of the records; what is wrong with it is reported."""
        kinds = self.sides.kinds[side]
        try:
            found = field(name, kinds)
        except ValueError as error:
            self.words.add("PK105", node, str(error), "make two rules of it")
            return None
        if found is None:
            self.unknown(node, name, kinds)
        return found

    def unknown(
        self, node: HasPosition, name: str, kinds: tuple[str, ...], also: Iterable[str] = ()
    ) -> None:
        """Report a name that is no field of some kinds."""
        others = kinds_with(name)
        if others:
            hint = f"a field of {', '.join(others)}"
            self.words.add("PK102", node, f"{', '.join(kinds)}: no field '{name}'", hint)
        else:
            hint = did_you_mean(name, names_of(kinds) | set(also), "fields")
            self.words.add("PK102", node, f"unknown field '{name}'", hint)

    # ------------------------------------------------------------ operands

    def operand(self, of: MatchField, node: Node, side: int) -> Operand | None:
        """The right side of a comparison with a field."""
        if isinstance(node, Mapping):
            return self._computed(of, node, side)
        return self.constant(of, node)

    def constant(self, of: MatchField, node: Node, difference: bool = False) -> Operand | None:
        """A constant in the unit of the field, or a parameter of the rule."""
        if not isinstance(node, Scalar):
            if not isinstance(node, Broken):
                self.words.add("PK101", node, "expected a number, $name or {field: name}")
            return None
        text = node.text
        if text.startswith("$"):
            return self._param(of, node, difference)
        if of.kind == "date" and not difference:
            try:
                day = date.fromisoformat(text) if DAY.fullmatch(text) else None
            except ValueError:
                day = None
            if day is None:
                message = f"expected a date (YYYY-MM-DD), found '{text}'"
                self.words.add("PK105", node, message)
                return None
            return Operand("constant", day_number(day))
        if of.kind == "flag" and node.plain and text in ("true", "false"):
            return Operand("constant", int(text == "true"))
        clock = CLOCK.fullmatch(text) if of.name.endswith("_time") and not difference else None
        if clock is not None:
            return Operand("constant", int(clock[1]) * 60 + int(clock[2]))
        if not (node.plain and DECIMAL.fullmatch(text)):
            what = "days" if of.kind == "date" else written_unit(of)
            self.words.add("PK105", node, f"expected {what}, found '{text}'")
            return None
        units = scaled(of, Decimal(text))
        if units is None:
            what = {"money": "pence"}.get(of.kind, "units of the field")
            self.words.add("PK105", node, f"'{text}' is no whole number of {what}")
            return None
        return Operand("constant", units)

    def _param(self, of: MatchField, node: Scalar, difference: bool) -> Operand | None:
        name = self.words.param(node)
        if not name:
            return None
        wants_date = of.kind == "date" and not difference
        if wants_date != (name in self.words.date_params):
            message = (
                f"'{of.name}' is a date, and ${name} a number"
                if wants_date
                else f"'{of.name}' is {said(of)}, and ${name} a date"
            )
            self.words.add("PK105", node, message, "compare like with like")
            return None
        if scaled(of, self.words.params[name]) is None:
            self.words.add(
                "PK105",
                node,
                f"${name} is {self.words.params[name]}: no whole number of units of '{of.name}'",
            )
            return None
        return Operand("param", name)

    def _computed(self, of: MatchField, node: Mapping, side: int) -> Operand | None:
        """`{field: other, of: previous, times: n, plus: n}`, or several fields in its place."""
        self.words.unknown_keys(node, frozenset({"field", *SEVERAL, "of", "plus", "times"}))
        given = [name for name in ("field", *SEVERAL) if name in node.entries]
        if len(given) != 1:
            if given:
                key = node.entries[given[1]][0]
                self.words.add("PK101", key, f"'{given[0]}' and '{given[1]}' exclude each other")
            else:
                self.words.add("PK021", node, "missing key 'field'", f"or {', '.join(SEVERAL)}")
            return None
        kind: Any = given[0]
        item = node.entries[kind][1]
        where = self._of(node, side)
        if kind == "field":
            names = [(self.words.read(item, str), item)]
        elif isinstance(item, Sequence):
            names = [(self.words.read(part, str), part) for part in item.items]
            if len(names) < 2 or (kind in ("less", "product") and len(names) != 2):
                many = "two" if kind in ("less", "product") else "two or more"
                self.words.add("PK101", item, f"'{kind}' takes a list of {many} fields")
                return None
        else:
            if not isinstance(item, Broken):
                self.words.add("PK101", item, f"'{kind}' takes a list of fields")
            return None
        found = [(self.field(at, name, where), at) for name, at in names if name is not None]
        fields = [one for one, _ in found if one is not None]
        if len(fields) != len(names):
            return None
        made = result_of(kind, fields)
        if made is None:
            listed = ", ".join(f"'{one.name}' is {said(one)}" for one in fields)
            self.words.add("PK105", item, f"no {kind} of these: {listed}")
            return None
        if not comparable(of, made):
            what = f"'{fields[0].name}'" if kind == "field" else f"the {kind}"
            self.words.add(
                "PK105", item, f"'{of.name}' is {said(of)}, {what} is {said(made)}",
                "compare like with like",
            )  # fmt: skip
            return None
        value = fields[0].name if kind == "field" else tuple(one.name for one in fields)
        return Operand(kind, value, where, self._plus(of, node), self._times(made, node))

    def _of(self, node: Mapping, side: int) -> int:
        if "of" not in node.entries:
            return side
        key, item = node.entries["of"]
        names = self.sides.names
        if not names:
            message = "'of' has a meaning where there are two records only"
            self.words.add("PK106", key, message)
            return side
        value = self.words.read(item, Literal[tuple(names)], "")
        return names.get(value, side)

    def _plus(self, of: MatchField, node: Mapping) -> int | str:
        if "plus" not in node.entries:
            return 0
        if of.kind == "code":
            self.words.add("PK105", node.entries["plus"][0], f"'{of.name}' holds codes")
            return 0
        operand = self.constant(of, node.entries["plus"][1], difference=True)
        if operand is None:
            return 0
        plus: int | str = operand.value
        return plus

    def _times(self, made: MatchField, node: Mapping) -> Decimal | str | None:
        if "times" not in node.entries:
            return None
        key, item = node.entries["times"]
        if made.kind in ("code", "date"):
            self.words.add("PK105", key, f"{said(made)} cannot be multiplied")
            return None
        if isinstance(item, Scalar) and item.text.startswith("$"):
            return self.words.number_param(item) or None
        number: Decimal | None = self.words.read(item, Decimal)
        return number


def result_of(kind: str, fields: list[MatchField]) -> MatchField | None:
    """Give what an operand of fields is, as a field; None where it is nothing that can be asked."""
    first = fields[0]
    if kind == "field":
        return first
    if any(one.kind == "code" for one in fields):
        return None
    if kind == "product":
        return _product(fields)
    dates = [one for one in fields if one.kind == "date"]
    rest = [one for one in fields if one.kind != "date"]
    days = MatchField("", "number", "days", "")
    if not dates or (not rest and kind in ("least", "most")):
        return first if all(comparable(first, one) for one in fields) else None
    if kind == "less" and len(dates) == 2:
        return days
    whole = all(comparable(days, one) for one in rest) and first.kind == "date"
    return first if whole and len(dates) == 1 and kind in ("sum", "less") else None


def _product(fields: list[MatchField]) -> MatchField | None:
    if any(one.kind == "date" for one in fields):
        return None
    money = [one for one in fields if one.kind == "money"]
    factors = [one for one in fields if one.scale == MFF_UNIT]
    if len(money) > 1:
        return None
    if money or factors:
        return (money or factors)[0]
    return MatchField("", "number", "", "")


def comparable(one: MatchField, other: MatchField) -> bool:
    """Whether two fields are of one kind and unit; a bare number compares with any number."""
    same_unit = one.unit == other.unit or "" in (one.unit, other.unit)
    number = {"number", "flag"}
    same_kind = one.kind == other.kind or {one.kind, other.kind} == number
    return same_kind and one.scale == other.scale and same_unit and one.many == other.many
