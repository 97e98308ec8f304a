"""Read the sheets of other prices, mandatory or not: one row of `other_prices` a printed figure."""

from __future__ import annotations

import re

from tariff.packs.importing_prices import cells
from tariff.packs.importing_prices.blocks import Block, normal
from tariff.packs.importing_prices.columns import Columns, Field, find
from tariff.packs.importing_prices.reading import Reading, slug

FIELDS = (
    Field("hrg", r"^hrgs?( codes?)?$"),
    Field("treatment_function", r"^(treatment function|tfcs?)( codes?)?$"),
    Field("name", r"name|description|^band$|^task$|resource group|stage"),
    Field("other", r"^(code|type|id|no\.?)$|applicable|^% applied"),
)
FIGURES = (
    (r"wf01b", "first_single"),
    (r"wf02b", "first_multi"),
    (r"wf01a", "follow_up_single"),
    (r"wf02a", "follow_up_multi"),
    (r"short stay", "short_stay_price"),
    (r"per day", "per_day"),
    (r"non-elective.*trim", "non_elective_trim"),
    (r"elective.*trim", "elective_trim"),
    (r"trim", "trim"),
    (r"outpatient procedure", "outpatient_procedure"),
    (r"combined.*non-elective", "any_admission"),
    (r"combined", "combined"),
    (r"non-elective acute", "non_elective_acute_phase"),
    (r"elective acute", "elective_acute_phase"),
    (r"% of full", "percent_of_full"),
    (r"non-elective", "non_elective"),
    (r"^cost of reporting", "reporting"),
    (r"single eye", "single_eye"),
    (r"both eyes", "both_eyes"),
    (r"^(tariff|price|unit price)\b", "price"),
)


def read_binding(reading: Reading) -> None:
    """The other national or unit prices."""
    _read(reading, binding=True)


def read_guide(reading: Reading) -> None:
    """Prices that bind nobody."""
    _read(reading, binding=False)


def _read(reading: Reading, *, binding: bool) -> None:
    for block in reading.blocks:
        read_block(reading, block, block.area or block.title, binding=binding)


def read_block(reading: Reading, block: Block, area: str, *, binding: bool) -> None:
    """The rows of one table."""
    columns = find(block, FIELDS)
    kind = next((name for name in ("hrg", "treatment_function") if name in columns), "")
    figures = {at: _figure(heading) for at, heading in columns.others.items()}
    for row in block.rows:
        code = cells.code(reading.sheet.cell(row, columns[kind])) if kind else ""
        form = cells.HRG if kind == "hrg" else cells.FUNCTION
        coded = bool(code and form.fullmatch(code))
        name = _name(reading, row, columns)
        held = [at for at in figures if not cells.is_dash(reading.sheet.cell(row, at))]
        if not held or not (coded or name):
            if held and block.figures(row):
                reading.problem(row, held[0], "a price without code or name")
            continue
        if kind and not coded and not cells.is_dash(reading.sheet.cell(row, columns[kind])):
            printed = reading.sheet.cell(row, columns[kind])
            reading.problem(row, columns[kind], f"'{printed[:20]}' is no {kind} code")
            continue
        if coded:
            reading.name(kind, code, name, row)
        for at in held:
            percent = figures[at].startswith("percent")
            what = f"{code or name}: {block.heading(at)}"
            value = reading.number(row, at, what, least=int("trim" in figures[at]), percent=percent)
            if value:
                out = {
                    "area": area,
                    "binding": "yes" if binding else "no",
                    "code_type": kind if coded else "",
                    "code": code if coded else "",
                    "name": "" if coded else name,
                    "figure": figures[at],
                    "value": value,
                }
                reading.add("other_prices", out, row)


def _name(reading: Reading, row: int, columns: Columns) -> str:
    return reading.text(row, columns, "name").rstrip(" *")


def _figure(heading: str) -> str:
    text = normal(heading.split(": ")[-1])
    return next((name for words, name in FIGURES if re.search(words, text)), slug(text))
