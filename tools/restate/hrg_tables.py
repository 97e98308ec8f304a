"""Restate the HRG labels, the splits that follow from them, and the complication lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

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


def labels_by_list(data: Reference) -> dict[str, dict[str, str]]:
    """Return HRG -> label of each label design, oldest first.

    The 2017-19 and 2022/23 lists print their labels. The 2024/25 list prints codes only: its
    labels are those of the HRG directory.
    """
    directory = _directory(data)[2]
    printed_2017 = data.rows(prices.FINAL_2017_19)
    printed_2022 = data.rows(prices.FINAL_2022_23)
    return {
        "2017-19": {row["hrg"]: _plain(row["hrg_name"]) for row in printed_2017},
        "2022-23": {row["hrg"]: _plain(row["hrg_name"]) for row in printed_2022},
        "2024-25": {
            row["hrg"]: directory[row["hrg"]] for row in data.rows(prices.PRICES_2024_25)
        },
    }


def label_tables(data: Reference) -> list[Table]:
    """Return the labels of every HRG with a price in a shipped list, and the chapter titles."""
    chapters, subchapters, directory = _directory(data)
    labels: dict[str, str] = {}
    for design in labels_by_list(data).values():  # the newest list that has an HRG comes last
        labels.update(design)
    for row in data.rows(prices.SUBSET_2025_26):
        labels.setdefault(row["hrg"], directory[row["hrg"]])
    if unknown := sorted({hrg[:2] for hrg in labels} - subchapters.keys()):
        raise RestateError(f"{DIRECTORY}: no title for the subchapters {unknown}")
    return [
        make_table("hrg/labels/labels.csv", ("hrg", "label"), labels.items(), expect=2664),
        make_table(
            "hrg/labels/chapters.csv", ("chapter", "title"), chapters.items(), expect=22
        ),
        make_table(
            "hrg/labels/subchapters.csv", ("subchapter", "title"), subchapters.items(), expect=98
        ),
    ]


def split_row(hrg: str, split: Split) -> tuple[str, ...]:
    """Return one row of a splits table; blank where a side is open."""
    bounds = ("" if bound is None else str(bound) for bound in split.bounds)
    return (hrg, root_of(hrg), *bounds, " ".join(split.conditions))


def _splits_table(pack: str, labels: Mapping[str, str], expect: int) -> Table:
    splits = parse_labels(labels)
    rows = [split_row(hrg, splits[hrg]) for hrg in table_order(splits)]
    if len({row[1:] for row in rows}) != len(rows):
        raise RestateError(f"{pack}: two HRGs of a root with the same bounds and condition")
    return make_table(
        f"hrg/{pack}/splits.csv", SPLIT_COLUMNS, rows, expect=expect, ordered=True
    )


def split_tables(data: Reference) -> list[Table]:
    """Return the splits of the three HRG designs, read from the labels of each."""
    labels = labels_by_list(data)
    return [
        _splits_table("splits-2017-19", labels["2017-19"], 2303),
        _splits_table("splits-2022-23", labels["2022-23"], 2371),
        _splits_table("splits-2024-25", labels["2024-25"], 2405),
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
    return make_table(
        "hrg/cc-2024-25/members.csv", ("code", "subchapters"), rows, expect=5984
    )
