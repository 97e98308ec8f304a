"""Which columns a rule cannot do without, worked out from its predicates.

An item is a column, or alternatives joined by `|`, each one column or several joined by `+`: the
branches of an `any` are alternatives. What only an exception looks at is needed too: without it a
match would stand that the exception might save. A column of spells of the extract stands by its
name; another as `attendances:attended`, `deaths:death_date`, `national/spells:hrg`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from tariff.extract.fields import REGISTERS
from tariff.packs.field_needs import needs_of
from tariff.packs.match_fields import ID_OF, keys_of
from tariff.packs.model import (
    Every,
    Join,
    Negation,
    Operand,
    Predicate,
    Same,
    Shares,
    Some,
    Test,
)

EXTRACT = ("", "extract")  # a join of no source sees the extract, and the history where it is given
_COLUMN = re.compile(r"[^|+]+")
_WORDS = {"critical_care": "critical care periods", "emergency": "emergency attendances"}


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one kind from one source."""

    kind: str
    source: str = ""

    @property
    def prefix(self) -> str:
        """What stands before their columns in an item."""
        if self.source in EXTRACT:
            return "" if self.kind == "spells" else f"{self.kind}:"
        return f"{self.source}/{self.kind}:"

    @property
    def there(self) -> str:
        """The item that stands for the records themselves: their key."""
        key = keys_of(self.kind)[0] if self.kind in REGISTERS else ID_OF[self.kind]
        return f"{self.prefix}{key}"

    def needs(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give the items that fields of these records rest on."""
        found = needs_of(names, self.kind)
        return tuple(_COLUMN.sub(lambda column: self.prefix + column[0], item) for item in found)


SPELLS = Records("spells")


@dataclass(frozen=True, slots=True)
class NeedsReader:
    """Works out what predicates need of the records of a rule, `other` being those joined."""

    mine: Records = SPELLS
    other: Records | None = None

    def of(self, predicate: Predicate, fallback: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Give the items a predicate needs, each once, in order.

        `fallback` are fields whose absence only leads to another way of asking the same.
        """
        match predicate:
            case Test(operation="missing") if predicate.field in fallback:
                return ()
            case Test(operation="missing") if self._side(predicate.side).kind in REGISTERS:
                return ()  # a register may leave a column out, or blank: that stands for any
            case Test():
                found = self._side(predicate.side).needs([predicate.field])
                operands = (predicate.operand, predicate.by)
                return _unique((*found, *(n for o in operands for n in self.operand(o))))
            case Same(field) | Shares(field):
                return self._both(field, getattr(predicate, "other", "") or field)
            case Join():
                return self._join(predicate, every_kind=predicate.at_most is not None)
            case Every(parts):
                return _unique(item for part in parts for item in self.of(part, fallback))
            case Some(parts):
                parts = tuple(filter(self._can_hold, parts)) or parts
                return _alternatives([self._branch(part, parts) for part in parts])
            case Negation(part):
                return self._all_of(part)
        raise TypeError(predicate)

    def _can_hold(self, predicate: Predicate) -> bool:
        """Say whether a branch may hold of this kind: not one that asks for another kind."""
        match predicate:
            case Test(field="kind", operation="in", side=side, codes=kinds):
                return self._side(side) is not self.mine or self.mine.kind in kinds
            case Every(parts):
                return all(map(self._can_hold, parts))
        return True

    def operand(self, operand: Operand | None) -> tuple[str, ...]:
        """Give the items of the fields of an operand."""
        return () if operand is None else self._side(operand.side).needs(fields_of_operand(operand))

    def of_exception(self, predicate: Predicate) -> tuple[str, ...]:
        """Like `of`; joined records are all needed, or one kind that is not there saves nothing."""
        joins = [self._join(join, every_kind=True) for join in joins_of(predicate)]
        return _unique((*self.of(predicate), *(item for items in joins for item in items)))

    def of_tier(self, when: Predicate) -> tuple[str, ...]:
        """Give what a tier needs. Without what it compares, a hit falls to the next tier."""
        match when:
            case Every(parts) | Some(parts):
                return _unique(item for part in parts for item in self.of_tier(part))
            case Join(of=(kind,), at_most=None) if kind in REGISTERS:
                return ()
            case Negation() | Join() | Test(operation="missing"):
                return self.of(when)
        return ()

    def _side(self, side: int) -> Records:
        return self.other if self.other is not None and side == 0 else self.mine

    def _both(self, mine: str, other: str) -> tuple[str, ...]:
        found = self.mine.needs([mine])
        return found if self.other is None else _unique((*found, *self.other.needs([other])))

    def _join(self, join: Join, *, every_kind: bool) -> tuple[str, ...]:
        """The records joined, and the columns of both sides that say which they are."""
        ways = []
        own_kind = any(same.field == "kind" and not same.other for same in join.same)
        own_kind = own_kind and self.mine.kind in join.of
        for kind in (self.mine.kind,) if own_kind else join.of:
            other = Records(kind, join.source)
            inner = NeedsReader(self.mine, other)
            found = [] if other.there == self.mine.there else [other.there]
            for same in join.same:
                found += inner._both(same.field, same.other or same.field)
            if join.days != (None, None):
                found += (*self.mine.needs(["start_date"]), *other.needs(["end_date"]))
            if join.minutes != (None, None):
                found += (*self.mine.needs(["start_at"]), *other.needs(["end_at"]))
            if join.on:
                found += self.mine.needs([join.on])
            ways.append(_unique((*found, *inner.of(join.where))))
        if every_kind:
            return _unique(item for way in ways for item in way)
        return _alternatives(ways)

    def _all_of(self, predicate: Predicate) -> tuple[str, ...]:
        """Give what every part needs: a `not` holds where a column is not there: it needs them."""
        match predicate:
            case Every(parts) | Some(parts):
                return _unique(item for part in parts for item in self._all_of(part))
            case Negation(part):
                return self._all_of(part)
            case Join():
                return self._join(predicate, every_kind=True)
        return self.of(predicate)

    def _branch(self, branch: Predicate, branches: tuple[Predicate, ...]) -> tuple[str, ...]:
        """Give what a branch of an `any` needs.

        "The price differs, or there is no price and the total differs" can do without the price:
        the missing value stands beside other tests, and another branch looks at it. So can "it is
        blank, or it is the same", and a blank of a register, which stands for any. A missing value
        that is evidence by itself needs its column, or a column that is not there would match every
        record.
        """
        fallback: frozenset[str] = frozenset()
        alone = isinstance(branch, Test) and branch.operation == "missing" and branch
        if alone and self._side(alone.side).kind in REGISTERS and len(branches) > 1:
            return ()
        beside = isinstance(branch, Every) and len(branch.parts) > 1
        if beside or alone:
            asked = _asked if beside else _compared
            others = (asked(other) for other in branches if other is not branch)
            fallback = frozenset().union(*others)
        return self.of(branch, fallback)


def needs_of_predicate(
    predicate: Predicate, fallback: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Give the items that a predicate about spells needs."""
    return NeedsReader().of(predicate, fallback)


def fields_of_operand(operand: Operand) -> list[str]:
    """Give the fields that an operand speaks of."""
    if operand.kind in ("constant", "param"):
        return []
    return [operand.value] if operand.kind == "field" else list(operand.value)


def joins_of(predicate: Predicate) -> list[Join]:
    """Give every join in a predicate."""
    match predicate:
        case Join():
            return [predicate]
        case Every(parts) | Some(parts):
            return [join for part in parts for join in joins_of(part)]
        case Negation(part):
            return joins_of(part)
    return []


def _asked(predicate: Predicate) -> frozenset[str]:
    """Give the fields a predicate looks at other than for being missing."""
    match predicate:
        case Test(operation="missing") | Join():
            return frozenset()
        case Test() | Same() | Shares():
            return frozenset({predicate.field})
        case Every(parts) | Some(parts):
            return frozenset().union(*map(_asked, parts))
        case Negation(part):
            return _asked(part)
    raise TypeError(predicate)


def _compared(predicate: Predicate) -> frozenset[str]:
    """Give the field that a predicate asks to be the same in two records."""
    match predicate:
        case Same() | Shares() | Test(operation="equals" | "same"):
            return frozenset({predicate.field})
    return frozenset()


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _alternatives(branches: list[tuple[str, ...]]) -> tuple[str, ...]:
    """What all branches need, and then what one of them needs beside it."""
    if not branches:
        return ()
    common = [item for item in branches[0] if all(item in branch for branch in branches)]
    choices: list[str] = []
    for branch in branches:
        rest = [item.split("|") for item in branch if item not in common]
        if not rest:
            return tuple(common)
        choices.extend(
            "+".join(_unique(part for way in ways for part in way.split("+")))
            for ways in product(*rest)
        )
    # an alternative that asks for all of another and more is no alternative
    sets = [frozenset(choice.split("+")) for choice in choices]
    kept = [
        choice
        for choice, columns in zip(choices, sets, strict=True)
        if not any(other < columns for other in sets)
    ]
    return (*common, "|".join(_unique(kept)))


# ---------------------------------------------------------------- what is there


def satisfied(item: str, columns: frozenset[str]) -> bool:
    """Say whether some columns are enough for an item."""
    return any(all(name in columns for name in way.split("+")) for way in item.split("|"))


def in_words(item: str) -> str:
    """Give an item as a reader would say it."""
    ways = (
        " with ".join(_unique(column_in_words(part) for part in way.split("+")))
        for way in item.split("|")
    )
    return " or ".join(ways)


def column_in_words(column: str) -> str:
    """Give one column of an item in words; the key of records stands for the records."""
    where, _, name = column.rpartition(":")
    source, _, kind = where.rpartition("/")
    if not where:
        return "spells" if name == ID_OF["spells"] else name
    records = _WORDS.get(kind, kind)
    if Records(kind, source).there != column:
        whose = f"the register {kind}" if kind in REGISTERS else records
        return f"{name} of {_from(source, whose)}"
    if kind in REGISTERS:
        return f"the register {kind} (--register {kind}=FILE)"
    return _from(source, records, given=True)


def _from(source: str, records: str, *, given: bool = False) -> str:
    if not source:
        return records
    if source == "history":
        return f"{records} of the history" + (" (--history FILE)" if given else "")
    words = f"{records} of the {source} record"
    return words + (f" (--against {source}=FILE)" if given else "")


def missing_in_words(missing: Sequence[str]) -> str:
    """Give items that are not there; records that are not there stand for all their columns."""
    gone = {column.rpartition(":")[0] for column in missing if stands_for_records(column)}
    said = [
        in_words(item)
        for item in missing
        if stands_for_records(item) or not {c.rpartition(":")[0] for c in _columns(item)} <= gone
    ]
    return ", ".join(_unique(said))


def _columns(item: str) -> list[str]:
    return _COLUMN.findall(item)


def stands_for_records(column: str) -> bool:
    """Say whether an item is the key of records, and so stands for the records themselves."""
    if "|" in column or "+" in column:
        return False
    where, _, _ = column.rpartition(":")
    source, _, kind = where.rpartition("/")
    return Records(kind or "spells", source).there == column


def registers_of(needs: Iterable[str]) -> tuple[str, ...]:
    """Give the registers that items speak of."""
    kinds = (match[0].rpartition(":")[0] for item in needs for match in _COLUMN.finditer(item))
    return tuple(kind for kind in dict.fromkeys(kinds) if kind in REGISTERS)


__all__ = [
    "SPELLS",
    "NeedsReader",
    "Records",
    "in_words",
    "joins_of",
    "missing_in_words",
    "needs_of_predicate",
    "registers_of",
    "satisfied",
    "stands_for_records",
]
