"""The restated national figures: counts, figures known by heart, and the way they were made."""

from __future__ import annotations

import csv
import importlib
import os
import sys
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = REPOSITORY / "rules"
TOOLS = REPOSITORY / "tools"

TARIFFS = {
    "ntps-2016-17": 1283,
    "ntps-2017-18": 2303,
    "ntps-2018-19": 2303,
    "ntps-2022-23": 2371,
    "nhsps-2024-25": 2405,
    "nhsps-2025-26-msk": 63,
}
SPLITS = {"splits-2017-19": 2303, "splits-2022-23": 2371, "splits-2024-25": 2405}
UNPRICED = {"splits-2017-19": 127, "splits-2022-23": 136, "splits-2024-25": 136}
NOT_ADMITTED = {
    "ntps-2016-17": 65, "ntps-2017-18": 120, "ntps-2018-19": 120, "ntps-2022-23": 121,
}  # fmt: skip
OF_WORKBOOKS = {  # rows of 2016/17, of each year of 2017/19, of 2022/23; 0: not printed
    "best_practice_prices": (321, 484, 489),
    "best_practice_hrgs": (143, 190, 152),
    "best_practice_flags": (43, 51, 3),
    "best_practice_codes": (314, 511, 118),
    "unbundled_list": (211, 278, 277),
    "deliveries": (19, 36, 36),
    "maternity": (8, 8, 13),
    "maternity_factors": (61, 63, 72),
    "other_prices": (133, 17, 81),
    "price_types": (0, 0, 3112),
    "no_price_hrgs": (275, 290, 350),
    "no_price_functions": (99, 99, 110),
    "service_rules": (45, 45, 47),
    "drugs": (363, 405, 431),
    "advanced_therapies": (0, 0, 39),
    "devices": (29, 29, 36),
    "listed_procedures": (5, 5, 5),
    "innovative_products": (0, 0, 11),
    "top_ups": (5, 32, 67),
    "top_up_codes": (7643, 0, 0),
    "top_up_providers": (90, 0, 0),
    "short_stay_bands": (0, 0, 4),
    "factors": (238, 237, 428),
    "names": (1823, 2933, 3085),
    "sheets": (27, 32, 33),
}
TABLES = {
    **{f"tariff/{pack}/prices.csv": count for pack, count in TARIFFS.items()},
    **{f"tariff/{pack}/attendances.csv": 56 for pack in NOT_ADMITTED},
    **{f"tariff/{pack}/emergency.csv": 12 for pack in NOT_ADMITTED},
    **{f"tariff/{pack}/unbundled.csv": count for pack, count in NOT_ADMITTED.items()},
    **{
        f"tariff/{pack}/{name}.csv": counts[place]
        for place, packs in enumerate(
            (("ntps-2016-17",), ("ntps-2017-18", "ntps-2018-19"), ("ntps-2022-23",))
        )
        for pack in packs
        for name, counts in OF_WORKBOOKS.items()
        if counts[place]
    },
    **{f"hrg/{pack}/splits.csv": count for pack, count in SPLITS.items()},
    **{f"hrg/{pack}/unpriced.csv": count for pack, count in UNPRICED.items()},
    "mff/mff-england/factors.csv": 1582,
    "mff/mff-england/providers.csv": 243,
    "hrg/labels/labels.csv": 3918,
    "hrg/labels/chapters.csv": 22,
    "hrg/labels/subchapters.csv": 98,
    "hrg/cc-2024-25/members.csv": 5984,
    "codes/icd10-5/codes.csv": 10607,
    "codes/opcs4/codes.csv": 9881,
}
PACKS = sorted(
    {str(Path(table).parent) for table in TABLES} | {"codes/grouper-fields", "pod/admitted"}
)

Row = dict[str, str]


def rows(name: str) -> list[Row]:
    with (RULES / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def design(pack: str) -> list[Row]:
    """The HRGs of a design: those of its price list, then those that the list leaves out."""
    return [*rows(f"hrg/{pack}/splits.csv"), *rows(f"hrg/{pack}/unpriced.csv")]


def keyed(name: str, key: str) -> dict[str, Row]:
    return {row[key]: row for row in rows(name)}


def manifest(pack: str) -> dict[str, Any]:
    """The manifest with every scalar as the text that is written in it."""
    text = (RULES / pack / "pack.yaml").read_text(encoding="utf-8")
    loaded = yaml.load(text, Loader=yaml.BaseLoader)
    assert isinstance(loaded, dict)
    return loaded


def tool(name: str) -> Any:
    if str(TOOLS) not in sys.path:
        sys.path.insert(0, str(TOOLS))
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def reference() -> Path:
    named = os.environ.get("TARIFF_REFERENCE_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder} (set TARIFF_REFERENCE_DATA)")
    return folder


# ---------------------------------------------------------------- the tables as shipped


@pytest.mark.parametrize(("table", "count"), TABLES.items())
def test_row_counts(table: str, count: int) -> None:
    assert len(rows(table)) == count


@pytest.mark.parametrize("table", TABLES)
def test_bytes_are_plain(table: str) -> None:
    data = (RULES / table).read_bytes()
    data.decode("utf-8")
    assert b"\r" not in data
    assert data.endswith(b"\n")
    assert not any(line != line.rstrip() for line in data.split(b"\n"))


@pytest.mark.parametrize(
    ("pack", "hrg", "figures"),
    [
        ("ntps-2017-18", "EB03A", {"non_elective": "5556", "non_elective_trim": "57"}),
        ("ntps-2017-18", "EB03A", {"per_day": "229", "short_stay": "yes"}),
        ("ntps-2017-18", "GA10K", {"combined": "", "day_case": "1909"}),
        ("ntps-2017-18", "GA10K", {"ordinary_elective": "1726", "elective_trim": "5"}),
        ("ntps-2017-18", "HN22E", {"combined": "5528", "elective_trim": "7"}),
        ("ntps-2017-18", "AA27Z", {"combined": "5282", "non_elective": "5507"}),
        ("ntps-2017-18", "AA50D", {"per_day": "436"}),
        ("ntps-2017-18", "AA53E", {"per_day": "436"}),
        ("ntps-2017-18", "UZ01Z", {"combined": "0", "non_elective": "0", "per_day": "0"}),
        ("ntps-2018-19", "AA27Z", {"combined": "5332", "short_stay_price": "1668"}),
        ("ntps-2018-19", "HN22E", {"combined": "5591"}),
        ("ntps-2018-19", "CA60A", {"day_case": "1090", "ordinary_elective": "982"}),
        ("ntps-2022-23", "AA22G", {"non_elective": "2499", "short_stay_price": "1124"}),
        ("ntps-2022-23", "AA22G", {"short_stay": "yes", "short_stay_percent": "45"}),
        ("ntps-2022-23", "AA23C", {"elective_trim": "216", "non_elective_trim": "81"}),
        ("ntps-2022-23", "LA97B", {"combined": "", "non_elective": ""}),
        ("nhsps-2024-25", "BZ34A", {"day_case": "927", "ordinary_elective": "1063"}),
        ("nhsps-2024-25", "HN12F", {"ordinary_elective": "7008", "short_stay": ""}),
        ("nhsps-2025-26-msk", "HN22E", {"combined": "7222", "non_elective": ""}),
    ],
)
def test_prices_known_by_heart(pack: str, hrg: str, figures: Row) -> None:
    row = keyed(f"tariff/{pack}/prices.csv", "hrg")[hrg]
    assert {column: row[column] for column in figures} == figures


@pytest.mark.parametrize("pack", TARIFFS)
def test_prices_are_whole_numbers_or_blank(pack: str) -> None:
    for row in rows(f"tariff/{pack}/prices.csv"):
        assert row.pop("short_stay") in {"yes", "no", ""}
        hrg = row.pop("hrg")
        assert all(value == "" or value.isdecimal() for value in row.values()), hrg


def test_short_stay_shares() -> None:
    def shares(pack: str) -> Counter[str]:
        listed = rows(f"tariff/{pack}/prices.csv")
        return Counter(row["short_stay_percent"] for row in listed if row["short_stay"] == "yes")

    assert shares("ntps-2017-18") == {"30": 549, "50": 96, "75": 47}
    assert shares("ntps-2018-19") == shares("ntps-2017-18")
    assert shares("ntps-2022-23") == {"20": 494, "45": 135, "65": 66}
    assert shares("nhsps-2024-25") == {}


def test_a_row_has_a_combined_price_or_separate_ones() -> None:
    for pack in TARIFFS:
        for row in rows(f"tariff/{pack}/prices.csv"):
            separate = row["day_case"] or row["ordinary_elective"]
            assert not (row["combined"] and separate), (pack, row["hrg"])


def test_borrowed_figures_are_those_of_the_older_list() -> None:
    older = keyed("tariff/ntps-2022-23/prices.csv", "hrg")
    borrowed = manifest("tariff/nhsps-2024-25")["borrowed"]
    assert borrowed["from"] == "ntps-2022-23"
    without = 0
    for row in rows("tariff/nhsps-2024-25/prices.csv"):
        source = older.get(row["hrg"])
        without += source is None
        for column in borrowed["columns"]:
            assert row[column] == (source[column] if source else ""), row["hrg"]
    assert without == 36


def test_market_forces_factors() -> None:
    factors = {
        (row["provider"], row["year"]): row["mff"] for row in rows("mff/mff-england/factors.csv")
    }
    assert Counter(year for _, year in factors) == {
        "2015/16": 237,
        "2016/17": 238,
        "2017/18": 237,
        "2018/19": 237,
        "2022/23": 214,
        "2023/24": 214,
        "2026/27": 205,
    }
    assert factors["R1H", "2022/23"] == "1.171131"
    assert factors["RRV", "2017/18"] == factors["RRV", "2018/19"] == "1.297607"
    assert factors["RP4", "2026/27"] == "1.179944"
    assert all(Decimal(1) <= Decimal(f) < Decimal("1.4") for f in factors.values())
    assert all(len(f) <= len("1.123456789") for f in factors.values())
    names = keyed("mff/mff-england/providers.csv", "provider")
    assert {provider for provider, _ in factors} == names.keys()


@pytest.mark.parametrize(
    ("table", "key", "code", "figures"),
    [
        (
            "ntps-2017-18/attendances",
            "treatment_function",
            "100",
            {"first_single": "163", "follow_up_single": "70"},
        ),
        (
            "ntps-2022-23/attendances",
            "treatment_function",
            "340",
            {"first_multi": "310", "follow_up_single": "100"},
        ),
        ("ntps-2018-19/emergency", "hrg", "VB01Z", {"type_1_and_2": "328", "type_3": "63"}),
        ("ntps-2022-23/emergency", "hrg", "VB99Z", {"type_1_and_2": "85", "type_3": "85"}),
        ("ntps-2022-23/unbundled", "hrg", "RD60Z", {"price": "315"}),
        ("ntps-2017-18/unbundled", "hrg", "RD01A", {"price": "114", "reporting": "22"}),
    ],
)
def test_prices_of_care_not_admitted(table: str, key: str, code: str, figures: Row) -> None:
    row = keyed(f"tariff/{table}.csv", key)[code]
    assert {name: row[name] for name in figures} == figures


def test_labels_cover_every_price_list_and_every_design() -> None:
    labels = keyed("hrg/labels/labels.csv", "hrg")
    priced = {row["hrg"] for pack in TARIFFS for row in rows(f"tariff/{pack}/prices.csv")}
    designed = {row["hrg"] for pack in SPLITS for row in design(pack)}
    assert labels.keys() == priced | designed
    assert len(priced) == 3782
    subchapters = keyed("hrg/labels/subchapters.csv", "subchapter")
    chapters = keyed("hrg/labels/chapters.csv", "chapter")
    assert {hrg[:2] for hrg in labels} <= subchapters.keys()
    assert {code[0] for code in subchapters} == chapters.keys()
    assert labels["EB03A"]["label"] == "Heart Failure or Shock, with CC Score 14+"
    assert labels["CA01A"]["label"].startswith("Complex Neck Procedures")  # the newest wording


def test_complication_lists() -> None:
    members = {
        row["code"]: row["subchapters"].split() for row in rows("hrg/cc-2024-25/members.csv")
    }
    lists = Counter(subchapter for where in members.values() for subchapter in where)
    assert len(lists) == 53
    assert (lists["PK"], lists["AA"], lists["WH"]) == (4906, 2705, 547)
    assert not lists.keys() & set(manifest("hrg/cc-2024-25")["missing"])
    assert sum(len(where) == 53 for where in members.values()) == 60
    assert all(where == sorted(set(where)) for where in members.values())


# ---------------------------------------------------------------- splits

BANDS = ("cc", "age", "interventions", "stay", "diagnosis_score")


def _meet(a: Row, b: Row) -> bool:
    """Whether one patient could fit both rows, whatever the conditions."""
    for band in BANDS:
        low = max((int(r[f"{band}_min"]) for r in (a, b) if r[f"{band}_min"]), default=0)
        high = min((int(r[f"{band}_max"]) for r in (a, b) if r[f"{band}_max"]), default=low)
        if high < low:
            return False
    return True


@pytest.mark.parametrize("pack", SPLITS)
def test_a_price_list_leaves_out_whole_roots(pack: str) -> None:
    priced, left_out = (rows(f"hrg/{pack}/{name}.csv") for name in ("splits", "unpriced"))
    assert not {row["root"] for row in priced} & {row["root"] for row in left_out}


@pytest.mark.parametrize("pack", SPLITS)
def test_groups_of_a_root_are_told_apart(pack: str) -> None:
    roots: dict[str, list[Row]] = {}
    for row in design(pack):
        assert row["root"] == row["hrg"][:4]
        roots.setdefault(row["root"], []).append(row)
    for root, group in roots.items():
        conditions = [row["condition"] for row in group]
        assert conditions == sorted(conditions, key=lambda c: not c), f"{root}: order"
        for index, a in enumerate(group):
            for b in group[index + 1 :]:
                if a["condition"] == b["condition"]:
                    assert not _meet(a, b), (a["hrg"], b["hrg"])


@pytest.mark.parametrize("pack", SPLITS)
def test_complication_bands_start_at_zero_and_have_no_gap(pack: str) -> None:
    cells: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for row in design(pack):
        if row["cc_min"]:
            cell = tuple(v for k, v in row.items() if k not in {"hrg", "cc_min", "cc_max"})
            cells.setdefault(cell, []).append((int(row["cc_min"]), row["cc_max"]))
    for cell, bands in cells.items():
        bands.sort()
        assert bands[0][0] == 0, cell
        assert bands[-1][1] == "", cell
        for (_, high), (low, _) in pairwise(bands):
            assert int(high) + 1 == low, cell


@pytest.mark.parametrize("pack", SPLITS)
def test_conditions_are_declared_and_used(pack: str) -> None:
    used = {name for row in design(pack) for name in row["condition"].split()}
    declared = manifest(f"hrg/{pack}")["conditions"]
    assert used == declared.keys()
    procedures = {row["code"] for row in rows("codes/opcs4/codes.csv")}
    diagnoses = {row["code"] for row in rows("codes/icd10-5/codes.csv")}
    accepted = manifest("codes/grouper-fields")["accepted"]
    for condition in declared.values():
        assert len(condition.keys() - {"evidence"}) == 1
        assert condition["evidence"] in {"D", "K"}
        for key in ("any_procedure", "no_procedure"):
            assert set(condition.get(key, ())) <= procedures
        assert set(condition.get("any_diagnosis", ())) <= diagnoses
        for key in ("admission_source", "discharge_destination"):
            assert set(condition.get(key, ())) <= set(accepted[key])
    sources = [
        source
        for name, condition in declared.items()
        if name.startswith("admitted_from")
        for source in condition["admission_source"]
    ]
    assert sorted(sources) == sorted(accepted["admission_source"])


@pytest.mark.parametrize(
    ("label", "bounds", "conditions"),
    [
        ("Asthma without Interventions, with CC Score 3-5", {"cc": (3, 5), "iv": (0, 0)}, ()),
        ("Sepsis with Single Intervention, with CC score 0", {"cc": (0, 0), "iv": (1, 1)}, ()),
        ("X with Multiple Interventions, with CC 9+", {"cc": (9, None), "iv": (2, None)}, ()),
        ("X, between 2 and 18 years, with Interventions", {"age": (2, 18), "iv": (1, None)}, ()),
        ("X, 1 year and under", {"age": (None, 1)}, ()),
        ("X, 19 years and over, with CC Score 1-2", {"age": (19, None), "cc": (1, 2)}, ()),
        ("Respite Care with length of stay between 5 and 8 days", {"stay": (5, 8)}, ()),
        (
            "X with length of stay 1 day or more, with CC Score 0",
            {"stay": (1, None), "cc": (0, 0)},
            (),
        ),
        ("X with length of stay 0 days", {"stay": (0, 0)}, ()),
        (
            "X, with length of stay 1 day or less, discharged home",
            {"stay": (None, 1)},
            ("discharged_home",),
        ),
        (
            "X with Diagnosis Score >=51, with Intervention Score 9-18",
            {"score": (51, None), "iv": (9, 18)},
            (),
        ),
        (
            "X with Diagnosis Score <=23, with No Interventions",
            {"score": (None, 23), "iv": (0, 0)},
            (),
        ),
        ("Pacemaker with Other Percutaneous Intervention, with CC Score 6+", {"cc": (6, None)}, ()),
        ("Limb with Imaging Intervention", {}, ()),
        ("Plasma Exchanges, 2 to 9", {}, ()),
    ],
)
def test_label_parser(
    label: str, bounds: dict[str, tuple[int | None, int | None]], conditions: tuple[str, ...]
) -> None:
    split = tool("restate.label_parser").parse_label(label)
    read = dict(zip(("cc", "age", "iv", "stay", "score"), split.bands, strict=True))
    assert {name: band for name, band in read.items() if band != (None, None)} == bounds
    assert split.conditions == conditions


def test_label_parser_tells_sisters_apart() -> None:
    parser = tool("restate.label_parser")
    sisters = {
        "GA10K": "Laparoscopic Cholecystectomy, 19 years and over, with CC Score 0",
        "GA10N": "Open Cholecystectomy, 19 years and over, with CC Score 0",
        "GA10G": "Open or Laparoscopic, Cholecystectomy, 18 years and under",
    }
    splits = parser.parse_labels(sisters)
    assert splits["GA10K"].conditions == ("laparoscopic",)
    assert splits["GA10N"].conditions == ("open",)
    assert splits["GA10G"].conditions == ()
    assert list(parser.table_order(splits)) == ["GA10K", "GA10N", "GA10G"]
    with pytest.raises(parser.LabelError, match="ZZ99A"):
        parser.parse_labels({"ZZ99A": "Round Procedures", "ZZ99B": "Square Procedures"})


# ---------------------------------------------------------------- manifests


@pytest.mark.parametrize("pack", PACKS)
def test_manifest(pack: str) -> None:
    text = (RULES / pack / "pack.yaml").read_text(encoding="utf-8")
    loaded = manifest(pack)
    assert text.startswith(f"# yaml-language-server: $schema=../../schema/{loaded['kind']}.json\n")
    assert loaded["id"] == Path(pack).name
    head = ["id", "version", "kind", "title", "applies", "provenance", "last_checked", "engine"]
    assert [key for key in loaded if key in head] == [key for key in head if key in loaded]
    assert all(source["title"] and source["licence"] for source in loaded["sources"])
    for value in loaded.values():
        if isinstance(value, str) and value.endswith(".csv"):
            assert (RULES / pack / value).is_file()


def test_every_admission_method_has_at_most_one_point_of_delivery() -> None:
    groups = manifest("pod/admitted")["groups"]
    assert [group["code"] for group in groups] == [
        "DC", "EL", "RADAY", "RANIGHT", "NELST", "NEL", "NELNE",
    ]  # fmt: skip
    methods = {method for group in groups for method in group["admission_methods"]}
    accepted = set(manifest("codes/grouper-fields")["accepted"]["admission_method"])
    assert accepted - methods == {"98", "99"}
    assert methods <= accepted


# ---------------------------------------------------------------- against the reference data


@pytest.mark.reference_data
def test_rebuilding_gives_the_same_bytes(reference: Path, tmp_path: Path) -> None:
    made, run = tool("restate_packs").all_tables(reference), tool("restate.command").run
    given = "", lambda folder: made
    assert run(*given, ["--rules", str(tmp_path)]) == 0
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")}
    assert written == TABLES.keys()
    for table in TABLES:
        assert (tmp_path / table).read_bytes() == (RULES / table).read_bytes(), table
    assert run(*given, ["--rules", str(tmp_path), "--check"]) == 0
    (tmp_path / made[0].path).write_bytes(b"changed")
    assert run(*given, ["--rules", str(tmp_path), "--check"]) == 1


@pytest.mark.reference_data
def test_label_parser_agrees_with_the_derived_splits(reference: Path) -> None:
    parse = tool("restate.label_parser").parse_label
    columns = ("cc", "age", "interv", "los", "diag_score")
    with (reference / "derived_hrg_2425_splits.csv").open(encoding="utf-8", newline="") as handle:
        derived = list(csv.DictReader(handle))
    assert len(derived) == 2405
    for row in derived:
        expected = tuple(
            int(row[f"{column}_{side}"]) if row[f"{column}_{side}"] else None
            for column in columns
            for side in ("min", "max")
        )
        assert parse(row["label"]).bounds == expected, row["hrg"]


@pytest.mark.reference_data
def test_accepted_values_are_those_of_the_grouper(reference: Path) -> None:
    names = {
        "sex": "sex",
        "patient_classification": "patient_classification",
        "admission_source": "admit_source",
        "admission_method": "admit_method",
        "discharge_destination": "discharge_destination",
        "discharge_method": "discharge_method",
        "main_specialty": "main_specialty",
        "treatment_function": "treatment_function_code",
    }
    accepted = manifest("codes/grouper-fields")["accepted"]
    assert accepted.keys() == {*names, "neonatal_care"}
    for field, name in names.items():
        with (reference / "enums" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
            assert accepted[field] == sorted(row["code"] for row in csv.DictReader(handle))


@pytest.mark.reference_data
def test_reference_data_that_does_not_fit_is_refused(reference: Path, tmp_path: Path) -> None:
    tables = tool("restate.tables")
    data = tables.Reference(reference)
    with pytest.raises(tables.RestateError, match="is not in"):
        data.path("no-such-file.csv")
    with pytest.raises(tables.RestateError, match="stands twice"):
        (tmp_path / "twice.csv").write_text("hrg,x\nAA01Z,1\nAA01Z,2\n", encoding="utf-8")
        tables.Reference(tmp_path).keyed("twice.csv", "hrg")
    assert tool("restate_packs").main(["--data", str(tmp_path), "--rules", str(tmp_path)]) == 2


@pytest.mark.parametrize("text", ["0.455", "half"])
def test_a_share_must_be_a_whole_percent(text: str) -> None:
    tables = tool("restate.tables")
    with pytest.raises(tables.RestateError):
        tables.percent(text, "here")
    assert tables.percent("0.3", "here") == "30"
    assert tables.percent("", "here") == ""
