"""A hit with its money: what was billed for the records that it challenges, and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass

from tariff.packs.model import Rule
from tariff.reference.world import Entry

# remedies that are about one record: of a chain the last, of a set the one that is not kept
OF_ONE = ("edit_and_regroup", "reclassify", "cap_units", "reprice", "contract")


@dataclass
class Finding:
    """A hit with its money; `allowed` is None where it claims nothing, and `why` says so."""

    rule: Rule
    records: tuple[Entry, ...]
    kept: Entry | None
    partner: Entry | None
    billed: int | None = None
    allowed: int | None = None
    why: str = ""
    stands: bool = True

    @property
    def value(self) -> int | None:
        """Billed less allowed."""
        if self.billed is None or self.allowed is None:
            return None
        return self.billed - self.allowed

    @property
    def challenged(self) -> tuple[Entry, ...]:
        """The records whose money is asked about: never those of the history."""
        mine = self.records
        if self.rule.remedy.kind in OF_ONE and len(mine) > 1:
            mine = tuple(entry for entry in mine if entry is not self.kept)[-1:]
        return tuple(e for e in mine if e.source in ("extract", self.rule.source))

    @property
    def one(self) -> Entry:
        """The one record that the remedy is about."""
        (entry,) = self.challenged
        return entry

    @property
    def other(self) -> Entry | None:
        """The partner; in a chain or a set the record before, or the kept one."""
        if self.partner is not None:
            return self.partner
        before = [entry for entry in self.records if entry is not self.one]
        return before[-1] if before else None
