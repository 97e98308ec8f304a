"""`tariff price --periods`: from files on the command line to the price."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from tariff.cli.main import run as command
from tests.engine.extracts import run, spell, stay, table_of
from tests.engine.test_periods import CARE, HEADER

# 31 days under AA22F: 3,872, trim point 19, 266 a day
MAY = {"admission_date": "2022-05-01", "discharge_date": "2022-06-01", "billed_hrg": "AA22F"}


def price(folder: Path, *files: str) -> int:
    csv.write_csv(table_of([stay(**MAY, critical_care_days="9")]), folder / "spells.csv")
    options = [word for name in files for word in ("--periods", str(folder / name))]
    return command(["price", str(folder / "spells.csv"), "-o", str(folder / "out"), *options])


def test_periods_of_several_files_come_off_the_stay_once(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(
        CARE + "R1H,1,A,2022-05-02,2022-05-05,1,2\nR1H,2,Z,2022-05-02,2022-05-05,1,2\n",
        encoding="utf-8",
    )
    (tmp_path / "other.csv").write_text(
        HEADER
        + "R1H,A,rehabilitation,2022-05-05,2022-05-08\n"
        + "R1H,A,palliative_care,2022-05-09,2022-05-08\n",
        encoding="utf-8",
    )
    assert price(tmp_path, "units.csv", "other.csv") == 0
    (found,) = pq.read_table(tmp_path / "out" / "spells.parquet").to_pylist()
    # 2 to 8 May, 7 days; the 9 days that the episode counts are those of the dated periods
    assert (found["critical_care_days"], found["rehabilitation_days"]) == (4, 4)
    assert (found["deducted_days"], found["adjusted_days"], found["excess_days"]) == (7, 24, 5)
    assert found["pre_mff_pence"] == (3872 + 5 * 266) * 100
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [item["file"] for item in manifest["inputs"]] == ["spells.csv", "units.csv", "other.csv"]
    told = [notice for notice in manifest["notices"] if "dated periods" in notice]
    assert [notice.rpartition("/")[2] for notice in told] == [
        "other.csv: dated periods that end before they begin are left out: 1 (first in line 3)",
        "dated periods of no spell of the extract are left out: 1",
    ]


def test_without_periods_the_counts_of_the_episodes_stand() -> None:
    found = spell(run(stay(**MAY, critical_care_days="9"), rules=False))
    assert (found["deducted_days"], found["pre_mff_pence"]) == (9, (3872 + 3 * 266) * 100)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "units.csv"),
        ("", "units.csv"),
        ("provider,spell_id\nR1H,A\n", "its columns are not those of dated periods"),
        (HEADER + "R1H,A,critical_care,31/31/2022,\n", "cannot be read"),
    ],
)
def test_a_file_without_periods_stops_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, told: str
) -> None:
    if text is not None:
        (tmp_path / "units.csv").write_text(text, encoding="utf-8")
    assert price(tmp_path, "units.csv") in (2, 4)
    said = capsys.readouterr().err
    assert told in said and "hint" in said and "Traceback" not in said
    assert not (tmp_path / "out" / "spells.parquet").exists()
