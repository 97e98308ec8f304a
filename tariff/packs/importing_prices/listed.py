"""Read the lists of what is charged apart: high-cost drugs, devices, innovative products."""

from __future__ import annotations

import re

from tariff.packs.importing_prices.blocks import Block
from tariff.packs.importing_prices.cells import yes
from tariff.packs.importing_prices.columns import Columns, Field, find, require
from tariff.packs.importing_prices.reading import Reading

DRUGS = (
    Field("drug", r"^drug( name)?$", "Drug name", True),
    Field("listed_as", r"^group or individual"),
    Field("group", r"^group$", "Group", True),
    Field("bnf", r"bnf"),
    Field("fixed_element", r"fixed element"),
    Field("note", r"^notes?$"),
)
THERAPIES = (
    Field("name", r"^generic name$", "Generic name", True),
    Field("brand", r"brand"),
    Field("detail", r"additional details"),
    Field("indication", r"^indication", "Indication", True),
)
DEVICES = (
    Field("device", r"^devices?$", "Device", True),
    Field("note", r"comments|notes"),
    Field("commissioner", r"commissioned by"),
    Field("national_programme", r"hcted|national programme"),
)
PROCEDURES = (
    Field("procedure", r"^procedures?$", "Procedure", True),
    Field("when", r"when to exclude", "When to exclude", True),
    Field("local_grouper", r"local grouper"),
    Field("sus", r"^sus"),
)
PRODUCTS = (
    Field("product", r"^product", "Product", True),
    Field("note", r"comment|notes?"),
)
MAX_NAME = 100  # characters; what is longer is a sentence
_PART = re.compile(
    r"(?P<removed>.*removed since.*)|(?P<test>tests?):?|(listed )?procedures:?", re.I
)


def read_drugs(reading: Reading) -> None:
    """The tables `drugs` and `advanced_therapies`."""
    for number, block in enumerate(reading.blocks):
        therapies = find(block, THERAPIES)
        if "name" in therapies:
            _therapies(reading, block, therapies)
            continue
        columns = find(block, DRUGS)
        if "drug" not in columns:
            _without_names(reading, block, find(reading.blocks[0], DRUGS))
        elif require(reading.log, block, DRUGS, columns):
            _drugs(reading, block, columns, "listed" if number == 0 else "second table")


def _drugs(reading: Reading, block: Block, columns: Columns, part: str) -> None:
    for row in block.rows:
        held = block.cells(row)
        drug = reading.text(row, columns, "drug")
        if len(held) == 1:
            part = "removed" if "removed" in held[0][1].lower() else part
        elif drug and len(drug) < MAX_NAME:
            _drug(reading, row, columns, drug, part)


def _without_names(reading: Reading, block: Block, columns: Columns) -> None:
    """A table without drug names is not read; below it drugs may be listed as removed."""
    part = "not read"
    for row in block.rows:
        held = block.cells(row)
        if len(held) == 1:
            part = "removed" if "removed" in held[0][1].lower() else part
        elif held and part == "removed":
            _drug(reading, row, columns, reading.text(row, columns, "drug"), part)
        elif held:
            reading.log.note(reading.sheet, f"row {row + 1} names no drug: not read")


def _drug(reading: Reading, row: int, columns: Columns, drug: str, part: str) -> None:
    group, note = (reading.text(row, columns, name) for name in ("group", "note"))
    if len(group) > MAX_NAME and not note:  # a sentence beside the name
        group, note = "", group
    listed_as = reading.text(row, columns, "listed_as").lower()
    reading.add(
        "drugs",
        {
            "part": part,
            "drug": drug,
            "group": group,
            "bnf": reading.text(row, columns, "bnf"),
            "note": note,
            "listed_as": listed_as if listed_as in {"group", "individual"} else "",
            "fixed_element": yes(reading.text(row, columns, "fixed_element") or "?"),
        },
        row,
    )


def _therapies(reading: Reading, block: Block, columns: Columns) -> None:
    for row in block.rows:
        if len(block.cells(row)) > 1:
            names = ("name", "brand", "indication", "detail")
            out = {name: reading.text(row, columns, name) for name in names}
            reading.add("advanced_therapies", out, row)


# ---------------------------------------------------------------- devices


def read_devices(reading: Reading) -> None:
    """The tables `devices` (tests included) and `listed_procedures`."""
    for block in reading.blocks:
        procedures = find(block, PROCEDURES)
        if "procedure" in procedures:
            if require(reading.log, block, PROCEDURES, procedures):
                _procedures(reading, block, procedures)
            continue
        columns = find(block, DEVICES)
        if require(reading.log, block, DEVICES, columns):
            _devices(reading, block, columns)


def _devices(reading: Reading, block: Block, columns: Columns) -> None:
    part, noted = "listed", False
    for row in block.rows:
        device = reading.text(row, columns, "device")
        if not device:
            continue
        found = _PART.fullmatch(device)
        if found:
            part = "removed" if found["removed"] else "test" if found["test"] else ""
        elif "commissioner" in columns and not reading.text(row, columns, "commissioner"):
            if not noted:  # a title: what follows it, a note
                part, noted = device, True
        elif part:
            _device(reading, row, columns, part, device)


def _device(reading: Reading, row: int, columns: Columns, part: str, device: str) -> None:
    names = ("note", "commissioner", "national_programme")
    out = {"part": part, "device": device}
    out |= {name: reading.text(row, columns, name) for name in names}
    reading.add("devices", out, row)


def _procedures(reading: Reading, block: Block, columns: Columns) -> None:
    """Procedures; below them may stand footnotes, tests, and devices that were removed."""
    marked: dict[str, dict[str, str]] = {}
    part = ""
    for row in block.rows:
        held = block.cells(row)
        name = reading.text(row, columns, "procedure")
        if not name:
            continue
        mark = re.search(r"[~%^]$", name)
        found = _PART.fullmatch(name)
        if found:
            part = "removed" if found["removed"] else "test" if found["test"] else ""
        elif len(held) > 1:
            out = {"procedure": name.rstrip("~%^ ")}
            out |= {f: reading.text(row, columns, f) for f in ("when", "local_grouper", "sus")}
            out["note"] = ""
            if mark:
                marked[mark[0]] = out
            reading.add("listed_procedures", out, row)
        elif name[0] in marked:
            marked[name[0]]["note"] = name[1:].strip()
        elif part:
            _device(reading, row, Columns({}, {}), part, name)


def read_products(reading: Reading) -> None:
    """The table `innovative_products`."""
    for block in reading.blocks:
        columns = find(block, PRODUCTS)
        if require(reading.log, block, PRODUCTS, columns):
            for row in block.rows:
                product = reading.text(row, columns, "product")
                if product:
                    out = {"product": product, "note": reading.text(row, columns, "note")}
                    reading.add("innovative_products", out, row)
