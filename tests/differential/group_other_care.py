"""Random packs and records of care that is not admitted, and how the oracle groups them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from tariff.engine.group_other_care import group_records
from tariff.engine.other_care import OtherCare
from tariff.extract.fields import DATASETS
from tariff.packs.compile import rulebook_of
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import (
    PROVENANCE_ORDER,
    Applies,
    AttendanceGroupsPack,
    CodeSet,
    CriticalCareGroupsPack,
    DefaultAttendance,
    EmergencyGroupsPack,
    NumericRange,
    OrganSystem,
)
from tariff.reference.attendances import attendance_hrg, attendance_tables, group_attendance
from tariff.reference.critical_care import critical_care_tables, group_period
from tariff.reference.emergency import emergency_tables, group_emergency_attendance
from tariff.reference.tables import all_group_tables, choose_by_date, date_of_year
from tariff.reference.values import day
from tests.differential.compare import different, weakest_of
from tests.differential.other_care import KEYS, extract_of
from tests.differential.strategies import (
    CODED_PROCEDURES,
    CSV,
    PROVIDERS,
    Row,
    about,
    codes,
    grouping_packs,
    loaded,
    often,
    some,
)

DAYS = [date(2016, 3, 1), date(2018, 4, 1), date(2022, 9, 1), date(2024, 4, 1), date(2031, 1, 1)]
DAY = {"attendances": "attendance_date", "emergency": "arrival_date", "critical_care": "start_date"}
MAPPED = "16310003"  # a SNOMED CT identifier: some packs map it, others leave it out
ORGANS = [f.name for f in DATASETS["critical_care"] if f.name.endswith("_days")][2:]

# ---------------------------------------------------------------- packs


def dated(rng: Random, make: Callable[[str], LoadedPack]) -> list[LoadedPack]:
    """One pack, or two that follow each other."""
    if rng.random() < 0.5:
        return [make("groups")]
    return [make("groups-old"), make("groups-new")]


def _about(name: str, kind: str) -> dict[str, Any]:
    applies = {
        "groups": Applies(),
        "groups-old": Applies(to=date(2022, 3, 31)),
        "groups-new": Applies(from_=date(2022, 4, 1)),
    }
    return {**about(name, kind), "applies": applies[name], "provenance": "reconstructed"}


def attendance_packs(rng: Random) -> PackSet:
    """Groupers, and packs of default attendances."""

    def make(name: str) -> LoadedPack:
        manifest = AttendanceGroupsPack(
            **_about(name, "attendance_groups"),
            mandatory=some(rng, ["age", "sex", "treatment_function", "first_attendance"]),  # type: ignore[arg-type]
            attendances=[
                DefaultAttendance(
                    first_attendance=c, single=codes(f"WF01{c}")[0],
                    multiprofessional=codes(f"WF02{c}")[0],
                )
                for c in codes(*some(rng, ["1", "2", "3"], 1))
            ],
            multiprofessional=CodeSet(
                prefixes=codes(*some(rng, ["U", "A01"])), codes=codes("Z941")
            ),
            assessments=codes(*some(rng, ["U", "B0", "A011"], 1)),
        )  # fmt: skip
        return loaded(manifest)

    return PackSet((*grouping_packs(rng), *dated(rng, make)))


def emergency_packs(rng: Random) -> PackSet:
    """Tables of categories; a third of the pairs of categories have no HRG."""

    def table(values: Sequence[str], top: int) -> list[dict[str, str]]:
        return [
            {
                "code": code,
                "category": str(rng.randint(0, top)),
                "third_digits": rng.choice(["", "", "1-3", "2"]),
            }
            for code in some(rng, values, 1)
        ]

    def make(name: str) -> LoadedPack:
        manifest = EmergencyGroupsPack(
            **_about(name, "emergency_groups"),
            investigations=CSV,
            treatments=CSV,
            groups=CSV,
            dental_investigations=codes("02", *some(rng, [MAPPED, "03"])),
            dental_treatments=codes(*some(rng, ["03", "11"])),
            dead_on_arrival=codes(*some(rng, ["70", "80"])),
            dead_hrg=codes("VB99Z")[0],
            age=NumericRange(min=0, max=130, also=rng.choice([[999], []])),
            no_investigation_as=rng.choice([1, 0, 2]),
            no_treatment_as=rng.choice([1, 0]),
            invalid_codes=rng.choice(["report", "report", "error"]),
        )
        groups = [
            {
                "investigation": str(i), "treatment": str(t), "hrg": f"VB{i}{t}Z",
                "dental": rng.choice(["", "VB10Z"]),
            }
            for i in range(4) for t in range(6) if rng.random() < 0.7
        ] or [{"investigation": "0", "treatment": "0", "hrg": "VB11Z"}]  # fmt: skip
        found = [
            {k: v for k, v in row.items() if k != "third_digits"}
            for row in table(["01", "02", "03", "24", MAPPED], 3)
        ]
        done = table(["01", "03", "11", "12", "22", "99", MAPPED], 5)
        return loaded(manifest, investigations=found, treatments=done, groups=groups)

    return PackSet(tuple(dated(rng, make)))


def critical_care_packs(rng: Random) -> PackSet:
    """Organ systems of one or two counts, and more or fewer HRGs than systems."""

    def make(name: str) -> LoadedPack:
        names = some(rng, ORGANS, 2)
        organs = [OrganSystem(name=n, days=[n]) for n in names[2:]]
        organs.append(OrganSystem(name="pair", days=names[:2]))
        manifest = CriticalCareGroupsPack(
            **_about(name, "critical_care_groups"),
            organs=organs,
            hrgs=codes(*[f"XC0{7 - i}Z" for i in range(rng.randint(1, 7))]),
            adult_units=codes("01", "02"),
            paediatric_units=codes("04"),
            neonatal_units=codes(*some(rng, ["13"])),
        )
        return loaded(manifest)

    return PackSet(tuple(dated(rng, make)))


PACKS = {
    "attendances": attendance_packs,
    "emergency": emergency_packs,
    "critical_care": critical_care_packs,
}

# ---------------------------------------------------------------- records


def _attendance(rng: Random) -> Row:
    return {
        "attendance_date": often(rng, rng.choice(DAYS), [None]),
        "age": often(rng, rng.choice([0, 4, 5, 18, 19, 40]), [None, 131, -1, 999]),
        "sex": often(rng, "1", ["2", "9", "7", None]),
        "main_specialty": often(rng, "100", ["300", None]),
        "treatment_function": often(rng, "100", ["300", "560", None]),
        "first_attendance": often(rng, rng.choice("123"), ["4", "9", None]),
        "attended": rng.choice(["5", "6", "3", None]),
        "diag_01": rng.choice(["A010", "I10", None]),
        **{f"oper_{i:02}": rng.choice([None, *CODED_PROCEDURES]) for i in range(1, 4)},
        "billed_hrg": rng.choice(["WF01A", None]),
    }


def _emergency(rng: Random) -> Row:
    found = [None, None, "01", "02", "03", "24", "021", "2", "99", MAPPED]
    done = [
        None,
        None,
        "01",
        "011",
        "015",
        "03",
        "032",
        "11",
        "12",
        "22",
        "99",
        "1",
        "0111",
        MAPPED,
    ]
    return {
        "arrival_date": often(rng, rng.choice(DAYS), [None]),
        "age": often(rng, rng.choice([0, 40, 130]), [None, 131, 999]),
        "patient_group": rng.choice(["10", "70", "80", None]),
        "department_type": rng.choice(["01", "03"]),
        **{f"investigation_{i:02}": rng.choice(found) for i in range(1, 4)},
        **{f"treatment_{i:02}": rng.choice(done) for i in range(1, 4)},
        "billed_hrg": None,
    }


def _period(rng: Random) -> Row:
    start = often(rng, rng.choice(DAYS), [None])
    end = None if start is None else start + timedelta(days=rng.choice([0, 1, 5, 20, -1]))
    return {
        "spell_id": "S1",
        "start_date": start,
        "end_date": often(rng, end, [None, date(2022, 1, 1)]),
        "unit_function": often(rng, rng.choice(["01", "02"]), ["04", "13", "77", None]),
        "level_2_days": rng.choice([0, 1, 6, None]),
        "level_3_days": rng.choice([0, 2, None, -3]),
        **{name: rng.choice([0, 0, 1, 3, 25, None, -1]) for name in ORGANS},
        "organ_support_maximum": rng.choice([None, 0, 2]),
    }


MAKE = {"attendances": _attendance, "emergency": _emergency, "critical_care": _period}


def random_records(rng: Random, dataset: str, count: int) -> list[Row]:
    """Records, some of one key, some of them exact copies; columns are left out of all."""
    rows = []
    for _ in range(count):
        key = {
            "provider": rng.choice(PROVIDERS).upper(),
            KEYS[dataset]: f"é{rng.randint(1, count)}",
        }
        rows.append(MAKE[dataset](rng) | key)
    rows += [dict(row) for row in rows if rng.random() < 0.05]
    keep = [name for name in rows[0] if name in ("provider", KEYS[dataset]) or rng.random() < 0.95]
    rng.shuffle(rows)
    return [{name: row[name] for name in keep} for row in rows]


def run_engine(dataset: str, rows: list[Row], packs: PackSet, year: str | None = None) -> OtherCare:
    """Group rows by the engine."""
    return group_records(extract_of(dataset, rows), rulebook=rulebook_of(packs), year=year)


# ---------------------------------------------------------------- the oracle


class Oracle:
    """What the plain-Python rules say of a record."""

    def __init__(self, dataset: str, packs: PackSet, fields: frozenset[str], year: str | None):
        self.dataset, self.packs, self.fields, self.year = dataset, packs, fields, year
        tables: dict[str, Any] = {
            "attendances": attendance_tables,
            "emergency": emergency_tables,
            "critical_care": critical_care_tables,
        }
        self.tables = tables[dataset](packs)
        self.groupers = all_group_tables(list(packs)) if dataset == "attendances" else []

    def expected(self, row: Row) -> dict[str, Any]:
        """The output row of a record."""
        when = day(row, DAY[self.dataset])
        if when is None and self.year is not None:
            when = date_of_year(self.year)
        own = choose_by_date(self.tables, when)
        found, rests_on = getattr(self, f"_{self.dataset}")(row, own, when)
        provenances = [own.manifest.provenance, *rests_on]
        weakest = max(provenances, key=PROVENANCE_ORDER.index)
        shown = [DAY[self.dataset], "billed_hrg", "attended", "unit_function", "spell_id"]
        also = {name: row.get(name) for name in shown if name in row}
        return {
            "provider": row["provider"],
            KEYS[self.dataset]: row[KEYS[self.dataset]],
            **{name: value for name, value in also.items() if name in self.columns()},
            **found,
            "groups": own.manifest.id,
            "hrg_provenance": weakest if found["hrg"] is not None else None,
        }

    def columns(self) -> list[str]:
        from tariff import schemas

        names: list[str] = getattr(schemas, self.dataset.upper()).names
        return names

    def _attendances(self, row: Row, own: Any, when: date | None) -> tuple[dict[str, Any], Any]:
        grouper = choose_by_date(self.groupers, when)
        found = group_attendance(grouper, own, row, self.fields)
        driven = found.grouping_flag == "P"
        return {
            "hrg": found.hrg,
            "grouper": grouper.pack_id,
            "grouping_flag": found.grouping_flag,
            "dominant_procedure": found.dominant_procedure,
            "attendance_hrg": attendance_hrg(grouper, own, row, self.fields),
            "error_category": found.error_category,
            "errors": " ".join(found.errors),
            "group_reason": found.group_reason,
        }, [weakest_of(self.packs, grouper.pack_id, "P")] if driven else []

    def _emergency(self, row: Row, own: Any, when: date | None) -> tuple[dict[str, Any], Any]:
        found = group_emergency_attendance(own, row, self.fields)
        names = [n for n in self.columns() if hasattr(found, n)]
        return {n: getattr(found, n) for n in names} | {"errors": " ".join(found.errors)}, []

    def _critical_care(self, row: Row, own: Any, when: date | None) -> tuple[dict[str, Any], Any]:
        found = group_period(own, row, self.fields)
        names = [n for n in self.columns() if hasattr(found, n)]
        return {n: getattr(found, n) for n in names} | {"warnings": " ".join(found.warnings)}, []


def compare(dataset: str, rows: list[Row], packs: PackSet, year: str | None = None) -> OtherCare:
    """Group by both sides; fail with the shortest record that differs."""
    run = run_engine(dataset, rows, packs, year)
    oracle = Oracle(dataset, packs, frozenset(rows[0]), year)
    names = oracle.columns()

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(((v := row.get(name) or None) is not None, str(v)) for name in names)

    found = run.table.to_pylist()
    keys = [(row["provider"], row[KEYS[dataset]]) for row in found]
    assert keys == sorted(keys), "the output is not in order of provider and key"
    full = {id(row): oracle.expected(row) for row in rows}
    shown = {"department_type", "patient_group", "treatment_function", "first_attendance",
             "attended", "billed_hrg", "spell_id", "unit_function", "start_date", "end_date",
             DAY[dataset]} & set(names)  # fmt: skip
    for row in rows:
        full[id(row)] |= {name: row.get(name) for name in shown}
    pairs = zip(
        sorted(rows, key=lambda r: place(full[id(r)])), sorted(found, key=place), strict=True
    )
    problems = []
    for row, have in pairs:
        if lines := different(full[id(row)], have):
            problems.append(
                "\n".join([str({k: v for k, v in row.items() if v is not None}), *lines])
            )
    if problems:
        shortest = min(problems, key=len)
        raise AssertionError(f"{len(problems)} of {len(rows)} differ; the shortest:\n{shortest}")
    return run
