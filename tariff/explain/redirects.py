"""Redirects: rules that move a spell from one root to another, and what each of them asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tariff.explain.words import codes, span
from tariff.reference.group import redirect_holds
from tariff.reference.tables import GroupTables, Redirect

ASKED = {  # column to what its codes are
    "driver": "driven by a procedure",
    "procedures": "with a procedure",
    "no_procedures": "without a procedure",
    "primary": "with a primary diagnosis",
    "diagnoses": "with another diagnosis",
    "no_diagnoses": "without another diagnosis",
}


@dataclass(frozen=True)
class Record:
    """What redirects ask of a spell."""

    flag: str
    driver: str
    procedures: Sequence[str]
    primary: str | None
    others: Sequence[str]  # diagnoses other than the primary
    age: int | None
    stay: int | None
    source: str | None


@dataclass(frozen=True)
class Move:
    """A redirect that applied: its place in the table, and the codes that met it by column."""

    place: int
    start: str
    to: str
    met: dict[str, list[str]] = field(default_factory=dict)


def moves(tables: GroupTables, root: str, record: Record) -> list[Move]:
    """Give the redirects that applied; the table is read once, from top to bottom."""
    out = []
    for place, rule in enumerate(tables.redirects):
        if rule.root == root and redirect_holds(
            rule,
            (record.flag, record.driver),
            record.procedures,
            record.primary,
            record.others,
            record.age,
            record.stay,
            record.source,
        ):
            out.append(Move(place, root, rule.to, _met(rule, record)))
            root = rule.to
    return out


def _met(rule: Redirect, record: Record) -> dict[str, list[str]]:
    """Give the code that met each set of a redirect, by column."""
    held: dict[str, tuple[tuple[tuple[str, ...], ...], Iterable[str | None]]] = {
        "driver": (rule.driver, [record.driver]),
        "procedures": (rule.procedures, record.procedures),
        "primary": (rule.primary, [record.primary]),
        "diagnoses": (rule.diagnoses, record.others),
    }
    return {
        column: [
            next(code for code in found if code is not None and code.startswith(prefixes))
            for prefixes in sets
        ]
        for column, (sets, found) in held.items()
        if sets
    }


def asks(row: Mapping[str, str], met: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Give what a row of the redirects asks in words, with the codes that met it."""
    out = []
    for column, words in ASKED.items():
        if row[column].strip():
            glue = ", or " if column.startswith("no_") else ", and "
            said = f"{words} of {of_sets(row[column], glue)}"
            found = (met or {}).get(column)
            out.append(f"{said} ({', '.join(found)})" if found else said)
    for column, words in (("age", "age"), ("stay", "stay")):
        low, high = row[f"{column}_min"], row[f"{column}_max"]
        if low or high:
            out.append(f"{words} {span(int(low) if low else None, int(high) if high else None)}")
    if row["admission_source"]:
        out.append(f"admitted from {codes(row['admission_source'].split())}")
    return out


def of_sets(cell: str, glue: str = ", and ") -> str:
    """Give sets of prefixes in words; `@list` is a list of the pack."""
    return glue.join(_of_set(part.split()) for part in cell.split("+"))


def _of_set(words: list[str]) -> str:
    lists = [f"the list {word[1:].replace('_', ' ')}" for word in words if word[0] == "@"]
    return codes([*lists, *(word for word in words if word[0] != "@")])
