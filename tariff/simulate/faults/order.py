"""What to plant: `SPL03=0.5%,HRG03=25`, or a plan file that says the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from tariff.errors import UsageError
from tariff.simulate.faults.care_model import every_rule
from tariff.simulate.faults.model import FAULT, NEAR_MISS, Kind

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%")
_COUNT = re.compile(r"\d{1,9}")
EXAMPLE = "Write SPL03=0.5% (of the spells that can have it) or SPL03=25 (as many)."


@dataclass(frozen=True)
class Amount:
    """How many: a share of the eligible spells, a number of the whole extract, or as many as."""

    share: Fraction | None = None
    count: int = 0
    as_faults: bool = False  # near misses: as many as there are faults of the rule


@dataclass(frozen=True)
class Order:
    """A checked order of faults."""

    faults: Mapping[str, Amount]
    near_misses: Mapping[str, Amount] = field(default_factory=dict)
    seed: int = 1
    several: bool = False  # a patient may have more than one fault
    deaths: Mapping[str, date] | None = None  # the register, by patient

    @property
    def counts(self) -> bool:
        """Say whether some amount is a number, so that the size of the extract must be known."""
        every = (*self.faults.values(), *self.near_misses.values())
        return any(amount.share is None and not amount.as_faults for amount in every)

    def with_near_misses(self) -> Order:
        """Return the order with as many near misses of each rule as it has faults."""
        known = set(every_rule(NEAR_MISS))
        wanted = {rule: Amount(as_faults=True) for rule in self.faults if rule in known}
        return replace(self, near_misses={**wanted, **self.near_misses})


def parse_order(texts: Iterable[str], **also: Any) -> Order:
    """Read `RULE=AMOUNT` entries, separated by commas or given one by one."""
    faults: dict[str, Amount] = {}
    for entry in (part.strip() for text in texts for part in text.split(",")):
        if not entry:
            continue
        rule, found, amount = entry.partition("=")
        if not found:
            raise UsageError(f"--plant {entry} does not say how many.", hint=EXAMPLE)
        _add(faults, rule.strip().upper(), amount.strip(), FAULT, "--plant")
    return Order(faults, **also)


def _add(into: dict[str, Amount], rule: str, text: str, kind: Kind, where: str) -> None:
    if rule not in every_rule(kind):
        what = "fault" if kind == FAULT else "near miss"
        raise UsageError(
            f"{where}: no {what} of {rule!r} can be planted.",
            hint=f"One of {', '.join(every_rule(kind))}.",
        )
    if rule in into:
        raise UsageError(f"{where}: {rule} stands twice.", hint="Give each rule once.")
    into[rule] = _amount(text, f"{where} {rule}={text}")


def _amount(text: str, where: str) -> Amount:
    if match := _SHARE.fullmatch(text):
        share = Fraction(match[1]) / 100
        if share <= 1:
            return Amount(share=share)
    elif _COUNT.fullmatch(text):
        return Amount(count=int(text))
    raise UsageError(f"{where}: {text!r} is not an amount.", hint=EXAMPLE)


_KEYS = ("faults", "near_misses", "seed", "several")


def read_plan(path: Path, **also: Any) -> Order:
    """Read a plan file: `faults`, `near_misses`, `seed`, `several`."""
    try:
        plan = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"{path} cannot be read as a plan: {error}", hint="docs/planted-faults.md has one."
        ) from error
    if not isinstance(plan, dict) or not isinstance(plan.get("faults"), dict):
        raise UsageError(
            f"{path} has no faults in it.",
            hint="A plan is YAML: `faults:` with a line such as `SPL03: 0.5%` for each rule.",
        )
    if unknown := sorted(str(key) for key in plan if key not in _KEYS):
        raise UsageError(
            f"{path}: {', '.join(unknown)} is not part of a plan.",
            hint=f"One of {', '.join(_KEYS)}.",
        )
    wanted = plan.get("near_misses", False)
    if not isinstance(wanted, dict | bool):
        raise UsageError(
            f"{path}: near_misses is neither yes, no nor a list of rules.", hint=EXAMPLE
        )
    seed, several = plan.get("seed"), plan.get("several", False)
    if (seed is not None and (not isinstance(seed, int) or seed < 0)) or not isinstance(
        several, bool
    ):
        raise UsageError(f"{path}: seed is a whole number from 0, several yes or no.")
    order = Order(_amounts(plan["faults"], FAULT, path), several=several, **also)
    if seed is not None:
        order = replace(order, seed=seed)
    if isinstance(wanted, dict):
        return replace(order, near_misses=_amounts(wanted, NEAR_MISS, path))
    return order.with_near_misses() if wanted else order


def _amounts(entries: dict[Any, Any], kind: Kind, path: Path) -> dict[str, Amount]:
    found: dict[str, Amount] = {}
    for rule, amount in entries.items():
        _add(found, str(rule).upper(), str(amount).strip(), kind, str(path))
    return found
