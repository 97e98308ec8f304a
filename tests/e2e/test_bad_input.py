"""Files, places and options that are no use: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.e2e.command import (
    FILES,
    QUICK,
    Result,
    Row,
    cut_gzip,
    installed,
    left,
    names_nobody,
    ran,
    read_rows,
    refused,
    tariff,
    text_file,
    together,
    write_rows,
)
from tests.e2e.conftest import Checked

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
    without_header: "does not look like a header",
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
    result = installed("check", extract, "-o", out, **permissions)
    refused(result, 4, "april.csv", "cannot be opened (Permission denied)")
    assert left(out) == set()


# ---------------------------------------------------------------- places that cannot be written


def test_a_folder_that_may_not_be_written(
    extract: Path, out: Path, permissions: dict[str, Any]
) -> None:
    out.mkdir()
    out.chmod(0o555)
    for place in (out, out / "below"):
        result = installed("check", extract, "-o", place, **permissions)
        refused(result, 2, f"the results cannot be written to {place}", "Permission denied")
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
