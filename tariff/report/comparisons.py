"""What two files that are compared have in common: billed and national record, two snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tariff.report import text

OTHER = {"national": "national record", "earlier": "earlier snapshot"}


@dataclass(slots=True)
class Comparison:
    """One kind of record of the extract beside that of another file."""

    against: str
    kind: str
    here: int
    there: int
    matched: int
    rate: float | None
    only_here: int
    only_there: int

    @property
    def percent(self) -> str:
        """The share that was matched; never 100 % where one was not."""
        return text.share(self.matched, self.here)


def comparisons(manifest: dict[str, Any]) -> list[Comparison]:
    """The comparisons of a run, in its order."""
    return [
        Comparison(
            against=OTHER.get(line["against"], line["against"]),
            kind=text.point_of_delivery(line["kind"]),
            here=int(line["here"]),
            there=int(line["there"]),
            matched=int(line["matched"]),
            rate=line["rate"],
            only_here=int(line["only_here"]),
            only_there=int(line["only_there"]),
        )
        for line in manifest.get("reconcile", [])
    ]
