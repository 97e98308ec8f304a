"""Odd values stay in, rows that cannot be read are listed, hostile text does nothing."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.e2e.command import (
    FEW,
    NHS_NUMBERS,
    Result,
    Row,
    left,
    names_nobody,
    ran,
    read_rows,
    refused,
    tariff,
    write_rows,
)
from tests.e2e.conftest import dearer

# ---------------------------------------------------------------- odd values stay in


@pytest.fixture(scope="module")
def odd(
    few: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], Path, Result]:
    """The spells with an odd value, and the folder of their check."""
    rows = [dict(row) for row in few]
    stays = [row for row in rows if int(row["episode_duration"]) > 1]
    negative, reversed_dates, unknown, free = stays[:4]
    negative["episode_duration"] = "-3"
    dates = reversed_dates["admission_date"], reversed_dates["discharge_date"]
    reversed_dates["discharge_date"], reversed_dates["admission_date"] = dates
    unknown["billed_hrg"] = "XX99Z"
    free["billed_price"] = free["billed_total"] = "0"
    folder = tmp_path_factory.mktemp("odd")
    path = write_rows(folder / "april.csv", rows)
    result = ran(tariff("check", path, "-o", folder / "out"))
    names = {
        "negative": negative["spell_id"],
        "reversed": reversed_dates["spell_id"],
        "unknown": unknown["spell_id"],
        "free": free["spell_id"],
    }
    return names, folder / "out", result


def spell_of(folder: Path, spell_id: str) -> dict[str, Any]:
    spells = pq.read_table(folder / "spells.parquet").to_pylist()
    (found,) = [spell for spell in spells if spell["spell_id"] == spell_id]
    return dict(found)


def page_text(folder: Path) -> str:
    """The words of the report: a person reads these, not the Parquet file."""
    page = (folder / "report.html").read_text("utf-8").partition("</style>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).lower().split())


def finding_on(folder: Path, spell_id: str) -> list[Row]:
    found = read_rows(folder / "findings.csv")
    return [finding for finding in found if spell_id in finding["spell_ids"].split()]


def test_odd_values_are_never_rejected(odd: tuple[dict[str, str], Path, Result]) -> None:
    _, folder, _ = odd
    assert read_rows(folder / "rejects.csv") == []
    counts = json.loads((folder / "manifest.json").read_text("utf-8"))["counts"]
    assert (counts["rows_read"], counts["rows_rejected"], counts["spells"]) == (FEW, 0, FEW)


def test_a_negative_length_of_stay_is_reported(odd: tuple[dict[str, str], Path, Result]) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["negative"])
    assert spell["error_category"] == "field"
    assert spell["hrg"] == "UZ01Z"
    assert spell["billed_pence"] > 0


def test_a_discharge_before_admission_is_reported(
    odd: tuple[dict[str, str], Path, Result],
) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["reversed"])
    assert "negative_stay" in spell["price_reasons"].split()
    assert spell["billed_pence"] > 0
    assert "discharged before admitted negative_stay 1" in page_text(folder)


def test_an_unknown_hrg_is_reported(odd: tuple[dict[str, str], Path, Result]) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["unknown"])
    assert spell["billed_hrg"] == spell["priced_hrg"] == "XX99Z"
    assert "hrg_not_in_tariff" in spell["price_reasons"].split()
    assert not spell["complete"]
    assert spell["base_pence"] is None and spell["total_pence"] is None  # never a silent zero
    assert spell["billed_pence"] > 0
    assert "the price list does not have the hrg hrg_not_in_tariff 1" in page_text(folder)


def test_a_price_of_zero_is_reported_as_an_under_charge(
    odd: tuple[dict[str, str], Path, Result],
) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["free"])
    assert spell["billed_pence"] == 0
    found = finding_on(folder, names["free"])
    assert [finding["rule"] for finding in found] == ["PRC01"]
    assert int(found[0]["value_pence"]) == -spell["total_pence"] < 0


# ---------------------------------------------------------------- rejects


def spoilt(few: list[Row]) -> tuple[list[Row], list[tuple[int, str, str, str]]]:
    """Rows of which three cannot be read, and what the rejects should say of them."""
    rows = [dict(row) for row in few]
    rows[4]["admission_date"] = "the 5th"
    rows[9]["spell_id"] = ""
    rows[14]["age"] = NHS_NUMBERS[0]  # the columns have slipped
    return rows, [
        (6, "admission_date", "the 5th", "not a date (YYYY-MM-DD)"),
        (11, "spell_id", "", "missing"),
        (16, "age", "9... (10 characters)", "whole number"),
    ]


def test_rows_that_cannot_be_read_are_listed_and_counted(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows, expected = spoilt(few)
    path = write_rows(tmp_path / "april.csv", rows)
    result = ran(tariff("check", path, "-o", out))
    assert "3 rejected" in result.stdout
    found = read_rows(out / "rejects.csv")
    assert [(int(row["line"]), row["column"], row["value"]) for row in found] == [
        line[:3] for line in expected
    ]
    for row, line in zip(found, expected, strict=True):
        assert Path(row["file"]).name == "april.csv"
        assert line[3] in row["reason"]
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    counts, money = manifest["counts"], manifest["money"]
    assert counts["rows_read"] == FEW
    assert counts["rows_rejected"] == 3
    assert counts["rows_read"] - counts["rows_rejected"] == counts["episodes"]
    lost = sum(round(float(rows[index]["billed_total"]) * 100) for index in (4, 9, 14))
    assert money["billed_in_rejects"] == lost
    whole = sum(round(float(row["billed_total"]) * 100) for row in rows)
    assert money["billed"] + lost == whole
    texts = [(out / name).read_text("utf-8") for name in left(out)
             if name.endswith((".html", ".csv", ".json"))]  # fmt: skip
    for text in [*texts, result.stdout, result.stderr]:
        assert not any(number in text for number in NHS_NUMBERS)
        assert not any(row["patient_id"] in text for row in rows)
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    assert book["Rejects"].max_row >= 3


def test_too_many_rejects_end_with_4_and_nothing_is_written(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows, _ = spoilt(few)
    path = write_rows(tmp_path / "april.csv", rows)
    result = tariff("check", path, "-o", out, "--max-bad-rows", "0.04")
    message = refused(
        result, 4, "3 of 60 rows (5.0%) cannot be read", "at most 4.0% may be", "april.csv:6",
        "admission_date", "--max-bad-rows",
    )  # fmt: skip
    names_nobody(message, few)
    assert "the 5th" not in message
    assert left(out) == set()
    refused(tariff("price", path, "-o", out, "--max-bad-rows", "0"), 4)
    assert left(out) == set()


# ---------------------------------------------------------------- hostile and private values


def test_formulas_and_markup_in_identifiers_do_nothing(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows = [dict(row) for row in few]
    hostile = ("=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "<script>alert(1)</script>")
    for row, text in zip(rows, hostile, strict=False):
        row.update(dearer(row, 500), spell_id=text)
    rows[10]["episode_order"] = "=1+1"
    path = write_rows(tmp_path / "april.csv", rows)
    ran(tariff("check", path, "-o", out))
    found = read_rows(out / "findings.csv")
    assert len(found) == len(hostile)
    for name in ("findings.csv", "rejects.csv"):
        with (out / name).open(encoding="utf-8", newline="") as handle:
            cells = [cell for line in csv.reader(handle) for cell in line]
        assert not [cell for cell in cells if cell[:1] in "=+@\t\r" and cell]
        dashes = [cell for cell in cells if cell.startswith("-")]
        assert all(re.fullmatch(r"-[0-9]+", cell) for cell in dashes)
    assert read_rows(out / "rejects.csv")[0]["value"] == "'=1+1"
    kept = set(pq.read_table(out / "spells.parquet")["spell_id"].to_pylist())
    assert set(hostile) <= kept  # the Parquet files hold the text as it was
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    for sheet in book:
        for line in sheet.iter_rows():
            for cell in line:
                assert cell.data_type != "f" or sheet.title == "Summary", cell.value
                assert not (isinstance(cell.value, str) and cell.value.startswith(("=cmd", "@SUM")))
    page = (out / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_nhs_numbers_are_warned_about_and_shown_nowhere(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows = [
        dict(row) | {"patient_id": number} for row, number in zip(few, NHS_NUMBERS, strict=True)
    ]
    rows[0].update(dearer(rows[0], 500))
    path = write_rows(tmp_path / "april.csv", rows)
    result = ran(tariff("check", path, "-o", out))
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    cells = "\n".join(
        str(cell.value) for sheet in book for line in sheet.iter_rows() for cell in line
    )
    texts = [(out / name).read_text("utf-8") for name in left(out)
             if name.endswith((".html", ".csv", ".json"))]  # fmt: skip
    for text in [*texts, cells, result.stdout, result.stderr]:
        assert not any(number in text for number in NHS_NUMBERS)
    profiled = ran(tariff("data", "profile", path))
    assert "looks like NHS numbers" in profiled.stderr
    assert not any(number in profiled.stdout + profiled.stderr for number in NHS_NUMBERS)
    notices = json.loads((out / "manifest.json").read_text("utf-8"))["notices"]
    assert any("NHS number" in notice and "patient_id" in notice for notice in notices)
    assert "NHS number" in result.stdout + result.stderr
