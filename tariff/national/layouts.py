"""Columns of the national grouper's files for admitted care, in their order.

Columns marked retired are kept by the grouper and no longer filled: empty, or 0 where they count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tariff.extract.rdf import APC_FIELDS

# ---------------------------------------------------------------- input

KEYS = ("PROCODET", "PROVSPNO", "EPIORDER")
DAYS = {name: APC_FIELDS[name] for name in ("CRITICALCAREDAYS", "REHABILITATIONDAYS", "SPCDAYS")}
LEADING = {name: column for name, column in APC_FIELDS.items() if name not in DAYS}
DIAGNOSES, PROCEDURES = 14, 12  # of the default definition file
NATIONAL = {column: name for name, column in APC_FIELDS.items()}


def input_names(diagnoses: int = DIAGNOSES, procedures: int = PROCEDURES) -> list[str]:
    """Give the columns of the input; 43 by default."""
    return [
        *LEADING,
        *(f"DIAG_{number:02}" for number in range(1, diagnoses + 1)),
        *(f"OPER_{number:02}" for number in range(1, procedures + 1)),
        *DAYS,
    ]


# ---------------------------------------------------------------- output


def _numbered(stem: str, count: int) -> tuple[str, ...]:
    return tuple(f"{stem}{number}" for number in range(1, count + 1))


SPELL_FIELDS = (
    "SpellHRG",
    "SpellGroupingMethodFlag",
    "SpellDominantProcedure",
    "SpellPDiag",
    "SpellSDiag",
    "SpellEpisodeCount",
    "SpellLOS",
    "ReportingSpellLOS",  # retired
    "SpellTrimpoint",  # retired
    "SpellExcessBeddays",  # retired
    "SpellCCDays",
    "SpellPBC",
)
UNBUNDLED = "UnbundledHRGs"  # then as many columns without a name as a row needs

FCE = (  # after the columns of the input
    "RowNo",
    "FCE_HRG",
    "GroupingMethodFlag",
    "DominantProcedure",
    "FCE_PBC",
    "CalcEpidur",
    "ReportingEPIDUR",  # retired
    "FCETrimpoint",  # retired
    "FCEExcessBeddays",  # retired
    "SpellReportFlag",
    "FCESSC_Ct",  # retired
    *_numbered("FCESSCs", 7),  # retired
    *SPELL_FIELDS,
    UNBUNDLED,
)
SPELL = (
    "RowNo",
    "PROCODET",
    "PROVSPNO",
    *SPELL_FIELDS,
    "SpellSSC_Ct",  # retired
    *_numbered("SpellSSCs", 7),  # retired
    "SpellBP_Ct",  # payment groupers only
    *_numbered("SpellBP", 7),  # payment groupers only
    "SpellFlag_Ct",  # retired
    *_numbered("SpellFlag", 7),  # retired
    UNBUNDLED,
)
QUALITY = ("RowNo", *_numbered("Error Message", 10))  # after the input; as many as a row needs
QUALITY_REL = ("RowNo", "Iteration", "Code Type", "Code", "Error Message")
UNBUNDLED_REL = ("RowNo", "Iteration", UNBUNDLED)
SUMMARY = (
    "Grouper Version",
    "Database Version",
    "FCE Count",
    "Spell Count",
    "FCE Error Count",
    "Spell Error Count",
    "Run Start Date/Time",
    "Run End Date/Time",
    "Input Filename",
    "Output Filename",
    "RDF path and name",
)


# ---------------------------------------------------------------- unbundled HRGs


class Unbundled(Protocol):
    """Unbundled HRGs of a run, one value each, in order of the episode's own."""

    @property
    def row(self) -> NDArray[np.int64]:
        """Row of the frame."""

    @property
    def hrg(self) -> Sequence[str]:
        """The HRG by name."""

    @property
    def days(self) -> NDArray[np.int32]:
        """Days recorded; above 0 they are written as `CODE*days`."""


def unbundled_of(groups: object) -> Unbundled | None:
    """Give the unbundled HRGs of the groups of a run, None where none are held."""
    found: Unbundled | None = getattr(groups, "unbundled", None)
    return found
