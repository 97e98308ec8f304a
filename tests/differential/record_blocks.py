"""A small world of records as both sides take it: dicts for the oracle, blocks for the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.record_set import RecordSet
from tariff.packs.compile import NULL64
from tariff.packs.model import Provenance
from tariff.reference.world import Record, World
from tests.differential.strategies import often

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class DictBlock:
    """Records of one kind and source, held as dicts: the protocol of `record_set.Block`."""

    kind: str
    source: str
    records: Sequence[Record]

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def types(self) -> dict[str, type]:
        """What kind of value each field has here."""
        found: dict[str, type] = {}
        for record in self.records:
            found.update({name: type(v) for name, v in record.items() if v is not None})
        return found

    def is_code(self, name: str) -> bool:
        return self.types.get(name) is str

    def is_many(self, name: str) -> bool:
        return self.types.get(name) is tuple

    def codes(self, name: str) -> tuple[Ids, list[str]]:
        texts: list[Any] = [record.get(name) for record in self.records]
        if not self.is_code(name):
            texts = [None] * len(texts)
        values = sorted({text for text in texts if text is not None}, reverse=True)
        ids = [-1 if text is None else values.index(text) for text in texts]
        return np.array(ids, np.int64), values

    def number(self, name: str) -> Ids:
        values: list[Any] = [record.get(name) for record in self.records]
        there = self.types.get(name) is int
        return np.array([v if there and v is not None else NULL64 for v in values], np.int64)

    def many(self, name: str) -> tuple[Ids, Ids, list[str]]:
        held: list[Any] = [record.get(name) or () for record in self.records]
        if not self.is_many(name):
            held = [()] * len(held)
        values = sorted({value for of_record in held for value in of_record})
        start = np.cumsum([0, *(len(of_record) for of_record in held)])
        ids = [values.index(value) for of_record in held for value in of_record]
        return start.astype(np.int64), np.array(ids, np.int64), values

    def texts(self, name: str, which: Ids) -> pa.Array:
        ids, values = self.codes(name)
        there = ids[which]
        return pa.array(values, pa.string()).take(pa.array(there, mask=there < 0))

    def release(self) -> None:
        """Nothing is kept."""

    def provenance(self, record: int) -> Provenance:
        return "illustrative"


Held = dict[tuple[str, str], list[Record]]


def both(held: Mapping[tuple[str, str], Sequence[Record]]) -> tuple[World, RecordSet]:
    """The records of every source and kind, for the oracle and for the kernel."""
    blocks = [DictBlock(kind, source, records) for (source, kind), records in held.items()]
    return World(held), RecordSet(blocks)


# ---------------------------------------------------------------- random worlds

PATIENTS = ("P1", "P2", "P3")
PROVIDERS = ("R1A", "R2A", "R2B")
HRGS = ("AA01A", "AA01B", "AB02Z", "UZ01Z")
CODES = ("A101", "A102", "B201", "Z942", "Z943")
IDS = {"spells": "S", "attendances": "A", "emergency": "E", "critical_care": "C", "lines": "L"}


def _days(rng: Random, first: str, last: str) -> dict[str, Any]:
    day = rng.randint(0, 6)
    return {
        first: often(rng, day, [None], 0.08),
        last: often(rng, day + rng.choice([0, 0, 1, 1, 2, 4, -1]), [None], 0.08),
    }


def _care(rng: Random, kind: str, place: int) -> dict[str, Any]:
    """A record of care: some fields of every kind, some of a few."""
    days = _days(rng, "start_date", "end_date")
    record: dict[str, Any] = {
        "kind": kind,
        "record_id": f"{IDS[kind]}{place}",
        "spell_id": f"S{rng.randint(0, 4)}",
        "provider": rng.choice(PROVIDERS),
        "patient_id": often(rng, rng.choice(PATIENTS), [None], 0.05),
        "site": rng.choice(["X", "Y", None]),
        "hrg": rng.choice([*HRGS, None]),
        "billed": rng.choice([None, -100, 0, 100, 150, 10_000, 10_001, 12_345]),
        "base": rng.choice([None, 0, 100, 10_000, 12_345]),
        "mff": rng.choice([None, 1_000_000_000, 1_071_234_567]),
        "duplicate_rows": rng.choice([0, 0, 0, 1, 2]),
        **days,
    }
    for name, day in (("start_at", "start_date"), ("end_at", "end_date")):
        if record[day] is not None and kind != "lines" and rng.random() < 0.8:
            record[name] = record[day] * 1_440 + rng.choice([0, 60, 600, 1_200, 1_439])
    if kind in ("spells", "attendances", "emergency"):
        record["any_diagnosis"] = tuple(rng.sample(CODES, rng.randint(0, 3)))
        record["age"] = rng.choice([None, 18, 19, 70])
        record["sex"] = rng.choice(["1", "2", None])
    if kind in ("spells", "attendances"):
        record["any_procedure"] = tuple(rng.sample(CODES, rng.randint(0, 3)))
    if kind == "spells":
        record["patient_classification"] = rng.choice(["1", "2", None])
    if kind == "lines":
        record |= {
            "quantity": rng.choice([None, 0, 1, 3, 7]),
            "unit_price": rng.choice([None, 333, 5_000, 4_115]),
        }
    return record


def _row(rng: Random, register: str) -> dict[str, Any]:
    patient = {"patient_id": rng.choice(PATIENTS)}
    if register == "deaths":
        return patient | {"death_date": rng.randint(0, 8), "kind": register}
    valid = _days(rng, "valid_from", "valid_to")
    valid |= {"start_date": valid["valid_from"], "end_date": valid["valid_to"]}
    if register == "percentages":
        return valid | {
            "kind": register,
            "provider": rng.choice(PROVIDERS),
            "code": rng.choice(CODES),
            "base": rng.choice([100, 12_345]),
            "rate": rng.choice([25_000_000, 500_000_000]),
        }
    return (
        valid
        | patient
        | {"kind": rng.choice(["drug", "procedure"]), "code": rng.choice(CODES)}
        | {"provider": rng.choice([None, *PROVIDERS])}
    )


REGISTERS = ("deaths", "approvals", "percentages")


def random_held(rng: Random, most: int) -> Held:
    """Records of every kind and source, few patients and few days, so that they meet."""
    held: Held = {}
    sources = ["extract", *(s for s in ("history", "national", "earlier") if rng.random() < 0.5)]
    for source in sources:
        for kind in IDS:
            if kind == "spells" or rng.random() < 0.6:
                count = rng.randint(int((source, kind) == ("extract", "spells")), most)
                found = [_care(rng, kind, place) for place in range(count)]
                found += [dict(one) for one in found if rng.random() < 0.1]
                held[source, kind] = sorted(
                    found, key=lambda one: (one["provider"], one["record_id"])
                )
    for register in REGISTERS:
        if rng.random() < 0.7:
            held["extract", register] = [_row(rng, register) for _ in range(rng.randint(0, most))]
    return held
