"""Random rules of every scope and form, over the values that some records hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tariff.extract.fields import REGISTERS
from tariff.packs.model import (
    Applies,
    Every,
    ExceptionRule,
    Join,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Remedy,
    Rule,
    Same,
    SetKey,
    Shares,
    Some,
    Tier,
)
from tariff.packs.model import Test as Compare
from tariff.reference.predicates import scale_of
from tariff.reference.world import CARE, Record
from tests.differential.strategies import often, pounds

COMPARISONS = ("at_least", "at_most", "above", "below", "equals", "differs", "differs")
LISTS = {
    "methods": ["21", "2A", "11"],
    "hrgs": ["AA01A", "AB01Z", "UZ01Z"],
    "codes": ["A101", "Z942", "A010", "I10"],
    "stems": ["A1", "Z94", "AA01", "A0", "2"],
}
LIKELY_KEYS = ("patient_id", "patient_id", "provider", "site", "sex", "hrg", "start_date")
SINGLE = ("record", "spell", "reference", "reconcile")
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Known:
    """The fields of some records by the kind of value they hold, and values of each."""

    codes: tuple[str, ...]
    numbers: tuple[str, ...]
    many: tuple[str, ...]
    values: Mapping[str, Sequence[Any]]

    @staticmethod
    def of(records: Iterable[Record]) -> Known:
        """Those that hold one kind of value throughout."""
        values: dict[str, list[Any]] = {}
        for record in records:
            for name, value in record.items():
                if value is not None and value != ():
                    values.setdefault(name, []).append(value)
        types = {name: {type(value) for value in held} for name, held in values.items()}

        def holding(kind: type) -> tuple[str, ...]:
            return tuple(sorted(name for name, found in types.items() if found == {kind}))

        return Known(holding(str), holding(int), holding(tuple), values)


class RuleMaker:
    """Makes rules whose constants are values of the records, so that they find something."""

    def __init__(self, rng: Random, held: Mapping[tuple[str, str], Sequence[Record]]) -> None:
        self.rng = rng
        self.known = Known.of(record for records in held.values() for record in records)
        self.kinds = sorted({kind for _, kind in held if kind in CARE})
        self.registers = sorted({kind for _, kind in held if kind in REGISTERS})
        self.sources = sorted({source for source, _ in held})
        self.params: dict[str, Decimal] = {}

    def value(self, name: str) -> Any:
        """A value that some record has."""
        return self.rng.choice(self.known.values[name])

    # -- predicates

    def predicate(self, pair: bool, depth: int = 2, joins: bool = True) -> Predicate:
        """A predicate of a record or a pair."""
        rng = self.rng
        kind = rng.randrange(11)
        if depth and kind < 3:
            parts = tuple(self.predicate(pair, depth - 1, joins) for _ in range(rng.randint(0, 3)))
            return Every(parts) if kind == 0 else Some(parts)
        if depth and kind == 3:
            return Negation(self.predicate(pair, depth - 1, joins))
        if pair and kind == 4:
            return Same(rng.choice([*self.known.codes, *self.known.numbers]))
        if pair and kind == 5 and self.known.many:
            return Shares(rng.choice(self.known.many))
        if joins and kind in (6, 7):
            return self.join()
        side = rng.randrange(2) if pair else 0
        if kind == 8 and self.known.many:
            return self.code_test(side, rng.choice(self.known.many))
        if kind < 9:
            return self.number_test(side, pair)
        return self.code_test(side, rng.choice(self.known.codes), pair)

    def code_test(self, side: int, name: str, pair: bool = False) -> Compare:
        """A test of a code, or of a field of several."""
        rng = self.rng
        operation: Any = rng.choice(
            ["in", "in", "starts", "list", "list_starts", "missing", "present", "equals", "differs"]
        )
        if operation in ("equals", "differs") and name in self.known.codes:
            other = rng.randrange(2) if pair else side
            operand = Operand("field", rng.choice(self.known.codes), other)
            return Compare(name, side, operation, operand=operand)
        if operation in ("list", "list_starts"):
            return Compare(name, side, operation, (rng.choice(sorted(LISTS)),))
        if operation in ("missing", "present"):
            return Compare(name, side, operation)
        wanted = []
        for _ in range(rng.randint(1, 3)):
            value = self.value(name)
            wanted.append(rng.choice(value) if isinstance(value, tuple) else value)
        if operation == "starts":
            return Compare(
                name, side, "starts", tuple(code[: rng.randint(1, 3)] for code in wanted)
            )
        return Compare(name, side, "in", (*wanted, "zz"))

    def number_test(self, side: int, pair: bool) -> Compare:
        """A comparison of a number with a constant, a parameter or other fields."""
        rng, name = self.rng, self.rng.choice(self.known.numbers)
        if rng.random() < 0.1:
            return Compare(name, side, rng.choice(["missing", "present"]))  # type: ignore[arg-type]
        operation = rng.choice(COMPARISONS)
        by = None
        if operation == "differs" and rng.random() < 0.6:
            by = self.constant(name, rng.choice([0, 1, 2, 100, 10_000]))
        operand = self.operand(name, side, pair)
        return Compare(name, side, operation, operand=operand, by=by)  # type: ignore[arg-type]

    def operand(self, name: str, side: int, pair: bool) -> Operand:
        """The right side of a comparison."""
        rng, scale = self.rng, scale_of(name)
        if rng.random() < 0.5:
            return self.constant(name, self.value(name) + rng.choice([0, 0, 1, -1]))
        alike = [n for n in self.known.numbers if scale_of(n) == scale]
        counts = [n for n in self.known.numbers if scale_of(n) == 1]
        factors = [n for n in self.known.numbers if scale_of(n) == 10**9]
        of = rng.randrange(2) if pair else side
        plus = self.number_or_param(name, rng.choice([0, 0, 1, -1, 100]))
        times: Any = rng.choice([None, None, Decimal("0.5"), Decimal("1.075"), Decimal(2), "t"])
        if times == "t":
            times = f"p{len(self.params)}"
            self.params[times] = rng.choice([Decimal("0.25"), Decimal(3)])
        kind: Any = rng.choice(["field", "field", "sum", "less", "least", "most", "product"])
        if kind == "field":
            return Operand(kind, rng.choice(alike), of, plus, times)
        if kind == "product":
            others = factors if scale == 100 and factors and rng.random() < 0.5 else counts
            if scale == 10**9 or not others:
                others = counts
            names = rng.sample([rng.choice(alike), rng.choice(others)], 2)
            return Operand(kind, tuple(names), of, plus, times)
        count = 2 if kind == "less" else rng.randint(2, 3)
        return Operand(kind, tuple(rng.choice(alike) for _ in range(count)), of, plus, times)

    def number_or_param(self, name: str, units: int) -> Any:
        """A number of units, or the name of a parameter that is as many."""
        constant = self.constant(name, units)
        return constant.value

    def constant(self, name: str, units: int) -> Operand:
        """A number as it stands, or as a parameter."""
        if self.rng.random() < 0.6:
            return Operand("constant", units)
        param = f"p{len(self.params)}"
        self.params[param] = pounds(units, scale_of(name))
        return Operand("param", param)

    # -- joins

    def join(self) -> Join:
        """A join with other care, or with a register."""
        rng = self.rng
        without = rng.random() < 0.3
        least: Any = 0 if without else rng.choice([1, 1, 1, 2])
        most: Any = 0 if without else rng.choice([None, None, None, least, 2])
        where = self.predicate(True, 1, joins=False) if rng.random() < 0.5 else Every(())
        if self.registers and rng.random() < 0.3:
            on = rng.choice(["", "start_date", "end_date"])
            same = self.same(["patient_id"]) if rng.random() < 0.8 else (Same("provider"),)
            return Join((rng.choice(self.registers),), same, where, on=on,
                        at_least=least, at_most=most)  # fmt: skip
        source: Any = rng.choice(["", "", "", *self.sources])
        return Join(
            tuple(rng.sample(self.kinds, rng.randint(1, min(2, len(self.kinds))))),
            self.same(["patient_id", "patient_id", "provider", "site"]),
            where,
            source,
            self.span([None, None, -3, 0, 1, 3]) if rng.random() < 0.4 else (None, None),
            self.span([None, -600, 0, 1_440]) if rng.random() < 0.2 else (None, None),
            "",
            least,
            most,
            rng.random() < 0.2,
        )

    def same(self, names: Sequence[str]) -> tuple[Same, ...]:
        """What a join asks to be equal."""
        rng = self.rng
        first = Same(rng.choice(names))
        kind = rng.randrange(6)
        if kind == 0:
            return (first, Same(rng.choice(self.known.codes), rng.choice(self.known.codes)))
        if kind == 1:
            numbers = [n for n in self.known.numbers if scale_of(n) == 1]
            return (first, Same(rng.choice(numbers), rng.choice(numbers)))
        return (first,)

    def span(self, values: Sequence[int | None]) -> tuple[int | None, int | None]:
        """Two bounds, in order, or one."""
        low, high = self.rng.choice(values), self.rng.choice(values)
        if low is not None and high is not None and low > high:
            low, high = high, low
        return low, high

    # -- rules

    def rule(self, identifier: str) -> Rule:
        """A rule of any scope."""
        rng = self.rng
        self.params = {}
        scope: Any = rng.choice([*SINGLE, "sequence", "sequence", "sequence", "set", "set", "set"])
        pair = scope in ("sequence", "set")
        match = self.predicate(pair, rng.choice([0, 1, 2])) if rng.random() < 0.7 else Every(())
        if not pair and rng.random() < 0.4:
            match = Every((self.join(), match))
        reasons = ["planned"] if rng.random() < 0.33 else []
        exceptions = tuple(ExceptionRule(name, self.predicate(pair, 1)) for name in reasons)
        source: Any = rng.choice(self.sources) if scope == "reconcile" else "extract"
        several = rng.randint(1, len(self.kinds)) if rng.random() < 0.5 else 1
        tiers = self.tiers(pair) if rng.random() < 0.2 else ()
        return Rule(
            id=identifier,
            version="1.0.0",
            name="random",
            title="Random",
            class_="deterministic",
            status="stable",
            level="high",
            scope=scope,
            applies=self.applies(),
            match=match,
            exceptions=exceptions,
            pairing=self.pairing() if scope == "sequence" else None,
            set_key=self.set_key() if scope == "set" else None,
            step="duplicate",
            remedy=Remedy(kind="query"),
            params=self.params,
            needs={},
            needs_official_grouping=False,
            min_value=Decimal(0),
            what="",
            why="",
            ask="",
            legitimate_reasons=(),
            sources=(),
            tests=(),
            of=tuple(rng.sample(self.kinds, several)),
            source=source,
            tiers=tiers,
        )

    def tiers(self, pair: bool) -> tuple[Tier, ...]:
        """Two or three tiers; the last may ask for nothing."""
        rng = self.rng
        whens: list[Predicate | None] = [self.predicate(pair, 1) for _ in range(rng.randint(1, 2))]
        whens.append(rng.choice([None, self.predicate(pair, 1)]))
        return tuple(
            Tier(f"t{place}", "presumptive", "low", when) for place, when in enumerate(whens)
        )

    def applies(self) -> Applies:
        """Dates of validity, mostly open."""
        rng = self.rng
        days = self.known.values.get("end_date", [0])
        day = EPOCH + timedelta(days=rng.choice(days) + rng.randint(-1, 1))
        return Applies(
            from_=often(rng, None, [day, date(1969, 4, 2)], 0.2),
            to=often(rng, None, [day + timedelta(days=2), day], 0.2),
            on=rng.choice(["end_date", "end_date", "start_date"]),
        )

    def pairing(self) -> Pairing:
        """How two records stand to each other: one relation at least."""
        rng = self.rng
        same = ("patient_id", *rng.choice([(), (), ("provider",), ("hrg", "site")]))
        kind = rng.randrange(8)
        overlap = rng.choice([0, 1, 2, -2])
        if kind < 3:
            low = rng.choice([None, 0, 1, -3])
            return Pairing(same, low, rng.choice([None if low is not None else 0, 0, 1, 2, 30]))
        if kind == 3:
            return Pairing(same, overlap_min=overlap)
        if kind == 4:
            return Pairing(same, contains=True)
        if kind == 5:
            low, high = rng.choice([(0, 60), (None, 1_440), (-600, None), (-60, 600)])
            return Pairing(same, minutes_min=low, minutes_max=high)
        if kind == 6:
            low, high = rng.choice([(0, 0), (0, 2), (1, None), (None, 3)])
            return Pairing(same, starts_min=low, starts_max=high)
        return Pairing(
            same,
            rng.choice([None, -1]),
            rng.choice([None, 1]),
            overlap,
            rng.random() < 0.3,
            starts_min=rng.choice([None, 0]),
            starts_max=rng.choice([None, 1]),
        )

    def set_key(self) -> SetKey:
        """How records are put together."""
        rng = self.rng
        if rng.random() < 0.15:
            return SetKey(("all_fields",))
        names = [n for n in LIKELY_KEYS if n in self.known.values]
        names += [rng.choice([*self.known.codes, *self.known.numbers])]
        key = tuple(dict.fromkeys(rng.choice(names) for _ in range(rng.randint(1, 3))))
        near = None
        if rng.random() < 0.4:
            name = rng.choice(self.known.numbers)
            near = (name, self.constant(name, rng.choice([0, 1, 2, 60, 200])))
        return SetKey(key, rng.choice(["first", "dearest"]), near)  # type: ignore[arg-type]
