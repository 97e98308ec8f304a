"""Finds the hits of signatures, as docs/signatures.md has it: every pair looked at in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tariff.packs.model import Every, Negation, Operand, Pairing, Predicate, Rule, SetKey
from tariff.reference.predicates import (
    PATIENT,
    Context,
    ManyPeopleError,
    Sides,
    difference,
    holds,
    lies_within,
    of_many,
    operand,
    partner_of,
    within,
)
from tariff.reference.values import days_since_epoch
from tariff.reference.world import Entry, RecordValue, Ref, World


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found: its key, the records in their order, the one kept, the partner."""

    rule: str
    records: tuple[Ref, ...]
    kept: Ref | None = None
    partner: Ref | None = None


# ---------------------------------------------------------------- tiers


def tiers_of(rule: Rule) -> list[Rule]:
    """Return a rule for each tier: it holds where its own `when` does and no earlier one."""
    if not rule.tiers:
        return [rule]
    found: list[Rule] = []
    earlier: list[Predicate] = []
    for tier in rule.tiers:
        own = () if tier.when is None else (tier.when,)
        match = Every((rule.match, *own, *(Negation(when) for when in earlier)))
        remedy = tier.remedy or rule.remedy
        found.append(replace(rule, match=match, tier=tier.name, tiers=(), remedy=remedy))
        earlier += own
    return found


# ---------------------------------------------------------------- one pair, or one record


def in_force(rule: Rule, entry: Entry) -> bool:
    """Say whether the rule applies on the date of a record; one without that date is within."""
    when = entry.number(rule.applies.on)
    first, last = days_since_epoch(rule.applies.from_), days_since_epoch(rule.applies.to)
    return when is None or within(when, first, last)


def is_hit(rule: Rule, sides: Sides, context: Context) -> bool:
    """Say whether a pair, or a record alone, is a hit: in force, matched, and not excepted."""
    try:
        return (
            in_force(rule, sides[1])
            and holds(rule.match, sides, context)
            and not any(holds(exception.when, sides, context) for exception in rule.exceptions)
        )
    except ManyPeopleError:
        return False


def _paired(rule: Rule, fields: Sequence[str], context: Context) -> list[Entry]:
    """Return the records that pairs and sets are made of: those of the history beside them.

    A patient number that stands for many people is nobody's.
    """
    sources = ("extract", "history") if rule.source == "extract" else (rule.source,)
    found = context.world.of(rule.of, sources)
    if PATIENT not in fields:
        return found
    return [entry for entry in found if not of_many(entry, rule.of, sources, context)]


def _challenges(rule: Rule, entries: Sequence[Entry]) -> bool:
    """Say whether a finding has one record at least that the rule may challenge."""
    return any(entry.source == rule.source for entry in entries)


# ---------------------------------------------------------------- one record at a time


def _single_hits(rule: Rule, context: Context) -> Iterator[Hit]:
    for entry in context.world.of(rule.of, (rule.source,)):
        if is_hit(rule, (entry, entry), context):
            partner = partner_of(rule.match, entry, context)
            yield Hit(rule.key, (entry.ref,), partner=None if partner is None else partner.ref)


# ---------------------------------------------------------------- sequences


def stand_as_asked(pairing: Pairing, previous: Entry, current: Entry, context: Context) -> bool:
    """Say whether two records, in order, stand to each other as a sequence rule asks."""
    starts = previous.number("start_date"), current.number("start_date")
    ends = previous.number("end_date"), current.number("end_date")
    gap = difference(starts[1], ends[0])
    minutes = difference(current.number("start_at"), previous.number("end_at"))
    if None in (*starts, *ends):
        overlap, inside = None, False
    else:
        overlap = min(e for e in ends if e is not None) - max(s for s in starts if s is not None)
        inside = _in(starts[1], starts[0], ends[0]) and _in(ends[1], starts[0], ends[0])
    return (
        lies_within(gap, (pairing.gap_min, pairing.gap_max), context)
        and lies_within(minutes, (pairing.minutes_min, pairing.minutes_max), context)
        and lies_within(
            difference(starts[1], starts[0]), (pairing.starts_min, pairing.starts_max), context
        )
        and lies_within(overlap, (pairing.overlap_min, None), context)
        and (inside or not pairing.contains)
    )


def _in(day: int | None, first: int | None, last: int | None) -> bool:
    assert day is not None
    return within(day, first, last)


def _sequence_hits(rule: Rule, context: Context) -> Iterator[Hit]:
    assert rule.pairing is not None, f"{rule.id}: how do its records stand to each other?"
    pairs: list[tuple[Entry, Entry]] = []
    for together in _put_together(_paired(rule, rule.pairing.same, context), rule.pairing.same):
        for later, current in enumerate(together):
            pairs += [
                (previous, current)
                for previous in together[:later]
                if stand_as_asked(rule.pairing, previous, current, context)
                and is_hit(rule, (previous, current), context)
            ]
    for chain in connected(pairs):
        if _challenges(rule, chain):
            yield Hit(rule.key, tuple(entry.ref for entry in chain))


def _put_together(entries: Sequence[Entry], fields: Sequence[str]) -> list[list[Entry]]:
    """Put records together that have the same values, none of them missing; the order is kept."""
    found: dict[tuple[RecordValue, ...], list[Entry]] = {}
    for entry in entries:
        values = tuple(entry.get(name) for name in fields)
        if None not in values:
            found.setdefault(values, []).append(entry)
    return list(found.values())


def connected(pairs: Sequence[tuple[Entry, Entry]]) -> list[list[Entry]]:
    """Join pairs that touch; each chain is in the order of records."""
    chains: list[set[Entry]] = []
    for pair in pairs:
        touched = [chain for chain in chains if chain & set(pair)]
        chains = [chain for chain in chains if not chain & set(pair)]
        chains.append(set(pair).union(*touched))
    return [sorted(chain, key=lambda entry: entry.order) for chain in chains]


# ---------------------------------------------------------------- sets


def _set_hits(rule: Rule, context: Context) -> Iterator[Hit]:
    assert rule.set_key is not None, f"{rule.id}: how are its records put together?"
    if rule.set_key.key == ("all_fields",):
        yield from _copies(rule, context)
        return
    for together in _put_together(_paired(rule, rule.set_key.key, context), rule.set_key.key):
        for members in _parted(together, rule.set_key, context):
            kept = kept_of(members, rule.set_key)
            for other in members:
                pair = sorted((kept, other), key=lambda entry: entry.order)
                if (
                    other is not kept
                    and _challenges(rule, pair)
                    and is_hit(rule, (kept, other), context)
                ):
                    yield Hit(rule.key, tuple(entry.ref for entry in pair), kept.ref)


def _parted(members: list[Entry], asked: SetKey, context: Context) -> list[list[Entry]]:
    """Part the records of a key where the field of `near` is too far above the one before it."""
    if asked.near is None:
        return [members]
    name, apart = asked.near
    most = _constant(apart, name, members[0], context)
    placed = [(value, entry) for entry in members if (value := entry.number(name)) is not None]
    parts: list[list[Entry]] = []
    before: int | None = None
    for value, entry in sorted(placed, key=lambda item: (item[0], item[1].order)):
        if before is None or value - before > most:
            parts.append([])
        parts[-1].append(entry)
        before = value
    return parts  # a record without the field stands alone


def _constant(asked: Operand, name: str, entry: Entry, context: Context) -> int:
    value = operand(asked, name, (entry, entry), context)
    assert value is not None
    return int(value)


def kept_of(members: Sequence[Entry], asked: SetKey) -> Entry:
    """Return the record that is kept: of the history before the extract."""
    paid = [entry for entry in members if entry.source == "history"]
    among = sorted(paid or members, key=lambda entry: entry.order)
    return among[0] if asked.keep == "first" else dearest(among)


def dearest(members: Sequence[Entry]) -> Entry:
    """Return the record billed highest (nothing billed is least), ties the lowest provider, id."""

    def rank(entry: Entry) -> tuple[object, ...]:
        billed = entry.number("billed")
        return (
            (1, 0) if billed is None else (0, -billed),
            str(entry.get("provider") or ""),
            str(entry.get("record_id") or ""),
            entry.order,
        )

    return min(members, key=rank)


def _copies(rule: Rule, context: Context) -> Iterator[Hit]:
    """Exact copies: they were set aside, and the record that stands for them is the one kept."""
    for entry in context.world.of(rule.of, (rule.source,)):
        if (entry.number("duplicate_rows") or 0) > 0 and is_hit(rule, (entry, entry), context):
            yield Hit(rule.key, (entry.ref,), entry.ref)


# ---------------------------------------------------------------- the whole


_SCOPES = {"sequence": _sequence_hits, "set": _set_hits}


def match_rule(
    rule: Rule, world: World, lists: Mapping[str, Sequence[str]] | None = None
) -> list[Hit]:
    """Return the hits of a rule, or of each of its tiers, sorted by their records."""
    found: list[Hit] = []
    for of_tier in tiers_of(rule):
        context = Context(world, of_tier.params, lists or {})
        found += _SCOPES.get(of_tier.scope, _single_hits)(of_tier, context)
    return sorted(found, key=lambda hit: (hit.records, hit.rule))
