"""Groups one emergency attendance, as docs/grouping-other-care.md has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tariff.packs.model import Applies, EmergencyGroupsPack
from tariff.reference.tables import PackLike, of_kind, side_table
from tariff.reference.values import Value, family, number, text


@dataclass(frozen=True, slots=True)
class EmergencyTables:
    """A pack of emergency groups. A code maps to its category and its third digits."""

    manifest: EmergencyGroupsPack
    investigations: dict[str, tuple[int, str]]
    treatments: dict[str, tuple[int, str]]
    groups: dict[tuple[int, int], tuple[str, str]]  # HRG, and that of dental care

    @property
    def applies(self) -> Applies:
        """The dates of the pack."""
        return self.manifest.applies


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyAttendance:
    """What grouping says of an attendance."""

    hrg: str | None
    grouping_flag: str | None
    investigation_category: int
    treatment_category: int
    dominant_investigation: str | None
    dominant_treatment: str | None
    error_category: str | None
    errors: tuple[str, ...]
    group_reason: str | None


def emergency_tables(packs: Iterable[PackLike]) -> list[EmergencyTables]:
    """Return every pack of emergency groups."""
    return [
        EmergencyTables(
            manifest,
            {r["code"]: (int(r["category"]), "") for r in side_table(pack, "investigations")},
            {
                r["code"]: (int(r["category"]), _digits(r["third_digits"]))
                for r in side_table(pack, "treatments")
            },
            {
                (int(r["investigation"]), int(r["treatment"])): (r["hrg"], r["dental"] or r["hrg"])
                for r in side_table(pack, "groups")
            },
        )
        for manifest, pack in of_kind(packs, EmergencyGroupsPack)
    ]


def _digits(cell: str) -> str:
    """Return the third digits that a cell such as `1-3` allows."""
    if not cell:
        return ""
    first, last = cell[0], cell[-1]
    return "".join(digit for digit in "123456789" if first <= digit <= last)


def category(table: Mapping[str, tuple[int, str]], code: str) -> int | None:
    """Return the category of a code of two or three digits, None where it is no code.

    A SNOMED CT identifier has the category that the pack maps it to.
    """
    if _is_concept(code):
        return table[code][0] if code in table else None
    if code[:2] not in table or len(code) > 3:
        return None
    found, third = table[code[:2]]
    return found if code[2:] == "" or code[2:] in third else None


def _is_concept(code: str) -> bool:
    return code.isdecimal() and code.isascii() and 6 <= len(code) <= 18


def _highest(table: Mapping[str, tuple[int, str]], codes: Sequence[str]) -> tuple[int, str | None]:
    """Return the highest category and the first code of it."""
    best: tuple[int, str | None] = (0, None)
    for code in codes:
        found = category(table, code)
        if found is not None and (best[1] is None or found > best[0]):
            best = found, code
    return best


def group_emergency_attendance(
    tables: EmergencyTables, row: Mapping[str, Value], fields: frozenset[str]
) -> EmergencyAttendance:
    """Group an attendance. `fields` are the canonical columns that the extract has."""
    rules = tables.manifest
    investigations, treatments = family(row, "investigation"), family(row, "treatment")
    errors = []
    age = number(row, "age")
    if "age" in fields and (
        age is None or not (rules.age.min <= age <= rules.age.max or age in rules.age.also)
    ):
        errors.append("age")
    if rules.invalid_codes == "error":
        if any(category(tables.investigations, code) is None for code in investigations):
            errors.append("investigations")
        if any(category(tables.treatments, code) is None for code in treatments):
            errors.append("treatments")
    found, investigation = _highest(tables.investigations, investigations)
    done, treatment = _highest(tables.treatments, treatments)
    hrg = reason = None
    if errors:
        hrg = str(rules.error_hrg)
    elif text(row, "patient_group") in rules.dead_on_arrival:
        hrg = str(rules.dead_hrg)
    elif any(
        _is_concept(code) and code not in table
        for table, codes in (
            (tables.investigations, investigations),
            (tables.treatments, treatments),
        )
        for code in codes
    ):
        reason = "no_category_map"
    else:
        as_found = rules.no_investigation_as if found == 0 and done > 0 else found
        as_done = rules.no_treatment_as if done == 0 and found > 0 else done
        pair = tables.groups.get((as_found, as_done))
        dental = _any_of(tables.investigations, investigations, rules.dental_investigations)
        dental |= _any_of(tables.treatments, treatments, rules.dental_treatments)
        hrg = pair[1 if dental else 0] if pair is not None else None
        reason = "no_group" if pair is None else None
    return EmergencyAttendance(
        hrg=hrg,
        grouping_flag="U" if errors else None,
        investigation_category=found,
        treatment_category=done,
        dominant_investigation=investigation,
        dominant_treatment=treatment,
        error_category="field" if errors else None,
        errors=tuple(errors),
        group_reason=reason,
    )


def _any_of(
    table: Mapping[str, tuple[int, str]], codes: Sequence[str], wanted: Sequence[str]
) -> bool:
    """Say whether a valid code is one of some, its third digit left aside."""
    return any(
        category(table, code) is not None and (code if _is_concept(code) else code[:2]) in wanted
        for code in codes
    )
