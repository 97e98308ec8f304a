"""Joins of rules: another record, or a row of a register, that there is or is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from tariff.extract.fields import REGISTERS
from tariff.packs.match_fields import KINDS, MatchField, field, said
from tariff.packs.model import Every, Join, Predicate, Same
from tariff.packs.operands import Numbers, Sides, comparable
from tariff.packs.problems import did_you_mean
from tariff.packs.tree import Broken, Mapping, Node, Scalar, Sequence
from tariff.packs.vocabulary import NO_SPAN, Vocabulary

if TYPE_CHECKING:
    from tariff.packs.predicates import PredicateDecoder

KEYS = frozenset({"of", "from", "same", "days", "minutes", "on", "where", "count", "before"})
Source = Literal["extract", "history", "national", "earlier"]
COUNT = MatchField("count", "number", "", "How many there are")


def kinds_of(words: Vocabulary, node: Node, registers: bool) -> tuple[str, ...]:
    """Give the kinds that an `of` names: one or a list, or one register where they are allowed."""
    items = node.items if isinstance(node, Sequence) else [node]
    found: list[str] = []
    for item in items:
        name = words.read(item, str)
        if name is None:
            continue
        if name in REGISTERS and registers:
            if len(items) > 1:
                words.add("PK112", item, f"the register '{name}' stands alone in 'of'")
            found.append(name)
        elif name in REGISTERS:
            message = f"'{name}' is a register: a rule is about records of care"
            words.add("PK106", item, message, f"write with: {{of: {name}, same: [...]}}")
        elif name not in KINDS:
            known = {*KINDS, *(REGISTERS if registers else ())}
            hint = did_you_mean(name, known, "kinds of records")
            if name == "episodes":
                hint = "exact copies of rows are asked for with key: [all_fields]"
            words.add("PK112", item, f"there are no records of kind '{name}'", hint)
        elif name in found:
            words.add("PK101", item, f"'{name}' is named twice")
        else:
            found.append(name)
    if not items:
        words.add("PK101", node, "'of' is empty")
    return tuple(found)


class JoinReader:
    """Reads the joins of records of some kinds. `decoder` gives that of their `where`."""

    def __init__(
        self,
        words: Vocabulary,
        own: tuple[str, ...],
        decoder: Callable[[tuple[str, ...]], PredicateDecoder],
    ) -> None:
        self.words = words
        self.own = own
        self._decoder = decoder

    def read(self, node: Node, *, without: bool) -> Join | None:
        """Give a join, None where there is none to be read; problems are reported."""
        if not isinstance(node, Mapping):
            if not isinstance(node, Broken):
                self.words.add("PK101", node, "a join is a mapping: {of: kind, same: [...]}")
            return None
        self.words.unknown_keys(node, KEYS)
        of = self._of(node)
        if not of:
            return None
        source: Any = self._source(node, of)
        numbers = Numbers(self.words, Sides("join", (of, self.own)))
        same = self._same(node, numbers)
        where: Predicate = Every(())
        if "where" in node.entries:
            where = self._decoder(of).decode(node.entries["where"][1])
        low, high = self._count(node, without)
        return Join(
            of,
            same,
            where,
            source,
            self._span(node, "days", of),
            self._span(node, "minutes", of),
            self._on(node, numbers, of),
            low,
            high,
            self._before(node, of),
        )

    def _of(self, node: Mapping) -> tuple[str, ...]:
        if "of" not in node.entries:
            self.words.add("PK021", node, "missing key 'of'", "which records: of: spells")
            return ()
        return kinds_of(self.words, node.entries["of"][1], registers=True)

    def _source(self, node: Mapping, of: tuple[str, ...]) -> str:
        if "from" not in node.entries:
            return ""
        key, item = node.entries["from"]
        source: str = self.words.read(item, Source, "")
        if of[0] in REGISTERS:
            self.words.add("PK112", key, f"'{of[0]}' is a register: it takes no 'from'")
            return ""
        return source

    def _same(self, node: Mapping, numbers: Numbers) -> tuple[Same, ...]:
        if "same" not in node.entries:
            self.words.add(
                "PK021", node, "missing key 'same'", "which fields are equal: [patient_id, ...]"
            )
            return ()
        item = node.entries["same"][1]
        if not isinstance(item, Sequence):
            if not isinstance(item, Broken):
                self.words.add("PK101", item, "'same' takes a list of fields")
            return ()
        if not item.items:
            self.words.add("PK101", item, "the list of fields is empty")
        found = [self._pair(part, numbers) for part in item.items]
        return tuple(one for one in found if one is not None)

    def _pair(self, node: Node, numbers: Numbers) -> Same | None:
        """A name, or `{this_field: other_field}`."""
        mine, theirs, at = self._names(node)
        if mine is None or theirs is None:
            return None
        one, other = numbers.field(node, mine, 1), numbers.field(at, theirs, 0)
        if one is None or other is None:
            return None
        if one.many or other.many:
            message = f"'{mine if one.many else theirs}' holds several codes"
            self.words.add("PK105", node, message, "write shares: [...] in 'where'")
            return None
        if not comparable(one, other):
            message = f"'{mine}' is {said(one)}, '{theirs}' is {said(other)}"
            self.words.add("PK105", node, message, "compare like with like")
            return None
        return Same(mine, "" if mine == theirs else theirs)

    def _names(self, node: Node) -> tuple[str | None, str | None, Node]:
        if isinstance(node, Mapping):
            if len(node.entries) != 1:
                self.words.add("PK101", node, "write {this_field: other_field}, one a pair")
                return None, None, node
            ((name, (_, item)),) = node.entries.items()
            return name, self.words.read(item, str), item
        if not isinstance(node, Scalar):
            if not isinstance(node, Broken):
                self.words.add("PK101", node, "expected a field, or {this_field: other_field}")
            return None, None, node
        name = self.words.read(node, str)
        return name, name, node

    def _span(self, node: Mapping, name: str, of: tuple[str, ...]) -> tuple[int | None, int | None]:
        if name not in node.entries:
            return NO_SPAN
        key, item = node.entries[name]
        if of[0] in REGISTERS:
            hint = "write on: a date of this record, or compare dates in 'where'"
            self.words.add("PK112", key, f"'{name}' counts between records of care", hint)
            return NO_SPAN
        return self.words.span(item)

    def _on(self, node: Mapping, numbers: Numbers, of: tuple[str, ...]) -> str:
        if "on" not in node.entries:
            return ""
        key, item = node.entries["on"]
        if field("valid_from", of) is None or of[0] not in REGISTERS:
            self.words.add("PK112", key, f"{', '.join(of)}: no dates of validity for 'on'")
            return ""
        name: str = self.words.read(item, str, "")
        found = numbers.field(item, name, 1) if name else None
        if found is not None and found.kind != "date":
            self.words.add("PK105", item, f"'{name}' is {said(found)}, not a date")
        return name

    def _before(self, node: Mapping, of: tuple[str, ...]) -> bool:
        """Whether only records that stand before this one count."""
        if "before" not in node.entries:
            return False
        key, item = node.entries["before"]
        if of[0] in REGISTERS:
            self.words.add("PK112", key, f"'{of[0]}' is a register: its rows are in no such order")
        return bool(self.words.read(item, bool, False))

    def _count(self, node: Mapping, without: bool) -> tuple[int | str, int | str | None]:
        """The least and the most number of such records."""
        if "count" not in node.entries:
            return (0, 0) if without else (1, None)
        key, item = node.entries["count"]
        if without:
            self.words.add("PK112", key, "'without' asks that there is none: it takes no 'count'")
            return 0, 0
        if not isinstance(item, Mapping):
            if not isinstance(item, Broken):
                self.words.add("PK101", item, "'count' takes {at_least: n, at_most: n}")
            return 1, None
        self.words.unknown_keys(item, frozenset({"at_least", "at_most"}))
        low = self._counted(item, "at_least")
        high = self._counted(item, "at_most")
        if low is None and high is None:
            self.words.add("PK021", item, "missing key 'at_least'", "or at_most")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            self.words.add("PK110", item, f"at_least {low} is above at_most {high}: never holds")
        return (0 if low is None else low), high

    def _counted(self, node: Mapping, name: str) -> int | str | None:
        if name not in node.entries:
            return None
        item = node.entries[name][1]
        value = self.words.whole(item)
        if value is not None and value < 0:
            self.words.add("PK110", item, f"a number of records is not below 0; found {value}")
        parameter = getattr(value, "name", None)
        return parameter if parameter is not None else value
