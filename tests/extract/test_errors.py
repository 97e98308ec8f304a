"""What is wrong with a file is said in a sentence, with what to do, and without its data."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariff.errors import DataError, PackError, TariffError, UsageError
from tariff.extract import from_arrow, open_extract
from tests.extract.tables import HEADER, ROW, csv_file, rows, text_file


def refused(path: Path | list[Path], layout: str | None = None) -> str:
    """The message about files that cannot be used, at opening or at reading."""
    with pytest.raises(DataError) as caught:
        rows(open_extract(path, layout))
    assert caught.value.exit_code == 4
    return str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path: Path, data: bytes) -> None:
    assert "the file is empty" in refused(text_file(tmp_path, data))


def test_a_header_alone(tmp_path: Path) -> None:
    assert "there are no rows below the header" in refused(csv_file(tmp_path))
    assert "there are no rows" in refused(text_file(tmp_path, HEADER))


def test_one_file_of_several_may_have_no_rows(tmp_path: Path) -> None:
    empty = csv_file(tmp_path, name="empty.csv")
    extract = open_extract([empty, csv_file(tmp_path, ROW)])
    assert len(rows(extract)) == 1
    assert f"{empty}: has no rows" in extract.notices


def test_a_table_without_rows() -> None:
    table = pa.table({"provider": pa.array([], pa.string()), "spell_id": pa.array([], pa.string())})
    with pytest.raises(DataError, match="no rows"):
        rows(from_arrow(table))


def test_a_mandatory_column_that_is_missing(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "RXX,4,I10X", header="provider,age,diag_01")
    text = refused(path)
    assert "mandatory column missing: spell_id; found provider, age, diag_01" in text
    assert "tariff data profile" in text


def test_a_header_that_no_layout_knows(tmp_path: Path) -> None:
    text = refused(csv_file(tmp_path, "1,2", header="Trust,Spell"))
    assert "no layout is known for this header; found Trust, Spell" in text
    assert "national-grouper-apc" in text


def test_a_first_line_of_data_is_not_shown_as_a_header(tmp_path: Path) -> None:
    path = text_file(tmp_path, "RXX,SECRET7,1,70\nRXX,SECRET8,1,71\n")
    for text in (refused(path), refused(path, "hes-artificial-apc")):
        assert "does not look like a header" in text
        assert "SECRET" not in text


def test_semicolons_are_recognised_and_said(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW.replace(",", ";"), header=HEADER.replace(",", ";"))
    assert "the columns are separated by semicolons" in refused(path)


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolon"), ("|", "pipe"), ("\t", "tab")])
def test_another_delimiter_than_the_layout_says(tmp_path: Path, mark: str, name: str) -> None:
    path = csv_file(tmp_path, f"R{mark}S", header=f"PROCODET{mark}PROVSPNO")
    text = refused(path, "national-grouper-apc")
    assert f"a single column; it appears to be {name}-separated" in text
    assert "layout national-grouper-apc says comma" in text


def test_files_cut_short(tmp_path: Path) -> None:
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.table({"provider": ["R"] * 999, "spell_id": ["S"] * 999}), parquet)
    cut = text_file(tmp_path, parquet.read_bytes()[:-20], "cut.parquet")
    assert "cut short or damaged" in refused(cut)
    packed = gzip.compress("\n".join([HEADER, *[ROW] * 999]).encode())
    assert "cut short or damaged" in refused(text_file(tmp_path, packed[:-20], "cut.csv.gz"))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.parquet", b"provider,spell_id\n", "this is not a Parquet file"),
        ("a.xlsx", b"provider,spell_id\n", "this is not an Excel workbook"),
        ("a.csv.gz", b"provider,spell_id\n", "this is not a gzip file"),
        ("a.csv", b"PK\x03\x04 nothing of the kind", "not an Excel workbook, or it is damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "(.xls) is not read"),
        ("a.csv", "provider,spell_id".encode("utf-16"), "the text is UTF-16"),
        ("a.csv", b"\xff\xfe" + "provider,spell_id".encode("utf-16-le"), "save it as UTF-8"),
        ("a.parquet", b"\xfe\xff" + "provider,s".encode("utf-16-be"), "the text is UTF-16"),
        ("a.gz", gzip.compress("provider".encode("utf-16"), mtime=0), "the text is UTF-16"),
        ("a.csv", b"provider\0,spell_id\n", "this is not a text file"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    assert said in refused(text_file(tmp_path, data, name))


def test_a_folder_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)
    assert "no such file" in refused(tmp_path / "april.csv")


def test_a_column_that_stands_twice(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "R,S,T", header="provider,spell_id,SPELL_ID")
    assert "column 'SPELL_ID' stands twice" in refused(path)


def test_two_files_of_different_layouts(tmp_path: Path) -> None:
    one = csv_file(tmp_path, ROW)
    two = csv_file(
        tmp_path, "R,S,1,40,1,4,I10X,0", name="two.csv",
        header="PROCODET,PROVSPNO,EPIORDER,STARTAGE,CLASSPAT,EPIDUR,DIAG_01,CRITICALCAREDAYS",
    )  # fmt: skip
    text = refused([one, two])
    assert f"{one} has layout canonical, {two} has layout national-grouper-apc" in text


def test_a_parquet_type_that_cannot_hold_the_field(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"provider": ["R"], "spell_id": ["S"], "age": [[1]]}), path)
    assert "column 'age' is of type list" in refused(path)


def test_an_unknown_layout_names_the_known_ones(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW)
    with pytest.raises(UsageError) as caught:
        open_extract(path, "sus-plus")
    assert "there is no layout 'sus-plus'" in str(caught.value)
    assert "known: hes-artificial-apc, national-grouper-apc" in str(caught.value)
    with pytest.raises(UsageError, match="no such layout file"):
        open_extract(path, "mine.yaml")
    with pytest.raises(UsageError, match="no files are given"):
        open_extract([])
    with pytest.raises(UsageError, match="share from 0 to 1"):
        open_extract(path, max_bad_rows=5)


def test_a_layout_with_mistakes_lists_them_all(tmp_path: Path) -> None:
    text = (
        'id: mine\nversion: "1"\ntitle: Mine\nstatus: whole\n'
        "columns:\n  provider: {column: A}\n  spel_id: {column: B}\n  age: {position: 0}\n"
    )
    layout = text_file(tmp_path, text, "mine.yaml")
    with pytest.raises(PackError) as caught:
        open_extract(csv_file(tmp_path, ROW), layout)
    assert caught.value.exit_code == 3
    assert "expected one of complete, partial; found 'whole'" in str(caught.value)
    assert "positions count from 1" in str(caught.value)
    text = text.replace("whole", "complete").replace("position: 0", "position: 1")
    with pytest.raises(PackError) as caught:
        open_extract(csv_file(tmp_path, ROW), text_file(tmp_path, text, "mine.yaml"))
    assert "unknown canonical column 'spel_id'" in str(caught.value)
    assert "spell_id is not mapped" in str(caught.value)


@pytest.mark.parametrize(
    "tail",
    [
        b'R,"1\nR,2\nR,3\n',
        b'"R,1\n',
        b"R\rS,1\n",
        b'R,1"2"3\n',
        b"\xff\xfe,\x80\n",
        b"R,1\x1a",
        b'"',
    ],
)
def test_broken_text_is_rejected_or_refused_but_never_a_crash(tmp_path: Path, tail: bytes) -> None:
    path = text_file(tmp_path, b"provider,spell_id\nR,0\n" + tail)
    try:
        found = rows(open_extract(path, max_bad_rows=1))
    except TariffError:
        return
    assert found[0]["spell_id"] == "0"
