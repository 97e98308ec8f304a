"""What a YAML file of a pack may say, and what is told of one that says something else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tariff.packs import tree
from tariff.packs.model import Code, CsvName
from tariff.packs.nodes import Decoded, decode_file, decode_text, read_file

NO_CODE = Code("")


@dataclass(frozen=True, kw_only=True)
class Inner:
    """A part."""

    from_: Code
    to: Code | None = None


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Every type there is."""

    name: str
    code: Code = NO_CODE
    codes: list[Code] = field(default_factory=list)
    number: int | None = None
    price: Decimal | None = None
    day: date | None = None
    switch: bool = False
    colour: Literal["red", "green"] = "red"
    inner: Inner | None = None
    more: dict[str, list[Inner]] = field(default_factory=dict)
    pair: tuple[int, ...] = ()
    either: str | list[str] = ""
    slug: str = field(default="a", metadata={"pattern": "[a-z]+", "form": "small letters"})
    max_adjusted_days: int = 0

    def check(self) -> Iterator[tuple[str, str]]:
        if self.number == 13:
            yield "number", "not thirteen"


@dataclass(frozen=True, kw_only=True)
class WithTable:
    """A model with a side table."""

    table: CsvName


def told(decoded: Decoded[Thing]) -> list[str]:
    """Problems as `line:column code`."""
    return [f"{p.line}:{p.column} {p.code}" for p in decoded.problems]


def decode(text: str) -> Decoded[Thing]:
    return decode_text(text, Thing)


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("code", ["07", "08", "NO", "no", "5E1", "1_0", "0x1F", "12:30", "null"])
def test_a_code_is_kept_as_written_without_quotes(code: str) -> None:
    decoded = decode(f"name: x\ncode: {code}\ncodes: [{code}, '{code}']\n")
    assert decoded.problems == []
    assert decoded.value is not None
    assert decoded.value.code == code
    assert decoded.value.codes == [code, code]


def test_each_type_is_read_from_what_it_is_written_as() -> None:
    decoded = decode(
        "name: 12\nnumber: -3\nprice: 12.50\nday: 2024-04-01\nswitch: true\ncolour: green\n"
        "inner: {from: A00}\nmore: {a: [{from: 07, to: NO}]}\npair: [1, 2]\neither: [a, b]\n"
        "max_adjusted_days: 4\n"
    )
    assert decoded.value == Thing(
        name="12",
        number=-3,
        price=Decimal("12.50"),
        day=date(2024, 4, 1),
        switch=True,
        colour="green",
        inner=Inner(from_=Code("A00")),
        more={"a": [Inner(from_=Code("07"), to=Code("NO"))]},
        pair=(1, 2),
        either=["a", "b"],
        max_adjusted_days=4,
    )


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("number: 07", "PK022", "expected a whole number, found '07'"),
        ("number: '7'", "PK022", 'expected a whole number, found "7"'),
        ("number: 1.5", "PK022", "expected a whole number, found '1.5'"),
        ("number: 1_000", "PK022", "expected a whole number, found '1_000'"),
        ("number: [7]", "PK022", "expected a whole number, found a list"),
        ("price: .inf", "PK022", "expected a number, found '.inf'"),
        ("price: 1e9", "PK022", "expected a number, found '1e9'"),
        ("day: 2024-02-30", "PK022", "expected a date (YYYY-MM-DD), found '2024-02-30'"),
        ("switch: yes", "PK022", "expected true or false, found 'yes'"),
        ("colour: gren", "PK023", "expected one of red, green; found 'gren'"),
        ("codes: A00", "PK022", "expected a list, found 'A00'"),
        ("inner: A00", "PK022", "expected a mapping, found 'A00'"),
        ("inner: {}", "PK021", "missing key 'from'"),
        ("slug: A1", "PK024", "expected small letters, found 'A1'"),
        ("slug:", "PK025", "expected text, found nothing"),
        ("number: 13", "PK027", "not thirteen"),
    ],
)
def test_a_value_of_another_type_is_told_with_what_was_found(
    line: str, code: str, message: str
) -> None:
    decoded = decode(f"name: x\n{line}\n")
    assert decoded.value is None
    assert [(p.code, p.message, p.line) for p in decoded.problems] == [(code, message, 2)]


def test_a_hint_says_how_to_mend_a_value() -> None:
    hints = {p.hint for p in decode("name: x\nnumber: '7'\nswitch: no\ncolour: gren\n").problems}
    assert hints == {"write it without quotes", "write true or false", "did you mean 'green'?"}


# ---------------------------------------------------------------- keys


def test_a_misspelt_key_is_told_with_the_nearest_one() -> None:
    decoded = decode("name: x\nmax_adjusted_day: 1\nmax-adjusted-days: 1\n")
    assert told(decoded) == ["2:1 PK020", "3:1 PK020"]
    assert {p.hint for p in decoded.problems} == {"did you mean 'max_adjusted_days'?"}


def test_a_duplicate_key_names_the_line_of_the_first() -> None:
    decoded = decode("name: x\ninner:\n  from: A\n  from: B\nname: y\n")
    assert told(decoded) == ["4:3 PK012", "5:1 PK012"]
    assert [p.hint for p in decoded.problems] == [
        "first given in line 3",
        "first given in line 1",
    ]


def test_a_missing_key_is_told_where_the_mapping_begins() -> None:
    assert told(decode("code: A\ninner: {to: B}\n")) == ["1:1 PK021", "2:8 PK021"]


def test_all_problems_of_a_file_are_told_at_once_in_order() -> None:
    decoded = decode("nam: x\nnumber: a\ncodes: [&a A, *a, !!str B]\nday: soon\nday: later\n")
    assert told(decoded) == [
        "1:1 PK020",
        "1:1 PK021",
        "2:9 PK022",
        "3:9 PK006",
        "3:15 PK006",
        "3:19 PK007",
        "4:6 PK022",
        "5:1 PK012",
    ]


def test_a_problem_is_printed_as_path_line_column_code_message() -> None:
    problem = decode_text("name: x\nnumbr: 1\n", Thing, "a/pack.yaml").problems[0]
    assert str(problem) == (
        "a/pack.yaml:2:1: PK020 unknown key 'numbr'\n  hint: did you mean 'number'?"
    )


def test_positions_are_kept_for_later_checks() -> None:
    decoded = decode("name: x\nmore:\n  a:\n    - {from: 1}\n    - {from: 2}\n")
    assert (decoded.at("more", "a", 1, "from").line, decoded.at("more", "b").line) == (5, 3)


# ---------------------------------------------------------------- what a file may not hold


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1 PK004"]),
        ("# only a comment\n", ["1:1 PK004"]),
        ("name: x\n---\nname: y\n", ["2:1 PK008"]),
        ("? [a, b]\n: c\nname: x\n", ["1:3 PK011"]),
        ("name: [x\n", ["2:1 PK005"]),
        ("name: a: b\n", ["1:8 PK005"]),
        ("name: !!python/object/apply:os.system [id]\n", ["1:7 PK007"]),
        ("a: " + "[" * 30 + "]" * 30, ["1:23 PK009"]),
        ("- " * 30 + "x", ["1:41 PK009"]),
        ("name: \x07\n", ["1:7 PK005"]),
        ("[1, 2]", ["1:1 PK022"]),
    ],
)
def test_what_a_file_may_not_hold(text: str, expected: list[str]) -> None:
    found = told(decode(text))
    assert found[: len(expected)] == expected


def test_a_bomb_of_aliases_is_refused_without_being_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    start = time.perf_counter()
    decoded = decode("\n".join(lines))
    assert time.perf_counter() - start < 1
    assert decoded.value is None
    assert {"PK006"} <= {p.code for p in decoded.problems}


def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_NODES", 100)
    decoded = decode("codes: [" + "A, " * 200 + "A]\n")
    assert [p.code for p in decoded.problems] == ["PK010"]


def test_a_file_with_thousands_of_problems_tells_the_first_and_counts_the_rest() -> None:
    decoded = decode("".join(f"key_{n}: 1\n" for n in range(5000)))
    assert len(decoded.problems) == 201
    assert decoded.problems[-1].message == "and 4801 more problems in this file"


def test_a_yaml_file_of_100_mb_is_refused_in_less_than_a_second(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    with path.open("wb") as file:
        file.write(b"name: x\n")
        file.truncate(100 * 1024 * 1024)
    start = time.perf_counter()
    value, problems = decode_file(path, Thing)
    assert time.perf_counter() - start < 1
    assert value is None
    assert [p.code for p in problems] == ["PK002"]


def test_a_file_that_is_not_utf_8_is_told_where(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_bytes("name: x\ncode: caf\u00e9\n".encode("cp1252"))
    problem = decode_file(path, Thing)[1][0]
    assert (problem.code, problem.line, problem.column) == ("PK003", 2, 10)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\r\ncode: 07\r\n")
    assert decode_file(path, Thing) == (Thing(name="x", code=Code("07")), [])


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    assert decode_file(tmp_path / "none.yaml", Thing)[1][0].code == "PK001"
    assert decode_file(tmp_path, Thing)[1][0].code == "PK001"


# ---------------------------------------------------------------- side tables


@pytest.mark.parametrize(
    "name",
    ["../x.csv", "/etc/x.csv", "a/x.csv", "a\\x.csv", "..csv", "x.txt", "C:x.csv", ".x.csv"],
)
def test_a_table_outside_the_packs_own_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(f"table: '{name}'\n", encoding="utf-8")
    assert [p.code for p in read_file(path, WithTable).problems] == ["PK026"]


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("code\n", encoding="utf-8")
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "x.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "pack.yaml").write_text("table: x.csv\n", encoding="utf-8")
    assert [p.code for p in read_file(folder / "pack.yaml", WithTable).problems] == ["PK026"]


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text("table: x.csv\n", encoding="utf-8")
    assert [p.code for p in read_file(tmp_path / "pack.yaml", WithTable).problems] == ["PK001"]


# ---------------------------------------------------------------- properties

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
things = st.builds(
    Thing,
    name=texts,
    code=texts.map(Code),
    codes=st.lists(texts.map(Code), max_size=4),
    number=st.none() | st.integers(-(10**17), 10**17).filter(lambda n: n != 13),
    price=st.none() | st.decimals(-(10**9), 10**9, places=2),
    day=st.none() | st.dates(),
    switch=st.booleans(),
    colour=st.sampled_from(["red", "green"]),
    inner=st.none() | st.builds(Inner, from_=texts.map(Code), to=st.none() | texts.map(Code)),
    pair=st.lists(st.integers(0, 9)).map(tuple),
)


@given(things)
def test_what_is_written_is_read_back(thing: Thing) -> None:
    quoted = {"name": thing.name, "code": thing.code, "codes": thing.codes}
    lines = [yaml.safe_dump(quoted, default_style='"', allow_unicode=True)]
    lines += [f"number: {'~' if thing.number is None else thing.number}"]
    lines += [f"price: {'~' if thing.price is None else thing.price}"]
    lines += [f"day: {thing.day or '~'}", f"switch: {str(thing.switch).lower()}"]
    lines += [f"colour: {thing.colour}", f"pair: {list(thing.pair)}"]
    if thing.inner is not None:
        inner = {"from": thing.inner.from_}
        if thing.inner.to is not None:
            inner["to"] = thing.inner.to
        lines += [yaml.safe_dump({"inner": inner}, default_style='"', allow_unicode=True)]
    decoded = decode("\n".join(lines))
    assert decoded.problems == []
    assert decoded.value == thing


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_but_never_raises(text: str) -> None:
    decoded = decode(text)
    assert (decoded.value is None) == bool(decoded.problems)
