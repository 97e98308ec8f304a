"""Faults of critical care periods and billed lines: drugs, devices, scans, money."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.care_model import (
    Change,
    care_as_it_is,
    care_fault,
    care_near_miss,
    changed,
)
from tariff.simulate.faults.desk import Desk, charged, later, month
from tariff.simulate.faults.edits import PENNY
from tariff.simulate.faults.model import ORIGIN, Row
from tariff.simulate.faults.sheet import Sheet

LINES, CARE, SPELLS = "lines", "critical_care", "episodes"
CARE_LINES = ("UNBACC", "UNBPCC")
SCANS_OF_TWO = {"RD01A": "RD04Z", "RD20A": "RD23Z"}
ONE = Decimal(1)
AGREED = Decimal("0.0125")  # share of the contract that is paid as an incentive


def drug(sheet: Sheet) -> Bools:
    """Say which are drugs."""
    return sheet.billed & sheet.among("point_of_delivery", "DRUG") & sheet.filled("approval_id")


def supply(sheet: Sheet) -> Bools:
    """Say which are drugs or devices."""
    return sheet.billed & sheet.among("point_of_delivery", "DRUG", "DEVICE")


def scan(sheet: Sheet) -> Bools:
    """Say which are scans."""
    return sheet.billed & sheet.among("point_of_delivery", "UNBRAD")


def care_line(sheet: Sheet) -> Bools:
    """Say which are days of critical care."""
    return sheet.billed & sheet.among("point_of_delivery", *CARE_LINES)


def _days(sheet: Sheet) -> Bools:
    return care_line(sheet) & (sheet.number("quantity") >= 3)


def _counted(row: Row, quantity: int) -> Row:
    """Bill another quantity of the same; in place."""
    row["quantity"] = quantity
    return charged(row, row["unit_price"] * quantity)


# ---------------------------------------------------------------- critical care


@care_fault("UNB01", "within", "days of critical care billed twice", LINES, _days)
def overlap(desk: Desk, row: Row) -> Change | None:
    """Bill the last days of a period again."""
    if (row["end_date"] - row["start_date"]).days < 2:
        return None
    new = desk.copy(LINES, row, start_date=later(row["start_date"], 1))
    _counted(new, row["quantity"] - 1)
    return Change(
        "the later days of a period billed again",
        [(LINES, new)],
        about=(row, new),
        kind_of_about=LINES,
    )


care_as_it_is("UNB01", "one period", "one period, billed once", LINES, care_line)


@care_fault(
    "UNB02", "days billed", "more days of critical care than the period has", LINES, care_line
)
def too_many_days(desk: Desk, row: Row) -> Change:
    """Bill more days than there were."""
    more = desk.between(1, 3)
    new = _counted(changed(row), row["quantity"] + more)
    return Change(f"{more} days of critical care more than the period has", [(LINES, new)])


@care_fault(
    "UNB02",
    "days recorded",
    "more days of organ support than the period has",
    CARE,
    lambda sheet: sheet.every,
)
def too_many_recorded(desk: Desk, row: Row) -> Change:
    """Record more days of support than the period has."""
    days = (row["end_date"] - row["start_date"]).days + 1
    new = changed(row, advanced_respiratory_days=days + desk.between(1, 4))
    return Change("more days of breathing support than the period has", [(CARE, new)], value=0)


care_as_it_is("UNB02", "all of them", "a period all of whose days are billed", LINES, care_line)


@care_fault(
    "UNB04",
    "day case",
    "critical care billed of a day case",
    SPELLS,
    lambda sheet: sheet.single & sheet.billed & sheet.among("patient_classification", "2"),
)
def in_day_case(desk: Desk, row: Row) -> Change | None:
    """Bill the hours in recovery as critical care."""
    model = desk.choose(
        care_line(desk[LINES]) & desk[LINES].among("point_of_delivery", "UNBACC"), desk[LINES]
    )
    if model is None:
        return None
    day = row["admission_date"]
    line = _counted(_line_for(desk, model, row, day), 1)
    line["spell_id"] = row["spell_id"]
    return Change(
        "the hours in recovery of a day case billed as critical care",
        [(LINES, line)],
        also=("UNB02", "PRC04"),
    )


def _line_for(desk: Desk, model: Row, host: Row, day: date) -> Row:
    """Return a line like another, of another patient and day."""
    number = str(host.get("spell_id") or host.get("attendance_id") or host.get("line_id"))
    return {
        **model,
        ORIGIN: None,
        "line_id": f"L{number[0]}{number[2:]}",
        **{name: host[name] for name in ("provider", "patient_id", "commissioner", "gp_practice")},
        "spell_id": None,
        "attendance_id": None,
        "approval_id": None,
        "start_date": day,
        "end_date": day,
        "activity_month": month(day),
        "billed_mff": host["billed_mff"] if model["billed_mff"] != ONE else ONE,
    }


# ---------------------------------------------------------------- scans


def _stay(sheet: Sheet) -> Bools:
    nights = sheet.number("discharge_date") - sheet.number("admission_date")
    return sheet.single & sheet.billed & sheet.among("patient_classification", "1") & (nights >= 3)


def _scan_of(desk: Desk, row: Row, day: date) -> Row | None:
    model = desk.choose(
        scan(desk[LINES]) & desk[LINES].among("provider", row["provider"]), desk[LINES]
    )
    if model is None:
        return None
    line = _line_for(desk, model, row, day)
    line["billed_mff"] = model["billed_mff"]
    return charged(line, line["billed_price"])


@care_fault("UNB05", "in a stay", "a scan billed of a patient in a stay", SPELLS, _stay)
def scan_in_stay(desk: Desk, row: Row) -> Change | None:
    """Bill a scan of an inpatient."""
    nights = (row["discharge_date"] - row["admission_date"]).days
    line = _scan_of(desk, row, later(row["admission_date"], desk.between(1, nights - 1)))
    return None if line is None else Change("a scan billed within a stay", [(LINES, line)])


@care_near_miss("UNB05", "the day after", "a scan the day after discharge", SPELLS, _stay)
def scan_after(desk: Desk, row: Row) -> Change | None:
    """Scan a patient the day after discharge."""
    day = later(row["discharge_date"], 1)
    if day > desk.last_day or not desk.free(row["patient_id"], day):
        return None
    line = _scan_of(desk, row, day)
    return None if line is None else Change("a scan the day after discharge", [(LINES, line)])


@care_fault(
    "UNB06",
    "two units",
    "two areas billed as two scans",
    LINES,
    lambda sheet: scan(sheet) & sheet.among("tariff_code", *SCANS_OF_TWO),
)
def two_scans(desk: Desk, row: Row) -> Change | None:
    """Bill one scan of two areas as two scans."""
    due = desk.prices.unbundled.get(SCANS_OF_TWO[row["tariff_code"]])
    if due is None or due >= 2 * row["unit_price"]:
        return None
    new = _counted(changed(row), 2)
    honest = charged(changed(row), due)["billed_total"]
    return Change(
        "one scan of two areas billed as two scans",
        [(LINES, new)],
        value=int((new["billed_total"] - honest) * 100),
    )


care_as_it_is(
    "UNB06",
    "one area",
    "a scan of one area",
    LINES,
    lambda sheet: scan(sheet) & sheet.among("tariff_code", *SCANS_OF_TWO),
)


@care_fault(
    "UNB10", "in a stay", "days of rehabilitation billed beside an acute stay", SPELLS, _stay
)
def rehabilitation(desk: Desk, row: Row) -> Change | None:
    """Bill rehabilitation of a patient who is in an acute stay."""
    if row["rehabilitation_days"]:
        return None
    model = desk.choose(care_line(desk[LINES]), desk[LINES])
    if model is None:
        return None
    line = _line_for(desk, model, row, row["admission_date"])
    days = (row["discharge_date"] - row["admission_date"]).days
    line.update(
        point_of_delivery="REHAB",
        tariff_code="VC04Z",
        billed_hrg="VC04Z",
        billed_point_of_delivery="REHAB",
        end_date=row["discharge_date"],
        unit_price=Decimal("310.00"),
        billed_mff=ONE,
        activity_month=month(row["discharge_date"]),
    )
    return Change(
        "rehabilitation billed beside an acute stay",
        [(LINES, _counted(line, days))],
        also=("PRC01", "PRC04", "COM11", "REC05"),
    )


# ---------------------------------------------------------------- drugs and devices


@care_fault("UNB11", "twice", "a supply billed twice", LINES, drug)
def supplied_twice(desk: Desk, row: Row) -> Change:
    """Bill a supply again under a new number."""
    new = desk.copy(LINES, row)
    return Change(
        "the supply billed again under a new number",
        [(LINES, new)],
        about=(row, new),
        kind_of_about=LINES,
        also=("UNB16",),
    )


care_as_it_is("UNB11", "next supply", "the supplies of one drug, months apart", LINES, drug)


@care_fault("DUP05", "line", "a supply billed again a month later", LINES, drug)
def next_month(desk: Desk, row: Row) -> Change | None:
    """Bill a supply again in the next month."""
    if row["start_date"].month == 3:
        return None
    after = month(later(row["start_date"].replace(day=28), 10))
    new = desk.copy(LINES, row, activity_month=after)
    return Change(
        f"the supply billed again in {after}",
        [(LINES, new)],
        about=(row, new),
        kind_of_about=LINES,
        also=("UNB11", "UNB16"),
    )


@care_fault("UNB12", "not listed", "a drug that the year's list does not have", LINES, drug)
def not_listed(desk: Desk, row: Row) -> Change:
    """Bill a drug that the price of the visit includes."""
    names = ("Paracetamol", "Amoxicillin", "Omeprazole")
    name = names[desk.between(0, 2)]
    return Change(
        "a drug billed apart that the year's list does not have",
        [(LINES, changed(row, tariff_code=name, approval_id=None))],
        value=int(row["billed_total"] * 100),
        also=("UNB13", "PRC04"),
    )


care_as_it_is("UNB12", "listed", "a drug on the year's list", LINES, drug)


def _grant(desk: Desk, row: Row) -> Row | None:
    """Return the approval of a supply, where it covers no other."""
    sheet = desk["approvals"]
    rows = [
        one for one in sheet.rows_of(row["patient_id"]) if one["approval_id"] == row["approval_id"]
    ]
    supplies = [
        one
        for one in desk[LINES].rows_of(row["patient_id"])
        if one["tariff_code"] == row["tariff_code"]
    ]
    return rows[0] if len(rows) == 1 and len(supplies) == 1 else None


@care_fault("UNB13", "expired", "a drug whose approval had expired", LINES, drug)
def expired(desk: Desk, row: Row) -> Change | None:
    """Let the approval end before the supply."""
    grant = _grant(desk, row)
    end = later(row["start_date"], -desk.between(20, 60))
    if grant is None:
        return None
    begin = min(grant["valid_from"], later(end, -90))
    new = changed(grant, valid_from=begin, valid_to=end)
    how = "a drug whose approval had expired"
    return Change(
        how,
        [("approvals", new)],
        value=int(row["billed_total"] * 100),
        also=("POL03",),
        about=(row,),
        kind_of_about=LINES,
    )


@care_fault("UNB13", "none", "a drug that nobody approved", LINES, drug)
def not_approved(desk: Desk, row: Row) -> Change | None:
    """Take the approval away."""
    grant = _grant(desk, row)
    if grant is None:
        return None
    return Change(
        "a drug that nobody approved",
        [(LINES, changed(row, approval_id=None))],
        drop=(("approvals", grant[ORIGIN]),),
        value=int(row["billed_total"] * 100),
    )


@care_near_miss("UNB13", "last day", "a drug supplied on the last day of its approval", LINES, drug)
def last_day(desk: Desk, row: Row) -> Change | None:
    """Let the approval end on the day of supply."""
    grant = _grant(desk, row)
    if grant is None:
        return None
    new = changed(grant, valid_to=row["start_date"])
    return Change(
        "a drug supplied on the last day of its approval",
        [("approvals", new)],
        about=(row,),
        kind_of_about=LINES,
    )


@care_fault("POL03", "another drug", "a drug billed under the approval of another", LINES, drug)
def other_approval(desk: Desk, row: Row) -> Change | None:
    """Let the approval be of another drug."""
    grant = _grant(desk, row)
    if grant is None:
        return None
    other = "Etanercept" if row["tariff_code"] != "Etanercept" else "Adalimumab"
    return Change(
        "a drug billed under the approval of another",
        [("approvals", changed(grant, code=other))],
        about=(row,),
        kind_of_about=LINES,
        value=int(row["billed_total"] * 100),
        also=("UNB13",),
    )


care_as_it_is("POL03", "covered", "a drug that its approval covers", LINES, drug)


@care_fault("UNB15", "above", "a drug above the reference price", LINES, drug, "reference_prices")
def above_reference(desk: Desk, row: Row) -> Change:
    """Bill a drug above the price of its framework."""
    price = (row["unit_price"] * Decimal("1.2")).quantize(PENNY, ROUND_HALF_UP)
    new = changed(row, unit_price=price)
    return Change(
        "a drug a fifth above the reference price", [(LINES, _counted(new, row["quantity"]))]
    )


@care_near_miss(
    "UNB15",
    "a percent",
    "a drug a percent above the reference price",
    LINES,
    drug,
    "reference_prices",
)
def a_percent_above(desk: Desk, row: Row) -> Change:
    """Bill a drug within the tolerance."""
    price = (row["unit_price"] * Decimal("1.01")).quantize(PENNY, ROUND_HALF_UP)
    new = changed(row, unit_price=price)
    return Change("a drug a percent above the reference", [(LINES, _counted(new, row["quantity"]))])


@care_fault("UNB16", "quantity", "more of a drug than is ever supplied", LINES, drug, "doses")
def too_much(desk: Desk, row: Row) -> Change | None:
    """Supply three times as much as is ever due; a patient on treatment."""
    before = [
        one
        for one in desk[LINES].rows_of(row["patient_id"])
        if one["tariff_code"] == row["tariff_code"]
        and 42 <= (row["start_date"] - one["start_date"]).days <= 400
    ]
    if not before:
        return None
    new = _counted(changed(row), row["quantity"] * 3)
    return Change("three times the most that is supplied", [(LINES, new)])


care_as_it_is("UNB16", "usual", "a usual quantity", LINES, drug)


@care_fault(
    "UNB18",
    "in tariff",
    "a device billed that the price of the stay includes",
    SPELLS,
    lambda sheet: sheet.single & sheet.billed & sheet.filled("oper_01"),
    "devices",
)
def in_tariff(desk: Desk, row: Row) -> Change | None:
    """Bill a device that the price of the stay includes."""
    model = desk.choose(
        desk[LINES].among("point_of_delivery", "DEVICE") & desk[LINES].billed, desk[LINES]
    )
    if model is None:
        return None
    items = ("Bone screw", "Surgical mesh", "Arterial closure device")
    line = _line_for(desk, model, row, row["admission_date"])
    line.update(
        tariff_code=items[desk.between(0, 2)],
        unit_price=Decimal("240.00"),
        spell_id=row["spell_id"],
        activity_month=month(row["discharge_date"]),
    )
    listed = {"item": line["tariff_code"], "status": "in_tariff"}
    put: list[tuple[str, Row]] = [(LINES, _counted(line, 1)), ("devices", listed)]
    return Change(
        "a device billed that the price of the stay includes", put, also=("UNB12", "PRC04")
    )


@care_fault(
    "UNB19", "uplifted", "a drug passed through with the market forces factor", LINES, supply
)
def uplifted(desk: Desk, row: Row) -> Change | None:
    """Apply the factor to what is passed through at cost."""
    sheet = desk["attendances"]
    other = desk.choose(
        sheet.among("provider", row["provider"])
        & sheet.billed
        & (sheet.number("billed_mff") != 100),
        sheet,
    )
    if other is None or abs(other["billed_mff"] - 1) < Decimal("0.01"):
        return None
    new = charged(changed(row), row["billed_price"], other["billed_mff"])
    return Change("a drug passed through at cost and uplifted", [(LINES, new)], also=("PRC02",))


care_as_it_is("UNB19", "at cost", "a drug passed through at cost", LINES, supply)


@care_fault("PRC09", "quantity", "a line that is not its quantity times its price", LINES, supply)
def times_ten(desk: Desk, row: Row) -> Change:
    """Bill ten times quantity times price."""
    new = charged(changed(row), row["billed_price"] * 10)
    return Change("ten times the quantity times the price", [(LINES, new)], also=("UNB19", "PRC01"))


# ---------------------------------------------------------------- money without a patient


def _money(desk: Desk, row: Row, pod: str, code: str, amount: Decimal) -> Row:
    line = _line_for(desk, row, row, row["start_date"])
    line.update(
        {
            "patient_id": None,
            "gp_practice": None,
            "billed_hrg": None,
            "billed_mff": ONE,
            "point_of_delivery": pod,
            "billed_point_of_delivery": pod,
            "tariff_code": code,
            "quantity": None,
            "unit_price": None,
            "billed_price": amount,
            "billed_total": amount,
        }
    )
    return line


@care_fault(
    "PRC08",
    "share",
    "an incentive payment of another share than was agreed",
    LINES,
    drug,
    "percentages",
)
def other_share(desk: Desk, row: Row) -> Change:
    """Bill two and a half per cent where one and a quarter is due."""
    return _incentive(desk, row, Decimal("0.025"), "twice the share that was agreed")


@care_near_miss("PRC08", "agreed", "an incentive payment as agreed", LINES, drug, "percentages")
def agreed_share(desk: Desk, row: Row) -> Change:
    """Bill what was agreed."""
    return _incentive(desk, row, AGREED, "an incentive payment as agreed")


def _incentive(desk: Desk, row: Row, share: Decimal, how: str) -> Change:
    base = Decimal(desk.between(10, 90) * 10_000)
    code = f"CQUIN-{str(row['line_id'])[-6:]}"
    line = _money(desk, row, "CQUIN", code, (base * share).quantize(PENNY, ROUND_HALF_UP))
    due = {"provider": row["provider"], "code": code, "base": base, "rate": AGREED}
    value = int(line["billed_total"] * 100) - int(base * AGREED * 100)
    return Change(how, [(LINES, line), ("percentages", due)], value=value)


def _challenge(desk: Desk, row: Row, rule: str, value: Decimal | None, **other: object) -> Row:
    number = f"Q{str(row.get('line_id') or row.get('attendance_id') or row.get('spell_id'))[1:]}"
    return {
        "challenge_id": number,
        "provider": row["provider"],
        "rule": rule,
        "outcome": "upheld",
        "outcome_date": later(desk.first_day, -30),
        "value": value,
        **other,
    }


@care_fault(
    "PRC07", "credit short", "a credit that is less than was upheld", LINES, drug, "challenges"
)
def short_credit(desk: Desk, row: Row) -> Change:
    """Credit half of what was upheld."""
    return _credit(desk, row, Decimal("0.5"), "half of what was upheld credited")


@care_near_miss("PRC07", "in full", "a credit in full", LINES, drug, "challenges")
def full_credit(desk: Desk, row: Row) -> Change:
    """Credit all of what was upheld."""
    return _credit(desk, row, ONE, "what was upheld credited in full")


def _credit(desk: Desk, row: Row, share: Decimal, how: str) -> Change:
    value = Decimal(desk.between(20, 900) * 10)
    upheld = _challenge(desk, row, "DUP01", value)
    line = _money(desk, row, "ADJUSTMENT", "ADJ-CREDIT", (-value * share).quantize(PENNY))
    line["approval_id"] = upheld["challenge_id"]
    return Change(
        how, [(LINES, line), ("challenges", upheld)], value=int(value * (1 - share) * 100)
    )


# ---------------------------------------------------------------- after death


def _supplies_of_the_dead(sheet: Sheet) -> Bools:
    return drug(sheet)


@care_fault(
    "UNB17", "after death", "a drug supplied after the patient died", LINES, _supplies_of_the_dead
)
def after_death(desk: Desk, row: Row) -> Change | None:
    """Go on supplying a patient who has died."""
    died = desk.death(row["patient_id"])
    if died is None:
        return None
    day = later(died, desk.between(10, 40))
    if day > desk.last_day:
        return None
    new = desk.copy(
        LINES, row, start_date=day, end_date=day, activity_month=month(day), attendance_id=None
    )
    return Change(
        "a drug supplied after the patient died",
        [(LINES, new)],
        also=("COM03", "COM02", "UNB13", "POL03", "UNB16"),
    )
