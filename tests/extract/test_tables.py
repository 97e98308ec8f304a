"""SUS+: four tables, joined to one row an episode."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tariff.errors import DataError
from tariff.extract import open_extract
from tests.extract.tables import csv_file, rows

SPELL = ("PRIMARYKEY_ID,spell.hospital_provider_spell_number,spell.admission.method,"
         "spell.commissioning.grouping.core_hrg,"
         "spell.commissioning.tariff_calculation.final_price,"
         "spell.commissioning.tariff_calculation.market_forces_factor")  # fmt: skip
EPISODES = ("EPISODES_ID,PRIMARYKEY_ID,number,start_date,care_professional.treatment_function,"
            "commissioning.service_agreement.provider,spell.hospital_provider_spell_number,"
            "patient.identity.age_at_record_start,admission.date,admission.time")  # fmt: skip
DIAGNOSES = "PRIMARYKEY_ID,EPISODES_ID,ICD_ID,code,present_on_admission"
PROCEDURES = "PRIMARYKEY_ID,EPISODES_ID,OPCS_ID,code,date"


def tables(folder: Path) -> list[Path]:
    """Two spells of three episodes; the second episode has its codes out of order."""
    return [
        csv_file(folder, "9,2,2,I10.X,Y", "9,2,10,E119,Y", "9,1,1,R074,Y", "9,2,1,I219,Y",
                 "8,9,1,Z000,Y", header=DIAGNOSES, name="d.csv"),
        csv_file(folder, "9,2,1,K631,2022-04-03 00:00:00", header=PROCEDURES, name="p.csv"),
        csv_file(folder, "9,S1,21,EB10B,1234.500000000000000000,1.050000000000000000",
                 "7,S2,11,AA22C,,", header=SPELL, name="s.csv"),
        csv_file(folder, "1,9,1,2022-04-01 00:00:00,300,RXX,S1,70,2022-04-01 00:00:00,10:30:00",
                 "2,9,2,2022-04-02 00:00:00,320,RXX,S1,70,2022-04-01 00:00:00,10:30:00",
                 "1,7,1,2022-04-05 00:00:00,300,RXX,S2,x,2022-04-05 00:00:00,",
                 "1,6,1,2022-04-05 00:00:00,300,RXX,S3,5,2022-04-05 00:00:00,",
                 header=EPISODES, name="e.csv"),
    ]  # fmt: skip


def test_codes_are_put_in_their_order_beside_their_episode(tmp_path: Path) -> None:
    extract = open_extract(tables(tmp_path), max_bad_rows=0.5)
    first, second, orphan = rows(extract)
    assert extract.layout_id == "sus-plus-apc"
    assert [first["spell_id"], first["episode_order"], first["diag_01"]] == ["S1", 1, "R074"]
    assert [second[f"diag_0{number}"] for number in range(1, 5)] == ["I219", "I10X", "E119", None]
    assert [second["oper_01"], second["oper_02"]] == ["K631", None]
    assert str(second["oper_date_01"]) == "2022-04-03"
    assert [first["admission_time"], first["oper_01"]] == [630, None]
    assert [first["billed_hrg"], first["billed_total"], first["billed_mff"]] == [
        "EB10B", 123450, 1_050_000_000
    ]  # fmt: skip
    assert [orphan["spell_id"], orphan["billed_hrg"]] == ["S3", None]
    assert [row["_line"] for row in (first, second, orphan)] == [2, 3, 5]


def test_rejects_and_inputs_name_the_tables(tmp_path: Path) -> None:
    given = tables(tmp_path)
    extract = open_extract(given, max_bad_rows=0.5)
    rows(extract)
    (bad,) = extract.rejects.to_pylist()
    assert [bad["file"], bad["line"], bad["value"]] == [str(given[3]), 4, "x"]
    assert bad["column"] == "patient.identity.age_at_record_start"
    assert {(Path(one.name).name, one.rows) for one in extract.inputs} == {
        ("e.csv", 4), ("s.csv", 2), ("d.csv", 5), ("p.csv", 1)
    }  # fmt: skip
    assert all(len(one.sha256) == 64 for one in extract.inputs)
    assert f"{given[3]}: 1 rows have no spell in {given[2]}" in extract.notices
    assert f"{given[0]}: 1 rows belong to no row of {given[3]}" in extract.notices


def test_a_folder_of_the_tables_and_parquet_files(tmp_path: Path) -> None:
    expected = rows(open_extract(tables(tmp_path), max_bad_rows=0.5))
    assert rows(open_extract(tmp_path, max_bad_rows=0.5)) == expected
    folder = tmp_path / "parquet"
    folder.mkdir()
    for path in tmp_path.glob("*.csv"):
        pq.write_table(pa_csv.read_csv(path), folder / f"{path.stem}.parquet")
    found = rows(open_extract(folder, "sus-plus-apc", max_bad_rows=0.5))
    for row in expected:
        row["_line"] -= 1  # no header
    assert found == expected


def test_a_table_that_is_missing_or_there_twice(tmp_path: Path) -> None:
    given = tables(tmp_path)
    with pytest.raises(DataError, match="no file for table procedures; found diagnoses"):
        open_extract([path for path in given if path.name != "p.csv"])
    with pytest.raises(DataError, match="are both table spell"):
        open_extract([*given, given[2]])
    other = tmp_path / "other"
    other.mkdir()
    csv_file(other, "1,2", header="a,b")
    with pytest.raises(DataError, match="none of the files is a table of layout sus-plus-apc"):
        open_extract(other, "sus-plus-apc")
    with pytest.raises(DataError, match="is a folder"):
        open_extract(other)


def test_a_key_column_that_is_missing(tmp_path: Path) -> None:
    given = tables(tmp_path)
    text = given[2].read_text().replace("PRIMARYKEY_ID", "KEY")
    given[2].write_text(text)
    with pytest.raises(DataError, match="no file for table spell"):
        open_extract(given)


def test_a_parent_that_stands_twice_counts_once(tmp_path: Path) -> None:
    given = tables(tmp_path)
    given[2].write_text(given[2].read_text() + "9,S1,21,ZZ99Z,1,1\n")
    extract = open_extract(given, max_bad_rows=0.5)
    assert rows(extract)[0]["billed_hrg"] == "EB10B"
    assert any("repeat the key of an earlier one" in notice for notice in extract.notices)
