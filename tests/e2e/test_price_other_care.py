"""`tariff price` of outpatient and emergency attendances and of lines, as installed."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tariff.extract.fields import field_of
from tariff.packs.load import shipped_folder
from tests.e2e.command import Row, names_nobody, ran, read_rows, refused, tariff, write_rows

KEYS = {"attendances": "attendance_id", "emergency": "attendance_id", "lines": "line_id"}
DAYS = {"attendances": "attendance_date", "emergency": "arrival_date", "lines": "start_date"}
KEPT = ("provider", "mff", "name", "dataset", "year", "outcome", "price_reasons")
YEARS = {  # the years whose price lists ship
    path.parent.name[-7:].replace("-", "/")
    for path in (shipped_folder() / "tariff").glob("*/attendances.csv")
}


def examples(dataset: str) -> list[Row]:
    found = []
    for path in sorted((shipped_folder() / "other-care").glob("*/tests.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            found += [row for row in csv.DictReader(handle) if row["dataset"] == dataset]
    return [row for row in found if row["year"] in YEARS]


def record(dataset: str, number: int, row: Row) -> Row:
    return {
        "provider": row["provider"] or "X00",
        KEYS[dataset]: f"R{number:04}",
        DAYS[dataset]: f"{row['year'][:4]}-04-01",
        **{name: row[name] for name in row if name not in KEPT and field_of(name, dataset)},
    }


@pytest.mark.parametrize("dataset", sorted(KEYS))
@pytest.mark.parametrize("mff", ["", "1"])
def test_every_worked_price(tmp_path: Path, dataset: str, mff: str) -> None:
    """A file of the examples, priced by the command; without a provider the factor is 1."""
    rows = [row for row in examples(dataset) if row["mff"] == mff]
    records = [record(dataset, number, row) for number, row in enumerate(rows)]
    file = write_rows(tmp_path / "in.csv", records)
    given = ["--mff", mff] if mff else []
    ran(tariff("price", file, "-o", tmp_path / "out", *given))
    table = pq.read_table(tmp_path / "out" / f"{dataset}.parquet").to_pylist()
    found = {row[KEYS[dataset]]: row for row in table}
    wrong = []
    for row, given_record in zip(rows, records, strict=True):
        price = found[given_record[KEYS[dataset]]]
        expected: dict[str, object] = {
            name: row[name] for name in ("outcome", "price_reasons") if row[name]
        }
        expected |= {
            f"{name}_pence": int(Decimal(row[name]) * 100)
            for name in ("pre_mff", "total")
            if row[name]
        }
        if {name: price[name] for name in expected} != expected:
            wrong.append(f"{row['name']}: {price}")
    assert not wrong, "\n".join(wrong)
    assert len(rows) >= 4


ATTENDANCE = {
    "provider": "R1H",
    "attendance_id": "A1",
    "patient_id": "P1",
    "attendance_date": "2022-05-01",
    "treatment_function": "100",
    "main_specialty": "100",
    "first_attendance": "1",
    "attended": "5",
}


def test_what_is_left(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "op.csv", [ATTENDANCE, {**ATTENDANCE, "attendance_id": "A2"}])
    result = ran(tariff("price", file, "-o", tmp_path / "out"))
    assert "2 records of attendances: 2 priced" in result.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "attendances.parquet", "manifest.json", "rejects.csv",
    }  # fmt: skip
    row = pq.read_table(tmp_path / "out" / "attendances.parquet").to_pylist()[0]
    assert row["priced_hrg"] == "WF01B"
    assert row["point_of_delivery"] == "OPFASPCL"
    assert row["total_pence"] == 21197  # 181 x 1.171131
    assert row["price_type"] == "unit"
    assert row["price_provenance"] == "published"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["counts"]["complete"] == 2
    assert {pack["id"] for pack in manifest["packs"]} == {
        "ntps-2022-23", "other-care-2022-23", "mff-england", "pod-codes",
    }  # fmt: skip


def test_the_order_of_the_rows_and_the_threads_leave_no_trace(tmp_path: Path) -> None:
    rows = [
        {**ATTENDANCE, "attendance_id": f"A{number % 90}", "treatment_function": str(100 + number)}
        for number in range(120)
    ]
    for name, given in (("a", rows), ("b", rows[::-1])):
        file = write_rows(tmp_path / f"{name}.csv", given)
        threads = "1" if name == "a" else "4"
        ran(tariff("price", file, "-o", tmp_path / name, "--threads", threads))
    first, second = (tmp_path / name / "attendances.parquet" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_bad_input(tmp_path: Path) -> None:
    good = write_rows(tmp_path / "op.csv", [ATTENDANCE])
    out = tmp_path / "out"
    ran(tariff("price", good, "-o", out, "--dataset", "emergency"))  # its columns would do
    refused(tariff("price", good, "-o", out, "--dataset", "lines"), 4, "line_id")
    refused(tariff("price", good, "-o", out, "--price-at", "grouped"), 2, "admitted care")
    refused(tariff("price", good, "-o", out, "--grouped", good), 2, "admitted care")
    refused(tariff("price", good, "-o", out, "--mff-year", "1999/00"), 2, "1999/00")
    refused(tariff("price", good, "-o", out, "--year", "2022"), 2, "2022", "tariff year")
    both = write_rows(tmp_path / "both.csv", [{"provider": "R1H", "attendance_id": "A1"}])
    message = refused(tariff("price", both, "-o", out), 2, "attendances", "emergency")
    assert "--dataset" in message
    ran(tariff("price", both, "-o", out, "--dataset", "attendances", "--year", "2022/23"))
    care = write_rows(
        tmp_path / "cc.csv",
        [{"provider": "R1H", "period_id": "C1", "level_3_days": "2", "patient_id": "P1"}],
    )
    refused(tariff("price", care, "-o", out), 2, "critical_care", "price the lines")
    refused(tariff("price", out / "attendances.parquet", "-o", out), 2, "overwritten")
    clash = write_rows(tmp_path / "attendances.csv", [{**ATTENDANCE, "attendance_date": "x"}])
    message = refused(tariff("price", clash, "-o", out), 4)
    names_nobody(message, [ATTENDANCE | {"spell_id": "A1"}])


def test_a_row_that_cannot_be_read_is_a_reject(tmp_path: Path) -> None:
    rows = [{**ATTENDANCE, "attendance_id": f"A{n}"} for n in range(40)]
    rows[3]["attendance_date"] = "31/02/2022"
    rows[4]["provider"] = ""
    file = write_rows(tmp_path / "op.csv", rows)
    ran(tariff("price", file, "-o", tmp_path / "out"))
    rejects = read_rows(tmp_path / "out" / "rejects.csv")
    assert [row["line"] for row in rejects] == ["5", "6"]
    table = pq.read_table(tmp_path / "out" / "attendances.parquet")
    assert table.num_rows == 38


def test_what_is_not_known_says_why(tmp_path: Path) -> None:
    rows = [
        {**ATTENDANCE, "attendance_id": "year", "attendance_date": "2030-05-01"},
        {**ATTENDANCE, "attendance_id": "date", "attendance_date": ""},
        {**ATTENDANCE, "attendance_id": "provider", "provider": "X99"},
        {**ATTENDANCE, "attendance_id": "first", "first_attendance": "9"},
    ]
    file = write_rows(tmp_path / "op.csv", rows)
    result = ran(tariff("price", file, "-o", tmp_path / "out"))
    assert "note: " in result.stdout
    found = {
        row["attendance_id"]: (row["complete"], row["total_pence"], row["price_reasons"])
        for row in pq.read_table(tmp_path / "out" / "attendances.parquet").to_pylist()
    }
    assert found == {
        "year": (False, None, "tariff_not_held"),
        "date": (False, None, "no_year"),
        "provider": (False, None, "mff_unknown"),
        "first": (False, None, "attendance_unknown"),
    }
