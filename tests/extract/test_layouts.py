"""Layouts: the ones that ship, one of your own, and the national grouper's RDF files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tariff.errors import DataError, PackError, UsageError
from tariff.extract import open_extract
from tariff.extract.layout import find_layout, read_layout, shipped_layouts
from tariff.packs.load import shipped_folder
from tests.extract.tables import csv_file, read, rows, text_file

GROUPER = (
    "PROCODET,PROVSPNO,EPIORDER,STARTAGE,SEX,CLASSPAT,ADMISORC,ADMIMETH,DISDEST,DISMETH,EPIDUR,"
    "MAINSPEF,NEOCARE,TRETSPEF,"
    + ",".join(f"DIAG_{number:02}" for number in range(1, 15))
    + ","
    + ",".join(f"OPER_{number:02}" for number in range(1, 13))
    + ",CRITICALCAREDAYS,REHABILITATIONDAYS,SPCDAYS"
)
EPISODE = (
    "RXX,S1,1,70,1,1,19,21,19,1,5,300,8,300,I10X,E11.9" + "," * 12 + ",W371" + "," * 11 + ",2,0,1"
)

MINE = """\
id: mine
version: "1"
title: Files of our own
status: complete
recognise: [Trust, "Spell No"]
delimiter: semicolon
skip_lines: 2
date_formats: [DD/MM/YYYY, DD-MMM-YY]
time_formats: [HHMM]
blank_values: ["-", "99"]
money: pence
columns:
  provider: {constant: RXX}
  spell_id: {column: Spell No}
  age: {column: Age, values: {"7001": "0"}}
  sex: {column: Gender, fallbacks: [Sex]}
  admission_date: {column: Admitted}
  admission_time: {column: At}
  billed_total: {column: Pence}
  diag_03: {column: Dx, strip: "+*"}
families:
  oper: {column: "Proc {n}", count: 2}
"""


def test_all_that_ship_are_valid_and_recognised_by_their_columns() -> None:
    names = {path.stem for path in (shipped_folder() / "layouts").glob("*.yaml")}
    assert set(shipped_layouts()) == names
    assert {"national-grouper-apc", "sus-plus-apc", "hes-artificial-apc"} <= names
    for layout in shipped_layouts().values():
        assert layout.sources
        assert layout.last_checked is not None
        if layout.tables:
            for name, table in layout.tables.items():
                assert layout.table_of([str(column) for column in table.recognise]) == name
        else:
            mapped = {str(spec.column) for spec in layout.specs().values()}
            fallbacks = {str(one) for spec in layout.specs().values() for one in spec.fallbacks}
            assert set(map(str, layout.recognise)) <= mapped | fallbacks | {
                "Tariff Total Payment National"
            }


def test_a_layout_of_your_own(tmp_path: Path) -> None:
    layout = text_file(tmp_path, MINE, "mine.yaml")
    path = text_file(
        tmp_path,
        "Extract of April\nprinted today\n"
        "Trust;Spell No;Age;Sex;Admitted;At;Pence;Dx;Proc 1;Proc 2\n"
        "x;S1;7001;-;01/04/2022;0930;1050;I10.X+;W37.1;-\n"
        "x;S2;99;1;02-Apr-22;;99;;;\n",
    )
    extract = open_extract(path, layout)
    first, second = rows(extract)
    assert extract.layout_id == "mine"
    assert first["_line"] == 4
    assert [first["provider"], first["spell_id"], first["age"], first["sex"]] == [
        "RXX",
        "S1",
        0,
        None,
    ]
    assert [first["admission_date"], first["admission_time"]] == [date(2022, 4, 1), 570]
    assert [first["billed_total"], first["diag_03"]] == [1050, "I10X"]
    assert [first["oper_01"], first["oper_02"]] == ["W371", None]
    assert second["admission_date"] == date(2022, 4, 2)
    assert [second["age"], second["billed_total"]] == [None, None]
    assert f"{path}: sex is taken from Sex, as there is no Gender" in extract.notices


def test_the_default_input_of_the_grouper_with_a_header(tmp_path: Path) -> None:
    extract = open_extract(csv_file(tmp_path, EPISODE + ",S1", header=GROUPER + ",dummy_field"))
    (row,) = rows(extract)
    assert extract.layout_id == "national-grouper-apc"
    assert [row["spell_id"], row["age"], row["episode_duration"]] == ["S1", 70, 5]
    assert [row["diag_01"], row["diag_02"], row["diag_03"], row["oper_01"]] == [
        "I10X", "E119", None, "W371"
    ]  # fmt: skip
    assert [row["critical_care_days"], row["palliative_care_days"]] == [2, 1]
    assert len(extract.fields) == 43


def test_the_same_without_a_header(tmp_path: Path) -> None:
    extract = open_extract(
        text_file(tmp_path, EPISODE + "\n" + EPISODE + "\n"), "national-grouper-apc"
    )
    found = rows(extract)
    assert [row["_line"] for row in found] == [1, 2]
    assert found[0]["oper_01"] == "W371"
    assert found[0]["palliative_care_days"] == 1


RDF = """\
COMMA DELIMITED
PROCODET,PROCODET,2,,,,
SPELL,PROVSPNO,1,,,,
DIAG_01,DIAG_01,3,,,,./
X,X,4,,,,
"""


def test_an_rdf_file_is_a_layout_by_position_or_by_its_names(tmp_path: Path) -> None:
    rdf = text_file(tmp_path, RDF, "mine.rdf")
    for text, line in (("S1,RXX,I10.X/,q\n", 1), ("SPELL,PROCODET,DIAG_01,X\nS1,RXX,I10.X,q\n", 2)):
        extract = open_extract(text_file(tmp_path, text), rdf)
        (row,) = rows(extract)
        assert [row["provider"], row["spell_id"], row["diag_01"]] == ["RXX", "S1", "I10X"]
        assert row["_line"] == line
        assert extract.layout_id == "mine.rdf"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the first line is not COMMA"),
        ("HELLO\n", "the first line is not COMMA"),
        ("COMMA DELIMITED\nA,B\n", ":2:1: RDF002 expected 7 parts"),
        ("COMMA DELIMITED\nPROCODET,PROCODET,x,,,,\n", "not a position"),
        ("COMMA DELIMITED\nPROCODET,PROCODET,1,AA.,,,\n", "pictures are not understood"),
        ("COMMA DELIMITED\nPROCODET,PROCODET,1,,,,\n", "spell_id is not among the columns"),
    ],
)
def test_an_rdf_file_with_mistakes(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PackError) as caught:
        find_layout(text_file(tmp_path, text, "bad.rdf"))
    assert said in str(caught.value)
    with pytest.raises(UsageError):
        find_layout(tmp_path / "none.rdf")


def test_hes_dates_codes_and_ages(tmp_path: Path) -> None:
    header = (
        "EPIKEY,PROCODE3,ADMIDATE,EPISTART,EPIEND,CLASSPAT,STARTAGE,DIAG_4_01,DIAG_4_02,OPERTN_4_01"
    )
    path = csv_file(
        tmp_path, "77,RXX,2001-04-02,03/04/2001,1801-01-01,1,7005,Z380,-,-   ", header=header
    )
    extract = open_extract(path)
    (row,) = rows(extract)
    assert extract.layout_id == "hes-artificial-apc"
    assert [row["spell_id"], row["age"]] == ["77", 0]
    assert [row["admission_date"], row["episode_start_date"], row["episode_end_date"]] == [
        date(2001, 4, 2), date(2001, 4, 3), None
    ]  # fmt: skip
    assert [row["diag_01"], row["diag_02"], row["oper_01"]] == ["Z380", None, None]
    assert any("spell_id is taken from EPIKEY" in notice for notice in extract.notices)


def test_the_older_sus_extract_says_that_it_is_partial(tmp_path: Path) -> None:
    header = ("Provider Code,Hospital Provider Spell No,Spell Core HRG,PbR Spell Start Date,"
              "Tariff Pre MFF Adjusted National,Market Forces Factor,MFF Adjustment,"
              "Tariff Total Payment National,PbR Final Tariff,Diagnosis 1")  # fmt: skip
    path = csv_file(
        tmp_path, "RXX,S1,AA22C,01/04/2013,1000.00,1.0500000,50.00,1050.00,1050.00,I639",
        header=header,
    )  # fmt: skip
    extract = open_extract(path)
    (row,) = rows(extract)
    assert extract.layout_id == "sus-pbr-apc-legacy"
    assert [row["billed_price"], row["billed_mff_amount"], row["billed_total"]] == [
        100000, 5000, 105000
    ]  # fmt: skip
    assert row["billed_mff"] == 1_050_000_000
    assert row["diag_01"] == "I639"
    assert any("is partial" in notice for notice in extract.notices)


def test_a_layout_for_files_without_header_needs_positions(tmp_path: Path) -> None:
    text = ('id: a\nversion: "1"\ntitle: A\nstatus: complete\nheader: "no"\n'
            "columns:\n  provider: {position: 2}\n  spell_id: {position: 1}\n")  # fmt: skip
    layout = text_file(tmp_path, text + "  age: {column: Age}\n", "a.yaml")
    with pytest.raises(PackError, match="need a position"):
        read_layout(layout)
    layout = text_file(tmp_path, text + "  age: {position: 9}\n", "a.yaml")
    extract = open_extract(text_file(tmp_path, "S1,RXX\n"), layout)
    assert rows(extract)[0]["spell_id"] == "S1"
    assert "age" not in extract.fields  # the file has no ninth column
    with pytest.raises(DataError, match="mandatory column missing: provider"):
        open_extract(text_file(tmp_path, "S1\n"), layout)


# ---------------------------------------------------------------- with the reference data


@pytest.mark.reference_data
def test_the_sample_of_the_national_grouper_has_no_rejects(reference_data: Path) -> None:
    extract = open_extract(reference_data / "APC_Sample_Test_Data.csv")
    table = read(extract)
    assert (table.num_rows, extract.rows_read, extract.rows_rejected) == (752, 752, 0)
    assert len(set(table["spell_id"].to_pylist())) == 478
    assert table["_line"].to_pylist() == list(range(2, 754))
    assert table["patient_classification"].to_pylist().count("10") == 1  # odd, and stays in


@pytest.mark.reference_data
def test_its_rdf_files_say_what_the_shipped_layouts_say(reference_data: Path) -> None:
    for file, name in (
        ("HRG4+_default_APC.rdf", "national-grouper-apc"),
        ("Max_OPCS_and_ICD10.rdf", "national-grouper-apc-max"),
    ):
        ours = shipped_layouts()[name].specs()
        theirs = find_layout(reference_data / file).specs()
        assert {
            field: (spec.position, spec.column, spec.strip) for field, spec in ours.items()
        } == {field: (spec.position, spec.column, spec.strip) for field, spec in theirs.items()}


@pytest.mark.reference_data
def test_the_sample_reads_the_same_by_rdf(reference_data: Path) -> None:
    sample = reference_data / "APC_Sample_Test_Data.csv"
    by_rdf = read(open_extract(sample, reference_data / "HRG4+_default_APC.rdf"))
    assert by_rdf.to_pylist() == read(open_extract(sample)).to_pylist()


@pytest.mark.reference_data
def test_artificial_hes_is_read_whole(reference_data: Path) -> None:
    path = reference_data / "hes_artificial" / "artificial_hes_apc_0102_truncated.csv"
    extract = open_extract(path)
    table = read(extract)
    assert (table.num_rows, extract.rows_rejected) == (2075, 0)
    assert max(age for age in table["age"].to_pylist()) == 120
    assert "-" not in table["diag_02"].to_pylist()
    assert min(day for day in table["admission_date"].to_pylist() if day).year > 1990


@pytest.mark.reference_data
def test_every_column_of_the_sus_plus_layout_exists(reference_data: Path) -> None:
    import csv

    tables: dict[str, set[str]] = {}
    with (reference_data / "sus-layouts" / "sus_plus_sem_all_fields.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["dataset"] == "APC":
                tables.setdefault(row["table"], set()).add(row["field"])
    ours = shipped_layouts()["sus-plus-apc"].tables
    theirs = {
        "spell": "spell",
        "episodes": "spell.episodes",
        "diagnoses": "spell.episodes.clinical_coding.diagnosis.icd",
        "procedures": "spell.episodes.clinical_coding.procedure.opcs",
    }
    for name, table in ours.items():
        used = {str(label) for label in (*table.recognise, *table.key)}
        for spec in (table.columns | table.lists).values():
            used |= {str(label) for label in (spec.column, *spec.fallbacks)}
        assert used <= tables[theirs[name]]


@pytest.mark.reference_data
def test_the_payment_columns_of_the_older_extract_exist(reference_data: Path) -> None:
    text = (reference_data / "sus-layouts" / "sus_pbr_apc_legacy_payment_columns.csv").read_text()
    layout = shipped_layouts()["sus-pbr-apc-legacy"]
    specs = layout.specs()
    for name in ("billed_hrg", "billed_price", "billed_mff", "billed_mff_amount", "billed_total",
                 "billed_excess_days", "admission_date", "discharge_date"):  # fmt: skip
        assert str(specs[name].column) in text
