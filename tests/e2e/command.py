"""The command, in this process or as it is installed, and small canonical files for it."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tariff.cli import main

Row = dict[str, str]

COMMAND = Path(sys.executable).with_name("tariff.exe" if os.name == "nt" else "tariff")
FEW = 60
QUICK = ("--only", "findings")
FILES = {
    "report.html",
    "workbook.xlsx",
    "findings.parquet",
    "causes.csv",
    "findings.csv",
    "spells.parquet",
    "rejects.csv",
    "manifest.json",
}


def nhs_number(number: int) -> str:
    """A number of the range that is kept for tests, with its check digit ("" where it has none)."""
    text = f"999{number:06}"
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(text)) % 11
    return "" if check == 10 else f"{text}{check % 11}"


NHS_NUMBERS = [text for text in map(nhs_number, range(2 * FEW)) if text][:FEW]


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    code: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """Standard error as one line: messages may be broken anywhere."""
        return " ".join(self.stderr.split())


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the tests without what changes the command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TARIFF_")}
    return {**kept, "COLUMNS": "200", **(extra or {})}


def tariff(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Result:
    """Run the command in this process, where packs are read once and nothing is imported again.

    It has its own streams and the environment of `installed`; what ends up in the shell (signals,
    permissions, the streams as such) is only to be seen with that.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
        Path(os.devnull).open(encoding="utf-8") as nothing,
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # as Python itself does
        kept = environment(env)
        for name in os.environ.keys() - kept.keys():
            patch.delenv(name)
        for name, value in kept.items():
            patch.setenv(name, value)
        if cwd is not None:
            patch.chdir(cwd)
        given = [str(argument) for argument in arguments]
        patch.setattr("sys.argv", [str(COMMAND), *given])
        for name, stream in (("stdin", nothing), ("stdout", out), ("stderr", err)):
            patch.setattr(f"sys.{name}", stream)
        try:
            code: object = main.run(given)
        except SystemExit as stop:
            code = stop.code
    assert isinstance(code, int)
    return sound(Result(code, printed(out), printed(err)))


def printed(stream: io.TextIOWrapper) -> str:
    """What was written to a stream."""
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


def installed(
    *arguments: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> Result:
    """Run the installed command, a process of its own: half a second and more."""
    done = subprocess.run(
        [str(COMMAND), *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        stdin=subprocess.DEVNULL,
        **options,
    )
    return sound(Result(done.returncode, done.stdout, done.stderr))


def sound(result: Result) -> Result:
    """The result; no mistake of a user, and none of ours, ends in a traceback."""
    assert "Traceback" not in result.stderr, result.stderr
    assert "mistake in tariff" not in result.stderr or result.code == 5
    return result


def together(*commands: Iterable[object]) -> list[Result]:
    """Several commands: the results in the order given."""
    return [tariff(*arguments) for arguments in commands]


def ran(result: Result, code: int = 0) -> Result:
    """The result, which must have this exit code."""
    assert result.code == code, f"exit {result.code}, not {code}\n{result.stdout}{result.stderr}"
    return result


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def write_rows(
    path: Path, rows: Iterable[Mapping[str, object]], columns: Iterable[str] | None = None
) -> Path:
    """A CSV file of these rows; the columns are those of the first."""
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(
            handle, list(columns or rows[0]), extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    return path


def left(folder: Path) -> set[str]:
    """The names in a folder, hidden ones too; none where it is not there."""
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


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


def cut_gzip(source: Path) -> Path:
    packed = gzip.compress(source.read_bytes())
    return text_file(source.with_name("bad.csv.gz"), packed[: len(packed) // 2])
