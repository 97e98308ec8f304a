"""Read what has no price, and what kind each price is."""

from __future__ import annotations

import re

from tariff.packs.importing_prices import cells
from tariff.packs.importing_prices.attendances import FUNCTION, FUNCTION_NAME
from tariff.packs.importing_prices.blocks import Block, normal
from tariff.packs.importing_prices.columns import Columns, Field, find, require
from tariff.packs.importing_prices.reading import Reading, slug
from tariff.packs.importing_prices.unbundled import HRG, NAME

HRGS = (
    HRG,
    NAME,
    Field("part", r"^core", "Core or unbundled?", True),
    Field("mandated", r"mandated|national currency", "HRGs with mandated currency?", True),
    Field("any_setting", r"across all settings", "HRGs with no price across all settings?", True),
)
TYPES = (
    HRG,
    FUNCTION,
    Field("other", r"^local tariff id"),
    Field("name", r"^(hrg )?(name|description)$"),
    Field("kind", r"price type$"),
    Field("part", r"^core or unbundled"),
    Field("rebundled", r"rebundled"),
    Field("note", r"^notes?"),
)
KINDS = {"1": "national", "2": "unit", "3": "guide", "4": "benchmark"}
FIGURES = (
    (r"maternity|rehab", ""),
    (r"non -? ?consultant.*wf01a", "not_led_follow_up_single"),
    (r"non -? ?consultant.*wf01b", "not_led_first_single"),
    (r"non -? ?consultant.*wf02a", "not_led_follow_up_multi"),
    (r"non -? ?consultant.*wf02b", "not_led_first_multi"),
    (r"wf01a", "follow_up_single"),
    (r"wf01b", "first_single"),
    (r"wf02a", "follow_up_multi"),
    (r"wf02b", "first_multi"),
    (r"per day .*non-elective", "non_elective_per_day"),
    (r"per day .*elective", "elective_per_day"),
    (r"short stay", "short_stay"),
    (r"type 1 and 2", "type_1_and_2"),
    (r"type 3", "type_3"),
    (r"cost of reporting$", "reporting"),
    (r"unbundled", "unbundled"),
    (r"unit prices other", "other"),
    (r"outpatient procedure", "outpatient_procedure"),
    (r"day case", "day_case"),
    (r"non-elective", "non_elective"),
    (r"ordinary elective", "ordinary_elective"),
)


def read_hrgs(reading: Reading) -> None:
    """The table `no_price_hrgs`."""
    for block in reading.blocks:
        columns = find(block, HRGS)
        if not require(reading.log, block, HRGS, columns):
            continue
        for row, hrg in reading.coded(block, columns["hrg"]):
            reading.name("hrg", hrg, reading.text(row, columns, "name"), row)
            everywhere = reading.sheet.cell(row, columns["any_setting"])
            out = {
                "hrg": hrg,
                "part": "unbundled" if reading.text(row, columns, "part") == "U" else "core",
                "mandated_currency": cells.yes(reading.sheet.cell(row, columns["mandated"]))
                or "no",
                "any_setting": cells.yes(everywhere) or "no",
                "note": "" if cells.yes(everywhere) else everywhere,
            }
            reading.add("no_price_hrgs", out, row)


def read_functions(reading: Reading) -> None:
    """The table `no_price_functions`."""
    for block in reading.blocks:
        columns = find(block, (FUNCTION, FUNCTION_NAME))
        if not require(reading.log, block, (FUNCTION,), columns):
            continue
        for row, code in reading.coded(block, columns["treatment_function"], "treatment_function"):
            reading.name("treatment_function", code, reading.text(row, columns, "name"), row)
            reading.add("no_price_functions", {"treatment_function": code}, row)


def read_types(reading: Reading) -> None:
    """The table `price_types`: of each code, which figures are of which kind."""
    for block in reading.blocks:
        columns = find(block, TYPES)
        of = next((n for n in ("hrg", "treatment_function", "other") if n in columns), "")
        if not of or "kind" not in columns:
            reading.problem(block.row, -1, "no column 'Price type', or none with a code")
            continue
        figures = {at: _figure(heading) for at, heading in columns.others.items()}
        for row in block.rows:
            code = cells.code(reading.sheet.cell(row, columns[of]))
            if not code or len(block.cells(row)) < 3:
                continue
            form = {"hrg": cells.HRG, "treatment_function": cells.FUNCTION}.get(of)
            if form and not form.fullmatch(code):
                reading.problem(row, columns[of], f"'{code[:20]}' is no {of} code")
                continue
            name = reading.text(row, columns, "name")
            if of != "other":
                reading.name(of, code, name, row)
            reading.add("price_types", _types(reading, block, columns, figures, row, of, code), row)


def _types(
    reading: Reading,
    block: Block,
    columns: Columns,
    figures: dict[int, str],
    row: int,
    of: str,
    code: str,
) -> dict[str, str]:
    kinds: dict[str, list[str]] = {name: [] for name in KINDS.values()}
    for at, figure in figures.items():
        printed = reading.sheet.cell(row, at)
        if printed in KINDS:
            kinds[KINDS[printed]].append(figure)
        elif not cells.is_dash(printed) and printed != "0":
            message = f"{code}: {block.heading(at)}: '{printed[:40]}' is no kind of price, 1 to 4"
            reading.problem(row, at, message)
    rebundled = reading.text(row, columns, "rebundled")
    return {
        "of": of,
        "code": code,
        "name": reading.text(row, columns, "name") if of == "other" else "",
        "kind": reading.text(row, columns, "kind").lower(),
        **{name: " ".join(found) for name, found in kinds.items()},
        "part": slug(reading.text(row, columns, "part")),
        "rebundled": cells.yes(rebundled) if rebundled else "",
        "note": reading.text(row, columns, "note"),
    }


def _figure(heading: str) -> str:
    text = re.sub(r"\s*\([^)]*\)", "", normal(heading)).strip()
    found = next((name for words, name in FIGURES if re.search(words, text)), "")
    return found or slug(heading)
