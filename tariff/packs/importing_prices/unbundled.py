"""Read the sheets of unbundled HRGs: their prices, and the full list of them."""

from __future__ import annotations

from tariff.packs.importing_prices.cells import yes
from tariff.packs.importing_prices.columns import Field, find, require
from tariff.packs.importing_prices.reading import Reading

HRG = Field("hrg", r"^hrgs?( codes?)?$", "HRG code", True)
NAME = Field("name", r"hrg (code )?(name|desc)")
PRICES = (
    HRG,
    NAME,
    Field("reporting", r"^cost of reporting", "Cost of reporting"),
    Field("price", r"\b(tariff|price|payment)", "Price (including cost of reporting)", True),
)
LIST = (
    HRG,
    NAME,
    Field("priced", r"(national|unit) price", "National price?", True),
    Field("rebundled", r"rebundled", "Costs rebundled?", True),
    Field("note", r"^notes?"),
)


def read_prices(reading: Reading) -> None:
    """The table `unbundled`: the HRGs that have a price."""
    for block in reading.blocks:
        columns = find(block, PRICES)
        if not require(reading.log, block, PRICES, columns):
            continue
        for row, hrg in reading.coded(block, columns["hrg"]):
            reading.name("hrg", hrg, reading.text(row, columns, "name"), row)
            out = {"hrg": hrg, "price": reading.number(row, columns["price"], f"{hrg}: price")}
            out["reporting"] = ""
            if "reporting" in columns:
                at = columns["reporting"]
                out["reporting"] = reading.number(row, at, f"{hrg}: cost of reporting")
            if out["price"]:
                reading.add("unbundled", out, row)


def read_list(reading: Reading) -> None:
    """The table `unbundled_list`: every unbundled HRG, priced or not."""
    for block in reading.blocks:
        columns = find(block, LIST)
        if not require(reading.log, block, LIST, columns):
            continue
        for row, hrg in reading.coded(block, columns["hrg"]):
            reading.name("hrg", hrg, reading.text(row, columns, "name"), row)
            printed = reading.text(row, columns, "priced")
            rebundled = reading.sheet.cell(row, columns["rebundled"])
            if not yes(rebundled):
                message = f"{hrg}: '{rebundled}' says neither yes nor no"
                reading.problem(row, columns["rebundled"], message)
            out = {
                "hrg": hrg,
                "priced": _priced(printed),
                "rebundled": yes(rebundled),
                "note": reading.text(row, columns, "note"),
            }
            reading.add("unbundled_list", out, row)


def _priced(printed: str) -> str:
    words = printed.lower()
    if "unit" in words:
        return "unit"
    return "national" if "national" in words or yes(words) == "yes" else "no"
