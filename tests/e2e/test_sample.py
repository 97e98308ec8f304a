"""The national grouper's sample and the worked prices, through the command."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tariff.packs.load import shipped_folder
from tests.conftest import reference_folder
from tests.e2e.command import Row, ran, read_rows, tariff, write_rows

pytestmark = pytest.mark.reference_data
Sample = Callable[..., tuple[Path, str]]
ran_once: dict[tuple[str, ...], tuple[Path, str]] = {}


@pytest.fixture
def sample(reference_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The folder and the output of a check of the sample, each set of options once."""

    def check(*options: str) -> tuple[Path, str]:
        if options not in ran_once:
            folder = tmp_path_factory.mktemp("sample") / "out"
            source = reference_data / "APC_Sample_Test_Data.csv"
            result = ran(tariff("check", source, "-o", folder, "--keep", *options))
            ran_once[options] = folder, result.stdout
        return ran_once[options]

    return check


def manifest(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return read


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return rows


# ---------------------------------------------------------------- the sample


def test_the_layout_is_recognised_and_every_row_is_read(sample: Sample) -> None:
    folder, _ = sample()
    read = manifest(folder)
    assert [source["layout"] for source in read["inputs"]] == ["national-grouper-apc"]
    counts = read["counts"]
    assert (counts["rows_read"], counts["rows_rejected"]) == (752, 0)
    assert (counts["episodes"], counts["spells"], counts["duplicate_rows"]) == (752, 478, 0)
    assert read_rows(folder / "rejects.csv") == []
    assert len(table(folder, "episodes")) == 752
    assert len(table(folder, "spells")) == 478


def test_75_episodes_in_25_spells_are_in_error_each_with_its_category(sample: Sample) -> None:
    folder, _ = sample()
    episodes = [row for row in table(folder, "episodes") if row["error_category"]]
    spells = [row for row in table(folder, "spells") if row["error_category"]]
    assert (len(episodes), len(spells)) == (75, 25)
    for row in [*episodes, *spells]:
        assert row["hrg"] == "UZ01Z"
        assert row["grouping_flag"] == "U"
    assert {row["spell_id"] for row in episodes} == {row["spell_id"] for row in spells}
    primaries = Counter(row["diagnoses"][0] if row["diagnoses"] else None for row in episodes)
    assert primaries["N180"] == 41
    assert primaries["R69X6"] == 14
    retired = [row for row in episodes if row["diagnoses"][:1] == ["N180"]]
    assert {(row["error_category"], row["errors"]) for row in retired} == {("field", "diag_01")}
    unknown = [row for row in episodes if row["diagnoses"][:1] == ["R69X6"]]
    assert {row["error_category"] for row in unknown} <= {"UZ01", "field"}
    assert all(row["errors"] for row in unknown if row["error_category"] == "field")
    read = manifest(folder)
    assert (read["counts"]["episodes_in_error"], read["counts"]["spells_in_error"]) == (75, 25)
    assert sum(read["errors_by_category"].values()) == 75


def test_the_rest_is_grouped_or_says_why_not(sample: Sample) -> None:
    folder, _ = sample()
    counts = manifest(folder)["counts"]
    grouped = counts["spells_grouped"] + counts["spells_in_error"] + counts["spells_unmapped"]
    assert grouped == 478
    for row in table(folder, "spells"):
        assert bool(row["hrg"]) != bool(row["group_reason"])
        if row["hrg"] and not row["error_category"]:
            assert row["hrg_provenance"] == "reconstructed"


def test_without_a_year_nothing_is_priced_and_the_run_says_so(sample: Sample) -> None:
    folder, told = sample()
    assert "Nothing was priced" in told and "--year 2024/25" in told
    assert manifest(folder)["counts"]["spells_priced"] == 0
    assert all(row["pre_mff_pence"] is None for row in table(folder, "spells"))


def test_with_a_year_it_is_priced_before_mff_and_says_why_dates_are_empty(sample: Sample) -> None:
    folder, told = sample("--year", "2024/25")
    said = "The extract carries no admission date and no discharge date, so the dates in this"
    assert said in " ".join(told.split())
    read = manifest(folder)
    assert any(said in notice for notice in read["notices"])
    assert said in " ".join((folder / "report.html").read_text("utf-8").split())
    priced = [row for row in table(folder, "spells") if row["pre_mff_pence"] is not None]
    assert len(priced) > 350
    assert all(row["tariff_year"] == "2024/25" for row in priced)
    assert all(row["total_pence"] is None and row["mff"] is None for row in priced)
    assert all("mff_unknown" in row["price_reasons"] for row in priced)
    assert any("No market forces factor is held for ZZZ" in notice for notice in read["notices"])
    not_run = {rule["id"]: rule["not_run"] for rule in read["rules"]}
    assert "2024/25" in not_run["EMR07"] or "needs" in not_run["EMR07"]


def test_with_a_factor_there_are_totals(sample: Sample) -> None:
    folder, _ = sample("--year", "2024/25", "--mff", "1")
    priced = [row for row in table(folder, "spells") if row["pre_mff_pence"] is not None]
    assert len(priced) > 350
    for row in priced:
        assert row["mff"] == 1 and row["mff_year"] == "given"
        assert row["total_pence"] == row["pre_mff_pence"]
    counts = manifest(folder)["counts"]
    assert counts["spells_priced"] == sum(row["complete"] for row in priced)
    assert counts["spells_priced"] > 0
    # the 2022/23 trims stand in for those of 2024/25, and say so
    assert any("trim_of_other_edition" in (row["price_reasons"] or "") for row in priced)


# ---------------------------------------------------------------- the worked prices

COUNTS = {
    "2016/17": 23, "2017/18": 33, "2018/19": 3, "2022/23": 72, "2024/25": 3, "2025/26": 5,
}  # fmt: skip
DELIVERIES = {f"MV{number}" for number in (11, 12, 13, 14, 15, 16, 17, 19)}
# What the price used, and what was added, say of the criteria of a best practice area.
MET = {"BPT": "Y", "non-BPT": "N", "level 3": "LEVEL_3"}
ADDED = {
    "alteplase (XD07Z)": "ALTEPLASE",
    "all three": "STROKE_UNIT IMAGING ALTEPLASE",
    "two of three": "STROKE_UNIT IMAGING",
    "all seven": "HIP_FRACTURE",
    "ISS 16+": "TRAUMA_2",
}
# A vector that only names a setting: method, classification, age.
IMPLIED = {"EL": ("11", "1", "40"), "DC": ("11", "2", "40"), "NE": ("21", "1", "5")}
LATER = "2026/27"  # the year of the factor in vectors of a mixed year


def vectors() -> list[Row]:
    """Every vector of admitted care, those of deliveries beside them."""
    folder = reference_folder() / "pricing-vectors"
    deliveries = [
        {**dict.fromkeys(ADMITTED_ONLY, ""), **row, "setting": row["setting"] or "NE"}
        for row in read_rows(folder / "maternity_vectors.csv")
        if row["id"] in DELIVERIES
    ]
    return [*read_rows(folder / "apc_vectors.csv"), *deliveries]


ADMITTED_ONLY = (
    "age", "patient_classification", "critical_care_days", "rehab_days", "palliative_days",
    "bpt_flag", "bpt_price_used", "bpt_criteria_met", "additional_payment", "topup_line",
)  # fmt: skip


def flags(vector: Row) -> str:
    """The flags a vector meets: those its note counts up, else the one it is paid by."""
    _, several, note = vector["note"].partition("meets BP")
    named = re.findall(r"\d\d", note.partition(":")[0]) if several else []
    return " ".join(f"BP{number}" for number in named) or vector["bpt_flag"]


def providers_by_factor(year: str) -> dict[Fraction, str]:
    path = shipped_folder() / "mff" / "mff-england" / "factors.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        lines = [row for row in csv.DictReader(handle) if row["year"] == year]
    return {Fraction(row["mff"]): row["provider"] for row in lines}


def spell_of(vector: Row, provider: str) -> dict[str, object]:
    method, classification, age = IMPLIED[vector["setting"]]
    admitted = date(int(vector["year"][:4]), 4, 1)
    discharged = admitted + timedelta(days=int(vector["los"] or 0))
    return {
        "provider": provider,
        "spell_id": vector["id"],
        "episode_order": 1,
        "patient_id": f"P-{vector['id']}",
        "age": vector["age"] or age,
        "patient_classification": vector["patient_classification"] or classification,
        "admission_method": vector["admission_method"] or method,
        "admission_date": admitted,
        "discharge_date": discharged,
        "critical_care_days": vector["critical_care_days"],
        "rehabilitation_days": vector["rehab_days"],
        "palliative_care_days": vector["palliative_days"],
        "billed_hrg": vector["hrg"],
        "best_practice_flags": flags(vector),
        "best_practice_met": MET.get(vector["bpt_price_used"], ""),
        "best_practice_payments": ADDED[vector["bpt_criteria_met"]]
        if Fraction(vector["additional_payment"] or 0)
        else "",
        "specialised_services": vector["topup_line"],
    }


def runs(used: Iterable[Row]) -> dict[tuple[str, ...], list[tuple[Row, str]]]:
    """Which vectors go through the command together, under which options, as which provider."""
    later = providers_by_factor(LATER)
    out: dict[tuple[str, ...], list[tuple[Row, str]]] = defaultdict(list)
    for vector in used:
        mff = vector["mff"] or "1"
        if vector["provider"]:
            out[()].append((vector, vector["provider"]))
        elif "mixed year" in vector["status"] and Fraction(mff) in later:
            out["--mff-year", LATER].append((vector, later[Fraction(mff)]))
        else:
            out["--mff", mff].append((vector, "R0X"))
    return out


def penny(text: str) -> int:
    return int((Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def test_every_vector_of_admitted_care_is_reproduced_to_the_penny(
    reference_data: Path, tmp_path: Path
) -> None:
    used = vectors()
    admitted = [vector for vector in used if vector["id"].startswith("PV")]
    assert Counter(vector["year"] for vector in admitted) == COUNTS
    checked = 0
    for number, (options, members) in enumerate(runs(used).items()):
        source = write_rows(
            tmp_path / f"vectors{number}.csv", [spell_of(vector, who) for vector, who in members]
        )
        ran(tariff("price", source, "-o", tmp_path / str(number), *options))
        spells = {row["spell_id"]: row for row in table(tmp_path / str(number), "spells")}
        for vector, _ in members:
            spell = spells.pop(vector["id"])
            checked += 1
            if vector.get("outcome") == "not priced":
                assert spell["price_reasons"] == "hrg_not_in_tariff"
                assert spell["total_pence"] is None
                continue
            found = {
                "total": spell["total_pence"],
                "pre_mff": spell["pre_mff_pence"],
                "mff": spell["mff"],
                "tariff_year": spell["tariff_year"],
            }
            assert found == {
                "total": penny(vector["total_unrounded"]),
                "pre_mff": penny(vector["pre_mff"]),
                "mff": Decimal(vector["mff"] or "1"),
                "tariff_year": vector["year"],
            }, (vector["id"], vector["note"])
            expected_year = {"--mff": "given", "--mff-year": LATER}.get(
                options[0] if options else "", vector["year"]
            )
            assert spell["mff_year"] == expected_year
        assert not spells
    assert checked == 139 + len(DELIVERIES)


def test_a_mixed_year_is_priced_by_mff_year_and_by_mff_alike(
    reference_data: Path, tmp_path: Path
) -> None:
    """The dearest of them, once by the year of the factor (above), here by the factor itself."""
    grouped = runs(vectors())
    by_year = grouped["--mff-year", LATER]
    assert len(by_year) >= 3
    vector, provider = max(by_year, key=lambda item: Fraction(item[0]["pre_mff"]))
    source = write_rows(tmp_path / "one.csv", [spell_of(vector, provider)])
    ran(tariff("price", source, "-o", tmp_path / "out", "--mff", vector["mff"]))
    (spell,) = table(tmp_path / "out", "spells")
    assert spell["total_pence"] == penny(vector["total_unrounded"])
    assert spell["mff_year"] == "given"
