"""The kinds of care that is not admitted, each with the fields of its own, and their reading."""

from __future__ import annotations

from typing import ClassVar

from tariff.engine.field_table import (
    CODED,
    CODED_MANY,
    CODED_NUMBERS,
    MakeCodes,
    MakeMany,
    MakeNumbers,
)
from tariff.engine.other_outcome import PriceOptions
from tariff.engine.other_records import OtherColumns, family_of
from tariff.engine.records import Records
from tariff.engine.same_file import refuse_same_file
from tariff.extract import Extract
from tariff.extract.fields import in_order
from tariff.packs.compile import Rulebook

__all__ = [
    "AttendanceColumns",
    "CriticalCareColumns",
    "EmergencyColumns",
    "LineColumns",
    "OtherColumns",
    "other_block",
]


class AttendanceColumns(OtherColumns):
    """Outpatient attendances."""

    makes_codes: ClassVar[MakeCodes] = {
        **OtherColumns.makes_codes,
        **CODED,
        "primary_diagnosis": lambda c: c.codes("diag_01"),
        "primary_procedure": lambda c: c._primary_procedure(),
        "attendance_hrg": lambda c: c._group("attendance_hrg"),
    }
    makes_numbers: ClassVar[MakeNumbers] = {**OtherColumns.makes_numbers, **CODED_NUMBERS}
    makes_many: ClassVar[MakeMany] = {
        **CODED_MANY,
        "any_diagnosis": lambda c: c._every("diagnosis"),
        "secondary_diagnosis": lambda c: c._every("diagnosis", secondary=True),
        "any_procedure": lambda c: c._every("procedure"),
        "secondary_procedure": lambda c: c._every("procedure", secondary=True),
        "any_unbundled": lambda c: c._every("unbundled"),
        "any_administrative_category": lambda c: c._one("administrative_category"),
        "any_treatment_function": lambda c: c._one("treatment_function"),
    }


class EmergencyColumns(OtherColumns):
    """Emergency attendances."""

    makes_codes: ClassVar[MakeCodes] = {
        **OtherColumns.makes_codes,
        "diagnosis_chapter": CODED["diagnosis_chapter"],
        "primary_diagnosis": lambda c: c.codes("diag_01"),
    }
    makes_numbers: ClassVar[MakeNumbers] = {
        **OtherColumns.makes_numbers,
        "diagnosis_count": CODED_NUMBERS["diagnosis_count"],
    }
    makes_many: ClassVar[MakeMany] = {
        "any_diagnosis": lambda c: c._every("diagnosis"),
        "secondary_diagnosis": lambda c: c._every("diagnosis", secondary=True),
        "any_diagnosis_category": CODED_MANY["any_diagnosis_category"],
        "any_investigation": lambda c: c._every("investigation"),
        "any_treatment": lambda c: c._every("treatment"),
        "any_administrative_category": lambda c: c._one("administrative_category"),
    }


class CriticalCareColumns(OtherColumns):
    """Critical care periods, which have no price of their own."""

    makes_numbers: ClassVar[MakeNumbers] = {
        **OtherColumns.makes_numbers,
        "period_days": lambda c: c._period_days(),
    }


class LineColumns(OtherColumns):
    """Billed lines, which are not grouped."""

    makes_codes: ClassVar[MakeCodes] = {
        **OtherColumns.makes_codes,
        "listed_as": lambda c: c._decided("listed_as"),
        "listed_group": lambda c: c._decided("listed_group"),
        "listed_commissioner": lambda c: c._decided("listed_commissioner"),
        "fixed_element": lambda c: c._decided("fixed_element"),
    }
    makes_numbers: ClassVar[MakeNumbers] = {
        **OtherColumns.makes_numbers,
        "amount": lambda c: c._amounts(),
    }
    makes_many: ClassVar[MakeMany] = {
        "any_treatment_function": lambda c: c._one("treatment_function"),
    }


CLASSES: dict[str, type[OtherColumns]] = {
    "attendances": AttendanceColumns,
    "emergency": EmergencyColumns,
    "critical_care": CriticalCareColumns,
    "lines": LineColumns,
}


def other_block(
    extract: Extract,
    rulebook: Rulebook,
    options: PriceOptions | None = None,
    source: str = "extract",
) -> OtherColumns:
    """Read the records of an extract.

    DataError where no row can be used, UsageError where a file is given twice.
    """
    families = {name for name in map(family_of, extract.fields) if name}
    columns = [name for name in in_order(extract.fields, extract.dataset) if not family_of(name)]
    records = Records(extract.dataset, extract.fields, columns, sorted(families))
    for batch in extract.batches():
        records.append(batch)
    refuse_same_file(extract)
    records.close()
    make = CLASSES[extract.dataset]
    out = make(extract.dataset, records, rulebook, options or PriceOptions(), source)
    out.notices = [*extract.notices, *out.notices]
    out.rejects, out.inputs = extract.rejects, extract.inputs
    return out
