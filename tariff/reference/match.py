"""Finds the hits of signatures, as docs/signatures.md has it: every pair looked at in turn.

A hit is a rule id, the keys of the records it is about in order of admission, and the key of the
record that is kept, where one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tariff.extract.fields import EPISODES
from tariff.packs.model import (
    Every,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Rule,
    Same,
    SetKey,
    Some,
    Test,
)
from tariff.reference.records import Record, RecordValue
from tariff.reference.spells import Key
from tariff.reference.values import days_since_epoch
from tariff.schemas import MFF_UNIT

Hit = tuple[str, tuple[Key, ...], Key | None]

MONEY = frozenset(f.name for f in EPISODES if f.type == "money") | {
    "base",
    "short_stay",
    "long_stay",
    "pre_mff",
    "total",
    "list_price",
    "billed",
    "billed_product",
}
FACTORS = frozenset(f.name for f in EPISODES if f.type == "factor") | {"mff", "billed_factor"}


@dataclass(frozen=True, slots=True)
class Context:
    """What predicates refer to beside the records: the rule's parameters, the pack's lists."""

    params: Mapping[str, object] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)


def key_of(record: Record) -> Key:
    """Return provider and spell number."""
    return (str(record["provider"]), str(record["spell_id"]))


# ---------------------------------------------------------------- predicates


def holds(predicate: Predicate, previous: Record, current: Record, context: Context) -> bool:
    """Say whether a predicate holds of a pair; one record alone stands on both sides."""
    match predicate:
        case Test():
            return _test(predicate, (previous, current), context)
        case Same():
            value = previous.get(predicate.field)
            return value is not None and value == current.get(predicate.field)
        case Every():
            return all(holds(part, previous, current, context) for part in predicate.parts)
        case Some():
            return any(holds(part, previous, current, context) for part in predicate.parts)
        case Negation():
            return not holds(predicate.part, previous, current, context)


def _test(test: Test, sides: tuple[Record, Record], context: Context) -> bool:
    value = sides[test.side].get(test.field)
    if test.operation == "missing":
        return value is None
    if value is None:
        return False
    if test.operation == "present":
        return True
    if test.operation == "in":
        return str(value) in test.codes
    if test.operation == "starts":
        return any(str(value).startswith(prefix) for prefix in test.codes)
    if test.operation == "list":
        return str(value) in context.lists[test.codes[0]]
    return _comparison(test, value, sides, context)


def _comparison(
    test: Test, value: RecordValue, sides: tuple[Record, Record], context: Context
) -> bool:
    if isinstance(value, str):
        return _code_comparison(test, value, sides)
    left = _number(value)
    right = _operand(test.operand, test.field, sides, context)
    if left is None or right is None:
        return False  # a comparison with a missing value is false
    if test.operation == "at_least":
        return left >= right
    if test.operation == "at_most":
        return left <= right
    if test.operation == "above":
        return left > right
    if test.operation == "below":
        return left < right
    if test.operation == "equals":
        return left == right
    by = Fraction(0) if test.by is None else _operand(test.by, test.field, sides, context)
    return by is not None and abs(left - right) > by


def _code_comparison(test: Test, value: str, sides: tuple[Record, Record]) -> bool:
    """Compare a code with that of another field: they are equal, or they differ."""
    if test.operand is None or test.operand.kind != "field":
        return False
    other = sides[test.operand.side].get(test.operand.value)
    if not isinstance(other, str) or test.operation not in ("equals", "differs"):
        return False
    return (value == other) == (test.operation == "equals")


def _number(value: RecordValue) -> Fraction | None:
    return Fraction(value) if isinstance(value, int) else None


def _operand(
    operand: Operand | None, compared: str, sides: tuple[Record, Record], context: Context
) -> Fraction | None:
    """Return the right side of a comparison in the units of the field compared."""
    if operand is None:
        return None
    if operand.kind == "constant":
        return Fraction(operand.value)
    if operand.kind == "param":
        return Fraction(str(context.params[operand.value])) * _unit(compared)
    value = _number(sides[operand.side].get(operand.value))
    return None if value is None else value + operand.plus


def _unit(compared: str) -> int:
    """Return how many units one pound, factor or day of a parameter is in a field."""
    if compared in MONEY:
        return 100
    return MFF_UNIT if compared in FACTORS else 1


def excepted(rule: Rule, previous: Record, current: Record, context: Context) -> bool:
    """Say whether an exception of the rule holds."""
    return any(holds(e.when, previous, current, context) for e in rule.exceptions)


def in_force(rule: Rule, record: Record) -> bool:
    """Say whether the rule applies on the date of a record; one without that date is within."""
    when = _date(record, rule.applies.on)
    first, last = days_since_epoch(rule.applies.from_), days_since_epoch(rule.applies.to)
    return when is None or ((first is None or when >= first) and (last is None or when <= last))


def is_hit(rule: Rule, previous: Record, current: Record, context: Context) -> bool:
    """Say whether a pair, or a record alone, is a hit: in force, matched, and not excepted."""
    return (
        in_force(rule, current)
        and holds(rule.match, previous, current, context)
        and not excepted(rule, previous, current, context)
    )


def _date(record: Record, column: str) -> int | None:
    value = record.get(column)
    return value if isinstance(value, int) else None


# ---------------------------------------------------------------- order of admission


def admission_order(record: Record) -> tuple[object, ...]:
    """Order by admission (missing last); ties: discharged later (missing last), then by id."""
    admitted, discharged = _date(record, "admission_date"), _date(record, "discharge_date")
    provider, spell_id = key_of(record)
    return (
        (1, 0) if admitted is None else (0, admitted),
        (1, 0) if discharged is None else (0, -discharged),
        str(record.get("patient_classification") or ""),
        provider,
        spell_id,
    )


# ---------------------------------------------------------------- scopes


def _single_hits(rule: Rule, records: Sequence[Record], context: Context) -> list[Hit]:
    return [
        (rule.id, (key_of(record),), None)
        for record in records
        if is_hit(rule, record, record, context)
    ]


def stand_as_asked(pairing: Pairing, previous: Record, current: Record) -> bool:
    """Say whether two records, in order, stand to each other as a sequence rule asks."""
    for column in pairing.same:
        value = previous.get(column)
        if value is None or value != current.get(column):
            return False
    admitted = _date(previous, "admission_date"), _date(current, "admission_date")
    discharged = _date(previous, "discharge_date"), _date(current, "discharge_date")
    if admitted[0] is None or admitted[1] is None:
        return False  # which one is previous cannot be said
    if pairing.gap_min is not None or pairing.gap_max is not None:
        if discharged[0] is None:
            return False
        gap = admitted[1] - discharged[0]
        if pairing.gap_min is not None and gap < pairing.gap_min:
            return False
        if pairing.gap_max is not None and gap > pairing.gap_max:
            return False
    if pairing.overlap_min is not None or pairing.contains:
        if discharged[0] is None or discharged[1] is None:
            return False
        overlap = min(discharged[0], discharged[1]) - max(admitted[0], admitted[1])
        if pairing.overlap_min is not None and overlap < pairing.overlap_min:
            return False
        inside = admitted[1] <= discharged[0] and discharged[1] <= discharged[0]
        if pairing.contains and not inside:
            return False
    return True


def _sequence_hits(rule: Rule, records: Sequence[Record], context: Context) -> list[Hit]:
    if rule.pairing is None:
        raise ValueError(f"{rule.id}: a sequence rule says how its records stand to each other")
    ordered = sorted(records, key=admission_order)
    pairs: list[tuple[int, int]] = []
    for later in range(len(ordered)):
        for earlier in range(later):
            previous, current = ordered[earlier], ordered[later]
            if stand_as_asked(rule.pairing, previous, current) and is_hit(
                rule, previous, current, context
            ):
                pairs.append((earlier, later))
    return [
        (rule.id, tuple(key_of(ordered[place]) for place in chain), None)
        for chain in connected(pairs)
    ]


def connected(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Join pairs that touch; each chain is sorted, and chains are in order of their first."""
    chains: list[set[int]] = []
    for pair in pairs:
        touched = [chain for chain in chains if chain & set(pair)]
        chains = [chain for chain in chains if not chain & set(pair)]
        chains.append(set(pair).union(*touched))
    return sorted(sorted(chain) for chain in chains)


def _set_hits(rule: Rule, records: Sequence[Record], context: Context) -> list[Hit]:
    if rule.set_key is None:
        raise ValueError(f"{rule.id}: a set rule says how its records are put together")
    if rule.set_key.of == "episodes":
        return _copy_hits(rule, rule.set_key, records, context)
    sets: dict[tuple[RecordValue, ...], list[Record]] = {}
    for record in sorted(records, key=admission_order):
        values = tuple(record.get(column) for column in rule.set_key.key)
        if None not in values:
            sets.setdefault(values, []).append(record)
    hits: list[Hit] = []
    for members in sets.values():
        kept = members[0] if rule.set_key.keep == "first" else dearest(members)
        for other in members:
            if other is not kept and is_hit(rule, kept, other, context):
                pair = sorted((kept, other), key=admission_order)
                hits.append((rule.id, tuple(key_of(r) for r in pair), key_of(kept)))
    return hits


def dearest(members: Sequence[Record]) -> Record:
    """Return the record billed highest (nothing billed is least), ties the lowest key."""

    def billed(record: Record) -> tuple[int, int]:
        amount = record.get("billed")
        return (1, amount) if isinstance(amount, int) else (0, 0)

    highest = max(billed(record) for record in members)
    return min((r for r in members if billed(r) == highest), key=key_of)


def _copy_hits(
    rule: Rule, set_key: SetKey, records: Sequence[Record], context: Context
) -> list[Hit]:
    """Exact copies of rows: the spell keeps one of each, which is the record kept."""
    if set_key.key != ("all_fields",):
        raise ValueError(f"{rule.id}: episodes are put together by all_fields only")
    return [
        (rule.id, keys, keys[0])
        for _, keys, _ in _single_hits(
            rule, [r for r in records if r.get("duplicate_rows")], context
        )
    ]


_SCOPES = {
    "record": _single_hits,
    "spell": _single_hits,
    "sequence": _sequence_hits,
    "set": _set_hits,
}


def match_rule(
    rule: Rule, records: Sequence[Record], lists: Mapping[str, Sequence[str]] | None = None
) -> list[Hit]:
    """Return the hits of a rule, sorted by the keys of their records."""
    context = Context(params=rule.params, lists=lists or {})
    return sorted(_SCOPES[rule.scope](rule, records, context), key=lambda hit: hit[1])
