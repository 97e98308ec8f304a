"""The typed shape of a signature file: its keys, before predicates and tests are read.

`tariff.packs.rules` makes a `Rule` of it; `rules/schema/rule.json` is generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tariff.packs.model import Applies, RemedyKind, Source
from tariff.packs.tree import Node

_SNAKE = {"pattern": r"[a-z][a-z0-9_]*", "form": "a name in snake case"}
Class = Literal["deterministic", "presumptive", "statistical"]
Level = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionFile:
    """A named reason for which a match is not a finding.

    The rule needs the columns that it looks at, unless it is `optional`: then it is looked at where
    they are there.
    """

    name: str = field(metadata=_SNAKE)
    when: Node
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFile:
    """Codes that an edit takes out: one of `diagnoses`, `procedures`, `pairs`.

    `one`: each by itself, and the finding stands where exactly one of them lowers the price.
    """

    diagnoses: Any = None
    procedures: Any = None
    pairs: str = ""
    one: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFile:
    """The list of secondary diagnoses that may stand first instead."""

    list: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyFile:
    """What the commissioner would pay instead: docs/signatures.md, Remedies."""

    kind: RemedyKind
    set: dict[str, Node] = field(default_factory=dict)
    remove: RemoveFile | None = None
    swap_primary: SwapFile | None = None
    what: Literal[
        "",
        "price",
        "short_stay",
        "mff",
        "best_practice",
        "top_up",
        "amount",
        "unit_price",
        "unbilled",
        "excess_days",
        "quantity",
    ] = ""
    as_: Literal["", "attendances", "emergency"] = ""
    hrg: Literal["", "none"] = ""
    price: Any = None
    to: Any = None
    share: Any = None
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierFile:
    """One degree of certainty of a rule. The last needs no `when`."""

    name: str = field(metadata=_SNAKE)
    class_: Class
    level: Level
    when: Any = None
    remedy: RemedyFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFile:
    """An inline test. A spell is the columns of an episode; `episodes` lists several."""

    __test__ = False  # not one of pytest's

    name: str
    finds: int
    value: Decimal | None = None
    settled: Decimal | None = None
    tier: str = ""
    spells: list[dict[str, Node]] = field(default_factory=list)
    attendances: list[dict[str, Node]] = field(default_factory=list)
    emergency: list[dict[str, Node]] = field(default_factory=list)
    critical_care: list[dict[str, Node]] = field(default_factory=list)
    lines: list[dict[str, Node]] = field(default_factory=list)
    history: dict[str, list[dict[str, Node]]] = field(default_factory=dict)
    national: dict[str, list[dict[str, Node]]] = field(default_factory=dict)
    earlier: dict[str, list[dict[str, Node]]] = field(default_factory=dict)
    registers: dict[str, list[dict[str, Node]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """One signature: what it looks for, what it claims, how it is explained and tested."""

    id: str = field(metadata={"pattern": r"[A-Z]{3}[0-9]{2}", "form": "an id such as SPL03"})
    version: str = field(
        metadata={"pattern": r"[0-9]+\.[0-9]+\.[0-9]+", "form": "a version such as 1.0.0"}
    )
    name: str = field(metadata={"pattern": r"[a-z][a-z0-9-]*", "form": "a name-with-dashes"})
    title: str
    class_: Class
    status: Literal["experimental", "test", "stable", "deprecated"]
    level: Level
    scope: Literal["record", "spell", "sequence", "set", "reference", "reconcile", "rate"]
    applies: Applies = field(default_factory=Applies)
    match: Node
    except_: list[ExceptionFile] = field(default_factory=list)
    tiers: list[TierFile] = field(default_factory=list)
    step: Literal[
        "identity",
        "duplicate",
        "spell structure",
        "not payable",
        "setting",
        "HRG",
        "days and units",
        "arithmetic",
        "contract",
        "statistical",
    ]
    remedy: RemedyFile
    direction: Literal["over", "under", "both"] = "both"
    root_cause: list[str] = field(default_factory=list)
    params: dict[str, date | Decimal] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    needs_official_grouping: bool = False
    min_value: Decimal = Decimal(0)
    budget: Decimal = Decimal(0)
    what: str
    why: str
    ask: str
    legitimate_reasons: list[str]
    sources: list[Source]
    tests: list[TestFile]
