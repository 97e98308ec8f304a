"""Prices outpatient and emergency attendances, as docs/pricing-other-care.md has it."""

from __future__ import annotations

import re
from collections.abc import Collection

from tariff.packs.model import OtherCarePack
from tariff.reference.other_price import (
    OtherPrice,
    Row,
    begin,
    direct_price,
    end,
    hrg_of,
    scan_is_paid,
)
from tariff.reference.other_tables import OtherTables, YearOfPrices
from tariff.reference.price import PriceOptions
from tariff.reference.values import category, family, text, two_digits


def price_attendance(
    tables: OtherTables,
    row: Row,
    options: PriceOptions | None = None,
    fields: Collection[str] = ("attended",),
) -> OtherPrice:
    """Price an outpatient attendance. `fields` are the columns that the extract has."""
    price, held = begin(tables, row, options, "attendance_date")
    if held is not None:
        _attendance(tables, held, row, price, "attended" in fields)
    return end(tables, held, row, price, options)


def price_emergency(
    tables: OtherTables, row: Row, options: PriceOptions | None = None
) -> OtherPrice:
    """Price an emergency attendance."""
    price, held = begin(tables, row, options, "arrival_date")
    price.point_of_delivery = tables.pods.emergency
    if held is not None:
        _emergency(held, row, price)
    return end(tables, held, row, price, options)


# ---------------------------------------------------------------- outpatients


def _attendance(
    tables: OtherTables, held: YearOfPrices, row: Row, price: OtherPrice, attended_known: bool
) -> None:
    rules = held.rules
    excluded = excluded_by(rules, row)
    if attended_known and text(row, "attended") not in rules.seen:
        excluded.add("not_attended")
    if text(row, "first_attendance") in rules.administrative_events:
        excluded.add("administrative_event")
    if text(row, "treatment_function") in rules.excluded_functions:
        excluded.add("function_excluded")
    if excluded:
        price.nothing("excluded", *excluded)
        return
    core = hrg_of(row, "billed_hrg")
    if text(row, "direct_access") == "Y":
        _direct_access(tables, held, row, price, core)
        return

    derived = _derived(rules, row)
    if core is None:
        procedures = family(row, "oper")
        if any(not code.startswith(tuple(rules.assessment_procedures)) for code in procedures):
            price.reasons.add("no_hrg")
            return
        core = derived
    if core is None:
        price.reasons.add("attendance_unknown")
        return
    function = text(row, "treatment_function")
    is_attendance = core in rules.attendance_hrgs.values()
    if (
        not is_attendance
        and core in held.procedures
        and function not in rules.attendance_only_functions
        and not core.startswith(tuple(rules.pathway_hrgs))
    ):
        side = _side(rules, row)
        name = f"procedure_{side}" if side is not None else "procedure"
        price.point_of_delivery = tables.pods.attendances[name]
        price.price_basis, price.priced_hrg = "procedure", core
        price.paid("priced", held.procedures[core])
        _items(held, row, price, "procedure", core)
        return

    settled = is_attendance or core.startswith(tuple(rules.pathway_hrgs))
    settled = settled or core in held.procedures or function in rules.attendance_only_functions
    if held.partial and not settled:
        price.reasons.add("list_is_partial")  # whether it has a procedure price is not known
        return
    hrg = core if is_attendance else derived
    if hrg is None:
        price.reasons.add("attendance_unknown")
        return
    kind = next(name for name, known in rules.attendance_hrgs.items() if known == hrg)
    specialty = text(row, "main_specialty")
    other_led = specialty in rules.not_consultant_led
    if kind.startswith("remote"):
        name = "remote_first" if "first" in kind else "remote_follow_up"
    else:
        name = f"{kind}_{'other' if other_led else 'led'}"
    price.point_of_delivery = tables.pods.attendances[name]
    price.price_basis, price.priced_hrg = "attendance", hrg
    listed = held.attendances.get(function or "", {}).get(hrg)
    staffed_out = is_attendance or rules.staff_exclusion_after_fallback
    if core.startswith(tuple(rules.pathway_hrgs)):
        price.nothing("not_priced", "maternity_pathway")
    elif other_led and staffed_out:
        price.nothing("excluded", "not_consultant_led")
    elif specialty in rules.excluded_specialties and staffed_out:
        price.nothing("excluded", "specialty_excluded")
    elif function in rules.pathway_functions:
        price.nothing("not_priced", "maternity_pathway")
    elif kind.startswith("remote"):
        price.nothing("local_price", "remote")
    elif function is None:
        price.reasons.add("function_unknown")
        return
    elif listed is None and held.partial:
        price.reasons.add("list_is_partial")
        return
    elif listed is None:
        price.nothing("local_price", "function_without_price")
    else:
        price.paid("priced", listed, _best_practice(held, row, function, hrg, listed))
    _items(held, row, price, "attendance", core)


def excluded_by(rules: OtherCarePack, row: Row) -> set[str]:
    """What any record may say of itself: a private patient, a local price."""
    found = set()
    if category(row) in [two_digits(code) for code in rules.excluded_categories]:
        found.add("private_patient")
    serial = text(row, "commissioning_serial_number") or ""
    if "first" in rules.serial_mark_places and serial.startswith(rules.serial_mark):
        found |= {"marked_local", "marked_first"}
    if "last" in rules.serial_mark_places and serial.endswith(rules.serial_mark):
        found |= {"marked_local", "marked_last"}
    return found


def _side(rules: OtherCarePack, row: Row) -> str | None:
    code = text(row, "first_attendance")
    if code in rules.first:
        return "first"
    return "follow_up" if code in rules.follow_up else None


def _derived(rules: OtherCarePack, row: Row) -> str | None:
    """The attendance HRG that follows from the record where no procedure decides."""
    side = _side(rules, row)
    if side is None:
        return None
    stated = text(row, "multi_professional")
    together = [c for c in family(row, "oper") if c in rules.multi_professional_procedures]
    several = stated == "Y" if stated is not None else bool(together)
    remote = text(row, "first_attendance") in rules.remote
    remote = remote or text(row, "consultation_medium") in rules.remote_media
    name = f"{'remote_' if remote else ''}{side}_{'multi' if several else 'single'}"
    return str(rules.attendance_hrgs[name])


def _best_practice(held: YearOfPrices, row: Row, function: str, hrg: str, listed: int) -> int:
    """What known criteria add to the listed price, or take from it."""
    criteria = {"Y": "met", "N": "not_met"}.get(text(row, "best_practice_met") or "", "")
    price, addition = held.best_practice.get((function, hrg, criteria), (None, None))
    return (price - listed if price is not None else 0) + (addition or 0)


def _direct_access(
    tables: OtherTables, held: YearOfPrices, row: Row, price: OtherPrice, core: str | None
) -> None:
    listed = None if core is None else direct_price(held, core)
    total, first = 0, None
    for hrg, count in _unbundled(row):
        each = direct_price(held, hrg)
        if each is None:
            price.reasons.add("unbundled_local")
        else:
            total += each * count
            first = first or hrg
    named = core if listed is not None else first or core
    imaging = named is not None and held.treatment.get(named) == "rebundled"
    price.point_of_delivery = tables.pods.direct_access["imaging" if imaging else "other"]
    price.price_basis, price.priced_hrg = "direct_access", named
    if listed is None and first is None and held.partial:
        price.reasons.add("list_is_partial")
        return
    if listed is None and first is None:
        price.nothing("no_tariff", "no_direct_access_price")
    else:
        price.outcome = "priced"
        price.base_pence, price.best_practice_pence = listed or 0, 0
    price.unbundled_pence = total


def _unbundled(row: Row) -> list[tuple[str, int]]:
    """The unbundled HRGs of a record and how many of each; an unreadable count is no HRG."""
    out = []
    for cell in family(row, "unbundled"):
        match = re.fullmatch(r"([A-Z0-9]+)(?:\*([0-9]{1,4}))?", cell.upper())
        out.append((match[1], int(match[2] or 1)) if match else ("", 1))
    return out


def _items(held: YearOfPrices, row: Row, price: OtherPrice, setting: str, core: str) -> None:
    """Price what is unbundled beside an attendance or a procedure."""
    rules = held.rules
    price.unbundled_pence = 0
    for hrg, count in _unbundled(row):
        treatment = held.treatment.get(hrg)
        if hrg in rules.empty_cores:
            continue
        if treatment is None:
            price.reasons.add("unbundled_unknown")
        elif treatment == "rebundled" and not scan_is_paid(rules, setting, core):
            price.reasons.add("rebundled")
        elif treatment == "local" or hrg not in held.unbundled:
            price.reasons.add("unbundled_local")
        else:
            price.unbundled_pence += held.unbundled[hrg] * count


# ---------------------------------------------------------------- emergency care


def _emergency(held: YearOfPrices, row: Row, price: OtherPrice) -> None:
    rules = held.rules
    department = text(row, "department_type")
    excluded = excluded_by(rules, row)
    if department in rules.department_types["excluded"]:
        excluded.add("walk_in_centre")
    hrg = hrg_of(row, "billed_hrg")
    if excluded:
        price.nothing("excluded", *excluded)
        return
    price.price_basis, price.priced_hrg = "emergency", hrg
    if hrg is None:
        price.reasons.add("no_hrg")
        return
    if hrg in rules.empty_cores:
        price.paid("priced", 0)
        return
    of = hrg if hrg in held.emergency else str(rules.emergency_as.get(hrg, hrg))
    if of not in held.emergency:
        price.reasons.add("hrg_not_in_tariff")
        return
    major, minor = held.emergency[of]
    if department in rules.department_types["type_1_and_2"]:
        price.paid("priced", major)
    elif department in rules.department_types["type_3"]:
        price.paid("priced", minor)
    else:
        price.reasons.add("department_unknown")
