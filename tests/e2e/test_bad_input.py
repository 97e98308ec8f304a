"""Bad input: what is wrong, where, why and what to do; the exit code; and nothing half-written."""

from __future__ import annotations

import csv
import gzip
import html
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.e2e.command import (
    COMMAND,
    FILES,
    Result,
    Row,
    environment,
    left,
    ran,
    read_rows,
    tariff,
    together,
    write_rows,
)
from tests.e2e.conftest import Checked, dearer

FEW = 60
QUICK = ("--only", "findings")
NHS_NUMBERS = ("9434765919", "4010232137", "5990128088")  # invented; the check digits agree


@pytest.fixture(scope="module")
def few(singles: list[Row]) -> list[Row]:
    """A few rows, each a spell of its own."""
    return [dict(row) for row in singles[:FEW]]


@pytest.fixture
def extract(few: list[Row], tmp_path: Path) -> Path:
    return write_rows(tmp_path / "april.csv", few)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def refused(result: Result, code: int, *words: str, hint: bool = True) -> str:
    """The message of a command that ended so, and that says all of this."""
    ran(result, code)
    assert result.stdout == ""
    assert result.stderr.startswith("error: "), result.stderr
    if hint:
        assert "\n  hint: " in result.stderr, result.stderr
    for word in words:
        assert word in result.error, f"'{word}' is not in: {result.error}"
    return result.error


def names_nobody(text: str, rows: list[Row]) -> None:
    """No patient and no spell of these rows is in a message."""
    words = set(re.findall(r"\w+", text))
    for column in ("patient_id", "spell_id"):
        assert not words & {row[column] for row in rows}, text
    assert not words & set(NHS_NUMBERS), text


def text_file(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# ---------------------------------------------------------------- files that cannot be used


def no_bytes(source: Path) -> Path:
    return text_file(source.with_name("bad.csv"), b"")


def header_alone(source: Path) -> Path:
    return text_file(source.with_name("bad.csv"), source.read_text().partition("\n")[0] + "\n")


def without_spells(source: Path) -> Path:
    rows = read_rows(source)
    columns = [name for name in rows[0] if name != "spell_id"]
    return write_rows(source.with_name("bad.csv"), rows, columns)


def with_semicolons(source: Path) -> Path:
    return text_file(source.with_name("bad.csv"), source.read_text().replace(",", ";"))


def with_colons(source: Path) -> Path:
    return text_file(source.with_name("bad.csv"), source.read_text().replace(",", ":"))


def without_header(source: Path) -> Path:
    return text_file(source.with_name("bad.csv"), source.read_text().partition("\n")[2])


def one_line_without_header(source: Path) -> Path:
    """One spell identifier a line: the 'header' is data."""
    lines = [row["spell_id"] for row in read_rows(source)]
    return text_file(source.with_name("bad.csv"), "\n".join(lines) + "\n")


def cut_parquet(source: Path) -> Path:
    path = source.with_name("whole.parquet")
    from pyarrow.csv import read_csv

    pq.write_table(read_csv(source), path)
    return text_file(source.with_name("bad.parquet"), path.read_bytes()[:-40])


def cut_gzip(source: Path) -> Path:
    packed = gzip.compress(source.read_bytes())
    return text_file(source.with_name("bad.csv.gz"), packed[: len(packed) // 2])


def a_folder(source: Path) -> Path:
    path = source.with_name("bad")
    path.mkdir()
    return path


def nothing(source: Path) -> Path:
    return source.with_name("bad.csv")


def open_quote(source: Path) -> Path:
    lines = source.read_text().splitlines()
    lines[10] = lines[10].replace(",", ',"', 1)
    return text_file(source.with_name("bad.csv"), "\n".join(lines) + "\n")


def two_columns_of_one_name(source: Path) -> Path:
    text = source.read_text().replace("site,", "provider,", 1)
    return text_file(source.with_name("bad.csv"), text)


def pdf(source: Path) -> Path:
    return text_file(source.with_name("bad.csv"), b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\0\0\0obj")


UNUSABLE: dict[Callable[[Path], Path], str] = {
    no_bytes: "the file is empty",
    header_alone: "there are no rows below the header",
    without_spells: "mandatory column missing: spell_id",
    with_semicolons: "the columns are separated by semicolons",
    with_colons: "the first line is a single column",
    without_header: "no layout is known for this header",
    one_line_without_header: "no layout is known for this header",
    cut_parquet: "cut short or damaged",
    cut_gzip: "cut short or damaged",
    a_folder: "is a folder",
    nothing: "there is no such file",
    open_quote: "rows",
    two_columns_of_one_name: "column 'provider' stands twice",
    pdf: "this is not a text file",
}
Refusals = dict[Callable[[Path], Path], tuple[Path, Path, Result]]


@pytest.fixture(scope="module")
def refusals(few: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """Each such file, its output folder, and what the command said."""
    folders = [tmp_path_factory.mktemp(make.__name__) for make in UNUSABLE]
    paths = [
        make(write_rows(folder / "april.csv", few))
        for make, folder in zip(UNUSABLE, folders, strict=True)
    ]
    results = together(
        *(["check", path, "-o", path.with_name("out")] for path in paths),
    )
    return {
        make: (path, path.with_name("out"), result)
        for make, path, result in zip(UNUSABLE, paths, results, strict=True)
    }


@pytest.mark.parametrize("make", UNUSABLE, ids=lambda make: make.__name__)
def test_a_file_that_cannot_be_used_is_refused_with_4(
    refusals: Refusals, few: list[Row], make: Callable[[Path], Path]
) -> None:
    path, out, result = refusals[make]
    message = refused(result, 4, UNUSABLE[make], path.name)
    names_nobody(message, few)
    assert left(out) == set()


def test_the_stages_refuse_the_same(extract: Path, out: Path) -> None:
    path = cut_gzip(extract)
    for result in together(["price", path, "-o", out], ["group", path, "-o", out]):
        refused(result, 4, "cut short or damaged")
    assert left(out) == set()


def test_one_bad_file_among_good_ones_stops_the_run(
    extract: Path, few: list[Row], out: Path
) -> None:
    message = refused(tariff("check", extract, cut_gzip(extract), "-o", out), 4, "bad.csv.gz")
    names_nobody(message, few)
    assert left(out) == set()


def test_profile_refuses_the_same(extract: Path, tmp_path: Path) -> None:
    layout = tmp_path / "mine.yaml"
    refused(tariff("data", "profile", cut_gzip(extract), "--write-layout", layout), 4)
    assert not layout.exists()


def test_a_file_that_may_not_be_read(extract: Path, out: Path, permissions: dict[str, Any]) -> None:
    extract.chmod(0)
    result = tariff("check", extract, "-o", out, **permissions)
    refused(result, 4, "april.csv", "cannot be opened (Permission denied)")
    assert left(out) == set()


# ---------------------------------------------------------------- places that cannot be written


def test_a_folder_that_may_not_be_written(
    extract: Path, out: Path, permissions: dict[str, Any]
) -> None:
    out.mkdir()
    out.chmod(0o555)
    for place in (out, out / "below"):
        result = tariff("check", extract, "-o", place, **permissions)
        refused(result, 2, "cannot be written", "Permission denied", str(place))
    assert left(out) == set()


def test_an_output_that_is_a_file(extract: Path, tmp_path: Path) -> None:
    before = extract.read_bytes()
    refused(tariff("check", extract, "-o", extract), 2, "is a file", "names a folder")
    refused(tariff("check", extract, "-o", extract / "out"), 2, str(extract))
    assert extract.read_bytes() == before
    assert left(tmp_path) == {extract.name}


@pytest.mark.parametrize("name", ["findings.csv", "report.html"])
def test_a_folder_in_the_place_of_a_result(extract: Path, out: Path, name: str) -> None:
    (out / name).mkdir(parents=True)
    (out / name / "mine.txt").write_text("not ours")
    refused(tariff("check", extract, "-o", out), 2, "cannot be written", name)
    assert left(out) == {name}
    assert (out / name / "mine.txt").read_text() == "not ours"


def test_a_run_that_fails_leaves_the_results_of_the_last_one(extract: Path, out: Path) -> None:
    ran(tariff("check", extract, "-o", out))
    before = {name: (out / name).read_bytes() for name in left(out)}
    refused(tariff("check", cut_gzip(extract), "-o", out), 4)
    assert {name: (out / name).read_bytes() for name in left(out)} == before


def test_a_folder_that_is_not_of_a_run_cannot_be_rendered(
    tmp_path: Path, priced: Checked, extract: Path
) -> None:
    refused(tariff("report", tmp_path / "none"), 2, "is not a folder")
    refused(tariff("report", tmp_path), 2, "is not the folder of a run", "manifest.json")
    refused(tariff("report", priced.folder), 2, "findings.parquet missing", "tariff check")
    ran(tariff("check", extract, "-o", tmp_path / "out", *QUICK))
    message = refused(tariff("report", tmp_path / "out"), 2, "spells.parquet missing")
    assert "--only findings" in message  # which left it out


def test_a_run_whose_files_were_changed_cannot_be_rendered(extract: Path, out: Path) -> None:
    ran(tariff("check", extract, "-o", out))
    whole = (out / "manifest.json").read_bytes()
    (out / "manifest.json").write_bytes(whole[:-200])
    refused(tariff("report", out), 4, "cannot be read as a run")
    (out / "manifest.json").write_bytes(whole)
    spells = (out / "spells.parquet").read_bytes()
    (out / "spells.parquet").write_bytes(spells[:-20])
    refused(tariff("report", out), 4, "cannot be read as a run")
    assert left(out) == FILES


# ---------------------------------------------------------------- options


WRONG = {
    ("--year", "2022"): ("2022", "2024/25"),
    ("--year", "2022/24"): ("2022/24", "2024/25"),
    ("--mff", "high"): ("--mff high is not a number",),
    ("--mff", "nan"): ("--mff nan is out of range",),
    ("--mff-year", "soon"): ("soon", "2024/25"),
    ("--mff-year", "2022"): ("2022", "2024/25"),
    ("--select", "PRC99"): ("no signature is called 'PRC99'", "PRC01"),
    ("--layout", "natonal-grouper-apc"): ("there is no layout", "national-grouper-apc"),
    ("--layout", "mine.yaml"): ("mine.yaml", "no such layout file"),
}
UNKNOWN = {
    ("--level", "silly"): "'silly' is not one of",
    ("--fail-on", "silly"): "'silly' is not one of",
    ("--max-bad-rows", "7"): "0<=x<=1",
    ("--selekt", "PRC01"): "--select",
}
Answers = dict[tuple[str, str], tuple[Path, Result]]


@pytest.fixture(scope="module")
def answers(few: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What the command says to each of these options, and its output folder."""
    folder = tmp_path_factory.mktemp("options")
    path = write_rows(folder / "april.csv", few)
    every = [*WRONG, *UNKNOWN]
    outs = [folder / str(number) for number in range(len(every))]
    results = together(
        *(
            ["check", path, "-o", out, *QUICK, *options]
            for options, out in zip(every, outs, strict=True)
        )
    )
    return dict(zip(every, zip(outs, results, strict=True), strict=True))


@pytest.mark.parametrize("options", WRONG, ids="=".join)
def test_options_that_are_wrong_end_with_2(answers: Answers, options: tuple[str, str]) -> None:
    out, result = answers[options]
    refused(result, 2, *WRONG[options])
    assert left(out) == set()


@pytest.mark.parametrize("options", UNKNOWN, ids="=".join)
def test_options_that_the_command_does_not_know_end_with_2(
    answers: Answers, options: tuple[str, str]
) -> None:
    out, result = answers[options]
    assert UNKNOWN[options] in ran(result, 2).error
    assert "Usage: tariff check" in result.error
    assert left(out) == set()


def test_what_is_missing_from_the_command_line_is_named(extract: Path) -> None:
    assert "--output" in ran(tariff("check", extract), 2).error
    assert "FILE..." in ran(tariff("check", "-o", "out"), 2).error
    assert "No such command 'chekc'" in ran(tariff("chekc"), 2).error


def test_an_artificial_extract_that_cannot_be_made(tmp_path: Path) -> None:
    wrong = (("--episodes", "-1"), ("--year", "1990/91"), ("--month", "2022-13"))
    results = together(
        *(["data", "synth", "-o", tmp_path / "x.csv", *options] for options in wrong)
    )
    for result, (_, value) in zip(results, wrong, strict=True):
        refused(result, 2, value)
    assert left(tmp_path) == set()


# ---------------------------------------------------------------- packs and layouts


PACK = """\
id: mine
version: "1.0.0"
kind: signatures
title: A pack of a test
provenance: illustrative
last_checked: 2026-01-01
engine: ">=0.1"
sources: [{title: Made up}]
"""
RULE = """\
id: TST01
version: 1.0.0
name: from-elsewhere
title: From elsewhere
class: presumptive
status: stable
level: high
scope: spell
match:
  admission_source: [NO, 07]
step: days and units
remedy: {kind: query}
what: The source appears odd.
why: It is looked at.
ask: Please evidence the source.
legitimate_reasons: [It was one.]
sources: [{title: Made up}]
tests:
  - {name: code NO, finds: 1, spells: [{provider: RXX, spell_id: A, admission_source: NO}]}
  - {name: code 07, finds: 1, spells: [{provider: RXX, spell_id: A, admission_source: 07}]}
  - {name: not 7, finds: 0, spells: [{provider: RXX, spell_id: A, admission_source: 7}]}
  - {name: not false, finds: 0, spells: [{provider: RXX, spell_id: A, admission_source: false}]}
"""


def pack_folder(folder: Path, manifest: str = PACK, rule: str = RULE) -> Path:
    folder.mkdir(parents=True)
    (folder / "pack.yaml").write_text(manifest, encoding="utf-8")
    (folder / "TST01-from-elsewhere.yaml").write_text(rule, encoding="utf-8")
    return folder


def refused_pack(extract: Path, out: Path, pack: Path, *words: str) -> None:
    """Refused alike by the check of packs and by a run that is given it."""
    checked, run = together(["pack", "check", pack], ["check", extract, "-o", out, "--pack", pack])
    for word in words:
        assert word in " ".join(ran(checked, 3).stdout.split()), checked.stdout
    refused(run, 3, *words, hint=False)
    assert left(out) == set()


def test_codes_that_yaml_would_spoil_are_text(tmp_path: Path, few: list[Row], out: Path) -> None:
    pack = pack_folder(tmp_path / "mine")
    assert "0 errors" in ran(tariff("pack", "check", pack)).stderr
    assert "4 passed, 0 failed" in ran(tariff("pack", "test", pack)).stdout
    rows = [dict(row) for row in few]
    for row, code in zip(rows, ("NO", "07", "7", "false"), strict=False):
        row["admission_source"] = code
    path = write_rows(tmp_path / "april.csv", rows)
    ran(tariff("check", path, "-o", out, *QUICK, "--pack", pack, "--select", "TST01"))
    found = {row["spell_ids"] for row in read_rows(out / "findings.csv")}
    assert found == {rows[0]["spell_id"], rows[1]["spell_id"]}


def test_a_duplicate_key_is_named_with_its_place(extract: Path, tmp_path: Path, out: Path) -> None:
    pack = pack_folder(tmp_path / "mine", PACK + "title: Once more\n")
    line = PACK.count("\n") + 1
    refused_pack(extract, out, pack, f"pack.yaml:{line}:1: PK012", "title")


def test_a_misspelt_key_is_named_with_a_hint(extract: Path, tmp_path: Path, out: Path) -> None:
    pack = pack_folder(tmp_path / "mine", rule=RULE.replace("remedy:", "remdy:"))
    line = RULE[: RULE.index("remedy:")].count("\n") + 1
    refused_pack(
        extract,
        out,
        pack,
        f"TST01-from-elsewhere.yaml:{line}:1: PK020",
        "remdy",
        "did you mean 'remedy'?",
    )


def test_all_problems_of_a_pack_are_told_at_once(tmp_path: Path) -> None:
    rule = RULE.replace("level: high", "level: hihg").replace("scope: spell", "scpe: spell")
    rule = rule.replace("ask: Please evidence the source.\n", "")
    told = ran(tariff("pack", "check", pack_folder(tmp_path / "mine", rule=rule)), 3).stdout
    for word in ("hihg", "scpe", "ask"):
        assert word in told
    as_json = ran(tariff("pack", "check", "--format", "json", tmp_path / "mine"), 3).stdout
    assert len(json.loads(as_json)) >= 3


def test_two_packs_of_one_name_are_both_named(extract: Path, tmp_path: Path, out: Path) -> None:
    one, two = pack_folder(tmp_path / "a" / "x"), pack_folder(tmp_path / "a" / "y")
    refused_pack(extract, out, tmp_path / "a", "PK302", "'mine'", str(one), str(two))
    result = tariff("check", extract, "-o", out, "--pack", one, "--pack", two)
    refused(result, 3, "PK302", str(one), str(two))


def test_a_pack_that_is_not_there(extract: Path, tmp_path: Path, out: Path) -> None:
    result = tariff("check", extract, "-o", out, "--pack", tmp_path / "none")
    refused(result, 3, "no pack found", str(tmp_path / "none"))


def bomb(path: Path, start: str) -> Path:
    """A YAML file of 100 MB that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(start, encoding="utf-8")
    os.truncate(path, 100 << 20)
    return path


def test_a_yaml_bomb_is_refused_before_it_is_read(extract: Path, tmp_path: Path, out: Path) -> None:
    bomb(tmp_path / "large" / "pack.yaml", PACK)
    refused_pack(extract, out, tmp_path / "large", "pack.yaml:1:1: PK002")
    layout = bomb(tmp_path / "layout.yaml", "id: mine\n")
    refused(tariff("check", extract, "-o", out, "--layout", layout), 3, "PK002", hint=False)
    assert "PK002" in ran(tariff("pack", "check", layout), 3).stdout


def test_a_yaml_bomb_of_aliases_and_one_of_depth_are_refused(
    extract: Path, tmp_path: Path, out: Path
) -> None:
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    refused_pack(extract, out, pack_folder(tmp_path / "laughs", PACK + laughs), "PK006")
    deep = PACK + "lists: " + "[" * 5000 + "]" * 5000 + "\n"
    refused_pack(extract, out, pack_folder(tmp_path / "deep", deep), "PK009")


def test_a_pack_reaches_no_file_outside_its_folder(
    extract: Path, tmp_path: Path, out: Path
) -> None:
    manifest = PACK.replace("kind: signatures", "kind: codes")
    manifest += "classification: opcs4\ncodes: ../secret.csv\n"
    text_file(tmp_path / "secret.csv", "code\nA011\n")
    pack = pack_folder(tmp_path / "mine", manifest)
    (pack / "TST01-from-elsewhere.yaml").unlink()
    refused_pack(extract, out, pack, "PK026", "../secret.csv")


def test_a_layout_with_mistakes(extract: Path, tmp_path: Path, out: Path) -> None:
    layout = text_file(
        tmp_path / "mine.yaml",
        'id: mine\nversion: "1"\ntitle: Mine\nstatus: complete\ncolums:\n  provider: {column: A}\n',
    )
    result = tariff("check", extract, "-o", out, "--layout", layout)
    refused(result, 3, "mine.yaml:5:1: PK020", "colums", "did you mean 'columns'?")
    assert left(out) == set()


# ---------------------------------------------------------------- odd values stay in


@pytest.fixture(scope="module")
def odd(
    few: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], Path, Result]:
    """The spells with an odd value, and the folder of their check."""
    rows = [dict(row) for row in few]
    stays = [row for row in rows if int(row["episode_duration"]) > 1]
    negative, reversed_dates, unknown, free = stays[:4]
    negative["episode_duration"] = "-3"
    dates = reversed_dates["admission_date"], reversed_dates["discharge_date"]
    reversed_dates["discharge_date"], reversed_dates["admission_date"] = dates
    unknown["billed_hrg"] = "XX99Z"
    free["billed_price"] = free["billed_total"] = "0"
    folder = tmp_path_factory.mktemp("odd")
    path = write_rows(folder / "april.csv", rows)
    result = ran(tariff("check", path, "-o", folder / "out"))
    names = {
        "negative": negative["spell_id"],
        "reversed": reversed_dates["spell_id"],
        "unknown": unknown["spell_id"],
        "free": free["spell_id"],
    }
    return names, folder / "out", result


def spell_of(folder: Path, spell_id: str) -> dict[str, Any]:
    spells = pq.read_table(folder / "spells.parquet").to_pylist()
    (found,) = [spell for spell in spells if spell["spell_id"] == spell_id]
    return dict(found)


def page_text(folder: Path) -> str:
    """The words of the report: a person reads these, not the Parquet file."""
    page = (folder / "report.html").read_text("utf-8").partition("</style>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).lower().split())


def finding_on(folder: Path, spell_id: str) -> list[Row]:
    found = read_rows(folder / "findings.csv")
    return [finding for finding in found if spell_id in finding["spell_ids"].split()]


def test_odd_values_are_never_rejected(odd: tuple[dict[str, str], Path, Result]) -> None:
    _, folder, _ = odd
    assert read_rows(folder / "rejects.csv") == []
    counts = json.loads((folder / "manifest.json").read_text("utf-8"))["counts"]
    assert (counts["rows_read"], counts["rows_rejected"], counts["spells"]) == (FEW, 0, FEW)


def test_a_negative_length_of_stay_is_reported(odd: tuple[dict[str, str], Path, Result]) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["negative"])
    assert spell["error_category"] == "field"
    assert spell["hrg"] == "UZ01Z"
    assert spell["billed_pence"] > 0


def test_a_discharge_before_admission_is_reported(
    odd: tuple[dict[str, str], Path, Result],
) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["reversed"])
    assert "negative_stay" in spell["price_reasons"].split()
    assert spell["billed_pence"] > 0
    assert "discharged before admitted negative_stay 1" in page_text(folder)


def test_an_unknown_hrg_is_reported(odd: tuple[dict[str, str], Path, Result]) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["unknown"])
    assert spell["billed_hrg"] == spell["priced_hrg"] == "XX99Z"
    assert "hrg_not_in_tariff" in spell["price_reasons"].split()
    assert not spell["complete"]
    assert spell["base_pence"] is None and spell["total_pence"] is None  # never a silent zero
    assert spell["billed_pence"] > 0
    assert "the price list does not have the hrg hrg_not_in_tariff 1" in page_text(folder)


def test_a_price_of_zero_is_reported_as_an_under_charge(
    odd: tuple[dict[str, str], Path, Result],
) -> None:
    names, folder, _ = odd
    spell = spell_of(folder, names["free"])
    assert spell["billed_pence"] == 0
    found = finding_on(folder, names["free"])
    assert [finding["rule"] for finding in found] == ["PRC01"]
    assert int(found[0]["value_pence"]) == -spell["total_pence"] < 0


# ---------------------------------------------------------------- rejects


def spoilt(few: list[Row]) -> tuple[list[Row], list[tuple[int, str, str, str]]]:
    """Rows of which three cannot be read, and what the rejects should say of them."""
    rows = [dict(row) for row in few]
    rows[4]["admission_date"] = "the 5th"
    rows[9]["spell_id"] = ""
    rows[14]["age"] = NHS_NUMBERS[0]  # the columns have slipped
    return rows, [
        (6, "admission_date", "the 5th", "not a date (YYYY-MM-DD)"),
        (11, "spell_id", "", "missing"),
        (16, "age", "9... (10 characters)", "whole number"),
    ]


def test_rows_that_cannot_be_read_are_listed_and_counted(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows, expected = spoilt(few)
    path = write_rows(tmp_path / "april.csv", rows)
    result = ran(tariff("check", path, "-o", out))
    assert "3 rejected" in result.stdout
    found = read_rows(out / "rejects.csv")
    assert [(int(row["line"]), row["column"], row["value"]) for row in found] == [
        line[:3] for line in expected
    ]
    for row, line in zip(found, expected, strict=True):
        assert Path(row["file"]).name == "april.csv"
        assert line[3] in row["reason"]
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    counts, money = manifest["counts"], manifest["money"]
    assert counts["rows_read"] == FEW
    assert counts["rows_rejected"] == 3
    assert counts["rows_read"] - counts["rows_rejected"] == counts["episodes"]
    lost = sum(round(float(rows[index]["billed_total"]) * 100) for index in (4, 9, 14))
    assert money["billed_in_rejects"] == lost
    whole = sum(round(float(row["billed_total"]) * 100) for row in rows)
    assert money["billed"] + lost == whole
    texts = [(out / name).read_text("utf-8") for name in left(out)
             if name.endswith((".html", ".csv", ".json"))]  # fmt: skip
    for text in [*texts, result.stdout, result.stderr]:
        assert not any(number in text for number in NHS_NUMBERS)
        assert not any(row["patient_id"] in text for row in rows)
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    assert book["Rejects"].max_row >= 3


def test_too_many_rejects_end_with_4_and_nothing_is_written(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows, _ = spoilt(few)
    path = write_rows(tmp_path / "april.csv", rows)
    result = tariff("check", path, "-o", out, "--max-bad-rows", "0.04")
    message = refused(
        result, 4, "3 of 60 rows (5.0%) cannot be read", "at most 4.0% may be", "april.csv:6",
        "admission_date", "--max-bad-rows",
    )  # fmt: skip
    names_nobody(message, few)
    assert "the 5th" not in message
    assert left(out) == set()
    refused(tariff("price", path, "-o", out, "--max-bad-rows", "0"), 4)
    assert left(out) == set()


# ---------------------------------------------------------------- hostile and private values


def test_formulas_and_markup_in_identifiers_do_nothing(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows = [dict(row) for row in few]
    hostile = ("=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "<script>alert(1)</script>")
    for row, text in zip(rows, hostile, strict=False):
        row.update(dearer(row, 500), spell_id=text)
    rows[10]["episode_order"] = "=1+1"
    path = write_rows(tmp_path / "april.csv", rows)
    ran(tariff("check", path, "-o", out))
    found = read_rows(out / "findings.csv")
    assert len(found) == len(hostile)
    for name in ("findings.csv", "rejects.csv"):
        with (out / name).open(encoding="utf-8", newline="") as handle:
            cells = [cell for line in csv.reader(handle) for cell in line]
        assert not [cell for cell in cells if cell[:1] in "=+@\t\r" and cell]
        dashes = [cell for cell in cells if cell.startswith("-")]
        assert all(re.fullmatch(r"-[0-9]+", cell) for cell in dashes)
    assert read_rows(out / "rejects.csv")[0]["value"] == "'=1+1"
    kept = set(pq.read_table(out / "spells.parquet")["spell_id"].to_pylist())
    assert set(hostile) <= kept  # the Parquet files hold the text as it was
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    for sheet in book:
        for line in sheet.iter_rows():
            for cell in line:
                assert cell.data_type != "f" or sheet.title == "Summary", cell.value
                assert not (isinstance(cell.value, str) and cell.value.startswith(("=cmd", "@SUM")))
    page = (out / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_nhs_numbers_are_warned_about_and_shown_nowhere(
    few: list[Row], tmp_path: Path, out: Path
) -> None:
    rows = [dict(row) | {"patient_id": NHS_NUMBERS[index % 3]} for index, row in enumerate(few)]
    rows[0].update(dearer(rows[0], 500))
    path = write_rows(tmp_path / "april.csv", rows)
    result = ran(tariff("check", path, "-o", out))
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    cells = "\n".join(
        str(cell.value) for sheet in book for line in sheet.iter_rows() for cell in line
    )
    texts = [(out / name).read_text("utf-8") for name in left(out)
             if name.endswith((".html", ".csv", ".json"))]  # fmt: skip
    for text in [*texts, cells, result.stdout, result.stderr]:
        assert not any(number in text for number in NHS_NUMBERS)
    profiled = ran(tariff("data", "profile", path))
    assert "looks like NHS numbers" in profiled.stderr
    assert not any(number in profiled.stdout + profiled.stderr for number in NHS_NUMBERS)
    notices = json.loads((out / "manifest.json").read_text("utf-8"))["notices"]
    assert any("NHS number" in notice and "patient_id" in notice for notice in notices)
    assert "NHS number" in result.stdout + result.stderr


# ---------------------------------------------------------------- interrupted


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    """The command, running; a test in the background may have inherited an ignored SIGINT."""
    return subprocess.Popen(
        [str(COMMAND), *map(str, arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


def interrupted(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted; nothing half-written was left" in err
    assert "Traceback" not in err
    assert "Report:" not in out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_interrupted_while_it_reads(tmp_path: Path, out: Path) -> None:
    pipe = tmp_path / "april.csv"
    os.mkfifo(pipe)
    process = started("check", pipe, "-o", out)
    writer = None
    for _ in range(2000):
        try:
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:  # nobody reads yet
            time.sleep(0.01)
    assert writer is not None
    try:
        interrupted(process)
    finally:
        os.close(writer)
    assert left(out) == set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX signals")
def test_interrupted_while_it_writes(singles: list[Row], tmp_path: Path, out: Path) -> None:
    """Many findings, so that page and workbook take a while; an earlier run stays as it was."""
    rows = [
        row | {"spell_id": f"{row['spell_id']}X{copy}", "patient_id": f"{row['patient_id']}X{copy}"}
        for row in (dearer(row, 500) for row in singles)
        for copy in range(5)
    ]
    path = write_rows(tmp_path / "april.csv", rows)
    out.mkdir()
    (out / "findings.csv").write_text("of an earlier run")
    process = started("check", path, "-o", out)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if any(name.endswith(".new") for name in left(out)):
            break
        time.sleep(0.002)
    interrupted(process)
    assert left(out) == {"findings.csv"}
    assert (out / "findings.csv").read_text() == "of an earlier run"
