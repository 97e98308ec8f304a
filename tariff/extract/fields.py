"""The field dictionary: every canonical column, its type, and what it holds.

Names follow the NHS Data Dictionary in snake case. `docs/fields.md` is generated from this table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

import pyarrow as pa

from tariff.schemas import CODE

FieldType = Literal[
    "identifier",  # text that may point at a person or a record: masked in messages
    "code",  # a code, kept as text; spaces around it are dropped, upper case
    "clinical",  # an ICD-10 or OPCS-4 code: dots and blanks dropped, upper case
    "text",
    "integer",
    "date",  # YYYY-MM-DD in a canonical file
    "time",  # HH:MM
    "month",  # YYYY-MM
    "money",  # pounds in the file, pence in the tables
    "factor",  # an MFF, above 0 and below 9, in units of 1e-9 in the tables
]

ARROW_TYPE: dict[str, pa.DataType] = {
    "identifier": CODE,
    "code": CODE,
    "clinical": CODE,
    "text": CODE,
    "month": CODE,
    "integer": pa.int32(),
    "date": pa.date32(),
    "time": pa.int32(),  # minutes since midnight
    "money": pa.int64(),  # pence
    "factor": pa.int64(),  # 1e-9
}


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical column. `repeats` marks families such as `diag_01`, `diag_02`."""

    name: str
    type: FieldType
    title: str
    key: bool = False  # a row without it is a reject
    repeats: int = 0  # how many columns of the family are understood
    lower: bool = False  # a code that is a word, in lower case
    spellings: tuple[tuple[str, str], ...] = ()  # what else a file may write, and for which code


_SPELLINGS = tuple(
    (written, code)
    for code, words in (
        ("Y", ("yes",)),
        ("N", ("no",)),
        *((f"LEVEL_{n}", (f"level {n}", f"level{n}", f"level-{n}")) for n in (1, 2, 3)),
    )
    for word in words
    for written in (word, word.upper(), word.capitalize())
)

# What the provider billed: on any dataset.
BILLED: tuple[Field, ...] = (
    Field("billed_hrg", "code", "HRG the provider billed"),
    Field("billed_point_of_delivery", "code", "Point of delivery the provider billed"),
    Field("billed_price", "money", "Price billed before the market forces factor"),
    Field("billed_mff", "factor", "Market forces factor billed: a factor"),
    Field("billed_mff_amount", "money", "Market forces factor billed: as money"),
    Field("billed_excess_days", "integer", "Excess bed days billed"),
    Field("billed_total", "money", "Total billed"),
    Field("activity_month", "month", "Month the activity was billed in"),
    Field("statement", "code", "flex or freeze", lower=True),
)

EPISODES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("spell_id", "identifier", "Hospital provider spell number", key=True),
    Field("episode_order", "integer", "Episode number within the spell, from 1"),
    Field("site", "code", "Site code of treatment"),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("gp_practice", "code", "General medical practice of registration"),
    Field("patient_id", "identifier", "Pseudonymised patient identifier"),
    Field("age", "integer", "Age in whole years at the start of the episode; 999 unknown"),
    Field("sex", "code", "Person stated gender code"),
    Field(
        "patient_classification",
        "code",
        "Patient classification: 1 ordinary, 2 day case, 3/4 regular, 5 mother and baby",
    ),
    Field("intended_management", "code", "Intended management code"),
    Field(
        "administrative_category",
        "code",
        "Administrative category: 01 NHS patient, 02 private, ...",
    ),
    Field("admission_source", "code", "Admission source"),
    Field("admission_method", "code", "Admission method: 11-13 elective, 2x emergency, ..."),
    Field("admission_date", "date", "Start date of the hospital provider spell"),
    Field("admission_time", "time", "Start time of the hospital provider spell"),
    Field("discharge_date", "date", "Discharge date of the hospital provider spell"),
    Field("discharge_time", "time", "Discharge time of the hospital provider spell"),
    Field("ready_for_discharge_date", "date", "Date the patient was ready for discharge"),
    Field("discharge_destination", "code", "Discharge destination"),
    Field("discharge_method", "code", "Discharge method: 4 died, 5 stillbirth"),
    Field("episode_start_date", "date", "Start date of the consultant episode"),
    Field("episode_end_date", "date", "End date of the consultant episode"),
    Field("episode_duration", "integer", "Episode end minus episode start, in days"),
    Field("main_specialty", "code", "Main specialty of the care professional"),
    Field("treatment_function", "code", "Activity treatment function"),
    Field("consultant", "code", "Pseudonymised consultant code"),
    Field("ward", "code", "Ward code"),
    Field("neonatal_care", "code", "Neonatal level of care"),
    Field("diag_01", "clinical", "Diagnoses, ICD-10; the first is the primary", repeats=99),
    Field("oper_01", "clinical", "Procedures, OPCS-4; the first is the primary", repeats=99),
    Field("oper_date_01", "date", "Procedure dates", repeats=99),
    Field("critical_care_days", "integer", "Days in critical care inside the episode"),
    Field("rehabilitation_days", "integer", "Days of discrete rehabilitation in the episode"),
    Field("palliative_care_days", "integer", "Days of specialist palliative care in the episode"),
    Field("birth_weight", "integer", "Birth weight in grams"),
    Field("commissioning_serial_number", "text", "Commissioning serial number; = marks local"),
    Field("home_leave_days", "integer", "Days of home leave; off the stay by a setting"),
    Field(
        "best_practice_flags", "text", "Best practice flags of the spell: BP01 BP50; blank: none"
    ),
    Field(
        "best_practice_met",
        "code",
        "Y or N: criteria of the area; LEVEL_1 to LEVEL_3",
        spellings=_SPELLINGS,
    ),
    Field("best_practice_payments", "text", "Best practice payments earned: ALTEPLASE IMAGING"),
    Field("specialised_services", "text", "Specialised services: NCBPS08S, or 6 in 2016/17"),
    Field("overseas_status", "code", "Overseas visitor charging category"),
    Field("nhs_number_status", "code", "NHS number status: 01 verified, ..."),
    Field("funding_reference", "text", "Trial, fund or grant that pays for the care"),
    *BILLED,
)

# ---------------------------------------------------------------- other datasets

ATTENDANCES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("attendance_id", "identifier", "Outpatient attendance identifier", key=True),
    Field("site", "code", "Site code of treatment"),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("gp_practice", "code", "General medical practice of registration"),
    Field("patient_id", "identifier", "Pseudonymised patient identifier"),
    Field("attendance_date", "date", "Date of the appointment"),
    Field("attendance_time", "time", "Time of the appointment"),
    Field("age", "integer", "Age in whole years at the appointment; 999 unknown"),
    Field("sex", "code", "Person stated gender code"),
    Field("first_attendance", "code", "1 first, 2 follow-up; 3, 4 the same by telephone or video"),
    Field("attended", "code", "5, 6 seen; 7 late, not seen; 2, 4 cancelled; 3 did not attend"),
    Field("consultation_medium", "code", "01 face to face, 02 telephone, 03 telemedicine"),
    Field("referral_source", "code", "Source of referral: 03 GP, 05 consultant, 10 emergency, ..."),
    Field("referral_date", "date", "Date the referral was received"),
    Field("outcome", "code", "1 discharged, 2 another appointment given, 3 to be made"),
    Field("administrative_category", "code", "01 NHS patient, 02 private, ..."),
    Field("main_specialty", "code", "Main specialty of the care professional; 950, 960 no doctor"),
    Field("treatment_function", "code", "Activity treatment function"),
    Field("consultant", "code", "Pseudonymised consultant code"),
    Field("clinic", "code", "Clinic code"),
    Field("direct_access", "code", "Direct access indicator: Y where the test alone was asked for"),
    Field("multi_professional", "code", "Y where several professionals saw the patient together"),
    Field(
        "best_practice_met",
        "code",
        "Y or N: criteria of a best practice area, once proved",
        spellings=_SPELLINGS,
    ),
    Field("commissioning_serial_number", "text", "Commissioning serial number; = marks local"),
    Field("diag_01", "clinical", "Diagnoses, ICD-10; the first is the primary", repeats=99),
    Field("oper_01", "clinical", "Procedures, OPCS-4; the first is the primary", repeats=99),
    Field("unbundled_01", "code", "Unbundled HRGs; RD40Z*2 stands for two", repeats=12),
    Field("overseas_status", "code", "Overseas visitor charging category"),
    Field("nhs_number_status", "code", "NHS number status: 01 verified, ..."),
    Field("funding_reference", "text", "Trial, fund or grant that pays for the care"),
    Field("care_professional", "code", "Pseudonymised code of the care professional"),
    Field("location", "code", "Location type or ward of the contact"),
    Field("duration_minutes", "integer", "Minutes of the contact"),
    *BILLED,
)

EMERGENCY: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("attendance_id", "identifier", "Emergency attendance identifier", key=True),
    Field("site", "code", "Site code of the department"),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("gp_practice", "code", "General medical practice of registration"),
    Field("patient_id", "identifier", "Pseudonymised patient identifier"),
    Field("arrival_date", "date", "Date of arrival"),
    Field("arrival_time", "time", "Time of arrival"),
    Field("departure_date", "date", "Date of departure"),
    Field("departure_time", "time", "Time of departure"),
    Field("age", "integer", "Age in whole years at arrival; 999 unknown"),
    Field("sex", "code", "Person stated gender code"),
    Field(
        "department_type", "code", "01 major, 02 single specialty, 03 minor injuries, 04 walk-in"
    ),
    Field("attendance_category", "code", "1 first, 2 planned follow-up, 3 unplanned follow-up"),
    Field("patient_group", "code", "10 road, 20 assault, 30 self-harm, 60 accident, 80 other, ..."),
    Field(
        "disposal", "code", "01 admitted, 02, 03 home, 04-06 clinics, 07 moved, 10 died, 12 left"
    ),
    Field("referral_source", "code", "Source of referral: 00 GP, 01 self, 03 ambulance, ..."),
    Field("administrative_category", "code", "01 NHS patient, 02 private, ..."),
    Field("commissioning_serial_number", "text", "Commissioning serial number; = marks local"),
    Field("investigation_01", "code", "Investigations, A&E codes", repeats=12),
    Field("treatment_01", "code", "Treatments, A&E codes", repeats=12),
    Field("diag_01", "clinical", "Diagnoses, ICD-10; the first is the primary", repeats=12),
    Field("overseas_status", "code", "Overseas visitor charging category"),
    Field("nhs_number_status", "code", "NHS number status: 01 verified, ..."),
    Field("funding_reference", "text", "Trial, fund or grant that pays for the care"),
    *BILLED,
)

LINES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("line_id", "identifier", "Identifier of the line", key=True),
    Field("site", "code", "Site code of the care"),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("gp_practice", "code", "General medical practice of registration"),
    Field("patient_id", "identifier", "Pseudonymised patient identifier; blank: no one person's"),
    Field("spell_id", "identifier", "Spell the line belongs to"),
    Field("attendance_id", "identifier", "Attendance the line belongs to"),
    Field("treatment_function", "code", "Treatment function code of the care"),
    Field("point_of_delivery", "code", "DRUG, DEVICE, UNBACC, UNBRAD, ADJUSTMENT, ..."),
    Field("tariff_code", "code", "HRG, drug, device or kind of adjustment"),
    Field("start_date", "date", "First day, or the day of supply"),
    Field("end_date", "date", "Last day"),
    Field("quantity", "integer", "Units: days, doses, scans; 0 for money only"),
    Field("unit_price", "money", "Price of a unit before the market forces factor"),
    Field("approval_id", "identifier", "Prior approval the line rests on"),
    Field("core_hrg", "code", "HRG of the spell or attendance that the line belongs to"),
    Field("core_point_of_delivery", "code", "Point of delivery of that spell or attendance"),
    Field("item_name", "text", "Name of the drug or device, where the tariff code is another"),
    Field(
        "maternity_factors",
        "text",
        "Factors of a maternity pathway payment, with semicolons; blank or none: none is present",
    ),
    Field("indication", "code", "Condition a drug was given for"),
    Field("vat", "money", "Value added tax within the total"),
    Field("funding_reference", "text", "Trial, fund or grant that pays for the care"),
    *BILLED,
)

CRITICAL_CARE: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("period_id", "identifier", "Critical care local identifier", key=True),
    Field("patient_id", "identifier", "Pseudonymised patient identifier"),
    Field("site", "code", "Site code of the unit"),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("spell_id", "identifier", "Hospital provider spell number"),
    Field("start_date", "date", "First day of the period"),
    Field("start_time", "time", "Time the period began"),
    Field("end_date", "date", "Last day of the period"),
    Field("end_time", "time", "Time the period ended"),
    Field("unit_function", "code", "Critical care unit function"),
    Field("level_2_days", "integer", "Days at critical care level 2"),
    Field("level_3_days", "integer", "Days at critical care level 3"),
    Field("basic_respiratory_days", "integer", "Days of basic respiratory support"),
    Field("advanced_respiratory_days", "integer", "Days of advanced respiratory support"),
    Field("basic_cardiovascular_days", "integer", "Days of basic cardiovascular support"),
    Field("advanced_cardiovascular_days", "integer", "Days of advanced cardiovascular support"),
    Field("renal_days", "integer", "Days of renal support"),
    Field("neurological_days", "integer", "Days of neurological support"),
    Field("gastrointestinal_days", "integer", "Days of gastro-intestinal support"),
    Field("dermatological_days", "integer", "Days of dermatological support"),
    Field("liver_days", "integer", "Days of liver support"),
    Field("organ_support_maximum", "integer", "Most organs supported on one day"),
    *BILLED,
)

PERIODS: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("spell_id", "identifier", "Hospital provider spell number", key=True),
    Field("kind", "code", "critical_care, rehabilitation or palliative_care", key=True, lower=True),
    Field("start_date", "date", "First day of the period", key=True),
    Field("end_date", "date", "Last day of the period", key=True),
)

DATASETS: dict[str, tuple[Field, ...]] = {
    "episodes": EPISODES,
    "attendances": ATTENDANCES,
    "emergency": EMERGENCY,
    "critical_care": CRITICAL_CARE,
    "lines": LINES,
    "periods": PERIODS,
}

# ---------------------------------------------------------------- registers

REGISTRATIONS: tuple[Field, ...] = (
    Field("patient_id", "identifier", "Pseudonymised patient identifier", key=True),
    Field("gp_practice", "code", "General medical practice", key=True),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("valid_from", "date", "First day on which the row holds", key=True),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

DEATHS: tuple[Field, ...] = (
    Field("patient_id", "identifier", "Pseudonymised patient identifier", key=True),
    Field("death_date", "date", "Date of death", key=True),
)

APPROVALS: tuple[Field, ...] = (
    Field("approval_id", "identifier", "Identifier of the approval", key=True),
    Field("patient_id", "identifier", "Pseudonymised patient identifier", key=True),
    Field("provider", "code", "Organisation code of the provider"),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("kind", "code", "procedure or drug", lower=True),
    Field("code", "code", "OPCS-4 code or drug approved", key=True),
    Field("laterality", "code", "Z942 right, Z943 left, Z941 both; blank: not stated"),
    Field("indication", "code", "Condition the approval was given for"),
    Field("valid_from", "date", "First day on which the row holds", key=True),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

PRACTICES: tuple[Field, ...] = (
    Field("gp_practice", "code", "General medical practice", key=True),
    Field("commissioner", "code", "Organisation code of the commissioner", key=True),
    Field("country", "code", "E England, W Wales, S Scotland, N Northern Ireland"),
    Field("kind", "code", "civilian, military or prison", lower=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

SERVICES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("commissioner", "code", "Organisation code of the commissioner"),
    Field("site", "code", "Site code"),
    Field("treatment_function", "code", "Treatment function"),
    Field("point_of_delivery", "code", "Point of delivery"),
    Field("hrg", "code", "HRG"),
    Field(
        "basis",
        "code",
        "tariff, local, block, pathway, low_volume or not_commissioned",
        key=True,
        lower=True,
    ),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

SPECIALISED: tuple[Field, ...] = (
    Field("commissioner", "code", "Organisation code of the commissioner", key=True),
    Field("provider", "code", "Organisation code of the provider"),
    Field("hrg", "code", "HRG"),
    Field("treatment_function", "code", "Treatment function"),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

ELIGIBLE_SERVICES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("service", "code", "Specialised service, as on the record", key=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

SUBCONTRACTS: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("subcontractor", "code", "Provider that does the work", key=True),
    Field("treatment_function", "code", "Treatment function"),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

LOCAL_PRICES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("code", "code", "HRG or tariff code", key=True),
    Field("treatment_function", "code", "Treatment function; blank: any"),
    Field("price", "money", "Local price", key=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

REFERENCE_PRICES: tuple[Field, ...] = (
    Field("item", "code", "Drug or device, as the tariff code or name of the line", key=True),
    Field("unit_price", "money", "Price of a unit", key=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

DOSES: tuple[Field, ...] = (
    Field("item", "code", "Drug or device, as the tariff code or name of the line", key=True),
    Field("maximum_quantity", "integer", "Most units of one supply"),
    Field("minimum_days", "integer", "Fewest days between two supplies"),
)

SWITCHES: tuple[Field, ...] = (
    Field("item", "code", "Drug or device, as the tariff code or name of the line", key=True),
    Field("unit_price", "money", "Price of a unit", key=True),
    Field("valid_from", "date", "First day on which the row holds", key=True),
)

DEVICES: tuple[Field, ...] = (
    Field("item", "code", "Drug or device, as the tariff code or name of the line", key=True),
    Field("status", "code", "in_tariff or zero_cost", key=True, lower=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

EVIDENCE: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("record_id", "identifier", "Spell or attendance", key=True),
    Field("area", "code", "Best practice area"),
    Field("met", "code", "Y or N", key=True),
)

CRITERIA: tuple[Field, ...] = (
    Field("patient_id", "identifier", "Pseudonymised patient identifier", key=True),
    Field("provider", "code", "Organisation code of the provider"),
    Field("code", "code", "OPCS-4 code", key=True),
    Field("criterion", "code", "Threshold of the policy", key=True),
    Field("met", "code", "Y or N", key=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

RESTRICTED: tuple[Field, ...] = (
    Field("code", "code", "OPCS-4 code", key=True),
    Field("category", "code", "never or restricted", key=True, lower=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

SITES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("site", "code", "Site code", key=True),
    Field("department_type", "code", "Type of emergency department", key=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

WARDS: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("ward", "code", "Ward code", key=True),
    Field(
        "use",
        "code",
        "bed, assessment, decision_unit, chair, clinic, lounge or recovery",
        key=True,
        lower=True,
    ),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

CLINICS: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("clinic", "code", "Clinic code", key=True),
    Field(
        "use",
        "code",
        "consultant, nurse, preassessment, diagnostic, advice, group or ward",
        key=True,
        lower=True,
    ),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

REFERRALS: tuple[Field, ...] = (
    Field("patient_id", "identifier", "Pseudonymised patient identifier", key=True),
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("treatment_function", "code", "Treatment function"),
    Field("referral_date", "date", "Date the referral was sent", key=True),
)

LETTERS: tuple[Field, ...] = (
    Field("patient_id", "identifier", "Pseudonymised patient identifier", key=True),
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("letter_date", "date", "Date of the letter", key=True),
)

PERCENTAGES: tuple[Field, ...] = (
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("code", "code", "Tariff code of the lines", key=True),
    Field("base", "money", "What the share is of", key=True),
    Field("rate", "factor", "The share: 0.025 for 2.5%", key=True),
    Field("valid_from", "date", "First day on which the row holds; blank: from ever"),
    Field("valid_to", "date", "Last day on which it holds; blank: no end"),
)

CHALLENGES: tuple[Field, ...] = (
    Field("challenge_id", "identifier", "Identifier of the challenge", key=True),
    Field("provider", "code", "Organisation code of the provider", key=True),
    Field("rule", "code", "Id of the signature", key=True),
    Field("cause", "code", "Root cause"),
    Field("outcome", "code", "upheld, withdrawn or open", key=True, lower=True),
    Field("outcome_date", "date", "Day it was agreed", key=True),
    Field("value", "money", "Value agreed"),
    Field("fixed_from", "date", "From when the provider mends it"),
)

REGISTERS: dict[str, tuple[Field, ...]] = {
    "registrations": REGISTRATIONS,
    "deaths": DEATHS,
    "approvals": APPROVALS,
    "practices": PRACTICES,
    "services": SERVICES,
    "specialised": SPECIALISED,
    "eligible_services": ELIGIBLE_SERVICES,
    "subcontracts": SUBCONTRACTS,
    "local_prices": LOCAL_PRICES,
    "reference_prices": REFERENCE_PRICES,
    "doses": DOSES,
    "switches": SWITCHES,
    "devices": DEVICES,
    "evidence": EVIDENCE,
    "criteria": CRITERIA,
    "restricted": RESTRICTED,
    "sites": SITES,
    "wards": WARDS,
    "clinics": CLINICS,
    "referrals": REFERRALS,
    "letters": LETTERS,
    "percentages": PERCENTAGES,
    "challenges": CHALLENGES,
}

# ---------------------------------------------------------------- columns by name

KEYS: tuple[str, ...] = tuple(field.name for field in EPISODES if field.key)

# every kind of file with columns of its own, by name; no register is called like a dataset
TABLES: dict[str, tuple[Field, ...]] = {**DATASETS, **REGISTERS}

_FAMILY_MEMBER = re.compile(r"([a-z_]+)_([0-9]{2})")


def keys_of(dataset: str) -> tuple[str, ...]:
    """The columns without which a row of a dataset or register is a reject."""
    return tuple(field.name for field in TABLES[dataset] if field.key)


def datasets_of(names: set[str]) -> list[str]:
    """The datasets whose keys are among some columns and that know most of them.

    None where no dataset fits; more than one where the columns do not tell them apart.
    """
    known = {
        dataset: sum(field_of(name, dataset) is not None for name in names)
        for dataset in DATASETS
        if names.issuperset(keys_of(dataset))
    }
    most = max(known.values(), default=0)
    return [dataset for dataset, count in known.items() if count == most]


@cache
def _positions(dataset: str = "episodes") -> dict[str, int]:
    return {field.name: index for index, field in enumerate(TABLES[dataset])}


def members(family: str) -> list[str]:
    """Every column of a family: `diag` gives diag_01 to diag_99. KeyError when there is none."""
    field = EPISODES[_positions()[f"{family}_01"]]
    return [f"{family}_{number:02}" for number in range(1, field.repeats + 1)]


@cache
def field_of(name: str, dataset: str = "episodes") -> Field | None:
    """The field a canonical column belongs to (`diag_07` to `diag_01`), or None."""
    fields, positions = TABLES[dataset], _positions(dataset)
    position = positions.get(name)
    if position is not None:
        return fields[position]
    match = _FAMILY_MEMBER.fullmatch(name)
    if match is None:
        return None
    position = positions.get(f"{match[1]}_01")
    if position is None or not 1 <= int(match[2]) <= fields[position].repeats:
        return None
    return fields[position]


def in_order(names: set[str] | frozenset[str], dataset: str = "episodes") -> list[str]:
    """Canonical columns in the order of the dictionary, families by number."""

    def place(name: str) -> tuple[int, str]:
        field = field_of(name, dataset)
        if field is None:
            raise KeyError(name)
        return _positions(dataset)[field.name], name

    return sorted(names, key=place)
