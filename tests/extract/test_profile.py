"""`tariff data profile`: what the columns of a new file hold, and a layout to begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tariff.cli.data import data
from tariff.errors import DataError, UsageError
from tariff.extract import open_extract
from tariff.extract.nhs_number import is_nhs_number
from tariff.extract.profile import ColumnProfile, Profile, layout_text, profile
from tariff.extract.synonyms import guess_name
from tests.extract.tables import csv_file, read, rows, text_file


def nhs_number(stem: int) -> str:
    """A number that passes the check, or a stem that has none."""
    return next((f"{stem}{digit}" for digit in range(10) if is_nhs_number(f"{stem}{digit}")), "")


def foreign(folder: Path, count: int = 300) -> Path:
    """A file in the words of a local extract."""
    header = ("Org Code,Hospital Provider Spell Number,NHS Number,Age On Admission,Gender,"
              "Date Of Admission,Primary Diagnosis,Secondary Diagnosis 1,Procedure 1,"
              "HRG,Total Cost,MFF,Postcode,Colour,Surname,Start Age")  # fmt: skip
    people = [
        number for stem in range(943476000, 943476000 + 2 * count) if (number := nhs_number(stem))
    ]
    lines = [
        f"RXX,SP{n},{people[n]},{n % 90},{1 + n % 2},{1 + n % 28:02}/04/2022,I10.X,E11.9,W37.1,"
        f"AA{n % 50:02}A,{n}.50,1.05,AB{n} 1CD,red,Smith{n},north"
        for n in range(count)
    ]
    return csv_file(folder, *lines, header=header, name="local.csv")


def columns(found: Profile) -> dict[str, ColumnProfile]:
    """The columns by name."""
    return {column.name: column for column in found.columns}


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("PROVSPNO", "spell_id"),
        ("Start Date (Hospital Provider Spell)", "admission_date"),
        ("admission_method", "admission_method"),
        ("DIAG_4_07", "diag_07"),
        ("Diagnosis Code 12", "diag_12"),
        ("PrimaryDiagnosis", "diag_01"),
        ("Secondary Diagnosis 3", "diag_04"),
        ("OPERTN_4_02", "oper_02"),
        ("Primary Procedure", "oper_01"),
        ("Procedure Date 2", "oper_date_02"),
        ("Dischage Method Code", "discharge_method"),
        ("spell.admission.method", "admission_method"),
        ("Colour", None),
        ("", None),
    ],
)
def test_names_are_known(name: str, canonical: str | None) -> None:
    guess = guess_name(name)
    assert (guess[0] if guess else None) == canonical


def test_columns_are_counted_and_guessed_with_a_reason(tmp_path: Path) -> None:
    found = profile(foreign(tmp_path))
    assert (found.rows, found.whole, found.delimiter) == (300, True, "comma")
    mapped = {name: column.name for name, column in found.mapped.items()}
    assert mapped == {
        "spell_id": "Hospital Provider Spell Number", "patient_id": "NHS Number",
        "age": "Age On Admission", "sex": "Gender", "admission_date": "Date Of Admission",
        "diag_01": "Primary Diagnosis", "diag_02": "Secondary Diagnosis 1",
        "oper_01": "Procedure 1", "billed_hrg": "HRG", "billed_mff": "MFF",
        "billed_total": "Total Cost",
    }  # fmt: skip
    column = columns(found)["Date Of Admission"]
    assert (column.filled_share, column.distinct) == (1.0, 28)
    assert column.reason == "known name 'date of admission'; values fit"
    assert found.date_formats == ["DD/MM/YYYY"]
    assert columns(found)["Start Age"].reason == "Age On Admission fits age better"


def test_values_are_shown_of_columns_that_point_at_nobody(tmp_path: Path) -> None:
    by_name = columns(profile(foreign(tmp_path)))
    assert by_name["HRG"].examples
    assert by_name["Gender"].examples == ["1", "2"]
    assert by_name["Colour"].examples == ["red"]  # a list of few codes over many rows
    for hidden in ("NHS Number", "Hospital Provider Spell Number", "Postcode", "Surname"):
        assert by_name[hidden].examples == []


def test_nhs_numbers_are_warned_about(tmp_path: Path) -> None:
    found = profile(foreign(tmp_path))
    assert columns(found)["NHS Number"].warning == "looks like NHS numbers"
    assert any("column 3 (NHS Number) looks like NHS numbers" in text for text in found.warnings)
    assert "no column for provider: add it by hand" in found.warnings


def test_values_speak_against_a_name(tmp_path: Path) -> None:
    path = csv_file(tmp_path, *[f"R,S{n},north" for n in range(50)], header="provider,spell_id,Age")
    column = columns(profile(path))["Age"]
    assert column.canonical == ""
    assert "the values do not fit age" in column.reason


def test_the_proposal_can_be_used_once_the_keys_are_there(tmp_path: Path) -> None:
    path = foreign(tmp_path)
    text = layout_text(profile(path), "local")
    assert "# provider: {column: ...}" in text
    text = text.replace("columns:\n", "columns:\n  provider: {column: Org Code}\n")
    extract = open_extract(path, text_file(tmp_path, text, "local.yaml"))
    row = rows(extract)[1]
    assert [row["spell_id"], row["diag_01"], row["billed_total"]] == ["SP1", "I10X", 150]
    assert str(row["admission_date"]) == "2022-04-02"


def test_the_command_writes_the_layout_and_shows_no_patient(tmp_path: Path) -> None:
    path = foreign(tmp_path)
    layout = tmp_path / "L.yaml"
    result = CliRunner().invoke(data, ["profile", str(path), "--write-layout", str(layout)])
    assert result.exit_code == 0
    assert "300 rows, 16 columns, comma-separated" in result.output
    assert "Smith" not in result.output
    assert "SP1" not in result.output
    written = layout.read_text()
    assert "Smith" not in written
    assert 'spell_id: {column: "Hospital Provider Spell Number"}' in written
    again = CliRunner().invoke(data, ["profile", str(path), "--write-layout", str(layout)])
    assert isinstance(again.exception, UsageError)
    assert "is already there" in str(again.exception)


def test_a_file_without_rows_or_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        profile(csv_file(tmp_path))
    with pytest.raises(DataError, match="does not look like a header"):
        profile(text_file(tmp_path, "RXX,S1,70\n"))
    with pytest.raises(DataError, match="no such file"):
        profile(tmp_path / "none.csv")


@pytest.mark.reference_data
def test_artificial_hes_is_profiled_into_a_layout_that_reads_it(
    tmp_path: Path, reference_data: Path
) -> None:
    path = reference_data / "hes_artificial" / "artificial_hes_apc_0102_truncated.csv"
    layout = text_file(tmp_path, layout_text(profile(path), "hes"), "hes.yaml")
    extract = open_extract(path, layout)
    assert read(extract).num_rows == 2075
    assert extract.rows_rejected == 0
    assert len(extract.fields) > 60
