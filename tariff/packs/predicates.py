"""Predicates of rules: YAML nodes to the tree of `Test`, `Same`, `Shares`, `Join` and the logic.

The grammar is that of docs/signatures.md. Fields, lists and parameters are looked up here, and
constants become whole numbers in the unit of their field.
"""

from __future__ import annotations

from typing import Any

from tariff.packs.joins import JoinReader
from tariff.packs.match_fields import MatchField, names_of, said, written_unit
from tariff.packs.model import (
    Code,
    Every,
    Negation,
    Operand,
    Predicate,
    Same,
    Shares,
    Some,
    Test,
)
from tariff.packs.nodes import BAD
from tariff.packs.operands import Form, Numbers, Sides
from tariff.packs.problems import did_you_mean
from tariff.packs.tree import Broken, Mapping, Node, Scalar, Sequence
from tariff.packs.vocabulary import Vocabulary

BOUNDS = ("at_least", "at_most", "above", "below")
COMPARISONS = frozenset({*BOUNDS, "equals", "differs", "by"})
OPERATIONS = frozenset({*COMPARISONS, "starts", "list", "missing", "present"})
JOINS = frozenset({"with", "without"})
LOGIC = frozenset({"all", "any", "not"})
CURRENT = 1


class PredicateDecoder:
    """Decodes the predicates about one record, a pair, or the two records of a join."""

    def __init__(self, words: Vocabulary, form: Form, *kinds: tuple[str, ...]) -> None:
        self.words = words
        self._form = form
        self._sides = Sides(form, (kinds[0], kinds[-1]))
        self._numbers = Numbers(words, self._sides)

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
            self.words.add("PK101", node, "a predicate is a mapping: field: condition")
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _entry(self, name: str, key: Scalar, item: Node, side: int | None) -> list[Predicate]:
        if name in ("all", "any"):
            return self._several(name, item, side)
        if name == "not":
            return [Negation(self.decode(item, side=side))]
        if name in JOINS:
            return self._joins(name, key, item, side)
        if self._form != "record" and side is None:
            return self._pair_entry(name, key, item)
        side = side or 0
        if name in ("same", "shares") or name in {"previous", "current", "this", "other"}:
            self.words.add("PK106", key, f"'{name}' has no meaning here")
            return []
        if name not in names_of(self._sides.kinds[side]):
            self._numbers.unknown(key, name, self._sides.kinds[side], LOGIC | JOINS)
            return []
        field = self._numbers.field(key, name, side)
        return self._tests(field, item, side) if field is not None else []

    def _several(self, name: str, item: Node, side: int | None) -> list[Predicate]:
        if isinstance(item, Sequence):
            inner = tuple(self.decode(part, side=side) for part in item.items)
            if not inner:
                self.words.add("PK101", item, f"'{name}' is empty")
            return [Every(inner) if name == "all" else Some(inner)]
        if not isinstance(item, Broken):
            self.words.add("PK101", item, f"'{name}' takes a list of predicates")
        return []

    def _pair_entry(self, name: str, key: Scalar, item: Node) -> list[Predicate]:
        sides = self._sides.names
        if name in sides:
            return [self.decode(item, side=sides[name])]
        if name == "same":
            return [Same(field) for field in self.field_list(item)]
        if name == "shares":
            return [Shares(field) for field in self.field_list(item, single=False)]
        if name in names_of((*self._sides.kinds[0], *self._sides.kinds[1])):
            first, second = sides
            self.words.add(
                "PK106",
                key,
                f"field '{name}' stands without its record",
                f"write it under '{first}:' or '{second}:', or as 'same: [{name}]'",
            )
        else:
            kinds = tuple(dict.fromkeys(self._sides.kinds[0] + self._sides.kinds[1]))
            also = {*sides, "same", "shares", *LOGIC, *JOINS}
            self._numbers.unknown(key, name, kinds, also)
        return []

    def _joins(self, name: str, key: Scalar, item: Node, side: int | None) -> list[Predicate]:
        """`with` and `without` of the record, in a pair of the current one."""
        if self._form == "join":
            self.words.add("PK112", key, "a join does not stand within a join")
            return []
        if self._form == "pair" and side == 0:
            message = "in a pair a join is about the current record"
            self.words.add("PK112", key, message, "write it under 'current:'")
            return []
        own = self._sides.kinds[CURRENT]
        reader = JoinReader(self.words, own, self._of_join)
        items = item.items if isinstance(item, Sequence) else [item]
        if not items:
            self.words.add("PK101", item, f"'{name}' is empty")
        joins = (reader.read(one, without=name == "without") for one in items)
        return [join for join in joins if join is not None]

    def _of_join(self, of: tuple[str, ...]) -> PredicateDecoder:
        """Give the decoder of the `where` of a join with records of some kinds."""
        return PredicateDecoder(self.words, "join", of, self._sides.kinds[CURRENT])

    # ------------------------------------------------------------ lists of fields

    def field_list(
        self, node: Node, also: frozenset[str] = frozenset(), *, single: bool = True
    ) -> tuple[str, ...]:
        """A list of field names, such as that of `same`: of one value each, or of several."""
        names = self.words.decoder.decode(node, list[Code])
        if names is BAD or not isinstance(node, Sequence):
            return ()
        for index, (name, item) in enumerate(zip(names, node.items, strict=True)):
            if name in names[:index]:
                self.words.add("PK101", item, f"field '{name}' is named twice")
            if name not in also:
                self._listed(name, item, also, single)
        if not names:
            self.words.add("PK101", node, "the list of fields is empty")
        return tuple(names)

    def _listed(self, name: str, item: Node, also: frozenset[str], single: bool) -> None:
        """A field of a list is one of each of the two records."""
        kinds = self._sides.kinds
        for side in (0,) if kinds[0] == kinds[1] else (0, 1):
            if name not in names_of(kinds[side]):
                self._numbers.unknown(item, name, kinds[side], also)
                return
            field = self._numbers.field(item, name, side)
            if field is not None and field.many == single:
                what = "several codes" if single else "one value"
                word = "shares" if single else "same"
                self.words.add("PK105", item, f"'{name}' holds {what}", f"write {word}: [{name}]")
                return

    # ------------------------------------------------------------ one field

    def _tests(self, field: MatchField, node: Node, side: int) -> list[Predicate]:
        if isinstance(node, Mapping):
            return self._operations(field, node, side)
        if isinstance(node, Broken):
            return []
        if field.kind != "code":
            self.words.add(
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
            value = self.words.read(node, Code)
            return () if value is None else (value,)
        values = self.words.read(node, list[Code])
        if values is None:
            return ()
        if not values:
            self.words.add("PK101", node, "the list of codes is empty: it never holds")
        return tuple(values)

    def _operations(self, field: MatchField, node: Mapping, side: int) -> list[Predicate]:
        tests: list[Predicate] = []
        by = self._by(field, node)
        for name, (key, item) in node.entries.items():
            if name not in OPERATIONS:
                hint = did_you_mean(name, OPERATIONS, "conditions")
                self.words.add("PK101", key, f"unknown condition '{name}'", hint)
            elif name in COMPARISONS:
                if name != "by":
                    tests += self._comparison(field, name, item, side, by)
            elif name in ("missing", "present"):
                if self.words.read(item, bool) is False:
                    other = "present" if name == "missing" else "missing"
                    self.words.add("PK101", item, f"write {{{other}: true}}")
                tests.append(Test(field.name, side, name))  # type: ignore[arg-type]
            elif field.kind != "code":
                self.words.add(
                    "PK105", key, f"'{field.name}' holds {written_unit(field)}, not codes"
                )
            elif name == "list":
                tests += self._list(field, item, side, self._by_prefix(node))
            elif "list" not in node.entries:
                tests.append(Test(field.name, side, "starts", codes=self._codes(item)))
        if not node.entries:
            self.words.add("PK101", node, f"no condition on '{field.name}'")
        return tests

    def _by_prefix(self, node: Mapping) -> bool:
        """Whether `starts: true` stands beside a list."""
        if "starts" not in node.entries:
            return False
        item = node.entries["starts"][1]
        if not (isinstance(item, Scalar) and item.plain and item.text == "true"):
            self.words.add(
                "PK101", item, "beside 'list' stands 'starts: true'", "or make it two conditions"
            )
        return True

    def _list(self, field: MatchField, node: Node, side: int, prefix: bool) -> list[Predicate]:
        name = self.words.list_name(node)
        operation: Any = "list_starts" if prefix else "list"
        return [Test(field.name, side, operation, codes=(name,))] if name else []

    # ------------------------------------------------------------ comparisons

    def _by(self, field: MatchField, node: Mapping) -> Operand | None:
        if "by" not in node.entries:
            return None
        key, item = node.entries["by"]
        if "differs" not in node.entries:
            self.words.add("PK101", key, "'by' says by how much a field differs")
        if field.kind == "code":
            if "differs" in node.entries:
                self.words.add("PK105", key, f"'{field.name}' holds codes: they differ or do not")
            return None
        return self._numbers.constant(field, item, difference=True)

    def _comparison(
        self, field: MatchField, name: str, node: Node, side: int, by: Operand | None
    ) -> list[Predicate]:
        if field.many or (field.kind == "code" and not self._codes_compared(name, node)):
            what = said(field).removeprefix("a ") + ("s" if not field.many else "")
            self.words.add(
                "PK105",
                node,
                f"'{field.name}' holds {what}: '{name}' compares numbers",
                f"write {field.name}: code, or {{starts: [...]}}, or {{list: name}}",
            )
            return []
        operand = self._numbers.operand(field, node, side)
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

    @staticmethod
    def _codes_compared(name: str, node: Node) -> bool:
        return name in ("equals", "differs") and isinstance(node, Mapping)
