"""Which columns a rule cannot do without, worked out from its predicates.

An item is a column, or alternatives joined by `|`, each one column or several joined by `+`: the
branches of an `any` are alternatives. What only an exception looks at is needed too: without it a
match would stand that the exception might save.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from tariff.packs.match_fields import needs_of
from tariff.packs.model import Every, Negation, Predicate, Same, Some, Test


def needs_of_predicate(
    predicate: Predicate, fallback: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Give the items a predicate needs, each once, in order.

    `fallback` are fields whose absence only leads to another way of asking the same.
    """
    match predicate:
        case Test(operation="missing") if predicate.field in fallback:
            return ()
        case Test():
            operands = (predicate.operand, predicate.by)
            others = [str(o.value) for o in operands if o is not None and o.kind == "field"]
            return needs_of([predicate.field, *others])
        case Same(field):
            return needs_of([field])
        case Every(parts):
            return _unique(item for part in parts for item in needs_of_predicate(part, fallback))
        case Some(parts):
            return _alternatives([_branch(part, parts) for part in parts])
        case Negation(part):
            return _all_of(part)
    raise TypeError(predicate)


def _all_of(predicate: Predicate) -> tuple[str, ...]:
    """Give what every part needs: a `not` holds where a column is not there, so it needs them."""
    match predicate:
        case Every(parts) | Some(parts):
            return _unique(item for part in parts for item in _all_of(part))
        case Negation(part):
            return _all_of(part)
    return needs_of_predicate(predicate)


def _branch(branch: Predicate, branches: tuple[Predicate, ...]) -> tuple[str, ...]:
    """Give what a branch of an `any` needs.

    "The price differs, or there is no price and the total differs" can do without the price: the
    missing value stands beside other tests, and another branch looks at it. A missing value that
    is evidence by itself needs its column, or a column that is not there would match every record.
    """
    fallback: frozenset[str] = frozenset()
    if isinstance(branch, Every) and len(branch.parts) > 1:
        fallback = frozenset().union(*(_asked(other) for other in branches if other is not branch))
    return needs_of_predicate(branch, fallback)


def _asked(predicate: Predicate) -> frozenset[str]:
    """Give the fields a predicate looks at other than for being missing."""
    match predicate:
        case Test(operation="missing"):
            return frozenset()
        case Test() | Same():
            return frozenset({predicate.field})
        case Every(parts) | Some(parts):
            return frozenset().union(*map(_asked, parts))
        case Negation(part):
            return _asked(part)
    raise TypeError(predicate)


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


def satisfied(item: str, columns: frozenset[str]) -> bool:
    """Say whether some columns are enough for an item."""
    return any(all(name in columns for name in way.split("+")) for way in item.split("|"))


def in_words(item: str) -> str:
    """Give an item as a reader would say it."""
    return " or ".join(way.replace("+", " with ") for way in item.split("|"))
