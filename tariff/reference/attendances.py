"""Groups one outpatient attendance, as docs/grouping-other-care.md has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tariff.packs.model import Applies, AttendanceGroupsPack
from tariff.reference.group import PROCEDURE, UNGROUPED, longest_prefix, redirect_holds
from tariff.reference.tables import GroupTables, PackLike, RootRow, Split, of_kind
from tariff.reference.validate import UZ05, UZ06, in_code_set, may_dominate, valid_procedure
from tariff.reference.values import Value, family, number, read, text

DEFAULT = "O"
FIELDS = ("age", "sex", "main_specialty", "treatment_function", "first_attendance")


@dataclass(frozen=True, slots=True)
class AttendanceTables:
    """A pack of default attendances."""

    manifest: AttendanceGroupsPack

    @property
    def applies(self) -> Applies:
        """The dates of the pack."""
        return self.manifest.applies


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """What grouping says of an attendance."""

    hrg: str | None = None
    grouping_flag: str | None = None
    dominant_procedure: str | None = None
    error_category: str | None = None
    errors: tuple[str, ...] = ()
    group_reason: str | None = None


def attendance_tables(packs: Iterable[PackLike]) -> list[AttendanceTables]:
    """Return every pack of default attendances."""
    return [AttendanceTables(manifest) for manifest, _ in of_kind(packs, AttendanceGroupsPack)]


def group_attendance(
    tables: GroupTables,
    own: AttendanceTables,
    row: Mapping[str, Value],
    fields: frozenset[str],
) -> Attendance:
    """Group an attendance. `fields` are the canonical columns that the extract has."""
    return _group(tables, own, row, family(row, "oper"), fields)


def attendance_hrg(
    tables: GroupTables,
    own: AttendanceTables,
    row: Mapping[str, Value],
    fields: frozenset[str],
) -> str | None:
    """Return the HRG once every procedure is dropped that is not an assessment."""
    kept = tuple(own.manifest.assessments)
    codes = [code for code in family(row, "oper") if code.startswith(kept)]
    return _group(tables, own, row, codes, fields).hrg


def _group(
    tables: GroupTables,
    own: AttendanceTables,
    row: Mapping[str, Value],
    codes: Sequence[str],
    fields: frozenset[str],
) -> Attendance:
    procedures = [code for code in codes if valid_procedure(tables.codes, code)]
    errors = [name for name in FIELDS if name in fields and _wrong(tables, own, row, name)]
    if tables.invalid_secondary_is_error and len(procedures) < len(codes):
        errors.append("procedures")
    driver = _driver(tables, procedures)
    category = None
    if errors:
        category = "field"
    elif tables.only_never_dominant_is_error and _none_may_dominate(tables, procedures):
        category = UZ05
    elif driver is not None and in_code_set(tables.codes.vague_dominant, driver[0]):
        category = UZ06
    if category is not None:
        return Attendance(
            hrg=tables.error_hrg,
            grouping_flag=UNGROUPED,
            error_category=category,
            errors=tuple(errors),
        )
    if driver is None:
        return _default(own, row, procedures)
    hrg, reason = _procedure_hrg(tables, row, procedures, *driver)
    return Attendance(
        hrg=hrg, grouping_flag=PROCEDURE, dominant_procedure=driver[0], group_reason=reason
    )


def _wrong(tables: GroupTables, own: AttendanceTables, row: Mapping[str, Value], name: str) -> bool:
    """Say whether a field is blank where it may not be, or not accepted."""
    if read(row, name) is None:
        return name in own.manifest.mandatory
    if name == "age":
        bounds, age = tables.fields.numeric.get(name), number(row, name)
        assert age is not None
        return bounds is not None and not (bounds.min <= age <= bounds.max or age in bounds.also)
    if name == "first_attendance":
        return text(row, name) not in {one.first_attendance for one in own.manifest.attendances}
    accepted = tables.fields.accepted.get(name)
    return accepted is not None and text(row, name) not in accepted


def _none_may_dominate(tables: GroupTables, procedures: Sequence[str]) -> bool:
    return bool(procedures) and not any(may_dominate(tables.codes, code) for code in procedures)


def _driver(tables: GroupTables, procedures: Sequence[str]) -> tuple[str, RootRow] | None:
    """Return the procedure of highest rank above 0, the first on a tie, with its row."""
    best: tuple[str, RootRow] | None = None
    for code in procedures:
        row = longest_prefix(tables.procedures, code)
        if row is None or row.rank <= 0 or not may_dominate(tables.codes, code):
            continue
        if best is None or row.rank > best[1].rank:
            best = code, row
    return best


def _default(
    own: AttendanceTables, row: Mapping[str, Value], procedures: Sequence[str]
) -> Attendance:
    """Return the default attendance of the first attendance code."""
    several = any(in_code_set(own.manifest.multiprofessional, code) for code in procedures)
    for one in own.manifest.attendances:
        if one.first_attendance == text(row, "first_attendance"):
            hrg = one.multiprofessional if several else one.single
            return Attendance(hrg=hrg, grouping_flag=DEFAULT)
    return Attendance(group_reason="no_first_attendance")


def _procedure_hrg(
    tables: GroupTables,
    row: Mapping[str, Value],
    procedures: Sequence[str],
    dominant: str,
    leads_to: RootRow,
) -> tuple[str | None, str | None]:
    """Return the HRG of a dominant procedure, or why there is none."""
    age = number(row, "age")
    child = age is not None and age <= tables.child_max_age
    root = leads_to.root_child if child and leads_to.root_child else leads_to.root
    for rule in tables.redirects:
        if rule.root == root and redirect_holds(
            rule, (PROCEDURE, dominant), procedures, None, (), age, 0, None
        ):
            root = rule.to
    if root not in tables.splits:
        return None, "root_not_in_design"
    others = {code for code in procedures if code != dominant}
    interventions = {code for code in others if not code.startswith(tables.excluded_chapters)}
    values = {
        "cc": 0,  # diagnoses are ignored
        "age": age,
        "interventions": len(interventions),
        "stay": 0,  # no night
        "diagnosis_score": None,
    }
    for split in tables.splits[root]:
        if _holds(tables, split, values, procedures):
            return split.hrg, None
    return None, "no_split"


def _holds(
    tables: GroupTables, split: Split, values: Mapping[str, int | None], procedures: Sequence[str]
) -> bool:
    for name, (low, high) in split.bounds.items():
        value = values[name]
        if (low, high) == (None, None):
            continue
        if value is None or (low is not None and value < low):
            return False
        if high is not None and value > high:
            return False
    for name in split.conditions:
        condition = tables.conditions[name]
        wanted, unwanted = tuple(condition.any_procedure), tuple(condition.no_procedure)
        if wanted:
            if not any(code.startswith(wanted) for code in procedures):
                return False
        elif unwanted:
            if any(code.startswith(unwanted) for code in procedures):
                return False
        else:  # of diagnoses, of an admission or a discharge: an attendance has none
            return False
    return True
