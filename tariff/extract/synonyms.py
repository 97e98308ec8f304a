"""What the canonical columns are called elsewhere: NHS Data Dictionary, SUS, HES, local extracts.

Names are compared by their letters and digits alone (`squeezed`). The columns of the layouts that
ship are known as well. `guess_name` says which canonical column a name stands for, and why.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import cache

from tariff.extract.fields import EPISODES, field_of
from tariff.extract.layout import shipped_layouts

LIKENESS = 0.84  # of two names, below which they are not alike

SYNONYMS: dict[str, tuple[str, ...]] = {
    "provider": ("provider code", "organisation code provider", "procode", "trust code",
                 "organisation code code of provider", "prov code",
                 "organisation identifier code of provider"),
    "spell_id": ("hospital provider spell number", "hospital provider spell no", "spell number",
                 "spell no", "provspno", "provider spell number", "spell identifier", "spell key"),
    "episode_order": ("episode number", "episode no", "consultant episode number", "epi order"),
    "site": ("site code", "site code of treatment", "organisation site identifier of treatment"),
    "commissioner": ("commissioner code", "organisation code commissioner", "ccg code", "icb code",
                     "purchaser code", "organisation code code of commissioner", "sub icb code"),
    "gp_practice": ("gp practice code", "practice code", "general practice code",
                    "general medical practice code patient registration", "registered practice"),
    "patient_id": ("pseudonymised nhs number", "pseudo nhs number", "patient key", "person id",
                   "pseudo id", "hesid", "nhs number", "local patient identifier",
                   "patient identifier", "token person id", "encrypted hesid"),
    "age": ("age at start of episode", "age on admission", "age at admission", "spell age",
            "start age", "patient age"),
    "sex": ("gender", "person stated gender code", "person gender code current", "gender code"),
    "patient_classification": ("patient classification code", "class pat"),
    "intended_management": ("intended management code", "intmanig"),
    "administrative_category": ("administrative category code", "admin category", "admincat"),
    "admission_source": ("source of admission", "source of admission code",
                         "admission source code", "admi sorc"),
    "admission_method": ("method of admission", "admission method code", "admi meth",
                         "admission method hospital provider spell"),
    "admission_date": ("date of admission", "start date hospital provider spell", "admi date",
                       "spell start date", "admit date", "hospital provider spell start date"),
    "admission_time": ("time of admission", "start time hospital provider spell", "admit time"),
    "discharge_date": ("date of discharge", "spell end date", "dis date",
                       "discharge date hospital provider spell"),
    "discharge_time": ("time of discharge", "discharge time hospital provider spell"),
    "ready_for_discharge_date": ("discharge ready date", "ready for discharge",
                                 "medically fit date"),
    "discharge_destination": ("destination on discharge", "discharge destination code", "dis dest",
                              "discharge destination hospital provider spell"),
    "discharge_method": ("method of discharge", "discharge method code", "dis meth"),
    "episode_start_date": ("start date consultant episode", "start date episode", "epi start",
                           "consultant episode start date"),
    "episode_end_date": ("end date consultant episode", "end date episode", "epi end",
                         "consultant episode end date"),
    "episode_duration": ("epi dur", "episode length of stay", "duration of episode",
                         "episode los"),
    "main_specialty": ("main specialty code", "specialty code", "main spec",
                       "care professional main specialty code", "mainspef"),
    "treatment_function": ("treatment function code", "tfc", "tretspef", "treatment specialty",
                           "activity treatment function code"),
    "consultant": ("consultant code", "care professional", "hcp code"),
    "ward": ("ward code", "admission ward", "ward at episode start"),
    "neonatal_care": ("neonatal level of care", "neonatal level of care code", "neo care"),
    "critical_care_days": ("ccd days", "critical care bed days", "cc days"),
    "rehabilitation_days": ("rehab days",),
    "palliative_care_days": ("spc days", "specialist palliative care days", "palliative days"),
    "birth_weight": ("birweit", "birth weight grams"),
    "commissioning_serial_number": ("commissioning serial no", "csn", "agreement number",
                                    "commissioner serial no", "service agreement number"),
    "home_leave_days": ("home leave", "days of home leave"),
    "billed_hrg": ("hrg", "hrg code", "spell hrg", "spell core hrg", "core hrg", "tariff code"),
    "billed_point_of_delivery": ("pod", "pod code", "point of delivery",
                                 "point of delivery code", "national pod code"),
    "billed_price": ("price", "tariff", "tariff price", "unit price", "base price",
                     "national tariff", "price before mff"),
    "billed_mff": ("mff", "market forces factor", "mff value", "mff rate"),
    "billed_mff_amount": ("mff amount", "mff payment", "mff adjustment", "mff cost"),
    "billed_excess_days": ("excess bed days", "xbd", "excess days", "xs bed days", "ebd"),
    "billed_total": ("total", "total cost", "total price", "final price", "activity cost",
                     "total activity cost", "cost", "total payment", "total tariff",
                     "price actual"),
    "activity_month": ("month", "activity period", "reporting month", "financial month",
                       "billing month"),
    "statement": ("flex freeze", "submission type", "reconciliation point"),
}  # fmt: skip

_STEMS: dict[str, tuple[str, ...]] = {
    "diag": ("diag", "diagnosis", "diagnosiscode", "diag4", "icd", "icd10", "icdcode", "dx"),
    "oper": ("oper", "opertn", "opertn4", "operation", "procedure", "procedurecode", "proc",
             "opcs", "opcs4", "opcscode"),
    "oper_date": ("operdate", "opdate", "operationdate", "proceduredate", "procdate", "opcsdate"),
}  # fmt: skip
_SPECIAL = re.compile(
    r"(primary|main|secondary|sec)(diag|diagnosis|icd|procedure|proc|opcs)(?:code)?"
)
_NUMBERED = re.compile(r"(.*?[^0-9])([0-9]{1,2})[^0-9a-zA-Z]*")


def squeezed(name: str) -> str:
    """The letters and digits of a name, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _known() -> dict[str, tuple[str, str]]:
    """Squeezed name to canonical column and where the name is known from."""
    found: dict[str, tuple[str, str]] = {}
    for field in EPISODES:
        found[squeezed(field.name)] = (field.name, "canonical name")
    for canonical, names in SYNONYMS.items():
        for name in names:
            found.setdefault(squeezed(name), (canonical, f"known name '{name}'"))
    for layout in shipped_layouts().values():
        specs = dict(layout.specs())
        for table in layout.tables.values():
            specs |= table.columns
        for canonical, spec in specs.items():
            for label in (spec.column, *spec.fallbacks):
                if label is not None:
                    found.setdefault(squeezed(label), (canonical, f"as in {layout.id}"))
    return found


def guess_name(name: str) -> tuple[str, float, str] | None:
    """The canonical column a name stands for, how sure that is (0 to 1), and why; or None."""
    plain = squeezed(name)
    if not plain:
        return None
    exact = _known().get(plain)
    if exact is not None:
        return exact[0], 1.0, exact[1]
    family = _family(name)
    if family is not None:
        return family, 0.95, "numbered name"
    best, likeness = "", 0.0
    for known in _known():
        if abs(len(known) - len(plain)) > 6 or any(digit.isdigit() for digit in known):
            continue
        ratio = SequenceMatcher(None, plain, known).ratio()
        if ratio > likeness:
            best, likeness = known, ratio
    if likeness < LIKENESS:
        return None
    canonical, _ = _known()[best]
    return canonical, 0.8 * likeness, f"name like '{best}'"


def _family(name: str) -> str | None:
    match = _NUMBERED.fullmatch(name.strip())
    stem = squeezed(match[1] if match else name)
    number = int(match[2]) if match else 1
    special = _SPECIAL.fullmatch(stem)
    canonical = None
    if special is not None:
        family = "diag" if special[2] in {"diag", "diagnosis", "icd"} else "oper"
        later = special[1].startswith("sec")
        if later or number == 1:
            canonical = f"{family}_{number + later:02}"
    elif match is not None:
        for family, stems in _STEMS.items():
            if stem in stems:
                canonical = f"{family}_{number:02}"
    return canonical if canonical is not None and field_of(canonical) else None
