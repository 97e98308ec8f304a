"""Files of several datasets at once: each is known by its columns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tariff.errors import UsageError
from tariff.extract.several import by_dataset, open_several

HEADERS = {
    "a.csv": "provider,attendance_id,attendance_date,attended",
    "b.csv": "provider,attendance_id,arrival_date,disposal",
    "c.csv": "provider,line_id,spell_id,quantity",
    "d.csv": "provider,spell_id,diag_01,episode_order",
    "e.csv": "provider,period_id,spell_id,unit_function",
    "f.csv": "provider,spell_id,kind,start_date,end_date",
}


def files(folder: Path, headers: dict[str, str]) -> list[Path]:
    for name, header in headers.items():
        row = ",".join("2022-04-01" if "date" in column else "1" for column in header.split(","))
        (folder / name).write_text(f"{header}\n{row}\n", encoding="utf-8")
    return [folder / name for name in headers]


def test_each_file_is_of_the_dataset_whose_columns_it_has(tmp_path: Path) -> None:
    paths = files(tmp_path, HEADERS)
    found = {name: [path.name for path in held] for name, held in by_dataset(paths).items()}
    assert found == {
        "attendances": ["a.csv"],
        "emergency": ["b.csv"],
        "lines": ["c.csv"],
        "episodes": ["d.csv"],
        "critical_care": ["e.csv"],
        "periods": ["f.csv"],
    }
    extracts = open_several(paths[:5])
    assert list(extracts) == ["episodes", "attendances", "emergency", "critical_care", "lines"]
    assert all(sum(b.num_rows for b in extract.batches()) == 1 for extract in extracts.values())


def test_tables_come_by_name_or_are_episodes() -> None:
    table = pa.table({"provider": ["R"], "attendance_id": ["1"]})
    assert open_several({"emergency": table})["emergency"].dataset == "emergency"
    assert list(open_several(pa.table({"provider": ["R"], "spell_id": ["1"]}))) == ["episodes"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("provider,attendance_id", "x.csv: its columns are those of attendances and of emergency"),
        ("patient_id,death_date", "x.csv: its columns are those of the register of deaths"),
        ("provider,spell_id,kind,start_date,end_date", "'periods' is no dataset of care"),
    ],
)
def test_a_file_that_is_of_no_one_dataset_is_named(tmp_path: Path, header: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        open_several(files(tmp_path, {"x.csv": header}))
    assert words in told.value.message
    assert told.value.hint
