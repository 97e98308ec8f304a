"""Tiny packs in memory: enough codes, roots and prices to say one sentence of the docs each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from tariff.packs.model import (
    Borrowed,
    CategoryRange,
    CcListsPack,
    Chapter,
    Code,
    CodeSet,
    CodesPack,
    Condition,
    CsvName,
    FieldValuesPack,
    FifthCharacters,
    GrouperPack,
    InjuriesPack,
    LocalPrice,
    MffPack,
    NumericRange,
    Pack,
    PodGroup,
    PodPack,
    RootsPack,
    ServicesPack,
    ShortStayRule,
    SplitsPack,
    TariffPack,
)
from tariff.reference.group import Grouping, group_episode, group_spell
from tariff.reference.price import Price, PriceOptions, price_spell
from tariff.reference.price_tables import PriceTables, price_tables
from tariff.reference.spells import Spell, assemble
from tariff.reference.tables import GroupTables, group_tables
from tariff.reference.values import Value

Row = dict[str, Value]


@dataclass(frozen=True)
class TinyTable:
    columns: dict[str, list[str]]


@dataclass(frozen=True)
class TinyPack:
    manifest: Pack
    tables: dict[str, TinyTable] = field(default_factory=dict)


def table(header: str, *rows: str) -> TinyTable:
    """Make a table of space separated names and rows of comma separated cells."""
    names = header.split()
    cells = [row.split(",") for row in rows]
    cells = [row + [""] * (len(names) - len(row)) for row in cells]
    return TinyTable({name: [row[i] for row in cells] for i, name in enumerate(names)})


def named_cells(header: str, rows: Iterable[Mapping[str, str]]) -> TinyTable:
    """Make a table of rows that name their cells; the others are blank."""
    rows = list(rows)
    return TinyTable({name: [row.get(name, "") for row in rows] for name in header.split()})


def about(identifier: str, kind: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "version": "1.0.0",
        "kind": kind,
        "title": identifier,
        "provenance": "illustrative",
        "last_checked": date(2022, 1, 1),
        "engine": ">=0.1",
        "sources": [],
    }


def codes(*values: str) -> list[Code]:
    return [Code(value) for value in values]


CSV = CsvName("table.csv")

# ---------------------------------------------------------------- grouping

ICD = "A010 A011 B200 C500 D500 E100 E101 F100 G100 I10 M050 P070 R69 U071 W00 V01 Z74"
OPCS = "A101 A102 A111 B101 C101 E101 U101 X101 Y751 Z941"

DIAGNOSES = (
    "A01,AA01,,3",
    "A011,AB01,,5",  # longer prefix than A01
    "B20,AB02,,4",
    "C50,AC01,,2",
    "D50,AD01,,3",
    "E10,AA01,PA01,3",
    "F10,ZZ99,,1",
    "M05,AE01,,0",
    "P07,PA01,,1",
)
PROCEDURES = (
    "A10,AA02,,5",
    "A11,AA02,,5",
    "B10,AB02,PA01,7",
    "C10,AA02,,0",
    "Y75,AA02,,9",
)
SPLITS = (
    # hrg, root, cc, age, interventions, stay, diagnosis score, condition
    "AA01A,AA01,2",
    "AA01B,AA01,1,1",
    "AA01C,AA01,,0",
    "AA02A,AA02,,,,,2",
    "AA02B,AA02,,,,,1,1",
    "AA02C,AA02,,,,,,0",
    "AB01A,AB01,,,19",
    "AB01B,AB01,,,,18",
    "AB02A,AB02,,,,,,,2",
    "AB02B,AB02,,,,,,,,1",
    "AC01B,AC01,,,,,,,,,,,with_y75",
    "AC01C,AC01,,,,,,,,,,,from_home",
    "AC01D,AC01,,,,,,,,,,,to_home",
    "AC01E,AC01,,,,,,,,,,,without_e10",
    "AD01A,AD01,1",
    "AD01B,AD01,,0",
    "AE01A,AE01,,,,,,,,,1",  # a diagnosis score: never known
    "PA01Z,PA01",
)
SPLIT_COLUMNS = (
    "hrg root cc_min cc_max age_min age_max interventions_min interventions_max "
    "stay_min stay_max diagnosis_score_min diagnosis_score_max condition"
)
MEMBERS = ("B200,AA", "C500,AA AB", "E100,AA", "E101,AA", "I10X,AA", "M050,AA", "M0501,AB")

FIELD_VALUES = FieldValuesPack(
    **about("fields", "field_values"),
    accepted={"sex": codes("1", "2"), "neonatal_care": codes("0", "1", "")},
    numeric={"age": NumericRange(min=0, max=130, also=[999])},
    mandatory=["provider", "spell_id", "episode_order", "age", "sex", "diag_01"],
    same_in_spell=["sex", "admission_method"],
)


def grouping_packs(
    diagnoses: tuple[str, ...] = DIAGNOSES,
    splits: tuple[str, ...] = SPLITS,
    **grouper: Any,
) -> list[TinyPack]:
    icd10 = CodesPack(
        **about("icd10", "codes"),
        classification="icd10",
        codes=CSV,
        filler="X",
        chapters=[
            Chapter(chapter="I", from_=Code("A00"), to=Code("B99")),
            Chapter(chapter="II", from_=Code("C00"), to=Code("D48")),
        ],
        place_digit_categories=CategoryRange(from_=Code("W00"), to=Code("Y34")),
        never_primary=CodeSet(prefixes=codes("V", "W"), codes=codes("R69X6")),
        child_primary=CodeSet(prefixes=codes("P"), max_age=18),
    )
    opcs4 = CodesPack(
        **about("opcs4", "codes"),
        classification="opcs4",
        codes=CSV,
        never_dominant=CodeSet(prefixes=codes("Y", "Z")),
    )
    design = SplitsPack(
        **about("splits", "splits"),
        splits=CSV,
        conditions={
            "with_y75": Condition(any_procedure=codes("Y751")),
            "from_home": Condition(admission_source=codes("19")),
            "to_home": Condition(discharge_destination=codes("19")),
            "without_e10": Condition(no_procedure=codes("E101")),
        },
    )
    roots = RootsPack(**about("roots", "roots"), diagnoses=CSV, procedures=CSV, child_max_age=18)
    lists = CcListsPack(**about("cc", "cc_lists"), members=CSV, missing=codes("AD"))
    grouper = {
        "intervention_chapters_excluded": codes("U", "X", "Y", "Z"),
        **about("grouper", "grouper"),
        **grouper,
    }
    return [
        TinyPack(icd10, {"codes": table("code", *ICD.split())}),
        TinyPack(opcs4, {"codes": table("code", *OPCS.split())}),
        TinyPack(design, {"splits": table(SPLIT_COLUMNS, *splits)}),
        TinyPack(
            roots,
            {
                "diagnoses": table("code root root_child rank", *diagnoses),
                "procedures": table("code root root_child rank", *PROCEDURES),
            },
        ),
        TinyPack(lists, {"members": table("code subchapters", *MEMBERS)}),
        TinyPack(FIELD_VALUES),
        TinyPack(
            GrouperPack(
                splits="splits",
                roots="roots",
                cc_lists="cc",
                codes=["icd10", "opcs4"],
                field_values="fields",
                **grouper,
            )
        ),
    ]


TABLES = group_tables(grouping_packs(), "grouper")

REDIRECT_COLUMNS = (
    "root driver procedures no_procedures primary diagnoses no_diagnoses age_min age_max "
    "stay_min stay_max admission_source to"
)


def redirected(
    *rules: dict[str, str],
    lists: Iterable[str] = (),
    short_stay: Iterable[str] = (),
    pairs: Iterable[str] = (),
) -> GroupTables:
    """The tables with redirects, lists (`name,code`), roots of short stays, dagger pairs."""
    packs = grouping_packs()
    at, roots = next((i, p) for i, p in enumerate(packs) if isinstance(p.manifest, RootsPack))
    assert isinstance(roots.manifest, RootsPack)
    manifest = replace(
        roots.manifest,
        redirects=CSV,
        lists=CSV,
        short_stay=CSV,
        short_stay_max=1,
        dagger_pairs=CSV,
    )
    packs[at] = TinyPack(
        manifest,
        roots.tables
        | {
            "redirects": named_cells(REDIRECT_COLUMNS, rules),
            "lists": table("list code", *lists),
            "short_stay": table("root note", *short_stay),
            "dagger_pairs": table("dagger asterisk", *pairs),
        },
    )
    return group_tables(packs, "grouper")


def injured(*splits: str) -> GroupTables:
    """The tables with injuries of two sites and burns, and splits by their scores."""
    manifest = InjuriesPack(
        **about("injuries", "injuries"),
        trauma_diagnoses=CSV,
        trauma_procedures=CSV,
        burn_diagnoses=CSV,
        burn_areas=CSV,
        burn_procedures=CSV,
        trauma_roots=codes("VA10", "VA11"),
        burn_roots=codes("JB61", "JB40"),
    )
    pack = TinyPack(
        manifest,
        {
            "trauma_diagnoses": table("code site score", "A01,head,5", "A011,head,7", "B20,leg,9"),
            "trauma_procedures": table("code score", "A10,2", "C10,3"),
            "burn_diagnoses": table("code deep score", "C50,yes,2", "D50,,1", "M05,yes,4"),
            "burn_areas": table("code score", "E10,3", "E101,6"),
            "burn_procedures": table("code score", "B10,1"),
        },
    )
    packs = [*grouping_packs(splits=splits, injuries="injuries"), pack]
    return group_tables(packs, "grouper")


def serviced() -> GroupTables:
    """The tables with two services, a day of which has a root of its own, and unbundled HRGs."""
    manifest = ServicesPack(
        **about("services", "services"),
        unbundled=CSV,
        unbundled_ages=CSV,
        by_rehabilitation_day=codes("VC04Z"),
        palliative_hrg=Code("SD01A"),
        services=CSV,
        same_day=CSV,
        same_day_classifications=codes("2", "3"),
    )
    pack = TinyPack(
        manifest,
        {
            "unbundled": table(
                "code with_codes hrg", "U10,Y75 + Z94,RD02A", "U10,Z94,RD03Z", "U10,,RD01Z",
                "X10,,VC04Z",
            ),
            "unbundled_ages": table("hrg age_min age_max to", "RD02A,0,18,RD02B"),
            "services": table("service code", "imaging,U", "therapy,X", "ignored,Z"),
            "same_day": table("service root", "imaging,RD97"),
        },
    )  # fmt: skip
    packs = [*grouping_packs(splits=(*SPLITS, "RD97Z,RD97"), services="services"), pack]
    return group_tables(packs, "grouper")


def strict() -> GroupTables:
    """The tables of codes with every list of codes that brings an error."""
    packs = grouping_packs(only_never_dominant="error", injuries="injuries")
    for at, pack in enumerate(packs):
        manifest = pack.manifest
        if isinstance(manifest, CodesPack) and manifest.classification == "icd10":
            manifest = replace(
                manifest,
                vague_primary=CodeSet(codes=codes("F100")),
                vague_burn=CodeSet(prefixes=codes("G10")),
                fifth_characters=[
                    FifthCharacters(categories=codes("M05"), allowed=Code("01")),
                ],
            )
        elif isinstance(manifest, CodesPack):
            manifest = replace(manifest, vague_dominant=CodeSet(codes=codes("B101")))
        packs[at] = TinyPack(manifest, pack.tables)
    injuries = InjuriesPack(
        **about("injuries", "injuries"),
        trauma_diagnoses=CSV,
        trauma_procedures=CSV,
        burn_diagnoses=CSV,
        burn_areas=CSV,
        burn_procedures=CSV,
        trauma_roots=[],
        burn_roots=[],
    )
    tables = {
        "trauma_diagnoses": table("code site score"),
        "trauma_procedures": table("code score"),
        "burn_diagnoses": table("code deep score", "D50,,1"),
        "burn_areas": table("code score", "E10,0"),
        "burn_procedures": table("code score"),
    }
    return group_tables([*packs, TinyPack(injuries, tables)], "grouper")


FIELDS = frozenset(
    {"provider", "spell_id", "episode_order", "age", "sex", "admission_method", "diag_01"}
    | {"neonatal_care", "episode_duration", "admission_source", "discharge_destination"}
)


def episode(diagnoses: str = "A010", procedures: str = "", /, **values: Value) -> Row:
    """Make a valid episode: codes are space separated, in order of position."""
    row: Row = {
        "provider": "R1A",
        "spell_id": "S1",
        "episode_order": 1,
        "age": 40,
        "sex": "1",
        "admission_method": "21",
        "episode_duration": 3,
    }
    row |= {f"diag_{i:02d}": code for i, code in enumerate(diagnoses.split(), 1)}
    row |= {f"oper_{i:02d}": code for i, code in enumerate(procedures.split(), 1)}
    return row | values


def grouped(*rows: Row, tables: GroupTables = TABLES, fields: frozenset[str] = FIELDS) -> Grouping:
    """Group rows, which are episodes 1, 2, ... of one spell unless they say otherwise."""
    return group_spell(tables, numbered(*rows), fields)


def grouped_episode(
    place: int, *rows: Row, tables: GroupTables = TABLES, fields: frozenset[str] = FIELDS
) -> Grouping:
    """Group the episode at a place, counted from 1."""
    return group_episode(tables, numbered(*rows), place - 1, fields)


def numbered(*rows: Row) -> list[Row]:
    """Number episodes that all carry the number 1."""
    if len(rows) > 1 and {row["episode_order"] for row in rows} == {1}:
        return [row | {"episode_order": order} for order, row in enumerate(rows, 1)]
    return list(rows)


# ---------------------------------------------------------------- prices

EMERGENCY = ("21", "2A")
PRICE_COLUMNS = (
    "hrg combined day_case ordinary_elective elective_trim non_elective non_elective_trim per_day "
    "short_stay short_stay_percent short_stay_price outpatient_procedure"
)
PRICES = (
    "AA01A,1000,,,5,2000,10,100,yes,45,899",
    "AA01B,1000,1100,900,8,2501,10,100,yes,45",  # percentage only
    "AA01C,,1100,,5,,10,100,no",  # no ordinary elective, no non-elective price
    "AA02A,0,,,5,0,10,,no",  # priced at zero, without a rate
    "AA02B,1000,,,,2000,,100,no",  # no trim
    "AA02C,1000,,,5,2000,10,,no",  # no rate
    "AB01A,1000,,,5,2000,10,100",  # flag not held
    "AB01B,1000,,,5,2000,10,100,yes",  # flagged, no figures
    "AB02A,1000,,,5,0,10,100,no",  # non-elective at zero, with a rate
)
RULE = ShortStayRule(max_adjusted_days=1, min_age=19, admission_methods=codes(*EMERGENCY))
FACTORS = (
    "R1A,2022/23,1.1",
    "R1B,2020/21,1.2",
    "R1B,2024/25,1.3",
    "R1C,2021/22,1.000000001",
    "R1C,2024/25,1.5",
)
GROUPS = [
    PodGroup(
        code="DC",
        title="Day case",
        admission_methods=codes("11"),
        patient_classifications=codes("2"),
        price="day_case",
        trim="none",
    ),
    PodGroup(
        code="EL",
        title="Elective",
        admission_methods=codes("11"),
        patient_classifications=codes("1"),
        price="ordinary_elective",
        trim="elective",
    ),
    PodGroup(
        code="RADAY",
        title="Regular day attender",
        admission_methods=codes("11"),
        patient_classifications=codes("3"),
        price="none",
        trim="none",
    ),
    PodGroup(
        code="NELST",
        title="Short stay",
        admission_methods=codes(*EMERGENCY),
        max_adjusted_days=1,
        price="non_elective",
        trim="non_elective",
    ),
    PodGroup(
        code="NEL",
        title="Emergency",
        admission_methods=codes(*EMERGENCY, "31"),
        price="non_elective",
        trim="non_elective",
    ),
]


def tariff(
    *rows: str,
    year: str = "2022/23",
    rounding: Any = "pence_final",
    rule: ShortStayRule | None = RULE,
    borrowed: Borrowed | None = None,
    tables: Mapping[str, TinyTable] | None = None,
    **settings: Any,
) -> TinyPack:
    """A price list; the tables beside the prices are those given."""
    manifest = TariffPack(
        **about(f"tariff-{year[:4]}", "tariff"),
        year=year,
        edition="final",
        prices=CSV,
        rounding=rounding,
        short_stay_rule=rule,
        borrowed=borrowed,
        **dict.fromkeys(tables or {}, CSV),
        **settings,
    )
    prices = {"prices": table(PRICE_COLUMNS, *(rows or PRICES))}
    return TinyPack(manifest, prices | dict(tables or {}))


EXCLUDED = (
    "treatment_function,710",
    "treatment_function,730,2022/23",
    "treatment_function,800,,2021/22",
    "administrative_category,02",
)


def pricing(*tariffs: TinyPack) -> PriceTables:
    mff = MffPack(**about("mff", "mff"), factors=CSV, providers=CSV)
    pods = PodPack(
        **about("pods", "points_of_delivery"),
        groups=GROUPS,
        excluded=CSV,
        local_price=LocalPrice(serial_mark="="),
    )
    factors = TinyPack(mff, {"factors": table("provider year mff", *FACTORS)})
    excluded = {"excluded": table("of code from_year to_year reason evidence", *EXCLUDED)}
    return price_tables([*(tariffs or (tariff(),)), factors, TinyPack(pods, excluded)])


PRICING = pricing()
ADMITTED = date(2022, 5, 1)


def stay(days: int | None, hrg: str | None = "AA01A", **values: Value) -> Spell:
    """Make a spell of one episode of a number of days; None is an unknown stay."""
    row = episode(**{"patient_classification": "1", "provider": "R1A"} | values)
    row["billed_hrg"] = hrg
    row["episode_duration"] = None
    if days is None:
        row["discharge_date"] = ADMITTED
    else:
        row["admission_date"] = ADMITTED
        row["discharge_date"] = ADMITTED + timedelta(days=days)
    return assemble([row | {k: v for k, v in values.items() if k.endswith("_date")}])[0]


SETTINGS: dict[str, Row] = {
    "NE": {},
    "DC": {"admission_method": "11", "patient_classification": "2"},
    "EL": {"admission_method": "11", "patient_classification": "1"},
}


def priced(
    days: int | None,
    hrg: str | None = "AA01A",
    *,
    setting: str = "NE",
    tables: PriceTables = PRICING,
    options: PriceOptions | None = None,
    **values: Value,
) -> Price:
    """Price a spell of one episode at provider R1A whose factor is 1.1."""
    return price_spell(tables, stay(days, hrg, **SETTINGS[setting], **values), None, options)
