"""Random rules of every scope over the values that some records hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tariff.packs.match_fields import MATCH_FIELDS, MatchField
from tariff.packs.model import (
    Applies,
    Every,
    ExceptionRule,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Remedy,
    Rule,
    Same,
    SetKey,
    Some,
)
from tariff.packs.model import Test as Compare
from tariff.packs.predicates import _comparable
from tariff.reference.records import Record
from tests.differential.strategies import often, pounds

COMPARISONS = ("at_least", "at_most", "above", "below", "equals", "differs", "differs")
LISTS = {"methods": ["21", "2A", "11"], "hrgs": ["AA01A", "AB01Z", "UZ01Z"], "chapters": ["I"]}
CODES = sorted(name for name, item in MATCH_FIELDS.items() if item.kind == "code")
NUMBERS = sorted(name for name, item in MATCH_FIELDS.items() if item.kind != "code")
KEYS = (
    "provider", "patient_id", "site", "admission_date", "discharge_date", "hrg", "priced_hrg",
    "primary_diagnosis", "sex", "age", "billed", "point_of_delivery",
)  # fmt: skip


class RuleMaker:
    """Makes rules whose constants are values of the records, so that they find something."""

    def __init__(self, rng: Random, records: Sequence[Record]) -> None:
        self.rng = rng
        self.records = records
        self.params: dict[str, Decimal] = {}

    def value(self, name: str) -> Any:
        """A value of a field of some record that has one, if one is found soon."""
        for _ in range(4):
            value = self.rng.choice(self.records).get(name)
            if value is not None:
                return value
        return None

    # -- predicates

    def predicate(self, pair: bool, depth: int = 2) -> Predicate:
        """A predicate of a record or a pair."""
        rng = self.rng
        kind = rng.randrange(8)
        if depth and kind < 3:
            parts = tuple(self.predicate(pair, depth - 1) for _ in range(rng.randint(0, 3)))
            return Every(parts) if kind == 0 else Some(parts)
        if depth and kind == 3:
            return Negation(self.predicate(pair, depth - 1))
        if pair and kind == 4:
            return Same(rng.choice([*KEYS, "age", "total"]))
        side = rng.randrange(2) if pair else 0
        return self.code_test(side) if rng.random() < 0.5 else self.number_test(side, pair)

    def code_test(self, side: int) -> Compare:
        """A test of a code."""
        rng, name = self.rng, self.rng.choice(CODES)
        operation = rng.choice(["in", "in", "starts", "list", "missing", "present"])
        wanted = [str(v) for v in (self.value(name) for _ in range(rng.randint(1, 3))) if v]
        if operation == "list":
            return Compare(name, side, "list", (rng.choice(sorted(LISTS)),))
        if operation == "starts":
            prefixes = tuple(code[: rng.randint(1, 3)] for code in wanted or ["U"])
            return Compare(name, side, "starts", prefixes)
        if operation == "in":
            return Compare(name, side, "in", (*wanted, "zz"))
        return Compare(name, side, operation)  # type: ignore[arg-type]

    def number_test(self, side: int, pair: bool) -> Compare:
        """A comparison of a number with a constant, a parameter or another field."""
        rng, name = self.rng, self.rng.choice(NUMBERS)
        if rng.random() < 0.1:
            return Compare(name, side, rng.choice(["missing", "present"]))  # type: ignore[arg-type]
        operation = rng.choice(COMPARISONS)
        field = MATCH_FIELDS[name]
        by = None
        if operation == "differs" and rng.random() < 0.6:
            by = self.constant(field, rng.choice([0, 1, 2, 100, 10_000]))
        operand = self.operand(field, pair)
        return Compare(name, side, operation, operand=operand, by=by)  # type: ignore[arg-type]

    def operand(self, field: MatchField, pair: bool) -> Operand:
        """The right side of a comparison."""
        rng = self.rng
        value = self.value(field.name)
        if rng.random() < 0.6:
            near = (value or 0) + rng.choice([0, 0, 1, -1])
            return self.constant(field, near)
        others = [n for n in NUMBERS if _comparable(field, MATCH_FIELDS[n])]
        side = rng.randrange(2) if pair else 0
        return Operand("field", rng.choice(others), side, rng.choice([0, 0, 1, -1, 100]))

    def constant(self, field: MatchField, units: int) -> Operand:
        """A number as it stands or, of anything but a date, as a parameter."""
        if field.kind == "date" or self.rng.random() < 0.6:
            return Operand("constant", units)
        name = f"p{len(self.params)}"
        self.params[name] = pounds(units, field.scale)
        return Operand("param", name)

    # -- rules

    def rule(self, identifier: str) -> Rule:
        """A rule of any scope."""
        rng = self.rng
        self.params = {}
        scope = rng.choice(["record", "spell", "sequence", "sequence", "set", "set"])
        pair = scope in ("sequence", "set")
        match = self.predicate(pair, rng.choice([0, 1, 2])) if rng.random() < 0.7 else Every(())
        reasons = ["planned"] if rng.random() < 0.33 else []
        exceptions = tuple(ExceptionRule(name, self.predicate(pair, 1)) for name in reasons)
        return Rule(
            id=identifier,
            version="1.0.0",
            name="random",
            title="Random",
            class_="deterministic",
            status="stable",
            level="high",
            scope=scope,  # type: ignore[arg-type]
            applies=self.applies(),
            match=match,
            exceptions=exceptions,
            pairing=self.pairing() if scope == "sequence" else None,
            set_key=self.set_key() if scope == "set" else None,
            step="duplicate",
            remedy=Remedy(kind="query"),
            params=self.params,
            needs=(),
            needs_official_grouping=False,
            min_value=Decimal(0),
            what="",
            why="",
            ask="",
            legitimate_reasons=(),
            sources=(),
            tests=(),
        )

    def applies(self) -> Applies:
        """Dates of validity, mostly open."""
        rng = self.rng
        day = date(2022, 9, 1) + timedelta(days=rng.randint(-1, 6))
        return Applies(
            from_=often(rng, None, [day, date(2018, 4, 2)], 0.2),
            to=often(rng, None, [day + timedelta(days=2), date(2022, 9, 4)], 0.2),
            on=rng.choice(["discharge_date", "discharge_date", "admission_date"]),
        )

    def pairing(self) -> Pairing:
        """How two records stand to each other: one relation at least."""
        rng = self.rng
        same = ("patient_id", *rng.choice([(), (), ("provider",), ("sex", "site")]))
        low = rng.choice([None, 0, 1, -3])
        kind = rng.randrange(6)
        if kind < 3:
            high = rng.choice([None if low is not None else 0, 0, 1, 2, 30])
            return Pairing(same, low, high)
        overlap = rng.choice([0, 1, 2, -2])
        if kind == 3:
            return Pairing(same, overlap_min=overlap)
        if kind == 4:
            return Pairing(same, contains=True)
        return Pairing(
            same, rng.choice([None, -1]), rng.choice([None, 1]), overlap, rng.random() < 0.5
        )

    def set_key(self) -> SetKey:
        """How records are put together."""
        rng = self.rng
        if rng.random() < 0.15:
            return SetKey("episodes", ("all_fields",))
        key = tuple(dict.fromkeys(rng.choice(KEYS) for _ in range(rng.randint(1, 3))))
        if rng.random() < 0.5:
            key = tuple(dict.fromkeys(("patient_id", *key)))
        return SetKey("spells", key, rng.choice(["first", "dearest"]))
