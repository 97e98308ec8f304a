"""Each fact of the 53 published CC lists, and each code that is in none, put to the engine.

A neutral record of a subchapter is grouped once as it is and once for each diagnosis added to it.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from tariff.reference.tables import side_table
from tariff.reference.values import Value
from tests.conftest import reference_folder
from tests.engine.extracts import shipped
from tests.engine.grouped import USUAL, columns_batch, group, record, spells_of

pytestmark = pytest.mark.reference_data

FACTS, LISTS = 102_205, 53

# Of each subchapter a record whose root is split by CC score: diagnosis, procedure, age.
CARE = "Z488"  # surgical follow-up care
NEUTRAL: dict[str, tuple[str, str, int]] = {
    "AA": ("A171", "", 40), "BZ": (CARE, "C011", 40), "CA": (CARE, "E191", 40),
    "CB": ("B002", "", 40), "DZ": (CARE, "B171", 40), "EB": ("B376", "", 40),
    "EC": (CARE, "K041", 40), "EY": (CARE, "K165", 40), "FD": ("A000", "", 40),
    "FE": (CARE, "G121", 40), "FF": (CARE, "A271", 40), "GA": (CARE, "J021", 40),
    "GB": (CARE, "J381", 40), "GC": ("B150", "", 40), "HC": (CARE, "A441", 40),
    "HD": ("C401", "", 40), "HE": ("M960", "", 40), "HN": (CARE, "A591", 40),
    "HT": ("S720", "W461", 40), "JA": (CARE, "B271", 40), "JD": ("A46X", "", 40),
    "KA": (CARE, "B081", 40), "KB": ("E15X", "", 40), "KC": ("E700", "", 40),
    "LA": ("I120", "", 40), "LB": (CARE, "M011", 40), "MA": (CARE, "P011", 40),
    "MB": ("C510", "", 40), "PB": ("P000", "", 0), "PC": ("H600", "", 10),
    "PD": ("A370", "", 10), "PE": ("I00X", "", 10), "PF": ("A000", "", 10),
    "PG": ("B150", "", 10), "PH": ("M000", "", 10), "PJ": ("A46X", "", 10),
    "PK": ("E000", "", 10), "PL": ("I131", "", 10), "PM": ("C001", "", 10),
    "PN": ("D512", "", 10), "PP": ("A710", "", 10), "PQ": ("B200", "", 10),
    "PR": ("G110", "", 10), "PV": ("S134", "", 10), "PW": ("A155", "", 10),
    "PX": ("E40X", "", 10), "SA": ("C810", "", 40), "WH": (CARE, "T853", 40),
    "WJ": ("A011", "", 40), "YF": (CARE, "T451", 40), "YG": (CARE, "J122", 40),
    "YQ": (CARE, "L161", 40), "YR": (CARE, "J061", 40),
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What the engine says of a neutral record to which a diagnosis was added."""

    subchapter: str
    code: str
    root: str | None
    flag: str
    score: int | None
    category: str | None


def grouped(facts: Iterable[tuple[str, str]]) -> list[Found]:
    """Group the neutral record of a subchapter with a code added, for each pair of both."""
    pairs = list(facts)
    count = len(pairs)
    columns: dict[str, list[Value]] = {name: [value] * count for name, value in USUAL.items()}
    columns["spell_id"] = [f"{number:07}" for number in range(count)]
    columns["diag_01"] = [NEUTRAL[subchapter][0] for subchapter, _ in pairs]
    columns["oper_01"] = [NEUTRAL[subchapter][1] or None for subchapter, _ in pairs]
    columns["age"] = [NEUTRAL[subchapter][2] for subchapter, _ in pairs]
    columns["diag_02"] = [code or None for _, code in pairs]
    columns["episode_duration"] = [1] * count  # within the stay of the roots of short stays
    table = spells_of(columns_batch(columns))
    names = ("hrg", "grouping_flag", "cc_score", "error_category")
    cells = (table[name].to_pylist() for name in names)
    return [
        Found(subchapter, code, hrg and hrg[:4], flag, score, category)
        for (subchapter, code), hrg, flag, score, category in zip(pairs, *cells, strict=True)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def lists() -> dict[str, frozenset[str]]:
    """The codes of each list as published."""
    folder = reference_folder() / "cc_lists_2425"
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}")
    found = {}
    for path in sorted(folder.glob("*_cc_list.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            found[path.name[:2]] = frozenset(row[0] for row in csv.reader(handle))
    return found


@pytest.fixture(scope="module")
def alone(lists: dict[str, frozenset[str]]) -> dict[str, Found]:
    """Each neutral record with nothing added."""
    return {each.subchapter: each for each in grouped((name, "") for name in lists)}


@pytest.fixture(scope="module")
def listed(lists: dict[str, frozenset[str]]) -> list[Found]:
    """Every fact: a code of a list added to the neutral record of its subchapter."""
    return grouped((name, code) for name, codes in lists.items() for code in sorted(codes))


@pytest.fixture(scope="module")
def unlisted(lists: dict[str, frozenset[str]]) -> list[Found]:
    """Every code of the ICD-10 list added where it is in no list: all of them, not a sample."""
    codes = shipped().packs.by_id("icd10-5").tables["codes"].columns["code"]
    every = [code + "X" * (len(code) == 3) for code in codes]
    return grouped(
        (name, code) for name, held in lists.items() for code in every if code not in held
    )


def kind(found: Found, alone: dict[str, Found]) -> str:
    """What a code did to the root: kept it, or the reason for which it moved."""
    if found.category is not None:
        return found.category
    if found.flag != alone[found.subchapter].flag:
        return found.flag
    return "kept" if found.root == alone[found.subchapter].root else f"to {found.root}"


def test_the_neutral_records_stand_in_their_subchapter_without_a_score(
    lists: dict[str, frozenset[str]], alone: dict[str, Found]
) -> None:
    assert lists.keys() == NEUTRAL.keys()
    assert (len(lists), sum(map(len, lists.values()))) == (LISTS, FACTS)
    assert [
        name for name, each in alone.items() if each.root is None or each.root[:2] != name
    ] == []
    assert {each.score for each in alone.values()} == {0}


def test_a_listed_code_raises_the_score_by_its_own_and_keeps_the_root(
    alone: dict[str, Found], listed: list[Found]
) -> None:
    """But for three injuries beside the hip fracture of HT: those are multiple trauma."""
    assert Counter(kind(each, alone) for each in listed) == {"kept": FACTS - 3, "M": 3}
    assert Counter(each.score for each in listed if each.flag != "M") == {1: FACTS - 3}
    assert {each.subchapter for each in listed if each.flag == "M"} == {"HT"}


def test_a_code_in_no_list_raises_nothing(alone: dict[str, Found], unlisted: list[Found]) -> None:
    assert {each.score for each in unlisted if kind(each, alone) == "kept"} == {0}


def test_a_code_in_no_list_moves_the_root_for_a_reason_only(
    alone: dict[str, Found], unlisted: list[Found]
) -> None:
    """Burns ask for the code of their area; another site makes HT multiple trauma."""
    assert len(unlisted) == 477_414
    moved = Counter(kind(each, alone) for each in unlisted)
    assert moved.pop("kept") == 473_523
    assert moved == {"UZ15": 64 * LISTS, "M": 348, "to WH50": 150, "to DZ51": 1}
    codes = {
        reason: {each.code for each in unlisted if kind(each, alone) == reason} for reason in moved
    }
    assert {code[:2] for code in codes["UZ15"]} == {"T2", "T3"}
    assert {code[0] for code in codes["M"]} <= {"S", "T"}
    assert codes["to WH50"] == {"Z530", "Z531", "Z532", "Z538", "Z539"}  # not carried out
    assert codes["to DZ51"] == {"U843"}  # tuberculosis that resists


def test_a_burn_with_the_code_of_its_area_is_grouped_as_one() -> None:
    burns = side_table(shipped().packs.by_id("injuries-reconstructed"), "burn_diagnoses")
    spells = group([[record(f"A000 {row['code']} T310")] for row in burns])
    flags = {row["code"]: found["grouping_flag"] for row, found in zip(burns, spells, strict=True)}
    assert flags == {row["code"]: "B" if row["deep"] else "D" for row in burns}
