"""Tiny packs in which every rule of grouping can be told by one small spell."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa

from tariff.engine.run import Options, Run, check
from tariff.explain.page import plain
from tariff.explain.spell import spell_page
from tariff.extract import from_arrow
from tariff.packs.compile import Rulebook
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import (
    CcListsPack,
    Code,
    CodeSet,
    CodesPack,
    FifthCharacters,
    GrouperPack,
    InjuriesPack,
    LabelsPack,
    MffPack,
    PodPack,
    RootsPack,
    ServicesPack,
    SplitsPack,
)
from tests.differential.strategies import loaded
from tests.reference.tiny_packs import CSV, FIELD_VALUES, GROUPS, about, codes, tariff

ICD = (
    "A010 A011 A0110 B200 I10 I10X I500 M190 P070 S020 S022 S410 T140 T201 T203 T300 T310 W19 Z490"
)
OPCS = "A101 A579 B101 C101 E101 K451 R171 U051 W191 X403 X701 Y531 Y981 Z941"
SPLITS = (  # hrg, root, then bounds by name
    {"hrg": "AA01A", "root": "AA01", "cc_min": "2"},
    {"hrg": "AA01B", "root": "AA01", "cc_max": "1"},
    {"hrg": "AA02Z", "root": "AA02"},
    {"hrg": "AA03A", "root": "AA03", "interventions_min": "1"},
    {"hrg": "AA03B", "root": "AA03", "interventions_max": "0"},
    {"hrg": "AB01Z", "root": "AB01"},
    {"hrg": "AC01Z", "root": "AC01"},
    {"hrg": "JB40A", "root": "JB40", "diagnosis_score_min": "5", "interventions_min": "1"},
    {"hrg": "JB41Z", "root": "JB41", "diagnosis_score_min": "1"},
    {"hrg": "LA97Z", "root": "LA97"},
    {"hrg": "VA10A", "root": "VA10", "diagnosis_score_min": "24", "interventions_max": "0"},
    {"hrg": "VA10B", "root": "VA10", "diagnosis_score_max": "23", "interventions_max": "0"},
    {"hrg": "VA11A", "root": "VA11", "diagnosis_score_min": "24", "interventions_min": "1"},
)
REDIRECTS = (
    {"root": "AA02", "procedures": "R17 + Z94", "to": "AC01", "doubt": "yes",
     "note": "revision as labelled"},
    {"root": "AC01", "driver": "A10", "no_procedures": "@hips", "diagnoses": "I10 I50",
     "age_min": "70", "to": "AA03"},
    {"root": "AA03", "primary": "T", "to": "AB01"},
)  # fmt: skip


def rows_of(text: str, *names: str) -> list[dict[str, str]]:
    """Rows of space separated cells, themselves separated by commas."""
    return [dict(zip(names, cell.split(), strict=False)) for cell in text.split(",")]


def grouping_packs() -> list[LoadedPack]:
    root_names = ("code", "root", "rank", "doubt", "note")
    return [
        loaded(
            CodesPack(
                **about("icd10", "codes"),
                classification="icd10",
                codes=CSV,
                filler="X",
                never_primary=CodeSet(prefixes=codes("W")),
                vague_primary=CodeSet(codes=codes("T140")),
                child_primary=CodeSet(prefixes=codes("P"), max_age=18),
                vague_burn=CodeSet(codes=codes("T300")),
                fifth_characters=[FifthCharacters(categories=codes("M19"), allowed=Code("01"))],
            ),
            codes=rows_of(ICD.replace(" ", ","), "code"),
        ),
        loaded(
            CodesPack(
                **about("opcs4", "codes"),
                classification="opcs4",
                codes=CSV,
                never_dominant=CodeSet(prefixes=codes("Y", "Z")),
                vague_dominant=CodeSet(codes=codes("A579")),
            ),
            codes=rows_of(OPCS.replace(" ", ","), "code"),
        ),
        loaded(SplitsPack(**about("splits", "splits"), splits=CSV), splits=list(SPLITS)),
        loaded(
            RootsPack(
                **about("roots", "roots"),
                diagnoses=CSV,
                procedures=CSV,
                redirects=CSV,
                lists=CSV,
                short_stay=CSV,
            ),
            diagnoses=rows_of("A AA01 3,M AA01 2,S AA01 2,T AA01 2,I AA01 1,Z AA01 0", *root_names),
            procedures=rows_of(
                "A10 AA02 5,A57 AA02 4,B10 AB01 9,C10 AA02 0,E10 AA03 5,Y98 AA03 8", *root_names
            ),
            redirects=list(REDIRECTS),
            lists=rows_of("hips W19", "list", "code"),
            short_stay=rows_of("AB01 scopes", "root", "note"),
        ),
        loaded(
            CcListsPack(**about("cc", "cc_lists"), members=CSV, scores=CSV),
            members=[{"code": c, "subchapters": "AA"} for c in ("B200", "I10X", "A011")],
            scores=rows_of("I500 AA 3", "code", "subchapter", "score"),
        ),
        loaded(
            InjuriesPack(
                **about("injuries", "injuries"),
                trauma_diagnoses=CSV,
                trauma_procedures=CSV,
                burn_diagnoses=CSV,
                burn_areas=CSV,
                burn_procedures=CSV,
                trauma_roots=codes("VA10", "VA11"),
                burn_roots=codes("JB40", "JB41"),
            ),
            trauma_diagnoses=rows_of("S02 head 17,S022 head 5,S41 upper_limb 9", "code", "site",
                                     "score"),
            trauma_procedures=rows_of("W19 6", "code", "score"),
            burn_diagnoses=rows_of("T201 no 0,T203 yes 4,T300 no 1", "code", "deep", "score"),
            burn_areas=rows_of("T31 2", "code", "score"),
            burn_procedures=rows_of("C10 2", "code", "score"),
        ),
        loaded(
            ServicesPack(
                **about("services", "services"),
                unbundled=CSV,
                unbundled_ages=CSV,
                services=CSV,
                same_day=CSV,
                same_day_classifications=codes("2", "3"),
                by_rehabilitation_day=codes("VC04Z"),
                palliative_hrg=Code("SD01A"),
            ),
            unbundled=[
                {"code": "U05", "with_codes": "Y98", "hrg": "RD02A"},
                {"code": "U05", "hrg": "RD01A", "doubt": "yes", "note": "contrast not stated"},
                {"code": "R17", "hrg": "VC04Z"},
            ],
            unbundled_ages=[{"hrg": "RD01A", "age_max": "18", "to": "RD01B"}],
            services=rows_of("dialysis X40,chemotherapy X70,ignored Z", "service", "code"),
            same_day=rows_of("dialysis LA97", "service", "root"),
        ),
        loaded(FIELD_VALUES),
        loaded(
            GrouperPack(
                **about("grouper", "grouper"),
                splits="splits",
                roots="roots",
                cc_lists="cc",
                codes=["icd10", "opcs4"],
                field_values="fields",
                injuries="injuries",
                services="services",
                intervention_chapters_excluded=codes("U", "X", "Y", "Z"),
                only_never_dominant="error",
            )
        ),
    ]  # fmt: skip


@cache
def tiny_rulebook() -> Rulebook:
    """The tiny packs, compiled once."""
    prices = [{"hrg": s["hrg"], "combined": "100", "non_elective": "100"} for s in SPLITS]
    mff = MffPack(**about("mff", "mff"), factors=CSV, providers=CSV)
    labels = LabelsPack(**about("labels", "labels"), labels=CSV, chapters=CSV, subchapters=CSV)
    return Rulebook(
        PackSet(
            (
                *grouping_packs(),
                loaded(tariff().manifest, prices=prices),
                loaded(
                    mff,
                    factors=rows_of("R1A 2022/23 1.1", "provider", "year", "mff"),
                    providers=rows_of("R1A Tiny", "provider", "name"),
                ),
                loaded(PodPack(**about("pods", "points_of_delivery"), groups=GROUPS)),
                loaded(
                    labels,
                    labels=[{"hrg": "RD01A", "label": "A scan"}],
                    chapters=[{"chapter": "A", "title": "Letters"}],
                    subchapters=[{"subchapter": "AA", "title": "First letters"}],
                ),
            )
        )
    )


VALUES = {
    "provider": "R1A",
    "spell_id": "S1",
    "episode_order": 1,
    "age": 40,
    "sex": "1",
    "patient_classification": "1",
    "admission_method": "21",
    "admission_source": "19",
    "discharge_destination": "19",
    "episode_duration": 3,
    "critical_care_days": 0,
    "rehabilitation_days": 0,
    "palliative_care_days": 0,
}


def tiny_run(*episodes: tuple[str, str, dict[str, Any]]) -> Run:
    """Run episodes of one spell: diagnoses, procedures (space separated), other values."""
    rows = []
    for order, (diagnoses, procedures, values) in enumerate(episodes, 1):
        row: dict[str, Any] = VALUES | {"episode_order": order} | values
        for prefix, words in (("diag", diagnoses.split()), ("oper", procedures.split())):
            words += [""] * (5 - len(words))
            row |= {f"{prefix}_{i:02}": code or None for i, code in enumerate(words, 1)}
        rows.append(row)
    extract = from_arrow(pa.Table.from_pylist(rows))
    return check(extract, Options(rules=False), rulebook=tiny_rulebook(), keep=True)


def tell(*episodes: tuple[str, str, dict[str, Any]]) -> str:
    """The page of the one spell of some episodes."""
    return plain(spell_page(tiny_run(*episodes), Options(rules=False), "S1"))


def tell_one(diagnoses: str, procedures: str = "", **values: Any) -> str:
    """The page of a spell of one episode."""
    return tell((diagnoses, procedures, values))
