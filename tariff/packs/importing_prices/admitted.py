"""Read the sheet of admitted and outpatient procedure prices, and deliveries, which look alike."""

from __future__ import annotations

import re

from tariff.packs.importing_prices.cells import yes
from tariff.packs.importing_prices.columns import Columns, Field, find, one_of_each, require
from tariff.packs.importing_prices.reading import Reading, Row

NAME = Field("name", r"^(hrg|treatment function|provider|core hrg) (code )?(name|desc\w*)$")
FIELDS = (
    Field("hrg", r"^(core )?hrgs?( codes?)?$", "HRG code", True),
    NAME,
    Field(
        "combined",
        r"combined day ?case(?!.*non-elective)",
        "Combined day case / ordinary elective spell",
    ),
    Field(
        "short_stay_flag",
        r"(short stay|ssem).*applicable",
        "Reduced short stay emergency adjustment applicable?",
    ),
    Field(
        "short_stay_percent",
        r"(%|percent).*(short stay|ssem)|(short stay|ssem).*(%|percent)",
        "% applied in calculation of reduced short stay emergency adjustment",
    ),
    Field("short_stay_price", r"short stay|ssem", "Reduced short stay emergency adjustment (£)"),
    Field("level", r"bpt applies (to|at) .*hrg"),
    Field("area", r"area bpt|bpt (area|name)"),
    Field("settings", r"where bpt applies"),
    Field("automated", r"automate which"),
    Field("automated_price", r"price automated"),
    Field("flag", r"^bpt flags?"),
    Field("in_scope", r"within scope of bpts"),
    Field(
        "per_day",
        r"per day|per diem|daily|bed day (rate|price|tariff)",
        "Per day long stay payment (for days exceeding trim point)",
        True,
    ),
    Field(
        "non_elective_trim",
        r"non-elective.*trim",
        "Non-elective long stay trim point (days)",
        True,
    ),
    Field(
        "elective_trim",
        r"(?<!non-)\belective.*trim",
        "Ordinary elective long stay trim point (days)",
        True,
    ),
    Field("outpatient_procedure", r"out-?patient ?procedure", "Outpatient procedure"),
    Field("non_elective", r"non-elective(?!.*trim)", "Non-elective spell", True),
    Field("ordinary_elective", r"(?<!non-)\belective(?!.*trim)", "Ordinary elective spell"),
    Field("day_case", r"day ?case", "Day case spell"),
)
PRICES = (
    "outpatient_procedure",
    "combined",
    "day_case",
    "ordinary_elective",
    "non_elective",
    "per_day",
)
TRIMS = ("elective_trim", "non_elective_trim")
SETTINGS = {
    "NE": "non_elective",
    "DC": "day_case",
    "EL": "ordinary_elective",
    "OP": "outpatient_procedure",
}
SHORT_STAY = ("short_stay_flag", "short_stay_percent", "short_stay_price")


def read(reading: Reading) -> None:
    """The tables `prices` and `best_practice_hrgs`."""
    found = [block for block in reading.blocks if "hrg" in find(block, FIELDS)]
    if not found:
        reading.problem(-1, -1, "no heading row with 'HRG code' was found", "is it a price sheet?")
        return
    for block in found:
        columns = find(block, FIELDS)
        if not require(reading.log, block, FIELDS, columns, _also_needed(columns)):
            continue
        if not one_of_each(reading.log, block, FIELDS, columns):
            continue
        for heading in columns.others.values():
            reading.log.note(reading.sheet, f"column '{heading}' was not read")
        for row, hrg in reading.coded(block, columns["hrg"]):
            reading.name("hrg", hrg, reading.text(row, columns, "name"), row)
            reading.add("prices", _prices(reading, columns, row, hrg), row)
            _best_practice(reading, columns, row, hrg)


def _also_needed(columns: Columns) -> list[str]:
    """Columns that others call for: the combined price or both separate ones, all of short stay."""
    needed = [name for name in SHORT_STAY if any(other in columns for other in SHORT_STAY)]
    if not ("day_case" in columns and "ordinary_elective" in columns):
        needed.append("combined")
    return needed


def stay_figures(reading: Reading, columns: Columns, row: int, hrg: str) -> Row:
    """The prices, trim points and daily rate of a row."""
    out = {}
    for name in PRICES:
        out[name] = ""
        if name in columns:
            out[name] = reading.number(row, columns[name], f"{hrg}: {_words(name)}")
    for name in TRIMS:
        out[name] = ""
        if name in columns:
            what = f"{hrg}: {_words(name)} point"
            out[name] = reading.number(row, columns[name], what, least=1, whole=True)
    return out


def _prices(reading: Reading, columns: Columns, row: int, hrg: str) -> Row:
    out = {"hrg": hrg, **stay_figures(reading, columns, row, hrg)}
    out |= dict.fromkeys(("short_stay", "short_stay_percent", "short_stay_price"), "")
    if "short_stay_flag" not in columns:
        return out
    flag = reading.sheet.cell(row, columns["short_stay_flag"])
    out["short_stay"] = yes(flag) if flag else ""
    if not out["short_stay"]:
        message = f"{hrg}: '{flag}' says neither yes nor no: does the short stay price apply?"
        reading.problem(row, columns["short_stay_flag"], message)
    at = columns["short_stay_percent"]
    out["short_stay_percent"] = reading.number(row, at, f"{hrg}: short stay share", percent=True)
    at = columns["short_stay_price"]
    out["short_stay_price"] = reading.number(row, at, f"{hrg}: short stay price")
    held = bool(out["short_stay_percent"] and out["short_stay_price"])
    if out["short_stay"] and (out["short_stay"] == "yes") != held:
        state = "without" if out["short_stay"] == "yes" else "no, but with"
        reading.problem(row, at, f"{hrg}: short stay price applies {state} share and price")
    return out


def _best_practice(reading: Reading, columns: Columns, row: int, hrg: str) -> None:
    level = reading.text(row, columns, "level")
    if not level or ("in_scope" in columns and reading.text(row, columns, "in_scope") != "1"):
        return
    printed = re.findall(r"[A-Z]{2}", reading.text(row, columns, "settings"))
    reading.add(
        "best_practice_hrgs",
        {
            "hrg": hrg,
            "level": level_of(level),
            "area": reading.text(row, columns, "area"),
            "settings": " ".join(SETTINGS[code] for code in printed if code in SETTINGS),
            "automated": _automated(reading.text(row, columns, "automated").lower()),
            "flag": reading.text(row, columns, "flag"),
        },
        row,
    )


def _automated(text: str) -> str:
    """Which price SUS pays."""
    return text and ("not_best_practice" if "non" in text else "best_practice")


def level_of(text: str) -> str:
    """`HRG`, `sub-HRG` or `sub-HRG*`, however it is written; others as they are."""
    return re.sub(r"^sub-? ?hrg", "sub-HRG", text, flags=re.I) if text.upper() != "HRG" else "HRG"


def _words(name: str) -> str:
    return name.replace("_", " ").replace("non ", "non-")
