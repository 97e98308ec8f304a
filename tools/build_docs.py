"""Write the pages of `docs/` that are made from the code: `python tools/build_docs.py`.

With `--check` nothing is written; exit 1 when a page is not current.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tariff.extract.fields import BILLED, DATASETS, EPISODES, REGISTERS, Field, FieldType

ROOT = Path(__file__).resolve().parent.parent

TYPES: dict[FieldType, str] = {
    "identifier": "Text that may point at a person or a record. Masked in rejects.",
    "code": "A code, kept as text. Spaces around it are dropped, letters made upper case.",
    "clinical": "An ICD-10 or OPCS-4 code. Dots and spaces are dropped, letters made upper case.",
    "text": "Text. Spaces around it are dropped.",
    "integer": "A whole number; `45.0` is one.",
    "date": "`YYYY-MM-DD`; midnight may follow. A layout may say otherwise.",
    "time": "`HH:MM` or `HH:MM:SS`. A layout may say otherwise.",
    "month": "`YYYY-MM` or `YYYYMM`.",
    "money": "Pounds; `£1,234.50` and `(12.30)` are read. Rounded half up to the penny.",
    "factor": "A decimal number above 0 and below 9, up to nine places; a float is rounded.",
}
IN_TABLES: dict[FieldType, str] = {
    "identifier": "text",
    "code": "text",
    "clinical": "text",
    "text": "text",
    "month": "text",
    "integer": "int32",
    "date": "date32",
    "time": "int32, minutes since midnight",
    "money": "int64, pence",
    "factor": "int64, units of 1e-9",
}


SECTIONS = {
    "attendances": ("Outpatient attendances", "one row an appointment, seen or not"),
    "emergency": ("Emergency attendances", "one row an attendance of an A&E department"),
    "critical_care": ("Critical care", "one row a period, inside a spell"),
    "lines": (
        "Lines",
        "one row of everything else that is billed: unbundled services, critical care, drugs, "
        "devices, adjustments",
    ),
    "periods": (
        "Periods",
        "one row a dated period of a spell that comes off its days (`--periods`)",
    ),
    "registrations": ("Register of registrations", "one row a patient and time at a practice"),
    "deaths": ("Register of deaths", "one row a person"),
    "approvals": ("Register of approvals", "one row an approval given before treatment"),
    "practices": ("Register of practices", "one row a practice and its commissioner"),
    "services": ("Register of services", "one row a service of the contract's schedule"),
    "specialised": ("Register of specialised services", "one row a service of another payer"),
    "eligible_services": ("Register of eligible services", "one row a provider and a service"),
    "subcontracts": ("Register of subcontracts", "one row a provider that works for another"),
    "local_prices": ("Register of local prices", "one row a price of a contract"),
    "reference_prices": ("Register of reference prices", "one row an item's price of a unit"),
    "doses": ("Register of doses", "one row an item and its limits"),
    "switches": ("Register of switches", "one row an item that a biosimilar replaces"),
    "devices": ("Register of devices", "one row a device that is not billed apart"),
    "evidence": ("Register of evidence", "one row a record audited for best practice"),
    "criteria": ("Register of criteria", "one row a patient, procedure and threshold"),
    "restricted": ("Register of restricted procedures", "one row a procedure"),
    "sites": ("Register of sites", "one row an emergency department"),
    "wards": ("Register of wards", "one row a ward"),
    "clinics": ("Register of clinics", "one row a clinic"),
    "referrals": ("Register of referrals", "one row a referral sent"),
    "letters": ("Register of letters", "one row a letter received"),
    "percentages": ("Register of percentages", "one row a payment that is a share of a sum"),
    "challenges": ("Register of challenges", "one row an earlier challenge"),
}


def _table(fields: tuple[Field, ...]) -> list[str]:
    lines = ["| column | type | what it holds |", "|---|---|---|"]
    for field in fields:
        name = f"`{field.name}`"
        if field.repeats:
            name += f" ... `{field.name[:-2]}{field.repeats:02}`"
        title = f"{field.title}. **Key.**" if field.key else field.title
        lines.append(f"| {name} | {field.type} | {title} |")
    return lines


def _sections() -> list[str]:
    """The other datasets and the registers; what is billed is described once, above."""
    billed = {field.name for field in BILLED}
    lines: list[str] = []
    for name, fields in {**DATASETS, **REGISTERS}.items():
        if fields is EPISODES:
            continue
        title, rows = SECTIONS[name]
        own = tuple(field for field in fields if field.name not in billed)
        also = " Billed columns as on episodes." if len(own) < len(fields) else ""
        lines += ["", f"## {title}", "", f"`{name}`: {rows}.{also}", "", *_table(own)]
    return lines


def fields_page() -> str:
    """`docs/fields.md`."""
    lines = [
        "# Fields",
        "",
        "<!-- Made from tariff/extract/fields.py by tools/build_docs.py: do not edit. -->",
        "",
        "The columns of an extract of admitted care, one row an episode. A CSV, Parquet or XLSX",
        "file with these names needs no layout; for any other see [layouts.md](layouts.md). Only",
        "the keys are mandatory: a row without them is a reject. A check whose fields are absent",
        "is reported as not run.",
        "",
        *_table(EPISODES),
        "",
        "`tariff check` reads the datasets below beside it; `tariff group` reads the first three,",
        "see [grouping-other-care.md](grouping-other-care.md), and `tariff price` all but critical",
        "care.",
        "Registers are given to `tariff check` by name: [registers.md](registers.md).",
        *_sections(),
    ]
    lines += [
        "",
        "## Types",
        "",
        "| type | in a file | in the tables |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {text} | {IN_TABLES[name]} |" for name, text in TYPES.items()]
    lines += [
        "",
        "An empty cell and the text `NULL` are blank everywhere; a layout may name more.",
        "Text columns are dictionary encoded.",
    ]
    return "\n".join(lines) + "\n"


STATUS = ROOT / "docs" / "grouping-status.md"
BEGIN, END = "<!-- measured: by tools/measure_reach.py -->", "<!-- end -->"


def status_page() -> str:
    """`docs/grouping-status.md`: the page as it stands, with its measures made anew."""
    if str(ROOT / "tools") not in sys.path:
        sys.path.insert(0, str(ROOT / "tools"))
    measured = importlib.import_module("measure_reach").page()
    before, _, rest = STATUS.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, "", *measured, "", END + after])


def catalogue_page() -> str:
    """`docs/signature-catalogue.md`."""
    if str(ROOT / "tools") not in sys.path:
        sys.path.insert(0, str(ROOT / "tools"))
    text: str = importlib.import_module("signature_catalogue").page()
    return text


PAGES = {
    "docs/fields.md": fields_page,
    "docs/grouping-status.md": status_page,
    "docs/signature-catalogue.md": catalogue_page,
}


def main(arguments: list[str]) -> int:
    """Write or check every page."""
    stale = []
    for name, build in PAGES.items():
        path = ROOT / name
        text = build()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
                print(f"wrote {name}")
    if "--check" in arguments and stale:
        print(f"not current: {', '.join(stale)}; run python tools/build_docs.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
