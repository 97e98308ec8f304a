"""Rows in canonical columns: turns the numbers of a chunk into one Arrow record batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tariff.extract.fields import ARROW_TYPE, EPISODES, FieldType
from tariff.schemas import MFF
from tariff.simulate import admission
from tariff.simulate.admission import Admissions
from tariff.simulate.catalogue import SEXES, Bools, Catalogue, Codes
from tariff.simulate.clinical import DIAGNOSES, PROCEDURES
from tariff.simulate.episodes import NO_DAY, Episodes
from tariff.simulate.plan import Plan
from tariff.simulate.population import PRACTICES, Patients, Spells
from tariff.simulate.stay import Stays

CONSULTANTS = 12  # of each specialty and provider
WARDS = 3
SITES = 2

BILLED = (
    "billed_hrg",
    "billed_point_of_delivery",
    "billed_price",
    "billed_mff",
    "billed_excess_days",
    "billed_total",
    "activity_month",
    "statement",
)
COLUMNS: tuple[str, ...] = (
    "provider",
    "site",
    "commissioner",
    "gp_practice",
    "patient_id",
    "spell_id",
    "episode_order",
    "age",
    "sex",
    "patient_classification",
    "intended_management",
    "administrative_category",
    "admission_source",
    "admission_method",
    "admission_date",
    "admission_time",
    "discharge_date",
    "discharge_time",
    "ready_for_discharge_date",
    "discharge_destination",
    "discharge_method",
    "episode_start_date",
    "episode_end_date",
    "episode_duration",
    "main_specialty",
    "treatment_function",
    "consultant",
    "ward",
    "neonatal_care",
    *(f"diag_{i:02d}" for i in range(1, DIAGNOSES + 1)),
    *(f"oper_{i:02d}" for i in range(1, PROCEDURES + 1)),
    "oper_date_01",
    "critical_care_days",
    "rehabilitation_days",
    "palliative_care_days",
    "birth_weight",
    "commissioning_serial_number",
    *BILLED,
)


# As a file or a dataframe carries them: pounds, times of day, factors as decimals. The reader
# turns them into pence, minutes and units of 1e-9.
MONEY = pa.decimal128(12, 2)
CARRIED: dict[str, pa.DataType] = {
    **ARROW_TYPE,
    "time": pa.time32("s"),
    "money": MONEY,
    "factor": MFF,
}


def field_type(column: str) -> FieldType:
    """Return the type of a column in the field dictionary."""
    for field in EPISODES:
        family = field.repeats and column[:-2] == field.name[:-2] and column[-2:].isdigit()
        if column == field.name or family:
            return field.type
    raise KeyError(column)


SCHEMA = pa.schema([pa.field(column, CARRIED[field_type(column)]) for column in COLUMNS])


@dataclass
class Chunk:
    """All of one chunk, before it becomes rows."""

    patients: Patients
    spells: Spells
    stays: Stays
    admissions: Admissions
    episodes: Episodes


class Texts:
    """The texts that numbers stand for. A text stands once in the dictionary of a column."""

    def __init__(self, texts: Iterable[str]) -> None:
        places: dict[str, int] = {}
        self.at = np.array([places.setdefault(t, len(places)) for t in texts], dtype=np.int32)
        self.array = pa.array(list(places), pa.string())


@dataclass(frozen=True)
class Words:
    """The texts of the administrative columns."""

    providers: Texts
    sites: Texts
    commissioners: Texts
    practices: Texts
    consultants: Texts
    wards: Texts
    functions: Texts
    mains: Texts
    diagnoses: Texts
    procedures: Texts


def words(plan: Plan, catalogue: Catalogue) -> Words:
    """Write the texts once. Practices, consultants, wards and serial numbers are invented."""
    codes = [provider.code for provider in plan.providers]
    paid_by = [c for p in plan.providers for c in (p.commissioner, p.neighbour)]
    functions = [
        row[key]
        for row in catalogue.specialties
        for key in ("treatment_function", "child_treatment_function")
    ]
    mains = [
        row[key]
        for row in catalogue.specialties
        for key in ("main_specialty", "child_main_specialty")
    ]
    return Words(
        providers=Texts(codes),
        sites=Texts([f"{code}{site:02d}" for code in codes for site in range(1, SITES + 1)]),
        commissioners=Texts(paid_by),
        practices=Texts(
            [
                f"X{sorted(set(paid_by)).index(code):02d}{practice:03d}"
                for code in paid_by
                for practice in range(1, PRACTICES + 1)
            ]
        ),
        consultants=Texts(
            [
                f"K{number:02d}{function}{i:02d}"
                for number in range(1, len(codes) + 1)
                for function in functions
                for i in range(1, CONSULTANTS + 1)
            ]
        ),
        wards=Texts([f"W{function}{'ABC'[i]}" for function in functions for i in range(WARDS)]),
        functions=Texts(functions),
        mains=Texts(mains),
        diagnoses=Texts(catalogue.diagnoses.codes),
        procedures=Texts(catalogue.procedures.codes),
    )


def _coded(numbers: npt.NDArray[np.int32], texts: Texts) -> pa.DictionaryArray:
    """Return a dictionary column; a negative number is a blank."""
    blank = numbers < 0
    places = texts.at[np.where(blank, 0, numbers)]
    indices = pa.array(places, mask=blank) if blank.any() else pa.array(places)
    return pa.DictionaryArray.from_arrays(indices, texts.array)


def _named(numbers: Codes, identifiers: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(numbers), identifiers)


def _tuple(numbers: Codes, texts: tuple[str, ...]) -> pa.DictionaryArray:
    return _coded(numbers, Texts(texts))


def _same(text: str, count: int) -> pa.DictionaryArray:
    return _coded(np.zeros(count, dtype=np.int32), Texts([text]))


def _numbered(letter: str, first: int, count: int) -> pa.Array:
    """Return identifiers such as A000000001."""
    numbers = pa.array(np.arange(first, first + count, dtype=np.int64)).cast(pa.string())
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(numbers, 9, "0"), "")


def spell_places(spells: Spells, stays: Stays) -> Codes:
    """Return where each spell of a chunk stands among its spells: by provider and discharge."""
    count = len(spells)
    arranged = np.lexsort((np.arange(count), stays.discharge, spells.provider))
    place = np.empty(count, dtype=np.int32)
    place[arranged] = np.arange(count, dtype=np.int32)
    return place


def rows(
    rng: np.random.Generator,
    plan: Plan,
    catalogue: Catalogue,
    texts: Words,
    chunk: Chunk,
    first_patient: int,
    first_spell: int,
) -> pa.RecordBatch:
    """Return the rows of a chunk, in order of provider, discharge and spell, not yet billed."""
    patients, spells, stays, admissions = (
        chunk.patients,
        chunk.spells,
        chunk.stays,
        chunk.admissions,
    )
    episodes, count = chunk.episodes, len(chunk.spells)
    place = spell_places(spells, stays)
    order = np.lexsort((episodes.order, place[episodes.spell]))
    of = episodes.spell[order]
    who = spells.patient[of]
    provider = spells.provider[of]
    child = admissions.child[of].astype(np.int32)
    specialty = (admissions.specialty[of] * 2 + child).astype(np.int32)
    consultant = rng.integers(0, CONSULTANTS, len(episodes), dtype=np.int32)
    ward = rng.integers(0, WARDS, len(episodes), dtype=np.int32)
    site = (rng.random(count) < 0.2).astype(np.int32)[of]
    payer = patients.provider[who] * 2 + patients.neighbour[who]
    start, end = episodes.start[order], episodes.end[order]
    age = patients.age[who] + (start >= patients.birthday[who])
    age = np.where(catalogue.birth[spells.root][of], 0, age)
    columns: dict[str, pa.Array] = {
        "provider": _coded(provider, texts.providers),
        "site": _coded(provider * SITES + site, texts.sites),
        "commissioner": _coded(payer, texts.commissioners),
        "gp_practice": _coded(payer * PRACTICES + patients.practice[who], texts.practices),
        "patient_id": _named(who, _numbered("A", first_patient, len(patients.age))),
        "spell_id": _named(place[of], _numbered("S", first_spell, count)),
        "episode_order": _whole(episodes.order[order]),
        "age": _whole(age),
        "sex": _tuple(patients.sex[who], SEXES),
        "patient_classification": _tuple(admissions.classification[of], admission.CLASSES),
        "intended_management": _tuple(admissions.intended[of], admission.INTENDED),
        "administrative_category": _same("01", len(of)),
        "admission_source": _tuple(admissions.source[of], admission.SOURCES),
        "admission_method": _tuple(admissions.method[of], admission.METHODS),
        "admission_time": _time(stays.admission_time[of]),
        "discharge_time": _time(stays.discharge_time[of]),
        "discharge_destination": _tuple(admissions.destination[of], admission.DESTINATIONS),
        "discharge_method": _tuple(admissions.discharge[of], admission.DISCHARGES),
        "episode_duration": _whole(end - start),
        "main_specialty": _coded(specialty, texts.mains),
        "treatment_function": _coded(specialty, texts.functions),
        "consultant": _coded(
            (provider * 2 * len(catalogue.specialties) + specialty) * CONSULTANTS + consultant,
            texts.consultants,
        ),
        "ward": _coded(specialty * WARDS + ward, texts.wards),
        "neonatal_care": _tuple(admissions.neonatal[of], admission.NEONATAL),
        "critical_care_days": _whole(episodes.critical_days[order]),
        "rehabilitation_days": _whole(episodes.rehabilitation_days[order]),
        "palliative_care_days": _whole(episodes.palliative_days[order]),
        "birth_weight": _whole(admissions.birth_weight[of], admissions.birth_weight[of] == 0),
        "commissioning_serial_number": _same("000001", len(of)),
    }
    _dates(plan, stays, admissions, of, start, end, episodes.procedure_day[order], columns)
    for i in range(DIAGNOSES):
        columns[f"diag_{i + 1:02d}"] = _coded(episodes.diagnoses[order, i], texts.diagnoses)
    for i in range(PROCEDURES):
        columns[f"oper_{i + 1:02d}"] = _coded(episodes.procedures[order, i], texts.procedures)
    for column in BILLED:
        columns[column] = pa.nulls(len(of), SCHEMA.field(column).type)
    return pa.RecordBatch.from_arrays([columns[name] for name in COLUMNS], schema=SCHEMA)


def _whole(values: npt.NDArray[np.int32], blank: Bools | None = None) -> pa.Array:
    return pa.array(np.ascontiguousarray(values, dtype=np.int32), mask=blank)


def _time(minutes: Codes) -> pa.Array:
    return _whole(minutes * 60).cast(pa.time32("s"))


def _dates(
    plan: Plan,
    stays: Stays,
    admissions: Admissions,
    of: Codes,
    start: Codes,
    end: Codes,
    procedure_day: Codes,
    columns: dict[str, pa.Array],
) -> None:
    """Add the dates; days are counted from the first day of the period."""
    epoch = (np.datetime64(plan.first_day) - np.datetime64("1970-01-01")).astype(np.int64)

    def dated(days: Codes, blank: Bools | None = None) -> pa.Array:
        return _whole((days + epoch).astype(np.int32), blank).cast(pa.date32())

    admitted, discharged = stays.admission[of], stays.discharge[of]
    ordinary = admissions.classification[of] == 0
    columns["admission_date"] = dated(admitted)
    columns["discharge_date"] = dated(discharged)
    columns["ready_for_discharge_date"] = dated(discharged, ~ordinary)
    columns["episode_start_date"] = dated(start)
    columns["episode_end_date"] = dated(end)
    columns["oper_date_01"] = dated(procedure_day, procedure_day == NO_DAY)
