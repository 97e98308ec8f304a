"""Which rules run: by selection, by the fields of the extract, by the figures that are held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.errors import UsageError
from tariff.packs.compile import NULL64
from tariff.packs.load import PackSet
from tariff.packs.model import (
    Every,
    Negation,
    Predicate,
    Rule,
    Same,
    SignaturesPack,
    Some,
    Test,
)
from tariff.packs.needs import in_words, satisfied

LEVELS = ("low", "medium", "high")
STATUSES = ("stable",)

# a rule is asked for its fields once a finding; rules hold dictionaries and have no hash
_LOOKED_AT: dict[int, tuple[Rule, tuple[str, ...]]] = {}


@dataclass
class Selected:
    """A rule of the run and, where it does not run, why."""

    rule: Rule
    pack: str
    lists: dict[str, list[str]]
    not_run: str = ""
    note: str = ""


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
        elif rule.status not in STATUSES or LEVELS.index(rule.level) < LEVELS.index(level):
            continue
        lists = {name: [str(c) for c in codes] for name, codes in pack.manifest.lists.items()}
        out.append(Selected(rule, pack.id, lists))
    for name in wanted:
        if not any(rule_id.startswith(name) for rule_id in known):
            raise UsageError(
                f"no signature is called '{name}'", hint=f"known: {', '.join(known) or 'none'}"
            )
    return out


def fields_of(predicate: Predicate) -> set[str]:
    """Give every field that a predicate looks at."""
    match predicate:
        case Test():
            operands = [o for o in (predicate.operand, predicate.by) if o and o.kind == "field"]
            return {predicate.field, *(str(o.value) for o in operands)}
        case Same(name):
            return {name}
        case Every(parts) | Some(parts):
            return set().union(*map(fields_of, parts)) if parts else set()
        case Negation(part):
            return fields_of(part)
    raise TypeError(predicate)


def looked_at(rule: Rule) -> tuple[str, ...]:
    """Fields the rule looks at, in a fixed order: those of its key first."""
    found = _LOOKED_AT.get(id(rule))
    if found is None or found[0] is not rule:
        found = _LOOKED_AT[id(rule)] = (rule, _fields_in_order(rule))
    return found[1]


def _fields_in_order(rule: Rule) -> tuple[str, ...]:
    keys = list(rule.set_key.key if rule.set_key else rule.pairing.same if rule.pairing else ())
    fields = sorted(fields_of(rule.match).union(*(fields_of(e.when) for e in rule.exceptions)))
    return tuple(f for f in dict.fromkeys([*keys, *fields]) if f != "all_fields")


def check_fields(
    selected: list[Selected], fields: frozenset[str], blank: frozenset[str] = frozenset()
) -> None:
    """Mark the rules whose fields the extract does not carry, or that are `blank` in every row."""
    for item in selected:
        needs = item.rule.needs
        missing = [in_words(need) for need in needs if not satisfied(need, fields)]
        empty = [
            in_words(need)
            for need in needs
            if satisfied(need, fields) and not satisfied(need, fields - blank)
        ]
        if missing:
            item.not_run = f"needs {', '.join(missing)}"
        elif empty:
            item.not_run = f"needs {', '.join(empty)}, blank in every row"


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
        if item.not_run:
            continue
        if "mff" in fields and given_factor:
            item.not_run = "needs the factor of each provider and year; another was given"
        elif "pre_mff" in fields and unpriced == len(columns):
            item.not_run = "needs a complete price, and no spell has one"
        elif "pre_mff" in fields and unpriced:
            item.note = f"silent on {unpriced:,} spells without a complete price"
        if "short_stay_eligible" not in fields:
            continue
        if len(without) == len(years):
            item.not_run = (
                f"needs the reduced short stay prices of {', '.join(without)}, which no pack holds"
                if years
                else "needs a tariff year: no discharge date and no --year"
            )
        elif without:
            spells = int(np.isin(columns.price_input.year, [years.index(y) for y in without]).sum())
            item.note = (
                f"not run for {spells:,} spells of {', '.join(without)}: the reduced short stay "
                "prices of that year are not held"
            )
