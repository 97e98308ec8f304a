"""Faults of who pays: registration, death, identity, category, service, in every dataset."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.care_model import (
    CareMake,
    Change,
    care_as_it_is,
    care_fault,
    care_near_miss,
    changed,
)
from tariff.simulate.faults.desk import Desk, charged, later, month
from tariff.simulate.faults.model import Row
from tariff.simulate.faults.sheet import FIRST_DAY, Sheet

OUT, AE, IN, LINES = "attendances", "emergency", "episodes", "lines"
LAST_DAY = {OUT: "attendance_date", AE: "departure_date", IN: "discharge_date", LINES: "end_date"}
WALES, WELSH_PAYER = "W95001", "7A3"
SPECIALISED = "13R"
ABOUT = ("provider", "commissioner", "treatment_function")  # of a line of the schedule
DAY_BILLS = ("OPFASPCL", "OPFUPSPCL", "OPFASPNCL", "OPFUPSPNCL")


def billed(sheet: Sheet) -> Bools:
    """Say which are billed: of an ordinary function, of a spell of one episode, of a patient."""
    found = sheet.billed & sheet.filled("patient_id")
    if sheet.name == IN:
        return found & sheet.single & (sheet.number("age") > 0)
    if sheet.name == OUT:
        return found & sheet.among("billed_point_of_delivery", *DAY_BILLS)
    if sheet.name == AE:
        return found & sheet.filled("departure_date") & (sheet.number("age") > 0)
    return found & sheet.among("point_of_delivery", "DRUG", "UNBRAD")


def each(
    rule: str, way: str, says: str, *needs: str, of: tuple[str, ...] = (OUT, AE, IN, LINES)
) -> Callable[[Callable[[Desk, Row, str], Change | None]], None]:
    """Register a fault in several datasets."""

    def register(make: Callable[[Desk, Row, str], Change | None]) -> None:
        for dataset in of:
            care_fault(rule, f"{way}: {dataset}", says, dataset, billed, *needs)(_in(dataset, make))

    return register


def _in(dataset: str, make: Callable[[Desk, Row, str], Change | None]) -> CareMake:
    return lambda desk, row: make(desk, row, dataset)


def _whole(row: Row) -> int:
    return int(row["billed_total"] * 100)


# ---------------------------------------------------------------- commissioner


@each("COM01", "other payer", "billed to another commissioner than the practice's", "practices")
def other_payer(desk: Desk, row: Row, of: str) -> Change | None:
    """Bill a commissioner who does not pay for the practice."""
    other = desk.other_commissioner(row)
    if other is None:
        return None
    also = ("COM02", "COM07", "POL03", "UNB13")
    return Change(
        f"billed to {other[0]}, which does not pay for the practice",
        [(of, changed(row, commissioner=other[0]))],
        value=_whole(row),
        also=also,
    )


care_as_it_is("COM01", "as it is", "billed to the commissioner of the practice", OUT, billed)


@each("COM02", "left the list", "billed after the patient left the practice's list")
def left_the_list(desk: Desk, row: Row, of: str) -> Change | None:
    """End the registration before the only thing that happens."""
    rows = desk["registrations"].rows_of(row["patient_id"])
    if len(rows) != 1 or desk.records_of(row["patient_id"]) != 1:
        return None
    end = later(row[FIRST_DAY[of]], -desk.between(40, 90))
    new = changed(rows[0], valid_from=min(rows[0]["valid_from"], later(end, -100)), valid_to=end)
    return Change("billed after the patient left the practice's list", [("registrations", new)],
                  value=_whole(row), about=(row,), kind_of_about=of)  # fmt: skip


@each("COM02", "elsewhere", "billed for a patient registered with another commissioner")
def registered_elsewhere(desk: Desk, row: Row, of: str) -> Change | None:
    """Register the patient with a practice of another commissioner."""
    rows = desk["registrations"].rows_of(row["patient_id"])
    other = desk.other_commissioner(row)
    if other is None or len(rows) != 1 or desk.records_of(row["patient_id"]) != 1:
        return None
    new = changed(rows[0], commissioner=other[0], gp_practice=other[1])
    return Change(
        f"the patient is registered with a practice of {other[0]}",
        [("registrations", new)],
        value=_whole(row),
        about=(row,),
        kind_of_about=of,
    )


@care_near_miss("COM02", "last day", "billed on the last day of a registration", OUT, billed)
def last_day(desk: Desk, row: Row) -> Change | None:
    """End the registration on the day of the attendance."""
    rows = desk["registrations"].rows_of(row["patient_id"])
    if len(rows) != 1 or desk.records_of(row["patient_id"]) != 1:
        return None
    new = changed(rows[0], valid_to=row["attendance_date"])
    return Change("billed on the last day of a registration", [("registrations", new)],
                  about=(row,), kind_of_about=OUT)  # fmt: skip


@each("COM04", "private", "a private patient billed", of=(OUT, IN))
def private(desk: Desk, row: Row, of: str) -> Change:
    """Bill the commissioner for a private patient."""
    return Change("a private patient billed to the commissioner",
                  [(of, changed(row, administrative_category="02"))], value=_whole(row),
                  also=("PRC01",))  # fmt: skip


@care_near_miss("COM04", "amenity", "an amenity patient: the care is paid by the commissioner", OUT,
                billed)  # fmt: skip
def amenity(desk: Desk, row: Row) -> Change:
    """Give the patient a room of his own."""
    new = changed(row, administrative_category="03")
    return Change("an amenity patient, billed to the commissioner", [(OUT, new)])


@each("COM07", "Wales", "a patient of a practice in Wales billed in England", "practices")
def in_wales(desk: Desk, row: Row, of: str) -> Change:
    """Let the patient have a practice in Wales."""
    practice = {"gp_practice": WALES, "commissioner": WELSH_PAYER, "country": "W",
                "kind": "civilian", "valid_from": date(2013, 4, 1)}  # fmt: skip
    return Change("a patient of a practice in Wales",
                  [(of, changed(row, gp_practice=WALES)), ("practices", practice)],
                  value=_whole(row))  # fmt: skip


@care_fault(
    "COM08", "sexual health", "sexual health billed to the health commissioner", OUT, billed
)
def sexual_health(desk: Desk, row: Row) -> Change:
    """Bill sexual health, which councils pay for."""
    new = changed(row, treatment_function="360")
    return Change("sexual health, which councils pay for, billed", [(OUT, new)], value=_whole(row),
                  also=("PRC01", "COM11", "PRC04"))  # fmt: skip


# ---------------------------------------------------------------- identity and death


@each("COM10", "no identifier", "no patient identifier", of=(OUT, AE, LINES))
def nobody(desk: Desk, row: Row, of: str) -> Change:
    """Take the identifier out."""
    new = changed(row, patient_id=None)
    return Change("no patient identifier", [(of, new)], value=_whole(row),
                  also=("UNB13", "REC05", "POL03", "COM02"))  # fmt: skip


@each("COM10", "not traced", "a number that could not be traced", of=(OUT, AE))
def not_traced(desk: Desk, row: Row, of: str) -> Change:
    """Say that the number was not traced."""
    new = changed(row, nhs_number_status="03")
    return Change("a number that could not be traced", [(of, new)], value=_whole(row))


@care_near_miss("COM10", "traced", "a number that was verified", OUT, billed)
def traced(desk: Desk, row: Row) -> Change:
    """Say that the number was verified."""
    return Change("a number that was verified", [(OUT, changed(row, nhs_number_status="01"))])


@each("COM03", "after death", "billed after the patient died", of=(OUT, AE))
def after_death(desk: Desk, row: Row, of: str) -> Change | None:
    """Bill something days after the death."""
    died = desk.death(row["patient_id"])
    if died is None:
        return None
    day = later(died, desk.between(5, 30))
    if day > desk.last_day:
        return None
    values: dict[str, Any] = {FIRST_DAY[of]: day, "activity_month": month(day)}
    if of == AE:
        values["departure_date"] = day if row["departure_date"] == row["arrival_date"] else later(
            day, 1)  # fmt: skip
    new = desk.copy(of, row, **values)
    return Change("billed after the patient died", [(of, new)],
                  also=("COM02", "OPA12", "OPA14", "OPA19", "OPA04"))  # fmt: skip


# ---------------------------------------------------------------- the schedule of the contract


def _narrow(desk: Desk, row: Row, of: str, basis: str) -> Row | None:
    """Return a line of the schedule that is about this record alone: its day and function."""
    day = row[LAST_DAY[of]]
    alike = sum(
        len(desk[name].alike({**row, LAST_DAY[name]: day}, *ABOUT, LAST_DAY[name]))
        for name in (IN, OUT)
    )
    if alike > 1:
        return None
    return {
        "provider": row["provider"],
        "commissioner": row["commissioner"],
        "site": row["site"],
        "treatment_function": row["treatment_function"],
        "point_of_delivery": row["billed_point_of_delivery"],
        "basis": basis,
        "valid_from": day,
        "valid_to": day,
    }


@each("DUP09", "block", "a service within a block charged apart", "services", of=(OUT, IN))
def block(desk: Desk, row: Row, of: str) -> Change | None:
    """Charge what the block pays for."""
    listed = _narrow(desk, row, of, "pathway")
    if listed is None:
        return None
    return Change("a service that a pathway pays for charged apart",
                  [("services", listed)], value=_whole(row), about=(row,), kind_of_about=of,
                  also=("PRC06", "COM11"))  # fmt: skip


@each("PRC06", "block", "activity of a block service charged", "services", of=(OUT, IN))
def beside_block(desk: Desk, row: Row, of: str) -> Change | None:
    """Charge activity that the block includes."""
    listed = _narrow(desk, row, of, "block")
    if listed is None:
        return None
    return Change("activity of a service paid as a block charged", [("services", listed)],
                  value=_whole(row), about=(row,), kind_of_about=of, also=("DUP09",))  # fmt: skip


@each("COM11", "ended", "a service that is no longer commissioned", "services", of=(OUT,))
def ended(desk: Desk, row: Row, of: str) -> Change | None:
    """Charge a service that was ended."""
    listed = _narrow(desk, row, of, "not_commissioned")
    if listed is None:
        return None
    return Change("a service that is no longer commissioned", [("services", listed)],
                  value=_whole(row), about=(row,), kind_of_about=of)  # fmt: skip


@each("COM12", "low volume", "low volume activity invoiced", "services", of=(OUT, IN))
def low_volume(desk: Desk, row: Row, of: str) -> Change | None:
    """Invoice what is paid as a sum for the year."""
    listed = _narrow(desk, row, of, "low_volume")
    if listed is None:
        return None
    return Change(
        "low volume activity, paid as a sum for the year, invoiced",
        [("services", listed)],
        value=_whole(row),
        about=(row,),
        kind_of_about=of,
    )


for _rule in ("DUP09", "PRC06", "COM11", "COM12"):
    care_as_it_is(_rule, "in the schedule", "what the schedule pays by activity", OUT, billed)


@each("COM06", "specialised", "a specialised service billed locally", "specialised",
      of=(IN, OUT))  # fmt: skip
def specialised(desk: Desk, row: Row, of: str) -> Change | None:
    """Bill locally what the national commissioner pays for."""
    day, hrg = row[LAST_DAY[of]], row["billed_hrg"]
    alike = sum(
        len(desk[name].alike({**row, LAST_DAY[name]: day}, "provider", "billed_hrg",
                             "treatment_function", LAST_DAY[name]))
        for name in (IN, OUT)
    )  # fmt: skip
    if alike > 1:
        return None
    listed = {"commissioner": SPECIALISED, "provider": row["provider"], "hrg": hrg,
              "treatment_function": row["treatment_function"],
              "valid_from": day, "valid_to": day}  # fmt: skip
    return Change(
        "a specialised service billed to the local commissioner",
        [("specialised", listed)],
        value=_whole(row),
        about=(row,),
        kind_of_about=of,
    )


@care_fault("UNB14", "specialised", "a specialised drug billed to the local commissioner", LINES,
            lambda sheet: billed(sheet) & sheet.among("point_of_delivery", "DRUG"),
            "specialised")  # fmt: skip
def specialised_drug(desk: Desk, row: Row) -> Change | None:
    """Bill locally a drug that the national commissioner pays for."""
    day = row["start_date"]
    if not desk.alone(row, LINES, "provider", "tariff_code", "start_date"):
        return None
    listed = {"commissioner": SPECIALISED, "provider": row["provider"], "hrg": row["tariff_code"],
              "valid_from": day, "valid_to": day}  # fmt: skip
    return Change(
        "a specialised drug billed to the local commissioner",
        [("specialised", listed)],
        value=_whole(row),
        about=(row,),
        kind_of_about=LINES,
        also=("COM06",),
    )


care_as_it_is("COM06", "local", "a local service billed locally", OUT, billed)


@each("COM13", "trial", "treatment in a trial billed", of=(OUT, AE, LINES))
def trial(desk: Desk, row: Row, of: str) -> Change | None:
    """Bill what the funder of a trial pays for."""
    if row.get("approval_id"):  # approved by the commissioner
        return None
    new = changed(row, funding_reference=f"NIHR-{str(row[FIRST_DAY[of]])[2:4]}107")
    return Change("what the funder of a trial pays for billed", [(of, new)], value=_whole(row))


@care_near_miss("COM13", "excess costs", "the excess treatment costs of a trial", OUT, billed)
def excess_costs(desk: Desk, row: Row) -> Change:
    """Bill what the commissioner pays for in a trial."""
    new = changed(row, funding_reference="ETC-4411")
    return Change("the excess treatment costs of a trial", [(OUT, new)])


# ---------------------------------------------------------------- policies


def _operated(sheet: Sheet) -> Bools:
    return billed(sheet) & sheet.filled("oper_01") & sheet.starting("admission_method", "1")


def _only_that_day(desk: Desk, row: Row) -> bool:
    day = row["admission_date"]
    return sum(
        len(desk[name].alike({**row, FIRST_DAY[name]: day}, "oper_01", FIRST_DAY[name]))
        for name in (IN, OUT)
    ) == 1  # fmt: skip


def _cancer(row: Row) -> bool:
    return any(str(value)[0] in "CD" for name, value in row.items()
               if name.startswith("diag_") and value)  # fmt: skip


@care_fault("POL02", "never", "a procedure that is never funded", IN, _operated, "restricted")
def never(desk: Desk, row: Row) -> Change | None:
    """Do what the local list does not fund."""
    day = row["admission_date"]
    granted = [one for one in desk["approvals"].rows_of(row["patient_id"])
               if one["code"] == row["oper_01"]]  # fmt: skip
    if granted or not _only_that_day(desk, row) or _cancer(row):
        return None
    listed = {"code": row["oper_01"], "category": "never", "valid_from": day, "valid_to": day}
    return Change("a procedure that is never funded", [("restricted", listed)], value=_whole(row),
                  about=(row,), kind_of_about=IN)  # fmt: skip


care_as_it_is("POL02", "not listed", "a procedure that is on no list", IN,
              lambda sheet: _operated(sheet) & sheet.starting("oper_01", "C7"))  # fmt: skip


@care_fault(
    "POL05", "not met", "a procedure whose criteria were not met", IN, _operated, "criteria"
)
def not_met(desk: Desk, row: Row) -> Change | None:
    """Operate although the threshold was not reached."""
    granted = [one for one in desk["approvals"].rows_of(row["patient_id"])
               if one["code"] == row["oper_01"]]  # fmt: skip
    if granted or _cancer(row):
        return None
    day = row["admission_date"]
    listed = {"patient_id": row["patient_id"], "provider": row["provider"], "code": row["oper_01"],
              "criterion": "BMI", "met": "N", "valid_from": day, "valid_to": day}  # fmt: skip
    return Change("a procedure whose criteria were not met", [("criteria", listed)], value=0,
                  about=(row,), kind_of_about=IN)  # fmt: skip


@care_near_miss("POL05", "met", "a procedure whose criteria were met", IN, _operated, "criteria")
def met(desk: Desk, row: Row) -> Change:
    """Operate when the threshold was reached."""
    listed = {"patient_id": row["patient_id"], "provider": row["provider"], "code": row["oper_01"],
              "criterion": "BMI", "met": "Y"}  # fmt: skip
    return Change("a procedure whose criteria were met", [("criteria", listed)],
                  about=(row,), kind_of_about=IN)  # fmt: skip


@care_fault("POL03", "expired", "a procedure whose approval had expired", IN, _operated)
def expired(desk: Desk, row: Row) -> Change | None:
    """Let the approval end before the admission."""
    rows = [one for one in desk["approvals"].rows_of(row["patient_id"])
            if one["code"] == row["oper_01"] and one["kind"] == "procedure"]  # fmt: skip
    if len(rows) != 1:
        return None
    end = later(row["admission_date"], -desk.between(15, 40))
    begin = min(rows[0]["valid_from"], later(end, -60))
    new = changed(rows[0], valid_from=begin, valid_to=end)
    return Change("a procedure whose approval had expired", [("approvals", new)],
                  value=_whole(row), about=(row,), kind_of_about=IN, also=("POL01",))  # fmt: skip


# ---------------------------------------------------------------- prices of other care


@each("PRC01", "above", "a price above the list", of=(OUT, AE))
def above(desk: Desk, row: Row, of: str) -> Change | None:
    """Bill more than the list has."""
    if row["billed_mff"] == 1:
        return None
    new = charged(changed(row), row["billed_price"] + desk.between(2, 9) * 5)
    return Change("a price above the list", [(of, new)], also=("OPA07", "REC06"))


@each("PRC02", "another provider's", "another provider's factor", of=(OUT, AE))
def other_factor(desk: Desk, row: Row, of: str) -> Change | None:
    """Bill the factor of another provider."""
    sheet = desk[of]
    other = desk.choose(~sheet.among("provider", row["provider"]) & sheet.billed, sheet)
    if other is None or row["billed_mff"] == 1 or other["billed_mff"] == 1:
        return None
    if abs(other["billed_mff"] - row["billed_mff"]) < Decimal("0.01"):
        return None
    new = charged(changed(row), row["billed_price"], other["billed_mff"])
    return Change("another provider's market forces factor", [(of, new)])


@each("PRC09", "total", "a total ten times the price", of=(OUT, AE))
def shifted(desk: Desk, row: Row, of: str) -> Change:
    """Shift the decimal point of the total."""
    new = changed(row, billed_total=row["billed_total"] * 10)
    return Change("the decimal point of the total shifted", [(of, new)], also=("PRC01",))


@care_fault("PRC04", "above agreed", "an attendance above the price agreed for it", OUT,
            lambda sheet: sheet.billed & sheet.among("billed_hrg", "WF01C", "WF01D")
            & (sheet.number("billed_mff") == 100), "local_prices")  # fmt: skip
def above_agreed(desk: Desk, row: Row) -> Change:
    """Bill more than the schedule of local prices has."""
    new = charged(changed(row), row["billed_price"] + desk.between(2, 9) * 5)
    return Change("above the price agreed for it", [(OUT, new)], also=("OPA07",))


care_as_it_is("PRC04", "agreed", "an attendance at the price agreed for it", OUT,
              lambda sheet: sheet.billed & sheet.among("billed_hrg", "WF01C", "WF01D"))  # fmt: skip


@each("REC05", "incomplete", "a record without what every record has", of=(OUT, AE))
def incomplete(desk: Desk, row: Row, of: str) -> Change:
    """Leave a field out that every record has."""
    new = changed(row, commissioner=None)
    return Change("no commissioner on the record", [(of, new)], value=_whole(row),
                  also=("COM02", "COM01", "COM08"))  # fmt: skip


@care_fault("REC06", "upheld before", "a wrong price after the challenge of one was upheld", OUT,
            billed, "challenges")  # fmt: skip
def upheld_before(desk: Desk, row: Row) -> Change | None:
    """Bill a wrong price again."""
    if row["billed_mff"] == 1 or row["billed_hrg"] not in ("WF01B", "WF01A"):
        return None
    new = charged(changed(row), row["billed_price"] + 40)
    before = {"challenge_id": f"Q{str(row['attendance_id'])[1:]}", "provider": row["provider"],
              "rule": "PRC01", "cause": row["billed_hrg"], "outcome": "upheld",
              "outcome_date": later(desk.first_day, -30)}  # fmt: skip
    return Change("a wrong price after the challenge of one was upheld",
                  [(OUT, new), ("challenges", before)], value=0, also=("PRC01",))  # fmt: skip
