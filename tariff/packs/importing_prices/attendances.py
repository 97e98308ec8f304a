"""Read the sheets of outpatient and of emergency attendances."""

from __future__ import annotations

import re

from tariff.packs.importing_prices.columns import Field, find, one_of_each, require
from tariff.packs.importing_prices.reading import Reading, Row

FUNCTION = Field(
    "treatment_function", r"^(treatment function|tfcs?)( codes?)?$", "Treatment function code", True
)
FUNCTION_NAME = Field("name", r"treatment function (name|desc)|^(tfc )?(name|description)$")
ATTENDANCES = (
    FUNCTION,
    FUNCTION_NAME,
    Field("first_single", r"^(?!.*%).*wf01b", "WF01B First Attendance - Single Professional", True),
    Field("first_multi", r"^(?!.*%).*wf02b", "WF02B First Attendance - Multi Professional", True),
    Field(
        "follow_up_single",
        r"^(?!.*%).*wf01a",
        "WF01A Follow Up Attendance - Single Professional",
        True,
    ),
    Field(
        "follow_up_multi",
        r"^(?!.*%).*wf02a",
        "WF02A Follow Up Attendance - Multi Professional",
        True,
    ),
)
EMERGENCY = (
    Field("hrg", r"^hrgs?( codes?)?$", "HRG code", True),
    Field("name", r"hrg (name|desc)"),
    Field("type_1_and_2", r"type 1 (and|&) 2", "Type 1 and 2 Departments", True),
    Field("type_3", r"type 3", "Type 3 Departments", True),
)
_SAME_AS = re.compile(r"(VB\d\d[A-Z])\b.*\battracts? the (?:tariff|price) (?:for|of) (VB\d\d[A-Z])")


def read_outpatients(reading: Reading) -> None:
    """The table `attendances`."""
    for block in reading.blocks:
        columns = find(block, ATTENDANCES)
        if not require(reading.log, block, ATTENDANCES, columns):
            continue
        if not one_of_each(reading.log, block, ATTENDANCES, columns):
            continue
        for row, code in reading.coded(block, columns["treatment_function"], "treatment_function"):
            reading.name("treatment_function", code, reading.text(row, columns, "name"), row)
            out = {"treatment_function": code}
            for item in ATTENDANCES[2:]:
                out[item.name] = reading.number(row, columns[item.name], f"{code}: {item.printed}")
            reading.add("attendances", out, row)


def read_emergency(reading: Reading) -> None:
    """The table `emergency`; a note that one HRG is paid as another becomes a row of its own."""
    prices: dict[str, Row] = {}
    for block in reading.blocks:
        columns = find(block, EMERGENCY)
        if not require(reading.log, block, EMERGENCY, columns):
            continue
        for row, hrg in reading.coded(block, columns["hrg"]):
            reading.name("hrg", hrg, reading.text(row, columns, "name"), row)
            out = {"hrg": hrg}
            for item in EMERGENCY[2:]:
                out[item.name] = reading.number(row, columns[item.name], f"{hrg}: {item.printed}")
                if not out[item.name]:
                    reading.problem(row, columns[item.name], f"{hrg}: no price")
            prices[hrg] = out
            reading.add("emergency", out, row)
    for row, texts in enumerate(reading.sheet.rows):
        for same, other in _SAME_AS.findall(" ".join(texts)):
            if same not in prices and other in prices:
                reading.add("emergency", {**prices[other], "hrg": same}, row)
