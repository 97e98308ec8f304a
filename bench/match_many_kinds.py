"""Time and memory of matching alone, over records of every kind.

`python -m bench.match_many_kinds [RECORDS]`: so many spells (a million by default), five times as
many attendances, as many emergency attendances, 0.4 as many lines, and two registers; about 150
rules of every form. Columns are arbitrary; what is measured is the work, not what is found.
"""

from __future__ import annotations

import resource
import sys
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.match import Matcher
from tariff.engine.record_set import Codes, Ids, Many, RecordSet
from tariff.packs.compile import NULL64
from tariff.packs.model import Every, Join, Negation, Operand, Pairing, Rule, Same, SetKey, Some
from tariff.packs.model import Test as Asked
from tests.engine.matching import rule

PATIENTS = 1_500_000


def names(letter: str, numbers: Ids) -> pa.Array:
    """Give identifiers."""
    return pc.binary_join_element_wise(letter, pa.array(numbers).cast(pa.string()), "")


class ArrayBlock:
    """Records of one kind as arrays; columns are made when they are asked for."""

    source = "extract"

    def __init__(self, kind: str, count: int, seed: int) -> None:
        self.kind, self.count = kind, count
        random = np.random.default_rng(seed)
        self.patients = random.integers(0, PATIENTS, count, np.int32)
        self.first = random.integers(19000, 19365, count, np.int32)
        stay = random.integers(0, 6, count, np.int32) if kind == "spells" else np.int32(0)
        self.last = (self.first + stay).astype(np.int32)
        self.minute = random.integers(0, 1440, count, np.int32)
        self.price = random.integers(0, 400_000, count, np.int32)
        self.small = {
            name: random.integers(0, size, count).astype(np.int16)
            for name, size in {
                "provider": 12,
                "hrg": 1500,
                "billed_hrg": 1500,
                "treatment_function": 90,
                "patient_classification": 2,
                "gp_practice": 800,
                "attended": 5,
                "item": 300,
                "primary_diagnosis": 9000,
                "record": 1,
            }.items()
        }

    def __len__(self) -> int:
        return self.count

    def is_code(self, name: str) -> bool:
        return name in self.small or name in ("patient_id", "record_id")

    def is_many(self, name: str) -> bool:
        return name == "any_diagnosis"

    def codes(self, name: str) -> Codes:
        if name == "patient_id":
            values = names("P", np.arange(PATIENTS))
            return self.patients.astype(np.int64), values  # type: ignore[return-value]
        if name == "record_id":
            values = names(self.kind[0], np.arange(self.count))
            return np.arange(self.count), values  # type: ignore[return-value]
        if name not in self.small:
            return np.full(self.count, -1, np.int64), []
        ids = self.small[name].astype(np.int64)
        return ids, [f"{'ABCDEFGH'[n % 8]}{n:03}" for n in range(int(ids.max(initial=0)) + 1)]

    def number(self, name: str) -> Ids:
        if name in ("start_date", "valid_from"):
            return self.first.astype(np.int64)
        if name in ("end_date", "valid_to"):
            return self.last.astype(np.int64)
        if name in ("start_at", "end_at"):
            return self.first.astype(np.int64) * 1440 + self.minute
        if name in ("billed", "total", "base", "unit_price"):
            return (self.price + len(name)).astype(np.int64)
        if name in ("age", "spell_days"):
            return (self.minute % 90).astype(np.int64)
        return np.full(self.count, NULL64, np.int64)

    def many(self, name: str) -> Many:
        _, values = self.codes("primary_diagnosis")
        ids = np.stack((self.small["primary_diagnosis"], self.small["hrg"]), axis=1).reshape(-1)
        return np.arange(0, 2 * self.count + 1, 2), ids.astype(np.int64), values

    def texts(self, name: str, which: Ids) -> pa.Array:
        if name == "record_id":
            return names(self.kind[0], which)
        ids, values = self.codes(name)
        return pa.array(values).take(pa.array(ids[which]))

    def provenance(self, record: int) -> Any:
        raise NotImplementedError


def rules() -> list[Rule]:
    """About 150 rules: of one record, of pairs, of sets, joined to care and to registers."""
    out: list[Rule] = []

    def add(match: Any, **changes: Any) -> None:
        out.append(rule(match, f"R{len(out):03}", **changes))

    def code(name: str, *codes: str, side: int = 0) -> Asked:
        return Asked(name, side, "starts", codes=codes)

    def field(name: str, plus: int = 0, side: int = 0) -> Operand:
        return Operand("field", name, side, plus)

    dear = Asked("billed", 0, "above", operand=Operand("field", "total", 0, 300_000))
    for n in range(60):  # of one record alone
        kinds = (("spells", "attendances"), ("attendances",), ("emergency", "lines"))[n % 3]
        far = Operand("product", ("unit_price", "age"), 0, n, Decimal("0.5"))
        add(
            Every((
                code("hrg", f"A{n % 10}", "B1"),
                Some((Asked("age", 0, "above", operand=Operand("constant", 80)), dear)),
                Negation(code("any_diagnosis", f"C{n % 9}")),
                Asked("billed", 0, "above", operand=far),
            )),
            of=kinds,
        )  # fmt: skip
    patient, provider = Same("patient_id"), Same("provider")
    within = Asked("start_date", 1, "above", operand=field("start_date"))
    for n in range(40):  # joined to other care; those about attendances let most through
        of = ("attendances", "spells", "emergency", "lines")[n % 4]
        to = ("spells", "attendances", "spells", "attendances", "emergency")[n % 5]
        some = code("attended", "A", "B", "C") if n % 4 == 0 else code("hrg", f"A{n % 10}")
        join = Join((to,), (patient, provider), Every((within, code("hrg", "A", "B"))), days=(0, 3))
        if n % 7 == 0:
            join = Join((to,), (patient,), at_least=0, at_most=0)
        add(Every((some, join)), of=(of,))
    for n in range(20):  # joined to registers
        of = ("attendances", "spells")[n % 2]
        blank = Some((Asked("hrg", 0, "missing"),
                      Asked("hrg", 1, "equals", operand=field("hrg"))))  # fmt: skip
        join = Join(("services",), (provider,), blank, at_least=0, at_most=0)
        if n % 2:
            join = Join(("registrations",), (patient,), on="start_date")
        add(Every((join,)), of=(of,))
    for n in range(20):
        kinds = (("spells",), ("attendances",), ("spells", "emergency"))[n % 3]
        add(
            Every((code("hrg", f"A{n % 10}"), Same("treatment_function"))),
            of=kinds,
            pairing=Pairing(("patient_id", "provider"), gap_min=0, gap_max=7),
        )
    for n in range(10):
        kinds = (("spells",), ("attendances",), ("lines",))[n % 3]
        key = ("patient_id", "provider", "start_date") if n % 2 else ("provider", "hrg", "billed")
        add(Same("treatment_function"), of=kinds, set_key=SetKey(key, "dearest"))
    return out


def main(count: int, only: str = "") -> None:
    """Match and say how long it took."""
    blocks = [
        ArrayBlock("spells", count, 1),
        ArrayBlock("attendances", 5 * count, 2),
        ArrayBlock("emergency", count, 3),
        ArrayBlock("lines", 2 * count // 5, 4),
        ArrayBlock("services", 3000, 5),
        ArrayBlock("registrations", count, 6),
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    asked = rules()
    groups = {"all": asked} if not only else {
        "single": asked[:60], "care": asked[60:100], "registers": asked[100:120],
        "pairs": asked[120:140], "sets": asked[140:]}  # fmt: skip
    for name, part in groups.items():
        started = time.perf_counter()
        hits = Matcher(RecordSet(blocks), threads=2).run([(r, {}) for r in part])
        taken = time.perf_counter() - started
        found = sum(len(s.records) for s in hits.single.values())
        found += sum(len(g) for g in hits.groups.values())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{name}: {len(part)} rules, {taken:.1f} s, {found} hits, {before} to {peak} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, *sys.argv[2:])
