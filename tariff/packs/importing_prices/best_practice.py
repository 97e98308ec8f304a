"""Read the sheet of best practice prices: many small tables under numbered areas.

Each printed price becomes one row. Its heading says whether it is the price with or without best
practice, for which setting, and whether it is the short stay one; a table may print the level and
the flag once for several rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tariff.packs.importing_prices import cells
from tariff.packs.importing_prices.admitted import level_of
from tariff.packs.importing_prices.blocks import Block, is_figure, normal
from tariff.packs.importing_prices.columns import Columns, Field, find
from tariff.packs.importing_prices.reading import Reading, Row

FIELDS = (
    Field("percent", r"^%"),
    Field("level", r"hrg level"),
    Field("flag", r"bpt flag"),
    Field("hrg", r"^hrgs?( codes?)?$"),
    Field("treatment_function", r"^(treatment function|tfcs?)( codes?)?$"),
    Field("id", r"^(id|code|no\.?)$"),
    Field("name", r"^(hrg|treatment function) (code )?(name|desc\w*)$"),
    Field(
        "payment_name", r"^level$|^name$|^description$|^best practice tariff (additional|adjust)"
    ),
    Field("procedure", r"^(procedure|clinical scenario|bpt name)$"),
    Field("specialty", r"special"),
)
_PAYMENTS = (
    (r"\blevel (\d)\b", r"level_\1"),
    (r"additional payment|tariff adjustment", "additional"),
    (r"non-? ?(best practice|bpt)|\bbase (tariff|price)|conventional", "not_best_practice"),
    (r"best practice|\bbpts?\b", "best_practice"),
)
_SETTINGS = (
    (r"los ?(=|of) ?0", "stay_0"),
    (r"los ?> ?0", "stay_over_0"),
    (r"wf01a", "follow_up_single"),
    (r"wf02a", "follow_up_multi"),
    (r"wf01b", "first_single"),
    (r"wf02b", "first_multi"),
    (r"outpatient procedure", "outpatient_procedure"),
    (r"combined day ?case", "elective"),
    (r"day ?case", "day_case"),
    (r"non-elective", "non_elective"),
    (r"ordinary elective", "ordinary_elective"),
    (r"elective", "elective"),
    (r"short stay emergency", "non_elective"),
)
_PER = re.compile(r"per (session|week|day|attendance|patient|year)\b")
_ANNUAL = re.compile(r"annual payment|year of care")


@dataclass(frozen=True, slots=True)
class Price:
    """What a heading says of the prices below it."""

    column: int
    payment: str
    setting: str
    per: str
    short_stay: bool


@dataclass(slots=True)
class Carried:
    """What a table prints once for several rows: a blank below it means the same."""

    level: str = ""
    flag: str = ""
    procedure: str = ""
    per: str = ""

    def read(self, reading: Reading, columns: Columns, row: int, coded: bool) -> None:
        """Take what a row prints anew. A flag is carried only with the level it stands beside."""
        level, flag = (_printed(reading, row, columns, name) for name in ("level", "flag"))
        if level or flag or not coded:
            self.flag = flag
        self.level = level or self.level
        self.procedure = reading.text(row, columns, "procedure") or self.procedure


def _printed(reading: Reading, row: int, columns: Columns, name: str) -> str:
    """A cell as printed, `n/a` included; an error value such as `#N/A` as empty."""
    found = reading.sheet.cell(row, columns[name]) if name in columns else ""
    return "" if found.startswith("#") else found


def read(reading: Reading) -> None:
    """The table `best_practice_prices`."""
    for block in reading.blocks:
        columns = find(block, FIELDS)
        prices = _prices(block, columns)
        if prices:
            _read_block(reading, block, columns, prices)


def _prices(block: Block, columns: Columns) -> list[Price]:
    """The price columns of a table: those of no other field."""
    names = {at: block.heading(at) for at in columns.others}
    has_day_case = any("day case" in normal(name) for name in names.values())
    found = []
    for at, name in names.items():
        own, group = normal(block.headings[at]), normal(block.groups.get(at, ""))
        setting = _first(_SETTINGS, own) or _first(_SETTINGS, group)
        if setting == "elective" and has_day_case and "combined" not in own:
            setting = "ordinary_elective"
        per = _PER.search(normal(name))
        payment = _first(_PAYMENTS, own) or _first(_PAYMENTS, group) or "price"
        short = "short stay" in own
        found.append(Price(at, payment, setting, per[1] if per else "", short))
    return found


def _first(patterns: tuple[tuple[str, str], ...], text: str) -> str:
    for words, meaning in patterns:
        found = re.search(words, text)
        if found:
            return found.expand(meaning) if "\\" in meaning else meaning
    return ""


def _read_block(reading: Reading, block: Block, columns: Columns, prices: list[Price]) -> None:
    kind = next((name for name in ("hrg", "treatment_function") if name in columns), "")
    annual = any(_ANNUAL.search(text.lower()) for text in [block.area, *block.notes])
    carried = Carried(per="year" if annual else "")
    for row in block.rows:
        printed = reading.sheet.cell(row, columns[kind]) if kind else ""
        code = cells.code(printed)
        if not (cells.HRG.fullmatch(code) or cells.FUNCTION.fullmatch(code)):
            code = ""
        name = "" if code else _payment_name(reading, columns, row)
        priced = [p for p in prices if is_figure(reading.sheet.cell(row, p.column))]
        if not code and not priced:  # a note, or a line such as `Hospital (per session)`
            found = _PER.search(" ".join(text for _, text in block.cells(row)).lower())
            carried.per = found[1] if found else carried.per
        elif not code and not cells.is_dash(printed):
            reading.problem(row, columns[kind], f"'{printed[:20]}' is no {kind} code")
        elif not code and not name:
            reading.problem(row, priced[0].column, "a price without HRG code or name")
        else:
            carried.read(reading, columns, row, bool(code))
            if code:
                reading.name(kind, code, reading.text(row, columns, "name"), row)
            about = {
                "area": block.area or block.title,
                "code_type": kind if code else "",
                "code": code,
                "name": name,
            }
            _read_row(reading, block, columns, prices, row, about, carried)


def _read_row(
    reading: Reading,
    block: Block,
    columns: Columns,
    prices: list[Price],
    row: int,
    about: Row,
    carried: Carried,
) -> None:
    """Every price of a row."""
    which = about["code"] or about["name"]
    percent = ""
    if "percent" in columns:
        percent = reading.number(row, columns["percent"], f"{which}: share", percent=True)
    for price in prices:
        value = reading.number(row, price.column, f"{which}: {block.heading(price.column)}")
        if value:
            out = {
                **about,
                "procedure": carried.procedure.rstrip("*"),
                "level": level_of(carried.level),
                "flag": "" if cells.is_dash(carried.flag) else carried.flag,
                "payment": price.payment,
                "setting": price.setting,
                "per": price.per or carried.per,
                "short_stay": "yes" if price.short_stay else "no",
                "percent": percent if price.short_stay else "",
                "price": value,
            }
            reading.add("best_practice_prices", out, row)


def _payment_name(reading: Reading, columns: Columns, row: int) -> str:
    """The name of a payment that is of no code: its own column, or the name beside `n/a`."""
    for name in ("payment_name", "name"):
        own = reading.text(row, columns, name).rstrip(" *")
        if own and not own.startswith("("):
            return own
    return ""
