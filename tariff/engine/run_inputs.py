"""What a run is given, and its reading: every file to a block of records under one numbering."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tariff.engine.manifest import inputs_of
from tariff.engine.record_keys import MONTH
from tariff.engine.record_set import SOURCES, RecordSet
from tariff.engine.same_file import refuse_same
from tariff.errors import DataError
from tariff.packs.match_fields import DATASET_OF

if TYPE_CHECKING:
    from tariff.extract import Extract
    from tariff.extract.registers import Register

Extracts = Mapping[str, "Extract"]  # by dataset

ROLES = {
    "extract": "the extract",
    "history": "its history",
    "national": "the national record",
    "earlier": "the earlier snapshot",
}
MONTHS_SHOWN = 3


@dataclass(frozen=True)
class Given:
    """The files of a run, opened: extracts by dataset, for each source of records."""

    extract: Extracts
    history: Extracts = field(default_factory=dict)
    national: Extracts = field(default_factory=dict)
    earlier: Extracts = field(default_factory=dict)
    registers: tuple[Register, ...] = ()

    def of(self, source: str) -> dict[str, Extract]:
        """Give the extracts of a source by kind of record, in their order."""
        found: Extracts = getattr(self, source)
        return {kind: found[name] for kind, name in DATASET_OF.items() if name in found}

    def extracts(self) -> Iterator[tuple[str, str, Extract]]:
        """Give every extract with its source and kind."""
        for source in SOURCES:
            for kind, extract in self.of(source).items():
                yield source, kind, extract

    @property
    def rejects(self) -> pa.Table:
        """The rows that could not be read, of every file."""
        return pa.concat_tables([extract.rejects for _, _, extract in self.extracts()])

    def inputs(self, source: str = "extract") -> list[dict[str, Any]]:
        """Say which files of a source were read (docs/architecture.md)."""
        return [
            {**entry, "dataset": DATASET_OF[kind]}
            for kind, extract in self.of(source).items()
            for entry in inputs_of(extract)
        ]

    @property
    def notices(self) -> list[str]:
        """What the reading of all files has to say."""
        told = [notice for _, _, extract in self.extracts() for notice in extract.notices]
        return told + [notice for register in self.registers for notice in register.notices]

    def items(
        self, blank: Mapping[tuple[str, str], frozenset[str]]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Give the columns that are there as rules name them, and those blank in every row."""
        there: set[str] = set()
        empty: set[str] = set()
        for source, kind, extract in self.extracts():
            there |= {item_of(source, kind, name) for name in extract.fields}
            empty |= {item_of(source, kind, name) for name in blank.get((source, kind), ())}
        for register in self.registers:
            for name in register.table.column_names:
                if name.startswith("_"):
                    continue
                there.add(item_of("extract", register.name, name))
                if register.table[name].null_count == register.table.num_rows:
                    empty.add(item_of("extract", register.name, name))
        return frozenset(there), frozenset(empty)

    def refuse_same_files(self) -> None:
        """Raise where one file is given twice: every record of it would be a duplicate."""
        read = [
            (ROLES[source], item)
            for source, _, extract in self.extracts()
            for item in extract.inputs
        ]
        read += [(f"the register {register.name}", register.input) for register in self.registers]
        refuse_same(read)


def item_of(source: str, kind: str, column: str) -> str:
    """Give the name under which a rule needs a column (docs/signatures.md)."""
    before = "" if source == "extract" else f"{source}/"
    if kind == "spells" and not before:
        return column
    return f"{before}{kind}:{column}"


def check_months(given: Given, records: RecordSet) -> None:
    """Raise where an earlier snapshot has no month of the extract: they are of other activity."""
    for kind, extract in given.of("earlier").items():
        before, now = (_months(records, kind, source) for source in ("earlier", "extract"))
        if not before or not now or before & now:
            continue
        file = extract.inputs[0].name
        raise DataError(
            f"{file}:1: column '{MONTH}': the earlier snapshot is of {_listed(before)}, and the "
            f"{kind.replace('_', ' ')} of the extract are of {_listed(now)}",
            hint="--against earlier=FILE names an earlier state of the same months; earlier months "
            "are given with --history",
        )


def _months(records: RecordSet, kind: str, source: str) -> set[str]:
    out: set[str] = set()
    for block in records.blocks:
        if block.kind == kind and block.source == source:
            ids, values = block.codes(MONTH)
            out |= {values[i] for i in np.unique(ids[ids >= 0]).tolist()}
    return out


def _listed(months: set[str]) -> str:
    shown = sorted(months)
    if len(shown) > MONTHS_SHOWN:
        return f"{shown[0]} to {shown[-1]}"
    return ", ".join(shown)
