"""How a remedy changes the codes of a spell, and to which HRG the changed one is priced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tariff.packs.model import Remedy, Removal
from tariff.reference.care import Care, codes_of, less
from tariff.reference.spells import Spell
from tariff.reference.values import Episode, day
from tariff.reference.world import Entry

Lists = Mapping[str, Sequence[str]]


def edited_hrg(care: Care, entry: Entry, changed: Spell) -> str | None:
    """Return the HRG that a changed spell is priced at; None where it cannot be told.

    Where the engine groups it as the real one, what is priced stays; where it groups otherwise, the
    new HRG counts if that of the real record is the one that is priced.
    """
    before, after = care.hrg_of(entry.ref, care.spell(entry.ref)), care.hrg_of(entry.ref, changed)
    priced = entry.get("priced_hrg")
    if before == after:
        return None if priced is None else str(priced)
    return after if before == priced else None


def edits_of(remedy: Remedy, spell: Spell, lists: Lists) -> list[Spell]:
    """Return the spells that a remedy makes of one: each of those that are to be tried."""
    if remedy.swap:
        return _swapped(spell, tuple(lists[remedy.swap]))
    asked = remedy.remove
    assert asked is not None
    gone = [_in_question(asked, spell, row, lists) for row in spell.episodes]
    if not asked.one:
        return [_taken_out(spell, gone)] if any(gone) else []
    codes = sorted(
        {str(row[c]) for row, mine in zip(spell.episodes, gone, strict=True) for c in mine}
    )
    return [
        _taken_out(
            spell,
            [
                {c for c in mine if row[c] == code}
                for row, mine in zip(spell.episodes, gone, strict=True)
            ],
        )
        for code in codes
    ]


def _in_question(asked: Removal, spell: Spell, row: Episode, lists: Lists) -> set[str]:
    """Return the columns of an episode whose codes are taken out."""
    diagnoses, procedures = codes_of(row, "diag"), codes_of(row, "oper")
    if asked.what == "pairs":
        named = [c for c in diagnoses if c[0] != "diag_01"]
        return _seconds(diagnoses, lists[asked.list_]) & dict(named).keys() | _seconds(
            procedures, lists[asked.list_]
        )
    if asked.what == "procedures" and not asked.list_:
        first, last = spell.admission_date, spell.discharge_date
        out = set()
        for column, _ in procedures:
            when = day(row, f"oper_date_{column[-2:]}")
            if when is not None and (
                (first is not None and when < first) or (last is not None and when > last)
            ):
                out.add(column)
        return out
    prefixes = tuple(lists[asked.list_])
    if asked.what == "procedures":
        return {column for column, code in procedures if code.startswith(prefixes)}
    return {c for c, code in diagnoses if c != "diag_01" and code.startswith(prefixes)}


def _seconds(codes: Sequence[tuple[str, str]], pairs: Sequence[str]) -> set[str]:
    """Return the columns of codes that are the second of a pair of which the first is there."""
    out = set()
    for pair in pairs:
        first, _, second = pair.partition("+")
        for column, code in codes:
            if code.startswith(second) and any(
                other.startswith(first) for place, other in codes if place != column
            ):
                out.add(column)
    return out


def _taken_out(spell: Spell, gone: Sequence[set[str]]) -> Spell:
    rows = [
        less(less(row, "diag", mine), "oper", mine)
        for row, mine in zip(spell.episodes, gone, strict=True)
    ]
    return replace(spell, episodes=tuple(rows))


def _swapped(spell: Spell, prefixes: tuple[str, ...]) -> list[Spell]:
    """Let the primary diagnosis change places with each secondary one in a list."""
    first = spell.first
    return [
        replace(
            spell,
            episodes=({**first, "diag_01": code, column: first["diag_01"]}, *spell.episodes[1:]),
        )
        for column, code in codes_of(first, "diag")
        if column != "diag_01" and code.startswith(prefixes)
    ]


def best_edit(
    remedy: Remedy, base: Spell, options: Sequence[Spell], priced: Callable[[Spell], int | None]
) -> tuple[bool, int | None]:
    """Say whether the finding stands, and what is allowed: the lowest price of the options.

    A removal of codes one by one stands where exactly one of them lowers the price.
    """
    removal = remedy.remove
    if not options:
        return removal is None or removal.what != "pairs", None
    totals = [total for total in map(priced, options) if total is not None]
    if removal is not None and not removal.one:
        return True, totals[0] if totals else None
    now = priced(base)
    if now is None or not totals:
        return True, None
    lower = [total for total in totals if total < now]
    if removal is not None and len(lower) != 1:
        return False, None
    return True, min(totals)
