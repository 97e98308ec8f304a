"""Records given as dicts, and what rules find in them by looking at every pair in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from tariff.engine.match import Matcher
from tariff.engine.record_set import KINDS, SOURCES, Codes, Ids, Many, RecordSet
from tariff.packs.compile import NULL64
from tariff.packs.model import (
    Applies,
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
    Test,
)

Row = dict[str, Any]  # text: a code; a number; a tuple: several values; `kind`, `source`


class FakeBlock:
    """The records of one kind from one source, from dicts."""

    def __init__(self, kind: str, source: str, rows: Sequence[Row]) -> None:
        self.kind, self.source, self.rows = kind, source, list(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _has(self, name: str, kind: type) -> bool:
        return any(isinstance(row.get(name), kind) for row in self.rows)

    def is_code(self, name: str) -> bool:
        return self._has(name, str)

    def is_many(self, name: str) -> bool:
        return self._has(name, tuple)

    def codes(self, name: str) -> Codes:
        # ids in order of appearance: nothing may depend on them; identifiers give no values
        values = list(dict.fromkeys(v for row in self.rows if (v := row.get(name)) is not None))
        ids = np.array([values.index(v) if (v := row.get(name)) is not None else -1
                        for row in self.rows], np.int64)  # fmt: skip
        return ids, [] if name == "patient_id" else values

    def number(self, name: str) -> Ids:
        cells = (row.get(name) for row in self.rows)
        return np.array([v if isinstance(v, int) else NULL64 for v in cells], np.int64)

    def many(self, name: str) -> Many:
        cells = [row.get(name) or () for row in self.rows]
        values = sorted({v for cell in cells for v in cell}, reverse=True)
        start = np.cumsum([0, *(len(cell) for cell in cells)]).astype(np.int64)
        ids = np.array([values.index(v) for cell in cells for v in cell], np.int64)
        return start, ids, values

    def texts(self, name: str, which: Ids) -> pa.Array:
        return pa.array([self.rows[i].get(name) for i in which.tolist()], pa.string())

    def release(self) -> None:
        """Nothing is kept."""

    def provenance(self, record: int) -> Any:
        raise NotImplementedError


def record_set(rows: Iterable[Row]) -> tuple[RecordSet, list[Row]]:
    """Put records under one numbering; also gives them in its order."""
    kept = list(rows)
    kinds = dict.fromkeys((*KINDS, *(row["kind"] for row in kept)))
    blocks = [
        FakeBlock(kind, source, found)
        for source in SOURCES
        for kind in kinds
        if (found := [r for r in kept if r["kind"] == kind and r["source"] == source])
    ]
    return RecordSet(blocks), [row for block in blocks for row in block.rows]


def rule(match: Predicate, name: str = "TST01", **changes: Any) -> Rule:
    """Give a rule with nothing in it but what is matched."""
    excepted = changes.pop("exceptions", ())
    found = Rule(
        id=name, version="1.0.0", name=name, title=name, class_="presumptive", status="stable",
        level="high", scope="record", applies=Applies(), match=match,
        exceptions=tuple(ExceptionRule(f"e{n}", when) for n, when in enumerate(excepted)),
        pairing=None, set_key=None, step="identity", remedy=Remedy("query"), params={}, needs={},
        needs_official_grouping=False, min_value=Decimal(0), what="", why="", ask="",
        legitimate_reasons=(), sources=(), tests=(),
    )  # fmt: skip
    scope = "sequence" if "pairing" in changes else "set" if "set_key" in changes else "record"
    return replace(found, **{"scope": scope, **changes})


Found = dict[str, list[tuple[Any, ...]]]


def found_by(rules: Sequence[Rule], rows: Sequence[Row], lists: dict[str, list[str]] | None = None,
             *, threads: int = 1, parts: int = 1) -> Found:  # fmt: skip
    """Give what the engine finds, records by their `record_id`: (records, kept, partner)."""
    records, placed = record_set(rows)

    def name(number: int | None) -> str | None:
        return None if number is None or number < 0 else placed[number]["record_id"]

    hits = Matcher(records, threads=threads, parts=parts).run([(r, lists or {}) for r in rules])
    out: Found = {
        key: sorted(
            ((name(r),), None, name(p))
            for r, p in zip(one.records.tolist(), one.partners.tolist(), strict=True)
        )
        for key, one in hits.single.items()
    }
    for key, groups in hits.groups.items():
        out[key] = sorted(
            (tuple(map(name, hit.records)), name(hit.kept), name(hit.partner)) for hit in groups
        )
    return out


# ---------------------------------------------------------------- every pair in turn


def order_of(row: Row) -> tuple[Any, ...]:
    first, last, kind = row.get("start_date"), row.get("end_date"), row["kind"]
    care = KINDS.index(kind) if kind in KINDS else 9
    return (first is None, first or 0, last is None, -(last or 0), care,
            row.get("patient_classification") or "", SOURCES.index(row["source"]),
            row.get("provider") or "", row["record_id"])  # fmt: skip


class Naive:
    """What rules find, written from docs/signatures.md without a thought for speed."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = sorted(rows, key=order_of)

    def of(self, kinds: Sequence[str], sources: Sequence[str]) -> list[Row]:
        return [r for r in self.rows if r["kind"] in kinds and r["source"] in sources]

    def operand(self, asked: Operand, sides: tuple[Row, Row]) -> Any:
        if asked.kind == "constant":
            return asked.value + asked.plus
        single = asked.kind == "field"
        names = (asked.value,) if single else asked.value
        values = [sides[asked.side].get(name) for name in names]
        if None in values or isinstance(values[0], str):
            return values[0] if single else None
        of = {
            "field": sum,
            "sum": sum,
            "least": min,
            "most": max,
            "less": lambda v: v[0] - v[1],
            "product": lambda v: Decimal(v[0] * v[1]) / 10**9,
        }  # a factor
        number = Decimal(of[asked.kind](values)) * (asked.times or 1)
        return int(number.quantize(Decimal(1), "ROUND_HALF_UP")) + asked.plus

    def holds(self, p: Predicate, sides: tuple[Row, Row]) -> bool:
        match p:
            case Negation(part):
                return not self.holds(part, sides)
            case Some(parts):
                return any(self.holds(part, sides) for part in parts)
            case Same(name, other):
                value = sides[1].get(name)
                return value is not None and value == sides[0].get(other or name)
            case Shares(name):
                return bool({*(sides[0].get(name) or ())} & {*(sides[1].get(name) or ())})
            case Join():
                if not self.of(p.of, (p.source,) if p.source else ("extract", "history")):
                    return False  # nothing can be said of what was not given
                return p.at_least <= len(self.others(p, sides[1])) <= (
                    9999 if p.at_most is None else p.at_most)  # fmt: skip
            case Test():
                return self.test(p, sides)
        return all(self.holds(part, sides) for part in p.parts)

    def test(self, t: Test, sides: tuple[Row, Row]) -> bool:
        value = sides[t.side].get(t.field)
        if t.operation in ("missing", "present"):
            return (not value and value != 0) == (t.operation == "missing")
        if t.operand is None:
            held = value if isinstance(value, tuple) else () if value is None else (value,)
            return any(v in t.codes if t.operation == "in" else v.startswith(t.codes) for v in held)
        other = self.operand(t.operand, sides)
        if value is None or other is None:
            return False
        if t.operation == "differs":
            return value != other if isinstance(value, str) else abs(value - other) > (
                self.operand(t.by, sides) if t.by else 0)  # fmt: skip
        return {"at_least": lambda: value >= other, "at_most": lambda: value <= other,
                "above": lambda: value > other, "below": lambda: value < other,
                "equals": lambda: value == other}[t.operation]()  # fmt: skip

    def others(self, j: Join, this: Row) -> list[Row]:
        def within(value: int | None, bounds: tuple[Any, Any]) -> bool:
            low, high = bounds
            if low is None and high is None:
                return True
            return value is not None and (low is None or value >= low) and (
                high is None or value <= high)  # fmt: skip

        def apart(one: str, other: str, row: Row) -> int | None:
            a, b = this.get(one), row.get(other)
            return None if a is None or b is None else a - b

        on = this.get(j.on) if j.on else None
        return [
            row for row in self.of(j.of, (j.source,) if j.source else ("extract", "history"))
            if row is not this and all(self.holds(same, (row, this)) for same in j.same)
            and within(apart("start_date", "end_date", row), j.days)
            and within(apart("start_at", "end_at", row), j.minutes)
            and (not j.on or (on is not None
                              and within(on, (row.get("valid_from"), row.get("valid_to")))))
            and self.holds(j.where, (row, this))
        ]  # fmt: skip

    def hit(self, r: Rule, sides: tuple[Row, Row]) -> bool:
        return self.holds(r.match, sides) and not any(
            self.holds(e.when, sides) for e in r.exceptions)  # fmt: skip

    def found(self, r: Rule) -> list[tuple[Any, ...]]:
        if r.pairing:
            return sorted((chain, None, None) for chain in self.chains(r, r.pairing))
        if r.set_key:
            return sorted(self.sets(r, r.set_key))
        rows = [row for row in self.of(r.of, (r.source,)) if self.hit(r, (row, row))]
        return sorted(((o["record_id"],), None, self.partner(r.match, o)) for o in rows)

    def partner(self, match: Predicate, this: Row) -> str | None:
        parts = getattr(match, "parts", (match,)) if not isinstance(match, Some) else ()
        joins = [p for p in parts if isinstance(p, Join) and p.at_most != 0]
        found = self.others(joins[0], this) if joins else []
        before = [row for row in found if order_of(row) < order_of(this)]
        if joins and joins[0].of[0] not in KINDS:
            before = []
        return (before or found[:1])[-1]["record_id"] if found else None

    def groups(self, r: Rule, key: Sequence[str]) -> list[list[Row]]:
        out: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.of(r.of, ("extract", "history")):
            if None not in (values := tuple(row.get(name) for name in key)):
                out.setdefault(values, []).append(row)
        return list(out.values())

    def chains(self, r: Rule, asked: Pairing) -> list[tuple[str, ...]]:
        linked: list[list[Row]] = []
        for group in self.groups(r, asked.same):
            for n, current in enumerate(group):
                for previous in group[:n]:
                    pair = (previous, current)
                    if self.stand(asked, *pair) and self.hit(r, pair):
                        near = [c for c in linked if any(m is a for m in c for a in pair)]
                        linked = [c for c in linked if not any(c is d for d in near)]
                        members = [*pair, *(m for c in near for m in c)]
                        linked.append(list({id(m): m for m in members}.values()))
        return [tuple(m["record_id"] for m in sorted(chain, key=order_of)) for chain in linked
                if any(m["source"] == "extract" for m in chain)]  # fmt: skip

    def stand(self, p: Pairing, i: Row, j: Row) -> bool:
        def in_(a: str, b: str, low: int | None, high: int | None) -> bool:
            if low is None and high is None:
                return True
            one, other = j.get(a), i.get(b)
            return one is not None and other is not None and (low is None or one - other >= low) \
                and (high is None or one - other <= high)  # fmt: skip

        ends = i.get("end_date"), j.get("end_date")
        known = None not in (*ends, i.get("start_date"), j.get("start_date"))
        return (in_("start_date", "end_date", p.gap_min, p.gap_max)
                and in_("start_at", "end_at", p.minutes_min, p.minutes_max)
                and in_("start_date", "start_date", p.starts_min, p.starts_max)
                and (p.overlap_min is None
                     or (known and min(ends) - j["start_date"] >= p.overlap_min))
                and (not p.contains or (known and j["start_date"] <= ends[0]
                                        and i["start_date"] <= ends[1] <= ends[0])))  # fmt: skip

    def sets(self, r: Rule, asked: SetKey) -> list[tuple[Any, ...]]:
        out = []
        for group in self.groups(r, asked.key):
            parts = [group]
            if asked.near:
                name, most = asked.near
                parts, last = [], None
                for row in sorted((g for g in group if g.get(name) is not None),
                                  key=lambda g: (g[name], order_of(g))):  # fmt: skip
                    if last is None or row[name] - last > most.value:
                        parts.append([])
                    parts[-1].append(row)
                    last = row[name]
            for members in parts:
                paid = [m for m in members if m["source"] == "history"]
                among = sorted(paid or members, key=order_of)
                kept = among[0] if asked.keep == "first" else min(among, key=lambda m: (
                    m.get("billed") is None, -(m.get("billed") or 0),
                    m.get("provider") or "", m["record_id"]))  # fmt: skip
                for m in members:
                    if m is not kept and m["source"] == "extract" and self.hit(r, (kept, m)):
                        both = sorted((kept, m), key=order_of)
                        out.append((tuple(b["record_id"] for b in both), kept["record_id"], None))
        return out
