"""How packs are found, read with their tables, and put together."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest

from tariff.errors import PackError, UsageError
from tariff.packs.compile import rulebook_of
from tariff.packs.load import PackSet, load_packs, read_levels, search_order, shipped_folder
from tariff.packs.read import read_pack
from tests.packs.conftest import WritePack

TARIFF = "year: '2030/31'\nedition: final\nprices: prices.csv\n"
PRICES = (
    "hrg,outpatient_procedure,combined,day_case,ordinary_elective,elective_trim,non_elective,"
    "non_elective_trim,per_day,short_stay,short_stay_percent,short_stay_price\n"
)


@pytest.fixture(autouse=True)
def no_packs_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARIFF_PACKS", raising=False)


def codes_told(error: pytest.ExceptionInfo[PackError]) -> list[str]:
    return [f"{Path(p.path).name}:{p.line} {p.code}" for p in error.value.problems]


def load_alone(*folders: Path) -> PackSet:
    return load_packs(folders, shipped=False)


# ---------------------------------------------------------------- the shipped packs


def test_the_shipped_packs_load_without_a_problem() -> None:
    packs = load_packs()
    assert packs.notices == ()
    assert {"ntps-2022-23", "icd10-5", "hrg-2024-25", "mff-england"} <= {pack.id for pack in packs}


def test_every_shipped_pack_says_where_it_comes_from() -> None:
    for pack in load_packs():
        assert pack.manifest.sources, pack.id
        assert all(source.licence for source in pack.manifest.sources), pack.id


def test_a_year_finds_its_tariff_and_its_grouper() -> None:
    packs = load_packs()
    tariff = packs.select("tariff", date(2022, 5, 1))
    grouper = packs.select("grouper", date(2018, 5, 1))
    assert tariff is not None and tariff.id == "ntps-2022-23"
    assert grouper is not None and grouper.id == "hrg-2017-19"
    assert packs.select("tariff", date(1999, 5, 1)) is None


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2001, 1, 1), "hrg-2017-19"),
        (date(2019, 4, 1), "hrg-2017-19"),
        (date(2020, 9, 29), "hrg-2017-19"),  # 548 days after the one, 549 before the other
        (date(2020, 10, 1), "hrg-2022-23"),
        (date(2023, 9, 30), "hrg-2022-23"),
        (date(2023, 10, 1), "hrg-2024-25"),
        (date(2030, 1, 1), "hrg-2024-25"),
        (None, "hrg-2024-25"),
    ],
)
def test_a_day_without_a_grouper_takes_the_nearest(day: date | None, expected: str) -> None:
    grouper = load_packs().nearest("grouper", day)
    assert grouper is not None
    assert grouper.id == expected


def test_of_two_packs_as_near_the_earlier_serves(write_pack: WritePack) -> None:
    files = {"prices.csv": PRICES + "AA01A" + "," * 11 + "\n"}
    for pack_id, dates in (("a", "to: 2020-01-01"), ("b", "from: 2020-01-05")):
        write_pack(pack_id, "tariff", TARIFF + f"applies: {{{dates}}}\n", files, f"t/{pack_id}")
    packs = load_alone(write_pack("c", folder="t/c").parent)
    nearest = packs.nearest("tariff", date(2020, 1, 3))
    assert nearest is not None and nearest.id == "a"
    assert packs.nearest("mff", None) is None


# ---------------------------------------------------------------- the search order


def test_a_folder_may_hold_one_pack_or_a_tree_of_packs(write_pack: WritePack) -> None:
    one = write_pack("one", folder="tree/a/one")
    write_pack("two", folder="tree/b/c/two")
    assert [pack.id for pack in load_alone(one)] == ["one"]
    assert [pack.id for pack in load_alone(one.parents[1])] == ["one", "two"]


def test_two_packs_of_one_name_at_one_level_are_an_error_that_names_both(
    write_pack: WritePack,
) -> None:
    first, second = write_pack("same", folder="x"), write_pack("same", folder="y")
    with pytest.raises(PackError) as error:
        load_alone(first, second)
    assert codes_told(error) == ["pack.yaml:1 PK302"]
    assert str(first) in str(error.value) and str(second) in str(error.value)


def test_a_pack_of_an_earlier_level_replaces_a_shipped_one_and_says_so(
    write_pack: WritePack,
) -> None:
    mine = write_pack("opcs4")
    packs = load_packs([mine])
    assert packs.by_id("opcs4").tables["codes"].columns == {"code": ["A011"]}
    assert len(packs.notices) == 1
    shipped = load_packs().by_id("opcs4").manifest.version
    assert packs.notices == (
        f"pack 'opcs4' 1.0.0 in {mine} replaces {shipped} of the shipped packs",
    )


def test_the_environment_comes_after_the_folders_given(
    write_pack: WritePack, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = write_pack("same", folder="x")
    named = [write_pack("same", folder="y"), write_pack("other")]
    monkeypatch.setenv("TARIFF_PACKS", os.pathsep.join(map(str, named)))
    packs = load_packs([given], shipped=False)
    assert packs.by_id("same").root == given
    assert "other" in packs
    assert [notice.split(" in ")[0] for notice in packs.notices] == ["pack 'same' 1.0.0"]


def test_a_folder_named_twice_is_read_once(write_pack: WritePack) -> None:
    folder = write_pack()
    assert len(load_alone(folder, folder, folder / "pack.yaml")) == 1


def test_a_folder_without_a_pack_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackError) as error:
        load_alone(tmp_path, tmp_path / "none")
    assert [p.code for p in error.value.problems] == ["PK300", "PK300"]
    assert "is not a folder" in error.value.problems[1].message


def test_an_unknown_id_is_a_users_mistake_with_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean 'ntps-2022-23'"):
        load_packs().by_id("ntps-2022-24")


def test_the_shipped_packs_can_be_copied_and_given(tmp_path: Path) -> None:
    shutil.copytree(shipped_folder() / "tariff", tmp_path / "tariff")
    given = {pack.id: pack.sha256 for pack in load_alone(tmp_path)}
    shipped = {pack.id: pack.sha256 for pack in load_packs()}
    assert given == {pack_id: shipped[pack_id] for pack_id in given}


# ---------------------------------------------------------------- read once


def test_the_shipped_packs_are_read_and_compiled_once() -> None:
    assert load_packs() is load_packs()
    assert rulebook_of(load_packs()) is rulebook_of(load_packs())


def test_a_shipped_pack_is_read_again_when_one_of_its_files_changes(
    write_pack: WritePack, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = write_pack("one", folder="shipped/one"), write_pack("two", folder="shipped/two")
    monkeypatch.setattr("tariff.packs.load.shipped_folder", lambda: one.parent)
    before = load_packs()
    (one / "codes.csv").write_text("code\nA011\nA012\n")
    after = load_packs()
    assert after.by_id("one").tables["codes"].columns == {"code": ["A011", "A012"]}
    assert after.by_id("one").sha256 != before.by_id("one").sha256
    assert after.by_id("two") is before.by_id("two")
    (other / "codes.csv").write_text("kode\n")
    with pytest.raises(PackError):
        load_packs()


def test_a_pack_that_is_given_is_read_every_time(write_pack: WritePack) -> None:
    folder = write_pack()
    assert load_alone(folder).by_id("mine") is not load_alone(folder).by_id("mine")


# ---------------------------------------------------------------- the hash


def test_the_hash_is_of_names_and_bytes_wherever_the_pack_stands(write_pack: WritePack) -> None:
    one, other = write_pack("same", folder="x"), write_pack("same", folder="y/z")
    first = load_alone(one).by_id("same").sha256
    assert load_alone(other).by_id("same").sha256 == first
    (other / "README.md").write_text("not a part of it")
    assert load_alone(other).by_id("same").sha256 == first
    (other / "codes.csv").write_text("code\nA012\n")
    assert load_alone(other).by_id("same").sha256 != first


# ---------------------------------------------------------------- manifests


def test_all_errors_of_all_files_are_told_at_once(write_pack: WritePack) -> None:
    one = write_pack("one", more="classification: opcs5\ncodes: codes.csv\nfillr: X\n",
                     files={"codes.csv": "code\nA011\nA 12\n"})  # fmt: skip
    two = write_pack("two", files={"codes.csv": "kode\nA011\n"})
    with pytest.raises(PackError) as error:
        load_alone(one, two)
    assert codes_told(error) == [
        "pack.yaml:9 PK023",
        "pack.yaml:11 PK020",
        "codes.csv:3 PK203",
        "codes.csv:1 PK200",
    ]


def test_an_unknown_kind_is_told_with_the_nearest_one(write_pack: WritePack) -> None:
    with pytest.raises(PackError, match="did you mean 'tariff'") as error:
        load_alone(write_pack(kind="tarif"))
    assert codes_told(error) == ["pack.yaml:3 PK301"]


def test_a_pack_for_a_newer_engine_is_refused(write_pack: WritePack) -> None:
    folder = write_pack()
    manifest = folder / "pack.yaml"
    manifest.write_text(manifest.read_text().replace('">=0.1"', '">=0.1, >=99"'))
    with pytest.raises(PackError, match=r"asks for engine >=0\.1, >=99") as error:
        load_alone(folder)
    assert codes_told(error) == ["pack.yaml:7 PK305"]


def test_a_pack_within_a_pack_is_refused(write_pack: WritePack) -> None:
    outer = write_pack("outer")
    write_pack("inner", folder="outer/inner")
    with pytest.raises(PackError) as error:
        load_alone(outer)
    assert codes_told(error) == ["pack.yaml:1 PK303"]


def test_a_reference_to_a_missing_pack_is_told_where_it_stands(write_pack: WritePack) -> None:
    more = TARIFF + "borrowed: {from: ntps-2022-32, columns: [per_day]}\n"
    folder = write_pack("t", "tariff", more, {"prices.csv": PRICES + "AA01A" + "," * 11 + "\n"})
    with pytest.raises(PackError, match="did you mean 'ntps-2022-23'") as error:
        load_packs([folder])
    assert codes_told(error) == ["pack.yaml:12 PK304"]


# ---------------------------------------------------------------- tables


def test_a_table_is_read_by_column_with_a_byte_order_mark_and_windows_line_ends(
    write_pack: WritePack,
) -> None:
    folder = write_pack(files={})
    (folder / "codes.csv").write_bytes(b"\xef\xbb\xbfcode\r\nA011\r\nA012\r\n")
    table = load_alone(folder).by_id("mine").tables["codes"]
    assert (table.name, table.columns, len(table)) == ("codes.csv", {"code": ["A011", "A012"]}, 2)


def labels(write_pack: WritePack, text: str) -> list[str]:
    """Problems of a labels table, as `line:column code message`."""
    more = "labels: labels.csv\nchapters: chapters.csv\nsubchapters: subchapters.csv\n"
    files = {
        "labels.csv": text,
        "chapters.csv": "chapter,title\nA,x\n",
        "subchapters.csv": "subchapter,title\nAA,x\n",
    }
    _, problems = read_pack(write_pack("labels", "labels", more, files))
    return [f"{p.line}:{p.column} {p.code} {p.message}" for p in problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1 PK004 the file is empty"]),
        ("hrg,label\n", ["1:1 PK205 the table has no rows"]),
        ("hrg,labl\nA,x\n", ["1:1 PK200 header: missing 'label'; unknown 'labl'"]),
        ("label,hrg\nx,A\n", ["1:1 PK200 header: the columns are in another order"]),
        ("hrg,label\nA,x\nB\nC,x,y\n", ["3:1 PK201 1 cells, the header has 2",
                                        "4:1 PK201 3 cells, the header has 2"]),
        ("hrg,label\nA,x\n\nA,y\n", ["4:1 PK202 hrg 'A' is in the table twice"]),
        ('hrg,label\nA,"x, y"\nA B,z\n',
         ["3:1 PK203 hrg: expected a code without blanks, found 'A B'"]),
        ('hrg,label\nA,"x\ny"\nB,\n', ["2:3 PK203 label: expected text on one line, found 'x\ny'",
                                       "4:3 PK203 label: expected text on one line, the cell is "
                                       "blank"]),
        ('hrg,label\nA,"x\n', ["2:1 PK204 cannot be parsed: unexpected end of data"]),
    ],
)  # fmt: skip
def test_a_table_of_the_wrong_shape_is_told_by_line_and_column(
    write_pack: WritePack, text: str, expected: list[str]
) -> None:
    assert labels(write_pack, text) == expected


@pytest.mark.parametrize("cell", ["1,5", "abc", "1e3", "nan", " 5", "£5"])
def test_a_price_that_is_no_number_is_told_at_its_cell(write_pack: WritePack, cell: str) -> None:
    row = f'AA01A,,,"{cell}",,,,,,,,\n'
    folder = write_pack("t", "tariff", TARIFF, {"prices.csv": PRICES + row})
    _, problems = read_pack(folder)
    assert [(p.line, p.column, p.code) for p in problems] == [(2, 9, "PK203")]


def test_a_pack_with_a_broken_table_is_known_but_not_intact(write_pack: WritePack) -> None:
    folder = write_pack(files={"codes.csv": "kode\nA011\n"})
    loading = read_levels(search_order([folder], shipped=False))
    assert [(pack.id, pack.intact, pack.has_tables) for pack in loading.packs] == [
        ("mine", False, False)
    ]
