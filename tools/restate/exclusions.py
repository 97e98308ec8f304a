"""Exclusion vectors as records: an attendance, or a line of an unbundled HRG beside a spell.

A vector names a field and its value; every other field is that of a usual record, which is priced.
"""

from __future__ import annotations

from restate.tables import RestateError, Row

ATTENDANCE = {
    "dataset": "attendances",
    "billed_hrg": "WF01B",
    "treatment_function": "100",
    "main_specialty": "100",
    "first_attendance": "1",
    "attended": "5",
    "administrative_category": "01",
}
EMERGENCY = {"dataset": "emergency", "billed_hrg": "VB08Z", "department_type": "01"}
LINE = {"dataset": "lines", "quantity": "1", "core_hrg": "AA22F", "core_point_of_delivery": "NEL"}
PROCEDURE = "FE35Z"  # has an outpatient procedure price
OUTCOMES = {
    "excluded": "excluded",
    "excluded when marked =": "excluded",
    "included": "priced",
    "not excluded by this list": "priced",
    "price 0": "zero_price",
    "not priced": "not_priced",
    "no price set": "local_price",
    "no price set, spell stays priced": "local_price",
}
# What the reason of an outcome is called; blank where a test does not look at it.
REASONS = {
    "treatment function": "function_excluded",
    "administrative category": "private_patient",
    "core HRG WF01A, booking": "marked_local marked_first",
    "attended or did not attend": "not_attended",
    "treatment function, core HRG WF01B": "maternity_pathway",
    "department type": "walk_in_centre",
    "HRG": "local_currency",
}
NOT_LED, ABROAD = "not_consultant_led", ("199", "499")


def is_ours(vector: Row) -> bool:
    """Say whether a vector is of a record that is not a spell or an episode."""
    of_op = "OP" in vector["dataset"].split() or vector["dataset"] == "AE"
    return of_op or vector["level"].startswith("unbundled")


def exclusion(vector: Row) -> Row:
    """Give the record of a vector and what is expected of it."""
    outcome = OUTCOMES[vector["expected"]]
    return {
        **_record(vector),
        "name": f"{vector['id']} {vector['reason'] or vector['field']}",
        "year": vector["year"],
        "mff": "1",
        "outcome": outcome,
        "price_reasons": "" if outcome in ("priced", "zero_price") else _reason(vector),
        "pre_mff": "" if outcome == "priced" else "0",
        "total": "" if outcome == "priced" else "0",
    }


def _reason(vector: Row) -> str:
    field = vector["field"]
    if field.endswith("main specialty"):
        return "specialty_excluded" if vector["value"] in ABROAD else NOT_LED
    return REASONS[field]


def _record(vector: Row) -> Row:
    field, value = vector["field"], vector["value"]
    follow_up = {**ATTENDANCE, "billed_hrg": "WF01A", "first_attendance": "2"}
    if vector["level"].startswith("unbundled"):
        outpatient = {"core_hrg": "WF01B", "core_point_of_delivery": "OPFASPCL"}
        return {**LINE, "tariff_code": value, **(outpatient if vector["dataset"] == "OP" else {})}
    if field == "department type":
        return {**EMERGENCY, "department_type": value}
    records = {
        "treatment function": {**ATTENDANCE, "treatment_function": value},
        "treatment function, core HRG WF01B": {**ATTENDANCE, "treatment_function": value},
        "administrative category": {**ATTENDANCE, "administrative_category": value},
        "attended or did not attend": {**ATTENDANCE, "attended": value},
        "core HRG": {**ATTENDANCE, "billed_hrg": value},
        "core HRG WF01A, main specialty": {**follow_up, "main_specialty": value},
        "core HRG with procedure price, main specialty": {
            **ATTENDANCE,
            "billed_hrg": PROCEDURE,
            "main_specialty": value,
        },
        "core HRG WF01A, booking": {**follow_up, "commissioning_serial_number": "=UNBOOKED"},
    }
    if field not in records:
        raise RestateError(f"{vector['id']}: no record is known for '{field}'")
    return records[field]
