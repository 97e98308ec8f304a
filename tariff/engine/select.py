"""Which rules run: by selection, by the fields of the extract, by the figures that are held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.errors import UsageError
from tariff.packs.compile import NULL64
from tariff.packs.load import PackSet
from tariff.packs.model import (
    Every,
    Join,
    Negation,
    Operand,
    Predicate,
    Rule,
    Same,
    Shares,
    SignaturesPack,
    Some,
    Test,
)
from tariff.packs.needs import Records, fields_of_operand, missing_in_words, satisfied

LEVELS = ("low", "medium", "high")
STATUSES = ("stable",)

# a rule is asked for its fields once a finding; rules hold dictionaries and have no hash
_LOOKED_AT: dict[int, tuple[Rule, tuple[str, ...]]] = {}


@dataclass
class Selected:
    """A rule of the run and, where it does not run, why.

    `kinds`: the kinds of records on which it runs; `kinds_note`: on which it does not, and why.
    """

    rule: Rule
    pack: str
    lists: dict[str, list[str]]
    not_run: str = ""
    note: str = ""
    kinds: tuple[str, ...] = ()
    kinds_note: str = ""
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    level: str = "low"  # tiers below it do not run


def select_rules(
    packs: PackSet, *, only: Iterable[str] = (), level: str = "high"
) -> list[Selected]:
    """Give the rules asked for: the ids or id prefixes in `only`, else stable ones of the level."""
    if level not in LEVELS:
        raise UsageError(f"there is no level '{level}'", hint=f"it is one of {', '.join(LEVELS)}")
    wanted = [name.strip().upper() for name in only if name.strip()]
    out: list[Selected] = []
    known: list[str] = []
    for pack, rule in packs.rules():
        assert isinstance(pack.manifest, SignaturesPack)
        known.append(rule.id)
        if wanted:
            if not any(rule.id.startswith(name) for name in wanted):
                continue
        elif rule.status not in STATUSES or not any(
            reaches(part.level, level) for part in rule.tiers or (rule,)
        ):
            continue
        lists = {name: [str(c) for c in codes] for name, codes in pack.manifest.lists.items()}
        least = "low" if wanted else level
        out.append(Selected(rule, pack.id, lists, maps=pack.manifest.maps, level=least))
    for name in wanted:
        if not any(rule_id.startswith(name) for rule_id in known):
            raise UsageError(
                f"no signature is called '{name}'", hint=f"known: {', '.join(known) or 'none'}"
            )
    return out


def reaches(level: str, least: str) -> bool:
    """Say whether a level is another or above it."""
    return LEVELS.index(level) >= LEVELS.index(least)


def fields_of(predicate: Predicate | None) -> set[str]:
    """Give every field of the rule's own records that a predicate looks at."""
    match predicate:
        case None:
            return set()
        case Test():
            operands = (predicate.operand, predicate.by)
            return {predicate.field, *(name for o in operands for name in _named(o))}
        case Same(name) | Shares(name):
            return {name}
        case Every(parts) | Some(parts):
            return set().union(*map(fields_of, parts)) if parts else set()
        case Negation(part):
            return fields_of(part)
        case Join():
            return _of_join(predicate)
    raise TypeError(predicate)


def _named(operand: Operand | None) -> list[str]:
    return [] if operand is None else fields_of_operand(operand)


def _of_join(join: Join) -> set[str]:
    """Give what a join looks at of this record: side 1 of its `where`."""
    found = {same.field for same in join.same} | ({join.on} if join.on else set())
    found |= {"start_date"} if join.days != (None, None) else set()
    found |= {"start_at"} if join.minutes != (None, None) else set()
    return found | _of_side(join.where)


def _of_side(predicate: Predicate) -> set[str]:
    match predicate:
        case Test():
            operands = [o for o in (predicate.operand, predicate.by) if o and o.side == 1]
            own = {predicate.field} if predicate.side == 1 else set()
            return own | {name for o in operands for name in fields_of_operand(o)}
        case Same(name) | Shares(name):
            return {name}
        case Every(parts) | Some(parts):
            return set().union(*map(_of_side, parts)) if parts else set()
        case Negation(part):
            return _of_side(part)
    return set()


def looked_at(rule: Rule) -> tuple[str, ...]:
    """Fields the rule looks at, in a fixed order: those of its key first."""
    found = _LOOKED_AT.get(id(rule))
    if found is None or found[0] is not rule:
        found = _LOOKED_AT[id(rule)] = (rule, _fields_in_order(rule))
    return found[1]


def _fields_in_order(rule: Rule) -> tuple[str, ...]:
    keys = list(rule.set_key.key if rule.set_key else rule.pairing.same if rule.pairing else ())
    whens = [*(e.when for e in rule.exceptions), *(tier.when for tier in rule.tiers)]
    fields = sorted(fields_of(rule.match).union(*map(fields_of, whens)))
    return tuple(f for f in dict.fromkeys([*keys, *fields]) if f != "all_fields")


def check_fields(
    selected: list[Selected], items: frozenset[str], blank: frozenset[str] = frozenset()
) -> None:
    """Say on which kinds of records each rule runs, and mark those that run on none.

    `items` are what there is: columns of spells by name, others as `attendances:attended`,
    `deaths:death_date`, `national/spells:spell_id`; `blank` those without a value in any row.
    """
    for item in selected:
        why = {kind: _lacks(item.rule, kind, items, blank) for kind in item.rule.of}
        item.kinds = tuple(kind for kind in item.rule.of if not why[kind])
        lacking: dict[str, list[str]] = {}  # kinds by what they lack
        for kind in item.rule.of:
            if why[kind]:
                lacking.setdefault(why[kind], []).append(kind.replace("_", " "))
        told = "; ".join(f"{', '.join(kinds)}: {reason}" for reason, kinds in lacking.items())
        if item.kinds:
            item.kinds_note = f"not run on {told}" if told else ""
        else:
            item.not_run = next(iter(lacking)) if len(lacking) == 1 else told


def _lacks(rule: Rule, kind: str, items: frozenset[str], blank: frozenset[str]) -> str:
    """Say what a rule lacks on a kind of records; empty where it lacks nothing."""
    records = Records(kind, rule.source).there
    needs = (records, *rule.needs[kind])
    missing = [need for need in needs if not satisfied(need, items)]
    if missing:
        return f"needs {missing_in_words(missing)}"
    empty = [need for need in needs if not satisfied(need, items - blank)]
    return f"needs {missing_in_words(empty)}, blank in every row" if empty else ""


def check_figures(
    selected: list[Selected], columns: SpellColumns, *, given_factor: bool = False
) -> None:
    """Mark the rules that need figures no pack holds, and say for how many spells they do."""
    years = columns.price_input.years
    prices = columns.rulebook.prices
    without = [
        year
        for year in years
        if (index := prices.index_of_year(year)) < 0 or not prices.holds_short_stay(index)
    ]
    unpriced = int((columns.number("pre_mff") == NULL64).sum())
    for item in selected:
        fields = looked_at(item.rule)
        if "spells" not in item.kinds or item.rule.source != "extract":
            continue
        if "mff" in fields and given_factor:
            _not_on_spells(item, "needs the factor of each provider and year; another was given")
        elif "pre_mff" in fields and unpriced == len(columns):
            _not_on_spells(item, "needs a complete price, and no spell has one")
        elif "pre_mff" in fields and unpriced:
            item.note = f"silent on {unpriced:,} spells without a complete price"
        if "short_stay_eligible" not in fields:
            continue
        if len(without) == len(years):
            _not_on_spells(
                item,
                f"needs the reduced short stay prices of {', '.join(without)}, which no pack holds"
                if years
                else "needs a tariff year: no discharge date and no --year",
            )
        elif without:
            spells = int(np.isin(columns.price_input.year, [years.index(y) for y in without]).sum())
            item.note = (
                f"not run for {spells:,} spells of {', '.join(without)}: the reduced short stay "
                "prices of that year are not held"
            )


def _not_on_spells(item: Selected, why: str) -> None:
    """Take spells from the kinds that a rule runs on; it does not run where there is no other."""
    item.kinds = tuple(kind for kind in item.kinds if kind != "spells")
    if item.kinds:
        notes = [item.kinds_note, f"not run on spells: {why}"]
        item.kinds_note = "; ".join(note for note in notes if note)
    else:
        item.not_run = why
