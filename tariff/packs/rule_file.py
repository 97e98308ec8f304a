"""The typed shape of a signature file: its keys, before predicates and tests are read.

`tariff.packs.rules` makes a `Rule` of it; `rules/schema/rule.json` is generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tariff.packs.model import Applies, Code, RemedyKind, Source
from tariff.packs.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionFile:
    """A named reason for which a match is not a finding.

    The rule needs the columns that it looks at, unless it is `optional`: then it is looked at where
    they are there.
    """

    name: str = field(metadata={"pattern": r"[a-z][a-z0-9_]*", "form": "a name in snake case"})
    when: Node
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyFile:
    """What the commissioner would pay instead."""

    kind: RemedyKind
    set: dict[str, Code] = field(default_factory=dict)
    what: Literal["", "price", "short_stay", "mff", "excess_days"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFile:
    """An inline test. A spell is the columns of an episode; `episodes` lists several."""

    __test__ = False  # not one of pytest's

    name: str
    finds: int
    spells: list[dict[str, Node]]
    value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """A number of days between two records, both ends included."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeastDays:
    """A least number of days."""

    min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """One signature: what it looks for, what it claims, how it is explained and tested."""

    id: str = field(metadata={"pattern": r"[A-Z]{3}[0-9]{2}", "form": "an id such as SPL03"})
    version: str = field(
        metadata={"pattern": r"[0-9]+\.[0-9]+\.[0-9]+", "form": "a version such as 1.0.0"}
    )
    name: str = field(metadata={"pattern": r"[a-z][a-z0-9-]*", "form": "a name-with-dashes"})
    title: str
    class_: Literal["deterministic", "presumptive", "statistical"]
    status: Literal["experimental", "test", "stable", "deprecated"]
    level: Literal["low", "medium", "high"]
    scope: Literal["record", "spell", "sequence", "set"]
    applies: Applies = field(default_factory=Applies)
    match: Node
    except_: list[ExceptionFile] = field(default_factory=list)
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
    params: dict[str, Decimal] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    needs_official_grouping: bool = False
    min_value: Decimal = Decimal(0)
    what: str
    why: str
    ask: str
    legitimate_reasons: list[str]
    sources: list[Source]
    tests: list[TestFile]
