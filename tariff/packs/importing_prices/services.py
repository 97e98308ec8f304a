"""Read the sheets of services that are excluded, processed apart, or priced at zero."""

from __future__ import annotations

import re

from tariff.packs.importing_prices import cells
from tariff.packs.importing_prices.columns import Field, find
from tariff.packs.importing_prices.reading import Reading, Row

FIELDS = (
    Field("when", r"when to exclude"),
    Field("local_grouper", r"local grouper"),
    Field("sus", r"^sus"),
    Field("comment", r"comments"),
)
_CODES = r"\s*((?:\d{3}(?:\s*(?:,|or|and|/)\s*)?)+)"
_ZERO = re.compile(r"^zero (tariffs|prices)|that have a (tariff|price) of £0")
_MARKER = re.compile(r"['‘]?=['’]? exclusion")
_FUNCTIONS = re.compile(r"\bTFCs?" + _CODES)
_SPECIALTIES = re.compile(r"\bMSCs?" + _CODES)


def read_excluded(reading: Reading) -> None:
    """The services that have no national or unit price."""
    _read(reading, "excluded")


def read_processed(reading: Reading) -> None:
    """The services that are dealt with apart, and those priced at zero."""
    _read(reading, "processed")


def _read(reading: Reading, kind: str) -> None:
    found = False
    for block in reading.blocks:
        columns = find(block, FIELDS)
        if "local_grouper" not in columns or "sus" not in columns:
            continue
        found = True
        first = min(block.headings)
        part = block.headings[first].lower()
        if any(_ZERO.search(note.lower()) for note in block.notes):
            kind = "zero"
        last: Row = {}
        for row in block.rows:
            held = block.cells(row)
            if len(held) < 2 and not (held and last and held[0][0] > first):
                continue  # a title or a note
            service = reading.sheet.cell(row, first)
            texts = {name: reading.text(row, columns, name) for name in columns.at}
            if service and service != last.get("service"):
                last = dict.fromkeys(("when", "local_grouper", "sus", "comment"), "")
                last |= {"kind": kind, "part": part, "service": service, **texts}
                reading.add("service_rules", last, row)
            elif last:  # one service over several rows
                for name, text in texts.items():
                    if text and text not in last[name]:
                        last[name] = "; ".join(filter(None, (last[name], text)))
    for out in reading.tables.get("service_rules", []):
        _codes(out)
    if not found:
        reading.problem(-1, -1, "no heading row with 'Local grouper processing' was found")


def _codes(out: Row) -> None:
    """The codes that the words of a service name, and whether the provider marks the record."""
    processing = f"{out['local_grouper']} {out['sus']}"
    out["marker"] = "yes" if _MARKER.search(processing) else "no"
    out["treatment_functions"] = _listed(_FUNCTIONS, processing)
    out["main_specialties"] = _listed(_SPECIALTIES, processing)
    out["hrgs"] = " ".join(dict.fromkeys(re.findall(rf"\b{cells.HRG.pattern}\b", processing)))


def _listed(pattern: re.Pattern[str], text: str) -> str:
    codes = [code for found in pattern.findall(text) for code in re.findall(r"\d{3}", found)]
    return " ".join(dict.fromkeys(codes))
