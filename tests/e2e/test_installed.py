"""What only a process of its own shows: exit codes, streams, the environment of the shell."""

from __future__ import annotations

import sys
from pathlib import Path

import tariff as package
from tests.e2e.command import QUICK, Row, installed, left, ran, tariff, text_file, write_rows
from tests.e2e.conftest import Checked
from tests.e2e.test_packs_and_data import signature_pack


def test_it_says_its_version_and_that_its_core_is_compiled() -> None:
    assert ran(installed("--version")).stdout.split()[-1] == package.__version__
    told = ran(installed("doctor"))
    assert "(compiled)" in told.stdout and told.stderr == ""
    assert f"Python {sys.version.split()[0]}" in told.stdout


def test_a_process_ends_with_the_code_of_what_happened(
    faulty: Path, few: list[Row], tmp_path: Path
) -> None:
    """The message is on standard error, what was asked for on standard output."""
    broken = signature_pack(tmp_path / "mine", level="silly")
    empty = text_file(tmp_path / "empty.csv", "")
    out = tmp_path / "out"
    for code, arguments in {
        1: ["check", faulty, "-o", tmp_path / "faulty", *QUICK, "--fail-on", "high"],
        2: ["check", faulty, "-o", out, "--year", "2022"],
        3: ["pack", "check", broken],
        4: ["check", empty, "-o", out],
    }.items():
        process, here = installed(*arguments), tariff(*arguments)
        assert process.code == code
        assert process == here
        assert bool(process.stdout) == (code in (1, 3))
    assert left(out) == set()


def test_the_environment_of_the_shell_is_heard(few: list[Row], tmp_path: Path) -> None:
    path = write_rows(tmp_path / "april.csv", few)
    packs = {"TARIFF_PACKS": str(tmp_path / "none")}
    for run in (installed, tariff):
        result = run("check", path.name, "-o", "out", *QUICK, cwd=tmp_path, env=packs)
        assert "no pack found" in ran(result, 3).error
    ran(installed("check", path.name, "-o", "out", *QUICK, cwd=tmp_path))
    assert "findings.csv" in left(tmp_path / "out")


def test_a_run_in_another_process_gives_the_same_bytes(checked: Checked, tmp_path: Path) -> None:
    ran(tariff("check", checked.source, "-o", tmp_path))
    for name in ("findings.csv", "findings.parquet", "spells.parquet"):
        assert (tmp_path / name).read_bytes() == (checked.folder / name).read_bytes(), name


def test_an_artificial_extract_of_another_process_has_the_same_bytes(tmp_path: Path) -> None:
    order = ("--episodes", 120, "--seed", 3, "--month", "2022-09")
    for name, run in (("a.csv", installed), ("b.csv", tariff)):
        ran(run("data", "synth", "-o", tmp_path / name, *order))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
