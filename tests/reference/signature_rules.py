"""Rules and records in memory, to say one sentence of docs/signatures.md each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tariff.packs.model import Applies, Every, Operand, Predicate, Remedy, Rule
from tariff.reference.match import Hit, match_rule
from tariff.reference.world import Entry, Record, World

TRUE = Every(())
Fields = dict[str, Any]
Found = tuple[str, tuple[str, ...], str | None]


def rule(scope: Any, match: Predicate = TRUE, **values: Any) -> Rule:
    """Make a rule."""
    defaults: dict[str, Any] = {
        "id": "TST01",
        "version": "1.0.0",
        "name": "test",
        "title": "Test",
        "class_": "deterministic",
        "status": "stable",
        "level": "high",
        "scope": scope,
        "applies": Applies(),
        "match": match,
        "exceptions": (),
        "pairing": None,
        "set_key": None,
        "step": "duplicate",
        "remedy": Remedy(kind="query"),
        "params": {},
        "needs": {},
        "needs_official_grouping": False,
        "min_value": Decimal(0),
        "what": "",
        "why": "",
        "ask": "",
        "legitimate_reasons": (),
        "sources": (),
        "tests": (),
    }
    return Rule(**defaults | values)


def record(name: str, first: int | None = 0, last: int | None = 0, **values: Any) -> Fields:
    """Make a record of a patient that begins and ends on numbered days."""
    return {
        "provider": "R1A",
        "record_id": name,
        "spell_id": name,
        "patient_id": "P1",
        "start_date": first,
        "end_date": last,
        **values,
    }


def spells(*records: Record, **of: Sequence[Record]) -> World:
    """Make a world of spells, and of other kinds (`lines`) or sources (`history_spells`)."""
    held: dict[tuple[str, str], Sequence[Record]] = {("extract", "spells"): records}
    for name, others in of.items():
        source, _, kind = name.partition("_")
        known = source in ("history", "national", "earlier")
        held[(source, kind) if known else ("extract", name)] = others
    return World(held)


def entry(fields: Record, kind: str = "spells") -> Entry:
    """Make a record that stands alone."""
    return Entry("extract", kind, 0, fields)


def named(world: World, hits: Sequence[Hit]) -> list[Found]:
    """Write hits by the ids of their records: rule, records, the one kept."""
    names = {one.ref: str(one.get("record_id")) for one in world.entries}
    return sorted(
        (hit.rule, tuple(names[ref] for ref in hit.records), names[hit.kept] if hit.kept else None)
        for hit in hits
    )


def found(asked: Rule, world: World, lists: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Say what a rule finds: the ids of the records of each hit, written together."""
    return ["".join(records) for _, records, _ in named(world, match_rule(asked, world, lists))]


def kept(asked: Rule, world: World) -> list[tuple[str, str | None]]:
    """Say what a rule finds, and which record is kept."""
    return [("".join(records), kept) for _, records, kept in named(world, match_rule(asked, world))]


def partners(asked: Rule, world: World) -> dict[str, str | None]:
    """Say which partner each record has that a rule finds."""
    names = {one.ref: str(one.get("record_id")) for one in world.entries}
    return {
        names[hit.records[0]]: names[hit.partner] if hit.partner else None
        for hit in match_rule(asked, world)
    }


def number(value: int) -> Operand:
    """Make a constant, in the units of the field compared."""
    return Operand("constant", value)
