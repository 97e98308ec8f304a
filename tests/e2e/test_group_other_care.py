"""`tariff group` of attendances and periods: what it writes, and what it says of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from tariff.cli.main import main
from tariff.errors import TariffError

FILES = {
    "attendances": "provider,attendance_id,age,sex,main_specialty,treatment_function,"
    "first_attendance,oper_01\nR1H,A2,40,1,100,100,1,\nR1H,A1,40,1,100,100,2,X622\n",
    "emergency": "provider,attendance_id,age,investigation_01,treatment_01\n"
    "R1H,A2,40,12,19\nR1H,A1,40,24,11\n",
    "critical_care": "provider,period_id,start_date,end_date,renal_days\n"
    "R1H,A2,2022-05-01,2022-05-02,1\nR1H,A1,2022-05-02,2022-05-01,0\n",
}
HRGS = {
    "attendances": ["WF02A", "WF01B"],
    "emergency": ["VB06Z", "VB01Z"],
    "critical_care": ["XC07Z", "XC06Z"],
}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["group", *map(str, arguments)])


def written(folder: Path, dataset: str) -> Path:
    path = folder / f"some-{dataset}.csv"
    path.write_text(FILES[dataset])
    return path


@pytest.mark.parametrize("dataset", FILES)
def test_the_dataset_is_recognised_and_the_records_are_sorted(dataset: str, tmp_path: Path) -> None:
    result = run(written(tmp_path, dataset), "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert f"2 records of {dataset}: 2 grouped" in result.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        f"{dataset}.parquet", "rejects.csv", "manifest.json",
    }  # fmt: skip
    table = pq.read_table(tmp_path / "out" / f"{dataset}.parquet")
    assert table["hrg"].to_pylist() == HRGS[dataset]
    assert set(table["hrg_provenance"].to_pylist()) == {"reconstructed"}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["dataset"] == dataset
    assert manifest["counts"]["grouped"] == 2


def failure(*arguments: str | Path) -> TariffError:
    error = run(*arguments).exception
    assert isinstance(error, TariffError), error
    return error


def test_columns_of_two_datasets_need_a_word(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("provider,attendance_id,age\nR1H,A1,40\n")
    error = failure(path, "-o", tmp_path / "out")
    assert "attendances and of emergency" in str(error)
    result = run(path, "-o", tmp_path / "out", "--dataset", "emergency")
    assert result.exit_code == 0, result.output
    assert "carries no investigations" in result.output


def test_options_of_admitted_care_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "emergency")
    assert "--national" in str(failure(path, "-o", tmp_path / "out", "--national", "x"))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no-key.csv"
    path.write_text("provider,age\nR1H,40\n")
    error = failure(path, "-o", tmp_path / "out", "--dataset", "emergency")
    assert "attendance_id" in str(error)


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "emergency.parquet"
    path.write_bytes(b"PAR1")
    assert "overwritten" in str(failure(path, "-o", tmp_path, "--dataset", "emergency"))


def test_lines_cannot_be_grouped(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("provider,line_id,tariff_code\nR1H,L1,XC06Z\n")
    assert "lines" in str(failure(path, "-o", tmp_path / "out"))


def test_stripped_zeros_are_told(tmp_path: Path) -> None:
    path = tmp_path / "ae.csv"
    path.write_text(
        "provider,attendance_id,age,investigation_01,treatment_01\nR1H,A1,4,02,11\nR1H,A2,4,02,1\n"
    )
    output = run(path, "-o", tmp_path / "out").output
    assert "Treatments written 11, 12, 31, 32, 33, 41, 42, 43, 51, 52: 1." in output
    assert "1 treatments of one digit" in output
