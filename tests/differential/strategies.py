"""Random packs and random episodes over small spaces of values, so that they collide.

Everything is drawn from a `random.Random`: a seeded one in bulk, hypothesis' own (which it can
shrink) in the tests that look for the smallest example. One file, since the packs name one another
and draw from the same few codes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import (
    Applies,
    Borrowed,
    CategoryRange,
    CcListsPack,
    Chapter,
    Code,
    CodeSet,
    CodesPack,
    Condition,
    FieldValuesPack,
    FifthCharacters,
    GrouperPack,
    HomeLeave,
    InjuriesPack,
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
from tariff.packs.tables import TABLES, Table
from tariff.reference.values import Value
from tests.differential.price_extras import delivery, exclusions, extras
from tests.reference.tiny_packs import CSV, about, codes

T = TypeVar("T")
Row = dict[str, Value]

SLOW = os.environ.get("TARIFF_SLOW") == "1"
RANDOMS = st.randoms(use_true_random=False)


def example_settings(count: int) -> settings:
    """So many examples, ten times as many with TARIFF_SLOW=1, the same ones in every run."""
    return settings(
        max_examples=count * 10 if SLOW else count,
        deadline=None,
        derandomize=not SLOW,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def some(rng: Random, values: Sequence[T], least: int = 0) -> list[T]:
    """A random part of some values, in their order."""
    count = rng.randint(least, len(values))
    return [values[i] for i in sorted(rng.sample(range(len(values)), count))]


def often(rng: Random, usual: T, others: Sequence[T], share: float = 0.12) -> T:
    """The usual value, now and then another one."""
    return rng.choice(others) if rng.random() < share else usual


# ---------------------------------------------------------------- values

DIAGNOSES = [
    "A010", "A011", "A0110", "B20", "B200", "C500", "C501", "D50", "E100", "I10", "I10X", "P070",
    "W00", "R69X", "U071",
]  # fmt: skip
CODED_DIAGNOSES = [
    *DIAGNOSES, "A0101", "A0109", "B209", "B20X", "B20X1", "I10X9", "P0709", "W001", "W00X",
    "W00\u0663", "W0012", "R69X6", "Q999", "C50", "A01", "A", "U071XX",
]  # fmt: skip
PROCEDURES = ["A011", "A012", "A021", "B011", "B012", "C011", "U051", "Y751", "Y752", "Z941"]
CODED_PROCEDURES = [*PROCEDURES, "A01", "A019", "Q999", "A0111"]
ROOTS = ["AA01", "AA02", "AB01", "AB02", "PB03", "ZZ09"]
SUBCHAPTERS = ["AA", "AB", "PB"]
PROVIDERS = ["R1A", "R1B", "RZ9", "r1a"]
YEARS = ["2017/18", "2018/19", "2022/23", "2024/25"]
METHODS = ["21", "11", "12", "2A", "31", "82"]
CLASSES = ["1", "2", "3", "5", "8"]
PLACES = ["19", "29", "51", "79"]
DAYS = [
    date(2018, 3, 30), date(2018, 4, 1), date(2022, 9, 1), date(2022, 9, 2),
    date(2022, 9, 3), date(2022, 9, 5), date(2018, 5, 1), date(2018, 5, 2), date(2018, 5, 4),
    date(2023, 3, 30), date(2024, 4, 1), date(2021, 1, 1),
]  # fmt: skip
ABSURD_DAYS = [date(1, 1, 1), date(1900, 1, 1), date(201, 5, 1), date(9999, 12, 31)]
CODE_VALUES: dict[str, list[str]] = {
    "sex": ["1", "2", "9", "7"],
    "patient_classification": CLASSES,
    "admission_source": PLACES,
    "admission_method": METHODS,
    "discharge_destination": PLACES,
    "discharge_method": ["1", "4", "5"],
    "main_specialty": ["100", "300"],
    "treatment_function": ["100", "300", "560"],
    "neonatal_care": ["0", "", "8"],
}
NUMBER_VALUES: dict[str, list[int]] = {
    "age": [40, 0, 5, 17, 18, 19, 20, 130, 131, 999, -1],
    "episode_duration": [0, 1, 2, 3, 7, 12, 40, -2, 100_000],
    "critical_care_days": [0, 0, 0, 1, 3, 30, -1],
    "rehabilitation_days": [0, 0, 2],
    "palliative_care_days": [0, 0, 1],
}

# ---------------------------------------------------------------- packs


def loaded(manifest: Pack, **tables: list[dict[str, str]]) -> LoadedPack:
    """A pack in memory, its tables given row by row."""
    specs = TABLES.get(manifest.kind, {})
    made = {
        name: Table(
            f"{name}.csv",
            {column: [row.get(column, "") for row in rows] for column in specs[name].header},
            range(len(rows)),
        )
        for name, rows in tables.items()
    }
    return LoadedPack(manifest, Path(), made, (), "0" * 64)


def code_packs(rng: Random) -> list[LoadedPack]:
    """The classifications, with a hole or two."""
    place = CategoryRange(from_=Code("W00"), to=Code("Y34"))
    icd10 = CodesPack(
        **about("icd10", "codes"),
        classification="icd10",
        codes=CSV,
        filler=often(rng, "X", [""]),
        chapters=[
            Chapter(chapter="I", from_=Code("A00"), to=Code("B99")),
            Chapter(chapter="II", from_=Code("C00"), to=Code("D48")),
        ],
        place_digit_categories=often(rng, place, [None]),
        never_primary=CodeSet(prefixes=codes("W"), codes=codes("R69X6")),
        vague_primary=CodeSet(codes=codes(*often(rng, "", [["E100"], ["D50X", "D50"]]))),
        vague_burn=CodeSet(prefixes=codes(*often(rng, "", [["C501"]]))),
        fifth_characters=often(
            rng, [], [[FifthCharacters(categories=codes("A0"), allowed=Code("019"))]], 0.4
        ),
        child_primary=CodeSet(prefixes=codes("P"), max_age=rng.choice([18, None, 0])),
    )
    opcs4 = CodesPack(
        **about("opcs4", "codes"),
        classification="opcs4",
        codes=CSV,
        never_dominant=CodeSet(prefixes=codes(*some(rng, ["Y", "Z", "A02"]))),
        vague_dominant=CodeSet(codes=codes(*often(rng, "", [["A011"], ["B012", "C011"]]))),
    )
    return [
        loaded(icd10, codes=[{"code": c} for c in often(rng, DIAGNOSES, [DIAGNOSES[2:]])]),
        loaded(opcs4, codes=[{"code": c} for c in often(rng, PROCEDURES, [PROCEDURES[1:]])]),
    ]


def splits_pack(rng: Random, name: str) -> LoadedPack:
    """A design: roots with rows of every kind of bound and condition."""
    conditions = {
        "home": Condition(discharge_destination=codes(*some(rng, PLACES, 1))),
        "source": Condition(admission_source=codes(*some(rng, PLACES, 1))),
        "with": Condition(any_procedure=codes(*some(rng, ["Y751", "A0", "C011"], 1))),
        "ill": Condition(any_diagnosis=codes(*some(rng, ["B20", "C501", "I10"], 1))),
        "without": Condition(no_procedure=codes(*some(rng, ["Y75", "B011"], 1))),
    }
    rows: list[dict[str, str]] = []
    for root in some(rng, ROOTS[:-1], 4):
        for letter in "ABCDE"[: rng.randint(1, 5)]:
            row = {"hrg": root + letter, "root": root}
            for bound, values in (
                ("cc", [0, 1, 2]), ("age", [0, 18, 19, 999]), ("interventions", [0, 1, 2]),
                ("stay", [0, 1, 2, 8]), ("diagnosis_score", [0, 3, 5]),
            ):  # fmt: skip
                if rng.random() < (0.1 if bound == "diagnosis_score" else 0.3):
                    low, high = rng.choice(values), rng.choice(values)
                    kind = rng.randrange(3)
                    row[f"{bound}_min"] = str(low) if kind != 1 else ""
                    row[f"{bound}_max"] = str(high) if kind != 0 else ""
            if rng.random() < 0.25:
                row["condition"] = " ".join(some(rng, sorted(conditions), 1)[:2])
            rows.append(row)
        if rng.random() < 0.6:
            rows.append({"hrg": root + "Z", "root": root})
    rng.shuffle(rows)  # rows of a root need not stand together
    cut = rng.randrange(len(rows)) if rng.random() < 0.3 else 0
    manifest = SplitsPack(
        **about(name, "splits"),
        splits=CSV,
        unpriced=CSV if cut else None,
        conditions=conditions,
    )
    return loaded(manifest, splits=rows[cut:], **({"unpriced": rows[:cut]} if cut else {}))


def root_rows(rng: Random, prefixes: Sequence[str], share: float) -> list[dict[str, str]]:
    """Rows of a root table; the longest prefix counts, and ranks tie."""
    return [
        {
            "code": prefix,
            "root": often(rng, rng.choice(ROOTS), [""], 0.05),
            "root_child": rng.choice(["", "", *ROOTS]),
            "rank": str(often(rng, rng.randint(0, 3), [2_000_000, -1], 0.06)),
        }
        for prefix in prefixes
        if rng.random() < share
    ]


DIAGNOSIS_SETS = ["A01", "A011 B20", "I10", "C5 D50 E", "@many", "A + I10", "@many + B20 C5"]
PROCEDURE_SETS = ["A01", "Y75", "A B", "@some", "U051 + A0", "Z94 @some"]
LISTS = {"many": ["A01", "E100", "U07"], "some": ["Y751", "C011", "B"]}


def redirect_rows(rng: Random) -> list[dict[str, str]]:
    """Rules that move a root, some of them in chains and rings."""
    rows = []
    for _ in range(rng.randint(1, 12)):
        row = {"root": rng.choice(ROOTS), "to": rng.choice(ROOTS)}
        for name in some(rng, ["driver", "procedures", "no_procedures"])[:2]:
            row[name] = rng.choice(PROCEDURE_SETS)
        for name in some(rng, ["primary", "diagnoses", "no_diagnoses"])[:1]:
            row[name] = rng.choice(DIAGNOSIS_SETS)
        for name in some(rng, ["age_min", "age_max", "stay_min", "stay_max"])[:1]:
            row[name] = str(rng.choice([0, 1, 2, 18, 19]))
        if rng.random() < 0.2:
            row["admission_source"] = " ".join(some(rng, PLACES, 1))
        rows.append(row)
    return rows


def injuries_pack(rng: Random) -> LoadedPack:
    """Scores of injuries; overlapping prefixes, sites that meet."""

    def scores(codes_: Sequence[str], least: int = 0) -> list[dict[str, str]]:
        return [{"code": c, "score": str(rng.randint(0, 4))} for c in some(rng, codes_, least)]

    manifest = InjuriesPack(
        **about("injuries", "injuries"),
        trauma_diagnoses=CSV,
        trauma_procedures=CSV,
        burn_diagnoses=CSV,
        burn_areas=CSV,
        burn_procedures=CSV,
        trauma_roots=codes(*some(rng, ROOTS)),
        burn_roots=codes(*some(rng, ROOTS)),
    )
    sites = [row | {"site": rng.choice(["head", "neck", "arm"])}
             for row in scores(["A01", "A011", "C5", "E1"])]  # fmt: skip
    return loaded(
        manifest,
        trauma_diagnoses=sites,
        trauma_procedures=scores(["A01", "B", "U05", "Y751"]),
        burn_diagnoses=[
            row | {"deep": rng.choice(["yes", ""])} for row in scores(["B200", "D50", "C501"])
        ],
        burn_areas=scores(["I10", "U07"]),
        burn_procedures=scores(["A012", "C", "Z9"]),
    )


def services_pack(rng: Random) -> LoadedPack:
    """Services that stand alone on a day, and unbundled HRGs."""
    service_of = {code: rng.choice(["one", "two", "ignored"]) for code in ("U", "U051", "A02", "Z")}
    manifest = ServicesPack(
        **about("services", "services"),
        unbundled=CSV,
        unbundled_ages=CSV,
        by_rehabilitation_day=codes("VC04Z"),
        palliative_hrg=rng.choice([None, Code("SD01A")]),
        services=CSV,
        same_day=CSV,
        same_day_classifications=codes(*some(rng, CLASSES)),
    )
    return loaded(
        manifest,
        unbundled=[
            {"code": "U", "hrg": "RD01Z"},
            {"code": "U05", "with_codes": "Z94 + A0 C", "hrg": "RD02A"},
            {"code": "C01", "hrg": "SB01Z"},
            {"code": "A0", "hrg": "VC04Z"},
        ],
        unbundled_ages=[{"hrg": "RD02A", "age_max": "18", "to": "RD02B"}],
        services=[{"service": service_of[c], "code": c} for c in some(rng, sorted(service_of), 1)],
        same_day=[
            {"service": name, "root": rng.choice(ROOTS)} for name in some(rng, ["one", "two"])
        ],
    )


def grouping_packs(rng: Random) -> list[LoadedPack]:
    """One to three groupers and all they name."""
    packs = code_packs(rng)
    accepted = {name: codes(*values[:-1]) for name, values in CODE_VALUES.items()}
    numeric = {
        "age": NumericRange(min=0, max=130, also=rng.choice([[999], [], [999, -1]])),
        "episode_order": NumericRange(min=1, max=97),
        "episode_duration": NumericRange(min=0, max=99_999),
        "critical_care_days": NumericRange(min=0, max=29),
    }
    for name in some(rng, sorted(accepted))[:3]:
        del accepted[name]
    for name in some(rng, sorted(numeric))[:1]:
        del numeric[name]
    mandatory = some(rng, ["age", "sex", "admission_method", "episode_duration", "neonatal_care"])
    mandatory = mandatory[:2]
    packs.append(
        loaded(
            FieldValuesPack(
                **about("fields", "field_values"),
                accepted=accepted,
                numeric=numeric,
                mandatory=["provider", "spell_id", *mandatory, "diag_01"],
                same_in_spell=some(rng, ["sex", "patient_classification", "admission_method"]),
            )
        )
    )
    packs += [injuries_pack(rng), services_pack(rng)]
    starts = some(rng, [date(2017, 4, 1), date(2022, 4, 1), date(2024, 4, 1)], 1)
    for index, start in enumerate(starts):
        name = str(index)
        packs.append(splits_pack(rng, f"splits{name}"))
        redirects = redirect_rows(rng) if rng.random() < 0.6 else []
        listed = [{"list": name, "code": code} for name, own in LISTS.items() for code in own]
        short = [{"root": root} for root in some(rng, ROOTS)]
        roots = RootsPack(
            **about(f"roots{name}", "roots"),
            diagnoses=CSV,
            procedures=CSV,
            redirects=CSV if redirects else None,
            lists=CSV if redirects else None,
            short_stay=CSV if redirects else None,
            short_stay_max=rng.choice([1, 0, 2]),
            dagger_pairs=CSV if redirects else None,
            child_max_age=rng.choice([18, 4]),
        )
        packs.append(
            loaded(
                roots,
                diagnoses=root_rows(
                    rng, ["A", "A01", "A011", "B20", "C5", "D50", "E10", "I10", "P07", "R69"], 0.8
                )
                or [{"code": "A", "root": "AA01", "rank": "1"}],
                procedures=root_rows(rng, ["A", "A01", "A012", "B01", "C01", "Y75"], 0.6)
                or [{"code": "A", "root": "AA01", "rank": "1"}],
                **(
                    {
                        "redirects": redirects,
                        "lists": listed,
                        "short_stay": short,
                        "dagger_pairs": [
                            {"dagger": a, "asterisk": b}
                            for a, b in some(rng, [("A01", "B20"), ("E", "I10"), ("D50", "C5")])
                        ],
                    }
                    if redirects
                    else {}
                ),
            )
        )
        members = [
            {"code": code, "subchapters": " ".join(some(rng, SUBCHAPTERS, 1))}
            for code in ("B20X", "B200", "C500", "C501", "E100", "I10X", "I10", "A010", "A0101")
            if rng.random() < 0.7
        ]
        scores = [
            {"code": code, "subchapter": subchapter, "score": rng.choice(["0", "2", "3", "255"])}
            for code in ("B200", "C500", "E100", "I10X", "A0101", "D50X")
            for subchapter in SUBCHAPTERS
            if rng.random() < 0.25
        ]
        lists = CcListsPack(
            **about(f"cc{name}", "cc_lists"),
            members=CSV,
            scores=CSV if scores else None,
            default_score=rng.choice([1, 1, 2]),
            missing=codes(*often(rng, [], [["AB"], ["AA", "PB"]])),
        )
        members = members or [{"code": "C500", "subchapters": "AA"}]
        packs.append(loaded(lists, members=members, **({"scores": scores} if scores else {})))
        end = starts[index + 1] - timedelta(days=400) if index + 1 < len(starts) else None
        grouper = GrouperPack(
            **about(f"grouper{name}", "grouper"),
            applies=Applies(from_=start, to=end),
            splits=f"splits{name}",
            roots=f"roots{name}",
            cc_lists=f"cc{name}",
            codes=["icd10", "opcs4"],
            field_values="fields",
            injuries=rng.choice(["", "injuries"]),
            services=rng.choice(["", "services"]),
            only_never_dominant=rng.choice(["report", "error"]),
            intervention_chapters_excluded=codes(*some(rng, ["U", "Y", "Z"])),
            invalid_secondary=rng.choice(["report", "report", "error"]),
        )
        packs.append(loaded(grouper))
    return packs


MONEY = [
    "", "0", "0.05", "33", "100.50", "101", "1001", "2501.99", "99.995", "2500.125", "99999999",
]  # fmt: skip


def tariff_pack(rng: Random, year: str, hrgs: Sequence[str]) -> LoadedPack:
    """A price list with blanks, zeros and figures of another year."""
    rows = []
    for hrg in hrgs:
        row = {"hrg": hrg}
        for name in ("combined", "day_case", "ordinary_elective"):
            row[name] = rng.choice(["", *MONEY])
        row["non_elective"] = often(rng, rng.choice(MONEY[1:]), [""])
        for name in ("elective_trim", "non_elective_trim"):
            row[name] = rng.choice(["", "0", "1", "5", "10"])
        row["per_day"] = rng.choice(["", "0", "33", "101.015", "250"])
        row["short_stay"] = rng.choice(["yes", "yes", "no", ""])
        row["short_stay_percent"] = rng.choice(["", "25", "45", "33.33", "100"])
        row["short_stay_price"] = rng.choice(["", "", "50.25", "700"])
        rows.append(row)
    rule = ShortStayRule(
        max_adjusted_days=rng.choice([1, 0, 2]),
        min_age=rng.choice([19, 0, 18]),
        admission_methods=codes(*some(rng, METHODS, 1)),
    )
    borrowed = Borrowed(
        from_="another",
        columns=some(rng, ["elective_trim", "non_elective_trim", "per_day", "short_stay"], 1),
    )
    # one draw for all of it: it is large, and not what is made small
    settings, tables = extras(Random(rng.randrange(1 << 32)), hrgs)
    if len(rows) > 4 and rng.random() < 0.5:
        tables["deliveries"] = [delivery(rng, rows.pop()["hrg"]) for _ in range(2)]
        settings["deliveries"] = CSV
    manifest = TariffPack(
        **about(f"tariff-{year[:4]}", "tariff"),
        year=year,
        edition="final",
        prices=CSV,
        rounding=rng.choice(["pence_final", "pound_final", "pound_pre_mff", "pound_per_component"]),
        short_stay_rule=often(rng, rule, [None], 0.3),
        borrowed=rng.choice([None, borrowed]),
        **settings,
    )
    return loaded(manifest, prices=rows, **tables)


def pricing_packs(rng: Random, hrgs: Sequence[str]) -> list[LoadedPack]:
    """Price lists of some years, factors with gaps, points of delivery."""
    packs = [tariff_pack(rng, year, some(rng, hrgs, len(hrgs) - 3)) for year in some(rng, YEARS, 3)]
    values = ["1.1", "0.95", "1", "1.000000001", "1.2345678915", "1.29"]
    factors = [
        {"provider": provider, "year": year, "mff": rng.choice(values)}
        for provider in PROVIDERS[:2]
        for year in [*YEARS, "2020/21", "2023/24"]
        if rng.random() < 0.5
    ] or [{"provider": "R1A", "year": "2022/23", "mff": "1.1"}]
    packs.append(
        loaded(
            MffPack(**about("mff", "mff"), factors=CSV, providers=CSV),
            factors=factors,
            providers=[{"provider": p, "name": p} for p in PROVIDERS[:2]],
        )
    )
    groups = [
        PodGroup(
            code=f"G{index}",
            title="",
            admission_methods=codes(*some(rng, METHODS, 1)),
            patient_classifications=codes(*some(rng, CLASSES)),
            max_adjusted_days=rng.choice([None, None, 0, 1]),
            price=often(
                rng, rng.choice(["day_case", "ordinary_elective", "non_elective"]), ["none"], 0.1
            ),
            trim=rng.choice(["elective", "non_elective", "none"]),
        )
        for index in range(rng.randint(1, 5))
    ]
    groups.append(
        PodGroup(
            code="NEL",
            title="",
            admission_methods=codes("21", "2A", "31"),
            price="non_elective",
            trim="non_elective",
        )
    )
    settings, tables = exclusions(rng)
    leave = HomeLeave(days=rng.choice(["counted", "deducted"]))
    manifest = PodPack(
        **about("pods", "points_of_delivery"), groups=groups, home_leave=leave, **settings
    )
    packs.append(loaded(manifest, **tables))
    return packs


def random_packs(rng: Random) -> PackSet:
    """Everything that a run needs."""
    grouping = grouping_packs(rng)
    hrgs = {h for pack in grouping if "splits" in pack.tables for h in hrgs_of(pack)}
    return PackSet((*grouping, *pricing_packs(rng, [*sorted(hrgs), "UZ01Z", "XX99Z"])))


def hrgs_of(pack: LoadedPack) -> list[str]:
    """The HRGs of a design."""
    return pack.tables["splits"].columns["hrg"]


# ---------------------------------------------------------------- episodes

BILLED = [
    "billed_hrg", "billed_point_of_delivery", "billed_price", "billed_mff", "billed_mff_amount",
    "billed_excess_days", "billed_total", "activity_month", "statement",
]  # fmt: skip
OPTIONAL = [
    *CODE_VALUES, "age", "episode_duration", "critical_care_days", "rehabilitation_days",
    "palliative_care_days", "diag_01", "admission_date", "discharge_date", "episode_start_date",
    "episode_end_date", "patient_id", "site", "commissioner", "oper_date_01", "admission_time",
    "discharge_time", "birth_weight", *BILLED,
]  # fmt: skip


def random_fields(rng: Random) -> frozenset[str]:
    """The columns of an extract: now and then one or several are not there."""
    fields = {"provider", "spell_id", "episode_order", *OPTIONAL}
    fields |= {"diag_02", "diag_03", "oper_01", "oper_02", "oper_03", "oper_date_02", "diag_10"}
    dropped = rng.choice([[], [], some(rng, OPTIONAL)[:3], BILLED, ["episode_order"]])
    if dropped == ["diag_01"] and rng.random() < 0.8:
        dropped = []
    return frozenset(fields.difference(dropped))


def _blank(rng: Random, value: Value, share: float = 0.05) -> Value:
    if rng.random() >= share:
        return value
    return rng.choice([None, ""]) if isinstance(value, str) else None


def _stay(rng: Random) -> tuple[date | None, date | None]:
    first = often(rng, rng.choice(DAYS) + timedelta(days=rng.randint(0, 3)), ABSURD_DAYS, 0.02)
    length = rng.choice([0, 0, 0, 1, 1, 1, 2, 3, 6, 12, 41, often(rng, 4, [-1], 0.5)])
    try:
        last: date | None = first + timedelta(days=length)
    except OverflowError:
        last = first
    return often(rng, first, [None], 0.06), often(rng, last, [None, None, *ABSURD_DAYS], 0.05)


def _spell_values(rng: Random) -> Row:
    """What the episodes of a spell have in common, as a rule."""
    admitted, discharged = _stay(rng)
    row: Row = {
        name: often(rng, values[0], [*values, None, "?"], 0.01)
        for name, values in CODE_VALUES.items()
    }
    row["admission_method"] = often(rng, rng.choice(METHODS[:-1]), METHODS, 0.05)
    row["patient_classification"] = rng.choice(CLASSES[:3])
    row["admission_source"] = rng.choice(PLACES[:3])
    row["discharge_destination"] = rng.choice(PLACES[:3])
    return row | {
        "patient_id": rng.choice(["P1", "P1", "P2", "P3", None]),
        "age": often(rng, rng.choice(NUMBER_VALUES["age"][:8]), NUMBER_VALUES["age"], 0.03),
        "admission_date": admitted,
        "discharge_date": discharged,
        "site": rng.choice(["S1", "S2", None]),
        "commissioner": rng.choice(["C1", "C2"]),
        "admission_time": rng.choice([None, 0, 600]),
        "discharge_time": rng.choice([None, 0, 700]),
    }


def _episode_values(rng: Random, hrgs: Sequence[str]) -> Row:
    row: Row = {
        name: _blank(rng, often(rng, rng.choice(values[:5]), values, 0.02), 0.05)
        for name, values in NUMBER_VALUES.items()
        if name != "age" or rng.random() < 0.1
    }
    if rng.random() < 0.15:
        row |= {"episode_duration": None, "episode_start_date": None, "episode_end_date": None}
    for number in ("01", "02", "03", "10"):
        pool = DIAGNOSES if rng.random() < 0.8 else CODED_DIAGNOSES
        if number == "01":
            usual = rng.choice(DIAGNOSES[:12])
            row["diag_01"] = often(rng, usual, [*CODED_DIAGNOSES, None], 0.1)
        else:
            row[f"diag_{number}"] = rng.choice([None, *pool])
    for number in ("01", "02", "03"):
        pool = PROCEDURES if rng.random() < 0.8 else CODED_PROCEDURES
        row[f"oper_{number}"] = rng.choice([None, "", *pool]) if rng.random() < 0.6 else None
        row[f"oper_date_{number}"] = rng.choice([None, date(2022, 9, 1), date(2022, 9, 2)])
    start, end = _stay(rng) if rng.random() < 0.3 else (None, None)
    row = {"episode_start_date": start, "episode_end_date": end} | row
    row["birth_weight"] = rng.choice([None, 500])
    if rng.random() < 0.6:
        row |= {
            "billed_hrg": rng.choice([None, "QQ99Z", "aa01a", *hrgs]),
            "billed_point_of_delivery": rng.choice([None, "NEL", "EL"]),
            "billed_price": rng.choice([None, 0, 105, 10_050, 250_199]),
            "billed_mff": rng.choice([None, 10**9, 1_100_000_000, 1_000_000_001]),
            "billed_mff_amount": rng.choice([None, None, 7, 0]),
            "billed_excess_days": rng.choice([None, 0, 2]),
            "billed_total": rng.choice([None, None, 0, 500, 110_000]),
            "activity_month": rng.choice(["2022-09", "2023-02", None]),
            "statement": rng.choice(["flex", "freeze", None]),
        }
    return row


def random_rows(rng: Random, fields: frozenset[str], hrgs: Sequence[str], spells: int) -> list[Row]:
    """Episodes of some spells in canonical columns, with copies, near copies and noise."""
    rows: list[Row] = []
    for _ in range(spells):
        key = {
            "provider": rng.choice(PROVIDERS),
            "spell_id": rng.choice("1S9sé") + str(rng.randint(1, 3 * spells)),
        }
        shared = _spell_values(rng)
        for order in range(1, rng.choice([1, 1, 1, 2, 3]) + 1):
            row = shared | _episode_values(rng, hrgs) | key
            row["episode_order"] = often(rng, order, [1, 2, 0, 98, None], 0.05)
            if rng.random() < 0.05:
                row[rng.choice(sorted(shared))] = None
            rows.append(row)
    for row in list(rows):
        if rng.random() < 0.1:
            again = dict(row)
            if rng.random() < 0.4:
                other = rng.choice(rows)
                name = rng.choice(sorted(row.keys() - {"provider", "spell_id"}))
                again[name] = other.get(name)
            rows.insert(rng.randint(0, len(rows)), again)
    return [{name: row.get(name) for name in fields} for row in rows]


# ---------------------------------------------------------------- wide spells

MOST_EPISODES, MOST_CODES = 30, 99
IN_ORDER: Row = {name: values[0] for name, values in CODE_VALUES.items()}


def _wide_codes(rng: Random, family: str, pool: Sequence[str], count: int) -> Row:
    """So many codes of a pool, with a blank or a code that is not valid among them."""
    return {
        f"{family}_{place:02}": often(rng, rng.choice(pool), [None, "Q999"], 0.02)
        for place in range(1, count + 1)
    }


def wide_rows(
    rng: Random,
    primaries: Sequence[str],
    diagnoses: Sequence[str],
    procedures: Sequence[str],
    spells: int,
) -> list[Row]:
    """Spells of up to 30 episodes of up to 99 codes each; few are in error, so that they group."""
    rows: list[Row] = []
    for number in range(spells):
        shared = IN_ORDER | {
            "provider": "R1A",
            "spell_id": f"W{number}",
            "age": rng.choice([0, 5, 18, 19, 40, 90]),
            "admission_source": rng.choice(PLACES[:3]),
            "patient_classification": rng.choice(CLASSES[:2]),
            "discharge_date": rng.choice(DAYS),
        }
        for order in range(1, often(rng, rng.randint(1, 4), [MOST_EPISODES], 0.3) + 1):
            row = shared | _wide_codes(rng, "diag", diagnoses, rng.choice([1, 12, MOST_CODES]))
            row |= _wide_codes(rng, "oper", procedures, rng.choice([0, 0, 12, MOST_CODES]))
            row["diag_01"] = rng.choice(primaries)
            row["episode_order"] = order
            row["episode_duration"] = rng.choice([0, 0, 1, 2, 9])
            row["critical_care_days"] = rng.choice([0, 0, 1])
            if rng.random() < 0.002:
                row[rng.choice(["sex", "age", "diag_01"])] = None
            rows.append(row)
    fields = {name for row in rows for name in row}
    return [{name: row.get(name) for name in fields} for row in rows]


def all_hrgs(packs: PackSet) -> list[str]:
    """HRGs that an episode may be billed at."""
    hrgs = {h for pack in packs.by_kind("splits") for h in hrgs_of(pack)}
    return [*sorted(hrgs), "UZ01Z", "XX99Z"]


def pounds(units: int, scale: int) -> Decimal:
    """A number of units as a rule writes it."""
    return Decimal(units) / Decimal(scale)
