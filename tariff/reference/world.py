"""The records that signatures are matched against: every kind and source, and their order.

A record is a flat dict of fields (docs/signatures.md, Fields): text for a code, a whole number for
dates (days since 1970-01-01), money (pence), factors (1e-9), minutes and counts, a tuple of texts
for a field of several values, None where missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tariff.extract.fields import REGISTERS

RecordValue = str | int | tuple[str, ...] | None
Record = Mapping[str, RecordValue]
Ref = tuple[str, str, int]  # source, kind, place among the records of both

CARE = ("spells", "attendances", "emergency", "critical_care", "lines")
KIND_ORDER = (*CARE, *REGISTERS)
SOURCE_ORDER = ("extract", "history", "national", "earlier")


@dataclass(frozen=True, eq=False)
class Entry:
    """A record and where it stands."""

    source: str
    kind: str
    place: int
    record: Record

    @property
    def ref(self) -> Ref:
        """How a hit names it."""
        return (self.source, self.kind, self.place)

    def get(self, field: str) -> RecordValue:
        """Return the value of a field; one that the kind does not have is missing."""
        return self.record.get(field)

    def number(self, field: str) -> int | None:
        """Return a number, None where it is missing."""
        value = self.record.get(field)
        return value if isinstance(value, int) else None

    @cached_property
    def order(self) -> tuple[object, ...]:
        """Where the record stands in the order of records."""
        first, last = self.number("start_date"), self.number("end_date")
        classification = self.get("patient_classification")
        return (
            (1, 0) if first is None else (0, first),
            (1, 0) if last is None else (0, -last),
            KIND_ORDER.index(self.kind),
            (0, "") if classification is None else (1, str(classification)),
            SOURCE_ORDER.index(self.source),
            str(self.get("provider") or ""),
            str(self.get("record_id") or ""),
            self.place,
        )


class World:
    """Records by source and kind. A register has its name as kind and is of the extract."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[Record]]) -> None:
        self.entries = [
            Entry(source, kind, place, record)
            for (source, kind), held in records.items()
            for place, record in enumerate(held)
        ]
        self._held = {(entry.source, entry.kind) for entry in self.entries}
        self._found: dict[tuple[object, ...], dict[tuple[RecordValue, ...], list[Entry]]] = {}

    def of(self, kinds: Sequence[str], sources: Sequence[str]) -> list[Entry]:
        """Return the records of some kinds from some sources, in the order of records."""
        found = [e for e in self.entries if e.kind in kinds and e.source in sources]
        return sorted(found, key=lambda entry: entry.order)

    def holds_any(self, kinds: Sequence[str], sources: Sequence[str]) -> bool:
        """Say whether there is any record of some kinds from some sources."""
        return any(kind in kinds and source in sources for source, kind in self._held)

    def equal_in(
        self,
        kinds: Sequence[str],
        sources: Sequence[str],
        fields: Sequence[str],
        values: tuple[RecordValue, ...],
    ) -> list[Entry]:
        """Return those that have certain values in some fields, in the order of records."""
        asked = (tuple(kinds), tuple(sources), tuple(fields))
        if asked not in self._found:
            found = self._found.setdefault(asked, {})
            for entry in self.of(kinds, sources):
                found.setdefault(tuple(entry.get(name) for name in fields), []).append(entry)
        return self._found[asked].get(values, [])
