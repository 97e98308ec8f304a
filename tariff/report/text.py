"""How figures and codes are put into words: money, counts, dates, labels.

Nothing here knows of HTML or of a workbook; both use it, so that they say the same thing.
"""

from __future__ import annotations

from datetime import date

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"

CLASSES = ("deterministic", "presumptive", "statistical")

KIND = {  # one, several
    "spells": ("spell", "spells"),
    "attendances": ("outpatient attendance", "outpatient attendances"),
    "emergency": ("emergency attendance", "emergency attendances"),
    "critical_care": ("critical care period", "critical care periods"),
    "lines": ("billed line", "billed lines"),
}

RECORD = {  # how the key of a record begins
    "spells": "spell",
    "attendances": "attendance",
    "emergency": "emergency",
    "critical_care": "critical_care",
    "lines": "line",
}
_NOUN = {RECORD[kind]: one for kind, (one, _) in KIND.items()}

EFFECTS = {
    "suspended": "suspended until it is shown",
    "system_neutral": "owed by another payer, system-neutral",
}  # of money that a finding does not save for good

EFFECT_LABEL = {"suspended": "suspended", "system_neutral": "owed by another payer"}

CLASS_LABEL = {
    "deterministic": "Deterministic",
    "presumptive": "Presumptive",
    "statistical": "Statistical",
}

CLASS_MEANING = {
    "deterministic": "The record itself appears to break a stated rule of payment.",
    "presumptive": "The record suggests it; the provider may show otherwise.",
    "statistical": "A pattern, to choose an audit sample by. Never a debit by itself.",
}

POINT_OF_DELIVERY = {
    "DC": "Day case",
    "EL": "Elective, ordinary admission",
    "RADAY": "Regular day attender",
    "RANIGHT": "Regular night attender",
    "NELST": "Non-elective emergency, short stay",
    "NEL": "Non-elective emergency",
    "NELNE": "Non-elective, not an emergency",
}

LINES = {  # points of delivery of billed lines, titled as their table is
    "DRUG": "High cost drug",
    "DEVICE": "High cost device",
    "UNBACC": "Adult critical care",
    "UNBPCC": "Paediatric critical care",
    "UNBNCC": "Neonatal critical care",
    "CCTRANS": "Critical care transport",
    "UNBCHEMO": "Chemotherapy",
    "UNBRTHPY": "Radiotherapy",
    "UNBPALL": "Specialist palliative care",
    "UNBRAD": "Diagnostic imaging and nuclear medicine",
    "UNBREHAB": "Rehabilitation",
    "UNBOTHER": "Unbundled otherwise",
    "ARD": "Dialysis of adults",
    "CRD": "Dialysis of children",
    "MATPATHAN": "Maternity pathway, antenatal",
    "MATPATHPN": "Maternity pathway, postnatal",
    "ADJUSTMENT": "Adjustment",
    "BLOCK": "Block payment",
    "CQUIN": "Commissioning for quality and innovation",
    "NAOTHER": "Money that is not activity",
}

PRICE_REASON = {
    "no_year": "No discharge date, and no year was given",
    "tariff_not_held": "No price list of that year is held",
    "no_hrg": "Nothing billed and nothing grouped",
    "hrg_not_in_tariff": "The price list does not have the HRG",
    "no_point_of_delivery": "Admission method and classification fit no group",
    "no_national_price": "No national price for this group or HRG",
    "stay_unknown": "Neither dates nor durations of the stay",
    "trim_unknown": "Trim point not known",
    "rate_unknown": "Per-day rate not known",
    "short_stay_not_held": "Short stay figures of that year are not held",
    "trim_of_other_edition": "Trim point and rate restated from another year",
    "mff_unknown": "Provider is in no market forces factor table",
    "mff_of_other_year": "Market forces factor of the nearest year used",
    "mff_of_successor": "Market forces factor of the provider it was merged into used",
    "negative_stay": "Discharged before admitted",
    "excluded": "Every episode is excluded from the national tariff: the local price path",
    "part_excluded": "Some episodes are excluded from the national tariff",
    "top_up_unknown": "A specialised service code that the year does not have",
    "payment_unknown": "A best practice payment that does not exist or does not fit",
}

ERROR_CATEGORY = {
    "field": "A field is blank or not an accepted value",
    "spell": "A field that must be the same through the spell differs",
    "UZ01": "A valid diagnosis that may not stand first",
    "UZ02": "A primary diagnosis that is too vague",
    "UZ03": "A perinatal diagnosis first, above the age for it",
    "UZ04": "A primary diagnosis with a fifth character that its category does not take",
    "UZ15": "A burn without its place or the area burnt",
    "UZ05": "Procedures none of which may be the dominant one",
    "UZ06": "A dominant procedure that is too vague",
    "national": "Ungrouped by the national grouper; the engine sees no error",
}

PROVENANCE_MEANING = {
    "official": "an official table, or the national grouper's own answer",
    "published": "restated from published figures",
    "reconstructed": "our own reading, not the national table",
    "illustrative": "an example only",
    "none": "no HRG",
}

MONTHS = "January February March April May June July August September October November December"
MONTH_NAMES = MONTHS.split()


def pounds(pence: int | None, *, signed: bool = False) -> str:
    """Pence as `£1,234.56`; a true minus sign; an en dash where there is no figure."""
    if pence is None:
        return DASH
    whole, part = divmod(abs(pence), 100)
    sign = MINUS if pence < 0 else "+" if signed and pence > 0 else ""
    return f"{sign}£{whole:,}.{part:02d}"


def short_pounds(pence: int) -> str:
    """Pence as whole pounds, for the scale of a chart."""
    whole = (abs(pence) + 50) // 100
    return f"{MINUS if pence < 0 and whole else ''}£{whole:,}"


def number(count: int | None) -> str:
    """A count with thousands separators."""
    return DASH if count is None else f"{count:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 finding`, `1,234 findings`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """A percentage; tiny shares are not shown as nothing."""
    if whole <= 0:
        return DASH
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1%"
    if percent > 99.9 and part < whole:
        return ">99.9%"
    return f"{percent:.1f}%"


def long_date(text: str | None) -> str:
    """`2022-04-01` as `1 April 2022`; anything else as it stands."""
    if not text:
        return DASH
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return text
    return f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}"


def month_name(text: str) -> str:
    """`2022-04` as `April 2022`; anything else as it stands."""
    year, _, month = text.partition("-")
    if year.isdigit() and month.isdigit() and 1 <= int(month) <= 12:
        return f"{MONTH_NAMES[int(month) - 1]} {year}"
    return text


def moment(text: str | None) -> str:
    """An ISO time as `1 April 2022, 09:30`."""
    if not text:
        return DASH
    clock = text[11:16]
    return f"{long_date(text)}, {clock}" if clock else long_date(text)


def point_of_delivery(code: str | None) -> str:
    """The words for a point of delivery; the code itself where it is not one of ours."""
    if code in KIND:
        words = KIND[code][1]
        return words[:1].upper() + words[1:]
    return {**POINT_OF_DELIVERY, **LINES}.get(code or "", code or "Not stated")


def record(key: str, *, provider: bool = False, noun: bool = True) -> str:
    """The key of a record in words: `spell S1 of R1H`, `row 26 of the register deaths`."""
    kind, _, rest = key.partition(":")
    if kind == "provider":  # of all its records in a year
        return " in ".join(["provider " + rest.partition(":")[0], rest.partition(":")[2]])
    if kind not in _NOUN:
        return f"row {rest} of the register {kind}" if rest.isdigit() else key
    whose, _, number = rest.partition(":")
    words = f"{_NOUN[kind]} {number}" if noun else number
    return f"{words} of {whose}" if provider else words


def period(first: str | None, last: str | None) -> str:
    """The dates a run covers."""
    if not first or not last:
        return "dates not in the extract"
    return long_date(first) if first == last else f"{long_date(first)} to {long_date(last)}"


def sentence_list(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def size(count: int | None) -> str:
    """A file size in the unit that reads best."""
    if count is None:
        return DASH
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:,.0f} {unit}" if unit != "MB" else f"{amount:,.1f} MB"
        amount /= 1000
    return f"{amount:,.1f} GB"
