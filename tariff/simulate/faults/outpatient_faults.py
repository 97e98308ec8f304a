"""Faults of outpatient attendances."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.care_model import (
    Change,
    care_as_it_is,
    care_fault,
    care_near_miss,
    changed,
)
from tariff.simulate.faults.desk import Desk, charged, later, month
from tariff.simulate.faults.model import Row
from tariff.simulate.faults.sheet import Sheet

OUT, IN = "attendances", "episodes"
NATIONAL_PODS = ("OPFASPCL", "OPFUPSPCL")
PATHWAY = ("501", "560")
# Rules that meet any attendance that is billed and need not have been.
LATER = ("OPA04", "OPA05", "OPA12", "OPA14")  # of attendances after it
PRESENCE = ("OPA12", "OPA14", "OPA19", "OPA20")


def seen(sheet: Sheet) -> Bools:
    """Say which were seen and billed, of an ordinary function."""
    return sheet.billed & sheet.among("attended", "5", "6") & ~sheet.among(
        "treatment_function", *PATHWAY, "800", "190"
    )  # fmt: skip


def consultation(sheet: Sheet) -> Bools:
    """Say which are billed as a consultation of a consultant, face to face."""
    return seen(sheet) & sheet.among("billed_point_of_delivery", *NATIONAL_PODS)


def follow_up(sheet: Sheet) -> Bools:
    """Say which are billed as the follow-up of a consultant, face to face."""
    return seen(sheet) & sheet.among("billed_point_of_delivery", "OPFUPSPCL")


def procedure(sheet: Sheet) -> Bools:
    """Say which are billed as a procedure."""
    return seen(sheet) & sheet.starting("billed_point_of_delivery", "OPPROC")


# ---------------------------------------------------------------- billed twice


@care_fault("DUP03", "same time", "an attendance billed again under a new number", OUT, seen)
def again(desk: Desk, row: Row) -> Change | None:
    """Bill an attendance again under a new number."""
    new = desk.copy(OUT, row)
    how = "the attendance billed again under a new number, at the same time"
    also = ("OPA20", *(("UNB07",) if row["billed_hrg"] == "SB97Z" else ()))
    return Change(how, [(OUT, new)], about=(row, new), kind_of_about=OUT, also=also)


@care_fault("DUP03", "same day", "an attendance billed again, an hour later", OUT, seen)
def hour_later(desk: Desk, row: Row) -> Change | None:
    """Bill an attendance again an hour later, by another consultant."""
    if row["attendance_time"].hour > 15:
        return None
    at = row["attendance_time"].replace(hour=row["attendance_time"].hour + 1)
    new = desk.copy(OUT, row, attendance_time=at)
    how = "the attendance billed again under a new number, an hour later"
    return Change(how, [(OUT, new)], about=(row, new), kind_of_about=OUT)


@care_near_miss(
    "DUP03",
    "two sessions",
    "two sessions of one day, three hours apart",
    OUT,
    lambda sheet: seen(sheet) & ~sheet.starting("billed_hrg", "WF01B", "WF02B", "WF01D"),
)
def two_sessions(desk: Desk, row: Row) -> Change | None:
    """Bill a true second session of the day."""
    if row["attendance_time"].hour > 13:
        return None
    at = row["attendance_time"].replace(hour=row["attendance_time"].hour + 3)
    new = desk.copy(OUT, row, attendance_time=at)
    return Change("two sessions of one day, three hours apart", [(OUT, new)],
                  about=(row, new), kind_of_about=OUT)  # fmt: skip


@care_fault("DUP05", "attendance", "an attendance billed again a month later", OUT,
            lambda sheet: seen(sheet) & (sheet.day % 365 > 0))  # fmt: skip
def next_month(desk: Desk, row: Row) -> Change | None:
    """Bill an attendance again in the next month."""
    day = row["attendance_date"]
    if day.month == 3:
        return None
    after = month(later(day.replace(day=28), 10))
    new = desk.copy(OUT, row, activity_month=after)
    how = f"the attendance billed again in {after}"
    also = ("DUP03", "OPA20")
    return Change(how, [(OUT, new)], about=(row, new), kind_of_about=OUT, also=also)


@care_fault("DUP06", "attendance", "an attendance billed to two commissioners", OUT, seen)
def two_payers(desk: Desk, row: Row) -> Change | None:
    """Bill an attendance to another commissioner as well."""
    other = desk.other_commissioner(row)
    if other is None:
        return None
    new = desk.copy(OUT, row, commissioner=other[0])
    how = f"the attendance billed to {other[0]} as well"
    also = ("DUP03", "COM01", "COM02", "OPA20")
    return Change(how, [(OUT, new)], about=(row, new), kind_of_about=OUT, also=also)


def _operated_day_case(sheet: Sheet) -> Bools:
    return (sheet.single & sheet.billed & sheet.among("patient_classification", "2")
            & sheet.filled("oper_01") & sheet.starting("admission_method", "1"))  # fmt: skip


@care_fault("DUP07", "beside the day case", "the procedure of a day case billed in outpatients too",
            IN, _operated_day_case)  # fmt: skip
def beside_day_case(desk: Desk, row: Row) -> Change | None:
    """Bill the procedure of a day case as an outpatient procedure of the same day."""
    model = desk.template(OUT, row, procedure(desk[OUT]))
    if model is None:
        return None
    new = desk.for_patient(
        OUT, model, row, attendance_date=row["admission_date"], oper_01=row["oper_01"],
        activity_month=month(row["admission_date"]), referral_date=None,
        treatment_function=row["treatment_function"], referral_source="92",
    )  # fmt: skip
    how = "the procedure of the day case billed as an outpatient procedure as well"
    also = ("OPA02", "PRC01", "HRG01", "OPA11", "POL01", "POL02", "POL03", "HRG15", "OPA20")
    return Change(how, [(OUT, new)], also=also)


@care_near_miss("DUP07", "another procedure", "another outpatient procedure the week after", IN,
                _operated_day_case)  # fmt: skip
def week_after(desk: Desk, row: Row) -> Change | None:
    """Do an outpatient procedure a week after the day case."""
    model = desk.template(OUT, row, procedure(desk[OUT]) & desk[OUT].among("first_attendance", "2"))
    day = later(row["discharge_date"], 7)
    if model is None or day > desk.last_day or not desk.free(row["patient_id"], day):
        return None
    return _visit(
        desk, row, model, day, "another outpatient procedure a week after the day case", *LATER
    )


def _visit(desk: Desk, row: Row, model: Row, day: date, how: str, *also: str,
           **values: object) -> Change:  # fmt: skip
    new = desk.for_patient(
        OUT, model, row, attendance_date=day, activity_month=month(day),
        referral_date=later(day, -20), referral_source="92", **values,
    )  # fmt: skip
    return Change(how, [(OUT, new)], also=also)


# ---------------------------------------------------------------- beside a stay


def _stay(sheet: Sheet) -> Bools:
    nights = sheet.number("discharge_date") - sheet.number("admission_date")
    return (sheet.single & sheet.billed & sheet.among("patient_classification", "1")
            & (nights >= 3) & sheet.among("discharge_method", "1"))  # fmt: skip


def _plain_follow_up(desk: Desk) -> Bools:
    sheet = desk[OUT]
    return seen(sheet) & sheet.among("billed_hrg", "WF01A") & ~sheet.filled("diag_01")


@care_fault("OPA01", "during a stay", "an attendance on a day inside a stay", IN, _stay)
def during_stay(desk: Desk, row: Row) -> Change | None:
    """Bill a visit to the ward as an attendance."""
    model = desk.template(OUT, row, _plain_follow_up(desk))
    if model is None:
        return None
    nights = (row["discharge_date"] - row["admission_date"]).days
    day = later(row["admission_date"], desk.between(1, nights - 1))
    return _visit(desk, row, model, day, "an attendance on a day inside a stay", *PRESENCE)


@care_near_miss("OPA01", "the day after", "an attendance the day after discharge", IN, _stay)
def day_after(desk: Desk, row: Row) -> Change | None:
    """See the patient the day after discharge."""
    model = desk.template(OUT, row, _plain_follow_up(desk))
    day = later(row["discharge_date"], 1)
    if model is None or day > desk.last_day or not desk.free(row["patient_id"], day):
        return None
    return _visit(desk, row, model, day, "an attendance the day after discharge", *LATER)


def _planned(sheet: Sheet) -> Bools:
    return (sheet.single & sheet.billed & sheet.starting("admission_method", "1")
            & sheet.among("patient_classification", "1", "2"))  # fmt: skip


@care_fault("OPA02", "of the function", "an attendance of the function on the day of admission",
            IN, _planned)  # fmt: skip
def on_admission(desk: Desk, row: Row) -> Change | None:
    """Bill the talk before the operation as an attendance."""
    sheet = desk[OUT]
    like = _plain_follow_up(desk) & sheet.among("treatment_function", row["treatment_function"])
    model = desk.template(OUT, row, like)
    if model is None:
        return None
    how = "an attendance of the function on the day of admission"
    return _visit(desk, row, model, row["admission_date"], how, "OPA03", *PRESENCE)


@care_near_miss("OPA02", "the week after", "an attendance the week after discharge", IN, _planned)
def the_week_after(desk: Desk, row: Row) -> Change | None:
    """See the patient a week after discharge."""
    model = desk.template(OUT, row, _plain_follow_up(desk))
    day = later(row["discharge_date"], 8)
    if model is None or day > desk.last_day or not desk.free(row["patient_id"], day):
        return None
    return _visit(desk, row, model, day, "an attendance the week after discharge", *LATER)


# ---------------------------------------------------------------- what kind of attendance


def _priced(desk: Desk, row: Row, hrg: str) -> Decimal | None:
    return desk.prices.attendances.get(row["treatment_function"], {}).get(hrg)


def _dearer(
    desk: Desk, row: Row, hrg: str, how: str, *also: str, **values: object
) -> Change | None:
    price = _priced(desk, row, hrg)
    if price is None or price <= row["billed_price"]:
        return None
    new = charged(changed(row, billed_hrg=hrg, **values), price)
    return Change(how, [(OUT, new)], also=also)


@care_fault(
    "OPA04", "follow-up as first", "a follow-up billed as a first attendance", OUT, follow_up
)
def as_first(desk: Desk, row: Row) -> Change | None:
    """Bill a follow-up of a referral as a first attendance."""
    before = [
        other for other in desk[OUT].rows_of(row["patient_id"])
        if other["attended"] in ("5", "6")
        and all(other[name] == row[name] for name in
                ("provider", "treatment_function", "referral_date"))
        and 1 <= (row["attendance_date"] - other["attendance_date"]).days <= 365
    ]  # fmt: skip
    if not before or row["referral_date"] is None:
        return None
    how = "a follow-up billed as a first attendance"
    return _dearer(desk, row, "WF01B", how, "OPA05", *PRESENCE,
                   first_attendance="1", billed_point_of_delivery="OPFASPCL")  # fmt: skip


care_as_it_is(
    "OPA04",
    "first of a referral",
    "a first attendance of a new referral",
    OUT,
    lambda sheet: seen(sheet) & sheet.among("billed_point_of_delivery", "OPFASPCL"),
)


@care_fault(
    "OPA06", "several professionals", "one professional billed as several", OUT, consultation
)
def as_several(desk: Desk, row: Row) -> Change | None:
    """Bill one professional as several."""
    hrg = {"WF01A": "WF02A", "WF01B": "WF02B"}.get(row["billed_hrg"])
    pod = str(row["billed_point_of_delivery"]).replace("SP", "MP", 1)
    return None if hrg is None else _dearer(
        desk, row, hrg, "one professional billed as several",
        billed_point_of_delivery=pod)  # fmt: skip


care_as_it_is("OPA06", "several, recorded", "several professionals, and recorded so", OUT,
              lambda sheet: seen(sheet) & sheet.starting("billed_hrg", "WF02")
              & sheet.among("oper_01", "X622"))  # fmt: skip


@care_fault("OPA07", "nurse as consultant", "a nurse's clinic at the consultant's price", OUT,
            lambda sheet: seen(sheet) & sheet.among("main_specialty", "950")
            & sheet.among("billed_point_of_delivery", "OPFUPSPNCL", "OPFASPNCL"),
            "local_prices")  # fmt: skip
def nurse(desk: Desk, row: Row) -> Change | None:
    """Bill a nurse's clinic at the price of a consultant."""
    pod = str(row["billed_point_of_delivery"]).replace("NCL", "CL")
    price = _priced(desk, row, row["billed_hrg"])
    factor = _factor(desk, row)
    if price is None or factor is None or price <= row["billed_price"]:
        return None
    new = charged(changed(row, billed_point_of_delivery=pod), price, factor)
    return Change("a nurse's clinic billed at the consultant's price", [(OUT, new)],
                  also=("PRC01", "PRC02", "PRC04"))  # fmt: skip


def _factor(desk: Desk, row: Row) -> Decimal | None:
    """Return the market forces factor at which the provider bills national prices."""
    sheet = desk[OUT]
    other = desk.choose(consultation(sheet) & sheet.among("provider", row["provider"]), sheet)
    return None if other is None else other["billed_mff"]


care_as_it_is("OPA07", "agreed price", "a nurse's clinic at the price agreed for it", OUT,
              lambda sheet: seen(sheet) & sheet.among("main_specialty", "950")
              & sheet.among("billed_point_of_delivery", "OPFUPSPNCL", "OPFASPNCL"))  # fmt: skip


@care_fault("OPA08", "remote as face to face", "a telephone call billed as face to face", OUT,
            lambda sheet: seen(sheet) & sheet.among("billed_hrg", "WF01C", "WF01D")
            & ~sheet.among("main_specialty", "950", "960"), "local_prices")  # fmt: skip
def remote(desk: Desk, row: Row) -> Change | None:
    """Bill a telephone call as face to face."""
    hrg = {"WF01C": "WF01A", "WF01D": "WF01B"}[row["billed_hrg"]]
    pod = {"WF01C": "OPFUPSPCL", "WF01D": "OPFASPCL"}[row["billed_hrg"]]
    price, factor = _priced(desk, row, hrg), _factor(desk, row)
    if price is None or factor is None or price <= row["billed_price"]:
        return None
    new = charged(changed(row, billed_hrg=hrg, billed_point_of_delivery=pod), price, factor)
    return Change("a telephone call billed as face to face", [(OUT, new)],
                  also=("PRC01", "PRC02", "PRC04", "OPA07"))  # fmt: skip


care_as_it_is("OPA08", "remote as remote", "a telephone call billed as one", OUT,
              lambda sheet: seen(sheet) & sheet.among("billed_hrg", "WF01C", "WF01D"))  # fmt: skip


@care_fault("OPA09", "not seen", "an appointment that was not kept, billed", OUT,
            consultation)  # fmt: skip
def not_seen(desk: Desk, row: Row) -> Change | None:
    """Bill an appointment that was cancelled, or to which nobody came."""
    code = ("2", "3", "4", "7")[desk.between(0, 3)]
    what = "that nobody came to" if code in "37" else "that was cancelled"
    new = changed(row, attended=code, outcome=None)
    return Change(f"an appointment {what}, billed", [(OUT, new)],
                  value=int(row["billed_total"] * 100))  # fmt: skip


care_as_it_is("OPA09", "late but seen", "a patient who came late and was seen", OUT,
              lambda sheet: seen(sheet) & sheet.among("attended", "6"))  # fmt: skip


@care_fault("OPA10", "same slot", "the attendance billed beside its procedure", OUT, procedure)
def beside_procedure(desk: Desk, row: Row) -> Change | None:
    """Bill the consultation beside the procedure done in it."""
    price, factor = _priced(desk, row, "WF01A"), _factor(desk, row)
    if price is None or factor is None or price >= row["billed_price"]:
        return None
    first = row["first_attendance"] == "1"
    hrg, pod = ("WF01B", "OPFASPCL") if first else ("WF01A", "OPFUPSPCL")
    price = _priced(desk, row, hrg)
    if price is None or price >= row["billed_price"]:
        return None
    new = desk.copy(OUT, row, oper_01=None, billed_hrg=hrg, billed_point_of_delivery=pod)
    charged(new, price, factor)
    how = "the attendance billed beside the procedure done in it"
    return Change(how, [(OUT, new)], about=(row, new), kind_of_about=OUT,
                  also=("DUP03", "OPA07", "PRC04", *PRESENCE))  # fmt: skip


care_as_it_is("OPA10", "procedure alone", "a procedure billed by itself", OUT, procedure)


@care_fault("OPA17", "group", "one session of a group billed for each member", OUT, consultation,
            "clinics")  # fmt: skip
def group(desk: Desk, row: Row) -> Change | None:
    """Bill a session of four as four attendances of one professional."""
    sheet = desk[OUT]
    like = consultation(sheet) & sheet.among("provider", row["provider"])
    like &= sheet.among("treatment_function", row["treatment_function"])
    like &= sheet.among("first_attendance", row["first_attendance"])
    like &= (sheet.day == sheet.day[row["_row"]]) & ~sheet.among("patient_id", row["patient_id"])
    others: list[Row] = []
    for number in like.nonzero()[0][:6]:
        other = sheet.row(int(number))
        if other["patient_id"] not in [one["patient_id"] for one in others]:
            others.append(other)
    if len(others) < 3:
        return None
    clinic = f"{row['treatment_function']}G"
    values = {
        "care_professional": f"{row['consultant']}", "attendance_time": row["attendance_time"],
        "clinic": clinic,
    }  # fmt: skip
    rows = [(OUT, changed(one, **values)) for one in (row, *others[:3])]
    use = {"provider": row["provider"], "clinic": clinic, "use": "group"}
    return Change("one session of a group billed for each member", [*rows, ("clinics", use)])


@care_fault("OPA16", "test alone", "a test billed as a consultation", OUT, follow_up, "clinics")
def test_alone(desk: Desk, row: Row) -> Change | None:
    """Bill a session for tests as a consultation."""
    clinic = f"{row['treatment_function']}T"
    use = {"provider": row["provider"], "clinic": clinic, "use": "diagnostic"}
    how = "a session for tests billed as a consultation"
    return Change(how, [(OUT, changed(row, clinic=clinic)), ("clinics", use)], value=0)


@care_fault("OPA18", "ward attender", "a visit to the ward billed as a first attendance", OUT,
            lambda sheet: seen(sheet) & sheet.among("billed_point_of_delivery", "OPFASPCL"),
            "clinics")  # fmt: skip
def ward_attender(desk: Desk, row: Row) -> Change | None:
    """Bill a visit to the ward as a first attendance."""
    due = _priced(desk, row, "WF01A")
    if due is None or due >= row["billed_price"]:
        return None
    clinic = f"{row['treatment_function']}W"
    use = {"provider": row["provider"], "clinic": clinic, "use": "ward"}
    value = row["billed_total"] - charged(changed(row), due)["billed_total"]
    return Change("a visit to the ward billed as a first attendance",
                  [(OUT, changed(row, clinic=clinic)), ("clinics", use)],
                  value=int(value * 100), also=PRESENCE)  # fmt: skip


@care_fault("OPA21", "advice", "written advice billed as an attendance", OUT, follow_up)
def advice(desk: Desk, row: Row) -> Change:
    """Bill an e-mail as an attendance."""
    how = "written advice billed as an attendance"
    return Change(how, [(OUT, changed(row, consultation_medium="05"))],
                  value=int(row["billed_total"] * 100), also=("OPA08",))  # fmt: skip


@care_fault("OPA19", "no referral", "a first attendance without a referral", OUT,
            lambda sheet: seen(sheet) & sheet.among("billed_point_of_delivery", "OPFASPCL")
            & sheet.among("referral_source", "03") & sheet.among("outcome", "2", "3"),
            "referrals", "letters")  # fmt: skip
def no_referral(desk: Desk, row: Row) -> Change | None:
    """Bill a first attendance of a patient whom nobody has referred."""
    others = [one for one in desk[OUT].rows_of(row["patient_id"])
              if one["provider"] == row["provider"] and one["_row"] != row["_row"]
              and one["referral_date"] is not None]  # fmt: skip
    if others or row["referral_date"] is None:
        return None
    how = "a first attendance without a referral"
    return Change(how, [(OUT, changed(row, referral_date=None))],
                  value=int(row["billed_total"] * 100))  # fmt: skip
