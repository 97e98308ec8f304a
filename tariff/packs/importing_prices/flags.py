"""Read the sheets of best practice flags: the rules of each flag, and the lists they name."""

from __future__ import annotations

import re

from tariff.packs.importing_prices import cells
from tariff.packs.importing_prices.admitted import level_of
from tariff.packs.importing_prices.columns import Columns, Field, find, require
from tariff.packs.importing_prices.reading import Reading, slug

RULES = (
    Field("flag", r"^bpt? flag", "BPT flag", True),
    Field("name", r"^(bpt )?name", "BPT name", True),
    Field("hrgs", r"^hrg criteria", "HRG criteria", True),
    Field("level", r"^level", "Level", True),
    Field("setting", r"^setting"),
    Field("procedure_position", r"procedure code position"),
    Field("procedure_qualifiers", r"procedure code qualifier"),
    Field("procedures", r"procedure code", "Procedure code", True),
    Field("age", r"^age", "Age criteria", True),
    Field("methods", r"admission method", "Admission method criteria", True),
    Field("diagnosis_position", r"diagnosis code position"),
    Field("diagnoses", r"diagnosis code", "Diagnosis code", True),
    Field("other", r"^other"),
)
LISTS = (
    Field("list", r"^bpt? flag .*list", "BPT flag list", True),
    Field("code", r"^(opcs|icd|hrg)( codes?)?$", "code", True),
    Field("name", r"^(opcs|icd|hrg) name"),
    Field("hierarchy", r"hierarchy"),
    Field("qualifiers", r"qualifiers$"),
)
CLASSIFICATIONS = {"opcs": "opcs4", "icd": "icd10", "hrg": "hrg"}
FORMS = {
    "opcs4": re.compile(r"[A-Z]\d{2,3}"),
    "icd10": re.compile(r"[A-Z]\d{2}[0-9X]{0,2}"),
    "hrg": cells.HRG,
}
_LIST = re.compile(r"\bBP\w+?_(?:HRG|OPCS|ICD)\b")
_AGES = re.compile(r"(\d+)\s*-\s*(\d+)")
_METHODS = re.compile(r"\b(\d[0-9A-Z])\s*(?:-\s*(\d\d))?(?![0-9A-Z])")
_FLAG = re.compile(r"BP\d+\w*")


def read_rules(reading: Reading) -> None:
    """The table `best_practice_flags`."""
    rules: dict[str, int] = {}
    for block in reading.blocks:
        columns = find(block, RULES)
        if not require(reading.log, block, RULES, columns):
            continue
        for row in block.rows:
            flag = cells.code(reading.sheet.cell(row, columns["flag"]))
            if not _FLAG.fullmatch(flag):
                continue
            rules[flag] = rules.get(flag, 0) + 1
            reading.add("best_practice_flags", _rule(reading, columns, row, flag, rules[flag]), row)


def _rule(reading: Reading, columns: Columns, row: int, flag: str, number: int) -> dict[str, str]:
    def text(name: str) -> str:
        return reading.text(row, columns, name)

    age = text("age")
    bounds = _AGES.search(age)
    if not bounds and age.lower() not in {"", "all", "any"}:
        reading.problem(row, columns["age"], f"{flag}: age '{age}' cannot be read")
    return {
        "flag": flag,
        "rule": str(number),
        "name": text("name"),
        "level": level_of(text("level")),
        "setting": text("setting"),
        "hrg_lists": lists(text("hrgs"), "HRG"),
        "procedure_lists": lists(text("procedures"), "OPCS"),
        "procedure_position": text("procedure_position"),
        "procedure_qualifiers": _qualifiers(text("procedures"), text("procedure_qualifiers")),
        "secondary_procedures": _secondary(text("procedure_qualifiers")),
        "age_min": bounds[1] if bounds else "",
        "age_max": bounds[2] if bounds else "",
        "age_unknown": "no" if "not 999" in age else "yes",
        "admission_methods": " ".join(methods(text("methods"))),
        "diagnosis_lists": lists(text("diagnoses"), "ICD"),
        "diagnosis_position": text("diagnosis_position"),
        "other": text("other"),
    }


def lists(text: str, kind: str) -> str:
    """The lists of codes of a kind that a criterion names, in order."""
    found = _LIST.findall(text.replace("In_List_", ""))
    return " ".join(name for name in found if name.endswith(kind))


def _qualifiers(procedures: str, printed: str) -> str:
    """What is asked of the procedures beside their list: its own column, and words in brackets."""
    beside = re.search(r"\(([^)]*_ICD[^)]*)\)", procedures)
    return "; ".join(filter(None, (beside[1] if beside else "", printed)))


def _secondary(text: str) -> str:
    """The secondary procedures that a qualifier asks for, and lists of such."""
    return " ".join(re.findall(r"\b[A-Z]\d{2,3}\b|\bBP\d+Sub\d+\b", text))


def methods(text: str) -> list[str]:
    """The admission methods that a text names; `21-25` is a range."""
    found: list[str] = []
    for first, last in _METHODS.findall(text):
        if last:
            found += [str(number) for number in range(int(first), int(last) + 1)]
        else:
            found.append(first)
    return list(dict.fromkeys(found))


def read_lists(reading: Reading) -> None:
    """The table `best_practice_codes`: HRGs, procedures or diagnoses, by list."""
    for block in reading.blocks:
        columns = find(block, LISTS)
        if not require(reading.log, block, LISTS, columns):
            continue
        printed = slug(block.headings[columns["code"]]).split("_")[0]
        classification = CLASSIFICATIONS[printed]
        listed = ""
        for row in block.rows:
            listed = reading.text(row, columns, "list") or listed
            code = cells.code(reading.sheet.cell(row, columns["code"])).replace(".", "")
            if not code:
                continue
            if not FORMS[classification].fullmatch(code):
                message = f"'{code[:20]}' is no {printed.upper()} code"
                reading.problem(row, columns["code"], message)
                continue
            if classification == "hrg":
                reading.name("hrg", code, reading.text(row, columns, "name"), row)
            hierarchy = ""
            if "hierarchy" in columns:
                what = f"{code}: hierarchy"
                hierarchy = reading.number(row, columns["hierarchy"], what, least=1, whole=True)
            out = {
                "list": listed,
                "classification": classification,
                "code": code,
                "hierarchy": hierarchy,
                "qualifiers": reading.text(row, columns, "qualifiers"),
            }
            reading.add("best_practice_codes", out, row)
