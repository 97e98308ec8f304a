"""Predicates of rules: YAML nodes to the tree of `Test`, `Same`, `Every`, `Some`, `Negation`.

The grammar is that of docs/signatures.md. Fields, lists and parameters are looked up here, and
constants become whole numbers in the unit of their field.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tariff.packs.match_fields import (
    MATCH_FIELDS,
    MatchField,
    day_number,
    scaled,
    written_unit,
)
from tariff.packs.model import Code, Every, Negation, Operand, Predicate, Same, Some, Test
from tariff.packs.nodes import BAD, DAY, DECIMAL, Decoder
from tariff.packs.problems import Problems, did_you_mean
from tariff.packs.tree import Broken, Mapping, Node, Scalar, Sequence

Form = Literal["record", "pair"]
SIDES = {"previous": 0, "current": 1}
BOUNDS = ("at_least", "at_most", "above", "below")
COMPARISONS = frozenset({*BOUNDS, "equals", "differs", "by"})
OPERATIONS = frozenset({*COMPARISONS, "starts", "list", "missing", "present"})


class PredicateDecoder:
    """Decodes the predicates of one rule. `used` and `params_used` gather what they speak of."""

    def __init__(
        self,
        decoder: Decoder,
        form: Form,
        lists: AnyMapping[str, Any] | None,
        params: AnyMapping[str, Decimal],
    ) -> None:
        self.used: dict[str, None] = {}
        self.params_used: set[str] = set()
        self.lists_used: set[str] = set()
        self._decoder = decoder
        self._problems: Problems = decoder.problems
        self._form = form
        self._lists = lists
        self._params = params

    def decode(
        self, node: Node, skip: frozenset[str] = frozenset(), side: int | None = None
    ) -> Predicate:
        """A mapping whose entries must all hold. Keys in `skip` are another's to read."""
        parts: list[Predicate] = []
        if isinstance(node, Mapping):
            for name, (key, item) in node.entries.items():
                if name not in skip:
                    parts += self._entry(name, key, item, side)
        elif not isinstance(node, Broken):
            self._problems.add("PK101", node, "a predicate is a mapping: field: condition")
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _entry(self, name: str, key: Scalar, item: Node, side: int | None) -> list[Predicate]:
        if name in ("all", "any"):
            if isinstance(item, Sequence):
                inner = tuple(self.decode(part, side=side) for part in item.items)
                if not inner:
                    self._problems.add("PK101", item, f"'{name}' is empty")
                return [Every(inner) if name == "all" else Some(inner)]
            self._problems.add("PK101", item, f"'{name}' takes a list of predicates")
        elif name == "not":
            return [Negation(self.decode(item, side=side))]
        elif self._form == "pair" and side is None:
            return self._pair_entry(name, key, item)
        elif name in MATCH_FIELDS:
            self.used[name] = None
            return self._tests(MATCH_FIELDS[name], item, side or 0)
        elif name in SIDES or name == "same":
            self._problems.add("PK106", key, f"'{name}' has no meaning here")
        else:
            self._unknown(name, key)
        return []

    def _pair_entry(self, name: str, key: Scalar, item: Node) -> list[Predicate]:
        if name in SIDES:
            return [self.decode(item, side=SIDES[name])]
        if name == "same":
            return [Same(field) for field in self.field_list(item)]
        if name in MATCH_FIELDS:
            self._problems.add(
                "PK106",
                key,
                f"field '{name}' stands without its record",
                f"write it under 'previous:' or 'current:', or as 'same: [{name}]'",
            )
        else:
            self._unknown(name, key, {"previous", "current", "same", "all", "any", "not"})
        return []

    def _unknown(self, name: str, key: Scalar, also: set[str] | None = None) -> None:
        hint = did_you_mean(name, set(MATCH_FIELDS) | (also or {"all", "any", "not"}), "fields")
        self._problems.add("PK102", key, f"unknown field '{name}'", hint)

    def field_list(self, node: Node, also: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """A list of field names, such as that of `same` and `key`."""
        names = self._decoder.decode(node, list[Code])
        if names is BAD or not isinstance(node, Sequence):
            return ()
        for name, item in zip(names, node.items, strict=True):
            if name not in MATCH_FIELDS and name not in also:
                hint = did_you_mean(name, set(MATCH_FIELDS) | also, "fields")
                self._problems.add("PK102", item, f"unknown field '{name}'", hint)
            elif names.count(name) > 1 and item is node.items[names.index(name)]:
                self._problems.add("PK101", item, f"field '{name}' is named twice")
            self.used[name] = None
        if not names:
            self._problems.add("PK101", node, "the list of fields is empty")
        return tuple(names)

    # ------------------------------------------------------------ one field

    def _tests(self, field: MatchField, node: Node, side: int) -> list[Predicate]:
        if isinstance(node, Mapping):
            return self._operations(field, node, side)
        if isinstance(node, Broken):
            return []
        if field.kind != "code":
            self._problems.add(
                "PK105",
                node,
                f"'{field.name}' holds {written_unit(field)}, not codes",
                "write {equals: ...} or {at_least: ..., at_most: ...}",
            )
            return []
        codes = self._codes(node)
        return [Test(field.name, side, "in", codes=codes)] if codes else []

    def _codes(self, node: Node) -> tuple[str, ...]:
        """One code or a list of them."""
        if isinstance(node, Scalar):
            value = self._decoder.decode(node, Code)
            return () if value is BAD else (value,)
        values = self._decoder.decode(node, list[Code])
        if values is BAD:
            return ()
        if not values:
            self._problems.add("PK101", node, "the list of codes is empty: it never holds")
        return tuple(values)

    def _operations(self, field: MatchField, node: Mapping, side: int) -> list[Predicate]:
        tests: list[Predicate] = []
        by = self._by(field, node)
        for name, (key, item) in node.entries.items():
            if name not in OPERATIONS:
                self._problems.add(
                    "PK101",
                    key,
                    f"unknown condition '{name}'",
                    did_you_mean(name, OPERATIONS, "conditions"),
                )
            elif name in COMPARISONS:
                if name != "by":
                    tests += self._comparison(field, name, item, side, by)
            elif name in ("missing", "present"):
                if self._decoder.decode(item, bool) is False:
                    other = "present" if name == "missing" else "missing"
                    self._problems.add("PK101", item, f"write {{{other}: true}}")
                tests.append(Test(field.name, side, name))  # type: ignore[arg-type]
            elif field.kind != "code":
                self._problems.add(
                    "PK105", key, f"'{field.name}' holds {written_unit(field)}, not codes"
                )
            elif name == "starts":
                tests.append(Test(field.name, side, "starts", codes=self._codes(item)))
            else:
                tests += self._list(field, item, side)
        if not node.entries:
            self._problems.add("PK101", node, f"no condition on '{field.name}'")
        return tests

    def _list(self, field: MatchField, node: Node, side: int) -> list[Predicate]:
        name = self._decoder.decode(node, str)
        if name is BAD:
            return []
        self.lists_used.add(name)
        if self._lists is not None and name not in self._lists:
            hint = did_you_mean(name, set(self._lists), "lists")
            self._problems.add("PK103", node, f"unknown list '{name}'", hint)
        return [Test(field.name, side, "list", codes=(name,))]

    # ------------------------------------------------------------ comparisons

    def _by(self, field: MatchField, node: Mapping) -> Operand | None:
        if "by" not in node.entries:
            return None
        key, item = node.entries["by"]
        if "differs" not in node.entries:
            self._problems.add("PK101", key, "'by' says by how much a field differs")
        if field.kind == "code":
            return None  # reported with `differs`
        return self._constant(field, item, difference=True)

    def _comparison(
        self, field: MatchField, name: str, node: Node, side: int, by: Operand | None
    ) -> list[Predicate]:
        if field.kind == "code":
            self._problems.add(
                "PK105",
                node,
                f"'{field.name}' holds codes: '{name}' compares numbers",
                f"write {field.name}: code, or {{starts: [...]}}, or {{list: name}}",
            )
            return []
        if isinstance(node, Mapping):
            operand = self._other_field(field, node, side)
        else:
            operand = self._constant(field, node)
        if operand is None:
            return []
        return [
            Test(
                field.name,
                side,
                name,  # type: ignore[arg-type]
                operand=operand,
                by=by if name == "differs" else None,
            )
        ]

    def _constant(self, field: MatchField, node: Node, difference: bool = False) -> Operand | None:
        """A constant in the unit of the field, or a parameter of the rule."""
        if not isinstance(node, Scalar):
            if not isinstance(node, Broken):
                self._problems.add("PK101", node, "expected a number, $name or {field: name}")
            return None
        text = node.text
        if text.startswith("$"):
            return self._param(field, node, text[1:], difference)
        if field.kind == "date" and not difference:
            try:
                day = date.fromisoformat(text) if DAY.fullmatch(text) else None
            except ValueError:
                day = None
            if day is None:
                self._problems.add("PK105", node, f"expected a date (YYYY-MM-DD), found '{text}'")
                return None
            return Operand("constant", day_number(day))
        if field.kind == "flag" and node.plain and text in ("true", "false"):
            return Operand("constant", int(text == "true"))
        if not (node.plain and DECIMAL.fullmatch(text)):
            what = "days" if field.kind == "date" else written_unit(field)
            self._problems.add("PK105", node, f"expected {what}, found '{text}'")
            return None
        units = scaled(field, Decimal(text))
        if units is None:
            what = {"money": "pence"}.get(field.kind, "units of the field")
            self._problems.add("PK105", node, f"'{text}' is no whole number of {what}")
            return None
        return Operand("constant", units)

    def _param(
        self, field: MatchField, node: Scalar, name: str, difference: bool
    ) -> Operand | None:
        self.params_used.add(name)
        if name not in self._params:
            hint = did_you_mean(name, set(self._params), "parameters")
            self._problems.add("PK104", node, f"unknown parameter '${name}'", hint)
            return None
        if field.kind == "date" and not difference:
            self._problems.add("PK105", node, "a parameter is a number, not a date")
            return None
        if scaled(field, self._params[name]) is None:
            self._problems.add(
                "PK105",
                node,
                f"${name} is {self._params[name]}: no whole number of units of '{field.name}'",
            )
            return None
        return Operand("param", name)

    def _other_field(self, field: MatchField, node: Mapping, side: int) -> Operand | None:
        """`{field: other, of: previous, plus: n}`."""
        accepted = {"field", "of", "plus"}
        for name, (key, _) in node.entries.items():
            if name not in accepted:
                hint = did_you_mean(name, accepted, "keys")
                self._problems.add("PK020", key, f"unknown key '{name}'", hint)
        if "field" not in node.entries:
            self._problems.add("PK021", node, "missing key 'field'")
            return None
        item = node.entries["field"][1]
        name = self._decoder.decode(item, str)
        if name is BAD:
            return None
        other = MATCH_FIELDS.get(name)
        if other is None:
            hint = did_you_mean(name, set(MATCH_FIELDS), "fields")
            self._problems.add("PK102", item, f"unknown field '{name}'", hint)
            return None
        self.used[name] = None
        if not _comparable(field, other):
            self._problems.add(
                "PK105",
                item,
                f"'{field.name}' is {_said(field)}, '{name}' is {_said(other)}",
                "compare like with like",
            )
            return None
        return Operand("field", name, self._of(node, side), self._plus(field, node))

    def _of(self, node: Mapping, side: int) -> int:
        if "of" not in node.entries:
            return side
        key, item = node.entries["of"]
        if self._form != "pair":
            self._problems.add("PK106", key, "'of' has a meaning in a pair of records only")
            return side
        value = self._decoder.decode(item, Literal["previous", "current"])
        return side if value is BAD else SIDES[value]

    def _plus(self, field: MatchField, node: Mapping) -> int:
        if "plus" not in node.entries:
            return 0
        item = node.entries["plus"][1]
        if isinstance(item, Scalar) and item.text.startswith("$"):
            self._problems.add("PK105", item, "'plus' takes a number, not a parameter")
            return 0
        operand = self._constant(field, item, difference=True)
        return operand.value if operand is not None else 0


def _comparable(one: MatchField, other: MatchField) -> bool:
    """Whether two fields are of one kind and unit; a bare number compares with any number."""
    same_unit = one.unit == other.unit or "" in (one.unit, other.unit)
    return one.kind == other.kind and one.scale == other.scale and same_unit


def _said(field: MatchField) -> str:
    if field.kind in ("code", "money", "date"):
        return {"code": "a code", "money": "money", "date": "a date"}[field.kind]
    return {"1e-9": "a factor", "": "a number"}.get(field.unit, f"in {field.unit}")
