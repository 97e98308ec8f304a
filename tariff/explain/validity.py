"""Which fields and codes of an episode do not validate, in words (docs/grouping.md, Validation)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tariff.engine.frame import VALIDATED_CODES, VALIDATED_NUMBERS
from tariff.explain.rows import Row, family_of
from tariff.explain.words import codes, field_name
from tariff.reference.group import dominant_procedure
from tariff.reference.tables import GroupTables
from tariff.reference.validate import (
    FIELD,
    SPELL,
    UZ01,
    UZ02,
    UZ03,
    UZ04,
    UZ05,
    UZ06,
    UZ15,
    error_categories,
    field_error,
    in_code_set,
    valid_diagnosis,
    valid_procedure,
)
from tariff.reference.values import number, primary, text

# In the order in which they are tested: what would mend an episode of the category.
MENDS = {
    FIELD: "an accepted value in each field named",
    SPELL: "the same values in every episode, and an episode number of its own for each",
    UZ01: "the condition that was treated as the primary diagnosis, this one after it",
    UZ02: "a more specific code of the condition",
    UZ03: "the right age, or a primary diagnosis of that age",
    UZ04: "a fifth character that the category takes, or none",
    UZ15: "a primary diagnosis with the place of the burn, and a code of the area burnt beside it",
    UZ05: "the procedure that was done, these after it",
    UZ06: "a more specific code of the procedure",
}


@dataclass
class Validity:
    """What validation says of one episode."""

    category: str = ""
    fields: dict[str, str] = field(default_factory=dict)  # field in error: what is wrong
    why: list[str] = field(default_factory=list)  # reasons that are of no field
    left_out: list[str] = field(default_factory=list)  # invalid codes that are not grouped


def validate(tables: GroupTables, rows: Sequence[Row], fields: frozenset[str]) -> list[Validity]:
    """Validate the episodes of a spell."""
    dominant = partial(dominant_procedure, tables, alone=len(rows) == 1)
    categories = error_categories(tables, rows, fields, dominant)
    out = [_fields(tables, row, fields) for row in rows]
    for told, row, category in zip(out, rows, categories, strict=True):
        told.category = category or ""
        if category == SPELL:
            told.why = _differing(tables, rows, fields)
        elif category not in (None, FIELD):
            told.why = [_why(tables, row, category, dominant)]
    return out


# ---------------------------------------------------------------- fields and codes


def _fields(tables: GroupTables, row: Row, fields: frozenset[str]) -> Validity:
    out = Validity()
    for name in (*VALIDATED_CODES, *VALIDATED_NUMBERS):
        if name in fields and field_error(tables, row, name):
            out.fields[name] = _wrong(tables, row, name)
    first = primary(row)
    if first is None:
        out.fields["diag_01"] = "the primary diagnosis is blank"
    elif not valid_diagnosis(tables.codes, first):
        out.fields["diag_01"] = f"the primary diagnosis {first} is not a valid code"
    for name, prefix, valid, skip in (
        ("diagnoses", "diag_", valid_diagnosis, 1),
        ("procedures", "oper_", valid_procedure, 0),
    ):
        bad = [
            code
            for position, code in family_of(row, prefix)
            if position != skip and not valid(tables.codes, code)
        ]
        if bad and tables.invalid_secondary_is_error:
            out.fields[name] = f"not valid: {', '.join(bad)}"
        out.left_out += bad
    return out


def _wrong(tables: GroupTables, row: Row, name: str) -> str:
    """Say what is wrong with a field in error, and what it may hold."""
    said = f"the {field_name(name)}"
    if name in VALIDATED_CODES:
        value = text(row, name)
        accepted = [str(code) for code in tables.fields.accepted.get(name, []) if code]
        may = f"; accepted are {codes(accepted)}" if accepted else ""
        if value is None:
            return f"{said} is blank{may}"
        return f"{said} {value} is not an accepted value{may}"
    amount, bounds = number(row, name), tables.fields.numeric.get(name)
    if amount is None or bounds is None:
        return f"{said} is blank"
    also = f", or {codes([str(value) for value in bounds.also])}" if bounds.also else ""
    return f"{said} {amount:,} is not from {bounds.min:,} to {bounds.max:,}{also}"


# ---------------------------------------------------------------- categories


def _differing(tables: GroupTables, rows: Sequence[Row], fields: frozenset[str]) -> list[str]:
    """Say what breaks the spell as a whole: fields that differ, episode numbers used twice."""
    out = []
    for name in tables.fields.same_in_spell:
        if name in fields and name in VALIDATED_CODES:
            values = [text(row, name) or "blank" for row in rows]
            if len(set(values)) > 1:
                out.append(f"the {field_name(name)} differs: {', '.join(values)}")
    orders = [number(row, "episode_order") for row in rows]
    twice = sorted({order for order in orders if order is not None and orders.count(order) > 1})
    if "episode_order" in fields and twice:
        out.append(f"episode number {', '.join(map(str, twice))} is used twice")
    return out


def _why(
    tables: GroupTables, row: Row, category: str, dominant: Callable[[Row], str | None]
) -> str:
    """Say why an episode is in a category."""
    first = primary(row)
    assert first is not None
    if category == UZ15:
        if in_code_set(tables.codes.vague_burn, first):
            return f"the burn {first} stands first without its place"
        areas = codes(sorted(tables.injuries.burn_areas))
        return f"a burn without a code of the area burnt ({areas})"
    if category == UZ04:
        rules = tables.codes.fifth_characters
        allowed = next(r.allowed for r in rules if first.startswith(tuple(r.categories)))
        takes = codes(list(allowed))
        return f"the diagnosis {first} stands first; its category takes a fifth character {takes}"
    return {
        UZ01: f"the diagnosis {first} may not stand first",
        UZ02: f"the diagnosis {first} is too vague to stand first",
        UZ03: f"the perinatal diagnosis {first} stands first at the age of {number(row, 'age')}",
        UZ05: "none of its procedures may be the dominant one",
        UZ06: f"the procedure {dominant(row)} would drive and is too vague to",
    }[category]
