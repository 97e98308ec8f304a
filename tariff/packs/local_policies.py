"""What was agreed locally on policies between spells: the file of `--policies`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from tariff.errors import PackError, UsageError
from tariff.packs.model import Code
from tariff.packs.nodes import decode_file

SHARE_UNIT = 10**6  # shares are whole numbers of it
ALL = Code("")  # commissioners together
YEAR = {"pattern": "[0-9]{4}/[0-9]{2}", "form": "a tariff year such as 2012/13"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Whose term it is. Without a commissioner: of all of them together."""

    provider: Code
    year: str = field(metadata=YEAR)
    commissioner: Code = ALL

    @property
    def words(self) -> str:
        """The term as messages name it."""
        of = f" with {self.commissioner}" if self.commissioner else ""
        return f"{self.provider}{of} in {self.year}"

    def check(self) -> Iterator[tuple[str, str]]:
        """The year is one."""
        if (int(self.year[:4]) + 1) % 100 != int(self.year[5:]):
            yield "year", f"'{self.year}' is not a tariff year: write it as 2012/13"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadmissionTerm(Term):
    """Shares of the money that are withheld, or how many readmissions are paid in the year."""

    avoidable_share: Decimal | None = None
    elective_share: Decimal | None = None
    non_elective_share: Decimal | None = None
    threshold: int | None = None

    def share(self, *, elective: bool) -> Decimal | None:
        """The share agreed after an index of a kind."""
        own = self.elective_share if elective else self.non_elective_share
        return self.avoidable_share if own is None else own

    def check(self) -> Iterator[tuple[str, str]]:
        """Something is agreed, and in its range."""
        yield from Term.check(self)
        shares = ("avoidable_share", "elective_share", "non_elective_share")
        for name in shares:
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                yield name, f"{name} {share} is out of range: a share of 0 to 1"
            elif share is not None and share * SHARE_UNIT != int(share * SHARE_UNIT):
                yield name, f"{name} {share}: a share with no more than six decimals"
        if self.threshold is not None and self.threshold < 0:
            yield "threshold", f"threshold {self.threshold}: a number that is not below 0"
        if all(getattr(self, name) is None for name in (*shares, "threshold")):
            yield "", f"a term gives one of {', '.join(shares)} and threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginalTerm(Term):
    """The money that is paid in full in a year, in pounds, and which offer was taken."""

    baseline: Decimal
    offer: str = ""

    @property
    def baseline_pence(self) -> int:
        """The baseline in pence."""
        return int(self.baseline * 100)

    def check(self) -> Iterator[tuple[str, str]]:
        """Money is whole pence and not below 0."""
        yield from Term.check(self)
        if self.baseline < 0:
            yield "baseline", f"baseline {self.baseline}: money that is not below 0"
        elif self.baseline * 100 != int(self.baseline * 100):
            yield "baseline", f"baseline {self.baseline}: pounds with no more than two decimals"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalReadmissions:
    """Emergency readmissions: switches of exclusions by name, and terms."""

    exclusions: dict[str, bool] = field(default_factory=dict)
    terms: list[ReadmissionTerm] = field(default_factory=list)

    def check(self) -> Iterator[tuple[str, str]]:
        """No two terms of the same."""
        yield from _overlapping(self.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMarginalRate:
    """The marginal rate: switches of what is out of scope by name, and terms."""

    out_of_scope: dict[str, bool] = field(default_factory=dict)
    terms: list[MarginalTerm] = field(default_factory=list)

    def check(self) -> Iterator[tuple[str, str]]:
        """No two terms of the same."""
        yield from _overlapping(self.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPolicies:
    """What was agreed locally, and at what each spell counts."""

    amount: Literal["priced", "billed"] = "priced"
    readmissions: LocalReadmissions = field(default_factory=LocalReadmissions)
    marginal_rate: LocalMarginalRate = field(default_factory=LocalMarginalRate)


def _overlapping(terms: Sequence[Term]) -> Iterator[tuple[str, str]]:
    """A provider and year has one term, or one for each commissioner."""
    seen: dict[tuple[str, str], set[str]] = {}
    for term in terms:
        others = seen.setdefault((term.provider, term.year), set())
        if term.commissioner in others:
            yield "terms", f"{term.words} is given twice"
        elif others and ("" in others or not term.commissioner):
            where = f"{term.provider} in {term.year}"
            yield "terms", f"{where} has a term of all commissioners beside one of a single one"
        others.add(term.commissioner)


def find_term(terms: Iterable[Term], provider: str, commissioner: str, year: str) -> int:
    """Give the index of the term of a provider, commissioner and year; -1 where there is none."""
    for index, term in enumerate(terms):
        if (term.provider, term.year) == (provider, year) and term.commissioner in (
            "",
            commissioner,
        ):
            return index
    return -1


def read_local_policies(path: Path) -> tuple[LocalPolicies, str]:
    """Give what a file says, and its SHA-256. Raises with every problem of the file."""
    if not path.is_file():
        raise UsageError(
            f"{path} is not a file", hint="--policies names a YAML file, see docs/policies.md"
        )
    local, problems = decode_file(path, LocalPolicies)
    if local is None:
        raise PackError(
            [problem for problem in problems if problem.severity == "error"],
            hint="docs/policies.md shows what the file may say",
        )
    return local, hashlib.sha256(path.read_bytes()).hexdigest()
