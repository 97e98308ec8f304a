"""The folder of a run: all or nothing, the same bytes, and read back as it was."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tariff import schemas
from tariff.cli.report import report
from tariff.errors import DataError, UsageError
from tariff.report import safe, text, write
from tariff.report.terminal import summary
from tests.report.fake_run import empty_run, fake_run

NAMES = {
    "report.html",
    "workbook.xlsx",
    "findings.parquet",
    "causes.csv",
    "findings.csv",
    "spells.parquet",
    "rejects.csv",
    "manifest.json",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def break_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the writing of one file fail half way through it."""
    real = write._text

    def failing(content: str, path: Path) -> None:
        if name in path.name:
            path.write_text(content[:10])
            raise OSError(28, "No space left on device", str(path))
        real(content, path)

    monkeypatch.setattr(write, "_text", failing)


def test_writes_every_file_and_nothing_else(tmp_path: Path) -> None:
    paths = write.write_run(tmp_path / "new" / "run", fake_run())
    assert {path.name for path in paths} == NAMES
    assert set(contents(tmp_path / "new" / "run")) == NAMES


@pytest.mark.parametrize("hostile", [False, True])
def test_reads_back_what_was_written(tmp_path: Path, hostile: bool) -> None:
    run = fake_run(hostile=hostile)
    write.write_run(tmp_path, run)
    again = write.read_run(tmp_path)
    assert again.spells.equals(run.spells)
    assert again.findings.equals(run.findings)
    assert again.rejects.equals(run.rejects)
    assert again.manifest == run.manifest


def test_reads_back_an_empty_run(tmp_path: Path) -> None:
    write.write_run(tmp_path, empty_run())
    again = write.read_run(tmp_path)
    assert again.findings.num_rows == again.spells.num_rows == again.rejects.num_rows == 0
    with (tmp_path / "findings.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [schemas.FINDINGS.names]


def test_same_bytes_whatever_the_chunks(tmp_path: Path) -> None:
    run, cut = fake_run(300), fake_run(300)
    for name in ("spells", "findings", "rejects"):
        table = getattr(cut, name)
        pieces = [table.slice(start, 7) for start in range(0, table.num_rows, 7)]
        setattr(cut, name, pa.concat_tables(pieces))
    write.write_run(tmp_path / "a", run)
    write.write_run(tmp_path / "b", cut)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_findings_csv(tmp_path: Path) -> None:
    run = fake_run(hostile=True)
    write.write_run(tmp_path, run)
    with (tmp_path / "findings.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == schemas.FINDINGS.names
    assert (
        sum(int(line["settled_pence"] or 0) for line in lines) == (run.manifest["money"]["settled"])
    )
    assert any(int(line["value_pence"] or 0) < 0 for line in lines)  # numbers are left alone
    for line, record in zip(lines, run.findings.to_pylist(), strict=True):
        assert line["spell_ids"] == " ".join(record["spell_ids"])
        for name, value in line.items():
            if not name.endswith("_pence") and value:
                assert value[0] not in "=+-@\t\r"


def test_rejects_csv_is_neutralised(tmp_path: Path) -> None:
    write.write_run(tmp_path, fake_run(hostile=True))
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        values = [line["value"] for line in csv.DictReader(file)]
    assert "'=cmd|' /C calc'!A0" in values
    assert all(value[0] not in "=+-@\t\r" for value in values)


@given(st.text("=+-@\t\r\n'\uff1dab ", max_size=5))
def test_neutralised_text_is_restored(value: str) -> None:
    assert safe.restore(safe.cell(value)) == value
    assert not value or safe.cell(value)[0] not in "=+-@\t\r\n"
    table = pa.table({"text": pa.array([value])})
    marked = safe.columns(table)
    assert marked["text"].to_pylist() == [safe.cell(value)]
    assert safe.restored_columns(marked)["text"].to_pylist() == [value]


def test_no_half_written_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_at(monkeypatch, "report.html")
    with pytest.raises(UsageError, match="No space left") as caught:
        write.write_run(tmp_path / "run", fake_run())
    assert caught.value.hint
    assert contents(tmp_path / "run") == {}


@pytest.mark.parametrize("name", ["manifest.json", "report.html"])
def test_old_files_stay_when_new_ones_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write.write_run(tmp_path, fake_run())
    before = contents(tmp_path)
    break_at(monkeypatch, name)
    with pytest.raises(UsageError):
        write.write_run(tmp_path, fake_run(seed=2))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("failing", range(14))
def test_a_rename_that_fails_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    write.write_run(tmp_path, fake_run())
    before = contents(tmp_path)
    real, calls = os.replace, iter(range(100))

    def replace(source: Any, target: Any) -> None:
        if next(calls) == failing:
            raise PermissionError(13, "The file is open in another program", str(target))
        real(source, target)

    monkeypatch.setattr(write.os, "replace", replace)
    with pytest.raises(UsageError, match="open in another program"):
        write.write_run(tmp_path, fake_run(seed=2))
    assert contents(tmp_path) == before


def test_an_error_of_ours_leaves_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write.write_run(tmp_path, fake_run())
    before = contents(tmp_path)
    run = fake_run(seed=2)
    run.findings = run.findings.drop_columns(["note"])
    with pytest.raises(KeyError):
        write.write_run(tmp_path, run)
    assert contents(tmp_path) == before


def test_an_unwritable_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UsageError) as caught:
        write.write_run(tmp_path / "file", fake_run())
    assert "folder you may write to" in caught.value.hint
    assert (tmp_path / "file").read_text() == "not a folder"


def test_what_an_earlier_run_left_does_not_stay(tmp_path: Path) -> None:
    write.write_run(tmp_path, fake_run())
    (tmp_path / "episodes.parquet").write_bytes(b"of the earlier run")
    (tmp_path / "notes.txt").write_bytes(b"the user's own")
    write.write_run(tmp_path, fake_run(seed=2), html=False, workbook=False)
    assert set(contents(tmp_path)) == NAMES - {"report.html", "workbook.xlsx"} | {"notes.txt"}


def test_findings_alone_leave_the_spells_out(tmp_path: Path) -> None:
    write.write_run(tmp_path, fake_run())
    write.write_run(tmp_path, fake_run(seed=2), spells=False, html=False, workbook=False)
    assert set(contents(tmp_path)) == {
        "findings.parquet",
        "findings.csv",
        "causes.csv",
        "rejects.csv",
        "manifest.json",
    }


def test_report_renders_again_and_touches_nothing_else(tmp_path: Path) -> None:
    write.write_run(tmp_path, fake_run())
    before = contents(tmp_path)
    (tmp_path / "report.html").unlink()
    (tmp_path / "workbook.xlsx").write_bytes(b"stale")
    result = CliRunner().invoke(report, [str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert [Path(line).name for line in result.output.split()] == ["report.html", "workbook.xlsx"]
    assert contents(tmp_path) == before


def test_read_run_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        write.read_run(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"manifest\.json"):
        write.read_run(tmp_path)
    write.write_run(tmp_path, fake_run(), html=False, workbook=False)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError):
        write.read_run(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "findings.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError):
        write.read_run(tmp_path)


def test_times_stand_in_the_manifest_only(tmp_path: Path) -> None:
    run, later = fake_run(), fake_run()
    later.manifest["run"] = {"started": "2030", "finished": "2030-01-01T00:00:00", "seconds": 9.0}
    write.write_run(tmp_path / "a", run)
    write.write_run(tmp_path / "b", later)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert {name for name in NAMES if a[name] != b[name]} == {"manifest.json", "report.html"}
    assert json.loads(b["manifest.json"])["run"] == later.manifest["run"]


def said(manifest: dict[str, Any], **options: Any) -> str:
    stream = io.StringIO()
    summary(manifest, Console(file=stream, width=100, **options), "out/run")
    return stream.getvalue()


def test_summary_is_plain_when_piped() -> None:
    output = said(fake_run().manifest)
    assert "\x1b" not in output
    for words in ("£436,878.35", "Deterministic", "SPL03", "2 not run (PRC05, EMR02)", "out/run"):
        assert words in output


def test_summary_tells_how_many_findings_only_ask() -> None:
    manifest = fake_run().manifest
    manifest["money"]["by_class"]["deterministic"] |= {"findings": 20, "questions": 12}
    (head,) = (line for line in said(manifest).splitlines() if line.startswith("Queried"))
    (line,) = (line for line in said(manifest).splitlines() if line.startswith("Deterministic"))
    assert line.split()[:3] == ["Deterministic", "20", "12"]
    assert line.index("20") + 2 == head.index("Findings") + len("Findings")
    assert line.index("12") + 2 == head.index("Of which ask") + len("Of which ask")


def test_summary_tells_what_is_no_cash_apart() -> None:
    manifest = fake_run().manifest
    manifest["money"]["by_class"] = {
        "deterministic": {
            "findings": 2,
            "questions": 0,
            "value": 900,
            "settled": 500,
            "settled_under": -100,
            "suspended": {"findings": 1, "value": 7700, "settled": 7700, "settled_under": 0},
        },
        "presumptive": {
            "findings": 1,
            "questions": 0,
            "value": -300,
            "settled": -300,
            "settled_under": -300,
        },
    }
    lines = [line.split() for line in said(manifest).splitlines()]
    assert ["Deterministic", "2", "0", "£9.00", "£5.00"] in lines
    assert ["Deterministic,", "suspended", "1", "£77.00", "£77.00"] in lines
    assert f"{text.pounds(-100)} deterministic, {text.pounds(-300)} presumptive" in said(manifest)


def test_summary_shows_data_as_it_is() -> None:
    manifest = fake_run().manifest
    manifest["notices"] = ["[bold red]not markup[/] \x1b[31mnor this"]
    output = said(manifest, force_terminal=True)
    assert "[bold red]not markup[/]" in output and "\x1b[31m" not in output


def test_summary_of_nothing() -> None:
    assert "0 rows" in said(empty_run().manifest) and "Queried" not in said({})
