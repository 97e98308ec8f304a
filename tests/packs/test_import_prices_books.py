"""The national workbooks: importing them gives the packs that ship, table by table."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tariff.packs.importing_prices import import_prices
from tariff.packs.importing_prices.areas import areas
from tariff.packs.importing_prices.gather import Tables, gather
from tariff.packs.importing_prices.sheets import read_source
from tariff.packs.importing_prices.write import table_text
from tariff.packs.load import shipped_folder
from tariff.packs.read import read_pack

RULES = shipped_folder() / "tariff"
BY_HAND = {"tests.csv"}
ANNEX_B1 = "ntps-1719/annex-b1"
FOLDERS = {
    "2016/17": ("ntps-2016-17", "ntps-1617"),
    "2017/18": ("ntps-2017-18", ANNEX_B1),
    "2018/19": ("ntps-2018-19", ANNEX_B1),
    "2022/23": ("ntps-2022-23", "ntps-2223"),
}
CORRECTED = {"AA50D", "AA53E"}  # their daily rate is that of the final edition

Row = dict[str, str]


def shipped(pack: str, name: str) -> list[Row]:
    with (RULES / pack / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def of_sheets(reference_data: Path, year: str) -> Tables:
    return gather(read_source(reference_data / FOLDERS[year][1] / "sheets"), year).tables


def tidy(reference_data: Path, year: str, name: str) -> list[Row]:
    """A table restated from the sheets by somebody else, to compare with."""
    path = reference_data / FOLDERS[year][1] / name
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = [
            {key: " ".join((text or "").split()) for key, text in row.items() if key}
            for row in csv.DictReader(handle)
        ]
    return [row for row in rows if row.get("year", year) == year]


# ---------------------------------------------------------------- the packs that ship


@pytest.mark.reference_data
def test_importing_the_workbook_gives_the_pack_that_ships(
    reference_data: Path, tmp_path: Path
) -> None:
    (workbook,) = (reference_data / "ntps-2223").glob("*.xlsx")
    _, warnings = import_prices(workbook, tmp_path / "made")
    assert {problem.code for problem in warnings} == {"PK418"}
    made = {path.name for path in (tmp_path / "made").glob("*.csv")}
    assert made == {path.name for path in (RULES / "ntps-2022-23").glob("*.csv")} - BY_HAND
    for name in sorted(made):
        text = (tmp_path / "made" / name).read_bytes()
        assert text == (RULES / "ntps-2022-23" / name).read_bytes(), name
    pack, _ = read_pack(tmp_path / "made")
    ours, _ = read_pack(RULES / "ntps-2022-23")
    assert pack is not None and ours is not None
    (hashed,) = {source.sha256 for source in ours.manifest.sources if source.sha256}
    assert pack.manifest.sources[0].sha256 == hashed


@pytest.mark.reference_data
def test_its_sheets_as_csv_files_give_the_same_tables(reference_data: Path) -> None:
    for name, rows in of_sheets(reference_data, "2022/23").items():
        if name != "sheets":
            path = RULES / "ntps-2022-23" / f"{name}.csv"
            assert table_text(name, rows) == path.read_text(encoding="utf-8"), name


@pytest.mark.reference_data
@pytest.mark.parametrize("year", ["2016/17", "2017/18", "2018/19"])
def test_the_other_years_are_those_of_their_sheets(reference_data: Path, year: str) -> None:
    pack = FOLDERS[year][0]
    for name, rows in of_sheets(reference_data, year).items():
        differ = [
            (old, new) for old, new in zip(shipped(pack, name), rows, strict=True) if old != new
        ]
        if name == "prices" and year != "2016/17":
            assert {old["hrg"] for old, _ in differ} == CORRECTED
            for old, new in differ:
                assert old == {**new, "per_day": "436"}
        else:
            assert not differ, name


@pytest.mark.parametrize("pack", [pack for pack, _ in FOLDERS.values()])
def test_the_best_practice_areas_of_a_manifest_are_those_of_its_tables(pack: str) -> None:
    tables = {path.stem: shipped(pack, path.stem) for path in (RULES / pack).glob("*.csv")}
    manifest = yaml.safe_load((RULES / pack / "pack.yaml").read_text(encoding="utf-8"))
    listed = manifest["best_practice_areas"]
    if pack == "ntps-2016-17":  # what the tab says in words alone
        (stroke,) = (area for area in listed if area["area"] == "Acute stroke care")
        assert [payment.pop("hrgs", []) for payment in stroke["payments"]] == [[], [], ["AA22"]]
        (joints,) = (area for area in listed if area["area"].startswith("Primary total hip"))
        assert joints.pop("settings") == ["day_case", "ordinary_elective"]

    def in_order(areas: Any) -> list[Any]:
        by_code = [
            {**a, "payments": sorted(a.get("payments", []), key=lambda p: str(p["code"]))}
            for a in areas
        ]
        return sorted(by_code, key=lambda area: str(area["area"]))

    assert in_order(areas(tables)) == in_order(listed)  # type: ignore[arg-type]


# ---------------------------------------------------------------- against other restatements


def compared(reference_data: Path, year: str) -> dict[str, tuple[object, object]]:
    """Tables of ours beside the same figures restated elsewhere."""
    tables = {path.stem: shipped(FOLDERS[year][0], path.stem) for path in _tables_of(year)}
    suffix = f"_{year[:4]}_{year[5:]}" if FOLDERS[year][1] == ANNEX_B1 else ""

    def theirs(name: str) -> list[Row]:
        return tidy(reference_data, year, name)

    def figure(text: str) -> Decimal | None:
        return Decimal(text) if text.replace(".", "", 1).isdigit() else None

    best = [
        (row["area"].lower()[:12], figure(row["value"]))
        for row in theirs(f"bpt_prices{suffix}.csv")
        if figure(row["value"]) is not None and "%" not in row["price_kind"]
    ]
    rates = theirs("specialised_topup_rates.csv")
    without = theirs("hrgs_without_price.csv")
    lists = {
        kind: {(row["list"], list(row.values())[1]) for row in theirs(f"bpt_{name}_lists.csv")}
        for kind, name in (("hrg", "hrg"), ("icd10", "icd"), ("opcs4", "opcs"))
    }
    return {
        "best practice prices": (
            Counter(
                (row["area"].lower()[:12], Decimal(row["price"]))
                for row in tables["best_practice_prices"]
            ),
            Counter(best),
        ),
        "flags": (
            [(row["flag"], row["name"]) for row in tables["best_practice_flags"]],
            sorted((row["flag"], row["name"]) for row in theirs("bpt_flags.csv")),
        ),
        "lists": (
            {
                kind: {
                    (row["list"], row["code"])
                    for row in tables["best_practice_codes"]
                    if row["classification"] == kind
                }
                for kind in lists
            },
            lists,
        ),
        "HRGs without a price": (
            [row["hrg"] for row in tables["no_price_hrgs"]],
            sorted(row["hrg"] for row in without),
        ),
        "unbundled list": (
            [row["hrg"] for row in tables["unbundled_list"]],
            sorted(row["hrg"] for row in theirs("unbundled_hrg_list.csv")),
        ),
        "top-up rates": (
            {
                row["service"]: row["rate"] and Decimal(row["rate"]) / 100
                for row in tables["top_ups"]
            },
            {next(iter(row.values())): row["rate"] and Decimal(row["rate"]) for row in rates},
        ),
        "drugs": (
            Counter(row["drug"] for row in tables["drugs"]),
            Counter(row["drug"] for row in theirs("high_cost_drugs.csv") if row["drug"]),
        ),
    }


def _tables_of(year: str) -> list[Path]:
    return sorted((RULES / FOLDERS[year][0]).glob("*.csv"))


@pytest.mark.reference_data
@pytest.mark.parametrize("year", FOLDERS)
def test_other_restatements_of_the_sheets_agree(reference_data: Path, year: str) -> None:
    for what, (ours, theirs) in compared(reference_data, year).items():
        assert ours == theirs, what
