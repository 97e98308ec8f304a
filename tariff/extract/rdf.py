"""Record definition files of the national grouper, read as layouts.

The first line names the delimiter (`COMMA DELIMITED`). Every further line is one column in seven
parts: display name, internal name, position, three parts for a picture, and characters to delete:
`DIAG_01,DIAG_01,15,,,,.`. Only admitted care is understood; columns of other names are passed over.
"""

from __future__ import annotations

import re
from pathlib import Path

from tariff.errors import PackError, Problem, UsageError
from tariff.extract.fields import KEYS
from tariff.extract.layout import ColumnSpec, Delimiter, Layout
from tariff.packs.model import Code

APC_FIELDS: dict[str, str] = {
    "PROCODET": "provider",
    "PROVSPNO": "spell_id",
    "EPIORDER": "episode_order",
    "STARTAGE": "age",
    "SEX": "sex",
    "CLASSPAT": "patient_classification",
    "ADMISORC": "admission_source",
    "ADMIMETH": "admission_method",
    "DISDEST": "discharge_destination",
    "DISMETH": "discharge_method",
    "EPIDUR": "episode_duration",
    "MAINSPEF": "main_specialty",
    "NEOCARE": "neonatal_care",
    "TRETSPEF": "treatment_function",
    "CRITICALCAREDAYS": "critical_care_days",
    "REHABILITATIONDAYS": "rehabilitation_days",
    "SPCDAYS": "palliative_care_days",
}

_FIRST = re.compile(r"(COMMA|TAB|PIPE) DELIMITED", re.IGNORECASE)
_FAMILY = re.compile(r"(DIAG|OPER)_([0-9]{2})")
_DELIMITERS: dict[str, Delimiter] = {"COMMA": "comma", "TAB": "tab", "PIPE": "pipe"}
MAX_BYTES = 1 << 20


def read_rdf(path: Path) -> Layout:
    """An RDF file as a layout. UsageError where there is none, PackError for what it says."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: too large for a record definition file")
        lines = path.read_bytes().decode("cp1252", "replace").splitlines()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror or 'unreadable'})", hint="check the path"
        ) from None
    problems: list[Problem] = []
    first = _FIRST.fullmatch(lines[0].strip()) if lines else None
    if first is None:
        problems.append(
            Problem(str(path), 1, 1, "RDF001", "the first line is not COMMA, TAB or PIPE DELIMITED")
        )
    columns: dict[str, ColumnSpec] = {}
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            try:
                found = _column(line)
            except ValueError as error:
                problems.append(Problem(str(path), number, 1, "RDF002", str(error)))
                continue
            if found is not None:
                columns[found[0]] = found[1]
    missing = [name for name in KEYS if name not in columns]
    if missing and not problems:
        problems.append(
            Problem(
                str(path), 1, 1, "RDF003",
                f"{', '.join(missing)} is not among the columns: not a definition of admitted care",
            )
        )  # fmt: skip
    if problems or first is None:
        raise PackError(problems, hint="give a record definition file of the national grouper")
    return Layout(
        id=path.name,
        version="1",
        title=f"Record definition file {path.name}",
        status="complete",
        delimiter=_DELIMITERS[first[1].upper()],
        header="optional",
        columns=columns,
    )


def _column(line: str) -> tuple[str, ColumnSpec] | None:
    """One line of the file as a canonical column; None for a name that is not understood."""
    parts = line.split(",", 6)
    if len(parts) != 7:
        raise ValueError(f"expected 7 parts between commas, found {len(parts)}")
    display, internal, position, *picture, extract = (part.strip() for part in parts)
    if not position.isdecimal() or int(position) < 1:
        raise ValueError("the third part is not a position")
    if any(picture):
        raise ValueError("pictures are not understood; describe the file in a YAML layout")
    name = APC_FIELDS.get(internal.upper())
    family = _FAMILY.fullmatch(internal.upper())
    if family is not None and int(family[2]) >= 1:
        name = f"{family[1].lower()}_{family[2]}"
    if name is None:
        return None
    spec = ColumnSpec(column=Code(display), position=int(position), strip=Code(extract))
    return name, spec
