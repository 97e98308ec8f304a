"""Which fields and codes of an episode do not validate, in words (docs/grouping.md, Validation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tariff.engine.frame import VALIDATED_CODES, VALIDATED_NUMBERS
from tariff.explain.rows import Row, family_of
from tariff.explain.words import field_name
from tariff.reference.tables import GroupTables
from tariff.reference.validate import in_code_set, valid_diagnosis, valid_procedure
from tariff.reference.values import number, primary, text


@dataclass
class Validity:
    """What validation says of one episode."""

    category: str = ""
    fields: dict[str, str] = field(default_factory=dict)  # field in error: what is wrong
    why: list[str] = field(default_factory=list)  # reasons that are of no field
    left_out: list[str] = field(default_factory=list)  # invalid codes that are not grouped


def validate(tables: GroupTables, rows: Sequence[Row], fields: frozenset[str]) -> list[Validity]:
    """Validate the episodes of a spell."""
    spell_wide = _differing(tables, rows, fields)
    return [_episode(tables, row, fields, spell_wide) for row in rows]


def _episode(
    tables: GroupTables, row: Row, fields: frozenset[str], spell_wide: list[str]
) -> Validity:
    out = Validity()
    for name in VALIDATED_CODES:
        if name in fields:
            _code(out, tables, name, text(row, name))
    for name in VALIDATED_NUMBERS:
        if name in fields:
            _number(out, tables, name, number(row, name))
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
    _categorise(out, tables, row, first, spell_wide)
    return out


def _code(out: Validity, tables: GroupTables, name: str, value: str | None) -> None:
    accepted = tables.fields.accepted.get(name)
    if value is None:
        if name in tables.fields.mandatory:
            out.fields[name] = f"the {field_name(name)} is blank"
    elif accepted is None or value not in accepted:
        out.fields[name] = f"the {field_name(name)} {value} is not an accepted value"


def _number(out: Validity, tables: GroupTables, name: str, value: int | None) -> None:
    bounds = tables.fields.numeric.get(name)
    if bounds is None:
        return
    if value is None:
        if name in tables.fields.mandatory:
            out.fields[name] = f"the {field_name(name)} is blank"
    elif not bounds.min <= value <= bounds.max and value not in bounds.also:
        out.fields[name] = (
            f"the {field_name(name)} {value:,} is not from {bounds.min:,} to {bounds.max:,}"
        )


def _categorise(
    out: Validity, tables: GroupTables, row: Row, first: str | None, spell_wide: list[str]
) -> None:
    age, limit = number(row, "age"), tables.codes.child_primary.max_age
    if out.fields:
        out.category = "field"
    elif spell_wide:
        out.category = "spell"
        out.why = spell_wide
    elif first is not None and in_code_set(tables.codes.never_primary, first):
        out.category = "UZ01"
        out.why = [f"the diagnosis {first} may not stand first"]
    elif (
        first is not None
        and in_code_set(tables.codes.child_primary, first)
        and age is not None
        and limit is not None
        and age > limit
    ):
        out.category = "UZ03"
        out.why = [f"the perinatal diagnosis {first} stands first at the age of {age}"]


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
