"""Restate what records are looked up in, prices apart.

The HRG labels and the splits that follow from them, the complication lists, the market forces
factors by provider and year, and the lists of valid codes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from restate import prices
from restate.label_parser import Split, parse_labels, root_of, table_order
from restate.tables import Reference, RestateError, Table, make_table

SPLIT_COLUMNS = (
    "hrg",
    "root",
    "cc_min",
    "cc_max",
    "age_min",
    "age_max",
    "interventions_min",
    "interventions_max",
    "stay_min",
    "stay_max",
    "diagnosis_score_min",
    "diagnosis_score_max",
    "condition",
)

DIRECTORY = "nhp/hrgs.json"
HISTORY = "mff/mff_history.csv"
COMPLICATION_LISTS = "cc_lists_2425"
_COMPLICATION_FILE = re.compile(r"([A-Z]{2})_\d+_cc_list\.csv")


def _directory(data: Reference) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return the titles of chapters, of subchapters, and the label of every HRG."""
    chapters: dict[str, str] = {}
    subchapters: dict[str, str] = {}
    labels: dict[str, str] = {}
    tree = json.loads(data.path(DIRECTORY).read_text(encoding="utf-8"))
    for chapter, node in tree.items():
        chapters[chapter] = _plain(node["description"])
        for letter, branch in node["subchapters"].items():
            subchapters[chapter + letter] = _plain(branch["description"])
            for hrg, label in branch["hrgs"].items():
                labels[hrg] = _plain(label)
    return chapters, subchapters, labels


def _plain(text: str) -> str:
    """Return a title with single blanks and none around it."""
    return " ".join(text.split())


@cache
def labels_by_list(data: Reference) -> dict[str, dict[str, str]]:
    """Return HRG -> label of each label design, oldest first.

    The lists of 2016/17, 2017-19 and 2022/23 print their labels. The 2024/25 list prints codes
    only: its labels are those of the HRG directory.
    """
    directory = _directory(data)[2]
    printed_2016 = prices.imported(data, *prices.WORKBOOKS[0][::2])
    labels_2016 = {row["code"]: row["name"] for row in printed_2016["names"]}
    printed_2017 = data.rows(prices.FINAL_2017_19)
    printed_2022 = data.rows(prices.FINAL_2022_23)
    return {
        "2016-17": {row["hrg"]: labels_2016[row["hrg"]] for row in printed_2016["prices"]},
        "2017-19": {row["hrg"]: _plain(row["hrg_name"]) for row in printed_2017},
        "2022-23": {row["hrg"]: _plain(row["hrg_name"]) for row in printed_2022},
        "2024-25": {row["hrg"]: directory[row["hrg"]] for row in data.rows(prices.PRICES_2024_25)},
    }


# Roots of the newest design that no price list has: the care is paid for in another way.
_UNPRICED = {
    "DZ": "13 33",
    "ED": "01 05 06 09",
    "GA": "14 15 16",
    "JB": "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 60 61 70 71",
    "LA": "01 02 03 10 11 12 13 14",
    "LB": "46",
    "MC": "07 08 09 10 11 12 13 14 15 20 21",
    "NZ": "16 17 18 19 20 21 22 24 25 26 27 71 72",
    "PD": "13",
    "SA": "19 20 21 22 23 26 27 38 39 40",
    "WD": "01 02 03 04 05 06 07 08 09",
    "WH": "01 21 22 23 50",
}


def unpriced_labels(data: Reference, design: str) -> dict[str, str]:
    """Return HRG -> label of the HRGs that a list leaves out, in their newest generation.

    Where the directory has a root both whole (Z) and split, the split one is the newer. Mental
    health was split by age alone until 2018/19.
    """
    roots = {sub + number for sub, all_ in _UNPRICED.items() for number in all_.split()}
    roots -= {hrg[:4] for hrg in labels_by_list(data)[design]}
    if design == "2017-19":
        roots = {root for root in roots if not root.startswith("WD")}
    named = {hrg: label for hrg, label in _directory(data)[2].items() if hrg[:4] in roots}
    split = {hrg[:4] for hrg in named if not hrg.endswith("Z")}
    return {h: label for h, label in named.items() if not (h.endswith("Z") and h[:4] in split)}


def label_tables(data: Reference) -> list[Table]:
    """Return the labels of every HRG with a price in a shipped list, and the chapter titles."""
    chapters, subchapters, directory = _directory(data)
    labels: dict[str, str] = {}
    for design in labels_by_list(data).values():  # the newest list that has an HRG comes last
        labels.update(design)
    for row in data.rows(prices.SUBSET_2025_26):
        labels.setdefault(row["hrg"], directory[row["hrg"]])
    for hrg, label in unpriced_labels(data, "2024-25").items():
        labels.setdefault(hrg, label)
    if unknown := sorted({hrg[:2] for hrg in labels} - subchapters.keys()):
        raise RestateError(f"{DIRECTORY}: no title for the subchapters {unknown}")
    return [
        make_table("hrg/labels/labels.csv", ("hrg", "label"), labels.items(), expect=3918),
        make_table("hrg/labels/chapters.csv", ("chapter", "title"), chapters.items(), expect=22),
        make_table(
            "hrg/labels/subchapters.csv", ("subchapter", "title"), subchapters.items(), expect=98
        ),
    ]


def split_row(hrg: str, split: Split) -> tuple[str, ...]:
    """Return one row of a splits table; blank where a side is open."""
    bounds = ("" if bound is None else str(bound) for bound in split.bounds)
    return (hrg, root_of(hrg), *bounds, " ".join(split.conditions))


def _splits_table(pack: str, labels: Mapping[str, str], expect: int, name: str = "splits") -> Table:
    splits = parse_labels(labels)
    rows = [split_row(hrg, splits[hrg]) for hrg in table_order(splits)]
    if len({row[1:] for row in rows}) != len(rows):
        raise RestateError(f"{pack}: two HRGs of a root with the same bounds and condition")
    return make_table(f"hrg/{pack}/{name}.csv", SPLIT_COLUMNS, rows, expect=expect, ordered=True)


def split_tables(data: Reference) -> list[Table]:
    """Return the splits of the three HRG designs, read from the labels of each."""
    labels = labels_by_list(data)
    return [
        _splits_table("splits-2017-19", labels["2017-19"], 2303),
        _splits_table("splits-2022-23", labels["2022-23"], 2371),
        _splits_table("splits-2024-25", labels["2024-25"], 2405),
        *(
            _splits_table(f"splits-{design}", unpriced_labels(data, design), expect, "unpriced")
            for design, expect in (("2017-19", 127), ("2022-23", 136), ("2024-25", 136))
        ),
    ]


def complication_table(data: Reference) -> Table:
    """Return every ICD-10 code that is on a complication list, with its subchapters.

    A list file has no header; its first column is the code. The second counts the probe records
    in which the code showed an effect: it is no score, and is left out.
    """
    subchapters: dict[str, set[str]] = {}
    lists = 0
    for path in sorted((data.folder / COMPLICATION_LISTS).glob("*.csv")):
        named = _COMPLICATION_FILE.fullmatch(path.name)
        if named is None:
            raise RestateError(f"{COMPLICATION_LISTS}: unexpected file {path.name}")
        lists += 1
        for line in data.lines(f"{COMPLICATION_LISTS}/{path.name}"):
            subchapters.setdefault(line.split(",")[0].strip(), set()).add(named[1])
    if lists != 53:
        raise RestateError(f"{COMPLICATION_LISTS}: {lists} lists where 53 were expected")
    rows = [(code, " ".join(sorted(where))) for code, where in subchapters.items()]
    return make_table("hrg/cc-2024-25/members.csv", ("code", "subchapters"), rows, expect=5984)


# Tariff year -> column of the history, and the year's own table with its column. The history
# alone has 2015/16. Its interpolated columns are computed, not published, and are left out.
_YEARS: tuple[tuple[str, str, str, str], ...] = (
    ("2015/16", "2015/16", "", ""),
    ("2016/17", "2016/17", "ntps-1617/mff.csv", "payment_index"),
    ("2017/18", "2017/18 and 2018/19", "ntps-1719/annex-b1/mff.csv", "payment_index"),
    ("2018/19", "2017/18 and 2018/19", "ntps-1719/annex-b1/mff.csv", "payment_index"),
    ("2022/23", "2022/23", "ntps-2223/mff_2022_23_and_2023_24.csv", "mff_2022_23"),
    ("2023/24", "2023/24", "ntps-2223/mff_2022_23_and_2023_24.csv", "mff_2023_24"),
    ("2026/27", "2026/27", "mff-2627/nhse_provider_mff_2627.csv", "mff_factor"),
)

# Names, the newest table first.
_NAMES = (
    "mff-2627/nhse_provider_mff_2627.csv",
    "ntps-2223/mff_2022_23_and_2023_24.csv",
    HISTORY,
)


def _year(data: Reference, history_column: str, name: str, column: str) -> dict[str, str]:
    """Return provider -> factor of one year, the year's own table and the history agreeing."""
    history = {
        provider: row[history_column]
        for provider, row in data.keyed(HISTORY, "provider_code").items()
        if row[history_column]
    }
    if not name:
        return history
    own = {
        provider: row[column]
        for provider, row in data.keyed(name, "provider_code").items()
        if row[column]
    }
    if own.keys() != history.keys():
        raise RestateError(f"{name}: other providers than {HISTORY}")
    for provider, factor in own.items():
        if Decimal(factor) != Decimal(history[provider]):
            raise RestateError(f"{name}: {provider} {factor} but {history[provider]} in {HISTORY}")
    return own


def factor_tables(data: Reference) -> list[Table]:
    """Return the published factors by provider and year, and the providers' newest names."""
    factors: list[tuple[str, str, str]] = []
    for year, history_column, name, column in _YEARS:
        values = _year(data, history_column, name, column)
        factors.extend((provider, year, factor) for provider, factor in values.items())
    names: dict[str, str] = {}
    for name in _NAMES:
        for row in data.rows(name):
            names.setdefault(row["provider_code"], row["provider_name"])
    if missing := sorted({provider for provider, _, _ in factors} - names.keys()):
        raise RestateError(f"no name for the providers {missing}")
    return [
        make_table(
            "mff/mff-england/factors.csv",
            ("provider", "year", "mff"),
            factors,
            expect=1582,
            key=2,
        ),
        make_table(
            "mff/mff-england/providers.csv",
            ("provider", "name"),
            names.items(),
            expect=243,
        ),
    ]


def code_tables(data: Reference) -> list[Table]:
    """Return the valid codes of the two clinical classifications."""
    lists = (
        ("icd10-5", "codes/icd10_5th_edition_4char.txt", 10607),
        ("opcs4", "codes/opcs4_codes.txt", 9881),
    )
    return [
        make_table(
            f"codes/{pack}/codes.csv", ("code",), ((c,) for c in data.lines(name)), expect=count
        )
        for pack, name, count in lists
    ]
