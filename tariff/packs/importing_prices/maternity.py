"""Read the sheets of maternity: pathway payments, delivery HRGs and levels, and the factors.

Deliveries are printed by HRG, or by level beside a list of the level of each HRG: both become one
row an HRG. What the sheet marks as not mandatory goes to `other_prices`.
"""

from __future__ import annotations

import re

from tariff.packs.importing_prices.admitted import FIELDS as ADMITTED
from tariff.packs.importing_prices.admitted import PRICES, TRIMS, stay_figures
from tariff.packs.importing_prices.blocks import Block
from tariff.packs.importing_prices.columns import Columns, Field, find
from tariff.packs.importing_prices.other import read_block
from tariff.packs.importing_prices.reading import Reading, Row

LEVEL = Field("level", r"^(payment )?level$")
PATHWAY = (
    Field("name", r"^(hrg )?name$|^description$"),
    Field("trim", r"trim"),
    Field("per_day", r"per day|per diem|daily"),
    Field("price", r"combined|^(tariff|price)$"),
)
DELIVERY = tuple(item for item in ADMITTED if item.name in {"hrg", "name", *PRICES, *TRIMS})
PHASES = ("delivery", "antenatal", "postnatal")
_GROUP = re.compile(
    r"(current|medical) factors|previous obstetric history|during this pregnancy|other", re.I
)
_FOOTNOTE = re.compile(r"(\*|1)\s.*\bcomposite\b.*", re.I)


def read_prices(reading: Reading) -> None:
    """The tables `deliveries` and `maternity`, and guide prices in `other_prices`."""
    by_level: dict[str, Row] = {}
    of_level: list[tuple[str, str, int]] = []
    for block in reading.blocks:
        about = f"{block.area} {block.title}".lower()
        if "non-mandatory" in about or "guide price" in about:
            area = block.title if "mandatory" in block.title.lower() else block.area
            read_block(reading, block, area, binding=False)
            continue
        levels, delivery = find(block, (LEVEL,)), find(block, DELIVERY)
        if "level" in levels and "hrg" in delivery:
            of_level += _levels_of_hrgs(reading, block, delivery, levels)
        elif "level" in levels and "non_elective" in delivery:
            by_level |= _by_level(reading, block, delivery, levels["level"])
        elif "hrg" in delivery and "non_elective" in delivery:
            _by_hrg(reading, block, delivery)
        else:
            _pathway(reading, block, about)
    for hrg, level, row in of_level:
        if level in by_level:
            reading.add("deliveries", {"hrg": hrg, "level": level, **by_level[level]}, row)
        else:
            reading.problem(row, -1, f"{hrg}: no price is given for delivery level '{level}'")


def _by_hrg(reading: Reading, block: Block, columns: Columns) -> None:
    for row, hrg in reading.coded(block, columns["hrg"]):
        reading.name("hrg", hrg, reading.text(row, columns, "name"), row)
        figures = stay_figures(reading, columns, row, hrg)
        del figures["outpatient_procedure"]
        reading.add("deliveries", {"hrg": hrg, "level": "", **figures}, row)


def _by_level(reading: Reading, block: Block, columns: Columns, at: int) -> dict[str, Row]:
    found = {}
    for row in block.rows:
        level = reading.sheet.cell(row, at)
        if not level or not block.figures(row):
            continue
        figures = stay_figures(reading, columns, row, f"delivery level {level}")
        del figures["outpatient_procedure"]
        found[level] = figures
        price = figures["combined"] or figures["ordinary_elective"] or figures["non_elective"]
        _payment(
            reading, row, "delivery", level, price, figures["elective_trim"], figures["per_day"]
        )
    return found


def _levels_of_hrgs(
    reading: Reading, block: Block, columns: Columns, levels: Columns
) -> list[tuple[str, str, int]]:
    named = find(block, (Field("name", r"^hrg (name|desc\w*)$"),))
    found = []
    for row, hrg in reading.coded(block, columns["hrg"]):
        reading.name("hrg", hrg, reading.text(row, named, "name"), row)
        found.append((hrg, reading.sheet.cell(row, levels["level"]), row))
    return found


def _pathway(reading: Reading, block: Block, about: str) -> None:
    """Payments by name: the levels of a phase, or a home birth."""
    columns = find(block, PATHWAY)
    title = block.title.lower()
    phase = next((name for name in PHASES if name in title), "")
    phase = phase or next((name for name in PHASES if name in about), "")
    if "price" not in columns or "name" not in columns or not phase:
        reading.log.note(reading.sheet, f"the table of row {block.row + 1} was not read")
        return
    for row in block.rows:
        name = reading.text(row, columns, "name")
        if not name or not block.figures(row):
            continue
        price = reading.number(row, columns["price"], f"{phase} {name}")
        trim = per_day = ""
        if "trim" in columns:
            trim = reading.number(row, columns["trim"], f"{name}: trim point", least=1, whole=True)
        if "per_day" in columns:
            per_day = reading.number(row, columns["per_day"], f"{name}: daily rate")
        _payment(reading, row, phase, name, price, trim, per_day)


def _payment(
    reading: Reading, row: int, phase: str, level: str, price: str, trim: str, per_day: str
) -> None:
    out = {"phase": phase, "level": level.lower(), "price": price, "trim": trim, "per_day": per_day}
    if price:
        reading.add("maternity", out, row)


# ---------------------------------------------------------------- factors


def read_factors(reading: Reading) -> None:
    """The table `maternity_factors`: what makes a pathway intermediate or intensive."""
    phases: dict[int, str] = {}
    levels: dict[int, str] = {}
    groups: dict[int, str] = {}
    for row, texts in enumerate(reading.sheet.rows):
        held = [(at, text) for at, text in enumerate(texts) if text]
        named = {
            at: p for at, t in held for p in PHASES if p in t.lower() and "factors" in t.lower()
        }
        if named and not any(len(text) > 60 for _, text in held):
            phases, levels, groups = named, {}, {}
            continue
        found = {at: t.lower() for at, t in held if t.lower() in {"intensive", "intermediate"}}
        if found:
            levels = found
            continue
        for at, text in held:
            if at not in levels or _FOOTNOTE.fullmatch(text):
                continue
            if _GROUP.fullmatch(text):
                groups[at] = text.lower()
                continue
            phase = phases[max((start for start in phases if start <= at), default=min(phases))]
            reading.add(
                "maternity_factors",
                {
                    "phase": phase,
                    "level": levels[at],
                    "group": groups.get(at, "other"),
                    "factor": re.sub(r"(?<=[a-z])1$|\*+$", "", text).strip(),
                },
                row,
            )
    if not levels:
        reading.problem(-1, -1, "no row with 'Intensive' and 'Intermediate' was found")
