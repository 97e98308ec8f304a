"""Which codes of a spell could drive, which one does, and why each other one does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tariff.explain.rows import Row, family_of
from tariff.reference.group import (
    ACCOMPANYING,
    DIAGNOSIS,
    PROCEDURE,
    SERVICE,
    driving_diagnosis,
    find_driver,
    longest,
    longest_prefix,
)
from tariff.reference.tables import GroupTables, RootRow
from tariff.reference.validate import may_dominate, valid_procedure
from tariff.reference.values import primary, text


@dataclass(frozen=True)
class Candidate:
    """A code that could drive: where it stands, what it leads to, and what bars it."""

    flag: str
    episode: int  # from 1
    position: int
    code: str
    prefix: str
    row: RootRow | None
    barred: str = ""  # why it cannot drive
    service: str = ""  # that it belongs to


def nights(count: int) -> str:
    """Give a number of nights."""
    return f"{count:,} night{'' if count == 1 else 's'}"


def candidates(tables: GroupTables, rows: Sequence[Row], stay: int | None) -> list[Candidate]:
    """Give every procedure and every primary diagnosis of a spell."""
    procedures = [
        _procedure(tables, Candidate(PROCEDURE, episode, position, code, "", None), stay)
        for episode, row in enumerate(rows, 1)
        for position, code in family_of(row, "oper_")
    ]
    diagnoses = [
        Candidate(
            DIAGNOSIS,
            episode,
            1 if code == primary(row) else 2,
            code,
            _prefix(tables.diagnoses, code),
            longest_prefix(tables.diagnoses, code),
        )
        for episode, row in enumerate(rows, 1)
        if (code := driving_diagnosis(tables, row)) is not None
    ]
    return procedures + diagnoses


def _prefix(rows: dict[str, RootRow], code: str) -> str:
    """Give the longest prefix of a code that a table has, empty where it has none."""
    return next((code[:n] for n in range(len(code), 0, -1) if code[:n] in rows), "")


def _procedure(tables: GroupTables, one: Candidate, stay: int | None) -> Candidate:
    prefix = _prefix(tables.procedures, one.code)
    if not valid_procedure(tables.codes, one.code):
        return replace(one, prefix=prefix, barred="not a valid code: left out")
    row = tables.procedures.get(prefix)
    service = longest(tables.services.services, one.code) or ""
    barred = ""
    if not may_dominate(tables.codes, one.code):
        barred = "such a code may not be dominant"
    elif row is None:
        barred = "no row of the root table has it"
    elif row.rank <= 0:
        barred = "rank 0, an intervention only"
    elif not row.root:
        barred = "its row leads to no root"
    elif stay is not None and stay > tables.short_stay_max and row.root in tables.short_stay_roots:
        barred = (
            f"{row.root} is of stays up to {nights(tables.short_stay_max)}, this one is "
            f"{nights(stay)}"
        )
    words = f"cannot drive: {barred}" if barred else ""
    return replace(one, prefix=prefix, row=row, barred=words, service=service)


def choose(
    tables: GroupTables, rows: Sequence[Row], stay: int | None, found: Sequence[Candidate]
) -> Candidate:
    """Give the candidate that drives."""
    driver = find_driver(tables, rows, stay)
    family = DIAGNOSIS if driver.flag == DIAGNOSIS else PROCEDURE
    one = next(
        c
        for c in found
        if (c.flag, c.episode, c.code) == (family, driver.place + 1, driver.code)
        and (driver.flag != PROCEDURE or not c.barred)
    )
    return replace(one, flag=driver.flag, row=driver.row) if driver.flag == SERVICE else one


def is_driver(one: Candidate, driver: Candidate) -> bool:
    """Say whether a candidate is the one that drives."""
    place = (driver.episode, driver.position, driver.code)
    same_family = (one.flag == DIAGNOSIS) == (driver.flag == DIAGNOSIS)
    return same_family and (one.episode, one.position, one.code) == place


def standing(one: Candidate, driver: Candidate) -> str:
    """Say what came of a code that could drive."""
    if is_driver(one, driver):
        if driver.flag == SERVICE:
            return f"drives: a day of nothing but {service_name(one.service)}"
        return "drives" if driver.row else "no row of the root table has it: no HRG"
    if driver.flag == SERVICE:
        if one.flag == DIAGNOSIS:
            return "not asked: a day of one service"
        accompanies = one.service == ACCOMPANYING
        return "accompanies any service" if accompanies else one.barred or "of the same service"
    if one.barred:
        return one.barred
    if one.flag != driver.flag:
        return "not asked: a procedure drives"
    if one.code == driver.code:
        return "the same code again"
    if one.row is None:
        return "no row of the root table has it"
    if driver.row is not None and one.row.rank < driver.row.rank:
        return f"lower rank than {driver.code}"
    return f"the same rank as {driver.code}, but later"


# ---------------------------------------------------------------- a day of one service


def service_name(service: str) -> str:
    """Give a service in words."""
    return service.replace("_", " ")


def why_no_service(
    tables: GroupTables, rows: Sequence[Row], stay: int | None, found: Sequence[Candidate]
) -> str:
    """Say why a spell with procedures of a service is no day of it; empty where it has none."""
    own = tables.services
    valid = [c for c in found if c.flag == PROCEDURE and valid_procedure(tables.codes, c.code)]
    served = list(dict.fromkeys(c.service for c in valid if c.service not in ("", ACCOMPANYING)))
    if not served:
        return ""
    if len(served) > 1:
        return f"it holds {' and '.join(map(service_name, served))}"
    other = next((c.code for c in valid if not c.service), None)
    if other is not None:
        return f"{other} is of no service"
    if served[0] not in own.same_day:
        return f"{service_name(served[0])} has no root of its own"
    if stay != 0:
        return "the stay is not known" if stay is None else f"the stay is {nights(stay)}"
    classification = text(rows[0], "patient_classification")
    return f"the patient classification is {classification or 'blank'}"
